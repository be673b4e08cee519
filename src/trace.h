#pragma once
#include "task.h"
/* ===========================================================================
 * trace: what each task does, told to a function of yours as it happens. Not
 * a recorder (record.h has one), and not for finding mistakes: ASYNC_DEBUG is.
 *
 * With ASYNC_TRACE 0, nothing of it is in the program. With 1, the loop tells
 * of each step in the life of a task:
 *
 *     SPAWN  RESUME SUSPEND  WAKE RESUME SUSPEND  ...  RESUME DONE
 *
 * Only one task of a loop is between RESUME and its SUSPEND or DONE. A task
 * that suspended to wait gets a WAKE before it goes on, or a STRIKE; one that
 * yielded or polls is ready all the time, and goes on without.
 * ======================================================================== */

/* The points. What an event's `what`, `on`, `by` and `value` are at each:
 *
 *   SPAWN    `what` is the file and `value` the line of the async_spawn, `by`
 *            the task that called it
 *   RESUME   -
 *   SUSPEND  `what` is the operation, as async_dump names it ("async_sleep",
 *            "async_lock_acquire"), `on` the object that it waits for (a
 *            pointer, a descriptor as one, NULL), `value` 1; or, with `value`
 *            0, `what` is "yield" or "poll", and the task stays ready
 *   WAKE     it is granted what it waits for; `what` is who does it: "task",
 *            whose number is in `by`; or "timer", "descriptor", "irq", "thread"
 *            (an offload is done), "call" (a timed call's function), "close"
 *            (the loop cancels what is left), "outside" (the loop does not run)
 *   STRIKE   the same for a cancel, or a deadline of a scope ("timeout"), that
 *            strikes a task out of its wait
 *   DONE     `value` is the result or error; wakes of its joiners follow, and
 *            of who else is told by a callback
 */
enum {
    ASYNC_TRACE_SPAWN = 1, ASYNC_TRACE_RESUME, ASYNC_TRACE_SUSPEND,
    ASYNC_TRACE_WAKE, ASYNC_TRACE_STRIKE, ASYNC_TRACE_DONE
};

/* What has happened. Texts are constants of the program, and stay. */
typedef struct async_trace_event {
    unsigned char point;
    int value;
    uint32_t id;                /* the number of the task's spawn, from 1 on: */
    uint32_t by;                /* no two of a thread are alike; 0: no task */
    async_ticks time;           /* of ASYNC_CLOCK, not of the turn */
    const async_loop *loop;
    const async_task *task;     /* after DONE its memory may be another's */
    const char *name;           /* the entry, as async_spawn was given it; or
                                   what async_set_name says */
    const char *what;
    const void *on;
} async_trace_event;

/* A function that is told, and what it needs around it. */
typedef struct async_tracer async_tracer;
typedef void (*async_tracer_fn)(async_tracer *tracer,
                                const async_trace_event *event);
struct async_tracer {
    async_tracer_fn fn;
};

/* Tell `tracer` from here on; NULL: nobody. With a loop: of the tasks of that
 * one, from async_loop_open on (which forgets it) to its end. With NULL for the
 * loop: of all loops of this thread that have none of their own, so of
 * async_run's, too, if it is called before that. Returns the one before.
 *
 * The tracer stays where it is until another is set. Its fn is called in the
 * middle of the scheduler. It may read the task, set an output, write to a
 * buffer, a file or a UART; of the library it may call async_trace_to,
 * async_strerror, async_irq_raise, and what record.h has: no operation, no
 * spawn, cancel or wake, nor async_now. It takes the time of all tasks.
 * Loop's thread. In a build without ASYNC_TRACE it does nothing: NULL. */
#if ASYNC_TRACE
#define async_trace_to ASYNC_ABI_(async_trace_to)
ASYNC_API async_tracer *async_trace_to(async_loop *loop, async_tracer *tracer);
#else
ASYNC_INLINE_ async_tracer *async_trace_to(async_loop *loop,
                                           async_tracer *tracer)
{
    (void)loop;
    (void)tracer;
    return NULL;
}
#endif

/* Call a task something else than its entry: a text that stays, such as a
 * constant. After its spawn, which names it anew; for async_dump, what a debug
 * build says, and the trace. In other builds, or for NULL, nothing. Loop's
 * thread. */
ASYNC_INLINE_ void async_set_name(async_task *task, const char *name)
{
#if ASYNC_NAMED_
    if (task != NULL && name != NULL) {
        task->name = name;
    }
#else
    (void)task;
    (void)name;
#endif
}

/* ---- for the loop -------------------------------------------------------- */

/* One line at each point. And what brings the wakes that follow: until a task
 * is resumed, and then it is that. */
#if ASYNC_TRACE
typedef struct async_tracing_ {
    async_tracer *tracer;
    const char *from;
    uint32_t by;
} async_tracing_;
#define async_trace_ ASYNC_ABI_(async_trace)
ASYNC_API void async_trace_(async_loop *loop, async_task *task, int point);
ASYNC_API void async_trace_from_(async_loop *loop, const char *from);
#define ASYNC_TRACE_(loop, task, point) \
    async_trace_((loop), (task), ASYNC_TRACE_##point)
#define ASYNC_TRACE_OPEN_(loop) \
    ((void)((loop)->tracing.tracer = NULL), \
     async_trace_from_((loop), "outside"))
#define ASYNC_TRACE_READY_(loop, task, state) \
    async_trace_((loop), (task), (state) == ASYNC_STRUCK_ \
                 ? ASYNC_TRACE_STRIKE : ASYNC_TRACE_WAKE)
#define ASYNC_TRACE_FROM_(loop, from) async_trace_from_((loop), (from))
#else
#define ASYNC_TRACE_(loop, task, point) ((void)0)
#define ASYNC_TRACE_OPEN_(loop) ((void)0)
#define ASYNC_TRACE_READY_(loop, task, state) ((void)0)
#define ASYNC_TRACE_FROM_(loop, from) ((void)0)
#endif

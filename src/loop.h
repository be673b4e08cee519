#pragma once
#include "task.h"
#include "timer.h"
#include "trace.h"
/* ===========================================================================
 * loop: the executor. It runs ready tasks in turns, first in first out, and
 * sleeps when there are none.
 *
 * A turn: look at what came from outside (irqs, descriptors), wake whose time
 * has come, then run once each task that was ready at that moment. Whatever
 * becomes ready meanwhile waits for the next turn. Hence fairness, in four
 * lines: a task that yields for ever runs once a turn, so the others run as
 * often; timers and descriptors are looked at every turn, so neither a
 * yielding task nor a crowd of ready ones can keep them waiting for more than
 * one; and a busy descriptor gives way after a few operations (fd.h).
 *
 * The ready queue and the timers are touched by the loop's own thread alone,
 * never by an interrupt. That is why they need no critical section, and where
 * the speed of a switch comes from. The one way in from outside is irq.h.
 * ======================================================================== */

struct async_irq;
struct async_call;

/* With ASYNC_PREFETCH, a node in the ready queue knows in `prev`, which it does
 * not need there, the one that comes so many after it. When a task is run, the
 * memory of that one is asked for. Only those that were appended since the
 * turn began are told: they are in the queue, the others may be gone. */
enum { ASYNC_AHEAD_ = 32 };

struct async_loop {
    async_node *head;           /* ready queue: the oldest, */
    async_node **tail;          /* and where to append; &head: it is empty */
    async_list *lists;          /* wait lists in which somebody waits */
    struct async_irq *irqs;     /* irqs for which somebody waits */
    const async_task *until;    /* the run ends when this one is done, */
    int result;                 /* with this, if it is not pending */
    unsigned alive;             /* tasks spawned and not done */
    bool stop;                  /* after this turn */
    bool running;               /* inside a run or a step of it */
#if !ASYNC_HOSTED
    bool closing;               /* its tasks are being cancelled, all of them */
    volatile unsigned char notified;    /* an irq was raised: look at irqs */
#if !ASYNC_WHOLE_
    void (*unpark)(async_task *task);   /* see ASYNC_HOOK_ */
    void (*tell)(async_task *task, int result);
    void (*dispatch)(async_loop *loop);
#endif
#else
    bool fresh;
    async_ticks now;            /* the time of this turn, if `fresh` */
    volatile unsigned notified;
    unsigned char round;        /* closing: tasks spawned from here on */
    unsigned left;              /* closing: tasks of earlier rounds */
    unsigned appended;          /* since the turn began: see ASYNC_PREFETCH */
    async_node *ago[ASYNC_AHEAD_];  /* the last of those */
    async_node nobody;
    struct async_fds *fds;      /* what it knows of descriptors, or NULL */
    unsigned known;             /* and of which: those below */
    unsigned waiting;           /* tasks in rings of them, or struck there */
#endif
    async_timers timers;
#if ASYNC_TRACE
    async_tracing_ tracing;
#endif
#if ASYNC_DEBUG
    async_task *all;            /* every task that is not done */
    struct async_call *calls;   /* every call that is pending */
    async_ticks began;          /* the running step: when, and where */
    const char *from_file;
    int from_line;
    const void *stack;          /* of the run: what tasks call is below it */
#endif
};

/* async_run(fn, frame): run fn(frame) as the main task of a loop of its own,
 * to its end; then cancel the tasks that are left, let them clean up, and
 * return main's result or error. The loop is on the C stack.
 *
 * ASYNC_EBUSY inside a running loop (await the coroutine instead), and
 * ASYNC_EDEADLK when main waits for something that nothing can bring about:
 * nothing is ready, no timer runs, no descriptor or irq is waited for. Debug
 * builds then print who waits for what. Call it from ordinary code. */
#define async_run(fn, frame) \
    async_run_(ASYNC_ENTRY_(fn, frame), (frame) ASYNC_RUN_NAME_(#fn))
#if ASYNC_NAMED_
#define ASYNC_RUN_NAME_(name) , name, __FILE__, __LINE__
#else
#define ASYNC_RUN_NAME_(name)
#endif
#define async_run_ ASYNC_ABI_(async_run)
ASYNC_API int async_run_(async_fn fn, void *frame
#if ASYNC_NAMED_
                         , const char *name, const char *file, int line
#endif
);

/* Make `loop`, in the caller's memory, an empty loop. It becomes the current
 * one of this thread if there is none. 0 or an error; ASYNC_EINVAL for NULL. */
#define async_loop_open_ ASYNC_ABI_(async_loop_open)
#define async_loop_open_sure_ ASYNC_ABI_(async_loop_open_sure)
ASYNC_API int async_loop_open_(async_loop *loop);
ASYNC_API int async_loop_open_sure_(async_loop *loop);

ASYNC_ALONE_ int async_loop_open(async_loop *loop)
{
    return ASYNC_KNOWN_(loop != NULL) ? async_loop_open_sure_(loop)
                                      : async_loop_open_(loop);
}

/* Run until the task `until` is done, and return its result; with NULL until
 * no task is left, and return 0. Other tasks stay as they are and go on at
 * the next run. ASYNC_EINTR when async_loop_stop came first, ASYNC_EDEADLK as
 * above, ASYNC_EBUSY inside a running loop, ASYNC_EINVAL for NULL. */
#define async_loop_run_ ASYNC_ABI_(async_loop_run)
#define async_loop_run_until_ ASYNC_ABI_(async_loop_run_until)
ASYNC_API int async_loop_run_(async_loop *loop);
ASYNC_API int async_loop_run_until_(async_loop *loop, const async_task *until);

ASYNC_ALONE_ int async_loop_run(async_loop *loop, const async_task *until)
{
    return ASYNC_KNOWN_(loop != NULL && until == NULL)
        ? async_loop_run_(loop) : async_loop_run_until_(loop, until);
}

/* One turn that never blocks, for a super-loop, an RTOS task or a GUI. The
 * time until it is to be called again, in ticks: 0 when tasks are ready,
 * ASYNC_NEVER when no deadline is set, so that only an irq, a descriptor or
 * the caller can bring work. Negative never. With NULL, or called by a task or
 * a callback of that loop, it does nothing and returns ASYNC_NEVER; a debug
 * build traps. */
#define async_loop_step ASYNC_ABI_(async_loop_step)
ASYNC_API async_duration async_loop_step(async_loop *loop);

/* Let async_loop_run return at the end of this turn. A stop while the loop
 * does not run is remembered for the next run. Same thread only. */
ASYNC_API void async_loop_stop(async_loop *loop);

/* Cancel every task of the loop and run it until they are gone. 0, or
 * ASYNC_EBUSY inside a running loop, a task of another one included, or
 * ASYNC_EDEADLK if some wait in their cleanup for what nothing can bring. */
ASYNC_API int async_loop_cancel_all(async_loop *loop);

/* Give back what the loop holds (descriptors of its own; no memory). 0, or
 * ASYNC_EBUSY if it runs, or if tasks are left: they stay where they are and
 * must not be woken any more. It is no longer the current loop. It waits for
 * functions that threads run for tasks of it: see offload.h. */
ASYNC_API int async_loop_close(async_loop *loop);

/* Make `loop` the current one of this thread, the one that async_spawn and
 * operations mean; NULL for none. Returns the one before. */
ASYNC_API async_loop *async_loop_use(async_loop *loop);

/* async_dump(): in a debug build, say of every task of the current loop which
 * one it is, what it waits for, since when, and the chain of awaits that led
 * there, with file and line: through ASYNC_WARN, one call for each. In a
 * release build nothing. From a task or callback of the loop, between its
 * runs, or by hand in a debugger that stopped there: `call async_dump()`.
 * async_dump_task(task) is about that one; NULL for the running one. */
#if ASYNC_DEBUG
ASYNC_API void async_dump(void);
ASYNC_API void async_dump_task(const async_task *task);
#else
#define async_dump() ((void)0)
#define async_dump_task(task) ((void)(task))
#endif

/* ---- for the operations ------------------------------------------------- */

/* On a microcontroller the loop reaches what only some programs use through
 * pointers, which the first use sets: so what a program never calls is not
 * linked either. (Where the compiler sees the whole program, it is called, or
 * known not to be: see ASYNC_USED_.) */
ASYNC_API void async_unpark_(async_task *task);
ASYNC_API void async_tell_(async_task *task, int result);
ASYNC_API void async_irq_dispatch_(async_loop *loop);
ASYNC_FEATURE_(parks)           /* waiting for something else than a time */
ASYNC_FEATURE_(unpark)          /* waiting in lists and rings */
ASYNC_FEATURE_(tell)            /* joins, done callbacks */
ASYNC_FEATURE_(dispatch)        /* irqs */
ASYNC_FEATURE_(alarms)          /* deadlines, calls */
ASYNC_FEATURE_(scopes)          /* deadlines, groups */
ASYNC_FEATURE_(strikes)         /* cancels, deadlines */
ASYNC_FEATURE_(running)         /* steps of the loop, its close */
ASYNC_FEATURE_(stops)           /* of the loop */
ASYNC_FEATURE_(until)           /* runs until a task is done */
ASYNC_FEATURE_(closing)         /* cancelling all tasks of a loop */
#if ASYNC_HOSTED
#define ASYNC_HOOK_(loop, name, function) ((void)0)
#define ASYNC_HOOKED_(loop, name, function) function
#elif ASYNC_WHOLE_
#define ASYNC_HOOK_(loop, name, function) ASYNC_USE_(name)
#define ASYNC_HOOKED_(loop, name, function) function
#else
#define ASYNC_HOOK_(loop, name, function) ((void)((loop)->name = (function)))
#define ASYNC_HOOKED_(loop, name, function) (loop)->name
#endif

#if ASYNC_DEBUG
ASYNC_API void async_debug_misuse_(const char *operation, const char *what);
#endif

/* Append a task that is in no queue to the ready queue: O(1). The queue ends
 * where `tail` points, and what stands there is of no meaning. */
ASYNC_INLINE_ void async_ready_(async_loop *loop, async_task *task)
{
#if ASYNC_PREFETCH
    async_node **ago = &loop->ago[loop->appended++ % ASYNC_AHEAD_];

    (*ago)->prev = &task->timer.node;
    *ago = &task->timer.node;
#endif
    *loop->tail = &task->timer.node;
    loop->tail = &task->timer.node.next;
}

/* The same for the current loop, in a function of its own where it takes some
 * steps to move a pointer. 0, for who ends so. */
#if ASYNC_8BIT_
ASYNC_STEP_ int async_append_(async_task *task)
{
    async_ready_(async_this_loop_, task);
    return 0;
}
#define ASYNC_APPEND_(loop, task) async_append_(task)
#else
#define ASYNC_APPEND_(loop, task) (async_ready_((loop), (task)), 0)
#endif

/* Is a loop running in this thread: this one, or the current one, or one that
 * was current when it called a task? On a microcontroller any one. */
#if ASYNC_HOSTED
#define ASYNC_RUNS_(loop) ((loop) != NULL && (loop)->running)
#define ASYNC_BUSY_(loop) \
    (ASYNC_RUNS_(loop) || async_this_task_ != NULL \
     || ASYNC_RUNS_(async_this_loop_))
#define ASYNC_SET_BUSY_(to) ((void)0)
#else
#define ASYNC_BUSY_(loop) ((void)(loop), async_this_.busy)
#define ASYNC_SET_BUSY_(to) ((void)(async_this_.busy = (to)))
#endif

#define ASYNC_NONE_READY_(loop) ((loop)->tail == &(loop)->head)

/* Put a parked task in the ready queue, in that state, with that result. */
ASYNC_STEP_ void async_ready_as_(async_task *task, int result,
                                 async_mark_ state)
{
    task->timer.u.result = result;
    async_set_state_(task, state);
    ASYNC_TRACE_READY_(async_this_loop_, task, state);
    (void)ASYNC_APPEND_(async_this_loop_, task);
}

/* Grant a parked task what it waits for, with the result of its operation.
 * The caller has taken it out of its list, or does so at once. */
ASYNC_INLINE_ void async_wake_(async_task *task, int result)
{
#if ASYNC_DEBUG
    if (task->loop != async_this_loop_) {
        async_debug_misuse_("a wake", "the task that waits is another loop's");
    }
#endif
    async_ready_as_(task, result, ASYNC_READY_);
}

/* What the queue does with a timer that is due. */
ASYNC_INLINE_ void async_timer_expires_(async_timer *timer, async_ticks now)
{
    if (ASYNC_USED_(alarms)
        && ASYNC_UNLIKELY_(timer->node.state == ASYNC_ALARM_)) {
        async_alarm_ *alarm = (async_alarm_ *)(void *)timer;

        alarm->fire(alarm, now);
    } else {
        ASYNC_TRACE_FROM_(async_this_loop_, "timer");
        async_wake_(ASYNC_TASK_(timer), 0);
    }
}

/* Wake the oldest waiter of a list; false when nobody waits. */
ASYNC_API bool async_wake_one_(async_list *list, int result);

/* Park the running task in a list / in a ring that its owner knows (or none,
 * with NULL), in that state: ASYNC_PENDING. Say ASYNC_WAITS_ before. */
ASYNC_API async_status async_park_(async_list *list);

/* The operation has suspended: the memory that it will look at again (a thread
 * of it: at any time) must not be a local variable of the coroutine. */
#if ASYNC_DEBUG
ASYNC_API void async_debug_lasts_(const char *operation, const void *memory,
                                  bool thread);
#define ASYNC_LASTS_(operation, memory, thread) \
    async_debug_lasts_((operation), (memory), (thread))
#else
#define ASYNC_LASTS_(operation, memory, thread) ((void)0)
#endif

/* For the debugger and the trace: the operation that is about to park the
 * running task, and the object it waits for. Nothing in other builds. */
#if ASYNC_NAMED_
#define ASYNC_WAITS_(what, object) \
    ((void)(async_this_task_->waits = (what), \
            async_this_task_->on = (object)))
#else
#define ASYNC_WAITS_(what, object) ((void)0)
#endif
#if ASYNC_DEBUG
#define ASYNC_LEAF_(task) ((task)->leaf = async_innermost_)
#else
#define ASYNC_LEAF_(task) ((void)0)
#endif

ASYNC_ALONE_ async_status async_link_(async_node **ring, unsigned state)
{
    async_task *task = async_this_task_;

    task->timer.u.ring = ring;
    ASYNC_USE_(parks);
    if (ring != NULL) {
        ASYNC_HOOK_(async_this_loop_, unpark, async_unpark_);
        async_ring_append_(ring, &task->timer.node);
    }
    async_set_state_(task, state);
    ASYNC_LEAF_(task);
    return ASYNC_PENDING;
}

/* Is a strike to be delivered to this task? */
#define ASYNC_STRUCK_P_(task) \
    (ASYNC_USED_(strikes) && ((task)->timer.node.state & ASYNC_STRIKE_) != 0)

/* Deliver the strike: ASYNC_CANCEL, to be returned by the operation. */
ASYNC_API async_status async_deliver_(async_task *task);

/* Strike a task that is parked out of its wait. Flags are the caller's. */
ASYNC_API void async_strike_(async_task *task);

/* The whole operation of waiting in a list: granted, struck or parked. */
ASYNC_API async_status async_wait_(async_list *list);

/* Was the running task granted what this operation parked it for? If so the
 * operation is over. */
ASYNC_INLINE_ bool async_granted_(async_task *task)
{
    if (async_state_(task) != ASYNC_READY_) {
        return false;
    }
    async_set_state_(task, ASYNC_RUNNING_);
    return true;
}

/* The running task, for an operation; a debug build names one that is called
 * where there is none, or while another one is under way. */
#if ASYNC_DEBUG
ASYNC_INLINE_ async_task *async_self_in_(const char *operation)
{
    if (async_this_task_ == NULL) {
        async_debug_misuse_(operation, "called outside a task");
    } else if (async_state_(async_this_task_) >= ASYNC_WAITING_) {
        async_debug_misuse_(operation, "called while another operation is "
                            "under way, which was started but not awaited");
    }
    return async_this_task_;
}
#define async_self_() async_self_in_(__func__)
#else
#define async_self_in_(operation) async_this_task_
#define async_self_() async_this_task_
#endif

/* The same as async_set_state_, but in one store where nothing ever hangs over
 * a task: for the way of a yield. */
ASYNC_INLINE_ void async_set_clear_(async_task *task, async_mark_ state)
{
    if (ASYNC_USED_(strikes)) {
        async_set_state_(task, state);
    } else {
        task->timer.node.state = state;
    }
}

/* The running task yields: the loop will queue it. On a microcontroller it has
 * granted itself a 0, so that nobody need ask which of the two it was. */
ASYNC_INLINE_ void async_set_yielded_(async_task *task)
{
#if !ASYNC_HOSTED
    task->timer.u.result = 0;
#endif
    async_set_clear_(task, ASYNC_YIELDED_);
}

/* The operation completes: whatever the task was resumed for, it is over. */
ASYNC_INLINE_ async_status async_settle_(async_task *task, async_status rc)
{
    async_set_state_(task, ASYNC_RUNNING_);
    return rc;
}

/* Was this task granted what it waited for, or struck? If so, an operation that
 * has nothing of its own to look at is over, each time that it is evaluated:
 * with the result, or with ASYNC_CANCEL, which delivers the strike. */
#define ASYNC_OVER_P_(task) \
    (((task)->timer.node.state \
      & (ASYNC_GRANTED_ | (ASYNC_USED_(strikes) ? ASYNC_STRIKE_ : 0))) != 0)

ASYNC_INLINE_ async_status async_over_(async_task *task)
{
    async_mark_ state = task->timer.node.state;

    if (ASYNC_USED_(strikes) && (state & ASYNC_GRANTED_) == 0) {
        return async_deliver_(task);
    }
    async_set_clear_(task, ASYNC_RUNNING_);
    return ASYNC_HOSTED && state < ASYNC_READY_ ? 0 : task->timer.u.result;
}

/* All of async_yield; the function below is what is usual of it. In a library
 * that is to be small it stands for async_over_, too. */
ASYNC_API async_status async_yield_(void);
#if ASYNC_FAST_ || ASYNC_WHOLE_
#define ASYNC_OVER_(task) async_over_(task)
#else
#define ASYNC_OVER_(task) async_yield_()
#endif

/* AWAIT(async_yield()): let every other ready task run first. Task only. */
ASYNC_INLINE_ ASYNC async_yield(void)
{
#if ASYNC_FAST_
    async_task *task = async_self_();

    if (ASYNC_LIKELY_(task->timer.node.state == ASYNC_YIELDED_)) {
        task->timer.node.state = ASYNC_RUNNING_;
        return 0;
    }
    if (ASYNC_LIKELY_(task->timer.node.state == ASYNC_RUNNING_)) {
        async_set_yielded_(task);
        return ASYNC_PENDING;
    }
#endif
    return async_yield_();
}

#pragma once
#include "coroutine.h"
#include "list.h"
#include "ticks.h"
/* ===========================================================================
 * task: the unit of scheduling, and what a coroutine may ask about one.
 *
 * A task is a coroutine that the loop drives. It lives in the caller's memory:
 * zeroed memory is a fresh task, a finished one may be spawned again or freed.
 *
 * States of a task, and who makes each arrow:
 *
 *               1 spawn           2 first run
 *   IDLE/DONE ----------> NEW -------------------> RUNNING <-----------.
 *       ^                  |                       | | | |             |
 *       |                  | 2 if it was           | | | |4 polls      |
 *       |                  |   cancelled           | | | '---(queue)---|
 *       |                  v                       | | |               |
 *       '--------------- finish <------------------' | |5 yields       |
 *                          3 returned a result       | '-> YIELDED ----|
 *                            or an error            6|                 |
 *                                           parks    v                 |
 *            WAITING, LINKED, JOINING, SLEEPING, DEAF                  |
 *                      |                |  7 wake: granted             |
 *                      |                '-----------------> READY -----|
 *                      |  8 strike (never DEAF)                        |
 *                      '----------------------------------> STRUCK ----'
 *                                                             9 settle
 *
 *   1 async_spawn_  2 async_begin_  3 async_finish_  4 async_run_ready_, for
 *   a task that returned PENDING without parking  5 async_yield  6 async_park_,
 *   async_link_  7 async_wake_  8 async_strike_, from async_cancel or from a
 *   deadline  9 the operation, evaluated again by the task's resume: it takes
 *   what was granted, or says how it ended.
 *
 *   NEW, YIELDED, READY and STRUCK tasks are in the ready queue, and so is a
 *   RUNNING one that polls. TOLD: READY, as the descriptor of u.ring has bytes
 *   (fd.h). WAITING: in an async_list. LINKED: in a ring or a slot that its
 *   owner knows (an irq, a descriptor). JOINING: in the ring of the task that
 *   it joins. SLEEPING: in the timer queue. DEAF: in a list or a ring, where
 *   strikes do not disturb it.
 *
 * Every operation obeys one rule, each time it is evaluated:
 *   1. granted, or possible right now: take it, and go on;
 *   2. else if the task has been struck: leave with ASYNC_CANCEL;
 *   3. else park, and return ASYNC_PENDING.
 * A strike is a cancellation or a deadline of the task's own. So it hits the
 * next await that would suspend, once, and nothing granted is ever lost.
 * ======================================================================== */



typedef struct async_task async_task;
typedef struct async_loop async_loop;

/* What a task runs. An entry may take a pointer to its own struct instead of
 * the void pointer; async_spawn checks that the frame it is given fits. */
typedef async_status (*async_fn)(void *frame);

/* ---- from here to "tasks", for the library's own use --------------------- */

/* The state in the high bits: so to ask for one of the first few, or the last,
 * is one comparison, whatever hangs over the task. */
enum {
    ASYNC_IDLE_ = 0x00, ASYNC_DONE_ = 0x10, ASYNC_NEW_ = 0x20,
    ASYNC_RUNNING_ = 0x30, ASYNC_YIELDED_ = 0x40, ASYNC_READY_ = 0x50,
    ASYNC_TOLD_ = 0x60,
    ASYNC_STRUCK_ = 0x80,
    ASYNC_WAITING_ = 0x90, ASYNC_LINKED_ = 0xa0, ASYNC_JOINING_ = 0xb0,
    ASYNC_SLEEPING_ = 0xc0, ASYNC_DEAF_ = 0xd0,
    /* nodes that are no tasks */
    ASYNC_UNARMED_ = 0x10, ASYNC_ALARM_ = 0xe0, ASYNC_WATCH_ = 0xf0,
    ASYNC_STATE_ = 0xf0,
    ASYNC_GRANTED_ = 0x40,      /* of the states of a task that runs, those of
                                 * one that has what it waited for */
    /* what hangs over a task, beside its state */
    ASYNC_FLAGS_ = 0x0f,
    ASYNC_STRIKE_ = 0x01,       /* something of the following is undelivered */
    ASYNC_PENDING_ = 0x02,      /* a cancel, undelivered */
    ASYNC_CANCELED_ = 0x04,     /* a cancel came inside the innermost scope */
    ASYNC_FORWARDED_ = 0x08     /* the strike was passed on to a joined task */
};

/* A wait list that its loop can find for as long as somebody waits in it: so
 * a loop that ends finds every task without keeping a list of all. */
typedef struct async_list {
    async_node *tail;
    struct async_list *next;
#if ASYNC_BACKLINKS
    struct async_list **back;
#endif
} async_list;

/* A node with a time. A task needs the second word for one thing at once. */
typedef struct async_timer {
    async_node node;
    union {
        async_ticks deadline;   /* SLEEPING, or STRUCK while it slept */
        async_node **ring;      /* WAITING, LINKED, JOINING, TOLD; or NULL */
        int result;             /* READY, DONE */
        async_fn entry;         /* NEW */
        size_t *done;           /* RUNNING, in async_write_all */
    } u;
} async_timer;

/* ---- tasks --------------------------------------------------------------- */

struct async_task {
    async_timer timer;
    async_fn fn;
    void *frame;
    async_node *joiners;        /* a ring of tasks and watches */
    struct async_scope_ *scopes; /* the innermost, see scope.h */
#if ASYNC_NAMED_
    const char *name;
    const char *file;
    int line;
    const char *waits;          /* the operation it waits in */
    const void *on;             /* the object it waits for */
#endif
#if ASYNC_TRACE
    uint32_t id;
#endif
#if ASYNC_DEBUG
    async_ticks since;          /* when it was suspended */
    async_frame *leaf;          /* the innermost coroutine of its chain */
    async_task *all_next, *all_prev;
    async_loop *loop;
#endif
};

/* A done callback. Put one where it lives as long as the task, usually in the
 * same struct. */
typedef struct async_watch async_watch;
typedef void (*async_watch_fn)(async_watch *watch, async_task *task);
struct async_watch {
    async_node node;
    async_watch_fn fn;
};

/* async_spawn(task, fn, frame): start fn(frame) as a task of the running
 * loop. It first runs at the caller's next suspension, after all that is
 * ready already. `task` is zeroed or finished memory, as is the frame, and
 * both stay where they are until the task is done. `fn` takes a void pointer,
 * or the very type of `frame`: another type is a compile-time warning, in C++
 * an error.
 *
 * 0, or ASYNC_EALREADY when the task runs already (a trap in debug builds),
 * or ASYNC_EPERM when no loop is current. A debug build tells of an error in
 * which the task ends and that nobody takes: by a join or another wait for it,
 * in a group, by async_result, or with a done callback.
 * Call it from a task or a callback of the loop, or, after async_loop_open,
 * from outside before the loop runs. Constant time, some 20 instructions. */
#if ASYNC_NAMED_
#define async_spawn(task, fn, frame) \
    async_spawn_to_((task), ASYNC_ENTRY_(fn, frame), (frame), #fn, \
                    __FILE__, __LINE__)
#else
#define async_spawn(task, fn, frame) \
    async_spawn_to_((task), ASYNC_ENTRY_(fn, frame), (frame))
#endif

/* The same for a loop that is not the current one: before it first runs, or
 * between its steps. Not from another thread: async_irq is the way in. */
#if ASYNC_NAMED_
#define async_loop_spawn(loop, task, fn, frame) \
    async_loop_spawn_((loop), (task), ASYNC_ENTRY_(fn, frame), (frame), #fn, \
                      __FILE__, __LINE__)
#else
#define async_loop_spawn(loop, task, fn, frame) \
    async_loop_spawn_((loop), (task), ASYNC_ENTRY_(fn, frame), (frame))
#endif

/* What the spawned one is called. */
#if ASYNC_NAMED_
#define ASYNC_NAMES_(task, name_, file_, line_) \
    ((void)((task)->name = (name_), (task)->file = (file_), \
            (task)->line = (line_), (task)->waits = NULL, (task)->on = NULL))
#else
#define ASYNC_NAMES_(task, name_, file_, line_) ((void)0)
#endif

/* Type-checks the pair without evaluating it, then forgets the type. */
#define ASYNC_ENTRY_(fn, frame) \
    ((void)sizeof((fn)(frame)), (async_fn)(void (*)(void))(fn))

#if ASYNC_NAMED_
#define ASYNC_NAME_PARAMETERS_ , const char *name, const char *file, int line
#define ASYNC_NAME_ARGUMENTS_ , name, file, line
#else
#define ASYNC_NAME_PARAMETERS_
#define ASYNC_NAME_ARGUMENTS_
#endif

/* Which of two is called (here and below) is told by what the compiler knows:
 * a program that gives no pointer which might be NULL has no check of it. */
#define async_spawn_ ASYNC_ABI_(async_spawn)
#define async_spawn_sure_ ASYNC_ABI_(async_spawn_sure)
#define async_loop_spawn_ ASYNC_ABI_(async_loop_spawn)
ASYNC_API int async_spawn_(async_task *task, async_fn fn, void *frame
                           ASYNC_NAME_PARAMETERS_);
ASYNC_API int async_spawn_sure_(async_task *task, async_fn fn, void *frame
                                ASYNC_NAME_PARAMETERS_);
ASYNC_API int async_loop_spawn_(async_loop *loop, async_task *task, async_fn fn,
                                void *frame ASYNC_NAME_PARAMETERS_);

ASYNC_ALONE_ int async_spawn_to_(async_task *task, async_fn fn, void *frame
                                 ASYNC_NAME_PARAMETERS_)
{
    return ASYNC_KNOWN_(task != NULL && fn != NULL)
        ? async_spawn_sure_(task, fn, frame ASYNC_NAME_ARGUMENTS_)
        : async_spawn_(task, fn, frame ASYNC_NAME_ARGUMENTS_);
}

#define async_join ASYNC_ABI_(async_join)
#define async_shield ASYNC_ABI_(async_shield)
#define async_cancel_ ASYNC_ABI_(async_cancel)
#define async_cancel_sure_ ASYNC_ABI_(async_cancel_sure)
#define async_done ASYNC_ABI_(async_done)
#define async_result ASYNC_ABI_(async_result)
#define async_on_done ASYNC_ABI_(async_on_done)

/* AWAIT(async_join(task)): wait until the task is done; its result or its
 * error. Any number of tasks may join one, any number of times, also after
 * its end. A cancelled task ends with ASYNC_ECANCELED.
 *
 * When the joiner is cancelled (or a deadline of its own strikes), the strike
 * is passed on to the task, once, and the joiner goes on waiting: if the task
 * then ends cancelled, so does the join; if it ends otherwise, the join gives
 * its result and the strike hits the joiner's next await.
 * The task is one of the same loop (a debug build traps others: between loops
 * goes an async_irq). ASYNC_EDEADLK for the caller itself, or a task that
 * (through any number of joins) joins the caller; ASYNC_EINVAL for NULL or a
 * task that was never spawned. Task only. */
ASYNC_API ASYNC async_join(async_task *task);

/* AWAIT(async_shield(task)): the same, but a strike leaves the task alone and
 * fails at once. Task only. */
ASYNC_API ASYNC async_shield(async_task *task);

/* Strike a task: the await that it is suspended in, or the next one that would
 * suspend it, fails with ASYNC_CANCEL. Strikes coalesce until one is delivered;
 * a further one may then interrupt the cleanup. A task that has not run yet
 * never does: no finally of it runs either, so what a spawner acquired for it
 * is released by a done callback, or by whoever joins it. 1 if the strike
 * counts, 0 if the task is done already or was never spawned, ASYNC_EINVAL for
 * NULL. Task or callback of the same loop. */
ASYNC_API int async_cancel_(async_task *task);
ASYNC_API int async_cancel_sure_(async_task *task);

ASYNC_ALONE_ int async_cancel(async_task *task)
{
    return ASYNC_KNOWN_(task != NULL) ? async_cancel_sure_(task)
                                      : async_cancel_(task);
}

/* Is it finished? False for one never spawned. Any context of its loop. */
ASYNC_API bool async_done(const async_task *task);

/* The result or error of a finished task; ASYNC_PENDING while it is not. */
ASYNC_API int async_result(const async_task *task);

/* Call fn(watch, task) when the task ends: after its joiners were woken, in
 * the order of registration, as the last thing the loop does with it; the last
 * of the callbacks may free the task or spawn it again (unless a task that
 * joins it was struck in this very turn, and has yet to look). A task that is
 * done calls at once. 0, ASYNC_EINVAL for NULL or a task that was never
 * spawned, ASYNC_EALREADY for a watch (zeroed or called memory, like a task)
 * that is registered. A callback must not block, and cannot await. Task or
 * callback of the loop. */
ASYNC_API int async_on_done(async_task *task, async_watch *watch,
                            async_watch_fn fn);

/* The running task; NULL outside of one. Any context of the loop's thread. */
ASYNC_API async_task *async_current(void);

/* The awaitable of one's own awaitables: `return ready ? 0 : async_poll();`.
 * ASYNC_PENDING, and the task is resumed once a turn to look again; or
 * ASYNC_CANCEL when it has been struck. Outside a task always pending. */
ASYNC_API ASYNC async_poll(void);

/* ---- what operations are made of ---------------------------------------- */

/* The current loop, and its running task: of each thread its own. */
#ifdef ASYNC_STATIC
#define ASYNC_VARIABLE_ static ASYNC_THREAD
#else
#define ASYNC_VARIABLE_ ASYNC_EXTERN_C_ ASYNC_LOCAL_ ASYNC_THREAD
#endif
#if ASYNC_HOSTED
#define async_this_loop_ ASYNC_ABI_(async_this_loop)
#define async_this_task_ ASYNC_ABI_(async_this_task)
ASYNC_VARIABLE_ async_loop *async_this_loop_;
ASYNC_VARIABLE_ async_task *async_this_task_;
#else                           /* together: code has one address for both */
typedef struct async_this_type_ {
    async_loop *loop;
    async_task *task;
    bool busy;                  /* a loop is running, the current one or not */
} async_this_type_;
#define async_this_ ASYNC_ABI_(async_this)
#define async_this_loop_ (async_this_.loop)
#define async_this_task_ (async_this_.task)
ASYNC_VARIABLE_ async_this_type_ async_this_;
#endif

#define ASYNC_TASK_(n) ((async_task *)(void *)(n))

/* The node's state, apart from what hangs over it. */
ASYNC_INLINE_ async_mark_ async_state_(const async_task *task)
{
    return (async_mark_)(task->timer.node.state & ASYNC_STATE_);
}

/* Is its state this one, or one before it? */
#define ASYNC_UP_TO_(task, which) \
    ((task)->timer.node.state < (which) + 0x10)

ASYNC_INLINE_ void async_set_state_(async_task *task, unsigned state)
{
    task->timer.node.state =
        (async_mark_)((task->timer.node.state & ASYNC_FLAGS_) + state);
}

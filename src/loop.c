/* ===========================================================================
 * loop: the turns in which tasks run, and what starts and stops them.
 * ======================================================================== */
#include "loop.h"
#include "scope.h"
#include "sleep.h"
#include "irq.h"
#include "port.h"
#include "debug.h"

/* ---- turns --------------------------------------------------------------- */

/* Between runs and steps, time goes on. */
static void async_rest_(async_loop *loop)
{
    loop->running = false;
#if ASYNC_HOSTED
    loop->fresh = false;
#endif
}

#if ASYNC_PREFETCH
/* A task, and its frame beside it, may stand in two lines of the cache. */
#define ASYNC_LINE_ 48

static void async_turn_begins_(async_loop *loop)
{
    unsigned i = loop->appended < ASYNC_AHEAD_ ? loop->appended : ASYNC_AHEAD_;

    while (i-- != 0) {
        loop->ago[i] = &loop->nobody;
    }
    loop->appended = 0;
}
#else
#define async_turn_begins_(loop) ((void)0)
#endif

/* Run once each task that is ready now; there is one. The queue is cut where it ends at
 * this moment; what becomes ready meanwhile starts the next one. */
ASYNC_HOT_ void async_run_ready_(async_loop *loop)
{
    async_node *node = loop->head;
    async_node *next;
    async_node **end = loop->tail;

    loop->tail = &loop->head;
    async_turn_begins_(loop);
    for (;; node = next) {
        async_task *task = ASYNC_TASK_(node);
        async_status rc;

        next = node->next;
#if ASYNC_PREFETCH
        __builtin_prefetch(node->prev);
        __builtin_prefetch((void *)((uintptr_t)node->prev + ASYNC_LINE_));
#endif
        async_this_task_ = task;
#if ASYNC_DEBUG
        async_debug_resume_(loop, task);
#endif
        rc = task->fn(task->frame);
#if ASYNC_DEBUG
        async_debug_suspended_(loop, task);
#endif
        if (ASYNC_LIKELY_(rc == ASYNC_PENDING)) {
            /* It runs on next turn, unless it is parked. */
            if (ASYNC_LIKELY_(ASYNC_FAST_ && task->timer.node.state
                                             == ASYNC_YIELDED_)
                || ASYNC_UP_TO_(task, ASYNC_YIELDED_)) {
                async_ready_(loop, task);
            }
        } else {
#if ASYNC_DEBUG
            async_debug_returned_(task);
#endif
            async_finish_(loop, task, rc);
        }
        if (&node->next == end) {
            break;
        }
    }
}

/* Look at what an irq has announced, and wake whose time has come. True if
 * there was any: then time may have passed, too. */
static bool async_collect_(async_loop *loop)
{
    bool any = false;
    async_timer *timer;
    async_ticks now;

    if (ASYNC_ATOMIC_LOAD_(&loop->notified) != 0) {
        (void)ASYNC_ATOMIC_SWAP_(&loop->notified, 0);
        ASYNC_HOOKED_(dispatch, async_irq_dispatch_)(loop);
        any = true;
    }
    if (!ASYNC_TIMERS_EMPTY_(&loop->timers)) {
        now = async_now();
        while ((timer = async_timer_due_(&loop->timers, now)) != NULL) {
            any = true;
            if (timer->node.state == ASYNC_ALARM_) {
                async_alarm_ *alarm = (async_alarm_ *)(void *)timer;

                alarm->fire(alarm, now);
            } else {
                async_wake_(ASYNC_TASK_(timer), 0);
            }
        }
    }
    return any;
}

/* How long until something is due, seen from now: the turn took its time. */
static async_duration async_until_due_(async_loop *loop)
{
    async_ticks next, passed;

    if (!ASYNC_NONE_READY_(loop) || ASYNC_ATOMIC_LOAD_(&loop->notified) != 0) {
        return 0;
    }
    next = async_timer_next_(&loop->timers);
    if (next == ASYNC_NEVER) {
        return ASYNC_NEVER;
    }
    passed = (async_ticks)(ASYNC_CLOCK() - loop->timers.base);
#if ASYNC_TIMER_WHEEL           /* negative where the clock went back */
    next = (async_duration)(next - passed) > 0 ? next - passed : 0;
#else
    next = next > passed ? (async_ticks)(next - passed) : 0;
#endif
    return next < ASYNC_NEVER ? (async_duration)next : ASYNC_NEVER - 1;
}

#if ASYNC_HOSTED

/* The same, with what the port knows, after sleeping for at most `wait`. */
static void async_await_(async_loop *loop, async_duration wait)
{
    if (wait != 0 || loop->fds != NULL) {
        ASYNC_IDLE(loop, wait);
    }
    loop->fresh = false;
    (void)async_collect_(loop);
}

/* Nothing is ready: sleep until something may be. False if nothing can. */
static bool async_sleep_on_(async_loop *loop)
{
    async_duration wait = async_until_due_(loop);

    if (wait == ASYNC_NEVER && loop->irqs == NULL
        && !async_port_waits_(loop)) {
        return false;
    }
    async_await_(loop, wait);
    return true;
}

/* What there is to do before the next turn, some being ready. */
ASYNC_HOT_ void async_look_(async_loop *loop)
{
    if (loop->fds != NULL || ASYNC_ATOMIC_LOAD_(&loop->notified) != 0
        || !ASYNC_TIMERS_EMPTY_(&loop->timers)) {
        async_await_(loop, 0);
    } else {
        loop->fresh = false;
    }
}

#else

/* What there is to do before the next turn, some being ready. */
static void async_look_(async_loop *loop)
{
    if (loop->notified != 0 || !ASYNC_TIMERS_EMPTY_(&loop->timers)) {
        (void)async_collect_(loop);
    }
}

static bool async_sleep_on_(async_loop *loop)
{
    async_duration wait;

    if (async_collect_(loop)) {
        return true;
    }
    wait = (async_duration)async_timer_next_(&loop->timers);   /* from now */
    if (wait == ASYNC_NEVER && loop->irqs == NULL) {
        return false;
    }
    ASYNC_LOCK();
    if (loop->notified == 0) {
        ASYNC_IDLE(loop, wait);
    }
    ASYNC_UNLOCK();
    return true;
}

#endif

/* Turns until a stop; what that means is in loop->rc. */
ASYNC_API int async_turns_(async_loop *loop)
{
    loop->rc = ASYNC_EINTR;
    loop->running = true;
#if ASYNC_DEBUG
    loop->stack = ASYNC_STACK_;
#endif
    while (!loop->stop) {
        if (!ASYNC_NONE_READY_(loop)) {
            async_look_(loop);
        } else if (loop->alive == 0) {
            loop->rc = 0;
            break;
        } else if (!async_sleep_on_(loop)) {
            loop->rc = ASYNC_EDEADLK;
#if ASYNC_DEBUG
            async_debug_deadlock_(loop);
#endif
            break;
        } else if (!ASYNC_HOSTED || ASYNC_NONE_READY_(loop)) {
            continue;       /* hosted, it has just looked: no second call */
        }
        async_run_ready_(loop);
    }
    async_this_task_ = NULL;
    loop->stop = false;
    async_rest_(loop);
    return loop->rc;
}

ASYNC_API int async_loop_run(async_loop *loop, const async_task *until)
{
    async_loop *before = async_this_loop_;
    int rc;

    if (loop == NULL) {
        return ASYNC_EINVAL;
    }
    if (loop->running || async_this_task_ != NULL
        || (before != NULL && before->running)) {
        return ASYNC_EBUSY;
    }
    if (until != NULL && ASYNC_UP_TO_(until, ASYNC_DONE_)) {
#if ASYNC_DEBUG
        async_trail_taken_(until, ASYNC_BY_RESULT_);
#endif
        return async_state_(until) == ASYNC_DONE_ ? until->timer.u.result
                                                  : ASYNC_EINVAL;
    }
    async_this_loop_ = loop;
    loop->until = until;
    rc = async_turns_(loop);
    loop->until = NULL;
#if ASYNC_DEBUG
    async_trail_of_main_(loop);
#endif
    async_this_loop_ = before;
    return rc;
}

ASYNC_API async_duration async_loop_step(async_loop *loop)
{
    async_loop *before = async_this_loop_;
    async_task *task = async_this_task_;    /* of a loop that this interrupts */
#if ASYNC_DEBUG
    async_frame *innermost = async_innermost_;
#endif
    async_duration wait;

    if (loop == NULL || loop->running) {
#if ASYNC_DEBUG
        async_debug_misuse_("async_loop_step", "no loop, or one that runs");
#endif
        return ASYNC_NEVER;
    }
    async_this_loop_ = loop;
    loop->running = true;
#if ASYNC_DEBUG
    loop->stack = ASYNC_STACK_;
#endif
    async_look_(loop);
    if (!ASYNC_NONE_READY_(loop)) {
        async_run_ready_(loop);
    }
    async_rest_(loop);
    wait = async_until_due_(loop);
    async_this_task_ = task;
#if ASYNC_DEBUG
    async_innermost_ = innermost;
#endif
    async_this_loop_ = before;
    return wait;
}

ASYNC_API void async_loop_stop(async_loop *loop)
{
    if (loop != NULL) {
        loop->stop = true;
    }
}

/* ---- opening ------------------------------------------------------------- */

ASYNC_API int async_loop_open(async_loop *loop)
{
    if (loop == NULL) {
        return ASYNC_EINVAL;
    }
    loop->head = NULL;
    loop->tail = &loop->head;
    loop->running = false;
    loop->lists = NULL;
    loop->irqs = NULL;
    loop->until = NULL;
    loop->alive = 0;
    loop->stop = false;
    loop->notified = 0;
#if ASYNC_HOSTED
    loop->fresh = false;
    loop->round = 0;
    loop->left = 0;
    loop->fds = NULL;
    loop->known = 0;
#endif
#if ASYNC_DEBUG
    async_trail_closes_(loop);
    loop->all = NULL;
    loop->calls = NULL;
#endif
#if ASYNC_PREFETCH
    loop->appended = ASYNC_AHEAD_;
    async_turn_begins_(loop);
#endif
    async_timers_open_(&loop->timers, ASYNC_CLOCK());
    if (async_this_loop_ == NULL) {
        async_this_loop_ = loop;
    }
    return 0;
}

ASYNC_API async_loop *async_loop_use(async_loop *loop)
{
    async_loop *before = async_this_loop_;

    async_this_loop_ = loop;
    return before;
}

ASYNC_API int async_run_(async_fn fn, void *frame
#if ASYNC_DEBUG
                         , const char *name, const char *file, int line
#endif
                         )
{
    async_loop *before = async_this_loop_;
    async_loop loop;
    async_task task;
    int rc, err;

    if (async_this_task_ != NULL || (before != NULL && before->running)) {
        return ASYNC_EBUSY;
    }
    rc = async_loop_open(&loop);
    if (rc < 0) {
        return rc;
    }
    task.timer.node.state = ASYNC_IDLE_;
    async_this_loop_ = &loop;
    rc = async_spawn_(&loop, &task, fn, frame
#if ASYNC_DEBUG
                      , name, file, line
#endif
                      );
    if (rc == 0) {
        rc = async_loop_run(&loop, &task);
    }
    err = async_loop_cancel_all(&loop);
    if (err < 0 && rc >= 0) {
        rc = err;
    }
    err = async_loop_close(&loop);
    if (err < 0 && rc >= 0) {
        rc = err;
    }
    async_this_loop_ = before;
    return rc;
}

/* ===========================================================================
 * loop: the turns in which tasks run, and what starts and stops them.
 * ======================================================================== */
#include "loop.h"
#include "scope.h"
#include "sleep.h"
#include "irq.h"
#include "port.h"
#include "debug.h"
#include "sim.h"

/* ---- turns --------------------------------------------------------------- */

/* Between runs and steps, time goes on. */
static void async_rest_(async_loop *loop)
{
    if (ASYNC_USED_(running)) {
        loop->running = false;
    }
    ASYNC_TRACE_FROM_(loop, "outside");
#if ASYNC_HOSTED
    loop->fresh = false;
    async_port_rests_();
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

/* The end of a task: its joiners are woken, its callbacks called. */
ASYNC_ALONE_ void async_finish_(async_loop *loop, async_task *task,
                                 int result)
{
    if (result == ASYNC_CANCEL) {
        result = ASYNC_ECANCELED;
    }
    task->timer.u.result = result;
    task->timer.node.state = ASYNC_DONE_;
    ASYNC_TRACE_(loop, task, DONE);
    loop->alive--;
#if ASYNC_HOSTED
    if (task->timer.node.round != loop->round && --loop->left == 0) {
        async_loop_stop(loop);
    }
#endif
#if ASYNC_DEBUG
    async_debug_finish_(loop, task);
#endif
    if (ASYNC_USED_(until) && task == loop->until) {
        loop->result = result;          /* a callback may free the task */
        loop->stop = true;
    }
#if ASYNC_FAST_
    if (task->joiners != NULL && task->joiners->next == task->joiners
        && task->joiners->state != ASYNC_WATCH_) {
        async_node *joiner = task->joiners;

        task->joiners = NULL;
        async_wake_(ASYNC_TASK_(joiner), result);           /* just one */
        return;
    }
#endif
    if (ASYNC_USED_(tell) && task->joiners != NULL) {
        ASYNC_HOOKED_(loop, tell, async_tell_)(task, result);
    }
}

/* Run once each task that is ready now; there is one. The queue is cut where it
 * ends at this moment; what becomes ready meanwhile starts the next one. */
ASYNC_ALONE_ void async_run_ready_(async_loop *loop)
{
    async_node *node = ASYNC_TURN_(loop);
    async_node *next;
    async_node **end = loop->tail;

    loop->tail = &loop->head;
    async_turn_begins_(loop);
    for (;; node = next) {
        async_task *task = ASYNC_TASK_(node);
        async_status result;

        next = node->next;
#if ASYNC_PREFETCH
        __builtin_prefetch(node->prev);
        __builtin_prefetch((void *)((uintptr_t)node->prev + ASYNC_LINE_));
#endif
        async_this_task_ = task;
#if ASYNC_DEBUG
        async_debug_resume_(loop, task);
#endif
        ASYNC_TRACE_(loop, task, RESUME);
        result = task->fn(task->frame);
#if ASYNC_DEBUG
        async_debug_suspended_(loop, task);
#endif
        if (ASYNC_LIKELY_(result == ASYNC_PENDING)) {
            ASYNC_TRACE_(loop, task, SUSPEND);
            /* It runs on next turn, unless it is parked. */
            if (ASYNC_LIKELY_(ASYNC_UP_TO_(task, ASYNC_YIELDED_))) {
                async_ready_(loop, task);
            }
        } else {
#if ASYNC_DEBUG
            async_debug_returned_(task);
#endif
            async_finish_(loop, task, result);
        }
        if (&node->next == end) {
            break;
        }
    }
}

/* Look at what an irq has announced, and wake whose time has come. */
ASYNC_ALONE_ void async_collect_(async_loop *loop)
{
    if (ASYNC_USED_(dispatch) && ASYNC_ATOMIC_LOAD_(&loop->notified) != 0) {
        (void)ASYNC_ATOMIC_SWAP_(&loop->notified, 0);
        ASYNC_HOOKED_(loop, dispatch, async_irq_dispatch_)(loop);
    }
    if (!ASYNC_TIMERS_EMPTY_(&loop->timers)) {
        async_timers_expire_(loop, ASYNC_NOW_());
    }
}

/* How long until something is due, seen from now: the turn took its time. */
ASYNC_ALONE_ async_duration async_until_due_(async_loop *loop)
{
    if (ASYNC_USED_(dispatch) && ASYNC_ATOMIC_LOAD_(&loop->notified) != 0) {
        return 0;
    }
    return ASYNC_TIMERS_EMPTY_(&loop->timers)
        ? ASYNC_NEVER
        : (async_duration)async_timer_next_(&loop->timers, ASYNC_CLOCK_());
}

#if ASYNC_HOSTED

/* The same, with what the port knows, after sleeping for at most `wait`. */
static void async_await_(async_loop *loop, async_duration wait)
{
    if (wait != 0 || loop->fds != NULL) {
        ASYNC_TRACE_FROM_(loop, "descriptor");
        ASYNC_IDLE(loop, wait);
    }
    loop->fresh = false;
    async_collect_(loop);
}

/* What there is to do before the next turn, some being ready. */
ASYNC_HOT_ void async_look_(async_loop *loop)
{
    if (((uintptr_t)loop->fds | ASYNC_ATOMIC_LOAD_(&loop->notified)
         | ASYNC_TIMERS_P_(&loop->timers)) != 0) {
        async_await_(loop, 0);
    } else {
        loop->fresh = false;
    }
}

/* Nothing is ready: sleep until something may be, and look. 0 when no task is
 * left, ASYNC_EDEADLK when nothing can bring those that are to run, else 1. */
static int async_sleep_on_(async_loop *loop)
{
    async_duration wait;

    if (loop->alive == 0) {
        return 0;
    }
    wait = async_until_due_(loop);
    if (wait == ASYNC_NEVER && loop->irqs == NULL
        && !async_port_waits_(loop)) {
        return ASYNC_EDEADLK;
    }
    async_await_(loop, wait);
    return 1;
}

#else

#define async_look_(loop) async_collect_(loop)

/* The same; but what has come was looked at a moment ago. (The clock is asked
 * anew: calls that were due then took their time. What has come due meanwhile
 * is a tick late.) */
static int async_sleep_on_(async_loop *loop)
{
#if ASYNC_IDLE_ASKS_
    async_duration wait;
#endif

    if (loop->alive == 0) {
        return 0;
    }
    if (ASYNC_TIMERS_EMPTY_(&loop->timers)
        && !(ASYNC_USED_(dispatch) && loop->irqs != NULL)) {
        return ASYNC_EDEADLK;
    }
#if ASYNC_IDLE_ASKS_
    wait = (async_duration)async_timer_next_(&loop->timers, ASYNC_CLOCK_());
    if (wait == 0) {
        wait = 1;
    }
#endif
    ASYNC_LOCK();
    if (!(ASYNC_USED_(dispatch) && loop->notified != 0)) {
        ASYNC_IDLE(loop, wait);
    }
    ASYNC_UNLOCK();
    return 1;
}

#endif

ASYNC_API int async_loop_run_(async_loop *loop)
{
    async_loop *before = async_this_loop_;
    int rc = ASYNC_EINTR;

    if (ASYNC_BUSY_(loop)) {
        return ASYNC_EBUSY;
    }
    ASYNC_SET_BUSY_(true);
    async_this_loop_ = loop;
    if (ASYNC_USED_(running)) {
        loop->running = true;
    }
#if ASYNC_DEBUG
    loop->stack = ASYNC_STACK_;
#endif
    while (!(ASYNC_USED_(stops) && loop->stop)) {
#if !ASYNC_HOSTED
        async_look_(loop);
#endif
        if (ASYNC_NONE_READY_(loop)) {
            int more = async_sleep_on_(loop);

            if (more <= 0) {
#if ASYNC_DEBUG
                if (more < 0) {
                    async_debug_deadlock_(loop);
                }
#endif
                rc = more;
                break;
            }
            if (!ASYNC_HOSTED || ASYNC_NONE_READY_(loop)) {
                continue;
            }
        }
#if ASYNC_HOSTED
        else {
            async_look_(loop);
        }
#endif
        async_run_ready_(loop);
    }
    async_this_task_ = NULL;
    if (ASYNC_USED_(stops)) {
        loop->stop = false;
    }
    async_rest_(loop);
#if ASYNC_DEBUG
    async_trail_of_main_(loop);
#endif
    async_this_loop_ = before;
    ASYNC_SET_BUSY_(false);
    return rc;
}

ASYNC_API int async_loop_run_until_(async_loop *loop, const async_task *until)
{
    int rc;

    if (loop == NULL) {
        return ASYNC_EINVAL;
    }
    if (ASYNC_BUSY_(loop)) {
        return ASYNC_EBUSY;
    }
    if (until != NULL && ASYNC_UP_TO_(until, ASYNC_DONE_)) {
#if ASYNC_DEBUG
        async_trail_taken_(until, ASYNC_BY_RESULT_);
#endif
        return async_state_(until) == ASYNC_DONE_ ? until->timer.u.result
                                                  : ASYNC_EINVAL;
    }
    ASYNC_USE_(until);
    ASYNC_USE_(stops);
    loop->until = until;
    loop->result = ASYNC_PENDING;
    rc = async_loop_run_(loop);
    loop->until = NULL;
    return loop->result != ASYNC_PENDING ? loop->result : rc;
}

ASYNC_API async_duration async_loop_step(async_loop *loop)
{
    async_loop *before = async_this_loop_;
    async_task *task = async_this_task_;    /* of a loop that this interrupts */
#if !ASYNC_HOSTED
    bool busy = async_this_.busy;
#endif
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
    ASYNC_USE_(running);
    ASYNC_SET_BUSY_(true);
    async_this_loop_ = loop;
#if ASYNC_HOSTED
    async_port_rests_();                    /* what it interrupts does, too */
#endif
    loop->running = true;
#if ASYNC_DEBUG
    loop->stack = ASYNC_STACK_;
#endif
    async_look_(loop);
    if (!ASYNC_NONE_READY_(loop)) {
        async_run_ready_(loop);
    }
    async_rest_(loop);
    wait = ASYNC_NONE_READY_(loop) ? async_until_due_(loop) : 0;
    async_this_task_ = task;
    ASYNC_SET_BUSY_(busy);
#if ASYNC_DEBUG
    async_innermost_ = innermost;
#endif
    async_this_loop_ = before;
    return wait;
}

ASYNC_API void async_loop_stop(async_loop *loop)
{
    if (loop != NULL) {
        ASYNC_USE_(stops);
        loop->stop = true;
    }
}

/* ---- opening ------------------------------------------------------------- */

ASYNC_API int async_loop_open_sure_(async_loop *loop)
{
    loop->tail = &loop->head;
    if (ASYNC_USED_(running)) {
        loop->running = false;
    }
    loop->alive = 0;
    if (ASYNC_USED_(unpark)) {
        loop->lists = NULL;
    }
    if (ASYNC_USED_(dispatch)) {
        loop->irqs = NULL;
        loop->notified = 0;
    }
    if (ASYNC_USED_(until)) {
        loop->until = NULL;
    }
    if (ASYNC_USED_(stops)) {
        loop->stop = false;
    }
#if ASYNC_HOSTED
    loop->fresh = false;
    loop->now = 0;
    loop->round = 0;
    loop->left = 0;
    loop->fds = NULL;
    loop->known = 0;
    loop->waiting = 0;
#endif
#if !ASYNC_HOSTED
    if (ASYNC_USED_(closing)) {
        loop->closing = false;
    }
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
    ASYNC_TRACE_OPEN_(loop);
    async_timers_open_(&loop->timers);
    if (async_this_loop_ == NULL) {
        async_this_loop_ = loop;
    }
    return 0;
}

ASYNC_API int async_loop_open_(async_loop *loop)
{
    return loop != NULL ? async_loop_open_sure_(loop) : ASYNC_EINVAL;
}

ASYNC_API async_loop *async_loop_use(async_loop *loop)
{
    async_loop *before = async_this_loop_;

    async_this_loop_ = loop;
    return before;
}

ASYNC_API int async_run_(async_fn fn, void *frame
#if ASYNC_NAMED_
                         , const char *name, const char *file, int line
#endif
                         )
{
    async_loop *before = async_this_loop_;
    async_loop loop;
    async_task task;
    int rc, err;

    if (ASYNC_BUSY_(before)) {
        return ASYNC_EBUSY;
    }
    rc = async_loop_open(&loop);
    if (rc < 0) {
        return rc;
    }
    task.timer.node.state = ASYNC_IDLE_;
    task.joiners = NULL;
    task.scopes = NULL;
    async_this_loop_ = &loop;
    rc = async_spawn_(&task, fn, frame
#if ASYNC_NAMED_
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

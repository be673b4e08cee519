/* ===========================================================================
 * loop: spawning, striking, waking and finishing tasks, and the turns in
 * which they run.
 * ======================================================================== */
#include "loop.h"
#include "scope.h"
#include "sleep.h"
#include "irq.h"
#include "port.h"
#include "debug.h"

#ifndef ASYNC_STATIC
ASYNC_THREAD async_loop *async_this_loop_;
ASYNC_THREAD async_task *async_this_task_;
#endif

/* ---- parking and waking -------------------------------------------------- */

ASYNC_API async_status async_park_(async_list *list)
{
    async_task *task = async_this_task_;

    if (list->tail == NULL) {       /* now the loop must be able to find it */
        list->next = async_this_loop_->lists;
#if ASYNC_BACKLINKS
        list->back = &async_this_loop_->lists;
        if (list->next != NULL) {
            list->next->back = &list->next;
        }
#endif
        async_this_loop_->lists = list;
    }
    ASYNC_HOOK_(unpark, async_unpark_);
    task->timer.u.ring = &list->tail;
    async_ring_append_(&list->tail, &task->timer.node);
    async_set_state_(task, ASYNC_WAITING_);
    ASYNC_LEAF_(task);
    return ASYNC_PENDING;
}

/* The last waiter has left: the loop forgets the list, whose memory may go. */
static void async_list_is_empty_(async_list *list)
{
#if ASYNC_BACKLINKS
    *list->back = list->next;
    if (list->next != NULL) {
        list->next->back = list->back;
    }
#else
    async_list **at = &async_this_loop_->lists;

    while (*at != list) {
        at = &(*at)->next;
    }
    *at = list->next;
#endif
}

/* Take a parked task out of its ring. */
ASYNC_API void async_unpark_(async_task *task)
{
    async_node **ring = task->timer.u.ring;

    async_ring_remove_(ring, &task->timer.node);
    if (async_state_(task) == ASYNC_WAITING_ && *ring == NULL) {
        async_list_is_empty_((async_list *)(void *)ring);
    }
}

ASYNC_API bool async_wake_one_(async_list *list, int result)
{
    async_node *node = async_ring_pop_(&list->tail);

    if (node == NULL) {
        return false;
    }
    if (list->tail == NULL) {
        async_list_is_empty_(list);
    }
    async_wake_(ASYNC_TASK_(node), result);
    return true;
}

ASYNC_API async_status async_wait_(async_list *list)
{
    async_status rc = async_over_(async_self_());

    return rc == ASYNC_PENDING ? async_park_(list) : rc;
}

/* ---- strikes ------------------------------------------------------------- */

ASYNC_API void async_strike_(async_task *task)
{
    async_mark_ state = async_state_(task);

    if (!ASYNC_UP_TO_(task, ASYNC_STRUCK_)
        && ASYNC_UP_TO_(task, ASYNC_SLEEPING_)) {
        if (state == ASYNC_SLEEPING_) {
            async_timer_remove_(&async_this_loop_->timers, &task->timer);
            if ((async_duration)(task->timer.u.deadline - ASYNC_CLOCK())
                <= 0) {
                async_wake_(task, 0);   /* its time has come as well */
                return;
            }
        } else if (task->timer.u.ring != NULL) {
            ASYNC_HOOKED_(unpark, async_unpark_)(task);
        }
        async_set_state_(task, ASYNC_STRUCK_);
        async_ready_(async_this_loop_, task);
    }
}

ASYNC_API int async_cancel(async_task *task)
{
    async_node *node;

    if (task == NULL) {
        return ASYNC_EINVAL;
    }
    if (ASYNC_UP_TO_(task, ASYNC_DONE_)) {
        return 0;
    }
#if ASYNC_DEBUG
    if (task->loop != async_this_loop_) {
        async_debug_misuse_("async_cancel", "the task is another loop's");
    }
#endif
    node = &task->timer.node;
    if ((node->state & ASYNC_PENDING_) != 0) {
        return 1;                       /* it hangs over the task already */
    }
    node->state = (async_mark_)
        ((node->state | ASYNC_STRIKE_ | ASYNC_PENDING_ | ASYNC_CANCELED_)
         & ~(unsigned)ASYNC_FORWARDED_);
    async_strike_(task);
    return 1;
}

ASYNC_API async_status async_deliver_(async_task *task)
{
    async_scope_ *scope;

    task->timer.node.state = (async_mark_)
        ((task->timer.node.state & ASYNC_CANCELED_) | ASYNC_RUNNING_);
    for (scope = task->scopes; scope != NULL; scope = scope->up) {
        if ((scope->fired & ASYNC_FIRED_) != 0) {
            scope->fired++;         /* ASYNC_DELIVERED_ */
        }
    }
    return ASYNC_CANCEL;
}

ASYNC_API ASYNC_ONCE_ async_status async_over_(async_task *task)
{
    async_mark_ state = async_state_(task);

    if (state == ASYNC_READY_ || state == ASYNC_YIELDED_) {
        return async_settle_(task, state == ASYNC_READY_
                                   ? task->timer.u.result : 0);
    }
    return ASYNC_STRUCK_P_(task) ? async_deliver_(task) : ASYNC_PENDING;
}

ASYNC_API async_status async_yield_(void)
{
    async_task *task = async_self_();
    async_mark_ *state = &task->timer.node.state;
    async_status rc;

    if (*state == ASYNC_YIELDED_) {
        *state = ASYNC_RUNNING_;
        return 0;
    }
    if (*state == ASYNC_RUNNING_) {
        *state = ASYNC_YIELDED_;        /* the loop queues it */
        return ASYNC_PENDING;
    }
    rc = async_over_(task);
    if (rc == ASYNC_PENDING) {
        async_set_state_(task, ASYNC_YIELDED_);
    }
    return rc;
}

ASYNC_API async_status async_poll(void)
{
    async_task *task = async_this_task_;

    if (task != NULL) {
        if (ASYNC_STRUCK_P_(task)) {
            return async_deliver_(task);
        }
        async_set_state_(task, ASYNC_RUNNING_);     /* not parked: it polls */
    }
    return ASYNC_PENDING;
}

/* ---- the life of a task -------------------------------------------------- */

/* What a new task runs first; so the loop need not ask whether it is new. */
static async_status async_begin_(void *frame)
{
    async_task *task = async_this_task_;

    if (ASYNC_STRUCK_P_(task)) {        /* cancelled before it began */
        return ASYNC_CANCEL;
    }
    task->fn = task->timer.u.entry;
    task->timer.node.state = ASYNC_RUNNING_;
    return task->fn(frame);
}

ASYNC_API ASYNC_ONCE_ int async_spawn_(async_loop *loop, async_task *task,
                                       async_fn fn, void *frame
#if ASYNC_DEBUG
                                       , const char *name, const char *file,
                                       int line
#endif
                                       )
{
    if (task == NULL || fn == NULL) {
        return ASYNC_EINVAL;
    }
    if (loop == NULL) {
        return ASYNC_EPERM;
    }
    if (!ASYNC_UP_TO_(task, ASYNC_DONE_)) {
#if ASYNC_DEBUG
        async_debug_spawned_twice_(task, name, file, line);
#endif
        return ASYNC_EALREADY;
    }
    task->fn = async_begin_;
    task->timer.u.entry = fn;
    task->frame = frame;
    task->joiners = NULL;
    task->scopes = NULL;
    task->timer.node.state = ASYNC_NEW_;
#if ASYNC_HOSTED
    task->timer.node.round = loop->round;
#endif
#if ASYNC_DEBUG
    async_debug_spawn_(loop, task, name, file, line);
#endif
    loop->alive++;
    async_ready_(loop, task);
    return 0;
}

/* The joiners get the result by value, and the callbacks come last: so one of
 * those may free the task. */
ASYNC_API void async_tell_(async_task *task, int result)
{
    async_node *ring = task->joiners;
    async_node *watches = NULL;
    async_node *node;

    while ((node = async_ring_pop_(&ring)) != NULL) {
        if (node->state == ASYNC_WATCH_) {
            async_ring_append_(&watches, node);
        } else {
            async_wake_(ASYNC_TASK_(node), result);
        }
    }
    async_this_task_ = NULL;            /* a callback is no task */
    while ((node = async_ring_pop_(&watches)) != NULL) {
        async_watch *watch = (async_watch *)(void *)node;

        node->state = ASYNC_IDLE_;
        watch->fn(watch, task);
    }
}

static void async_finish_(async_loop *loop, async_task *task, int result)
{
    if (result == ASYNC_CANCEL) {
        result = ASYNC_ECANCELED;
    }
    task->timer.node.state = ASYNC_DONE_;
    task->timer.u.result = result;
    loop->alive--;
#if ASYNC_HOSTED
    if (task->timer.node.round != loop->round && --loop->left == 0) {
        async_loop_stop(loop);
    }
#endif
#if ASYNC_DEBUG
    async_debug_finish_(loop, task);
#endif
    if (task == loop->until) {
        loop->until = NULL;             /* a callback may free the task */
        loop->rc = result;
        loop->stop = true;
    }
#if ASYNC_FAST_
    if (task->joiners != NULL && task->joiners->next == task->joiners
        && task->joiners->state != ASYNC_WATCH_) {
        async_wake_(ASYNC_TASK_(task->joiners), result);    /* just one */
        return;
    }
#endif
    if (task->joiners != NULL) {
        ASYNC_HOOKED_(tell, async_tell_)(task, result);
    }
}

ASYNC_API bool async_done(const async_task *task)
{
    return task != NULL && async_state_(task) == ASYNC_DONE_;
}

ASYNC_API int async_result(const async_task *task)
{
    if (task == NULL) {
        return ASYNC_EINVAL;
    }
#if ASYNC_DEBUG
    async_trail_taken_(task, ASYNC_BY_RESULT_);
#endif
    return async_state_(task) == ASYNC_DONE_ ? task->timer.u.result
                                             : ASYNC_PENDING;
}

ASYNC_API async_task *async_current(void)
{
    return async_this_task_;
}

ASYNC_API int async_on_done(async_task *task, async_watch *watch,
                            async_watch_fn fn)
{
    if (task == NULL || watch == NULL || fn == NULL
        || async_state_(task) == ASYNC_IDLE_) {
        return ASYNC_EINVAL;
    }
    if (watch->node.state == ASYNC_WATCH_) {
        return ASYNC_EALREADY;
    }
    watch->fn = fn;
    if (async_state_(task) == ASYNC_DONE_) {
#if ASYNC_DEBUG
        async_trail_taken_(task, ASYNC_BY_CALL_);
#endif
        fn(watch, task);
        return 0;
    }
    ASYNC_HOOK_(tell, async_tell_);
    watch->node.state = ASYNC_WATCH_;
    async_ring_append_(&task->joiners, &watch->node);
    return 0;
}

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

#define async_look_(loop) \
    ((void)(((loop)->notified != 0 || !ASYNC_TIMERS_EMPTY_(&(loop)->timers)) \
            && async_collect_(loop)))

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
static int async_turns_(async_loop *loop)
{
    loop->rc = ASYNC_EINTR;
    loop->running = true;
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

/* ---- opening and closing ------------------------------------------------- */

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

static void async_cancel_timer_(async_timer *timer)
{
    if (timer->node.state != ASYNC_ALARM_) {
        async_cancel(ASYNC_TASK_(timer));
    }
}

/* A task that joins this one, or NULL: callbacks stand in the same ring. */
static async_node *async_joiner_(const async_task *task)
{
    async_node *node = task->joiners;

    while (node != NULL && node->state == ASYNC_WATCH_) {
        node = node->next == task->joiners ? NULL : node->next;
    }
    return node;
}

/* Strike a task that may be waiting for others. Each of those is struck for its
 * own part, so this one does not pass the strike on: that would be their second
 * one, and interrupt their cleanup. One that waits with a strike pending is
 * woken by this one, too, or it would stay where it is. */
static void async_cancel_waiter_(async_node *node)
{
    node->state &= (async_mark_)~ASYNC_PENDING_;
    async_cancel(ASYNC_TASK_(node));
    node->state |= ASYNC_FORWARDED_;
}

/* Strike all who wait in a list. They leave it, but for those that are deaf:
 * these are passed by, turning the ring, until it has come round. */
static void async_cancel_listed_(async_list *list)
{
    const async_node *last = list->tail;
    async_node *node;

    do {
        node = list->tail->next;
        if (async_state_(ASYNC_TASK_(node)) == ASYNC_DEAF_) {
            list->tail = node;
        }
        async_cancel_waiter_(node);
    } while (node != last);
}

/* Strike every task once. Those that are parked where the loop can see move to
 * the ready queue by it, so that at last a walk along the queue finds those
 * who join them, and those who join these. */
static void async_cancel_found_(async_loop *loop)
{
    struct async_irq *irq;
    async_node *node;
    async_list *list, *next;

    for (list = loop->lists; list != NULL; list = next) {
        next = list->next;
        async_cancel_listed_(list);
    }
    async_timer_each_(&loop->timers, async_cancel_timer_);
    for (irq = loop->irqs; irq != NULL; irq = irq->next) {
        async_cancel(irq->waiter);
    }
#if ASYNC_HOSTED
    async_port_cancel_all_(loop);
#endif
    if (ASYNC_NONE_READY_(loop)) {
        return;
    }
    for (node = loop->head;; node = node->next) {
        async_task *task = ASYNC_TASK_(node);
        async_node *joiner;

        async_cancel(task);
        while ((joiner = async_joiner_(task)) != NULL) {
            async_cancel_waiter_(joiner);
        }
        if (&node->next == loop->tail) {
            break;
        }
    }
}

/* In rounds: a task that cleans up may spawn others, which the next round
 * strikes; and one that waits in its cleanup for what nothing can bring is
 * struck again. A program that answers every round with more of them is given
 * up on, rather than followed for ever. */
#define ASYNC_ROUNDS_ 100
#if ASYNC_HOSTED
#define ASYNC_ROUND_GOES_ON_(loop) ((loop)->left != 0)
#else
#define ASYNC_ROUND_GOES_ON_(loop) ((loop)->alive != 0)
#endif

ASYNC_API int async_loop_cancel_all(async_loop *loop)
{
    async_loop *before = async_this_loop_;
    int rounds = 0;
    int rc = 0;

    if (loop == NULL) {
        return ASYNC_EINVAL;
    }
    if (loop->running || (before != NULL && before->running)) {
        return ASYNC_EBUSY;
    }
    async_this_loop_ = loop;
#if !ASYNC_HOSTED
    loop->until = ASYNC_CLOSING_(loop);
#endif
    while (loop->alive != 0 && rounds++ != ASYNC_ROUNDS_) {
#if ASYNC_HOSTED
        loop->round++;
        loop->left = loop->alive;
#endif
        async_cancel_found_(loop);
        do {                            /* whatever the cleanups stop */
            loop->stop = false;
            rc = async_turns_(loop);
        } while (rc == ASYNC_EINTR && ASYNC_ROUND_GOES_ON_(loop));
    }
    async_this_loop_ = before;
#if !ASYNC_HOSTED
    loop->until = NULL;
#endif
    if (loop->alive == 0) {
        return 0;
    }
    return rc < 0 ? rc : ASYNC_EBUSY;
}

ASYNC_API int async_loop_close(async_loop *loop)
{
    int rc;

    if (loop == NULL) {
        return ASYNC_EINVAL;
    }
    if (loop->running) {
        return ASYNC_EBUSY;
    }
    rc = loop->alive == 0 ? 0 : ASYNC_EBUSY;
#if ASYNC_DEBUG
    async_trail_closes_(loop);
#endif
#if ASYNC_HOSTED
    {
        int err = async_port_close_(loop);

        rc = err < 0 ? err : rc;
    }
#endif
    if (async_this_loop_ == loop) {
        async_this_loop_ = NULL;
    }
    return rc;
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

    if (before != NULL && before->running) {
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

/* ===========================================================================
 * loop_close: the end of a loop: every task is found, struck and awaited.
 * ======================================================================== */
#include "loop.h"
#include "irq.h"
#include "port.h"
#include "debug.h"
#include "sim.h"

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

    for (list = loop->lists; ASYNC_USED_(unpark) && list != NULL; list = next) {
        next = list->next;
        async_cancel_listed_(list);
    }
    async_timer_each_(&loop->timers, async_cancel_timer_);
    for (irq = loop->irqs; ASYNC_USED_(dispatch) && irq != NULL;
         irq = irq->next) {
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
    if (ASYNC_BUSY_(loop)) {
        return ASYNC_EBUSY;
    }
    async_this_loop_ = loop;
#if !ASYNC_HOSTED
    ASYNC_USE_(closing);
    loop->closing = true;
#endif
    while (loop->alive != 0 && rounds++ != ASYNC_ROUNDS_
           && !ASYNC_GAVE_UP_()) {
#if ASYNC_HOSTED
        loop->round++;
        loop->left = loop->alive;
#endif
        ASYNC_TRACE_FROM_(loop, "close");
        async_cancel_found_(loop);
        do {                            /* whatever the cleanups stop */
            loop->stop = false;
            rc = async_loop_run_(loop);
        } while (rc == ASYNC_EINTR && ASYNC_ROUND_GOES_ON_(loop)
                 && !ASYNC_GAVE_UP_());
    }
    async_this_loop_ = before;
#if !ASYNC_HOSTED
    loop->closing = false;
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
    ASYNC_USE_(running);
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

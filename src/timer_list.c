/* ===========================================================================
 * timer_list: the timer queue of small systems, a list sorted by deadline.
 * ======================================================================== */
#include "loop.h"

#if !ASYNC_TIMER_WHEEL

ASYNC_API void async_timers_open_(async_timers *timers)
{
    timers->first = NULL;
}

/* Deadlines are compared by their distance from base, which is right for as
 * long as base is not more than half the range behind the clock. */
ASYNC_API async_status async_timer_add_(async_timer *timer,
                                        async_ticks deadline, async_ticks now)
{
    async_timers *timers = &async_this_loop_->timers;
    async_node **at = &timers->first;

    if (*at == NULL) {
        timers->base = now;
    }
    timer->u.deadline = deadline;
    deadline = (async_ticks)(deadline - timers->base);
    while (*at != NULL
           && (async_ticks)(ASYNC_TIMER_OF_(*at)->u.deadline - timers->base)
              <= deadline) {
        at = &(*at)->next;
    }
    timer->node.next = *at;
    *at = &timer->node;
    return ASYNC_PENDING;
}

ASYNC_API void async_timer_remove_(async_timer *timer)
{
    async_node **at = &async_this_loop_->timers.first;

    while (*at != &timer->node) {
        at = &(*at)->next;
    }
    *at = timer->node.next;
}

/* An alarm that finds the queue empty and adds to it moves base: what is due
 * is told by the one from before. */
ASYNC_API void async_timers_expire_(async_loop *loop, async_ticks now)
{
    async_timers *timers = &loop->timers;
    async_ticks base = timers->base;
    async_timer *timer;

    while ((timer = ASYNC_TIMER_OF_(timers->first)) != NULL
           && (async_ticks)(timer->u.deadline - base)
              <= (async_ticks)(now - base)) {
        timers->first = timer->node.next;
        async_timer_expires_(timer, now);
    }
    timers->base = now;
}

ASYNC_API void async_timer_each_(async_timers *timers,
                                 void (*fn)(async_timer *timer))
{
    async_node *node = timers->first;

    while (node != NULL) {
        async_node *next = node->next;
        fn(ASYNC_TIMER_OF_(node));
        node = next;
    }
}

#endif

/* ===========================================================================
 * timer_list: the timer queue of small systems, a list sorted by deadline.
 * ======================================================================== */
#include "timer.h"

#if !ASYNC_TIMER_WHEEL

ASYNC_API void async_timers_open_(async_timers *timers, async_ticks now)
{
    timers->base = now;
    timers->first = NULL;
}

/* Deadlines are compared by their distance from base, which is right for as
 * long as base is not more than half the range behind the clock. */
ASYNC_API void async_timer_add_(async_timers *timers, async_timer *timer)
{
    async_node **at = &timers->first;
    async_ticks distance = (async_ticks)(timer->u.deadline - timers->base);

    while (*at != NULL
           && (async_ticks)(ASYNC_TIMER_OF_(*at)->u.deadline - timers->base)
              <= distance) {
        at = &(*at)->next;
    }
    timer->node.next = *at;
    *at = &timer->node;
}

ASYNC_API void async_timer_remove_(async_timers *timers, async_timer *timer)
{
    async_node **at = &timers->first;

    while (*at != &timer->node) {
        at = &(*at)->next;
    }
    *at = timer->node.next;
}

ASYNC_API async_timer *async_timer_due_(async_timers *timers, async_ticks now)
{
    async_timer *timer = ASYNC_TIMER_OF_(timers->first);

    if (timer == NULL || (async_ticks)(timer->u.deadline - timers->base)
                         > (async_ticks)(now - timers->base)) {
        timers->base = now;
        return NULL;
    }
    timers->first = timer->node.next;
    return timer;
}

ASYNC_API async_ticks async_timer_next_(const async_timers *timers)
{
    async_ticks next;

    if (timers->first == NULL) {
        return ASYNC_NEVER;
    }
    next = (async_ticks)(ASYNC_TIMER_OF_(timers->first)->u.deadline
                         - timers->base);
    return next < ASYNC_NEVER ? next : ASYNC_NEVER - 1;
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

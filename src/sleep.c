/* ===========================================================================
 * sleep: the clock of a turn, and sleeping.
 * ======================================================================== */
#include "sleep.h"
#include "port.h"

ASYNC_API async_ticks async_now(void)
{
#if ASYNC_HOSTED
    async_loop *loop = async_this_loop_;

#if ASYNC_DEBUG
    if (loop == NULL) {
        async_debug_misuse_("async_now", "no loop is current");
    }
#endif
    if (!loop->fresh) {
        async_ticks now = ASYNC_CLOCK_();

#if ASYNC_TIMER_WHEEL
        /* A wheel cannot turn back: until a clock that did has caught up, time
         * stands still. Without timers nobody keeps base near, but here. */
        if (now < loop->now) {
            now = loop->now;
        }
        if (ASYNC_TIMERS_EMPTY_(&loop->timers)) {
            loop->timers.base = now;
        }
#endif
        loop->now = now;
        loop->fresh = loop->running;    /* between turns time goes on */
    }
    return loop->now;
#else
    return ASYNC_CLOCK_();               /* which costs less than keeping it */
#endif
}

/* How the running task is parked. (It is looked up anew: to keep it in a
 * register for as long as the clock is read costs more.) */
static void async_falls_asleep_(async_task *task)
{
    async_set_state_(task, ASYNC_SLEEPING_);
    ASYNC_WAITS_("async_sleep", NULL);
    ASYNC_LEAF_(task);
}

ASYNC_API ASYNC_ONCE_ async_status async_sleep_sure_(async_duration duration)
{
    async_task *task = async_self_in_("async_sleep");
    async_ticks now;

    if (ASYNC_OVER_P_(task)) {
        return ASYNC_OVER_(task);
    }
    async_falls_asleep_(task);
    now = ASYNC_NOW_();
    return async_timer_add_(&async_this_task_->timer,
                            (async_ticks)(now + (async_ticks)duration), now);
}

ASYNC_API ASYNC_FLAT_ async_status async_sleep_(async_duration duration)
{
#if ASYNC_DEBUG
    (void)async_self_in_("async_sleep");
#endif
    return duration > 0 ? async_sleep_sure_(duration) : async_yield_();
}

ASYNC_API async_status async_sleep_until(async_ticks time)
{
    async_task *task = async_self_();
    async_ticks now = ASYNC_NOW_();

    if (ASYNC_OVER_P_(task) || (async_duration)(time - now) <= 0) {
        return async_yield_();
    }
    async_falls_asleep_(task);
    return async_timer_add_(&task->timer, time, now);
}

ASYNC_API void async_alarm_set_(async_alarm_ *alarm, async_duration duration)
{
    async_ticks now = async_now();

    ASYNC_USE_(alarms);
    alarm->timer.node.state = ASYNC_ALARM_;
    (void)async_timer_add_(&alarm->timer,
                     (async_ticks)(now + (async_ticks)duration), now);
}

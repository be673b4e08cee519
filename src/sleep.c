/* ===========================================================================
 * sleep: the clock of a turn, and sleeping.
 * ======================================================================== */
#include "sleep.h"
#include "port.h"

/* Without timers nobody keeps their base near; whoever adds one has asked for
 * the time before. */
static async_ticks async_read_clock_(async_loop *loop)
{
    async_ticks now = ASYNC_CLOCK();

#if ASYNC_TIMER_WHEEL
    /* A wheel cannot turn back: until a clock that did has caught up, time
     * stands still. */
    if (now < loop->timers.base) {
        now = loop->timers.base;
    }
#endif
    if (ASYNC_TIMERS_EMPTY_(&loop->timers)) {
        loop->timers.base = now;
    }
    return now;
}

ASYNC_API async_ticks async_now(void)
{
    async_loop *loop = async_this_loop_;

#if ASYNC_DEBUG
    if (loop == NULL) {
        async_debug_misuse_("async_now", "no loop is current");
    }
#endif
#if ASYNC_HOSTED
    if (!loop->fresh) {
        loop->now = async_read_clock_(loop);
        loop->fresh = loop->running;    /* between turns time goes on */
    }
    return loop->now;
#else
    return async_read_clock_(loop);     /* which costs less than keeping it */
#endif
}

static async_status async_sleep_to_(async_task *task, async_ticks deadline)
{
    task->timer.u.deadline = deadline;
    async_set_state_(task, ASYNC_SLEEPING_);
    async_timer_add_(&async_this_loop_->timers, &task->timer);
    ASYNC_WAITS_("async_sleep", NULL);
    ASYNC_LEAF_(task);
    return ASYNC_PENDING;
}

ASYNC_API async_status async_sleep(async_duration duration)
{
    async_task *task = async_self_();
    async_status rc = async_over_(task);

    if (rc != ASYNC_PENDING) {
        return rc;
    }
    if (duration <= 0) {
        return async_yield_();
    }
    return async_sleep_to_(task, (async_ticks)(ASYNC_NOW_()
                                               + (async_ticks)duration));
}

ASYNC_API async_status async_sleep_until(async_ticks time)
{
    async_task *task = async_self_();
    async_status rc = async_over_(task);

    if (rc != ASYNC_PENDING) {
        return rc;
    }
    if ((async_duration)(time - ASYNC_NOW_()) <= 0) {
        return async_yield_();
    }
    return async_sleep_to_(task, time);
}

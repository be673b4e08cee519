/* ===========================================================================
 * sleep: the clock of a turn, and sleeping.
 * ======================================================================== */
#include "sleep.h"
#include "port.h"

static async_ticks async_loop_now_(async_loop *loop)
{
    if (!loop->fresh) {
        loop->now = ASYNC_CLOCK();
#if ASYNC_TIMER_WHEEL
        /* A wheel cannot turn back: until a clock that did has caught up, time
         * stands still. */
        if (loop->now < loop->timers.base) {
            loop->now = loop->timers.base;
        }
#endif
        loop->fresh = loop->running;    /* between turns time goes on */
        if (ASYNC_TIMERS_EMPTY_(&loop->timers)) {
            loop->timers.base = loop->now;
        }
    }
    return loop->now;
}

ASYNC_API async_ticks async_now(void)
{
#if ASYNC_DEBUG
    if (async_this_loop_ == NULL) {
        async_debug_misuse_("async_now", "no loop is current");
    }
#endif
    return async_loop_now_(async_this_loop_);
}

/* Rules of the operation: see task.h. */
static async_status async_sleep_to_(async_task *task, async_ticks deadline)
{
    if (ASYNC_STRUCK_P_(task)) {
        return async_deliver_(task);
    }
    task->timer.u.deadline = deadline;
    async_set_state_(task, ASYNC_SLEEPING_);
    async_timer_add_(&async_this_loop_->timers, &task->timer);
    ASYNC_WAITS_("async_sleep", NULL);
    ASYNC_LEAF_(task);
    return ASYNC_PENDING;
}

/* Struck while it slept, but the time was over before it could say so? */
static bool async_slept_(async_task *task)
{
    if (async_state_(task) == ASYNC_STRUCK_
        && (async_duration)(ASYNC_NOW_() - task->timer.u.deadline) >= 0) {
        async_set_state_(task, ASYNC_RUNNING_);
        return true;
    }
    return async_granted_(task);
}

ASYNC_API async_status async_sleep(async_duration duration)
{
    async_task *task = async_self_();

    if (async_slept_(task)) {
        return 0;
    }
    if (duration <= 0) {
        return async_yield();
    }
    return async_sleep_to_(task, (async_ticks)(ASYNC_NOW_()
                                               + (async_ticks)duration));
}

ASYNC_API async_status async_sleep_until(async_ticks time)
{
    async_task *task = async_self_();

    if (async_slept_(task)) {
        return 0;
    }
    if ((async_duration)(time - ASYNC_NOW_()) <= 0) {
        return async_yield();
    }
    return async_sleep_to_(task, time);
}

/* ===========================================================================
 * timeout: deadlines that strike the task that set them.
 * ======================================================================== */
#include "timeout.h"
#include "port.h"

static bool async_queued_(const async_timeout *timeout)
{
    return timeout->alarm.timer.node.state == ASYNC_ALARM_;
}

/* Times are told by their distance from the queue's base, as in the queue:
 * this loop may be late by nearly half the range. */
static void async_timeout_fire_(async_alarm_ *alarm, async_ticks now)
{
    async_timeout *timeout = (async_timeout *)(void *)alarm;
    async_ticks base = async_this_loop_->timers.base;

    if ((async_ticks)(timeout->deadline - base) > (async_ticks)(now - base)) {
        /* It moved meanwhile. */
        (void)async_timer_add_(&timeout->alarm.timer, timeout->deadline, now);
        return;
    }
    timeout->alarm.timer.node.state = 0;
    ASYNC_TRACE_FROM_(async_this_loop_, "timeout");
    async_scope_strike_(&timeout->scope);
}

ASYNC_API void async_timeout_arm_(async_timeout *timeout)
{
    timeout->alarm.fire = async_timeout_fire_;
    ASYNC_USE_(alarms);
    timeout->alarm.timer.node.state = ASYNC_ALARM_;
    (void)async_timer_add_(&timeout->alarm.timer, timeout->deadline,
                           ASYNC_NOW_());
}

static void async_timeout_disarm_(async_timeout *timeout)
{
    if (async_queued_(timeout)) {
        async_timer_remove_(&timeout->alarm.timer);
    }
    timeout->alarm.timer.node.state = 0;
}

#if ASYNC_HOSTED
/* Apart, so that the rest needs no stack. */
ASYNC_APART_ void async_timeout_open_late_(async_timeout *timeout,
                                           async_duration duration)
{
    (void)async_now();
    async_timeout_open_(timeout, duration);
}
#endif

ASYNC_API void async_timeout_open_(async_timeout *timeout,
                                   async_duration duration)
{
    async_task *task = async_self_();

#if ASYNC_HOSTED
    if (!async_this_loop_->fresh) {
        async_timeout_open_late_(timeout, duration);
        return;
    }
#endif
    async_scope_enter_(&timeout->scope, task);
    timeout->alarm.timer.node.state = ASYNC_UNARMED_;
    timeout->deadline = (async_ticks)(ASYNC_NOW_()
                                    + (async_ticks)duration);
    if (!ASYNC_FINITE_(duration)) {
        timeout->alarm.timer.node.state = 0;
        if (duration <= 0) {
            timeout->scope.fired |= ASYNC_POLLS_;
            async_scope_strike_(&timeout->scope);
        }
    }
#if !ASYNC_HOSTED
    else {
        async_timeout_arm_(timeout);
    }
#endif
}

#if ASYNC_FAST_
ASYNC_APART_ async_status async_timeout_leave_late_(async_timeout *timeout,
                                                    async_status rc)
{
    async_timeout_disarm_(timeout);
    return async_scope_leave_(&timeout->scope, rc, ASYNC_ETIMEDOUT);
}
#endif

ASYNC_API async_status async_timeout_leave_(async_timeout *timeout,
                                            async_status rc)
{
#if ASYNC_DEBUG
    if (timeout->scope.task == NULL) {
        async_debug_misuse_("a timeout", "left twice: it is in two places");
    }
    if (timeout->scope.task->scopes != &timeout->scope) {
        async_debug_misuse_("a timeout", "left before another one inside it");
    }
#endif
#if ASYNC_FAST_
    if (ASYNC_UNLIKELY_(async_queued_(timeout))) {
        return async_timeout_leave_late_(timeout, rc);
    }
#else
    async_timeout_disarm_(timeout);
#endif
    return async_scope_leave_(&timeout->scope, rc, ASYNC_ETIMEDOUT);
}

ASYNC_API int async_timeout_move_(async_timeout *timeout,
                                  async_duration duration)
{
    if (timeout == NULL || timeout->scope.task == NULL) {
        return ASYNC_EINVAL;
    }
    if (async_scope_fired_(&timeout->scope)) {
        return ASYNC_EALREADY;
    }
    timeout->deadline = (async_ticks)(async_now() + (async_ticks)duration);
    if (ASYNC_FINITE_(duration) && async_queued_(timeout)
        && (async_duration)(timeout->deadline
                            - timeout->alarm.timer.u.deadline) >= 0) {
        return 0;                       /* fire_ will look at it again */
    }
    async_timeout_disarm_(timeout);
    if (duration <= 0) {
        async_scope_strike_(&timeout->scope);
    } else if (duration != ASYNC_NEVER) {
        async_timeout_arm_(timeout);
    }
    return 0;
}

ASYNC_API bool async_timeout_expired(const async_timeout *timeout)
{
    return timeout != NULL && async_scope_fired_(&timeout->scope);
}

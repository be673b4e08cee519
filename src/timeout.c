/* ===========================================================================
 * timeout: deadlines that strike the task that set them.
 * ======================================================================== */
#include "timeout.h"

static bool async_queued_(const async_timeout *scope)
{
    return scope->timer.node.state == ASYNC_SCOPE_;
}

ASYNC_API void async_timeout_arm_(async_timeout *scope)
{
    scope->timer.u.deadline = scope->deadline;
    scope->timer.node.state = ASYNC_SCOPE_;
    async_timer_add_(&async_this_loop_->timers, &scope->timer);
}

static void async_timeout_disarm_(async_timeout *scope)
{
    if (async_queued_(scope)) {
        async_timer_remove_(&async_this_loop_->timers, &scope->timer);
    }
    scope->timer.node.state = 0;
}

/* The strike itself, now. A strike that was passed on to a joined task does
 * not stand for this one. */
static ASYNC_NOINLINE_ void async_timeout_strike_(async_timeout *scope)
{
    async_node *node = &scope->task->timer.node;

    scope->fired = 1;
    node->state = (async_mark_)((node->state | ASYNC_STRIKE_)
                                  & ~(unsigned)ASYNC_FORWARDED_);
    async_strike_(scope->task);
}

ASYNC_API void async_timeout_open_(async_timeout *scope,
                                   async_duration duration)
{
    async_task *task = async_self_();
    async_mark_ state = task->timer.node.state;

    if (!async_this_loop_->fresh) {
        (void)async_now();          /* apart, so that the rest needs no stack */
        async_timeout_open_(scope, duration);
        return;
    }
    scope->task = task;
    scope->up = task->scopes;
    task->scopes = scope;
    scope->fired = 0;
    scope->outside = (unsigned char)(state & ASYNC_CANCELED_);
    task->timer.node.state = (async_mark_)(state & ~(unsigned)ASYNC_CANCELED_);
    scope->timer.node.state = ASYNC_UNARMED_;
    scope->deadline = (async_ticks)(async_this_loop_->now
                                    + (async_ticks)duration);
    if (duration <= 0 || duration == ASYNC_NEVER) {
        scope->timer.node.state = 0;
        if (duration <= 0) {
            async_timeout_strike_(scope);
        }
    }
}

ASYNC_API async_status async_timeout_leave_(async_timeout *scope,
                                            async_status rc)
{
    async_task *task = scope->task;
    async_timeout *up;
    unsigned state = task->timer.node.state;
    bool outer = false;             /* has an outer deadline passed? */
    bool undelivered = (state & ASYNC_PENDING_) != 0;

#if ASYNC_DEBUG
    if (task->scopes != scope) {
        async_debug_misuse_("a timeout", "left before another one inside it");
    }
#endif
    async_timeout_disarm_(scope);
    task->scopes = scope->up;
    scope->task = NULL;
    if (scope->fired != 0) {
        for (up = scope->up; up != NULL; up = up->up) {
            outer = outer || up->fired != 0;
            undelivered = undelivered || up->fired == 1;
        }
        if (rc == ASYNC_CANCEL && !outer && (state & ASYNC_CANCELED_) == 0) {
            rc = ASYNC_ETIMEDOUT;
        }
        if (!undelivered) {         /* this scope's own strike goes with it */
            state &= ~(unsigned)(ASYNC_STRIKE_ | ASYNC_FORWARDED_);
        }
    }
    task->timer.node.state = (async_mark_)(state | scope->outside);
    return rc;
}

/* Times are told by their distance from the queue's base, as in the queue:
 * this loop may be late by nearly half the range. */
ASYNC_API void async_timeout_fire_(async_timeout *scope, async_ticks now)
{
    async_ticks base = async_this_loop_->timers.base;

    if ((async_ticks)(scope->deadline - base) > (async_ticks)(now - base)) {
        scope->timer.u.deadline = scope->deadline;  /* it moved meanwhile */
        async_timer_add_(&async_this_loop_->timers, &scope->timer);
        return;
    }
    scope->timer.node.state = 0;
    async_timeout_strike_(scope);
}

static ASYNC_NOINLINE_ int async_timeout_move_(async_timeout *scope,
                                               async_duration duration)
{
    if (scope == NULL || scope->task == NULL) {
        return ASYNC_EINVAL;
    }
    if (scope->fired != 0) {
        return ASYNC_EALREADY;
    }
    async_timeout_disarm_(scope);
    if (duration <= 0) {
        async_timeout_strike_(scope);
    } else if (duration != ASYNC_NEVER) {
        scope->deadline = (async_ticks)(async_now() + (async_ticks)duration);
        async_timeout_arm_(scope);
    }
    return 0;
}

ASYNC_API int async_timeout_reschedule(async_timeout *scope,
                                       async_duration duration)
{
    if (scope != NULL && async_queued_(scope) && async_this_loop_->fresh
        && duration > 0 && duration != ASYNC_NEVER) {
        async_ticks deadline = (async_ticks)(async_this_loop_->now
                                             + (async_ticks)duration);

        if ((async_duration)(deadline - scope->timer.u.deadline) >= 0) {
            scope->deadline = deadline;     /* fire_ will look at it again */
            return 0;
        }
    }
    return async_timeout_move_(scope, duration);
}

ASYNC_API bool async_timeout_expired(const async_timeout *scope)
{
    return scope != NULL && scope->fired != 0;
}

/* ===========================================================================
 * scope: striking a task from around it, and what a strike turns into.
 * ======================================================================== */
#include "scope.h"

/* What hangs over the task will be delivered inside, if at all. */
ASYNC_API void async_scope_enter_struck_(async_scope_ *scope)
{
    async_node *node = &scope->task->timer.node;
    const async_scope_ *up;

    scope->outside = (unsigned char)(node->state & ASYNC_CANCELED_);
    node->state &= (async_mark_)~(unsigned)ASYNC_CANCELED_;
    if ((node->state & ASYNC_STRIKE_) == 0) {
        return;
    }
    if ((node->state & ASYNC_PENDING_) != 0) {
        node->state |= ASYNC_CANCELED_;
    }
    for (up = scope->up; up != NULL; up = up->up) {
        if ((up->fired & ASYNC_FIRED_) != 0) {
            scope->fired = ASYNC_UNDER_;
        }
    }
}

/* A strike that was passed on to a joined task does not stand for this one. */
ASYNC_API void async_scope_strike_(async_scope_ *scope)
{
    async_node *node = &scope->task->timer.node;
    async_scope_ *inner;

    for (inner = scope->task->scopes; inner != scope; inner = inner->up) {
        inner->fired |= ASYNC_UNDER_;
    }
    scope->fired |= ASYNC_FIRED_;
    ASYNC_USE_(strikes);
    node->state = (async_mark_)((node->state | ASYNC_STRIKE_)
                                  & ~(unsigned)ASYNC_FORWARDED_);
    async_strike_(scope->task);
}

ASYNC_API async_status async_scope_settle_(async_scope_ *scope, async_status rc,
                                           async_status becomes)
{
    async_node *node = &scope->task->timer.node;
    const async_scope_ *up;
    bool outer = false;             /* has a scope around it yet to strike? */
    bool undelivered;

    scope->task = NULL;
    if (!async_scope_fired_(scope)) {
        node->state |= scope->outside;
        return rc;
    }
    for (up = scope->up; up != NULL; up = up->up) {
        outer = outer || (up->fired & ASYNC_FIRED_) != 0;
    }
    undelivered = outer || (node->state & ASYNC_PENDING_) != 0;
    outer = outer || (scope->fired & ASYNC_UNDER_) != 0;
    if (rc == ASYNC_CANCEL && !outer && (node->state & ASYNC_CANCELED_) == 0) {
        rc = becomes;
    }
    if (!undelivered) {             /* this scope's own strike goes with it */
        node->state = (async_mark_)
            (node->state & ~(unsigned)(ASYNC_STRIKE_ | ASYNC_FORWARDED_));
    }
    node->state |= scope->outside;
    return rc;
}

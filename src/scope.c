/* ===========================================================================
 * scope: striking a task from around it, and what a strike turns into.
 * ======================================================================== */
#include "scope.h"

/* A strike that was passed on to a joined task does not stand for this one. */
ASYNC_API void async_scope_strike_(async_scope *scope)
{
    async_node *node = &scope->task->timer.node;

    scope->fired = 1;
    node->state = (async_mark_)((node->state | ASYNC_STRIKE_)
                                  & ~(unsigned)ASYNC_FORWARDED_);
    async_strike_(scope->task);
}

ASYNC_API async_status async_scope_settle_(async_scope *scope, async_status rc,
                                           async_status becomes)
{
    async_node *node = &scope->task->timer.node;
    const async_scope *up;
    bool outer = false;             /* has a scope around it struck? */
    bool undelivered = (node->state & ASYNC_PENDING_) != 0;

    for (up = scope->up; up != NULL; up = up->up) {
        outer = outer || up->fired != 0;
        undelivered = undelivered || up->fired == 1;
    }
    if (rc == ASYNC_CANCEL && !outer && (node->state & ASYNC_CANCELED_) == 0) {
        rc = becomes;
    }
    if (!undelivered) {             /* this scope's own strike goes with it */
        node->state = (async_mark_)
            (node->state & ~(unsigned)(ASYNC_STRIKE_ | ASYNC_FORWARDED_));
    }
    return rc;
}

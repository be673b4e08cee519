#pragma once
#include "loop.h"
/* ===========================================================================
 * scope: what encloses a task's awaits and may strike them: a deadline, or a
 * group whose child failed. Not a public part: timeout.h and group.h are.
 *
 * Scopes form a chain on the task, the innermost first. One that strikes ends
 * the await inside with ASYNC_CANCEL, as a cancel does; where that leaves the
 * scope again it becomes the scope's own error, but only if
 *
 *     - this scope did strike,
 *     - no real cancel came inside it, or was delivered there, and
 *     - no scope around it has struck too, since this one was entered:
 *
 * then those win, and the strike travels on. A result that was ready in time
 * is kept: a scope takes its undelivered strike along when it is left. (Every
 * interleaving of two scopes and a cancel was tried against this rule.)
 * ======================================================================== */

enum {
    ASYNC_FIRED_ = 1,           /* it struck, which is yet to be delivered; */
    ASYNC_DELIVERED_ = 2,       /* or that was delivered */
    ASYNC_UNDER_ = 4,           /* one around it struck while it was entered */
    ASYNC_POLLS_ = 8            /* it struck when it was entered */
};

typedef struct async_scope_ {
    struct async_scope_ *up;     /* the scope around it */
    unsigned char fired;        /* ASYNC_FIRED_ and so on */
    unsigned char outside;      /* did a cancel come before it? */
    async_task *task;           /* NULL when the scope is not entered */
} async_scope_;

/* The rest of entering for a task over which something hangs. */
ASYNC_API void async_scope_enter_struck_(async_scope_ *scope);

ASYNC_INLINE_ void async_scope_enter_(async_scope_ *scope, async_task *task)
{
    scope->fired = 0;
    scope->outside = 0;
    scope->task = task;
    scope->up = task->scopes;
    task->scopes = scope;
    ASYNC_USE_(scopes);
    if (ASYNC_UNLIKELY_((task->timer.node.state & ASYNC_FLAGS_) != 0)) {
        async_scope_enter_struck_(scope);
    }
}

/* Has it struck, since it was last entered? */
ASYNC_INLINE_ bool async_scope_fired_(const async_scope_ *scope)
{
    return (scope->fired & (ASYNC_FIRED_ | ASYNC_DELIVERED_)) != 0;
}

/* Strike its task, now. */
ASYNC_API void async_scope_strike_(async_scope_ *scope);

/* Leave the innermost scope, with rc on the way out (in-flight codes of a
 * block included): what becomes of it, which is `becomes` if the scope's own
 * strike ended the await. */
ASYNC_API async_status async_scope_settle_(async_scope_ *scope, async_status rc,
                                           async_status becomes);

ASYNC_INLINE_ async_status async_scope_leave_(async_scope_ *scope,
                                              async_status rc,
                                              async_status becomes)
{
    async_task *task = scope->task;

    task->scopes = scope->up;
    if (ASYNC_UNLIKELY_((scope->fired | scope->outside) != 0)) {
        return async_scope_settle_(scope, rc, becomes);
    }
    scope->task = NULL;
    return rc;
}

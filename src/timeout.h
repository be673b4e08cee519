#pragma once
#include "scope.h"
#include "sleep.h"
#include "try.h"
/* ===========================================================================
 * timeout: a deadline around an await, or around a block of them.
 *
 * When a deadline passes, its task is struck like by a cancel: the await
 * inside fails with ASYNC_CANCEL, the cleanup there runs to its end, and where
 * the strike leaves the scope it becomes ASYNC_ETIMEDOUT, an error that may be
 * caught. A cancel that came inside, or a scope around it that struck as well,
 * wins over it; and what was ready in time is kept: see scope.h.
 * ======================================================================== */

/* Put one into the frame for each scope; zeroed memory is a fresh one. It is
 * to stay where it is while the scope is entered. */
typedef struct async_timeout {
    async_alarm_ alarm;         /* in the queue, at this time or before */
    async_ticks deadline;       /* this one, to which it may have moved */
    async_scope_ scope;
} async_timeout;

/* AWAIT(ASYNC_TIMEOUT(&self->scope, duration, x)): await x for at most so
 * long. Gives x's own result or error, or ASYNC_ETIMEDOUT, after x has ended
 * its cleanup. Zero or less is a poll: x may complete if it need not suspend.
 * Nests: x may be an ASYNC_TIMEOUT of another scope. Costs an insertion into
 * the timer queue and a removal. Task only.
 *
 * Around async_join, async_gather or async_race it cancels the tasks, and
 * waits until they have ended. To stop waiting only: around async_shield or
 * async_wait, which leave them alone. */
#define ASYNC_TIMEOUT(scope, duration, x) \
    (async_timeout_enter_((scope), (duration)), \
     async_timeout_await_((scope), (x)))

/* The same around a block:
 *
 *     ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_SEC(5)) {
 *         AWAIT(...);
 *         AWAIT(...);
 *     } ASYNC_TIMEOUT_END;
 *
 * `break`, `continue` and ASYNC_RETURN leave it as they leave an ASYNC_TRY. */
#define ASYNC_TIMEOUT_BEGIN(scope, duration) \
    ASYNC_SCOPE_(async_timeout_begin_((scope), (duration)), \
                 async_timeout_leave_((scope), async_rc_))
#define ASYNC_TIMEOUT_END ASYNC_SCOPE_END_

#define async_timeout_expired ASYNC_ABI_(async_timeout_expired)
#define async_timeout_open_ ASYNC_ABI_(async_timeout_open)
#define async_timeout_leave_ ASYNC_ABI_(async_timeout_leave)

/* Above 0, and not for ever, in one comparison. */
#define ASYNC_FINITE_(duration) \
    ((async_ticks)((async_ticks)(duration) - 1) < (async_ticks)ASYNC_NEVER - 1)

/* The whole of async_timeout_reschedule; that below is what is usual of it. */
#define async_timeout_move_ ASYNC_ABI_(async_timeout_move)
ASYNC_API int async_timeout_move_(async_timeout *timeout,
                                  async_duration duration);

/* Move the deadline of an entered scope to `duration` from now; ASYNC_NEVER
 * takes it off. To a later time this is almost free: a few instructions, no
 * touch of the timer queue. 0, or ASYNC_EALREADY when the deadline has struck,
 * ASYNC_EINVAL for NULL or a scope that is not entered. Any task of the
 * loop. */
ASYNC_INLINE_ int async_timeout_reschedule(async_timeout *timeout,
                                           async_duration duration)
{
#if ASYNC_HOSTED && ASYNC_FAST_
    if (timeout != NULL && timeout->alarm.timer.node.state == ASYNC_ALARM_
        && async_this_loop_->fresh && ASYNC_FINITE_(duration)) {
        async_ticks deadline =
            async_this_loop_->now + (async_ticks)duration;

        if ((async_duration)(deadline - timeout->alarm.timer.u.deadline) >= 0) {
            timeout->deadline = deadline;   /* looked at when it is due */
            return 0;
        }
    }
#endif
    return async_timeout_move_(timeout, duration);
}

/* Has the deadline of this scope struck since it was last entered? Still
 * answers after the scope was left. */
ASYNC_API bool async_timeout_expired(const async_timeout *timeout);

/* Enter a scope, if this is not the await of a resume. */
ASYNC_API void async_timeout_open_(async_timeout *timeout,
                                   async_duration duration);
ASYNC_API void async_timeout_arm_(async_timeout *timeout);

ASYNC_INLINE_ void async_timeout_enter_(async_timeout *timeout,
                                        async_duration duration)
{
#if ASYNC_DEBUG
    if (timeout == NULL) {
        async_debug_misuse_("a timeout", "its scope is NULL");
    } else if (timeout->scope.task != NULL
               && timeout->scope.task != async_this_task_) {
        async_debug_misuse_("a timeout", "entered while another task is in it");
    }
#endif
    if (timeout->scope.task == NULL) {
        async_timeout_open_(timeout, duration);
    }
}

/* What is ready at once never goes into the queue. (A microcontroller's goes
 * there when it is entered: its queue is short, and time passes in a turn.) */
ASYNC_INLINE_ void async_timeout_suspends_(async_timeout *timeout)
{
#if ASYNC_HOSTED
    if (timeout->alarm.timer.node.state == ASYNC_UNARMED_) {
        async_timeout_arm_(timeout);
    }
#else
    (void)timeout;
#endif
}

/* A block is entered once. It may suspend anywhere: the deadline is set now. */
ASYNC_INLINE_ void async_timeout_begin_(async_timeout *timeout,
                                        async_duration duration)
{
#if ASYNC_DEBUG
    if (timeout->scope.task != NULL) {
        async_debug_misuse_("a timeout", "entered again, but not left yet");
    }
#endif
    async_timeout_enter_(timeout, duration);
    async_timeout_suspends_(timeout);
}

/* rc: how the block ended, in-flight codes included; returns what becomes of
 * it. */
ASYNC_API async_status async_timeout_leave_(async_timeout *timeout,
                                            async_status rc);

/* Only now that the await suspends does the deadline go into the queue. */
ASYNC_INLINE_ ASYNC async_timeout_await_(async_timeout *timeout,
                                         async_status rc)
{
    if (rc != ASYNC_PENDING) {
        return async_timeout_leave_(timeout, rc);
    }
    async_timeout_suspends_(timeout);
    return rc;
}

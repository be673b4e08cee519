#pragma once
#include "lock.h"
/* ===========================================================================
 * condition: waiting, under a lock, until somebody says that what the lock
 * protects has changed. It holds no state: what is waited for is yours.
 *
 *     ASYNC_WITH(async_lock_acquire(&shop->lock),
 *                async_lock_release(&shop->lock)) {
 *         while (shop->loaves == 0) {
 *             AWAIT(async_condition_wait(&shop->changed));
 *         }
 *         shop->loaves--;
 *     } ASYNC_WITH_END;
 *
 * The loop stands for wait_for(predicate): between the notification and the
 * moment at which its task has the lock again, others may have had it.
 * ======================================================================== */

/* Any number of conditions may share a lock. */
typedef struct async_condition {
    async_list waiters;
    async_lock *lock;
} async_condition;

#define async_condition_open ASYNC_ABI_(async_condition_open)
#define async_condition_wait ASYNC_ABI_(async_condition_wait)
#define async_condition_notify ASYNC_ABI_(async_condition_notify)
#define async_condition_notify_all ASYNC_ABI_(async_condition_notify_all)

/* Make it one of this lock. Nobody may be waiting for it. 0, or ASYNC_EINVAL
 * for NULL. Any context. */
ASYNC_API int async_condition_open(async_condition *condition,
                                   async_lock *lock);

/* AWAIT(async_condition_wait(condition)): release the lock, wait to be
 * notified, take the lock again. 0; ASYNC_EPERM when the caller does not hold
 * the lock, ASYNC_EINVAL for NULL or a condition that was not opened.
 *
 * However it ends, but for these two errors, the caller holds the lock: when a
 * strike ends the wait, it takes the lock again first, which no further strike
 * disturbs, and fails then. One that was notified before the strike returns 0,
 * so no notification is lost; the strike hits its next await. Task only. */
ASYNC_API ASYNC async_condition_wait(async_condition *condition);

/* Wake the n oldest of those who wait, or as many as there are: how many. They
 * go on one after the other, as each gets the lock. 0 is no error, and is
 * forgotten: who waits later is not woken by it. ASYNC_EPERM when the caller
 * does not hold the lock, ASYNC_EINVAL for NULL, a negative n, or a condition
 * that was not opened. Task only; does not suspend. */
ASYNC_API int async_condition_notify(async_condition *condition, int n);

/* The same for all who wait. */
ASYNC_API int async_condition_notify_all(async_condition *condition);

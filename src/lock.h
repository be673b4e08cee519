#pragma once
#include "loop.h"
/* ===========================================================================
 * lock: mutual exclusion of tasks across their awaits. Between two awaits a
 * task is alone anyway; nor does it keep threads or interrupts out.
 *
 *     ASYNC_WITH(async_lock_acquire(&self->lock),
 *                async_lock_release(&self->lock)) {
 *         AWAIT(...);
 *     } ASYNC_WITH_END;
 *
 * Strictly first come, first served: a release hands the lock over to the
 * oldest waiter, so nobody slips in between, and a waiter that is cancelled
 * after that holds the lock all the same.
 * ======================================================================== */

/* Zeroed memory is a free lock. It belongs to the tasks of one loop. */
typedef struct async_lock {
    async_list waiters;
    async_task *owner;          /* NULL: free, and then nobody waits */
} async_lock;

#define async_lock_acquire ASYNC_ABI_(async_lock_acquire)
#define async_lock_try ASYNC_ABI_(async_lock_try)
#define async_lock_release ASYNC_ABI_(async_lock_release)
#define async_lock_locked ASYNC_ABI_(async_lock_locked)

/* AWAIT(async_lock_acquire(lock)): wait until it is free, and take it. 0;
 * ASYNC_EDEADLK if the caller holds it already, ASYNC_EINVAL for NULL. A
 * cancelled waiter leaves, and the others move up. The holder is to release it
 * before it ends: on every way out, which is what ASYNC_WITH is for; a debug
 * build traps who waits for a task that has not. Task only. Constant time. */
ASYNC_API ASYNC async_lock_acquire(async_lock *lock);

/* Take it if it is free: 0; ASYNC_EAGAIN when it is held, by whomever,
 * ASYNC_EPERM outside of a task, ASYNC_EINVAL for NULL. Constant time. */
ASYNC_API int async_lock_try(async_lock *lock);

/* Give it to the oldest waiter, who goes on in its turn; free it if there is
 * none. Does not suspend. 0; ASYNC_EPERM when the running task does not hold
 * it, ASYNC_EINVAL for NULL. Constant time. */
ASYNC_API int async_lock_release(async_lock *lock);

/* Does anybody hold it? False for NULL. Any context of the loop's thread. */
ASYNC_API bool async_lock_locked(const async_lock *lock);

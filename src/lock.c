/* ===========================================================================
 * lock: mutual exclusion of tasks across their awaits.
 * ======================================================================== */
#include "lock.h"

ASYNC_API async_status async_lock_acquire(async_lock *lock)
{
    async_task *task = async_self_();

    if (async_granted_(task)) {         /* the release made it the owner */
        return 0;
    }
    if (lock == NULL) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    if (lock->owner == task) {
        return async_settle_(task, ASYNC_EDEADLK);
    }
    if (lock->owner == NULL) {
        lock->owner = task;
        return async_settle_(task, 0);
    }
#if ASYNC_DEBUG
    if (async_done(lock->owner)) {
        async_debug_misuse_("async_lock_acquire", "the task that holds the "
                            "lock has ended without releasing it");
    }
#endif
    ASYNC_WAITS_("async_lock_acquire", lock);
    return async_wait_(&lock->waiters);
}

ASYNC_API int async_lock_try(async_lock *lock)
{
    if (lock == NULL) {
        return ASYNC_EINVAL;
    }
    if (async_this_task_ == NULL) {
        return ASYNC_EPERM;
    }
    if (lock->owner != NULL) {
        return ASYNC_EAGAIN;
    }
    lock->owner = async_this_task_;
    return 0;
}

ASYNC_API int async_lock_release(async_lock *lock)
{
    async_task *next = NULL;
    int result = 0;

    if (lock == NULL) {
        return ASYNC_EINVAL;
    }
    if (lock->owner == NULL || lock->owner != async_this_task_) {
        return ASYNC_EPERM;
    }
    if (lock->waiters.tail != NULL) {
        next = ASYNC_TASK_(lock->waiters.tail->next);
        if (async_state_(next) == ASYNC_DEAF_) {
            result = next->timer.u.result;      /* see condition.c */
        }
    }
    lock->owner = next;
    (void)async_wake_one_(&lock->waiters, result);
    return 0;
}

ASYNC_API bool async_lock_locked(const async_lock *lock)
{
    return lock != NULL && lock->owner != NULL;
}

/* ===========================================================================
 * condition: waiting, under a lock, for a change of what it protects.
 *
 * A wait has two phases. In the first its task stands in the condition's list,
 * and a notification or a strike ends it. In the second it waits for the lock,
 * deaf to strikes, with the result of the whole in its task: 0 or ASYNC_CANCEL.
 * The lock's release leaves that as it is, and makes the task the owner. So the
 * owner tells a task that is granted something which phase is over.
 * ======================================================================== */
#include "condition.h"

ASYNC_API int async_condition_open(async_condition *condition,
                                   async_lock *lock)
{
    if (condition == NULL || lock == NULL) {
        return ASYNC_EINVAL;
    }
    condition->waiters.tail = NULL;
    condition->lock = lock;
    return 0;
}

/* 0, or what is wrong with a call that needs the lock. */
static int async_condition_check_(const async_condition *condition)
{
    if (condition == NULL || condition->lock == NULL) {
        return ASYNC_EINVAL;
    }
    return condition->lock->owner == NULL
        || condition->lock->owner != async_this_task_ ? ASYNC_EPERM : 0;
}

/* The end of a wait, with its lock. */
static async_status async_condition_end_(async_task *task, int result)
{
    return result == ASYNC_CANCEL ? async_deliver_(task)
                                  : async_settle_(task, 0);
}

/* Into the second phase. */
static async_status async_condition_relock_(async_task *task,
                                            async_lock *lock, int result)
{
    if (lock->owner == NULL) {
        lock->owner = task;
        return async_condition_end_(task, result);
    }
    ASYNC_WAITS_("async_condition_wait", lock);
    (void)async_park_(&lock->waiters);
    async_set_state_(task, ASYNC_DEAF_);
    task->timer.u.result = result;
    return ASYNC_PENDING;
}

ASYNC_API async_status async_condition_wait(async_condition *condition)
{
    async_task *task = async_self_();
    async_mark_ state = async_state_(task);
    int rc;

    if (state == ASYNC_READY_) {
        if (condition->lock->owner == task) {
            return async_condition_end_(task, task->timer.u.result);
        }
        return async_condition_relock_(task, condition->lock, 0);
    }
    if (state == ASYNC_STRUCK_) {
        return async_condition_relock_(task, condition->lock, ASYNC_CANCEL);
    }
    rc = async_condition_check_(condition);
    if (rc < 0) {
        return async_settle_(task, rc);
    }
    if (ASYNC_STRUCK_P_(task)) {
        return async_deliver_(task);
    }
    ASYNC_WAITS_("async_condition_wait", condition);
    (void)async_park_(&condition->waiters);
    (void)async_lock_release(condition->lock);
    return ASYNC_PENDING;
}

ASYNC_API int async_condition_notify(async_condition *condition, int n)
{
    int rc = async_condition_check_(condition);

    if (rc == 0 && n < 0) {
        rc = ASYNC_EINVAL;
    }
    while (rc >= 0 && rc < n && async_wake_one_(&condition->waiters, 0)) {
        rc++;
    }
    return rc;
}

ASYNC_API int async_condition_notify_all(async_condition *condition)
{
    return async_condition_notify(condition, INT_MAX);
}

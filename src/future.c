/* ===========================================================================
 * future: a result that somebody sets and others await.
 * ======================================================================== */
#include "future.h"

ASYNC_API int async_future_set(async_future *future, int result)
{
    if (future == NULL || result <= ASYNC_CANCEL) {
        return ASYNC_EINVAL;
    }
    if (future->set) {
        return ASYNC_EALREADY;
    }
    future->set = true;
    future->result = result;
    while (async_wake_one_(&future->waiters, result)) {
    }
    return 0;
}

ASYNC_API async_status async_future_wait(async_future *future)
{
    async_task *task = async_self_();

    if (async_granted_(task)) {         /* by value: the future may be gone */
        return task->timer.u.result;
    }
    if (future == NULL) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    if (future->set) {
        return async_settle_(task, future->result);
    }
    ASYNC_WAITS_("async_future_wait", future);
    return async_wait_(&future->waiters);
}

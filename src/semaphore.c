/* ===========================================================================
 * semaphore: a number of permits that tasks take and give back.
 * ======================================================================== */
#include "semaphore.h"

ASYNC_API int async_semaphore_open(async_semaphore *semaphore, int permits)
{
    if (semaphore == NULL || permits < 0) {
        return ASYNC_EINVAL;
    }
    semaphore->waiters.tail = NULL;
    semaphore->value = permits;
    semaphore->short_of = 0;
    return 0;
}

ASYNC_API int async_semaphore_open_bounded(async_semaphore *semaphore,
                                           int permits)
{
    int rc = async_semaphore_open(semaphore, permits);

    if (rc == 0) {
        semaphore->short_of = INT_MAX - permits;
    }
    return rc;
}

ASYNC_API int async_semaphore_try(async_semaphore *semaphore)
{
    if (semaphore == NULL) {
        return ASYNC_EINVAL;
    }
    if (semaphore->value == 0) {
        return ASYNC_EAGAIN;
    }
    semaphore->value--;
    return 0;
}

ASYNC_API async_status async_semaphore_acquire(async_semaphore *semaphore)
{
    async_task *task = async_self_();
    int rc;

    if (async_granted_(task)) {         /* a release gave it its permit */
        return 0;
    }
    rc = async_semaphore_try(semaphore);
    if (rc != ASYNC_EAGAIN) {
        return async_settle_(task, rc);
    }
    ASYNC_WAITS_("async_semaphore_acquire", semaphore);
    return async_wait_(&semaphore->waiters);
}

ASYNC_API int async_semaphore_release(async_semaphore *semaphore)
{
    if (semaphore == NULL) {
        return ASYNC_EINVAL;
    }
    if (semaphore->value >= INT_MAX - semaphore->short_of) {
        return ASYNC_EOVERFLOW;
    }
    if (!async_wake_one_(&semaphore->waiters, 0)) {
        semaphore->value++;
    }
    return 0;
}

ASYNC_API int async_semaphore_value(const async_semaphore *semaphore)
{
    return semaphore == NULL ? ASYNC_EINVAL : semaphore->value;
}

/* ===========================================================================
 * barrier: a place where tasks wait until a given number of them is there.
 * ======================================================================== */
#include "barrier.h"

static bool async_barrier_opened_(const async_barrier *barrier)
{
    return barrier != NULL && barrier->parties != 0;
}

ASYNC_API int async_barrier_open(async_barrier *barrier, int parties)
{
    if (barrier == NULL || parties < 1) {
        return ASYNC_EINVAL;
    }
    barrier->waiters.tail = NULL;
    barrier->parties = parties;
    barrier->arrived = 0;
    barrier->broken = false;
    return 0;
}

ASYNC_API int async_barrier_waiting(const async_barrier *barrier)
{
    const async_node *node;
    int n = 0;

    if (!async_barrier_opened_(barrier)) {
        return ASYNC_EINVAL;
    }
    node = barrier->waiters.tail;
    if (node != NULL) {
        do {
            n++;
            node = node->next;
        } while (node != barrier->waiters.tail);
    }
    return n;
}

/* Let all go who wait, each with `result`, plus `step` for each before it. */
static int async_barrier_drain_(async_barrier *barrier, int result, int step)
{
    while (async_wake_one_(&barrier->waiters, result)) {
        result += step;
        barrier->arrived--;
    }
    return result;
}

/* Is the running task the last? A waiter that was struck is no longer in the
 * list, but is counted until it says so; hence the second look. */
static bool async_barrier_complete_(const async_barrier *barrier)
{
    return barrier->arrived >= barrier->parties - 1
        && async_barrier_waiting(barrier) == barrier->parties - 1;
}

ASYNC_API async_status async_barrier_wait(async_barrier *barrier)
{
    async_task *task = async_self_();
    async_status rc;

    if (async_granted_(task)) {
        return task->timer.u.result;
    }
    if (!async_barrier_opened_(barrier)) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    if (async_state_(task) == ASYNC_STRUCK_) {
        barrier->arrived--;
    }
    if (barrier->broken) {
        return async_settle_(task, ASYNC_EBROKEN);
    }
    if (async_barrier_complete_(barrier)) {
        return async_settle_(task, async_barrier_drain_(barrier, 0, 1));
    }
    ASYNC_WAITS_("async_barrier_wait", barrier);
    rc = async_wait_(&barrier->waiters);
    if (rc == ASYNC_PENDING) {
        barrier->arrived++;
    }
    return rc;
}

ASYNC_API int async_barrier_reset(async_barrier *barrier)
{
    if (!async_barrier_opened_(barrier)) {
        return ASYNC_EINVAL;
    }
    barrier->broken = false;
    (void)async_barrier_drain_(barrier, ASYNC_EBROKEN, 0);
    return 0;
}

ASYNC_API int async_barrier_abort(async_barrier *barrier)
{
    int rc = async_barrier_reset(barrier);

    if (rc == 0) {
        barrier->broken = true;
    }
    return rc;
}

ASYNC_API bool async_barrier_broken(const async_barrier *barrier)
{
    return barrier != NULL && barrier->broken;
}

ASYNC_API int async_barrier_parties(const async_barrier *barrier)
{
    return async_barrier_opened_(barrier) ? barrier->parties : ASYNC_EINVAL;
}

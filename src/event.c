/* ===========================================================================
 * event: a flag that tasks wait for.
 * ======================================================================== */
#include "event.h"

ASYNC_API int async_event_set(async_event *event)
{
    if (event == NULL) {
        return ASYNC_EINVAL;
    }
    event->set = true;
    while (async_wake_one_(&event->waiters, 0)) {
    }
    return 0;
}

ASYNC_API int async_event_clear(async_event *event)
{
    if (event == NULL) {
        return ASYNC_EINVAL;
    }
    event->set = false;
    return 0;
}

ASYNC_API bool async_event_is_set(const async_event *event)
{
    return event != NULL && event->set;
}

ASYNC_API async_status async_event_wait(async_event *event)
{
    async_task *task = async_self_();

    if (async_granted_(task)) {         /* it may have been cleared since */
        return 0;
    }
    if (event == NULL) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    if (event->set) {
        return async_settle_(task, 0);
    }
    ASYNC_WAITS_("async_event_wait", event);
    return async_wait_(&event->waiters);
}

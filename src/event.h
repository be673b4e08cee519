#pragma once
#include "loop.h"
/* ===========================================================================
 * event: a flag that tasks wait for. It has no value and no owner: a result
 * that is set once is a future, a count is a semaphore.
 * ======================================================================== */

/* Zeroed memory is an event that is not set. */
typedef struct async_event {
    async_list waiters;
    bool set;
} async_event;

#define async_event_set ASYNC_ABI_(async_event_set)
#define async_event_clear ASYNC_ABI_(async_event_clear)
#define async_event_is_set ASYNC_ABI_(async_event_is_set)
#define async_event_wait ASYNC_ABI_(async_event_wait)

/* Set it, and wake all who wait, the oldest first. It stays set: setting it
 * again changes nothing. Who is woken goes on even if the event is cleared
 * before its turn comes, or its memory is gone. 0, or ASYNC_EINVAL for NULL.
 * Task or callback of the loop in which they wait. Constant time for each. */
ASYNC_API int async_event_set(async_event *event);

/* Whoever waits from now on waits for the next set. 0, or ASYNC_EINVAL for
 * NULL. Any context of the loop's thread. */
ASYNC_API int async_event_clear(async_event *event);

/* Is it set? False for NULL. Any context of the loop's thread. */
ASYNC_API bool async_event_is_set(const async_event *event);

/* AWAIT(async_event_wait(event)): go on once it is set, at once if it is. 0;
 * ASYNC_EINVAL for NULL. Any number of tasks of one loop may wait. A cancelled
 * waiter leaves, the others are untouched. Task only. */
ASYNC_API ASYNC async_event_wait(async_event *event);

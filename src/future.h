#pragma once
#include "loop.h"
/* ===========================================================================
 * future: a result that somebody sets and others await: the bridge from
 * callbacks. Not a task: nothing runs to make it.
 * ======================================================================== */

/* A result or an error, set once by anyone in the loop's thread, awaited by
 * any number of tasks. Zeroed memory is a future without a result. */
typedef struct async_future {
    async_list waiters;
    int result;
    bool set;
} async_future;

#define async_future_set ASYNC_ABI_(async_future_set)
#define async_future_wait ASYNC_ABI_(async_future_wait)

/* Set it and wake all who wait. `result` is a value >= 0 or an error.
 * 0, or ASYNC_EALREADY when it has been set, ASYNC_EINVAL for NULL or a result
 * that means something else (ASYNC_PENDING, ASYNC_CANCEL). */
ASYNC_API int async_future_set(async_future *future, int result);

/* AWAIT_VALUE(v, async_future_wait(future)): its result or its error. A
 * cancelled waiter leaves; the future and the other waiters are untouched. */
ASYNC_API ASYNC async_future_wait(async_future *future);

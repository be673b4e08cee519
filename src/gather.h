#pragma once
#include "wait.h"
/* ===========================================================================
 * gather: waiting for several tasks at once, and answering for them. When one
 * decides the outcome, the others are cancelled, and awaited as well: frames
 * are the caller's memory, so nothing is left running in them.
 *
 * Waiters and set are those of wait.h. All three operations obey the same rule
 * as async_join when the caller is struck: the strike is passed on to the tasks
 * that run, once, and the caller goes on waiting for their cleanups. If then
 * one of them ends cancelled, so does the operation; otherwise it gives its
 * result, and the strike hits the caller's next await.
 *
 * Errors of all three: ASYNC_EINVAL for NULL, a negative n or a task never
 * spawned, ASYNC_EDEADLK if the caller is one of the tasks, ASYNC_EBUSY when
 * set or waiters are in use; then no task is touched. Task only. O(n).
 * ======================================================================== */

#define async_gather ASYNC_ABI_(async_gather)
#define async_gather_all ASYNC_ABI_(async_gather_all)
#define async_race ASYNC_ABI_(async_race)

/* AWAIT(async_gather(set, waiters, n)): 0 when all n tasks have succeeded;
 * async_result gives what they returned. The first error (ASYNC_ECANCELED if
 * somebody cancelled one) cancels the others, and is raised when these have
 * ended. n = 0 is a success. */
ASYNC_API ASYNC async_gather(async_wait_set *set, async_waiter *waiters, int n);

/* AWAIT_VALUE(failed, async_gather_all(set, waiters, n)): wait for all of them,
 * whatever becomes of each; the number of those that failed. async_result
 * tells one from another. */
ASYNC_API ASYNC async_gather_all(async_wait_set *set, async_waiter *waiters,
                                 int n);

/* AWAIT_VALUE(i, async_race(set, waiters, n)): the first to end decides: its
 * index, or its error is raised. The others are cancelled and awaited before.
 * Of several that have ended already, the first by its index is the first. No
 * tasks (n = 0) are ASYNC_EINVAL. */
ASYNC_API ASYNC async_race(async_wait_set *set, async_waiter *waiters, int n);

#pragma once
#include "loop.h"
/* ===========================================================================
 * barrier: a place where tasks wait until a given number of them is there;
 * then all go on, and it is empty again. It does not wait for the end of
 * tasks: that is what joins, gathers and groups do.
 *
 * Who is let through has been given its result, and is out of the barrier from
 * then on, even if its turn has yet to come: a later reset or abort does not
 * touch it, and who comes next waits for the next round.
 * ======================================================================== */

/* Its tasks are of one loop. */
typedef struct async_barrier {
    async_list waiters;
    int parties;                /* 0: not opened */
    int arrived;                /* who waits, or was struck and has not run */
    bool broken;
} async_barrier;

#define async_barrier_open ASYNC_ABI_(async_barrier_open)
#define async_barrier_wait ASYNC_ABI_(async_barrier_wait)
#define async_barrier_reset ASYNC_ABI_(async_barrier_reset)
#define async_barrier_abort ASYNC_ABI_(async_barrier_abort)
#define async_barrier_broken ASYNC_ABI_(async_barrier_broken)
#define async_barrier_parties ASYNC_ABI_(async_barrier_parties)
#define async_barrier_waiting ASYNC_ABI_(async_barrier_waiting)

/* Make it one for so many tasks. Nobody may be waiting at it. 0, or
 * ASYNC_EINVAL for NULL or a number below 1. Any context. */
ASYNC_API int async_barrier_open(async_barrier *barrier, int parties);

/* AWAIT_VALUE(i, async_barrier_wait(barrier)): wait until all are there. i is
 * 0 for the one that came first, and so on: parties - 1 for the last, which
 * does not suspend. ASYNC_EBROKEN when the barrier is broken, or is reset
 * meanwhile; ASYNC_EINVAL for NULL or a barrier that was not opened. A
 * cancelled waiter leaves, and the others wait for another one in its place.
 * Task only. Constant time; the last one wakes all the others. */
ASYNC_API ASYNC async_barrier_wait(async_barrier *barrier);

/* Those who wait fail with ASYNC_EBROKEN; the barrier is empty, and no longer
 * broken if it was. 0, or ASYNC_EINVAL for NULL or a barrier that was not
 * opened. Task or callback of the loop. */
ASYNC_API int async_barrier_reset(async_barrier *barrier);

/* Break it: those who wait fail with ASYNC_EBROKEN, and so does everyone who
 * comes, until it is reset. Errors and callers as for async_barrier_reset. */
ASYNC_API int async_barrier_abort(async_barrier *barrier);

/* Is it broken? False for NULL. Any context of the loop's thread. */
ASYNC_API bool async_barrier_broken(const async_barrier *barrier);

/* For how many it is; ASYNC_EINVAL for NULL or one that was not opened. */
ASYNC_API int async_barrier_parties(const async_barrier *barrier);

/* How many wait at it now; ASYNC_EINVAL as above. It counts them: this takes
 * longer the more they are. Any context of the loop's thread. */
ASYNC_API int async_barrier_waiting(const async_barrier *barrier);

#pragma once
#include "loop.h"
/* ===========================================================================
 * semaphore: a number of permits that tasks take and give back. It has no
 * owner: any task may give back what another one took, or signal with it.
 *
 * Strictly first come, first served, as the lock is: a release hands its
 * permit over to the oldest waiter.
 * ======================================================================== */

/* Zeroed memory is a semaphore without a permit. Its tasks are of one loop. */
typedef struct async_semaphore {
    async_list waiters;
    int value;                  /* permits to be had; 0 while somebody waits */
    int short_of;               /* it holds at most INT_MAX - short_of */
} async_semaphore;

#define async_semaphore_open ASYNC_ABI_(async_semaphore_open)
#define async_semaphore_open_bounded ASYNC_ABI_(async_semaphore_open_bounded)
#define async_semaphore_acquire ASYNC_ABI_(async_semaphore_acquire)
#define async_semaphore_try ASYNC_ABI_(async_semaphore_try)
#define async_semaphore_release ASYNC_ABI_(async_semaphore_release)
#define async_semaphore_value ASYNC_ABI_(async_semaphore_value)

/* Make it one with so many permits. Nobody may be waiting for it. 0, or
 * ASYNC_EINVAL for NULL or a negative number. Any context. */
ASYNC_API int async_semaphore_open(async_semaphore *semaphore, int permits);

/* The same, but it never holds more than these: a release too many is an
 * error, which finds the bug of giving back twice. */
ASYNC_API int async_semaphore_open_bounded(async_semaphore *semaphore,
                                           int permits);

/* AWAIT(async_semaphore_acquire(semaphore)): wait for a permit, and take it.
 * 0; ASYNC_EINVAL for NULL. A cancelled waiter leaves, and the others move
 * up; one that is cancelled after it got its permit keeps it. Task only.
 * Constant time. */
ASYNC_API ASYNC async_semaphore_acquire(async_semaphore *semaphore);

/* Take one if there is one: 0, or ASYNC_EAGAIN; ASYNC_EINVAL for NULL. Any
 * context of the loop's thread. Constant time. */
ASYNC_API int async_semaphore_try(async_semaphore *semaphore);

/* Give one to the oldest waiter, who goes on in its turn, or keep it for the
 * next to come. Does not suspend. 0; ASYNC_EOVERFLOW, and nothing is changed,
 * for more than a bounded one may hold, or an int can; ASYNC_EINVAL for NULL.
 * Task or callback of the loop. Constant time. */
ASYNC_API int async_semaphore_release(async_semaphore *semaphore);

/* How many permits are to be had at once; ASYNC_EINVAL for NULL. Any context
 * of the loop's thread. */
ASYNC_API int async_semaphore_value(const async_semaphore *semaphore);

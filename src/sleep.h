#pragma once
#include "loop.h"
/* ===========================================================================
 * sleep: what time it is, and waiting for a time.
 * ======================================================================== */

#define async_now ASYNC_ABI_(async_now)
#define async_sleep_ ASYNC_ABI_(async_sleep)
#define async_sleep_sure_ ASYNC_ABI_(async_sleep_sure)
#define async_sleep_until ASYNC_ABI_(async_sleep_until)

/* The time of the running loop, in ticks: read from the clock at most once a
 * turn, so that all tasks of a turn agree. It starts where the port's clock
 * starts, and wraps; subtract two to get an async_duration. Any context of the
 * loop's thread, while a loop is current. */
ASYNC_API async_ticks async_now(void);

/* AWAIT(async_sleep(duration)): suspend the task for so long, counted from the
 * time of this turn. A duration of zero or less is an async_yield; ASYNC_NEVER
 * is the longest one, not for ever: for that await a future. Never wakes
 * early; how late is a matter of the other tasks and of the clock's tick.
 *
 * A cancel that comes before the time is over ends it with ASYNC_CANCEL; one
 * that comes with it does not: the expired time wins, and the strike hits the
 * next await. Task only. Costs one insertion into the timer queue. */
ASYNC_API ASYNC async_sleep_(async_duration duration);
ASYNC_API ASYNC async_sleep_sure_(async_duration duration);     /* above 0 */

ASYNC_ALONE_ ASYNC async_sleep(async_duration duration)
{
    return ASYNC_KNOWN_(duration > 0) ? async_sleep_sure_(duration)
                                      : async_sleep_(duration);
}

/* AWAIT(async_sleep_until(time)): the same to an instant, for a period without
 * drift: self->next += ASYNC_MS(10); AWAIT(async_sleep_until(self->next)).
 * A time that has passed (by no more than half the range) is a yield. */
ASYNC_API ASYNC async_sleep_until(async_ticks time);

/* The same, where it has been read in this turn already: at once. */
#if ASYNC_FAST_ && ASYNC_HOSTED
#define ASYNC_NOW_() \
    (ASYNC_LIKELY_(async_this_loop_->fresh) ? async_this_loop_->now \
                                            : async_now())
#elif ASYNC_HOSTED
#define ASYNC_NOW_() async_now()
#else
#define ASYNC_NOW_() ASYNC_CLOCK_()
#endif

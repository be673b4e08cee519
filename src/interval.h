#pragma once
#include "sleep.h"
/* ===========================================================================
 * interval: periodic ticks without drift: the times are counted from the
 * first one on, not from when a task got round to it. Not a timer that calls
 * back: a task waits for each tick.
 *
 * A tick is late when the one after it is due, too, because the task had
 * other things to do, or the loop had. A period of 10, ticks taken at:
 *
 *     on time         10  20  30  40  50  60  70  80
 *     ASYNC_BURST     10  20 .busy..47 47 50  60  70  80  none is left out
 *     ASYNC_SKIP      10  20 .busy..47     50  60  70  80  the grid is kept
 *     ASYNC_DELAY     10  20 .busy..47        57  67  77   the distance is
 * ======================================================================== */

/* What becomes of the ticks that a late task missed. */
enum async_interval_mode {
    ASYNC_SKIP,             /* leave them out, go on with the next on time */
    ASYNC_BURST,            /* make up for them, one after the other */
    ASYNC_DELAY             /* leave them out, a whole period from now on */
};

/* `next` is when the next tick is due, and may be set, for another phase. */
typedef struct async_interval {
    async_ticks next;
    async_duration period;
    unsigned char mode;
} async_interval;

#define async_interval_open ASYNC_ABI_(async_interval_open)
#define async_interval_wait ASYNC_ABI_(async_interval_wait)

/* Ticks every `period`, the first of them a period from now. 0, ASYNC_EPERM
 * when no loop is current, or ASYNC_EINVAL for NULL, a period of zero or less,
 * and a mode that is none of the three. There is nothing to close. Any context
 * of the loop's thread. */
ASYNC_API int async_interval_open(async_interval *interval,
                                  async_duration period, int mode);

/* AWAIT_VALUE(n, async_interval_wait(&interval)): wait for the next tick; one
 * that has passed is taken after a yield. n is for how many ticks it stands:
 * 1, and with ASYNC_SKIP as many more as were left out (32767 at most); with
 * ASYNC_DELAY always 1, as with ASYNC_BURST. ASYNC_EINVAL for NULL or an
 * interval that is not open.
 *
 * A strike that comes before the tick leaves it untaken; one that comes with
 * it finds it taken, and hits the next await. Task only, one task at a time.
 * Costs an async_sleep_until, and for ASYNC_SKIP a division when late. */
ASYNC_API ASYNC async_interval_wait(async_interval *interval);

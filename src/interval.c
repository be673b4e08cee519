/* ===========================================================================
 * interval: when the next tick is due.
 * ======================================================================== */
#include "interval.h"

ASYNC_API int async_interval_open(async_interval *interval,
                                  async_duration period, int mode)
{
    if (interval == NULL || period <= 0 || mode < ASYNC_SKIP
        || mode > ASYNC_DELAY) {
        return ASYNC_EINVAL;
    }
    if (async_this_loop_ == NULL) {
        return ASYNC_EPERM;
    }
    interval->period = period;
    interval->mode = (unsigned char)mode;
    interval->next = (async_ticks)(async_now() + (async_ticks)period);
    return 0;
}

/* A tick was taken: the next one. Returns for how many it stands. */
static int async_interval_advance_(async_interval *interval)
{
    async_ticks period = (async_ticks)interval->period;
    async_ticks now = async_now();
    async_ticks missed;

    interval->next = (async_ticks)(interval->next + period);
    if ((async_duration)(now - interval->next) < 0
        || interval->mode == ASYNC_BURST) {
        return 1;
    }
    if (interval->mode == ASYNC_DELAY) {
        interval->next = (async_ticks)(now + period);
        return 1;
    }
    missed = (async_ticks)((async_ticks)(now - interval->next) / period + 1);
    interval->next = (async_ticks)(interval->next + missed * period);
    return missed < 32767 ? (int)missed + 1 : 32767;
}

ASYNC_API async_status async_interval_wait(async_interval *interval)
{
    async_task *task = async_self_();
    async_status rc;

    if (interval == NULL || interval->period <= 0) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    rc = async_sleep_until(interval->next);
    return rc == 0 ? async_interval_advance_(interval) : rc;
}

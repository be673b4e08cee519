/* ===========================================================================
 * port_posix: the clock of a POSIX system.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "port.h"

#include <time.h>

ASYNC_API async_ticks async_port_clock(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (async_ticks)((uint64_t)now.tv_sec * ASYNC_TICK_HZ
                         + (uint64_t)now.tv_nsec * ASYNC_TICK_HZ
                           / 1000000000);
}

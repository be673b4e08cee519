/* ===========================================================================
 * port_posix: the clock of a POSIX system.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "config.h"
#if ASYNC_HOSTED
#include "port.h"

#include <time.h>

/* A header of the system came first, and showed what standard C has only. */
#if defined __GLIBC__ && !defined __USE_MISC
#error "async.h: where ASYNC_IMPLEMENTATION is defined, include async.h first \
(or compile that file with -std=gnu99, or with -D_GNU_SOURCE)"
#endif

ASYNC_API async_ticks async_port_clock(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (async_ticks)((uint64_t)now.tv_sec * ASYNC_TICK_HZ
                         + (uint64_t)now.tv_nsec * ASYNC_TICK_HZ
                           / 1000000000);
}

/* Let another thread go on. */
ASYNC_API void async_port_pause_(void)
{
    static const struct timespec moment = {0, 1000};

    (void)nanosleep(&moment, NULL);
}

#endif

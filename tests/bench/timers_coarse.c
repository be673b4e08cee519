/* Timers of async.h in a loop that wakes as rarely as the other libraries' do:
 * an ASYNC_IDLE that sleeps a millisecond longer, and so wakes once for what
 * is due within it. See timers.h. */
#define ASYNC_STATIC
#define ASYNC_IDLE(loop, ticks) \
    async_port_idle((loop), (ticks) > 0 && (ticks) < ASYNC_NEVER / 2 \
                            ? (ticks) + ASYNC_MS(1) : (ticks))
#define ASYNC_IMPLEMENTATION
#include "async.h"

#define TIMERS_FIRE_ONLY
#include "timers_async.c"

#pragma once
#include "loop.h"
/* ===========================================================================
 * port_posix: Unix. The functions are in port_posix.c and fd_table.c.
 * ======================================================================== */
#if ASYNC_HOSTED

/* The monotonic clock; and waiting for descriptors and irqs for at most so
 * long, with 0 only a look at them: for an ASYNC_CLOCK or ASYNC_IDLE of yours,
 * which does something of its own and then leaves the rest to these. */
ASYNC_API async_ticks async_port_clock(void);
ASYNC_API void async_port_idle(async_loop *loop, async_duration ticks);
ASYNC_API int async_port_wakeable_(async_loop *loop);
ASYNC_API void async_port_wake_(async_loop *loop);
ASYNC_API void async_port_pause_(void);
ASYNC_API void async_port_cancel_all_(async_loop *loop);
/* The loop stops for now, or another one runs in between. */
ASYNC_API void async_port_rests_(void);
ASYNC_API bool async_port_waits_(const async_loop *loop);
ASYNC_API int async_port_close_(async_loop *loop);

#ifndef ASYNC_IDLE
#define ASYNC_IDLE(loop, ticks) async_port_idle((loop), (ticks))
#endif
#ifndef ASYNC_WAKE
#define ASYNC_WAKE(loop) async_port_wake_(loop)
#endif
#ifndef ASYNC_LOCK
#define ASYNC_LOCK() do { } while (0)
#define ASYNC_UNLOCK() do { } while (0)
#endif
#endif

#pragma once
#include "sim.h"
/* ===========================================================================
 * port_sim: the clock and the sleep of ASYNC_SIM, on whatever machine. They
 * take the place of those that the project has defined for itself.
 * ======================================================================== */
#if ASYNC_SIM

#undef ASYNC_CLOCK
#undef ASYNC_IDLE
#define ASYNC_CLOCK() async_sim_now()
#define ASYNC_IDLE(loop, ticks) async_sim_idle_((loop), (ticks))

#endif

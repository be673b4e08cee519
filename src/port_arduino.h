#pragma once
#include "ticks.h"
/* ===========================================================================
 * port_arduino: the clock of an Arduino sketch, on whatever board: millis().
 * Keeping interrupts out and sleeping are the processor's, below.
 * ======================================================================== */
#if !ASYNC_HOSTED && defined ARDUINO

#ifndef ASYNC_CLOCK
ASYNC_EXTERN_C_ unsigned long millis(void);
#define ASYNC_CLOCK() ((async_ticks)millis())
#endif
#endif

#pragma once
#include "config.h"
/* ===========================================================================
 * port_avr: AVR, the ATmega328P and its relatives. The loop sleeps if the
 * program has allowed it (sleep_enable() of <avr/sleep.h>), in the mode that it
 * has chosen; otherwise it goes round and round.
 * ======================================================================== */
#if !ASYNC_HOSTED && defined __AVR__

#ifndef ASYNC_LOCK
#define ASYNC_LOCK() \
    { \
        unsigned char async_sreg_; \
        __asm__ volatile ("in %0, __SREG__\n\tcli" \
                          : "=r"(async_sreg_) : : "memory")
#define ASYNC_UNLOCK() \
        __asm__ volatile ("out __SREG__, %0" : : "r"(async_sreg_) : "memory"); \
    }
#endif

/* After sei the next instruction still runs undisturbed: it is the sleep. */
#define ASYNC_PORT_SLEEP() \
    __asm__ volatile ("sei\n\tsleep\n\tcli" : : : "memory")

#endif

#pragma once
#include "config.h"
/* ===========================================================================
 * port_sdcc: the 8-bit parts that sdcc compiles for: 8051, STM8, Z80.
 * ======================================================================== */
#if !ASYNC_HOSTED && defined __SDCC

/* On an STM8 the end of __critical lets interrupts in whatever was before it,
 * even in a handler: so the condition code is saved by hand. */
#ifndef ASYNC_LOCK
#if defined __SDCC_stm8
static unsigned char async_lock_sdcc_(void) __naked
{
    __asm__ ("push cc\n\tsim\n\tpop a\n\tret");
}
static volatile unsigned char async_cc_sdcc_;   /* used where locked only */
#define ASYNC_LOCK() \
    { \
        unsigned char async_cc_ = async_lock_sdcc_()
#define ASYNC_UNLOCK() \
        async_cc_sdcc_ = async_cc_; \
        __asm__ ("push _async_cc_sdcc_\n\tpop cc"); \
    }
#else
#define ASYNC_LOCK() __critical {
#define ASYNC_UNLOCK() }
#endif
#endif

/* On an 8051 the instruction after one that sets EA still runs undisturbed: it
 * is the one that idles. So it is on a Z80 with ei and halt; and an STM8's wfi
 * lets interrupts in by itself. */
#if defined __SDCC_mcs51
#define ASYNC_PORT_SLEEP() \
    __asm__ ("setb 0xaf\n\torl 0x87,#0x01\n\tclr 0xaf")
#elif defined __SDCC_stm8
#define ASYNC_PORT_SLEEP() __asm__ ("wfi")
#elif defined __SDCC_z80 || defined __SDCC_z180
#define ASYNC_PORT_SLEEP() __asm__ ("ei\n\thalt\n\tdi")
#endif
#endif

#pragma once
#include "config.h"
/* ===========================================================================
 * port_riscv: RISC-V, 32 or 64 bits, in machine mode.
 * ======================================================================== */
#if !ASYNC_HOSTED && defined __riscv

#ifndef ASYNC_LOCK
#define ASYNC_LOCK() \
    { \
        unsigned long async_mie_; \
        __asm__ volatile ("csrrci %0, mstatus, 8" \
                          : "=r"(async_mie_) : : "memory")
#define ASYNC_UNLOCK() \
        __asm__ volatile ("csrs mstatus, %0" \
                          : : "r"(async_mie_ & 8) : "memory"); \
    }
#endif

/* A pending interrupt ends wfi also while mstatus.MIE holds it back: its
 * handler runs at the UNLOCK. */
#define ASYNC_PORT_SLEEP() __asm__ volatile ("wfi" : : : "memory")

#endif

#pragma once
#include "config.h"
/* ===========================================================================
 * port_cortex_m: Arm Cortex-M, M0 to M85.
 * ======================================================================== */
#if !ASYNC_HOSTED && defined __ARM_ARCH_PROFILE && __ARM_ARCH_PROFILE == 'M'

#ifndef ASYNC_LOCK
#define ASYNC_LOCK() \
    { \
        unsigned async_mask_; \
        __asm__ volatile ("mrs %0, primask\n\tcpsid i" \
                          : "=r"(async_mask_) : : "memory")
#define ASYNC_UNLOCK() \
        __asm__ volatile ("msr primask, %0" : : "r"(async_mask_) : "memory"); \
    }
#endif

/* A pending interrupt ends wfi also while PRIMASK holds it back: its handler
 * runs at the UNLOCK. */
#define ASYNC_PORT_SLEEP() __asm__ volatile ("dsb\n\twfi" : : : "memory")

#endif

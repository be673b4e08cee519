#pragma once
#include "loop.h"
/* ===========================================================================
 * port: what the loop asks of a platform. Three hooks, each a macro that a
 * project may define for itself:
 *
 *   ASYNC_CLOCK()            the time, in ticks of ASYNC_TICK_HZ; it may wrap
 *   ASYNC_LOCK() UNLOCK()    between them no interrupt handler runs; they may
 *                            declare a variable, and nest
 *   ASYNC_IDLE(loop, ticks)  sleep, for at most so many ticks (ASYNC_NEVER: as
 *                            long as you like), until an interrupt. Returning
 *                            early is always right. On bare metal it is called
 *                            between LOCK and UNLOCK, when no irq is raised:
 *                            it must let interrupts in and fall asleep in one
 *                            step, or an interrupt in between is slept over
 *
 * On bare metal the clock is yours: a timer interrupt that counts, or a
 * hardware counter. Define the macro, or the function async_port_clock.
 * ======================================================================== */

/* ---- hosted: POSIX ------------------------------------------------------- */

#if ASYNC_HOSTED

/* The monotonic clock; and waiting for descriptors and irqs for at most so
 * long, with 0 only a look at them: for an ASYNC_CLOCK or ASYNC_IDLE of yours,
 * which does something of its own and then leaves the rest to these. */
ASYNC_API async_ticks async_port_clock(void);
ASYNC_API void async_port_idle(async_loop *loop, async_duration ticks);
ASYNC_API int async_port_wakeable_(async_loop *loop);
ASYNC_API void async_port_wake_(async_loop *loop);
ASYNC_API void async_port_cancel_all_(async_loop *loop);
ASYNC_API bool async_port_waits_(const async_loop *loop);
ASYNC_API int async_port_close_(async_loop *loop);

#ifndef ASYNC_IDLE
#define ASYNC_IDLE(loop, ticks) async_port_idle((loop), (ticks))
#endif
#define ASYNC_WAKE_(loop) async_port_wake_(loop)
#ifndef ASYNC_LOCK
#define ASYNC_LOCK() do { } while (0)
#define ASYNC_UNLOCK() do { } while (0)
#endif

/* ---- Arduino and AVR ----------------------------------------------------- */

#elif defined __AVR__

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
#ifndef ASYNC_IDLE
#define ASYNC_IDLE(loop, ticks) \
    __asm__ volatile ("sei\n\tsleep\n\tcli" : : : "memory")
#endif

/* ---- Arm Cortex-M -------------------------------------------------------- */

#elif defined __ARM_ARCH_6M__ || defined __ARM_ARCH_7M__ \
    || defined __ARM_ARCH_7EM__ || defined __ARM_ARCH_8M_BASE__ \
    || defined __ARM_ARCH_8M_MAIN__

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
/* A pending interrupt ends wfi also while PRIMASK holds it back. */
#ifndef ASYNC_IDLE
#define ASYNC_IDLE(loop, ticks) __asm__ volatile ("dsb\n\twfi" : : : "memory")
#endif

/* ---- RISC-V, machine mode ------------------------------------------------ */

#elif defined __riscv

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
/* A pending interrupt ends wfi also while mstatus.MIE holds it back. */
#ifndef ASYNC_IDLE
#define ASYNC_IDLE(loop, ticks) __asm__ volatile ("wfi" : : : "memory")
#endif

#endif

/* ---- whatever is left: no interrupts known, no way to sleep -------------- */

#ifndef ASYNC_LOCK
#define ASYNC_LOCK() do { } while (0)
#define ASYNC_UNLOCK() do { } while (0)
#endif
#ifndef ASYNC_IDLE
#define ASYNC_IDLE(loop, ticks) do { } while (0)
#endif
#ifndef ASYNC_WAKE_
#define ASYNC_WAKE_(loop) do { } while (0)
#endif
#ifndef ASYNC_CLOCK
#if defined ARDUINO
ASYNC_EXTERN_C_ unsigned long millis(void);
#define ASYNC_CLOCK() ((async_ticks)millis())
#else
#if !ASYNC_HOSTED
ASYNC_EXTERN_C_ async_ticks async_port_clock(void);
#endif
#define ASYNC_CLOCK() async_port_clock()
#endif
#endif

/* ---- atomics, where there are other threads ------------------------------ */

#if ASYNC_HOSTED && defined __GNUC__ && !defined __TINYC__
#define ASYNC_ATOMICS_ 1
#define ASYNC_ATOMIC_LOAD_(at) __atomic_load_n((at), __ATOMIC_RELAXED)
#define ASYNC_ATOMIC_SWAP_(at, value) \
    __atomic_exchange_n((at), (value), __ATOMIC_SEQ_CST)
#define ASYNC_ATOMIC_CAS_(at, seen, value) \
    __atomic_compare_exchange_n((at), (seen), (value), 0, __ATOMIC_SEQ_CST, \
                                __ATOMIC_RELAXED)
#elif ASYNC_HOSTED && defined __TINYC__ \
    && (defined __x86_64__ || defined __i386__)
/* tcc has the instructions, but no names for them. */
ASYNC_INLINE_ unsigned async_swap_(volatile unsigned *at, unsigned value)
{
    __asm__ volatile ("xchgl %0, (%1)"
                      : "=r"(value) : "r"(at), "0"(value) : "memory");
    return value;
}
ASYNC_INLINE_ bool async_cas_(volatile unsigned *at, unsigned *seen,
                              unsigned value)
{
    unsigned was = *seen;

    __asm__ volatile ("lock; cmpxchgl %2, (%1)"
                      : "=a"(was) : "r"(at), "r"(value), "0"(was) : "memory");
    if (was == *seen) {
        return true;
    }
    *seen = was;
    return false;
}
#define ASYNC_ATOMICS_ 1
#define ASYNC_ATOMIC_LOAD_(at) (*(at))
#define ASYNC_ATOMIC_SWAP_(at, value) async_swap_((at), (value))
#define ASYNC_ATOMIC_CAS_(at, seen, value) async_cas_((at), (seen), (value))
#else
#define ASYNC_ATOMICS_ 0
#define ASYNC_ATOMIC_LOAD_(at) (*(at))
#define ASYNC_ATOMIC_SWAP_(at, value) (*(at) = (value))
#endif

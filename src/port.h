#pragma once
#include "loop.h"
/* ===========================================================================
 * port: what the loop asks of a platform. Three hooks, each a macro that a
 * project may define for itself:
 *
 *   ASYNC_CLOCK()            the time, in ticks of ASYNC_TICK_HZ; it may wrap,
 *                            and must not go back. If it does all the same,
 *                            time stands still until it has caught up; with a
 *                            sorted list, though, every deadline is due
 *   ASYNC_LOCK() UNLOCK()    between them no interrupt handler runs; they may
 *                            declare a variable, and nest
 *   ASYNC_IDLE(loop, ticks)  sleep, for at most so many ticks (ASYNC_NEVER: as
 *                            long as you like), until an interrupt. Returning
 *                            early is always right. On bare metal it is called
 *                            between LOCK and UNLOCK, when no irq is raised:
 *                            it must let interrupts in and fall asleep in one
 *                            step, or an interrupt in between is slept over
 *
 * An ASYNC_IDLE of yours that sets an alarm, say, may leave the last step to
 * ASYNC_PORT_SLEEP(), the port's own. A fourth hook is needed by few:
 *
 *   ASYNC_WAKE(loop)         an irq of that loop was raised, and its flag is
 *                            set: for a loop that is stepped by an interrupt
 *                            of its own, or that sleeps in a call of an RTOS.
 *                            From wherever async_irq_raise is called
 *
 * On bare metal the clock is yours: a timer interrupt that counts, or a
 * hardware counter. Define the macro, or the function async_port_clock.
 *
 * A port is one file, which looks at the compiler's own macros and defines the
 * hooks that the project has not; and one line here. The first file to define
 * a hook has it.
 * ======================================================================== */
#include "port_sim.h"
#include "port_posix.h"
#include "port_arduino.h"
#include "port_avr.h"
#include "port_cortex_m.h"
#include "port_riscv.h"
#include "port_sdcc.h"

/* ---- whatever is left: no interrupts known, no way to sleep -------------- */

#ifndef ASYNC_LOCK
#define ASYNC_LOCK() do { } while (0)
#define ASYNC_UNLOCK() do { } while (0)
#endif
#ifndef ASYNC_PORT_SLEEP
#define ASYNC_PORT_SLEEP() do { } while (0)
#endif
#ifdef ASYNC_IDLE
#define ASYNC_IDLE_ASKS_ 1
#else
#define ASYNC_IDLE_ASKS_ 0              /* how long it may sleep */
#define ASYNC_IDLE(loop, ticks) ASYNC_PORT_SLEEP()
#endif
#ifndef ASYNC_WAKE
#define ASYNC_WAKE(loop) ((void)(loop))
#endif
#ifndef ASYNC_CLOCK
#if !ASYNC_HOSTED
ASYNC_EXTERN_C_ async_ticks async_port_clock(void);
#endif
#define ASYNC_CLOCK() async_port_clock()
#endif
#define ASYNC_CLOCK_() ((async_ticks)(ASYNC_CLOCK()))   /* yours may be wider */

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

#pragma once
#include "loop.h"
/* ===========================================================================
 * irq: the one way into a loop from outside: from an interrupt handler, a
 * signal handler or another thread.
 *
 * An irq counts how often it was raised since its task last looked, and wakes
 * the loop. The order of steps is what loses nothing:
 *
 *     raise:  count the event, then set the loop's flag; if it was clear,
 *             wake the loop
 *     loop:   clear the flag, then look at the counts; and before it sleeps
 *             look at the flag once more, with interrupts kept out (or, on a
 *             hosted system, with the wake-up left in a descriptor)
 * ======================================================================== */

#if ASYNC_HOSTED
typedef unsigned async_irq_count;
#define ASYNC_IRQ_MAX INT_MAX
#elif ASYNC_8BIT_
typedef unsigned char async_irq_count;      /* one load: never torn */
#define ASYNC_IRQ_MAX 255
#else
typedef unsigned short async_irq_count;
#define ASYNC_IRQ_MAX 32767
#endif

typedef struct async_irq {
    async_loop *loop;
    async_task *waiter;
    struct async_irq *next;         /* in the loop's list, while waited for */
    volatile async_irq_count count;
#if ASYNC_HOSTED
    volatile unsigned raising;      /* threads that are about to raise it */
    void (*serve)(struct async_irq *irq);   /* called instead of a waiter */
#endif
} async_irq;

#define async_irq_open ASYNC_ABI_(async_irq_open)
#define async_irq_raise ASYNC_ABI_(async_irq_raise)
#define async_irq_wait ASYNC_ABI_(async_irq_wait)
#define async_irq_close ASYNC_ABI_(async_irq_close)

/* Bind an irq, zeroed or closed memory, to the current loop. To be done before
 * its source (the interrupt, the signal handler, the thread) is enabled. 0, or
 * ASYNC_EINVAL for NULL, ASYNC_EPERM without a current loop, ASYNC_EBUSY if it
 * is open already, or the error of making the loop's wake-up descriptor. */
ASYNC_API int async_irq_open(async_irq *irq);

/* One event. From anywhere: an interrupt handler, a signal handler, a thread,
 * a task; until async_irq_close. Never blocks, keeps errno. The count stops at
 * ASYNC_IRQ_MAX. Costs a short critical section, or three atomic additions; the
 * first event after the loop looked costs a system call on a hosted system. */
ASYNC_API void async_irq_raise(async_irq *irq);

/* AWAIT_VALUE(n, async_irq_wait(irq)): wait for events; how many there were
 * since the last look, at least 1. One task at a time: ASYNC_EBUSY for a
 * second one, ASYNC_EINVAL for an irq that is not open, ASYNC_ECANCELED when
 * it is closed meanwhile. A strike takes no events. Task only. */
ASYNC_API ASYNC async_irq_wait(async_irq *irq);

/* Unbind it, after its source was disabled: events not yet taken are dropped,
 * a waiting task gets ASYNC_ECANCELED. A thread whose event you have may still
 * be on its way out of async_irq_raise: this waits until it is, so close an irq
 * before its loop ends. 0 or ASYNC_EINVAL. Loop's thread. */
ASYNC_API int async_irq_close(async_irq *irq);

#pragma once
#include "irq.h"
/* ===========================================================================
 * signals: awaiting the signals of a Unix process. It says that one came, and
 * how often; it carries no siginfo, and does not wait in sigwait's way.
 *
 * States of a watcher, and who makes each arrow:
 *
 *              1 open                    2 a signal: count it
 *   CLOSED -------------------> OPEN ---------------------------.
 *      ^                        |  ^                            |
 *      |  4 close: a waiter     |  |  3 wait: take the count    |
 *      '--- gets ECANCELED -----'  '----------------------------'
 *
 *   1 async_signal_open, which first makes the irq, then puts the watcher into
 *   the list, then sets the handler: so from its return on no signal is lost,
 *   also before somebody waits  2 the handler, in whatever thread the system
 *   runs it  3 async_signal_wait  4 async_signal_close, the other way round;
 *   it returns when no handler is left that might still hold the watcher.
 *
 * The one invariant: our handler is set for a signal if, and only if, an open
 * watcher names it. The one that was there before comes back with the last of
 * them; if somebody has set another one meanwhile, that one stays.
 *
 * The handler takes no lock. It says that it is busy, walks the list, raises
 * an irq for each watcher that names the signal, and says that it has ended;
 * only who opens and closes takes turns, and none of that in a handler. In the
 * child of a fork nobody holds the turn (with ASYNC_OFFLOAD as 0, that needs a
 * fork while no other thread opens or closes one).
 * ======================================================================== */

/* Signal n is bit (n - 1) % this of its word: the words are what every machine
 * reads and writes in one. */
#define ASYNC_SIGNAL_BITS_ 32

/* Zeroed memory is a closed one. To stay where it is while it is open. */
typedef struct async_signal {
    async_irq irq;
    struct async_signal *volatile next;     /* in the list of all */
    volatile unsigned set[64 / ASYNC_SIGNAL_BITS_];     /* signals it names */
    volatile int last;
    bool passes;                /* also for the handler that was there before */
} async_signal;

#define async_signal_open ASYNC_ABI_(async_signal_open)
#define async_signal_add ASYNC_ABI_(async_signal_add)
#define async_signal_wait ASYNC_ABI_(async_signal_wait)
#define async_signal_last ASYNC_ABI_(async_signal_last)
#define async_signal_close ASYNC_ABI_(async_signal_close)
#define async_signal_pass_ ASYNC_ABI_(async_signal_pass)

/* Watch a signal (SIGTERM, ...) in the current loop, instead of what it did
 * before. Any number of watchers, in any number of loops and threads, may name
 * the same one, and each is told. System calls that it interrupts elsewhere
 * go on (SA_RESTART). A signal that is blocked in all threads does not come.
 *
 * 0, or ASYNC_EINVAL for NULL or a number that cannot be watched (SIGKILL,
 * SIGSTOP, those of a fault such as SIGSEGV, or none at all); ASYNC_EPERM
 * without a current loop, ASYNC_EBUSY if it is open, or the error of making
 * the loop's wake-up descriptor. Task, or code outside of the running loop.
 * Two system calls for the first watcher of a signal; others cost none. */
ASYNC_API int async_signal_open(async_signal *signal, int number);

/* Let an open one watch another signal as well: SIGINT like SIGTERM. 0, or
 * ASYNC_EINVAL for NULL, one that is not open, or a number as above;
 * ASYNC_EALREADY if it does so already. From the loop's thread. */
ASYNC_API int async_signal_add(async_signal *signal, int number);

/* AWAIT_VALUE(n, async_signal_wait(signal)): wait until one comes; how many
 * have since the last look, at least 1. (The system itself keeps only one of
 * each kind while they cannot be delivered.) One task at a time: ASYNC_EBUSY
 * for a second one; ASYNC_EINVAL for one that is not open, or is another
 * loop's; ASYNC_ECANCELED when it is closed meanwhile. A strike takes no
 * signals. Task only. */
ASYNC_API ASYNC async_signal_wait(async_signal *signal);

/* The number of the one that came last; 0 if none has, or for NULL. From the
 * loop's thread. */
ASYNC_API int async_signal_last(const async_signal *signal);

/* Watch no more: before the loop ends. Signals not yet taken are dropped, a
 * task that waits gets ASYNC_ECANCELED, and the handler from before comes
 * back if this was the last watcher. 0, or ASYNC_EINVAL for NULL or one that
 * is not open. From the loop's thread, but not from a signal handler. */
ASYNC_API int async_signal_close(async_signal *signal);

/* Open one that does not take the signal away from the program's own handler:
 * that is called as well, as long as all watchers are of this kind. */
ASYNC_API int async_signal_pass_(async_signal *signal, int number);

#pragma once
#include "loop.h"
/* ===========================================================================
 * sim: virtual time, and the order of ready tasks by a seed: for tests that
 * take no time and happen the same way each time. It needs ASYNC_SIM 1, and
 * takes the place of the clock and of the sleep of every loop of the program,
 * a project's own ASYNC_CLOCK and ASYNC_IDLE included. It is no model of a
 * network or of a disk: what is outside of the program stays real.
 *
 * The clock begins at 0; each thread has one of its own, for all loops that
 * run in it. It stands still while tasks run; one that computes until the clock
 * has moved, and awaits nothing, never ends. When a run has nothing ready, it
 * goes straight to the next deadline: a week of timeouts takes a millisecond.
 * (async_loop_step does not sleep, so there its caller moves the clock, with
 * async_sim_advance.)
 *
 * Polling takes time. When 10 000 turns in a row had nothing but tasks that
 * yield or poll (AWAIT_UNTIL), the clock goes on to the next deadline all the
 * same; after ten million turns of any kind, too. So who waits for a flag that
 * is set in a second gets it, and who turns for ever comes to an end.
 *
 * What is waited for outside, while a deadline is known:
 *
 *   Descriptors, signals and irqs are looked at first. If one has something, it
 *   is served, and the clock has not moved; if none has, the clock moves at
 *   once. A pipe or a socket whose other end is in a task of the same loop is
 *   never late. A peer elsewhere is, unless it gets some async_sim_patience.
 *
 *   A function that async_offload runs for a task (so, too, a file or a name),
 *   and a child process of this program, are at work: the clock waits for them,
 *   and what they take counts as nothing. Not for ever: when the time to the
 *   deadline has really passed, and a second at the least, the clock moves. So
 *   a timeout for a child that hangs takes its time.
 *
 * Without a deadline all of them are waited for, as ever.
 *
 * A program that has nobody outside is the same in each run with one seed.
 * ======================================================================== */

#if ASYNC_SIM

#define async_sim_seed ASYNC_ABI_(async_sim_seed)
#define async_sim_random ASYNC_ABI_(async_sim_random)
#define async_sim_now ASYNC_ABI_(async_sim_now)
#define async_sim_advance ASYNC_ABI_(async_sim_advance)
#define async_sim_patience ASYNC_ABI_(async_sim_patience)

/* From now on, in this thread, the tasks that are ready when a turn begins run
 * in an order that the seed determines, each order being as likely. Each of
 * them still runs once in the turn, and what a lock or a queue grants first
 * come, first served, is granted so; but tasks that were spawned, or woken, or
 * whose time came in the same turn run in any order: a program that is right
 * must not care, and that a task has run since it was spawned is known by a
 * join or an event, not by a yield. The same seed gives the same orders, and
 * the same numbers of async_sim_random. 0: first in, first out again.
 *
 * Any context. A turn then costs some 40 instructions for each task and each
 * doubling of their number, and no memory. */
ASYNC_API void async_sim_seed(unsigned seed);

/* A number from 0 to n - 1, by the seed: for a fake that is late, fails, or
 * loses what it is sent, by chance. 0 if n is 0. Any context. */
ASYNC_API unsigned async_sim_random(unsigned n);

/* The time of this thread's virtual clock: async_now without a loop, and also
 * in the middle of a turn. Any context. */
ASYNC_API async_ticks async_sim_now(void);

/* The clock goes on by so much at once, as if the caller had computed for so
 * long: async_now sees it in the next turn. 0, or ASYNC_EINVAL for a negative
 * duration or ASYNC_NEVER. Any context. */
ASYNC_API int async_sim_advance(async_duration duration);

/* For the loops of all threads: before a clock moves, whatever is waited for
 * outside gets so long in real time: descriptors, signals and irqs, too;
 * functions and children neither more nor less. So may a peer in another thread
 * or process be tested. A negative duration restores the rule above. 0, or
 * ASYNC_EINVAL for ASYNC_NEVER, or where there is no real time to be had, on a
 * board. From wherever no other thread runs a loop. */
ASYNC_API int async_sim_patience(async_duration real);

/* ---- for the loop, and for testing.h ------------------------------------ */

/* The hook; and what a turn begins with: the queue is put in order. Which is
 * the first to run? */
ASYNC_API void async_sim_idle_(async_loop *loop, async_duration ticks);
ASYNC_API async_node *async_sim_turn_(async_loop *loop);
#define ASYNC_TURN_(loop) async_sim_turn_(loop)

/* A clock that begins anew, with a seed; and what it was before. */
typedef struct async_sim_ {
    async_ticks now;
    async_ticks limit;          /* when the clock gets here, */
    void (*over)(async_loop *loop);     /* this is called, if it is set */
    uint64_t random;            /* the state of the generator */
    uint32_t turns;             /* at this instant: see async_sim_turn_ */
    bool shuffles;
    bool passed;                /* it has got there, by async_sim_advance */
    bool gave_up;               /* a loop that closes need not wait */
} async_sim_;
ASYNC_API async_sim_ async_sim_begin_(unsigned seed);
ASYNC_API void async_sim_end_(const async_sim_ *before);

/* So long from now, and for ever with ASYNC_NEVER, time may pass: then `over`
 * is called, by the loop that was about to let more pass. Just once. Has more
 * passed by async_sim_advance? Then it is called in the next turn. */
ASYNC_API void async_sim_limit_(async_duration limit,
                                void (*over)(async_loop *loop));
ASYNC_API bool async_sim_passed_(void);

/* Let a loop that closes leave tasks that do not end. */
ASYNC_API void async_sim_give_up_(void);
ASYNC_API bool async_sim_gave_up_(void);
#define ASYNC_GAVE_UP_() async_sim_gave_up_()

#else

/* The compiler's words are to say what is missing. */
#define async_sim_seed(seed) async_this_needs_ASYNC_SIM_1_
#define async_sim_random(n) async_this_needs_ASYNC_SIM_1_
#define async_sim_now() async_this_needs_ASYNC_SIM_1_
#define async_sim_advance(duration) async_this_needs_ASYNC_SIM_1_
#define async_sim_patience(real) async_this_needs_ASYNC_SIM_1_
#define ASYNC_GAVE_UP_() false
#define ASYNC_TURN_(loop) ((loop)->head)

#endif

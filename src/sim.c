/* ===========================================================================
 * sim: the virtual clock of a thread, and the order that a seed gives.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "config.h"
#if ASYNC_SIM
#include "sim.h"
#include "port.h"

#if ASYNC_HOSTED
#include "offload.h"
#include <errno.h>
#include <sys/types.h>
#include <sys/wait.h>
#endif

static ASYNC_THREAD async_sim_ async_sim_of_thread_;
#if ASYNC_HOSTED
static async_duration async_sim_patience_ = -1;
#endif

/* ---- the generator ------------------------------------------------------- */

/* splitmix64, after Steele, Lea and Flood (2014) and Vigna: a counter, mixed;
 * so seeds that follow each other give numbers that have nothing in common. */
static uint32_t async_sim_next_(void)
{
    uint64_t z = async_sim_of_thread_.random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(z >> 32);
}

ASYNC_API void async_sim_seed(unsigned seed)
{
    async_sim_of_thread_.random = seed;
    async_sim_of_thread_.shuffles = seed != 0;
}

/* The upper word of the product is as good as a remainder, and quicker. */
ASYNC_API unsigned async_sim_random(unsigned n)
{
    return (unsigned)((uint64_t)async_sim_next_() * n >> 32);
}

/* ---- the clock ----------------------------------------------------------- */

ASYNC_API async_ticks async_sim_now(void)
{
    return async_sim_of_thread_.now;
}

ASYNC_API int async_sim_advance(async_duration duration)
{
    async_sim_ *sim = &async_sim_of_thread_;

    if (duration < 0 || duration == ASYNC_NEVER) {
        return ASYNC_EINVAL;
    }
    sim->passed = sim->passed
        || (sim->over != NULL
            && duration > (async_duration)(sim->limit - sim->now));
    sim->now = (async_ticks)(sim->now + (async_ticks)duration);
    sim->turns = 0;
    return 0;
}

ASYNC_API int async_sim_patience(async_duration real)
{
#if ASYNC_HOSTED
    if (real != ASYNC_NEVER) {
        async_sim_patience_ = real;
        return 0;
    }
#else
    (void)real;
#endif
    return ASYNC_EINVAL;
}

ASYNC_API async_sim_ async_sim_begin_(unsigned seed)
{
    async_sim_ *sim = &async_sim_of_thread_;
    async_sim_ before = *sim;

    sim->now = 0;
    sim->turns = 0;
    sim->gave_up = false;
    async_sim_seed(seed);
    return before;
}

ASYNC_API void async_sim_end_(const async_sim_ *before)
{
    async_sim_of_thread_ = *before;
}

ASYNC_API void async_sim_limit_(async_duration limit,
                                void (*over)(async_loop *loop))
{
    async_sim_ *sim = &async_sim_of_thread_;

    sim->limit = (async_ticks)(sim->now + (async_ticks)limit);
    sim->over = limit == ASYNC_NEVER ? NULL : over;
    sim->passed = false;
}

ASYNC_API bool async_sim_passed_(void)
{
    return async_sim_of_thread_.passed;
}

ASYNC_API void async_sim_give_up_(void)
{
    async_sim_of_thread_.gave_up = true;
}

ASYNC_API bool async_sim_gave_up_(void)
{
    return async_sim_of_thread_.gave_up;
}

/* So much time passes; ASYNC_NEVER: all that there is. */
static void async_sim_pass_(async_loop *loop, async_duration ticks)
{
    async_sim_ *sim = &async_sim_of_thread_;
    void (*over)(async_loop *loop) = sim->over;

    sim->turns = 0;
    if (over != NULL) {
        async_duration left = sim->passed
            ? 0 : (async_duration)(sim->limit - sim->now);

        if (ticks > left) {
            if (left > 0) {
                sim->now = sim->limit;
            }
            sim->over = NULL;
            over(loop);
            return;
        }
    } else if (ticks == ASYNC_NEVER) {
        return;
    }
    sim->now = (async_ticks)(sim->now + (async_ticks)ticks);
}

#if ASYNC_HOSTED

/* Is there anything to do now? */
static bool async_sim_stirs_(const async_loop *loop)
{
    return !ASYNC_NONE_READY_(loop) || loop->stop
        || ASYNC_ATOMIC_LOAD_(&loop->notified) != 0;
}

/* Look at what is outside; if there is nothing, for so long in real time. (A
 * signal may end a sleep.) Has something come? */
static bool async_sim_look_(async_loop *loop, async_duration real)
{
    async_ticks began = async_port_clock();
    async_duration left = 0;

    do {
        async_port_idle(loop, left);
        if (async_sim_stirs_(loop)) {
            return true;
        }
        left = (async_duration)(real - (async_duration)(async_port_clock()
                                                        - began));
    } while (left > 0);
    return false;
}

/* Is somebody at work for this program? */
static bool async_sim_works_(const async_loop *loop)
{
    siginfo_t child;
    int rc;

#if ASYNC_OFFLOAD
    if (async_offload_waits_(loop)) {
        return true;
    }
#else
    (void)loop;
#endif
    do {
        rc = waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT);
    } while (rc < 0 && errno == EINTR);
    return rc == 0;
}

/* For how long, in real time, are those outside to be waited for, when the next
 * deadline is so far away? */
static async_duration async_sim_grace_(const async_loop *loop,
                                       async_duration ticks)
{
    const async_duration second = ASYNC_TICK_HZ < ASYNC_NEVER
        ? (async_duration)ASYNC_TICK_HZ : ASYNC_NEVER - 1;

    if (loop->irqs == NULL && !async_port_waits_(loop)) {
        return 0;
    }
    if (async_sim_patience_ >= 0) {
        return async_sim_patience_;
    }
    if (!async_sim_works_(loop)) {
        return 0;
    }
    return ticks > second ? ticks : second;
}

ASYNC_API void async_sim_idle_(async_loop *loop, async_duration ticks)
{
    const async_sim_ *sim = &async_sim_of_thread_;

    if (ticks == ASYNC_NEVER) {
        if (sim->over == NULL) {
            async_port_idle(loop, ticks);
            return;
        }
        ticks = (async_duration)(sim->limit - sim->now);
        ticks = ticks < 0 ? 1 : ticks + 1;      /* more than there is */
    }
    if (loop->fds != NULL
        && async_sim_look_(loop, ticks == 0 ? 0
                                            : async_sim_grace_(loop, ticks))) {
        return;
    }
    if (ticks != 0) {
        async_sim_pass_(loop, ticks);
    }
}

#else

ASYNC_API void async_sim_idle_(async_loop *loop, async_duration ticks)
{
    if (ticks == ASYNC_NEVER && async_sim_of_thread_.over == NULL) {
        ASYNC_PORT_SLEEP();             /* until an interrupt */
    } else {
        async_sim_pass_(loop, ticks);
    }
}

#endif

/* ---- turns --------------------------------------------------------------- */

enum { ASYNC_SIM_POLLS_ = 10000 };
#define ASYNC_SIM_TURNS_ UINT32_C(10000000)

/* Is there nobody in the ready queue but tasks that yield or poll? */
static bool async_sim_polls_(const async_loop *loop)
{
    const async_node *node = loop->head;

    for (;;) {
        async_mark_ state = (async_mark_)(node->state & ASYNC_STATE_);

        if (state != ASYNC_RUNNING_ && state != ASYNC_YIELDED_) {
            return false;
        }
        if (&node->next == loop->tail) {
            return true;
        }
        node = node->next;
    }
}

/* Of two lists that are shuffled, one: each next node is of either, as likely
 * as its share of those that are left. Returns where the list ends. */
static async_node **async_sim_merge_(async_node **at, async_node *a,
                                     uint32_t as, async_node *b, uint32_t bs)
{
    while (as + bs != 0) {
        uint64_t all = (uint64_t)as + bs;

        if (async_sim_next_() * all >> 32 < as) {
            *at = a;
            at = &a->next;
            a = a->next;
            as--;
        } else {
            *at = b;
            at = &b->next;
            b = b->next;
            bs--;
        }
    }
    return at;
}

/* Take the first n nodes of `from` (1 at least): a shuffled list of them, which
 * ends where `end` says. As deep as n has bits. */
static async_node *async_sim_shuffle_(async_node **from, uint32_t n,
                                      async_node ***end)
{
    async_node *first = *from;
    async_node *second;

    if (n == 1) {
        *from = first->next;
        *end = &first->next;
        return first;
    }
    first = async_sim_shuffle_(from, n / 2, end);
    second = async_sim_shuffle_(from, n - n / 2, end);
    *end = async_sim_merge_(&first, first, n / 2, second, n - n / 2);
    return first;
}

ASYNC_API async_node *async_sim_turn_(async_loop *loop)
{
    async_sim_ *sim = &async_sim_of_thread_;
    const async_node *node = loop->head;
    async_node *from = loop->head;
    uint32_t n = 1;

    sim->turns += async_sim_polls_(loop) ? ASYNC_SIM_TURNS_ / ASYNC_SIM_POLLS_
                                         : 1;
    if (sim->passed && sim->over != NULL) {
        async_sim_pass_(loop, ASYNC_NEVER);
    } else if (sim->turns >= ASYNC_SIM_TURNS_) {
        async_sim_pass_(loop, (async_duration)
                              async_timer_next_(&loop->timers, sim->now));
    }
    if (sim->shuffles) {
        for (; &node->next != loop->tail; node = node->next) {
            n++;
        }
        loop->head = async_sim_shuffle_(&from, n, &loop->tail);
    }
    return loop->head;
}

#endif

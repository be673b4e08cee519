/* What the programs of the timers' group share: the cost of a timer as their
 * number grows.
 *
 * churn-N: N timers stand for timeouts that never fire; each in turn is taken
 * back and set anew, to between 30 and 63 seconds from now. Where there are
 * tasks, each waits in its timeout for a trip through the ready queue.
 * fire-N: N sleepers; each sleeps for 1 ms and up to half a microsecond a
 * sleeper more (a millisecond at least), again and again. */
#ifndef TIMERS_H
#define TIMERS_H

#include "bench.h"

static inline long churn_milliseconds(void)
{
    return 30000 + (long)(bench_random() & 0x7fff);
}

static inline uint32_t fire_microseconds(long size)
{
    uint64_t spread = size > 2000 ? (uint64_t)size / 2 : 1000;
    return 1000 + (uint32_t)(bench_random() % spread);
}

/* How often each of them sleeps. */
static inline long fire_rounds(long size, long count)
{
    return (count + size - 1) / size;
}

#define CHURN(name, size) \
    {name, BENCH_WALL, size, 1000000, 0, prepare_churn, run_churn}
#define FIRE(name, size, count) \
    {name, BENCH_CPU, size, count, 0, prepare_fire, run_fire}

/* Where churning shows nothing new, only the sleepers. */
#ifdef TIMERS_FIRE_ONLY
#define CHURN_LIST
#else
#define CHURN_LIST                                                         \
    CHURN("churn-10", 10), CHURN("churn-100", 100),                        \
    {"churn-1000", BENCH_WALL, 1000, 1000000, 100000, prepare_churn,       \
     run_churn},                                                           \
    CHURN("churn-10000", 10000), CHURN("churn-100000", 100000),            \
    CHURN("churn-1000000", 1000000),
#endif

#define TIMERS_LIST                                                        \
    CHURN_LIST                                                             \
    FIRE("fire-10", 10, 1000), FIRE("fire-100", 100, 10000),               \
    FIRE("fire-1000", 1000, 100000), FIRE("fire-10000", 10000, 100000),    \
    FIRE("fire-100000", 100000, 200000),                                   \
    FIRE("fire-1000000", 1000000, 1000000),                                \
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}

#endif

/* Resuming a coroutine, by hand: a switch over a number in its struct. Nothing
 * is scheduled, a loop calls it. The yields go straight on when resumed; the
 * awaits look again at what they wait for. */
#include "bench.h"

struct counter {
    uint16_t point;
    unsigned value;
};

static struct counter counter;
static unsigned tick;

enum { PENDING = -1 };

#define YIELD(n) self->point = (n); return PENDING; case (n):
#define WAIT(n) self->point = (n); case (n): if (tick++ & 1) { return PENDING; }

#if defined __GNUC__ && __GNUC__ >= 7
#pragma GCC diagnostic ignored "-Wimplicit-fallthrough"
#endif

static BENCH_NOINLINE int yield_1(struct counter *self)
{
    switch (self->point) {
    case 0:
        for (;;) {
            self->value++;
            YIELD(1);
        }
    }
    return 0;
}

static BENCH_NOINLINE int yield_4(struct counter *self)
{
    switch (self->point) {
    case 0:
        for (;;) {
            self->value++;
            YIELD(1);
            self->value++;
            YIELD(2);
            self->value++;
            YIELD(3);
            self->value++;
            YIELD(4);
        }
    }
    return 0;
}

static BENCH_NOINLINE int await_1(struct counter *self)
{
    switch (self->point) {
    case 0:
        for (;;) {
            self->value++;
            WAIT(1);
        }
    }
    return 0;
}

static BENCH_NOINLINE int await_4(struct counter *self)
{
    switch (self->point) {
    case 0:
        for (;;) {
            self->value++;
            WAIT(1);
            self->value++;
            WAIT(2);
            self->value++;
            WAIT(3);
            self->value++;
            WAIT(4);
        }
    }
    return 0;
}

#define RUN(name)                                                \
    static void run_##name(long size, long count)                \
    {                                                            \
        (void)size;                                              \
        for (long i = 0; i < count; i++) {                       \
            STOP_UNLESS_PENDING(name(&counter));                 \
        }                                                        \
    }
#define STOP_UNLESS_PENDING(status) if ((status) != PENDING) { break; }

RUN(yield_1)
RUN(yield_4)
RUN(await_1)
RUN(await_4)

const struct bench bench_list[] = {
    {"resume-1", BENCH_WALL, 1, 50000000, 200000, NULL, run_yield_1},
    {"resume-4", BENCH_WALL, 1, 50000000, 200000, NULL, run_yield_4},
    {"resume-await-1", BENCH_WALL, 1, 50000000, 200000, NULL, run_await_1},
    {"resume-await-4", BENCH_WALL, 1, 50000000, 200000, NULL, run_await_4},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

/* Resuming a coroutine of async.h. Nothing is scheduled, a loop calls it. A
 * yield is a generator's; an await evaluates its awaitable again. */
#include "bench.h"

#include "async.h"

struct counter {
    async_frame frame;
    unsigned value;
};

struct generator {
    async_generator frame;
    unsigned value;
};

static unsigned tick;

static inline ASYNC every_other_time(void)
{
    return tick++ & 1 ? ASYNC_PENDING : 0;
}

static BENCH_NOINLINE ASYNC yield_1(struct generator *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        self->value++;
        ASYNC_YIELD();
    }
    ASYNC_END;
}

static BENCH_NOINLINE ASYNC yield_4(struct generator *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        self->value++;
        ASYNC_YIELD();
        self->value++;
        ASYNC_YIELD();
        self->value++;
        ASYNC_YIELD();
        self->value++;
        ASYNC_YIELD();
    }
    ASYNC_END;
}

static BENCH_NOINLINE ASYNC await_1(struct counter *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        self->value++;
        AWAIT(every_other_time());
    }
    ASYNC_END;
}

static BENCH_NOINLINE ASYNC await_4(struct counter *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        self->value++;
        AWAIT(every_other_time());
        self->value++;
        AWAIT(every_other_time());
        self->value++;
        AWAIT(every_other_time());
        self->value++;
        AWAIT(every_other_time());
    }
    ASYNC_END;
}

#define RUN(name, type, again)                                   \
    static void run_##name(long size, long count)                \
    {                                                            \
        static struct type frame;                                \
        (void)size;                                              \
        for (long i = 0; i < count; i++) {                       \
            if (name(&frame) != (again)) {                       \
                break;                                           \
            }                                                    \
        }                                                        \
    }

RUN(yield_1, generator, 1)
RUN(yield_4, generator, 1)
RUN(await_1, counter, ASYNC_PENDING)
RUN(await_4, counter, ASYNC_PENDING)

const struct bench bench_list[] = {
    {"resume-1", BENCH_WALL, 1, 50000000, 200000, NULL, run_yield_1},
    {"resume-4", BENCH_WALL, 1, 50000000, 200000, NULL, run_yield_4},
    {"resume-await-1", BENCH_WALL, 1, 50000000, 200000, NULL, run_await_1},
    {"resume-await-4", BENCH_WALL, 1, 50000000, 200000, NULL, run_await_4},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

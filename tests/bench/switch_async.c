/* Switching between tasks of async.h that yield for ever. */
#include "bench.h"

#include "async.h"

struct yielder {
    async_frame frame;
    async_task task;
};

static async_loop loop;
static long left;

static ASYNC yield_for_ever(struct yielder *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        if (--left == 0) {
            async_loop_stop(&loop);
        }
        AWAIT(async_yield());
    }
    ASYNC_END;
}

/* A stop ends the loop after the turn, so `count` is a multiple of `size`. */
static void run(long size, long count)
{
    (void)size;
    left = count;
    bench_check(async_loop_run(&loop, NULL) == ASYNC_EINTR, "async_loop_run");
}

static void prepare_in(const uint32_t *order, long size)
{
    struct yielder *tasks = bench_memory(size, sizeof *tasks);
    bench_check(async_loop_open(&loop) == 0, "async_loop_open");
    for (long i = 0; i < size; i++) {
        struct yielder *self = &tasks[order ? order[i] : (uint32_t)i];
        async_loop_spawn(&loop, &self->task, yield_for_ever, self);
    }
    run(size, size);
}

static void prepare(long size, long count)
{
    (void)count;
    prepare_in(NULL, size);
}

static void prepare_shuffled(long size, long count)
{
    (void)count;
    prepare_in(bench_shuffled(size), size);
}

const struct bench bench_list[] = {
    {"switch-2", BENCH_WALL, 2, 20000000, 200000, prepare, run},
    {"switch-100", BENCH_WALL, 100, 20000000, 200000, prepare, run},
    {"switch-10000", BENCH_WALL, 10000, 20000000, 0, prepare, run},
    {"switch-1000000", BENCH_WALL, 1000000, 10000000, 0, prepare, run},
    {"switch-10000-shuffled", BENCH_WALL, 10000, 20000000, 0,
     prepare_shuffled, run},
    {"switch-1000000-shuffled", BENCH_WALL, 1000000, 3000000, 0,
     prepare_shuffled, run},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

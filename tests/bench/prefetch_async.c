/* Switching between tasks that lie scattered in memory, with ASYNC_PREFETCH. */
#include "bench.h"

#define ASYNC_PREFETCH 1
#define ASYNC_STATIC
#define ASYNC_IMPLEMENTATION
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

static void run(long size, long count)
{
    (void)size;
    left = count;
    bench_check(async_loop_run(&loop, NULL) == ASYNC_EINTR, "async_loop_run");
}

static void prepare(long size, long count)
{
    struct yielder *tasks = bench_memory(size, sizeof *tasks);
    const uint32_t *order = bench_shuffled(size);
    (void)count;
    bench_check(async_loop_open(&loop) == 0, "async_loop_open");
    for (long i = 0; i < size; i++) {
        struct yielder *self = &tasks[order[i]];
        async_loop_spawn(&loop, &self->task, yield_for_ever, self);
    }
    run(size, size);
}

const struct bench bench_list[] = {
    {"prefetch-1000000-shuffled", BENCH_WALL, 1000000, 3000000, 0, prepare,
     run},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

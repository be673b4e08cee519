/* A clock that jumps, with async.h: a copy of it that has a clock of ours.
 *
 * jump-1000000: a million tasks sleep until some instant of the next ten days;
 * then these have passed, and all of them run. */
static long long jump_clock;

#define ASYNC_STATIC
#define ASYNC_CLOCK() ((async_ticks)jump_clock)
#define ASYNC_IMPLEMENTATION
#include "async.h"

#include "bench.h"

#define DAYS (10 * 24 * ASYNC_SEC(3600))

struct sleeper {
    async_frame frame;
    async_task task;
    async_duration delay;
};

static async_loop loop;
static long awake;

static ASYNC sleeper(struct sleeper *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(self->delay));
    awake++;
    ASYNC_END;
}

static void prepare(long size, long count)
{
    struct sleeper *all = bench_memory(count, sizeof *all);
    (void)size;
    bench_check(async_loop_open(&loop) == 0, "async_loop_open");
    for (long i = 0; i < count; i++) {
        all[i].delay = 1 + (async_duration)(bench_random() % (uint64_t)DAYS);
        async_loop_spawn(&loop, &all[i].task, sleeper, &all[i]);
    }
    async_loop_step(&loop);
}

static void run(long size, long count)
{
    (void)size;
    jump_clock += DAYS;
    bench_check(async_loop_run(&loop, NULL) == 0, "async_loop_run");
    bench_check(awake == count, "everyone woke up");
}

const struct bench bench_list[] = {
    {"jump-1000000", BENCH_CPU, 1000000, 1000000, 100000, prepare, run},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

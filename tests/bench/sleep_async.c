/* Sleeping tasks of async.h.
 *
 * sleep-memory: what each of a million sleeping tasks holds, frame included.
 * sleep-1000000: processor time to put each of a million tasks to sleep until
 * an instant of its own within half a second, and to run it then. */
#include "bench.h"

#include "async.h"

struct sleeper {
    async_frame frame;
    uint32_t delay; /* in microseconds */
};

struct place {
    async_task task;
    struct sleeper frame;
};

static async_loop loop;
static long awake;

static ASYNC sleeper(struct sleeper *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_US(self->delay)));
    awake++;
    ASYNC_END;
}

static void spawn_all(long count)
{
    struct place *places = bench_memory(count, sizeof *places);
    bench_check(async_loop_open(&loop) == 0, "async_loop_open");
    for (long i = 0; i < count; i++) {
        places[i].frame.delay = 300000 + (uint32_t)(bench_random() % 500000);
        async_loop_spawn(&loop, &places[i].task, sleeper, &places[i].frame);
    }
}

static void run_memory(long size, long count)
{
    double before = bench_memory_held();
    (void)count;
    spawn_all(size);
    async_loop_step(&loop);
    bench_report("memory", (bench_memory_held() - before) / (double)size, "B");
}

static void prepare(long size, long count)
{
    (void)size;
    spawn_all(count);
}

static void run(long size, long count)
{
    (void)size;
    bench_check(async_loop_run(&loop, NULL) == 0, "async_loop_run");
    bench_check(awake == count, "everyone woke up");
}

const struct bench bench_list[] = {
    {"sleep-memory", BENCH_OWN, 1000000, 1, 0, NULL, run_memory},
    {"sleep-1000000", BENCH_CPU, 1000000, 1000000, 200000, prepare, run},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

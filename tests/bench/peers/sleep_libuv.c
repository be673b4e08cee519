/* Sleeping with libuv: a callback for each timer. */
#include "../bench.h"

#include <uv.h>

struct sleeper {
    uv_timer_t timer;
    uint32_t delay; /* in microseconds */
};

static uv_loop_t loop;
static struct sleeper *all;
static long awake;

static void wake(uv_timer_t *timer)
{
    (void)timer;
    awake++;
}

static void prepare(long size, long count)
{
    (void)size;
    bench_check(uv_loop_init(&loop) == 0, "uv_loop_init");
    all = bench_memory(count, sizeof *all);
    for (long i = 0; i < count; i++) {
        all[i].delay = 300000 + (uint32_t)(bench_random() % 500000);
        uv_timer_init(&loop, &all[i].timer);
    }
}

static void start_all(long count)
{
    uv_update_time(&loop);
    for (long i = 0; i < count; i++) {
        /* Rounded up, for a sleep is never too short. */
        uv_timer_start(&all[i].timer, wake, all[i].delay / 1000 + 1, 0);
    }
}

static void run_memory(long size, long count)
{
    double before = bench_memory_held();
    (void)count;
    prepare(size, size);
    start_all(size);
    bench_report("memory", (bench_memory_held() - before) / (double)size, "B");
}

static void run(long size, long count)
{
    (void)size;
    start_all(count);
    uv_run(&loop, UV_RUN_DEFAULT);
    bench_check(awake == count, "everyone woke up");
}

const struct bench bench_list[] = {
    {"sleep-memory", BENCH_OWN, 1000000, 1, 0, NULL, run_memory},
    {"sleep-1000000", BENCH_CPU, 1000000, 1000000, 200000, prepare, run},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

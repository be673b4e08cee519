/* Sleeping with libev: a callback for each timer. */
#include "../bench.h"

#include <ev.h>

struct sleeper {
    ev_timer timer;
    uint32_t delay; /* in microseconds */
};

static struct ev_loop *loop;
static struct sleeper *all;
static long awake;

static void wake(struct ev_loop *its, ev_timer *timer, int events)
{
    (void)its;
    (void)timer;
    (void)events;
    awake++;
}

static void prepare(long size, long count)
{
    (void)size;
    loop = ev_default_loop(0);
    bench_check(loop != NULL, "ev_default_loop");
    all = bench_memory(count, sizeof *all);
    for (long i = 0; i < count; i++) {
        all[i].delay = 300000 + (uint32_t)(bench_random() % 500000);
    }
}

static void start_all(long count)
{
    ev_now_update(loop);
    for (long i = 0; i < count; i++) {
        ev_timer_init(&all[i].timer, wake, all[i].delay * 1e-6, 0);
        ev_timer_start(loop, &all[i].timer);
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
    ev_run(loop, 0);
    bench_check(awake == count, "everyone woke up");
}

const struct bench bench_list[] = {
    {"sleep-memory", BENCH_OWN, 1000000, 1, 0, NULL, run_memory},
    {"sleep-1000000", BENCH_CPU, 1000000, 1000000, 200000, prepare, run},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

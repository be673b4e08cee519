/* Sleeping with libevent: a callback for each timer. */
#include "../bench.h"

#include <event2/event.h>
#include <event2/event_struct.h>

struct sleeper {
    struct event timer;
    uint32_t delay; /* in microseconds */
};

static struct event_base *base;
static struct sleeper *all;
static long awake;

static void wake(evutil_socket_t fd, short events, void *sleeper)
{
    (void)fd;
    (void)events;
    (void)sleeper;
    awake++;
}

static void prepare(long size, long count)
{
    (void)size;
    base = event_base_new();
    bench_check(base != NULL, "event_base_new");
    all = bench_memory(count, sizeof *all);
    for (long i = 0; i < count; i++) {
        all[i].delay = 300000 + (uint32_t)(bench_random() % 500000);
        evtimer_assign(&all[i].timer, base, wake, &all[i]);
    }
}

static void start_all(long count)
{
    for (long i = 0; i < count; i++) {
        struct timeval delay = {0, (suseconds_t)all[i].delay};
        evtimer_add(&all[i].timer, &delay);
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
    event_base_dispatch(base);
    bench_check(awake == count, "everyone woke up");
}

const struct bench bench_list[] = {
    {"sleep-memory", BENCH_OWN, 1000000, 1, 0, NULL, run_memory},
    {"sleep-1000000", BENCH_CPU, 1000000, 1000000, 200000, prepare, run},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

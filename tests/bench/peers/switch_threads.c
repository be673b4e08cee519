/* Switching between POSIX threads on one processor, by sched_yield(). What is
 * divided by is the number of switches that the system counted, for it need
 * not switch at each call. */
#include "../bench.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

static volatile long left;
static pthread_t *threads;

static void *yield_for_ever(void *unused)
{
    while (left > 0) {
        left--;
        sched_yield();
    }
    return unused;
}

static double switches(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_nvcsw + (double)usage.ru_nivcsw;
}

static void run(long size, long count)
{
    pthread_attr_t attributes;
    double before = switches();
    uint64_t start;
    left = count;
    threads = bench_memory(size, sizeof *threads);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    start = bench_now();
    for (long i = 0; i < size; i++) {
        bench_check(pthread_create(&threads[i], &attributes, yield_for_ever,
                                   NULL) == 0, "pthread_create");
    }
    for (long i = 0; i < size; i++) {
        pthread_join(threads[i], NULL);
    }
    bench_report("time",
                 (double)(bench_now() - start) / (switches() - before), "ns");
}

const struct bench bench_list[] = {
    {"switch-2", BENCH_OWN, 2, 300000, 0, NULL, run},
    {"switch-100", BENCH_OWN, 100, 300000, 0, NULL, run},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

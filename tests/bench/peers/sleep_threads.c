/* Sleeping POSIX threads: what each of ten thousand holds in its own process,
 * with small stacks. What the system holds for a thread (its stack there, its
 * structs) comes on top. A million of them do not fit. */
#include "../bench.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

static void *sleeper(void *ready)
{
    struct timespec delay = {30, 0};
    __atomic_add_fetch((long *)ready, 1, __ATOMIC_SEQ_CST);
    nanosleep(&delay, NULL);
    return NULL;
}

static void run_memory(long size, long count)
{
    pthread_attr_t attributes;
    double before = bench_memory_held();
    static long ready;
    (void)count;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    for (long i = 0; i < size; i++) {
        pthread_t thread;
        bench_check(pthread_create(&thread, &attributes, sleeper, &ready)
                    == 0, "pthread_create");
    }
    while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) < size) {
        struct timespec pause = {0, 1000000};
        nanosleep(&pause, NULL);
    }
    bench_report("memory", (bench_memory_held() - before) / (double)size, "B");
}

const struct bench bench_list[] = {
    {"sleep-memory", BENCH_OWN, 10000, 1, 0, NULL, run_memory},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

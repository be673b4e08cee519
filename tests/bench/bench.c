/* The main program of every benchmark, and the few functions they share. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#endif

/* No measurement takes longer than this; one that does is a bug. */
#define BENCH_SECONDS_AT_MOST 60

static const struct bench *running;
static int counting;

void bench_report(const char *metric, double value, const char *unit)
{
    if (!counting) {
        printf("%s\t%s\t%.6g\t%s\n", running->name, metric, value, unit);
    }
}

void bench_check(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s: ", running ? running->name : "bench");
        perror(what);
        exit(1);
    }
}

void *bench_memory(long count, size_t size)
{
    void *memory = calloc((size_t)count, size);
    bench_check(memory != NULL, "memory");
    return memory;
}

uint64_t bench_random(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

uint32_t *bench_shuffled(long count)
{
    uint32_t *order = bench_memory(count, sizeof *order);
    for (long i = 0; i < count; i++) {
        long j = (long)(bench_random() % (uint64_t)(i + 1));
        order[i] = order[j];
        order[j] = (uint32_t)i;
    }
    return order;
}

static uint64_t nanoseconds(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t bench_now(void)
{
    return nanoseconds(CLOCK_MONOTONIC);
}

double bench_memory_held(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
    return (double)usage.ru_maxrss;
#else
    return (double)usage.ru_maxrss * 1024;
#endif
}

void bench_pin(int processor)
{
#ifdef __linux__
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (processors > 1) {
        cpu_set_t set;
        CPU_ZERO(&set);
        for (long i = 0; i < processors; i++) {
            if (processor < 0 || i == processor % processors) {
                CPU_SET((size_t)i, &set);
            }
        }
        (void)sched_setaffinity(0, sizeof set, &set);
    }
#else
    (void)processor;
#endif
}

/* Valgrind collects between the entry and the exit of this function. */
BENCH_NOINLINE void bench_measured(const struct bench *it, long count);
void bench_measured(const struct bench *it, long count)
{
    it->run(it->size, count);
}

static void measure(const struct bench *it, long count)
{
    running = it;
    if (it->prepare) {
        it->prepare(it->size, count);
    }
    clockid_t clock = it->metric == BENCH_CPU ? CLOCK_PROCESS_CPUTIME_ID
                                              : CLOCK_MONOTONIC;
    uint64_t start = nanoseconds(clock);
    bench_measured(it, count);
    uint64_t end = nanoseconds(clock);
    if (counting) {
        printf("%ld operations\n", count);
    } else if (it->metric != BENCH_OWN) {
        bench_report(it->metric == BENCH_CPU ? "cpu" : "time",
                     (double)(end - start) / (double)count, "ns");
    }
}

int bench_main(const struct bench *list, int argc, char **argv)
{
    alarm(BENCH_SECONDS_AT_MOST);
    if (argc >= 2 && strcmp(argv[1], "list") == 0) {
        for (const struct bench *it = list; it->name; it++) {
            printf("%s\t%ld\n", it->name, it->counted);
        }
        return 0;
    }
    bench_pin(0);
    for (const struct bench *it = list; argc >= 2 && it->name; it++) {
        if (strcmp(argv[1], it->name) == 0) {
            long count = it->count;
            const char *quick = getenv("QUICK");
            if (argc >= 3) {
                counting = 1;
                count = atol(argv[2]);
            } else if (quick && *quick && strcmp(quick, "0") != 0
                       && count > 10 * it->size) {
                count = count / 10 + it->size;
            }
            bench_check(count > 0, "count");
            measure(it, count);
            return 0;
        }
    }
    fprintf(stderr, "usage: %s list | NAME [COUNT]\n", argv[0]);
    return 2;
}

/* Python brings its own main(), and loads the rest as a library. */
#ifndef BENCH_LIBRARY
int main(int argc, char **argv)
{
    return bench_main(bench_list, argc, argv);
}
#endif

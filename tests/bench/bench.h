/* bench: what every benchmark program shares, limits and subjects alike.
 *
 * A benchmark is a pair of programs that do the same work: NAME_limit.c by
 * hand and as fast as we know how, NAME_async.c with async.h. Programs in
 * peers/ do it with what else a user could take. Each defines the table
 * bench_list; main() is in bench.c:
 *
 *     NAME_limit list           the names in the table
 *     NAME_limit switch-100     measures that one, once, prints one line per
 *                               metric: name, metric, value, unit
 *     NAME_limit switch-100 N   does N operations and prints nothing but
 *                               "N operations"; for valgrind and strace
 *
 * tests/bench/run.sh interleaves the programs and makes the table. */
#ifndef BENCH_H
#define BENCH_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A function that the compiler may not look into from outside. */
#if defined __GNUC__ && !defined __clang__ && __GNUC__ >= 8
#define BENCH_NOINLINE __attribute__((noipa))
#elif defined __GNUC__
#define BENCH_NOINLINE __attribute__((noinline))
#else
#define BENCH_NOINLINE
#endif

enum bench_metric {
    BENCH_WALL, /* the time that run() takes */
    BENCH_CPU,  /* the processor time that run() takes */
    BENCH_OWN   /* run() measures, and reports with bench_report() */
};

struct bench {
    const char *name;
    enum bench_metric metric;
    long size;    /* how many tasks, connections ... */
    long count;   /* operations in one measurement */
    long counted; /* the same when valgrind counts instructions, 0: never */
    void (*prepare)(long size, long count); /* not measured; may be NULL */
    void (*run)(long size, long count);
};

/* Each program defines this; an entry without a name ends it. */
extern const struct bench bench_list[];

void bench_report(const char *metric, double value, const char *unit);

/* Ends the program when a condition that must hold does not. */
void bench_check(int holds, const char *what);

/* Memory of zeros, for as long as the program runs. */
void *bench_memory(long count, size_t size);

/* The numbers 0 .. count-1 in an order that is random and always the same. */
uint32_t *bench_shuffled(long count);

/* A random number, from a sequence that is always the same. */
uint64_t bench_random(void);

/* Nanoseconds of a clock that never goes back. */
uint64_t bench_now(void);

/* The largest amount of memory that this process has held, in bytes. */
double bench_memory_held(void);

/* Keeps this thread, and those that it starts, on one processor where the
 * system can do that; a negative one lets it run on all. */
void bench_pin(int processor);

/* What main() does with bench_list, for a program that has its own main(). */
int bench_main(const struct bench *list, int argc, char **argv);

#ifdef __cplusplus
}
#endif

#endif

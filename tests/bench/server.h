/* What the two programs of the server benchmark have in common. */
#ifndef SERVER_H
#define SERVER_H

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum {
    SERVER_BULK = 4,            /* connections that carry large messages */
    SERVER_ROOM = 64 * 1024,    /* bytes for each of them */
    SERVER_IDLE = 3             /* seconds in which nothing happens */
};

struct server_idle {
    double memory;
    double cpu;
};

static double server_cpu(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

/* What this process holds now, in bytes. */
static double server_memory(void)
{
    long total = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    bench_check(file != NULL
                && fscanf(file, "%ld %ld", &total, &resident) == 2, "statm");
    fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static void server_idle_begins(struct server_idle *it)
{
    it->memory = server_memory();
}

/* All connections are there, and from now on nothing happens. */
static void server_idle_goes_on(struct server_idle *it)
{
    it->memory = server_memory() - it->memory;
    it->cpu = server_cpu();
}

static void server_idle_ends(const struct server_idle *it, long connections)
{
    bench_report("memory", it->memory / (double)connections, "B");
    bench_report("cpu", (server_cpu() - it->cpu) / SERVER_IDLE
                            / (double)connections, "ns/s");
}

#endif

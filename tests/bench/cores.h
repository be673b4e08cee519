/* What the programs of the cores' group share.
 *
 * wake-hop: two loops, each in a thread and on a processor of its own, wake
 * one another in turn; the time of one wake-up.
 * cores-1, cores-2: a TCP server whose requests cost some fifty microseconds
 * of computing, in one loop and in two, each with a listening socket of its
 * own; 64 connections. The clients share the processors with them. */
#ifndef CORES_H
#define CORES_H

#include "bench.h"
#include "clients.h"

enum { CORES_AT_MOST = 2, CORES_CONNECTIONS = 64 };

/* What an application would do for a request. */
static inline void cores_work(char *message)
{
    uint64_t state = 88172645463325252u + (uint64_t)message[0];
    for (int i = 0; i < 20000; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
    }
    message[0] = (char)state;
}

#define CORES_LIST                                                         \
    {"wake-hop", BENCH_WALL, 1, 20000, 0, prepare_wake, run_wake},         \
    {"cores-1", BENCH_OWN, 1, 10000, 0, prepare_cores, run_cores},         \
    {"cores-2", BENCH_OWN, 2, 10000, 0, prepare_cores, run_cores},         \
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}

#endif

/* What bench.c and clients.c need as a library for python.py, whose table of
 * benchmarks is its own. */
#include "../bench.h"

const struct bench bench_list[] = {
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

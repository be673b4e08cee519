/* One byte round a ring of a hundred pipes, a POSIX thread for each, which
 * blocks in read(); all on one processor. */
#include "../bench.h"

#include <pthread.h>
#include <unistd.h>

enum { PIPES = 100 };

static int from[PIPES], to[PIPES], done[2];
static long left;

static void *hop(void *pipe_index)
{
    int at = (int)(intptr_t)pipe_index;
    char buffer[8];
    while (read(from[at], buffer, sizeof buffer) == 1) {
        /* Only who holds the byte counts. */
        int to_whom = --left <= 0 ? done[1] : to[at];
        bench_check(write(to_whom, buffer, 1) == 1, "write");
    }
    return NULL;
}

static void prepare(long size, long count)
{
    (void)size;
    (void)count;
    bench_check(pipe(done) == 0, "pipe");
    for (int i = 0; i < PIPES; i++) {
        int ends[2];
        bench_check(pipe(ends) == 0, "pipe");
        from[i] = ends[0];
        to[(i + PIPES - 1) % PIPES] = ends[1];
    }
    for (int i = 0; i < PIPES; i++) {
        pthread_t thread;
        bench_check(pthread_create(&thread, NULL, hop, (void *)(intptr_t)i)
                    == 0, "pthread_create");
    }
}

static void run(long size, long count)
{
    char buffer[8];
    (void)size;
    left = count;
    bench_check(write(to[0], "x", 1) == 1, "write");
    bench_check(read(done[0], buffer, sizeof buffer) == 1, "read");
}

const struct bench bench_list[] = {
    {"pipe-ring", BENCH_WALL, PIPES, 50000, 0, prepare, run},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

/* Creating and joining a POSIX thread. */
#include "../bench.h"

#include <pthread.h>

static void *child(void *value)
{
    return value;
}

static void run(long size, long count)
{
    static char one;
    long sum = 0;
    (void)size;
    for (long i = 0; i < count; i++) {
        pthread_t thread;
        void *result = NULL;
        bench_check(pthread_create(&thread, NULL, child, &one) == 0,
                    "pthread_create");
        pthread_join(thread, &result);
        sum += result == &one;
    }
    bench_check(sum == count, "every child was joined");
}

const struct bench bench_list[] = {
    {"spawn-join", BENCH_WALL, 1, 20000, 0, NULL, run},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

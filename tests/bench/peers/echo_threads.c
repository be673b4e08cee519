/* A TCP echo server with a POSIX thread for each connection, which blocks in
 * read() and write(); all on one processor, as the others. */
#include "../bench.h"

#ifdef __linux__
#include "../clients.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static int listener;

static void *echo(void *connection)
{
    int fd = (int)(intptr_t)connection;
    char buffer[256];
    ssize_t n;
    while ((n = read(fd, buffer, sizeof buffer)) > 0) {
        for (ssize_t done = 0; done < n;) {
            ssize_t m = write(fd, buffer + done, (size_t)(n - done));
            bench_check(m > 0, "write");
            done += m;
        }
    }
    close(fd);
    return NULL;
}

static void prepare(long size, long count)
{
    listener = clients_start(size, count);
    fcntl(listener, F_SETFL, 0);
}

static void run(long size, long count)
{
    pthread_t *threads = bench_memory(size, sizeof *threads);
    pthread_attr_t attributes;
    (void)count;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    for (long i = 0; i < size; i++) {
        int fd = accept(listener, NULL, NULL);
        bench_check(fd >= 0, "accept");
        bench_check(pthread_create(&threads[i], &attributes, echo,
                                   (void *)(intptr_t)fd) == 0,
                    "pthread_create");
    }
    for (long i = 0; i < size; i++) {
        pthread_join(threads[i], NULL);
    }
    clients_end();
}

const struct bench bench_list[] = {
    {"echo-1", BENCH_OWN, 1, 6000, 0, prepare, run},
    {"echo-64", BENCH_OWN, 64, 50000, 0, prepare, run},
    {"echo-1000", BENCH_OWN, 1000, 50000, 0, prepare, run},
    {"echo-10000", BENCH_OWN, 10000, 50000, 0, prepare, run},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};
#else
const struct bench bench_list[] = {
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};
#endif

/* POSIX threads on several processors: see ../cores.h. A wake-up is a
 * condition variable; a server, a thread for each connection. */
#include "../cores.h"

#ifdef __linux__
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int turn;
static pthread_t thread;

static void take_turns(int mine, long count)
{
    pthread_mutex_lock(&mutex);
    for (long i = 0; i < count / 2; i++) {
        while (turn != mine) {
            pthread_cond_wait(&changed, &mutex);
        }
        turn = 1 - mine;
        pthread_cond_signal(&changed);
    }
    pthread_mutex_unlock(&mutex);
}

static void *other_side(void *count)
{
    bench_pin(1);
    take_turns(1, (long)(intptr_t)count);
    return NULL;
}

static void prepare_wake(long size, long count)
{
    (void)size;
    bench_check(pthread_create(&thread, NULL, other_side,
                               (void *)(intptr_t)count) == 0, "thread");
}

static void run_wake(long size, long count)
{
    (void)size;
    take_turns(0, count);
    pthread_join(thread, NULL);
}

static int listener;

static void *echo(void *connection)
{
    int fd = (int)(intptr_t)connection;
    char buffer[256];
    ssize_t n;
    while ((n = read(fd, buffer, sizeof buffer)) > 0) {
        cores_work(buffer);
        bench_check(write(fd, buffer, (size_t)n) == n, "write");
    }
    close(fd);
    return NULL;
}

static void prepare_cores(long size, long count)
{
    clients_start_many(CORES_CONNECTIONS, count, &listener, 1);
    fcntl(listener, F_SETFL, 0);
    bench_pin(size == 1 ? 0 : -1);
}

static void run_cores(long size, long count)
{
    pthread_t threads[CORES_CONNECTIONS];
    (void)size;
    (void)count;
    for (int i = 0; i < CORES_CONNECTIONS; i++) {
        int fd = accept(listener, NULL, NULL);
        bench_check(fd >= 0, "accept");
        bench_check(pthread_create(&threads[i], NULL, echo,
                                   (void *)(intptr_t)fd) == 0, "thread");
    }
    for (int i = 0; i < CORES_CONNECTIONS; i++) {
        pthread_join(threads[i], NULL);
    }
    clients_end();
}

const struct bench bench_list[] = {CORES_LIST};
#else
const struct bench bench_list[] = {
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};
#endif

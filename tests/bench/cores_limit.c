/* Loops by hand in several threads: see cores.h. A wake-up is an eventfd that
 * a thread reads; a server, a loop of epoll in each thread. */
#include "cores.h"

#ifdef __linux__
#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- two threads that wake one another ---------------------------------- */

static int here, there;
static pthread_t thread;

static void raise_event(int event)
{
    static const uint64_t one = 1;
    bench_check(write(event, &one, sizeof one) == sizeof one, "write");
}

static void take_turns(int mine, int other, long count)
{
    for (long i = 0; i < count / 2; i++) {
        uint64_t n;
        bench_check(read(mine, &n, sizeof n) == sizeof n, "read");
        raise_event(other);
    }
}

static void *other_side(void *count)
{
    bench_pin(1);
    take_turns(there, here, (long)(intptr_t)count);
    return NULL;
}

static void prepare_wake(long size, long count)
{
    (void)size;
    here = eventfd(0, 0);
    there = eventfd(0, 0);
    bench_check(here >= 0 && there >= 0, "eventfd");
    bench_check(pthread_create(&thread, NULL, other_side,
                               (void *)(intptr_t)count) == 0, "thread");
}

static void run_wake(long size, long count)
{
    (void)size;
    raise_event(there);
    take_turns(here, there, count);
    pthread_join(thread, NULL);
}

/* ---- a server in several threads ---------------------------------------- */

static struct server {
    pthread_t thread;
    int number, listener, ended, epoll;
} servers[CORES_AT_MOST];

static long server_count, closed;

static void add(int epoll, int fd)
{
    struct epoll_event event = {0};
    event.events = EPOLLIN | EPOLLET;
    event.data.fd = fd;
    bench_check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

/* A message is short: the socket takes it, and is empty after a short read. */
static void echo(int fd)
{
    char buffer[256];
    ssize_t n = read(fd, buffer, sizeof buffer);
    if (n > 0) {
        cores_work(buffer);
        bench_check(write(fd, buffer, (size_t)n) == n, "write");
    } else if (n == 0) {
        close(fd);
        if (__atomic_add_fetch(&closed, 1, __ATOMIC_ACQ_REL)
            == CORES_CONNECTIONS) {
            for (long i = 0; i < server_count; i++) {
                raise_event(servers[i].ended);
            }
        }
    }
}

static void accept_all(const struct server *self)
{
    for (;;) {
        int fd = accept4(self->listener, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0) {
            bench_check(errno == EAGAIN, "accept4");
            return;
        }
        add(self->epoll, fd);
    }
}

static void *run_server(void *server)
{
    struct server *self = server;
    bench_pin(self->number);
    for (;;) {
        struct epoll_event events[256];
        int ready = epoll_wait(self->epoll, events, 256, -1);
        bench_check(ready >= 0 || errno == EINTR, "epoll_wait");
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == self->ended) {
                return NULL;
            }
            if (fd == self->listener) {
                accept_all(self);
            } else {
                echo(fd);
            }
        }
    }
}

static void prepare_cores(long size, long count)
{
    int listeners[CORES_AT_MOST];
    clients_start_many(CORES_CONNECTIONS, count, listeners, (int)size);
    server_count = size;
    for (int i = 0; i < size; i++) {
        servers[i].number = i;
        servers[i].listener = listeners[i];
        servers[i].ended = eventfd(0, EFD_NONBLOCK);
        servers[i].epoll = epoll_create1(0);
        bench_check(servers[i].ended >= 0 && servers[i].epoll >= 0, "open");
        add(servers[i].epoll, listeners[i]);
        add(servers[i].epoll, servers[i].ended);
    }
}

static void run_cores(long size, long count)
{
    (void)count;
    for (long i = 1; i < size; i++) {
        bench_check(pthread_create(&servers[i].thread, NULL, run_server,
                                   &servers[i]) == 0, "thread");
    }
    run_server(&servers[0]);
    for (long i = 1; i < size; i++) {
        pthread_join(servers[i].thread, NULL);
    }
    clients_end();
}

const struct bench bench_list[] = {CORES_LIST};
#else
const struct bench bench_list[] = {
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};
#endif

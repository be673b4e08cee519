/* A TCP echo server, by hand: edge-triggered epoll; a descriptor is registered
 * once; a short read means that the socket is empty, so it is not read again;
 * what a full socket does not take is kept until it can be written. */
#include "bench.h"

#ifdef __linux__
#include "clients.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    int fd;
    int begin, end; /* what is still to be written of the buffer */
    int look_again; /* an edge may have passed: read until it is empty */
    char buffer[256];
};

static int epoll, listener;
static long accepted, closed;
static struct connection *all;

static void add(int fd, uint32_t interest, void *data)
{
    struct epoll_event event = {0};
    event.events = interest | EPOLLET;
    event.data.ptr = data;
    bench_check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

static void accept_all(void)
{
    for (;;) {
        struct connection *it = &all[accepted];
        it->fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (it->fd < 0) {
            bench_check(errno == EAGAIN, "accept4");
            return;
        }
        accepted++;
        add(it->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP, it);
    }
}

static void echo(struct connection *it)
{
    for (;;) {
        ssize_t n;
        while (it->begin < it->end) {
            n = write(it->fd, it->buffer + it->begin,
                      (size_t)(it->end - it->begin));
            if (n < 0) {
                bench_check(errno == EAGAIN, "write");
                it->look_again = 1;
                return;
            }
            it->begin += (int)n;
        }
        if (it->end > 0 && it->end < (int)sizeof it->buffer
            && !it->look_again) {
            it->end = 0;
            return;
        }
        n = read(it->fd, it->buffer, sizeof it->buffer);
        if (n < 0) {
            bench_check(errno == EAGAIN, "read");
            it->end = 0;
            it->look_again = 0;
            return;
        }
        if (n == 0) {
            close(it->fd);
            closed++;
            return;
        }
        it->begin = 0;
        it->end = (int)n;
    }
}

static void prepare(long size, long count)
{
    all = bench_memory(size + 1, sizeof *all);
    listener = clients_start(size, count);
    epoll = epoll_create1(0);
    bench_check(epoll >= 0, "epoll_create1");
    add(listener, EPOLLIN, NULL);
}

static void run(long size, long count)
{
    (void)count;
    while (closed < size) {
        struct epoll_event events[256];
        int ready = epoll_wait(epoll, events, 256, -1);
        bench_check(ready >= 0 || errno == EINTR, "epoll_wait");
        for (int i = 0; i < ready; i++) {
            struct connection *it = events[i].data.ptr;
            if (it) {
                if (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
                    it->look_again = 1;
                }
                echo(it);
            } else {
                accept_all();
            }
        }
    }
    clients_end();
}

const struct bench bench_list[] = {
    {"echo-1", BENCH_OWN, 1, 6000, 0, prepare, run},
    {"echo-64", BENCH_OWN, 64, 50000, 10000, prepare, run},
    {"echo-1000", BENCH_OWN, 1000, 50000, 0, prepare, run},
    {"echo-10000", BENCH_OWN, 10000, 50000, 0, prepare, run},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};
#else
const struct bench bench_list[] = {
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};
#endif

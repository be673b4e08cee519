/* The same server by hand: edge-triggered epoll, as echo_limit.c. */
#include "bench.h"

#ifdef __linux__
#include "clients.h"
#include "server.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    int fd;
    int begin, end; /* what is still to be written of the buffer */
    int look_again; /* an edge may have passed: read until it is empty */
    char *buffer;
};

static int epoll, listener, room;
static long accepted, closed;
static struct connection *all;
static char *buffers;

static void add(int fd, uint32_t interest, void *data)
{
    struct epoll_event event = {0};
    event.events = interest | EPOLLET;
    event.data.ptr = data;
    bench_check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

static void accept_all(long connections)
{
    while (accepted < connections) {
        struct connection *it = &all[accepted];
        it->fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (it->fd < 0) {
            bench_check(errno == EAGAIN, "accept4");
            return;
        }
        it->buffer = buffers + (size_t)accepted * (size_t)room;
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
        if (it->end > 0 && it->end < room && !it->look_again) {
            it->end = 0;
            it->begin = 0;
            return;
        }
        n = read(it->fd, it->buffer, (size_t)room);
        it->begin = 0;
        it->end = 0;
        if (n < 0) {
            bench_check(errno == EAGAIN, "read");
            it->look_again = 0;
            return;
        }
        if (n == 0) {
            close(it->fd);
            closed++;
            return;
        }
        it->end = (int)n;
    }
}

static void prepare(long connections, int bytes)
{
    room = bytes;
    all = bench_memory(connections + 1, sizeof *all);
    buffers = bench_memory(connections, (size_t)bytes);
}

/* Goes on until so many are closed, or all are accepted, or time is over. */
static void serve(long connections, long until_closed, long until_accepted,
                  int seconds)
{
    uint64_t end = bench_now() + (uint64_t)seconds * 1000000000u;
    while (closed < until_closed && accepted < until_accepted) {
        struct epoll_event events[256];
        int wait = -1;
        if (seconds != 0) {
            int64_t left = (int64_t)(end - bench_now());
            if (left <= 0) {
                return;
            }
            wait = (int)(left / 1000000) + 1;
        }
        int ready = epoll_wait(epoll, events, 256, wait);
        bench_check(ready >= 0 || errno == EINTR, "epoll_wait");
        for (int i = 0; i < ready; i++) {
            struct connection *it = events[i].data.ptr;
            if (it) {
                if (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
                    it->look_again = 1;
                }
                echo(it);
            } else {
                accept_all(connections);
            }
        }
    }
}

static void listen_to(int fd)
{
    listener = fd;
    epoll = epoll_create1(0);
    bench_check(epoll >= 0, "epoll_create1");
    add(listener, EPOLLIN, NULL);
}

static void prepare_bulk(long size, long count)
{
    prepare(SERVER_BULK, SERVER_ROOM);
    listen_to(clients_start_bulk(SERVER_BULK, count, size));
}

static void run_bulk(long size, long count)
{
    (void)size;
    (void)count;
    serve(SERVER_BULK, SERVER_BULK, SERVER_BULK + 1, 0);
    clients_end();
}

static void prepare_storm(long size, long count)
{
    (void)size;
    prepare(count, 256);
    listen_to(clients_start_storm(count));
}

static void run_storm(long size, long count)
{
    (void)size;
    serve(count, count, count + 1, 0);
    clients_end_storm();
}

static void prepare_idle(long size, long count)
{
    (void)count;
    prepare(size, 256);
    listen_to(clients_start_idle(size));
}

static void run_idle(long size, long count)
{
    struct server_idle before;
    (void)count;
    server_idle_begins(&before);
    serve(size, size, size, 0);
    server_idle_goes_on(&before);
    serve(size, size, size + 1, SERVER_IDLE);
    server_idle_ends(&before, size);
    clients_end_idle();
}

const struct bench bench_list[] = {
    {"bulk-64k", BENCH_OWN, 65536, 4000, 0, prepare_bulk, run_bulk},
    {"bulk-1m", BENCH_OWN, 1048576, 400, 0, prepare_bulk, run_bulk},
    {"storm-1000", BENCH_CPU, 1000, 1000, 0, prepare_storm, run_storm},
    {"idle-10000", BENCH_OWN, 10000, 10000, 0, prepare_idle, run_idle},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};
#else
const struct bench bench_list[] = {
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};
#endif

/* A TCP echo server with libevent: plain events, for its buffers cost more.
 * What a full socket does not take is kept until it can be written; until
 * then, nothing more is read. */
#include "../bench.h"

#ifdef __linux__
#include "../clients.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    struct event readable, writable;
    int begin, end; /* what is still to be written of the buffer */
    char buffer[256];
};

static struct event_base *base;
static struct event listener;
static struct connection *all;
static long accepted, closed, expected;

/* Whether all was sent. */
static int send_rest(int fd, struct connection *self)
{
    while (self->begin < self->end) {
        ssize_t n = write(fd, self->buffer + self->begin,
                          (size_t)(self->end - self->begin));
        if (n < 0) {
            bench_check(errno == EAGAIN, "write");
            return 0;
        }
        self->begin += (int)n;
    }
    return 1;
}

static void can_write(evutil_socket_t fd, short events, void *connection)
{
    struct connection *self = connection;
    (void)events;
    if (send_rest(fd, self)) {
        event_del(&self->writable);
        event_add(&self->readable, NULL);
    }
}

static void can_read(evutil_socket_t fd, short events, void *connection)
{
    struct connection *self = connection;
    ssize_t n = read(fd, self->buffer, sizeof self->buffer);
    (void)events;
    if (n < 0) {
        bench_check(errno == EAGAIN, "read");
        return;
    }
    if (n == 0) {
        event_del(&self->readable);
        close(fd);
        if (++closed == expected) {
            event_base_loopbreak(base);
        }
        return;
    }
    self->begin = 0;
    self->end = (int)n;
    if (!send_rest(fd, self)) {
        event_del(&self->readable);
        event_add(&self->writable, NULL);
    }
}

static void incoming(evutil_socket_t from, short events, void *unused)
{
    int fd;
    (void)events;
    (void)unused;
    while ((fd = accept4(from, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct connection *self = &all[accepted++];
        event_assign(&self->readable, base, fd, EV_READ | EV_PERSIST,
                     can_read, self);
        event_assign(&self->writable, base, fd, EV_WRITE | EV_PERSIST,
                     can_write, self);
        event_add(&self->readable, NULL);
    }
}

static void prepare(long size, long count)
{
    int fd;
    expected = size;
    all = bench_memory(size, sizeof *all);
    fd = clients_start(size, count);
    base = event_base_new();
    bench_check(base != NULL, "event_base_new");
    event_assign(&listener, base, fd, EV_READ | EV_PERSIST, incoming, NULL);
    event_add(&listener, NULL);
}

static void run(long size, long count)
{
    (void)size;
    (void)count;
    event_base_dispatch(base);
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

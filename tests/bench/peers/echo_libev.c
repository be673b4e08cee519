/* A TCP echo server with libev. What a full socket does not take is kept until
 * it can be written; until then, nothing more is read. */
#include "../bench.h"

#ifdef __linux__
#include "../clients.h"

#include <errno.h>
#include <ev.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    ev_io io;
    int begin, end; /* what is still to be written of the buffer */
    char buffer[256];
};

static struct ev_loop *loop;
static ev_io listener;
static struct connection *all;
static long accepted, closed, expected;

static void wait_for(struct connection *self, int events)
{
    if ((self->io.events & (EV_READ | EV_WRITE)) != events) {
        ev_io_stop(loop, &self->io);
        ev_io_set(&self->io, self->io.fd, events);
        ev_io_start(loop, &self->io);
    }
}

static void send_rest(struct connection *self)
{
    while (self->begin < self->end) {
        ssize_t n = write(self->io.fd, self->buffer + self->begin,
                          (size_t)(self->end - self->begin));
        if (n < 0) {
            bench_check(errno == EAGAIN, "write");
            wait_for(self, EV_WRITE);
            return;
        }
        self->begin += (int)n;
    }
    wait_for(self, EV_READ);
}

static void ready(struct ev_loop *its, ev_io *io, int events)
{
    struct connection *self = (struct connection *)io;
    (void)its;
    if (events & EV_READ) {
        ssize_t n = read(io->fd, self->buffer, sizeof self->buffer);
        if (n < 0) {
            bench_check(errno == EAGAIN, "read");
            return;
        }
        if (n == 0) {
            ev_io_stop(loop, io);
            close(io->fd);
            if (++closed == expected) {
                ev_break(loop, EVBREAK_ALL);
            }
            return;
        }
        self->begin = 0;
        self->end = (int)n;
    }
    send_rest(self);
}

static void incoming(struct ev_loop *its, ev_io *io, int events)
{
    int fd;
    (void)events;
    while ((fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct connection *self = &all[accepted++];
        ev_io_init(&self->io, ready, fd, EV_READ);
        ev_io_start(its, &self->io);
    }
}

static void prepare(long size, long count)
{
    expected = size;
    all = bench_memory(size, sizeof *all);
    ev_io_init(&listener, incoming, clients_start(size, count), EV_READ);
    loop = ev_default_loop(0);
    bench_check(loop != NULL, "ev_default_loop");
    ev_io_start(loop, &listener);
}

static void run(long size, long count)
{
    (void)size;
    (void)count;
    ev_run(loop, 0);
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

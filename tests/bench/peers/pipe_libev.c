/* One byte round a ring of a hundred pipes with libev. */
#include "../bench.h"

#ifdef __linux__
#include <ev.h>
#include <fcntl.h>
#include <unistd.h>

enum { PIPES = 100 };

struct hop {
    ev_io from;
    int to;
};

static struct ev_loop *loop;
static struct hop hops[PIPES];
static long left;

static void arrived(struct ev_loop *its, ev_io *io, int events)
{
    struct hop *self = (struct hop *)io;
    char buffer[8];
    (void)events;
    if (read(self->from.fd, buffer, sizeof buffer) == 1) {
        bench_check(write(self->to, buffer, 1) == 1, "write");
        if (--left <= 0) {
            ev_break(its, EVBREAK_ALL);
        }
    }
}

static void prepare(long size, long count)
{
    (void)size;
    (void)count;
    loop = ev_default_loop(0);
    bench_check(loop != NULL, "ev_default_loop");
    for (int i = 0; i < PIPES; i++) {
        int ends[2];
        bench_check(pipe2(ends, O_NONBLOCK) == 0, "pipe2");
        ev_io_init(&hops[i].from, arrived, ends[0], EV_READ);
        ev_io_start(loop, &hops[i].from);
        hops[(i + PIPES - 1) % PIPES].to = ends[1];
    }
}

static void run(long size, long count)
{
    (void)size;
    left = count;
    bench_check(write(hops[0].to, "x", 1) == 1, "write");
    ev_run(loop, 0);
}

const struct bench bench_list[] = {
    {"pipe-ring", BENCH_WALL, PIPES, 200000, 0, prepare, run},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};
#else
const struct bench bench_list[] = {
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};
#endif

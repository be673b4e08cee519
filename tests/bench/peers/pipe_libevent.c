/* One byte round a ring of a hundred pipes with libevent: plain events, edge-
 * triggered, which is the fastest that it offers. */
#include "../bench.h"

#ifdef __linux__
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <unistd.h>

enum { PIPES = 100 };

struct hop {
    struct event from;
    int to;
};

static struct event_base *base;
static struct hop hops[PIPES];
static long left;

static void arrived(evutil_socket_t fd, short events, void *hop)
{
    struct hop *self = hop;
    char buffer[8];
    (void)events;
    if (read(fd, buffer, sizeof buffer) == 1) {
        bench_check(write(self->to, buffer, 1) == 1, "write");
        if (--left <= 0) {
            event_base_loopbreak(base);
        }
    }
}

static void prepare(long size, long count)
{
    (void)size;
    (void)count;
    base = event_base_new();
    bench_check(base != NULL, "event_base_new");
    for (int i = 0; i < PIPES; i++) {
        int ends[2];
        bench_check(pipe2(ends, O_NONBLOCK) == 0, "pipe2");
        event_assign(&hops[i].from, base, ends[0],
                     EV_READ | EV_PERSIST | EV_ET, arrived, &hops[i]);
        event_add(&hops[i].from, NULL);
        hops[(i + PIPES - 1) % PIPES].to = ends[1];
    }
}

static void run(long size, long count)
{
    (void)size;
    left = count;
    bench_check(write(hops[0].to, "x", 1) == 1, "write");
    event_base_dispatch(base);
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

/* One byte round a ring of a hundred pipes, by hand: edge-triggered epoll, a
 * read, a write and an epoll_wait for each hop. */
#include "bench.h"

#ifdef __linux__
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { PIPES = 100 };

static int from[PIPES], to[PIPES], epoll;

static void prepare(long size, long count)
{
    (void)size;
    (void)count;
    epoll = epoll_create1(0);
    bench_check(epoll >= 0, "epoll_create1");
    for (int i = 0; i < PIPES; i++) {
        int ends[2];
        struct epoll_event event = {0};
        bench_check(pipe2(ends, O_NONBLOCK) == 0, "pipe2");
        from[i] = ends[0];
        to[i] = ends[1];
        event.events = EPOLLIN | EPOLLET;
        event.data.u32 = (uint32_t)i;
        bench_check(epoll_ctl(epoll, EPOLL_CTL_ADD, from[i], &event) == 0,
                    "epoll_ctl");
    }
}

static void run(long size, long count)
{
    (void)size;
    bench_check(write(to[0], "x", 1) == 1, "write");
    while (count > 0) {
        struct epoll_event events[64];
        int ready = epoll_wait(epoll, events, 64, -1);
        for (int i = 0; i < ready && count > 0; i++) {
            uint32_t at = events[i].data.u32;
            char buffer[8];
            /* Fewer bytes than asked for: the pipe is empty, so the next
             * byte makes a new edge. */
            if (read(from[at], buffer, sizeof buffer) == 1) {
                at = at + 1 < PIPES ? at + 1 : 0;
                bench_check(write(to[at], buffer, 1) == 1, "write");
                count--;
            }
        }
    }
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

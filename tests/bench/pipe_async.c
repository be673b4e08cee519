/* One byte round a ring of a hundred pipes, a task of async.h for each. */
#include "bench.h"

#include "async.h"

#ifdef __linux__
#include <fcntl.h>
#include <unistd.h>

enum { PIPES = 100 };

struct hop {
    async_frame frame;
    async_task task;
    int from, to;
    int n;
    char buffer[8];
};

static async_loop loop;
static struct hop hops[PIPES];
static long left;

static ASYNC hop(struct hop *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT_VALUE(self->n, async_read(self->from, self->buffer,
                                        sizeof self->buffer));
        AWAIT_VALUE(self->n, async_write(self->to, self->buffer,
                                         (size_t)self->n));
        if (--left <= 0) {
            async_loop_stop(&loop);
        }
    }
    ASYNC_END;
}

static void prepare(long size, long count)
{
    (void)size;
    (void)count;
    bench_check(async_loop_open(&loop) == 0, "async_loop_open");
    for (int i = 0; i < PIPES; i++) {
        int ends[2];
        bench_check(pipe2(ends, O_NONBLOCK) == 0, "pipe2");
        hops[i].from = ends[0];
        hops[(i + PIPES - 1) % PIPES].to = ends[1];
        async_loop_spawn(&loop, &hops[i].task, hop, &hops[i]);
    }
    async_loop_step(&loop);
}

static void run(long size, long count)
{
    (void)size;
    left = count;
    bench_check(write(hops[PIPES - 1].to, "x", 1) == 1, "write");
    bench_check(async_loop_run(&loop, NULL) == ASYNC_EINTR, "async_loop_run");
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

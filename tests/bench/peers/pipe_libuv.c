/* One byte round a ring of a hundred pipes with libuv: streams. */
#include "../bench.h"

#ifdef __linux__
#include <fcntl.h>
#include <unistd.h>
#include <uv.h>

enum { PIPES = 100 };

struct hop {
    uv_pipe_t from, to;
    char buffer[64];
};

static uv_loop_t loop;
static struct hop hops[PIPES];
static long left;

static void give_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct hop *self = handle->data;
    (void)wanted;
    *buffer = uv_buf_init(self->buffer, sizeof self->buffer);
}

static void arrived(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct hop *self = stream->data;
    uv_buf_t out = uv_buf_init(buffer->base, 1);
    if (n <= 0) {
        bench_check(n == 0, "read");
        return;
    }
    bench_check(uv_try_write((uv_stream_t *)&self->to, &out, 1) == 1,
                "uv_try_write");
    if (--left <= 0) {
        uv_stop(&loop);
    }
}

static void prepare(long size, long count)
{
    (void)size;
    (void)count;
    bench_check(uv_loop_init(&loop) == 0, "uv_loop_init");
    for (int i = 0; i < PIPES; i++) {
        int ends[2];
        bench_check(pipe2(ends, O_NONBLOCK) == 0, "pipe2");
        uv_pipe_init(&loop, &hops[i].from, 0);
        uv_pipe_init(&loop, &hops[(i + PIPES - 1) % PIPES].to, 0);
        uv_pipe_open(&hops[i].from, ends[0]);
        uv_pipe_open(&hops[(i + PIPES - 1) % PIPES].to, ends[1]);
        hops[i].from.data = &hops[i];
        uv_read_start((uv_stream_t *)&hops[i].from, give_buffer, arrived);
    }
}

static void run(long size, long count)
{
    uv_buf_t out = uv_buf_init("x", 1);
    (void)size;
    left = count;
    bench_check(uv_try_write((uv_stream_t *)&hops[0].to, &out, 1) == 1,
                "uv_try_write");
    uv_run(&loop, UV_RUN_DEFAULT);
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

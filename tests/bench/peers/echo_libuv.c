/* A TCP echo server with libuv. What the socket takes at once is written at
 * once; only a rest is left to uv_write(), and reading pauses until then. */
#include "../bench.h"

#ifdef __linux__
#include "../clients.h"

#include <uv.h>

struct connection {
    uv_tcp_t tcp;
    uv_write_t write;
    char buffer[256];
};

static uv_loop_t loop;
static uv_tcp_t listener;
static struct connection *all;
static long accepted, closed, expected;

static void arrived(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer);

static void give_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct connection *self = (struct connection *)handle;
    (void)wanted;
    *buffer = uv_buf_init(self->buffer, sizeof self->buffer);
}

static void written(uv_write_t *write, int status)
{
    bench_check(status == 0, "uv_write");
    uv_read_start(write->handle, give_buffer, arrived);
}

static void gone(uv_handle_t *handle)
{
    (void)handle;
    if (++closed == expected) {
        uv_close((uv_handle_t *)&listener, NULL);
    }
}

static void arrived(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct connection *self = (struct connection *)stream;
    uv_buf_t out = uv_buf_init(buffer->base, (unsigned)(n > 0 ? n : 0));
    if (n < 0) {
        uv_close((uv_handle_t *)stream, gone);
    } else if (n > 0) {
        int done = uv_try_write(stream, &out, 1);
        if (done < n) {
            done = done < 0 ? 0 : done;
            out = uv_buf_init(buffer->base + done, (unsigned)(n - done));
            uv_read_stop(stream);
            uv_write(&self->write, stream, &out, 1, written);
        }
    }
}

static void incoming(uv_stream_t *stream, int status)
{
    struct connection *self = &all[accepted++];
    bench_check(status == 0, "incoming");
    uv_tcp_init(&loop, &self->tcp);
    bench_check(uv_accept(stream, (uv_stream_t *)&self->tcp) == 0,
                "uv_accept");
    uv_read_start((uv_stream_t *)&self->tcp, give_buffer, arrived);
}

static void prepare(long size, long count)
{
    expected = size;
    all = bench_memory(size, sizeof *all);
    bench_check(uv_loop_init(&loop) == 0, "uv_loop_init");
    uv_tcp_init(&loop, &listener);
    uv_tcp_open(&listener, clients_start(size, count));
    bench_check(uv_listen((uv_stream_t *)&listener, 4096, incoming) == 0,
                "uv_listen");
}

static void run(long size, long count)
{
    (void)size;
    (void)count;
    uv_run(&loop, UV_RUN_DEFAULT);
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

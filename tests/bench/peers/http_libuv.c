/* An HTTP server that says hello, with libuv. */
#include "../bench.h"

#ifdef __linux__
#include "../http.h"

#include <uv.h>

struct connection {
    uv_tcp_t tcp; /* the first member */
    int length;
    char request[HTTP_ROOM];
};

static uv_loop_t loop;
static uv_tcp_t listener;
static struct connection all[HTTP_AT_MOST];
static long accepted;

static void give_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct connection *self = (struct connection *)handle;
    (void)wanted;
    *buffer = uv_buf_init(self->request + self->length,
                          (unsigned)(HTTP_ROOM - self->length));
}

static void arrived(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct connection *self = (struct connection *)stream;
    uv_buf_t out = uv_buf_init((char *)HTTP_ANSWER, sizeof HTTP_ANSWER - 1);
    (void)buffer;
    if (n < 0) {
        uv_close((uv_handle_t *)stream, NULL);
        return;
    }
    self->length += (int)n;
    if (http_is_whole(self->request, self->length)) {
        self->length = 0;
        bench_check(uv_try_write(stream, &out, 1) == (int)out.len,
                    "uv_try_write");
        if (http_is_last(self->request)) {
            uv_stop(&loop);
        }
    }
}

static void incoming(uv_stream_t *stream, int status)
{
    struct connection *self = &all[accepted++];
    bench_check(status == 0 && accepted < HTTP_AT_MOST, "incoming");
    uv_tcp_init(&loop, &self->tcp);
    bench_check(uv_accept(stream, (uv_stream_t *)&self->tcp) == 0,
                "uv_accept");
    uv_read_start((uv_stream_t *)&self->tcp, give_buffer, arrived);
}

static void prepare(long size, long count)
{
    (void)size;
    bench_check(uv_loop_init(&loop) == 0, "uv_loop_init");
    uv_tcp_init(&loop, &listener);
    uv_tcp_open(&listener, http_start(count));
    bench_check(uv_listen((uv_stream_t *)&listener, 4096, incoming) == 0,
                "uv_listen");
}

static void run(long size, long count)
{
    (void)size;
    (void)count;
    uv_run(&loop, UV_RUN_DEFAULT);
    http_end();
}

const struct bench bench_list[] = {
    {"http-hello", BENCH_OWN, 1, 2000, 0, prepare, run},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};
#else
const struct bench bench_list[] = {
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};
#endif

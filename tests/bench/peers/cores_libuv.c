/* Loops of libuv in several threads: see ../cores.h. They wake one another by
 * uv_async. */
#include "../cores.h"

#ifdef __linux__
#include <pthread.h>
#include <uv.h>

/* ---- two loops that wake one another ------------------------------------ */

struct side {
    uv_async_t async; /* the first member */
    uv_loop_t loop;
    struct side *other;
    long left;
};

static struct side here, there;
static pthread_t thread;

static void woken(uv_async_t *async)
{
    struct side *self = (struct side *)async;
    uv_async_send(&self->other->async);
    if (--self->left == 0) {
        uv_stop(&self->loop);
    }
}

static void side_open(struct side *self, struct side *other, long count)
{
    bench_check(uv_loop_init(&self->loop) == 0, "uv_loop_init");
    bench_check(uv_async_init(&self->loop, &self->async, woken) == 0,
                "uv_async_init");
    self->other = other;
    self->left = count / 2;
}

static void *other_side(void *unused)
{
    (void)unused;
    bench_pin(1);
    uv_run(&there.loop, UV_RUN_DEFAULT);
    return NULL;
}

static void prepare_wake(long size, long count)
{
    (void)size;
    side_open(&here, &there, count);
    side_open(&there, &here, count);
    bench_check(pthread_create(&thread, NULL, other_side, NULL) == 0,
                "thread");
}

static void run_wake(long size, long count)
{
    (void)size;
    (void)count;
    uv_async_send(&there.async);
    uv_run(&here.loop, UV_RUN_DEFAULT);
    pthread_join(thread, NULL);
}

/* ---- a server in several threads ---------------------------------------- */

struct connection {
    uv_tcp_t tcp; /* the first member */
    char buffer[256];
};

static struct server {
    uv_tcp_t listener; /* the first member */
    uv_loop_t loop;
    uv_async_t ended;
    pthread_t thread;
    int number;
    long accepted;
    struct connection all[CORES_CONNECTIONS];
} servers[CORES_AT_MOST];

static long server_count, closed;

static void end(uv_async_t *async)
{
    uv_stop(async->loop);
}

static void gone(uv_handle_t *handle)
{
    (void)handle;
    if (__atomic_add_fetch(&closed, 1, __ATOMIC_ACQ_REL)
        == CORES_CONNECTIONS) {
        for (long i = 0; i < server_count; i++) {
            uv_async_send(&servers[i].ended);
        }
    }
}

static void give_buffer(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    struct connection *self = (struct connection *)handle;
    (void)wanted;
    *buffer = uv_buf_init(self->buffer, sizeof self->buffer);
}

static void arrived(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    if (n < 0) {
        uv_close((uv_handle_t *)stream, gone);
    } else if (n > 0) {
        uv_buf_t out = uv_buf_init(buffer->base, (unsigned)n);
        cores_work(buffer->base);
        bench_check(uv_try_write(stream, &out, 1) == n, "uv_try_write");
    }
}

static void incoming(uv_stream_t *stream, int status)
{
    struct server *server = (struct server *)stream;
    struct connection *self = &server->all[server->accepted++];
    bench_check(status == 0, "incoming");
    uv_tcp_init(&server->loop, &self->tcp);
    bench_check(uv_accept(stream, (uv_stream_t *)&self->tcp) == 0,
                "uv_accept");
    uv_read_start((uv_stream_t *)&self->tcp, give_buffer, arrived);
}

static void *run_server(void *server)
{
    struct server *self = server;
    bench_pin(self->number);
    uv_run(&self->loop, UV_RUN_DEFAULT);
    return NULL;
}

static void prepare_cores(long size, long count)
{
    int listeners[CORES_AT_MOST];
    clients_start_many(CORES_CONNECTIONS, count, listeners, (int)size);
    server_count = size;
    for (int i = 0; i < size; i++) {
        servers[i].number = i;
        uv_loop_init(&servers[i].loop);
        uv_async_init(&servers[i].loop, &servers[i].ended, end);
        uv_tcp_init(&servers[i].loop, &servers[i].listener);
        uv_tcp_open(&servers[i].listener, listeners[i]);
        bench_check(uv_listen((uv_stream_t *)&servers[i].listener, 4096,
                              incoming) == 0, "uv_listen");
    }
}

static void run_cores(long size, long count)
{
    (void)count;
    for (long i = 1; i < size; i++) {
        bench_check(pthread_create(&servers[i].thread, NULL, run_server,
                                   &servers[i]) == 0, "thread");
    }
    run_server(&servers[0]);
    for (long i = 1; i < size; i++) {
        pthread_join(servers[i].thread, NULL);
    }
    clients_end();
}

const struct bench bench_list[] = {CORES_LIST};
#else
const struct bench bench_list[] = {
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};
#endif

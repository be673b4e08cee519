/* What a server meets beside small requests: large ones, a thousand
 * connections at once, and thousands that are idle; with async.h, a task for
 * each connection. */
#include "bench.h"

#include "async.h"

#ifdef __linux__
#include "clients.h"
#include "server.h"

struct connection {
    async_frame frame;
    async_task task;
    int fd;
    int n;
    size_t written;
    char *buffer;
};

static struct server {
    async_frame frame;
    int listener;
    int fd;
    long connections, i;
    size_t room;
    struct connection *all;
    char *buffers;
} server;

static ASYNC echo(struct connection *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT_VALUE(self->n, async_read(self->fd, self->buffer, server.room));
        if (self->n == 0) {
            break;
        }
        self->written = 0;
        AWAIT(async_write_all(self->fd, self->buffer, (size_t)self->n,
                              &self->written));
    }
    async_close(self->fd);
    ASYNC_END;
}

static ASYNC accept_all(struct server *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < self->connections; self->i++) {
        AWAIT_VALUE(self->fd, async_accept(self->listener, NULL, NULL));
        self->all[self->i].fd = self->fd;
        self->all[self->i].buffer = self->buffers
            + (size_t)self->i * self->room;
        async_spawn(&self->all[self->i].task, echo, &self->all[self->i]);
    }
    ASYNC_END;
}

static ASYNC serve(struct server *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < self->connections; self->i++) {
        AWAIT(async_join(&self->all[self->i].task));
    }
    ASYNC_END;
}

static async_loop loop;
static async_task task;

static void prepare(long connections, size_t room)
{
    server.connections = connections;
    server.room = room;
    server.all = bench_memory(connections, sizeof *server.all);
    server.buffers = bench_memory(connections, room);
    bench_check(async_loop_open(&loop) == 0, "async_loop_open");
}

static void serve_all(void)
{
    async_loop_spawn(&loop, &task, accept_all, &server);
    bench_check(async_loop_run(&loop, &task) == 0, "accept_all");
    async_loop_spawn(&loop, &task, serve, &server);
    bench_check(async_loop_run(&loop, &task) == 0, "serve");
}

static void prepare_bulk(long size, long count)
{
    prepare(SERVER_BULK, SERVER_ROOM);
    server.listener = clients_start_bulk(SERVER_BULK, count, size);
}

static void run_bulk(long size, long count)
{
    (void)size;
    (void)count;
    serve_all();
    clients_end();
}

static void prepare_storm(long size, long count)
{
    (void)size;
    prepare(count, 256);
    server.listener = clients_start_storm(count);
}

static void run_storm(long size, long count)
{
    (void)size;
    (void)count;
    serve_all();
    clients_end_storm();
}

static void prepare_idle(long size, long count)
{
    (void)count;
    prepare(size, 256);
    server.listener = clients_start_idle(size);
}

static struct idle {
    async_frame frame;
} idle;

static ASYNC stay(struct idle *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(SERVER_IDLE)));
    ASYNC_END;
}

static void run_idle(long size, long count)
{
    struct server_idle before;
    (void)count;
    server_idle_begins(&before);
    async_loop_spawn(&loop, &task, accept_all, &server);
    bench_check(async_loop_run(&loop, &task) == 0, "accept_all");
    server_idle_goes_on(&before);
    async_loop_spawn(&loop, &task, stay, &idle);
    bench_check(async_loop_run(&loop, &task) == 0, "stay");
    server_idle_ends(&before, size);
    clients_end_idle();
}

const struct bench bench_list[] = {
    {"bulk-64k", BENCH_OWN, 65536, 4000, 0, prepare_bulk, run_bulk},
    {"bulk-1m", BENCH_OWN, 1048576, 400, 0, prepare_bulk, run_bulk},
    {"storm-1000", BENCH_CPU, 1000, 1000, 0, prepare_storm, run_storm},
    {"idle-10000", BENCH_OWN, 10000, 10000, 0, prepare_idle, run_idle},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};
#else
const struct bench bench_list[] = {
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};
#endif

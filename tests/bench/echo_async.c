/* A TCP echo server with async.h, a task for each connection. */
#include "bench.h"

#include "async.h"

#ifdef __linux__
#include "clients.h"

struct connection {
    async_frame frame;
    async_task task;
    int fd;
    int n;
    size_t written;
    char buffer[256];
};

struct server {
    async_frame frame;
    int listener;
    int fd;
    long connections;
    long i;
    struct connection *all;
};

static struct server server;

static ASYNC echo(struct connection *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT_VALUE(self->n, async_read(self->fd, self->buffer,
                                        sizeof self->buffer));
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

static ASYNC serve(struct server *self)
{
    ASYNC_BEGIN(self);
    for (; self->i < self->connections; self->i++) {
        AWAIT_VALUE(self->fd, async_accept(self->listener, NULL, NULL));
        self->all[self->i].fd = self->fd;
        async_spawn(&self->all[self->i].task, echo, &self->all[self->i]);
    }
    for (self->i = 0; self->i < self->connections; self->i++) {
        AWAIT(async_join(&self->all[self->i].task));
    }
    ASYNC_END;
}

static void prepare(long size, long count)
{
    server.all = bench_memory(size, sizeof *server.all);
    server.connections = size;
    server.listener = clients_start(size, count);
}

static void run(long size, long count)
{
    (void)size;
    (void)count;
    bench_check(async_run(serve, &server) == 0, "async_run");
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

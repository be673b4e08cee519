/* An HTTP server that says hello, with async.h: a task for each connection. */
#include "bench.h"
#include "http.h"

#include "async.h"

#ifdef __linux__

struct connection {
    async_frame frame;
    async_member member;
    int fd;
    int n, length;
    size_t written;
    char request[HTTP_ROOM];
};

struct server {
    async_frame frame;
    async_event end;
    struct acceptor {
        async_frame frame;
        async_task task;
        async_group group;
        int fd;
        long accepted;
    } acceptor;
    int listener;
    struct connection all[HTTP_AT_MOST];
};

static struct server server;

static ASYNC hello(struct connection *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH(self->fd, async_close(self->fd)) {
        for (;;) {
            AWAIT_RESULT(self->n, async_read(self->fd,
                                             self->request + self->length,
                                             sizeof self->request
                                                 - (size_t)self->length));
            if (self->n == 0 || self->n == ASYNC_ECONNRESET) {
                break;
            }
            bench_check(self->n > 0, "async_read");
            self->length += self->n;
            if (!http_is_whole(self->request, self->length)) {
                continue;
            }
            self->length = 0;
            self->written = 0;
            AWAIT(async_write_all(self->fd, HTTP_ANSWER,
                                  sizeof HTTP_ANSWER - 1, &self->written));
            if (http_is_last(self->request)) {
                async_event_set(&server.end);
            }
        }
    } ASYNC_WITH_END;
    ASYNC_END;
}

static ASYNC acceptor(struct acceptor *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        for (;; self->accepted++) {
            AWAIT_VALUE(self->fd, async_accept(server.listener, NULL, NULL));
            bench_check(self->accepted < HTTP_AT_MOST, "connections");
            server.all[self->accepted].fd = self->fd;
            AWAIT(async_group_spawn(&self->group,
                                    &server.all[self->accepted].member, hello,
                                    &server.all[self->accepted]));
        }
    } ASYNC_GROUP_END;
    ASYNC_END;
}

static ASYNC serve(struct server *self)
{
    ASYNC_BEGIN(self);
    async_spawn(&self->acceptor.task, acceptor, &self->acceptor);
    AWAIT(async_event_wait(&self->end));
    ASYNC_END;
}

static void prepare(long size, long count)
{
    (void)size;
    server.listener = http_start(count);
}

static void run(long size, long count)
{
    (void)size;
    (void)count;
    bench_check(async_run(serve, &server) == 0, "async_run");
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

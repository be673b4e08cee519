/* Loops of async.h in several threads: see cores.h. */
#include "cores.h"

#include "async.h"

#ifdef __linux__
#include <pthread.h>

static pthread_barrier_t all_open;

/* ---- two loops that wake one another ------------------------------------ */

struct side {
    async_frame frame;
    async_task task;
    async_loop loop;
    async_irq irq;
    struct side *other;
    long left;
    int n;
};

static struct side here, there;
static pthread_t thread;

static ASYNC side(struct side *self)
{
    ASYNC_BEGIN(self);
    for (; self->left > 0; self->left--) {
        AWAIT_VALUE(self->n, async_irq_wait(&self->irq));
        async_irq_raise(&self->other->irq);
    }
    ASYNC_END;
}

static void side_open(struct side *self, struct side *other, long count)
{
    bench_check(async_loop_open(&self->loop) == 0, "async_loop_open");
    bench_check(async_irq_open(&self->irq) == 0, "async_irq_open");
    self->other = other;
    self->left = count / 2;
    async_loop_spawn(&self->loop, &self->task, side, self);
    pthread_barrier_wait(&all_open);
}

static void side_run(struct side *self)
{
    bench_check(async_loop_run(&self->loop, NULL) == 0, "async_loop_run");
    pthread_barrier_wait(&all_open);
}

static void *other_side(void *count)
{
    bench_pin(1);
    side_open(&there, &here, (long)(intptr_t)count);
    side_run(&there);
    return NULL;
}

static void prepare_wake(long size, long count)
{
    (void)size;
    pthread_barrier_init(&all_open, NULL, 2);
    bench_check(pthread_create(&thread, NULL, other_side,
                               (void *)(intptr_t)count) == 0, "thread");
    side_open(&here, &there, count);
}

static void run_wake(long size, long count)
{
    (void)size;
    (void)count;
    async_irq_raise(&there.irq);
    side_run(&here);
    pthread_join(thread, NULL);
}

/* ---- a server in several threads ---------------------------------------- */

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
    pthread_t thread;
    async_irq ended;
    struct acceptor {
        async_frame frame;
        async_task task;
        int listener;
        int fd;
        long accepted;
        struct connection all[CORES_CONNECTIONS];
    } acceptor;
    int number;
    int n;
};

static struct server servers[CORES_AT_MOST];
static long server_count;
static long closed;

static ASYNC echo(struct connection *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT_VALUE(self->n, async_read(self->fd, self->buffer,
                                        sizeof self->buffer));
        if (self->n == 0) {
            break;
        }
        cores_work(self->buffer);
        self->written = 0;
        AWAIT(async_write_all(self->fd, self->buffer, (size_t)self->n,
                              &self->written));
    }
    async_close(self->fd);
    if (__atomic_add_fetch(&closed, 1, __ATOMIC_ACQ_REL)
        == CORES_CONNECTIONS) {
        for (long i = 0; i < server_count; i++) {
            async_irq_raise(&servers[i].ended);
        }
    }
    ASYNC_END;
}

static ASYNC acceptor(struct acceptor *self)
{
    ASYNC_BEGIN(self);
    for (;; self->accepted++) {
        AWAIT_VALUE(self->fd, async_accept(self->listener, NULL, NULL));
        self->all[self->accepted].fd = self->fd;
        async_spawn(&self->all[self->accepted].task, echo,
                    &self->all[self->accepted]);
    }
    ASYNC_END;
}

static ASYNC serve(struct server *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_irq_open(&self->ended));
    pthread_barrier_wait(&all_open);
    async_spawn(&self->acceptor.task, acceptor, &self->acceptor);
    AWAIT_VALUE(self->n, async_irq_wait(&self->ended));
    ASYNC_END;      /* the acceptor is cancelled with the loop */
}

static void *run_server(void *server)
{
    struct server *self = server;
    bench_pin(self->number);
    bench_check(async_run(serve, self) == 0, "async_run");
    return NULL;
}

static void prepare_cores(long size, long count)
{
    int listeners[CORES_AT_MOST];
    clients_start_many(CORES_CONNECTIONS, count, listeners, (int)size);
    pthread_barrier_init(&all_open, NULL, (unsigned)size);
    server_count = size;
    for (int i = 0; i < size; i++) {
        servers[i].number = i;
        servers[i].acceptor.listener = listeners[i];
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

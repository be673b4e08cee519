/* leak: cleanup by hand is forgotten on one of the ways out; a scope is not.
 *
 *     make run DEMO=leak
 *
 * Ten requests, each of which opens a connection; every third fails between
 * open and close, and one is cancelled. By hand, close() is reached only when
 * nothing goes wrong; the counter shows what stays open. ASYNC_WITH closes on
 * every way out. */
#include "demo.h"

enum { REQUESTS = 10, CANCELLED = 4 };

static int open_connections;

static ASYNC connection_open(void)
{
    open_connections++;
    return 0;
}

static int connection_close(void)
{
    return --open_connections;
}

struct request {
    async_frame frame;
    async_task task;
    int number;
};

static ASYNC query(struct request *self)
{
    if (self->number % 3 == 2) {
        return ASYNC_EIO;
    }
    return async_sleep(ASYNC_SEC(1));
}

static ASYNC by_hand(struct request *self)
{
    ASYNC_BEGIN(self);
    AWAIT(connection_open());
    AWAIT(query(self));             /* an error leaves here */
    connection_close();
    ASYNC_END;
}

static ASYNC by_scope(struct request *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH(connection_open(), connection_close()) {
        AWAIT(query(self));
    } ASYNC_WITH_END;
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct request request[REQUESTS];
    async_waiter waiters[REQUESTS];
    async_wait_set set;
    int failed;
};

static void start(struct program *self, async_status (*fn)(struct request *))
{
    int i;

    open_connections = 0;
    for (i = 0; i < REQUESTS; i++) {
        self->request[i].number = i;
        async_spawn(&self->request[i].task, fn, &self->request[i]);
        self->waiters[i].task = &self->request[i].task;
    }
}

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    title("By hand");
    start(self, by_hand);
    AWAIT(async_sleep(ASYNC_MS(500)));
    async_cancel(&self->request[CANCELLED].task);
    AWAIT_VALUE(self->failed,
                async_gather_all(&self->set, self->waiters, REQUESTS));
    say("%d of %d failed, %d connections are still open", self->failed,
        REQUESTS, open_connections);

    title("In a scope");
    start(self, by_scope);
    AWAIT(async_sleep(ASYNC_MS(500)));
    async_cancel(&self->request[CANCELLED].task);
    AWAIT_VALUE(self->failed,
                async_gather_all(&self->set, self->waiters, REQUESTS));
    say("%d of %d failed, %d connections are still open", self->failed,
        REQUESTS, open_connections);
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    return async_run(program, &frame);
}

/* connections: a pool of connections, which many queries share.
 *
 *     make run DEMO=connections
 *
 * A connection is opened when it is first needed, three at most, and used
 * again by the next query: nine queries, four connects. Who finds none free
 * waits, first come, first served: the permits of a semaphore are the seats.
 * One that breaks is thrown away, and a new one takes its place. A query is
 * given its connection by a scope, so it comes back on every way out. At the
 * end, each that is open is closed. */
#include "demo.h"

enum { MOST = 3, QUERIES = 9, BREAKS = 4 };

struct connection {
    int number;             /* 0: not open */
    bool taken, broken;
};

struct connections {
    async_semaphore seats;
    struct connection all[MOST];
    int connects;
};

static void connections_open(struct connections *self)
{
    memset(self, 0, sizeof *self);
    async_semaphore_open(&self->seats, MOST);
}

/* One that nobody uses; an open one, if there is. With a seat there is one. */
static struct connection *find(struct connections *self)
{
    struct connection *found = NULL;
    int i;

    for (i = 0; i < MOST; i++) {
        if (!self->all[i].taken
            && (found == NULL || self->all[i].number != 0)) {
            found = &self->all[i];
        }
    }
    return found;
}

static void give(struct connections *self, struct connection *connection)
{
    if (connection->broken) {
        say("  connection %d is broken", connection->number);
        connection->number = 0;
        connection->broken = false;
    }
    connection->taken = false;
    async_semaphore_release(&self->seats);
}

struct take { async_frame frame; int outcome; };

/* If it is cancelled, or cannot connect, it gives back what it has. */
static ASYNC take(struct take *self, struct connections *from,
                  struct connection **taken)
{
    ASYNC_BEGIN(self);
    AWAIT(async_semaphore_acquire(&from->seats));
    *taken = find(from);
    (*taken)->taken = true;
    ASYNC_TRY {
        if ((*taken)->number == 0) {
            AWAIT(async_sleep(ASYNC_SEC(1)));       /* dial, log in */
            (*taken)->number = ++from->connects;
            say("  connection %d is open", (*taken)->number);
        }
    } ASYNC_FINALLY(self->outcome) {
        if ((*taken)->number == 0) {
            give(from, *taken);
        }
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct query {
    async_frame frame;
    async_task task;
    struct take take;
    struct connections *from;
    struct connection *connection;
    int number;
};

static ASYNC query(struct query *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH(take(&self->take, self->from, &self->connection),
               give(self->from, self->connection)) {
        AWAIT(async_sleep(ASYNC_SEC(1)));
        if (self->number == BREAKS) {
            self->connection->broken = true;
            ASYNC_RAISE(ASYNC_ECONNRESET);
        }
        say("query %d is answered, by connection %d", self->number,
            self->connection->number);
    } ASYNC_WITH_END;
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct connections connections;
    struct query queries[QUERIES];
    async_waiter waiters[QUERIES];
    async_wait_set set;
    int i, failed;
};

static ASYNC program(struct program *self)
{
    int i;

    ASYNC_BEGIN(self);
    connections_open(&self->connections);
    for (i = 0; i < QUERIES; i++) {
        self->queries[i].number = i + 1;
        self->queries[i].from = &self->connections;
        async_spawn(&self->queries[i].task, query, &self->queries[i]);
        self->waiters[i].task = &self->queries[i].task;
    }
    AWAIT_VALUE(self->failed, async_gather_all(&self->set, self->waiters,
                                               QUERIES));
    for (i = 0; i < MOST; i++) {
        say("close connection %d", self->connections.all[i].number);
    }
    say("%d queries, %d failed, %d connects", QUERIES, self->failed,
        self->connections.connects);
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    return async_run(program, &frame);
}

/* Servers: accepting into a pool, and the ends of it. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "fdtools.h"

#if ASYNC_HOSTED

#include <sys/resource.h>

enum { ROOM = 3, CLIENTS = 8 };

/* Says back each line; after "slow" its cleanup takes 30 ms. */
struct session {
    async_frame frame;
    int fd, n, outcome;
    async_stream stream;
    bool slow;
    char *line;
    char in[32], out[32];
};

static int living, cleaned;

static ASYNC session(struct session *self)
{
    ASYNC_BEGIN(self);
    living++;
    self->slow = false;
    AWAIT(async_stream_open(&self->stream, self->fd, self->in, sizeof self->in,
                            self->out, sizeof self->out));
    ASYNC_TRY {
        for (;;) {
            AWAIT_VALUE(self->n, async_stream_read_line(&self->stream,
                                                        &self->line));
            if (self->n == 0) {
                break;
            }
            self->slow = self->slow || strcmp(self->line, "slow\n") == 0;
            AWAIT(async_stream_write(&self->stream, self->line,
                                     (size_t)self->n));
        }
    } ASYNC_FINALLY(self->outcome) {
        if (self->slow) {
            AWAIT(async_sleep(MS(30)));
        }
        cleaned++;
        living--;
        AWAIT(async_stream_close(&self->stream));
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct guest {
    async_frame frame;
    async_task task;
    int port, fd, n, outcome;
    const char *says;
    async_event *leave;
    async_stream stream;
    char *line;
    char in[32], out[32];
};

static ASYNC guest(struct guest *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_tcp_connect(&self->fd, "127.0.0.1", self->port));
    AWAIT(async_stream_open(&self->stream, self->fd, self->in, sizeof self->in,
                            self->out, sizeof self->out));
    ASYNC_TRY {
        AWAIT(async_stream_write(&self->stream, self->says,
                                 strlen(self->says)));
        AWAIT_VALUE(self->n, async_stream_read_line(&self->stream,
                                                    &self->line));
        CHECK_STR(self->n > 0 ? self->line : "", self->says);
        if (self->leave != NULL) {
            AWAIT(async_event_wait(self->leave));
        }
    } ASYNC_FINALLY(self->outcome) {
        AWAIT(async_stream_close(&self->stream));
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct closer { async_frame frame; int rc; };

struct main {
    async_frame frame;
    async_server server;
    async_slot slots[ROOM];
    struct session sessions[ROOM];
    async_task run, other;
    struct guest guest[CLIENTS];
    async_event leave;
    async_timeout scope;
    int i, n, rc, port, fd, outcome;
    struct closer closer;
    int turns;
    char buffer[64];
};

/* Whatever can happen between tasks and sockets of this process does. */
#define SETTLE \
    for (self->turns = 0; self->turns < 20; self->turns++) { \
        AWAIT(async_yield()); \
    }

#define RUN(fn) \
    do { \
        static struct main m; \
        int before = lowest_fd(); \
        ZERO(m); \
        living = cleaned = 0; \
        test_real_time(); \
        CHECK_EQ(async_run(fn, &m), 0); \
        CHECK_EQ(lowest_fd(), before); \
    } while (0)

static void open_server(struct main *self)
{
    int listener = async_tcp_listen("127.0.0.1", 0, 20);

    self->port = async_local_port(listener);
    CHECK_EQ(async_server_open(&self->server, listener, self->slots,
                               self->sessions, ROOM, session), 0);
    CHECK_EQ(async_spawn(&self->run, async_server_run, &self->server), 0);
}

static void guest_start(struct main *self, int i, const char *says, bool stays)
{
    struct guest *it = &self->guest[i];

    memset(it, 0, sizeof *it);
    it->port = self->port;
    it->says = says;
    it->leave = stays ? &self->leave : NULL;
    CHECK_EQ(async_spawn(&it->task, guest, it), 0);
}

/* ---- running ------------------------------------------------------------- */

/* More guests than places: the others wait in the queue. */
static ASYNC crowd(struct main *self)
{
    ASYNC_BEGIN(self);
    open_server(self);
    for (self->i = 0; self->i < CLIENTS; self->i++) {
        guest_start(self, self->i, "hello\n", self->i < ROOM);
    }
    AWAIT_UNTIL(living == ROOM);
    SETTLE
    CHECK_EQ(living, ROOM);
    CHECK_EQ(async_pool_busy(&self->server.pool), ROOM);
    CHECK_EQ(self->server.accepted, ROOM);
    async_event_set(&self->leave);
    for (self->i = 0; self->i < CLIENTS; self->i++) {
        AWAIT(async_join(&self->guest[self->i].task));
    }
    AWAIT_VALUE(self->n, async_server_close(&self->server, ASYNC_SEC(5)));
    CHECK_EQ(self->n, 0);
    AWAIT_VALUE(self->rc, async_join(&self->run));
    CHECK_EQ(self->rc, 0);
    CHECK_EQ(self->server.accepted, CLIENTS);
    CHECK_EQ(self->server.refused, 0);
    CHECK_EQ(cleaned, CLIENTS);
    ASYNC_END;
}

TEST(server_with_more_guests_than_places)
{
    RUN(crowd);
}

static ASYNC wrong(struct main *self)
{
    static async_server zero;

    ASYNC_BEGIN(self);
    self->fd = async_tcp_listen("127.0.0.1", 0, 20);
    CHECK_EQ(async_server_open((async_server *)NULL, self->fd, self->slots,
                               self->sessions, ROOM, session), ASYNC_EINVAL);
    CHECK_EQ(async_server_open(&zero, self->fd, NULL, self->sessions, ROOM,
                               session), ASYNC_EINVAL);
    CHECK_EQ(async_server_open(&zero, self->fd, self->slots, self->sessions,
                               0, session), ASYNC_EINVAL);
    CHECK_EQ(async_server_open(&zero, ASYNC_EADDRINUSE, self->slots,
                               self->sessions, ROOM, session),
             ASYNC_EADDRINUSE);
    AWAIT_RESULT(self->rc, async_server_run(NULL));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_server_close(NULL, 0));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    CHECK_EQ(async_server_stop(NULL), ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_server_run(&zero));
    CHECK_EQ(self->rc, ASYNC_EBADF);
    AWAIT_RESULT(self->rc, async_server_close(&zero, 0));
    CHECK_EQ(self->rc, ASYNC_EBADF);
    CHECK_EQ(async_server_stop(&zero), ASYNC_EBADF);

    /* No listener: that is told by the run, and the close is as usual. */
    self->i = async_socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(async_server_open(&self->server, self->i, self->slots,
                               self->sessions, ROOM, session), 0);
    CHECK_EQ(async_server_open(&self->server, self->i, self->slots,
                               self->sessions, ROOM, session),
             ASYNC_EALREADY);
    AWAIT_RESULT(self->rc, async_server_run(&self->server));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_VALUE(self->rc, async_server_close(&self->server, 0));
    CHECK_EQ(self->rc, 0);

    /* One runs it, one closes it. */
    self->port = async_local_port(self->fd);
    CHECK_EQ(async_server_open(&self->server, self->fd, self->slots,
                               self->sessions, ROOM, session), 0);
    async_spawn(&self->run, async_server_run, &self->server);
    SETTLE
    AWAIT_RESULT(self->rc, async_server_run(&self->server));
    CHECK_EQ(self->rc, ASYNC_EBUSY);
    AWAIT(async_server_close(&self->server, 0));
    AWAIT(async_join(&self->run));

    /* Closed before the task that runs it has begun. */
    open_server(self);
    AWAIT(async_server_close(&self->server, 0));
    AWAIT_VALUE(self->rc, async_join(&self->run));
    CHECK_EQ(self->rc, 0);
    ASYNC_END;
}

TEST(server_wrong_use)
{
    RUN(wrong);
}

/* ---- stopping ------------------------------------------------------------ */

static ASYNC close_it(struct closer *self)
{
    struct main *m = (struct main *)(void *)
        ((char *)self - offsetof(struct main, closer));

    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->rc, async_server_close(&m->server, ASYNC_SEC(30)));
    test_log("closed ");
    ASYNC_RETURN(self->rc);
    ASYNC_END;
}

/* Nobody new; those that are there go on, until the grace is over. */
static ASYNC grace(struct main *self)
{
    ASYNC_BEGIN(self);
    open_server(self);
    guest_start(self, 0, "hello\n", true);
    guest_start(self, 1, "slow\n", true);
    AWAIT_UNTIL(self->guest[0].n > 0 && self->guest[1].n > 0);
    CHECK_EQ(living, 2);
    async_spawn(&self->other, close_it, &self->closer);
    AWAIT_UNTIL(async_done(&self->run));
    CHECK(async_done(&self->run));
    CHECK_EQ(living, 2);
    AWAIT_RESULT(self->rc, async_server_close(&self->server, 0));
    CHECK_EQ(self->rc, ASYNC_EBUSY);
    AWAIT_RESULT(self->rc, async_tcp_connect(&self->fd, "127.0.0.1",
                                             self->port));
    CHECK_EQ(self->rc, ASYNC_ECONNREFUSED);
    async_event_set(&self->leave);
    AWAIT(async_join(&self->other));
    CHECK_EQ(self->closer.rc, 0);
    CHECK_EQ(cleaned, 2);
    CHECK_LOG("closed ");
    for (self->i = 0; self->i < 2; self->i++) {
        AWAIT(async_join(&self->guest[self->i].task));
    }

    /* Too long: two of three are cancelled, and clean up. */
    async_event_clear(&self->leave);
    open_server(self);
    guest_start(self, 0, "hello\n", true);
    guest_start(self, 1, "slow\n", true);
    guest_start(self, 2, "hello\n", false);
    AWAIT_UNTIL(self->guest[0].n > 0 && self->guest[1].n > 0 && cleaned == 3);
    AWAIT_VALUE(self->n, async_server_close(&self->server, MS(3)));
    CHECK_EQ(self->n, 2);
    CHECK_EQ(living, 0);
    CHECK_EQ(cleaned, 5);
    async_event_set(&self->leave);
    for (self->i = 0; self->i < 3; self->i++) {
        AWAIT(async_join(&self->guest[self->i].task));
    }
    ASYNC_END;
}

TEST(server_close_lets_them_end)
{
    RUN(grace);
}

/* A strike ends the grace, and the close waits for the cleanups. */
static ASYNC struck(struct main *self)
{
    ASYNC_BEGIN(self);
    open_server(self);
    guest_start(self, 0, "slow\n", true);
    AWAIT_UNTIL(self->guest[0].n > 0);
    async_spawn(&self->other, close_it, &self->closer);
    SETTLE
    async_cancel(&self->other);
    AWAIT_RESULT(self->rc, async_join(&self->other));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    CHECK_EQ(cleaned, 1);
    CHECK_LOG("");
    AWAIT_RESULT(self->rc, async_server_close(&self->server, 0));
    CHECK_EQ(self->rc, ASYNC_EBADF);

    /* A further one strikes the cleanup. */
    open_server(self);
    guest_start(self, 1, "slow\n", true);
    AWAIT_UNTIL(self->guest[1].n > 0);
    async_spawn(&self->other, close_it, &self->closer);
    SETTLE
    async_cancel(&self->other);
    SETTLE
    CHECK(!async_done(&self->other));
    async_cancel(&self->other);
    AWAIT_RESULT(self->rc, async_join(&self->other));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    CHECK_EQ(cleaned, 1);               /* its finally was cut short */
    async_stream_abort(&self->sessions[0].stream);
    async_event_set(&self->leave);
    for (self->i = 0; self->i < 2; self->i++) {
        AWAIT_RESULT(self->rc, async_join(&self->guest[self->i].task));
    }
    test_log_clear();
    ASYNC_END;
}

TEST(server_close_that_is_struck)
{
    RUN(struck);
}

/* The run is struck: the listener stays, and it may be run again. Stopped while
 * it waits for a place, it ends when there is one. */
static ASYNC run_again(struct main *self)
{
    ASYNC_BEGIN(self);
    open_server(self);
    SETTLE
    async_cancel(&self->run);
    AWAIT_RESULT(self->rc, async_join(&self->run));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    CHECK_EQ(async_pool_busy(&self->server.pool), 0);
    guest_start(self, 0, "hello\n", true);
    SETTLE
    CHECK_EQ(living, 0);
    async_spawn(&self->run, async_server_run, &self->server);
    guest_start(self, 1, "hello\n", true);
    guest_start(self, 2, "hello\n", true);
    AWAIT_UNTIL(living == 3);
    CHECK_EQ(living, 3);
    CHECK_EQ(async_server_stop(&self->server), 0);
    CHECK_EQ(async_server_stop(&self->server), 0);
    SETTLE
    CHECK(!async_done(&self->run));
    async_event_set(&self->leave);
    AWAIT_VALUE(self->rc, async_join(&self->run));
    CHECK_EQ(self->rc, 0);
    AWAIT_VALUE(self->rc, async_server_run(&self->server));
    CHECK_EQ(self->rc, 0);
    AWAIT_VALUE(self->n, async_server_close(&self->server, ASYNC_NEVER));
    CHECK_EQ(self->n, 0);
    for (self->i = 0; self->i < 3; self->i++) {
        AWAIT(async_join(&self->guest[self->i].task));
    }
    ASYNC_END;
}

TEST(server_run_again)
{
    RUN(run_again);
}

/* A connection was accepted, and everything is cancelled before its task ran:
 * the server closes it. */
static ASYNC unbegun(struct main *self)
{
    ASYNC_BEGIN(self);
    open_server(self);
    SETTLE
    {
        struct session *frame = &self->sessions[1];

        frame->fd = -1;
    }
    AWAIT(async_tcp_connect(&self->fd, "127.0.0.1", self->port));
    while (self->server.accepted == 0) {
        AWAIT(async_yield());
    }
    CHECK_EQ(living, 0);
    AWAIT_VALUE(self->n, async_server_close(&self->server, 0));
    CHECK_EQ(self->n, 1);
    CHECK_EQ(living, 0);
    AWAIT_RESULT(self->n, async_read(self->fd, self->buffer, 1));
    CHECK(self->n == 0);
    async_close(self->fd);
    ASYNC_END;
}

TEST(server_closes_what_never_began)
{
    RUN(unbegun);
}

/* One that began is closed by itself, and not a second time: the number may be
 * another file's by then. */
struct reuser { async_frame frame; int fd, spare; };

static ASYNC reuser(struct reuser *self)
{
    ASYNC_BEGIN(self);
    async_close(self->fd);
    self->spare = dup(2);
    ASYNC_END;
}

static ASYNC once(struct main *self)
{
    static struct reuser frame;

    ASYNC_BEGIN(self);
    self->rc = async_tcp_listen("127.0.0.1", 0, 20);
    self->port = async_local_port(self->rc);
    AWAIT(async_server_open(&self->server, self->rc, self->slots, &frame, 1,
                            reuser));
    async_spawn(&self->run, async_server_run, &self->server);
    AWAIT(async_tcp_connect(&self->fd, "127.0.0.1", self->port));
    AWAIT_VALUE(self->n, async_read(self->fd, self->buffer, 1));
    SETTLE
    CHECK_EQ(frame.spare, frame.fd);
    CHECK(fcntl(frame.spare, F_GETFD) >= 0);
    close(frame.spare);
    async_close(self->fd);
    AWAIT(async_server_close(&self->server, ASYNC_SEC(1)));
    ASYNC_END;
}

TEST(server_closes_nothing_twice)
{
    RUN(once);
}

/* The program ends, in whatever state the server is. */
static ASYNC abandoned(struct main *self)
{
    ASYNC_BEGIN(self);
    open_server(self);
    ASYNC_TRY {
        guest_start(self, 0, "hello\n", true);
        AWAIT_UNTIL(living == 1);
        CHECK_EQ(living, 1);
    } ASYNC_FINALLY(self->outcome) {
        AWAIT(async_server_close(&self->server, 0));
    } ASYNC_TRY_END;
    async_cancel(&self->guest[0].task);
    AWAIT_RESULT(self->rc, async_join(&self->guest[0].task));
    ASYNC_END;
}

TEST(server_closed_in_a_finally)
{
    RUN(abandoned);
}

/* ---- no descriptors ------------------------------------------------------ */

static ASYNC exhausted(struct main *self)
{
    static struct rlimit few, before;
    static long cpu;

    ASYNC_BEGIN(self);
    open_server(self);
    SETTLE
    self->fd = async_socket(AF_INET, SOCK_STREAM, 0);
    getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    few.rlim_cur = (rlim_t)lowest_fd();
    setrlimit(RLIMIT_NOFILE, &few);
    {
        static async_address to;

        async_address_set(&to, "127.0.0.1", self->port);
        AWAIT(async_connect(self->fd, (struct sockaddr *)&to.storage,
                            to.length));
    }
    AWAIT(async_write(self->fd, "hello\n", 6));
    cpu = cpu_ms();
    AWAIT(async_sleep(MS(60)));
    CHECK(cpu_ms() - cpu < 40);
    CHECK_EQ(self->server.accepted, 0);
    CHECK(self->server.refused >= 1 && self->server.refused <= 12);
    CHECK(!async_done(&self->run));
    setrlimit(RLIMIT_NOFILE, &before);
    AWAIT_VALUE(self->n, async_read(self->fd, self->buffer, 9));
    CHECK_EQ(self->n, 6);
    async_close(self->fd);
    AWAIT_VALUE(self->n, async_server_close(&self->server, ASYNC_SEC(1)));
    CHECK_EQ(self->n, 0);
    ASYNC_END;
}

TEST(server_without_descriptors)
{
    RUN(exhausted);
}

#endif

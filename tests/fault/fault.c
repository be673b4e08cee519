/* Fault injection: a server, its clients, pipes, sockets and an irq, run again
 * and again; in run n the n-th system call of a kind fails. Whatever fails:
 * nothing hangs, no descriptor and no memory is left, and what was reported
 * as done was done, byte for byte. What the kernel may do at any time (EINTR,
 * EAGAIN, short reads and writes) must not be noticed at all.
 *
 *   fault [KIND]     all kinds, or one; prints ok NAME or FAIL NAME: why */
#include "calls.h"

/* ---- the scenario -------------------------------------------------------- */

enum { CLIENTS = 3, ROUNDS = 2, LENGTH = 3000 };

struct end {                /* one side of something that moves bytes */
    async_frame frame;
    async_task task;
    int fd, port, i, n, outcome;
    size_t done;
    char *buffer;
    size_t length;
    struct iovec pieces[2];
};

static void shut(int *fd)
{
    if (*fd >= 0) {
        async_close(*fd);
    }
    *fd = -1;
}

static ASYNC handle(struct end *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        for (;;) {
            AWAIT_VALUE(self->n, async_read(self->fd, self->buffer, LENGTH));
            if (self->n == 0) {
                break;
            }
            AWAIT(async_write_all(self->fd, self->buffer, (size_t)self->n,
                                  &self->done));
        }
    } ASYNC_FINALLY(self->outcome) {
        shut(&self->fd);
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct server {
    async_frame frame;
    async_task task;
    int listener, fd, n, i;
    struct end *end;            /* kept elsewhere: they outlive the server */
    char (*buffer)[LENGTH];
};

static ASYNC serve(struct server *self)
{
    ASYNC_BEGIN(self);
    while (self->n < 4 * CLIENTS) {
        AWAIT_RESULT(self->fd, async_accept(self->listener, NULL, NULL));
        if (self->fd >= 0) {
            self->end[self->n].fd = self->fd;
            self->end[self->n].buffer = self->buffer[self->n];
            async_spawn(&self->end[self->n].task, handle,
                        &self->end[self->n]);
            self->n++;
        } else if (self->fd == ASYNC_EBADF) {
            ASYNC_RAISE(self->fd);
        }
    }
    ASYNC_END;
}

static ASYNC call(struct end *self)
{
    ASYNC_BEGIN(self);
    self->fd = -1;
    ASYNC_TRY {
        AWAIT(async_tcp_connect(&self->fd, "127.0.0.1", self->port));
        for (self->i = 0; self->i < ROUNDS; self->i++) {
            AWAIT(async_write_all(self->fd, pattern, LENGTH, &self->done));
            AWAIT(async_read_exactly(self->fd, self->buffer, LENGTH,
                                     &self->done));
            compare(self->buffer, LENGTH);
            memset(self->buffer, 0, LENGTH);
        }
    } ASYNC_FINALLY(self->outcome) {
        shut(&self->fd);
    } ASYNC_TRY_END;
    ASYNC_END;
}

static ASYNC pour(struct end *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_write_all(self->fd, pattern, self->length, &self->done));
    } ASYNC_FINALLY(self->outcome) {
        shut(&self->fd);
    } ASYNC_TRY_END;
    ASYNC_END;
}

static ASYNC drain(struct end *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_read_exactly(self->fd, self->buffer, self->length,
                                 &self->done));
        compare(self->buffer, self->length);
    } ASYNC_FINALLY(self->outcome) {
        compare(self->buffer, self->done);
        shut(&self->fd);
    } ASYNC_TRY_END;
    ASYNC_END;
}

/* Pieces, and messages, and readiness. */
static ASYNC pour_pieces(struct end *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        while (self->done < self->length) {
            self->pieces[0].iov_base = pattern + self->done;
            self->pieces[0].iov_len = (self->length - self->done) / 2;
            self->pieces[1].iov_base = pattern + self->done
                + self->pieces[0].iov_len;
            self->pieces[1].iov_len = self->length - self->done
                - self->pieces[0].iov_len;
            AWAIT_VALUE(self->n, async_writev(self->fd, self->pieces, 2));
            self->done += (size_t)self->n;
        }
    } ASYNC_FINALLY(self->outcome) {
        shut(&self->fd);
    } ASYNC_TRY_END;
    ASYNC_END;
}

static ASYNC drain_pieces(struct end *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        for (;;) {
            self->pieces[0].iov_base = self->buffer + self->done;
            self->pieces[0].iov_len = 10;
            self->pieces[1].iov_base = self->buffer + self->done + 10;
            self->pieces[1].iov_len = 2000;
            AWAIT_VALUE(self->n, async_readv(self->fd, self->pieces, 2));
            if (self->n == 0) {
                break;
            }
            self->done += (size_t)self->n;
            AWAIT(async_readable(self->fd));
        }
    } ASYNC_FINALLY(self->outcome) {
        compare(self->buffer, self->done);
        shut(&self->fd);
    } ASYNC_TRY_END;
    ASYNC_RETURN(self->done == self->length ? 0 : ASYNC_EPIPE);
    ASYNC_END;
}

struct bell { async_frame frame; async_task task; async_irq irq; int outcome;
              int n, sum; async_timeout scope; };

static ASYNC ring(struct bell *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_irq_open(&self->irq));
    ASYNC_TRY {
        while (self->sum < 3) {
            AWAIT(async_sleep((async_duration)ASYNC_MS(1)));
            async_irq_raise(&self->irq);
            AWAIT_VALUE(self->n, ASYNC_TIMEOUT(&self->scope, ASYNC_SEC(10),
                                               async_irq_wait(&self->irq)));
            self->sum += self->n;
        }
    } ASYNC_FINALLY(self->outcome) {
        async_irq_close(&self->irq);
    } ASYNC_TRY_END;
    ASYNC_END;
}

/* Lines, through buffers that are shorter than some of what is sent: by a
 * server of streams, and clients of it. */
enum { LINES = 12, LINE = 40, SESSIONS = 4 };

struct talk {
    async_frame frame;
    async_task task;
    int fd, port, i, n, outcome;
    async_stream stream;
    char *line;
    char in[LINE + 8], out[2 * LINE];
};

static ASYNC say_back(struct talk *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_stream_open(&self->stream, self->fd, self->in,
                            sizeof self->in, self->out, sizeof self->out));
    ASYNC_TRY {
        for (;;) {
            AWAIT_VALUE(self->n, async_stream_read_line(&self->stream,
                                                        &self->line));
            if (self->n == 0) {
                break;
            }
            AWAIT(async_stream_write(&self->stream, self->line,
                                     (size_t)self->n));
        }
        AWAIT(async_stream_close(&self->stream));
    } ASYNC_FINALLY(self->outcome) {
        (void)async_stream_abort(&self->stream);
    } ASYNC_TRY_END;
    ASYNC_END;
}

static int line_of(char *to, int i)
{
    return snprintf(to, LINE + 1, "%d%.*s\n", i, i % 3 * 15,
                    "------------------------------");
}

static ASYNC talk(struct talk *self)
{
    char line[LINE + 1];

    ASYNC_BEGIN(self);
    AWAIT(async_tcp_connect(&self->fd, "127.0.0.1", self->port));
    AWAIT(async_stream_open(&self->stream, self->fd, self->in,
                            sizeof self->in, self->out, sizeof self->out));
    ASYNC_TRY {
        for (self->i = 0; self->i < LINES; self->i++) {
            AWAIT(async_stream_write(&self->stream, line,
                                     (size_t)line_of(line, self->i)));
        }
        AWAIT(async_stream_shutdown_write(&self->stream));
        for (self->i = 0;; self->i++) {
            AWAIT_VALUE(self->n, async_stream_read_line(&self->stream,
                                                        &self->line));
            if (self->n == 0) {
                break;
            }
            if (self->n != line_of(line, self->i)
                || memcmp(self->line, line, (size_t)self->n) != 0) {
                wrong++;
            }
        }
        if (self->i != LINES) {
            ASYNC_RAISE(ASYNC_EPIPE);
        }
        AWAIT(async_stream_close(&self->stream));
    } ASYNC_FINALLY(self->outcome) {
        (void)async_stream_abort(&self->stream);
    } ASYNC_TRY_END;
    ASYNC_END;
}

enum { ENDS = 8 };

struct scenario {
    async_frame frame;
    struct server server;
    struct end served[4 * CLIENTS];
    char buffer[4 * CLIENTS][LENGTH];
    struct end client[CLIENTS];
    struct end end[ENDS];
    struct bell bell;
    async_server talks;
    async_task talks_task;
    async_slot slots[SESSIONS];
    struct talk session[SESSIONS], talker[CLIENTS];
    int i, rc, failed, outcome, pair[2];
    char in[ENDS / 2][MUCH + 2100];
    char echoed[CLIENTS][LENGTH];
};

static void two_ends(struct scenario *self, int n, int kind, size_t length)
{
    struct end *from = &self->end[2 * n], *to = &self->end[2 * n + 1];
    int rc = kind == 0 ? async_pipe(self->pair)
        : kind == 1 ? (pipe(self->pair) == 0 ? 0 : -errno)
        : socketpair(AF_UNIX, SOCK_STREAM, 0, self->pair) == 0 ? 0 : -errno;

    if (rc < 0) {
        self->failed = self->failed == 0 ? rc : self->failed;
        return;
    }
    from->length = to->length = length;
    from->fd = self->pair[1];
    to->fd = self->pair[0];
    to->buffer = self->in[n];
    async_spawn(&from->task, kind == 3 ? pour_pieces : pour, from);
    async_spawn(&to->task, kind == 3 ? drain_pieces : drain, to);
}

static ASYNC scenario(struct scenario *self)
{
    ASYNC_BEGIN(self);
    self->server.end = self->served;
    self->server.buffer = self->buffer;
    self->server.listener = async_tcp_listen("127.0.0.1", 0, 16);
    self->rc = async_local_port(self->server.listener);
    if (self->server.listener >= 0 && self->rc >= 0) {
        async_spawn(&self->server.task, serve, &self->server);
        for (self->i = 0; self->i < CLIENTS; self->i++) {
            self->client[self->i].port = self->rc;
            self->client[self->i].buffer = self->echoed[self->i];
            async_spawn(&self->client[self->i].task, call,
                        &self->client[self->i]);
        }
    } else {
        self->failed = self->rc;
    }
    two_ends(self, 0, 0, MUCH);
    two_ends(self, 1, 1, 20000);
    two_ends(self, 2, 2, 50000);
    two_ends(self, 3, 3, 30000);
    async_spawn(&self->bell.task, ring, &self->bell);
    self->rc = async_tcp_listen("127.0.0.1", 0, 16);
    self->talker[0].port = self->rc < 0 ? self->rc : async_local_port(self->rc);
    if (self->talker[0].port < 0) {
        self->failed = self->talker[0].port;
        if (self->rc >= 0) {
            async_close(self->rc);
        }
    } else {
        async_server_open(&self->talks, self->rc, self->slots, self->session,
                          SESSIONS, say_back);
        async_spawn(&self->talks_task, async_server_run, &self->talks);
        for (self->i = 0; self->i < CLIENTS; self->i++) {
            self->talker[self->i].port = self->talker[0].port;
            async_spawn(&self->talker[self->i].task, talk,
                        &self->talker[self->i]);
        }
    }

    for (self->i = 0; self->i < CLIENTS; self->i++) {
        AWAIT_RESULT(self->rc, async_join(&self->client[self->i].task));
        self->failed = self->failed == 0 && self->rc < 0 ? self->rc
                                                         : self->failed;
    }
    for (self->i = 0; self->i < ENDS; self->i++) {
        AWAIT_RESULT(self->rc, async_join(&self->end[self->i].task));
        self->failed = self->failed == 0 && self->rc < 0 ? self->rc
                                                         : self->failed;
    }
    AWAIT_RESULT(self->rc, async_join(&self->bell.task));
    self->failed = self->failed == 0 && self->rc < 0 ? self->rc
                                                     : self->failed;
    for (self->i = 0; self->i < CLIENTS
         && self->talker[0].port >= 0; self->i++) {
        AWAIT_RESULT(self->rc, async_join(&self->talker[self->i].task));
        self->failed = self->failed == 0 && self->rc < 0 ? self->rc
                                                         : self->failed;
    }
    if (self->talker[0].port >= 0) {
        AWAIT_RESULT(self->rc, async_server_close(&self->talks,
                                                  ASYNC_SEC(10)));
        AWAIT_RESULT(self->rc, async_join(&self->talks_task));
        if (self->rc < 0 && self->failed == 0) {
            self->failed = self->rc;
        }
    }
    async_cancel(&self->server.task);
    AWAIT_RESULT(self->rc, async_join(&self->server.task));
    for (self->i = 0; self->i < self->server.n; self->i++) {
        AWAIT_RESULT(self->rc, async_join(&self->server.end[self->i].task));
    }
    shut(&self->server.listener);
    ASYNC_RETURN(self->failed);
    ASYNC_END;
}

static int run_scenario(void)
{
    static struct scenario it;

    memset(&it, 0, sizeof it);
    return async_run(scenario, &it);
}

#define SCENARIO ""
#include "repeat.h"

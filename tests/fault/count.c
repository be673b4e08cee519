/* How many system calls does it take? A server that answers lines by a stream,
 * and what the same takes by hand, edge-triggered: a request that is answered
 * is one call to receive and one to send, however many lines it has.
 *
 * Prints ok NAME or FAIL NAME: why. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int received, sent, waited, others;

static void count_call(const char *name)
{
    if (strcmp(name, "recv") == 0) {
        received++;
    } else if (strncmp(name, "send", 4) == 0) {
        sent++;
    } else if (strncmp(name, "epoll_wait", 10) == 0
               || strcmp(name, "syscall") == 0
               || strcmp(name, "ppoll") == 0) {
        waited++;
    } else {
        others++;
    }
}

#define ASYNC_SYS_(name) (count_call(#name), name)
#define ASYNC_IMPLEMENTATION
#include "async.h"

enum { CLIENTS = 8, ROUNDS = 50 };

struct session {
    async_frame frame;
    int fd, n;
    async_stream stream;
    size_t done;
    char *line;
    char in[256], out[256];
};

static char body[1000];

/* "body\n" is answered by a line and a body that is longer than the buffer. */
static ASYNC session(struct session *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_stream_open(&self->stream, self->fd, self->in, sizeof self->in,
                            self->out, sizeof self->out));
    for (;;) {
        AWAIT_VALUE(self->n, async_stream_read_line(&self->stream,
                                                    &self->line));
        if (self->n == 0) {
            break;
        }
        AWAIT(async_stream_write(&self->stream, self->line, (size_t)self->n));
        if (strcmp(self->line, "body\n") == 0) {
            AWAIT(async_stream_write_all(&self->stream, body, sizeof body,
                                         &self->done));
        }
    }
    AWAIT(async_stream_close(&self->stream));
    ASYNC_END;
}

struct ask { async_frame frame; int i; size_t got; };

struct main {
    async_frame frame;
    struct ask ask;
    async_server server;
    async_slot slots[CLIENTS];
    struct session sessions[CLIENTS];
    async_task task;
    int port, i, bad, fd[CLIENTS];
};

/* Say it, to all, and wait until all have answered so many bytes. The calls
 * here are not the library's. */
static ASYNC ask(struct ask *self, const int *fd, const char *text,
                 size_t length)
{
    static char buffer[2000];
    ssize_t n;

    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < CLIENTS; self->i++) {
        if (send(fd[self->i], text, strlen(text), 0) < 0) {
            ASYNC_RAISE(-errno);
        }
    }
    for (self->i = 0; self->i < CLIENTS; self->i++) {
        for (self->got = 0; self->got < length;) {
            n = recv(fd[self->i], buffer, sizeof buffer, MSG_DONTWAIT);
            if (n > 0) {
                self->got += (size_t)n;
            } else {
                AWAIT(async_yield());
            }
        }
    }
    ASYNC_END;
}

static void expect(struct main *self, const char *name, int each)
{
    if (received != each || sent != each || others != 0) {
        printf("FAIL calls_%s: %d to receive, %d to send, %d others; not %d, "
               "%d, 0\n", name, received, sent, others, each, each);
        self->bad = 1;
    } else {
        printf("ok calls_%s (%d and %d)\n", name, received, sent);
    }
    received = sent = others = 0;
}

static ASYNC program(struct main *self)
{
    async_address to;

    ASYNC_BEGIN(self);
    self->i = async_tcp_listen("127.0.0.1", 0, 64);
    self->port = async_local_port(self->i);
    AWAIT(async_server_open(&self->server, self->i, self->slots,
                            self->sessions, CLIENTS, session));
    async_spawn(&self->task, async_server_run, &self->server);
    for (self->i = 0; self->i < CLIENTS; self->i++) {
        async_address_set(&to, "127.0.0.1", self->port);
        self->fd[self->i] = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(self->fd[self->i], (struct sockaddr *)&to.storage,
                    to.length) < 0) {
            ASYNC_RAISE(-errno);
        }
    }
    AWAIT(ask(&self->ask, self->fd, "warm\n", 5));
    received = sent = others = 0;

    for (self->i = 0; self->i < ROUNDS; self->i++) {
        AWAIT(ask(&self->ask, self->fd, "hello\n", 6));
    }
    expect(self, "a_line", CLIENTS * ROUNDS);
    for (self->i = 0; self->i < ROUNDS; self->i++) {
        AWAIT(ask(&self->ask, self->fd, "a\nb\nc\nd\ne\nf\ng\nh\n", 16));
    }
    expect(self, "lines_in_a_row", CLIENTS * ROUNDS);
    for (self->i = 0; self->i < ROUNDS; self->i++) {
        AWAIT(ask(&self->ask, self->fd, "body\n", 5 + sizeof body));
    }
    expect(self, "a_head_and_a_body", CLIENTS * ROUNDS);

    for (self->i = 0; self->i < CLIENTS; self->i++) {
        close(self->fd[self->i]);
    }
    AWAIT(async_server_close(&self->server, ASYNC_SEC(10)));
    ASYNC_RETURN(self->bad);
    ASYNC_END;
}

/* ---- a byte to and fro --------------------------------------------------- */

struct side { async_frame frame; async_task task; int fd, n, left;
              size_t done; char byte[2]; };

static ASYNC answer(struct side *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT_VALUE(self->n, async_read(self->fd, self->byte, 2));
        if (self->n == 0) {
            break;
        }
        AWAIT(async_write_all(self->fd, self->byte, 1, &self->done));
    }
    async_close(self->fd);
    ASYNC_END;
}

static ASYNC say(struct side *self)
{
    ASYNC_BEGIN(self);
    for (; self->left > 0; self->left--) {
        AWAIT(async_write_all(self->fd, "x", 1, &self->done));
        AWAIT(async_read(self->fd, self->byte, 2));
    }
    ASYNC_END;
}

struct pair { async_frame frame; int listener; struct side here, there; };

static ASYNC to_and_fro(struct pair *self)
{
    ASYNC_BEGIN(self);
    self->listener = async_tcp_listen("127.0.0.1", 0, 1);
    AWAIT(async_tcp_connect(&self->here.fd, "127.0.0.1",
                            async_local_port(self->listener)));
    AWAIT_VALUE(self->there.fd, async_accept(self->listener, NULL, NULL));
    async_close(self->listener);
    async_spawn(&self->there.task, answer, &self->there);
    self->here.left = 3;
    AWAIT(say(&self->here));
    received = sent = waited = others = 0;
    self->here.left = ROUNDS;
    AWAIT(say(&self->here));
    /* The second that the loop looks after waits may end in between. */
    if (received != 2 * ROUNDS || sent != 2 * ROUNDS || others > 2
        || waited < 2 * ROUNDS || waited > 2 * ROUNDS + 4) {
        printf("FAIL calls_to_and_fro: %d to receive, %d to send, %d to wait, "
               "%d others; not %d of each\n", received, sent, waited, others,
               2 * ROUNDS);
        ASYNC_RETURN(1);
    }
    printf("ok calls_to_and_fro (%d, %d and %d)\n", received, sent, waited);
    async_close(self->here.fd);
    AWAIT(async_join(&self->there.task));
    ASYNC_END;
}

int main(void)
{
    static struct main frame;
    static struct pair pair;
    int rc = async_run(program, &frame);

    if (rc == 0) {
        rc = async_run(to_and_fro, &pair);
    }
    if (rc < 0) {
        printf("FAIL calls: %s\n", async_strerror(rc));
    }
    return rc != 0;
}

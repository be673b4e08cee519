/* echo: a TCP server that sends back what it gets, and a client for it.
 *
 *     make run DEMO=echo PORT=7000                        the server
 *     make run DEMO=echo PORT=7000 ARGS='hello world'     the client
 *
 * The server spawns a task for each connection, in memory that the task's done
 * callback frees. A task is a plain loop of read and write; if a client is
 * slow, only its own task waits. Control-C ends the server: a task awaits that
 * signal. */
#define ASYNC_IMPLEMENTATION
#include "async.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the server ---------------------------------------------------------- */

struct connection {
    async_watch watch;      /* first: the callback finds the connection by it */
    async_frame frame;
    async_task task;
    int fd, got;
    size_t done;
    char buffer[4096];
};

static ASYNC connection(struct connection *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT_VALUE(self->got, async_read(self->fd, self->buffer,
                                          sizeof self->buffer));
        if (self->got == 0) {
            break;
        }
        AWAIT(async_write_all(self->fd, self->buffer, (size_t)self->got,
                              &self->done));
    }
    ASYNC_END;
}

/* However it ended, and even if it was cancelled before its first step. */
static void connection_ended(async_watch *watch, async_task *task)
{
    struct connection *c = (struct connection *)(void *)watch;

    (void)task;
    async_close(c->fd);
    free(c);
}

struct server {
    async_frame frame;
    async_task task;
    int fd, peer, outcome;
};

/* The connection waits in the queue until there is room for it again. */
static bool passes(int error)
{
    return error == ASYNC_EMFILE || error == ASYNC_ENFILE
        || error == ASYNC_ENOBUFS || error == ASYNC_ENOMEM;
}

static ASYNC server(struct server *self)
{
    struct connection *c;

    ASYNC_BEGIN(self);
    ASYNC_TRY {
        for (;;) {
            AWAIT_RESULT(self->peer, async_accept(self->fd, NULL, NULL));
            if (passes(self->peer)) {
                continue;
            }
            if (self->peer < 0) {
                ASYNC_RAISE(self->peer);
            }
            c = calloc(1, sizeof *c);
            if (c == NULL) {
                async_close(self->peer);
                continue;
            }
            c->fd = self->peer;
            async_spawn(&c->task, connection, c);
            async_on_done(&c->task, &c->watch, connection_ended);
        }
    } ASYNC_FINALLY(self->outcome) {
        async_close(self->fd);
    } ASYNC_TRY_END;
    ASYNC_END;
}

/* ---- control-C ----------------------------------------------------------- */

struct watchman {
    async_frame frame;
    async_task task;
    async_signal *signal;
    async_task *target;
};

static ASYNC watchman(struct watchman *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_signal_wait(self->signal));
    async_cancel(self->target);
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct server server;
    struct watchman watchman;
    async_signal signal;
    int port, result;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    self->server.fd = async_tcp_listen("127.0.0.1", self->port, 128);
    if (self->server.fd < 0) {
        ASYNC_RAISE(self->server.fd);
    }
    printf("echo: listening on 127.0.0.1 port %d\n",
           async_local_port(self->server.fd));
    fflush(stdout);
    async_spawn(&self->server.task, server, &self->server);

    AWAIT(async_signal_open(&self->signal, SIGINT));
    AWAIT(async_signal_add(&self->signal, SIGTERM));
    self->watchman.signal = &self->signal;
    self->watchman.target = &self->server.task;
    async_spawn(&self->watchman.task, watchman, &self->watchman);

    AWAIT_RESULT(self->result, async_join(&self->server.task));
    async_signal_close(&self->signal);
    if (self->result != ASYNC_ECANCELED) {
        ASYNC_RAISE(self->result);
    }
    puts("echo: bye");
    ASYNC_END;              /* the connections that are left are cancelled */
}

/* ---- the client ---------------------------------------------------------- */

struct client {
    async_frame frame;
    async_timeout scope;
    int port, fd, i, outcome;
    char **words;
    size_t done;
    char buffer[4096];
};

static ASYNC client(struct client *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_SEC(5)) {
        AWAIT(async_tcp_connect(&self->fd, "127.0.0.1", self->port));
        ASYNC_TRY {
            for (self->i = 0; self->words[self->i] != NULL; self->i++) {
                AWAIT(async_write_all(self->fd, self->words[self->i],
                                      strlen(self->words[self->i]),
                                      &self->done));
                AWAIT(async_read_exactly(self->fd, self->buffer,
                                         strlen(self->words[self->i]),
                                         &self->done));
                printf("%.*s\n", (int)strlen(self->words[self->i]),
                       self->buffer);
            }
        } ASYNC_FINALLY(self->outcome) {
            async_close(self->fd);
        } ASYNC_TRY_END;
    } ASYNC_TIMEOUT_END;
    ASYNC_END;
}

int main(int argc, char **argv)
{
    static struct client client_frame;
    static struct program server_frame;
    const char *text = getenv("PORT");
    int result, port = text == NULL || *text == '\0' ? 7000 : atoi(text);

    if (argc > 1) {
        client_frame.port = port;
        client_frame.words = argv + 1;
        result = async_run(client, &client_frame);
    } else {
        server_frame.port = port;
        result = async_run(program, &server_frame);
    }
    if (result < 0) {
        fprintf(stderr, "echo: port %d: %s\n", port, async_strerror(result));
    }
    return result < 0;
}

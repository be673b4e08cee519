/* cores: one loop for each core of the machine.
 *
 *     make run DEMO=cores
 *
 * Two threads, each with a loop of its own, serve one port: each has a
 * listening socket, SO_REUSEPORT lets them have the same address, and the
 * system deals the connections out. The loops share nothing, so nothing is
 * locked. What they have to tell each other goes through async_irq, the one
 * call that may come from another thread: "I listen", "that is all". */
#define ASYNC_IMPLEMENTATION
#include "async.h"

#include <ctype.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LOOPS = 2, CLIENTS = 20, REQUESTS = 5 };

/* ---- the servers, each in a thread ------------------------------------- */

struct connection {
    async_frame frame;
    async_task task;
    struct server *server;
    int fd, i, rc;
    size_t got, sent;
    char line[8];
};

struct server {
    async_frame frame;
    struct acceptor {
        async_frame frame;
        async_task task;
        struct server *server;
        int fd, accepted;
    } acceptor;
    pthread_t thread;
    async_irq stop;             /* raised by the main loop */
    int listener, n;
    int answered;               /* its own: no other thread writes it */
    struct connection all[CLIENTS];
};

static async_irq listening;     /* raised by the servers' loops */
static struct server servers[LOOPS];

static ASYNC answer(struct connection *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH(self->fd, async_close(self->fd)) {
        for (;;) {
            self->got = 0;
            AWAIT_RESULT(self->rc, async_read_exactly(self->fd, self->line,
                                                      sizeof self->line,
                                                      &self->got));
            if (self->rc == ASYNC_EPIPE) {
                break;          /* the client has left */
            }
            if (self->rc < 0) {
                ASYNC_RAISE(self->rc);
            }
            for (self->i = 0; self->i < (int)sizeof self->line; self->i++) {
                self->line[self->i] =
                    (char)toupper((unsigned char)self->line[self->i]);
            }
            self->server->answered++;
            self->sent = 0;
            AWAIT(async_write_all(self->fd, self->line, sizeof self->line,
                                  &self->sent));
        }
    } ASYNC_WITH_END;
    ASYNC_END;
}

static ASYNC acceptor(struct acceptor *self)
{
    struct server *server = self->server;
    struct connection *next = &server->all[self->accepted];

    ASYNC_BEGIN(self);
    while (self->accepted < CLIENTS) {
        AWAIT_VALUE(self->fd, async_accept(server->listener, NULL, NULL));
        next->fd = self->fd;
        next->server = server;
        async_spawn(&next->task, answer, next);
        next = &server->all[++self->accepted];
    }
    ASYNC_END;
}

static ASYNC serve(struct server *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_irq_open(&self->stop));
    self->acceptor.server = self;
    async_spawn(&self->acceptor.task, acceptor, &self->acceptor);
    async_irq_raise(&listening);
    AWAIT_VALUE(self->n, async_irq_wait(&self->stop));
    async_irq_close(&self->stop);
    ASYNC_END;                  /* what is left is cancelled */
}

static void *run_server(void *server)
{
    struct server *self = (struct server *)server;
    int result = async_run(serve, self);

    if (result < 0) {
        printf("a server: %s\n", async_strerror(result));
    }
    return NULL;
}

/* ---- the clients, in the main thread ----------------------------------- */

struct client {
    async_frame frame;
    async_task task;
    int fd, port, i;
    size_t sent, got;
    char line[8];
};

static ASYNC ask(struct client *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_tcp_connect(&self->fd, "127.0.0.1", self->port));
    ASYNC_WITH(self->fd, async_close(self->fd)) {
        for (self->i = 0; self->i < REQUESTS; self->i++) {
            self->sent = self->got = 0;
            AWAIT(async_write_all(self->fd, "request\n", 8, &self->sent));
            AWAIT(async_read_exactly(self->fd, self->line, 8, &self->got));
            if (memcmp(self->line, "REQUEST\n", 8) != 0) {
                ASYNC_RAISE(ASYNC_EUSER(1));
            }
        }
    } ASYNC_WITH_END;
    ASYNC_RETURN(REQUESTS);
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct client client[CLIENTS];
    int port, i, n, total;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_irq_open(&listening));
    for (self->i = 0; self->i < LOOPS; self->i++) {
        if (pthread_create(&servers[self->i].thread, NULL, run_server,
                           &servers[self->i]) != 0) {
            ASYNC_RAISE(ASYNC_EAGAIN);
        }
    }
    for (self->i = 0; self->i < LOOPS; self->i += self->n) {
        AWAIT_VALUE(self->n, async_irq_wait(&listening));
    }
    printf("%d loops listen on one port\n", self->i);

    for (self->i = 0; self->i < CLIENTS; self->i++) {
        self->client[self->i].port = self->port;
        async_spawn(&self->client[self->i].task, ask, &self->client[self->i]);
    }
    for (self->i = 0; self->i < CLIENTS; self->i++) {
        AWAIT_VALUE(self->n, async_join(&self->client[self->i].task));
        self->total += self->n;
    }
    printf("%d clients have %d answers\n", CLIENTS, self->total);

    for (self->i = 0; self->i < LOOPS; self->i++) {
        async_irq_raise(&servers[self->i].stop);
    }
    async_irq_close(&listening);
    ASYNC_END;
}

/* All of them have the address that the system gave to the first. */
static int listen_at(struct sockaddr_in *address)
{
    socklen_t length = sizeof *address;
    int one = 1;
    int fd = async_socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0
        || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) < 0
        || bind(fd, (struct sockaddr *)address, length) < 0
        || listen(fd, 128) < 0
        || getsockname(fd, (struct sockaddr *)address, &length) < 0) {
        perror("a listening socket");
        exit(1);
    }
    return fd;
}

int main(void)
{
    static struct program frame;
    struct sockaddr_in address;
    int i, answered = 0, result;

    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (i = 0; i < LOOPS; i++) {
        servers[i].listener = listen_at(&address);
    }
    frame.port = ntohs(address.sin_port);
    result = async_run(program, &frame);
    if (result < 0) {
        printf("the clients: %s\n", async_strerror(result));
        return 1;
    }
    for (i = 0; i < LOOPS; i++) {
        pthread_join(servers[i].thread, NULL);
        answered += servers[i].answered;
        close(servers[i].listener);
    }
    printf("the loops together gave %d\n", answered);
    return 0;
}

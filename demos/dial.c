/* dial: connecting to a host by its name.
 *
 *     make run DEMO=dial
 *     make run DEMO=dial ARGS='example.org 80'    if there is a network
 *
 * A name may have several addresses, and the first of them need not answer.
 * async_connect_any begins with the next one when one has failed, or says
 * nothing for 250 ms; whichever is connected first wins, and the others are
 * closed. async_dial looks the name up, in a thread, and then does that. */
#include "demo.h"

#include <unistd.h>

struct server {
    async_frame frame;
    async_task task;
    int listener, peer, outcome;
};

static ASYNC server(struct server *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT_VALUE(self->peer, async_accept(self->listener, NULL, NULL));
        ASYNC_TRY {
            AWAIT(async_write(self->peer, "welcome", 7));
        } ASYNC_FINALLY(self->outcome) {
            async_close(self->peer);
        } ASYNC_TRY_END;
    }
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct server server;
    async_dialer dialer;
    async_attempts attempts;
    async_address addresses[3];
    const char *host;
    int port, fd, n, closed, deaf, full[2];
    char text[64];
};

/* Nobody accepts there, and the queue is full: it neither takes a call nor
 * refuses one. */
static int deaf_listener(int full[2], async_address *address)
{
    int fd = async_tcp_listen("127.0.0.1", 0, 0);
    int i;

    async_address_set(address, "127.0.0.1", async_local_port(fd));
    for (i = 0; i < 2; i++) {
        full[i] = async_socket(AF_INET, SOCK_STREAM, 0);
        if (connect(full[i], (struct sockaddr *)&address->storage,
                    address->length) == 0) {
            continue;               /* and else it is on its way */
        }
    }
    return fd;
}

static ASYNC here(struct program *self)
{
    ASYNC_BEGIN(self);
    self->server.listener = async_tcp_listen("127.0.0.1", 0, 5);
    self->port = async_local_port(self->server.listener);
    async_spawn(&self->server.task, server, &self->server);

    title("a name");
    AWAIT_VALUE(self->fd, async_dial(&self->dialer, "localhost", self->port));
    AWAIT_VALUE(self->n, async_read(self->fd, self->text, sizeof self->text));
    async_close(self->fd);
    say("localhost says: %.*s", self->n, self->text);

    title("three addresses");
    self->closed = async_tcp_listen("127.0.0.1", 0, 5);
    async_address_set(&self->addresses[0], "127.0.0.1",
                      async_local_port(self->closed));
    async_close(self->closed);
    self->deaf = deaf_listener(self->full, &self->addresses[1]);
    async_address_set(&self->addresses[2], "127.0.0.1", self->port);
    self->attempts.delay = ASYNC_MS(500);       /* or 250, if not set */
    AWAIT_VALUE(self->fd, async_connect_any(&self->attempts, self->addresses,
                                            3));
    say("the first refuses, the second is silent, the third is connected");
    AWAIT_VALUE(self->n, async_read(self->fd, self->text, sizeof self->text));
    async_close(self->fd);
    say("it says: %.*s", self->n, self->text);

    title("nobody");
    AWAIT_RESULT(self->n, async_connect_any(&self->attempts, self->addresses,
                                            1));
    say("%s", async_strerror(self->n));
    async_close(self->full[0]);
    async_close(self->full[1]);
    async_close(self->deaf);
    async_cancel(&self->server.task);
    AWAIT_RESULT(self->n, async_join(&self->server.task));
    async_close(self->server.listener);
    ASYNC_END;
}

static ASYNC there(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->fd, async_dial(&self->dialer, self->host, self->port));
    say("connected: address %d of %d", self->dialer.attempts.started,
        self->dialer.n);
    async_close(self->fd);
    ASYNC_END;
}

int main(int argc, char **argv)
{
    static struct program frame;
    int rc;

    if (argc > 2) {
        frame.host = argv[1];
        frame.port = atoi(argv[2]);
        rc = async_run(there, &frame);
    } else {
        rc = async_run(here, &frame);
    }
    if (rc < 0) {
        fprintf(stderr, "dial: %s\n", async_strerror(rc));
    }
    return rc < 0;
}

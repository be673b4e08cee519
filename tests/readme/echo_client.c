/* Talks to the README's echo server: several connections at once, one of which
 * is reset in the middle. Prints ok, or what is wrong. */
#define ASYNC_IMPLEMENTATION
#include "async.h"

#include <stdio.h>
#include <string.h>

enum { CLIENTS = 20, BYTES = 20000 };

struct peer {
    async_frame frame;
    async_task task;
    int fd, i, n;
    size_t done;
    char out[BYTES], in[BYTES];
};

static ASYNC peer(struct peer *self)
{
    ASYNC_BEGIN(self);
    /* The server may still be on its way up. */
    for (self->i = 0; self->i < 100; self->i++) {
        AWAIT_RESULT(self->n, async_tcp_connect(&self->fd, "127.0.0.1", 7000));
        if (self->n == 0) {
            break;
        }
        AWAIT(async_sleep(ASYNC_MS(30)));
    }
    AWAIT(self->n);
    memset(self->out, 'a' + self->fd % 26, sizeof self->out);
    AWAIT(async_write_all(self->fd, self->out, sizeof self->out, &self->done));
    AWAIT(async_read_exactly(self->fd, self->in, sizeof self->in,
                             &self->done));
    async_close(self->fd);
    if (memcmp(self->in, self->out, sizeof self->in) != 0) {
        ASYNC_RAISE(ASYNC_EIO);
    }
    ASYNC_END;
}

struct program {
    async_frame frame;
    async_timeout scope;
    struct peer peer[CLIENTS];
    int i, fd;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_SEC(8)) {
        AWAIT(peer(&self->peer[0]));
        /* One that leaves with bytes unread, which resets the connection. */
        AWAIT(async_tcp_connect(&self->fd, "127.0.0.1", 7000));
        AWAIT(async_write(self->fd, "x", 1));
        AWAIT(async_readable(self->fd));
        async_close(self->fd);
        for (self->i = 0; self->i < CLIENTS; self->i++) {
            async_spawn(&self->peer[self->i].task, peer,
                        &self->peer[self->i]);
        }
        for (self->i = 0; self->i < CLIENTS; self->i++) {
            AWAIT(async_join(&self->peer[self->i].task));
        }
    } ASYNC_TIMEOUT_END;
    ASYNC_END;
}

int main(void)
{
    static struct program frame;
    int result = async_run(program, &frame);

    puts(result < 0 ? async_strerror(result) : "ok");
    return result < 0;
}

/* readable: another library's descriptor.
 *
 *     make run DEMO=readable
 *
 * Many libraries, of databases, of sound, of devices, give out the descriptor
 * that they read from, and a function to call when there is something to read.
 * async_readable waits for it, and touches nothing: the reading remains theirs.
 * async_writable is its counterpart. */
#include "demo.h"

#include <unistd.h>

/* ---- the library, which has never heard of async.h ----------------------- */

struct radio { int ends[2]; };

static int radio_open(struct radio *radio)
{
    return pipe(radio->ends);
}

static int radio_descriptor(const struct radio *radio)
{
    return radio->ends[0];
}

/* The next message; blocks while there is none. */
static ssize_t radio_receive(struct radio *radio, char *text, size_t size)
{
    return read(radio->ends[0], text, size);
}

static ssize_t radio_send(struct radio *radio, const char *text)
{
    return write(radio->ends[1], text, strlen(text));
}

/* -------------------------------------------------------------------------- */

struct listener {
    async_frame frame;
    async_task task;
    struct radio *radio;
    int outcome;
};

static ASYNC listener(struct listener *self)
{
    char text[40];
    ssize_t n;

    ASYNC_BEGIN(self);
    ASYNC_TRY {
        for (;;) {
            AWAIT(async_readable(radio_descriptor(self->radio)));
            n = radio_receive(self->radio, text, sizeof text - 1);
            text[n < 0 ? 0 : n] = '\0';
            say("  heard: %s", text);
        }
    } ASYNC_FINALLY(self->outcome) {
        async_detach(radio_descriptor(self->radio));  /* the loop forgets it */
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct radio radio;
    struct listener listener;
    int i, result;
};

static ASYNC program(struct program *self)
{
    static const char *const messages[] = { "calling", "hello?", "over" };

    ASYNC_BEGIN(self);
    if (radio_open(&self->radio) < 0) {
        ASYNC_RAISE(ASYNC_EMFILE);
    }
    self->listener.radio = &self->radio;
    async_spawn(&self->listener.task, listener, &self->listener);
    for (self->i = 0; self->i < 3; self->i++) {
        AWAIT(async_sleep(ASYNC_SEC(1)));
        say("sent: %s", messages[self->i]);
        if (radio_send(&self->radio, messages[self->i]) < 0) {
            ASYNC_RAISE(ASYNC_EIO);
        }
    }
    AWAIT(async_sleep(ASYNC_MS(500)));
    async_cancel(&self->listener.task);
    AWAIT_RESULT(self->result, async_join(&self->listener.task));
    close(self->radio.ends[0]);
    close(self->radio.ends[1]);
    say("the listener: %s", async_strerror(self->result));
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    return async_run(program, &frame);
}

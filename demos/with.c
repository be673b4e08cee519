/* with: a resource that is given back on every way out of a block.
 *
 *     make run DEMO=with
 *
 * ASYNC_WITH awaits how to get it, and says how to give it back. Where giving
 * back must wait, too, it is ASYNC_WITH_AWAIT. Blocks nest, and are left in
 * the reverse order. If the getting fails, there is nothing to give back. */
#include "demo.h"

/* ---- enter, inside, exit ------------------------------------------------- */

struct room {
    async_frame frame;
    bool trouble;
};

static ASYNC enter(void)
{
    say("  enter");
    return 0;               /* an awaitable that is ready at once */
}

static int leave(void)
{
    say("  exit");
    return 0;
}

static ASYNC room(struct room *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH(enter(), leave()) {
        say("  inside");
        if (self->trouble) {
            ASYNC_RAISE(ASYNC_EIO);
        }
    } ASYNC_WITH_END;
    ASYNC_END;
}

/* ---- a connection that is slow to open and slow to close ----------------- */

struct connection {
    async_frame frame;      /* of the operation under way, one at a time */
    const char *name;
    bool open, broken;
};

static ASYNC connection_open(struct connection *self)
{
    ASYNC_BEGIN(self);
    say("  %s: opening", self->name);
    AWAIT(async_sleep(ASYNC_SEC(1)));
    if (self->broken) {
        say("  %s: there is nobody", self->name);
        ASYNC_RAISE(ASYNC_ECONNREFUSED);
    }
    self->open = true;
    say("  %s: open", self->name);
    ASYNC_END;
}

static ASYNC connection_query(struct connection *self)
{
    ASYNC_BEGIN(self);
    if (!self->open) {
        ASYNC_RAISE(ASYNC_ENOTCONN);
    }
    AWAIT(async_sleep(ASYNC_MS(100)));
    ASYNC_RETURN(42);
    ASYNC_END;
}

static ASYNC connection_close(struct connection *self)
{
    ASYNC_BEGIN(self);
    say("  %s: closing", self->name);
    AWAIT(async_sleep(ASYNC_MS(500)));
    self->open = false;
    say("  %s: closed", self->name);
    ASYNC_END;
}

struct client {
    async_frame frame;
    struct connection session, request;
    int answer, outer, inner;
};

static ASYNC slow(struct client *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH_AWAIT(self->outer, connection_open(&self->session),
                     connection_close(&self->session)) {
        AWAIT_VALUE(self->answer, connection_query(&self->session));
        say("  the answer is %d", self->answer);
    } ASYNC_WITH_END;
    AWAIT_RESULT(self->answer, connection_query(&self->session));
    say("and a query now: %s", async_strerror(self->answer));
    ASYNC_END;
}

static ASYNC nested(struct client *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH_AWAIT(self->outer, connection_open(&self->session),
                     connection_close(&self->session)) {
        ASYNC_WITH_AWAIT(self->inner, connection_open(&self->request),
                         connection_close(&self->request)) {
            say("  both are open");
        } ASYNC_WITH_END;
    } ASYNC_WITH_END;
    ASYNC_END;
}

int main(void)
{
    struct room room_frame = {0};
    struct client client = {0};

    title("In and out");
    async_run(room, &room_frame);
    title("With an error inside");
    room_frame.trouble = true;
    say("left with: %s", async_strerror(async_run(room, &room_frame)));

    client.session.name = "session";
    client.request.name = "request";
    title("Slow to open, slow to close");
    async_run(slow, &client);
    title("One in the other");
    async_run(nested, &client);
    title("The inner one cannot be opened");
    client.request.broken = true;
    say("left with: %s", async_strerror(async_run(nested, &client)));
    return 0;
}

/* fallback: what a caller makes of a timeout: a default, or words of its own.
 *
 *     make run DEMO=fallback
 *
 * A catch takes every error; the one it has an answer for ends there, and the
 * others are raised again. */
#include "demo.h"

struct lookup {
    async_frame frame;
    int seconds, result;
};

static ASYNC lookup(struct lookup *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(self->seconds)));
    ASYNC_RETURN(self->result);     /* a negative value is an error */
    ASYNC_END;
}

/* ---- a default, if it takes too long ------------------------------------- */

struct port_of {
    async_frame frame;
    async_timeout scope;
    struct lookup lookup;
    int port, error;
};

static ASYNC port_of(struct port_of *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT_VALUE(self->port, ASYNC_TIMEOUT(&self->scope, ASYNC_SEC(2),
                                              lookup(&self->lookup)));
    } ASYNC_CATCH(self->error) {
        if (self->error != ASYNC_ETIMEDOUT) {
            say("  port_of: %s: not for me", async_strerror(self->error));
            ASYNC_RAISE(self->error);
        }
        say("  port_of: that takes too long, take the default");
        self->port = 80;
    } ASYNC_TRY_END;
    ASYNC_RETURN(self->port);
    ASYNC_END;
}

/* ---- an error of the caller's own, with a name in it --------------------- */

#define NO_ANSWER ASYNC_EUSER(0)

struct ask {
    async_frame frame;
    async_timeout scope;
    struct lookup lookup;
    const char *target;
    char words[64];         /* what NO_ANSWER is about */
    int answer, error;
};

static ASYNC ask(struct ask *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT_VALUE(self->answer, ASYNC_TIMEOUT(&self->scope, ASYNC_SEC(1),
                                                lookup(&self->lookup)));
    } ASYNC_CATCH(self->error) {
        snprintf(self->words, sizeof self->words, "%s gives no answer (%s)",
                 self->target, async_strerror(self->error));
        ASYNC_RAISE(NO_ANSWER);
    } ASYNC_TRY_END;
    ASYNC_RETURN(self->answer);
    ASYNC_END;
}

static void try_port_of(const char *headline, int seconds, int result)
{
    struct port_of frame = {0};
    int port;

    title(headline);
    frame.lookup.seconds = seconds;
    frame.lookup.result = result;
    port = async_run(port_of, &frame);
    if (port < 0) {
        say("error: %s", async_strerror(port));
    } else {
        say("port %d", port);
    }
}

int main(void)
{
    struct ask printer = {0};
    int result;

    try_port_of("Found in time", 1, 8080);
    try_port_of("Too slow", 3, 8080);
    try_port_of("Another error", 1, ASYNC_ENOENT);

    title("In the caller's own words");
    printer.target = "printer 3";
    printer.lookup.seconds = 5;
    result = async_run(ask, &printer);
    if (result == NO_ANSWER) {
        say("%s", printer.words);
    }
    return 0;
}

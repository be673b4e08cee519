/* plain: an ordinary function that needs a coroutine's result.
 *
 *     make run DEMO=plain
 *
 * Where no loop runs, the function runs the coroutine to its end by async_run,
 * and returns the value like any other. Called from within a running loop it
 * must not wait, since that would keep every task waiting: async_run says so,
 * at once. There, the function has to become a coroutine itself, and be
 * awaited: its caller waits too, and the others go on. */
#include "demo.h"

struct measure { async_frame frame; };

static ASYNC measure(struct measure *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(1)));
    ASYNC_RETURN(21);
    ASYNC_END;
}

/* Plain: blocks its caller until the result is there. */
static int temperature(void)
{
    struct measure frame = {0};

    return async_run(measure, &frame);
}

/* The same as a coroutine: makes its caller wait too. */
struct awaited { async_frame frame; struct measure measure; int degrees; };

static ASYNC awaited_temperature(struct awaited *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->degrees, measure(&self->measure));
    ASYNC_RETURN(self->degrees);
    ASYNC_END;
}

struct heart { async_frame frame; async_task task; };

static ASYNC heart(struct heart *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT(async_sleep(ASYNC_MS(400)));
        say("  beat");
    }
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct heart heart;
    struct awaited awaited;
    int degrees;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    async_spawn(&self->heart.task, heart, &self->heart);
    self->degrees = temperature();
    say("the plain function: %s", async_strerror(self->degrees));
    AWAIT_VALUE(self->degrees, awaited_temperature(&self->awaited));
    say("the coroutine: %d degrees", self->degrees);
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    title("Outside of a loop");
    say("the plain function: %d degrees", temperature());
    title("Inside of one");
    return async_run(program, &frame);
}

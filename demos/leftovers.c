/* leftovers: main ends while other tasks would run for ever.
 *
 *     make run DEMO=leftovers
 *
 * async_run cancels what is left, lets it clean up, and only then returns
 * main's result. So no task outlives its memory, and nothing stays open. */
#include "demo.h"

struct endless {
    async_frame frame;
    async_task task;
    const char *name;
    int seconds;
    int outcome;            /* what is under way while the cleanup runs */
};

static ASYNC endless(struct endless *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        for (;;) {
            AWAIT(async_sleep(ASYNC_SEC(self->seconds)));
            say("  %s", self->name);
        }
    } ASYNC_FINALLY(self->outcome) {
        AWAIT(async_sleep(ASYNC_MS(500 * self->seconds)));
        say("  %s: cleaned up", self->name);
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct endless tick, tock;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    self->tick.name = "tick";
    self->tick.seconds = 1;
    self->tock.name = "tock";
    self->tock.seconds = 2;
    async_spawn(&self->tick.task, endless, &self->tick);
    AWAIT(async_sleep(ASYNC_MS(200)));
    async_spawn(&self->tock.task, endless, &self->tock);
    AWAIT(async_sleep(ASYNC_MS(3500)));
    say("main returns 7");
    ASYNC_RETURN(7);
    ASYNC_END;
}

int main(void)
{
    struct program frame = {0};
    int result = async_run(program, &frame);

    say("async_run returns %d", result);
    return 0;
}

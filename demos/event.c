/* event: a flag that tasks look at, and wait for.
 *
 *     make run DEMO=event
 *
 * A worker goes round until the flag is set; it looks at it between two steps,
 * or spends the pause between them waiting for it, so that it need not sleep
 * to the end. A third task does nothing but wait. Setting it again is harmless,
 * and clearing it makes it ready for another time. */
#include "demo.h"

struct worker {
    async_frame frame;
    async_task task;
    async_timeout pause;
    async_event *stop;
    int rounds, result;
};

/* Looks at the flag after each step. */
static ASYNC looks(struct worker *self)
{
    ASYNC_BEGIN(self);
    while (!async_event_is_set(self->stop)) {
        AWAIT(async_sleep(ASYNC_SEC(1)));
        self->rounds++;
        say("  looks: round %d", self->rounds);
    }
    say("  looks: stops");
    ASYNC_END;
}

/* Its pause is a wait for the flag, with a limit. */
static ASYNC listens(struct worker *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT_RESULT(self->result,
                     ASYNC_TIMEOUT(&self->pause, ASYNC_SEC(1),
                                   async_event_wait(self->stop)));
        if (self->result != ASYNC_ETIMEDOUT) {
            break;
        }
        self->rounds++;
        say("    listens: round %d", self->rounds);
    }
    say("    listens: stops");
    ASYNC_END;
}

/* Has nothing else to do. */
static ASYNC waits(struct worker *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_event_wait(self->stop));
    say("      waits: goes on");
    ASYNC_END;
}

struct program {
    async_frame frame;
    async_event stop;
    struct worker looks, listens, waits;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    self->looks.stop = self->listens.stop = self->waits.stop = &self->stop;
    async_spawn(&self->looks.task, looks, &self->looks);
    async_spawn(&self->listens.task, listens, &self->listens);
    async_spawn(&self->waits.task, waits, &self->waits);
    AWAIT(async_sleep(ASYNC_MS(2500)));
    say("main: sets the flag, twice");
    async_event_set(&self->stop);
    async_event_set(&self->stop);
    AWAIT(async_join(&self->looks.task));
    AWAIT(async_join(&self->listens.task));
    AWAIT(async_join(&self->waits.task));
    AWAIT(async_event_wait(&self->stop));
    say("main: waits for it, too, which takes no time");
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    return async_run(program, &frame);
}

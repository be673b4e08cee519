/* barrier: a race in stages, where everybody waits for the slowest.
 *
 *     make run DEMO=barrier
 *
 * The barrier opens when the last of the three is there, and gives each its
 * place: 0 for the first. Then it is ready for the next stage. When one of them
 * falls out, it breaks the barrier, or the others would wait for ever. */
#include "demo.h"

enum { RIDERS = 3, STAGES = 2 };

struct rider {
    async_frame frame;
    async_task task;
    async_barrier *barrier;
    const char *name;
    int seconds, stages, stage, place;
};

static ASYNC rides(struct rider *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        for (self->stage = 1; self->stage <= STAGES; self->stage++) {
            AWAIT(async_sleep(ASYNC_SEC(self->seconds)));
            if (self->stage > self->stages) {
                say("  %s: a flat tyre", self->name);
                async_barrier_abort(self->barrier);
                ASYNC_RETURN(0);
            }
            say("  %s: arrives", self->name);
            AWAIT_VALUE(self->place, async_barrier_wait(self->barrier));
            say("    %s goes on, was number %d", self->name, self->place);
        }
    } ASYNC_CATCH(self->place) {
        say("    %s: %s", self->name, async_strerror(self->place));
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct program {
    async_frame frame;
    async_barrier barrier;
    struct rider rider[RIDERS];
    async_waiter waiters[RIDERS];
    async_wait_set set;
};

static void start(struct program *self, int last)
{
    static const char *const names[] = {"Ada", "Ben", "Cem"};
    int i;

    for (i = 0; i < RIDERS; i++) {
        self->rider[i].barrier = &self->barrier;
        self->rider[i].name = names[i];
        self->rider[i].seconds = RIDERS - i;
        self->rider[i].stages = i == 0 ? last : STAGES;
        async_spawn(&self->rider[i].task, rides, &self->rider[i]);
        self->waiters[i].task = &self->rider[i].task;
    }
}

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    async_barrier_open(&self->barrier, RIDERS);
    title("Two stages");
    start(self, STAGES);
    AWAIT(async_gather(&self->set, self->waiters, RIDERS));

    title("One falls out");
    start(self, 1);
    AWAIT(async_gather(&self->set, self->waiters, RIDERS));
    say("broken: %s", async_barrier_broken(&self->barrier) ? "yes" : "no");
    async_barrier_reset(&self->barrier);
    say("broken: %s", async_barrier_broken(&self->barrier) ? "yes" : "no");
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    return async_run(program, &frame);
}

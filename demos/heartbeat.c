/* heartbeat: a task that ticks while others wait.
 *
 *     make run DEMO=heartbeat
 *
 * Each beat is due half a second after the one before it, not after this one
 * was dealt with: async_sleep_until does not drift. However others wait, alone
 * or together, no beat is late. */
#include "demo.h"

struct heart {
    async_frame frame;
    async_task task;
    async_ticks due;
    int beats;
};

static ASYNC heart(struct heart *self)
{
    ASYNC_BEGIN(self);
    self->due = async_now();
    for (;;) {
        self->due += (async_ticks)ASYNC_MS(500);
        AWAIT(async_sleep_until(self->due));
        self->beats++;
        say("  beat %d%s", self->beats,
            (async_duration)(async_now() - self->due) < ASYNC_MS(300)
                ? "" : ", late");
    }
    ASYNC_END;
}

struct job {
    async_frame frame;
    async_task task;
    int tenths;
};

static ASYNC job(struct job *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_MS(100 * self->tenths)));
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct heart heart;
    struct job jobs[2];
    async_waiter waiters[2];
    async_wait_set set;
    int i;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    async_spawn(&self->heart.task, heart, &self->heart);
    say("main sleeps");
    AWAIT(async_sleep(ASYNC_MS(1200)));
    say("main gathers two jobs");
    for (self->i = 0; self->i < 2; self->i++) {
        self->jobs[self->i].tenths = 4 + 5 * self->i;
        async_spawn(&self->jobs[self->i].task, job, &self->jobs[self->i]);
        self->waiters[self->i].task = &self->jobs[self->i].task;
    }
    AWAIT(async_gather(&self->set, self->waiters, 2));
    say("main is done after %d beats", self->heart.beats);
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    return async_run(program, &frame);
}

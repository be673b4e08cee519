/* race: the first result wins, the others are called off.
 *
 *     make run DEMO=race
 *
 * Three mirrors of the same file. Whichever answers first decides; the losers
 * are cancelled, and have hung up when async_race returns. If the first to
 * answer fails, its error is raised. */
#include "demo.h"

struct mirror {
    async_frame frame;
    async_task task;
    const char *name;
    int seconds, result, outcome;
};

static ASYNC download(struct mirror *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_sleep(ASYNC_SEC(self->seconds)));
    } ASYNC_FINALLY(self->outcome) {
        if (self->outcome == ASYNC_CANCEL) {
            say("  %s: called off", self->name);
        }
    } ASYNC_TRY_END;
    ASYNC_RETURN(self->result);
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct mirror mirrors[3];
    async_waiter waiters[3];
    async_wait_set set;
    int winner, error;
};

static void start(struct program *self, int result)
{
    static const char *const names[] = {"Oslo", "Lima", "Pune"};
    int i;

    for (i = 0; i < 3; i++) {
        self->mirrors[i].name = names[i];
        self->mirrors[i].seconds = i == 1 ? 1 : 2 + i;
        self->mirrors[i].result = i == 1 ? result : 100;
        async_spawn(&self->mirrors[i].task, download, &self->mirrors[i]);
        self->waiters[i].task = &self->mirrors[i].task;
    }
}

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    start(self, 4711);
    AWAIT_VALUE(self->winner, async_race(&self->set, self->waiters, 3));
    say("%s won: %d bytes", self->mirrors[self->winner].name,
        async_result(&self->mirrors[self->winner].task));

    title("The first to end fails");
    start(self, ASYNC_ECONNRESET);
    ASYNC_TRY {
        AWAIT(async_race(&self->set, self->waiters, 3));
    } ASYNC_CATCH(self->error) {
        say("raised: %s", async_strerror(self->error));
    } ASYNC_TRY_END;
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    title("The first result wins");
    return async_run(program, &frame);
}

/* order: who runs when.
 *
 *     make run DEMO=order
 *
 * Two tasks, one thread. Between two AWAITs a task has the machine for itself;
 * at an AWAIT that must wait it hands over to the next one. Never do two run
 * at once, so what one does between two AWAITs needs no lock. */
#include "demo.h"

struct letter {
    async_frame frame;
    const char *name;
    int seconds;
};

static ASYNC letter(struct letter *self)
{
    ASYNC_BEGIN(self);
    say("%s starts", self->name);
    say("%s waits", self->name);
    AWAIT(async_sleep(ASYNC_SEC(self->seconds)));
    say("%s goes on", self->name);
    say("%s ends", self->name);
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct letter a, b;
    async_task a_task, b_task;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    self->a.name = "A";
    self->a.seconds = 1;
    self->b.name = "  B";
    self->b.seconds = 2;
    async_spawn(&self->a_task, letter, &self->a);
    async_spawn(&self->b_task, letter, &self->b);
    AWAIT(async_join(&self->a_task));
    AWAIT(async_join(&self->b_task));
    ASYNC_END;
}

int main(void)
{
    struct program frame = {0};

    return async_run(program, &frame);
}

/* sequential: one after the other, or at once.
 *
 *     make run DEMO=sequential
 *
 * Awaiting two children in turn takes the sum of their times. As tasks they
 * wait at the same time, and it takes the longer of the two. */
#include "demo.h"

struct fetch {
    async_frame frame;
    const char *name;
    int value;
};

static ASYNC fetch(struct fetch *self)
{
    ASYNC_BEGIN(self);
    say("  %s: start", self->name);
    AWAIT(async_sleep(ASYNC_SEC(1)));
    say("  %s: end", self->name);
    ASYNC_RETURN(self->value);
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct fetch tea, milk;
    async_task tea_task, milk_task;
    int first, second;
};

static ASYNC one_by_one(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->first, fetch(&self->tea));
    AWAIT_VALUE(self->second, fetch(&self->milk));
    say("results: %d and %d", self->first, self->second);
    ASYNC_END;
}

static ASYNC at_once(struct program *self)
{
    ASYNC_BEGIN(self);
    async_spawn(&self->tea_task, fetch, &self->tea);
    async_spawn(&self->milk_task, fetch, &self->milk);
    AWAIT_VALUE(self->first, async_join(&self->tea_task));
    AWAIT_VALUE(self->second, async_join(&self->milk_task));
    say("results: %d and %d", self->first, self->second);
    ASYNC_END;
}

int main(void)
{
    struct program program = {0};

    program.tea.name = "tea";
    program.tea.value = 10;
    program.milk.name = "milk";
    program.milk.value = 20;

    title("One after the other");
    async_run(one_by_one, &program);
    title("At once");
    async_run(at_once, &program);
    return 0;
}

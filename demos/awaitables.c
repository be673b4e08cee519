/* awaitables: the same AWAIT for everything that can be waited for.
 *
 *     make run DEMO=awaitables
 *
 * A coroutine, an operation of the library, a task, a value that somebody else
 * will set, a condition: each is an expression that answers "pending", a
 * result, or an error. AWAIT knows nothing more about it. */
#include "demo.h"

struct twice {
    async_frame frame;
    int n;
};

static ASYNC twice(struct twice *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(1)));
    ASYNC_RETURN(2 * self->n);
    ASYNC_END;
}

/* Somebody else: sets a value, and a little later a flag. */
struct other {
    async_frame frame;
    async_future *future;
    bool *flag;
};

static ASYNC other(struct other *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(1)));
    async_future_set(self->future, 33);
    AWAIT(async_sleep(ASYNC_SEC(1)));
    *self->flag = true;
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct twice child;
    struct other other;
    async_task task, other_task;
    async_future future;
    bool flag;
    int value;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);

    say("asking a coroutine ...");
    self->child.n = 11;
    AWAIT_VALUE(self->value, twice(&self->child));
    say("a coroutine gives %d", self->value);

    AWAIT_VALUE(self->value, async_sleep(ASYNC_SEC(1)));
    say("an operation gives %d", self->value);

    self->child.n = 22;
    async_spawn(&self->task, twice, &self->child);
    AWAIT_VALUE(self->value, async_join(&self->task));
    say("a task gives %d", self->value);

    self->other.future = &self->future;
    self->other.flag = &self->flag;
    async_spawn(&self->other_task, other, &self->other);
    AWAIT_VALUE(self->value, async_future_wait(&self->future));
    say("a future gives %d, set by another task", self->value);

    AWAIT_UNTIL(self->flag);
    say("a condition has come true");
    ASYNC_END;
}

int main(void)
{
    struct program frame = {0};

    return async_run(program, &frame);
}

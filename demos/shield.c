/* shield: who waits is cancelled, what it waits for goes on.
 *
 *     make run DEMO=shield
 *
 * A cancelled async_join passes the cancellation on to the task it joins;
 * async_shield does not. The save lives in memory that outlasts the waiter:
 * here in the struct of main, which joins it in the end. */
#include "demo.h"

struct save {
    async_frame frame;
    async_task task;
};

static ASYNC save(struct save *self)
{
    ASYNC_BEGIN(self);
    say("  save: writing");
    AWAIT(async_sleep(ASYNC_SEC(2)));
    say("  save: complete");
    ASYNC_RETURN(1);
    ASYNC_END;
}

struct waiter {
    async_frame frame;
    async_task task;
    struct save *save;
    int outcome;
};

static ASYNC waiter(struct waiter *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_shield(&self->save->task));
        say("waiter: it is saved");
    } ASYNC_FINALLY(self->outcome) {
        say("waiter: gone");
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct save save;
    struct waiter waiter;
    int result;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    async_spawn(&self->save.task, save, &self->save);
    self->waiter.save = &self->save;
    async_spawn(&self->waiter.task, waiter, &self->waiter);
    AWAIT(async_sleep(ASYNC_SEC(1)));
    say("main: cancels the waiter");
    async_cancel(&self->waiter.task);
    AWAIT_RESULT(self->result, async_join(&self->waiter.task));
    say("main: the waiter was %s", async_strerror(self->result));
    AWAIT_VALUE(self->result, async_join(&self->save.task));
    say("main: the save returned %d", self->result);
    ASYNC_END;
}

int main(void)
{
    struct program frame = {0};

    return async_run(program, &frame);
}

/* cancel: ending a task from outside.
 *
 *     make run DEMO=cancel
 *
 * The await that the task is suspended in fails with ASYNC_CANCEL, and this
 * leaves through the task's finally blocks like an error. They may await.
 * Whoever joins the task gets ASYNC_ECANCELED. */
#include "demo.h"

struct worker {
    async_frame frame;
    async_task task;
    int items, outcome, cancel;
};

/* ---- cleaning up, and passing the cancellation on ------------------------ */

static ASYNC worker(struct worker *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        for (;;) {
            self->items++;
            say("  worker: item %d", self->items);
            AWAIT(async_sleep(ASYNC_SEC(1)));
        }
    } ASYNC_FINALLY(self->outcome) {
        say("  worker: cleaning up");
        AWAIT(async_sleep(ASYNC_MS(500)));
        say("  worker: clean");
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct worker worker;
    int result;
};

static ASYNC cleans_up(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_MS(500)));
    async_spawn(&self->worker.task, worker, &self->worker);
    AWAIT(async_sleep(ASYNC_MS(9500)));
    say("main: that is enough");
    async_cancel(&self->worker.task);
    AWAIT_RESULT(self->result, async_join(&self->worker.task));
    say("main: the worker was %s, after %d items",
        async_strerror(self->result), self->worker.items);
    ASYNC_END;
}

/* ---- before the first step ----------------------------------------------- */

static ASYNC too_early(struct program *self)
{
    ASYNC_BEGIN(self);
    async_spawn(&self->worker.task, worker, &self->worker);
    async_cancel(&self->worker.task);
    AWAIT_RESULT(self->result, async_join(&self->worker.task));
    say("main: the worker was %s before it began",
        async_strerror(self->result));
    ASYNC_END;
}

/* ---- refusing ------------------------------------------------------------ */

/* ASYNC_CATCH never takes the task's own cancellation. ASYNC_CATCH_ALL does,
 * and without an ASYNC_RAISE the task goes on as if nothing had been. */
static ASYNC stubborn(struct worker *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_sleep(ASYNC_SEC(5)));
    } ASYNC_CATCH_ALL(self->cancel) {
        say("  stubborn: not now, I have something to finish");
    } ASYNC_TRY_END;
    AWAIT(async_sleep(ASYNC_SEC(1)));
    ASYNC_RETURN(7);
    ASYNC_END;
}

static ASYNC refused(struct program *self)
{
    ASYNC_BEGIN(self);
    async_spawn(&self->worker.task, stubborn, &self->worker);
    AWAIT(async_sleep(ASYNC_SEC(1)));
    async_cancel(&self->worker.task);
    AWAIT_RESULT(self->result, async_join(&self->worker.task));
    say("main: the result is %d", self->result);
    ASYNC_END;
}

int main(void)
{
    struct program first = {0}, second = {0}, third = {0};

    title("Cancelled after ten items");
    async_run(cleans_up, &first);
    title("Cancelled before its first step");
    async_run(too_early, &second);
    title("A task that refuses");
    async_run(refused, &third);
    return 0;
}

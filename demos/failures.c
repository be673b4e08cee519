/* failures: one of several tasks fails.
 *
 *     make run DEMO=failures
 *
 * async_gather_all waits for all of them, and says how many failed: each keeps
 * its result or its error. async_gather raises the first error as it happens.
 * The others live in the caller's memory, so they are not left running: they
 * are cancelled, and have cleaned up when the error is raised. */
#include "demo.h"

struct job {
    async_frame frame;
    async_task task;
    int number, outcome;
};

/* The second one fails, after 2 s. */
static ASYNC job(struct job *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_sleep(ASYNC_SEC(self->number)));
        if (self->number == 2) {
            say("  job 2 fails");
            ASYNC_RAISE(ASYNC_EIO);
        }
        say("  job %d is done", self->number);
    } ASYNC_FINALLY(self->outcome) {
        if (self->outcome == ASYNC_CANCEL) {
            say("  job %d was cancelled, and cleans up", self->number);
            AWAIT(async_sleep(ASYNC_MS(300)));
        }
    } ASYNC_TRY_END;
    ASYNC_RETURN(self->number * 100);
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct job jobs[3];
    async_waiter waiters[3];
    async_wait_set set;
    int failed, error;
};

static void start(struct program *self)
{
    int i;

    for (i = 0; i < 3; i++) {
        self->jobs[i].number = i + 1;
        async_spawn(&self->jobs[i].task, job, &self->jobs[i]);
        self->waiters[i].task = &self->jobs[i].task;
    }
}

static void report(struct program *self)
{
    int i;

    for (i = 0; i < 3; i++) {
        int result = async_result(&self->jobs[i].task);

        if (result >= 0) {
            say("job %d returned %d", i + 1, result);
        } else {
            say("job %d: %s", i + 1, async_strerror(result));
        }
    }
}

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    start(self);
    AWAIT_VALUE(self->failed, async_gather_all(&self->set, self->waiters, 3));
    say("%d failed", self->failed);
    report(self);

    title("Fail fast");
    start(self);
    ASYNC_TRY {
        AWAIT(async_gather(&self->set, self->waiters, 3));
        say("never said");
    } ASYNC_CATCH(self->error) {
        say("raised: %s", async_strerror(self->error));
    } ASYNC_TRY_END;
    report(self);
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    title("Collect all");
    return async_run(program, &frame);
}

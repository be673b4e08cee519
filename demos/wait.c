/* wait: until the first, the first to fail, or all of several tasks end.
 *
 *     make run DEMO=wait
 *
 * async_wait leaves the tasks alone: it cancels none and raises no error of
 * theirs. It says how many are done; which ones, async_done tells. */
#include "demo.h"

struct job {
    async_frame frame;
    async_task task;
    int ms, result;
};

static ASYNC job(struct job *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_MS(self->ms)));
    ASYNC_RETURN(self->result);
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct job jobs[3];
    async_waiter waiters[3];
    async_wait_set set;
    async_timeout scope;
    int done, error;
};

/* Three jobs; the second returns `result`. */
static void start(struct program *self, int a, int b, int c, int result)
{
    int i;

    self->jobs[0].ms = a;
    self->jobs[1].ms = b;
    self->jobs[2].ms = c;
    self->jobs[1].result = result;
    for (i = 0; i < 3; i++) {
        async_spawn(&self->jobs[i].task, job, &self->jobs[i]);
        self->waiters[i].task = &self->jobs[i].task;
    }
}

static void report(struct program *self)
{
    char text[80] = "";
    size_t used = 0;
    int i;

    for (i = 0; i < 3; i++) {
        int result = async_result(&self->jobs[i].task);

        used += (size_t)snprintf(text + used, sizeof text - used,
                                 "  %d: %s", i + 1,
                                 result == ASYNC_PENDING ? "pending"
                                 : result < 0 ? "failed" : "done");
    }
    say("%d of 3%s", self->done, text);
}

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    start(self, 1000, 2000, 3000, 0);
    AWAIT_VALUE(self->done, async_wait(&self->set, self->waiters, 3,
                                       ASYNC_FIRST_COMPLETED));
    report(self);
    AWAIT_VALUE(self->done, async_wait(&self->set, self->waiters, 3,
                                       ASYNC_ALL_COMPLETED));
    report(self);

    title("First error, or all");
    start(self, 1000, 2000, 3000, ASYNC_EIO);
    AWAIT_VALUE(self->done, async_wait(&self->set, self->waiters, 3,
                                       ASYNC_FIRST_EXCEPTION));
    report(self);
    AWAIT(async_join(&self->jobs[2].task));     /* it went on */
    self->done = 3;
    report(self);

    title("All completed");
    start(self, 500, 1000, 300, 0);
    AWAIT_VALUE(self->done, async_wait(&self->set, self->waiters, 3,
                                       ASYNC_ALL_COMPLETED));
    report(self);

    title("All completed, but for at most 2 s");
    start(self, 1000, 1500, 3000, 0);
    ASYNC_TRY {
        AWAIT(ASYNC_TIMEOUT(&self->scope, ASYNC_SEC(2),
                            async_wait(&self->set, self->waiters, 3,
                                       ASYNC_ALL_COMPLETED)));
    } ASYNC_CATCH(self->error) {
        say("%s", async_strerror(self->error));
    } ASYNC_TRY_END;
    self->done = 2;
    report(self);
    AWAIT(async_join(&self->jobs[2].task));
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    title("First completed, then the rest");
    return async_run(program, &frame);
}

/* timeout: an operation under a limit.
 *
 *     make run DEMO=timeout
 *
 * ASYNC_TIMEOUT awaits anything for at most so long. If it takes longer, it is
 * cancelled, its cleanup is awaited, and then the error ASYNC_ETIMEDOUT is
 * raised. If it does not, its result passes through as if there were no
 * limit. The scope is a member of the frame. */
#include "demo.h"

struct operation {
    async_frame frame;
    int error;
};

static ASYNC operation(struct operation *self)
{
    ASYNC_BEGIN(self);
    say("  operation: start");
    ASYNC_TRY {
        AWAIT(async_sleep(ASYNC_SEC(10)));
    } ASYNC_CATCH_ALL(self->error) {
        say("  operation: cancelled");
        ASYNC_RAISE(self->error);
    } ASYNC_TRY_END;
    say("  operation: end");
    ASYNC_RETURN(42);
    ASYNC_END;
}

struct caller {
    async_frame frame;
    async_timeout scope;
    struct operation operation;
    async_task task;
    int limit;              /* in seconds */
    int result, error;
};

static ASYNC under_a_limit(struct caller *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT_VALUE(self->result,
                    ASYNC_TIMEOUT(&self->scope, ASYNC_SEC(self->limit),
                                  operation(&self->operation)));
        say("caller: the result is %d", self->result);
    } ASYNC_CATCH(self->error) {
        say("caller: %s", async_strerror(self->error));
    } ASYNC_TRY_END;
    ASYNC_END;
}

/* The limit may be on the wait for a task. It is cancelled, too: use
 * async_shield to leave a task alone. */
static ASYNC limit_on_a_task(struct caller *self)
{
    ASYNC_BEGIN(self);
    async_spawn(&self->task, operation, &self->operation);
    AWAIT_RESULT(self->error,
                 ASYNC_TIMEOUT(&self->scope, ASYNC_SEC(3),
                               async_join(&self->task)));
    say("caller: the join: %s", async_strerror(self->error));
    AWAIT_RESULT(self->error, async_join(&self->task));
    say("caller: a second join: %s", async_strerror(self->error));
    ASYNC_END;
}

int main(void)
{
    struct caller caller = {0};

    title("10 s of work under a limit of 3 s");
    caller.limit = 3;
    async_run(under_a_limit, &caller);

    title("The same under a limit of 20 s");
    caller.limit = 20;
    async_run(under_a_limit, &caller);
    say("and nothing waits for the rest of the 20 s");

    title("A limit on a task that runs already");
    async_run(limit_on_a_task, &caller);
    return 0;
}

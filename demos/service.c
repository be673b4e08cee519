/* service: a loop that survives a request that fails.
 *
 *     make run DEMO=service
 *
 * The catch inside the loop handles every error of a request, and the next one
 * is served. It does not take a cancellation: that ends the loop, as it
 * should. */
#include "demo.h"

struct request {
    async_frame frame;
};

static ASYNC serve(struct request *self, int number)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(1)));
    if (number == 2) {
        ASYNC_RAISE(ASYNC_ECONNRESET);
    }
    say("  request %d: served", number);
    ASYNC_END;
}

struct service {
    async_frame frame;
    async_task task;
    struct request request;
    int number, error;
};

static ASYNC service(struct service *self)
{
    ASYNC_BEGIN(self);
    for (self->number = 1;; self->number++) {
        ASYNC_TRY {
            AWAIT(serve(&self->request, self->number));
        } ASYNC_CATCH(self->error) {
            say("  request %d: %s", self->number, async_strerror(self->error));
            AWAIT(async_sleep(ASYNC_MS(500)));
            say("  request %d: apologised for", self->number);
        } ASYNC_TRY_END;
    }
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct service service;
    int result;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    async_spawn(&self->service.task, service, &self->service);
    AWAIT(async_sleep(ASYNC_SEC(5)));
    say("main: closing time");
    async_cancel(&self->service.task);
    AWAIT_RESULT(self->result, async_join(&self->service.task));
    say("main: the service is %s", async_strerror(self->result));
    ASYNC_END;
}

int main(void)
{
    struct program frame = {0};

    return async_run(program, &frame);
}

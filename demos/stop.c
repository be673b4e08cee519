/* stop: an object that owns a task, with start() and stop().
 *
 *     make run DEMO=stop
 *
 * stop() cancels the task and waits until it is gone. For the owner the
 * cancellation is what it wanted: a success. Calling stop() twice, or before
 * start(), does nothing: async_cancel says whether there was a task to hit. */
#include "demo.h"

struct ticker {
    async_frame frame;      /* of the ticking itself */
    async_task task;
    int ticks;
};

static ASYNC ticker(struct ticker *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT(async_sleep(ASYNC_SEC(1)));
        self->ticks++;
        say("  tick %d", self->ticks);
    }
    ASYNC_END;
}

static void ticker_start(struct ticker *self)
{
    async_spawn(&self->task, ticker, self);
}

/* The frame of a stop is the caller's, as that of any coroutine. */
struct ticker_stop {
    async_frame frame;
    int result;
};

static ASYNC ticker_stop(struct ticker_stop *self, struct ticker *owned)
{
    ASYNC_BEGIN(self);
    if (async_cancel(&owned->task) == 1) {
        AWAIT_RESULT(self->result, async_join(&owned->task));
        if (self->result != ASYNC_ECANCELED) {
            ASYNC_RETURN(self->result);
        }
    }
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct ticker ticker;
    struct ticker_stop stop;
    int result;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->result, ticker_stop(&self->stop, &self->ticker));
    say("stopped before the start: %s", async_strerror(self->result));
    ticker_start(&self->ticker);
    say("started");
    AWAIT(async_sleep(ASYNC_MS(3500)));
    AWAIT_RESULT(self->result, ticker_stop(&self->stop, &self->ticker));
    say("stopped: %s", async_strerror(self->result));
    AWAIT_RESULT(self->result, ticker_stop(&self->stop, &self->ticker));
    say("stopped twice: %s", async_strerror(self->result));
    ticker_start(&self->ticker);
    say("started again");
    AWAIT(async_sleep(ASYNC_MS(1500)));
    AWAIT(ticker_stop(&self->stop, &self->ticker));
    say("stopped");
    ASYNC_END;
}

int main(void)
{
    struct program frame = {0};

    return async_run(program, &frame);
}

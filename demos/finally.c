/* finally: one cleanup for every way out.
 *
 *     make run DEMO=finally
 *
 * The block is left by its end, a return, an error, a cancellation, a timeout,
 * a break. The finally runs once each time and may await; what was under way
 * waits in `outcome` meanwhile, and then goes on. */
#include "demo.h"

enum way { END, RETURN, ERROR, CANCEL, TIMEOUT, BREAK, WAYS };

static const char *const names[WAYS] = {
    "its end", "a return", "an error", "a cancellation", "a timeout", "a break"
};

struct block {
    async_frame frame;
    async_task task;
    async_timeout scope;
    enum way way;
    int outcome;
};

static ASYNC block(struct block *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        ASYNC_TRY {
            switch (self->way) {            /* without an await in it */
            case RETURN:
                ASYNC_RETURN(42);
            case ERROR:
                ASYNC_RAISE(ASYNC_EIO);
            default:
                break;                      /* the switch's own */
            }
            if (self->way == CANCEL) {
                AWAIT(async_sleep(ASYNC_SEC(5)));
            }
            if (self->way == TIMEOUT) {
                AWAIT(ASYNC_TIMEOUT(&self->scope, ASYNC_SEC(1),
                                    async_sleep(ASYNC_SEC(5))));
            }
            if (self->way == BREAK) {
                break;                      /* the loop's */
            }
        } ASYNC_FINALLY(self->outcome) {
            say("  %s: cleaning up", names[self->way]);
            AWAIT(async_sleep(ASYNC_MS(500)));
            say("  clean");
        } ASYNC_TRY_END;
        ASYNC_RETURN(1);
    }
    ASYNC_RETURN(2);
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct block block;
    int i, result;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    for (self->i = END; self->i < WAYS; self->i++) {
        self->block.way = (enum way)self->i;
        async_spawn(&self->block.task, block, &self->block);
        if (self->block.way == CANCEL) {
            AWAIT(async_sleep(ASYNC_SEC(1)));
            async_cancel(&self->block.task);
        }
        AWAIT_RESULT(self->result, async_join(&self->block.task));
        if (self->result < 0) {
            say("error: %s", async_strerror(self->result));
        } else {
            say("result: %d", self->result);
        }
    }
    ASYNC_END;
}

int main(void)
{
    struct program frame = {0};

    return async_run(program, &frame);
}

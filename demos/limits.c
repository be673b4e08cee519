/* limits: one deadline for a block of waits, and deadlines within deadlines.
 *
 *     make run DEMO=limits
 *
 * Whichever await is under way when the time is over is the one that is hit.
 * Of nested limits the earlier one fires, and its own scope says so. */
#include "demo.h"

struct block {
    async_frame frame;
    async_timeout scope;
    int ms[3];              /* how long the three steps take */
    int i, error;
};

static ASYNC block(struct block *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_SEC(1)) {
            for (self->i = 0; self->i < 3; self->i++) {
                AWAIT(async_sleep(ASYNC_MS(self->ms[self->i])));
                say("  step %d is done", self->i + 1);
            }
        } ASYNC_TIMEOUT_END;
        say("in time");
    } ASYNC_CATCH(self->error) {
        say("step %d: %s", self->i + 1, async_strerror(self->error));
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct nested {
    async_frame frame;
    async_timeout outer, inner;
    int outer_s, inner_s;   /* their limits, in seconds */
    int error;
};

static ASYNC nested(struct nested *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        ASYNC_TIMEOUT_BEGIN(&self->outer, ASYNC_SEC(self->outer_s)) {
            ASYNC_TRY {
                ASYNC_TIMEOUT_BEGIN(&self->inner, ASYNC_SEC(self->inner_s)) {
                    AWAIT(async_sleep(ASYNC_SEC(9)));
                } ASYNC_TIMEOUT_END;
            } ASYNC_CATCH(self->error) {
                say("the inner limit: %s", async_strerror(self->error));
            } ASYNC_TRY_END;
        } ASYNC_TIMEOUT_END;
        say("and the outer block goes on to its end");
    } ASYNC_CATCH(self->error) {
        say("the outer limit: %s", async_strerror(self->error));
    } ASYNC_TRY_END;
    ASYNC_END;
}

int main(void)
{
    struct block quick = {0}, middling = {0}, slow = {0};
    struct nested nest = {0};

    quick.ms[0] = quick.ms[1] = quick.ms[2] = 300;
    middling.ms[0] = middling.ms[1] = middling.ms[2] = 400;
    slow.ms[0] = 2000;

    title("Three waits of 300 ms in a block of 1 s");
    async_run(block, &quick);
    title("Three of 400 ms: the third is hit");
    async_run(block, &middling);
    title("2 s at the beginning: the first is hit");
    async_run(block, &slow);

    title("A limit of 1 s in one of 3 s");
    nest.outer_s = 3;
    nest.inner_s = 1;
    async_run(nested, &nest);
    title("A limit of 3 s in one of 1 s");
    nest.outer_s = 1;
    nest.inner_s = 3;
    async_run(nested, &nest);
    return 0;
}

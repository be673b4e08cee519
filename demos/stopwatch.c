/* stopwatch: a scope that measures whatever is done in it.
 *
 *     make run DEMO=stopwatch
 *
 * A finally sees every way out, and touches neither result nor error. */
#include "demo.h"

struct work {
    async_frame frame;
    int seconds, result;
};

static ASYNC work(struct work *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(self->seconds)));
    ASYNC_RETURN(self->result);
    ASYNC_END;
}

struct timed {
    async_frame frame;
    async_ticks start;
    struct work work;
    int result, outcome;
};

static ASYNC timed(struct timed *self)
{
    ASYNC_BEGIN(self);
    self->start = async_now();
    ASYNC_TRY {
        AWAIT_VALUE(self->result, work(&self->work));
        ASYNC_RETURN(self->result);
    } ASYNC_FINALLY(self->outcome) {
        say("  it took %d tenths of a second",
            (int)((async_duration)(async_now() - self->start)
                  / ASYNC_MS(100)));
    } ASYNC_TRY_END;
    ASYNC_END;
}

int main(void)
{
    struct timed frame = {0};
    int result;

    title("A success");
    frame.work.seconds = 1;
    frame.work.result = 42;
    result = async_run(timed, &frame);
    say("result %d", result);

    title("An error");
    frame.work.seconds = 2;
    frame.work.result = ASYNC_EIO;
    result = async_run(timed, &frame);
    say("error: %s", async_strerror(result));
    return 0;
}

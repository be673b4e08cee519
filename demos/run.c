/* run: from plain C into a coroutine, and back with its result.
 *
 *     make run DEMO=run
 *
 * async_run makes a loop, runs one coroutine in it to the end, and returns what
 * that returned: a value, or a negative error. Afterwards nothing is left, so
 * it may be called again. main() makes the exit status of it. */
#include "demo.h"

struct answer {
    async_frame frame;
};

/* Nothing here waits: the loop never sleeps, and no time passes. */
static ASYNC answer(struct answer *self)
{
    ASYNC_BEGIN(self);
    ASYNC_RETURN(42);
    ASYNC_END;
}

struct program {
    async_frame frame;
    bool works;             /* what it is told is set in its struct */
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(1)));
    if (!self->works) {
        ASYNC_RAISE(ASYNC_EIO);
    }
    ASYNC_END;
}

int main(void)
{
    struct answer answer_frame = {0};
    struct program good = {0}, bad = {0};
    int result;

    say("without a wait: %d", async_run(answer, &answer_frame));
    say("and once more:  %d", async_run(answer, &answer_frame));

    bad.works = false;
    result = async_run(program, &bad);
    say("a program that fails: %s", async_strerror(result));

    good.works = true;
    result = async_run(program, &good);
    say("a program that works: %s", async_strerror(result));
    return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* generators: many values, one after the other, with waits in between.
 *
 *     make run DEMO=generators
 *
 * First by hand, with a function that is awaited once for each item. Then as a
 * generator, which is a loop with ASYNC_YIELD in it: shorter, and the same to
 * look at. Items go through an argument, so any value may be one. */
#include "demo.h"

/* ---- by hand: next() answers with an item, or with the end --------------- */

#define THE_END ASYNC_EUSER(0)

struct source {
    async_frame frame;
    int i;
};

static ASYNC source_next(struct source *self, const char **item)
{
    static const char *const labels[] = { "one", "two", "three", "four",
                                          "five" };

    ASYNC_BEGIN(self);
    if (self->i == 5) {
        ASYNC_RAISE(THE_END);
    }
    AWAIT(async_sleep(ASYNC_MS(200)));
    *item = labels[self->i++];
    ASYNC_END;
}

struct reader {
    async_frame frame;
    struct source source;
    const char *item;
    int result;
};

static ASYNC by_hand(struct reader *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT_RESULT(self->result, source_next(&self->source, &self->item));
        if (self->result == THE_END) {
            break;
        }
        say("  item %s", self->item);
    }
    say("the end");
    ASYNC_END;
}

/* ---- the same idea as generators ----------------------------------------- */

struct range {
    async_generator frame;  /* a generator's frame is of this type */
    int i;
};

static ASYNC range(struct range *self, int end, int *item)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < end; self->i++) {
        AWAIT(async_sleep(ASYNC_MS(100)));
        *item = self->i;
        ASYNC_YIELD();
    }
    ASYNC_END;
}

static ASYNC countdown(struct range *self, int from, int to, int *item)
{
    ASYNC_BEGIN(self);
    for (self->i = from; self->i >= to; self->i--) {
        *item = self->i;
        ASYNC_YIELD();
        AWAIT(async_sleep(ASYNC_SEC(1)));
    }
    ASYNC_END;
}

struct loops {
    async_frame frame;
    struct range range;
    int item;
};

static ASYNC a_range(struct loops *self)
{
    ASYNC_BEGIN(self);
    ASYNC_FOR(range, &self->range, 5, &self->item) {
        say("  %d", self->item);
    } ASYNC_FOR_END;
    ASYNC_END;
}

static ASYNC a_countdown(struct loops *self)
{
    ASYNC_BEGIN(self);
    ASYNC_FOR(countdown, &self->range, 5, 1, &self->item) {
        say("  %d", self->item);
    } ASYNC_FOR_END;
    say("lift-off");
    ASYNC_END;
}

static ASYNC below_zero(struct loops *self)
{
    ASYNC_BEGIN(self);
    ASYNC_FOR(countdown, &self->range, 2, -2, &self->item) {
        say("  %d degrees", self->item);
    } ASYNC_FOR_END;
    ASYNC_END;
}

int main(void)
{
    struct reader reader = {0};
    struct loops loops = {0};

    title("By hand");
    async_run(by_hand, &reader);
    title("A range");
    async_run(a_range, &loops);
    title("A countdown");
    async_run(a_countdown, &loops);
    title("Below zero");
    async_run(below_zero, &loops);
    return 0;
}

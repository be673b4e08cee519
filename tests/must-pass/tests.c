/* Tests of coroutines with typed and untyped entries, as statements and as
 * expressions, with an ASYNC_EXPECT wherever an expression may stand.
 *
 * flags: -DASYNC_SIM=1
 */
#include "async.h"

struct self { async_frame frame; int n; };

static ASYNC typed(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(60)));
    ASYNC_EXPECT(self->n == 1 && "it is one");
    ASYNC_END;
}

static ASYNC untyped(void *argument)
{
    struct self *self = (struct self *)argument;

    if (self->n != 0)
        ASYNC_EXPECT(self->n > 0);
    else
        ASYNC_EXPECT(false);
    return self->n > 0 ? (ASYNC_EXPECT(self->n < 100), self->n) : 0;
}

int runs(async_tests *tests);

int runs(async_tests *tests)
{
    static struct self self[2];
    const async_duration limit = ASYNC_SEC(100);

    tests->seeds = 100;
    if (ASYNC_TEST(tests, "typed", typed, &self[0], limit))
        ASYNC_TEST(tests, "untyped", untyped, &self[1], ASYNC_NEVER);
    else
        ASYNC_TEST_GIVES(tests, "an error", typed, self + 1, limit,
                         ASYNC_ETIMEDOUT);
    async_sim_seed(async_sim_random(5));
    return async_sim_advance(limit) < 0 || tests->failed != 0;
}

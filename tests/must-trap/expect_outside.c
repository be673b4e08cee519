/* A condition of a test that does not hold where no test runs.
 *
 * trap: ASYNC_EXPECT does not hold, and no test runs
 * flags: -DASYNC_SIM=1
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct self { async_frame frame; };

static ASYNC test(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(1)));
    ASYNC_EXPECT(self == NULL);
    ASYNC_END;
}

int main(int argc, char **argv)
{
    static async_tests tests;
    static struct self self;

    (void)argv;
    ASYNC_TEST(&tests, "a test", test, &self, ASYNC_NEVER);
    ASYNC_EXPECT(tests.failed == 1);
    ASYNC_EXPECT(argc == 2);
    return 0;
}

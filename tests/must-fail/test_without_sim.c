/* A test needs virtual time.
 *
 * gcc c: async_this_needs_ASYNC_SIM_1
 * gcc c++: async_this_needs_ASYNC_SIM_1
 * clang c: async_this_needs_ASYNC_SIM_1
 * clang c++: async_this_needs_ASYNC_SIM_1
 */
#include "async.h"

struct self { async_frame frame; };

static ASYNC test(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(60)));
    ASYNC_END;
}

int main(void)
{
    static struct self self;

    ASYNC_TEST(NULL, "a test", test, &self, ASYNC_SEC(60));
    return 0;
}

/* A number is awaited: here the call of async_sleep is missing around it.
 *
 * gcc c: async_await_of_a_constant
 * gcc c -O2: async_await_of_a_constant
 * clang c: async_await_of_a_constant
 */
#include "async.h"

struct self { async_frame frame; };

static ASYNC naps(struct self *s)
{
    ASYNC_BEGIN(s);
    AWAIT(ASYNC_MS(5));
    ASYNC_END;
}

int main(void)
{
    static struct self self;

    return async_run(naps, &self);
}

/* An awaitable forgets the timeout that it has begun, and an outer one ends.
 *
 * trap: scope_order.c:[0-9]+: limited: task `limited` \(spawned at .*\): a timeout: left before another one inside it
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct self { async_frame frame; async_timeout inner, outer; int calls; };

static async_status forgets(struct self *s)
{
    if (s->calls++ == 0) {
        return ASYNC_TIMEOUT(&s->inner, ASYNC_MS(100),
                             async_sleep(ASYNC_MS(1)));
    }
    return 0;
}

static ASYNC limited(struct self *s)
{
    ASYNC_BEGIN(s);
    AWAIT(ASYNC_TIMEOUT(&s->outer, ASYNC_MS(200), forgets(s)));
    ASYNC_END;
}

static struct self self;

int main(void)
{
    return async_run(limited, &self);
}

/* A task ends inside a timeout that it never left.
 *
 * trap: task `limited` \(spawned at .*\): it ends inside a timeout or group
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct self { async_frame frame; async_timeout scope; int calls; };

static async_status forgets(struct self *s)
{
    if (s->calls++ == 0) {
        return ASYNC_TIMEOUT(&s->scope, ASYNC_MS(100),
                             async_sleep(ASYNC_MS(1)));
    }
    return 0;
}

static ASYNC limited(struct self *s)
{
    ASYNC_BEGIN(s);
    AWAIT(forgets(s));
    ASYNC_END;
}

static struct self self;

int main(void)
{
    return async_run(limited, &self);
}

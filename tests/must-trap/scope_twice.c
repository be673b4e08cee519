/* A timeout block inside a block with the same scope.
 *
 * trap: scope_twice.c:[0-9]+: limits: task `limits` \(spawned at .*\): a timeout: entered again, but not left yet
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct self { async_frame frame; async_timeout scope; };

static ASYNC limits(struct self *s)
{
    ASYNC_BEGIN(s);
    ASYNC_TIMEOUT_BEGIN(&s->scope, ASYNC_MS(2)) {
        ASYNC_TIMEOUT_BEGIN(&s->scope, ASYNC_MS(1)) {
            AWAIT(async_sleep(ASYNC_MS(1)));
        } ASYNC_TIMEOUT_END;
    } ASYNC_TIMEOUT_END;
    ASYNC_END;
}

static struct self self;

int main(void)
{
    return async_run(limits, &self);
}

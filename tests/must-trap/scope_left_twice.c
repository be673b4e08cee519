/* An await with a limit around an await with the same scope.
 *
 * trap: scope_left_twice.c:[0-9]+: limits: task `limits` \(spawned at .*\): a timeout: left twice: it is in two places
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct self { async_frame frame; async_timeout scope; };

static ASYNC limits(struct self *s)
{
    ASYNC_BEGIN(s);
    AWAIT(ASYNC_TIMEOUT(&s->scope, ASYNC_MS(2),
                        ASYNC_TIMEOUT(&s->scope, ASYNC_MS(1),
                                      async_sleep(ASYNC_MS(0)))));
    ASYNC_END;
}

static struct self self;

int main(void)
{
    return async_run(limits, &self);
}

/* A deadline passes: in which await was the task, when it did? A finally that
 * waits comes after it.
 *
 * trap: raised in limits, at .*error_timeout.c:17$
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct self { async_frame frame; async_timeout scope; int outcome; };

static ASYNC limits(struct self *s)
{
    ASYNC_BEGIN(s);
    ASYNC_TRY {
        ASYNC_TIMEOUT_BEGIN(&s->scope, ASYNC_MS(2)) {
            AWAIT(async_sleep(ASYNC_MS(1)));
            AWAIT(async_sleep(ASYNC_MS(20)));
            AWAIT(async_sleep(ASYNC_MS(1)));
        } ASYNC_TIMEOUT_END;
    } ASYNC_FINALLY(s->outcome) {
        AWAIT(async_sleep(ASYNC_MS(1)));
    } ASYNC_TRY_END;
    ASYNC_END;
}

static struct self self;

int main(void)
{
    return async_run(limits, &self) == ASYNC_ETIMEDOUT;
}

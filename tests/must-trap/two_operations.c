/* A second operation is started while the first, not awaited, is under way: a
 * task waits for one thing at a time.
 *
 * trap: two_operations.c:17: careless: task `careless` \(spawned at .*\): async_future_wait: called while another operation is under way
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct self { async_frame frame; async_future future; int rc; };

static ASYNC careless(struct self *s)
{
    ASYNC_BEGIN(s);
    s->rc = async_sleep(ASYNC_MS(1));

    /* The line of this is in the message. */
    AWAIT(async_future_wait(&s->future));
    ASYNC_END;
}

static struct self self;

int main(void)
{
    return async_run(careless, &self);
}

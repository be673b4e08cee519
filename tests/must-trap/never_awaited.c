/* An operation is started, but not awaited, and the task ends.
 *
 * trap: task `careless` \(spawned at .*never_awaited.c:[0-9]+\): it ends while an operation is under way that was started but not awaited
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct self { async_frame frame; int rc; };

static ASYNC careless(struct self *s)
{
    ASYNC_BEGIN(s);
    s->rc = async_sleep(ASYNC_MS(1));
    ASYNC_END;
}

static struct self self;

int main(void)
{
    return async_run(careless, &self);
}

/* The same with a yield, which parks nowhere.
 *
 * trap: task `careless` \(spawned at .*yield.c:[0-9]+\): it ends while an operation is under way
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct self { async_frame frame; int rc; };

static ASYNC careless(struct self *s)
{
    ASYNC_BEGIN(s);
    s->rc = async_yield();
    ASYNC_END;
}

static struct self self;

int main(void)
{
    return async_run(careless, &self);
}

/* A task steps the loop that runs it.
 *
 * trap: step_inside.c:[0-9]+: steps: task `steps` \(spawned at .*\): async_loop_step: no loop, or one that runs
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct self { async_frame frame; };

static ASYNC steps(struct self *s)
{
    ASYNC_BEGIN(s);
    async_loop_step(async_this_loop_);
    ASYNC_END;
}

static struct self self;

int main(void)
{
    return async_run(steps, &self);
}

/* A task ends in an error that nobody takes: it is named when the loop ends.
 * (Here what would be said is a trap.)
 *
 * trap: task `fetches` \(spawned at .*error_untaken.c:25\) ended in an error that nobody took: input or output failed \(-5\)
 */
#define ASYNC_WARN(message) ASYNC_TRAP(message)
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct fetch { async_frame frame; async_task task; };

static ASYNC fetches(struct fetch *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_yield());
    ASYNC_RAISE(ASYNC_EIO);
    ASYNC_END;
}

struct self { async_frame frame; struct fetch fetch; };

static ASYNC forgets(struct self *s)
{
    ASYNC_BEGIN(s);
    async_spawn(&s->fetch.task, fetches, &s->fetch);
    AWAIT(async_sleep(ASYNC_MS(1)));
    ASYNC_END;
}

static struct self self;

int main(void)
{
    return async_run(forgets, &self);
}

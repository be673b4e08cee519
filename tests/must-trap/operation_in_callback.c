/* A done callback is no task, though one has just ended.
 *
 * trap: no task: async_yield: called outside a task
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct self { async_frame frame; async_watch watch; };

static struct self self;
static int rc;

static void done(async_watch *watch, async_task *task)
{
    (void)watch;
    (void)task;
    rc = async_yield();
}

static ASYNC watched(struct self *s)
{
    ASYNC_BEGIN(s);
    async_on_done(async_current(), &s->watch, done);
    ASYNC_END;
}

int main(void)
{
    return async_run(watched, &self);
}

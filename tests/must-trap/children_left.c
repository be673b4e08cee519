/* A task ends while a child in its frame still runs.
 *
 * trap: task `nap` \(spawned at .*children_left.c:23\): it is not done, but the coroutine in whose frame it lives ends
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct child { async_frame frame; };
struct parent { async_frame frame; async_task task; struct child child; };
struct self { async_frame frame; async_task task; struct parent parent; };

static ASYNC nap(struct child *s)
{
    ASYNC_BEGIN(s);
    AWAIT(async_sleep(ASYNC_MS(1)));
    ASYNC_END;
}

static ASYNC spawns(struct parent *s)
{
    ASYNC_BEGIN(s);
    /* The line of this is in the message. */
    async_spawn(&s->task, nap, &s->child);
    ASYNC_END;
}

static ASYNC joins(struct self *s)
{
    ASYNC_BEGIN(s);
    async_spawn(&s->task, spawns, &s->parent);
    AWAIT(async_join(&s->task));
    ASYNC_END;
}

static struct self self;

int main(void)
{
    return async_run(joins, &self);
}

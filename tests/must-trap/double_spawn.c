/* A task is spawned that has not ended.
 *
 * trap: double_spawn.c:26: task `work` \(spawned at .*double_spawn.c:25\): it is spawned again
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct worker { async_frame frame; };
struct self { async_frame frame; async_task task; struct worker worker; };

static ASYNC work(struct worker *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_MS(1)));
    ASYNC_END;
}

static struct self self;
async_status mistakes(struct self *s);

async_status mistakes(struct self *s)
{
    ASYNC_BEGIN(s);
    /* The lines of these two are in the message. */
    async_spawn(&s->task, work, &s->worker);
    async_spawn(&s->task, work, &s->worker);
    ASYNC_END;
}

int main(void)
{
    return async_run(mistakes, &self);
}

/* A coroutine ends before the tasks that it has watched as they ended: the
 * waiters in its frame are still registered.
 *
 * trap: task `sleeps` \(spawned at .*waiter_left.c:45\): a waiter or callback for it stands in the frame of a coroutine that ends
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct sleeper { async_frame frame; async_task task; int ms; };

static struct sleeper sleepers[2];

static ASYNC sleeps(struct sleeper *s)
{
    ASYNC_BEGIN(s);
    AWAIT(async_sleep(ASYNC_MS(s->ms)));
    ASYNC_END;
}

struct look {
    async_frame frame;
    async_waiter waiters[2];
    async_wait_set set;
};

static ASYNC looks(struct look *s)
{
    ASYNC_BEGIN(s);
    s->waiters[0].task = &sleepers[0].task;
    s->waiters[1].task = &sleepers[1].task;
    AWAIT(async_next_done(&s->set, s->waiters, 2));
    ASYNC_END;
}

struct self { async_frame frame; struct look look; };

static struct self self;

static ASYNC waits(struct self *s)
{
    ASYNC_BEGIN(s);
    sleepers[0].ms = 1;
    sleepers[1].ms = 1000;
    async_spawn(&sleepers[0].task, sleeps, &sleepers[0]);
    async_spawn(&sleepers[1].task, sleeps, &sleepers[1]);
    AWAIT(looks(&s->look));
    ASYNC_END;
}

int main(void)
{
    return async_run(waits, &self);
}

/* A task ends while it holds a lock: nobody can ever release it.
 *
 * trap: lock_left.c:[0-9]+: waits: task `waits` \(spawned at .*\): async_lock_acquire: the task that holds the lock has ended without releasing it
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct self {
    async_frame frame, leaves;
    async_task task;
    async_lock lock;
};

static struct self self;

static ASYNC leaves(void *unused)
{
    (void)unused;
    return async_lock_acquire(&self.lock);
}

static ASYNC waits(struct self *s)
{
    ASYNC_BEGIN(s);
    async_spawn(&s->task, leaves, &s->leaves);
    AWAIT(async_join(&s->task));
    AWAIT(async_lock_acquire(&s->lock));
    ASYNC_END;
}

int main(void)
{
    return async_run(waits, &self);
}

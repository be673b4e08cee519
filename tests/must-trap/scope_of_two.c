/* Two tasks share a timeout scope.
 *
 * trap: scope_of_two.c:[0-9]+: sleeps: task `sleeps` \(spawned at .*\): a timeout: entered while another task is in it
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct sleeper { async_frame frame; async_timeout *scope; };
struct self {
    async_frame frame;
    async_timeout scope;
    async_task task;
    struct sleeper sleeper;
};

static ASYNC sleeps(struct sleeper *s)
{
    ASYNC_BEGIN(s);
    AWAIT(ASYNC_TIMEOUT(s->scope, ASYNC_MS(2), async_sleep(ASYNC_MS(1))));
    ASYNC_END;
}

static ASYNC shares(struct self *s)
{
    ASYNC_BEGIN(s);
    s->sleeper.scope = &s->scope;
    async_spawn(&s->task, sleeps, &s->sleeper);
    AWAIT(ASYNC_TIMEOUT(&s->scope, ASYNC_MS(2), async_join(&s->task)));
    ASYNC_END;
}

static struct self self;

int main(void)
{
    return async_run(shares, &self);
}

/* A task of one loop joins one of another loop of the same thread.
 *
 * trap: two_loops.c:[0-9]+: joins: task `joins` \(spawned at .*\): async_join: the task is another loop's
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct sleeper { async_frame frame; async_task task; };
struct joiner { async_frame frame; async_task task; async_task *other; };

static struct sleeper sleeper;
static struct joiner joiner;

static ASYNC sleeps(struct sleeper *s)
{
    ASYNC_BEGIN(s);
    AWAIT(async_sleep(ASYNC_MS(1)));
    ASYNC_END;
}

static ASYNC joins(struct joiner *s)
{
    ASYNC_BEGIN(s);
    AWAIT(async_join(s->other));
    ASYNC_END;
}

int main(void)
{
    async_loop one, other;

    async_loop_open(&one);
    async_loop_open(&other);
    async_loop_spawn(&other, &sleeper.task, sleeps, &sleeper);
    joiner.other = &sleeper.task;
    async_loop_spawn(&one, &joiner.task, joins, &joiner);
    return async_loop_run(&one, NULL);
}

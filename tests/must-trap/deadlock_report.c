/* A deadlock is reported with who waits for what, and where in its code.
 *
 * trap: task `waits` \(spawned at .*deadlock_report.c:33\) waits in async_future_wait
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct wait { async_frame frame; };
struct self { async_frame frame; async_future never; struct wait wait; };

static ASYNC waits(struct self *s)
{
    ASYNC_BEGIN(s);
    AWAIT(async_future_wait(&s->never));
    ASYNC_END;
}

static ASYNC waits_inside(struct self *s)
{
    ASYNC_BEGIN(&s->wait);
    AWAIT(waits(s));
    ASYNC_END;
}

static struct self self, outer;

int main(void)
{
    static async_task task[2];
    async_loop loop;

    if (async_loop_open(&loop) < 0
        || async_spawn(&task[0], waits, &self) < 0
        || async_spawn(&task[1], waits_inside, &outer) < 0) {
        return 0;
    }
    return async_loop_run(&loop, NULL) == ASYNC_EDEADLK;
}

/* A step that takes longer than the limit is named, with its task and place;
 * one that takes as long is not. (Here what would be said is a trap.)
 *
 * flags: -DASYNC_SLOW_MS=20
 * trap: slow step: 21 ms, from .*slow_step.c:31 to .*slow_step.c:33, in task `works` \(spawned at .*slow_step.c:42\)
 */
#define ASYNC_WARN(message) ASYNC_TRAP(message)

static unsigned long board_now;
static void idle(long ticks);

#define ASYNC_TICK_BITS 32
#define ASYNC_TICK_HZ 1000
#define ASYNC_CLOCK() ((async_ticks)board_now)
#define ASYNC_IDLE(loop, ticks) ((void)(loop), idle(ticks))
#define ASYNC_IMPLEMENTATION
#include "async.h"

static void idle(long ticks)
{
    board_now += (unsigned long)ticks;
}

struct self { async_frame frame; };

static ASYNC works(struct self *s)
{
    ASYNC_BEGIN(s);
    AWAIT(async_sleep(ASYNC_MS(1000)));     /* a wait is no work */
    board_now += 20;
    AWAIT(async_yield());
    board_now += 21;
    AWAIT(async_yield());
    ASYNC_END;
}

static struct self self;

int main(void)
{
    board_now = 1;
    return async_run(works, &self);
}

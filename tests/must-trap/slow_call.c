/* A timed call that takes longer than the limit is named, with where it was
 * asked for; one that takes as long is not. (What would be said is a trap.)
 *
 * flags: -DASYNC_SLOW_MS=20
 * trap: slow call: 21 ms, in `slow` \(asked for at .*slow_call.c:44\)
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

struct self { async_frame frame; async_call quick, slow; };

static void quick(async_call *call)
{
    (void)call;
    board_now += 20;
}

static void slow(async_call *call)
{
    (void)call;
    board_now += 21;
}

static struct self self;

static ASYNC works(struct self *s)
{
    ASYNC_BEGIN(s);
    async_call_later(&s->quick, ASYNC_MS(100), quick);
    async_call_later(&s->slow, ASYNC_MS(500), slow);
    AWAIT(async_sleep(ASYNC_MS(1000)));
    ASYNC_END;
}

int main(void)
{
    return async_run(works, &self);
}

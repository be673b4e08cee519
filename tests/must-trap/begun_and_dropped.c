/* A coroutine is called without AWAIT, its status kept, and its caller ends:
 * the one that was begun is named, with the place that it is at.
 *
 * trap: begun_and_dropped.c:15: saves \(task forgets\): it was begun, but its caller ends without having awaited it: an AWAIT is missing
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct save { async_frame frame; };
struct self { async_frame frame; struct save save; int rc; };

static ASYNC saves(struct save *s)
{
    ASYNC_BEGIN(s);
    AWAIT(async_yield());
    ASYNC_END;
}

static ASYNC forgets(struct self *s)
{
    ASYNC_BEGIN(s);
    s->rc = saves(&s->save);
    ASYNC_END;
}

static struct self self;

int main(void)
{
    return async_run(forgets, &self);
}

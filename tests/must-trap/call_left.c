/* A coroutine ends while a call that stands in its frame is pending: it would
 * be made in memory that somebody else uses.
 *
 * trap: call_left.c:24: forgets \(task works\): it ends, but a call that stands in its frame is pending: see async_call_cancel
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct child { async_frame frame; async_call call, made, cancelled; };
struct self { async_frame frame; struct child child; };

static void called(async_call *call)
{
    (void)call;
}

static ASYNC forgets(struct child *s)
{
    ASYNC_BEGIN(s);
    async_call_later(&s->call, ASYNC_MS(50), called);
    async_call_later(&s->cancelled, ASYNC_MS(50), called);
    async_call_later(&s->made, ASYNC_MS(1), called);
    async_call_cancel(&s->cancelled);
    AWAIT(async_sleep(ASYNC_MS(2)));
    ASYNC_END;
}

static ASYNC works(struct self *s)
{
    ASYNC_BEGIN(s);
    AWAIT(forgets(&s->child));
    ASYNC_END;
}

static struct self self;

int main(void)
{
    return async_run(works, &self);
}

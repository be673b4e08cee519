/* A coroutine is begun and dropped, and its caller goes on to wait for
 * something else: both are named.
 *
 * trap: begun_and_passed_by.c:23: forgets: task .forgets. .*: async_sleep: called while another operation is under way, which was started but not awaited \(by saves, suspended at .*begun_and_passed_by.c:15\)
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct save { async_frame frame; };
struct self { async_frame frame; struct save save; int rc; };

static ASYNC saves(struct save *s)
{
    ASYNC_BEGIN(s);
    AWAIT(async_sleep(ASYNC_MS(1)));
    ASYNC_END;
}

static ASYNC forgets(struct self *s)
{
    ASYNC_BEGIN(s);
    s->rc = saves(&s->save);
    AWAIT(async_sleep(ASYNC_MS(2)));
    ASYNC_END;
}

static struct self self;

int main(void)
{
    return async_run(forgets, &self);
}

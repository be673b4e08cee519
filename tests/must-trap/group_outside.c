/* A group's block in a coroutine that is driven by hand: no task could be
 * struck.
 *
 * trap: no task: ASYNC_GROUP_BEGIN: called outside a task
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct self { async_frame frame; async_group group; };

static struct self self;

static ASYNC block(struct self *s)
{
    ASYNC_BEGIN(s);
    ASYNC_GROUP_BEGIN(&s->group) {
    } ASYNC_GROUP_END;
    ASYNC_END;
}

int main(void)
{
    return block(&self);
}

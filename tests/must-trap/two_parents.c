/* One frame awaited by two coroutines at a time.
 *
 * trap: two_parents.c:[0-9]+: child: its frame is awaited by two parents
 */
#define ASYNC_NO_LOOP
#include "async.h"

#include <string.h>

struct child_self { async_frame frame; };
struct parent { async_frame frame; struct child_self *child; };

static ASYNC child(struct child_self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(ASYNC_PENDING);
    ASYNC_END;
}

static ASYNC parent_(struct parent *self)
{
    ASYNC_BEGIN(self);
    AWAIT(child(self->child));
    ASYNC_END;
}

int main(void)
{
    struct child_self shared;
    struct parent one, two;

    memset(&shared, 0, sizeof shared);
    memset(&one, 0, sizeof one);
    one.child = &shared;
    two = one;
    return parent_(&one) + parent_(&two) == 0;
}

/* The result of a coroutine is returned without awaiting it.
 *
 * trap: return_pending.c:[0-9]+: parent_: ASYNC_RETURN of something pending
 */
#define ASYNC_NO_LOOP
#include "async.h"

#include <string.h>

struct child_self { async_frame frame; };
struct parent { async_frame frame; struct child_self child; };

static ASYNC child(struct child_self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(ASYNC_PENDING);
    ASYNC_END;
}

static ASYNC parent_(struct parent *self)
{
    ASYNC_BEGIN(self);
    ASYNC_RETURN(child(&self->child));
    ASYNC_END;
}

int main(void)
{
    struct parent self;

    memset(&self, 0, sizeof self);
    return parent_(&self) == 0;
}

/* A frame that was not zeroed.
 *
 * trap: bad_frame.c:[0-9]+: coroutine: resumed at a point
 */
#define ASYNC_NO_LOOP
#include "async.h"

#include <string.h>

struct self { async_frame frame; };

static ASYNC coroutine(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(0);
    ASYNC_END;
}

int main(void)
{
    struct self self;

    memset(&self, 0, sizeof self);
    self.frame.point = 77;
    return coroutine(&self);
}

/* A plain return in a coroutine, which leaves its finally out.
 *
 * trap: plain_return.c:[0-9]+: returns: left by a plain return
 */
#define ASYNC_NO_LOOP
#include "async.h"

#include <string.h>

struct self { async_frame frame; int n, outcome; };

static ASYNC returns(struct self *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY
        AWAIT(0);
        if (self->n == 0) {
            return 3;
        }
    ASYNC_FINALLY(self->outcome)
        self->n = 1;
    ASYNC_TRY_END
    ASYNC_END;
}

int main(void)
{
    struct self self;

    memset(&self, 0, sizeof self);
    return returns(&self) != 3;
}

/* A break in a try outside of any loop.
 *
 * trap: stray_break_in_try.c:[0-9]+: strays: break outside of a loop
 */
#define ASYNC_NO_LOOP
#include "async.h"

#include <string.h>

struct self { async_frame frame; int outcome; };

static ASYNC strays(struct self *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY
        if (self->outcome == 0) {
            break;
        }
    ASYNC_FINALLY(self->outcome)
        AWAIT(0);
    ASYNC_TRY_END
    ASYNC_END;
}

int main(void)
{
    struct self self;

    memset(&self, 0, sizeof self);
    return strays(&self);
}

/* A generator that yields in a finally, while it is closed.
 *
 * trap: yield_while_closing.c:[0-9]+: loops: the generator yields while it is
 */
#define ASYNC_NO_LOOP
#include "async.h"

#include <string.h>

struct items { async_generator frame; int outcome; };
struct self { async_frame frame; struct items items; };

static ASYNC stubborn(struct items *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY
        ASYNC_YIELD();
    ASYNC_FINALLY(self->outcome)
        ASYNC_YIELD();
    ASYNC_TRY_END
    ASYNC_END;
}

static ASYNC loops(struct self *self)
{
    ASYNC_BEGIN(self);
    ASYNC_FOR(stubborn, &self->items)
        break;
    ASYNC_FOR_END
    ASYNC_END;
}

int main(void)
{
    struct self self;

    memset(&self, 0, sizeof self);
    return loops(&self);
}

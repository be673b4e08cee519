/* Without the short names, they are the user's. */
#define ASYNC_NO_SHORT_NAMES
#define ASYNC_IMPLEMENTATION
#include "async.h"

enum { AWAIT = 1, AWAIT_VALUE, AWAIT_RESULT, AWAIT_UNTIL, AWAIT_WHILE };

struct work { async_frame frame; int v, polls; };

static ASYNC waits(struct work *self)
{
    ASYNC_BEGIN(self);
    ASYNC_AWAIT(async_sleep(1));
    ASYNC_AWAIT_UNTIL(++self->polls == AWAIT_RESULT);
    ASYNC_AWAIT_WHILE(++self->polls < AWAIT_WHILE);
    ASYNC_AWAIT_VALUE(self->v, async_yield());
    ASYNC_AWAIT_RESULT(self->v, async_yield());
    ASYNC_RETURN(self->polls);
    ASYNC_END;
}

int main(void)
{
    static struct work work;

    return async_run(waits, &work) == AWAIT_WHILE ? 0 : 1;
}

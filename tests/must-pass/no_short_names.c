/* ASYNC_NO_SHORT_NAMES leaves AWAIT and its relatives to others. */
#define ASYNC_NO_LOOP
#define ASYNC_NO_SHORT_NAMES
#include "async.h"

#if defined AWAIT || defined AWAIT_VALUE || defined AWAIT_RESULT \
    || defined AWAIT_UNTIL || defined AWAIT_WHILE
#error "a short name is left"
#endif

enum { AWAIT, AWAIT_VALUE, AWAIT_RESULT };
struct self { async_frame frame; int n; };
async_status ready(int n);

async_status long_names(struct self *self);
async_status long_names(struct self *self)
{
    ASYNC_BEGIN(self);
    ASYNC_AWAIT(ready(AWAIT));
    ASYNC_AWAIT_VALUE(self->n, ready(AWAIT_VALUE));
    ASYNC_AWAIT_RESULT(self->n, ready(AWAIT_RESULT));
    ASYNC_AWAIT_UNTIL(self->n == 3);
    ASYNC_AWAIT_WHILE(self->n == 4);
    ASYNC_END;
}

/* AWAIT used as an expression: AWAIT_VALUE stores the result.
 *
 * gcc c: expected expression
 * gcc c++: expected primary-expression
 * clang c: expected expression
 * clang c++: expected expression
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct self { async_frame frame; int n; };
async_status ready(void);

async_status takes(struct self *self);
async_status takes(struct self *self)
{
    ASYNC_BEGIN(self);
    self->n = AWAIT(ready());
    ASYNC_END;
}

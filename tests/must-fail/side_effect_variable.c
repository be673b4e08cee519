/* The same with a plain variable, which clang sees too.
 *
 * gcc c: sequence-point
 * gcc c++: sequence-point
 * clang c: unsequenced
 * clang c++: unsequenced
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct self { async_frame frame; int result; };
async_status next(int n);

async_status again(struct self *self, int n);
async_status again(struct self *self, int n)
{
    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->result, next(n = n + 1));
    AWAIT_VALUE(self->result, next(n++));
    ASYNC_END;
}

/* A side effect in an awaited expression would happen at each resume.
 *
 * gcc c: sequence-point
 * gcc c++: sequence-point
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct self { async_frame frame; int n; };
async_status next(int n);

async_status again(struct self *self);
async_status again(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(next(self->n++));
    ASYNC_END;
}

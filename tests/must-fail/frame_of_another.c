/* A child that is given the frame of another coroutine.
 *
 * gcc c -Werror: incompatible pointer type
 * gcc c++: cannot convert
 * clang c -Werror: incompatible pointer type
 * clang c++: no matching function
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct child { async_frame frame; };
struct other { async_frame frame; };
struct self { async_frame frame; struct child child; struct other other; };

ASYNC run_child(struct child *self);
async_status mistakes(struct self *self);

async_status mistakes(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(run_child(&self->other));
    ASYNC_END;
}

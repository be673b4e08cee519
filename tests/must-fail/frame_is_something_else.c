/* A member that is called `frame` and is none.
 *
 * gcc c: .point. in something not a structure
 * gcc c++: request for member .point
 * clang c: not a structure
 * clang c++: not a structure
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct self { int frame; };

async_status frameless(struct self *self);
async_status frameless(struct self *self)
{
    ASYNC_BEGIN(self);
    ASYNC_END;
}

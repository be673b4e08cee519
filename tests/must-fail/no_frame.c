/* A coroutine's struct without a frame.
 *
 * gcc c: no member named 'frame'|no member named .frame
 * gcc c++: has no member named .frame
 * clang c: no member named 'frame'
 * clang c++: no member named 'frame'
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct self { int n; };

async_status frameless(struct self *self);
async_status frameless(struct self *self)
{
    ASYNC_BEGIN(self);
    ASYNC_END;
}

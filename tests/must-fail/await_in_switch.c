/* An await in a switch of the user's own: seen by a lint build.
 *
 * gcc c -DASYNC_LINT=1: overflow
 * gcc c++ -DASYNC_LINT=1: narrowing|overflow
 * clang c -DASYNC_LINT=1: overflow
 * clang c++ -DASYNC_LINT=1: cannot be narrowed|evaluates to|overflow
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct self { async_frame frame; int n; };
async_status ready(void);

async_status switches(struct self *self);
async_status switches(struct self *self)
{
    ASYNC_BEGIN(self);
    switch (self->n) {
    case 1:
        AWAIT(ready());
        break;
    default:
        break;
    }
    ASYNC_END;
}

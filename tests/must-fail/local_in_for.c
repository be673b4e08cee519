/* The index of a for, declared inside of it, begins again at each resume.
 *
 * gcc c: jump-misses-init
 * gcc c++: crosses initialization
 * clang c++: cannot jump
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct self { async_frame frame; };
async_status ready(void);

async_status lost(struct self *self);
async_status lost(struct self *self)
{
    ASYNC_BEGIN(self);
    for (int i = 0; i < 3; i++) {
        AWAIT(ready());
    }
    ASYNC_END;
}

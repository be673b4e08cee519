/* The same within the body of a try, and in its catch.
 *
 * gcc c: jump-misses-init
 * gcc c++: crosses initialization
 * clang c++: cannot jump
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct self { async_frame frame; int error; };
async_status ready(void);
void use(int value);

async_status lost(struct self *self);
async_status lost(struct self *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY
        AWAIT(ready());
    ASYNC_CATCH(self->error)
        int i = 3;
        AWAIT(ready());
        use(i);
    ASYNC_TRY_END
    ASYNC_END;
}

/* A try that is not closed.
 *
 * gcc c: expected|label
 * gcc c++: expected|label
 * clang c: expected
 * clang c++: expected
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct self { async_frame frame; int error; };
async_status ready(void);

async_status opens(struct self *self);
async_status opens(struct self *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY
        AWAIT(ready());
    ASYNC_CATCH(self->error)
    ASYNC_END;
}

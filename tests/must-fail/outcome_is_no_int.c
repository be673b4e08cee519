/* A finally whose outcome is kept in less than an int.
 *
 * gcc c: async_outcome_is_an_int
 * gcc c++: async_outcome_is_an_int
 * clang c: async_outcome_is_an_int
 * clang c++: async_outcome_is_an_int
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct self { async_frame frame; short outcome; };
async_status ready(void);

async_status truncates(struct self *self);
async_status truncates(struct self *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY
        AWAIT(ready());
    ASYNC_FINALLY(self->outcome)
        AWAIT(ready());
    ASYNC_TRY_END
    ASYNC_END;
}

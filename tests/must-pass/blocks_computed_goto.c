/* Awaits and blocks in a switch of the user's own, with computed gotos.
 *
 * flags: -DASYNC_COMPUTED_GOTO=1
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct self { async_frame frame; int n, error, outcome; };
async_status ready(void);

async_status switches(struct self *self);
async_status switches(struct self *self)
{
    ASYNC_BEGIN(self);
    switch (self->n) {
    case 1:
        AWAIT(ready());
        break;
    case 2:
        ASYNC_TRY
            AWAIT(ready());
        ASYNC_CATCH(self->error)
            AWAIT(ready());
        ASYNC_FINALLY(self->outcome)
            AWAIT(ready());
        ASYNC_TRY_END
        break;
    default:
        ASYNC_RETURN(3);
    }
    ASYNC_END;
}

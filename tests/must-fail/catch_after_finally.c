/* A catch behind the finally: it comes before it.
 *
 * gcc c: label .*async_handler_
 * gcc c++: label .*async_handler_
 * clang c: label .*async_handler_
 * clang c++: label .*async_handler_
 * gcc c -DASYNC_NO_LOCAL_LABELS: duplicate case value
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct self { async_frame frame; int outcome, error; };
async_status ready(void);

async_status late(struct self *self);
async_status late(struct self *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(ready());
    } ASYNC_FINALLY(self->outcome) {
        AWAIT(ready());
    } ASYNC_CATCH(self->error) {
        AWAIT(ready());
    } ASYNC_TRY_END;
    ASYNC_END;
}

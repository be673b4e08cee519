/* A loop over a coroutine that is no generator.
 *
 * gcc c: no member named .outcome
 * gcc c++: no member named .outcome
 * clang c: no member named 'outcome'
 * clang c++: no member named 'outcome'
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct child { async_frame frame; };
struct self { async_frame frame; struct child child; };
ASYNC run_child(struct child *self);

async_status loops(struct self *self);
async_status loops(struct self *self)
{
    ASYNC_BEGIN(self);
    ASYNC_FOR(run_child, &self->child)
    ASYNC_FOR_END
    ASYNC_END;
}

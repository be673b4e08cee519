/* A coroutine called without AWAIT: a warning without any flag.
 *
 * gcc c -Werror: unused.result
 * gcc c++ -Werror: unused.result
 * clang c -Werror: unused.result
 * clang c++ -Werror: unused.result
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct child { async_frame frame; };
struct self { async_frame frame; struct child child; };

ASYNC run_child(struct child *self);
ASYNC forgets(struct self *self);

ASYNC forgets(struct self *self)
{
    ASYNC_BEGIN(self);
    run_child(&self->child);
    ASYNC_END;
}

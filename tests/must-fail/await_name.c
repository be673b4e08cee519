/* What is awaited is a coroutine's name: its call, with its struct, is
 * missing.
 *
 * gcc c -Werror: makes integer from pointer
 * gcc c++: invalid conversion
 * clang c -Werror: pointer to integer conversion
 * clang c++: cannot initialize|incompatible|assigning to
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct child { async_frame frame; };
struct self { async_frame frame; struct child child; };

ASYNC run_child(struct child *self);
ASYNC waits(struct self *self);

ASYNC waits(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(run_child);
    ASYNC_END;
}

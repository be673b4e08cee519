/* An operation of the library without AWAIT: a warning without any flag. It
 * would only be started, and the coroutine would go on at once.
 *
 * gcc c -Werror: unused.result
 * gcc c++ -Werror: unused.result
 * clang c -Werror: unused.result
 * clang c++ -Werror: unused.result
 */
#include "async.h"

struct self { async_frame frame; };

ASYNC forgets(struct self *self);

ASYNC forgets(struct self *self)
{
    ASYNC_BEGIN(self);
    async_sleep(ASYNC_MS(1));
    ASYNC_END;
}

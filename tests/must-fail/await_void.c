/* What is awaited is an ordinary function without a result.
 *
 * gcc c: void value not ignored
 * gcc c++: void value not ignored
 * clang c: incompatible type .void.
 * clang c++: incompatible type .void.
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct self { async_frame frame; };

void blink(void);
ASYNC waits(struct self *self);

ASYNC waits(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(blink());
    ASYNC_END;
}

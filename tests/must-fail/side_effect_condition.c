/* The same in a polled condition, and in the arguments of a generator.
 *
 * gcc c: sequence-point
 * gcc c++: sequence-point
 * clang c: unsequenced
 * clang c++: unsequenced
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct items { async_generator frame; };
struct self { async_frame frame; struct items items; };
async_status next_item(struct items *self, int n);

async_status again(struct self *self, int n);
async_status again(struct self *self, int n)
{
    ASYNC_BEGIN(self);
    AWAIT_UNTIL(n-- == 0);
    ASYNC_FOR(next_item, &self->items, n += 2)
    ASYNC_FOR_END
    ASYNC_END;
}

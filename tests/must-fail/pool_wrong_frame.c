/* A task in a slot that is given the frame of another coroutine.
 *
 * gcc c -Werror: incompatible pointer type
 * gcc c++: cannot convert
 * clang c -Werror: incompatible pointer type
 * clang c++: cannot initialize a parameter
 */
#include "async.h"

struct worker { async_frame frame; };
struct other { async_frame frame; };

ASYNC worker(struct worker *self);
int mistakes(async_pool *pool, struct other *other);

int mistakes(async_pool *pool, struct other *other)
{
    return async_pool_spawn(pool, 0, worker, other);
}

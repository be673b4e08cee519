/* A task whose entry takes no frame at all.
 *
 * gcc c: too many arguments to function
 * gcc c++: too many arguments to function
 * clang c: too many arguments to function
 * clang c++: too many arguments to function
 */
#include "async.h"

struct other { async_frame frame; };

ASYNC worker(void);
int mistakes(async_task *task, struct other *other);

int mistakes(async_task *task, struct other *other)
{
    return async_spawn(task, worker, other);
}

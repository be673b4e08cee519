/* A server whose frames are those of another coroutine.
 *
 * gcc c -Werror: incompatible pointer type
 * gcc c++: cannot convert
 * clang c -Werror: incompatible pointer type
 * clang c++: cannot initialize a parameter
 */
#include "async.h"

struct session { async_frame frame; int fd; };
struct other { async_frame frame; int fd; };

ASYNC session(struct session *self);
int mistakes(async_server *server, async_slot *slots, struct other *others);

int mistakes(async_server *server, async_slot *slots, struct other *others)
{
    return async_server_open(server, 3, slots, others, 4, session);
}

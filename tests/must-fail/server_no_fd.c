/* A server's frames have no member for the descriptor.
 *
 * gcc c: no member named .fd.
 * gcc c++: no member named .fd.
 * clang c: no member named .fd.
 * clang c++: no member named .fd.
 */
#include "async.h"

struct session { async_frame frame; };

ASYNC session(struct session *self);
int mistakes(async_server *server, async_slot *slots, struct session *frames);

int mistakes(async_server *server, async_slot *slots, struct session *frames)
{
    return async_server_open(server, 3, slots, frames, 4, session);
}

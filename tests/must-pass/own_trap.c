/* A trap of the user's own, that is not known to end the program.
 *
 * flags: -DASYNC_DEBUG=1
 */
void my_trap(const char *message);
#define ASYNC_NO_LOOP
#define ASYNC_TRAP(message) my_trap(message)
#include "async.h"

struct self { async_frame frame; };
async_status ready(void);

async_status traps(struct self *self);
async_status traps(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(ready());
    ASYNC_END;
}

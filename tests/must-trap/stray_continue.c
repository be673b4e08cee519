/* A continue outside of any loop of the user's.
 *
 * trap: stray_continue.c:[0-9]+: strays: continue outside of a loop
 */
#define ASYNC_NO_LOOP
#include "async.h"

#include <string.h>

struct self { async_frame frame; int n; };

static ASYNC strays(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(0);
    if (self->n == 0) {
        continue;
    }
    ASYNC_END;
}

int main(void)
{
    struct self self;

    memset(&self, 0, sizeof self);
    return strays(&self);
}

/* The same, where the user's own value is the number of a point: the switch
 * jumps into an await that the frame is not at.
 *
 * trap: await_in_switch_equal.c:[0-9]+: switches: an await stands in a switch that is not
 */
#define ASYNC_NO_LOOP
#include "async.h"

#include <string.h>

struct self { async_frame frame; int n; };

static ASYNC switches(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(0);
    switch (self->n) {
    case 100:
        AWAIT(0);
        break;
    default:
        break;
    }
    ASYNC_END;
}

int main(void)
{
    struct self self;

    memset(&self, 0, sizeof self);
    self.n = 2;
    return switches(&self) != 0;
}

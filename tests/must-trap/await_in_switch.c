/* An await in a switch of the user's own: the resume finds no such case.
 *
 * trap: await_in_switch.c:[0-9]+: switches: resumed at a point that is not in
 */
#define ASYNC_NO_LOOP
#include "async.h"

#include <string.h>

struct self { async_frame frame; int n; };

static ASYNC switches(struct self *self)
{
    ASYNC_BEGIN(self);
    switch (self->n) {
    default:
        AWAIT(ASYNC_PENDING);
        break;
    }
    ASYNC_END;
}

int main(void)
{
    struct self self;

    memset(&self, 0, sizeof self);
    return switches(&self) + switches(&self) == 0;
}

/* A release build traps as well, where a resume finds no such case.
 *
 * flags: -UASYNC_DEBUG -DASYNC_DEBUG=0
 * trap: .*
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
    (void)!switches(&self);
    (void)!switches(&self);
    return 0;
}

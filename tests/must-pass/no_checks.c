/* ASYNC_NO_CHECKS: who knows what he does may count in an awaited expression,
 * and keep a local that is assigned on all ways.
 *
 * flags: -DASYNC_NO_CHECKS -Wno-maybe-uninitialized -Wno-unknown-warning-option
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct self { async_frame frame; int n; };
async_status ready(int n);

async_status counts(struct self *self);
async_status counts(struct self *self)
{
    int i;

    ASYNC_BEGIN(self);
    i = self->n;
    AWAIT(ready(self->n++));
    self->n += i;
    ASYNC_END;
}

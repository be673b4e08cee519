/* A compiler that does not count makes the points of lines: one await a line.
 *
 * flags: -DASYNC_NO_COUNTER -DASYNC_NO_LOCAL_LABELS
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct items { async_generator frame; int i; };
struct self { async_frame frame; struct items items; int n, error, outcome; };
async_status ready(void);
async_status numbers(struct items *self, int *out);
async_status lines(struct self *self);

async_status numbers(struct items *self, int *out)
{
    ASYNC_BEGIN(self);
    *out = 1;
    ASYNC_YIELD();
    *out = 2;
    ASYNC_YIELD();
    ASYNC_END;
}

async_status lines(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(ready());
    AWAIT(ready());
    ASYNC_TRY AWAIT(ready());
    ASYNC_CATCH(self->error) AWAIT(ready());
    ASYNC_FINALLY(self->outcome) AWAIT(ready());
    ASYNC_TRY_END
    ASYNC_WITH_AWAIT(self->outcome, ready(), ready())
        AWAIT(ready());
    ASYNC_WITH_END
    ASYNC_FOR(numbers, &self->items, &self->n)
        AWAIT(ready());
    ASYNC_FOR_END
    ASYNC_END;
}

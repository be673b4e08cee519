/* Every block, with and without braces and semicolons, as the only statement
 * of an if; none of them in a loop. */
#define ASYNC_NO_LOOP
#include "async.h"

struct items { async_generator frame; int i; };
struct self { async_frame frame; struct items items; int n, error, outcome; };
async_status ready(void);
int take(int *n);
void give(int *n);
async_status numbers(struct items *self, int *out);
async_status blocks(struct self *self);

async_status numbers(struct items *self, int *out)
{
    ASYNC_BEGIN(self);
    if (self->i) ASYNC_YIELD(); else ASYNC_YIELD();
    for (self->i = 0; self->i < 3; self->i++) {
        *out = self->i;
        ASYNC_YIELD();
    }
    ASYNC_END;
}

async_status blocks(struct self *self)
{
    ASYNC_BEGIN(self);
    if (self->n)
        ASYNC_TRY
            AWAIT(ready());
        ASYNC_CATCH(self->error)
            AWAIT(ready());
        ASYNC_TRY_END
    else
        ASYNC_TRY
            ASYNC_RAISE(-1);
        ASYNC_CATCH_ALL(self->error)
        ASYNC_FINALLY(self->outcome)
        ASYNC_TRY_END
    ASYNC_TRY {
        ASYNC_RETURN(3);
    } ASYNC_FINALLY(self->outcome) {
        AWAIT(ready());
    } ASYNC_TRY_END;
    if (self->n)
        ASYNC_WITH(take(&self->n), give(&self->n))
            AWAIT(ready());
        ASYNC_WITH_END
    else
        ASYNC_WITH_AWAIT(self->outcome, take(&self->n), ready())
            AWAIT(ready());
        ASYNC_WITH_END
    ASYNC_FOR(numbers, &self->items, &self->n) {
        AWAIT(ready());
        if (self->n == 2) {
            break;
        }
    } ASYNC_FOR_END;
    ASYNC_END;
}

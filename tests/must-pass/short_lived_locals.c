/* Locals that do not live across an await: in braces, in loops without one,
 * before ASYNC_BEGIN (they get their value at each resume), and what is
 * assigned again after each await. */
#define ASYNC_NO_LOOP
#include "async.h"

struct self { async_frame frame; int i, sum; };
async_status ready(void);
int value_of(int i);

async_status careful(struct self *self, int n);
async_status careful(struct self *self, int n)
{
    const int twice = 2 * n;
    int scratch;

    ASYNC_BEGIN(self);
    {
        int i = value_of(3), j = i;

        self->sum += i + j;
    }
    AWAIT(ready());
    for (int i = 0; i < n; i++) {
        self->sum += value_of(i);
    }
    for (self->i = 0; self->i < twice; self->i++) {
        scratch = value_of(self->i);
        self->sum += scratch;
        AWAIT(ready());
        scratch = value_of(twice);
        self->sum += scratch;
        if (self->sum > 3) {
            int high = value_of(4);

            self->sum -= high;
        }
    }
    ASYNC_RETURN(self->sum);
    ASYNC_END;
}

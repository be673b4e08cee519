/* Two coroutines in a file, one awaiting the other; nothing in them; awaits
 * on one line, under if and else, in a macro, in nested blocks. */
#define ASYNC_NO_LOOP
#include "async.h"

struct child_self { async_frame frame; int n; };
struct parent_self { async_frame frame; struct child_self child; int value, error; };
async_status ready(int n);
async_status nothing(struct child_self *self);
async_status child(struct child_self *self, int n);
async_status parent(struct parent_self *self);

#define BOTH(x, y) do { AWAIT(x); AWAIT(y); } while (0)

async_status nothing(struct child_self *self)
{
    ASYNC_BEGIN(self);
    ASYNC_END
}

async_status child(struct child_self *self, int n)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT(ready(n)); AWAIT(ready(1)); AWAIT(ready(self->n));
        if (n) AWAIT(ready(2)); else AWAIT(ready(3));
        while (self->n) AWAIT(ready(4));
        do AWAIT(ready(5)); while (self->n);
        BOTH(ready(6), ready(7));
    }
    ASYNC_END;
}

async_status parent(struct parent_self *self)
{
    ASYNC_BEGIN(self);
    if (self->value)
        AWAIT_VALUE(self->value, child(&self->child, self->value));
    else
        AWAIT_RESULT(self->error, child(&self->child, 0));
    AWAIT_UNTIL(self->child.n > 3);
    AWAIT_WHILE(self->child.n > 5);
    AWAIT(ASYNC_PENDING);
    AWAIT(self->value ? ready(1) : child(&self->child, 2));
    ASYNC_RETURN(self->value);
    ASYNC_END;
}

/* What is awaited may be a variable, an inline function that is always ready,
 * or the 0 that stands for what was left out. */
#define ASYNC_NO_LOOP
#include "async.h"

#define LEFT_OUT(x) 0

struct self { async_frame frame; int fd, n; };

static inline async_status ready(void)
{
    return 3;
}

static bool is_ready(void)
{
    return true;
}

static const int five = 5;
static unsigned char byte;

static ASYNC awaits(struct self *s, int argument)
{
    int local = 4;

    ASYNC_BEGIN(s);
    AWAIT(s->fd);
    AWAIT(argument);
    AWAIT(ready());
    AWAIT(LEFT_OUT(1));
    AWAIT(is_ready());
    AWAIT(byte);
    AWAIT_VALUE(s->n, local);
    AWAIT_RESULT(s->n, s->fd > 0 ? ready() : 0);
    AWAIT_RESULT(s->n, argument > 0 ? five : 0);
    AWAIT(ASYNC_PENDING);
    ASYNC_END;
}

int main(void)
{
    static struct self self;

    return awaits(&self, 2) == ASYNC_PENDING ? 0 : 1;
}

/* An error leaves async_run, by an await around which a finally waits.
 *
 * trap: awaited in reads, at .*error_passed.c:25$
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct sensor { async_frame frame; };

static ASYNC measures(struct sensor *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_yield());
    AWAIT(async_yield());
    ASYNC_RAISE(ASYNC_EIO);
    ASYNC_END;
}

struct self { async_frame frame; struct sensor sensor; int outcome; };

static ASYNC reads(struct self *s)
{
    ASYNC_BEGIN(s);
    ASYNC_TRY {
        AWAIT(measures(&s->sensor));
    } ASYNC_FINALLY(s->outcome) {
        AWAIT(async_sleep(ASYNC_MS(1)));
    } ASYNC_TRY_END;
    ASYNC_END;
}

static struct self self;

int main(void)
{
    return async_run(reads, &self) == ASYNC_EIO;
}

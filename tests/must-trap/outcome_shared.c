/* A finally inside of a finally's body, with the same int for both outcomes:
 * the inner one would overwrite the error that is under way.
 *
 * trap: outcome_shared.c:20: careless \(task careless\): its outcome is that of a finally around it
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct self { async_frame frame; int outcome; };

static ASYNC careless(struct self *s)
{
    ASYNC_BEGIN(s);
    ASYNC_TRY {
        ASYNC_RAISE(ASYNC_EIO);
    } ASYNC_FINALLY(s->outcome) {
        AWAIT(async_sleep(ASYNC_MS(1)));
        ASYNC_TRY {
            AWAIT(async_sleep(ASYNC_MS(1)));
        } ASYNC_FINALLY(s->outcome) {
            AWAIT(async_sleep(ASYNC_MS(1)));
        } ASYNC_TRY_END;
    } ASYNC_TRY_END;
    ASYNC_END;
}

static struct self self;

int main(void)
{
    (void)async_run(careless, &self);
    return 0;
}

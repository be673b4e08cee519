/* The same, two finally blocks further in, and by an ASYNC_WITH_AWAIT.
 *
 * trap: careless \(task careless\): its outcome is that of a finally around it
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct self { async_frame frame; int outcome, other[2]; };

static ASYNC careless(struct self *s)
{
    ASYNC_BEGIN(s);
    ASYNC_TRY {
        AWAIT(async_yield());
    } ASYNC_FINALLY(s->other[0]) {
        ASYNC_TRY {
            AWAIT(async_yield());
        } ASYNC_FINALLY(s->outcome) {
            ASYNC_TRY {
                AWAIT(async_yield());
            } ASYNC_FINALLY(s->other[1]) {
                ASYNC_WITH_AWAIT(s->outcome, async_yield(), async_yield()) {
                    AWAIT(async_yield());
                } ASYNC_WITH_END;
            } ASYNC_TRY_END;
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

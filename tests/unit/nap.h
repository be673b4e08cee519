/* nap: the worker of many tests. It sleeps, and logs its life: name, then
 * `(` begins, `)` ends, `x` was struck, `!` cleaned up. */
#ifndef NAP_H
#define NAP_H

#include "test.h"

struct nap {
    async_frame frame;
    const char *name;
    long ms;            /* how long; 0 yields, negative does not suspend */
    int result;
    long cleanup;       /* how long its cleanup takes, when struck */
    int outcome;
};

ASYNC_INLINE_ ASYNC nap(struct nap *self)
{
    ASYNC_BEGIN(self);
    test_log("%s(", self->name);
    ASYNC_TRY {
        if (self->ms >= 0) {
            AWAIT(async_sleep((async_duration)ASYNC_MS(self->ms)));
        }
    } ASYNC_CATCH_ALL(self->outcome) {
        test_log("%sx", self->name);
        if (self->cleanup > 0) {
            AWAIT(async_sleep((async_duration)ASYNC_MS(self->cleanup)));
        }
        test_log("%s!", self->name);
        ASYNC_RAISE(self->outcome);
    } ASYNC_TRY_END;
    test_log("%s)", self->name);
    ASYNC_RETURN(self->result);
    ASYNC_END;
}

#endif

/* One of several files, in C or C++, that use the header: NAME is the function
 * to define, VALUE what it gives. The header is included twice, and a file of
 * another library that includes it comes between. */
#include "async.h"
#include "user.h"
#include "async.h"

struct work {
    async_frame frame;
    async_task task;
    async_future future;
    async_timeout scope;
    int v;
};

static ASYNC sets(struct work *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(1));
    async_future_set(&self->future, VALUE);
    ASYNC_END;
}

static ASYNC waits(struct work *self)
{
    static struct work other;

    ASYNC_BEGIN(self);
    async_spawn(&self->task, sets, &other);
    AWAIT_VALUE(self->v, ASYNC_TIMEOUT(&self->scope, ASYNC_SEC(5),
                                       async_future_wait(&other.future)));
    AWAIT(async_join(&self->task));
    ASYNC_RETURN(self->v);
    ASYNC_END;
}

int NAME(void)
{
    static struct work work;

    return async_run(waits, &work);
}

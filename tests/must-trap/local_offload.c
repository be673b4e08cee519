/* A thread works on a local variable of a coroutine that waits for it.
 *
 * trap: local_offload.c:[0-9]+: asking: task .asking. .*: async_offload: what it is given is a local variable
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct asks { async_frame frame; async_offload_job job; };

static int add(void *number)
{
    return ++*(int *)number;
}

static ASYNC asking(struct asks *self)
{
    int number = 1;

    ASYNC_BEGIN(self);
    number = 2;
    AWAIT(async_offload(&self->job, add, &number));
    ASYNC_END;
}

int main(void)
{
    static struct asks frame;

    return async_run(asking, &frame);
}

/* A put that waits, of a local variable, which is gone when it goes on.
 *
 * trap: local_put.c:[0-9]+: putting: task .putting. .*: async_queue_put: what it is given is a local variable
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct puts { async_frame frame; int i; };

static async_queue queue;
static int items[2];

static ASYNC putting(struct puts *self)
{
    int item;

    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 3; self->i++) {
        item = self->i;
        AWAIT(async_queue_put(&queue, &item));
    }
    ASYNC_END;
}

int main(void)
{
    static struct puts frame;

    async_queue_open(&queue, items, sizeof items[0], 2);
    return async_run(putting, &frame);
}

/* What runs in a thread knows of no loop, and cannot await.
 *
 * trap: no task: async_sleep: called outside a task
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct program_frame {
    async_frame frame;
    async_offload_job job;
};

static int sleeps(void *argument)
{
    (void)argument;
    return async_sleep(ASYNC_MS(1));
}

static ASYNC program(struct program_frame *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_offload(&self->job, sleeps, NULL));
    ASYNC_END;
}

int main(void)
{
    static struct program_frame frame;

    return async_run(program, &frame) < 0;
}

/* An entry that takes a void pointer fits every frame, and a typed one its
 * own; spawn and run are expressions.
 */
#include "async.h"

struct worker { async_frame frame; };

ASYNC work(struct worker *self);
ASYNC any(void *arg);
int spawns(async_loop *loop, async_task *task, struct worker *self);

int spawns(async_loop *loop, async_task *task, struct worker *self)
{
    if (async_spawn(&task[0], work, self) < 0)
        return async_spawn(&task[1], any, self);
    else
        return async_loop_spawn(loop, &task[2], any, self)
            + async_run(work, self) + async_run(any, self);
}

/* Spawn and join with async.h, the child in its parent's memory. */
#include "bench.h"

#include "async.h"

struct child {
    async_frame frame;
    int value;
};

struct parent {
    async_frame frame;
    long left;
    long sum;
    int result;
    struct child child;
    async_task child_task;
};

static ASYNC child(struct child *self)
{
    ASYNC_BEGIN(self);
    ASYNC_RETURN(self->value);
    ASYNC_END;
}

static ASYNC parent(struct parent *self)
{
    ASYNC_BEGIN(self);
    for (; self->left > 0; self->left--) {
        self->child.value = 1;
        async_spawn(&self->child_task, child, &self->child);
        AWAIT_VALUE(self->result, async_join(&self->child_task));
        self->sum += self->result;
    }
    ASYNC_END;
}

static void run(long size, long count)
{
    static struct parent frame;
    (void)size;
    frame.left = count;
    bench_check(async_run(parent, &frame) == 0, "async_run");
    bench_check(frame.sum == count, "every child was joined");
}

const struct bench bench_list[] = {
    {"spawn-join", BENCH_WALL, 1, 10000000, 100000, NULL, run},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

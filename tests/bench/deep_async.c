/* Coroutines of async.h that await each other, so many levels deep.
 *
 * deep-N: a task whose innermost coroutine of N yields for ever. A resume goes
 * through all levels, from the outside in, and back.
 * deep-call-N: the N levels are called, the innermost returns at once, and so
 * do all; nobody is suspended. */
#include "bench.h"

#include "async.h"

struct level {
    async_frame frame;
    struct level *inner;
    int result;
};

struct caller {
    async_frame frame;
    long left;
    long sum;
    int result;
};

static async_loop loop;
static async_task task;
static long left;
static struct level *levels;

static BENCH_NOINLINE ASYNC yield_below(struct level *self)
{
    ASYNC_BEGIN(self);
    if (self->inner) {
        AWAIT(yield_below(self->inner));
    }
    for (;;) {
        if (--left == 0) {
            async_loop_stop(&loop);
        }
        AWAIT(async_yield());
    }
    ASYNC_END;
}

static BENCH_NOINLINE ASYNC answer_below(struct level *self)
{
    ASYNC_BEGIN(self);
    if (!self->inner) {
        ASYNC_RETURN(1);
    }
    AWAIT_VALUE(self->result, answer_below(self->inner));
    ASYNC_RETURN(self->result);
    ASYNC_END;
}

static ASYNC call_for_ever(struct caller *self)
{
    ASYNC_BEGIN(self);
    for (; self->left > 0; self->left--) {
        AWAIT_VALUE(self->result, answer_below(levels));
        self->sum += self->result;
    }
    ASYNC_END;
}

static void prepare_levels(long size)
{
    levels = bench_memory(size, sizeof *levels);
    for (long i = 0; i + 1 < size; i++) {
        levels[i].inner = &levels[i + 1];
    }
    bench_check(async_loop_open(&loop) == 0, "async_loop_open");
}

static void run(long size, long count)
{
    (void)size;
    left = count;
    bench_check(async_loop_run(&loop, NULL) == ASYNC_EINTR, "async_loop_run");
}

static void prepare(long size, long count)
{
    (void)count;
    prepare_levels(size);
    async_loop_spawn(&loop, &task, yield_below, levels);
    run(size, 1);
}

static void prepare_call(long size, long count)
{
    (void)count;
    prepare_levels(size);
}

static void run_call(long size, long count)
{
    static struct caller caller;
    (void)size;
    caller.left = count;
    async_loop_spawn(&loop, &task, call_for_ever, &caller);
    bench_check(async_loop_run(&loop, &task) == 0, "async_loop_run");
    bench_check(caller.sum == count, "every call was answered");
}

const struct bench bench_list[] = {
    {"deep-1", BENCH_WALL, 1, 10000000, 100000, prepare, run},
    {"deep-4", BENCH_WALL, 4, 10000000, 100000, prepare, run},
    {"deep-16", BENCH_WALL, 16, 3000000, 100000, prepare, run},
    {"deep-64", BENCH_WALL, 64, 1000000, 100000, prepare, run},
    {"deep-call-1", BENCH_WALL, 1, 10000000, 100000, prepare_call, run_call},
    {"deep-call-64", BENCH_WALL, 64, 1000000, 100000, prepare_call, run_call},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

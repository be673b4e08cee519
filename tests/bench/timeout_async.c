/* Timeouts of async.h that never fire, while ten thousand other tasks sleep.
 *
 * timeout-ready: around an operation that is ready at once.
 * timeout-yield: around one trip through the ready queue.
 * timeout-later: a deadline that only moves later. */
#include "bench.h"

#include "async.h"

enum { OTHERS = 10000 };

struct worker {
    async_frame frame;
    long left;
    async_timeout scope;
};

struct other {
    async_frame frame;
    async_task task;
    async_duration delay;
};

static async_loop loop;

static ASYNC ready(void)
{
    return 0;
}

/* The compiler must not know which operation it is. */
static async_status (*volatile operation)(void) = ready;

static ASYNC ready_in_time(struct worker *self)
{
    ASYNC_BEGIN(self);
    for (; self->left > 0; self->left--) {
        AWAIT(ASYNC_TIMEOUT(&self->scope, ASYNC_SEC(30), operation()));
    }
    ASYNC_END;
}

static ASYNC yield_in_time(struct worker *self)
{
    ASYNC_BEGIN(self);
    for (; self->left > 0; self->left--) {
        AWAIT(ASYNC_TIMEOUT(&self->scope, ASYNC_SEC(30), async_yield()));
    }
    ASYNC_END;
}

static ASYNC move_later(struct worker *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_SEC(30));
    for (; self->left > 0; self->left--) {
        if (async_timeout_reschedule(&self->scope, ASYNC_SEC(30)) < 0) {
            break;
        }
    }
    ASYNC_TIMEOUT_END;
    ASYNC_END;
}

static ASYNC other(struct other *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(self->delay));
    ASYNC_END;
}

static void prepare(long size, long count)
{
    struct other *others = bench_memory(OTHERS, sizeof *others);
    (void)size;
    (void)count;
    bench_check(async_loop_open(&loop) == 0, "async_loop_open");
    for (int i = 0; i < OTHERS; i++) {
        others[i].delay = ASYNC_SEC(30)
            + (async_duration)(bench_random() % (uint64_t)ASYNC_SEC(30));
        async_loop_spawn(&loop, &others[i].task, other, &others[i]);
    }
    async_loop_step(&loop);
}

#define RUN(name)                                                      \
    static void run_##name(long size, long count)                      \
    {                                                                  \
        static struct worker worker;                                   \
        static async_task task;                                        \
        (void)size;                                                    \
        worker.left = count;                                           \
        async_loop_spawn(&loop, &task, name, &worker);                 \
        bench_check(async_loop_run(&loop, &task) == 0, #name);         \
        bench_check(worker.left == 0, #name);                          \
    }

RUN(ready_in_time)
RUN(yield_in_time)
RUN(move_later)

const struct bench bench_list[] = {
    {"timeout-ready", BENCH_WALL, 1, 10000000, 100000, prepare,
     run_ready_in_time},
    {"timeout-yield", BENCH_WALL, 1, 10000000, 100000, prepare,
     run_yield_in_time},
    {"timeout-later", BENCH_WALL, 1, 20000000, 100000, prepare,
     run_move_later},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

/* Timers of async.h, from ten to a million: see timers.h. */
#include "timers.h"

#include "async.h"

struct sleeper {
    async_frame frame;
    async_task task;
    long size, rounds;
};

static async_loop loop;
static long awake;
static struct sleeper *sleepers;

#ifndef TIMERS_FIRE_ONLY

struct worker {
    async_frame frame;
    async_task task;
    async_timeout scope;
};

static long left;

static ASYNC worker(struct worker *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        if (--left == 0) {
            async_loop_stop(&loop);
        }
        AWAIT(ASYNC_TIMEOUT(&self->scope, ASYNC_MS(churn_milliseconds()),
                            async_yield()));
    }
    ASYNC_END;
}

static void prepare_churn(long size, long count)
{
    struct worker *workers = bench_memory(size, sizeof *workers);
    (void)count;
    bench_check(async_loop_open(&loop) == 0, "async_loop_open");
    for (long i = 0; i < size; i++) {
        async_loop_spawn(&loop, &workers[i].task, worker, &workers[i]);
    }
    left = size;
    bench_check(async_loop_run(&loop, NULL) == ASYNC_EINTR, "all in a timeout");
}

static void run_churn(long size, long count)
{
    (void)size;
    left = count;
    bench_check(async_loop_run(&loop, NULL) == ASYNC_EINTR, "async_loop_run");
}

#endif

static ASYNC sleeper(struct sleeper *self)
{
    ASYNC_BEGIN(self);
    for (; self->rounds > 0; self->rounds--) {
        AWAIT(async_sleep(ASYNC_US(fire_microseconds(self->size))));
        awake++;
    }
    ASYNC_END;
}

static void prepare_fire(long size, long count)
{
    sleepers = bench_memory(size, sizeof *sleepers);
    bench_check(async_loop_open(&loop) == 0, "async_loop_open");
    for (long i = 0; i < size; i++) {
        sleepers[i].size = size;
        sleepers[i].rounds = fire_rounds(size, count);
        async_loop_spawn(&loop, &sleepers[i].task, sleeper, &sleepers[i]);
    }
}

static void run_fire(long size, long count)
{
    bench_check(async_loop_run(&loop, NULL) == 0, "async_loop_run");
    bench_check(awake == size * fire_rounds(size, count), "everyone woke up");
}

const struct bench bench_list[] = {TIMERS_LIST};

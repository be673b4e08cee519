/* A clock that jumps, by hand: a wheel of which ten days pass at once.
 *
 * jump-1000000: a million tasks sleep until some instant of the next ten days;
 * then these have passed, and all of them run. */
#include "bench.h"
#include "wheel.h"

#define DAYS (UINT64_C(10) * 24 * 3600 * 1000000000)

struct task {
    struct timer timer;
    int (*resume)(struct task *self);
};

static struct wheel wheel;
static long awake;

static int sleeper(struct task *self)
{
    (void)self;
    awake++;
    return 0;
}

static void resume(struct timer *timer)
{
    struct task *task = (struct task *)timer;
    (void)task->resume(task);
}

static void prepare(long size, long count)
{
    struct task *all = bench_memory(count, sizeof *all);
    (void)size;
    for (long i = 0; i < count; i++) {
        all[i].resume = sleeper;
        all[i].timer.deadline = 1 + wheel_tick(bench_random() % DAYS);
        wheel_add(&wheel, &all[i].timer);
    }
}

static void run(long size, long count)
{
    (void)size;
    wheel_advance(&wheel, 1 + wheel_tick(DAYS), resume);
    bench_check(awake == count, "everyone woke up");
}

const struct bench bench_list[] = {
    {"jump-1000000", BENCH_CPU, 1000000, 1000000, 100000, prepare, run},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

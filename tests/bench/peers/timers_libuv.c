/* Timers of libuv, from ten to a million: see ../timers.h. */
#include "../timers.h"

#include <uv.h>

struct sleeper {
    uv_timer_t timer;
    long size, rounds;
};

static uv_loop_t loop;
static struct sleeper *all;
static long awake;

static void never(uv_timer_t *it)
{
    (void)it;
    bench_check(0, "no timeout");
}

static void prepare(long size, long count)
{
    bench_check(uv_loop_init(&loop) == 0, "uv_loop_init");
    all = bench_memory(size, sizeof *all);
    for (long i = 0; i < size; i++) {
        uv_timer_init(&loop, &all[i].timer);
        all[i].size = size;
        all[i].rounds = fire_rounds(size, count);
    }
}

static void set(uv_timer_t *timer)
{
    uv_timer_start(timer, never, (uint64_t)churn_milliseconds(), 0);
}

static void prepare_churn(long size, long count)
{
    prepare(size, count);
    for (long i = 0; i < size; i++) {
        set(&all[i].timer);
    }
}

static void run_churn(long size, long count)
{
    for (long done = 0; done < count; uv_update_time(&loop)) {
        for (long i = 0; i < size && done < count; i++, done++) {
            uv_timer_stop(&all[i].timer);
            set(&all[i].timer);
        }
    }
}

static void wake(uv_timer_t *timer);

/* Rounded up, for a sleep is never too short. */
static void sleep_again(struct sleeper *self)
{
    uv_timer_start(&self->timer, wake,
                   fire_microseconds(self->size) / 1000 + 1, 0);
}

static void wake(uv_timer_t *timer)
{
    struct sleeper *self = (struct sleeper *)timer;
    awake++;
    if (--self->rounds > 0) {
        sleep_again(self);
    }
}

static void prepare_fire(long size, long count)
{
    prepare(size, count);
}

static void run_fire(long size, long count)
{
    uv_update_time(&loop);
    for (long i = 0; i < size; i++) {
        sleep_again(&all[i]);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    bench_check(awake == size * fire_rounds(size, count), "everyone woke up");
}

const struct bench bench_list[] = {TIMERS_LIST};

/* Timers of libev, from ten to a million: see ../timers.h. */
#include "../timers.h"

#include <ev.h>

struct sleeper {
    ev_timer timer;
    long size, rounds;
};

static struct ev_loop *loop;
static struct sleeper *all;
static long awake;

static void never(struct ev_loop *its, ev_timer *it, int events)
{
    (void)its;
    (void)it;
    (void)events;
    bench_check(0, "no timeout");
}

static void set(ev_timer *timer)
{
    ev_timer_set(timer, (double)churn_milliseconds() * 1e-3, 0);
    ev_timer_start(loop, timer);
}

static void open_loop(long size)
{
    loop = ev_default_loop(0);
    bench_check(loop != NULL, "ev_default_loop");
    all = bench_memory(size, sizeof *all);
}

static void prepare_churn(long size, long count)
{
    (void)count;
    open_loop(size);
    for (long i = 0; i < size; i++) {
        ev_init(&all[i].timer, never);
        set(&all[i].timer);
    }
}

static void run_churn(long size, long count)
{
    for (long done = 0; done < count; ev_now_update(loop)) {
        for (long i = 0; i < size && done < count; i++, done++) {
            ev_timer_stop(loop, &all[i].timer);
            set(&all[i].timer);
        }
    }
}

static void sleep_again(struct sleeper *self)
{
    ev_timer_set(&self->timer, fire_microseconds(self->size) * 1e-6, 0);
    ev_timer_start(loop, &self->timer);
}

static void wake(struct ev_loop *its, ev_timer *timer, int events)
{
    struct sleeper *self = (struct sleeper *)timer;
    (void)its;
    (void)events;
    awake++;
    if (--self->rounds > 0) {
        sleep_again(self);
    }
}

static void prepare_fire(long size, long count)
{
    open_loop(size);
    for (long i = 0; i < size; i++) {
        ev_init(&all[i].timer, wake);
        all[i].size = size;
        all[i].rounds = fire_rounds(size, count);
    }
}

static void run_fire(long size, long count)
{
    ev_now_update(loop);
    for (long i = 0; i < size; i++) {
        sleep_again(&all[i]);
    }
    ev_run(loop, 0);
    bench_check(awake == size * fire_rounds(size, count), "everyone woke up");
}

const struct bench bench_list[] = {TIMERS_LIST};

/* Timers of libevent, from ten to a million: see ../timers.h. */
#include "../timers.h"

#include <event2/event.h>
#include <event2/event_struct.h>

struct sleeper {
    struct event timer;
    long size, rounds;
};

static struct event_base *base;
static struct sleeper *all;
static long awake;

static void never(evutil_socket_t fd, short events, void *it)
{
    (void)fd;
    (void)events;
    (void)it;
    bench_check(0, "no timeout");
}

static void set(struct event *timer)
{
    long ms = churn_milliseconds();
    struct timeval delay = {ms / 1000, (suseconds_t)(ms % 1000 * 1000)};
    evtimer_add(timer, &delay);
}

static void open_base(long size)
{
    base = event_base_new();
    bench_check(base != NULL, "event_base_new");
    all = bench_memory(size, sizeof *all);
}

static void prepare_churn(long size, long count)
{
    (void)count;
    open_base(size);
    for (long i = 0; i < size; i++) {
        evtimer_assign(&all[i].timer, base, never, NULL);
        set(&all[i].timer);
    }
}

static void run_churn(long size, long count)
{
    for (long done = 0; done < count;) {
        for (long i = 0; i < size && done < count; i++, done++) {
            evtimer_del(&all[i].timer);
            set(&all[i].timer);
        }
    }
}

static void sleep_again(struct sleeper *self)
{
    uint32_t us = fire_microseconds(self->size);
    struct timeval delay = {us / 1000000, (suseconds_t)(us % 1000000)};
    evtimer_add(&self->timer, &delay);
}

static void wake(evutil_socket_t fd, short events, void *sleeper)
{
    struct sleeper *self = sleeper;
    (void)fd;
    (void)events;
    awake++;
    if (--self->rounds > 0) {
        sleep_again(self);
    }
}

static void prepare_fire(long size, long count)
{
    open_base(size);
    for (long i = 0; i < size; i++) {
        evtimer_assign(&all[i].timer, base, wake, &all[i]);
        all[i].size = size;
        all[i].rounds = fire_rounds(size, count);
    }
}

static void run_fire(long size, long count)
{
    for (long i = 0; i < size; i++) {
        sleep_again(&all[i]);
    }
    event_base_dispatch(base);
    bench_check(awake == size * fire_rounds(size, count), "everyone woke up");
}

const struct bench bench_list[] = {TIMERS_LIST};

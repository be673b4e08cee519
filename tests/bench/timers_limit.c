/* Timers by hand, from ten to a million, in a wheel: see timers.h. */
#include "timers.h"
#include "wheel.h"

#include <time.h>

enum { PENDING = -1 };

struct task {
    struct timer timer;
    struct task *next;
    int (*resume)(struct task *self);
    uint16_t point;
    long size, rounds;
};

static struct wheel wheel;
static struct task *tasks;
static struct task *head;
static struct task **tail = &head;
static long left, awake, alive;

static uint64_t ticks(uint64_t nanoseconds)
{
    return wheel_tick(nanoseconds) + 1; /* up: a sleep is never too short */
}

static int worker(struct task *self)
{
    switch (self->point) {
    case 0:
        for (;;) {
            left--;
            self->timer.deadline = wheel.now
                + ticks((uint64_t)churn_milliseconds() * 1000000);
            wheel_add(&wheel, &self->timer);
            self->point = 1;
            return PENDING;
    case 1:
            wheel_remove(&self->timer);
        }
    }
    return 0;
}

static void ready(struct timer *timer)
{
    struct task *task = (struct task *)timer;
    task->next = NULL;
    *tail = task;
    tail = &task->next;
}

/* Runs once each task that is ready; true while there are any. */
static int turn(void)
{
    struct task *it = head;
    head = NULL;
    tail = &head;
    while (it) {
        struct task *next = it->next;
        if (it->resume(it) == PENDING && it->resume == worker) {
            ready(&it->timer);
        }
        it = next;
    }
    return head != NULL;
}

static void churn(long count)
{
    left = count;
    while (left > 0) {
        turn();
        wheel_advance(&wheel, wheel_tick(bench_now()), ready);
    }
}

static void prepare(long size, long count, int (*resume)(struct task *self))
{
    tasks = bench_memory(size, sizeof *tasks);
    wheel.now = wheel_tick(bench_now());
    for (long i = 0; i < size; i++) {
        tasks[i].resume = resume;
        tasks[i].size = size;
        tasks[i].rounds = fire_rounds(size, count);
        ready(&tasks[i].timer);
    }
    alive = size;
}

static void prepare_churn(long size, long count)
{
    prepare(size, count, worker);
    churn(size);
}

static void run_churn(long size, long count)
{
    (void)size;
    churn(count);
}

static int sleeper(struct task *self)
{
    switch (self->point) {
    case 0:
        for (; self->rounds > 0; self->rounds--) {
            self->timer.deadline = wheel.now
                + ticks((uint64_t)fire_microseconds(self->size) * 1000);
            wheel_add(&wheel, &self->timer);
            self->point = 1;
            return PENDING;
    case 1:
            awake++;
        }
    }
    alive--;
    return 0;
}

static void prepare_fire(long size, long count)
{
    prepare(size, count, sleeper);
}

static void run_fire(long size, long count)
{
    (void)turn();
    while (alive > 0) {
        uint64_t next = wheel_next(&wheel);
        uint64_t now = bench_now();
        if (wheel_tick(now) < next) {
            uint64_t pause = (next << WHEEL_TICK_BITS) - now;
            struct timespec time;
            time.tv_sec = (time_t)(pause / 1000000000u);
            time.tv_nsec = (long)(pause % 1000000000u);
            nanosleep(&time, NULL);
            now = bench_now();
        }
        wheel_advance(&wheel, wheel_tick(now), ready);
        (void)turn();
    }
    bench_check(awake == size * fire_rounds(size, count), "everyone woke up");
}

const struct bench bench_list[] = {TIMERS_LIST};

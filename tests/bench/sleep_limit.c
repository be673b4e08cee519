/* Sleeping, by hand: tasks that lie in a timer wheel, a clock, and a loop that
 * sleeps until the next deadline.
 *
 * sleep-memory: what each of a million sleeping tasks holds, frame included.
 * sleep-1000000: processor time to put each of a million tasks to sleep until
 * an instant of its own within half a second, and to run it then. */
#include "bench.h"
#include "wheel.h"

#include <time.h>

enum { PENDING = -1 };

struct task {
    struct timer timer;
    int (*resume)(void *frame);
    void *frame;
};

struct sleeper {
    uint16_t point;
    uint32_t delay; /* in microseconds */
};

struct place {
    struct task task;
    struct sleeper frame;
};

static struct wheel wheel;
static struct task *current;
static long awake;

static int sleeper(void *frame)
{
    struct sleeper *self = frame;
    switch (self->point) {
    case 0:
        /* Rounded up, for a sleep is never too short. */
        current->timer.deadline =
            wheel.now + wheel_tick((uint64_t)self->delay * 1000) + 1;
        wheel_add(&wheel, &current->timer);
        self->point = 1;
        return PENDING;
    case 1:
        awake++;
    }
    return 0;
}

static void resume(struct timer *timer)
{
    current = (struct task *)timer;
    (void)current->resume(current->frame);
}

static struct place *places;

static void start_all(long count)
{
    wheel.now = wheel_tick(bench_now());
    for (long i = 0; i < count; i++) {
        places[i].task.resume = sleeper;
        places[i].task.frame = &places[i].frame;
        resume(&places[i].task.timer);
    }
}

static void choose_delays(long count)
{
    places = bench_memory(count, sizeof *places);
    for (long i = 0; i < count; i++) {
        places[i].frame.delay = 300000 + (uint32_t)(bench_random() % 500000);
    }
}

static void run_memory(long size, long count)
{
    double before = bench_memory_held();
    (void)count;
    choose_delays(size);
    start_all(size);
    bench_report("memory", (bench_memory_held() - before) / (double)size, "B");
}

static void prepare(long size, long count)
{
    (void)size;
    choose_delays(count);
}

static void run(long size, long count)
{
    (void)size;
    start_all(count);
    while (awake < count) {
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
        wheel_advance(&wheel, wheel_tick(now), resume);
    }
}

const struct bench bench_list[] = {
    {"sleep-memory", BENCH_OWN, 1000000, 1, 0, NULL, run_memory},
    {"sleep-1000000", BENCH_CPU, 1000000, 1000000, 200000, prepare, run},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

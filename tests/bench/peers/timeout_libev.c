/* Timeouts of libev that never fire, while ten thousand other timers wait.
 *
 * timeout-ready: a timer started and stopped around something that is ready.
 * timeout-later: ev_timer_again() before it is due. */
#include "../bench.h"

#include <ev.h>

enum { OTHERS = 10000, TIMEOUT = 30 };

static struct ev_loop *loop;
static ev_timer timer;

static void never(struct ev_loop *its, ev_timer *it, int events)
{
    (void)its;
    (void)it;
    (void)events;
    bench_check(0, "no timeout");
}

static int ready(void)
{
    return 0;
}

/* The compiler must not know which operation it is. */
static int (*volatile operation)(void) = ready;

static void prepare(long size, long count)
{
    ev_timer *others = bench_memory(OTHERS, sizeof *others);
    (void)size;
    (void)count;
    loop = ev_default_loop(0);
    bench_check(loop != NULL, "ev_default_loop");
    for (int i = 0; i < OTHERS; i++) {
        double delay = TIMEOUT + (double)(bench_random() % 30000) * 1e-3;
        ev_timer_init(&others[i], never, delay, 0);
        ev_timer_start(loop, &others[i]);
    }
    ev_timer_init(&timer, never, TIMEOUT, TIMEOUT);
}

static void run_ready(long size, long count)
{
    (void)size;
    for (long i = 0; i < count; i++) {
        ev_timer_set(&timer, TIMEOUT, 0);
        ev_timer_start(loop, &timer);
        if (operation() != 0) {
            break;
        }
        ev_timer_stop(loop, &timer);
    }
}

static void run_later(long size, long count)
{
    (void)size;
    for (long i = 0; i < count; i++) {
        ev_timer_again(loop, &timer);
    }
    ev_timer_stop(loop, &timer);
}

const struct bench bench_list[] = {
    {"timeout-ready", BENCH_WALL, 1, 5000000, 100000, prepare, run_ready},
    {"timeout-later", BENCH_WALL, 1, 5000000, 100000, prepare, run_later},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

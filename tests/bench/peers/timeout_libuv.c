/* Timeouts of libuv that never fire, while ten thousand other timers wait.
 *
 * timeout-ready: a timer started and stopped around something that is ready.
 * timeout-later: a timer that is started again before it is due. */
#include "../bench.h"

#include <uv.h>

enum { OTHERS = 10000, TIMEOUT = 30000 };

static uv_loop_t loop;
static uv_timer_t timer;

static void never(uv_timer_t *it)
{
    (void)it;
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
    uv_timer_t *others = bench_memory(OTHERS, sizeof *others);
    (void)size;
    (void)count;
    bench_check(uv_loop_init(&loop) == 0, "uv_loop_init");
    for (int i = 0; i < OTHERS; i++) {
        uv_timer_init(&loop, &others[i]);
        uv_timer_start(&others[i], never, TIMEOUT + bench_random() % TIMEOUT,
                       0);
    }
    uv_timer_init(&loop, &timer);
}

static void run_ready(long size, long count)
{
    (void)size;
    for (long i = 0; i < count; i++) {
        uv_timer_start(&timer, never, TIMEOUT, 0);
        if (operation() != 0) {
            break;
        }
        uv_timer_stop(&timer);
    }
}

static void run_later(long size, long count)
{
    (void)size;
    for (long i = 0; i < count; i++) {
        uv_timer_start(&timer, never, TIMEOUT, 0);
    }
    uv_timer_stop(&timer);
}

const struct bench bench_list[] = {
    {"timeout-ready", BENCH_WALL, 1, 2000000, 100000, prepare, run_ready},
    {"timeout-later", BENCH_WALL, 1, 2000000, 100000, prepare, run_later},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

/* Timeouts of libevent that never fire, while ten thousand other timers wait.
 *
 * timeout-ready: a timer added and deleted around something that is ready.
 * timeout-later: a timer that is added again before it is due. */
#include "../bench.h"

#include <event2/event.h>
#include <event2/event_struct.h>

enum { OTHERS = 10000, TIMEOUT = 30 };

static struct event_base *base;
static struct event timer;

static void never(evutil_socket_t fd, short events, void *it)
{
    (void)fd;
    (void)events;
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
    struct event *others = bench_memory(OTHERS, sizeof *others);
    (void)size;
    (void)count;
    base = event_base_new();
    bench_check(base != NULL, "event_base_new");
    for (int i = 0; i < OTHERS; i++) {
        struct timeval delay;
        delay.tv_sec = TIMEOUT + (time_t)(bench_random() % TIMEOUT);
        delay.tv_usec = (suseconds_t)(bench_random() % 1000000);
        evtimer_assign(&others[i], base, never, NULL);
        evtimer_add(&others[i], &delay);
    }
    evtimer_assign(&timer, base, never, NULL);
}

static void run_ready(long size, long count)
{
    static const struct timeval delay = {TIMEOUT, 0};
    (void)size;
    for (long i = 0; i < count; i++) {
        evtimer_add(&timer, &delay);
        if (operation() != 0) {
            break;
        }
        evtimer_del(&timer);
    }
}

static void run_later(long size, long count)
{
    static const struct timeval delay = {TIMEOUT, 0};
    (void)size;
    for (long i = 0; i < count; i++) {
        evtimer_add(&timer, &delay);
    }
    evtimer_del(&timer);
}

const struct bench bench_list[] = {
    {"timeout-ready", BENCH_WALL, 1, 2000000, 100000, prepare, run_ready},
    {"timeout-later", BENCH_WALL, 1, 2000000, 100000, prepare, run_later},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

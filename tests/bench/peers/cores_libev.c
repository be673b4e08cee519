/* Loops of libev in two threads that wake one another by ev_async: see
 * ../cores.h. */
#include "../cores.h"

#ifdef __linux__
#include <ev.h>
#include <pthread.h>

struct side {
    ev_async async; /* the first member */
    struct ev_loop *loop;
    struct side *other;
    long left;
};

static struct side here, there;
static pthread_t thread;

static void woken(struct ev_loop *loop, ev_async *async, int events)
{
    struct side *self = (struct side *)async;
    (void)events;
    ev_async_send(self->other->loop, &self->other->async);
    if (--self->left == 0) {
        ev_break(loop, EVBREAK_ALL);
    }
}

static void side_open(struct side *self, struct side *other, long count)
{
    self->loop = ev_loop_new(0);
    bench_check(self->loop != NULL, "ev_loop_new");
    self->other = other;
    self->left = count / 2;
    ev_async_init(&self->async, woken);
    ev_async_start(self->loop, &self->async);
}

static void *other_side(void *unused)
{
    (void)unused;
    bench_pin(1);
    ev_run(there.loop, 0);
    return NULL;
}

static void prepare_wake(long size, long count)
{
    (void)size;
    side_open(&here, &there, count);
    side_open(&there, &here, count);
    bench_check(pthread_create(&thread, NULL, other_side, NULL) == 0,
                "thread");
}

static void run_wake(long size, long count)
{
    (void)size;
    (void)count;
    ev_async_send(there.loop, &there.async);
    ev_run(here.loop, 0);
    pthread_join(thread, NULL);
}

const struct bench bench_list[] = {
    {"wake-hop", BENCH_WALL, 1, 20000, 0, prepare_wake, run_wake},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};
#else
const struct bench bench_list[] = {
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};
#endif

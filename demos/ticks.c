/* ticks: something that is to happen every second, and a loop that is late.
 *
 *     make run DEMO=ticks
 *
 * The times of an interval are counted from its start, so nothing adds up: a
 * tick that comes a little late does not move the next. What becomes of ticks
 * that were missed, because somebody did not let go of the processor, is a
 * matter of taste: leave them out, make up for them, or start anew. */
#include "demo.h"

/* A long computation: all tasks of the loop have to wait. */
static void compute(async_duration ticks)
{
    unsigned long long end = demo_clock() + (unsigned long long)ticks;

    say("  a computation of 2.7 s");
    while (demo_clock() < end) {
    }
}

struct ticker {
    async_frame frame;
    async_interval interval;
    int mode, n, i;
};

static ASYNC ticker(struct ticker *self)
{
    ASYNC_BEGIN(self);
    async_interval_open(&self->interval, ASYNC_SEC(1), self->mode);
    for (self->i = 1; self->i <= 6; self->i++) {
        AWAIT_VALUE(self->n, async_interval_wait(&self->interval));
        if (self->n == 1) {
            say("tick");
        } else {
            say("tick, for %d", self->n);
        }
        if (self->i == 2) {
            compute(ASYNC_MS(2700));
        }
    }
    ASYNC_END;
}

int main(void)
{
    static struct ticker frame;

    title("ASYNC_SKIP: those that were missed are left out");
    frame.mode = ASYNC_SKIP;
    async_run(ticker, &frame);
    title("ASYNC_BURST: they are made up for");
    frame.mode = ASYNC_BURST;
    async_run(ticker, &frame);
    title("ASYNC_DELAY: a whole period from then on");
    frame.mode = ASYNC_DELAY;
    async_run(ticker, &frame);
    return 0;
}

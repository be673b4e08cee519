/* game: coroutines in a program that has a main loop already.
 *
 *     make run DEMO=game
 *
 * A game draws frames, a sketch has its loop(), a GUI its events. Each time
 * round it calls async_loop_step, which runs what is ready and never waits; the
 * result says how long it has until the next call. Time is whatever ASYNC_CLOCK
 * says, here the game's own: so when the game is paused, the coroutines are,
 * too. */
static unsigned long long drawn;        /* frames so far, 50 a second */

#define ASYNC_CLOCK() (drawn * 20000000)
#define ASYNC_IMPLEMENTATION
#include "async.h"

#include <stdio.h>

struct actor {
    async_frame frame;
    async_task task;
    const char *name;
    int step, steps;
    int ms;                 /* a step takes */
};

static ASYNC walk(struct actor *self)
{
    ASYNC_BEGIN(self);
    for (self->step = 1; self->step <= self->steps; self->step++) {
        AWAIT(async_sleep(ASYNC_MS(self->ms)));
        printf("frame %3llu: %s takes step %d\n", drawn, self->name,
               self->step);
    }
    ASYNC_END;
}

int main(void)
{
    static struct actor knight, snail;
    async_loop loop;
    async_duration wait;
    int tick;

    knight.name = "the knight";
    knight.ms = 500;
    knight.steps = 4;
    snail.name = "the snail";
    snail.ms = 1300;
    snail.steps = 2;
    async_loop_open(&loop);
    async_spawn(&knight.task, walk, &knight);
    async_spawn(&snail.task, walk, &snail);
    for (tick = 0; !async_done(&snail.task); tick++) {
        if (tick >= 60 && tick < 90) {      /* paused: no frame is drawn */
            continue;
        }
        drawn++;
        wait = async_loop_step(&loop);
        if (tick == 59 || tick == 90) {
            printf("frame %3llu: %s; the next step is due in %d ms\n", drawn,
                   tick == 59 ? "pause" : "and on",
                   (int)(wait / ASYNC_MS(1)));
        }
    }
    printf("frame %3llu: nobody is left: %s\n", drawn,
           async_loop_step(&loop) == ASYNC_NEVER ? "never due" : "due");
    async_loop_close(&loop);
    return 0;
}

/* slow: who does not let go of the processor?
 *
 *     make run DEMO=slow
 *
 * Between two AWAITs a task has the thread for itself: what takes long there
 * keeps all the others waiting. A debug build (-DASYNC_DEBUG=1) names each such
 * step that takes more than 100 ms: which task, from where to where. Another
 * limit is set by -DASYNC_SLOW_MS=20. It says so on stderr, or where
 * ASYNC_WARN says, as here. */
#ifndef ASYNC_DEBUG
#define ASYNC_DEBUG 1
#endif
static void warn(const char *message);
#define ASYNC_WARN(message) warn(message)
#define ASYNC_SIM 1
#define ASYNC_IMPLEMENTATION
#include "async.h"

#include <stdio.h>

static void warn(const char *message)
{
    printf("! %s\n", message);
}

/* A computation: on the virtual clock of this demo, it just says so. */
static void compute(unsigned ms)
{
    async_sim_advance(ASYNC_MS(ms));
}

static void say(const char *what)
{
    printf("%4d ms  %s\n", (int)(async_sim_now() / (async_ticks)ASYNC_MS(1)),
           what);
}

struct heart { async_frame frame; async_task task; int i; };

static ASYNC heart(struct heart *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT(async_sleep(ASYNC_MS(100)));
        say("beat");
    }
    ASYNC_END;
}

struct report { async_frame frame; async_task task; int i; };

static ASYNC in_one_go(struct report *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_MS(150)));
    compute(400);
    AWAIT(async_sleep(ASYNC_MS(50)));
    say("the report is done, in one go");
    ASYNC_END;
}

/* The same in pieces: the others get their turn between two of them. */
static ASYNC in_pieces(struct report *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 8; self->i++) {
        compute(50);
        AWAIT(async_yield());
    }
    say("the report is done, in pieces");
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct heart heart;
    struct report report;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    async_spawn(&self->heart.task, heart, &self->heart);
    async_spawn(&self->report.task, in_one_go, &self->report);
    AWAIT(async_join(&self->report.task));
    async_spawn(&self->report.task, in_pieces, &self->report);
    AWAIT(async_join(&self->report.task));
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    return async_run(program, &frame);
}

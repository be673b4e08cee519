/* pipeline: three steps, each working on what the one before it made.
 *
 *     make run DEMO=pipeline
 *
 * A coroutine takes arguments like any function. What is too big for its int
 * result it writes through them, into memory of the caller. The steps run one
 * at a time, so they share one frame: a finished frame is a fresh one. */
#include "demo.h"

struct step {
    async_frame frame;
};

static ASYNC step(struct step *self, char *text, const char *mark)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(1)));
    strcat(text, mark);
    say("%s", text);
    ASYNC_END;
}

struct pipeline {
    async_frame frame;
    struct step step;
    char text[64];
};

static ASYNC pipeline(struct pipeline *self)
{
    ASYNC_BEGIN(self);
    strcpy(self->text, "beans");
    say("%s", self->text);
    AWAIT(step(&self->step, self->text, " > ground"));
    AWAIT(step(&self->step, self->text, " > brewed"));
    AWAIT(step(&self->step, self->text, " > served"));
    ASYNC_END;
}

int main(void)
{
    struct pipeline frame = {0};

    return async_run(pipeline, &frame);
}

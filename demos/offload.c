/* offload: a call that blocks, in a thread, while the others go on.
 *
 *     make run DEMO=offload
 *
 * The first half calls a slow function where it stands: no beat comes
 * meanwhile, and then they are late. The second half hands it to a thread, and
 * the heart does not notice. The function is an ordinary one, and knows nothing
 * of loops: any library's call will do. */
#include "demo.h"

#include <time.h>

struct heart {
    async_frame frame;
    async_task task;
    async_ticks due;
    int late;
};

static ASYNC heart(struct heart *self)
{
    ASYNC_BEGIN(self);
    self->due = async_now();
    for (;;) {
        self->due += (async_ticks)ASYNC_MS(500);
        AWAIT(async_sleep_until(self->due));
        if ((async_duration)(async_now() - self->due) > ASYNC_MS(300)) {
            self->late++;
            say("  a beat, late");
        } else {
            say("  a beat");
        }
    }
    ASYNC_END;
}

/* Two seconds that nobody can interrupt. */
static int slow_library(void *argument)
{
    struct timespec pause;
    unsigned ms = 2000 / demo_speed();

    pause.tv_sec = ms / 1000;
    pause.tv_nsec = (long)(ms % 1000) * 1000000L;
    nanosleep(&pause, NULL);
    return 6 * *(int *)argument;
}

struct program {
    async_frame frame;
    struct heart heart;
    async_offload_job job;
    int question, answer;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    self->question = 7;
    async_spawn(&self->heart.task, heart, &self->heart);
    AWAIT(async_sleep(ASYNC_MS(700)));

    say("called");
    self->answer = slow_library(&self->question);
    say("the answer is %d", self->answer);
    AWAIT(async_yield());           /* a new turn, whose time is now */
    AWAIT(async_sleep(ASYNC_MS(200)));
    say("beats that were late: %d", self->heart.late);

    self->heart.late = 0;
    say("offloaded");
    AWAIT_VALUE(self->answer, async_offload(&self->job, slow_library,
                                            &self->question));
    say("the answer is %d", self->answer);
    say("beats that were late: %d", self->heart.late);
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    return async_run(program, &frame);
}

/* background: jobs that nobody joins.
 *
 *     make run DEMO=background
 *
 * Ten jobs are started and left alone. When one ends, its done callback runs
 * as the last thing that happens to the task, so it may free the memory of
 * task and frame. What the callback tells the main task goes through a future,
 * the bridge from callbacks to AWAIT. */
#include "demo.h"

enum { JOBS = 10 };

struct job {
    async_watch watch;      /* first: the callback finds the job by it */
    async_frame frame;
    async_task task;
    int number;
};

static int running;
static async_future all_gone;

static ASYNC job(struct job *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(self->number)));
    ASYNC_END;
}

static void job_ended(async_watch *watch, async_task *task)
{
    struct job *ended = (struct job *)(void *)watch;

    (void)task;
    running--;
    say("job %d has ended, running: %d", ended->number, running);
    free(ended);
    if (running == 0) {
        async_future_set(&all_gone, 0);
    }
}

static int start(int number)
{
    struct job *new_job = calloc(1, sizeof *new_job);
    int err;

    if (new_job == NULL) {
        return ASYNC_ENOMEM;
    }
    new_job->number = number;
    err = async_spawn(&new_job->task, job, new_job);
    if (err < 0) {
        free(new_job);
        return err;
    }
    running++;
    return async_on_done(&new_job->task, &new_job->watch, job_ended);
}

struct program {
    async_frame frame;
    int i;
};

static ASYNC program(struct program *self)
{
    int err;                /* no AWAIT between its set and its use */

    ASYNC_BEGIN(self);
    for (self->i = 1; self->i <= JOBS; self->i++) {
        err = start(self->i);
        if (err < 0) {
            ASYNC_RAISE(err);
        }
    }
    say("main goes on, running: %d", running);
    AWAIT(async_future_wait(&all_gone));
    say("main: all are gone");
    ASYNC_END;
}

int main(void)
{
    struct program frame = {0};

    return async_run(program, &frame);
}

/* semaphore: ten jobs, but no more than three of them at a time.
 *
 *     make run DEMO=semaphore
 *
 * All ten are started together. Each takes a permit before it works and gives
 * it back on every way out; whoever comes in vain waits, first come, first
 * served. The results are read by position. */
#include "demo.h"

enum { JOBS = 10, PERMITS = 3 };

struct program;

struct job {
    async_frame frame;
    async_task task;
    int number;
    struct program *program;
};

struct program {
    async_frame frame;
    async_semaphore permits;
    int inside, most;
    struct job jobs[JOBS];
    async_waiter waiters[JOBS];
    async_wait_set set;
    int i;
};

static ASYNC job(struct job *self)
{
    struct program *program = self->program;

    ASYNC_BEGIN(self);
    ASYNC_WITH(async_semaphore_acquire(&program->permits),
               async_semaphore_release(&program->permits)) {
        program->inside++;
        if (program->inside > program->most) {
            program->most = program->inside;
        }
        say("  job %d works", self->number);
        AWAIT(async_sleep(ASYNC_SEC(1)));
        program->inside--;
    } ASYNC_WITH_END;
    ASYNC_RETURN(self->number * self->number);
    ASYNC_END;
}

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    async_semaphore_open(&self->permits, PERMITS);
    for (self->i = 0; self->i < JOBS; self->i++) {
        self->jobs[self->i].number = self->i + 1;
        self->jobs[self->i].program = self;
        async_spawn(&self->jobs[self->i].task, job, &self->jobs[self->i]);
        self->waiters[self->i].task = &self->jobs[self->i].task;
    }
    AWAIT(async_gather(&self->set, self->waiters, JOBS));
    say("at most %d at a time; squares:", self->most);
    for (self->i = 0; self->i < JOBS; self->i++) {
        printf(" %d", async_result(&self->jobs[self->i].task));
    }
    printf("\n");
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    return async_run(program, &frame);
}

/* crew: a fixed number of workers share the items of one queue.
 *
 *     make run DEMO=crew
 *
 * Ten jobs of 1 s and three workers: 4 s. A task for each job would be as easy,
 * but needs memory (or connections, or whatever a job needs) for each; this
 * needs it for three, however many jobs there are. Results go into a place of
 * their own, so their order is that of the jobs. */
#include "demo.h"

enum { JOBS = 10, WORKERS = 3 };

struct job { int number, result; };

struct worker {
    async_frame frame;
    async_task task;
    struct program *program;
    int id, rc, jobs;
    struct job *job;
};

struct program {
    async_frame frame;
    async_queue queue;
    struct job *array[2];       /* items are pointers: the jobs stay put */
    struct job job[JOBS], *next;
    struct worker worker[WORKERS];
    int i, working, most;
};

static ASYNC worker(struct worker *self)
{
    struct program *program = self->program;

    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT_RESULT(self->rc, async_queue_get(&program->queue, &self->job));
        if (self->rc < 0) {
            break;
        }
        program->working++;
        if (program->working > program->most) {
            program->most = program->working;
        }
        AWAIT(async_sleep(ASYNC_SEC(1)));
        self->job->result = self->job->number * self->job->number;
        self->jobs++;
        program->working--;
    }
    ASYNC_END;
}

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    async_queue_open(&self->queue, self->array, sizeof self->array[0], 2);
    for (self->i = 0; self->i < WORKERS; self->i++) {
        self->worker[self->i].program = self;
        async_spawn(&self->worker[self->i].task, worker,
                    &self->worker[self->i]);
    }
    for (self->i = 0; self->i < JOBS; self->i++) {
        self->next = &self->job[self->i];
        self->next->number = self->i;
        AWAIT(async_queue_put(&self->queue, &self->next));
    }
    say("the last job is in the queue");
    async_queue_shutdown(&self->queue);
    for (self->i = 0; self->i < WORKERS; self->i++) {
        AWAIT(async_join(&self->worker[self->i].task));
    }
    say("done; never more than %d at a time", self->most);
    for (self->i = 0; self->i < JOBS; self->i++) {
        printf("%d ", self->job[self->i].result);
    }
    putchar('\n');
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    title("Ten jobs, three workers");
    return async_run(program, &frame);
}

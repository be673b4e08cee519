/* jobs: a job queue: priorities, workers, retries, status, cancel, drain.
 *
 *     make run DEMO=jobs
 *
 * Jobs are submitted with a priority, and two workers take the most urgent one
 * first. One that fails is tried again after 1 s, then 2 s, while its worker
 * goes on with others; after three times it is given up. A job can be asked
 * for, and cancelled, by its number: while it waits as well as while it runs.
 * stop lets all that were submitted come to their end. */
#include "demo.h"

enum { JOBS = 8, WORKERS = 2, TRIES = 3 };

enum status { WAITING, RUNNING, RETRYING, DONE, FAILED, CANCELLED };
static const char *const status_names[] = {
    "waiting", "running", "waiting to try again", "done", "failed", "cancelled"
};

struct server;

struct job {
    async_frame frame;          /* of the job itself, */
    async_task task;            /* which is a task while it runs */
    struct retry {
        async_frame frame;
        async_task task;
        struct job *job;
    } retry;
    struct server *server;
    const char *name;
    int number, priority, fails, tries;
    enum status status;
};

struct worker {
    async_frame frame;
    async_task task;
    struct server *server;
    struct job *job;
    int rc;
};

struct server {
    async_queue queue;
    struct job *array[JOBS], job[JOBS];
    struct worker worker[WORKERS];
    int n;
};

/* What is to be done: it takes a second, and fails as often as it says. */
static ASYNC work(struct job *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(1)));
    if (self->tries <= self->fails) {
        ASYNC_RAISE(ASYNC_EIO);
    }
    ASYNC_END;
}

/* Greater numbers first; equal ones in the order in which they came. */
static int by_priority(const void *a, const void *b)
{
    const struct job *left = *(struct job *const *)a;
    const struct job *right = *(struct job *const *)b;

    return left->priority != right->priority
        ? right->priority - left->priority : left->number - right->number;
}

static void set_status(struct job *job, enum status status)
{
    job->status = status;
    say("  job %d (%s): %s", job->number, job->name, status_names[status]);
    if (status >= DONE) {
        async_queue_task_done(&job->server->queue);
    }
}

/* Back into the queue, after a while. For the queue's join it is still the
 * same job: a put counts as one more, so one is done with. */
static ASYNC try_again(struct retry *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(1) << (self->job->tries - 1)));
    AWAIT(async_queue_put(&self->job->server->queue, &self->job));
    async_queue_task_done(&self->job->server->queue);
    ASYNC_END;
}

static ASYNC worker(struct worker *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT(async_queue_get(&self->server->queue, &self->job));
        if (self->job->status == CANCELLED) {   /* while it waited */
            continue;
        }
        self->job->tries++;
        set_status(self->job, RUNNING);
        async_spawn(&self->job->task, work, self->job);
        AWAIT_RESULT(self->rc, async_join(&self->job->task));
        if (self->rc == 0) {
            set_status(self->job, DONE);
        } else if (self->rc == ASYNC_ECANCELED) {
            set_status(self->job, CANCELLED);
        } else if (self->job->tries == TRIES) {
            set_status(self->job, FAILED);
        } else {
            set_status(self->job, RETRYING);
            self->job->retry.job = self->job;
            async_spawn(&self->job->retry.task, try_again, &self->job->retry);
        }
    }
    ASYNC_END;
}

static void start(struct server *self)
{
    int i;

    async_queue_open_priority(&self->queue, self->array, sizeof self->array[0],
                              JOBS, by_priority);
    for (i = 0; i < WORKERS; i++) {
        self->worker[i].server = self;
        async_spawn(&self->worker[i].task, worker, &self->worker[i]);
    }
}

/* Its number, or an error. */
static int submit(struct server *self, const char *name, int priority,
                  int fails)
{
    struct job *job;
    int rc;

    if (self->n == JOBS) {
        return ASYNC_ENOSPC;
    }
    job = &self->job[self->n];
    memset(job, 0, sizeof *job);
    job->server = self;
    job->name = name;
    job->number = self->n;
    job->priority = priority;
    job->fails = fails;
    rc = async_queue_try_put(&self->queue, &job);
    return rc < 0 ? rc : self->n++;
}

static void cancel(struct server *self, int number)
{
    struct job *job = &self->job[number];

    if (job->status == RUNNING) {
        async_cancel(&job->task);       /* its worker does the rest */
    } else if (job->status < DONE) {
        async_cancel(&job->retry.task);
        set_status(job, CANCELLED);
    }
}

struct program {
    async_frame frame;
    struct server server;
    int i, rc, count[CANCELLED + 1];
};

static ASYNC program(struct program *self)
{
    struct server *server = &self->server;

    ASYNC_BEGIN(self);
    start(server);
    submit(server, "sweep", 1, 0);
    submit(server, "cook", 5, 0);
    submit(server, "paint", 1, 9);
    submit(server, "phone", 5, 1);
    submit(server, "read", 1, 0);
    submit(server, "fire", 9, 0);
    submit(server, "sleep", 0, 0);
    AWAIT(async_sleep(ASYNC_MS(1500)));
    for (self->i = 0; self->i < server->n; self->i++) {
        printf("         %d %-6s %s\n", self->i, server->job[self->i].name,
               status_names[server->job[self->i].status]);
    }
    say("cancel 4, which waits, and 3, which runs");
    cancel(server, 4);
    cancel(server, 3);

    AWAIT(async_queue_join(&server->queue));
    say("stop: everything has come to its end");
    for (self->i = 0; self->i < WORKERS; self->i++) {
        async_cancel(&server->worker[self->i].task);
        AWAIT_RESULT(self->rc, async_join(&server->worker[self->i].task));
    }
    for (self->i = 0; self->i < server->n; self->i++) {
        self->count[server->job[self->i].status]++;
    }
    say("%d done, %d failed, %d cancelled", self->count[DONE],
        self->count[FAILED], self->count[CANCELLED]);
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    title("Seven jobs, two workers");
    return async_run(program, &frame);
}

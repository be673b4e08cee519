/* workers: tasks, which go on by themselves, and joining them.
 *
 *     make run DEMO=workers
 *
 * async_spawn starts a task in memory of yours; it first runs when you next
 * wait. async_join gives its result whenever it is ready: at once, if that was
 * long ago. The order of the ends is that of the delays, the order of the
 * results is that of the joins. */
#include "demo.h"

struct worker {
    async_frame frame;
    async_task task;
    const char *name;
    int seconds;            /* 0: an instant task, which never waits */
};

static ASYNC worker(struct worker *self)
{
    ASYNC_BEGIN(self);
    say("  %s starts", self->name);
    if (self->seconds > 0) {
        AWAIT(async_sleep(ASYNC_SEC(self->seconds)));
        say("  %s ends", self->name);
    }
    ASYNC_RETURN(100 * self->seconds);
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct worker w[3];
    int i, n, result[3];
};

static void start(struct worker *self, const char *name, int seconds)
{
    self->name = name;
    self->seconds = seconds;
    async_spawn(&self->task, worker, self);
}

static ASYNC two_workers(struct program *self)
{
    ASYNC_BEGIN(self);
    start(&self->w[0], "A", 1);
    start(&self->w[1], "B", 2);
    AWAIT_VALUE(self->result[0], async_join(&self->w[0].task));
    AWAIT_VALUE(self->result[1], async_join(&self->w[1].task));
    say("results: %d %d", self->result[0], self->result[1]);
    ASYNC_END;
}

static ASYNC work_goes_on(struct program *self)
{
    ASYNC_BEGIN(self);
    start(&self->w[0], "A", 2);
    start(&self->w[1], "B", 2);
    say("parent: both are spawned");
    AWAIT(async_sleep(ASYNC_SEC(1)));
    say("parent: I did something else meanwhile");
    AWAIT(async_join(&self->w[0].task));
    AWAIT(async_join(&self->w[1].task));
    say("parent: both are done");
    ASYNC_END;
}

static ASYNC different_delays(struct program *self)
{
    ASYNC_BEGIN(self);
    start(&self->w[0], "A", 2);
    start(&self->w[1], "B", 1);
    start(&self->w[2], "C", 3);
    for (self->i = 0; self->i < 3; self->i++) {
        AWAIT_VALUE(self->result[self->i],
                    async_join(&self->w[self->i].task));
    }
    say("results: A %d, B %d, C %d", self->result[0], self->result[1],
        self->result[2]);
    ASYNC_END;
}

static ASYNC instant_tasks(struct program *self)
{
    ASYNC_BEGIN(self);
    start(&self->w[0], "A", 0);
    start(&self->w[1], "B", 0);
    AWAIT_VALUE(self->result[0], async_join(&self->w[0].task));
    AWAIT_VALUE(self->result[1], async_join(&self->w[1].task));
    say("results: %d %d", self->result[0], self->result[1]);
    ASYNC_END;
}

static ASYNC late_join(struct program *self)
{
    ASYNC_BEGIN(self);
    start(&self->w[0], "A", 1);
    AWAIT(async_sleep(ASYNC_SEC(3)));
    say("done already? %s, with %d",
        async_done(&self->w[0].task) ? "yes" : "no",
        async_result(&self->w[0].task));
    AWAIT_VALUE(self->n, async_join(&self->w[0].task));
    say("a join gives %d", self->n);
    AWAIT_VALUE(self->n, async_join(&self->w[0].task));
    say("another one %d", self->n);
    ASYNC_END;
}

int main(void)
{
    struct program program = {0};

    title("Two workers");
    async_run(two_workers, &program);
    title("The parent's own work goes on");
    async_run(work_goes_on, &program);
    title("Different delays, results in order");
    async_run(different_delays, &program);
    title("Tasks that never wait");
    async_run(instant_tasks, &program);
    title("A late join, and another");
    async_run(late_join, &program);
    return 0;
}

/* gather: several tasks at once, and their results by position.
 *
 *     make run DEMO=gather
 *
 * Each task needs a waiter, from the caller: here it stands in an array beside
 * the jobs. Tasks start in the order in which they were spawned, end by their
 * delays, and their results are read by position. */
#include "demo.h"

enum { MOST = 5 };

struct job {
    async_frame frame;
    async_task task;
    const char *name;
    int seconds;            /* negative: it does not wait at all */
};

static ASYNC job(struct job *self)
{
    ASYNC_BEGIN(self);
    say("  %s starts", self->name);
    if (self->seconds >= 0) {
        AWAIT(async_sleep(ASYNC_SEC(self->seconds)));
    }
    say("  %s ends", self->name);
    ASYNC_RETURN(self->seconds > 0 ? 10 * self->seconds : 0);
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct job jobs[MOST];
    async_waiter waiters[MOST];
    async_wait_set set;
};

/* Start n jobs that take so long. */
static void start(struct program *self, int n, const char *const *names,
                  const int *seconds)
{
    int i;

    for (i = 0; i < n; i++) {
        self->jobs[i].name = names[i];
        self->jobs[i].seconds = seconds[i];
        async_spawn(&self->jobs[i].task, job, &self->jobs[i]);
        self->waiters[i].task = &self->jobs[i].task;
    }
    say("%d jobs are spawned", n);
}

static void results(struct program *self, int n)
{
    char text[40] = "";
    size_t used = 0;
    int i;

    for (i = 0; i < n; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, " %d",
                                 async_result(self->waiters[i].task));
    }
    say("results:%s", text);
}

static ASYNC program(struct program *self)
{
    static const char *const names[] = {"A", "B", "C", "D", "E"};
    static const char *const tables[] = {"users", "orders"};
    static const char *const hosts[] = {"alpha", "beta", "gamma"};
    static const int delays[] = {2, 1, 3}, none[] = {-1, -1};
    static const int positions[] = {1, 2, 1, 0, 1}, network[] = {1, 1, 2};

    ASYNC_BEGIN(self);
    start(self, 3, names, delays);
    AWAIT(async_gather(&self->set, self->waiters, 3));
    results(self, 3);

    title("Tasks that never wait: no time passes");
    start(self, 2, names, none);
    AWAIT(async_gather(&self->set, self->waiters, 2));
    results(self, 2);

    title("As many as there are: here five");
    start(self, (int)(sizeof positions / sizeof positions[0]), names,
          positions);
    AWAIT(async_gather(&self->set, self->waiters, MOST));
    results(self, MOST);

    title("In batches: first the database, then the network, 2 s + 2 s");
    start(self, 2, tables, delays);
    AWAIT(async_gather(&self->set, self->waiters, 2));
    results(self, 2);
    start(self, 3, hosts, network);
    AWAIT(async_gather(&self->set, self->waiters, 3));
    results(self, 3);
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    title("Different delays: started A B C, ended B A C, results A B C");
    return async_run(program, &frame);
}

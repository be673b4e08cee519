/* who: a function that wants to know in which task it is called.
 *
 *     make run DEMO=who
 *
 * async_current() is the running task. A task lives in memory of yours: stand
 * it at the beginning of a struct, and whoever has the task has the struct, and
 * what else is in it. So a log line finds the request that it belongs to,
 * through any number of calls that know nothing of it. */
#include "demo.h"

struct request {
    async_task task;        /* first, so that it and the request are one */
    async_frame frame;
    const char *user;
    int ms;
};

/* Any function may ask, a plain one, too. */
static void note(const char *text)
{
    const struct request *request = (const struct request *)async_current();

    say("%-6s %s", request == NULL ? "-" : request->user, text);
}

static void check(void)
{
    note("the check is done");
}

static ASYNC handle(struct request *self)
{
    ASYNC_BEGIN(self);
    note("request begins");
    AWAIT(async_sleep(ASYNC_MS(self->ms)));
    check();
    AWAIT(async_sleep(ASYNC_MS(self->ms)));
    note("request ends");
    ASYNC_END;
}

int main(void)
{
    static struct request anna, bert;
    async_loop loop;

    note("before: no task runs");
    anna.user = "anna";
    anna.ms = 500;
    bert.user = "bert";
    bert.ms = 700;
    async_loop_open(&loop);
    async_spawn(&anna.task, handle, &anna);
    async_spawn(&bert.task, handle, &bert);
    async_loop_run(&loop, NULL);
    async_loop_close(&loop);
    note("after: no task runs");
    return 0;
}

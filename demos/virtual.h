/* virtual: what it takes to test coroutines: a clock that is moved on instead
 * of waited for, and a limit. Tests of a minute take no time, and see the same
 * instants in each run.
 *
 * Two hooks make the clock: one tells the time, and one, called when there is
 * nothing to do until a deadline, sets the time to that deadline. A program of
 * yours can copy this file; demos/testing.c and demos/fake.c use it. */
#ifndef VIRTUAL_H
#define VIRTUAL_H

struct async_loop;
static unsigned long long virtual_time;     /* ns; it begins at 0 */

static void virtual_idle(struct async_loop *loop, long long ticks)
{
    (void)loop;
    virtual_time += (unsigned long long)ticks;
}

#define ASYNC_CLOCK() virtual_time
#define ASYNC_IDLE(loop, ticks) virtual_idle((loop), (ticks))

#define ASYNC_IMPLEMENTATION
#include "async.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *test_why;    /* the running one failed, or NULL */

/* A condition that a test is about. It goes on, so that it can clean up. */
#define EXPECT(condition) \
    ((void)((condition) || (test_why = "expected " #condition)))

struct test {
    async_frame frame;
    async_task task;
    async_timeout limit;
    async_duration at_most;
    async_fn fn;
    void *argument;
};

static ASYNC test_within_limit(struct test *self)
{
    ASYNC_BEGIN(self);
    AWAIT(ASYNC_TIMEOUT(&self->limit, self->at_most,
                        self->fn(self->argument)));
    ASYNC_END;
}

/* Run fn(argument) as a test in a loop of its own, for that long at most. An
 * error that it raises is a failure, and so are tasks that it leaves behind:
 * these are cancelled then. */
static inline void test_run(const char *name, async_fn fn, void *argument,
                            async_duration at_most)
{
    unsigned long long start = virtual_time;
    struct test test;
    async_loop loop;
    unsigned left;
    int result;

    memset(&test, 0, sizeof test);
    test.fn = fn;
    test.argument = argument;
    test.at_most = at_most;
    test_why = NULL;
    async_loop_open(&loop);
    async_loop_spawn(&loop, &test.task, test_within_limit, &test);
    result = async_loop_run(&loop, &test.task);
    left = loop.alive;
    async_loop_cancel_all(&loop);
    async_loop_close(&loop);
    if (test_why == NULL && result < 0) {
        test_why = async_strerror(result);
    }
    printf("%-4s %s (%llu ms)", test_why == NULL && left == 0 ? "ok" : "FAIL",
           name, (virtual_time - start) / 1000000);
    if (test_why != NULL) {
        printf(": %s", test_why);
    } else if (left != 0) {
        printf(": tasks left behind: %u", left);
    }
    printf("\n");
}

#endif

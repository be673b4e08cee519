/* testing: coroutines under test: with a clock that need not be waited for.
 *
 *     make run DEMO=testing
 *
 * ASYNC_SIM makes time virtual, and ASYNC_TEST runs a coroutine as a test in
 * it: with a limit, and a look for tasks that were left behind. The times in
 * the output are virtual; the whole takes a millisecond. Five of these tests
 * fail: they show how that is reported. */
#define ASYNC_SIM 1
#define ASYNC_IMPLEMENTATION
#include "async.h"

#include <stdio.h>

/* ---- what is tested ------------------------------------------------------ */

struct add { async_frame frame; int a, b; };

static ASYNC add(struct add *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(60)));
    ASYNC_RETURN(self->a + self->b);
    ASYNC_END;
}

struct sleeper { async_frame frame; async_task task; };

static ASYNC sleeper(struct sleeper *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(1)));
    ASYNC_END;
}

/* ---- a result, and when it is there -------------------------------------- */

struct adds { async_frame frame; struct add add; int sum; };

static ASYNC adds(void *argument)
{
    struct adds *self = argument;

    ASYNC_BEGIN(self);
    self->add.a = 2;
    self->add.b = 3;
    AWAIT_VALUE(self->sum, add(&self->add));
    ASYNC_EXPECT(self->sum == 5);
    ASYNC_END;
}

static ASYNC adds_wrong(void *argument)
{
    struct adds *self = argument;

    ASYNC_BEGIN(self);
    self->add.a = 2;
    self->add.b = 2;
    AWAIT_VALUE(self->sum, add(&self->add));
    ASYNC_EXPECT(self->sum == 5);
    ASYNC_END;
}

/* ---- a test that never ends, and one that leaves a task behind ----------- */

struct waits { async_frame frame; async_event never; };

/* Nothing can bring it about: the loop sees that at once. */
static ASYNC waits_for_nobody(void *argument)
{
    struct waits *self = argument;

    ASYNC_BEGIN(self);
    AWAIT(async_event_wait(&self->never));
    ASYNC_END;
}

/* It goes on, but gets nowhere: it has until its limit. */
static ASYNC waits_for_ever(void *argument)
{
    struct waits *self = argument;

    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT(async_sleep(ASYNC_SEC(1)));
    }
    ASYNC_END;
}

static ASYNC leaves_a_task(void *argument)
{
    struct sleeper *self = argument;

    async_spawn(&self->task, sleeper, self);
    return 0;
}

/* ---- setting up and tearing down, which may wait ------------------------- */

struct with_database {
    async_frame frame;
    async_fn test;              /* the test proper, between the two */
    struct sleeper step;        /* of setting up, and of tearing down */
    int outcome;
};

static int open_databases;

static ASYNC set_up(struct sleeper *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(2)));
    open_databases++;
    puts("     database is open");
    ASYNC_END;
}

static ASYNC tear_down(struct sleeper *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(1)));
    open_databases--;
    puts("     database is closed");
    ASYNC_END;
}

static ASYNC with_database(void *argument)
{
    struct with_database *self = argument;

    ASYNC_BEGIN(self);
    ASYNC_WITH_AWAIT(self->outcome, set_up(&self->step),
                     tear_down(&self->step)) {
        AWAIT(self->test(NULL));
    } ASYNC_WITH_END;
    ASYNC_END;
}

static ASYNC reads(void *argument)
{
    (void)argument;
    ASYNC_EXPECT(open_databases == 1);
    return 0;
}

static ASYNC fails(void *argument)
{
    (void)argument;
    return ASYNC_EIO;
}

/* ---- what is expected is a timeout, or a cancellation -------------------- */

struct expects {
    async_frame frame;
    async_timeout limit;
    struct sleeper sleeper;
    int result;
};

static ASYNC expects_a_timeout(void *argument)
{
    struct expects *self = argument;

    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->result,
                 ASYNC_TIMEOUT(&self->limit, ASYNC_MS(100),
                               sleeper(&self->sleeper)));
    ASYNC_EXPECT(self->result == ASYNC_ETIMEDOUT);
    ASYNC_END;
}

static ASYNC expects_a_cancellation(void *argument)
{
    struct expects *self = argument;

    ASYNC_BEGIN(self);
    async_spawn(&self->sleeper.task, sleeper, &self->sleeper);
    AWAIT(async_sleep(ASYNC_MS(300)));
    async_cancel(&self->sleeper.task);
    AWAIT_RESULT(self->result, async_join(&self->sleeper.task));
    ASYNC_EXPECT(self->result == ASYNC_ECANCELED);
    ASYNC_END;
}

/* -------------------------------------------------------------------------- */

int main(void)
{
    static async_tests tests;
    static struct adds right, wrong;
    static struct waits nobody, ever;
    static struct sleeper left;
    static struct with_database good, bad;
    static struct expects timeout, cancellation;
    const async_duration limit = ASYNC_SEC(600);

    ASYNC_TEST(&tests, "a sum, after a minute", adds, &right, limit);
    ASYNC_TEST(&tests, "a wrong sum", adds_wrong, &wrong, limit);
    ASYNC_TEST(&tests, "a wait for nobody", waits_for_nobody, &nobody, limit);
    ASYNC_TEST(&tests, "a wait without an end", waits_for_ever, &ever, limit);
    ASYNC_TEST(&tests, "a task that nobody waits for", leaves_a_task, &left,
               limit);
    good.test = reads;
    ASYNC_TEST(&tests, "with a database", with_database, &good, limit);
    bad.test = fails;
    ASYNC_TEST(&tests, "with a database, and an error", with_database, &bad,
               limit);
    ASYNC_TEST_GIVES(&tests, "an error is expected", with_database, &bad,
                     limit, ASYNC_EIO);
    ASYNC_TEST(&tests, "a timeout is expected", expects_a_timeout, &timeout,
               limit);
    ASYNC_TEST(&tests, "a cancellation is expected", expects_a_cancellation,
               &cancellation, limit);
    printf("%u passed, %u failed\n", tests.passed, tests.failed);
    return tests.failed != 5;
}

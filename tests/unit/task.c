/* Tasks: spawn, join, shield, results, callbacks, and who runs when. */
#include "nap.h"

#include <stdlib.h>

/* ---- a main coroutine with room for what the tests need ------------------ */

struct main {
    async_frame frame;
    async_task task[4];
    struct nap nap[4];
    int i, n, v[4], e;
    async_watch watch[4];
};

static ASYNC no_wait(struct main *self)
{
    ASYNC_BEGIN(self);
    ASYNC_RETURN(42);
    ASYNC_END;
}

TEST(task_no_wait_at_all)
{
    struct main m = {0};

    CHECK_EQ(async_run(no_wait, &m), 42);
    CHECK_EQ(async_run(no_wait, &m), 42);
    CHECK_EQ(test_ms(), 0);
    CHECK_EQ(test_idles(), 0);
}

static ASYNC raises(struct main *self)
{
    ASYNC_BEGIN(self);
    ASYNC_RAISE(ASYNC_EUSER(7));
    ASYNC_END;
}

TEST(task_error_is_result_of_run)
{
    struct main m = {0};

    CHECK_EQ(async_run(raises, &m), ASYNC_EUSER(7));
}

/* Two workers: starts in spawn order, ends by delay, results in join order. */
static ASYNC two_workers(struct main *self)
{
    ASYNC_BEGIN(self);
    self->nap[0].name = "A";
    self->nap[0].ms = 1000;
    self->nap[0].result = 10;
    self->nap[1].name = "B";
    self->nap[1].ms = 2000;
    self->nap[1].result = 20;
    CHECK_EQ(async_spawn(&self->task[0], nap, &self->nap[0]), 0);
    CHECK_EQ(async_spawn(&self->task[1], nap, &self->nap[1]), 0);
    test_log("spawned ");
    CHECK(!async_done(&self->task[0]));
    CHECK_EQ(async_result(&self->task[0]), ASYNC_PENDING);
    AWAIT_VALUE(self->v[0], async_join(&self->task[0]));
    AWAIT_VALUE(self->v[1], async_join(&self->task[1]));
    CHECK_EQ(self->v[0], 10);
    CHECK_EQ(self->v[1], 20);
    CHECK(async_done(&self->task[0]));
    CHECK_EQ(async_result(&self->task[1]), 20);
    AWAIT_VALUE(self->v[0], async_join(&self->task[0]));    /* once more */
    AWAIT_VALUE(self->v[1], async_join(&self->task[0]));
    CHECK_EQ(self->v[1], 10);
    ASYNC_END;
}

TEST(task_two_workers)
{
    struct main m = {0};

    CHECK_EQ(async_run(two_workers, &m), 0);
    CHECK_LOG("spawned A(B(A)B)");
    CHECK_EQ(test_ms(), 2000);
}

/* One task that finished may be spawned again, with its frame. */
static ASYNC again(struct main *self)
{
    ASYNC_BEGIN(self);
    self->nap[0].name = "A";
    self->nap[0].ms = 5;
    for (self->i = 0; self->i < 3; self->i++) {
        self->nap[0].result = self->i;
        CHECK_EQ(async_spawn(&self->task[0], nap, &self->nap[0]), 0);
        AWAIT_VALUE(self->v[0], async_join(&self->task[0]));
        CHECK_EQ(self->v[0], self->i);
    }
    ASYNC_END;
}

TEST(task_spawned_again)
{
    struct main m = {0};

    CHECK_EQ(async_run(again, &m), 0);
    CHECK_LOG("A(A)A(A)A(A)");
}

/* A failing task raises in whoever joins it, each time. */
static ASYNC join_failed(struct main *self)
{
    ASYNC_BEGIN(self);
    self->nap[0].name = "A";
    self->nap[0].result = ASYNC_EUSER(1);
    async_spawn(&self->task[0], nap, &self->nap[0]);
    for (self->i = 0; self->i < 2; self->i++) {
        ASYNC_TRY {
            AWAIT(async_join(&self->task[0]));
            CHECK_EQ(self->i, -1);              /* not reached */
        } ASYNC_CATCH(self->e) {
            CHECK_EQ(self->e, ASYNC_EUSER(1));
            self->n++;
        } ASYNC_TRY_END;
    }
    AWAIT(async_join(&self->task[0]));
    ASYNC_END;
}

TEST(task_join_raises)
{
    struct main m = {0};

    CHECK_EQ(async_run(join_failed, &m), ASYNC_EUSER(1));
    CHECK_EQ(m.n, 2);
}

/* Bad input has a clear answer. */
static ASYNC bad_input(struct main *self)
{
    static async_task never;

    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->e, async_join(NULL));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_join(async_current()));
    CHECK_EQ(self->e, ASYNC_EDEADLK);
    AWAIT_RESULT(self->e, async_join(&never));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_shield(NULL));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    CHECK_EQ(async_cancel(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_cancel(&never), 0);
    CHECK(!async_done(NULL));
    CHECK(!async_done(&never));
    CHECK_EQ(async_result(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_result(&never), ASYNC_PENDING);
    CHECK_EQ(async_on_done(&never, &self->watch[0], NULL), ASYNC_EINVAL);
    CHECK_EQ(async_spawn((async_task *)NULL, bad_input, self), ASYNC_EINVAL);
#if !ASYNC_DEBUG
    CHECK_EQ(async_spawn(async_current(), bad_input, self), ASYNC_EALREADY);
#endif
    CHECK_EQ(async_run(no_wait, self), ASYNC_EBUSY);
    ASYNC_END;
}

TEST(task_bad_input)
{
    struct main m = {0};

    CHECK_EQ(async_run(bad_input, &m), 0);
    CHECK_EQ(async_spawn(&m.task[0], no_wait, &m), ASYNC_EPERM);
}

/* ---- callbacks ----------------------------------------------------------- */

struct job {
    async_task task;
    async_watch watch;
    struct nap nap;
    int number;
};

static int running;

static void job_gone(async_watch *watch, async_task *task)
{
    struct job *job = (struct job *)(void *)task;

    CHECK(watch == &job->watch);
    CHECK(async_done(task));
    CHECK_EQ(async_result(task), job->number);
    test_log("%d ", --running);
    free(job);
}

static ASYNC fire_and_forget(struct main *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 10; self->i++) {
        struct job *job = (struct job *)calloc(1, sizeof *job);

        job->nap.name = "";
        job->nap.ms = 10 - self->i;
        job->nap.result = job->number = self->i;
        running++;
        async_spawn(&job->task, nap, &job->nap);
        async_on_done(&job->task, &job->watch, job_gone);
    }
    while (running > 0) {
        AWAIT(async_sleep(ASYNC_MS(1)));
    }
    ASYNC_END;
}

TEST(task_done_callback_frees_the_task)
{
    struct main m = {0};
    const char *log;

    CHECK_EQ(async_run(fire_and_forget, &m), 0);
    log = test_log_text();
    CHECK_STR(log, "(((((((((()9 )8 )7 )6 )5 )4 )3 )2 )1 )0 ");
}

static int respawns;

static void respawn(async_watch *watch, async_task *task)
{
    struct job *job = (struct job *)(void *)task;

    if (++respawns < 3) {
        CHECK_EQ(async_spawn(task, nap, &job->nap), 0);
        CHECK_EQ(async_on_done(task, watch, respawn), 0);
    }
}

static ASYNC respawning(struct main *self)
{
    static struct job job;

    ASYNC_BEGIN(self);
    respawns = 0;
    job.nap.name = "A";
    job.nap.ms = 1;
    async_spawn(&job.task, nap, &job.nap);
    async_on_done(&job.task, &job.watch, respawn);
    while (respawns < 3) {
        AWAIT(async_sleep(ASYNC_MS(1)));
    }
    CHECK_EQ(async_on_done(&job.task, &job.watch, respawn), 0);  /* at once */
    CHECK_EQ(respawns, 4);
    ASYNC_END;
}

TEST(task_done_callback_spawns_again)
{
    struct main m = {0};

    CHECK_EQ(async_run(respawning, &m), 0);
    CHECK_LOG("A(A)A(A)A(A)");
}

/* Joiners are woken in the order of their joining, callbacks come after. */
struct joiner {
    async_frame frame;
    async_task *target;
    const char *name;
    int v;
};

static ASYNC joiner(struct joiner *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->v, async_join(self->target));
    test_log("%s%d ", self->name, self->v);
    ASYNC_END;
}

static void log_done(async_watch *watch, async_task *task)
{
    (void)watch;
    test_log("done%d ", async_result(task));
}

static ASYNC join_order(struct main *self)
{
    static struct joiner joiners[3];
    static const char *const names[] = {"a", "b", "c"};

    ASYNC_BEGIN(self);
    self->nap[0].name = "";
    self->nap[0].ms = 3;
    self->nap[0].result = 5;
    async_spawn(&self->task[0], nap, &self->nap[0]);
    async_on_done(&self->task[0], &self->watch[0], log_done);
    for (self->i = 0; self->i < 3; self->i++) {
        joiners[self->i].name = names[self->i];
        joiners[self->i].target = &self->task[0];
        async_spawn(&self->task[self->i + 1], joiner, &joiners[self->i]);
    }
    for (self->i = 1; self->i < 4; self->i++) {
        AWAIT(async_join(&self->task[self->i]));
    }
    ASYNC_END;
}

TEST(task_joiners_in_order)
{
    struct main m = {0};

    CHECK_EQ(async_run(join_order, &m), 0);
    CHECK_LOG("()done5 a5 b5 c5 ");
}

/* ---- fairness ------------------------------------------------------------ */

struct spinner {
    async_frame frame;
    const char *name;
    int n, i;
};

static ASYNC spinner(struct spinner *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < self->n; self->i++) {
        test_log("%s%d ", self->name, self->i);
        AWAIT(async_yield());
    }
    ASYNC_END;
}

static ASYNC turns(struct main *self)
{
    static struct spinner a, b;

    ASYNC_BEGIN(self);
    a.name = "a";
    a.n = 3;
    b.name = "b";
    b.n = 2;
    async_spawn(&self->task[0], spinner, &a);
    async_spawn(&self->task[1], spinner, &b);
    AWAIT(async_join(&self->task[0]));
    AWAIT(async_join(&self->task[1]));
    ASYNC_END;
}

TEST(task_turns_are_fair)
{
    struct main m = {0};

    CHECK_EQ(async_run(turns, &m), 0);
    CHECK_LOG("a0 b0 a1 b1 a2 ");
    CHECK_EQ(test_idles(), 0);
}

/* A task that yields for ever does not keep a timer waiting. */
static int spins;

static ASYNC spin_for_ever(struct spinner *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        spins++;
        test_busy(ASYNC_MS(1));
        AWAIT(async_yield());
    }
    ASYNC_END;
}

static ASYNC timer_beside_spinner(struct main *self)
{
    static struct spinner s;

    ASYNC_BEGIN(self);
    spins = 0;
    async_spawn(&self->task[0], spin_for_ever, &s);
    AWAIT(async_sleep(ASYNC_MS(20)));
    CHECK_EQ(test_ms(), 21);            /* in the turn after its time came */
    async_cancel(&self->task[0]);
    AWAIT_RESULT(self->e, async_join(&self->task[0]));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(task_yielding_starves_no_timer)
{
    struct main m = {0};

    CHECK_EQ(async_run(timer_beside_spinner, &m), 0);
    CHECK(spins >= 20 && spins <= 22);
}

/* A polling task runs once a turn. */
static ASYNC poller(struct spinner *self)
{
    ASYNC_BEGIN(self);
    AWAIT_UNTIL(++self->i == 5);
    test_log("polled%d ", self->i);
    AWAIT_WHILE(++self->i < 8);
    ASYNC_END;
}

static ASYNC polling(struct main *self)
{
    static struct spinner p, s;

    ASYNC_BEGIN(self);
    s.name = "s";
    s.n = 6;
    p.i = 0;
    async_spawn(&self->task[0], poller, &p);
    async_spawn(&self->task[1], spinner, &s);
    AWAIT(async_join(&self->task[0]));
    AWAIT(async_join(&self->task[1]));
    ASYNC_END;
}

TEST(task_poll_once_a_turn)
{
    struct main m = {0};

    CHECK_EQ(async_run(polling, &m), 0);
    CHECK_LOG("s0 s1 s2 s3 polled5 s4 s5 ");
}

/* ---- what is left when main ends ----------------------------------------- */

static ASYNC endless(struct nap *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        for (;;) {
            AWAIT(async_sleep(ASYNC_MS(10)));
        }
    } ASYNC_FINALLY(self->outcome) {
        AWAIT(async_sleep((async_duration)ASYNC_MS(self->cleanup)));
        test_log("%s! ", self->name);
    } ASYNC_TRY_END;
    ASYNC_END;
}

static ASYNC leaves(struct main *self)
{
    ASYNC_BEGIN(self);
    self->nap[0].name = "A";
    self->nap[0].cleanup = 30;
    self->nap[1].name = "B";
    self->nap[1].cleanup = 20;
    async_spawn(&self->task[0], endless, &self->nap[0]);
    async_spawn(&self->task[1], endless, &self->nap[1]);
    AWAIT(async_sleep(ASYNC_MS(15)));
    test_log("main ");
    ASYNC_RETURN(3);
    ASYNC_END;
}

TEST(task_leftovers_clean_up)
{
    struct main m = {0};

    CHECK_EQ(async_run(leaves, &m), 3);
    CHECK_LOG("main B! A! ");
    CHECK_EQ(async_result(&m.task[0]), ASYNC_ECANCELED);
    CHECK_EQ(test_ms(), 45);
}

/* Also those that wait for one another, or for what never comes. */
static async_future never_set;

static ASYNC waits_for_future(struct nap *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_future_wait(&never_set));
    } ASYNC_FINALLY(self->outcome) {
        test_log("%s! ", self->name);
    } ASYNC_TRY_END;
    ASYNC_END;
}

static ASYNC waits_for_task(struct joiner *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_join(self->target));
    } ASYNC_FINALLY(self->v) {
        test_log("%s! ", self->name);
        CHECK_EQ(self->v, ASYNC_CANCEL);
    } ASYNC_TRY_END;
    ASYNC_END;
}

static struct joiner left_joiner[2];

static ASYNC leaves_waiting(struct main *self)
{
    ASYNC_BEGIN(self);
    self->nap[0].name = "F";
    left_joiner[0].name = "J";
    left_joiner[0].target = &self->task[0];
    left_joiner[1].name = "K";
    left_joiner[1].target = &self->task[1];
    async_spawn(&self->task[0], waits_for_future, &self->nap[0]);
    async_spawn(&self->task[1], waits_for_task, &left_joiner[0]);
    async_spawn(&self->task[2], waits_for_task, &left_joiner[1]);
    AWAIT(async_yield());
    AWAIT(async_yield());
    ASYNC_RETURN(1);
    ASYNC_END;
}

TEST(task_leftovers_that_wait_are_found)
{
    struct main m = {0};

    CHECK_EQ(async_run(leaves_waiting, &m), 1);
    CHECK_LOG("F! J! K! ");
    CHECK(never_set.waiters.tail == NULL);
}

/* A cleanup that spawns, and one that waits for ever: neither hangs. */
static async_task late_task;
static struct nap late_nap;

static ASYNC spawns_in_cleanup(struct nap *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_future_wait(&never_set));
    } ASYNC_FINALLY(self->outcome) {
        late_nap.name = "L";
        async_spawn(&late_task, endless, &late_nap);
        AWAIT(async_sleep(ASYNC_MS(50)));
    } ASYNC_TRY_END;
    ASYNC_END;
}

static ASYNC waits_in_cleanup(struct nap *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_future_wait(&never_set));
    } ASYNC_FINALLY(self->outcome) {
        AWAIT(async_future_wait(&never_set));
    } ASYNC_TRY_END;
    ASYNC_END;
}

static ASYNC leaves_stubborn(struct main *self)
{
    ASYNC_BEGIN(self);
    self->nap[0].name = "S";
    if (self->n == 0) {
        async_spawn(&self->task[0], spawns_in_cleanup, &self->nap[0]);
    } else {
        async_spawn(&self->task[0], waits_in_cleanup, &self->nap[0]);
    }
    AWAIT(async_yield());
    ASYNC_RETURN(2);
    ASYNC_END;
}

TEST(task_leftovers_never_hang)
{
    struct main m = {0};

#if ASYNC_HOSTED
    CHECK_EQ(async_run(leaves_stubborn, &m), 2);
    CHECK_LOG("L! ");
    CHECK(async_done(&late_task));
#endif
    m.n = 1;
    CHECK_EQ(async_run(leaves_stubborn, &m), 2);
    CHECK(async_done(&m.task[0]));
}

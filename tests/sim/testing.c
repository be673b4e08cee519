/* What testing.h promises: which tests fail, what is said of them, and that
 * nothing is left of them. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#define ASYNC_SIM 1
#include "test.h"

#include <stdlib.h>
#include <string.h>

#define SEC(n) ((async_duration)(ASYNC_TICK_BITS == 16 ? (n) * 10 \
                                                       : ASYNC_SEC(n)))
#define MS1 ((async_duration)ASYNC_MS(1))

/* What is said of the tests is the transcript, without folders and lines. */
static void hear(const char *line)
{
    char text[500];
    size_t n = 0;

    for (; *line != '\0' && n + 1 < sizeof text; line++) {
        if (*line == '/') {
            while (n > 0 && text[n - 1] != ' ') {
                n--;
            }
        } else if (*line == ':' && line[1] >= '0' && line[1] <= '9') {
            while (line[1] >= '0' && line[1] <= '9') {
                line++;
            }
        } else {
            text[n++] = *line;
        }
    }
    text[n] = '\0';
    test_log("%s\n", text);
}

struct self {
    async_frame frame;
    async_task task, other;
    async_event never;
    async_timeout scope;
    async_duration ticks;
    int i, e, result, outcome, ends[2];
};

static struct self t, left;
static int told;                /* what a test has to tell */
static async_tests tests;

static void fresh(void)
{
    memset(&t, 0, sizeof t);
    memset(&left, 0, sizeof left);
    memset(&tests, 0, sizeof tests);
    told = 0;
    tests.say = hear;
}

/* ---- results ------------------------------------------------------------- */

static ASYNC gives(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(self->ticks));
    if (self->result < 0) {
        ASYNC_RAISE(self->result);
    }
    ASYNC_RETURN(self->result);
    ASYNC_END;
}

static void give(int result)
{
    memset(&t, 0, sizeof t);
    t.ticks = SEC(1);
    t.result = result;
}

TEST(testing_compares_the_result)
{
    fresh();
    give(0);
    CHECK(ASYNC_TEST(&tests, "nothing", gives, &t, SEC(2)));
    give(5);
    CHECK(ASYNC_TEST(&tests, "any number", gives, &t, SEC(2)));
    CHECK(ASYNC_TEST_GIVES(&tests, "five", gives, &t, SEC(2), 5));
    CHECK(!ASYNC_TEST_GIVES(&tests, "not five", gives, &t, SEC(2), 4));
    give(ASYNC_EIO);
    CHECK(!ASYNC_TEST(&tests, "an error", gives, &t, SEC(2)));
    CHECK(ASYNC_TEST_GIVES(&tests, "that error", gives, &t, SEC(2),
                           ASYNC_EIO));
    CHECK(!ASYNC_TEST_GIVES(&tests, "another error", gives, &t, SEC(2),
                            ASYNC_EINVAL));
    give(0);
    CHECK(!ASYNC_TEST_GIVES(&tests, "no error", gives, &t, SEC(2),
                            ASYNC_EUSER(1)));
#if ASYNC_TICK_BITS != 16
    CHECK_LOG("ok   nothing (1000 ms)\n"
              "ok   any number (1000 ms)\n"
              "ok   five (1000 ms)\n"
              "FAIL not five (1000 ms): 5, and not 4\n"
              "FAIL an error (1000 ms): input or output failed (-5)\n"
              "ok   that error (1000 ms)\n"
              "FAIL another error (1000 ms): input or output failed (-5), and "
              "not invalid argument (-22)\n"
              "FAIL no error (1000 ms): 0, and not ASYNC_EUSER(1)\n");
#endif
    CHECK_EQ(tests.passed, 4);
    CHECK_EQ(tests.failed, 4);
}

static ASYNC expects(struct self *self)
{
    ASYNC_BEGIN(self);
    ASYNC_EXPECT(self->result == 1);
    AWAIT(async_sleep(SEC(1)));
    ASYNC_EXPECT(self->result == 2);
    ASYNC_EXPECT(self->result == 3);
    told++;                             /* it went on */
    ASYNC_END;
}

TEST(testing_says_the_first_that_is_not_expected)
{
    fresh();
    t.result = 1;
    CHECK(!ASYNC_TEST(&tests, "one", expects, &t, ASYNC_NEVER));
    CHECK_EQ(told, 1);
    t.result = 3;
    CHECK(!ASYNC_TEST(&tests, "three", expects, &t, ASYNC_NEVER));
#if ASYNC_TICK_BITS != 16
    CHECK_LOG("FAIL one (1000 ms): expected self->result == 2, at testing.c\n"
              "FAIL three (1000 ms): expected self->result == 1, at "
              "testing.c\n");
#endif
}

/* ---- what does not end --------------------------------------------------- */

static ASYNC naps(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(self->ticks));
    ASYNC_END;
}

/* Longer than any limit. */
static ASYNC naps_for_long(struct self *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 3; self->i++) {
        AWAIT(async_sleep(ASYNC_NEVER / 2));
    }
    ASYNC_END;
}

TEST(testing_limit)
{
    fresh();
    t.ticks = SEC(10);
    CHECK(ASYNC_TEST(&tests, "just in time", naps, &t, SEC(10)));
    CHECK(!ASYNC_TEST(&tests, "late", naps, &t, (async_duration)(SEC(10) - 1)));
    CHECK(ASYNC_TEST(&tests, "no limit", naps, &t, ASYNC_NEVER));
    CHECK(ASYNC_TEST(&tests, "no limit", naps_for_long, &t, ASYNC_NEVER));
    CHECK(!ASYNC_TEST(&tests, "a limit", naps_for_long, &t, ASYNC_NEVER - 1));
    t.ticks = 0;
    CHECK(ASYNC_TEST(&tests, "no time at all", naps, &t, 0));
    t.ticks = 1;
    CHECK(!ASYNC_TEST(&tests, "some time", naps, &t, 0));
    test_log_clear();
}

/* It is cancelled, and has as long again. */
static ASYNC cleans_up(struct self *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_sleep(SEC(100)));
    } ASYNC_FINALLY(self->outcome) {
        told = 1;
        AWAIT(async_sleep(self->ticks));
        told = 2;
    } ASYNC_TRY_END;
    ASYNC_END;
}

TEST(testing_late_one_cleans_up)
{
    fresh();
    t.ticks = SEC(9);
    CHECK(!ASYNC_TEST(&tests, "it does", cleans_up, &t, SEC(10)));
    CHECK_EQ(told, 2);
    t.ticks = SEC(11);
    CHECK(!ASYNC_TEST(&tests, "it takes too long", cleans_up, &t, SEC(10)));
    CHECK_EQ(told, 1);
#if ASYNC_TICK_BITS != 16
    CHECK_LOG("FAIL it does (19000 ms): it was not done after 10000 ms\n"
              "FAIL it takes too long (20000 ms): it was not done after "
              "10000 ms; tasks that do not end when cancelled: 1\n");
#endif
}

static ASYNC waits(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_event_wait(&self->never));
    ASYNC_END;
}

static ASYNC turns(struct self *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT(async_yield());
    }
    ASYNC_END;
}

static ASYNC polls(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT_UNTIL(self->i != 0);
    ASYNC_END;
}

/* Whatever it is that never ends. */
TEST(testing_never_ends)
{
    fresh();
    CHECK(!ASYNC_TEST(&tests, "a deadlock", waits, &t, SEC(10)));
    CHECK(!ASYNC_TEST(&tests, "turns", turns, &t, SEC(10)));
    CHECK(!ASYNC_TEST(&tests, "polls", polls, &t, SEC(10)));
#if ASYNC_TICK_BITS != 16
    CHECK_LOG("FAIL a deadlock (0 ms): deadlock (-35)\n"
              "FAIL turns (10000 ms): it was not done after 10000 ms\n"
              "FAIL polls (10000 ms): it was not done after 10000 ms\n");
#endif
    test_log_clear();
}

#if ASYNC_HOSTED

static ASYNC reads(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_pipe(self->ends));
    ASYNC_TRY {
        AWAIT_VALUE(self->e, async_readable(self->ends[0]));
    } ASYNC_FINALLY(self->outcome) {
        AWAIT(async_close(self->ends[0]));
        AWAIT(async_close(self->ends[1]));
    } ASYNC_TRY_END;
    ASYNC_END;
}

#endif

/* A limit is one also where nothing but a descriptor is waited for. */
TEST(testing_limit_of_a_wait_outside)
{
#if ASYNC_HOSTED
    fresh();
    CHECK(!ASYNC_TEST(&tests, "reads", reads, &t, SEC(1000)));
#if ASYNC_TICK_BITS != 16
    CHECK_LOG("FAIL reads (1000000 ms): it was not done after 1000000 ms\n");
#endif
    test_log_clear();
#else
    test_skip("no descriptors here");
#endif
}

/* ---- tasks left behind --------------------------------------------------- */

static ASYNC leaves(struct self *self)
{
    ASYNC_BEGIN(self);
    left.ticks = self->ticks;
    async_spawn(&left.task, cleans_up, &left);
    AWAIT(async_sleep(SEC(1)));
    ASYNC_END;
}

static ASYNC refuses(struct self *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        ASYNC_TRY {
            AWAIT(async_sleep(SEC(1)));
        } ASYNC_CATCH_ALL(self->e) {
        } ASYNC_TRY_END;
    }
    ASYNC_END;
}

static ASYNC leaves_for_good(struct self *self)
{
    ASYNC_BEGIN(self);
    async_spawn(&left.task, refuses, &left);
    AWAIT(async_sleep(SEC(1)));
    ASYNC_END;
}

TEST(testing_tasks_left_behind)
{
    fresh();
    t.ticks = SEC(2);
    CHECK(!ASYNC_TEST(&tests, "leaves one", leaves, &t, SEC(10)));
    CHECK_EQ(told, 2);             /* cancelled, and awaited */
    CHECK(async_done(&left.task));
    memset(&left, 0, sizeof left);
    CHECK(!ASYNC_TEST(&tests, "leaves one for good", leaves_for_good, &t,
                      SEC(10)));
    CHECK(!async_done(&left.task));
#if ASYNC_TICK_BITS != 16
    CHECK_LOG("FAIL leaves one (1000 ms): tasks left behind: 1\n"
              "FAIL leaves one for good (1000 ms): tasks left behind: 1; "
              "tasks that do not end when cancelled: 1\n");
#endif
    test_log_clear();
}

/* The time is over while a task of the test's steps a loop of its own. */
static async_loop second;

static ASYNC turns_for_ever(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT_UNTIL(self->i > 0);
    ASYNC_END;
}

static ASYNC steps(struct self *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        async_loop_step(&second);
        AWAIT(async_yield());
    }
    ASYNC_END;
}

static ASYNC with_a_second_loop(struct self *self)
{
    ASYNC_BEGIN(self);
    async_spawn(&left.task, steps, &left);
    AWAIT(async_sleep(SEC(100)));
    ASYNC_END;
}

TEST(testing_limit_with_a_second_loop)
{
    static struct self others;
    async_loop *before = async_loop_use(NULL);

    fresh();
    memset(&others, 0, sizeof others);
    CHECK_EQ(async_loop_open(&second), 0);
    CHECK_EQ(async_loop_spawn(&second, &others.task, turns_for_ever, &others),
             0);
    (void)async_loop_use(before);
    CHECK(!ASYNC_TEST(&tests, "two loops", with_a_second_loop, &t, SEC(1)));
    CHECK_EQ(tests.failed, 1);
    CHECK(!async_done(&others.task));
    others.i = 1;
    CHECK_EQ(async_loop_run(&second, NULL), 0);
    CHECK_EQ(async_loop_close(&second), 0);
    test_log_clear();
}

/* A test that lets the time pass by itself. */
static ASYNC advances(struct self *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_sim_advance(self->ticks), 0);
    AWAIT(async_yield());
    CHECK_EQ(async_sim_advance(self->ticks), 0);
    if (self->i > 0) {
        AWAIT(async_sleep(SEC(1)));
        told++;
    }
    ASYNC_END;
}

TEST(testing_limit_of_who_advances)
{
    fresh();
    t.ticks = SEC(1);
    CHECK(ASYNC_TEST(&tests, "in time", advances, &t, SEC(2)));
    CHECK(!ASYNC_TEST(&tests, "not in time", advances, &t, SEC(2) - 1));
    t.i = 1;
    CHECK(!ASYNC_TEST(&tests, "struck", advances, &t, SEC(2) - 1));
    CHECK_EQ(told, 0);
    CHECK_EQ(tests.failed, 2);
    t.ticks = ASYNC_NEVER - 1;                      /* twice: it wraps */
    CHECK(!ASYNC_TEST(&tests, "much", advances, &t, 1));
    CHECK_EQ(tests.failed, 3);
    test_log_clear();
}

#if ASYNC_HOSTED && ASYNC_OFFLOAD
#include <signal.h>
#include <unistd.h>

/* What is left behind may be reached by a signal, or a thread that hangs. */
static int gates[2];

static int hangs(void *argument)
{
    char byte;

    (void)argument;
    return (int)read(gates[0], &byte, 1);
}

struct held {
    async_frame frame;
    async_signal signal;
    async_offload_job job;
    int n;
};

static ASYNC keeps_a_signal(struct held *self)
{
    ASYNC_BEGIN(self);
    async_signal_open(&self->signal, SIGUSR1);
    ASYNC_TRY {
        AWAIT_VALUE(self->n, async_signal_wait(&self->signal));
    } ASYNC_FINALLY(self->n) {
        AWAIT(async_sleep(SEC(100)));
        async_signal_close(&self->signal);
    } ASYNC_TRY_END;
    ASYNC_END;
}

static ASYNC waits_for_a_thread(struct held *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->n, async_offload(&self->job, hangs, self));
    ASYNC_END;
}

#endif

TEST(testing_leaves_what_may_be_reached)
{
#if ASYNC_HOSTED && ASYNC_OFFLOAD
    static struct held signal_test, thread_test;

    fresh();
    CHECK_EQ(pipe(gates), 0);
    CHECK(!ASYNC_TEST(&tests, "a signal", keeps_a_signal, &signal_test,
                      SEC(1)));
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK(!ASYNC_TEST(&tests, "a thread", waits_for_a_thread, &thread_test,
                      SEC(1)));
    CHECK(ASYNC_TEST(&tests, "the next", gives, &t, SEC(1)));
    CHECK_EQ(tests.failed, 2);
    CHECK_EQ(write(gates[1], "x", 1), 1);           /* so that it ends */
    test_log_clear();
#endif
}

/* In a debug build the tasks are named. */
#if ASYNC_DEBUG && ASYNC_HOSTED
const char *test_heard(void);
#endif

TEST(testing_names_who_waits)
{
#if ASYNC_DEBUG && ASYNC_HOSTED
    fresh();
    CHECK(!ASYNC_TEST(&tests, "dead", waits, &t, SEC(10)));
    CHECK(strstr(test_heard(), "task `waits` (spawned at ") != NULL);
    CHECK(strstr(test_heard(), "waits in async_event_wait") != NULL);
    CHECK(!ASYNC_TEST(&tests, "late", polls, &t, SEC(10)));
    CHECK(strstr(test_heard(), "test `late` is not done in time\n") != NULL);
    CHECK(strstr(test_heard(), "task `polls` (spawned at ") != NULL);
    CHECK(strstr(test_heard(), "in polls, at ") != NULL);
    CHECK(!ASYNC_TEST(&tests, "left", leaves, &t, SEC(10)));
    CHECK(strstr(test_heard(), "test `left` leaves tasks behind\n") != NULL);
    CHECK(strstr(test_heard(), "task `cleans_up` (spawned at ") != NULL);
    CHECK(strstr(test_heard(), "in cleans_up, at ") != NULL);
    test_log_clear();
#else
    test_skip("release builds know no names");
#endif
}

/* ---- seeds --------------------------------------------------------------- */

/* Two tasks; it fails when the second one is the first to run. */
struct pair {
    async_frame frame;
    struct { async_frame frame; async_task task; int *first, me; } one[2];
    int first, runs, i;
};

static int runs;

static ASYNC comes(void *argument)
{
    struct pair *self = (struct pair *)argument;

    if (self->first == 0) {
        self->first = 1;
    }
    return 0;
}

static ASYNC overtakes(void *argument)
{
    struct pair *self = (struct pair *)argument;

    if (self->first == 0) {
        self->first = 2;
    }
    return 0;
}

static ASYNC two(struct pair *self)
{
    ASYNC_BEGIN(self);
    runs++;
    ASYNC_EXPECT(self->runs++ == 0);    /* in each run: the frame is fresh */
    async_spawn(&self->one[0].task, comes, (void *)self);
    async_spawn(&self->one[1].task, overtakes, (void *)self);
    AWAIT(async_join(&self->one[0].task));
    AWAIT(async_join(&self->one[1].task));
    ASYNC_EXPECT(self->first == 1);
    ASYNC_END;
}

static struct pair p;

static bool try_pair(void)
{
    runs = 0;
    return ASYNC_TEST(&tests, "a pair", two, &p, SEC(1));
}

/* The first seed from 1 on that fails. */
static unsigned failing_seed(void)
{
    unsigned seed = 0;

    do {
        tests.seed = ++seed;
    } while (try_pair() && seed < 100);
    test_log_clear();
    return seed;
}

TEST(testing_with_seeds)
{
    unsigned bad;
    char want[200];

    fresh();
    CHECK(try_pair());                          /* first in, first out */
    CHECK_LOG("ok   a pair (0 ms)\n");
    bad = failing_seed();
    CHECK(bad < 100);
    tests.seed = 0;
    tests.seeds = 1000;
    CHECK(!try_pair());
    CHECK_EQ(runs, bad + 1);                    /* it ends with the first */
    CHECK_EQ(tests.failed_with, bad);
    strcpy(want, test_log_text());
    test_log_clear();
    tests.seed = bad;
    tests.seeds = 1;
    CHECK(!try_pair());                         /* which alone does it again */
    CHECK_EQ(runs, 1);
    CHECK_LOG(want);
    test_log("FAIL a pair (0 ms, seed %u): expected self->first == 1, at "
             "testing.c\n", bad);
    CHECK_LOG(want);
    tests.seed = 0;
    tests.seeds = bad;                          /* 0 to the one before */
    CHECK(try_pair());
    CHECK_EQ(runs, bad);
    if (bad > 1) {
        test_log_clear();
        tests.seeds = 2;
        tests.seed = bad - 1;
        CHECK(!try_pair());
        CHECK_EQ(runs, 2);
    }
    test_log_clear();
}

TEST(testing_environment_has_the_last_word)
{
#if ASYNC_HOSTED
    unsigned bad;
    char text[20];
    unsigned n = 0, rest;

    fresh();
    bad = failing_seed();
    for (rest = bad; rest != 0; rest /= 10) {
        n++;
    }
    text[n] = '\0';
    for (rest = bad; rest != 0; rest /= 10) {
        text[--n] = (char)('0' + (int)(rest % 10));
    }
    fresh();
    CHECK_EQ(setenv("ASYNC_SEED", text, 1), 0);
    CHECK(!try_pair());
    CHECK_EQ(runs, 1);
    tests.seeds = 7;
    tests.seed = bad + 1;
    CHECK(!try_pair());
    CHECK_EQ(runs, 1);
    CHECK_EQ(setenv("ASYNC_SEED", "0", 1), 0);
    CHECK(try_pair());
    CHECK_EQ(runs, 1);
    CHECK_EQ(setenv("ASYNC_SEEDS", "1000", 1), 0);
    CHECK(try_pair());                          /* of the two, the seed */
    CHECK_EQ(unsetenv("ASYNC_SEED"), 0);
    tests.seed = 0;
    tests.seeds = 0;
    CHECK(!try_pair());
    CHECK_EQ(runs, bad + 1);
    CHECK_EQ(setenv("ASYNC_SEEDS", "nonsense", 1), 0);      /* is an error */
    CHECK(!try_pair());
    CHECK_EQ(runs, 0);
    CHECK_EQ(unsetenv("ASYNC_SEEDS"), 0);
    CHECK_EQ(setenv("ASYNC_SEED", "7up", 1), 0);
    CHECK(!try_pair());
    CHECK_EQ(runs, 0);
    CHECK_EQ(unsetenv("ASYNC_SEED"), 0);
    test_log_clear();
#else
    test_skip("no environment here");
#endif
}

/* ---- where it is called from --------------------------------------------- */

static ASYNC tests_inside(struct self *self)
{
    ASYNC_BEGIN(self);
    CHECK(!ASYNC_TEST(&tests, "inside", naps, &t, SEC(1)));
    ASYNC_END;
}

static void tests_in_a_call(async_call *call)
{
    (void)call;
    CHECK(!ASYNC_TEST(&tests, "called", naps, &t, SEC(1)));
}

static ASYNC calls(struct self *self)
{
    static async_call call;

    ASYNC_BEGIN(self);
    CHECK_EQ(async_call_soon(&call, tests_in_a_call), 0);
    AWAIT(async_sleep(SEC(1)));
    ASYNC_END;
}

TEST(testing_inside_a_loop_is_an_error)
{
    static struct self inside;

    fresh();
    memset(&inside, 0, sizeof inside);
    CHECK_EQ(async_run(tests_inside, &inside), 0);
    CHECK_EQ(async_run(calls, &inside), 0);
    CHECK_EQ(tests.failed, 2);
    CHECK_LOG("FAIL inside: busy (-16)\nFAIL called: busy (-16)\n");
}

TEST(testing_bad_arguments)
{
    async_fn none = NULL;

    fresh();
    CHECK(!ASYNC_TEST((async_tests *)NULL, "no tests", naps, &t, SEC(1)));
    CHECK(!ASYNC_TEST(&tests, NULL, naps, &t, SEC(1)));
    CHECK(!ASYNC_TEST(&tests, "no test", none, &t, SEC(1)));
    CHECK(!ASYNC_TEST(&tests, "no frame", naps, (struct self *)NULL, SEC(1)));
    CHECK(!ASYNC_TEST(&tests, "no limit", naps, &t, -1));
    CHECK_LOG("FAIL a test without a name: invalid argument (-22)\n"
              "FAIL no test: invalid argument (-22)\n"
              "FAIL no frame: invalid argument (-22)\n"
              "FAIL no limit: invalid argument (-22)\n");
    CHECK_EQ(tests.failed, 4);
    CHECK_EQ(tests.passed, 0);
}

/* A loop, the clock and the seed of the thread are what they were. */
static ASYNC begins_at_0(struct self *self)
{
    ASYNC_BEGIN(self);
    ASYNC_EXPECT(async_now() == 0);
    AWAIT(async_sleep(SEC(7)));
    ASYNC_END;
}

TEST(testing_leaves_the_thread_as_it_was)
{
    async_ticks at;
    async_loop loop;
    unsigned first, i;

    fresh();
    CHECK_EQ(async_sim_advance(SEC(3)), 0);
    at = async_sim_now();
    async_sim_seed(5);
    first = async_sim_random(30000);
    async_sim_seed(5);
    CHECK_EQ(async_loop_open(&loop), 0);
    left.ticks = SEC(1);
    async_spawn(&left.task, naps, &left);
    tests.seeds = 3;
    CHECK(ASYNC_TEST(&tests, "begins", begins_at_0, &t, SEC(10)));
    CHECK_LOG("ok   begins (3 seeds)\n");
    CHECK(async_this_loop_ == &loop);
    CHECK_EQ(async_sim_now(), at);
    CHECK_EQ(async_sim_random(30000), first);
    CHECK_EQ(async_loop_run(&loop, &left.task), 0);
    CHECK_EQ((async_ticks)(async_sim_now() - at), (async_ticks)SEC(1));
    CHECK_EQ(async_loop_close(&loop), 0);
    /* And its limit is none of theirs. */
    memset(&left, 0, sizeof left);
    left.ticks = SEC(200);
    for (i = 0; i < 2; i++) {
        CHECK_EQ(async_run(naps, &left), 0);
    }
}

/* A statement, and an expression. */
TEST(testing_is_an_expression)
{
    fresh();
    if (ASYNC_TICK_BITS != 8)
        ASYNC_TEST(&tests, "a statement", naps, &t, SEC(1));
    else
        ASYNC_EXPECT(false);
    CHECK_EQ(ASYNC_TEST(&tests, "another", naps, &t, SEC(1)) ? 10 : 20, 10);
    CHECK_EQ(tests.passed, 2);
    test_log_clear();
}

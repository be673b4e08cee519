/* What sim.h and testing.h promise. The library's functions are here, with
 * hooks of a project's own that ASYNC_SIM is to replace: whoever calls one has
 * failed. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#define ASYNC_SIM 1
#include "test.h"

#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif
void test_hook(const char *name);
void test_warn(const char *message);
const char *test_heard(void);
#ifdef __cplusplus
}
#endif
#define ASYNC_CLOCK() (test_hook("ASYNC_CLOCK"), (async_ticks)0)
#define ASYNC_IDLE(loop, ticks) test_hook("ASYNC_IDLE")
#define ASYNC_WARN(message) test_warn(message)
#define ASYNC_IMPLEMENTATION
#include "async.h"

#if ASYNC_HOSTED
#include <pthread.h>
#include <time.h>
#include <unistd.h>
#endif

/* A second of the tests, which is one wherever a clock counts that far. */
#define SEC(n) ((async_duration)(ASYNC_TICK_BITS == 16 ? (n) * 10 \
                                                       : ASYNC_SEC(n)))
#define HOUR (ASYNC_TICK_BITS == 16 ? (async_duration)30000 : SEC(3600))
#define MS1 ((async_duration)ASYNC_MS(1))
#define COUNT 5

static char warned[2000];

void test_hook(const char *name)
{
    test_fail(name, 0, "a hook of the project is called");
}

void test_warn(const char *message)
{
    if (strlen(warned) + strlen(message) + 2 < sizeof warned) {
        strcat(strcat(warned, message), "\n");
    }
}

const char *test_heard(void)
{
    return warned;
}

/* Each test begins so. The thread's clock goes on from test to test. */
void test_virtual_time(void)
{
    async_sim_seed(0);
    (void)async_sim_patience(-1);
    warned[0] = '\0';
}

static async_ticks since(async_ticks at)
{
    return (async_ticks)(async_sim_now() - at);
}

/* ---- the clock ----------------------------------------------------------- */

struct self {
    async_frame frame;
    async_task task[COUNT];
    async_timeout scope;
    async_event event;
    async_ticks at;
    const char *name;
    struct self *of;
    async_duration ticks;
    int i, n, e, ends[2];
    bool flag;
    char buffer[16];
#if ASYNC_HOSTED
#if ASYNC_OFFLOAD
    async_offload_job job;
#endif
    async_process process;
    async_irq irq;
    pthread_t thread;
#endif
};

static struct self a[COUNT];

static void fresh(void)
{
    memset(a, 0, sizeof a);
}

static ASYNC sleeps(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(self->ticks));
    if (self->name != NULL) {
        test_log("%s ", self->name);
    }
    if (self->of != NULL) {
        self->of->flag = true;
    }
    ASYNC_END;
}

static ASYNC a_week(struct self *self)
{
    ASYNC_BEGIN(self);
    self->at = async_now();
    for (self->i = 0; self->i < 7 * 24; self->i++) {
        AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, HOUR,
                                            async_event_wait(&self->event)));
        CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    }
    CHECK_EQ((async_ticks)(async_now() - self->at),
             (async_ticks)((async_ticks)HOUR * 7 * 24));
    ASYNC_END;
}

TEST(sim_a_week_of_timeouts)
{
    async_ticks at = async_sim_now();

    CHECK_EQ(at, 0);                    /* the first test of this program */
    fresh();
    CHECK_EQ(async_run(a_week, &a[0]), 0);
    CHECK_EQ(since(at), (async_ticks)((async_ticks)HOUR * 7 * 24));
    CHECK_EQ(a[0].at, at);
}

/* It stands still while tasks run, and is the same for the next loop. */
static ASYNC in_order(struct self *self)
{
    static const char *const name[] = {"c", "a", "b"};
    static const int seconds[] = {3, 1, 2};

    ASYNC_BEGIN(self);
    self->at = async_sim_now();
    for (self->i = 0; self->i < 3; self->i++) {
        a[1 + self->i].name = name[self->i];
        a[1 + self->i].ticks = SEC(seconds[self->i]);
        async_spawn(&self->task[self->i], sleeps, &a[1 + self->i]);
        AWAIT(async_yield());
    }
    CHECK_EQ(since(self->at), 0);
    for (self->i = 0; self->i < 3; self->i++) {
        AWAIT(async_join(&self->task[self->i]));
        test_log("at %d ", (int)(since(self->at) / (async_ticks)SEC(1)));
    }
    ASYNC_END;
}

TEST(sim_goes_straight_to_the_next_deadline)
{
    async_ticks at = async_sim_now();

    fresh();
    CHECK_EQ(async_run(in_order, &a[0]), 0);
    CHECK_LOG("a b c at 3 at 3 at 3 ");
    CHECK_EQ(since(at), (async_ticks)SEC(3));
}

TEST(sim_step_leaves_the_clock_to_its_caller)
{
    async_ticks at = async_sim_now();
    async_loop loop;
    async_duration wait;

    fresh();
    CHECK_EQ(async_loop_open(&loop), 0);
    a[0].ticks = SEC(2);
    async_spawn(&a[0].task[0], sleeps, &a[0]);
    CHECK_EQ(async_loop_step(&loop), SEC(2));
    CHECK_EQ(async_loop_step(&loop), SEC(2));
    CHECK_EQ(since(at), 0);
    CHECK_EQ(async_sim_advance(SEC(1)), 0);
    wait = async_loop_step(&loop);
    CHECK_EQ(wait, SEC(1));
    CHECK_EQ(async_sim_advance(wait), 0);
    CHECK_EQ(async_loop_step(&loop), ASYNC_NEVER);
    CHECK(async_done(&a[0].task[0]));
    CHECK_EQ(async_loop_close(&loop), 0);
}

#if ASYNC_HOSTED

static ASYNC computes(struct self *self)
{
    ASYNC_BEGIN(self);
    self->at = async_now();
    CHECK_EQ(async_sim_advance(SEC(2)), 0);
    CHECK_EQ(async_now(), self->at);            /* this turn's time */
    CHECK_EQ(since(self->at), (async_ticks)SEC(2));
    AWAIT(async_yield());
    CHECK_EQ((async_ticks)(async_now() - self->at), (async_ticks)SEC(2));
    ASYNC_END;
}

#endif

TEST(sim_advance)
{
    async_ticks at = async_sim_now();

    CHECK_EQ(async_sim_advance(-1), ASYNC_EINVAL);
    CHECK_EQ(async_sim_advance(ASYNC_NEVER), ASYNC_EINVAL);
    CHECK_EQ(async_sim_advance(0), 0);
    CHECK_EQ(since(at), 0);
    fresh();
#if ASYNC_HOSTED
    CHECK_EQ(async_run(computes, &a[0]), 0);
#else
    CHECK_EQ(async_sim_advance(SEC(2)), 0);     /* there it is seen at once */
#endif
    CHECK_EQ(since(at), (async_ticks)SEC(2));
}

/* ---- polling takes time -------------------------------------------------- */

static ASYNC polls(struct self *self)
{
    ASYNC_BEGIN(self);
    self->at = async_now();
    a[1].ticks = SEC(1);
    a[1].of = self;
    async_spawn(&self->task[0], sleeps, &a[1]);
    AWAIT_UNTIL(self->flag);
    CHECK_EQ(since(self->at), (async_ticks)SEC(1));
    AWAIT(async_join(&self->task[0]));
    ASYNC_END;
}

TEST(sim_who_polls_sees_time_pass)
{
    fresh();
    CHECK_EQ(async_run(polls, &a[0]), 0);
}

/* As many turns do not. */
static ASYNC yields(struct self *self)
{
    ASYNC_BEGIN(self);
    a[1].ticks = SEC(1);
    async_spawn(&self->task[0], sleeps, &a[1]);
    self->at = async_now();
    for (self->i = 0; self->i < self->n; self->i++) {
        AWAIT(async_yield());
    }
    self->flag = since(self->at) != 0;
    AWAIT(async_join(&self->task[0]));
    ASYNC_END;
}

TEST(sim_ten_thousand_turns_of_yields)
{
    fresh();
    a[0].n = 9990;
    CHECK_EQ(async_run(yields, &a[0]), 0);
    CHECK(!a[0].flag);
    fresh();
    a[0].n = 10010;
    CHECK_EQ(async_run(yields, &a[0]), 0);
    CHECK(a[0].flag);
}

/* Two that wake each other are no polls, but no end of it is one. */
static ASYNC pings(struct self *self)
{
    ASYNC_BEGIN(self);
    while (!self->of->flag) {
        async_event_set(&self->of->event);
        async_event_clear(&self->event);
        self->n++;
        AWAIT(async_event_wait(&self->event));
    }
    async_event_set(&self->of->event);
    ASYNC_END;
}

static ASYNC ping_pong(struct self *self)
{
    ASYNC_BEGIN(self);
    a[1].of = &a[2];
    a[2].of = &a[1];
    a[3].ticks = SEC(1);
    a[3].of = &a[1];
    a[4].ticks = SEC(1);
    a[4].of = &a[2];
    for (self->i = 1; self->i <= 4; self->i++) {
        if (self->i <= 2) {
            async_spawn(&self->task[self->i], pings, &a[self->i]);
        } else {
            async_spawn(&self->task[self->i], sleeps, &a[self->i]);
        }
    }
    for (self->i = 1; self->i <= 4; self->i++) {
        AWAIT(async_join(&self->task[self->i]));
    }
    ASYNC_END;
}

TEST(sim_ten_million_turns_of_any_kind)
{
    async_ticks at = async_sim_now();

    fresh();
    CHECK_EQ(async_run(ping_pong, &a[0]), 0);
    CHECK_EQ(since(at), (async_ticks)SEC(1));
    CHECK(a[1].n + a[2].n > 9000000);
    CHECK(a[1].n + a[2].n < 11000000);
}

/* ---- what is outside ----------------------------------------------------- */

#if ASYNC_HOSTED

static long long real_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void real_sleep(int ms)
{
    struct timespec time;

    time.tv_sec = ms / 1000;
    time.tv_nsec = (long)(ms % 1000) * 1000000;
    (void)nanosleep(&time, NULL);
}

/* Both ends of a pipe are in tasks of the loop: a limit of one tick does. */
static ASYNC feeds(struct self *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 1000; self->i++) {
        AWAIT(async_yield());
        AWAIT_VALUE(self->e, async_write(self->of->ends[1], "x", 1));
    }
    ASYNC_END;
}

static ASYNC eats(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_pipe(self->ends));
    a[1].of = self;
    self->at = async_now();
    async_spawn(&self->task[0], feeds, &a[1]);
    for (self->i = 0; self->i < 1000; self->i++) {
        AWAIT_VALUE(self->e, ASYNC_TIMEOUT(&self->scope, 1,
                                           async_read(self->ends[0],
                                                      self->buffer, 1)));
    }
    CHECK_EQ(since(self->at), 0);
    AWAIT(async_join(&self->task[0]));
    /* Nobody writes any more: the limit is over at once. */
    AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, SEC(100),
                                        async_read(self->ends[0],
                                                   self->buffer, 1)));
    CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    CHECK_EQ(since(self->at), (async_ticks)SEC(100));
    AWAIT(async_close(self->ends[0]));
    AWAIT(async_close(self->ends[1]));
    ASYNC_END;
}

#endif

TEST(sim_a_peer_in_the_loop_is_never_late)
{
#if ASYNC_HOSTED
    long long began = real_ms();

    fresh();
    CHECK_EQ(async_run(eats, &a[0]), 0);
    CHECK(real_ms() - began < 20000);
#else
    test_skip("no descriptors here");
#endif
}

#if ASYNC_HOSTED

static void *writes_late(void *argument)
{
    real_sleep(60);
    CHECK_EQ(write(*(int *)argument, "x", 1), 1);
    return NULL;
}

/* The peer is a thread, and so in real time. */
static ASYNC hears_a_thread(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_pipe(self->ends));
    CHECK_EQ(pthread_create(&self->thread, NULL, writes_late,
                            &self->ends[1]), 0);
    self->at = async_now();
    AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, SEC(1),
                                        async_read(self->ends[0],
                                                   self->buffer, 1)));
    self->ticks = (async_duration)since(self->at);
    CHECK_EQ(pthread_join(self->thread, NULL), 0);
    AWAIT(async_close(self->ends[0]));
    AWAIT(async_close(self->ends[1]));
    ASYNC_END;
}

/* As feeds and eats, by an irq. */
static void *raises_late(void *argument)
{
    real_sleep(60);
    async_irq_raise((async_irq *)argument);
    return NULL;
}

static ASYNC hears_an_irq(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_irq_open(&self->irq));
    CHECK_EQ(pthread_create(&self->thread, NULL, raises_late, &self->irq), 0);
    self->at = async_now();
    AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, self->ticks,
                                        async_irq_wait(&self->irq)));
    self->ticks = (async_duration)since(self->at);
    CHECK_EQ(pthread_join(self->thread, NULL), 0);
    AWAIT(async_irq_close(&self->irq));
    ASYNC_END;
}

#endif

TEST(sim_a_peer_elsewhere_needs_patience)
{
#if ASYNC_HOSTED
    fresh();
    CHECK_EQ(async_run(hears_a_thread, &a[0]), 0);
    CHECK_EQ(a[0].e, ASYNC_ETIMEDOUT);
    CHECK_EQ(a[0].ticks, SEC(1));
    CHECK_EQ(async_sim_patience(ASYNC_SEC(20)), 0);
    fresh();
    CHECK_EQ(async_run(hears_a_thread, &a[0]), 0);
    CHECK_EQ(a[0].e, 1);
    CHECK_EQ(a[0].ticks, 0);            /* what it took counts as nothing */
    fresh();
    a[0].ticks = SEC(1);
    CHECK_EQ(async_run(hears_an_irq, &a[0]), 0);
    CHECK_EQ(a[0].e, 1);
    CHECK_EQ(a[0].ticks, 0);
    CHECK_EQ(async_sim_patience(-1), 0);
    fresh();
    a[0].ticks = SEC(1);
    CHECK_EQ(async_run(hears_an_irq, &a[0]), 0);
    CHECK_EQ(a[0].e, ASYNC_ETIMEDOUT);
    CHECK_EQ(a[0].ticks, SEC(1));
    CHECK_EQ(async_sim_patience(ASYNC_NEVER), ASYNC_EINVAL);
#else
    CHECK_EQ(async_sim_patience(MS1), ASYNC_EINVAL);
#endif
}

/* Without a deadline everything is waited for. */
TEST(sim_without_a_deadline_it_waits)
{
#if ASYNC_HOSTED
    long long began = real_ms();

    fresh();
    a[0].ticks = ASYNC_NEVER;
    CHECK_EQ(async_run(hears_an_irq, &a[0]), 0);
    CHECK_EQ(a[0].e, 1);
    CHECK_EQ(a[0].ticks, 0);
    CHECK(real_ms() - began >= 55);
#else
    test_skip("no threads here");
#endif
}

#if ASYNC_HOSTED && ASYNC_OFFLOAD

static int takes(void *argument)
{
    real_sleep(*(int *)argument);
    return 7;
}

static ASYNC offloads(struct self *self)
{
    ASYNC_BEGIN(self);
    self->at = async_now();
    a[1].name = "slept";
    a[1].ticks = self->ticks;
    async_spawn(&self->task[0], sleeps, &a[1]);
    AWAIT_VALUE(self->e, async_offload(&self->job, takes, &self->n));
    test_log("%d ", self->e);
    self->ticks = (async_duration)since(self->at);
    AWAIT(async_join(&self->task[0]));
    ASYNC_END;
}

#endif

TEST(sim_waits_for_a_function_in_a_thread)
{
#if ASYNC_HOSTED && ASYNC_OFFLOAD
    fresh();
    a[0].n = 60;
    a[0].ticks = MS1;
    CHECK_EQ(async_run(offloads, &a[0]), 0);
    CHECK_LOG("7 slept ");
    CHECK_EQ(a[0].ticks, 0);
    fresh();
    a[0].n = 1300;
    a[0].ticks = ASYNC_SEC(20);
    CHECK_EQ(async_run(offloads, &a[0]), 0);
    CHECK_LOG("7 slept ");
    CHECK_EQ(a[0].ticks, 0);
    /* Not for ever, and with a patience of none not at all. */
    fresh();
    a[0].n = 1500;
    a[0].ticks = MS1;
    CHECK_EQ(async_run(offloads, &a[0]), 0);
    CHECK_LOG("slept 7 ");
    CHECK_EQ(async_sim_patience(0), 0);
    fresh();
    a[0].n = 60;
    a[0].ticks = MS1;
    CHECK_EQ(async_run(offloads, &a[0]), 0);
    CHECK_LOG("slept 7 ");
#else
    test_skip("no threads here");
#endif
}

#if ASYNC_HOSTED

static ASYNC child(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_process_shell(&self->process, self->name, 0, NULL));
    self->at = async_now();
    AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, self->ticks,
                                        async_process_wait(&self->process)));
    self->ticks = (async_duration)since(self->at);
    AWAIT(async_process_close(&self->process));
    ASYNC_END;
}

#endif

TEST(sim_waits_for_a_child)
{
#if ASYNC_HOSTED
    long long began = real_ms();

    fresh();
    a[0].name = "sleep 0.1; exit 3";
    a[0].ticks = MS1;
    CHECK_EQ(async_run(child, &a[0]), 0);
    CHECK_EQ(a[0].e, 3);
    CHECK_EQ(a[0].ticks, 0);
    fresh();
    a[0].name = "exec sleep 100";
    a[0].ticks = MS1;
    began = real_ms();
    CHECK_EQ(async_run(child, &a[0]), 0);
    CHECK_EQ(a[0].e, ASYNC_ETIMEDOUT);
    CHECK_EQ(a[0].ticks, MS1);
    CHECK(real_ms() - began >= 990);
#else
    test_skip("no processes here");
#endif
}

#if ASYNC_HOSTED

static void *other_thread(void *argument)
{
    struct self *self = (struct self *)argument;

    CHECK_EQ(async_sim_now(), 0);
    self->ticks = SEC(5);
    CHECK_EQ(async_run(sleeps, self), 0);
    CHECK_EQ(async_sim_now(), (async_ticks)SEC(5));
    return NULL;
}

#endif

TEST(sim_each_thread_has_a_clock)
{
#if ASYNC_HOSTED
    async_ticks at = async_sim_now();
    pthread_t thread;

    fresh();
    CHECK_EQ(pthread_create(&thread, NULL, other_thread, &a[0]), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(since(at), 0);
#else
    test_skip("no threads here");
#endif
}

/* ---- the order ----------------------------------------------------------- */

static ASYNC says(struct self *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 3; self->i++) {
        test_log("%s", self->name);
        AWAIT(async_yield());
    }
    ASYNC_END;
}

/* Five that take three turns each. */
static ASYNC crowd(struct self *self)
{
    static const char *const name[] = {"a", "b", "c", "d", "e"};
    int i;

    ASYNC_BEGIN(self);
    for (i = 0; i < COUNT; i++) {
        memset(&a[i].frame, 0, sizeof a[i].frame);
        a[i].name = name[i];
        async_spawn(&self->task[i], says, &a[i]);
    }
    for (self->n = 0; self->n < COUNT; self->n++) {
        AWAIT(async_join(&self->task[self->n]));
    }
    ASYNC_END;
}

static struct self main_self;

static void order(unsigned seed, char *text)
{
    fresh();
    memset(&main_self, 0, sizeof main_self);
    async_sim_seed(seed);
    CHECK_EQ(async_run(crowd, &main_self), 0);
    strcpy(text, test_log_text());
    test_log_clear();
}

TEST(sim_seed_0_is_first_in_first_out)
{
    char text[64];

    order(0, text);
    CHECK_STR(text, "abcdeabcdeabcde");
}

TEST(sim_a_seed_gives_an_order)
{
    char first[64], second[64];
    unsigned seed;
    int same = 0, fifo = 0;

    for (seed = 1; seed <= 50; seed++) {
        order(seed, first);
        order(seed, second);
        CHECK_STR(second, first);
        order(seed + 1, second);
        same += strcmp(first, second) == 0;
        fifo += strncmp(first, "abcde", COUNT) == 0;
    }
    CHECK_EQ(same, 0);
    CHECK(fifo < 5);
    order(0, first);
    CHECK_STR(first, "abcdeabcdeabcde");        /* and it is left */
}

/* Each task once a turn, as long as it is ready. */
TEST(sim_each_ready_task_runs_once_a_turn)
{
    char text[64];
    unsigned seed;
    int turn, i, j, n;

    for (seed = 1; seed <= 200; seed++) {
        order(seed, text);
        CHECK_EQ(strlen(text), 3 * COUNT);
        for (turn = 0; turn < 3; turn++) {
            for (i = 0; i < COUNT; i++) {
                n = 0;
                for (j = 0; j < COUNT; j++) {
                    n += text[turn * COUNT + j] == (char)('a' + i);
                }
                CHECK_EQ(n, 1);
            }
        }
    }
}

/* 120 orders of five, each some 100 times in 12 000 turns. */
TEST(sim_each_order_is_as_likely)
{
    static unsigned count[3125];        /* digits of base 5 */
    char text[64];
    unsigned seed, value, orders = 0, least = 1000, most = 0;
    int turn, i;

    memset(count, 0, sizeof count);
    for (seed = 1; seed <= 4000; seed++) {
        order(seed, text);
        for (turn = 0; turn < 3; turn++) {
            value = 0;
            for (i = 0; i < COUNT; i++) {
                value = value * COUNT + (unsigned)(text[turn * COUNT + i]
                                                   - 'a');
            }
            count[value % 3125]++;
        }
    }
    for (i = 0; i < 3125; i++) {
        if (count[i] != 0) {
            orders++;
            least = count[i] < least ? count[i] : least;
            most = count[i] > most ? count[i] : most;
        }
    }
    CHECK_EQ(orders, 120);
    CHECK(least > 60);
    CHECK(most < 150);
}

/* What is granted first come, first served, is so with any seed. */
static async_semaphore permits;

static ASYNC takes_number(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep((async_duration)(MS1 * (self->n + 1))));
    AWAIT(async_semaphore_acquire(&permits));
    test_log("%d", self->n);
    AWAIT(async_sleep(SEC(1)));
    async_semaphore_release(&permits);
    ASYNC_END;
}

static ASYNC queue_up(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_semaphore_open(&permits, 1));
    for (self->n = 0; self->n < COUNT; self->n++) {
        a[self->n].n = self->n;
        async_spawn(&self->task[self->n], takes_number, &a[self->n]);
    }
    for (self->n = 0; self->n < COUNT; self->n++) {
        AWAIT(async_join(&self->task[self->n]));
    }
    ASYNC_END;
}

TEST(sim_who_came_first_is_served_first)
{
    unsigned seed;

    for (seed = 1; seed <= 30; seed++) {
        fresh();
        memset(&main_self, 0, sizeof main_self);
        memset(&permits, 0, sizeof permits);
        async_sim_seed(seed);
        CHECK_EQ(async_run(queue_up, &main_self), 0);
        CHECK_LOG("01234");
    }
}

TEST(sim_random_numbers)
{
    unsigned first[20], i, count[6] = {0, 0, 0, 0, 0, 0};
    int same = 0;

    async_sim_seed(7);
    for (i = 0; i < 20; i++) {
        first[i] = async_sim_random(60000);
        CHECK(first[i] < 60000);
    }
    async_sim_seed(8);
    for (i = 0; i < 20; i++) {
        same += async_sim_random(60000) == first[i];
    }
    CHECK(same < 3);
    async_sim_seed(7);
    for (i = 0; i < 20; i++) {
        CHECK_EQ(async_sim_random(60000), first[i]);
    }
    for (i = 0; i < 6000; i++) {
        count[async_sim_random(6)]++;
    }
    for (i = 0; i < 6; i++) {
        CHECK(count[i] > 850 && count[i] < 1150);
    }
    CHECK_EQ(async_sim_random(1), 0);
    CHECK_EQ(async_sim_random(0), 0);
}

/* What has bitten users of libraries of this kind, and where each is tested.
 * A name without a folder is a test of tests/unit; those of this file begin
 * with hazard_. What concerns descriptors stands in fd.c and net.c.
 *
 * Coroutines
 *   a local is lost, a for index starts again must-fail/local_*.c
 *   an await in the user's own switch         must-trap/await_in_switch*.c,
 *                                             await_in_a_switch_with_...
 *   a condition that holds already never      hazard_true_condition_hogs_nothing
 *     yields, and one task hogs everything
 *   how to run a finished coroutine again     coroutine_finished_frame_is_fresh,
 *                                             task_spawned_again
 *   one child awaited by two parents          must-trap/two_parents.c
 *   no try, catch, finally                    try_*
 *   where is the task waiting?                debug_chain_of_awaits,
 *                                             must-trap/deadlock_report.c
 * Time
 *   timers stop after days, at the wrap       sleep_goes_on_through_many_wraps
 *   a timer vanishes from the list            sleep_a_cancelled_one_disturbs_...,
 *                                             tests/model
 *   a long delay is missed by a late loop     sleep_late_by_nearly_half_...,
 *                                             hazard_deadline_late_by_more_...
 *   a zero timer starves what is outside      hazard_zero_sleep_starves_no_irq,
 *                                             fd_hazard_k_*
 *   longer than the backend can wait          hazard_month_long_wait_is_one_wait,
 *                                             fd_hazard_l_long_and_short_waits
 *   asleep for too short: it spins; too long  hazard_sleep_is_never_early_nor_...
 *   the longest duration is taken for never   hazard_longest_sleep_is_no_deadlock
 *   a clock that stands between the turns     hazard_clock_goes_on_between_turns
 * Cancellation
 *   a token is lost with its cancelled waiter cancel_after_the_grant_..., irq_strike_
 *                                             takes_no_events, lock_cancel_*,
 *                                             semaphore_cancel_*, tests/model
 *   a timeout swallows a cancel               timeout_swallows_no_cancel,
 *                                             timeout_and_cancel_in_900_orders,
 *                                             timeout_and_a_cancel_before_it
 *   a task group swallows a cancel            group_cancel*, group_struck_*,
 *                                             py_taskgroups_error_and_cancel
 *   wait_for returns before the cleanup ends  timeout_too_slow, timeout_of_a_join
 *   a cancelled read loses bytes              fd_hazard_o_strike_takes_nothing
 *   a transfer goes on into freed memory      hazard_deaf_wait_ignores_strikes
 *   no way to cancel a task                   cancel_*
 *   closing strikes twice, or not, or hangs   hazard_close_*
 * Wakes
 *   an interrupt is seen when a sleep ends    hazard_irq_ends_a_long_sleep
 *   a wake just before going to sleep         irq_million_events_from_threads,
 *                                             hazard_step_tells_of_an_irq
 *   the wake-up pipe overflows                irq_signals_one_by_one,
 *                                             irq_counts_what_it_missed
 *   the loop ends though a task waits for     hazard_loop_waits_for_an_irq
 *     an event, or hangs for ever             loop_deadlock_is_an_error
 *   woken twice, runs twice                   hazard_woken_twice_runs_once
 *   woken after its end: freed memory         task_done_callback_frees_the_task,
 *                                             hazard_closed_irq_is_not_touched,
 *                                             hazard_set_future_may_go
 *   an old waker wakes its successor          hazard_old_wake_spares_the_successor
 *   a lost grant                              hazard_poll_after_a_grant_goes_on
 *   locks or malloc in a signal handler       hazard_raise_keeps_errno,
 *                                             irq_signals_in_the_middle_of_work
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1       /* for threads and clocks */
#endif
#include "nap.h"

#include <stdlib.h>
#include <string.h>
#if ASYNC_HOSTED
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#endif

struct hazard {
    async_frame frame;
    async_task task[4];
    struct nap nap[4];
    async_timeout scope;
    async_future *future;
    async_irq irq;
    async_watch watch[2];
    async_ticks at;
    int i, n, e, outcome;
};

static struct hazard h;

static void fresh(void)
{
    memset(&h, 0, sizeof h);
    h.nap[0].name = "A";
    h.nap[1].name = "B";
    h.nap[2].name = "C";
}

/* ---- coroutines ---------------------------------------------------------- */

static ASYNC conditions(struct hazard *self)
{
    ASYNC_BEGIN(self);
    while (!async_done(&self->task[0])) {
        AWAIT_UNTIL(true);
        AWAIT_WHILE(false);
        self->n++;
        test_busy(ASYNC_MS(1));
        AWAIT(async_yield());
    }
    ASYNC_END;
}

static ASYNC beside_conditions(struct hazard *self)
{
    static struct hazard loops;

    ASYNC_BEGIN(self);
    memset(&loops, 0, sizeof loops);
    self->nap[0].ms = 10;
    async_spawn(&loops.task[0], nap, &self->nap[0]);
    async_spawn(&self->task[1], conditions, &loops);
    AWAIT(async_join(&self->task[1]));
    CHECK(loops.n >= 10 && loops.n <= 12);
    ASYNC_END;
}

TEST(hazard_true_condition_hogs_nothing)
{
    fresh();
    CHECK_EQ(async_run(beside_conditions, &h), 0);
    CHECK_LOG("A(A)");
}

/* ---- time ---------------------------------------------------------------- */

/* A deadline that a task overlooks by more than half the range, while the loop
 * itself is late by less than the whole. */
static ASYNC overlooks(struct hazard *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(1));
    test_busy(ASYNC_NEVER - 10);
    AWAIT(async_yield());
    test_busy(ASYNC_NEVER - 10);
    ASYNC_END;
}

static ASYNC limited(struct hazard *self)
{
    ASYNC_BEGIN(self);
    AWAIT(ASYNC_TIMEOUT(&self->scope, 3, async_future_wait(self->future)));
    ASYNC_END;
}

static ASYNC late_by_half(struct hazard *self)
{
    static struct hazard other;

    ASYNC_BEGIN(self);
    memset(&other, 0, sizeof other);
    async_spawn(&self->task[0], limited, self + 1);
    async_spawn(&self->task[1], overlooks, &other);
    AWAIT_RESULT(self->e, async_join(&self->task[0]));
    CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    AWAIT(async_join(&self->task[1]));
    ASYNC_END;
}

TEST(hazard_deadline_late_by_more_than_half_the_range)
{
    struct hazard two[2];
    async_future never = {0};

    if (ASYNC_TIMER_WHEEL || ASYNC_TICK_BITS == 64) {
        return;                 /* 292 years are not half of anything here */
    }
    memset(two, 0, sizeof two);
    two[1].future = &never;
    CHECK_EQ(async_run(late_by_half, two), 0);
}

/* It is the longest there is, and no more than that. */
static ASYNC longest(struct hazard *self)
{
    ASYNC_BEGIN(self);
    self->at = async_now();
    AWAIT(async_sleep(ASYNC_NEVER));
    CHECK_EQ((async_ticks)(async_now() - self->at), (async_ticks)ASYNC_NEVER);
    ASYNC_END;
}

TEST(hazard_longest_sleep_is_no_deadlock)
{
    fresh();
    CHECK_EQ(async_run(longest, &h), 0);
}

TEST(hazard_clock_goes_on_between_turns)
{
    async_loop loop;
    async_ticks at;

    fresh();
    CHECK_EQ(async_loop_open(&loop), 0);
    h.nap[0].ms = 10;
    async_spawn(&h.task[0], nap, &h.nap[0]);
    (void)async_loop_step(&loop);
    at = async_now();
    test_busy(ASYNC_MS(3));
    CHECK_EQ((async_ticks)(async_now() - at), (async_ticks)ASYNC_MS(3));
    test_busy(ASYNC_MS(3));
    CHECK_EQ((async_ticks)(async_now() - at), (async_ticks)ASYNC_MS(6));
    CHECK_EQ(async_loop_step(&loop), ASYNC_MS(4));
    CHECK_EQ(async_loop_cancel_all(&loop), 0);
    CHECK_EQ(async_loop_close(&loop), 0);
    test_log_clear();
}

/* ---- cancellation -------------------------------------------------------- */

/* What hardware or another thread still writes to is not left by a strike. */
static ASYNC transfer(struct hazard *self)
{
    async_task *task = async_current();

    (void)self;
    if (async_granted_(task)) {
        return task->timer.u.result;
    }
    return async_link_(NULL, ASYNC_DEAF_);
}

static ASYNC transfers(struct hazard *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->n, transfer(self));
    test_log("got %d ", self->n);
    AWAIT(async_yield());
    test_log("never ");
    ASYNC_END;
}

static ASYNC strikes_transfer(struct hazard *self)
{
    static struct hazard other;

    ASYNC_BEGIN(self);
    memset(&other, 0, sizeof other);
    async_spawn(&self->task[0], transfers, &other);
    AWAIT(async_yield());
    CHECK_EQ(async_cancel(&self->task[0]), 1);
    AWAIT(async_sleep(ASYNC_MS(5)));
    CHECK_LOG("");
    async_wake_(&self->task[0], 4);
    AWAIT_RESULT(self->e, async_join(&self->task[0]));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(hazard_deaf_wait_ignores_strikes)
{
    fresh();
    CHECK_EQ(async_run(strikes_transfer, &h), 0);
    CHECK_LOG("got 4 ");
}

/* A sleeper with a cleanup, a joiner of it, and a joiner of that. */
struct chain { async_frame frame; async_task *target; int outcome; };

static ASYNC link_(struct chain *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_join(self->target));
    } ASYNC_FINALLY(self->outcome) {
        test_log("%s", self->outcome == ASYNC_CANCEL ? "cancel " : "other ");
    } ASYNC_TRY_END;
    ASYNC_END;
}

static struct chain chain[3];

static ASYNC leaves_chain(struct hazard *self)
{
    ASYNC_BEGIN(self);
    memset(chain, 0, sizeof chain);
    self->nap[0].ms = 1000;
    self->nap[0].cleanup = 50;
    async_spawn(&self->task[0], nap, &self->nap[0]);
    for (self->i = 1; self->i < 4; self->i++) {
        chain[self->i - 1].target = &self->task[self->i - 1];
        async_spawn(&self->task[self->i], link_, &chain[self->i - 1]);
    }
    AWAIT(async_sleep(ASYNC_MS(1)));
    if (self->n) {                      /* already under way when main ends */
        async_cancel(&self->task[self->n]);
        AWAIT(async_sleep(ASYNC_MS(1)));
    }
    ASYNC_RETURN(5);
    ASYNC_END;
}

TEST(hazard_close_strikes_each_task_once)
{
    fresh();
    CHECK_EQ(async_run(leaves_chain, &h), 5);
    CHECK_LOG("A(AxA!cancel cancel cancel ");   /* A! : its cleanup ended */
    CHECK_EQ(test_ms(), 51);
}

TEST(hazard_close_when_a_strike_is_under_way)
{
    fresh();
    h.n = 2;
    CHECK_EQ(async_run(leaves_chain, &h), 5);
    CHECK_LOG("A(Axcancel cancel cancel ");     /* the second one it is */
}

/* Main moves a deadline to now, and ends: that strike is no cancel. */
static ASYNC retries(struct hazard *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, ASYNC_MS(1000),
                                            async_sleep(ASYNC_MS(2000))));
        self->n++;
    }
    ASYNC_END;
}

static struct hazard retrier;

static ASYNC strikes_retrier(struct hazard *self)
{
    ASYNC_BEGIN(self);
    memset(&retrier, 0, sizeof retrier);
    async_spawn(&self->task[0], retries, &retrier);
    AWAIT(async_yield());
    CHECK_EQ(async_timeout_reschedule(&retrier.scope, 0), 0);
    ASYNC_END;
}

TEST(hazard_close_cancels_who_is_being_timed_out)
{
    fresh();
    CHECK_EQ(async_run(strikes_retrier, &h), 0);
    CHECK_EQ(async_result(&h.task[0]), ASYNC_ECANCELED);
    CHECK_EQ(retrier.n, 0);
    CHECK_EQ(test_ms(), 0);
}

/* A cleanup that stops the loop does not bring the others a second strike. */
static ASYNC stops(struct hazard *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_sleep(ASYNC_MS(1000)));
    } ASYNC_FINALLY(self->outcome) {
        AWAIT(async_sleep(ASYNC_MS(5)));
        async_loop_stop(async_this_loop_);
    } ASYNC_TRY_END;
    ASYNC_END;
}

static ASYNC leaves_stopper(struct hazard *self)
{
    static struct hazard other;

    ASYNC_BEGIN(self);
    memset(&other, 0, sizeof other);
    self->nap[0].ms = 1000;
    self->nap[0].cleanup = 50;
    async_spawn(&self->task[0], stops, &other);
    async_spawn(&self->task[1], nap, &self->nap[0]);
    AWAIT(async_yield());
    ASYNC_END;
}

TEST(hazard_close_is_not_hurried_by_a_stop)
{
    fresh();
    CHECK_EQ(async_run(leaves_stopper, &h), 0);
    CHECK_LOG("A(AxA!");
    CHECK_EQ(test_ms(), 50);
}

/* ---- the end of a run ---------------------------------------------------- */

static void free_it(async_watch *watch, async_task *task)
{
    (void)watch;
    free(task);
}

static void respawn_it(async_watch *watch, async_task *task)
{
    (void)watch;
    CHECK_EQ(async_spawn(task, nap, &h.nap[0]), 0);
}

TEST(hazard_run_until_a_task_that_frees_itself)
{
    async_loop loop;
    async_task *task = (async_task *)calloc(1, sizeof *task);

    fresh();
    CHECK_EQ(async_loop_open(&loop), 0);
    h.nap[0].result = 8;
    CHECK_EQ(async_spawn(task, nap, &h.nap[0]), 0);
    CHECK_EQ(async_on_done(task, &h.watch[0], free_it), 0);
    CHECK_EQ(async_on_done(task, &h.watch[0], free_it), ASYNC_EALREADY);
    CHECK_EQ(async_loop_run(&loop, task), 8);
    CHECK_LOG("A(A)");
    CHECK_EQ(async_spawn(&h.task[0], nap, &h.nap[0]), 0);
    CHECK_EQ(async_on_done(&h.task[0], &h.watch[0], respawn_it), 0);
    CHECK_EQ(async_loop_run(&loop, &h.task[0]), 8);
    CHECK(!async_done(&h.task[0]));
    CHECK_EQ(async_loop_run(&loop, NULL), 0);
    CHECK_LOG("A(A)A(A)");
    CHECK_EQ(async_loop_close(&loop), 0);
}

/* A callback is inside the loop too. */
static async_loop calling;

static void runs_it(async_watch *watch, async_task *task)
{
    static struct nap inner;

    (void)watch;
    (void)task;
    CHECK(async_current() == NULL);
    CHECK_EQ(async_run(nap, &inner), ASYNC_EBUSY);
    CHECK_EQ(async_loop_run(&calling, NULL), ASYNC_EBUSY);
    CHECK_EQ(async_loop_cancel_all(&calling), ASYNC_EBUSY);
    CHECK_EQ(async_loop_close(&calling), ASYNC_EBUSY);
    test_log("called ");
}

TEST(hazard_run_in_a_callback_is_an_error)
{
    fresh();
    CHECK_EQ(async_loop_open(&calling), 0);
    CHECK_EQ(async_spawn(&h.task[0], nap, &h.nap[0]), 0);
    CHECK_EQ(async_on_done(&h.task[0], &h.watch[0], runs_it), 0);
    CHECK_EQ(async_loop_run(&calling, NULL), 0);
    CHECK_LOG("A(A)called ");
    CHECK_EQ(async_loop_close(&calling), 0);
}

/* ---- wakes --------------------------------------------------------------- */

static ASYNC counts(struct hazard *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        for (;;) {
            AWAIT_VALUE(self->n, async_irq_wait(&h.irq));
            test_log("%d ", self->n);
        }
    } ASYNC_FINALLY(self->outcome) {
        test_log("%s ", self->outcome == ASYNC_CANCEL ? "cancel"
                 : self->outcome == ASYNC_ECANCELED ? "closed" : "error");
    } ASYNC_TRY_END;
    ASYNC_END;
}

static ASYNC raises(struct hazard *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < self->n; self->i++) {
        async_irq_raise(&h.irq);
    }
    ASYNC_END;
}

static struct hazard counter, raiser;

static void open_counter(async_loop *loop)
{
    fresh();
    memset(&counter, 0, sizeof counter);
    memset(&raiser, 0, sizeof raiser);
    CHECK_EQ(async_loop_open(loop), 0);
    CHECK_EQ(async_irq_open(&h.irq), 0);
    CHECK_EQ(async_spawn(&h.task[0], counts, &counter), 0);
}

/* The last step says 0: somebody raised an irq while it ran. */
TEST(hazard_step_tells_of_an_irq)
{
    async_loop loop;

    open_counter(&loop);
    CHECK_EQ(async_loop_step(&loop), ASYNC_NEVER);
    raiser.n = 3;
    CHECK_EQ(async_spawn(&h.task[1], raises, &raiser), 0);
    CHECK_EQ(async_loop_step(&loop), 0);
    CHECK_LOG("");
    CHECK_EQ(async_loop_step(&loop), ASYNC_NEVER);
    CHECK_LOG("3 ");
    async_irq_raise(&h.irq);            /* outside of it: seen by the next */
    CHECK_EQ(async_loop_step(&loop), ASYNC_NEVER);
    CHECK_LOG("1 ");
    CHECK_EQ(async_loop_cancel_all(&loop), 0);
    CHECK_LOG("cancel ");
    CHECK_EQ(async_irq_close(&h.irq), 0);
    CHECK_EQ(async_loop_close(&loop), 0);
}

/* Raised twice, struck, raised again: the task runs once for all of it. */
TEST(hazard_woken_twice_runs_once)
{
    async_loop loop;

    open_counter(&loop);
    (void)async_loop_step(&loop);
    async_irq_raise(&h.irq);
    async_irq_raise(&h.irq);
    CHECK_EQ(async_cancel(&h.task[0]), 1);
    async_irq_raise(&h.irq);
    (void)async_loop_step(&loop);
    CHECK_LOG("3 cancel ");
    CHECK_EQ(async_result(&h.task[0]), ASYNC_ECANCELED);
    (void)async_loop_step(&loop);
    CHECK_LOG("");
    CHECK_EQ(async_irq_close(&h.irq), 0);
    CHECK_EQ(async_loop_close(&loop), 0);
}

/* It waited for an irq, was cancelled and spawned again, and now sleeps. */
TEST(hazard_old_wake_spares_the_successor)
{
    async_loop loop;

    open_counter(&loop);
    (void)async_loop_step(&loop);
    CHECK_EQ(async_cancel(&h.task[0]), 1);
    (void)async_loop_step(&loop);
    CHECK_LOG("cancel ");
    h.nap[0].ms = 10;
    CHECK_EQ(async_spawn(&h.task[0], nap, &h.nap[0]), 0);
    (void)async_loop_step(&loop);
    async_irq_raise(&h.irq);
    CHECK_EQ(async_loop_step(&loop), ASYNC_MS(10));
    CHECK_LOG("A(");
    CHECK_EQ(async_loop_run(&loop, NULL), 0);
    CHECK_LOG("A)");
    CHECK_EQ(test_ms(), 10);
    CHECK_EQ(async_irq_close(&h.irq), 0);
    CHECK_EQ(async_loop_close(&loop), 0);
}

/* Closed while its waiter waits; was woken; was struck. The waiter does not
 * look at it any more, for its memory may be gone. */
TEST(hazard_closed_irq_is_not_touched)
{
    async_loop loop;
    int i;

    for (i = 0; i < 3; i++) {
        open_counter(&loop);
        (void)async_loop_step(&loop);
        if (i == 1) {
            async_irq_raise(&h.irq);
            async_irq_dispatch_(&loop);
        } else if (i == 2) {
            CHECK_EQ(async_cancel(&h.task[0]), 1);
        }
        CHECK_EQ(async_irq_close(&h.irq), 0);
        memset(&h.irq, 0x55, sizeof h.irq);
        CHECK_EQ(async_loop_run(&loop, NULL), 0);
        CHECK_EQ(async_result(&h.task[0]), ASYNC_ECANCELED);
        CHECK_LOG("closed ");
        CHECK_EQ(async_loop_close(&loop), 0);
    }
}

/* The future is gone when the task that it woke looks. */
static ASYNC awaits_future(struct hazard *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->n, async_future_wait(self->future));
    ASYNC_RETURN(self->n);
    ASYNC_END;
}

TEST(hazard_set_future_may_go)
{
    async_loop loop;
    async_future *future = (async_future *)calloc(1, sizeof *future);

    fresh();
    h.future = future;
    CHECK_EQ(async_loop_open(&loop), 0);
    CHECK_EQ(async_spawn(&h.task[0], awaits_future, &h), 0);
    (void)async_loop_step(&loop);
    CHECK_EQ(async_future_set(future, 6), 0);
    free(future);
    CHECK_EQ(async_loop_run(&loop, &h.task[0]), 6);
    CHECK_EQ(async_loop_close(&loop), 0);
}

/* An awaitable of the user's own that is woken, and then would rather poll. */
static async_status mixed(struct hazard *self)
{
    if (self->i++ == 0) {
        return async_future_wait(self->future);
    }
    return self->i > 4 ? 0 : async_poll();
}

static ASYNC mixes(struct hazard *self)
{
    ASYNC_BEGIN(self);
    AWAIT(mixed(self));
    AWAIT(async_sleep(ASYNC_MS(3)));
    ASYNC_END;
}

TEST(hazard_poll_after_a_grant_goes_on)
{
    async_loop loop;
    async_future future;

    fresh();
    memset(&future, 0, sizeof future);
    h.future = &future;
    CHECK_EQ(async_loop_open(&loop), 0);
    CHECK_EQ(async_spawn(&h.task[0], mixes, &h), 0);
    (void)async_loop_step(&loop);
    CHECK_EQ(async_future_set(&future, 6), 0);
    CHECK_EQ(async_loop_run(&loop, NULL), 0);
    CHECK_EQ(h.i, 5);
    CHECK_EQ(test_ms(), 3);
    CHECK_EQ(async_loop_close(&loop), 0);
}

/* ---- a real clock -------------------------------------------------------- */

#if ASYNC_HOSTED

static void *raise_later(void *irq)
{
    struct timespec wait;

    wait.tv_sec = 0;
    wait.tv_nsec = 5000000;
    nanosleep(&wait, NULL);
    async_irq_raise((async_irq *)irq);
    return NULL;
}

static long long real_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

/* Another task sleeps for days; the irq does not wait for that, nor does the
 * loop wake in between. */
static ASYNC waits_one(struct hazard *self)
{
    static pthread_t thread;

    ASYNC_BEGIN(self);
    CHECK_EQ(async_irq_open(&self->irq), 0);
    if (self->n) {
        self->nap[0].ms = self->n;
        async_spawn(&self->task[0], nap, &self->nap[0]);
        AWAIT(async_yield());
    }
    CHECK_EQ(pthread_create(&thread, NULL, raise_later, &self->irq), 0);
    AWAIT_VALUE(self->e, async_irq_wait(&self->irq));
    CHECK_EQ(self->e, 1);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(async_irq_close(&self->irq), 0);
    ASYNC_END;
}

static void wait_for_irq(int ms)
{
    long long began = real_us();

    fresh();
    test_real_time();
    h.n = ms;
    CHECK_EQ(async_run(waits_one, &h), 0);
    CHECK(real_us() - began >= 5000);
    CHECK(real_us() - began < 5000000);
    CHECK(test_idles() <= 5);
    test_log_clear();
}

TEST(hazard_irq_ends_a_long_sleep)
{
    wait_for_irq(20000);
}

TEST(hazard_month_long_wait_is_one_wait)
{
    if (ASYNC_TICK_BITS > 16) {
        wait_for_irq(2000000000);       /* 23 days; poll counts milliseconds */
    }
}

TEST(hazard_loop_waits_for_an_irq)
{
    wait_for_irq(0);
}

/* Short sleeps end in time and not before, and cost a wait each. */
static ASYNC naps(struct hazard *self)
{
    static long long began;

    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 20; self->i++) {
        self->at = async_now();
        began = real_us();
        AWAIT(async_sleep(self->i % 2 ? ASYNC_MS(1) : ASYNC_MS(3)));
        CHECK((async_ticks)(async_now() - self->at)
              >= (async_ticks)(self->i % 2 ? ASYNC_MS(1) : ASYNC_MS(3)));
        if (real_us() - began < 2500) {
            self->n++;
        }
    }
    ASYNC_END;
}

TEST(hazard_sleep_is_never_early_nor_spins)
{
    fresh();
    test_real_time();
    CHECK_EQ(async_run(naps, &h), 0);
    CHECK(h.n > 0);                     /* some of a millisecond were short */
    CHECK(test_idles() <= 60);
}

/* Zero sleeps for ever, and an irq beside them. */
static ASYNC zero_sleeps(struct hazard *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        self->n++;
        AWAIT(async_sleep(0));
    }
    ASYNC_END;
}

static ASYNC beside_zero_sleeps(struct hazard *self)
{
    static struct hazard other;

    ASYNC_BEGIN(self);
    memset(&other, 0, sizeof other);
    async_spawn(&self->task[0], zero_sleeps, &other);
    self->n = 0;
    AWAIT(async_yield());               /* it has begun */
    AWAIT(waits_one(self + 1));
    CHECK(other.n > 0);
    async_cancel(&self->task[0]);
    AWAIT_RESULT(self->e, async_join(&self->task[0]));
    ASYNC_END;
}

TEST(hazard_zero_sleep_starves_no_irq)
{
    static struct hazard two[2];

    memset(two, 0, sizeof two);
    test_real_time();
    CHECK_EQ(async_run(beside_zero_sleeps, two), 0);
}

static void on_signal(int number)
{
    (void)number;
    errno = 77;
    async_irq_raise(&h.irq);
    async_irq_raise(&h.irq);
    if (errno != 77) {
        abort();
    }
}

TEST(hazard_raise_keeps_errno)
{
    async_loop loop;

    open_counter(&loop);
    (void)async_loop_step(&loop);
    CHECK(signal(SIGUSR1, on_signal) != SIG_ERR);
    CHECK_EQ(raise(SIGUSR1), 0);
    CHECK(signal(SIGUSR1, SIG_DFL) != SIG_ERR);
    (void)async_loop_step(&loop);
    CHECK_LOG("2 ");
    CHECK_EQ(async_loop_cancel_all(&loop), 0);
    test_log_clear();
    CHECK_EQ(async_irq_close(&h.irq), 0);
    CHECK_EQ(async_loop_close(&loop), 0);
}

#endif

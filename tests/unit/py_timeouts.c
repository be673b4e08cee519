/* py_timeouts: the cases of CPython's Lib/test/test_asyncio/test_timeouts.py
 * and test_waitfor.py that have a meaning here, by name. The others, and those
 * that end otherwise, are in tests/py.md. */
#include "crowd.h"

/* ==== test_timeouts.py ==================================================== */

static ASYNC basic(struct crowd *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_MS(10)) {
            AWAIT(async_sleep(ASYNC_SEC(10)));
        } ASYNC_TIMEOUT_END;
        CHECK(false);
    } ASYNC_CATCH(self->e) {
        CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    } ASYNC_TRY_END;
    CHECK(async_timeout_expired(&self->scope));
    CHECK_EQ(test_ms(), 10);
    ASYNC_END;
}

TEST(py_timeouts_timeout_basic)
{
    CHECK_EQ(crowd_run(basic), 0);
}

/* A point in time is its distance from now. */
static ASYNC at_basic(struct crowd *self)
{
    static async_ticks deadline;

    ASYNC_BEGIN(self);
    deadline = (async_ticks)(async_now() + (async_ticks)ASYNC_MS(10));
    AWAIT(async_sleep(ASYNC_MS(4)));
    AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope,
        (async_duration)(deadline - async_now()), async_sleep(ASYNC_SEC(10))));
    CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    CHECK(async_timeout_expired(&self->scope));
    CHECK_EQ(test_ms(), 10);
    ASYNC_END;
}

TEST(py_timeouts_timeout_at_basic)
{
    CHECK_EQ(crowd_run(at_basic), 0);
}

static ASYNC nested(struct crowd *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_MS(10)) {
            ASYNC_TRY {
                ASYNC_TIMEOUT_BEGIN(&self->scope2, ASYNC_MS(10)) {
                    AWAIT(async_sleep(ASYNC_SEC(10)));
                } ASYNC_TIMEOUT_END;
                CHECK(false);
            } ASYNC_CATCH_ALL(self->n) {
                ASYNC_RAISE(self->n);
            } ASYNC_TRY_END;
        } ASYNC_TIMEOUT_END;
        CHECK(false);
    } ASYNC_CATCH(self->e) {
        CHECK_EQ(self->e, ASYNC_ETIMEDOUT);     /* of the outermost only */
    } ASYNC_TRY_END;
    CHECK_EQ(self->n, ASYNC_CANCEL);
    CHECK(async_timeout_expired(&self->scope));
    CHECK(async_timeout_expired(&self->scope2));
    ASYNC_END;
}

TEST(py_timeouts_nested_timeouts)
{
    CHECK_EQ(crowd_run(nested), 0);
}

static ASYNC waiter_cancelled(struct crowd *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_MS(10)) {
            ASYNC_TRY {
                AWAIT(async_sleep(ASYNC_SEC(10)));
            } ASYNC_CATCH_ALL(self->n) {
                ASYNC_RAISE(self->n);
            } ASYNC_TRY_END;
        } ASYNC_TIMEOUT_END;
    } ASYNC_CATCH(self->e) {
        CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    } ASYNC_TRY_END;
    CHECK_EQ(self->n, ASYNC_CANCEL);
    ASYNC_END;
}

TEST(py_timeouts_waiter_cancelled)
{
    CHECK_EQ(crowd_run(waiter_cancelled), 0);
}

static ASYNC not_called(struct crowd *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_SEC(10)) {
        AWAIT(async_sleep(ASYNC_MS(10)));
    } ASYNC_TIMEOUT_END;
    CHECK(!async_timeout_expired(&self->scope));
    CHECK_EQ(test_ms(), 10);
    ASYNC_END;
}

TEST(py_timeouts_timeout_not_called)
{
    CHECK_EQ(crowd_run(not_called), 0);
    CHECK_EQ(test_ms(), 10);                    /* and no deadline is left */
}

static ASYNC disabled(struct crowd *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_NEVER) {
        AWAIT(async_sleep(ASYNC_MS(10)));
    } ASYNC_TIMEOUT_END;
    CHECK(!async_timeout_expired(&self->scope));
    ASYNC_END;
}

TEST(py_timeouts_timeout_disabled)
{
    CHECK_EQ(crowd_run(disabled), 0);
}

static ASYNC zero(struct crowd *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        ASYNC_TIMEOUT_BEGIN(&self->scope, (async_duration)self->i) {
            AWAIT(async_sleep((async_duration)ASYNC_MS(self->n)));
        } ASYNC_TIMEOUT_END;
        CHECK(false);
    } ASYNC_CATCH(self->e) {
        CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    } ASYNC_TRY_END;
    CHECK(async_timeout_expired(&self->scope));
    CHECK_EQ(test_ms(), 0);
    ASYNC_END;
}

static int zero_of(int limit, int sleep_ms)
{
    static struct crowd c;

    memset(&c, 0, sizeof c);
    c.i = limit;
    c.n = sleep_ms;
    return async_run(zero, &c);
}

TEST(py_timeouts_timeout_zero)
{
    CHECK_EQ(zero_of(0, 10000), 0);
}

TEST(py_timeouts_timeout_zero_sleep_zero)
{
    CHECK_EQ(zero_of(0, 0), 0);
}

TEST(py_timeouts_timeout_in_the_past_sleep_zero)
{
    CHECK_EQ(zero_of(-11, 0), 0);
}

static ASYNC foreign_passed(struct crowd *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_MS(10)) {
        ASYNC_RAISE(ASYNC_ENOENT);
    } ASYNC_TIMEOUT_END;
    ASYNC_END;
}

TEST(py_timeouts_foreign_exception_passed)
{
    CHECK_EQ(crowd_run(foreign_passed), ASYNC_ENOENT);
}

static ASYNC foreign_on_timeout(struct crowd *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_MS(10)) {
        ASYNC_TRY {
            AWAIT(async_sleep(ASYNC_SEC(1)));
        } ASYNC_FINALLY(self->outcome) {
            ASYNC_RAISE(ASYNC_ERANGE);
        } ASYNC_TRY_END;
    } ASYNC_TIMEOUT_END;
    ASYNC_END;
}

TEST(py_timeouts_foreign_exception_on_timeout)
{
    CHECK_EQ(crowd_run(foreign_on_timeout), ASYNC_ERANGE);
    CHECK_EQ(test_ms(), 10);
}

static ASYNC foreign_cancel(struct crowd *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_SEC(10)) {
            async_cancel(async_current());
            AWAIT(async_sleep(ASYNC_SEC(10)));
        } ASYNC_TIMEOUT_END;
    } ASYNC_CATCH_ALL(self->e) {
        CHECK_EQ(self->e, ASYNC_CANCEL);
    } ASYNC_TRY_END;
    CHECK(!async_timeout_expired(&self->scope));
    ASYNC_END;
}

TEST(py_timeouts_foreign_cancel_doesnt_timeout_if_not_expired)
{
    CHECK_EQ(crowd_run(foreign_cancel), 0);
}

static ASYNC outer_task(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_start(self, basic);
    AWAIT_VALUE(self->n, async_join(&self->other->me));
    CHECK(async_done(&self->other->me));
    CHECK_EQ(async_result(&self->other->me), 0);
    ASYNC_END;
}

TEST(py_timeouts_outer_task_is_not_cancelled)
{
    CHECK_EQ(crowd_run(outer_task), 0);
}

/* The task computes for so long that both deadlines have passed. */
static ASYNC concurrent(struct crowd *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_MS(2)) {
            ASYNC_TRY {
                ASYNC_TIMEOUT_BEGIN(&self->scope2, ASYNC_MS(100)) {
                    test_busy(ASYNC_MS(10));
                    AWAIT(async_sleep(ASYNC_SEC(1)));
                } ASYNC_TIMEOUT_END;
                CHECK(false);
            } ASYNC_CATCH(self->n) {
                CHECK(false);
            } ASYNC_TRY_END;
        } ASYNC_TIMEOUT_END;
        CHECK(false);
    } ASYNC_CATCH(self->e) {
        CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    } ASYNC_TRY_END;
    CHECK_EQ(test_ms(), 10);
    CHECK(!async_timeout_expired(&self->scope2));
    ASYNC_END;
}

TEST(py_timeouts_nested_timeouts_concurrent)
{
    CHECK_EQ(crowd_run(concurrent), 0);
}

static ASYNC loop_busy(struct crowd *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_MS(100)) {
            AWAIT_RESULT(self->n, ASYNC_TIMEOUT(&self->scope2, ASYNC_MS(10),
                                                async_sleep(ASYNC_SEC(1))));
            CHECK_EQ(self->n, ASYNC_ETIMEDOUT);
            test_busy(ASYNC_MS(80));
            AWAIT(async_sleep(ASYNC_SEC(10)));      /* the outer one ends it */
        } ASYNC_TIMEOUT_END;
        CHECK(false);
    } ASYNC_CATCH(self->e) {
        CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    } ASYNC_TRY_END;
    CHECK_EQ(test_ms(), 100);
    ASYNC_END;
}

TEST(py_timeouts_nested_timeouts_loop_busy)
{
    CHECK_EQ(crowd_run(loop_busy), 0);
}

static ASYNC sleeps_long(struct crowd *self)
{
    ASYNC_BEGIN(self);
    AWAIT(ASYNC_TIMEOUT(&self->scope, ASYNC_SEC(10),
                        async_sleep(ASYNC_SEC(25))));
    ASYNC_END;
}

static ASYNC reschedule(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_start(self, sleeps_long);
    AWAIT(async_sleep(ASYNC_SEC(5)));
    CHECK_EQ(async_timeout_reschedule(&self->other->scope, ASYNC_SEC(10)), 0);
    AWAIT(async_sleep(ASYNC_SEC(7)));           /* past the first deadline */
    CHECK(!async_done(&self->other->me));
    CHECK_EQ(async_timeout_reschedule(&self->other->scope, ASYNC_NEVER), 0);
    AWAIT(async_sleep(ASYNC_SEC(5)));           /* past the second */
    CHECK(!async_done(&self->other->me));
    async_cancel(&self->other->me);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK(!async_timeout_expired(&self->other->scope));
    ASYNC_END;
}

TEST(py_timeouts_reschedule)
{
    CHECK_EQ(crowd_run(reschedule), 0);
}

static ASYNC in_finally(struct crowd *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_MS(10)) {
        ASYNC_TRY {
            AWAIT(async_sleep(ASYNC_SEC(1)));
        } ASYNC_FINALLY(self->outcome) {
            AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope2, ASYNC_MS(10),
                                                async_sleep(ASYNC_SEC(10))));
            CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
        } ASYNC_TRY_END;
    } ASYNC_TIMEOUT_END;
    ASYNC_END;
}

TEST(py_timeouts_nested_timeout_in_finally)
{
    CHECK_EQ(crowd_run(in_finally), ASYNC_ETIMEDOUT);
    CHECK_EQ(test_ms(), 20);
}

static ASYNC after_cancellation(struct crowd *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        async_cancel(async_current());
        AWAIT(async_sleep(ASYNC_SEC(1)));
    } ASYNC_CATCH_ALL(self->n) {
    } ASYNC_FINALLY(self->outcome) {
        AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, 0,
                                            async_sleep(ASYNC_SEC(1))));
        CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    } ASYNC_TRY_END;
    CHECK_EQ(self->n, ASYNC_CANCEL);
    ASYNC_END;
}

TEST(py_timeouts_timeout_after_cancellation)
{
    CHECK_EQ(crowd_run(after_cancellation), 0);
}

static ASYNC cancel_after_cancellation(struct crowd *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        async_cancel(async_current());
        AWAIT(async_sleep(ASYNC_SEC(1)));
    } ASYNC_CATCH_ALL(self->n) {
    } ASYNC_FINALLY(self->outcome) {
        ASYNC_TRY {
            ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_SEC(1)) {
                async_cancel(async_current());
                AWAIT(async_sleep(ASYNC_SEC(2)));
            } ASYNC_TIMEOUT_END;
        } ASYNC_CATCH_ALL(self->e) {
            CHECK_EQ(self->e, ASYNC_CANCEL);
        } ASYNC_TRY_END;
    } ASYNC_TRY_END;
    CHECK_EQ(self->n, ASYNC_CANCEL);
    CHECK_EQ(self->e, ASYNC_CANCEL);
    ASYNC_END;
}

TEST(py_timeouts_cancel_in_timeout_after_cancellation)
{
    CHECK_EQ(crowd_run(cancel_after_cancellation), 0);
}

/* Here a scope that was left may be entered again. */
static ASYNC double_enter(struct crowd *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 3; self->i++) {
        AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, ASYNC_MS(10),
            async_sleep(self->i == 1 ? ASYNC_SEC(1) : ASYNC_MS(5))));
        CHECK_EQ(self->e, self->i == 1 ? ASYNC_ETIMEDOUT : 0);
        CHECK_EQ(async_timeout_expired(&self->scope), self->i == 1);
    }
    ASYNC_END;
}

TEST(py_timeouts_timeout_double_enter)
{
    CHECK_EQ(crowd_run(double_enter), 0);
    CHECK_EQ(test_ms(), 20);
}

static ASYNC finished(struct crowd *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_timeout_reschedule(&self->scope, ASYNC_MS(20)),
             ASYNC_EINVAL);                     /* not entered */
    ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_MS(10)) {
    } ASYNC_TIMEOUT_END;
    CHECK_EQ(async_timeout_reschedule(&self->scope, ASYNC_MS(20)),
             ASYNC_EINVAL);
    ASYNC_END;
}

TEST(py_timeouts_timeout_finished)
{
    CHECK_EQ(crowd_run(finished), 0);
}

static ASYNC not_entered(struct crowd *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_timeout_reschedule(&self->scope, ASYNC_MS(20)),
             ASYNC_EINVAL);
    AWAIT(async_sleep(ASYNC_MS(30)));
    ASYNC_END;
}

TEST(py_timeouts_timeout_not_entered)
{
    CHECK_EQ(crowd_run(not_entered), 0);
}

/* ==== test_waitfor.py ===================================================== */

/* Runs for 0.2 s, whatever strikes it. */
static ASYNC slow_task(struct crowd *self)
{
    ASYNC_BEGIN(self);
    self->n = (int)test_ms() + 200;
    while (test_ms() < self->n) {
        ASYNC_TRY {
            AWAIT(async_sleep((async_duration)ASYNC_MS(self->n - test_ms())));
        } ASYNC_CATCH_ALL(self->e) {
            test_log("no ");
        } ASYNC_TRY_END;
    }
    test_log("exited ");
    ASYNC_RETURN(42);
    ASYNC_END;
}

static ASYNC waits_for_slow(struct crowd *self)
{
    static struct crowd slow;

    ASYNC_BEGIN(self);
    memset(&slow, 0, sizeof slow);
    async_spawn(&slow.me, slow_task, &slow);
    AWAIT_RESULT(self->n, ASYNC_TIMEOUT(&self->scope, ASYNC_MS(400),
                                        async_join(&slow.me)));
    test_log("%d ", self->n);
    AWAIT(async_sleep(ASYNC_SEC(1)));
    ASYNC_END;
}

static ASYNC cancels_wait(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_start(self, waits_for_slow);
    AWAIT(async_sleep(ASYNC_MS(1)));
    async_cancel(&self->other->me);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(test_ms(), 200);
    ASYNC_END;
}

TEST(py_waitfor_asyncio_wait_for_cancelled)
{
    CHECK_EQ(crowd_run(cancels_wait), 0);
    CHECK_LOG("no exited 42 ");         /* kept, and cancelled at the next */
}

static ASYNC slow_under_limit(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_start(self, slow_task);
    AWAIT_VALUE(self->n, ASYNC_TIMEOUT(&self->scope, ASYNC_MS(100),
                                       async_join(&self->other->me)));
    CHECK_EQ(self->n, 42);              /* the strike was refused */
    CHECK_EQ(test_ms(), 200);
    ASYNC_END;
}

TEST(py_waitfor_asyncio_wait_for_timeout)
{
    CHECK_EQ(crowd_run(slow_under_limit), 0);
    CHECK_LOG("no exited ");
}

static ASYNC future_done(struct crowd *self)
{
    ASYNC_BEGIN(self);
    async_future_set(&self->future, 7);
    AWAIT_VALUE(self->n, ASYNC_TIMEOUT(&self->scope, 0,
                                       async_future_wait(&self->future)));
    CHECK_EQ(self->n, 7);
    AWAIT_VALUE(self->n, ASYNC_TIMEOUT(&self->scope, -1,
                                       async_future_wait(&self->future)));
    CHECK_EQ(self->n, 7);
    CHECK_EQ(test_ms(), 0);
    ASYNC_END;
}

TEST(py_waitfor_wait_for_timeout_less_then_0_or_0_future_done)
{
    CHECK_EQ(crowd_run(future_done), 0);
}

static ASYNC not_started(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 0, 0);
    AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, 0,
                                        async_join(&self->task[0])));
    CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    CHECK_EQ(test_ms(), 0);
    ASYNC_END;
}

TEST(py_waitfor_wait_for_timeout_less_then_0_or_0_coroutine_do_not_started)
{
    CHECK_EQ(crowd_run(not_started), 0);
    CHECK_LOG("");
}

static ASYNC running_task(struct crowd *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i >= -1; self->i--) {
        crowd_spawn(self, 0, 10000, 0);
        AWAIT(async_yield());
        AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope,
                                            (async_duration)self->i,
                                            async_join(&self->task[0])));
        CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
        CHECK_EQ(async_result(&self->task[0]), ASYNC_ECANCELED);
    }
    CHECK_EQ(test_ms(), 0);
    ASYNC_END;
}

TEST(py_waitfor_wait_for_timeout_less_then_0_or_0)
{
    CHECK_EQ(crowd_run(running_task), 0);
    CHECK_LOG("A(AxA!A(AxA!");
}

static ASYNC wait_for(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 10000, 0);
    AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, ASYNC_MS(100),
                                        async_join(&self->task[0])));
    CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    CHECK_EQ(async_result(&self->task[0]), ASYNC_ECANCELED);
    CHECK_EQ(test_ms(), 100);
    ASYNC_END;
}

TEST(py_waitfor_wait_for)
{
    CHECK_EQ(crowd_run(wait_for), 0);
    CHECK_LOG("A(AxA!");
}

static ASYNC blocking(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, -1, 5);
    AWAIT_VALUE(self->n, ASYNC_TIMEOUT(&self->scope, ASYNC_NEVER,
                                       async_join(&self->task[0])));
    CHECK_EQ(self->n, 5);
    ASYNC_END;
}

TEST(py_waitfor_wait_for_blocking)
{
    CHECK_EQ(crowd_run(blocking), 0);
}

static ASYNC sets(struct crowd *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_MS(100)));
    async_future_set(&self->other->future, 9);
    ASYNC_END;
}

static ASYNC race_condition(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_start(self, sets);
    AWAIT_VALUE(self->n, ASYNC_TIMEOUT(&self->scope, ASYNC_MS(200),
                                       async_future_wait(&self->future)));
    CHECK_EQ(self->n, 9);
    ASYNC_END;
}

TEST(py_waitfor_wait_for_race_condition)
{
    CHECK_EQ(crowd_run(race_condition), 0);
}

/* The inner one swallows the strike: its result counts. */
static ASYNC swallows(struct crowd *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_sleep(ASYNC_SEC(1)));
    } ASYNC_CATCH_ALL(self->e) {
        CHECK_EQ(self->e, ASYNC_CANCEL);
    } ASYNC_TRY_END;
    ASYNC_RETURN(1);
    ASYNC_END;
}

static ASYNC cancellation_race(struct crowd *self)
{
    static struct crowd inner;

    ASYNC_BEGIN(self);
    memset(&inner, 0, sizeof inner);
    self->other = &inner;
    AWAIT_VALUE(self->n, ASYNC_TIMEOUT(&self->scope, ASYNC_MS(10),
                                       swallows(self->other)));
    CHECK_EQ(self->n, 1);
    CHECK_EQ(test_ms(), 10);
    ASYNC_END;
}

TEST(py_waitfor_wait_for_cancellation_race_condition)
{
    CHECK_EQ(crowd_run(cancellation_race), 0);
}

static ASYNC waits_for_cleanup(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 10000, 0);
    self->nap[0].cleanup = 5;
    if (self->n == 0) {
        AWAIT(async_sleep(ASYNC_MS(1)));
    }
    AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope,
                                        (async_duration)ASYNC_MS(self->n),
                                        async_join(&self->task[0])));
    CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    CHECK(async_done(&self->task[0]));
    CHECK_EQ(test_ms(), 6);
    ASYNC_END;
}

static ASYNC waits_for_cleanup_1(struct crowd *self)
{
    self->n = 1;
    return waits_for_cleanup(self);
}

TEST(py_waitfor_wait_for_waits_for_task_cancellation)
{
    CHECK_EQ(crowd_run(waits_for_cleanup_1), 0);
    CHECK_LOG("A(AxA!");
}

TEST(py_waitfor_wait_for_waits_for_task_cancellation_w_timeout_0)
{
    CHECK_EQ(crowd_run(waits_for_cleanup), 0);
    CHECK_LOG("A(AxA!");
}

static ASYNC fails_in_cleanup(struct crowd *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_sleep(ASYNC_MS(200)));
    } ASYNC_FINALLY(self->outcome) {
        ASYNC_RAISE(ASYNC_EUSER(5));
    } ASYNC_TRY_END;
    ASYNC_END;
}

static ASYNC reraises(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_start(self, fails_in_cleanup);
    AWAIT(ASYNC_TIMEOUT(&self->scope, ASYNC_MS(1),
                        async_join(&self->other->me)));
    ASYNC_END;
}

TEST(py_waitfor_wait_for_reraises_exception_during_cancellation)
{
    CHECK_EQ(crowd_run(reraises), ASYNC_EUSER(5));
}

/* The inner task holds up two strikes; the waiter is cancelled all the same. */
static ASYNC holds_up(struct crowd *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_sleep(ASYNC_MS(300)));
    } ASYNC_CATCH_ALL(self->e) {
        ASYNC_TRY {
            AWAIT(async_sleep(ASYNC_MS(300)));
        } ASYNC_CATCH_ALL(self->e) {
            AWAIT(async_sleep(ASYNC_MS(300)));
        } ASYNC_TRY_END;
    } ASYNC_TRY_END;
    ASYNC_RETURN(42);
    ASYNC_END;
}

static struct crowd inner;

static ASYNC waits_for_inner(struct crowd *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->n, ASYNC_TIMEOUT(&self->scope, ASYNC_MS(100),
                                       async_join(&inner.me)));
    AWAIT(async_yield());
    CHECK(false);
    ASYNC_END;
}

static ASYNC self_cancellation(struct crowd *self)
{
    ASYNC_BEGIN(self);
    memset(&inner, 0, sizeof inner);
    async_spawn(&inner.me, holds_up, &inner);
    crowd_start(self, waits_for_inner);
    AWAIT(async_sleep(ASYNC_MS(50)));
    async_cancel(&self->other->me);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    AWAIT_VALUE(self->n, async_join(&inner.me));
    CHECK_EQ(self->n, 42);
    CHECK_EQ(test_ms(), 400);           /* struck at 50 and at 100 */
    ASYNC_END;
}

TEST(py_waitfor_wait_for_self_cancellation)
{
    CHECK_EQ(crowd_run(self_cancellation), 0);
}

static ASYNC waits_for_ever(struct crowd *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_future_wait(&self->future));
    ASYNC_END;
}

static async_duration limit;

static ASYNC waits_for_blocked(struct crowd *self)
{
    ASYNC_BEGIN(self);
    memset(&inner, 0, sizeof inner);
    async_spawn(&inner.me, waits_for_ever, &inner);
    AWAIT(ASYNC_TIMEOUT(&self->scope, limit, async_join(&inner.me)));
    CHECK(false);
    ASYNC_END;
}

static ASYNC cancel_wait_for(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_start(self, waits_for_blocked);
    AWAIT(async_sleep(ASYNC_MS(1)));
    async_cancel(&self->other->me);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(async_result(&inner.me), ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(py_waitfor_cancel_blocking_wait_for)
{
    limit = ASYNC_NEVER;
    CHECK_EQ(crowd_run(cancel_wait_for), 0);
}

TEST(py_waitfor_cancel_wait_for)
{
    limit = ASYNC_SEC(30);
    CHECK_EQ(crowd_run(cancel_wait_for), 0);
}

static ASYNC suppressed(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_start(self, swallows);
    AWAIT_VALUE(self->n, ASYNC_TIMEOUT(&self->scope, ASYNC_MS(100),
                                       async_join(&self->other->me)));
    CHECK_EQ(self->n, 1);
    AWAIT(async_sleep(ASYNC_MS(1)));            /* no strike is left */
    ASYNC_END;
}

TEST(py_waitfor_wait_for_cancel_suppressed)
{
    CHECK_EQ(crowd_run(suppressed), 0);
}

/* A cancel that comes as the awaited task ends is not swallowed. */
static ASYNC ends_at_once(struct crowd *self)
{
    ASYNC_BEGIN(self);
    AWAIT(ASYNC_TIMEOUT(&self->scope, ASYNC_SEC(30),
                        async_join(&inner.me)));
    AWAIT(async_sleep(ASYNC_SEC(1)));
    CHECK(false);
    ASYNC_END;
}

static ASYNC nothing(struct crowd *self)
{
    ASYNC_BEGIN(self);
    ASYNC_END;
}

static ASYNC issue86296(struct crowd *self)
{
    ASYNC_BEGIN(self);
    memset(&inner, 0, sizeof inner);
    crowd_start(self, ends_at_once);
    async_spawn(&inner.me, nothing, &inner);
    AWAIT(async_yield());
    CHECK(async_done(&inner.me));
    CHECK(!async_done(&self->other->me));       /* it is ready, not run */
    async_cancel(&self->other->me);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(py_waitfor_wait_for_issue86296)
{
    CHECK_EQ(crowd_run(issue86296), 0);
}

/* WaitForShieldTests: a shielded task goes on after the deadline. */
static ASYNC zero_timeout(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 10, 3);
    AWAIT(async_yield());
    AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, 0,
                                        async_shield(&self->task[0])));
    CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    CHECK(!async_done(&self->task[0]));
    AWAIT_VALUE(self->n, async_join(&self->task[0]));
    CHECK_EQ(self->n, 3);
    AWAIT_VALUE(self->n, ASYNC_TIMEOUT(&self->scope, 0,
                                       async_shield(&self->task[0])));
    CHECK_EQ(self->n, 3);
    ASYNC_END;
}

TEST(py_waitfor_shield_zero_timeout)
{
    CHECK_EQ(crowd_run(zero_timeout), 0);
    CHECK_LOG("A(A)");
}

static ASYNC none_timeout(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 10, 3);
    AWAIT_VALUE(self->n, ASYNC_TIMEOUT(&self->scope, ASYNC_NEVER,
                                       async_shield(&self->task[0])));
    CHECK_EQ(self->n, 3);
    ASYNC_END;
}

TEST(py_waitfor_shield_none_timeout)
{
    CHECK_EQ(crowd_run(none_timeout), 0);
}

static ASYNC shielded_timeout(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 100, 3);
    AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, ASYNC_MS(10),
                                        async_shield(&self->task[0])));
    CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    CHECK_EQ(test_ms(), 10);
    AWAIT_VALUE(self->n, async_join(&self->task[0]));
    CHECK_EQ(self->n, 3);
    CHECK_EQ(test_ms(), 100);
    ASYNC_END;
}

TEST(py_waitfor_shield_shielded_timeout)
{
    CHECK_EQ(crowd_run(shielded_timeout), 0);
}

/* py_tasks: of the cases of CPython's Lib/test/test_asyncio/test_tasks.py those
 * on cancel, wait, as_completed, shield and gather that have a meaning here, by
 * name. The others, and those that end otherwise, are in tests/py.md. What is
 * a future there is here a task that waits for one. */
#include "crowd.h"

enum { KIDS = 6 };

struct kid { async_frame frame; async_future future; int outcome; };

struct stage {
    async_frame frame;
    async_task me, second;
    struct kid kid[KIDS];
    async_task task[KIDS];
    async_waiter waiters[KIDS];
    async_wait_set set;
    async_timeout scope;
    async_future future, future2, future3;
    struct stage *other;
    int i, n, e, proof, outcome;
};

static int run(async_status (*fn)(struct stage *))
{
    static struct stage stage;

    memset(&stage, 0, sizeof stage);
    return async_run(fn, &stage);
}

/* Start fn as a second task, which knows this one. */
static void start(struct stage *self, async_status (*fn)(struct stage *))
{
    static struct stage second;

    memset(&second, 0, sizeof second);
    second.other = self;
    self->other = &second;
    CHECK_EQ(async_spawn(&second.me, fn, &second), 0);
}

/* A task that stands for a future: its result is set from outside. */
static ASYNC kid(struct kid *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->outcome, async_future_wait(&self->future));
    ASYNC_RETURN(self->outcome);
    ASYNC_END;
}

static void kids(struct stage *self, int n)
{
    int i;

    for (i = 0; i < n; i++) {
        self->waiters[i].task = &self->task[i];
        CHECK_EQ(async_spawn(&self->task[i], kid, &self->kid[i]), 0);
    }
}

static void set_kid(struct stage *self, int i, int result)
{
    CHECK_EQ(async_future_set(&self->kid[i].future, result), 0);
}

/* AWAIT(briefly(self)): let the others run for a few turns. */
static ASYNC briefly(struct stage *self)
{
    async_status rc = async_yield();

    if (rc == ASYNC_PENDING || rc < 0) {
        return rc;
    }
    self->i++;
    return self->i % 4 == 0 ? 0 : async_yield();
}

/* ---- cancel -------------------------------------------------------------- */

static ASYNC sleeps(struct stage *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(10)));
    ASYNC_RETURN(12);
    ASYNC_END;
}

static ASYNC cancel(struct stage *self)
{
    ASYNC_BEGIN(self);
    start(self, sleeps);
    AWAIT(briefly(self));
    CHECK_EQ(async_cancel(&self->other->me), 1);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK(async_done(&self->other->me));
    CHECK_EQ(async_cancel(&self->other->me), 0);
    CHECK_EQ(test_ms(), 0);
    ASYNC_END;
}

TEST(py_tasks_cancel)
{
    CHECK_EQ(run(cancel), 0);
}

static ASYNC yields(struct stage *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_yield());
    self->proof++;
    AWAIT(async_yield());
    self->proof++;
    ASYNC_RETURN(12);
    ASYNC_END;
}

static ASYNC cancel_yield(struct stage *self)
{
    ASYNC_BEGIN(self);
    start(self, yields);
    AWAIT(async_yield());
    CHECK_EQ(async_cancel(&self->other->me), 1);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK(self->other->proof < 2);
    ASYNC_END;
}

TEST(py_tasks_cancel_yield)
{
    CHECK_EQ(run(cancel_yield), 0);
}

static ASYNC waits(struct stage *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_future_wait(&self->future));
    ASYNC_RETURN(12);
    ASYNC_END;
}

/* A future that ends as cancelled is an error like any other. */
static ASYNC inner_future(struct stage *self)
{
    ASYNC_BEGIN(self);
    start(self, waits);
    AWAIT(briefly(self));
    async_future_set(&self->other->future, ASYNC_ECANCELED);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(py_tasks_cancel_inner_future)
{
    CHECK_EQ(run(inner_future), 0);
}

static ASYNC both(struct stage *self)
{
    ASYNC_BEGIN(self);
    start(self, waits);
    AWAIT(briefly(self));
    async_future_set(&self->other->future, ASYNC_ECANCELED);
    async_cancel(&self->other->me);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(py_tasks_cancel_both_task_and_inner_future)
{
    CHECK_EQ(run(both), 0);
}

static ASYNC catches(struct stage *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_future_wait(&self->future));
    ASYNC_TRY {
        AWAIT(async_future_wait(&self->future2));
    } ASYNC_CATCH_ALL(self->e) {
        if (self->other->n == 0) {
            ASYNC_RETURN(42);
        }
    } ASYNC_TRY_END;
    AWAIT_VALUE(self->n, async_future_wait(&self->future3));
    ASYNC_RETURN(self->n);
    ASYNC_END;
}

static ASYNC catching(struct stage *self)
{
    ASYNC_BEGIN(self);
    start(self, catches);
    AWAIT(briefly(self));
    async_future_set(&self->other->future, 0);
    AWAIT(briefly(self));
    async_cancel(&self->other->me);
    if (self->n != 0) {
        AWAIT(briefly(self));
        async_future_set(&self->other->future3, 42);
    }
    AWAIT_VALUE(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, 42);
    ASYNC_END;
}

TEST(py_tasks_cancel_task_catching)
{
    CHECK_EQ(run(catching), 0);
}

static ASYNC ignoring(struct stage *self)
{
    self->n = 1;
    return catching(self);
}

TEST(py_tasks_cancel_task_ignoring)
{
    CHECK_EQ(run(ignoring), 0);
}

static ASYNC current_task(struct stage *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_cancel(async_current()), 1);
    AWAIT(async_sleep(ASYNC_SEC(10)));          /* struck at once */
    CHECK(false);
    ASYNC_END;
}

TEST(py_tasks_cancel_current_task)
{
    CHECK_EQ(run(current_task), ASYNC_ECANCELED);
    CHECK_EQ(test_ms(), 0);
}

/* A task that ends before its next await keeps its result. */
static ASYNC at_end(struct stage *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_yield());
    CHECK_EQ(async_cancel(async_current()), 1);
    ASYNC_RETURN(12);
    ASYNC_END;
}

TEST(py_tasks_cancel_at_end)
{
    CHECK_EQ(run(at_end), 12);
}

/* A task is cancelled that another one joins. */
static ASYNC joins_second(struct stage *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_join(&self->other->second));
    ASYNC_END;
}

static ASYNC awaited(struct stage *self)
{
    static struct stage sleeper;

    ASYNC_BEGIN(self);
    memset(&sleeper, 0, sizeof sleeper);
    async_spawn(&self->second, sleeps, &sleeper);
    start(self, joins_second);
    AWAIT(briefly(self));
    async_cancel(&self->second);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(async_result(&self->second), ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(py_tasks_cancel_awaited_task)
{
    CHECK_EQ(run(awaited), 0);
}

static ASYNC naps(struct stage *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_MS(100)));
    async_cancel(&self->other->second);
    ASYNC_END;
}

static ASYNC sleeping_task(struct stage *self)
{
    static struct stage sleeper;

    ASYNC_BEGIN(self);
    memset(&sleeper, 0, sizeof sleeper);
    async_spawn(&self->second, sleeps, &sleeper);
    start(self, naps);
    AWAIT_RESULT(self->e, async_join(&self->second));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(test_ms(), 100);
    ASYNC_END;
}

TEST(py_tasks_task_cancel_sleeping_task)
{
    CHECK_EQ(run(sleeping_task), 0);
    CHECK_EQ(test_ms(), 100);                   /* its timer is gone, too */
}

static ASYNC waiter_future(struct stage *self)
{
    ASYNC_BEGIN(self);
    start(self, waits);
    AWAIT(briefly(self));
    async_cancel(&self->other->me);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK(self->other->future.waiters.tail == NULL);
    CHECK_EQ(async_future_set(&self->other->future, 1), 0);
    ASYNC_END;
}

TEST(py_tasks_task_cancel_waiter_future)
{
    CHECK_EQ(run(waiter_future), 0);
}

static ASYNC raises(struct stage *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_sleep(ASYNC_SEC(10)));
    } ASYNC_CATCH_ALL(self->e) {
        ASYNC_RAISE(ASYNC_EUSER(1));
    } ASYNC_TRY_END;
    ASYNC_END;
}

static ASYNC during_cancel(struct stage *self)
{
    ASYNC_BEGIN(self);
    start(self, raises);
    AWAIT(briefly(self));
    async_cancel(&self->other->me);
    CHECK(!async_done(&self->other->me));
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_EUSER(1));
    ASYNC_END;
}

TEST(py_tasks_baseexception_during_cancel)
{
    CHECK_EQ(run(during_cancel), 0);
}

/* Cancelling the outer coroutine cancels the inner one, and what it awaits. */
struct inner { async_frame frame; async_future *future; int proof, e; };

static ASYNC inner(struct inner *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_future_wait(self->future));
        CHECK(false);
    } ASYNC_CATCH_ALL(self->e) {
        self->proof++;
        ASYNC_RAISE(self->e);
    } ASYNC_TRY_END;
    ASYNC_END;
}

static struct inner the_inner;

static ASYNC outer(struct stage *self)
{
    ASYNC_BEGIN(self);
    memset(&the_inner, 0, sizeof the_inner);
    the_inner.future = &self->future;
    ASYNC_TRY {
        AWAIT(inner(&the_inner));
        CHECK(false);
    } ASYNC_CATCH_ALL(self->e) {
        the_inner.proof += 100;
    } ASYNC_TRY_END;
    ASYNC_END;
}

static ASYNC passes_cancel(struct stage *self)
{
    ASYNC_BEGIN(self);
    start(self, outer);
    AWAIT(briefly(self));
    async_cancel(&self->other->me);
    AWAIT(async_join(&self->other->me));
    CHECK_EQ(the_inner.proof, 101);
    ASYNC_END;
}

TEST(py_tasks_yield_future_passes_cancel)
{
    CHECK_EQ(run(passes_cancel), 0);
}

/* ---- wait ---------------------------------------------------------------- */

static ASYNC waits_for_kids(struct stage *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->n, async_wait(&self->set, self->other->waiters, 1,
                                    ASYNC_ALL_COMPLETED));
    CHECK(false);
    ASYNC_END;
}

static ASYNC does_not_shield(struct stage *self)
{
    ASYNC_BEGIN(self);
    kids(self, 1);
    start(self, waits_for_kids);
    AWAIT(briefly(self));
    async_cancel(&self->other->me);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK(!async_done(&self->task[0]));         /* it goes on */
    set_kid(self, 0, 1);
    AWAIT(briefly(self));
    CHECK_EQ(async_result(&self->task[0]), 1);
    ASYNC_END;
}

TEST(py_tasks_yield_wait_does_not_shield_cancel)
{
    CHECK_EQ(run(does_not_shield), 0);
}

static ASYNC wait_all(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 100, 0);
    crowd_spawn(self, 1, 150, self->n);
    for (self->i = 0; self->i < 2; self->i++) {
        AWAIT_VALUE(self->e, async_wait(&self->set, self->waiters, 2,
                                        ASYNC_ALL_COMPLETED));
        CHECK_EQ(self->e, 2);
        CHECK_EQ(test_ms(), 150);       /* a second time it takes no time */
        CHECK_EQ(async_result(&self->task[0]), 0);
        CHECK_EQ(async_result(&self->task[1]), self->n);
    }
    ASYNC_END;
}

TEST(py_tasks_wait)
{
    CHECK_EQ(crowd_run(wait_all), 0);
}

static ASYNC wait_exception(struct crowd *self)
{
    self->n = ASYNC_ERANGE;
    return wait_all(self);
}

TEST(py_tasks_wait_with_exception)
{
    CHECK_EQ(crowd_run(wait_exception), 0);
}

static ASYNC wait_duplicates(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 0, 1);
    crowd_spawn(self, 2, 0, 2);
    self->waiters[1].task = &self->task[0];
    AWAIT_VALUE(self->n, async_wait(&self->set, self->waiters, 3,
                                    ASYNC_ALL_COMPLETED));
    CHECK_EQ(self->n, 3);
    CHECK_EQ(async_result(self->waiters[1].task), 1);
    ASYNC_END;
}

TEST(py_tasks_wait_duplicate_coroutines)
{
    CHECK_EQ(crowd_run(wait_duplicates), 0);
}

static ASYNC wait_errors(struct crowd *self)
{
    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->e, async_wait(&self->set, self->waiters, 0,
                                     ASYNC_ALL_COMPLETED));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    crowd_spawn(self, 0, 0, 1);
    AWAIT_RESULT(self->e, async_wait(&self->set, self->waiters, 1, -1));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_wait(&self->set, NULL, 1,
                                     ASYNC_ALL_COMPLETED));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    AWAIT(async_join(&self->task[0]));
    ASYNC_END;
}

TEST(py_tasks_wait_errors)
{
    CHECK_EQ(crowd_run(wait_errors), 0);
}

TEST(py_tasks_wait_invalid_args)
{
    CHECK_EQ(crowd_run(wait_errors), 0);
}

static ASYNC wait_first(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 10000, 0);
    crowd_spawn(self, 1, 100, 0);
    AWAIT_VALUE(self->n, async_wait(&self->set, self->waiters, 2,
                                    ASYNC_FIRST_COMPLETED));
    CHECK_EQ(self->n, 1);
    CHECK(!async_done(&self->task[0]));
    CHECK(async_done(&self->task[1]));
    CHECK_EQ(test_ms(), 100);
    AWAIT(async_join(&self->task[0]));
    ASYNC_END;
}

TEST(py_tasks_wait_first_completed)
{
    CHECK_EQ(crowd_run(wait_first), 0);
}

/* What ends after the first, but before the waiter runs, counts as well. */
static ASYNC really_done(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 100, 0);
    crowd_spawn(self, 1, 100, 0);
    AWAIT_VALUE(self->n, async_wait(&self->set, self->waiters, 2,
                                    ASYNC_FIRST_COMPLETED));
    CHECK_EQ(self->n, 2);
    CHECK(async_done(&self->task[0]));
    CHECK(async_done(&self->task[1]));
    ASYNC_END;
}

TEST(py_tasks_wait_really_done)
{
    CHECK_EQ(crowd_run(really_done), 0);
}

static ASYNC first_exception(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 10000, 0);
    crowd_spawn(self, 1, self->i, ASYNC_ERANGE);
    if (self->i < 0) {                          /* it has failed already */
        AWAIT(async_yield());
        AWAIT(async_yield());
        CHECK(async_done(&self->task[1]));
    }
    AWAIT_VALUE(self->n, async_wait(&self->set, self->waiters, 2,
                                    ASYNC_FIRST_EXCEPTION));
    CHECK_EQ(self->n, 1);
    CHECK_EQ(async_result(&self->task[1]), ASYNC_ERANGE);
    CHECK(!async_done(&self->task[0]));
    CHECK_EQ(test_ms(), self->i < 0 ? 0 : 10);
    AWAIT(async_join(&self->task[0]));
    ASYNC_END;
}

static ASYNC failed_before(struct crowd *self)
{
    self->i = -1;
    return first_exception(self);
}

static ASYNC fails_meanwhile(struct crowd *self)
{
    self->i = 10;
    return first_exception(self);
}

TEST(py_tasks_wait_first_exception)
{
    CHECK_EQ(crowd_run(failed_before), 0);
}

TEST(py_tasks_wait_first_exception_in_wait)
{
    CHECK_EQ(crowd_run(fails_meanwhile), 0);
}

static ASYNC wait_timeout(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 100, 0);
    crowd_spawn(self, 1, 150, 0);
    AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope,
        (async_duration)ASYNC_MS(self->n),
        async_wait(&self->set, self->waiters, 2, ASYNC_ALL_COMPLETED)));
    CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    CHECK(async_done(&self->task[0]));
    CHECK(!async_done(&self->task[1]));
    CHECK_EQ(test_ms(), self->n);
    AWAIT(async_join(&self->task[1]));
    ASYNC_END;
}

static ASYNC wait_110(struct crowd *self)
{
    self->n = 110;
    return wait_timeout(self);
}

TEST(py_tasks_wait_with_timeout)
{
    CHECK_EQ(crowd_run(wait_110), 0);
}

/* The first ends at the very time of the deadline. */
static ASYNC wait_concurrent(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 100, 0);
    crowd_spawn(self, 1, 150, 0);
    AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, ASYNC_MS(100),
        async_wait(&self->set, self->waiters, 2, ASYNC_ALL_COMPLETED)));
    CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    CHECK_EQ(test_ms(), 100);
    AWAIT(async_yield());
    CHECK(async_done(&self->task[0]));
    CHECK(!async_done(&self->task[1]));
    AWAIT(async_join(&self->task[1]));
    ASYNC_END;
}

TEST(py_tasks_wait_concurrent_complete)
{
    CHECK_EQ(crowd_run(wait_concurrent), 0);
}

/* ---- as_completed -------------------------------------------------------- */

static ASYNC as_completed(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 10, 0);
    crowd_spawn(self, 1, 10, 1);
    crowd_spawn(self, 2, 150, 2);
    for (self->i = 0; self->i < 6; self->i++) {
        AWAIT_VALUE(self->n, async_next_done(&self->set, self->waiters, 3));
        test_log("%d ", async_result(self->waiters[self->n].task));
        if (self->i == 2) {                     /* again: it takes no time */
            AWAIT_RESULT(self->e, async_next_done(&self->set, self->waiters,
                                                  3));
            CHECK_EQ(self->e, ASYNC_ENOENT);
            CHECK_EQ(test_ms(), 150);
        }
    }
    AWAIT_RESULT(self->e, async_next_done(&self->set, self->waiters, 3));
    CHECK_EQ(self->e, ASYNC_ENOENT);
    CHECK_EQ(test_ms(), 150);
    ASYNC_END;
}

TEST(py_tasks_as_completed)
{
    CHECK_EQ(crowd_run(as_completed), 0);
    CHECK_LOG("A(B(C(A)B)0 1 C)2 0 1 2 ");
}

static ASYNC as_with_timeout(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 100, 0);
    crowd_spawn(self, 1, 150, 0);
    ASYNC_TRY {
        ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_MS(120)) {
            for (;;) {
                AWAIT_VALUE(self->n, async_next_done(&self->set, self->waiters,
                                                     2));
                test_log("%d ", self->n);
            }
        } ASYNC_TIMEOUT_END;
    } ASYNC_CATCH(self->e) {
        CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
        CHECK_EQ(test_ms(), 120);
    } ASYNC_TRY_END;
    CHECK_EQ(async_wait_close(&self->set, self->waiters, 2), 0);
    AWAIT(async_join(&self->task[1]));
    ASYNC_END;
}

TEST(py_tasks_as_completed_with_timeout)
{
    CHECK_EQ(crowd_run(as_with_timeout), 0);
    CHECK_LOG("A(B(A)0 B)");
}

static ASYNC as_unused_timeout(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 10, 0);
    ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_SEC(1)) {
        AWAIT_VALUE(self->n, async_next_done(&self->set, self->waiters, 1));
        AWAIT_RESULT(self->e, async_next_done(&self->set, self->waiters, 1));
    } ASYNC_TIMEOUT_END;
    CHECK_EQ(self->e, ASYNC_ENOENT);
    ASYNC_END;
}

TEST(py_tasks_as_completed_with_unused_timeout)
{
    CHECK_EQ(crowd_run(as_unused_timeout), 0);
    CHECK_EQ(test_ms(), 10);
}

/* A loop over them is left, and gone on with later. */
static ASYNC as_resumed(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 30, 0);
    crowd_spawn(self, 1, 10, 0);
    crowd_spawn(self, 2, 20, 0);
    for (;;) {
        AWAIT_VALUE(self->n, async_next_done(&self->set, self->waiters, 3));
        test_log("%d ", self->n);
        break;
    }
    for (;;) {
        AWAIT_RESULT(self->n, async_next_done(&self->set, self->waiters, 3));
        if (self->n < 0) {
            break;
        }
        test_log("%d ", self->n);
    }
    ASYNC_END;
}

TEST(py_tasks_as_completed_resume_iterator)
{
    CHECK_EQ(crowd_run(as_resumed), 0);
    CHECK_LOG("A(B(C(B)1 C)2 A)0 ");
}

static ASYNC as_concurrent(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 50, 7);
    crowd_spawn(self, 1, 50, 8);
    for (self->i = 0; self->i < 2; self->i++) {
        AWAIT_VALUE(self->n, async_next_done(&self->set, self->waiters, 2));
        CHECK_EQ(async_result(self->waiters[self->n].task), 7 + self->i);
        CHECK_EQ(test_ms(), 50);
    }
    CHECK_EQ(async_wait_close(&self->set, self->waiters, 2), 0);
    ASYNC_END;
}

TEST(py_tasks_as_completed_concurrent)
{
    CHECK_EQ(crowd_run(as_concurrent), 0);
}

static ASYNC as_duplicates(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, -1, 3);
    crowd_spawn(self, 2, -1, 4);
    self->waiters[1].task = &self->task[0];
    for (self->i = 0; self->i < 3; self->i++) {
        AWAIT_VALUE(self->n, async_next_done(&self->set, self->waiters, 3));
        test_log("%d:%d ", self->n, async_result(self->waiters[self->n].task));
    }
    CHECK_EQ(async_wait_close(&self->set, self->waiters, 3), 0);
    ASYNC_END;
}

TEST(py_tasks_as_completed_duplicate_coroutines)
{
    CHECK_EQ(crowd_run(as_duplicates), 0);
    CHECK_LOG("A(A)C(C)0:3 1:3 2:4 ");
}

static ASYNC as_invalid(struct crowd *self)
{
    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->e, async_next_done(&self->set, NULL, 1));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_next_done(&self->set, self->waiters, 1));
    CHECK_EQ(self->e, ASYNC_EINVAL);            /* no task in it */
    ASYNC_END;
}

TEST(py_tasks_as_completed_invalid_args)
{
    CHECK_EQ(crowd_run(as_invalid), 0);
}

/* ---- shield -------------------------------------------------------------- */

static ASYNC shields(struct stage *self)
{
    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->n, async_shield(&self->other->task[0]));
    test_log("%s ", self->n >= 0 ? "result" : "error");
    ASYNC_RETURN(self->n);
    ASYNC_END;
}

static int shield_result;

static ASYNC shield(struct stage *self)
{
    ASYNC_BEGIN(self);
    kids(self, 1);
    start(self, shields);
    AWAIT(briefly(self));
    set_kid(self, 0, shield_result);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, shield_result);
    ASYNC_END;
}

TEST(py_tasks_shield_result)
{
    shield_result = 42;
    CHECK_EQ(run(shield), 0);
    CHECK_LOG("result ");
}

TEST(py_tasks_shield_exception)
{
    shield_result = ASYNC_EIO;
    CHECK_EQ(run(shield), 0);
    CHECK_LOG("error ");
}

static ASYNC shield_inner(struct stage *self)
{
    ASYNC_BEGIN(self);
    kids(self, 1);
    start(self, shields);
    AWAIT(briefly(self));
    async_cancel(&self->task[0]);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(self->other->n, ASYNC_ECANCELED);  /* another's, not its own */
    ASYNC_END;
}

TEST(py_tasks_shield_cancel_inner)
{
    CHECK_EQ(run(shield_inner), 0);
    CHECK_LOG("error ");
}

static ASYNC shield_outer(struct stage *self)
{
    ASYNC_BEGIN(self);
    kids(self, 1);
    start(self, shields);
    AWAIT(briefly(self));
    async_cancel(&self->other->me);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK(!async_done(&self->task[0]));
    CHECK(self->task[0].joiners == NULL);       /* nobody waits any more */
    set_kid(self, 0, 1);
    AWAIT_VALUE(self->n, async_join(&self->task[0]));
    CHECK_EQ(self->n, 1);
    ASYNC_END;
}

TEST(py_tasks_shield_cancel_outer)
{
    CHECK_EQ(run(shield_outer), 0);
    CHECK_LOG("");
}

TEST(py_tasks_shield_effect)
{
    CHECK_EQ(run(shield_outer), 0);
    CHECK_LOG("");
}

static ASYNC shortcut(struct stage *self)
{
    ASYNC_BEGIN(self);
    kids(self, 1);
    set_kid(self, 0, 42);
    AWAIT(async_join(&self->task[0]));
    AWAIT_VALUE(self->n, async_shield(&self->task[0]));
    CHECK_EQ(self->n, 42);
    ASYNC_END;
}

TEST(py_tasks_shield_shortcut)
{
    CHECK_EQ(run(shortcut), 0);
}

/* A gather is shielded as a task of its own. */
static ASYNC gathers_two(struct stage *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_gather(&self->set, self->other->waiters, 2));
    ASYNC_RETURN(2);
    ASYNC_END;
}

struct shielder { async_frame frame; async_task task; async_task *target; };

static ASYNC shielder(struct shielder *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_shield(self->target));
    CHECK(false);
    ASYNC_END;
}

static struct shielder two[2];

static ASYNC shield_gather(struct stage *self)
{
    ASYNC_BEGIN(self);
    memset(two, 0, sizeof two);
    kids(self, 2);
    start(self, gathers_two);
    two[0].target = &self->other->me;
    async_spawn(&two[0].task, shielder, &two[0]);
    AWAIT(briefly(self));
    async_cancel(&two[0].task);
    AWAIT_RESULT(self->e, async_join(&two[0].task));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    set_kid(self, 0, 1);
    set_kid(self, 1, 2);
    AWAIT_VALUE(self->n, async_join(&self->other->me));
    CHECK_EQ(self->n, 2);
    ASYNC_END;
}

TEST(py_tasks_shield_gather)
{
    CHECK_EQ(run(shield_gather), 0);
}

static struct stage gathered;

static ASYNC gathers_shields(struct stage *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_gather(&self->set, self->waiters, 2));
    ASYNC_END;
}

static ASYNC gather_shield(struct stage *self)
{
    ASYNC_BEGIN(self);
    memset(two, 0, sizeof two);
    memset(&gathered, 0, sizeof gathered);
    kids(self, 2);
    for (self->n = 0; self->n < 2; self->n++) {
        two[self->n].target = &self->task[self->n];
        gathered.waiters[self->n].task = &two[self->n].task;
        async_spawn(&two[self->n].task, shielder, &two[self->n]);
    }
    async_spawn(&gathered.me, gathers_shields, &gathered);
    AWAIT(briefly(self));
    async_cancel(&gathered.me);
    AWAIT_RESULT(self->e, async_join(&gathered.me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(async_result(&two[0].task), ASYNC_ECANCELED);
    CHECK_EQ(async_result(&two[1].task), ASYNC_ECANCELED);
    CHECK(!async_done(&self->task[0]));
    set_kid(self, 0, 1);
    set_kid(self, 1, 2);
    AWAIT_VALUE(self->n, async_join(&self->task[1]));
    CHECK_EQ(self->n, 2);
    CHECK_EQ(async_result(&self->task[0]), 1);
    ASYNC_END;
}

TEST(py_tasks_gather_shield)
{
    CHECK_EQ(run(gather_shield), 0);
}

/* ---- gather -------------------------------------------------------------- */

static int collect, count;

static ASYNC gathers(struct stage *self)
{
    ASYNC_BEGIN(self);
    if (collect) {
        AWAIT_VALUE(self->n, async_gather_all(&self->set, self->other->waiters,
                                              count));
    } else {
        AWAIT_VALUE(self->n, async_gather(&self->set, self->other->waiters,
                                          count));
    }
    ASYNC_RETURN(self->n);
    ASYNC_END;
}

static void gather(struct stage *self, int n, int all)
{
    collect = all;
    count = n;
    kids(self, n);
    start(self, gathers);
}

static ASYNC success(struct stage *self)
{
    ASYNC_BEGIN(self);
    for (self->n = 0; self->n < 2; self->n++) {
        memset(self->kid, 0, sizeof self->kid);
        gather(self, 3, self->n);
        set_kid(self, 1, 1);
        set_kid(self, 0, 2);
        AWAIT(briefly(self));
        CHECK(!async_done(&self->other->me));
        set_kid(self, 2, 3);
        AWAIT_VALUE(self->e, async_join(&self->other->me));
        CHECK_EQ(self->e, 0);
        CHECK_EQ(async_result(&self->task[0]), 2);
        CHECK_EQ(async_result(&self->task[1]), 1);
        CHECK_EQ(async_result(&self->task[2]), 3);
    }
    ASYNC_END;
}

TEST(py_tasks_gather_success)
{
    CHECK_EQ(run(success), 0);
}

TEST(py_tasks_gather_result_exception_success)
{
    CHECK_EQ(run(success), 0);
}

/* The others are not left running: they are cancelled. */
static ASYNC one_exception(struct stage *self)
{
    ASYNC_BEGIN(self);
    gather(self, 5, 0);
    set_kid(self, 0, 1);
    set_kid(self, 1, ASYNC_ERANGE);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ERANGE);
    CHECK_EQ(async_result(&self->task[0]), 1);
    CHECK_EQ(async_result(&self->task[4]), ASYNC_ECANCELED);
    set_kid(self, 2, 3);                        /* does nothing */
    CHECK_EQ(async_result(&self->task[2]), ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(py_tasks_gather_one_exception)
{
    CHECK_EQ(run(one_exception), 0);
}

static ASYNC return_exceptions(struct stage *self)
{
    ASYNC_BEGIN(self);
    gather(self, 4, 1);
    set_kid(self, 1, 1);
    set_kid(self, 2, ASYNC_ERANGE);
    set_kid(self, 0, 3);
    AWAIT(briefly(self));
    CHECK(!async_done(&self->other->me));
    set_kid(self, 3, ASYNC_EIO);
    AWAIT_VALUE(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, 2);
    CHECK_EQ(async_result(&self->task[0]), 3);
    CHECK_EQ(async_result(&self->task[2]), ASYNC_ERANGE);
    CHECK_EQ(async_result(&self->task[3]), ASYNC_EIO);
    ASYNC_END;
}

TEST(py_tasks_gather_return_exceptions)
{
    CHECK_EQ(run(return_exceptions), 0);
}

static ASYNC empty(struct stage *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->n, async_gather(&self->set, NULL, 0));
    CHECK_EQ(self->n, 0);
    AWAIT_VALUE(self->n, async_gather_all(&self->set, self->waiters, 0));
    CHECK_EQ(self->n, 0);
    ASYNC_END;
}

TEST(py_tasks_gather_constructor_empty_sequence)
{
    CHECK_EQ(run(empty), 0);
}

static ASYNC one_cancellation(struct stage *self)
{
    ASYNC_BEGIN(self);
    gather(self, 5, 0);
    set_kid(self, 0, 1);
    AWAIT(briefly(self));
    async_cancel(&self->task[1]);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(async_result(&self->task[0]), 1);
    ASYNC_END;
}

TEST(py_tasks_gather_one_cancellation)
{
    CHECK_EQ(run(one_cancellation), 0);
}

static ASYNC all_but_cancelled(struct stage *self)
{
    ASYNC_BEGIN(self);
    gather(self, 6, 1);
    set_kid(self, 0, 1);
    set_kid(self, 1, ASYNC_ERANGE);
    async_cancel(&self->task[2]);
    AWAIT(briefly(self));
    CHECK(!async_done(&self->other->me));
    set_kid(self, 3, 3);
    async_cancel(&self->task[4]);
    set_kid(self, 5, ASYNC_EIO);
    AWAIT_VALUE(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, 4);
    CHECK_EQ(async_result(&self->task[2]), ASYNC_ECANCELED);
    CHECK_EQ(async_result(&self->task[3]), 3);
    CHECK_EQ(async_result(&self->task[4]), ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(py_tasks_gather_result_exception_one_cancellation)
{
    CHECK_EQ(run(all_but_cancelled), 0);
}

static ASYNC duplicates(struct stage *self)
{
    ASYNC_BEGIN(self);
    kids(self, 2);
    self->waiters[2].task = &self->task[0];
    self->waiters[3].task = &self->task[1];
    set_kid(self, 0, 7);
    set_kid(self, 1, 8);
    AWAIT(async_gather(&self->set, self->waiters, 4));
    CHECK_EQ(async_result(self->waiters[2].task), 7);
    CHECK_EQ(async_result(self->waiters[3].task), 8);
    ASYNC_END;
}

TEST(py_tasks_gather_duplicate_coroutines)
{
    CHECK_EQ(run(duplicates), 0);
}

static ASYNC broadcast(struct stage *self)
{
    ASYNC_BEGIN(self);
    gather(self, 2, 0);
    AWAIT(briefly(self));
    CHECK_EQ(async_cancel(&self->other->me), 1);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(async_result(&self->task[0]), ASYNC_ECANCELED);
    CHECK_EQ(async_result(&self->task[1]), ASYNC_ECANCELED);
    CHECK_EQ(async_cancel(&self->other->me), 0);
    ASYNC_END;
}

TEST(py_tasks_gather_cancellation_broadcast)
{
    CHECK_EQ(run(broadcast), 0);
}

/* Two errors, one after the other: the first is raised. */
static ASYNC marking(struct stage *self)
{
    ASYNC_BEGIN(self);
    gather(self, 2, 0);
    AWAIT(briefly(self));
    set_kid(self, 0, ASYNC_EUSER(1));
    set_kid(self, 1, ASYNC_EUSER(2));
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_EUSER(1));
    CHECK_EQ(async_result(&self->task[1]), ASYNC_EUSER(2));
    ASYNC_END;
}

TEST(py_tasks_gather_exception_marking)
{
    CHECK_EQ(run(marking), 0);
}

/* A gather whose children have all ended is not cancelled any more. */
static ASYNC gathers_and_ends(struct stage *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_gather(&self->set, self->other->waiters, 1));
    self->proof = 1;
    AWAIT(async_sleep(ASYNC_MS(1)));
    self->proof = 2;
    ASYNC_END;
}

struct last { async_watch watch; async_task *task; };

static void cancel_last(async_watch *watch, async_task *task)
{
    (void)task;
    CHECK_EQ(async_cancel(((struct last *)(void *)watch)->task), 1);
}

static ASYNC cancel_gather_1(struct stage *self)
{
    static struct last last;

    ASYNC_BEGIN(self);
    kids(self, 1);
    start(self, gathers_and_ends);
    AWAIT(briefly(self));
    last.task = &self->other->me;
    async_on_done(&self->task[0], &last.watch, cancel_last);
    set_kid(self, 0, 1);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);         /* at its next await */
    CHECK_EQ(self->other->proof, 1);
    CHECK_EQ(async_result(&self->task[0]), 1);
    ASYNC_END;
}

TEST(py_tasks_cancel_gather_1)
{
    CHECK_EQ(run(cancel_gather_1), 0);
}

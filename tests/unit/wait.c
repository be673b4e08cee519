/* Waiting for several tasks, which are left alone: wait, next_done. */
#include "crowd.h"

/* ---- async_wait ---------------------------------------------------------- */

static ASYNC all(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_three(self);
    AWAIT_VALUE(self->n, async_wait(&self->set, self->waiters, 3,
                                    ASYNC_ALL_COMPLETED));
    CHECK_EQ(self->n, 3);
    CHECK_EQ(test_ms(), 3000);
    CHECK_EQ(async_result(&self->task[1]), 20);
    AWAIT_VALUE(self->n, async_wait(&self->set, self->waiters, 3,
                                    ASYNC_ALL_COMPLETED));
    CHECK_EQ(self->n, 3);
    CHECK_EQ(test_ms(), 3000);
    ASYNC_END;
}

TEST(wait_all_completed)
{
    CHECK_EQ(crowd_run(all), 0);
    CHECK_LOG("A(B(C(A)B)C)");
}

static ASYNC first(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_three(self);
    AWAIT_VALUE(self->n, async_wait(&self->set, self->waiters, 3,
                                    ASYNC_FIRST_COMPLETED));
    CHECK_EQ(self->n, 1);
    CHECK_EQ(test_ms(), 1000);
    CHECK(async_done(&self->task[0]));
    CHECK(!async_done(&self->task[1]));
    test_log("first ");
    AWAIT_VALUE(self->n, async_wait(&self->set, self->waiters + 1, 2,
                                    ASYNC_FIRST_COMPLETED));
    CHECK_EQ(self->n, 1);
    CHECK_EQ(test_ms(), 2000);
    AWAIT_VALUE(self->n, async_wait(&self->set, self->waiters, 3,
                                    ASYNC_FIRST_COMPLETED));
    CHECK_EQ(self->n, 2);                   /* they are done already */
    CHECK_EQ(test_ms(), 2000);
    AWAIT_VALUE(self->n, async_wait(&self->set, self->waiters, 3,
                                    ASYNC_ALL_COMPLETED));
    CHECK_EQ(self->n, 3);
    CHECK_EQ(test_ms(), 3000);
    ASYNC_END;
}

TEST(wait_first_completed_then_the_rest)
{
    CHECK_EQ(crowd_run(first), 0);
    CHECK_LOG("A(B(C(A)first B)C)");
}

/* Those that end in the same turn are counted together. */
static ASYNC same_turn(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 1000, 0);
    crowd_spawn(self, 1, 1000, 0);
    crowd_spawn(self, 2, 1001, 0);
    AWAIT_VALUE(self->n, async_wait(&self->set, self->waiters, 3,
                                    ASYNC_FIRST_COMPLETED));
    CHECK_EQ(self->n, 2);
    AWAIT(async_join(&self->task[2]));
    ASYNC_END;
}

TEST(wait_counts_what_ended_together)
{
    CHECK_EQ(crowd_run(same_turn), 0);
}

/* The first error ends it, a cancelled task does not. */
static ASYNC exception(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 1000, 0);
    crowd_spawn(self, 1, 3000, ASYNC_EIO);
    crowd_spawn(self, 2, 2000, 0);
    crowd_spawn(self, 3, 9000, 0);
    async_cancel(&self->task[2]);
    AWAIT_VALUE(self->n, async_wait(&self->set, self->waiters, 4,
                                    ASYNC_FIRST_EXCEPTION));
    CHECK_EQ(self->n, 3);
    CHECK_EQ(test_ms(), 3000);
    CHECK_EQ(async_result(&self->task[1]), ASYNC_EIO);
    CHECK_EQ(async_result(&self->task[2]), ASYNC_ECANCELED);
    CHECK(!async_done(&self->task[3]));
    self->waiters[1] = self->waiters[3];
    AWAIT_VALUE(self->n, async_wait(&self->set, self->waiters, 3,
                                    ASYNC_FIRST_EXCEPTION));
    CHECK_EQ(self->n, 3);                       /* none failed: all */
    CHECK_EQ(test_ms(), 9000);
    ASYNC_END;
}

TEST(wait_first_exception)
{
    CHECK_EQ(crowd_run(exception), 0);
}

static ASYNC limited(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_three(self);
    AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, ASYNC_MS(1500),
                 async_wait(&self->set, self->waiters, 3,
                            ASYNC_ALL_COMPLETED)));
    CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    CHECK_EQ(test_ms(), 1500);
    CHECK(async_done(&self->task[0]));
    AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, ASYNC_SEC(9),
                 async_wait(&self->set, self->waiters, 3,
                            ASYNC_ALL_COMPLETED)));
    CHECK_EQ(self->e, 3);
    CHECK_EQ(test_ms(), 3000);
    AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, 0,
                 async_wait(&self->set, self->waiters, 3,
                            ASYNC_ALL_COMPLETED)));
    CHECK_EQ(self->e, 3);                       /* a poll that finds it */
    ASYNC_END;
}

TEST(wait_with_a_limit_of_time)
{
    CHECK_EQ(crowd_run(limited), 0);
    CHECK_LOG("A(B(C(A)B)C)");
}

/* ---- struck -------------------------------------------------------------- */

/* Waits for the naps of the other. */
static ASYNC waits(struct crowd *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->n, async_wait(&self->set, self->other->waiters, 3,
                                    ASYNC_FIRST_COMPLETED));
    test_log("got%d ", self->n);
    AWAIT(async_sleep(ASYNC_MS(1)));
    test_log("never ");
    ASYNC_END;
}

static ASYNC strikes(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_three(self);
    crowd_start(self, waits);
    AWAIT(async_sleep(ASYNC_MS(500)));
    async_cancel(&self->other->me);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(test_ms(), 500);
    AWAIT(async_join(&self->task[2]));        /* they went on */
    CHECK_EQ(test_ms(), 3000);
    ASYNC_END;
}

TEST(wait_struck_leaves_the_tasks_alone)
{
    CHECK_EQ(crowd_run(strikes), 0);
    CHECK_LOG("A(B(C(A)B)C)");
}

/* Struck after it was woken: it keeps what it waited for. */
struct cancels { async_watch watch; struct crowd *other; };

static void on_done_cancel(async_watch *watch, async_task *task)
{
    (void)task;
    CHECK_EQ(async_cancel(&((struct cancels *)(void *)watch)->other->me), 1);
}

static ASYNC strikes_late(struct crowd *self)
{
    static struct cancels cancels;

    ASYNC_BEGIN(self);
    crowd_three(self);
    crowd_start(self, waits);
    AWAIT(async_sleep(ASYNC_MS(500)));
    cancels.other = self->other;
    async_on_done(&self->task[0], &cancels.watch, on_done_cancel);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(test_ms(), 1000);
    AWAIT(async_join(&self->task[2]));
    ASYNC_END;
}

TEST(wait_struck_after_the_wake_keeps_it)
{
    CHECK_EQ(crowd_run(strikes_late), 0);
    CHECK_LOG("A(B(C(A)got1 B)C)");
}

/* Struck before it waits: what is there already it takes, and the strike comes
 * next; otherwise it fails at once. */
static ASYNC struck_before(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, -1, 0);
    crowd_spawn(self, 1, 1000, 0);
    AWAIT(async_join(&self->task[0]));
    async_cancel(async_current());
    AWAIT_VALUE(self->n, async_wait(&self->set, self->waiters, 2,
                                    ASYNC_FIRST_COMPLETED));
    CHECK_EQ(self->n, 1);
    AWAIT_VALUE(self->n, async_next_done(&self->set, self->waiters, 2));
    CHECK_EQ(self->n, 0);
    ASYNC_TRY {
        AWAIT(async_next_done(&self->set, self->waiters, 2));
        CHECK(false);
    } ASYNC_CATCH_ALL(self->e) {
        CHECK_EQ(self->e, ASYNC_CANCEL);
    } ASYNC_TRY_END;
    CHECK_EQ(async_wait_close(&self->set, self->waiters, 2), 0);
    async_cancel(async_current());
    ASYNC_TRY {
        AWAIT(async_wait(&self->set, self->waiters, 2, ASYNC_ALL_COMPLETED));
        CHECK(false);
    } ASYNC_CATCH_ALL(self->e) {
        CHECK_EQ(self->e, ASYNC_CANCEL);
    } ASYNC_TRY_END;
    CHECK_EQ(test_ms(), 0);
    AWAIT(async_join(&self->task[1]));          /* it went on */
    CHECK_EQ(test_ms(), 1000);
    ASYNC_END;
}

TEST(wait_struck_before)
{
    CHECK_EQ(crowd_run(struck_before), 0);
    CHECK_LOG("A(A)B(B)");
}

/* ---- what it is told wrong ----------------------------------------------- */

static ASYNC wrong(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 1000, 0);
    AWAIT_RESULT(self->e, async_wait(NULL, self->waiters, 1, 0));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_wait(&self->set, NULL, 1, 0));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_wait(&self->set, self->waiters, 0, 0));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_wait(&self->set, self->waiters, -1, 0));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_wait(&self->set, self->waiters, 1, 3));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_wait(&self->set, self->waiters, 1, -1));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_wait(&self->set, self->waiters, 2, 0));
    CHECK_EQ(self->e, ASYNC_EINVAL);            /* no task in the second */
    self->waiters[1].task = &self->task[1];
    AWAIT_RESULT(self->e, async_wait(&self->set, self->waiters, 2, 0));
    CHECK_EQ(self->e, ASYNC_EINVAL);            /* it was never spawned */
    self->waiters[1].task = async_current();
    AWAIT_RESULT(self->e, async_wait(&self->set, self->waiters, 2, 0));
    CHECK_EQ(self->e, ASYNC_EDEADLK);
    AWAIT_RESULT(self->e, async_next_done(NULL, self->waiters, 1));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_next_done(&self->set, NULL, 1));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_next_done(&self->set, self->waiters, -1));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_next_done(&self->set, self->waiters, 2));
    CHECK_EQ(self->e, ASYNC_EDEADLK);
    AWAIT_RESULT(self->e, async_next_done(&self->set, NULL, 0));
    CHECK_EQ(self->e, ASYNC_ENOENT);
    CHECK_EQ(async_wait_close(NULL, self->waiters, 1), ASYNC_EINVAL);
    CHECK_EQ(async_wait_close(&self->set, NULL, 1), ASYNC_EINVAL);
    CHECK_EQ(async_wait_close(&self->set, self->waiters, -1), ASYNC_EINVAL);
    CHECK_EQ(async_wait_close(&self->set, self->waiters, 1), 0);
    CHECK_EQ(test_ms(), 0);
    AWAIT_VALUE(self->n, async_wait(&self->set, self->waiters, 1, 0));
    CHECK_EQ(self->n, 1);                       /* none of it did any harm */
    CHECK_EQ(test_ms(), 1000);
    ASYNC_END;
}

TEST(wait_bad_input)
{
    CHECK_EQ(crowd_run(wrong), 0);
}

/* A set in use, and a waiter in use by another set. */
static ASYNC busy(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_three(self);
    crowd_start(self, waits);
    AWAIT(async_yield());
    AWAIT(async_yield());
    AWAIT_RESULT(self->e, async_wait(&self->other->set, self->waiters, 3, 0));
    CHECK_EQ(self->e, ASYNC_EBUSY);
    AWAIT_RESULT(self->e, async_wait(&self->set, self->waiters, 3, 0));
    CHECK_EQ(self->e, ASYNC_EBUSY);
    AWAIT_RESULT(self->e, async_next_done(&self->other->set, self->waiters, 3));
    CHECK_EQ(self->e, ASYNC_EBUSY);
    CHECK_EQ(async_wait_close(&self->other->set, self->waiters, 3),
             ASYNC_EBUSY);
    self->waiters[3].task = &self->task[0];     /* one of one's own is not */
    AWAIT_VALUE(self->n, async_wait(&self->set, self->waiters + 3, 1, 0));
    CHECK_EQ(test_ms(), 1000);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, 0);
    AWAIT(async_join(&self->task[2]));
    ASYNC_END;
}

TEST(wait_set_or_waiters_in_use)
{
    CHECK_EQ(crowd_run(busy), 0);
    CHECK_LOG("A(B(C(A)got1 never B)C)");
}

/* The same task in several waiters, and joined, and watched. */
static ASYNC twins(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 1000, 5);
    self->waiters[1].task = &self->task[0];
    self->waiters[2].task = &self->task[0];
    AWAIT_VALUE(self->n, async_wait(&self->set, self->waiters, 3,
                                    ASYNC_FIRST_COMPLETED));
    CHECK_EQ(self->n, 3);
    for (self->i = 0; self->i < 3; self->i++) {
        AWAIT_VALUE(self->n, async_next_done(&self->set, self->waiters, 3));
        CHECK_EQ(self->n, self->i);
    }
    AWAIT_RESULT(self->e, async_next_done(&self->set, self->waiters, 3));
    CHECK_EQ(self->e, ASYNC_ENOENT);
    ASYNC_END;
}

TEST(wait_for_one_task_in_several_waiters)
{
    CHECK_EQ(crowd_run(twins), 0);
    CHECK_LOG("A(A)");
}

/* A callback after ours frees the task's memory: it is not read again. */
static void wipe(async_watch *watch, async_task *task)
{
    (void)watch;
    memset(task, 0, sizeof *task);
}

static ASYNC wiped(struct crowd *self)
{
    static async_watch watch[2];

    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 1000, 10);
    crowd_spawn(self, 1, 2000, ASYNC_EIO);
    AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, ASYNC_MS(1),
                 async_next_done(&self->set, self->waiters, 2)));
    CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    async_on_done(&self->task[0], &watch[0], wipe);
    async_on_done(&self->task[1], &watch[1], wipe);
    AWAIT_VALUE(self->n, async_next_done(&self->set, self->waiters, 2));
    CHECK_EQ(self->n, 0);
    AWAIT_VALUE(self->n, async_next_done(&self->set, self->waiters, 2));
    CHECK_EQ(self->n, 1);
    AWAIT_RESULT(self->e, async_next_done(&self->set, self->waiters, 2));
    CHECK_EQ(self->e, ASYNC_ENOENT);
    ASYNC_END;
}

TEST(wait_does_not_touch_a_task_that_ended)
{
    CHECK_EQ(crowd_run(wiped), 0);
    CHECK_LOG("A(B(A)B)");
}

/* ---- async_next_done ----------------------------------------------------- */

static ASYNC as_they_come(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 3000, 30);
    crowd_spawn(self, 1, 1000, ASYNC_EIO);
    crowd_spawn(self, 2, 2000, 20);
    for (;;) {
        AWAIT_RESULT(self->n, async_next_done(&self->set, self->waiters, 3));
        if (self->n < 0) {
            break;
        }
        test_log("%d:%d ", self->n, (int)test_ms());
    }
    CHECK_EQ(self->n, ASYNC_ENOENT);
    CHECK_EQ(test_ms(), 3000);
    AWAIT_VALUE(self->n, async_next_done(&self->set, self->waiters, 3));
    CHECK_EQ(self->n, 0);                       /* anew: all are done */
    CHECK_EQ(async_wait_close(&self->set, self->waiters, 3), 0);
    ASYNC_END;
}

TEST(next_done_as_they_come)
{
    CHECK_EQ(crowd_run(as_they_come), 0);
    CHECK_LOG("A(B(C(B)1:1000 C)2:2000 A)0:3000 ");
}

/* Between two calls several end; they come in the order of their ends. */
static ASYNC meanwhile(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 300, 0);
    crowd_spawn(self, 1, 100, 0);
    crowd_spawn(self, 2, 200, 0);
    crowd_spawn(self, 3, 500, 0);
    for (self->i = 0; self->i < 4; self->i++) {
        AWAIT_VALUE(self->n, async_next_done(&self->set, self->waiters, 4));
        test_log("%d ", self->n);
        if (self->i == 0) {
            AWAIT(async_sleep(ASYNC_MS(300)));
        }
    }
    CHECK_EQ(test_ms(), 500);
    ASYNC_END;
}

TEST(next_done_in_the_order_of_the_ends)
{
    CHECK_EQ(crowd_run(meanwhile), 0);
    CHECK_LOG("A(B(C(D(B)1 C)A)2 0 D)3 ");
}

/* A deadline strikes it: nothing is lost, the next call goes on. */
static ASYNC patient(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_three(self);
    for (self->i = 0; self->i < 3;) {
        AWAIT_RESULT(self->n, ASYNC_TIMEOUT(&self->scope, ASYNC_MS(400),
                     async_next_done(&self->set, self->waiters, 3)));
        if (self->n >= 0) {
            CHECK_EQ(self->n, self->i);
            self->i++;
        } else {
            CHECK_EQ(self->n, ASYNC_ETIMEDOUT);
            test_log(".");
        }
    }
    CHECK_EQ(test_ms(), 3000);
    ASYNC_END;
}

TEST(next_done_struck_loses_none)
{
    CHECK_EQ(crowd_run(patient), 0);
    CHECK_LOG("A(B(C(..A)..B)..C)");
}

/* Left early: closed, or another operation goes on with set and waiters. */
static ASYNC left_early(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_three(self);
    AWAIT_VALUE(self->n, async_next_done(&self->set, self->waiters, 3));
    CHECK_EQ(self->n, 0);
    AWAIT_RESULT(self->e, async_wait(&self->set, self->waiters, 2, 0));
    CHECK_EQ(self->e, ASYNC_EBUSY);             /* not those of the set */
    CHECK_EQ(async_wait_close(&self->set, self->waiters, 1), ASYNC_EBUSY);
    AWAIT_VALUE(self->n, async_wait(&self->set, self->waiters, 3,
                                    ASYNC_ALL_COMPLETED));
    CHECK_EQ(self->n, 3);
    crowd_three(self);
    AWAIT_VALUE(self->n, async_next_done(&self->set, self->waiters, 3));
    CHECK_EQ(self->n, 0);
    CHECK_EQ(async_wait_close(&self->set, self->waiters, 3), 0);
    CHECK_EQ(async_wait_close(&self->set, self->waiters, 3), 0);
    AWAIT(async_join(&self->task[1]));          /* they go on */
    AWAIT(async_join(&self->task[2]));
    CHECK_EQ(test_ms(), 6000);
    ASYNC_END;
}

TEST(next_done_left_early)
{
    CHECK_EQ(crowd_run(left_early), 0);
}

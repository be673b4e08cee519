/* Cancellation: when it strikes, when it does not, and what is never lost. */
#include "nap.h"

struct pair {
    async_frame frame;
    async_task task, other;
    struct nap nap, nap2;
    async_future future;
    async_timeout scope;
    int i, n, e;
};

static struct pair zero_pair(void)
{
    struct pair p = {0};

    p.nap.name = "A";
    p.nap2.name = "B";
    return p;
}

static ASYNC before_first_step(struct pair *self)
{
    ASYNC_BEGIN(self);
    async_spawn(&self->task, nap, &self->nap);
    CHECK_EQ(async_cancel(&self->task), 1);
    CHECK_EQ(async_cancel(&self->task), 1);
    AWAIT_RESULT(self->e, async_join(&self->task));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(async_cancel(&self->task), 0);
    ASYNC_END;
}

TEST(cancel_before_the_first_step)
{
    struct pair p = zero_pair();

    CHECK_EQ(async_run(before_first_step, &p), 0);
    CHECK_LOG("");
}

/* A sleeper is struck, its awaited cleanup runs, the cancellation passes on. */
static ASYNC asleep(struct pair *self)
{
    ASYNC_BEGIN(self);
    self->nap.ms = 1000;
    self->nap.cleanup = 50;
    async_spawn(&self->task, nap, &self->nap);
    AWAIT(async_sleep(ASYNC_MS(100)));
    async_cancel(&self->task);
    test_log("cancel ");
    AWAIT_RESULT(self->e, async_join(&self->task));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(self->nap.outcome, ASYNC_CANCEL);
    CHECK_EQ(test_ms(), 150);
    ASYNC_END;
}

TEST(cancel_cleans_up_and_passes_on)
{
    struct pair p = zero_pair();

    CHECK_EQ(async_run(asleep, &p), 0);
    CHECK_LOG("A(cancel AxA!");
}

/* Strikes coalesce until one is delivered; the next may interrupt cleanup. */
static ASYNC twice(struct pair *self)
{
    ASYNC_BEGIN(self);
    self->nap.ms = 1000;
    self->nap.cleanup = 500;
    async_spawn(&self->task, nap, &self->nap);
    AWAIT(async_sleep(ASYNC_MS(10)));
    async_cancel(&self->task);
    async_cancel(&self->task);
    AWAIT(async_sleep(ASYNC_MS(10)));
    CHECK(!async_done(&self->task));            /* in its cleanup */
    async_cancel(&self->task);
    AWAIT_RESULT(self->e, async_join(&self->task));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(test_ms(), 20);
    ASYNC_END;
}

TEST(cancel_twice_interrupts_cleanup)
{
    struct pair p = zero_pair();

    CHECK_EQ(async_run(twice, &p), 0);
    CHECK_LOG("A(Ax");
}

/* A task swallows one cancellation and ends normally. */
static ASYNC refuses(struct nap *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_sleep(ASYNC_MS(1000)));
    } ASYNC_CATCH_ALL(self->outcome) {
        test_log("no ");
    } ASYNC_TRY_END;
    AWAIT(async_sleep(ASYNC_MS(5)));
    ASYNC_RETURN(8);
    ASYNC_END;
}

static ASYNC refused(struct pair *self)
{
    ASYNC_BEGIN(self);
    async_spawn(&self->task, refuses, &self->nap);
    AWAIT(async_yield());
    async_cancel(&self->task);
    AWAIT_VALUE(self->n, async_join(&self->task));
    CHECK_EQ(self->n, 8);
    CHECK_EQ(test_ms(), 5);
    ASYNC_END;
}

TEST(cancel_can_be_refused)
{
    struct pair p = zero_pair();

    CHECK_EQ(async_run(refused, &p), 0);
    CHECK_LOG("no ");
}

/* CATCH and AWAIT_RESULT never see the task's own cancellation; they do see
 * that of a task they join. */
static ASYNC retries(struct pair *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        ASYNC_TRY {
            AWAIT_RESULT(self->e, async_sleep(ASYNC_MS(10)));
            CHECK_EQ(self->e, 0);
            self->n++;
            ASYNC_RAISE(ASYNC_EIO);
        } ASYNC_CATCH(self->e) {
            CHECK_EQ(self->e, ASYNC_EIO);
        } ASYNC_TRY_END;
    }
    ASYNC_END;
}

static ASYNC stops_retries(struct pair *self)
{
    static struct pair inner;

    ASYNC_BEGIN(self);
    inner = zero_pair();
    async_spawn(&self->task, retries, &inner);
    AWAIT(async_sleep(ASYNC_MS(35)));
    async_cancel(&self->task);
    AWAIT_RESULT(self->e, async_join(&self->task));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(inner.n, 3);
    ASYNC_END;
}

TEST(cancel_is_not_swallowed_by_a_retry_loop)
{
    struct pair p = zero_pair();

    CHECK_EQ(async_run(stops_retries, &p), 0);
}

static ASYNC no_suspend(struct pair *self)
{
    (void)self;
    return 0;
}

/* Struck while it is ready: what was granted stays granted, and the strike
 * hits the next await that would suspend. */
static ASYNC granted(struct pair *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->n, async_future_wait(&self->future));
    test_log("got%d ", self->n);
    AWAIT(no_suspend(self));
    test_log("unsuspended ");
    AWAIT(async_sleep(ASYNC_MS(1)));
    test_log("never ");
    ASYNC_END;
}

static struct pair granted_pair;

static ASYNC grants_and_strikes(struct pair *self)
{
    ASYNC_BEGIN(self);
    granted_pair = zero_pair();
    async_spawn(&self->task, granted, &granted_pair);
    AWAIT(async_yield());
    CHECK_EQ(async_future_set(&granted_pair.future, 4), 0);
    CHECK_EQ(async_cancel(&self->task), 1);
    AWAIT_RESULT(self->e, async_join(&self->task));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(cancel_after_the_grant_loses_nothing)
{
    struct pair p = zero_pair();

    CHECK_EQ(async_run(grants_and_strikes, &p), 0);
    CHECK_LOG("got4 unsuspended ");
}

/* The other order: struck first, then the future is set in the same turn. The
 * operation completes, for it can; the strike is for the next await. */
static ASYNC strikes_and_grants(struct pair *self)
{
    ASYNC_BEGIN(self);
    granted_pair = zero_pair();
    async_spawn(&self->task, granted, &granted_pair);
    AWAIT(async_yield());
    CHECK_EQ(async_cancel(&self->task), 1);
    CHECK_EQ(async_future_set(&granted_pair.future, 5), 0);
    AWAIT_RESULT(self->e, async_join(&self->task));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(cancel_before_the_grant_in_one_turn)
{
    struct pair p = zero_pair();

    CHECK_EQ(async_run(strikes_and_grants, &p), 0);
    CHECK_LOG("got5 unsuspended ");
}

/* A sleep whose time is over wins against a strike that comes with it. */
static ASYNC oversleeps(struct pair *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_MS(10)));
    test_log("slept ");
    AWAIT(async_yield());
    test_log("never ");
    ASYNC_END;
}

static ASYNC strikes_late(struct pair *self)
{
    ASYNC_BEGIN(self);
    async_spawn(&self->task, oversleeps, &granted_pair);
    AWAIT(async_yield());
    test_busy(ASYNC_MS(15));            /* past its deadline, unseen yet */
    async_cancel(&self->task);
    AWAIT_RESULT(self->e, async_join(&self->task));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(cancel_loses_to_an_expired_sleep)
{
    struct pair p = zero_pair();

    granted_pair = zero_pair();
    CHECK_EQ(async_run(strikes_late, &p), 0);
    CHECK_LOG("slept ");
}

/* A cancelled joiner cancels the task, once, on its own turn, and waits. */
static ASYNC joins(struct pair *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_join(&self->task));
        test_log("joined ");
    } ASYNC_CATCH_ALL(self->e) {
        test_log(self->e == ASYNC_CANCEL ? "cancel " : "error ");
        ASYNC_RAISE(self->e);
    } ASYNC_TRY_END;
    AWAIT(async_yield());
    test_log("never ");
    ASYNC_END;
}

static ASYNC cancels_joiner(struct pair *self)
{
    ASYNC_BEGIN(self);
    granted_pair = zero_pair();
    granted_pair.nap.ms = 100;
    granted_pair.nap.cleanup = 50;
    async_spawn(&granted_pair.task, nap, &granted_pair.nap);
    async_spawn(&self->task, joins, &granted_pair);
    AWAIT(async_sleep(ASYNC_MS(10)));
    async_cancel(&self->task);
    AWAIT_RESULT(self->e, async_join(&self->task));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(test_ms(), 60);
    CHECK_EQ(async_result(&granted_pair.task), ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(cancel_of_a_joiner_is_forwarded)
{
    struct pair p = zero_pair();

    CHECK_EQ(async_run(cancels_joiner, &p), 0);
    CHECK_LOG("A(AxA!cancel ");
}

/* The joined task swallows it: the join gives the result, and the strike hits
 * the joiner's next await. */
static ASYNC forwards_to_refuser(struct pair *self)
{
    ASYNC_BEGIN(self);
    granted_pair = zero_pair();
    async_spawn(&granted_pair.task, refuses, &granted_pair.nap);
    async_spawn(&self->task, joins, &granted_pair);
    AWAIT(async_sleep(ASYNC_MS(1)));
    async_cancel(&self->task);
    AWAIT_RESULT(self->e, async_join(&self->task));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(cancel_forwarded_and_refused_stays_pending)
{
    struct pair p = zero_pair();

    CHECK_EQ(async_run(forwards_to_refuser, &p), 0);
    CHECK_LOG("no joined ");
}

/* Somebody else's cancellation of the task is an error in its joiner. */
static ASYNC cancels_target(struct pair *self)
{
    ASYNC_BEGIN(self);
    granted_pair = zero_pair();
    granted_pair.nap.ms = 100;
    async_spawn(&granted_pair.task, nap, &granted_pair.nap);
    async_spawn(&self->task, joins, &granted_pair);
    AWAIT(async_sleep(ASYNC_MS(10)));
    async_cancel(&granted_pair.task);
    AWAIT_RESULT(self->e, async_join(&self->task));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(cancel_of_the_joined_task_is_an_error)
{
    struct pair p = zero_pair();

    CHECK_EQ(async_run(cancels_target, &p), 0);
    CHECK_LOG("A(AxA!error ");
}

/* A shielded task goes on; its waiter ends at once. */
static ASYNC shields(struct pair *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_shield(&granted_pair.task));
    (void)self;
    ASYNC_END;
}

static ASYNC shielded(struct pair *self)
{
    static struct pair waiter;

    ASYNC_BEGIN(self);
    granted_pair = zero_pair();
    granted_pair.nap.ms = 100;
    granted_pair.nap.result = 6;
    async_spawn(&granted_pair.task, nap, &granted_pair.nap);
    async_spawn(&self->task, shields, &waiter);
    AWAIT(async_sleep(ASYNC_MS(10)));
    async_cancel(&self->task);
    AWAIT_RESULT(self->e, async_join(&self->task));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(test_ms(), 10);
    AWAIT_VALUE(self->n, async_join(&granted_pair.task));
    CHECK_EQ(self->n, 6);
    CHECK_EQ(test_ms(), 100);
    ASYNC_END;
}

TEST(cancel_stops_at_a_shield)
{
    struct pair p = zero_pair();

    CHECK_EQ(async_run(shielded, &p), 0);
    CHECK_LOG("A(A)");
}

/* A polling task is struck too. */
static ASYNC polls(struct nap *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT_UNTIL(false);
    } ASYNC_FINALLY(self->outcome) {
        test_log("polled ");
    } ASYNC_TRY_END;
    ASYNC_END;
}

static ASYNC cancels_poller(struct pair *self)
{
    ASYNC_BEGIN(self);
    async_spawn(&self->task, polls, &self->nap);
    AWAIT(async_yield());
    AWAIT(async_yield());
    async_cancel(&self->task);
    AWAIT_RESULT(self->e, async_join(&self->task));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(cancel_strikes_a_polling_task)
{
    struct pair p = zero_pair();

    CHECK_EQ(async_run(cancels_poller, &p), 0);
    CHECK_LOG("polled ");
}

/* A task that cancels itself is struck at its next await that suspends. */
static ASYNC suicide(struct pair *self)
{
    ASYNC_BEGIN(self);
    async_cancel(async_current());
    test_log("still ");
    AWAIT(async_yield());
    test_log("never ");
    ASYNC_END;
}

TEST(cancel_oneself)
{
    struct pair p = zero_pair();

    CHECK_EQ(async_run(suicide, &p), ASYNC_ECANCELED);
    CHECK_LOG("still ");
}

/* stop(): harmless before the start, while running, twice. */
static ASYNC stop(struct pair *self)
{
    ASYNC_BEGIN(self);
    async_cancel(&self->task);
    AWAIT_RESULT(self->e, async_join(&self->task));
    ASYNC_RETURN(self->e == ASYNC_ECANCELED || self->e == ASYNC_EINVAL ? 0
                                                                    : self->e);
    ASYNC_END;
}

static ASYNC stops(struct pair *self)
{
    ASYNC_BEGIN(self);
    granted_pair = zero_pair();
    granted_pair.nap.ms = 100;
    AWAIT(stop(&granted_pair));
    async_spawn(&granted_pair.task, nap, &granted_pair.nap);
    AWAIT(async_sleep(ASYNC_MS(1)));
    AWAIT(stop(&granted_pair));
    AWAIT(stop(&granted_pair));
    (void)self;
    ASYNC_END;
}

TEST(cancel_stop_function)
{
    struct pair p = zero_pair();

    CHECK_EQ(async_run(stops, &p), 0);
    CHECK_LOG("A(AxA!");
}

/* A future outlives its cancelled waiter, in whatever place that waited. */
static ASYNC waits(struct pair *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->n, async_future_wait(&granted_pair.future));
    test_log("%d:%d ", self->i, self->n);
    ASYNC_END;
}

static ASYNC cancels_waiters(struct pair *self)
{
    static struct pair waiter[5];
    static async_task task[5];
    static int i;

    ASYNC_BEGIN(self);
    granted_pair = zero_pair();
    for (i = 0; i < 5; i++) {
        waiter[i] = zero_pair();
        waiter[i].i = i;
        async_spawn(&task[i], waits, &waiter[i]);
    }
    AWAIT(async_yield());
    async_cancel(&task[0]);
    async_cancel(&task[4]);
    async_cancel(&task[2]);
    AWAIT(async_yield());
    AWAIT(async_yield());
    CHECK_EQ(async_future_set(&granted_pair.future, 9), 0);
    CHECK_EQ(async_future_set(&granted_pair.future, 9), ASYNC_EALREADY);
    CHECK_EQ(async_future_set(NULL, 9), ASYNC_EINVAL);
    CHECK_EQ(async_future_set(&granted_pair.future, ASYNC_PENDING),
             ASYNC_EINVAL);
    for (i = 0; i < 5; i++) {
        AWAIT_RESULT(self->e, async_join(&task[i]));
        CHECK_EQ(self->e, i % 2 == 0 ? ASYNC_ECANCELED : 0);
    }
    AWAIT_VALUE(self->n, async_future_wait(&granted_pair.future));
    CHECK_EQ(self->n, 9);
    ASYNC_END;
}

TEST(cancel_of_some_waiters_of_a_future)
{
    struct pair p = zero_pair();

    CHECK_EQ(async_run(cancels_waiters, &p), 0);
    CHECK_LOG("1:9 3:9 ");
}

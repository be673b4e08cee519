/* Waiting for several tasks, and answering for them: gather, race. */
#include "crowd.h"

/* ---- all succeed --------------------------------------------------------- */

static ASYNC by_position(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 2000, 10);
    crowd_spawn(self, 1, 1000, 20);
    crowd_spawn(self, 2, 3000, 30);
    AWAIT_VALUE(self->n, async_gather(&self->set, self->waiters, 3));
    CHECK_EQ(self->n, 0);
    CHECK_EQ(test_ms(), 3000);
    for (self->i = 0; self->i < 3; self->i++) {
        CHECK_EQ(async_result(&self->task[self->i]), 10 + 10 * self->i);
    }
    AWAIT(async_gather(&self->set, self->waiters, 3));      /* again: at once */
    CHECK_EQ(test_ms(), 3000);
    ASYNC_END;
}

TEST(gather_by_position)
{
    CHECK_EQ(crowd_run(by_position), 0);
    CHECK_LOG("A(B(C(B)A)C)");
}

static ASYNC instant(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, -1, 1);
    crowd_spawn(self, 1, -1, 2);
    AWAIT(async_gather(&self->set, self->waiters, 2));
    AWAIT(async_gather(&self->set, NULL, 0));
    AWAIT_VALUE(self->n, async_gather_all(&self->set, NULL, 0));
    CHECK_EQ(self->n, 0);
    CHECK_EQ(test_ms(), 0);
    CHECK_EQ(test_idles(), 0);
    ASYNC_END;
}

TEST(gather_of_instant_tasks_and_of_none)
{
    CHECK_EQ(crowd_run(instant), 0);
    CHECK_LOG("A(A)B(B)");
}

/* ---- one fails ----------------------------------------------------------- */

static ASYNC fail_fast(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_three(self);
    self->nap[1].result = ASYNC_EIO;
    self->nap[2].cleanup = 500;
    AWAIT_RESULT(self->e, async_gather(&self->set, self->waiters, 3));
    test_log("!%d", (int)test_ms());
    CHECK_EQ(self->e, ASYNC_EIO);
    CHECK_EQ(async_result(&self->task[0]), 10);
    CHECK_EQ(async_result(&self->task[1]), ASYNC_EIO);
    CHECK_EQ(async_result(&self->task[2]), ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(gather_fails_fast_and_awaits_the_rest)
{
    CHECK_EQ(crowd_run(fail_fast), 0);
    CHECK_LOG("A(B(C(A)B)CxC!!2500");
}

/* The first error wins, also over one in the cleanup of another. */
static ASYNC two_errors(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 2000, ASYNC_EPIPE);
    crowd_spawn(self, 1, 1000, ASYNC_EIO);
    crowd_spawn(self, 2, 1000, ASYNC_EPERM);
    AWAIT_RESULT(self->e, async_gather(&self->set, self->waiters, 3));
    CHECK_EQ(self->e, ASYNC_EIO);
    CHECK_EQ(test_ms(), 1000);
    AWAIT_RESULT(self->e, async_gather(&self->set, self->waiters, 3));
    CHECK_EQ(self->e, ASYNC_ECANCELED);         /* now by position */
    ASYNC_END;
}

TEST(gather_raises_the_first_error)
{
    CHECK_EQ(crowd_run(two_errors), 0);
}

/* Somebody cancels a task of it: an error like any other. */
static ASYNC one_cancelled(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_three(self);
    async_cancel(&self->task[1]);
    AWAIT_RESULT(self->e, async_gather(&self->set, self->waiters, 3));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(test_ms(), 0);
    CHECK_EQ(async_result(&self->task[2]), ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(gather_of_a_cancelled_task)
{
    CHECK_EQ(crowd_run(one_cancelled), 0);
    CHECK_LOG("A(C(AxA!CxC!");
}

static ASYNC collect(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_three(self);
    self->nap[1].result = ASYNC_EIO;
    crowd_spawn(self, 3, 500, 0);
    async_cancel(&self->task[3]);
    AWAIT_VALUE(self->n, async_gather_all(&self->set, self->waiters, 4));
    CHECK_EQ(self->n, 2);
    CHECK_EQ(test_ms(), 3000);
    CHECK_EQ(async_result(&self->task[0]), 10);
    CHECK_EQ(async_result(&self->task[1]), ASYNC_EIO);
    CHECK_EQ(async_result(&self->task[2]), 30);
    CHECK_EQ(async_result(&self->task[3]), ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(gather_all_collects)
{
    CHECK_EQ(crowd_run(collect), 0);
    CHECK_LOG("A(B(C(A)B)C)");
}

/* ---- struck -------------------------------------------------------------- */

enum { GATHER, ALL, RACE };

static ASYNC gathers(struct crowd *self)
{
    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->n, self->i == GATHER
        ? async_gather(&self->set, self->other->waiters, 3)
        : self->i == ALL
        ? async_gather_all(&self->set, self->other->waiters, 3)
        : async_race(&self->set, self->other->waiters, 3));
    test_log("%s ", self->n >= 0 ? "result" : "error");
    AWAIT(async_sleep(ASYNC_MS(1)));
    test_log("never ");
    ASYNC_END;
}

static int kind;

static ASYNC strikes(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_three(self);
    self->nap[1].cleanup = 100;
    crowd_start(self, gathers)->i = kind;
    AWAIT(async_sleep(ASYNC_MS(500)));
    async_cancel(&self->other->me);
    AWAIT(async_sleep(ASYNC_MS(50)));
    async_cancel(&self->other->me);             /* it has been passed on */
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(test_ms(), 600);
    ASYNC_END;
}

TEST(gather_struck_passes_it_on_and_waits)
{
    for (kind = GATHER; kind <= RACE; kind++) {
        test_virtual_time();
        CHECK_EQ(crowd_run(strikes), 0);
        CHECK_LOG("A(B(C(AxA!BxCxC!B!");
    }
}

/* A strike that every task refuses stays with the one that was struck. */
static ASYNC refuses(struct nap *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_sleep(ASYNC_MS(1000)));
    } ASYNC_CATCH_ALL(self->outcome) {
        test_log("no ");
    } ASYNC_TRY_END;
    ASYNC_RETURN(self->result);
    ASYNC_END;
}

static ASYNC refused(struct crowd *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 3; self->i++) {
        self->waiters[self->i].task = &self->task[self->i];
        async_spawn(&self->task[self->i], refuses, &self->nap[self->i]);
    }
    crowd_start(self, gathers)->i = kind;
    AWAIT(async_sleep(ASYNC_MS(500)));
    async_cancel(&self->other->me);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(self->other->n, 0);
    CHECK_EQ(test_ms(), 500);
    ASYNC_END;
}

TEST(gather_strike_that_all_refuse_comes_next)
{
    for (kind = GATHER; kind <= RACE; kind++) {
        test_virtual_time();
        CHECK_EQ(crowd_run(refused), 0);
        CHECK_LOG("no no no result ");
    }
}

/* Struck when all have ended, but before it ran: it keeps its result. */
struct cancels { async_watch watch; async_task *task; };

static void cancel_it(async_watch *watch, async_task *task)
{
    (void)task;
    CHECK_EQ(async_cancel(((struct cancels *)(void *)watch)->task), 1);
}

static ASYNC struck_late(struct crowd *self)
{
    static struct cancels cancels;

    ASYNC_BEGIN(self);
    crowd_three(self);
    self->nap[0].result = self->e;
    crowd_start(self, gathers)->i = kind;
    AWAIT(async_yield());
    AWAIT(async_yield());
    cancels.task = &self->other->me;
    async_on_done(&self->task[kind == RACE ? 0 : 2], &cancels.watch, cancel_it);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(gather_struck_after_the_end_keeps_the_result)
{
    kind = GATHER;
    CHECK_EQ(crowd_run(struck_late), 0);
    CHECK_LOG("A(B(C(A)B)C)result ");
    kind = ALL;
    CHECK_EQ(crowd_run(struck_late), 0);
    CHECK_LOG("A(B(C(A)B)C)result ");
}

/* Struck before it waits: passed on, unless all have ended. */
static ASYNC struck_before(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_three(self);
    AWAIT(async_gather(&self->set, self->waiters, 3));
    async_cancel(async_current());
    AWAIT(async_gather(&self->set, self->waiters, 3));
    AWAIT_VALUE(self->n, async_gather_all(&self->set, self->waiters, 3));
    AWAIT_VALUE(self->n, async_race(&self->set, self->waiters, 3));
    crowd_spawn(self, 1, 1000, 0);
    ASYNC_TRY {
        AWAIT_VALUE(self->n, self->i == GATHER
            ? async_gather(&self->set, self->waiters, 3)
            : self->i == ALL
            ? async_gather_all(&self->set, self->waiters, 3)
            : async_race(&self->set, self->waiters + 1, 1));
        CHECK(false);
    } ASYNC_CATCH_ALL(self->e) {
        CHECK_EQ(self->e, ASYNC_CANCEL);
    } ASYNC_TRY_END;
    CHECK_EQ(async_result(&self->task[1]), ASYNC_ECANCELED);
    CHECK_EQ(test_ms(), 3000);
    AWAIT(async_sleep(ASYNC_MS(1)));            /* no strike is left */
    ASYNC_END;
}

static ASYNC struck_before_kind(struct crowd *self)
{
    self->i = kind;
    return struck_before(self);
}

TEST(gather_struck_before)
{
    for (kind = GATHER; kind <= RACE; kind++) {
        test_virtual_time();
        CHECK_EQ(crowd_run(struck_before_kind), 0);
        CHECK_LOG("A(B(C(A)B)C)");              /* B never began again */
    }
}

/* A deadline around it strikes it likewise, and its cleanup is awaited. */
static ASYNC limited(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_three(self);
    self->nap[2].cleanup = 100;
    AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, ASYNC_MS(1500),
                          async_gather(&self->set, self->waiters, 3)));
    CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    CHECK_EQ(test_ms(), 1600);
    CHECK_EQ(async_result(&self->task[0]), 10);
    CHECK_EQ(async_result(&self->task[1]), ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(gather_with_a_limit_of_time)
{
    CHECK_EQ(crowd_run(limited), 0);
    CHECK_LOG("A(B(C(A)BxB!CxC!");
}

/* A second strike, while the cleanups of the first are awaited: a deadline
 * has passed, and then somebody cancels. It interrupts the cleanups. */
static ASYNC gathers_for_a_time(struct crowd *self)
{
    ASYNC_BEGIN(self);
    AWAIT(ASYNC_TIMEOUT(&self->scope, ASYNC_MS(100),
          async_gather(&self->set, self->other->waiters, 3)));
    ASYNC_END;
}

static ASYNC strikes_again(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_three(self);
    self->nap[0].cleanup = self->nap[1].cleanup = self->nap[2].cleanup = 1000;
    crowd_start(self, gathers_for_a_time);
    AWAIT(async_sleep(ASYNC_MS(200)));
    async_cancel(&self->other->me);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(test_ms(), 200);
    ASYNC_END;
}

TEST(gather_struck_twice_interrupts_cleanups)
{
    CHECK_EQ(crowd_run(strikes_again), 0);
    CHECK_LOG("A(B(C(AxBxCx");
}

/* What is left when the loop ends is struck once: a gather and its tasks, in
 * whatever order they come. */
static ASYNC waits_for_event(struct crowd *self)
{
    ASYNC_BEGIN(self);
    if (self->n != 0) {
        AWAIT(async_sleep((async_duration)ASYNC_MS(self->n)));
    }
    ASYNC_TRY {
        AWAIT(async_future_wait(&self->other->future));
    } ASYNC_FINALLY(self->outcome) {
        test_log("cleaning ");
        AWAIT(async_sleep(ASYNC_MS(10)));
        test_log("clean ");
    } ASYNC_TRY_END;
    ASYNC_END;
}

static struct crowd left, left_child;

static ASYNC gathers_left(struct crowd *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT_RESULT(self->e, async_gather(&self->set, self->waiters, 1));
        CHECK(false);
        AWAIT(async_yield());
    }
    ASYNC_END;
}

static int child_first;

static ASYNC leaves(struct crowd *self)
{
    ASYNC_BEGIN(self);
    memset(&left, 0, sizeof left);
    memset(&left_child, 0, sizeof left_child);
    left_child.other = &left;
    left_child.n = child_first ? 0 : 10;       /* who parks first */
    left.waiters[0].task = &left_child.me;
    async_spawn(&left_child.me, waits_for_event, &left_child);
    async_spawn(&left.me, gathers_left, &left);
    AWAIT(async_sleep(ASYNC_MS(100)));
    ASYNC_END;
}

TEST(gather_left_to_the_end_of_the_loop)
{
    for (child_first = 0; child_first < 2; child_first++) {
        CHECK_EQ(crowd_run(leaves), 0);
        CHECK_LOG("cleaning clean ");
        CHECK_EQ(async_result(&left.me), ASYNC_ECANCELED);
        CHECK_EQ(async_result(&left_child.me), ASYNC_ECANCELED);
    }
}

/* ---- race ---------------------------------------------------------------- */

static ASYNC race(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 2000, 10);
    crowd_spawn(self, 1, 1000, 20);
    crowd_spawn(self, 2, 3000, ASYNC_EIO);
    self->nap[0].cleanup = 100;
    AWAIT_VALUE(self->n, async_race(&self->set, self->waiters, 3));
    CHECK_EQ(self->n, 1);
    CHECK_EQ(async_result(&self->task[1]), 20);
    CHECK_EQ(async_result(&self->task[0]), ASYNC_ECANCELED);
    CHECK_EQ(test_ms(), 1100);
    AWAIT_VALUE(self->n, async_race(&self->set, self->waiters + 1, 1));
    CHECK_EQ(self->n, 0);
    CHECK_EQ(test_ms(), 1100);
    ASYNC_END;
}

TEST(race_cancels_and_awaits_the_losers)
{
    CHECK_EQ(crowd_run(race), 0);
    CHECK_LOG("A(B(C(B)AxCxC!A!");
}

static ASYNC race_fails(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_three(self);
    self->nap[0].result = ASYNC_EIO;
    AWAIT_RESULT(self->e, async_race(&self->set, self->waiters, 3));
    CHECK_EQ(self->e, ASYNC_EIO);
    CHECK_EQ(test_ms(), 1000);
    ASYNC_END;
}

TEST(race_first_to_end_fails)
{
    CHECK_EQ(crowd_run(race_fails), 0);
    CHECK_LOG("A(B(C(A)BxB!CxC!");
}

/* A loser that fails in the end, or together with the winner, does not count;
 * nor does one that has won as well. */
static ASYNC race_together(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 1000, ASYNC_EIO);
    crowd_spawn(self, 1, 500, 20);
    crowd_spawn(self, 2, 500, ASYNC_EIO);
    AWAIT_VALUE(self->n, async_race(&self->set, self->waiters, 3));
    CHECK_EQ(self->n, 1);
    CHECK_EQ(async_result(&self->task[2]), ASYNC_EIO);
    AWAIT_RESULT(self->e, async_race(&self->set, self->waiters, 3));
    CHECK_EQ(self->e, ASYNC_ECANCELED);         /* all done: by position */
    AWAIT_RESULT(self->e, async_race(&self->set, self->waiters + 1, 2));
    CHECK_EQ(self->e, 0);
    ASYNC_END;
}

TEST(race_only_the_first_counts)
{
    CHECK_EQ(crowd_run(race_together), 0);
}

/* ---- what it is told wrong ----------------------------------------------- */

static ASYNC wrong(struct crowd *self)
{
    ASYNC_BEGIN(self);
    crowd_spawn(self, 0, 1000, 0);
    AWAIT_RESULT(self->e, async_gather(NULL, self->waiters, 1));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_gather(&self->set, NULL, 1));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_gather(&self->set, self->waiters, -1));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_gather(&self->set, self->waiters, 2));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_gather_all(NULL, self->waiters, 1));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_gather_all(&self->set, self->waiters, -1));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_race(&self->set, self->waiters, 0));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_race(NULL, self->waiters, 1));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    self->waiters[1].task = async_current();
    AWAIT_RESULT(self->e, async_gather(&self->set, self->waiters, 2));
    CHECK_EQ(self->e, ASYNC_EDEADLK);
    AWAIT_RESULT(self->e, async_race(&self->set, self->waiters, 2));
    CHECK_EQ(self->e, ASYNC_EDEADLK);
    CHECK_EQ(test_ms(), 0);
    AWAIT(async_gather(&self->set, self->waiters, 1));
    CHECK_EQ(test_ms(), 1000);
    ASYNC_END;
}

TEST(gather_bad_input)
{
    CHECK_EQ(crowd_run(wrong), 0);
    CHECK_LOG("A(A)");
}

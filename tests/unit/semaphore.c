/* Semaphores: permits taken and given back, none lost, none invented. */
#include "actors.h"

static ASYNC basics(struct stage *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_semaphore_open(&self->semaphore, 2), 0);
    CHECK_EQ(async_semaphore_value(&self->semaphore), 2);
    AWAIT_VALUE(self->n, async_semaphore_acquire(&self->semaphore));
    CHECK_EQ(self->n, 0);
    CHECK_EQ(async_semaphore_value(&self->semaphore), 1);
    CHECK_EQ(async_semaphore_try(&self->semaphore), 0);
    CHECK_EQ(async_semaphore_value(&self->semaphore), 0);
    CHECK_EQ(async_semaphore_try(&self->semaphore), ASYNC_EAGAIN);
    CHECK_EQ(async_semaphore_release(&self->semaphore), 0);
    CHECK_EQ(async_semaphore_value(&self->semaphore), 1);
    CHECK_EQ(async_semaphore_release(&self->semaphore), 0);
    CHECK_EQ(async_semaphore_release(&self->semaphore), 0);
    CHECK_EQ(async_semaphore_value(&self->semaphore), 3);
    CHECK_EQ(test_idles(), 0);
    ASYNC_END;
}

TEST(semaphore_acquire_try_release)
{
    play(basics, 0);
}

static ASYNC bad(struct stage *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_semaphore_open(NULL, 1), ASYNC_EINVAL);
    CHECK_EQ(async_semaphore_open(&self->semaphore, -1), ASYNC_EINVAL);
    CHECK_EQ(async_semaphore_open_bounded(NULL, 1), ASYNC_EINVAL);
    CHECK_EQ(async_semaphore_open_bounded(&self->semaphore, -1), ASYNC_EINVAL);
    CHECK_EQ(async_semaphore_try(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_semaphore_release(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_semaphore_value(NULL), ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_semaphore_acquire(NULL));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    ASYNC_END;
}

TEST(semaphore_bad_arguments)
{
    play(bad, 0);
}

/* Zeroed memory is one without a permit. */
static ASYNC zeroed(struct stage *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_semaphore_value(&self->semaphore), 0);
    act(self, 'A', op_semaphore, &self->semaphore);
    AWAIT(async_yield());
    CHECK_LOG("");
    CHECK_EQ(async_semaphore_release(&self->semaphore), 0);
    CHECK_EQ(async_semaphore_value(&self->semaphore), 0);   /* it is A's */
    AWAIT(async_yield());
    CHECK_LOG("A0 ");
    ASYNC_END;
}

TEST(semaphore_zeroed)
{
    play(zeroed, 0);
}

static ASYNC bounded(struct stage *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_semaphore_open_bounded(&self->semaphore, 2), 0);
    CHECK_EQ(async_semaphore_release(&self->semaphore), ASYNC_EOVERFLOW);
    CHECK_EQ(async_semaphore_value(&self->semaphore), 2);
    AWAIT(async_semaphore_acquire(&self->semaphore));
    AWAIT(async_semaphore_acquire(&self->semaphore));
    act(self, 'A', op_semaphore, &self->semaphore);
    AWAIT(async_yield());
    CHECK_EQ(async_semaphore_release(&self->semaphore), 0);
    CHECK_EQ(async_semaphore_release(&self->semaphore), 0);
    CHECK_EQ(async_semaphore_value(&self->semaphore), 1);
    AWAIT(async_yield());
    CHECK_LOG("A0 ");
    CHECK_EQ(async_semaphore_release(&self->semaphore), 0);     /* A's */
    CHECK_EQ(async_semaphore_release(&self->semaphore), ASYNC_EOVERFLOW);
    CHECK_EQ(async_semaphore_value(&self->semaphore), 2);

    CHECK_EQ(async_semaphore_open_bounded(&self->semaphore, 0), 0);
    CHECK_EQ(async_semaphore_release(&self->semaphore), ASYNC_EOVERFLOW);
    CHECK_EQ(async_semaphore_open(&self->semaphore, INT_MAX), 0);
    CHECK_EQ(async_semaphore_release(&self->semaphore), ASYNC_EOVERFLOW);
    CHECK_EQ(async_semaphore_value(&self->semaphore), INT_MAX);
    ASYNC_END;
}

TEST(semaphore_bounded)
{
    play(bounded, 0);
}

/* Two at a time, in the order in which they came. */
static ASYNC in_turn(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_semaphore_open(&self->semaphore, 2);
    act_permit(self, 'A', 10);
    act_permit(self, 'B', 10);
    act_permit(self, 'C', 10);
    act_permit(self, 'D', 10);
    act_permit(self, 'E', 10);
    AWAIT(async_yield());
    CHECK_LOG("A0 B0 ");
    AWAIT(async_join(task_of(self, 'E')));
    CHECK_LOG("A- B- C0 D0 C- D- E0 E- ");
    CHECK_EQ(test_ms(), 30);
    CHECK_EQ(async_semaphore_value(&self->semaphore), 2);
    ASYNC_END;
}

TEST(semaphore_in_turn)
{
    play(in_turn, 0);
}

/* A permit that was given to a waiter is not there for a newcomer. */
static ASYNC handed_over(struct stage *self)
{
    ASYNC_BEGIN(self);
    act_permit(self, 'A', 0);
    act_permit(self, 'B', 0);
    AWAIT(async_yield());
    CHECK_EQ(async_semaphore_release(&self->semaphore), 0);
    CHECK_EQ(async_semaphore_try(&self->semaphore), ASYNC_EAGAIN);
    AWAIT(async_semaphore_acquire(&self->semaphore));
    test_log("main ");
    ASYNC_END;
}

TEST(semaphore_permits_are_handed_over)
{
    play(handed_over, 0);
    CHECK_LOG("A0 A- B0 B- main ");
}

static ASYNC cancel_before(struct stage *self)
{
    ASYNC_BEGIN(self);
    act_permit(self, 'A', 0);
    act_permit(self, 'B', 0);
    act_permit(self, 'C', 0);
    AWAIT(async_yield());
    async_cancel(task_of(self, 'A'));
    async_cancel(task_of(self, 'B'));
    AWAIT(async_yield());
    CHECK_LOG("Ax Bx ");
    async_semaphore_release(&self->semaphore);
    AWAIT(async_join(task_of(self, 'C')));
    CHECK_LOG("C0 C- ");
    CHECK_EQ(async_semaphore_value(&self->semaphore), 1);
    ASYNC_END;
}

TEST(semaphore_cancel_before_the_wake)
{
    play(cancel_before, 0);
}

static ASYNC cancel_at(struct stage *self)
{
    ASYNC_BEGIN(self);
    act_permit(self, 'A', 10);
    act_permit(self, 'B', 10);
    AWAIT(async_yield());
    async_cancel(task_of(self, 'A'));
    async_semaphore_release(&self->semaphore);
    AWAIT(async_join(task_of(self, 'B')));
    CHECK_LOG("Ax B0 B- ");
    CHECK_EQ(async_semaphore_value(&self->semaphore), 1);

    async_semaphore_open(&self->semaphore, 0);      /* and alone */
    act_permit(self, 'A', 1000);
    AWAIT(async_yield());
    async_cancel(task_of(self, 'A'));
    async_semaphore_release(&self->semaphore);
    AWAIT_RESULT(self->e, async_join(task_of(self, 'A')));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_LOG("A0 A- ");
    CHECK_EQ(test_ms(), 10);
    CHECK_EQ(async_semaphore_value(&self->semaphore), 1);
    ASYNC_END;
}

TEST(semaphore_cancel_then_release)
{
    play(cancel_at, 0);
}

/* The permit of one that was struck after its grant is given back by its
 * cleanup, and reaches the next. */
static ASYNC cancel_after(struct stage *self)
{
    ASYNC_BEGIN(self);
    act_permit(self, 'A', 1000);
    act_permit(self, 'B', 10);
    AWAIT(async_yield());
    async_semaphore_release(&self->semaphore);
    async_cancel(task_of(self, 'A'));
    AWAIT(async_join(task_of(self, 'B')));
    CHECK_LOG("A0 A- B0 B- ");
    CHECK_EQ(test_ms(), 10);
    CHECK_EQ(async_semaphore_value(&self->semaphore), 1);
    ASYNC_END;
}

TEST(semaphore_cancel_after_the_grant)
{
    play(cancel_after, 0);
}

static ASYNC limits(struct stage *self)
{
    ASYNC_BEGIN(self);
    act_permit(self, 'A', 10)->limit = 10;
    act_permit(self, 'B', 10)->limit = 50;
    act_permit(self, 'C', 10)->limit = -1;
    act_permit(self, 'D', 10)->limit = 25;
    AWAIT(async_sleep(ASYNC_MS(20)));
    CHECK_LOG("Ct At ");
    async_semaphore_release(&self->semaphore);
    AWAIT(async_join(task_of(self, 'B')));
    CHECK_LOG("B0 Dt B- ");
    CHECK_EQ(async_semaphore_value(&self->semaphore), 1);
    act_permit(self, 'E', 0)->limit = -1;
    AWAIT(async_join(task_of(self, 'E')));
    CHECK_LOG("E0 E- ");

    async_semaphore_open(&self->semaphore, 0);
    act_permit(self, 'A', 20)->limit = 10;
    act_permit(self, 'B', 20)->limit = 10;
    AWAIT(async_yield());
    test_busy(ASYNC_MS(15));
    async_semaphore_release(&self->semaphore);  /* before the deadline fires */
    AWAIT(async_join(task_of(self, 'A')));
    CHECK_LOG("A0 Bt A- ");
    CHECK_EQ(async_semaphore_value(&self->semaphore), 1);
    ASYNC_END;
}

TEST(semaphore_with_a_limit)
{
    play(limits, 0);
}

static struct stage *called;

static void on_end(async_watch *watch, async_task *task)
{
    (void)watch;
    (void)task;
    CHECK_EQ(async_semaphore_release(&called->semaphore), 0);
}

static ASYNC from_callback(struct stage *self)
{
    ASYNC_BEGIN(self);
    called = self;
    act_lock(self, 'A', 10);
    async_on_done(task_of(self, 'A'), &self->watch, on_end);
    AWAIT(async_semaphore_acquire(&self->semaphore));
    CHECK_EQ(test_ms(), 10);
    ASYNC_END;
}

TEST(semaphore_released_by_a_callback)
{
    play(from_callback, 0);
}

static ASYNC leaves_waiters(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_semaphore_open(&self->semaphore, 1);
    act_permit(self, 'A', 1000);
    act_permit(self, 'B', 1000);
    AWAIT(async_yield());
    ASYNC_END;
}

TEST(semaphore_waiters_left_at_the_end)
{
    struct stage *stage = play(leaves_waiters, 0);

    CHECK_LOG("A0 Bx A- ");
    CHECK_EQ(async_semaphore_value(&stage->semaphore), 1);
}

/* Who has its permit no longer looks at the semaphore: its memory may go. */
static ASYNC goes(struct stage *self)
{
    ASYNC_BEGIN(self);
    act(self, 'A', op_semaphore, &self->semaphore);
    AWAIT(async_yield());
    async_semaphore_release(&self->semaphore);
    memset(&self->semaphore, 0xa5, sizeof self->semaphore);
    AWAIT(async_yield());
    CHECK_LOG("A0 ");
    ASYNC_END;
}

TEST(semaphore_without_waiters_may_go)
{
    play(goes, 0);
}

/* Events: set, cleared, waited for. */
#include "actors.h"

static ASYNC basics(struct stage *self)
{
    ASYNC_BEGIN(self);
    CHECK(!async_event_is_set(&self->event));
    CHECK_EQ(async_event_set(&self->event), 0);
    CHECK_EQ(async_event_set(&self->event), 0);
    CHECK(async_event_is_set(&self->event));
    AWAIT_VALUE(self->n, async_event_wait(&self->event));
    CHECK_EQ(self->n, 0);
    CHECK_EQ(async_event_clear(&self->event), 0);
    CHECK_EQ(async_event_clear(&self->event), 0);
    CHECK(!async_event_is_set(&self->event));
    CHECK_EQ(test_idles(), 0);
    ASYNC_END;
}

TEST(event_set_clear_is_set)
{
    play(basics, 0);
}

static ASYNC bad(struct stage *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_event_set(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_event_clear(NULL), ASYNC_EINVAL);
    CHECK(!async_event_is_set(NULL));
    AWAIT_RESULT(self->e, async_event_wait(NULL));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    ASYNC_END;
}

TEST(event_null)
{
    play(bad, 0);
}

/* All are woken, in the order in which they came; one that comes after the set
 * does not wait, but its turn is before theirs if it was ready before. */
static ASYNC wakes(struct stage *self)
{
    ASYNC_BEGIN(self);
    act(self, 'A', op_event, &self->event);
    act(self, 'B', op_event, &self->event);
    act(self, 'C', op_event, &self->event);
    AWAIT(async_yield());
    CHECK_LOG("");
    CHECK_EQ(async_event_set(&self->event), 0);
    CHECK_LOG("");                      /* nobody runs inside of the call */
    AWAIT(async_yield());
    CHECK_LOG("A0 B0 C0 ");
    act(self, 'D', op_event, &self->event);
    AWAIT(async_yield());
    CHECK_LOG("D0 ");
    ASYNC_END;
}

TEST(event_wakes_all_in_order)
{
    play(wakes, 0);
}

static ASYNC cleared(struct stage *self)
{
    ASYNC_BEGIN(self);
    act(self, 'A', op_event, &self->event);
    AWAIT(async_yield());
    async_event_set(&self->event);
    async_event_clear(&self->event);
    act(self, 'B', op_event, &self->event);
    AWAIT(async_yield());
    CHECK_LOG("A0 ");                   /* B waits for the next set */
    async_event_set(&self->event);
    AWAIT(async_yield());
    CHECK_LOG("B0 ");
    ASYNC_END;
}

TEST(event_cleared_before_the_turn_of_the_woken)
{
    play(cleared, 0);
}

/* Before the wake: it leaves, and the others are woken all the same. */
static ASYNC cancel_before(struct stage *self)
{
    ASYNC_BEGIN(self);
    act(self, 'A', op_event, &self->event);
    act(self, 'B', op_event, &self->event);
    act(self, 'C', op_event, &self->event);
    AWAIT(async_yield());
    async_cancel(task_of(self, 'B'));
    AWAIT(async_yield());
    CHECK_LOG("Bx ");
    CHECK_EQ(async_result(task_of(self, 'B')), ASYNC_ECANCELED);
    async_event_set(&self->event);
    AWAIT(async_yield());
    CHECK_LOG("A0 C0 ");
    ASYNC_END;
}

TEST(event_cancel_before_the_wake)
{
    play(cancel_before, 0);
}

/* In the same turn as the wake, in either order: it is set, so the wait is over
 * and the strike is for the next await. */
static ASYNC cancel_at(struct stage *self)
{
    ASYNC_BEGIN(self);
    act(self, 'A', op_event, &self->event);
    act(self, 'B', op_event, &self->event);
    act(self, 'C', op_event, &self->event);
    AWAIT(async_yield());
    async_cancel(task_of(self, 'A'));
    async_event_set(&self->event);
    async_cancel(task_of(self, 'B'));
    AWAIT(async_yield());
    CHECK_LOG("A0 B0 C0 ");
    CHECK_EQ(async_result(task_of(self, 'A')), 0);
    ASYNC_END;
}

TEST(event_cancel_at_the_wake)
{
    play(cancel_at, 0);
}

/* Struck, and set and cleared meanwhile: nothing was granted to it. */
static ASYNC cancel_missed(struct stage *self)
{
    ASYNC_BEGIN(self);
    act(self, 'A', op_event, &self->event);
    act(self, 'B', op_event, &self->event);
    AWAIT(async_yield());
    async_cancel(task_of(self, 'A'));
    async_event_set(&self->event);
    async_event_clear(&self->event);
    AWAIT(async_yield());
    CHECK_LOG("Ax B0 ");
    ASYNC_END;
}

TEST(event_cancel_then_set_and_cleared)
{
    play(cancel_missed, 0);
}

/* After the wake: the task has gone on, and its next await is struck. */
static ASYNC then_sleeps(struct stage *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_event_wait(&self->event));
    test_log("through ");
    AWAIT(async_sleep(ASYNC_SEC(1)));
    test_log("never ");
    ASYNC_END;
}

static ASYNC cancel_after(struct stage *self)
{
    static struct stage other;
    static async_task task;

    ASYNC_BEGIN(self);
    memset(&other, 0, sizeof other);
    memset(&task, 0, sizeof task);
    async_spawn(&task, then_sleeps, &other);
    AWAIT(async_yield());
    async_event_set(&other.event);
    AWAIT(async_yield());
    async_cancel(&task);
    AWAIT_RESULT(self->e, async_join(&task));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(test_ms(), 0);

    memset(&other, 0, sizeof other);            /* struck while granted */
    async_spawn(&task, then_sleeps, &other);
    AWAIT(async_yield());
    async_event_set(&other.event);
    async_cancel(&task);
    AWAIT_RESULT(self->e, async_join(&task));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(test_ms(), 0);
    ASYNC_END;
}

TEST(event_cancel_after_the_wake)
{
    play(cancel_after, 0);
    CHECK_LOG("through through ");
}

static ASYNC limits(struct stage *self)
{
    ASYNC_BEGIN(self);
    act(self, 'A', op_event, &self->event)->limit = 10;
    act(self, 'B', op_event, &self->event)->limit = 30;
    act(self, 'C', op_event, &self->event)->limit = -1;
    act(self, 'D', op_event, &self->event);
    AWAIT(async_yield());
    CHECK_LOG("Ct ");
    AWAIT(async_sleep(ASYNC_MS(20)));
    CHECK_LOG("At ");
    async_event_set(&self->event);
    AWAIT(async_yield());
    CHECK_LOG("B0 D0 ");
    act(self, 'E', op_event, &self->event)->limit = -1;
    AWAIT(async_yield());
    CHECK_LOG("E0 ");                   /* a poll that need not wait */
    CHECK_EQ(async_timeout_expired(&self->actor[0].scope), true);
    CHECK_EQ(async_timeout_expired(&self->actor[1].scope), false);
    ASYNC_END;
}

TEST(event_with_a_limit)
{
    play(limits, 0);
}

/* The deadline and the set in one turn: what is there in time is kept. */
static ASYNC limit_at_set(struct stage *self)
{
    ASYNC_BEGIN(self);
    act(self, 'A', op_event, &self->event)->limit = 10;
    AWAIT(async_sleep(ASYNC_MS(10)));
    async_event_set(&self->event);
    AWAIT(async_join(task_of(self, 'A')));
    CHECK_EQ(test_ms(), 10);
    ASYNC_END;
}

TEST(event_set_with_the_deadline)
{
    play(limit_at_set, 0);
    CHECK_LOG("A0 ");
}

static struct stage *called;

static void on_end(async_watch *watch, async_task *task)
{
    (void)watch;
    (void)task;
    CHECK_EQ(async_event_set(&called->event), 0);
}

static ASYNC from_callback(struct stage *self)
{
    ASYNC_BEGIN(self);
    called = self;
    act_lock(self, 'A', 10);
    CHECK_EQ(async_on_done(task_of(self, 'A'), &self->watch, on_end), 0);
    AWAIT(async_event_wait(&self->event));
    CHECK_EQ(test_ms(), 10);
    ASYNC_END;
}

TEST(event_set_by_a_callback)
{
    play(from_callback, 0);
    CHECK_LOG("A0 A- ");
}

/* Nobody will set it: main's wait is a deadlock, and other waiters are
 * cancelled when main ends. */
static ASYNC forever(struct stage *self)
{
    ASYNC_BEGIN(self);
    act(self, 'A', op_event, &self->event);
    AWAIT(async_yield());
    AWAIT(async_event_wait(&self->event));
    ASYNC_END;
}

TEST(event_that_nobody_sets)
{
    play(forever, ASYNC_EDEADLK);
    CHECK_LOG("Ax ");
}

static ASYNC leaves_waiters(struct stage *self)
{
    ASYNC_BEGIN(self);
    act(self, 'A', op_event, &self->event);
    act(self, 'B', op_event, &self->event);
    AWAIT(async_yield());
    ASYNC_END;
}

TEST(event_waiters_left_at_the_end)
{
    struct stage *stage = play(leaves_waiters, 0);

    CHECK_LOG("Ax Bx ");
    CHECK(stage->event.waiters.tail == NULL);
}

/* Who was woken no longer looks at the event: its memory may go. */
static ASYNC goes(struct stage *self)
{
    ASYNC_BEGIN(self);
    act(self, 'A', op_event, &self->event);
    act(self, 'B', op_event, &self->event);
    AWAIT(async_yield());
    async_event_set(&self->event);
    async_cancel(task_of(self, 'B'));
    memset(&self->event, 0xa5, sizeof self->event);
    AWAIT(async_yield());
    CHECK_LOG("A0 B0 ");
    ASYNC_END;
}

TEST(event_that_is_set_may_go)
{
    play(goes, 0);
}

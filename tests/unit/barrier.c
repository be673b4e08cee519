/* Barriers: complete, again, cancelled, reset, broken. */
#include "actors.h"

static struct actor *arrive(struct stage *self, char name)
{
    return act(self, name, op_barrier, &self->barrier);
}

static ASYNC bad(struct stage *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_barrier_open(NULL, 3), ASYNC_EINVAL);
    CHECK_EQ(async_barrier_open(&self->barrier, 0), ASYNC_EINVAL);
    CHECK_EQ(async_barrier_open(&self->barrier, -4), ASYNC_EINVAL);
    CHECK_EQ(async_barrier_reset(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_barrier_abort(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_barrier_parties(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_barrier_waiting(NULL), ASYNC_EINVAL);
    CHECK(!async_barrier_broken(NULL));
    AWAIT_RESULT(self->e, async_barrier_wait(NULL));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_barrier_wait(&self->barrier));
    CHECK_EQ(self->e, ASYNC_EINVAL);            /* zeroed: not opened */
    CHECK_EQ(async_barrier_reset(&self->barrier), ASYNC_EINVAL);
    CHECK_EQ(async_barrier_abort(&self->barrier), ASYNC_EINVAL);
    CHECK(!async_barrier_broken(&self->barrier));
    CHECK_EQ(async_barrier_parties(&self->barrier), ASYNC_EINVAL);
    CHECK_EQ(async_barrier_waiting(&self->barrier), ASYNC_EINVAL);
    CHECK_STR(async_strerror(ASYNC_EBROKEN), "broken barrier");
    ASYNC_END;
}

TEST(barrier_bad_arguments)
{
    play(bad, 0);
}

/* The last one goes on at once, the others in the order in which they came,
 * each with its number; and the same barrier again. */
static ASYNC rounds(struct stage *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_barrier_open(&self->barrier, 3), 0);
    CHECK_EQ(async_barrier_parties(&self->barrier), 3);
    for (self->i = 0; self->i < 3; self->i++) {
        arrive(self, 'A');
        AWAIT(async_yield());
        CHECK_EQ(async_barrier_waiting(&self->barrier), 1);
        arrive(self, 'B');
        AWAIT(async_yield());
        CHECK_EQ(async_barrier_waiting(&self->barrier), 2);
        CHECK_LOG("");
        arrive(self, 'C');
        AWAIT(async_yield());
        CHECK_EQ(async_barrier_waiting(&self->barrier), 0);
        AWAIT(async_yield());
        CHECK_LOG("C2 A0 B1 ");
    }
    CHECK(!async_barrier_broken(&self->barrier));
    ASYNC_END;
}

TEST(barrier_rounds)
{
    play(rounds, 0);
}

static ASYNC alone(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_barrier_open(&self->barrier, 1);
    AWAIT_VALUE(self->n, async_barrier_wait(&self->barrier));
    CHECK_EQ(self->n, 0);
    AWAIT_VALUE(self->n, async_barrier_wait(&self->barrier));
    CHECK_EQ(self->n, 0);
    CHECK_EQ(test_idles(), 0);
    ASYNC_END;
}

TEST(barrier_for_one)
{
    play(alone, 0);
}

/* Who comes after the last one, but before the turn of those let through, is
 * the first of the next round. */
static ASYNC next_round(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_barrier_open(&self->barrier, 2);
    arrive(self, 'A');
    arrive(self, 'B');
    arrive(self, 'C');
    AWAIT(async_yield());
    CHECK_LOG("B1 ");
    CHECK_EQ(async_barrier_waiting(&self->barrier), 1);
    AWAIT(async_yield());
    CHECK_LOG("A0 ");
    AWAIT_VALUE(self->n, async_barrier_wait(&self->barrier));
    CHECK_EQ(self->n, 1);
    AWAIT(async_join(task_of(self, 'C')));
    CHECK_LOG("C0 ");
    ASYNC_END;
}

TEST(barrier_next_round)
{
    play(next_round, 0);
}

static ASYNC cancel_before(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_barrier_open(&self->barrier, 3);
    arrive(self, 'A');
    arrive(self, 'B');
    AWAIT(async_yield());
    async_cancel(task_of(self, 'A'));
    CHECK_EQ(async_barrier_waiting(&self->barrier), 1);
    AWAIT(async_yield());
    CHECK_LOG("Ax ");
    CHECK_EQ(async_barrier_waiting(&self->barrier), 1);
    CHECK(!async_barrier_broken(&self->barrier));
    arrive(self, 'C');
    AWAIT(async_yield());
    CHECK_LOG("");
    arrive(self, 'D');
    AWAIT(async_join(task_of(self, 'C')));
    CHECK_LOG("D2 B0 C1 ");
    ASYNC_END;
}

TEST(barrier_cancel_before_the_wake)
{
    play(cancel_before, 0);
}

/* A is struck, and the last one comes before its turn: without A they are too
 * few. But with that one A's own wait can complete, when its turn comes. */
static ASYNC cancel_at(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_barrier_open(&self->barrier, 3);
    arrive(self, 'A');
    arrive(self, 'B');
    AWAIT(async_yield());
    arrive(self, 'C');
    async_cancel(task_of(self, 'A'));           /* C is before A in the queue */
    AWAIT(async_yield());
    AWAIT(async_yield());
    CHECK_LOG("A2 B0 C1 ");
    CHECK_EQ(async_result(task_of(self, 'A')), 2);

    act(self, 'A', op_barrier, &self->barrier);
    AWAIT(async_yield());
    async_cancel(task_of(self, 'A'));           /* A is before B */
    arrive(self, 'B');
    arrive(self, 'C');
    AWAIT(async_yield());
    CHECK_LOG("Ax ");
    CHECK_EQ(async_barrier_waiting(&self->barrier), 2);
    arrive(self, 'D');
    AWAIT(async_join(task_of(self, 'C')));
    CHECK_LOG("D2 B0 C1 ");
    ASYNC_END;
}

TEST(barrier_cancel_at_the_wake)
{
    play(cancel_at, 0);
}

/* Let through, then struck before its turn: it is through. */
static ASYNC cancel_after(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_barrier_open(&self->barrier, 2);
    arrive(self, 'A');
    AWAIT(async_yield());
    AWAIT_VALUE(self->n, async_barrier_wait(&self->barrier));
    CHECK_EQ(self->n, 1);
    async_cancel(task_of(self, 'A'));
    AWAIT(async_join(task_of(self, 'A')));
    CHECK_LOG("A0 ");
    ASYNC_END;
}

TEST(barrier_cancel_after_the_wake)
{
    play(cancel_after, 0);
}

static ASYNC limits(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_barrier_open(&self->barrier, 4);
    arrive(self, 'A')->limit = 10;
    arrive(self, 'B')->limit = 50;
    arrive(self, 'C')->limit = -1;
    AWAIT(async_sleep(ASYNC_MS(20)));
    CHECK_LOG("Ct At ");
    arrive(self, 'D');
    arrive(self, 'E');
    arrive(self, 'F')->limit = -1;              /* the last need not wait */
    AWAIT(async_join(task_of(self, 'E')));
    CHECK_LOG("F3 B0 D1 E2 ");
    ASYNC_END;
}

TEST(barrier_with_a_limit)
{
    play(limits, 0);
}

static ASYNC resets(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_barrier_open(&self->barrier, 3);
    CHECK_EQ(async_barrier_reset(&self->barrier), 0);
    arrive(self, 'A');
    arrive(self, 'B');
    AWAIT(async_yield());
    CHECK_EQ(async_barrier_reset(&self->barrier), 0);
    CHECK_EQ(async_barrier_waiting(&self->barrier), 0);
    CHECK(!async_barrier_broken(&self->barrier));
    arrive(self, 'C');
    AWAIT(async_yield());
    CHECK_LOG("Ae Be ");
    CHECK_EQ(async_result(task_of(self, 'A')), ASYNC_EBROKEN);
    CHECK_EQ(async_barrier_waiting(&self->barrier), 1);
    arrive(self, 'D');
    arrive(self, 'E');
    AWAIT(async_join(task_of(self, 'D')));
    CHECK_LOG("E2 C0 D1 ");
    ASYNC_END;
}

TEST(barrier_reset)
{
    play(resets, 0);
}

/* Who was let through before is not touched. */
static ASYNC resets_after(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_barrier_open(&self->barrier, 2);
    arrive(self, 'A');
    AWAIT(async_yield());
    AWAIT(async_barrier_wait(&self->barrier));
    CHECK_EQ(async_barrier_abort(&self->barrier), 0);
    AWAIT(async_join(task_of(self, 'A')));
    CHECK_LOG("A0 ");
    ASYNC_END;
}

TEST(barrier_abort_after_the_wake)
{
    play(resets_after, 0);
}

static ASYNC aborts(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_barrier_open(&self->barrier, 3);
    arrive(self, 'A');
    arrive(self, 'B');
    AWAIT(async_yield());
    CHECK_EQ(async_barrier_abort(&self->barrier), 0);
    CHECK_EQ(async_barrier_abort(&self->barrier), 0);
    CHECK(async_barrier_broken(&self->barrier));
    arrive(self, 'C');
    AWAIT(async_yield());
    CHECK_LOG("Ae Be Ce ");
    CHECK_EQ(async_result(task_of(self, 'C')), ASYNC_EBROKEN);
    CHECK_EQ(async_barrier_waiting(&self->barrier), 0);
    CHECK_EQ(async_barrier_reset(&self->barrier), 0);
    CHECK(!async_barrier_broken(&self->barrier));
    arrive(self, 'A');
    arrive(self, 'B');
    arrive(self, 'C');
    AWAIT(async_join(task_of(self, 'B')));
    CHECK_LOG("C2 A0 B1 ");
    ASYNC_END;
}

TEST(barrier_abort_and_reset)
{
    play(aborts, 0);
}

/* Struck, then reset or aborted before its turn; the count stays right. */
static ASYNC cancel_and_reset(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_barrier_open(&self->barrier, 3);
    arrive(self, 'A');
    arrive(self, 'B');
    AWAIT(async_yield());
    async_cancel(task_of(self, 'A'));
    async_barrier_reset(&self->barrier);
    AWAIT(async_yield());
    CHECK_LOG("Ax Be ");
    arrive(self, 'A');
    AWAIT(async_yield());
    async_cancel(task_of(self, 'A'));
    async_barrier_abort(&self->barrier);
    AWAIT(async_yield());
    CHECK_LOG("Ae ");                   /* broken: so much it can say at once */
    async_barrier_reset(&self->barrier);
    CHECK_EQ(self->barrier.arrived, 0);
    arrive(self, 'A');
    arrive(self, 'B');
    AWAIT(async_yield());
    CHECK_LOG("");
    arrive(self, 'C');
    AWAIT(async_join(task_of(self, 'B')));
    CHECK_LOG("C2 A0 B1 ");
    ASYNC_END;
}

TEST(barrier_cancel_then_reset)
{
    play(cancel_and_reset, 0);
}

static ASYNC leaves_waiters(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_barrier_open(&self->barrier, 3);
    arrive(self, 'A');
    arrive(self, 'B');
    AWAIT(async_yield());
    ASYNC_END;
}

TEST(barrier_waiters_left_at_the_end)
{
    struct stage *stage = play(leaves_waiters, 0);

    CHECK_LOG("Ax Bx ");
    CHECK_EQ(async_barrier_waiting(&stage->barrier), 0);
    CHECK_EQ(stage->barrier.arrived, 0);
}

/* Who was let through no longer looks at the barrier: its memory may go. */
static ASYNC goes(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_barrier_open(&self->barrier, 3);
    arrive(self, 'A');
    arrive(self, 'B');
    AWAIT(async_yield());
    AWAIT(async_barrier_wait(&self->barrier));
    memset(&self->barrier, 0xa5, sizeof self->barrier);
    AWAIT(async_yield());
    CHECK_LOG("A0 B1 ");
    ASYNC_END;
}

TEST(barrier_that_is_empty_may_go)
{
    play(goes, 0);
}

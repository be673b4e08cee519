/* Locks: who holds them, who is next. */
#include "actors.h"

static ASYNC basics(struct stage *self)
{
    ASYNC_BEGIN(self);
    CHECK(!async_lock_locked(&self->lock));
    AWAIT_VALUE(self->n, async_lock_acquire(&self->lock));
    CHECK_EQ(self->n, 0);
    CHECK(async_lock_locked(&self->lock));
    CHECK_EQ(async_lock_try(&self->lock), ASYNC_EAGAIN);
    AWAIT_RESULT(self->e, async_lock_acquire(&self->lock));
    CHECK_EQ(self->e, ASYNC_EDEADLK);
    CHECK_EQ(async_lock_release(&self->lock), 0);
    CHECK(!async_lock_locked(&self->lock));
    CHECK_EQ(async_lock_release(&self->lock), ASYNC_EPERM);
    CHECK_EQ(async_lock_try(&self->lock), 0);
    CHECK(async_lock_locked(&self->lock));
    CHECK_EQ(async_lock_release(&self->lock), 0);
    CHECK_EQ(test_idles(), 0);
    ASYNC_END;
}

TEST(lock_acquire_try_release)
{
    play(basics, 0);
}

static ASYNC bad(struct stage *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_lock_try(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_lock_release(NULL), ASYNC_EINVAL);
    CHECK(!async_lock_locked(NULL));
    AWAIT_RESULT(self->e, async_lock_acquire(NULL));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    ASYNC_END;
}

TEST(lock_null)
{
    play(bad, 0);
}

TEST(lock_outside_of_a_task)
{
    async_lock lock;

    memset(&lock, 0, sizeof lock);
    CHECK_EQ(async_lock_try(&lock), ASYNC_EPERM);
    CHECK_EQ(async_lock_release(&lock), ASYNC_EPERM);
    CHECK(!async_lock_locked(&lock));
}

/* Nobody but the holder releases it. */
static ASYNC not_mine(struct stage *self)
{
    ASYNC_BEGIN(self);
    act_lock(self, 'A', 10);
    AWAIT(async_yield());
    CHECK_EQ(async_lock_try(&self->lock), ASYNC_EAGAIN);
    CHECK_EQ(async_lock_release(&self->lock), ASYNC_EPERM);
    CHECK(async_lock_locked(&self->lock));
    AWAIT(async_join(task_of(self, 'A')));
    CHECK(!async_lock_locked(&self->lock));
    ASYNC_END;
}

TEST(lock_of_another_task)
{
    play(not_mine, 0);
    CHECK_LOG("A0 A- ");
}

/* One after the other, in the order in which they came. */
static ASYNC in_turn(struct stage *self)
{
    ASYNC_BEGIN(self);
    act_lock(self, 'A', 10);
    act_lock(self, 'B', 10);
    act_lock(self, 'C', 10);
    AWAIT(async_join(task_of(self, 'C')));
    CHECK_EQ(test_ms(), 30);
    CHECK(!async_lock_locked(&self->lock));
    ASYNC_END;
}

TEST(lock_in_turn)
{
    play(in_turn, 0);
    CHECK_LOG("A0 A- B0 B- C0 C- ");
}

/* A release hands it over: neither the releaser nor a newcomer gets in before
 * the oldest waiter, though that one has yet to run. */
static ASYNC handed_over(struct stage *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_lock_acquire(&self->lock));
    act_lock(self, 'A', 0);
    act_lock(self, 'B', 0);
    AWAIT(async_yield());
    CHECK_EQ(async_lock_release(&self->lock), 0);
    CHECK(async_lock_locked(&self->lock));
    CHECK_EQ(async_lock_try(&self->lock), ASYNC_EAGAIN);
    AWAIT(async_lock_acquire(&self->lock));
    test_log("main ");
    CHECK_EQ(async_lock_release(&self->lock), 0);
    ASYNC_END;
}

TEST(lock_is_handed_over)
{
    play(handed_over, 0);
    CHECK_LOG("A0 A- B0 B- main ");
}

/* Struck before the release: it goes to the next. */
static ASYNC cancel_before(struct stage *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_lock_acquire(&self->lock));
    act_lock(self, 'A', 10);
    act_lock(self, 'B', 10);
    act_lock(self, 'C', 10);
    AWAIT(async_yield());
    async_cancel(task_of(self, 'B'));
    AWAIT(async_yield());
    CHECK_LOG("Bx ");
    async_lock_release(&self->lock);
    AWAIT(async_join(task_of(self, 'C')));
    CHECK_LOG("A0 A- C0 C- ");
    ASYNC_END;
}

TEST(lock_cancel_before_the_wake)
{
    play(cancel_before, 0);
}

/* Struck, then released in the same turn: the next one gets it. */
static ASYNC cancel_at(struct stage *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_lock_acquire(&self->lock));
    act_lock(self, 'A', 10);
    act_lock(self, 'B', 10);
    AWAIT(async_yield());
    async_cancel(task_of(self, 'A'));
    async_lock_release(&self->lock);
    CHECK(self->lock.owner == task_of(self, 'B'));
    AWAIT(async_join(task_of(self, 'B')));
    CHECK_LOG("Ax B0 B- ");
    CHECK_EQ(async_result(task_of(self, 'A')), ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(lock_cancel_then_release)
{
    play(cancel_at, 0);
}

/* The same with nobody else waiting: it is free when its turn comes, so it can
 * be had, and the strike hits the next await. */
static ASYNC cancel_at_alone(struct stage *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_lock_acquire(&self->lock));
    act_lock(self, 'A', 1000);
    AWAIT(async_yield());
    async_cancel(task_of(self, 'A'));
    async_lock_release(&self->lock);
    AWAIT_RESULT(self->e, async_join(task_of(self, 'A')));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_LOG("A0 A- ");
    CHECK_EQ(test_ms(), 0);
    CHECK(!async_lock_locked(&self->lock));
    ASYNC_END;
}

TEST(lock_cancel_then_release_alone)
{
    play(cancel_at_alone, 0);
}

/* Struck after the lock was handed to it, before it runs: it holds the lock,
 * its cleanup releases it, and the next one is not stranded. */
static ASYNC cancel_after(struct stage *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_lock_acquire(&self->lock));
    act_lock(self, 'A', 1000);
    act_lock(self, 'B', 10);
    AWAIT(async_yield());
    async_lock_release(&self->lock);
    async_cancel(task_of(self, 'A'));
    AWAIT(async_join(task_of(self, 'B')));
    CHECK_LOG("A0 A- B0 B- ");
    CHECK_EQ(test_ms(), 10);
    CHECK_EQ(async_result(task_of(self, 'A')), ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(lock_cancel_after_the_grant)
{
    play(cancel_after, 0);
}

/* Cancelled while it holds the lock. */
static ASYNC cancel_holder(struct stage *self)
{
    ASYNC_BEGIN(self);
    act_lock(self, 'A', 1000);
    act_lock(self, 'B', 10);
    AWAIT(async_sleep(ASYNC_MS(5)));
    async_cancel(task_of(self, 'A'));
    AWAIT(async_join(task_of(self, 'B')));
    CHECK_EQ(test_ms(), 15);
    ASYNC_END;
}

TEST(lock_cancel_the_holder)
{
    play(cancel_holder, 0);
    CHECK_LOG("A0 A- B0 B- ");
}

static ASYNC limits(struct stage *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_lock_acquire(&self->lock));
    act_lock(self, 'A', 10)->limit = 10;
    act_lock(self, 'B', 10)->limit = 50;
    act_lock(self, 'C', 10)->limit = 25;        /* B holds it then */
    act_lock(self, 'D', 10)->limit = -1;
    AWAIT(async_sleep(ASYNC_MS(20)));
    CHECK_LOG("Dt At ");
    async_lock_release(&self->lock);
    AWAIT(async_join(task_of(self, 'B')));
    CHECK_LOG("B0 Ct B- ");
    CHECK(!async_lock_locked(&self->lock));
    act_lock(self, 'E', 10)->limit = -1;
    AWAIT(async_join(task_of(self, 'E')));
    CHECK_LOG("E0 E- ");
    ASYNC_END;
}

TEST(lock_with_a_limit)
{
    play(limits, 0);
}

/* The deadline strikes a waiter that was handed the lock in the same turn, and
 * one that was not yet. */
static ASYNC limit_at(struct stage *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_lock_acquire(&self->lock));
    act_lock(self, 'A', 20)->limit = 10;
    act_lock(self, 'B', 20)->limit = 10;
    AWAIT(async_yield());
    test_busy(ASYNC_MS(15));
    async_lock_release(&self->lock);    /* A has it before its deadline fires */
    AWAIT(async_join(task_of(self, 'A')));
    CHECK_LOG("A0 Bt A- ");
    CHECK_EQ(async_result(task_of(self, 'A')), 0);
    CHECK_EQ(async_result(task_of(self, 'B')), ASYNC_ETIMEDOUT);
    CHECK(!async_lock_locked(&self->lock));
    ASYNC_END;
}

TEST(lock_release_with_the_deadline)
{
    play(limit_at, 0);
}

/* ASYNC_WITH gives it back on every way out. */
static ASYNC with(struct stage *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 4; self->i++) {
        ASYNC_TRY {
            ASYNC_WITH(async_lock_acquire(&self->lock),
                       async_lock_release(&self->lock)) {
                CHECK(async_lock_locked(&self->lock));
                AWAIT(async_yield());
                if (self->i == 1) {
                    ASYNC_RAISE(ASYNC_EIO);
                }
                if (self->i == 2) {
                    continue;
                }
            } ASYNC_WITH_END;
            test_log("end ");
        } ASYNC_CATCH(self->e) {
            CHECK_EQ(self->e, ASYNC_EIO);
            test_log("caught ");
        } ASYNC_FINALLY(self->outcome) {
            CHECK(!async_lock_locked(&self->lock));
        } ASYNC_TRY_END;
    }
    ASYNC_END;
}

TEST(lock_with)
{
    play(with, 0);
    CHECK_LOG("end caught end ");
}

/* Two locks in different order: the loop sees that nobody can go on. */
struct crossed { async_frame frame; async_task task; async_lock *one, *two; };

static ASYNC crossed(struct crossed *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH(async_lock_acquire(self->one), async_lock_release(self->one)) {
        AWAIT(async_yield());
        ASYNC_WITH(async_lock_acquire(self->two),
                   async_lock_release(self->two)) {
            test_log("never ");
        } ASYNC_WITH_END;
    } ASYNC_WITH_END;
    ASYNC_END;
}

static ASYNC crosses(struct stage *self)
{
    static struct crossed pair[2];
    static async_lock lock[2];

    ASYNC_BEGIN(self);
    memset(pair, 0, sizeof pair);
    memset(lock, 0, sizeof lock);
    for (self->i = 0; self->i < 2; self->i++) {
        pair[self->i].one = &lock[self->i];
        pair[self->i].two = &lock[1 - self->i];
        async_spawn(&pair[self->i].task, crossed, &pair[self->i]);
    }
    AWAIT_RESULT(self->e, async_join(&pair[0].task));
    ASYNC_END;
}

TEST(lock_crossed_is_a_deadlock)
{
    play(crosses, ASYNC_EDEADLK);
}

static ASYNC leaves_waiters(struct stage *self)
{
    ASYNC_BEGIN(self);
    act_lock(self, 'A', 1000);
    act_lock(self, 'B', 1000);
    act_lock(self, 'C', 1000);
    AWAIT(async_yield());
    ASYNC_END;
}

TEST(lock_waiters_left_at_the_end)
{
    struct stage *stage = play(leaves_waiters, 0);

    CHECK_LOG("A0 Bx Cx A- ");
    CHECK(!async_lock_locked(&stage->lock));
}

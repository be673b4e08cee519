/* Conditions: who is notified, who has the lock, and what a strike does. */
#include "actors.h"

/* A waiter: takes the lock, waits, logs what it got: `A0`, `Ax`, `At`. That it
 * holds the lock then is checked on every way out. */
static ASYNC waits(struct actor *self)
{
    struct stage *stage = (struct stage *)self->object;

    ASYNC_BEGIN(self);
    ASYNC_WITH(async_lock_acquire(&stage->lock),
               CHECK_EQ(async_lock_release(&stage->lock), 0)) {
        test_log("%c( ", self->name);
        ASYNC_TRY {
            if (self->limit != 0) {
                AWAIT(ASYNC_TIMEOUT(&self->scope,
                                    (async_duration)ASYNC_MS(self->limit),
                                    async_condition_wait(&stage->condition)));
            } else {
                AWAIT(async_condition_wait(&stage->condition));
            }
            test_log("%c0 ", self->name);
        } ASYNC_CATCH_ALL(self->result) {
            test_log("%c%c ", self->name,
                     self->result == ASYNC_CANCEL ? 'x' : 't');
            CHECK(stage->lock.owner == &self->task);
            ASYNC_RAISE(self->result);
        } ASYNC_TRY_END;
        CHECK(stage->lock.owner == &self->task);
        if (self->hold > 0) {
            AWAIT(async_sleep((async_duration)ASYNC_MS(self->hold)));
        }
        test_log("%c) ", self->name);
    } ASYNC_WITH_END;
    ASYNC_END;
}

static struct actor *waiter(struct stage *self, char name)
{
    struct actor *it = &self->actor[name - 'A'];

    memset(it, 0, sizeof *it);
    it->name = name;
    it->object = self;
    CHECK_EQ(async_spawn(&it->task, waits, it), 0);
    return it;
}

static ASYNC bad(struct stage *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_condition_open(NULL, &self->lock), ASYNC_EINVAL);
    CHECK_EQ(async_condition_open(&self->condition, NULL), ASYNC_EINVAL);
    CHECK_EQ(async_condition_notify(NULL, 1), ASYNC_EINVAL);
    CHECK_EQ(async_condition_notify_all(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_condition_notify(&self->condition, 1), ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_condition_wait(&self->condition));
    CHECK_EQ(self->e, ASYNC_EINVAL);            /* zeroed: not opened */
    AWAIT_RESULT(self->e, async_condition_wait(NULL));
    CHECK_EQ(self->e, ASYNC_EINVAL);

    CHECK_EQ(async_condition_open(&self->condition, &self->lock), 0);
    CHECK_EQ(async_condition_notify(&self->condition, 1), ASYNC_EPERM);
    CHECK_EQ(async_condition_notify_all(&self->condition), ASYNC_EPERM);
    AWAIT_RESULT(self->e, async_condition_wait(&self->condition));
    CHECK_EQ(self->e, ASYNC_EPERM);
    CHECK(!async_lock_locked(&self->lock));

    act_lock(self, 'A', 10);                    /* held by another task */
    AWAIT(async_yield());
    CHECK_EQ(async_condition_notify(&self->condition, 1), ASYNC_EPERM);
    AWAIT_RESULT(self->e, async_condition_wait(&self->condition));
    CHECK_EQ(self->e, ASYNC_EPERM);
    AWAIT(async_lock_acquire(&self->lock));
    CHECK_EQ(async_condition_notify(&self->condition, -1), ASYNC_EINVAL);
    CHECK_EQ(async_condition_notify(&self->condition, 0), 0);
    CHECK_EQ(async_condition_notify(&self->condition, 1), 0);
    CHECK_EQ(async_condition_notify_all(&self->condition), 0);
    CHECK_EQ(async_lock_release(&self->lock), 0);
    ASYNC_END;
}

TEST(condition_misuse)
{
    play(bad, 0);
    CHECK_EQ(async_condition_notify(NULL, 1), ASYNC_EINVAL);
}

/* Out of any task nobody holds a lock, not even a free one. */
TEST(condition_notify_outside_of_a_task)
{
    async_lock lock;
    async_condition condition;

    memset(&lock, 0, sizeof lock);
    memset(&condition, 0, sizeof condition);
    CHECK_EQ(async_condition_open(&condition, &lock), 0);
    CHECK_EQ(async_condition_notify(&condition, 1), ASYNC_EPERM);
}

/* The wait releases the lock; a notified one goes on when it has it again, and
 * so one after the other. */
static ASYNC notifies(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_condition_open(&self->condition, &self->lock);
    waiter(self, 'A')->hold = 10;
    waiter(self, 'B')->hold = 10;
    waiter(self, 'C')->hold = 10;
    AWAIT(async_yield());
    CHECK_LOG("A( B( C( ");
    CHECK(!async_lock_locked(&self->lock));
    AWAIT(async_lock_acquire(&self->lock));
    CHECK_EQ(async_condition_notify(&self->condition, 1), 1);
    AWAIT(async_sleep(ASYNC_MS(10)));
    CHECK_LOG("");                              /* main holds the lock */
    async_lock_release(&self->lock);
    AWAIT(async_sleep(ASYNC_MS(5)));
    CHECK_LOG("A0 ");
    AWAIT(async_lock_acquire(&self->lock));
    CHECK_LOG("A) ");
    CHECK_EQ(test_ms(), 20);
    CHECK_EQ(async_condition_notify(&self->condition, 7), 2);
    async_lock_release(&self->lock);
    AWAIT(async_join(task_of(self, 'C')));
    CHECK_LOG("B0 B) C0 C) ");
    CHECK_EQ(test_ms(), 40);
    CHECK(!async_lock_locked(&self->lock));
    ASYNC_END;
}

TEST(condition_notify)
{
    play(notifies, 0);
}

static ASYNC notifies_all(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_condition_open(&self->condition, &self->lock);
    waiter(self, 'A');
    waiter(self, 'B');
    waiter(self, 'C');
    AWAIT(async_yield());
    AWAIT(async_lock_acquire(&self->lock));
    CHECK_EQ(async_condition_notify_all(&self->condition), 3);
    waiter(self, 'D');                          /* too late for this one */
    async_lock_release(&self->lock);
    AWAIT(async_sleep(ASYNC_MS(1)));
    CHECK_LOG("A( B( C( A0 A) B0 B) C0 C) D( ");
    AWAIT(async_lock_acquire(&self->lock));
    CHECK_EQ(async_condition_notify_all(&self->condition), 1);
    async_lock_release(&self->lock);
    AWAIT(async_join(task_of(self, 'D')));
    CHECK_LOG("D0 D) ");
    ASYNC_END;
}

TEST(condition_notify_all)
{
    play(notifies_all, 0);
}

/* Two conditions of one lock do not wake each other's waiters. */
static ASYNC two(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_condition_open(&self->condition, &self->lock);
    async_condition_open(&self->condition2, &self->lock);
    waiter(self, 'A');
    AWAIT(async_yield());
    AWAIT(async_lock_acquire(&self->lock));
    CHECK_EQ(async_condition_notify_all(&self->condition2), 0);
    CHECK_EQ(async_condition_notify_all(&self->condition), 1);
    async_lock_release(&self->lock);
    AWAIT(async_join(task_of(self, 'A')));
    ASYNC_END;
}

TEST(condition_two_of_one_lock)
{
    play(two, 0);
    CHECK_LOG("A( A0 A) ");
}

/* Struck while it waits to be notified, the lock being free. */
static ASYNC cancel_free(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_condition_open(&self->condition, &self->lock);
    waiter(self, 'A');
    waiter(self, 'B');
    AWAIT(async_yield());
    async_cancel(task_of(self, 'A'));
    AWAIT(async_yield());
    CHECK_LOG("A( B( Ax ");
    CHECK(!async_lock_locked(&self->lock));
    AWAIT(async_lock_acquire(&self->lock));
    CHECK_EQ(async_condition_notify_all(&self->condition), 1);
    async_lock_release(&self->lock);
    AWAIT(async_join(task_of(self, 'B')));
    CHECK_LOG("B0 B) ");
    ASYNC_END;
}

TEST(condition_cancel_with_the_lock_free)
{
    play(cancel_free, 0);
}

/* The same with the lock held: it waits for it, deaf to further strikes, and
 * in its turn among those that wait for the lock. Then it fails, once. */
static ASYNC cancel_held(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_condition_open(&self->condition, &self->lock);
    waiter(self, 'A');
    AWAIT(async_yield());
    AWAIT(async_lock_acquire(&self->lock));
    act_lock(self, 'B', 10);
    AWAIT(async_yield());
    async_cancel(task_of(self, 'A'));
    AWAIT(async_yield());
    act_lock(self, 'C', 10);
    AWAIT(async_yield());
    CHECK_EQ(async_cancel(task_of(self, 'A')), 1);
    AWAIT(async_sleep(ASYNC_MS(10)));
    CHECK_LOG("A( ");
    CHECK(!async_done(task_of(self, 'A')));
    async_lock_release(&self->lock);
    AWAIT(async_join(task_of(self, 'C')));
    CHECK_LOG("B0 B- Ax C0 C- ");
    CHECK_EQ(async_result(task_of(self, 'A')), ASYNC_ECANCELED);
    CHECK_EQ(test_ms(), 30);
    ASYNC_END;
}

TEST(condition_cancel_with_the_lock_held)
{
    play(cancel_held, 0);
}

/* Struck, then a notification in the same turn: it goes to another one. */
static ASYNC cancel_then_notify(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_condition_open(&self->condition, &self->lock);
    waiter(self, 'A');
    waiter(self, 'B');
    AWAIT(async_yield());
    AWAIT(async_lock_acquire(&self->lock));
    async_cancel(task_of(self, 'A'));
    CHECK_EQ(async_condition_notify(&self->condition, 1), 1);
    async_lock_release(&self->lock);
    AWAIT(async_join(task_of(self, 'B')));
    CHECK_LOG("A( B( Ax B0 B) ");
    ASYNC_END;
}

TEST(condition_cancel_then_notify)
{
    play(cancel_then_notify, 0);
}

/* Notified, then struck before its turn, or while it waits for the lock: it
 * was notified, and the strike hits its next await. */
static ASYNC notify_then_cancel(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_condition_open(&self->condition, &self->lock);
    waiter(self, 'A')->hold = 1000;
    waiter(self, 'B')->hold = 1000;
    AWAIT(async_yield());
    AWAIT(async_lock_acquire(&self->lock));
    CHECK_EQ(async_condition_notify(&self->condition, 1), 1);
    async_cancel(task_of(self, 'A'));
    async_lock_release(&self->lock);
    AWAIT_RESULT(self->e, async_join(task_of(self, 'A')));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_LOG("A( B( A0 ");

    AWAIT(async_lock_acquire(&self->lock));
    CHECK_EQ(async_condition_notify(&self->condition, 1), 1);
    AWAIT(async_yield());                       /* B waits for the lock */
    async_cancel(task_of(self, 'B'));
    AWAIT(async_yield());
    CHECK_LOG("");
    async_lock_release(&self->lock);
    AWAIT_RESULT(self->e, async_join(task_of(self, 'B')));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_LOG("B0 ");
    CHECK_EQ(test_ms(), 0);
    CHECK(!async_lock_locked(&self->lock));
    ASYNC_END;
}

TEST(condition_notify_then_cancel)
{
    play(notify_then_cancel, 0);
}

/* Struck before it waits: it fails at once, and still has the lock. */
static ASYNC struck_before(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_condition_open(&self->condition, &self->lock);
    AWAIT(async_lock_acquire(&self->lock));
    AWAIT_RESULT(self->e,
                 ASYNC_TIMEOUT(&self->scope, 0,
                               async_condition_wait(&self->condition)));
    CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    CHECK_EQ(async_lock_release(&self->lock), 0);
    ASYNC_END;
}

TEST(condition_struck_before_it_waits)
{
    play(struck_before, 0);
}

static ASYNC limits(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_condition_open(&self->condition, &self->lock);
    waiter(self, 'A')->limit = 10;              /* the lock is free */
    waiter(self, 'B')->limit = 20;              /* held until 30 */
    waiter(self, 'C')->limit = 25;              /* notified at 22 */
    waiter(self, 'D')->limit = 100;
    AWAIT(async_sleep(ASYNC_MS(15)));
    CHECK_LOG("A( B( C( D( At ");
    AWAIT(async_lock_acquire(&self->lock));
    AWAIT(async_sleep(ASYNC_MS(7)));
    CHECK_EQ(async_condition_notify(&self->condition, 1), 1);
    AWAIT(async_sleep(ASYNC_MS(8)));
    CHECK_LOG("");
    CHECK_EQ(async_result(task_of(self, 'A')), ASYNC_ETIMEDOUT);
    async_lock_release(&self->lock);
    AWAIT(async_join(task_of(self, 'C')));
    CHECK_LOG("Bt C0 C) ");                     /* notified in time: kept */
    CHECK_EQ(async_result(task_of(self, 'B')), ASYNC_ETIMEDOUT);
    AWAIT(async_lock_acquire(&self->lock));
    async_condition_notify(&self->condition, 1);
    async_lock_release(&self->lock);
    AWAIT(async_join(task_of(self, 'D')));
    CHECK_LOG("D0 D) ");
    CHECK_EQ(test_ms(), 30);
    ASYNC_END;
}

TEST(condition_with_a_limit)
{
    play(limits, 0);
}

/* A cancel and a deadline, both while it waits for the lock: the cancel wins,
 * and comes out once. */
static ASYNC both(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_condition_open(&self->condition, &self->lock);
    waiter(self, 'A')->limit = 10;
    AWAIT(async_yield());
    AWAIT(async_lock_acquire(&self->lock));
    AWAIT(async_sleep(ASYNC_MS(15)));
    async_cancel(task_of(self, 'A'));
    AWAIT(async_yield());
    async_lock_release(&self->lock);
    AWAIT_RESULT(self->e, async_join(task_of(self, 'A')));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_LOG("A( Ax ");
    ASYNC_END;
}

TEST(condition_deadline_then_cancel)
{
    play(both, 0);
}

/* The loop ends while some wait for a notification, and some, deaf, for the
 * lock: all are told, once, and all leave. */
static ASYNC leaves_waiters(struct stage *self)
{
    ASYNC_BEGIN(self);
    async_condition_open(&self->condition, &self->lock);
    waiter(self, 'A')->hold = 1000;
    waiter(self, 'B')->hold = 1000;
    waiter(self, 'C');
    AWAIT(async_yield());
    AWAIT(async_lock_acquire(&self->lock));
    act_lock(self, 'D', 1000);
    AWAIT(async_yield());
    async_condition_notify(&self->condition, 2);
    act_lock(self, 'E', 1000);
    AWAIT(async_yield());
    async_cancel(task_of(self, 'B'));
    async_lock_release(&self->lock);            /* to D, who sleeps */
    AWAIT(async_yield());
    CHECK_LOG("A( B( C( D0 ");
    ASYNC_END;
}

TEST(condition_waiters_left_at_the_end)
{
    struct stage *stage = play(leaves_waiters, 0);

    CHECK_LOG("Ex D- A0 B0 Cx ");
    CHECK(!async_lock_locked(&stage->lock));
    CHECK(stage->lock.waiters.tail == NULL);
    CHECK(stage->condition.waiters.tail == NULL);
}

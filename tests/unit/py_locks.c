/* py_locks: the cases of CPython's Lib/test/test_asyncio/test_locks.py that
 * have a meaning here, by class and name: LockTests.test_acquire there is
 * lock_acquire here. The others, and those that end otherwise, are in
 * tests/py.md. A lock here belongs to the task that acquired it, so what a
 * test there does to another task's lock is done here by that task. */
#include "actors.h"

/* One of the coroutines of a test. */
struct coro {
    async_frame frame;
    async_task task;
    async_timeout scope;
    struct stage *stage;
    async_future cue, cue2;         /* main tells it to go on */
    int id, i, n, e, outcome;
};

enum { N = 5 };

static struct coro coros[N + 1];
static int counter, wanted, state;  /* what a test counts, as its own */

typedef async_status (*coro_fn)(struct coro *self);

static struct coro *start(struct stage *stage, int id, coro_fn fn)
{
    struct coro *it = &coros[id];

    memset(it, 0, sizeof *it);
    it->stage = stage;
    it->id = id;
    CHECK_EQ(async_spawn(&it->task, fn, it), 0);
    return it;
}

static void start_all(struct stage *stage, int n, coro_fn fn)
{
    int i;

    for (i = 0; i < n; i++) {
        start(stage, i, fn);
    }
}

static bool all_done(int n)
{
    int i;

    for (i = 0; i < n; i++) {
        if (!async_done(&coros[i].task)) {
            return false;
        }
    }
    return true;
}

/* Wait for the first n coroutines, however they end. */
#define GATHER(n) \
    for (self->i = 0; self->i < (n); self->i++) { \
        AWAIT_RESULT(self->e, async_join(&coros[self->i].task)); \
    }

static void reset_counters(void)
{
    counter = wanted = state = 0;
}

/* ---- Lock ---------------------------------------------------------------- */

/* Acquires, logs its number, and releases when it is told to. */
static ASYNC locks(struct coro *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_lock_acquire(&self->stage->lock));
    test_log("%d ", self->id);
    AWAIT(async_future_wait(&self->cue));
    CHECK_EQ(async_lock_release(&self->stage->lock), 0);
    ASYNC_END;
}

static ASYNC lock_acquire(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    start(self, 0, locks);
    AWAIT(async_yield());
    start(self, 1, locks);
    start(self, 2, locks);
    AWAIT(async_yield());
    CHECK_LOG("0 ");
    async_future_set(&coros[0].cue, 0);
    AWAIT(async_yield());
    AWAIT(async_yield());
    CHECK_LOG("1 ");
    AWAIT(async_yield());
    CHECK_LOG("");
    start(self, 3, locks);
    async_future_set(&coros[1].cue, 0);
    AWAIT(async_yield());
    AWAIT(async_yield());
    CHECK_LOG("2 ");
    async_future_set(&coros[2].cue, 0);
    AWAIT(async_yield());
    AWAIT(async_yield());
    CHECK_LOG("3 ");
    async_future_set(&coros[3].cue, 0);
    GATHER(4);
    ASYNC_END;
}

TEST(py_locks_lock_acquire)
{
    play(lock_acquire, 0);
}

static ASYNC lock_acquire_cancel(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    AWAIT(async_lock_acquire(&self->lock));
    act_lock(self, 'A', 0);
    AWAIT(async_yield());
    async_cancel(task_of(self, 'A'));
    AWAIT_RESULT(self->e, async_join(task_of(self, 'A')));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK(self->lock.waiters.tail == NULL);
    ASYNC_END;
}

TEST(py_locks_lock_acquire_cancel)
{
    play(lock_acquire_cancel, 0);
}

/* B is cancelled and A releases, at once: it is C's. */
static ASYNC locks_until(struct coro *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH(async_lock_acquire(&self->stage->lock),
               async_lock_release(&self->stage->lock)) {
        test_log("%d ", self->id);
        if (self->id == 0) {
            AWAIT(async_future_wait(&self->cue));
        }
    } ASYNC_WITH_END;
    ASYNC_END;
}

static ASYNC lock_cancel_race(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    start_all(self, 3, locks_until);
    AWAIT(async_yield());
    CHECK(async_lock_locked(&self->lock));
    async_future_set(&coros[0].cue, 0);
    async_cancel(&coros[1].task);
    GATHER(3);
    CHECK(!async_lock_locked(&self->lock));
    CHECK_EQ(async_result(&coros[0].task), 0);
    CHECK_EQ(async_result(&coros[1].task), ASYNC_ECANCELED);
    CHECK_EQ(async_result(&coros[2].task), 0);
    CHECK_LOG("0 2 ");
    ASYNC_END;
}

TEST(py_locks_lock_cancel_race)
{
    play(lock_cancel_race, 0);
}

static ASYNC lock_cancel_release_race(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    AWAIT(async_lock_acquire(&self->lock));
    act_lock(self, 'A', 1000);
    act_lock(self, 'B', 1000);
    act_lock(self, 'C', 1000);
    AWAIT(async_yield());
    async_cancel(task_of(self, 'A'));
    async_lock_release(&self->lock);
    AWAIT_RESULT(self->e, async_join(task_of(self, 'A')));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    AWAIT(async_yield());
    CHECK_LOG("Ax B0 ");                /* only one lock was taken */
    async_cancel(task_of(self, 'C'));
    AWAIT(async_yield());
    CHECK_EQ(async_result(task_of(self, 'C')), ASYNC_ECANCELED);
    CHECK_LOG("Cx ");
    ASYNC_END;
}

TEST(py_locks_lock_cancel_release_race)
{
    play(lock_cancel_release_race, 0);
}

static ASYNC lock_finished_waiter_cancelled(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    AWAIT(async_lock_acquire(&self->lock));
    act_lock(self, 'B', 0);
    AWAIT(async_yield());
    act_lock(self, 'C', 0);
    AWAIT(async_yield());
    async_cancel(task_of(self, 'B'));
    async_lock_release(&self->lock);
    CHECK(async_lock_locked(&self->lock));
    AWAIT(async_join(task_of(self, 'C')));
    CHECK_EQ(async_result(task_of(self, 'B')), ASYNC_ECANCELED);
    CHECK_LOG("Bx C0 C- ");
    ASYNC_END;
}

TEST(py_locks_lock_finished_waiter_cancelled)
{
    play(lock_finished_waiter_cancelled, 0);
}

static ASYNC lock_release_not_acquired(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    CHECK_EQ(async_lock_release(&self->lock), ASYNC_EPERM);
    ASYNC_END;
}

TEST(py_locks_lock_release_not_acquired)
{
    play(lock_release_not_acquired, 0);
}

static ASYNC lock_release_no_waiters(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    AWAIT(async_lock_acquire(&self->lock));
    CHECK(async_lock_locked(&self->lock));
    CHECK_EQ(async_lock_release(&self->lock), 0);
    CHECK(!async_lock_locked(&self->lock));
    ASYNC_END;
}

TEST(py_locks_lock_release_no_waiters)
{
    play(lock_release_no_waiters, 0);
}

static ASYNC lock_context_manager(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    CHECK(!async_lock_locked(&self->lock));
    ASYNC_WITH(async_lock_acquire(&self->lock),
               async_lock_release(&self->lock)) {
        CHECK(async_lock_locked(&self->lock));
    } ASYNC_WITH_END;
    CHECK(!async_lock_locked(&self->lock));
    ASYNC_END;
}

TEST(py_locks_lock_context_manager)
{
    play(lock_context_manager, 0);
}

/* ---- Event --------------------------------------------------------------- */

static ASYNC event_wait(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    CHECK(!async_event_is_set(&self->event));
    act(self, 'A', op_event, &self->event);
    act(self, 'B', op_event, &self->event);
    AWAIT(async_yield());
    CHECK_LOG("");
    act(self, 'C', op_event, &self->event);
    async_event_set(&self->event);
    AWAIT(async_yield());
    CHECK_LOG("C0 A0 B0 ");
    CHECK(async_done(task_of(self, 'A')));
    CHECK(async_done(task_of(self, 'B')));
    CHECK(async_done(task_of(self, 'C')));
    ASYNC_END;
}

TEST(py_locks_event_wait)
{
    play(event_wait, 0);
}

static ASYNC event_wait_on_set(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_event_set(&self->event);
    AWAIT_VALUE(self->n, async_event_wait(&self->event));
    CHECK_EQ(self->n, 0);
    ASYNC_END;
}

TEST(py_locks_event_wait_on_set)
{
    play(event_wait_on_set, 0);
}

static ASYNC event_wait_cancel(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    act(self, 'A', op_event, &self->event);
    AWAIT(async_yield());
    async_cancel(task_of(self, 'A'));
    AWAIT_RESULT(self->e, async_join(task_of(self, 'A')));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK(self->event.waiters.tail == NULL);
    ASYNC_END;
}

TEST(py_locks_event_wait_cancel)
{
    play(event_wait_cancel, 0);
}

static ASYNC event_clear(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    CHECK(!async_event_is_set(&self->event));
    async_event_set(&self->event);
    CHECK(async_event_is_set(&self->event));
    async_event_clear(&self->event);
    CHECK(!async_event_is_set(&self->event));
    AWAIT(async_yield());
    ASYNC_END;
}

TEST(py_locks_event_clear)
{
    play(event_clear, 0);
}

static ASYNC event_clear_with_waiters(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    act(self, 'A', op_event, &self->event);
    AWAIT(async_yield());
    CHECK_LOG("");
    async_event_set(&self->event);
    async_event_clear(&self->event);
    CHECK(!async_event_is_set(&self->event));
    async_event_set(&self->event);
    async_event_set(&self->event);
    AWAIT(async_yield());
    CHECK_LOG("A0 ");
    CHECK(self->event.waiters.tail == NULL);
    CHECK_EQ(async_result(task_of(self, 'A')), 0);
    ASYNC_END;
}

TEST(py_locks_event_clear_with_waiters)
{
    play(event_clear_with_waiters, 0);
}

/* ---- Condition ----------------------------------------------------------- */

/* Waits to be notified, logs its number, and releases: at once, or when it is
 * told to. */
static ASYNC waits(struct coro *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_lock_acquire(&self->stage->lock));
    AWAIT(async_condition_wait(&self->stage->condition));
    test_log("%d ", self->id);
    if (wanted != 0) {
        AWAIT(async_future_wait(&self->cue));
    }
    CHECK_EQ(async_lock_release(&self->stage->lock), 0);
    ASYNC_END;
}

static ASYNC condition_wait(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_condition_open(&self->condition, &self->lock);
    wanted = 1;
    start_all(self, 3, waits);
    AWAIT(async_yield());
    CHECK(!async_lock_locked(&self->lock));
    AWAIT(async_lock_acquire(&self->lock));
    CHECK_EQ(async_condition_notify(&self->condition, 1), 1);
    AWAIT(async_yield());
    CHECK_LOG("");
    CHECK(async_lock_locked(&self->lock));
    async_lock_release(&self->lock);
    AWAIT(async_yield());
    CHECK_LOG("0 ");
    CHECK(async_lock_locked(&self->lock));
    async_future_set(&coros[0].cue, 0);
    AWAIT(async_lock_acquire(&self->lock));
    CHECK_EQ(async_condition_notify(&self->condition, 2), 2);
    AWAIT(async_yield());
    CHECK_LOG("");
    async_lock_release(&self->lock);
    AWAIT(async_yield());
    CHECK_LOG("1 ");
    async_future_set(&coros[1].cue, 0);
    AWAIT(async_yield());
    AWAIT(async_yield());
    CHECK_LOG("2 ");
    CHECK(async_lock_locked(&self->lock));
    async_future_set(&coros[2].cue, 0);
    GATHER(3);
    ASYNC_END;
}

TEST(py_locks_condition_wait)
{
    play(condition_wait, 0);
}

/* Ends with the lock in its hands. */
static ASYNC waits_and_keeps(struct coro *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_lock_acquire(&self->stage->lock));
    ASYNC_TRY {
        AWAIT(async_condition_wait(&self->stage->condition));
    } ASYNC_FINALLY(self->outcome) {
        CHECK(self->stage->lock.owner == &self->task);
    } ASYNC_TRY_END;
    ASYNC_END;
}

static ASYNC condition_wait_cancel(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_condition_open(&self->condition, &self->lock);
    start(self, 0, waits_and_keeps);
    AWAIT(async_yield());
    CHECK(!async_lock_locked(&self->lock));
    async_cancel(&coros[0].task);
    AWAIT_RESULT(self->e, async_join(&coros[0].task));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK(self->condition.waiters.tail == NULL);
    CHECK(async_lock_locked(&self->lock));
    ASYNC_END;
}

TEST(py_locks_condition_wait_cancel)
{
    play(condition_wait_cancel, 0);
}

static ASYNC condition_wait_cancel_contested(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_condition_open(&self->condition, &self->lock);
    start(self, 0, waits_and_keeps);
    AWAIT(async_yield());
    CHECK(!async_lock_locked(&self->lock));
    AWAIT(async_lock_acquire(&self->lock));
    async_condition_notify(&self->condition, 1);
    AWAIT(async_yield());
    async_cancel(&coros[0].task);
    async_lock_release(&self->lock);
    AWAIT_RESULT(self->e, async_join(&coros[0].task));
    CHECK_EQ(self->e, 0);
    CHECK(async_lock_locked(&self->lock));
    ASYNC_END;
}

TEST(py_locks_condition_wait_cancel_contested)
{
    play(condition_wait_cancel_contested, 0);
}

/* Otherwise: it was notified, so the wait succeeds, and the next one is hit. */
static ASYNC waits_twice(struct coro *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH(async_lock_acquire(&self->stage->lock),
               async_lock_release(&self->stage->lock)) {
        AWAIT(async_condition_wait(&self->stage->condition));
        test_log("notified ");
        AWAIT(async_condition_wait(&self->stage->condition));
        test_log("never ");
    } ASYNC_WITH_END;
    ASYNC_END;
}

static ASYNC condition_wait_cancel_after_notify(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_condition_open(&self->condition, &self->lock);
    start(self, 0, waits_twice);
    AWAIT(async_yield());
    AWAIT(async_lock_acquire(&self->lock));
    async_condition_notify(&self->condition, 1);
    AWAIT(async_yield());
    async_cancel(&coros[0].task);
    AWAIT(async_yield());
    CHECK(!async_done(&coros[0].task));
    async_lock_release(&self->lock);
    AWAIT(async_yield());
    CHECK_EQ(async_result(&coros[0].task), ASYNC_ECANCELED);
    CHECK(!async_lock_locked(&self->lock));
    CHECK_LOG("notified ");
    ASYNC_END;
}

TEST(py_locks_condition_wait_cancel_after_notify)
{
    play(condition_wait_cancel_after_notify, 0);
}

static ASYNC condition_wait_unacquired(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_condition_open(&self->condition, &self->lock);
    AWAIT_RESULT(self->e, async_condition_wait(&self->condition));
    CHECK_EQ(self->e, ASYNC_EPERM);
    ASYNC_END;
}

TEST(py_locks_condition_wait_unacquired)
{
    play(condition_wait_unacquired, 0);
}

/* wait_for is a loop around wait. */
static ASYNC waits_for(struct coro *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH(async_lock_acquire(&self->stage->lock),
               async_lock_release(&self->stage->lock)) {
        while (state == 0) {
            AWAIT(async_condition_wait(&self->stage->condition));
        }
        test_log("%d ", self->id);
    } ASYNC_WITH_END;
    ASYNC_END;
}

static ASYNC condition_wait_for(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_condition_open(&self->condition, &self->lock);
    start(self, 0, waits_for);
    AWAIT(async_yield());
    AWAIT(async_lock_acquire(&self->lock));
    async_condition_notify(&self->condition, 1);
    async_lock_release(&self->lock);
    AWAIT(async_yield());
    CHECK_LOG("");
    state = 1;
    AWAIT(async_lock_acquire(&self->lock));
    async_condition_notify(&self->condition, 1);
    async_lock_release(&self->lock);
    AWAIT(async_yield());
    CHECK_LOG("0 ");
    CHECK(async_done(&coros[0].task));
    ASYNC_END;
}

TEST(py_locks_condition_wait_for)
{
    play(condition_wait_for, 0);
}

/* What is true already needs no lock. */
static ASYNC condition_wait_for_unacquired(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_condition_open(&self->condition, &self->lock);
    state = 1;
    while (state == 0) {
        AWAIT(async_condition_wait(&self->condition));
    }
    state = 0;
    ASYNC_TRY {
        while (state == 0) {
            AWAIT(async_condition_wait(&self->condition));
        }
    } ASYNC_CATCH(self->e) {
        test_log("caught ");
    } ASYNC_TRY_END;
    CHECK_EQ(self->e, ASYNC_EPERM);
    CHECK_LOG("caught ");
    ASYNC_END;
}

TEST(py_locks_condition_wait_for_unacquired)
{
    play(condition_wait_for_unacquired, 0);
}

static ASYNC condition_notify(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_condition_open(&self->condition, &self->lock);
    start_all(self, 3, waits);
    AWAIT(async_yield());
    CHECK_LOG("");
    AWAIT(async_lock_acquire(&self->lock));
    async_condition_notify(&self->condition, 1);
    async_lock_release(&self->lock);
    AWAIT(async_yield());
    CHECK_LOG("0 ");
    AWAIT(async_lock_acquire(&self->lock));
    async_condition_notify(&self->condition, 1);
    CHECK_EQ(async_condition_notify(&self->condition, 2048), 1);
    async_lock_release(&self->lock);
    AWAIT(async_yield());
    CHECK_LOG("1 2 ");
    CHECK(all_done(3));
    ASYNC_END;
}

TEST(py_locks_condition_notify)
{
    play(condition_notify, 0);
}

static ASYNC condition_notify_all(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_condition_open(&self->condition, &self->lock);
    start_all(self, 2, waits);
    AWAIT(async_yield());
    CHECK_LOG("");
    AWAIT(async_lock_acquire(&self->lock));
    async_condition_notify_all(&self->condition);
    async_lock_release(&self->lock);
    AWAIT(async_yield());
    CHECK_LOG("0 1 ");
    CHECK(all_done(2));
    ASYNC_END;
}

TEST(py_locks_condition_notify_all)
{
    play(condition_notify_all, 0);
}

static ASYNC condition_notify_unacquired(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_condition_open(&self->condition, &self->lock);
    CHECK_EQ(async_condition_notify(&self->condition, 1), ASYNC_EPERM);
    ASYNC_END;
}

TEST(py_locks_condition_notify_unacquired)
{
    play(condition_notify_unacquired, 0);
}

static ASYNC condition_notify_all_unacquired(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_condition_open(&self->condition, &self->lock);
    CHECK_EQ(async_condition_notify_all(&self->condition), ASYNC_EPERM);
    ASYNC_END;
}

TEST(py_locks_condition_notify_all_unacquired)
{
    play(condition_notify_all_unacquired, 0);
}

static ASYNC condition_context_manager(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_condition_open(&self->condition, &self->lock);
    CHECK(!async_lock_locked(self->condition.lock));
    ASYNC_WITH(async_lock_acquire(self->condition.lock),
               async_lock_release(self->condition.lock)) {
        CHECK(async_lock_locked(self->condition.lock));
    } ASYNC_WITH_END;
    CHECK(!async_lock_locked(self->condition.lock));
    ASYNC_END;
}

TEST(py_locks_condition_context_manager)
{
    play(condition_context_manager, 0);
}

static ASYNC condition_explicit_lock(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_condition_open(&self->condition, &self->lock);
    CHECK(self->condition.lock == &self->lock);
    ASYNC_WITH(async_lock_acquire(&self->lock),
               async_lock_release(&self->lock)) {
        CHECK(async_lock_locked(self->condition.lock));
    } ASYNC_WITH_END;
    ASYNC_WITH(async_lock_acquire(self->condition.lock),
               async_lock_release(self->condition.lock)) {
        CHECK(async_lock_locked(&self->lock));
    } ASYNC_WITH_END;
    CHECK(!async_lock_locked(&self->lock));
    ASYNC_END;
}

TEST(py_locks_condition_explicit_lock)
{
    play(condition_explicit_lock, 0);
}

static ASYNC condition_timeout_in_block(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_condition_open(&self->condition, &self->lock);
    ASYNC_WITH(async_lock_acquire(&self->lock),
               async_lock_release(&self->lock)) {
        AWAIT_RESULT(self->e,
                     ASYNC_TIMEOUT(&self->scope, ASYNC_MS(500),
                                   async_condition_wait(&self->condition)));
        CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
        CHECK_EQ(test_ms(), 500);
    } ASYNC_WITH_END;
    ASYNC_END;
}

TEST(py_locks_condition_timeout_in_block)
{
    play(condition_timeout_in_block, 0);
}

/* A strike comes out of the wait as what it is, wherever it hit. */
static ASYNC waits_and_looks(struct coro *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH(async_lock_acquire(&self->stage->lock),
               async_lock_release(&self->stage->lock)) {
        ASYNC_TRY {
            while (state == 0) {
                AWAIT(async_condition_wait(&self->stage->condition));
            }
            test_log("true ");
            AWAIT(async_yield());
        } ASYNC_CATCH_ALL(self->e) {
            CHECK_EQ(self->e, ASYNC_CANCEL);
            ASYNC_RAISE(self->e);
        } ASYNC_TRY_END;
    } ASYNC_WITH_END;
    ASYNC_END;
}

static ASYNC condition_cancelled_error_wakeup(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_condition_open(&self->condition, &self->lock);
    start(self, 0, waits_and_looks);
    AWAIT(async_yield());
    async_cancel(&coros[0].task);
    AWAIT_RESULT(self->e, async_join(&coros[0].task));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_LOG("");
    ASYNC_END;
}

TEST(py_locks_condition_cancelled_error_wakeup)
{
    play(condition_cancelled_error_wakeup, 0);
}

static ASYNC condition_cancelled_error_re_aquire(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_condition_open(&self->condition, &self->lock);
    start(self, 0, waits_and_looks);
    AWAIT(async_yield());
    AWAIT(async_lock_acquire(&self->lock));
    state = 1;
    async_condition_notify(&self->condition, 1);
    AWAIT(async_yield());
    async_cancel(&coros[0].task);
    async_lock_release(&self->lock);
    AWAIT_RESULT(self->e, async_join(&coros[0].task));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_LOG("true ");                 /* it was notified */
    ASYNC_END;
}

TEST(py_locks_condition_cancelled_error_re_aquire)
{
    play(condition_cancelled_error_re_aquire, 0);
}

/* A notification is not lost with a task that is cancelled as it is woken. */
static ASYNC consumes(struct coro *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH(async_lock_acquire(&self->stage->lock),
               async_lock_release(&self->stage->lock)) {
        for (;;) {
            while (state == 0) {
                AWAIT(async_condition_wait(&self->stage->condition));
            }
            if (state < 0) {
                break;
            }
            state--;
            CHECK_EQ(async_condition_notify_all(&self->stage->condition2), 1);
        }
    } ASYNC_WITH_END;
    ASYNC_END;
}

static ASYNC condition_cancelled_wakeup(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_condition_open(&self->condition, &self->lock);
    async_condition_open(&self->condition2, &self->lock);
    start_all(self, 2, consumes);
    AWAIT(async_yield());
    AWAIT(async_lock_acquire(&self->lock));
    state = 1;
    async_condition_notify(&self->condition, 1);
    async_cancel(&coros[0].task);
    while (state != 0) {
        AWAIT(ASYNC_TIMEOUT(&self->scope, ASYNC_MS(10),
                            async_condition_wait(&self->condition2)));
    }
    CHECK_EQ(state, 0);
    state = -1;
    async_condition_notify_all(&self->condition);
    async_lock_release(&self->lock);
    AWAIT(async_join(&coros[1].task));
    CHECK_EQ(async_result(&coros[0].task), ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(py_locks_condition_cancelled_wakeup)
{
    play(condition_cancelled_wakeup, 0);
}

static ASYNC condition_cancelled_wakeup_relock(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_condition_open(&self->condition, &self->lock);
    async_condition_open(&self->condition2, &self->lock);
    start_all(self, 2, consumes);
    AWAIT(async_yield());
    AWAIT(async_lock_acquire(&self->lock));
    state = 1;
    async_condition_notify(&self->condition, 1);
    AWAIT(async_yield());               /* it waits for the lock now */
    async_cancel(&coros[0].task);
    while (state != 0) {
        AWAIT(ASYNC_TIMEOUT(&self->scope, ASYNC_MS(10),
                            async_condition_wait(&self->condition2)));
    }
    CHECK_EQ(state, 0);
    state = -1;
    async_condition_notify_all(&self->condition);
    async_lock_release(&self->lock);
    AWAIT(async_join(&coros[1].task));
    CHECK_EQ(async_result(&coros[0].task), ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(py_locks_condition_cancelled_wakeup_relock)
{
    play(condition_cancelled_wakeup_relock, 0);
}

/* ---- Semaphore ----------------------------------------------------------- */

static ASYNC semaphore_initial_value_zero(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    CHECK_EQ(async_semaphore_open(&self->semaphore, 0), 0);
    CHECK_EQ(async_semaphore_value(&self->semaphore), 0);
    CHECK_EQ(async_semaphore_try(&self->semaphore), ASYNC_EAGAIN);
    ASYNC_END;
}

TEST(py_locks_semaphore_initial_value_zero)
{
    play(semaphore_initial_value_zero, 0);
}

static ASYNC semaphore_semaphore_value(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    CHECK_EQ(async_semaphore_open(&self->semaphore, -1), ASYNC_EINVAL);
    ASYNC_END;
}

TEST(py_locks_semaphore_semaphore_value)
{
    play(semaphore_semaphore_value, 0);
}

static ASYNC semaphore_acquire(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_semaphore_open(&self->semaphore, 3);
    AWAIT(async_semaphore_acquire(&self->semaphore));
    AWAIT(async_semaphore_acquire(&self->semaphore));
    CHECK_EQ(async_semaphore_value(&self->semaphore), 1);
    act(self, 'A', op_semaphore, &self->semaphore);
    act(self, 'B', op_semaphore, &self->semaphore);
    act(self, 'C', op_semaphore, &self->semaphore);
    AWAIT(async_yield());
    CHECK_LOG("A0 ");
    CHECK_EQ(async_semaphore_value(&self->semaphore), 0);
    act(self, 'D', op_semaphore, &self->semaphore);
    async_semaphore_release(&self->semaphore);
    async_semaphore_release(&self->semaphore);
    CHECK_EQ(async_semaphore_value(&self->semaphore), 0);
    AWAIT(async_yield());
    CHECK_LOG("B0 C0 ");
    CHECK_EQ(async_semaphore_value(&self->semaphore), 0);
    async_semaphore_release(&self->semaphore);
    AWAIT(async_join(task_of(self, 'D')));
    CHECK_LOG("D0 ");
    ASYNC_END;
}

TEST(py_locks_semaphore_acquire)
{
    play(semaphore_acquire, 0);
}

static ASYNC semaphore_acquire_cancel(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_semaphore_open(&self->semaphore, 1);
    AWAIT(async_semaphore_acquire(&self->semaphore));
    act(self, 'A', op_semaphore, &self->semaphore);
    AWAIT(async_yield());
    async_cancel(task_of(self, 'A'));
    AWAIT_RESULT(self->e, async_join(task_of(self, 'A')));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK(self->semaphore.waiters.tail == NULL);
    ASYNC_END;
}

TEST(py_locks_semaphore_acquire_cancel)
{
    play(semaphore_acquire_cancel, 0);
}

static ASYNC semaphore_acquire_cancel_before_awoken(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_semaphore_open(&self->semaphore, 0);
    act(self, 'A', op_semaphore, &self->semaphore);
    act(self, 'B', op_semaphore, &self->semaphore);
    act(self, 'C', op_semaphore, &self->semaphore);
    act(self, 'D', op_semaphore, &self->semaphore);
    AWAIT(async_yield());
    async_cancel(task_of(self, 'A'));
    async_cancel(task_of(self, 'B'));
    async_semaphore_release(&self->semaphore);
    AWAIT(async_yield());
    CHECK(async_done(task_of(self, 'C')));
    CHECK(!async_done(task_of(self, 'D')));
    async_cancel(task_of(self, 'D'));
    AWAIT(async_yield());
    CHECK_LOG("Ax Bx C0 Dx ");
    ASYNC_END;
}

TEST(py_locks_semaphore_acquire_cancel_before_awoken)
{
    play(semaphore_acquire_cancel_before_awoken, 0);
}

static ASYNC semaphore_acquire_hang(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_semaphore_open(&self->semaphore, 0);
    act(self, 'A', op_semaphore, &self->semaphore);
    act(self, 'B', op_semaphore, &self->semaphore);
    AWAIT(async_yield());
    async_cancel(task_of(self, 'A'));
    async_semaphore_release(&self->semaphore);
    AWAIT(async_yield());
    CHECK_EQ(async_semaphore_value(&self->semaphore), 0);
    CHECK(async_done(task_of(self, 'B')));
    CHECK_LOG("Ax B0 ");
    ASYNC_END;
}

TEST(py_locks_semaphore_acquire_hang)
{
    play(semaphore_acquire_hang, 0);
}

/* The first one cancels the second after its release: the second has its
 * permit then, and gives it back. */
static ASYNC holds_and_cancels(struct coro *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH(async_semaphore_acquire(&self->stage->semaphore),
               async_semaphore_release(&self->stage->semaphore)) {
        AWAIT(async_yield());
        test_log("%d ", self->id);
    } ASYNC_WITH_END;
    async_cancel(&coros[1 - self->id].task);
    ASYNC_END;
}

static ASYNC semaphore_acquire_no_hang(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_semaphore_open(&self->semaphore, 1);
    start_all(self, 2, holds_and_cancels);
    GATHER(2);
    CHECK_LOG("0 ");
    CHECK_EQ(async_result(&coros[0].task), 0);
    CHECK_EQ(async_result(&coros[1].task), ASYNC_ECANCELED);
    AWAIT(ASYNC_TIMEOUT(&self->scope, ASYNC_SEC(1),
                        async_semaphore_acquire(&self->semaphore)));
    ASYNC_END;
}

TEST(py_locks_semaphore_acquire_no_hang)
{
    play(semaphore_acquire_no_hang, 0);
}

static ASYNC semaphore_release_not_acquired(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_semaphore_open_bounded(&self->semaphore, 1);
    CHECK_EQ(async_semaphore_release(&self->semaphore), ASYNC_EOVERFLOW);
    ASYNC_END;
}

TEST(py_locks_semaphore_release_not_acquired)
{
    play(semaphore_release_not_acquired, 0);
}

static ASYNC semaphore_release_no_waiters(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_semaphore_open(&self->semaphore, 1);
    AWAIT(async_semaphore_acquire(&self->semaphore));
    CHECK_EQ(async_semaphore_value(&self->semaphore), 0);
    CHECK_EQ(async_semaphore_release(&self->semaphore), 0);
    CHECK_EQ(async_semaphore_value(&self->semaphore), 1);
    ASYNC_END;
}

TEST(py_locks_semaphore_release_no_waiters)
{
    play(semaphore_release_no_waiters, 0);
}

static ASYNC takes_twice(struct coro *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 1; self->i <= 2; self->i++) {
        AWAIT(async_semaphore_acquire(&self->stage->semaphore));
        test_log("%d_%d ", self->id, self->i);
        AWAIT(async_sleep(ASYNC_MS(10)));
        async_semaphore_release(&self->stage->semaphore);
    }
    ASYNC_END;
}

static ASYNC semaphore_acquire_fifo_order(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_semaphore_open(&self->semaphore, 1);
    start_all(self, 3, takes_twice);
    GATHER(3);
    CHECK_LOG("0_1 1_1 2_1 0_2 1_2 2_2 ");
    ASYNC_END;
}

TEST(py_locks_semaphore_acquire_fifo_order)
{
    play(semaphore_acquire_fifo_order, 0);
}

static ASYNC takes(struct coro *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_semaphore_acquire(&self->stage->semaphore));
    test_log("%d ", self->id);
    if (self->id == wanted) {
        async_semaphore_release(&self->stage->semaphore);
        AWAIT(async_semaphore_acquire(&self->stage->semaphore));
        test_log("again ");
    }
    ASYNC_END;
}

/* Otherwise: both releases gave their permits away at once, so the one that
 * task 1 gives back is free, though task 2 has yet to run. */
static ASYNC semaphore_acquire_fifo_order_2(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_semaphore_open(&self->semaphore, 1);
    wanted = 1;
    start_all(self, 3, takes);
    AWAIT(async_yield());
    async_semaphore_release(&self->semaphore);
    async_semaphore_release(&self->semaphore);
    GATHER(3);
    CHECK_LOG("0 1 again 2 ");
    ASYNC_END;
}

TEST(py_locks_semaphore_acquire_fifo_order_2)
{
    play(semaphore_acquire_fifo_order_2, 0);
}

static ASYNC semaphore_acquire_fifo_order_3(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_semaphore_open(&self->semaphore, 0);
    wanted = -1;
    start_all(self, 3, takes);
    AWAIT(async_yield());
    async_cancel(&coros[0].task);
    AWAIT(async_yield());
    async_semaphore_release(&self->semaphore);
    async_semaphore_release(&self->semaphore);
    GATHER(3);
    CHECK_LOG("1 2 ");
    ASYNC_END;
}

TEST(py_locks_semaphore_acquire_fifo_order_3)
{
    play(semaphore_acquire_fifo_order_3, 0);
}

/* Otherwise: the first one was given its permit by the release, before it has
 * run; so there is one left for the second, which need not wait. */
static ASYNC gives_three(struct coro *self)
{
    ASYNC_BEGIN(self);
    async_semaphore_release(&self->stage->semaphore);
    async_semaphore_release(&self->stage->semaphore);
    async_semaphore_release(&self->stage->semaphore);
    CHECK_EQ(async_semaphore_value(&self->stage->semaphore), 2);
    AWAIT(async_semaphore_acquire(&self->stage->semaphore));
    test_log("%d ", self->id);
    ASYNC_END;
}

static ASYNC semaphore_acquire_fifo_order_4(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_semaphore_open(&self->semaphore, 0);
    wanted = -1;
    start(self, 0, takes);
    start(self, 1, gives_three);
    start(self, 2, takes);
    AWAIT(async_yield());
    CHECK_EQ(async_semaphore_value(&self->semaphore), 0);
    GATHER(3);
    CHECK_LOG("1 2 0 ");
    ASYNC_END;
}

TEST(py_locks_semaphore_acquire_fifo_order_4)
{
    play(semaphore_acquire_fifo_order_4, 0);
}

/* ---- Barrier ------------------------------------------------------------- */

static ASYNC barrier_barrier_parties(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    CHECK_EQ(async_barrier_open(&self->barrier, 0), ASYNC_EINVAL);
    CHECK_EQ(async_barrier_open(&self->barrier, -4), ASYNC_EINVAL);
    CHECK_EQ(async_barrier_open(&self->barrier, N), 0);
    ASYNC_END;
}

TEST(py_locks_barrier_barrier_parties)
{
    play(barrier_barrier_parties, 0);
}

/* Waits `wanted` times; its result is its last index. */
static ASYNC passes(struct coro *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < wanted; self->i++) {
        AWAIT_VALUE(self->n, async_barrier_wait(&self->stage->barrier));
        counter++;
    }
    ASYNC_RETURN(self->n);
    ASYNC_END;
}

/* Are the results of the first n 0 to n - 1, each once? */
static bool each_once(int n)
{
    int i, seen = 0;

    for (i = 0; i < n; i++) {
        seen |= 1 << async_result(&coros[i].task);
    }
    return seen == (1 << n) - 1;
}

static ASYNC barrier_context_manager(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_barrier_open(&self->barrier, 3);
    wanted = 1;
    start_all(self, 3, passes);
    GATHER(3);
    CHECK(each_once(3));
    CHECK_EQ(async_barrier_waiting(&self->barrier), 0);
    CHECK(!async_barrier_broken(&self->barrier));
    ASYNC_END;
}

TEST(py_locks_barrier_context_manager)
{
    play(barrier_context_manager, 0);
}

static ASYNC barrier_filling_one_task(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_barrier_open(&self->barrier, 1);
    AWAIT_VALUE(self->n, async_barrier_wait(&self->barrier));
    CHECK_EQ(self->n, 0);
    CHECK_EQ(async_barrier_waiting(&self->barrier), 0);
    CHECK(!async_barrier_broken(&self->barrier));
    ASYNC_END;
}

TEST(py_locks_barrier_filling_one_task)
{
    play(barrier_filling_one_task, 0);
}

static ASYNC barrier_filling_one_task_twice(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_barrier_open(&self->barrier, 1);
    act(self, 'A', op_barrier, &self->barrier);
    AWAIT(async_yield());
    CHECK_EQ(async_barrier_waiting(&self->barrier), 0);
    act(self, 'B', op_barrier, &self->barrier);
    AWAIT(async_yield());
    CHECK_EQ(async_result(task_of(self, 'A')), 0);
    CHECK_EQ(async_result(task_of(self, 'B')), 0);
    CHECK_EQ(async_barrier_waiting(&self->barrier), 0);
    CHECK_LOG("A0 B0 ");
    ASYNC_END;
}

TEST(py_locks_barrier_filling_one_task_twice)
{
    play(barrier_filling_one_task_twice, 0);
}

static ASYNC barrier_filling_task_by_task(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_barrier_open(&self->barrier, 3);
    act(self, 'A', op_barrier, &self->barrier);
    AWAIT(async_yield());
    CHECK_EQ(async_barrier_waiting(&self->barrier), 1);
    act(self, 'B', op_barrier, &self->barrier);
    AWAIT(async_yield());
    CHECK_EQ(async_barrier_waiting(&self->barrier), 2);
    act(self, 'C', op_barrier, &self->barrier);
    AWAIT(async_join(task_of(self, 'A')));
    AWAIT(async_join(task_of(self, 'B')));
    AWAIT(async_join(task_of(self, 'C')));
    CHECK_EQ(async_barrier_waiting(&self->barrier), 0);
    CHECK(!async_barrier_broken(&self->barrier));
    CHECK_LOG("C2 A0 B1 ");
    ASYNC_END;
}

TEST(py_locks_barrier_filling_task_by_task)
{
    play(barrier_filling_task_by_task, 0);
}

static ASYNC barrier_filling_tasks_wait_twice(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_barrier_open(&self->barrier, N);
    wanted = 2;
    start_all(self, N, passes);
    GATHER(N);
    CHECK_EQ(counter, 2 * N);
    CHECK_EQ(async_barrier_waiting(&self->barrier), 0);
    CHECK(!async_barrier_broken(&self->barrier));
    ASYNC_END;
}

TEST(py_locks_barrier_filling_tasks_wait_twice)
{
    play(barrier_filling_tasks_wait_twice, 0);
}

static ASYNC barrier_filling_tasks_check_return_value(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_barrier_open(&self->barrier, N);
    wanted = 2;
    start_all(self, N, passes);
    GATHER(N);
    CHECK(each_once(N));
    CHECK_EQ(async_barrier_waiting(&self->barrier), 0);
    ASYNC_END;
}

TEST(py_locks_barrier_filling_tasks_check_return_value)
{
    play(barrier_filling_tasks_check_return_value, 0);
}

/* Two come again at once, three after a barrier of their own. */
static ASYNC some_come_again(struct coro *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_barrier_wait(&self->stage->barrier));
    counter++;
    if (counter > 2) {
        AWAIT(async_barrier_wait(&self->stage->barrier2));
    }
    AWAIT(async_barrier_wait(&self->stage->barrier));
    ASYNC_END;
}

static ASYNC barrier_blocking_tasks_while_draining(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_barrier_open(&self->barrier, N);
    async_barrier_open(&self->barrier2, N - 2);
    start_all(self, N, some_come_again);
    GATHER(N);
    CHECK_EQ(counter, N);
    CHECK_EQ(async_barrier_waiting(&self->barrier), 0);
    CHECK_EQ(async_barrier_waiting(&self->barrier2), 0);
    ASYNC_END;
}

TEST(py_locks_barrier_blocking_tasks_while_draining)
{
    play(barrier_blocking_tasks_while_draining, 0);
}

static ASYNC barrier_filling_tasks_cancel_one(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_barrier_open(&self->barrier, 3);
    act(self, 'A', op_barrier, &self->barrier);
    AWAIT(async_yield());
    CHECK_EQ(async_barrier_waiting(&self->barrier), 1);
    act(self, 'B', op_barrier, &self->barrier);
    AWAIT(async_yield());
    CHECK_EQ(async_barrier_waiting(&self->barrier), 2);
    async_cancel(task_of(self, 'A'));
    AWAIT(async_yield());
    CHECK_EQ(async_barrier_waiting(&self->barrier), 1);
    CHECK_EQ(async_result(task_of(self, 'A')), ASYNC_ECANCELED);
    act(self, 'C', op_barrier, &self->barrier);
    AWAIT(async_yield());
    CHECK_EQ(async_barrier_waiting(&self->barrier), 2);
    act(self, 'D', op_barrier, &self->barrier);
    AWAIT(async_join(task_of(self, 'B')));
    AWAIT(async_join(task_of(self, 'C')));
    AWAIT(async_join(task_of(self, 'D')));
    CHECK_LOG("Ax D2 B0 C1 ");
    CHECK_EQ(async_barrier_waiting(&self->barrier), 0);
    CHECK(!async_barrier_broken(&self->barrier));
    ASYNC_END;
}

TEST(py_locks_barrier_filling_tasks_cancel_one)
{
    play(barrier_filling_tasks_cancel_one, 0);
}

static ASYNC barrier_reset_barrier(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_barrier_open(&self->barrier, 1);
    CHECK_EQ(async_barrier_reset(&self->barrier), 0);
    CHECK_EQ(async_barrier_waiting(&self->barrier), 0);
    CHECK(!async_barrier_broken(&self->barrier));
    ASYNC_END;
}

TEST(py_locks_barrier_reset_barrier)
{
    play(barrier_reset_barrier, 0);
}

/* Counts in its own fields how its waits ended. */
static ASYNC waits_broken(struct coro *self)
{
    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->e, async_barrier_wait(&self->stage->barrier));
    if (self->e == ASYNC_EBROKEN) {
        counter++;
    }
    if (wanted != 0) {                  /* and again */
        AWAIT(async_barrier_wait(&self->stage->barrier));
        state++;
    }
    ASYNC_END;
}

static ASYNC barrier_reset_barrier_while_tasks_waiting(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_barrier_open(&self->barrier, N);
    start_all(self, N - 1, waits_broken);
    AWAIT(async_yield());
    async_barrier_reset(&self->barrier);
    GATHER(N - 1);
    CHECK_EQ(counter, N - 1);
    CHECK_EQ(async_barrier_waiting(&self->barrier), 0);
    CHECK(!async_barrier_broken(&self->barrier));
    ASYNC_END;
}

TEST(py_locks_barrier_reset_barrier_while_tasks_waiting)
{
    play(barrier_reset_barrier_while_tasks_waiting, 0);
}

/* Otherwise: there is no barrier that is half empty. Who was let through has
 * its result, and a reset comes too late for it. */
static ASYNC resets_third(struct coro *self)
{
    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->e, async_barrier_wait(&self->stage->barrier));
    if (self->e == ASYNC_EBROKEN) {
        counter++;
    } else if (++state == N / 2 + 1) {
        async_barrier_reset(&self->stage->barrier);
    }
    ASYNC_END;
}

static ASYNC
barrier_reset_barrier_when_tasks_half_draining(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_barrier_open(&self->barrier, N);
    start_all(self, N, resets_third);
    GATHER(N);
    CHECK_EQ(counter, 0);
    CHECK_EQ(state, N);
    CHECK_EQ(async_barrier_waiting(&self->barrier), 0);
    CHECK(!async_barrier_broken(&self->barrier));
    ASYNC_END;
}

TEST(py_locks_barrier_reset_barrier_when_tasks_half_draining)
{
    play(barrier_reset_barrier_when_tasks_half_draining, 0);
}

static ASYNC
barrier_reset_barrier_while_tasks_waiting_and_waiting_again(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_barrier_open(&self->barrier, N);
    wanted = 1;
    start_all(self, N - 1, waits_broken);
    AWAIT(async_yield());
    async_barrier_reset(&self->barrier);
    AWAIT(async_yield());
    AWAIT(async_barrier_wait(&self->barrier));
    GATHER(N - 1);
    CHECK_EQ(counter, N - 1);
    CHECK_EQ(state, N - 1);
    CHECK_EQ(async_barrier_waiting(&self->barrier), 0);
    CHECK(!async_barrier_broken(&self->barrier));
    ASYNC_END;
}

TEST(py_locks_barrier_reset_barrier_while_tasks_waiting_and_waiting_again)
{
    play(barrier_reset_barrier_while_tasks_waiting_and_waiting_again, 0);
}

static ASYNC barrier_abort_barrier(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_barrier_open(&self->barrier, 1);
    CHECK_EQ(async_barrier_abort(&self->barrier), 0);
    CHECK_EQ(async_barrier_waiting(&self->barrier), 0);
    CHECK(async_barrier_broken(&self->barrier));
    ASYNC_END;
}

TEST(py_locks_barrier_abort_barrier)
{
    play(barrier_abort_barrier, 0);
}

/* The first two come again, the third aborts: those two are told. The others
 * were let through before; there, they were told as well. */
static ASYNC aborts_third(struct coro *self)
{
    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->e, async_barrier_wait(&self->stage->barrier));
    if (self->e == ASYNC_EBROKEN) {
        counter++;
    } else if (++state > N / 2) {
        async_barrier_abort(&self->stage->barrier);
    } else {
        AWAIT_RESULT(self->e, async_barrier_wait(&self->stage->barrier));
        CHECK_EQ(self->e, ASYNC_EBROKEN);
        test_log("%d ", self->id);
    }
    ASYNC_END;
}

static ASYNC
barrier_abort_barrier_when_tasks_half_draining_half_blocking(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_barrier_open(&self->barrier, N);
    start_all(self, N, aborts_third);
    GATHER(N);
    CHECK(async_barrier_broken(&self->barrier));
    CHECK_EQ(counter, 0);
    CHECK_LOG("4 0 ");
    CHECK_EQ(async_barrier_waiting(&self->barrier), 0);
    ASYNC_END;
}

TEST(py_locks_barrier_abort_barrier_when_tasks_half_draining_half_blocking)
{
    play(barrier_abort_barrier_when_tasks_half_draining_half_blocking, 0);
}

/* One of them fails inside, and aborts. With `wanted`, all meet at a second
 * barrier then, one of them resets the first, and they use that again. */
static ASYNC one_fails(struct coro *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT_VALUE(self->i, async_barrier_wait(&self->stage->barrier));
        if (self->i == N / 2) {
            ASYNC_RAISE(ASYNC_EIO);
        }
        AWAIT(async_barrier_wait(&self->stage->barrier));
        test_log("never ");
    } ASYNC_CATCH(self->e) {
        if (self->e == ASYNC_EIO) {
            async_barrier_abort(&self->stage->barrier);
        } else {
            CHECK_EQ(self->e, ASYNC_EBROKEN);
            counter++;
        }
    } ASYNC_TRY_END;
    if (wanted != 0) {
        AWAIT_VALUE(self->i, async_barrier_wait(&self->stage->barrier2));
        if (self->i == N / 2) {
            async_barrier_reset(&self->stage->barrier);
        }
        AWAIT(async_barrier_wait(&self->stage->barrier2));
        AWAIT(async_barrier_wait(&self->stage->barrier));
        state++;
    }
    ASYNC_END;
}

static ASYNC barrier_abort_barrier_when_exception(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_barrier_open(&self->barrier, N);
    start_all(self, N, one_fails);
    GATHER(N);
    CHECK(async_barrier_broken(&self->barrier));
    CHECK_EQ(counter, N - 1);
    CHECK_LOG("");
    CHECK_EQ(async_barrier_waiting(&self->barrier), 0);
    ASYNC_END;
}

TEST(py_locks_barrier_abort_barrier_when_exception)
{
    play(barrier_abort_barrier_when_exception, 0);
}

static ASYNC
barrier_abort_barrier_when_exception_then_resetting(struct stage *self)
{
    ASYNC_BEGIN(self);
    reset_counters();
    async_barrier_open(&self->barrier, N);
    async_barrier_open(&self->barrier2, N);
    wanted = 1;
    start_all(self, N, one_fails);
    GATHER(N);
    CHECK(!async_barrier_broken(&self->barrier));
    CHECK_EQ(counter, N - 1);
    CHECK_EQ(state, N);
    CHECK_LOG("");
    CHECK_EQ(async_barrier_waiting(&self->barrier), 0);
    ASYNC_END;
}

TEST(py_locks_barrier_abort_barrier_when_exception_then_resetting)
{
    play(barrier_abort_barrier_when_exception_then_resetting, 0);
}

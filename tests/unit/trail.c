/* What a debug build says of errors: where one was raised, what it passed, and
 * which one nobody took. And of tasks: what each waits for, and where. The programs here run in every build, and do the same;
 * what is said is compared where it is said. */
#include "test.h"

#include <string.h>

#if ASYNC_DEBUG && ASYNC_HOSTED
#define CHECK_WARNINGS(want) CHECK_STR(test_warnings(), want)
#elif ASYNC_DEBUG                       /* a board keeps less, and says less */
#define CHECK_WARNINGS(want) ((void)test_warnings())
#else
#define CHECK_WARNINGS(want) CHECK_STR(test_warnings(), "")
#endif
#define UNTAKEN(name) \
    "async: task `" name "` (spawned at trail.c) ended in an error that " \
    "nobody took: "
#define RAN(name) \
    "async: task `" name "` (spawned at trail.c) is what the loop ran for, " \
    "and it ended in an error: "
#define MS1 ((async_duration)ASYNC_MS(1))

/* ---- a leaf, and what awaits it --------------------------------------------- */

struct leaf {
    async_frame frame;
    int error, e, outcome;
    bool busy;                  /* its cleanup awaits, and has errors of its own */
};

static ASYNC fails(struct leaf *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(MS1));
    ASYNC_RAISE(ASYNC_EUSER(1));
    ASYNC_END;
}

static ASYNC leaf(struct leaf *self)
{
    static struct leaf other;

    ASYNC_BEGIN(self);
    memset(&other, 0, sizeof other);
    ASYNC_TRY {
        AWAIT(async_sleep(MS1));
        if (self->error < 0) {
            ASYNC_RAISE(self->error);
        }
    } ASYNC_FINALLY(self->outcome) {
        if (self->busy) {
            AWAIT(async_sleep(MS1));
            AWAIT_RESULT(self->e, fails(&other));
            CHECK_EQ(self->e, ASYNC_EUSER(1));
        }
    } ASYNC_TRY_END;
    ASYNC_RETURN(1);
    ASYNC_END;
}

struct job {
    async_frame frame;
    async_task task;
    async_member member;
    struct leaf leaf;
    int e;
};

static ASYNC job(struct job *self)
{
    ASYNC_BEGIN(self);
    AWAIT(leaf(&self->leaf));
    ASYNC_END;
}

struct program {
    async_frame frame;
    async_task task;
    struct job job[66];
    async_timeout scope;
    async_group group;
    async_wait_set set;
    async_waiter waiter[3];
    async_watch watch;
    async_pool pool;
    async_slot slot[1];
    int i, e, n;
};

static struct program p;

static struct program *fresh(void)
{
    memset(&p, 0, sizeof p);
    return &p;
}

static void start(struct program *self, int i, int error)
{
    self->job[i].leaf.error = error;
    CHECK_EQ(async_spawn(&self->job[i].task, job, &self->job[i]), 0);
}

/* ---- where an error comes from ------------------------------------------------ */

TEST(trail_of_a_raised_error)
{
    static struct job it;

    memset(&it, 0, sizeof it);
    it.leaf.error = ASYNC_EIO;
    CHECK_EQ(async_run(job, &it), ASYNC_EIO);
    CHECK_WARNINGS(RAN("job") "input or output failed (-5)\n"
                   "    raised in leaf, at trail.c\n"
                   "    awaited in job, at trail.c\n");
}

TEST(trail_outlives_a_busy_finally)
{
    static struct job it;

    memset(&it, 0, sizeof it);
    it.leaf.error = ASYNC_EUSER(7);
    it.leaf.busy = true;
    CHECK_EQ(async_run(job, &it), ASYNC_EUSER(7));
    CHECK_WARNINGS(RAN("job") "ASYNC_EUSER(7)\n"
                   "    raised in leaf, at trail.c\n"
                   "    awaited in job, at trail.c\n");
}

/* The same error as the one that is under way, raised and caught in between. */
TEST(trail_outlives_an_equal_error)
{
    static struct job it;

    memset(&it, 0, sizeof it);
    it.leaf.error = ASYNC_EUSER(1);
    it.leaf.busy = true;
    CHECK_EQ(async_run(job, &it), ASYNC_EUSER(1));
    CHECK_WARNINGS(RAN("job") "ASYNC_EUSER(1)\n"
                   "    raised in leaf, at trail.c\n"
                   "    awaited in job, at trail.c\n");
}

/* Its cleanup fails with the same error, or another one, and then so does it. */
struct opened {
    async_frame frame;
    struct leaf leaf, other;
    int error, e, outcome, inner, i;
};

static ASYNC cleanup_fails(struct opened *self)
{
    ASYNC_BEGIN(self);
    self->leaf.error = self->error;
    ASYNC_TRY {
        AWAIT(leaf(&self->leaf));
    } ASYNC_FINALLY(self->outcome) {
        ASYNC_TRY {                     /* caught on its way */
            AWAIT(fails(&self->other));
        } ASYNC_CATCH(self->e) {
            ASYNC_RAISE(self->e);
        } ASYNC_TRY_END;
    } ASYNC_TRY_END;
    ASYNC_END;
}

TEST(trail_of_an_error_that_cleanup_repeats)
{
    static struct opened it;

    memset(&it, 0, sizeof it);
    it.error = ASYNC_EUSER(1);
    CHECK_EQ(async_run(cleanup_fails, &it), ASYNC_EUSER(1));
    CHECK_WARNINGS(RAN("cleanup_fails") "ASYNC_EUSER(1)\n"
                   "    raised in leaf, at trail.c\n"
                   "    awaited in cleanup_fails, at trail.c\n"
                   "    raised again in cleanup_fails, at trail.c\n");
    memset(&it, 0, sizeof it);
    it.error = ASYNC_EIO;
    CHECK_EQ(async_run(cleanup_fails, &it), ASYNC_EUSER(1));
    CHECK_WARNINGS(RAN("cleanup_fails") "ASYNC_EUSER(1)\n"
                   "    raised in fails, at trail.c\n"
                   "    awaited in cleanup_fails, at trail.c\n"
                   "    raised again in cleanup_fails, at trail.c\n");
}

static ASYNC release_fails(struct opened *self)
{
    ASYNC_BEGIN(self);
    self->leaf.error = self->error;
    ASYNC_WITH_AWAIT(self->outcome, async_yield(), fails(&self->other)) {
        AWAIT(leaf(&self->leaf));
    } ASYNC_WITH_END;
    ASYNC_END;
}

TEST(trail_of_an_error_that_a_release_repeats)
{
    static struct opened it;

    memset(&it, 0, sizeof it);
    it.error = ASYNC_EUSER(1);
    CHECK_EQ(async_run(release_fails, &it), ASYNC_EUSER(1));
    CHECK_WARNINGS(RAN("release_fails") "ASYNC_EUSER(1)\n"
                   "    raised in leaf, at trail.c\n"
                   "    awaited in release_fails, at trail.c\n"
                   "    raised again in release_fails, at trail.c\n");
    memset(&it, 0, sizeof it);
    it.error = ASYNC_EIO;
    CHECK_EQ(async_run(release_fails, &it), ASYNC_EUSER(1));
    CHECK_WARNINGS(RAN("release_fails") "ASYNC_EUSER(1)\n"
                   "    raised in fails, at trail.c\n"
                   "    awaited in release_fails, at trail.c\n");
}

/* The same of a generator that is closed. */
struct items {
    async_generator frame;
    struct leaf other;
    int outcome;
};

static ASYNC items(struct items *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        for (;;) {
            ASYNC_YIELD();
        }
    } ASYNC_FINALLY(self->outcome) {
        AWAIT(fails(&self->other));
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct loops {
    async_frame frame;
    struct items items;
    struct leaf leaf;
};

static ASYNC loops(struct loops *self)
{
    ASYNC_BEGIN(self);
    self->leaf.error = ASYNC_EUSER(1);
    ASYNC_FOR(items, &self->items) {
        AWAIT(leaf(&self->leaf));
    } ASYNC_FOR_END;
    ASYNC_END;
}

TEST(trail_of_an_error_that_a_generator_repeats)
{
    static struct loops it;

    memset(&it, 0, sizeof it);
    CHECK_EQ(async_run(loops, &it), ASYNC_EUSER(1));
    CHECK_WARNINGS(RAN("loops") "ASYNC_EUSER(1)\n"
                   "    raised in leaf, at trail.c\n"
                   "    awaited in loops, at trail.c\n"
                   "    raised again in loops, at trail.c\n");
}

/* A finally in a finally: each keeps its own; the same error, told apart. */
static ASYNC cleans_deeply(struct opened *self)
{
    ASYNC_BEGIN(self);
    self->leaf.error = ASYNC_EUSER(1);
    ASYNC_TRY {
        AWAIT(leaf(&self->leaf));
    } ASYNC_FINALLY(self->outcome) {
        for (self->i = 0; self->i < 2; self->i++) {
            ASYNC_TRY {
                ASYNC_TRY {
                    AWAIT(fails(&self->other));
                } ASYNC_FINALLY(self->inner) {
                    AWAIT_RESULT(self->e, fails(&self->other));
                    CHECK_EQ(self->e, ASYNC_EUSER(1));
                } ASYNC_TRY_END;
            } ASYNC_CATCH(self->e) {
                CHECK_EQ(self->e, ASYNC_EUSER(1));
            } ASYNC_TRY_END;
        }
    } ASYNC_TRY_END;
    ASYNC_END;
}

TEST(trail_outlives_a_finally_in_a_finally)
{
    static struct opened it;

    memset(&it, 0, sizeof it);
    CHECK_EQ(async_run(cleans_deeply, &it), ASYNC_EUSER(1));
    CHECK_WARNINGS(RAN("cleans_deeply") "ASYNC_EUSER(1)\n"
                   "    raised in leaf, at trail.c\n"
                   "    awaited in cleans_deeply, at trail.c\n");
}

/* A break out of a finally drops the error: an equal one later is another. */
static ASYNC drops_it(struct opened *self)
{
    ASYNC_BEGIN(self);
    self->leaf.error = ASYNC_EUSER(1);
    for (;;) {
        ASYNC_TRY {
            AWAIT(leaf(&self->leaf));
        } ASYNC_FINALLY(self->outcome) {
            break;
        } ASYNC_TRY_END;
    }
    AWAIT(fails(&self->other));
    ASYNC_END;
}

TEST(trail_of_an_error_after_one_that_was_dropped)
{
    static struct opened it;

    memset(&it, 0, sizeof it);
    CHECK_EQ(async_run(drops_it, &it), ASYNC_EUSER(1));
    CHECK_WARNINGS(RAN("drops_it") "ASYNC_EUSER(1)\n"
                   "    raised in fails, at trail.c\n"
                   "    awaited in drops_it, at trail.c\n");
}

static ASYNC failing_operation(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_join(NULL));
    ASYNC_END;
}

TEST(trail_of_an_operation)
{
    CHECK_EQ(async_run(failing_operation, fresh()), ASYNC_EINVAL);
    CHECK_WARNINGS(RAN("failing_operation") "invalid argument (-22)\n"
                   "    raised in failing_operation, at trail.c\n");
}

static ASYNC returns_an_error(struct program *self)
{
    ASYNC_BEGIN(self);
    ASYNC_RETURN(self->i - 5);
    ASYNC_END;
}

TEST(trail_of_a_returned_error)
{
    CHECK_EQ(async_run(returns_an_error, fresh()), -5);
    CHECK_WARNINGS(RAN("returns_an_error") "input or output failed (-5)\n"
                   "    raised in returns_an_error, at trail.c\n");
}

static ASYNC times_out(struct program *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_MS(1)) {
        AWAIT(async_sleep((async_duration)ASYNC_MS(10)));
    } ASYNC_TIMEOUT_END;
    ASYNC_END;
}

TEST(trail_of_a_timeout)
{
    CHECK_EQ(async_run(times_out, fresh()), ASYNC_ETIMEDOUT);
    CHECK_WARNINGS(RAN("times_out") "timed out (-110)\n"
                   "    raised in times_out, at trail.c\n");
}

/* Caught, and raised again. */
static ASYNC raises_again(struct program *self)
{
    ASYNC_BEGIN(self);
    self->job[0].leaf.error = ASYNC_EIO;
    ASYNC_TRY {
        AWAIT(leaf(&self->job[0].leaf));
    } ASYNC_CATCH(self->e) {
        AWAIT(async_sleep(MS1));
        ASYNC_RAISE(self->e);
    } ASYNC_TRY_END;
    ASYNC_END;
}

TEST(trail_of_an_error_raised_again)
{
    CHECK_EQ(async_run(raises_again, fresh()), ASYNC_EIO);
    CHECK_WARNINGS(RAN("raises_again") "input or output failed (-5)\n"
                   "    raised in leaf, at trail.c\n"
                   "    awaited in raises_again, at trail.c\n"
                   "    raised again in raises_again, at trail.c\n");
}

/* Caught three times; the fourth one is another, in another place. */
static ASYNC retries(struct program *self)
{
    ASYNC_BEGIN(self);
    self->job[0].leaf.error = ASYNC_EIO;
    for (self->i = 0; self->i < 3; self->i++) {
        AWAIT_RESULT(self->e, leaf(&self->job[0].leaf));
        CHECK_EQ(self->e, ASYNC_EIO);
    }
    AWAIT(job(&self->job[0]));
    ASYNC_END;
}

TEST(trail_begins_anew_with_each_error)
{
    static struct job it;
    int i;

    for (i = 0; i < 16; i++) {          /* wherever there is a place for it */
        CHECK_EQ(async_run(retries, fresh()), ASYNC_EIO);
        CHECK_WARNINGS(RAN("retries") "input or output failed (-5)\n"
                       "    raised in leaf, at trail.c\n"
                       "    awaited in job, at trail.c\n"
                       "    awaited in retries, at trail.c\n");
        memset(&it, 0, sizeof it);
        it.leaf.error = ASYNC_EBUSY;
        CHECK_EQ(async_run(job, &it), ASYNC_EBUSY);
        (void)test_warnings();
    }
}

/* Caught for good in a coroutine, whose frame another one takes over. */
static ASYNC catches(struct leaf *self)
{
    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->e, async_join(NULL));
    AWAIT_RESULT(self->e, fails(self + 1));
    CHECK_EQ(self->e, ASYNC_EUSER(1));
    ASYNC_END;
}

static ASYNC takes_over(struct program *self)
{
    static struct leaf frames[2];

    ASYNC_BEGIN(self);
    memset(frames, 0, sizeof frames);
    AWAIT(catches(&frames[0]));
    AWAIT(fails(&frames[0]));
    ASYNC_END;
}

TEST(trail_ends_with_its_coroutine)
{
    CHECK_EQ(async_run(takes_over, fresh()), ASYNC_EUSER(1));
    CHECK_WARNINGS(RAN("takes_over") "ASYNC_EUSER(1)\n"
                   "    raised in fails, at trail.c\n"
                   "    awaited in takes_over, at trail.c\n");
}

/* A chain that is longer than a trail: the first are told, and the last. */
struct deep { async_frame frame; int left; };

static ASYNC deep(struct deep *self)
{
    ASYNC_BEGIN(self);
    if (self->left == 0) {
        ASYNC_RAISE(ASYNC_EBUSY);
    }
    self[1].left = self->left - 1;
    AWAIT(deep(self + 1));
    ASYNC_END;
}

TEST(trail_too_long_for_its_room)
{
    static struct deep frames[20];

    memset(frames, 0, sizeof frames);
    frames[0].left = 19;
    CHECK_EQ(async_run(deep, &frames[0]), ASYNC_EBUSY);
    CHECK_WARNINGS(RAN("deep") "busy (-16)\n"
                   "    raised in deep, at trail.c\n"
                   "    awaited in deep, at trail.c\n"
                   "    awaited in deep, at trail.c\n"
                   "    awaited in deep, at trail.c\n"
                   "    awaited in deep, at trail.c\n"
                   "    awaited in deep, at trail.c\n"
                   "    awaited in deep, at trail.c\n"
                   "    ... 12 more ...\n"
                   "    awaited in deep, at trail.c\n");
}

/* An entry that is no coroutine leaves no trail, but its name. */
static async_status plain(void *frame)
{
    (void)frame;
    return ASYNC_ENOENT;
}

TEST(trail_of_an_entry_without_a_body)
{
    CHECK_EQ(async_run(plain, (void *)0), ASYNC_ENOENT);
    CHECK_WARNINGS(RAN("plain") "no such file or entry (-2)\n");
}

/* ---- from task to task ---------------------------------------------------------- */

static ASYNC joins(struct program *self)
{
    ASYNC_BEGIN(self);
    start(self, 0, ASYNC_EIO);
    AWAIT(async_join(&self->job[0].task));
    ASYNC_END;
}

TEST(trail_goes_through_a_join)
{
    CHECK_EQ(async_run(joins, fresh()), ASYNC_EIO);
    CHECK_WARNINGS(RAN("joins") "input or output failed (-5)\n"
                   "    raised in leaf, at trail.c\n"
                   "    awaited in job, at trail.c\n"
                   "    the end of task `job` (spawned at trail.c)\n"
                   "    awaited in joins, at trail.c\n");
}

static ASYNC joins_late(struct program *self)
{
    ASYNC_BEGIN(self);
    start(self, 0, ASYNC_EIO);
    AWAIT(async_sleep((async_duration)ASYNC_MS(10)));
    AWAIT(async_shield(&self->job[0].task));
    ASYNC_END;
}

TEST(trail_goes_through_a_late_join)
{
    CHECK_EQ(async_run(joins_late, fresh()), ASYNC_EIO);
    CHECK_WARNINGS(RAN("joins_late") "input or output failed (-5)\n"
                   "    raised in leaf, at trail.c\n"
                   "    awaited in job, at trail.c\n"
                   "    the end of task `job` (spawned at trail.c)\n"
                   "    awaited in joins_late, at trail.c\n");
}

static ASYNC asks(struct program *self)
{
    ASYNC_BEGIN(self);
    start(self, 0, ASYNC_EIO);
    AWAIT(async_sleep((async_duration)ASYNC_MS(10)));
    ASYNC_RAISE(async_result(&self->job[0].task));
    ASYNC_END;
}

TEST(trail_goes_through_a_result)
{
    CHECK_EQ(async_run(asks, fresh()), ASYNC_EIO);
    CHECK_WARNINGS(RAN("asks") "input or output failed (-5)\n"
                   "    raised in leaf, at trail.c\n"
                   "    awaited in job, at trail.c\n"
                   "    the end of task `job` (spawned at trail.c)\n"
                   "    raised again in asks, at trail.c\n");
}

static ASYNC groups(struct program *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        for (self->i = 0; self->i < 3; self->i++) {
            self->job[self->i].leaf.error = ASYNC_EIO;
            AWAIT(async_group_spawn(&self->group, &self->job[self->i].member,
                                    job, &self->job[self->i]));
        }
    } ASYNC_GROUP_END;
    ASYNC_END;
}

TEST(trail_goes_through_a_group)
{
    CHECK_EQ(async_run(groups, fresh()), ASYNC_EIO);
    CHECK_WARNINGS(RAN("groups") "input or output failed (-5)\n"
                   "    raised in leaf, at trail.c\n"
                   "    awaited in job, at trail.c\n"
                   "    the end of task `job` (spawned at trail.c)\n"
                   "    awaited in groups, at trail.c\n");
}

static ASYNC gathers(struct program *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 3; self->i++) {
        start(self, self->i, self->i == 1 ? ASYNC_EIO : 0);
        self->waiter[self->i].task = &self->job[self->i].task;
    }
    AWAIT(async_sleep((async_duration)ASYNC_MS(self->n)));
    AWAIT(async_gather(&self->set, self->waiter, 3));
    ASYNC_END;
}

static const char *const of_gather =
    RAN("gathers") "input or output failed (-5)\n"
    "    raised in leaf, at trail.c\n"
    "    awaited in job, at trail.c\n"
    "    the end of task `job` (spawned at trail.c)\n"
    "    awaited in gathers, at trail.c\n";

TEST(trail_goes_through_a_gather)
{
    CHECK_EQ(async_run(gathers, fresh()), ASYNC_EIO);
    CHECK_WARNINGS(of_gather);
    fresh()->n = 10;                    /* they have ended before */
    CHECK_EQ(async_run(gathers, &p), ASYNC_EIO);
    CHECK_WARNINGS(of_gather);
    (void)of_gather;
}

/* ---- what somebody takes is not spoken of ------------------------------------- */

static void called(async_watch *watch, async_task *task)
{
    (void)watch;
    (void)task;
}

static ASYNC takes(struct program *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 8; self->i++) {
        start(self, self->i, ASYNC_EIO);
    }
    for (self->i = 0; self->i < 3; self->i++) {
        self->waiter[self->i].task = &self->job[self->i].task;
    }
    AWAIT_RESULT(self->e, async_join(&self->job[3].task));
    AWAIT_RESULT(self->e, async_wait(&self->set, self->waiter, 3,
                                     ASYNC_ALL_COMPLETED));
    AWAIT_RESULT(self->e, async_shield(&self->job[4].task));
    CHECK_EQ(async_result(&self->job[5].task), ASYNC_EIO);
    CHECK_EQ(async_on_done(&self->job[6].task, &self->watch, called), 0);
    AWAIT_RESULT(self->e, async_join(&self->job[7].task));
    CHECK_EQ(self->e, ASYNC_EIO);
    start(self, 0, ASYNC_EIO);
    CHECK_EQ(async_on_done(&self->job[0].task, &self->watch, called), 0);
    start(self, 1, 0);
    async_cancel(&self->job[1].task);       /* a cancelled one is no error */
    start(self, 2, 0);
    AWAIT(async_sleep(MS1));
    async_cancel(&self->job[2].task);
    AWAIT(async_sleep((async_duration)ASYNC_MS(10)));
    ASYNC_END;
}

TEST(trail_taken_is_not_reported)
{
    CHECK_EQ(async_run(takes, fresh()), 0);
    CHECK_WARNINGS("");
}

/* ---- what nobody takes ------------------------------------------------------------ */

static ASYNC forgets(struct program *self)
{
    ASYNC_BEGIN(self);
    start(self, 0, ASYNC_EIO);
    AWAIT(async_sleep((async_duration)ASYNC_MS(10)));
    CHECK(async_done(&self->job[0].task));
    ASYNC_END;
}

TEST(trail_untaken_at_the_end_of_a_run)
{
    CHECK_EQ(async_run(forgets, fresh()), 0);
    CHECK_WARNINGS(UNTAKEN("job") "input or output failed (-5)\n"
                   "    raised in leaf, at trail.c\n"
                   "    awaited in job, at trail.c\n");
    CHECK_EQ(async_result(&p.job[0].task), ASYNC_EIO);
}

static ASYNC spawns_again(struct program *self)
{
    ASYNC_BEGIN(self);
    start(self, 0, ASYNC_EIO);
    AWAIT(async_sleep((async_duration)ASYNC_MS(10)));
    CHECK_WARNINGS("");
    start(self, 0, 0);
    CHECK_WARNINGS(UNTAKEN("job") "input or output failed (-5)\n"
                   "    raised in leaf, at trail.c\n"
                   "    awaited in job, at trail.c\n");
    AWAIT(async_join(&self->job[0].task));
    ASYNC_END;
}

TEST(trail_untaken_when_spawned_again)
{
    CHECK_EQ(async_run(spawns_again, fresh()), 0);
    CHECK_WARNINGS("");
}

/* The coroutine ends in whose frame the task is. */
static ASYNC middle(struct program *self)
{
    ASYNC_BEGIN(self);
    start(self, 0, ASYNC_EIO);
    AWAIT(async_sleep((async_duration)ASYNC_MS(10)));
    ASYNC_END;
}

static ASYNC outer(struct program *self)
{
    static struct program inner;

    ASYNC_BEGIN(self);
    memset(&inner, 0, sizeof inner);
    AWAIT(middle(&inner));
    CHECK_WARNINGS(UNTAKEN("job") "input or output failed (-5)\n"
                   "    raised in leaf, at trail.c\n"
                   "    awaited in job, at trail.c\n");
    ASYNC_END;
}

TEST(trail_untaken_when_its_memory_goes)
{
    CHECK_EQ(async_run(outer, fresh()), 0);
    CHECK_WARNINGS("");
}

/* More of them than there is room for. */
static ASYNC forgets_many(struct program *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 66; self->i++) {
        start(self, self->i, ASYNC_EUSER(self->i));
    }
    AWAIT(async_sleep((async_duration)ASYNC_MS(10)));
    CHECK_WARNINGS(UNTAKEN("job") "ASYNC_EUSER(0)\n"
                   "    raised in leaf, at trail.c\n"
                   "    awaited in job, at trail.c\n"
                   UNTAKEN("job") "ASYNC_EUSER(1)\n"
                   "    raised in leaf, at trail.c\n"
                   "    awaited in job, at trail.c\n");
    for (self->i = 0; self->i < 66; self->i++) {
        (void)async_result(&self->job[self->i].task);
    }
    ASYNC_END;
}

TEST(trail_untaken_and_displaced)
{
    CHECK_EQ(async_run(forgets_many, fresh()), 0);
    CHECK_WARNINGS("");
}

static ASYNC pools(struct program *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_pool_open(&self->pool, self->slot, 1), 0);
    for (self->i = 0; self->i < 2; self->i++) {
        self->job[self->i].leaf.error = ASYNC_EIO;
        AWAIT(async_pool_take(&self->pool));
        CHECK_EQ(async_pool_spawn(&self->pool, 0, job, &self->job[self->i]), 0);
        if (self->i == 1) {
            CHECK_EQ(async_on_done(&self->slot[0].task, &self->watch, called),
                     0);
        }
    }
    AWAIT(async_pool_join(&self->pool));
    ASYNC_END;
}

/* The pool does not look at results; the callback beside it may. */
TEST(trail_untaken_in_a_pool)
{
    CHECK_EQ(async_run(pools, fresh()), 0);
    CHECK_WARNINGS(UNTAKEN("job") "input or output failed (-5)\n"
                   "    raised in leaf, at trail.c\n"
                   "    awaited in job, at trail.c\n");
}

TEST(trail_untaken_when_the_loop_closes)
{
    async_loop loop;

    fresh();
    CHECK_EQ(async_loop_open(&loop), 0);
    start(&p, 0, ASYNC_EIO);
    start(&p, 1, ASYNC_EIO);
    CHECK_EQ(async_loop_run(&loop, NULL), 0);
    CHECK_WARNINGS("");
    CHECK_EQ(async_result(&p.job[0].task), ASYNC_EIO);
    CHECK_EQ(async_loop_close(&loop), 0);
    CHECK_WARNINGS(UNTAKEN("job") "input or output failed (-5)\n"
                   "    raised in leaf, at trail.c\n"
                   "    awaited in job, at trail.c\n");
}

/* What one that is run to its end again answers, has been answered. */
TEST(trail_of_a_run_is_told_once)
{
    async_loop loop;

    fresh();
    CHECK_EQ(async_loop_open(&loop), 0);
    start(&p, 0, ASYNC_EIO);
    CHECK_EQ(async_loop_run(&loop, &p.job[0].task), ASYNC_EIO);
    CHECK_WARNINGS(RAN("job") "input or output failed (-5)\n"
                   "    raised in leaf, at trail.c\n"
                   "    awaited in job, at trail.c\n");
    CHECK_EQ(async_loop_run(&loop, &p.job[0].task), ASYNC_EIO);
    start(&p, 1, ASYNC_EIO);
    CHECK_EQ(async_loop_run(&loop, NULL), 0);
    CHECK_EQ(async_loop_run(&loop, &p.job[1].task), ASYNC_EIO);
    CHECK_EQ(async_loop_close(&loop), 0);
    CHECK_WARNINGS("");
}

/* ---- who is there ----------------------------------------------------------------- */

struct waiting { async_frame frame; async_task task; async_event *event; };

static ASYNC waits(struct waiting *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_event_wait(self->event));
    ASYNC_END;
}

struct crowd {
    async_frame frame;
    async_event event;
    struct waiting waiting[2];
    struct waiting inner;
    async_task polls, yields, joins, fresh;
    struct leaf leaf;
    struct crowd *self;
    bool stop;
};

static ASYNC crowd_polls(struct crowd *self)
{
    ASYNC_BEGIN(self);
    AWAIT_UNTIL(self->self->stop);
    ASYNC_END;
}

static ASYNC crowd_yields(struct crowd *self)
{
    ASYNC_BEGIN(self);
    while (!self->self->stop) {
        AWAIT(async_yield());
    }
    ASYNC_END;
}

static ASYNC crowd_joins(struct crowd *self)
{
    ASYNC_BEGIN(self);
    self->inner.event = &self->self->event;
    AWAIT(async_join(&self->self->waiting[0].task));
    AWAIT(waits(&self->inner));
    ASYNC_END;
}

static ASYNC crowd(struct crowd *self)
{
    static struct crowd other[3];
    int i;

    ASYNC_BEGIN(self);
    memset(other, 0, sizeof other);
    for (i = 0; i < 3; i++) {
        other[i].self = self;
    }
    for (i = 0; i < 2; i++) {
        self->waiting[i].event = &self->event;
        CHECK_EQ(async_spawn(&self->waiting[i].task, waits,
                             &self->waiting[i]), 0);
    }
    CHECK_EQ(async_spawn(&self->polls, crowd_polls, &other[0]), 0);
    CHECK_EQ(async_spawn(&self->yields, crowd_yields, &other[1]), 0);
    CHECK_EQ(async_spawn(&self->joins, crowd_joins, &other[2]), 0);
    AWAIT(async_yield());
    test_busy((async_duration)ASYNC_MS(30));    /* (as some are always ready) */
    AWAIT(async_yield());
    CHECK_EQ(async_spawn(&self->fresh, leaf, &self->leaf), 0);
    (void)test_warnings();
    async_dump();
    CHECK_WARNINGS("async: tasks: 7\n"
                   "  task `crowd` (spawned at trail.c) runs\n"
                   "    in crowd, at trail.c\n"
                   "  task `waits` (spawned at trail.c) waits in "
                   "async_event_wait, for 30 ms\n"
                   "    in waits, at trail.c\n"
                   "  task `waits` (spawned at trail.c) waits in "
                   "async_event_wait, for 30 ms\n"
                   "    in waits, at trail.c\n"
                   "  task `crowd_polls` (spawned at trail.c) polls\n"
                   "    in crowd_polls, at trail.c\n"
                   "  task `crowd_yields` (spawned at trail.c) yields, for 0 ms\n"
                   "    in crowd_yields, at trail.c\n"
                   "  task `crowd_joins` (spawned at trail.c) waits in "
                   "async_join for task `waits`, for 30 ms\n"
                   "    in crowd_joins, at trail.c\n"
                   "  task `leaf` (spawned at trail.c) has not run yet\n");
    async_cancel(&self->fresh);
    async_cancel(&self->waiting[1].task);
    async_dump_task(&self->waiting[1].task);
    CHECK_WARNINGS("async: task `waits` (spawned at trail.c) is struck in "
                   "async_event_wait, for 30 ms, and a cancel is pending\n"
                   "    in waits, at trail.c\n");
    async_event_set(&self->event);
    async_dump_task(&self->waiting[0].task);
    CHECK_WARNINGS("async: task `waits` (spawned at trail.c) is woken from "
                   "async_event_wait, for 30 ms\n"
                   "    in waits, at trail.c\n");
    async_event_clear(&self->event);
    AWAIT(async_yield());
    AWAIT(async_yield());
    test_busy((async_duration)ASYNC_MS(5));
    async_dump_task(&self->joins);
    CHECK_WARNINGS("async: task `crowd_joins` (spawned at trail.c) waits in "
                   "async_event_wait, for 5 ms\n"
                   "    in waits, at trail.c\n"
                   "    in crowd_joins, at trail.c\n");
    async_dump_task(&self->waiting[0].task);
    CHECK_WARNINGS("async: task `waits` (spawned at trail.c) is done\n");
    async_dump_task(NULL);
    CHECK_WARNINGS("async: task `crowd` (spawned at trail.c) runs\n"
                   "    in crowd, at trail.c\n");
    self->stop = true;
    ASYNC_END;
}

TEST(dump_of_every_task)
{
    static struct crowd first;

    memset(&first, 0, sizeof first);
    CHECK_EQ(async_run(crowd, &first), 0);
    CHECK_WARNINGS("");
}

TEST(dump_of_nothing)
{
    static async_task never;

    async_dump();
    CHECK_WARNINGS("async: no loop is current\n");
    async_dump_task(NULL);
    CHECK_WARNINGS("async: no task runs\n");
    async_dump_task(&never);
    CHECK_WARNINGS("async: task was never spawned\n");
    (void)never;
}

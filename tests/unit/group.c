/* Tasks that cannot outlive a block. */
#include "family.h"

/* ---- the block and its children ------------------------------------------ */

static ASYNC waits_for_all(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 2000, 10);
        child(self, 1, 1000, 20);
        test_log("spawned ");
    } ASYNC_GROUP_END;
    CHECK_EQ(test_ms(), 2000);
    CHECK_EQ(child_result(self, 0), 10);
    CHECK_EQ(child_result(self, 1), 20);
    CHECK(!async_group_closing(&self->group));
    ASYNC_GROUP_BEGIN(&self->group) {           /* and again, without any */
    } ASYNC_GROUP_END;
    CHECK_EQ(test_ms(), 2000);
    ASYNC_END;
}

TEST(group_waits_for_all)
{
    CHECK_EQ(family_run(waits_for_all), 0);
    CHECK_LOG("spawned A(B(B)A)");
}

/* Whichever way the block is left, the children end first. */
static ASYNC left_by(struct family *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 3; self->i++) {
        test_log("%d ", self->i);
        ASYNC_GROUP_BEGIN(&self->group) {
            child(self, 0, 100, 0);
            if (self->i == 0) {
                continue;
            }
            if (self->i == 1) {
                break;
            }
        } ASYNC_GROUP_END;
        CHECK(false);
    }
    CHECK_EQ(self->i, 1);
    CHECK_EQ(test_ms(), 200);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 100, 0);
        ASYNC_RETURN(7);
    } ASYNC_GROUP_END;
    CHECK(false);
    ASYNC_END;
}

TEST(group_left_by_break_continue_return)
{
    CHECK_EQ(family_run(left_by), 7);
    CHECK_EQ(test_ms(), 300);
    CHECK_LOG("0 A(A)1 A(A)A(A)");
}

/* An error of a child replaces what the block returned. */
static ASYNC returns_too_soon(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 100, ASYNC_EIO);
        child(self, 1, 1000, 0);
        self->nap[1].cleanup = 50;
        ASYNC_RETURN(7);
    } ASYNC_GROUP_END;
    ASYNC_END;
}

TEST(group_error_replaces_a_result)
{
    CHECK_EQ(family_run(returns_too_soon), ASYNC_EIO);
    CHECK_EQ(test_ms(), 150);
    CHECK_LOG("A(B(A)BxB!");
}

/* ---- errors -------------------------------------------------------------- */

/* The first error counts: the block's own, a child's, and not those of the
 * cleanups that it brings about. */
static ASYNC bad_cleanup(struct nap *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_sleep((async_duration)ASYNC_MS(self->ms)));
    } ASYNC_CATCH_ALL(self->outcome) {
        ASYNC_RAISE(ASYNC_EPIPE);
    } ASYNC_TRY_END;
    ASYNC_RETURN(self->result);
    ASYNC_END;
}

static ASYNC first_error(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        self->nap[0].ms = self->nap[1].ms = 1000;
        async_group_spawn(&self->group, &self->member[0], bad_cleanup,
                          &self->nap[0]);
        child(self, 1, 500, self->n);
        ASYNC_TRY {
            AWAIT(async_sleep((async_duration)ASYNC_MS(self->e)));
            ASYNC_RAISE(ASYNC_EPERM);
        } ASYNC_FINALLY(self->outcome) {
            test_log("block:%s ", self->outcome == ASYNC_CANCEL ? "x" : "e");
        } ASYNC_TRY_END;
    } ASYNC_GROUP_END;
    ASYNC_END;
}

static ASYNC first_errors(struct family *self)
{
    static struct family other;

    ASYNC_BEGIN(self);
    memset(&other, 0, sizeof other);
    self->other = &other;
    self->other->n = ASYNC_EIO;
    self->other->e = 2000;
    AWAIT_RESULT(self->i, first_error(self->other));
    CHECK_EQ(self->i, ASYNC_EIO);
    CHECK_EQ(child_result(self->other, 0), ASYNC_EPIPE);
    CHECK_EQ(test_ms(), 500);
    self->other->e = 200;
    AWAIT_RESULT(self->i, first_error(self->other));
    CHECK_EQ(self->i, ASYNC_EPERM);
    CHECK_EQ(child_result(self->other, 1), ASYNC_ECANCELED);
    CHECK_EQ(test_ms(), 700);
    ASYNC_END;
}

TEST(group_first_error_is_raised)
{
    CHECK_EQ(family_run(first_errors), 0);
    CHECK_LOG("B(B)block:x B(block:e BxB!");
}

/* A block that is struck by its group may clean up, and even go on; nothing
 * can be spawned any more, and the error is raised in the end. */
static ASYNC goes_on(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 100, ASYNC_EIO);
        ASYNC_TRY {
            AWAIT(async_sleep(ASYNC_SEC(10)));
        } ASYNC_CATCH_ALL(self->e) {
            CHECK_EQ(self->e, ASYNC_CANCEL);
        } ASYNC_TRY_END;
        CHECK(async_group_closing(&self->group));
        CHECK_EQ(async_group_spawn(&self->group, &self->member[1], nap,
                                   &self->nap[1]), ASYNC_ESHUTDOWN);
        AWAIT(async_sleep(ASYNC_MS(100)));      /* struck just once */
        test_log("went on ");
    } ASYNC_GROUP_END;
    CHECK(false);
    ASYNC_END;
}

TEST(group_strikes_its_block_once)
{
    CHECK_EQ(family_run(goes_on), ASYNC_EIO);
    CHECK_EQ(test_ms(), 200);
    CHECK_LOG("A(A)went on ");
}

/* What a block was granted in the turn of the failure it keeps, and it takes
 * the strike of its group along when it ends. */
static ASYNC granted(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        ASYNC_GROUP_BEGIN(&self->group) {
            child(self, 0, 100, ASYNC_EIO);
            child(self, 1, 100, 0);
            AWAIT(async_join(&self->member[1].task));
            test_log("joined ");
        } ASYNC_GROUP_END;
    } ASYNC_CATCH(self->e) {
        CHECK_EQ(self->e, ASYNC_EIO);
    } ASYNC_TRY_END;
    AWAIT(async_sleep(ASYNC_MS(1)));            /* no strike is left */
    ASYNC_END;
}

TEST(group_takes_its_strike_along)
{
    CHECK_EQ(family_run(granted), 0);
    CHECK_LOG("A(B(A)B)joined ");
}

/* A cancelled child is no error. */
static ASYNC cancels_child(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 1000, 0);
        child(self, 1, 200, 5);
        AWAIT(async_sleep(ASYNC_MS(100)));
        async_cancel(&self->member[0].task);
        AWAIT(async_yield());
        AWAIT(async_yield());
        CHECK(!async_group_closing(&self->group));
    } ASYNC_GROUP_END;
    CHECK_EQ(child_result(self, 0), ASYNC_ECANCELED);
    CHECK_EQ(child_result(self, 1), 5);
    CHECK_EQ(test_ms(), 200);
    ASYNC_END;
}

TEST(group_cancelled_child_is_no_error)
{
    CHECK_EQ(family_run(cancels_child), 0);
    CHECK_LOG("A(B(AxA!B)");
}

/* ---- a cancel from outside ----------------------------------------------- */

static ASYNC block_sleeps(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 1000, 0);
        child(self, 1, 1000, 0);
        self->nap[0].cleanup = 50;
        AWAIT(async_sleep(ASYNC_SEC(10)));
    } ASYNC_GROUP_END;
    CHECK(false);
    ASYNC_END;
}

static ASYNC block_ends(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 1000, 0);
        child(self, 1, 1000, 0);
        self->nap[0].cleanup = 50;
    } ASYNC_GROUP_END;
    CHECK(false);
    ASYNC_END;
}

static async_status (*struck_one)(struct family *);

static ASYNC strikes(struct family *self)
{
    ASYNC_BEGIN(self);
    self->other = family_start(struck_one);
    AWAIT(async_sleep(ASYNC_MS(100)));
    async_cancel(&self->other->me);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(test_ms(), 150);
    CHECK(async_group_closing(&self->other->group));
    ASYNC_END;
}

TEST(group_cancelled_in_the_block)
{
    struck_one = block_sleeps;
    CHECK_EQ(family_run(strikes), 0);
    CHECK_LOG("A(B(AxBxB!A!");
}

TEST(group_cancelled_at_its_end)
{
    struck_one = block_ends;
    CHECK_EQ(family_run(strikes), 0);
    CHECK_LOG("A(B(AxBxB!A!");
}

/* Struck in the block, which does not suspend: at its end. */
static ASYNC struck_before_end(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        ASYNC_GROUP_BEGIN(&self->group) {
            child(self, 0, 1000, 0);
            AWAIT(async_yield());
            AWAIT(async_yield());
            async_cancel(async_current());
        } ASYNC_GROUP_END;
        CHECK(false);
    } ASYNC_CATCH_ALL(self->e) {
        CHECK_EQ(self->e, ASYNC_CANCEL);
    } ASYNC_TRY_END;
    CHECK_EQ(child_result(self, 0), ASYNC_ECANCELED);
    async_cancel(async_current());
    ASYNC_GROUP_BEGIN(&self->group) {           /* this one need not wait */
    } ASYNC_GROUP_END;
    AWAIT(async_group_join(&self->group));
    ASYNC_TRY {
        AWAIT(async_sleep(ASYNC_SEC(1)));
    } ASYNC_CATCH_ALL(self->e) {
        CHECK_EQ(self->e, ASYNC_CANCEL);
    } ASYNC_TRY_END;
    CHECK_EQ(test_ms(), 0);
    ASYNC_END;
}

TEST(group_struck_before_its_end)
{
    CHECK_EQ(family_run(struck_before_end), 0);
    CHECK_LOG("A(AxA!");
}

/* Struck when the last child has ended, but before the block has run: the
 * result is kept, the strike comes next. */
struct last { async_watch watch; async_task *block; };

static void cancel_block(async_watch *watch, async_task *task)
{
    (void)task;
    CHECK_EQ(async_cancel(((struct last *)(void *)watch)->block), 1);
}

static ASYNC struck_after(struct family *self)
{
    static struct last last;

    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 1000, 0);
        last.block = async_current();
        async_on_done(&self->member[0].task, &last.watch, cancel_block);
        ASYNC_RETURN(7);
    } ASYNC_GROUP_END;
    ASYNC_END;
}

TEST(group_struck_after_the_last_child_keeps_the_result)
{
    CHECK_EQ(family_run(struck_after), 7);
    CHECK_LOG("A(A)");
}

/* A second cancel, while the cleanups are awaited, interrupts these. */
static ASYNC strikes_twice(struct family *self)
{
    ASYNC_BEGIN(self);
    self->other = family_start(struck_one);
    AWAIT(async_sleep(ASYNC_MS(100)));
    self->other->nap[0].cleanup = self->other->nap[1].cleanup = 1000;
    async_cancel(&self->other->me);
    AWAIT(async_sleep(ASYNC_MS(100)));
    async_cancel(&self->other->me);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(test_ms(), 200);
    ASYNC_END;
}

TEST(group_cancelled_twice)
{
    struck_one = block_sleeps;
    CHECK_EQ(family_run(strikes_twice), 0);
    CHECK_LOG("A(B(AxBx");
}

/* A cancel wins over a child's error, whichever came first. */
static ASYNC fails_slowly(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 100, ASYNC_EIO);
        child(self, 1, 1000, 0);
        self->nap[1].cleanup = 500;
        AWAIT(async_sleep(ASYNC_SEC(10)));
    } ASYNC_GROUP_END;
    ASYNC_END;
}

static ASYNC strikes_after_error(struct family *self)
{
    ASYNC_BEGIN(self);
    self->other = family_start(fails_slowly);
    AWAIT(async_sleep(ASYNC_MS(300)));
    CHECK(!async_done(&self->other->me));
    async_cancel(&self->other->me);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(test_ms(), 300);
    ASYNC_END;
}

TEST(group_cancel_wins_over_an_error)
{
    CHECK_EQ(family_run(strikes_after_error), 0);
    CHECK_LOG("A(B(A)Bx");
}

/* A cancel of the very turn in which a child fails. */
static ASYNC fails_now(struct family *self)
{
    ASYNC_BEGIN(self);
    async_cancel(&self->other->me);
    ASYNC_RAISE(ASYNC_EIO);
    ASYNC_END;
}

static ASYNC same_turn(struct family *self)
{
    static struct family failing;

    ASYNC_BEGIN(self);
    memset(&failing, 0, sizeof failing);
    failing.other = self;
    ASYNC_GROUP_BEGIN(&self->group) {
        CHECK_EQ(async_group_spawn(&self->group, &self->member[0], fails_now,
                                   &failing), 0);
        AWAIT(async_sleep(ASYNC_SEC(10)));
    } ASYNC_GROUP_END;
    ASYNC_END;
}

static ASYNC same_turns(struct family *self)
{
    ASYNC_BEGIN(self);
    self->other = family_start(same_turn);
    AWAIT_RESULT(self->e, async_join(&self->other->me));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(group_cancel_and_error_in_one_turn)
{
    CHECK_EQ(family_run(same_turns), 0);
}

/* ---- deadlines ----------------------------------------------------------- */

static ASYNC limited(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_MS(500)) {
        ASYNC_GROUP_BEGIN(&self->group) {
            child(self, 0, 1000, 0);
            child(self, 1, 200, 0);
            self->nap[0].cleanup = 100;
        } ASYNC_GROUP_END;
        CHECK(false);
    } ASYNC_TIMEOUT_END;
    ASYNC_END;
}

TEST(group_under_a_deadline)
{
    CHECK_EQ(family_run(limited), ASYNC_ETIMEDOUT);
    CHECK_EQ(test_ms(), 600);
    CHECK_LOG("A(B(B)AxA!");
}

/* A deadline inside the block is an error of the block. */
static ASYNC limits(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 1000, 0);
        AWAIT(ASYNC_TIMEOUT(&self->scope, ASYNC_MS(100),
                            async_sleep(ASYNC_MS(1000))));
    } ASYNC_GROUP_END;
    ASYNC_END;
}

TEST(group_around_a_deadline)
{
    CHECK_EQ(family_run(limits), ASYNC_ETIMEDOUT);
    CHECK_EQ(test_ms(), 100);
    CHECK_LOG("A(AxA!");
}

/* The deadline inside has not passed when the group strikes: it is no
 * timeout, it is the child's error. */
static ASYNC child_fails_first(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 100, ASYNC_EIO);
        ASYNC_TRY {
            AWAIT(ASYNC_TIMEOUT(&self->scope, (async_duration)ASYNC_MS(self->n),
                                async_sleep(ASYNC_MS(1000))));
        } ASYNC_CATCH_ALL(self->e) {
            CHECK_EQ(self->e, ASYNC_CANCEL);
            ASYNC_RAISE(self->e);
        } ASYNC_TRY_END;
    } ASYNC_GROUP_END;
    ASYNC_END;
}

static ASYNC children_fail_first(struct family *self)
{
    static struct family other;

    ASYNC_BEGIN(self);
    memset(&other, 0, sizeof other);
    self->other = &other;
    self->other->n = 500;
    AWAIT_RESULT(self->e, child_fails_first(self->other));
    CHECK_EQ(self->e, ASYNC_EIO);
    CHECK_EQ(test_ms(), 100);
    ASYNC_END;
}

TEST(group_fails_around_a_deadline)
{
    CHECK_EQ(family_run(children_fail_first), 0);
    CHECK_LOG("A(A)");
}

/* A group in the cleanup after a deadline works like any other. */
static ASYNC group_in_cleanup(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_MS(100)) {
        ASYNC_TRY {
            AWAIT(async_sleep(ASYNC_MS(1000)));
        } ASYNC_FINALLY(self->outcome) {
            ASYNC_TRY {
                ASYNC_GROUP_BEGIN(&self->group) {
                    child(self, 0, 10, ASYNC_EIO);
                    AWAIT(async_sleep(ASYNC_MS(1000)));
                } ASYNC_GROUP_END;
            } ASYNC_CATCH(self->e) {
                CHECK_EQ(self->e, ASYNC_EIO);
            } ASYNC_TRY_END;
            AWAIT(async_sleep(ASYNC_MS(10)));
        } ASYNC_TRY_END;
    } ASYNC_TIMEOUT_END;
    ASYNC_END;
}

TEST(group_in_the_cleanup_after_a_deadline)
{
    CHECK_EQ(family_run(group_in_cleanup), ASYNC_ETIMEDOUT);
    CHECK_EQ(test_ms(), 120);
    CHECK_LOG("A(A)");
}

/* ---- groups in groups ---------------------------------------------------- */

static ASYNC nested(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 1000, self->n);
        self->nap[0].cleanup = 50;
        ASYNC_TRY {
            ASYNC_GROUP_BEGIN(&self->inner) {
                grandchild(self, 1, 500, self->e);
                grandchild(self, 2, 2000, 0);
                self->nap[2].cleanup = 20;
            } ASYNC_GROUP_END;
        } ASYNC_FINALLY(self->outcome) {
            test_log("inner:%s ", self->outcome == ASYNC_CANCEL ? "x"
                     : self->outcome < ASYNC_CANCEL ? "." : "e");
        } ASYNC_TRY_END;
    } ASYNC_GROUP_END;
    ASYNC_END;
}

static ASYNC nests(struct family *self)
{
    static struct family other;

    ASYNC_BEGIN(self);
    memset(&other, 0, sizeof other);
    self->other = &other;
    AWAIT(nested(self->other));
    CHECK_EQ(test_ms(), 2000);
    test_log("| ");
    self->other->e = ASYNC_EIO;
    AWAIT_RESULT(self->e, nested(self->other));
    CHECK_EQ(self->e, ASYNC_EIO);
    CHECK_EQ(test_ms(), 2570);
    test_log("| ");
    self->other->e = 0;
    self->other->n = ASYNC_EPIPE;
    AWAIT_RESULT(self->e, nested(self->other));
    CHECK_EQ(self->e, ASYNC_EPIPE);
    CHECK_EQ(test_ms(), 3590);
    ASYNC_END;
}

TEST(group_in_a_group)
{
    CHECK_EQ(family_run(nests), 0);
    CHECK_LOG("A(b(c(b)A)c)inner:. | A(b(c(b)cxc!inner:e AxA!| "
              "A(b(c(b)A)cxc!inner:x ");
}

/* ---- children that spawn, join, cancel ----------------------------------- */

struct spawner { async_frame frame; struct family *family; };

static ASYNC spawns(struct spawner *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_MS(100)));
    child(self->family, 1, 100, 0);
    child(self->family, 2, 200, 0);
    ASYNC_END;
}

static ASYNC child_spawns(struct family *self)
{
    static struct spawner spawner;

    ASYNC_BEGIN(self);
    spawner.family = self;
    ASYNC_GROUP_BEGIN(&self->group) {
        CHECK_EQ(async_group_spawn(&self->group, &self->member[0], spawns,
                                   &spawner), 0);
    } ASYNC_GROUP_END;
    CHECK_EQ(test_ms(), 300);
    CHECK_EQ(async_group_spawn(&self->group, &self->member[0], spawns,
                               &spawner), ASYNC_ESHUTDOWN);
    ASYNC_END;
}

TEST(group_children_spawn_siblings)
{
    CHECK_EQ(family_run(child_spawns), 0);
    CHECK_LOG("B(C(B)C)");
}

/* Work in steps: the group is joined, and goes on. */
static ASYNC steps(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 100, 0);
        child(self, 1, 200, 0);
        AWAIT(async_group_join(&self->group));
        CHECK_EQ(test_ms(), 200);
        AWAIT(async_group_join(&self->group));
        child(self, 0, 100, 0);
        AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, ASYNC_MS(10),
                                            async_group_join(&self->group)));
        CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
        child(self, 1, 1000, 0);
        AWAIT(async_join(&self->member[0].task));
        CHECK_EQ(test_ms(), 300);
        CHECK_EQ(async_group_cancel(&self->group), 1);      /* B may go */
    } ASYNC_GROUP_END;
    CHECK_EQ(test_ms(), 300);
    AWAIT(async_group_join(&self->group));
    CHECK_EQ(async_group_cancel(&self->group), 0);
    ASYNC_END;
}

TEST(group_work_in_steps)
{
    CHECK_EQ(family_run(steps), 0);
    CHECK_LOG("A(B(A)B)A(B(A)BxB!");
}

static ASYNC joins_own_group(struct family *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_group_join(&self->other->group));
    ASYNC_END;
}

static ASYNC deadlock(struct family *self)
{
    static struct family other;

    ASYNC_BEGIN(self);
    memset(&other, 0, sizeof other);
    other.other = self;
    ASYNC_GROUP_BEGIN(&self->group) {
        async_group_spawn(&self->group, &self->member[0], joins_own_group,
                          &other);
    } ASYNC_GROUP_END;
    ASYNC_END;
}

TEST(group_joined_by_its_child)
{
    CHECK_EQ(family_run(deadlock), ASYNC_EDEADLK);
}

/* ---- the end of the loop ------------------------------------------------- */

/* Parent and children are struck just once: the cleanups run to their ends. */
static ASYNC leaves(struct family *self)
{
    ASYNC_BEGIN(self);
    self->other = family_start(struck_one);
    AWAIT(async_sleep(ASYNC_MS(100)));
    self->other->nap[1].cleanup = 70;
    ASYNC_END;
}

TEST(group_left_to_the_end_of_the_loop)
{
    struck_one = block_sleeps;
    CHECK_EQ(family_run(leaves), 0);
    CHECK_EQ(test_ms(), 170);
    CHECK_LOG("A(B(AxBxA!B!");
    test_virtual_time();
    struck_one = block_ends;
    CHECK_EQ(family_run(leaves), 0);
    CHECK_EQ(test_ms(), 170);
    CHECK_LOG("A(B(AxBxA!B!");
}

/* ---- what it is told wrong ----------------------------------------------- */

static ASYNC wrong(struct family *self)
{
    async_group *none = NULL;

    ASYNC_BEGIN(self);
    CHECK_EQ(async_group_spawn(&self->group, &self->member[0], nap,
                               &self->nap[0]), ASYNC_ESHUTDOWN);
    ASYNC_TRY {
        ASYNC_GROUP_BEGIN(none) {
            CHECK(false);
        } ASYNC_GROUP_END;
    } ASYNC_CATCH(self->e) {
        CHECK_EQ(self->e, ASYNC_EINVAL);
    } ASYNC_TRY_END;
    ASYNC_GROUP_BEGIN(&self->group) {
        ASYNC_TRY {
            ASYNC_GROUP_BEGIN(&self->group) {
                CHECK(false);
            } ASYNC_GROUP_END;
        } ASYNC_CATCH(self->e) {
            CHECK_EQ(self->e, ASYNC_EBUSY);
        } ASYNC_TRY_END;
        CHECK_EQ(async_group_spawn(NULL, &self->member[0], nap,
                                   &self->nap[0]), ASYNC_EINVAL);
        CHECK_EQ(async_group_spawn(&self->group, NULL, nap, &self->nap[0]),
                 ASYNC_EINVAL);
    } ASYNC_GROUP_END;
    AWAIT_RESULT(self->e, async_group_join(NULL));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    CHECK_EQ(async_group_cancel(NULL), ASYNC_EINVAL);
    CHECK(!async_group_closing(NULL));
    AWAIT(async_sleep(ASYNC_MS(1)));            /* its scope was left */
    ASYNC_END;
}

TEST(group_bad_input)
{
    CHECK_EQ(family_run(wrong), 0);
}

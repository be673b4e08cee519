/* py_taskgroups: the cases of CPython's Lib/test/test_asyncio/
 * test_taskgroups.py that have a meaning here, by name. The others, and those
 * that end otherwise, are in tests/py.md. A group of exceptions there is the
 * first error here; those of the others are read from the children. */
#include "family.h"

static async_status (*runner)(struct family *);

struct canceller {
    async_frame frame;
    struct family *runner;
    int result;
};

static ASYNC cancels_after_100(struct canceller *self)
{
    ASYNC_BEGIN(self);
    self->runner = family_start(runner);
    AWAIT(async_sleep(ASYNC_MS(100)));
    CHECK(!async_done(&self->runner->me));
    CHECK_EQ(async_cancel(&self->runner->me), 1);
    AWAIT_RESULT(self->result, async_join(&self->runner->me));
    ASYNC_END;
}

/* What the runner ends with when it is cancelled after 0.1 s. */
static int cancelled(async_status (*fn)(struct family *))
{
    static struct canceller canceller;

    runner = fn;
    CHECK_EQ(async_run(cancels_after_100, &canceller), 0);
    return canceller.result;
}

static ASYNC case_01(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 100, 42);
        child(self, 1, 200, 11);
    } ASYNC_GROUP_END;
    CHECK_EQ(child_result(self, 0), 42);
    CHECK_EQ(child_result(self, 1), 11);
    ASYNC_END;
}

TEST(py_taskgroups_01)
{
    CHECK_EQ(family_run(case_01), 0);
    CHECK_LOG("A(B(A)B)");
}

static ASYNC case_02(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 100, 42);
        AWAIT(async_sleep(ASYNC_MS(150)));
        child(self, 1, 200, 11);
    } ASYNC_GROUP_END;
    CHECK_EQ(child_result(self, 0), 42);
    CHECK_EQ(child_result(self, 1), 11);
    CHECK_EQ(test_ms(), 350);
    ASYNC_END;
}

TEST(py_taskgroups_02)
{
    CHECK_EQ(family_run(case_02), 0);
}

static ASYNC case_03(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 1000, 42);
        AWAIT(async_sleep(ASYNC_MS(150)));
        async_cancel(&self->member[0].task);    /* everything goes on */
        child(self, 1, 200, 11);
    } ASYNC_GROUP_END;
    CHECK_EQ(child_result(self, 0), ASYNC_ECANCELED);
    CHECK_EQ(child_result(self, 1), 11);
    ASYNC_END;
}

TEST(py_taskgroups_03)
{
    CHECK_EQ(family_run(case_03), 0);
}

static ASYNC case_04(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 100, ASYNC_ERANGE);
        child(self, 1, 1000, 0);
    } ASYNC_GROUP_END;
    CHECK(false);
    ASYNC_END;
}

TEST(py_taskgroups_04)
{
    CHECK_EQ(family_run(case_04), ASYNC_ERANGE);
    CHECK_LOG("A(B(A)BxB!");
}

static ASYNC children_on_child_error(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 100, ASYNC_ERANGE);
        child(self, 1, 100, ASYNC_ERANGE);
        child(self, 2, 100, ASYNC_ERANGE);
        child(self, 3, 5000, 0);
        ASYNC_TRY {
            AWAIT(async_sleep(ASYNC_SEC(10)));
        } ASYNC_CATCH_ALL(self->e) {
            test_log("block ");
            ASYNC_RAISE(self->e);
        } ASYNC_TRY_END;
    } ASYNC_GROUP_END;
    CHECK(false);
    ASYNC_END;
}

TEST(py_taskgroups_cancel_children_on_child_error)
{
    CHECK_EQ(family_run(children_on_child_error), ASYNC_ERANGE);
    CHECK_LOG("A(B(C(D(A)B)C)DxD!block ");
}

static ASYNC cancellation(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        for (self->i = 0; self->i < 5; self->i++) {
            child(self, self->i, 5000, 0);
        }
    } ASYNC_GROUP_END;
    CHECK(false);
    ASYNC_END;
}

TEST(py_taskgroups_cancellation)
{
    CHECK_EQ(cancelled(cancellation), ASYNC_ECANCELED);
    CHECK_LOG("A(B(C(D(E(AxA!BxB!CxC!DxD!ExE!");
}

static ASYNC case_07(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        for (self->i = 0; self->i < 5; self->i++) {
            child(self, self->i, 5000, 0);
        }
        ASYNC_TRY {
            AWAIT(async_sleep(ASYNC_SEC(10)));
        } ASYNC_CATCH_ALL(self->e) {
            test_log("block ");
            ASYNC_RAISE(self->e);
        } ASYNC_TRY_END;
    } ASYNC_GROUP_END;
    CHECK(false);
    ASYNC_END;
}

TEST(py_taskgroups_07)
{
    CHECK_EQ(cancelled(case_07), ASYNC_ECANCELED);
    CHECK_LOG("A(B(C(D(E(block AxA!BxB!CxC!DxD!ExE!");
}

static ASYNC cancellation_in_body(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        for (self->i = 0; self->i < 5; self->i++) {
            child(self, self->i, 100, ASYNC_ERANGE);
        }
        AWAIT(async_sleep(ASYNC_SEC(10)));
    } ASYNC_GROUP_END;
    CHECK(false);
    ASYNC_END;
}

TEST(py_taskgroups_cancellation_in_body)
{
    CHECK_EQ(cancelled(cancellation_in_body), ASYNC_ECANCELED);
}

static ASYNC case_09(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        ASYNC_GROUP_BEGIN(&self->group) {
            child(self, 0, 1000, 42);
            child(self, 1, 2000, 11);
            if (self->n == 9) {
                AWAIT(async_sleep(ASYNC_MS(100)));
            }
            ASYNC_RAISE(ASYNC_ERANGE);
        } ASYNC_GROUP_END;
        CHECK(false);
    } ASYNC_CATCH(self->e) {
        CHECK_EQ(self->e, ASYNC_ERANGE);
    } ASYNC_TRY_END;
    CHECK_EQ(child_result(self, 0), ASYNC_ECANCELED);
    CHECK_EQ(child_result(self, 1), ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(py_taskgroups_09)
{
    static struct family family;

    family.n = 9;
    CHECK_EQ(async_run(case_09, &family), 0);
    CHECK_LOG("A(B(AxA!BxB!");
    CHECK_EQ(test_ms(), 100);
}

TEST(py_taskgroups_10)
{
    CHECK_EQ(family_run(case_09), 0);
    CHECK_LOG("");                      /* they never began */
    CHECK_EQ(test_ms(), 0);
}

static ASYNC case_11(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        if (self->n == 12) {
            child(self, 4, 10000, 0);
        }
        ASYNC_GROUP_BEGIN(&self->inner) {
            for (self->i = 0; self->i < 4; self->i++) {
                grandchild(self, self->i, 100, ASYNC_ERANGE);
            }
            AWAIT(async_sleep(ASYNC_SEC(10)));
        } ASYNC_GROUP_END;
        CHECK(false);
    } ASYNC_GROUP_END;
    CHECK(false);
    ASYNC_END;
}

TEST(py_taskgroups_11)
{
    CHECK_EQ(cancelled(case_11), ASYNC_ECANCELED);
}

static ASYNC case_12(struct family *self)
{
    self->n = 12;
    return case_11(self);
}

TEST(py_taskgroups_12)
{
    CHECK_EQ(cancelled(case_12), ASYNC_ECANCELED);
}

static ASYNC case_13(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 100, ASYNC_EINVAL);
        ASYNC_GROUP_BEGIN(&self->inner) {
            grandchild(self, 1, 10000, ASYNC_EINVAL);
        } ASYNC_GROUP_END;
        CHECK(false);
    } ASYNC_GROUP_END;
    CHECK(false);
    ASYNC_END;
}

TEST(py_taskgroups_13)
{
    CHECK_EQ(family_run(case_13), ASYNC_EINVAL);
    CHECK_EQ(test_ms(), 100);
    CHECK_LOG("A(b(A)bxb!");
}

static ASYNC case_14(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 10000, ASYNC_EINVAL);
        ASYNC_GROUP_BEGIN(&self->inner) {
            grandchild(self, 1, 100, ASYNC_EINVAL);
        } ASYNC_GROUP_END;
        CHECK(false);
    } ASYNC_GROUP_END;
    CHECK(false);
    ASYNC_END;
}

TEST(py_taskgroups_14)
{
    CHECK_EQ(family_run(case_14), ASYNC_EINVAL);
    CHECK_EQ(test_ms(), 100);
    CHECK_LOG("A(b(b)AxA!");
}

static ASYNC case_15(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 300, ASYNC_ERANGE);
        ASYNC_TRY {
            AWAIT(async_sleep(ASYNC_SEC(10)));
        } ASYNC_CATCH_ALL(self->e) {
            AWAIT(async_sleep(ASYNC_MS(500)));
            ASYNC_RAISE(self->e);
        } ASYNC_TRY_END;
    } ASYNC_GROUP_END;
    CHECK(false);
    ASYNC_END;
}

TEST(py_taskgroups_15)
{
    CHECK_EQ(cancelled(case_15), ASYNC_ECANCELED);
}

static ASYNC joins_15(struct family *self)
{
    static struct family inner;

    ASYNC_BEGIN(self);
    memset(&inner, 0, sizeof inner);
    self->other = &inner;
    async_spawn(&self->other->me, case_15, self->other);
    AWAIT(async_join(&self->other->me));
    CHECK(false);
    ASYNC_END;
}

TEST(py_taskgroups_16)
{
    CHECK_EQ(cancelled(joins_15), ASYNC_ECANCELED);
}

static ASYNC case_17(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        ASYNC_TRY {
            AWAIT(async_sleep(ASYNC_SEC(10)));
        } ASYNC_CATCH_ALL(self->e) {
            test_log("block ");
            ASYNC_RAISE(self->n != 0 ? self->n : self->e);
        } ASYNC_TRY_END;
    } ASYNC_GROUP_END;
    CHECK(false);
    ASYNC_END;
}

TEST(py_taskgroups_17)
{
    CHECK_EQ(cancelled(case_17), ASYNC_ECANCELED);
    CHECK_LOG("block ");
}

static ASYNC case_18(struct family *self)
{
    self->n = ASYNC_EUSER(18);
    return case_17(self);
}

TEST(py_taskgroups_18)
{
    CHECK_EQ(cancelled(case_18), ASYNC_EUSER(18));
    CHECK_LOG("block ");
}

static ASYNC case_19(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 100, ASYNC_ERANGE);
        ASYNC_TRY {
            AWAIT(async_sleep(ASYNC_SEC(10)));
        } ASYNC_FINALLY(self->outcome) {
            ASYNC_RAISE(ASYNC_EUSER(19));
        } ASYNC_TRY_END;
    } ASYNC_GROUP_END;
    CHECK(false);
    ASYNC_END;
}

TEST(py_taskgroups_19)
{
    CHECK_EQ(family_run(case_19), ASYNC_ERANGE);        /* the first */
}

static ASYNC case_22(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 1000, 42);
        child(self, 1, 2000, 11);
    } ASYNC_GROUP_END;
    CHECK(false);
    ASYNC_END;
}

TEST(py_taskgroups_22)
{
    CHECK_EQ(cancelled(case_22), ASYNC_ECANCELED);
}

/* Members leave the group as they end. */
struct jobs {
    async_frame frame;
    async_group group;
    async_member member[10];
    struct nap nap[10];
    int i;
};

static int running(const struct jobs *self)
{
    int i, n = 0;

    for (i = 0; i < 10; i++) {
        n += self->nap[i].name != NULL && !async_done(&self->member[i].task);
    }
    return n;
}

static ASYNC case_23(struct jobs *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        for (self->i = 0; self->i < 10; self->i++) {
            AWAIT(async_sleep(ASYNC_MS(100)));
            self->nap[self->i].name = ".";
            self->nap[self->i].ms = 300;
            async_group_spawn(&self->group, &self->member[self->i], nap,
                              &self->nap[self->i]);
            if (self->i == 5) {
                CHECK(running(self) < 5);
            }
        }
        AWAIT(async_sleep(ASYNC_MS(1350)));
        CHECK_EQ(running(self), 0);
        CHECK(self->group.members == NULL);
    } ASYNC_GROUP_END;
    CHECK_EQ(test_ms(), 2350);
    ASYNC_END;
}

TEST(py_taskgroups_23)
{
    static struct jobs jobs;

    CHECK_EQ(async_run(case_23, &jobs), 0);
}

struct root { async_frame frame; struct family *family; };

static ASYNC root(struct root *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_MS(100)));
    child(self->family, 1, 100, 0);
    child(self->family, 2, 200, 0);
    ASYNC_END;
}

static ASYNC case_24(struct family *self)
{
    static struct root it;

    ASYNC_BEGIN(self);
    it.family = self;
    ASYNC_GROUP_BEGIN(&self->group) {
        async_group_spawn(&self->group, &self->member[0], root, &it);
    } ASYNC_GROUP_END;
    CHECK_EQ(test_ms(), 300);
    ASYNC_END;
}

TEST(py_taskgroups_24)
{
    CHECK_EQ(family_run(case_24), 0);
    CHECK_LOG("B(C(B)C)");
}

/* Two for each head, until the group closes. */
struct hydra { async_frame frame; async_member member; };

static struct hydras {
    async_frame frame;
    async_group group;
    struct hydra hydra[64];
    async_member member;
    int n;
} hydras;

static int spawn_hydra(void);

static ASYNC hydra(struct hydra *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_MS(10)));
    CHECK_EQ(spawn_hydra(), 0);
    CHECK_EQ(spawn_hydra(), 0);
    ASYNC_END;
}

static int spawn_hydra(void)
{
    struct hydra *it = &hydras.hydra[hydras.n++];

    CHECK(hydras.n < 64);
    return async_group_spawn(&hydras.group, &it->member, hydra, it);
}

struct hercules { async_frame frame; };

static ASYNC hercules(struct hercules *self)
{
    ASYNC_BEGIN(self);
    while (hydras.n < 10) {
        AWAIT(async_sleep(ASYNC_MS(15)));
    }
    ASYNC_RAISE(ASYNC_ERANGE);
    ASYNC_END;
}

static ASYNC case_25(struct hydras *self)
{
    static struct hercules hero;

    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        CHECK_EQ(spawn_hydra(), 0);
        async_group_spawn(&self->group, &self->member, hercules, &hero);
    } ASYNC_GROUP_END;
    CHECK(false);
    ASYNC_END;
}

TEST(py_taskgroups_25)
{
    CHECK_EQ(async_run(case_25, &hydras), ASYNC_ERANGE);
    CHECK(hydras.n >= 10);
}

static ASYNC task_name(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 0, 0);
#if ASYNC_DEBUG
        CHECK_STR(self->member[0].task.name, "nap");
#endif
    } ASYNC_GROUP_END;
    ASYNC_END;
}

TEST(py_taskgroups_task_name)
{
    CHECK_EQ(family_run(task_name), 0);
}

/* While the group closes, a child that cleans up cannot spawn another. */
static ASYNC spawns_in_cleanup(struct root *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_sleep(ASYNC_SEC(10)));
    } ASYNC_CATCH_ALL(self->family->e) {
        CHECK_EQ(async_group_spawn(&self->family->group,
                                   &self->family->member[2], nap,
                                   &self->family->nap[2]), ASYNC_ESHUTDOWN);
        test_log("refused ");
    } ASYNC_TRY_END;
    ASYNC_END;
}

static ASYNC after_failure(struct family *self)
{
    static struct root it;

    ASYNC_BEGIN(self);
    it.family = self;
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 10, ASYNC_EIO);
        async_group_spawn(&self->group, &self->member[1], spawns_in_cleanup,
                          &it);
    } ASYNC_GROUP_END;
    CHECK(false);
    ASYNC_END;
}

TEST(py_taskgroups_no_create_task_after_failure)
{
    CHECK_EQ(family_run(after_failure), ASYNC_EIO);
    CHECK_LOG("A(A)refused ");
}

/* The release of something inside the block fails. */
static ASYNC open_it(void)
{
    test_log("open ");
    return 0;
}

static ASYNC close_it(void)
{
    test_log("close ");
    return ASYNC_EUSER(30);
}

static ASYNC exit_raises(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        child(self, 0, 5000, 0);
        AWAIT(async_yield());
        ASYNC_WITH_AWAIT(self->outcome, open_it(), close_it()) {
            AWAIT(async_sleep(ASYNC_MS(10)));
        } ASYNC_WITH_END;
        CHECK(false);
    } ASYNC_GROUP_END;
    CHECK(false);
    ASYNC_END;
}

TEST(py_taskgroups_context_manager_exit_raises)
{
    CHECK_EQ(family_run(exit_raises), ASYNC_EUSER(30));
    CHECK_EQ(test_ms(), 10);
    CHECK_LOG("A(open close AxA!");
}

static ASYNC closed(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
    } ASYNC_GROUP_END;
    CHECK_EQ(async_group_spawn(&self->group, &self->member[0], nap,
                               &self->nap[0]), ASYNC_ESHUTDOWN);
    CHECK(!async_done(&self->member[0].task));
    ASYNC_END;
}

TEST(py_taskgroups_coro_closed_when_tg_closed)
{
    CHECK_EQ(family_run(closed), 0);
    CHECK_LOG("");
}

/* A group strikes its block, and takes the strike back: who catches the error
 * is not cancelled. */
static ASYNC level(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        ASYNC_GROUP_BEGIN(&self->group) {
            child(self, 0, 10, ASYNC_EIO);
            AWAIT(async_sleep(ASYNC_SEC(1)));
        } ASYNC_GROUP_END;
    } ASYNC_CATCH(self->e) {
        CHECK_EQ(self->e, ASYNC_EIO);
    } ASYNC_TRY_END;
    AWAIT(async_sleep(ASYNC_MS(10)));
    CHECK_EQ(test_ms(), 20);
    ASYNC_END;
}

TEST(py_taskgroups_cancelling_level_preserved)
{
    CHECK_EQ(family_run(level), 0);
}

static ASYNC both(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        ASYNC_TRY {
            ASYNC_GROUP_BEGIN(&self->inner) {
                grandchild(self, 0, 10, ASYNC_EUSER(1));
                child(self, 1, 10, ASYNC_EUSER(2));
            } ASYNC_GROUP_END;
        } ASYNC_CATCH_ALL(self->e) {
            CHECK_EQ(self->e, ASYNC_EUSER(1));
            AWAIT(async_sleep(ASYNC_SEC(1)));   /* struck by the outer one */
            CHECK(false);
        } ASYNC_TRY_END;
    } ASYNC_GROUP_END;
    CHECK(false);
    ASYNC_END;
}

TEST(py_taskgroups_nested_groups_both_cancelled)
{
    CHECK_EQ(family_run(both), ASYNC_EUSER(2));
    CHECK_LOG("a(B(a)B)");
    CHECK_EQ(test_ms(), 10);
}

/* A cancel that comes when a child has failed is not lost with its error. */
static ASYNC catches_error(struct family *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        ASYNC_GROUP_BEGIN(&self->group) {
            child(self, 0, 100, ASYNC_EIO);
            child(self, 1, 1000, 0);
            self->nap[1].cleanup = 100;
            AWAIT(async_sleep(ASYNC_SEC(1)));
        } ASYNC_GROUP_END;
    } ASYNC_CATCH(self->e) {
        CHECK_EQ(self->e, ASYNC_EIO);
    } ASYNC_TRY_END;
    AWAIT(async_sleep(ASYNC_SEC(1)));
    CHECK(false);
    ASYNC_END;
}

TEST(py_taskgroups_error_and_cancel)
{
    CHECK_EQ(cancelled(catches_error), ASYNC_ECANCELED);
}

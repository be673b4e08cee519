/* A bounded set of background tasks. */
#include "crowd.h"

struct tub;
struct taker { async_frame frame; struct tub *tub; int i; };

struct tub {
    async_frame frame;
    async_pool pool;
    async_slot slots[3];
    struct nap naps[3];
    async_timeout scope;
    async_task task[4];
    struct taker taker[4];
    async_watch watch;
    int i, n, e;
};

static const char *const names[] = { "A", "B", "C" };

static int tub_run(async_status (*fn)(struct tub *), int n)
{
    static struct tub tub;

    memset(&tub, 0, sizeof tub);
    CHECK_EQ(async_pool_open(&tub.pool, tub.slots, n), 0);
    return async_run(fn, &tub);
}

static void tub_spawn(struct tub *self, int i, long ms)
{
    self->naps[i].name = names[i];
    self->naps[i].ms = ms;
    CHECK_EQ(async_pool_spawn(&self->pool, i, nap, &self->naps[i]), 0);
}

/* Five jobs of a second, two at a time. */
static ASYNC bounded(struct tub *self)
{
    ASYNC_BEGIN(self);
    for (self->n = 0; self->n < 5; self->n++) {
        AWAIT_VALUE(self->i, async_pool_take(&self->pool));
        tub_spawn(self, self->i, 1000);
        CHECK(async_pool_busy(&self->pool) <= 2);
        test_log("%d ", (int)test_ms());
    }
    AWAIT(async_pool_join(&self->pool));
    CHECK_EQ(test_ms(), 3000);
    CHECK_EQ(async_pool_busy(&self->pool), 0);
    AWAIT(async_pool_join(&self->pool));
    ASYNC_END;
}

TEST(pool_two_at_a_time)
{
    CHECK_EQ(tub_run(bounded, 2), 0);
    CHECK_LOG("0 0 A(B(A)B)1000 1000 A(B(A)B)2000 A(A)");
}

/* First come first served, also when a slot comes back while others wait. */
static ASYNC taker(struct taker *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->i, async_pool_take(&self->tub->pool));
    test_log("%d:%d ", (int)(self - self->tub->taker), self->i);
    ASYNC_END;
}

static void start_takers(struct tub *self, int n)
{
    int i;

    for (i = 0; i < n; i++) {
        self->taker[i].tub = self;
        async_spawn(&self->task[i], taker, &self->taker[i]);
    }
}

static ASYNC in_order(struct tub *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->i, async_pool_take(&self->pool));
    start_takers(self, 4);
    AWAIT(async_yield());
    AWAIT(async_yield());
    CHECK_EQ(async_pool_give(&self->pool, self->i), 0);
    CHECK_EQ(async_pool_try(&self->pool), ASYNC_EAGAIN);    /* no barging */
    AWAIT(async_yield());
    AWAIT(async_yield());
    CHECK_EQ(async_pool_give(&self->pool, 0), 0);
    CHECK_EQ(async_cancel(&self->task[2]), 1);      /* this one waits */
    CHECK_EQ(async_cancel(&self->task[1]), 1);      /* this one has got it */
    AWAIT(async_join(&self->task[1]));
    CHECK_EQ(self->taker[1].i, 0);
    CHECK_EQ(async_pool_give(&self->pool, 0), 0);
    AWAIT(async_join(&self->task[3]));
    AWAIT_RESULT(self->e, async_join(&self->task[2]));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(async_pool_busy(&self->pool), 1);
    CHECK_EQ(async_pool_give(&self->pool, 0), 0);
    CHECK_EQ(async_pool_busy(&self->pool), 0);
    ASYNC_END;
}

TEST(pool_first_come_first_served)
{
    CHECK_EQ(tub_run(in_order, 1), 0);
    CHECK_LOG("0:0 1:0 3:0 ");
}

/* A deadline strikes a taker: no slot is lost. */
static ASYNC patient(struct tub *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->i, async_pool_take(&self->pool));
    tub_spawn(self, self->i, 1000);
    for (self->n = 0;; self->n++) {
        AWAIT_RESULT(self->i, ASYNC_TIMEOUT(&self->scope, ASYNC_MS(300),
                                            async_pool_take(&self->pool)));
        if (self->i >= 0) {
            break;
        }
        CHECK_EQ(self->i, ASYNC_ETIMEDOUT);
    }
    CHECK_EQ(self->n, 3);
    CHECK_EQ(test_ms(), 1000);
    CHECK_EQ(async_pool_give(&self->pool, self->i), 0);
    AWAIT(ASYNC_TIMEOUT(&self->scope, 0, async_pool_take(&self->pool)));
    CHECK_EQ(async_pool_give(&self->pool, 0), 0);
    ASYNC_END;
}

TEST(pool_take_for_a_time)
{
    CHECK_EQ(tub_run(patient, 1), 0);
}

/* Struck before it waits: a free slot it takes, and the strike comes next. */
static ASYNC struck_before(struct tub *self)
{
    ASYNC_BEGIN(self);
    async_cancel(async_current());
    AWAIT(async_pool_join(&self->pool));
    AWAIT_VALUE(self->i, async_pool_take(&self->pool));
    CHECK_EQ(self->i, 0);
    ASYNC_TRY {
        AWAIT(async_pool_take(&self->pool));
        CHECK(false);
    } ASYNC_CATCH_ALL(self->e) {
        CHECK_EQ(self->e, ASYNC_CANCEL);
    } ASYNC_TRY_END;
    async_cancel(async_current());
    ASYNC_TRY {
        AWAIT(async_pool_join(&self->pool));
        CHECK(false);
    } ASYNC_CATCH_ALL(self->e) {
        CHECK_EQ(self->e, ASYNC_CANCEL);
    } ASYNC_TRY_END;
    CHECK_EQ(async_pool_busy(&self->pool), 1);
    CHECK_EQ(async_pool_give(&self->pool, 0), 0);
    ASYNC_END;
}

TEST(pool_struck_before)
{
    CHECK_EQ(tub_run(struck_before, 1), 0);
}

static ASYNC cancels(struct tub *self)
{
    ASYNC_BEGIN(self);
    for (self->n = 0; self->n < 3; self->n++) {
        AWAIT_VALUE(self->i, async_pool_take(&self->pool));
        if (self->n < 2) {
            tub_spawn(self, self->i, 1000);
            self->naps[self->i].cleanup = 100;
        }
    }
    AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, ASYNC_MS(10),
                                        async_pool_join(&self->pool)));
    CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    CHECK_EQ(async_pool_cancel(&self->pool), 2);
    CHECK_EQ(async_pool_give(&self->pool, self->i), 0);
    AWAIT(async_pool_join(&self->pool));
    CHECK_EQ(test_ms(), 110);
    CHECK_EQ(async_pool_cancel(&self->pool), 0);
    CHECK_EQ(async_result(&self->slots[0].task), ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(pool_cancel_and_join)
{
    CHECK_EQ(tub_run(cancels, 3), 0);
    CHECK_LOG("A(B(AxBxA!B!");
}

/* The callbacks of a task find its slot free, and may use it. */
static void again(async_watch *watch, async_task *task)
{
    struct tub *self = (struct tub *)(void *)
        ((char *)watch - offsetof(struct tub, watch));

    (void)task;
    CHECK_EQ(async_pool_busy(&self->pool), 0);
    CHECK_EQ(async_pool_try(&self->pool), 0);
    if (self->n++ == 0) {
        tub_spawn(self, 0, 1000);
        async_on_done(&self->slots[0].task, &self->watch, again);
    } else {
        CHECK_EQ(async_pool_give(&self->pool, 0), 0);
    }
}

static ASYNC callbacks(struct tub *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_pool_take(&self->pool));
    tub_spawn(self, 0, 1000);
    async_on_done(&self->slots[0].task, &self->watch, again);
    AWAIT(async_sleep(ASYNC_MS(2500)));
    CHECK_EQ(self->n, 2);
    CHECK_EQ(async_pool_busy(&self->pool), 0);
    ASYNC_END;
}

TEST(pool_slot_is_free_before_later_callbacks)
{
    CHECK_EQ(tub_run(callbacks, 1), 0);
    CHECK_LOG("A(A)A(A)");
}

static ASYNC wrong(struct tub *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_pool_open(NULL, self->slots, 1), ASYNC_EINVAL);
    CHECK_EQ(async_pool_open(&self->pool, NULL, 1), ASYNC_EINVAL);
    CHECK_EQ(async_pool_open(&self->pool, self->slots, 0), ASYNC_EINVAL);
    CHECK_EQ(async_pool_open(&self->pool, self->slots, -1), ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_pool_take(NULL));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_pool_join(NULL));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    CHECK_EQ(async_pool_try(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_pool_cancel(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_pool_busy(NULL), 0);
    CHECK_EQ(async_pool_give(NULL, 0), ASYNC_EINVAL);
    CHECK_EQ(async_pool_give(&self->pool, -1), ASYNC_EINVAL);
    CHECK_EQ(async_pool_give(&self->pool, 2), ASYNC_EINVAL);
    CHECK_EQ(async_pool_give(&self->pool, 0), ASYNC_EALREADY);
    CHECK_EQ(async_pool_spawn(NULL, 0, nap, &self->naps[0]), ASYNC_EINVAL);
    CHECK_EQ(async_pool_spawn(&self->pool, 2, nap, &self->naps[0]),
             ASYNC_EINVAL);
    CHECK_EQ(async_pool_spawn(&self->pool, 0, nap, &self->naps[0]),
             ASYNC_EALREADY);
    AWAIT_VALUE(self->i, async_pool_take(&self->pool));
    CHECK_EQ(self->i, 0);
    tub_spawn(self, 0, 1000);
    CHECK_EQ(async_pool_spawn(&self->pool, 0, nap, &self->naps[0]),
             ASYNC_EALREADY);
    CHECK_EQ(async_pool_give(&self->pool, 0), ASYNC_EALREADY);
    AWAIT(async_pool_join(&self->pool));
    CHECK_EQ(async_pool_give(&self->pool, 0), ASYNC_EALREADY);
    ASYNC_END;
}

TEST(pool_bad_input)
{
    CHECK_EQ(tub_run(wrong, 2), 0);
    CHECK_LOG("A(A)");
}

/* A pool that was never opened is an error, no crash. */
static ASYNC closed(struct tub *self)
{
    static async_pool pool;

    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->e, async_pool_take(&pool));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    AWAIT_RESULT(self->e, async_pool_join(&pool));
    CHECK_EQ(self->e, ASYNC_EINVAL);
    CHECK_EQ(async_pool_give(&pool, 0), ASYNC_EINVAL);
    CHECK_EQ(async_pool_cancel(&pool), 0);
    ASYNC_END;
}

TEST(pool_not_open)
{
    CHECK_EQ(tub_run(closed, 1), 0);
}

/* What is left in a pool when the loop ends is cancelled, takers too. */
static ASYNC leaves(struct tub *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_pool_take(&self->pool));
    tub_spawn(self, 0, 1000);
    self->naps[0].cleanup = 10;
    start_takers(self, 2);
    AWAIT(async_sleep(ASYNC_MS(10)));
    ASYNC_END;
}

static ASYNC outlives(struct tub *self)
{
    static async_loop loop;
    static async_task task;
    int rc;

    (void)self;
    async_loop_open(&loop);
    async_spawn(&task, leaves, self);
    rc = async_loop_run(&loop, &task);
    CHECK_EQ(async_loop_cancel_all(&loop), 0);
    CHECK_EQ(async_loop_close(&loop), 0);
    return rc;
}

TEST(pool_left_to_the_end_of_the_loop)
{
    static struct tub tub;

    CHECK_EQ(async_pool_open(&tub.pool, tub.slots, 1), 0);
    CHECK_EQ(outlives(&tub), 0);
    CHECK_LOG("A(AxA!");
    CHECK_EQ(async_pool_busy(&tub.pool), 0);
}

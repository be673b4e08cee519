/* Deadlines: nested, rescheduled, and meeting cancels, in every order. */
#include "nap.h"

struct limited {
    async_frame frame;
    async_timeout scope, outer;
    struct nap nap, nap2;
    async_task task, other;
    async_future future;
    int e, n, i, outcome;
    long limit;
};

static struct limited zero_limited(void)
{
    struct limited l = {0};

    l.nap.name = "A";
    l.nap2.name = "B";
    return l;
}

static ASYNC limit_nap(struct limited *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->n, ASYNC_TIMEOUT(&self->scope,
                                       (async_duration)ASYNC_MS(self->limit),
                                       nap(&self->nap)));
    ASYNC_RETURN(self->n);
    ASYNC_END;
}

TEST(timeout_too_slow)
{
    struct limited l = zero_limited();

    l.nap.ms = 10000;
    l.nap.cleanup = 10;
    l.limit = 3000;
    CHECK_EQ(async_run(limit_nap, &l), ASYNC_ETIMEDOUT);
    CHECK_LOG("A(AxA!");
    CHECK_EQ(test_ms(), 3010);          /* the cleanup was awaited */
    CHECK(async_timeout_expired(&l.scope));
}

TEST(timeout_in_time)
{
    struct limited l = zero_limited();

    l.nap.ms = 10000;
    l.nap.result = 4;
    l.limit = 20000;
    CHECK_EQ(async_run(limit_nap, &l), 4);
    CHECK_LOG("A(A)");
    CHECK_EQ(test_ms(), 10000);         /* the deadline is gone */
    CHECK(!async_timeout_expired(&l.scope));
}

/* What is ready at the very instant of the deadline is kept. */
TEST(timeout_at_the_same_instant_keeps_the_result)
{
    struct limited l = zero_limited();

    l.nap.ms = 100;
    l.nap.result = 4;
    l.limit = 100;
    CHECK_EQ(async_run(limit_nap, &l), 4);
    CHECK_LOG("A(A)");
}

/* Zero or less is a poll. */
TEST(timeout_zero_is_a_poll)
{
    struct limited l = zero_limited();

    l.nap.ms = -1;
    l.nap.result = 5;
    l.limit = 0;
    CHECK_EQ(async_run(limit_nap, &l), 5);
    CHECK_LOG("A(A)");
    l.nap.ms = 1;
    CHECK_EQ(async_run(limit_nap, &l), ASYNC_ETIMEDOUT);
    CHECK_LOG("A(AxA!");
    l.limit = -7;
    CHECK_EQ(async_run(limit_nap, &l), ASYNC_ETIMEDOUT);
    CHECK_EQ(test_ms(), 0);
}

/* A block of three awaits: which is hit depends on their lengths. */
static ASYNC block(struct limited *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_SEC(1)) {
            for (self->i = 0; self->i < 3; self->i++) {
                AWAIT(async_sleep((async_duration)ASYNC_MS(self->limit)));
                test_log("%d ", self->i);
            }
        } ASYNC_TIMEOUT_END;
        test_log("in time ");
    } ASYNC_CATCH(self->e) {
        CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
        test_log("timed out ");
    } ASYNC_TRY_END;
    ASYNC_END;
}

TEST(timeout_block)
{
    struct limited l = zero_limited();

    l.limit = 300;
    CHECK_EQ(async_run(block, &l), 0);
    CHECK_LOG("0 1 2 in time ");
    l.limit = 400;
    CHECK_EQ(async_run(block, &l), 0);
    CHECK_LOG("0 1 timed out ");
    l.limit = 1200;
    CHECK_EQ(async_run(block, &l), 0);
    CHECK_LOG("timed out ");
    CHECK_EQ(test_ms(), 900 + 1000 + 1000);
}

/* Ways out of a block: each leaves the scope. */
static ASYNC leaves_block(struct limited *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 4; self->i++) {
        ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_MS(100)) {
            AWAIT(async_sleep(ASYNC_MS(1)));
            if (self->i < 2) {
                continue;
            }
            if (self->i == 2) {
                break;
            }
            test_log("never ");
        } ASYNC_TIMEOUT_END;
        test_log("never ");
    }
    CHECK_EQ(self->i, 2);
    CHECK(self->scope.scope.task == NULL);
    ASYNC_TRY {
        ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_MS(100)) {
            AWAIT(async_sleep(ASYNC_MS(1)));
            ASYNC_RAISE(ASYNC_EIO);
        } ASYNC_TIMEOUT_END;
    } ASYNC_CATCH(self->e) {
        CHECK_EQ(self->e, ASYNC_EIO);
        CHECK(self->scope.scope.task == NULL);
    } ASYNC_TRY_END;
    ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_MS(100)) {
        AWAIT(async_sleep(ASYNC_MS(1)));
        ASYNC_RETURN(6);
    } ASYNC_TIMEOUT_END;
    ASYNC_END;
}

TEST(timeout_block_ways_out)
{
    struct limited l = zero_limited();

    CHECK_EQ(async_run(leaves_block, &l), 6);
    CHECK(l.scope.scope.task == NULL);
    CHECK_EQ(test_ms(), 5);
    CHECK_LOG("");
}

/* Inner and outer limits: the earlier fires, and they are told apart. */
static ASYNC nested(struct limited *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        ASYNC_TIMEOUT_BEGIN(&self->outer, (async_duration)
                            ASYNC_MS(self->limit)) {
            ASYNC_TRY {
                AWAIT(ASYNC_TIMEOUT(&self->scope, ASYNC_MS(100),
                                    nap(&self->nap)));
            } ASYNC_CATCH(self->e) {
                CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
                test_log("inner ");
            } ASYNC_TRY_END;
        } ASYNC_TIMEOUT_END;
    } ASYNC_CATCH(self->e) {
        CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
        test_log("outer ");
    } ASYNC_TRY_END;
    ASYNC_END;
}

TEST(timeout_nested)
{
    struct limited l = zero_limited();

    l.nap.ms = 1000;
    l.limit = 200;
    CHECK_EQ(async_run(nested, &l), 0);
    CHECK_LOG("A(AxA!inner ");
    l.limit = 50;
    CHECK_EQ(async_run(nested, &l), 0);
    CHECK_LOG("A(AxA!outer ");
    l.limit = 100;                      /* both at once: the outer one wins */
    CHECK_EQ(async_run(nested, &l), 0);
    CHECK_LOG("A(AxA!outer ");
    l.nap.ms = 10;
    l.limit = 200;
    CHECK_EQ(async_run(nested, &l), 0);
    CHECK_LOG("A(A)");
}

/* A deadline works inside the cleanup after a cancellation. */
static ASYNC limited_cleanup(struct limited *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_sleep(ASYNC_MS(1000)));
    } ASYNC_FINALLY(self->outcome) {
        AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, ASYNC_MS(20),
                                            async_sleep(ASYNC_MS(500))));
        CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
        test_log("cleaned ");
    } ASYNC_TRY_END;
    ASYNC_END;
}

static ASYNC cancels_limited(struct limited *self)
{
    static struct limited inner;

    ASYNC_BEGIN(self);
    inner = zero_limited();
    async_spawn(&self->task, limited_cleanup, &inner);
    AWAIT(async_sleep(ASYNC_MS(10)));
    async_cancel(&self->task);
    AWAIT_RESULT(self->e, async_join(&self->task));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    CHECK_EQ(test_ms(), 30);
    ASYNC_END;
}

TEST(timeout_inside_cleanup)
{
    struct limited l = zero_limited();

    CHECK_EQ(async_run(cancels_limited, &l), 0);
    CHECK_LOG("cleaned ");
}

/* And inside the cleanup after another deadline, which does not strike again:
 * it is told apart from that one. */
static ASYNC limited_twice(struct limited *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TIMEOUT_BEGIN(&self->outer, ASYNC_MS(100)) {
        ASYNC_TRY {
            AWAIT(async_sleep(ASYNC_MS(1000)));
        } ASYNC_FINALLY(self->outcome) {
            AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, ASYNC_MS(20),
                                                async_sleep(ASYNC_MS(500))));
            CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
            test_log("cleaned ");
        } ASYNC_TRY_END;
    } ASYNC_TIMEOUT_END;
    ASYNC_END;
}

TEST(timeout_inside_cleanup_of_another)
{
    struct limited l = zero_limited();

    CHECK_EQ(async_run(limited_twice, &l), ASYNC_ETIMEDOUT);
    CHECK_EQ(test_ms(), 120);
    CHECK_LOG("cleaned ");
}

/* A cancel that came before the scope, and is delivered inside it together
 * with the scope's own strike, is no timeout. */
static ASYNC cancelled_before(struct limited *self)
{
    ASYNC_BEGIN(self);
    async_cancel(async_current());
    AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, 0,
                                        async_sleep(ASYNC_MS(500))));
    test_log("never ");
    ASYNC_END;
}

TEST(timeout_and_a_cancel_before_it)
{
    struct limited l = zero_limited();

    CHECK_EQ(async_run(cancelled_before, &l), ASYNC_ECANCELED);
    CHECK_LOG("");
}

/* A join under a limit: the task is cancelled, its cleanup awaited. */
static ASYNC limits_join(struct limited *self)
{
    ASYNC_BEGIN(self);
    self->nap.ms = 10000;
    self->nap.cleanup = 7;
    async_spawn(&self->task, nap, &self->nap);
    AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, ASYNC_MS(3000),
                                        async_join(&self->task)));
    CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    CHECK_EQ(test_ms(), 3007);
    AWAIT_RESULT(self->e, async_join(&self->task));
    CHECK_EQ(self->e, ASYNC_ECANCELED);
    self->nap.ms = 1;                   /* a shielded one goes on */
    async_spawn(&self->task, nap, &self->nap);
    AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, 0,
                                        async_shield(&self->task)));
    CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    AWAIT(async_join(&self->task));
    ASYNC_END;
}

TEST(timeout_of_a_join)
{
    struct limited l = zero_limited();

    CHECK_EQ(async_run(limits_join, &l), 0);
    CHECK_LOG("A(AxA!A(A)");
}

/* ---- rescheduling -------------------------------------------------------- */

static ASYNC moves(struct limited *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_timeout_reschedule(&self->scope, 5), ASYNC_EINVAL);
    CHECK_EQ(async_timeout_reschedule(NULL, 5), ASYNC_EINVAL);
    ASYNC_TRY {
        ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_MS(100)) {
            for (self->i = 0; self->i < 50; self->i++) {
                AWAIT(async_sleep(ASYNC_MS(50)));
                CHECK_EQ(async_timeout_reschedule(&self->scope,
                                                  ASYNC_MS(100)), 0);
            }
            CHECK_EQ(test_ms(), 2500);
            AWAIT(async_sleep(ASYNC_MS(500)));
        } ASYNC_TIMEOUT_END;
    } ASYNC_CATCH(self->e) {
        CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
        CHECK_EQ(test_ms(), 2600);
        test_log("later ");
    } ASYNC_TRY_END;
    ASYNC_TRY {                         /* sooner, much sooner, never */
        ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_MS(1000)) {
            CHECK_EQ(async_timeout_reschedule(&self->scope, ASYNC_MS(10)), 0);
            AWAIT(async_sleep(ASYNC_MS(500)));
        } ASYNC_TIMEOUT_END;
    } ASYNC_CATCH(self->e) {
        CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
        CHECK_EQ(test_ms(), 2610);
        test_log("sooner ");
    } ASYNC_TRY_END;
    ASYNC_TRY {
        ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_NEVER) {
            AWAIT(async_sleep(ASYNC_MS(500)));
            CHECK_EQ(async_timeout_reschedule(&self->scope, ASYNC_MS(10)), 0);
            CHECK_EQ(async_timeout_reschedule(&self->scope, ASYNC_NEVER), 0);
            AWAIT(async_sleep(ASYNC_MS(500)));
            CHECK_EQ(async_timeout_reschedule(&self->scope, 0), 0);
            CHECK_EQ(async_timeout_reschedule(&self->scope, 5),
                     ASYNC_EALREADY);
            AWAIT(async_yield());
        } ASYNC_TIMEOUT_END;
    } ASYNC_CATCH(self->e) {
        CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
        CHECK_EQ(test_ms(), 3610);
        test_log("now ");
    } ASYNC_TRY_END;
    ASYNC_END;
}

TEST(timeout_rescheduled)
{
    struct limited l = zero_limited();

    CHECK_EQ(async_run(moves, &l), 0);
    CHECK_LOG("later sooner now ");
}

/* The hold-up of cpython #86296: a cancel that arrives with the timeout is not
 * swallowed, neither before nor after the deadline, nor by an inner result. */
static ASYNC loses_nothing(struct limited *self)
{
    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, ASYNC_MS(10),
                                        async_future_wait(&self->future)));
    test_log("%d ", self->e == ASYNC_ETIMEDOUT ? -1 : self->e);
    AWAIT(async_sleep(ASYNC_MS(1)));
    test_log("uncancelled ");
    ASYNC_END;
}

static struct limited inner_limited;

static ASYNC meets_cancel(struct limited *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 3; self->i++) {
        inner_limited = zero_limited();
        async_spawn(&self->task, loses_nothing, &inner_limited);
        AWAIT(async_yield());
        if (self->i == 0) {             /* cancel, then the deadline passes */
            test_busy(ASYNC_MS(20));
            async_cancel(&self->task);
        } else if (self->i == 1) {      /* the result, then both */
            async_future_set(&inner_limited.future, 3);
            test_busy(ASYNC_MS(20));
            async_cancel(&self->task);
        } else {                        /* the deadline alone */
            AWAIT(async_sleep(ASYNC_MS(30)));
        }
        AWAIT_RESULT(self->e, async_join(&self->task));
        CHECK_EQ(self->e, self->i < 2 ? ASYNC_ECANCELED : 0);
    }
    ASYNC_END;
}

TEST(timeout_swallows_no_cancel)
{
    struct limited l = zero_limited();

    CHECK_EQ(async_run(meets_cancel, &l), 0);
    CHECK_LOG("3 -1 uncancelled ");
}

/* ---- 900 interleavings --------------------------------------------------- */

/* Deadlines a (inner) and b (outer), a real cancel at c, the result at r, all
 * in ticks; who comes first within a tick is cancel and deadlines, then the
 * task. The rule in words: a result in time is kept. Otherwise the strike
 * leaves the inner scope as its timeout only if that scope fired, and neither
 * a cancel came nor the outer deadline had passed; and it leaves the outer one
 * as a timeout unless a cancel came. A cancel that nobody was told of strikes
 * the next await; a timeout's own strike ends with its scope. */
struct grid {
    async_frame frame;
    async_timeout inner, outer;
    int a, b, c, r;
    int in_rc, out_rc, next_rc, ended;
    async_ticks start;
    async_task task;
};

static ASYNC ready_at(struct grid *self)
{
    if ((async_duration)(async_now() - self->start) >= self->r) {
        return 7;
    }
    return async_poll();
}

static ASYNC inner_scope(struct grid *self)
{
    async_status rc = ASYNC_TIMEOUT(&self->inner, (async_duration)self->a,
                                    ready_at(self));

    if (rc != ASYNC_PENDING) {
        self->in_rc = rc;
        self->ended = (int)(async_now() - self->start);
    }
    return rc;
}

static ASYNC grid_task(struct grid *self)
{
    ASYNC_BEGIN(self);
    self->start = async_now();
    ASYNC_TRY {
        AWAIT_VALUE(self->out_rc, ASYNC_TIMEOUT(&self->outer,
                                                (async_duration)self->b,
                                                inner_scope(self)));
    } ASYNC_CATCH_ALL(self->out_rc) {
    } ASYNC_TRY_END;
    ASYNC_TRY {
        AWAIT(async_yield());
        self->next_rc = 0;
    } ASYNC_CATCH_ALL(self->next_rc) {
    } ASYNC_TRY_END;
    ASYNC_END;
}

static void one_case(struct grid *g)
{
    async_loop loop;
    int tick, in, out, next;
    bool real, inner, outer;

    async_loop_open(&loop);
    async_spawn(&g->task, grid_task, g);
    (void)async_loop_step(&loop);
    for (tick = 1; !async_done(&g->task) && tick < 30; tick++) {
        test_busy(1);
        if (tick == g->c && g->ended < 0) {
            async_cancel(&g->task);
        }
        (void)async_loop_step(&loop);
    }
    CHECK(async_done(&g->task));
    async_loop_close(&loop);

    real = g->c >= 1 && g->c <= g->ended;
    inner = g->a <= g->ended;
    outer = g->b <= g->ended;
    if (g->in_rc == 7) {
        in = out = 7;
        next = real ? ASYNC_CANCEL : 0;
    } else {
        in = real || outer || !inner ? ASYNC_CANCEL : ASYNC_ETIMEDOUT;
        out = real ? ASYNC_CANCEL
            : in == ASYNC_ETIMEDOUT || outer ? ASYNC_ETIMEDOUT : ASYNC_CANCEL;
        next = 0;
    }
    if (g->in_rc != in || g->out_rc != out || g->next_rc != next) {
        test_log_clear();
        test_log("a%d b%d c%d r%d: %d %d %d, not %d %d %d", g->a, g->b, g->c,
                 g->r, g->in_rc, g->out_rc, g->next_rc, in, out, next);
        test_fail(__FILE__, __LINE__, test_log_text());
    }
}

TEST(timeout_and_cancel_in_900_orders)
{
    int a, b, c, r;

    for (a = 0; a < 5; a++) {
        for (b = 0; b < 5; b++) {
            for (c = 0; c < 6; c++) {
                for (r = 0; r < 6; r++) {
                    struct grid g = {0};

                    g.a = a;
                    g.b = b;
                    g.c = c;
                    g.r = r;
                    g.ended = -1;
                    one_case(&g);
                }
            }
        }
    }
}

/* try, catch, finally, with: every way out of every nesting of two, compared
 * with a model in plain C; then what the model does not cover. */
#include "drive.h"

/* ---- every way out of every nesting -------------------------------------- */

enum way {
    END_, BREAK_, CONTINUE_, RETURN_, RETURN_ERROR_, RAISE_, AWAIT_, CANCEL_,
    RAISE_CANCEL_, WAYS
};

struct items_self {
    async_generator frame;
    struct delay_self delay;
    int n, slot;
};

struct nest {
    async_frame frame;
    struct delay_self delay;
    int way, i;
    int slot[2], error[2], k[2];
    struct items_self items[2];
    int item[2];
};

static async_status logged(const char *text)
{
    test_log("%s", text);
    return 0;
}

#ifndef ASYNC_NO_COUNTER        /* each of what follows stands on one line */
/* A generator of two items, with an awaiting finally. */
static ASYNC items(struct items_self *self, int *out)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY
        for (self->n = 0; self->n < 2; self->n++) {
            AWAIT(delay(&self->delay, 1, 0));
            *out = self->n - 1;
            ASYNC_YIELD();
        }
    ASYNC_FINALLY(self->slot)
        AWAIT(delay(&self->delay, 1, 0));
        test_log("g");
    ASYNC_TRY_END
    ASYNC_END;
}

/* Each step suspends, so that every place is resumed at. */
#define STEP(text) \
    do { AWAIT(delay(&self->delay, 1, 0)); test_log(text); } while (0)

#define LEAF(level) \
    STEP("L"); \
    if (self->way == BREAK_) break; \
    if (self->way == CONTINUE_) continue; \
    if (self->way == RETURN_) ASYNC_RETURN(7); \
    if (self->way == RETURN_ERROR_) ASYNC_RETURN(-7); \
    if (self->way == RAISE_) ASYNC_RAISE(-8); \
    if (self->way == AWAIT_) AWAIT(delay(&self->delay, 1, -9)); \
    if (self->way == CANCEL_) AWAIT(delay(&self->delay, 1, ASYNC_CANCEL)); \
    if (self->way == RAISE_CANCEL_) ASYNC_RAISE(ASYNC_CANCEL); \
    STEP("l");

#define LOOP(n, body) \
    for (self->k[n] = 0; self->k[n] < 2; self->k[n]++) { body }
#define CATCH(n, body) \
    ASYNC_TRY body \
    ASYNC_CATCH(self->error[n]) STEP("c"); \
    ASYNC_TRY_END
#define ALL(n, body) \
    ASYNC_TRY body \
    ASYNC_CATCH_ALL(self->error[n]) STEP("a"); \
    ASYNC_TRY_END
#define FINALLY(n, body) \
    ASYNC_TRY body \
    ASYNC_FINALLY(self->slot[n]) STEP("f"); \
    ASYNC_TRY_END
#define BOTH(n, body) \
    ASYNC_TRY body \
    ASYNC_CATCH(self->error[n]) STEP("c"); \
    ASYNC_FINALLY(self->slot[n]) STEP("f"); \
    ASYNC_TRY_END
#define INCATCH(n, body) \
    ASYNC_TRY ASYNC_RAISE(-5); \
    ASYNC_CATCH(self->error[n]) body \
    ASYNC_TRY_END
#define INBOTH(n, body) \
    ASYNC_TRY ASYNC_RAISE(-5); \
    ASYNC_CATCH(self->error[n]) body \
    ASYNC_FINALLY(self->slot[n]) STEP("f"); \
    ASYNC_TRY_END
#define INFINALLY(n, body) \
    ASYNC_TRY STEP("t"); \
    ASYNC_FINALLY(self->slot[n]) body \
    ASYNC_TRY_END
#define INRAISED(n, body) \
    ASYNC_TRY ASYNC_RAISE(-5); \
    ASYNC_FINALLY(self->slot[n]) body \
    ASYNC_TRY_END
#define INBROKEN(n, body) \
    ASYNC_TRY if (self->way >= 0) break; \
    ASYNC_FINALLY(self->slot[n]) body \
    ASYNC_TRY_END
#define WITH(n, body) \
    ASYNC_WITH(logged("["), logged("]")) body ASYNC_WITH_END
#define WITHAWAIT(n, body) \
    ASYNC_WITH_AWAIT(self->slot[n], delay(&self->delay, 1, 0), \
                     delay(&self->delay, 2, 0)) body ASYNC_WITH_END
#define FOR(n, body) \
    ASYNC_FOR(items, &self->items[n], &self->item[n]) \
        test_log("%d", self->item[n]); body \
    ASYNC_FOR_END

#define EACH(X, a) \
    X(a, LOOP) X(a, CATCH) X(a, ALL) X(a, FINALLY) X(a, BOTH) X(a, INCATCH) \
    X(a, INBOTH) X(a, INFINALLY) X(a, INRAISED) X(a, INBROKEN) X(a, WITH) \
    X(a, WITHAWAIT) X(a, FOR)
#define EACH_OUTER(X, Y) \
    X(Y, LOOP) X(Y, CATCH) X(Y, ALL) X(Y, FINALLY) X(Y, BOTH) X(Y, INCATCH) \
    X(Y, INBOTH) X(Y, INFINALLY) X(Y, INRAISED) X(Y, INBROKEN) X(Y, WITH) \
    X(Y, WITHAWAIT) X(Y, FOR)
#define EACH_PAIR(X, a) EACH(X, a)

#define NEST(a, b) \
    static ASYNC nest_##a##_##b(struct nest *self) \
    { \
        ASYNC_BEGIN(self); \
        for (self->i = 0; self->i < 2; self->i++) { \
            a(0, b(1, LEAF(1)) STEP("m");) \
            STEP("."); \
        } \
        STEP("E"); \
        ASYNC_RETURN(3); \
        ASYNC_END; \
    }

EACH_OUTER(EACH_PAIR, NEST)

/* The model: what a body of each kind does with how its inside was left. */
enum kind {
    K_LOOP, K_CATCH, K_ALL, K_FINALLY, K_BOTH, K_INCATCH, K_INBOTH,
    K_INFINALLY, K_INRAISED, K_INBROKEN, K_WITH, K_WITHAWAIT, K_FOR
};
enum { M_END = -101, M_BREAK = -102, M_CONTINUE = -103, M_CANCEL = -104 };

static char model_text[4000];

static void model_log(const char *text)
{
    strcat(model_text, text);
}

static bool is_error(int left)
{
    return left < 0 && left > M_END;
}

static int model(const int *kinds, int depth, enum way way);

static int model_inside(const int *kinds, int depth, enum way way)
{
    int left = model(kinds, depth + 1, way);

    if (left == M_END && depth == 0) {
        model_log("m");
    }
    return left;
}

static int model(const int *kinds, int depth, enum way way)
{
    int left, n;

    if (depth == 2) {
        model_log("L");
        switch (way) {
        case BREAK_: return M_BREAK;
        case CONTINUE_: return M_CONTINUE;
        case RETURN_: return 7;
        case RETURN_ERROR_: return -7;
        case RAISE_: return -8;
        case AWAIT_: return -9;
        case CANCEL_: case RAISE_CANCEL_: return M_CANCEL;
        case END_: case WAYS: default: break;
        }
        model_log("l");
        return M_END;
    }
    switch (kinds[depth]) {
    case K_LOOP:
        for (n = 0; n < 2; n++) {
            left = model_inside(kinds, depth, way);
            if (left == M_BREAK) {
                break;
            }
            if (left != M_END && left != M_CONTINUE) {
                return left;
            }
        }
        return M_END;
    case K_CATCH: case K_ALL: case K_BOTH:
        left = model_inside(kinds, depth, way);
        if (is_error(left) || (left == M_CANCEL && kinds[depth] == K_ALL)) {
            model_log(kinds[depth] == K_ALL ? "a" : "c");
            left = M_END;
        }
        if (kinds[depth] == K_BOTH) {
            model_log("f");
        }
        return left;
    case K_FINALLY: case K_INBOTH:
        left = model_inside(kinds, depth, way);
        model_log("f");
        return left;
    case K_INCATCH:
        return model_inside(kinds, depth, way);
    case K_INFINALLY:
        model_log("t");
        return model_inside(kinds, depth, way);
    case K_INRAISED:
        left = model_inside(kinds, depth, way);
        return left == M_END ? -5 : left;
    case K_INBROKEN:
        left = model_inside(kinds, depth, way);
        return left == M_END ? M_BREAK : left;
    case K_WITH:
        model_log("[");
        left = model_inside(kinds, depth, way);
        model_log("]");
        return left;
    case K_WITHAWAIT:
        return model_inside(kinds, depth, way);
    case K_FOR: default:
        for (n = 0; n < 2; n++) {
            model_log(n == 0 ? "-1" : "0");
            left = model_inside(kinds, depth, way);
            if (left != M_END && left != M_CONTINUE) {
                break;
            }
            left = M_END;
        }
        model_log("g");
        return left == M_BREAK ? M_END : left;
    }
}

static void compare(const char *name, ASYNC (*run)(struct nest *), int outer,
                    int inner)
{
    int way;

    for (way = 0; way < WAYS; way++) {
        struct nest nest;
        int kinds[2], left = M_END, rc, turns, i, round;

        kinds[0] = outer;
        kinds[1] = inner;
        model_text[0] = '\0';
        for (i = 0; i < 2; i++) {
            left = model(kinds, 0, (enum way)way);
            if (left == M_BREAK) {
                left = M_END;
                break;
            }
            if (left != M_END && left != M_CONTINUE) {
                break;
            }
            if (left == M_END) {
                model_log(".");
            }
            left = M_END;
        }
        if (left == M_END) {
            model_log("E");
        }
        left = left == M_END ? 3 : left == M_CANCEL ? ASYNC_CANCEL : left;

        FRESH(nest);
        nest.way = way;
        for (round = 0; round < 2; round++) {   /* finished is fresh */
            DRIVE(rc, turns, run(&nest));
            if (rc != left || strcmp(test_log_text(), model_text) != 0
                || nest.frame.point != 0) {
                test_fail(name, way, "differs from the model");
                CHECK_STR(test_log_text(), model_text);
                CHECK_EQ(rc, left);
            }
            test_log_clear();
        }
    }
}

#define COMPARE(a, b) compare(#a " " #b, nest_##a##_##b, K_##a, K_##b);

#endif

TEST(try_every_way_out_of_every_nesting)
{
#ifdef ASYNC_NO_COUNTER
    /* many awaits on a line need a compiler that counts */
#else
    EACH_OUTER(EACH_PAIR, COMPARE)
#endif
}

/* ---- what goes where ----------------------------------------------------- */

struct some {
    async_frame frame;
    struct delay_self delay;
    int mode, i, j, error, error2, slot, slot2;
    int held;
};

static ASYNC catch_nothing(struct some *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY
        AWAIT(delay(&self->delay, 1, 5));
        test_log("body ");
    ASYNC_CATCH(self->error)
        test_log("catch ");
    ASYNC_TRY_END
    test_log("after");
    ASYNC_END;
}

TEST(try_catch_is_skipped_without_an_error)
{
    struct some some;
    int rc, turns;

    FRESH(some);
    DRIVE(rc, turns, catch_nothing(&some));
    CHECK_EQ(rc, 0);
    CHECK_EQ(some.error, 0);
    CHECK_LOG("body after");
}

static ASYNC catch_not_cancel(struct some *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY
        AWAIT(delay(&self->delay, 1, self->mode));
    ASYNC_CATCH(self->error)
        test_log("%s", self->error == ASYNC_ECANCELED ? "another's" : "?");
    ASYNC_TRY_END
    ASYNC_END;
}

TEST(try_catch_takes_ecanceled_but_not_cancel)
{
    struct some some;
    int rc, turns;

    FRESH(some);
    some.mode = ASYNC_ECANCELED;
    DRIVE(rc, turns, catch_not_cancel(&some));
    CHECK_EQ(rc, 0);
    CHECK_LOG("another's");
    some.mode = ASYNC_CANCEL;
    DRIVE(rc, turns, catch_not_cancel(&some));
    CHECK_EQ(rc, ASYNC_CANCEL);
    CHECK_LOG("");
}

static ASYNC slot_holds(struct some *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 1; self->i++) {
        ASYNC_TRY
            if (self->mode == 1) { break; }
            if (self->mode == 2) { continue; }
            ASYNC_RETURN(self->mode);
        ASYNC_FINALLY(self->slot)
            test_log(self->slot >= 0 ? "result " : self->slot > ASYNC_CANCEL
                     ? "error " : self->slot == ASYNC_CANCEL ? "cancel "
                     : "no error ");
        ASYNC_TRY_END
    }
    ASYNC_END;
}

TEST(try_finally_sees_the_outcome_in_flight)
{
    static const int modes[] = {0, 1, 2, 32767, -1, ASYNC_EUSER(3),
                                ASYNC_CANCEL};
    struct some some;
    size_t i;
    int rc, turns;

    FRESH(some);
    for (i = 0; i < sizeof modes / sizeof *modes; i++) {
        some.mode = modes[i];
        DRIVE(rc, turns, slot_holds(&some));
        CHECK_EQ(rc, modes[i] == 1 || modes[i] == 2 ? 0 : modes[i]);
    }
    CHECK_LOG("result no error no error result error error cancel ");
}

struct ways_out { async_frame frame; int way, i, error, outcome, failed; };

/* Is each way out told from the others, by ASYNC_FAILED? */
static ASYNC ways_out(struct ways_out *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 1; self->i++) {
        ASYNC_TRY
            if (self->way == 1) { break; }
            if (self->way == 2) { continue; }
            if (self->way == 3) { ASYNC_RETURN(3); }
            if (self->way == 4) { ASYNC_RAISE(ASYNC_EIO); }
            if (self->way == 5) { ASYNC_RAISE(ASYNC_CANCEL); }
            if (self->way == 6) { ASYNC_RAISE(ASYNC_EUSER(1000)); }
        ASYNC_FINALLY(self->outcome)
            self->failed = ASYNC_FAILED(self->outcome);
        ASYNC_TRY_END
    }
    ASYNC_END;
}

TEST(try_finally_tells_a_failure)
{
    static const int rcs[7] = {
        0, 0, 0, 3, ASYNC_EIO, ASYNC_CANCEL, ASYNC_EUSER(1000)
    };
    int way;

    for (way = 0; way < 7; way++) {
        struct ways_out self;

        FRESH(self);
        self.way = way;
        self.failed = -1;
        CHECK_EQ(ways_out(&self), rcs[way]);
        CHECK_EQ(self.failed, way > 3);
        CHECK_EQ(self.outcome < ASYNC_CANCEL, way < 3);
    }
}

/* An outcome may be changed through its lvalue: that is what goes on. */
static ASYNC slot_changed(struct some *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY
        ASYNC_RAISE(-4);
    ASYNC_FINALLY(self->slot)
        AWAIT(delay(&self->delay, 2, 0));
        self->slot = self->mode;
    ASYNC_TRY_END
    ASYNC_END;
}

TEST(try_finally_outcome_may_be_changed)
{
    struct some some;
    int rc, turns;

    FRESH(some);
    some.mode = -6;
    DRIVE(rc, turns, slot_changed(&some));
    CHECK_EQ(rc, -6);
    some.mode = 6;
    DRIVE(rc, turns, slot_changed(&some));
    CHECK_EQ(rc, 6);
}

static ASYNC handlers_await(struct some *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY
        ASYNC_TRY
            AWAIT(delay(&self->delay, 1, -1));
        ASYNC_CATCH(self->error)
            AWAIT(delay(&self->delay, 3, 0));
            test_log("c");
            AWAIT(delay(&self->delay, 1, -2));
            test_log("?");
        ASYNC_FINALLY(self->slot)
            AWAIT(delay(&self->delay, 3, 0));
            test_log("f");
            AWAIT(delay(&self->delay, 1, -3));
            test_log("?");
        ASYNC_TRY_END
        test_log("?");
    ASYNC_CATCH(self->error2)
        AWAIT(delay(&self->delay, 3, 0));
        test_log("C");
    ASYNC_FINALLY(self->slot2)
        AWAIT(delay(&self->delay, 3, 0));
        test_log("F");
    ASYNC_TRY_END
    ASYNC_RETURN(self->error2);
    ASYNC_END;
}

TEST(try_handlers_await_and_fail)
{
    struct some some;
    int rc, turns;

    FRESH(some);
    DRIVE(rc, turns, handlers_await(&some));
    CHECK_EQ(rc, -3);
    CHECK_EQ(some.error, -1);
    CHECK_EQ(turns, 1 + 3 + 1 + 3 + 1 + 3 + 3);
    CHECK_LOG("cfCF");
}

/* What stands in an inner loop of a body belongs to that loop. */
static ASYNC inner_loops(struct some *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY
        for (self->i = 0; self->i < 5; self->i++) {
            AWAIT(delay(&self->delay, 1, 0));
            if (self->i == 1) { continue; }
            if (self->i == 3) { break; }
            test_log("%d", self->i);
        }
        test_log(".");
    ASYNC_FINALLY(self->slot)
        self->j = 0;
        while (true) {
            AWAIT(delay(&self->delay, 1, 0));
            if (++self->j == 2) { continue; }
            if (self->j == 4) { break; }
            test_log("%d", self->j);
        }
        do {
            AWAIT(delay(&self->delay, 1, 0));
            test_log("d");
        } while (++self->j < 6);
    ASYNC_TRY_END
    test_log("E");
    ASYNC_END;
}

TEST(try_loops_inside_keep_their_break_and_continue)
{
    struct some some;
    int rc, turns;

    FRESH(some);
    DRIVE(rc, turns, inner_loops(&some));
    CHECK_EQ(rc, 0);
    CHECK_LOG("02.13ddE");
}

/* ---- one statement ------------------------------------------------------- */

static ASYNC one_statement(struct some *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 3; self->i++)
        if (self->i == 0)
            ASYNC_TRY
                AWAIT(delay(&self->delay, 1, -1));
            ASYNC_CATCH(self->error)
                test_log("t");
            ASYNC_TRY_END
        else if (self->i == 1)
            ASYNC_WITH(logged("["), logged("]"))
                AWAIT(delay(&self->delay, 1, 0));
            ASYNC_WITH_END
        else
            ASYNC_WITH_AWAIT(self->slot, delay(&self->delay, 1, 0),
                             delay(&self->delay, 1, 0))
                test_log("w");
            ASYNC_WITH_END
    ASYNC_TRY { test_log("b"); } ASYNC_FINALLY(self->slot) { test_log("B"); }
    ASYNC_TRY_END;
    ASYNC_END;
}

TEST(try_blocks_are_one_statement)
{
    struct some some;
    int rc, turns;

    FRESH(some);
    DRIVE(rc, turns, one_statement(&some));
    CHECK_EQ(rc, 0);
    CHECK_LOG("t[]wbB");
}

/* ---- with ---------------------------------------------------------------- */

static async_status take(int *held)
{
    if (*held) {
        return ASYNC_PENDING;
    }
    *held = 1;
    test_log("[");
    return 0;
}

static void give(int *held)
{
    *held = 0;
    test_log("]");
}

static ASYNC with_lock(struct some *self, int *lock)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH(take(lock), give(lock))      /* a release of type void */
        AWAIT(delay(&self->delay, 2, 0));
        test_log("%d", self->mode);
        if (self->mode == 2) {
            ASYNC_RAISE(-2);
        }
    ASYNC_WITH_END
    ASYNC_END;
}

TEST(with_waits_for_acquire_and_releases)
{
    struct some one, two, three;
    int lock = 0;

    FRESH(one);
    FRESH(two);
    FRESH(three);
    one.mode = 1;
    two.mode = 2;
    three.mode = 3;
    CHECK_EQ(with_lock(&one, &lock), ASYNC_PENDING);
    CHECK_EQ(with_lock(&two, &lock), ASYNC_PENDING);
    CHECK_EQ(with_lock(&one, &lock), ASYNC_PENDING);
    CHECK_EQ(with_lock(&two, &lock), ASYNC_PENDING);
    CHECK_EQ(with_lock(&one, &lock), 0);
    CHECK_EQ(with_lock(&two, &lock), ASYNC_PENDING);
    CHECK_EQ(with_lock(&two, &lock), ASYNC_PENDING);
    CHECK_EQ(with_lock(&two, &lock), -2);
    CHECK_EQ(with_lock(&three, &lock), ASYNC_PENDING);
    CHECK_LOG("[1][2][");
}

static ASYNC with_failing(struct some *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH(delay(&self->delay, 1, -1), logged("?"))
        test_log("?");
    ASYNC_WITH_END
    ASYNC_END;
}

TEST(with_failed_acquire_releases_nothing)
{
    struct some some;
    int rc, turns;

    FRESH(some);
    DRIVE(rc, turns, with_failing(&some));
    CHECK_EQ(rc, -1);
    CHECK_LOG("");
}

static ASYNC with_await(struct some *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH_AWAIT(self->slot, delay(&self->delay, 1, 0),
                     delay(&self->delay, 3, self->mode))
        ASYNC_RETURN(5);
    ASYNC_WITH_END
    test_log("?");
    ASYNC_END;
}

TEST(with_await_release_is_awaited_and_may_fail)
{
    struct some some;
    int rc, turns;

    FRESH(some);
    DRIVE(rc, turns, with_await(&some));
    CHECK_EQ(rc, 5);
    CHECK_EQ(turns, 4);
    some.mode = -4;
    DRIVE(rc, turns, with_await(&some));
    CHECK_EQ(rc, -4);
    CHECK_LOG("");
}

/* ---- the scope that timeouts are made of --------------------------------- */

static int replace(int rc)
{
    test_log(rc == ASYNC_NORMAL_ ? "n" : rc == ASYNC_BREAK_ ? "b"
             : rc == ASYNC_CONTINUE_ ? "c" : rc < 0 ? "e" : "r");
    return rc == ASYNC_CANCEL ? ASYNC_ETIMEDOUT : rc == -2 ? ASYNC_NORMAL_
         : rc == 9 ? -9 : rc;
}

static ASYNC scope(struct some *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 2; self->i++) {
        ASYNC_SCOPE_(test_log("<"), replace(async_rc_));
            AWAIT(delay(&self->delay, 1, 0));
            if (self->mode == 1) { break; }
            if (self->mode == 2) { continue; }
            if (self->mode == 3) { ASYNC_RETURN(9); }
            if (self->mode == 4) { ASYNC_RAISE(-2); }
            if (self->mode == 5) { AWAIT(delay(&self->delay, 1, -1)); }
            if (self->mode == 6) {
                AWAIT(delay(&self->delay, 1, ASYNC_CANCEL));
            }
        ASYNC_SCOPE_END_;
        test_log(".");
    }
    ASYNC_RETURN(1);
    ASYNC_END;
}

TEST(scope_leave_may_change_the_outcome)
{
    static const struct { const char *log; int rc; } want[] = {
        {"<n.<n.", 1}, {"<b", 1}, {"<c<c", 1}, {"<r", -9}, {"<e.<e.", 1},
        {"<e", -1}, {"<e", ASYNC_ETIMEDOUT},
    };
    struct some some;
    int rc, turns, i;

    FRESH(some);
    for (i = 0; i < 7; i++) {
        some.mode = i;
        DRIVE(rc, turns, scope(&some));
        CHECK_EQ(rc, want[i].rc);
        CHECK_LOG(want[i].log);
    }
}

/* ---- deep nesting, and what came before does not show -------------------- */

static ASYNC siblings(struct some *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY
        ASYNC_TRY
            ASYNC_TRY
                AWAIT(delay(&self->delay, 1, -1));
            ASYNC_CATCH(self->error)
                test_log("1");
            ASYNC_TRY_END
            { { { AWAIT(delay(&self->delay, 1, -2)); } } }
        ASYNC_CATCH(self->error)
            test_log("2");
            { { { if (self->error) { ASYNC_RAISE(-3); } } } }
        ASYNC_FINALLY(self->slot)
            { { { test_log("f"); } } }
        ASYNC_TRY_END
    ASYNC_CATCH(self->error)
        test_log("%d", -self->error);
    ASYNC_TRY_END
    { { { { AWAIT(delay(&self->delay, 1, -4)); } } } }
    ASYNC_END;
}

TEST(try_closed_siblings_do_not_catch)
{
    struct some some;
    int rc, turns;

    FRESH(some);
    DRIVE(rc, turns, siblings(&some));
    CHECK_EQ(rc, -4);
    CHECK_LOG("12f3");
}

/* A retry loop never swallows the task's own cancellation. */
static ASYNC retry(struct some *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 3; self->i++) {
        ASYNC_TRY
            AWAIT(delay(&self->delay, 1,
                        self->i == self->mode ? ASYNC_CANCEL : -1));
            break;
        ASYNC_CATCH(self->error)
            test_log("again ");
        ASYNC_TRY_END
    }
    ASYNC_END;
}

TEST(try_retry_loop_ends_with_a_cancel)
{
    struct some some;
    int rc, turns;

    FRESH(some);
    some.mode = 1;
    DRIVE(rc, turns, retry(&some));
    CHECK_EQ(rc, ASYNC_CANCEL);
    CHECK_LOG("again ");
}

/* Recursion: frames from a pool, taken before the try, given back after. */
struct walk_self {
    async_frame frame;
    struct walk_self *child;
    struct delay_self delay;
    int value, slot;
};
static struct walk_self pool[8];
static int pool_used;

static ASYNC walk(struct walk_self *self, int depth)
{
    ASYNC_BEGIN(self);
    if (depth == 0) {
        AWAIT(delay(&self->delay, 3, 0));
        ASYNC_RETURN(1);
    }
    if (pool_used == 8) {
        ASYNC_RAISE(ASYNC_ENOMEM);
    }
    self->child = &pool[pool_used++];
    ASYNC_TRY
        AWAIT_VALUE(self->value, walk(self->child, depth - 1));
        ASYNC_RETURN(self->value + 1);
    ASYNC_FINALLY(self->slot)
        pool_used--;
    ASYNC_TRY_END
    ASYNC_END;
}

TEST(try_recursion_from_a_pool)
{
    struct walk_self root;
    int rc, turns;

    FRESH(root);
    DRIVE(rc, turns, walk(&root, 5));
    CHECK_EQ(rc, 6);
    CHECK_EQ(turns, 3);
    CHECK_EQ(pool_used, 0);
    DRIVE(rc, turns, walk(&root, 20));
    CHECK_EQ(rc, ASYNC_ENOMEM);
    CHECK_EQ(pool_used, 0);
    DRIVE(rc, turns, walk(&root, 8));
    CHECK_EQ(rc, 9);
}

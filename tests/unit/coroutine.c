/* Frames and awaits: what a coroutine is without any executor. */
#include "drive.h"

struct some {
    async_frame frame;
    struct delay_self delay;
    int mode, i, j, value, error;
    bool flag;
};

/* ---- frames -------------------------------------------------------------- */

TEST(frame_is_as_small_as_promised)
{
#if ASYNC_DEBUG
    /* a debug build keeps more in it */
#else
    CHECK_EQ(sizeof(async_frame), ASYNC_FRAME_BITS / 8);
#endif
}

static ASYNC nothing(struct some *self)
{
    ASYNC_BEGIN(self);
    ASYNC_END;
}

TEST(coroutine_without_an_await_gives_0)
{
    struct some some;

    FRESH(some);
    CHECK_EQ(nothing(&some), 0);
    CHECK_EQ(some.frame.point, 0);
    CHECK_EQ(nothing(&some), 0);
}

static ASYNC three_steps(struct some *self)
{
    test_log("(");                          /* before BEGIN: at each resume */
    ASYNC_BEGIN(self);
    test_log("1");
    AWAIT(delay(&self->delay, 1, 0));
    test_log("2");
    AWAIT(delay(&self->delay, 2, 0));
    test_log("3");
    ASYNC_RETURN(33);
    test_log("?");
    ASYNC_END;
}

TEST(coroutine_goes_on_where_it_was)
{
    struct some some;

    FRESH(some);
    CHECK_EQ(three_steps(&some), ASYNC_PENDING);
    CHECK_LOG("(1");
    CHECK_EQ(three_steps(&some), ASYNC_PENDING);
    CHECK_LOG("(2");
    CHECK_EQ(three_steps(&some), ASYNC_PENDING);
    CHECK_LOG("(");
    CHECK_EQ(three_steps(&some), 33);
    CHECK_LOG("(3");
}

TEST(coroutine_finished_frame_is_fresh)
{
    struct some some;
    int round, rc, turns;

    FRESH(some);
    for (round = 0; round < 3; round++) {
        DRIVE(rc, turns, three_steps(&some));
        CHECK_EQ(rc, 33);
        CHECK_EQ(turns, 3);
        CHECK_EQ(some.frame.point, 0);
        CHECK_LOG("(1(2((3");
    }
}

TEST(coroutine_zeroed_midway_begins_again)
{
    struct some some;
    int rc, turns;

    FRESH(some);
    CHECK_EQ(three_steps(&some), ASYNC_PENDING);
    FRESH(some);
    DRIVE(rc, turns, three_steps(&some));
    CHECK_EQ(rc, 33);
    CHECK_LOG("(1(1(2((3");
}

TEST(coroutine_two_frames_are_independent)
{
    struct some a, b;

    FRESH(a);
    FRESH(b);
    CHECK_EQ(three_steps(&a), ASYNC_PENDING);
    CHECK_EQ(three_steps(&a), ASYNC_PENDING);
    CHECK_EQ(three_steps(&b), ASYNC_PENDING);
    CHECK_EQ(three_steps(&a), ASYNC_PENDING);
    CHECK_EQ(three_steps(&a), 33);
    CHECK_EQ(three_steps(&b), ASYNC_PENDING);
    CHECK_LOG("(1(2(1((3(2");
}

/* ---- values and errors --------------------------------------------------- */

static ASYNC gives(struct some *self, int value)
{
    ASYNC_BEGIN(self);
    ASYNC_RETURN(value);
    ASYNC_END;
}

TEST(return_any_result_or_error)
{
    static const int values[] = {0, 1, 255, 256, 32767, -1, -4095,
                                 ASYNC_EUSER(0), ASYNC_EUSER(20000),
                                 ASYNC_CANCEL};
    struct some some;
    size_t i;

    FRESH(some);
    for (i = 0; i < sizeof values / sizeof *values; i++) {
        CHECK_EQ(gives(&some, values[i]), values[i]);
        CHECK_EQ(some.frame.point, 0);
    }
}

static ASYNC value_of(struct some *self)
{
    ASYNC_BEGIN(self);
    self->value = -100;
    AWAIT_VALUE(self->value, delay(&self->delay, 1, self->mode));
    test_log("on");
    ASYNC_RETURN(self->value + 1);
    ASYNC_END;
}

TEST(await_value_stores_a_result_only)
{
    struct some some;
    int rc, turns;

    FRESH(some);
    some.mode = 41;
    DRIVE(rc, turns, value_of(&some));
    CHECK_EQ(rc, 42);
    CHECK_LOG("on");
    some.mode = -41;
    DRIVE(rc, turns, value_of(&some));
    CHECK_EQ(rc, -41);
    CHECK_EQ(some.value, -100);
    CHECK_EQ(some.frame.point, 0);
    CHECK_LOG("");
}

static ASYNC result_of(struct some *self)
{
    ASYNC_BEGIN(self);
    self->error = 100;
    AWAIT_RESULT(self->error, delay(&self->delay, 2, self->mode));
    test_log("on");
    ASYNC_END;
}

TEST(await_result_stores_error_and_goes_on)
{
    struct some some;
    int rc, turns;

    FRESH(some);
    some.mode = -7;
    DRIVE(rc, turns, result_of(&some));
    CHECK_EQ(rc, 0);
    CHECK_EQ(turns, 2);
    CHECK_EQ(some.error, -7);
    some.mode = 7;
    DRIVE(rc, turns, result_of(&some));
    CHECK_EQ(some.error, 7);
    some.mode = ASYNC_ECANCELED;            /* of somebody else: an error */
    DRIVE(rc, turns, result_of(&some));
    CHECK_EQ(rc, 0);
    CHECK_EQ(some.error, ASYNC_ECANCELED);
    CHECK_LOG("ononon");
}

TEST(await_result_leaves_at_own_cancel)
{
    struct some some;
    int rc, turns;

    FRESH(some);
    some.mode = ASYNC_CANCEL;
    DRIVE(rc, turns, result_of(&some));
    CHECK_EQ(rc, ASYNC_CANCEL);
    CHECK_EQ(some.error, 100);
    CHECK_LOG("");
}

static ASYNC raises(struct some *self)
{
    ASYNC_BEGIN(self);
    AWAIT(delay(&self->delay, 1, 0));
    ASYNC_RAISE(self->mode);
    test_log("?");
    ASYNC_END;
}

/* An error that nobody handles propagates, as an exception does. */
struct chain_b_self { async_frame frame; struct some a; int v; };
struct chain_self { async_frame frame; struct chain_b_self b; int v; };

static ASYNC chain_b(struct chain_b_self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(raises(&self->a));
    test_log("?");
    ASYNC_END;
}

static ASYNC chain(struct chain_self *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->v, chain_b(&self->b));
    test_log("?");
    ASYNC_END;
}

TEST(error_propagates_through_the_chain)
{
    struct chain_self all;
    int rc, turns;

    FRESH(all);
    all.b.a.mode = ASYNC_EUSER(5);
    DRIVE(rc, turns, chain(&all));
    CHECK_EQ(rc, ASYNC_EUSER(5));
    CHECK_EQ(turns, 1);
    CHECK_EQ(all.frame.point, 0);
    CHECK_EQ(all.b.frame.point, 0);
    CHECK_EQ(all.b.a.frame.point, 0);
    CHECK_LOG("");
}

static async_status number(int n)
{
    return n;
}

static ASYNC at_once(struct some *self)
{
    ASYNC_BEGIN(self);
    AWAIT(0);
    AWAIT(number(5));
    AWAIT_VALUE(self->value, number(6));
    ASYNC_RETURN(self->value);
    ASYNC_END;
}

TEST(await_of_what_is_ready_does_not_suspend)
{
    struct some some;

    FRESH(some);
    CHECK_EQ(at_once(&some), 6);
}

static ASYNC for_ever(struct some *self)
{
    ASYNC_BEGIN(self);
    AWAIT(ASYNC_PENDING);
    ASYNC_END;
}

TEST(await_pending_suspends_for_ever)
{
    struct some some;
    int i;

    FRESH(some);
    for (i = 0; i < 10; i++) {
        CHECK_EQ(for_ever(&some), ASYNC_PENDING);
    }
}

/* ---- conditions ---------------------------------------------------------- */

static ASYNC until(struct some *self)
{
    ASYNC_BEGIN(self);
    AWAIT_UNTIL(self->flag);
    test_log("set ");
    AWAIT_WHILE(self->flag);
    test_log("clear");
    ASYNC_END;
}

TEST(await_until_and_while_poll)
{
    struct some some;

    FRESH(some);
    CHECK_EQ(until(&some), ASYNC_PENDING);
    CHECK_EQ(until(&some), ASYNC_PENDING);
    some.flag = true;
    CHECK_EQ(until(&some), ASYNC_PENDING);
    CHECK_LOG("set ");
    CHECK_EQ(until(&some), ASYNC_PENDING);
    some.flag = false;
    CHECK_EQ(until(&some), 0);
    CHECK_LOG("clear");
}

/* ---- form ---------------------------------------------------------------- */

/* Each macro is one statement: no braces, an else after it. */
static ASYNC one_statement(struct some *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 7; self->i++)
        if (self->i == 0)
            AWAIT(delay(&self->delay, 1, 0));
        else if (self->i == 1)
            AWAIT_VALUE(self->value, delay(&self->delay, 1, 10));
        else if (self->i == 2)
            AWAIT_RESULT(self->error, delay(&self->delay, 1, -10));
        else if (self->i == 3)
            AWAIT_UNTIL(self->value == 10);
        else if (self->i == 4)
            AWAIT_WHILE(self->value != 10);
        else if (self->mode == 1)
            ASYNC_RETURN(self->value + self->error + self->i);
        else if (self->i == 6)
            ASYNC_RAISE(-3);
        else
            test_log("else");
    ASYNC_END;
}

TEST(await_macros_are_one_statement)
{
    struct some some;
    int rc, turns;

    FRESH(some);
    some.mode = 1;
    DRIVE(rc, turns, one_statement(&some));
    CHECK_EQ(rc, 5);
    CHECK_EQ(turns, 3);
    some.mode = 0;
    DRIVE(rc, turns, one_statement(&some));
    CHECK_EQ(rc, -3);
    CHECK_LOG("else");
}

static async_status never_called(void)
{
    test_log("?");
    return ASYNC_PENDING;
}

static ASYNC not_taken(struct some *self)
{
    ASYNC_BEGIN(self);
    if (self->mode) AWAIT(never_called());
    if (self->mode) AWAIT_UNTIL(self->mode == 0); else test_log("else");
    while (self->mode) AWAIT(never_called());
    ASYNC_END;
}

TEST(await_not_taken_does_not_suspend)
{
    struct some some;

    FRESH(some);
    CHECK_EQ(not_taken(&some), 0);
    CHECK_LOG("else");
}

#define STEP AWAIT(delay(&self->delay, 1, 0)); self->i++;
#define TEN STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP
#define FIFTY TEN TEN TEN TEN TEN

#ifndef ASYNC_NO_COUNTER
/* The points are dense: 254 of them fit into one byte, and on one line. */
static ASYNC most_points(struct some *self)
{
    ASYNC_BEGIN(self);
    self->i = 0;
    FIFTY FIFTY FIFTY FIFTY FIFTY STEP STEP STEP STEP
#if !ASYNC_COMPUTED_GOTO
    CHECK_EQ(self->frame.point, 254);
#endif
    ASYNC_RETURN(self->i);
    ASYNC_END;
}
#endif

TEST(await_254_points_in_one_byte_on_one_line)
{
#ifdef ASYNC_NO_COUNTER
    /* many awaits on a line need a compiler that counts */
#else
    struct some some;
    int rc, turns;

    FRESH(some);
    DRIVE(rc, turns, most_points(&some));
    CHECK_EQ(rc, 254);
    CHECK_EQ(turns, 254);
#endif
}

/* A macro that expands to awaits, and a caller's own names. */
#define TWICE(x) do { AWAIT(x); AWAIT(x); } while (0)

#ifndef ASYNC_NO_COUNTER
static ASYNC by_macro(struct some *self)
{
    ASYNC_BEGIN(self);
    TWICE(delay(&self->delay, 1, 0));
    {
        int point = 3, frame = 4, rc = 5;       /* short-lived, in braces */

        self->value = point + frame + rc;
    }
    AWAIT(delay(&self->delay, 1, 0));
    ASYNC_RETURN(self->value);
    ASYNC_END;
}
#endif

TEST(await_in_a_macro_and_locals_in_braces)
{
#ifdef ASYNC_NO_COUNTER
    /* two awaits on a line need a compiler that counts */
#else
    struct some some;
    int rc, turns;

    FRESH(some);
    DRIVE(rc, turns, by_macro(&some));
    CHECK_EQ(rc, 12);
    CHECK_EQ(turns, 3);
#endif
}

/* A coroutine as a task's entry: its argument a void pointer. */
static ASYNC entry(void *arg)
{
    struct some *self = (struct some *)arg;

    ASYNC_BEGIN(self);
    AWAIT(delay(&self->delay, 1, 0));
    ASYNC_RETURN(1);
    ASYNC_END;
}

TEST(coroutine_with_a_void_pointer)
{
    struct some some;
    int rc, turns;

    FRESH(some);
    DRIVE(rc, turns, entry(&some));
    CHECK_EQ(rc, 1);
}

/* Children awaited in turn may share memory. */
struct sharing_self {
    async_frame frame;
    union { struct delay_self first; struct some second; } child;
    int sum;
};

static ASYNC sharing(struct sharing_self *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->sum, delay(&self->child.first, 2, 5));
    self->child.second.mode = 0;
    AWAIT(gives(&self->child.second, 0));
    AWAIT_VALUE(self->sum, delay(&self->child.first, 1, self->sum + 1));
    ASYNC_RETURN(self->sum);
    ASYNC_END;
}

TEST(coroutine_children_in_a_union)
{
    struct sharing_self all;
    int rc, turns;

    FRESH(all);
    DRIVE(rc, turns, sharing(&all));
    CHECK_EQ(rc, 6);
    CHECK_EQ(turns, 3);
}

/* The same coroutine on one frame after another, from a loop. */
static ASYNC in_turn(struct some *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 4; self->i++) {
        AWAIT_VALUE(self->value, delay(&self->delay, self->i, self->i));
        self->j += self->value;
    }
    ASYNC_RETURN(self->j);
    ASYNC_END;
}

TEST(coroutine_child_again_and_again)
{
    struct some some;
    int rc, turns;

    FRESH(some);
    DRIVE(rc, turns, in_turn(&some));
    CHECK_EQ(rc, 6);
    CHECK_EQ(turns, 6);
}

#if ASYNC_COMPUTED_GOTO
static ASYNC in_switch(struct some *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 4; self->i++) {
        switch (self->i) {
        case 0:
            AWAIT(delay(&self->delay, 1, 0));
            test_log("0");
            break;
        case 1:
            AWAIT(delay(&self->delay, 2, 0));
            test_log("1");
            break;
        default:
            AWAIT(delay(&self->delay, 1, 0));
            test_log("d");
            break;
        }
    }
    ASYNC_END;
}
#endif

TEST(await_in_a_switch_with_computed_goto)
{
#if ASYNC_COMPUTED_GOTO
    struct some some;
    int rc, turns;

    FRESH(some);
    DRIVE(rc, turns, in_switch(&some));
    CHECK_EQ(rc, 0);
    CHECK_EQ(turns, 5);
    CHECK_LOG("01dd");
#else
    /* ASYNC_COMPUTED_GOTO is off */
#endif
}

/* A switch of the user's is fine where no await stands in it. */
static ASYNC around_switch(struct some *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 3; self->i++) {
        switch (self->i) {
        case 1:
            continue;
        default:
            break;
        }
        AWAIT(delay(&self->delay, 1, 0));
        test_log("%d", self->i);
    }
    ASYNC_END;
}

TEST(switch_without_await_is_ordinary)
{
    struct some some;
    int rc, turns;

    FRESH(some);
    DRIVE(rc, turns, around_switch(&some));
    CHECK_EQ(rc, 0);
    CHECK_LOG("02");
}

/* ---- the long names ------------------------------------------------------ */

static ASYNC long_names(struct some *self)
{
    ASYNC_BEGIN(self);
    ASYNC_AWAIT(delay(&self->delay, 1, 0));
    ASYNC_AWAIT_VALUE(self->value, delay(&self->delay, 1, 3));
    ASYNC_AWAIT_RESULT(self->error, delay(&self->delay, 1, -3));
    ASYNC_AWAIT_UNTIL(self->value == 3);
    ASYNC_AWAIT_WHILE(self->value == 4);
    ASYNC_RETURN(self->value - self->error);
    ASYNC_END;
}

TEST(await_long_names)
{
    struct some some;
    int rc, turns;

    FRESH(some);
    DRIVE(rc, turns, long_names(&some));
    CHECK_EQ(rc, 6);
}

/* ---- statuses ------------------------------------------------------------ */

TEST(status_codes_are_apart)
{
    CHECK(ASYNC_PENDING < ASYNC_CANCEL);
    CHECK(ASYNC_CANCEL < ASYNC_EUSER(20000));
    CHECK(ASYNC_EUSER(0) < -4095);
    CHECK_EQ(ASYNC_EUSER_N(ASYNC_EUSER(0)), 0);
    CHECK_EQ(ASYNC_EUSER_N(ASYNC_EUSER(20000)), 20000);
    CHECK_EQ(ASYNC_NORMAL_, ASYNC_PENDING);
    CHECK(ASYNC_BREAK_ != ASYNC_CONTINUE_ && ASYNC_CONTINUE_ < ASYNC_CANCEL);
#if ASYNC_HOSTED
    CHECK_EQ(ASYNC_ECANCELED, -ECANCELED);
    CHECK_EQ(ASYNC_ETIMEDOUT, -ETIMEDOUT);
#endif
}

TEST(strerror_names_them_all)
{
    int i;

    CHECK_STR(async_strerror(ASYNC_ETIMEDOUT), "timed out");
    CHECK_STR(async_strerror(ASYNC_ECANCELED), "cancelled");
    CHECK_STR(async_strerror(ASYNC_CANCEL), "the task is cancelled");
    CHECK_STR(async_strerror(ASYNC_PENDING), "pending");
    CHECK_STR(async_strerror(ASYNC_EUSER(9)), "the user's own error");
    CHECK_STR(async_strerror(0), "success");
    CHECK_STR(async_strerror(17), "success");
    for (i = -5000; i < 10; i++) {
        CHECK(async_strerror(i) != NULL && *async_strerror(i) != '\0');
    }
}

#if ASYNC_DEBUG
/* The chain of awaits, as a dump walks it: from the leaf up to the entry. */
static async_frame *leaf;

static async_status peek(struct some *self)
{
    leaf = async_innermost_;
    return self->i++ < 1 ? ASYNC_PENDING : 0;
}

static ASYNC chain_leaf(struct some *self)
{
    ASYNC_BEGIN(self);
    AWAIT(peek(self));
    ASYNC_END;
}

struct parent { async_frame frame; struct some child; };

static ASYNC chain_root(struct parent *self)
{
    ASYNC_BEGIN(self);
    AWAIT(chain_leaf(&self->child));
    ASYNC_END;
}
#endif

TEST(debug_chain_of_awaits)
{
#if ASYNC_DEBUG
    struct parent parent;

    FRESH(parent);
    async_innermost_ = NULL;
    CHECK_EQ(chain_root(&parent), ASYNC_PENDING);
    CHECK(async_innermost_ == NULL);
    CHECK(leaf == &parent.child.frame);
    CHECK_STR(leaf->function, "chain_leaf");
    CHECK(leaf->line > 100 && strstr(leaf->file, "coroutine.c") != NULL);
    CHECK(leaf->parent == &parent.frame);
    CHECK_STR(leaf->parent->function, "chain_root");
    CHECK(leaf->parent->parent == NULL);
    CHECK_EQ(chain_root(&parent), 0);
    CHECK(async_innermost_ == NULL);
#else
    /* ASYNC_DEBUG is off */
#endif
}

/* Generators: items of any type and value, awaiting ones, and how they are
 * closed when the loop over them is left. */
#include "drive.h"

struct count {
    async_generator frame;
    struct delay_self delay;
    int i, slot;
};

/* Counts from n down to -n, suspending before each; fails before item `bad`. */
static ASYNC countdown(struct count *self, int n, int bad, int *out)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY
        for (self->i = n; self->i >= -n; self->i--) {
            AWAIT(delay(&self->delay, 1, 0));
            if (self->i == bad) {
                ASYNC_RAISE(-8);
            }
            *out = self->i;
            ASYNC_YIELD();
        }
        test_log("e");
    ASYNC_FINALLY(self->slot)
        AWAIT(delay(&self->delay, 2, 0));
        test_log("g");
    ASYNC_TRY_END
    ASYNC_END;
}

struct user {
    async_frame frame;
    struct count a, b;
    struct delay_self delay;
    int mode, x, y, error, slot, more;
};

static ASYNC all_items(struct user *self)
{
    ASYNC_BEGIN(self);
    ASYNC_FOR(countdown, &self->a, 2, 99, &self->x)
        AWAIT(delay(&self->delay, 1, 0));
        test_log("%d ", self->x);
    ASYNC_FOR_END
    test_log(".");
    ASYNC_RETURN(4);
    ASYNC_END;
}

TEST(for_every_item_negative_ones_too)
{
    struct user user;
    int rc, turns, round;

    FRESH(user);
    for (round = 0; round < 2; round++) {
        DRIVE(rc, turns, all_items(&user));
        CHECK_EQ(rc, 4);
        CHECK_EQ(turns, 5 * 2 + 2);
        CHECK_EQ(user.a.frame.point, 0);
        CHECK_LOG("2 1 0 -1 -2 eg.");
    }
}

static ASYNC by_hand(struct user *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT_VALUE(self->more, countdown(&self->a, 1, 99, &self->x));
        if (!self->more) {
            break;
        }
        test_log("%d ", self->x);
    }
    ASYNC_END;
}

TEST(generator_by_hand_gives_1_then_0)
{
    struct user user;
    int rc, turns;

    FRESH(user);
    DRIVE(rc, turns, by_hand(&user));
    CHECK_EQ(rc, 0);
    CHECK_LOG("1 0 -1 eg");
}

static ASYNC ways_out(struct user *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY
        ASYNC_FOR(countdown, &self->a, 2, self->mode == 5 ? 0 : 99, &self->x)
            AWAIT(delay(&self->delay, 1, 0));
            if (self->x == 1) { continue; }
            test_log("%d ", self->x);
            if (self->mode == 1 && self->x == 0) { break; }
            if (self->mode == 2 && self->x == 0) { ASYNC_RAISE(-3); }
            if (self->mode == 3 && self->x == 0) { ASYNC_RETURN(77); }
            if (self->mode == 4 && self->x == 0) {
                AWAIT(delay(&self->delay, 1, ASYNC_CANCEL));
            }
            if (self->mode == 6 && self->x == 0) {
                ASYNC_TRY
                    break;
                ASYNC_FINALLY(self->slot)
                    test_log("f");
                ASYNC_TRY_END
            }
        ASYNC_FOR_END
        test_log(".");
    ASYNC_CATCH(self->error)
        test_log("c%d", -self->error);
    ASYNC_TRY_END
    ASYNC_END;
}

TEST(for_left_early_closes_the_generator)
{
    static const struct { const char *log; int rc; } want[] = {
        {"2 0 -1 -2 eg.", 0}, {"2 0 g.", 0}, {"2 0 gc3", 0}, {"2 0 g", 77},
        {"2 0 g", ASYNC_CANCEL}, {"2 gc8", 0}, {"2 0 fg.", 0},
    };
    struct user user;
    int rc, turns, i;

    FRESH(user);
    for (i = 0; i < 7; i++) {
        user.mode = i;
        DRIVE(rc, turns, ways_out(&user));
        CHECK_EQ(rc, want[i].rc);
        CHECK_EQ(user.a.frame.point, 0);
        CHECK_EQ(user.frame.point, 0);
        CHECK_LOG(want[i].log);
    }
}

static ASYNC nested(struct user *self)
{
    ASYNC_BEGIN(self);
    ASYNC_FOR(countdown, &self->a, 1, 99, &self->x)
        ASYNC_FOR(countdown, &self->b, 1, 99, &self->y)
            if (self->y == -1) { break; }
            if (self->mode == 1 && self->x == 0) { ASYNC_RETURN(5); }
            test_log("%d%d ", self->x, self->y);
        ASYNC_FOR_END
        if (self->x == 0) { continue; }
        test_log("; ");
    ASYNC_FOR_END
    ASYNC_END;
}

TEST(for_in_for)
{
    struct user user;
    int rc, turns;

    FRESH(user);
    DRIVE(rc, turns, nested(&user));
    CHECK_EQ(rc, 0);
    CHECK_LOG("11 10 g; 01 00 g-11 -10 g; eg");
    user.mode = 1;
    DRIVE(rc, turns, nested(&user));
    CHECK_EQ(rc, 5);
    CHECK_EQ(user.a.frame.point, 0);
    CHECK_EQ(user.b.frame.point, 0);
    CHECK_LOG("11 10 g; gg");
}

/* Items of any type; a generator without awaits or finally. */
struct words_self { async_generator frame; int i; };
struct word { const char *text; long length; };

static ASYNC words(struct words_self *self, const char *const *list,
                   struct word *out)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; list[self->i] != NULL; self->i++) {
        out->text = list[self->i];
        out->length = (long)strlen(out->text);
        ASYNC_YIELD();
    }
    ASYNC_END;
}

struct reader_self {
    async_frame frame;
    struct words_self words;
    struct word word;
};

static ASYNC reader(struct reader_self *self, const char *const *list)
{
    ASYNC_BEGIN(self);
    ASYNC_FOR(words, &self->words, list, &self->word)
        test_log("%s%ld ", self->word.text, self->word.length);
        if (self->word.length == 3) { break; }
    ASYNC_FOR_END
    ASYNC_END;
}

TEST(generator_items_are_of_any_type)
{
    static const char *const list[] = {"a", "bb", "ccc", "dddd", NULL};
    static const char *const none[] = {NULL};
    struct reader_self all;

    FRESH(all);
    CHECK_EQ(reader(&all, list), 0);
    CHECK_LOG("a1 bb2 ccc3 ");
    CHECK_EQ(reader(&all, none), 0);
    CHECK_LOG("");
}

/* A generator over a generator: closing goes through both. */
struct even_self {
    async_generator frame;
    struct count count;
    int x;
};

static ASYNC even(struct even_self *self, int n, int *out)
{
    ASYNC_BEGIN(self);
    ASYNC_FOR(countdown, &self->count, n, 99, &self->x)
        if (self->x % 2 != 0) { continue; }
        *out = self->x;
        ASYNC_YIELD();
    ASYNC_FOR_END
    ASYNC_END;
}

struct outer_self {
    async_frame frame;
    struct even_self even;
    int x, mode;
};

static ASYNC outer(struct outer_self *self)
{
    ASYNC_BEGIN(self);
    ASYNC_FOR(even, &self->even, 3, &self->x)
        test_log("%d ", self->x);
        if (self->mode == 1) { break; }
        if (self->mode == 2) { ASYNC_RAISE(-2); }
    ASYNC_FOR_END
    ASYNC_END;
}

TEST(generator_over_a_generator)
{
    struct outer_self all;
    int rc, turns;

    FRESH(all);
    DRIVE(rc, turns, outer(&all));
    CHECK_EQ(rc, 0);
    CHECK_LOG("2 0 -2 eg");
    all.mode = 1;
    DRIVE(rc, turns, outer(&all));
    CHECK_EQ(rc, 0);
    CHECK_EQ(all.even.count.frame.point, 0);
    CHECK_LOG("2 g");
    all.mode = 2;
    DRIVE(rc, turns, outer(&all));
    CHECK_EQ(rc, -2);
    CHECK_EQ(all.even.frame.point, 0);
    CHECK_LOG("2 g");
}

/* Closing may fail, may return a value, may not be caught as an error. */
struct closing_self {
    async_generator frame;
    struct delay_self delay;
    int slot, error;
};

static ASYNC closing(struct closing_self *self, int mode, int *out)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY
        ASYNC_TRY
            *out = 1;
            ASYNC_YIELD();
            test_log("?");
        ASYNC_CATCH_ALL(self->error)
            test_log("?");
        ASYNC_TRY_END
    ASYNC_FINALLY(self->slot)
        AWAIT(delay(&self->delay, 1, mode));
        if (mode == 6) {
            ASYNC_RETURN(6);
        }
    ASYNC_TRY_END
    ASYNC_END;
}

struct closer_self {
    async_frame frame;
    struct closing_self closing;
    int x, error;
};

static ASYNC closer(struct closer_self *self, int mode)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY
        ASYNC_FOR(closing, &self->closing, mode, &self->x)
            ASYNC_RAISE(-9);
        ASYNC_FOR_END
    ASYNC_CATCH(self->error)
        test_log("%d", -self->error);
    ASYNC_TRY_END
    ASYNC_END;
}

TEST(generator_error_while_closing_replaces)
{
    struct closer_self all;
    int rc, turns;

    FRESH(all);
    DRIVE(rc, turns, closer(&all, 0));
    CHECK_EQ(rc, 0);
    CHECK_LOG("9");
    DRIVE(rc, turns, closer(&all, -4));
    CHECK_EQ(rc, 0);
    CHECK_LOG("4");
    DRIVE(rc, turns, closer(&all, 6));
    CHECK_EQ(rc, 0);
    CHECK_LOG("9");
}

/* One generator, items taken by two coroutines in turn. */
static ASYNC take_one(struct delay_self *self, struct count *from, int *out)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->left, countdown(from, 1, 99, out));
    test_log("%d ", *out);
    ASYNC_RETURN(self->left);
    ASYNC_END;
}

TEST(generator_shared_by_two_in_turn)
{
    struct count count;
    struct delay_self one, two;
    int rc, turns, item;

    FRESH(count);
    FRESH(one);
    FRESH(two);
    DRIVE(rc, turns, take_one(&one, &count, &item));
    CHECK_EQ(rc, 1);
    DRIVE(rc, turns, take_one(&two, &count, &item));
    CHECK_EQ(rc, 1);
    CHECK_LOG("1 0 ");
}

static ASYNC one_statement(struct user *self)
{
    ASYNC_BEGIN(self);
    for (self->mode = 0; self->mode < 2; self->mode++)
        if (self->mode == 0)
            ASYNC_FOR(countdown, &self->a, 0, 99, &self->x)
                test_log("%d", self->x);
            ASYNC_FOR_END
        else
            test_log("else");
    ASYNC_END;
}

TEST(for_is_one_statement)
{
    struct user user;
    int rc, turns;

    FRESH(user);
    DRIVE(rc, turns, one_statement(&user));
    CHECK_EQ(rc, 0);
    CHECK_LOG("0egelse");
}

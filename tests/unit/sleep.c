/* Sleeping: order, exactness, wrap-around, and late loops. */
#include "nap.h"

struct sleeper {
    async_frame frame;
    async_duration d;
    async_ticks until, began, woke;
    int id;
};

static ASYNC sleeper(struct sleeper *self)
{
    ASYNC_BEGIN(self);
    self->began = async_now();
    AWAIT(async_sleep(self->d));
    self->woke = async_now();
    test_log("%d ", self->id);
    ASYNC_END;
}

struct many {
    async_frame frame;
    async_task task[64];
    struct sleeper s[64];
    int i, n;
    async_ticks at;
    async_duration d;
    int e;
};

static struct many many;

static void many_clear(void)
{
    static const struct many zero = {0};

    many = zero;
}

static ASYNC many_sleep(struct many *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < self->n; self->i++) {
        self->s[self->i].id = self->i;
        async_spawn(&self->task[self->i], sleeper, &self->s[self->i]);
    }
    for (self->i = 0; self->i < self->n; self->i++) {
        AWAIT(async_join(&self->task[self->i]));
    }
    ASYNC_END;
}

TEST(sleep_ends_in_order_of_time_then_of_coming)
{
    static const int ms[] = {30, 10, 20, 10, 30, 10};
    int i;

    many_clear();
    many.n = 6;
    for (i = 0; i < 6; i++) {
        many.s[i].d = (async_duration)ASYNC_MS(ms[i]);
    }
    CHECK_EQ(async_run(many_sleep, &many), 0);
    CHECK_LOG("1 3 5 2 0 4 ");
    CHECK_EQ(test_ms(), 30);
    CHECK_EQ(test_idles(), 3);          /* it slept until each deadline */
}

/* Every duration from one tick to the longest, from several starting points:
 * never early, never late, through the wrap of the clock. */
TEST(sleep_is_exact_for_every_length)
{
    static const int starts = 5;
    int start, i;

    for (start = 0; start < starts; start++) {
        async_ticks half = (async_ticks)ASYNC_NEVER;

        many_clear();
        test_time_is((async_ticks)(ASYNC_TIMER_WHEEL
            ? (async_ticks)start * 1234567
            : (async_ticks)(0 - (async_ticks)(start * 40))));
        many.n = 0;
        for (i = 0; i < ASYNC_TICK_BITS - 1 && many.n < 62; i++) {
            async_duration d = (async_duration)((async_ticks)1 << i);

            if (d <= (async_duration)(half / 2)) {
                many.s[many.n++].d = d;
                if (i > 1 && many.n < 62 && i % 3 == 0) {
                    many.s[many.n++].d = d - 1;
                }
            }
        }
        CHECK_EQ(async_run(many_sleep, &many), 0);
        for (i = 0; i < many.n; i++) {
            CHECK_EQ((async_ticks)(many.s[i].woke - many.s[i].began),
                     (async_ticks)many.s[i].d);
        }
        test_log_clear();
    }
}

/* The longest sleep there is, and a loop that is late for it. */
struct late {
    async_frame frame;
    async_duration busy;
};

static ASYNC keeps_busy(struct late *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_NEVER - 5));
    test_busy(self->busy);
    ASYNC_END;
}

TEST(sleep_late_by_nearly_half_the_range_is_not_missed)
{
    struct late late = {0};
    static async_task task[2];
    struct many *m = &many;

    many_clear();
    if (ASYNC_TIMER_WHEEL) {
        return;                 /* 292 years are not half of anything here */
    }
    m->n = 1;
    m->s[0].d = ASYNC_NEVER - 1;
    late.busy = ASYNC_NEVER - 100;
    {
        async_loop loop;

        CHECK_EQ(async_loop_open(&loop), 0);
        CHECK_EQ(async_spawn(&task[0], keeps_busy, &late), 0);
        CHECK_EQ(async_spawn(&task[1], sleeper, &m->s[0]), 0);
        CHECK_EQ(async_loop_run(&loop, NULL), 0);
        CHECK_EQ(async_loop_close(&loop), 0);
        CHECK((async_ticks)(m->s[0].woke - m->s[0].began)
              >= (async_ticks)m->s[0].d);
        CHECK((async_ticks)(m->s[0].woke - m->s[0].began)
              <= (async_ticks)m->s[0].d + (async_ticks)late.busy);
    }
}

/* A week of seconds (where an int counts them): the timer does not stop after
 * days. */
#define WEEK (INT_MAX > 32767 ? 200000 : 10000)

static ASYNC ticker(struct many *self)
{
    ASYNC_BEGIN(self);
    self->at = async_now();
    for (self->i = 0; self->i < WEEK; self->i++) {
        AWAIT(async_sleep((async_duration)ASYNC_MS(977)));
    }
    ASYNC_END;
}

TEST(sleep_goes_on_through_many_wraps)
{
    many_clear();
    CHECK_EQ(async_run(ticker, &many), 0);
    CHECK_EQ(test_idles(), WEEK);
}

/* sleep_until: a period without drift, though the work takes time. */
static ASYNC periodic(struct many *self)
{
    ASYNC_BEGIN(self);
    self->at = async_now();
    for (self->i = 0; self->i < 10; self->i++) {
        self->at = (async_ticks)(self->at + (async_ticks)ASYNC_MS(100));
        AWAIT(async_sleep_until(self->at));
        CHECK_EQ(test_ms(), 100 * (self->i + 1));
        test_busy((async_duration)ASYNC_MS(30));
    }
    ASYNC_END;
}

TEST(sleep_until_does_not_drift)
{
    many_clear();
    CHECK_EQ(async_run(periodic, &many), 0);
}

/* A time that has passed, and durations of zero and less, are a yield. */
static ASYNC passed(struct many *self)
{
    ASYNC_BEGIN(self);
    self->n = 1;
    self->s[0].id = 7;
    self->s[0].d = 0;
    async_spawn(&self->task[0], sleeper, &self->s[0]);
    AWAIT(async_sleep_until((async_ticks)(async_now() - 3)));
    test_log("a ");
    AWAIT(async_sleep(-5));
    test_log("b ");
    AWAIT(async_sleep(0));
    test_log("c ");
    AWAIT(async_sleep_until(async_now()));
    test_log("d ");
    ASYNC_END;
}

TEST(sleep_of_no_time_is_a_yield)
{
    many_clear();
    CHECK_EQ(async_run(passed, &many), 0);
    CHECK_LOG("a 7 b c d ");
    CHECK_EQ(test_idles(), 0);
}

/* The clock of a turn stands still while its tasks run. (A microcontroller
 * reads its own each time: that takes less than to keep what it said.) */
static ASYNC cached(struct many *self)
{
    ASYNC_BEGIN(self);
    self->at = async_now();
    test_busy((async_duration)ASYNC_MS(5));
#if ASYNC_HOSTED
    CHECK_EQ(async_now(), self->at);
#endif
    AWAIT(async_yield());
    CHECK_EQ((async_ticks)(async_now() - self->at), (async_ticks)ASYNC_MS(5));
    ASYNC_END;
}

TEST(sleep_clock_stands_still_in_a_turn)
{
    many_clear();
    CHECK_EQ(async_run(cached, &many), 0);
}

/* 64 sleeps of pseudo-random lengths, some cancelled: each ends in its time. */
static uint32_t seed;

static unsigned next_random(void)
{
    seed = seed * 1103515245u + 12345u;
    return (unsigned)(seed >> 16 & 0x7fff);
}

static ASYNC churn(struct many *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 64; self->i++) {
        self->s[self->i].d = (async_duration)(1 + next_random() % 5000);
        async_spawn(&self->task[self->i], sleeper, &self->s[self->i]);
    }
    AWAIT(async_yield());
    for (self->i = 0; self->i < 64; self->i += 3) {
        async_cancel(&self->task[self->i]);
    }
    for (self->i = 0; self->i < 64; self->i++) {
        AWAIT_RESULT(self->e, async_join(&self->task[self->i]));
        if (self->i % 3 == 0) {
            CHECK_EQ(self->e, ASYNC_ECANCELED);
        } else {
            CHECK_EQ(self->e, 0);
            CHECK_EQ((async_ticks)(self->s[self->i].woke
                                   - self->s[self->i].began),
                     (async_ticks)self->s[self->i].d);
        }
    }
    ASYNC_END;
}

TEST(sleep_a_cancelled_one_disturbs_no_other)
{
    for (seed = 1; seed < 50; seed++) {
        uint32_t kept = seed;

        many_clear();
        CHECK_EQ(async_run(churn, &many), 0);
        seed = kept;
        test_log_clear();
    }
}

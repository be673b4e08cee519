/* interval: ticks without drift, the three ways of being late, strikes. */
#include "test.h"

#include <string.h>

#define MS(n) ((async_duration)ASYNC_MS(n))
#define ZERO(object) memset(&(object), 0, sizeof (object))

struct ticker {
    async_frame frame;
    async_task task;
    async_timeout scope;
    async_interval interval;
    int mode, ticks, i, n, outcome;
    int busy[8];            /* ms of computing after each tick */
};

/* Logs when each tick came, and for how many it stood. */
static ASYNC ticker(struct ticker *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_interval_open(&self->interval, MS(10), self->mode), 0);
    for (self->i = 0; self->i < self->ticks; self->i++) {
        AWAIT_VALUE(self->n, async_interval_wait(&self->interval));
        test_log("%d", (int)test_ms());
        if (self->n != 1) {
            test_log("x%d", self->n);
        }
        test_log(" ");
        test_busy(MS(self->busy[self->i % 8]));
    }
    ASYNC_END;
}

static void ticks(int mode, int n, int second_takes, const char *want)
{
    static struct ticker t;

    ZERO(t);
    test_virtual_time();
    t.mode = mode;
    t.ticks = n;
    t.busy[1] = second_takes;
    CHECK_EQ(async_run(ticker, &t), 0);
    CHECK_LOG(want);
}

TEST(interval_on_time_in_every_mode)
{
    int mode;

    for (mode = ASYNC_SKIP; mode <= ASYNC_DELAY; mode++) {
        ticks(mode, 5, 0, "10 20 30 40 50 ");
        ticks(mode, 5, 9, "10 20 30 40 50 ");
    }
}

/* As the picture in interval.h has it. */
TEST(interval_late_as_the_mode_says)
{
    ticks(ASYNC_BURST, 7, 27, "10 20 47 47 50 60 70 ");
    ticks(ASYNC_SKIP, 6, 27, "10 20 47x2 50 60 70 ");
    ticks(ASYNC_DELAY, 6, 27, "10 20 47 57 67 77 ");
}

/* Late by less than a period: no tick is missed, so none is left out. */
TEST(interval_a_little_late_keeps_the_grid)
{
    int mode;

    for (mode = ASYNC_SKIP; mode <= ASYNC_DELAY; mode++) {
        ticks(mode, 5, 15, "10 20 35 40 50 ");
    }
}

/* Late by exactly a period, and by many. */
TEST(interval_late_by_whole_periods)
{
    ticks(ASYNC_SKIP, 5, 10, "10 20 30 40 50 ");
    ticks(ASYNC_SKIP, 4, 20, "10 20 40x2 50 ");
    ticks(ASYNC_BURST, 5, 20, "10 20 40 40 50 ");
    ticks(ASYNC_DELAY, 4, 20, "10 20 40 50 ");
    ticks(ASYNC_SKIP, 4, 1005, "10 20 1025x100 1030 ");
    ticks(ASYNC_DELAY, 4, 1005, "10 20 1025 1035 ");
}

/* A thousand ticks of a loop that is late at each of them: no drift. */
static ASYNC no_drift(struct ticker *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_interval_open(&self->interval, MS(10), self->mode), 0);
    for (self->i = 1; self->i <= 1000; self->i++) {
        AWAIT_VALUE(self->n, async_interval_wait(&self->interval));
        CHECK_EQ(self->n, 1);
        CHECK_EQ(test_ms(), 10 * self->i);
        test_busy(MS(self->i % 10));
    }
    ASYNC_END;
}

TEST(interval_does_not_drift)
{
    static struct ticker t;
    int mode;

    for (mode = ASYNC_SKIP; mode <= ASYNC_DELAY; mode++) {
        ZERO(t);
        test_virtual_time();
        t.mode = mode;
        CHECK_EQ(async_run(no_drift, &t), 0);
    }
}

/* Ticks that are made up for come one a turn: others run between them. */
static ASYNC yields(struct ticker *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 3; self->i++) {
        test_log("other ");
        AWAIT(async_yield());
    }
    ASYNC_END;
}

static ASYNC bursts(struct ticker *self)
{
    static struct ticker other;

    ASYNC_BEGIN(self);
    CHECK_EQ(async_interval_open(&self->interval, MS(10), ASYNC_BURST), 0);
    ZERO(other);
    CHECK_EQ(async_spawn(&other.task, yields, &other), 0);
    test_busy(MS(35));
    for (self->i = 0; self->i < 3; self->i++) {
        AWAIT(async_interval_wait(&self->interval));
        test_log("tick ");
    }
    AWAIT(async_join(&other.task));
    CHECK_LOG("other tick other tick other tick ");
    ASYNC_END;
}

TEST(interval_burst_is_fair)
{
    static struct ticker t;

    ZERO(t);
    CHECK_EQ(async_run(bursts, &t), 0);
}

/* Before the tick a strike leaves it untaken: who waits again gets it. One
 * that comes with the tick hits the next await. */
static ASYNC struck(struct ticker *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_interval_open(&self->interval, MS(10), ASYNC_SKIP), 0);
    AWAIT_RESULT(self->n, ASYNC_TIMEOUT(&self->scope, MS(4),
                                        async_interval_wait(&self->interval)));
    CHECK_EQ(self->n, ASYNC_ETIMEDOUT);
    CHECK_EQ(test_ms(), 4);
    AWAIT_VALUE(self->n, async_interval_wait(&self->interval));
    CHECK_EQ(self->n, 1);
    CHECK_EQ(test_ms(), 10);
    AWAIT_VALUE(self->n, ASYNC_TIMEOUT(&self->scope, MS(10),
                                       async_interval_wait(&self->interval)));
    CHECK_EQ(self->n, 1);
    CHECK_EQ(test_ms(), 20);
    async_cancel(async_current());
    ASYNC_TRY {
        AWAIT(async_interval_wait(&self->interval));
        test_fail(__FILE__, __LINE__, "no strike");
    } ASYNC_CATCH_ALL(self->outcome) {
        CHECK_EQ(self->outcome, ASYNC_CANCEL);
    } ASYNC_TRY_END;
    AWAIT(async_interval_wait(&self->interval));
    CHECK_EQ(test_ms(), 30);
    ASYNC_END;
}

TEST(interval_strike_takes_no_tick)
{
    static struct ticker t;

    ZERO(t);
    CHECK_EQ(async_run(struck, &t), 0);
}

/* The cancel comes in the turn in which the tick is due already. */
static ASYNC canceled_late(struct ticker *self)
{
    static struct ticker other;

    ASYNC_BEGIN(self);
    ZERO(other);
    other.ticks = 2;
    CHECK_EQ(async_spawn(&other.task, ticker, &other), 0);
    AWAIT(async_sleep(MS(5)));
    test_busy(MS(6));
    AWAIT(async_yield());
    async_cancel(&other.task);
    AWAIT_RESULT(self->n, async_join(&other.task));
    CHECK_EQ(self->n, ASYNC_ECANCELED);
    CHECK_LOG("11 ");
    ASYNC_END;
}

TEST(interval_strike_with_the_tick_comes_after_it)
{
    static struct ticker t;

    ZERO(t);
    CHECK_EQ(async_run(canceled_late, &t), 0);
}

/* Another phase, by setting when the next one is due; also in the past. */
static ASYNC phase(struct ticker *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_interval_open(&self->interval, MS(10), ASYNC_SKIP), 0);
    self->interval.next = async_now();          /* the first one at once */
    for (self->i = 0; self->i < 3; self->i++) {
        AWAIT(async_interval_wait(&self->interval));
        test_log("%d ", (int)test_ms());
    }
    CHECK_LOG("0 10 20 ");
    ASYNC_END;
}

TEST(interval_phase_may_be_set)
{
    static struct ticker t;

    ZERO(t);
    CHECK_EQ(async_run(phase, &t), 0);
}

/* The shortest and the longest period, and the largest count. */
static ASYNC extremes(struct ticker *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_interval_open(&self->interval, 1, ASYNC_SKIP), 0);
    test_busy(32767);           /* half the range of 16 bits, and a tick less */
    AWAIT(async_yield());
    AWAIT_VALUE(self->n, async_interval_wait(&self->interval));
    CHECK_EQ(self->n, 32767);
    CHECK_EQ((async_ticks)(self->interval.next - async_now()), 1);
    CHECK_EQ(async_interval_open(&self->interval, ASYNC_NEVER, ASYNC_SKIP), 0);
    AWAIT_RESULT(self->n, ASYNC_TIMEOUT(&self->scope, MS(4),
                                        async_interval_wait(&self->interval)));
    CHECK_EQ(self->n, ASYNC_ETIMEDOUT);
    ASYNC_END;
}

TEST(interval_extremes)
{
    static struct ticker t;

    ZERO(t);
    CHECK_EQ(async_run(extremes, &t), 0);
}

static ASYNC wrong_use(struct ticker *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_interval_open(NULL, MS(1), ASYNC_SKIP), ASYNC_EINVAL);
    CHECK_EQ(async_interval_open(&self->interval, 0, ASYNC_SKIP), ASYNC_EINVAL);
    CHECK_EQ(async_interval_open(&self->interval, -1, ASYNC_SKIP),
             ASYNC_EINVAL);
    CHECK_EQ(async_interval_open(&self->interval, MS(1), ASYNC_DELAY + 1),
             ASYNC_EINVAL);
    CHECK_EQ(async_interval_open(&self->interval, MS(1), -1), ASYNC_EINVAL);
    AWAIT_RESULT(self->n, async_interval_wait(NULL));
    CHECK_EQ(self->n, ASYNC_EINVAL);
    AWAIT_RESULT(self->n, async_interval_wait(&self->interval));
    CHECK_EQ(self->n, ASYNC_EINVAL);
    ASYNC_END;
}

TEST(interval_wrong_use)
{
    static struct ticker t;

    CHECK_EQ(async_interval_open(&t.interval, MS(1), ASYNC_SKIP), ASYNC_EPERM);
    ZERO(t);
    CHECK_EQ(async_run(wrong_use, &t), 0);
}

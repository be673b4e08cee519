/* A clock that jumps: days ahead, as on a machine that was stopped, and back,
 * which no clock should. */
#include "nap.h"

enum { NAPS = 5, MANY = 100 };

/* Ten days, where a clock counts that far. */
#define FAR ((async_duration)(ASYNC_TICK_BITS > 32 \
                              ? (async_duration)(240 * ASYNC_SEC(3600)) \
                              : ASYNC_NEVER / 2))

struct crowd {
    async_frame frame;
    struct nap nap[NAPS];
    async_task task[NAPS];
    async_timeout scope;
    async_interval interval;
    async_ticks at;
    int i, e;
};

static struct crowd crowd;

/* The task takes so long, or the clock jumps: both move it. */
static void jump(async_duration by)
{
    test_busy(by);
}

static void begin(void)
{
    static const struct crowd zero = {0};

    crowd = zero;
    if (ASYNC_TIMER_WHEEL) {
        test_time_is((async_ticks)FAR * 3);
    }
}

static void put_to_sleep(struct crowd *self)
{
    static const char *const name[] = {"a", "b", "c", "d", "e"};
    static const int ms[] = {300, 100, 500, 100, 700};
    int i;

    for (i = 0; i < NAPS; i++) {
        self->nap[i].name = name[i];
        self->nap[i].ms = ms[i];
        async_spawn(&self->task[i], nap, &self->nap[i]);
    }
}

/* All that was due meanwhile wakes in one turn, the earliest first; from then
 * on time is the new time. */
static ASYNC ahead(struct crowd *self)
{
    ASYNC_BEGIN(self);
    put_to_sleep(self);
    AWAIT(async_yield());
    self->at = async_now();
    jump(FAR);
    AWAIT(async_yield());
    CHECK_EQ((async_ticks)(async_now() - self->at), (async_ticks)FAR);
    AWAIT(async_yield());
    CHECK_LOG("a(b(c(d(e(b)d)a)c)e)");
    CHECK_EQ(test_idles(), 0);
    self->at = async_now();
    AWAIT(async_sleep((async_duration)ASYNC_MS(20)));
    CHECK_EQ((async_ticks)(async_now() - self->at), (async_ticks)ASYNC_MS(20));
    CHECK_EQ(test_idles(), 1);
    for (self->i = 0; self->i < NAPS; self->i++) {
        AWAIT(async_join(&self->task[self->i]));
    }
    ASYNC_END;
}

TEST(clock_days_ahead_wakes_all_in_order)
{
    begin();
    CHECK_EQ(async_run(ahead, &crowd), 0);
}

/* It jumps over a deadline, but not over what that deadline limits. */
struct jumper {
    async_frame frame;
    async_task task;
};

static ASYNC jumper(struct jumper *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep((async_duration)ASYNC_MS(10)));
    jump(FAR);
    ASYNC_END;
}

static struct jumper jumps;

static ASYNC ahead_of_deadline(struct crowd *self)
{
    ASYNC_BEGIN(self);
    async_spawn(&jumps.task, jumper, &jumps);
    AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope,
                                        (async_duration)ASYNC_MS(100),
                                        async_sleep(FAR / 2 * 3)));
    CHECK_EQ(self->e, ASYNC_ETIMEDOUT);
    AWAIT(async_join(&jumps.task));
    ASYNC_END;
}

TEST(clock_days_ahead_of_a_timeout)
{
    begin();
    CHECK_EQ(async_run(ahead_of_deadline, &crowd), 0);
    CHECK_EQ(test_idles(), 1);          /* until it jumped */
}

/* An interval tells what it missed, and keeps its beat. */
static ASYNC ahead_of_beat(struct crowd *self)
{
    ASYNC_BEGIN(self);
    self->at = async_now();
    AWAIT(async_interval_open(&self->interval, (async_duration)ASYNC_MS(100),
                              ASYNC_SKIP));
    AWAIT_VALUE(self->e, async_interval_wait(&self->interval));
    CHECK_EQ(self->e, 1);
    jump((async_duration)ASYNC_MS(1030));
    AWAIT_VALUE(self->e, async_interval_wait(&self->interval));
    CHECK_EQ(self->e, 10);
    AWAIT_VALUE(self->e, async_interval_wait(&self->interval));
    CHECK_EQ(self->e, 1);
    CHECK_EQ((async_ticks)(async_now() - self->at),
             (async_ticks)ASYNC_MS(1200));
    ASYNC_END;
}

TEST(clock_ahead_of_an_interval)
{
    begin();
    CHECK_EQ(async_run(ahead_of_beat, &crowd), 0);
}

/* Back: a loop with a wheel lets its time stand still until the clock has
 * caught up, and sleeps meanwhile. With a list it takes all for due, as a
 * clock that wraps looks the same when it is very late. */
static ASYNC back(struct crowd *self)
{
    ASYNC_BEGIN(self);
    put_to_sleep(self);
    AWAIT(async_sleep((async_duration)ASYNC_MS(50)));
    CHECK_LOG("a(b(c(d(e(");
    self->at = async_now();
    jump(-FAR);
    AWAIT(async_yield());
    if (ASYNC_TIMER_WHEEL) {
        CHECK_EQ(async_now(), self->at);
        CHECK_EQ(async_cancel(&self->task[4]), 1);
        AWAIT(async_sleep((async_duration)ASYNC_MS(10)));
        CHECK_LOG("exe!");
        CHECK_EQ(async_now() - self->at, ASYNC_MS(10));
        CHECK_EQ(test_idles(), 2);
        AWAIT(async_join(&self->task[2]));
        CHECK_LOG("b)d)a)c)");
        CHECK_EQ(async_now() - self->at, ASYNC_MS(450));
    } else {
        AWAIT(async_yield());
        CHECK_LOG("b)d)a)c)e)");
        CHECK_EQ(test_idles(), 1);
    }
    ASYNC_END;
}

TEST(clock_days_back)
{
    begin();
    CHECK_EQ(async_run(back, &crowd), 0);
}

/* A clock that trembles, back and ahead, while tasks sleep, time out and are
 * cancelled: none is lost, none is early by the loop's own time. */
static uint32_t seed;

static unsigned next_random(void)
{
    seed = seed * 1103515245u + 12345u;
    return (unsigned)(seed >> 16 & 0x7fff);
}

struct shaken {
    async_frame frame;
    async_task task;
    async_timeout scope;
    async_ticks began;
    async_duration d;
    int i, e;
};

static ASYNC shaken(struct shaken *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 20; self->i++) {
        self->d = (async_duration)(1 + next_random() % 5000);
        self->began = async_now();
        AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope, self->d,
                                            async_sleep(self->d * 2)));
        if (ASYNC_TIMER_WHEEL) {
            CHECK((async_duration)(async_now() - self->began) >= self->d);
            CHECK(self->e == ASYNC_ETIMEDOUT || self->e == 0);
        }
        if (next_random() % 4 == 0) {
            jump((async_duration)(next_random() % 2000) - 1000);
        }
    }
    ASYNC_END;
}

struct shaking {
    async_frame frame;
    struct shaken s[MANY];
    int i, e;
};

static struct shaking shaking;

static ASYNC shake(struct shaking *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < MANY; self->i++) {
        async_spawn(&self->s[self->i].task, shaken, &self->s[self->i]);
    }
    AWAIT(async_sleep(1000));
    for (self->i = 0; self->i < MANY; self->i += 7) {
        async_cancel(&self->s[self->i].task);
    }
    for (self->i = 0; self->i < MANY; self->i++) {
        AWAIT_RESULT(self->e, async_join(&self->s[self->i].task));
        CHECK(self->e == 0 || self->i % 7 == 0);
    }
    ASYNC_END;
}

TEST(clock_that_trembles)
{
    for (seed = 1; seed < 20; seed++) {
        static const struct shaking zero = {0};
        uint32_t kept = seed;

        begin();
        shaking = zero;
        CHECK_EQ(async_run(shake, &shaking), 0);
        seed = kept;
    }
}

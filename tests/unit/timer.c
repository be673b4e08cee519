/* The timer queue by itself, whichever it is, against an array that is
 * searched: equal deadlines in the order of their coming, earlier ones first,
 * none lost, none early. */
#include "test.h"

#include <string.h>

#define TIMERS 300

static async_loop loop;
static async_alarm_ alarm[TIMERS];
static struct { bool in; async_ticks deadline; long order; } known[TIMERS];
static async_ticks base;
static unsigned long state;
static int each, in_queue;

static unsigned long next_random(void)
{
    state = state * 1103515245ul + 12345ul;
    return state >> 8 & 0xffffff;
}

/* Up to the n-th power of two, small ones as likely as large ones. */
static async_ticks some_time(unsigned bits)
{
    async_ticks mask = (async_ticks)((async_ticks)1 << next_random() % bits);
    async_ticks value = (async_ticks)next_random();

#if ASYNC_TICK_BITS > 16
    value = (async_ticks)(value << 16) ^ (async_ticks)next_random();
#endif
#if ASYNC_TICK_BITS > 32
    value = (async_ticks)(value << 24) ^ (async_ticks)next_random();
#endif
    return (async_ticks)(value & (async_ticks)(2 * mask - 1));
}

/* The one that is to leave first, or -1. */
static int first(void)
{
    int i, best = -1;

    for (i = 0; i < TIMERS; i++) {
        if (known[i].in
            && (best < 0
                || (async_ticks)(known[i].deadline - base)
                   < (async_ticks)(known[best].deadline - base)
                || (known[i].deadline == known[best].deadline
                    && known[i].order < known[best].order))) {
            best = i;
        }
    }
    return best;
}

static void count_one(async_timer *one)
{
    CHECK(known[(async_alarm_ *)(void *)one - alarm].in);
    each++;
}

/* The one that is due by now and first of all, or -1. */
static int first_due(async_ticks now)
{
    int best = first();

    return best >= 0 && (async_ticks)(known[best].deadline - base)
                        <= (async_ticks)(now - base) ? best : -1;
}

static void it_fires(async_alarm_ *one, async_ticks now)
{
    int i = (int)(one - alarm);

    CHECK_EQ(i, first_due(now));
    CHECK(known[i].in);
    known[i].in = false;
    in_queue--;
}

static void a_life(unsigned bits, int room)
{
    async_timers *timers = &loop.timers;
    long order = 0;
    int step, i;

    memset(known, 0, sizeof known);
    in_queue = 0;
    base = ASYNC_TIMER_WHEEL ? some_time(40) : (async_ticks)next_random();
    async_timers_open_(timers);
    timers->base = base;
    for (step = 0; step < 2000; step++) {
        async_ticks now = base;
        async_ticks next = async_timer_next_(timers, base);
        int best = first();

        CHECK_EQ(ASYNC_TIMERS_EMPTY_(timers), in_queue == 0);
        if (in_queue > 0 && in_queue <= 32) {
            CHECK_EQ(next, (async_ticks)(known[best].deadline - base));
        } else if (in_queue > 0) {
            CHECK(next <= (async_ticks)(known[best].deadline - base));
        }
        i = (int)(next_random() % (unsigned long)room);
        if (next_random() % 3 != 0) {
            if (known[i].in) {
                async_timer_remove_(&alarm[i].timer);
                known[i].in = false;
                in_queue--;
            } else {
                known[i].deadline = (async_ticks)(base + 1 + some_time(bits));
                known[i].order = order++;
                known[i].in = true;
                alarm[i].timer.node.state = ASYNC_ALARM_;
                alarm[i].fire = it_fires;
                async_timer_add_(&alarm[i].timer, known[i].deadline, base);
                in_queue++;
            }
            continue;
        }
        now = (async_ticks)(now + (next_random() % 2 ? next
                                                     : some_time(bits)));
        if ((async_ticks)(now - base) > (async_ticks)ASYNC_NEVER
            || (ASYNC_TIMER_WHEEL && now > (async_ticks)ASYNC_NEVER / 2)) {
            now = base;         /* a wheel's time does not wrap: 292 years */
        }
        async_timers_expire_(&loop, now);
        CHECK_EQ(first_due(now), -1);
        base = timers->base;
        CHECK(base == now || ASYNC_TIMER_WHEEL);
    }
    each = 0;
    async_timer_each_(timers, count_one);
    CHECK_EQ(each, in_queue);
}

TEST(timer_queue_agrees_with_a_search)
{
    async_loop *before;

    CHECK_EQ(async_loop_open(&loop), 0);
    before = async_loop_use(&loop);
    for (state = 1; state < (ASYNC_HOSTED ? 40 : 4); ) {
        unsigned long seed = state;

        a_life(ASYNC_TICK_BITS - 2, seed % 3 == 0 ? TIMERS : 20);
        state = seed;
        a_life(8, seed % 3 == 1 ? TIMERS : 20);
        state = seed + 1;
    }    (void)async_loop_use(before);
    CHECK_EQ(async_loop_close(&loop), 0);
}

/* ===========================================================================
 * timer_wheel: the timer queue of large systems, a hierarchical timing wheel
 * (Varghese and Lauck, 1987, scheme 7) over all 64 bits of a time.
 *
 * Write base and a deadline in base 64. The highest digit in which they differ
 * is the timer's level, the deadline's digit there its slot:
 *
 *     base       0 0 5 9 . .        level 3, slot 7: all that happens in the
 *     deadline   0 0 7 3 . .        same 64^3 ticks, in the order of arrival
 *
 * Every timer of a level is earlier than all of the level above, every slot of
 * a level earlier than the next; so the earliest is found by two bit scans.
 * When time reaches a slot above level 0, its timers move down to where they
 * now belong; each does so at most once a level, most only two or three times,
 * since a slot with one timer in it needs no sorting. In level 0 a slot is one
 * tick, so the queue is exact.
 *
 * Because base never passes a timer, a timer's place can always be computed
 * from its deadline, and need not be stored. Nor need base follow the time
 * closely: a turn before `soonest`, when nothing is due, leaves all as it is.
 * ======================================================================== */
#include "loop.h"

#if ASYNC_TIMER_WHEEL

#define ASYNC_LAST_TICK_ (~(async_ticks)0)

#if defined __GNUC__ && !defined __TINYC__
#define ASYNC_LOW_BIT_(x) ((unsigned)__builtin_ctzll(x))
#define ASYNC_HIGH_BIT_(x) (63u - (unsigned)__builtin_clzll(x))
#else
static unsigned async_high_bit_(uint64_t x)
{
    unsigned n = 0;
    unsigned step;

    for (step = 32; step != 0; step >>= 1) {
        if (x >> step != 0) {
            x >>= step;
            n += step;
        }
    }
    return n;
}
#define ASYNC_HIGH_BIT_(x) async_high_bit_(x)
#define ASYNC_LOW_BIT_(x) async_high_bit_((x) & (0 - (x)))
#endif

ASYNC_API void async_timers_open_(async_timers *timers)
{
    unsigned level;

    timers->base = 0;
    timers->soonest = ASYNC_LAST_TICK_;
    timers->levels = 0;
    for (level = 0; level < ASYNC_WHEEL_LEVELS_; level++) {
        timers->used[level] = 0;    /* a slot is written before it is read */
    }
}

/* The level of a deadline: the highest digit in which it differs from base.
 * The bit below makes a deadline that is base itself level 0. */
#define ASYNC_LEVEL_(base, deadline) \
    (ASYNC_HIGH_BIT_(((base) ^ (deadline)) | 1) / ASYNC_WHEEL_BITS_)
#define ASYNC_SLOT_(deadline, level) \
    ((unsigned)((deadline) >> ((level) * ASYNC_WHEEL_BITS_)) \
     & (ASYNC_WHEEL_SLOTS_ - 1))

static void async_wheel_add_(async_timers *timers, async_timer *timer)
{
    unsigned level = ASYNC_LEVEL_(timers->base, timer->u.deadline);
    unsigned slot = ASYNC_SLOT_(timer->u.deadline, level);
    uint64_t bit = (uint64_t)1 << slot;
    async_node **tail = &timers->slot[level][slot];
    async_node *node = &timer->node;

    if ((timers->used[level] & bit) != 0) {
        async_ring_follow_(*tail, node);
    } else {
        timers->used[level] |= bit;
        timers->levels |= 1u << level;
        async_ring_alone_(node);
    }
    *tail = node;
}

ASYNC_API async_status async_timer_add_(async_timer *timer,
                                        async_ticks deadline, async_ticks now)
{
    async_timers *timers = &async_this_loop_->timers;

    (void)now;                  /* whoever asked for it set an idle base, too */
    timer->u.deadline = deadline;
    if (deadline < timers->soonest) {
        timers->soonest = deadline;
    }
    async_wheel_add_(timers, timer);
    return ASYNC_PENDING;
}

static void async_slot_is_empty_(async_timers *timers, unsigned level,
                                 unsigned slot)
{
    timers->used[level] &= ~((uint64_t)1 << slot);
    if (timers->used[level] == 0) {
        timers->levels &= ~(1u << level);
    }
}

ASYNC_API void async_timer_remove_(async_timer *timer)
{
    async_timers *timers = &async_this_loop_->timers;
    unsigned level = ASYNC_LEVEL_(timers->base, timer->u.deadline);
    unsigned slot = ASYNC_SLOT_(timer->u.deadline, level);

    async_ring_remove_(&timers->slot[level][slot], &timer->node);
    if (timers->slot[level][slot] == NULL) {
        async_slot_is_empty_(timers, level, slot);
    }
}

/* When the first slot that is not empty begins. The queue is not empty. */
static async_ticks async_first_slot_(const async_timers *timers,
                                     unsigned *level, unsigned *slot)
{
    unsigned shift;
    async_ticks above;

    *level = ASYNC_LOW_BIT_(timers->levels);
    *slot = ASYNC_LOW_BIT_(timers->used[*level]);
    shift = *level * ASYNC_WHEEL_BITS_;
    above = shift + ASYNC_WHEEL_BITS_ < 64
        ? timers->base >> (shift + ASYNC_WHEEL_BITS_)
                       << (shift + ASYNC_WHEEL_BITS_)
        : 0;
    return above | ((async_ticks)*slot << shift);
}

/* Take out the earliest timer that is due; NULL when none is: then the base is
 * `now`. */
ASYNC_HOT_ async_timer *async_timer_due_(async_timers *timers,
                                         async_ticks now)
{
    while (timers->levels != 0) {
        unsigned level, slot;
        async_ticks start = async_first_slot_(timers, &level, &slot);
        async_node **ring = &timers->slot[level][slot];
        async_node *node;

        if (start > now) {
            timers->soonest = start;
            timers->base = now;
            return NULL;
        }
        if (level == 0) {
            node = async_ring_pop_(ring);
            if (*ring == NULL) {
                async_slot_is_empty_(timers, level, slot);
            }
            return ASYNC_TIMER_OF_(node);
        }
        node = *ring;
        if (node->next == node && ASYNC_TIMER_OF_(node)->u.deadline <= now) {
            async_slot_is_empty_(timers, level, slot);
            return ASYNC_TIMER_OF_(node);
        }
        /* Time reaches the slot: spread it over the levels below. */
        async_slot_is_empty_(timers, level, slot);
        timers->base = start;
        node = node->next;
        (*ring)->next = NULL;
        while (node != NULL) {
            async_node *next = node->next;
            async_wheel_add_(timers, ASYNC_TIMER_OF_(node));
            node = next;
        }
    }
    timers->soonest = ASYNC_LAST_TICK_;
    timers->base = now;
    return NULL;
}

ASYNC_API void async_timers_expire_(async_loop *loop, async_ticks now)
{
    async_timer *timer;

    if (now < loop->timers.soonest) {
        return;
    }
    while ((timer = async_timer_due_(&loop->timers, now)) != NULL) {
        async_timer_expires_(timer, now);
    }
}

/* Look at no more than this many timers for the earliest: where more crowd in
 * the first slot, the loop wakes at its beginning and sorts them out. */
#define ASYNC_CROWD_ 32

ASYNC_API async_ticks async_timer_next_(const async_timers *timers,
                                        async_ticks now)
{
    unsigned level, slot, n;
    async_ticks start, first;
    const async_node *tail, *node;

    if (timers->levels == 0) {
        return ASYNC_NEVER;
    }
    start = async_first_slot_(timers, &level, &slot);
    tail = timers->slot[level][slot];
    node = tail->next;
    first = ASYNC_TIMER_OF_(node)->u.deadline;
    for (n = 0; node != tail; n++) {
        if (n == ASYNC_CROWD_) {
            first = start > timers->soonest ? start : timers->soonest;
            break;
        }
        node = node->next;
        if (ASYNC_TIMER_OF_(node)->u.deadline < first) {
            first = ASYNC_TIMER_OF_(node)->u.deadline;
        }
    }
    first = first > now ? first - now : 0;
    return first < ASYNC_NEVER ? first : ASYNC_NEVER - 1;
}

ASYNC_API void async_timer_each_(async_timers *timers,
                                 void (*fn)(async_timer *timer))
{
    unsigned level;
    unsigned slot;

    for (level = 0; level < ASYNC_WHEEL_LEVELS_; level++) {
        for (slot = 0; slot < ASYNC_WHEEL_SLOTS_; slot++) {
            async_node *tail, *node;
            bool last = false;

            if ((timers->used[level] >> slot & 1) == 0) {
                continue;
            }
            tail = timers->slot[level][slot];
            node = tail->next;
            while (!last) {
                async_node *next = node->next;

                last = node == tail;
                fn(ASYNC_TIMER_OF_(node));
                node = next;
            }
        }
    }
}

#endif

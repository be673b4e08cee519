/* A hierarchical timer wheel, by hand, for the limit programs. Eight levels of
 * 64 slots; a timer lies in the level of the highest digit (in base 64) in
 * which its deadline differs from now, and moves down as now comes near. A
 * removed timer leaves its slot marked as filled; that costs an empty look. */
#ifndef WHEEL_H
#define WHEEL_H

#include <stddef.h>
#include <stdint.h>

struct timer {
    struct timer *next;
    struct timer **link; /* what points to this timer; NULL: not armed */
    uint64_t deadline;
};

enum { WHEEL_LEVELS = 8 };

struct wheel {
    uint64_t now;
    uint64_t filled[WHEEL_LEVELS];
    struct timer *slot[WHEEL_LEVELS][64];
};

/* A tick is about a millisecond. */
enum { WHEEL_TICK_BITS = 20 };

static inline uint64_t wheel_tick(uint64_t nanoseconds)
{
    return nanoseconds >> WHEEL_TICK_BITS;
}

static inline void wheel_add(struct wheel *wheel, struct timer *timer)
{
    uint64_t differs = (timer->deadline ^ wheel->now) | 1;
    unsigned level = (63u - (unsigned)__builtin_clzll(differs)) / 6;
    unsigned slot = (unsigned)(timer->deadline >> (6 * level)) & 63;
    struct timer **first = &wheel->slot[level][slot];
    wheel->filled[level] |= (uint64_t)1 << slot;
    timer->next = *first;
    timer->link = first;
    if (timer->next) {
        timer->next->link = &timer->next;
    }
    *first = timer;
}

static inline void wheel_remove(struct timer *timer)
{
    *timer->link = timer->next;
    if (timer->next) {
        timer->next->link = timer->link;
    }
    timer->link = NULL;
}

/* The lowest level that holds something, or WHEEL_LEVELS. */
static inline unsigned wheel_lowest(const struct wheel *wheel)
{
    unsigned level = 0;
    while (level < WHEEL_LEVELS && wheel->filled[level] == 0) {
        level++;
    }
    return level;
}

/* When there is something to do next: a deadline, or a slot to spread. */
static inline uint64_t wheel_next(const struct wheel *wheel)
{
    unsigned level = wheel_lowest(wheel);
    if (level == WHEEL_LEVELS) {
        return UINT64_MAX;
    }
    unsigned shift = 6 * level;
    uint64_t slot = (uint64_t)__builtin_ctzll(wheel->filled[level]);
    return (((wheel->now >> shift) & ~(uint64_t)63) | slot) << shift;
}

/* Calls fire() for every timer whose deadline is at or before `until`. */
static inline void wheel_advance(struct wheel *wheel, uint64_t until,
                                 void (*fire)(struct timer *))
{
    for (;;) {
        unsigned level = wheel_lowest(wheel);
        uint64_t at = wheel_next(wheel);
        if (at > until) {
            break;
        }
        unsigned slot = (unsigned)__builtin_ctzll(wheel->filled[level]);
        struct timer *timer = wheel->slot[level][slot];
        wheel->slot[level][slot] = NULL;
        wheel->filled[level] &= ~((uint64_t)1 << slot);
        wheel->now = at;
        while (timer) {
            struct timer *next = timer->next;
            if (timer->deadline <= at) {
                timer->link = NULL;
                fire(timer);
            } else {
                wheel_add(wheel, timer);
            }
            timer = next;
        }
    }
    if (until > wheel->now) {
        wheel->now = until;
    }
}

#endif

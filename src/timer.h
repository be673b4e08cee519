#pragma once
#include "ticks.h"
#include "list.h"
#include "task.h"
/* ===========================================================================
 * timer: the queue of what is to happen at a time; two of them behind one
 * interface. Not a public part: sleep.h and timeout.h are.
 *
 *   timer_list.c   a sorted list: 2 words a loop, insert O(n). For tens.
 *   timer_wheel.c  a hierarchical wheel: 5.6 KB a loop, insert and remove
 *                  O(1), exact to the nanosecond. For a million.
 *
 * Both keep this: equal deadlines leave in the order in which they came, and
 * earlier ones before later ones. `base` is the time of the last expiry; in a
 * wheel, of the last that found something to do. In a list every deadline is at
 * most half the range after it, so a late loop (up to the other half) sees
 * nothing as being in the far future.
 * ======================================================================== */

#if ASYNC_TIMER_WHEEL

#define ASYNC_WHEEL_BITS_ 6
#define ASYNC_WHEEL_SLOTS_ 64
#define ASYNC_WHEEL_LEVELS_ 11          /* 6 * 11 bits hold 64 */

typedef struct async_timers {
    async_ticks base;
    async_ticks soonest;                /* before it nothing is due */
    unsigned levels;                    /* bit n: level n is not empty */
    uint64_t used[ASYNC_WHEEL_LEVELS_]; /* bit n: slot n is not empty */
    async_node *slot[ASYNC_WHEEL_LEVELS_][ASYNC_WHEEL_SLOTS_];
} async_timers;

#define ASYNC_TIMERS_P_(timers) ((timers)->levels)

#else

typedef struct async_timers {
    async_ticks base;
    async_node *first;
} async_timers;

#define ASYNC_TIMERS_P_(timers) ((uintptr_t)(timers)->first)

#endif

#define ASYNC_TIMERS_EMPTY_(timers) (ASYNC_TIMERS_P_(timers) == 0)

/* A timer that is no task: the loop takes it out of the queue when it is due,
 * and calls fire, which changes its state or puts it back. */
typedef struct async_alarm_ async_alarm_;
struct async_alarm_ {
    async_timer timer;          /* its state: ASYNC_ALARM_ while in the queue */
    void (*fire)(async_alarm_ *alarm, async_ticks now);
};

#define ASYNC_TIMER_OF_(n) ((async_timer *)(void *)(n))

/* Make it empty. Its base is set when somebody asks for the time. */
ASYNC_API void async_timers_open_(async_timers *timers);

/* Put a timer with that deadline into the queue of the current loop. `now` is
 * the time, which was not read before base: where nobody keeps base near, for
 * want of timers, it is now. ASYNC_PENDING, as a sleep says then. */
ASYNC_API async_status async_timer_add_(async_timer *timer,
                                        async_ticks deadline, async_ticks now);

/* Take a timer out of the current loop's queue. Its deadline has not changed
 * meanwhile. */
ASYNC_API void async_timer_remove_(async_timer *timer);

/* Put an alarm in: it fires so long from now on, which is above 0. */
ASYNC_API void async_alarm_set_(async_alarm_ *alarm, async_duration duration);

/* Take out each timer that is due at `now`, in order, and wake the task or
 * fire the alarm that it is; then base is `now`, unless a wheel knows at once
 * that none is. */
ASYNC_API void async_timers_expire_(async_loop *loop, async_ticks now);

/* How long after `now` something may be due: exact, or early where a crowd of
 * timers is near. ASYNC_NEVER when the queue is empty, and then only. */
#if ASYNC_TIMER_WHEEL
ASYNC_API async_ticks async_timer_next_(const async_timers *timers,
                                        async_ticks now);
#else
ASYNC_ALONE_ async_ticks async_timer_next_(const async_timers *timers,
                                           async_ticks now)
{
    async_ticks passed = (async_ticks)(now - timers->base);
    async_ticks next;

    if (timers->first == NULL) {
        return ASYNC_NEVER;
    }
    next = (async_ticks)(ASYNC_TIMER_OF_(timers->first)->u.deadline
                         - timers->base);
    next = next > passed ? (async_ticks)(next - passed) : 0;
    return next < ASYNC_NEVER ? next : ASYNC_NEVER - 1;
}
#endif

/* For a loop that ends: call fn for each timer; fn may remove that one. */
ASYNC_API void async_timer_each_(async_timers *timers,
                                 void (*fn)(async_timer *timer));

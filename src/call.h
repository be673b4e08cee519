#pragma once
#include "sleep.h"
/* ===========================================================================
 * call: an ordinary function that the loop calls later. Not a task: it cannot
 * await, and nobody can join it. It is the cheapest thing that happens at a
 * time, and where a program made of callbacks is brought to a loop.
 *
 *     struct lamp { async_call call; int pin; };
 *
 *     static void off(async_call *call)
 *     {
 *         struct lamp *lamp = (struct lamp *)(void *)call;
 *         gpio_clear(lamp->pin);
 *     }
 *
 *     async_call_later(&lamp->call, ASYNC_SEC(2), off);
 *
 * Calls are made in the order of their times, those of the same time in the
 * order in which they were asked for; at the beginning of a turn, before the
 * tasks of that turn. A call must not block, and may do what a task may but
 * await: spawn, cancel, set an event, ask for calls, the same one included.
 *
 * A call keeps no loop running. One that is pending when its loop ends is not
 * made, and its memory is to be zeroed before it is used again.
 * ======================================================================== */

/* In the caller's memory: zeroed or called memory, or a cancelled call. It is
 * to stay where it is while the call is pending, so one that lives in a frame
 * is cancelled in a finally. Usually the first member of what it is about. */
typedef struct async_call async_call;
typedef void (*async_call_fn)(async_call *call);
struct async_call {
    async_alarm_ alarm;
    async_call_fn fn;
#if ASYNC_DEBUG
    async_call *next, **back;   /* of the pending ones of its loop */
    const char *name;           /* of fn; and where it was asked for */
    const char *file;
    int line;
#endif
};

/* Let the loop call fn(call) at the next tick of its clock, and not before the
 * tasks that run in this turn have done so. 0, ASYNC_EALREADY when this call
 * is pending, ASYNC_EPERM when no loop is current, ASYNC_EINVAL for NULL. From
 * a task, a callback or another call; before the loop runs, too. Costs an
 * insertion into the timer queue. */
#define async_call_soon(call, fn) async_call_later((call), 0, fn)

/* The same `duration` from now, or soon for one of zero or less. */
#define async_call_later(call, duration, fn) \
    async_call_later_((call), (duration), (fn) ASYNC_CALL_PLACE_(fn))

/* The same at an instant, or soon for one that has passed (by no more than
 * half the range). */
#define async_call_at(call, time, fn) \
    async_call_at_((call), (time), (fn) ASYNC_CALL_PLACE_(fn))

/* Do not make the call; its memory is free at once. 1, or 0 if it was not
 * pending (made already, or never asked for), ASYNC_EINVAL for NULL. */
#define async_call_cancel ASYNC_ABI_(async_call_cancel)
ASYNC_API int async_call_cancel(async_call *call);

#if ASYNC_DEBUG
#define ASYNC_CALL_PLACE_(fn) , #fn, __FILE__, __LINE__
#else
#define ASYNC_CALL_PLACE_(fn)
#endif
#define async_call_later_ ASYNC_ABI_(async_call_later)
#define async_call_at_ ASYNC_ABI_(async_call_at)
ASYNC_API int async_call_later_(async_call *call, async_duration duration,
                                async_call_fn fn
#if ASYNC_DEBUG
                                , const char *name, const char *file, int line
#endif
);
ASYNC_API int async_call_at_(async_call *call, async_ticks time,
                             async_call_fn fn
#if ASYNC_DEBUG
                             , const char *name, const char *file, int line
#endif
);

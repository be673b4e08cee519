#pragma once
#include "loop.h"
/* ===========================================================================
 * wait: waiting for several tasks at once, and leaving them alone. What cancels
 * tasks is gather.h; what owns them is group.h.
 *
 *     struct program {
 *         async_frame frame;
 *         struct job job[3];
 *         async_waiter waiters[3];    one for each task, of whatever layout
 *         async_wait_set set;
 *     };
 *
 *     for (self->i = 0; self->i < 3; self->i++) {
 *         async_spawn(&self->job[self->i].task, job, &self->job[self->i]);
 *         self->waiters[self->i].task = &self->job[self->i].task;
 *     }
 *     AWAIT_VALUE(self->done, async_wait(&self->set, self->waiters, 3,
 *                                        ASYNC_FIRST_COMPLETED));
 *
 * Each waiter stands in the ring of its task, as a done callback does. So the
 * end of a task costs the same however many others are waited for.
 * ======================================================================== */

/* What it takes to wait for one task: zeroed memory in which `task` is set.
 * The same task may stand in several waiters. While somebody waits, waiter
 * and task stay where they are. */
typedef struct async_waiter {
    async_watch watch;          /* in its task's ring, then in `ended` */
    async_task *task;
    struct async_wait_set *set;
} async_waiter;

/* What all waiters of one wait have in common. Zeroed memory is a fresh set,
 * and so is one whose operation is over. One task uses it at a time. */
typedef struct async_wait_set {
    async_list list;            /* the task that waits */
    async_node *ended;          /* a ring: those whose task has, in order */
    int pending;                /* how many have not */
    int until;                  /* wake it when no more than so many are left */
    int error;                  /* the first one, or how many failed */
    unsigned char flags;
} async_wait_set;

/* When async_wait is over. */
enum {
    ASYNC_ALL_COMPLETED = 0,
    ASYNC_FIRST_COMPLETED,
    ASYNC_FIRST_EXCEPTION       /* an error, but no ASYNC_ECANCELED; or all */
};

#define async_wait ASYNC_ABI_(async_wait)
#define async_next_done ASYNC_ABI_(async_next_done)
#define async_wait_close ASYNC_ABI_(async_wait_close)
#define async_waiters_open_ ASYNC_ABI_(async_waiters_open)
#define async_waiters_leave_ ASYNC_ABI_(async_waiters_leave)

/* AWAIT_VALUE(done, async_wait(set, waiters, n, mode)): wait until one, all, or
 * the first to fail of n tasks have ended; the number of those that have. Which
 * ones, async_done tells, and async_result how. No error of theirs is raised,
 * the others go on. With a limit of time: an ASYNC_TIMEOUT around it.
 *
 * A strike leaves at once, and leaves the tasks alone. ASYNC_EINVAL for NULL,
 * n <= 0, another mode or a task never spawned; ASYNC_EDEADLK if the caller is
 * one of them; ASYNC_EBUSY when set or waiters are in use. Task only. Costs
 * O(n), and once more when it is over before all have ended; in builds without
 * ASYNC_BACKLINKS each task's joiners are walked then. */
ASYNC_API ASYNC async_wait(async_wait_set *set, async_waiter *waiters, int n,
                           int mode);

/* AWAIT_VALUE(i, async_next_done(set, waiters, n)): the tasks as they end. The
 * index of the next one that has ended, each once and in that order; then
 * ASYNC_ENOENT, and the set is fresh again. Tasks that have ended before the
 * first call come first, by their index. Between the calls the set remains
 * bound to the waiters: who stops before ASYNC_ENOENT calls async_wait_close,
 * or goes on with another operation over the same set and waiters.
 *
 * A strike leaves at once; a later call goes on, and none is lost. Errors as
 * above, but no tasks (n = 0) are simply none. Task only. O(n) for the first
 * call, then O(1). */
ASYNC_API ASYNC async_next_done(async_wait_set *set, async_waiter *waiters,
                                int n);

/* Take the waiters out of their tasks, which go on: after async_next_done. 0,
 * also when there is nothing to do; ASYNC_EINVAL for NULL or a negative n,
 * ASYNC_EBUSY while a task waits, or for other waiters than the set's. Task,
 * or code outside of the running loop; not a done callback. O(n). */
ASYNC_API int async_wait_close(async_wait_set *set, async_waiter *waiters,
                               int n);

/* ---- for gather ---------------------------------------------------------- */

enum {
    ASYNC_WAITED_ = 1,          /* a task is in an operation on the set */
    ASYNC_NEXT_ = 2,            /* between two calls of async_next_done */
    ASYNC_ON_ERROR_ = 4,        /* the first error ends it as well */
    ASYNC_BUT_CANCELED_ = 8,    /* but an ASYNC_ECANCELED does not */
    ASYNC_ONE_ = 16,            /* only the first to end may fail */
    ASYNC_COUNT_ = 32,          /* `error` counts those that failed */
    ASYNC_ENDED_CANCELED_ = 64  /* one of them has */
};

/* Is this the operation's first evaluation? A later one finds that the task
 * was woken or struck. */
ASYNC_INLINE_ bool async_anew_(async_task *task)
{
    return !async_granted_(task) && async_state_(task) != ASYNC_STRUCK_;
}

/* Is what the set waits for there? */
ASYNC_INLINE_ bool async_waiters_met_(const async_wait_set *set)
{
    return set->pending <= set->until
        || ((set->flags & ASYNC_ON_ERROR_) != 0 && set->error != 0);
}

/* Watch all the tasks; 0 or an error, and then none is watched. */
ASYNC_API int async_waiters_open_(async_wait_set *set, async_waiter *waiters,
                                  int n, int until, unsigned flags);

/* Watch none of them any more. */
ASYNC_API void async_waiters_leave_(async_wait_set *set, async_waiter *waiters,
                                    int n);

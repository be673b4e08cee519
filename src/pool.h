#pragma once
#include "loop.h"
/* ===========================================================================
 * pool: a bounded set of background tasks. It owns no frames: those stand in
 * an array of the caller's, beside that of the slots.
 *
 *     struct program {
 *         async_frame frame;
 *         async_pool pool;
 *         async_slot slots[4];
 *         struct job jobs[4];
 *         int i;
 *     };
 *
 *     async_pool_open(&self->pool, self->slots, 4);
 *     for (...) {
 *         AWAIT_VALUE(self->i, async_pool_take(&self->pool));
 *         self->jobs[self->i].fd = ...;
 *         async_pool_spawn(&self->pool, self->i, job, &self->jobs[self->i]);
 *     }
 *     AWAIT(async_pool_join(&self->pool));
 *
 * The slot comes back by itself when its task ends, and goes to whoever has
 * waited longest for one.
 * ======================================================================== */

/* A place for one task. Its `task` may be cancelled or asked for its result,
 * until the slot is taken again. */
typedef struct async_slot {
    async_watch watch;          /* of the task; or in the list of free ones */
    struct async_pool *pool;
    async_task task;
} async_slot;

typedef struct async_pool {
    async_list takers;          /* who wait for a slot */
    async_list joiners;         /* who wait until none is taken */
    async_slot *slots;
    async_node *free;
    int n, busy;
} async_pool;

#define async_pool_open ASYNC_ABI_(async_pool_open)
#define async_pool_take ASYNC_ABI_(async_pool_take)
#define async_pool_try ASYNC_ABI_(async_pool_try)
#define async_pool_give ASYNC_ABI_(async_pool_give)
#define async_pool_join ASYNC_ABI_(async_pool_join)
#define async_pool_cancel ASYNC_ABI_(async_pool_cancel)
#define async_pool_busy ASYNC_ABI_(async_pool_busy)

/* A pool of n free slots. 0, or ASYNC_EINVAL for NULL or n <= 0. Any context;
 * not while the pool is in use. O(n). */
ASYNC_API int async_pool_open(async_pool *pool, async_slot *slots, int n);

/* AWAIT_VALUE(i, async_pool_take(pool)): the index of a free slot, from now on
 * the caller's. Waits when there is none, first come first served. Before the
 * next await it is to be used for async_pool_spawn or given back.
 * A struck waiter leaves and takes nothing; one that was handed its slot keeps
 * it. ASYNC_EINVAL for NULL or a pool that is not open. Task only. O(1). */
ASYNC_API ASYNC async_pool_take(async_pool *pool);

/* The same without waiting: ASYNC_EAGAIN when there is none. Task or callback
 * of the loop. */
ASYNC_API int async_pool_try(async_pool *pool);

/* async_pool_spawn(pool, i, fn, frame): start fn(frame) as the task of a slot
 * that was taken; as async_spawn does. 0, or ASYNC_EINVAL for NULL or an index
 * that is none, ASYNC_EALREADY for a slot that is free, or whose task runs,
 * ASYNC_EPERM when no loop is current; then the slot stays what it was.
 * The slot is free before callbacks registered later, and before whoever joins
 * its task goes on: these look at the task no more when it may have been taken
 * again. Task or callback of the loop. O(1). */
#if ASYNC_NAMED_
#define async_pool_spawn(pool, i, fn, frame) \
    async_pool_spawn_((pool), (i), ASYNC_ENTRY_(fn, frame), (frame), #fn, \
                      __FILE__, __LINE__)
#else
#define async_pool_spawn(pool, i, fn, frame) \
    async_pool_spawn_((pool), (i), ASYNC_ENTRY_(fn, frame), (frame))
#endif
#define async_pool_spawn_ ASYNC_ABI_(async_pool_spawn)
ASYNC_API int async_pool_spawn_(async_pool *pool, int i, async_fn fn,
                                void *frame
#if ASYNC_NAMED_
                                , const char *name, const char *file, int line
#endif
);

/* Give back a slot that was taken and is not used. 0, or the errors of
 * async_pool_spawn. Task or callback of the loop. O(1). */
ASYNC_API int async_pool_give(async_pool *pool, int i);

/* AWAIT(async_pool_join(pool)): wait until no slot is taken. What the tasks
 * returned is no affair of it. A struck one leaves, the tasks go on.
 * ASYNC_EINVAL for NULL or a pool that is not open. Task only. */
ASYNC_API ASYNC async_pool_join(async_pool *pool);

/* Strike every task of the pool, as async_cancel does; async_pool_join then
 * waits for their cleanups. How many there were; ASYNC_EINVAL for NULL. Task or
 * callback of the loop. O(n). */
ASYNC_API int async_pool_cancel(async_pool *pool);

/* How many slots are taken; 0 for NULL. Any context of the loop. */
ASYNC_API int async_pool_busy(const async_pool *pool);

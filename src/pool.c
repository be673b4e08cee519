/* ===========================================================================
 * pool: a bounded set of background tasks.
 * ======================================================================== */
#include "pool.h"
#include "debug.h"

/* A slot is free (IDLE), taken (UNARMED), or its task runs (WATCH). */

static void async_pool_put_(async_pool *pool, async_slot *slot)
{
    int i = (int)(slot - pool->slots);

    if (pool->takers.tail != NULL) {            /* it stays taken */
        slot->watch.node.state = ASYNC_UNARMED_;
        (void)async_wake_one_(&pool->takers, i);
        return;
    }
    slot->watch.node.state = ASYNC_IDLE_;
    slot->watch.node.next = pool->free;
    pool->free = &slot->watch.node;
    pool->busy--;
    while (pool->busy == 0 && async_wake_one_(&pool->joiners, 0)) {
    }
}

static void async_slot_ended_(async_watch *watch, async_task *task)
{
    async_slot *slot = (async_slot *)(void *)watch;

#if ASYNC_DEBUG
    async_trail_of_pool_(task);
#else
    (void)task;
#endif
    async_pool_put_(slot->pool, slot);
}

ASYNC_API int async_pool_open(async_pool *pool, async_slot *slots, int n)
{
    int i;

    if (pool == NULL || slots == NULL || n <= 0) {
        return ASYNC_EINVAL;
    }
    pool->takers.tail = NULL;
    pool->joiners.tail = NULL;
    pool->slots = slots;
    pool->n = n;
    pool->busy = 0;
    pool->free = NULL;
    for (i = n - 1; i >= 0; i--) {
        slots[i].pool = pool;
        slots[i].task.timer.node.state = ASYNC_IDLE_;
        slots[i].watch.node.state = ASYNC_IDLE_;
        slots[i].watch.node.next = pool->free;
        pool->free = &slots[i].watch.node;
    }
    return 0;
}

ASYNC_API int async_pool_try(async_pool *pool)
{
    async_slot *slot;

    if (pool == NULL || pool->slots == NULL) {
        return ASYNC_EINVAL;
    }
    if (pool->free == NULL) {
        return ASYNC_EAGAIN;
    }
    slot = (async_slot *)(void *)pool->free;
    pool->free = slot->watch.node.next;
    slot->watch.node.state = ASYNC_UNARMED_;
    pool->busy++;
    return (int)(slot - pool->slots);
}

ASYNC_API async_status async_pool_take(async_pool *pool)
{
    async_task *task = async_self_();
    int i;

    if (async_granted_(task)) {
        return task->timer.u.result;
    }
    i = async_pool_try(pool);
    if (i != ASYNC_EAGAIN) {
        return async_settle_(task, i);
    }
    ASYNC_WAITS_("async_pool_take", pool);
    return async_wait_(&pool->takers);
}

/* The slot of that index, if it is taken and not used; else NULL, with *rc. */
static async_slot *async_pool_taken_(async_pool *pool, int i, int *rc)
{
    if (pool == NULL || pool->slots == NULL || i < 0 || i >= pool->n) {
        *rc = ASYNC_EINVAL;
        return NULL;
    }
    if (pool->slots[i].watch.node.state != ASYNC_UNARMED_) {
        *rc = ASYNC_EALREADY;
        return NULL;
    }
    return &pool->slots[i];
}

ASYNC_API int async_pool_give(async_pool *pool, int i)
{
    int rc = 0;
    async_slot *slot = async_pool_taken_(pool, i, &rc);

    if (slot != NULL) {
        async_pool_put_(pool, slot);
    }
    return rc;
}

ASYNC_API int async_pool_spawn_(async_pool *pool, int i, async_fn fn,
                                void *frame
#if ASYNC_NAMED_
                                , const char *name, const char *file, int line
#endif
                                )
{
    int rc = 0;
    async_slot *slot = async_pool_taken_(pool, i, &rc);

    if (slot == NULL) {
        return rc;
    }
    rc = async_spawn_(&slot->task, fn, frame
#if ASYNC_NAMED_
                      , name, file, line
#endif
                      );
    return rc < 0 ? rc : async_on_done(&slot->task, &slot->watch,
                                       async_slot_ended_);
}

ASYNC_API async_status async_pool_join(async_pool *pool)
{
    async_task *task = async_self_();

    if (async_granted_(task)) {
        return 0;
    }
    if (pool == NULL || pool->slots == NULL) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    if (pool->busy == 0) {
        return async_settle_(task, 0);
    }
    ASYNC_WAITS_("async_pool_join", pool);
    return async_wait_(&pool->joiners);
}

ASYNC_API int async_pool_cancel(async_pool *pool)
{
    int count = 0;
    int i;

    if (pool == NULL) {
        return ASYNC_EINVAL;
    }
    for (i = 0; i < pool->n; i++) {
        if (pool->slots[i].watch.node.state == ASYNC_WATCH_) {
            count += async_cancel(&pool->slots[i].task);
        }
    }
    return count;
}

ASYNC_API int async_pool_busy(const async_pool *pool)
{
    return pool == NULL ? 0 : pool->busy;
}

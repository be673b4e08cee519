/* ===========================================================================
 * wait: waiting for several tasks at once, and leaving them alone.
 * ======================================================================== */
#include "wait.h"
#include "debug.h"

/* The done callback. What is to be known of the task is noted now: a later
 * callback may free it. */
static void async_waiter_ended_(async_watch *watch, async_task *task)
{
    async_waiter *waiter = (async_waiter *)(void *)watch;
    async_wait_set *set = waiter->set;
    int result = task->timer.u.result;
    unsigned flags = set->flags;

    if (result == ASYNC_ECANCELED) {
        set->flags |= ASYNC_ENDED_CANCELED_;
    }
    if ((flags & ASYNC_COUNT_) != 0) {
        set->error += result < 0;
    } else if (result < 0 && set->error == 0
               && ((flags & ASYNC_ONE_) == 0 || set->ended == NULL)
               && ((flags & ASYNC_BUT_CANCELED_) == 0
                   || result != ASYNC_ECANCELED)) {
        set->error = result;
#if ASYNC_DEBUG
        async_trail_passes_(task, set->list.tail == NULL
                                      ? async_this_task_
                                      : ASYNC_TASK_(set->list.tail->next));
#endif
    }
    async_ring_append_(&set->ended, &watch->node);
    set->pending--;
    if (async_waiters_met_(set) || (flags & ASYNC_NEXT_) != 0) {
        (void)async_wake_one_(&set->list, 0);
    }
}

ASYNC_API void async_waiters_leave_(async_wait_set *set, async_waiter *waiters,
                                    int n)
{
    int i;

    for (i = 0; i < n; i++) {
        async_node *node = &waiters[i].watch.node;

        if (node->state == ASYNC_WATCH_ && waiters[i].set == set) {
            async_ring_remove_(&waiters[i].task->joiners, node);
            node->state = ASYNC_IDLE_;
            set->pending--;
        }
    }
    set->ended = NULL;
    set->flags = 0;
}

/* May the set be used with these waiters? Not in the middle of an operation,
 * and not while it watches tasks by others. */
static int async_waiters_check_(const async_wait_set *set,
                                const async_waiter *waiters, int n)
{
    int mine = 0;
    int i;

    if (set == NULL || n < 0 || (waiters == NULL && n != 0)) {
        return ASYNC_EINVAL;
    }
    for (i = 0; i < n; i++) {
        mine += waiters[i].watch.node.state == ASYNC_WATCH_
             && waiters[i].set == set;
    }
    return (set->flags & ASYNC_WAITED_) != 0
           || ((set->flags & ASYNC_NEXT_) != 0 && mine != set->pending)
        ? ASYNC_EBUSY : 0;
}

ASYNC_API int async_waiters_open_(async_wait_set *set, async_waiter *waiters,
                                  int n, int until, unsigned flags)
{
    int rc = async_waiters_check_(set, waiters, n);
    int i;

    for (i = 0; i < n && rc == 0; i++) {
        const async_task *task = waiters[i].task;

        if (task == NULL || async_state_(task) == ASYNC_IDLE_) {
            rc = ASYNC_EINVAL;
        } else if (task == async_this_task_) {
            rc = ASYNC_EDEADLK;
        } else if (waiters[i].watch.node.state == ASYNC_WATCH_
                   && waiters[i].set != set) {
            rc = ASYNC_EBUSY;
        }
    }
    if (rc < 0) {
        return rc;
    }
    async_waiters_leave_(set, waiters, n);
    set->pending = n;
    set->until = until;
    set->error = 0;
    set->flags = (unsigned char)(flags | ASYNC_WAITED_);
    for (i = 0; i < n; i++) {
        waiters[i].set = set;
        (void)async_on_done(waiters[i].task, &waiters[i].watch,
                            async_waiter_ended_);
    }
    return 0;
}

ASYNC_API async_status async_wait(async_wait_set *set, async_waiter *waiters,
                                  int n, int mode)
{
    async_task *task = async_self_();

    if (async_anew_(task)) {
        int rc = n <= 0 || mode < ASYNC_ALL_COMPLETED
                     || mode > ASYNC_FIRST_EXCEPTION
            ? ASYNC_EINVAL
            : async_waiters_open_(set, waiters, n,
                                  mode == ASYNC_FIRST_COMPLETED ? n - 1 : 0,
                                  mode == ASYNC_FIRST_EXCEPTION
                                      ? ASYNC_ON_ERROR_ | ASYNC_BUT_CANCELED_
                                      : 0);

        if (rc < 0) {
            return rc;
        }
    }
    if (async_waiters_met_(set)) {
        int done = n - set->pending;

        async_waiters_leave_(set, waiters, n);
        return async_settle_(task, done);
    }
    if (ASYNC_STRUCK_P_(task)) {
        async_waiters_leave_(set, waiters, n);
        return async_deliver_(task);
    }
    ASYNC_WAITS_("async_wait", set);
    return async_park_(&set->list);
}

ASYNC_API async_status async_next_done(async_wait_set *set,
                                       async_waiter *waiters, int n)
{
    async_task *task = async_self_();
    async_node *node;

    if (async_anew_(task)) {
        if (set == NULL || (set->flags & ASYNC_NEXT_) == 0) {
            int rc = async_waiters_open_(set, waiters, n, 0, ASYNC_NEXT_);

            if (rc < 0) {
                return rc;
            }
        } else if ((set->flags & ASYNC_WAITED_) != 0) {
            return ASYNC_EBUSY;
        }
    }
    node = async_ring_pop_(&set->ended);
    if (node == NULL && set->pending != 0 && !ASYNC_STRUCK_P_(task)) {
        set->flags |= ASYNC_WAITED_;
        ASYNC_WAITS_("async_next_done", set);
        return async_park_(&set->list);
    }
    set->flags = ASYNC_NEXT_;
    if (node != NULL) {
        return async_settle_(task, (int)((async_waiter *)(void *)node
                                         - waiters));
    }
    if (set->pending != 0) {
        return async_deliver_(task);
    }
    set->flags = 0;
    return async_settle_(task, ASYNC_ENOENT);
}

ASYNC_API int async_wait_close(async_wait_set *set, async_waiter *waiters,
                               int n)
{
    int rc = async_waiters_check_(set, waiters, n);

    if (rc == 0) {
        async_waiters_leave_(set, waiters, n);
    }
    return rc;
}

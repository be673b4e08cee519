/* ===========================================================================
 * gather: waiting for several tasks at once, and answering for them.
 * ======================================================================== */
#include "gather.h"

static void async_cancel_rest_(async_waiter *waiters, int n)
{
    int i;

    for (i = 0; i < n; i++) {
        if (waiters[i].watch.node.state == ASYNC_WATCH_) {
            async_cancel(waiters[i].task);
        }
    }
}

/* True when all have ended; *rc is then the error, or how many failed. */
static bool async_gathered_(async_wait_set *set, async_waiter *waiters, int n,
                            int until, unsigned flags, async_status *rc)
{
    async_task *task = async_self_();
    async_mark_ *state = &task->timer.node.state;

    if (async_anew_(task)) {
        *state &= (async_mark_)~(unsigned)ASYNC_FORWARDED_;
        *rc = async_waiters_open_(set, waiters, n, until, flags);
        if (*rc < 0) {
            return true;
        }
    }
    if (set->pending != 0) {
        if (async_waiters_met_(set)) {          /* decided: now for the rest */
            set->until = 0;
            set->flags &= (unsigned char)~(unsigned)ASYNC_ON_ERROR_;
            if ((*state & ASYNC_FORWARDED_) == 0) {     /* or struck by that */
                async_cancel_rest_(waiters, n);
            }
        }
        if ((*state & (ASYNC_STRIKE_ | ASYNC_FORWARDED_)) == ASYNC_STRIKE_) {
            *state |= ASYNC_FORWARDED_;
            set->flags &= (unsigned char)~(unsigned)ASYNC_ENDED_CANCELED_;
            async_cancel_rest_(waiters, n);
        }
        *rc = async_park_(&set->list);
        return false;
    }
    /* Struck, and the outcome is a cancel, passed on or not: they go together,
     * as in async_join. */
    *rc = set->error;
    if (ASYNC_STRUCK_P_(task)
        && (*rc == ASYNC_ECANCELED
            || ((*state & ASYNC_FORWARDED_) != 0
                && (set->flags & ASYNC_ENDED_CANCELED_) != 0))) {
        *rc = async_deliver_(task);
    }
    *state &= (async_mark_)~(unsigned)ASYNC_FORWARDED_;
    async_set_state_(task, ASYNC_RUNNING_);
    set->flags = 0;
    return true;
}

ASYNC_API async_status async_gather(async_wait_set *set, async_waiter *waiters,
                                    int n)
{
    async_status rc;

    if (!async_gathered_(set, waiters, n, 0, ASYNC_ON_ERROR_, &rc)) {
        ASYNC_WAITS_("async_gather", set);
    }
    return rc;
}

ASYNC_API async_status async_gather_all(async_wait_set *set,
                                        async_waiter *waiters, int n)
{
    async_status rc;

    if (!async_gathered_(set, waiters, n, 0, ASYNC_COUNT_, &rc)) {
        ASYNC_WAITS_("async_gather_all", set);
    }
    return rc;
}

ASYNC_API async_status async_race(async_wait_set *set, async_waiter *waiters,
                                  int n)
{
    async_status rc;

    if (n == 0) {
        return ASYNC_EINVAL;
    }
    if (!async_gathered_(set, waiters, n, n - 1, ASYNC_ONE_, &rc)) {
        ASYNC_WAITS_("async_race", set);
    } else if (rc == 0) {
        rc = (int)((async_waiter *)(void *)set->ended->next - waiters);
    }
    return rc;
}

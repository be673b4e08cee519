/* ===========================================================================
 * join: waiting for the end of another task.
 * ======================================================================== */
#include "loop.h"
#include "debug.h"

#if ASYNC_DEBUG
static void async_join_check_(const char *operation, const async_task *target)
{
    if (async_state_(async_this_task_) == ASYNC_RUNNING_ && target != NULL
        && async_state_(target) > ASYNC_DONE_
        && target->loop != async_this_loop_) {
        async_debug_misuse_(operation, "the task is another loop's");
    }
}
#else
#define async_join_check_(operation, target) ((void)0)
#endif

/* Would `target`, by what it joins, and that joins, wait for `task`? */
static bool async_joins_(const async_task *target, const async_task *task)
{
    while (target != task && async_state_(target) == ASYNC_JOINING_) {
        target = (const async_task *)(const void *)
            ((const char *)target->timer.u.ring
             - offsetof(async_task, joiners));
    }
    return target == task;
}

/* What both kinds of join have in common. True when it is over, with *rc. */
static bool async_joined_(async_task *task, async_task *target,
                          async_status *rc)
{
    if (async_granted_(task)) {
        *rc = task->timer.u.result;
    } else if (target == NULL || async_state_(target) == ASYNC_IDLE_) {
        *rc = ASYNC_EINVAL;
    } else if (async_joins_(target, task)) {
        *rc = ASYNC_EDEADLK;
    } else if (async_state_(target) == ASYNC_DONE_) {
#if ASYNC_DEBUG
        async_trail_taken_(target, ASYNC_BY_JOIN_);
#endif
        *rc = target->timer.u.result;
    } else {
        return false;
    }
    async_set_state_(task, ASYNC_RUNNING_);
    return true;
}

/* It has not ended, and does not itself join another. */
static bool async_runs_(const async_task *target)
{
    async_mark_ state = async_state_(target);

    return state > ASYNC_DONE_ && state != ASYNC_JOINING_;
}

static async_status async_join_(async_task *target)
{
    ASYNC_WAITS_("async_join", target);
    ASYNC_HOOK_(async_this_loop_, tell, async_tell_);
    return async_link_(&target->joiners, ASYNC_JOINING_);
}

/* Whatever is not usual: apart, so that the usual needs no stack. */
ASYNC_APART_ async_status async_join_any_(async_task *task,
                                          async_task *target)
{
    async_mark_ *state = &task->timer.node.state;
    async_status rc;

    if (async_state_(task) == ASYNC_RUNNING_) {     /* passed on elsewhere */
        *state = (async_mark_)(*state & ~(unsigned)ASYNC_FORWARDED_);
    }
    if (async_joined_(task, target, &rc)) {
        *state = (async_mark_)(*state & ~(unsigned)ASYNC_FORWARDED_);
        /* Struck, and the task ended cancelled: they go together, whether the
         * strike was passed on or somebody struck both. */
        return rc == ASYNC_ECANCELED && ASYNC_STRUCK_P_(task)
            ? async_deliver_(task) : rc;
    }
    if ((*state & (ASYNC_STRIKE_ | ASYNC_FORWARDED_)) == ASYNC_STRIKE_) {
        *state = (async_mark_)(*state | ASYNC_FORWARDED_);
        async_cancel(target);
    }
    return async_join_(target);
}

ASYNC_API async_status async_join(async_task *target)
{
    async_task *task = async_self_();
    async_mark_ *state = &task->timer.node.state;

    async_join_check_("async_join", target);
    if (ASYNC_LIKELY_(*state == ASYNC_READY_)) {    /* the usual end */
        *state = ASYNC_RUNNING_;
        return task->timer.u.result;
    }
    if (ASYNC_LIKELY_(*state == ASYNC_RUNNING_ && target != NULL
                      && target != task && async_runs_(target))) {
        return async_join_(target);                 /* the usual beginning */
    }
    return async_join_any_(task, target);
}

ASYNC_API async_status async_shield(async_task *target)
{
    async_task *task = async_self_();
    async_status rc;

    async_join_check_("async_shield", target);
    if (async_joined_(task, target, &rc)) {
        return rc;
    }
    if (ASYNC_STRUCK_P_(task)) {
        return async_deliver_(task);
    }
    ASYNC_WAITS_("async_shield", target);
    ASYNC_HOOK_(async_this_loop_, tell, async_tell_);
    return async_link_(&target->joiners, ASYNC_JOINING_);
}

/* ===========================================================================
 * group: tasks that cannot outlive a block.
 * ======================================================================== */
#include "group.h"
#include "debug.h"

static async_member *async_member_(async_node *node)
{
    return (async_member *)(void *)
        ((char *)(void *)node - offsetof(async_member, node));
}

/* Strike every child, but when the loop itself closes, those which it has
 * struck already: that would interrupt their cleanup. */
static int async_group_strike_(async_group *group, bool closing)
{
    async_node *node = group->members;
    int count = 0;

    if (node == NULL) {
        return 0;
    }
    do {
        async_task *task;

        node = node->next;
        task = &async_member_(node)->task;
#if ASYNC_HOSTED
        if (closing && task->timer.node.round != async_this_loop_->round) {
            continue;
        }
#else
        (void)closing;
        if (ASYNC_USED_(closing) && async_this_loop_->closing
            && (task->timer.node.state & ASYNC_CANCELED_) != 0) {
            continue;
        }
#endif
        count += async_cancel(task);
    } while (node != group->members);
    return count;
}

/* The first thing to go wrong: nothing new may begin. */
static void async_group_close_(async_group *group, bool closing)
{
    if ((group->flags & ASYNC_GROUP_CLOSING_) == 0) {
        group->flags |= ASYNC_GROUP_CLOSING_;
        (void)async_group_strike_(group, closing);
    }
}

static void async_member_ended_(async_watch *watch, async_task *task)
{
    async_member *member = (async_member *)(void *)watch;
    async_group *group = member->group;
    int result = task->timer.u.result;

    async_ring_remove_(&group->members, &member->node);
    if (result < 0 && result != ASYNC_ECANCELED) {
        bool closes = (group->flags & ASYNC_GROUP_CLOSING_) == 0;

        if (group->error == 0) {
            group->error = result;
#if ASYNC_DEBUG
            async_trail_passes_(task, group->owner);
#endif
        }
        async_group_close_(group, false);
        if (closes && group->scope.task != NULL) {  /* the block, too */
            async_scope_strike_(&group->scope);
        }
    }
    while (group->members == NULL && async_wake_one_(&group->joiners, 0)) {
    }
}

ASYNC_API int async_group_spawn_(async_group *group, async_member *member,
                                 async_fn fn, void *frame
#if ASYNC_NAMED_
                                 , const char *name, const char *file, int line
#endif
                                 )
{
    int rc;

    if (group == NULL || member == NULL) {
        return ASYNC_EINVAL;
    }
    if (group->flags != ASYNC_GROUP_OPEN_) {
        return ASYNC_ESHUTDOWN;
    }
    rc = async_spawn_(&member->task, fn, frame
#if ASYNC_NAMED_
                      , name, file, line
#endif
                      );
    if (rc < 0) {
        return rc;
    }
    member->group = group;
    async_ring_append_(&group->members, &member->node);
    return async_on_done(&member->task, &member->watch, async_member_ended_);
}

ASYNC_API int async_group_cancel(async_group *group)
{
    return group == NULL ? ASYNC_EINVAL : async_group_strike_(group, false);
}

ASYNC_API async_status async_group_join(async_group *group)
{
    async_task *task = async_self_();
    async_node *node;

    if (async_granted_(task)) {
        return 0;
    }
    if (group == NULL) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    node = group->members;
    if (node == NULL) {
        return async_settle_(task, 0);
    }
    do {
        node = node->next;
        if (&async_member_(node)->task == task) {
            return async_settle_(task, ASYNC_EDEADLK);
        }
    } while (node != group->members);
    ASYNC_WAITS_("async_group_join", group);
    return async_wait_(&group->joiners);
}

/* ---- the block ----------------------------------------------------------- */

ASYNC_API async_status async_group_enter_(async_group *group)
{
#if ASYNC_DEBUG
    async_task *task = async_self_in_("ASYNC_GROUP_BEGIN");
#else
    async_task *task = async_self_();
#endif

    if (group == NULL) {
        return ASYNC_EINVAL;
    }
    if ((group->flags & ASYNC_GROUP_OPEN_) != 0) {
        return ASYNC_EBUSY;
    }
    group->joiners.tail = NULL;
    group->members = NULL;
    group->error = 0;
    group->flags = ASYNC_GROUP_OPEN_;
#if ASYNC_DEBUG
    group->owner = task;
#endif
    async_scope_enter_(&group->scope, task);
    return 0;
}

ASYNC_API void async_group_leave_(async_group *group, async_status rc)
{
    async_task *task = group->scope.task;
    bool closing = false;

#if ASYNC_DEBUG
    if (task->scopes != &group->scope) {
        async_debug_misuse_("a group", "left before a scope inside it");
    }
#endif
#if ASYNC_HOSTED
    closing = async_this_loop_->left != 0
        && (task->timer.node.state & ASYNC_CANCELED_) != 0;
#endif
    rc = async_scope_leave_(&group->scope, rc, group->error);
    if (rc >= ASYNC_CANCEL && rc < 0) {
        if (rc != ASYNC_CANCEL && group->error == 0) {
            group->error = rc;
        }
        async_group_close_(group, closing);
    }
    group->outcome = rc;
    task->timer.node.state &= (async_mark_)~(unsigned)ASYNC_FORWARDED_;
}

ASYNC_API async_status async_group_end_(async_group *group)
{
    async_task *task = async_self_();
    async_mark_ *state = &task->timer.node.state;
    async_status rc = group->outcome == ASYNC_CANCEL ? ASYNC_CANCEL
                                                     : group->error;

    (void)async_granted_(task);
    if (group->members != NULL) {
        if (ASYNC_STRUCK_P_(task)) {
            group->flags |= ASYNC_GROUP_CLOSING_;
            if ((*state & ASYNC_FORWARDED_) == 0) {
                *state |= ASYNC_FORWARDED_;     /* a second time, perhaps */
                (void)async_group_strike_(group, false);
            }
        }
        ASYNC_WAITS_("the end of a group", group);
        return async_park_(&group->joiners);
    }
    group->flags &= (unsigned char)~(unsigned)ASYNC_GROUP_OPEN_;
    if ((*state & (ASYNC_STRIKE_ | ASYNC_FORWARDED_))
        == (ASYNC_STRIKE_ | ASYNC_FORWARDED_)) {
        return async_deliver_(task);        /* it wins over any error */
    }
    *state &= (async_mark_)~(unsigned)ASYNC_FORWARDED_;
    return async_settle_(task, rc);
}

#pragma once
#include "scope.h"
#include "try.h"
/* ===========================================================================
 * group: tasks that cannot outlive a block. No set of independent background
 * tasks: that is pool.h.
 *
 *     struct program {
 *         async_frame frame;
 *         async_group group;
 *         struct job { async_frame frame; async_member member; } job[3];
 *         int i;
 *     };
 *
 *     ASYNC_GROUP_BEGIN(&self->group) {
 *         for (self->i = 0; self->i < 3; self->i++) {
 *             async_group_spawn(&self->group, &self->job[self->i].member,
 *                               job, &self->job[self->i]);
 *         }
 *         ...
 *     } ASYNC_GROUP_END;                  waits until the last one has ended
 *
 * The first error, of a child or of the block, closes the group: the other
 * children are cancelled, and so is the block, if it is still under way. When
 * all have ended, that error is raised at the block's end; what became of the
 * others, async_result tells. A child that ends with ASYNC_ECANCELED is no
 * error.
 *
 * A cancel or a deadline from outside that strikes the block, or its waiting
 * for the children, closes the group likewise. It wins over any error, and
 * leaves the block when all have ended. The group is a scope, as a timeout is:
 * scope.h tells how they go together.
 * ======================================================================== */

/* A child: its task and its place in the group. Put one into the child's
 * struct; zeroed or finished memory. `task` may be joined, cancelled, and
 * asked for its result; async_spawn would start it without the group, whose
 * end would not wait for it. */
typedef struct async_member {
    async_watch watch;
    async_node node;            /* in the ring of the group's members */
    struct async_group *group;
    async_task task;
} async_member;

/* Zeroed memory is a group; so is one whose block was left. */
typedef struct async_group {
    async_scope_ scope;
    async_list joiners;
    async_node *members;        /* a ring of those that run */
    int error;                  /* the first */
    int outcome;                /* of the block, while its end is awaited */
    unsigned char flags;
#if ASYNC_DEBUG
    async_task *owner;
#endif
} async_group;

enum {
    ASYNC_GROUP_OPEN_ = 1,      /* its block was entered, and has not ended */
    ASYNC_GROUP_CLOSING_ = 2
};

/* The block. It stands where a { } may stand. `break`, `continue` and
 * ASYNC_RETURN leave it as they leave an ASYNC_TRY, after the children have
 * ended; an error of these replaces them. Task only. ASYNC_EINVAL for NULL and
 * ASYNC_EBUSY for a group whose block is under way are raised before it.
 * Closing it costs O(n), the rest is O(1). */
#define ASYNC_GROUP_BEGIN(group) \
    { \
    ASYNC_AWAIT(async_group_enter_(group)); \
    ASYNC_SCOPE_OPEN_ \
    for (async_flow_ = 0;;) { \
        if (async_flow_ == ASYNC_LEFT_) { \
            async_flow_ = 0; \
            async_group_leave_((group), async_rc_); \
            ASYNC_CALL_(2, async_group_end_(group)) \
            if (async_rc_ < 0) { ASYNC_LEAVE_(async_outer_); } \
            async_rc_ = (group)->outcome; \
            ASYNC_SCOPE_LEAVE_ \
        } \
        ASYNC_SCOPE_BODY_
#define ASYNC_GROUP_END ASYNC_SCOPE_END_

/* async_group_spawn(group, member, fn, frame): start fn(frame) as a child; as
 * async_spawn does. 0, or ASYNC_ESHUTDOWN when the group closes or its block
 * was not entered or has ended, ASYNC_EINVAL for NULL, ASYNC_EALREADY when the
 * member runs already. From the block, from its children, from any task or
 * callback of the loop. O(1).
 *
 * After ASYNC_ESHUTDOWN nothing was started: what was taken for the child is
 * the caller's to give back. Then the caller may go on or raise it, by
 * AWAIT(async_group_spawn(...)): what closed the group came first, and that is
 * what the block's end raises. */
#if ASYNC_NAMED_
#define async_group_spawn(group, member, fn, frame) \
    async_group_spawn_((group), (member), ASYNC_ENTRY_(fn, frame), (frame), \
                       #fn, __FILE__, __LINE__)
#else
#define async_group_spawn(group, member, fn, frame) \
    async_group_spawn_((group), (member), ASYNC_ENTRY_(fn, frame), (frame))
#endif
#define async_group_spawn_ ASYNC_ABI_(async_group_spawn)
ASYNC_API int async_group_spawn_(async_group *group, async_member *member,
                                 async_fn fn, void *frame
#if ASYNC_NAMED_
                                 , const char *name, const char *file, int line
#endif
);

#define async_group_join ASYNC_ABI_(async_group_join)
#define async_group_cancel ASYNC_ABI_(async_group_cancel)
#define async_group_enter_ ASYNC_ABI_(async_group_enter)
#define async_group_leave_ ASYNC_ABI_(async_group_leave)
#define async_group_end_ ASYNC_ABI_(async_group_end)

/* AWAIT(async_group_join(group)): wait until no child runs, and go on in the
 * block; for work in several steps. The end of the block does it by itself.
 * Any task may call it. A struck one leaves, the children go on.
 * ASYNC_EINVAL for NULL, ASYNC_EDEADLK for a child of the group. */
ASYNC_API ASYNC async_group_join(async_group *group);

/* Strike every child that runs, as async_cancel does, without closing the
 * group: the work is done, and the helpers may go. How many there were, or
 * ASYNC_EINVAL for NULL. Task or callback of the loop. O(n). */
ASYNC_API int async_group_cancel(async_group *group);

/* Has the group closed since its block was entered: because of an error, or
 * of a cancel from outside? False for NULL. */
ASYNC_INLINE_ bool async_group_closing(const async_group *group)
{
    return group != NULL && (group->flags & ASYNC_GROUP_CLOSING_) != 0;
}

/* ---- for the block ------------------------------------------------------- */

ASYNC_API ASYNC async_group_enter_(async_group *group);

/* rc: how the block ended, in-flight codes included. */
ASYNC_API void async_group_leave_(async_group *group, async_status rc);

/* Wait for the children; 0 when the outcome may go on. */
ASYNC_API ASYNC async_group_end_(async_group *group);

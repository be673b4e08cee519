/* ===========================================================================
 * task: parking and waking tasks, striking them, spawning and finishing them.
 * ======================================================================== */
#include "loop.h"
#include "scope.h"
#include "sleep.h"
#include "port.h"
#include "debug.h"

#if !defined ASYNC_STATIC && ASYNC_HOSTED
ASYNC_THREAD async_loop *async_this_loop_;
ASYNC_THREAD async_task *async_this_task_;
#elif !defined ASYNC_STATIC
ASYNC_THREAD async_this_type_ async_this_;
#endif

/* ---- parking and waking -------------------------------------------------- */

ASYNC_API async_status async_park_(async_list *list)
{
    async_task *task = async_this_task_;

    if (list->tail == NULL) {       /* now the loop must be able to find it */
        list->next = async_this_loop_->lists;
#if ASYNC_BACKLINKS
        list->back = &async_this_loop_->lists;
        if (list->next != NULL) {
            list->next->back = &list->next;
        }
#endif
        async_this_loop_->lists = list;
    }
    ASYNC_USE_(parks);
    ASYNC_HOOK_(async_this_loop_, unpark, async_unpark_);
    task->timer.u.ring = &list->tail;
    async_ring_append_(&list->tail, &task->timer.node);
    async_set_state_(task, ASYNC_WAITING_);
    ASYNC_LEAF_(task);
    return ASYNC_PENDING;
}

/* The last waiter has left: the loop forgets the list, whose memory may go. */
static void async_list_is_empty_(async_list *list)
{
#if ASYNC_BACKLINKS
    *list->back = list->next;
    if (list->next != NULL) {
        list->next->back = list->back;
    }
#else
    async_list **at = &async_this_loop_->lists;

    while (*at != list) {
        at = &(*at)->next;
    }
    *at = list->next;
#endif
}

/* Take a parked task out of its ring. */
ASYNC_API void async_unpark_(async_task *task)
{
    async_node **ring = task->timer.u.ring;

    async_ring_remove_(ring, &task->timer.node);
    if (async_state_(task) == ASYNC_WAITING_ && *ring == NULL) {
        async_list_is_empty_((async_list *)(void *)ring);
    }
}

ASYNC_API bool async_wake_one_(async_list *list, int result)
{
    async_node *node = async_ring_pop_(&list->tail);

    if (node == NULL) {
        return false;
    }
    if (list->tail == NULL) {
        async_list_is_empty_(list);
    }
    async_wake_(ASYNC_TASK_(node), result);
    return true;
}

ASYNC_API async_status async_wait_(async_list *list)
{
    async_task *task = async_self_();

    return ASYNC_OVER_P_(task) ? ASYNC_OVER_(task) : async_park_(list);
}

/* ---- strikes ------------------------------------------------------------- */

ASYNC_API void async_strike_(async_task *task)
{
    async_mark_ becomes = ASYNC_STRUCK_;

    if (ASYNC_UP_TO_(task, ASYNC_STRUCK_)
        || (ASYNC_USED_(parks) && !ASYNC_UP_TO_(task, ASYNC_SLEEPING_))) {
        return;                         /* it is not parked, or deaf */
    }
    if (!ASYNC_USED_(parks) || !ASYNC_UP_TO_(task, ASYNC_JOINING_)) {
        async_ticks now;

        async_timer_remove_(&task->timer);
        now = ASYNC_CLOCK_();
        if ((async_duration)(now - task->timer.u.deadline) >= 0) {
            becomes = ASYNC_READY_;     /* its time has come as well */
        }
    } else if (ASYNC_USED_(unpark) && task->timer.u.ring != NULL) {
        ASYNC_HOOKED_(async_this_loop_, unpark, async_unpark_)(task);
    }
    async_ready_as_(task, 0, becomes);
}

ASYNC_API int async_cancel_sure_(async_task *task)
{
    async_node *node;

    if (ASYNC_UP_TO_(task, ASYNC_DONE_)) {
        return 0;
    }
#if ASYNC_DEBUG
    if (task->loop != async_this_loop_) {
        async_debug_misuse_("async_cancel", "the task is another loop's");
    }
#endif
    node = &task->timer.node;
    if ((node->state & ASYNC_PENDING_) != 0) {
        return 1;                       /* it hangs over the task already */
    }
    ASYNC_USE_(strikes);
    node->state = (async_mark_)
        ((node->state | ASYNC_STRIKE_ | ASYNC_PENDING_ | ASYNC_CANCELED_)
         & ~(unsigned)ASYNC_FORWARDED_);
    async_strike_(task);
    return 1;
}

ASYNC_API int async_cancel_(async_task *task)
{
    return task != NULL ? async_cancel_sure_(task) : ASYNC_EINVAL;
}

ASYNC_API async_status async_deliver_(async_task *task)
{
    async_scope_ *scope;

    task->timer.node.state = (async_mark_)
        ((task->timer.node.state & ASYNC_CANCELED_) | ASYNC_RUNNING_);
    for (scope = task->scopes; ASYNC_USED_(scopes) && scope != NULL;
         scope = scope->up) {
        if ((scope->fired & ASYNC_FIRED_) != 0) {
            scope->fired++;         /* ASYNC_DELIVERED_ */
        }
    }
    return ASYNC_CANCEL;
}

ASYNC_API async_status async_yield_(void)
{
    async_task *task = async_self_();

    if (ASYNC_OVER_P_(task)) {
        return async_over_(task);
    }
    async_set_yielded_(task);
    return ASYNC_PENDING;
}

ASYNC_API async_status async_poll(void)
{
    async_task *task = async_this_task_;

    if (task != NULL) {
        if (ASYNC_STRUCK_P_(task)) {
            return async_deliver_(task);
        }
        async_set_state_(task, ASYNC_RUNNING_);     /* not parked: it polls */
    }
    return ASYNC_PENDING;
}

/* ---- the life of a task -------------------------------------------------- */

/* What a new task runs first; so the loop need not ask whether it is new. */
static async_status async_begin_(void *frame)
{
    async_task *task = async_this_task_;

    if (ASYNC_STRUCK_P_(task)) {        /* cancelled before it began */
        return ASYNC_CANCEL;
    }
    task->fn = task->timer.u.entry;
    task->timer.node.state = ASYNC_RUNNING_;
    return task->fn(frame);
}

ASYNC_API ASYNC_ONCE_ int async_spawn_sure_(async_task *task, async_fn fn,
                                            void *frame
                                            ASYNC_NAME_PARAMETERS_)
{
    async_loop *loop = async_this_loop_;

    if (loop == NULL) {
        return ASYNC_EPERM;
    }
    if (!ASYNC_UP_TO_(task, ASYNC_DONE_)) {
#if ASYNC_DEBUG
        async_debug_spawned_twice_(task, name, file, line);
#endif
        return ASYNC_EALREADY;
    }
    task->fn = async_begin_;
    task->timer.u.entry = fn;
    task->frame = frame;
    task->timer.node.state = ASYNC_NEW_;
#if ASYNC_HOSTED
    task->timer.node.round = loop->round;
#endif
#if ASYNC_DEBUG
    async_debug_spawn_(loop, task);
#endif
    ASYNC_NAMES_(task, name, file, line);
    ASYNC_TRACE_(loop, task, SPAWN);
    loop->alive++;
    return ASYNC_APPEND_(loop, task);
}

ASYNC_API ASYNC_FLAT_ int async_spawn_(async_task *task, async_fn fn,
                                       void *frame ASYNC_NAME_PARAMETERS_)
{
    return task != NULL && fn != NULL
        ? async_spawn_sure_(task, fn, frame ASYNC_NAME_ARGUMENTS_)
        : ASYNC_EINVAL;
}

ASYNC_API int async_loop_spawn_(async_loop *loop, async_task *task, async_fn fn,
                                void *frame ASYNC_NAME_PARAMETERS_)
{
    async_loop *before = async_loop_use(loop);
    int rc = async_spawn_(task, fn, frame ASYNC_NAME_ARGUMENTS_);

    (void)async_loop_use(before);
    return rc;
}

/* The joiners get the result by value, and the callbacks come last: so one of
 * those may free the task. */
ASYNC_API void async_tell_(async_task *task, int result)
{
    async_node *ring = task->joiners;
    async_node *watches = NULL;
    async_node *node;

    task->joiners = NULL;
    while ((node = async_ring_pop_(&ring)) != NULL) {
        if (node->state == ASYNC_WATCH_) {
            async_ring_append_(&watches, node);
        } else {
            async_wake_(ASYNC_TASK_(node), result);
        }
    }
    async_this_task_ = NULL;            /* a callback is no task */
    while ((node = async_ring_pop_(&watches)) != NULL) {
        async_watch *watch = (async_watch *)(void *)node;

        node->state = ASYNC_IDLE_;
        watch->fn(watch, task);
    }
}

ASYNC_API bool async_done(const async_task *task)
{
    return task != NULL && async_state_(task) == ASYNC_DONE_;
}

ASYNC_API int async_result(const async_task *task)
{
    if (task == NULL) {
        return ASYNC_EINVAL;
    }
#if ASYNC_DEBUG
    async_trail_taken_(task, ASYNC_BY_RESULT_);
#endif
    return async_state_(task) == ASYNC_DONE_ ? task->timer.u.result
                                             : ASYNC_PENDING;
}

ASYNC_API async_task *async_current(void)
{
    return async_this_task_;
}

ASYNC_API int async_on_done(async_task *task, async_watch *watch,
                            async_watch_fn fn)
{
    if (task == NULL || watch == NULL || fn == NULL
        || async_state_(task) == ASYNC_IDLE_) {
        return ASYNC_EINVAL;
    }
    if (watch->node.state == ASYNC_WATCH_) {
        return ASYNC_EALREADY;
    }
    watch->fn = fn;
    if (async_state_(task) == ASYNC_DONE_) {
#if ASYNC_DEBUG
        async_trail_taken_(task, ASYNC_BY_CALL_);
#endif
        fn(watch, task);
        return 0;
    }
    ASYNC_HOOK_(async_this_loop_, tell, async_tell_);
    watch->node.state = ASYNC_WATCH_;
    async_ring_append_(&task->joiners, &watch->node);
    return 0;
}

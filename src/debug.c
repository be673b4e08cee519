/* ===========================================================================
 * debug: naming what is wrong. Everything here is for debug builds, and for
 * people: a message says which task, where it was spawned, and what it awaits.
 * ======================================================================== */
#include "debug.h"
#include "irq.h"
#include "port.h"
#if ASYNC_DEBUG

ASYNC_API size_t async_say_place_(size_t at, const char *file, int line)
{
    at = async_say_(at, file);
    at = async_say_(at, ":");
    return async_say_number_(at, line);
}

ASYNC_API size_t async_say_task_(size_t at, const char *name, const char *file,
                                 int line)
{
    at = async_say_(at, "task `");
    at = async_say_(at, name);
    at = async_say_(at, "` (spawned at ");
    at = async_say_place_(at, file, line);
    return async_say_(at, ")");
}

/* "main.c:34: task `worker` (spawned at main.c:12): what" */
static void async_fatal_(const char *what, const async_task *task,
                         const char *file, int line)
{
    size_t at = 0;

    if (file != NULL) {
        at = async_say_place_(at, file, line);
        at = async_say_(at, ": ");
    }
    at = async_say_task_(at, task->name, task->file, task->line);
    at = async_say_(at, ": ");
    (void)async_say_(at, what);
    ASYNC_TRAP(async_said_());
}

ASYNC_API void async_debug_spawned_twice_(const async_task *task,
                                          const char *name, const char *file,
                                          int line)
{
    (void)name;
    async_fatal_("it is spawned again, but has not ended (or its memory is "
                 "not zeroed)", task, file, line);
}

ASYNC_API void async_debug_spawn_(async_loop *loop, async_task *task)
{
    async_trail_spawned_(task);
    task->leaf = NULL;
    task->loop = loop;
    task->all_prev = NULL;
    task->all_next = loop->all;
    if (loop->all != NULL) {
        loop->all->all_prev = task;
    }
    loop->all = task;
}

/* What the entry returned ends the task. Then nothing may be under way. */
ASYNC_API void async_debug_returned_(const async_task *task)
{
    async_mark_ state = async_state_(task);

    if ((state >= ASYNC_WAITING_ && state <= ASYNC_DEAF_)
        || state == ASYNC_YIELDED_) {
        async_fatal_("it ends while an operation is under way that was started "
                     "but not awaited", task, NULL, 0);
    }
    if (task->scopes != NULL) {
        async_fatal_("it ends inside a timeout or group", task, NULL, 0);
    }
}

ASYNC_API void async_debug_finish_(async_loop *loop, async_task *task)
{
    async_trail_ends_(loop, task);
    if (task->all_prev != NULL) {
        task->all_prev->all_next = task->all_next;
    } else {
        loop->all = task->all_next;
    }
    if (task->all_next != NULL) {
        task->all_next->all_prev = task->all_prev;
    }
}

/* Does a waiter or done callback for it stand in this memory? */
static bool async_watched_from_(const async_task *task, const char *from,
                                size_t size)
{
    const async_node *node = task->joiners;

    if (node == NULL) {
        return false;
    }
    do {
        const char *at = (const char *)(const void *)node;

        if (node->state == ASYNC_WATCH_ && at >= from && at < from + size) {
            return true;
        }
        node = node->next;
    } while (node != task->joiners);
    return false;
}

/* A coroutine ends: is there a task in its memory, or one whose frame is, or
 * something that such a task will touch when it ends? */
ASYNC_API void async_frame_ends_(const void *memory, size_t size)
{
    const char *from = (const char *)memory;
    const async_task *task;

    /* The loop's main task is an exception: whoever runs the loop keeps its
     * memory, and async_run cancels what is left in it. */
    if (async_this_loop_ == NULL || async_this_task_ == NULL
        || (async_this_task_ == async_this_loop_->until
            && async_this_task_->frame == memory)) {
        return;
    }
    for (task = async_this_loop_->all; task != NULL; task = task->all_next) {
        const char *at = (const char *)(const void *)task;
        const char *frame = (const char *)task->frame;

        if (task == async_this_task_) {
            continue;
        }
        if ((at >= from && at < from + size)
            || (frame >= from && frame < from + size)) {
            async_fatal_("it is not done, but the coroutine in whose frame it "
                         "lives ends; join it, or keep it elsewhere", task,
                         NULL, 0);
        }
        if (async_watched_from_(task, from, size)) {
            async_fatal_("a waiter or callback for it stands in the frame of a "
                         "coroutine that ends; see async_wait_close, or keep "
                         "it elsewhere", task, NULL, 0);
        }
    }
    async_trail_memory_(memory, size);
}

ASYNC_API const char *async_debug_task_name_(void)
{
    return async_this_task_ == NULL ? NULL : async_this_task_->name;
}

/* The name as it was written, without the options that ASYNC_ABI_ appends, or
 * the _ of a part of an operation. */
static size_t async_say_operation_(size_t at, const char *name)
{
    char letter[2] = {0, 0};

    while (*name != '\0' && async_past_options_(name) == name
           && !(*name == '_' && async_past_options_(name + 1)[0] == '\0')) {
        letter[0] = *name++;
        at = async_say_(at, letter);
    }
    return at;
}

/* "main.c:34: work: task `work` (spawned at main.c:12): async_sleep: what" */
ASYNC_API void async_debug_misuse_(const char *operation, const char *what)
{
    const async_frame *frame = async_innermost_;
    const async_task *task = async_this_task_;
    size_t at = 0;

    if (frame != NULL) {
        at = async_say_place_(at, frame->file, frame->line);
        at = async_say_(at, ": ");
        at = async_say_(at, frame->function);
        at = async_say_(at, ": ");
    }
    at = task == NULL ? async_say_(at, "no task")
                      : async_say_task_(at, task->name, task->file, task->line);
    at = async_say_(at, ": ");
    at = async_say_operation_(at, operation);
    at = async_say_(at, ": ");
    at = async_say_(at, what);
    if (frame != NULL && task != NULL && task->leaf != NULL
        && task->leaf != frame) {
        at = async_say_(at, " (by ");
        at = async_say_(at, task->leaf->function);
        at = async_say_(at, ", suspended at ");
        at = async_say_place_(at, task->leaf->file, task->leaf->line);
        (void)async_say_(at, ")");
    }
    ASYNC_TRAP(async_said_());
}

/* Between the stack of the innermost coroutine and that of the run there are
 * the locals of coroutines. Those of a function that one of them calls are
 * below, and it will be called again; but a thread does not wait for that. */
ASYNC_API void async_debug_lasts_(const char *operation, const void *memory,
                                  bool thread)
{
    uintptr_t at = (uintptr_t)memory;
    const void *here = ASYNC_STACK_;
    uintptr_t from = (uintptr_t)here;

    if (!thread && async_innermost_ != NULL) {
        from = (uintptr_t)async_innermost_->stack;
    }
    if (from != 0 && at > from
        && at < (uintptr_t)async_this_loop_->stack) {
        async_debug_misuse_(operation, "what it is given is a local variable, "
                            "which is gone when it goes on: it belongs into "
                            "the coroutine's struct");
    }
}

/* ---- who is there, and what does each wait for? -------------------------- */

/* What becomes of a task in that state; it waited, or waits, in `waits`. */
static size_t async_say_state_(size_t at, const async_task *task)
{
    const char *waits = task->waits == NULL ? "nothing" : task->waits;

    switch (async_state_(task)) {
    case ASYNC_IDLE_:
        return async_say_(at, " was never spawned");
    case ASYNC_DONE_:
        return async_say_(at, " is done");
    case ASYNC_NEW_:
        return async_say_(at, " has not run yet");
    case ASYNC_RUNNING_:
        return async_say_(at, task == async_this_task_ ? " runs" : " polls");
    case ASYNC_YIELDED_:
        return async_say_(at, " yields");
    case ASYNC_READY_:
        at = async_say_(at, " is woken from ");
        return async_say_(at, waits);
    case ASYNC_STRUCK_:
        at = async_say_(at, " is struck in ");
        return async_say_(at, waits);
    default:
        at = async_say_(at, " waits in ");
        return async_say_(at, waits);
    }
}

static size_t async_say_chain_(size_t at, const async_frame *frame)
{
    for (; frame != NULL; frame = frame->parent) {
        at = async_say_(at, "\n    in ");
        at = async_say_(at, frame->function);
        at = async_say_(at, ", at ");
        at = async_say_place_(at, frame->file, frame->line);
    }
    return at;
}

/* "task `work` (spawned at a.c:44) waits in async_sleep, for 150 ms
 *     in nap, at a.c:12
 *     in work, at a.c:30" */
static void async_dump_one_(const char *before, const async_task *task)
{
    size_t at = async_say_(0, before);
    unsigned state = async_state_(task);

    at = state == ASYNC_IDLE_
        ? async_say_(at, "task")
        : async_say_task_(at, task->name, task->file, task->line);
    at = async_say_state_(at, task);
    if (state == ASYNC_JOINING_) {
        const async_task *joined = (const async_task *)task->on;

        at = async_say_(at, " for task `");
        at = async_say_(at, joined->name);
        at = async_say_(at, "`");
    }
    if (state >= ASYNC_YIELDED_) {
        uint64_t ms = async_ms_since_(task->since);

        at = async_say_(at, ", for ");
        at = async_say_number_(at, ms < INT_MAX ? (int)ms : INT_MAX);
        at = async_say_(at, " ms");
    }
    if (state > ASYNC_DONE_ && (task->timer.node.state & ASYNC_PENDING_) != 0) {
        at = async_say_(at, ", and a cancel is pending");
    }
    if (state > ASYNC_NEW_) {
        bool runs = state == ASYNC_RUNNING_ && task == async_this_task_;

        at = async_say_chain_(at, runs ? async_innermost_ : task->leaf);
    }
    (void)at;
    ASYNC_WARN(async_said_());
}

/* In the order in which they were spawned. */
static void async_dump_all_(const async_loop *loop)
{
    const async_task *task = loop->all;

    while (task != NULL && task->all_next != NULL) {
        task = task->all_next;
    }
    for (; task != NULL; task = task->all_prev) {
        async_dump_one_("  ", task);
    }
}

ASYNC_API void async_dump_task(const async_task *task)
{
    if (task == NULL) {
        task = async_this_task_;
    }
    if (task == NULL) {
        ASYNC_WARN("async: no task runs");
    } else {
        async_dump_one_("async: ", task);
    }
}

ASYNC_API void async_dump(void)
{
    size_t at;

    if (async_this_loop_ == NULL) {
        ASYNC_WARN("async: no loop is current");
        return;
    }
    at = async_say_(0, "async: tasks: ");
    (void)async_say_number_(at, (int)async_this_loop_->alive);
    ASYNC_WARN(async_said_());
    async_dump_all_(async_this_loop_);
}

ASYNC_API void async_debug_deadlock_(const async_loop *loop)
{
    ASYNC_WARN("async: deadlock: tasks remain, but nothing can wake them");
    async_dump_all_(loop);
}

#endif

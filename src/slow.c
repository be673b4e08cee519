/* ===========================================================================
 * slow: what a debug build sees of each step of a task, from one resume to the
 * next suspension: whether it took too long, since nobody else can run
 * meanwhile; whether a coroutine was begun in it that nobody awaits; and what a
 * coroutine that ends leaves behind. Timed calls are looked at likewise.
 * ======================================================================== */
#include "debug.h"
#include "call.h"
#include "port.h"
#if ASYNC_DEBUG

#if ASYNC_HOSTED
#include <stdio.h>

ASYNC_API void async_warn_(const char *message)
{
    fprintf(stderr, "%s\n", message);
}
#endif

/* A step begins where the last one ended. The frame that was innermost then is
 * still there: its task waits in it. */
ASYNC_API void async_debug_resume_(async_loop *loop, async_task *task)
{
    const async_frame *leaf = task->leaf;

    loop->from_file = leaf == NULL ? NULL : leaf->file;
    loop->from_line = leaf == NULL ? 0 : leaf->line;
    task->leaf = NULL;
    async_innermost_ = NULL;
#if ASYNC_SLOW_MS > 0
    loop->began = ASYNC_CLOCK_();
#endif
}

ASYNC_API uint64_t async_ms_since_(async_ticks began)
{
    async_ticks took = (async_ticks)(ASYNC_CLOCK_() - began);

    return (uint64_t)took * 1000 / ASYNC_TICK_HZ;
}

/* "async: slow step: 150 ms, from a.c:25 to a.c:30, in task `crunch` (spawned
 * at a.c:44)" */
ASYNC_API void async_debug_suspended_(const async_loop *loop, async_task *task)
{
#if ASYNC_SLOW_MS > 0
    uint64_t ms;
    size_t at;
#endif

    task->since = ASYNC_CLOCK_();
#if ASYNC_SLOW_MS > 0
    ms = (uint64_t)(async_ticks)(task->since - loop->began) * 1000
        / ASYNC_TICK_HZ;

    if (ms <= ASYNC_SLOW_MS) {
        return;
    }
    at = async_say_(0, "async: slow step: ");
    at = async_say_number_(at, ms < INT_MAX ? (int)ms : INT_MAX);
    at = async_say_(at, " ms, from ");
    at = loop->from_file == NULL
        ? async_say_(at, "its beginning")
        : async_say_place_(at, loop->from_file, loop->from_line);
    at = async_say_(at, " to ");
    at = task->leaf == NULL
        ? async_say_(at, "its end")
        : async_say_place_(at, task->leaf->file, task->leaf->line);
    at = async_say_(at, ", in ");
    (void)async_say_task_(at, task->name, task->file, task->line);
    ASYNC_WARN(async_said_());
#else
    (void)loop;
#endif
}

/* The same around a timed call, whose memory may be gone when it is over:
 * "async: slow call: 150 ms, in `save` (asked for at a.c:44)" */
ASYNC_API async_step_ async_debug_call_(const char *name, const char *file,
                                        int line)
{
    async_step_ step;

    step.began = ASYNC_SLOW_MS > 0 ? ASYNC_CLOCK_() : 0;
    step.name = name;
    step.file = file;
    step.line = line;
    return step;
}

ASYNC_API void async_debug_called_(const async_step_ *step)
{
#if ASYNC_SLOW_MS > 0
    uint64_t ms = async_ms_since_(step->began);
    size_t at;

    if (ms > ASYNC_SLOW_MS) {
        at = async_say_(0, "async: slow call: ");
        at = async_say_number_(at, ms < INT_MAX ? (int)ms : INT_MAX);
        at = async_say_(at, " ms, in `");
        at = async_say_(at, step->name);
        at = async_say_(at, "` (asked for at ");
        at = async_say_place_(at, step->file, step->line);
        (void)async_say_(at, ")");
        ASYNC_WARN(async_said_());
    }
#else
    (void)step;
#endif
}

/* The first to be suspended in a step is the innermost of its chain. */
ASYNC_API void async_frame_waits_(async_frame *frame)
{
    if (async_this_task_ != NULL && async_this_task_->leaf == NULL) {
        async_this_task_->leaf = frame;
    }
}

/* If a coroutine that it called was suspended in this step, it went on without
 * that one, which will never be resumed. */
static void async_check_dropped_(const async_frame *frame)
{
    const async_frame *leaf = async_this_task_->leaf;
    const async_frame *up = leaf == NULL ? NULL : leaf->parent;

    for (; up != NULL; up = up->parent) {
        if (up == frame) {
            async_misuse_("it was begun, but its caller ends without having "
                          "awaited it: an AWAIT is missing", leaf->file,
                          leaf->line, leaf->function);
            return;
        }
    }
}

/* A coroutine ends, and its memory with it. (That of the loop's main task is
 * kept by whoever runs the loop.) */
ASYNC_API void async_frame_leaves_(const async_frame *frame,
                                   const void *memory, size_t size)
{
    const char *from = (const char *)memory;
    const async_call *call;

    if (async_this_task_ == NULL) {
        return;
    }
    async_check_dropped_(frame);
    if (async_this_task_ == async_this_loop_->until
        && async_this_task_->frame == memory) {
        return;
    }
    for (call = async_this_loop_->calls; call != NULL; call = call->next) {
        const char *at = (const char *)(const void *)call;

        if (at >= from && at < from + size) {
            async_misuse_("it ends, but a call that stands in its frame is "
                          "pending: see async_call_cancel", frame->file,
                          frame->line, frame->function);
            return;
        }
    }
}

#endif

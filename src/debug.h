#pragma once
#include "loop.h"
/* ===========================================================================
 * debug: what a debug build keeps to say what is wrong, and with whom. Not a
 * public part; in a release build it is empty.
 * ======================================================================== */

#if ASYNC_DEBUG

/* What a debug build says and then goes on. */
#ifndef ASYNC_WARN
#if ASYNC_HOSTED
ASYNC_API void async_warn_(const char *message);
#define ASYNC_WARN(message) async_warn_(message)
#else
#define ASYNC_WARN(message) ((void)(message))
#endif
#endif

ASYNC_API void async_debug_spawn_(async_loop *loop, async_task *task);
ASYNC_API void async_debug_spawned_twice_(const async_task *task,
                                          const char *name, const char *file,
                                          int line);
/* Around a timed call, and around each step of a task: see slow.c. */
typedef struct async_step_ {
    async_ticks began;
    const char *name, *file;
    int line;
} async_step_;
ASYNC_API async_step_ async_debug_call_(const char *name, const char *file,
                                        int line);
ASYNC_API void async_debug_called_(const async_step_ *step);
ASYNC_API void async_debug_resume_(async_loop *loop, async_task *task);
ASYNC_API void async_debug_suspended_(const async_loop *loop,
                                      async_task *task);
ASYNC_API void async_debug_returned_(const async_task *task);
ASYNC_API void async_debug_finish_(async_loop *loop, async_task *task);
ASYNC_API void async_debug_deadlock_(const async_loop *loop);

/* "a.c:12", "task `work` (spawned at a.c:12)", as async_say_. */
ASYNC_API size_t async_say_place_(size_t at, const char *file, int line);
ASYNC_API size_t async_say_task_(size_t at, const char *name, const char *file,
                                 int line);
ASYNC_API uint64_t async_ms_since_(async_ticks began);

/* The trail of an error, see trail.c: the task ends in one, or is spawned
 * again; a group or a gather raises the error of a task in its owner; a task of
 * a pool has ended; somebody asks an ended task for its result; the task that
 * the loop ran for has ended, and the loop is closed. */
enum { ASYNC_BY_JOIN_, ASYNC_BY_RESULT_, ASYNC_BY_CALL_ };
ASYNC_API void async_trail_ends_(const async_loop *loop,
                                 const async_task *task);
ASYNC_API void async_trail_spawned_(const async_task *task);
ASYNC_API void async_trail_passes_(const async_task *task, async_task *owner);
ASYNC_API void async_trail_of_pool_(const async_task *task);
ASYNC_API void async_trail_taken_(const async_task *task, int how);
/* A main task that ends in this error is not reported; 0: whichever is. */
ASYNC_API void async_trail_expects_(int error);
ASYNC_API void async_trail_of_main_(const async_loop *loop);
ASYNC_API void async_trail_closes_(const async_loop *loop);
ASYNC_API void async_trail_memory_(const void *memory, size_t size);

#endif

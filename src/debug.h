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

ASYNC_API void async_debug_spawn_(async_loop *loop, async_task *task,
                                  const char *name, const char *file, int line);
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
                                      const async_task *task);
ASYNC_API void async_debug_returned_(const async_task *task);
ASYNC_API void async_debug_finish_(async_loop *loop, async_task *task);
ASYNC_API void async_debug_deadlock_(const async_loop *loop);

#endif

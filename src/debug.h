#pragma once
#include "loop.h"
/* ===========================================================================
 * debug: what a debug build keeps to say what is wrong, and with whom. Not a
 * public part; in a release build it is empty.
 * ======================================================================== */

#if ASYNC_DEBUG

ASYNC_API void async_debug_spawn_(async_loop *loop, async_task *task,
                                  const char *name, const char *file, int line);
ASYNC_API void async_debug_spawned_twice_(const async_task *task,
                                          const char *name, const char *file,
                                          int line);
ASYNC_API void async_debug_resume_(async_task *task);
ASYNC_API void async_debug_returned_(const async_task *task);
ASYNC_API void async_debug_finish_(async_loop *loop, async_task *task);
ASYNC_API void async_debug_deadlock_(const async_loop *loop);

#endif

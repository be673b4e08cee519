/* The parts, in reading order: no part includes one below it in this list.
 * src/join.sh pastes them together into ../async.h, which users copy. */
#ifndef ASYNC_H
#define ASYNC_H
#include "config.h"
#include "status.h"
#include "check.h"
#include "coroutine.h"
#include "try.h"
#include "generator.h"
#ifndef ASYNC_NO_LOOP
#include "ticks.h"
#include "list.h"
#include "task.h"
#include "timer.h"
#include "trace.h"
#include "loop.h"
#include "future.h"
#include "scope.h"
#include "sleep.h"
#include "call.h"
#include "interval.h"
#include "timeout.h"
#include "irq.h"
#include "event.h"
#include "lock.h"
#include "semaphore.h"
#include "condition.h"
#include "barrier.h"
#include "queue.h"
#include "wait.h"
#include "gather.h"
#include "pool.h"
#include "group.h"
#include "record.h"
#if ASYNC_HOSTED
#include "fd.h"
#include "net.h"
#include "stream.h"
#include "server.h"
#include "signals.h"
#include "subprocess.h"
#include "offload.h"
#include "file.h"
#include "resolve.h"
#endif
#include "sim.h"
#include "testing.h"
#endif
#endif /* ASYNC_H */

/* ==== the implementation, in the one file that asks for it ================ */

#if defined ASYNC_IMPLEMENTATION && !defined ASYNC_IMPLEMENTED_
#define ASYNC_IMPLEMENTED_
#include "status.c"
#include "coroutine.c"
#ifndef ASYNC_NO_LOOP
#include "port.h"
#include "debug.h"
#include "timer_list.c"
#include "timer_wheel.c"
#include "task.c"
#include "loop.c"
#include "loop_close.c"
#include "join.c"
#include "future.c"
#include "sleep.c"
#include "call.c"
#include "interval.c"
#include "scope.c"
#include "timeout.c"
#include "irq.c"
#include "event.c"
#include "lock.c"
#include "semaphore.c"
#include "condition.c"
#include "barrier.c"
#include "queue.c"
#include "queue_priority.c"
#include "wait.c"
#include "gather.c"
#include "pool.c"
#include "group.c"
#include "trace.c"
#include "record.c"
#if ASYNC_DEBUG
#include "debug.c"
#include "slow.c"
#include "trail.c"
#endif
#if ASYNC_SIM
#include "sim.c"
#include "testing.c"
#endif
#if ASYNC_HOSTED
#include "port_posix.c"
#include "fd_table.h"
#include "fd_edge.c"
#include "fd_epoll.c"
#include "fd_kqueue.c"
#include "fd_poll.c"
#include "fd_table.c"
#if ASYNC_DEBUG
#include "held.c"
#endif
#include "fd.c"
#include "net.c"
#include "stream.c"
#include "stream_read.c"
#include "server.c"
#include "signals.c"
#include "subprocess_start.c"
#include "subprocess.c"
#include "subprocess_talk.c"
#include "offload.c"
#include "file.c"
#include "resolve.c"
#include "trace_write.h"
#include "trace_write.c"
#include "trace_chrome.c"
#include "trace_svg.c"
#endif
#endif
#endif

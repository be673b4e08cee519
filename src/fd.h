#pragma once
#include "loop.h"
#include "sleep.h"
/* ===========================================================================
 * fd: waiting for file descriptors, and reading and writing them without ever
 * blocking the loop. It buffers nothing: streams are another part.
 *
 * An operation tries the system call first, unless it knows that it would
 * fail, and waits only then. A descriptor is registered with the kernel once,
 * edge-triggered, and stays registered until async_close: a request that is
 * read and answered costs a read, a write, and its share of one epoll_wait.
 *
 * What goes wrong with descriptors, and what happens here instead. The letters
 * are those of the code, and of the tests in tests/unit/fd.c:
 *
 *  a. A number is closed, and used again. async_close wakes who waits for it
 *     with ASYNC_EBADF, and who was woken but has not run yet gets that too,
 *     not its successor's bytes. Events of the predecessor are told apart by
 *     a generation. Closed behind our back with close(2): a wait of more than
 *     a second is looked after once, and finds the number's new owner.
 *  b. A dup keeps the file registered after the close: it is deregistered
 *     first; and an event nobody wants cannot repeat itself on an edge.
 *  c. epoll refuses regular files with EPERM: they are always ready.
 *  d. The writer closes a pipe, and only a hang-up is reported: hang-ups and
 *     errors wake both directions.
 *  e. After a short read a socket is empty, so the next read would only say
 *     EAGAIN, and is left out; so is the next write after one that fell short.
 *     Not so when the end of the stream (or urgent data, or an error) was seen
 *     together with the bytes, nor where a read stops short for other reasons:
 *     datagrams, Unix sockets, terminals.
 *  f. accept fails for want of descriptors: the caller gets the error. If it
 *     just calls again, it rests for 10 ms first instead of spinning.
 *  g. Several tasks wait for one descriptor, some to read, some to write: an
 *     event wakes all of its direction; who finds nothing waits again.
 *  h. The descriptor is blocking, and may be shared (a terminal, a parent's
 *     pipe): its flags are never changed. Sockets are told per call; others
 *     are polled before each call, and written PIPE_BUF bytes at a time.
 *  i. EINTR: the call is made again.
 *  j. SIGPIPE ends the process: the first use of a descriptor sets it to be
 *     ignored, if it has its default action (ASYNC_KEEP_SIGPIPE prevents).
 *  k. A descriptor that is always ready starves the rest: after 64 operations
 *     without suspending, a task lets the others run. In every turn all
 *     descriptors are looked at, by one call.
 *  l. A wait is longer than the system call can say, or shorter than its
 *     unit: nanoseconds where the kernel has them, rounded up where not.
 *  m. A wake from outside between looking and sleeping, or more of them than
 *     a pipe can hold: an eventfd holds any number, and is an event like any.
 *  n. Another library left bytes unread, after the edge: async_readable looks
 *     before it waits, and arms anew for each wait.
 *  o. A cancelled operation has taken and given nothing. The ones that loop
 *     (async_read_exactly, async_write_all) keep their count.
 *
 * For all operations: ASYNC_EBADF for a descriptor that is negative, not open
 * or closed meanwhile; ASYNC_EINVAL for NULL with a length; ASYNC_ENOMEM or
 * ASYNC_EMFILE when the loop cannot make what it needs for waiting. Other
 * errors are the system call's own, negative. Lengths above INT_MAX are taken
 * as INT_MAX. Awaitables are for tasks only, and each suspends only if it has
 * to. A descriptor is used with one loop at a time. After fork, the child
 * must leave the loop alone.
 * ======================================================================== */

#include <sys/socket.h>
#include <sys/uio.h>

/* What is to be closed again knows, in a debug build, where it was opened. */
#if ASYNC_DEBUG
#define ASYNC_OPENER_ , const char *file, int line
#define ASYNC_OPENED_ , file, line
#else
#define ASYNC_OPENER_
#define ASYNC_OPENED_
#endif

/* AWAIT(async_readable(fd)): wait until a read of it would not block: there
 * are bytes, a connection to accept, the end, or an error. 0 or an error. For
 * any descriptor, also one that belongs to another library, which may read it
 * and close it as it likes while nobody waits. As with poll, somebody else may
 * have read by the time the caller does. Costs a poll, and an epoll_ctl if it
 * has to wait. */
ASYNC_API ASYNC async_readable(int fd);

/* The same for writing: there is room, a connection was made, or an error. */
ASYNC_API ASYNC async_writable(int fd);

/* AWAIT_VALUE(n, async_read(fd, buffer, length)): what read(2) gives: at least
 * one byte, or 0 at the end of the stream. */
ASYNC_API ASYNC async_read(int fd, void *buffer, size_t length);

/* AWAIT_VALUE(n, async_write(fd, buffer, length)): what write(2) gives: it may
 * be fewer bytes than asked for, so see async_write_all. ASYNC_EPIPE when the
 * other side is gone, without a signal. */
ASYNC_API ASYNC async_write(int fd, const void *buffer, size_t length);

/* The same over several pieces. As the array of pieces is looked at each time
 * the task is resumed, it belongs in the frame or in static memory, like the
 * pieces themselves. ASYNC_EINVAL for a count below 0 or above 1024. */
ASYNC_API ASYNC async_readv(int fd, const struct iovec *pieces, int count);
ASYNC_API ASYNC async_writev(int fd, const struct iovec *pieces, int count);

/* AWAIT(async_read_exactly(fd, buffer, length, &self->done)): read until the
 * buffer is full, and return the length. `done` counts the bytes read so far:
 * zero before, zero again after success. When it fails or is cancelled it
 * keeps its count, and the same call goes on from there. ASYNC_EPIPE when the
 * stream ends early. */
ASYNC_API ASYNC async_read_exactly(int fd, void *buffer, size_t length,
                                   size_t *done);

/* The same for writing: all of it, or an error. */
ASYNC_API ASYNC async_write_all(int fd, const void *buffer, size_t length,
                                size_t *done);

/* Make a pipe, of which ends[0] is read and ends[1] is written; both are
 * nonblocking and closed on exec. 0 or an error. From anywhere. */
ASYNC_API int async_pipe(int ends[2]);

/* Close a descriptor. Tasks that wait for it get ASYNC_EBADF. 0 or the error
 * of close(2); ASYNC_EBADF for one that is not open. Not an awaitable; from the
 * loop's thread. */
ASYNC_API int async_close(int fd);

/* The same without closing it: the loop forgets the descriptor, so that it can
 * go to another loop, or to a library that closes it. 0 or ASYNC_EBADF for a
 * negative number. */
ASYNC_API int async_detach(int fd);

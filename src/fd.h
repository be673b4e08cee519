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
ASYNC_INLINE_ ASYNC async_read(int fd, void *buffer, size_t length);

/* AWAIT_VALUE(n, async_write(fd, buffer, length)): what write(2) gives: it may
 * be fewer bytes than asked for, so see async_write_all. ASYNC_EPIPE when the
 * other side is gone, without a signal. */
ASYNC_INLINE_ ASYNC async_write(int fd, const void *buffer, size_t length);

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
ASYNC_INLINE_ ASYNC async_write_all(int fd, const void *buffer, size_t length,
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

/* ---- from here on, for the library's own use ----------------------------- */

/* The way that nearly all reads and writes go: of a TCP socket that is read to
 * the end, written to, and waited for again, by one task, and over which
 * nothing hangs. The task's state and the descriptor's flags say all of that,
 * each by one comparison, before anything is changed; so the call to the system
 * is made where the operation is written. Whatever is else goes to the
 * functions of fd.c, by way of the table.
 *
 *   read: EAGAIN    write             event: bytes       read, resumed
 *   EMPTY ------> EMPTY|READER ------> TOLD -----------> EMPTY
 *                     ^  task LINKED    |  task TOLD       |
 *                     |                 | closed: NEW      | write
 *                     |                 '--> EBADF         v
 *                     '------------------------------ EMPTY|WROTE
 *
 * What such a task does next is about the descriptor that it was told of, so
 * that one need not be looked up: async_this_fd_. */

/* Every system call goes through this name, so that tests can make the n-th
 * one fail. */
#ifndef ASYNC_SYS_
#define ASYNC_SYS_(name) name
#endif

/* Where there is no such flag, SIGPIPE is ignored all the same. */
#ifdef MSG_NOSIGNAL
#define ASYNC_NOSIGNAL_ MSG_NOSIGNAL
#else
#define ASYNC_NOSIGNAL_ 0
#endif

enum {
    ASYNC_FD_EMPTY_ = 1,        /* a read would say EAGAIN; as POLLIN */
    ASYNC_FD_SHORT_ = 2,        /* a short read means that it is empty: e */
    ASYNC_FD_STUCK_ = 4,        /* a write would say EAGAIN; as POLLOUT */
    ASYNC_FD_ADDED_ = 8,        /* the backend knows it */
    ASYNC_FD_BLOCKS_ = 16,      /* it has no O_NONBLOCK: h */
    ASYNC_FD_FULL_ = 32,        /* accept failed for want of something, and is
                                 * not to be tried until the rest is over: f */
    ASYNC_FD_SOCKET_ = 64,
    ASYNC_FD_NEW_ = 128,        /* nobody has looked yet what it is */
    /* Without these two nobody waits for it. When tasks are struck out of
     * their waits, they stay until the next event. */
    ASYNC_FD_READER_ = 256,     /* one task waits, in async_read; or none */
    ASYNC_FD_CROWD_ = 512,      /* any number, in any operation */
    ASYNC_FD_SECOND_ = 1024,    /* so many, times 0 to 2, have begun since */
    ASYNC_FD_AGE_ = 3 * ASYNC_FD_SECOND_,   /* somebody waits */
    ASYNC_FD_CONNECTS_ = 4096,  /* its async_connect is under way */
    ASYNC_FD_TOLD_ = 8192,      /* its reader was, and has not run since */
    ASYNC_FD_WROTE_ = 16384,    /* once since it was last read, uncounted: k */
    /* All of them, when a TCP socket or a pipe may be read and written. */
    ASYNC_FD_TCP_ = ASYNC_FD_SOCKET_ | ASYNC_FD_SHORT_ | ASYNC_FD_ADDED_,
    ASYNC_FD_PIPE_ = ASYNC_FD_SHORT_ | ASYNC_FD_ADDED_
};

enum { ASYNC_READS_ = 0, ASYNC_WRITES_ = 1 };

#if ASYNC_DEBUG
/* What is to be closed before its loop is, and who opened it: see held.c. */
typedef struct async_held_ {
    const void *by;             /* the stream or so; NULL: nothing */
    const char *kind, *task, *file;
    int line;
    int pid;                    /* of a process */
} async_held_;
#define ASYNC_CHILDREN_ 8
#endif

/* What a loop knows of a descriptor, and of all; more is in fd_table.h. */
typedef struct async_fd_ {
    async_node *waiters[2];     /* rings of tasks, by direction; here, so that
                                 * the reader's u.ring tells of its entry */
    int generation;             /* > 0; another one after each close: a */
    int fd;                     /* its number */
    unsigned reset;             /* the turn in which it got a new generation */
    unsigned flags;
#if ASYNC_DEBUG
    async_held_ held;
#endif
} async_fd_;

struct async_fds {
    async_fd_ **entries;        /* by number; &none for one never used */
    unsigned limit;             /* so many */
    unsigned turn;              /* counts them: a */
    unsigned left;              /* operations until somebody looks who did so */
    const async_task *busy;     /* many; it was this task the last time: k */
    async_alarm_ rest;          /* until async_accept tries again: f */
    int wake[2];                /* read and write end; an eventfd is both */
    int backend;                /* an epoll, or -1 */
    int second;                 /* a timerfd, or -1 */
    bool ticking;               /* it is running; */
    bool verify;                /* it has expired */
    bool old;                   /* the kernel has no epoll_pwait2 */
    struct pollfd *polls;       /* of the poll backend */
    unsigned room;
#if ASYNC_DEBUG
    unsigned signals;           /* watchers that are open: signals.c */
    async_held_ children[ASYNC_CHILDREN_];      /* without a descriptor */
#endif
    struct async_offloads_ *offloads;   /* jobs out in threads, or NULL; */
    void (*offloads_close)(struct async_offloads_ *offloads);
    async_fd_ none;             /* new for ever */
};

/* The descriptor that a task was last told of, in this run of the loop, if a
 * wait for it takes no more than the quick way does; else one without flags. */
#ifdef ASYNC_STATIC
static async_fd_ async_fd_nobodys_;
static ASYNC_THREAD async_fd_ *async_this_fd_ = &async_fd_nobodys_;
#else
ASYNC_EXTERN_C_ async_fd_ async_fd_nobodys_;
ASYNC_EXTERN_C_ ASYNC_LOCAL_ ASYNC_THREAD async_fd_ *async_this_fd_;
#endif

/* All of the operations, and what is left of them after a call that did not go
 * as usual. */
ASYNC_API async_status async_read_(int fd, void *buffer, size_t length);
ASYNC_API async_status async_write_(int fd, const void *buffer, size_t length);
ASYNC_API async_status async_write_all_(int fd, const void *buffer,
                                        size_t length, size_t *done);
ASYNC_API async_status async_fd_read_on_(ptrdiff_t n);
ASYNC_API async_status async_fd_write_on_(ptrdiff_t n, bool all);

#if ASYNC_FAST_ && !ASYNC_NAMED_ && !ASYNC_POLL
#define ASYNC_QUICK_ 1

/* It is empty, and nobody waits for it: the running task does, with flags. */
ASYNC_HOT_ async_status async_fd_rests_(async_fd_ *it, async_task *task,
                                        unsigned flags)
{
    async_node *node = &task->timer.node;

    it->flags = flags | ASYNC_FD_EMPTY_ | ASYNC_FD_READER_;
    async_this_loop_->waiting++;
    node->next = node;                      /* a ring of one: as async_link_ */
    it->waiters[ASYNC_READS_] = node;
#if ASYNC_BACKLINKS
    node->prev = node;
#endif
    task->timer.u.ring = it->waiters;
    node->state = ASYNC_LINKED_;
    return ASYNC_PENDING;
}

/* The first write since it was read; nobody waits for it. */
ASYNC_HOT_ async_status async_fd_quick_write_(int fd, const void *buffer,
                                              size_t length, size_t *done)
{
    async_fd_ *it = async_this_fd_;

    if (ASYNC_LIKELY_(it->fd == fd && length - 1 < INT_MAX && buffer != NULL
                      && it->flags == (ASYNC_FD_TCP_ | ASYNC_FD_EMPTY_)
                      && async_this_task_->timer.node.state
                          == ASYNC_RUNNING_)) {
        ptrdiff_t n;

        it->flags = ASYNC_FD_TCP_ | ASYNC_FD_EMPTY_ | ASYNC_FD_WROTE_;
        if (done != NULL) {
            async_this_task_->timer.u.done = done;
        }
        n = ASYNC_SYS_(send)(fd, buffer, length,
                             MSG_DONTWAIT | ASYNC_NOSIGNAL_);
        if (ASYNC_LIKELY_((size_t)n == length)) {
            ASYNC_ASSUME_((async_status)n > 0);
            return (async_status)n;
        }
        return async_fd_write_on_(n, done != NULL);
    }
    return done == NULL ? async_write_(fd, buffer, length)
                        : async_write_all_(fd, buffer, length, done);
}
#else
#define ASYNC_QUICK_ 0
#endif

ASYNC_INLINE_ async_status async_read(int fd, void *buffer, size_t length)
{
#if ASYNC_QUICK_
    async_task *task = async_this_task_;

    if (task->timer.node.state == ASYNC_TOLD_) {
        async_fd_ *it = (async_fd_ *)(void *)task->timer.u.ring;

        if (ASYNC_LIKELY_(it->fd == fd && it->flags == (ASYNC_FD_TCP_
                                                        | ASYNC_FD_TOLD_))) {
            ptrdiff_t n;

            async_this_fd_ = it;
            task->timer.node.state = ASYNC_RUNNING_;
            it->flags = ASYNC_FD_TCP_ | ASYNC_FD_EMPTY_;            /* e */
            n = ASYNC_SYS_(recv)(fd, buffer, length, MSG_DONTWAIT);
            return ASYNC_LIKELY_((size_t)n - 1 < length - 1)
                ? (async_status)n : async_fd_read_on_(n);
        }
    } else {
        async_fd_ *it = async_this_fd_;

        if (ASYNC_LIKELY_(it->fd == fd && length - 1 < INT_MAX
                          && buffer != NULL
                          && it->flags == (ASYNC_FD_TCP_ | ASYNC_FD_EMPTY_
                                           | ASYNC_FD_WROTE_)
                          && task->timer.node.state == ASYNC_RUNNING_)) {
            return async_fd_rests_(it, task, ASYNC_FD_TCP_);
        }
    }
#endif
    return async_read_(fd, buffer, length);
}

ASYNC_INLINE_ async_status async_write(int fd, const void *buffer,
                                       size_t length)
{
#if ASYNC_QUICK_
    return async_fd_quick_write_(fd, buffer, length, NULL);
#else
    async_status rc = async_write_(fd, buffer, length);

    if (rc == ASYNC_PENDING) {
        ASYNC_LASTS_("async_write", buffer, false);
    }
    return rc;
#endif
}

ASYNC_INLINE_ async_status async_write_all(int fd, const void *buffer,
                                           size_t length, size_t *done)
{
#if ASYNC_QUICK_
    return ASYNC_LIKELY_(done != NULL && *done == 0)
        ? async_fd_quick_write_(fd, buffer, length, done)
        : async_write_all_(fd, buffer, length, done);
#else
    async_status rc = async_write_all_(fd, buffer, length, done);

    if (rc == ASYNC_PENDING) {
        ASYNC_LASTS_("async_write_all", buffer, false);
        ASYNC_LASTS_("async_write_all", done, false);
    }
    return rc;
#endif
}

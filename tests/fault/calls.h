/* calls: every system call of the library, each of which may fail. The file
 * that includes this is a program, which has the library's functions. */
#ifndef CALLS_H
#define CALLS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#endif

/* ---- the calls, each of which may fail ----------------------------------- */

enum {
    READ = 1, WRITE = 2, ACCEPT = 4, CONNECT = 8, WAIT = 16, MAKE = 32,
    MEMORY = 64, CONTROL = 128, LOOK = 256, CLOSE = 512, NEW = 1024,
    START = 2048, REAP = 4096, SIGNAL = 8192
};

static const struct fault {
    const char *name;
    int error;          /* 0: a short read or write */
    unsigned calls;
    bool harmless;      /* nobody may notice */
} faults[] = {
    {"EINTR", EINTR, READ | WRITE | ACCEPT | CONNECT | WAIT | CLOSE | REAP,
     true},
    {"EAGAIN", EAGAIN, READ | WRITE | ACCEPT, true},
    {"short", 0, READ | WRITE, true},
    {"ECONNABORTED", ECONNABORTED, ACCEPT, true},
    {"ENOSYS", ENOSYS, NEW, true},
    {"EPERM", EPERM, NEW, true},
    {"EMFILE", EMFILE, ACCEPT | MAKE, false},
    {"ENFILE", ENFILE, ACCEPT | MAKE, false},
    {"ENOBUFS", ENOBUFS, WRITE | MAKE, false},
    {"ENOMEM", ENOMEM, READ | WRITE | ACCEPT | CONNECT | WAIT | MAKE | MEMORY
                       | CONTROL | LOOK, false},
    {"ENOSPC", ENOSPC, CONTROL, false},
    {"ECONNRESET", ECONNRESET, READ | WRITE | CONNECT, false},
    {"EPIPE", EPIPE, WRITE, false},
    {"EIO", EIO, READ | WRITE | CLOSE, false},
    {"EAGAIN-start", EAGAIN, START, false},
    {"ENOMEM-start", ENOMEM, START, false},
    {"EINVAL", EINVAL, SIGNAL, false},
    {NULL, 0, 0, false}
};

static const struct fault *fault;   /* NULL: none */
static long counted, nth;       /* threads count, too */
static __thread bool chosen;    /* the last call of this thread is the n-th */

static bool fails(unsigned call)
{
    chosen = fault != NULL && (fault->calls & call) != 0
        && __atomic_add_fetch(&counted, 1, __ATOMIC_RELAXED) == nth;
    if (!chosen) {
        return false;
    }
    errno = fault->error;
    return fault->error != 0;
}

/* After fails() said no: was this the one to be cut short? */
static size_t cut(size_t length)
{
    return chosen && length > 1 ? 1 : length;
}

#define CALL(kind, type, name, params, args) \
    static inline type fault_##name params \
    { return fails(kind) ? (type)-1 : name args; }
#define MOVE(kind, name, params, args) \
    static inline ssize_t fault_##name params \
    { if (fails(kind)) { return -1; } n = cut(n); return name args; }

MOVE(READ, read, (int fd, void *to, size_t n), (fd, to, n))
MOVE(READ, recv, (int fd, void *to, size_t n, int flags), (fd, to, n, flags))
MOVE(READ, recvfrom, (int fd, void *to, size_t n, int flags,
                      struct sockaddr *from, socklen_t *length),
     (fd, to, n, flags, from, length))

/* A thread wakes a loop by eight bytes, for which there is room at any time. */
static inline ssize_t fault_write(int fd, const void *from, size_t n)
{
    if (n == 8) {
        return write(fd, from, n);
    }
    return fails(WRITE) ? -1 : write(fd, from, cut(n));
}

MOVE(WRITE, send, (int fd, const void *from, size_t n, int flags),
     (fd, from, n, flags))
MOVE(WRITE, sendto, (int fd, const void *from, size_t n, int flags,
                     const struct sockaddr *to, socklen_t length),
     (fd, from, n, flags, to, length))
CALL(READ, ssize_t, readv, (int fd, const struct iovec *to, int n),
     (fd, to, n))
CALL(WRITE, ssize_t, writev, (int fd, const struct iovec *from, int n),
     (fd, from, n))
CALL(READ, ssize_t, recvmsg, (int fd, struct msghdr *to, int flags),
     (fd, to, flags))
CALL(WRITE, ssize_t, sendmsg, (int fd, const struct msghdr *from, int flags),
     (fd, from, flags))
CALL(ACCEPT, int, accept4, (int fd, struct sockaddr *from, socklen_t *length,
                            int flags), (fd, from, length, flags))
CALL(WAIT, int, poll, (struct pollfd *polls, nfds_t n, int ms),
     (polls, n, ms))
CALL(WAIT, int, ppoll, (struct pollfd *polls, nfds_t n,
                        const struct timespec *time, const sigset_t *mask),
     (polls, n, time, mask))
CALL(MAKE, int, socket, (int domain, int type, int protocol),
     (domain, type, protocol))
CALL(MAKE, int, socketpair, (int domain, int type, int protocol, int ends[2]),
     (domain, type, protocol, ends))
CALL(MAKE, int, pipe, (int ends[2]), (ends))
CALL(LOOK, int, shutdown, (int fd, int how), (fd, how))
CALL(LOOK, int, bind, (int fd, const struct sockaddr *to, socklen_t length),
     (fd, to, length))
CALL(LOOK, int, flock, (int fd, int how), (fd, how))
CALL(LOOK, int, listen, (int fd, int backlog), (fd, backlog))
CALL(LOOK, int, getsockname, (int fd, struct sockaddr *to, socklen_t *length),
     (fd, to, length))
CALL(LOOK, int, getsockopt, (int fd, int level, int name, void *value,
                             socklen_t *length),
     (fd, level, name, value, length))
CALL(LOOK, int, setsockopt, (int fd, int level, int name, const void *value,
                             socklen_t length),
     (fd, level, name, value, length))
CALL(LOOK, int, fstat, (int fd, struct stat *to), (fd, to))

static int fault_connect(int fd, const struct sockaddr *to, socklen_t length)
{
    if (fails(CONNECT)) {
        if (errno == EINTR) {           /* then it goes on by itself */
            (void)connect(fd, to, length);
            errno = EINTR;
        }
        return -1;
    }
    return connect(fd, to, length);
}

static int fault_close(int fd)
{
    int rc = close(fd);                 /* it is closed in any case */

    return fails(CLOSE) ? -1 : rc;
}

static int fault_fcntl(int fd, int what, ...)
{
    va_list args;
    int value;

    va_start(args, what);
    value = what == F_GETFL ? 0 : va_arg(args, int);
    va_end(args);
    return fails(LOOK) ? -1 : fcntl(fd, what, value);
}

static inline int fault_open(const char *name, int flags, ...)
{
    va_list args;
    int mode;

    va_start(args, flags);
    mode = (flags & O_CREAT) == 0 ? 0 : va_arg(args, int);
    va_end(args);
    return fails(MAKE) ? -1 : open(name, flags, mode);
}

CALL(MAKE, int, pipe2, (int ends[2], int flags), (ends, flags))
CALL(REAP, pid_t, waitpid, (pid_t pid, int *status, int options),
     (pid, status, options))
CALL(LOOK, int, kill, (pid_t pid, int number), (pid, number))
CALL(SIGNAL, int, sigaction, (int number, const struct sigaction *action,
                              struct sigaction *before),
     (number, action, before))
CALL(LOOK, int, fsync, (int fd), (fd))
MOVE(READ, pread, (int fd, void *to, size_t n, off_t at), (fd, to, n, at))
MOVE(WRITE, pwrite, (int fd, const void *from, size_t n, off_t at),
     (fd, from, n, at))

static inline int fault_pthread_create(pthread_t *thread,
                                       const pthread_attr_t *attributes,
                                       void *(*fn)(void *), void *argument)
{
    return fails(START) ? errno
        : pthread_create(thread, attributes, fn, argument);
}

static inline int fault_getaddrinfo(const char *host, const char *service,
                                    const struct addrinfo *hints,
                                    struct addrinfo **found)
{
    return fails(LOOK) ? EAI_SYSTEM
                       : getaddrinfo(host, service, hints, found);
}

/* The one backend's build has a real vfork, the other one's a fork. */
#if ASYNC_POLL
#define ASYNC_FORK_() (fails(START) ? -1 : fork())
#else
#define ASYNC_FORK_() (fails(START) ? -1 : vfork())
#endif

static inline int fault_async_process_pidfd_(int pid)
{
#ifdef SYS_pidfd_open
    return fails(NEW | MAKE) ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
#else
    (void)pid;
    return -1;
#endif
}

static void *fault_calloc(size_t n, size_t size)
{
    return fails(MEMORY) ? NULL : calloc(n, size);
}

static void *fault_realloc(void *memory, size_t size)
{
    return fails(MEMORY) ? NULL : realloc(memory, size);
}

#ifdef __linux__
CALL(MAKE, int, epoll_create1, (int flags), (flags))
CALL(MAKE, int, eventfd, (unsigned value, int flags), (value, flags))
CALL(MAKE, int, timerfd_create, (int by, int flags), (by, flags))
CALL(CONTROL, int, epoll_ctl, (int fd, int what, int which,
                               struct epoll_event *event),
     (fd, what, which, event))
CALL(WAIT, int, epoll_wait, (int fd, struct epoll_event *events, int n,
                             int ms), (fd, events, n, ms))

/* The second after which a wait is looked after is made short here: an EAGAIN
 * that the kernel did not mean is one of the things it heals. */
static inline int fault_timerfd_settime(int fd, int flags,
                                        const struct itimerspec *due,
                                        struct itimerspec *before)
{
    struct itimerspec soon = *due;

    soon.it_value.tv_sec = 0;
    soon.it_value.tv_nsec = 2000000;
    return fails(LOOK) ? -1 : timerfd_settime(fd, flags, &soon, before);
}

static inline long fault_syscall(long number, int fd, void *events, int n,
                                 void *time, void *mask, size_t size)
{
    return fails(NEW) ? -1
        : syscall(number, fd, events, n, time, mask, size);
}
#endif

#if defined ASYNC_KQUEUE
#include <sys/event.h>
CALL(MAKE, int, kqueue, (void), ())

/* With room for events it waits; and a second is short here, too. */
static inline int fault_kevent(int kq, const struct kevent *changes,
                               int changed, struct kevent *events, int room,
                               const struct timespec *limit)
{
    struct kevent soon;

    if (fails(room == 0 ? CONTROL : WAIT)) {
        return -1;
    }
    if (changed == 1 && changes->filter == EVFILT_TIMER) {
        soon = *changes;
        soon.data = 2;
        changes = &soon;
    }
    return kevent(kq, changes, changed, events, room, limit);
}
#endif

#define ASYNC_SYS_(name) fault_##name
#define ASYNC_IMPLEMENTATION
#include "async.h"

/* ---- what is moved to and fro -------------------------------------------- */

enum { MUCH = 100000 };

static char pattern[MUCH];
static int wrong;           /* bytes that are not what they should be */

static void compare(const char *got, size_t length)
{
    if (memcmp(got, pattern, length) != 0) {
        wrong++;
    }
}

#endif

/* Fault injection: a server, its clients, pipes, sockets and an irq, run again
 * and again; in run n the n-th system call of a kind fails. Whatever fails:
 * nothing hangs, no descriptor and no memory is left, and what was reported
 * as done was done, byte for byte. What the kernel may do at any time (EINTR,
 * EAGAIN, short reads and writes) must not be noticed at all.
 *
 *   fault [KIND]     all kinds, or one; prints ok NAME or FAIL NAME: why */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#endif

/* ---- the calls, each of which may fail ----------------------------------- */

enum {
    READ = 1, WRITE = 2, ACCEPT = 4, CONNECT = 8, WAIT = 16, MAKE = 32,
    MEMORY = 64, CONTROL = 128, LOOK = 256, CLOSE = 512, NEW = 1024
};

static const struct fault {
    const char *name;
    int error;          /* 0: a short read or write */
    unsigned calls;
    bool harmless;      /* nobody may notice */
} faults[] = {
    {"EINTR", EINTR, READ | WRITE | ACCEPT | CONNECT | WAIT | CLOSE, true},
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
    {NULL, 0, 0, false}
};

static const struct fault *fault;   /* NULL: none */
static long counted, nth;

static bool fails(unsigned call)
{
    if (fault == NULL || (fault->calls & call) == 0 || ++counted != nth) {
        return false;
    }
    errno = fault->error;
    return fault->error != 0;
}

/* After fails() said no: was this the one to be cut short? */
static size_t cut(size_t length)
{
    return fault != NULL && fault->error == 0 && counted == nth && length > 1
        ? 1 : length;
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
MOVE(WRITE, write, (int fd, const void *from, size_t n), (fd, from, n))
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

#define ASYNC_SYS_(name) fault_##name
#define ASYNC_IMPLEMENTATION
#include "async.h"

/* ---- the scenario -------------------------------------------------------- */

enum { CLIENTS = 3, ROUNDS = 2, LENGTH = 3000, MUCH = 100000 };

static char pattern[MUCH];
static int wrong;           /* bytes that are not what they should be */

struct end {                /* one side of something that moves bytes */
    async_frame frame;
    async_task task;
    int fd, port, i, n, outcome;
    size_t done;
    char *buffer;
    size_t length;
    struct iovec pieces[2];
};

static void shut(int *fd)
{
    if (*fd >= 0) {
        async_close(*fd);
    }
    *fd = -1;
}

static void compare(const char *got, size_t length)
{
    if (memcmp(got, pattern, length) != 0) {
        wrong++;
    }
}

static ASYNC handle(struct end *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        for (;;) {
            AWAIT_VALUE(self->n, async_read(self->fd, self->buffer, LENGTH));
            if (self->n == 0) {
                break;
            }
            AWAIT(async_write_all(self->fd, self->buffer, (size_t)self->n,
                                  &self->done));
        }
    } ASYNC_FINALLY(self->outcome) {
        shut(&self->fd);
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct server {
    async_frame frame;
    async_task task;
    int listener, fd, n, i;
    struct end *end;            /* kept elsewhere: they outlive the server */
    char (*buffer)[LENGTH];
};

static ASYNC serve(struct server *self)
{
    ASYNC_BEGIN(self);
    while (self->n < 4 * CLIENTS) {
        AWAIT_RESULT(self->fd, async_accept(self->listener, NULL, NULL));
        if (self->fd >= 0) {
            self->end[self->n].fd = self->fd;
            self->end[self->n].buffer = self->buffer[self->n];
            async_spawn(&self->end[self->n].task, handle,
                        &self->end[self->n]);
            self->n++;
        } else if (self->fd == ASYNC_EBADF) {
            ASYNC_RAISE(self->fd);
        }
    }
    ASYNC_END;
}

static ASYNC call(struct end *self)
{
    ASYNC_BEGIN(self);
    self->fd = -1;
    ASYNC_TRY {
        AWAIT(async_tcp_connect(&self->fd, "127.0.0.1", self->port));
        for (self->i = 0; self->i < ROUNDS; self->i++) {
            AWAIT(async_write_all(self->fd, pattern, LENGTH, &self->done));
            AWAIT(async_read_exactly(self->fd, self->buffer, LENGTH,
                                     &self->done));
            compare(self->buffer, LENGTH);
            memset(self->buffer, 0, LENGTH);
        }
    } ASYNC_FINALLY(self->outcome) {
        shut(&self->fd);
    } ASYNC_TRY_END;
    ASYNC_END;
}

static ASYNC pour(struct end *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_write_all(self->fd, pattern, self->length, &self->done));
    } ASYNC_FINALLY(self->outcome) {
        shut(&self->fd);
    } ASYNC_TRY_END;
    ASYNC_END;
}

static ASYNC drain(struct end *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_read_exactly(self->fd, self->buffer, self->length,
                                 &self->done));
        compare(self->buffer, self->length);
    } ASYNC_FINALLY(self->outcome) {
        compare(self->buffer, self->done);
        shut(&self->fd);
    } ASYNC_TRY_END;
    ASYNC_END;
}

/* Pieces, and messages, and readiness. */
static ASYNC pour_pieces(struct end *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        while (self->done < self->length) {
            self->pieces[0].iov_base = pattern + self->done;
            self->pieces[0].iov_len = (self->length - self->done) / 2;
            self->pieces[1].iov_base = pattern + self->done
                + self->pieces[0].iov_len;
            self->pieces[1].iov_len = self->length - self->done
                - self->pieces[0].iov_len;
            AWAIT_VALUE(self->n, async_writev(self->fd, self->pieces, 2));
            self->done += (size_t)self->n;
        }
    } ASYNC_FINALLY(self->outcome) {
        shut(&self->fd);
    } ASYNC_TRY_END;
    ASYNC_END;
}

static ASYNC drain_pieces(struct end *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        for (;;) {
            self->pieces[0].iov_base = self->buffer + self->done;
            self->pieces[0].iov_len = 10;
            self->pieces[1].iov_base = self->buffer + self->done + 10;
            self->pieces[1].iov_len = 2000;
            AWAIT_VALUE(self->n, async_readv(self->fd, self->pieces, 2));
            if (self->n == 0) {
                break;
            }
            self->done += (size_t)self->n;
            AWAIT(async_readable(self->fd));
        }
    } ASYNC_FINALLY(self->outcome) {
        compare(self->buffer, self->done);
        shut(&self->fd);
    } ASYNC_TRY_END;
    ASYNC_RETURN(self->done == self->length ? 0 : ASYNC_EPIPE);
    ASYNC_END;
}

struct bell { async_frame frame; async_task task; async_irq irq; int outcome;
              int n, sum; async_timeout scope; };

static ASYNC ring(struct bell *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_irq_open(&self->irq));
    ASYNC_TRY {
        while (self->sum < 3) {
            AWAIT(async_sleep((async_duration)ASYNC_MS(1)));
            async_irq_raise(&self->irq);
            AWAIT_VALUE(self->n, ASYNC_TIMEOUT(&self->scope, ASYNC_SEC(10),
                                               async_irq_wait(&self->irq)));
            self->sum += self->n;
        }
    } ASYNC_FINALLY(self->outcome) {
        async_irq_close(&self->irq);
    } ASYNC_TRY_END;
    ASYNC_END;
}

/* Lines, through buffers that are shorter than some of what is sent: by a
 * server of streams, and clients of it. */
enum { LINES = 12, LINE = 40, SESSIONS = 4 };

struct talk {
    async_frame frame;
    async_task task;
    int fd, port, i, n, outcome;
    async_stream stream;
    char *line;
    char in[LINE + 8], out[2 * LINE];
};

static ASYNC say_back(struct talk *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_stream_open(&self->stream, self->fd, self->in,
                            sizeof self->in, self->out, sizeof self->out));
    ASYNC_TRY {
        for (;;) {
            AWAIT_VALUE(self->n, async_stream_read_line(&self->stream,
                                                        &self->line));
            if (self->n == 0) {
                break;
            }
            AWAIT(async_stream_write(&self->stream, self->line,
                                     (size_t)self->n));
        }
        AWAIT(async_stream_close(&self->stream));
    } ASYNC_FINALLY(self->outcome) {
        (void)async_stream_abort(&self->stream);
    } ASYNC_TRY_END;
    ASYNC_END;
}

static int line_of(char *to, int i)
{
    return snprintf(to, LINE + 1, "%d%.*s\n", i, i % 3 * 15,
                    "------------------------------");
}

static ASYNC talk(struct talk *self)
{
    char line[LINE + 1];

    ASYNC_BEGIN(self);
    AWAIT(async_tcp_connect(&self->fd, "127.0.0.1", self->port));
    AWAIT(async_stream_open(&self->stream, self->fd, self->in,
                            sizeof self->in, self->out, sizeof self->out));
    ASYNC_TRY {
        for (self->i = 0; self->i < LINES; self->i++) {
            AWAIT(async_stream_write(&self->stream, line,
                                     (size_t)line_of(line, self->i)));
        }
        AWAIT(async_stream_shutdown_write(&self->stream));
        for (self->i = 0;; self->i++) {
            AWAIT_VALUE(self->n, async_stream_read_line(&self->stream,
                                                        &self->line));
            if (self->n == 0) {
                break;
            }
            if (self->n != line_of(line, self->i)
                || memcmp(self->line, line, (size_t)self->n) != 0) {
                wrong++;
            }
        }
        if (self->i != LINES) {
            ASYNC_RAISE(ASYNC_EPIPE);
        }
        AWAIT(async_stream_close(&self->stream));
    } ASYNC_FINALLY(self->outcome) {
        (void)async_stream_abort(&self->stream);
    } ASYNC_TRY_END;
    ASYNC_END;
}

enum { ENDS = 8 };

struct scenario {
    async_frame frame;
    struct server server;
    struct end served[4 * CLIENTS];
    char buffer[4 * CLIENTS][LENGTH];
    struct end client[CLIENTS];
    struct end end[ENDS];
    struct bell bell;
    async_server talks;
    async_task talks_task;
    async_slot slots[SESSIONS];
    struct talk session[SESSIONS], talker[CLIENTS];
    int i, rc, failed, outcome, pair[2];
    char in[ENDS / 2][MUCH + 2100];
    char echoed[CLIENTS][LENGTH];
};

static void two_ends(struct scenario *self, int n, int kind, size_t length)
{
    struct end *from = &self->end[2 * n], *to = &self->end[2 * n + 1];
    int rc = kind == 0 ? async_pipe(self->pair)
        : kind == 1 ? (pipe(self->pair) == 0 ? 0 : -errno)
        : socketpair(AF_UNIX, SOCK_STREAM, 0, self->pair) == 0 ? 0 : -errno;

    if (rc < 0) {
        self->failed = self->failed == 0 ? rc : self->failed;
        return;
    }
    from->length = to->length = length;
    from->fd = self->pair[1];
    to->fd = self->pair[0];
    to->buffer = self->in[n];
    async_spawn(&from->task, kind == 3 ? pour_pieces : pour, from);
    async_spawn(&to->task, kind == 3 ? drain_pieces : drain, to);
}

static ASYNC scenario(struct scenario *self)
{
    ASYNC_BEGIN(self);
    self->server.end = self->served;
    self->server.buffer = self->buffer;
    self->server.listener = async_tcp_listen("127.0.0.1", 0, 16);
    self->rc = async_local_port(self->server.listener);
    if (self->server.listener >= 0 && self->rc >= 0) {
        async_spawn(&self->server.task, serve, &self->server);
        for (self->i = 0; self->i < CLIENTS; self->i++) {
            self->client[self->i].port = self->rc;
            self->client[self->i].buffer = self->echoed[self->i];
            async_spawn(&self->client[self->i].task, call,
                        &self->client[self->i]);
        }
    } else {
        self->failed = self->rc;
    }
    two_ends(self, 0, 0, MUCH);
    two_ends(self, 1, 1, 20000);
    two_ends(self, 2, 2, 50000);
    two_ends(self, 3, 3, 30000);
    async_spawn(&self->bell.task, ring, &self->bell);
    self->rc = async_tcp_listen("127.0.0.1", 0, 16);
    self->talker[0].port = self->rc < 0 ? self->rc : async_local_port(self->rc);
    if (self->talker[0].port < 0) {
        self->failed = self->talker[0].port;
        if (self->rc >= 0) {
            async_close(self->rc);
        }
    } else {
        async_server_open(&self->talks, self->rc, self->slots, self->session,
                          SESSIONS, say_back);
        async_spawn(&self->talks_task, async_server_run, &self->talks);
        for (self->i = 0; self->i < CLIENTS; self->i++) {
            self->talker[self->i].port = self->talker[0].port;
            async_spawn(&self->talker[self->i].task, talk,
                        &self->talker[self->i]);
        }
    }

    for (self->i = 0; self->i < CLIENTS; self->i++) {
        AWAIT_RESULT(self->rc, async_join(&self->client[self->i].task));
        self->failed = self->failed == 0 && self->rc < 0 ? self->rc
                                                         : self->failed;
    }
    for (self->i = 0; self->i < ENDS; self->i++) {
        AWAIT_RESULT(self->rc, async_join(&self->end[self->i].task));
        self->failed = self->failed == 0 && self->rc < 0 ? self->rc
                                                         : self->failed;
    }
    AWAIT_RESULT(self->rc, async_join(&self->bell.task));
    self->failed = self->failed == 0 && self->rc < 0 ? self->rc
                                                     : self->failed;
    for (self->i = 0; self->i < CLIENTS
         && self->talker[0].port >= 0; self->i++) {
        AWAIT_RESULT(self->rc, async_join(&self->talker[self->i].task));
        self->failed = self->failed == 0 && self->rc < 0 ? self->rc
                                                         : self->failed;
    }
    if (self->talker[0].port >= 0) {
        AWAIT_RESULT(self->rc, async_server_close(&self->talks,
                                                  ASYNC_SEC(10)));
        AWAIT_RESULT(self->rc, async_join(&self->talks_task));
        if (self->rc < 0 && self->failed == 0) {
            self->failed = self->rc;
        }
    }
    async_cancel(&self->server.task);
    AWAIT_RESULT(self->rc, async_join(&self->server.task));
    for (self->i = 0; self->i < self->server.n; self->i++) {
        AWAIT_RESULT(self->rc, async_join(&self->server.end[self->i].task));
    }
    shut(&self->server.listener);
    ASYNC_RETURN(self->failed);
    ASYNC_END;
}

/* ---- the loop over n ----------------------------------------------------- */

static int lowest(void)
{
    int fd = dup(2);

    close(fd);
    return fd;
}

#if ASYNC_POLL
#define BACKEND "poll"
#else
#define BACKEND "epoll"
#endif

static void on_alarm(int number)
{
    static char text[160];
    int n = snprintf(text, sizeof text,
                     "FAIL fault-%s-%s: it hangs when call %ld fails\n",
                     BACKEND, fault == NULL ? "none" : fault->name, nth);

    (void)number;
    (void)!write(1, text, (size_t)n);
    _exit(1);
}

/* One kind: its n-th call fails, for every n, until no call is the n-th. */
static int try_all(const struct fault *kind)
{
    static struct scenario it;
    int bad = 0, free_fd = lowest();
    const char *name = kind == NULL ? "none" : kind->name;
    long runs = 0;

    for (nth = 1; bad == 0; nth += nth < 100 ? 1 : 13) {
        int rc;

        memset(&it, 0, sizeof it);
        wrong = 0;
        counted = 0;
        fault = kind;
        alarm(20);
        rc = async_run(scenario, &it);
        alarm(0);
        runs++;
        if (wrong != 0) {
            printf("FAIL fault-%s-%s: wrong bytes when call %ld fails\n",
                   BACKEND, name, nth);
            bad = 1;
        }
        if (lowest() != free_fd) {
            printf("FAIL fault-%s-%s: a descriptor is left open when call "
                   "%ld fails\n", BACKEND, name, nth);
            bad = 1;
        }
        if (rc != 0 && (kind == NULL || kind->harmless || counted < nth)) {
            printf("FAIL fault-%s-%s: %s when call %ld fails\n", BACKEND,
                   name, async_strerror(rc), nth);
            bad = 1;
        }
        if (kind == NULL || counted < nth) {
            break;
        }
    }
    fault = NULL;
    if (bad == 0) {
        printf("ok fault-%s-%s (%ld runs)\n", BACKEND, name, runs);
    }
    return bad;
}

int main(int argc, char **argv)
{
    const struct fault *kind;
    unsigned i, x = 1;
    int bad;

    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGALRM, on_alarm);
    for (i = 0; i < MUCH; i++) {
        x = x * 1103515245U + 12345U;
        pattern[i] = (char)(x >> 16);
    }
    bad = try_all(NULL);
    for (kind = faults; kind->name != NULL; kind++) {
        if (argc < 2 || strcmp(argv[1], kind->name) == 0) {
            bad |= try_all(kind);
        }
    }
    return bad;
}

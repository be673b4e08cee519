/* ===========================================================================
 * fd: the table of descriptors, and the operations on any of them. The letters
 * are those of fd.h.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "fd_table.h"

#if defined __GLIBC__ && !defined __USE_GNU
#error "define ASYNC_IMPLEMENTATION before the first #include, or -D_GNU_SOURCE"
#endif

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

#ifndef PIPE_BUF
#define PIPE_BUF 512
#endif

/* ---- the table ----------------------------------------------------------- */

static void async_fd_sigpipe_(void)
{
#ifndef ASYNC_KEEP_SIGPIPE
    struct sigaction action;

    if (sigaction(SIGPIPE, NULL, &action) == 0
        && (action.sa_flags & SA_SIGINFO) == 0
        && action.sa_handler == SIG_DFL) {
        action.sa_handler = SIG_IGN;
        (void)sigaction(SIGPIPE, &action, NULL);
    }
#endif
}

ASYNC_API struct async_fds *async_fds_(async_loop *loop, int *err)
{
    struct async_fds *fds = loop->fds;

    if (fds == NULL) {
        fds = (struct async_fds *)ASYNC_SYS_(calloc)(1, sizeof *fds);
        if (fds == NULL) {
            *err = ASYNC_ENOMEM;
            return NULL;
        }
        fds->wake[0] = fds->wake[1] = fds->backend = fds->second = -1;
        fds->left = ASYNC_BURST_;
        loop->fds = fds;
        async_fd_sigpipe_();
    }
    return fds;
}

ASYNC_API async_fd_ *async_fd_make_(struct async_fds *fds, int fd, int *err)
{
    unsigned number = (unsigned)fd;
    unsigned first = number - number % ASYNC_CHUNK_;
    unsigned i;
    async_fd_ *chunk;

    if (number >= fds->limit) {
        unsigned room = first < 2 * fds->limit ? 2 * fds->limit
                                               : first + ASYNC_CHUNK_;
        async_fd_ **entries = (async_fd_ **)ASYNC_SYS_(realloc)(
            fds->entries, room * sizeof *entries);

        if (entries == NULL) {
            *err = ASYNC_ENOMEM;
            return NULL;
        }
        memset(entries + fds->limit, 0,
               (room - fds->limit) * sizeof *entries);
        fds->entries = entries;
        fds->limit = room;
    }
    if (fds->entries[number] == NULL) {
        chunk = (async_fd_ *)ASYNC_SYS_(calloc)(ASYNC_CHUNK_, sizeof *chunk);
        if (chunk == NULL) {
            *err = ASYNC_ENOMEM;
            return NULL;
        }
        for (i = 0; i < ASYNC_CHUNK_; i++) {
            chunk[i].generation = 1;
            chunk[i].fd = (int)(first + i);
            chunk[i].flags = ASYNC_FD_IN_ | ASYNC_FD_OUT_;
            fds->entries[first + i] = chunk + i;
        }
    }
    return fds->entries[number];
}

ASYNC_API void async_fd_reset_(struct async_fds *fds, async_fd_ *it,
                               int result)
{
    it->generation = it->generation == INT_MAX ? 1 : it->generation + 1;
    it->flags = ASYNC_FD_IN_ | ASYNC_FD_OUT_;
    async_fd_wake_(fds, it, ASYNC_READS_, result);
    async_fd_wake_(fds, it, ASYNC_WRITES_, result);
}

ASYNC_API void async_fd_adopt_(int fd, unsigned flags)
{
    int err;
    struct async_fds *fds = async_fds_(async_this_loop_, &err);
    async_fd_ *it = fds == NULL ? NULL : async_fd_make_(fds, fd, &err);

    if (it != NULL) {               /* else it is looked at when it is used */
        if ((it->flags & (ASYNC_FD_KNOWN_ | ASYNC_FD_ADDED_)) != 0) {
            async_fd_reset_(fds, it, ASYNC_EBADF);
        }
        it->flags |= (unsigned char)(flags | ASYNC_FD_KNOWN_);
    }
}

/* What is it? Its flags, or an error. For TCP that is two system calls. */
static int async_fd_look_(int fd)
{
    struct stat status;
    int value, mode;
    socklen_t size = sizeof value;
    int flags = ASYNC_FD_KNOWN_;

    mode = ASYNC_SYS_(fcntl)(fd, F_GETFL);
    if (mode < 0) {
        return -errno;
    }
    if ((mode & O_NONBLOCK) == 0) {
        flags |= ASYNC_FD_BLOCKS_;
    }
    if (ASYNC_SYS_(getsockopt)(fd, IPPROTO_TCP, TCP_NODELAY, &value,
                               &size) == 0) {
        return flags | ASYNC_FD_SOCKET_ | ASYNC_FD_SHORT_;
    }
    if (errno != ENOTSOCK) {
        return flags | ASYNC_FD_SOCKET_;
    }
    if (ASYNC_SYS_(fstat)(fd, &status) < 0) {
        return -errno;
    }
    if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)
        || S_ISBLK(status.st_mode)) {
        return ASYNC_FD_KNOWN_;             /* c: it never says EAGAIN */
    }
#ifdef O_DIRECT
    if ((mode & O_DIRECT) != 0) {
        return flags;                       /* a pipe of packets */
    }
#endif
    return S_ISFIFO(status.st_mode) ? flags | ASYNC_FD_SHORT_ : flags;
}

/* ---- what operations are made of ----------------------------------------- */

ASYNC_API async_status async_fd_give_way_(async_task *task, int result)
{
    if (ASYNC_STRUCK_P_(task)) {
        return async_deliver_(task);
    }
    task->timer.u.result = result;
    async_set_state_(task, ASYNC_READY_);
    async_ready_(async_this_loop_, task);
    return ASYNC_PENDING;
}

/* Has the running task had its share of this turn? A task runs once in a turn:
 * if it is there both times that the count ends, then all operations between
 * were its own: k. */
static bool async_fd_share_is_over_(struct async_fds *fds,
                                    const async_task *task)
{
    if (fds->left != 0 && --fds->left != 0) {
        return false;
    }
    fds->left = ASYNC_BURST_;
    if (fds->busy == task) {
        fds->busy = NULL;
        return true;
    }
    fds->busy = task;
    return false;
}

/* An entry for a descriptor that is used for the first time. */
static async_fd_ *async_fd_begin_(int fd, async_status *rc)
{
    struct async_fds *fds;
    async_fd_ *it = NULL;
    int flags = fd < 0 ? ASYNC_EBADF : async_fd_look_(fd);

    if (flags < 0) {
        *rc = flags;
        return NULL;
    }
    fds = async_fds_(async_this_loop_, rc);
    if (fds != NULL) {
        it = async_fd_make_(fds, fd, rc);
    }
    if (it != NULL) {
        it->flags |= (unsigned char)flags;
    }
    return it;
}

/* The task comes back to an operation that parked it. */
static async_fd_ *async_fd_resume_(int fd, async_status *rc)
{
    async_task *task = async_this_task_;
    struct async_fds *fds = async_this_loop_->fds;
    async_fd_ *it = async_fd_find_(fds, fd);

    if (async_state_(task) == ASYNC_STRUCK_) {
        fds->waiting--;
        async_set_state_(task, ASYNC_RUNNING_);
        if (it == NULL || (it->flags & ASYNC_FD_ADDED_) == 0) {
            *rc = async_deliver_(task);     /* it was closed meanwhile: a */
            return NULL;
        }
        return it;
    }
    async_set_state_(task, ASYNC_RUNNING_);
    *rc = task->timer.u.result;
    if (*rc > 0 && (it == NULL || it->generation != *rc)) {
        *rc = ASYNC_EBADF;                  /* woken, then closed: a */
    }
    if (*rc < 0) {
        return NULL;
    }
    if (it == NULL || (it->flags & ASYNC_FD_KNOWN_) == 0) {
        return async_fd_begin_(fd, rc);
    }
    return it;
}

ASYNC_API async_fd_ *async_fd_entry_other_(int fd, async_status *rc)
{
    async_task *task = async_this_task_;
    struct async_fds *fds = async_this_loop_->fds;
    async_fd_ *it;

    if (async_state_(task) != ASYNC_RUNNING_) {
        return async_fd_resume_(fd, rc);
    }
    if (fds == NULL) {
        return async_fd_begin_(fd, rc);
    }
    it = async_fd_find_(fds, fd);
    if (it == NULL || (it->flags & ASYNC_FD_KNOWN_) == 0) {
        it = async_fd_begin_(fd, rc);
        if (it == NULL) {
            return NULL;
        }
    }
    if (async_fd_share_is_over_(fds, task)) {
        *rc = async_fd_give_way_(task, it->generation);
        return NULL;
    }
    return it;
}

ASYNC_API async_status async_fd_park_(async_fd_ *it, int direction,
                                      const char *what)
{
    async_task *task = async_this_task_;
    struct async_fds *fds = async_this_loop_->fds;

    (void)what;
    if (ASYNC_UNLIKELY_(ASYNC_STRUCK_P_(task))) {
        return async_deliver_(task);
    }
    if (ASYNC_UNLIKELY_(!ASYNC_BACKEND_WAITS_(fds, it))) {
        int err = async_backend_waits_(fds, it);

        if (err == ASYNC_EPERM) {           /* c: look again in each turn */
            it->flags |= ASYNC_FD_IN_ | ASYNC_FD_OUT_;
            return ASYNC_PENDING;
        }
        if (err < 0) {
            return err;
        }
    }
    fds->waiting++;
    it->age = 0;
    ASYNC_WAITS_(what, (const void *)(intptr_t)it->fd);
    return async_link_(&it->waiters[direction], ASYNC_LINKED_);
}

ASYNC_API async_status async_fd_failed_(async_fd_ *it, int direction,
                                        const char *what)
{
    struct async_fds *fds = async_this_loop_->fds;
    int err = errno;

    if (err == EINTR) {                                             /* i */
        return async_fd_give_way_(async_this_task_, it->generation);
    }
    if (err == EAGAIN || err == EWOULDBLOCK) {
        it->flags &= (unsigned char)~(direction == ASYNC_READS_
                                      ? ASYNC_FD_IN_ : ASYNC_FD_OUT_);
        return async_fd_park_(it, direction, what);
    }
    if (err == EBADF) {
        async_fd_reset_(fds, it, 0);
    } else if (err == ENOTSOCK && (it->flags & ASYNC_FD_SOCKET_) != 0) {
        /* a: it was a socket when it was last looked at. */
        int flags = async_fd_look_(it->fd);

        async_fd_reset_(fds, it, 0);
        if (flags >= 0 && (flags & ASYNC_FD_SOCKET_) == 0) {
            it->flags |= (unsigned char)flags;
            return async_fd_give_way_(async_this_task_,
                                      it->generation);
        }
    }
    return -err;
}

ASYNC_API bool async_fd_ready_(int fd, short events)
{
    struct pollfd look;
    int n;

    look.fd = fd;
    look.events = events;
    look.revents = 0;
    n = ASYNC_SYS_(poll)(&look, 1, 0);
    if (n == 0) {
        errno = EAGAIN;
    }
    return n > 0;               /* what is wrong with it, the call will say */
}

/* ---- readiness ----------------------------------------------------------- */

/* The descriptor may be another library's: it is looked at, and armed anew,
 * each time, and what kind of file it is does not matter: n. */
static async_status async_fd_await_(int fd, int direction, const char *what)
{
    async_task *task = async_this_task_;
    async_loop *loop = async_this_loop_;
    struct pollfd look;
    struct async_fds *fds;
    async_fd_ *it;
    async_status rc = 0;
    int n;

    if (async_state_(task) == ASYNC_STRUCK_) {
        loop->fds->waiting--;
    } else if (async_state_(task) == ASYNC_READY_) {
        rc = task->timer.u.result;
        it = async_fd_find_(loop->fds, fd);
        async_set_state_(task, ASYNC_RUNNING_);
        if (rc != 0) {
            return rc < 0 ? rc
                : it != NULL && it->generation == rc ? 0 : ASYNC_EBADF;
        }
    }
    async_set_state_(task, ASYNC_RUNNING_);
    if (fd < 0) {
        return ASYNC_EBADF;
    }
    fds = async_fds_(loop, &rc);
    if (fds == NULL) {
        return rc;
    }
    if (async_fd_share_is_over_(fds, task)) {
        return async_fd_give_way_(task, 0);
    }
    look.fd = fd;
    look.events = direction == ASYNC_READS_ ? POLLIN : POLLOUT;
    look.revents = 0;
    do {
        n = ASYNC_SYS_(poll)(&look, 1, 0);
    } while (n < 0 && errno == EINTR);
    if (n != 0) {
        return n < 0 ? -errno
            : (look.revents & POLLNVAL) != 0 ? ASYNC_EBADF : 0;
    }
    if (ASYNC_STRUCK_P_(task)) {
        return async_deliver_(task);
    }
    it = async_fd_make_(fds, fd, &rc);
    if (it == NULL) {
        return rc;
    }
    rc = async_backend_arm_(fds, it);
    if (rc < 0) {
        return rc == ASYNC_EPERM ? 0 : rc;                          /* c */
    }
    return async_fd_park_(it, direction, what);
}

ASYNC_API async_status async_readable(int fd)
{
    (void)async_self_();
    return async_fd_await_(fd, ASYNC_READS_, "async_readable");
}

ASYNC_API async_status async_writable(int fd)
{
    (void)async_self_();
    return async_fd_await_(fd, ASYNC_WRITES_, "async_writable");
}

/* ---- reading and writing ------------------------------------------------- */

static ptrdiff_t async_fd_read_other_(const async_fd_ *it, int fd,
                                      void *buffer, size_t length)
{
    if ((it->flags & ASYNC_FD_BLOCKS_) != 0 && !async_fd_ready_(fd, POLLIN)) {
        return -1;
    }
    return ASYNC_SYS_(read)(fd, buffer, length);
}

ASYNC_INLINE_ ptrdiff_t async_fd_read_(const async_fd_ *it, int fd,
                                       void *buffer, size_t length)
{
    return ASYNC_LIKELY_((it->flags & ASYNC_FD_SOCKET_) != 0)
        ? ASYNC_SYS_(recv)(fd, buffer, length, MSG_DONTWAIT)
        : async_fd_read_other_(it, fd, buffer, length);
}

ASYNC_API async_status async_read(int fd, void *buffer, size_t length)
{
    async_status rc;
    async_fd_ *it = async_fd_enter_(fd, &rc);
    ptrdiff_t n;

    if (ASYNC_UNLIKELY_(it == NULL)) {
        return rc;
    }
    if (ASYNC_UNLIKELY_(length - 1 >= INT_MAX || buffer == NULL)) {
        if (length == 0 && (it->flags & ASYNC_FD_SOCKET_) == 0) {
            return 0;
        }
        if (buffer == NULL && length != 0) {
            return ASYNC_EINVAL;
        }
        length = async_fd_length_(length);
    }
    if (!async_fd_may_(it, ASYNC_FD_IN_)) {
        return async_fd_park_(it, ASYNC_READS_, "async_read");
    }
    n = async_fd_read_(it, fd, buffer, length);
    if (ASYNC_UNLIKELY_(n < 0)) {
        return async_fd_failed_(it, ASYNC_READS_, "async_read");
    }
    return async_fd_got_(it, n, length);
}

static ptrdiff_t async_fd_write_other_(const async_fd_ *it, int fd,
                                       const void *buffer, size_t length)
{
    if ((it->flags & ASYNC_FD_BLOCKS_) != 0) {                      /* h */
        if (!async_fd_ready_(fd, POLLOUT)) {
            return -1;
        }
        length = length > PIPE_BUF ? PIPE_BUF : length;
    }
    return ASYNC_SYS_(write)(fd, buffer, length);
}

ASYNC_INLINE_ ptrdiff_t async_fd_write_(const async_fd_ *it, int fd,
                                        const void *buffer, size_t length)
{
    return ASYNC_LIKELY_((it->flags & ASYNC_FD_SOCKET_) != 0)
        ? ASYNC_SYS_(send)(fd, buffer, length,
                                MSG_DONTWAIT | MSG_NOSIGNAL)
        : async_fd_write_other_(it, fd, buffer, length);
}

ASYNC_API async_status async_write(int fd, const void *buffer, size_t length)
{
    async_status rc;
    async_fd_ *it = async_fd_enter_(fd, &rc);
    ptrdiff_t n;

    if (ASYNC_UNLIKELY_(it == NULL)) {
        return rc;
    }
    if (ASYNC_UNLIKELY_(buffer == NULL && length != 0)) {
        return ASYNC_EINVAL;
    }
    if (!async_fd_may_(it, ASYNC_FD_OUT_)) {
        return async_fd_park_(it, ASYNC_WRITES_, "async_write");
    }
    n = async_fd_write_(it, fd, buffer,
                                      async_fd_length_(length));
    if (ASYNC_UNLIKELY_(n < 0)) {
        return async_fd_failed_(it, ASYNC_WRITES_, "async_write");
    }
    return (async_status)n;
}

/* The length of all pieces, or an error. Where one call could move more than
 * INT_MAX bytes, or could block, the first piece stands for all. */
static int async_fd_pieces_(const async_fd_ *it, const struct iovec **pieces,
                            int *count, struct iovec *first)
{
    const struct iovec *all = *pieces;
    size_t length = 0;
    bool one = (it->flags & (ASYNC_FD_BLOCKS_ | ASYNC_FD_SOCKET_))
        == ASYNC_FD_BLOCKS_;
    int i;

    if (*count < 0 || (all == NULL && *count != 0)) {
        return ASYNC_EINVAL;
    }
    for (i = 0; i < *count; i++) {
        if (all[i].iov_base == NULL && all[i].iov_len != 0) {
            return ASYNC_EINVAL;
        }
        if (all[i].iov_len > INT_MAX - length) {
            one = true;
            break;
        }
        length += all[i].iov_len;
    }
    if (one) {
        for (i = 0; i + 1 < *count && all[i].iov_len == 0; i++) {
        }
        first->iov_base = *count == 0 ? NULL : all[i].iov_base;
        first->iov_len = *count == 0 ? 0 : async_fd_length_(all[i].iov_len);
        length = first->iov_len;
        *pieces = first;
        *count = 1;
    }
    return (int)length;
}

static ptrdiff_t async_fd_readv_(const async_fd_ *it, int fd,
                                 const struct iovec *pieces, int count)
{
    if ((it->flags & ASYNC_FD_SOCKET_) != 0) {
        struct msghdr message;

        memset(&message, 0, sizeof message);
        message.msg_iov = (struct iovec *)(uintptr_t)pieces;
        message.msg_iovlen = (unsigned)count;
        return ASYNC_SYS_(recvmsg)(fd, &message, MSG_DONTWAIT);
    }
    if ((it->flags & ASYNC_FD_BLOCKS_) != 0) {
        return async_fd_read_(it, fd, pieces->iov_base, pieces->iov_len);
    }
    return ASYNC_SYS_(readv)(fd, pieces, count);
}

ASYNC_API async_status async_readv(int fd, const struct iovec *pieces,
                                   int count)
{
    struct iovec first;
    async_status rc;
    async_fd_ *it = async_fd_enter_(fd, &rc);
    int length;
    ptrdiff_t n;

    if (it == NULL) {
        return rc;
    }
    length = async_fd_pieces_(it, &pieces, &count, &first);
    if (length < 0 || (length == 0 && (it->flags & ASYNC_FD_SOCKET_) == 0)) {
        return length;
    }
    if (!async_fd_may_(it, ASYNC_FD_IN_)) {
        return async_fd_park_(it, ASYNC_READS_, "async_readv");
    }
    n = async_fd_readv_(it, fd, pieces, count);
    if (n < 0) {
        return async_fd_failed_(it, ASYNC_READS_, "async_readv");
    }
    return async_fd_got_(it, n, (size_t)length);
}

static ptrdiff_t async_fd_writev_(const async_fd_ *it, int fd,
                                  const struct iovec *pieces, int count)
{
    if ((it->flags & ASYNC_FD_SOCKET_) != 0) {
        struct msghdr message;

        memset(&message, 0, sizeof message);
        message.msg_iov = (struct iovec *)(uintptr_t)pieces;
        message.msg_iovlen = (unsigned)count;
        return ASYNC_SYS_(sendmsg)(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if ((it->flags & ASYNC_FD_BLOCKS_) != 0) {
        return async_fd_write_(it, fd, pieces->iov_base, pieces->iov_len);
    }
    return ASYNC_SYS_(writev)(fd, pieces, count);
}

ASYNC_API async_status async_writev(int fd, const struct iovec *pieces,
                                    int count)
{
    struct iovec first;
    async_status rc;
    async_fd_ *it = async_fd_enter_(fd, &rc);
    ptrdiff_t n;

    if (it == NULL) {
        return rc;
    }
    rc = async_fd_pieces_(it, &pieces, &count, &first);
    if (rc < 0) {
        return rc;
    }
    if (!async_fd_may_(it, ASYNC_FD_OUT_)) {
        return async_fd_park_(it, ASYNC_WRITES_, "async_writev");
    }
    n = async_fd_writev_(it, fd, pieces, count);
    if (n < 0) {
        return async_fd_failed_(it, ASYNC_WRITES_, "async_writev");
    }
    return (async_status)n;
}

/* The count is in the caller's memory, so that whoever ends the wait finds it:
 * o. Only the last of the inner operations may have been suspended. */
ASYNC_API async_status async_read_exactly(int fd, void *buffer, size_t length,
                                          size_t *done)
{
    if (done == NULL || *done > length || (buffer == NULL && length != 0)) {
        return async_settle_(async_self_(), ASYNC_EINVAL);
    }
    while (*done < length) {
        async_status n = async_read(fd, (char *)buffer + *done,
                                    length - *done);

        if (n <= 0) {
            return n == 0 ? ASYNC_EPIPE : n;
        }
        *done += (size_t)n;
    }
    *done = 0;
    return (async_status)async_fd_length_(length);
}

ASYNC_API async_status async_write_all(int fd, const void *buffer,
                                       size_t length, size_t *done)
{
    if (done == NULL || *done > length || (buffer == NULL && length != 0)) {
        return async_settle_(async_self_(), ASYNC_EINVAL);
    }
    while (*done < length) {
        async_status n = async_write(fd, (const char *)buffer + *done,
                                     length - *done);

        if (n < 0) {
            return n;
        }
        *done += (size_t)n;
    }
    *done = 0;
    return (async_status)async_fd_length_(length);
}

/* ---- making and closing -------------------------------------------------- */

static int async_fd_nonblocking_(int fd)
{
    int flags = ASYNC_SYS_(fcntl)(fd, F_GETFL);

    if (flags < 0 || ASYNC_SYS_(fcntl)(fd, F_SETFL, flags | O_NONBLOCK) < 0
        || ASYNC_SYS_(fcntl)(fd, F_SETFD, FD_CLOEXEC) < 0) {
        return -errno;
    }
    return 0;
}

ASYNC_API int async_pipe(int ends[2])
{
    int i, err = 0;

    if (ends == NULL) {
        return ASYNC_EINVAL;
    }
    if (ASYNC_SYS_(pipe)(ends) < 0) {
        return -errno;
    }
    for (i = 0; i < 2 && err == 0; i++) {
        err = async_fd_nonblocking_(ends[i]);
    }
    if (err < 0) {
        (void)close(ends[0]);
        (void)close(ends[1]);
        return err;
    }
    if (async_this_loop_ != NULL) {
        async_fd_adopt_(ends[0], ASYNC_FD_SHORT_);
        async_fd_adopt_(ends[1], 0);
    }
    return 0;
}

ASYNC_API int async_detach(int fd)
{
    struct async_fds *fds = async_this_loop_ == NULL ? NULL
                                                     : async_this_loop_->fds;
    async_fd_ *it = fds == NULL ? NULL : async_fd_find_(fds, fd);

    if (fd < 0) {
        return ASYNC_EBADF;
    }
    if (it != NULL) {
        async_backend_forget_(fds, it);                         /* b */
        async_fd_reset_(fds, it, ASYNC_EBADF);                      /* a */
    }
    return 0;
}

ASYNC_API int async_close(int fd)
{
    int err = async_detach(fd);

    if (err == 0 && ASYNC_SYS_(close)(fd) < 0
        && errno != EINTR && errno != EINPROGRESS) {
        err = -errno;           /* after those two it is closed all the same */
    }
    return err;
}

/* ---- what the loop asks for ---------------------------------------------- */

ASYNC_API const struct timespec *async_timespec_(async_duration ticks,
                                                 struct timespec *time)
{
    if (ticks == ASYNC_NEVER) {
        return NULL;
    }
    time->tv_sec = (time_t)(ticks / ASYNC_TICK_HZ);
    time->tv_nsec = (long)(((int64_t)(ticks % ASYNC_TICK_HZ) * 1000000000
                            + (ASYNC_TICK_HZ - 1)) / ASYNC_TICK_HZ);
    if (time->tv_nsec >= 1000000000) {
        time->tv_nsec = 0;
        time->tv_sec++;
    }
    return time;
}

ASYNC_API void async_port_idle_(async_loop *loop, async_duration ticks)
{
    struct async_fds *fds = loop->fds;
    struct timespec time;

    if (fds == NULL || (fds->waiting == 0 && fds->wake[0] < 0)) {
        if (fds != NULL) {
            fds->busy = NULL;
        }
        if (ticks != 0) {
            const struct timespec *limit = async_timespec_(ticks, &time);

            while (limit == NULL) {         /* only a signal handler may act */
                (void)pause();
                return;
            }
            (void)nanosleep(limit, NULL);
        }
        return;
    }
    fds->busy = NULL;
    if (ticks != 0 || fds->waiting != 0) {
        async_backend_wait_(fds, ticks);
    }
}

ASYNC_API bool async_port_waits_(const async_loop *loop)
{
    return loop->fds != NULL && loop->fds->waiting != 0;
}

ASYNC_API int async_port_wakeable_(async_loop *loop)
{
    int err = 0;
    struct async_fds *fds = async_fds_(loop, &err);

    if (fds == NULL) {
        return err;
    }
    if (fds->wake[0] < 0) {
#ifdef __linux__
        fds->wake[0] = ASYNC_SYS_(eventfd)(0, EFD_NONBLOCK | EFD_CLOEXEC);
        fds->wake[1] = fds->wake[0];
        if (fds->wake[0] < 0) {
            return -errno;
        }
#else
        err = async_pipe(fds->wake);
        if (err < 0) {
            fds->wake[0] = fds->wake[1] = -1;
            return err;
        }
#endif
    }
    return async_backend_open_(fds);
}

/* From a signal handler or another thread. A pipe that is full wakes too. */
ASYNC_API void async_port_wake_(async_loop *loop)
{
    const uint64_t one = 1;
    int before = errno;
    ptrdiff_t n;

    do {
        n = ASYNC_SYS_(write)(loop->fds->wake[1], &one, sizeof one);
    } while (n < 0 && errno == EINTR);
    errno = before;
}

ASYNC_API void async_port_cancel_all_(async_loop *loop)
{
    struct async_fds *fds = loop->fds;
    unsigned fd;
    int i;

    for (fd = 0; fds != NULL && fd < fds->limit; fd++) {
        async_fd_ *it = async_fd_find_(fds, (int)fd);

        if (it == NULL) {
            fd += ASYNC_CHUNK_ - 1;
            continue;
        }
        for (i = 0; i < 2; i++) {
            while (it->waiters[i] != NULL) {
                async_cancel(ASYNC_TASK_(it->waiters[i]->next));
            }
        }
    }
}

ASYNC_API int async_port_close_(async_loop *loop)
{
    struct async_fds *fds = loop->fds;
    unsigned i;

    if (fds == NULL) {
        return 0;
    }
    loop->fds = NULL;
    async_backend_close_(fds);
    for (i = 0; i < 2; i++) {
        if (fds->wake[i] >= 0 && (i == 0 || fds->wake[1] != fds->wake[0])) {
            (void)close(fds->wake[i]);
        }
    }
    for (i = 0; i < fds->limit; i += ASYNC_CHUNK_) {
        free(fds->entries[i]);
    }
    free(fds->entries);
    free(fds);
    return 0;
}

/* ===========================================================================
 * fd: the operations on any descriptor. The letters are those of fd.h.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "config.h"
#if ASYNC_HOSTED
#include "fd_table.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#ifndef PIPE_BUF
#define PIPE_BUF 512
#endif

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
        loop->waiting--;
        if (async_fd_is_young_(loop->fds, async_fd_find_(loop->fds, fd))) {
            return async_deliver_(task);
        }
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
    fds = async_fds_(loop, &rc);
    if (fds == NULL) {
        return rc;
    }
    if (async_fd_share_is_over_(fds, task)) {
        return async_fd_give_way_(task, 0);
    }
    if (fd < 0) {
        return ASYNC_EBADF;
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

static ptrdiff_t async_fd_read_(const async_fd_ *it, int fd, void *buffer,
                                size_t length)
{
    if ((it->flags & ASYNC_FD_SOCKET_) != 0) {
        return ASYNC_SYS_(recv)(fd, buffer, length, MSG_DONTWAIT);
    }
    if ((it->flags & ASYNC_FD_BLOCKS_) != 0 && !async_fd_ready_(fd, POLLIN)) {
        return -1;
    }
    return ASYNC_SYS_(read)(fd, buffer, length);
}

/* Whatever way it goes. */
ASYNC_APART_ async_status async_read_any_(int fd, void *buffer, size_t length)
{
    async_status rc;
    async_fd_ *it;
    ptrdiff_t n;

    if (buffer == NULL && length != 0) {
        return async_settle_(async_self_(), ASYNC_EINVAL);
    }
    it = async_fd_enter_(fd, &rc);
    if (it == NULL) {
        return rc;
    }
    if (length == 0) {
        return 0;               /* as read(2), which takes no datagram then */
    }
    if (!async_fd_may_(it, ASYNC_FD_EMPTY_)) {
        return async_fd_park_(it, ASYNC_READS_, "async_read");
    }
    length = async_fd_length_(length);
    n = async_fd_read_(it, fd, buffer, length);
    if (ASYNC_UNLIKELY_(n < 0)) {
        return async_fd_failed_(it, ASYNC_READS_, "async_read");
    }
    return async_fd_got_(it, n, length);
}

/* All that was asked for, the end, or an error: so it need not be empty. */
ASYNC_API async_status async_fd_read_on_(ptrdiff_t n)
{
    async_fd_ *it = async_this_fd_;

    it->flags &= ~(unsigned)ASYNC_FD_EMPTY_;
    return n >= 0 ? (async_status)n
                  : async_fd_failed_(it, ASYNC_READS_, "async_read");
}

#if ASYNC_QUICK_

/* What is left of the quick way: of a pipe that has bytes, and of whatever is
 * empty and was not the last that somebody was told of, or was not written. */
ASYNC_API async_status async_read_(int fd, void *buffer, size_t length)
{
    async_task *task = async_this_task_;

    if (task->timer.node.state == ASYNC_TOLD_) {
        async_fd_ *it = (async_fd_ *)(void *)task->timer.u.ring;

        if (it->fd == fd && it->flags == (ASYNC_FD_PIPE_ | ASYNC_FD_TOLD_)) {
            ptrdiff_t n;

            async_this_fd_ = it;
            task->timer.node.state = ASYNC_RUNNING_;
            it->flags = ASYNC_FD_PIPE_ | ASYNC_FD_EMPTY_;           /* e */
            n = ASYNC_SYS_(read)(fd, buffer, length);
            return ASYNC_LIKELY_((size_t)n - 1 < length - 1)
                ? (async_status)n : async_fd_read_on_(n);
        }
    } else if (task->timer.node.state == ASYNC_RUNNING_
               && length - 1 < INT_MAX && buffer != NULL) {
        async_fd_ *it = async_this_fd_;
        unsigned flags;

        if (it->fd != fd) {
            async_loop *loop = async_this_loop_;

            it = (unsigned)fd < loop->known && ASYNC_BACKEND_WAITS_(loop->fds)
                ? loop->fds->entries[(unsigned)fd] : &async_fd_nobodys_;
        }
        flags = it->flags & ~(unsigned)ASYNC_FD_WROTE_;
        if (flags == (ASYNC_FD_TCP_ | ASYNC_FD_EMPTY_)
            || flags == (ASYNC_FD_PIPE_ | ASYNC_FD_EMPTY_)) {
            return async_fd_rests_(it, task, flags);
        }
    }
    return async_read_any_(fd, buffer, length);
}
#else
ASYNC_API async_status async_read_(int fd, void *buffer, size_t length)
{
    return async_read_any_(fd, buffer, length);
}
#endif

ASYNC_HOT_ ptrdiff_t async_fd_write_(const async_fd_ *it, int fd,
                                     const void *buffer, size_t length)
{
    if ((it->flags & ASYNC_FD_SOCKET_) != 0) {
        return ASYNC_SYS_(send)(fd, buffer, length,
                                MSG_DONTWAIT | ASYNC_NOSIGNAL_);
    }
    if ((it->flags & ASYNC_FD_BLOCKS_) != 0) {                      /* h */
        if (!async_fd_ready_(fd, POLLOUT)) {
            return -1;
        }
        length = length > PIPE_BUF ? PIPE_BUF : length;
    }
    return ASYNC_SYS_(write)(fd, buffer, length);
}

ASYNC_APART_ async_status async_write_any_(int fd, const void *buffer,
                                           size_t length)
{
    async_status rc;
    async_fd_ *it = async_fd_enter_(fd, &rc);
    ptrdiff_t n;

    if (it == NULL) {
        return rc;
    }
    if (buffer == NULL && length != 0) {
        return ASYNC_EINVAL;
    }
    if (!async_fd_may_(it, ASYNC_FD_STUCK_)) {
        return async_fd_park_(it, ASYNC_WRITES_, "async_write");
    }
    length = async_fd_length_(length);
    n = async_fd_write_(it, fd, buffer, length);
    if (ASYNC_UNLIKELY_(n < 0)) {
        return async_fd_failed_(it, ASYNC_WRITES_, "async_write");
    }
    return async_fd_put_(it, n, length);
}

ASYNC_APART_ async_status async_write_rest_(int fd, const void *buffer,
                                            size_t length, size_t *done)
{
    if (done == NULL || *done > length || (buffer == NULL && length != 0)) {
        return async_settle_(async_self_(), ASYNC_EINVAL);
    }
    while (*done < length) {
        async_status n = async_write_any_(fd, (const char *)buffer + *done,
                                          length - *done);

        if (n < 0) {
            return n;
        }
        *done += (size_t)n;
    }
    *done = 0;
    return (async_status)async_fd_length_(length);
}

/* It has taken a part, or nothing. */
static async_status async_fd_write_ended_(async_fd_ *it, ptrdiff_t n,
                                          size_t *done)
{
    if (n < 0) {
        return async_fd_failed_(it, ASYNC_WRITES_, done == NULL
                                    ? "async_write" : "async_write_all");
    }
    it->flags |= ASYNC_FD_STUCK_;
    if (done != NULL) {
        *done = (size_t)n;
        return async_fd_park_(it, ASYNC_WRITES_, "async_write_all");
    }
    return (async_status)n;
}

ASYNC_API async_status async_fd_write_on_(ptrdiff_t n, bool all)
{
    return async_fd_write_ended_(async_this_fd_, n,
                                 all ? async_this_task_->timer.u.done : NULL);
}

#if ASYNC_QUICK_

/* One more operation; false if somebody is to look who made so many: the
 * function that goes on from here does, and counts it again. */
ASYNC_HOT_ bool async_fd_counts_(struct async_fds *fds)
{
    if (ASYNC_LIKELY_(--fds->left != 0)) {
        return true;
    }
    fds->left = 1;
    return false;
}

/* What is left of the quick way: nobody waits to write, as all was taken until
 * now, by a TCP socket (who reads, or will, is the same to a write) or by a
 * pipe, whose writing end has mostly never been waited for. */
ASYNC_HOT_ async_fd_ *async_fd_takes_(int fd, const void *buffer,
                                      size_t length)
{
    async_loop *loop = async_this_loop_;

    if ((unsigned)fd < loop->known && length - 1 < INT_MAX && buffer != NULL
        && async_this_task_->timer.node.state == ASYNC_RUNNING_) {
        async_fd_ *it = loop->fds->entries[(unsigned)fd];

        if (((it->flags & ~(unsigned)(ASYNC_FD_EMPTY_ | ASYNC_FD_READER_
                                      | ASYNC_FD_AGE_ | ASYNC_FD_TOLD_
                                      | ASYNC_FD_WROTE_)) == ASYNC_FD_TCP_
             || (it->flags | ASYNC_FD_ADDED_) == ASYNC_FD_PIPE_)
            && async_fd_counts_(loop->fds)) {
            return it;
        }
    }
    return NULL;
}

ASYNC_HOT_ async_status async_fd_give_(async_fd_ *it, int fd,
                                       const void *buffer, size_t length,
                                       size_t *done)
{
    ptrdiff_t n = (it->flags & ASYNC_FD_SOCKET_) != 0
        ? ASYNC_SYS_(send)(fd, buffer, length, MSG_DONTWAIT | ASYNC_NOSIGNAL_)
        : ASYNC_SYS_(write)(fd, buffer, length);

    return ASYNC_LIKELY_((size_t)n == length)
        ? (async_status)n : async_fd_write_ended_(it, n, done);
}

ASYNC_API async_status async_write_(int fd, const void *buffer, size_t length)
{
    async_fd_ *it = async_fd_takes_(fd, buffer, length);

    return ASYNC_LIKELY_(it != NULL)
        ? async_fd_give_(it, fd, buffer, length, NULL)
        : async_write_any_(fd, buffer, length);
}

ASYNC_API async_status async_write_all_(int fd, const void *buffer,
                                        size_t length, size_t *done)
{
    async_fd_ *it = done == NULL || *done != 0 ? NULL
        : async_fd_takes_(fd, buffer, length);

    return ASYNC_LIKELY_(it != NULL)
        ? async_fd_give_(it, fd, buffer, length, done)
        : async_write_rest_(fd, buffer, length, done);
}
#else
ASYNC_API async_status async_write_(int fd, const void *buffer, size_t length)
{
    return async_write_any_(fd, buffer, length);
}

ASYNC_API async_status async_write_all_(int fd, const void *buffer,
                                        size_t length, size_t *done)
{
    return async_write_rest_(fd, buffer, length, done);
}
#endif

/* ---- several pieces, and all of something -------------------------------- */

enum { ASYNC_FD_PIECES_ = 1024 };       /* what Linux and the BSDs take */

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

    if (*count < 0 || *count > ASYNC_FD_PIECES_
        || (all == NULL && *count != 0)) {
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
        message.msg_iovlen = (unsigned short)count;    /* size_t or int */
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
    if (!async_fd_may_(it, ASYNC_FD_EMPTY_)) {
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
        message.msg_iovlen = (unsigned short)count;    /* size_t or int */
        return ASYNC_SYS_(sendmsg)(fd, &message,
                                   MSG_DONTWAIT | ASYNC_NOSIGNAL_);
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
    if (!async_fd_may_(it, ASYNC_FD_STUCK_)) {
        return async_fd_park_(it, ASYNC_WRITES_, "async_writev");
    }
    n = async_fd_writev_(it, fd, pieces, count);
    if (n < 0) {
        return async_fd_failed_(it, ASYNC_WRITES_, "async_writev");
    }
    return async_fd_put_(it, n, (size_t)rc);
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


#endif

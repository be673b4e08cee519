/* ===========================================================================
 * fd_kqueue: descriptors by kqueue, edge-triggered, for macOS and the BSDs.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "config.h"
#if ASYNC_HOSTED
#include "fd_table.h"

#if ASYNC_KQUEUE

#include <sys/types.h>
#include <sys/event.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* An event brings back the generation for which its filter was added. Of two
 * systems, the one's `udata` is a pointer, and the other one's a number. */
static void async_kqueue_set_(struct kevent *change, int ident, int filter,
                              unsigned flags, int generation)
{
    memset(change, 0, sizeof *change);
    change->ident = (uintptr_t)ident;
    change->filter = (short)filter;
    change->flags = (unsigned short)flags;
    change->udata = (__typeof__(change->udata))(intptr_t)generation;
}

/* With no room for events, the first change that fails ends the call. */
static int async_kqueue_ctl_(int kqueue, const struct kevent *changes, int n)
{
    int rc;

    do {
        rc = ASYNC_SYS_(kevent)(kqueue, changes, n, NULL, 0, NULL);
    } while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : 0;
}

ASYNC_API int async_backend_open_(struct async_fds *fds)
{
    struct kevent wake;

    if (fds->backend < 0) {
        fds->backend = ASYNC_SYS_(kqueue)();
        if (fds->backend < 0) {
            return -errno;
        }
        (void)fcntl(fds->backend, F_SETFD, FD_CLOEXEC);
    }
    if (fds->wake[0] < 0) {
        return 0;
    }
    async_kqueue_set_(&wake, fds->wake[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0);
    return async_kqueue_ctl_(fds->backend, &wake, 1);
}

ASYNC_API void async_backend_close_(struct async_fds *fds)
{
    if (fds->backend >= 0) {
        (void)close(fds->backend);
    }
}

/* Both directions at once, so that it is done for good; to add a filter that
 * is there is to look anew. What has no such filter (some devices) is said to
 * be always ready; and so is a pipe whose other end is gone, for whose writing
 * there is none any more. */
ASYNC_API int async_backend_arm_(struct async_fds *fds, async_fd_ *it)
{
    struct kevent both[2];
    int err = fds->backend < 0 ? async_backend_open_(fds) : 0;

    if (err < 0) {
        return err;
    }
    async_kqueue_set_(&both[0], it->fd, EVFILT_READ, EV_ADD | EV_CLEAR,
                      it->generation);
    async_kqueue_set_(&both[1], it->fd, EVFILT_WRITE, EV_ADD | EV_CLEAR,
                      it->generation);
    err = async_kqueue_ctl_(fds->backend, both, 2);
    it->flags |= ASYNC_FD_ADDED_;
    if (err == 0) {
        return 0;
    }
    async_backend_forget_(fds, it);             /* of one filter, perhaps */
    return err == -EINVAL || err == -ENODEV || err == -EOPNOTSUPP
                   || err == -ENOTSUP || err == -EPIPE
               ? ASYNC_EPERM : err;
}

ASYNC_API void async_backend_forget_(struct async_fds *fds, async_fd_ *it)
{
    struct kevent change;

    if ((it->flags & ASYNC_FD_ADDED_) != 0) {
        async_kqueue_set_(&change, it->fd, EVFILT_READ, EV_DELETE, 0);
        (void)async_kqueue_ctl_(fds->backend, &change, 1);
        async_kqueue_set_(&change, it->fd, EVFILT_WRITE, EV_DELETE, 0);
        (void)async_kqueue_ctl_(fds->backend, &change, 1);
        it->flags &= ~(unsigned)ASYNC_FD_ADDED_;
    }
}

ASYNC_API void async_backend_tick_(struct async_fds *fds)
{
    struct kevent second;

    async_kqueue_set_(&second, 0, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0);
    second.data = 1000;                     /* ms, where nothing else is said */
    fds->ticking = async_kqueue_ctl_(fds->backend, &second, 1) == 0;
}

/* Urgent data is not told of everywhere: what stands behind it may be read a
 * second or two late, when the wait is looked after. */
static void async_kqueue_event_(struct async_fds *fds,
                                const struct kevent *event)
{
    async_fd_ *it;
    unsigned ends;

    if (event->filter == EVFILT_TIMER) {
        fds->verify = true;
        return;
    }
    if ((int)event->ident == fds->wake[0]) {
        async_fds_woken_(fds);
        return;
    }
    it = async_fd_find_(fds, (int)event->ident);
    if (it == NULL || it->generation != (int)(intptr_t)event->udata) {  /* a */
        return;
    }
    ends = event->filter == EVFILT_READ ? ASYNC_FD_EMPTY_ : ASYNC_FD_STUCK_;
    if ((event->flags & (EV_EOF | EV_ERROR)) != 0) {
        it->flags &= ~(unsigned)ASYNC_FD_SHORT_;                    /* e */
        ends = ASYNC_FD_EMPTY_ | ASYNC_FD_STUCK_;                   /* d */
    }
    async_fd_event_(it, ends);
}

/* Longer waits than 11 days are refused by some: the loop waits again. */
#define ASYNC_KQUEUE_LONGEST_ 1000000

ASYNC_API void async_backend_wait_(struct async_fds *fds, async_duration ticks)
{
    struct kevent events[256];
    struct timespec time;
    const struct timespec *limit = async_timespec_(ticks, &time);
    int n, i;

    if (limit != NULL && time.tv_sec > ASYNC_KQUEUE_LONGEST_) {
        time.tv_sec = ASYNC_KQUEUE_LONGEST_;
    }
    n = ASYNC_SYS_(kevent)(fds->backend, NULL, 0, events, 256, limit);
    for (i = 0; i < n; i++) {
        async_kqueue_event_(fds, &events[i]);
    }
    if (fds->verify) {
        async_fds_verify_(fds);
    }
}

#endif

#endif

/* ===========================================================================
 * fd_epoll: descriptors by epoll, edge-triggered.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "config.h"
#if ASYNC_HOSTED
#include "fd_table.h"

#if !ASYNC_POLL && !ASYNC_KQUEUE

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* An event names the descriptor in its lower half, and the generation in the
 * upper. The loop's own have the epoll's number, whose entry nobody uses, and
 * one of these for a generation. */
#define ASYNC_EVENT_WAKE_ 0
#define ASYNC_EVENT_SECOND_ UINT32_MAX

#define ASYNC_EVENT_(generation, fd) \
    ((uint64_t)(uint32_t)(generation) << 32 | (uint32_t)(fd))

static int async_epoll_ctl_(int epoll, int what, int fd, uint32_t interest,
                            uint64_t data)
{
    struct epoll_event event;
    int rc;

    event.events = interest | EPOLLET;
    event.data.u64 = data;
    do {
        rc = ASYNC_SYS_(epoll_ctl)(epoll, what, fd, &event);
    } while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : 0;
}

ASYNC_API int async_backend_open_(struct async_fds *fds)
{
    int err = 0;

    if (fds->backend < 0) {
        fds->backend = ASYNC_SYS_(epoll_create1)(EPOLL_CLOEXEC);
        if (fds->backend < 0) {
            return -errno;
        }
        if (async_fd_make_(fds, fds->backend, &err) == NULL) {
            (void)close(fds->backend);
            fds->backend = -1;
            return err;
        }
    }
    if (fds->wake[0] >= 0) {
        err = async_epoll_ctl_(fds->backend, EPOLL_CTL_ADD, fds->wake[0],
                               EPOLLIN, ASYNC_EVENT_(ASYNC_EVENT_WAKE_,
                                                     fds->backend));
        return err == ASYNC_EEXIST ? 0 : err;
    }
    return 0;
}

ASYNC_API void async_backend_close_(struct async_fds *fds)
{
    if (fds->backend >= 0) {
        (void)close(fds->backend);
    }
    if (fds->second >= 0) {
        (void)close(fds->second);
    }
}

/* Both directions at once, so that one registration does for good. */
ASYNC_API int async_backend_arm_(struct async_fds *fds, async_fd_ *it)
{
    int what = (it->flags & ASYNC_FD_ADDED_) != 0 ? EPOLL_CTL_MOD
                                                  : EPOLL_CTL_ADD;
    uint64_t data = ASYNC_EVENT_(it->generation, it->fd);
    uint32_t interest = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI;
    int err = fds->backend < 0 ? async_backend_open_(fds) : 0;

    if (err < 0) {
        return err;
    }
    err = async_epoll_ctl_(fds->backend, what, it->fd, interest, data);
    if (err == ASYNC_EEXIST) {
        err = async_epoll_ctl_(fds->backend, EPOLL_CTL_MOD, it->fd, interest,
                               data);
    } else if (err == ASYNC_ENOENT && what == EPOLL_CTL_MOD) {
        /* a: the number was closed behind our back, and is another file. */
        async_fd_reset_(fds, it, 0);
        return async_backend_arm_(fds, it);
    }
    if (err == 0) {
        it->flags |= ASYNC_FD_ADDED_;
    }
    return err;
}

ASYNC_API void async_backend_forget_(struct async_fds *fds, async_fd_ *it)
{
    if ((it->flags & ASYNC_FD_ADDED_) != 0) {
        (void)async_epoll_ctl_(fds->backend, EPOLL_CTL_DEL, it->fd, 0, 0);
        it->flags &= ~(unsigned)ASYNC_FD_ADDED_;
    }
}

/* A timer expires. */
ASYNC_API void async_backend_tick_(struct async_fds *fds)
{
    struct itimerspec second;

    if (fds->second < 0) {
        fds->second = ASYNC_SYS_(timerfd_create)(CLOCK_MONOTONIC,
                                                 TFD_NONBLOCK | TFD_CLOEXEC);
        if (fds->second < 0) {
            return;
        }
        if (async_epoll_ctl_(fds->backend, EPOLL_CTL_ADD, fds->second,
                             EPOLLIN, ASYNC_EVENT_(ASYNC_EVENT_SECOND_,
                                                   fds->backend)) < 0) {
            (void)close(fds->second);
            fds->second = -1;
            return;
        }
    }
    second.it_interval.tv_sec = 0;
    second.it_interval.tv_nsec = 0;
    second.it_value.tv_sec = 1;
    second.it_value.tv_nsec = 0;
    fds->ticking = ASYNC_SYS_(timerfd_settime)(fds->second, 0, &second,
                                               NULL) == 0;
}

#ifdef SYS_epoll_pwait2
/* The kernel's own structure, the same on 32-bit systems. */
static int async_epoll_pwait2_(int epoll, struct epoll_event *events,
                               int room, async_duration ticks)
{
    struct timespec time = {0, 0};
    struct { int64_t sec, nsec; } wide;

    (void)async_timespec_(ticks, &time);
    wide.sec = time.tv_sec;
    wide.nsec = time.tv_nsec;
    return (int)ASYNC_SYS_(syscall)(SYS_epoll_pwait2, epoll, events, room,
                                    &wide, NULL, (size_t)8);
}
#endif

/* l: an older kernel has only milliseconds here, but not in ppoll. */
ASYNC_APART_ int async_epoll_sleep_(struct async_fds *fds,
                                    struct epoll_event *events, int room,
                                    async_duration ticks)
{
    int epoll = fds->backend;
    struct timespec time;
    struct pollfd look;

#ifdef SYS_epoll_pwait2
    if (!fds->old) {
        int n = async_epoll_pwait2_(epoll, events, room, ticks);

        if (n >= 0 || errno == EINTR) {
            return n;
        }
        fds->old = true;
    }
#endif
    look.fd = epoll;
    look.events = POLLIN;
    (void)ASYNC_SYS_(ppoll)(&look, 1, async_timespec_(ticks, &time), NULL);
    return ASYNC_SYS_(epoll_wait)(epoll, events, room, 0);
}

/* An event of any kind. */
static void async_epoll_event_(struct async_fds *fds,
                               const struct epoll_event *event)
{
    uint64_t data = event->data.u64;
    uint32_t seen = event->events;
    async_fd_ *it = fds->entries[(uint32_t)data];

    if (it->generation != (int)(data >> 32)) {      /* a: its predecessor's */
        fds->verify |= data >> 32 == ASYNC_EVENT_SECOND_;
        return;
    }
    if ((seen & ~(uint32_t)(EPOLLIN | EPOLLOUT)) != 0) {
        it->flags &= ~(unsigned)ASYNC_FD_SHORT_;                    /* e */
        seen |= EPOLLIN;
        if ((seen & (EPOLLHUP | EPOLLERR)) != 0) {                  /* d */
            seen |= EPOLLOUT;
        }
        seen &= EPOLLIN | EPOLLOUT;
    }
    async_fd_event_(it, seen);
}

/* Is it the usual event, bytes for a task that waits in async_read? A TCP
 * socket can be written, too. If it is its predecessor's, the task reads in
 * vain, and waits again: a. */
ASYNC_HOT_ bool async_epoll_bytes_(const async_fd_ *it, uint32_t seen)
{
    return (seen == (EPOLLIN | EPOLLOUT)
            && it->flags == (ASYNC_FD_TCP_ | ASYNC_FD_EMPTY_
                             | ASYNC_FD_READER_))
        || (seen == EPOLLIN
            && it->flags == (ASYNC_FD_PIPE_ | ASYNC_FD_EMPTY_
                             | ASYNC_FD_READER_));
}

/* Its task is woken, and knows by what; false if none waits any more. */
ASYNC_HOT_ bool async_epoll_tell_(async_loop *loop, async_fd_ *it)
{
    async_node *node = it->waiters[ASYNC_READS_];

    if (ASYNC_UNLIKELY_(node == NULL)) {
        return false;
    }
    it->waiters[ASYNC_READS_] = NULL;
    it->flags += ASYNC_FD_TOLD_ - ASYNC_FD_EMPTY_ - ASYNC_FD_READER_;
    node->state -= ASYNC_LINKED_ - ASYNC_TOLD_;
    async_ready_(loop, ASYNC_TASK_(node));
    return true;
}

/* The rest of the events, from the first one that is not as usual; and what is
 * seldom to be done besides. */
ASYNC_APART_ void async_epoll_pass_(async_loop *loop,
                                    const struct epoll_event *event,
                                    const struct epoll_event *end)
{
    struct async_fds *fds = loop->fds;

    for (; event != end; event++) {
        async_fd_ *it = fds->entries[(uint32_t)event->data.u64];

        if (!async_epoll_bytes_(it, event->events)
            || !async_epoll_tell_(loop, it)) {
            loop->waiting++;
            async_epoll_event_(fds, event);
        }
    }
    if (fds->verify) {
        async_fds_verify_(fds);
    }
}

ASYNC_API void async_backend_wait_(struct async_fds *fds, async_duration ticks)
{
    struct epoll_event events[256];
    const struct epoll_event *event = events;
    const struct epoll_event *end;
    async_loop *loop;
    async_fd_ **entries;
    int n = ASYNC_LIKELY_(ticks == ASYNC_NEVER || ticks == 0)
        ? ASYNC_SYS_(epoll_wait)(fds->backend, events, 256,
                                 ticks == 0 ? 0 : -1)
        : async_epoll_sleep_(fds, events, 256, ticks);

    if (n <= 0) {
        return;
    }
    loop = async_this_loop_;
    entries = loop->fds->entries;
    loop->waiting -= (unsigned)n;       /* less who is woken elsewhere */
    end = events + n;
    do {
        async_fd_ *it = entries[(uint32_t)event->data.u64];

        if (ASYNC_UNLIKELY_(!async_epoll_bytes_(it, event->events)
                            || !async_epoll_tell_(loop, it))) {
            async_epoll_pass_(loop, event, end);
            break;
        }
    } while (++event != end);
}

#endif

#endif

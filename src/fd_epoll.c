/* ===========================================================================
 * fd_epoll: descriptors by epoll, edge-triggered.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "config.h"
#if ASYNC_HOSTED
#include "fd_table.h"

#if !ASYNC_POLL

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* An event names the descriptor in its lower half, which one of these is not,
 * and the generation in the upper. */
#define ASYNC_EVENT_WAKE_ UINT32_MAX
#define ASYNC_EVENT_SECOND_ (UINT32_MAX - 1)

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
    if (fds->backend < 0) {
        fds->backend = ASYNC_SYS_(epoll_create1)(EPOLL_CLOEXEC);
        if (fds->backend < 0) {
            return -errno;
        }
    }
    if (fds->wake[0] >= 0) {
        int err = async_epoll_ctl_(fds->backend, EPOLL_CTL_ADD, fds->wake[0],
                                   EPOLLIN, ASYNC_EVENT_WAKE_);

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
    uint64_t data = (uint64_t)it->generation << 32 | (uint32_t)it->fd;
    uint32_t interest = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI;
    int err = async_backend_open_(fds);

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
        it->flags &= (unsigned char)~ASYNC_FD_ADDED_;
    }
}

/* Let the timer expire a second from now. Without it nothing is lost but the
 * answer to what other code does to our descriptors. */
static void async_epoll_tick_(struct async_fds *fds)
{
    struct itimerspec second;

    if (fds->second < 0) {
        fds->second = ASYNC_SYS_(timerfd_create)(CLOCK_MONOTONIC,
                                                 TFD_NONBLOCK | TFD_CLOEXEC);
        if (fds->second < 0) {
            return;
        }
        if (async_epoll_ctl_(fds->backend, EPOLL_CTL_ADD, fds->second,
                             EPOLLIN, ASYNC_EVENT_SECOND_) < 0) {
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

ASYNC_API int async_backend_waits_(struct async_fds *fds, async_fd_ *it)
{
    if ((it->flags & ASYNC_FD_ADDED_) == 0) {
        int err = async_backend_arm_(fds, it);

        if (err < 0) {
            return err;
        }
    }
    if (!fds->ticking) {
        async_epoll_tick_(fds);
    }
    return 0;
}

/* A second has passed. Waits that have lasted for longer are armed anew, once:
 * then the kernel says what is ready now, or that it does not know them. The
 * timer goes on only while there are younger ones. */
static void async_epoll_verify_(struct async_fds *fds)
{
    bool younger = false;
    unsigned fd;

    for (fd = 0; fd < fds->limit; fd++) {
        async_fd_ *it = async_fd_find_(fds, (int)fd);

        if (it == NULL) {
            fd += ASYNC_CHUNK_ - 1;
            continue;
        }
        if ((it->waiters[ASYNC_READS_] == NULL
             && it->waiters[ASYNC_WRITES_] == NULL) || it->age == 2) {
            continue;
        }
        it->age++;
        if (it->age < 2) {
            younger = true;
        } else if (async_backend_arm_(fds, it) < 0) {
            async_fd_reset_(fds, it, 0);
        }
    }
    fds->ticking = false;
    if (younger) {
        async_epoll_tick_(fds);
    }
}

#ifdef SYS_epoll_pwait2
/* The kernel's own structure, the same on 32-bit systems. */
static int async_epoll_pwait2_(int epoll, struct epoll_event *events,
                               int room, async_duration ticks)
{
    struct timespec time;
    struct { int64_t sec, nsec; } wide;

    (void)async_timespec_(ticks, &time);
    wide.sec = time.tv_sec;
    wide.nsec = time.tv_nsec;
    return (int)ASYNC_SYS_(syscall)(SYS_epoll_pwait2, epoll, events, room,
                                    &wide, NULL, (size_t)8);
}
#endif

/* l: an older kernel has only milliseconds here, but not in ppoll. */
static int async_epoll_wait_(struct async_fds *fds,
                             struct epoll_event *events, int room,
                             async_duration ticks)
{
    int epoll = fds->backend;
    struct timespec time;
    struct pollfd look;

    if (ticks == ASYNC_NEVER) {
        return ASYNC_SYS_(epoll_wait)(epoll, events, room, -1);
    }
    if (ticks != 0) {
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
    }
    return ASYNC_SYS_(epoll_wait)(epoll, events, room, 0);
}

ASYNC_API void async_backend_wait_(struct async_fds *fds, async_duration ticks)
{
    struct epoll_event events[256];
    async_fd_ **entries = fds->entries;
    unsigned limit = fds->limit;
    bool second = false;
    int n = async_epoll_wait_(fds, events, 256, ticks);
    int i;

    for (i = 0; i < n; i++) {
        uint64_t data = events[i].data.u64;
        uint32_t seen = events[i].events;
        async_fd_ *it;

        if (ASYNC_UNLIKELY_((uint32_t)data >= limit)) {
            second |= (uint32_t)data == ASYNC_EVENT_SECOND_;
            continue;
        }
        it = entries[(uint32_t)data];
        if (ASYNC_UNLIKELY_(it->generation != (int)(data >> 32))) {
            continue;                           /* a: its predecessor's */
        }
        if (ASYNC_UNLIKELY_((seen & ~(uint32_t)(EPOLLIN | EPOLLOUT)) != 0)) {
            it->flags &= (unsigned char)~ASYNC_FD_SHORT_;           /* e */
            seen |= EPOLLIN;
            if ((seen & (EPOLLHUP | EPOLLERR)) != 0) {              /* d */
                seen |= EPOLLOUT;
            }
            seen &= EPOLLIN | EPOLLOUT;
        }
        async_fd_event_(fds, it, seen);
    }
    if (ASYNC_UNLIKELY_(second)) {
        async_epoll_verify_(fds);
    }
}

#endif

#endif

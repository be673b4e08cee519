/* ===========================================================================
 * fd_poll: descriptors by poll(2), for systems with neither epoll nor kqueue.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "config.h"
#if ASYNC_HOSTED
#include "fd_table.h"

#if ASYNC_POLL

#include <stdlib.h>
#include <unistd.h>

/* poll is told everything anew each time, so there is nothing to register;
 * what may fail is the room for telling it. One is for the wake-up. */
static int async_poll_room_(struct async_fds *fds, unsigned wanted)
{
    struct pollfd *polls;
    unsigned room = fds->room == 0 ? 16 : fds->room;

    if (wanted <= fds->room) {
        return 0;
    }
    while (room < wanted) {
        room *= 2;
    }
    polls = (struct pollfd *)ASYNC_SYS_(realloc)(fds->polls,
                                                 room * sizeof *polls);
    if (polls == NULL) {
        return ASYNC_ENOMEM;
    }
    fds->polls = polls;
    fds->room = room;
    return 0;
}

ASYNC_API int async_backend_open_(struct async_fds *fds)
{
    return async_poll_room_(fds, 1);
}

ASYNC_API void async_backend_close_(struct async_fds *fds)
{
    free(fds->polls);
}

/* Without room it is not looked at: then the operation fails, again if it is
 * tried again. */
static int async_poll_add_(struct async_fds *fds, async_fd_ *it)
{
    int err = async_poll_room_(fds, fds->limit + 1);

    if (err == 0) {
        it->flags |= ASYNC_FD_ADDED_;
    }
    return err;
}

ASYNC_API int async_backend_arm_(struct async_fds *fds, async_fd_ *it)
{
    return async_poll_add_(fds, it);
}

ASYNC_API void async_backend_forget_(struct async_fds *fds, async_fd_ *it)
{
    (void)fds;
    it->flags &= ~(unsigned)ASYNC_FD_ADDED_;
}

ASYNC_API int async_backend_waits_(struct async_fds *fds, async_fd_ *it)
{
    return async_poll_add_(fds, it);
}

static int async_poll_wait_(struct pollfd *polls, unsigned n,
                            async_duration ticks)
{
#ifdef __APPLE__
    struct timespec time;
    const struct timespec *limit = async_timespec_(ticks, &time);
    int ms = -1;

    if (limit != NULL) {
        ms = time.tv_sec > 1000000 ? 1000000000
                                   : (int)time.tv_sec * 1000
                                     + (int)((time.tv_nsec + 999999) / 1000000);
    }
    return ASYNC_SYS_(poll)(polls, n, ms);
#else
    struct timespec time;

    return ASYNC_SYS_(ppoll)(polls, n, async_timespec_(ticks, &time), NULL);
#endif
}

/* Not POLLPRI: it would come again and again until the urgent byte is read,
 * which a reader of the ordinary ones does not do. */
static unsigned async_poll_collect_(struct async_fds *fds)
{
    unsigned n = 0;
    unsigned fd;

    if (fds->wake[0] >= 0) {
        fds->polls[n].fd = fds->wake[0];
        fds->polls[n++].events = POLLIN;
    }
    for (fd = 0; fd < fds->limit; fd++) {
        async_fd_ *it = async_fd_find_(fds, (int)fd);
        short events;

        if (it == NULL) {
            fd += ASYNC_CHUNK_ - 1;
            continue;
        }
        events = (short)((it->waiters[ASYNC_READS_] != NULL
                          && (it->flags & ASYNC_FD_FULL_) == 0 ? POLLIN : 0)
                         | (it->waiters[ASYNC_WRITES_] != NULL ? POLLOUT : 0));
        if (events != 0 && n < fds->room) {
            fds->polls[n].fd = (int)fd;
            fds->polls[n++].events = events;
        }
    }
    return n;
}

ASYNC_API void async_backend_wait_(struct async_fds *fds, async_duration ticks)
{
    unsigned n = async_poll_collect_(fds);
    unsigned i;

    if (async_poll_wait_(fds->polls, n, ticks) <= 0) {
        return;
    }
    for (i = 0; i < n; i++) {
        short seen = fds->polls[i].revents;
        unsigned ends;
        async_fd_ *it;

        if (seen == 0) {
            continue;
        }
        if (fds->polls[i].fd == fds->wake[0]) {
            async_fds_woken_(fds);
            continue;
        }
        it = async_fd_find_(fds, fds->polls[i].fd);
        if ((seen & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
            it->flags &= ~(unsigned)ASYNC_FD_SHORT_;                /* e */
            async_fd_event_(it, ASYNC_FD_EMPTY_ | ASYNC_FD_STUCK_); /* d */
            continue;
        }
        ends = (seen & POLLIN) != 0 ? ASYNC_FD_EMPTY_ : 0;
        ends |= (seen & POLLOUT) != 0 ? ASYNC_FD_STUCK_ : 0;
        async_fd_event_(it, ends);
    }
}

#endif

#endif

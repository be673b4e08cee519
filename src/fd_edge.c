/* ===========================================================================
 * fd_edge: what the edge-triggered backends have in common. An edge that was
 * told before other code closed the descriptor, or read from it, does not come
 * again: so a wait that lasts is looked after, once.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "config.h"
#if ASYNC_HOSTED
#include "fd_table.h"

#if !ASYNC_POLL

ASYNC_API int async_backend_waits_(struct async_fds *fds, async_fd_ *it)
{
    if ((it->flags & ASYNC_FD_ADDED_) == 0) {
        int err = async_backend_arm_(fds, it);

        if (err < 0) {
            return err;
        }
    }
    if (!fds->ticking) {
        async_backend_tick_(fds);
    }
    return 0;
}

/* Waits that have lasted for more than a second are armed anew, once: then the
 * kernel says what is ready now, or that it does not know them. The timer goes
 * on only while there are younger ones. */
ASYNC_API void async_fds_verify_(struct async_fds *fds)
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
             && it->waiters[ASYNC_WRITES_] == NULL
             && (it->flags & ASYNC_FD_TOLD_) == 0)
            || (it->flags & ASYNC_FD_AGE_) == 2 * ASYNC_FD_SECOND_) {
            continue;
        }
        it->flags += ASYNC_FD_SECOND_;
        if ((it->flags & ASYNC_FD_AGE_) == ASYNC_FD_SECOND_) {
            younger = true;
        } else if (async_backend_arm_(fds, it) < 0) {
            async_fd_reset_(fds, it, 0);
        }
    }
    fds->verify = false;
    fds->ticking = false;
    if (younger) {
        async_backend_tick_(fds);
    }
    if (!fds->ticking) {
        async_port_rests_();            /* who waits again is to start it */
    }
}

#endif

#endif

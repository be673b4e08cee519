#pragma once
#include "fd.h"
#include "port.h"
/* ===========================================================================
 * fd_table: what a loop knows of each descriptor, and the few functions that
 * operations and backends are made of. Not a public part.
 *
 * Tasks that wait hang in the rings of an entry, so an entry never moves: the
 * table is an array of pointers. Entries are allocated by the chunk.
 *
 * A backend (fd_epoll.c, fd_kqueue.c, fd_poll.c) is the functions
 * async_backend_*: how to register a descriptor, and how to sleep until
 * something happens.
 * ======================================================================== */

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

/* Where a header of the system came first, it shows all but these two. */
#if defined __GLIBC__ && defined __USE_MISC && !defined __USE_GNU
extern int accept4(int fd, struct sockaddr *address, socklen_t *length,
                   int flags);
extern int ppoll(struct pollfd *all, nfds_t n, const struct timespec *wait,
                 const sigset_t *signals);
#endif

#define ASYNC_CHUNK_ 256        /* entries in a chunk */
#define ASYNC_BURST_ 64         /* operations without suspending: k */

ASYNC_INLINE_ async_fd_ *async_fd_find_(const struct async_fds *fds, int fd)
{
    async_fd_ *it = (unsigned)fd < fds->limit ? fds->entries[fd] : NULL;

    return it == &fds->none ? NULL : it;
}

/* Some have left: does nobody wait any more? */
ASYNC_INLINE_ void async_fd_alone_(async_fd_ *it)
{
    if (it->waiters[ASYNC_READS_] == NULL
        && it->waiters[ASYNC_WRITES_] == NULL) {
        it->flags &= ~(unsigned)(ASYNC_FD_READER_ | ASYNC_FD_CROWD_
                                 | ASYNC_FD_AGE_);
    }
}

/* Wake who waits. The result is an error; or the generation, when the backend
 * has seen an event; or 0: look again. Nearly always that is one task. */
ASYNC_API void async_fd_wake_all_(async_fd_ *it, int direction, int result);

ASYNC_HOT_ void async_fd_wake_(async_fd_ *it, int direction, int result)
{
    async_node *node = it->waiters[direction];

    if (node == NULL) {
        return;
    }
    if (ASYNC_UNLIKELY_(node->next != node)) {
        async_fd_wake_all_(it, direction, result);
        return;
    }
    it->waiters[direction] = NULL;
    async_this_loop_->waiting--;
    async_fd_alone_(it);
#if ASYNC_FAST_ && !ASYNC_NAMED_
    node->state -= ASYNC_LINKED_ - ASYNC_READY_;    /* as async_wake_ does */
    ASYNC_TASK_(node)->timer.u.result = result;
    async_ready_(async_this_loop_, ASYNC_TASK_(node));
#else
    async_wake_(ASYNC_TASK_(node), result);
#endif
}

/* An event, for reading or writing or both, as flags of what it ends. */
ASYNC_HOT_ void async_fd_event_(async_fd_ *it, unsigned ends)
{
    it->flags &= ~ends;
    if (it->waiters[ASYNC_READS_] != NULL && (ends & ASYNC_FD_EMPTY_) != 0) {
        async_fd_wake_(it, ASYNC_READS_, it->generation);
    }
    if (it->waiters[ASYNC_WRITES_] != NULL && (ends & ASYNC_FD_STUCK_) != 0) {
        async_fd_wake_(it, ASYNC_WRITES_, it->generation);
    }
}

/* The loop's table, made at first use; NULL and the error if it cannot be. */
ASYNC_API struct async_fds *async_fds_(async_loop *loop, int *err);

/* The entry of an open descriptor, made at first use. */
ASYNC_API async_fd_ *async_fd_make_(struct async_fds *fds, int fd, int *err);

/* The number is another file's from now on, or nobody's. */
ASYNC_API void async_fd_reset_(struct async_fds *fds, async_fd_ *it,
                               int result);

/* A descriptor that was just made, and what it is. */
ASYNC_API void async_fd_adopt_(int fd, unsigned flags);

/* Somebody opened `by` (a stream, say) over this descriptor, and is to close
 * it; a process may have none. It is over when the descriptor is closed; for
 * such a process this has to be said. The loop ends: what was never closed? */
#if ASYNC_DEBUG
ASYNC_API void async_held_open_(const void *by, int fd, int pid,
                                const char *kind, const char *file, int line);
ASYNC_API void async_held_close_(const void *by);
ASYNC_API void async_held_ends_(struct async_fds *fds);
#endif

/* What every operation begins with, each time it is evaluated: its entry, or
 * NULL when the operation is over (or lets others run first) with this status.
 * Here are the two ways that every request goes: the task runs on, or it is
 * back from the event that it waited for. */
ASYNC_API async_fd_ *async_fd_entry_other_(int fd, async_status *rc);

#define async_fd_enter_(fd, rc) \
    ((void)async_self_(), async_fd_entry_((fd), (rc)))

ASYNC_INLINE_ async_fd_ *async_fd_entry_(int fd, async_status *rc)
{
    async_task *task = async_this_task_;
    async_loop *loop = async_this_loop_;

    if (ASYNC_LIKELY_((unsigned)fd < loop->known)) {
        async_fd_ *it = loop->fds->entries[fd];

        if (ASYNC_UNLIKELY_((it->flags & ASYNC_FD_NEW_) != 0)) {
            return async_fd_entry_other_(fd, rc);
        }
        if (task->timer.node.state == ASYNC_RUNNING_
            && --loop->fds->left != 0) {
            return it;
        }
        if (task->timer.node.state == ASYNC_READY_
            && task->timer.u.result == it->generation) {
            task->timer.node.state = ASYNC_RUNNING_;
            return it;
        }
    }
    return async_fd_entry_other_(fd, rc);
}

/* Has the running task had its share of this turn? A task runs once in a turn:
 * if it is there both times that the count ends, then all operations between
 * were its own: k. */
ASYNC_API bool async_fd_share_is_over_(struct async_fds *fds,
                                       const async_task *task);

/* Let the others run first; the operation is evaluated again with this result.
 * A task that has been struck leaves. */
ASYNC_API async_status async_fd_give_way_(async_task *task, int result);

/* A task was struck out of its wait: may the number be another file's by now?
 * The strike and this resume are at most one look outside apart. So what the
 * number is now was there before the strike, unless it is as young as that:
 * then the task leaves without a last look. */
ASYNC_INLINE_ bool async_fd_is_young_(const struct async_fds *fds,
                                      const async_fd_ *it)
{
    return it == NULL
        || (it->generation != 1 && fds->turn - it->reset <= 1);
}

/* May the call be tried, or is this flag in the way? Then the operation parks.
 * A task that has been struck looks for the last time, so it tries anyway. */
ASYNC_INLINE_ bool async_fd_may_(const async_fd_ *it, unsigned obstacle)
{
    return ASYNC_LIKELY_((it->flags & obstacle) == 0)
        || ASYNC_STRUCK_P_(async_this_task_) != 0;
}

/* Park a task over which nothing hangs, for what the backend knows. */
ASYNC_INLINE_ async_status async_fd_rest_(async_fd_ *it, int direction,
                                          const char *what)
{
    (void)what;
    async_this_loop_->waiting++;
    it->flags = (it->flags & ~(unsigned)(ASYNC_FD_READER_ | ASYNC_FD_AGE_))
        | ASYNC_FD_CROWD_;
    ASYNC_WAITS_(what, (const void *)(intptr_t)it->fd);
    return async_link_(&it->waiters[direction], ASYNC_LINKED_);
}

/* Rules 2 and 3: leave with the strike, or park. */
ASYNC_API async_status async_fd_park_(async_fd_ *it, int direction,
                                      const char *what);

/* A system call has failed: what the operation is to return. If it is to be
 * tried again, that is done when the others have run. */
ASYNC_API async_status async_fd_failed_(async_fd_ *it, int direction,
                                        const char *what);

/* A read has succeeded. */
ASYNC_INLINE_ async_status async_fd_got_(async_fd_ *it, ptrdiff_t n,
                                         size_t length)
{
    if ((size_t)n < length && (it->flags & ASYNC_FD_SHORT_) != 0 && n != 0) {
        it->flags |= ASYNC_FD_EMPTY_;
    }
    return (async_status)n;
}

/* A write has succeeded. One that falls short has filled it (unless it was
 * made short, lest it block): so says epoll(7) of streams, as of reading. */
ASYNC_INLINE_ async_status async_fd_put_(async_fd_ *it, ptrdiff_t n,
                                         size_t length)
{
    if ((size_t)n < length
        && (it->flags & (ASYNC_FD_SHORT_ | ASYNC_FD_BLOCKS_))
            == ASYNC_FD_SHORT_) {
        it->flags |= ASYNC_FD_STUCK_;
    }
    return (async_status)n;
}

/* Before a call on a blocking descriptor: would it go through now? If not,
 * errno says why: EAGAIN, or what poll failed for. */
ASYNC_API bool async_fd_ready_(int fd, short events);

ASYNC_INLINE_ size_t async_fd_length_(size_t length)
{
    return length > INT_MAX ? INT_MAX : length;
}

/* A duration as the system wants it, rounded up; NULL for ASYNC_NEVER. */
ASYNC_API const struct timespec *async_timespec_(async_duration ticks,
                                                 struct timespec *time);

/* Empty the pipe (or the eventfd) by which others wake the loop. */
ASYNC_API void async_fds_woken_(const struct async_fds *fds);

/* ---- a backend ----------------------------------------------------------- */

/* Make what it needs, if that has not been done; and undo it. */
ASYNC_API int async_backend_open_(struct async_fds *fds);
ASYNC_API void async_backend_close_(struct async_fds *fds);

/* Let events of the descriptor come, from the current state on; whether it is
 * known (ASYNC_FD_ADDED_) or not. ASYNC_EPERM: one that is always ready. */
ASYNC_API int async_backend_arm_(struct async_fds *fds, async_fd_ *it);
/* No more events of it. */
ASYNC_API void async_backend_forget_(struct async_fds *fds, async_fd_ *it);
/* A task is about to wait for it. */
ASYNC_API int async_backend_waits_(struct async_fds *fds, async_fd_ *it);

#if !ASYNC_POLL
/* An edge-triggered one: a second from now, have async_fds_verify_ called;
 * `ticking` says so. If that cannot be, nothing is lost but the answer to what
 * other code does to our descriptors. */
ASYNC_API void async_backend_tick_(struct async_fds *fds);
ASYNC_API void async_fds_verify_(struct async_fds *fds);
#endif

/* Is there nothing to do for that, if it knows the descriptor? */
#if ASYNC_POLL
#define ASYNC_BACKEND_WAITS_(fds) ((void)(fds), true)
#else
#define ASYNC_BACKEND_WAITS_(fds) ((fds)->ticking)
#endif
/* Wait for events, and pass them on. */
ASYNC_API void async_backend_wait_(struct async_fds *fds,
                                   async_duration ticks);

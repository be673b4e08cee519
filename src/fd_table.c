/* ===========================================================================
 * fd_table: the table of descriptors, what all operations on them have in
 * common, and the hooks by which the loop sleeps. The letters are those of
 * fd.h.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "config.h"
#if ASYNC_HOSTED
#include "fd_table.h"

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

#ifndef ASYNC_STATIC
async_fd_ async_fd_nobodys_;
ASYNC_THREAD async_fd_ *async_this_fd_ = &async_fd_nobodys_;
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
        fds->none.flags = ASYNC_FD_NEW_;
        loop->fds = fds;
        async_fd_sigpipe_();
    }
    return fds;
}

ASYNC_API void async_port_rests_(void)
{
    async_this_fd_ = &async_fd_nobodys_;
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
        for (i = fds->limit; i < room; i++) {
            entries[i] = &fds->none;
        }
        fds->entries = entries;
        fds->limit = room;
        async_this_loop_->known = room;
    }
    if (fds->entries[number] == &fds->none) {
        chunk = (async_fd_ *)ASYNC_SYS_(calloc)(ASYNC_CHUNK_, sizeof *chunk);
        if (chunk == NULL) {
            *err = ASYNC_ENOMEM;
            return NULL;
        }
        for (i = 0; i < ASYNC_CHUNK_; i++) {
            chunk[i].generation = 1;
            chunk[i].fd = (int)(first + i);
            chunk[i].flags = ASYNC_FD_NEW_;
            fds->entries[first + i] = chunk + i;
        }
    }
    return fds->entries[number];
}

ASYNC_API void async_fd_wake_all_(async_fd_ *it, int direction, int result)
{
    async_node *ring = it->waiters[direction];
    async_node *node;

    it->waiters[direction] = NULL;
    async_fd_alone_(it);
    while ((node = async_ring_pop_(&ring)) != NULL) {
        async_this_loop_->waiting--;
        async_wake_(ASYNC_TASK_(node), result);
    }
}

ASYNC_API void async_fd_reset_(struct async_fds *fds, async_fd_ *it,
                               int result)
{
    it->generation = it->generation == INT_MAX ? 1 : it->generation + 1;
    it->reset = fds->turn;
    it->flags = ASYNC_FD_NEW_;
#if ASYNC_DEBUG
    it->held.by = NULL;
#endif
    async_fd_wake_(it, ASYNC_READS_, result);
    async_fd_wake_(it, ASYNC_WRITES_, result);
}

ASYNC_API void async_fd_adopt_(int fd, unsigned flags)
{
    int err;
    struct async_fds *fds = async_fds_(async_this_loop_, &err);
    async_fd_ *it = fds == NULL ? NULL : async_fd_make_(fds, fd, &err);

    if (it != NULL) {               /* else it is looked at when it is used */
        if (it->flags != ASYNC_FD_NEW_) {
            async_fd_reset_(fds, it, ASYNC_EBADF);
        }
        it->flags = flags;
#if ASYNC_DEBUG
        it->held.by = NULL;
#endif
    }
}

/* What is it? Its flags, or an error. For TCP that is two system calls. */
static int async_fd_look_(int fd)
{
    struct stat status;
    int value, mode;
    socklen_t size = sizeof value;
    int flags = 0;

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
        return 0;                           /* c: it never says EAGAIN */
    }
#ifdef O_DIRECT
    if ((mode & O_DIRECT) != 0) {
        return flags;                       /* a pipe of packets */
    }
#endif
    return S_ISFIFO(status.st_mode) ? flags | ASYNC_FD_SHORT_ : flags;
}

/* ---- what operations are made of ----------------------------------------- */

/* Struck, by more than a poll (a scope without any time)? That one is to see
 * what is there: it gives way like everybody, and then looks. */
static bool async_fd_struck_(const async_task *task)
{
    const async_scope_ *scope;

    if (!ASYNC_STRUCK_P_(task)) {
        return false;
    }
    for (scope = task->scopes; scope != NULL; scope = scope->up) {
        if ((scope->fired & ASYNC_FIRED_) != 0
            && (scope->fired & ASYNC_POLLS_) == 0) {
            return true;
        }
    }
    return (task->timer.node.state & ASYNC_PENDING_) != 0;
}

ASYNC_API async_status async_fd_give_way_(async_task *task, int result)
{
    if (async_fd_struck_(task)) {
        return async_deliver_(task);
    }
    task->timer.u.result = result;
    async_set_state_(task, ASYNC_READY_);
    async_ready_(async_this_loop_, task);
    return ASYNC_PENDING;
}

ASYNC_API bool async_fd_share_is_over_(struct async_fds *fds,
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
        it->flags = (it->flags & ~(unsigned)ASYNC_FD_NEW_) | (unsigned)flags;
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
        async_this_loop_->waiting--;
        async_set_state_(task, ASYNC_RUNNING_);
        if (async_fd_is_young_(fds, it)
            || (it->flags & ASYNC_FD_ADDED_) == 0) {
            *rc = async_deliver_(task);     /* it was closed meanwhile: a */
            return NULL;
        }
        return it;
    }
    if (async_state_(task) == ASYNC_TOLD_) {
        async_fd_ *by = (async_fd_ *)(void *)task->timer.u.ring;

        *rc = (by->flags & ASYNC_FD_TOLD_) != 0 ? 0 : ASYNC_EBADF;  /* a */
        by->flags &= ~(unsigned)ASYNC_FD_TOLD_;
        async_fd_alone_(by);
    } else {
        *rc = task->timer.u.result;
    }
    async_set_state_(task, ASYNC_RUNNING_);
    if (*rc > 0 && (it == NULL || it->generation != *rc)) {
        *rc = ASYNC_EBADF;                  /* woken, then closed: a */
    }
    if (*rc < 0) {
        return NULL;
    }
    if (it == NULL || (it->flags & ASYNC_FD_NEW_) != 0) {
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
    /* One that fails counts too: a loop around a closed descriptor must not
     * keep the others from running. */
    if (fds == NULL) {
        fds = async_fds_(async_this_loop_, rc);
        if (fds == NULL) {
            return NULL;
        }
    }
    it = async_fd_find_(fds, fd);
    if (async_fd_share_is_over_(fds, task)) {
        *rc = async_fd_give_way_(task, it == NULL ? 0 : it->generation);
        return NULL;
    }
    if (it == NULL || (it->flags & ASYNC_FD_NEW_) != 0) {
        return async_fd_begin_(fd, rc);
    }
    return it;
}

ASYNC_API async_status async_fd_park_(async_fd_ *it, int direction,
                                      const char *what)
{
    async_task *task = async_this_task_;
    struct async_fds *fds = async_this_loop_->fds;

    if (ASYNC_STRUCK_P_(task)) {
        return async_deliver_(task);
    }
    if ((it->flags & ASYNC_FD_ADDED_) == 0 || !ASYNC_BACKEND_WAITS_(fds)) {
        int err = async_backend_waits_(fds, it);

        if (err == ASYNC_EPERM) {           /* c: look again in each turn */
            it->flags &= ~(unsigned)(ASYNC_FD_EMPTY_ | ASYNC_FD_STUCK_);
            return ASYNC_PENDING;
        }
        if (err < 0) {
            return err;
        }
    }
    return async_fd_rest_(it, direction, what);
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
        it->flags |= direction == ASYNC_READS_ ? ASYNC_FD_EMPTY_
                                               : ASYNC_FD_STUCK_;
        return async_fd_park_(it, direction, what);
    }
    if (err == EBADF) {
        async_fd_reset_(fds, it, 0);
    } else if (err == ENOTSOCK && (it->flags & ASYNC_FD_SOCKET_) != 0) {
        /* a: it was a socket when it was last looked at. */
        int flags = async_fd_look_(it->fd);

        async_fd_reset_(fds, it, 0);
        if (flags >= 0 && (flags & ASYNC_FD_SOCKET_) == 0) {
            it->flags |= (unsigned)flags;
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

ASYNC_API void async_fds_woken_(const struct async_fds *fds)
{
    char drain[64];

    while (ASYNC_SYS_(read)(fds->wake[0], drain, sizeof drain)
           == (ptrdiff_t)sizeof drain) {
    }
}

ASYNC_API void async_port_idle(async_loop *loop, async_duration ticks)
{
    struct async_fds *fds = loop->fds;
    struct timespec time;

    if (fds != NULL) {
        fds->turn++;
    }
    if (fds == NULL || (loop->waiting == 0 && fds->wake[0] < 0)) {
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
    if (ticks != 0 || loop->waiting != 0) {
        async_backend_wait_(fds, ticks);
    }
}

ASYNC_API bool async_port_waits_(const async_loop *loop)
{
    return loop->waiting != 0;
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
    if (fds->offloads != NULL) {
        fds->offloads_close(fds->offloads);
    }
#if ASYNC_DEBUG
    if (fds->signals != 0) {
        async_debug_misuse_("async_loop_close", "a signal is still watched: "
                            "async_signal_close comes before the loop's end");
    }
    async_held_ends_(fds);
#endif
    loop->fds = NULL;
    loop->known = 0;
    loop->waiting = 0;
    async_backend_close_(fds);
    for (i = 0; i < 2; i++) {
        if (fds->wake[i] >= 0 && (i == 0 || fds->wake[1] != fds->wake[0])) {
            (void)close(fds->wake[i]);
        }
    }
    for (i = 0; i < fds->limit; i += ASYNC_CHUNK_) {
        if (fds->entries[i] != &fds->none) {
            free(fds->entries[i]);
        }
    }
    free(fds->entries);
    free(fds);
    return 0;
}

#endif

/* ===========================================================================
 * held: what was opened in a loop, and never closed: streams, servers and
 * processes. For debug builds. It closes nothing.
 *
 * What is noted stands with the descriptor that is to be closed, in the loop's
 * table; of the stream only the address is kept, and nothing is looked at. So
 * it does not matter where that was, and whether its memory is still there; and
 * whoever closes the descriptor has closed it. It is told when the loop ends,
 * or before that, if another one is opened in the same memory: then nobody can
 * close it any more. (The end of a coroutine tells nothing: its struct may live
 * on, and what it has opened is what others of the same struct go on with.)
 *
 * A process need not have a descriptor: then it stands in a short list of the
 * table's, or nowhere if that is full. Descriptors 0, 1 and 2 are shared with
 * others: a stream over one of them may well be flushed, and stay open.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "config.h"
#if ASYNC_HOSTED && ASYNC_DEBUG
#include "debug.h"
#include "fd_table.h"

#include <fcntl.h>
#include <signal.h>

/* "async: a stream was never closed: opened at a.c:12, by task `work`" */
static void async_held_report_(async_held_ *held)
{
    size_t at = async_say_(0, "async: ");

    at = async_say_(at, held->kind);
    at = async_say_(at, " was never closed: opened at ");
    at = async_say_place_(at, held->file, held->line);
    if (held->task != NULL) {
        at = async_say_(at, ", by task `");
        at = async_say_(at, held->task);
        (void)async_say_(at, "`");
    }
    held->by = NULL;
    ASYNC_WARN(async_said_());
}

/* Of all descriptors, whose are held. One may have been closed by close(2). */
static void async_held_of_fds_(const struct async_fds *fds, const void *by)
{
    unsigned fd;

    for (fd = 0; fd < fds->limit; fd++) {
        async_fd_ *it = async_fd_find_(fds, (int)fd);

        if (it == NULL) {
            fd += ASYNC_CHUNK_ - 1;
        } else if (it->held.by != NULL && (by == NULL || it->held.by == by)
                   && fcntl(it->fd, F_GETFD) >= 0) {
            async_held_report_(&it->held);
        }
    }
}

static void async_held_of_children_(struct async_fds *fds, const void *by)
{
    int i;

    for (i = 0; i < ASYNC_CHILDREN_; i++) {
        async_held_ *held = &fds->children[i];

        if (held->by != NULL && (by == NULL || held->by == by)
            && kill(held->pid, 0) == 0) {
            async_held_report_(held);
        }
    }
}

ASYNC_API void async_held_open_(const void *by, int fd, int pid,
                                const char *kind, const char *file, int line)
{
    int err, i;
    struct async_fds *fds = async_this_loop_ == NULL
        ? NULL : async_fds_(async_this_loop_, &err);
    async_held_ *held = NULL;

    if (fds == NULL || (fd >= 0 && fd <= 2)) {
        return;
    }
    async_held_of_fds_(fds, by);
    async_held_of_children_(fds, by);
    if (fd >= 0) {
        async_fd_ *it = async_fd_make_(fds, fd, &err);

        held = it == NULL ? NULL : &it->held;
    }
    for (i = 0; fd < 0 && i < ASYNC_CHILDREN_; i++) {
        if (fds->children[i].by == NULL || fds->children[i].by == by) {
            held = &fds->children[i];
        }
    }
    if (held != NULL) {
        held->by = by;
        held->kind = kind;
        held->task = async_debug_task_name_();
        held->file = file;
        held->line = line;
        held->pid = pid;
    }
}

ASYNC_API void async_held_close_(const void *by)
{
    struct async_fds *fds = async_this_loop_ == NULL ? NULL
                                                     : async_this_loop_->fds;
    int i;

    for (i = 0; fds != NULL && i < ASYNC_CHILDREN_; i++) {
        if (fds->children[i].by == by) {
            fds->children[i].by = NULL;
        }
    }
}

ASYNC_API void async_held_ends_(struct async_fds *fds)
{
    async_held_of_fds_(fds, NULL);
    async_held_of_children_(fds, NULL);
}

#endif

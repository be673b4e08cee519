/* ===========================================================================
 * server: accepting connections into a pool, and ending them.
 *
 *           open            close: stop         grace over, or struck
 *   CLOSED ------> OPEN ----------------> GRACE ---------------> CANCELED
 *      ^                                    |  all have ended       |
 *      '------------------------------------'-----------------------'
 *
 * A slot is taken before a connection is accepted, so whatever was accepted has
 * its place.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "config.h"
#if ASYNC_HOSTED
#include "server.h"
#include "fd_table.h"
#include "sleep.h"

#include <errno.h>
#include <string.h>

enum {
    ASYNC_SERVER_CLOSED_ = 0, ASYNC_SERVER_OPEN_, ASYNC_SERVER_GRACE_,
    ASYNC_SERVER_CANCELED_,
    ASYNC_SERVER_STATE_ = 3,
    ASYNC_SERVER_RUNS_ = 4      /* beside it: a task is in async_server_run */
};

ASYNC_API int async_server_open_(async_server *server, int listener,
                                 async_slot *slots, int n, async_fn fn,
                                 void *array, size_t size, size_t fd_at
#if ASYNC_NAMED_
                                 , const char *name, const char *file, int line
#endif
                                 )
{
    int rc;

    if (server == NULL || array == NULL || fn == NULL) {
        return ASYNC_EINVAL;
    }
    if (server->state != ASYNC_SERVER_CLOSED_) {
        return ASYNC_EALREADY;
    }
    if (listener < 0) {
        return listener;
    }
    rc = async_pool_open(&server->pool, slots, n);
    if (rc < 0) {
        return rc;
    }
    server->accepted = server->refused = 0;
    server->listener = listener;
    server->slot = -1;
    server->frames = (char *)array;
    server->size = size;
    server->fd_at = fd_at;
    server->fn = fn;
    server->outcome = 0;
    server->pauses = false;
    server->state = ASYNC_SERVER_OPEN_;
#if ASYNC_NAMED_
    server->name = name;
    server->file = file;
    server->line = line;
#endif
#if ASYNC_DEBUG
    async_held_open_(server, listener, 0, "a server", file, line);
#endif
    return 0;
}

/* Does the listener go on after this error, at once or after a pause? The
 * kernel tells of a connection's own troubles here, too. */
enum { ASYNC_SERVER_ENDS_, ASYNC_SERVER_GOES_ON_, ASYNC_SERVER_PAUSES_ };

static int async_server_after_(async_status rc)
{
    switch (-rc) {
    case EMFILE: case ENFILE: case ENOBUFS:             /* async_accept rests */
    case ECONNABORTED: case ECONNRESET: case EPROTO: case ETIMEDOUT:
        return ASYNC_SERVER_GOES_ON_;
    case ENOMEM: case ENOSPC: case EPERM: case ENETDOWN: case ENETUNREACH:
    case EHOSTUNREACH: case ENOPROTOOPT:
#ifdef EHOSTDOWN
    case EHOSTDOWN:
#endif
        return ASYNC_SERVER_PAUSES_;
    default:
        return ASYNC_SERVER_ENDS_;
    }
}

/* A connection's task has ended before it began, being cancelled: nobody else
 * closes the descriptor. */
static void async_server_unbegun_(async_watch *watch, async_task *task)
{
    async_slot *slot = (async_slot *)(void *)watch;
    async_server *server = (async_server *)(void *)slot->pool;
    int fd;

    memcpy(&fd, (char *)task->frame + server->fd_at, sizeof fd);
    (void)async_close(fd);
    server->ended(watch, task);
}

/* The task begins: the descriptor is its own from now on. */
static async_status async_server_begins_(void *frame)
{
    async_task *task = async_this_task_;
    async_slot *slot = (async_slot *)(void *)
        ((char *)task - offsetof(async_slot, task));
    async_server *server = (async_server *)(void *)slot->pool;

    slot->watch.fn = server->ended;
    task->fn = server->fn;
    return task->fn(frame);
}

static async_status async_server_start_(async_server *server, int fd)
{
    char *frame = server->frames + server->size * (size_t)server->slot;
    async_watch *watch = &server->pool.slots[server->slot].watch;
    int rc;

    memcpy(frame + server->fd_at, &fd, sizeof fd);
    rc = async_pool_spawn_(&server->pool, server->slot,
                           async_server_begins_, frame
#if ASYNC_NAMED_
                           , server->name, server->file, server->line
#endif
                           );
    if (rc < 0) {
        (void)async_close(fd);
        return rc;
    }
    server->ended = watch->fn;
    watch->fn = async_server_unbegun_;
    server->slot = -1;
    server->accepted++;
    return 0;
}

static async_status async_server_accept_(async_server *server)
{
    async_status rc;

    for (;;) {
        if (server->pauses) {
            rc = async_sleep((async_duration)ASYNC_MS(10));
            if (rc == ASYNC_PENDING) {
                return rc;
            }
            server->pauses = false;
            if (rc < 0) {
                return rc;
            }
        }
        if (server->listener < 0
            && async_state_(async_this_task_) == ASYNC_RUNNING_) {
            return 0;
        }
        if (server->slot < 0) {
            rc = async_pool_take(&server->pool);
            if (rc < 0) {
                return rc;
            }
            server->slot = rc;
            continue;                       /* it may have been stopped */
        }
        rc = async_accept(server->listener, NULL, NULL);
        if (rc == ASYNC_PENDING || rc == ASYNC_CANCEL) {
            return rc;
        }
        if (rc >= 0) {
            rc = async_server_start_(server, rc);
        } else if (server->listener < 0) {
            return 0;
        } else if (async_server_after_(rc) != ASYNC_SERVER_ENDS_) {
            server->pauses = async_server_after_(rc) == ASYNC_SERVER_PAUSES_;
            server->refused++;
            rc = 0;
        }
        if (rc < 0) {
            return rc;
        }
    }
}

ASYNC_API async_status async_server_run(async_server *server)
{
    async_task *task = async_self_();
    async_status rc;

    if (server == NULL || server->fn == NULL) {
        return async_settle_(task, server == NULL ? ASYNC_EINVAL
                                                  : ASYNC_EBADF);
    }
    if (server->state == ASYNC_SERVER_CLOSED_) {    /* before this task began */
        return async_settle_(task, 0);
    }
    if (async_state_(task) == ASYNC_RUNNING_
        && (server->state & ASYNC_SERVER_RUNS_) != 0) {
        return ASYNC_EBUSY;
    }
    rc = async_server_accept_(server);
    if (rc == ASYNC_PENDING) {
        server->state |= ASYNC_SERVER_RUNS_;
        return rc;
    }
    server->state &= (unsigned char)~ASYNC_SERVER_RUNS_;
    if (server->slot >= 0) {
        (void)async_pool_give(&server->pool, server->slot);
        server->slot = -1;
    }
    return rc;
}

ASYNC_API int async_server_stop(async_server *server)
{
    int fd;

    if (server == NULL || server->state == ASYNC_SERVER_CLOSED_) {
        return server == NULL ? ASYNC_EINVAL : ASYNC_EBADF;
    }
    fd = server->listener;
    server->listener = -1;
    return fd < 0 ? 0 : async_close(fd);
}

/* Over is it when no slot is taken, so also when the task in async_server_run
 * has left. */
static async_status async_server_drain_(async_server *server,
                                        async_duration grace)
{
    unsigned char *state = &server->state;
    async_status rc;

    if ((*state & ASYNC_SERVER_STATE_) == ASYNC_SERVER_GRACE_) {
        rc = ASYNC_TIMEOUT(&server->grace, grace,
                           async_pool_join(&server->pool));
        if (rc == 0 || rc == ASYNC_PENDING) {
            return rc;
        }
        (*state)++;                         /* ASYNC_SERVER_CANCELED_ */
        server->outcome = rc == ASYNC_ETIMEDOUT ? 0 : rc;
        rc = async_pool_cancel(&server->pool);
        server->outcome = server->outcome < 0 ? server->outcome : rc;
    }
    for (;;) {
        rc = async_pool_join(&server->pool);
        if (rc == 0 || rc == ASYNC_PENDING) {
            return rc == 0 ? server->outcome : rc;
        }
        server->outcome = rc;
        (void)async_pool_cancel(&server->pool);
    }
}

ASYNC_API async_status async_server_close(async_server *server,
                                          async_duration grace)
{
    async_task *task = async_self_();
    async_status rc;

    if (server == NULL || server->state == ASYNC_SERVER_CLOSED_) {
        return async_settle_(task, server == NULL ? ASYNC_EINVAL
                                                  : ASYNC_EBADF);
    }
    if (async_state_(task) == ASYNC_RUNNING_) {
        if ((server->state & ASYNC_SERVER_STATE_) != ASYNC_SERVER_OPEN_) {
            return ASYNC_EBUSY;
        }
        (void)async_server_stop(server);
        server->state++;                    /* ASYNC_SERVER_GRACE_ */
    }
    rc = async_server_drain_(server, grace);
    if (rc != ASYNC_PENDING) {
        server->state = ASYNC_SERVER_CLOSED_;
    }
    return rc;
}

#endif

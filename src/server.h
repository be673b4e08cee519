#pragma once
#include "net.h"
#include "pool.h"
#include "timeout.h"
/* ===========================================================================
 * server: accepts connections, each for a task of its own, and ends them in
 * order. It reads and writes nothing: the tasks do, by stream.h or fd.h.
 *
 *     struct session { async_frame frame; int fd; ... };
 *
 *     static ASYNC session(struct session *self) { ... close self->fd ... }
 *
 *     async_server server;                as many connections at once as
 *     async_slot slots[64];               there are slots and frames
 *     struct session sessions[64];
 *
 *     AWAIT(async_server_open(&self->server, async_tcp_listen(NULL, 7000, 64),
 *                             self->slots, self->sessions, 64, session));
 *     async_spawn(&self->task, async_server_run, &self->server);
 *     ... until it is enough ...
 *     AWAIT(async_server_close(&self->server, ASYNC_SEC(5)));
 *
 * When all slots are taken, no connection is accepted until one ends: the next
 * ones wait in the listener's queue. So do they while the process has no more
 * descriptors: it looks for one every 10 ms, and runs on.
 * ======================================================================== */

/* Zeroed memory, as one that was closed, is a server that is not open. Its
 * `pool` may be asked how many connections there are (async_pool_busy; one
 * slot more is taken while it waits for the next), and `accepted` and
 * `refused` say how many there were, and how often accepting failed. */
typedef struct async_server {
    async_pool pool;
    async_timeout grace;
    unsigned long accepted, refused;
    int listener;               /* -1: it accepts no more */
    int slot;                   /* taken for the next connection, or -1 */
    char *frames;
    size_t size, fd_at;         /* of a frame; where its fd is */
    async_fn fn;
    async_watch_fn ended;
    int outcome;                /* of its close */
    unsigned char state;
    bool pauses;                /* before it accepts again */
#if ASYNC_NAMED_
    const char *name, *file;
    int line;
#endif
} async_server;

/* async_server_open(server, listener, slots, frames, n, fn): a server on a
 * listening socket, which it closes. For each connection it writes the
 * descriptor to the member `int fd` of a free frame, touches nothing else of
 * that, and starts fn(frame), which closes the descriptor. (A task that was
 * cancelled before it began never does: the server then does.) `frames` is an
 * array of n structs, `slots` one of n slots. 0; the error itself for a
 * listener below 0; ASYNC_EINVAL for NULL or n <= 0, and then the listener is
 * still the caller's; ASYNC_EALREADY for one that is open. A debug build
 * tells of one that was neither stopped nor closed when the loop ends. */
#if ASYNC_NAMED_
#define async_server_open(server, listener, slots, frames, n, fn) \
    async_server_open_((server), (listener), (slots), (n), \
                       ASYNC_ENTRY_(fn, frames), (frames), sizeof *(frames), \
                       ASYNC_SERVER_FD_(frames), #fn, __FILE__, __LINE__)
#else
#define async_server_open(server, listener, slots, frames, n, fn) \
    async_server_open_((server), (listener), (slots), (n), \
                       ASYNC_ENTRY_(fn, frames), (frames), sizeof *(frames), \
                       ASYNC_SERVER_FD_(frames))
#endif
#define ASYNC_SERVER_FD_(frames) \
    ((size_t)((const char *)async_server_fd_(&(frames)->fd) \
              - (const char *)(frames)))
ASYNC_INLINE_ const int *async_server_fd_(const int *fd)
{
    return fd;
}
#define async_server_open_ ASYNC_ABI_(async_server_open)
ASYNC_API int async_server_open_(async_server *server, int listener,
                                 async_slot *slots, int n, async_fn fn,
                                 void *frames, size_t size, size_t fd_at
#if ASYNC_NAMED_
                                 , const char *name, const char *file, int line
#endif
);

#define async_server_run ASYNC_ABI_(async_server_run)
#define async_server_stop ASYNC_ABI_(async_server_stop)
#define async_server_close ASYNC_ABI_(async_server_close)

/* AWAIT(async_server_run(server)), or spawn it: accept connections until
 * async_server_stop or async_server_close: 0, also if that came before. One
 * task at a time; ASYNC_EBUSY for another. Errors that pass (no descriptors,
 * no memory, a peer that has gone, a network that is down) are counted in
 * `refused`, and it goes on, most often after 10 ms; it ends with any other of
 * the listener. A struck one leaves; the listener stays open, the connections
 * go on, and it may be run again. ASYNC_EINVAL for NULL, ASYNC_EBADF for one
 * that was never open. Task only. */
ASYNC_API ASYNC async_server_run(async_server *server);

/* Accept no more: the listener is closed, async_server_run ends, the
 * connections go on. 0, also if it has stopped before; ASYNC_EINVAL for NULL,
 * ASYNC_EBADF for one that is not open. Task or callback of the loop. */
ASYNC_API int async_server_stop(async_server *server);

/* AWAIT_VALUE(n, async_server_close(server, grace)): stop; let the connections
 * end by themselves for so long; then cancel those that are left, and wait
 * until they have cleaned up. How many were cancelled. ASYNC_NEVER waits for
 * all; 0 cancels them at once. A strike ends the grace, and a further one
 * strikes the connections again: but it returns, with the strike, only when
 * all have ended, as their frames are in use until then. ASYNC_EINVAL for NULL,
 * ASYNC_EBADF for one that is not open, ASYNC_EBUSY while another task closes
 * it. Task only.
 *
 * A connection that just waits for its next request takes the whole grace. To
 * let such ones go at once, stop the server, and cancel those of which you know
 * it: the task of the i-th frame is slots[i].task. */
ASYNC_API ASYNC async_server_close(async_server *server, async_duration grace);

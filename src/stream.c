/* ===========================================================================
 * stream: two buffers between a descriptor and its readers and writers. Here
 * are the output and the ends; the input is in stream_read.c.
 *
 * The invariant, true whenever no function of the two files runs:
 *
 *        in: | read before |#### received ####|      free      |+|  in_size,
 *            0          in_begin           in_end           in_size   +1: NUL
 *
 *       out: | sent before |##### written ####|      free      |
 *            0         out_begin           out_end          out_size
 *
 *   1. 0 <= begin <= end <= size, in both. Every byte that the kernel has given
 *      is in [in_begin, in_end) or in the hands of a caller, once; every byte
 *      that a caller has put is in [out_begin, out_end) or in the kernel's,
 *      once. A byte changes sides and an index moves in one step, with no await
 *      between: so a strike, which comes out of an await, finds it on the one
 *      side or on the other.
 *   2. Only the task `reader` receives, while there is one; only `sender`
 *      sends, while there is one. Each of these is parked in async_read or
 *      async_write on the descriptor, or polls there, or was handed its turn
 *      and is about to run; it comes back to the operation that parked it.
 *   3. Tasks are in `writers` only while there is a sender. The sender that
 *      leaves makes the oldest of them the next.
 *   4. goal <= out_end - out_begin: of what is written, so much is to be sent
 *      before the sender goes on. What is put meanwhile, behind it, is not
 *      waited for.
 *   5. While `message` is set, nobody else puts anything: the sender waits for
 *      room for the whole, or has put a part.
 *   6. If `holds`, the byte at in_begin is a NUL of ours, and `held` belongs
 *      there. No separator of the reader's begins in the `scanned` first bytes
 *      of the input.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "config.h"
#if ASYNC_HOSTED
#include "fd_table.h"
#include "net.h"
#include "stream.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

ASYNC_API int async_stream_open_(async_stream *stream, int fd, void *in,
                                 size_t in_size, void *out, size_t out_size
                                 ASYNC_OPENER_)
{
    if (stream == NULL || in_size == 1 || (in == NULL && in_size != 0)
        || (out == NULL && out_size != 0)) {
        return ASYNC_EINVAL;
    }
    if (stream->open) {
        return ASYNC_EALREADY;
    }
    if (fd < 0) {
        return fd;
    }
    memset(stream, 0, sizeof *stream);
    stream->fd = fd;
    stream->in = (char *)in;
    stream->in_size = in_size == 0 ? 0 : async_fd_length_(in_size - 1);
    stream->out = (char *)out;
    stream->out_size = async_fd_length_(out_size);
    stream->open = true;
#if ASYNC_DEBUG
    async_held_open_(stream, fd, 0, "a stream", file, line);
#endif
    return 0;
}

/* What became of a read or a write. Most errors are told but once by the
 * kernel, and a broken connection then looks like one that came to its end: so
 * the stream remembers. What can never be sent is dropped. */
ASYNC_API async_status async_stream_failed_(async_stream *stream,
                                            async_status rc)
{
    if (rc == ASYNC_PENDING || rc == ASYNC_CANCEL || rc == ASYNC_ENOMEM
        || rc == ASYNC_ENOBUFS || rc == ASYNC_ENOSPC || rc == ASYNC_EMFILE
        || rc == ASYNC_ENFILE) {
        return rc;
    }
    if (stream->error == 0) {
        stream->error = rc;
    }
    stream->out_begin = stream->out_end = stream->goal = 0;
    return stream->error;
}

/* ---- the output ---------------------------------------------------------- */

/* The end of every use of it: the sender waits on, or the next one is. */
ASYNC_API async_status async_stream_used_(async_stream *stream,
                                          async_task *task, async_status rc)
{
    if (rc == ASYNC_PENDING) {
        stream->sender = task;
        return rc;
    }
    if (stream->sender == task) {
        stream->sender = stream->writers.tail == NULL ? NULL
            : ASYNC_TASK_(stream->writers.tail->next);
        stream->goal = async_stream_written_(stream);
        stream->message = true;             /* until it says what it wants */
        (void)async_wake_one_(&stream->writers, 0);
    }
    return async_settle_(task, rc);
}

/* May the running task use the output? 0 if so. It becomes the sender only if
 * it then has to wait. */
static async_status async_stream_turn_(async_stream *stream, async_task *task)
{
    if (stream == NULL) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    if (ASYNC_UNLIKELY_(!stream->open)) {
        if (stream->sender == task) {       /* it was closed meanwhile */
            stream->sender = NULL;
            return async_write(-1, "", 1);  /* what that left of the wait */
        }
        return async_state_(task) == ASYNC_STRUCK_
            ? async_deliver_(task) : async_settle_(task, ASYNC_EBADF);
    }
    if (stream->sender == task) {
        if (stream->error != 0 && async_state_(task) != ASYNC_RUNNING_) {
            async_status rc = async_write(stream->fd, "", 0);   /* as above */

            return async_stream_used_(stream, task, rc == ASYNC_PENDING
                                      || rc == ASYNC_CANCEL ? rc
                                      : stream->error);
        }
        return 0;
    }
    if (async_state_(task) == ASYNC_STRUCK_) {
        return async_deliver_(task);        /* out of `writers` */
    }
    if (stream->sender == NULL) {
        return 0;
    }
    if (ASYNC_STRUCK_P_(task)) {
        return async_deliver_(task);
    }
    ASYNC_WAITS_("a turn to write to a stream", stream);
    return async_park_(&stream->writers);
}

static void async_stream_sent_(async_stream *stream, size_t n)
{
    stream->out_begin += n;
    stream->goal -= n < stream->goal ? n : stream->goal;
    if (stream->out_begin == stream->out_end) {
        stream->out_begin = stream->out_end = 0;
    }
}

static async_status async_stream_send_(async_stream *stream)
{
    while (stream->goal > 0) {
        async_status n = async_write(stream->fd,
                                     stream->out + stream->out_begin,
                                     async_stream_written_(stream));

        if (n < 0) {
            return async_stream_failed_(stream, n);
        }
        async_stream_sent_(stream, (size_t)n);
    }
    return 0;
}

ASYNC_API async_status async_stream_flush_(async_stream *stream,
                                           const async_task *task)
{
    if (stream->sender != task) {
        stream->goal = async_stream_written_(stream);
    }
    stream->message = false;
    return stream->error != 0 ? stream->error : async_stream_send_(stream);
}

/* The usual end of it is all in one call. */
ASYNC_APART_ async_status async_stream_drain_on_(async_stream *stream,
                                                 async_task *task,
                                                 async_status n)
{
    stream->goal = async_stream_written_(stream);
    stream->message = false;
    if (n < 0) {
        n = async_stream_failed_(stream, n);
    } else {
        async_stream_sent_(stream, (size_t)n);
        n = async_stream_send_(stream);
    }
    return async_stream_used_(stream, task, n);
}

ASYNC_API async_status async_stream_drain_(async_stream *stream,
                                           async_task *task)
{
    size_t written = async_stream_written_(stream);
    async_status n = async_write(stream->fd, stream->out + stream->out_begin,
                                 written);

    if (ASYNC_UNLIKELY_(n != (async_status)written)) {
        return async_stream_drain_on_(stream, task, n);
    }
    stream->out_begin = stream->out_end = stream->goal = 0;
    return 0;
}

/* Room for so many bytes at out_end: 0. */
static async_status async_stream_room_(async_stream *stream, size_t length)
{
    size_t written = async_stream_written_(stream);

    if (stream->error != 0 || stream->shut) {
        return stream->error != 0 ? stream->error : ASYNC_ESHUTDOWN;
    }
    if (length > stream->out_size) {
        return ASYNC_EMSGSIZE;
    }
    if (length > stream->out_size - written) {
        async_status rc;

        stream->goal = length - (stream->out_size - written);
        stream->message = true;
        rc = async_stream_send_(stream);
        if (rc < 0) {
            return rc;
        }
        written = async_stream_written_(stream);
    }
    if (length > stream->out_size - stream->out_end) {
        memmove(stream->out, stream->out + stream->out_begin, written);
        stream->out_begin = 0;
        stream->out_end = written;
    }
    return 0;
}

/* The sender only flushes, nobody is in line, and there is room. */
static bool async_stream_fits_(const async_stream *stream, size_t length)
{
    return stream->open && stream->error == 0 && !stream->shut
        && (stream->sender == NULL
            || (!stream->message && stream->writers.tail == NULL))
        && length <= stream->out_size - async_stream_written_(stream);
}

static async_status async_stream_put_(async_stream *stream, const void *data,
                                      size_t length)
{
    async_status rc = async_stream_room_(stream, length);

    if (rc < 0) {
        return rc;
    }
    if (length > 0) {
        memcpy(stream->out + stream->out_end, data, length);
        stream->out_end += length;
    }
    return (async_status)length;
}

ASYNC_API async_status async_stream_write(async_stream *stream,
                                          const void *data, size_t length)
{
    async_task *task = async_self_();
    async_status rc;

#if ASYNC_FAST_
    if (ASYNC_LIKELY_(stream != NULL && data != NULL && stream->sender == NULL
                      && stream->open && stream->error == 0 && !stream->shut
                      && length - 1 < stream->out_size - stream->out_end
                      && ASYNC_UP_TO_(task, ASYNC_RUNNING_))) {
        memcpy(stream->out + stream->out_end, data, length);
        stream->out_end += length;
        return (async_status)length;
    }
#endif
    if (data == NULL && length != 0) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    if (stream != NULL && async_state_(task) == ASYNC_RUNNING_
        && stream->sender != task && async_stream_fits_(stream, length)) {
        return async_stream_put_(stream, data, length);
    }
    rc = async_stream_turn_(stream, task);
    if (rc == 0) {
        rc = async_stream_used_(stream, task,
                                async_stream_put_(stream, data, length));
    }
    if (rc == ASYNC_PENDING) {
        ASYNC_LASTS_("async_stream_write", data, false);
    }
    return rc;
}

ASYNC_API int async_stream_try_write(async_stream *stream, const void *data,
                                     size_t length)
{
    if (stream == NULL || (data == NULL && length != 0)) {
        return ASYNC_EINVAL;
    }
    if (async_stream_fits_(stream, length)) {
        return async_stream_put_(stream, data, length);
    }
    return !stream->open ? ASYNC_EBADF
        : stream->error != 0 ? stream->error
        : stream->shut ? ASYNC_ESHUTDOWN
        : length > stream->out_size ? ASYNC_EMSGSIZE : ASYNC_EAGAIN;
}

/* One call for what is in the buffer, and the caller's bytes behind it. */
static async_status async_stream_send_with_(async_stream *stream,
                                            const void *data, size_t length)
{
    size_t written = async_stream_written_(stream);
    struct iovec pieces[2];
    async_status n;

    if (written == 0) {
        return async_write(stream->fd, data, length);
    }
    pieces[0].iov_base = stream->out + stream->out_begin;
    pieces[0].iov_len = written;
    pieces[1].iov_base = (void *)(uintptr_t)data;
    pieces[1].iov_len = length;
    n = async_writev(stream->fd, pieces, 2);
    if (n < 0) {
        return n;
    }
    async_stream_sent_(stream, (size_t)n < written ? (size_t)n : written);
    return (size_t)n < written ? 0 : n - (async_status)written;
}

static async_status async_stream_put_all_(async_stream *stream,
                                          const void *data, size_t length,
                                          size_t *done)
{
    async_status n = async_stream_room_(stream, 0);

    stream->goal = 0;
    stream->message = true;
    while (n >= 0 && length - *done
                     > stream->out_size - async_stream_written_(stream)) {
        n = async_stream_send_with_(stream, (const char *)data + *done,
                                    length - *done);
        if (n < 0) {
            return async_stream_failed_(stream, n);
        }
        *done += (size_t)n;
    }
    if (n >= 0) {
        n = async_stream_put_(stream, (const char *)data + *done,
                              length - *done);
    }
    if (n >= 0) {
        *done = 0;
        n = (async_status)async_fd_length_(length);
    }
    return n;
}

ASYNC_API async_status async_stream_write_all(async_stream *stream,
                                              const void *data, size_t length,
                                              size_t *done)
{
    async_task *task = async_self_();
    async_status rc;

    if (done == NULL || *done > length || (data == NULL && length != 0)) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    rc = async_stream_turn_(stream, task);
    if (rc == 0) {
        rc = async_stream_used_(stream, task, async_stream_put_all_(
            stream, data, length, done));
    }
    if (rc == ASYNC_PENDING) {
        ASYNC_LASTS_("async_stream_write_all", data, false);
        ASYNC_LASTS_("async_stream_write_all", done, false);
    }
    return rc;
}

/* The text is made in the free part of the buffer, be that large enough or not:
 * so its length is known. If it is not, it is made again when there is room. */
ASYNC_PRINTF_(4, 0)
static async_status async_stream_print_(async_stream *stream, int length,
                                        size_t room, const char *format,
                                        va_list arguments)
{
    async_status rc = async_stream_room_(stream, (size_t)length + 1);

    if (rc < 0) {
        return rc;
    }
    if ((size_t)length >= room) {
        (void)vsnprintf(stream->out + stream->out_end, (size_t)length + 1,
                        format, arguments);
    }
    stream->out_end += (size_t)length;
    return length;
}

ASYNC_API async_status async_stream_printf(async_stream *stream,
                                           const char *format, ...)
{
    async_task *task = async_self_();
    size_t room = stream == NULL || !stream->open
        ? 0 : stream->out_size - stream->out_end;
    async_status rc = 0;
    va_list arguments;
    int length;

    if (format == NULL) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    va_start(arguments, format);
    length = vsnprintf(room == 0 ? NULL : stream->out + stream->out_end, room,
                       format, arguments);
    va_end(arguments);
    va_start(arguments, format);
    if (length < 0) {
        rc = async_settle_(task, ASYNC_EINVAL);
    } else if (stream != NULL && async_state_(task) == ASYNC_RUNNING_
               && stream->sender != task
               && async_stream_fits_(stream, (size_t)length + 1)) {
        rc = async_stream_print_(stream, length, room, format, arguments);
    } else {
        rc = async_stream_turn_(stream, task);
        if (rc == 0) {
            rc = async_stream_used_(stream, task, async_stream_print_(
                stream, length, room, format, arguments));
        }
    }
    va_end(arguments);
    return rc;
}

ASYNC_API size_t async_stream_unsent(const async_stream *stream)
{
    return stream == NULL ? 0 : async_stream_written_(stream);
}

ASYNC_API async_status async_stream_flush(async_stream *stream)
{
    async_task *task = async_self_();
    async_status rc;

#if ASYNC_FAST_
    if (ASYNC_LIKELY_(stream != NULL && stream->sender == NULL
                      && stream->out_end != stream->out_begin
                      && stream->open && stream->error == 0
                      && ASYNC_UP_TO_(task, ASYNC_RUNNING_))) {
        return async_stream_drain_(stream, task);
    }
#endif
    rc = async_stream_turn_(stream, task);
    return rc != 0 ? rc
        : async_stream_used_(stream, task, async_stream_flush_(stream, task));
}

/* ---- the end ------------------------------------------------------------- */

/* Who is parked on the descriptor is woken by its close, and comes back to a
 * stream that is not open; so do those in line. */
ASYNC_API int async_stream_abort(async_stream *stream)
{
    if (stream == NULL) {
        return ASYNC_EINVAL;
    }
    if (!stream->open) {
        return ASYNC_EBADF;
    }
    stream->open = false;           /* its fd: -1 for a pipe that was shut */
    stream->in_begin = stream->in_end = 0;
    stream->out_begin = stream->out_end = stream->goal = 0;
    stream->holds = false;
    while (async_wake_one_(&stream->writers, ASYNC_EBADF)) {
    }
    return stream->fd < 0 ? 0 : async_close(stream->fd);
}

static async_status async_stream_shut_(async_stream *stream,
                                       const async_task *task)
{
    async_status rc = async_stream_flush_(stream, task);

    if (rc < 0 || stream->shut) {
        return rc;
    }
    if (ASYNC_SYS_(shutdown)(stream->fd, SHUT_WR) < 0) {
        rc = -errno;
        if (rc == ASYNC_ENOTSOCK && stream->in_size == 0) {
            rc = async_close(stream->fd);
            stream->fd = -1;
        }
        if (rc < 0) {
            return rc;
        }
    }
    stream->shut = true;
    return 0;
}

ASYNC_API async_status async_stream_shutdown_write(async_stream *stream)
{
    async_task *task = async_self_();
    async_status rc = async_stream_turn_(stream, task);

    return rc != 0 ? rc
        : async_stream_used_(stream, task, async_stream_shut_(stream, task));
}

ASYNC_API async_status async_stream_close(async_stream *stream)
{
    async_status rc = async_stream_flush(stream);
    int err;

    if (rc == ASYNC_PENDING || stream == NULL || !stream->open) {
        return rc;
    }
    err = async_stream_abort(stream);
    return rc < 0 ? rc : err;
}

#endif

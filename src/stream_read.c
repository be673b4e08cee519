/* ===========================================================================
 * stream_read: the input of a stream. What holds of its buffer is in stream.c.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "config.h"
#if ASYNC_HOSTED
#include "fd_table.h"
#include "stream.h"

#include <string.h>

ASYNC_INLINE_ size_t async_stream_received_(const async_stream *stream)
{
    return stream->in_end - stream->in_begin;
}

/* What every read begins with: 0, or why it is over. */
static async_status async_stream_begins_(async_stream *stream, async_task *task)
{
    if (stream == NULL) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    if (ASYNC_UNLIKELY_(stream->reader != NULL && stream->reader != task)) {
        return async_settle_(task, ASYNC_EBUSY);
    }
    if (ASYNC_UNLIKELY_(!stream->open)) {
        char none;

        if (stream->sender == task) {       /* it was flushing, see below */
            stream->sender = NULL;
        }
        if (stream->reader != task) {
            return async_settle_(task, ASYNC_EBADF);
        }
        stream->reader = NULL;
        return async_read(-1, &none, 1);    /* what is left of the wait */
    }
    if (stream->holds) {
        stream->in[stream->in_begin] = stream->held;
        stream->holds = false;
    }
    if (stream->reader == NULL) {
        stream->scanned = 0;
    }
    return 0;
}

/* Before it may wait, a reader sends what was written: who reads a request and
 * writes an answer in turn need not flush. Not if that is another task's
 * affair, nor if it is back from waiting for input. A connection that breaks
 * here may still have something to read. */
static async_status async_stream_tie_(async_stream *stream, async_task *task)
{
    async_status rc;

    if (ASYNC_LIKELY_(async_stream_written_(stream) == 0
                      && stream->sender != task)) {
        return 0;
    }
    if (stream->sender != task
        && (stream->sender != NULL || async_state_(task) != ASYNC_RUNNING_)) {
        return 0;
    }
    rc = async_stream_used_(stream, task, async_stream_flush_(stream, task));
    return rc == ASYNC_PENDING || rc == ASYNC_CANCEL || stream->error == 0
        ? rc : 0;
}

/* A read has come to an end, or waits: what to say of it. */
static async_status async_stream_took_(async_stream *stream, async_task *task,
                                       async_status n)
{
    if (n < 0 && n != ASYNC_PENDING) {
        n = async_stream_failed_(stream, n);
    }
    if (n == 0 || n == stream->error) {
        stream->ended = true;
        n = stream->error;
    }
    stream->reader = n == ASYNC_PENDING ? task : NULL;
    return n;
}

/* Receive up to `room` bytes: how many, or 0 at the end. */
static async_status async_stream_fetch_(async_stream *stream, async_task *task,
                                        char *to, size_t room)
{
    async_status n;

    if (stream->ended) {
        return stream->error;
    }
    n = async_stream_tie_(stream, task);
    if (n == 0) {
        return async_stream_took_(stream, task,
                                  async_read(stream->fd, to, room));
    }
    stream->reader = n == ASYNC_PENDING ? task : NULL;
    return n;
}

/* Into the buffer, which is not full. Bytes move to its front when they stand
 * in its last half, so that they move seldom, and a read is seldom a short one
 * for want of room. */
static async_status async_stream_fill_(async_stream *stream, async_task *task)
{
    size_t received = async_stream_received_(stream);
    async_status n;

    if (received == 0) {
        stream->in_begin = stream->in_end = 0;
    } else if (stream->in_begin > 0
               && stream->in_end > stream->in_size / 2) {
        memmove(stream->in, stream->in + stream->in_begin, received);
        stream->in_begin = 0;
        stream->in_end = received;
    }
    n = async_stream_fetch_(stream, task, stream->in + stream->in_end,
                            stream->in_size - stream->in_end);
    if (n > 0) {
        stream->in_end += (size_t)n;
    }
    return n;
}

/* Out of the buffer into the caller's memory: how many, at most `length`. */
static size_t async_stream_copy_(async_stream *stream, void *to, size_t length)
{
    size_t n = async_stream_received_(stream);

    n = n < length ? n : length;
    memcpy(to, stream->in + stream->in_begin, n);
    stream->in_begin += n;
    return n;
}

#if ASYNC_FAST_

/* Fill a buffer that is empty, after sending what was written: how many bytes;
 * 0 or less: it is as in async_stream_fetch_. */
ASYNC_HOT_ async_status async_stream_refill_(async_stream *stream,
                                             async_task *task)
{
    async_status n;

    stream->in_begin = stream->in_end = stream->scanned = 0;
    stream->holds = false;
    if (stream->out_begin != stream->out_end) {
        n = async_stream_drain_(stream, task);
        if (ASYNC_UNLIKELY_(n == ASYNC_PENDING || n == ASYNC_CANCEL
                            || (n < 0 && stream->error == 0))) {
            stream->reader = n == ASYNC_PENDING ? task : NULL;
            return n;
        }
    }
    n = async_read(stream->fd, stream->in, stream->in_size);
    if (n == ASYNC_PENDING) {
        stream->reader = task;
    }
    return n;
}
#endif

ASYNC_APART_ async_status async_stream_read_(async_stream *stream,
                                             void *buffer, size_t length)
{
    async_task *task = async_self_();
    async_status rc = async_stream_begins_(stream, task);

    if (rc != 0) {
        return rc;
    }
    if (buffer == NULL && length != 0) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    length = async_fd_length_(length);
    if (length != 0 && async_stream_received_(stream) == 0) {
        if (length >= stream->in_size) {
            return async_stream_fetch_(stream, task, (char *)buffer, length);
        }
        rc = async_stream_fill_(stream, task);
        if (rc <= 0) {
            return rc;
        }
    }
    return length == 0
        ? 0 : (async_status)async_stream_copy_(stream, buffer, length);
}

/* On the way that nearly all go, as async_stream_look_ below: the buffer has
 * something; or it is empty, and filled now, or when the task comes back. */
ASYNC_API async_status async_stream_read(async_stream *stream, void *buffer,
                                         size_t length)
{
#if ASYNC_FAST_
    async_task *task = async_self_();
    async_status n;

    if (ASYNC_LIKELY_(stream != NULL && buffer != NULL && stream->open
                      && length != 0 && length < stream->in_size)) {
        if (stream->reader == NULL && ASYNC_UP_TO_(task, ASYNC_RUNNING_)) {
            if (stream->in_begin != stream->in_end) {
                if (stream->holds) {
                    stream->in[stream->in_begin] = stream->held;
                    stream->holds = false;
                }
                return (async_status)async_stream_copy_(stream, buffer,
                                                        length);
            }
            if (ASYNC_LIKELY_(!stream->ended && stream->sender == NULL)) {
                n = async_stream_refill_(stream, task);
                goto reads;
            }
        } else if (ASYNC_LIKELY_(stream->reader == task
                                 && stream->sender != task
                                 && stream->in_end == 0)) {
            n = async_read(stream->fd, stream->in, stream->in_size);
            goto reads;
        }
    }
    return async_stream_read_(stream, buffer, length);
reads:
    if (n == ASYNC_PENDING) {
        return n;
    }
    if (ASYNC_UNLIKELY_(n <= 0)) {
        return async_stream_took_(stream, task, n);
    }
    stream->reader = NULL;
    stream->in_end = (size_t)n;
    return (async_status)async_stream_copy_(stream, buffer, length);
#else
    return async_stream_read_(stream, buffer, length);
#endif
}

ASYNC_API async_status async_stream_read_exactly(async_stream *stream,
                                                 void *buffer, size_t length,
                                                 size_t *done)
{
    async_task *task = async_self_();
    async_status rc = async_stream_begins_(stream, task);

    if (rc != 0) {
        return rc;
    }
    if (done == NULL || *done > length || (buffer == NULL && length != 0)) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    while (*done < length) {
        char *to = (char *)buffer + *done;
        size_t left = length - *done;

        if (async_stream_received_(stream) > 0) {
            *done += async_stream_copy_(stream, to, left);
            continue;
        }
        rc = left >= stream->in_size
            ? async_stream_fetch_(stream, task, to, left)
            : async_stream_fill_(stream, task);
        if (rc <= 0) {
            return rc == 0 ? ASYNC_EPIPE : rc;
        }
        if (left >= stream->in_size) {
            *done += (size_t)rc;
        }
    }
    *done = 0;
    return (async_status)async_fd_length_(length);
}

/* The length up to the end of the separator, or 0. What was looked at once is
 * not looked at again. */
ASYNC_HOT_ size_t async_stream_find_(async_stream *stream,
                                     const char *separator, size_t length)
{
    const char *begin = stream->in + stream->in_begin;
    size_t received = async_stream_received_(stream);
    const char *at;

    while (received - stream->scanned >= length) {
        at = (const char *)memchr(begin + stream->scanned, separator[0],
                                  received - stream->scanned - (length - 1));
        if (at == NULL) {
            stream->scanned = received - (length - 1);
            break;
        }
        stream->scanned = (size_t)(at - begin);
        if (length == 1 || memcmp(at, separator, length) == 0) {
            return stream->scanned + length;
        }
        stream->scanned++;
    }
    return 0;
}

/* Hand out the first n bytes where they are, with a NUL behind them. */
ASYNC_HOT_ async_status async_stream_hand_out_(async_stream *stream, size_t n,
                                           char **at)
{
    *at = stream->in + stream->in_begin;
    stream->in_begin += n;
    stream->held = stream->in[stream->in_begin];
    stream->in[stream->in_begin] = '\0';
    stream->holds = true;
    return (async_status)n;
}

/* Nothing more comes, or nothing at all, by this status. */
static async_status async_stream_last_(async_stream *stream, async_status rc,
                                       char **at, bool rest)
{
    size_t n = async_stream_received_(stream);

    if (rc < 0 || (n != 0 && !rest)) {
        return rc < 0 ? rc : ASYNC_EPIPE;
    }
    return async_stream_hand_out_(stream, n, at);
}

/* `rest`: what is left at the end counts as well. So many bytes have been
 * looked at already, if this is a new read. */
ASYNC_APART_ async_status async_stream_until_(async_stream *stream,
                                              const char *separator,
                                              size_t length, char **at,
                                              bool rest, size_t scanned)
{
    async_task *task = async_self_();
    async_status rc = async_stream_begins_(stream, task);
    size_t n;

    if (rc != 0) {
        return rc;
    }
    if (stream->reader == NULL) {
        stream->scanned = scanned;
    }
    if (separator == NULL || length == 0 || at == NULL
        || stream->in_size == 0) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    for (;;) {
        n = async_stream_received_(stream);
        if (n > stream->scanned && stream->reader == NULL) {
            size_t found = async_stream_find_(stream, separator, length);

            if (found > 0) {
                return async_stream_hand_out_(stream, found, at);
            }
        }
        if (n == stream->in_size) {
            return ASYNC_EMSGSIZE;
        }
        rc = async_stream_fill_(stream, task);
        if (rc <= 0) {
            break;
        }
    }
    return async_stream_last_(stream, rc, at, rest);
}

#if ASYNC_FAST_
/* The same on the way that nearly all go: it is in the buffer; or the buffer is
 * empty, and it comes at once, or the task waits, and then it comes. All else
 * is left to the function above, before anything was changed, or with some
 * bytes more in the buffer. */
ASYNC_HOT_ async_status async_stream_look_(async_stream *stream,
                                           const char *separator,
                                           size_t length, char **at, bool rest)
{
    async_task *task = async_self_();
    size_t scanned = 0, found;
    async_status n;

    if (ASYNC_UNLIKELY_(stream == NULL || at == NULL || !stream->open
                        || length == 0 || separator == NULL)) {
        return async_stream_until_(stream, separator, length, at, rest, 0);
    }
    if (stream->reader == NULL && ASYNC_UP_TO_(task, ASYNC_RUNNING_)) {
        if (stream->in_begin != stream->in_end) {
            if (stream->holds) {
                stream->in[stream->in_begin] = stream->held;
                stream->holds = false;
            }
            stream->scanned = 0;
            goto looks;
        }
        if (ASYNC_LIKELY_(!stream->ended && stream->sender == NULL
                          && stream->in_size != 0)) {
            n = async_stream_refill_(stream, task);
            if (n == ASYNC_PENDING) {
                return n;
            }
            goto reads;
        }
    } else if (ASYNC_LIKELY_(stream->reader == task && stream->sender != task
                             && stream->in_end != stream->in_size)) {
        n = async_read(stream->fd, stream->in + stream->in_end,
                       stream->in_size - stream->in_end);
        if (n == ASYNC_PENDING) {
            return n;
        }
        goto reads;
    }
    return async_stream_until_(stream, separator, length, at, rest, 0);
reads:
    if (ASYNC_UNLIKELY_(n <= 0)) {
        return async_stream_last_(stream, async_stream_took_(stream, task, n),
                                  at, rest);
    }
    stream->reader = NULL;
    stream->in_end += (size_t)n;
looks:
    found = async_stream_find_(stream, separator, length);
    if (ASYNC_LIKELY_(found != 0)) {
        return async_stream_hand_out_(stream, found, at);
    }
    scanned = stream->scanned;
    return async_stream_until_(stream, separator, length, at, rest, scanned);
}

#else
#define async_stream_look_(stream, separator, length, at, rest) \
    async_stream_until_((stream), (separator), (length), (at), (rest), 0)
#endif

ASYNC_API async_status async_stream_read_line(async_stream *stream,
                                              char **line)
{
    return async_stream_look_(stream, "\n", 1, line, true);
}

ASYNC_API async_status async_stream_read_until(async_stream *stream,
                                               const void *separator,
                                               size_t length, char **at)
{
    return async_stream_look_(stream, (const char *)separator, length, at,
                              false);
}

ASYNC_API async_status async_stream_peek(async_stream *stream, size_t least,
                                         char **at)
{
    async_task *task = async_self_();
    async_status rc = async_stream_begins_(stream, task);

    if (rc != 0) {
        return rc;
    }
    if (at == NULL) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    if (least > stream->in_size) {
        return async_settle_(task, ASYNC_EMSGSIZE);
    }
    while (async_stream_received_(stream) < least) {
        rc = async_stream_fill_(stream, task);
        if (rc < 0) {
            return rc;
        }
        if (rc == 0) {
            break;
        }
    }
    *at = stream->in + stream->in_begin;
    return (async_status)async_stream_received_(stream);
}

ASYNC_API int async_stream_skip(async_stream *stream, size_t length)
{
    if (stream == NULL) {
        return ASYNC_EINVAL;
    }
    if (!stream->open) {
        return ASYNC_EBADF;
    }
    if (stream->reader != NULL) {
        return ASYNC_EBUSY;
    }
    if (length > async_stream_received_(stream)) {
        return ASYNC_EINVAL;
    }
    if (stream->holds && length > 0) {
        stream->in[stream->in_begin] = stream->held;
        stream->holds = false;
    }
    stream->in_begin += length;
    return 0;
}

ASYNC_API bool async_stream_at_eof(const async_stream *stream)
{
    return stream != NULL && stream->ended
        && async_stream_received_(stream) == 0;
}

#endif

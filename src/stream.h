#pragma once
#include "fd.h"
/* ===========================================================================
 * stream: lines and messages over a descriptor, by two buffers of the
 * caller's. It knows no addresses and makes no descriptors: net.h does.
 *
 *     char in[4096], out[4096];           in the frame, like the stream
 *     async_stream stream;                zeroed
 *
 *     AWAIT(async_stream_open(&self->stream, fd, self->in, sizeof self->in,
 *                             self->out, sizeof self->out));
 *     for (;;) {
 *         AWAIT_VALUE(self->n, async_stream_read_line(&self->stream,
 *                                                     &self->line));
 *         if (self->n == 0) { break; }
 *         AWAIT(async_stream_printf(&self->stream, "you said %s",
 *                                   self->line));
 *     }
 *     AWAIT(async_stream_close(&self->stream));
 *
 * What is written stays in the write buffer until that is full, or until
 * async_stream_flush; or until a read of the same stream has to ask for more:
 * it sends what is there first, as who waits for an answer must have asked. So
 * a loop as above takes one system call to read, and one to answer, however
 * many lines came together.
 *
 * Cancel-safe: a read that is struck has taken nothing, what it had received
 * by then is there for the next one; a write that is struck has put nothing
 * (async_stream_write, _printf), or keeps its count (_write_all).
 *
 * One task may read and others write at the same time. A second reader gets
 * ASYNC_EBUSY. Writers take turns, first come, first served, so what one call
 * writes is never in the middle of what another one does.
 *
 * Errors: ASYNC_EBADF for a stream that is not open (zeroed, or closed);
 * ASYNC_EINVAL for NULL. A connection that breaks stays broken: what was
 * received before it broke can still be read, then its error comes, in place
 * of the end, and every write fails with it. For want of memory, descriptors
 * or room on a disk nothing breaks, and nothing is lost: try again.
 *
 * Awaitables are for tasks only; each suspends only if it has to. The other
 * functions may be called by tasks and callbacks of the loop.
 *
 * Costs: no allocation. A byte is copied once on its way in or out, none if it
 * goes straight from or to the caller's memory; a line that is read and
 * answered takes some 200 instructions more than a bare async_read and
 * async_write (x86-64); a separator is looked for once in each byte; what is
 * left in the read buffer moves to its front at most once for each half of
 * it.
 * ======================================================================== */

/* Zeroed memory is a closed stream, as is one that was closed. It stays where
 * it is, with its buffers, until it is closed and the tasks that waited in it
 * have run. */
typedef struct async_stream {
    int fd;
    int error;                  /* what it broke with, or 0 */
    char *in, *out;
    size_t in_size, out_size;   /* in_size: without the byte for a NUL */
    size_t in_begin, in_end;    /* received, and not read yet */
    size_t out_begin, out_end;  /* written, and not sent yet */
    size_t scanned;             /* of the input, in vain, by who waits */
    size_t goal;                /* of the output, to be sent by the sender */
    async_task *reader;         /* who waits for input */
    async_task *sender;         /* whose turn it is to wait for output */
    async_list writers;         /* who wait for their turn */
    char held;                  /* the byte in whose place a NUL was put */
    bool open;
    bool ended;                 /* nothing more will be received */
    bool shut;                  /* nothing more may be written */
    bool holds;
    bool message;               /* the sender is in the middle of one */
} async_stream;

#if ASYNC_DEBUG
#define async_stream_open(...) \
    async_stream_open_(__VA_ARGS__, __FILE__, __LINE__)
#define async_stream_open_ ASYNC_ABI_(async_stream_open)
#else
#define async_stream_open ASYNC_ABI_(async_stream_open)
#define async_stream_open_ async_stream_open
#endif
#define async_stream_read ASYNC_ABI_(async_stream_read)
#define async_stream_read_exactly ASYNC_ABI_(async_stream_read_exactly)
#define async_stream_read_line ASYNC_ABI_(async_stream_read_line)
#define async_stream_read_until ASYNC_ABI_(async_stream_read_until)
#define async_stream_peek ASYNC_ABI_(async_stream_peek)
#define async_stream_skip ASYNC_ABI_(async_stream_skip)
#define async_stream_at_eof ASYNC_ABI_(async_stream_at_eof)
#define async_stream_write ASYNC_ABI_(async_stream_write)
#define async_stream_write_all ASYNC_ABI_(async_stream_write_all)
#define async_stream_printf ASYNC_ABI_(async_stream_printf)
#define async_stream_try_write ASYNC_ABI_(async_stream_try_write)
#define async_stream_unsent ASYNC_ABI_(async_stream_unsent)
#define async_stream_flush ASYNC_ABI_(async_stream_flush)
#define async_stream_shutdown_write ASYNC_ABI_(async_stream_shutdown_write)
#define async_stream_close ASYNC_ABI_(async_stream_close)
#define async_stream_abort ASYNC_ABI_(async_stream_abort)

/* async_stream_open(stream, fd, in, in_size, out, out_size): a stream over an
 * open descriptor of any kind: a socket, a pipe, a terminal, a file. The stream
 * closes it. A size may be 0, with or without a buffer: then reads go straight
 * into the caller's memory, and there are no lines; or only
 * async_stream_write_all writes. A line can be as long as the read buffer less
 * one byte, so its size is the limit: 2 at least. 0; the error itself for an fd
 * below 0; ASYNC_EINVAL; ASYNC_EALREADY for one that is open. From anywhere. A
 * debug build tells of one that is still open when its loop ends, unless it is
 * over descriptor 0, 1 or 2; it is that of the loop which is current now. */
ASYNC_API int async_stream_open_(async_stream *stream, int fd, void *in,
                                 size_t in_size, void *out, size_t out_size
                                 ASYNC_OPENER_);

/* ---- reading ------------------------------------------------------------- */

/* AWAIT_VALUE(n, async_stream_read(stream, buffer, length)): what is there, up
 * to `length` bytes: at least one, or 0 at the end. */
ASYNC_API ASYNC async_stream_read(async_stream *stream, void *buffer,
                                  size_t length);

/* AWAIT(async_stream_read_exactly(stream, buffer, length, &self->done)): all of
 * it, and return the length. `done` counts the bytes in the caller's buffer:
 * zero before, zero again after success. When it fails or is struck it keeps
 * its count, and the same call goes on from there. ASYNC_EPIPE when the stream
 * ends early. */
ASYNC_API ASYNC async_stream_read_exactly(async_stream *stream, void *buffer,
                                          size_t length, size_t *done);

/* AWAIT_VALUE(n, async_stream_read_line(stream, &self->line)): a line with its
 * "\n", as getline(3) does it: its length, or 0 at the end. *line points into
 * the read buffer, with a NUL after it; the caller may change it, up to the
 * next read of the stream. The last line of a stream may lack its "\n".
 * ASYNC_EMSGSIZE for one that is longer than the buffer: nothing was taken, so
 * the same call fails again; see async_stream_skip. */
ASYNC_API ASYNC async_stream_read_line(async_stream *stream, char **line);

/* The same up to, and with, any `length` bytes. At the end 0; ASYNC_EPIPE if
 * something stands before the end, but no such bytes: it can still be read. */
ASYNC_API ASYNC async_stream_read_until(async_stream *stream,
                                        const void *separator, size_t length,
                                        char **at);

/* AWAIT_VALUE(n, async_stream_peek(stream, least, &self->at)): wait until at
 * least so many bytes are in the read buffer, take none, and return how many
 * there are: fewer only before the end. With 0 it never waits. ASYNC_EMSGSIZE
 * for more than the buffer holds. *at is good until the next read. */
ASYNC_API ASYNC async_stream_peek(async_stream *stream, size_t least,
                                  char **at);

/* Take bytes that are in the read buffer. 0, or ASYNC_EINVAL for more than
 * there are, ASYNC_EBUSY while a task waits for input. */
ASYNC_API int async_stream_skip(async_stream *stream, size_t length);

/* Was the end seen, and is all before it read? (Only a read sees the end.) */
ASYNC_API bool async_stream_at_eof(const async_stream *stream);

/* ---- writing ------------------------------------------------------------- */

/* AWAIT(async_stream_write(stream, data, length)): put it into the write
 * buffer, all of it or nothing; waits until there is room. The length, or
 * ASYNC_EMSGSIZE for more than the buffer holds, ASYNC_ESHUTDOWN after
 * async_stream_shutdown_write. */
ASYNC_API ASYNC async_stream_write(async_stream *stream, const void *data,
                                   size_t length);

/* AWAIT(async_stream_write_all(stream, data, length, &self->done)): any length.
 * What does not fit is sent straight from the caller's memory, together with
 * what is in the buffer. `done` is as in async_stream_read_exactly. */
ASYNC_API ASYNC async_stream_write_all(async_stream *stream, const void *data,
                                       size_t length, size_t *done);

/* AWAIT(async_stream_printf(stream, format, ...)): as printf(3), by the rules
 * of async_stream_write; its length must be less than the buffer's size. What
 * it prints is looked at each time the task is resumed, so it is to last. */
#if defined __GNUC__ && !defined __TINYC__
#define ASYNC_PRINTF_(text, first) \
    __attribute__((format(printf, text, first)))
#else
#define ASYNC_PRINTF_(text, first)
#endif
ASYNC_API ASYNC async_stream_printf(async_stream *stream, const char *format,
                                    ...) ASYNC_PRINTF_(2, 3);

/* The same as async_stream_write without waiting: the length, or ASYNC_EAGAIN
 * when there is no room, or others wait for theirs. Somebody has to flush. */
ASYNC_API int async_stream_try_write(async_stream *stream, const void *data,
                                     size_t length);

/* How many bytes are in the write buffer; 0 for NULL. */
ASYNC_API size_t async_stream_unsent(const async_stream *stream);

/* AWAIT(async_stream_flush(stream)): wait until what was written so far has
 * been given to the system. 0, or why not: struck, the rest stays. */
ASYNC_API ASYNC async_stream_flush(async_stream *stream);

/* ---- the end ------------------------------------------------------------- */

/* AWAIT(async_stream_shutdown_write(stream)): flush, then let the other side
 * see the end; reading goes on. A descriptor that is no socket is closed for
 * this, if the stream has no read buffer, or else it is ASYNC_ENOTSOCK. */
ASYNC_API ASYNC async_stream_shutdown_write(async_stream *stream);

/* AWAIT(async_stream_close(stream)): flush, then close the descriptor. It is
 * closed in any case: an error tells that what was written did not all go out,
 * and so does a strike, which drops the rest. So a time limit stands around it
 * where the other side may have stopped to read. Tasks that wait in the stream
 * get ASYNC_EBADF. */
ASYNC_API ASYNC async_stream_close(async_stream *stream);

/* Close it at once; what was not sent is dropped. 0 or the error of close(2).
 * Not an awaitable. */
ASYNC_API int async_stream_abort(async_stream *stream);

/* ---- between its two files ----------------------------------------------- */

#define async_stream_failed_ ASYNC_ABI_(async_stream_failed)
#define async_stream_used_ ASYNC_ABI_(async_stream_used)
#define async_stream_flush_ ASYNC_ABI_(async_stream_flush_some)
#define async_stream_drain_ ASYNC_ABI_(async_stream_drain)

ASYNC_INLINE_ size_t async_stream_written_(const async_stream *stream)
{
    return stream->out_end - stream->out_begin;
}

/* A read or a write has failed, or is pending: what to say of it. */
ASYNC_API async_status async_stream_failed_(async_stream *stream,
                                            async_status rc);

/* Send what is written, if the task may: stream.c's async_stream_turn_. And the
 * end of each such use. */
ASYNC_API async_status async_stream_flush_(async_stream *stream,
                                           const async_task *task);
ASYNC_API async_status async_stream_used_(async_stream *stream,
                                          async_task *task, async_status rc);

/* Both at once, where nobody else sends, nothing is wrong, and there is
 * something to be sent; by a task that runs. */
ASYNC_API async_status async_stream_drain_(async_stream *stream,
                                           async_task *task);

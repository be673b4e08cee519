#pragma once
#include "offload.h"
#if ASYNC_HOSTED && ASYNC_OFFLOAD
/* ===========================================================================
 * file: regular files, read and written in threads, so that a slow disk holds
 * up nobody but who waits for it. It buffers nothing, and is not for terminals
 * and sockets, which keep a thread from other work: those are fd.h's.
 *
 * To a file the system says "ready" at any time, and then may take seconds. So
 * each operation here is a job of async_offload, and what is said there of
 * threads and strikes holds for all of them: struck while it is queued, an
 * operation has done nothing; once a thread has begun, it ends, and gives its
 * result, and the strike hits the next await. No byte and no descriptor is lost
 * to a cancel or a timeout. Each costs two switches of threads; so read and
 * write by the ten thousand bytes.
 *
 * The file is in the caller's memory, and does one thing at a time: ASYNC_EBUSY
 * for a second one meanwhile. To read at several places at once, open it as
 * often. Paths and buffers stay where they are until the await has ended. For
 * all operations: ASYNC_EINVAL for NULL, ASYNC_EBADF for a file that is not
 * open, the errors of async_offload, and the system call's own. EINTR is never
 * one of them. Task only.
 * ======================================================================== */

#include <fcntl.h>
#include <sys/types.h>

struct stat;

/* Zeroed, or one that was closed. */
typedef struct async_file {
    async_offload_job job;
    int fd;                 /* its descriptor, while it is open: to look at */
    bool is_open, is_pipe;
    size_t done;            /* bytes of the last write, be it one that failed */
    /* the operation that is under way: */
    int (*call)(struct async_file *file);
    const char *path;
    void *buffer;
    size_t length;
    int64_t offset;
    int flags;
    mode_t mode;
    const async_task *user; /* who waits for a FIFO */
} async_file;

#define ASYNC_ENXIO ASYNC_ERRNO_(ENXIO, 6)

#define async_file_open ASYNC_ABI_(async_file_open)
#define async_file_read ASYNC_ABI_(async_file_read)
#define async_file_pread ASYNC_ABI_(async_file_pread)
#define async_file_write ASYNC_ABI_(async_file_write)
#define async_file_pwrite ASYNC_ABI_(async_file_pwrite)
#define async_file_sync ASYNC_ABI_(async_file_sync)
#define async_file_size ASYNC_ABI_(async_file_size)
#define async_file_stat ASYNC_ABI_(async_file_stat)
#define async_file_close ASYNC_ABI_(async_file_close)

/* AWAIT(async_file_open(&self->file, path, O_RDONLY, 0)): open it, as open(2)
 * does; closed on exec. 0 or an error; ASYNC_EBUSY if it is open already.
 * A FIFO does not wait for its other side: it is opened for reading in any
 * case, and the first read waits until somebody has written to it; for writing
 * it is ASYNC_ENXIO while nobody has it open for reading, and the caller may
 * try again later. The loop waits for it, so no thread is kept. */
ASYNC_API ASYNC async_file_open(async_file *file, const char *path, int flags,
                                mode_t mode);

/* AWAIT_VALUE(n, async_file_read(&self->file, buffer, length)): what read(2)
 * gives: so many bytes from where the last read or write ended, 0 at the end of
 * the file. And pread(2): from `offset` on, without moving that place. Lengths
 * above INT_MAX are taken as INT_MAX. Of a FIFO what is there, once something
 * is; a strike leaves at once, and has taken nothing. */
ASYNC_API ASYNC async_file_read(async_file *file, void *buffer, size_t length);
ASYNC_API ASYNC async_file_pread(async_file *file, void *buffer, size_t length,
                                 int64_t offset);

/* AWAIT(async_file_write(&self->file, buffer, length)): write all of it; the
 * length, or an error, and then file.done says how many bytes were written. And
 * the same from `offset` on. */
ASYNC_API ASYNC async_file_write(async_file *file, const void *buffer,
                                 size_t length);
ASYNC_API ASYNC async_file_pwrite(async_file *file, const void *buffer,
                                  size_t length, int64_t offset);

/* AWAIT(async_file_sync(&self->file)): fsync(2): wait until what was written is
 * on the disk. 0 or an error. */
ASYNC_API ASYNC async_file_sync(async_file *file);

/* AWAIT(async_file_size(&self->file, &self->size)): its size in bytes: 0 or an
 * error. And all that fstat(2) knows. */
ASYNC_API ASYNC async_file_size(async_file *file, int64_t *size);
ASYNC_API ASYNC async_file_stat(async_file *file, struct stat *to);

/* AWAIT(async_file_close(&self->file)): close it: 0 or the error of close(2),
 * by which some systems say that a write has failed; it is closed in any case.
 * Made for a finally, or the release of an ASYNC_WITH_AWAIT: no strike keeps it
 * from closing, nor does the want of a thread. */
ASYNC_API ASYNC async_file_close(async_file *file);
#endif

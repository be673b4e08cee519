/* ===========================================================================
 * file: the system calls on files, made in threads.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "config.h"
#if ASYNC_HOSTED && ASYNC_OFFLOAD
#include "file.h"
#include "fd_table.h"

#include <sys/stat.h>
#include <unistd.h>

/* ---- in the thread ------------------------------------------------------- */

static int async_file_call_(void *argument)
{
    async_file *file = (async_file *)argument;

    return file->call(file);
}

/* By open(2), which waits at a FIFO until somebody opens its other side: not so
 * with O_NONBLOCK, which means nothing to a file or a folder, but something
 * else to a device. Only a file that others hold by a lease (fcntl(2)) is then
 * refused, and asked for again. */
static int async_file_get_(const async_file *file, int *flags)
{
    struct stat status;
    int fd;

    *flags = file->flags;
#ifdef O_PATH
    if ((*flags & O_PATH) == 0)
#endif
    if (stat(file->path, &status) < 0
        || (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode))) {
        *flags |= O_NONBLOCK;
    }
    for (;;) {
        fd = ASYNC_SYS_(open)(file->path, *flags, file->mode);
        if (fd >= 0) {
            return fd;
        }
        if (errno == EWOULDBLOCK && *flags != file->flags) {
            *flags = file->flags;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
}

static int async_file_opens_(async_file *file)
{
    struct stat status;
    int flags;
    int fd = async_file_get_(file, &flags);

    if (fd < 0) {
        return fd;
    }
    if (ASYNC_SYS_(fstat)(fd, &status) < 0
        || (flags != file->flags && !S_ISFIFO(status.st_mode)
            && ASYNC_SYS_(fcntl)(fd, F_SETFL, file->flags) < 0)) {
        int err = -errno;

        (void)close(fd);
        return err;
    }
    file->fd = fd;
    file->is_open = true;
    file->is_pipe = S_ISFIFO(status.st_mode);
    return 0;
}

/* Reading, or writing, once: at the file's own place, or at an offset. */
static ptrdiff_t async_file_read_once_(const async_file *file)
{
    return file->offset < 0
        ? ASYNC_SYS_(read)(file->fd, file->buffer, file->length)
        : ASYNC_SYS_(pread)(file->fd, file->buffer, file->length,
                            (off_t)file->offset);
}

static ptrdiff_t async_file_write_once_(const async_file *file)
{
    const char *from = (const char *)file->buffer + file->done;
    size_t length = file->length - file->done;

    return file->offset < 0
        ? ASYNC_SYS_(write)(file->fd, from, length)
        : ASYNC_SYS_(pwrite)(file->fd, from, length,
                             (off_t)(file->offset + (int64_t)file->done));
}

static int async_file_reads_(async_file *file)
{
    ptrdiff_t n;

    do {
        n = async_file_read_once_(file);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : (int)n;
}

static int async_file_writes_(async_file *file)
{
    ptrdiff_t n;

    do {
        n = async_file_write_once_(file);
        if (n >= 0) {
            file->done += (size_t)n;
        } else if (errno != EINTR) {
            return -errno;
        }
    } while (file->done < file->length && n != 0);
    return n == 0 && file->length != 0 ? ASYNC_EIO : (int)file->length;
}

static int async_file_syncs_(async_file *file)
{
    int rc;

    do {
        rc = ASYNC_SYS_(fsync)(file->fd);
    } while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : 0;
}

static int async_file_stats_(async_file *file)
{
    return ASYNC_SYS_(fstat)(file->fd, (struct stat *)file->buffer) < 0
        ? -errno : 0;
}

static int async_file_sizes_(async_file *file)
{
    struct stat status;
    int64_t size;

    if (ASYNC_SYS_(fstat)(file->fd, &status) < 0) {
        return -errno;
    }
    size = (int64_t)status.st_size;
    *(int64_t *)file->buffer = size;
    return 0;
}

/* After EINTR the number is free, or another thread's: never again. */
static int async_file_closes_(async_file *file)
{
    int rc = ASYNC_SYS_(close)(file->fd) < 0 && errno != EINTR ? -errno : 0;

    file->is_open = false;
    file->fd = -1;
    return rc;
}

/* ---- in the task --------------------------------------------------------- */

/* Does an operation begin? Then with what, in its file; or what is wrong. Only
 * now may this be written: once it is out, the file is the thread's. */
static int async_file_begin_(async_file *file, bool is_open,
                             int (*call)(async_file *file), const void *buffer,
                             size_t length, int64_t offset)
{
    if (file == NULL || (buffer == NULL && length != 0)) {
        return ASYNC_EINVAL;
    }
    if (file->job.home != NULL || file->user != NULL) {
        return ASYNC_EBUSY;
    }
    if (file->is_open != is_open) {
        return is_open ? ASYNC_EBADF : ASYNC_EBUSY;
    }
    ASYNC_LASTS_("an operation on a file", buffer, true);
    file->call = call;
    file->buffer = (void *)(uintptr_t)buffer;
    file->length = async_fd_length_(length);
    file->offset = offset;
    return 0;
}

static async_status async_file_wait_(async_file *file, const char *what)
{
    async_status rc = async_offload(&file->job, async_file_call_, file);

    (void)what;
    if (rc == ASYNC_PENDING) {
        ASYNC_WAITS_(what, file);
    }
    return rc;
}

/* Is it a read or a write of a FIFO, and could that have to wait? */
static bool async_file_may_wait_(const async_file *file)
{
    int mode = file->flags & O_ACCMODE;

    return file->is_pipe && file->offset < 0 && file->length != 0
        && ((file->call == async_file_reads_ && mode != O_WRONLY)
            || (file->call == async_file_writes_ && mode != O_RDONLY));
}

/* A FIFO keeps no thread waiting: the loop waits for it. It is always the wait
 * that suspends, so an operation that is resumed is in that. */
static async_status async_file_pipe_(async_file *file, const char *what)
{
    async_status rc;

    do {
        rc = file->call == async_file_reads_ ? async_readable(file->fd)
                                             : async_writable(file->fd);
        if (rc == 0) {
            rc = file->call(file);
        }
    } while (rc == ASYNC_EAGAIN);
    (void)what;
    if (rc == ASYNC_PENDING) {
        ASYNC_WAITS_(what, file);
    }
    file->user = rc == ASYNC_PENDING ? async_this_task_ : NULL;
    return rc;
}

static async_status async_file_do_(async_file *file, const char *what,
                                   int (*call)(async_file *file),
                                   const void *buffer, size_t length,
                                   int64_t offset)
{
    if (async_state_(async_this_task_) == ASYNC_RUNNING_) {
        int err = async_file_begin_(file, true, call, buffer, length, offset);

        if (err < 0) {
            return err;
        }
    }
    return async_file_may_wait_(file) ? async_file_pipe_(file, what)
                                      : async_file_wait_(file, what);
}

/* An offset that the system call cannot take. */
static int async_file_offset_(int64_t offset)
{
    return offset < 0 ? ASYNC_EINVAL
        : (int64_t)(off_t)offset != offset ? ASYNC_EOVERFLOW : 0;
}

ASYNC_API async_status async_file_open(async_file *file, const char *path,
                                       int flags, mode_t mode)
{
    if (async_state_(async_self_()) == ASYNC_RUNNING_) {
        int err = async_file_begin_(file, false, async_file_opens_, path, 1,
                                    -1);

        if (err < 0) {
            return err;
        }
        file->path = path;
        file->flags = flags | O_CLOEXEC;
        file->mode = mode;
    }
    return async_file_wait_(file, "async_file_open");
}

ASYNC_API async_status async_file_read(async_file *file, void *buffer,
                                       size_t length)
{
    (void)async_self_();
    return async_file_do_(file, "async_file_read", async_file_reads_, buffer,
                          length, -1);
}

ASYNC_API async_status async_file_pread(async_file *file, void *buffer,
                                        size_t length, int64_t offset)
{
    int err = async_file_offset_(offset);

    (void)async_self_();
    return err < 0 ? err
        : async_file_do_(file, "async_file_pread", async_file_reads_, buffer,
                         length, offset);
}

/* A new write counts anew; a resumed one leaves the count to the thread. */
static async_status async_file_write_(async_file *file, const char *what,
                                      const void *buffer, size_t length,
                                      int64_t offset)
{
    if (async_state_(async_this_task_) == ASYNC_RUNNING_ && file != NULL
        && file->job.home == NULL && file->user == NULL) {
        file->done = 0;
    }
    return async_file_do_(file, what, async_file_writes_, buffer, length,
                          offset);
}

ASYNC_API async_status async_file_write(async_file *file, const void *buffer,
                                        size_t length)
{
    (void)async_self_();
    return async_file_write_(file, "async_file_write", buffer, length, -1);
}

ASYNC_API async_status async_file_pwrite(async_file *file, const void *buffer,
                                         size_t length, int64_t offset)
{
    int err = async_file_offset_(offset);

    (void)async_self_();
    return err < 0 ? err : async_file_write_(file, "async_file_pwrite", buffer,
                                             length, offset);
}

ASYNC_API async_status async_file_sync(async_file *file)
{
    (void)async_self_();
    return async_file_do_(file, "async_file_sync", async_file_syncs_, NULL, 0,
                          -1);
}

ASYNC_API async_status async_file_size(async_file *file, int64_t *size)
{
    (void)async_self_();
    return async_file_do_(file, "async_file_size", async_file_sizes_, size,
                          sizeof *size, -1);
}

ASYNC_API async_status async_file_stat(async_file *file, struct stat *to)
{
    (void)async_self_();
    return async_file_do_(file, "async_file_stat", async_file_stats_, to, 1,
                          -1);
}

/* The loop may know the number, by async_read for instance. */
ASYNC_API async_status async_file_close(async_file *file)
{
    if (async_state_(async_self_()) == ASYNC_RUNNING_) {
        int err = async_file_begin_(file, true, async_file_closes_, NULL, 0,
                                    -1);

        if (err < 0) {
            return err;
        }
        (void)async_detach(file->fd);
    }
    return async_offload_surely_(&file->job, async_file_call_, file);
}

#endif

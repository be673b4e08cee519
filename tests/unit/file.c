/* file: regular files, and what strikes do to them. A lease holds a thread in
 * open(2), a terminal in read(2), for as long as a test wants it there. And
 * FIFOs, which hold none. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "fdtools.h"

#if ASYNC_HOSTED && ASYNC_OFFLOAD

#include <sys/ioctl.h>
#include <sys/resource.h>

enum { LARGE = 1000000, CHUNK = 4096 };

struct user {
    async_frame frame;
    async_task task;
    async_file *file;
    const char *path;
    int rc, outcome, n;
    bool opened;
    char buffer[16];
};

/* Keeps a thread until the pipe is closed. */
struct holder {
    async_frame frame;
    async_task task;
    async_offload_job job;
    int fd;
};

struct main {
    async_frame frame;
    async_file file, other;
    async_timeout scope;
    struct user a, b;
    struct holder full[ASYNC_OFFLOAD_THREADS];
    struct stat stat;
    int64_t size;
    int i, n, rc, fd, ends[2];
    char buffer[64];
};

static char place[64];              /* a folder */
static char path[100], other[100];  /* in it */
static char large[LARGE], copy[LARGE];

static void in_a_folder(void)
{
    strcpy(place, "/tmp/async-file-XXXXXX");
    CHECK(mkdtemp(place) != NULL);
    snprintf(path, sizeof path, "%s/a", place);
    snprintf(other, sizeof other, "%s/b", place);
}

static void remove_folder(void)
{
    (void)unlink(path);
    (void)unlink(other);
    CHECK_EQ(rmdir(place), 0);
}

#define RUN(fn, want) \
    do { \
        static struct main m; \
        int before = lowest_fd(); \
        ZERO(m); \
        test_real_time(); \
        in_a_folder(); \
        CHECK_EQ(async_run(fn, &m), want); \
        CHECK_EQ(lowest_fd(), before); \
        remove_folder(); \
    } while (0)

/* ---- reading and writing ------------------------------------------------- */

static ASYNC to_and_fro(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_file_open(&self->file, path, O_RDWR | O_CREAT | O_EXCL, 0600));
    CHECK((fcntl(self->file.fd, F_GETFD) & FD_CLOEXEC) != 0);
    AWAIT_VALUE(self->n, async_file_write(&self->file, "hello ", 6));
    CHECK_EQ(self->n, 6);
    AWAIT_VALUE(self->n, async_file_write(&self->file, "world", 5));
    CHECK_EQ(self->n, 5);
    CHECK_EQ(self->file.done, 5);
    AWAIT_VALUE(self->n, async_file_read(&self->file, self->buffer, 64));
    CHECK_EQ(self->n, 0);                       /* it stands at the end */
    AWAIT_VALUE(self->n, async_file_pread(&self->file, self->buffer, 64, 6));
    CHECK_EQ(self->n, 5);
    CHECK(memcmp(self->buffer, "world", 5) == 0);
    AWAIT_VALUE(self->n, async_file_pwrite(&self->file, "W", 1, 6));
    CHECK_EQ(self->n, 1);
    AWAIT_VALUE(self->n, async_file_pread(&self->file, self->buffer, 64, 0));
    CHECK_EQ(self->n, 11);
    CHECK(memcmp(self->buffer, "hello World", 11) == 0);
    AWAIT_VALUE(self->n, async_file_pread(&self->file, self->buffer, 64, 11));
    CHECK_EQ(self->n, 0);
    AWAIT(async_file_size(&self->file, &self->size));
    CHECK_EQ(self->size, 11);
    AWAIT(async_file_stat(&self->file, &self->stat));
    CHECK_EQ(self->stat.st_size, 11);
    CHECK((self->stat.st_mode & 0777) == 0600);
    AWAIT(async_file_sync(&self->file));
    AWAIT(async_file_close(&self->file));
    CHECK(!self->file.is_open);

    AWAIT(async_file_open(&self->file, path, O_WRONLY | O_APPEND, 0));
    AWAIT(async_file_write(&self->file, "!", 1));
    AWAIT(async_file_close(&self->file));
    AWAIT(async_file_open(&self->file, path, O_RDONLY, 0));
    AWAIT_VALUE(self->n, async_file_read(&self->file, self->buffer, 64));
    CHECK_EQ(self->n, 12);
    CHECK(memcmp(self->buffer, "hello World!", 12) == 0);
    AWAIT_VALUE(self->n, async_file_read(&self->file, self->buffer, 0));
    CHECK_EQ(self->n, 0);
    AWAIT(async_file_close(&self->file));
    ASYNC_END;
}

TEST(file_to_and_fro)
{
    RUN(to_and_fro, 0);
}

static ASYNC in_chunks(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_file_open(&self->file, path, O_RDWR | O_CREAT, 0600));
    AWAIT_VALUE(self->n, async_file_write(&self->file, large, LARGE));
    CHECK_EQ(self->n, LARGE);
    AWAIT(async_file_open(&self->other, path, O_RDONLY, 0));
    for (self->i = 0; self->i < LARGE; self->i += self->n) {
        AWAIT_VALUE(self->n, async_file_read(&self->other, copy + self->i,
                                             CHUNK));
        if (self->n == 0) {
            break;
        }
    }
    CHECK_EQ(self->i, LARGE);
    CHECK(memcmp(large, copy, LARGE) == 0);
    AWAIT(async_file_close(&self->file));
    AWAIT(async_file_close(&self->other));
    ASYNC_END;
}

TEST(file_in_chunks)
{
    unsigned i, x = 7;

    for (i = 0; i < LARGE; i++) {
        x = x * 1103515245U + 12345U;
        large[i] = (char)(x >> 16);
    }
    RUN(in_chunks, 0);
}

/* ---- errors -------------------------------------------------------------- */

static ASYNC wrong_use(struct main *self)
{
    ASYNC_BEGIN(self);
#define GIVES(error, x) \
    AWAIT_RESULT(self->rc, x); \
    CHECK_EQ(self->rc, error)
    GIVES(ASYNC_EINVAL, async_file_open(NULL, path, O_RDONLY, 0));
    GIVES(ASYNC_EINVAL, async_file_open(&self->file, NULL, O_RDONLY, 0));
    GIVES(ASYNC_EINVAL, async_file_read(NULL, self->buffer, 1));
    GIVES(ASYNC_EINVAL, async_file_write(NULL, self->buffer, 1));
    GIVES(ASYNC_EINVAL, async_file_sync(NULL));
    GIVES(ASYNC_EINVAL, async_file_size(NULL, &self->size));
    GIVES(ASYNC_EINVAL, async_file_close(NULL));
    GIVES(ASYNC_ENOENT, async_file_open(&self->file, path, O_RDONLY, 0));
    GIVES(ASYNC_EBADF, async_file_read(&self->file, self->buffer, 1));
    GIVES(ASYNC_EBADF, async_file_write(&self->file, self->buffer, 1));
    GIVES(ASYNC_EBADF, async_file_pread(&self->file, self->buffer, 1, 0));
    GIVES(ASYNC_EBADF, async_file_pwrite(&self->file, self->buffer, 1, 0));
    GIVES(ASYNC_EBADF, async_file_sync(&self->file));
    GIVES(ASYNC_EBADF, async_file_stat(&self->file, &self->stat));
    GIVES(ASYNC_EBADF, async_file_size(&self->file, &self->size));
    GIVES(ASYNC_EBADF, async_file_close(&self->file));
    AWAIT(async_file_open(&self->file, path, O_RDONLY | O_CREAT, 0600));
    GIVES(ASYNC_EBUSY, async_file_open(&self->file, path, O_RDONLY, 0));
    GIVES(-EBADF, async_file_write(&self->file, "x", 1));   /* read only */
    GIVES(ASYNC_EINVAL, async_file_read(&self->file, NULL, 1));
    GIVES(ASYNC_EINVAL, async_file_write(&self->file, NULL, 1));
    GIVES(ASYNC_EINVAL, async_file_pread(&self->file, self->buffer, 1, -1));
    GIVES(ASYNC_EINVAL, async_file_pwrite(&self->file, self->buffer, 1, -1));
    GIVES(ASYNC_EINVAL, async_file_size(&self->file, NULL));
    GIVES(ASYNC_EINVAL, async_file_stat(&self->file, NULL));
    AWAIT(async_file_close(&self->file));
    GIVES(ASYNC_EBADF, async_file_close(&self->file));
    AWAIT(async_file_open(&self->file, place, O_RDONLY, 0));
    GIVES(-EISDIR, async_file_read(&self->file, self->buffer, 1));
    AWAIT(async_file_close(&self->file));
    ASYNC_END;
}

TEST(file_wrong_use)
{
    RUN(wrong_use, 0);
}

/* The disk is full after 1000 bytes, of which the first write takes 600. */
static ASYNC full(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_file_open(&self->file, path, O_WRONLY | O_CREAT, 0600));
    AWAIT(async_file_write(&self->file, large, 600));
    AWAIT_RESULT(self->rc, async_file_write(&self->file, large, 600));
    CHECK_EQ(self->rc, -EFBIG);
    CHECK_EQ(self->file.done, 400);
    AWAIT_RESULT(self->rc, async_file_pwrite(&self->file, large, 600, 900));
    CHECK_EQ(self->rc, -EFBIG);
    CHECK_EQ(self->file.done, 100);
    AWAIT(async_file_close(&self->file));
    ASYNC_END;
}

TEST(file_partial_write_says_how_much)
{
    struct rlimit usual, limit;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);

    CHECK_EQ(getrlimit(RLIMIT_FSIZE, &usual), 0);
    limit = usual;
    limit.rlim_cur = 1000;
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
    RUN(full, 0);
    CHECK_EQ(setrlimit(RLIMIT_FSIZE, &usual), 0);
    (void)signal(SIGXFSZ, handler);
}

/* ---- strikes ------------------------------------------------------------- */

static ASYNC uses(struct user *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH_AWAIT(self->outcome,
                     async_file_open(self->file, self->path, O_RDONLY | O_NOCTTY,
                                     0),
                     async_file_close(self->file)) {
        self->opened = true;
        test_log("open ");
        AWAIT_VALUE(self->n, async_file_read(self->file, self->buffer, 16));
        test_log("read %d ", self->n);
        AWAIT(async_yield());
        test_log("goes on ");
    } ASYNC_WITH_END;
    ASYNC_END;
}

static void use(struct user *self, async_file *file, const char *of)
{
    self->file = file;
    self->path = of;
    CHECK_EQ(async_spawn(&self->task, uses, self), 0);
}

/* One who has a lease of the file is asked to give it back when a thread is in
 * open(2), which ends then. So the file is opened, the strike hits the read, and
 * the file is closed. */
#ifdef F_SETLEASE
static volatile sig_atomic_t asked;

static void is_asked(int number)
{
    (void)number;
    asked = 1;
}

static ASYNC struck_in_open(struct main *self)
{
    ASYNC_BEGIN(self);
    self->fd = open(path, O_RDWR | O_CREAT, 0600);
    CHECK(self->fd >= 0);
    if (fcntl(self->fd, F_SETLEASE, F_WRLCK) < 0) {
        test_skip("no leases here");
        close(self->fd);
        ASYNC_RETURN(0);
    }
    use(&self->a, &self->file, path);
    while (!asked) {
        AWAIT(async_sleep(MS(1)));
    }
    async_cancel(&self->a.task);
    AWAIT_RESULT(self->rc, async_file_sync(&self->file));
    CHECK_EQ(self->rc, ASYNC_EBUSY);
    AWAIT_RESULT(self->rc, async_file_close(&self->file));
    CHECK_EQ(self->rc, ASYNC_EBUSY);
    AWAIT(async_sleep(MS(1)));
    CHECK(!async_done(&self->a.task));
    CHECK_EQ(fcntl(self->fd, F_SETLEASE, F_UNLCK), 0);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    CHECK(!self->file.is_open);
    close(self->fd);
    CHECK_LOG("open ");
    ASYNC_END;
}

TEST(file_struck_in_open_is_closed)
{
    void (*handler)(int) = signal(SIGIO, is_asked);

    asked = 0;
    RUN(struck_in_open, 0);
    (void)signal(SIGIO, handler);
}
#endif

/* When the terminal is empty again the thread has the bytes, and so will the
 * task; the strike hits its next await. */
static ASYNC struck_in_read(struct main *self)
{
    ASYNC_BEGIN(self);
    self->fd = posix_openpt(O_RDWR | O_NOCTTY);
    CHECK(self->fd >= 0);
    CHECK_EQ(grantpt(self->fd), 0);
    CHECK_EQ(unlockpt(self->fd), 0);
    self->ends[0] = open(ptsname(self->fd), O_RDWR | O_NOCTTY);
    CHECK(self->ends[0] >= 0);
    use(&self->a, &self->file, ptsname(self->fd));
    while (!self->a.opened) {
        AWAIT(async_sleep(MS(1)));
    }
    CHECK((fcntl(self->file.fd, F_GETFL) & O_NONBLOCK) == 0);
    CHECK_EQ(write(self->fd, "ab\n", 3), 3);
    CHECK(read(self->fd, self->buffer, 4) > 0);     /* its echo: it came, */
    do {                                            /* and was taken */
        CHECK_EQ(ioctl(self->ends[0], FIONREAD, &self->n), 0);
    } while (self->n != 0);
    async_cancel(&self->a.task);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    CHECK(memcmp(self->a.buffer, "ab\n", 3) == 0);
    close(self->ends[0]);
    close(self->fd);
    ASYNC_END;
}

TEST(file_struck_in_read_keeps_the_bytes)
{
    RUN(struck_in_read, 0);
    CHECK_LOG("open read 3 ");
}

static int holds(void *argument)
{
    struct holder *self = (struct holder *)argument;
    char byte;

    return (int)read(self->fd, &byte, 1);
}

static ASYNC held(struct holder *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_offload(&self->job, holds, self));
    ASYNC_END;
}

/* Every thread is held, so that what follows stays in the queue. */
static void fill(struct main *self)
{
    int i;

    CHECK_EQ(pipe(self->ends), 0);
    for (i = 0; i < ASYNC_OFFLOAD_THREADS; i++) {
        self->full[i].fd = self->ends[0];
        CHECK_EQ(async_spawn(&self->full[i].task, held, &self->full[i]), 0);
    }
}

static ASYNC drain(struct main *self)
{
    while (self->i < ASYNC_OFFLOAD_THREADS) {
        async_status rc = async_join(&self->full[self->i].task);

        if (rc < 0) {
            return rc;
        }
        self->i++;
    }
    close(self->ends[0]);
    return 0;
}

struct closer { async_frame frame; async_task task; async_file file;
                async_event go; };

static ASYNC closes(struct closer *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_file_open(&self->file, path, O_WRONLY | O_CREAT, 0600));
    AWAIT(async_event_wait(&self->go));
    AWAIT(async_file_close(&self->file));
    CHECK(!self->file.is_open);
    AWAIT(async_yield());
    test_log("struck too late");
    ASYNC_END;
}

static ASYNC struck_in_close(struct main *self)
{
    static struct closer it;

    ASYNC_BEGIN(self);
    ZERO(it);
    async_spawn(&it.task, closes, &it);
    while (it.file.job.home != NULL || !it.file.is_open) {
        AWAIT(async_yield());
    }
    fill(self);
    AWAIT(async_yield());
    async_event_set(&it.go);
    AWAIT(async_yield());
    for (self->i = 0; self->i < 3; self->i++) {
        async_cancel(&it.task);
        AWAIT(async_yield());
        CHECK(!async_done(&it.task));
    }
    close(self->ends[1]);
    AWAIT_RESULT(self->rc, async_join(&it.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    self->i = 0;
    AWAIT(drain(self));
    ASYNC_END;
}

TEST(file_struck_in_close_is_closed)
{
    RUN(struck_in_close, 0);
    CHECK(strstr(test_log_text(), "struck too late") == NULL);
    test_log_clear();
}

/* Struck in the queue: nothing was opened, nothing read. */
static ASYNC struck_in_the_queue(struct main *self)
{
    ASYNC_BEGIN(self);
    self->fd = open(path, O_WRONLY | O_CREAT, 0600);
    CHECK_EQ(write(self->fd, "abc", 3), 3);
    close(self->fd);
    AWAIT(async_file_open(&self->file, path, O_RDONLY, 0));
    fill(self);
    AWAIT(async_yield());
    use(&self->a, &self->other, path);
    AWAIT(async_yield());
    async_cancel(&self->a.task);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    CHECK(!self->other.is_open);
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(1),
                           async_file_read(&self->file, self->buffer, 3)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    close(self->ends[1]);
    AWAIT(drain(self));
    AWAIT_VALUE(self->n, async_file_read(&self->file, self->buffer, 64));
    CHECK_EQ(self->n, 3);
    AWAIT(async_file_close(&self->file));
    ASYNC_END;
}

TEST(file_struck_in_the_queue_takes_nothing)
{
    RUN(struck_in_the_queue, 0);
    test_log_clear();
}

/* The number of a closed file is another's soon: nothing sticks to it. */
static ASYNC number_again(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_file_open(&self->file, path, O_RDWR | O_CREAT, 0600));
    AWAIT(async_file_write(&self->file, "abc", 3));
    self->fd = self->file.fd;
    AWAIT_VALUE(self->n, async_read(self->fd, self->buffer, 1));    /* may be */
    CHECK_EQ(self->n, 0);
    AWAIT(async_file_close(&self->file));
    CHECK_EQ(pipe(self->ends), 0);      /* not by the loop, and it blocks */
    CHECK_EQ(self->ends[0], self->fd);
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(1),
                           async_read(self->fd, self->buffer, 1)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    async_close(self->ends[0]);
    async_close(self->ends[1]);
    ASYNC_END;
}

TEST(file_number_is_used_again)
{
    RUN(number_again, 0);
}

/* ---- FIFOs ----------------------------------------------------------------- */

struct writer {
    async_frame frame;
    async_task task;
    async_file file;
    int n;
};

static ASYNC writes(struct writer *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_file_open(&self->file, path, O_WRONLY, 0));
    AWAIT_VALUE(self->n, async_file_write(&self->file, large, LARGE));
    CHECK_EQ(self->n, LARGE);
    CHECK_EQ(self->file.done, LARGE);
    AWAIT(async_file_close(&self->file));
    ASYNC_END;
}

/* No thread waits, neither in open nor in read: there would not be one. */
static ASYNC fifo_reads(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(mkfifo(path, 0600), 0);
    AWAIT_RESULT(self->rc, async_file_open(&self->other, path, O_WRONLY, 0));
    CHECK_EQ(self->rc, ASYNC_ENXIO);
    CHECK(!self->other.is_open);
    AWAIT(async_file_open(&self->file, path, O_RDONLY, 0));
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(1),
                           async_file_read(&self->file, self->buffer, 9)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);        /* nobody has it open */
    AWAIT_VALUE(self->n, async_file_read(&self->file, self->buffer, 0));
    CHECK_EQ(self->n, 0);
    AWAIT_RESULT(self->rc, async_file_write(&self->file, "abc", 3));
    CHECK_EQ(self->rc, ASYNC_EBADF);
    AWAIT_RESULT(self->rc, async_file_pread(&self->file, self->buffer, 3, 0));
    CHECK_EQ(self->rc, -ESPIPE);
    fill(self);
    AWAIT(async_yield());

    self->fd = open(path, O_WRONLY);
    CHECK(self->fd >= 0);
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(1),
                           async_file_read(&self->file, self->buffer, 9)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    CHECK_EQ(write(self->fd, "abc", 3), 3);
    AWAIT_VALUE(self->n, async_file_read(&self->file, self->buffer, 9));
    CHECK_EQ(self->n, 3);
    close(self->fd);
    AWAIT_VALUE(self->n, async_file_read(&self->file, self->buffer, 9));
    CHECK_EQ(self->n, 0);
    close(self->ends[1]);
    AWAIT(drain(self));
    AWAIT(async_file_close(&self->file));
    ASYNC_END;
}

TEST(file_fifo_holds_no_thread)
{
    RUN(fifo_reads, 0);
}

/* Much more than it holds, and one operation at a time. */
static ASYNC fifo_writes(struct main *self)
{
    static struct writer it;

    ASYNC_BEGIN(self);
    ZERO(it);
    CHECK_EQ(mkfifo(path, 0600), 0);
    AWAIT(async_file_open(&self->file, path, O_RDONLY, 0));
    async_spawn(&it.task, writes, &it);
    while (it.file.done == 0 || it.file.user == NULL) {
        AWAIT(async_sleep(MS(1)));
    }
    AWAIT_RESULT(self->rc, async_file_write(&it.file, "abc", 3));
    CHECK_EQ(self->rc, ASYNC_EBUSY);
    AWAIT_RESULT(self->rc, async_file_close(&it.file));
    CHECK_EQ(self->rc, ASYNC_EBUSY);
    for (self->i = 0; self->i < LARGE; self->i += self->n) {
        AWAIT_VALUE(self->n, async_file_read(&self->file, copy + self->i,
                                             LARGE));
        CHECK(self->n > 0);
        if (self->n <= 0) {
            break;
        }
    }
    CHECK(memcmp(large, copy, LARGE) == 0);
    AWAIT(async_join(&it.task));
    AWAIT_VALUE(self->n, async_file_read(&self->file, copy, 9));
    CHECK_EQ(self->n, 0);
    AWAIT(async_file_close(&self->file));

    /* nobody reads any more, and a strike keeps its count */
    AWAIT(async_file_open(&self->file, path, O_RDWR, 0));
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(1),
                           async_file_write(&self->file, large, LARGE)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    CHECK(self->file.done > 0 && self->file.done < LARGE);
    AWAIT(async_file_open(&self->other, path, O_WRONLY, 0));
    AWAIT(async_file_close(&self->file));
    AWAIT_RESULT(self->rc, async_file_write(&self->other, "abc", 3));
    CHECK_EQ(self->rc, ASYNC_EPIPE);
    AWAIT(async_file_close(&self->other));
    ASYNC_END;
}

TEST(file_fifo_is_written)
{
    memset(large, 'x', LARGE / 2);
    RUN(fifo_writes, 0);
}

#endif

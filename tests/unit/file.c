/* file: regular files, and what strikes do to them. A named pipe holds a
 * thread in open(2) or read(2) for as long as a test wants it there. */
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

struct main {
    async_frame frame;
    async_file file, other;
    async_timeout scope;
    struct user a, full[ASYNC_OFFLOAD_THREADS];
    async_file files[ASYNC_OFFLOAD_THREADS];
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
                     async_file_open(self->file, self->path, O_RDONLY, 0),
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

/* Opening the other end returns when the thread is in open(2). So the file is
 * opened, the strike hits the read, and the file is closed. */
static ASYNC struck_in_open(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(mkfifo(path, 0600), 0);
    use(&self->a, &self->file, path);
    AWAIT(async_yield());
    self->fd = open(path, O_WRONLY);
    CHECK(self->fd >= 0);
    async_cancel(&self->a.task);
    AWAIT_RESULT(self->rc, async_file_sync(&self->file));
    CHECK_EQ(self->rc, ASYNC_EBUSY);
    AWAIT_RESULT(self->rc, async_file_close(&self->file));
    CHECK_EQ(self->rc, ASYNC_EBUSY);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    CHECK(!self->file.is_open);
    close(self->fd);
    ASYNC_END;
}

TEST(file_struck_in_open_is_closed)
{
    RUN(struck_in_open, 0);
    CHECK_LOG("open ");
}

/* When the pipe is empty again the thread has the bytes, and so will the task;
 * the strike hits its next await. */
static ASYNC struck_in_read(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(mkfifo(path, 0600), 0);
    use(&self->a, &self->file, path);
    AWAIT(async_yield());
    self->fd = open(path, O_WRONLY);
    CHECK(self->fd >= 0);
    while (!self->a.opened) {
        AWAIT(async_yield());
    }
    CHECK_EQ(write(self->fd, "abc", 3), 3);
    do {
        CHECK_EQ(ioctl(self->fd, FIONREAD, &self->n), 0);
    } while (self->n != 0);
    async_cancel(&self->a.task);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    CHECK(memcmp(self->a.buffer, "abc", 3) == 0);
    close(self->fd);
    ASYNC_END;
}

TEST(file_struck_in_read_keeps_the_bytes)
{
    RUN(struck_in_read, 0);
    CHECK_LOG("open read 3 ");
}

/* Every thread is in open(2), so that what follows stays in the queue. */
static void fill(struct main *self)
{
    int i;

    CHECK_EQ(mkfifo(other, 0600), 0);
    for (i = 0; i < ASYNC_OFFLOAD_THREADS; i++) {
        use(&self->full[i], &self->files[i], other);
    }
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
    self->fd = open(other, O_WRONLY);       /* one is in open, others may be */
    CHECK(self->fd >= 0);
    AWAIT_RESULT(self->rc, async_join(&it.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    for (self->i = 0; self->i < ASYNC_OFFLOAD_THREADS; self->i++) {
        while (!self->full[self->i].opened) {
            AWAIT(async_yield());
        }
    }
    close(self->fd);
    for (self->i = 0; self->i < ASYNC_OFFLOAD_THREADS; self->i++) {
        AWAIT(async_join(&self->full[self->i].task));
    }
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
    self->fd = open(other, O_WRONLY);
    CHECK(self->fd >= 0);
    for (self->i = 0; self->i < ASYNC_OFFLOAD_THREADS; self->i++) {
        while (!self->full[self->i].opened) {
            AWAIT(async_yield());
        }
    }
    close(self->fd);
    for (self->i = 0; self->i < ASYNC_OFFLOAD_THREADS; self->i++) {
        AWAIT(async_join(&self->full[self->i].task));
    }
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

#endif

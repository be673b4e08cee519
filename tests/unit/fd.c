/* Descriptors: reading, writing and waiting. The tests of hazards carry the
 * letters of the list in fd.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "fdtools.h"

#if ASYNC_HOSTED

struct main {
    async_frame frame;
    int ends[2], other[2], third[2];
    struct one a, b, c;
    async_task task;
    async_timeout scope;
    async_future future;
    int i, rc, fd;
    async_ticks now;
    long t, cpu;
    char buffer[256];
    size_t done;
    struct one *many;
};

static void close_pipe(int ends[2])
{
    if (ends[0] >= 0) {
        async_close(ends[0]);
    }
    if (ends[1] >= 0) {
        async_close(ends[1]);
    }
}

/* Runs a coroutine, and looks whether a descriptor was left open. */
#define RUN(fn, want) \
    do { \
        static struct main m; \
        int before = lowest_fd(); \
        ZERO(m); \
        CHECK_EQ(async_run(fn, &m), want); \
        CHECK_EQ(lowest_fd(), before); \
    } while (0)

/* ---- the plain operations ------------------------------------------------ */

static ASYNC reads(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_pipe(self->ends), 0);
    CHECK((fcntl(self->ends[0], F_GETFL) & O_NONBLOCK) != 0);
    CHECK((fcntl(self->ends[1], F_GETFD) & FD_CLOEXEC) != 0);
    put(self->ends[1], "hello");
    AWAIT_VALUE(self->rc, async_read(self->ends[0], self->buffer, 3));
    CHECK_EQ(self->rc, 3);
    AWAIT_VALUE(self->rc, async_read(self->ends[0], self->buffer + 3, 9));
    CHECK_EQ(self->rc, 2);
    CHECK(memcmp(self->buffer, "hello", 5) == 0);

    one_start(&self->a, "read", 'r', self->ends[0], 9);
    AWAIT(async_yield());
    test_log("write ");
    AWAIT_VALUE(self->rc, async_write(self->ends[1], "hi", 2));
    CHECK_EQ(self->rc, 2);
    AWAIT(async_join(&self->a.task));
    CHECK(memcmp(self->a.buffer, "hi", 2) == 0);
    close_pipe(self->ends);
    ASYNC_END;
}

TEST(fd_read_takes_what_is_there_or_waits)
{
    RUN(reads, 0);
    CHECK_LOG("write read:2 ");
}

static ASYNC bad_descriptors(struct main *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 3; self->i++) {
        if (self->i == 0) {
            self->fd = -1;
        } else if (self->i == 1) {
            self->fd = dup(2);
            close(self->fd);
        } else {
            self->fd = 1000000000;
        }
        AWAIT_RESULT(self->rc, async_read(self->fd, self->buffer, 1));
        CHECK_EQ(self->rc, ASYNC_EBADF);
        AWAIT_RESULT(self->rc, async_write(self->fd, self->buffer, 1));
        CHECK_EQ(self->rc, ASYNC_EBADF);
        AWAIT_RESULT(self->rc, async_readv(self->fd, NULL, 0));
        CHECK_EQ(self->rc, ASYNC_EBADF);
        AWAIT_RESULT(self->rc, async_writev(self->fd, NULL, 0));
        CHECK_EQ(self->rc, ASYNC_EBADF);
        AWAIT_RESULT(self->rc, async_readable(self->fd));
        CHECK_EQ(self->rc, ASYNC_EBADF);
        AWAIT_RESULT(self->rc, async_writable(self->fd));
        CHECK_EQ(self->rc, ASYNC_EBADF);
        AWAIT_RESULT(self->rc, async_read_exactly(self->fd, self->buffer, 1,
                                                  &self->done));
        CHECK_EQ(self->rc, ASYNC_EBADF);
        AWAIT_RESULT(self->rc, async_write_all(self->fd, self->buffer, 1,
                                               &self->done));
        CHECK_EQ(self->rc, ASYNC_EBADF);
        CHECK_EQ(async_close(self->fd), ASYNC_EBADF);
    }
    CHECK_EQ(async_detach(-1), ASYNC_EBADF);
    ASYNC_END;
}

TEST(fd_bad_descriptors)
{
    RUN(bad_descriptors, 0);
    CHECK_EQ(async_close(-1), ASYNC_EBADF);
}

static ASYNC bad_arguments(struct main *self)
{
    static struct iovec null_piece = {NULL, 5};

    ASYNC_BEGIN(self);
    CHECK_EQ(async_pipe(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_pipe(self->ends), 0);
    AWAIT_RESULT(self->rc, async_read(self->ends[0], NULL, 1));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_write(self->ends[1], NULL, 1));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_readv(self->ends[0], NULL, 1));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_readv(self->ends[0], &null_piece, 1));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_writev(self->ends[1], &null_piece, -1));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_read_exactly(self->ends[0], self->buffer, 1,
                                              NULL));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_write_all(self->ends[1], NULL, 1,
                                           &self->done));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    self->done = 2;
    AWAIT_RESULT(self->rc, async_write_all(self->ends[1], self->buffer, 1,
                                           &self->done));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    /* Nothing to read is read at once. */
    AWAIT_VALUE(self->rc, async_read(self->ends[0], NULL, 0));
    CHECK_EQ(self->rc, 0);
    AWAIT_VALUE(self->rc, async_write(self->ends[1], NULL, 0));
    CHECK_EQ(self->rc, 0);
    AWAIT_VALUE(self->rc, async_readv(self->ends[0], NULL, 0));
    CHECK_EQ(self->rc, 0);
    /* The wrong end is the system's error. */
    AWAIT_RESULT(self->rc, async_write(self->ends[0], "x", 1));
    CHECK_EQ(self->rc, ASYNC_EBADF);
    close_pipe(self->ends);
    ASYNC_END;
}

TEST(fd_bad_arguments)
{
    RUN(bad_arguments, 0);
}

static ASYNC pieces(struct main *self)
{
    static char left[4], right[8];
    static struct iovec out[3] = {
        {(void *)(uintptr_t)"abc", 3}, {NULL, 0}, {(void *)(uintptr_t)"defg", 4}
    };
    static struct iovec in[2] = {{left, 4}, {right, 8}};

    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 3; self->i++) {
        if (self->i == 0) {
            CHECK_EQ(async_pipe(self->ends), 0);
        } else if (self->i == 1) {
            CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, self->ends), 0);
        } else {
            CHECK_EQ(pipe(self->ends), 0);      /* blocking: piece by piece */
        }
        AWAIT_VALUE(self->rc, async_writev(self->ends[1], out, 3));
        CHECK_EQ(self->rc, self->i == 2 ? 3 : 7);
        if (self->i == 2) {
            AWAIT_VALUE(self->rc, async_writev(self->ends[1], out + 1, 2));
            CHECK_EQ(self->rc, 4);
        }
        memset(left, 0, sizeof left);
        memset(right, 0, sizeof right);
        AWAIT_VALUE(self->rc, async_readv(self->ends[0], in, 2));
        if (self->i == 2) {
            CHECK_EQ(self->rc, 4);
            AWAIT_VALUE(self->rc, async_readv(self->ends[0], in + 1, 1));
        }
        CHECK_EQ(self->rc, self->i == 2 ? 3 : 7);
        CHECK(memcmp(left, "abcd", 4) == 0);
        CHECK_STR(right, "efg");
        close_pipe(self->ends);
    }
    ASYNC_END;
}

TEST(fd_readv_writev)
{
    RUN(pieces, 0);
}

/* ---- all of it ----------------------------------------------------------- */

enum { LARGE = 300000 };
static char large_out[LARGE], large_in[LARGE];

static void fill_large(void)
{
    unsigned i, x = 1;

    for (i = 0; i < LARGE; i++) {
        x = x * 1103515245U + 12345U;
        large_out[i] = (char)(x >> 16);
    }
    memset(large_in, 0, sizeof large_in);
}

static ASYNC large(struct main *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 4; self->i++) {
        fill_large();
        if (self->i == 0) {
            CHECK_EQ(async_pipe(self->ends), 0);
        } else if (self->i == 1) {
            CHECK_EQ(pipe(self->ends), 0);
        } else if (self->i == 2) {
            CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, self->ends), 0);
        } else {
            raw_pipe(self->ends);
        }
        one_start(&self->a, "all", 'a', self->ends[1], LARGE);
        self->a.at = large_out;
        one_start(&self->b, "exactly", 'x', self->ends[0], LARGE);
        self->b.at = large_in;
        AWAIT_VALUE(self->rc, async_join(&self->a.task));
        CHECK_EQ(self->rc, LARGE);
        AWAIT_VALUE(self->rc, async_join(&self->b.task));
        CHECK_EQ(self->rc, LARGE);
        CHECK(memcmp(large_in, large_out, LARGE) == 0);
        CHECK_EQ(self->a.done, 0);
        CHECK_EQ(self->b.done, 0);
        close_pipe(self->ends);
    }
    ASYNC_END;
}

TEST(fd_write_all_and_read_exactly)
{
    RUN(large, 0);
}

static ASYNC early_end(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_pipe(self->ends), 0);
    put(self->ends[1], "abc");
    async_close(self->ends[1]);
    AWAIT_RESULT(self->rc, async_read_exactly(self->ends[0], self->buffer, 5,
                                              &self->done));
    CHECK_EQ(self->rc, ASYNC_EPIPE);
    CHECK_EQ(self->done, 3);
    AWAIT_VALUE(self->rc, async_read(self->ends[0], self->buffer, 5));
    CHECK_EQ(self->rc, 0);
    AWAIT_VALUE(self->rc, async_read(self->ends[0], self->buffer, 5));
    CHECK_EQ(self->rc, 0);
    async_close(self->ends[0]);
    ASYNC_END;
}

TEST(fd_read_exactly_at_the_end)
{
    RUN(early_end, 0);
}

/* ---- a: closing, and numbers used again ---------------------------------- */

static ASYNC closed_while_waiting(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, self->ends), 0);
    one_start(&self->a, "read", 'r', self->ends[0], 9);
    one_start(&self->b, "ready", '?', self->ends[0], 0);
    one_start(&self->c, "all", 'a', self->ends[0], LARGE);
    self->c.at = large_out;
    AWAIT(async_yield());
    AWAIT(async_yield());
    CHECK_EQ(async_close(self->ends[0]), 0);
    CHECK_EQ(async_close(self->ends[0]), ASYNC_EBADF);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    AWAIT_RESULT(self->rc, async_join(&self->b.task));
    AWAIT_RESULT(self->rc, async_join(&self->c.task));
    CHECK(self->c.done > 0 && self->c.done < LARGE);
    async_close(self->ends[1]);
    ASYNC_END;
}

TEST(fd_hazard_a_close_wakes_who_waits)
{
    RUN(closed_while_waiting, 0);
    CHECK_LOG("read:bad file descriptor ready:bad file descriptor "
              "all:bad file descriptor ");
}

static ASYNC used_again(struct main *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 20; self->i++) {
        CHECK_EQ(async_pipe(self->ends), 0);
        one_start(&self->a, "old", 'r', self->ends[0], 9);
        AWAIT(async_yield());
        self->fd = self->ends[0];
        close_pipe(self->ends);
        CHECK_EQ(async_pipe(self->ends), 0);
        CHECK_EQ(self->fd, self->ends[0]);
        one_start(&self->b, "new", 'r', self->ends[0], 9);
        AWAIT(async_yield());
        put(self->ends[1], "new");
        AWAIT_RESULT(self->rc, async_join(&self->a.task));
        CHECK_EQ(self->rc, ASYNC_EBADF);
        AWAIT_VALUE(self->rc, async_join(&self->b.task));
        CHECK_EQ(self->rc, 3);
        close_pipe(self->ends);
    }
    test_log_clear();
    ASYNC_END;
}

TEST(fd_hazard_a_number_used_again)
{
    RUN(used_again, 0);
}

/* Woken by an event in the same turn as the task that closes it before. */
static ASYNC closer(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_readable(self->other[0]));
    self->fd = self->ends[0];
    close_pipe(self->ends);
    raw_pipe(self->ends);
    CHECK_EQ(self->fd, self->ends[0]);
    put(self->ends[1], "of another");
    ASYNC_END;
}

struct closing { async_frame frame; struct main *main; };
static ASYNC run_closing(struct closing *self)
{
    return closer(self->main);
}

static ASYNC woken_then_closed(struct main *self)
{
    static struct closing it;
    static struct main copy;

    ASYNC_BEGIN(self);
    ZERO(it);
    ZERO(copy);
    it.main = &copy;
    CHECK_EQ(async_pipe(self->other), 0);
    CHECK_EQ(async_pipe(self->ends), 0);
    memcpy(copy.ends, self->ends, sizeof copy.ends);
    memcpy(copy.other, self->other, sizeof copy.other);
    async_spawn(&self->task, run_closing, &it);
    one_start(&self->a, "read", 'r', self->ends[0], 9);
    AWAIT(async_yield());
    put(self->other[1], "x");
    put(self->ends[1], "x");
    AWAIT(async_join(&self->task));
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(read(copy.ends[0], self->buffer, 99), 10);
    close_pipe(copy.ends);
    close_pipe(self->other);
    ASYNC_END;
}

TEST(fd_hazard_a_woken_then_closed)
{
    RUN(woken_then_closed, 0);
    CHECK_LOG("read:bad file descriptor ");
}

/* close(2), and the number goes to another pipe. poll notices in the next
 * turn; epoll when the wait has lasted for a second. */
static ASYNC behind_our_back(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_pipe(self->ends), 0);
    CHECK_EQ(async_pipe(self->other), 0);
    one_start(&self->a, "again", 'r', self->ends[0], 9);
    one_start(&self->b, "gone", 'r', self->other[0], 9);
    AWAIT(async_sleep(MS(20)));
    close(self->ends[0]);
    close(self->ends[1]);
    raw_pipe(self->third);
    CHECK_EQ(self->third[0], self->ends[0]);
    put(self->third[1], "other");
    close(self->other[0]);
    self->t = real_ms();
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, 5);
    AWAIT_RESULT(self->rc, async_join(&self->b.task));
    CHECK_EQ(self->rc, ASYNC_EBADF);
    CHECK(real_ms() - self->t < 3500);
    close_pipe(self->third);
    async_close(self->other[1]);
    test_log_clear();
    ASYNC_END;
}

TEST(fd_hazard_a_closed_behind_our_back)
{
    test_real_time();
    RUN(behind_our_back, 0);
}

/* The number is another file's when the next operation begins. */
static ASYNC replaced(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, self->ends), 0);
    AWAIT(async_write(self->ends[1], "x", 1));
    AWAIT_VALUE(self->rc, async_read(self->ends[0], self->buffer, 9));
    CHECK_EQ(self->rc, 1);
    close(self->ends[0]);
    close(self->ends[1]);
    raw_pipe(self->other);              /* pipes, where sockets were */
    CHECK_EQ(self->other[0], self->ends[0]);
    put(self->other[1], "pipe");
    AWAIT_VALUE(self->rc, async_read(self->other[0], self->buffer, 9));
    CHECK_EQ(self->rc, 4);
    /* Other people's descriptors are armed for each wait: no delay. */
    one_start(&self->a, "ready", '?', self->other[0], 0);
    AWAIT(async_yield());
    put(self->other[1], "x");
    AWAIT(async_join(&self->a.task));
    close(self->other[0]);
    close(self->other[1]);
    raw_pipe(self->other);
    one_start(&self->a, "ready", '?', self->other[0], 0);
    AWAIT(async_sleep(MS(10)));
    put(self->other[1], "x");
    self->t = real_ms();
    AWAIT(async_join(&self->a.task));
    CHECK(real_ms() - self->t < 500);
    close(self->other[0]);
    close(self->other[1]);
    ASYNC_END;
}

TEST(fd_hazard_a_number_of_another_kind)
{
    test_real_time();
    RUN(replaced, 0);
    CHECK_LOG("ready:0 ready:0 ");
}

/* ---- b: a dup ------------------------------------------------------------ */

static ASYNC dups(struct main *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 2; self->i++) {
        CHECK_EQ(async_pipe(self->ends), 0);
        one_start(&self->a, "a", 'r', self->ends[0], 9);
        AWAIT(async_yield());
        self->fd = dup(self->ends[0]);
        if (self->i == 0) {
            async_close(self->ends[0]);
        } else {
            async_cancel(&self->a.task);
            close(self->ends[0]);
        }
        put(self->ends[1], "unread");
        self->cpu = cpu_ms();
        /* Somebody has to wait for a descriptor, or none is looked at. */
        CHECK_EQ(async_pipe(self->other), 0);
        one_start(&self->b, "b", 'r', self->other[0], 9);
        AWAIT(async_sleep(MS(150)));
        CHECK(cpu_ms() - self->cpu < 100);
        AWAIT_RESULT(self->rc, async_join(&self->a.task));
        async_cancel(&self->b.task);
        AWAIT_RESULT(self->rc, async_join(&self->b.task));
        CHECK_EQ(read(self->fd, self->buffer, 9), 6);
        close(self->fd);
        async_close(self->ends[1]);
        close_pipe(self->other);
    }
    ASYNC_END;
}

TEST(fd_hazard_b_dup_does_not_spin)
{
    test_real_time();
    RUN(dups, 0);
    CHECK_LOG("a:bad file descriptor b:cancel a:cancel b:cancel ");
}

/* The events of a file that was closed, but lives on, are not those of the one
 * that has its number now. */
static ASYNC predecessor(struct main *self)
{
    ASYNC_BEGIN(self);
    raw_pipe(self->ends);
    one_start(&self->a, "old", '?', self->ends[0], 0);
    AWAIT(async_yield());
    put(self->ends[1], "1");
    AWAIT(async_join(&self->a.task));
    CHECK_EQ(read(self->ends[0], self->buffer, 9), 1);
    self->fd = dup(self->ends[0]);
    close(self->ends[0]);
    raw_pipe(self->other);
    CHECK_EQ(self->other[0], self->ends[0]);
    one_start(&self->b, "new", '?', self->other[0], 0);
    AWAIT(async_yield());
    put(self->ends[1], "2");
    for (self->i = 0; self->i < 5; self->i++) {
        AWAIT(async_yield());
    }
    CHECK(!async_done(&self->b.task));
    put(self->other[1], "3");
    AWAIT(async_join(&self->b.task));
    close(self->fd);
    close(self->ends[1]);
    close_pipe(self->other);
    ASYNC_END;
}

TEST(fd_hazard_a_events_of_the_predecessor)
{
    RUN(predecessor, 0);
    CHECK_LOG("old:0 new:0 ");
}

#if defined __linux__ && !ASYNC_POLL
/* How often an epoll of this process has the descriptor registered. */
static int registered(int fd)
{
    char name[64], line[256], tag[32];
    int i, n = 0;

    snprintf(tag, sizeof tag, "tfd: %8d ", fd);
    for (i = 3; i < 64; i++) {
        FILE *file;

        snprintf(name, sizeof name, "/proc/self/fdinfo/%d", i);
        file = fopen(name, "r");
        while (file != NULL && fgets(line, sizeof line, file) != NULL) {
            n += strncmp(line, tag, strlen(tag)) == 0;
        }
        if (file != NULL) {
            fclose(file);
        }
    }
    return n;
}

static ASYNC deregisters(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_pipe(self->ends), 0);
    one_start(&self->a, "a", 'r', self->ends[0], 9);
    AWAIT(async_yield());
    CHECK_EQ(registered(self->ends[0]), 1);
    self->fd = dup(self->ends[0]);
    async_close(self->ends[0]);
    CHECK_EQ(registered(self->ends[0]), 0);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    close(self->fd);
    async_close(self->ends[1]);
    test_log_clear();
    ASYNC_END;
}

#endif

TEST(fd_hazard_b_close_deregisters_first)
{
#if defined __linux__ && !ASYNC_POLL
    RUN(deregisters, 0);
#else
    CHECK(lowest_fd() > 2);     /* poll registers nothing */
#endif
}

/* ---- c: what epoll refuses ----------------------------------------------- */

static ASYNC regular_file(struct main *self)
{
    ASYNC_BEGIN(self);
    {
        char name[] = "/tmp/async-test-XXXXXX";

        self->fd = mkstemp(name);
        unlink(name);
    }
    AWAIT(async_writable(self->fd));
    AWAIT_VALUE(self->rc, async_write_all(self->fd, "contents", 8,
                                          &self->done));
    lseek(self->fd, 0, SEEK_SET);
    AWAIT(async_readable(self->fd));
    AWAIT_VALUE(self->rc, async_read(self->fd, self->buffer, 99));
    CHECK_EQ(self->rc, 8);
    CHECK(memcmp(self->buffer, "contents", 8) == 0);
    AWAIT_VALUE(self->rc, async_read(self->fd, self->buffer, 99));
    CHECK_EQ(self->rc, 0);
    CHECK_EQ(async_close(self->fd), 0);

    self->fd = open("/dev/null", O_RDWR);
    AWAIT(async_readable(self->fd));
    AWAIT_VALUE(self->rc, async_read(self->fd, self->buffer, 99));
    CHECK_EQ(self->rc, 0);
    AWAIT_VALUE(self->rc, async_write(self->fd, self->buffer, 99));
    CHECK_EQ(self->rc, 99);
    async_close(self->fd);
    self->fd = open("/tmp", O_RDONLY);
    AWAIT_RESULT(self->rc, async_read(self->fd, self->buffer, 9));
    CHECK_EQ(self->rc, -EISDIR);
    async_close(self->fd);
    ASYNC_END;
}

TEST(fd_hazard_c_regular_files)
{
    RUN(regular_file, 0);
}

/* ---- d: hang-ups --------------------------------------------------------- */

static ASYNC hangups(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_pipe(self->ends), 0);
    one_start(&self->a, "read", 'r', self->ends[0], 9);
    one_start(&self->b, "ready", '?', self->ends[0], 9);
    AWAIT(async_yield());
    close(self->ends[1]);
    AWAIT(async_join(&self->a.task));
    AWAIT(async_join(&self->b.task));
    async_close(self->ends[0]);

    CHECK_EQ(async_pipe(self->ends), 0);
    one_start(&self->a, "all", 'a', self->ends[1], LARGE);
    self->a.at = large_out;
    AWAIT(async_yield());
    one_start(&self->b, "ready", '!', self->ends[1], 0);
    AWAIT(async_yield());
    close(self->ends[0]);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, ASYNC_EPIPE);
    AWAIT(async_join(&self->b.task));
    async_close(self->ends[1]);
    ASYNC_END;
}

TEST(fd_hazard_d_hangup_alone)
{
    RUN(hangups, 0);
    CHECK_LOG("read:0 ready:0 all:broken pipe ready:0 ");
}

/* ---- e: short reads ------------------------------------------------------ */

/* The bytes and the end come in one event. */
static ASYNC end_with_data(struct main *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 2; self->i++) {
        if (self->i == 0) {
            CHECK_EQ(async_pipe(self->ends), 0);
        } else {
            CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, self->ends), 0);
        }
        one_start(&self->a, "read", 'r', self->ends[0], 9);
        self->a.times = 2;
        AWAIT(async_yield());
        put(self->ends[1], "bye");
        close(self->ends[1]);
        AWAIT(async_join(&self->a.task));
        async_close(self->ends[0]);
    }
    ASYNC_END;
}

TEST(fd_hazard_e_end_comes_with_the_data)
{
    RUN(end_with_data, 0);
    CHECK_LOG("read:3 read:0 read:3 read:0 ");
}

/* A terminal gives a line for a read; a Unix socket stops at a message with a
 * descriptor in it; a pipe of packets at each. All are short, none is empty. */
static ASYNC short_not_empty(struct main *self)
{
    ASYNC_BEGIN(self);
    self->ends[1] = posix_openpt(O_RDWR | O_NOCTTY);
    if (self->ends[1] >= 0) {
        CHECK_EQ(grantpt(self->ends[1]), 0);
        CHECK_EQ(unlockpt(self->ends[1]), 0);
        self->ends[0] = open(ptsname(self->ends[1]), O_RDWR | O_NOCTTY
                             | O_NONBLOCK);
        one_start(&self->a, "line", 'r', self->ends[0], 9);
        self->a.times = 3;
        AWAIT(async_sleep(MS(5)));
        put(self->ends[1], "ab\ncde\nf\n");
        AWAIT(async_join(&self->a.task));
        CHECK_LOG("line:3 line:4 line:2 ");
        close_pipe(self->ends);
    }
#ifdef __linux__
    CHECK_EQ(pipe2(self->ends, O_NONBLOCK | O_DIRECT), 0);
    one_start(&self->a, "packet", 'r', self->ends[0], 9);
    self->a.times = 2;
    AWAIT(async_sleep(MS(5)));
    put(self->ends[1], "ab");
    put(self->ends[1], "cde");
    AWAIT(async_join(&self->a.task));
    CHECK_LOG("packet:2 packet:3 ");
    close_pipe(self->ends);
#endif
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, self->ends), 0);
    one_start(&self->a, "unix", 'r', self->ends[0], 9);
    self->a.times = 2;
    AWAIT(async_sleep(MS(5)));
    {
        union { char space[CMSG_SPACE(sizeof (int))]; struct cmsghdr align; }
            control;
        struct iovec piece;
        struct msghdr message;
        struct cmsghdr *head;
        int carried = 2;

        memset(&control, 0, sizeof control);
        memset(&message, 0, sizeof message);
        piece.iov_base = self->buffer;
        piece.iov_len = 2;
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        message.msg_control = control.space;
        message.msg_controllen = sizeof control.space;
        head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof carried);
        memcpy(CMSG_DATA(head), &carried, sizeof carried);
        CHECK_EQ(sendmsg(self->ends[1], &message, 0), 2);
    }
    put(self->ends[1], "cde");
    AWAIT(async_join(&self->a.task));
    CHECK_LOG("unix:2 unix:3 ");
    close_pipe(self->ends);
    ASYNC_END;
}

TEST(fd_hazard_e_short_is_not_always_empty)
{
    test_real_time();
    RUN(short_not_empty, 0);
}

/* ---- g: several tasks ---------------------------------------------------- */

static ASYNC several(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, self->ends), 0);
    one_start(&self->a, "a", 'r', self->ends[0], 1);
    one_start(&self->b, "b", 'r', self->ends[0], 1);
    AWAIT(async_yield());
    put(self->ends[1], "1");
    AWAIT(async_join(&self->a.task));
    AWAIT(async_yield());
    CHECK(!async_done(&self->b.task));
    put(self->ends[1], "2");
    AWAIT(async_join(&self->b.task));
    CHECK_EQ(self->a.buffer[0], '1');
    CHECK_EQ(self->b.buffer[0], '2');
    CHECK_LOG("a:1 b:1 ");

    /* One reads while another writes; neither takes the other's wake. */
    one_start(&self->a, "read", 'r', self->ends[0], 1);
    one_start(&self->b, "all", 'a', self->ends[0], LARGE);
    self->b.at = large_out;
    AWAIT(async_yield());
    AWAIT(async_yield());
    CHECK(!async_done(&self->b.task));
    one_start(&self->c, "other", 'x', self->ends[1], LARGE);
    self->c.at = large_in;
    AWAIT(async_join(&self->b.task));
    AWAIT(async_join(&self->c.task));
    CHECK(!async_done(&self->a.task));
    put(self->ends[1], "3");
    AWAIT(async_join(&self->a.task));
    close_pipe(self->ends);
    test_log_clear();
    ASYNC_END;
}

TEST(fd_hazard_g_two_tasks_on_one_descriptor)
{
    RUN(several, 0);
}

/* ---- h: blocking descriptors --------------------------------------------- */

static ASYNC blocking(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(pipe(self->ends), 0);
    one_start(&self->a, "read", 'r', self->ends[0], 9);
    one_start(&self->b, "read", 'r', self->ends[0], 9);
    AWAIT(async_yield());
    put(self->ends[1], "x");
    AWAIT(async_yield());
    AWAIT(async_yield());
    AWAIT(async_yield());
    CHECK_LOG("read:1 ");
    put(self->ends[1], "y");
    AWAIT(async_join(&self->a.task));
    AWAIT(async_join(&self->b.task));
    CHECK_EQ(fcntl(self->ends[0], F_GETFL) & O_NONBLOCK, 0);
    close_pipe(self->ends);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, self->ends), 0);
    one_start(&self->a, "read", 'r', self->ends[0], 9);
    AWAIT(async_yield());
    put(self->ends[1], "x");
    AWAIT(async_join(&self->a.task));
    CHECK_EQ(fcntl(self->ends[0], F_GETFL) & O_NONBLOCK, 0);
    close_pipe(self->ends);
    test_log_clear();
    ASYNC_END;
}

TEST(fd_hazard_h_blocking_descriptors)
{
    RUN(blocking, 0);
}

/* ---- i: EINTR ------------------------------------------------------------ */

static volatile sig_atomic_t alarms;
static void on_alarm(int number)
{
    (void)number;
    alarms = alarms + 1;
}

TEST(fd_hazard_i_interrupted_calls)
{
    struct sigaction action;
    struct itimerval often, never;
    long since;

    test_real_time();
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm;
    sigaction(SIGALRM, &action, NULL);
    memset(&often, 0, sizeof often);
    memset(&never, 0, sizeof never);
    often.it_interval.tv_usec = often.it_value.tv_usec = 300;
    setitimer(ITIMER_REAL, &often, NULL);
    since = real_ms();
    do {
        RUN(large, 0);
    } while (alarms < 20 && real_ms() - since < 3000);
    setitimer(ITIMER_REAL, &never, NULL);
    signal(SIGALRM, SIG_IGN);           /* one may be pending yet */
    CHECK(alarms > 0);
}

/* ---- j: SIGPIPE ---------------------------------------------------------- */

static ASYNC broken(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_pipe(self->ends), 0);
    async_close(self->ends[0]);
    AWAIT_RESULT(self->rc, async_write(self->ends[1], "x", 1));
    CHECK_EQ(self->rc, ASYNC_EPIPE);
    async_close(self->ends[1]);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, self->ends), 0);
    async_close(self->ends[0]);
    AWAIT_RESULT(self->rc, async_write(self->ends[1], "x", 1));
    CHECK_EQ(self->rc, ASYNC_EPIPE);
    async_close(self->ends[1]);
    ASYNC_END;
}

TEST(fd_hazard_j_broken_pipe_is_an_error)
{
    signal(SIGPIPE, SIG_DFL);
    RUN(broken, 0);
}

/* ---- a and o: struck, and then the number gets another file --------------- */

static void fill(int fd)
{
    static char block[4096];

    while (write(fd, block, sizeof block) > 0) {
    }
}

static ASYNC struck_then_reused(struct main *self)
{
    static const char kinds[] = "rwa?!";
    static int next[2];

    ASYNC_BEGIN(self);
    for (self->i = 0; kinds[self->i] != '\0'; self->i++) {
        self->fd = strchr("wa!", kinds[self->i]) != NULL;
        CHECK_EQ(async_pipe(self->ends), 0);
        if (self->fd == 1) {
            fill(self->ends[1]);
        }
        one_start(&self->a, "old", kinds[self->i], self->ends[self->fd], 9);
        AWAIT(async_sleep(MS(1)));
        async_cancel(&self->a.task);
        close_pipe(self->ends);
        CHECK_EQ(async_pipe(next), 0);
        CHECK_EQ(next[self->fd], self->ends[self->fd]);
        put(next[1], "x");
        AWAIT_RESULT(self->rc, async_join(&self->a.task));
        CHECK_EQ(self->rc, ASYNC_ECANCELED);
        AWAIT_VALUE(self->rc, async_read(next[0], self->buffer, 9));
        CHECK_EQ(self->rc, 1);          /* not taken, and nothing added */
        close_pipe(next);
    }
    test_log_clear();
    ASYNC_END;
}

TEST(fd_hazard_a_struck_then_closed)
{
    RUN(struck_then_reused, 0);
}

/* ---- k: fairness --------------------------------------------------------- */

struct endless { async_frame frame; async_task task; int fd; long n; int rc;
                 char buffer[64]; };

static ASYNC run_endless(struct endless *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT(async_read(self->fd, self->buffer, 16));
        self->n++;
    }
    ASYNC_END;
}

static ASYNC fair(struct main *self)
{
    static struct endless it;

    ASYNC_BEGIN(self);
    ZERO(it);
    it.fd = open("/dev/zero", O_RDONLY);
    async_spawn(&it.task, run_endless, &it);
    for (self->i = 0; self->i < 10; self->i++) {
        AWAIT(async_yield());
    }
    CHECK(it.n >= 64 * 8);
    CHECK(it.n <= 130 * 10);
    async_cancel(&it.task);             /* though it never has to wait */
    AWAIT_RESULT(self->rc, async_join(&it.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    async_close(it.fd);
    ASYNC_END;
}

TEST(fd_hazard_k_busy_descriptor_gives_way)
{
    RUN(fair, 0);
}

/* A loop that takes no notice of an error gives way all the same. */
static ASYNC heedless(struct endless *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT_RESULT(self->rc, async_read(self->fd, self->buffer, 16));
        CHECK_EQ(self->rc, ASYNC_EBADF);
        AWAIT_RESULT(self->rc, async_readable(self->fd));
        CHECK_EQ(self->rc, ASYNC_EBADF);
        self->n++;
    }
    ASYNC_END;
}

static ASYNC no_notice(struct main *self)
{
    static struct endless it;

    ASYNC_BEGIN(self);
    ZERO(it);
    it.fd = -1;
    async_spawn(&it.task, heedless, &it);
    for (self->i = 0; self->i < 10; self->i++) {
        AWAIT(async_yield());
    }
    CHECK(it.n >= 64);
    CHECK(it.n <= 130 * 10);
    async_cancel(&it.task);
    AWAIT_RESULT(self->rc, async_join(&it.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(fd_hazard_k_heedless_of_errors_gives_way)
{
    RUN(no_notice, 0);
}

/* A limit of no time is a poll: what is there is taken, at every turn. */
static ASYNC polls_often(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_pipe(self->ends), 0);
    for (self->i = 0; self->i < 300; self->i++) {
        put(self->ends[1], "x");
        AWAIT_VALUE(self->rc, ASYNC_TIMEOUT(&self->scope, 0,
                                            async_readable(self->ends[0])));
        AWAIT_VALUE(self->rc,
                    ASYNC_TIMEOUT(&self->scope, 0,
                                  async_read(self->ends[0], self->buffer, 1)));
        CHECK_EQ(self->rc, 1);
    }
    AWAIT_RESULT(self->rc,
                 ASYNC_TIMEOUT(&self->scope, 0,
                               async_read(self->ends[0], self->buffer, 1)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    close_pipe(self->ends);
    ASYNC_END;
}

TEST(fd_hazard_k_polls_see_what_is_there)
{
    RUN(polls_often, 0);
}

/* Tasks that yield for ever, and a descriptor that is looked at all the same.
 */
static ASYNC yields(struct endless *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT(async_yield());
        self->n++;
    }
    ASYNC_END;
}

static ASYNC busy_loop(struct main *self)
{
    static struct endless it;

    ASYNC_BEGIN(self);
    ZERO(it);
    async_spawn(&it.task, yields, &it);
    CHECK_EQ(async_pipe(self->ends), 0);
    one_start(&self->a, "read", 'r', self->ends[0], 9);
    AWAIT(async_yield());
    put(self->ends[1], "x");
    self->i = (int)it.n;
    AWAIT(async_join(&self->a.task));
    CHECK(it.n - self->i < 4);
    close_pipe(self->ends);
    ASYNC_END;
}

TEST(fd_hazard_k_busy_tasks_do_not_starve_descriptors)
{
    RUN(busy_loop, 0);
    CHECK_LOG("read:1 ");
}

/* ---- l: how long to wait ------------------------------------------------- */

static ASYNC waits(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_pipe(self->ends), 0);
    /* Longer than an int of milliseconds can say, if the ticks can. */
    one_start(&self->a, "read", 'r', self->ends[0], 9);
    self->cpu = cpu_ms();
    self->t = real_ms();
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(30),
                                         async_read(self->ends[0],
                                                    self->buffer, 9)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    CHECK(real_ms() - self->t >= 29);
    CHECK(real_ms() - self->t < 500);
    CHECK(cpu_ms() - self->cpu < 25);
    put(self->ends[1], "x");
    AWAIT_VALUE(self->rc, ASYNC_TIMEOUT(&self->scope, ASYNC_NEVER / 2,
                                        async_join(&self->a.task)));
    CHECK_EQ(self->rc, 1);
#if ASYNC_TICK_BITS == 64
    for (self->i = 0; self->i < 20; self->i++) {
        self->now = async_now();
        AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, ASYNC_US(200),
                                             async_readable(self->ends[0])));
        CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
        CHECK(async_now() - self->now >= (async_ticks)ASYNC_US(200));
    }
#endif
    close_pipe(self->ends);
    test_log_clear();
    ASYNC_END;
}

TEST(fd_hazard_l_long_and_short_waits)
{
    test_real_time();
    RUN(waits, 0);
}

/* ---- n: foreign libraries ------------------------------------------------ */

static ASYNC foreign(struct main *self)
{
    ASYNC_BEGIN(self);
    raw_pipe(self->ends);
    one_start(&self->a, "ready", '?', self->ends[0], 0);
    AWAIT(async_yield());
    put(self->ends[1], "abc");
    AWAIT(async_join(&self->a.task));
    CHECK_EQ(read(self->ends[0], self->buffer, 1), 1);
    AWAIT(async_readable(self->ends[0]));       /* the rest: no new edge */
    CHECK_EQ(read(self->ends[0], self->buffer, 1), 1);
    AWAIT(async_readable(self->ends[0]));
    CHECK_EQ(read(self->ends[0], self->buffer, 9), 1);
    one_start(&self->a, "ready", '?', self->ends[0], 0);
    AWAIT(async_yield());
    CHECK(!async_done(&self->a.task));
    put(self->ends[1], "d");
    AWAIT(async_join(&self->a.task));
    AWAIT(async_writable(self->ends[1]));
    while (write(self->ends[1], large_out, 4096) > 0) {
    }
    one_start(&self->b, "room", '!', self->ends[1], 0);
    AWAIT(async_yield());
    CHECK(!async_done(&self->b.task));
    while (read(self->ends[0], large_in, 4096) > 0) {
    }
    AWAIT(async_join(&self->b.task));
    /* Both ways of waiting on one descriptor. */
    one_start(&self->a, "ready", '?', self->ends[0], 0);
    one_start(&self->b, "read", 'r', self->ends[0], 9);
    AWAIT(async_yield());
    put(self->ends[1], "e");
    AWAIT(async_join(&self->a.task));
    AWAIT(async_join(&self->b.task));
    close_pipe(self->ends);
    ASYNC_END;
}

TEST(fd_hazard_n_left_unread_by_others)
{
    RUN(foreign, 0);
    CHECK_LOG("ready:0 ready:0 room:0 ready:0 read:1 ");
}

/* ---- o: strikes ---------------------------------------------------------- */

static ASYNC strikes(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_pipe(self->ends), 0);
    one_start(&self->a, "a", 'r', self->ends[0], 9);
    AWAIT(async_yield());
    CHECK_EQ(async_cancel(&self->a.task), 1);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    put(self->ends[1], "kept");
    AWAIT_VALUE(self->rc, async_read(self->ends[0], self->buffer, 9));
    CHECK_EQ(self->rc, 4);
    CHECK_LOG("a:cancel ");

    /* What is there when the strike comes is taken; the strike waits. */
    one_start(&self->a, "a", 'r', self->ends[0], 9);
    self->a.times = 2;
    AWAIT(async_yield());
    put(self->ends[1], "x");
    CHECK_EQ(async_cancel(&self->a.task), 1);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_LOG("a:1 a:cancel ");

    /* A partial write keeps its count: so many bytes are in the pipe. */
    fill_large();
    one_start(&self->a, "all", 'a', self->ends[1], LARGE);
    self->a.at = large_out;
    AWAIT(async_yield());
    AWAIT(async_yield());
    async_cancel(&self->a.task);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK(self->a.done > 0);
    AWAIT_VALUE(self->rc, async_read_exactly(self->ends[0], large_in,
                                             self->a.done, &self->done));
    CHECK_EQ(self->rc, (int)self->a.done);
    CHECK(memcmp(large_in, large_out, self->a.done) == 0);
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, 0,
                                         async_read(self->ends[0],
                                                    self->buffer, 9)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    close_pipe(self->ends);
    test_log_clear();
    ASYNC_END;
}

TEST(fd_hazard_o_strike_takes_nothing)
{
    RUN(strikes, 0);
}

static ASYNC polls(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_pipe(self->ends), 0);
    /* A short read has shown it empty; then bytes come that no turn saw. */
    put(self->ends[1], "1");
    AWAIT_VALUE(self->rc, async_read(self->ends[0], self->buffer, 9));
    put(self->ends[1], "22");
    AWAIT_VALUE(self->rc, ASYNC_TIMEOUT(&self->scope, 0,
                                        async_read(self->ends[0],
                                                   self->buffer, 9)));
    CHECK_EQ(self->rc, 2);
    put(self->ends[1], "3");
    AWAIT_VALUE(self->rc, ASYNC_TIMEOUT(&self->scope, 0,
                                        async_readable(self->ends[0])));
    CHECK_EQ(self->rc, 0);
    AWAIT_VALUE(self->rc, async_read(self->ends[0], self->buffer, 9));
    CHECK_EQ(self->rc, 1);
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, 0,
                                         async_readable(self->ends[0])));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    close_pipe(self->ends);
    ASYNC_END;
}

TEST(fd_timeout_of_zero_is_a_poll)
{
    RUN(polls, 0);
}

/* ---- the loop around it -------------------------------------------------- */

/* Nothing but the cancelled, closed and finished waits was outstanding. */
static ASYNC waits_forever(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_pipe(self->ends), 0);
    one_start(&self->a, "a", 'r', self->ends[0], 9);
    one_start(&self->b, "b", '?', self->ends[0], 9);
    AWAIT(async_yield());
    async_cancel(&self->a.task);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    async_cancel(&self->b.task);
    AWAIT_RESULT(self->rc, async_join(&self->b.task));
    one_start(&self->a, "a", 'r', self->ends[0], 9);
    one_start(&self->b, "b", '?', self->ends[0], 9);
    AWAIT(async_yield());
    put(self->ends[1], "x");
    AWAIT(async_join(&self->b.task));
    one_start(&self->a, "a", 'r', self->ends[0], 9);
    AWAIT(async_yield());
    close_pipe(self->ends);
    ASYNC_TRY {
        AWAIT(async_future_wait(&self->future));
    } ASYNC_FINALLY(self->rc) {
    } ASYNC_TRY_END;
    ASYNC_END;
}

TEST(fd_deadlock_is_still_seen)
{
    RUN(waits_forever, ASYNC_EDEADLK);
    test_log_clear();
}

static ASYNC leaves_readers(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_pipe(self->ends), 0);
    one_start(&self->a, "a", 'r', self->ends[0], 9);
    one_start(&self->b, "b", '?', self->ends[0], 9);
    one_start(&self->c, "c", 'a', self->ends[1], LARGE);
    self->c.fd = dup(self->ends[1]);
    self->c.at = large_out;
    AWAIT(async_yield());
    while (read(self->ends[0], self->buffer, 256) > 0) {
    }
    close(self->c.fd);
    close(self->ends[0]);
    close(self->ends[1]);
    ASYNC_END;
}

TEST(fd_end_of_the_loop_cancels_who_waits)
{
    RUN(leaves_readers, 0);
    test_log_clear();
}

static ASYNC crowd(struct main *self)
{
    enum { CROWD = 140 };

    ASYNC_BEGIN(self);
    self->many = (struct one *)calloc(CROWD, sizeof *self->many);
    for (self->i = 0; self->i < CROWD; self->i++) {
        CHECK_EQ(async_pipe(self->ends), 0);
        one_start(&self->many[self->i], "", 'r', self->ends[0], 9);
        self->many[self->i].rc = self->ends[1];
    }
    AWAIT(async_yield());
    for (self->i = CROWD - 1; self->i >= 0; self->i--) {
        self->many[self->i].done = (size_t)self->many[self->i].rc;
        put(self->many[self->i].rc, "x");
    }
    for (self->i = 0; self->i < CROWD; self->i++) {
        AWAIT_VALUE(self->rc, async_join(&self->many[self->i].task));
        CHECK_EQ(self->rc, 1);
        async_close(self->many[self->i].fd);
        async_close((int)self->many[self->i].done);
    }
    free(self->many);
    test_log_clear();
    ASYNC_END;
}

TEST(fd_more_than_a_chunk)
{
    RUN(crowd, 0);
}

TEST(fd_step_of_a_loop)
{
    static async_loop loop;
    static struct one it;
    int ends[2], i;
    int before = lowest_fd();

    test_real_time();
    CHECK_EQ(async_loop_open(&loop), 0);
    CHECK_EQ(async_pipe(ends), 0);
    one_start(&it, "read", 'r', ends[0], 9);
    for (i = 0; i < 3; i++) {
        CHECK(async_loop_step(&loop) == ASYNC_NEVER);
    }
    put(ends[1], "x");
    CHECK(async_loop_step(&loop) == ASYNC_NEVER);
    CHECK(async_done(&it.task));
    CHECK_LOG("read:1 ");
    async_close(ends[0]);
    async_close(ends[1]);
    CHECK_EQ(async_loop_close(&loop), 0);
    CHECK_EQ(lowest_fd(), before);
}

TEST(fd_detach_hands_it_over)
{
    static async_loop first, second;
    static struct one a, b;
    int ends[2];
    int before = lowest_fd();

    test_real_time();
    CHECK_EQ(async_loop_open(&first), 0);
    CHECK_EQ(async_loop_open(&second), 0);
    CHECK_EQ(async_pipe(ends), 0);
    one_start(&a, "a", 'r', ends[0], 9);
    async_loop_step(&first);
    CHECK_EQ(async_detach(ends[0]), 0);
    async_loop_step(&first);
    CHECK_LOG("a:bad file descriptor ");
    async_loop_use(&second);
    one_start(&b, "b", 'r', ends[0], 9);
    async_loop_step(&second);
    put(ends[1], "x");
    async_loop_step(&first);
    CHECK_LOG("");
    async_loop_step(&second);
    CHECK_LOG("b:1 ");
    async_close(ends[0]);
    async_close(ends[1]);
    CHECK_EQ(async_loop_close(&second), 0);
    async_loop_use(&first);
    CHECK_EQ(async_loop_close(&first), 0);
    CHECK_EQ(lowest_fd(), before);
}

/* ---- the quick ways ------------------------------------------------------ */

/* Two ends that tell when they are empty: a pipe, or a TCP connection. */
static ASYNC both_ends(struct main *self)
{
    ASYNC_BEGIN(self);
    if (self->fd == 0) {
        CHECK_EQ(async_pipe(self->ends), 0);
        ASYNC_RETURN(0);
    }
    self->other[0] = async_tcp_listen("127.0.0.1", 0, 5);
    CHECK(self->other[0] >= 0);
    AWAIT(async_tcp_connect(&self->ends[1], "127.0.0.1",
                            async_local_port(self->other[0])));
    AWAIT_VALUE(self->ends[0], async_accept(self->other[0], NULL, NULL));
    async_close(self->other[0]);
    ASYNC_END;
}

/* A task that has waited to read, and waits again, is alone with the event
 * that comes: that is the quick way. What else may be there, or have gone, by
 * the time of the event? */
struct quick { async_frame frame; struct main at; };

static ASYNC run_talker(struct endless *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT(async_write(self->fd, self->buffer, 1));
        self->n++;
    }
    ASYNC_END;
}

static ASYNC quickly(struct quick *self)
{
    static char bulk[4 << 20];
    static struct endless talker;
    struct main *at = &self->at;

    ASYNC_BEGIN(self);
    for (at->i = 0; at->i < 2; at->i++) {
        at->fd = at->i;
        AWAIT(both_ends(at));
        one_start(&at->a, "a", 'r', at->ends[0], 9);
        at->a.times = 4;
        AWAIT(async_yield());
        put(at->ends[1], "1");                  /* it has waited once, */
        AWAIT(async_sleep(MS(2)));
        put(at->ends[1], "22");                 /* and quickly from now on */
        AWAIT(async_sleep(MS(2)));
        CHECK_LOG("a:1 a:2 ");

        one_start(&at->b, "b", 'r', at->ends[0], 9);    /* one more reader */
        AWAIT(async_sleep(MS(2)));
        put(at->ends[1], "333");
        AWAIT(async_sleep(MS(2)));
        CHECK_LOG("a:3 ");
        put(at->ends[1], "4444");
        AWAIT(async_sleep(MS(2)));
        put(at->ends[1], "55555");
        AWAIT(async_join(&at->a.task));
        AWAIT(async_join(&at->b.task));
        test_log_clear();       /* who of the two came first is not said */
        CHECK_EQ(at->a.rc + at->b.rc, 9);

        one_start(&at->c, "c", 'r', at->ends[0], 9);    /* one that leaves */
        AWAIT(async_sleep(MS(2)));
        async_cancel(&at->c.task);
        AWAIT_RESULT(at->rc, async_join(&at->c.task));
        CHECK_EQ(at->rc, ASYNC_ECANCELED);
        put(at->ends[1], "more");
        AWAIT(async_sleep(MS(2)));
        AWAIT_VALUE(at->rc, async_read(at->ends[0], at->buffer, 9));
        CHECK_EQ(at->rc, 4);
        one_start(&at->c, "c", 'r', at->ends[0], 9);    /* in the same turn */
        AWAIT(async_sleep(MS(2)));
        async_cancel(&at->c.task);
        put(at->ends[1], "late");
        AWAIT_RESULT(at->rc, async_join(&at->c.task));
        CHECK_EQ(at->rc, 4);
        CHECK_LOG("c:cancel c:4 ");

        one_start(&at->a, "a", 'r', at->ends[0], 9);    /* a limit */
        AWAIT(async_sleep(MS(2)));
        at->done = 0;
        AWAIT_RESULT(at->rc, ASYNC_TIMEOUT(&at->scope, MS(5),
                                           async_join(&at->a.task)));
        CHECK_EQ(at->rc, ASYNC_ETIMEDOUT);
        AWAIT_RESULT(at->rc, ASYNC_TIMEOUT(&at->scope, MS(5),
            async_read(at->ends[0], at->buffer, 9)));
        CHECK_EQ(at->rc, ASYNC_ETIMEDOUT);
        test_log_clear();

        if (at->i == 1) {                               /* and a writer */
            one_start(&at->a, "a", 'r', at->ends[0], 9);
            AWAIT(async_sleep(MS(2)));
            one_start(&at->b, "b", 'a', at->ends[0], sizeof bulk);
            at->b.at = bulk;
            AWAIT(async_sleep(MS(2)));
            CHECK(!async_done(&at->b.task));
            put(at->ends[1], "to a");
            AWAIT(async_join(&at->a.task));
            CHECK(!async_done(&at->b.task));
            one_start(&at->c, "c", 'x', at->ends[1], sizeof bulk);
            at->c.at = bulk;
            AWAIT(async_join(&at->c.task));
            AWAIT(async_join(&at->b.task));
            CHECK_LOG("a:4 b:4194304 c:4194304 ");

            put(at->ends[1], "x");                      /* k */
            AWAIT_VALUE(at->rc, async_read(at->ends[0], at->buffer, 9));
            CHECK_EQ(at->rc, 1);
            ZERO(talker);
            talker.fd = at->ends[0];
            async_spawn(&talker.task, run_talker, &talker);
            for (at->rc = 0; at->rc < 5; at->rc++) {
                AWAIT(async_yield());
            }
            CHECK(talker.n >= 64 * 3);
            CHECK(talker.n <= 130 * 5);
            async_cancel(&talker.task);
            AWAIT_RESULT(at->rc, async_join(&talker.task));
            while (read(at->ends[1], bulk, sizeof bulk) > 0) {
            }
        }

        one_start(&at->a, "a", 'r', at->ends[0], 9);    /* its end */
        AWAIT(async_sleep(MS(2)));
        async_close(at->ends[1]);
        AWAIT(async_join(&at->a.task));
        CHECK_EQ(at->a.rc, 0);
        async_close(at->ends[0]);
        test_log_clear();
    }
    ASYNC_END;
}

TEST(fd_quick_ways_see_what_else_is_there)
{
    static struct quick it;
    int before = lowest_fd();

    ZERO(it);
    CHECK_EQ(async_run(quickly, &it), 0);
    CHECK_EQ(lowest_fd(), before);
}

/* Somebody waits for at->ends[0]. He gets bytes, and knows it, but has not run:
 * so it is after this await, as another task writes to a pipe first, for which
 * this one waits. */
struct putter {
    async_frame frame;
    async_task task;
    struct main *at;
    const char *text;
};

static ASYNC put_both(struct putter *self)
{
    ASYNC_BEGIN(self);
    put(self->at->third[1], "x");
    put(self->at->ends[1], self->text);
    ASYNC_END;
}

static int put_first(struct main *at, const char *text)
{
    static struct putter putter;

    ZERO(putter);
    putter.at = at;
    putter.text = text;
    return async_spawn(&putter.task, put_both, &putter);
}

#define BEFORE_HE_RUNS(at, text) \
    do { \
        CHECK_EQ(put_first((at), (text)), 0); \
        AWAIT_VALUE((at)->rc, async_read((at)->third[0], (at)->buffer, 9)); \
        CHECK_EQ((at)->rc, 1); \
    } while (0)

/* Woken by the event, but closed before it has run, and the number is another
 * connection's, which has bytes: it does not get them. */
static ASYNC quickly_reused(struct quick *self)
{
    struct main *at = &self->at;

    ASYNC_BEGIN(self);
    for (at->i = 0; at->i < 2; at->i++) {
        at->fd = at->i;
        AWAIT(both_ends(at));
        CHECK_EQ(async_pipe(at->third), 0);
        one_start(&at->a, "a", 'r', at->ends[0], 9);
        at->a.times = 3;
        AWAIT(async_yield());
        put(at->ends[1], "1");
        AWAIT(async_sleep(MS(2)));
        put(at->ends[1], "22");
        AWAIT(async_sleep(MS(2)));
#if ASYNC_POLL                  /* who of the two is first, their numbers say */
        put(at->ends[1], "333");
#else
        BEFORE_HE_RUNS(at, "333");
#endif
        at->rc = at->ends[0];
        async_close(at->ends[0]);
        raw_pipe(at->other);
        CHECK_EQ(at->other[0], at->rc);
        put(at->other[1], "of another");
        AWAIT_RESULT(at->rc, async_join(&at->a.task));
        CHECK_EQ(at->rc, ASYNC_EBADF);
        CHECK_EQ(read(at->other[0], at->buffer, 99), 10);
        close_pipe(at->other);
        close_pipe(at->third);
        async_close(at->ends[1]);
    }
    CHECK_LOG("a:1 a:2 a:bad file descriptor "
              "a:1 a:2 a:bad file descriptor ");
    ASYNC_END;
}

TEST(fd_quick_ways_spare_the_successor)
{
    static struct quick it;
    int before = lowest_fd();

    ZERO(it);
    CHECK_EQ(async_run(quickly_reused, &it), 0);
    CHECK_EQ(lowest_fd(), before);
}

/* One that answers each request: it reads, writes, and waits again. */
struct answers {
    async_frame frame;
    async_task task;
    int fd, n, cancels;
    size_t done;
    char buffer[64];
};

static ASYNC answer(struct answers *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        ASYNC_TRY {
            AWAIT_VALUE(self->n, async_read(self->fd, self->buffer,
                                            sizeof self->buffer));
        } ASYNC_CATCH_ALL(self->n) {
            test_log("%s ", async_strerror(self->n));
            if (self->n != ASYNC_CANCEL) {
                ASYNC_RAISE(self->n);
            }
            self->cancels++;
        } ASYNC_TRY_END;
        if (self->n == 0) {
            break;
        }
        if (self->n > 0) {
            test_log("%.*s ", self->n, self->buffer);
            AWAIT(async_write_all(self->fd, self->buffer, (size_t)self->n,
                                  &self->done));
            CHECK_EQ(self->done, 0);
        }
    }
    ASYNC_END;
}

struct asks { async_frame frame; struct main at; struct answers by; };

/* The other end's: a request, and its answer. */
#define ASK(text) \
    do { \
        put(self->at.ends[1], text); \
        AWAIT_VALUE(self->at.rc, async_read(self->at.ends[1], \
                                            self->at.buffer, 64)); \
        CHECK_EQ(self->at.rc, (int)sizeof(text) - 1); \
        CHECK(memcmp(self->at.buffer, text, sizeof(text) - 1) == 0); \
    } while (0)

static ASYNC ask(struct asks *self)
{
    struct main *at = &self->at;

    ASYNC_BEGIN(self);
    at->fd = 1;
    AWAIT(both_ends(at));
    CHECK_EQ(async_pipe(at->third), 0);
    self->by.fd = at->ends[0];
    async_spawn(&self->by.task, answer, &self->by);
    ASK("one");
    ASK("two");
    ASK("three");
    AWAIT(async_sleep(MS(2)));
    CHECK_LOG("one two three ");

    BEFORE_HE_RUNS(at, "taken");                /* by this task */
    AWAIT_VALUE(at->rc, async_read(at->ends[0], at->buffer, 64));
    CHECK_EQ(at->rc, 5);
    AWAIT(async_sleep(MS(2)));
    CHECK_LOG("");
    ASK("four");
    ASK("five");

    BEFORE_HE_RUNS(at, "not now");              /* it turns to another one */
    CHECK_EQ(async_socketpair(at->other), 0);
    self->by.fd = at->other[0];
    put(at->other[1], "other");
    AWAIT_VALUE(at->rc, async_read(at->other[1], at->buffer, 64));
    CHECK_EQ(at->rc, 5);
    self->by.fd = at->ends[0];
    put(at->other[1], "again");
    at->t = real_ms();
    AWAIT_VALUE(at->rc, async_read(at->ends[1], at->buffer, 64));
    CHECK_EQ(at->rc, 7);
    CHECK(real_ms() - at->t < 900);         /* not when it is looked after */
    CHECK_LOG("four five other not now ");
    close_pipe(at->other);
    ASK("six");
    ASK("seven");

    BEFORE_HE_RUNS(at, "kept");                 /* the strike comes later */
    CHECK_EQ(async_cancel(&self->by.task), 1);
    CHECK_LOG("six seven ");
    AWAIT_VALUE(at->rc, async_read(at->ends[1], at->buffer, 64));
    CHECK_EQ(at->rc, 4);
    CHECK_LOG("kept the task is cancelled ");
    CHECK_EQ(self->by.cancels, 1);
    ASK("eight");
    ASK("nine");

    BEFORE_HE_RUNS(at, "the last");             /* the end comes with it */
    CHECK_EQ(shutdown(at->ends[1], SHUT_WR), 0);
    AWAIT(async_join(&self->by.task));
    CHECK_LOG("eight nine the last ");
    close_pipe(at->ends);
    close_pipe(at->third);
    ASYNC_END;
}

TEST(fd_quick_ways_of_who_answers)
{
    static struct asks it;
    int before = lowest_fd();

    test_real_time();
    ZERO(it);
    CHECK_EQ(async_run(ask, &it), 0);
    CHECK_EQ(lowest_fd(), before);
}

/* An answer that the other end does not read: what the socket takes of it is
 * counted, when the task is cancelled in the middle, too. */
static ASYNC ask_without_end(struct asks *self)
{
    static char bulk[4 << 20];
    static const int room = 100000;         /* or it may grow to megabytes */
    struct main *at = &self->at;

    ASYNC_BEGIN(self);
    at->fd = 1;
    AWAIT(both_ends(at));
    one_start(&at->a, "a", 'r', at->ends[0], 9);
    at->a.times = 2;
    AWAIT(async_yield());
    put(at->ends[1], "1");
    AWAIT(async_sleep(MS(2)));
    put(at->ends[1], "2");
    AWAIT(async_sleep(MS(2)));
    CHECK_EQ(setsockopt(at->ends[0], SOL_SOCKET, SO_SNDBUF, &room,
                        sizeof room), 0);
    /* Of the same descriptor, as the quick way has it. */
    AWAIT_RESULT(at->rc, ASYNC_TIMEOUT(&at->scope, MS(20),
        async_write_all(at->ends[0], bulk, sizeof bulk, &at->done)));
    CHECK_EQ(at->rc, ASYNC_ETIMEDOUT);
    CHECK(at->done > 0 && at->done < sizeof bulk);
    async_close(at->ends[0]);
    for (at->t = 0;; at->t += at->rc) {
        AWAIT_VALUE(at->rc, async_read(at->ends[1], bulk, sizeof bulk));
        if (at->rc == 0) {
            break;
        }
    }
    CHECK_EQ(at->t, (long)at->done);
    async_close(at->ends[1]);
    CHECK_LOG("a:1 a:1 ");
    ASYNC_END;
}

TEST(fd_quick_ways_count_what_was_taken)
{
    static struct asks it;
    int before = lowest_fd();

    test_real_time();
    ZERO(it);
    CHECK_EQ(async_run(ask_without_end, &it), 0);
    CHECK_EQ(lowest_fd(), before);
}

/* When nobody has begun to wait for two seconds, nobody looks after the
 * descriptors any more. Who then waits again starts that anew. */
static ASYNC quickly_after_a_while(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_pipe(self->ends), 0);
    one_start(&self->a, "a", 'r', self->ends[0], 9);
    self->a.times = 4;
    AWAIT(async_yield());
    for (self->i = 0; self->i < 3; self->i++) {
        put(self->ends[1], "1");
        AWAIT(async_sleep(MS(self->i == 1 ? 2500 : 5)));
    }
    close(self->ends[0]);
    raw_pipe(self->other);
    CHECK_EQ(self->other[0], self->ends[0]);
    put(self->other[1], "other");
    self->t = real_ms();
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, 5);
    CHECK(real_ms() - self->t < 3500);
    close_pipe(self->other);
    async_close(self->ends[1]);
    ASYNC_END;
}

TEST(fd_quick_ways_are_looked_after)
{
    test_real_time();
    RUN(quickly_after_a_while, 0);
    CHECK_LOG("a:1 a:1 a:1 a:5 ");
}

/* The bytes come when it is time to look after the descriptors; nobody else
 * waits for one. */
static ASYNC quickly_at_that_time(struct asks *self)
{
    struct main *at = &self->at;

    ASYNC_BEGIN(self);
    at->fd = 1;
    AWAIT(both_ends(at));
    self->by.fd = at->ends[0];
    async_spawn(&self->by.task, answer, &self->by);
    for (at->i = 0; at->i < 4; at->i++) {
        put(at->ends[1], "more");
        if (at->i == 3) {
            usleep(1200 * 1000);                /* the whole loop sleeps */
        }
        AWAIT(async_sleep(MS(5)));
        CHECK_EQ(read(at->ends[1], at->buffer, 9), 4);
    }
    raw_pipe(at->other);
    CHECK_EQ(dup2(at->other[0], at->ends[0]), at->ends[0]);
    close(at->other[0]);
    at->other[0] = at->ends[0];
    put(at->other[1], "other");
    at->t = real_ms();
    AWAIT_RESULT(at->rc, ASYNC_TIMEOUT(&at->scope, MS(5000),
                                       async_join(&self->by.task)));
    CHECK_EQ(at->rc, ASYNC_EBADF);              /* none can write there */
    CHECK(real_ms() - at->t < 3500);
    close_pipe(at->other);
    async_close(at->ends[1]);
    CHECK_LOG("more more more more other ");
    ASYNC_END;
}

TEST(fd_quick_ways_are_looked_after_even_then)
{
    static struct asks it;
    int before = lowest_fd();

    test_real_time();
    ZERO(it);
    CHECK_EQ(async_run(quickly_at_that_time, &it), 0);
    CHECK_EQ(lowest_fd(), before);
}

#endif

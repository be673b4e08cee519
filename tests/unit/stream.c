/* Streams: lines and messages over two buffers. What is said of strikes is
 * tested by cutting the other side's bytes at every place. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "fdtools.h"

#if ASYNC_HOSTED

enum { IN = 16, OUT = 16, LARGE = 3000000 };

/* One operation on a stream, as a task, which logs its name and its result. */
struct act {
    async_frame frame;
    async_task task;
    async_stream *stream;
    const char *name;
    const char *text;       /* what is written, or the separator */
    char kind;              /* r x l u p   w a f s c */
    size_t length, done;
    char *at;
    char buffer[64];
    int rc;
};

static ASYNC act_op(struct act *self)
{
    async_stream *s = self->stream;
    char *to = self->at != NULL ? self->at : self->buffer;

    switch (self->kind) {
    case 'r': return async_stream_read(s, to, self->length);
    case 'x': return async_stream_read_exactly(s, to, self->length,
                                               &self->done);
    case 'l': return async_stream_read_line(s, &self->at);
    case 'u': return async_stream_read_until(s, self->text,
                                             strlen(self->text), &self->at);
    case 'p': return async_stream_peek(s, self->length, &self->at);
    case 'w': return async_stream_write(s, self->text, strlen(self->text));
    case 'a': return async_stream_write_all(s, self->text, self->length,
                                            &self->done);
    case 'f': return async_stream_flush(s);
    case 's': return async_stream_shutdown_write(s);
    default: return async_stream_close(s);
    }
}

static ASYNC act_run(struct act *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT_VALUE(self->rc, act_op(self));
    } ASYNC_CATCH_ALL(self->rc) {
        if (self->rc == ASYNC_CANCEL) {
            test_log("%s:cancel ", self->name);
            ASYNC_RAISE(self->rc);
        }
    } ASYNC_TRY_END;
    if (self->rc >= 0) {
        test_log("%s:%d ", self->name, self->rc);
    } else {
        test_log("%s:%s ", self->name, async_strerror(self->rc));
    }
    ASYNC_RETURN(self->rc);
    ASYNC_END;
}

static void act_start(struct act *self, const char *name, char kind,
                      async_stream *stream, const char *text, size_t length)
{
    memset(self, 0, sizeof *self);
    self->name = name;
    self->kind = kind;
    self->stream = stream;
    self->text = text;
    self->length = length;
    CHECK_EQ(async_spawn(&self->task, act_run, self), 0);
}

struct main {
    async_frame frame;
    async_stream s, peer;
    char in[IN + 1], out[OUT], peer_in[256], peer_out[256];
    int ends[2];
    struct act a, b, c, d;
    async_timeout scope;
    char *at;
    char buffer[256];
    size_t done;
    int n, rc, i, j, turns;
    char *large;
};

/* Whatever can happen between tasks and sockets of this process does. */
#define SETTLE \
    for (self->turns = 0; self->turns < 20; self->turns++) { \
        AWAIT(async_yield()); \
    }

/* Two connected streams: s with small buffers, peer with larger ones. */
static void pair(struct main *self)
{
    CHECK_EQ(async_socketpair(self->ends), 0);
    CHECK_EQ(async_stream_open(&self->s, self->ends[0], self->in,
                               sizeof self->in, self->out, sizeof self->out),
             0);
    CHECK_EQ(async_stream_open(&self->peer, self->ends[1], self->peer_in,
                               sizeof self->peer_in, self->peer_out,
                               sizeof self->peer_out), 0);
}

static void unpair(struct main *self)
{
    CHECK_EQ(async_stream_abort(&self->s), 0);
    CHECK_EQ(async_stream_abort(&self->peer), 0);
}

#define RUN(fn) \
    do { \
        static struct main m; \
        int before = lowest_fd(); \
        ZERO(m); \
        test_real_time(); \
        CHECK_EQ(async_run(fn, &m), 0); \
        CHECK_EQ(lowest_fd(), before); \
    } while (0)

/* Nobody reads at the other side: until its socket is full. */
static void stuff(int fd)
{
    static char zeros[10000];

    while (send(fd, zeros, sizeof zeros, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
    }
}

/* Take all that is there, and tell how much of it is not 0. */
static int unstuff(int fd)
{
    static char bytes[10000];
    int count = 0;
    ssize_t n, i;

    while ((n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
        for (i = 0; i < n; i++) {
            if (bytes[i] != 0) {
                test_log("%c", bytes[i]);
                count++;
            }
        }
    }
    return count;
}

/* ---- opening, wrong use -------------------------------------------------- */

static ASYNC wrong(struct main *self)
{
    static async_stream zero;

    ASYNC_BEGIN(self);
    CHECK_EQ(async_stream_open(NULL, 0, NULL, 0, NULL, 0), ASYNC_EINVAL);
    CHECK_EQ(async_stream_open(&zero, 0, NULL, 9, NULL, 0), ASYNC_EINVAL);
    CHECK_EQ(async_stream_open(&zero, 0, NULL, 0, NULL, 9), ASYNC_EINVAL);
    CHECK_EQ(async_stream_open(&zero, 0, self->in, 1, NULL, 0), ASYNC_EINVAL);
    CHECK_EQ(async_stream_open(&zero, ASYNC_EMFILE, NULL, 0, NULL, 0),
             ASYNC_EMFILE);
    for (self->i = 0; self->i < 3; self->i++) {
        self->a.stream = self->i == 0 ? NULL : self->i == 1 ? &zero
                                                            : &self->s;
        self->b.rc = self->i == 0 ? ASYNC_EINVAL : ASYNC_EBADF;
        self->a.text = "x";
        self->a.length = 1;
        for (self->j = 0; self->j < 10; self->j++) {
            self->a.kind = "rxlupwafsc"[self->j];
            AWAIT_RESULT(self->rc, act_op(&self->a));
            CHECK_EQ(self->rc, self->b.rc);
        }
        AWAIT_RESULT(self->rc, async_stream_printf(self->a.stream, "x"));
        CHECK_EQ(self->rc, self->b.rc);
        CHECK_EQ(async_stream_try_write(self->a.stream, "x", 1), self->b.rc);
        CHECK_EQ(async_stream_skip(self->a.stream, 0), self->b.rc);
        CHECK_EQ(async_stream_abort(self->a.stream), self->b.rc);
        CHECK_EQ(async_stream_unsent(self->a.stream), 0);
        CHECK(!async_stream_at_eof(self->a.stream));
        if (self->i == 1) {
            pair(self);
            CHECK_EQ(async_stream_open(&self->s, 0, NULL, 0, NULL, 0),
                     ASYNC_EALREADY);
            unpair(self);
        }
    }
    pair(self);
    AWAIT_RESULT(self->rc, async_stream_read(&self->s, NULL, 1));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_stream_read_exactly(&self->s, self->buffer, 1,
                                                     NULL));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    self->done = 2;
    AWAIT_RESULT(self->rc, async_stream_read_exactly(&self->s, self->buffer, 1,
                                                     &self->done));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_stream_write_all(&self->s, self->buffer, 1,
                                                  &self->done));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_stream_write_all(&self->s, self->buffer, 1,
                                                  NULL));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_stream_read_line(&self->s, NULL));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_stream_read_until(&self->s, NULL, 1,
                                                   &self->at));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_stream_read_until(&self->s, "x", 0,
                                                   &self->at));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_stream_peek(&self->s, 1, NULL));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_stream_peek(&self->s, IN + 1, &self->at));
    CHECK_EQ(self->rc, ASYNC_EMSGSIZE);
    AWAIT_RESULT(self->rc, async_stream_write(&self->s, NULL, 1));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_stream_write(&self->s, self->buffer,
                                              OUT + 1));
    CHECK_EQ(self->rc, ASYNC_EMSGSIZE);
    CHECK_EQ(async_stream_try_write(&self->s, self->buffer, OUT + 1),
             ASYNC_EMSGSIZE);
    CHECK_EQ(async_stream_try_write(&self->s, NULL, 1), ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_stream_printf(&self->s, NULL));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_stream_printf(&self->s, "%*d", OUT, 1));
    CHECK_EQ(self->rc, ASYNC_EMSGSIZE);
    CHECK_EQ(async_stream_skip(&self->s, 1), ASYNC_EINVAL);
    unpair(self);
    ASYNC_END;
}

TEST(stream_wrong_use)
{
    RUN(wrong);
}

/* ---- reading ------------------------------------------------------------- */

static ASYNC lines(struct main *self)
{
    ASYNC_BEGIN(self);
    pair(self);
    put(self->ends[1], "one\n\ntwo\r\nthree");
    AWAIT_VALUE(self->n, async_stream_read_line(&self->s, &self->at));
    CHECK_EQ(self->n, 4);
    CHECK_STR(self->at, "one\n");
    AWAIT_VALUE(self->n, async_stream_read_line(&self->s, &self->at));
    CHECK_EQ(self->n, 1);
    CHECK_STR(self->at, "\n");
    AWAIT_VALUE(self->n, async_stream_read_line(&self->s, &self->at));
    CHECK_EQ(self->n, 5);
    CHECK_STR(self->at, "two\r\n");
    self->at[0] = 'X';                          /* the caller's */

    act_start(&self->a, "line", 'l', &self->s, NULL, 0);
    SETTLE
    put(self->ends[1], "-");
    SETTLE
    CHECK_LOG("");
    put(self->ends[1], "\nfour\nfi");
    AWAIT(async_join(&self->a.task));
    CHECK_STR(self->a.at, "three-\n");
    AWAIT_VALUE(self->n, async_stream_peek(&self->s, 0, &self->at));
    CHECK_EQ(self->n, 7);
    CHECK(memcmp(self->at, "four\nfi", 7) == 0);
    AWAIT_VALUE(self->n, async_stream_read_line(&self->s, &self->at));
    CHECK_STR(self->at, "four\n");
    CHECK_EQ(async_stream_skip(&self->s, 1), 0);
    CHECK(!async_stream_at_eof(&self->s));
    CHECK_EQ(shutdown(self->ends[1], SHUT_WR), 0);
    AWAIT_VALUE(self->n, async_stream_read_line(&self->s, &self->at));
    CHECK_EQ(self->n, 1);
    CHECK_STR(self->at, "i");
    CHECK(async_stream_at_eof(&self->s));
    AWAIT_VALUE(self->n, async_stream_read_line(&self->s, &self->at));
    CHECK_EQ(self->n, 0);
    CHECK_STR(self->at, "");
    unpair(self);
    test_log_clear();
    ASYNC_END;
}

TEST(stream_read_line)
{
    RUN(lines);
}

/* As long as the buffer, and longer: then it stays, and can be got rid of. */
static ASYNC limit(struct main *self)
{
    ASYNC_BEGIN(self);
    pair(self);
    put(self->ends[1], "123456789012345\n1234567890123456\nx\n");
    AWAIT_VALUE(self->n, async_stream_read_line(&self->s, &self->at));
    CHECK_EQ(self->n, 16);
    CHECK_STR(self->at, "123456789012345\n");
    for (self->i = 0; self->i < 2; self->i++) {
        AWAIT_RESULT(self->rc, async_stream_read_line(&self->s, &self->at));
        CHECK_EQ(self->rc, ASYNC_EMSGSIZE);
    }
    AWAIT_VALUE(self->n, async_stream_peek(&self->s, 0, &self->at));
    CHECK_EQ(self->n, 16);
    CHECK_EQ(async_stream_skip(&self->s, (size_t)self->n), 0);
    AWAIT_VALUE(self->n, async_stream_read_line(&self->s, &self->at));
    CHECK_STR(self->at, "\n");
    AWAIT_VALUE(self->n, async_stream_read_line(&self->s, &self->at));
    CHECK_STR(self->at, "x\n");
    unpair(self);
    ASYNC_END;
}

TEST(stream_line_longer_than_the_buffer)
{
    RUN(limit);
}

static ASYNC until(struct main *self)
{
    ASYNC_BEGIN(self);
    pair(self);
    act_start(&self->a, "until", 'u', &self->s, "aab", 0);
    for (self->i = 0; self->i < 8; self->i++) {
        self->buffer[0] = "xaaaabca"[self->i];
        self->buffer[1] = '\0';
        put(self->ends[1], self->buffer);
        SETTLE
    }
    CHECK_STR(self->a.at, "xaaaab");
    CHECK_LOG("until:6 ");
    AWAIT_VALUE(self->n, async_stream_peek(&self->s, 2, &self->at));
    CHECK(memcmp(self->at, "ca", 2) == 0);
    put(self->ends[1], "ab\r\n\r\nz");
    AWAIT_VALUE(self->n, async_stream_read_until(&self->s, "\r\n\r\n", 4,
                                                 &self->at));
    CHECK_STR(self->at, "caab\r\n\r\n");
    shutdown(self->ends[1], SHUT_WR);
    AWAIT_RESULT(self->rc, async_stream_read_until(&self->s, "\n", 1,
                                                   &self->at));
    CHECK_EQ(self->rc, ASYNC_EPIPE);
    CHECK(!async_stream_at_eof(&self->s));
    AWAIT_VALUE(self->n, async_stream_peek(&self->s, 5, &self->at));
    CHECK_EQ(self->n, 1);
    AWAIT_VALUE(self->n, async_stream_read(&self->s, self->buffer, 9));
    CHECK_EQ(self->n, 1);
    CHECK_EQ(self->buffer[0], 'z');
    AWAIT_VALUE(self->n, async_stream_read_until(&self->s, "\n", 1,
                                                 &self->at));
    CHECK_EQ(self->n, 0);
    unpair(self);
    ASYNC_END;
}

TEST(stream_read_until_over_pieces)
{
    RUN(until);
}

static ASYNC exactly(struct main *self)
{
    ASYNC_BEGIN(self);
    pair(self);
    put(self->ends[1], "0123456789abcdefghijklmnopqrstuvwxyz");
    AWAIT_VALUE(self->n, async_stream_peek(&self->s, 1, &self->at));
    CHECK_EQ(self->n, IN);
    AWAIT_VALUE(self->n, async_stream_read_exactly(&self->s, self->buffer, 0,
                                                   &self->done));
    CHECK_EQ(self->n, 0);
    AWAIT_VALUE(self->n, async_stream_read_exactly(&self->s, self->buffer, 4,
                                                   &self->done));
    CHECK_EQ(self->n, 4);
    AWAIT_VALUE(self->n, async_stream_read_exactly(
        &self->s, self->buffer + 4, 30, &self->done));
    CHECK_EQ(self->n, 30);
    CHECK_EQ(self->done, 0);
    CHECK(memcmp(self->buffer, "0123456789abcdefghijklmnopqrstuvwx", 34)
          == 0);
    shutdown(self->ends[1], SHUT_WR);
    AWAIT_RESULT(self->rc, async_stream_read_exactly(&self->s, self->buffer, 4,
                                                     &self->done));
    CHECK_EQ(self->rc, ASYNC_EPIPE);
    CHECK_EQ(self->done, 2);
    CHECK(memcmp(self->buffer, "yz", 2) == 0);
    CHECK(async_stream_at_eof(&self->s));
    unpair(self);
    ASYNC_END;
}

TEST(stream_read_exactly)
{
    RUN(exactly);
}

/* A strike at each byte of what the other side sends: nothing is lost. */
static ASYNC struck(struct main *self)
{
    static const char kinds[] = "lux";

    ASYNC_BEGIN(self);
    for (self->j = 0; self->j < 6; self->j++) {
        for (self->i = 0; self->i <= 8; self->i++) {
            pair(self);
            act_start(&self->a, "", kinds[self->j / 2], &self->s, "\n",
                      8);
            AWAIT(async_yield());
            memcpy(self->buffer, "1234567\n", 9);
            self->buffer[self->i] = '\0';
            put(self->ends[1], self->buffer);
            if (self->j % 2 == 0) {             /* seen before the strike */
                SETTLE
            }
            async_cancel(&self->a.task);
            AWAIT_RESULT(self->rc, async_join(&self->a.task));
            CHECK_EQ(self->rc, self->i == 8 ? 8 : ASYNC_ECANCELED);
            if (self->i == 8) {
                CHECK(memcmp(kinds[self->j / 2] == 'x' ? self->a.buffer
                             : self->a.at, "1234567\n", 8) == 0);
            } else if (kinds[self->j / 2] == 'x') {
                put(self->ends[1], &"1234567\n"[self->i]);
                AWAIT_VALUE(self->n, async_stream_read_exactly(
                    &self->s, self->a.buffer, 8, &self->a.done));
                CHECK(memcmp(self->a.buffer, "1234567\n", 8) == 0);
            } else {
                put(self->ends[1], &"1234567\n"[self->i]);
                AWAIT_VALUE(self->n, async_stream_read_line(&self->s,
                                                            &self->at));
                CHECK_STR(self->at, "1234567\n");
            }
            unpair(self);
        }
    }
    test_log_clear();
    ASYNC_END;
}

TEST(stream_struck_reads_lose_nothing)
{
    RUN(struck);
}

/* The same by a limit of time, and a poll by one without any. */
static ASYNC timed(struct main *self)
{
    ASYNC_BEGIN(self);
    pair(self);
    put(self->ends[1], "abc");
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(2),
        async_stream_read_line(&self->s, &self->at)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, 0,
        async_stream_read_line(&self->s, &self->at)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    put(self->ends[1], "d\nef\ng");
    AWAIT_VALUE(self->n, ASYNC_TIMEOUT(&self->scope, 0,
        async_stream_read_line(&self->s, &self->at)));
    CHECK_STR(self->at, "abcd\n");
    AWAIT_VALUE(self->n, ASYNC_TIMEOUT(&self->scope, 0,
        async_stream_read_line(&self->s, &self->at)));
    CHECK_STR(self->at, "ef\n");
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(2),
        async_stream_read_exactly(&self->s, self->buffer, 3, &self->done)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    CHECK_EQ(self->done, 1);
    put(self->ends[1], "hi");
    AWAIT_VALUE(self->n, async_stream_read_exactly(&self->s, self->buffer, 3,
                                                   &self->done));
    CHECK(memcmp(self->buffer, "ghi", 3) == 0);
    unpair(self);
    ASYNC_END;
}

TEST(stream_reads_in_time)
{
    RUN(timed);
}

static ASYNC two_readers(struct main *self)
{
    ASYNC_BEGIN(self);
    pair(self);
    act_start(&self->a, "a", 'l', &self->s, NULL, 0);
    act_start(&self->b, "b", 'l', &self->s, NULL, 0);
    SETTLE
    CHECK_LOG("b:busy ");
    CHECK_EQ(async_stream_skip(&self->s, 0), ASYNC_EBUSY);
    AWAIT_RESULT(self->rc, async_stream_read(&self->s, self->buffer, 1));
    CHECK_EQ(self->rc, ASYNC_EBUSY);
    put(self->ends[1], "x\ny\n");
    AWAIT(async_join(&self->a.task));
    AWAIT_VALUE(self->n, async_stream_read_line(&self->s, &self->at));
    CHECK_STR(self->at, "y\n");
    unpair(self);
    test_log_clear();
    ASYNC_END;
}

TEST(stream_second_reader)
{
    RUN(two_readers);
}

/* Without buffers: straight into and out of the caller's memory. */
static ASYNC bare(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_socketpair(self->ends), 0);
    CHECK_EQ(async_stream_open(&self->s, self->ends[0], NULL, 0, NULL, 0), 0);
    AWAIT_VALUE(self->n, async_stream_write_all(&self->s, "abc", 3,
                                                &self->done));
    CHECK_EQ(self->n, 3);
    AWAIT_RESULT(self->rc, async_stream_write(&self->s, "abc", 3));
    CHECK_EQ(self->rc, ASYNC_EMSGSIZE);
    AWAIT_RESULT(self->rc, async_stream_printf(&self->s, "abc"));
    CHECK_EQ(self->rc, ASYNC_EMSGSIZE);
    AWAIT_VALUE(self->n, async_read(self->ends[1], self->buffer, 9));
    CHECK_EQ(self->n, 3);
    put(self->ends[1], "defgh");
    AWAIT_VALUE(self->n, async_stream_read(&self->s, self->buffer, 2));
    CHECK_EQ(self->n, 2);
    AWAIT_VALUE(self->n, async_stream_read_exactly(&self->s, self->buffer, 3,
                                                   &self->done));
    CHECK(memcmp(self->buffer, "fgh", 3) == 0);
    AWAIT_RESULT(self->rc, async_stream_read_line(&self->s, &self->at));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_stream_peek(&self->s, 1, &self->at));
    CHECK_EQ(self->rc, ASYNC_EMSGSIZE);
    async_close(self->ends[1]);
    AWAIT_VALUE(self->n, async_stream_read(&self->s, self->buffer, 2));
    CHECK_EQ(self->n, 0);
    AWAIT(async_stream_close(&self->s));
    ASYNC_END;
}

TEST(stream_without_buffers)
{
    RUN(bare);
}

/* ---- writing ------------------------------------------------------------- */

static ASYNC writes(struct main *self)
{
    ASYNC_BEGIN(self);
    pair(self);
    AWAIT_VALUE(self->n, async_stream_write(&self->s, "hello ", 6));
    CHECK_EQ(self->n, 6);
    AWAIT_VALUE(self->n, async_stream_printf(&self->s, "%d%c", 12, '\n'));
    CHECK_EQ(self->n, 3);
    CHECK_EQ(async_stream_try_write(&self->s, "", 0), 0);
    CHECK_EQ(async_stream_try_write(&self->s, NULL, 0), 0);
    CHECK_EQ(async_stream_unsent(&self->s), 9);
    CHECK_EQ(recv(self->ends[1], self->buffer, 99, MSG_DONTWAIT), -1);
    AWAIT(async_stream_flush(&self->s));
    AWAIT(async_stream_flush(&self->s));
    CHECK_EQ(async_stream_unsent(&self->s), 0);
    CHECK_EQ(recv(self->ends[1], self->buffer, 99, MSG_DONTWAIT), 9);
    CHECK(memcmp(self->buffer, "hello 12\n", 9) == 0);

    /* When it is full, what is there goes out. */
    for (self->i = 0; self->i < 4; self->i++) {
        AWAIT(async_stream_write(&self->s, "0123456789", 10));
        CHECK_EQ(async_stream_unsent(&self->s), 10);
    }
    AWAIT_VALUE(self->n, async_stream_printf(&self->s, "%d", 123456));
    CHECK_EQ(async_stream_unsent(&self->s), 6);
    CHECK_EQ(async_stream_try_write(&self->s, "0123456789a", 11),
             ASYNC_EAGAIN);
    CHECK_EQ(async_stream_try_write(&self->s, "0123456789", 10), 10);
    AWAIT(async_stream_flush(&self->s));
    CHECK_EQ(recv(self->ends[1], self->buffer, 99, MSG_DONTWAIT), 56);
    CHECK(memcmp(self->buffer + 36, "67891234560123456789", 20) == 0);

    /* More than fits, together with what is there: by one call. */
    AWAIT(async_stream_write(&self->s, "head", 4));
    AWAIT_VALUE(self->n, async_stream_write_all(
        &self->s, "and a long long body", 20, &self->done));
    CHECK_EQ(self->n, 20);
    CHECK_EQ(self->done, 0);
    CHECK_EQ(recv(self->ends[1], self->buffer, 99, MSG_DONTWAIT), 24);
    CHECK(memcmp(self->buffer, "headand a long long body", 24) == 0);
    AWAIT_VALUE(self->n, async_stream_write_all(&self->s, "short", 5,
                                                &self->done));
    CHECK_EQ(async_stream_unsent(&self->s), 5);
    unpair(self);
    ASYNC_END;
}

TEST(stream_writes)
{
    RUN(writes);
}

/* A reader that has to wait sends first; one that has not does not. */
static ASYNC tied(struct main *self)
{
    ASYNC_BEGIN(self);
    pair(self);
    put(self->ends[1], "a\nb\n");
    for (self->i = 0; self->i < 2; self->i++) {
        AWAIT_VALUE(self->n, async_stream_read_line(&self->s, &self->at));
        AWAIT(async_stream_write(&self->s, self->at, (size_t)self->n));
    }
    CHECK_EQ(unstuff(self->ends[1]), 0);
    act_start(&self->a, "line", 'l', &self->s, NULL, 0);
    AWAIT(async_yield());
    AWAIT(async_yield());
    CHECK_EQ(unstuff(self->ends[1]), 4);
    CHECK_LOG("a\nb\n");

    /* What others write while it waits is theirs to send. */
    AWAIT(async_stream_write(&self->s, "later", 5));
    put(self->ends[1], "c");
    SETTLE
    put(self->ends[1], "\n");
    AWAIT(async_join(&self->a.task));
    CHECK_LOG("line:2 ");
    unpair(self);

    /* A full socket: it waits to send, and then to receive. */
    pair(self);
    stuff(self->ends[0]);
    AWAIT(async_stream_write(&self->s, "x", 1));
    act_start(&self->a, "line", 'l', &self->s, NULL, 0);
    SETTLE
    put(self->ends[1], "y\n");
    SETTLE
    CHECK_LOG("");
    unstuff(self->ends[1]);
    AWAIT(async_join(&self->a.task));
    unstuff(self->ends[1]);
    CHECK_LOG("line:2 x");

    /* Struck while it waits to receive: what is there wins, whatever others
     * have written. */
    act_start(&self->a, "line", 'l', &self->s, NULL, 0);
    SETTLE
    stuff(self->ends[0]);
    AWAIT(async_stream_write(&self->s, "w", 1));
    put(self->ends[1], "ab\n");
    async_cancel(&self->a.task);
    AWAIT(async_join(&self->a.task));
    unstuff(self->ends[1]);
    AWAIT(async_stream_flush(&self->s));
    unstuff(self->ends[1]);
    CHECK_LOG("line:3 w");

    /* And it may be struck there. */
    stuff(self->ends[0]);
    AWAIT(async_stream_write(&self->s, "z", 1));
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(2),
        async_stream_read_line(&self->s, &self->at)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    CHECK_EQ(async_stream_unsent(&self->s), 1);
    unstuff(self->ends[1]);
    AWAIT(async_stream_flush(&self->s));
    unstuff(self->ends[1]);
    CHECK_LOG("z");
    unpair(self);
    ASYNC_END;
}

TEST(stream_reader_sends_before_it_waits)
{
    RUN(tied);
}

/* They take turns, first come, first served; what is struck has put nothing,
 * or keeps its count. */
static ASYNC writers(struct main *self)
{
    ASYNC_BEGIN(self);
    pair(self);
    stuff(self->ends[0]);
    AWAIT(async_stream_write(&self->s, "0123456789abcdef", 16));
    act_start(&self->a, "a", 'w', &self->s, "AAAAAAAA", 0);
    act_start(&self->b, "b", 'w', &self->s, "BB", 0);
    act_start(&self->c, "c", 'f', &self->s, NULL, 0);
    act_start(&self->d, "d", 'w', &self->s, "D", 0);
    SETTLE
    CHECK_EQ(async_stream_try_write(&self->s, "", 0), ASYNC_EAGAIN);
    unstuff(self->ends[1]);
    AWAIT(async_join(&self->d.task));
    CHECK_LOG("a:8 b:2 c:0 d:1 ");
    unstuff(self->ends[1]);
    CHECK_LOG("0123456789abcdefAAAAAAAABB");

    /* The first of them is struck, the second, both. */
    for (self->i = 1; self->i < 4; self->i++) {
        AWAIT(async_stream_flush(&self->s));
        stuff(self->ends[0]);
        AWAIT(async_stream_write(&self->s, "0123456789abcdef", 16));
        act_start(&self->a, "a", 'w', &self->s, "AA", 0);
        act_start(&self->b, "b", 'w', &self->s, "BB", 0);
        act_start(&self->c, "c", 'w', &self->s, "CC", 0);
        SETTLE
        if ((self->i & 1) != 0) {
            async_cancel(&self->a.task);
        }
        if ((self->i & 2) != 0) {
            async_cancel(&self->b.task);
        }
        SETTLE
        unstuff(self->ends[1]);
        AWAIT(async_join(&self->c.task));
        AWAIT(async_stream_flush(&self->s));
        unstuff(self->ends[1]);
        CHECK_STR(test_log_text(),
                  self->i == 1 ? "a:cancel Db:2 c:2 0123456789abcdefBBCC"
                  : self->i == 2 ? "b:cancel a:2 c:2 0123456789abcdefAACC"
                  : "a:cancel b:cancel c:2 0123456789abcdefCC");
        test_log_clear();
    }
    unpair(self);
    ASYNC_END;
}

TEST(stream_writers_take_turns)
{
    RUN(writers);
}

/* The turn was handed over, and the strike comes before it ran: it is kept if
 * there is room, and passed on if not. */
static ASYNC handed_over(struct main *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 2; self->i++) {
        pair(self);
        stuff(self->ends[0]);
        AWAIT(async_stream_write(&self->s, "0123456789abcdef", 16));
        act_start(&self->a, "a", 'f', &self->s, NULL, 0);
        act_start(&self->b, "b", 'w', &self->s, "BB", 0);
        act_start(&self->c, "c", 'w', &self->s, "CC", 0);
        SETTLE
        if (self->i == 0) {
            unstuff(self->ends[1]);
            AWAIT(async_readable(self->ends[1]));
            async_cancel(&self->b.task);
        } else {
            async_cancel(&self->a.task);
            AWAIT(async_yield());
            async_cancel(&self->b.task);
        }
        SETTLE
        unstuff(self->ends[1]);
        AWAIT(async_join(&self->c.task));
        AWAIT(async_stream_flush(&self->s));
        unstuff(self->ends[1]);
        test_log("\n");
        unpair(self);
    }
    CHECK_LOG("a:0 b:2 c:2 0123456789abcdefBBCC\n"
              "a:cancel b:cancel c:2 0123456789abcdefCC\n");
    ASYNC_END;
}

TEST(stream_turn_and_strike_together)
{
    RUN(handed_over);
}

/* Between two turns nobody gets in, not even a callback. */
static struct barger { async_watch watch; async_stream *stream; int rc; }
    barger;

static void barge(async_watch *watch, async_task *task)
{
    (void)watch;
    (void)task;
    barger.rc = async_stream_try_write(barger.stream, "X", 1);
}

static ASYNC nobody_in_between(struct main *self)
{
    ASYNC_BEGIN(self);
    pair(self);
    stuff(self->ends[0]);
    AWAIT(async_stream_write(&self->s, "0123456789abcde", 15));
    act_start(&self->a, "a", 'f', &self->s, NULL, 0);
    act_start(&self->b, "b", 'w', &self->s, "BB", 0);
    ZERO(barger);
    barger.stream = &self->s;
    CHECK_EQ(async_on_done(&self->a.task, &barger.watch, barge), 0);
    SETTLE
    unstuff(self->ends[1]);
    AWAIT(async_join(&self->b.task));
    CHECK_EQ(barger.rc, ASYNC_EAGAIN);
    unpair(self);
    test_log_clear();
    ASYNC_END;
}

TEST(stream_nobody_between_two_turns)
{
    RUN(nobody_in_between);
}

/* Somebody flushes, the others may write behind it. */
static ASYNC behind(struct main *self)
{
    ASYNC_BEGIN(self);
    pair(self);
    stuff(self->ends[0]);
    AWAIT(async_stream_write(&self->s, "ab", 2));
    act_start(&self->a, "a", 'f', &self->s, NULL, 0);
    SETTLE
    AWAIT(async_stream_write(&self->s, "cd", 2));
    AWAIT(async_stream_printf(&self->s, "%s", "ef"));
    CHECK_EQ(async_stream_try_write(&self->s, "gh", 2), 2);
    unstuff(self->ends[1]);
    AWAIT(async_join(&self->a.task));
    unstuff(self->ends[1]);
    CHECK_LOG("a:0 abcdefgh");
    CHECK_EQ(async_stream_unsent(&self->s), 0);
    unpair(self);
    ASYNC_END;
}

TEST(stream_write_while_another_task_flushes)
{
    RUN(behind);
}

/* write_all is struck in the middle, and goes on from its count; others did
 * not get in between. */
static ASYNC large(struct main *self)
{
    ASYNC_BEGIN(self);
    self->large = (char *)malloc(2 * LARGE);
    for (self->i = 0; self->i < LARGE; self->i++) {
        self->large[self->i] = (char)(self->i * 7 + self->i / 251);
    }
    pair(self);
    act_start(&self->a, "a", 'a', &self->s, self->large, LARGE);
    SETTLE
    act_start(&self->b, "b", 'x', &self->peer, NULL, LARGE);
    self->b.at = self->large + LARGE;
    AWAIT(async_yield());
    async_cancel(&self->a.task);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    CHECK(self->a.done > 0 && self->a.done < LARGE);
    self->done = self->a.done;
    AWAIT_VALUE(self->n, async_stream_write_all(&self->s, self->large, LARGE,
                                                &self->done));
    CHECK_EQ(self->n, LARGE);
    AWAIT(async_stream_flush(&self->s));
    AWAIT(async_join(&self->b.task));
    CHECK(memcmp(self->large, self->large + LARGE, LARGE) == 0);

    act_start(&self->a, "a", 'a', &self->s, self->large, LARGE);
    act_start(&self->c, "c", 'a', &self->s, "and this", 8);
    act_start(&self->d, "d", 'f', &self->s, NULL, 0);
    act_start(&self->b, "b", 'x', &self->peer, NULL, LARGE);
    self->b.at = self->large + LARGE;
    AWAIT(async_join(&self->d.task));
    AWAIT(async_join(&self->b.task));
    CHECK(memcmp(self->large, self->large + LARGE, LARGE) == 0);
    AWAIT_VALUE(self->n, async_stream_read(&self->peer, self->buffer, 20));
    CHECK_EQ(self->n, 8);
    free(self->large);
    unpair(self);
    test_log_clear();
    ASYNC_END;
}

TEST(stream_write_all_in_turn)
{
    RUN(large);
}

/* A part of the buffer is sent, and more is put behind the rest, for which it
 * moves to the front. */
static ASYNC partial(struct main *self)
{
    static char out[8192], text[10000];

    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 10000; self->i++) {
        text[self->i] = (char)('a' + self->i % 23);
    }
    CHECK_EQ(async_pipe(self->ends), 0);
    do {                                        /* full, but for a page */
        self->n = (int)write(self->ends[1], text, 4096);
    } while (self->n > 0);
    CHECK_EQ(read(self->ends[0], self->buffer, 1), 1);
    for (self->i = 1; self->i < 4096; self->i++) {
        CHECK_EQ(read(self->ends[0], self->buffer, 1), 1);
    }
    AWAIT(async_stream_open(&self->s, self->ends[1], NULL, 0, out,
                            sizeof out));
    AWAIT(async_stream_write(&self->s, text, 8000));
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(1),
                                         async_stream_flush(&self->s)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    self->n = (int)async_stream_unsent(&self->s);
    CHECK(self->n > 0 && self->n < 8000);
    AWAIT(async_stream_write(&self->s, text + 8000, 2000));
    CHECK_EQ(async_stream_unsent(&self->s), self->n + 2000);
    CHECK(memcmp(out, text + 8000 - self->n, (size_t)self->n + 2000) == 0);
    async_stream_abort(&self->s);
    async_close(self->ends[0]);
    ASYNC_END;
}

TEST(stream_writes_behind_what_was_not_sent)
{
    RUN(partial);
}

/* ---- errors -------------------------------------------------------------- */

/* The other side closes, with an answer on its way: it can be read, and then
 * the stream is broken, rather than at its end. */
static ASYNC broken(struct main *self)
{
    ASYNC_BEGIN(self);
    pair(self);
    put(self->ends[1], "no\nthanks");
    async_stream_abort(&self->peer);
    AWAIT(async_stream_write(&self->s, "request", 7));
    AWAIT_VALUE(self->n, async_stream_read_line(&self->s, &self->at));
    CHECK_STR(self->at, "no\n");
    AWAIT_RESULT(self->rc, async_stream_write(&self->s, "more", 4));
    CHECK_EQ(self->rc, ASYNC_EPIPE);
    CHECK_EQ(async_stream_try_write(&self->s, "more", 4), ASYNC_EPIPE);
    AWAIT_RESULT(self->rc, async_stream_printf(&self->s, "more"));
    CHECK_EQ(self->rc, ASYNC_EPIPE);
    AWAIT_RESULT(self->rc, async_stream_write_all(&self->s, "more", 4,
                                                  &self->done));
    CHECK_EQ(self->rc, ASYNC_EPIPE);
    AWAIT_RESULT(self->rc, async_stream_read_line(&self->s, &self->at));
    CHECK_EQ(self->rc, ASYNC_EPIPE);
    AWAIT_VALUE(self->n, async_stream_read(&self->s, self->buffer, 99));
    CHECK_EQ(self->n, 6);
    AWAIT_RESULT(self->rc, async_stream_read(&self->s, self->buffer, 99));
    CHECK_EQ(self->rc, ASYNC_EPIPE);
    AWAIT_RESULT(self->rc, async_stream_close(&self->s));
    CHECK_EQ(self->rc, ASYNC_EPIPE);
    CHECK_EQ(lowest_fd(), self->ends[0]);
    ASYNC_END;
}

TEST(stream_that_breaks)
{
    RUN(broken);
}

/* It breaks while some wait: each is told. A writer that was struck at the
 * same time leaves nothing behind. */
static ASYNC breaks_under(struct main *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 2; self->i++) {
        pair(self);
        stuff(self->ends[0]);
        AWAIT(async_stream_write(&self->s, "0123456789abcdef", 16));
        act_start(&self->a, "a", 'w', &self->s, "AA", 0);
        act_start(&self->b, "b", 'f', &self->s, NULL, 0);
        act_start(&self->c, "c", 'l', &self->s, NULL, 0);
        SETTLE
        async_stream_abort(&self->peer);
        if (self->i == 1) {
            AWAIT(async_readable(self->ends[0]));
            async_cancel(&self->a.task);
        }
        AWAIT_RESULT(self->rc, async_join(&self->a.task));
        AWAIT_RESULT(self->rc, async_join(&self->b.task));
        AWAIT_RESULT(self->rc, async_join(&self->c.task));
        CHECK(self->c.rc == ASYNC_EPIPE || self->c.rc == ASYNC_ECONNRESET);
        async_stream_abort(&self->s);
        test_log_clear();
    }
    ASYNC_END;
}

TEST(stream_breaks_while_tasks_wait)
{
    RUN(breaks_under);
}

/* A reader finds it broken, and a writer that was struck comes back to that:
 * then nobody waits for the descriptor, as the loop has to know. */
static ASYNC broken_and_struck(struct main *self)
{
    static async_future never;

    ASYNC_BEGIN(self);
    pair(self);
    stuff(self->ends[0]);
    AWAIT(async_stream_write(&self->s, "0123456789abcdef", 16));
    act_start(&self->a, "a", 'w', &self->s, "AA", 0);
    act_start(&self->c, "c", 'l', &self->s, NULL, 0);
    SETTLE
    put(self->ends[1], "x");
    AWAIT(async_yield());               /* the reader is about to run */
    async_stream_abort(&self->peer);
    async_cancel(&self->a.task);
    SETTLE
    CHECK(async_done(&self->a.task) && async_done(&self->c.task));
    CHECK_EQ(self->c.rc, ASYNC_ECONNRESET);
    CHECK_EQ(async_stream_abort(&self->s), 0);
    test_log_clear();
    AWAIT(async_future_wait(&never));
    ASYNC_END;
}

TEST(stream_broken_and_struck)
{
    static struct main m;

    ZERO(m);
    test_real_time();
    CHECK_EQ(async_run(broken_and_struck, &m), ASYNC_EDEADLK);
}

/* A TCP connection that is reset. */
static ASYNC reset(struct main *self)
{
    struct linger at_once;

    ASYNC_BEGIN(self);
    self->i = async_tcp_listen("127.0.0.1", 0, 5);
    AWAIT(async_tcp_connect(&self->ends[0], "127.0.0.1",
                            async_local_port(self->i)));
    AWAIT_VALUE(self->ends[1], async_accept(self->i, NULL, NULL));
    async_close(self->i);
    AWAIT(async_stream_open(&self->s, self->ends[0], self->in,
                            sizeof self->in, self->out, sizeof self->out));
    put(self->ends[1], "last wo");
    AWAIT(async_stream_peek(&self->s, 1, &self->at));
    at_once.l_onoff = 1;
    at_once.l_linger = 0;
    setsockopt(self->ends[1], SOL_SOCKET, SO_LINGER, &at_once,
               sizeof at_once);
    async_close(self->ends[1]);
    for (self->j = 0; self->j < 2; self->j++) {
        AWAIT_RESULT(self->rc, async_stream_read_line(&self->s, &self->at));
        CHECK_EQ(self->rc, ASYNC_ECONNRESET);
    }
    AWAIT_VALUE(self->n, async_stream_read(&self->s, self->buffer, 99));
    CHECK_EQ(self->n, 7);
    AWAIT_RESULT(self->rc, async_stream_read(&self->s, self->buffer, 99));
    CHECK_EQ(self->rc, ASYNC_ECONNRESET);
    AWAIT_RESULT(self->rc, async_stream_write(&self->s, "x", 1));
    CHECK_EQ(self->rc, ASYNC_ECONNRESET);
    AWAIT_RESULT(self->rc, async_stream_close(&self->s));
    CHECK_EQ(self->rc, ASYNC_ECONNRESET);
    ASYNC_END;
}

TEST(stream_that_is_reset)
{
    RUN(reset);
}

/* ---- the end ------------------------------------------------------------- */

static ASYNC ends(struct main *self)
{
    ASYNC_BEGIN(self);
    pair(self);
    AWAIT(async_stream_write(&self->s, "bye", 3));
    AWAIT(async_stream_shutdown_write(&self->s));
    AWAIT(async_stream_shutdown_write(&self->s));
    AWAIT_RESULT(self->rc, async_stream_write(&self->s, "x", 1));
    CHECK_EQ(self->rc, ASYNC_ESHUTDOWN);
    CHECK_EQ(async_stream_try_write(&self->s, "x", 1), ASYNC_ESHUTDOWN);
    AWAIT_VALUE(self->n, async_stream_read_line(&self->peer, &self->at));
    CHECK_STR(self->at, "bye");
    CHECK(async_stream_at_eof(&self->peer));
    AWAIT(async_stream_write(&self->peer, "and\nto you", 10));
    AWAIT(async_stream_close(&self->peer));
    AWAIT_VALUE(self->n, async_stream_read_line(&self->s, &self->at));
    CHECK_STR(self->at, "and\n");
    AWAIT_VALUE(self->n, async_stream_read_line(&self->s, &self->at));
    CHECK_STR(self->at, "to you");
    AWAIT(async_stream_close(&self->s));

    /* A pipe: there is only one way to show its end. */
    CHECK_EQ(async_pipe(self->ends), 0);
    AWAIT(async_stream_open(&self->s, self->ends[1], NULL, 0, self->out,
                            sizeof self->out));
    AWAIT(async_stream_write(&self->s, "pipe", 4));
    AWAIT(async_stream_shutdown_write(&self->s));
    AWAIT_RESULT(self->rc, async_stream_write(&self->s, "x", 1));
    CHECK_EQ(self->rc, ASYNC_ESHUTDOWN);
    AWAIT_VALUE(self->n, async_read(self->ends[0], self->buffer, 9));
    CHECK_EQ(self->n, 4);
    AWAIT_VALUE(self->n, async_read(self->ends[0], self->buffer, 9));
    CHECK_EQ(self->n, 0);
    AWAIT(async_stream_close(&self->s));
    AWAIT(async_stream_open(&self->s, self->ends[0], self->in,
                            sizeof self->in, NULL, 0));
    AWAIT_RESULT(self->rc, async_stream_shutdown_write(&self->s));
    CHECK_EQ(self->rc, ASYNC_ENOTSOCK);
    AWAIT(async_stream_close(&self->s));
    ASYNC_END;
}

TEST(stream_ends)
{
    RUN(ends);
}

/* Whoever waits is told; a close that cannot send is closed all the same. */
static ASYNC closes(struct main *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 3; self->i++) {
        pair(self);
        stuff(self->ends[0]);
        AWAIT(async_stream_write(&self->s, "0123456789abcdef", 16));
        act_start(&self->a, "a", 'w', &self->s, "AA", 0);
        act_start(&self->b, "b", 'w', &self->s, "BB", 0);
        act_start(&self->c, "c", 'l', &self->s, NULL, 0);
        SETTLE
        if (self->i == 1) {             /* struck, then closed, then run */
            async_cancel(&self->a.task);
            async_cancel(&self->b.task);
            async_cancel(&self->c.task);
        }
        CHECK_EQ(async_stream_abort(&self->s), 0);
        if (self->i == 2) {             /* closed, then struck */
            async_cancel(&self->a.task);
            async_cancel(&self->b.task);
            async_cancel(&self->c.task);
        }
        SETTLE
        CHECK(async_done(&self->a.task) && async_done(&self->b.task)
              && async_done(&self->c.task));
        if (self->i == 1) {
            CHECK_LOG("a:cancel b:cancel c:cancel ");
        } else {
            CHECK_LOG("b:bad file descriptor c:bad file descriptor "
                      "a:bad file descriptor ");
        }
        async_stream_abort(&self->peer);
    }

    /* A reader that was about to send first. */
    for (self->i = 0; self->i < 3; self->i++) {
        pair(self);
        stuff(self->ends[0]);
        AWAIT(async_stream_write(&self->s, "x", 1));
        act_start(&self->a, "a", 'l', &self->s, NULL, 0);
        SETTLE
        if (self->i == 1) {
            async_cancel(&self->a.task);
        }
        async_stream_abort(&self->s);
        if (self->i == 2) {
            async_cancel(&self->a.task);
        }
        AWAIT_RESULT(self->rc, async_join(&self->a.task));
        async_stream_abort(&self->peer);
    }
    CHECK_LOG("a:bad file descriptor a:cancel a:bad file descriptor ");

    /* Nobody reads: the limit ends it. */
    pair(self);
    stuff(self->ends[0]);
    AWAIT(async_stream_write(&self->s, "x", 1));
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(2),
                                         async_stream_close(&self->s)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    CHECK_EQ(lowest_fd(), self->ends[0]);
    AWAIT_RESULT(self->rc, async_stream_close(&self->s));
    CHECK_EQ(self->rc, ASYNC_EBADF);
    async_stream_abort(&self->peer);

    /* The close waits for its turn, behind a message. */
    pair(self);
    stuff(self->ends[0]);
    act_start(&self->a, "a", 'a', &self->s, "0123456789abcdefghi", 19);
    act_start(&self->b, "b", 'c', &self->s, NULL, 0);
    SETTLE
    unstuff(self->ends[1]);
    AWAIT(async_join(&self->b.task));
    unstuff(self->ends[1]);
    CHECK_LOG("a:19 b:0 0123456789abcdefghi");
    async_stream_abort(&self->peer);
    ASYNC_END;
}

TEST(stream_closed_under_those_who_wait)
{
    RUN(closes);
}

/* The main task ends while others wait in a stream: they are cancelled, and
 * the stream is as good as before. */
static ASYNC left(struct main *self)
{
    ASYNC_BEGIN(self);
    pair(self);
    stuff(self->ends[0]);
    AWAIT(async_stream_write(&self->s, "0123456789abcdef", 16));
    act_start(&self->a, "a", 'w', &self->s, "AA", 0);
    act_start(&self->b, "b", 'w', &self->s, "BB", 0);
    act_start(&self->c, "c", 'l', &self->s, NULL, 0);
    SETTLE
    ASYNC_END;
}

TEST(stream_left_at_the_end)
{
    static struct main m;
    int before = lowest_fd();

    ZERO(m);
    test_real_time();
    CHECK_EQ(async_run(left, &m), 0);
    CHECK(async_done(&m.a.task) && async_done(&m.b.task)
          && async_done(&m.c.task));
    CHECK_EQ(m.c.rc, ASYNC_CANCEL);
    CHECK(m.s.reader == NULL && m.s.sender == NULL);
    CHECK_EQ(async_stream_unsent(&m.s), 16);
    CHECK_EQ(async_stream_abort(&m.s), 0);
    CHECK_EQ(async_stream_abort(&m.peer), 0);
    CHECK_EQ(lowest_fd(), before);
    test_log_clear();
}

/* ---- files --------------------------------------------------------------- */

static ASYNC file(struct main *self)
{
    static char path[64];

    ASYNC_BEGIN(self);
    snprintf(path, sizeof path, "/tmp/async-test-%ld", (long)getpid());
    AWAIT(async_stream_open(&self->s, open(path, O_CREAT | O_TRUNC | O_WRONLY,
                                           0600), NULL, 0, self->out,
                            sizeof self->out));
    for (self->i = 0; self->i < 100; self->i++) {
        AWAIT(async_stream_printf(&self->s, "line %d\n", self->i));
    }
    AWAIT(async_stream_close(&self->s));
    AWAIT(async_stream_open(&self->s, open(path, O_RDONLY), self->in,
                            sizeof self->in, NULL, 0));
    for (self->i = 0; self->i < 100; self->i++) {
        AWAIT_VALUE(self->n, async_stream_read_line(&self->s, &self->at));
        snprintf(self->buffer, 20, "line %d\n", self->i);
        CHECK_STR(self->at, self->buffer);
    }
    AWAIT_VALUE(self->n, async_stream_read_line(&self->s, &self->at));
    CHECK_EQ(self->n, 0);
    AWAIT(async_stream_close(&self->s));
    unlink(path);
    ASYNC_END;
}

TEST(stream_over_a_file)
{
    RUN(file);
}

/* ---- by chance ----------------------------------------------------------- */

enum { MESSAGES = 150 };

/* Messages of any length, sent by three tasks in any way, read in any way; and
 * both sides struck at any time. Each message arrives whole, those of each
 * sender in order. */
struct chance;

struct sender {
    async_frame frame;
    async_task task;
    struct chance *all;
    async_timeout scope;
    int number, i, rc;
    size_t length, done;
    char text[128];
};

struct receiver {
    async_frame frame;
    async_task task;
    struct chance *all;
    async_timeout scope;
    int next[3], n, rc, got;
    size_t done;
    char *at;
    char body[128];
};

struct chance {
    async_frame frame;
    async_stream s, peer;
    char in[64], out[48], peer_in[80], peer_out[32];
    struct sender sender[3];
    struct receiver receiver;
    unsigned seed;
    int ends[2], i;
};

static unsigned below(struct chance *all, unsigned limit)
{
    all->seed = all->seed * 1103515245U + 12345U;
    return (all->seed >> 16) % limit;
}

static async_duration some_time(struct chance *all)
{
    if (below(all, 3) != 0) {
        return ASYNC_NEVER;
    }
    return (async_duration)(MS(0.02) * (long)below(all, 10));
}

/* "N:I:LENGTH\n", and that many bytes. */
static ASYNC send_messages(struct sender *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < MESSAGES; self->i++) {
        self->length = below(self->all, 100);
        self->done = (size_t)snprintf(self->text, sizeof self->text,
                                      "%d:%d:%d\n", self->number, self->i,
                                      (int)self->length);
        memset(self->text + self->done, 'a' + self->i % 26, self->length);
        self->length += self->done;
        self->done = 0;
        if (self->length > sizeof self->all->out || self->i % 2 == 0) {
            AWAIT(async_stream_write_all(&self->all->s, self->text,
                                         self->length, &self->done));
        } else {
            do {                        /* struck: the same again */
                AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(
                    &self->scope, some_time(self->all), async_stream_write(
                        &self->all->s, self->text, self->length)));
                CHECK(self->rc == ASYNC_ETIMEDOUT
                      || self->rc == (int)self->length);
            } while (self->rc < 0);
        }
        if (below(self->all, 4) == 0) {
            AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(
                &self->scope, some_time(self->all),
                async_stream_flush(&self->all->s)));
        }
    }
    AWAIT(async_stream_flush(&self->all->s));
    ASYNC_END;
}

static ASYNC receive_messages(struct receiver *self)
{
    int number, i, length, at;

    ASYNC_BEGIN(self);
    for (self->got = 0; self->got < 3 * MESSAGES; self->got++) {
        do {
            AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(
                &self->scope, some_time(self->all),
                async_stream_read_line(&self->all->peer, &self->at)));
        } while (self->rc == ASYNC_ETIMEDOUT);
        if (self->rc <= 0
            || sscanf(self->at, "%d:%d:%d\n", &number, &i, &length) != 3
            || number < 0 || number > 2 || length > 100) {
            CHECK(self->rc > 0);
            CHECK_STR(self->rc > 0 ? self->at : "", "a head");
            break;
        }
        CHECK_EQ(i, self->next[number]);
        self->next[number]++;
        self->n = length;
        memset(self->body, 'a' + i % 26, sizeof self->body);
        memset(self->body, 0, (size_t)length);
        self->done = 0;
        do {
            AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(
                &self->scope, some_time(self->all),
                async_stream_read_exactly(&self->all->peer, self->body,
                                          (size_t)self->n, &self->done)));
        } while (self->rc == ASYNC_ETIMEDOUT);
        CHECK_EQ(self->rc, self->n);
        for (at = 0; at < 100 && self->body[at] == self->body[100]; at++) {
        }
        CHECK_EQ(at, 100);
        if (below(self->all, 50) == 0) {
            AWAIT(async_sleep(MS(0.2)));
        }
    }
    ASYNC_END;
}

static ASYNC by_chance(struct chance *self)
{
    int small = 4096;

    ASYNC_BEGIN(self);
    CHECK_EQ(async_socketpair(self->ends), 0);
    setsockopt(self->ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    AWAIT(async_stream_open(&self->s, self->ends[0], self->in,
                            sizeof self->in, self->out, sizeof self->out));
    AWAIT(async_stream_open(&self->peer, self->ends[1], self->peer_in,
                            sizeof self->peer_in, self->peer_out,
                            sizeof self->peer_out));
    for (self->i = 0; self->i < 3; self->i++) {
        self->sender[self->i].all = self;
        self->sender[self->i].number = self->i;
        async_spawn(&self->sender[self->i].task, send_messages,
                    &self->sender[self->i]);
    }
    self->receiver.all = self;
    async_spawn(&self->receiver.task, receive_messages, &self->receiver);
    AWAIT(async_join(&self->receiver.task));
    for (self->i = 0; self->i < 3; self->i++) {
        AWAIT(async_join(&self->sender[self->i].task));
    }
    AWAIT(async_stream_close(&self->s));
    AWAIT(async_stream_close(&self->peer));
    ASYNC_END;
}

TEST(stream_by_chance)
{
    static struct chance all;
    unsigned seed;

    for (seed = 1; seed <= 20; seed++) {
        ZERO(all);
        all.seed = seed;
        test_real_time();
        CHECK_EQ(async_run(by_chance, &all), 0);
    }
}

#endif

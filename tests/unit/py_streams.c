/* The cases of Python's test_streams.py that have a meaning here, by name; see
 * tests/py.md. What is fed to a reader there is written to a socket here. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "fdtools.h"

#if ASYNC_HOSTED

static const char DATA[] = "line1\nline2\nline3\n";

struct main {
    async_frame frame;
    async_stream s, w;
    async_task task, feeder;
    async_server server;
    async_slot slot;
    async_timeout scope;
    char in[65], out[64], w_in[64], w_out[64];
    int ends[2], fd, i, n, rc;
    char *at;
    size_t done;
    char buffer[100];
};

/* A stream with room for lines of `limit` bytes, and who feeds it. */
static void feed_reader(struct main *self, size_t limit)
{
    CHECK_EQ(async_socketpair(self->ends), 0);
    CHECK_EQ(async_stream_open(&self->s, self->ends[0], self->in, limit + 1,
                               self->out, sizeof self->out), 0);
}

static void feed(struct main *self, const char *text)
{
    put(self->ends[1], text);
}

static void feed_eof(struct main *self)
{
    CHECK_EQ(shutdown(self->ends[1], SHUT_WR), 0);
}

static void drop(struct main *self)
{
    CHECK_EQ(async_stream_abort(&self->s), 0);
    async_close(self->ends[1]);
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

#define BUFFERED(want) \
    do { \
        AWAIT_VALUE(self->n, async_stream_peek(&self->s, 0, &self->at)); \
        CHECK_EQ(self->n, (long long)strlen(want)); \
        CHECK(self->n < 0 || memcmp(self->at, want, (size_t)self->n) == 0); \
    } while (0)

#define LINE(want) \
    do { \
        AWAIT_VALUE(self->n, async_stream_read_line(&self->s, &self->at)); \
        CHECK_EQ(self->n, (long long)strlen(want)); \
        CHECK_STR(self->at, want); \
    } while (0)

#define UNTIL(separator, want) \
    do { \
        AWAIT_VALUE(self->n, async_stream_read_until( \
            &self->s, separator, strlen(separator), &self->at)); \
        CHECK_STR(self->at, want); \
    } while (0)

/* ---- connections --------------------------------------------------------- */

/* Answers a request as the reference's little web server does. */
struct web { async_frame frame; int fd, n, rc; async_stream s; char *at;
             char in[100], out[100]; };

static ASYNC web(struct web *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_stream_open(&self->s, self->fd, self->in, sizeof self->in,
                            self->out, sizeof self->out));
    AWAIT_RESULT(self->rc, async_stream_read_until(&self->s, "\r\n\r\n", 4,
                                                   &self->at));
    if (self->rc > 0) {
        AWAIT(async_stream_printf(&self->s, "HTTP/1.0 200 OK\r\n"
                                  "Content-type: text/plain\r\n\r\n"
                                  "Test message"));
    }
    AWAIT_RESULT(self->rc, async_stream_close(&self->s));
    ASYNC_END;
}

static struct web web_frame;

static void serve(struct main *self, int listener)
{
    CHECK(listener >= 0);
    ZERO(web_frame);
    CHECK_EQ(async_server_open(&self->server, listener, &self->slot,
                               &web_frame, 1, web), 0);
    async_spawn(&self->task, async_server_run, &self->server);
}

/* A request over self->fd, its first line, and the rest of it. */
struct get { async_frame frame; };

static ASYNC get(struct get *own, struct main *self)
{
    ASYNC_BEGIN(own);
    AWAIT(async_stream_open(&self->s, self->fd, self->in, sizeof self->in,
                            self->out, sizeof self->out));
    AWAIT(async_stream_write(&self->s, "GET / HTTP/1.0\r\n\r\n", 18));
    LINE("HTTP/1.0 200 OK\r\n");
    do {
        AWAIT_VALUE(self->n, async_stream_read(&self->s, self->buffer
                                               + self->done,
                                               sizeof self->buffer
                                               - self->done));
        self->done += (size_t)self->n;
    } while (self->n > 0);
    CHECK(self->done > 16 && memcmp(self->buffer + self->done - 16,
                                    "\r\n\r\nTest message", 16) == 0);
    self->done = 0;
    ASYNC_END;
}

static struct get get_frame;

static ASYNC case_open_connection(struct main *self)
{
    ASYNC_BEGIN(self);
    serve(self, async_tcp_listen("127.0.0.1", 0, 5));
    AWAIT(async_tcp_connect(&self->fd, "127.0.0.1",
                            async_local_port(self->server.listener)));
    AWAIT(get(&get_frame, self));
    AWAIT(async_stream_close(&self->s));
    AWAIT(async_server_close(&self->server, ASYNC_SEC(1)));
    ASYNC_END;
}

TEST(py_streams_open_connection)
{
    RUN(case_open_connection);
}

static ASYNC case_open_unix_connection(struct main *self)
{
    static char path[60];

    ASYNC_BEGIN(self);
    snprintf(path, sizeof path, "/tmp/async-py-%ld", (long)getpid());
    serve(self, async_unix_listen(path, 5));
    AWAIT(async_unix_connect(&self->fd, path));
    AWAIT(get(&get_frame, self));
    AWAIT(async_stream_close(&self->s));
    AWAIT(async_server_close(&self->server, ASYNC_SEC(1)));
    unlink(path);
    ASYNC_END;
}

TEST(py_streams_open_unix_connection)
{
    RUN(case_open_unix_connection);
}

/* The connection is lost by an error: a read tells it. */
static void reset(int fd)
{
    struct linger at_once;

    at_once.l_onoff = 1;
    at_once.l_linger = 0;
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    async_close(fd);
}

static ASYNC tcp_pair(struct get *own, struct main *self)
{
    ASYNC_BEGIN(own);
    self->i = async_tcp_listen("127.0.0.1", 0, 5);
    AWAIT(async_tcp_connect(&self->ends[0], "127.0.0.1",
                            async_local_port(self->i)));
    AWAIT_VALUE(self->ends[1], async_accept(self->i, NULL, NULL));
    async_close(self->i);
    AWAIT(async_stream_open(&self->s, self->ends[0], self->in, sizeof self->in,
                            self->out, sizeof self->out));
    ASYNC_END;
}

static ASYNC case_open_connection_error(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT(tcp_pair(&get_frame, self));
    reset(self->ends[1]);
    AWAIT_RESULT(self->rc, async_stream_read(&self->s, self->buffer, 9));
    CHECK_EQ(self->rc, ASYNC_ECONNRESET);
    async_stream_abort(&self->s);
    ASYNC_END;
}

TEST(py_streams_open_connection_error)
{
    RUN(case_open_connection_error);
}

static ASYNC case_open_unix_connection_error(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 64);
    put(self->ends[0], "unread");
    async_close(self->ends[1]);         /* with something unread: a reset */
    AWAIT_RESULT(self->rc, async_stream_read(&self->s, self->buffer, 9));
    CHECK_EQ(self->rc, ASYNC_ECONNRESET);
    async_stream_abort(&self->s);
    ASYNC_END;
}

TEST(py_streams_open_unix_connection_error)
{
    RUN(case_open_unix_connection_error);
}

/* ---- read ---------------------------------------------------------------- */

static ASYNC case_feed_nonempty_data(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 64);
    feed(self, DATA);
    AWAIT(async_stream_peek(&self->s, 1, &self->at));
    BUFFERED(DATA);
    drop(self);
    ASYNC_END;
}

TEST(py_streams_feed_nonempty_data)
{
    RUN(case_feed_nonempty_data);
}

static ASYNC case_read_zero(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 64);
    feed(self, DATA);
    AWAIT(async_stream_peek(&self->s, 1, &self->at));
    AWAIT_VALUE(self->n, async_stream_read(&self->s, self->buffer, 0));
    CHECK_EQ(self->n, 0);
    BUFFERED(DATA);
    drop(self);
    ASYNC_END;
}

TEST(py_streams_read_zero)
{
    RUN(case_read_zero);
}

/* Feeds up to three pieces, and perhaps the end, a little
 * later. */
struct feeder {
    async_frame frame;
    async_task task;
    struct main *self;
    const char *pieces[4];
    int i;
    bool ends;
};

static struct feeder feeder_frame;

static ASYNC feeder(struct feeder *own)
{
    ASYNC_BEGIN(own);
    for (own->i = 0; own->i < 4 && own->pieces[own->i] != NULL; own->i++) {
        AWAIT(async_yield());
        feed(own->self, own->pieces[own->i]);
    }
    if (own->ends) {
        feed_eof(own->self);
    }
    ASYNC_END;
}

static void feed_later(struct main *self, const char *a, const char *b,
                       const char *c, bool end)
{
    ZERO(feeder_frame);
    feeder_frame.self = self;
    feeder_frame.pieces[0] = a;
    feeder_frame.pieces[1] = b;
    feeder_frame.pieces[2] = c;
    feeder_frame.ends = end;
    CHECK_EQ(async_spawn(&feeder_frame.task, feeder, &feeder_frame), 0);
}

static ASYNC case_read(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 64);
    feed_later(self, DATA, NULL, NULL, false);
    AWAIT_VALUE(self->n, async_stream_read(&self->s, self->buffer, 30));
    CHECK_EQ(self->n, 18);
    CHECK(memcmp(self->buffer, DATA, 18) == 0);
    BUFFERED("");
    drop(self);
    ASYNC_END;
}

TEST(py_streams_read)
{
    RUN(case_read);
}

static ASYNC case_read_line_breaks(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 64);
    feed(self, "line1");
    feed(self, "line2");
    AWAIT_VALUE(self->n, async_stream_read(&self->s, self->buffer, 5));
    CHECK_EQ(self->n, 5);
    CHECK(memcmp(self->buffer, "line1", 5) == 0);
    AWAIT(async_stream_peek(&self->s, 5, &self->at));
    BUFFERED("line2");
    drop(self);
    ASYNC_END;
}

TEST(py_streams_read_line_breaks)
{
    RUN(case_read_line_breaks);
}

static ASYNC case_read_eof(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 64);
    feed_later(self, NULL, NULL, NULL, true);
    AWAIT_VALUE(self->n, async_stream_read(&self->s, self->buffer, 99));
    CHECK_EQ(self->n, 0);
    BUFFERED("");
    drop(self);
    ASYNC_END;
}

TEST(py_streams_read_eof)
{
    RUN(case_read_eof);
}

/* read(-1): until it gives 0. */
static ASYNC case_read_until_eof(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 64);
    feed_later(self, "chunk1\n", "chunk2", NULL, true);
    do {
        AWAIT_VALUE(self->n, async_stream_read(
            &self->s, self->buffer + self->done, 99 - self->done));
        self->done += (size_t)self->n;
    } while (self->n > 0);
    CHECK_STR(self->buffer, "chunk1\nchunk2");
    BUFFERED("");
    drop(self);
    ASYNC_END;
}

TEST(py_streams_read_until_eof)
{
    RUN(case_read_until_eof);
}

static ASYNC case_read_exception(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT(tcp_pair(&get_frame, self));
    feed(self, "line\n");
    AWAIT_VALUE(self->n, async_stream_read(&self->s, self->buffer, 2));
    CHECK_EQ(self->n, 2);
    reset(self->ends[1]);
    AWAIT(async_sleep(MS(1)));
    AWAIT_VALUE(self->n, async_stream_read(&self->s, self->buffer, 9));
    CHECK_EQ(self->n, 3);
    AWAIT_RESULT(self->rc, async_stream_read(&self->s, self->buffer, 2));
    CHECK_EQ(self->rc, ASYNC_ECONNRESET);
    async_stream_abort(&self->s);
    ASYNC_END;
}

TEST(py_streams_read_exception)
{
    RUN(case_read_exception);
}

static ASYNC case_invalid_limit(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_stream_open(&self->s, 0, self->in, 1, NULL, 0),
             ASYNC_EINVAL);
    CHECK_EQ(async_stream_open(&self->s, 0, NULL, 9, NULL, 0), ASYNC_EINVAL);
    ASYNC_END;
}

TEST(py_streams_invalid_limit)
{
    RUN(case_invalid_limit);
}

static ASYNC case_read_limit(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 3);
    feed(self, "chunk");
    AWAIT_VALUE(self->n, async_stream_read(&self->s, self->buffer, 5));
    CHECK_EQ(self->n, 5);
    BUFFERED("");
    drop(self);
    ASYNC_END;
}

TEST(py_streams_read_limit)
{
    RUN(case_read_limit);
}

/* ---- readline ------------------------------------------------------------ */

static ASYNC case_readline(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 64);
    feed(self, "chunk1 ");
    feed_later(self, "chunk2 ", "chunk3 ", "\n chunk4", false);
    LINE("chunk1 chunk2 chunk3 \n");
    BUFFERED(" chunk4");
    drop(self);
    ASYNC_END;
}

TEST(py_streams_readline)
{
    RUN(case_readline);
}

static ASYNC case_readline_limit_with_existing_data(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 3);
    feed(self, "li");
    feed(self, "ne1\nline2\n");
    AWAIT_RESULT(self->rc, async_stream_read_line(&self->s, &self->at));
    CHECK_EQ(self->rc, ASYNC_EMSGSIZE);
    BUFFERED("lin");                    /* the caller decides: */
    do {
        AWAIT_VALUE(self->n, async_stream_peek(&self->s, 1, &self->at));
        self->i = self->at[0];
        CHECK_EQ(async_stream_skip(&self->s, 1), 0);
    } while (self->i != '\n');
    AWAIT_VALUE(self->n, async_stream_peek(&self->s, 3, &self->at));
    BUFFERED("lin");
    drop(self);
    ASYNC_END;
}

TEST(py_streams_readline_limit_with_existing_data)
{
    RUN(case_readline_limit_with_existing_data);
}

static ASYNC case_at_eof(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 64);
    CHECK(!async_stream_at_eof(&self->s));
    feed(self, "some data\n");
    AWAIT(async_stream_peek(&self->s, 1, &self->at));
    CHECK(!async_stream_at_eof(&self->s));
    LINE("some data\n");
    CHECK(!async_stream_at_eof(&self->s));
    feed(self, "some data\n");
    feed_eof(self);
    LINE("some data\n");
    LINE("");
    CHECK(async_stream_at_eof(&self->s));
    drop(self);
    ASYNC_END;
}

TEST(py_streams_at_eof)
{
    RUN(case_at_eof);
}

static ASYNC case_readline_limit(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 8);
    feed_later(self, "chunk1", "chunk2", "chunk3\n", true);
    AWAIT_RESULT(self->rc, async_stream_read_line(&self->s, &self->at));
    CHECK_EQ(self->rc, ASYNC_EMSGSIZE);
    AWAIT(async_join(&feeder_frame.task));
    drop(self);

    /* Exactly as long, and one more. */
    feed_reader(self, 8);
    feed(self, "1234567\n");
    LINE("1234567\n");
    BUFFERED("");
    feed(self, "12345678\n");
    AWAIT_RESULT(self->rc, async_stream_read_line(&self->s, &self->at));
    CHECK_EQ(self->rc, ASYNC_EMSGSIZE);
    CHECK_EQ(async_stream_skip(&self->s, 8), 0);
    LINE("\n");
    feed(self, "123456789");
    AWAIT_RESULT(self->rc, async_stream_read_line(&self->s, &self->at));
    CHECK_EQ(self->rc, ASYNC_EMSGSIZE);
    drop(self);
    ASYNC_END;
}

TEST(py_streams_readline_limit)
{
    RUN(case_readline_limit);
}

static ASYNC case_readline_nolimit_nowait(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 64);
    feed(self, "line1\n");
    feed(self, "line2\nline3\n");
    LINE("line1\n");
    AWAIT(async_stream_peek(&self->s, 12, &self->at));
    BUFFERED("line2\nline3\n");
    drop(self);
    ASYNC_END;
}

TEST(py_streams_readline_nolimit_nowait)
{
    RUN(case_readline_nolimit_nowait);
}

static ASYNC case_readline_eof(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 64);
    feed(self, "some data");
    feed_eof(self);
    LINE("some data");
    drop(self);
    ASYNC_END;
}

TEST(py_streams_readline_eof)
{
    RUN(case_readline_eof);
}

static ASYNC case_readline_empty_eof(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 64);
    feed_eof(self);
    LINE("");
    drop(self);
    ASYNC_END;
}

TEST(py_streams_readline_empty_eof)
{
    RUN(case_readline_empty_eof);
}

static ASYNC case_readline_read_byte_count(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 64);
    feed(self, DATA);
    LINE("line1\n");
    AWAIT_VALUE(self->n, async_stream_read(&self->s, self->buffer, 7));
    CHECK_EQ(self->n, 7);
    CHECK(memcmp(self->buffer, "line2\nl", 7) == 0);
    BUFFERED("ine3\n");
    drop(self);
    ASYNC_END;
}

TEST(py_streams_readline_read_byte_count)
{
    RUN(case_readline_read_byte_count);
}

static ASYNC case_readline_exception(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT(tcp_pair(&get_frame, self));
    feed(self, "line\n");
    LINE("line\n");
    reset(self->ends[1]);
    AWAIT_RESULT(self->rc, async_stream_read_line(&self->s, &self->at));
    CHECK_EQ(self->rc, ASYNC_ECONNRESET);
    BUFFERED("");
    async_stream_abort(&self->s);
    ASYNC_END;
}

TEST(py_streams_readline_exception)
{
    RUN(case_readline_exception);
}

/* ---- readuntil ----------------------------------------------------------- */

static ASYNC case_readuntil_separator(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 64);
    AWAIT_RESULT(self->rc, async_stream_read_until(&self->s, "", 0,
                                                   &self->at));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    drop(self);
    ASYNC_END;
}

TEST(py_streams_readuntil_separator)
{
    RUN(case_readuntil_separator);
}

static ASYNC case_readuntil_multi_chunks(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 64);
    for (self->i = 0; self->i < 2; self->i++) {
        feed(self, "lineAAA");
        UNTIL("AAA", "lineAAA");
        BUFFERED("");
    }
    feed(self, "lineAAAxxx");
    UNTIL("AAA", "lineAAA");
    BUFFERED("xxx");
    drop(self);
    ASYNC_END;
}

TEST(py_streams_readuntil_multi_chunks)
{
    RUN(case_readuntil_multi_chunks);
}

static ASYNC case_readuntil_multi_chunks_1(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 64);
    feed_later(self, "QWEaa", "XYaa", "a", false);
    UNTIL("aaa", "QWEaaXYaaa");
    BUFFERED("");
    feed_later(self, "QWEaa", "XYa", "aa", false);
    UNTIL("aaa", "QWEaaXYaaa");
    BUFFERED("");
    feed(self, "aaa");
    UNTIL("aaa", "aaa");
    feed(self, "Xaaa");
    UNTIL("aaa", "Xaaa");
    feed(self, "XXX");
    feed_later(self, "a", "a", "a", false);
    UNTIL("aaa", "XXXaaa");
    BUFFERED("");
    drop(self);
    ASYNC_END;
}

TEST(py_streams_readuntil_multi_chunks_1)
{
    RUN(case_readuntil_multi_chunks_1);
}

static ASYNC case_readuntil_eof(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 64);
    feed(self, "some dataAA");
    feed_eof(self);
    AWAIT_RESULT(self->rc, async_stream_read_until(&self->s, "AAA", 3,
                                                   &self->at));
    CHECK_EQ(self->rc, ASYNC_EPIPE);
    BUFFERED("some dataAA");
    drop(self);
    ASYNC_END;
}

TEST(py_streams_readuntil_eof)
{
    RUN(case_readuntil_eof);
}

static ASYNC case_readuntil_limit_found_sep(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 11);
    feed(self, "some dataAA");
    AWAIT_RESULT(self->rc, async_stream_read_until(&self->s, "AAA", 3,
                                                   &self->at));
    CHECK_EQ(self->rc, ASYNC_EMSGSIZE);
    BUFFERED("some dataAA");
    feed(self, "A");
    AWAIT_RESULT(self->rc, async_stream_read_until(&self->s, "AAA", 3,
                                                   &self->at));
    CHECK_EQ(self->rc, ASYNC_EMSGSIZE);
    BUFFERED("some dataAA");
    drop(self);
    ASYNC_END;
}

TEST(py_streams_readuntil_limit_found_sep)
{
    RUN(case_readuntil_limit_found_sep);
}

/* ---- readexactly --------------------------------------------------------- */

#define EXACTLY(n) \
    async_stream_read_exactly(&self->s, self->buffer, (n), &self->done)

static ASYNC case_readexactly_zero_or_less(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 64);
    feed(self, DATA);
    AWAIT(async_stream_peek(&self->s, 18, &self->at));
    AWAIT_VALUE(self->n, EXACTLY(0));
    CHECK_EQ(self->n, 0);
    BUFFERED(DATA);
    drop(self);
    ASYNC_END;
}

TEST(py_streams_readexactly_zero_or_less)
{
    RUN(case_readexactly_zero_or_less);
}

static ASYNC case_readexactly(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 64);
    feed_later(self, DATA, DATA, DATA, false);
    AWAIT_VALUE(self->n, EXACTLY(36));
    CHECK_EQ(self->n, 36);
    CHECK(memcmp(self->buffer, DATA, 18) == 0
          && memcmp(self->buffer + 18, DATA, 18) == 0);
    AWAIT(async_stream_peek(&self->s, 18, &self->at));
    BUFFERED(DATA);
    drop(self);
    ASYNC_END;
}

TEST(py_streams_readexactly)
{
    RUN(case_readexactly);
}

static ASYNC case_readexactly_limit(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 3);
    feed(self, "chunk");
    AWAIT_VALUE(self->n, EXACTLY(5));
    CHECK_STR(self->buffer, "chunk");
    BUFFERED("");
    drop(self);
    ASYNC_END;
}

TEST(py_streams_readexactly_limit)
{
    RUN(case_readexactly_limit);
}

static ASYNC case_readexactly_eof(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 64);
    feed_later(self, DATA, NULL, NULL, true);
    AWAIT_RESULT(self->rc, EXACTLY(36));
    CHECK_EQ(self->rc, ASYNC_EPIPE);
    CHECK_EQ(self->done, 18);
    CHECK_STR(self->buffer, DATA);
    BUFFERED("");
    drop(self);
    ASYNC_END;
}

TEST(py_streams_readexactly_eof)
{
    RUN(case_readexactly_eof);
}

static ASYNC case_readexactly_exception(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT(tcp_pair(&get_frame, self));
    feed(self, "li");
    AWAIT_VALUE(self->n, EXACTLY(2));
    reset(self->ends[1]);
    AWAIT_RESULT(self->rc, EXACTLY(2));
    CHECK_EQ(self->rc, ASYNC_ECONNRESET);
    async_stream_abort(&self->s);
    ASYNC_END;
}

TEST(py_streams_readexactly_exception)
{
    RUN(case_readexactly_exception);
}

/* ---- exceptions ---------------------------------------------------------- */

/* The error is kept, and told as often as somebody asks. */
static ASYNC case_exception(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT(tcp_pair(&get_frame, self));
    reset(self->ends[1]);
    for (self->i = 0; self->i < 3; self->i++) {
        AWAIT_RESULT(self->rc, async_stream_read_line(&self->s, &self->at));
        CHECK_EQ(self->rc, ASYNC_ECONNRESET);
    }
    async_stream_abort(&self->s);
    ASYNC_END;
}

TEST(py_streams_exception)
{
    RUN(case_exception);
}

struct resetter { async_frame frame; async_task task; int fd; };
static struct resetter resetter_frame;

static ASYNC resetter(struct resetter *own)
{
    ASYNC_BEGIN(own);
    AWAIT(async_yield());
    reset(own->fd);
    ASYNC_END;
}

static ASYNC case_exception_waiter(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT(tcp_pair(&get_frame, self));
    resetter_frame.fd = self->ends[1];
    async_spawn(&resetter_frame.task, resetter, &resetter_frame);
    AWAIT_RESULT(self->rc, async_stream_read_line(&self->s, &self->at));
    CHECK_EQ(self->rc, ASYNC_ECONNRESET);
    async_stream_abort(&self->s);
    ASYNC_END;
}

TEST(py_streams_exception_waiter)
{
    RUN(case_exception_waiter);
}

static ASYNC case_exception_cancel(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT(tcp_pair(&get_frame, self));
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, 0,
        async_stream_read_line(&self->s, &self->at)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    reset(self->ends[1]);
    AWAIT(async_sleep(MS(1)));
    CHECK(self->s.reader == NULL);
    async_stream_abort(&self->s);
    ASYNC_END;
}

TEST(py_streams_exception_cancel)
{
    RUN(case_exception_cancel);
}

/* ---- servers ------------------------------------------------------------- */

struct line_back { async_frame frame; int fd, n; async_stream s; char *at;
                   char in[64], out[64]; };
static struct line_back line_back_frame;

static ASYNC line_back(struct line_back *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_stream_open(&self->s, self->fd, self->in, sizeof self->in,
                            self->out, sizeof self->out));
    AWAIT_VALUE(self->n, async_stream_read_line(&self->s, &self->at));
    AWAIT(async_stream_write(&self->s, self->at, (size_t)self->n));
    AWAIT(async_stream_flush(&self->s));
    AWAIT(async_stream_close(&self->s));
    ASYNC_END;
}

static void serve_line(struct main *self, int listener)
{
    CHECK(listener >= 0);
    ZERO(line_back_frame);
    CHECK_EQ(async_server_open(&self->server, listener, &self->slot,
                               &line_back_frame, 1, line_back), 0);
    async_spawn(&self->task, async_server_run, &self->server);
}

static ASYNC say_hello(struct get *own, struct main *self)
{
    ASYNC_BEGIN(own);
    AWAIT(async_stream_open(&self->s, self->fd, self->in, sizeof self->in,
                            self->out, sizeof self->out));
    AWAIT(async_stream_write(&self->s, "hello world!\n", 13));
    LINE("hello world!\n");
    AWAIT(async_stream_close(&self->s));
    ASYNC_END;
}

static ASYNC case_start_server(struct main *self)
{
    ASYNC_BEGIN(self);
    serve_line(self, async_tcp_listen("127.0.0.1", 0, 5));
    AWAIT(async_tcp_connect(&self->fd, "127.0.0.1",
                            async_local_port(self->server.listener)));
    AWAIT(say_hello(&get_frame, self));
    AWAIT(async_server_close(&self->server, ASYNC_SEC(1)));
    ASYNC_END;
}

TEST(py_streams_start_server)
{
    RUN(case_start_server);
}

static ASYNC case_start_unix_server(struct main *self)
{
    static char path[60];

    ASYNC_BEGIN(self);
    snprintf(path, sizeof path, "/tmp/async-py-%ld", (long)getpid());
    serve_line(self, async_unix_listen(path, 5));
    AWAIT(async_unix_connect(&self->fd, path));
    AWAIT(say_hello(&get_frame, self));
    AWAIT(async_server_close(&self->server, ASYNC_SEC(1)));
    unlink(path);
    ASYNC_END;
}

TEST(py_streams_start_unix_server)
{
    RUN(case_start_unix_server);
}

/* The limit is less than what comes, and nobody reads until the writer has
 * gone. */
static ASYNC case_read_all_from_pipe_reader(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(pipe(self->ends), 0);
    put(self->ends[1], "data");
    close(self->ends[1]);
    AWAIT(async_stream_open(&self->s, self->ends[0], self->in, 2, NULL, 0));
    do {
        AWAIT_VALUE(self->n, async_stream_read(
            &self->s, self->buffer + self->done, 99 - self->done));
        self->done += (size_t)self->n;
    } while (self->n > 0);
    CHECK_STR(self->buffer, "data");
    AWAIT(async_stream_close(&self->s));
    ASYNC_END;
}

TEST(py_streams_read_all_from_pipe_reader)
{
    RUN(case_read_all_from_pipe_reader);
}

/* ---- writing ------------------------------------------------------------- */

enum { DRAINERS = 10 };

struct drainer { async_frame frame; async_task task; async_stream *s; };
static struct drainer drainers[DRAINERS];
static int drained;

static ASYNC drainer(struct drainer *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_stream_flush(self->s));
    drained++;
    ASYNC_END;
}

static ASYNC case_multiple_drain(struct main *self)
{
    static char zeros[4096];

    ASYNC_BEGIN(self);
    drained = 0;
    memset(drainers, 0, sizeof drainers);
    feed_reader(self, 64);
    while (send(self->ends[0], zeros, sizeof zeros, MSG_DONTWAIT) > 0) {
    }
    AWAIT(async_stream_write(&self->s, "x", 1));
    for (self->i = 0; self->i < DRAINERS; self->i++) {
        drainers[self->i].s = &self->s;
        async_spawn(&drainers[self->i].task, drainer, &drainers[self->i]);
    }
    AWAIT(async_sleep(MS(1)));
    CHECK_EQ(drained, 0);
    while (recv(self->ends[1], zeros, sizeof zeros, MSG_DONTWAIT) > 0) {
    }
    for (self->i = 0; self->i < DRAINERS; self->i++) {
        AWAIT(async_join(&drainers[self->i].task));
    }
    CHECK_EQ(drained, DRAINERS);
    drop(self);
    ASYNC_END;
}

TEST(py_streams_multiple_drain)
{
    RUN(case_multiple_drain);
}

/* Nobody is there any more: a loop of writes ends. */
static ASYNC case_drain_raises(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT(tcp_pair(&get_frame, self));
    async_close(self->ends[1]);
    do {
        AWAIT_RESULT(self->rc, async_stream_write(&self->s, "foo\n", 4));
        if (self->rc >= 0) {
            AWAIT_RESULT(self->rc, async_stream_flush(&self->s));
        }
    } while (self->rc >= 0);
    CHECK(self->rc == ASYNC_EPIPE || self->rc == ASYNC_ECONNRESET);
    async_stream_abort(&self->s);
    ASYNC_END;
}

TEST(py_streams_drain_raises)
{
    RUN(case_drain_raises);
}

static ASYNC case_wait_closed_on_close(struct main *self)
{
    ASYNC_BEGIN(self);
    serve(self, async_tcp_listen("127.0.0.1", 0, 5));
    AWAIT(async_tcp_connect(&self->fd, "127.0.0.1",
                            async_local_port(self->server.listener)));
    AWAIT(get(&get_frame, self));
    CHECK(self->s.open);
    AWAIT(async_stream_close(&self->s));
    CHECK(!self->s.open);
    AWAIT(async_server_close(&self->server, ASYNC_SEC(1)));
    ASYNC_END;
}

TEST(py_streams_wait_closed_on_close)
{
    RUN(case_wait_closed_on_close);
}

static ASYNC case_wait_closed_on_close_with_unread_data(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 64);
    feed(self, DATA);
    LINE("line1\n");
    AWAIT(async_stream_close(&self->s));
    async_close(self->ends[1]);
    ASYNC_END;
}

TEST(py_streams_wait_closed_on_close_with_unread_data)
{
    RUN(case_wait_closed_on_close_with_unread_data);
}

static ASYNC case_async_writer_api(struct main *self)
{
    ASYNC_BEGIN(self);
    serve(self, async_tcp_listen("127.0.0.1", 0, 5));
    AWAIT(async_tcp_connect(&self->fd, "127.0.0.1",
                            async_local_port(self->server.listener)));
    AWAIT(get(&get_frame, self));
    AWAIT(async_stream_close(&self->s));
    AWAIT(async_server_close(&self->server, ASYNC_SEC(1)));
    ASYNC_END;
}

TEST(py_streams_async_writer_api)
{
    RUN(case_async_writer_api);
}

static ASYNC case_async_writer_api_exception_after_close(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 64);
    AWAIT(async_stream_close(&self->s));
    AWAIT_RESULT(self->rc, async_stream_write(&self->s, "data", 4));
    CHECK_EQ(self->rc, ASYNC_EBADF);
    AWAIT_RESULT(self->rc, async_stream_flush(&self->s));
    CHECK_EQ(self->rc, ASYNC_EBADF);
    async_close(self->ends[1]);
    ASYNC_END;
}

TEST(py_streams_async_writer_api_exception_after_close)
{
    RUN(case_async_writer_api_exception_after_close);
}

static ASYNC case_eof_feed_when_closing_writer(struct main *self)
{
    ASYNC_BEGIN(self);
    feed_reader(self, 64);
    AWAIT(async_stream_close(&self->s));
    AWAIT_RESULT(self->rc, async_stream_read(&self->s, self->buffer, 9));
    CHECK_EQ(self->rc, ASYNC_EBADF);
    async_close(self->ends[1]);
    ASYNC_END;
}

TEST(py_streams_eof_feed_when_closing_writer)
{
    RUN(case_eof_feed_when_closing_writer);
}

#endif

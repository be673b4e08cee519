/* What is opened and never closed: a debug build names it when the loop ends,
 * or when its memory is used again, and looks at no memory that may be gone.
 * The programs here run in every build, and do the same. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "fdtools.h"

#if ASYNC_HOSTED

#include <sys/wait.h>

#if ASYNC_DEBUG
#define CHECK_WARNINGS(want) CHECK_STR(test_warnings(), want)
#else
#define CHECK_WARNINGS(want) CHECK_STR(test_warnings(), "")
#endif
#define LEFT(what, task) \
    "async: a " what " was never closed: opened at held.c, by task `" task "`\n"

struct talk {
    async_frame frame;
    async_task task;
    int fd;
    async_stream stream;
    char in[16], out[16];
};

static int talk_open(struct talk *talk, int fd)
{
    return async_stream_open(&talk->stream, fd, talk->in, sizeof talk->in,
                             talk->out, sizeof talk->out);
}

static ASYNC talks(struct talk *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_yield());
    AWAIT(talk_open(self, self->fd));
    ASYNC_END;
}

struct held {
    async_frame frame;
    async_task task;
    int ends[2], other[2];
    struct talk talk[2], *apart;
    async_server server;
    async_slot slot;
    async_process process, kept;
    int i, pid, listener;
    unsigned way;
};

/* ---- streams ---------------------------------------------------------------- */

static ASYNC leaves_streams(struct held *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_socketpair(self->ends));
    AWAIT(talk_open(&self->talk[0], self->ends[0]));
    AWAIT(talk_open(&self->talk[1], self->ends[1]));
    AWAIT(async_stream_close(&self->talk[0].stream));
    ASYNC_END;
}

TEST(held_stream_is_named)
{
    static struct held m;

    ZERO(m);
    CHECK_EQ(async_run(leaves_streams, &m), 0);
    CHECK_WARNINGS(LEFT("stream", "leaves_streams"));
    CHECK_EQ(async_stream_abort(&m.talk[1].stream), 0);     /* not held */
    CHECK_EQ(async_run(leaves_streams, &m), 0);
    CHECK_WARNINGS(LEFT("stream", "leaves_streams"));
    CHECK_EQ(async_stream_abort(&m.talk[1].stream), 0);
}

/* Closed in a way of its own, given to another loop, or not ours to close. */
static ASYNC leaves_none(struct held *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_socketpair(self->ends));
    AWAIT(async_socketpair(self->other));
    AWAIT(talk_open(&self->talk[0], self->ends[0]));
    AWAIT(async_close(self->ends[0]));
    ZERO(self->talk[0]);
    AWAIT(talk_open(&self->talk[0], self->ends[1]));
    AWAIT(async_detach(self->ends[1]));
    ZERO(self->talk[0]);
    AWAIT(talk_open(&self->talk[0], self->other[0]));
    CHECK_EQ(close(self->other[0]), 0);
    AWAIT(talk_open(&self->talk[1], self->other[1]));
    CHECK_EQ(async_stream_abort(&self->talk[1].stream), 0);
    AWAIT(talk_open(&self->talk[1], 2));
    ASYNC_END;
}

TEST(held_by_nobody_is_silent)
{
    static struct held m;

    ZERO(m);
    CHECK_EQ(async_run(leaves_none, &m), 0);
    CHECK_EQ(close(m.ends[1]), 0);
    CHECK_WARNINGS("");
}

/* The coroutine that opened it has ended, its memory is given back: nobody
 * looks at that. */
static ASYNC leaves_memory(struct held *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_socketpair(self->ends));
    self->apart = (struct talk *)calloc(1, sizeof *self->apart);
    self->apart->fd = self->ends[0];
    AWAIT(async_spawn(&self->apart->task, talks, self->apart));
    AWAIT(async_join(&self->apart->task));
    free(self->apart);
    CHECK_STR(test_warnings(), "");
    self->talk[0].fd = self->ends[1];
    AWAIT(talks(&self->talk[0]));           /* opened by one coroutine, */
    CHECK_STR(test_warnings(), "");
    AWAIT(async_stream_close(&self->talk[0].stream));   /* closed by another */
    ASYNC_END;
}

TEST(held_by_memory_that_is_gone)
{
    static struct held m;

    ZERO(m);
    CHECK_EQ(async_run(leaves_memory, &m), 0);
    CHECK_WARNINGS(LEFT("stream", "talks"));
    CHECK_EQ(close(m.ends[0]), 0);
}

static ASYNC uses_again(struct held *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_socketpair(self->ends));
    AWAIT(talk_open(&self->talk[0], self->ends[0]));
    ZERO(self->talk[0]);
    AWAIT(talk_open(&self->talk[0], self->ends[1]));
    CHECK_WARNINGS(LEFT("stream", "uses_again"));
    AWAIT(async_stream_close(&self->talk[0].stream));
    ASYNC_END;
}

TEST(held_by_memory_that_is_used_again)
{
    static struct held m;

    ZERO(m);
    CHECK_EQ(async_run(uses_again, &m), 0);
    CHECK_WARNINGS("");
    CHECK_EQ(close(m.ends[0]), 0);
}

/* Opened with no loop, it may serve several: none of them tells of it. */
TEST(held_without_a_loop)
{
    static struct held m;

    ZERO(m);
    CHECK_EQ(async_socketpair(m.ends), 0);
    CHECK_EQ(talk_open(&m.talk[0], m.ends[0]), 0);
    m.talk[1].fd = m.ends[1];
    CHECK_EQ(async_run(talks, &m.talk[1]), 0);
    CHECK_WARNINGS(LEFT("stream", "talks"));
    CHECK_EQ(async_stream_abort(&m.talk[0].stream), 0);
    CHECK_EQ(async_stream_abort(&m.talk[1].stream), 0);
}

/* ---- servers ---------------------------------------------------------------- */

static ASYNC leaves_server(struct held *self)
{
    ASYNC_BEGIN(self);
    self->listener = async_tcp_listen("127.0.0.1", 0, 4);
    AWAIT(async_server_open(&self->server, self->listener, &self->slot,
                            self->talk, 1, talks));
    AWAIT(async_spawn(&self->task, async_server_run, &self->server));
    AWAIT(async_yield());
    if (self->i == 1) {
        AWAIT(async_server_close(&self->server, 0));
    }
    ASYNC_END;
}

TEST(held_server_is_named)
{
    static struct held m;

    ZERO(m);
    CHECK_EQ(async_run(leaves_server, &m), 0);
    CHECK_WARNINGS(LEFT("server", "leaves_server"));
    CHECK_EQ(close(m.listener), 0);
    ZERO(m);
    m.i = 1;
    CHECK_EQ(async_run(leaves_server, &m), 0);
    CHECK_WARNINGS("");
}

/* ---- processes -------------------------------------------------------------- */

static ASYNC leaves_process(struct held *self)
{
    static const char *const sleeps[] = {"sleep", "1000", NULL};

    ASYNC_BEGIN(self);
    AWAIT(async_process_start(&self->process, sleeps, self->way, NULL));
    self->pid = self->process.pid;
    AWAIT(async_process_start(&self->kept, sleeps, self->way, NULL));
    AWAIT(async_process_close(&self->kept));
    AWAIT(async_process_shell(&self->kept, "exit 3",
                              self->way | ASYNC_PIPE_OUT, NULL));
    AWAIT_VALUE(self->i, async_process_wait(&self->kept));
    CHECK_EQ(self->i, 3);
    AWAIT(async_process_close(&self->kept));
    ASYNC_END;
}

TEST(held_process_is_named)
{
    static struct held m;
    int i, status;

    test_real_time();
    for (i = 0; i < 2; i++) {
        ZERO(m);
        m.way = i == 0 ? 0 : ASYNC_BY_SIGCHLD_;
        CHECK_EQ(async_run(leaves_process, &m), 0);
        CHECK_WARNINGS(LEFT("process", "leaves_process"));
        CHECK_EQ(kill(m.pid, SIGKILL), 0);
        CHECK_EQ(waitpid(m.pid, &status, 0), m.pid);
        if (m.process.fd >= 0) {
            CHECK_EQ(close(m.process.fd), 0);
        }
    }
}

#endif

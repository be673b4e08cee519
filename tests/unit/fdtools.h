/* fdtools: what the tests of descriptors share. The includes that strict C99
 * hides need _GNU_SOURCE, which the including file defines. */
#ifndef FDTOOLS_H
#define FDTOOLS_H

#include "test.h"

#if ASYNC_HOSTED
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define ZERO(x) memset(&(x), 0, sizeof (x))
#define MS(n) ((async_duration)ASYNC_MS(n))

/* One operation on a descriptor, as a task: begins when `begin` ticks have
 * passed, logs its name and its result. */
struct one {
    async_frame frame;
    async_task task;
    const char *name;
    char kind;              /* r read, w write, a all, x exactly, ? ! ready */
    int fd;
    size_t length;
    size_t done;
    int rc;
    int times;              /* how often; 0 is once */
    int i;
    char *at;
    char buffer[64];
};

ASYNC_INLINE_ ASYNC one_op(struct one *self)
{
    char *at = self->at != NULL ? self->at : self->buffer;

    switch (self->kind) {
    case 'r': return async_read(self->fd, at, self->length);
    case 'w': return async_write(self->fd, at, self->length);
    case 'x': return async_read_exactly(self->fd, at, self->length,
                                        &self->done);
    case 'a': return async_write_all(self->fd, at, self->length, &self->done);
    case '?': return async_readable(self->fd);
    default: return async_writable(self->fd);
    }
}

ASYNC_INLINE_ ASYNC one_run(struct one *self)
{
    ASYNC_BEGIN(self);
    do {
        ASYNC_TRY {
            AWAIT_VALUE(self->rc, one_op(self));
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
    } while (++self->i < self->times);
    ASYNC_RETURN(self->rc);
    ASYNC_END;
}

ASYNC_INLINE_ void one_start(struct one *self, const char *name, char kind,
                             int fd, size_t length)
{
    memset(self, 0, sizeof *self);
    self->name = name;
    self->kind = kind;
    self->fd = fd;
    self->length = length;
    if (kind == 'w' || kind == 'a') {
        memset(self->buffer, 'o', sizeof self->buffer);
    }
    CHECK_EQ(async_spawn(&self->task, one_run, self), 0);
}

/* The lowest free descriptor: whatever leaks moves it. */
ASYNC_INLINE_ int lowest_fd(void)
{
    int fd = dup(2);

    close(fd);
    return fd;
}

/* Processor time of this process, in milliseconds. */
ASYNC_INLINE_ long cpu_ms(void)
{
    return (long)(clock() / (CLOCKS_PER_SEC / 1000));
}

ASYNC_INLINE_ long real_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long)(now.tv_sec % 1000 * 1000000 + now.tv_nsec / 1000);
}

ASYNC_INLINE_ long real_ms(void)
{
    return real_us() / 1000;
}

ASYNC_INLINE_ void put(int fd, const char *text)
{
    CHECK_EQ(write(fd, text, strlen(text)), (long long)strlen(text));
}

/* A raw pipe with both ends nonblocking, unknown to the library. */
ASYNC_INLINE_ void raw_pipe(int ends[2])
{
    CHECK_EQ(pipe(ends), 0);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
}
#endif

#endif

/* copy: copies its input to its output, and says how far it is.
 *
 *     make run DEMO=copy < file > copy
 *     ... | make run DEMO=copy | ...
 *
 * Two tasks: one copies, the other looks at the same counter ten times a
 * second. Files, pipes, sockets and terminals are all read alike. */
#define ASYNC_IMPLEMENTATION
#include "async.h"

#include <stdio.h>
#include <unistd.h>

struct copy {
    async_frame frame;
    int got;
    size_t done;            /* how much of a write is through */
    unsigned long long bytes;
    char buffer[64 * 1024];
};

static ASYNC copy(struct copy *self, int from, int to)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT_VALUE(self->got, async_read(from, self->buffer,
                                          sizeof self->buffer));
        if (self->got == 0) {
            break;
        }
        AWAIT(async_write_all(to, self->buffer, (size_t)self->got,
                              &self->done));
        self->bytes += (unsigned)self->got;
    }
    ASYNC_END;
}

struct progress {
    async_frame frame;
    async_task task;
    const struct copy *copy;
};

static ASYNC progress(struct progress *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT(async_sleep(ASYNC_MS(100)));
        fprintf(stderr, "\r%.1f MB ", (double)self->copy->bytes / 1e6);
    }
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct copy copy;
    struct progress progress;
    async_ticks start;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    self->start = async_now();
    if (isatty(2)) {
        self->progress.copy = &self->copy;
        async_spawn(&self->progress.task, progress, &self->progress);
    }
    AWAIT(copy(&self->copy, 0, 1));
    fprintf(stderr, "%s%llu bytes in %.2f s\n", isatty(2) ? "\r" : "",
            self->copy.bytes, (double)(async_now() - self->start) / 1e9);
    ASYNC_END;                  /* and with it ends the progress */
}

int main(void)
{
    static struct program frame;
    int result = async_run(program, &frame);

    if (result < 0) {
        fprintf(stderr, "copy: %s\n", async_strerror(result));
    }
    return result < 0;
}

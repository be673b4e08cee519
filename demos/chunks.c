/* chunks: a large file, in constant memory, while others run.
 *
 *     make run DEMO=chunks                    with 20 MB made for it
 *     make run DEMO=chunks ARGS=/some/file
 *
 * A generator hands out a piece of 64 KB at a time, read in a thread. Looking
 * at one is a long computation for a loop, so the reader yields after each, and
 * a second task is seen to run in between. Leaving the loop early would close
 * the file, too. */
#include "demo.h"

#include <unistd.h>

enum { PIECE = 65536 };

struct pieces {
    async_generator frame;
    async_file file;
    int outcome;
    char buffer[PIECE];
};

static ASYNC pieces(struct pieces *self, const char *path, int *length)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH_AWAIT(self->outcome,
                     async_file_open(&self->file, path, O_RDONLY, 0),
                     async_file_close(&self->file)) {
        for (;;) {
            AWAIT_VALUE(*length, async_file_read(&self->file, self->buffer,
                                                 PIECE));
            if (*length == 0) {
                break;
            }
            ASYNC_YIELD();
        }
    } ASYNC_WITH_END;
    ASYNC_END;
}

struct other {
    async_frame frame;
    async_task task;
    long turns;
};

static ASYNC other(struct other *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        self->turns++;
        AWAIT(async_yield());
    }
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct pieces pieces;
    struct other other;
    const char *path;
    long bytes, lines, count, before, busy;
    int length;
};

static long lines_in(const char *text, int length)
{
    long lines = 0;
    int i;

    for (i = 0; i < length; i++) {
        lines += text[i] == '\n';
    }
    return lines;
}

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    async_spawn(&self->other.task, other, &self->other);
    ASYNC_FOR(pieces, &self->pieces, self->path, &self->length) {
        self->lines += lines_in(self->pieces.buffer, self->length);
        self->bytes += self->length;
        self->count++;
        self->before = self->other.turns;
        AWAIT(async_yield());
        self->busy += self->other.turns == self->before;
    } ASYNC_FOR_END;
    printf("%ld bytes, %ld lines\n", self->bytes, self->lines);
    printf("the other task ran after %s piece\n",
           self->busy == 0 ? "each" : "not every");
    fprintf(stderr, "%ld pieces, %ld turns of the other task, %u bytes of "
            "memory\n", self->count, self->other.turns,
            (unsigned)sizeof *self);
    ASYNC_END;
}

static bool make(const char *path)
{
    FILE *file = fopen(path, "w");
    long i;

    for (i = 0; file != NULL && i < 500000; i++) {
        fprintf(file, "line %7ld: some words, and no more.\n", i);
    }
    return file != NULL && fclose(file) == 0;
}

int main(int argc, char **argv)
{
    static struct program frame;
    static char own[64];
    int rc;

    frame.path = argc > 1 ? argv[1] : own;
    if (argc <= 1) {
        snprintf(own, sizeof own, "/tmp/async-demo-%ld", (long)getpid());
        if (!make(own)) {
            perror(own);
            return 1;
        }
    }
    rc = async_run(program, &frame);
    if (argc <= 1) {
        unlink(own);
    }
    if (rc < 0) {
        fprintf(stderr, "chunks: %s: %s\n", frame.path, async_strerror(rc));
    }
    return rc < 0;
}

/* lines: a generator that owns a stream, and closes it when left.
 *
 *     make run DEMO=lines                     with this very file
 *     make run DEMO=lines ARGS='README.md 9'
 *     ls | build/demos/lines -                or what comes through a pipe
 *
 * The loop asks for a line at a time and waits a little for each. Leaving it
 * early closes the generator: its finally runs, and the file is closed. The
 * stream's buffer is the limit of a line; a longer one would be an error. */
#include "demo.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct lines {
    async_generator frame;
    async_stream stream;
    int n, outcome;
    char buffer[512];
};

static int open_file(const char *path)
{
    int fd = strcmp(path, "-") == 0 ? dup(0) : open(path, O_RDONLY);

    return fd < 0 ? -errno : fd;
}

static ASYNC lines(struct lines *self, const char *path, char **line)
{
    ASYNC_BEGIN(self);
    self->n = open_file(path);
    AWAIT(async_stream_open(&self->stream, self->n, self->buffer,
                            sizeof self->buffer, NULL, 0));
    say("  %s is open", path);
    ASYNC_TRY {
        for (;;) {
            AWAIT_VALUE(self->n, async_stream_read_line(&self->stream, line));
            if (self->n == 0) {
                break;
            }
            (*line)[strcspn(*line, "\n")] = '\0';
            ASYNC_YIELD();
        }
    } ASYNC_FINALLY(self->outcome) {
        async_stream_abort(&self->stream);
        say("  %s is closed", path);
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct lines lines;
    const char *path;
    char *line;
    int number, last;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    ASYNC_FOR(lines, &self->lines, self->path, &self->line) {
        AWAIT(async_sleep(ASYNC_MS(500)));
        self->number++;
        say("%d %s", self->number, self->line);
        if (self->number == self->last) {
            break;
        }
    } ASYNC_FOR_END;
    say("after the loop");
    ASYNC_END;
}

int main(int argc, char **argv)
{
    static struct program frame;
    int result;

    frame.path = argc > 1 ? argv[1] : __FILE__;
    frame.last = argc > 2 ? atoi(argv[2]) : 3;
    result = async_run(program, &frame);
    if (result < 0) {
        fprintf(stderr, "lines: %s: %s\n", frame.path, async_strerror(result));
        return 1;
    }
    return 0;
}

/* lines: a generator that owns a file, and closes it when left.
 *
 *     make run DEMO=lines                     with this very file
 *     make run DEMO=lines ARGS='README.md 9'
 *
 * The loop asks for a line at a time and waits a little for each. Leaving it
 * early closes the generator: its finally runs, and the file is closed. */
#include "demo.h"

#include <errno.h>
#include <fcntl.h>

struct lines {
    async_generator frame;
    int fd, i, got, outcome;
    size_t length;
    char buffer[512];       /* as read */
    char line[256];         /* as handed out; longer ones are cut */
};

static ASYNC lines(struct lines *self, const char *path, const char **line)
{
    ASYNC_BEGIN(self);
    self->fd = open(path, O_RDONLY);
    if (self->fd < 0) {
        ASYNC_RAISE(-errno);
    }
    say("  %s is open", path);
    ASYNC_TRY {
        self->length = 0;
        for (;;) {
            AWAIT_VALUE(self->got, async_read(self->fd, self->buffer,
                                              sizeof self->buffer));
            if (self->got == 0) {
                break;
            }
            for (self->i = 0; self->i < self->got; self->i++) {
                if (self->buffer[self->i] != '\n') {
                    if (self->length < sizeof self->line - 1) {
                        self->line[self->length++] = self->buffer[self->i];
                    }
                    continue;
                }
                self->line[self->length] = '\0';
                self->length = 0;
                *line = self->line;
                ASYNC_YIELD();
            }
        }
        if (self->length > 0) {     /* the last line has no end */
            self->line[self->length] = '\0';
            *line = self->line;
            ASYNC_YIELD();
        }
    } ASYNC_FINALLY(self->outcome) {
        async_close(self->fd);
        say("  %s is closed", path);
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct lines lines;
    const char *path, *line;
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
    struct program frame = {0};
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

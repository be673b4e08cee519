/* Fault injection: the writers of a trace. Whatever fails is told by them, and
 * what was written is right, or none. */
#define ASYNC_TRACE 1
#include "calls.h"

enum { EVENTS = 2000 };

static async_trace_event events[EVENTS];
static async_recorder recorder;

struct scenario {
    async_frame frame;
    async_task task[20];
    async_frame frames[20];
    int i;
};

static ASYNC turn(async_frame *frame)
{
    struct turns { async_frame frame; } *self = (struct turns *)(void *)frame;

    ASYNC_BEGIN(self);
    AWAIT(async_yield());
    ASYNC_END;
}

static ASYNC scenario(struct scenario *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 20; self->i++) {
        async_spawn(&self->task[self->i], turn, &self->frames[self->i]);
    }
    for (self->i = 0; self->i < 20; self->i++) {
        AWAIT(async_join(&self->task[self->i]));
    }
    ASYNC_END;
}

/* What a file has, to be compared with what it should. */
static char text[200000], want[2][200000];
static size_t length, wanted[2];

static size_t contents(int fd, char *to)
{
    ssize_t n = pread(fd, to, sizeof text, 0);

    return n < 0 ? 0 : (size_t)n;
}

static int write_one(int fd, int kind)
{
    int rc;

    if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
        abort();
    }
    rc = kind == 0 ? async_trace_chrome(&recorder, async_trace_fd, &fd)
                   : async_trace_svg(&recorder, "x", 0, async_trace_fd, &fd);
    length = contents(fd, text);
    if (rc == 0 && (length != wanted[kind]
                    || memcmp(text, want[kind], length) != 0)) {
        wrong++;
    }
    return rc;
}

/* With no fault: what there should be. */
static int open_file(void)
{
    static struct scenario frame;
    const struct fault *kind = fault;
    FILE *file = tmpfile();
    int fd = file == NULL ? -1 : dup(fileno(file));
    int i;

    if (fd < 0) {
        abort();
    }
    fclose(file);
    fault = NULL;
    if (recorder.count == 0) {
        async_recorder_open(&recorder, events, EVENTS);
        async_trace_to(NULL, &recorder.tracer);
        if (async_run(scenario, &frame) != 0) {
            abort();
        }
        async_trace_to(NULL, NULL);
        for (i = 0; i < 2; i++) {
            (void)write_one(fd, i);
            wrong = 0;
            wanted[i] = contents(fd, want[i]);
        }
    }
    fault = kind;
    return fd;
}

static int run_scenario(void)
{
    int fd = open_file();
    int rc, kind, first = 0;

    counted = 0;
    for (kind = 0; kind < 2; kind++) {
        rc = write_one(fd, kind);
        if (rc > 0 || (rc < 0 && fault == NULL)
            || (rc < 0 && rc != -fault->error)) {
            wrong++;                    /* an error, and which one */
        }
        first = first < 0 ? first : rc;
    }
    compare(pattern, 0);
    close(fd);
    return first;
}

#define SCENARIO "trace-"
#include "repeat.h"

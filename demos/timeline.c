/* timeline: one after the other, at once, in parallel; drawn.
 *
 *     make run DEMO=timeline
 *     make run DEMO=timeline ARGS=folder     the files into another folder
 *
 * Three jobs of three seconds each. One after the other they take nine. As
 * tasks they wait at the same time, in one thread, and it takes three. What
 * blocks, or computes, cannot wait; in three threads it takes three as well.
 *
 * With ASYNC_TRACE the loop tells what each task does. A recorder keeps that,
 * and three files are made of it afterwards: a picture for your browser, the
 * same for https://ui.perfetto.dev, and the bars that are printed here. */
#define ASYNC_TRACE 1
#include "demo.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { JOBS = 3, WAITS = 100, EVENTS = 2000 };

static async_trace_event events[EVENTS];
static async_recorder recorder;

/* ---- the work ------------------------------------------------------------ */

struct job {
    async_frame frame;
    async_task task;
    async_offload_job thread;
    async_duration takes;
    bool blocks;
};

/* Stands for a long computation: the thread that calls it does nothing else. */
static int block(void *argument)
{
    const struct job *self = (const struct job *)argument;
    long long real = self->takes / demo_speed();
    struct timespec time;

    time.tv_sec = (time_t)(real / 1000000000);
    time.tv_nsec = (long)(real % 1000000000);
    while (nanosleep(&time, &time) < 0) {
    }
    return 0;
}

static ASYNC job(struct job *self)
{
    ASYNC_BEGIN(self);
    if (self->blocks) {
        AWAIT(async_offload(&self->thread, block, self));
    } else {
        AWAIT(async_sleep(self->takes));
    }
    ASYNC_END;
}

struct jobs {
    async_frame frame;
    struct job job[WAITS];
    int count, i;
};

static void start(struct jobs *self, int i)
{
    static const char *const names[] = { "A", "B", "C" };

    async_spawn(&self->job[i].task, job, &self->job[i]);
    if (self->count == JOBS) {
        async_set_name(&self->job[i].task, names[i]);
    }
}

static ASYNC one_by_one(struct jobs *self)
{
    ASYNC_BEGIN(self);
    async_set_name(async_current(), "main");
    for (self->i = 0; self->i < self->count; self->i++) {
        start(self, self->i);
        AWAIT(async_join(&self->job[self->i].task));
    }
    ASYNC_END;
}

static ASYNC at_once(struct jobs *self)
{
    ASYNC_BEGIN(self);
    async_set_name(async_current(), "main");
    for (self->i = 0; self->i < self->count; self->i++) {
        start(self, self->i);
    }
    for (self->i = 0; self->i < self->count; self->i++) {
        AWAIT(async_join(&self->job[self->i].task));
    }
    ASYNC_END;
}

/* ---- the pictures -------------------------------------------------------- */

static bool made(const char *path, int fd, int rc)
{
    if (fd >= 0) {
        (void)close(fd);
    }
    if (fd < 0 || rc < 0) {
        fprintf(stderr, "%s: %s\n", path,
                fd < 0 ? strerror(errno) : async_strerror(rc));
        return false;
    }
    return true;
}

static int create(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
}

static bool draw(const char *folder, const char *name, const char *title)
{
    char path[300];
    int fd;
    bool good;

    snprintf(path, sizeof path, "%s/timeline-%s.json", folder, name);
    fd = create(path);
    good = made(path, fd, async_trace_chrome(&recorder, async_trace_fd, &fd));
    snprintf(path, sizeof path, "%s/timeline-%s.svg", folder, name);
    fd = create(path);
    good = made(path, fd, async_trace_svg(&recorder, title, ASYNC_SEC(9),
                                          async_trace_fd, &fd)) && good;
    printf("  %s\n", path);
    return good;
}

/* A column is 0.3 s. From the first step of the task to its end: `=` it waits,
 * `#` a thread works for it. */
static void print_bar(uint32_t id, async_ticks zero)
{
    const async_trace_event *event;
    char bar[31] = "                              ";
    int from = 0;
    char fill = '=';
    size_t i;

    for (i = 0; (event = async_recorder_event(&recorder, i)) != NULL; i++) {
        int column = (int)((event->time - zero)
                           / (async_ticks)ASYNC_MS(300));

        column = column < 30 ? column : 30;
        if (event->id == id && event->point == ASYNC_TRACE_SUSPEND) {
            from = column;
            fill = strcmp(event->what, "async_offload") == 0 ? '#' : '=';
        } else if (event->id == id && event->point == ASYNC_TRACE_DONE) {
            memset(bar + from, fill, (size_t)(column - from));
            printf("  %s |%s|\n", event->name, bar);
        }
    }
}

/* The first to be spawned is the program itself, and then the jobs. */
static void print_bars(void)
{
    const async_trace_event *first = async_recorder_event(&recorder, 0);
    uint32_t i;

    for (i = 1; i <= JOBS; i++) {
        print_bar(first->id + i, first->time);
    }
}

/* ---- the experiments ----------------------------------------------------- */

/* How long it takes, in ms. */
static int measure(struct jobs *jobs, bool together)
{
    async_ticks began = demo_clock();
    int rc;

    async_recorder_open(&recorder, events, EVENTS);
    rc = together ? async_run(at_once, jobs) : async_run(one_by_one, jobs);
    if (rc < 0) {
        fprintf(stderr, "%s\n", async_strerror(rc));
        exit(1);
    }
    return (int)((demo_clock() - began) / (async_ticks)ASYNC_MS(1));
}

static bool experiment(const char *folder, const char *name, const char *what,
                       bool together, bool blocks)
{
    static struct jobs jobs;
    char title[100];
    int i, ms;

    jobs.count = JOBS;
    for (i = 0; i < JOBS; i++) {
        jobs.job[i].takes = ASYNC_SEC(3);
        jobs.job[i].blocks = blocks;
    }
    ms = measure(&jobs, together);
    snprintf(title, sizeof title, "%s: %d s", what, ms / 1000);
    printf("%s\n", title);
    print_bars();
    return draw(folder, name, title);
}

static void compare(void)
{
    static struct jobs jobs;
    int i, turns, together;

    jobs.count = 5;
    for (i = 0; i < jobs.count; i++) {
        jobs.job[i].takes = ASYNC_SEC(i + 1);
    }
    turns = measure(&jobs, false);
    together = measure(&jobs, true);
    printf("Waits of 1, 2, 3, 4 and 5 s: in turn %d s, which is their sum; at "
           "once %d s, the longest\n", turns / 1000, together / 1000);
    jobs.count = WAITS;
    for (i = 0; i < jobs.count; i++) {
        jobs.job[i].takes = ASYNC_MS(100);
    }
    turns = measure(&jobs, false);
    together = measure(&jobs, true);
    printf("100 waits of 0.1 s: in turn %d s, at once %d.%d s\n",
           turns / 1000, together / 1000, together / 100 % 10);
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "build";
    bool good;

    (void)mkdir(folder, 0777);
    async_trace_to(NULL, &recorder.tracer);
    good = experiment(folder, "sequential", "One after the other", false,
                      false);
    good = experiment(folder, "concurrent", "At once, in one thread", true,
                      false) && good;
    good = experiment(folder, "parallel", "In parallel, in three threads",
                      true, true) && good;
    compare();
    async_trace_to(NULL, NULL);
    return good ? 0 : 1;
}

/* file: reading a slow file, in the way of the others and out of their way.
 *
 *     make run DEMO=file
 *
 * To a regular file the system says "ready" at any time, and then the disk, or
 * the network behind it, takes as long as it takes. Here a named pipe plays
 * that file: whoever writes it is a second late. A plain read stops the heart;
 * that of an async_file is made in a thread. */
#include "demo.h"

#include <pthread.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char path[64];

/* The disk: a second after somebody has opened the file it delivers. */
static void *disk(void *text)
{
    struct timespec pause;
    unsigned ms = 1000 / demo_speed();
    int fd = open(path, O_WRONLY);

    pause.tv_sec = ms / 1000;
    pause.tv_nsec = (long)(ms % 1000) * 1000000L;
    nanosleep(&pause, NULL);
    if (write(fd, text, strlen((const char *)text)) < 0) {
        perror("disk");
    }
    close(fd);
    return NULL;
}

struct heart {
    async_frame frame;
    async_task task;
    async_ticks due;
};

static ASYNC heart(struct heart *self)
{
    ASYNC_BEGIN(self);
    self->due = async_now();
    for (;;) {
        self->due += (async_ticks)ASYNC_MS(500);
        AWAIT(async_sleep_until(self->due));
        say("  a beat%s", (async_duration)(async_now() - self->due)
                > ASYNC_MS(150) ? ", late" : "");
    }
    ASYNC_END;
}

/* What not to do in a coroutine. */
static int read_in_place(char *buffer, size_t size)
{
    int fd = open(path, O_RDONLY);
    int n = (int)read(fd, buffer, size);

    close(fd);
    return n;
}

struct reading {
    async_frame frame;
    async_file file;
    int n, outcome;
};

static ASYNC read_in_a_thread(struct reading *self, char *buffer, size_t size)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH_AWAIT(self->outcome,
                     async_file_open(&self->file, path, O_RDONLY, 0),
                     async_file_close(&self->file)) {
        AWAIT_VALUE(self->n, async_file_read(&self->file, buffer, size));
        ASYNC_RETURN(self->n);
    } ASYNC_WITH_END;
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct heart heart;
    struct reading reading;
    pthread_t disk;
    int n;
    char buffer[64];
};

static ASYNC program(struct program *self)
{
    static char first[] = "one", second[] = "two";

    ASYNC_BEGIN(self);
    async_spawn(&self->heart.task, heart, &self->heart);
    AWAIT(async_sleep(ASYNC_MS(700)));

    say("a plain read");
    pthread_create(&self->disk, NULL, disk, first);
    self->n = read_in_place(self->buffer, sizeof self->buffer);
    say("read: %.*s", self->n, self->buffer);
    pthread_join(self->disk, NULL);
    AWAIT(async_yield());
    AWAIT(async_sleep(ASYNC_MS(500)));

    say("a read in a thread");
    pthread_create(&self->disk, NULL, disk, second);
    AWAIT_VALUE(self->n, read_in_a_thread(&self->reading, self->buffer,
                                          sizeof self->buffer));
    say("read: %.*s", self->n, self->buffer);
    pthread_join(self->disk, NULL);
    ASYNC_END;
}

int main(void)
{
    static struct program frame;
    int rc;

    snprintf(path, sizeof path, "/tmp/async-demo-%ld", (long)getpid());
    if (mkfifo(path, 0600) != 0) {
        perror(path);
        return 1;
    }
    rc = async_run(program, &frame);
    unlink(path);
    return rc < 0;
}

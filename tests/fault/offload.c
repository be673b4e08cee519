/* Fault injection: jobs in threads, files, FIFOs, names, connections by name,
 * and Unix paths that are taken over, as in fault.c. Threads make calls, too,
 * and there may be none to be had. */
#include "calls.h"
#include <sys/un.h>

enum { LENGTH = 20000, JOBS = 6, ROUNDS = 3 };

static char name[64];

static int add_up(void *argument)
{
    int *n = (int *)argument;

    *n += 1;
    return *n;
}

struct job {
    async_frame frame;
    async_task task;
    async_offload_job job;
    int n, i, rc;
};

static ASYNC job(struct job *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < ROUNDS; self->i++) {
        AWAIT_VALUE(self->rc, async_offload(&self->job, add_up, &self->n));
        if (self->rc != self->i + 1) {
            wrong++;
        }
    }
    ASYNC_END;
}

/* Written, synced, and read again; twice, once at offsets. */
struct user {
    async_frame frame;
    async_task task;
    async_file file;
    int64_t size;
    bool at;
    int outcome, rc, n;
    char path[80], text[LENGTH + 1];
};

/* A regular file never says so; a fault does, and then it is tried again. */
static bool again(int rc)
{
    return rc == ASYNC_EAGAIN && fault != NULL && fault->error == EAGAIN
        && (fault->calls & READ) != 0;
}

static ASYNC write_it(struct user *self)
{
    return self->at
        ? async_file_pwrite(&self->file, pattern, LENGTH, 0)
        : async_file_write(&self->file, pattern, LENGTH);
}

static ASYNC read_it(struct user *self)
{
    size_t room = LENGTH + 1 - (size_t)self->n;

    return self->at
        ? async_file_pread(&self->file, self->text + self->n, room, self->n)
        : async_file_read(&self->file, self->text + self->n, room);
}

static ASYNC user(struct user *self)
{
    ASYNC_BEGIN(self);
    snprintf(self->path, sizeof self->path, "%s-%d", name, self->at);
    ASYNC_WITH_AWAIT(self->outcome,
                     async_file_open(&self->file, self->path,
                                     O_RDWR | O_CREAT | O_TRUNC, 0600),
                     async_file_close(&self->file)) {
        do {
            AWAIT_RESULT(self->rc, write_it(self));
            if (self->rc < 0 && self->file.done != 0) {
                break;                  /* an error in its midst */
            }
        } while (again(self->rc));
        if (self->rc < 0) {
            ASYNC_RAISE(self->rc);
        }
        AWAIT(async_file_sync(&self->file));
        AWAIT(async_file_size(&self->file, &self->size));
        if (self->size != LENGTH) {
            wrong++;
        }
    } ASYNC_WITH_END;

    ASYNC_WITH_AWAIT(self->outcome,
                     async_file_open(&self->file, self->path, O_RDONLY, 0),
                     async_file_close(&self->file)) {
        for (;;) {
            AWAIT_RESULT(self->rc, read_it(self));
            if (self->rc > 0) {
                self->n += self->rc;
            } else if (!again(self->rc)) {
                break;
            }
        }
        if (self->rc < 0) {
            ASYNC_RAISE(self->rc);
        }
        if (self->n != LENGTH) {
            wrong++;
        }
        compare(self->text, LENGTH);
    } ASYNC_WITH_END;
    ASYNC_END;
}

/* Through a FIFO, of which the reader waits for the writer. */
struct piper {
    async_frame frame;
    async_task task;
    async_file file;
    bool writes;
    int outcome, rc, n;
    char text[MUCH];
};

static ASYNC piper(struct piper *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH_AWAIT(self->outcome,
                     async_file_open(&self->file, name,
                                     self->writes ? O_WRONLY : O_RDONLY, 0),
                     async_file_close(&self->file)) {
        if (self->writes) {
            AWAIT(async_file_write(&self->file, pattern, MUCH));
        }
        while (!self->writes && self->n < MUCH) {
            AWAIT_VALUE(self->rc, async_file_read(&self->file,
                                                  self->text + self->n,
                                                  (size_t)(MUCH - self->n)));
            if (self->rc == 0) {
                ASYNC_RAISE(ASYNC_EPIPE);
            }
            self->n += self->rc;
        }
    } ASYNC_WITH_END;
    ASYNC_END;
}

struct pipers {
    async_frame frame;
    async_file file;
    struct piper reader, writer;
    int rc;
};

static ASYNC pipers(struct pipers *self)
{
    ASYNC_BEGIN(self);
    self->writer.writes = true;
    if (mkfifo(name, 0600) < 0) {
        ASYNC_RAISE(-errno);
    }
    async_spawn(&self->reader.task, piper, &self->reader);
    while (!async_done(&self->reader.task) && !self->reader.file.is_open) {
        AWAIT(async_sleep(ASYNC_MS(1)));
    }
    async_spawn(&self->writer.task, piper, &self->writer);
    AWAIT_RESULT(self->rc, async_join(&self->writer.task));
    if (self->rc < 0) {                 /* it may never have been opened */
        async_cancel(&self->reader.task);
    }
    AWAIT_RESULT(self->reader.rc, async_join(&self->reader.task));
    unlink(name);
    if (self->rc == 0 && self->reader.rc == 0) {
        compare(self->reader.text, MUCH);
    }
    ASYNC_RETURN(self->rc < 0 ? self->rc : self->reader.rc);
    ASYNC_END;
}

/* A socket that listens where a dead one has left its file. */
static int listens_again(void)
{
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int rc;

    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, name, strlen(name));
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        wrong++;
    }
    close(fd);
    rc = async_unix_listen(name, 5);
    unlink(name);
    return rc < 0 ? rc : async_close(rc);
}

/* Dialled by name, and by number, of which the first refuses. */
struct caller {
    async_frame frame;
    async_task task;
    async_dialer dialer;
    async_attempts attempts;
    async_address addresses[2];
    int port, closed, fd;
};

static ASYNC caller(struct caller *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->fd, async_dial(&self->dialer, "localhost", self->port));
    async_close(self->fd);
    async_address_set(&self->addresses[0], "127.0.0.1", self->closed);
    async_address_set(&self->addresses[1], "127.0.0.1", self->port);
    self->attempts.delay = (async_duration)ASYNC_MS(10);
    AWAIT_VALUE(self->fd, async_connect_any(&self->attempts, self->addresses,
                                            2));
    async_close(self->fd);
    ASYNC_END;
}

struct scenario {
    async_frame frame;
    struct job job[JOBS];
    struct user user[2];
    struct caller caller;
    struct pipers pipers;
    int i, rc, failed, listener, closed;
};

static void fails_with(struct scenario *self, int rc)
{
    self->failed = self->failed == 0 && rc < 0 ? rc : self->failed;
}

static ASYNC scenario(struct scenario *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < JOBS; self->i++) {
        async_spawn(&self->job[self->i].task, job, &self->job[self->i]);
    }
    for (self->i = 0; self->i < 2; self->i++) {
        self->user[self->i].at = self->i == 1;
        async_spawn(&self->user[self->i].task, user, &self->user[self->i]);
    }
    self->closed = async_tcp_listen("127.0.0.1", 0, 5);
    fails_with(self, self->closed);
    self->caller.closed = async_local_port(self->closed);
    fails_with(self, self->caller.closed);
    self->listener = async_tcp_listen("127.0.0.1", 0, 50);
    fails_with(self, self->listener);
    self->caller.port = async_local_port(self->listener);
    fails_with(self, self->caller.port);
    if (self->closed >= 0) {
        async_close(self->closed);
    }
    async_spawn(&self->caller.task, caller, &self->caller);

    AWAIT_RESULT(self->rc, async_join(&self->caller.task));
    fails_with(self, self->rc);
    for (self->i = 0; self->i < JOBS; self->i++) {
        AWAIT_RESULT(self->rc, async_join(&self->job[self->i].task));
        fails_with(self, self->rc);
    }
    for (self->i = 0; self->i < 2; self->i++) {
        AWAIT_RESULT(self->rc, async_join(&self->user[self->i].task));
        fails_with(self, self->rc);
        unlink(self->user[self->i].path);
    }
    if (self->listener >= 0) {
        async_close(self->listener);
    }
    AWAIT_RESULT(self->rc, pipers(&self->pipers));
    fails_with(self, self->rc);
    fails_with(self, listens_again());
    ASYNC_RETURN(self->failed);
    ASYNC_END;
}

static int run_scenario(void)
{
    static struct scenario it;

    memset(&it, 0, sizeof it);
    snprintf(name, sizeof name, "/tmp/async-fault-%ld", (long)getpid());
    return async_run(scenario, &it);
}

#define SCENARIO "offload-"
#include "repeat.h"

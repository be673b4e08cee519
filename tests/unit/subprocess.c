/* subprocess: starting programs, talking to them, and their ends. What waits
 * is tested both ways, by pidfd and by SIGCHLD. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "fdtools.h"

#if ASYNC_HOSTED

#include <dirent.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { MUCH = 3000000, CROWD = 20, THREADS = 4 };

static unsigned way;            /* 0, or by SIGCHLD */

struct waits {                  /* a task that waits for a process */
    async_frame frame;
    async_task task;
    async_timeout scope;
    async_process *process;
    async_task *victim;         /* struck by it, when it is */
    char name;
    long limit;                 /* milliseconds; 0: none */
    int rc;
};

struct main {
    async_frame frame;
    async_process p, q, many[CROWD];
    async_process_setup setup;
    async_communication talk, other;
    struct waits wait[4], each[CROWD];
    async_timeout scope;
    async_task task;
    int i, k, n, rc, sum, outcome, ends[2];
    size_t done;
    char text[300];
    struct stat status;
};

#define RUN(fn, want) \
    do { \
        static struct main m; \
        int before = lowest_fd(); \
        ZERO(m); \
        CHECK_EQ(async_run(fn, &m), want); \
        CHECK_EQ(lowest_fd(), before); \
        no_child(); \
    } while (0)
#define RUN_BOTH_WAYS(fn) \
    do { \
        test_real_time(); \
        way = 0; \
        RUN(fn, 0); \
        way = ASYNC_BY_SIGCHLD_; \
        RUN(fn, 0); \
        way = 0; \
        CHECK(sigchld() == SIG_DFL); \
    } while (0)

/* No process is left, be it running or a zombie. */
static void no_child(void)
{
    CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1);
    CHECK_EQ(errno, ECHILD);
}

static void (*sigchld(void))(int)
{
    struct sigaction now;

    sigaction(SIGCHLD, NULL, &now);
    return now.sa_handler;
}

static int shell(async_process *process, const char *line, unsigned flags)
{
    return async_process_shell(process, line, flags | way, NULL);
}

/* Everything that the process says, as a text. */
static void hear(struct main *self)
{
    ZERO(self->talk);
    self->talk.output = self->text;
    self->talk.output_room = sizeof self->text - 1;
    memset(self->text, 0, sizeof self->text);
}

static ASYNC waits(struct waits *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        if (self->limit != 0) {
            AWAIT_VALUE(self->rc,
                        ASYNC_TIMEOUT(&self->scope, MS(self->limit),
                                      async_process_wait(self->process)));
        } else {
            AWAIT_VALUE(self->rc, async_process_wait(self->process));
        }
        test_log("%c:%d ", self->name, self->rc);
    } ASYNC_CATCH_ALL(self->rc) {
        test_log("%c:%s ", self->name,
                 self->rc == ASYNC_CANCEL ? "struck"
                 : self->rc == ASYNC_ETIMEDOUT ? "late"
                 : self->rc == ASYNC_ECANCELED ? "closed"
                 : async_strerror(self->rc));
        if (self->victim != NULL) {
            async_cancel(self->victim);
        }
        ASYNC_RAISE(self->rc);
    } ASYNC_TRY_END;
    ASYNC_RETURN(self->rc);
    ASYNC_END;
}

static void waiter(struct waits *it, async_process *process, char name,
                   long limit)
{
    memset(it, 0, sizeof *it);
    it->process = process;
    it->name = name;
    it->limit = limit;
    CHECK_EQ(async_spawn(&it->task, waits, it), 0);
}

/* ---- how it ended -------------------------------------------------------- */

static ASYNC codes(struct main *self)
{
    static const char *const line[] = {"exit 0", "exit 1", "exit 7",
                                       "exit 127", "exit 255"};
    static const int code[] = {0, 1, 7, 127, 255};

    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 5; self->i++) {
        CHECK_EQ(shell(&self->p, line[self->i], 0), 0);
        CHECK(self->p.pid > 0);
        CHECK_EQ(self->p.in, -1);
        CHECK_EQ(self->p.out, -1);
        CHECK_EQ(self->p.err, -1);
        AWAIT_VALUE(self->rc, async_process_wait(&self->p));
        CHECK_EQ(self->rc, code[self->i]);
        CHECK_EQ(ASYNC_PROCESS_SIGNAL(self->rc), 0);
        /* And once more, as often as one likes. */
        AWAIT_VALUE(self->rc, async_process_wait(&self->p));
        CHECK_EQ(self->rc, code[self->i]);
        CHECK_EQ(async_process_code(&self->p), code[self->i]);
        CHECK_EQ(async_process_close(&self->p), 0);
        CHECK_EQ(async_process_code(&self->p), code[self->i]);
    }
    ASYNC_END;
}

TEST(process_exit_codes)
{
    RUN_BOTH_WAYS(codes);
}

static ASYNC killed(struct main *self)
{
    static const int number[] = {SIGTERM, SIGKILL, SIGHUP, SIGUSR1};

    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 4; self->i++) {
        CHECK_EQ(shell(&self->p, "exec sleep 100", 0), 0);
        CHECK_EQ(async_process_code(&self->p), ASYNC_PENDING);
        CHECK_EQ(self->i == 0 ? async_process_terminate(&self->p)
                 : self->i == 1 ? async_process_kill(&self->p)
                 : async_process_signal(&self->p, number[self->i]), 0);
        AWAIT_VALUE(self->rc, async_process_wait(&self->p));
        CHECK_EQ(self->rc, 256 + number[self->i]);
        CHECK_EQ(ASYNC_PROCESS_SIGNAL(self->rc), number[self->i]);
        CHECK_EQ(async_process_signal(&self->p, SIGTERM), ASYNC_ESRCH);
        CHECK_EQ(async_process_kill(&self->p), ASYNC_ESRCH);
        CHECK_EQ(async_process_close(&self->p), 0);
    }
    ASYNC_END;
}

TEST(process_killed_by_signals)
{
    RUN_BOTH_WAYS(killed);
}

/* One that stops, and goes on, has not ended. */
static ASYNC stops(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "read x; exit 5", ASYNC_PIPE_IN), 0);
    CHECK_EQ(async_process_signal(&self->p, SIGSTOP), 0);
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(10),
                                         async_process_wait(&self->p)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    CHECK_EQ(async_process_signal(&self->p, SIGCONT), 0);
    CHECK_EQ(async_process_close_end(&self->p.in), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, 5);
    CHECK_EQ(async_process_close(&self->p), 0);
    ASYNC_END;
}

TEST(process_stopped_is_not_ended)
{
    RUN_BOTH_WAYS(stops);
}

/* ---- what cannot be started ---------------------------------------------- */

static int start(async_process *process, const char *name,
                 const async_process_setup *setup)
{
    const char *argv[2];

    argv[0] = name;
    argv[1] = NULL;
    return async_process_start(process, argv,
                               ASYNC_PIPE_IN | ASYNC_PIPE_OUT
                               | ASYNC_PIPE_ERR | way, setup);
}

static void unscripted(char *name)
{
    int fd = mkstemp(name);

    CHECK(fd >= 0);
    put(fd, "no program\n");
    close(fd);
}

static ASYNC failures(struct main *self)
{
    char name[] = "/tmp/async_test_XXXXXX";

    ASYNC_BEGIN(self);
    CHECK_EQ(start(&self->p, "no-such-program", NULL), ASYNC_ENOENT);
    CHECK_EQ(start(&self->p, "./no-such-program", NULL), ASYNC_ENOENT);
    CHECK_EQ(start(&self->p, "", NULL), ASYNC_ENOENT);
    CHECK_EQ(start(&self->p, "/", NULL), ASYNC_EACCES);
    CHECK_EQ(start(&self->p, "/dev/null/x", NULL), -ENOTDIR);
    unscripted(name);
    CHECK_EQ(start(&self->p, name, NULL), ASYNC_EACCES);
    chmod(name, 0700);
    CHECK_EQ(start(&self->p, name, NULL), ASYNC_ENOEXEC);
    unlink(name);
    self->setup.directory = "/no/such/place";
    CHECK_EQ(start(&self->p, "true", &self->setup), ASYNC_ENOENT);
    self->setup.directory = "/dev/null";
    CHECK_EQ(start(&self->p, "true", &self->setup), -ENOTDIR);
    ZERO(self->setup);
    self->setup.in = 999;
    CHECK_EQ(async_process_shell(&self->p, "exit", way, &self->setup),
             ASYNC_EBADF);
    CHECK_EQ(self->p.pid, 0);
    no_child();
    /* After all that it can be started. */
    CHECK_EQ(start(&self->p, "true", NULL), 0);
    CHECK_EQ(async_process_close(&self->p), 0);
    ASYNC_END;
}

TEST(process_that_cannot_be_executed)
{
    RUN_BOTH_WAYS(failures);
}

/* By itself, as under valgrind an exec cannot fail for this. */
static ASYNC too_long(struct main *self)
{
    static char longest[200000];
    const char *argv[3];

    ASYNC_BEGIN(self);
    memset(longest, 'x', sizeof longest - 1);
    argv[0] = "echo";
    argv[1] = longest;
    argv[2] = NULL;
    CHECK_EQ(async_process_start(&self->p, argv, way, NULL), -E2BIG);
    ASYNC_END;
}

TEST(process_arguments_too_long)
{
    RUN_BOTH_WAYS(too_long);
}

static ASYNC wrong_use(struct main *self)
{
    static const char *const none[] = {NULL};
    static const unsigned twice[] = {
        ASYNC_PIPE_IN | ASYNC_NULL_IN, ASYNC_PIPE_OUT | ASYNC_NULL_OUT,
        ASYNC_PIPE_ERR | ASYNC_NULL_ERR, ASYNC_PIPE_ERR | ASYNC_ERR_TO_OUT,
        ASYNC_NULL_ERR | ASYNC_ERR_TO_OUT, ASYNC_PIPE_IN | 0x10000u
    };

    ASYNC_BEGIN(self);
    CHECK_EQ(async_process_start(NULL, none, 0, NULL), ASYNC_EINVAL);
    CHECK_EQ(async_process_start(&self->p, NULL, 0, NULL), ASYNC_EINVAL);
    CHECK_EQ(async_process_start(&self->p, none, 0, NULL), ASYNC_EINVAL);
    CHECK_EQ(async_process_shell(&self->p, NULL, 0, NULL), ASYNC_EINVAL);
    CHECK_EQ(async_process_shell(NULL, "exit", 0, NULL), ASYNC_EINVAL);
    for (self->i = 0; self->i < 6; self->i++) {
        CHECK_EQ(shell(&self->p, "exit", twice[self->i]), ASYNC_EINVAL);
    }
    self->setup.err = 2;
    CHECK_EQ(async_process_shell(&self->p, "exit", ASYNC_PIPE_ERR,
                                 &self->setup), ASYNC_EINVAL);
    CHECK_EQ(async_process_code(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_process_code(&self->p), ASYNC_EINVAL);
    CHECK_EQ(async_process_signal(NULL, SIGTERM), ASYNC_EINVAL);
    CHECK_EQ(async_process_signal(&self->p, SIGTERM), ASYNC_EINVAL);
    CHECK_EQ(async_process_terminate(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_process_kill(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_process_close(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_process_close(&self->p), ASYNC_EINVAL);
    CHECK_EQ(async_process_close_end(NULL), ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_process_wait(NULL));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_process_communicate(NULL, &self->talk));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_process_communicate(&self->p, NULL));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, ASYNC_EINVAL);

    CHECK_EQ(shell(&self->p, "read x", ASYNC_PIPE_IN), 0);
    CHECK_EQ(async_process_signal(&self->p, 0), ASYNC_EINVAL);
    CHECK_EQ(async_process_signal(&self->p, -1), ASYNC_EINVAL);
    CHECK_EQ(async_process_signal(&self->p, 999), ASYNC_EINVAL);
    CHECK_EQ(async_process_code(&self->p), ASYNC_PENDING);
    CHECK_EQ(async_process_close(&self->p), 0);
    CHECK_EQ(shell(&self->p, "exit 3", 0), 0);
    CHECK_EQ(shell(&self->p, "exit 4", 0), ASYNC_EBUSY);
    CHECK_EQ(async_process_close_end(&self->p.in), 0);
    self->talk.input = "x";
    self->talk.input_length = 1;
    AWAIT_RESULT(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    ZERO(self->talk);
    self->talk.output_room = 1;
    AWAIT_RESULT(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    ZERO(self->talk);
    AWAIT_VALUE(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, 3);
    CHECK_EQ(async_process_close(&self->p), 0);
    ASYNC_END;
}

TEST(process_wrong_use)
{
    test_real_time();
    way = 0;
    RUN(wrong_use, 0);
}

/* ---- the child's surroundings -------------------------------------------- */

static ASYNC surroundings(struct main *self)
{
    static const char *const environment[] = {"GREETING=hello world",
                                              "PATH=/none:/bin:/usr/bin",
                                              NULL};
    static const char *const bare[] = {"A=1", NULL};
    static const char *const cat[] = {"cat", NULL};
    static const char *const here[] = {"PATH=/none:", NULL};
    static const char *const closed[] = {"PATH=/dev/null:/none", NULL};

    ASYNC_BEGIN(self);
    self->setup.directory = "/";
    self->setup.environment = environment;
    CHECK_EQ(async_process_shell(&self->p, "pwd; echo $GREETING; echo $HOME.",
                                 ASYNC_PIPE_OUT | way, &self->setup), 0);
    hear(self);
    AWAIT_VALUE(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, 0);
    CHECK_STR(self->text, "/\nhello world\n.\n");
    CHECK_EQ(async_process_close(&self->p), 0);

    /* The name is looked for in the child's path: without one, in the usual
     * places; an empty element is the directory. */
    self->setup.environment = bare;
    CHECK_EQ(async_process_start(&self->p, cat, ASYNC_NULL_IN | way,
                                 &self->setup), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, 0);
    CHECK_EQ(async_process_close(&self->p), 0);
    self->setup.environment = closed;
    CHECK_EQ(async_process_start(&self->p, cat, ASYNC_NULL_IN | way,
                                 &self->setup), ASYNC_ENOENT);
    self->setup.environment = here;
    CHECK_EQ(async_process_start(&self->p, cat, ASYNC_NULL_IN | way,
                                 &self->setup), ASYNC_ENOENT);
    self->setup.directory = stat("/bin/cat", &self->status) == 0
        ? "/bin" : "/usr/bin";
    CHECK_EQ(async_process_start(&self->p, cat, ASYNC_NULL_IN | way,
                                 &self->setup), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, 0);
    CHECK_EQ(async_process_close(&self->p), 0);
    ASYNC_END;
}

TEST(process_directory_environment_path)
{
    RUN_BOTH_WAYS(surroundings);
}

static ASYNC sessions(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "read x", ASYNC_PIPE_IN | ASYNC_NEW_SESSION), 0);
    CHECK_EQ(getsid(self->p.pid), self->p.pid);
    CHECK_EQ(getpgid(self->p.pid), self->p.pid);
    CHECK_EQ(shell(&self->q, "read x", ASYNC_PIPE_IN), 0);
    CHECK_EQ(getsid(self->q.pid), getsid(0));
    CHECK_EQ(kill(-self->p.pid, SIGTERM), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, 256 + SIGTERM);
    CHECK_EQ(async_process_close(&self->p), 0);
    CHECK_EQ(async_process_close(&self->q), 0);
    ASYNC_END;
}

TEST(process_in_a_session_of_its_own)
{
    RUN_BOTH_WAYS(sessions);
}

static volatile sig_atomic_t handled;

static void handler(int number)
{
    (void)number;
    handled = handled + 1;
}

/* Of the program's handlers none runs in the child; SIGPIPE ends it, though it
 * is ignored here; the mask is the parent's. */
static ASYNC signals(struct main *self)
{
    sigset_t blocked;

    ASYNC_BEGIN(self);
    signal(SIGUSR1, handler);
    handled = 0;
    CHECK_EQ(shell(&self->p, "kill -USR1 $$; exit 9", 0), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, 256 + SIGUSR1);
    CHECK_EQ(handled, 0);
    signal(SIGUSR1, SIG_DFL);
    CHECK_EQ(async_process_close(&self->p), 0);

    signal(SIGPIPE, SIG_IGN);
    CHECK_EQ(shell(&self->p, "kill -PIPE $$; exit 9", 0), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, 256 + SIGPIPE);
    CHECK_EQ(async_process_close(&self->p), 0);

    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    CHECK_EQ(shell(&self->p, "kill -USR2 $$; exit 9", 0), 0);
    sigemptyset(&blocked);
    sigprocmask(SIG_SETMASK, NULL, &blocked);
    CHECK_EQ(sigismember(&blocked, SIGUSR2), 1);
    CHECK_EQ(sigismember(&blocked, SIGTERM), 0);
    sigprocmask(SIG_UNBLOCK, &blocked, NULL);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, 9);
    CHECK_EQ(async_process_close(&self->p), 0);
    ASYNC_END;
}

TEST(process_signals_of_the_child)
{
    RUN_BOTH_WAYS(signals);
}

/* ---- descriptors --------------------------------------------------------- */

#ifdef __linux__

/* Which descriptors below 64 has a process? A bit each. */
static unsigned long long descriptors_of(int pid)
{
    char name[40];
    unsigned long long open = 0;
    struct dirent *entry;
    DIR *directory;

    snprintf(name, sizeof name, "/proc/%d/fd", pid);
    directory = opendir(name);
    CHECK(directory != NULL);
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.' && atoi(entry->d_name) < 64) {
            open |= 1ULL << atoi(entry->d_name);
        }
    }
    closedir(directory);
    return open;
}

/* Those of this program that are not closed on exec. */
static unsigned long long kept_on_exec(void)
{
    unsigned long long kept = 7;
    int fd;

    for (fd = 3; fd < 64; fd++) {
        int flags = fcntl(fd, F_GETFD);

        if (flags >= 0 && (flags & FD_CLOEXEC) == 0) {
            kept |= 1ULL << fd;
        }
    }
    return kept;
}

#endif

static const char *const cat_only[] = {"cat", NULL};

/* A leak would also be a child that never sees the end of its input, as its
 * brother still has the other end of the pipe. */
static ASYNC leaks(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(pipe(self->ends), 0);      /* not closed on exec */
    AWAIT(async_sleep(MS(1)));
    CHECK_EQ(shell(&self->p, "exec cat", ASYNC_PIPE_IN | ASYNC_PIPE_OUT
                                         | ASYNC_PIPE_ERR), 0);
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(2),
                                         async_process_wait(&self->p)));
    for (self->k = 0; self->k < 2; self->k++) {
        CHECK_EQ(async_process_start(&self->q, cat_only, ASYNC_PIPE_IN
                                     | ASYNC_PIPE_OUT | way
                                     | (self->k == 0 ? 0 : ASYNC_KEEP_FDS),
                                     NULL), 0);
        AWAIT(async_write_all(self->q.in, "x", 1, &self->done));
        AWAIT(async_read(self->q.out, self->text, 1));  /* now it is cat */
#ifdef __linux__
        if (access("/proc/self/fd", R_OK) == 0) {
            CHECK_EQ(descriptors_of(self->q.pid),
                     self->k == 0 ? 7 : kept_on_exec());
            CHECK((kept_on_exec() >> self->ends[1] & 1) == 1);
        }
#endif
        if (self->k == 0) {
            CHECK_EQ(async_process_close(&self->q), 0);
        }
    }
    CHECK_EQ(async_process_close_end(&self->p.in), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, 0);
    CHECK_EQ(async_process_close(&self->p), 0);
    CHECK_EQ(async_process_close(&self->q), 0);
    close(self->ends[0]);
    close(self->ends[1]);
    ASYNC_END;
}

TEST(process_inherits_no_descriptor)
{
    RUN_BOTH_WAYS(leaks);
}

static ASYNC nulls(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "cat; echo out; echo err >&2",
                   ASYNC_NULL_IN | ASYNC_NULL_OUT | ASYNC_PIPE_ERR), 0);
    ZERO(self->talk);
    memset(self->text, 0, sizeof self->text);
    self->talk.errors = self->text;
    self->talk.errors_room = sizeof self->text;
    AWAIT_VALUE(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, 0);
    CHECK_STR(self->text, "err\n");
    CHECK_EQ(self->talk.output_length, 0);
    CHECK_EQ(self->talk.errors_length, 4);
    CHECK_EQ(async_process_close(&self->p), 0);

    CHECK_EQ(shell(&self->p, "echo out; echo err >&2",
                   ASYNC_PIPE_OUT | ASYNC_NULL_ERR), 0);
    hear(self);
    AWAIT(async_process_communicate(&self->p, &self->talk));
    CHECK_STR(self->text, "out\n");
    CHECK_EQ(async_process_close(&self->p), 0);

    CHECK_EQ(shell(&self->p, "echo out; echo err >&2; echo out",
                   ASYNC_PIPE_OUT | ASYNC_ERR_TO_OUT), 0);
    hear(self);
    AWAIT(async_process_communicate(&self->p, &self->talk));
    CHECK_STR(self->text, "out\nerr\nout\n");
    CHECK_EQ(async_process_close(&self->p), 0);
    ASYNC_END;
}

TEST(process_null_and_merged_streams)
{
    RUN_BOTH_WAYS(nulls);
}

/* Descriptors of one's own: a file, another's pipe, and streams crossed. */
static ASYNC given(struct main *self)
{
    char name[] = "/tmp/async_test_XXXXXX";

    ASYNC_BEGIN(self);
    self->n = mkstemp(name);
    unlink(name);
    self->setup.out = self->n;
    CHECK_EQ(async_process_shell(&self->p, "echo to a file", way,
                                 &self->setup), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, 0);
    CHECK_EQ(async_process_close(&self->p), 0);
    CHECK_EQ(pread(self->n, self->text, 20, 0), 10);
    CHECK(memcmp(self->text, "to a file\n", 10) == 0);
    close(self->n);

    /* one | two, which waits for its input */
    CHECK_EQ(shell(&self->p, "sleep 0.02; echo upper case", ASYNC_PIPE_OUT),
             0);
    ZERO(self->setup);
    self->setup.in = self->p.out;
    CHECK_EQ(async_process_shell(&self->q, "tr a-z A-Z",
                                 ASYNC_PIPE_OUT | way, &self->setup), 0);
    CHECK_EQ(async_process_close_end(&self->p.out), 0);
    hear(self);
    AWAIT_VALUE(self->rc, async_process_communicate(&self->q, &self->talk));
    CHECK_EQ(self->rc, 0);
    CHECK_STR(self->text, "UPPER CASE\n");
    CHECK_EQ(async_process_close(&self->q), 0);
    CHECK_EQ(async_process_close(&self->p), 0);

    /* An end that is given can still be used here: the loop does not block. */
    CHECK_EQ(async_pipe(self->ends), 0);
    self->setup.in = self->ends[0];
    CHECK_EQ(async_process_shell(&self->q, "read x", way, &self->setup), 0);
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(2),
                                         async_read(self->ends[0], self->text,
                                                    1)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    async_close(self->ends[0]);
    async_close(self->ends[1]);
    CHECK_EQ(async_process_close(&self->q), 0);

    /* Its output is our error output, its error output is a pipe. */
    ZERO(self->setup);
    self->n = dup(2);
    self->k = open("/dev/null", O_WRONLY);
    dup2(self->k, 2);
    self->setup.out = 2;
    CHECK_EQ(async_process_shell(&self->p, "echo lost; echo kept >&2",
                                 ASYNC_PIPE_ERR | way, &self->setup), 0);
    dup2(self->n, 2);
    close(self->n);
    close(self->k);
    ZERO(self->talk);
    memset(self->text, 0, sizeof self->text);
    self->talk.errors = self->text;
    self->talk.errors_room = sizeof self->text;
    AWAIT(async_process_communicate(&self->p, &self->talk));
    CHECK_STR(self->text, "kept\n");
    CHECK_EQ(async_process_close(&self->p), 0);
    ASYNC_END;
}

TEST(process_given_descriptors)
{
    RUN_BOTH_WAYS(given);
}

/* The program itself has no input, output or error output: then the ends of
 * pipes are the very numbers that they are to become in the child. */
static int saved[3];

static ASYNC without_any(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "cat; echo err >&2",
                   ASYNC_PIPE_IN | ASYNC_PIPE_OUT | ASYNC_PIPE_ERR), 0);
    hear(self);
    self->talk.input = "through\n";
    self->talk.input_length = 8;
    self->talk.errors = self->text + 100;
    self->talk.errors_room = 100;
    AWAIT_VALUE(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, 0);
    CHECK_STR(self->text, "through\n");
    CHECK_STR(self->text + 100, "err\n");
    CHECK_EQ(async_process_close(&self->p), 0);
    ASYNC_END;
}

TEST(process_of_a_program_without_streams)
{
    static struct main m;
    int i, n, results[8], k = 0;

    test_real_time();
    fflush(stdout);
    for (i = 0; i < 3; i++) {
        saved[i] = fcntl(i, F_DUPFD, 50);
    }
    for (n = 0; n < 8; n++) {
        way = n & 1 ? ASYNC_BY_SIGCHLD_ : 0;
        for (i = 0; i < 3; i++) {
            if (i <= n / 2) {
                close(i);
            }
        }
        ZERO(m);
        results[k++] = async_run(without_any, &m);
        for (i = 0; i < 3; i++) {
            dup2(saved[i], i);
        }
    }
    for (i = 0; i < 3; i++) {
        close(saved[i]);
    }
    way = 0;
    for (i = 0; i < k; i++) {
        CHECK_EQ(results[i], 0);
    }
    no_child();
}

/* With every number of free descriptors it starts, or says that they have run
 * out and leaves nothing. */
static ASYNC few(struct main *self)
{
    struct rlimit limit, lower;

    ASYNC_BEGIN(self);
    /* Let the loop have first what it needs itself. */
    CHECK_EQ(shell(&self->q, "read x", ASYNC_PIPE_IN | ASYNC_PIPE_OUT
                                       | ASYNC_BY_SIGCHLD_), 0);
    waiter(&self->wait[0], &self->q, 'q', 1);
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(3),
                                         async_readable(self->q.out)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    CHECK_EQ(async_process_close(&self->q), 0);
    for (self->i = 0; self->i < 24; self->i++) {
        self->k = lowest_fd();
        getrlimit(RLIMIT_NOFILE, &limit);
        lower = limit;
        lower.rlim_cur = (rlim_t)(self->k + self->i);
        setrlimit(RLIMIT_NOFILE, &lower);
        self->rc = shell(&self->p, "cat", ASYNC_PIPE_IN | ASYNC_PIPE_OUT
                                          | ASYNC_NULL_ERR);
        setrlimit(RLIMIT_NOFILE, &limit);
        if (self->rc < 0) {
            CHECK_EQ(self->rc, ASYNC_EMFILE);
            CHECK_EQ(lowest_fd(), self->k);
            no_child();
            continue;
        }
        self->sum++;
        ZERO(self->talk);
        AWAIT_VALUE(self->rc, async_process_communicate(&self->p,
                                                        &self->talk));
        CHECK_EQ(self->rc, 0);
        CHECK_EQ(async_process_close(&self->p), 0);
        CHECK_EQ(lowest_fd(), self->k);
    }
    CHECK(self->sum >= 10);
    test_log_clear();
    ASYNC_END;
}

TEST(process_when_descriptors_run_out)
{
    RUN_BOTH_WAYS(few);
}

/* ---- waiting ------------------------------------------------------------- */

/* All who wait are told; who is struck leaves, and takes nobody's answer. */
static ASYNC many_wait(struct main *self)
{
    ASYNC_BEGIN(self);
    for (self->k = 0; self->k < 5; self->k++) {
        CHECK_EQ(shell(&self->p, "read x; exit 6", ASYNC_PIPE_IN), 0);
        for (self->i = 0; self->i < 4; self->i++) {
            waiter(&self->wait[self->i], &self->p, (char)('a' + self->i), 0);
        }
        AWAIT(async_yield());
        if (self->k < 4) {
            async_cancel(&self->wait[self->k].task);
            if (self->k == 2) {         /* and the leader, and its heir */
                async_cancel(&self->wait[0].task);
                async_cancel(&self->wait[1].task);
            }
            AWAIT_RESULT(self->rc, async_join(&self->wait[self->k].task));
            CHECK_EQ(self->rc, ASYNC_ECANCELED);
        }
        CHECK_EQ(async_process_close_end(&self->p.in), 0);
        for (self->i = 0; self->i < 4; self->i++) {
            AWAIT_RESULT(self->rc, async_join(&self->wait[self->i].task));
        }
        AWAIT_VALUE(self->rc, async_process_wait(&self->p));
        CHECK_EQ(self->rc, 6);
        CHECK_EQ(async_process_close(&self->p), 0);
        test_log("| ");
    }
    CHECK(strstr(test_log_text(), "a:struck b:6 c:6 d:6 | ")
          == test_log_text());
    CHECK(strstr(test_log_text(), "| b:struck a:6 c:6 d:6 | ") != NULL);
    CHECK(strstr(test_log_text(), "c:6 | a:6 b:6 c:6 d:6 | ") != NULL);
    test_log_clear();
    ASYNC_END;
}

TEST(process_awaited_by_many)
{
    RUN_BOTH_WAYS(many_wait);
}

/* The leader is struck, and so is its heir, who was woken but has not run: the
 * next one leads. */
static ASYNC heirs(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "read x; exit 6", ASYNC_PIPE_IN), 0);
    for (self->i = 0; self->i < 4; self->i++) {
        waiter(&self->wait[self->i], &self->p, (char)('a' + self->i), 0);
    }
    self->wait[0].victim = &self->wait[1].task;
    self->wait[1].victim = &self->wait[2].task;
    AWAIT(async_yield());
    async_cancel(&self->wait[0].task);
    AWAIT_RESULT(self->rc, async_join(&self->wait[2].task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    CHECK_EQ(async_process_close_end(&self->p.in), 0);
    AWAIT_VALUE(self->rc, ASYNC_TIMEOUT(&self->scope,
                                        (async_duration)ASYNC_SEC(20),
                                        async_join(&self->wait[3].task)));
    CHECK_EQ(self->rc, 6);
    CHECK_LOG("a:struck b:struck c:struck d:6 ");
    CHECK_EQ(async_process_close(&self->p), 0);
    ASYNC_END;
}

TEST(process_leader_and_heirs_are_struck)
{
    RUN_BOTH_WAYS(heirs);
}

/* The cells of the table of cancel safety. */
static ASYNC struck(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "read x; exit 6", ASYNC_PIPE_IN), 0);
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, 0,
                                         async_process_wait(&self->p)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    waiter(&self->wait[0], &self->p, 'a', 5);
    AWAIT_RESULT(self->rc, async_join(&self->wait[0].task));
    CHECK_EQ(async_process_code(&self->p), ASYNC_PENDING);
    waiter(&self->wait[0], &self->p, 'b', 0);
    AWAIT(async_yield());
    async_cancel(&self->wait[0].task);
    AWAIT_RESULT(self->rc, async_join(&self->wait[0].task));
    CHECK_EQ(async_process_code(&self->p), ASYNC_PENDING);

    /* It has ended, which nobody has seen: that wins over a strike. */
    waiter(&self->wait[0], &self->p, 'c', 0);
    AWAIT(async_yield());
    CHECK_EQ(async_process_close_end(&self->p.in), 0);
    {
        siginfo_t info;

        CHECK_EQ(waitid(P_PID, (id_t)self->p.pid, &info, WEXITED | WNOWAIT),
                 0);
    }
    async_cancel(&self->wait[0].task);
    AWAIT_RESULT(self->rc, async_join(&self->wait[0].task));
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, 0,
                                         async_process_wait(&self->p)));
    CHECK_EQ(self->rc, 6);
    CHECK_EQ(async_process_close(&self->p), 0);
    CHECK_LOG("a:late b:struck c:6 ");
    ASYNC_END;
}

TEST(process_wait_is_struck)
{
    RUN_BOTH_WAYS(struck);
}

/* Many at once, which end in another order, some of them before anybody
 * waits. Their SIGCHLDs run into one another. */
static ASYNC crowd(struct main *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < CROWD; self->i++) {
        snprintf(self->text, sizeof self->text, "%sexit %d",
                 self->i % 3 == 0 ? "" : "read x; ", self->i);
        CHECK_EQ(shell(&self->many[self->i], self->text, ASYNC_PIPE_IN), 0);
    }
    AWAIT(async_sleep(MS(5)));
    for (self->i = 0; self->i < CROWD; self->i++) {
        waiter(&self->each[self->i], &self->many[self->i], 'x', 0);
    }
    AWAIT(async_yield());
    for (self->i = CROWD - 1; self->i >= 0; self->i--) {
        CHECK_EQ(async_process_close_end(&self->many[self->i].in), 0);
    }
    for (self->i = 0; self->i < CROWD; self->i++) {
        AWAIT_VALUE(self->rc, async_join(&self->each[self->i].task));
        CHECK_EQ(self->rc, self->i);
        CHECK_EQ(async_process_close(&self->many[self->i]), 0);
    }
    test_log_clear();
    ASYNC_END;
}

TEST(process_many_at_once)
{
    RUN_BOTH_WAYS(crowd);
}

/* Started by code outside of any loop, then awaited in one. */
static async_process early;

static ASYNC waits_for_early(struct main *self)
{
    ASYNC_BEGIN(self);
    hear(self);
    AWAIT_VALUE(self->rc, async_process_communicate(&early, &self->talk));
    CHECK_EQ(self->rc, 11);
    CHECK_STR(self->text, "early\n");
    ASYNC_END;
}

TEST(process_started_without_a_loop)
{
    test_real_time();
    for (way = 0;; way = ASYNC_BY_SIGCHLD_) {
        ZERO(early);
        CHECK_EQ(shell(&early, "echo early; exit 11", ASYNC_PIPE_OUT), 0);
        {
            static struct main m;

            ZERO(m);
            CHECK_EQ(async_run(waits_for_early, &m), 0);
        }
        CHECK_EQ(async_process_close(&early), 0);
        if (way != 0) {
            break;
        }
    }
    way = 0;
    no_child();
}

/* The loop is left while a task waits in it. The process goes on. */
static struct waits left_behind;

static ASYNC leaves(struct main *self)
{
    ASYNC_BEGIN(self);
    waiter(&left_behind, &early, 'l', 0);
    AWAIT(async_yield());
    CHECK_EQ(async_process_code(&early), ASYNC_PENDING);
    ASYNC_END;
}

TEST(process_outlives_a_loop)
{
    test_real_time();
    for (way = 0;; way = ASYNC_BY_SIGCHLD_) {
        static struct main m;

        ZERO(m);
        ZERO(early);
        CHECK_EQ(shell(&early, "read x; exit 5", ASYNC_PIPE_IN), 0);
        CHECK_EQ(async_run(leaves, &m), 0);
        CHECK_LOG("l:struck ");
        CHECK_EQ(async_process_code(&early), ASYNC_PENDING);
        CHECK_EQ(async_process_terminate(&early), 0);
        CHECK_EQ(async_process_close(&early), 0);
        CHECK(async_process_code(&early) > 256);
        if (way != 0) {
            break;
        }
    }
    way = 0;
    no_child();
    CHECK(sigchld() == SIG_DFL);
}

/* ---- closing ------------------------------------------------------------- */

static ASYNC closes(struct main *self)
{
    ASYNC_BEGIN(self);
    /* It runs, nobody waits. */
    CHECK_EQ(shell(&self->p, "trap '' TERM INT HUP; exec sleep 100",
                   ASYNC_PIPE_IN | ASYNC_PIPE_OUT), 0);
    self->n = self->p.pid;
    CHECK_EQ(async_process_close(&self->p), 0);
    CHECK_EQ(kill(self->n, 0), -1);
    CHECK_EQ(async_process_code(&self->p), 256 + SIGKILL);
    CHECK_EQ(async_process_close(&self->p), ASYNC_EINVAL);
    no_child();

    /* It has ended, nobody has waited. */
    CHECK_EQ(shell(&self->p, "exit 3", ASYNC_PIPE_OUT), 0);
    AWAIT_VALUE(self->rc, async_read(self->p.out, self->text, 1));
    CHECK_EQ(self->rc, 0);
    {
        siginfo_t info;

        CHECK_EQ(waitid(P_PID, (id_t)self->p.pid, &info, WEXITED | WNOWAIT),
                 0);
    }
    CHECK_EQ(async_process_close(&self->p), 0);
    CHECK_EQ(async_process_code(&self->p), 3);
    no_child();

    /* Tasks wait; one of them was struck in this turn. */
    CHECK_EQ(shell(&self->p, "exec sleep 100", ASYNC_PIPE_IN), 0);
    for (self->i = 0; self->i < 4; self->i++) {
        waiter(&self->wait[self->i], &self->p, (char)('a' + self->i), 0);
    }
    AWAIT(async_yield());
    async_cancel(&self->wait[2].task);
    CHECK_EQ(async_process_close(&self->p), 0);
    for (self->i = 0; self->i < 4; self->i++) {
        AWAIT_RESULT(self->rc, async_join(&self->wait[self->i].task));
        CHECK_EQ(self->rc, ASYNC_ECANCELED);
    }
    CHECK(strstr(test_log_text(), "a:closed") != NULL);
    CHECK(strstr(test_log_text(), "b:closed") != NULL);
    CHECK(strstr(test_log_text(), "c:struck") != NULL);
    CHECK(strstr(test_log_text(), "d:closed") != NULL);
    test_log_clear();

    /* It is started again at once: who waited did so for the other one. */
    CHECK_EQ(shell(&self->p, "exec sleep 100", 0), 0);
    for (self->i = 0; self->i < 3; self->i++) {
        waiter(&self->wait[self->i], &self->p, (char)('a' + self->i), 0);
    }
    AWAIT(async_yield());
    async_cancel(&self->wait[2].task);
    CHECK_EQ(async_process_close(&self->p), 0);
    CHECK_EQ(shell(&self->p, "exec sleep 100", 0), 0);
    for (self->i = 0; self->i < 3; self->i++) {
        AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope,
                                             (async_duration)ASYNC_SEC(5),
                                             async_shield(&self->wait[self->i]
                                                          .task)));
        CHECK_EQ(self->rc, ASYNC_ECANCELED);
    }
    CHECK_EQ(async_process_close(&self->p), 0);
    test_log_clear();

    /* And the one who leads was struck. */
    CHECK_EQ(shell(&self->p, "exec sleep 100", 0), 0);
    waiter(&self->wait[0], &self->p, 'a', 0);
    waiter(&self->wait[1], &self->p, 'b', 0);
    AWAIT(async_yield());
    async_cancel(&self->wait[0].task);
    CHECK_EQ(async_process_close(&self->p), 0);
    for (self->i = 0; self->i < 2; self->i++) {
        AWAIT_RESULT(self->rc, async_join(&self->wait[self->i].task));
        CHECK_EQ(self->rc, ASYNC_ECANCELED);
    }
    test_log_clear();

    ASYNC_END;
}

TEST(process_closed_without_a_wait)
{
    RUN_BOTH_WAYS(closes);
}

/* After all that, a loop that nothing can wake still says so. */
static ASYNC nothing_comes(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "exec sleep 100", 0), 0);
    waiter(&self->wait[0], &self->p, 'a', 0);
    waiter(&self->wait[1], &self->p, 'b', 0);
    AWAIT(async_yield());
    async_cancel(&self->wait[0].task);
    AWAIT(async_yield());
    AWAIT(async_yield());
    CHECK_EQ(async_process_close(&self->p), 0);
    AWAIT_RESULT(self->rc, async_join(&self->wait[1].task));
    CHECK_LOG("a:struck b:closed ");
    AWAIT_RESULT(self->rc, async_join(&self->wait[0].task));
    {
        static async_event never;

        ZERO(never);
        AWAIT(async_event_wait(&never));
    }
    ASYNC_END;
}

TEST(process_leaves_no_wait_behind)
{
    static struct main m;

    test_real_time();
    for (way = 0;; way = ASYNC_BY_SIGCHLD_) {
        ZERO(m);
        CHECK_EQ(async_run(nothing_comes, &m), ASYNC_EDEADLK);
        if (way != 0) {
            break;
        }
    }
    way = 0;
    no_child();
}

/* ---- SIGCHLD, and others who wait ---------------------------------------- */

static ASYNC own_sigchld(struct main *self)
{
    ASYNC_BEGIN(self);
    handled = 0;
    CHECK_EQ(shell(&self->p, "exit 8", 0), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, 8);
    CHECK_EQ(handled, 1);
    CHECK(sigchld() == handler);
    CHECK_EQ(async_process_close(&self->p), 0);
    ASYNC_END;
}

TEST(process_beside_an_own_sigchld)
{
    test_real_time();
    signal(SIGCHLD, handler);
    for (way = 0;; way = ASYNC_BY_SIGCHLD_) {
        RUN(own_sigchld, 0);
        if (way != 0) {
            break;
        }
    }
    way = 0;
    signal(SIGCHLD, SIG_DFL);
}

/* Somebody else has waited: that is said, and nobody hangs. */
static ASYNC stolen(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "read x", ASYNC_PIPE_IN), 0);
    waiter(&self->wait[0], &self->p, 'a', 0);
    waiter(&self->wait[1], &self->p, 'b', 0);
    AWAIT(async_yield());
    CHECK_EQ(async_process_close_end(&self->p.in), 0);
    CHECK_EQ(waitpid(self->p.pid, NULL, 0), self->p.pid);
    AWAIT_RESULT(self->rc, async_join(&self->wait[0].task));
    CHECK_EQ(self->rc, ASYNC_ECHILD);
    AWAIT_RESULT(self->rc, async_join(&self->wait[1].task));
    CHECK_EQ(self->rc, ASYNC_ECHILD);
    AWAIT_RESULT(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, ASYNC_ECHILD);
    CHECK_EQ(async_process_kill(&self->p), ASYNC_ESRCH);
    CHECK_EQ(async_process_close(&self->p), 0);
    test_log_clear();
    ASYNC_END;
}

TEST(process_whose_status_is_lost)
{
    RUN_BOTH_WAYS(stolen);
}

static ASYNC ignored(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "exit 8", ASYNC_PIPE_OUT), 0);
    AWAIT_VALUE(self->rc, async_read(self->p.out, self->text, 1));
    AWAIT_RESULT(self->rc, async_process_wait(&self->p));
    if (self->p.fd >= 0 || self->rc != 8) {
        CHECK_EQ(self->rc, ASYNC_ECHILD);
    }
    CHECK_EQ(async_process_close(&self->p), 0);
    ASYNC_END;
}

TEST(process_while_sigchld_is_ignored)
{
    test_real_time();
    signal(SIGCHLD, SIG_IGN);
    RUN(ignored, 0);
    way = ASYNC_BY_SIGCHLD_;
    RUN(ignored, 0);
    way = 0;
    CHECK(sigchld() == SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
}

/* ---- communicate --------------------------------------------------------- */

static char sent[MUCH], got[MUCH + 10], got_errors[MUCH + 10];

static void fill(void)
{
    unsigned i, x = 1;

    for (i = 0; i < MUCH; i++) {
        x = x * 1103515245U + 12345U;
        sent[i] = (char)(x >> 16);
    }
    memset(got, 0, sizeof got);
    memset(got_errors, 0, sizeof got_errors);
}

static void talk_much(async_communication *talk)
{
    memset(talk, 0, sizeof *talk);
    talk->input = sent;
    talk->input_length = MUCH;
    talk->output = got;
    talk->output_room = sizeof got;
    talk->errors = got_errors;
    talk->errors_room = sizeof got_errors;
}

static ASYNC much(struct main *self)
{
    ASYNC_BEGIN(self);
    fill();
    /* All that goes in comes out twice. */
    CHECK_EQ(shell(&self->p, "tee /dev/fd/2; exit 4", ASYNC_PIPE_IN
                   | ASYNC_PIPE_OUT | ASYNC_PIPE_ERR), 0);
    talk_much(&self->talk);
    AWAIT_VALUE(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, 4);
    CHECK_EQ(self->talk.output_length, MUCH);
    CHECK_EQ(self->talk.errors_length, MUCH);
    CHECK(memcmp(got, sent, MUCH) == 0);
    CHECK(memcmp(got_errors, sent, MUCH) == 0);
    CHECK_EQ(self->p.in, -1);
    CHECK_EQ(self->p.out, -1);
    CHECK_EQ(self->p.err, -1);
    CHECK_EQ(async_process_close(&self->p), 0);

    /* It writes first, and reads then. */
    CHECK_EQ(shell(&self->p, "head -c 1000000 /dev/zero;"
                   "head -c 1000000 /dev/zero >&2; wc -c >&2",
                   ASYNC_PIPE_IN | ASYNC_PIPE_OUT | ASYNC_PIPE_ERR), 0);
    AWAIT_VALUE(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, 0);
    CHECK_EQ(self->talk.output_length, 1000000);
    CHECK_EQ(atoi(got_errors + 1000000), MUCH);
    CHECK_EQ(async_process_close(&self->p), 0);
    ASYNC_END;
}

TEST(process_megabytes_in_all_directions)
{
    RUN_BOTH_WAYS(much);
}

static ASYNC not_taken(struct main *self)
{
    ASYNC_BEGIN(self);
    fill();
    /* It ends without having read: no error. */
    CHECK_EQ(shell(&self->p, "head -c 5 >/dev/null; exit 2", ASYNC_PIPE_IN),
             0);
    talk_much(&self->talk);
    AWAIT_VALUE(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, 2);
    CHECK(self->talk.input_done < MUCH);
    CHECK_EQ(async_process_close(&self->p), 0);

    /* It says more than there is room for: it ends, its code is known, and
     * what has room is there. */
    CHECK_EQ(shell(&self->p, "echo 0123456789; head -c 300000 /dev/zero;"
                   "exit 6", ASYNC_PIPE_OUT), 0);
    hear(self);
    self->talk.output_room = 7;
    AWAIT_RESULT(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, ASYNC_EOVERFLOW);
    CHECK_STR(self->text, "0123456");
    CHECK_EQ(self->talk.output_length, 300011);
    CHECK_EQ(async_process_code(&self->p), 6);
    CHECK_EQ(async_process_close(&self->p), 0);

    /* To the byte; and nobody wants to know. */
    CHECK_EQ(shell(&self->p, "echo 0123456", ASYNC_PIPE_OUT), 0);
    hear(self);
    self->talk.output_room = 8;
    AWAIT_VALUE(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, 0);
    CHECK_EQ(async_process_close(&self->p), 0);
    CHECK_EQ(shell(&self->p, "head -c 300000 /dev/zero", ASYNC_PIPE_OUT), 0);
    ZERO(self->talk);
    AWAIT_VALUE(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, 0);
    CHECK_EQ(self->talk.output_length, 300000);
    CHECK_EQ(async_process_close(&self->p), 0);

    /* No streams at all. */
    CHECK_EQ(shell(&self->p, "exit 1", 0), 0);
    AWAIT_VALUE(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, 1);
    CHECK_EQ(async_process_close(&self->p), 0);
    ASYNC_END;
}

TEST(process_communicate_what_has_no_room)
{
    RUN_BOTH_WAYS(not_taken);
}

/* Struck again and again, it goes on where it was: not a byte is lost. */
static ASYNC interrupted(struct main *self)
{
    ASYNC_BEGIN(self);
    fill();
    CHECK_EQ(shell(&self->p, "cat; exec sleep 0.05", ASYNC_PIPE_IN
                   | ASYNC_PIPE_OUT), 0);
    talk_much(&self->talk);
    do {
        AWAIT_RESULT(self->rc,
                     ASYNC_TIMEOUT(&self->scope, (async_duration)ASYNC_US(300),
                                   async_process_communicate(&self->p,
                                                             &self->talk)));
        CHECK(self->rc == 0 || self->rc == ASYNC_ETIMEDOUT);
        self->n++;
    } while (self->rc == ASYNC_ETIMEDOUT);
    CHECK(self->n > 3);
    CHECK_EQ(self->talk.output_length, MUCH);
    CHECK(memcmp(got, sent, MUCH) == 0);
    CHECK_EQ(async_process_close(&self->p), 0);
    ASYNC_END;
}

TEST(process_communicate_is_struck)
{
    RUN_BOTH_WAYS(interrupted);
}

struct talker {
    async_frame frame;
    async_task task;
    async_process *process;
    async_communication talk;
};

static ASYNC talker(struct talker *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_process_communicate(self->process, &self->talk));
    ASYNC_END;
}

static struct talker first_talker, second_talker;

static ASYNC two_talk(struct main *self)
{
    ASYNC_BEGIN(self);
    ZERO(first_talker);
    ZERO(second_talker);
    CHECK_EQ(shell(&self->p, "read x", ASYNC_PIPE_OUT | ASYNC_NULL_IN), 0);
    CHECK_EQ(async_process_close(&self->p), 0);
    CHECK_EQ(shell(&self->p, "exec sleep 100", ASYNC_PIPE_OUT), 0);
    first_talker.process = second_talker.process = &self->p;
    async_spawn(&first_talker.task, talker, &first_talker);
    async_spawn(&second_talker.task, talker, &second_talker);
    AWAIT_RESULT(self->rc, async_join(&second_talker.task));
    CHECK_EQ(self->rc, ASYNC_EBUSY);
    /* Closed while somebody talks: an error, and nothing is left. */
    CHECK_EQ(async_process_close(&self->p), 0);
    AWAIT_RESULT(self->rc, async_join(&first_talker.task));
    CHECK_EQ(self->rc, ASYNC_EBADF);
    ASYNC_END;
}

TEST(process_communicate_by_two_tasks)
{
    RUN_BOTH_WAYS(two_talk);
}

/* A conversation by lines: each end of a pipe goes to a stream, which closes
 * it. */
static async_stream to_child, from_child;
static char to_buffer[100], from_buffer[100];

static ASYNC converses(struct main *self)
{
    static char *line;

    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "while read a b; do echo $((a + b)); done; exit 3",
                   ASYNC_PIPE_IN | ASYNC_PIPE_OUT), 0);
    ZERO(to_child);
    ZERO(from_child);
    AWAIT(async_stream_open(&to_child, self->p.in, NULL, 0, to_buffer,
                            sizeof to_buffer));
    AWAIT(async_stream_open(&from_child, self->p.out, from_buffer,
                            sizeof from_buffer, NULL, 0));
    self->p.in = self->p.out = -1;
    for (self->i = 1; self->i <= 3; self->i++) {
        AWAIT(async_stream_printf(&to_child, "%d 10\n", self->i));
        AWAIT(async_stream_flush(&to_child));
        AWAIT(async_stream_read_line(&from_child, &line));
        CHECK_EQ(atoi(line), self->i + 10);
    }
    AWAIT(async_stream_close(&to_child));
    AWAIT_VALUE(self->n, async_stream_read_line(&from_child, &line));
    CHECK_EQ(self->n, 0);
    AWAIT(async_stream_close(&from_child));
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, 3);
    CHECK_EQ(async_process_close(&self->p), 0);
    ASYNC_END;
}

TEST(process_behind_two_streams)
{
    RUN_BOTH_WAYS(converses);
}

/* ---- stopping ------------------------------------------------------------ */

struct stops_it {               /* a task that stops a process */
    async_frame frame;
    async_task task;
    async_process *process;
    async_duration grace;
    int rc;
};

static ASYNC stops_it(struct stops_it *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->rc, async_process_stop(self->process, self->grace));
    ASYNC_RETURN(self->rc);
    ASYNC_END;
}

static struct stops_it stopper;

static void stop_by_task(async_process *process, async_duration grace)
{
    ZERO(stopper);
    stopper.process = process;
    stopper.grace = grace;
    CHECK_EQ(async_spawn(&stopper.task, stops_it, &stopper), 0);
}

/* One that does not hear SIGTERM, and says when it has come so far. */
#define DEAF "trap '' TERM; echo; while :; do read x; done"

static ASYNC stop_all_kinds(struct main *self)
{
    ASYNC_BEGIN(self);
    /* A polite one ends at the first word, whatever the grace. */
    CHECK_EQ(shell(&self->p, "trap 'exit 3' TERM; echo; while :; do read x; "
                   "done", ASYNC_PIPE_OUT | ASYNC_PIPE_IN), 0);
    AWAIT(async_read(self->p.out, self->text, 1));
    AWAIT(async_process_close_end(&self->p.in));
    AWAIT_VALUE(self->rc, async_process_stop(&self->p, ASYNC_NEVER));
    CHECK_EQ(self->rc, 3);
    /* One that has ended is no error. */
    AWAIT_VALUE(self->rc, async_process_stop(&self->p, MS(1)));
    CHECK_EQ(self->rc, 3);
    CHECK_EQ(async_process_close(&self->p), 0);

    /* A deaf one is killed when the grace is over, or without any. */
    for (self->i = 0; self->i < 2; self->i++) {
        CHECK_EQ(shell(&self->p, DEAF, ASYNC_PIPE_OUT | ASYNC_PIPE_IN), 0);
        AWAIT(async_read(self->p.out, self->text, 1));
        AWAIT_VALUE(self->rc, async_process_stop(&self->p,
                                                 self->i == 0 ? MS(5) : 0));
        CHECK_EQ(self->rc, 256 + SIGKILL);
        CHECK_EQ(async_process_close(&self->p), 0);
    }
    AWAIT_RESULT(self->rc, async_process_stop(NULL, 0));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_process_stop(&self->p, 0));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    ASYNC_END;
}

TEST(process_stop)
{
    RUN_BOTH_WAYS(stop_all_kinds);
}

/* A strike ends the grace, not the wait: it is delivered when the process has
 * ended. */
static ASYNC stop_struck(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, DEAF, ASYNC_PIPE_OUT | ASYNC_PIPE_IN), 0);
    AWAIT(async_read(self->p.out, self->text, 1));
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(2),
                                         async_process_stop(&self->p,
                                                            ASYNC_NEVER)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    CHECK_EQ(async_process_code(&self->p), 256 + SIGKILL);
    CHECK_EQ(async_process_close(&self->p), 0);

    /* Struck twice, by a cancel. */
    CHECK_EQ(shell(&self->p, DEAF, ASYNC_PIPE_OUT | ASYNC_PIPE_IN), 0);
    AWAIT(async_read(self->p.out, self->text, 1));
    stop_by_task(&self->p, MS(30000));
    AWAIT(async_yield());
    AWAIT_RESULT(self->rc, async_process_stop(&self->p, 0));
    CHECK_EQ(self->rc, ASYNC_EBUSY);
    CHECK_EQ(async_cancel(&stopper.task), 1);
    AWAIT(async_yield());
    (void)async_cancel(&stopper.task);
    AWAIT_RESULT(self->rc, async_join(&stopper.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    CHECK_EQ(async_process_code(&self->p), 256 + SIGKILL);
    CHECK_EQ(async_process_close(&self->p), 0);

    /* Closed by another task, with the timer set. */
    CHECK_EQ(shell(&self->p, DEAF, ASYNC_PIPE_OUT | ASYNC_PIPE_IN), 0);
    AWAIT(async_read(self->p.out, self->text, 1));
    stop_by_task(&self->p, MS(30000));
    AWAIT(async_yield());
    CHECK_EQ(async_process_close(&self->p), 0);
    memset(&self->p, 0x55, sizeof self->p);
    AWAIT_RESULT(self->rc, async_join(&stopper.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(process_stop_struck)
{
    RUN_BOTH_WAYS(stop_struck);
}

/* ---- groups -------------------------------------------------------------- */

/* The end of a pipe is heard when the last of those is gone who have it: the
 * child, and what it has started. */
#define FAMILY "sleep 1000 & echo; wait; exit 0"

static ASYNC groups(struct main *self)
{
    ASYNC_BEGIN(self);
    /* A signal to all of them, by hand. */
    CHECK_EQ(shell(&self->p, FAMILY, ASYNC_PIPE_OUT | ASYNC_NEW_SESSION), 0);
    AWAIT(async_read(self->p.out, self->text, 1));
    CHECK_EQ(async_process_signal_group(&self->p, SIGKILL), 0);
    AWAIT_VALUE(self->n, async_read(self->p.out, self->text, 1));
    CHECK_EQ(self->n, 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, 256 + SIGKILL);
    CHECK_EQ(async_process_signal_group(&self->p, SIGKILL), ASYNC_ESRCH);
    CHECK_EQ(async_process_close(&self->p), 0);
    CHECK_EQ(async_process_signal_group(&self->p, SIGKILL), ASYNC_EINVAL);
    CHECK_EQ(async_process_signal_group(NULL, SIGKILL), ASYNC_EINVAL);

    /* By the flag: stopped, closed, or ended by itself. */
    for (self->i = 0; self->i < 3; self->i++) {
        CHECK_EQ(shell(&self->p, self->i == 2 ? "sleep 1000 & echo; exit 4"
                       : FAMILY, ASYNC_PIPE_OUT | ASYNC_KILL_GROUP), 0);
        CHECK_EQ(getsid(self->p.pid), self->p.pid);
        AWAIT(async_read(self->p.out, self->text, 1));
        self->ends[0] = self->p.out;
        self->p.out = -1;
        if (self->i == 0) {
            AWAIT_VALUE(self->rc, async_process_stop(&self->p, ASYNC_NEVER));
            CHECK_EQ(self->rc, 256 + SIGTERM);
        } else if (self->i == 2) {
            AWAIT_VALUE(self->rc, async_process_wait(&self->p));
            CHECK_EQ(self->rc, 4);
        }
        CHECK_EQ(async_process_close(&self->p), 0);
        AWAIT_VALUE(self->n, async_read(self->ends[0], self->text, 1));
        CHECK_EQ(self->n, 0);
        AWAIT(async_close(self->ends[0]));
    }

    /* Without one there is no group of its own. */
    CHECK_EQ(shell(&self->p, "read x", ASYNC_PIPE_IN), 0);
    CHECK_EQ(async_process_signal_group(&self->p, SIGKILL), ASYNC_EINVAL);
    CHECK_EQ(async_process_close(&self->p), 0);
    ASYNC_END;
}

TEST(process_groups)
{
    RUN_BOTH_WAYS(groups);
}

/* ---- threads ------------------------------------------------------------- */

/* A stream fails in the very turn in which who talks is struck: that is not
 * forgotten, when the talk goes on. */
struct resumer {
    async_frame frame;
    async_task task;
    async_process process;
    async_communication talk;
    char text[8];
    int rc, error, strikes;
};

static ASYNC talks_on(struct resumer *self)
{
    ASYNC_BEGIN(self);
    AWAIT(shell(&self->process, "cat", ASYNC_PIPE_IN | ASYNC_PIPE_OUT));
    (void)async_process_close_end(&self->process.in);
    self->process.in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    self->talk.input = "lost";
    self->talk.input_length = 4;
    self->talk.output = self->text;
    self->talk.output_room = sizeof self->text;
    do {
        self->error = 0;
        ASYNC_TRY {
            AWAIT_RESULT(self->rc, async_process_communicate(&self->process,
                                                             &self->talk));
        } ASYNC_CATCH_ALL(self->error) {
            self->strikes++;
        } ASYNC_TRY_END
    } while (self->error != 0);
    CHECK_EQ(self->rc, -EBADF);         /* struck before it, or not at all */
    AWAIT(async_process_close(&self->process));
    ASYNC_END;
}

static struct resumer resumer_;

static ASYNC strikes_who_talks(struct main *self)
{
    ASYNC_BEGIN(self);
    for (self->k = 1; self->k < 4; self->k++) {
        ZERO(resumer_);
        async_spawn(&resumer_.task, talks_on, &resumer_);
        for (self->i = 0; self->i < self->k; self->i++) {
            AWAIT(async_yield());
        }
        async_cancel(&resumer_.task);
        AWAIT(async_join(&resumer_.task));
        self->sum += resumer_.strikes;
    }
    CHECK(self->sum > 0);
    ASYNC_END;
}

TEST(process_talk_remembers_what_failed)
{
    test_real_time();
    RUN(strikes_who_talks, 0);
}

#ifndef __TINYC__               /* which has no variables of a thread */

struct worker {
    async_frame frame;
    async_process process;
    async_communication talk;
    async_timeout scope;
    unsigned way;
    int i, rc, failed;
    char text[40], line[60];
};

static ASYNC works(struct worker *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 12; self->i++) {
        snprintf(self->line, sizeof self->line, "cat; exit %d", self->i);
        AWAIT(async_process_shell(&self->process, self->line, ASYNC_PIPE_IN
                                  | ASYNC_PIPE_OUT | self->way, NULL));
        ZERO(self->talk);
        self->talk.input = self->line;
        self->talk.input_length = strlen(self->line);
        self->talk.output = self->text;
        self->talk.output_room = sizeof self->text;
        AWAIT_VALUE(self->rc, ASYNC_TIMEOUT(
            &self->scope, (async_duration)ASYNC_SEC(30),
            async_process_communicate(&self->process, &self->talk)));
        if (self->rc != self->i
            || self->talk.output_length != strlen(self->line)
            || memcmp(self->text, self->line, strlen(self->line)) != 0) {
            self->failed++;
        }
        AWAIT(async_process_close(&self->process));
    }
    ASYNC_END;
}

static void *work(void *argument)
{
    struct worker *self = (struct worker *)argument;

    if (async_run(works, self) != 0) {
        self->failed++;
    }
    return NULL;
}

#endif

/* A loop in each thread, processes in each, half of them either way. */
TEST(process_in_several_threads)
{
#ifndef __TINYC__
    static struct worker workers[THREADS];
    pthread_t threads[THREADS];
    int i;

    test_real_time();
    memset(workers, 0, sizeof workers);
    for (i = 0; i < THREADS; i++) {
        workers[i].way = i % 2 == 0 ? 0 : ASYNC_BY_SIGCHLD_;
        CHECK_EQ(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(workers[i].failed, 0);
    }
    no_child();
    CHECK(sigchld() == SIG_DFL);
#endif
}

#endif

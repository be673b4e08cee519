/* py_subprocess: the cases of CPython's Lib/test/test_asyncio that concern
 * processes and signals and have a meaning here, by name: those of
 * test_subprocess.py, of test_events.py (events_), and of test_unix_events.py,
 * whose SelectorEventLoopSignalTests are signals_ and whose
 * ChildWatcherTestsMixin is watcher_. The others, and those that end
 * otherwise, are in tests/py.md. A watcher there is one of two ways here: each
 * case runs by pidfd and by SIGCHLD. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "fdtools.h"

#if ASYNC_HOSTED

#include <pthread.h>
#include <sys/wait.h>

static unsigned way;

struct talks {
    async_frame frame;
    async_task task;
    async_process *process;
    async_communication talk;
    char text[20];
};

struct main {
    async_frame frame;
    async_process p, q, ten[10];
    async_process_setup setup;
    async_communication talk;
    async_signal a, b;
    async_task task;
    async_timeout scope;
    struct talks talks[10];
    int i, n, rc, outcome;
    size_t done;
    char text[100], errors[100];
};

#define RUN(fn) \
    do { \
        static struct main m; \
        int before = lowest_fd(); \
        ZERO(m); \
        CHECK_EQ(async_run(fn, &m), 0); \
        CHECK_EQ(lowest_fd(), before); \
        CHECK_EQ(waitpid(-1, NULL, WNOHANG), -1); \
    } while (0)
#define RUN_BOTH_WAYS(fn) \
    do { \
        test_real_time(); \
        way = 0; \
        RUN(fn); \
        way = ASYNC_BY_SIGCHLD_; \
        RUN(fn); \
        way = 0; \
    } while (0)

enum { ALL = ASYNC_PIPE_IN | ASYNC_PIPE_OUT | ASYNC_PIPE_ERR };

static int shell(async_process *process, const char *line, unsigned flags)
{
    return async_process_shell(process, line, flags | way, NULL);
}

/* The program that only blocks. */
static int blocks(async_process *process)
{
    static const char *const argv[] = {"sleep", "3600", NULL};

    return async_process_start(process, argv, way, NULL);
}

/* What communicate is told: this input, and to put all into text and errors. */
static void tell(struct main *self, const char *input)
{
    ZERO(self->talk);
    memset(self->text, 0, sizeof self->text);
    memset(self->errors, 0, sizeof self->errors);
    if (input != NULL) {
        self->talk.input = input;
        self->talk.input_length = strlen(input);
    }
    self->talk.output = self->text;
    self->talk.output_room = sizeof self->text - 1;
    self->talk.errors = self->errors;
    self->talk.errors_room = sizeof self->errors - 1;
}

#define CLOSED(process) CHECK_EQ(async_process_close(process), 0)

/* ---- test_subprocess ----------------------------------------------------- */

static ASYNC proc_exited(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "exit 6", ALL), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, 6);
    CHECK_EQ(async_process_code(&self->p), 6);
    CHECK_EQ(async_process_signal(&self->p, SIGTERM), ASYNC_ESRCH);
    CHECK_EQ(async_process_terminate(&self->p), ASYNC_ESRCH);
    CHECK_EQ(async_process_kill(&self->p), ASYNC_ESRCH);
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_subprocess_proc_exited)
{
    RUN_BOTH_WAYS(proc_exited);
}

static ASYNC stdin_stdout(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "cat", ASYNC_PIPE_IN | ASYNC_PIPE_OUT), 0);
    AWAIT(async_write_all(self->p.in, "some data", 9, &self->done));
    CHECK_EQ(async_process_close_end(&self->p.in), 0);
    AWAIT(async_read_exactly(self->p.out, self->text, 9, &self->done));
    CHECK_STR(self->text, "some data");
    AWAIT_VALUE(self->n, async_read(self->p.out, self->text, 9));
    CHECK_EQ(self->n, 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, 0);
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_subprocess_stdin_stdout)
{
    RUN_BOTH_WAYS(stdin_stdout);
}

static ASYNC communicate(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "cat", ASYNC_PIPE_IN | ASYNC_PIPE_OUT), 0);
    tell(self, "some data");
    AWAIT_VALUE(self->rc, ASYNC_TIMEOUT(
        &self->scope, (async_duration)ASYNC_SEC(30),
        async_process_communicate(&self->p, &self->talk)));
    CHECK_EQ(self->rc, 0);
    CHECK_STR(self->text, "some data");
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_subprocess_communicate)
{
    RUN_BOTH_WAYS(communicate);
}

static ASYNC in_a_shell(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "exit 7", 0), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, 7);
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_subprocess_shell)
{
    RUN_BOTH_WAYS(in_a_shell);
}

static ASYNC start_new_session(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "exit 8", ASYNC_NEW_SESSION), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, 8);
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_subprocess_start_new_session)
{
    RUN_BOTH_WAYS(start_new_session);
}

static ASYNC kills(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(blocks(&self->p), 0);
    CHECK_EQ(async_process_kill(&self->p), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(ASYNC_PROCESS_SIGNAL(self->rc), SIGKILL);
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_subprocess_kill)
{
    RUN_BOTH_WAYS(kills);
}

/* The shell is killed; its child still has the other end of the pipe. */
static ASYNC kill_issue43884(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "echo begun; sleep 0.1; sleep 0.1",
                   ASYNC_PIPE_OUT), 0);
    AWAIT(async_read_exactly(self->p.out, self->text, 6, &self->done));
    CHECK_EQ(async_process_kill(&self->p), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(ASYNC_PROCESS_SIGNAL(self->rc), SIGKILL);
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_subprocess_kill_issue43884)
{
    RUN_BOTH_WAYS(kill_issue43884);
}

static ASYNC terminates(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(blocks(&self->p), 0);
    CHECK_EQ(async_process_terminate(&self->p), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(ASYNC_PROCESS_SIGNAL(self->rc), SIGTERM);
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_subprocess_terminate)
{
    RUN_BOTH_WAYS(terminates);
}

static ASYNC send_signal(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "echo sleeping; exec sleep 3600",
                   ASYNC_PIPE_OUT), 0);
    AWAIT(async_read_exactly(self->p.out, self->text, 9, &self->done));
    CHECK_STR(self->text, "sleeping\n");
    CHECK_EQ(async_process_signal(&self->p, SIGHUP), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(ASYNC_PROCESS_SIGNAL(self->rc), SIGHUP);
    CLOSED(&self->p);
    ASYNC_END;
}

static void nothing(int number)
{
    (void)number;
}

TEST(py_subprocess_send_signal)
{
    signal(SIGHUP, nothing);            /* which is not inherited */
    RUN_BOTH_WAYS(send_signal);
    signal(SIGHUP, SIG_DFL);
}

static char large[300000];

static ASYNC stdin_broken_pipe(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "exit 0", ASYNC_PIPE_IN), 0);
    AWAIT(async_process_wait(&self->p));
    AWAIT_RESULT(self->rc, async_write_all(self->p.in, large, sizeof large,
                                           &self->done));
    CHECK_EQ(self->rc, ASYNC_EPIPE);
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_subprocess_stdin_broken_pipe)
{
    RUN_BOTH_WAYS(stdin_broken_pipe);
}

static ASYNC communicate_ignore_broken_pipe(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "exit 0", ASYNC_PIPE_IN), 0);
    self->talk.input = large;
    self->talk.input_length = sizeof large;
    AWAIT_VALUE(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, 0);
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_subprocess_communicate_ignore_broken_pipe)
{
    RUN_BOTH_WAYS(communicate_ignore_broken_pipe);
}

/* Nothing is read ahead: what the pipe does not hold waits in the child. */
static ASYNC pause_reading(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "head -c 300000 /dev/zero",
                   ASYNC_PIPE_IN | ASYNC_PIPE_OUT), 0);
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(20),
                                         async_process_wait(&self->p)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    self->talk.output = large;
    self->talk.output_room = sizeof large;
    AWAIT_VALUE(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, 0);
    CHECK_EQ(self->talk.output_length, 300000);
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_subprocess_pause_reading)
{
    RUN_BOTH_WAYS(pause_reading);
}

static const char *const counts = "wc -c | tr -d ' '";

/* The other descriptors are kept open, and still it sees its input's end. */
static ASYNC stdin_not_inheritable(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, counts, ALL | ASYNC_KEEP_FDS), 0);
    tell(self, "abc");
    AWAIT_VALUE(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, 0);
    CHECK_STR(self->text, "3\n");
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_subprocess_stdin_not_inheritable)
{
    RUN_BOTH_WAYS(stdin_not_inheritable);
}

static ASYNC empty_input(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, counts, ALL | ASYNC_KEEP_FDS), 0);
    tell(self, "");
    AWAIT_VALUE(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, 0);
    CHECK_STR(self->text, "0\n");
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_subprocess_empty_input)
{
    RUN_BOTH_WAYS(empty_input);
}

static ASYNC devnull_input(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, counts, ASYNC_NULL_IN | ASYNC_PIPE_OUT
                                     | ASYNC_PIPE_ERR), 0);
    tell(self, NULL);
    AWAIT_VALUE(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, 0);
    CHECK_STR(self->text, "0\n");
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_subprocess_devnull_input)
{
    RUN_BOTH_WAYS(devnull_input);
}

static ASYNC devnull_output(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, counts, ASYNC_PIPE_IN | ASYNC_NULL_OUT
                                     | ASYNC_PIPE_ERR), 0);
    tell(self, "abc");
    AWAIT_VALUE(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, 0);
    CHECK_EQ(self->talk.output_length, 0);
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_subprocess_devnull_output)
{
    RUN_BOTH_WAYS(devnull_output);
}

static ASYNC devnull_error(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "cat >&2", ASYNC_PIPE_IN | ASYNC_PIPE_OUT
                                        | ASYNC_NULL_ERR), 0);
    tell(self, "abc");
    AWAIT_VALUE(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, 0);
    CHECK_EQ(self->talk.errors_length, 0);
    CHECK_EQ(self->talk.output_length, 0);
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_subprocess_devnull_error)
{
    RUN_BOTH_WAYS(devnull_error);
}

/* It opens its input by name, which works for a pipe. */
static ASYNC devstdin_input(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "cat /dev/stdin", ALL), 0);
    tell(self, "abc");
    AWAIT_VALUE(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, 0);
    CHECK_STR(self->text, "abc");
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_subprocess_devstdin_input)
{
    RUN_BOTH_WAYS(devstdin_input);
}

static ASYNC just_waits(async_process **self)
{
    return async_process_wait(*self);
}

static async_process *awaited;

static ASYNC cancel_process_wait(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(blocks(&self->p), 0);
    awaited = &self->p;
    CHECK_EQ(async_spawn(&self->task, just_waits, &awaited), 0);
    AWAIT(async_yield());
    async_cancel(&self->task);
    AWAIT_RESULT(self->rc, async_join(&self->task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    CHECK_EQ(async_cancel(&self->task), 0);
    CHECK_EQ(async_process_kill(&self->p), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(ASYNC_PROCESS_SIGNAL(self->rc), SIGKILL);
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_subprocess_cancel_process_wait)
{
    RUN_BOTH_WAYS(cancel_process_wait);
}

static ASYNC close_kill_running(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(blocks(&self->p), 0);
    CHECK_EQ(async_process_code(&self->p), ASYNC_PENDING);
    CLOSED(&self->p);
    CHECK_EQ(async_process_code(&self->p), 256 + SIGKILL);
    ASYNC_END;
}

TEST(py_subprocess_close_kill_running)
{
    RUN_BOTH_WAYS(close_kill_running);
}

/* It has ended, and other code has waited for it: its number may be another
 * one's, who is not killed. */
static ASYNC close_dont_kill_finished(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(blocks(&self->p), 0);
    CHECK_EQ(async_process_kill(&self->p), 0);
    CHECK_EQ(waitpid(self->p.pid, NULL, 0), self->p.pid);
    CLOSED(&self->p);
    CHECK_EQ(async_process_code(&self->p), ASYNC_ECHILD);
    ASYNC_END;
}

TEST(py_subprocess_close_dont_kill_finished)
{
    RUN_BOTH_WAYS(close_dont_kill_finished);
}

static ASYNC popen_error(struct main *self)
{
    static const char *const argv[] = {"/no/such/program", NULL};

    ASYNC_BEGIN(self);
    CHECK_EQ(async_process_start(&self->p, argv, way, NULL), ASYNC_ENOENT);
    CHECK_EQ(async_process_close(&self->p), ASYNC_EINVAL);
    ASYNC_END;
}

TEST(py_subprocess_popen_error)
{
    RUN_BOTH_WAYS(popen_error);
}

static ASYNC popen_error_with_stdin_pipe(struct main *self)
{
    static const char *const argv[] = {"/no/such/program", NULL};

    ASYNC_BEGIN(self);
    CHECK_EQ(async_process_start(&self->p, argv, ASYNC_PIPE_IN | way, NULL),
             ASYNC_ENOENT);
    ASYNC_END;
}

TEST(py_subprocess_popen_error_with_stdin_pipe)
{
    RUN_BOTH_WAYS(popen_error_with_stdin_pipe);
}

static ASYNC read_stdout_after_process_exit(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "head -c 60000 /dev/zero; exit 1",
                   ASYNC_PIPE_OUT), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, 1);
    for (;;) {
        AWAIT_VALUE(self->n, async_read(self->p.out, large, 4096));
        if (self->n == 0) {
            break;
        }
        self->done += (size_t)self->n;
        AWAIT(async_yield());
    }
    CHECK_EQ(self->done, 60000);
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_subprocess_read_stdout_after_process_exit)
{
    RUN_BOTH_WAYS(read_stdout_after_process_exit);
}

static ASYNC talks(struct talks *self)
{
    ASYNC_BEGIN(self);
    self->talk.output = self->text;
    self->talk.output_room = sizeof self->text;
    AWAIT(async_process_communicate(self->process, &self->talk));
    ASYNC_END;
}

static ASYNC subprocess_communicate_stdout(struct main *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 10; self->i++) {
        snprintf(self->text, sizeof self->text, "echo foo%d", self->i);
        CHECK_EQ(shell(&self->ten[self->i], self->text, ASYNC_PIPE_OUT), 0);
        self->talks[self->i].process = &self->ten[self->i];
        async_spawn(&self->talks[self->i].task, talks, &self->talks[self->i]);
    }
    for (self->i = 0; self->i < 10; self->i++) {
        AWAIT(async_join(&self->talks[self->i].task));
        snprintf(self->text, sizeof self->text, "foo%d\n", self->i);
        CHECK_STR(self->talks[self->i].text, self->text);
        CLOSED(&self->ten[self->i]);
    }
    ASYNC_END;
}

TEST(py_subprocess_communicate_stdout)
{
    RUN_BOTH_WAYS(subprocess_communicate_stdout);
}

/* In the loop of another thread. */
static void *in_thread(void *argument)
{
    static struct main m;

    ZERO(m);
    *(int *)argument = async_run(communicate, &m);
    return NULL;
}

TEST(py_subprocess_create_subprocess_with_pidfd)
{
    pthread_t thread;
    int result;

    test_real_time();
    for (way = 0;; way = ASYNC_BY_SIGCHLD_) {
        result = -1;
        CHECK_EQ(pthread_create(&thread, NULL, in_thread, &result), 0);
        pthread_join(thread, NULL);
        CHECK_EQ(result, 0);
        if (way != 0) {
            break;
        }
    }
    way = 0;
}

/* ---- test_events --------------------------------------------------------- */

static ASYNC subprocess_exec(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "exec cat", ALL), 0);
    AWAIT(async_write_all(self->p.in, "Python The Winner", 17, &self->done));
    AWAIT(async_read_exactly(self->p.out, self->text, 17, &self->done));
    CHECK_STR(self->text, "Python The Winner");
    CLOSED(&self->p);
    CHECK_EQ(async_process_code(&self->p), 256 + SIGKILL);
    ASYNC_END;
}

TEST(py_events_subprocess_exec)
{
    RUN_BOTH_WAYS(subprocess_exec);
}

static ASYNC subprocess_interactive(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "exec cat", ALL), 0);
    AWAIT(async_write_all(self->p.in, "Python ", 7, &self->done));
    AWAIT(async_read_exactly(self->p.out, self->text, 7, &self->done));
    CHECK_STR(self->text, "Python ");
    AWAIT(async_write_all(self->p.in, "The Winner", 10, &self->done));
    AWAIT(async_read_exactly(self->p.out, self->text + 7, 10, &self->done));
    CHECK_STR(self->text, "Python The Winner");
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_events_subprocess_interactive)
{
    RUN_BOTH_WAYS(subprocess_interactive);
}

static ASYNC subprocess_shell(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "echo Python", ALL), 0);
    CHECK_EQ(async_process_close_end(&self->p.in), 0);
    tell(self, NULL);
    AWAIT_VALUE(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, 0);
    CHECK_STR(self->text, "Python\n");
    CHECK_STR(self->errors, "");
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_events_subprocess_shell)
{
    RUN_BOTH_WAYS(subprocess_shell);
}

TEST(py_events_subprocess_exitcode)
{
    RUN_BOTH_WAYS(in_a_shell);
}

static ASYNC subprocess_close_after_finish(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "exit 7", 0), 0);
    CHECK_EQ(self->p.in, -1);
    CHECK_EQ(self->p.out, -1);
    CHECK_EQ(self->p.err, -1);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, 7);
    CLOSED(&self->p);
    CHECK_EQ(async_process_code(&self->p), 7);
    ASYNC_END;
}

TEST(py_events_subprocess_close_after_finish)
{
    RUN_BOTH_WAYS(subprocess_close_after_finish);
}

TEST(py_events_subprocess_kill)
{
    RUN_BOTH_WAYS(kills);
}

TEST(py_events_subprocess_terminate)
{
    RUN_BOTH_WAYS(terminates);
}

TEST(py_events_subprocess_send_signal)
{
    RUN_BOTH_WAYS(send_signal);
}

static const char *const both_streams =
    "read x; printf OUT:$x; printf ERR:$x >&2";

static ASYNC subprocess_stderr(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, both_streams, ALL), 0);
    tell(self, "test\n");
    AWAIT_VALUE(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, 0);
    CHECK_STR(self->text, "OUT:test");
    CHECK_STR(self->errors, "ERR:test");
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_events_subprocess_stderr)
{
    RUN_BOTH_WAYS(subprocess_stderr);
}

static ASYNC subprocess_stderr_redirect_to_stdout(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, both_streams, ASYNC_PIPE_IN | ASYNC_PIPE_OUT
                                           | ASYNC_ERR_TO_OUT), 0);
    CHECK(self->p.out >= 0);
    CHECK_EQ(self->p.err, -1);
    tell(self, "test\n");
    AWAIT_VALUE(self->rc, async_process_communicate(&self->p, &self->talk));
    CHECK_EQ(self->rc, 0);
    CHECK_STR(self->text, "OUT:testERR:test");
    CHECK_STR(self->errors, "");
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_events_subprocess_stderr_redirect_to_stdout)
{
    RUN_BOTH_WAYS(subprocess_stderr_redirect_to_stdout);
}

/* We close the end from which we read: the child's next write fails. */
static ASYNC subprocess_close_client_stream(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "trap 'printf broken >&2' PIPE; read x;"
                   "echo OUT:$x; read x; echo OUT:$x; read x", ALL), 0);
    AWAIT(async_write_all(self->p.in, "test\n", 5, &self->done));
    AWAIT(async_read_exactly(self->p.out, self->text, 9, &self->done));
    CHECK_STR(self->text, "OUT:test\n");
    CHECK_EQ(async_process_close_end(&self->p.out), 0);
    AWAIT(async_write_all(self->p.in, "xxx\n", 4, &self->done));
    AWAIT_VALUE(self->n, async_read(self->p.err, self->errors, 90));
    CHECK(self->n > 0);
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_events_subprocess_close_client_stream)
{
    RUN_BOTH_WAYS(subprocess_close_client_stream);
}

TEST(py_events_subprocess_wait_no_same_group)
{
    RUN_BOTH_WAYS(start_new_session);
}

static ASYNC subprocess_invalid_args(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_process_start(&self->p, NULL, way, NULL), ASYNC_EINVAL);
    CHECK_EQ(shell(&self->p, NULL, 0), ASYNC_EINVAL);
    CHECK_EQ(shell(&self->p, "pwd", 0x10000u), ASYNC_EINVAL);
    CHECK_EQ(shell(&self->p, "pwd", ASYNC_PIPE_OUT | ASYNC_NULL_OUT),
             ASYNC_EINVAL);
    ASYNC_END;
}

TEST(py_events_subprocess_exec_invalid_args)
{
    RUN_BOTH_WAYS(subprocess_invalid_args);
}

static ASYNC add_signal_handler(struct main *self)
{
    struct sigaction now;

    ASYNC_BEGIN(self);
    CHECK_EQ(async_signal_open(&self->a, 65), ASYNC_EINVAL);
    CHECK_EQ(async_signal_open(&self->a, 0), ASYNC_EINVAL);
    CHECK_EQ(async_signal_open(&self->a, -1), ASYNC_EINVAL);
    CHECK_EQ(async_signal_open(&self->a, SIGKILL), ASYNC_EINVAL);
    CHECK_EQ(async_signal_close(&self->a), ASYNC_EINVAL);
    CHECK_EQ(async_signal_open(&self->a, SIGINT), 0);
    kill(getpid(), SIGINT);
    AWAIT_VALUE(self->n, async_signal_wait(&self->a));
    CHECK_EQ(self->n, 1);
    CHECK_EQ(async_signal_close(&self->a), 0);
    sigaction(SIGINT, NULL, &now);
    CHECK(now.sa_handler == SIG_DFL);
    CHECK_EQ(async_signal_close(&self->a), ASYNC_EINVAL);
    ASYNC_END;
}

TEST(py_events_add_signal_handler)
{
    test_real_time();
    RUN(add_signal_handler);
}

static ASYNC signal_handling_while_selecting(struct main *self)
{
    struct itimerval once;

    ASYNC_BEGIN(self);
    CHECK_EQ(async_signal_open(&self->a, SIGALRM), 0);
    memset(&once, 0, sizeof once);
    once.it_value.tv_usec = 10000;
    setitimer(ITIMER_REAL, &once, NULL);
    AWAIT_VALUE(self->n, ASYNC_TIMEOUT(&self->scope,
                                       (async_duration)ASYNC_SEC(30),
                                       async_signal_wait(&self->a)));
    CHECK_EQ(self->n, 1);
    CHECK_EQ(async_signal_close(&self->a), 0);
    ASYNC_END;
}

TEST(py_events_signal_handling_while_selecting)
{
    test_real_time();
    RUN(signal_handling_while_selecting);
}

/* ---- test_unix_events: signals ------------------------------------------- */

static ASYNC check_signal(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_signal_open(&self->a, 65), ASYNC_EINVAL);
    CHECK_EQ(async_signal_open(&self->a, SIGSTOP), ASYNC_EINVAL);
    CHECK_EQ(async_signal_open(NULL, SIGINT), ASYNC_EINVAL);
    ASYNC_END;
}

TEST(py_signals_check_signal)
{
    RUN(check_signal);
}

/* The signal was seen by the handler, but its watcher is closed. */
static ASYNC handle_signal_cancelled_handler(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_signal_open(&self->a, SIGUSR1), 0);
    raise(SIGUSR1);
    CHECK_EQ(async_signal_close(&self->a), 0);
    CHECK_EQ(async_signal_open(&self->a, SIGUSR1), 0);
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, 0,
                                         async_signal_wait(&self->a)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);        /* of the one from before */
    CHECK_EQ(async_signal_close(&self->a), 0);
    ASYNC_END;
}

TEST(py_signals_handle_signal_cancelled_handler)
{
    RUN(handle_signal_cancelled_handler);
}

/* Outside of any loop. */
TEST(py_signals_add_signal_handler_setup_error)
{
    static async_signal none;

    CHECK_EQ(async_signal_open(&none, SIGINT), ASYNC_EPERM);
}

static ASYNC removes(struct main *self)
{
    struct sigaction now;

    ASYNC_BEGIN(self);
    CHECK_EQ(async_signal_open(&self->a, SIGHUP), 0);
    CHECK_EQ(async_signal_add(&self->a, SIGINT), 0);
    CHECK_EQ(async_signal_close(&self->a), 0);
    sigaction(SIGHUP, NULL, &now);
    CHECK(now.sa_handler == SIG_DFL);
    sigaction(SIGINT, NULL, &now);
    CHECK(now.sa_handler == SIG_IGN);
    ASYNC_END;
}

TEST(py_signals_remove_signal_handler)
{
    signal(SIGINT, SIG_IGN);
    RUN(removes);
    signal(SIGINT, SIG_DFL);
}

/* One is removed, another one of the same signal is not. */
static ASYNC remove_signal_handler_2(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_signal_open(&self->a, SIGINT), 0);
    CHECK_EQ(async_signal_open(&self->b, SIGINT), 0);
    CHECK_EQ(async_signal_close(&self->a), 0);
    raise(SIGINT);
    AWAIT_VALUE(self->n, async_signal_wait(&self->b));
    CHECK_EQ(self->n, 1);
    CHECK_EQ(async_signal_close(&self->b), 0);
    ASYNC_END;
}

TEST(py_signals_remove_signal_handler_2)
{
    RUN(remove_signal_handler_2);
}

/* ---- test_unix_events: child watchers ------------------------------------ */

static ASYNC sigchld(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "read x; exit 12", ASYNC_PIPE_IN), 0);
    raise(SIGCHLD);                     /* of no child of ours */
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(5),
                                         async_process_wait(&self->p)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    CHECK_EQ(async_process_close_end(&self->p.in), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, 12);
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_watcher_sigchld)
{
    RUN_BOTH_WAYS(sigchld);
}

static ASYNC sigchld_two_children(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "read x; exit 12", ASYNC_PIPE_IN), 0);
    CHECK_EQ(shell(&self->q, "read x; exit 13", ASYNC_PIPE_IN), 0);
    CHECK_EQ(async_process_close_end(&self->q.in), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->q));
    CHECK_EQ(self->rc, 13);
    CHECK_EQ(async_process_code(&self->p), ASYNC_PENDING);
    CHECK_EQ(async_process_close_end(&self->p.in), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, 12);
    CLOSED(&self->p);
    CLOSED(&self->q);
    ASYNC_END;
}

TEST(py_watcher_sigchld_two_children)
{
    RUN_BOTH_WAYS(sigchld_two_children);
}

static ASYNC sigchld_two_children_terminating_together(struct main *self)
{
    siginfo_t info;

    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "exit 17", 0), 0);
    CHECK_EQ(shell(&self->q, "exit 18", 0), 0);
    CHECK_EQ(waitid(P_PID, (id_t)self->p.pid, &info, WEXITED | WNOWAIT), 0);
    CHECK_EQ(waitid(P_PID, (id_t)self->q.pid, &info, WEXITED | WNOWAIT), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->q));
    CHECK_EQ(self->rc, 18);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, 17);
    CLOSED(&self->p);
    CLOSED(&self->q);
    ASYNC_END;
}

TEST(py_watcher_sigchld_two_children_terminating_together)
{
    RUN_BOTH_WAYS(sigchld_two_children_terminating_together);
}

/* It has ended before anybody watches. */
static ASYNC sigchld_race_condition(struct main *self)
{
    siginfo_t info;

    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "exit 50", 0), 0);
    CHECK_EQ(waitid(P_PID, (id_t)self->p.pid, &info, WEXITED | WNOWAIT), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, 50);
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_watcher_sigchld_race_condition)
{
    RUN_BOTH_WAYS(sigchld_race_condition);
}

TEST(py_watcher_sigchld_remove_handler)
{
    RUN_BOTH_WAYS(cancel_process_wait);
}

static ASYNC sigchld_child_reaped_elsewhere(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(shell(&self->p, "exit 58", 0), 0);
    CHECK_EQ(waitpid(self->p.pid, NULL, 0), self->p.pid);
    AWAIT_RESULT(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, ASYNC_ECHILD);
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_watcher_sigchld_child_reaped_elsewhere)
{
    RUN_BOTH_WAYS(sigchld_child_reaped_elsewhere);
}

/* Children of the program that are not ours are left alone. */
static ASYNC sigchld_unknown_pid(struct main *self)
{
    ASYNC_BEGIN(self);
    self->n = (int)fork();
    if (self->n == 0) {
        _exit(59);
    }
    CHECK_EQ(shell(&self->p, "read x; exit 60", ASYNC_PIPE_IN), 0);
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(5),
                                         async_process_wait(&self->p)));
    CHECK_EQ(async_process_close_end(&self->p.in), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&self->p));
    CHECK_EQ(self->rc, 60);
    CHECK_EQ(waitpid(self->n, &self->rc, 0), self->n);
    CHECK(WIFEXITED(self->rc) && WEXITSTATUS(self->rc) == 59);
    CLOSED(&self->p);
    ASYNC_END;
}

TEST(py_watcher_sigchld_unknown_pid_during_registration)
{
    RUN_BOTH_WAYS(sigchld_unknown_pid);
}

/* It is awaited in one loop, which ends, and then in another one. */
static async_process moving;

static ASYNC first_loop(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(3),
                                         async_process_wait(&moving)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    ASYNC_END;
}

static ASYNC second_loop(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_process_close_end(&moving.in), 0);
    AWAIT_VALUE(self->rc, async_process_wait(&moving));
    CHECK_EQ(self->rc, 60);
    ASYNC_END;
}

TEST(py_watcher_set_loop)
{
    static struct main m;

    test_real_time();
    for (way = 0;; way = ASYNC_BY_SIGCHLD_) {
        ZERO(moving);
        CHECK_EQ(shell(&moving, "read x; exit 60", ASYNC_PIPE_IN), 0);
        ZERO(m);
        CHECK_EQ(async_run(first_loop, &m), 0);
        ZERO(m);
        CHECK_EQ(async_run(second_loop, &m), 0);
        CLOSED(&moving);
        if (way != 0) {
            break;
        }
    }
    way = 0;
}

/* And it ends between the two. */
static ASYNC third_loop(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->rc, async_process_wait(&moving));
    CHECK_EQ(self->rc, 61);
    ASYNC_END;
}

TEST(py_watcher_set_loop_race_condition)
{
    static struct main m;
    siginfo_t info;

    test_real_time();
    for (way = 0;; way = ASYNC_BY_SIGCHLD_) {
        ZERO(moving);
        CHECK_EQ(shell(&moving, "read x; exit 61", ASYNC_PIPE_IN), 0);
        ZERO(m);
        CHECK_EQ(async_run(first_loop, &m), 0);
        CHECK_EQ(async_process_close_end(&moving.in), 0);
        CHECK_EQ(waitid(P_PID, (id_t)moving.pid, &info, WEXITED | WNOWAIT),
                 0);
        ZERO(m);
        CHECK_EQ(async_run(third_loop, &m), 0);
        CLOSED(&moving);
        if (way != 0) {
            break;
        }
    }
    way = 0;
}

TEST(py_watcher_close)
{
    RUN_BOTH_WAYS(close_kill_running);
}

#endif

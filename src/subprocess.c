/* ===========================================================================
 * subprocess: making a child, and what its parent does with it.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "config.h"
#if ASYNC_HOSTED
#include "subprocess.h"
#include "fd_table.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

/* Where a header of the system came first, it shows all but these two. */
#if defined __GLIBC__ && defined __USE_MISC && !defined __USE_GNU
extern int pipe2(int ends[2], int flags);
extern char **environ;
#elif defined __APPLE__
#include <crt_externs.h>
#define environ (*_NSGetEnviron())
#elif !defined __linux__
extern char **environ;
#endif

/* A macro, as the function that calls vfork must not return in the child. */
#ifndef ASYNC_FORK_
#if defined __linux__ || defined __FreeBSD__ || defined __NetBSD__ \
    || defined __OpenBSD__ || defined __DragonFly__
#define ASYNC_FORK_() vfork()
#else
#define ASYNC_FORK_() fork()
#endif
#endif

enum { ASYNC_BY_PIDFD_ = 1, ASYNC_BY_CHILD_ };

#define ASYNC_PROCESS_FLAGS_ (0x1ffu | ASYNC_BY_SIGCHLD_)

/* ---- in the child -------------------------------------------------------- */

/* What it is to do. After a vfork it lives in its parent's memory, until the
 * exec: so it calls the system alone, and writes nowhere but here and on the
 * stack. */
struct async_child_ {
    const char *const *argv;
    const char *const *environment;
    const char *path;           /* where to look for argv[0] */
    const char *directory;
    int fd[3];                  /* become 0, 1, 2; all above 2; -1: none */
    int report;                 /* a pipe that says why not */
    unsigned flags;
    sigset_t mask;
    volatile bool shared;       /* yes, in its parent's memory */
    volatile int error;
};

/* Every handler of the program's would run in its memory. Exec does the same
 * to handlers, but the signals have to be let in before. */
static void async_child_signals_(const struct async_child_ *child)
{
    struct sigaction action;
    int number;

    for (number = 1; number <= 64; number++) {
        if (number != SIGPIPE
            && (sigaction(number, NULL, &action) < 0
                || ((action.sa_flags & SA_SIGINFO) == 0
                    && (action.sa_handler == SIG_DFL
                        || action.sa_handler == SIG_IGN)))) {
            continue;
        }
        memset(&action, 0, sizeof action);
        action.sa_handler = SIG_DFL;
        (void)sigaction(number, &action, NULL);
    }
    (void)sigprocmask(SIG_SETMASK, &child->mask, NULL);
}

/* All above 2 are to be closed by the exec: the report not before. */
static void async_child_fds_(void)
{
    struct rlimit limit;
    int fd, end = 65536;

#if defined __linux__ && defined SYS_close_range
    if (syscall(SYS_close_range, 3U, ~0U, 4U) == 0) {   /* ..._CLOEXEC */
        return;
    }
#endif
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 65536) {
        end = (int)limit.rlim_cur;
    }
    for (fd = 3; fd < end; fd++) {
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
}

static void async_child_exec_as_(const struct async_child_ *child,
                                 const char *name)
{
    (void)execve(name, (char *const *)(uintptr_t)child->argv,
                 (char *const *)(uintptr_t)child->environment);
}

/* One place of the path after the other. That a file there may not be executed
 * is of interest only when there is no other. */
static int async_child_exec_(const struct async_child_ *child)
{
    const char *name = child->argv[0];
    const char *path = child->path;
    size_t length = strlen(name);
    char full[4096];
    int error = ENOENT;

    if (strchr(name, '/') != NULL) {
        async_child_exec_as_(child, name);
        return errno;
    }
    while (length != 0) {
        const char *end = strchr(path, ':');
        size_t n = end == NULL ? strlen(path) : (size_t)(end - path);

        if (n + length + 2 <= sizeof full) {
            memcpy(full, path, n);
            full[n] = '/';
            memcpy(full + n + (n != 0), name, length + 1);
            async_child_exec_as_(child, full);
            if (errno == EACCES) {
                error = EACCES;
            } else if (errno != ENOENT && errno != ENOTDIR) {
                return errno;
            }
        }
        if (end == NULL) {
            break;
        }
        path = end + 1;
    }
    return error;
}

static int async_child_prepare_(const struct async_child_ *child)
{
    int i;

    for (i = 0; i < 3; i++) {
        if (child->fd[i] >= 0 && dup2(child->fd[i], i) < 0) {
            return errno;
        }
    }
    if ((child->flags & ASYNC_ERR_TO_OUT) != 0 && dup2(1, 2) < 0) {
        return errno;
    }
    if (child->directory != NULL && chdir(child->directory) < 0) {
        return errno;
    }
    if ((child->flags & ASYNC_NEW_SESSION) != 0 && setsid() < 0) {
        return errno;
    }
    if ((child->flags & ASYNC_KEEP_FDS) == 0) {
        async_child_fds_();
    }
    async_child_signals_(child);
    return 0;
}

static void async_child_run_(struct async_child_ *child)
{
    int error;
    ptrdiff_t n;

    child->shared = true;
    error = async_child_prepare_(child);
    if (error == 0) {
        error = async_child_exec_(child);
    }
    child->error = error;
    do {
        n = write(child->report, &error, sizeof error);
    } while (n < 0 && errno == EINTR);
    _exit(127);
}

/* ---- starting ------------------------------------------------------------ */

/* Apart, so that the child spoils no variable of its parent's. */
static ASYNC_NOINLINE_ int async_process_fork_(struct async_child_ *child)
{
    int pid = (int)ASYNC_FORK_();

    if (pid == 0) {
        async_child_run_(child);
    }
    return pid < 0 ? -errno : pid;
}

/* Both ends closed on exec, from the beginning where there is pipe2: another
 * thread may start a process at any time. */
static int async_process_pipe_(int ends[2])
{
#if defined __APPLE__
    if (ASYNC_SYS_(pipe)(ends) < 0) {
        return -errno;
    }
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
#else
    if (ASYNC_SYS_(pipe2)(ends, O_CLOEXEC) < 0) {
        return -errno;
    }
#endif
    return 0;
}

static void async_process_shut_(int *fd)
{
    if (*fd >= 0) {
        (void)ASYNC_SYS_(close)(*fd);
    }
    *fd = -1;
}

/* What becomes the child's 0, 1 or 2 must not itself be one of these, which
 * are set one after the other. True if it had to be, and is, a copy. */
static int async_process_lift_(int *fd)
{
    int copy;

    if (*fd > 2) {
        return 0;
    }
    copy = ASYNC_SYS_(fcntl)(*fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) {
        return -errno;
    }
    *fd = copy;
    return 1;
}

/* A descriptor of the user's goes to the child, which expects it to block. The
 * loop has to know that, if the user goes on with it here. */
static int async_process_give_(int fd)
{
    struct async_fds *fds = async_this_loop_ == NULL ? NULL
                                                     : async_this_loop_->fds;
    async_fd_ *it = fds == NULL ? NULL : async_fd_find_(fds, fd);
    int copy = ASYNC_SYS_(fcntl)(fd, F_DUPFD_CLOEXEC, 3);
    int flags = copy < 0 ? -1 : ASYNC_SYS_(fcntl)(copy, F_GETFL);

    if (flags >= 0 && (flags & O_NONBLOCK) != 0) {
        flags = ASYNC_SYS_(fcntl)(copy, F_SETFL, flags & ~O_NONBLOCK);
        if (it != NULL) {
            it->flags |= ASYNC_FD_BLOCKS_;
        }
    }
    if (flags < 0) {
        flags = -errno;
        if (copy >= 0) {
            (void)ASYNC_SYS_(close)(copy);
        }
        return flags;
    }
    return copy;
}

/* The child's descriptor `i`: theirs, to be closed here, and ours, or -1. */
static int async_process_stream_(int i, unsigned flags, int given,
                                 int *theirs, int *ours)
{
    bool pipes = (flags & ASYNC_PIPE_IN << i) != 0;
    bool null = (flags & ASYNC_NULL_IN << i) != 0;
    bool merged = i == 2 && (flags & ASYNC_ERR_TO_OUT) != 0;
    int ends[2], fd, err, before;

    if (pipes + null + merged + (given > 0) > 1) {
        return ASYNC_EINVAL;
    }
    if (pipes) {
        err = async_process_pipe_(ends);
        if (err < 0) {
            return err;
        }
        *ours = ends[i == 0];
        *theirs = ends[i != 0];
        before = ASYNC_SYS_(fcntl)(*ours, F_GETFL);
        if (before < 0 || ASYNC_SYS_(fcntl)(*ours, F_SETFL,
                                            before | O_NONBLOCK) < 0) {
            return -errno;
        }
    } else if (null) {
        *theirs = ASYNC_SYS_(open)("/dev/null", O_RDWR | O_CLOEXEC);
        if (*theirs < 0) {
            return -errno;
        }
    } else if (given > 0) {
        *theirs = async_process_give_(given);
        return *theirs < 0 ? *theirs : 0;
    } else {
        return 0;
    }
    fd = *theirs;
    err = async_process_lift_(theirs);
    if (err > 0) {
        async_process_shut_(&fd);
    }
    return err < 0 ? err : 0;
}

#if defined __linux__ && defined SYS_pidfd_open
static int async_process_pidfd_(int pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}
#else
static int async_process_pidfd_(int pid)
{
    (void)pid;
    return -1;
}
#endif

static int async_process_waitpid_(int pid, int *status, int options)
{
    int got;

    do {
        got = (int)ASYNC_SYS_(waitpid)(pid, status, options);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

/* Make the child, with all signals kept out for so long, and learn whether it
 * has become the program: its number, or why not. */
static int async_process_make_(struct async_child_ *child, int report)
{
    sigset_t all;
    int pid, status, error = 0;
    ptrdiff_t n;

    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &child->mask);
    pid = async_process_fork_(child);
    (void)sigprocmask(SIG_SETMASK, &child->mask, NULL);
    async_process_shut_(&child->report);
    if (pid < 0) {
        return pid;
    }
    if (child->shared) {
        error = child->error;
    } else {                    /* a fork, also where it is called a vfork */
        do {
            n = ASYNC_SYS_(read)(report, &error, sizeof error);
        } while (n < 0 && errno == EINTR);
    }
    if (error == 0) {
        return pid;
    }
    (void)async_process_waitpid_(pid, &status, 0);
    return -error;
}

static const char *async_process_path_(const char *const *environment)
{
    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, "PATH=", 5) == 0) {
            return *environment + 5;
        }
    }
    return "/bin:/usr/bin";
}

/* Open what it takes and make the child: its number or an error; `ours` are
 * then the ends of its pipes. */
static int async_process_open_(struct async_child_ *child, int *report,
                               const async_process_setup *setup, int ours[3])
{
    int given[3], ends[2], i, err;

    given[0] = setup == NULL ? 0 : setup->in;
    given[1] = setup == NULL ? 0 : setup->out;
    given[2] = setup == NULL ? 0 : setup->err;
    for (i = 0; i < 3; i++) {
        err = async_process_stream_(i, child->flags, given[i], &child->fd[i],
                                    &ours[i]);
        if (err < 0) {
            return err;
        }
    }
    err = async_process_pipe_(ends);
    if (err < 0) {
        return err;
    }
    *report = ends[0];
    child->report = ends[1];
    err = async_process_lift_(&child->report);
    if (err != 0) {
        async_process_shut_(&ends[1]);
    }
    if (err < 0) {
        child->report = -1;
        return err;
    }
    return async_process_make_(child, *report);
}

static int async_process_begin_(async_process *process, unsigned flags,
                                int pid, const int ours[3])
{
    int i;

    memset(process, 0, sizeof *process);
    process->pid = pid;
    process->code = ASYNC_PENDING;
    process->in = ours[0];
    process->out = ours[1];
    process->err = ours[2];
    process->fd = (flags & ASYNC_BY_SIGCHLD_) != 0
        ? -1 : ASYNC_SYS_(async_process_pidfd_)(pid);
    process->way = process->fd >= 0 ? ASYNC_BY_PIDFD_ : ASYNC_BY_CHILD_;
    if (async_this_loop_ != NULL) {
        for (i = 0; i < 3; i++) {
            if (ours[i] >= 0) {
                async_fd_adopt_(ours[i], i == 0 ? 0 : ASYNC_FD_SHORT_);
            }
        }
        if (process->fd >= 0) {
            async_fd_adopt_(process->fd, 0);
        }
    }
    return 0;
}

ASYNC_API int async_process_start(async_process *process,
                                  const char *const argv[], unsigned flags,
                                  const async_process_setup *setup)
{
    struct async_child_ child;
    int ours[3] = {-1, -1, -1};
    int i, pid, report = -1;

    if (process == NULL || argv == NULL || argv[0] == NULL
        || (flags & ~ASYNC_PROCESS_FLAGS_) != 0) {
        return ASYNC_EINVAL;
    }
    if (process->pid != 0) {
        return ASYNC_EBUSY;
    }
    memset(&child, 0, sizeof child);
    child.argv = argv;
    child.environment = setup != NULL && setup->environment != NULL
        ? setup->environment : (const char *const *)environ;
    child.path = async_process_path_(child.environment);
    child.directory = setup == NULL ? NULL : setup->directory;
    child.fd[0] = child.fd[1] = child.fd[2] = child.report = -1;
    child.flags = flags;
    pid = async_process_open_(&child, &report, setup, ours);
    async_process_shut_(&report);
    async_process_shut_(&child.report);
    for (i = 0; i < 3; i++) {
        async_process_shut_(&child.fd[i]);
        if (pid < 0) {
            async_process_shut_(&ours[i]);
        }
    }
    return pid < 0 ? pid : async_process_begin_(process, flags, pid, ours);
}

ASYNC_API int async_process_shell(async_process *process, const char *line,
                                  unsigned flags,
                                  const async_process_setup *setup)
{
    const char *argv[4];

    if (line == NULL) {
        return ASYNC_EINVAL;
    }
    argv[0] = "/bin/sh";
    argv[1] = "-c";
    argv[2] = line;
    argv[3] = NULL;
    return async_process_start(process, argv, flags, setup);
}

/* ---- its end ------------------------------------------------------------- */

static void async_process_ended_(async_process *process, int got, int status)
{
    process->code = got < 0 ? got
        : WIFSIGNALED(status) ? 256 + WTERMSIG(status)
        : WEXITSTATUS(status);
}

/* Has it ended? This asks, if nobody knows yet. */
static bool async_process_look_(async_process *process)
{
    int got, status = 0;

    if (process->code == ASYNC_PENDING) {
        got = async_process_waitpid_(process->pid, &status, WNOHANG);
        if (got == 0 || (got > 0 && !WIFEXITED(status)
                         && !WIFSIGNALED(status))) {
            return false;
        }
        async_process_ended_(process, got, status);
    }
    return true;
}

static async_status async_process_by_pidfd_(async_process *process,
                                            async_task *task)
{
    async_status rc;

    if (async_state_(task) == ASYNC_RUNNING_
        && async_process_look_(process)) {
        return process->code;
    }
    rc = async_readable(process->fd);
    if (rc == ASYNC_PENDING) {
        ASYNC_WAITS_("async_process_wait", process);
    }
    if (rc != 0) {
        return rc;
    }
    return async_process_look_(process) ? process->code : async_poll();
}

/* The leader leaves, and another one is to lead, or all get the code. */
static void async_process_retire_(async_process *process)
{
    process->leader = NULL;
    (void)async_signal_close(&process->child);
    if (process->code == ASYNC_PENDING) {
        (void)async_wake_one_(&process->followers, ASYNC_EAGAIN);
    } else {
        while (async_wake_one_(&process->followers, process->code)) {
        }
    }
}

/* The leader's wait, each time that it is evaluated. */
static async_status async_process_lead_(async_process *process,
                                        async_task *task)
{
    async_status rc;

    for (;;) {
        if (async_process_look_(process)) {
            async_process_retire_(process);
            return async_settle_(task, process->code);
        }
        rc = async_signal_wait(&process->child);
        if (rc == ASYNC_PENDING) {
            ASYNC_WAITS_("async_process_wait", process);
            return rc;
        }
        if (rc < 0) {
            async_process_retire_(process);
            return rc;
        }
    }
}

/* A task that does not lead: it comes, or it was woken with the code, or in
 * order to lead, or it was struck. */
static async_status async_process_by_child_(async_process *process,
                                            async_task *task)
{
    async_status rc;

    if (process->leader == task) {
        return async_process_lead_(process, task);
    }
    if (async_process_look_(process)) {
        return async_settle_(task, process->code);
    }
    if (ASYNC_STRUCK_P_(task)) {
        if (process->leader == NULL) {
            (void)async_wake_one_(&process->followers, ASYNC_EAGAIN);
        }
        return async_deliver_(task);
    }
    (void)async_settle_(task, 0);
    if (process->leader != NULL) {
        ASYNC_WAITS_("async_process_wait", process);
        return async_park_(&process->followers);
    }
    rc = async_signal_pass_(&process->child, SIGCHLD);
    if (rc < 0) {
        (void)async_wake_one_(&process->followers, ASYNC_EAGAIN);
        return rc;
    }
    process->leader = task;
    return async_process_lead_(process, task);
}

ASYNC_API async_status async_process_wait(async_process *process)
{
    async_task *task = async_self_();
    unsigned state = async_state_(task);

    /* Closed meanwhile: by what it was woken with, as the memory may be gone.
     * (A pidfd that is closed says ASYNC_EBADF.) */
    if (state == ASYNC_READY_ && (task->timer.u.result == ASYNC_ECANCELED
                                  || task->timer.u.result == ASYNC_EBADF)) {
        return async_settle_(task, ASYNC_ECANCELED);
    }
    if (process == NULL) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    if (process->pid == 0) {
        if (state == ASYNC_STRUCK_) {
            return process->way == ASYNC_BY_PIDFD_ ? async_readable(-1)
                                                   : async_deliver_(task);
        }
        return async_settle_(task, state == ASYNC_READY_ ? ASYNC_ECANCELED
                                                         : ASYNC_EINVAL);
    }
    return process->way == ASYNC_BY_PIDFD_
        ? async_process_by_pidfd_(process, task)
        : async_process_by_child_(process, task);
}

ASYNC_API int async_process_code(async_process *process)
{
    if (process == NULL || process->way == 0) {
        return ASYNC_EINVAL;
    }
    if (process->pid != 0) {
        (void)async_process_look_(process);
    }
    return process->code;
}

/* ---- signals, and closing ------------------------------------------------ */

/* Nobody but us takes its status, or so we hope; the pidfd is sure of it. */
static int async_process_send_(const async_process *process, int number)
{
#if defined __linux__ && defined SYS_pidfd_send_signal
    if (process->fd >= 0
        && syscall(SYS_pidfd_send_signal, process->fd, number, NULL, 0) == 0) {
        return 0;
    }
    if (process->fd >= 0 && errno != ENOSYS && errno != EPERM) {
        return -errno;
    }
#endif
    return ASYNC_SYS_(kill)(process->pid, number) < 0 ? -errno : 0;
}

ASYNC_API int async_process_signal(async_process *process, int number)
{
    if (process == NULL || process->pid == 0 || number <= 0) {
        return ASYNC_EINVAL;
    }
    return async_process_look_(process)
        ? ASYNC_ESRCH : async_process_send_(process, number);
}

ASYNC_API int async_process_terminate(async_process *process)
{
    return async_process_signal(process, SIGTERM);
}

ASYNC_API int async_process_kill(async_process *process)
{
    return async_process_signal(process, SIGKILL);
}

ASYNC_API int async_process_close_end(int *end)
{
    int fd;

    if (end == NULL) {
        return ASYNC_EINVAL;
    }
    fd = *end;
    *end = -1;
    return fd < 0 ? 0 : async_close(fd);
}

ASYNC_API int async_process_close(async_process *process)
{
    int err, got, status = 0;

    if (process == NULL || process->pid == 0) {
        return ASYNC_EINVAL;
    }
    (void)async_process_close_end(&process->in);
    (void)async_process_close_end(&process->out);
    (void)async_process_close_end(&process->err);
    if (!async_process_look_(process)) {
        err = async_process_send_(process, SIGKILL);
        if (err < 0 && err != ASYNC_ESRCH) {
            return err;
        }
        got = async_process_waitpid_(process->pid, &status, 0);
        async_process_ended_(process, got, status);
    }
    process->pid = 0;
    if (process->leader != NULL) {
        process->leader = NULL;
        (void)async_signal_close(&process->child);
    }
    while (async_wake_one_(&process->followers, ASYNC_ECANCELED)) {
    }
    (void)async_process_close_end(&process->fd);
    return 0;
}

/* ---- all at once --------------------------------------------------------- */

enum { ASYNC_TALK_FRESH_ = 0, ASYNC_TALK_BROKEN_OFF_, ASYNC_TALK_PUMPS_,
       ASYNC_TALK_WAITS_ };

/* Tasks without a frame: all that they remember is how much was moved. */
static async_status async_pump_in_(void *argument)
{
    async_pump_ *pump = (async_pump_ *)argument;
    async_communication *talk = pump->talk;
    async_status rc = async_write_all(*pump->fd, talk->input,
                                      talk->input_length, &talk->input_done);

    if (rc == ASYNC_PENDING || rc == ASYNC_CANCEL) {
        return rc;
    }
    (void)async_process_close_end(pump->fd);
    return rc == ASYNC_EPIPE || rc == ASYNC_ECONNRESET || rc > 0 ? 0 : rc;
}

static async_status async_pump_from_(async_pump_ *pump, void *to, size_t room,
                                     size_t *length)
{
    char scrap[4096];

    for (;;) {
        bool fits = to != NULL && *length < room;
        async_status rc = async_read(*pump->fd,
                                     fits ? (char *)to + *length : scrap,
                                     fits ? room - *length : sizeof scrap);

        if (rc == ASYNC_PENDING || rc == ASYNC_CANCEL) {
            return rc;
        }
        if (rc <= 0) {
            (void)async_process_close_end(pump->fd);
            return rc;
        }
        *length += (size_t)rc;
    }
}

static async_status async_pump_out_(void *argument)
{
    async_pump_ *pump = (async_pump_ *)argument;
    async_communication *talk = pump->talk;

    return async_pump_from_(pump, talk->output, talk->output_room,
                            &talk->output_length);
}

static async_status async_pump_err_(void *argument)
{
    async_pump_ *pump = (async_pump_ *)argument;
    async_communication *talk = pump->talk;

    return async_pump_from_(pump, talk->errors, talk->errors_room,
                            &talk->errors_length);
}

static void async_talk_pump_(async_communication *talk, int *fd,
                             async_status (*fn)(void *))
{
    async_pump_ *pump = &talk->pump_[talk->pumps_];

    if (*fd < 0) {
        return;
    }
    memset(pump, 0, sizeof *pump);
    pump->talk = talk;
    pump->fd = fd;
    (void)async_spawn(&pump->task, fn, pump);
    talk->waiters_[talk->pumps_].task = &pump->task;
    talk->pumps_++;
}

/* The first evaluation of a call. */
static int async_talk_begin_(async_process *process, async_communication *talk)
{
    if ((talk->input == NULL && talk->input_length != 0)
        || (talk->output == NULL && talk->output_room != 0)
        || (talk->errors == NULL && talk->errors_room != 0)
        || (talk->stage_ == ASYNC_TALK_FRESH_ && process->in < 0
            && talk->input_length != 0)) {
        return ASYNC_EINVAL;
    }
    if (talk->stage_ == ASYNC_TALK_FRESH_) {
        talk->output_length = talk->errors_length = talk->input_done = 0;
    }
    process->talker = async_this_task_;
    talk->pumps_ = 0;
    async_talk_pump_(talk, &process->in, async_pump_in_);
    async_talk_pump_(talk, &process->out, async_pump_out_);
    async_talk_pump_(talk, &process->err, async_pump_err_);
    talk->stage_ = ASYNC_TALK_PUMPS_;
    return 0;
}

/* Its two waits, one after the other. */
static async_status async_talk_(async_process *process,
                                async_communication *talk)
{
    async_status rc;

    if (talk->stage_ == ASYNC_TALK_PUMPS_) {
        rc = talk->pumps_ == 0 ? 0 : async_gather(&talk->set_, talk->waiters_,
                                                  talk->pumps_);
        if (rc != 0) {
            return rc;
        }
        talk->stage_ = ASYNC_TALK_WAITS_;
    }
    return async_process_wait(process);
}

ASYNC_API async_status async_process_communicate(async_process *process,
                                                 async_communication *talk)
{
    async_task *task = async_self_();
    async_status rc;

    if (process == NULL || talk == NULL) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    if (process->talker != task) {
        rc = process->pid == 0 ? ASYNC_EINVAL
            : process->talker != NULL ? ASYNC_EBUSY
            : async_talk_begin_(process, talk);
        if (rc < 0) {
            return async_settle_(task, rc);
        }
    }
    rc = async_talk_(process, talk);
    if (rc == ASYNC_PENDING) {
        ASYNC_WAITS_("async_process_communicate", process);
        return rc;
    }
    process->talker = NULL;
    if (rc < 0) {
        talk->stage_ = ASYNC_TALK_BROKEN_OFF_;
        return rc;
    }
    talk->stage_ = ASYNC_TALK_FRESH_;
    return (talk->output != NULL && talk->output_length > talk->output_room)
        || (talk->errors != NULL && talk->errors_length > talk->errors_room)
        ? ASYNC_EOVERFLOW : rc;
}

#endif

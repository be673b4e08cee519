/* ===========================================================================
 * subprocess_start: making a child, and turning it into the program.
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

#define ASYNC_PROCESS_FLAGS_ (0x3ffu | ASYNC_BY_SIGCHLD_)

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
    if ((child->flags & (ASYNC_NEW_SESSION | ASYNC_KILL_GROUP)) != 0
        && setsid() < 0) {
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
ASYNC_INLINE_ int async_process_pidfd_(int pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}
#else
ASYNC_INLINE_ int async_process_pidfd_(int pid)
{
    (void)pid;
    return -1;
}
#endif

/* What the child says through the pipe, if it says anything before the exec:
 * its error, or 0. */
static int async_process_reported_(int report, int pid)
{
    int error = 0;
    size_t done = 0;
    ptrdiff_t n;

    do {
        n = ASYNC_SYS_(read)(report, (char *)&error + done,
                             sizeof error - done);
        done += n > 0 ? (size_t)n : 0;
    } while ((n > 0 && done < sizeof error)
             || (n < 0 && (errno == EINTR || errno == EAGAIN)));
    if (n < 0) {
        error = errno;
        (void)kill(pid, SIGKILL);
    }
    return error;
}

/* Make the child, with all signals kept out for so long, and learn whether it
 * has become the program: its number, or why not. The pipe is for a fork, also
 * one that is called a vfork (under an emulator, say). */
static int async_process_make_(struct async_child_ *child, int report)
{
    sigset_t all;
    int pid, status, error;

    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &child->mask);
    pid = async_process_fork_(child);
    (void)sigprocmask(SIG_SETMASK, &child->mask, NULL);
    async_process_shut_(&child->report);
    if (pid < 0) {
        return pid;
    }
    error = child->shared ? child->error
                          : async_process_reported_(report, pid);
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

static void async_process_begin_(async_process *process, unsigned flags,
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
    process->group = (flags & ASYNC_KILL_GROUP) != 0 ? ASYNC_GROUP_DIES_
        : (flags & ASYNC_NEW_SESSION) != 0 ? ASYNC_GROUP_IS_OWN_ : 0;
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
}

ASYNC_API int async_process_start_(async_process *process,
                                   const char *const argv[], unsigned flags,
                                   const async_process_setup *setup
                                   ASYNC_OPENER_)
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
    if (pid < 0) {
        return pid;
    }
    async_process_begin_(process, flags, pid, ours);
#if ASYNC_DEBUG
    async_held_open_(process, process->fd, pid, "a process", file, line);
#endif
    return 0;
}

ASYNC_API int async_process_shell_(async_process *process, const char *text,
                                   unsigned flags,
                                   const async_process_setup *setup
                                   ASYNC_OPENER_)
{
    const char *argv[4];

    if (text == NULL) {
        return ASYNC_EINVAL;
    }
    argv[0] = "/bin/sh";
    argv[1] = "-c";
    argv[2] = text;
    argv[3] = NULL;
    return async_process_start_(process, argv, flags, setup ASYNC_OPENED_);
}

#endif

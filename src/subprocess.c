/* ===========================================================================
 * subprocess: waiting for a child, signalling it, and closing it.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "config.h"
#if ASYNC_HOSTED
#include "subprocess.h"
#include "fd_table.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

/* ---- its end ------------------------------------------------------------- */

ASYNC_API int async_process_waitpid_(int pid, int *status, int options)
{
    int got;

    do {
        got = (int)ASYNC_SYS_(waitpid)(pid, status, options);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

static void async_process_ended_(async_process *process, int got, int status)
{
    process->code = got < 0 ? got
        : WIFSIGNALED(status) ? 256 + WTERMSIG(status)
        : WEXITSTATUS(status);
}

/* While it is a zombie its number is its group's and nobody else's. So what is
 * left of the group is killed now, before anybody takes its status. */
static void async_process_bury_(const async_process *process)
{
    siginfo_t end;
    int rc;

    end.si_pid = 0;
    do {
        rc = waitid(P_PID, (id_t)process->pid, &end,
                    WEXITED | WNOHANG | WNOWAIT);
    } while (rc < 0 && errno == EINTR);
    if (rc == 0 && end.si_pid == process->pid) {
        (void)ASYNC_SYS_(kill)(-process->pid, SIGKILL);
    }
}

/* Has it ended? This asks, if nobody knows yet. */
static bool async_process_look_(async_process *process)
{
    int got, status = 0;

    if (process->code == ASYNC_PENDING) {
        if (process->group == ASYNC_GROUP_DIES_) {
            async_process_bury_(process);
        }
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

/* Closed meanwhile: by what it was woken with, as the memory may be gone. (A
 * pidfd that is closed says ASYNC_EBADF.) */
static bool async_process_was_closed_(const async_task *task)
{
    return async_state_(task) == ASYNC_READY_
        && (task->timer.u.result == ASYNC_ECANCELED
            || task->timer.u.result == ASYNC_EBADF);
}

ASYNC_API async_status async_process_wait(async_process *process)
{
    async_task *task = async_self_();
    unsigned state = async_state_(task);

    if (async_process_was_closed_(task)) {
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

/* ---- signals ------------------------------------------------------------- */

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

/* Its whole group, while it lives: that is the group's number's life for us. */
ASYNC_API int async_process_signal_group(async_process *process, int number)
{
    if (process == NULL || process->pid == 0 || number <= 0
        || process->group == 0) {
        return ASYNC_EINVAL;
    }
    if (async_process_look_(process)) {
        return ASYNC_ESRCH;
    }
    return ASYNC_SYS_(kill)(-process->pid, number) < 0 ? -errno : 0;
}

/* What stopping and closing send: to all, if it is to take them along. */
static int async_process_signal_all_(async_process *process, int number)
{
    return process->group == ASYNC_GROUP_DIES_
        ? async_process_signal_group(process, number)
        : async_process_signal(process, number);
}

/* ---- stopping: SIGTERM, and when the grace is over SIGKILL --------------- */

static void async_process_fire_(async_alarm_ *alarm, async_ticks now)
{
    async_process *process = (async_process *)(void *)
        ((char *)alarm - offsetof(async_process, alarm));

    (void)now;
    alarm->timer.node.state = 0;
    (void)async_process_signal_all_(process, SIGKILL);
}

static void async_process_disarm_(async_process *process)
{
    if (process->alarm.timer.node.state == ASYNC_ALARM_) {
        async_timer_remove_(&process->alarm.timer);
    }
    process->alarm.timer.node.state = 0;
}

/* The first evaluation. */
static int async_process_ask_(async_process *process, async_duration grace)
{
    int rc = async_process_signal_all_(process, grace > 0 ? SIGTERM : SIGKILL);

    if (rc < 0 && rc != ASYNC_ESRCH) {
        return rc;
    }
    process->stopper = async_this_task_;
    process->struck = false;
    process->alarm.timer.node.state = 0;
    if (rc == 0 && grace > 0 && grace != ASYNC_NEVER) {
        process->alarm.fire = async_process_fire_;
        async_alarm_set_(&process->alarm, grace);
    }
    return 0;
}

/* A strike is the end of the grace; it is given back at the end. */
static async_status async_process_stops_(async_process *process)
{
    async_status rc;
    int err;

    for (;;) {
        rc = async_process_wait(process);
        if (rc != ASYNC_CANCEL) {
            return rc;
        }
        process->struck = true;
        async_process_disarm_(process);
        err = async_process_signal_all_(process, SIGKILL);
        if (err < 0 && err != ASYNC_ESRCH) {
            return err;
        }
    }
}

ASYNC_API async_status async_process_stop(async_process *process,
                                          async_duration grace)
{
    async_task *task = async_self_();
    async_status rc;

    if (async_process_was_closed_(task) || process == NULL
        || process->pid == 0) {
        return async_process_wait(process);
    }
    if (process->stopper != task) {
        if (process->stopper != NULL) {
            return async_settle_(task, ASYNC_EBUSY);
        }
        rc = async_process_ask_(process, grace);
        if (rc < 0) {
            return async_settle_(task, rc);
        }
    }
    rc = async_process_stops_(process);
    if (rc == ASYNC_PENDING) {
        ASYNC_WAITS_("async_process_stop", process);
        return rc;
    }
    process->stopper = NULL;
    async_process_disarm_(process);
    return process->struck ? ASYNC_CANCEL : rc;
}

/* ---- closing ------------------------------------------------------------- */

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

/* The signal comes before the end of its input, so that how it ends is not left
 * to chance. */
ASYNC_API int async_process_close(async_process *process)
{
    int got, status = 0, err = 0;

    if (process == NULL || process->pid == 0) {
        return ASYNC_EINVAL;
    }
    if (!async_process_look_(process)) {
        err = async_process_signal_all_(process, SIGKILL);
    }
    async_process_disarm_(process);
    process->stopper = NULL;
    (void)async_process_close_end(&process->in);
    (void)async_process_close_end(&process->out);
    (void)async_process_close_end(&process->err);
    if (process->code == ASYNC_PENDING) {
        if (err < 0 && err != ASYNC_ESRCH) {
            return err;
        }
        got = async_process_waitpid_(process->pid, &status, 0);
        async_process_ended_(process, got, status);
    }
    process->pid = 0;
#if ASYNC_DEBUG
    async_held_close_(process);
#endif
    if (process->leader != NULL) {
        process->leader = NULL;
        (void)async_signal_close(&process->child);
    }
    while (async_wake_one_(&process->followers, ASYNC_ECANCELED)) {
    }
    (void)async_process_close_end(&process->fd);
    return 0;
}

#endif

#pragma once
#include "fd.h"
#include "gather.h"
#include "signals.h"
/* ===========================================================================
 * subprocess: starting other programs, talking to them through pipes, and
 * awaiting their end. It buffers nothing and splits no lines: streams do.
 *
 * States of an async_process, and who makes each arrow:
 *
 *             1 start                 2 its end is seen
 *   CLOSED -------------> RUNNING ----------------------> ENDED
 *      ^                     |                              |
 *      |                     | 3 close: kill, then 2        | 3 close
 *      '---------------------+------------------------------'
 *
 *   1 async_process_start; when it fails, nothing has changed  2 the one place
 *   that calls waitpid, which whoever waits, asks or signals goes through
 *   3 async_process_close.
 *
 * The invariant: RUNNING means that `pid` is our child, and that nobody has
 * taken its status. So no signal ever goes to a stranger who got the number
 * later; and what is not CLOSED is no zombie for longer than its owner lets
 * it be one.
 *
 * Who waits: on Linux the process is a descriptor (a pidfd), which any number
 * of tasks await as readable. Where there is none (other systems, a kernel
 * before 5.3, no descriptor left), by SIGCHLD: the first task leads. It opens
 * a watcher of the signal, looks, and waits for it; the others stand in a list
 * and are handed the code. A leader that is struck closes the watcher and
 * wakes the oldest in the list to lead. So there is a watcher if, and only if,
 * there is a leader; and who stands in the list has one, or one was woken to
 * become it. As the watcher is opened before the leader looks, no end is
 * overlooked. A program that has a SIGCHLD handler of its own keeps it: both
 * are called. (It must not set one while somebody waits this way, nor block
 * the signal in all threads.)
 *
 * The child is made by vfork where that is to be had: it costs the same
 * however much memory the program has. It gets the signal mask of its parent,
 * the default action of every signal but those that are ignored, of SIGPIPE
 * in any case (this library ignores that one); and of the descriptors 0, 1
 * and 2 alone. (Where the system has no close_range, those above 65535 are not
 * looked at.)
 * ======================================================================== */

/* What the child's input, output and error output are: flags for
 * async_process_start. Without one it shares yours. */
#define ASYNC_PIPE_IN 0x1u      /* a pipe, of which `in` is the other end */
#define ASYNC_PIPE_OUT 0x2u     /* and so on */
#define ASYNC_PIPE_ERR 0x4u
#define ASYNC_NULL_IN 0x8u      /* /dev/null */
#define ASYNC_NULL_OUT 0x10u
#define ASYNC_NULL_ERR 0x20u
#define ASYNC_ERR_TO_OUT 0x40u  /* the error output goes where output goes */

/* Further flags. */
#define ASYNC_NEW_SESSION 0x80u /* setsid(2): its own session, process group,
                                 * and no terminal; -pid is the group */
#define ASYNC_KILL_GROUP 0x200u /* the same; and what is left of the group when
                                 * the process ends is killed: no grandchild
                                 * lives on, but for one that left the group */
#define ASYNC_KEEP_FDS 0x100u   /* the child also gets those of your descriptors
                                 * above 2 that are not closed on exec */
#define ASYNC_BY_SIGCHLD_ 0x8000u   /* for tests: as if there were no pidfd */

/* What else may be told; zeroed memory leaves all as it is. It is read by the
 * start alone. */
typedef struct async_process_setup {
    const char *directory;      /* where the child begins; NULL: here */
    const char *const *environment;     /* "NAME=value", ..., NULL; or NULL:
                                         * this program's own */
    int in, out, err;           /* above 0: a descriptor of yours that becomes
                                 * the child's. It stays open here, and is set
                                 * to blocking, as programs expect */
} async_process_setup;

/* A process. Zeroed memory is a closed one. To be read: `pid`, and the ends of
 * its pipes that are ours, which are nonblocking and closed on exec, or -1. To
 * hand one of these to somebody who closes it (a stream), copy it and set it
 * to -1 here; to close one, async_process_close_end. */
typedef struct async_process {
    int pid;                    /* 0: closed */
    int in, out, err;
    int code;                   /* ASYNC_PENDING while it runs */
    int fd;                     /* the pidfd, or -1 */
    unsigned char way;          /* of waiting, also after it was closed */
    unsigned char group;        /* has it one of its own, and does that die */
    bool struck;                /* its stopper was */
    async_task *stopper;        /* who is in async_process_stop */
    async_alarm_ alarm;         /* when its grace is over */
    async_task *talker;         /* who is in async_process_communicate */
    async_task *leader;         /* by SIGCHLD: who waits for the signal, */
    async_list followers;       /* and who for the leader */
    async_signal child;
} async_process;

/* The signal that ended a process, or 0 if it ended by itself: from the code
 * that async_process_wait gives. */
#define ASYNC_PROCESS_SIGNAL(code) ((code) > 256 ? (code) - 256 : 0)

#define ASYNC_ECHILD ASYNC_ERRNO_(ECHILD, 10)
#define ASYNC_ESRCH ASYNC_ERRNO_(ESRCH, 3)
#define ASYNC_ENOEXEC ASYNC_ERRNO_(ENOEXEC, 8)
#define ASYNC_EACCES ASYNC_ERRNO_(EACCES, 13)

#if ASYNC_DEBUG
#define async_process_start(...) \
    async_process_start_(__VA_ARGS__, __FILE__, __LINE__)
#define async_process_start_ ASYNC_ABI_(async_process_start)
#define async_process_shell(...) \
    async_process_shell_(__VA_ARGS__, __FILE__, __LINE__)
#define async_process_shell_ ASYNC_ABI_(async_process_shell)
#else
#define async_process_start ASYNC_ABI_(async_process_start)
#define async_process_start_ async_process_start
#define async_process_shell ASYNC_ABI_(async_process_shell)
#define async_process_shell_ async_process_shell
#endif
#define async_process_wait ASYNC_ABI_(async_process_wait)
#define async_process_code ASYNC_ABI_(async_process_code)
#define async_process_signal ASYNC_ABI_(async_process_signal)
#define async_process_terminate ASYNC_ABI_(async_process_terminate)
#define async_process_kill ASYNC_ABI_(async_process_kill)
#define async_process_signal_group ASYNC_ABI_(async_process_signal_group)
#define async_process_stop ASYNC_ABI_(async_process_stop)
#define async_process_close_end ASYNC_ABI_(async_process_close_end)
#define async_process_close ASYNC_ABI_(async_process_close)
#define async_process_communicate ASYNC_ABI_(async_process_communicate)

/* async_process_start(process, argv, flags, setup): start a program: argv is
 * its name, its arguments, and NULL. A name without a slash is looked for in
 * the PATH of its environment. `flags` are those above, `setup` is NULL or more
 * of them. 0: it runs, with its own code.
 *
 * Otherwise nothing was left behind, and the error is that of the exec, such
 * as ASYNC_ENOENT, ASYNC_EACCES, ASYNC_ENOEXEC (a script needs its #!), or of
 * changing to the directory; ASYNC_EMFILE, ASYNC_EAGAIN, ASYNC_ENOMEM where
 * descriptors, processes or memory have run out; ASYNC_EINVAL for NULL, an
 * argv without a name, or a stream told two things; ASYNC_EBUSY for a process
 * that is not closed.
 *
 * Task, or code of the loop's thread; no loop is needed yet. It does not wait,
 * but blocks for the moment that the system takes: some 500 microseconds. For
 * a program that is to outlive this one let a shell end at once: "daemon &" */
ASYNC_API int async_process_start_(async_process *process,
                                   const char *const argv[], unsigned flags,
                                   const async_process_setup *setup
                                   ASYNC_OPENER_);

/* async_process_shell(process, text, flags, setup): the same with a line for
 * /bin/sh. Never make that line from a stranger's text: there
 * async_process_start has the arguments one by one. */
ASYNC_API int async_process_shell_(async_process *process, const char *text,
                                   unsigned flags,
                                   const async_process_setup *setup
                                   ASYNC_OPENER_);

/* AWAIT_VALUE(code, async_process_wait(process)): wait until it has ended:
 * what it gave to exit, 0 to 255; or 256 + n if signal n killed it. Any number
 * of tasks may wait, any number of times, also after its end. Its pipes stay
 * open; one that waits for room in them never ends: see communicate below.
 *
 * A strike leaves at once, unless it has ended, and the process goes on. The
 * error ASYNC_ECHILD if its status is lost, as other code has waited for it,
 * or SIGCHLD is ignored; ASYNC_EINVAL for NULL or a closed one, ASYNC_ECANCELED
 * when it is closed meanwhile; ASYNC_EMFILE or ASYNC_ENOMEM when the loop
 * cannot make what it needs for waiting. Task only; all who wait are of one
 * loop. */
ASYNC_API ASYNC async_process_wait(async_process *process);

/* The code, as above, without waiting; ASYNC_PENDING while it runs. Still
 * answers after async_process_close. ASYNC_EINVAL for NULL or one that was
 * never started. From the loop's thread; a system call while it runs. */
ASYNC_API int async_process_code(async_process *process);

/* Send it a signal; SIGTERM; SIGKILL. 0, or ASYNC_ESRCH when it has ended,
 * ASYNC_EINVAL for NULL, a closed one or no signal, ASYNC_EPERM if it has
 * become another user's. From the loop's thread. */
ASYNC_API int async_process_signal(async_process *process, int number);
ASYNC_API int async_process_terminate(async_process *process);
ASYNC_API int async_process_kill(async_process *process);

/* Send a signal to every process of the group of one that was started with
 * ASYNC_NEW_SESSION or ASYNC_KILL_GROUP: to it, and to what it has started. 0,
 * or ASYNC_ESRCH when it has ended itself: its number may be a stranger's by
 * then, so the rest is out of reach (ASYNC_KILL_GROUP is for that).
 * ASYNC_EINVAL as above, or without one of those flags. From the loop's
 * thread. */
ASYNC_API int async_process_signal_group(async_process *process, int number);

/* AWAIT_VALUE(code, async_process_stop(process, grace)): ask it to end
 * (SIGTERM), wait for so long, kill it (SIGKILL) if it has not; its code, as
 * async_process_wait gives it. At once if it has ended. A grace of zero or less
 * kills it at once, ASYNC_NEVER never does. With ASYNC_KILL_GROUP the signals
 * go to the whole group. What it says meanwhile is not read; it is not closed.
 *
 * It ends when the process has: a strike kills it at once, and when it has
 * ended the await fails with the strike; the code is in async_process_code.
 * Errors as those of async_process_wait, and ASYNC_EBUSY while another task
 * stops it; ASYNC_EPERM if it is another user's. Task only. Costs a timer. */
ASYNC_API ASYNC async_process_stop(async_process *process,
                                   async_duration grace);

/* async_process_close_end(&process.in): close our end of a pipe, and set it to
 * -1. To the child the closed input is the end of what it reads. 0, also for
 * -1; ASYNC_EINVAL for NULL. Tasks that wait for it get ASYNC_EBADF. */
ASYNC_API int async_process_close_end(int *end);

/* Be done with it: close the pipes, and if it still runs, kill it (SIGKILL) and
 * take its status, so that no zombie is left. That is the one thing here that
 * blocks: for the moment that the system takes to end a process. Who has time
 * awaits async_process_stop before. Tasks that wait get ASYNC_ECANCELED. With
 * ASYNC_KILL_GROUP the whole group is killed.
 *
 * 0, and the memory is as good as zeroed; ASYNC_EINVAL for NULL or one that is
 * closed. ASYNC_EPERM if it runs on and may not be killed, being another
 * user's: then the pipes are closed, it can still be waited for, and has to be
 * closed again. From the loop's thread; before the loop ends: a debug build
 * tells of one that was started in it, and is not closed then. */
ASYNC_API int async_process_close(async_process *process);

/* ---- all at once --------------------------------------------------------- */

/* One of the streams, while it is fed or gathered. */
typedef struct async_pump_ {
    async_task task;
    struct async_communication *talk;
    async_status (*fn)(struct async_pump_ *pump);
    int *fd;
} async_pump_;

/* What goes in, and where to put what comes out: set the upper part of zeroed
 * memory, or of one whose communicate has succeeded. */
typedef struct async_communication {
    const void *input;
    size_t input_length;
    void *output, *errors;      /* NULL: it is read, and dropped */
    size_t output_room, errors_room;

    size_t output_length;       /* how much came, whatever the room */
    size_t errors_length;
    size_t input_done;          /* how much went, when not all was taken */

    unsigned char stage_;
    int failed_;                /* the first error of a stream */
    int pumps_;
    async_pump_ pump_[3];
    async_waiter waiters_[3];
    async_wait_set set_;
} async_communication;

/* AWAIT_VALUE(code, async_process_communicate(process, talk)): write the input
 * into the child's pipe and close it; read its output and error output to
 * their ends, all at the same time, so that nobody waits for a full pipe; then
 * wait for the process. Its code, as async_process_wait gives it. Streams
 * without a pipe are left out. A child that closes its input early is no
 * error.
 *
 * What does not fit is read and dropped, the length counts it, and at the end,
 * when the code is known, the error is ASYNC_EOVERFLOW.
 *
 * When it is struck, what was written and read is in `talk`, and the same call
 * goes on from there. ASYNC_EINVAL for NULL, a closed process, input without a
 * pipe for it, or a NULL with a length; ASYNC_EBUSY when another task is in it;
 * else errors of async_read, async_write, async_process_wait. Task only. It
 * costs up to three tasks, which stand in `talk`. */
ASYNC_API ASYNC async_process_communicate(async_process *process,
                                          async_communication *talk);

/* ---- among its parts ----------------------------------------------------- */

enum { ASYNC_BY_PIDFD_ = 1, ASYNC_BY_CHILD_ };
enum { ASYNC_GROUP_IS_OWN_ = 1, ASYNC_GROUP_DIES_ };

/* waitpid(2), through interruptions: the number, 0 or an error. */
ASYNC_API int async_process_waitpid_(int pid, int *status, int options);

#pragma once
#include "irq.h"
#if ASYNC_HOSTED && ASYNC_OFFLOAD
/* ===========================================================================
 * offload: a function that blocks or computes for long, run in a thread of the
 * process, while the task that asked for it waits. It is no thread of yours to
 * keep: one that lives on talks to a loop through async_irq_raise.
 *
 * A job, from its task's await to the result, and who makes each arrow:
 *
 *                1 submit            2 a worker takes it
 *       free -----------> QUEUED ----------------------> RUNNING
 *        ^  ^               |                               |
 *        |  '---------------'                               | 3 fn returned
 *        |   4 struck: the await fails                      v
 *        '------------------------------------------------ DONE
 *            5 serve: the task has its result
 *
 *   1 async_offload_submit_, of the loop's thread  2, 3 async_worker_run_,
 *   of a worker  4 async_offload_struck_, 5 async_offload_serve_, of the loop's
 *   thread. A strike that finds the job RUNNING or DONE makes the task DEAF: it
 *   waits on for the result, and the strike hits its next await.
 *
 * Invariant: from 1 until 4 or 5 the job counts in `out` of its loop, whose
 * async_irq is in the list of irqs while that is not 0: so the loop does not
 * end, and does not take it for a deadlock. From 2 until 3 it counts in
 * `running` of its loop, too; async_loop_close waits until that is 0, and takes
 * off the queue what is still there.
 *
 * Locks: there is one, of the process, and nothing else is ever taken while it
 * is held; no function of yours runs under it. It guards the queue, the lists
 * of jobs that are done, `running`, the state of each job, and the number and
 * the places of the workers. A job's `home` and `task`, and `out`, belong to
 * the loop's thread; a worker reads `home`, which was written before 1. The irq
 * is raised under the lock, so that it cannot be closed meanwhile.
 * ======================================================================== */

struct async_offloads_;

/* What runs in the thread. Its value is the await's: a result >= 0, or an
 * error. It must return, and knows of no loop: no awaitable, and nothing but
 * async_irq_raise. */
typedef int (*async_offload_fn)(void *argument);

/* One call. Zeroed, or one that has ended. It stays where it is, as does what
 * the function works on, until the await has ended. */
typedef struct async_offload_job {
    struct async_offload_job *next, *prev;  /* in the queue, or done */
    struct async_offloads_ *home;           /* its loop's; NULL: free */
    async_task *task;                       /* NULL: nobody waits any more */
    async_offload_fn fn;
    void *argument;
    int result;
    int state;
} async_offload_job;

/* AWAIT_VALUE(n, async_offload(&self->job, fn, argument)): call fn(argument)
 * in a thread, and wait for what it returns.
 *
 * The threads are those of the process: started when there is work for them, up
 * to ASYNC_OFFLOAD_THREADS, and ended when the last loop closes that had work
 * for them. Jobs of all loops are taken first come, first served. Signals are
 * blocked in them, but for those that a thread's own fault raises.
 *
 * While the job is queued, a strike takes it off: fn is not called, and the
 * await fails. Once fn runs, it has your memory: the await lasts until it
 * returns, whatever strikes the task, and gives its result; the strike hits
 * the next await. A timeout around it thus ends late, and not at all if fn does
 * not return. So does the loop: async_run and async_loop_close wait for fn.
 * And a job that waits for another one (its own loop's, say) keeps a thread
 * meanwhile: if all do, they wait for ever.
 *
 * ASYNC_EAGAIN when there is no thread and none can be started, ASYNC_ENOMEM
 * or ASYNC_EMFILE when the loop cannot make what it takes to be woken,
 * ASYNC_EBUSY for a job that is out already, ASYNC_EINVAL for NULL (an argument
 * may be NULL), or when fn returns ASYNC_PENDING or ASYNC_CANCEL. A child of
 * fork has no threads, and starts its own for loops of its own. Task only.
 * Costs two switches of threads, fewer when jobs queue up, and no allocation
 * but for the loop's first job. */
#define async_offload ASYNC_ABI_(async_offload)
ASYNC_API ASYNC async_offload(async_offload_job *job, async_offload_fn fn,
                              void *argument);

/* ---- for the operations made of it --------------------------------------- */

/* The same for what must be done: it is deaf to strikes from the start, and is
 * done by the caller's thread if there is no other. */
ASYNC_API async_status async_offload_surely_(async_offload_job *job,
                                             async_offload_fn fn,
                                             void *argument);

/* Struck: leave a job that was allocated. free() it, now or when fn has
 * returned. */
ASYNC_API void async_offload_abandon_(async_offload_job *job);

/* Is a task of this loop waiting for a job? */
#if ASYNC_SIM
ASYNC_API bool async_offload_waits_(const async_loop *loop);
#endif

#endif

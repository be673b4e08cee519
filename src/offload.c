/* ===========================================================================
 * offload: the threads, their queue, and the way of a result to its task.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "config.h"
#if ASYNC_HOSTED && ASYNC_OFFLOAD
#include "offload.h"
#include "fd_table.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

enum { ASYNC_JOB_FREE_ = 0, ASYNC_JOB_QUEUED_, ASYNC_JOB_RUNNING_,
       ASYNC_JOB_DONE_ };
enum { ASYNC_WORKER_NONE_ = 0, ASYNC_WORKER_ALIVE_, ASYNC_WORKER_ENDED_ };

/* What a loop knows of its jobs. */
struct async_offloads_ {
    async_irq irq;              /* raised when `done` is no longer empty */
    async_loop *loop;
    async_list waiters;         /* the tasks, so that the loop finds them */
    unsigned out;               /* jobs that are not back */
    unsigned forks;             /* of which process it is */
    /* under the lock: */
    async_offload_job *done;    /* the oldest; a list */
    async_offload_job *last;
    unsigned running;
};

struct async_worker_ {
    pthread_t thread;
    int state;
};

/* Of the process, under the lock. */
static pthread_mutex_t async_offload_lock_ = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t async_offload_work_ = PTHREAD_COND_INITIALIZER;
static pthread_cond_t async_offload_rest_ = PTHREAD_COND_INITIALIZER;
static struct async_worker_ async_workers_[ASYNC_OFFLOAD_THREADS];
static async_offload_job *async_offload_first_, *async_offload_last_;
static unsigned async_offload_queued_;  /* jobs in the queue */
static unsigned async_offload_idle_;    /* workers that wait for one */
static unsigned async_offload_alive_;   /* workers */
static unsigned async_offload_loops_;   /* loops that have an async_offloads_ */
static unsigned async_offload_forks_;   /* since the first process */
static pthread_once_t async_offload_once_ = PTHREAD_ONCE_INIT;

static void async_offload_enter_(void)
{
    (void)pthread_mutex_lock(&async_offload_lock_);
}

static void async_offload_leave_(void)
{
    (void)pthread_mutex_unlock(&async_offload_lock_);
}

/* In the child of a fork there are no workers, and the jobs are the parent's.
 * Whoever held the lock is not here. */
static void async_offload_forked_(void)
{
    unsigned i;

    (void)pthread_mutex_init(&async_offload_lock_, NULL);
    (void)pthread_cond_init(&async_offload_work_, NULL);
    (void)pthread_cond_init(&async_offload_rest_, NULL);
    for (i = 0; i < ASYNC_OFFLOAD_THREADS; i++) {
        async_workers_[i].state = ASYNC_WORKER_NONE_;
    }
    async_offload_first_ = async_offload_last_ = NULL;
    async_offload_queued_ = async_offload_idle_ = 0;
    async_offload_alive_ = async_offload_loops_ = 0;
    async_offload_forks_++;
}

static void async_offload_begin_(void)
{
    (void)pthread_atfork(NULL, NULL, async_offload_forked_);
}

/* ---- the queue, under the lock ------------------------------------------- */

static void async_offload_append_(async_offload_job *job)
{
    job->state = ASYNC_JOB_QUEUED_;
    job->next = NULL;
    job->prev = async_offload_last_;
    if (job->prev == NULL) {
        async_offload_first_ = job;
    } else {
        job->prev->next = job;
    }
    async_offload_last_ = job;
    async_offload_queued_++;
}

static void async_offload_remove_(async_offload_job *job)
{
    if (job->prev == NULL) {
        async_offload_first_ = job->next;
    } else {
        job->prev->next = job->next;
    }
    if (job->next == NULL) {
        async_offload_last_ = job->prev;
    } else {
        job->next->prev = job->prev;
    }
    async_offload_queued_--;
    job->state = ASYNC_JOB_FREE_;
}

/* ---- workers ------------------------------------------------------------- */

/* Run the oldest job. Under the lock, which is released meanwhile. The last
 * that is done with the job, and with its loop, is done under the lock. */
static void async_worker_run_(void)
{
    async_offload_job *job = async_offload_first_;
    struct async_offloads_ *home = job->home;
    int result;

    async_offload_remove_(job);
    job->state = ASYNC_JOB_RUNNING_;
    home->running++;
    async_offload_leave_();
    result = job->fn(job->argument);
    async_offload_enter_();
    job->result = result <= ASYNC_CANCEL ? ASYNC_EINVAL : result;
    job->state = ASYNC_JOB_DONE_;
    job->next = NULL;
    if (home->done == NULL) {
        home->done = job;
        async_irq_raise(&home->irq);
    } else {
        home->last->next = job;
    }
    home->last = job;
    if (--home->running == 0) {
        (void)pthread_cond_broadcast(&async_offload_rest_);
    }
}

static void *async_work_(void *argument)
{
    struct async_worker_ *self = (struct async_worker_ *)argument;

    async_offload_enter_();
    for (;;) {
        while (async_offload_first_ == NULL && async_offload_loops_ != 0) {
            async_offload_idle_++;
            (void)pthread_cond_wait(&async_offload_work_,
                                    &async_offload_lock_);
            async_offload_idle_--;
        }
        if (async_offload_first_ == NULL) {
            break;
        }
        async_worker_run_();
    }
    self->state = ASYNC_WORKER_ENDED_;
    async_offload_alive_--;
    (void)pthread_cond_broadcast(&async_offload_rest_);
    async_offload_leave_();
    return NULL;
}

/* It has ended, but for its very last steps, which need no lock. */
static void async_worker_bury_(struct async_worker_ *it)
{
    if (it->state == ASYNC_WORKER_ENDED_) {
        (void)pthread_join(it->thread, NULL);
        it->state = ASYNC_WORKER_NONE_;
    }
}

/* Signals are for other threads, but for those that come of a fault of the
 * thread's own, which a handler may want to report. */
static int async_worker_create_(struct async_worker_ *it)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    int err = pthread_attr_init(&attributes);

    if (err != 0) {
        return -err;
    }
    /* If the system wants more, it is as large as the system has it. */
    (void)pthread_attr_setstacksize(&attributes, ASYNC_OFFLOAD_STACK);
    (void)sigfillset(&all);
    (void)sigdelset(&all, SIGSEGV);
    (void)sigdelset(&all, SIGBUS);
    (void)sigdelset(&all, SIGFPE);
    (void)sigdelset(&all, SIGILL);
    (void)sigdelset(&all, SIGTRAP);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    err = ASYNC_SYS_(pthread_create)(&it->thread, &attributes, async_work_,
                                     it);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return -err;
}

/* One more, if there is work for it and a place: 0 or an error. */
static int async_worker_start_(void)
{
    unsigned i = 0;
    int err;

    if (async_offload_queued_ <= async_offload_idle_
        || async_offload_alive_ == ASYNC_OFFLOAD_THREADS) {
        return 0;
    }
    while (async_workers_[i].state == ASYNC_WORKER_ALIVE_) {
        i++;
    }
    async_worker_bury_(&async_workers_[i]);
    err = async_worker_create_(&async_workers_[i]);
    if (err == 0) {
        async_workers_[i].state = ASYNC_WORKER_ALIVE_;
        async_offload_alive_++;
    }
    return err;
}

/* ---- a loop's jobs ------------------------------------------------------- */

/* A job is back. The last one takes the irq out of the loop's list. */
static void async_offload_back_(async_offload_job *job)
{
    struct async_offloads_ *home = job->home;
    async_irq **at = &home->loop->irqs;

    job->home = NULL;
    if (--home->out == 0) {
        while (*at != &home->irq) {
            at = &(*at)->next;
        }
        *at = home->irq.next;
    }
    if (job->task == NULL) {
        free(job);
    }
}

/* Give its task the result. One that was struck just now stands in the ready
 * queue already; others are to go there. */
static void async_offload_grant_(async_task *task, int result)
{
    unsigned state = async_state_(task);

    if (state == ASYNC_WAITING_ || state == ASYNC_DEAF_) {
        async_set_state_(task, ASYNC_WAITING_);
        async_unpark_(task);
        async_wake_(task, result);
    } else {
        task->timer.u.result = result;
        async_set_state_(task, ASYNC_READY_);
    }
}

static async_offload_job *async_offload_take_(struct async_offloads_ *home)
{
    async_offload_job *job;

    async_offload_enter_();
    job = home->done;
    home->done = NULL;
    async_offload_leave_();
    return job;
}

static void async_offload_serve_(async_irq *irq)
{
    struct async_offloads_ *home =
        (struct async_offloads_ *)(void *)irq;
    async_offload_job *job = async_offload_take_(home);
    async_offload_job *next;

    ASYNC_TRACE_FROM_(home->loop, "thread");
    for (; job != NULL; job = next) {
        async_task *task = job->task;
        int result = job->result;

        next = job->next;
        async_offload_back_(job);
        if (task != NULL) {
            async_offload_grant_(task, result);
        }
    }
}

/* No loop needs the workers any more. (When another one comes meanwhile, those
 * that have not gone yet stay.) Under the lock. */
static void async_offload_end_(void)
{
    unsigned i;

    (void)pthread_cond_broadcast(&async_offload_work_);
    for (i = 0; i < ASYNC_OFFLOAD_THREADS; i++) {
        while (async_workers_[i].state == ASYNC_WORKER_ALIVE_
               && async_offload_loops_ == 0) {
            (void)pthread_cond_wait(&async_offload_rest_,
                                    &async_offload_lock_);
        }
        async_worker_bury_(&async_workers_[i]);
    }
}

/* The loop closes. Usually it has no jobs; if some are left with their tasks,
 * those in the queue are dropped, and the others waited for. */
static void async_offload_close_(struct async_offloads_ *home)
{
    async_offload_job *job, *next;

    async_offload_enter_();
    if (home->forks == async_offload_forks_) {
        for (job = async_offload_first_; job != NULL; job = next) {
            next = job->next;
            if (job->home == home) {
                async_offload_remove_(job);
                async_offload_back_(job);
            }
        }
        while (home->running != 0) {
            (void)pthread_cond_wait(&async_offload_rest_,
                                    &async_offload_lock_);
        }
        for (job = home->done; job != NULL; job = next) {
            next = job->next;
            async_offload_back_(job);
        }
        if (--async_offload_loops_ == 0) {
            async_offload_end_();
        }
    }
    async_offload_leave_();
    (void)async_irq_close(&home->irq);
    free(home);
}

/* The loop's own, made for its first job: NULL and an error if it cannot. */
static struct async_offloads_ *async_offloads_of_(async_loop *loop,
                                                  int *err)
{
    struct async_fds *fds = async_fds_(loop, err);
    struct async_offloads_ *home;

    if (fds == NULL || fds->offloads != NULL) {
        return fds == NULL ? NULL : fds->offloads;
    }
    home = (struct async_offloads_ *)ASYNC_SYS_(calloc)(1, sizeof *home);
    if (home == NULL) {
        *err = ASYNC_ENOMEM;
        return NULL;
    }
    *err = async_irq_open(&home->irq);
    if (*err < 0) {
        free(home);
        return NULL;
    }
    home->irq.serve = async_offload_serve_;
    home->loop = loop;
    fds->offloads = home;
    fds->offloads_close = async_offload_close_;
    (void)pthread_once(&async_offload_once_, async_offload_begin_);
    async_offload_enter_();
    home->forks = async_offload_forks_;
    if (async_offload_loops_++ == 0) {      /* who waits for none does not */
        (void)pthread_cond_broadcast(&async_offload_rest_);
    }
    async_offload_leave_();
    return home;
}

/* ---- the operation ------------------------------------------------------- */

static int async_offload_submit_(async_offload_job *job, async_offload_fn fn,
                                 void *argument)
{
    int err = 0;
    struct async_offloads_ *home = async_offloads_of_(async_this_loop_, &err);

    if (home == NULL) {
        return err;
    }
    job->fn = fn;
    job->argument = argument;
    job->task = async_this_task_;
    job->home = home;
    async_offload_enter_();
    async_offload_append_(job);
    err = async_worker_start_();
    if (err < 0 && async_offload_alive_ == 0) {
        async_offload_remove_(job);
        async_offload_leave_();
        job->home = NULL;
        return err;
    }
    if (async_offload_idle_ != 0) {
        (void)pthread_cond_signal(&async_offload_work_);
    }
    async_offload_leave_();
    if (home->out++ == 0) {
        home->irq.next = home->loop->irqs;
        home->loop->irqs = &home->irq;
    }
    return 0;
}

static async_status async_offload_park_(async_offload_job *job, bool deaf)
{
    ASYNC_WAITS_("async_offload", job);
    (void)async_park_(&job->home->waiters);
    if (deaf) {
        async_set_state_(async_this_task_, ASYNC_DEAF_);
    }
    return ASYNC_PENDING;
}

/* Take it off the queue, if it is still there. */
static bool async_offload_withdraw_(async_offload_job *job)
{
    bool queued;

    async_offload_enter_();
    queued = job->state == ASYNC_JOB_QUEUED_;
    if (queued) {
        async_offload_remove_(job);
    }
    async_offload_leave_();
    return queued;
}

static async_status async_offload_struck_(async_task *task,
                                          async_offload_job *job)
{
    if (!async_offload_withdraw_(job)) {
        return async_offload_park_(job, true);
    }
    async_offload_back_(job);
    return async_deliver_(task);
}

ASYNC_API async_status async_offload(async_offload_job *job,
                                     async_offload_fn fn, void *argument)
{
    async_task *task = async_self_();
    int err;

    if (async_granted_(task)) {
        return task->timer.u.result;
    }
    if (async_state_(task) == ASYNC_STRUCK_) {
        return async_offload_struck_(task, job);
    }
    if (job == NULL || fn == NULL) {
        return ASYNC_EINVAL;
    }
    if (job->home != NULL) {
        return ASYNC_EBUSY;
    }
    if (ASYNC_STRUCK_P_(task)) {
        return async_deliver_(task);
    }
    ASYNC_LASTS_("async_offload", job, true);
    ASYNC_LASTS_("async_offload", argument, true);
    err = async_offload_submit_(job, fn, argument);
    return err < 0 ? err : async_offload_park_(job, false);
}

ASYNC_API async_status async_offload_surely_(async_offload_job *job,
                                             async_offload_fn fn,
                                             void *argument)
{
    async_task *task = async_self_();

    if (async_granted_(task)) {
        return task->timer.u.result;
    }
    return async_offload_submit_(job, fn, argument) < 0
        ? fn(argument) : async_offload_park_(job, true);
}

ASYNC_API void async_offload_abandon_(async_offload_job *job)
{
    job->task = NULL;
    if (async_offload_withdraw_(job)) {
        async_offload_back_(job);
    }
}

#if ASYNC_SIM
ASYNC_API bool async_offload_waits_(const async_loop *loop)
{
    return loop->fds != NULL && loop->fds->offloads != NULL
        && loop->fds->offloads->waiters.tail != NULL;
}
#endif

#endif

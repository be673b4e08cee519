/* signals: awaiting them. None is lost between open and wait, each watcher is
 * told, and what was there before comes back. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "fdtools.h"

#if ASYNC_HOSTED

#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>

enum { WATCHERS = 20, THREADS = 4 };

/* Takes signals until it has so many, and logs how it ends. */
struct watcher {
    async_frame frame;
    async_task task;
    async_signal *signal;
    int n, sum, want;
};

struct main {
    async_frame frame;
    async_signal a, b, many[WATCHERS];
    struct watcher first, second, each[WATCHERS];
    async_timeout scope;
    async_irq irq;
    int i, n, rc, outcome;
    struct sigaction found;
    pthread_t thread;
};

#define RUN(fn, want) \
    do { \
        static struct main m; \
        int before = lowest_fd(); \
        ZERO(m); \
        CHECK_EQ(async_run(fn, &m), want); \
        CHECK_EQ(lowest_fd(), before); \
    } while (0)

static ASYNC watch(struct watcher *self)
{
    ASYNC_BEGIN(self);
    while (self->sum < self->want) {
        AWAIT_VALUE(self->n, async_signal_wait(self->signal));
        CHECK(self->n > 0);
        self->sum += self->n;
    }
    ASYNC_RETURN(self->sum);
    ASYNC_END;
}

static void start(struct watcher *it, async_signal *signal, int want)
{
    memset(it, 0, sizeof *it);
    it->signal = signal;
    it->want = want;
    CHECK_EQ(async_spawn(&it->task, watch, it), 0);
}

/* What is set for a signal now. */
static void (*handler_of(int number))(int)
{
    struct sigaction now;

    CHECK_EQ(sigaction(number, NULL, &now), 0);
    return now.sa_handler;
}

static volatile sig_atomic_t own_calls;

static void own_handler(int number)
{
    CHECK_EQ(number, SIGUSR1);
    own_calls = own_calls + 1;
}

static void another_handler(int number)
{
    (void)number;
}

/* ---- one loop ------------------------------------------------------------ */

static ASYNC between(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_signal_open(&self->a, SIGTERM), 0);
    CHECK_EQ(async_signal_last(&self->a), 0);
    for (self->i = 0; self->i < 3; self->i++) {
        raise(SIGTERM);
    }
    AWAIT_VALUE(self->n, async_signal_wait(&self->a));
    CHECK_EQ(self->n, 3);
    CHECK_EQ(async_signal_last(&self->a), SIGTERM);
    start(&self->first, &self->a, 2);
    AWAIT(async_yield());
    raise(SIGTERM);
    AWAIT(async_yield());
    AWAIT(async_yield());
    CHECK_EQ(self->first.sum, 1);
    raise(SIGTERM);
    AWAIT(async_join(&self->first.task));
    CHECK_EQ(async_signal_close(&self->a), 0);
    ASYNC_END;
}

TEST(signal_between_open_and_wait)
{
    RUN(between, 0);
}

static void at_once(int milliseconds)
{
    struct itimerval once;

    memset(&once, 0, sizeof once);
    once.it_value.tv_usec = milliseconds * 1000;
    CHECK_EQ(setitimer(ITIMER_REAL, &once, NULL), 0);
}

/* The loop sleeps, and has nothing else to wait for. */
static ASYNC asleep(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_signal_open(&self->a, SIGALRM), 0);
    for (self->i = 0; self->i < 5; self->i++) {
        at_once(2);
        AWAIT_VALUE(self->n, async_signal_wait(&self->a));
        CHECK_EQ(self->n, 1);
    }
    CHECK_EQ(async_signal_close(&self->a), 0);
    ASYNC_END;
}

TEST(signal_wakes_a_loop_that_sleeps)
{
    test_real_time();
    RUN(asleep, 0);
}

static ASYNC several(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_signal_open(&self->a, SIGTERM), 0);
    CHECK_EQ(async_signal_add(&self->a, SIGINT), 0);
    CHECK_EQ(async_signal_add(&self->a, SIGINT), ASYNC_EALREADY);
    CHECK_EQ(async_signal_open(&self->b, SIGINT), 0);
    raise(SIGINT);
    AWAIT_VALUE(self->n, async_signal_wait(&self->a));
    CHECK_EQ(self->n, 1);
    CHECK_EQ(async_signal_last(&self->a), SIGINT);
    raise(SIGTERM);
    AWAIT_VALUE(self->n, async_signal_wait(&self->a));
    CHECK_EQ(self->n, 1);
    CHECK_EQ(async_signal_last(&self->a), SIGTERM);
    AWAIT_VALUE(self->n, async_signal_wait(&self->b));
    CHECK_EQ(self->n, 1);
    CHECK_EQ(async_signal_last(&self->b), SIGINT);
    CHECK_EQ(async_signal_close(&self->a), 0);
    CHECK(handler_of(SIGTERM) == SIG_DFL);
    CHECK(handler_of(SIGINT) != SIG_DFL);
    raise(SIGINT);
    AWAIT_VALUE(self->n, async_signal_wait(&self->b));
    CHECK_EQ(async_signal_close(&self->b), 0);
    CHECK(handler_of(SIGINT) == SIG_DFL);
    ASYNC_END;
}

TEST(signal_of_several_numbers)
{
    RUN(several, 0);
}

static ASYNC crowd(struct main *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < WATCHERS; self->i++) {
        CHECK_EQ(async_signal_open(&self->many[self->i], SIGUSR1), 0);
        start(&self->each[self->i], &self->many[self->i], 3);
    }
    raise(SIGUSR1);
    AWAIT(async_yield());
    raise(SIGUSR1);
    /* One from the middle, the first and the last leave. */
    CHECK_EQ(async_signal_close(&self->many[7]), 0);
    CHECK_EQ(async_signal_close(&self->many[0]), 0);
    CHECK_EQ(async_signal_close(&self->many[WATCHERS - 1]), 0);
    raise(SIGUSR1);
    for (self->i = 0; self->i < WATCHERS; self->i++) {
        AWAIT_RESULT(self->rc, async_join(&self->each[self->i].task));
        if (self->i == 7 || self->i == 0 || self->i == WATCHERS - 1) {
            CHECK_EQ(self->rc, ASYNC_ECANCELED);
        } else {
            CHECK_EQ(self->rc, 3);
            CHECK(handler_of(SIGUSR1) != SIG_DFL);
            CHECK_EQ(async_signal_close(&self->many[self->i]), 0);
        }
    }
    CHECK(handler_of(SIGUSR1) == SIG_DFL);
    ASYNC_END;
}

TEST(signal_tells_each_watcher)
{
    RUN(crowd, 0);
}

static ASYNC wrong_use(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_signal_open(NULL, SIGTERM), ASYNC_EINVAL);
    CHECK_EQ(async_signal_open(&self->a, 0), ASYNC_EINVAL);
    CHECK_EQ(async_signal_open(&self->a, -1), ASYNC_EINVAL);
    CHECK_EQ(async_signal_open(&self->a, 65), ASYNC_EINVAL);
    CHECK_EQ(async_signal_open(&self->a, SIGKILL), ASYNC_EINVAL);
    CHECK_EQ(async_signal_open(&self->a, SIGSTOP), ASYNC_EINVAL);
    CHECK_EQ(async_signal_open(&self->a, SIGSEGV), ASYNC_EINVAL);
    CHECK_EQ(async_signal_add(NULL, SIGTERM), ASYNC_EINVAL);
    CHECK_EQ(async_signal_add(&self->a, SIGTERM), ASYNC_EINVAL);
    CHECK_EQ(async_signal_close(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_signal_close(&self->a), ASYNC_EINVAL);
    CHECK_EQ(async_signal_last(NULL), 0);
    AWAIT_RESULT(self->rc, async_signal_wait(NULL));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_signal_wait(&self->a));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    CHECK_EQ(async_signal_open(&self->a, SIGTERM), 0);
    CHECK_EQ(async_signal_open(&self->a, SIGTERM), ASYNC_EBUSY);
    CHECK_EQ(async_signal_add(&self->a, SIGKILL), ASYNC_EINVAL);
    start(&self->first, &self->a, 1);
    AWAIT(async_yield());
    AWAIT_RESULT(self->rc, async_signal_wait(&self->a));
    CHECK_EQ(self->rc, ASYNC_EBUSY);
    CHECK_EQ(async_signal_close(&self->a), 0);
    AWAIT_RESULT(self->rc, async_join(&self->first.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    CHECK_EQ(async_signal_close(&self->a), ASYNC_EINVAL);
    CHECK(handler_of(SIGTERM) == SIG_DFL);
    ASYNC_END;
}

TEST(signal_wrong_use)
{
    static async_signal signal;

    CHECK_EQ(async_signal_open(&signal, SIGTERM), ASYNC_EPERM);
    RUN(wrong_use, 0);
}

/* What the table of cancel safety says: signals that were counted win, none
 * are taken otherwise. */
static ASYNC strikes(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_signal_open(&self->a, SIGUSR1), 0);
    start(&self->first, &self->a, 9);
    AWAIT(async_yield());
    async_cancel(&self->first.task);
    AWAIT_RESULT(self->rc, async_join(&self->first.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    raise(SIGUSR1);
    AWAIT_VALUE(self->n, async_signal_wait(&self->a));
    CHECK_EQ(self->n, 1);
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(5),
                                         async_signal_wait(&self->a)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    /* It comes in the same turn as the strike: it counts, then it ends. */
    start(&self->first, &self->a, 9);
    AWAIT(async_yield());
    raise(SIGUSR1);
    async_cancel(&self->first.task);
    AWAIT_RESULT(self->rc, async_join(&self->first.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    CHECK_EQ(self->first.sum, 1);
    /* A poll: what is there, or nothing. */
    raise(SIGUSR1);
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, 0,
                                         async_signal_wait(&self->a)));
    CHECK_EQ(self->rc, 1);
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, 0,
                                         async_signal_wait(&self->a)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    CHECK_EQ(async_signal_close(&self->a), 0);
    ASYNC_END;
}

TEST(signal_strike_takes_none)
{
    RUN(strikes, 0);
}

/* A loop that ends cancels who waits, and with a finally nothing is left. */
static ASYNC for_ever(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_signal_open(&self->a, SIGUSR1));
    ASYNC_TRY {
        AWAIT(async_signal_wait(&self->a));
    } ASYNC_FINALLY(self->outcome) {
        CHECK_EQ(async_signal_close(&self->a), 0);
    } ASYNC_TRY_END;
    ASYNC_END;
}

static struct main endless;
static async_task endless_task;

static ASYNC leaves_one(struct main *self)
{
    ASYNC_BEGIN(self);
    memset(&endless, 0, sizeof endless);
    CHECK_EQ(async_spawn(&endless_task, for_ever, &endless), 0);
    AWAIT(async_yield());
    CHECK(handler_of(SIGUSR1) != SIG_DFL);
    ASYNC_END;
}

TEST(signal_of_a_loop_that_ends)
{
    RUN(leaves_one, 0);
    CHECK(handler_of(SIGUSR1) == SIG_DFL);
}

/* ---- what was there before ----------------------------------------------- */

static ASYNC restores(struct main *self)
{
    ASYNC_BEGIN(self);
    own_calls = 0;
    CHECK_EQ(async_signal_open(&self->a, SIGUSR1), 0);
    raise(SIGUSR1);
    CHECK_EQ(own_calls, 0);             /* it is ours now */
    CHECK_EQ(async_signal_open(&self->b, SIGUSR1), 0);
    CHECK_EQ(async_signal_close(&self->a), 0);
    CHECK(handler_of(SIGUSR1) != own_handler);
    CHECK_EQ(async_signal_close(&self->b), 0);
    CHECK(handler_of(SIGUSR1) == own_handler);
    raise(SIGUSR1);
    CHECK_EQ(own_calls, 1);

    /* Somebody else sets a handler meanwhile: that one stays. */
    CHECK_EQ(async_signal_open(&self->a, SIGUSR1), 0);
    signal(SIGUSR1, another_handler);
    CHECK_EQ(async_signal_close(&self->a), 0);
    CHECK(handler_of(SIGUSR1) == another_handler);

    /* Ours is put back by somebody who found it, when nobody watches: what is
     * called then, and comes back later, is the one from before. */
    signal(SIGUSR1, own_handler);
    CHECK_EQ(async_signal_open(&self->a, SIGUSR1), 0);
    CHECK_EQ(sigaction(SIGUSR1, NULL, &self->found), 0);
    CHECK_EQ(async_signal_close(&self->a), 0);
    CHECK_EQ(sigaction(SIGUSR1, &self->found, NULL), 0);
    own_calls = 0;
    raise(SIGUSR1);
    CHECK_EQ(own_calls, 1);
    CHECK_EQ(async_signal_pass_(&self->a, SIGUSR1), 0);
    raise(SIGUSR1);
    CHECK_EQ(own_calls, 2);
    CHECK_EQ(async_signal_close(&self->a), 0);
    CHECK(handler_of(SIGUSR1) == own_handler);
    ASYNC_END;
}

TEST(signal_old_handler_comes_back)
{
    static void (*const old[])(int) = {SIG_DFL, SIG_IGN};
    struct sigaction action;
    int i;

    memset(&action, 0, sizeof action);
    action.sa_handler = own_handler;
    sigaddset(&action.sa_mask, SIGUSR2);
    action.sa_flags = SA_NODEFER;
    sigaction(SIGUSR1, &action, NULL);
    RUN(restores, 0);
    for (i = 0; i < 2; i++) {
        signal(SIGUSR1, old[i]);
        RUN(leaves_one, 0);
        CHECK(handler_of(SIGUSR1) == old[i]);
    }
    signal(SIGUSR1, SIG_DFL);
}

TEST(signal_old_flags_come_back)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = own_handler;
    sigaddset(&action.sa_mask, SIGUSR2);
    action.sa_flags = SA_NODEFER;
    sigaction(SIGUSR1, &action, NULL);
    RUN(leaves_one, 0);
    memset(&action, 0, sizeof action);
    sigaction(SIGUSR1, NULL, &action);
    CHECK(action.sa_handler == own_handler);
    CHECK(sigismember(&action.sa_mask, SIGUSR2) == 1);
    CHECK((action.sa_flags & SA_NODEFER) != 0);
    CHECK((action.sa_flags & SA_RESTART) == 0);
    signal(SIGUSR1, SIG_DFL);
}

/* The watchers of processes: the program's own handler is called, too. */
static volatile sig_atomic_t info_code;

static void own_with_info(int number, siginfo_t *info, void *context)
{
    (void)context;
    own_handler(number);
    info_code = info->si_code;
}

static ASYNC passes(struct main *self)
{
    ASYNC_BEGIN(self);
    own_calls = 0;
    info_code = 1;
    CHECK_EQ(async_signal_pass_(&self->a, SIGUSR1), 0);
    errno = EDOM;
    kill(getpid(), SIGUSR1);
    CHECK_EQ(errno, EDOM);
    AWAIT_VALUE(self->n, async_signal_wait(&self->a));
    CHECK_EQ(self->n, 1);
    CHECK_EQ(own_calls, 1);
    CHECK_EQ(async_signal_open(&self->b, SIGUSR1), 0);
    raise(SIGUSR1);                     /* now it was taken */
    CHECK_EQ(own_calls, 1);
    CHECK_EQ(async_signal_close(&self->b), 0);
    raise(SIGUSR1);
    CHECK_EQ(own_calls, 2);
    AWAIT_VALUE(self->n, async_signal_wait(&self->a));
    CHECK_EQ(self->n, 2);
    CHECK_EQ(async_signal_close(&self->a), 0);
    ASYNC_END;
}

TEST(signal_passed_on_to_the_own_handler)
{
    struct sigaction action;

    signal(SIGUSR1, own_handler);
    RUN(passes, 0);
    memset(&action, 0, sizeof action);
    action.sa_sigaction = own_with_info;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGUSR1, &action, NULL);
    RUN(passes, 0);
    CHECK_EQ(info_code, SI_TKILL);      /* of raise */
    signal(SIGUSR1, SIG_DFL);
}

/* ---- threads ------------------------------------------------------------- */

/* A thread in a system call of its own is not disturbed: SA_RESTART. */
static int blocking[2];
static volatile int blocked_result;
static async_irq *blocked_irq;

static void *reads_blocking(void *argument)
{
    char byte;

    (void)argument;
    async_irq_raise(blocked_irq);
    blocked_result = (int)read(blocking[0], &byte, 1);
    return NULL;
}

static ASYNC restarts(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_signal_open(&self->a, SIGUSR1), 0);
    CHECK_EQ(async_irq_open(&self->irq), 0);
    CHECK_EQ(pipe(blocking), 0);
    blocked_result = 77;
    blocked_irq = &self->irq;
    CHECK_EQ(pthread_create(&self->thread, NULL, reads_blocking, NULL), 0);
    AWAIT(async_irq_wait(&self->irq));
    for (self->i = 0; self->i < 20; self->i++) {
        pthread_kill(self->thread, SIGUSR1);
        AWAIT(async_signal_wait(&self->a));
        AWAIT(async_sleep((async_duration)ASYNC_US(200)));
    }
    CHECK_EQ(blocked_result, 77);
    put(blocking[1], "x");
    pthread_join(self->thread, NULL);
    CHECK_EQ(blocked_result, 1);
    close(blocking[0]);
    close(blocking[1]);
    async_irq_close(&self->irq);
    CHECK_EQ(async_signal_close(&self->a), 0);
    ASYNC_END;
}

TEST(signal_restarts_system_calls)
{
    test_real_time();
    RUN(restarts, 0);
}

#ifndef __TINYC__               /* which has no variables of a thread */

/* A loop in each of several threads, and one signal for all of them. */
static int rounds_seen[THREADS], round_number, failed_threads;

struct listener {
    async_frame frame;
    async_signal signal;
    async_timeout scope;
    int me, n, i;
};

enum { ROUNDS = 30 };

static ASYNC listen_in(struct listener *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_signal_open(&self->signal, SIGUSR2));
    for (self->i = 1; self->i <= ROUNDS; self->i++) {
        __atomic_store_n(&rounds_seen[self->me], self->i, __ATOMIC_SEQ_CST);
        AWAIT_VALUE(self->n, ASYNC_TIMEOUT(&self->scope,
                                           (async_duration)ASYNC_SEC(20),
                                           async_signal_wait(&self->signal)));
    }
    AWAIT(async_signal_close(&self->signal));
    ASYNC_END;
}

static void *listener(void *argument)
{
    struct listener *self = (struct listener *)argument;

    if (async_run(listen_in, self) != 0) {
        __atomic_add_fetch(&failed_threads, 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

#endif

TEST(signal_to_several_loops)
{
#ifndef __TINYC__
    static struct listener listeners[THREADS];
    pthread_t threads[THREADS];
    int i;

    test_real_time();
    memset(listeners, 0, sizeof listeners);
    memset(rounds_seen, 0, sizeof rounds_seen);
    failed_threads = 0;
    for (i = 0; i < THREADS; i++) {
        listeners[i].me = i;
        CHECK_EQ(pthread_create(&threads[i], NULL, listener, &listeners[i]),
                 0);
    }
    for (round_number = 1; round_number <= ROUNDS; round_number++) {
        for (i = 0; i < THREADS; i++) {
            while (__atomic_load_n(&rounds_seen[i], __ATOMIC_SEQ_CST)
                   < round_number
                   && __atomic_load_n(&failed_threads, __ATOMIC_SEQ_CST)
                      == 0) {
                sched_yield();
            }
        }
        kill(getpid(), SIGUSR2);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK_EQ(failed_threads, 0);
    CHECK(handler_of(SIGUSR2) == SIG_DFL);
#endif
}

#ifndef __TINYC__

/* Watchers come and go in some threads while signals hail down on all. Each
 * is in memory of its own, so that a late handler would be seen by a checker
 * of memory. */
static int hail_ends;

struct visitor {
    async_frame frame;
    async_signal *signal;
    int i, n;
};

static ASYNC visit(struct visitor *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 300; self->i++) {
        self->signal = (async_signal *)calloc(1, sizeof *self->signal);
        if (self->signal == NULL) {
            ASYNC_RAISE(ASYNC_ENOMEM);
        }
        AWAIT(async_signal_open(self->signal, SIGUSR2));
        AWAIT_VALUE(self->n, async_signal_wait(self->signal));
        AWAIT(async_signal_close(self->signal));
        memset(self->signal, 0xff, sizeof *self->signal);
        free(self->signal);
    }
    ASYNC_END;
}

static void *visitor(void *argument)
{
    struct visitor *self = (struct visitor *)argument;

    if (async_run(visit, self) != 0) {
        __atomic_add_fetch(&failed_threads, 1, __ATOMIC_SEQ_CST);
    }
    __atomic_add_fetch(&hail_ends, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

#endif

TEST(signal_watchers_come_and_go)
{
#ifndef __TINYC__
    static struct visitor visitors[THREADS];
    pthread_t threads[THREADS];
    int i;

    test_real_time();
    memset(visitors, 0, sizeof visitors);
    failed_threads = 0;
    hail_ends = 0;
    signal(SIGUSR2, SIG_IGN);
    for (i = 0; i < THREADS; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, visitor, &visitors[i]), 0);
    }
    while (__atomic_load_n(&hail_ends, __ATOMIC_SEQ_CST) < THREADS) {
        for (i = 0; i < THREADS; i++) {
            kill(getpid(), SIGUSR2);
        }
        sched_yield();
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    CHECK_EQ(failed_threads, 0);
    CHECK(handler_of(SIGUSR2) == SIG_IGN);
    signal(SIGUSR2, SIG_DFL);
#endif
}

/* Forked while another thread opens and closes watchers in a hail: the child
 * opens one of its own. */
#if ASYNC_OFFLOAD && !defined __TINYC__

static int forking_ends;

struct opener { async_frame frame; async_signal signal; };

static ASYNC opens_and_closes(struct opener *self)
{
    ASYNC_BEGIN(self);
    while (__atomic_load_n(&forking_ends, __ATOMIC_SEQ_CST) == 0) {
        AWAIT(async_signal_open(&self->signal, SIGUSR2));
        raise(SIGUSR2);
        AWAIT(async_signal_close(&self->signal));
    }
    ASYNC_END;
}

static void *opener(void *argument)
{
    struct opener it;

    ZERO(it);
    *(int *)argument = async_run(opens_and_closes, &it);
    return NULL;
}

static ASYNC in_a_child(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_signal_open(&self->a, SIGUSR1));
    raise(SIGUSR1);
    AWAIT_VALUE(self->n, async_signal_wait(&self->a));
    AWAIT(async_signal_close(&self->a));
    ASYNC_RETURN(self->n);
    ASYNC_END;
}

#endif

TEST(signal_in_a_child_of_fork)
{
#if ASYNC_OFFLOAD && !defined __TINYC__
    static struct main m;
    pthread_t thread;
    int i, rc = 0, status = 0;

    test_real_time();
    forking_ends = 0;
    CHECK_EQ(pthread_create(&thread, NULL, opener, &rc), 0);
    for (i = 0; i < 100 && status == 0; i++) {
        pid_t child = fork();

        if (child == 0) {
            alarm(20);
            ZERO(m);
            _exit(async_run(in_a_child, &m) == 1 ? 0 : 1);
        }
        CHECK(waitpid(child, &status, 0) == child);
    }
    CHECK_EQ(status, 0);
    (void)__atomic_add_fetch(&forking_ends, 1, __ATOMIC_SEQ_CST);
    pthread_join(thread, NULL);
    CHECK_EQ(rc, 0);
#endif
}

#endif

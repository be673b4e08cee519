/* irq: events from tasks, signal handlers and threads. The hazards are those
 * of wakes: none is lost, none comes twice, none comes after the end. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "fdtools.h"

#if ASYNC_HOSTED

#include <pthread.h>

enum { THREADS = 4, TIMES = 250000 };

struct counter {
    async_frame frame;
    async_task task;
    async_irq *irq;
    int n, rc;
    long sum, want;
};

struct main {
    async_frame frame;
    async_irq irq, other;
    struct counter a, b;
    async_task task;
    async_timeout scope;
    int n, rc, i;
    long sum, t;
    pthread_t thread[THREADS];
    char name[4];
};

#define RUN(fn, want) \
    do { \
        static struct main m; \
        int before = lowest_fd(); \
        ZERO(m); \
        CHECK_EQ(async_run(fn, &m), want); \
        CHECK_EQ(lowest_fd(), before); \
    } while (0)

/* Counts events until it has seen as many as it wants. */
static ASYNC count_events(struct counter *self)
{
    ASYNC_BEGIN(self);
    while (self->sum < self->want) {
        AWAIT_VALUE(self->n, async_irq_wait(self->irq));
        CHECK(self->n > 0);
        self->sum += self->n;
    }
    ASYNC_END;
}

static void count(struct counter *it, async_irq *irq, long want)
{
    memset(it, 0, sizeof *it);
    it->irq = irq;
    it->want = want;
    CHECK_EQ(async_spawn(&it->task, count_events, it), 0);
}

static ASYNC from_tasks(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_irq_open(&self->irq), 0);
    for (self->i = 0; self->i < 3; self->i++) {
        async_irq_raise(&self->irq);
    }
    AWAIT_VALUE(self->n, async_irq_wait(&self->irq));
    CHECK_EQ(self->n, 3);
    count(&self->a, &self->irq, 2);
    AWAIT(async_yield());
    async_irq_raise(&self->irq);
    AWAIT(async_yield());
    AWAIT(async_yield());
    CHECK_EQ(self->a.sum, 1);
    async_irq_raise(&self->irq);
    AWAIT(async_join(&self->a.task));
    CHECK_EQ(async_irq_close(&self->irq), 0);
    ASYNC_END;
}

TEST(irq_counts_what_it_missed)
{
    RUN(from_tasks, 0);
}

static ASYNC wrong_use(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_irq_open(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_irq_close(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_irq_close(&self->irq), ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_irq_wait(NULL));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_irq_wait(&self->irq));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    CHECK_EQ(async_irq_open(&self->irq), 0);
    CHECK_EQ(async_irq_open(&self->irq), ASYNC_EBUSY);
    count(&self->a, &self->irq, 1);
    AWAIT(async_yield());
    AWAIT_RESULT(self->rc, async_irq_wait(&self->irq));
    CHECK_EQ(self->rc, ASYNC_EBUSY);
    CHECK_EQ(async_irq_close(&self->irq), 0);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    CHECK_EQ(async_irq_close(&self->irq), ASYNC_EINVAL);
    ASYNC_END;
}

TEST(irq_wrong_use)
{
    static async_irq irq;

    CHECK_EQ(async_irq_open(&irq), ASYNC_EPERM);
    RUN(wrong_use, 0);
}

/* A struck waiter takes no events; granted ones are kept. */
static ASYNC strikes(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_irq_open(&self->irq), 0);
    count(&self->a, &self->irq, 9);
    AWAIT(async_yield());
    async_cancel(&self->a.task);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    async_irq_raise(&self->irq);
    AWAIT_VALUE(self->n, async_irq_wait(&self->irq));
    CHECK_EQ(self->n, 1);
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(5),
                                         async_irq_wait(&self->irq)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    /* Raised and cancelled in one turn: it counts, then it ends. */
    count(&self->a, &self->irq, 9);
    AWAIT(async_yield());
    async_irq_raise(&self->irq);
    async_cancel(&self->a.task);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    CHECK_EQ(self->a.sum, 1);
    CHECK_EQ(async_irq_close(&self->irq), 0);
    ASYNC_END;
}

TEST(irq_strike_takes_no_events)
{
    RUN(strikes, 0);
}

/* The loop waits as long as an irq is waited for, and no longer. */
static ASYNC nothing_comes(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_irq_open(&self->irq), 0);
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(5),
                                         async_irq_wait(&self->irq)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    async_irq_close(&self->irq);
    AWAIT(async_irq_wait(&self->irq));
    ASYNC_END;
}

TEST(irq_closed_is_not_waited_for)
{
    RUN(nothing_comes, ASYNC_EINVAL);
}

/* ---- threads and signals ------------------------------------------------- */

static void *raise_often(void *irq)
{
    int i;

    for (i = 0; i < TIMES; i++) {
        async_irq_raise((async_irq *)irq);
        if (i % 4096 == 0) {            /* let the loop fall asleep */
            struct timespec pause_ns = {0, 20000};

            nanosleep(&pause_ns, NULL);
        }
    }
    return NULL;
}

static ASYNC threads(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_irq_open(&self->irq), 0);
    for (self->i = 0; self->i < THREADS; self->i++) {
        CHECK_EQ(pthread_create(&self->thread[self->i], NULL, raise_often,
                                &self->irq), 0);
    }
    while (self->sum < (long)THREADS * TIMES) {
        AWAIT_VALUE(self->n, ASYNC_TIMEOUT(&self->scope,
                                           (async_duration)ASYNC_SEC(20),
                                           async_irq_wait(&self->irq)));
        self->sum += self->n;
    }
    CHECK_EQ(self->sum, (long)THREADS * TIMES);
    for (self->i = 0; self->i < THREADS; self->i++) {
        pthread_join(self->thread[self->i], NULL);
    }
    async_irq_close(&self->irq);
    ASYNC_END;
}

TEST(irq_million_events_from_threads)
{
    test_real_time();
    RUN(threads, 0);
}

static async_irq *volatile alarm_irq;
static volatile sig_atomic_t alarm_count;

static void on_alarm(int number)
{
    (void)number;
    alarm_count = alarm_count + 1;
    async_irq_raise(alarm_irq);
}

/* One event after the other: each finds the loop asleep, or about to be, and
 * a single lost one stops everything. */
static ASYNC one_by_one(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_irq_open(&self->irq), 0);
    alarm_irq = &self->irq;
    alarm_count = 0;
    {
        struct itimerval often;
        struct sigaction action;

        memset(&action, 0, sizeof action);
        action.sa_handler = on_alarm;
        sigaction(SIGALRM, &action, NULL);
        memset(&often, 0, sizeof often);
        often.it_interval.tv_usec = often.it_value.tv_usec = 100;
        setitimer(ITIMER_REAL, &often, NULL);
    }
    while (self->sum < 500) {
        AWAIT_VALUE(self->n, ASYNC_TIMEOUT(&self->scope,
                                           (async_duration)ASYNC_SEC(20),
                                           async_irq_wait(&self->irq)));
        self->sum += self->n;
    }
    {
        struct itimerval never;

        memset(&never, 0, sizeof never);
        setitimer(ITIMER_REAL, &never, NULL);
        signal(SIGALRM, SIG_IGN);
    }
    AWAIT_RESULT(self->n, ASYNC_TIMEOUT(&self->scope, 0,
                                        async_irq_wait(&self->irq)));
    CHECK_EQ(self->sum + (self->n > 0 ? self->n : 0), alarm_count);
    async_irq_close(&self->irq);
    ASYNC_END;
}

TEST(irq_signals_one_by_one)
{
    test_real_time();
    RUN(one_by_one, 0);
    signal(SIGALRM, SIG_DFL);
}

/* Signals while the loop is busy with other work and descriptors. */
static void on_usr1(int number)
{
    int before = errno;

    (void)number;
    errno = EDOM;
    async_irq_raise(alarm_irq);
    CHECK_EQ(errno, EDOM);
    errno = before;
}

static ASYNC raises_signals(struct counter *self)
{
    ASYNC_BEGIN(self);
    for (; self->sum < 20000; self->sum++) {
        raise(SIGUSR1);
        if (self->sum % 7 == 0) {
            AWAIT(async_yield());
        }
    }
    ASYNC_END;
}

static ASYNC busy_signals(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_irq_open(&self->irq), 0);
    alarm_irq = &self->irq;
    signal(SIGUSR1, on_usr1);
    count(&self->a, &self->irq, 20000);
    CHECK_EQ(async_spawn(&self->b.task, raises_signals, &self->b), 0);
    AWAIT(async_join(&self->a.task));
    AWAIT(async_join(&self->b.task));
    CHECK_EQ(self->a.sum, 20000);
    signal(SIGUSR1, SIG_DFL);
    async_irq_close(&self->irq);
    ASYNC_END;
}

TEST(irq_signals_in_the_middle_of_work)
{
    test_real_time();
    RUN(busy_signals, 0);
}

/* The wake arrives between looking and sleeping: a thread answers each event
 * with the next one at once, back and forth between two loops. Not for tcc,
 * which has no variables of a thread. */
#ifndef __TINYC__

struct table { async_irq *volatile ball[2]; int finished[2]; };
static struct table table;

struct player { async_frame frame; async_irq irq; int side, i; async_timeout
                scope; };

static ASYNC play(struct player *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_irq_open(&self->irq), 0);
    __atomic_store_n(&table.ball[self->side], &self->irq, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&table.ball[!self->side], __ATOMIC_SEQ_CST)
           == NULL) {
        AWAIT(async_yield());
    }
    if (self->side == 0) {
        async_irq_raise(table.ball[1]);
    }
    for (self->i = 0; self->i < 3000; self->i++) {
        AWAIT(ASYNC_TIMEOUT(&self->scope, (async_duration)ASYNC_SEC(20),
                            async_irq_wait(&self->irq)));
        if (self->side == 1 || self->i + 1 < 3000) {
            async_irq_raise(table.ball[!self->side]);
        }
    }
    /* A loop stays until nobody is inside of async_irq_raise for it. */
    __atomic_store_n(&table.finished[self->side], 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&table.finished[!self->side], __ATOMIC_SEQ_CST)) {
        AWAIT(async_yield());
    }
    CHECK_EQ(async_irq_close(&self->irq), 0);
    ASYNC_END;
}

static void *other_side(void *result)
{
    static struct player player;

    ZERO(player);
    player.side = 1;
    *(int *)result = async_run(play, &player);
    return NULL;
}

#endif

TEST(irq_two_loops_in_two_threads)
{
#ifndef __TINYC__
    static struct player player;
    pthread_t thread;
    int result = -1;

    test_real_time();
    ZERO(player);
    ZERO(table);
    CHECK_EQ(pthread_create(&thread, NULL, other_side, &result), 0);
    CHECK_EQ(async_run(play, &player), 0);
    pthread_join(thread, NULL);
    CHECK_EQ(result, 0);
#endif
}

/* A loop that another thread tells to end: it is gone before that thread is
 * out of async_irq_raise. */
#ifndef __TINYC__

struct told {
    async_frame frame;
    async_irq end;
    async_irq *ready;
    int n;
};

static ASYNC be_told(struct told *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_irq_open(&self->end));
    async_irq_raise(self->ready);
    AWAIT_VALUE(self->n, async_irq_wait(&self->end));
    async_irq_close(&self->end);
    ASYNC_RETURN(self->n);
    ASYNC_END;
}

static void *run_told(void *argument)
{
    struct told *told = (struct told *)argument;

    told->n = async_run(be_told, told);
    return NULL;
}

struct teller {
    async_frame frame;
    async_irq ready;
    struct told told;
    pthread_t thread;
    int i, n;
};

static ASYNC tell(struct teller *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 300; self->i++) {
        AWAIT(async_irq_open(&self->ready));
        self->told.ready = &self->ready;
        CHECK_EQ(pthread_create(&self->thread, NULL, run_told, &self->told),
                 0);
        AWAIT_VALUE(self->n, async_irq_wait(&self->ready));
        async_irq_close(&self->ready);
        async_irq_raise(&self->told.end);
        pthread_join(self->thread, NULL);
        CHECK_EQ(self->told.n, 1);
    }
    ASYNC_END;
}

#endif

TEST(irq_ends_a_loop_from_another_thread)
{
#ifndef __TINYC__
    static struct teller teller;

    test_real_time();
    ZERO(teller);
    CHECK_EQ(async_run(tell, &teller), 0);
#endif
}

/* With descriptors and timers about. */
static ASYNC mixed(struct main *self)
{
    static struct one reader;
    static int ends[2];

    ASYNC_BEGIN(self);
    CHECK_EQ(async_irq_open(&self->irq), 0);
    CHECK_EQ(async_pipe(ends), 0);
    one_start(&reader, "read", 'r', ends[0], 9);
    count(&self->a, &self->irq, 1);
    AWAIT(async_sleep(MS(2)));
    CHECK_EQ(pthread_create(&self->thread[0], NULL, raise_often, &self->irq),
             0);
    AWAIT(async_join(&self->a.task));
    pthread_join(self->thread[0], NULL);
    put(ends[1], "x");
    AWAIT(async_join(&reader.task));
    CHECK_LOG("read:1 ");
    async_close(ends[0]);
    async_close(ends[1]);
    async_irq_close(&self->irq);
    ASYNC_END;
}

TEST(irq_hazard_m_beside_descriptors)
{
    test_real_time();
    RUN(mixed, 0);
}

#endif

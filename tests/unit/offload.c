/* offload: jobs in threads, and strikes before they begin, while they run, and
 * after they have ended. No test sleeps: a gate holds a job where it is. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "fdtools.h"

#if ASYNC_HOSTED && ASYNC_OFFLOAD

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>

/* Where a thread waits until it is let through, and says that it is there. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int inside, open;
};

static void gate_init(struct gate *gate)
{
    memset(gate, 0, sizeof *gate);
    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->changed, NULL);
}

static int gate_pass(void *argument)
{
    struct gate *gate = (struct gate *)argument;
    int n;

    pthread_mutex_lock(&gate->lock);
    n = ++gate->inside;
    pthread_cond_broadcast(&gate->changed);
    while (gate->open < n) {
        pthread_cond_wait(&gate->changed, &gate->lock);
    }
    pthread_mutex_unlock(&gate->lock);
    return 100 + n;
}

static void gate_open(struct gate *gate, int n)
{
    pthread_mutex_lock(&gate->lock);
    gate->open += n;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

/* The loop stands still until so many jobs are at the gate. */
static void gate_until(struct gate *gate, int n)
{
    pthread_mutex_lock(&gate->lock);
    while (gate->inside < n) {
        pthread_cond_wait(&gate->changed, &gate->lock);
    }
    pthread_mutex_unlock(&gate->lock);
}

/* A task that offloads one call, and logs how it went. */
struct job {
    async_frame frame;
    async_task task;
    async_offload_job job;
    async_timeout scope;
    async_offload_fn fn;
    void *argument;
    const char *name;
    int rc, next;
    bool limited;
    async_duration limit;
};

static ASYNC job_run(struct job *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        if (self->limited) {
            AWAIT_VALUE(self->rc, ASYNC_TIMEOUT(&self->scope, self->limit,
                        async_offload(&self->job, self->fn, self->argument)));
        } else {
            AWAIT_VALUE(self->rc, async_offload(&self->job, self->fn,
                                                self->argument));
        }
        if (self->name != NULL) {
            test_log("%s:%d ", self->name, self->rc);
        }
        self->next = 1;
        AWAIT(async_yield());
        self->next = 2;
    } ASYNC_CATCH_ALL(self->rc) {
        test_log("%s:%s ", self->name, async_strerror(self->rc));
        ASYNC_RAISE(self->rc);
    } ASYNC_TRY_END;
    ASYNC_RETURN(self->rc);
    ASYNC_END;
}

static void job_start(struct job *self, const char *name, async_offload_fn fn,
                      void *argument)
{
    self->name = name;
    self->fn = fn;
    self->argument = argument;
    CHECK_EQ(async_spawn(&self->task, job_run, self), 0);
}

/* The loop's thread waits, without a turn, until an irq of it was raised. */
static void until_raised(void)
{
#if defined __GNUC__ && !defined __TINYC__
    while (__atomic_load_n(&async_this_loop_->notified,
                           __ATOMIC_RELAXED) == 0) {
    }
#else
    while (async_this_loop_->notified == 0) {
    }
#endif
}

enum { FULL = ASYNC_OFFLOAD_THREADS };

struct emptied { async_frame frame; int i; };

struct main {
    async_frame frame;
    struct gate gate;
    struct job full[FULL], a, b, c;
    struct emptied emptied;
    async_offload_job job;
    async_timeout scope;
    pthread_t thread;
    sigset_t signals;
    int i, n, rc, outcome;
    int order[8], ordered;
};

#define RUN(fn, want) \
    do { \
        static struct main m; \
        int before = lowest_fd(); \
        ZERO(m); \
        test_real_time(); \
        gate_init(&m.gate); \
        CHECK_EQ(async_run(fn, &m), want); \
        CHECK_EQ(lowest_fd(), before); \
    } while (0)

/* Every worker is at the gate, so that further jobs stay in the queue. */
static void fill(struct main *self)
{
    int i;

    for (i = 0; i < FULL; i++) {
        job_start(&self->full[i], NULL, gate_pass, &self->gate);
    }
}

/* Let them out, and wait for them: a coroutine of its own. */
static ASYNC empty(struct emptied *self, struct main *m)
{
    ASYNC_BEGIN(self);
    gate_open(&m->gate, FULL);
    for (self->i = 0; self->i < FULL; self->i++) {
        AWAIT(async_join(&m->full[self->i].task));
    }
    ASYNC_END;
}

/* ---- results ------------------------------------------------------------- */

static int add(void *argument)
{
    int *pair = (int *)argument;

    pair[2] = pair[0] + pair[1];
    return pair[2];
}

static int as_it_is(void *argument)
{
    return *(int *)argument;
}

static ASYNC results(struct main *self)
{
    ASYNC_BEGIN(self);
    self->order[0] = 20;
    self->order[1] = 22;
    AWAIT_VALUE(self->n, async_offload(&self->job, add, self->order));
    CHECK_EQ(self->n, 42);
    CHECK_EQ(self->order[2], 42);
    for (self->i = 0; self->i < 1000; self->i++) {
        AWAIT_VALUE(self->n, async_offload(&self->job, as_it_is, &self->i));
        CHECK_EQ(self->n, self->i);
    }
    self->i = ASYNC_EUSER(3);
    AWAIT_RESULT(self->rc, async_offload(&self->job, as_it_is, &self->i));
    CHECK_EQ(self->rc, ASYNC_EUSER(3));
    for (self->n = 0; self->n < 4; self->n++) {     /* these mean something */
        self->i = INT_MIN + self->n;
        AWAIT_RESULT(self->rc, async_offload(&self->job, as_it_is, &self->i));
        CHECK_EQ(self->rc, ASYNC_EINVAL);
    }
    ASYNC_END;
}

TEST(offload_gives_the_result)
{
    RUN(results, 0);
}

static ASYNC wrong_use(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->rc, async_offload(NULL, add, self->order));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_offload(&self->job, NULL, self->order));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    job_start(&self->a, "a", gate_pass, &self->gate);
    AWAIT(async_yield());
    AWAIT_RESULT(self->rc, async_offload(&self->a.job, add, self->order));
    CHECK_EQ(self->rc, ASYNC_EBUSY);
    gate_open(&self->gate, 1);
    AWAIT_VALUE(self->n, async_join(&self->a.task));
    CHECK_EQ(self->n, 101);
    ASYNC_END;
}

TEST(offload_wrong_use)
{
    RUN(wrong_use, 0);
    CHECK_LOG("a:101 ");
}

static int other_thread(void *argument)
{
    struct main *m = (struct main *)argument;

    (void)pthread_sigmask(SIG_SETMASK, NULL, &m->signals);
    return pthread_equal(m->thread, pthread_self()) ? 0 : 1;
}

static ASYNC in_a_thread(struct main *self)
{
    ASYNC_BEGIN(self);
    self->thread = pthread_self();
    AWAIT_VALUE(self->n, async_offload(&self->job, other_thread, self));
    CHECK_EQ(self->n, 1);
    CHECK(sigismember(&self->signals, SIGINT) == 1);
    CHECK(sigismember(&self->signals, SIGTERM) == 1);
    CHECK(sigismember(&self->signals, SIGCHLD) == 1);
    CHECK(sigismember(&self->signals, SIGSEGV) == 0);
    ASYNC_END;
}

TEST(offload_is_in_a_thread_without_signals)
{
    sigset_t signals;

    RUN(in_a_thread, 0);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &signals);
    CHECK(sigismember(&signals, SIGINT) == 0);
}

/* ---- the queue ----------------------------------------------------------- */

struct noted { struct main *m; int n; };
static struct noted notes[3];

static int note(void *argument)
{
    struct noted *it = (struct noted *)argument;

    pthread_mutex_lock(&it->m->gate.lock);
    it->m->order[it->m->ordered++] = it->n;
    pthread_mutex_unlock(&it->m->gate.lock);
    return it->n;
}

/* One gate pass opens one worker: it alone takes the others. */
static ASYNC first_come(struct main *self)
{
    ASYNC_BEGIN(self);
    fill(self);
    AWAIT(async_yield());
    gate_until(&self->gate, FULL);
    for (self->i = 0; self->i < 3; self->i++) {
        notes[self->i].m = self;
        notes[self->i].n = self->i;
    }
    job_start(&self->a, "a", note, &notes[0]);
    job_start(&self->b, "b", note, &notes[1]);
    job_start(&self->c, "c", note, &notes[2]);
    AWAIT(async_yield());
    CHECK_EQ(self->ordered, 0);
    gate_open(&self->gate, 1);
    AWAIT(async_join(&self->c.task));
    CHECK_EQ(self->ordered, 3);
    for (self->i = 0; self->i < 3; self->i++) {
        CHECK_EQ(self->order[self->i], self->i);
    }
    AWAIT(empty(&self->emptied, self));
    ASYNC_END;
}

TEST(offload_first_come_first_served)
{
    RUN(first_come, 0);
    CHECK_LOG("a:0 b:1 c:2 ");
}

/* They meet at the gate: none waits for another's end. */
static ASYNC side_by_side(struct main *self)
{
    ASYNC_BEGIN(self);
    fill(self);
    AWAIT(async_yield());
    gate_until(&self->gate, FULL);
    AWAIT(empty(&self->emptied, self));
    ASYNC_END;
}

TEST(offload_runs_side_by_side)
{
    RUN(side_by_side, 0);
}

struct crowd { async_frame frame; struct job job[500]; int i, rc, sum;
               int n[500]; };

static ASYNC crowd(struct crowd *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 500; self->i++) {
        self->n[self->i] = self->i;
        job_start(&self->job[self->i], NULL, as_it_is, &self->n[self->i]);
    }
    for (self->i = 0; self->i < 500; self->i++) {
        AWAIT_VALUE(self->rc, async_join(&self->job[self->i].task));
        CHECK_EQ(self->job[self->i].next, 2);
        self->sum += self->rc;
    }
    CHECK_EQ(self->sum, 499 * 250);
    ASYNC_END;
}

TEST(offload_more_jobs_than_threads)
{
    static struct crowd it;

    ZERO(it);
    test_real_time();
    CHECK_EQ(async_run(crowd, &it), 0);
}

/* So many at once, and no more; and none when the last loop has closed. */
static struct gate counter;

static int count_inside(void *argument)
{
    int n;

    (void)argument;
    pthread_mutex_lock(&counter.lock);
    n = ++counter.inside;
    counter.open = n > counter.open ? n : counter.open;
    pthread_mutex_unlock(&counter.lock);
    (void)sched_yield();
    pthread_mutex_lock(&counter.lock);
    counter.inside--;
    pthread_mutex_unlock(&counter.lock);
    return 0;
}

static int threads_now(void)
{
    int n = 0;
#ifdef __linux__
    DIR *folder = opendir("/proc/self/task");

    while (folder != NULL && readdir(folder) != NULL) {
        n++;
    }
    if (folder != NULL) {
        closedir(folder);
    }
#endif
    return n;
}

static ASYNC counts(struct crowd *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 100; self->i++) {
        job_start(&self->job[self->i], NULL, count_inside, NULL);
    }
    for (self->i = 0; self->i < 100; self->i++) {
        AWAIT(async_join(&self->job[self->i].task));
    }
    self->sum = threads_now();
    ASYNC_END;
}

TEST(offload_no_more_threads_than_it_may)
{
    static struct crowd it;
    int before = threads_now();
    int i;

    ZERO(it);
    gate_init(&counter);
    test_real_time();
    CHECK_EQ(async_run(counts, &it), 0);
    CHECK(counter.open >= 1 && counter.open <= FULL);
    /* They are joined, but /proc may be a little late: with one of the test
     * before this one, too. */
    for (i = 0; i < 100000 && threads_now() > before; i++) {
        (void)sched_yield();
    }
    CHECK(threads_now() <= before);
    CHECK(before == 0 || it.sum > before);      /* (0: it cannot be told) */
}

/* ---- strikes ------------------------------------------------------------- */

static ASYNC struck_before(struct main *self)
{
    ASYNC_BEGIN(self);
    self->order[0] = self->order[1] = 1;
    job_start(&self->a, "a", add, self->order);
    async_cancel(&self->a.task);            /* before its task has run */
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    fill(self);
    AWAIT(async_yield());
    gate_until(&self->gate, FULL);
    job_start(&self->a, "a", add, self->order);
    job_start(&self->b, "b", add, self->order + 4);
    job_start(&self->c, "c", add, self->order);
    AWAIT(async_yield());
    async_cancel(&self->a.task);            /* the first, and the last, */
    async_cancel(&self->c.task);            /* of the queue */
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    AWAIT_RESULT(self->rc, async_join(&self->c.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    AWAIT(empty(&self->emptied, self));
    AWAIT(async_join(&self->b.task));
    job_start(&self->c, "c", add, self->order + 4);     /* and again */
    AWAIT(async_join(&self->c.task));
    CHECK_EQ(self->order[2], 0);            /* nobody added these */
    ASYNC_END;
}

TEST(offload_struck_in_the_queue_is_not_run)
{
    RUN(struck_before, 0);
    CHECK_LOG("a:the task is cancelled c:the task is cancelled b:0 c:0 ");
}

static ASYNC struck_while(struct main *self)
{
    ASYNC_BEGIN(self);
    job_start(&self->a, "a", gate_pass, &self->gate);
    AWAIT(async_yield());
    gate_until(&self->gate, 1);
    async_cancel(&self->a.task);
    for (self->i = 0; self->i < 5; self->i++) {
        AWAIT(async_yield());
        CHECK(!async_done(&self->a.task));
        async_cancel(&self->a.task);        /* it is deaf */
    }
    gate_open(&self->gate, 1);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);    /* by its next await */
    CHECK_EQ(self->a.next, 1);
    ASYNC_END;
}

TEST(offload_struck_while_it_runs_keeps_its_result)
{
    RUN(struck_while, 0);
    CHECK_LOG("a:101 a:the task is cancelled ");
}

/* Struck when fn has returned: before the loop looks, and after it. */
static ASYNC struck_after(struct main *self)
{
    ASYNC_BEGIN(self);
    self->order[0] = 1;
    job_start(&self->a, "a", add, self->order);
    AWAIT(async_yield());
    until_raised();                         /* it is done, nobody looked */
    async_cancel(&self->a.task);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    CHECK_EQ(self->a.next, 1);
    job_start(&self->b, "b", add, self->order);
    while (async_state_(&self->b.task) != ASYNC_READY_) {
        AWAIT(async_yield());               /* it looked, b has not run */
    }
    async_cancel(&self->b.task);
    AWAIT_RESULT(self->rc, async_join(&self->b.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    CHECK_EQ(self->b.next, 1);
    ASYNC_END;
}

TEST(offload_struck_after_its_end_keeps_its_result)
{
    RUN(struck_after, 0);
    CHECK_LOG("a:1 a:the task is cancelled b:1 b:the task is cancelled ");
}

/* A strike, then the job's end, before its task has run. */
static ASYNC struck_and_done(struct main *self)
{
    ASYNC_BEGIN(self);
    job_start(&self->a, "a", gate_pass, &self->gate);
    AWAIT(async_yield());
    gate_until(&self->gate, 1);
    gate_open(&self->gate, 1);
    async_cancel(&self->a.task);
    CHECK_EQ(async_state_(&self->a.task), ASYNC_STRUCK_);
    until_raised();
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(offload_struck_and_done_in_one_turn)
{
    RUN(struck_and_done, 0);
    CHECK_LOG("a:101 a:the task is cancelled ");
}

/* A timeout takes a job off the queue; one that runs outlasts it, and then
 * there is nothing that timed out. */
static ASYNC limits(struct main *self)
{
    ASYNC_BEGIN(self);
    fill(self);
    AWAIT(async_yield());
    gate_until(&self->gate, FULL);
    self->a.limited = true;
    self->a.limit = MS(1);
    job_start(&self->a, "a", gate_pass, &self->gate);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    AWAIT(empty(&self->emptied, self));
    job_start(&self->a, "a", gate_pass, &self->gate);
    AWAIT(async_yield());
    gate_until(&self->gate, FULL + 1);
    while (!async_timeout_expired(&self->a.scope)) {
        AWAIT(async_sleep(MS(1)));
    }
    gate_open(&self->gate, 1);
    AWAIT_VALUE(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, 101 + FULL);
    CHECK_EQ(self->a.next, 2);
    ASYNC_END;
}

TEST(offload_within_a_timeout)
{
    char want[40];

    snprintf(want, sizeof want, "a:timed out a:%d ", 101 + FULL);
    RUN(limits, 0);
    CHECK_LOG(want);
}

/* ---- the end of a loop --------------------------------------------------- */

static ASYNC left_behind(struct main *self)
{
    ASYNC_BEGIN(self);
    fill(self);
    AWAIT(async_yield());
    gate_until(&self->gate, FULL);
    job_start(&self->a, "a", add, self->order);
    self->order[0] = 5;
    AWAIT(async_yield());
    gate_open(&self->gate, FULL);
    ASYNC_RETURN(7);
    ASYNC_END;
}

TEST(offload_run_ends_when_the_threads_have)
{
    static struct main m;
    int i;

    ZERO(m);
    gate_init(&m.gate);
    test_real_time();
    CHECK_EQ(async_run(left_behind, &m), 7);
    CHECK_EQ(m.gate.inside, FULL);
    for (i = 0; i < FULL; i++) {
        CHECK(async_done(&m.full[i].task));
    }
    CHECK(async_done(&m.a.task));           /* cancelled, or in time */
    test_log_clear();
}

/* A loop by hand that is closed while tasks wait: jobs in the queue are
 * dropped, and the memory of those that run is safe when close returns. */
static void *open_later(void *argument)
{
    struct gate *gate = (struct gate *)argument;

    gate_until(gate, FULL);
    gate_open(gate, FULL);
    return NULL;
}

TEST(offload_closing_a_loop_waits_for_the_threads)
{
    static struct main m;
    static async_loop loop;
    pthread_t thread;
    int i;

    ZERO(m);
    gate_init(&m.gate);
    test_real_time();
    CHECK_EQ(async_loop_open(&loop), 0);
    fill(&m);
    job_start(&m.a, "a", add, m.order);     /* dropped, or done in time */
    (void)async_loop_step(&loop);
    gate_until(&m.gate, FULL);
    CHECK_EQ(pthread_create(&thread, NULL, open_later, &m.gate), 0);
    CHECK_EQ(async_loop_close(&loop), ASYNC_EBUSY);
    CHECK_EQ(m.gate.inside, FULL);
    for (i = 0; i < FULL; i++) {
        CHECK(m.full[i].job.home == NULL);
    }
    CHECK(m.a.job.home == NULL);
    memset(&m.full, 0xff, sizeof m.full);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_LOG("");
}

/* Stepped: the job's end makes the next step due. */
TEST(offload_in_steps)
{
    static struct main m;
    static async_loop loop;

    ZERO(m);
    test_real_time();
    m.order[0] = 3;
    CHECK_EQ(async_loop_open(&loop), 0);
    job_start(&m.a, "a", add, m.order);
    while (!async_done(&m.a.task)) {
        (void)async_loop_step(&loop);
    }
    CHECK_EQ(async_result(&m.a.task), 3);
    CHECK_EQ(async_loop_close(&loop), 0);
    CHECK_LOG("a:3 ");
}

/* No deadlock is seen while a job is out, and one is when none is. */
static ASYNC waits_for_nothing(struct main *self)
{
    static async_future never;

    ASYNC_BEGIN(self);
    ZERO(never);
    self->order[0] = 1;
    AWAIT(async_offload(&self->job, add, self->order));
    AWAIT(async_future_wait(&never));
    ASYNC_END;
}

TEST(offload_and_deadlock)
{
    RUN(waits_for_nothing, ASYNC_EDEADLK);      /* a debug build prints who */
}

/* ---- many loops ---------------------------------------------------------- */

enum { LOOPS = 6, EACH = 20, ROUNDS = 30 };

struct client { async_frame frame; async_task task; async_offload_job job;
                int i, n, rc, failed; };
struct shop { async_frame frame; struct client client[EACH]; int i, rc, result;
              unsigned seed; };

static int twice(void *argument)
{
    return 2 * *(int *)argument;
}

static ASYNC buy(struct client *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < ROUNDS; self->i++) {
        self->n = self->i;
        AWAIT_VALUE(self->rc, async_offload(&self->job, twice, &self->n));
        self->failed += self->rc != 2 * self->i;
    }
    ASYNC_END;
}

/* Some of the clients are cancelled at some time. */
static ASYNC shop(struct shop *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < EACH; self->i++) {
        async_spawn(&self->client[self->i].task, buy, &self->client[self->i]);
    }
    for (self->i = 0; self->i < EACH; self->i++) {
        self->seed = self->seed * 1103515245U + 12345U;
        async_cancel(&self->client[self->seed / 65536 % EACH].task);
        AWAIT_RESULT(self->rc, async_join(&self->client[self->i].task));
        self->result += self->client[self->i].failed
            + (self->rc != 0 && self->rc != ASYNC_ECANCELED);
    }
    ASYNC_RETURN(self->result);
    ASYNC_END;
}

static void *open_shop(void *argument)
{
    struct shop *self = (struct shop *)argument;
    int i;

    for (i = 0; i < 5; i++) {
        memset(self->client, 0, sizeof self->client);
        memset(&self->frame, 0, sizeof self->frame);
        self->rc = async_run(shop, self);
        if (self->rc != 0) {
            break;
        }
    }
    return NULL;
}

TEST(offload_from_loops_in_many_threads)
{
    static struct shop shops[LOOPS];
    pthread_t threads[LOOPS];
    int i;

    test_real_time();
    memset(shops, 0, sizeof shops);
    for (i = 0; i < LOOPS; i++) {
        shops[i].seed = (unsigned)i;
        CHECK_EQ(pthread_create(&threads[i], NULL, open_shop, &shops[i]), 0);
#ifdef __TINYC__        /* without variables of a thread: one after the other */
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
#endif
    }
    for (i = 0; i < LOOPS; i++) {
#ifndef __TINYC__
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
#endif
        CHECK_EQ(shops[i].rc, 0);
    }
}

/* A loop that closes waits for no other's job: each of these ends only when
 * another loop has closed, and comes while it does. */
#ifndef __TINYC__

static int closed_loops, closing_ends;

static int until_one_closed(void *argument)
{
    int seen = __atomic_load_n(&closed_loops, __ATOMIC_SEQ_CST);

    (void)argument;
    while (__atomic_load_n(&closed_loops, __ATOMIC_SEQ_CST) == seen
           && __atomic_load_n(&closing_ends, __ATOMIC_SEQ_CST) == 0) {
        (void)sched_yield();
    }
    return 0;
}

struct opener { async_frame frame; async_offload_job job; };

static ASYNC opens(struct opener *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_offload(&self->job, until_one_closed, NULL));
    ASYNC_END;
}

static void *opener(void *argument)
{
    int *rc = (int *)argument;

    while (*rc == 0 && __atomic_load_n(&closing_ends, __ATOMIC_SEQ_CST) == 0) {
        struct opener it;

        ZERO(it);
        *rc = async_run(opens, &it);
    }
    return NULL;
}

static ASYNC closes(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_offload(&self->job, as_it_is, &self->i));
    ASYNC_END;
}

#endif

TEST(offload_close_waits_for_no_other_loop)
{
#ifndef __TINYC__
    static struct main m;
    pthread_t thread;
    int i, rc = 0;

    test_real_time();
    closed_loops = closing_ends = 0;
    CHECK_EQ(pthread_create(&thread, NULL, opener, &rc), 0);
    for (i = 0; i < 3000; i++) {
        ZERO(m);
        CHECK_EQ(async_run(closes, &m), 0);
        (void)__atomic_add_fetch(&closed_loops, 1, __ATOMIC_SEQ_CST);
    }
    (void)__atomic_add_fetch(&closing_ends, 1, __ATOMIC_SEQ_CST);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(rc, 0);
#endif
}

/* A job that runs a loop of its own, which has jobs of its own. */
static int inner_loop(void *argument)
{
    static struct client it;

    ZERO(it);
    (void)argument;
    return async_run(buy, &it) == 0 && it.failed == 0 ? 5 : 6;
}

static ASYNC outer_loop(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->n, async_offload(&self->job, inner_loop, NULL));
    CHECK_EQ(self->n, 5);
    ASYNC_END;
}

TEST(offload_of_a_loop)
{
#ifdef __TINYC__                /* no variables of a thread: one loop at once */
    (void)outer_loop;
#else
    RUN(outer_loop, 0);
#endif
}

/* ---- fork ---------------------------------------------------------------- */

static ASYNC one_job(struct main *self)
{
    ASYNC_BEGIN(self);
    self->order[0] = 9;
    AWAIT_VALUE(self->n, async_offload(&self->job, add, self->order));
    ASYNC_RETURN(self->n);
    ASYNC_END;
}

/* Forked while threads wait for work: the child starts its own. */
static ASYNC forks(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->n, async_offload(&self->job, add, self->order));
    self->rc = (int)fork();
    if (self->rc == 0) {
        static struct main m;
        async_task *task = async_this_task_;

        async_this_task_ = NULL;        /* the parent's loop is left alone */
        (void)async_loop_use(NULL);
        alarm(20);
        ZERO(m);
        _exit(task != NULL && async_run(one_job, &m) == 9 ? 0 : 1);
    }
    CHECK(waitpid(self->rc, &self->n, 0) == self->rc);
    CHECK(WIFEXITED(self->n) && WEXITSTATUS(self->n) == 0);
    AWAIT_VALUE(self->n, async_offload(&self->job, add, self->order));
    CHECK_EQ(self->n, 0);
    ASYNC_END;
}

TEST(offload_in_a_child_of_fork)
{
    RUN(forks, 0);
}

#endif

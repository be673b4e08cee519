/* trace: what a tracer is told, and what a recorder keeps. The programs here
 * run in every build, and do the same; without ASYNC_TRACE nothing is told. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "test.h"

#include <stdio.h>
#include <string.h>
#if ASYNC_HOSTED
#include <pthread.h>
#include <unistd.h>
#endif

#define MS(n) ((async_duration)ASYNC_MS(n))

enum { ROOM = 64 };

static async_trace_event events[ROOM];
static async_recorder recorder;

struct nap {
    async_frame frame;
    async_task task;
    int ms, times, i, rc;
    async_lock *lock;
    async_timeout scope;
};

struct program {
    async_frame frame;
    async_task task;
    struct nap a, b;
    async_lock lock;
    async_future future;
    async_queue queue;
    async_irq irq;
    async_call call;
    async_timeout scope;
    int room[2];
    int i, rc, line;
    int pipe[2];
    char byte;
    size_t done;
#if ASYNC_HOSTED && ASYNC_OFFLOAD
    async_offload_job job;
#endif
};

static struct program *fresh(void)
{
    static struct program program;

    memset(&program, 0, sizeof program);
    return &program;
}

#if ASYNC_TRACE
#define CHECK_TRACE(want) CHECK_LOG(want)
#define CHECK_TOLD(text) CHECK(strstr(test_log_text(), text) != NULL)
#else
#define CHECK_TRACE(want) CHECK_LOG("")
#define CHECK_TOLD(text) CHECK_STR(test_log_text(), "")
#endif

/* ---- a tracer that logs -------------------------------------------------- */

/* Numbers of tasks go on from test to test: these count from its first. */
static uint32_t first_id;
static const char *only;            /* tasks with this name; NULL: all */

static void log_event(async_tracer *tracer, const async_trace_event *event)
{
    static const char *const points[] = {
        "", "spawn", "resume", "suspend", "wake", "strike", "done"
    };
    uint32_t by = event->by;

    (void)tracer;
    if (first_id == 0) {
        first_id = event->id;
    }
    if (only != NULL && strcmp(only, event->name) != 0) {
        return;
    }
    if (by != 0) {
        by = by - first_id + 1;
    }
    test_log("%s%d %s", event->name, (int)(event->id - first_id + 1),
             points[event->point]);
    switch (event->point) {
    case ASYNC_TRACE_SPAWN:
        CHECK(strstr(event->what, "trace.c") != NULL);
        CHECK(event->value > 0);
        test_log(" by %d", (int)by);
        break;
    case ASYNC_TRACE_SUSPEND:
        test_log(" %s%s", event->what, event->value != 0 ? "" : ", ready");
        break;
    case ASYNC_TRACE_WAKE:
    case ASYNC_TRACE_STRIKE:
        test_log(" %s", event->what);
        if (by != 0) {
            test_log(" %d", (int)by);
        }
        break;
    case ASYNC_TRACE_DONE:
        test_log(" %d", event->value);
        break;
    default:
        break;
    }
    test_log("; ");
}

static async_tracer logger = {log_event};

static void log_to(async_loop *loop, const char *name)
{
    first_id = 0;
    only = name;
    (void)async_trace_to(loop, &logger);
}

/* ---- each point ---------------------------------------------------------- */

static ASYNC nap(struct nap *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(MS(self->ms)));
    ASYNC_WITH(async_lock_acquire(self->lock),
               async_lock_release(self->lock)) {
        AWAIT(async_sleep(MS(10)));
    } ASYNC_WITH_END;
    ASYNC_RETURN(self->ms);
    ASYNC_END;
}

static ASYNC naps(struct program *self)
{
    ASYNC_BEGIN(self);
    self->a.ms = 1;
    self->b.ms = 2;
    self->a.lock = self->b.lock = &self->lock;
    async_spawn(&self->a.task, nap, &self->a);
    async_spawn(&self->b.task, nap, &self->b);
    AWAIT(async_join(&self->b.task));
    AWAIT(async_join(&self->a.task));
    ASYNC_END;
}

TEST(trace_tells_the_life_of_each_task)
{
    log_to(NULL, NULL);
    CHECK_EQ(async_run(naps, fresh()), 0);
    CHECK_TRACE("naps1 spawn by 0; naps1 resume; "
              "nap2 spawn by 1; nap3 spawn by 1; naps1 suspend async_join; "
              "nap2 resume; nap2 suspend async_sleep; "
              "nap3 resume; nap3 suspend async_sleep; "
              "nap2 wake timer; nap2 resume; nap2 suspend async_sleep; "
              "nap3 wake timer; nap3 resume; "
              "nap3 suspend async_lock_acquire; "
              "nap2 wake timer; nap2 resume; nap3 wake task 2; nap2 done 1; "
              "nap3 resume; nap3 suspend async_sleep; "
              "nap3 wake timer; nap3 resume; nap3 done 2; naps1 wake task 3; "
              "naps1 resume; naps1 done 0; ");
}

/* Beside what the log has. */
struct fields {
    async_tracer tracer;
    const struct program *program;
    async_ticks start;
    int seen;
};

static void see_fields(async_tracer *tracer, const async_trace_event *event)
{
    struct fields *self = (struct fields *)(void *)tracer;

    CHECK(event->loop == async_this_loop_);
    if (event->point == ASYNC_TRACE_SPAWN
        && event->task == &self->program->a.task) {
        CHECK_EQ(event->value, self->program->line);
        self->seen |= 1;
    }
    if (event->point == ASYNC_TRACE_SUSPEND
        && strcmp(event->what, "async_lock_acquire") == 0) {
        CHECK(event->task == &self->program->b.task);
        CHECK(event->on == &self->program->lock);
        self->seen |= 2;
    }
    if (event->point == ASYNC_TRACE_SUSPEND
        && strcmp(event->what, "async_sleep") == 0) {
        CHECK(event->on == NULL);
        self->seen |= 4;
    }
    if (event->point == ASYNC_TRACE_DONE) {
        if (event->task != &self->program->a.task
            && event->task != &self->program->b.task) {
            CHECK_EQ((long long)(async_ticks)(event->time - self->start)
                     / ASYNC_MS(1), 26);
            self->seen |= 8;
        }
    }
    if (event->point == ASYNC_TRACE_SPAWN && event->by == 0) {
        self->start = event->time;
    }
}

static ASYNC has_fields(struct program *self)
{
    ASYNC_BEGIN(self);
    self->a.ms = 1;
    self->b.ms = 2;
    self->a.lock = self->b.lock = &self->lock;
    self->line = __LINE__ + 1;
    async_spawn(&self->a.task, nap, &self->a);
    async_spawn(&self->b.task, nap, &self->b);
    AWAIT(async_join(&self->b.task));
    test_busy(MS(5));               /* the clock is asked at each event */
    ASYNC_END;
}

TEST(trace_events_say_where_and_what_for)
{
    struct fields fields;

    memset(&fields, 0, sizeof fields);
    fields.tracer.fn = see_fields;
    fields.program = fresh();
    (void)async_trace_to(NULL, &fields.tracer);
    CHECK_EQ(async_run(has_fields, fresh()), 0);
    (void)async_trace_to(NULL, NULL);
    CHECK_EQ(fields.seen, ASYNC_TRACE ? 15 : 0);
}

static ASYNC stays_ready(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_yield());
    AWAIT(async_sleep(0));
    AWAIT_UNTIL(self->i++ == 1);
    ASYNC_END;
}

TEST(trace_of_who_stays_ready)
{
    log_to(NULL, NULL);
    CHECK_EQ(async_run(stays_ready, fresh()), 0);
    CHECK_TRACE("stays_ready1 spawn by 0; stays_ready1 resume; "
              "stays_ready1 suspend yield, ready; stays_ready1 resume; "
              "stays_ready1 suspend yield, ready; stays_ready1 resume; "
              "stays_ready1 suspend poll, ready; stays_ready1 resume; "
              "stays_ready1 done 0; ");
}

/* An operation that lines up for what it is granted at once: it lets the one
 * that was woken before it run first. */
static ASYNC getter(struct nap *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_queue_get((async_queue *)(void *)self->lock, &self->i));
    ASYNC_END;
}

static ASYNC lines_up(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_queue_open(&self->queue, self->room, sizeof(int), 2));
    self->a.lock = self->b.lock = (async_lock *)(void *)&self->queue;
    async_spawn(&self->a.task, getter, &self->a);
    AWAIT(async_yield());
    async_spawn(&self->b.task, getter, &self->b);       /* runs before a */
    CHECK_EQ(async_queue_try_put(&self->queue, &self->i), 0);
    CHECK_EQ(async_queue_try_put(&self->queue, &self->i), 0);
    AWAIT(async_join(&self->b.task));
    ASYNC_END;
}

TEST(trace_of_who_is_granted_at_once)
{
    log_to(NULL, "getter");
    CHECK_EQ(async_run(lines_up, fresh()), 0);
    CHECK_TRACE("getter2 spawn by 1; getter2 resume; "
                "getter2 suspend async_queue_get; getter3 spawn by 1; "
                "getter2 wake task 1; "
                "getter3 resume; getter3 suspend yield, ready; "
                "getter2 resume; getter2 done 0; "
                "getter3 resume; getter3 done 0; ");
}

/* A private operation that says no name has none, and not that of the last. */
static ASYNC nameless(struct program *self)
{
    static async_list list;

    ASYNC_BEGIN(self);
    AWAIT(async_sleep(MS(1)));
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(1),
                                         async_wait_(&list)));
    ASYNC_END;
}

TEST(trace_of_a_wait_without_a_name)
{
    log_to(NULL, NULL);
    CHECK_EQ(async_run(nameless, fresh()), 0);
    CHECK_TRACE("nameless1 spawn by 0; nameless1 resume; "
                "nameless1 suspend async_sleep; nameless1 wake timer; "
                "nameless1 resume; nameless1 suspend wait; "
                "nameless1 strike timeout; nameless1 resume; "
                "nameless1 done 0; ");
}

/* ---- who wakes, who strikes ---------------------------------------------- */

static ASYNC waits(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_future_wait(&self->future));
    ASYNC_END;
}

static void set_future(async_call *call)
{
    struct program *self = (struct program *)(void *)
        ((char *)(void *)call - offsetof(struct program, call));

    (void)async_future_set(&self->future, 1);
}

static ASYNC woken_by_call(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_call_later(&self->call, MS(1), set_future));
    AWAIT(async_future_wait(&self->future));
    ASYNC_END;
}

TEST(trace_of_a_wake_by_a_call)
{
    log_to(NULL, NULL);
    CHECK_EQ(async_run(woken_by_call, fresh()), 0);
    CHECK_TRACE("woken_by_call1 spawn by 0; woken_by_call1 resume; "
              "woken_by_call1 suspend async_future_wait; "
              "woken_by_call1 wake call; woken_by_call1 resume; "
              "woken_by_call1 done 0; ");
}

static ASYNC brief(struct nap *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(MS(self->ms)));
    ASYNC_END;
}

/* A callback of a task that ends counts as that task. */
static void keep_future(async_watch *watch, async_task *task)
{
    struct program *self = (struct program *)(void *)
        ((char *)(void *)task - offsetof(struct program, a)
         - offsetof(struct nap, task));

    (void)watch;
    (void)async_future_set(&self->future, 1);
}

static ASYNC woken_by_end(struct program *self)
{
    static async_watch watch;

    ASYNC_BEGIN(self);
    self->a.ms = 1;
    async_spawn(&self->a.task, brief, &self->a);
    AWAIT(async_on_done(&self->a.task, &watch, keep_future));
    AWAIT(async_future_wait(&self->future));
    ASYNC_END;
}

TEST(trace_of_a_wake_by_a_callback)
{
    log_to(NULL, "woken_by_end");
    CHECK_EQ(async_run(woken_by_end, fresh()), 0);
    CHECK_TOLD("wake task");
    test_log_clear();
}

TEST(trace_of_a_wake_from_outside)
{
    struct program *self = fresh();
    async_loop loop;

    CHECK_EQ(async_loop_open(&loop), 0);
    log_to(&loop, NULL);
    CHECK_EQ(async_spawn(&self->task, waits, self), 0);
    CHECK(async_loop_step(&loop) == ASYNC_NEVER);
    CHECK_EQ(async_future_set(&self->future, 1), 0);
    CHECK(async_loop_step(&loop) == ASYNC_NEVER);
    CHECK_EQ(async_loop_close(&loop), 0);
    CHECK_TRACE("waits1 spawn by 0; waits1 resume; "
              "waits1 suspend async_future_wait; waits1 wake outside; "
              "waits1 resume; waits1 done 0; ");
}

static ASYNC sleeper(struct nap *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(MS(self->ms)));
    ASYNC_END;
}

static ASYNC cancels(struct program *self)
{
    ASYNC_BEGIN(self);
    self->a.ms = 100;
    async_spawn(&self->a.task, sleeper, &self->a);
    AWAIT(async_yield());
    async_cancel(&self->a.task);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    self->b.ms = 100;
    async_spawn(&self->b.task, sleeper, &self->b);      /* is left */
    AWAIT(async_yield());
    ASYNC_END;
}

TEST(trace_of_strikes_by_a_task_and_at_the_end)
{
    log_to(NULL, "sleeper");
    first_id = 0;
    CHECK_EQ(async_run(cancels, fresh()), 0);
    only = NULL;
    {
        char want[400];
        int c = ASYNC_ECANCELED;

        snprintf(want, sizeof want,
                 "sleeper2 spawn by 1; sleeper2 resume; "
                 "sleeper2 suspend async_sleep; sleeper2 strike task 1; "
                 "sleeper2 resume; sleeper2 done %d; "
                 "sleeper3 spawn by 1; sleeper3 resume; "
                 "sleeper3 suspend async_sleep; sleeper3 strike close; "
                 "sleeper3 resume; sleeper3 done %d; ", c, c);
        CHECK_TRACE(want);
    }
}

static ASYNC times_out(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(1),
                                         async_future_wait(&self->future)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    ASYNC_END;
}

TEST(trace_of_a_strike_by_a_timeout)
{
    log_to(NULL, NULL);
    CHECK_EQ(async_run(times_out, fresh()), 0);
    CHECK_TRACE("times_out1 spawn by 0; times_out1 resume; "
              "times_out1 suspend async_future_wait; "
              "times_out1 strike timeout; times_out1 resume; "
              "times_out1 done 0; ");
}

static ASYNC waits_irq(struct nap *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_irq_wait((async_irq *)(void *)self->lock));
    ASYNC_END;
}

static ASYNC raises(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_irq_open(&self->irq));
    self->a.lock = (async_lock *)(void *)&self->irq;
    async_spawn(&self->a.task, waits_irq, &self->a);
    AWAIT(async_yield());
    async_irq_raise(&self->irq);
    AWAIT(async_join(&self->a.task));
    async_irq_close(&self->irq);
    ASYNC_END;
}

TEST(trace_of_a_wake_by_an_irq)
{
    log_to(NULL, "waits_irq");
    CHECK_EQ(async_run(raises, fresh()), 0);
    CHECK_TRACE("waits_irq2 spawn by 1; waits_irq2 resume; "
              "waits_irq2 suspend async_irq_wait; waits_irq2 wake irq; "
              "waits_irq2 resume; waits_irq2 done 0; ");
}

#if ASYNC_HOSTED
static ASYNC reads(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_read(self->pipe[0], &self->byte, 1));
    ASYNC_END;
}

static ASYNC pipes(struct program *self)
{
    static struct program other;

    ASYNC_BEGIN(self);
    memset(&other, 0, sizeof other);
    AWAIT(async_pipe(self->pipe));
    other.pipe[0] = self->pipe[0];
    async_spawn(&other.task, reads, &other);
    AWAIT(async_sleep(MS(1)));
    AWAIT(async_write_all(self->pipe[1], "x", 1, &self->done));
    AWAIT(async_join(&other.task));
    async_close(self->pipe[0]);
    async_close(self->pipe[1]);
    ASYNC_END;
}

TEST(trace_of_a_wake_by_a_descriptor)
{
    log_to(NULL, "reads");
    CHECK_EQ(async_run(pipes, fresh()), 0);
    CHECK_TRACE("reads2 spawn by 1; reads2 resume; reads2 suspend async_read; "
              "reads2 wake descriptor; reads2 resume; reads2 done 0; ");
}

#if ASYNC_OFFLOAD
static int nothing(void *argument)
{
    (void)argument;
    return 7;
}

static ASYNC offloads(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_offload(&self->job, nothing, NULL));
    ASYNC_END;
}

TEST(trace_of_a_wake_by_a_thread)
{
    log_to(NULL, NULL);
    CHECK_EQ(async_run(offloads, fresh()), 0);
    CHECK_TRACE("offloads1 spawn by 0; offloads1 resume; "
              "offloads1 suspend async_offload; offloads1 wake thread; "
              "offloads1 resume; offloads1 done 0; ");
}
#endif

/* Loops of other threads are not told of, unless these ask for it. */
static void *thread(void *argument)
{
    CHECK_EQ(async_run(stays_ready, (struct program *)argument), 0);
    return NULL;
}

TEST(trace_is_each_threads_own)
{
#ifdef __TINYC__
    test_skip("the compiler has no thread variables");
    (void)thread;
#else
    pthread_t other;

    log_to(NULL, NULL);
    CHECK_EQ(pthread_create(&other, NULL, thread, fresh()), 0);
    CHECK_EQ(pthread_join(other, NULL), 0);
    CHECK_LOG("");
#endif
}
#endif

/* ---- numbers and names --------------------------------------------------- */

static ASYNC again(struct program *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 2; self->i++) {
        async_spawn(&self->a.task, brief, &self->a);
        if (self->i == 0) {
            async_set_name(&self->a.task, "bee");
            async_set_name(&self->a.task, NULL);
            async_set_name(NULL, "wasp");
        }
        AWAIT(async_join(&self->a.task));
    }
    ASYNC_END;
}

TEST(trace_numbers_spawns_and_names_them)
{
    log_to(NULL, NULL);
    CHECK_EQ(async_run(again, fresh()), 0);
    CHECK_TRACE("again1 spawn by 0; again1 resume; "
              "brief2 spawn by 1; again1 suspend async_join; bee2 resume; "
              "bee2 suspend yield, ready; bee2 resume; bee2 done 0; "
              "again1 wake task 2; again1 resume; "
              "brief3 spawn by 1; again1 suspend async_join; brief3 resume; "
              "brief3 suspend yield, ready; brief3 resume; brief3 done 0; "
              "again1 wake task 3; again1 resume; again1 done 0; ");
}

static ASYNC in_group(struct program *self)
{
    static async_group group;
    static async_member member;
    static async_pool pool;
    static async_slot slot;

    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&group) {
        AWAIT(async_group_spawn(&group, &member, brief, &self->a));
    } ASYNC_GROUP_END;
    AWAIT(async_pool_open(&pool, &slot, 1));
    AWAIT_VALUE(self->i, async_pool_take(&pool));
    AWAIT(async_pool_spawn(&pool, self->i, brief, &self->b));
    AWAIT(async_pool_join(&pool));
    ASYNC_END;
}

TEST(trace_names_the_tasks_of_groups_and_pools)
{
    log_to(NULL, "brief");
    CHECK_EQ(async_run(in_group, fresh()), 0);
    CHECK_TOLD("brief2 spawn by 1");
    CHECK_TOLD("brief3 spawn by 1");
    CHECK_TOLD("brief3 done 0");
    test_log_clear();
}

/* ---- who is told --------------------------------------------------------- */

static void ignore(async_tracer *tracer, const async_trace_event *event)
{
    (void)tracer;
    (void)event;
    test_log("i");
}

TEST(trace_to_a_loop_or_to_all)
{
    static async_tracer other = {ignore};
    struct program *self = fresh();
    async_tracer *before;
    async_loop loop;

    log_to(NULL, NULL);
    CHECK_EQ(async_loop_open(&loop), 0);
    before = async_trace_to(&loop, &other);
    CHECK(before == NULL);
    CHECK_EQ(async_spawn(&self->task, stays_ready, self), 0);
    CHECK_TRACE("i");                       /* its own before that of all */
    CHECK(async_trace_to(&loop, NULL) == (ASYNC_TRACE ? &other : NULL));
    CHECK_EQ(async_loop_run(&loop, NULL), 0);
    CHECK_TOLD("stays_ready1 done 0");
    test_log_clear();
    (void)async_trace_to(&loop, &other);
    CHECK_EQ(async_loop_close(&loop), 0);
    CHECK_EQ(async_loop_open(&loop), 0);    /* which forgets it */
    CHECK(async_trace_to(&loop, NULL) == NULL);
    CHECK_EQ(async_loop_close(&loop), 0);
    CHECK(async_trace_to(NULL, NULL) == (ASYNC_TRACE ? &logger : NULL));
    CHECK_EQ(async_run(stays_ready, fresh()), 0);
    CHECK_LOG("");
}

/* What a tracer may call. */
static void calls(async_tracer *tracer, const async_trace_event *event)
{
    if (event->point == ASYNC_TRACE_DONE) {
        test_log("%s ", async_strerror(event->value));
        CHECK(async_trace_to(NULL, NULL) == tracer);
    } else if (event->point == ASYNC_TRACE_RESUME) {
        struct program *self = (struct program *)event->task->frame;

        if (self->i == 1) {
            async_irq_raise(&self->irq);
        }
    }
}

static ASYNC raised(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_irq_open(&self->irq));
    self->i = 1;
    AWAIT(async_yield());
    if (!ASYNC_TRACE) {
        async_irq_raise(&self->irq);
    }
    AWAIT_VALUE(self->rc, async_irq_wait(&self->irq));
    self->i = 2;
    CHECK_EQ(self->rc, 1);
    async_irq_close(&self->irq);
    ASYNC_RAISE(ASYNC_ENOENT);
    ASYNC_END;
}

TEST(trace_function_may_raise_and_leave)
{
    static async_tracer caller = {calls};
    static struct program self;
    async_loop loop;

    memset(&self, 0, sizeof self);
    (void)async_trace_to(NULL, &caller);
    CHECK_EQ(async_loop_open(&loop), 0);
    CHECK_EQ(async_spawn(&self.task, raised, &self), 0);
    CHECK_EQ(async_loop_run(&loop, &self.task), ASYNC_ENOENT);
    CHECK_EQ(async_loop_close(&loop), 0);
    CHECK_TOLD(async_strerror(ASYNC_ENOENT));
    CHECK(async_trace_to(NULL, NULL) == NULL);
    test_log_clear();
    (void)test_warnings();
}

/* ---- the recorder -------------------------------------------------------- */

TEST(recorder_keeps_what_happens)
{
#if ASYNC_TRACE
    const async_trace_event *event;
    size_t i;

    CHECK_EQ(async_recorder_open(&recorder, events, ROOM), 0);
    CHECK_EQ(recorder.count, 0);
    CHECK(async_recorder_event(&recorder, 0) == NULL);
    (void)async_trace_to(NULL, &recorder.tracer);
    CHECK_EQ(async_run(stays_ready, fresh()), 0);
    (void)async_trace_to(NULL, NULL);
    CHECK_EQ(recorder.count, 9);
    CHECK_EQ(recorder.lost, 0);
    first_id = 0;
    only = NULL;
    for (i = 0; (event = async_recorder_event(&recorder, i)) != NULL; i++) {
        log_event(NULL, event);
    }
    CHECK_EQ(i, 9);
    CHECK_TRACE("stays_ready1 spawn by 0; stays_ready1 resume; "
              "stays_ready1 suspend yield, ready; stays_ready1 resume; "
              "stays_ready1 suspend yield, ready; stays_ready1 resume; "
              "stays_ready1 suspend poll, ready; stays_ready1 resume; "
              "stays_ready1 done 0; ");
#endif
}

/* So many of nine events fit: the last ones are kept, in order. */
TEST(recorder_overwrites_the_oldest)
{
#if ASYNC_TRACE
    size_t room, i;

    for (room = 1; room <= 12; room++) {
        size_t kept = room < 9 ? room : 9;
        int done = 0;

        CHECK_EQ(async_recorder_open(&recorder, events, room), 0);
        (void)async_trace_to(NULL, &recorder.tracer);
        CHECK_EQ(async_run(stays_ready, fresh()), 0);
        (void)async_trace_to(NULL, NULL);
        CHECK_EQ(recorder.count, kept);
        CHECK_EQ(recorder.lost, 9 - kept);
        CHECK(async_recorder_event(&recorder, kept) == NULL);
        for (i = 0; i < kept; i++) {        /* resumes at 1, 3, 5, 7 of them */
            const async_trace_event *event = async_recorder_event(&recorder,
                                                                  i);
            size_t n = 9 - kept + i;

            CHECK_EQ(event->point == ASYNC_TRACE_RESUME, n % 2 == 1);
            CHECK_EQ(event->point == ASYNC_TRACE_SPAWN, n == 0);
            done += event->point == ASYNC_TRACE_DONE;
        }
        CHECK_EQ(done, 1);
    }
#endif
}

/* What record.h says that it takes. */
TEST(recorder_event_is_small)
{
    if (sizeof(void *) == 8 && sizeof(async_ticks) == 8) {
        CHECK_EQ(sizeof(async_trace_event), 64);
    }
#ifdef __AVR__
    CHECK(sizeof(async_trace_event) <= 25);
#endif
}

TEST(recorder_refuses)
{
    int want = ASYNC_TRACE ? ASYNC_EINVAL : ASYNC_ENOSYS;

    CHECK_EQ(async_recorder_open(NULL, events, 1), want);
    CHECK_EQ(async_recorder_open(&recorder, NULL, 1), want);
    CHECK_EQ(async_recorder_open(&recorder, events, 0), want);
    CHECK(async_recorder_event(NULL, 0) == NULL);
}

/* Without ASYNC_TRACE the functions are there, and fail. */
TEST(trace_is_nothing_when_it_is_off)
{
#if !ASYNC_TRACE
    static async_tracer tracer = {ignore};

    CHECK(async_trace_to(NULL, &tracer) == NULL);
    CHECK(async_trace_to(NULL, NULL) == NULL);
    CHECK_EQ(async_recorder_open(&recorder, events, ROOM), ASYNC_ENOSYS);
    CHECK(async_recorder_event(&recorder, 0) == NULL);
#if ASYNC_HOSTED
    {
        int fd = 1;

        CHECK_EQ(async_trace_chrome(&recorder, async_trace_fd, &fd),
                 ASYNC_ENOSYS);
        CHECK_EQ(async_trace_svg(&recorder, NULL, 0, async_trace_fd, &fd),
                 ASYNC_ENOSYS);
        CHECK_EQ(async_trace_fd(&fd, "", 0), ASYNC_ENOSYS);
    }
#endif
#endif
}

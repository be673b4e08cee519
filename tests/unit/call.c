/* call: ordinary functions called soon, later, at a time; their order. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#define MS(n) ((async_duration)ASYNC_MS(n))
#define ZERO(object) memset(&(object), 0, sizeof (object))

struct note {
    async_call call;
    const char *name;
};

/* Logs its name, and when in ms it was called. */
static void note(async_call *call)
{
    CHECK(async_current() == NULL);
    test_log("%s@%d ", ((struct note *)(void *)call)->name, (int)test_ms());
}

struct program {
    async_frame frame;
    struct note a, b, c, d, e;
    async_task task;
    async_future future;
    async_timeout scope;
    int i, result;
};

static struct program *fresh(void)
{
    static struct program program;

    ZERO(program);
    program.a.name = "a";
    program.b.name = "b";
    program.c.name = "c";
    program.d.name = "d";
    program.e.name = "e";
    return &program;
}

static ASYNC by_time(struct program *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_call_later(&self->a.call, MS(30), note), 0);
    CHECK_EQ(async_call_at(&self->b.call,
                           (async_ticks)(async_now() + (async_ticks)MS(20)),
                           note), 0);
    CHECK_EQ(async_call_later(&self->c.call, MS(20), note), 0);
    CHECK_EQ(async_call_soon(&self->d.call, note), 0);
    CHECK_EQ(async_call_later(&self->e.call, MS(10), note), 0);
    CHECK_LOG("");
    AWAIT(async_sleep(MS(40)));
    ASYNC_END;
}

TEST(call_by_time_then_in_order)
{
    CHECK_EQ(async_run(by_time, fresh()), 0);
    CHECK_LOG(ASYNC_TICK_HZ == 1000 ? "d@1 e@10 b@20 c@20 a@30 "
                                    : "d@0 e@10 b@20 c@20 a@30 ");
}

/* What is past, zero or less is soon; all of it in the order of asking. */
static ASYNC soon(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(MS(100)));
    CHECK_EQ(async_call_later(&self->a.call, 0, note), 0);
    CHECK_EQ(async_call_soon(&self->b.call, note), 0);
    CHECK_EQ(async_call_at(&self->c.call,
                           (async_ticks)(async_now() - (async_ticks)MS(50)),
                           note), 0);
    CHECK_EQ(async_call_later(&self->d.call, -MS(5), note), 0);
    CHECK_EQ(async_call_at(&self->e.call, async_now(), note), 0);
    AWAIT(async_sleep(MS(1)));
    ASYNC_END;
}

TEST(call_soon_is_in_the_order_of_asking)
{
    CHECK_EQ(async_run(soon, fresh()), 0);
    CHECK_LOG(ASYNC_TICK_HZ == 1000 ? "a@101 b@101 c@101 d@101 e@101 "
                                    : "a@100 b@100 c@100 d@100 e@100 ");
}

static ASYNC logs(struct program *self)
{
    ASYNC_BEGIN(self);
    test_log("task ");
    ASYNC_END;
}

/* Tasks that are ready now run before it. */
static ASYNC after_tasks(struct program *self)
{
    static struct program other;

    ASYNC_BEGIN(self);
    ZERO(other);
    CHECK_EQ(async_call_soon(&self->a.call, note), 0);
    CHECK_EQ(async_spawn(&self->task, logs, &other), 0);
    AWAIT(async_sleep(MS(5)));
    ASYNC_END;
}

TEST(call_soon_is_after_this_turn)
{
    CHECK_EQ(async_run(after_tasks, fresh()), 0);
    CHECK_LOG(ASYNC_TICK_HZ == 1000 ? "task a@1 " : "task a@0 ");
}

static ASYNC cancels(struct program *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_call_later(&self->a.call, MS(10), note), 0);
    CHECK_EQ(async_call_later(&self->b.call, MS(10), note), 0);
    CHECK_EQ(async_call_later(&self->c.call, MS(10), note), 0);
    CHECK_EQ(async_call_cancel(&self->b.call), 1);
    CHECK_EQ(async_call_cancel(&self->b.call), 0);
    CHECK_EQ(async_call_cancel(&self->d.call), 0);
    memset(&self->b, 0xff, sizeof self->b);         /* it is free at once */
    AWAIT(async_sleep(MS(20)));
    CHECK_EQ(async_call_cancel(&self->a.call), 0);  /* it was made */
    CHECK_EQ(async_call_soon(&self->a.call, note), 0);
    CHECK_EQ(async_call_cancel(&self->a.call), 1);
    AWAIT(async_sleep(MS(20)));
    ASYNC_END;
}

TEST(call_canceled_is_not_made)
{
    CHECK_EQ(async_run(cancels, fresh()), 0);
    CHECK_LOG("a@10 c@10 ");
}

/* A call cancels one of the same time that comes after it. */
static struct note *victim;

static void cancel_victim(async_call *call)
{
    note(call);
    test_log("%d ", async_call_cancel(&victim->call));
}

static ASYNC one_cancels_another(struct program *self)
{
    ASYNC_BEGIN(self);
    victim = &self->b;
    CHECK_EQ(async_call_later(&self->a.call, MS(10), cancel_victim), 0);
    CHECK_EQ(async_call_later(&self->b.call, MS(10), note), 0);
    CHECK_EQ(async_call_later(&self->c.call, MS(10), note), 0);
    AWAIT(async_sleep(MS(20)));
    ASYNC_END;
}

TEST(call_cancels_one_of_the_same_time)
{
    CHECK_EQ(async_run(one_cancels_another, fresh()), 0);
    CHECK_LOG("a@10 1 c@10 ");
}

/* A call asks for itself again: periodic, and changed by a task meanwhile. */
static void again(async_call *call)
{
    note(call);
    CHECK_EQ(async_call_later(call, MS(10), again), 0);
}

static ASYNC periodic(struct program *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_call_later(&self->a.call, MS(10), again), 0);
    AWAIT(async_sleep(MS(35)));
    CHECK_EQ(async_call_later(&self->a.call, MS(1), note), ASYNC_EALREADY);
    CHECK_EQ(async_call_cancel(&self->a.call), 1);
    CHECK_EQ(async_call_later(&self->a.call, MS(20), note), 0);
    AWAIT(async_sleep(MS(100)));
    ASYNC_END;
}

TEST(call_asks_for_itself)
{
    CHECK_EQ(async_run(periodic, fresh()), 0);
    CHECK_LOG("a@10 a@20 a@30 a@55 ");
}

/* One that asks for itself soon, for ever, keeps nobody from running. */
static int calls;

static void endless(async_call *call)
{
    calls++;
    CHECK_EQ(async_call_soon(call, endless), 0);
}

static ASYNC survives(struct program *self)
{
    ASYNC_BEGIN(self);
    calls = 0;
    CHECK_EQ(async_call_soon(&self->a.call, endless), 0);
    for (self->i = 0; self->i < 10; self->i++) {
        AWAIT(async_yield());
    }
    CHECK(calls <= 10);
    AWAIT(async_sleep(10));
    CHECK(calls > 0);
    CHECK_EQ(async_call_cancel(&self->a.call), 1);
    ASYNC_END;
}

TEST(call_soon_for_ever_is_fair)
{
    CHECK_EQ(async_run(survives, fresh()), 0);
}

/* A task and calls with the same deadline: all in the order of asking. */
static ASYNC sleeper(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(MS(10)));
    test_log("task ");
    ASYNC_END;
}

static void set_future(async_call *call)
{
    struct program *self = (struct program *)(void *)
        ((char *)(void *)call - offsetof(struct program, a));

    note(call);
    CHECK_EQ(async_future_set(&self->future, 42), 0);
}

static ASYNC waits(struct program *self)
{
    static struct program other;

    ASYNC_BEGIN(self);
    ZERO(other);
    CHECK_EQ(async_spawn(&self->task, sleeper, &other), 0);
    CHECK_EQ(async_call_later(&self->a.call, MS(10), set_future), 0);
    AWAIT_VALUE(self->result, async_future_wait(&self->future));
    CHECK_EQ(self->result, 42);
    CHECK_EQ(test_ms(), 10);
    AWAIT(async_join(&self->task));
    ASYNC_END;
}

TEST(call_wakes_a_task)
{
    CHECK_EQ(async_run(waits, fresh()), 0);
    CHECK_LOG("a@10 task ");
}

/* A call spawns, and cancels a task; a deadline beside it is not disturbed. */
static void cancel_task(async_call *call)
{
    struct program *self = (struct program *)(void *)
        ((char *)(void *)call - offsetof(struct program, a));

    note(call);
    CHECK_EQ(async_cancel(&self->task), 1);
}

static ASYNC cancel_from_a_call(struct program *self)
{
    static struct program other;

    ASYNC_BEGIN(self);
    ZERO(other);
    CHECK_EQ(async_spawn(&self->task, sleeper, &other), 0);
    CHECK_EQ(async_call_later(&self->a.call, MS(4), cancel_task), 0);
    AWAIT_RESULT(self->result, ASYNC_TIMEOUT(&self->scope, MS(8),
                                             async_join(&self->task)));
    CHECK_EQ(self->result, ASYNC_ECANCELED);
    CHECK_EQ(test_ms(), 4);
    ASYNC_END;
}

TEST(call_cancels_a_task)
{
    CHECK_EQ(async_run(cancel_from_a_call, fresh()), 0);
    CHECK_LOG("a@4 ");
}

/* The memory is the caller's again before the function is called. */
static void release(async_call *call)
{
    note(call);
    free(call);
}

static ASYNC frees(struct program *self)
{
    struct note *heap;

    ASYNC_BEGIN(self);
    heap = (struct note *)calloc(1, sizeof *heap);
    if (heap == NULL) {
        ASYNC_RAISE(ASYNC_ENOMEM);
    }
    heap->name = "heap";
    CHECK_EQ(async_call_later(&heap->call, MS(1), release), 0);
    AWAIT(async_sleep(MS(2)));
    ASYNC_END;
}

TEST(call_may_free_its_memory)
{
    CHECK_EQ(async_run(frees, fresh()), 0);
    CHECK_LOG("heap@1 ");
}

/* Asked for before the loop runs; it keeps no loop running, and goes on when
 * the loop does. */
TEST(call_before_and_between_runs)
{
    struct program *self = fresh();
    static struct program other;
    async_loop loop;

    ZERO(other);
    CHECK_EQ(async_loop_open(&loop), 0);
    CHECK_EQ(async_call_later(&self->a.call, MS(5), note), 0);
    CHECK_EQ(async_loop_run(&loop, NULL), 0);
    CHECK_LOG("");
    CHECK_EQ(async_spawn(&self->task, sleeper, &other), 0);
    CHECK_EQ(async_loop_run(&loop, NULL), 0);
    CHECK_LOG("a@5 task ");
    CHECK_EQ(async_call_later(&self->a.call, MS(5), note), 0);
    CHECK_EQ(async_loop_cancel_all(&loop), 0);
    CHECK_EQ(async_loop_close(&loop), 0);
    CHECK_EQ(async_call_cancel(&self->a.call), 1);      /* the loop is gone */
    CHECK_EQ(async_call_cancel(&self->a.call), 0);
    CHECK_LOG("");
}

/* A loop that is stepped says when the next call is due, and makes it. */
TEST(call_in_a_loop_that_is_stepped)
{
    struct program *self = fresh();
    async_loop loop;

    CHECK_EQ(async_loop_open(&loop), 0);
    CHECK_EQ(async_call_later(&self->a.call, MS(5), note), 0);
    CHECK_EQ(async_loop_step(&loop), MS(5));
    test_busy(MS(3));
    CHECK_EQ(async_loop_step(&loop), MS(2));
    CHECK_LOG("");
    test_busy(MS(2));
    CHECK_EQ(async_loop_step(&loop), ASYNC_NEVER);
    CHECK_LOG("a@5 ");
    CHECK_EQ(async_loop_close(&loop), 0);
}

/* The farthest time does not come, and can be cancelled. */
static ASYNC farthest(struct program *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_call_later(&self->a.call, ASYNC_NEVER, note), 0);
    AWAIT(async_sleep(MS(50)));
    CHECK_EQ(async_call_cancel(&self->a.call), 1);
    ASYNC_END;
}

TEST(call_farthest)
{
    CHECK_EQ(async_run(farthest, fresh()), 0);
    CHECK_LOG("");
}

static ASYNC wrong_use(struct program *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_call_soon(NULL, note), ASYNC_EINVAL);
    CHECK_EQ(async_call_soon(&self->a.call, NULL), ASYNC_EINVAL);
    CHECK_EQ(async_call_later(NULL, MS(1), note), ASYNC_EINVAL);
    CHECK_EQ(async_call_at(&self->a.call, async_now(), NULL), ASYNC_EINVAL);
    CHECK_EQ(async_call_cancel(NULL), ASYNC_EINVAL);
    ASYNC_END;
}

TEST(call_wrong_use)
{
    struct program *self = fresh();

    CHECK_EQ(async_call_soon(&self->a.call, note), ASYNC_EPERM);
    CHECK_EQ(async_call_later(&self->a.call, MS(1), note), ASYNC_EPERM);
    CHECK_EQ(async_call_at(&self->a.call, 0, note), ASYNC_EPERM);
    CHECK_EQ(async_call_at(NULL, 0, note), ASYNC_EINVAL);
    CHECK_EQ(async_run(wrong_use, self), 0);
}

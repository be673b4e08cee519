/* Loops: by hand, step by step, several, stopped, dead-locked. */
#include "nap.h"

struct program {
    async_frame frame;
    async_task task[3];
    struct nap nap[3];
    async_future future;
    async_task *other;
    int i, n, e;
};

static struct program zero_program(void)
{
    struct program p = {0};

    p.nap[0].name = "A";
    p.nap[1].name = "B";
    p.nap[2].name = "C";
    return p;
}

TEST(loop_by_hand)
{
    struct program p = zero_program();
    async_loop loop;

    CHECK_EQ(async_loop_open(&loop), 0);
    CHECK(async_loop_use(&loop) == &loop);
    p.nap[0].ms = 10;
    p.nap[0].result = 1;
    p.nap[1].ms = 20;
    p.nap[1].result = 2;
    CHECK_EQ(async_spawn(&p.task[0], nap, &p.nap[0]), 0);
    CHECK_EQ(async_loop_spawn(&loop, &p.task[1], nap, &p.nap[1]), 0);
    CHECK_EQ(async_loop_run(&loop, &p.task[0]), 1);
    CHECK_EQ(test_ms(), 10);
    CHECK_EQ(async_loop_run(&loop, &p.task[0]), 1);     /* it is done */
    CHECK_EQ(async_loop_close(&loop), ASYNC_EBUSY);     /* B is left */
    CHECK_EQ(async_loop_run(&loop, &p.task[1]), 2);
    CHECK_EQ(async_loop_run(&loop, NULL), 0);           /* nothing to do */
    CHECK_EQ(async_loop_run(&loop, &p.task[2]), ASYNC_EINVAL);
    CHECK_EQ(async_loop_close(&loop), 0);
    CHECK(async_loop_use(NULL) == NULL);
    CHECK_EQ(async_loop_open(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_loop_run(NULL, NULL), ASYNC_EINVAL);
    CHECK_EQ(async_loop_close(NULL), ASYNC_EINVAL);
    CHECK_LOG("A(B(A)B)");
}

TEST(loop_step_by_step)
{
    struct program p = zero_program();
    async_loop loop;

    CHECK_EQ(async_loop_open(&loop), 0);
    CHECK_EQ(async_loop_step(&loop), ASYNC_NEVER);
    p.nap[0].ms = 10;
    async_spawn(&p.task[0], nap, &p.nap[0]);
    async_spawn(&p.task[1], nap, &p.nap[1]);            /* yields once */
    CHECK_EQ(async_loop_step(&loop), 0);
    CHECK_LOG("A(B(");
    CHECK_EQ(async_loop_step(&loop), ASYNC_MS(10));
    CHECK_LOG("B)");
    test_busy(ASYNC_MS(4));
    CHECK_EQ(async_loop_step(&loop), ASYNC_MS(6));
    test_busy(ASYNC_MS(7));
    CHECK_EQ(async_loop_step(&loop), ASYNC_NEVER);
    CHECK_LOG("A)");
    CHECK_EQ(test_idles(), 0);                          /* it never blocks */
    CHECK_EQ(async_loop_close(&loop), 0);
}

/* A stop lets the turn end, and run be called again. */
static ASYNC stopper(struct program *self)
{
    ASYNC_BEGIN(self);
    async_loop_stop(async_this_loop_);
    test_log("stop ");
    AWAIT(async_yield());
    test_log("on ");
    ASYNC_END;
}

TEST(loop_stop)
{
    struct program p = zero_program();
    async_loop loop;

    CHECK_EQ(async_loop_open(&loop), 0);
    p.nap[0].ms = -1;
    async_spawn(&p.task[1], stopper, &p);
    async_spawn(&p.task[0], nap, &p.nap[0]);
    CHECK_EQ(async_loop_run(&loop, NULL), ASYNC_EINTR);
    CHECK_LOG("stop A(A)");
    CHECK_EQ(async_loop_run(&loop, NULL), 0);
    CHECK_LOG("on ");
    async_loop_stop(&loop);
    async_loop_stop(NULL);
    CHECK_EQ(async_loop_run(&loop, NULL), ASYNC_EINTR);
    CHECK_EQ(async_loop_close(&loop), 0);
}

/* Two loops in one thread: each has its own tasks and its own current. */
TEST(loop_second_leaves_the_first_alone)
{
    struct program p = zero_program();
    async_loop first, second;

    CHECK_EQ(async_loop_open(&first), 0);
    CHECK_EQ(async_loop_open(&second), 0);
    CHECK(async_loop_use(&second) == &first);
    p.nap[1].ms = 5;
    async_spawn(&p.task[1], nap, &p.nap[1]);
    async_loop_spawn(&first, &p.task[0], nap, &p.nap[0]);
    CHECK_EQ(async_loop_run(&second, NULL), 0);
    CHECK_LOG("B(B)");
    CHECK(async_loop_use(&first) == &second);
    CHECK_EQ(async_loop_close(&second), 0);
    CHECK_EQ(async_loop_run(&first, NULL), 0);
    CHECK_LOG("A(A)");
    CHECK_EQ(async_loop_close(&first), 0);
}

/* Running a loop inside a running one is an error, not a hang. */
static ASYNC nested(struct program *self)
{
    static async_loop loop;
    static struct nap inner;

    ASYNC_BEGIN(self);
    inner.name = "I";
    CHECK_EQ(async_run(nap, &inner), ASYNC_EBUSY);
    CHECK_EQ(async_loop_run(async_this_loop_, NULL), ASYNC_EBUSY);
    CHECK_EQ(async_loop_open(&loop), 0);
    CHECK_EQ(async_loop_run(&loop, NULL), ASYNC_EBUSY);
    CHECK_EQ(async_loop_cancel_all(async_this_loop_), ASYNC_EBUSY);
    CHECK_EQ(async_loop_close(async_this_loop_), ASYNC_EBUSY);
    CHECK_EQ(async_loop_close(&loop), 0);
    AWAIT(async_yield());
    ASYNC_RETURN(1);
    ASYNC_END;
}

TEST(loop_inside_a_loop_is_an_error)
{
    struct program p = zero_program();

    CHECK_EQ(async_run(nested, &p), 1);
    CHECK_LOG("");
}

/* A plain function that needs a result runs a loop of its own. */
static int plain(void)
{
    struct nap inner = {0};

    inner.name = "P";
    inner.result = 9;
    return async_run(nap, &inner);
}

TEST(loop_inside_a_plain_function)
{
    async_loop outer;

    CHECK_EQ(async_loop_open(&outer), 0);
    CHECK_EQ(plain(), 9);
    CHECK(async_loop_use(&outer) == &outer);
    CHECK_EQ(async_loop_close(&outer), 0);
}

/* Tasks remain, but nothing can wake them. */
static ASYNC waits(struct program *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_future_wait(&self->future));
    } ASYNC_FINALLY(self->e) {
        test_log("cleaned ");
    } ASYNC_TRY_END;
    ASYNC_END;
}

TEST(loop_deadlock_is_an_error)
{
    struct program p = zero_program();
    async_loop loop;

    CHECK_EQ(async_run(waits, &p), ASYNC_EDEADLK);
    CHECK_LOG("cleaned ");

    CHECK_EQ(async_loop_open(&loop), 0);
    async_spawn(&p.task[0], waits, &p);
    CHECK_EQ(async_loop_run(&loop, NULL), ASYNC_EDEADLK);
    CHECK_EQ(async_loop_step(&loop), ASYNC_NEVER);
    CHECK_EQ(async_future_set(&p.future, 3), 0);        /* from outside */
    CHECK_EQ(async_loop_run(&loop, NULL), 0);
    CHECK_LOG("cleaned ");
    CHECK_EQ(async_loop_close(&loop), 0);
}

/* Whoever would close a circle of joins gets the error. */
static ASYNC joins_other(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->e, async_join(self->other));
    test_log("%d ", self->e == ASYNC_EDEADLK ? -1 : self->e);
    ASYNC_RETURN(7);
    ASYNC_END;
}

TEST(loop_deadlock_of_joiners)
{
    static struct program circle[3];
    async_loop loop;
    int i;

    CHECK_EQ(async_loop_open(&loop), 0);
    for (i = 0; i < 3; i++) {
        circle[i].other = &circle[(i + 1) % 3].task[0];
        async_spawn(&circle[i].task[0], joins_other, &circle[i]);
    }
    CHECK_EQ(async_loop_run(&loop, NULL), 0);
    CHECK_LOG("-1 7 7 ");
    CHECK_EQ(async_loop_close(&loop), 0);
}

/* cancel_all: every task is struck and cleaned up, in whatever it waits. */
TEST(loop_cancel_all)
{
    struct program p = zero_program();
    struct program w = zero_program();
    async_loop loop;

    CHECK_EQ(async_loop_open(&loop), 0);
    p.nap[0].ms = 1000;
    p.nap[1].ms = 2000;
    p.nap[1].cleanup = 5;
    async_spawn(&p.task[0], nap, &p.nap[0]);
    async_spawn(&p.task[1], nap, &p.nap[1]);
    async_spawn(&p.task[2], waits, &w);
    CHECK_EQ(async_loop_step(&loop), ASYNC_MS(1000));
    CHECK_EQ(async_loop_cancel_all(&loop), 0);
    CHECK_LOG("A(B(cleaned AxA!BxB!");
    CHECK_EQ(async_loop_cancel_all(&loop), 0);
    CHECK_EQ(async_loop_cancel_all(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_loop_close(&loop), 0);
}

/* The behaviours of Lib/test/test_asyncio/test_threads.py: see tests/py.md. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "fdtools.h"

#if ASYNC_HOSTED && ASYNC_OFFLOAD

#include <pthread.h>

enum { MANY = 10 };

static pthread_mutex_t counted = PTHREAD_MUTEX_INITIALIZER;
static int calls;

static int count_calls(void *argument)
{
    (void)argument;
    pthread_mutex_lock(&counted);
    calls++;
    pthread_mutex_unlock(&counted);
    return 0;
}

struct sum { int a, b, sum; };

static int sum_of(void *argument)
{
    struct sum *it = (struct sum *)argument;

    it->sum = it->a + it->b;
    return it->sum;
}

static int fails(void *argument)
{
    (void)argument;
    return ASYNC_EUSER(40);
}

struct child { async_frame frame; async_task task; async_offload_job job; };

static ASYNC child(struct child *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_offload(&self->job, count_calls, NULL));
    ASYNC_END;
}

struct main {
    async_frame frame;
    async_offload_job job;
    struct sum sum;
    struct child child[MANY];
    async_waiter waiters[MANY];
    async_wait_set set;
    int i, rc;
};

#define RUN(fn, want) \
    do { \
        static struct main m; \
        ZERO(m); \
        test_real_time(); \
        calls = 0; \
        CHECK_EQ(async_run(fn, &m), want); \
    } while (0)

static ASYNC to_thread(struct main *self)
{
    ASYNC_BEGIN(self);
    self->sum.a = 40;
    self->sum.b = 2;
    AWAIT_VALUE(self->rc, async_offload(&self->job, sum_of, &self->sum));
    ASYNC_RETURN(self->rc);
    ASYNC_END;
}

TEST(py_threads_to_thread)
{
    RUN(to_thread, 42);
}

static ASYNC to_thread_exception(struct main *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_offload(&self->job, fails, NULL));
        test_log("not reached");
    } ASYNC_CATCH(self->rc) {
        CHECK_EQ(self->rc, ASYNC_EUSER(40));
    } ASYNC_TRY_END;
    AWAIT(async_offload(&self->job, fails, NULL));
    ASYNC_END;
}

TEST(py_threads_to_thread_exception)
{
    RUN(to_thread_exception, ASYNC_EUSER(40));
    CHECK_LOG("");
}

static ASYNC to_thread_once(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_offload(&self->job, count_calls, NULL));
    ASYNC_END;
}

TEST(py_threads_to_thread_once)
{
    RUN(to_thread_once, 0);
    CHECK_EQ(calls, 1);
}

static ASYNC to_thread_concurrent(struct main *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < MANY; self->i++) {
        async_spawn(&self->child[self->i].task, child,
                    &self->child[self->i]);
        self->waiters[self->i].task = &self->child[self->i].task;
    }
    AWAIT(async_gather(&self->set, self->waiters, MANY));
    ASYNC_END;
}

TEST(py_threads_to_thread_concurrent)
{
    RUN(to_thread_concurrent, 0);
    CHECK_EQ(calls, MANY);
}

static ASYNC to_thread_args(struct main *self)
{
    ASYNC_BEGIN(self);
    self->sum.a = 7;
    self->sum.b = -7;
    AWAIT_VALUE(self->rc, async_offload(&self->job, sum_of, &self->sum));
    CHECK_EQ(self->sum.sum, 0);
    ASYNC_END;
}

TEST(py_threads_to_thread_args_kwargs)
{
    RUN(to_thread_args, 0);
}

#endif

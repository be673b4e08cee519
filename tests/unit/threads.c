/* threads: a loop in each of several threads, which know nothing of one
 * another. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "test.h"

#if ASYNC_HOSTED

#include <pthread.h>
#include <string.h>

enum { THREADS = 4, ROUNDS = 50 };

struct child { async_frame frame; async_task task; int n; };

static ASYNC child(struct child *self)
{
    ASYNC_BEGIN(self);
    for (self->n = 0; self->n < ROUNDS; self->n++) {
        AWAIT(async_yield());
        AWAIT(async_sleep(ASYNC_US(10)));
    }
    ASYNC_RETURN(self->n);
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct child a, b;
    async_loop *loop;
    int x, y, result;
    bool alone;             /* is the current loop always this one? */
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    self->loop = async_this_loop_;
    self->alone = true;
    async_spawn(&self->a.task, child, &self->a);
    async_spawn(&self->b.task, child, &self->b);
    while (!async_done(&self->a.task)) {
        self->alone = self->alone && self->loop == async_this_loop_;
        AWAIT(async_yield());
    }
    AWAIT_VALUE(self->x, async_join(&self->a.task));
    AWAIT_VALUE(self->y, async_join(&self->b.task));
    ASYNC_RETURN(self->x + self->y);
    ASYNC_END;
}

static void *run(void *argument)
{
    struct program *self = (struct program *)argument;

    self->result = async_run(program, self);
    return NULL;
}

TEST(loop_in_each_thread)
{
    static struct program programs[THREADS];
    pthread_t threads[THREADS];
    int i;

    test_real_time();
    memset(programs, 0, sizeof programs);
    for (i = 0; i < THREADS; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, run, &programs[i]), 0);
#ifdef __TINYC__        /* without variables of a thread: one after the other */
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
#endif
    }
    for (i = 0; i < THREADS; i++) {
#ifndef __TINYC__
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
#endif
        CHECK_EQ(programs[i].result, 2 * ROUNDS);
        CHECK(programs[i].alone);
        CHECK(async_this_loop_ == NULL);
    }
}

#endif

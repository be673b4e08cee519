/* actors: tasks that each do one operation on one object, and say how it went.
 * What the tests of event, lock, semaphore, condition and barrier share.
 *
 * An actor A logs `A0` when the operation gave 0 (or 1, 2, ...), `Ax` when it
 * was cancelled, `At` when its limit ran out, `Ae` for another error. One with
 * a `release` then sleeps for `hold` ms, and logs `A-` when it has released. */
#ifndef ACTORS_H
#define ACTORS_H

#include "test.h"

#include <string.h>

#define ACTORS 6

struct actor {
    async_frame frame;
    async_task task;
    async_timeout scope;
    char name;
    async_status (*op)(void *object);
    int (*release)(void *object);
    void *object;
    long limit;         /* ms; 0: none; negative: a poll */
    long hold;          /* ms */
    int result, outcome;
};

/* A test's main coroutine, and all that it may need. */
struct stage {
    async_frame frame;
    async_task *me;
    struct actor actor[ACTORS];
    async_event event;
    async_lock lock;
    async_semaphore semaphore;
    async_condition condition, condition2;
    async_barrier barrier, barrier2;
    async_timeout scope;
    async_watch watch;
    int i, n, e, outcome;
};

ASYNC_INLINE_ ASYNC actor(struct actor *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        if (self->limit != 0) {
            AWAIT_VALUE(self->result,
                        ASYNC_TIMEOUT(&self->scope,
                                      (async_duration)ASYNC_MS(self->limit),
                                      self->op(self->object)));
        } else {
            AWAIT_VALUE(self->result, self->op(self->object));
        }
    } ASYNC_CATCH_ALL(self->result) {
        test_log("%c%c ", self->name,
                 self->result == ASYNC_CANCEL ? 'x'
                 : self->result == ASYNC_ETIMEDOUT ? 't' : 'e');
        ASYNC_RAISE(self->result);
    } ASYNC_TRY_END;
    test_log("%c%d ", self->name, self->result);
    if (self->release != NULL) {
        ASYNC_TRY {
            AWAIT(async_sleep((async_duration)ASYNC_MS(self->hold)));
        } ASYNC_FINALLY(self->outcome) {
            CHECK_EQ(self->release(self->object), 0);
            test_log("%c- ", self->name);
        } ASYNC_TRY_END;
    }
    ASYNC_RETURN(self->result);
    ASYNC_END;
}

/* Start the actor of this name, 'A' to 'F'; it is to do op(object), and begins
 * at the next suspension of the caller. */
ASYNC_INLINE_ struct actor *act(struct stage *self, char name,
                                async_status (*op)(void *), void *object)
{
    struct actor *it = &self->actor[name - 'A'];

    memset(it, 0, sizeof *it);
    it->name = name;
    it->op = op;
    it->object = object;
    CHECK_EQ(async_spawn(&it->task, actor, it), 0);
    return it;
}

ASYNC_INLINE_ async_task *task_of(struct stage *self, char name)
{
    return &self->actor[name - 'A'].task;
}

/* Run a test's main coroutine. Afterwards the stage can be looked at. */
ASYNC_INLINE_ struct stage *play(async_status (*fn)(struct stage *), int rc)
{
    static struct stage stage;

    memset(&stage, 0, sizeof stage);
    CHECK_EQ(async_run(fn, &stage), rc);
    return &stage;
}

/* The operations, for any object. */
ASYNC_INLINE_ async_status op_event(void *event)
{
    return async_event_wait((async_event *)event);
}

ASYNC_INLINE_ async_status op_lock(void *lock)
{
    return async_lock_acquire((async_lock *)lock);
}

ASYNC_INLINE_ int op_unlock(void *lock)
{
    return async_lock_release((async_lock *)lock);
}

ASYNC_INLINE_ async_status op_semaphore(void *semaphore)
{
    return async_semaphore_acquire((async_semaphore *)semaphore);
}

ASYNC_INLINE_ int op_give(void *semaphore)
{
    return async_semaphore_release((async_semaphore *)semaphore);
}

ASYNC_INLINE_ async_status op_barrier(void *barrier)
{
    return async_barrier_wait((async_barrier *)barrier);
}

/* An actor that takes the lock, or a permit, and gives it back after `hold`. */
ASYNC_INLINE_ struct actor *act_lock(struct stage *self, char name, long hold)
{
    struct actor *it = act(self, name, op_lock, &self->lock);

    it->release = op_unlock;
    it->hold = hold;
    return it;
}

ASYNC_INLINE_ struct actor *act_permit(struct stage *self, char name,
                                       long hold)
{
    struct actor *it = act(self, name, op_semaphore, &self->semaphore);

    it->release = op_give;
    it->hold = hold;
    return it;
}

#endif

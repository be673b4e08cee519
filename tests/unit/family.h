/* family: a coroutine's struct with a group, and naps that may be its
 * children: what the tests of groups have in common. */
#ifndef FAMILY_H
#define FAMILY_H

#include "nap.h"

#include <string.h>

#define FAMILY 5

struct family {
    async_frame frame;
    async_task me;
    async_group group, inner;
    async_member member[FAMILY];
    struct nap nap[FAMILY];
    async_timeout scope, scope2;
    struct family *other;
    int i, n, e, outcome;
};

/* A child that sleeps, by a letter. */
ASYNC_INLINE_ void child(struct family *self, int i, long ms, int result)
{
    static const char *const names[] = { "A", "B", "C", "D", "E" };

    self->nap[i].name = names[i];
    self->nap[i].ms = ms;
    self->nap[i].result = result;
    CHECK_EQ(async_group_spawn(&self->group, &self->member[i], nap,
                               &self->nap[i]), 0);
}

/* A child of the inner group. */
ASYNC_INLINE_ void grandchild(struct family *self, int i, long ms, int result)
{
    static const char *const names[] = { "a", "b", "c", "d", "e" };

    self->nap[i].name = names[i];
    self->nap[i].ms = ms;
    self->nap[i].result = result;
    CHECK_EQ(async_group_spawn(&self->inner, &self->member[i], nap,
                               &self->nap[i]), 0);
}

ASYNC_INLINE_ int child_result(const struct family *self, int i)
{
    return async_result(&self->member[i].task);
}

/* Run fn as the main task. */
ASYNC_INLINE_ int family_run(async_status (*fn)(struct family *))
{
    static struct family first;

    memset(&first, 0, sizeof first);
    return async_run(fn, &first);
}

/* Start fn as a task, with a struct of its own. */
ASYNC_INLINE_ struct family *family_start(async_status (*fn)(struct family *))
{
    static struct family second;

    memset(&second, 0, sizeof second);
    CHECK_EQ(async_spawn(&second.me, fn, &second), 0);
    return &second;
}

#endif

/* crowd: a coroutine's struct with several naps beside it, and waiters for
 * them: what the tests of wait, gather, group and pool have in common. */
#ifndef CROWD_H
#define CROWD_H

#include "nap.h"

#include <string.h>

#define CROWD 5

struct crowd {
    async_frame frame;
    async_task me;                      /* when it is a task itself */
    struct nap nap[CROWD];
    async_task task[CROWD];
    async_waiter waiters[CROWD];
    async_wait_set set, set2;
    async_timeout scope, scope2;
    async_future future;
    async_watch watch;
    struct crowd *other;
    int i, n, e, outcome;
};

/* Start nap i, named by a letter. */
ASYNC_INLINE_ void crowd_spawn(struct crowd *self, int i, long ms, int result)
{
    static const char *const names[] = { "A", "B", "C", "D", "E" };
    struct nap *it = &self->nap[i];

    it->name = names[i];
    it->ms = ms;
    it->result = result;
    self->waiters[i].task = &self->task[i];
    CHECK_EQ(async_spawn(&self->task[i], nap, it), 0);
}

/* Three naps of 1, 2 and 3 seconds. */
ASYNC_INLINE_ void crowd_three(struct crowd *self)
{
    crowd_spawn(self, 0, 1000, 10);
    crowd_spawn(self, 1, 2000, 20);
    crowd_spawn(self, 2, 3000, 30);
}

/* Start a second crowd's coroutine as a task: one that is to be struck, while
 * it waits for the naps of this one, its `other`. */
ASYNC_INLINE_ struct crowd *crowd_start(struct crowd *self,
                                        async_status (*fn)(struct crowd *))
{
    static struct crowd second;

    memset(&second, 0, sizeof second);
    second.other = self;
    self->other = &second;
    CHECK_EQ(async_spawn(&second.me, fn, &second), 0);
    return &second;
}

ASYNC_INLINE_ int crowd_run(async_status (*fn)(struct crowd *))
{
    static struct crowd main_crowd;

    memset(&main_crowd, 0, sizeof main_crowd);
    return async_run(fn, &main_crowd);
}

#endif

/* Whatever the order: a crowd of tasks that uses every primitive at once, at
 * times by chance, some of them cancelled or with a limit too short for them.
 * What holds at the end, and all the time, holds with each seed: nobody is
 * where somebody is, nothing is lost, nobody is forgotten. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#define ASYNC_SIM 1
#include "test.h"

#include <string.h>

#define MS1 ((async_duration)ASYNC_MS(1))

enum { WORKERS = 12, ROUNDS = 8, ROOM = 3 };

static struct {
    async_lock lock;
    async_semaphore permits;
    async_queue queue;
    async_condition condition;
    async_event opened;
    int room[ROOM];
    int inside, permitted, put, got, sum_put, sum_got, turn, ends;
} shared;

struct worker {
    async_frame frame;
    async_member member;
    async_timeout scope;
    async_duration nap;
    int number, round, item, e, outcome;
};

static async_duration some_time(void)
{
    return (async_duration)(MS1 * (async_duration)async_sim_random(4));
}

/* Alone with the lock, whatever is awaited meanwhile. */
static ASYNC alone(struct worker *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH(async_lock_acquire(&shared.lock),
               async_lock_release(&shared.lock)) {
        ASYNC_TRY {
            ASYNC_EXPECT(shared.inside++ == 0);
            AWAIT(async_sleep(self->nap));
        } ASYNC_FINALLY(self->outcome) {
            ASYNC_EXPECT(--shared.inside == 0);
        } ASYNC_TRY_END;
    } ASYNC_WITH_END;
    ASYNC_END;
}

static ASYNC permitted(struct worker *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH(async_semaphore_acquire(&shared.permits),
               async_semaphore_release(&shared.permits)) {
        ASYNC_TRY {
            ASYNC_EXPECT(++shared.permitted <= 2);
            AWAIT(async_sleep(self->nap));
        } ASYNC_FINALLY(self->outcome) {
            shared.permitted--;
        } ASYNC_TRY_END;
    } ASYNC_WITH_END;
    ASYNC_END;
}

static ASYNC exchanges(struct worker *self)
{
    ASYNC_BEGIN(self);
    if (self->number % 2 == 0) {
        self->item = 100 * self->number + self->round;
        AWAIT(async_queue_put(&shared.queue, &self->item));
        shared.put++;
        shared.sum_put += self->item;
    } else {
        AWAIT(async_queue_get(&shared.queue, &self->item));
        shared.got++;
        shared.sum_got += self->item;
    }
    ASYNC_END;
}

/* Each waits until it is its turn, and passes it on. */
static ASYNC in_turn(struct worker *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH(async_lock_acquire(&shared.lock),
               async_lock_release(&shared.lock)) {
        while (shared.turn % WORKERS != self->number) {
            AWAIT(async_condition_wait(&shared.condition));
        }
        shared.turn++;
        async_condition_notify_all(&shared.condition);
    } ASYNC_WITH_END;
    ASYNC_END;
}

struct job {
    async_frame frame;
    struct worker worker;       /* of what it awaits */
    async_member member;
    async_timeout scope;
    int number, round, what, e;
};

static ASYNC does(struct job *self)
{
    switch (self->what) {
    case 0:
        return alone(&self->worker);
    case 1:
        return permitted(&self->worker);
    default:
        return async_event_wait(&shared.opened);
    }
}

static ASYNC works(struct job *self)
{
    ASYNC_BEGIN(self);
    for (self->round = 0; self->round < ROUNDS; self->round++) {
        self->what = (int)async_sim_random(3);
        memset(&self->worker, 0, sizeof self->worker);
        self->worker.number = self->number;
        self->worker.round = self->round;
        self->worker.nap = some_time();
        AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->scope,
                                            (async_duration)(some_time() + 1),
                                            does(self)));
        ASYNC_EXPECT(self->e == 0 || self->e == ASYNC_ETIMEDOUT);
        memset(&self->worker.frame, 0, sizeof self->worker.frame);
        AWAIT(exchanges(&self->worker));
        AWAIT(in_turn(&self->worker));
    }
    shared.ends++;
    ASYNC_END;
}

/* Opens and closes, until it is cancelled. */
static ASYNC door(struct worker *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT(async_sleep(MS1));
        async_event_set(&shared.opened);
        AWAIT(async_sleep(MS1));
        async_event_clear(&shared.opened);
    }
    ASYNC_END;
}

struct all {
    async_frame frame;
    async_group group;
    async_task task;
    struct worker door;
    struct job job[WORKERS];
    int i, e;
};

static ASYNC all(struct all *self)
{
    ASYNC_BEGIN(self);
    memset(&shared, 0, sizeof shared);
    AWAIT(async_condition_open(&shared.condition, &shared.lock));
    AWAIT(async_semaphore_open(&shared.permits, 2));
    AWAIT(async_queue_open(&shared.queue, shared.room, sizeof(int), ROOM));
    async_spawn(&self->task, door, &self->door);
    ASYNC_GROUP_BEGIN(&self->group) {
        for (self->i = 0; self->i < WORKERS; self->i++) {
            self->job[self->i].number = self->i;
            AWAIT(async_group_spawn(&self->group, &self->job[self->i].member,
                                    works, &self->job[self->i]));
        }
    } ASYNC_GROUP_END;
    async_cancel(&self->task);
    AWAIT_RESULT(self->e, async_join(&self->task));
    ASYNC_EXPECT(self->e == ASYNC_ECANCELED);
    ASYNC_EXPECT(shared.ends == WORKERS);
    ASYNC_EXPECT(shared.inside == 0 && shared.permitted == 0);
    ASYNC_EXPECT(async_semaphore_value(&shared.permits) == 2);
    ASYNC_EXPECT(shared.put == WORKERS / 2 * ROUNDS);
    ASYNC_EXPECT(shared.got == shared.put);
    ASYNC_EXPECT(shared.sum_got == shared.sum_put);
    ASYNC_EXPECT(shared.turn == WORKERS * ROUNDS);
    ASYNC_END;
}

static void tell(const char *line)
{
    test_log("%s", line);
}

#ifndef CROWD_SEEDS
#define CROWD_SEEDS 1000
#endif

TEST(crowd_of_every_primitive_with_each_seed)
{
    static struct all frame;
    static async_tests tests;

    memset(&frame, 0, sizeof frame);
    tests.say = tell;
    tests.seeds = CROWD_SEEDS;
    if (!ASYNC_TEST(&tests, "a crowd", all, &frame, ASYNC_NEVER)) {
        test_fail(__FILE__, __LINE__, test_log_text());
    }
    test_log_clear();
}

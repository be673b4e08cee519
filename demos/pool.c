/* pool: hundreds of jobs, a few at a time.
 *
 *     make run DEMO=pool
 *
 * Wrong: a task for each of 500 addresses at once. It takes 500 frames, and
 * would take as many descriptors. Right: a pool of 50 slots, with 50 frames
 * beside it. Who takes a slot waits until one is free; it comes back by itself
 * when its task has ended, so nobody joins anybody. */
#include "demo.h"

enum { ADDRESSES = 500, SLOTS = 50 };

static int open_now, open_most, fetched;

struct fetch {
    async_frame frame;
    async_task task;
    int address;
};

static ASYNC fetch(struct fetch *self)
{
    ASYNC_BEGIN(self);
    open_now++;
    open_most = open_now > open_most ? open_now : open_most;
    AWAIT(async_sleep(ASYNC_MS(100)));
    open_now--;
    fetched++;
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct fetch *all;
    async_waiter *waiters;
    async_wait_set set;
    async_pool pool;
    async_slot slots[SLOTS];
    struct fetch fetches[SLOTS];
    int i, address;
};

static ASYNC at_once(struct program *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < ADDRESSES; self->i++) {
        self->all[self->i].address = self->i;
        async_spawn(&self->all[self->i].task, fetch, &self->all[self->i]);
        self->waiters[self->i].task = &self->all[self->i].task;
    }
    AWAIT(async_gather(&self->set, self->waiters, ADDRESSES));
    ASYNC_END;
}

static ASYNC in_a_pool(struct program *self)
{
    ASYNC_BEGIN(self);
    async_pool_open(&self->pool, self->slots, SLOTS);
    for (self->address = 0; self->address < ADDRESSES; self->address++) {
        AWAIT_VALUE(self->i, async_pool_take(&self->pool));
        self->fetches[self->i].address = self->address;
        async_pool_spawn(&self->pool, self->i, fetch,
                         &self->fetches[self->i]);
    }
    AWAIT(async_pool_join(&self->pool));
    ASYNC_END;
}

static void run(async_status (*fn)(struct program *), struct program *self)
{
    fetched = open_most = 0;
    async_run(fn, self);
    say("fetched %d, open at once: %d", fetched, open_most);
}

int main(void)
{
    static struct program program;

    program.all = calloc(ADDRESSES, sizeof *program.all);
    program.waiters = calloc(ADDRESSES, sizeof *program.waiters);
    if (program.all == NULL || program.waiters == NULL) {
        return 1;
    }
    title("Wrong: all at once");
    run(at_once, &program);
    title("Right: 50 at a time");
    run(in_a_pool, &program);
    free(program.all);
    free(program.waiters);
    return 0;
}

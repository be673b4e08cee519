/* condition: customers wait until there is enough bread for them.
 *
 *     make run DEMO=condition
 *
 * What they wait for is more than a flag or a count: each wants a number of
 * loaves at once. So the shelf is kept under a lock, and whoever finds too
 * little on it waits to be notified of a change; waiting gives the lock up,
 * and takes it again. The loop around the wait looks again, as somebody else
 * may have been quicker. One customer has not got all day. */
#include "demo.h"

struct bakery {
    async_lock lock;
    async_condition changed;
    int loaves;
};

struct customer {
    async_frame frame;
    async_task task;
    struct bakery *bakery;
    const char *name;
    int wants;
};

static ASYNC customer(struct customer *self)
{
    struct bakery *bakery = self->bakery;

    ASYNC_BEGIN(self);
    ASYNC_WITH(async_lock_acquire(&bakery->lock),
               async_lock_release(&bakery->lock)) {
        while (bakery->loaves < self->wants) {
            say("  %s: %d, but I want %d", self->name, bakery->loaves,
                self->wants);
            AWAIT(async_condition_wait(&bakery->changed));
        }
        bakery->loaves -= self->wants;
        say("  %s: takes %d, leaves %d", self->name, self->wants,
            bakery->loaves);
    } ASYNC_WITH_END;
    ASYNC_END;
}

/* The same with a limit: whatever it waits for when the time is over, the lock
 * is in its hands where the wait fails, and is given back. */
struct hasty {
    async_frame frame;
    async_task task;
    async_timeout patience;
    struct customer customer;
    int result;
};

static ASYNC hasty(struct hasty *self)
{
    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->result,
                 ASYNC_TIMEOUT(&self->patience, ASYNC_SEC(3),
                               customer(&self->customer)));
    say("  %s: %s", self->customer.name, async_strerror(self->result));
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct bakery bakery;
    struct customer ann, bob;
    struct hasty cleo;
    int batch;
};

static void prepare(struct program *self, struct customer *it,
                    const char *name, int wants)
{
    it->bakery = &self->bakery;
    it->name = name;
    it->wants = wants;
}

static ASYNC program(struct program *self)
{
    struct bakery *bakery = &self->bakery;

    ASYNC_BEGIN(self);
    async_condition_open(&bakery->changed, &bakery->lock);
    prepare(self, &self->ann, "Ann", 5);
    prepare(self, &self->bob, "Bob", 1);
    prepare(self, &self->cleo.customer, "Cleo", 9);
    async_spawn(&self->ann.task, customer, &self->ann);
    async_spawn(&self->bob.task, customer, &self->bob);
    async_spawn(&self->cleo.task, hasty, &self->cleo);
    for (self->batch = 1; self->batch <= 3; self->batch++) {
        AWAIT(async_sleep(ASYNC_SEC(2)));
        ASYNC_WITH(async_lock_acquire(&bakery->lock),
                   async_lock_release(&bakery->lock)) {
            bakery->loaves += 2;
            say("baker: 2 more");
            async_condition_notify_all(&bakery->changed);
        } ASYNC_WITH_END;
    }
    AWAIT(async_join(&self->ann.task));
    AWAIT(async_join(&self->bob.task));
    AWAIT(async_join(&self->cleo.task));
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    return async_run(program, &frame);
}

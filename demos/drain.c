/* drain: many producers, many consumers, and knowing when all is done.
 *
 *     make run DEMO=drain
 *
 * When the producers have ended, items may still be in the queue, or in work.
 * async_queue_join waits until each of them was reported by
 * async_queue_task_done. Then the consumers, which look at a flag after every
 * item, or a while after the last one, are told to end. */
#include "demo.h"

enum { PRODUCERS = 2, CONSUMERS = 2, EACH = 6, SLOTS = 5 };

struct worker {
    async_frame frame;
    async_task task;
    async_timeout scope;
    struct program *program;
    int id, i, item, rc;
};

struct program {
    async_frame frame;
    async_queue queue;
    int array[SLOTS];
    struct worker producer[PRODUCERS], consumer[CONSUMERS];
    async_waiter waiters[2];
    async_wait_set set;
    bool running;
    int seen[PRODUCERS * EACH];
    int i, once;
};

static ASYNC producer(struct worker *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < EACH; self->i++) {
        AWAIT(async_sleep(ASYNC_MS(300)));
        self->item = self->id * EACH + self->i;
        AWAIT(async_queue_put(&self->program->queue, &self->item));
    }
    ASYNC_END;
}

static ASYNC consumer(struct worker *self)
{
    ASYNC_BEGIN(self);
    while (self->program->running) {
        AWAIT_RESULT(self->rc,
                     ASYNC_TIMEOUT(&self->scope, ASYNC_SEC(1),
                                   async_queue_get(&self->program->queue,
                                                   &self->item)));
        if (self->rc == ASYNC_ETIMEDOUT) {
            continue;
        }
        AWAIT(async_sleep(ASYNC_MS(450)));
        self->program->seen[self->item]++;
        async_queue_task_done(&self->program->queue);
    }
    ASYNC_END;
}

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    async_queue_open(&self->queue, self->array, sizeof self->array[0], SLOTS);
    self->running = true;
    for (self->i = 0; self->i < PRODUCERS; self->i++) {
        self->producer[self->i].program = self;
        self->producer[self->i].id = self->i;
        async_spawn(&self->producer[self->i].task, producer,
                    &self->producer[self->i]);
        self->waiters[self->i].task = &self->producer[self->i].task;
    }
    for (self->i = 0; self->i < CONSUMERS; self->i++) {
        self->consumer[self->i].program = self;
        async_spawn(&self->consumer[self->i].task, consumer,
                    &self->consumer[self->i]);
    }
    AWAIT(async_gather(&self->set, self->waiters, PRODUCERS));
    say("the producers are done, %d items are waiting",
        (int)async_queue_size(&self->queue));
    AWAIT(async_queue_join(&self->queue));
    say("the queue is drained, and nothing is in work");
    self->running = false;
    for (self->i = 0; self->i < CONSUMERS; self->i++) {
        AWAIT(async_join(&self->consumer[self->i].task));
    }
    say("the consumers are done");
    for (self->i = 0; self->i < PRODUCERS * EACH; self->i++) {
        self->once += self->seen[self->i] == 1;
    }
    say("of %d items, %d were consumed exactly once", PRODUCERS * EACH,
        self->once);
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    title("Two producers, two consumers, a queue of five");
    return async_run(program, &frame);
}

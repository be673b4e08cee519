/* queue: a producer, and a consumer that is slower.
 *
 *     make run DEMO=queue
 *
 * The queue lies over an array of yours, and items are copied in and out. It
 * takes the sting out of the difference in pace: the producer goes on until
 * the array is full. The last item, a marker, tells the consumer to stop. (How
 * to do without one: make run DEMO=shutdown.) */
#include "demo.h"

enum { ITEMS = 5, MARKER = -1 };

struct side {
    async_frame frame;
    async_task task;
    async_queue *queue;
    int item;
};

static ASYNC producer(struct side *self)
{
    ASYNC_BEGIN(self);
    for (self->item = 0; self->item < ITEMS; self->item++) {
        AWAIT(async_sleep(ASYNC_SEC(1)));
        AWAIT(async_queue_put(self->queue, &self->item));
        say("P%d", self->item);
    }
    self->item = MARKER;
    AWAIT(async_queue_put(self->queue, &self->item));
    ASYNC_END;
}

static ASYNC consumer(struct side *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT(async_queue_get(self->queue, &self->item));
        if (self->item == MARKER) {
            break;
        }
        AWAIT(async_sleep(ASYNC_MS(2500)));
        say("    C%d", self->item);
    }
    ASYNC_END;
}

struct program {
    async_frame frame;
    async_queue queue;
    int array[10];
    struct side producer, consumer;
    async_waiter waiters[2];
    async_wait_set set;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    async_queue_open(&self->queue, self->array, sizeof self->array[0], 10);
    self->producer.queue = self->consumer.queue = &self->queue;
    async_spawn(&self->producer.task, producer, &self->producer);
    async_spawn(&self->consumer.task, consumer, &self->consumer);
    self->waiters[0].task = &self->producer.task;
    self->waiters[1].task = &self->consumer.task;
    AWAIT(async_gather(&self->set, self->waiters, 2));
    say("both are done");
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    title("A producer, and a slower consumer");
    return async_run(program, &frame);
}

/* backpressure: a queue that is full makes the faster side wait.
 *
 *     make run DEMO=backpressure
 *
 * A hundred items go through a queue of ten. The producer could make them all
 * at once, but it gets as far ahead of the consumer as the queue is long, and
 * then no further: memory is bounded, whatever happens. */
#include "demo.h"

enum { ITEMS = 100, SLOTS = 10, MARKER = -1 };

struct side {
    async_frame frame;
    async_task task;
    struct program *program;
    async_interval pace;
    int item;
};

struct program {
    async_frame frame;
    async_queue queue;
    int array[SLOTS];
    struct side producer, consumer;
    int produced, consumed, ahead, waited;
};

static ASYNC producer(struct side *self)
{
    struct program *program = self->program;

    ASYNC_BEGIN(self);
    for (self->item = 0; self->item < ITEMS; self->item++) {
        if (async_queue_full(&program->queue)) {
            program->waited++;
        }
        AWAIT(async_queue_put(&program->queue, &self->item));
        program->produced++;
        if (program->produced - program->consumed > program->ahead) {
            program->ahead = program->produced - program->consumed;
        }
    }
    self->item = MARKER;
    AWAIT(async_queue_put(&program->queue, &self->item));
    say("producer: all %d items are in the queue or beyond", ITEMS);
    ASYNC_END;
}

static ASYNC consumer(struct side *self)
{
    struct program *program = self->program;

    ASYNC_BEGIN(self);
    async_interval_open(&self->pace, ASYNC_MS(50), ASYNC_BURST);
    for (;;) {
        AWAIT(async_queue_get(&program->queue, &self->item));
        if (self->item == MARKER) {
            break;
        }
        AWAIT(async_interval_wait(&self->pace));
        program->consumed++;
        if (program->consumed % 20 == 0) {
            say("consumer: %d consumed, %d produced", program->consumed,
                program->produced);
        }
    }
    ASYNC_END;
}

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    async_queue_open(&self->queue, self->array, sizeof self->array[0], SLOTS);
    self->producer.program = self->consumer.program = self;
    async_spawn(&self->producer.task, producer, &self->producer);
    async_spawn(&self->consumer.task, consumer, &self->consumer);
    AWAIT(async_join(&self->producer.task));
    AWAIT(async_join(&self->consumer.task));
    say("the producer found the queue full %d times", self->waited);
    /* ten in the queue, and the one that is being consumed */
    say("it was never more than %d items ahead", self->ahead);
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    title("A hundred items through a queue of ten");
    return async_run(program, &frame);
}

/* patience: a get that gives up after a while, and tries again.
 *
 *     make run DEMO=patience
 *
 * The consumer wants to look at a flag now and then, so each get has a limit.
 * An item that comes with the deadline is not lost: the get keeps what it was
 * promised, and otherwise has taken nothing. (Rather than a flag, use a
 * shutdown: make run DEMO=shutdown.) */
#include "demo.h"

struct consumer {
    async_frame frame;
    async_task task;
    async_timeout scope;
    async_queue *queue;
    bool running;
    int item, error;
};

static ASYNC consumer(struct consumer *self)
{
    ASYNC_BEGIN(self);
    while (self->running) {
        ASYNC_TRY {
            AWAIT(ASYNC_TIMEOUT(&self->scope, ASYNC_SEC(1),
                                async_queue_get(self->queue, &self->item)));
        } ASYNC_CATCH(self->error) {
            say("consumer: nothing, %s", async_strerror(self->error));
            continue;
        } ASYNC_TRY_END;
        say("consumer: item %d", self->item);
    }
    say("consumer: no longer running");
    ASYNC_END;
}

struct program {
    async_frame frame;
    async_queue queue;
    int array[4];
    struct consumer consumer;
    int i;
};

static ASYNC program(struct program *self)
{
    /* Pauses in tenths of a second. The third put comes with a deadline. */
    static const int pause[] = {5, 3, 10, 26, 2};

    ASYNC_BEGIN(self);
    async_queue_open(&self->queue, self->array, sizeof self->array[0], 4);
    self->consumer.queue = &self->queue;
    self->consumer.running = true;
    async_spawn(&self->consumer.task, consumer, &self->consumer);
    for (self->i = 0; self->i < 5; self->i++) {
        AWAIT(async_sleep(ASYNC_MS(100 * pause[self->i])));
        AWAIT(async_queue_put(&self->queue, &self->i));
    }
    AWAIT(async_sleep(ASYNC_MS(500)));
    say("main: enough");
    self->consumer.running = false;
    AWAIT(async_join(&self->consumer.task));
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    title("A get with a limit of a second");
    return async_run(program, &frame);
}

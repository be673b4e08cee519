/* batch: items are collected, and dealt with many at a time.
 *
 *     make run DEMO=batch
 *
 * A batch is sent when it is full, or a second after its first item came,
 * whatever is earlier: so nobody waits long when little is going on, and when
 * much is, one request carries many. The limit is around the block that
 * collects; an item that comes with it is in the batch, or in the next. */
#include "demo.h"

enum { BATCH = 4 };

struct sender {
    async_frame frame;
    async_task task;
    async_timeout scope;
    async_queue *queue;
    int batch[BATCH], n, error;
};

static void send_batch(struct sender *self)
{
    char text[40] = "";
    size_t used = 0;
    int i;

    for (i = 0; i < self->n; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, " %d",
                                 self->batch[i]);
    }
    say("a batch of %d:%s", self->n, text);
    self->n = 0;
}

static ASYNC sender(struct sender *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        self->n = 0;
        AWAIT(async_queue_get(self->queue, &self->batch[0]));
        self->n = 1;
        ASYNC_TRY {
            ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_SEC(1)) {
                while (self->n < BATCH) {
                    AWAIT(async_queue_get(self->queue,
                                          &self->batch[self->n]));
                    self->n++;
                }
            } ASYNC_TIMEOUT_END;
        } ASYNC_CATCH(self->error) {
            /* too late for more, or the queue was shut down */
        } ASYNC_TRY_END;
        send_batch(self);
    }
    ASYNC_END;
}

struct program {
    async_frame frame;
    async_queue queue;
    int array[16];
    struct sender sender;
    int i, rc;
};

static ASYNC program(struct program *self)
{
    /* Pauses before the items, in tenths of a second. */
    static const int pause[] = {0, 1, 1, 1, 1, 1, 20, 3, 3, 3, 20, 0, 0, 0};

    ASYNC_BEGIN(self);
    async_queue_open(&self->queue, self->array, sizeof self->array[0], 16);
    self->sender.queue = &self->queue;
    async_spawn(&self->sender.task, sender, &self->sender);
    for (self->i = 0; self->i < 14; self->i++) {
        AWAIT(async_sleep(ASYNC_MS(100 * pause[self->i])));
        AWAIT(async_queue_put(&self->queue, &self->i));
    }
    AWAIT(async_sleep(ASYNC_MS(200)));
    self->i = 99;
    AWAIT(async_queue_put(&self->queue, &self->i));
    AWAIT(async_sleep(ASYNC_MS(300)));
    say("no more will come");
    async_queue_shutdown(&self->queue);
    AWAIT_RESULT(self->rc, async_join(&self->sender.task));
    say("the sender: %s", async_strerror(self->rc));
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    title("Four at a time, or what came within a second");
    async_run(program, &frame);
    return 0;
}

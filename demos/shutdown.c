/* shutdown: the better ending of a queue: no marker, no flag, no polling.
 *
 *     make run DEMO=shutdown
 *
 * After async_queue_shutdown nothing more goes in. What is in still comes out,
 * and then every get ends with ASYNC_ESHUTDOWN, those that wait at once. So the
 * consumers' loop is the same for one or many of them, and the programs of the
 * demos queue, drain and patience become shorter. async_queue_shutdown_now
 * drops what is in the queue. */
#include "demo.h"

enum { SLOTS = 5 };

struct worker {
    async_frame frame;
    async_task task;
    async_queue *queue;
    const char *name;
    int first, n, i, ms, item, rc;
};

static ASYNC producer(struct worker *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < self->n; self->i++) {
        AWAIT(async_sleep(ASYNC_MS(self->ms)));
        self->item = self->first + self->i;
        AWAIT_RESULT(self->rc, async_queue_put(self->queue, &self->item));
        if (self->rc < 0) {
            say("%s: item %d: %s", self->name, self->item,
                async_strerror(self->rc));
            break;
        }
    }
    ASYNC_END;
}

static ASYNC consumer(struct worker *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT_RESULT(self->rc, async_queue_get(self->queue, &self->item));
        if (self->rc < 0) {
            break;
        }
        AWAIT(async_sleep(ASYNC_MS(self->ms)));
        say("    %s: %d", self->name, self->item);
    }
    say("    %s: %s", self->name, async_strerror(self->rc));
    ASYNC_END;
}

struct program {
    async_frame frame;
    async_queue queue;
    int array[SLOTS];
    struct worker p, q, c, d;
};

static void make(struct program *self, struct worker *it, const char *name,
                 int first, int n, int ms)
{
    it->queue = &self->queue;
    it->name = name;
    it->first = first;
    it->n = n;
    it->ms = ms;
    if (n > 0) {
        async_spawn(&it->task, producer, it);
    } else {
        async_spawn(&it->task, consumer, it);
    }
}

static ASYNC slower_consumer(struct program *self)
{
    ASYNC_BEGIN(self);
    async_queue_open(&self->queue, self->array, sizeof self->array[0], SLOTS);
    make(self, &self->p, "P", 0, 5, 400);
    make(self, &self->c, "C", 0, 0, 1000);
    AWAIT(async_join(&self->p.task));
    say("P is done: no more items");
    async_queue_shutdown(&self->queue);
    AWAIT(async_join(&self->c.task));
    ASYNC_END;
}

static ASYNC many_to_many(struct program *self)
{
    ASYNC_BEGIN(self);
    async_queue_open(&self->queue, self->array, sizeof self->array[0], SLOTS);
    make(self, &self->p, "P", 10, 3, 200);
    make(self, &self->q, "Q", 20, 2, 550);
    make(self, &self->c, "C", 0, 0, 800);
    make(self, &self->d, "D", 0, 0, 1200);
    AWAIT(async_join(&self->p.task));
    AWAIT(async_join(&self->q.task));
    say("P and Q are done: no more items");
    async_queue_shutdown(&self->queue);
    AWAIT(async_join(&self->c.task));
    AWAIT(async_join(&self->d.task));
    ASYNC_END;
}

static ASYNC while_it_waits(struct program *self)
{
    ASYNC_BEGIN(self);
    async_queue_open(&self->queue, self->array, sizeof self->array[0], SLOTS);
    make(self, &self->c, "C", 0, 0, 100);
    AWAIT(async_sleep(ASYNC_SEC(1)));
    say("C waits for an item; there will be none");
    async_queue_shutdown(&self->queue);
    AWAIT(async_join(&self->c.task));
    say("C ended at once");
    ASYNC_END;
}

static ASYNC at_once(struct program *self)
{
    ASYNC_BEGIN(self);
    async_queue_open(&self->queue, self->array, sizeof self->array[0], 2);
    make(self, &self->p, "P", 0, 9, 100);
    make(self, &self->c, "C", 0, 0, 600);
    AWAIT(async_sleep(ASYNC_SEC(1)));
    say("stop! %d items are dropped", (int)async_queue_size(&self->queue));
    async_queue_shutdown_now(&self->queue);
    AWAIT(async_join(&self->p.task));
    AWAIT(async_join(&self->c.task));
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    title("A producer, and a slower consumer");
    async_run(slower_consumer, &frame);
    title("Two producers, two consumers");
    async_run(many_to_many, &frame);
    title("A consumer that waits");
    async_run(while_it_waits, &frame);
    title("At once");
    async_run(at_once, &frame);
    return 0;
}

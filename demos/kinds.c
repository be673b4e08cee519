/* kinds: the same items through the three kinds of queue.
 *
 *     make run DEMO=kinds
 *
 * First in first out, last in first out, most urgent first. They differ in how
 * they are opened; all else is the same. Items are copied, so they may be of
 * any type, and of any size. */
#include "demo.h"

struct task { int urgency; const char *name; };

static int by_urgency(const void *a, const void *b)
{
    const struct task *left = (const struct task *)a;
    const struct task *right = (const struct task *)b;

    return right->urgency - left->urgency;      /* negative: a before b */
}

struct program {
    async_frame frame;
    async_queue queue;
    struct task array[4], task;
    int i;
};

static const struct task tasks[] = {
    {2, "post a letter"}, {5, "put out the fire"}, {1, "have a nap"},
    {3, "buy milk"},
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 4; self->i++) {
        AWAIT(async_queue_put(&self->queue, &tasks[self->i]));
    }
    for (self->i = 0; self->i < 4; self->i++) {
        AWAIT(async_queue_get(&self->queue, &self->task));
        printf("  %s\n", self->task.name);
    }
    ASYNC_END;
}

int main(void)
{
    static struct program it;
    size_t size = sizeof it.array[0];

    puts("First in, first out:");
    async_queue_open(&it.queue, it.array, size, 4);
    async_run(program, &it);
    puts("Last in, first out:");
    async_queue_open_lifo(&it.queue, it.array, size, 4);
    async_run(program, &it);
    puts("The most urgent first:");
    async_queue_open_priority(&it.queue, it.array, size, 4, by_urgency);
    async_run(program, &it);
    return 0;
}

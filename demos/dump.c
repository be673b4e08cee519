/* dump: who is there, and what does each wait for?
 *
 *     make run DEMO=dump
 *
 * A program that hangs has no stack to look at: its tasks are waiting. In a
 * debug build (-DASYNC_DEBUG=1) async_dump() says of each task what it waits
 * for, since when, and the chain of awaits that led there; async_dump_task()
 * says it of one. In a debugger: `call async_dump()`. When nothing can wake
 * them any more, the loop does so by itself. It is said on stderr, or where
 * ASYNC_WARN says, as here. */
#ifndef ASYNC_DEBUG
#define ASYNC_DEBUG 1
#endif
static void warn(const char *message);
#define ASYNC_WARN(message) warn(message)
#define ASYNC_SIM 1
#define ASYNC_IMPLEMENTATION
#include "async.h"

#include <stdio.h>

static void warn(const char *message)
{
    printf("%s\n", message);
}

struct reader {
    async_frame frame;
    async_task task;
    async_queue *queue;
    int item;
};

static ASYNC next_item(struct reader *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_queue_get(self->queue, &self->item));
    ASYNC_END;
}

struct worker {
    async_frame frame;
    async_task task;
    struct reader reader;
    async_lock *lock;
};

static ASYNC worker(struct worker *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH(async_lock_acquire(self->lock), async_lock_release(self->lock)) {
        AWAIT(next_item(&self->reader));
    } ASYNC_WITH_END;
    ASYNC_END;
}

struct program {
    async_frame frame;
    async_lock lock;
    async_queue queue;
    int room[4];
    struct worker worker[2];
    int i;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_queue_open(&self->queue, self->room, sizeof(int), 4));
    for (self->i = 0; self->i < 2; self->i++) {
        self->worker[self->i].lock = &self->lock;
        self->worker[self->i].reader.queue = &self->queue;
        async_spawn(&self->worker[self->i].task, worker,
                    &self->worker[self->i]);
    }
    AWAIT(async_sleep(ASYNC_MS(150)));
    async_dump();
    puts("now the first is cancelled:");
    async_cancel(&self->worker[0].task);
    async_dump_task(&self->worker[0].task);
    AWAIT(async_sleep(ASYNC_MS(50)));
    puts("and the second gets the lock. Nobody will ever put an item:");
    AWAIT(async_join(&self->worker[1].task));
    ASYNC_END;
}

int main(void)
{
    static struct program frame;
    int result = async_run(program, &frame);

    printf("program: %s\n", async_strerror(result));
    return 0;
}

/* try: take it if it is there, or do something else.
 *
 *     make run DEMO=try
 *
 * What can be waited for can also be had at once, or not at all: locks,
 * permits, the slots of a pool, the items of a queue. The answer is 0 or
 * ASYNC_EAGAIN, from a task or from a callback; nobody waits, and nobody who
 * waits is passed by. */
#include "demo.h"

static async_lock desk;
static async_semaphore chairs;
static async_queue tickets;
static int array[2];

struct clerk { async_frame frame; async_task task; };

static ASYNC clerk(struct clerk *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH(async_lock_acquire(&desk), async_lock_release(&desk)) {
        say("  the clerk is at the desk");
        AWAIT(async_sleep(ASYNC_SEC(2)));
        say("  the clerk goes");
    } ASYNC_WITH_END;
    ASYNC_END;
}

static void report(const char *what, int result)
{
    say("%s: %s", what, async_strerror(result));
}

struct program { async_frame frame; struct clerk clerk; int ticket; };

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    async_spawn(&self->clerk.task, clerk, &self->clerk);
    AWAIT(async_sleep(ASYNC_SEC(1)));
    report("the desk", async_lock_try(&desk));
    AWAIT(async_sleep(ASYNC_SEC(2)));
    say("is it taken now? %s", async_lock_locked(&desk) ? "yes" : "no");
    report("the desk", async_lock_try(&desk));
    report("and back", async_lock_release(&desk));

    title("Two chairs");
    async_semaphore_open(&chairs, 2);
    report("first", async_semaphore_try(&chairs));
    report("second", async_semaphore_try(&chairs));
    report("third", async_semaphore_try(&chairs));

    title("A queue of two tickets");
    async_queue_open(&tickets, array, sizeof array[0], 2);
    for (self->ticket = 1; self->ticket <= 3; self->ticket++) {
        report("put", async_queue_try_put(&tickets, &self->ticket));
    }
    while (async_queue_try_get(&tickets, &self->ticket) == 0) {
        say("got ticket %d", self->ticket);
    }
    say("the queue is %s", async_queue_empty(&tickets) ? "empty" : "not empty");
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    title("A desk");
    return async_run(program, &frame);
}

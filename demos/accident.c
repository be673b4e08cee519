/* accident: one after the other by accident.
 *
 *     make run DEMO=accident
 *
 * An AWAIT in a loop waits for each page before it asks for the next: the times
 * add up. Spawned first and gathered then, they pass side by side: it takes as
 * long as the longest. */
#include "demo.h"

enum { PAGES = 3 };

struct page {
    async_frame frame;
    async_task task;
    int seconds;
};

static ASYNC fetch(struct page *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(self->seconds)));
    ASYNC_RETURN(self->seconds * 1000);
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct page pages[PAGES];
    async_waiter waiters[PAGES];
    async_wait_set set;
    int i, bytes, sum;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < PAGES; self->i++) {
        self->pages[self->i].seconds = self->i + 1;
    }

    for (self->i = 0; self->i < PAGES; self->i++) {
        AWAIT_VALUE(self->bytes, fetch(&self->pages[self->i]));
        self->sum += self->bytes;
    }
    say("%d bytes", self->sum);

    title("Right: spawned in a loop, then gathered");
    for (self->i = 0; self->i < PAGES; self->i++) {
        async_spawn(&self->pages[self->i].task, fetch, &self->pages[self->i]);
        self->waiters[self->i].task = &self->pages[self->i].task;
    }
    AWAIT(async_gather(&self->set, self->waiters, PAGES));
    self->sum = 0;
    for (self->i = 0; self->i < PAGES; self->i++) {
        self->sum += async_result(&self->pages[self->i].task);
    }
    say("%d bytes", self->sum);
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    title("Wrong: awaited in a loop");
    return async_run(program, &frame);
}

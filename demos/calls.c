/* calls: ordinary functions that the loop calls soon, later, at a time.
 *
 *     make run DEMO=calls
 *
 * No task and no frame: just a function and where it finds what it is about.
 * Calls come in the order of their times, those of the same time in the order
 * in which they were asked for. One that is cancelled never comes; one may ask
 * for itself again. And a call may end the wait of a task: by a future. */
#include "demo.h"

struct bell {
    async_call call;            /* first, so that it and the bell are one */
    const char *name;
};

static void ring(async_call *call)
{
    struct bell *bell = (struct bell *)call;

    say("%s", bell->name);
}

struct countdown {
    async_call call;
    int n;
    async_future zero;
};

static void count(async_call *call)
{
    struct countdown *countdown = (struct countdown *)call;

    say("%d", countdown->n);
    if (countdown->n == 0) {
        async_future_set(&countdown->zero, 0);
        return;
    }
    countdown->n--;
    async_call_later(call, ASYNC_SEC(1), count);
}

struct program {
    async_frame frame;
    struct bell soon, one, two, also_two, never;
    struct countdown countdown;
    async_ticks start;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    self->soon.name = "soon";
    self->one.name = "after one second";
    self->two.name = "after two seconds";
    self->also_two.name = "after two seconds as well, but asked for later";
    self->never.name = "cancelled, so this is not to be seen";

    self->start = async_now();
    async_call_later(&self->two.call, ASYNC_SEC(2), ring);
    async_call_later(&self->one.call, ASYNC_SEC(1), ring);
    async_call_at(&self->also_two.call, self->start + ASYNC_SEC(2), ring);
    async_call_later(&self->never.call, ASYNC_MS(1500), ring);
    async_call_soon(&self->soon.call, ring);
    say("asked for five calls");
    AWAIT(async_sleep(ASYNC_MS(1200)));
    say("one call is cancelled: %d", async_call_cancel(&self->never.call));
    AWAIT(async_sleep(ASYNC_SEC(1)));
    say("once more: %d, there is none", async_call_cancel(&self->never.call));

    title("A call that asks for itself");
    self->countdown.n = 3;
    async_call_soon(&self->countdown.call, count);
    AWAIT(async_future_wait(&self->countdown.zero));
    say("lift-off");
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    title("By time, then in the order of asking");
    return async_run(program, &frame);
}

/* graceful: a service that is told to stop, and does so in good order.
 *
 *     make run DEMO=graceful
 *
 * No new work; what is under way gets five seconds; what is not ready then is
 * cancelled, and still cleans up; what the service holds is closed; bye. Here
 * an event says when; in a server it is a signal: its handler raises an irq,
 * and a task that awaits that sets the event (see demos/chat.c). */
#include "demo.h"

enum { ROOM = 4 };

static async_event stopping;

struct request {
    async_frame frame;
    int number, outcome;
    async_duration takes;
};

static ASYNC request(struct request *self)
{
    ASYNC_BEGIN(self);
    say("  request %d begins", self->number);
    ASYNC_TRY {
        AWAIT(async_sleep(self->takes));
        say("  request %d is answered", self->number);
    } ASYNC_FINALLY(self->outcome) {
        if (self->outcome == ASYNC_CANCEL) {
            AWAIT(async_sleep(ASYNC_MS(500)));
            say("  request %d is cancelled, and has cleaned up",
                self->number);
        }
    } ASYNC_TRY_END;
    ASYNC_END;
}

/* Requests outlive the one who accepts them, so they live elsewhere. */
struct service {
    async_pool pool;
    async_slot slots[ROOM];
    struct request requests[ROOM];
};

struct acceptor {
    async_frame frame;
    async_task task;
    struct service *service;
    int count, slot;
};

static void start(struct service *self, int slot, int number, int ms)
{
    self->requests[slot].number = number;
    self->requests[slot].takes = ASYNC_MS(ms);
    async_pool_spawn(&self->pool, slot, request, &self->requests[slot]);
}

/* A request every second; the first two take long. */
static ASYNC accepts(struct acceptor *self)
{
    static const int ms[] = { 30000, 5000, 700, 700, 700, 700 };

    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT_VALUE(self->slot, async_pool_take(&self->service->pool));
        start(self->service, self->slot, self->count + 1, ms[self->count]);
        self->count++;
        AWAIT(async_sleep(ASYNC_SEC(1)));
    }
    ASYNC_END;
}

/* What the signal handler's task would do. */
static void stop(async_call *call)
{
    (void)call;
    say("stop!");
    async_event_set(&stopping);
}

struct program {
    async_frame frame;
    struct service service;
    struct acceptor acceptor;
    async_call signal;
    async_timeout grace;
    int result;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    async_pool_open(&self->service.pool, self->service.slots, ROOM);
    self->acceptor.service = &self->service;
    async_spawn(&self->acceptor.task, accepts, &self->acceptor);
    async_call_later(&self->signal, ASYNC_MS(3500), stop);

    AWAIT(async_event_wait(&stopping));
    async_cancel(&self->acceptor.task);
    AWAIT_RESULT(self->result, async_join(&self->acceptor.task));
    say("no new requests; under way: %d",
        async_pool_busy(&self->service.pool));
    AWAIT_RESULT(self->result,
                 ASYNC_TIMEOUT(&self->grace, ASYNC_SEC(5),
                               async_pool_join(&self->service.pool)));
    if (self->result == ASYNC_ETIMEDOUT) {
        say("still under way after five seconds: %d",
            async_pool_busy(&self->service.pool));
        async_pool_cancel(&self->service.pool);
        AWAIT(async_pool_join(&self->service.pool));
    }
    say("bye");
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    return async_run(program, &frame);
}

/* graceful: a service that is told to stop, and does so in good order.
 *
 *     make run DEMO=graceful
 *     make run DEMO=graceful ARGS=serve        until you type control-C
 *
 * SIGTERM or SIGINT: no new work; what is under way gets five seconds; what is
 * not ready then is cancelled, and still cleans up; what the service holds is
 * closed; bye, and the exit status is 0. A second signal cuts the five seconds
 * short. Without an argument the demo sends the signals to itself. */
#include "demo.h"

#include <signal.h>
#include <unistd.h>

enum { ROOM = 4 };

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
    static const int ms[] = { 30000, 5000, 700 };

    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT_VALUE(self->slot, async_pool_take(&self->service->pool));
        start(self->service, self->slot, self->count + 1,
              ms[self->count < 2 ? self->count : 2]);
        self->count++;
        AWAIT(async_sleep(ASYNC_SEC(1)));
    }
    ASYNC_END;
}

/* ---- from the first signal to the end ------------------------------------ */

/* What is under way may end, for five seconds or until the next signal. */
struct patience {
    async_frame frame;
    async_task task;
    async_signal *signal;
    async_pool *pool;
    async_timeout limit;
    int result;
};

static ASYNC patience(struct patience *self)
{
    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->result, ASYNC_TIMEOUT(&self->limit, ASYNC_SEC(5),
                                             async_pool_join(self->pool)));
    say(self->result < 0 ? "still under way after five seconds: %d"
                         : "all is answered: %d under way",
        async_pool_busy(self->pool));
    ASYNC_END;
}

static ASYNC next_signal(struct patience *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_signal_wait(self->signal));
    say("%s: at once!", async_signal_last(self->signal) == SIGINT
                        ? "SIGINT" : "SIGTERM");
    ASYNC_END;
}

struct program {
    async_frame frame;
    int signals;                /* that it sends itself */
    async_signal signal;
    struct service service;
    struct acceptor acceptor;
    async_call sends[2];
    struct patience patient, hasty;
    async_waiter waiters[2];
    async_wait_set set;
    int result, outcome;
};

static void send_terminate(async_call *call)
{
    (void)call;
    kill(getpid(), SIGTERM);
}

static void send_interrupt(async_call *call)
{
    (void)call;
    kill(getpid(), SIGINT);
}

static void begin(struct program *self)
{
    async_pool_open(&self->service.pool, self->service.slots, ROOM);
    self->acceptor.service = &self->service;
    async_spawn(&self->acceptor.task, accepts, &self->acceptor);
    if (self->signals > 0) {
        async_call_later(&self->sends[0], ASYNC_MS(3500), send_terminate);
    }
    if (self->signals > 1) {
        async_call_later(&self->sends[1], ASYNC_MS(4500), send_interrupt);
    }
}

static void spawn_patience(struct program *self)
{
    self->patient.pool = self->hasty.pool = &self->service.pool;
    self->patient.signal = self->hasty.signal = &self->signal;
    async_spawn(&self->patient.task, patience, &self->patient);
    async_spawn(&self->hasty.task, next_signal, &self->hasty);
    self->waiters[0].task = &self->patient.task;
    self->waiters[1].task = &self->hasty.task;
}

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_signal_open(&self->signal, SIGTERM));
    AWAIT(async_signal_add(&self->signal, SIGINT));
    ASYNC_TRY {
        begin(self);
        AWAIT(async_signal_wait(&self->signal));
        say("%s: no new requests", async_signal_last(&self->signal) == SIGINT
                                   ? "SIGINT" : "SIGTERM");
        async_cancel(&self->acceptor.task);
        AWAIT_RESULT(self->result, async_join(&self->acceptor.task));
        spawn_patience(self);
        AWAIT(async_race(&self->set, self->waiters, 2));
        async_pool_cancel(&self->service.pool);
        AWAIT(async_pool_join(&self->service.pool));
    } ASYNC_FINALLY(self->outcome) {
        async_signal_close(&self->signal);
    } ASYNC_TRY_END;
    say("bye");
    ASYNC_END;
}

int main(int argc, char **argv)
{
    static struct program serves, one, two;

    (void)argv;
    if (argc > 1) {
        return async_run(program, &serves);
    }
    title("one signal: what is under way gets five seconds");
    one.signals = 1;
    if (async_run(program, &one) < 0) {
        return EXIT_FAILURE;
    }
    title("a second one: at once");
    two.signals = 2;
    return async_run(program, &two) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* watchdog: a task that is stuck is found, and started again.
 *
 *     make run DEMO=watchdog
 *
 * A watchdog is a deadline that is moved on at every sign of life. Here it is
 * the timeout around the work: the worker reschedules it after each step, which
 * costs next to nothing, so however long all of it takes, it is not struck
 * while it goes on. When no sign comes for two seconds, the await that it is
 * stuck in fails, it cleans up, and whoever looks after it starts it anew. */
#include "demo.h"

enum { PARTS = 6, STUCK_AT = 4 };

struct worker {
    async_frame frame;
    async_timeout *watchdog;
    async_event never;
    int part;               /* what is done stays done over a restart */
    int outcome;
    bool repaired;
};

static ASYNC worker(struct worker *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        for (; self->part <= PARTS; self->part++) {
            if (self->part == STUCK_AT && !self->repaired) {
                AWAIT(async_event_wait(&self->never));
            }
            AWAIT(async_sleep(ASYNC_MS(1500)));
            say("  part %d is done", self->part);
            async_timeout_reschedule(self->watchdog, ASYNC_SEC(2));
        }
    } ASYNC_FINALLY(self->outcome) {
        if (self->part <= PARTS) {
            say("  cleaning up, stuck in part %d", self->part);
            self->repaired = true;
        }
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct worker worker;
    async_timeout watchdog;
    int starts, result;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    self->worker.watchdog = &self->watchdog;
    self->worker.part = 1;
    do {
        self->starts++;
        say("start %d, at part %d", self->starts, self->worker.part);
        AWAIT_RESULT(self->result,
                     ASYNC_TIMEOUT(&self->watchdog, ASYNC_SEC(2),
                                   worker(&self->worker)));
        say("it ends: %s", async_strerror(self->result));
    } while (self->result == ASYNC_ETIMEDOUT && self->starts < 3);
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    return async_run(program, &frame);
}

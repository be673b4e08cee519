/* owner: one scope that owns many connections.
 *
 *     make run DEMO=owner
 *
 * On leaving, each is closed in turn. One that fails to close does not spare
 * the others: its error is kept, and raised when all are closed. */
#include "demo.h"

enum { COUNT = 4 };

struct close {
    async_frame frame;
};

static ASYNC close_one(struct close *self, int number)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_MS(500)));
    if (number == 2) {
        say("  connection 2 does not close properly");
        ASYNC_RAISE(ASYNC_EIO);
    }
    say("  connection %d is closed", number);
    ASYNC_END;
}

struct owner {
    async_frame frame;
    struct close close;
    int opened, i, outcome, result, worst;
};

static ASYNC owner(struct owner *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        while (self->opened < COUNT) {
            AWAIT(async_sleep(ASYNC_MS(500)));
            self->opened++;
            say("  connection %d is open", self->opened);
        }
        say("something is done with them");
        AWAIT(async_sleep(ASYNC_SEC(1)));
    } ASYNC_FINALLY(self->outcome) {
        for (self->i = 1; self->i <= self->opened; self->i++) {
            AWAIT_RESULT(self->result, close_one(&self->close, self->i));
            if (self->result < 0) {
                self->worst = self->result;
            }
        }
        if (self->worst < 0) {
            ASYNC_RAISE(self->worst);
        }
    } ASYNC_TRY_END;
    ASYNC_END;
}

int main(void)
{
    struct owner frame = {0};
    int result = async_run(owner, &frame);

    say("in the end: %s", async_strerror(result));
    return 0;
}

/* handle: a scope hands out a resource, and gets it back whatever happens.
 *
 *     make run DEMO=handle
 *
 * One block, six ways to leave it: its end, a return, a break, an error, a
 * cancellation, a timeout. Each time the handle is given back exactly once. */
#include "demo.h"

enum way { END, RETURN, BREAK, ERROR, CANCEL, TIMEOUT, WAYS };

static const char *const names[WAYS] = {
    "its end", "a return", "a break", "an error", "a cancel", "a timeout"
};

/* A resource: a number from a pool, -1 when it is given back. */
static int taken, given_back;

static ASYNC take(int *handle)
{
    *handle = 1000 + taken++;
    return 0;
}

static void give_back(int *handle)
{
    *handle = -1;
    given_back++;
}

struct user {
    async_frame frame;
    async_task task;
    async_timeout scope;
    enum way way;
    int handle, turn;
};

static ASYNC user(struct user *self)
{
    ASYNC_BEGIN(self);
    for (self->turn = 0; self->turn < 1; self->turn++) {
        ASYNC_WITH(take(&self->handle), give_back(&self->handle)) {
            say("  handle %d, then %s", self->handle, names[self->way]);
            if (self->way == RETURN) {
                ASYNC_RETURN(5);
            }
            if (self->way == BREAK) {
                break;
            }
            if (self->way == ERROR) {
                ASYNC_RAISE(ASYNC_EIO);
            }
            if (self->way == CANCEL || self->way == TIMEOUT) {
                AWAIT(async_sleep(ASYNC_SEC(5)));
            }
        } ASYNC_WITH_END;
    }
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct user user;
    async_timeout scope;
    int i, result;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    for (self->i = END; self->i < WAYS; self->i++) {
        self->user.way = (enum way)self->i;
        async_spawn(&self->user.task, user, &self->user);
        if (self->user.way == CANCEL) {
            AWAIT(async_sleep(ASYNC_SEC(1)));
            async_cancel(&self->user.task);
        }
        AWAIT_RESULT(self->result,
                     ASYNC_TIMEOUT(&self->scope, ASYNC_SEC(3),
                                   async_join(&self->user.task)));
        say("%s: taken %d, given back %d",
            self->result > 0 ? "result" : async_strerror(self->result), taken,
            given_back);
    }
    ASYNC_END;
}

int main(void)
{
    struct program frame = {0};

    return async_run(program, &frame);
}

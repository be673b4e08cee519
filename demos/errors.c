/* errors: raising, catching, and letting pass.
 *
 *     make run DEMO=errors
 *
 * An error is a negative number. A coroutine raises it, and it travels through
 * everyone who awaits, up to the nearest ASYNC_CATCH. A catch may await, and
 * may raise again what it has no answer for. */
#include "demo.h"

struct child {
    async_frame frame;
};

static ASYNC child(struct child *self, int result)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(1)));
    if (result < 0) {
        ASYNC_RAISE(result);
    }
    ASYNC_RETURN(result);
    ASYNC_END;
}

/* ---- catch --------------------------------------------------------------- */

struct caller {
    async_frame frame;
    struct child child;
    int value, error;
};

static ASYNC catches(struct caller *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(child(&self->child, ASYNC_ENOENT));
        say("never printed");
    } ASYNC_CATCH(self->error) {
        say("caught %d: %s", self->error, async_strerror(self->error));
    } ASYNC_TRY_END;
    say("and on we go");
    ASYNC_END;
}

static ASYNC good_and_bad(struct caller *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT_VALUE(self->value, child(&self->child, 42));
        say("result %d", self->value);
        AWAIT_VALUE(self->value, child(&self->child, ASYNC_EIO));
        say("never printed");
    } ASYNC_CATCH(self->error) {
        say("caught: %s", async_strerror(self->error));
    } ASYNC_TRY_END;
    ASYNC_END;
}

/* ---- handlers by kind ---------------------------------------------------- */

struct find {
    async_frame frame;
    async_task task;
    struct child child;
    int result;             /* what the child will do */
    int error;
};

/* 1 found, 0 none. */
static ASYNC find(struct find *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(child(&self->child, self->result));
    } ASYNC_CATCH(self->error) {
        if (self->error != ASYNC_ENOENT) {
            say("  log: %s", async_strerror(self->error));
            ASYNC_RAISE(self->error);
        }
        say("  it is not here: make a note of it");
        AWAIT(async_sleep(ASYNC_MS(500)));
        ASYNC_RETURN(0);
    } ASYNC_TRY_END;
    ASYNC_RETURN(1);
    ASYNC_END;
}

struct by_kind {
    async_frame frame;
    struct find find;
    int i, result;
};

static ASYNC by_kind(struct by_kind *self)
{
    static const int results[] = { 5, ASYNC_ENOENT, ASYNC_EIO };

    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 3; self->i++) {
        self->find.result = results[self->i];
        AWAIT_RESULT(self->result, find(&self->find));
        say("%s", self->result < 0 ? async_strerror(self->result)
                  : self->result > 0 ? "found" : "none");
    }
    self->find.result = 5;
    async_spawn(&self->find.task, find, &self->find);
    AWAIT(async_sleep(ASYNC_MS(500)));
    async_cancel(&self->find.task);
    AWAIT_RESULT(self->result, async_join(&self->find.task));
    say("%s, which no handler has seen", async_strerror(self->result));
    ASYNC_END;
}

int main(void)
{
    struct caller first = {0}, second = {0};
    struct by_kind third = {0};

    title("An error of a child is caught");
    async_run(catches, &first);
    title("Good and bad in one block");
    async_run(good_and_bad, &second);
    title("Handlers by kind");
    async_run(by_kind, &third);
    return 0;
}

/* lost: where a background task may live.
 *
 *     make run DEMO=lost
 *
 * Wrong:
 *
 *     static ASYNC handler(struct handler *self)
 *     {
 *         ASYNC_BEGIN(self);
 *         async_spawn(&self->log.task, log_line, &self->log);
 *         ASYNC_END;                   self->log is not its own any more
 *     }
 *
 * The task runs on in memory that is free for the next one to use. A debug
 * build (-DASYNC_DEBUG=1) stops right there, and names the task and the line
 * that spawned it. Right: a group, if the handler is to wait for it; a pool, or
 * static memory, if it is not. */
#include "demo.h"

struct log_line {
    async_frame frame;
    const char *text;
};

static ASYNC log_line(struct log_line *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(1)));
    say("  logged: %s", self->text);
    ASYNC_END;
}

/* In a group: the handler does not end before its children. */
struct patient {
    async_frame frame;
    async_group group;
    async_member member;
    struct log_line log;
};

static ASYNC patient(struct patient *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        self->log.text = "from a group";
        async_group_spawn(&self->group, &self->member, log_line, &self->log);
    } ASYNC_GROUP_END;
    ASYNC_END;
}

/* In a pool that outlives the handlers: they do not wait for it. */
static async_pool pool;
static async_slot slots[2];
static struct log_line logs[2];

struct hasty { async_frame frame; int i; };

static ASYNC hasty(struct hasty *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->i, async_pool_take(&pool));
    logs[self->i].text = "from a pool";
    async_pool_spawn(&pool, self->i, log_line, &logs[self->i]);
    ASYNC_END;
}

struct program {
    async_frame frame;
    union { struct patient patient; struct hasty hasty; } handler;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    memset(&self->handler, 0, sizeof self->handler);
    AWAIT(patient(&self->handler.patient));
    say("the patient handler is done");
    memset(&self->handler, 0, sizeof self->handler);
    AWAIT(hasty(&self->handler.hasty));
    say("the hasty handler is done");
    memset(&self->handler, 0xff, sizeof self->handler);     /* reused */
    AWAIT(async_pool_join(&pool));
    say("and so is its task");
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    async_pool_open(&pool, slots, 2);
    return async_run(program, &frame);
}

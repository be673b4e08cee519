/* line: tasks that put one item into a queue, or get one out of it, and log
 * how it went: "A=5 " the item 5 was put, or got; "A:cancelled " and so on. */
#ifndef LINE_H
#define LINE_H

#include "test.h"

#include <string.h>

struct line {
    async_frame frame;
    async_task task;
    async_timeout scope;
    async_queue *queue;
    const char *name;
    bool put;
    async_duration limit;       /* ASYNC_NEVER: none */
    int item, outcome;
};

static ASYNC line(struct line *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        if (self->put) {
            AWAIT(ASYNC_TIMEOUT(&self->scope, self->limit,
                                async_queue_put(self->queue, &self->item)));
        } else {
            AWAIT(ASYNC_TIMEOUT(&self->scope, self->limit,
                                async_queue_get(self->queue, &self->item)));
        }
        test_log("%s=%d ", self->name, self->item);
    } ASYNC_CATCH_ALL(self->outcome) {
        test_log("%s:%s ", self->name,
                 self->outcome == ASYNC_CANCEL ? "cancelled"
                 : self->outcome == ASYNC_ETIMEDOUT ? "late"
                 : self->outcome == ASYNC_ESHUTDOWN ? "shut"
                 : async_strerror(self->outcome));
        ASYNC_RAISE(self->outcome);
    } ASYNC_TRY_END;
    AWAIT(async_yield());               /* what a strike hits that came late */
    ASYNC_RETURN(self->item);
    ASYNC_END;
}

/* Start one; the limit may be set before it first runs. */
static void line_up(struct line *it, async_queue *queue, const char *name,
                    bool put, int item)
{
    memset(it, 0, sizeof *it);
    it->queue = queue;
    it->name = name;
    it->put = put;
    it->item = item;
    it->limit = ASYNC_NEVER;
    CHECK_EQ(async_spawn(&it->task, line, it), 0);
}

#define PUTS(it, queue, name, item) line_up((it), (queue), (name), true, (item))
#define GETS(it, queue, name) line_up((it), (queue), (name), false, -1)

#endif

/* processor: a task in the background that deals with what is submitted.
 *
 *     make run DEMO=processor
 *
 * start, submit, stop. An item that fails is logged, and the next one is dealt
 * with; whatever becomes of it, it counts as done, or a join would wait for
 * ever. stop works while the processor is idle and while it is busy. */
#include "demo.h"

struct processor {
    async_frame frame;
    async_task task;
    async_queue queue;
    const char *array[8];
    const char *item;
    int error, outcome, result, done;
};

static ASYNC process(struct processor *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT(async_queue_get(&self->queue, &self->item));
        ASYNC_TRY {
            AWAIT(async_sleep(ASYNC_SEC(1)));
            if (strcmp(self->item, "soup") == 0) {
                ASYNC_RAISE(ASYNC_EUSER(1));
            }
            say("  processor: %s", self->item);
        } ASYNC_CATCH(self->error) {
            say("  processor: %s: %s", self->item,
                async_strerror(self->error));
        } ASYNC_FINALLY(self->outcome) {
            self->done++;
            async_queue_task_done(&self->queue);
        } ASYNC_TRY_END;
    }
    ASYNC_END;
}

static void start(struct processor *self)
{
    memset(self, 0, sizeof *self);
    async_queue_open(&self->queue, self->array, sizeof self->array[0], 8);
    async_spawn(&self->task, process, self);
}

static int submit(struct processor *self, const char *item)
{
    return async_queue_try_put(&self->queue, &item);
}

struct stop { async_frame frame; int result; };

/* It ends cancelled: that is a success of whoever asked for it. */
static ASYNC stop(struct stop *self, struct processor *processor)
{
    ASYNC_BEGIN(self);
    async_cancel(&processor->task);
    AWAIT_RESULT(self->result, async_join(&processor->task));
    say("stopped: %s, after %d items", async_strerror(self->result),
        processor->done);
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct processor processor;
    struct stop stop;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    start(&self->processor);
    submit(&self->processor, "bread");
    submit(&self->processor, "soup");
    submit(&self->processor, "cake");
    AWAIT(async_queue_join(&self->processor.queue));
    say("all items are done with");
    AWAIT(stop(&self->stop, &self->processor));

    title("Stopped while it is busy");
    start(&self->processor);
    submit(&self->processor, "tea");
    submit(&self->processor, "milk");
    AWAIT(async_sleep(ASYNC_MS(1500)));
    AWAIT(stop(&self->stop, &self->processor));
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    title("Three items, the second fails; then it is idle");
    return async_run(program, &frame);
}

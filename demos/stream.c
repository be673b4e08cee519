/* stream: map and filter over a stream, each stage a task of its own.
 *
 *     make run DEMO=stream
 *
 * Queues join the stages: while one item is filtered, the next is mapped, and
 * the one after it is on its way. A stage that needs long gets several workers.
 * The end of the stream travels as a shutdown, from queue to queue; so does a
 * slow reader's pace, in the other direction, as full queues. (One item at a
 * time, in one task, is a generator: make run DEMO=collect.) */
#include "demo.h"

enum { SLOTS = 2 };

struct pipe {
    async_queue queue;
    int array[SLOTS];
    int writers;                /* the last one to end shuts it down */
};

/* What a stage does with an item: changes it, and says whether to keep it. */
struct step { async_frame frame; };
typedef async_status (*step_fn)(struct step *self, int *item);

static ASYNC square(struct step *self, int *item)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(1)));
    *item *= *item;
    ASYNC_RETURN(1);
    ASYNC_END;
}

static ASYNC is_odd(struct step *self, int *item)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_MS(100)));
    ASYNC_RETURN(*item % 2);
    ASYNC_END;
}

struct stage {
    async_frame frame;
    async_task task;
    struct pipe *in, *out;
    step_fn fn;
    struct step step;
    int item, keep, rc;
};

static ASYNC stage(struct stage *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT_RESULT(self->rc, async_queue_get(&self->in->queue, &self->item));
        if (self->rc < 0) {
            break;
        }
        AWAIT_VALUE(self->keep, self->fn(&self->step, &self->item));
        if (self->keep) {
            AWAIT(async_queue_put(&self->out->queue, &self->item));
        }
    }
    if (--self->out->writers == 0) {
        async_queue_shutdown(&self->out->queue);
    }
    ASYNC_END;
}

static void start(struct stage *it, struct pipe *in, struct pipe *out,
                  step_fn fn)
{
    it->in = in;
    it->out = out;
    it->fn = fn;
    out->writers++;
    async_spawn(&it->task, stage, it);
}

struct source {
    async_frame frame;
    async_task task;
    struct pipe *out;
    int i;
};

static ASYNC source(struct source *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 1; self->i <= 8; self->i++) {
        AWAIT(async_queue_put(&self->out->queue, &self->i));
    }
    async_queue_shutdown(&self->out->queue);
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct pipe numbers, squares, odd;
    struct source source;
    struct stage map[4], filter;
    int workers, i, item, rc;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    async_queue_open(&self->numbers.queue, self->numbers.array, sizeof(int),
                     SLOTS);
    async_queue_open(&self->squares.queue, self->squares.array, sizeof(int),
                     SLOTS);
    async_queue_open(&self->odd.queue, self->odd.array, sizeof(int), SLOTS);
    self->source.out = &self->numbers;
    async_spawn(&self->source.task, source, &self->source);
    for (self->i = 0; self->i < self->workers; self->i++) {
        start(&self->map[self->i], &self->numbers, &self->squares, square);
    }
    start(&self->filter, &self->squares, &self->odd, is_odd);
    for (;;) {
        AWAIT_RESULT(self->rc,
                     async_queue_get(&self->odd.queue, &self->item));
        if (self->rc < 0) {
            break;
        }
        say("  %d", self->item);
    }
    say("end of the stream");
    AWAIT(async_join(&self->filter.task));
    for (self->i = 0; self->i < self->workers; self->i++) {
        AWAIT(async_join(&self->map[self->i].task));
    }
    AWAIT(async_join(&self->source.task));
    ASYNC_END;
}

int main(void)
{
    static struct program one, four;

    title("The odd ones of eight squares, by one worker");
    one.workers = 1;
    async_run(program, &one);
    title("By four workers");
    four.workers = 4;
    async_run(program, &four);
    return 0;
}

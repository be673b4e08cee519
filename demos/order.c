/* order: who runs when.
 *
 *     make run DEMO=order
 *
 * Two tasks, one thread. Between two AWAITs a task has the machine for itself;
 * at an AWAIT that must wait it hands over to the next one. Never do two run
 * at once, so what one does between two AWAITs needs no lock.
 *
 * The tasks themselves print nothing: with ASYNC_TRACE the loop tells a
 * function of yours, here `note`, what each of them does. On a board it may
 * set a pin instead. */
#define ASYNC_TRACE 1
#include "demo.h"

struct letter {
    async_frame frame;
    async_task task;
    int seconds;
};

static ASYNC letter(struct letter *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(self->seconds)));
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct letter a, b;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    self->a.seconds = 1;
    self->b.seconds = 2;
    async_spawn(&self->a.task, letter, &self->a);
    async_spawn(&self->b.task, letter, &self->b);
    async_set_name(&self->a.task, "A");
    async_set_name(&self->b.task, "  B");
    AWAIT(async_join(&self->a.task));
    AWAIT(async_join(&self->b.task));
    ASYNC_END;
}

/* ---- who is told --------------------------------------------------------- */

struct log {
    async_tracer tracer;        /* first, so that it and the log are one */
    const struct program *program;
    uint32_t running;           /* which task; 0: none */
};

static void note(async_tracer *tracer, const async_trace_event *event)
{
    struct log *log = (struct log *)tracer;
    bool ends = event->point == ASYNC_TRACE_SUSPEND
        || event->point == ASYNC_TRACE_DONE;

    if (event->point == ASYNC_TRACE_RESUME) {
        if (log->running != 0) {
            say("two run at once!");
        }
        log->running = event->id;
    } else if (ends) {
        log->running = 0;
    }
    if (event->task != &log->program->a.task
        && event->task != &log->program->b.task) {
        return;                                 /* the program itself */
    }
    if (event->point == ASYNC_TRACE_RESUME) {
        say("%s runs", event->name);
    } else if (event->point == ASYNC_TRACE_SUSPEND) {
        say("%s waits in %s", event->name, event->what);
    } else if (event->point == ASYNC_TRACE_DONE) {
        say("%s ends", event->name);
    }
}

int main(void)
{
    static struct program frame;
    static struct log log;

    log.tracer.fn = note;
    log.program = &frame;
    async_trace_to(NULL, &log.tracer);
    return async_run(program, &frame);
}

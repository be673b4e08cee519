/* ===========================================================================
 * trace: telling what each task does.
 * ======================================================================== */
#include "loop.h"
#include "port.h"
#if ASYNC_TRACE

static ASYNC_THREAD async_tracer *async_tracer_;    /* of loops without one */
static ASYNC_THREAD uint32_t async_spawns_;

ASYNC_API async_tracer *async_trace_to(async_loop *loop, async_tracer *tracer)
{
    async_tracer **at = loop == NULL ? &async_tracer_ : &loop->tracing.tracer;
    async_tracer *before = *at;

    *at = tracer;
    return before;
}

ASYNC_API void async_trace_from_(async_loop *loop, const char *from)
{
    loop->tracing.from = from;
    loop->tracing.by = 0;
}

/* Why it does not run on. One that is in the ready queue waits for nothing. */
static void async_trace_suspend_(async_trace_event *event,
                                 const async_task *task)
{
    switch (async_state_(task)) {
    case ASYNC_RUNNING_:
        event->what = "poll";
        break;
    case ASYNC_YIELDED_:
    case ASYNC_READY_:              /* it has it, but lets others run first */
        event->what = "yield";
        break;
    default:
        event->what = task->waits == NULL ? "wait" : task->waits;
        event->on = task->on;
        event->value = 1;
        break;
    }
}

static void async_trace_fill_(async_trace_event *event, const async_loop *loop,
                              const async_task *task)
{
    switch (event->point) {
    case ASYNC_TRACE_SPAWN:
        event->what = task->file;
        event->value = task->line;
        event->by = loop->tracing.by;
        break;
    case ASYNC_TRACE_SUSPEND:
        async_trace_suspend_(event, task);
        break;
    case ASYNC_TRACE_WAKE:
    case ASYNC_TRACE_STRIKE:
        event->what = loop->tracing.from;
        event->by = loop->tracing.by;
        break;
    case ASYNC_TRACE_DONE:
        event->value = task->timer.u.result;
        break;
    default:
        break;
    }
}

ASYNC_API void async_trace_(async_loop *loop, async_task *task, int point)
{
    async_tracer *tracer = loop->tracing.tracer;
    async_trace_event event;

    if (tracer == NULL) {
        tracer = async_tracer_;
    }
    if (point == ASYNC_TRACE_SPAWN) {
        async_spawns_ = async_spawns_ == UINT32_MAX ? 1 : async_spawns_ + 1;
        task->id = async_spawns_;
    } else if (point == ASYNC_TRACE_RESUME) {
        loop->tracing.from = "task";
        loop->tracing.by = task->id;
        task->waits = NULL;
    }
    /* One that is granted at once what it lines up for has yielded. */
    if (tracer == NULL
        || (point == ASYNC_TRACE_WAKE && loop->tracing.by == task->id)) {
        return;
    }
    event.point = (unsigned char)point;
    event.value = 0;
    event.id = task->id;
    event.by = 0;
    event.time = ASYNC_CLOCK_();
    event.loop = loop;
    event.task = task;
    event.name = task->name;
    event.what = NULL;
    event.on = NULL;
    async_trace_fill_(&event, loop, task);
    tracer->fn(tracer, &event);
}

#endif

/* ===========================================================================
 * record: a ring of events.
 * ======================================================================== */
#include "record.h"
#if ASYNC_TRACE

static void async_recorder_fn_(async_tracer *tracer,
                               const async_trace_event *event)
{
    async_recorder *recorder = (async_recorder *)(void *)tracer;

    recorder->events[recorder->next++] = *event;
    if (recorder->next == recorder->room) {
        recorder->next = 0;
    }
    if (recorder->count < recorder->room) {
        recorder->count++;
    } else if (recorder->lost != ULONG_MAX) {
        recorder->lost++;
    }
}

ASYNC_API int async_recorder_open(async_recorder *recorder,
                                  async_trace_event *events, size_t room)
{
    if (recorder == NULL || events == NULL || room == 0) {
        return ASYNC_EINVAL;
    }
    recorder->tracer.fn = async_recorder_fn_;
    recorder->events = events;
    recorder->room = room;
    recorder->next = 0;
    recorder->count = 0;
    recorder->lost = 0;
    return 0;
}

ASYNC_API const async_trace_event *
async_recorder_event(const async_recorder *recorder, size_t i)
{
    size_t left;

    if (recorder == NULL || i >= recorder->count) {
        return NULL;
    }
    if (recorder->count < recorder->room) {
        return &recorder->events[i];
    }
    left = recorder->room - recorder->next;     /* up to the array's end */
    return &recorder->events[i < left ? recorder->next + i : i - left];
}

#endif

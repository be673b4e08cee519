#pragma once
#include "trace.h"
/* ===========================================================================
 * record: keeping what trace.h tells in an array of yours, and making a file
 * or a picture of it afterwards. Not a profiler: where the time goes inside of
 * a step, it does not see.
 *
 *     static async_trace_event events[10000];
 *     static async_recorder recorder;
 *     int fd = open("trace.json", O_WRONLY | O_CREAT | O_TRUNC, 0666);
 *
 *     async_recorder_open(&recorder, events, 10000);
 *     async_trace_to(NULL, &recorder.tracer);
 *     async_run(program, &frame);
 *     async_trace_chrome(&recorder, async_trace_fd, &fd);
 *
 * In a build without ASYNC_TRACE these functions are there, and fail with
 * ASYNC_ENOSYS.
 * ======================================================================== */

/* A tracer that remembers. When the array is full, each event takes the place
 * of the oldest. */
typedef struct async_recorder {
    async_tracer tracer;        /* for async_trace_to */
    async_trace_event *events;
    size_t room;
    size_t next;
    size_t count;               /* events that are kept */
    unsigned long lost;         /* events whose place was taken, if not 0 */
} async_recorder;

/* Where a writer's text goes, in pieces of some hundred bytes: 0, or an error,
 * which ends the writing. */
typedef int (*async_trace_out)(void *to, const char *text, size_t length);

#if ASYNC_TRACE

#define async_recorder_open ASYNC_ABI_(async_recorder_open)
#define async_recorder_event ASYNC_ABI_(async_recorder_event)

/* An empty recorder over an array of so many events (64 bytes each on a 64-bit
 * system, 25 on an AVR). Set its tracer by async_trace_to, and that to NULL
 * before the array goes. 0, or ASYNC_EINVAL for NULL or no room. Any time; of
 * one that is set: it is empty again. Remembering costs a copy of the event. */
ASYNC_API int async_recorder_open(async_recorder *recorder,
                                  async_trace_event *events, size_t room);

/* The i-th of the events that are kept, 0 being the oldest; NULL when there are
 * not so many, or for NULL. It stays what it is until the next is recorded. */
ASYNC_API const async_trace_event *
async_recorder_event(const async_recorder *recorder, size_t i);

#if ASYNC_HOSTED

#define async_trace_chrome ASYNC_ABI_(async_trace_chrome)
#define async_trace_svg ASYNC_ABI_(async_trace_svg)

/* Write what was recorded in the trace-event format of Chrome (JSON), which
 * https://ui.perfetto.dev and chrome://tracing load: a track for each spawn,
 * in order; on it a slice for each time that the task ran, was ready to, or
 * waited, the last with the operation's name; arrows from who woke a task, or
 * spawned it, to where it went on. Times are in microseconds since the first
 * event, with three decimals. What is not UTF-8 in a name becomes a question
 * mark.
 *
 * 0, or the error of `out`; ASYNC_EINVAL for NULL; ASYNC_ENOMEM: while it
 * writes, it needs some 120 bytes a task and 4 an event, from calloc. From
 * anywhere but a tracer's fn. It blocks as long as `out` does. O(n log n). */
ASYNC_API int async_trace_chrome(const async_recorder *recorder,
                                 async_trace_out out, void *to);

/* Draw what was recorded as an SVG picture 1000 pixels wide: a row for each
 * spawn, in order, with a mark where the task ran, and a bar where it waited,
 * in which the operation is named (without its async_) if it fits; a wait for
 * a thread that works for the task (async_offload, files, names) has a colour
 * of its own. Below, an axis in the unit that suits. It needs no other file,
 * and suits light and dark pages. At most 500 rows; how many tasks are left out
 * is said.
 *
 * `title` stands above it, NULL: nothing does. The axis is `span` long, or as
 * long as the trace, if that is longer: so two pictures can be compared. The
 * rest is as with async_trace_chrome. */
ASYNC_API int async_trace_svg(const async_recorder *recorder,
                              const char *title, async_duration span,
                              async_trace_out out, void *to);

/* An async_trace_out that writes to the descriptor *(int *)fd, all of it: after
 * a signal or a short write it goes on, and it waits where the descriptor does
 * not. 0, or -errno. */
ASYNC_API int async_trace_fd(void *fd, const char *text, size_t length);

#endif

#else

ASYNC_INLINE_ int async_recorder_open(async_recorder *recorder,
                                      async_trace_event *events, size_t room)
{
    (void)recorder;
    (void)events;
    (void)room;
    return ASYNC_ENOSYS;
}

ASYNC_INLINE_ const async_trace_event *
async_recorder_event(const async_recorder *recorder, size_t i)
{
    (void)recorder;
    (void)i;
    return NULL;
}

#if ASYNC_HOSTED
ASYNC_INLINE_ int async_trace_chrome(const async_recorder *recorder,
                                     async_trace_out out, void *to)
{
    (void)recorder;
    (void)out;
    (void)to;
    return ASYNC_ENOSYS;
}

ASYNC_INLINE_ int async_trace_svg(const async_recorder *recorder,
                                  const char *title, async_duration span,
                                  async_trace_out out, void *to)
{
    (void)recorder;
    (void)title;
    (void)span;
    (void)out;
    (void)to;
    return ASYNC_ENOSYS;
}

ASYNC_INLINE_ int async_trace_fd(void *fd, const char *text, size_t length)
{
    (void)fd;
    (void)text;
    (void)length;
    return ASYNC_ENOSYS;
}
#endif

#endif

/* traced: with ASYNC_TRACE, every unit test runs under a tracer that checks
 * what trace.h promises of each task: SPAWN, then RESUME and SUSPEND by turns,
 * then RESUME and DONE; a WAKE or STRIKE before it goes on from a wait, and
 * none else; never two that run at once in a loop. */
#ifndef TRACED_H
#define TRACED_H

#if ASYNC_TRACE && ASYNC_HOSTED

enum { TRACED_GONE, TRACED_READY, TRACED_RUNS, TRACED_WAITS };
enum { TRACED_TASKS = 1 << 16, TRACED_LOOPS = 16 };

/* Of this thread: what each task does, and each loop. */
static struct { uint32_t id; unsigned char state; } traced_tasks[TRACED_TASKS];
static struct { const async_loop *loop; uint32_t runs, ended; }
    traced_loops[TRACED_LOOPS];
static long traced_points[ASYNC_TRACE_DONE + 1];    /* how many of each */

static int traced_loop(const async_loop *loop)
{
    int i = 0, place = 0;

    for (; i < TRACED_LOOPS; i++) {
        if (traced_loops[i].loop == loop) {
            return i;
        }
        if (traced_loops[i].runs == 0) {
            place = i;
        }
    }
    traced_loops[place].loop = loop;
    traced_loops[place].runs = traced_loops[place].ended = 0;
    return place;
}

static const char *traced_step(const async_trace_event *event,
                               unsigned char *state, int loop)
{
    unsigned char was = *state;

    switch (event->point) {
    case ASYNC_TRACE_SPAWN:
        *state = TRACED_READY;
        return was != TRACED_GONE ? "trace: its number is another's" :
            event->what == NULL || event->value == 0
            ? "trace: spawned nowhere" : NULL;
    case ASYNC_TRACE_RESUME:
        *state = TRACED_RUNS;
        if (traced_loops[loop].runs != 0) {
            return "trace: two tasks run at once";
        }
        traced_loops[loop].runs = event->id;
        return was != TRACED_READY ? "trace: resumed, but not woken" : NULL;
    case ASYNC_TRACE_SUSPEND:
        *state = event->value != 0 ? TRACED_WAITS : TRACED_READY;
        traced_loops[loop].runs = 0;
        return was != TRACED_RUNS ? "trace: suspended, but does not run" :
            event->what == NULL ? "trace: suspended for nothing" : NULL;
    case ASYNC_TRACE_WAKE:
    case ASYNC_TRACE_STRIKE:
        *state = TRACED_READY;
        if (event->by != 0 && event->by != traced_loops[loop].runs
            && event->by != traced_loops[loop].ended) {
            return "trace: woken by one that does not run";
        }
        return was != TRACED_WAITS ? "trace: woken, but does not wait" :
            event->what == NULL ? "trace: woken by nothing" : NULL;
    case ASYNC_TRACE_DONE:
        *state = TRACED_GONE;
        traced_loops[loop].runs = 0;
        traced_loops[loop].ended = event->id;
        return was != TRACED_RUNS ? "trace: done, but does not run" : NULL;
    default:
        return "trace: no such point";
    }
}

static void traced_fn(async_tracer *tracer, const async_trace_event *event)
{
    unsigned at = event->id % TRACED_TASKS;
    const char *wrong;

    (void)tracer;
    if (event->point <= ASYNC_TRACE_DONE) {
        traced_points[event->point]++;
    }
    if (event->point == ASYNC_TRACE_SPAWN) {
        traced_tasks[at].id = event->id;
        traced_tasks[at].state = TRACED_GONE;
    } else if (traced_tasks[at].id != event->id) {
        return;                         /* more tasks than there is room for */
    }
    wrong = traced_step(event, &traced_tasks[at].state,
                        traced_loop(event->loop));
    if (wrong != NULL) {
        test_fail(event->name, (int)event->id, wrong);
    }
}

static async_tracer traced = {traced_fn};

#define TRACED_BEGIN() \
    do { \
        memset(traced_loops, 0, sizeof traced_loops); \
        async_trace_to(NULL, &traced); \
    } while (0)
#define TRACED_END() \
    printf("%s trace of %ld tasks, %ld steps, %ld waits\n", \
           traced_points[ASYNC_TRACE_RESUME] \
           == traced_points[ASYNC_TRACE_SUSPEND] \
              + traced_points[ASYNC_TRACE_DONE] ? "ok" : "FAIL", \
           traced_points[ASYNC_TRACE_SPAWN], \
           traced_points[ASYNC_TRACE_RESUME], \
           traced_points[ASYNC_TRACE_WAKE] \
           + traced_points[ASYNC_TRACE_STRIKE])
#else
#define TRACED_BEGIN() ((void)0)
#define TRACED_END() ((void)0)
#endif

#endif

/* ===========================================================================
 * testing: the run of a test, and the line about it.
 * ======================================================================== */
#include "config.h"
#if ASYNC_SIM
#include "testing.h"
#include "port.h"
#include "debug.h"

#if ASYNC_HOSTED
#include <stdio.h>
#include <stdlib.h>
#define ASYNC_LINE_ROOM_ 500
#else
#define ASYNC_LINE_ROOM_ 120
#endif

/* A test, and how its run with one seed goes. A test that does not end may be
 * reached by a signal or a thread for ever: its run stays where it is, then, in
 * a list, so that no tool takes it for a leak. (On a board it is on the stack.)
 */
typedef struct async_test_run_ {
    struct async_test_run_ *left;       /* the one before it that was */
    const char *name;
    async_fn fn;
    void *frame;
    unsigned char *spare;       /* what the frame is before a run */
    size_t size;
    async_duration limit;
    int wanted;                 /* this result; ASYNC_PENDING: no error */
#if ASYNC_NAMED_
    const char *entry, *from_file;
    int from_line;
#endif
    async_loop loop;
    async_task task;
    bool late;                  /* it was cancelled at its limit */
    int result;                 /* of the run of the loop */
    const char *what, *file;    /* the first that was not as expected */
    int line;
} async_test_run_;

static ASYNC_THREAD async_test_run_ *async_test_runs_;
#if ASYNC_HOSTED
static ASYNC_THREAD async_test_run_ *async_tests_left_;
#endif

ASYNC_API void async_expected_(const char *what, const char *file, int line)
{
    async_test_run_ *run = async_test_runs_;

    if (run == NULL) {
        ASYNC_TRAP("async: ASYNC_EXPECT does not hold, and no test runs in "
                   "this thread");
    } else if (run->what == NULL) {
        run->what = what;
        run->file = file;
        run->line = line;
    }
}

/* ---- a line -------------------------------------------------------------- */

typedef struct async_line_ {
    size_t length;
    char text[ASYNC_LINE_ROOM_];
} async_line_;

static void async_line_add_(async_line_ *line, const char *text)
{
    while (*text != '\0' && line->length < sizeof line->text - 1) {
        line->text[line->length++] = *text++;
    }
    line->text[line->length] = '\0';
}

static void async_line_number_(async_line_ *line, uint64_t number)
{
    char digits[21];
    size_t i = sizeof digits - 1;

    digits[i] = '\0';
    do {
        digits[--i] = (char)('0' + (char)(number % 10));
        number /= 10;
    } while (number != 0);
    async_line_add_(line, digits + i);
}

static void async_line_ms_(async_line_ *line, uint64_t ticks)
{
    async_line_number_(line, ASYNC_TICK_HZ % 1000 == 0
                             ? ticks / (ASYNC_TICK_HZ / 1000)
                             : ticks * 1000 / ASYNC_TICK_HZ);
    async_line_add_(line, " ms");
}

static void async_line_result_(async_line_ *line, int result)
{
    if (result <= ASYNC_EUSER(0)) {
        async_line_add_(line, "ASYNC_EUSER(");
        async_line_number_(line, (uint64_t)ASYNC_EUSER_N(result));
        async_line_add_(line, ")");
    } else if (result < 0) {
        async_line_add_(line, async_strerror(result));
        async_line_add_(line, " (-");
        async_line_number_(line, (uint64_t)-(int64_t)result);
        async_line_add_(line, ")");
    } else {
        async_line_number_(line, (uint64_t)result);
    }
}

static void async_line_say_(const async_tests *tests, const async_line_ *line)
{
    if (tests->say != NULL) {
        tests->say(line->text);
        return;
    }
#if ASYNC_HOSTED
    puts(line->text);
    (void)fflush(stdout);
#endif
}

/* ---- a run --------------------------------------------------------------- */

/* Who is there, and what does each wait for? */
static void async_test_dump_(const async_test_run_ *run, const char *what)
{
#if ASYNC_DEBUG
    size_t at = async_say_(0, "async: test `");

    at = async_say_(at, run->name);
    at = async_say_(at, "` ");
    (void)async_say_(at, what);
    ASYNC_WARN(async_said_());
    async_dump();
#else
    (void)run;
    (void)what;
#endif
}

/* The time is over: strike the test; or, if that was done, leave it. (The loop
 * in which the time passed may be one that a task of the test's steps.) */
static void async_test_over_(async_loop *loop)
{
    async_test_run_ *run = async_test_runs_;
    async_loop *before = async_loop_use(&run->loop);

    (void)loop;
    async_this_task_ = NULL;
    if (run->late || async_done(&run->task)) {
        async_sim_give_up_();
        async_loop_stop(&run->loop);
    } else {
        run->late = true;
        async_test_dump_(run, "is not done in time");
        (void)async_cancel(&run->task);
        async_sim_limit_(run->limit, async_test_over_);
    }
    (void)async_loop_use(before);
}

/* Why did it fail? The first of the reasons that there are, after a colon; or
 * nothing: it did not. */
static void async_line_why_(async_line_ *line, const async_test_run_ *run)
{
    bool done = async_done(&run->task);

    async_line_add_(line, ": ");
    if (run->what != NULL) {
        async_line_add_(line, "expected ");
        async_line_add_(line, run->what);
        async_line_add_(line, ", at ");
        async_line_add_(line, run->file);
        async_line_add_(line, ":");
        async_line_number_(line, (uint64_t)run->line);
    } else if (run->late) {
        async_line_add_(line, "it was not done after ");
        async_line_ms_(line, (uint64_t)run->limit);
    } else if (!done || (run->wanted == ASYNC_PENDING && run->result < 0)) {
        async_line_result_(line, run->result);
    } else if (run->wanted != ASYNC_PENDING && run->result != run->wanted) {
        async_line_result_(line, run->result);
        async_line_add_(line, ", and not ");
        async_line_result_(line, run->wanted);
    } else if (run->loop.alive != 0) {
        async_line_add_(line, "tasks left behind: ");
        async_line_number_(line, run->loop.alive);
        async_test_dump_(run, "leaves tasks behind");
    } else {
        line->length -= 2;
        line->text[line->length] = '\0';
    }
}

/* What the test has begun comes to its end, and the loop with it; in as much
 * time as the test had. */
static void async_test_ends_(async_line_ *line, async_test_run_ *run)
{
    async_sim_limit_(run->limit, async_test_over_);
    if (run->loop.alive != 0 && !async_sim_gave_up_()) {
        (void)async_loop_cancel_all(&run->loop);
    }
    if (run->loop.alive != 0) {
        async_line_add_(line, "; tasks that do not end when cancelled: ");
        async_line_number_(line, run->loop.alive);
    } else {
        (void)async_loop_close(&run->loop);
    }
}

static void async_copy_(unsigned char *to, const unsigned char *from,
                        size_t size)
{
    while (size-- != 0) {
        *to++ = *from++;
    }
}

/* A run with that seed, on a frame that is fresh. True if it passed: then the
 * line ends with its time. */
static bool async_test_once_(async_line_ *line, async_test_run_ *run,
                             unsigned seed)
{
    size_t length;

    async_test_runs_ = run;
    run->task.timer.node.state = ASYNC_IDLE_;
    run->task.joiners = NULL;
    run->task.scopes = NULL;
    run->late = false;
    run->what = NULL;
    (void)async_loop_open(&run->loop);
    (void)async_loop_use(&run->loop);
    (void)async_spawn_(&run->task, run->fn, run->frame
#if ASYNC_NAMED_
                       , run->entry, run->from_file, run->from_line
#endif
                       );
    async_sim_limit_(run->limit, async_test_over_);
#if ASYNC_DEBUG
    async_trail_expects_(run->wanted);      /* so there is nothing to be said */
#endif
    run->result = async_loop_run(&run->loop, &run->task);
#if ASYNC_DEBUG
    async_trail_expects_(0);
#endif
    run->late = run->late || async_sim_passed_();
    async_line_add_(line, " (");
    async_line_ms_(line, async_sim_now());
    if (seed != 0) {
        async_line_add_(line, ", seed ");
        async_line_number_(line, seed);
    }
    async_line_add_(line, ")");
    length = line->length;
    async_line_why_(line, run);
    async_test_ends_(line, run);
    return line->length == length;
}

#if ASYNC_HOSTED
/* What stands in the environment under that name, if it does. False if it is
 * there, and no number. */
static bool async_test_environment_(const char *name, unsigned *number)
{
    const char *text = getenv(name);
    char *end;

    if (text == NULL || *text == '\0') {
        return true;
    }
    *number = (unsigned)strtoul(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0';
}
#endif

/* How many seeds, and the first: what the environment has to say of it. 0 if
 * that cannot be understood. */
static unsigned async_test_seeds_(const async_tests *tests, unsigned *first)
{
    unsigned seeds = tests->seeds == 0 ? 1 : tests->seeds;
#if ASYNC_HOSTED
    unsigned one = UINT_MAX;
#endif

    *first = tests->seed;
#if ASYNC_HOSTED
    if (!async_test_environment_("ASYNC_SEEDS", &seeds)
        || !async_test_environment_("ASYNC_SEED", &one)) {
        return 0;
    }
    if (one != UINT_MAX) {
        *first = one;
        seeds = 1;
    }
#endif
    return seeds;
}

/* Runs with one seed after the other, until one fails: the line about it. */
static bool async_test_all_(async_tests *tests, async_line_ *line,
                            async_test_run_ *run)
{
    size_t length = line->length;
    unsigned seed, n = 0;
    unsigned seeds = async_test_seeds_(tests, &seed);
    async_sim_ before;
    bool good;

    if (seeds == 0) {
        async_line_add_(line, ": the environment's ASYNC_SEED or ASYNC_SEEDS "
                        "is no number");
        return false;
    }
    before = async_sim_begin_(seed);
    async_copy_(run->spare, (const unsigned char *)run->frame, run->size);
    for (;;) {
        line->length = length;
        good = async_test_once_(line, run, seed);
        if (run->loop.alive == 0) {     /* else it is a task's */
            async_copy_((unsigned char *)run->frame, run->spare, run->size);
        }
        if (++n == seeds || !good) {
            break;
        }
        (void)async_sim_begin_(++seed);
    }
    if (!good) {
        tests->failed_with = seed;
    }
    if (good && n > 1) {
        line->length = length;
        async_line_add_(line, " (");
        async_line_number_(line, n);
        async_line_add_(line, " seeds)");
    }
    async_test_runs_ = NULL;
    async_sim_end_(&before);
    return good;
}

ASYNC_API bool async_test_(async_tests *tests, const char *name, async_fn fn,
                           void *frame, unsigned char *spare, size_t size,
                           async_duration limit, int result
#if ASYNC_NAMED_
                           , const char *entry, const char *file, int line_at
#endif
                           )
{
    async_loop *current = async_this_loop_;
#if ASYNC_HOSTED
    async_test_run_ *run = (async_test_run_ *)calloc(1, sizeof *run);
#else
    async_test_run_ on_stack;
    async_test_run_ *run = &on_stack;
#endif
    async_line_ line;
    bool good = false;

    line.length = 0;
    async_line_add_(&line, "FAIL ");
    async_line_add_(&line, name == NULL ? "a test without a name" : name);
    if (tests == NULL) {
        /* nobody is told */
    } else if (run == NULL || ASYNC_BUSY_(current)) {
        async_line_add_(&line, ": ");
        async_line_result_(&line, run == NULL ? ASYNC_ENOMEM : ASYNC_EBUSY);
    } else if (name == NULL || fn == NULL || frame == NULL || limit < 0) {
        async_line_add_(&line, ": ");
        async_line_result_(&line, ASYNC_EINVAL);
    } else {
        run->name = name;
        run->fn = fn;
        run->frame = frame;
        run->spare = spare;
        run->size = size;
        run->limit = limit;
        run->wanted = result;
#if ASYNC_NAMED_
        run->entry = entry;
        run->from_file = file;
        run->from_line = line_at;
#endif
        good = async_test_all_(tests, &line, run);
        (void)async_loop_use(current);
#if ASYNC_HOSTED
        if (run->loop.alive != 0) {
            run->left = async_tests_left_;
            async_tests_left_ = run;
            run = NULL;
        }
#endif
    }
#if ASYNC_HOSTED
    free(run);
#endif
    if (tests == NULL) {
        return false;
    }
    if (good) {
        async_copy_((unsigned char *)line.text, (const unsigned char *)"ok  ",
                    4);
        tests->passed++;
    } else {
        tests->failed++;
    }
    async_line_say_(tests, &line);
    return good;
}

#endif

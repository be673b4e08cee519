/* ===========================================================================
 * trail: where an error was raised, the awaits that it passed, and whether
 * anybody took it. For debug builds: an error is an int, and carries none of
 * this itself.
 *
 * A thread keeps a few trails, of the errors that are under way. One begins
 * where a coroutine raises an error or awaits what fails, and grows as the
 * error leaves coroutine after coroutine. It is known by the running task, the
 * error, and the frame where the error is; so a finally that awaits, and other
 * errors in it, do not disturb it, and one that was caught is continued when
 * it is raised again. While a finally runs, the trail of the error that waits
 * for its end is held: an equal one in there is another one. When a task ends
 * in the error, the trail is handed to whoever joins the task, or kept until
 * somebody asks for the result:
 *
 *                  raised, or awaited
 *        FREE  ------------------------>  UNDER_WAY  <--.
 *         ^ ^                              | |    |     | handed to the task
 *         | '--- its coroutine or task     | |    |     | that joins
 *         |      ends without the error ---' |    '-----'
 *         |                                  | the task ends in it,
 *         |       reported                   v and nobody joins
 *         '-----------------------------  UNTAKEN, or OF_MAIN
 *
 * An UNTAKEN one is reported when the task is spawned again, when the coroutine
 * ends in whose frame the task is, when the loop is closed, or when a later one
 * needs the place. The task may be gone by then, and so may the frames: of
 * them the addresses are compared, and nothing is looked at.
 * ======================================================================== */
#include "debug.h"
#if ASYNC_DEBUG

#if ASYNC_HOSTED
#define ASYNC_TRAILS_ 64
#define ASYNC_SITES_ 8
#else
#define ASYNC_TRAILS_ 2
#define ASYNC_SITES_ 4
#endif

enum {
    ASYNC_FREE_ = 0, ASYNC_UNDER_WAY_, ASYNC_UNTAKEN_, ASYNC_OF_MAIN_
};

/* A line in the report. */
enum { ASYNC_RAISED_AT_, ASYNC_AWAITED_AT_, ASYNC_AGAIN_AT_, ASYNC_TASK_AT_ };

typedef struct async_site_ {
    const char *file, *function;
    int line;
    unsigned char what;
} async_site_;

typedef struct async_trail_ {
    unsigned char state;
    bool rising;                /* it left a coroutine of which `at` hears */
    unsigned char held;         /* 1 + the depth of the finally that runs */
    unsigned char n;            /* sites */
    unsigned char takers;       /* callbacks that its task had at its end */
    int skipped;                /* sites for which there was no room */
    int error;
    unsigned age;
    const async_loop *loop;
    const async_task *task;
    const async_frame *at;      /* NULL: whichever frame of the task */
    const char *name, *file;    /* of the task that ended in it */
    int line;
    async_site_ site[ASYNC_SITES_];
} async_trail_;

static ASYNC_THREAD async_trail_ async_trails_[ASYNC_TRAILS_];
static ASYNC_THREAD unsigned async_trail_age_;
static ASYNC_THREAD int async_trail_expected_;  /* of a main task; or none */

#define ASYNC_EACH_TRAIL_(trail) \
    for ((trail) = async_trails_; (trail) < async_trails_ + ASYNC_TRAILS_; \
         (trail)++)

/* ---- what is said -------------------------------------------------------- */

static size_t async_say_error_(size_t at, int error)
{
    if (error <= ASYNC_EUSER(0)) {
        at = async_say_(at, "ASYNC_EUSER(");
        at = async_say_number_(at, ASYNC_EUSER_N(error));
        return async_say_(at, ")");
    }
#if ASYNC_HOSTED
    at = async_say_(at, async_strerror(error));
    at = async_say_(at, " (");
    at = async_say_number_(at, error);
    return async_say_(at, ")");
#else
    return async_say_number_(at, error);
#endif
}

/* Where it was raised, and what it passed: a line for each. */
static size_t async_say_sites_(size_t at, const async_trail_ *trail)
{
    static const char *const what[] = {
        "\n    raised in ", "\n    awaited in ", "\n    raised again in "
    };
    int i;

    for (i = 0; i < trail->n; i++) {
        const async_site_ *site = &trail->site[i];

        if (trail->skipped > 0 && i == ASYNC_SITES_ - 1) {
            at = async_say_(at, "\n    ... ");
            at = async_say_number_(at, trail->skipped);
            at = async_say_(at, " more ...");
        }
        if (site->what == ASYNC_TASK_AT_) {
            at = async_say_(at, "\n    the end of ");
            at = async_say_task_(at, site->function, site->file, site->line);
        } else {
            at = async_say_(at, what[site->what]);
            at = async_say_(at, site->function);
            at = async_say_(at, ", at ");
            at = async_say_place_(at, site->file, site->line);
        }
    }
    return at;
}

/* "async: task `fetch` (spawned at a.c:44) ended in an error that nobody took:
 * input or output failed (-5)
 *     raised in sensor_read, at a.c:12
 *     awaited in fetch, at a.c:30" */
static void async_report_(async_trail_ *trail, const char *what)
{
    size_t at = async_say_(0, "async: ");

    at = async_say_task_(at, trail->name, trail->file, trail->line);
    at = async_say_(at, what);
    at = async_say_error_(at, trail->error);
    (void)async_say_sites_(at, trail);
    trail->state = ASYNC_FREE_;
    ASYNC_WARN(async_said_());
}

static void async_report_untaken_(async_trail_ *trail)
{
    async_report_(trail, " ended in an error that nobody took: ");
}

/* ---- the trails ---------------------------------------------------------- */

/* The oldest of that state, or NULL. */
static async_trail_ *async_trail_oldest_(unsigned state)
{
    async_trail_ *trail, *oldest = NULL;

    ASYNC_EACH_TRAIL_(trail) {
        if (trail->state == state
            && (oldest == NULL || trail->age < oldest->age)) {
            oldest = trail;
        }
    }
    return oldest;
}

/* A place for one more: a free one, or else that of one which somebody may
 * have caught long ago, or else that of one which nobody has asked for. */
static async_trail_ *async_trail_new_(void)
{
    async_trail_ *trail = async_trail_oldest_(ASYNC_FREE_);

    if (trail == NULL) {
        trail = async_trail_oldest_(ASYNC_UNDER_WAY_);
    }
    if (trail == NULL) {
        trail = async_trail_oldest_(ASYNC_UNTAKEN_);
        if (trail != NULL) {
            async_report_untaken_(trail);
        }
    }
    return trail;
}

/* Begin a trail, in a place that may hold one or be NULL. */
static async_trail_ *async_trail_begin_(async_trail_ *trail,
                                        const async_loop *loop,
                                        const async_task *task,
                                        const async_frame *at, int error)
{
    if (trail == NULL) {
        trail = async_trail_new_();
    }
    if (trail != NULL) {
        trail->state = ASYNC_UNDER_WAY_;
        trail->rising = false;
        trail->held = 0;
        trail->n = 0;
        trail->takers = 0;
        trail->skipped = 0;
        trail->error = error;
        trail->age = async_trail_age_++;
        trail->loop = loop;
        trail->task = task;
        trail->at = at;
    }
    return trail;
}

/* The first ones are kept, and the last. (An interrupt may step a loop of its
 * own meanwhile: the place is decided on once.) */
static void async_trail_add_(async_trail_ *trail, unsigned what,
                             const char *function, const char *file, int line)
{
    unsigned i = trail->n;

    if (i >= ASYNC_SITES_) {
        trail->skipped++;
        i = ASYNC_SITES_ - 1;
    }
    trail->site[i].what = (unsigned char)what;
    trail->site[i].function = function;
    trail->site[i].file = file;
    trail->site[i].line = line;
    trail->n = (unsigned char)(i + 1);
}

/* The trail of an error that is under way in that frame of the task: if there
 * are two, the one that rises, or the one that does not. (One that waits for
 * the end of a finally is found by async_error_goes_on_ alone.) */
static async_trail_ *async_trail_find_(const async_task *task,
                                       const async_frame *at, int error,
                                       bool rising)
{
    async_trail_ *trail, *found = NULL;

    ASYNC_EACH_TRAIL_(trail) {
        if (trail->state == ASYNC_UNDER_WAY_ && trail->task == task
            && trail->error == error && trail->held == 0
            && (trail->at == at || trail->at == NULL)
            && (found == NULL || trail->rising == rising)) {
            found = trail;
        }
    }
    return found;
}

/* Others in this frame of the task are of errors that have been caught. */
static void async_trail_only_(const async_trail_ *mine, const async_task *task,
                              const async_frame *at, int error)
{
    async_trail_ *trail;

    ASYNC_EACH_TRAIL_(trail) {
        if (trail->state == ASYNC_UNDER_WAY_ && trail->task == task
            && trail->at == at && trail != mine
            && (error == 0
                || (trail->error == error && trail->held == 0))) {
            trail->state = ASYNC_FREE_;
        }
    }
}

/* Give it to another task, for one of its frames. */
static void async_trail_hand_(async_trail_ *trail, const async_task *task,
                              const async_frame *at, bool rising)
{
    async_trail_only_(trail, task, at, trail->error);
    async_trail_add_(trail, ASYNC_TASK_AT_, trail->name, trail->file,
                     trail->line);
    trail->state = ASYNC_UNDER_WAY_;
    trail->task = task;
    trail->at = at;
    trail->rising = rising;
}

static bool async_is_cancel_(int rc)
{
    return rc == ASYNC_CANCEL || rc == ASYNC_ECANCELED;
}

/* ---- on its way out of coroutines ---------------------------------------- */

ASYNC_API void async_error_(const async_frame *frame, int error, int how)
{
    const async_task *task = async_this_task_;
    async_trail_ *trail;
    unsigned what = how == ASYNC_RAISED_ ? ASYNC_AGAIN_AT_ : ASYNC_AWAITED_AT_;

    if (task == NULL || async_is_cancel_(error)) {
        return;
    }
    trail = async_trail_find_(task, frame, error, how == ASYNC_AWAITED_);
    if (trail == NULL || (how == ASYNC_AWAITED_ && !trail->rising)) {
        trail = async_trail_begin_(trail, async_this_loop_, task, frame, error);
        what = ASYNC_RAISED_AT_;
    } else if (how == ASYNC_PASSED_) {
        return;
    }
    if (trail != NULL) {
        async_trail_add_(trail, what, frame->function, frame->file,
                         frame->line);
        trail->rising = false;
        trail->at = frame;
        async_trail_only_(trail, task, frame, error);
    }
}

/* The one that is held in the frame at that depth of finally blocks. Those of
 * deeper ones are of errors that were dropped, as are all at the beginning of
 * a finally. */
static async_trail_ *async_trail_held_(const async_task *task,
                                       const async_frame *at, int depth)
{
    async_trail_ *trail, *held = NULL;

    ASYNC_EACH_TRAIL_(trail) {
        if (trail->state == ASYNC_UNDER_WAY_ && trail->task == task
            && trail->at == at && trail->held > depth) {
            if (trail->held == depth + 1) {
                held = trail;
            } else {
                trail->state = ASYNC_FREE_;
            }
        }
    }
    return held;
}

ASYNC_API void async_error_held_(const async_frame *frame, int error,
                                 int depth)
{
    const async_task *task = async_this_task_;
    async_trail_ *trail = async_trail_held_(task, frame, depth);

    if (trail != NULL) {
        trail->state = ASYNC_FREE_;
    }
    if (task != NULL && error < 0 && error > ASYNC_CANCEL) {
        trail = async_trail_find_(task, frame, error, false);
        if (trail != NULL && depth < UCHAR_MAX) {
            trail->held = (unsigned char)(depth + 1);
            trail->at = frame;
        }
    }
}

/* An equal error out of the finally is, most often, the same once more: a
 * connection is broken for its close, too. */
ASYNC_API void async_error_goes_on_(const async_frame *frame, int error,
                                    int depth, bool again)
{
    const async_task *task = async_this_task_;
    async_trail_ *trail;

    if (error == ASYNC_PENDING) {
        return;
    }
    trail = async_trail_held_(task, frame, depth);
    if (trail == NULL) {
        return;
    }
    if (trail->error != error) {
        trail->state = ASYNC_FREE_;
        return;
    }
    trail->held = 0;
    async_trail_only_(trail, task, frame, error);
    if (again) {
        async_trail_add_(trail, ASYNC_AGAIN_AT_, frame->function, frame->file,
                         frame->line);
    }
}

ASYNC_API void async_error_leaves_(const async_frame *frame, int rc)
{
    const async_task *task = async_this_task_;
    async_trail_ *mine = NULL;

    if (task == NULL) {
        return;
    }
    if (rc < 0 && !async_is_cancel_(rc)) {
        async_error_(frame, rc, ASYNC_PASSED_);
        mine = async_trail_find_(task, frame, rc, false);
    }
    async_trail_only_(mine, task, frame, 0);
    if (mine != NULL) {
        mine->rising = true;
        mine->at = frame->parent;
    }
}

/* ---- at the end of a task ------------------------------------------------ */

/* Who joins it, if any; and how many callbacks it has. */
static const async_task *async_takers_(const async_task *task, unsigned *calls)
{
    const async_node *node = task->joiners;
    const async_task *joiner = NULL;

    *calls = 0;
    if (node == NULL) {
        return NULL;
    }
    do {
        node = node->next;
        if (node->state == ASYNC_WATCH_) {
            *calls += *calls < UCHAR_MAX;
        } else if (joiner == NULL) {
            joiner = (const async_task *)(const void *)node;
        }
    } while (node != task->joiners);
    return joiner;
}

ASYNC_API void async_trail_ends_(const async_loop *loop, const async_task *task)
{
    int result = task->timer.u.result;
    const async_task *joiner;
    async_trail_ *trail, *mine = NULL;
    unsigned calls;

    if (result < 0 && !async_is_cancel_(result)) {
        mine = async_trail_find_(task, NULL, result, true);
    }
    ASYNC_EACH_TRAIL_(trail) {
        if (trail->state == ASYNC_UNDER_WAY_ && trail->task == task
            && trail != mine) {
            trail->state = ASYNC_FREE_;
        }
    }
    if (result >= 0 || async_is_cancel_(result)) {
        return;
    }
    if (mine == NULL) {
        mine = async_trail_begin_(NULL, loop, task, NULL, result);
        if (mine == NULL) {
            return;
        }
    }
    mine->name = task->name;
    mine->file = task->file;
    mine->line = task->line;
    joiner = async_takers_(task, &calls);
    if (task == loop->until) {
        mine->state = ASYNC_OF_MAIN_;
    } else if (joiner != NULL) {
        async_trail_hand_(mine, joiner, joiner->leaf, true);
    } else if (calls == 0) {
        mine->state = ASYNC_UNTAKEN_;
    } else {                            /* for the callbacks to hand on */
        mine->takers = (unsigned char)calls;
        mine->at = NULL;
    }
}

/* The trail that an ended task has left, in that state; or NULL. */
static async_trail_ *async_trail_left_(const async_task *task, unsigned state)
{
    async_trail_ *trail;

    ASYNC_EACH_TRAIL_(trail) {
        if (trail->state == state && trail->task == task) {
            return trail;
        }
    }
    return NULL;
}

ASYNC_API void async_trail_passes_(const async_task *task, async_task *owner)
{
    async_trail_ *trail = async_trail_left_(task, ASYNC_UNDER_WAY_);

    if (trail != NULL && owner != NULL) {
        async_trail_hand_(trail, owner, NULL, true);
    }
}

ASYNC_API void async_trail_of_pool_(const async_task *task)
{
    async_trail_ *trail = async_trail_left_(task, ASYNC_UNDER_WAY_);

    if (trail != NULL && trail->takers == 1) {
        trail->state = ASYNC_UNTAKEN_;
    }
}

ASYNC_API void async_trail_taken_(const async_task *task, int how)
{
    async_trail_ *trail = async_trail_left_(task, ASYNC_UNTAKEN_);

    if (trail == NULL) {
        return;
    }
    if (how == ASYNC_BY_CALL_) {
        trail->state = ASYNC_UNDER_WAY_;
        trail->at = NULL;
    } else if (async_this_task_ == NULL || async_innermost_ == NULL) {
        trail->state = ASYNC_FREE_;
    } else {
        async_trail_hand_(trail, async_this_task_, async_innermost_,
                          how == ASYNC_BY_JOIN_);
    }
}

/* ---- what nobody can take any more --------------------------------------- */

ASYNC_API void async_trail_spawned_(const async_task *task)
{
    async_trail_ *trail;

    ASYNC_EACH_TRAIL_(trail) {
        if (trail->state == ASYNC_UNTAKEN_ && trail->task == task) {
            async_report_untaken_(trail);
        } else if (trail->task == task) {
            trail->state = ASYNC_FREE_;
        }
    }
}

ASYNC_API void async_trail_memory_(const void *memory, size_t size)
{
    const char *from = (const char *)memory;
    async_trail_ *trail;

    ASYNC_EACH_TRAIL_(trail) {
        const char *at = (const char *)(const void *)trail->task;

        if (trail->state == ASYNC_UNTAKEN_ && trail->loop == async_this_loop_
            && at >= from && at < from + size) {
            async_report_untaken_(trail);
        }
    }
}

ASYNC_API void async_trail_expects_(int error)
{
    async_trail_expected_ = error;
}

ASYNC_API void async_trail_of_main_(const async_loop *loop)
{
    async_trail_ *trail;

    ASYNC_EACH_TRAIL_(trail) {
        if (trail->state == ASYNC_OF_MAIN_ && trail->loop == loop) {
            if (trail->error == async_trail_expected_) {
                trail->state = ASYNC_FREE_;
                continue;
            }
            async_report_(trail, " is what the loop ran for, and it ended in "
                          "an error: ");
        }
    }
}

ASYNC_API void async_trail_closes_(const async_loop *loop)
{
    async_trail_ *trail;

    ASYNC_EACH_TRAIL_(trail) {
        if (trail->loop != loop) {
            continue;
        }
        if (trail->state == ASYNC_UNTAKEN_) {
            async_report_untaken_(trail);
        }
        trail->state = ASYNC_FREE_;
    }
}

#endif

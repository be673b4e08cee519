/* calls: timed calls, asked for and cancelled at random by tasks and by other
 * calls, beside a model of them: a table of what is due when.
 *
 *   calls FIRST LAST    run these seeds
 *   calls SEED          run one, and show what is done
 *
 * Checked: each call comes in the order of the times, those of one time in the
 * order in which they were asked for; none too early; none that was cancelled;
 * each once; and before the loop sleeps or a task runs, none is overdue. The
 * clock of 16 bits wraps several times on the way. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1       /* the implementation is in this file */
#endif
#include "../../src/config.h"
#include "../../src/ticks.h"
struct async_loop;
static async_ticks model_clock(void);
static void model_idle(struct async_loop *loop, async_duration ticks);
#define ASYNC_CLOCK() model_clock()
#define ASYNC_IDLE(loop, ticks) model_idle((loop), (ticks))
#define ASYNC_IMPLEMENTATION
#include "../../src/async.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS = 12, TASKS = 3, OPS = 60 };

/* The model's own time does not wrap. */
static unsigned long seed, random_state;
static int verbose, failed;
static long long now;
static long order, made, asked;

struct entry {
    async_call call;
    bool pending;
    long long due;
    long came;
};

static struct entry entry[CALLS];

struct actor {
    async_frame frame;
    async_task task;
    int id, left;
};

static struct actor actor[TASKS];

static int below(int n)
{
    random_state = random_state * 6364136223846793005ul + 1442695040888963407ul;
    return (int)((random_state >> 33) % (unsigned long)n);
}

static void fail(const char *what)
{
    if (failed++ == 0) {
        printf("FAIL seed %lu: %s\n", seed, what);
    }
}

static async_ticks model_clock(void)
{
    return (async_ticks)now;
}

/* The one that is to come first; -1 when none is pending. */
static int first(void)
{
    int best = -1;
    int i;

    for (i = 0; i < CALLS; i++) {
        if (entry[i].pending
            && (best < 0 || entry[i].due < entry[best].due
                || (entry[i].due == entry[best].due
                    && entry[i].came < entry[best].came))) {
            best = i;
        }
    }
    return best;
}

/* The time of this turn, in the model's count; the clock may have gone on. */
static long long turn(void)
{
    return now - (async_duration)((async_ticks)now - async_now());
}

/* When the loop last looked at the clock. */
static long long looked(void)
{
#if ASYNC_HOSTED
    return turn();
#else
    return now - (async_duration)((async_ticks)now
                                  - async_this_loop_->timers.base);
#endif
}

static void nothing_is_overdue(const char *where)
{
    int i = first();

    if (i >= 0 && entry[i].due <= looked()) {
        fail(where);
    }
}

static void model_idle(struct async_loop *loop, async_duration ticks)
{
    int i = first();
    (void)loop;

    if (ticks != 0 && ticks != ASYNC_NEVER) {
        if (i >= 0 && entry[i].due < now && (ASYNC_HOSTED || ticks > 1)) {
            fail("it sleeps, though a call is overdue");
        }
        if (i >= 0 && ticks > 1 && now + ticks > entry[i].due) {
            fail("it would sleep longer than until the next call");
        }
        now += ticks;
    } else if (ticks == ASYNC_NEVER && i >= 0) {
        fail("it would sleep for ever");
    }
}

static void called(async_call *call);

/* Something random, by a task or by a call. */
static void act(const char *who)
{
    int i = below(CALLS);
    long long due = 0;
    int rc;

    switch (below(6)) {
    case 0:
        rc = async_call_cancel(&entry[i].call);
        if (rc != (entry[i].pending ? 1 : 0)) {
            fail("a cancel answers wrongly");
        }
        entry[i].pending = false;
        if (verbose) {
            printf("%6lld %s cancels %d: %d\n", now, who, i, rc);
        }
        return;
    case 1:
        now += below(30);           /* it computes */
        return;
    case 2:
        due = turn() + 1;
        rc = async_call_soon(&entry[i].call, called);
        break;
    case 3:
        due = below(300) - 20;      /* from the past on */
        rc = async_call_at(&entry[i].call, (async_ticks)(turn() + due), called);
        due = turn() + (due > 0 ? due : 1);
        break;
    default:
        due = below(below(2) ? 20 : 3000) - 3;
        rc = async_call_later(&entry[i].call, (async_duration)due, called);
        due = turn() + (due > 0 ? due : 1);
        break;
    }
    if (rc != (entry[i].pending ? ASYNC_EALREADY : 0)) {
        fail("asking for a call answers wrongly");
    }
    if (rc == 0) {
        entry[i].pending = true;
        entry[i].due = due;
        entry[i].came = order++;
        asked++;
    }
    if (verbose) {
        printf("%6lld %s asks for %d at %lld: %d\n", now, who, i, due, rc);
    }
}

static void called(async_call *call)
{
    int i = (int)((struct entry *)(void *)call - entry);

    if (verbose) {
        printf("%6lld call %d\n", now, i);
    }
    if (async_current() != NULL) {
        fail("a call runs as a task");
    }
    if (!entry[i].pending) {
        fail("a call comes that is not pending");
    } else if (i != first()) {
        fail("another call was to come first");
    } else if (turn() < entry[i].due) {
        fail("a call comes too early");
    }
    entry[i].pending = false;
    made++;
    if (below(2)) {
        act("call");
    }
}

static ASYNC acts(struct actor *self)
{
    ASYNC_BEGIN(self);
    while (self->left-- > 0) {
        nothing_is_overdue("a task runs, though a call is overdue");
        act("task");
        if (below(3) == 0) {
            AWAIT(async_sleep((async_duration)(self->id * 7 + 1)));
        } else if (below(2)) {
            AWAIT(async_yield());
        } else {
            AWAIT(async_sleep((async_duration)(self->left * 11)));
        }
    }
    ASYNC_END;
}

static int run(unsigned long which)
{
    async_loop loop;
    int i, rc;

    seed = which;
    random_state = which * 2862933555777941757ul + 3037000493ul;
    failed = 0;
    order = 0;
    now = 1000 + below(65000);
    memset(entry, 0, sizeof entry);
    memset(actor, 0, sizeof actor);
    async_loop_open(&loop);
    for (i = 0; i < TASKS; i++) {
        actor[i].id = i;
        actor[i].left = OPS;
        async_spawn(&actor[i].task, acts, &actor[i]);
    }
    rc = async_loop_run(&loop, NULL);
    if (rc != 0) {
        fail(async_strerror(rc));
    }
    for (i = 0; i < CALLS; i++) {
        if (async_call_cancel(&entry[i].call) != (entry[i].pending ? 1 : 0)) {
            fail("at the end, another call is pending");
        }
    }
    if (async_loop_step(&loop) != ASYNC_NEVER) {
        fail("something is left in the queue");
    }
    if (async_loop_close(&loop) != 0) {
        fail("the loop does not close");
    }
    return failed;
}

int main(int argc, char **argv)
{
    unsigned long which = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    unsigned long last = argc > 2 ? strtoul(argv[2], NULL, 10) : which;

    verbose = argc == 2;
    for (; which <= last; which++) {
        if (run(which) != 0) {
            return 1;
        }
    }
    printf("seeds up to %lu: %ld calls asked for, %ld made\n", last, asked,
           made);
    return 0;
}

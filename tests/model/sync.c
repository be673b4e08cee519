/* sync: random tasks at an event, a lock, a semaphore, a condition and a
 * barrier, beside a model of these made of plain numbers. Whatever a task does
 * the model does too, and must answer the same, "wait" included. Random
 * cancels and deadlines come in between.
 *
 *   sync FIRST LAST    run these seeds
 *   sync SEED          run one, and show what is done
 *
 * Checked besides: those who were granted something run in the order of the
 * grants; whenever the loop has nothing to do, none of them is left, and nobody
 * waits for what is there; at the end every permit is back, the lock is free,
 * and no task is left behind. */
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

enum { TASKS = 7, OPS = 40, NOBODY = -1 };
enum { EVENT, LOCK, SEMAPHORE, CONDITION, BARRIER, KINDS };
static const char *const names[] = {
    "event", "lock", "semaphore", "condition", "barrier"
};

static unsigned long seed, random_state;
static int verbose, failed;
static async_ticks now;

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
    return now;
}

/* ---- the model ----------------------------------------------------------- */

struct actor {
    async_frame frame;
    async_task task;
    async_timeout scope;
    int id, left, op, rc, outcome;
    int permits;                /* that it holds */
    /* of the model: */
    int state;
    int line;                   /* where it waits: EVENT, LOCK ... */
    int result;                 /* what it was granted */
    long came, granted;         /* orders */
};

/* RELOCKS: a condition's waiter that stands in the lock's line, deaf; LOCKED:
 * one that got it. NOTIFIED has yet to look for the lock. */
enum { NONE, WAITS, GRANTED, NOTIFIED, RELOCKS, LOCKED };

static struct {
    int only;                   /* of the kinds, or KINDS: all of them */
    int set;
    int owner;
    int value, bound, given;    /* given: released beyond what was taken */
    int parties, broken;
    long clock, last;
} model;

static struct actor actor[TASKS];
static async_event event;
static async_lock lock;
static async_semaphore semaphore;
static async_condition condition;
static async_barrier barrier;

/* Does it stand in that line? A strike takes it out, but for the deaf. */
static int in_line(const struct actor *it, int line)
{
    return it->line == line
        && (it->state == RELOCKS
            || (it->state == WAITS && !ASYNC_STRUCK_P_(&it->task)));
}

static struct actor *oldest(int line)
{
    struct actor *first = NULL;
    int i;

    for (i = 0; i < TASKS; i++) {
        if (in_line(&actor[i], line)
            && (first == NULL || actor[i].came < first->came)) {
            first = &actor[i];
        }
    }
    return first;
}

static int length(int line)
{
    int i, n = 0;

    for (i = 0; i < TASKS; i++) {
        n += in_line(&actor[i], line);
    }
    return n;
}

static void grant(struct actor *it, int state, int result)
{
    it->state = state;
    it->result = result;
    it->granted = ++model.clock;
}

static void stand(struct actor *it, int line, int state)
{
    it->state = state;
    it->line = line;
    it->came = ++model.clock;
}

static void model_unlock(void)
{
    struct actor *next = oldest(LOCK);

    model.owner = next == NULL ? NOBODY : next->id;
    if (next != NULL) {
        grant(next, next->state == RELOCKS ? LOCKED : GRANTED,
              next->state == RELOCKS ? next->result : 0);
    }
}

static void model_all(int line, int result, int step)
{
    struct actor *it;

    while ((it = oldest(line)) != NULL) {
        grant(it, GRANTED, result);
        result += step;
    }
}

static int relock(struct actor *self, int result)
{
    if (model.owner == NOBODY) {
        model.owner = self->id;
        self->state = NONE;
        return result;
    }
    stand(self, LOCK, RELOCKS);
    self->result = result;
    return ASYNC_PENDING;
}

/* What this operation is to answer now: 0, an index, an error, or pending. */
static int expected(struct actor *self, int op)
{
    int struck = ASYNC_STRUCK_P_(&self->task) != 0;
    int state = self->state;
    int rc = ASYNC_PENDING;

    if (state == GRANTED || state == LOCKED || state == NOTIFIED) {
        if (self->granted < model.last) {
            fail("it was granted before another one that ran before it");
        }
        model.last = self->granted;
        if (state == NOTIFIED) {
            return relock(self, 0);
        }
        self->state = NONE;
        return self->result;
    }
    if (state == RELOCKS || (state == WAITS && !struck)) {
        fail("it was woken, and nobody did so");
    }
    switch (op) {
    case EVENT:
        rc = model.set ? 0 : rc;
        break;
    case LOCK:
        if (model.owner == self->id) {
            rc = ASYNC_EDEADLK;
        } else if (model.owner == NOBODY) {
            model.owner = self->id;
            rc = 0;
        }
        break;
    case SEMAPHORE:
        if (model.value > 0) {
            model.value--;
            rc = 0;
        }
        break;
    case CONDITION:
        if (state == WAITS) {
            return relock(self, ASYNC_CANCEL);
        }
        if (model.owner != self->id) {
            rc = ASYNC_EPERM;
        } else if (!struck) {
            model_unlock();
        }
        break;
    default:
        if (model.broken) {
            rc = ASYNC_EBROKEN;
        } else if (length(BARRIER) + 1 == model.parties) {
            model_all(BARRIER, 0, 1);
            rc = model.parties - 1;
        }
        break;
    }
    self->state = NONE;
    if (rc == ASYNC_PENDING && struck) {
        rc = ASYNC_CANCEL;
    } else if (rc == ASYNC_PENDING) {
        stand(self, op, WAITS);
    }
    return rc;
}

/* What can be asked of the objects. */
static void look(void)
{
    if (async_event_is_set(&event) != (model.set != 0)) {
        fail("is_set");
    }
    if (async_lock_locked(&lock) != (model.owner != NOBODY)) {
        fail("locked");
    }
    if (async_semaphore_value(&semaphore) != model.value) {
        fail("value");
    }
    if (async_barrier_broken(&barrier) != (model.broken != 0)
        || async_barrier_waiting(&barrier) != length(BARRIER)) {
        fail("broken or waiting");
    }
}

/* ---- what tasks do ------------------------------------------------------- */

static const char *text(int rc)
{
    return rc == ASYNC_PENDING ? "waits" : async_strerror(rc);
}

static ASYNC operation(int op)
{
    switch (op) {
    case EVENT: return async_event_wait(&event);
    case LOCK: return async_lock_acquire(&lock);
    case SEMAPHORE: return async_semaphore_acquire(&semaphore);
    case CONDITION: return async_condition_wait(&condition);
    default: return async_barrier_wait(&barrier);
    }
}

/* Both, and compare. This is what the tasks await. */
static ASYNC both(struct actor *self, int op)
{
    int was = self->state;
    int want = expected(self, op);
    int rc = operation(op);

    if (verbose) {
        printf("%5ld  %d %s: %s\n", (long)now, self->id, names[op], text(rc));
    }
    if (rc != want) {
        if (verbose) {
            printf("       expected: %s (state %d)\n", text(want), was);
        }
        fail("an answer differs");
    }
    if (op == SEMAPHORE && rc == 0) {
        self->permits++;
    }
    look();
    return rc;
}

static void say(const char *what, int rc)
{
    if (verbose) {
        printf("%5ld    %s: %s\n", (long)now, what, text(rc));
    }
}

static void answer(const char *what, int rc, int want)
{
    say(what, rc);
    if (rc != want) {
        if (verbose) {
            printf("       expected: %s %d\n", text(want), want);
        }
        fail(what);
    }
}

/* One of the calls that do not wait, by `self`, or by nobody (a callback). */
static void act_event(void)
{
    if (below(2)) {
        model.set = 1;
        model_all(EVENT, 0, 0);
        answer("set", async_event_set(&event), 0);
    } else {
        model.set = 0;
        answer("clear", async_event_clear(&event), 0);
    }
}

static void act_lock(struct actor *self)
{
    int free = model.owner == NOBODY;
    int mine = model.owner == self->id;

    if (below(4) == 0) {
        if (free) {
            model.owner = self->id;
        }
        answer("try", async_lock_try(&lock), free ? 0 : ASYNC_EAGAIN);
    } else {
        if (mine) {
            model_unlock();
        }
        answer("release", async_lock_release(&lock), mine ? 0 : ASYNC_EPERM);
    }
}

static void give_permit(struct actor *self)
{
    int full = model.value >= model.bound;
    struct actor *next = full ? NULL : oldest(SEMAPHORE);

    if (next != NULL) {
        grant(next, GRANTED, 0);
    } else if (!full) {
        model.value++;
    }
    if (!full && self->permits > 0) {
        self->permits--;
    } else if (!full) {
        model.given++;
    }
    answer("give", async_semaphore_release(&semaphore),
           full ? ASYNC_EOVERFLOW : 0);
}

static void act_semaphore(struct actor *self)
{
    if (below(4) == 0) {
        int want = model.value > 0 ? 0 : ASYNC_EAGAIN;

        if (want == 0) {
            model.value--;
            self->permits++;
        }
        answer("try", async_semaphore_try(&semaphore), want);
    } else if (self->permits > 0 || model.bound == INT_MAX
               || model.value >= model.bound) {
        give_permit(self);
    }
}

static void act_condition(struct actor *self)
{
    int n = below(4) == 0 ? INT_MAX : below(4) - 1;
    int want = n < 0 ? ASYNC_EINVAL : 0;
    struct actor *it;

    if (model.owner != self->id) {
        want = ASYNC_EPERM;
    }
    while (want >= 0 && want < n && (it = oldest(CONDITION)) != NULL) {
        grant(it, NOTIFIED, 0);
        want++;
    }
    answer("notify", n == INT_MAX ? async_condition_notify_all(&condition)
                                  : async_condition_notify(&condition, n),
           want);
}

static void act_barrier(void)
{
    int breaks = below(3) == 0;

    if (below(4) != 0) {
        return;
    }
    model_all(BARRIER, ASYNC_EBROKEN, 0);
    model.broken = breaks;
    answer(breaks ? "abort" : "reset", breaks ? async_barrier_abort(&barrier)
                                              : async_barrier_reset(&barrier),
           0);
}

static void cancel_one(struct actor *it)
{
    if (verbose && !async_done(&it->task)) {
        printf("%5ld    cancel %d\n", (long)now, it->id);
    }
    async_cancel(&it->task);
}

static int some_kind(void)
{
    if (model.only == CONDITION && below(2)) {
        return LOCK;
    }
    return model.only == KINDS ? below(KINDS) : model.only;
}

static void act(struct actor *self)
{
    if (below(3) == 0) {
        cancel_one(&actor[below(TASKS)]);
        return;
    }
    switch (some_kind()) {
    case EVENT: act_event(); break;
    case LOCK: act_lock(self); break;
    case SEMAPHORE: act_semaphore(self); break;
    case CONDITION: act_condition(self); break;
    default: act_barrier(); break;
    }
    look();
}

static async_duration duration(void)
{
    return (async_duration)(below(9) - 1);
}

static ASYNC acts(struct actor *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        while (self->left-- > 0) {
            ASYNC_TRY {
                self->op = below(10);
                if (self->op < 5) {
                    self->op = some_kind();
                    if (self->op == CONDITION && model.owner != self->id
                        && below(8) != 0) {
                        self->op = LOCK;
                    }
                    if (below(3) == 0) {
                        self->rc = (int)duration();
                        AWAIT(ASYNC_TIMEOUT(&self->scope, self->rc,
                                            both(self, self->op)));
                    } else {
                        AWAIT(both(self, self->op));
                    }
                } else if (self->op == 5) {
                    AWAIT(async_yield());
                } else if (self->op == 6) {
                    self->rc = (int)duration();
                    AWAIT(async_sleep(self->rc));
                } else {
                    act(self);
                }
            } ASYNC_CATCH_ALL(self->rc) {
                if (self->rc == ASYNC_CANCEL && below(3) == 0) {
                    ASYNC_RAISE(self->rc);
                }
            } ASYNC_TRY_END;
            if (self->state != NONE) {
                fail("it goes on, but the model has it waiting");
            }
        }
    } ASYNC_FINALLY(self->outcome) {
        while (self->permits > 0) {
            give_permit(self);
        }
        if (model.owner == self->id) {
            model_unlock();
            answer("release", async_lock_release(&lock), 0);
        }
    } ASYNC_TRY_END;
    ASYNC_END;
}

/* The loop has nothing to do: who waits, waits for what is not there. */
static void model_idle(struct async_loop *loop, async_duration ticks)
{
    int i;

    if (ticks != 0 && ASYNC_NONE_READY_(loop)) {
        for (i = 0; i < TASKS; i++) {
            if (actor[i].state != NONE && !in_line(&actor[i], actor[i].line)) {
                fail("a task that was woken does not run");
            }
        }
        if ((event.waiters.tail != NULL) != (length(EVENT) != 0)
            || (lock.waiters.tail != NULL) != (length(LOCK) != 0)
            || (semaphore.waiters.tail != NULL) != (length(SEMAPHORE) != 0)
            || (condition.waiters.tail != NULL) != (length(CONDITION) != 0)
            || (barrier.waiters.tail != NULL) != (length(BARRIER) != 0)) {
            fail("who waits");
        }
        if ((length(EVENT) != 0 && event.set)
            || (length(LOCK) != 0 && lock.owner == NULL)
            || (length(SEMAPHORE) != 0 && semaphore.value != 0)
            || (length(BARRIER) != 0 && barrier.broken)
            || length(BARRIER) >= model.parties) {
            fail("somebody waits beside what he waits for");
        }
        if (barrier.arrived != length(BARRIER)) {
            fail("the barrier counts somebody who is gone");
        }
    }
    if (ticks != ASYNC_NEVER) {
        now = (async_ticks)(now + (async_ticks)ticks);
    }
}

struct director {
    async_frame frame;
    int i, rounds, rc;
};

static ASYNC directs(struct director *self)
{
    ASYNC_BEGIN(self);
    for (self->rounds = 0; self->rounds < 4; self->rounds++) {
        for (self->i = 0; self->i < TASKS; self->i++) {
            struct actor *it = &actor[self->i];

            if (async_done(&it->task) || self->rounds == 0) {
                it->id = self->i;
                it->left = 1 + below(OPS);
                it->state = NONE;
                async_spawn(&it->task, acts, it);
            }
        }
        AWAIT(async_sleep((async_duration)(1 + below(30))));
    }
    for (self->i = 0; self->i < TASKS; self->i++) {
        actor[self->i].left = 0;
    }
    if (below(2) == 0) {
        ASYNC_RETURN(0);        /* the loop cancels them, all at once */
    }
    for (self->i = 0; self->i < TASKS; self->i++) {
        cancel_one(&actor[self->i]);
    }
    for (self->i = 0; self->i < TASKS; self->i++) {
        AWAIT_RESULT(self->rc, async_join(&actor[self->i].task));
    }
    ASYNC_END;
}

static int run(unsigned long number)
{
    static struct director director;
    int i, permits;

    seed = number;
    random_state = number * 7919 + 17;
    for (i = 0; i < 4; i++) {
        (void)below(2);
    }
    failed = 0;
    memset(&model, 0, sizeof model);
    memset(actor, 0, sizeof actor);
    memset(&director, 0, sizeof director);
    memset(&event, 0, sizeof event);
    memset(&lock, 0, sizeof lock);
    model.only = below(KINDS + 1);
    model.owner = NOBODY;
    permits = model.value = below(4);
    model.bound = below(3) == 0 ? permits : INT_MAX;
    model.parties = 1 + below(5);
    now = (async_ticks)(1000 + below(3));
    if (verbose) {
        printf("  %s, %d permits, %d parties\n",
               model.only == KINDS ? "all" : names[model.only], permits,
               model.parties);
    }
    if ((model.bound == INT_MAX
         ? async_semaphore_open(&semaphore, permits)
         : async_semaphore_open_bounded(&semaphore, permits)) != 0
        || async_condition_open(&condition, &lock) != 0
        || async_barrier_open(&barrier, model.parties) != 0
        || async_run(directs, &director) != 0) {
        fail("the run fails");
    }
    look();
    if (model.value != permits + model.given) {
        fail("a permit is lost, or came from nowhere");
    }
    if (async_lock_locked(&lock)) {
        fail("the lock is left locked");
    }
    for (i = 0; i < TASKS; i++) {
        if (!async_done(&actor[i].task) || actor[i].state != NONE) {
            fail("a task is left behind");
        }
    }
    return failed;
}

int main(int argc, char **argv)
{
    unsigned long first = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    unsigned long last = argc > 2 ? strtoul(argv[2], NULL, 10) : first;
    unsigned long i;

    verbose = argc == 2;
    for (i = first; i <= last; i++) {
        if (run(i) != 0) {
            if (!verbose) {
                verbose = 1;
                (void)run(i);
            }
            return 1;
        }
    }
    printf("%lu programs\n", last - first + 1);
    return 0;
}

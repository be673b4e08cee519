/* queue: random tasks at a queue, beside a model of it made of plain arrays.
 * Whatever a task does, the model does too, and must answer the same, "wait"
 * included. Random cancels, deadlines and shutdowns come in between.
 *
 *   queue FIRST LAST    run these seeds
 *   queue SEED          run one, and show what is done
 *
 * Checked besides: whenever the loop has nothing to do, nobody waits for what
 * is there; every item comes out once, or is still in, or was dropped by a
 * shutdown; those that wait are served in the order of coming; and at the end
 * no task is left behind. */
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

enum { TASKS = 7, SLOTS = 9, OPS = 40 };
enum { FIFO, LIFO, PRIORITY };
enum { GET, PUT, JOIN };
static const char *const names[] = {"get", "put", "join"};

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
    int id, left, op, item, got, rc;
    /* of the model: */
    int state;                  /* NONE, or waiting in `line`, or woken */
    int line;
    long came;                  /* the order of coming */
};

enum { NONE, WAITS, PROMISED, REFUSED };

static struct {
    int kind, slots;
    int item[SLOTS + 1], n;
    int unfinished, shut;
    long clock;
    long put, got, dropped;     /* sums of items, and how many */
    int puts, gets, drops;
} model;

static struct actor actor[TASKS];
static async_queue queue;
static int array[SLOTS];
static int next_item;

static int by_urgency(const void *a, const void *b)
{
    return *(const int *)a % 10 - *(const int *)b % 10;
}

/* How many are woken, in that line, and have not run. */
static int woken(int line)
{
    int i, n = 0;

    for (i = 0; i < TASKS; i++) {
        n += actor[i].state == PROMISED && actor[i].line == line;
    }
    return n;
}

static int there(int line)
{
    return line == GET ? model.n - woken(GET)
                       : model.slots - model.n - woken(PUT);
}

/* Who has waited longest and is not struck: a strike takes it out. */
static struct actor *oldest(int line)
{
    struct actor *first = NULL;
    int i;

    for (i = 0; i < TASKS; i++) {
        if (actor[i].state == WAITS && actor[i].line == line
            && !ASYNC_STRUCK_P_(&actor[i].task)
            && (first == NULL || actor[i].came < first->came)) {
            first = &actor[i];
        }
    }
    return first;
}

static void serve(void)
{
    struct actor *it;
    int line;

    for (line = GET; line <= PUT; line++) {
        while (!model.shut && there(line) > 0
               && (it = oldest(line)) != NULL) {
            it->state = PROMISED;
        }
    }
    while (model.unfinished == 0 && (it = oldest(JOIN)) != NULL) {
        it->state = PROMISED;
    }
}

static void model_in(int item)
{
    model.item[model.n++] = item;
    model.unfinished++;
    model.put += item;
    model.puts++;
    serve();
}

/* Takes out `item`: true if it is one that may come now. */
static int model_out(int item)
{
    int at = 0, i;

    if (model.n == 0) {
        return 0;
    }
    for (i = 0; i < model.n; i++) {
        if (model.kind == LIFO
            || (model.kind == PRIORITY
                && model.item[i] % 10 < model.item[at] % 10)) {
            at = i;
        }
    }
    if (model.kind == PRIORITY) {       /* any of those that are equal */
        for (i = 0; i < model.n; i++) {
            if (model.item[i] == item
                && item % 10 == model.item[at] % 10) {
                at = i;
                break;
            }
        }
    }
    if (model.item[at] != item) {
        return 0;
    }
    memmove(&model.item[at], &model.item[at + 1],
            (size_t)(model.n - at - 1) * sizeof model.item[0]);
    model.n--;
    model.got += item;
    model.gets++;
    serve();
    return 1;
}

/* What this operation is to answer now: 0, an error, or ASYNC_PENDING. */
static int expected(struct actor *self, int line)
{
    int struck = ASYNC_STRUCK_P_(&self->task) != 0;
    int state = self->state;
    int shut = async_state_(&self->task) == ASYNC_STRUCK_
        ? ASYNC_CANCEL : ASYNC_ESHUTDOWN;   /* struck before the shutdown */

    self->state = NONE;
    if (state == REFUSED) {
        return ASYNC_ESHUTDOWN;
    }
    if (line == JOIN) {
        if (state == PROMISED || model.unfinished == 0) {
            return 0;
        }
        return struck ? ASYNC_CANCEL : ASYNC_PENDING;
    }
    if (line == PUT && model.shut) {
        return shut;
    }
    if (state == PROMISED) {
        return line == GET && model.n == 0 ? ASYNC_ESHUTDOWN : 0;
    }
    if (there(line) > 0 && (woken(line) == 0 || struck || model.shut)) {
        return 0;
    }
    if (model.shut && there(GET) <= 0) {
        return shut;
    }
    return struck ? ASYNC_CANCEL : ASYNC_PENDING;
}

/* ---- what tasks do ------------------------------------------------------- */

static const char *text(int rc)
{
    return rc == ASYNC_PENDING ? "waits" : async_strerror(rc);
}

/* Both, and compare. This is what the tasks await. */
static ASYNC both(struct actor *self, int line)
{
    int was = self->state;
    int want = expected(self, line);
    int rc = line == GET ? async_queue_get(&queue, &self->got)
        : line == PUT ? async_queue_put(&queue, &self->item)
        : async_queue_join(&queue);

    if (verbose) {
        printf("%5ld  %d %s: %s", (long)now, self->id, names[line], text(rc));
        printf(line != JOIN && rc == 0 ? " %d\n" : "\n",
               line == GET ? self->got : self->item);
    }
    if (rc != want) {
        if (verbose) {
            printf("       expected: %s (state %d)\n", text(want), was);
        }
        fail("an answer differs");
    }
    if (rc == ASYNC_PENDING) {
        self->state = WAITS;
        self->line = line;
        self->came = model.clock++;
        serve();
    } else if (rc == 0 && line == PUT) {
        model_in(self->item);
    } else if (rc == 0 && line == GET && !model_out(self->got)) {
        fail("it is not that item's turn");
    }
    return rc;
}

static void try_put(int item)
{
    int want = model.shut ? ASYNC_ESHUTDOWN
        : there(PUT) > 0 ? 0 : ASYNC_EAGAIN;
    int rc;

    if (async_queue_full(&queue) != (there(PUT) <= 0) && !model.shut) {
        fail("full");
    }
    rc = async_queue_try_put(&queue, &item);
    if (verbose) {
        printf("%5ld    try_put %d: %s\n", (long)now, item, text(rc));
    }
    if (rc != want) {
        fail("try_put");
    }
    if (rc == 0) {
        model_in(item);
    }
}

static void try_get(void)
{
    int want = there(GET) > 0 ? 0
        : model.shut ? ASYNC_ESHUTDOWN : ASYNC_EAGAIN;
    int item = 0, rc;

    if (async_queue_empty(&queue) != (there(GET) == 0)
        || (int)async_queue_size(&queue) != there(GET)) {
        fail("empty or size");
    }
    rc = async_queue_try_get(&queue, &item);
    if (verbose) {
        printf("%5ld    try_get: %s %d\n", (long)now, text(rc), item);
    }
    if (rc != want) {
        fail("try_get");
    }
    if (rc == 0 && !model_out(item)) {
        fail("try_get: it is not that item's turn");
    }
}

static void task_done(void)
{
    int want = model.unfinished > 0 ? 0 : ASYNC_EINVAL;

    if (async_queue_task_done(&queue) != want) {
        fail("task_done");
    }
    if (want == 0) {
        model.unfinished--;
        serve();
    }
}

static void shut_down(int at_once)
{
    struct actor *it;
    int i;

    if (verbose) {
        printf("%5ld    shutdown%s\n", (long)now, at_once ? " now" : "");
    }
    model.shut = 1;
    while ((it = oldest(GET)) != NULL || (it = oldest(PUT)) != NULL) {
        it->state = REFUSED;
    }
    if (at_once) {
        for (i = 0; i < model.n; i++) {
            model.dropped += model.item[i];
            model.drops++;
        }
        model.unfinished -= model.unfinished < model.n ? model.unfinished
                                                       : model.n;
        model.n = 0;
        for (i = 0; i < TASKS; i++) {
            if (actor[i].state == PROMISED && actor[i].line != JOIN) {
                actor[i].state = REFUSED;
            }
        }
        serve();
    }
    if ((at_once ? async_queue_shutdown_now(&queue)
                 : async_queue_shutdown(&queue)) != 0) {
        fail("shutdown");
    }
}

static void cancel_one(struct actor *it)
{
    if (verbose && !async_done(&it->task)) {
        printf("%5ld    cancel %d\n", (long)now, it->id);
    }
    async_cancel(&it->task);
}

static void act(void)
{
    switch (below(12)) {
    case 0: case 1: try_put(next_item++); break;
    case 2: case 3: try_get(); break;
    case 4: case 5: case 6: task_done(); break;
    case 11:
        if (below(20) == 0) {
            shut_down(below(2));
        }
        break;
    default: cancel_one(&actor[below(TASKS)]); break;
    }
}

static async_duration duration(void)
{
    return (async_duration)(below(9) - 1);
}

static ASYNC acts(struct actor *self)
{
    ASYNC_BEGIN(self);
    while (self->left-- > 0) {
        ASYNC_TRY {
            self->op = below(10);
            if (self->op < 6) {
                self->op = self->op == 5 ? JOIN : self->op % 2;
                self->item = next_item++;
                if (below(3) == 0) {
                    self->rc = (int)duration();
                    AWAIT(ASYNC_TIMEOUT(&self->scope, self->rc,
                                        both(self, self->op)));
                } else {
                    AWAIT(both(self, self->op));
                }
            } else if (self->op == 6) {
                AWAIT(async_yield());
            } else if (self->op == 7) {
                self->rc = (int)duration();
                AWAIT(async_sleep(self->rc));
            } else {
                act();
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
    ASYNC_END;
}

/* The loop has nothing to do: who waits, waits for what is not there. */
static void model_idle(struct async_loop *loop, async_duration ticks)
{
    int i;

    if (ticks != 0 && ASYNC_NONE_READY_(loop)) {
        for (i = 0; i < TASKS; i++) {
            if (actor[i].state == PROMISED || actor[i].state == REFUSED) {
                fail("a task that was woken does not run");
            }
        }
        if ((queue.getters.tail != NULL) != (oldest(GET) != NULL)
            || (queue.putters.tail != NULL) != (oldest(PUT) != NULL)
            || (queue.joiners.tail != NULL) != (oldest(JOIN) != NULL)) {
            fail("who waits");
        }
        if ((oldest(GET) != NULL && (queue.count != 0 || model.shut))
            || (oldest(PUT) != NULL
                && (queue.count != queue.capacity || model.shut))
            || (oldest(JOIN) != NULL && queue.unfinished == 0)) {
            fail("somebody waits beside what he waits for");
        }
        if (queue.promised != 0 || queue.reserved != 0) {
            fail("a promise is left over");
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
    /* Now all are to end: by a shutdown, or each by a cancel. */
    if (below(2)) {
        shut_down(below(2));
        while (model.unfinished > 0) {
            task_done();
        }
        AWAIT(async_sleep(2000));
    }
    for (self->i = 0; self->i < TASKS; self->i++) {
        actor[self->i].left = 0;
        cancel_one(&actor[self->i]);
        AWAIT_RESULT(self->rc, async_join(&actor[self->i].task));
    }
    ASYNC_END;
}

static int run(unsigned long number)
{
    static struct director director;
    long sum = 0;
    int i, rc, item;

    seed = number;
    random_state = number * 7919 + 17;
    for (i = 0; i < 4; i++) {
        (void)below(2);
    }
    failed = 0;
    next_item = 1;
    memset(&model, 0, sizeof model);
    memset(actor, 0, sizeof actor);
    memset(&director, 0, sizeof director);
    model.kind = below(3);
    model.slots = 1 + below(SLOTS);
    now = (async_ticks)(1000 + below(3));
    rc = model.kind == FIFO
        ? async_queue_open(&queue, array, sizeof *array, (size_t)model.slots)
        : model.kind == LIFO
        ? async_queue_open_lifo(&queue, array, sizeof *array,
                                (size_t)model.slots)
        : async_queue_open_priority(&queue, array, sizeof *array,
                                    (size_t)model.slots, by_urgency);
    if (verbose) {
        printf("  kind %d, %d slots\n", model.kind, model.slots);
    }
    if (rc != 0 || async_run(directs, &director) != 0) {
        fail("the run fails");
    }
    /* Every item: out, dropped, or in. */
    while (async_queue_try_get(&queue, &item) == 0) {
        sum += item;
        model.n--;
    }
    if (model.n != 0 || sum + model.got + model.dropped != model.put) {
        fail("an item is lost, or came twice");
    }
    return failed;
}

int main(int argc, char **argv)
{
    unsigned long first = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    unsigned long last = argc > 2 ? strtoul(argv[2], NULL, 10) : first;
    long puts = 0, gets = 0;

    verbose = argc == 2;
    for (; first <= last; first++) {
        if (run(first) != 0) {
            return 1;
        }
        puts += model.puts;
        gets += model.gets;
    }
    printf("seeds up to %lu: %ld items in, %ld out\n", last, puts, gets);
    return 0;
}

/* several: random trees of tasks that wait for several others at once, run
 * twice: by the library, and by a second executor in this file that shares
 * nothing with it. A task gathers, races, waits, takes them as they come, or
 * holds them in a group or a pool; some under a deadline, some with a cleanup,
 * some refuse to be cancelled; and from outside come cancels. Both write down
 * the end of each task, when and how. The two lists must be the same.
 *
 *   several FIRST LAST    run these seeds
 *   several SEED          run one, and show its tree and its list */
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

enum { NODES = 60, KIDS = 3, CANCELS = 6, DEPTH = 3 };
enum kind { NAP, GATHER, ALL, RACE, FIRST, ERROR_, EVERY, NEXT, GROUP, POOL };

static const char *const kind_names[] = {
    "nap", "gather", "gather_all", "race", "wait_first", "wait_error",
    "wait_all", "next_done", "group", "pool"
};

/* ---- trees --------------------------------------------------------------- */

struct node {
    enum kind kind;
    int dur, result;        /* of a nap, of a group's block */
    int limit, cleanup, refuse;
    int take;               /* next_done: how many; pool: its slots */
    int n, kid[KIDS];
};

static struct node node[NODES];
static int nodes;
static struct { int time, node; } cancel[CANCELS];
static int cancels;

static unsigned long random_state;

static int below(int n)
{
    random_state = random_state * 6364136223846793005ul + 1442695040888963407ul;
    return (int)((random_state >> 33) % (unsigned long)n);
}

static int grow(int depth)
{
    int me = nodes++;
    struct node *it = &node[me];
    int i;

    memset(it, 0, sizeof *it);
    it->kind = depth == 0 || (depth < DEPTH && below(3) == 0)
        ? NAP : (enum kind)(1 + below(POOL));
    it->dur = 1 + below(20);
    it->result = below(4) == 0 ? -1 - below(3) : below(5);
    it->limit = below(4) == 0 ? 1 + below(20) : 0;
    it->cleanup = below(3) == 0 ? 1 + below(8) : 0;
    it->refuse = below(8) == 0;
    if (it->kind != NAP) {
        it->n = 1 + below(KIDS);
        it->take = 1 + below(it->n);
        for (i = 0; i < it->n; i++) {
            int kid = grow(depth - 1);

            node[me].kid[i] = kid;
        }
    }
    return me;
}

static bool in_pool[NODES];

static void make_tree(unsigned long seed)
{
    int i, j, time = 0;

    random_state = seed * 7919 + 17;
    for (i = 0; i < 4; i++) {
        (void)below(2);
    }
    nodes = 0;
    grow(DEPTH);
    memset(in_pool, 0, sizeof in_pool);
    for (i = 0; i < nodes; i++) {
        for (j = 0; j < node[i].n && node[i].kind == POOL; j++) {
            in_pool[node[i].kid[j]] = true;
        }
    }
    cancels = 0;
    for (i = below(CANCELS + 1); i > 0; i--) {
        time += 1 + below(8);
        j = below(3) == 0 ? 0 : below(nodes);
        if (!in_pool[j]) {      /* a slot's task may be another's by then */
            cancel[cancels].time = time;
            cancel[cancels++].node = j;
        }
    }
}

static void show_tree(int me, int indent)
{
    const struct node *it = &node[me];
    int i;

    printf("%*s%d %s", indent, "", me, kind_names[it->kind]);
    if (it->kind == NAP || it->kind == GROUP) {
        printf(" for %d: %d", it->dur, it->result);
    }
    if (it->kind == NEXT || it->kind == POOL) {
        printf(" %d of %d", it->take, it->n);
    }
    if (it->limit != 0) {
        printf(", limit %d", it->limit);
    }
    if (it->cleanup != 0) {
        printf(", cleanup %d", it->cleanup);
    }
    printf("%s\n", it->refuse ? ", refuses" : "");
    for (i = 0; i < it->n; i++) {
        show_tree(it->kid[i], indent + 2);
    }
}

/* ---- the lists ----------------------------------------------------------- */

struct end { int time, node, result; };
struct list { struct end end[NODES]; int n; };

static struct list got, want;

static void note(struct list *list, int time, int me, int result)
{
    struct end *end = &list->end[list->n++];

    end->time = time;
    end->node = me;
    end->result = result;
}

/* ==== by the library ====================================================== */

static async_ticks now;
static async_ticks model_clock(void)
{
    return now;
}

static void model_idle(struct async_loop *loop, async_duration ticks)
{
    (void)loop;
    if (ticks > 0 && ticks != ASYNC_NEVER) {
        now = (async_ticks)(now + (async_ticks)ticks);
    }
}

struct op { async_frame frame; struct lib *of; };

static struct lib {
    async_frame frame;
    struct op op;
    async_watch watch;
    async_member member;
    async_task own, *task;      /* where it runs; NULL when it does not */
    async_timeout scope;
    async_wait_set set;
    async_waiter waiter[KIDS];
    async_group group;
    async_pool pool;
    async_slot slot[KIDS];
    int me, rc, e, i, x, sum;
} lib[NODES];

static ASYNC run_node(struct lib *self);

static void lib_ended(async_watch *watch, async_task *task)
{
    struct lib *it = (struct lib *)(void *)
        ((char *)watch - offsetof(struct lib, watch));

    note(&got, (int)(now - 1000), it->me, async_result(task));
    it->task = NULL;
}

/* Start the i-th kid: as a member, in a slot, or by itself. */
static void lib_spawn(struct lib *self, int i, int slot)
{
    struct lib *it = &lib[node[self->me].kid[i]];

    it->task = &it->own;
    if (node[self->me].kind == GROUP) {
        it->task = &it->member.task;
        async_group_spawn(&self->group, &it->member, run_node, it);
    } else if (node[self->me].kind == POOL) {
        it->task = &self->slot[slot].task;
        async_pool_spawn(&self->pool, slot, run_node, it);
    } else {
        async_spawn(&it->own, run_node, it);
        self->waiter[i].task = &it->own;
    }
    async_on_done(it->task, &it->watch, lib_ended);
}

static void lib_spawn_all(struct lib *self)
{
    int i;

    for (i = 0; i < node[self->me].n; i++) {
        lib_spawn(self, i, 0);
    }
}

static ASYNC lib_wait(struct lib *self)
{
    const struct node *it = &node[self->me];

    switch (it->kind) {
    case GATHER:
        return async_gather(&self->set, self->waiter, it->n);
    case ALL:
        return async_gather_all(&self->set, self->waiter, it->n);
    case RACE:
        return async_race(&self->set, self->waiter, it->n);
    case FIRST:
        return async_wait(&self->set, self->waiter, it->n,
                          ASYNC_FIRST_COMPLETED);
    case ERROR_:
        return async_wait(&self->set, self->waiter, it->n,
                          ASYNC_FIRST_EXCEPTION);
    default:
        return async_wait(&self->set, self->waiter, it->n,
                          ASYNC_ALL_COMPLETED);
    }
}

/* What the task is about. */
static ASYNC op(struct op *self)
{
    struct lib *of = self->of;
    const struct node *it = &node[of->me];

    ASYNC_BEGIN(self);
    if (it->kind == NAP) {
        AWAIT(async_sleep((async_duration)it->dur));
        ASYNC_RETURN(it->result);
    }
    if (it->kind == GROUP) {
        ASYNC_GROUP_BEGIN(&of->group) {
            lib_spawn_all(of);
            AWAIT(async_sleep((async_duration)it->dur));
            ASYNC_RETURN(it->result);
        } ASYNC_GROUP_END;
    }
    if (it->kind == POOL) {
        async_pool_open(&of->pool, of->slot, it->take);
        for (of->i = 0; of->i < it->n; of->i++) {
            AWAIT_VALUE(of->x, async_pool_take(&of->pool));
            lib_spawn(of, of->i, of->x);
        }
        AWAIT(async_pool_join(&of->pool));
        ASYNC_RETURN(0);
    }
    lib_spawn_all(of);
    if (it->kind == NEXT) {
        for (of->i = 0; of->i < it->take; of->i++) {
            AWAIT_VALUE(of->x, async_next_done(&of->set, of->waiter, it->n));
            of->sum = 4 * of->sum + of->x + 1;
        }
        ASYNC_RETURN(of->sum);
    }
    AWAIT_VALUE(of->x, lib_wait(of));
    ASYNC_RETURN(of->x);
    ASYNC_END;
}

/* Those who leave their kids alone now end them. */
static ASYNC lib_reap(struct lib *self)
{
    return async_gather_all(&self->set, self->waiter, node[self->me].n);
}

static ASYNC run_node(struct lib *self)
{
    const struct node *it = &node[self->me];

    ASYNC_BEGIN(self);
    self->op.of = self;
    ASYNC_TRY {
        if (it->limit != 0) {
            AWAIT_VALUE(self->rc, ASYNC_TIMEOUT(&self->scope,
                                                (async_duration)it->limit,
                                                op(&self->op)));
        } else {
            AWAIT_VALUE(self->rc, op(&self->op));
        }
    } ASYNC_CATCH_ALL(self->rc) {
    } ASYNC_TRY_END;
    if (it->kind >= FIRST && it->kind <= NEXT) {
        for (self->i = 0; self->i < it->n; self->i++) {
            async_cancel(&lib[it->kid[self->i]].own);
        }
        AWAIT(lib_reap(self));
    }
    if (it->kind == POOL) {
        async_pool_cancel(&self->pool);
        while (async_pool_busy(&self->pool) != 0) {
            ASYNC_TRY {
                AWAIT(async_pool_join(&self->pool));
            } ASYNC_CATCH_ALL(self->e) {
            } ASYNC_TRY_END;
        }
    }
    if (it->cleanup != 0) {
        AWAIT(async_sleep((async_duration)it->cleanup));
    }
    if (self->rc == ASYNC_CANCEL && it->refuse) {
        ASYNC_RETURN(1);
    }
    ASYNC_RETURN(self->rc);
    ASYNC_END;
}

struct director { async_frame frame; int i; };

static ASYNC directs(struct director *self)
{
    ASYNC_BEGIN(self);
    lib[0].task = &lib[0].own;
    async_spawn(&lib[0].own, run_node, &lib[0]);
    async_on_done(&lib[0].own, &lib[0].watch, lib_ended);
    for (self->i = 0; self->i < cancels; self->i++) {
        AWAIT(async_sleep_until((async_ticks)(1000 + cancel[self->i].time)));
        if (lib[cancel[self->i].node].task != NULL) {
            async_cancel(lib[cancel[self->i].node].task);
        }
    }
    AWAIT_RESULT(self->i, async_shield(&lib[0].own));
    ASYNC_END;
}

static int by_library(void)
{
    static struct director director;
    int i;

    memset(lib, 0, sizeof lib);
    memset(&director, 0, sizeof director);
    for (i = 0; i < nodes; i++) {
        lib[i].me = i;
    }
    now = 1000;
    return async_run(directs, &director);
}

/* ==== by the second executor ============================================== */

enum phase { UNBORN, NEW, OP, GROUP_END_, REAP, CLEANUP, ENDED };
enum why { GRANTED, STRUCK };

static struct sim {
    enum phase phase;
    enum why why;
    bool parked, pending, real, forwarded, limited;
    int fired, group_fired;             /* 1: struck, 2: delivered */
    bool group_under;                   /* the limit struck inside */
    int rc, outcome, deadline;
    /* several */
    bool watched[KIDS], on_error, one, count, but_canceled, next;
    int live, until, error, ended_canceled;
    int ended[KIDS], n_ended, taken, sum;
    /* group, pool */
    bool in_block, closing;
    int started, busy, waits_for_slot;
    int slot[KIDS], handed;             /* the kid in each slot; -1: free */
    int freed[KIDS], n_freed;           /* the last one is taken first */
    int up, place;                      /* the parent, and which kid it is */
} sim[NODES];

struct timer { int at; long order; int node; bool limit; };

static struct timer timer[2 * NODES + 1];
static int timers, m_now;
static long m_order;
static int queue[4096], head, tail;     /* node -1 is the director */
static int next_cancel;

static void enqueue(int me, enum why why)
{
    if (me >= 0) {
        sim[me].why = why;
        sim[me].parked = false;
    }
    queue[tail++ % 4096] = me;
}

static void add_timer(int me, int at, bool limit)
{
    struct timer *it = &timer[timers++];

    it->at = at;
    it->order = m_order++;
    it->node = me;
    it->limit = limit;
}

static void drop_timer(int me, bool limit)
{
    int i;

    for (i = 0; i < timers; i++) {
        if (timer[i].node == me && timer[i].limit == limit) {
            timer[i] = timer[--timers];
            return;
        }
    }
}

static bool struck(const struct sim *t)
{
    return t->pending || t->fired == 1 || t->group_fired == 1;
}

static int deliver(struct sim *t)
{
    t->pending = t->forwarded = false;
    t->fired = t->fired == 1 ? 2 : t->fired;
    t->group_fired = t->group_fired == 1 ? 2 : t->group_fired;
    return ASYNC_CANCEL;
}

static void poke(int me)
{
    sim[me].forwarded = false;
    if (sim[me].parked) {
        drop_timer(me, false);
        enqueue(me, STRUCK);
    }
}

static void strike(int me)
{
    struct sim *t = &sim[me];

    if (t->phase == UNBORN || t->phase == ENDED || t->pending) {
        return;
    }
    t->pending = t->real = true;
    poke(me);
}

/* Strike those kids that run; of the watched ones if `watched`. */
static void strike_kids(int me, bool watched)
{
    int i;

    for (i = 0; i < node[me].n; i++) {
        if (!watched || sim[me].watched[i]) {
            strike(node[me].kid[i]);
        }
    }
}

static void wake(int me)
{
    if (sim[me].parked) {
        enqueue(me, GRANTED);
    }
}

static int sim_sleep(int me, int dur)
{
    struct sim *t = &sim[me];

    if (struck(t)) {
        return deliver(t);
    }
    t->deadline = m_now + dur;
    add_timer(me, t->deadline, false);
    t->parked = true;
    return ASYNC_PENDING;
}

static int sim_slept(struct sim *t)
{
    return t->why == GRANTED || m_now >= t->deadline ? 0 : deliver(t);
}

static int park(struct sim *t)
{
    t->parked = true;
    return ASYNC_PENDING;
}

static bool met(const struct sim *t)
{
    return t->live <= t->until || (t->on_error && t->error != 0);
}

/* Kid i has ended: what its callback does, or at once if it had before. */
static void kid_ended(int me, int i, int result)
{
    struct sim *t = &sim[me];

    t->watched[i] = false;
    if (result == ASYNC_ECANCELED) {
        t->ended_canceled = 1;
    }
    if (result < 0 && t->count) {
        t->error++;
    } else if (result < 0 && t->error == 0 && !(t->one && t->n_ended > 0)
               && !(t->but_canceled && result == ASYNC_ECANCELED)) {
        t->error = result;
    }
    t->ended[t->n_ended++] = i;
    t->live--;
    if (met(t) || t->next) {
        wake(me);
    }
}

static void watch_kids(int me, int until)
{
    struct sim *t = &sim[me];
    int i;

    t->n_ended = t->error = t->taken = t->ended_canceled = 0;
    t->live = node[me].n;
    t->until = until;
    for (i = 0; i < node[me].n; i++) {
        t->watched[i] = true;
    }
    for (i = 0; i < node[me].n; i++) {
        if (sim[node[me].kid[i]].phase == ENDED) {
            kid_ended(me, i, sim[node[me].kid[i]].rc);
        }
    }
}

static void unwatch_kids(struct sim *t)
{
    memset(t->watched, 0, sizeof t->watched);
    t->on_error = t->one = t->count = t->but_canceled = t->next = false;
}

static void close_group(int me)
{
    if (!sim[me].closing) {
        sim[me].closing = true;
        strike_kids(me, false);
    }
}

static void finish(int me, int rc)
{
    struct sim *t = &sim[me];
    struct sim *up = &sim[t->up];
    bool first;

    if (rc == ASYNC_CANCEL) {
        rc = ASYNC_ECANCELED;
    }
    t->phase = ENDED;
    t->rc = rc;
    if (me == 0) {
        note(&want, m_now, me, rc);
        return;
    }
    if (node[t->up].kind == GROUP) {
        up->live--;
        if (rc < 0 && rc != ASYNC_ECANCELED) {
            first = !up->closing;
            up->error = up->error == 0 ? rc : up->error;
            close_group(t->up);
            if (first && up->in_block) {
                up->group_fired = 1;
                poke(t->up);
            }
        }
        if (up->live == 0 && up->phase == GROUP_END_) {
            wake(t->up);
        }
    } else if (node[t->up].kind == POOL) {
        int slot = 0;

        while (up->slot[slot] != me) {
            slot++;
        }
        up->slot[slot] = -1;
        if (up->waits_for_slot && up->parked) {
            up->handed = slot;          /* it has the slot from here on */
            wake(t->up);
        } else {
            up->freed[up->n_freed++] = slot;
            if (--up->busy == 0) {
                wake(t->up);
            }
        }
    } else if (up->watched[t->place]) {
        kid_ended(t->up, t->place, rc);
    }
    note(&want, m_now, me, rc);
}

static void spawn(int me, int i)
{
    int kid = node[me].kid[i];

    sim[kid].phase = NEW;
    sim[kid].up = me;
    sim[kid].place = i;
    enqueue(kid, GRANTED);
}

/* gather, gather_all, race: looked at again. */
static int sim_gather(int me)
{
    struct sim *t = &sim[me];
    int rc;

    if (t->live != 0) {
        if (met(t)) {
            t->until = 0;
            t->on_error = false;
            if (!t->forwarded) {
                strike_kids(me, true);
            }
        }
        if (struck(t) && !t->forwarded) {
            t->forwarded = true;
            t->ended_canceled = 0;
            strike_kids(me, true);
        }
        return park(t);
    }
    rc = t->error;
    if (struck(t) && (rc == ASYNC_ECANCELED
                      || (t->forwarded && t->ended_canceled))) {
        rc = deliver(t);
    }
    t->forwarded = false;
    if (rc == 0 && t->one) {
        rc = t->ended[0];
    }
    unwatch_kids(t);
    return rc;
}

static int sim_wait(int me)
{
    struct sim *t = &sim[me];
    int rc;

    if (met(t)) {
        rc = node[me].n - t->live;
    } else if (struck(t)) {
        rc = deliver(t);
    } else {
        return park(t);
    }
    unwatch_kids(t);
    return rc;
}

static int sim_next(int me)
{
    struct sim *t = &sim[me];

    while (t->taken < node[me].take) {
        if (t->taken < t->n_ended) {
            t->sum = 4 * t->sum + t->ended[t->taken++] + 1;
        } else if (struck(t)) {
            return deliver(t);
        } else {
            return park(t);
        }
    }
    return t->sum;
}

static int sim_pool(int me, bool granted)
{
    struct sim *t = &sim[me];

    while (t->started < node[me].n) {
        if (!granted) {
            if (t->busy == node[me].take) {
                t->waits_for_slot = false;
                if (struck(t)) {
                    return deliver(t);
                }
                t->waits_for_slot = true;
                return park(t);
            }
            t->busy++;
            t->handed = t->freed[--t->n_freed];
        }
        granted = false;
        t->waits_for_slot = false;
        t->slot[t->handed] = node[me].kid[t->started];
        spawn(me, t->started++);
    }
    if (t->busy != 0) {
        return struck(t) ? deliver(t) : park(t);
    }
    return 0;
}

static int leave_group(struct sim *t, int rc)
{
    if (t->group_fired != 0) {
        if (rc == ASYNC_CANCEL && !t->real && !t->group_under
            && t->fired != 1) {
            rc = t->error;
        }
        t->group_fired = 0;
    }
    t->in_block = false;
    return rc;
}

static int sim_group_end(int me)
{
    struct sim *t = &sim[me];
    int rc;

    if (t->live != 0) {
        if (struck(t)) {
            t->closing = true;
            if (!t->forwarded) {
                t->forwarded = true;
                strike_kids(me, false);
            }
        }
        return park(t);
    }
    if (struck(t) && t->forwarded) {
        rc = deliver(t);
    } else if (t->outcome == ASYNC_CANCEL) {
        rc = ASYNC_CANCEL;
    } else {
        rc = t->error < 0 ? t->error : t->outcome;
    }
    t->forwarded = false;
    return rc;
}

static int sim_group(int me, int rc)
{
    struct sim *t = &sim[me];

    if (rc == 0) {
        rc = node[me].result;
    }
    rc = leave_group(t, rc);
    if (rc < 0) {
        if (rc != ASYNC_CANCEL && t->error == 0) {
            t->error = rc;
        }
        close_group(me);
    }
    t->outcome = rc;
    t->forwarded = false;
    t->phase = GROUP_END_;
    return sim_group_end(me);
}

static int begin_op(int me)
{
    struct sim *t = &sim[me];
    const struct node *it = &node[me];
    int i;

    if (it->kind == NAP) {
        return sim_sleep(me, it->dur);
    }
    if (it->kind == POOL) {
        for (i = it->take - 1; i >= 0; i--) {
            t->slot[i] = -1;
            t->freed[t->n_freed++] = i;
        }
        return sim_pool(me, false);
    }
    for (i = 0; i < it->n; i++) {
        spawn(me, i);
    }
    if (it->kind == GROUP) {
        t->in_block = true;
        t->live = it->n;
        return sim_sleep(me, it->dur);
    }
    t->on_error = it->kind == GATHER || it->kind == ERROR_;
    t->but_canceled = it->kind == ERROR_;
    t->one = it->kind == RACE;
    t->count = it->kind == ALL;
    t->next = it->kind == NEXT;
    watch_kids(me, it->kind == RACE || it->kind == FIRST ? it->n - 1 : 0);
    return it->kind == NEXT ? sim_next(me)
         : it->kind <= RACE ? sim_gather(me) : sim_wait(me);
}

static int go_on_op(int me)
{
    struct sim *t = &sim[me];
    int rc;

    switch (node[me].kind) {
    case NAP:
        rc = sim_slept(t);
        return rc == 0 ? node[me].result : rc;
    case GROUP:
        return t->phase == GROUP_END_ ? sim_group_end(me)
                                      : sim_group(me, sim_slept(t));
    case POOL:
        return sim_pool(me, t->waits_for_slot && t->why == GRANTED);
    case NEXT:
        return sim_next(me);
    case FIRST:
    case ERROR_:
    case EVERY:
        return sim_wait(me);
    default:
        return sim_gather(me);
    }
}

static void after_cleanup(int me)
{
    struct sim *t = &sim[me];

    finish(me, t->rc == ASYNC_CANCEL && node[me].refuse ? 1 : t->rc);
}

static void cleans_up(int me)
{
    struct sim *t = &sim[me];
    int rc;

    t->phase = CLEANUP;
    if (node[me].cleanup == 0) {
        after_cleanup(me);
        return;
    }
    rc = sim_sleep(me, node[me].cleanup);
    if (rc != ASYNC_PENDING) {
        finish(me, rc);
    }
}

static void reaps(int me)
{
    struct sim *t = &sim[me];
    int rc;

    if (node[me].kind == POOL) {
        while (t->busy != 0) {
            if (!struck(t)) {
                (void)park(t);
                return;
            }
            (void)deliver(t);
        }
    } else {
        rc = sim_gather(me);
        if (rc == ASYNC_PENDING) {
            return;
        }
        if (rc == ASYNC_CANCEL) {
            finish(me, rc);
            return;
        }
    }
    cleans_up(me);
}

static void op_ended(int me, int rc)
{
    struct sim *t = &sim[me];
    int i;

    if (t->limited) {
        if (t->fired != 0) {
            rc = rc == ASYNC_CANCEL && !t->real ? ASYNC_ETIMEDOUT : rc;
            t->fired = 0;
            t->forwarded = t->forwarded && t->pending;
        }
        drop_timer(me, true);
        t->limited = false;
    }
    t->rc = rc;
    t->phase = REAP;
    if (node[me].kind == POOL) {
        for (i = 0; i < node[me].take; i++) {
            if (t->slot[i] >= 0) {
                strike(t->slot[i]);
            }
        }
        reaps(me);
    } else if (node[me].kind >= FIRST && node[me].kind <= NEXT) {
        strike_kids(me, false);
        unwatch_kids(t);
        t->count = true;
        t->forwarded = false;
        watch_kids(me, 0);
        reaps(me);
    } else {
        cleans_up(me);
    }
}

static void run_sim(int me)
{
    struct sim *t = &sim[me];
    int rc;

    switch (t->phase) {
    case NEW:
        if (struck(t)) {
            finish(me, ASYNC_CANCEL);
            return;
        }
        t->phase = OP;
        rc = begin_op(me);
        if (rc == ASYNC_PENDING && node[me].limit != 0) {
            t->limited = true;
            add_timer(me, m_now + node[me].limit, true);
        }
        break;
    case OP:
    case GROUP_END_:
        rc = go_on_op(me);
        break;
    case REAP:
        reaps(me);
        return;
    default:
        rc = sim_slept(t);
        if (rc < 0) {
            finish(me, rc);
        } else {
            after_cleanup(me);
        }
        return;
    }
    if (rc != ASYNC_PENDING) {
        op_ended(me, rc);
    }
}

/* The director sleeps until the next cancel, or waits for the end. */
static void direct(void)
{
    if (next_cancel == 0) {
        sim[0].phase = NEW;
        enqueue(0, GRANTED);
    } else {
        strike(cancel[next_cancel - 1].node);
    }
    if (next_cancel < cancels) {
        add_timer(-1, cancel[next_cancel].time, false);
    }
    next_cancel++;
}

static void expire(void)
{
    struct timer due;
    int i, first = 0;

    for (i = 1; i < timers; i++) {
        if (timer[i].at < timer[first].at
            || (timer[i].at == timer[first].at
                && timer[i].order < timer[first].order)) {
            first = i;
        }
    }
    due = timer[first];
    timer[first] = timer[--timers];
    m_now = due.at > m_now ? due.at : m_now;
    if (due.node < 0) {
        enqueue(-1, GRANTED);
    } else if (due.limit) {
        struct sim *t = &sim[due.node];

        t->group_under = t->group_under || t->in_block;
        t->fired = 1;
        poke(due.node);
    } else {
        wake(due.node);
    }
}

static bool due_now(void)
{
    int i;

    for (i = 0; i < timers; i++) {
        if (timer[i].at <= m_now) {
            return true;
        }
    }
    return false;
}

/* In turns, like the library: first what is due, then those ready by then. */
static void by_model(void)
{
    int end;

    memset(sim, 0, sizeof sim);
    timers = head = tail = next_cancel = m_now = 0;
    enqueue(-1, GRANTED);
    while (head != tail || (timers != 0 && sim[0].phase != ENDED)) {
        if (head == tail) {
            expire();
        }
        while (due_now()) {
            expire();
        }
        for (end = tail; head != end;) {
            int me = queue[head++ % 4096];

            if (me < 0) {
                direct();
            } else {
                run_sim(me);
            }
        }
    }
}

/* ==== both ================================================================ */

static void show_list(const char *by, const struct list *list)
{
    int i;

    printf("  by the %s:\n", by);
    for (i = 0; i < list->n; i++) {
        printf("    %3d  node %d: %d\n", list->end[i].time, list->end[i].node,
               list->end[i].result);
    }
}

static int run(unsigned long seed, bool verbose)
{
    bool same;
    int i, rc;

    make_tree(seed);
    got.n = want.n = 0;
    rc = by_library();
    by_model();
    same = rc == 0 && got.n == want.n
        && memcmp(got.end, want.end, (size_t)got.n * sizeof *got.end) == 0;
    if (verbose || !same) {
        show_tree(0, 2);
        for (i = 0; i < cancels; i++) {
            printf("  at %d cancel %d\n", cancel[i].time, cancel[i].node);
        }
        show_list("library", &got);
        show_list("model", &want);
    }
    if (!same) {
        printf("FAIL seed %lu: %d, or the lists differ\n", seed, rc);
    }
    return !same;
}

int main(int argc, char **argv)
{
    unsigned long first = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    unsigned long last = argc > 2 ? strtoul(argv[2], NULL, 10) : first;
    long ends = 0;

    for (; first <= last; first++) {
        if (run(first, argc == 2) != 0) {
            return 1;
        }
        ends += got.n;
    }
    printf("trees up to %lu: %ld tasks ended\n", last, ends);
    return 0;
}

/* model: random programs, run twice: by the library's executor, and by a
 * second executor in this file that shares nothing with it. That one is slow
 * and plain: arrays, searches, a stack per task. Both write down every step:
 * at what time which task evaluated what, and what came of it. The two
 * transcripts must be the same.
 *
 *   model FIRST LAST    run these seeds
 *   model SEED          run one, and show its program and its transcript
 *
 * A program is a handful of tasks. A task is a block of operations; some of
 * those (try, timeout) have blocks inside. What a block means is written
 * twice, too: as a coroutine, and as a machine that walks it. */
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

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- programs ------------------------------------------------------------ */

enum kind {
    NOP, YIELD, SLEEP, UNTIL, WAIT, JOIN, JOIN_RESULT, SHIELD, POLL, IRQ_WAIT,
    LAST_LEAF = IRQ_WAIT,
    SET, CANCEL, SPAWN, BUSY, MOVE, WATCH, RAISE, STOP, RETURN_, RAISE_,
    CATCH, CATCH_ALL, FINALLY, TIMEOUT, TIMEOUT_RESULT, TIMEOUT_BLOCK,
    /* what only a transcript holds */
    CAUGHT, ENDED, CALLED, RAN, RESULT
};

static const char *const kind_names[] = {
    "nop", "yield", "sleep", "sleep_until", "wait", "join", "join_result",
    "shield", "poll", "irq_wait", "set", "cancel", "spawn", "busy", "move",
    "watch", "raise_irq", "stop", "return", "raise", "catch", "catch_all",
    "finally", "timeout", "timeout_result", "timeout_block", "caught", "ended",
    "called", "ran", "result"
};

struct op {
    int kind;
    int a, b;           /* a duration, a task, a value ... */
    int body, handler;  /* blocks inside */
};

struct block { int first, n; };

#define TASKS 6
#define FUTURES 3
#define IRQS 2
#define DEPTH 4
#define OPS 600
#define SPAWNS 24       /* in one run of a program */

static struct program {
    int tasks, irqs;
    int step;           /* driven by async_loop_step */
    int until;          /* the first run waits for task 0 */
    int close;          /* the end is left to async_loop_cancel_all */
    int scale;          /* times are multiples of it */
    async_ticks start;
    int ops, blocks;
    struct op op[OPS];
    struct block block[OPS];
    int root[TASKS];
} prog;

static unsigned long random_state;

static int below(int n)
{
    random_state = random_state * 6364136223846793005ul + 1442695040888963407ul;
    return (int)((random_state >> 33) % (unsigned long)n);
}

static int duration(void)
{
    int d = below(12) - 1;

    return d <= 0 ? d : d * prog.scale - below(2) * (prog.scale / 3);
}

static int make_block(int depth);

static void make_op(struct op *op, int depth)
{
    static const unsigned char leafs[] = {
        YIELD, YIELD, SLEEP, SLEEP, SLEEP, SLEEP, UNTIL, WAIT, WAIT, JOIN,
        JOIN_RESULT, JOIN_RESULT, JOIN_RESULT, SHIELD, POLL
    };
    static const unsigned char acts[] = {
        SET, SET, CANCEL, CANCEL, CANCEL, CANCEL, SPAWN, SPAWN, SPAWN, BUSY,
        MOVE, MOVE, WATCH, STOP
    };
    static const unsigned char nests[] = {
        CATCH, CATCH_ALL, FINALLY, FINALLY, TIMEOUT, TIMEOUT, TIMEOUT_RESULT,
        TIMEOUT_RESULT, TIMEOUT_BLOCK
    };
    int dice = below(20);

    memset(op, 0, sizeof *op);
    if (dice < 10 || (depth == DEPTH && dice >= 15)) {
        op->kind = leafs[below((int)sizeof leafs)];
        if (prog.irqs && below(5) == 0) {
            op->kind = IRQ_WAIT;
        }
    } else if (dice < 14) {
        op->kind = acts[below((int)sizeof acts)];
        if (prog.irqs && below(4) == 0) {
            op->kind = RAISE;
        }
    } else if (dice < 15 && depth > 0) {
        op->kind = below(2) ? RETURN_ : RAISE_;
    } else {
        op->kind = nests[below((int)sizeof nests)];
    }
    op->a = below(prog.tasks);
    op->b = below(prog.tasks);
    switch (op->kind) {
    case SLEEP: case UNTIL: case TIMEOUT: case TIMEOUT_RESULT:
    case TIMEOUT_BLOCK:
        op->a = duration();
        break;
    case BUSY:
        op->a = (1 + below(6)) * prog.scale;
        break;
    case WAIT: case SET:
        op->a = below(FUTURES);
        break;
    case IRQ_WAIT: case RAISE:
        op->a = below(IRQS);
        break;
    case POLL:
        op->a = 1 + below(4);
        break;
    case MOVE:                  /* of task b, at depth `body` */
        op->a = below(8) == 0 ? 99999 : duration();
        op->body = below(DEPTH);
        break;
    case WATCH:                 /* of task a; then do `body` to `handler` */
        op->body = below(4);
        op->handler = op->body == 1 ? below(FUTURES) : below(prog.tasks);
        break;
    case RETURN_:
        op->a = below(5);
        break;
    case RAISE_:
        op->a = below(4);
        break;
    case CATCH: case CATCH_ALL: case FINALLY:
        op->a = below(3);
        op->body = make_block(depth + 1);
        op->handler = make_block(depth + 1);
        break;
    default:
        break;
    }
    if (op->kind >= TIMEOUT) {
        op->body = make_block(depth + 1);
    }
}

static int make_block(int depth)
{
    struct op ops[8];
    int n = depth == 0 ? 3 + below(6) : 1 + below(3);
    int block, i;

    if (prog.ops + 60 > OPS) {
        n = 0;
    }
    for (i = 0; i < n; i++) {
        make_op(&ops[i], depth);
    }
    block = prog.blocks++;
    prog.block[block].first = prog.ops;
    prog.block[block].n = n;
    memcpy(&prog.op[prog.ops], ops, (size_t)n * sizeof ops[0]);
    prog.ops += n;
    return block;
}

static void make_program(unsigned long seed)
{
    int i;

    random_state = seed * 7919 + 17;
    for (i = 0; i < 4; i++) {
        (void)below(2);
    }
    memset(&prog, 0, sizeof prog);
    prog.tasks = 2 + below(TASKS - 1);
    prog.irqs = below(4) == 0;
    prog.step = below(3) == 0;
    prog.until = below(3) == 0;
    prog.close = below(4) == 0;
    prog.scale = below(4) == 0 ? 2900 : 1 + below(2) * 9;
    prog.start = (async_ticks)(1000 + below(3));
#if !ASYNC_TIMER_WHEEL
    if (below(2)) {
        prog.start = (async_ticks)(0 - (async_ticks)below(100));
    }
#endif
    for (i = 0; i < prog.tasks; i++) {
        prog.root[i] = make_block(0);
    }
}

static void show_block(int block, int indent)
{
    int i;

    for (i = 0; i < prog.block[block].n; i++) {
        const struct op *op = &prog.op[prog.block[block].first + i];

        if (op->kind == NOP) {
            continue;
        }
        printf("%*s%s %d", indent, "", kind_names[op->kind], op->a);
        if (op->kind == MOVE || op->kind == WATCH) {
            printf(" %d %d %d", op->b, op->body, op->handler);
        }
        printf("\n");
        if (op->kind >= CATCH) {
            show_block(op->body, indent + 4);
            if (op->kind <= FINALLY) {
                printf("%*sthen\n", indent + 2, "");
                show_block(op->handler, indent + 4);
            }
        }
    }
}

static void show_program(void)
{
    int i;

    printf("  %d tasks%s%s, scale %d\n", prog.tasks,
           prog.step ? ", by steps" : "", prog.until ? ", until 0" : "",
           prog.scale);
    for (i = 0; i < prog.tasks; i++) {
        printf("  task %d:\n", i);
        show_block(prog.root[i], 4);
    }
}

/* ---- transcripts --------------------------------------------------------- */

struct event { long time; int task, depth, kind, rc; };

#define EVENTS 20000

static struct transcript {
    int n;
    struct event event[EVENTS];
} real, model, *writing;

static void write_event(long time, int task, int depth, int kind, int rc)
{
    struct event *e;

    if (writing->n < EVENTS) {
        e = &writing->event[writing->n++];
        e->time = time;
        e->task = task;
        e->depth = depth;
        e->kind = kind;
        e->rc = rc;
    }
}

static void show_event(const char *who, const struct event *e)
{
    const char *rc = e->rc == ASYNC_PENDING ? "pending"
                   : e->rc == ASYNC_CANCEL ? "CANCEL"
                   : e->rc < 0 ? async_strerror(e->rc) : "";

    printf("  %s %6ld  task %d%*s %s", who, e->time, e->task, 2 * e->depth, "",
           kind_names[e->kind]);
    printf(e->rc < 0 ? " %s\n" : "%s %d\n", rc, e->rc);
}

static void show_transcripts(void)
{
    int i, at = 0;

    while (at < real.n && at < model.n
           && memcmp(&real.event[at], &model.event[at], sizeof real.event[0])
              == 0) {
        at++;
    }
    for (i = at > 30 ? at - 30 : 0; i < at; i++) {
        show_event("both   ", &real.event[i]);
    }
    for (i = at; i < at + 3; i++) {
        if (i < model.n) {
            show_event("model  ", &model.event[i]);
        }
    }
    for (i = at; i < at + 3; i++) {
        if (i < real.n) {
            show_event("library", &real.event[i]);
        }
    }
}

static int error_of(int n)
{
    return n == 0 ? ASYNC_EUSER(1) : n == 1 ? ASYNC_EIO
         : n == 2 ? ASYNC_ECANCELED : ASYNC_ETIMEDOUT;
}

/* How long the running task may compute, so that a turn stays well below half
 * the range of the shortest clock. */
static int may_be_busy(long since_turn, int ticks)
{
    return since_turn + ticks <= 20000;
}

/* ==== the library's side ================================================== */

struct act {
    async_frame frame;
    async_timeout scope;
    int task, depth, block, pc, n, e, v;
    async_ticks until;
};

static struct real_task {
    async_task task;
    struct act act[DEPTH + 2];
} rt[TASKS];

static struct real_watch {
    async_watch watch;
    int used, body, handler, task;
} rw[OPS];

static async_future rf[FUTURES];
static async_irq ri[IRQS];
static async_loop loop;
static async_ticks real_time;
static int real_spawns;

static async_ticks model_clock(void)
{
    return real_time;
}

static long real_elapsed(void)
{
    return (long)(async_ticks)(real_time - prog.start);
}

/* The longest program is longer than a clock of 16 bits: count its wraps. */
static long real_now(void)
{
#if ASYNC_TICK_BITS == 16
    static long last, wraps;
    long at = real_elapsed();

    if (writing->n == 0) {
        last = wraps = 0;
    }
    if (at < last) {
        wraps += 65536;
    }
    last = at;
    return wraps + at;
#else
    return real_elapsed();
#endif
}

static void interrupts(void)
{
    int i;

    for (i = 0; i < IRQS; i++) {
        if (ri[i].waiter != NULL) {
            async_irq_raise(&ri[i]);
        }
    }
}

static void model_idle(struct async_loop *idle_loop, async_duration ticks)
{
    if (ticks == 0 || idle_loop->notified) {
        return;
    }
    if (ticks == ASYNC_NEVER) {
        interrupts();
        return;
    }
    real_time = (async_ticks)(real_time + (async_ticks)ticks);
}

static int note(struct act *self, int kind, int rc)
{
    write_event(real_now(), self->task, self->depth, kind, rc);
    return rc;
}

static ASYNC run_block(struct act *self);

static int real_spawn(int k)
{
    struct real_task *t = &rt[k];
    int i;

    if (real_spawns >= SPAWNS
        || (async_result(&t->task) == ASYNC_PENDING
            && t->act[0].depth == 1)) {         /* it was spawned, and lives */
        return -1;
    }
    real_spawns++;
    for (i = 0; i < DEPTH + 2; i++) {
        t->act[i].task = k;
        t->act[i].depth = i + 1;
    }
    t->act[0].block = prog.root[k];
    return async_spawn(&t->task, run_block, &t->act[0]);
}

static void real_called(async_watch *watch, async_task *task)
{
    struct real_watch *w = (struct real_watch *)(void *)watch;

    w->used = 0;
    write_event(real_now(), w->task, 0, CALLED, async_result(task));
    if (w->body == 1) {
        (void)async_future_set(&rf[w->handler], 7);
    } else if (w->body == 2) {
        (void)async_cancel(&rt[w->handler].task);
    } else if (w->body == 3) {
        write_event(real_now(), w->handler, 0, SPAWN, real_spawn(w->handler));
    }
}

static void real_act(struct act *self, const struct op *op)
{
    int at = (int)(op - prog.op);
    int rc = 0;

    switch (op->kind) {
    case SET:
        rc = async_future_set(&rf[op->a], op->b);
        break;
    case CANCEL:
        rc = async_cancel(&rt[op->a].task);
        break;
    case SPAWN:
        rc = real_spawn(op->a);
        break;
    case BUSY:
        (void)async_now();
        rc = may_be_busy((long)(async_ticks)(real_time - async_now()), op->a);
        if (rc) {
            real_time = (async_ticks)(real_time + (async_ticks)op->a);
        }
        break;
    case MOVE:
        rc = async_timeout_reschedule(&rt[op->b].act[op->body].scope,
                                      op->a == 99999 ? ASYNC_NEVER
                                      : (async_duration)op->a);
        break;
    case WATCH:
        if (rw[at].used) {
            rc = -1;
            break;
        }
        rw[at].used = 1;
        rw[at].body = op->body;
        rw[at].handler = op->handler;
        rw[at].task = op->a;
        rc = async_on_done(&rt[op->a].task, &rw[at].watch, real_called);
        if (rc < 0) {
            rw[at].used = 0;
        }
        break;
    case RAISE:
        async_irq_raise(&ri[op->a]);
        break;
    case STOP:
        async_loop_stop(&loop);
        break;
    default:
        return;
    }
    (void)note(self, op->kind, rc);
}

static async_status polled(struct act *self, const struct op *op)
{
    return self->n++ >= op->a ? 0 : async_poll();
}

static async_status leaf(struct act *self, const struct op *op)
{
    int rc;

    switch (op->kind) {
    case YIELD: rc = async_yield(); break;
    case SLEEP: rc = async_sleep((async_duration)op->a); break;
    case UNTIL: rc = async_sleep_until(self->until); break;
    case WAIT: rc = async_future_wait(&rf[op->a]); break;
    case JOIN: case JOIN_RESULT: rc = async_join(&rt[op->a].task); break;
    case SHIELD: rc = async_shield(&rt[op->a].task); break;
    case POLL: rc = polled(self, op); break;
    case IRQ_WAIT: rc = async_irq_wait(&ri[op->a]); break;
    default: rc = 0; break;
    }
    return note(self, op->kind, rc);
}

static struct act *child(struct act *self, int block)
{
    self[1].block = block;
    return self + 1;
}

static ASYNC run_block(struct act *self)
{
#define OP (&prog.op[prog.block[self->block].first + self->pc])
    ASYNC_BEGIN(self);
    for (self->pc = 0; self->pc < prog.block[self->block].n; self->pc++) {
        self->n = 0;
        self->until = (async_ticks)(async_now() + (async_ticks)OP->a);
        if (OP->kind == NOP) {
            continue;
        } else if (OP->kind == JOIN_RESULT) {
            AWAIT_RESULT(self->e, leaf(self, OP));
        } else if (OP->kind <= LAST_LEAF) {
            AWAIT(leaf(self, OP));
        } else if (OP->kind == RETURN_) {
            ASYNC_RETURN(OP->a);
        } else if (OP->kind == RAISE_) {
            ASYNC_RAISE(error_of(OP->a));
        } else if (OP->kind == CATCH) {
            ASYNC_TRY {
                (void)child(self, OP->body);
                AWAIT(run_block(self + 1));
            } ASYNC_CATCH(self->e) {
                (void)note(self, CAUGHT, self->e);
                (void)child(self, OP->handler);
                AWAIT(run_block(self + 1));
            } ASYNC_TRY_END;
        } else if (OP->kind == CATCH_ALL) {
            ASYNC_TRY {
                (void)child(self, OP->body);
                AWAIT(run_block(self + 1));
            } ASYNC_CATCH_ALL(self->e) {
                (void)note(self, CAUGHT, self->e);
                (void)child(self, OP->handler);
                AWAIT(run_block(self + 1));
                if (OP->a != 0) {
                    ASYNC_RAISE(self->e);
                }
            } ASYNC_TRY_END;
        } else if (OP->kind == FINALLY) {
            ASYNC_TRY {
                (void)child(self, OP->body);
                AWAIT(run_block(self + 1));
            } ASYNC_FINALLY(self->e) {
                (void)child(self, OP->handler);
                AWAIT(run_block(self + 1));
            } ASYNC_TRY_END;
        } else if (OP->kind == TIMEOUT) {
            (void)child(self, OP->body);
            AWAIT(ASYNC_TIMEOUT(&self->scope, (async_duration)OP->a,
                                run_block(self + 1)));
        } else if (OP->kind == TIMEOUT_RESULT) {
            (void)child(self, OP->body);
            AWAIT_RESULT(self->v,
                         ASYNC_TIMEOUT(&self->scope, (async_duration)OP->a,
                                       run_block(self + 1)));
        } else if (OP->kind == TIMEOUT_BLOCK) {
            ASYNC_TIMEOUT_BEGIN(&self->scope, (async_duration)OP->a) {
                (void)child(self, OP->body);
                AWAIT(run_block(self + 1));
            } ASYNC_TIMEOUT_END;
        } else {
            real_act(self, OP);
        }
        (void)note(self, ENDED, 0);
    }
    ASYNC_END;
#undef OP
}

static int real_turns(const async_task *until)
{
    async_duration wait;

    if (!prog.step) {
        return async_loop_run(&loop, until);
    }
    for (;;) {
        wait = async_loop_step(&loop);
        if (loop.alive == 0) {
            return 0;
        }
        if (wait == 0 || loop.notified) {
            continue;
        }
        if (wait != ASYNC_NEVER) {
            real_time = (async_ticks)(real_time + (async_ticks)wait);
        } else if (loop.irqs != NULL) {
            interrupts();
        } else {
            return ASYNC_EDEADLK;
        }
    }
}

/* What happens around the turns, and to those that hang. */
static int run_real(void)
{
    int i, rc, round, ended = 1;

    writing = &real;
    real.n = 0;
    memset(rt, 0, sizeof rt);
    memset(rw, 0, sizeof rw);
    memset(rf, 0, sizeof rf);
    memset(ri, 0, sizeof ri);
    real_time = prog.start;
    real_spawns = 0;
    if (async_loop_open(&loop) < 0) {
        return 0;
    }
    for (i = 0; i < IRQS; i++) {
        if (prog.irqs && async_irq_open(&ri[i]) < 0) {
            return 0;
        }
    }
    for (i = 0; i < (prog.tasks + 1) / 2; i++) {
        (void)real_spawn(i);
    }
    rc = real_turns(prog.until ? &rt[0].task : NULL);
    write_event(real_now(), 0, 0, RAN, rc);
    for (round = 0; loop.alive != 0 && round < 200; round++) {
        if (rc == ASYNC_EDEADLK) {
            if (prog.close) {
                break;
            }
            for (i = 0; i < FUTURES && round == 0; i++) {
                (void)async_future_set(&rf[i], i);
            }
            for (i = 0; i < prog.tasks && round > 0; i++) {
                (void)async_cancel(&rt[i].task);
            }
        }
        rc = real_turns(NULL);
        write_event(real_now(), 0, 0, RAN, rc);
    }
    if (prog.close) {
        rc = async_loop_cancel_all(&loop);
        ended = rc == 0;
    }
    for (i = 0; i < prog.tasks; i++) {
        if (!prog.close) {
            write_event(real_now(), i, 0, RESULT, async_result(&rt[i].task));
        }
        if (rt[i].act[0].depth != 0 && !async_done(&rt[i].task)) {
            ended = 0;
        }
    }
    for (i = 0; i < IRQS; i++) {
        if (prog.irqs) {
            (void)async_irq_close(&ri[i]);
        }
    }
    if (async_loop_close(&loop) < 0 || loop.lists != NULL || loop.irqs != NULL
        || loop.alive != 0 || !ASYNC_TIMERS_EMPTY_(&loop.timers)) {
        ended = 0;
    }
    (void)async_loop_use(NULL);
    return ended;
}

/* ==== the model's side ==================================================== */

enum place { NOWHERE, QUEUED, AT_FUTURE, AT_TASK, ASLEEP, AT_IRQ };
enum why { FIRST, YIELDED, GRANTED, STRUCK, AGAIN, NONE };

struct scope {
    int entered, fired, under, saved, armed, lazy;
    long deadline;      /* when it strikes */
    long key, order;    /* when it is looked at: it may have moved since */
};

struct model_act {
    int block, pc, n, phase, e;
    long until;
    struct scope scope;
};

static struct model_task {
    int spawned, done, result;
    enum place place;
    enum why why;
    int on, shield, grant;
    long deadline, order;
    int pending, real, forwarded;
    int scopes[DEPTH + 2], inner;       /* depths of the entered ones */
    int top;
    struct model_act act[DEPTH + 2];
} mt[TASKS];

static struct model_watch { int used, body, handler, task, live; long order; }
    mw[OPS];
static struct { int set, value; } mf[FUTURES];
static struct { int count, waiter; long order; } mi[IRQS];
static int queue[TASKS + 1], queued;
static long m_time, m_order;
#if ASYNC_HOSTED
static long m_now;          /* of this turn; elsewhere nobody keeps that */
#else
#define m_now m_time
#endif
static int m_spawns, m_alive, m_stop, m_notified, m_until, m_until_result;

static void enqueue(int k, enum why why)
{
    mt[k].place = QUEUED;
    mt[k].why = why;
    queue[queued++] = k;
}

static int undelivered(const struct model_task *t)
{
    int i;

    for (i = 0; i < t->inner; i++) {
        if (t->act[t->scopes[i]].scope.fired == 1) {
            return 1;
        }
    }
    return t->pending;
}

static int deliver(struct model_task *t)
{
    int i;

    t->pending = t->forwarded = 0;
    for (i = 0; i < t->inner; i++) {
        if (t->act[t->scopes[i]].scope.fired) {
            t->act[t->scopes[i]].scope.fired = 2;
        }
    }
    return ASYNC_CANCEL;
}

static void strike(int k)
{
    mt[k].forwarded = 0;
    if (mt[k].place > QUEUED) {
        enqueue(k, mt[k].place == ASLEEP && m_time >= mt[k].deadline
                ? GRANTED : STRUCK);
    }
}

/* The scope at that depth strikes. Those inside it know. */
static void fire(int k, int depth)
{
    struct model_task *t = &mt[k];
    int i;

    for (i = 0; i < t->inner; i++) {
        t->act[t->scopes[i]].scope.under |= t->scopes[i] > depth;
    }
    t->act[depth].scope.fired = 1;
    strike(k);
}

static int m_cancel(int k)
{
    if (!mt[k].spawned || mt[k].done) {
        return 0;
    }
    if (!mt[k].pending) {
        mt[k].pending = mt[k].real = 1;
        strike(k);
    }
    return 1;
}

static void arm(struct scope *s, long deadline)
{
    s->armed = 1;
    s->deadline = s->key = deadline;
    s->order = m_order++;
}

/* The expression form arms its deadline when it first suspends. */
static void suspends(struct model_task *t)
{
    int i;

    for (i = t->inner - 1; i >= 0; i--) {
        struct scope *s = &t->act[t->scopes[i]].scope;

        if (s->lazy) {
            s->lazy = 0;
            arm(s, s->deadline);
        }
    }
}

static void enter(int k, int depth, int d, int lazy)
{
    struct model_task *t = &mt[k];
    struct scope *s = &t->act[depth].scope;
    int i;

    memset(s, 0, sizeof *s);
    s->entered = 1;
    s->saved = t->real;
    t->real = t->pending;
    for (i = 0; i < t->inner; i++) {
        s->under |= t->act[t->scopes[i]].scope.fired == 1;
    }
    t->scopes[t->inner++] = depth;
    if (d <= 0) {
        fire(k, depth);
    } else if (lazy && ASYNC_HOSTED) {
        s->lazy = 1;
        s->deadline = m_now + d;
    } else {
        arm(s, m_now + d);
    }
}

static int leave(struct model_task *t, int depth, int rc)
{
    struct scope *s = &t->act[depth].scope;
    int i, outer = s->under;

    t->inner--;
    for (i = 0; i < t->inner; i++) {
        outer |= t->act[t->scopes[i]].scope.fired == 1;
    }
    if (s->fired && rc == ASYNC_CANCEL && !t->real && !outer) {
        rc = ASYNC_ETIMEDOUT;
    }
    t->real |= s->saved;
    s->entered = s->armed = 0;
    return rc;
}

static int m_move(int k, int depth, int d)
{
    struct scope *s = &mt[k].act[depth].scope;

    if (!s->entered) {
        return ASYNC_EINVAL;
    }
    if (s->fired) {
        return ASYNC_EALREADY;
    }
    s->lazy = 0;
    if (d == 99999) {
        s->armed = 0;
    } else if (d <= 0) {
        s->armed = 0;
        fire(k, depth);
    } else if (s->armed && m_now + d >= s->key) {
        s->deadline = m_now + d;
    } else {
        arm(s, m_now + d);
    }
    return 0;
}

static int m_spawn(int k)
{
    struct model_task *t = &mt[k];

    if (m_spawns >= SPAWNS || (t->spawned && !t->done)) {
        return -1;
    }
    m_spawns++;
    m_alive++;
    memset(t, 0, sizeof *t);
    t->spawned = 1;
    t->act[0].block = prog.root[k];
    enqueue(k, FIRST);
    return 0;
}

static int m_set(int f, int value)
{
    int k, first;

    if (mf[f].set) {
        return ASYNC_EALREADY;
    }
    mf[f].set = 1;
    mf[f].value = value;
    for (;;) {
        first = -1;
        for (k = 0; k < prog.tasks; k++) {
            if (mt[k].place == AT_FUTURE && mt[k].on == f
                && (first < 0 || mt[k].order < mt[first].order)) {
                first = k;
            }
        }
        if (first < 0) {
            return 0;
        }
        mt[first].grant = value;
        enqueue(first, GRANTED);
    }
}

static void m_call(struct model_watch *w)
{
    w->used = w->live = 0;
    write_event(m_time, w->task, 0, CALLED,
                mt[w->task].done ? mt[w->task].result : ASYNC_PENDING);
    if (w->body == 1) {
        (void)m_set(w->handler, 7);
    } else if (w->body == 2) {
        (void)m_cancel(w->handler);
    } else if (w->body == 3) {
        write_event(m_time, w->handler, 0, SPAWN, m_spawn(w->handler));
    }
}

static void m_finish(int k, int rc)
{
    int live[OPS], n = 0, i, first;

    mt[k].done = 1;
    mt[k].place = NOWHERE;
    mt[k].result = rc == ASYNC_CANCEL ? ASYNC_ECANCELED : rc;
    m_alive--;
    if (m_until == k) {
        m_stop = 1;
        m_until = -2;
        m_until_result = mt[k].result;
    }
    for (;;) {
        first = -1;
        for (i = 0; i < prog.tasks; i++) {
            if (mt[i].place == AT_TASK && mt[i].on == k
                && (first < 0 || mt[i].order < mt[first].order)) {
                first = i;
            }
        }
        if (first < 0) {
            break;
        }
        mt[first].grant = mt[k].result;
        enqueue(first, GRANTED);
    }
    for (;;) {                  /* those registered up to now, in order */
        first = -1;
        for (i = 0; i < prog.ops; i++) {
            if (mw[i].live == 1 && mw[i].task == k
                && (first < 0 || mw[i].order < mw[first].order)) {
                first = i;
            }
        }
        if (first < 0) {
            break;
        }
        mw[first].live = 2;
        live[n++] = first;
    }
    for (i = 0; i < n; i++) {
        m_call(&mw[live[i]]);
    }
}

static int park(struct model_task *t, enum place place, int on)
{
    t->place = place;
    t->on = on;
    t->order = m_order++;
    return ASYNC_PENDING;
}

static int m_yield(int k, enum why why)
{
    if (why == YIELDED) {
        return 0;
    }
    if (undelivered(&mt[k])) {
        return deliver(&mt[k]);
    }
    enqueue(k, YIELDED);
    return ASYNC_PENDING;
}

static int m_sleep(int k, enum why why, long deadline, int already)
{
    struct model_task *t = &mt[k];

    if (why == GRANTED) {
        return 0;
    }
    if (already) {
        return m_yield(k, why);
    }
    if (undelivered(t)) {
        return deliver(t);
    }
    t->deadline = deadline;
    return park(t, ASLEEP, 0);
}

static int m_join(int k, enum why why, int on, int shield)
{
    struct model_task *t = &mt[k];
    int rc, target = on, n = 0;

    while (target != k && mt[target].place == AT_TASK && n++ < TASKS) {
        target = mt[target].on;
    }
    if (why == GRANTED) {
        rc = t->grant;
    } else if (!mt[on].spawned) {
        rc = ASYNC_EINVAL;
    } else if (target == k) {
        rc = ASYNC_EDEADLK;
    } else if (mt[on].done) {
        rc = mt[on].result;
    } else if (shield) {
        return undelivered(t) ? deliver(t) : park(t, AT_TASK, on);
    } else {
        if (undelivered(t) && !t->forwarded) {
            t->forwarded = 1;
            (void)m_cancel(on);
        }
        return park(t, AT_TASK, on);
    }
    if (!shield) {
        t->forwarded = 0;
        if (rc == ASYNC_ECANCELED && undelivered(t)) {
            return deliver(t);
        }
    }
    return rc;
}

static int m_irq_wait(int k, enum why why, int i)
{
    struct model_task *t = &mt[k];
    int count = mi[i].count;

    (void)why;
    if (mi[i].waiter >= 0 && mi[i].waiter != k) {
        return ASYNC_EBUSY;
    }
    mi[i].count = 0;
    if (count != 0 || undelivered(t)) {
        mi[i].waiter = -1;
        return count != 0 ? count : deliver(t);
    }
    if (mi[i].waiter < 0) {
        mi[i].waiter = k;
        mi[i].order = m_order++;
    }
    return park(t, AT_IRQ, i);
}

static int m_leaf(int k, struct model_act *act, const struct op *op)
{
    struct model_task *t = &mt[k];
    enum why why = t->why;

    t->why = NONE;
    switch (op->kind) {
    case YIELD:
        return m_yield(k, why);
    case SLEEP:
        return m_sleep(k, why, m_now + op->a, op->a <= 0);
    case UNTIL:
        return m_sleep(k, why, act->until, act->until <= m_now);
    case WAIT:
        if (why == GRANTED) {
            return t->grant;
        }
        if (mf[op->a].set) {
            return mf[op->a].value;
        }
        return undelivered(t) ? deliver(t) : park(t, AT_FUTURE, op->a);
    case JOIN: case JOIN_RESULT:
        return m_join(k, why, op->a, 0);
    case SHIELD:
        return m_join(k, why, op->a, 1);
    case POLL:
        if (act->n++ >= op->a) {
            return 0;
        }
        if (undelivered(t)) {
            return deliver(t);
        }
        enqueue(k, AGAIN);
        return ASYNC_PENDING;
    case IRQ_WAIT:
        return m_irq_wait(k, why, op->a);
    default:
        return 0;
    }
}

static void m_act(int k, int depth, const struct op *op)
{
    struct model_watch *w = &mw[op - prog.op];
    int rc = 0;

    switch (op->kind) {
    case SET: rc = m_set(op->a, op->b); break;
    case CANCEL: rc = m_cancel(op->a); break;
    case SPAWN: rc = m_spawn(op->a); break;
    case BUSY:
        rc = may_be_busy(m_time - m_now, op->a);
        m_time += rc ? op->a : 0;
        break;
    case MOVE: rc = m_move(op->b, op->body, op->a); break;
    case WATCH:
        if (w->used) {
            rc = -1;
        } else if (!mt[op->a].spawned) {
            rc = ASYNC_EINVAL;
        } else {
            w->used = 1;
            w->body = op->body;
            w->handler = op->handler;
            w->task = op->a;
            w->order = m_order++;
            w->live = 1;
            if (mt[op->a].done) {
                m_call(w);
            }
        }
        break;
    case RAISE:
        mi[op->a].count++;
        m_notified = 1;
        break;
    case STOP:
        m_stop = 1;
        break;
    default:
        break;
    }
    write_event(m_time, k, depth + 1, op->kind, rc);
}

static void push(struct model_task *t, int block)
{
    struct model_act *act = &t->act[++t->top];

    act->block = block;
    act->pc = act->phase = act->n = 0;
}

/* The block on top has ended with rc: what does the one around it do? Gives
 * true when that goes on behind it, false when it ends as well. */
static int m_inner_ended(struct model_task *t, int k, int *rc)
{
    struct model_act *act = &t->act[t->top];
    const struct op *op = &prog.op[prog.block[act->block].first + act->pc];

    switch (op->kind) {
    case CATCH: case CATCH_ALL:
        if (act->phase == 0) {
            if (*rc >= 0) {
                return 1;
            }
            if (op->kind == CATCH && *rc == ASYNC_CANCEL) {
                return 0;
            }
            act->e = *rc;
            write_event(m_time, k, t->top + 1, CAUGHT, *rc);
            act->phase = 1;
            push(t, op->handler);
            return 2;
        }
        if (*rc >= 0 && op->kind == CATCH_ALL && op->a != 0) {
            *rc = act->e;
        }
        return *rc >= 0;
    case FINALLY:
        if (act->phase == 0) {
            act->e = *rc;
            act->phase = 1;
            push(t, op->handler);
            return 2;
        }
        if (*rc >= 0) {
            *rc = act->e;
        }
        return *rc >= 0;
    case TIMEOUT: case TIMEOUT_BLOCK:
        *rc = leave(t, t->top, *rc);
        return *rc >= 0;
    default:
        *rc = leave(t, t->top, *rc);
        return *rc != ASYNC_CANCEL;
    }
}

/* The task k runs until it suspends or ends. */
static void m_run(int k)
{
    struct model_task *t = &mt[k];
    int rc;

    if (t->why == FIRST) {
        if (undelivered(t)) {
            m_finish(k, ASYNC_CANCEL);
            return;
        }
        t->why = NONE;
    }
    t->place = NOWHERE;
    for (;;) {
        struct model_act *act = &t->act[t->top];
        const struct op *op = &prog.op[prog.block[act->block].first + act->pc];
        int go_on = 1;

        rc = 0;
        if (act->pc >= prog.block[act->block].n) {
            go_on = 0;
        } else if (op->kind <= LAST_LEAF) {
            if (t->why == NONE) {
                act->n = 0;
                act->until = m_now + op->a;
            }
            if (op->kind != NOP) {
                rc = m_leaf(k, act, op);
                write_event(m_time, k, t->top + 1, op->kind, rc);
            } else {
                act->pc++;
                continue;
            }
            if (rc == ASYNC_PENDING) {
                suspends(t);
                return;
            }
            go_on = rc >= 0 || (op->kind == JOIN_RESULT && rc != ASYNC_CANCEL);
        } else if (op->kind == RETURN_ || op->kind == RAISE_) {
            rc = op->kind == RETURN_ ? op->a : error_of(op->a);
            go_on = 0;
        } else if (op->kind < CATCH) {
            m_act(k, t->top, op);
        } else {
            act->phase = 0;
            if (op->kind >= TIMEOUT) {
                enter(k, t->top, op->a, op->kind != TIMEOUT_BLOCK);
            }
            push(t, op->body);
            continue;
        }
        while (!go_on) {
            if (t->top == 0) {
                m_finish(k, rc);
                return;
            }
            t->top--;
            go_on = m_inner_ended(t, k, &rc);
        }
        if (go_on != 2) {
            write_event(m_time, k, t->top + 1, ENDED, 0);
            t->act[t->top].pc++;
        }
    }
}

/* The earliest timer: a sleeper (depth -1) or a scope. */
static int earliest(int *task, int *depth, long *key)
{
    long order = 0;
    int k, i, found = 0;

    for (k = 0; k < prog.tasks; k++) {
        struct model_task *t = &mt[k];

        if (t->place == ASLEEP
            && (!found || t->deadline < *key
                || (t->deadline == *key && t->order < order))) {
            found = 1;
            *task = k;
            *depth = -1;
            *key = t->deadline;
            order = t->order;
        }
        for (i = 0; i < t->inner; i++) {
            struct scope *s = &t->act[t->scopes[i]].scope;

            if (s->armed && (!found || s->key < *key
                             || (s->key == *key && s->order < order))) {
                found = 1;
                *task = k;
                *depth = t->scopes[i];
                *key = s->key;
                order = s->order;
            }
        }
    }
    return found;
}

static int waited_for(void)
{
    int i, any = 0;

    for (i = 0; i < IRQS; i++) {
        any = any || mi[i].waiter >= 0;
    }
    return any;
}

static void m_interrupts(void)
{
    int i;

    for (i = 0; i < IRQS; i++) {
        if (mi[i].waiter >= 0) {
            mi[i].count++;
            m_notified = 1;
        }
    }
}

static void m_dispatch(void)
{
    int i, last;
    int seen[IRQS] = {0};

    m_notified = 0;
    for (;;) {                          /* whoever waited last comes first */
        last = -1;
        for (i = 0; i < IRQS; i++) {
            if (mi[i].waiter >= 0 && !seen[i]
                && (last < 0 || mi[i].order > mi[last].order)) {
                last = i;
            }
        }
        if (last < 0) {
            return;
        }
        seen[last] = 1;
        if (mi[last].count != 0 && mt[mi[last].waiter].place == AT_IRQ) {
            enqueue(mi[last].waiter, GRANTED);
        }
    }
}

static int m_turns(int until)
{
    int task = 0, depth = 0, n, i;
    long key = 0;

    m_until = until;
    if (until >= 0 && mt[until].done) {
        return mt[until].result;
    }
    while (prog.step || !m_stop) {
        if (queued == 0) {
            if (m_alive == 0) {
                return 0;
            }
            if (m_notified) {
                /* no sleep */
            } else if (earliest(&task, &depth, &key)) {
                m_time = key > m_time ? key : m_time;
            } else if (waited_for()) {
                m_interrupts();
            } else {
                return ASYNC_EDEADLK;
            }
        }
        m_now = m_time;
        if (m_notified) {
            m_dispatch();
        }
        while (earliest(&task, &depth, &key) && key <= m_now) {
            if (depth < 0) {
                mt[task].grant = 0;
                enqueue(task, GRANTED);
            } else {
                struct scope *s = &mt[task].act[depth].scope;

                if (s->deadline > m_now) {
                    arm(s, s->deadline);
                } else {
                    s->armed = 0;
                    fire(task, depth);
                }
            }
        }
        n = queued;
        while (n-- > 0) {
            int k = queue[0];

            queued--;
            for (i = 0; i < queued; i++) {
                queue[i] = queue[i + 1];
            }
            m_run(k);
        }
    }
    m_stop = 0;
    return m_until == -2 ? m_until_result : ASYNC_EINTR;
}

static void run_model(void)
{
    int i, rc, round;

    writing = &model;
    model.n = 0;
    memset(mt, 0, sizeof mt);
    memset(mw, 0, sizeof mw);
    memset(mf, 0, sizeof mf);
    for (i = 0; i < IRQS; i++) {
        mi[i].count = 0;
        mi[i].waiter = -1;
    }
    queued = m_spawns = m_alive = m_stop = m_notified = 0;
    m_time = 0;
    m_now = 0;
    m_order = 0;
    m_until = -1;
    for (i = 0; i < (prog.tasks + 1) / 2; i++) {
        (void)m_spawn(i);
    }
    rc = m_turns(prog.until && !prog.step ? 0 : -1);
    write_event(m_time, 0, 0, RAN, rc);
    for (round = 0; m_alive != 0 && round < 200; round++) {
        if (rc == ASYNC_EDEADLK) {
            if (prog.close) {
                return;
            }
            for (i = 0; i < FUTURES && round == 0; i++) {
                (void)m_set(i, i);
            }
            for (i = 0; i < prog.tasks && round > 0; i++) {
                (void)m_cancel(i);
            }
        }
        rc = m_turns(-1);
        write_event(m_time, 0, 0, RAN, rc);
    }
    for (i = 0; i < prog.tasks && !prog.close; i++) {
        write_event(m_time, i, 0, RESULT, mt[i].spawned ? mt[i].result
                                                        : ASYNC_PENDING);
    }
}

/* ---- many of them -------------------------------------------------------- */

static unsigned long seed;

static int disagree(void)
{
    int ended;

    run_model();
    ended = run_real();
    /* What cancel_all does, and in what order, is not in the model. */
    if (!ended || real.n < model.n || (real.n > model.n && !prog.close)) {
        return 1;
    }
    return memcmp(real.event, model.event,
                  (size_t)model.n * sizeof real.event[0]) != 0;
}

/* Leave out whatever the failure does not need. */
static void shrink(void)
{
    int i, again = 1;
    struct op kept;

    while (again) {
        again = 0;
        for (i = 0; i < prog.ops; i++) {
            kept = prog.op[i];
            if (kept.kind != NOP) {
                prog.op[i].kind = NOP;
                if (disagree()) {
                    again = 1;
                } else {
                    prog.op[i] = kept;
                }
            }
        }
    }
}

static void died(int number)
{
    printf("FAIL model: seed %lu: %s\n", seed,
           number == SIGALRM ? "it hangs" : "it crashes");
    show_program();
    fflush(stdout);
    _exit(1);
}

int main(int argc, char **argv)
{
    unsigned long first, last, n = 0, events = 0;

    signal(SIGSEGV, died);
    signal(SIGABRT, died);
    signal(SIGALRM, died);
    setvbuf(stdout, NULL, _IOLBF, 0);
    first = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
    last = argc > 2 ? strtoul(argv[2], NULL, 0) : first;
    for (seed = first; seed <= last; seed++) {
        make_program(seed);
        if (seed % 64 == 0 || argc <= 2) {
            alarm(10);
        }
        if (disagree()) {
            printf("FAIL model: seed %lu\n", seed);
            alarm(10);
            shrink();
            (void)disagree();
            show_program();
            show_transcripts();
            return 1;
        }
        n++;
        events += (unsigned long)model.n;
    }
    if (argc <= 2) {
        int i;

        show_program();
        for (i = 0; i < real.n; i++) {
            show_event("", &real.event[i]);
        }
    }
    printf("  %lu programs, %lu steps\n", n, events);
    return 0;
}

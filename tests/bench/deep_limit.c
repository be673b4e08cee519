/* Coroutines that await each other, so many levels deep, by hand.
 *
 * deep-N: a task whose innermost coroutine of N yields for ever. The task
 * remembers the innermost one, so a resume costs the same at any depth.
 * deep-call-N: the N levels are called, the innermost returns at once, and so
 * do all; nobody is suspended. */
#include "bench.h"

struct level {
    uint16_t point;
    struct level *inner;
    int (*resume)(struct level *self);
};

struct task {
    struct task *next;
    struct level *innermost;
};

enum { PENDING = -1 };

static struct task *head, **tail = &head;
static struct task task;
static struct level *levels;
static long left;
static int stopped;

static void push(struct task *it)
{
    it->next = NULL;
    *tail = it;
    tail = &it->next;
}

static BENCH_NOINLINE int yield_below(struct level *self)
{
    switch (self->point) {
    case 0:
        if (self->inner) {
            self->point = 2;
            return yield_below(self->inner);
        }
        task.innermost = self;
        for (;;) {
            if (--left == 0) {
                stopped = 1;
            }
            self->point = 1;
            return PENDING;
    case 1:;
        }
    }
    return 0;
}

static BENCH_NOINLINE int answer_below(struct level *self)
{
    int result = 1;
    switch (self->point) {
    case 0:
        if (self->inner) {
            self->point = 1;
            /* fall through */
    case 1:
            result = answer_below(self->inner);
            if (result == PENDING) {
                return PENDING;
            }
        }
    }
    self->point = 0;
    return result;
}

static void run(long size, long count)
{
    (void)size;
    left = count;
    stopped = 0;
    while (!stopped) {
        struct task *it = head;
        head = it->next;
        if (head == NULL) {
            tail = &head;
        }
        if (it->innermost->resume(it->innermost) == PENDING) {
            push(it);
        }
    }
}

static void prepare_call(long size, long count)
{
    (void)count;
    levels = bench_memory(size, sizeof *levels);
    for (long i = 0; i < size; i++) {
        levels[i].inner = i + 1 < size ? &levels[i + 1] : NULL;
        levels[i].resume = yield_below;
    }
}

static void prepare(long size, long count)
{
    prepare_call(size, count);
    task.innermost = levels;
    push(&task);
    run(size, 1);
}

static void run_call(long size, long count)
{
    long sum = 0;
    (void)size;
    for (long i = 0; i < count; i++) {
        sum += answer_below(levels);
    }
    bench_check(sum == count, "every call was answered");
}

const struct bench bench_list[] = {
    {"deep-1", BENCH_WALL, 1, 10000000, 100000, prepare, run},
    {"deep-4", BENCH_WALL, 4, 10000000, 100000, prepare, run},
    {"deep-16", BENCH_WALL, 16, 10000000, 100000, prepare, run},
    {"deep-64", BENCH_WALL, 64, 10000000, 100000, prepare, run},
    {"deep-call-1", BENCH_WALL, 1, 10000000, 100000, prepare_call, run_call},
    {"deep-call-64", BENCH_WALL, 64, 1000000, 100000, prepare_call, run_call},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

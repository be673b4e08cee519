/* Switching between tasks, by hand: an intrusive FIFO of coroutines that yield
 * for ever. One global counts the switches and ends the loop. */
#include "bench.h"

struct task {
    struct task *next;
    int (*resume)(void *frame);
    void *frame;
};

struct yielder {
    uint16_t point;
    struct task task;
};

enum { PENDING = -1 };

static struct task *head;
static struct task **tail = &head;
static long left;
static int stopped;

static void push(struct task *task)
{
    task->next = NULL;
    *tail = task;
    tail = &task->next;
}

static int yield_for_ever(void *frame)
{
    struct yielder *self = frame;
    switch (self->point) {
    case 0:
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

static void run(long size, long count)
{
    (void)size;
    left = count;
    stopped = 0;
    while (!stopped) {
        struct task *task = head;
        head = task->next;
        if (head == NULL) {
            tail = &head;
        }
        if (task->resume(task->frame) == PENDING) {
            push(task);
        }
    }
}

static void prepare_in(const uint32_t *order, long size)
{
    struct yielder *tasks = bench_memory(size, sizeof *tasks);
    for (long i = 0; i < size; i++) {
        struct yielder *self = &tasks[order ? order[i] : (uint32_t)i];
        self->task.resume = yield_for_ever;
        self->task.frame = self;
        push(&self->task);
    }
    run(size, size);
}

static void prepare(long size, long count)
{
    (void)count;
    prepare_in(NULL, size);
}

static void prepare_shuffled(long size, long count)
{
    (void)count;
    prepare_in(bench_shuffled(size), size);
}

const struct bench bench_list[] = {
    {"switch-2", BENCH_WALL, 2, 20000000, 200000, prepare, run},
    {"switch-100", BENCH_WALL, 100, 20000000, 200000, prepare, run},
    {"switch-10000", BENCH_WALL, 10000, 20000000, 0, prepare, run},
    {"switch-1000000", BENCH_WALL, 1000000, 10000000, 0, prepare, run},
    {"switch-10000-shuffled", BENCH_WALL, 10000, 20000000, 0,
     prepare_shuffled, run},
    {"switch-1000000-shuffled", BENCH_WALL, 1000000, 3000000, 0,
     prepare_shuffled, run},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

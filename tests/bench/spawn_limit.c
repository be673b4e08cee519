/* Spawn and join, by hand: a parent fills in a child that lies in its own
 * memory, queues it and waits; the child ends and queues the parent again. */
#include "bench.h"

/* A frame starts with its task. */
struct task {
    struct task *next;
    int (*resume)(struct task *self);
    struct task *joiner;
    int result;
    uint16_t point;
};

enum { PENDING = -1 };

struct child {
    struct task task;
    int value;
};

struct parent {
    struct task task;
    long left;
    long sum;
    struct child child;
};

static struct task *head;
static struct task **tail = &head;

static void push(struct task *task)
{
    task->next = NULL;
    *tail = task;
    tail = &task->next;
}

static void spawn(struct task *task, int (*resume)(struct task *self))
{
    task->resume = resume;
    task->joiner = NULL;
    task->result = PENDING;
    push(task);
}

static int join(struct task *task, struct task *current)
{
    if (task->result == PENDING) {
        task->joiner = current;
    }
    return task->result;
}

static int child(struct task *task)
{
    struct child *self = (struct child *)task;
    return self->value;
}

static int parent(struct task *task)
{
    struct parent *self = (struct parent *)task;
    switch (task->point) {
    case 0:
        for (; self->left > 0; self->left--) {
            self->child.value = 1;
            spawn(&self->child.task, child);
            task->point = 1;
            /* fall through */
    case 1:
            if (join(&self->child.task, task) == PENDING) {
                return PENDING;
            }
            self->sum += self->child.task.result;
        }
    }
    return 0;
}

static void run(long size, long count)
{
    struct parent frame = {0};
    (void)size;
    frame.left = count;
    spawn(&frame.task, parent);
    while (head) {
        struct task *task = head;
        head = task->next;
        if (head == NULL) {
            tail = &head;
        }
        int result = task->resume(task);
        if (result != PENDING) {
            task->result = result;
            if (task->joiner) {
                push(task->joiner);
            }
        }
    }
    bench_check(frame.sum == count, "every child was joined");
}

const struct bench bench_list[] = {
    {"spawn-join", BENCH_WALL, 1, 10000000, 100000, NULL, run},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

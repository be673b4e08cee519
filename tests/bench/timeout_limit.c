/* Timeouts that never fire, by hand, while ten thousand other timers wait.
 *
 * timeout-ready: armed and disarmed around something that is ready at once.
 * timeout-yield: armed and disarmed around one trip through the ready queue.
 * timeout-later: a deadline that only moves later. Its timer stays where it
 * is, and would move on when it came due. */
#include "bench.h"
#include "wheel.h"

struct task {
    struct task *next;
    int (*resume)(void *frame);
    void *frame;
};

enum { PENDING = -1, OTHERS = 10000 };

#define TIMEOUT 30000000000u /* 30 s */

static struct wheel wheel;
static struct task *head;
static struct task **tail = &head;

struct worker {
    uint16_t point;
    long left;
    uint64_t deadline;
    struct timer timer;
};

static void push(struct task *task)
{
    task->next = NULL;
    *tail = task;
    tail = &task->next;
}

static void arm(struct worker *self)
{
    self->timer.deadline = wheel.now + wheel_tick(TIMEOUT) + 1;
    wheel_add(&wheel, &self->timer);
}

static int ready(void)
{
    return 0;
}

/* The compiler must not know which operation it is. */
static int (*volatile operation)(void) = ready;

static void run_ready(long size, long count)
{
    static struct worker worker;
    (void)size;
    for (long i = 0; i < count; i++) {
        arm(&worker);
        if (operation() == PENDING) {
            break;
        }
        wheel_remove(&worker.timer);
    }
}

static int yield_in_time(void *frame)
{
    struct worker *self = frame;
    switch (self->point) {
    case 0:
        for (; self->left > 0; self->left--) {
            arm(self);
            self->point = 1;
            return PENDING;
    case 1:
            wheel_remove(&self->timer);
        }
    }
    return 0;
}

static void run_yield(long size, long count)
{
    static struct worker worker;
    static struct task task;
    (void)size;
    worker.left = count;
    task.resume = yield_in_time;
    task.frame = &worker;
    push(&task);
    while (head) {
        struct task *current = head;
        head = current->next;
        if (head == NULL) {
            tail = &head;
        }
        if (current->resume(current->frame) == PENDING) {
            push(current);
        }
    }
}

static BENCH_NOINLINE void move_later(struct worker *self)
{
    uint64_t deadline = wheel.now + wheel_tick(TIMEOUT) + 1;
    if (deadline < self->timer.deadline) {
        wheel_remove(&self->timer);
        self->timer.deadline = deadline;
        wheel_add(&wheel, &self->timer);
    }
    self->deadline = deadline;
}

static void run_later(long size, long count)
{
    static struct worker worker;
    (void)size;
    arm(&worker);
    for (long i = 0; i < count; i++) {
        move_later(&worker);
    }
    wheel_remove(&worker.timer);
}

static void prepare(long size, long count)
{
    struct timer *others = bench_memory(OTHERS, sizeof *others);
    (void)size;
    (void)count;
    wheel.now = wheel_tick(bench_now());
    for (int i = 0; i < OTHERS; i++) {
        others[i].deadline = wheel.now + wheel_tick(TIMEOUT)
                             + bench_random() % wheel_tick(TIMEOUT);
        wheel_add(&wheel, &others[i]);
    }
}

const struct bench bench_list[] = {
    {"timeout-ready", BENCH_WALL, 1, 10000000, 100000, prepare, run_ready},
    {"timeout-yield", BENCH_WALL, 1, 10000000, 100000, prepare, run_yield},
    {"timeout-later", BENCH_WALL, 1, 20000000, 100000, prepare, run_later},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

/* The blink with what a firmware author writes by hand when the super-loop has
 * grown too long: tasks as state machines, a FIFO of the ready ones, a list of
 * the sleeping ones sorted by time, and a cancel. No results, joins, errors. */
#define BOARD_TICKS
#include <stdbool.h>
#include <stddef.h>
#include "board.h"

enum { IDLE, READY, SLEEPING };

struct task {
    struct task *next;
    void (*fn)(struct task *self);
    board_time time;
    uint8_t state;
    uint8_t point;
    bool canceled;
};

static struct task *first, *last;       /* ready */
static struct task *sleeping;
static struct task fast_task, slow_task;

static void ready(struct task *task)
{
    task->state = READY;
    task->next = NULL;
    if (first == NULL) {
        first = task;
    } else {
        last->next = task;
    }
    last = task;
}

static void spawn(struct task *task, void (*fn)(struct task *self))
{
    task->fn = fn;
    task->point = 0;
    task->canceled = false;
    ready(task);
}

static void sleep_for(struct task *task, board_time ticks)
{
    struct task **at = &sleeping;
    board_time now = board_now();

    task->state = SLEEPING;
    task->time = (board_time)(now + ticks);
    while (*at != NULL && (board_time)((*at)->time - now) <= ticks) {
        at = &(*at)->next;
    }
    task->next = *at;
    *at = task;
}

static void cancel(struct task *task)
{
    struct task **at = &sleeping;

    if (task->state == IDLE) {
        return;
    }
    task->canceled = true;
    if (task->state == SLEEPING) {
        while (*at != task) {
            at = &(*at)->next;
        }
        *at = task->next;
        ready(task);
    }
}

static void run(void)
{
    for (;;) {
        struct task *task;
        board_time now = board_now();

        while ((task = sleeping) != NULL
               && (board_time)(now - task->time)
                  < (board_time)((board_time)-1 / 2)) {
            sleeping = task->next;
            ready(task);
        }
        while ((task = first) != NULL) {
            first = task->next;
            task->state = IDLE;
            task->fn(task);
        }
        BOARD_KEEP_OUT();
        if (board_ticks == now) {
            BOARD_LET_IN();
            BOARD_SLEEP();
        }
        BOARD_LET_IN();
    }
}

static void fast(struct task *self)
{
    if (self->canceled) {
        return;
    }
    board_toggle(FAST);
    sleep_for(self, 100);
}

static void slow(struct task *self)
{
    board_toggle(SLOW);
    if (self->point == 2) {
        cancel(&fast_task);
    } else {
        self->point++;
    }
    sleep_for(self, 330);
}

int main(void)
{
    board_open();
    spawn(&fast_task, fast);
    spawn(&slow_task, slow);
    run();
    return 0;
}

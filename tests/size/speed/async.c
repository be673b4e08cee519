/* The same with async.h: coroutines, tasks, an irq. */
#include "speed.h"

static bool level;

/* When there is nothing to do, an interrupt comes. */
#define ASYNC_CLOCK() ((async_ticks)0)
#define ASYNC_IDLE(loop, ticks) \
    do { \
        began = count(); \
        board_button_push(level = !level); \
        SLEEP(); \
    } while (0)
#define ASYNC_STATIC
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct frame { async_frame frame; };

static async_loop loop;
static async_irq irq;
static struct frame stop_frame, turn_frame[2], wait_frame;
static async_task turn_task[2], wait_task;
static volatile bool never;

void board_on_button(void)
{
    async_irq_raise(&irq);
}

__attribute__((noinline)) static ASYNC stopped(struct frame *self)
{
    ASYNC_BEGIN(self);
    AWAIT_UNTIL(never);
    ASYNC_END;
}

static ASYNC taking_turns(struct frame *self)
{
    ASYNC_BEGIN(self);
    do {
        turns++;
        AWAIT(async_yield());
    } while (turns < ROUNDS);
    ASYNC_END;
}

static ASYNC waiting(struct frame *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_irq_wait(&irq));
    took = count();
    ASYNC_END;
}

static void take_turns(void)
{
    turns = 0;
    async_spawn(&turn_task[0], taking_turns, &turn_frame[0]);
    async_spawn(&turn_task[1], taking_turns, &turn_frame[1]);
    async_loop_run(&loop, NULL);
}

static void wait(void)
{
    async_spawn(&wait_task, waiting, &wait_frame);
    async_loop_run(&loop, NULL);
}

int main(void)
{
    uint8_t i;
    count_t from, few;

    board_open_quiet();
    board_button_open();
    async_loop_open(&loop);
    async_irq_open(&irq);
    measure_nothing();
    if (stopped(&stop_frame) != ASYNC_PENDING) {
        board_exit(1);
    }

    from = count();
    for (i = 0; i < ROUNDS; i++) {
        if (stopped(&stop_frame) != ASYNC_PENDING) {
            board_exit(1);
        }
    }
    took = count();
    report("resume", from, took, ROUNDS);

    /* The turns alone: what two tasks cost that end at once is taken off. */
    turns = ROUNDS;
    async_spawn(&turn_task[0], taking_turns, &turn_frame[0]);
    async_spawn(&turn_task[1], taking_turns, &turn_frame[1]);
    from = count();
    async_loop_run(&loop, NULL);
    few = (count_t)(count() - from);
    turns = 0;
    async_spawn(&turn_task[0], taking_turns, &turn_frame[0]);
    async_spawn(&turn_task[1], taking_turns, &turn_frame[1]);
    from = count();
    async_loop_run(&loop, NULL);
    took = count();
    from = (count_t)(from + few - nothing);
    report("switch", (count_t)(from + counting), took, ROUNDS);

    wait();
    report("wake", began, took, 1);
    measure_stack(take_turns);
    board_exit(!ended);
    return 0;
}

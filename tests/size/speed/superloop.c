/* By hand: state machines that a loop calls one after the other, and a flag
 * that an interrupt sets. */
#include "speed.h"

static volatile bool happened;
static uint8_t state[2];
static bool level;

void board_on_button(void)
{
    happened = true;
}

__attribute__((noinline)) static void machine(uint8_t *at)
{
    switch (*at) {
    case 0:
        *at = 1;
        break;
    case 1:
        turns++;
        break;
    }
}

static void (*const machines[2])(uint8_t *at) = { machine, machine };

static void take_turns(void)
{
    uint8_t i = 0;

    turns = 0;
    do {
        machines[i](&state[i]);
        i ^= 1;
    } while (turns < ROUNDS);
}

/* When there is nothing to do, an interrupt comes. */
static count_t wait(void)
{
    count_t now;

    for (;;) {
        KEEP_OUT();
        if (!happened) {
            began = count();
            board_button_push(level = !level);
            SLEEP();
        }
        LET_IN();
        if (happened) {
            now = count();
            happened = false;
            return now;
        }
    }
}

int main(void)
{
    uint8_t i;
    count_t from;

    board_open_quiet();
    board_button_open();
    measure_nothing();
    machine(&state[0]);
    machine(&state[1]);

    from = count();
    for (i = 0; i < ROUNDS; i++) {
        machine(&state[0]);
    }
    took = count();
    report("resume", from, took, ROUNDS);

    from = count();
    take_turns();
    took = count();
    report("switch", (count_t)(from + counting), took, ROUNDS);

    took = wait();
    report("wake", began, took, 1);
    measure_stack(take_turns);
    board_exit(!ended);
    return 0;
}

/* idle: no tick; the processor sleeps until the next deadline.
 *
 *     make firmware DEMO=idle
 *
 * The clock is a hardware counter, and ASYNC_IDLE sets an alarm for the time
 * that the loop gives it. It measures how long it slept, too. */
#include "board.h"

#define ASYNC_TICK_HZ BOARD_HZ
#define ASYNC_CLOCK() board_counter()
#define ASYNC_IDLE(loop, ticks) idle(ticks)
static void idle(int32_t ticks);

#define ASYNC_IMPLEMENTATION
#include "async.h"

static uint32_t asleep;                 /* ticks */
static int sleeps;

/* Called with interrupts locked. */
static void idle(async_duration ticks)
{
    uint32_t before = board_counter();

    board_alarm(ticks == ASYNC_NEVER ? 0 : (uint32_t)ticks);
    ASYNC_PORT_SLEEP();
    board_alarm(0);
    asleep += board_counter() - before;
    sleeps++;
}

struct light {
    async_frame frame;
    async_task task;
    bool on;
};

static ASYNC blink(struct light *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        board_led(0, self->on = !self->on);
        AWAIT(async_sleep(ASYNC_MS(500)));
    }
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct light light;
    async_ticks start;
    uint32_t all;
    uint8_t i;
};

/* An hourglass on the serial port, and at its end the account. */
static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    async_spawn(&self->light.task, blink, &self->light);
    self->start = async_now();
    for (self->i = 1; self->i <= 4; self->i++) {
        AWAIT(async_sleep_until(self->start + (async_ticks)ASYNC_SEC(5)
                                              * self->i));
        board_print("%d s\n", 5 * self->i);
    }
    self->all = async_now() - self->start;
    board_print("asleep for %lu %% of it; woken %s\n",
                (unsigned long)(asleep / ((self->all + 99) / 100)),
                sleeps <= 100 ? "a few dozen times" : "far too often");
    ASYNC_END;
}

static struct program frame;

int main(void)
{
    board_open_tickless();
    board_exit(async_run(program, &frame));
    return 0;
}

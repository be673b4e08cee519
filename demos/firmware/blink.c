/* blink: two lights, each at a rate of its own.
 *
 *     make firmware DEMO=blink
 *
 * One coroutine, run twice. Between two toggles the processor sleeps. */
#define ASYNC_IMPLEMENTATION
#include "async.h"
#include "board.h"

struct light {
    async_frame frame;
    async_task task;
    const char *name;
    uint8_t pin;
    bool on;
    async_duration half;            /* a period */
};

static ASYNC blink(struct light *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        self->on = !self->on;
        board_led(self->pin, self->on);
        board_print("%5lu ms  %s %s\n", (unsigned long)async_now(), self->name,
                    self->on ? "on" : "off");
        AWAIT(async_sleep(self->half));
    }
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct light red, green;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    self->red.name = "red";
    self->red.half = ASYNC_MS(100);
    self->green.name = "      green";
    self->green.pin = 1;
    self->green.half = ASYNC_MS(330);
    async_spawn(&self->red.task, blink, &self->red);
    async_spawn(&self->green.task, blink, &self->green);
    AWAIT(async_sleep(ASYNC_SEC(1)));       /* enough for a demo */
    ASYNC_END;
}

static struct program frame;

int main(void)
{
    board_open();
    board_exit(async_run(program, &frame));
    return 0;
}

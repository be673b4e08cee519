/* The two-rate blink: two tasks that sleep, one of which cancels the other. */
#define BOARD_TICKS
#include "use.h"

struct led { async_frame frame; };

static async_task fast_task, slow_task;
static struct led fast_led, slow_led;

static ASYNC fast(struct led *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        board_toggle(FAST);
        AWAIT(async_sleep(ASYNC_MS(100)));
    }
    ASYNC_END;
}

static ASYNC slow(struct led *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        board_toggle(SLOW);
        AWAIT(async_sleep(ASYNC_MS(330)));
        board_toggle(SLOW);
        AWAIT(async_sleep(ASYNC_MS(330)));
        async_cancel(&fast_task);
    }
    ASYNC_END;
}

int main(void)
{
    async_loop loop;

    board_open();
    async_loop_open(&loop);
    async_spawn(&fast_task, fast, &fast_led);
    async_spawn(&slow_task, slow, &slow_led);
    async_loop_run(&loop, NULL);
    return 0;
}

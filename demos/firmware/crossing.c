/* crossing: a traffic light with a button for pedestrians.
 *
 *     make firmware DEMO=crossing
 *
 * A button bounces: one push is a dozen edges. The interrupt handler only
 * counts them; a coroutine waits until there were none for 20 ms, and looks
 * then. The light is another coroutine, which reads as the rules of the
 * crossing do. */
#define ASYNC_IMPLEMENTATION
#include "async.h"
#include "board.h"

static async_irq edge;
static async_event request;

void board_on_button(void)
{
    async_irq_raise(&edge);
}

static void say(const char *what)
{
    board_print("%6lu ms  %s\n", (unsigned long)async_now(), what);
}

/* ---- the button ---------------------------------------------------------- */

struct button {
    async_frame frame;
    async_task task;
    async_timeout quiet;
    int edges, n;
};

static ASYNC button(struct button *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT_VALUE(self->edges, async_irq_wait(&edge));
        do {
            AWAIT_RESULT(self->n, ASYNC_TIMEOUT(&self->quiet, ASYNC_MS(20),
                                                async_irq_wait(&edge)));
            self->edges += self->n > 0 ? self->n : 0;
        } while (self->n != ASYNC_ETIMEDOUT);
        if (board_button()) {
            board_print("%6lu ms    pushed: %d edges\n",
                        (unsigned long)async_now(), self->edges);
            async_event_set(&request);
        }
    }
    ASYNC_END;
}

/* ---- the light ----------------------------------------------------------- */

struct light {
    async_frame frame;
    async_task task;
    int i;
};

static ASYNC light(struct light *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        say("cars green");
        AWAIT(async_sleep(ASYNC_SEC(8)));       /* at least so long */
        AWAIT(async_event_wait(&request));
        say("cars yellow");
        AWAIT(async_sleep(ASYNC_SEC(2)));
        say("cars red");
        AWAIT(async_sleep(ASYNC_SEC(1)));
        async_event_clear(&request);
        say("  walk");
        AWAIT(async_sleep(ASYNC_SEC(5)));
        for (self->i = 0; self->i < 6; self->i++) {
            board_led(0, (self->i & 1) != 0);   /* hurry up */
            AWAIT(async_sleep(ASYNC_MS(250)));
        }
        say("  wait");
        AWAIT(async_sleep(ASYNC_SEC(2)));
    }
    ASYNC_END;
}

/* ---- a finger, for an emulator ------------------------------------------- */

struct finger {
    async_frame frame;
    int i;
};

/* Down or up, with bounces on the way. */
static ASYNC move(struct finger *self, bool down)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 5; self->i++) {
        board_button_push(((self->i & 1) == 0) == down);
        AWAIT(async_sleep(ASYNC_MS(3)));
    }
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct button button;
    struct light light;
    struct finger finger;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_irq_open(&edge));
    board_button_open();
    async_spawn(&self->button.task, button, &self->button);
    async_spawn(&self->light.task, light, &self->light);

    AWAIT(async_sleep(ASYNC_SEC(3)));
    say("    (a finger comes, during green)");
    AWAIT(move(&self->finger, true));
    AWAIT(async_sleep(ASYNC_MS(200)));
    AWAIT(move(&self->finger, false));
    AWAIT(async_sleep(ASYNC_SEC(12)));
    say("    (another one, while they walk)");
    AWAIT(move(&self->finger, true));
    AWAIT(async_sleep(ASYNC_MS(200)));
    AWAIT(move(&self->finger, false));
    AWAIT(async_sleep(ASYNC_MS(300)));
    say("    (a spike of 1 ms, and nobody there)");
    board_button_push(true);
    AWAIT(async_sleep(ASYNC_MS(1)));
    board_button_push(false);
    AWAIT(async_sleep(ASYNC_SEC(20)));
    ASYNC_END;
}

static struct program frame;

int main(void)
{
    board_open();
    board_exit(async_run(program, &frame));
    return 0;
}

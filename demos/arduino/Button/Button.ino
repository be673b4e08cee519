// A button from pin 2 to ground starts the light and stops it; held for a
// second, it makes it flicker. The button bounces, so the coroutine looks again
// when it has settled: no state machine, no timestamps.
#define ASYNC_IMPLEMENTATION
#include <async.h>

const uint8_t button_pin = 2;

struct light {
    async_frame frame;
    async_task task;
    int ms, outcome;
};

struct released {
    async_frame frame;
};

struct button {
    async_frame frame;
    async_task task;
    async_timeout held;
    struct released released;   // a coroutine that this one awaits
    int how;
};

static async_loop tasks;
static async_irq pressed;       // the way from the interrupt to the task
static struct light light_state;
static struct button button_state;

// All that the interrupt does is to say so: no press is lost.
static void on_press()
{
    async_irq_raise(&pressed);
}

static ASYNC light(struct light *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        for (;;) {
            digitalWrite(LED_BUILTIN, HIGH);
            AWAIT(async_sleep(ASYNC_MS(self->ms)));
            digitalWrite(LED_BUILTIN, LOW);
            AWAIT(async_sleep(ASYNC_MS(self->ms)));
        }
    } ASYNC_FINALLY(self->outcome) {
        digitalWrite(LED_BUILTIN, LOW);         // also when it is cancelled
    } ASYNC_TRY_END
    ASYNC_END;
}

static ASYNC released(struct released *self)
{
    ASYNC_BEGIN(self);
    do {
        AWAIT_UNTIL(digitalRead(button_pin) == HIGH);
        AWAIT(async_sleep(ASYNC_MS(20)));
    } while (digitalRead(button_pin) == LOW);
    ASYNC_END;
}

static ASYNC button(struct button *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT(async_irq_wait(&pressed));
        AWAIT(async_sleep(ASYNC_MS(20)));
        if (digitalRead(button_pin) == HIGH) {
            continue;                           // it was the release
        }
        if (async_cancel(&light_state.task) != 1) {
            light_state.ms = 400;
            async_spawn(&light_state.task, light, &light_state);
        }
        AWAIT_RESULT(self->how, ASYNC_TIMEOUT(&self->held, ASYNC_SEC(1),
                                              released(&self->released)));
        if (self->how == ASYNC_ETIMEDOUT) {     // still held
            light_state.ms = 40;
            if (async_done(&light_state.task)) {
                async_spawn(&light_state.task, light, &light_state);
            }
            AWAIT(released(&self->released));
        }
    }
    ASYNC_END;
}

void setup()
{
    pinMode(LED_BUILTIN, OUTPUT);
    pinMode(button_pin, INPUT_PULLUP);
    async_loop_open(&tasks);
    async_irq_open(&pressed);
    attachInterrupt(digitalPinToInterrupt(button_pin), on_press, FALLING);
    async_spawn(&button_state.task, button, &button_state);
}

void loop()
{
    async_loop_step(&tasks);
}

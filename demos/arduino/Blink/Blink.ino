// Two lights, each at a pace of its own: two coroutines, each in a task.
//
// What a coroutine has to remember while it waits is in its struct: local
// variables do not survive an AWAIT.
#define ASYNC_IMPLEMENTATION
#include <async.h>

struct blink {
    async_frame frame;          // where the coroutine is
    async_task task;            // lets it run beside others
    uint8_t pin;
    int ms;
};

static async_loop tasks;
static struct blink slow, fast;

static ASYNC blink(struct blink *self)
{
    ASYNC_BEGIN(self);
    pinMode(self->pin, OUTPUT);
    for (;;) {
        digitalWrite(self->pin, HIGH);
        AWAIT(async_sleep(ASYNC_MS(self->ms)));
        digitalWrite(self->pin, LOW);
        AWAIT(async_sleep(ASYNC_MS(self->ms)));
    }
    ASYNC_END;
}

void setup()
{
    async_loop_open(&tasks);
    slow.pin = LED_BUILTIN;
    slow.ms = 500;
    async_spawn(&slow.task, blink, &slow);
    fast.pin = 12;
    fast.ms = 130;
    async_spawn(&fast.task, blink, &fast);
}

void loop()
{
    async_loop_step(&tasks);    // runs what is due, and returns at once
    // whatever else the sketch does
}

// Commands over the serial line, while a light goes on blinking: type `fast`,
// `slow` or `stop`, each with a return. Who begins a line and does not end it
// within ten seconds is told so.
#define ASYNC_IMPLEMENTATION
#include <async.h>

struct blink {
    async_frame frame;
    async_task task;
    int ms;
};

struct line {
    async_frame frame;
    char text[16];
    uint8_t length;
};

struct commands {
    async_frame frame;
    async_task task;
    async_timeout patience;
    struct line line;
    int error;
};

static async_loop tasks;
static struct blink blink_state;
static struct commands commands_state;

static ASYNC blink(struct blink *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        digitalWrite(LED_BUILTIN, HIGH);
        AWAIT(async_sleep(ASYNC_MS(self->ms)));
        digitalWrite(LED_BUILTIN, LOW);
        AWAIT(async_sleep(ASYNC_MS(self->ms)));
    }
    ASYNC_END;
}

// The rest of a line, without its end.
static ASYNC read_line(struct line *self)
{
    int c;                      // not needed across an AWAIT: may be local

    ASYNC_BEGIN(self);
    self->length = 0;
    for (;;) {
        AWAIT_UNTIL(Serial.available() > 0);
        c = Serial.read();
        if (c == '\r' || c == '\n') {
            break;
        }
        if (self->length < sizeof self->text - 1) {
            self->text[self->length++] = (char)c;
        }
    }
    self->text[self->length] = '\0';
    ASYNC_END;
}

static void obey(const char *text)
{
    if (strcmp(text, "fast") == 0) {
        blink_state.ms = 100;
    } else if (strcmp(text, "slow") == 0) {
        blink_state.ms = 800;
    } else if (strcmp(text, "stop") == 0) {
        async_cancel(&blink_state.task);        // it ends in its sleep
        digitalWrite(LED_BUILTIN, LOW);
        return;
    } else {
        Serial.println("fast, slow or stop?");
        return;
    }
    if (async_done(&blink_state.task)) {
        async_spawn(&blink_state.task, blink, &blink_state);
    }
}

static ASYNC commands(struct commands *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT_UNTIL(Serial.available() > 0);
        AWAIT_RESULT(self->error,
                     ASYNC_TIMEOUT(&self->patience, ASYNC_SEC(10),
                                   read_line(&self->line)));
        if (self->error == ASYNC_ETIMEDOUT) {
            Serial.println("too slow");
        } else if (self->line.length > 0) {
            obey(self->line.text);
        }
    }
    ASYNC_END;
}

void setup()
{
    Serial.begin(9600);
    pinMode(LED_BUILTIN, OUTPUT);
    async_loop_open(&tasks);
    blink_state.ms = 800;
    async_spawn(&blink_state.task, blink, &blink_state);
    async_spawn(&commands_state.task, commands, &commands_state);
}

void loop()
{
    async_loop_step(&tasks);
}

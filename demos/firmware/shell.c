/* shell: a command line on the serial port, with line editing.
 *
 *     make firmware DEMO=shell
 *
 * The receive interrupt puts bytes into a ring and raises an irq; a coroutine
 * takes them out; another edits a line of them, and one runs the commands.
 * Left, right, backspace, ^A, ^E, ^U as usual, up for the line before; ^C
 * cancels a command that takes its time, which cleans up. */
#define ASYNC_IMPLEMENTATION
#include "async.h"
#include "board.h"

/* ---- the driver ---------------------------------------------------------- */

enum { RING = 64, LINE = 32 };          /* RING: a power of two */

static struct {
    volatile uint8_t byte[RING], head, tail;
} ring;
static async_irq received;

/* The handler. When the ring is full, the sender has to wait. */
void board_on_byte(uint8_t byte)
{
    ring.byte[ring.head % RING] = byte;
    ring.head++;
    if ((uint8_t)(ring.head - ring.tail) == RING) {
        board_listen(false);
    }
    async_irq_raise(&received);
}

/* Locked: the handler must not fill the ring, and stop listening, between the
 * two steps. */
static int take(void)
{
    uint8_t byte = ring.byte[ring.tail % RING];

    ASYNC_LOCK();
    ring.tail++;
    board_listen(true);
    ASYNC_UNLOCK();
    return byte;
}

struct reader {
    async_frame frame;
};

static ASYNC next_byte(struct reader *self)
{
    ASYNC_BEGIN(self);
    while (ring.tail == ring.head) {
        AWAIT(async_irq_wait(&received));
    }
    ASYNC_RETURN(take());
    ASYNC_END;
}

/* ---- a line -------------------------------------------------------------- */

struct editor {
    async_frame frame;
    struct reader reader;
    char text[LINE], before[LINE];
    uint8_t length, at;
    int key;
};

/* Print from the cursor to the end, wipe what was there, and come back. */
static void redraw(struct editor *self, uint8_t wipe)
{
    uint8_t i;

    for (i = self->at; i < self->length; i++) {
        board_put(self->text[i]);
    }
    for (i = 0; i < wipe; i++) {
        board_put(' ');
    }
    for (i = (uint8_t)(self->length + wipe); i > self->at; i--) {
        board_put('\b');
    }
}

static void insert(struct editor *self, char c)
{
    uint8_t i;

    if (self->length == LINE - 1) {
        board_put('\a');
        return;
    }
    for (i = self->length; i > self->at; i--) {
        self->text[i] = self->text[i - 1];
    }
    self->text[self->at] = c;
    self->length++;
    board_put(c);
    self->at++;
    redraw(self, 0);
}

static void erase(struct editor *self)
{
    uint8_t i;

    if (self->at == 0) {
        return;
    }
    for (i = self->at; i < self->length; i++) {
        self->text[i - 1] = self->text[i];
    }
    self->length--;
    self->at--;
    board_put('\b');
    redraw(self, 1);
}

static void go_to(struct editor *self, uint8_t at)
{
    for (; self->at > at; self->at--) {
        board_put('\b');
    }
    for (; self->at < at; self->at++) {
        board_put(self->text[self->at]);
    }
}

static void replace(struct editor *self, const char *text)
{
    uint8_t old = self->length;

    go_to(self, 0);
    self->length = 0;
    redraw(self, old);
    for (; *text != '\0'; text++) {
        insert(self, *text);
    }
}

/* AWAIT(read_line(&self->editor)): the next one that was entered. */
static ASYNC read_line(struct editor *self)
{
    uint8_t i;

    ASYNC_BEGIN(self);
    for (i = 0; i <= self->length; i++) {
        self->before[i] = self->text[i];
    }
    self->length = self->at = 0;
    for (;;) {
        AWAIT_VALUE(self->key, next_byte(&self->reader));
        if (self->key == 27) {                  /* ESC [ and a letter */
            AWAIT_VALUE(self->key, next_byte(&self->reader));
            AWAIT_VALUE(self->key, next_byte(&self->reader));
            self->key += 256;
        }
        if (self->key == '\r' || self->key == '\n') {
            self->text[self->length] = '\0';
            board_print("\n");
            ASYNC_RETURN(self->length);
        } else if (self->key == '\b' || self->key == 127) {
            erase(self);
        } else if (self->key == 1) {
            go_to(self, 0);
        } else if (self->key == 5) {
            go_to(self, self->length);
        } else if (self->key == 21) {
            replace(self, "");
        } else if (self->key == 256 + 'A') {
            replace(self, self->before);
        } else if (self->key == 256 + 'C' && self->at < self->length) {
            go_to(self, (uint8_t)(self->at + 1));
        } else if (self->key == 256 + 'D' && self->at > 0) {
            go_to(self, (uint8_t)(self->at - 1));
        } else if (self->key >= ' ' && self->key < 127) {
            insert(self, (char)self->key);
        }
    }
    ASYNC_END;
}

/* ---- commands ------------------------------------------------------------ */

/* One that takes its time: the light blinks so often. */
struct blinks {
    async_frame frame;
    async_task task;
    int times, i, outcome;
};

static ASYNC blinks(struct blinks *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        for (self->i = 0; self->i < 2 * self->times; self->i++) {
            board_led(0, (self->i & 1) == 0);
            AWAIT(async_sleep(ASYNC_MS(250)));
        }
    } ASYNC_FINALLY(self->outcome) {
        board_led(0, false);
    } ASYNC_TRY_END;
    ASYNC_END;
}

/* Beside it: look for a ^C, and drop what was typed before. */
struct guard {
    async_frame frame;
    async_task task;
    async_task *of;
};

static ASYNC guard(struct guard *self)
{
    uint8_t i;

    ASYNC_BEGIN(self);
    for (;;) {
        for (i = ring.tail; i != ring.head; i++) {
            if (ring.byte[i % RING] == 3) {
                while (take() != 3) {
                }
                async_cancel(self->of);
                ASYNC_RETURN(0);
            }
        }
        AWAIT(async_irq_wait(&received));
    }
    ASYNC_END;
}

/* The word at *text, which goes on behind it. */
static bool word(const char **text, const char *want)
{
    const char *at = *text;

    while (*want != '\0' && *at == *want) {
        at++;
        want++;
    }
    if (*want != '\0' || (*at != '\0' && *at != ' ')) {
        return false;
    }
    *text = at;
    return true;
}

static int number(const char **text)
{
    int n = 0;

    while (**text == ' ') {
        ++*text;
    }
    while (**text >= '0' && **text <= '9') {
        n = 10 * n + (*(*text)++ - '0');
    }
    return n;
}

struct shell {
    async_frame frame;
    struct editor editor;
    struct blinks blinks;
    struct guard guard;
    const char *rest;
    int result, n;
};

static ASYNC shell(struct shell *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_irq_open(&received));
    board_listen(true);
    board_print("type help\n");
    for (;;) {
        board_print("> ");
        AWAIT(read_line(&self->editor));
        self->rest = self->editor.text;
        if (word(&self->rest, "help")) {
            board_print("add A B, led 0|1, blink N, exit\n");
        } else if (word(&self->rest, "add")) {
            self->n = number(&self->rest);
            board_print("%d\n", self->n + number(&self->rest));
        } else if (word(&self->rest, "led")) {
            self->n = number(&self->rest);
            board_led(1, self->n != 0);
            board_print("the light is %s\n", self->n != 0 ? "on" : "off");
        } else if (word(&self->rest, "blink")) {
            self->blinks.times = number(&self->rest);
            self->guard.of = &self->blinks.task;
            async_spawn(&self->blinks.task, blinks, &self->blinks);
            async_spawn(&self->guard.task, guard, &self->guard);
            AWAIT_RESULT(self->result, async_join(&self->blinks.task));
            async_cancel(&self->guard.task);
            AWAIT_RESULT(self->n, async_join(&self->guard.task));
            board_print("blink: %s\n", async_strerror(self->result));
        } else if (word(&self->rest, "exit")) {
            break;
        } else if (self->editor.length != 0) {
            board_print("what?\n");
        }
    }
    ASYNC_END;
}

static struct shell frame;

int main(void)
{
    board_open();
    board_exit(async_run(shell, &frame));
    return 0;
}

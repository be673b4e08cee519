/* interrupt: from an interrupt handler into a queue, byte by byte.
 *
 *     make run DEMO=interrupt
 *
 * A handler must not touch a queue, which is the loop's. It writes into a ring
 * of its own and raises an irq; a task, the pump, waits for the irq and moves
 * what there is into the queue, where tasks wait for it as long as they like.
 * The ring needs no lock: only the handler moves its head, only the pump its
 * tail. (On two processors the two would have to be atomics.) It bridges the
 * time until the loop gets round to the pump; if that is too long, bytes are
 * lost, and counted.
 *
 * Here the interrupt is a signal, which may come between any two instructions.
 * On a board it is the same code: ISR(USART_RX_vect) { received(UDR0); } */
#include "demo.h"

#include <signal.h>
#include <sys/time.h>

/* ---- the driver: what a board would have, too ---------------------------- */

enum { RING = 16 };             /* a power of two, at most 128 */

static struct {
    volatile unsigned char byte[RING], head, tail;
    volatile unsigned lost;
} ring;
static async_irq irq;

/* The interrupt handler. */
static void received(unsigned char byte)
{
    if ((unsigned char)(ring.head - ring.tail) == RING) {
        ring.lost = ring.lost + 1;
    } else {
        ring.byte[ring.head % RING] = byte;     /* first this, then the head */
        ring.head = (unsigned char)(ring.head + 1);
    }
    async_irq_raise(&irq);
}

struct pump {
    async_frame frame;
    async_task task;
    async_queue *queue;
    unsigned char byte;
};

static ASYNC pump(struct pump *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        while (ring.tail != ring.head) {
            self->byte = ring.byte[ring.tail % RING];
            AWAIT(async_queue_put(self->queue, &self->byte));
            ring.tail = (unsigned char)(ring.tail + 1); /* now it is out */
        }
        AWAIT(async_irq_wait(&irq));
    }
    ASYNC_END;
}

/* ---- the stand-in for the hardware: a timer's signal --------------------- */

static const char *volatile wire = "";

static void on_alarm(int number)
{
    const char *at = wire;

    (void)number;
    if (*at != '\0') {
        wire = at + 1;
        received((unsigned char)*at);
    }
}

static void line_is(const char *text, long microseconds)
{
    struct itimerval often;

    memset(&often, 0, sizeof often);
    wire = text;
    often.it_interval.tv_usec = often.it_value.tv_usec = microseconds;
    setitimer(ITIMER_REAL, &often, NULL);
}

/* ---- the program --------------------------------------------------------- */

struct program {
    async_frame frame;
    async_queue queue;
    unsigned char array[8];
    struct pump pump;
    char line[40];
    size_t n;
    int lines;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_irq_open(&irq));            /* first this, then its source */
    signal(SIGALRM, on_alarm);
    async_queue_open(&self->queue, self->array, sizeof self->array[0], 8);
    self->pump.queue = &self->queue;
    async_spawn(&self->pump.task, pump, &self->pump);

    puts("A line at a time:");
    line_is("from outside\ninto the loop\nwithout a lock\n", 2000);
    while (self->lines < 3) {
        AWAIT(async_queue_get(&self->queue, &self->line[self->n]));
        if (self->line[self->n] == '\n') {
            self->line[self->n] = '\0';
            printf("  %s\n", self->line);
            self->n = 0;
            self->lines++;
        } else {
            self->n++;
        }
    }

    puts("A reader that comes too late:");
    line_is("0123456789abcdefghijklmnopqrstuvwxyz", 1000);
    while (*wire != '\0') {
        AWAIT(async_sleep(ASYNC_MS(50)));
    }
    line_is("", 0);
    while (async_queue_try_get(&self->queue, &self->line[self->n]) == 0) {
        self->n++;
        AWAIT(async_yield());               /* the pump has its turn */
    }
    printf("  queue and ring held %d bytes: %.*s\n", (int)self->n,
           (int)self->n, self->line);
    printf("  %u came when both were full\n", ring.lost);

    signal(SIGALRM, SIG_IGN);
    async_cancel(&self->pump.task);
    AWAIT_RESULT(self->lines, async_join(&self->pump.task));
    async_irq_close(&irq);
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    return async_run(program, &frame);
}

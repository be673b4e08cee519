/* logger: a sensor on a bus, read ten times a second; now and then it hangs.
 *
 *     make firmware DEMO=logger
 *
 * While a transfer runs, the hardware writes into the reader's buffer, whoever
 * has stopped waiting for it. So the driver may be timed out or cancelled, but
 * goes only when the hardware has let go of the memory: it asks it to stop, and
 * waits for that, in its finally. What the logger sees is an ordinary
 * ASYNC_ETIMEDOUT, and a sensor that is ready for the next try. */
#define ASYNC_IMPLEMENTATION
#include "async.h"
#include "board.h"

/* ---- the hardware: a bus that the tick interrupt moves ------------------- */

static struct {
    volatile uint8_t left;          /* milliseconds to the next step; 0: idle */
    volatile bool stopping;
    volatile uint8_t reads;
    int16_t *volatile into;
} bus;
static async_irq done;

void board_on_tick(void)
{
    if (bus.left == 0 || --bus.left != 0) {
        return;
    }
    if (!bus.stopping) {
        bus.reads++;
        *bus.into = (int16_t)(200 + 3 * bus.reads);     /* tenths of a degree */
    }
    bus.stopping = false;
    async_irq_raise(&done);
}

static void bus_start(int16_t *into, uint8_t ms, bool hangs)
{
    bus.into = into;
    bus.left = hangs ? 0 : ms;
}

/* It takes the bus 2 ms to come to rest. */
static void bus_stop(void)
{
    bus.stopping = true;
    bus.left = 2;
}

/* ---- the driver ---------------------------------------------------------- */

struct transfer {
    async_frame frame;
    bool running;
    uint8_t number;
    int outcome;
};

static ASYNC transfer(struct transfer *self, int16_t *into)
{
    ASYNC_BEGIN(self);
    self->number++;
    ASYNC_TRY {
        self->running = true;
        bus_start(into, 5, self->number % 4 == 3);
        AWAIT(async_irq_wait(&done));
        self->running = false;
    } ASYNC_FINALLY(self->outcome) {
        if (self->running) {
            bus_stop();
            AWAIT(async_irq_wait(&done));
            self->running = false;
            board_print("%5lu ms    the bus is at rest\n",
                        (unsigned long)async_now());
        }
    } ASYNC_TRY_END;
    ASYNC_END;
}

/* ---- the logger ---------------------------------------------------------- */

struct logger {
    async_frame frame;
    async_task task;
    async_interval interval;
    async_timeout patience;
    struct transfer transfer;
    int16_t tenths;
    int result, good, outcome;
};

static ASYNC logger(struct logger *self)
{
    ASYNC_BEGIN(self);
    async_interval_open(&self->interval, ASYNC_MS(100), ASYNC_SKIP);
    ASYNC_TRY {
        for (;;) {
            AWAIT(async_interval_wait(&self->interval));
            AWAIT_RESULT(self->result,
                         ASYNC_TIMEOUT(&self->patience, ASYNC_MS(20),
                                       transfer(&self->transfer,
                                                &self->tenths)));
            if (self->result < 0) {
                board_print("%5lu ms  %s\n", (unsigned long)async_now(),
                            async_strerror(self->result));
            } else {
                self->good++;
                board_print("%5lu ms  %d.%d degrees\n",
                            (unsigned long)async_now(), self->tenths / 10,
                            self->tenths % 10);
            }
        }
    } ASYNC_FINALLY(self->outcome) {
        board_print("%5lu ms  the log is closed: %d good of %d\n",
                    (unsigned long)async_now(), self->good,
                    self->transfer.number);
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct logger logger;
    int result;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_irq_open(&done));
    async_spawn(&self->logger.task, logger, &self->logger);
    AWAIT(async_sleep(ASYNC_MS(903)));
    board_print("%5lu ms  switched off, in the middle of a transfer\n",
                (unsigned long)async_now());
    async_cancel(&self->logger.task);
    AWAIT_RESULT(self->result, async_join(&self->logger.task));
    board_print("the logger: %s\n", async_strerror(self->result));
    ASYNC_END;
}

static struct program frame;

int main(void)
{
    board_open();
    board_exit(async_run(program, &frame));
    return 0;
}

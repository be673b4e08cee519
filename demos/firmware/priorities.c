/* priorities: two executors, one of which interrupts the other.
 *
 *     make firmware DEMO=priorities
 *
 * Tasks of one loop take turns where they await, so a long computation holds
 * them all up. A second loop, stepped by an interrupt of low priority, runs
 * its tasks in the middle of the first one's: here a motor gets its step every
 * 5 ms, while the main loop computes for a quarter of a second on end.
 *
 * Three lines make it so: ASYNC_WAKE asks for the interrupt when an irq of that
 * loop is raised; the interrupt steps the loop; the tick asks for it when the
 * loop's next deadline is due. What the two loops tell each other goes through
 * irqs, too. */
#define ASYNC_WAKE(loop) wake(loop)
struct async_loop;
static void wake(struct async_loop *loop);

#define ASYNC_IMPLEMENTATION
#include "async.h"
#include "board.h"

static async_loop low, high;

/* ---- the loop that interrupts -------------------------------------------- */

static volatile bool armed;
static volatile async_ticks due;

static void wake(async_loop *loop)
{
    if (loop == &high) {
        board_soft_raise();
    }
}

void board_on_soft(void)
{
    async_duration wait = async_loop_step(&high);

    if (wait == 0) {
        board_soft_raise();             /* another turn */
        return;
    }
    ASYNC_LOCK();
    due = async_port_clock() + (async_ticks)wait;
    armed = wait != ASYNC_NEVER;
    ASYNC_UNLOCK();
}

void board_on_tick(void)
{
    if (armed && (async_duration)(async_port_clock() - due) >= 0) {
        armed = false;
        board_soft_raise();
    }
}

/* ---- its task: a motor --------------------------------------------------- */

static async_irq go, turned;            /* one for each direction */

struct motor {
    async_frame frame;
    async_task task;
    async_interval interval;
    async_ticks start;
    int steps;
    async_duration late, worst;
};

static ASYNC motor(struct motor *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT(async_irq_wait(&go));
        self->start = async_now();
        async_interval_open(&self->interval, ASYNC_MS(5), ASYNC_BURST);
        for (self->steps = 1; self->steps <= 100; self->steps++) {
            AWAIT(async_interval_wait(&self->interval));
            self->late = (async_duration)(async_now() - self->start)
                         - ASYNC_MS(5) * self->steps;
            if (self->late > self->worst) {
                self->worst = self->late;
            }
            if (self->steps % 50 == 0) {
                async_irq_raise(&turned);
            }
        }
    }
    ASYNC_END;
}

/* ---- the main loop: it computes ------------------------------------------ */

static uint32_t compute(async_duration ms)
{
    async_ticks start = async_port_clock();
    uint32_t sum = 0;

    while ((async_duration)(async_port_clock() - start) < ms) {
        sum++;
    }
    return sum;
}

struct program {
    async_frame frame;
    int n;
    async_ticks start;
};

static struct motor a_motor;

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    self->start = async_now();
    async_irq_raise(&go);
    for (self->n = 1; self->n <= 2; self->n++) {
        if (compute(ASYNC_MS(243)) == 0) {
            ASYNC_RAISE(ASYNC_EIO);
        }
        board_print("computed for 243 ms; the motor is at step %d\n",
                    a_motor.steps - 1);
        AWAIT(async_irq_wait(&turned));
        board_print("%lu ms: half a turn\n",
                    (unsigned long)(async_now() - self->start));
    }
    board_print("the motor was never late by more than %d ms\n",
                (int)a_motor.worst);
    ASYNC_END;
}

static struct program frame;
static async_task task;

int main(void)
{
    board_open();
    async_loop_open(&high);
    async_loop_use(&high);
    async_irq_open(&go);
    async_spawn(&a_motor.task, motor, &a_motor);
    async_loop_use(NULL);

    async_loop_open(&low);
    async_irq_open(&turned);
    async_spawn(&task, program, &frame);
    board_soft_open();
    board_soft_raise();                 /* the motor's task begins */
    board_exit(async_loop_run(&low, &task));
    return 0;
}

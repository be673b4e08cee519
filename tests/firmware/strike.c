/* An interrupt at every instruction of the loop's critical paths.
 *
 * In round n the interrupt comes at the n-th instruction (or the n-th tick of a
 * timer that is quicker than the processor) after the round's beginning. A
 * round is: a task spawns another, sets events, arms and disarms a deadline,
 * cancels, joins, yields; it raises an irq itself, and waits until it has seen
 * two events, its own and the interrupt's. Last the loop has nothing to do, and
 * sleeps. It must get them both in every round, and never sleep while one is
 * there. When the interrupt comes only after the loop fell asleep, all
 * places have had their strike.
 *
 * With -DSTEP the handler steps a second loop, whose task passes the event on:
 * so one loop interrupts the other one anywhere.
 *
 * -DNO_LOCK and -DNO_CARE break what is tested: that must be noticed. */
#include "board.h"

static void before_sleep(void);

#if defined __AVR__
#define LET_IN() __asm__ volatile ("sei" : : : "memory")
#define KEEP_OUT() __asm__ volatile ("cli" : : : "memory")
#define SLEEP() __asm__ volatile ("nop\n\tsleep" : : : "memory")
#elif defined __arm__
#define LET_IN() __asm__ volatile ("cpsie i" : : : "memory")
#define KEEP_OUT() __asm__ volatile ("cpsid i" : : : "memory")
#define SLEEP() __asm__ volatile ("wfi" : : : "memory")
#else
#define LET_IN() __asm__ volatile ("csrsi mstatus, 8" : : : "memory")
#define KEEP_OUT() __asm__ volatile ("csrci mstatus, 8" : : : "memory")
#define SLEEP() __asm__ volatile ("wfi" : : : "memory")
#endif

#ifdef NO_LOCK
#define ASYNC_LOCK() {
#define ASYNC_UNLOCK() }
#define ASYNC_IDLE(loop, ticks) \
    do { before_sleep(); LET_IN(); SLEEP(); } while (0)
#elif defined NO_CARE           /* lets them in too early */
#define ASYNC_IDLE(loop, ticks) \
    do { LET_IN(); before_sleep(); SLEEP(); KEEP_OUT(); } while (0)
#else
#define ASYNC_IDLE(loop, ticks) \
    do { before_sleep(); ASYNC_PORT_SLEEP(); } while (0)
#endif

#define ASYNC_IMPLEMENTATION
#include "async.h"

static async_loop loop;
static async_irq irq;
static volatile bool struck, slept;
static unsigned rounds;

static void fail(const char *why)
{
    board_print("round %u: %s\n", rounds, why);
    board_exit(1);
}

/* The loop has decided to sleep. It may, while the interrupt is to come. */
static void before_sleep(void)
{
    if (struck) {
        fail("it sleeps, though it was woken");
    }
    slept = true;
}

/* ---- the second loop ----------------------------------------------------- */

#ifdef STEP

static async_loop high;
static async_irq up;
static struct { async_frame frame; int n; } passing;
static async_task passer;

static ASYNC pass_on(void *arg)
{
    (void)arg;
    ASYNC_BEGIN(&passing);
    for (;;) {
        AWAIT_VALUE(passing.n, async_irq_wait(&up));
        if (passing.n != 1) {
            fail("the second loop saw more than one event");
        }
        AWAIT(async_yield());
        async_irq_raise(&irq);
    }
    ASYNC_END;
}

static void happened(void)
{
    async_loop *of = async_this_loop_;
    async_task *by = async_this_task_;

    async_irq_raise(&up);
    while (async_loop_step(&high) == 0) {
    }
    if (async_this_loop_ != of || async_this_task_ != by) {
        fail("the step left its mark");
    }
}

#else

static void happened(void)
{
    async_irq_raise(&irq);
}

#endif

/* ---- the interrupt ------------------------------------------------------- */

#define AT(address) (*(volatile uint32_t *)(address))

#if defined __AVR__

/* Simulated by simulate.c, which counts instructions: see there. */
#define WINDOW (*(volatile uint8_t *)0x4b)

void board_on_button(void)
{
    happened();
    struck = true;
}

static void strike_in(unsigned n)
{
    (void)n;
    WINDOW = 1;
}

static void strike_over(void)
{
    WINDOW = 0;
}

static bool swept(void)
{
    return WINDOW == 2;
}

#else

#if defined __arm__

static void strike_in(unsigned n)
{
    AT(0xe000e014) = n;
    AT(0xe000e018) = 0;
    AT(0xe000e010) = 7;
}

/* It starts anew by itself, and may be over again. */
static void stop_timer(void)
{
    AT(0xe000e010) = 0;
    AT(0xe000ed04) = 1u << 25;
}

#else

static void strike_in(unsigned n)
{
    AT(0x02004004) = 0xffffffff;
    AT(0x02004000) = AT(0x0200bff8) + n;
    AT(0x02004004) = 0;
}

static void stop_timer(void)
{
    AT(0x02004004) = 0xffffffff;
}

#endif

/* Late strikes, forty in a row, show that the end is reached. */
static unsigned late;

void board_on_tick(void)
{
    stop_timer();
    late = slept ? late + 1 : 0;
    happened();
    struck = true;
}

static void strike_over(void)
{
}

static bool swept(void)
{
    return late == 40;
}

#endif

/* ---- a round ------------------------------------------------------------- */

struct child {
    async_frame frame;
    async_task task;
};

static struct {
    async_frame frame;
    struct child child;
    async_timeout scope;
    async_event event;
    int got, n;
} round_frame;
#define self (&round_frame)

static ASYNC child(struct child *it)
{
    (void)it;
    ASYNC_BEGIN(it);
    AWAIT(async_yield());
    async_event_set(&self->event);
    AWAIT(async_sleep(ASYNC_SEC(20)));
    ASYNC_END;
}

static ASYNC program(void *arg)
{
    (void)arg;
    ASYNC_BEGIN(self);
    do {
        struck = slept = false;
        rounds++;
        self->got = 0;
        strike_in(rounds);
        async_event_clear(&self->event);
        async_spawn(&self->child.task, child, &self->child);
        AWAIT(ASYNC_TIMEOUT(&self->scope, ASYNC_SEC(10),
                            async_event_wait(&self->event)));
        async_irq_raise(&irq);
        async_cancel(&self->child.task);
        AWAIT_RESULT(self->n, async_join(&self->child.task));
        AWAIT(async_yield());
        while (self->got < 2) {
            AWAIT_VALUE(self->n, async_irq_wait(&irq));
            self->got += self->n;
        }
        strike_over();
        if (self->got != 2 || self->n < 1) {
            fail("it got more than there were");
        }
    } while (!swept() && rounds < 60000u);
    ASYNC_END;
}

static async_task task;

int main(void)
{
    int rc;

    board_open_quiet();
    board_button_open();
#ifdef STEP
    async_loop_open(&high);
    async_loop_use(&high);
    async_irq_open(&up);
    async_spawn(&passer, pass_on, (void *)0);
    async_loop_step(&high);
    async_loop_use((async_loop *)0);
#endif
    async_loop_open(&loop);
    async_irq_open(&irq);
    async_spawn(&task, program, (void *)0);
    rc = async_loop_run(&loop, &task);
    board_print("%u places\n", rounds);
    board_exit(rc != 0 || !swept() || rounds < 100);
    return 0;
}

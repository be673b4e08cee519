/* A timer's interrupt wakes a task: twenty of them, twenty wake-ups, and the
 * processor idles in between (not an STM8, whose timers stop with it in the
 * simulator). */
#ifdef __SDCC_mcs51

#include <8052.h>

#define TIMER_HANDLER void on_timer(void) __interrupt(TF0_VECTOR)
#define TIMER_AGAIN() do { } while (0)
#define TIMER_OPEN() (TMOD = 0x01, TR0 = 1, ET0 = 1, EA = 1)

#else

#define ASYNC_IDLE(loop, ticks) __asm__ ("rim\n\tnop\n\tsim")
#define TIM4(offset) (*(volatile unsigned char *)(0x5340 + (offset)))
#define TIMER_HANDLER void on_timer(void) __interrupt(23)
#define TIMER_AGAIN() (TIM4(2) = 0)
#define TIMER_OPEN() \
    do { \
        TIM4(5) = 7;                    /* every 128 * 256 cycles */ \
        TIM4(6) = 0xff; \
        TIM4(1) = 1; \
        TIM4(0) = 1; \
        __asm__ ("rim"); \
    } while (0)

#endif

#define ASYNC_TICK_BITS 16
#define ASYNC_IMPLEMENTATION
#include "async.h"

#include "board.h"

struct counter { async_frame frame; async_task task; int total, n, idle; };

static struct counter counter_frame;
static async_irq tick;
static async_loop loop;
static volatile unsigned short ticks;

TIMER_HANDLER
{
    TIMER_AGAIN();
    ticks++;
    async_irq_raise(&tick);
}

async_ticks async_port_clock(void)
{
    unsigned short now;

    do {                                /* it is read in two pieces */
        now = ticks;
    } while (now != ticks);
    return now;
}

static ASYNC counter(struct counter *self)
{
    ASYNC_BEGIN(self);
    while (self->total < 20) {
        AWAIT_VALUE(self->n, async_irq_wait(&tick));
        self->total += self->n;
        say_that("tick", self->total);
    }
    AWAIT(async_sleep(3));              /* two of them whole */
    ASYNC_RETURN(self->total);
    ASYNC_END;
}

int main(void)
{
    int rc;

    async_loop_open(&loop);
    async_irq_open(&tick);
    async_spawn(&counter_frame.task, counter, &counter_frame);
    TIMER_OPEN();
    rc = async_loop_run(&loop, &counter_frame.task);
    say_that("result", rc);
    say_that("ticks after that", (int)ticks - rc);
    board_end(rc != 20 || ticks < 22);
    return 0;
}

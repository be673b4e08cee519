/* All of the core, used, with no libc and no port but a clock. */
#define ASYNC_IMPLEMENTATION
#include "one.c"

async_ticks now;

async_ticks async_port_clock(void)
{
    return now++;
}

async_irq irq;
async_watch watch;
ASYNC uses(async_task *task);
int more(async_loop *loop, async_task *task, async_watch_fn fn);

ASYNC uses(async_task *task)
{
    static struct { async_frame frame; int v; } self;

    ASYNC_BEGIN(&self);
    AWAIT(async_shield(task));
    AWAIT(async_yield());
    AWAIT(async_sleep_until(async_now()));
    AWAIT_VALUE(self.v, async_irq_wait(&irq));
    AWAIT_UNTIL(async_done(task));
    ASYNC_END;
}

int more(async_loop *loop, async_task *task, async_watch_fn fn)
{
    int rc = async_loop_open(loop) + async_on_done(task, &watch, fn)
           + async_irq_open(&irq) + async_irq_close(&irq) + async_result(task)
           + async_loop_run(loop, task) + async_cancel(task)
           + async_loop_cancel_all(loop) + async_loop_close(loop)
           + async_timeout_reschedule(0, 1) + async_strerror(0)[0];

    async_irq_raise(&irq);
    async_loop_stop(async_loop_use(loop));
    return rc + (int)async_loop_step(loop) + (async_current() != 0);
}

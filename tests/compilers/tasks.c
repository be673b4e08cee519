/* The loop and its tools: tasks at three paces, a queue between two of them, a
 * timeout, a cancel with its cleanup, an event, a lock. Time is made here, by
 * the library's own two hooks, so that all of them print the same. */
#define ASYNC_TICK_BITS 16
#define ASYNC_TICK_HZ 1000
#define ASYNC_TIMER_WHEEL 0
#define ASYNC_HOSTED 0
#define ASYNC_CLOCK() clock_now
#define ASYNC_IDLE(loop, ticks) \
    (clock_now = (unsigned short)(clock_now + (unsigned short)(ticks)))
static unsigned short clock_now = 65000u;      /* it wraps soon */
#define ASYNC_IMPLEMENTATION
#include "async.h"

#include "board.h"

struct pace {
    async_frame frame;
    async_task task;
    const char *name;
    async_duration ms;
    int laps, lap;
};
struct pipe { async_frame frame; async_task task; int item, outcome; };
struct waiter { async_frame frame; async_task task; int error; };
struct program {
    async_frame frame;
    struct pace fast, slow;
    struct pipe source, sink;
    struct waiter waiter[2];
    async_timeout scope;
    int i, error;
};

static struct program program_frame;
static int slots[2];
static async_queue queue;
static async_event event;
static async_lock lock;

static ASYNC pace(struct pace *self)
{
    ASYNC_BEGIN(self);
    for (self->lap = 1; self->lap <= self->laps; self->lap++) {
        AWAIT(async_sleep(ASYNC_MS(self->ms)));
        say_that(self->name, self->lap);
    }
    ASYNC_RETURN(self->laps);
    ASYNC_END;
}

static ASYNC source(struct pipe *self)
{
    ASYNC_BEGIN(self);
    for (self->item = 1; self->item <= 4; self->item++) {
        AWAIT(async_queue_put(&queue, &self->item));
        say_that("put", self->item);
    }
    ASYNC_END;
}

static ASYNC sink(struct pipe *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        for (;;) {
            AWAIT(async_queue_get(&queue, &self->item));
            say_that("got", self->item);
            AWAIT(async_yield());
        }
    } ASYNC_FINALLY(self->outcome) {
        AWAIT(async_sleep(ASYNC_MS(5)));
        say("sink cleaned up\n");
    } ASYNC_TRY_END
    ASYNC_END;
}

static ASYNC waiter(struct waiter *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_event_wait(&event));
    ASYNC_WITH(async_lock_acquire(&lock), async_lock_release(&lock)) {
        AWAIT(async_sleep(ASYNC_MS(20)));
        say("had the lock\n");
    } ASYNC_WITH_END
    ASYNC_END;
}

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    self->fast.name = "fast";
    self->fast.ms = 100;
    self->fast.laps = 7;
    self->slow.name = "slow";
    self->slow.ms = 250;
    self->slow.laps = 3;
    async_spawn(&self->fast.task, pace, &self->fast);
    async_spawn(&self->slow.task, pace, &self->slow);
    AWAIT_VALUE(self->i, async_join(&self->fast.task));
    say_that("joined", self->i);
    AWAIT(async_join(&self->slow.task));

    async_queue_open(&queue, slots, sizeof slots[0], 2);
    async_spawn(&self->source.task, source, &self->source);
    async_spawn(&self->sink.task, sink, &self->sink);
    AWAIT(async_join(&self->source.task));
    AWAIT(async_sleep(ASYNC_MS(1)));
    async_cancel(&self->sink.task);
    AWAIT_RESULT(self->error, async_join(&self->sink.task));
    say_that("cancelled", self->error == ASYNC_ECANCELED);

    AWAIT_RESULT(self->error, ASYNC_TIMEOUT(&self->scope, ASYNC_MS(30),
                                            async_sleep(ASYNC_SEC(9))));
    say_that("timed out", self->error == ASYNC_ETIMEDOUT);

    for (self->i = 0; self->i < 2; self->i++) {
        async_spawn(&self->waiter[self->i].task, waiter,
                    &self->waiter[self->i]);
    }
    AWAIT(async_yield());
    async_event_set(&event);
    for (self->i = 0; self->i < 2; self->i++) {
        AWAIT(async_join(&self->waiter[self->i].task));
    }
    ASYNC_RETURN(5);
    ASYNC_END;
}

int main(void)
{
    int rc = async_run(program, &program_frame);

    say_that("result", rc);
    say_that("time", (int)(unsigned short)(clock_now - 65000u));
    board_end(rc != 5);
    return 0;
}

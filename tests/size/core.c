/* The core, each part of it used once: spawn, run, sleep, yield, cancel. With
 * one more feature by -DJOIN, -DTIMEOUT, ... the difference is its cost. The
 * clock is a variable that nobody moves: the tick is not counted here. */
#include "use.h"

#ifdef GENERATOR
struct count { async_generator frame; uint8_t i; };
#endif

struct frame {
    async_frame frame;
#ifdef TIMEOUT
    async_timeout scope;
#endif
#ifdef TRY
    int outcome;
#endif
#ifdef GENERATOR
    struct count count;
#endif
#if defined GENERATOR || defined QUEUE
    uint8_t item;
#endif
#ifdef CALL
    async_call call;
#endif
#ifdef INTERVAL
    async_interval interval;
#endif
#if defined WAIT || defined NEXT_DONE || defined GATHER || defined RACE
    async_waiter waiter;
    async_wait_set set;
#endif
#ifdef GROUP
    async_group group;
    async_member member;
#endif
#ifdef POOL
    async_pool pool;
    async_slot slot;
#endif
#if defined GROUP || defined POOL
    struct child { async_frame frame; } child;
#endif
};

volatile board_time board_ticks;
static async_task task;
static struct frame frame;

#ifdef FUTURE
static async_future future;
#endif

#ifdef EVENT
static async_event event;
#endif

#if defined LOCK || defined CONDITION
static async_lock lock;
#endif

#ifdef SEMAPHORE
static async_semaphore semaphore;
#endif

#ifdef CONDITION
static async_condition condition;
#endif

#ifdef BARRIER
static async_barrier barrier;
#endif

#ifdef IRQ
static async_irq irq;

BOARD_EVENT_HANDLER
{
    async_irq_raise(&irq);
}
#endif

#ifdef QUEUE
static async_queue queue;
static uint8_t items[8];
#endif

#ifdef QUEUE_PRIORITY
static int before(const void *a, const void *b)
{
    return *(const uint8_t *)a - *(const uint8_t *)b;
}
#endif

#ifdef CALL
static void called(async_call *call)
{
    (void)call;
}
#endif

#ifdef GENERATOR
static ASYNC count(struct count *self, uint8_t *item)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 3; self->i++) {
        *item = self->i;
        ASYNC_YIELD();
    }
    ASYNC_END;
}
#endif

#if defined GROUP || defined POOL
static ASYNC child(struct child *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(10));
    ASYNC_END;
}
#endif

static ASYNC entry(struct frame *self)
{
    ASYNC_BEGIN(self);
#ifdef TRY
    ASYNC_TRY
#endif
    AWAIT(async_yield());
    AWAIT(async_sleep(10));
#ifdef JOIN
    AWAIT(async_join(&task));
#endif
#ifdef SHIELD
    AWAIT(async_shield(&task));
#endif
#ifdef TIMEOUT
    AWAIT(ASYNC_TIMEOUT(&self->scope, 5, async_sleep(10)));
#endif
#ifdef IRQ
    AWAIT(async_irq_wait(&irq));
#endif
#ifdef FUTURE
    AWAIT(async_future_wait(&future));
    async_future_set(&future, 1);
#endif
#ifdef EVENT
    AWAIT(async_event_wait(&event));
    async_event_set(&event);
#endif
#if defined LOCK || defined CONDITION
    AWAIT(async_lock_acquire(&lock));
#endif
#ifdef CONDITION
    async_condition_open(&condition, &lock);
    AWAIT(async_condition_wait(&condition));
    async_condition_notify(&condition, 1);
#endif
#if defined LOCK || defined CONDITION
    async_lock_release(&lock);
#endif
#ifdef SEMAPHORE
    async_semaphore_open(&semaphore, 1);
    AWAIT(async_semaphore_acquire(&semaphore));
    async_semaphore_release(&semaphore);
#endif
#ifdef BARRIER
    async_barrier_open(&barrier, 2);
    AWAIT(async_barrier_wait(&barrier));
#endif
#ifdef QUEUE
    AWAIT(async_queue_put(&queue, &self->item));
    AWAIT(async_queue_get(&queue, &self->item));
#endif
#ifdef QUEUE_END
    async_queue_task_done(&queue);
    async_queue_shutdown(&queue);
    AWAIT(async_queue_join(&queue));
#endif
#ifdef CALL
    async_call_later(&self->call, 10, called);
    async_call_cancel(&self->call);
#endif
#ifdef INTERVAL
    async_interval_open(&self->interval, 10, ASYNC_SKIP);
    AWAIT(async_interval_wait(&self->interval));
#endif
#ifdef WAIT
    AWAIT(async_wait(&self->set, &self->waiter, 1, ASYNC_FIRST_COMPLETED));
#endif
#ifdef NEXT_DONE
    AWAIT(async_next_done(&self->set, &self->waiter, 1));
#endif
#ifdef GATHER
    AWAIT(async_gather(&self->set, &self->waiter, 1));
#endif
#ifdef RACE
    AWAIT(async_race(&self->set, &self->waiter, 1));
#endif
#ifdef GROUP
    ASYNC_GROUP_BEGIN(&self->group)
        async_group_spawn(&self->group, &self->member, child, &self->child);
    ASYNC_GROUP_END
#endif
#ifdef POOL
    async_pool_open(&self->pool, &self->slot, 1);
    AWAIT(async_pool_take(&self->pool));
    async_pool_spawn(&self->pool, 0, child, &self->child);
#endif
#ifdef GENERATOR
    ASYNC_FOR(count, &self->count, &self->item)
        board_led(self->item);
    ASYNC_FOR_END
#endif
#ifdef TRY
    ASYNC_FINALLY(self->outcome)
    board_led(FAST);
    ASYNC_TRY_END
#endif
    async_cancel(&task);
    ASYNC_END;
}

int main(void)
{
#ifdef RUN
    return async_run(entry, &frame);
#else
    async_loop loop;

    async_loop_open(&loop);
#ifdef IRQ
    async_irq_open(&irq);
    board_event_open();
#endif
#ifdef QUEUE_LIFO
    async_queue_open_lifo(&queue, items, 1, 8);
#elif defined QUEUE_PRIORITY
    async_queue_open_priority(&queue, items, 1, 8, before);
#elif defined QUEUE
    async_queue_open(&queue, items, 1, 8);
#endif
    async_spawn(&task, entry, &frame);
#ifdef STEP
    for (;;) {
        async_loop_step(&loop);
    }
#else
    return async_loop_run(&loop, NULL);
#endif
#endif
}

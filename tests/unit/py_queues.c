/* py_queues: the cases of CPython's Lib/test/test_asyncio/test_queues.py that
 * have a meaning here, by their names there; the others are in tests/py.md.
 * A queue there is without a bound by default: here it has 128 slots. What is
 * run there for each kind of queue is so here. */
#include "line.h"

#define ZERO(object) memset(&(object), 0, sizeof (object))

enum { FIFO, LIFO, PRIORITY, KINDS };

struct worker {
    async_frame frame;
    async_task task;
    async_queue *queue;
    const char *name;
    int n, i, item, outcome;
};

struct py {
    async_frame frame;
    async_queue queue;
    async_timeout scope;
    struct line a, b, c, d;
    struct worker v, w;
    int array[128];
    int kind, size, item, i, rc, sum;
};

static int by_value(const void *a, const void *b)
{
    int left = *(const int *)a, right = *(const int *)b;

    return (left > right) - (left < right);
}

static void open_queue(struct py *self)
{
    size_t n = self->size == 0 ? 128 : (size_t)self->size;

    switch (self->kind) {
    case FIFO:
        self->rc = async_queue_open(&self->queue, self->array, sizeof(int), n);
        break;
    case LIFO:
        self->rc = async_queue_open_lifo(&self->queue, self->array,
                                         sizeof(int), n);
        break;
    default:
        self->rc = async_queue_open_priority(&self->queue, self->array,
                                             sizeof(int), n, by_value);
        break;
    }
    CHECK_EQ(self->rc, 0);
}

static int put_nowait(struct py *self, int item)
{
    return async_queue_try_put(&self->queue, &item);
}

static int get_nowait(struct py *self)
{
    int item, rc = async_queue_try_get(&self->queue, &item);

    return rc == 0 ? item : rc;
}

/* Run a case with the queue open, of `kinds` kinds from `first` on. */
static void run(async_status (*body)(struct py *), int first, int kinds,
                int slots)
{
    static struct py py;
    int kind;

    for (kind = first; kind < first + kinds; kind++) {
        ZERO(py);
        test_virtual_time();
        py.kind = kind;
        py.size = slots;
        open_queue(&py);
        CHECK_EQ(async_run(body, &py), 0);
        test_log_clear();
    }
}

/* ---- QueueBasicTests ----------------------------------------------------- */

static ASYNC empty(struct py *self)
{
    ASYNC_BEGIN(self);
    CHECK(async_queue_empty(&self->queue));
    self->item = 1;
    AWAIT(async_queue_put(&self->queue, &self->item));
    CHECK(!async_queue_empty(&self->queue));
    AWAIT(async_queue_get(&self->queue, &self->item));
    CHECK_EQ(self->item, 1);
    CHECK(async_queue_empty(&self->queue));
    ASYNC_END;
}

TEST(py_queues_empty)
{
    run(empty, FIFO, 1, 0);
}

static ASYNC full(struct py *self)
{
    ASYNC_BEGIN(self);
    CHECK(!async_queue_full(&self->queue));
    self->item = 1;
    AWAIT(async_queue_put(&self->queue, &self->item));
    CHECK(async_queue_full(&self->queue));
    ASYNC_END;
}

TEST(py_queues_full)
{
    run(full, FIFO, 1, 1);
}

static ASYNC put_1_3_2(struct py *self)
{
    ASYNC_BEGIN(self);
    self->item = 1;
    AWAIT(async_queue_put(&self->queue, &self->item));
    self->item = 3;
    AWAIT(async_queue_put(&self->queue, &self->item));
    self->item = 2;
    AWAIT(async_queue_put(&self->queue, &self->item));
    ASYNC_END;
}

struct outer { async_frame frame; struct py py; };

static ASYNC order_of(struct outer *self)
{
    ASYNC_BEGIN(self);
    AWAIT(put_1_3_2(&self->py));
    for (self->py.i = 0; self->py.i < 3; self->py.i++) {
        AWAIT(async_queue_get(&self->py.queue, &self->py.item));
        test_log("%d ", self->py.item);
    }
    ASYNC_END;
}

static void order(int kind, const char *want)
{
    static struct outer outer;

    ZERO(outer);
    outer.py.kind = kind;
    open_queue(&outer.py);
    CHECK_EQ(async_run(order_of, &outer), 0);
    CHECK_LOG(want);
}

TEST(py_queues_order)
{
    order(FIFO, "1 3 2 ");
}

static ASYNC puts_three(struct worker *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 3; self->i++) {
        AWAIT(async_queue_put(self->queue, &self->i));
        test_log("%d ", self->i);
    }
    ASYNC_RETURN(1);
    ASYNC_END;
}

static ASYNC maxsize(struct py *self)
{
    ASYNC_BEGIN(self);
    self->w.queue = &self->queue;
    async_spawn(&self->w.task, puts_three, &self->w);
    AWAIT(async_yield());
    AWAIT(async_yield());
    CHECK_LOG("0 1 ");
    AWAIT(async_queue_get(&self->queue, &self->item));
    CHECK_EQ(self->item, 0);
    AWAIT(async_yield());
    CHECK_LOG("2 ");
    AWAIT(async_queue_get(&self->queue, &self->item));
    CHECK_EQ(self->item, 1);
    AWAIT(async_queue_get(&self->queue, &self->item));
    CHECK_EQ(self->item, 2);
    CHECK_EQ(async_result(&self->w.task), 1);
    ASYNC_END;
}

TEST(py_queues_maxsize)
{
    run(maxsize, FIFO, 1, 2);
}

/* ---- QueueGetTests ------------------------------------------------------- */

static ASYNC blocking_get(struct py *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(put_nowait(self, 1), 0);
    AWAIT(async_queue_get(&self->queue, &self->item));
    CHECK_EQ(self->item, 1);
    ASYNC_END;
}

TEST(py_queues_blocking_get)
{
    run(blocking_get, FIFO, 1, 0);
}

/* A get wakes a waiting putter at once. */
static ASYNC get_with_putters(struct py *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(put_nowait(self, 1), 0);
    PUTS(&self->a, &self->queue, "A", 2);
    AWAIT(async_yield());
    AWAIT(async_queue_get(&self->queue, &self->item));
    CHECK_EQ(self->item, 1);
    CHECK(self->queue.putters.tail == NULL);
    AWAIT(async_join(&self->a.task));
    CHECK_LOG("A=2 ");
    ASYNC_END;
}

TEST(py_queues_get_with_putters)
{
    run(get_with_putters, FIFO, 1, 1);
}

static ASYNC puts_later(struct worker *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep((async_duration)ASYNC_MS(10)));
    self->item = 1;
    CHECK_EQ(async_queue_try_put(self->queue, &self->item), 0);
    ASYNC_END;
}

static ASYNC blocking_get_wait(struct py *self)
{
    ASYNC_BEGIN(self);
    GETS(&self->a, &self->queue, "A");
    AWAIT(async_yield());
    CHECK_LOG("");
    self->w.queue = &self->queue;
    async_spawn(&self->w.task, puts_later, &self->w);
    AWAIT_VALUE(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, 1);
    CHECK_EQ(test_ms(), 10);
    ASYNC_END;
}

TEST(py_queues_blocking_get_wait)
{
    run(blocking_get_wait, FIFO, 1, 0);
}

static ASYNC nonblocking_get(struct py *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(put_nowait(self, 1), 0);
    CHECK_EQ(get_nowait(self), 1);
    ASYNC_END;
}

TEST(py_queues_nonblocking_get)
{
    run(nonblocking_get, FIFO, 1, 0);
}

static ASYNC nonblocking_get_exception(struct py *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(get_nowait(self), ASYNC_EAGAIN);
    ASYNC_END;
}

TEST(py_queues_nonblocking_get_exception)
{
    run(nonblocking_get_exception, FIFO, 1, 0);
}

static ASYNC get_cancelled_race(struct py *self)
{
    ASYNC_BEGIN(self);
    GETS(&self->a, &self->queue, "A");
    GETS(&self->b, &self->queue, "B");
    AWAIT(async_yield());
    async_cancel(&self->a.task);
    AWAIT(async_yield());
    CHECK(async_done(&self->a.task));
    self->item = 7;
    AWAIT(async_queue_put(&self->queue, &self->item));
    AWAIT(async_yield());
    AWAIT_VALUE(self->rc, async_join(&self->b.task));
    CHECK_EQ(self->rc, 7);
    ASYNC_END;
}

TEST(py_queues_get_cancelled_race)
{
    run(get_cancelled_race, FIFO, 1, 0);
}

static ASYNC get_with_waiting_putters(struct py *self)
{
    ASYNC_BEGIN(self);
    PUTS(&self->a, &self->queue, "A", 1);
    PUTS(&self->b, &self->queue, "B", 2);
    AWAIT(async_queue_get(&self->queue, &self->item));
    CHECK_EQ(self->item, 1);
    AWAIT(async_queue_get(&self->queue, &self->item));
    CHECK_EQ(self->item, 2);
    ASYNC_END;
}

TEST(py_queues_get_with_waiting_putters)
{
    run(get_with_waiting_putters, FIFO, 1, 1);
}

static ASYNC gets_n(struct worker *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < self->n; self->i++) {
        AWAIT(async_queue_get(self->queue, &self->item));
    }
    ASYNC_END;
}

static ASYNC puts_n(struct worker *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < self->n; self->i++) {
        AWAIT(async_queue_put(self->queue, &self->i));
    }
    ASYNC_END;
}

/* Nobody waits in it any more when all has been put and got. */
static ASYNC why_are_getters_waiting(struct py *self)
{
    ASYNC_BEGIN(self);
    self->v.queue = self->w.queue = &self->queue;
    self->v.n = self->w.n = 5;
    async_spawn(&self->v.task, puts_n, &self->v);
    async_spawn(&self->w.task, gets_n, &self->w);
    AWAIT(async_join(&self->v.task));
    AWAIT(async_join(&self->w.task));
    CHECK(self->queue.getters.tail == NULL);
    CHECK(self->queue.putters.tail == NULL);
    CHECK(async_queue_empty(&self->queue));
    ASYNC_END;
}

TEST(py_queues_why_are_getters_waiting)
{
    run(why_are_getters_waiting, FIFO, 1, 1);
}

static ASYNC cancelled_getters_not_being_held_in_self_getters(struct py *self)
{
    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->rc,
                 ASYNC_TIMEOUT(&self->scope, (async_duration)ASYNC_MS(100),
                               async_queue_get(&self->queue, &self->item)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    CHECK(self->queue.getters.tail == NULL);
    ASYNC_END;
}

TEST(py_queues_cancelled_getters_not_being_held_in_self_getters)
{
    run(cancelled_getters_not_being_held_in_self_getters, FIFO, 1, 5);
}

/* ---- QueuePutTests ------------------------------------------------------- */

static ASYNC blocking_put(struct py *self)
{
    ASYNC_BEGIN(self);
    self->item = 1;
    AWAIT(async_queue_put(&self->queue, &self->item));
    self->item = 0;
    AWAIT(async_queue_get(&self->queue, &self->item));
    CHECK_EQ(self->item, 1);
    ASYNC_END;
}

TEST(py_queues_blocking_put)
{
    run(blocking_put, FIFO, 1, 0);
}

static ASYNC gets_later(struct worker *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep((async_duration)ASYNC_MS(10)));
    CHECK_EQ(async_queue_try_get(self->queue, &self->item), 0);
    ASYNC_END;
}

static ASYNC blocking_put_wait(struct py *self)
{
    ASYNC_BEGIN(self);
    self->v.queue = self->w.queue = &self->queue;
    self->w.n = 2;
    async_spawn(&self->v.task, gets_later, &self->v);
    async_spawn(&self->w.task, puts_n, &self->w);
    AWAIT(async_yield());
    CHECK(!async_done(&self->w.task));
    AWAIT(async_join(&self->w.task));
    CHECK_EQ(test_ms(), 10);
    ASYNC_END;
}

TEST(py_queues_blocking_put_wait)
{
    run(blocking_put_wait, FIFO, 1, 1);
}

static ASYNC nonblocking_put(struct py *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(put_nowait(self, 1), 0);
    CHECK_EQ(get_nowait(self), 1);
    ASYNC_END;
}

TEST(py_queues_nonblocking_put)
{
    run(nonblocking_put, FIFO, 1, 0);
}

static ASYNC get_cancel_drop_one_pending_reader(struct py *self)
{
    ASYNC_BEGIN(self);
    GETS(&self->a, &self->queue, "A");
    AWAIT(async_yield());
    CHECK_EQ(put_nowait(self, 1), 0);
    CHECK_EQ(put_nowait(self, 2), 0);
    async_cancel(&self->a.task);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    CHECK_EQ(self->a.item, 1);          /* it had it before the cancel came */
    CHECK_EQ(get_nowait(self), 2);
    ASYNC_END;
}

TEST(py_queues_get_cancel_drop_one_pending_reader)
{
    run(get_cancel_drop_one_pending_reader, FIFO, 1, 0);
}

static ASYNC get_cancel_drop_many_pending_readers(struct py *self)
{
    ASYNC_BEGIN(self);
    GETS(&self->a, &self->queue, "A");
    GETS(&self->b, &self->queue, "B");
    GETS(&self->c, &self->queue, "C");
    AWAIT(async_yield());
    async_cancel(&self->a.task);        /* first, or it would get an item */
    CHECK_EQ(put_nowait(self, 1), 0);
    CHECK_EQ(put_nowait(self, 2), 0);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    AWAIT(async_join(&self->c.task));
    CHECK_LOG("A:cancelled B=1 C=2 ");
    ASYNC_END;
}

TEST(py_queues_get_cancel_drop_many_pending_readers)
{
    run(get_cancel_drop_many_pending_readers, FIFO, 1, 0);
}

static ASYNC put_cancel_drop(struct py *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(put_nowait(self, 1), 0);
    PUTS(&self->a, &self->queue, "A", 2);
    AWAIT(async_yield());
    CHECK_EQ(get_nowait(self), 1);
    async_cancel(&self->a.task);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    CHECK_LOG("A=2 ");                  /* it had its slot, and put */
    CHECK_EQ(get_nowait(self), 2);
    CHECK_EQ(async_queue_size(&self->queue), 0);
    ASYNC_END;
}

TEST(py_queues_put_cancel_drop)
{
    run(put_cancel_drop, FIFO, 1, 1);
}

static ASYNC nonblocking_put_exception(struct py *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(put_nowait(self, 1), 0);
    CHECK_EQ(put_nowait(self, 2), ASYNC_EAGAIN);
    ASYNC_END;
}

TEST(py_queues_nonblocking_put_exception)
{
    run(nonblocking_put_exception, FIFO, 1, 1);
}

static ASYNC put_cancelled(struct py *self)
{
    ASYNC_BEGIN(self);
    PUTS(&self->a, &self->queue, "A", 1);
    AWAIT(async_queue_get(&self->queue, &self->item));
    CHECK_EQ(self->item, 1);
    AWAIT_VALUE(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, 1);
    ASYNC_END;
}

TEST(py_queues_put_cancelled)
{
    run(put_cancelled, FIFO, 1, 0);
}

static ASYNC put_cancelled_race(struct py *self)
{
    ASYNC_BEGIN(self);
    PUTS(&self->a, &self->queue, "A", 1);
    PUTS(&self->b, &self->queue, "B", 2);
    PUTS(&self->c, &self->queue, "C", 9);
    AWAIT(async_yield());
    CHECK_LOG("A=1 ");
    async_cancel(&self->c.task);
    AWAIT(async_yield());
    CHECK(async_done(&self->c.task));
    CHECK_LOG("C:cancelled ");
    CHECK_EQ(get_nowait(self), 1);
    AWAIT(async_yield());
    CHECK_EQ(get_nowait(self), 2);
    AWAIT(async_join(&self->b.task));
    ASYNC_END;
}

TEST(py_queues_put_cancelled_race)
{
    run(put_cancelled_race, FIFO, 1, 1);
}

static ASYNC put_with_waiting_getters(struct py *self)
{
    ASYNC_BEGIN(self);
    GETS(&self->a, &self->queue, "A");
    AWAIT(async_yield());
    self->item = 5;
    AWAIT(async_queue_put(&self->queue, &self->item));
    AWAIT_VALUE(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, 5);
    ASYNC_END;
}

TEST(py_queues_put_with_waiting_getters)
{
    run(put_with_waiting_getters, FIFO, 1, 0);
}

/* Several slots that become free at once wake as many putters. */
static ASYNC why_are_putters_waiting(struct py *self)
{
    ASYNC_BEGIN(self);
    PUTS(&self->a, &self->queue, "A", 0);
    PUTS(&self->b, &self->queue, "B", 1);
    PUTS(&self->c, &self->queue, "C", 2);
    PUTS(&self->d, &self->queue, "D", 3);
    AWAIT(async_yield());
    AWAIT(async_yield());
    for (self->i = (int)async_queue_size(&self->queue); self->i > 0;
         self->i--) {
        CHECK(get_nowait(self) >= 0);
    }
    AWAIT(async_join(&self->a.task));
    AWAIT(async_join(&self->b.task));
    AWAIT(async_join(&self->c.task));
    AWAIT(async_join(&self->d.task));
    CHECK_LOG("A=0 B=1 C=2 D=3 ");
    ASYNC_END;
}

TEST(py_queues_why_are_putters_waiting)
{
    run(why_are_putters_waiting, FIFO, 1, 2);
}

static ASYNC cancelled_puts_not_being_held_in_self_putters(struct py *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(put_nowait(self, 1), 0);
    PUTS(&self->a, &self->queue, "A", 1);
    AWAIT(async_yield());
    CHECK(self->queue.putters.tail != NULL);
    async_cancel(&self->a.task);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    CHECK(self->queue.putters.tail == NULL);
    ASYNC_END;
}

TEST(py_queues_cancelled_puts_not_being_held_in_self_putters)
{
    run(cancelled_puts_not_being_held_in_self_putters, FIFO, 1, 1);
}

/* A putter that is cancelled when it has left the line already. */
static ASYNC cancelled_put_silence_value_error_exception(struct py *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(put_nowait(self, 1), 0);
    PUTS(&self->a, &self->queue, "A", 1);
    AWAIT(async_yield());
    CHECK_EQ(get_nowait(self), 1);
    async_cancel(&self->a.task);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, ASYNC_ECANCELED);
    ASYNC_END;
}

TEST(py_queues_cancelled_put_silence_value_error_exception)
{
    run(cancelled_put_silence_value_error_exception, FIFO, 1, 1);
}

/* ---- LifoQueueTests, PriorityQueueTests ---------------------------------- */

TEST(py_queues_lifo_order)
{
    order(LIFO, "2 3 1 ");
}

TEST(py_queues_priority_order)
{
    order(PRIORITY, "1 2 3 ");
}

/* ---- _QueueJoinTestMixin, for each kind ---------------------------------- */

static ASYNC task_done_underflow(struct py *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_queue_task_done(&self->queue), ASYNC_EINVAL);
    ASYNC_END;
}

TEST(py_queues_task_done_underflow)
{
    run(task_done_underflow, FIFO, KINDS, 0);
}

static bool running;
static int accumulator;

static ASYNC adds_up(struct worker *self)
{
    ASYNC_BEGIN(self);
    while (running) {
        AWAIT(async_queue_get(self->queue, &self->item));
        accumulator += self->item;
        CHECK_EQ(async_queue_task_done(self->queue), 0);
    }
    ASYNC_END;
}

static ASYNC task_done(struct py *self)
{
    ASYNC_BEGIN(self);
    running = true;
    accumulator = 0;
    for (self->i = 0; self->i < 100; self->i++) {
        CHECK_EQ(put_nowait(self, self->i), 0);
    }
    self->v.queue = self->w.queue = &self->queue;
    async_spawn(&self->v.task, adds_up, &self->v);
    async_spawn(&self->w.task, adds_up, &self->w);
    AWAIT(async_queue_join(&self->queue));
    CHECK_EQ(accumulator, 99 * 100 / 2);
    running = false;
    CHECK_EQ(put_nowait(self, 0), 0);
    CHECK_EQ(put_nowait(self, 0), 0);
    AWAIT(async_join(&self->v.task));
    AWAIT(async_join(&self->w.task));
    ASYNC_END;
}

TEST(py_queues_task_done)
{
    run(task_done, FIFO, KINDS, 0);
}

static ASYNC join_empty_queue(struct py *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_queue_join(&self->queue));
    AWAIT(async_queue_join(&self->queue));
    ASYNC_END;
}

TEST(py_queues_join_empty_queue)
{
    run(join_empty_queue, FIFO, KINDS, 0);
}

/* ---- _QueueShutdownTestMixin, for each kind ------------------------------ */

static ASYNC joins(struct worker *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_queue_join(self->queue));
    test_log("joined ");
    ASYNC_END;
}

static void start_join(struct py *self)
{
    self->w.queue = &self->queue;
    CHECK_EQ(async_spawn(&self->w.task, joins, &self->w), 0);
}

/* Neither waiting nor at once can anything be put or got any more. */
static ASYNC is_shut(struct worker *self)
{
    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->outcome, async_queue_put(self->queue, &self->item));
    CHECK_EQ(self->outcome, ASYNC_ESHUTDOWN);
    CHECK_EQ(async_queue_try_put(self->queue, &self->item), ASYNC_ESHUTDOWN);
    AWAIT_RESULT(self->outcome, async_queue_get(self->queue, &self->item));
    CHECK_EQ(self->outcome, ASYNC_ESHUTDOWN);
    CHECK_EQ(async_queue_try_get(self->queue, &self->item), ASYNC_ESHUTDOWN);
    ASYNC_END;
}

static ASYNC shutdown_empty(struct py *self)
{
    ASYNC_BEGIN(self);
    GETS(&self->a, &self->queue, "A");
    AWAIT(async_yield());
    CHECK_EQ(async_queue_shutdown(&self->queue), 0);
    CHECK_EQ(async_queue_size(&self->queue), 0);
    AWAIT(async_queue_join(&self->queue));
    AWAIT(async_yield());
    CHECK_EQ(async_result(&self->a.task), ASYNC_ESHUTDOWN);
    self->v.queue = &self->queue;
    AWAIT(is_shut(&self->v));
    ASYNC_END;
}

TEST(py_queues_shutdown_empty)
{
    run(shutdown_empty, FIFO, KINDS, 0);
}

static ASYNC shutdown_nonempty(struct py *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(put_nowait(self, 1), 0);
    start_join(self);
    PUTS(&self->a, &self->queue, "A", 2);
    AWAIT(async_yield());
    CHECK_LOG("");
    CHECK_EQ(async_queue_shutdown(&self->queue), 0);
    CHECK_EQ(async_queue_size(&self->queue), 1);
    AWAIT(async_yield());
    CHECK_EQ(async_result(&self->a.task), ASYNC_ESHUTDOWN);
    CHECK_LOG("A:shut ");
    AWAIT(async_queue_get(&self->queue, &self->item));
    CHECK_EQ(self->item, 1);
    AWAIT(async_yield());
    CHECK(!async_done(&self->w.task));
    self->v.queue = &self->queue;
    AWAIT(is_shut(&self->v));
    CHECK_EQ(async_queue_task_done(&self->queue), 0);
    AWAIT(async_yield());
    CHECK(async_done(&self->w.task));
    CHECK_EQ(async_queue_task_done(&self->queue), ASYNC_EINVAL);
    ASYNC_END;
}

TEST(py_queues_shutdown_nonempty)
{
    run(shutdown_nonempty, FIFO, KINDS, 1);
}

static ASYNC shutdown_immediate(struct py *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(put_nowait(self, 1), 0);
    start_join(self);
    CHECK_EQ(async_queue_shutdown_now(&self->queue), 0);
    CHECK_EQ(async_queue_size(&self->queue), 0);
    AWAIT(async_yield());
    CHECK(async_done(&self->w.task));
    self->v.queue = &self->queue;
    AWAIT(is_shut(&self->v));
    CHECK_EQ(async_queue_task_done(&self->queue), ASYNC_EINVAL);
    ASYNC_END;
}

TEST(py_queues_shutdown_immediate)
{
    run(shutdown_immediate, FIFO, KINDS, 0);
}

static ASYNC shutdown_immediate_with_unfinished(struct py *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(put_nowait(self, 1), 0);
    CHECK_EQ(put_nowait(self, 1), 0);
    start_join(self);
    AWAIT(async_queue_get(&self->queue, &self->item));
    CHECK_EQ(self->item, 1);
    CHECK_EQ(async_queue_shutdown_now(&self->queue), 0);
    CHECK_EQ(async_queue_size(&self->queue), 0);
    AWAIT(async_yield());
    CHECK(!async_done(&self->w.task));
    self->v.queue = &self->queue;
    AWAIT(is_shut(&self->v));
    CHECK_EQ(async_queue_task_done(&self->queue), 0);
    CHECK_EQ(async_queue_task_done(&self->queue), ASYNC_EINVAL);
    AWAIT(async_yield());
    CHECK(async_done(&self->w.task));
    ASYNC_END;
}

TEST(py_queues_shutdown_immediate_with_unfinished)
{
    run(shutdown_immediate_with_unfinished, FIFO, KINDS, 0);
}

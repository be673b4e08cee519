/* queue: order, waiting in line, what is promised to whom, the end of a queue.
 * And what a strike does that comes before, while and after a put or a get
 * completes: no item is lost, and nobody waits beside one. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "line.h"

#if ASYNC_HOSTED
#include <signal.h>
#include <sys/time.h>
#endif

#define MS(n) ((async_duration)ASYNC_MS(n))
#define ZERO(object) memset(&(object), 0, sizeof (object))

struct joiner {
    async_frame frame;
    async_task task;
    async_queue *queue;
    const char *name;
    int outcome;
};

struct main {
    async_frame frame;
    async_queue queue;
    async_timeout scope;
    struct line a, b, c, d;
    struct joiner j, k;
    async_watch watch;
    int array[8];
    int item, i, rc;
};

static struct main m;           /* of the running test */

#define RUN(fn) \
    do { \
        ZERO(m); \
        CHECK_EQ(async_run(fn, &m), 0); \
    } while (0)

static int by_value(const void *a, const void *b)
{
    int left = *(const int *)a, right = *(const int *)b;

    return (left > right) - (left < right);
}

static int open_kind(async_queue *queue, int kind, int *array, size_t n)
{
    switch (kind) {
    case 0: return async_queue_open(queue, array, sizeof *array, n);
    case 1: return async_queue_open_lifo(queue, array, sizeof *array, n);
    default:
        return async_queue_open_priority(queue, array, sizeof *array, n,
                                         by_value);
    }
}

static int try_put(async_queue *queue, int item)
{
    return async_queue_try_put(queue, &item);
}

/* The item, or the error. */
static int try_get(async_queue *queue)
{
    int item, rc = async_queue_try_get(queue, &item);

    return rc == 0 ? item : rc;
}

/* ---- arguments ----------------------------------------------------------- */

TEST(queue_open_says_what_it_does_not_take)
{
    async_queue queue;
    int array[2];

    CHECK_EQ(async_queue_open(NULL, array, sizeof *array, 2), ASYNC_EINVAL);
    CHECK_EQ(async_queue_open(&queue, NULL, sizeof *array, 2), ASYNC_EINVAL);
    CHECK_EQ(async_queue_open(&queue, array, 0, 2), ASYNC_EINVAL);
    CHECK_EQ(async_queue_open(&queue, array, sizeof *array, 0), ASYNC_EINVAL);
    CHECK_EQ(async_queue_open(&queue, array, 1, (size_t)-1), ASYNC_EINVAL);
    CHECK_EQ(async_queue_open_lifo(NULL, array, 1, 1), ASYNC_EINVAL);
    CHECK_EQ(async_queue_open_lifo(&queue, array, 0, 1), ASYNC_EINVAL);
    CHECK_EQ(async_queue_open_priority(NULL, array, 1, 1, by_value),
             ASYNC_EINVAL);
    CHECK_EQ(async_queue_open_priority(&queue, array, 1, 1, NULL),
             ASYNC_EINVAL);
    CHECK_EQ(async_queue_open(&queue, array, sizeof *array, 2), 0);
}

static ASYNC wrong_use(struct main *self)
{
    static async_queue closed;

    ASYNC_BEGIN(self);
    CHECK_EQ(async_queue_open(&self->queue, self->array, sizeof(int), 2), 0);
    AWAIT_RESULT(self->rc, async_queue_put(NULL, &self->item));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_queue_put(&self->queue, NULL));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_queue_put(&closed, &self->item));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_queue_get(NULL, &self->item));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_queue_get(&self->queue, NULL));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_queue_get(&closed, &self->item));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    CHECK_EQ(async_queue_try_put(NULL, &self->item), ASYNC_EINVAL);
    CHECK_EQ(async_queue_try_put(&self->queue, NULL), ASYNC_EINVAL);
    CHECK_EQ(async_queue_try_put(&closed, &self->item), ASYNC_EINVAL);
    CHECK_EQ(async_queue_try_get(NULL, &self->item), ASYNC_EINVAL);
    CHECK_EQ(async_queue_try_get(&self->queue, NULL), ASYNC_EINVAL);
    CHECK_EQ(async_queue_try_get(&closed, &self->item), ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_queue_join(NULL));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    CHECK_EQ(async_queue_task_done(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_queue_task_done(&self->queue), ASYNC_EINVAL);
    CHECK_EQ(async_queue_shutdown(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_queue_shutdown(&closed), ASYNC_EINVAL);
    CHECK_EQ(async_queue_shutdown_now(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_queue_shutdown_now(&closed), ASYNC_EINVAL);
    CHECK_EQ(async_queue_size(NULL), 0);
    CHECK_EQ(async_queue_unfinished(NULL), 0);
    CHECK(async_queue_empty(NULL));
    CHECK(async_queue_full(NULL));
    CHECK_EQ(async_queue_size(&self->queue), 0);
    ASYNC_END;
}

TEST(queue_wrong_use)
{
    RUN(wrong_use);
}

/* ---- order --------------------------------------------------------------- */

/* Items of every size, round the array's end: each comes out as it went in. */
TEST(queue_fifo_keeps_order_and_bytes)
{
    unsigned char array[7 * 40], item[40], got[40];
    async_queue queue;
    unsigned in = 0, out = 0, i;
    size_t size;

    for (size = 1; size <= sizeof item; size++) {
        CHECK_EQ(async_queue_open(&queue, array, size, 7), 0);
        for (i = 0; i < 60; i++) {
            while ((in * 7 + i * 5) % 4 != 0 && !async_queue_full(&queue)) {
                memset(item, (int)(in & 0xff), sizeof item);
                CHECK_EQ(async_queue_try_put(&queue, item), 0);
                in++;
            }
            if (in == out) {
                CHECK(async_queue_empty(&queue));
                CHECK_EQ(async_queue_try_get(&queue, got), ASYNC_EAGAIN);
                in++;
                memset(item, (int)(out & 0xff), sizeof item);
                CHECK_EQ(async_queue_try_put(&queue, item), 0);
            }
            memset(item, (int)(out & 0xff), sizeof item);
            CHECK_EQ(async_queue_try_get(&queue, got), 0);
            CHECK(memcmp(item, got, size) == 0);
            out++;
            CHECK_EQ(async_queue_size(&queue), in - out);
        }
        in = out = 0;
    }
}

TEST(queue_lifo_gives_the_newest)
{
    async_queue queue;
    int array[3];

    CHECK_EQ(async_queue_open_lifo(&queue, array, sizeof *array, 3), 0);
    CHECK_EQ(try_put(&queue, 1), 0);
    CHECK_EQ(try_put(&queue, 2), 0);
    CHECK_EQ(try_get(&queue), 2);
    CHECK_EQ(try_put(&queue, 3), 0);
    CHECK_EQ(try_put(&queue, 4), 0);
    CHECK_EQ(try_put(&queue, 5), ASYNC_EAGAIN);
    CHECK_EQ(try_get(&queue), 4);
    CHECK_EQ(try_get(&queue), 3);
    CHECK_EQ(try_get(&queue), 1);
    CHECK_EQ(try_get(&queue), ASYNC_EAGAIN);
}

/* The heap against a search, for every fill and with equal items. */
TEST(queue_priority_gives_the_most_urgent)
{
    enum { N = 33, STEPS = ASYNC_HOSTED ? 20000 : 4000 };
    async_queue queue;
    int array[N], model[N];
    uint32_t random = 1;
    int n = 0, i, j, least;

    CHECK_EQ(async_queue_open_priority(&queue, array, sizeof *array, N,
                                       by_value), 0);
    for (i = 0; i < STEPS; i++) {
        random = random * 1664525u + 1013904223u;
        if ((random >> 16) % 64 < (unsigned)(i / (STEPS / 40)) && n < N) {
            model[n] = (int)((random >> 8) % 50);
            CHECK_EQ(try_put(&queue, model[n]), 0);
            n++;
        } else if (n > 0) {
            least = 0;
            for (j = 1; j < n; j++) {
                if (model[j] < model[least]) {
                    least = j;
                }
            }
            CHECK_EQ(try_get(&queue), model[least]);
            model[least] = model[--n];
        }
        CHECK_EQ(async_queue_size(&queue), n);
        CHECK_EQ(async_queue_empty(&queue), n == 0);
        CHECK_EQ(async_queue_full(&queue), n == N);
    }
}

struct job { unsigned char urgency; char text[10]; };

static int by_urgency(const void *a, const void *b)
{
    return ((const struct job *)b)->urgency - ((const struct job *)a)->urgency;
}

TEST(queue_priority_moves_whole_items)
{
    static const struct job jobs[] = {
        {2, "tidy"}, {9, "fire"}, {5, "phone"}, {1, "rest"}, {7, "milk"}
    };
    struct job array[5], job;
    async_queue queue;
    int i;

    CHECK_EQ(async_queue_open_priority(&queue, array, sizeof *array, 5,
                                       by_urgency), 0);
    for (i = 0; i < 5; i++) {
        CHECK_EQ(async_queue_try_put(&queue, &jobs[i]), 0);
    }
    while (async_queue_try_get(&queue, &job) == 0) {
        test_log("%s ", job.text);
    }
    CHECK_LOG("fire milk phone tidy rest ");
}

/* ---- waiting in line ----------------------------------------------------- */

static ASYNC getters_in_order(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, 0, self->array, 2);
    GETS(&self->a, &self->queue, "A");
    GETS(&self->b, &self->queue, "B");
    GETS(&self->c, &self->queue, "C");
    AWAIT(async_yield());
    for (self->item = 1; self->item <= 3; self->item++) {
        AWAIT(async_queue_put(&self->queue, &self->item));
    }
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("A=1 B=2 C=3 ");
    ASYNC_END;
}

TEST(queue_serves_getters_in_order_of_coming)
{
    RUN(getters_in_order);
}

static ASYNC putters_in_order(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, 0, self->array, 1);
    PUTS(&self->a, &self->queue, "A", 1);
    PUTS(&self->b, &self->queue, "B", 2);
    PUTS(&self->c, &self->queue, "C", 3);
    AWAIT(async_yield());
    CHECK_LOG("A=1 ");
    for (self->i = 1; self->i <= 3; self->i++) {
        AWAIT(async_queue_get(&self->queue, &self->item));
        CHECK_EQ(self->item, self->i);
    }
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("B=2 C=3 ");
    CHECK(async_queue_empty(&self->queue));
    ASYNC_END;
}

TEST(queue_serves_putters_in_order_of_coming)
{
    RUN(putters_in_order);
}

/* Between a getter's wake and its run the item is its own. */
static ASYNC promised_item(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, self->i, self->array, 3);
    GETS(&self->a, &self->queue, "A");
    AWAIT(async_yield());
    CHECK(async_queue_empty(&self->queue));
    CHECK_EQ(try_put(&self->queue, 1), 0);      /* A wakes */
    CHECK(async_queue_empty(&self->queue));
    CHECK_EQ(async_queue_size(&self->queue), 0);
    CHECK_EQ(try_get(&self->queue), ASYNC_EAGAIN);
    CHECK_EQ(try_put(&self->queue, 2), 0);
    CHECK_EQ(async_queue_size(&self->queue), 1);
    CHECK_EQ(try_put(&self->queue, 3), 0);
    CHECK(async_queue_full(&self->queue));
    CHECK_EQ(try_put(&self->queue, 4), ASYNC_EAGAIN);
    CHECK(try_get(&self->queue) > 0);
    CHECK(try_get(&self->queue) > 0);
    CHECK_EQ(try_get(&self->queue), ASYNC_EAGAIN);
    AWAIT(async_join(&self->a.task));
    CHECK_EQ(self->queue.count, 0);
    test_log_clear();
    ASYNC_END;
}

TEST(queue_promised_item_is_taken_by_nobody_else)
{
    int kind;

    for (kind = 0; kind < 3; kind++) {
        ZERO(m);
        m.i = kind;
        CHECK_EQ(async_run(promised_item, &m), 0);
    }
}

/* Between a putter's wake and its run the slot is its own. */
static ASYNC reserved_slot(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, 0, self->array, 1);
    CHECK_EQ(try_put(&self->queue, 1), 0);
    PUTS(&self->a, &self->queue, "A", 2);
    AWAIT(async_yield());
    CHECK_EQ(try_get(&self->queue), 1);         /* A wakes */
    CHECK(async_queue_full(&self->queue));
    CHECK(async_queue_empty(&self->queue));
    CHECK_EQ(try_put(&self->queue, 3), ASYNC_EAGAIN);
    CHECK_EQ(try_get(&self->queue), ASYNC_EAGAIN);
    AWAIT(async_yield());
    CHECK_LOG("A=2 ");
    CHECK_EQ(try_get(&self->queue), 2);
    ASYNC_END;
}

TEST(queue_reserved_slot_is_taken_by_nobody_else)
{
    RUN(reserved_slot);
}

/* Who comes while another was woken, and has not run, comes after it, though
 * there is something for both. */
static ASYNC behind(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, 0, self->array, 2);
    GETS(&self->a, &self->queue, "A");
    AWAIT(async_yield());
    GETS(&self->b, &self->queue, "B");          /* runs before A */
    CHECK_EQ(try_put(&self->queue, 1), 0);
    CHECK_EQ(try_put(&self->queue, 2), 0);
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("A=1 B=2 ");

    CHECK_EQ(try_put(&self->queue, 1), 0);
    CHECK_EQ(try_put(&self->queue, 2), 0);
    PUTS(&self->a, &self->queue, "A", 3);
    AWAIT(async_yield());
    PUTS(&self->b, &self->queue, "B", 4);       /* runs before A */
    CHECK_EQ(try_get(&self->queue), 1);
    CHECK_EQ(try_get(&self->queue), 2);
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("A=3 B=4 ");
    CHECK_EQ(try_get(&self->queue), 3);
    CHECK_EQ(try_get(&self->queue), 4);
    ASYNC_END;
}

TEST(queue_newcomer_goes_behind_who_was_woken)
{
    RUN(behind);
}

/* The same newcomer, if waiting its turn would be too late: a poll. */
static ASYNC poll_behind(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, 0, self->array, 2);
    GETS(&self->a, &self->queue, "A");
    AWAIT(async_yield());
    GETS(&self->b, &self->queue, "B");
    self->b.limit = 0;
    CHECK_EQ(try_put(&self->queue, 1), 0);
    CHECK_EQ(try_put(&self->queue, 2), 0);
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("B=1 A=2 ");

    CHECK_EQ(try_put(&self->queue, 1), 0);
    CHECK_EQ(try_put(&self->queue, 2), 0);
    PUTS(&self->a, &self->queue, "A", 3);
    AWAIT(async_yield());
    PUTS(&self->b, &self->queue, "B", 4);
    self->b.limit = 0;
    CHECK_EQ(try_get(&self->queue), 1);
    CHECK_EQ(try_get(&self->queue), 2);
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("B=4 A=3 ");
    ASYNC_END;
}

TEST(queue_poll_takes_what_is_left_over)
{
    RUN(poll_behind);
}

/* Putters and getters may both wait at once: a getter was promised the one
 * item, and has not taken it from the full queue yet. */
static ASYNC both_wait(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, 0, self->array, 1);
    GETS(&self->a, &self->queue, "A");
    AWAIT(async_yield());
    PUTS(&self->b, &self->queue, "B", 2);       /* these two run before A */
    GETS(&self->c, &self->queue, "C");
    CHECK_EQ(try_put(&self->queue, 1), 0);
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("A=1 B=2 C=2 ");
    CHECK(async_queue_empty(&self->queue));
    CHECK(!async_queue_full(&self->queue));
    ASYNC_END;
}

TEST(queue_putters_and_getters_wait_at_once)
{
    RUN(both_wait);
}

static ASYNC nobody_puts(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, 0, self->array, 1);
    AWAIT(async_queue_get(&self->queue, &self->item));
    ASYNC_END;
}

TEST(queue_get_that_nothing_can_end_is_a_deadlock)
{

    ZERO(m);
    CHECK_EQ(async_run(nobody_puts, &m), ASYNC_EDEADLK);
}

static void on_done(async_watch *watch, async_task *task)
{
    struct main *self = (struct main *)(void *)
        ((char *)(void *)watch - offsetof(struct main, watch));

    (void)task;
    CHECK_EQ(try_put(&self->queue, 2), 0);
}

/* From a callback, and before the loop runs. */
static ASYNC from_callback(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_queue_get(&self->queue, &self->item));
    CHECK_EQ(self->item, 1);
    GETS(&self->a, &self->queue, "A");
    PUTS(&self->b, &self->queue, "B", 1);
    AWAIT(async_yield());
    CHECK_EQ(async_on_done(&self->b.task, &self->watch, on_done), 0);
    AWAIT(async_queue_get(&self->queue, &self->item));
    CHECK_EQ(self->item, 2);
    CHECK_LOG("B=1 A=1 ");
    ASYNC_END;
}

TEST(queue_try_put_from_a_callback_and_before_the_loop)
{

    ZERO(m);
    open_kind(&m.queue, 0, m.array, 2);
    CHECK_EQ(try_put(&m.queue, 1), 0);
    CHECK_EQ(async_run(from_callback, &m), 0);
}

/* Both sides at their own pace, many items through few slots. */
static ASYNC produces(struct line *self)
{
    ASYNC_BEGIN(self);
    for (self->item = 0; self->item < 1000; self->item++) {
        if (self->item % 7 == 0) {
            AWAIT(async_yield());
        }
        AWAIT(async_queue_put(self->queue, &self->item));
    }
    AWAIT(async_yield());
    ASYNC_END;
}

static ASYNC through(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, 0, self->array, 3);
    self->a.queue = &self->queue;
    CHECK_EQ(async_spawn(&self->a.task, produces, &self->a), 0);
    for (self->i = 0; self->i < 1000; self->i++) {
        if (self->i % 5 == 0) {
            AWAIT(async_yield());
        }
        AWAIT(async_queue_get(&self->queue, &self->item));
        CHECK_EQ(self->item, self->i);
    }
    AWAIT(async_join(&self->a.task));
    ASYNC_END;
}

TEST(queue_thousand_items_through_three_slots)
{
    RUN(through);
}

/* ---- strikes: before, while and after it completes ----------------------- */

/* Before: the getter waits. It leaves, and the item goes to the next one. */
static ASYNC get_struck_before(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, 0, self->array, 2);
    GETS(&self->a, &self->queue, "A");
    GETS(&self->b, &self->queue, "B");
    AWAIT(async_yield());
    async_cancel(&self->a.task);
    CHECK_EQ(try_put(&self->queue, 1), 0);      /* A has left the line */
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("A:cancelled B=1 ");
    CHECK_EQ(self->a.item, -1);
    CHECK_EQ(async_result(&self->a.task), ASYNC_ECANCELED);

    GETS(&self->a, &self->queue, "A");
    self->a.limit = MS(5);
    GETS(&self->b, &self->queue, "B");
    AWAIT(async_sleep(MS(6)));
    CHECK_EQ(try_put(&self->queue, 2), 0);
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("A:late B=2 ");
    CHECK_EQ(self->a.item, -1);
    CHECK(async_queue_empty(&self->queue));
    ASYNC_END;
}

TEST(queue_get_struck_before_takes_nothing)
{
    RUN(get_struck_before);
}

/* While: the getter was woken, and has not run. It gets the item, and the
 * strike comes later. */
static ASYNC get_struck_while(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, 0, self->array, 2);
    GETS(&self->a, &self->queue, "A");
    GETS(&self->b, &self->queue, "B");
    AWAIT(async_yield());
    CHECK_EQ(try_put(&self->queue, 1), 0);
    async_cancel(&self->a.task);
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("A=1 ");
    CHECK_EQ(async_result(&self->a.task), ASYNC_ECANCELED);
    CHECK_EQ(try_put(&self->queue, 2), 0);
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("B=2 ");

    /* Its deadline passes between its wake and its run. */
    GETS(&self->a, &self->queue, "A");
    self->a.limit = MS(5);
    AWAIT(async_sleep(MS(1)));
    test_busy(MS(10));
    CHECK_EQ(try_put(&self->queue, 3), 0);      /* woken, then the deadline */
    AWAIT(async_sleep(MS(20)));
    CHECK_LOG("A=3 ");
    CHECK_EQ(async_result(&self->a.task), 3);
    CHECK(async_queue_empty(&self->queue));
    ASYNC_END;
}

TEST(queue_get_struck_while_woken_keeps_its_item)
{
    RUN(get_struck_while);
}

/* After, or when it need not wait: it completes. */
static ASYNC get_struck_after(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, 0, self->array, 2);
    CHECK_EQ(try_put(&self->queue, 1), 0);
    AWAIT(ASYNC_TIMEOUT(&self->scope, 0,
                        async_queue_get(&self->queue, &self->item)));
    CHECK_EQ(self->item, 1);
    AWAIT_RESULT(self->rc,
                 ASYNC_TIMEOUT(&self->scope, 0,
                               async_queue_get(&self->queue, &self->item)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    CHECK_EQ(try_put(&self->queue, 2), 0);
    CHECK_EQ(async_cancel(async_current()), 1);
    AWAIT(async_queue_get(&self->queue, &self->item));
    CHECK_EQ(self->item, 2);
    ASYNC_TRY {
        AWAIT(async_queue_get(&self->queue, &self->item));
        test_fail(__FILE__, __LINE__, "no strike");
    } ASYNC_CATCH_ALL(self->rc) {
        CHECK_EQ(self->rc, ASYNC_CANCEL);
        CHECK_EQ(self->item, 2);
    } ASYNC_TRY_END;
    ASYNC_END;
}

TEST(queue_get_struck_with_an_item_there_takes_it)
{
    RUN(get_struck_after);
}

static ASYNC put_struck_before(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, 0, self->array, 1);
    CHECK_EQ(try_put(&self->queue, 1), 0);
    PUTS(&self->a, &self->queue, "A", 2);
    PUTS(&self->b, &self->queue, "B", 3);
    AWAIT(async_yield());
    async_cancel(&self->a.task);
    CHECK_EQ(try_get(&self->queue), 1);
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("A:cancelled B=3 ");

    PUTS(&self->a, &self->queue, "A", 4);
    self->a.limit = MS(5);
    PUTS(&self->b, &self->queue, "B", 5);
    AWAIT(async_sleep(MS(6)));
    CHECK_LOG("A:late ");
    CHECK_EQ(try_get(&self->queue), 3);
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("B=5 ");
    CHECK_EQ(try_get(&self->queue), 5);
    CHECK_EQ(try_get(&self->queue), ASYNC_EAGAIN);
    ASYNC_END;
}

TEST(queue_put_struck_before_puts_nothing)
{
    RUN(put_struck_before);
}

static ASYNC put_struck_while(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, 0, self->array, 1);
    CHECK_EQ(try_put(&self->queue, 1), 0);
    PUTS(&self->a, &self->queue, "A", 2);
    PUTS(&self->b, &self->queue, "B", 3);
    AWAIT(async_yield());
    CHECK_EQ(try_get(&self->queue), 1);
    async_cancel(&self->a.task);
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("A=2 ");
    CHECK_EQ(async_result(&self->a.task), ASYNC_ECANCELED);
    CHECK_EQ(try_get(&self->queue), 2);
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("B=3 ");

    PUTS(&self->a, &self->queue, "A", 4);
    self->a.limit = MS(5);
    AWAIT(async_sleep(MS(1)));
    test_busy(MS(10));
    CHECK_EQ(try_get(&self->queue), 3);         /* woken, then the deadline */
    AWAIT(async_sleep(MS(20)));
    CHECK_LOG("A=4 ");
    CHECK_EQ(async_result(&self->a.task), 4);
    CHECK_EQ(try_get(&self->queue), 4);
    ASYNC_END;
}

TEST(queue_put_struck_while_woken_keeps_its_slot)
{
    RUN(put_struck_while);
}

static ASYNC put_struck_after(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, 0, self->array, 2);
    self->item = 1;
    AWAIT(ASYNC_TIMEOUT(&self->scope, 0,
                        async_queue_put(&self->queue, &self->item)));
    self->item = 2;
    CHECK_EQ(async_cancel(async_current()), 1);
    AWAIT(async_queue_put(&self->queue, &self->item));
    ASYNC_TRY {
        self->item = 3;
        AWAIT(async_queue_put(&self->queue, &self->item));
        test_fail(__FILE__, __LINE__, "no strike");
    } ASYNC_CATCH_ALL(self->rc) {
        CHECK_EQ(self->rc, ASYNC_CANCEL);
    } ASYNC_TRY_END;
    AWAIT_RESULT(self->rc,
                 ASYNC_TIMEOUT(&self->scope, 0,
                               async_queue_put(&self->queue, &self->item)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    CHECK_EQ(try_get(&self->queue), 1);
    CHECK_EQ(try_get(&self->queue), 2);
    CHECK_EQ(try_get(&self->queue), ASYNC_EAGAIN);
    ASYNC_END;
}

TEST(queue_put_struck_with_room_there_puts)
{
    RUN(put_struck_after);
}

/* Every one of a line of waiters struck, in every order of two: the rest are
 * served, in their order. */
static ASYNC struck_in_line(struct main *self)
{
    struct line *const w[4] = {&self->a, &self->b, &self->c, &self->d};
    static const char *const names[] = {"A", "B", "C", "D"};
    int i;

    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 16; self->i++) {
        open_kind(&self->queue, 0, self->array, 4);
        for (i = 0; i < 4; i++) {
            GETS(w[i], &self->queue, names[i]);
        }
        AWAIT(async_yield());
        for (i = 0; i < 4; i++) {
            if (i == 2) {
                CHECK_EQ(try_put(&self->queue, 1), 0);
                CHECK_EQ(try_put(&self->queue, 2), 0);
            }
            if ((self->i >> i & 1) != 0) {
                async_cancel(&w[i]->task);
            }
        }
        CHECK_EQ(try_put(&self->queue, 3), 0);
        CHECK_EQ(try_put(&self->queue, 4), 0);
        AWAIT(async_sleep(MS(1)));
        /* No item is beside a waiter, and none is lost. */
        self->item = 0;
        for (i = 0; i < 4; i++) {
            CHECK(async_done(&w[i]->task));
            self->item += w[i]->item > 0 ? w[i]->item : 0;
        }
        while ((self->rc = try_get(&self->queue)) > 0) {
            self->item += self->rc;
        }
        CHECK_EQ(self->item, 10);
        test_log_clear();
    }
    ASYNC_END;
}

TEST(queue_strikes_in_a_line_strand_nobody)
{
    RUN(struck_in_line);
}

/* ---- join ---------------------------------------------------------------- */

static ASYNC joiner(struct joiner *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_queue_join(self->queue));
        test_log("%s joined ", self->name);
    } ASYNC_CATCH_ALL(self->outcome) {
        test_log("%s struck ", self->name);
        ASYNC_RAISE(self->outcome);
    } ASYNC_TRY_END;
    ASYNC_END;
}

static void join_up(struct joiner *it, async_queue *queue, const char *name)
{
    memset(it, 0, sizeof *it);
    it->queue = queue;
    it->name = name;
    CHECK_EQ(async_spawn(&it->task, joiner, it), 0);
}

static ASYNC joins(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, 0, self->array, 3);
    AWAIT(async_queue_join(&self->queue));      /* nothing to wait for */
    CHECK_EQ(try_put(&self->queue, 1), 0);
    CHECK_EQ(try_put(&self->queue, 2), 0);
    join_up(&self->j, &self->queue, "J");
    join_up(&self->k, &self->queue, "K");
    AWAIT(async_yield());
    CHECK_EQ(try_get(&self->queue), 1);
    CHECK_EQ(try_get(&self->queue), 2);
    CHECK_EQ(async_queue_task_done(&self->queue), 0);
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("");
    CHECK_EQ(async_queue_task_done(&self->queue), 0);
    CHECK_EQ(try_put(&self->queue, 3), 0);      /* after they were woken */
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("J joined K joined ");
    CHECK_EQ(try_get(&self->queue), 3);
    CHECK_EQ(async_queue_task_done(&self->queue), 0);
    CHECK_EQ(async_queue_task_done(&self->queue), ASYNC_EINVAL);
    ASYNC_END;
}

TEST(queue_join_waits_for_every_task_done)
{
    RUN(joins);
}

static ASYNC join_struck(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, 0, self->array, 3);
    CHECK_EQ(try_put(&self->queue, 1), 0);
    join_up(&self->j, &self->queue, "J");       /* before */
    join_up(&self->k, &self->queue, "K");
    AWAIT(async_yield());
    async_cancel(&self->j.task);
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("J struck ");
    CHECK_EQ(async_queue_task_done(&self->queue), 0);
    async_cancel(&self->k.task);                /* while */
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("K joined ");
    AWAIT(ASYNC_TIMEOUT(&self->scope, 0, async_queue_join(&self->queue)));
    CHECK_EQ(try_put(&self->queue, 2), 0);
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(1),
                                         async_queue_join(&self->queue)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    CHECK_EQ(async_queue_unfinished(&self->queue), 1);
    CHECK_EQ(try_get(&self->queue), 1);
    CHECK_EQ(async_queue_size(&self->queue), 1);
    CHECK_EQ(async_queue_unfinished(&self->queue), 1);
    CHECK_EQ(async_queue_task_done(&self->queue), 0);
    CHECK_EQ(async_queue_unfinished(&self->queue), 0);
    ASYNC_END;
}

TEST(queue_join_struck_leaves_the_queue_alone)
{
    RUN(join_struck);
}

/* ---- shutdown ------------------------------------------------------------ */

static ASYNC shut_empty(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, 0, self->array, 2);
    GETS(&self->a, &self->queue, "A");
    GETS(&self->b, &self->queue, "B");
    AWAIT(async_yield());
    CHECK_EQ(async_queue_shutdown(&self->queue), 0);
    CHECK_EQ(async_queue_shutdown(&self->queue), 0);
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("A:shut B:shut ");
    CHECK_EQ(try_put(&self->queue, 1), ASYNC_ESHUTDOWN);
    CHECK_EQ(try_get(&self->queue), ASYNC_ESHUTDOWN);
    AWAIT_RESULT(self->rc, async_queue_put(&self->queue, &self->item));
    CHECK_EQ(self->rc, ASYNC_ESHUTDOWN);
    AWAIT_RESULT(self->rc, async_queue_get(&self->queue, &self->item));
    CHECK_EQ(self->rc, ASYNC_ESHUTDOWN);
    AWAIT(async_queue_join(&self->queue));
    ASYNC_END;
}

TEST(queue_shutdown_wakes_getters)
{
    RUN(shut_empty);
}

static ASYNC shut_full(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, 0, self->array, 1);
    CHECK_EQ(try_put(&self->queue, 1), 0);
    PUTS(&self->a, &self->queue, "A", 2);
    PUTS(&self->b, &self->queue, "B", 3);
    join_up(&self->j, &self->queue, "J");
    AWAIT(async_yield());
    CHECK_EQ(async_queue_shutdown(&self->queue), 0);
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("A:shut B:shut ");
    CHECK_EQ(async_queue_size(&self->queue), 1);
    AWAIT(async_queue_get(&self->queue, &self->item));
    CHECK_EQ(self->item, 1);
    AWAIT_RESULT(self->rc, async_queue_get(&self->queue, &self->item));
    CHECK_EQ(self->rc, ASYNC_ESHUTDOWN);
    CHECK_EQ(async_queue_task_done(&self->queue), 0);
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("J joined ");
    ASYNC_END;
}

TEST(queue_shutdown_lets_items_out_but_none_in)
{
    RUN(shut_full);
}

/* Woken, and not run, when the queue is shut down: a getter keeps its item,
 * and a putter has not put. */
static ASYNC shut_between(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, 0, self->array, 2);
    GETS(&self->a, &self->queue, "A");
    AWAIT(async_yield());
    GETS(&self->b, &self->queue, "B");          /* runs before A */
    CHECK_EQ(try_put(&self->queue, 1), 0);
    CHECK_EQ(async_queue_shutdown(&self->queue), 0);
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("B:shut A=1 ");

    open_kind(&self->queue, 0, self->array, 1);
    CHECK_EQ(try_put(&self->queue, 1), 0);
    PUTS(&self->a, &self->queue, "A", 2);
    PUTS(&self->b, &self->queue, "B", 3);
    AWAIT(async_yield());
    CHECK_EQ(try_get(&self->queue), 1);
    CHECK_EQ(async_queue_shutdown(&self->queue), 0);
    CHECK_EQ(try_get(&self->queue), ASYNC_ESHUTDOWN);
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("A:shut B:shut ");
    CHECK_EQ(try_get(&self->queue), ASYNC_ESHUTDOWN);
    ASYNC_END;
}

TEST(queue_shutdown_while_somebody_is_woken)
{
    RUN(shut_between);
}

/* Several are woken, one with an item and one by the shutdown; a third comes
 * when an item is left: each gets what is its own. */
static ASYNC shut_and_drain(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, 0, self->array, 4);
    GETS(&self->a, &self->queue, "A");
    GETS(&self->b, &self->queue, "B");
    GETS(&self->c, &self->queue, "C");
    AWAIT(async_yield());
    GETS(&self->d, &self->queue, "D");          /* runs before A */
    CHECK_EQ(try_put(&self->queue, 1), 0);
    CHECK_EQ(try_put(&self->queue, 2), 0);
    CHECK_EQ(async_queue_shutdown(&self->queue), 0);
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("D:shut A=1 B=2 C:shut ");
    CHECK_EQ(self->queue.promised, 0);
    ASYNC_END;
}

TEST(queue_shutdown_keeps_promises)
{
    RUN(shut_and_drain);
}

static ASYNC shut_now(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, self->i, self->array, 2);
    CHECK_EQ(try_put(&self->queue, 1), 0);
    CHECK_EQ(try_put(&self->queue, 2), 0);
    PUTS(&self->a, &self->queue, "A", 3);
    join_up(&self->j, &self->queue, "J");
    AWAIT(async_yield());
    CHECK(try_get(&self->queue) > 0);           /* A is woken */
    GETS(&self->b, &self->queue, "B");
    CHECK_EQ(async_queue_shutdown_now(&self->queue), 0);
    CHECK_EQ(async_queue_size(&self->queue), 0);
    CHECK_EQ(try_get(&self->queue), ASYNC_ESHUTDOWN);
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("A:shut B:shut ");                /* one item is out */
    CHECK_EQ(async_queue_task_done(&self->queue), 0);
    CHECK_EQ(async_queue_task_done(&self->queue), ASYNC_EINVAL);
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("J joined ");
    CHECK_EQ(async_queue_shutdown_now(&self->queue), 0);
    ASYNC_END;
}

TEST(queue_shutdown_now_drops_what_is_in_it)
{
    int kind;

    for (kind = 0; kind < 3; kind++) {
        ZERO(m);
        m.i = kind;
        CHECK_EQ(async_run(shut_now, &m), 0);
    }
}

/* A getter that was promised an item does not get it any more; nothing is out,
 * so a join is over. */
static ASYNC shut_now_between(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, 0, self->array, 2);
    GETS(&self->a, &self->queue, "A");
    GETS(&self->b, &self->queue, "B");
    AWAIT(async_yield());
    CHECK_EQ(try_put(&self->queue, 1), 0);
    join_up(&self->j, &self->queue, "J");
    AWAIT(async_queue_shutdown_now(&self->queue));
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("A:shut J joined B:shut ");
    CHECK_EQ(self->a.item, -1);

    /* More task_done than gets, and still the count does not run over. */
    open_kind(&self->queue, 0, self->array, 2);
    CHECK_EQ(try_put(&self->queue, 1), 0);
    CHECK_EQ(try_put(&self->queue, 1), 0);
    CHECK_EQ(async_queue_task_done(&self->queue), 0);
    CHECK_EQ(async_queue_shutdown_now(&self->queue), 0);
    CHECK_EQ(async_queue_task_done(&self->queue), ASYNC_EINVAL);
    AWAIT(async_queue_join(&self->queue));
    ASYNC_END;
}

TEST(queue_shutdown_now_takes_promises_back)
{
    RUN(shut_now_between);
}

/* Shutdown of a queue that drained, then at once. */
static ASYNC shut_then_now(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, 0, self->array, 2);
    CHECK_EQ(try_put(&self->queue, 1), 0);
    join_up(&self->j, &self->queue, "J");
    AWAIT(async_yield());
    CHECK_EQ(async_queue_shutdown(&self->queue), 0);
    CHECK_EQ(async_queue_size(&self->queue), 1);
    CHECK_EQ(async_queue_shutdown_now(&self->queue), 0);
    AWAIT(async_sleep(MS(1)));
    CHECK_LOG("J joined ");
    CHECK_EQ(try_get(&self->queue), ASYNC_ESHUTDOWN);
    ASYNC_END;
}

TEST(queue_shutdown_then_now)
{
    RUN(shut_then_now);
}

/* A cancel of who waits in a queue that is shut down in the same turn. */
static ASYNC shut_and_struck(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, 0, self->array, 1);
    GETS(&self->a, &self->queue, "A");
    GETS(&self->b, &self->queue, "B");
    AWAIT(async_yield());
    async_cancel(&self->a.task);
    CHECK_EQ(async_queue_shutdown(&self->queue), 0);
    async_cancel(&self->b.task);
    AWAIT(async_sleep(MS(1)));
    /* A was struck while it waited, B was answered before. */
    CHECK_LOG("A:cancelled B:shut ");
    ASYNC_END;
}

TEST(queue_shutdown_and_strike)
{
    RUN(shut_and_struck);
}

/* Whoever still waits when the loop ends is cancelled, and leaves the line. */
static ASYNC left_waiting(struct main *self)
{
    ASYNC_BEGIN(self);
    open_kind(&self->queue, 0, self->array, 1);
    GETS(&self->a, &self->queue, "A");
    GETS(&self->b, &self->queue, "B");
    AWAIT(async_yield());
    CHECK_EQ(try_put(&self->queue, 1), 0);      /* A has it, B waits */
    PUTS(&self->c, &self->queue, "C", 2);
    PUTS(&self->d, &self->queue, "D", 3);
    join_up(&self->j, &self->queue, "J");
    AWAIT(async_yield());
    ASYNC_END;
}

TEST(queue_waiters_are_cancelled_with_the_loop)
{

    ZERO(m);
    CHECK_EQ(async_run(left_waiting, &m), 0);
    CHECK(m.queue.getters.tail == NULL);
    CHECK(m.queue.putters.tail == NULL);
    CHECK(m.queue.joiners.tail == NULL);
    CHECK_EQ(m.queue.promised, 0);
    CHECK_EQ(m.queue.reserved, 0);
    test_log_clear();
}

#if ASYNC_HOSTED

/* ---- from an interrupt: demos/interrupt.c, with every byte checked ------- */

enum { RING = 64, SIGNALS = 1000 };

static struct {
    volatile unsigned char byte[RING], head, tail;
    async_irq irq;
    volatile int sent;
} wire;

static void on_alarm(int number)
{
    (void)number;
    if (wire.sent < SIGNALS && (unsigned char)(wire.head - wire.tail) < RING) {
        wire.byte[wire.head % RING] = (unsigned char)wire.sent;
        wire.head = (unsigned char)(wire.head + 1);
        wire.sent = wire.sent + 1;
        async_irq_raise(&wire.irq);
    }
}

static ASYNC pump(struct line *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        while (wire.tail != wire.head) {
            self->item = wire.byte[wire.tail % RING];
            AWAIT(async_queue_put(self->queue, &self->item));
            wire.tail = (unsigned char)(wire.tail + 1);
        }
        AWAIT(async_irq_wait(&wire.irq));
    }
    ASYNC_END;
}

static ASYNC from_interrupt(struct main *self)
{
    ASYNC_BEGIN(self);
    memset((void *)&wire, 0, sizeof wire);
    CHECK_EQ(async_irq_open(&wire.irq), 0);
    open_kind(&self->queue, 0, self->array, 3);
    self->a.queue = &self->queue;
    CHECK_EQ(async_spawn(&self->a.task, pump, &self->a), 0);
    signal(SIGALRM, on_alarm);
    {
        struct itimerval often;

        memset(&often, 0, sizeof often);
        often.it_interval.tv_usec = often.it_value.tv_usec = 100;
        setitimer(ITIMER_REAL, &often, NULL);
    }
    for (self->i = 0; self->i < SIGNALS; self->i++) {
        /* Now it waits for the byte, now the bytes wait for it. */
        if (self->i % 100 == 99) {
            AWAIT(async_sleep(MS(2)));
        }
        AWAIT(ASYNC_TIMEOUT(&self->scope, (async_duration)ASYNC_SEC(20),
                            async_queue_get(&self->queue, &self->item)));
        CHECK_EQ(self->item, self->i % 256);
    }
    {
        struct itimerval never;

        memset(&never, 0, sizeof never);
        setitimer(ITIMER_REAL, &never, NULL);
        signal(SIGALRM, SIG_IGN);
    }
    async_cancel(&self->a.task);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(async_irq_close(&wire.irq), 0);
    ASYNC_END;
}

#endif

TEST(queue_bytes_from_an_interrupt)
{
#if ASYNC_HOSTED
    test_real_time();
    RUN(from_interrupt);
    signal(SIGALRM, SIG_DFL);
#else
    test_skip("no signals here");
#endif
}

#pragma once
#include "loop.h"
/* ===========================================================================
 * queue: items handed from task to task, through an array of the caller's, in
 * which at most so many wait. Not a way in from an interrupt or a thread: that
 * is irq.h, with a task that puts what came (demos/interrupt.c).
 *
 * Who waits is served in the order of coming. The waker cannot copy for a
 * task that sleeps, so it promises: an item to the oldest getter, a slot to
 * the oldest putter, which each then moves its item when it runs. What is
 * promised nobody else gets, however late the task runs, and also if it is
 * cancelled meanwhile: so no item is lost, and nobody waits beside a free one.
 *
 *     items    [ 5 | 6 | 7 | 8 |   |   ]    count 4, capacity 6
 *     promised   ^   ^                      2: two getters woke, and will run
 *     reserved                   ^          1: so will one putter
 *
 * Which item it is that a getter receives turns out when it runs: the oldest,
 * the newest or the most urgent one of that moment.
 * ======================================================================== */

typedef struct async_queue async_queue;

/* qsort's: negative if a is to come out before b. */
typedef int (*async_compare_fn)(const void *a, const void *b);

#if ASYNC_HOSTED
typedef unsigned async_queue_count_;
#define ASYNC_QUEUE_MAX_ ((size_t)INT_MAX)
#else
typedef unsigned short async_queue_count_;
#define ASYNC_QUEUE_MAX_ 32767u
#endif

/* To be opened before use. Nothing in it is for the user to write. */
struct async_queue {
    async_list getters;
    async_list putters;
    async_list joiners;
    unsigned char *items;
    size_t size;                    /* of an item, in bytes */
    /* Copies an item into the array, which has room for it, or out of it;
     * `count` is what it was before. This is all that tells the kinds apart,
     * so that a program links only those which it opens. */
    void (*move)(async_queue *queue, void *item, bool in);
    union {
        size_t first;               /* where the oldest item is */
        async_compare_fn compare;
    } u;
    async_queue_count_ capacity;
    async_queue_count_ count;       /* items in the array */
    async_queue_count_ promised;    /* of them, to getters that were woken */
    async_queue_count_ reserved;    /* slots, for putters that were woken */
    async_queue_count_ unfinished;  /* items put, and not yet task_done */
    bool shut;
};

#define async_queue_open ASYNC_ABI_(async_queue_open)
#define async_queue_open_lifo ASYNC_ABI_(async_queue_open_lifo)
#define async_queue_open_priority ASYNC_ABI_(async_queue_open_priority)
#define async_queue_put ASYNC_ABI_(async_queue_put)
#define async_queue_get ASYNC_ABI_(async_queue_get)
#define async_queue_try_put ASYNC_ABI_(async_queue_try_put)
#define async_queue_try_get ASYNC_ABI_(async_queue_try_get)
#define async_queue_size ASYNC_ABI_(async_queue_size)
#define async_queue_empty ASYNC_ABI_(async_queue_empty)
#define async_queue_full ASYNC_ABI_(async_queue_full)
#define async_queue_unfinished ASYNC_ABI_(async_queue_unfinished)
#define async_queue_task_done ASYNC_ABI_(async_queue_task_done)
#define async_queue_join ASYNC_ABI_(async_queue_join)
#define async_queue_shutdown ASYNC_ABI_(async_queue_shutdown)
#define async_queue_shutdown_now ASYNC_ABI_(async_queue_shutdown_now)

/* async_queue_open(&queue, array, sizeof array[0], n): an empty queue over an
 * array of n items: the oldest comes out first. 0, or ASYNC_EINVAL for NULL, a
 * size or a capacity of 0, or more than fits: INT_MAX items, 32767 on a
 * microcontroller. Opening again empties it; nobody may be waiting in it, and
 * no task may have a put or a get under way. Queue and array stay where they
 * are while it is used; there is nothing to close. Any context of the loop's
 * thread, also before the loop is open. */
ASYNC_API int async_queue_open(async_queue *queue, void *array, size_t size,
                               size_t capacity);

/* The same, and the newest item comes out first: a stack. */
ASYNC_API int async_queue_open_lifo(async_queue *queue, void *array,
                                    size_t size, size_t capacity);

/* The same, and the item comes out first that is before all others by
 * compare(a, b), as for qsort. A heap: a put and a get move log2(n) items.
 * Items that are equal come out in any order; where that matters, number them.
 * ASYNC_EINVAL also for a compare of NULL. */
ASYNC_API int async_queue_open_priority(async_queue *queue, void *array,
                                        size_t size, size_t capacity,
                                        async_compare_fn compare);

/* AWAIT(async_queue_put(&queue, &self->item)): copy an item in; wait while the
 * queue is full. The item stays what and where it is until this is over. 0, or
 * ASYNC_ESHUTDOWN if the queue is shut down before the item is in it,
 * ASYNC_EINVAL for NULL or a queue that is not open.
 *
 * When it fails, also by a strike (a cancel or a timeout), the item is not in
 * the queue; when it succeeds, it is, exactly once. A strike that comes after
 * a slot was promised leaves the put to succeed, and hits the task's next
 * await. Task only. Costs a copy; a putter that waited costs a wake. */
ASYNC_API ASYNC async_queue_put(async_queue *queue, const void *item);

/* AWAIT(async_queue_get(&queue, &self->item)): take an item out, into the
 * caller's memory; wait while the queue is empty. 0, or ASYNC_ESHUTDOWN if the
 * queue is shut down and has no item left, ASYNC_EINVAL for NULL or a queue
 * that is not open.
 *
 * When it fails, also by a strike, nothing was taken and `item` is untouched.
 * A strike that comes after an item was promised leaves the get to succeed.
 * Task only. Costs a copy; a getter that waited costs a wake. */
ASYNC_API ASYNC async_queue_get(async_queue *queue, void *item);

/* The same without waiting: 0, or ASYNC_EAGAIN when there is no room or no
 * item but what others were promised, ASYNC_ESHUTDOWN, ASYNC_EINVAL. From a
 * task or a callback of the loop, and before the loop first runs; not from an
 * interrupt. An item put so goes in ahead of those of putters that were woken
 * and have not run yet. */
ASYNC_API int async_queue_try_put(async_queue *queue, const void *item);
ASYNC_API int async_queue_try_get(async_queue *queue, void *item);

/* How many items a try_get could take one after the other: those promised to
 * woken getters do not count, as asyncio's qsize would count them. 0 for NULL.
 * Is that none? Would a try_put find no room? Both are true for NULL. "Is all
 * of it done?" is another question: async_queue_unfinished. Any context of the
 * loop's thread. */
ASYNC_API size_t async_queue_size(const async_queue *queue);
ASYNC_API bool async_queue_empty(const async_queue *queue);
ASYNC_API bool async_queue_full(const async_queue *queue);

/* An item that came out of the queue has been dealt with. 0, or ASYNC_EINVAL
 * for NULL, or when no item is unfinished: more calls than there were puts.
 * Task or callback of the loop. */
ASYNC_API int async_queue_task_done(async_queue *queue);

/* How many items were put and not yet dealt with: those in the queue, those
 * promised, and those taken for which task_done was not called yet. 0 for
 * NULL. For users of task_done only: it does not go down without. Any context
 * of the loop's thread. */
ASYNC_API size_t async_queue_unfinished(const async_queue *queue);

/* AWAIT(async_queue_join(&queue)): wait until every item that was put has been
 * dealt with, that is, until task_done was called as often. At once if there
 * is none. A put that still waits does not count. 0, or ASYNC_EINVAL for NULL.
 * A strike leaves the queue as it is. Any number of tasks. Task only. */
ASYNC_API ASYNC async_queue_join(async_queue *queue);

/* No more puts: those that wait, or come later, fail with ASYNC_ESHUTDOWN,
 * also one that was promised a slot and has not run. Items in the queue still
 * come out; then gets fail with ASYNC_ESHUTDOWN too, those that wait at once.
 * 0, also when it is shut down already; ASYNC_EINVAL for NULL or a queue that
 * is not open. Task or callback of the loop.
 *
 * To a worker this is its end, and no failure: with a plain AWAIT its task
 * ends with ASYNC_ESHUTDOWN, which a group takes for its first error, and
 * cancels the workers that still have items. So:
 *
 *     for (;;) {
 *         AWAIT_RESULT(self->rc, async_queue_get(self->queue, &self->item));
 *         if (self->rc < 0) { break; }
 *         ...
 *     }
 */
ASYNC_API int async_queue_shutdown(async_queue *queue);

/* The same, and the items in the queue are dropped: each counts as finished,
 * and a getter to which one was promised fails as well. A join then waits only
 * for the items that are out. */
ASYNC_API int async_queue_shutdown_now(async_queue *queue);

/* For the kinds: copy an item, and open the queue with a way of moving. */
ASYNC_API void async_queue_copy_(const async_queue *queue, void *to,
                                 const void *from);
ASYNC_API int async_queue_open_(async_queue *queue, void *array, size_t size,
                                size_t capacity,
                                void (*move)(async_queue *, void *, bool));

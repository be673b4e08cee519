/* ===========================================================================
 * queue_priority: a queue's items as a binary heap. In a part of its own, for
 * who opens no such queue does not link it.
 * ======================================================================== */
#include "queue.h"

#define ASYNC_HEAP_AT_(queue, i) ((queue)->items + (i) * (queue)->size)

/* Of the item at i are 2 i + 1 and 2 i + 2 the children, and none is before
 * its parent. An item moves into a hole, which travels to where it belongs. */
static void async_queue_move_heap_(async_queue *queue, void *item, bool in)
{
    async_compare_fn compare = queue->u.compare;
    size_t n = queue->count;
    size_t hole = in ? n : 0;
    size_t next;

    if (!in) {
        async_queue_copy_(queue, item, queue->items);
        n--;
        item = ASYNC_HEAP_AT_(queue, n);    /* the last one fills the hole */
        for (; (next = 2 * hole + 1) < n; hole = next) {
            if (next + 1 < n && compare(ASYNC_HEAP_AT_(queue, next + 1),
                                        ASYNC_HEAP_AT_(queue, next)) < 0) {
                next++;
            }
            if (compare(ASYNC_HEAP_AT_(queue, next), item) >= 0) {
                break;
            }
            async_queue_copy_(queue, ASYNC_HEAP_AT_(queue, hole),
                              ASYNC_HEAP_AT_(queue, next));
        }
    } else {
        for (; hole != 0; hole = next) {
            next = (hole - 1) / 2;
            if (compare(item, ASYNC_HEAP_AT_(queue, next)) >= 0) {
                break;
            }
            async_queue_copy_(queue, ASYNC_HEAP_AT_(queue, hole),
                              ASYNC_HEAP_AT_(queue, next));
        }
    }
    if (ASYNC_HEAP_AT_(queue, hole) != item) {
        async_queue_copy_(queue, ASYNC_HEAP_AT_(queue, hole), item);
    }
}

ASYNC_API int async_queue_open_priority(async_queue *queue, void *array,
                                        size_t size, size_t capacity,
                                        async_compare_fn compare)
{
    int rc = compare == NULL
        ? ASYNC_EINVAL
        : async_queue_open_(queue, array, size, capacity,
                            async_queue_move_heap_);

    if (rc == 0) {
        queue->u.compare = compare;
    }
    return rc;
}

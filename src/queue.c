/* ===========================================================================
 * queue: who waits, who is promised what; and the two simple orders.
 * ======================================================================== */
#include "queue.h"

#if ASYNC_HOSTED
#include <string.h>
#endif

/* A compiler turns a plain loop into a call of memcpy, which a bare board need
 * not have. */
ASYNC_API void async_queue_copy_(const async_queue *queue, void *to,
                                 const void *from)
{
#if ASYNC_HOSTED
    memcpy(to, from, queue->size);
#else
    volatile unsigned char *out = (volatile unsigned char *)to;
    const unsigned char *in = (const unsigned char *)from;
    const unsigned char *end = in + queue->size;

    while (in != end) {
        *out++ = *in++;
    }
#endif
}

ASYNC_API int async_queue_open_(async_queue *queue, void *array, size_t size,
                                size_t capacity,
                                void (*move)(async_queue *, void *, bool))
{
    if (queue == NULL || array == NULL || size == 0 || capacity == 0
        || capacity > ASYNC_QUEUE_MAX_) {
        return ASYNC_EINVAL;
    }
    queue->getters.tail = NULL;
    queue->putters.tail = NULL;
    queue->joiners.tail = NULL;
    queue->items = (unsigned char *)array;
    queue->size = size;
    queue->move = move;
    queue->u.first = 0;
    queue->capacity = (async_queue_count_)capacity;
    queue->count = 0;
    queue->promised = 0;
    queue->reserved = 0;
    queue->unfinished = 0;
    queue->shut = false;
    return 0;
}

/* ---- the simple orders --------------------------------------------------- */

/* A ring: the oldest item at `first`, the others behind it. */
static void async_queue_move_fifo_(async_queue *queue, void *item, bool in)
{
    size_t at = queue->u.first;

    if (in) {
        at += queue->count;
        if (at >= queue->capacity) {
            at -= queue->capacity;
        }
        async_queue_copy_(queue, queue->items + at * queue->size, item);
    } else {
        async_queue_copy_(queue, item, queue->items + at * queue->size);
        queue->u.first = at + 1 == queue->capacity ? 0 : at + 1;
    }
}

ASYNC_API int async_queue_open(async_queue *queue, void *array, size_t size,
                               size_t capacity)
{
    return async_queue_open_(queue, array, size, capacity,
                             async_queue_move_fifo_);
}

static void async_queue_move_lifo_(async_queue *queue, void *item, bool in)
{
    unsigned char *end = queue->items + queue->count * queue->size;

    if (in) {
        async_queue_copy_(queue, end, item);
    } else {
        async_queue_copy_(queue, item, end - queue->size);
    }
}

ASYNC_API int async_queue_open_lifo(async_queue *queue, void *array,
                                    size_t size, size_t capacity)
{
    return async_queue_open_(queue, array, size, capacity,
                             async_queue_move_lifo_);
}

/* ---- putting and getting ------------------------------------------------- */

static bool async_queue_usable_(const async_queue *queue, const void *item)
{
    return queue != NULL && item != NULL && queue->move != NULL;
}

ASYNC_API size_t async_queue_size(const async_queue *queue)
{
    return queue == NULL ? 0 : (size_t)queue->count - queue->promised;
}

ASYNC_API bool async_queue_empty(const async_queue *queue)
{
    return queue == NULL || queue->count == queue->promised;
}

ASYNC_API bool async_queue_full(const async_queue *queue)
{
    return queue == NULL
        || (size_t)queue->count + queue->reserved >= queue->capacity;
}

/* Promise what there is to who waits for it. One item or one slot has become
 * free, or one task has joined the line, since this was last called, so one of
 * each is enough. */
static void async_queue_serve_(async_queue *queue)
{
    if (!async_queue_empty(queue) && async_wake_one_(&queue->getters, 0)) {
        queue->promised++;
    }
    if (!async_queue_full(queue) && async_wake_one_(&queue->putters, 0)) {
        queue->reserved++;
    }
}

/* Without waiting: an item in, or out. */
static int async_queue_move_(async_queue *queue, void *item, bool in)
{
    bool blocked = in ? async_queue_full(queue) : async_queue_empty(queue);

    if (queue->shut && (in || blocked)) {
        return ASYNC_ESHUTDOWN;
    }
    if (blocked) {
        return ASYNC_EAGAIN;
    }
    queue->move(queue, item, in);
    if (in) {
        queue->count++;
        queue->unfinished++;
    } else {
        queue->count--;
    }
    async_queue_serve_(queue);
    return 0;
}

ASYNC_API int async_queue_try_put(async_queue *queue, const void *item)
{
    return async_queue_usable_(queue, item)
        ? async_queue_move_(queue, (void *)item, true) : ASYNC_EINVAL;
}

ASYNC_API int async_queue_try_get(async_queue *queue, void *item)
{
    return async_queue_usable_(queue, item)
        ? async_queue_move_(queue, item, false) : ASYNC_EINVAL;
}

/* A put or a get. There may be something for this task behind others that were
 * woken before it and have not run: then it lines up, is promised it at once,
 * and takes its turn after theirs. Not when that would be too late, as it is
 * struck, or nothing new will come. */
static async_status async_queue_await_(async_task *task, async_queue *queue,
                                       void *item, bool in)
{
    async_queue_count_ *woken = in ? &queue->reserved : &queue->promised;
    bool granted = async_granted_(task);
    int rc;

    if (granted && task->timer.u.result < 0) {
        return task->timer.u.result;            /* shut down while it waited */
    }
    if (granted && *woken != 0) {               /* a shutdown takes it back */
        (*woken)--;
    }
    if (granted || *woken == 0 || queue->shut || ASYNC_STRUCK_P_(task)) {
        rc = async_queue_move_(queue, item, in);
        if (rc == ASYNC_ESHUTDOWN && async_state_(task) == ASYNC_STRUCK_) {
            rc = ASYNC_EAGAIN;      /* struck while it waited, before that */
        }
        if (rc != ASYNC_EAGAIN) {
            return async_settle_(task, rc);
        }
        if (ASYNC_STRUCK_P_(task)) {
            return async_deliver_(task);
        }
    }
    (void)async_park_(in ? &queue->putters : &queue->getters);
    async_queue_serve_(queue);
    return ASYNC_PENDING;
}

ASYNC_API async_status async_queue_put(async_queue *queue, const void *item)
{
    async_task *task = async_self_();
    async_status rc;

    if (!async_queue_usable_(queue, item)) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    ASYNC_WAITS_("async_queue_put", queue);
    rc = async_queue_await_(task, queue, (void *)item, true);
    if (rc == ASYNC_PENDING) {
        ASYNC_LASTS_("async_queue_put", item, false);
    }
    return rc;
}

ASYNC_API async_status async_queue_get(async_queue *queue, void *item)
{
    async_task *task = async_self_();

    if (!async_queue_usable_(queue, item)) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    ASYNC_WAITS_("async_queue_get", queue);
    return async_queue_await_(task, queue, item, false);
}

/* ---- the end ------------------------------------------------------------- */

static void async_queue_finished_(async_queue *queue)
{
    while (queue->unfinished == 0 && async_wake_one_(&queue->joiners, 0)) {
    }
}

ASYNC_API size_t async_queue_unfinished(const async_queue *queue)
{
    return queue == NULL ? 0 : queue->unfinished;
}

ASYNC_API int async_queue_task_done(async_queue *queue)
{
    if (queue == NULL || queue->unfinished == 0) {
        return ASYNC_EINVAL;
    }
    queue->unfinished--;
    async_queue_finished_(queue);
    return 0;
}

ASYNC_API async_status async_queue_join(async_queue *queue)
{
    async_task *task = async_self_();

    if (async_granted_(task)) {         /* items may have come since */
        return 0;
    }
    if (queue == NULL) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    if (queue->unfinished == 0) {
        return async_settle_(task, 0);
    }
    ASYNC_WAITS_("async_queue_join", queue);
    return async_wait_(&queue->joiners);
}

/* Who waits for an item waits because there is none but those promised to
 * others. Who was promised a slot finds out for itself. */
ASYNC_API int async_queue_shutdown(async_queue *queue)
{
    if (!async_queue_usable_(queue, queue)) {
        return ASYNC_EINVAL;
    }
    queue->shut = true;
    while (async_wake_one_(&queue->getters, ASYNC_ESHUTDOWN)
           || async_wake_one_(&queue->putters, ASYNC_ESHUTDOWN)) {
    }
    return 0;
}

ASYNC_API int async_queue_shutdown_now(async_queue *queue)
{
    int rc = async_queue_shutdown(queue);

    if (rc == 0) {
        queue->unfinished = queue->unfinished > queue->count
            ? (async_queue_count_)(queue->unfinished - queue->count) : 0;
        queue->count = 0;
        queue->promised = 0;
        async_queue_finished_(queue);
    }
    return rc;
}

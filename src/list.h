#pragma once
#include "config.h"
/* ===========================================================================
 * list: intrusive rings, the one container of the core. Not a public part.
 *
 * A ring is known by the pointer to its last node; that node's next is the
 * first. So one pointer gives first-in first-out in constant time:
 *
 *     tail ---> C -> A -> B -> C      oldest A, newest C; NULL when empty
 *
 * Taking out a node in the middle costs a walk, or nothing where
 * ASYNC_BACKLINKS buys a second pointer in each node.
 * ======================================================================== */

/* What a node is, and what it does: task.h. It takes no more room where it is
 * a whole word, and there is quicker. */
#if ASYNC_8BIT_
typedef unsigned char async_mark_;
#else
typedef unsigned async_mark_;
#endif

typedef struct async_node {
    struct async_node *next;
#if ASYNC_BACKLINKS
    struct async_node *prev;
#endif
    async_mark_ state;
#if ASYNC_HOSTED
    unsigned char round;        /* which closing round of the loop it is in */
#endif
} async_node;

/* The first node of a ring, and one behind the last. */
ASYNC_INLINE_ void async_ring_alone_(async_node *node)
{
    node->next = node;
#if ASYNC_BACKLINKS
    node->prev = node;
#endif
}

ASYNC_INLINE_ void async_ring_follow_(async_node *last, async_node *node)
{
#if ASYNC_BACKLINKS
    async_node *first = last->next;

    node->next = first;
    node->prev = last;
    first->prev = node;
#else
    node->next = last->next;
#endif
    last->next = node;
}

ASYNC_INLINE_ void async_ring_append_(async_node **tail, async_node *node)
{
    if (*tail == NULL) {
        async_ring_alone_(node);
    } else {
        async_ring_follow_(*tail, node);
    }
    *tail = node;
}

ASYNC_INLINE_ void async_ring_remove_(async_node **tail, async_node *node)
{
    async_node *before;

#if ASYNC_BACKLINKS
    before = node->prev;
#else
    before = *tail;
    while (before->next != node) {
        before = before->next;
    }
#endif
    if (before == node) {
        *tail = NULL;
        return;
    }
    before->next = node->next;
#if ASYNC_BACKLINKS
    node->next->prev = before;
#endif
    if (*tail == node) {
        *tail = before;
    }
}

/* The oldest node, taken out; NULL when the ring is empty. */
ASYNC_INLINE_ async_node *async_ring_pop_(async_node **tail)
{
    async_node *last = *tail;
    async_node *first;

    if (last == NULL) {
        return NULL;
    }
    first = last->next;
    if (first == last) {
        *tail = NULL;
    } else {
        last->next = first->next;
#if ASYNC_BACKLINKS
        first->next->prev = last;
#endif
    }
    return first;
}

/* ===========================================================================
 * irq: counting events from outside, and waking the tasks that wait for them.
 * ======================================================================== */
#include "irq.h"
#include "port.h"

ASYNC_API int async_irq_open(async_irq *irq)
{
    if (irq == NULL) {
        return ASYNC_EINVAL;
    }
    if (async_this_loop_ == NULL) {
        return ASYNC_EPERM;
    }
    if (irq->loop != NULL) {
        return ASYNC_EBUSY;
    }
#if ASYNC_HOSTED
    {
        int err = async_port_wakeable_(async_this_loop_);

        if (err < 0) {
            return err;
        }
    }
#endif
    irq->waiter = NULL;
    irq->next = NULL;
    irq->count = 0;
#if ASYNC_HOSTED
    irq->raising = 0;
    irq->serve = NULL;
#endif
    ASYNC_HOOK_(async_this_loop_, dispatch, async_irq_dispatch_);
    irq->loop = async_this_loop_;
    return 0;
}

#if ASYNC_ATOMICS_

static void async_irq_add_(volatile unsigned *at, unsigned n)
{
    unsigned seen = ASYNC_ATOMIC_LOAD_(at);

    while (!ASYNC_ATOMIC_CAS_(at, &seen, seen + n)) {
    }
}

/* Once the event is counted, its receiver may close the irq and end the loop,
 * while this still has to wake it: hence `raising`. */
ASYNC_API void async_irq_raise(async_irq *irq)
{
    async_irq_count count;
    async_loop *loop;

#if ASYNC_DEBUG
    if (irq == NULL || irq->loop == NULL) {
        ASYNC_TRAP("async_irq_raise: the irq is not open");
    }
#endif
    loop = irq->loop;
    async_irq_add_(&irq->raising, 1);
    count = ASYNC_ATOMIC_LOAD_(&irq->count);
    do {
        if (count == ASYNC_IRQ_MAX) {
            break;
        }
    } while (!ASYNC_ATOMIC_CAS_(&irq->count, &count,
                                (async_irq_count)(count + 1)));
    if (ASYNC_ATOMIC_SWAP_(&loop->notified, 1) == 0) {
        ASYNC_WAKE(loop);
    }
    async_irq_add_(&irq->raising, 0u - 1);      /* the last look at it */
}

static async_irq_count async_irq_take_(async_irq *irq)
{
    return ASYNC_ATOMIC_SWAP_(&irq->count, 0);
}

static void async_irq_wait_for_raisers_(async_irq *irq)
{
    while (ASYNC_ATOMIC_LOAD_(&irq->raising) != 0) {
        async_port_pause_();
    }
    (void)ASYNC_ATOMIC_SWAP_(&irq->raising, 0);     /* and see what they did */
}

#else

ASYNC_API void async_irq_raise(async_irq *irq)
{
    ASYNC_LOCK();
    if (irq->count != ASYNC_IRQ_MAX) {
        irq->count = (async_irq_count)(irq->count + 1);
    }
    irq->loop->notified = 1;
    ASYNC_UNLOCK();
    ASYNC_WAKE(irq->loop);
}

static async_irq_count async_irq_take_(async_irq *irq)
{
    async_irq_count count;

    ASYNC_LOCK();
    count = irq->count;
    irq->count = 0;
    ASYNC_UNLOCK();
    return count;
}

#endif

/* Nobody waits for it any more: take it from the loop's list. */
static void async_irq_unwait_(async_irq *irq)
{
    async_irq **at = &irq->loop->irqs;

    if (irq->waiter == NULL) {
        return;
    }
    while (*at != irq) {
        at = &(*at)->next;
    }
    *at = irq->next;
    irq->waiter = NULL;
}

ASYNC_API async_status async_irq_wait(async_irq *irq)
{
    async_task *task = async_self_();
    async_irq_count count;

    if (async_granted_(task) && task->timer.u.result < 0) {
        return task->timer.u.result;            /* it was closed */
    }
    if (irq == NULL || irq->loop != async_this_loop_) {
        return ASYNC_EINVAL;
    }
    if (irq->waiter != NULL && irq->waiter != task) {
        return ASYNC_EBUSY;
    }
    count = async_irq_take_(irq);
    if (count != 0) {
        async_irq_unwait_(irq);
        async_set_state_(task, ASYNC_RUNNING_);
        return (async_status)count;
    }
    if (ASYNC_STRUCK_P_(task)) {
        async_irq_unwait_(irq);
        return async_deliver_(task);
    }
    if (irq->waiter == NULL) {
        irq->waiter = task;
        irq->next = async_this_loop_->irqs;
        async_this_loop_->irqs = irq;
    }
    ASYNC_WAITS_("async_irq_wait", irq);
    return async_link_(NULL, ASYNC_LINKED_);
}

/* A waiter that was struck is in the ready queue already, and looks for
 * itself. Its irq stays in the list until it has looked. */
ASYNC_API void async_irq_dispatch_(async_loop *loop)
{
    async_irq *irq;

    for (irq = loop->irqs; irq != NULL; irq = irq->next) {
#if ASYNC_HOSTED
        if (irq->serve != NULL) {       /* another part's, without a waiter */
            if (ASYNC_ATOMIC_LOAD_(&irq->count) != 0) {
                (void)async_irq_take_(irq);
                irq->serve(irq);
            }
            continue;
        }
#endif
        if (ASYNC_ATOMIC_LOAD_(&irq->count) != 0
            && async_state_(irq->waiter) == ASYNC_LINKED_) {
            ASYNC_TRACE_FROM_(loop, "irq");
            async_wake_(irq->waiter, 0);
        }
    }
}

ASYNC_API int async_irq_close(async_irq *irq)
{
    async_task *waiter;
    async_loop *before;

    if (irq == NULL || irq->loop == NULL) {
        return ASYNC_EINVAL;
    }
#if ASYNC_ATOMICS_
    async_irq_wait_for_raisers_(irq);
#endif
    waiter = irq->waiter;
    async_irq_unwait_(irq);
    if (waiter != NULL) {
        before = async_loop_use(irq->loop);
        if (async_state_(waiter) == ASYNC_LINKED_) {
            async_wake_(waiter, ASYNC_ECANCELED);
        } else {                /* on its way here: not to look at the irq */
            waiter->timer.u.result = ASYNC_ECANCELED;
            async_set_state_(waiter, ASYNC_READY_);
        }
        (void)async_loop_use(before);
    }
    irq->loop = NULL;
    return 0;
}

/* ===========================================================================
 * call: an alarm that calls the user's function.
 * ======================================================================== */
#include "call.h"
#include "debug.h"

/* A debug build knows the pending ones: it traps when a coroutine ends in whose
 * frame one stands. */
#if ASYNC_DEBUG
static void async_call_note_(async_call *call)
{
    call->next = async_this_loop_->calls;
    call->back = &async_this_loop_->calls;
    if (call->next != NULL) {
        call->next->back = &call->next;
    }
    async_this_loop_->calls = call;
}

static void async_call_forget_(async_call *call)
{
    *call->back = call->next;
    if (call->next != NULL) {
        call->next->back = call->back;
    }
}
#else
#define async_call_note_(call) ((void)0)
#define async_call_forget_(call) ((void)0)
#endif

static void async_call_fire_(async_alarm_ *alarm, async_ticks now)
{
    async_call *call = (async_call *)(void *)alarm;
#if ASYNC_DEBUG
    async_step_ step = async_debug_call_(call->name, call->file, call->line);
#endif

    (void)now;
    async_call_forget_(call);
    call->alarm.timer.node.state = 0;   /* the call may ask for itself again, */
    async_this_task_ = NULL;            /* and is no task */
    ASYNC_TRACE_FROM_(async_this_loop_, "call");
    call->fn(call);                     /* and may free its memory */
#if ASYNC_DEBUG
    async_debug_called_(&step);
#endif
}

/* Not in this tick: a call that asks for another one soon, for ever, would
 * never let the loop finish with what is due. */
ASYNC_API int async_call_later_(async_call *call, async_duration duration,
                                async_call_fn fn
#if ASYNC_DEBUG
                                , const char *name, const char *file, int line
#endif
                                )
{
    if (call == NULL || fn == NULL) {
        return ASYNC_EINVAL;
    }
    if (async_this_loop_ == NULL) {
        return ASYNC_EPERM;
    }
    if (call->alarm.timer.node.state == ASYNC_ALARM_) {
        return ASYNC_EALREADY;
    }
    call->fn = fn;
    call->alarm.fire = async_call_fire_;
    async_alarm_set_(&call->alarm, duration > 0 ? duration : 1);
#if ASYNC_DEBUG
    call->name = name;
    call->file = file;
    call->line = line;
#endif
    async_call_note_(call);
    return 0;
}

ASYNC_API int async_call_at_(async_call *call, async_ticks time,
                             async_call_fn fn
#if ASYNC_DEBUG
                             , const char *name, const char *file, int line
#endif
                             )
{
    if (async_this_loop_ != NULL) {
        time = (async_ticks)(time - async_now());
    }
    return async_call_later_(call, (async_duration)time, fn
#if ASYNC_DEBUG
                             , name, file, line
#endif
                             );
}

ASYNC_API int async_call_cancel(async_call *call)
{
    if (call == NULL) {
        return ASYNC_EINVAL;
    }
    if (call->alarm.timer.node.state != ASYNC_ALARM_) {
        return 0;
    }
    call->alarm.timer.node.state = 0;
    if (async_this_loop_ != NULL) {     /* its loop has not ended before it */
        async_timer_remove_(&call->alarm.timer);
        async_call_forget_(call);
    }
    return 1;
}

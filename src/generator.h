#pragma once
#include "try.h"
/* ===========================================================================
 * generator: coroutines that hand out many values, one at a time, and the loop
 * over them. They may await like any other; they are no tasks.
 *
 *     struct count { async_generator frame; int i; };
 *
 *     static ASYNC count(struct count *self, int n, int *out)
 *     {
 *         ASYNC_BEGIN(self);
 *         for (self->i = 0; self->i < n; self->i++) {
 *             *out = self->i;
 *             ASYNC_YIELD();
 *         }
 *         ASYNC_END;
 *     }
 *
 *     ASYNC_FOR(count, &self->count, 3, &self->item)
 *         printf("%d\n", self->item);
 *     ASYNC_FOR_END
 *
 * An item goes through an argument, so it has any type and any value. Called
 * by hand, a generator answers 1 with an item, and 0 at its end:
 *
 *     AWAIT_VALUE(self->more, count(&self->count, 3, &self->item));
 *
 * One that is called by hand and dropped before its end is never closed, and
 * its finally blocks do not run: ASYNC_FOR closes it.
 * ======================================================================== */

/* The frame of a generator. Zeroed memory is a fresh one. */
typedef struct async_generator {
    ASYNC_FRAME_FIELDS_
    int outcome;        /* of the loop's body, while the generator is closed */
} async_generator;

/* Hand out what was written through the argument. Goes on here when the next
 * item is asked for; or leaves, through the finally blocks, when the loop over
 * the generator was left early and it is closed. A yield has two points: one
 * to go on, and after it one to close. */
#if ASYNC_COMPUTED_GOTO
#define ASYNC_YIELD() \
    do { \
        ASYNC_QUIET_ \
        { \
            __label__ async_here_; \
            ASYNC_QUIET_END_ \
            ASYNC_REMEMBER_(async_here_); \
            ASYNC_DEBUG_LINE_ \
            ASYNC_DEBUG_YIELD_ \
            async_rc_ = 1; \
            goto async_suspend_; \
            async_here_: ASYNC_UNUSED_LABEL_ \
            async_rc_ = 0; \
            if (*async_resume_ & 1) { ASYNC_LEAVE_(async_handler_); } \
        } \
    } while (0)
#define ASYNC_CLOSE_(point) ((point) |= 1)
#else
#define ASYNC_YIELD() \
    do { \
        enum { \
            async_here_ = ASYNC_NUMBER_(0), async_close_ = ASYNC_NUMBER_(1) \
        }; \
        *async_resume_ = async_here_; \
        ASYNC_DEBUG_LINE_ \
        ASYNC_DEBUG_YIELD_ \
        async_rc_ = 1; \
        goto async_suspend_; \
        case ASYNC_CASE_(async_close_): \
        async_rc_ = 0; \
        ASYNC_LEAVE_(async_handler_); \
        case ASYNC_CASE_(async_here_): \
        ASYNC_CHECK_(*async_resume_ == async_here_, \
                     "a yield stands in a switch that is not the body's"); \
    } while (0)
#define ASYNC_CLOSE_(point) ((point)++)
#endif

/* For each item of generator(frame, args...): the body. `break` and `continue`
 * in it are those of this loop. However it is left before the generator's end
 * (break, return, error, cancellation), the generator is closed first: its
 * finally blocks run, their awaits included; an error of theirs replaces what
 * was under way. */
#define ASYNC_FOR(generator, ...) \
    ASYNC_SCOPE_OPEN_ \
    for (async_flow_ = 0;;) { \
        if (async_flow_ == ASYNC_LEFT_) { \
            async_flow_ = 0; \
            ASYNC_GENERATOR_(__VA_ARGS__).outcome = async_rc_; \
            ASYNC_ERROR_HELD_(async_rc_) \
            ASYNC_CLOSE_(ASYNC_GENERATOR_(__VA_ARGS__).point); \
            ASYNC_CALL_(2, generator(__VA_ARGS__)) \
            if (async_rc_ < 0) { \
                ASYNC_ERROR_GOES_ON_(async_depth_, true) \
                ASYNC_LEAVE_(async_outer_); \
            } \
            if (ASYNC_GENERATOR_(__VA_ARGS__).point != 0) { \
                ASYNC_MISUSE_("the generator yields while it is closed"); \
                ASYNC_TRAP("async: a generator yields while it is closed"); \
            } \
            async_rc_ = ASYNC_GENERATOR_(__VA_ARGS__).outcome; \
            ASYNC_ERROR_GOES_ON_(async_depth_, false) \
            ASYNC_SCOPE_LEAVE_ \
        } \
        for (;;) { \
            ASYNC_CHECK_ONCE_(generator(__VA_ARGS__)); \
            ASYNC_CALL_(0, generator(__VA_ARGS__)) \
            if (async_rc_ < 0) { ASYNC_LEAVE_(async_outer_); } \
            if (ASYNC_GENERATOR_(__VA_ARGS__).point == 0) { \
                async_flow_ = ASYNC_ENDED_; \
                break; \
            } \
            {

#define ASYNC_FOR_END \
            } \
            continue; \
            ASYNC_HANDLER_ \
            async_flow_ = ASYNC_LEFT_; \
            break; \
        } \
        if (async_flow_ == ASYNC_ENDED_) { break; } \
        if (async_flow_ == ASYNC_BROKEN_) { async_rc_ = ASYNC_NORMAL_; } \
        async_flow_ = ASYNC_LEFT_; \
    } \
    async_flow_ = 0; \
    ASYNC_SCOPE_CLOSE_

#define ASYNC_GENERATOR_(...) (ASYNC_FIRST_(__VA_ARGS__, 0)->frame)
#define ASYNC_FIRST_(first, ...) (first)

#pragma once
#include "coroutine.h"
/* ===========================================================================
 * try: what errors meet on their way out: catch, finally, with. Blocks of a
 * coroutine's body only; who raises, and why, is not their affair.
 *
 *     ASYNC_TRY
 *         AWAIT(fetch(&self->fetch, url));
 *     ASYNC_CATCH(self->error)        every error but the task's own cancel
 *         log_error(self->error);
 *     ASYNC_FINALLY(self->outcome)    on every way out, then it goes on
 *         AWAIT(close_all(&self->close));
 *     ASYNC_TRY_END
 *
 * CATCH, FINALLY or both, in this order. Any of the bodies may await. A block
 * stands where a { } may stand. `break` and `continue` in any of them are those
 * of the loop around the whole, FINALLY runs first, and in a FINALLY itself
 * they replace what was under way, as do ASYNC_RETURN and ASYNC_RAISE: all of
 * it as in Python. A plain return or goto out of a block is forbidden.
 *
 * How a body is left. Each body stands in a loop of its own, which only serves
 * to see what happens to it:
 *
 *     for (flow = 0;; flow++) {
 *         if (flow != 0) break;            flow is then ...
 *         body    -- its end               2  ENDED
 *                 -- break                 0  BROKEN
 *                 -- continue              1  CONTINUED, by the flow++
 *                 -- goto async_handler_   4  LEFT: rc holds what left it
 *     }
 *     ... and here it is dealt with, a break or continue by doing it again,
 *     which is now that of the user's loop.
 * ======================================================================== */

/* ---- how the blocks nest ------------------------------------------------- */

/* ASYNC_SCOPE_OPEN_  makes the handler around the block async_outer_, and
 *                    declares a new async_handler_ for what is inside
 * ASYNC_REHANDLE_    declares one more, in one more brace, which then is the
 *                    async_handler_ of the body that follows
 */
#ifndef ASYNC_NO_LOCAL_LABELS

#define ASYNC_REHANDLE_(extra) \
    ASYNC_QUIET_ { __label__ async_handler_; ASYNC_QUIET_END_
#define ASYNC_SCOPE_OPEN_ \
    { \
        ASYNC_QUIET_ { __label__ async_outer_; ASYNC_QUIET_END_ \
        if (0) { async_outer_: ASYNC_UNUSED_LABEL_ goto async_handler_; } \
        ASYNC_REHANDLE_(1)
#define ASYNC_SCOPE_CLOSE_ } } }

#else

#define ASYNC_REHANDLE_(extra) \
    { \
        ASYNC_QUIET_ \
        ASYNC_SET_(async_handler_, ASYNC_NUMBER_(extra)); \
        ASYNC_QUIET_END_
#define ASYNC_SCOPE_OPEN_ \
    { \
        ASYNC_QUIET_ \
        ASYNC_SET_(async_outer_, ASYNC_GET_(async_handler_)); \
        ASYNC_QUIET_END_ \
        { ASYNC_REHANDLE_(1)
#define ASYNC_SCOPE_CLOSE_ } } }

#endif

/* ---- try ----------------------------------------------------------------- */

#define ASYNC_TRY \
    ASYNC_SCOPE_OPEN_ \
    ASYNC_SHALLOW_ \
    for (async_flow_ = 0;; async_flow_++) { \
        if (async_flow_ != 0) { break; } \
        { {

/* Takes every error that the body above lets out, other than the task's own
 * cancellation, and stores it. */
#define ASYNC_CATCH(lvalue) \
    ASYNC_CATCH_IF_(lvalue, async_rc_ < 0 && async_rc_ != ASYNC_CANCEL)

/* Takes the task's own cancellation as well, ASYNC_CANCEL. Whoever does not
 * raise it again makes the task go on. */
#define ASYNC_CATCH_ALL(lvalue) ASYNC_CATCH_IF_(lvalue, async_rc_ < 0)

/* What it does not take, and what leaves its own body, goes to the handler
 * declared here: to the finally, if one follows, or from TRY_END outwards. */
#define ASYNC_CATCH_IF_(lvalue, cond) \
        } } \
        if (0) { \
            ASYNC_HANDLER_ \
            ASYNC_REHANDLE_(2) \
            if (!(cond)) { ASYNC_LEAVE_(async_handler_); } \
            (lvalue) = async_rc_;

/* Runs on every way out of the bodies above: end, return, break, continue,
 * error, cancellation, timeout. `lvalue`, an int in the frame, keeps what is
 * under way meanwhile: below ASYNC_CANCEL no error, otherwise the result or
 * the error, so ASYNC_FAILED(lvalue) asks it, not `lvalue < 0`. It goes on at
 * the end of the block, from that lvalue: one int for each FINALLY or
 * WITH_AWAIT that may be under way at once, that is, another one for a block
 * inside of the finally's body (a debug build traps one that is shared). */
#define ASYNC_FINALLY(lvalue) \
            async_flow_ = ASYNC_ENDED_; \
            if (0) { \
                ASYNC_HANDLER_ \
                async_flow_ = ASYNC_LEFT_; \
            } \
            break; \
        } } \
        async_flow_ = ASYNC_ENDED_; \
        break; \
    } \
    ASYNC_OUTCOME_IS_INT_(lvalue) \
    ASYNC_CHECK_OUTCOME_(lvalue, true); \
    (lvalue) = ASYNC_OUTCOME_; \
    ASYNC_ERROR_HELD_(lvalue) \
    for (async_flow_ = 0;; async_flow_++) { \
        if (async_flow_ > ASYNC_ENDED_) { \
            async_rc_ = (lvalue); \
            ASYNC_ERROR_GOES_ON_(async_depth_, false) \
            async_flow_ = 0; \
            if (async_rc_ > ASYNC_CONTINUE_) { ASYNC_LEAVE_(async_outer_); } \
            async_flow_ = async_rc_ == ASYNC_BREAK_ ? ASYNC_BROKEN_ \
                        : async_rc_ == ASYNC_CONTINUE_ ? ASYNC_CONTINUED_ \
                        : ASYNC_ENDED_; \
            break; \
        } \
        if (async_flow_ != 0) { break; } \
        { ASYNC_REHANDLE_(3) ASYNC_DEEPER_

#define ASYNC_TRY_END \
            if (0) { \
                ASYNC_HANDLER_ \
                ASYNC_ERROR_LEAVES_FINALLY_ \
                ASYNC_LEAVE_(async_outer_); \
            } \
        } } \
        async_flow_ = ASYNC_ENDED_; \
    } \
    if (async_flow_ == ASYNC_BROKEN_) { break; } \
    if (async_flow_ == ASYNC_CONTINUED_) { async_flow_ = 0; continue; } \
    async_flow_ = 0; \
    ASYNC_SCOPE_CLOSE_

#define ASYNC_OUTCOME_IS_INT_(lvalue) \
    { \
        ASYNC_STATIC_ASSERT_(sizeof(lvalue) == sizeof(int), \
                             async_outcome_is_an_int); \
    }

/* A debug build knows at which depth of finally blocks a place is, by the rules
 * of scope, and where those around it keep their outcomes. */
#if ASYNC_DEBUG && defined __GNUC__
#define ASYNC_DEEPER_ \
    ASYNC_QUIET_ \
    enum { async_depth_ = async_depth_ + 1, async_finally_ = 1 }; \
    ASYNC_QUIET_END_
#define ASYNC_SHALLOW_ \
    ASYNC_QUIET_ enum { async_finally_ = 0 }; ASYNC_QUIET_END_
#define ASYNC_CHECK_OUTCOME_(lvalue, keep) \
    ASYNC_CHECK_(async_outcome_fits_(async_frame_, async_depth_, &(lvalue), \
                                     (keep)), \
                 "its outcome is that of a finally around it, and would be " \
                 "overwritten: each needs an int of its own")
#else
#define ASYNC_DEEPER_
#define ASYNC_SHALLOW_
#define ASYNC_CHECK_OUTCOME_(lvalue, keep) do { } while (0)
#endif

/* For the trail of errors: at that depth, one is kept while a finally runs.
 * That has ended, and the error goes on; or (`again`) something else leaves it
 * instead: an equal error, another one, or a result. */
#if ASYNC_DEBUG && defined __GNUC__ && !defined ASYNC_NO_LOOP
ASYNC_API void async_error_held_(const async_frame *frame, int error,
                                 int depth);
ASYNC_API void async_error_goes_on_(const async_frame *frame, int error,
                                    int depth, bool again);
#define ASYNC_ERROR_HELD_(outcome) \
    async_error_held_(async_frame_, (outcome), async_depth_);
#define ASYNC_ERROR_GOES_ON_(depth, again) \
    async_error_goes_on_(async_frame_, async_rc_, (depth), (again));
#define ASYNC_ERROR_LEAVES_FINALLY_ \
    if (async_finally_) { ASYNC_ERROR_GOES_ON_(async_depth_ - 1, true) }
#else
#define ASYNC_ERROR_HELD_(outcome)
#define ASYNC_ERROR_GOES_ON_(depth, again)
#define ASYNC_ERROR_LEAVES_FINALLY_
#endif

/* How the body above was left, as one number. */
#define ASYNC_OUTCOME_ \
    (async_flow_ == ASYNC_LEFT_ ? async_rc_ \
     : async_flow_ == ASYNC_BROKEN_ ? ASYNC_BREAK_ \
     : async_flow_ == ASYNC_CONTINUED_ ? ASYNC_CONTINUE_ \
     : ASYNC_NORMAL_)

/* ---- scopes -------------------------------------------------------------- */

/* A block with something done on its way in, and on every way out: with, and
 * timeouts. `leave` is an expression that finds in async_rc_ what is under
 * way, and says what becomes of it: a result, an error, or ASYNC_NORMAL_,
 * ASYNC_BREAK_, ASYNC_CONTINUE_. It does not await, hence needs no memory. The
 * outer loop runs twice: once around the body, then LEFT, to leave it. */
#define ASYNC_SCOPE_(enter, leave) \
    { \
    enter; \
    ASYNC_SCOPE_OPEN_ \
    for (async_flow_ = 0;;) { \
        if (async_flow_ == ASYNC_LEFT_) { \
            async_rc_ = (leave); \
            ASYNC_DEBUG_ERROR_(ASYNC_PASSED_) \
            ASYNC_SCOPE_LEAVE_ \
        } \
        ASYNC_SCOPE_BODY_

#define ASYNC_SCOPE_END_ \
            } \
            async_flow_ = ASYNC_ENDED_; \
            if (0) { \
                ASYNC_HANDLER_ \
                async_flow_ = ASYNC_LEFT_; \
            } \
            break; \
        } \
        async_rc_ = ASYNC_OUTCOME_; \
        async_flow_ = ASYNC_LEFT_; \
    } \
    if (async_rc_ == ASYNC_BREAK_) { break; } \
    if (async_rc_ == ASYNC_CONTINUE_) { continue; } \
    ASYNC_SCOPE_CLOSE_ \
    }

#define ASYNC_SCOPE_LEAVE_ \
    async_flow_ = 0; \
    if (async_rc_ > ASYNC_CONTINUE_) { ASYNC_LEAVE_(async_outer_); } \
    break;
#define ASYNC_SCOPE_BODY_ \
    for (;; async_flow_++) { \
        if (async_flow_ != 0) { break; } \
        {

/* ---- with ---------------------------------------------------------------- */

/* Await `acquire`, run the body, and on every way out of it evaluate
 * `release`, which does not await: give back a lock, close a descriptor. If
 * `acquire` fails there is nothing to release. */
#define ASYNC_WITH(acquire, release) \
    ASYNC_SCOPE_(ASYNC_AWAIT(acquire), ((release), async_rc_))
#define ASYNC_WITH_END ASYNC_SCOPE_END_

/* The same with a `release` that is awaited. `lvalue`, an int in the frame,
 * keeps what is under way meanwhile. If the release fails, its error takes
 * the place of that. */
#define ASYNC_WITH_AWAIT(lvalue, acquire, release) \
    { \
    ASYNC_OUTCOME_IS_INT_(lvalue) \
    ASYNC_AWAIT(acquire); \
    ASYNC_SCOPE_OPEN_ \
    for (async_flow_ = 0;;) { \
        if (async_flow_ == ASYNC_LEFT_) { \
            async_flow_ = 0; \
            ASYNC_CHECK_OUTCOME_(lvalue, false); \
            (lvalue) = async_rc_; \
            ASYNC_ERROR_HELD_(lvalue) \
            ASYNC_CHECK_ONCE_(release); \
            ASYNC_CALL_(2, release) \
            if (async_rc_ < 0) { \
                ASYNC_ERROR_GOES_ON_(async_depth_, true) \
                ASYNC_LEAVE_(async_outer_); \
            } \
            async_rc_ = (lvalue); \
            ASYNC_ERROR_GOES_ON_(async_depth_, false) \
            ASYNC_SCOPE_LEAVE_ \
        } \
        ASYNC_SCOPE_BODY_

#pragma once
#include "check.h"
#include "status.h"
/* ===========================================================================
 * coroutine: functions that can wait, and go on later. Works alone: who calls
 * a coroutine, and when again, is the loop's affair.
 *
 * The body is one big switch (Duff's device), and every await a case of it:
 *
 *     switch (frame.point) {         first call: point is 0
 *     case 0:                        <----'
 *         ...
 *         point = 1;                 AWAIT(x): remember this place ...
 *     case 1:                        <---- ... to which each resume returns,
 *         rc = x;                              where x is evaluated again
 *         if (rc < 0) goto tail;     pending, or an error
 *         ...
 *     tail:
 *         pending?  point stays      ----> return it: the caller's AWAIT(x)
 *         ended?    point = 0        ----> returns it too, or goes on, or
 *     }                                    catches it
 *
 * Local variables do not live across an await: what has to goes into the
 * struct with the frame. Points are counted, so that one byte is enough for
 * 254 of them, and any number of awaits may stand on one line. An await must
 * not stand in a switch of the user's own, unless ASYNC_COMPUTED_GOTO is on.
 *
 *     struct blink { async_frame frame; int pin; };
 *
 *     static ASYNC blink(struct blink *self)
 *     {
 *         ASYNC_BEGIN(self);
 *         for (;;) {
 *             gpio_toggle(self->pin);
 *             AWAIT(async_sleep(ASYNC_MS(500)));
 *         }
 *         ASYNC_END;
 *     }
 * ======================================================================== */

/* ---- frames -------------------------------------------------------------- */

#if ASYNC_COMPUTED_GOTO
typedef int32_t async_point_;       /* twice a label's distance, see below */
#define ASYNC_LAST_ 65534
#elif ASYNC_FRAME_BITS == 8
typedef uint8_t async_point_;
#define ASYNC_LAST_ 255
#else
typedef uint16_t async_point_;
#define ASYNC_LAST_ 65535
#endif

#if ASYNC_DEBUG
#define ASYNC_FRAME_FIELDS_ \
    async_point_ point;             /* where to resume; 0 at the beginning */ \
    bool awaited;                   /* suspended in an await of `parent` */ \
    int line;                       /* of the await that it is at */ \
    const char *file, *function; \
    struct async_frame *parent;     /* who awaits it; NULL: a task's entry */ \
    unsigned short outcomes[4];     /* where finally blocks keep theirs */ \
    const void *stack;              /* its locals are above, since it resumed */
#else
#define ASYNC_FRAME_FIELDS_ async_point_ point;
#endif

/* Where a coroutine is. Put one named `frame` into the coroutine's struct.
 * Zeroed memory is a fresh frame, and a finished frame is fresh again. */
typedef struct async_frame {
    ASYNC_FRAME_FIELDS_
} async_frame;

/* ---- what the run time catches ------------------------------------------- */

#if ASYNC_DEBUG
/* The innermost coroutine being executed and, by `parent` from there, the
 * chain of awaits that led to it. The loop clears it before each resume. */
#ifdef ASYNC_STATIC
static ASYNC_THREAD async_frame *async_innermost_;
#elif defined __cplusplus
extern "C" ASYNC_THREAD async_frame *async_innermost_;
#else
extern ASYNC_THREAD async_frame *async_innermost_;
#endif

/* Traps with a message that names the function, the task and the place. */
ASYNC_API void async_misuse_(const char *message, const char *file, int line,
                             const char *function);
ASYNC_API void async_enter_(async_frame *frame, const char *file, int line,
                            const char *function);
ASYNC_API void async_exit_(async_frame *frame, bool pending, int rc,
                           const void *memory, size_t size);
ASYNC_API void async_check_left_(async_frame **inside);
ASYNC_API bool async_outcome_fits_(async_frame *frame, int depth,
                                   const volatile void *outcome, bool keep);

/* A message is put together without libc, so that a board can say it too: the
 * text so far is `at` long; that of 0 begins a new one. */
ASYNC_API size_t async_say_(size_t at, const char *text);
/* Names are told as they were written: what comes behind the options that
 * ASYNC_ABI_ appends to one, if they begin here; and a text without them. */
ASYNC_API const char *async_past_options_(const char *text);
ASYNC_API size_t async_say_number_(size_t at, int number);
ASYNC_API const char *async_said_(void);

#ifndef ASYNC_NO_LOOP
/* Asked of the tasks: does one that is not done stand in this memory, whose
 * coroutine has just ended? What is the running one called (or NULL)? */
ASYNC_API void async_frame_ends_(const void *memory, size_t size);
/* A coroutine is suspended, or ends: for the running task. */
ASYNC_API void async_frame_waits_(async_frame *frame);
ASYNC_API void async_frame_leaves_(const async_frame *frame,
                                   const void *memory, size_t size);
ASYNC_API const char *async_debug_task_name_(void);
/* An error was awaited, raised, or made of another one on its way out of a
 * block; and a coroutine ends with rc. For the trail of errors: trail.c. */
enum { ASYNC_AWAITED_, ASYNC_RAISED_, ASYNC_PASSED_ };
ASYNC_API void async_error_(const async_frame *frame, int error, int how);
ASYNC_API void async_error_leaves_(const async_frame *frame, int rc);
#define ASYNC_DEBUG_ERROR_(how) \
    if (async_rc_ < 0 && async_rc_ > ASYNC_CANCEL) { \
        async_error_(async_frame_, async_rc_, (how)); \
    }
#else
#define ASYNC_DEBUG_ERROR_(how)
#endif

#define ASYNC_MISUSE_(message) \
    async_misuse_(message, __FILE__, __LINE__, __func__)
#define ASYNC_CHECK_(cond, message) \
    do { if (!(cond)) { ASYNC_MISUSE_(message); } } while (0)

/* A plain return leaves the body without the tail's knowing. */
#ifdef __GNUC__
#define ASYNC_ON_RETURN_ __attribute__((cleanup(async_check_left_)))
#else
#define ASYNC_ON_RETURN_
#endif
#define ASYNC_DEBUG_BEGIN_(self) \
    async_frame *const async_frame_ = \
        (async_frame *)(void *)&(self)->frame.point; \
    const void *const async_memory_ = (self); \
    const size_t async_size_ = sizeof *(self); \
    enum { async_depth_ = 0 }; /* of finally blocks around a place */ \
    async_frame *async_inside_ ASYNC_ON_RETURN_ = async_frame_; \
    async_enter_(async_frame_, __FILE__, __LINE__, __func__);
#define ASYNC_DEBUG_LINE_ async_frame_->line = __LINE__;
#define ASYNC_DEBUG_YIELD_ async_frame_->awaited = false;
#define ASYNC_DEBUG_END_ \
    async_inside_ = NULL; \
    (void)async_inside_; \
    async_exit_(async_frame_, *async_resume_ != 0, async_rc_, async_memory_, \
                async_size_);
#else
#define ASYNC_MISUSE_(message) do { } while (0)
#define ASYNC_CHECK_(cond, message) do { } while (0)
#define ASYNC_DEBUG_BEGIN_(self)
#define ASYNC_DEBUG_LINE_
#define ASYNC_DEBUG_ERROR_(how)
#define ASYNC_DEBUG_YIELD_
#define ASYNC_DEBUG_END_
#endif

/* ---- points: where a resume goes on -------------------------------------- */

/* The next number of this coroutine. Where the compiler does not count, it is
 * made of the line, and `extra`, 0 to 3, tells the points of one macro apart:
 * one await a line, then, and ASYNC_FRAME_BITS 16 for all but short bodies. */
#if defined __COUNTER__ && !defined ASYNC_NO_COUNTER
#define ASYNC_NUMBER_(extra) (__COUNTER__ - async_base_)
#define ASYNC_NUMBER_BASE_ __COUNTER__
#else
#define ASYNC_NUMBER_(extra) ((__LINE__ - async_base_) * 4 + (extra) + 1)
#define ASYNC_NUMBER_BASE_ __LINE__
#endif

#if ASYNC_COMPUTED_GOTO

/* A point is the distance of a label from the body's start, times two: the
 * lowest bit tells a generator to close. Nothing of it is seen by a switch of
 * the user's, which an await may therefore stand in. */
#define ASYNC_DISPATCH_ \
    ASYNC_QUIET_ \
    goto *(void *)((char *)&&async_start_ + (*async_resume_ >> 1)); \
    ASYNC_QUIET_END_ \
    { async_start_: ;
#define ASYNC_DISPATCH_END_ }
#define ASYNC_REMEMBER_(label) \
    *async_resume_ = (async_point_)(2 * (__extension__( \
        (char *)&&label - (char *)&&async_start_)))

/* rc = x, at a point of its own */
#define ASYNC_CALL_(extra, x) \
    ASYNC_QUIET_ \
    { \
        __label__ async_here_; \
        ASYNC_QUIET_END_ \
        ASYNC_REMEMBER_(async_here_); \
        async_here_: ASYNC_UNUSED_LABEL_ \
        ASYNC_DEBUG_LINE_ \
        async_rc_ = (x); \
        ASYNC_DEBUG_ERROR_(ASYNC_AWAITED_) \
    }

#else

#define ASYNC_UNKNOWN_ \
    default: \
        ASYNC_MISUSE_("resumed at a point that is not in the coroutine's own " \
                      "switch: an await in another one, or a bad frame"); \
        break;

/* In a lint build the labels are wider than an int, so that the compiler
 * reports those which fall into a switch of the user's. A debug build notices
 * when such a switch jumps to one. */
#if ASYNC_LINT && INT_MAX == 32767
#define ASYNC_CASE_(number) ((number) + (1L << 20))
#elif ASYNC_LINT
#define ASYNC_CASE_(number) ((number) + (1LL << 40))
#else
#define ASYNC_CASE_(number) (number)
#endif

#define ASYNC_CALL_(extra, x) \
    { \
        enum { async_here_ = ASYNC_NUMBER_(extra) }; \
        *async_resume_ = async_here_; \
        ASYNC_FALLTHROUGH_ \
        case ASYNC_CASE_(async_here_): \
        ASYNC_CHECK_(*async_resume_ == async_here_, \
                     "an await stands in a switch that is not the body's"); \
        ASYNC_DEBUG_LINE_ \
        async_rc_ = (x); \
        ASYNC_DEBUG_ERROR_(ASYNC_AWAITED_) \
    }
#endif

/* ---- handlers: where an error goes --------------------------------------- */

/* `async_handler_` is the innermost handler around a place, by the rules of
 * scope: each try declares one of its own. Where the compiler has local labels
 * it is one, and costs nothing; elsewhere it is a number, which the switch is
 * asked to go to. The frame is not touched by either.
 *
 * ASYNC_LEAVE_(handler)  go there, with rc: an error, a result that returns,
 *                        or pending, which the handler passes by to the tail
 * ASYNC_HANDLER_         this is it
 */
#if (!defined __GNUC__ || defined __TINYC__) && !defined ASYNC_NO_LOCAL_LABELS
#define ASYNC_NO_LOCAL_LABELS
#endif
#if ASYNC_COMPUTED_GOTO && defined ASYNC_NO_LOCAL_LABELS
#error "ASYNC_COMPUTED_GOTO needs local labels"
#endif

#ifndef ASYNC_NO_LOCAL_LABELS

#define ASYNC_HANDLERS_
#define ASYNC_LEAVE_(handler) goto handler
#define ASYNC_HANDLER_ \
    async_handler_: ASYNC_UNUSED_LABEL_ \
    if (async_rc_ == ASYNC_PENDING) { goto async_suspend_; }
#if !ASYNC_COMPUTED_GOTO
#define ASYNC_DISPATCH_ switch (ASYNC_CASE_(*async_resume_)) { \
    case ASYNC_CASE_(0):
#define ASYNC_DISPATCH_END_ ASYNC_UNKNOWN_ }
#endif
#define ASYNC_TAIL_ \
    async_handler_: ASYNC_UNUSED_LABEL_ \
    if (async_rc_ != ASYNC_PENDING) { *async_resume_ = 0; } \
    async_suspend_: ASYNC_UNUSED_LABEL_

#else

/* The number is the size of a local struct, as sdcc confuses the enumerators
 * of nested blocks. 0: out of the function. */
#define ASYNC_SET_(handler, number_) \
    struct handler { char number[(number_) + 1]; }
#define ASYNC_GET_(handler) ((int)sizeof(struct handler) - 1)
#define ASYNC_HANDLERS_ \
    ASYNC_SET_(async_handler_, 0); \
    int async_to_ = *async_resume_;
#define ASYNC_LEAVE_(handler) \
    do { async_to_ = ASYNC_GET_(handler); goto async_negative_; } while (0)
#define ASYNC_HANDLER_ \
    case ASYNC_CASE_(ASYNC_GET_(async_handler_)): \
    ASYNC_CHECK_(async_to_ == ASYNC_GET_(async_handler_), \
                 "an await stands in a switch that is not the body's");
#define ASYNC_DISPATCH_ \
    async_dispatch_: ASYNC_UNUSED_LABEL_ \
    switch (ASYNC_CASE_(async_to_)) { \
    case ASYNC_CASE_(0):
#define ASYNC_DISPATCH_END_ ASYNC_UNKNOWN_ }
#define ASYNC_TAIL_ \
    async_to_ = 0; \
    async_negative_: ASYNC_UNUSED_LABEL_ \
    if (async_rc_ == ASYNC_PENDING) { goto async_suspend_; } \
    if (async_to_ != 0) { goto async_dispatch_; } \
    *async_resume_ = 0; \
    async_suspend_: ASYNC_UNUSED_LABEL_

#endif

/* ---- the body ------------------------------------------------------------ */

/* The values of async_flow_; see try.h. A resume always finds 0: in a body. */
enum {
    ASYNC_BROKEN_ = 0, ASYNC_CONTINUED_ = 1, ASYNC_ENDED_ = 2, ASYNC_LEFT_ = 4,
    ASYNC_STRAY_ = 6
};

/* Begins the resumable part of a coroutine. `self` points to the struct that
 * holds its frame. What stands before it runs at every resume. */
#define ASYNC_BEGIN(self) \
    ASYNC_CHECKS_BEGIN_ \
    async_point_ *const async_resume_ = &(self)->frame.point; \
    int async_rc_ = 0; /* what is under way: a result, an error, pending */ \
    int async_flow_;   /* how a block was left, see try.h */ \
    enum { async_base_ = ASYNC_NUMBER_BASE_ }; \
    ASYNC_HANDLERS_ \
    ASYNC_DEBUG_BEGIN_(self) \
    for (async_flow_ = 0;; async_flow_ = ASYNC_STRAY_) { \
        if (async_flow_ == ASYNC_STRAY_) { break; } \
        ASYNC_DISPATCH_

/* Ends it, and the function. A coroutine that arrives here has the result 0.
 * Below the tail is where a break or a continue ends that belongs to no loop
 * of the user's, and a point that the switch does not know: then the frame was
 * not zeroed, or is overwritten, or the await stands in another switch. */
#define ASYNC_END \
        async_rc_ = 0; \
        ASYNC_TAIL_ \
        { \
            ASYNC_STATIC_ASSERT_(ASYNC_NUMBER_(0) <= ASYNC_LAST_, \
                                 async_too_many_awaits_for_the_frame); \
        } \
        ASYNC_DEBUG_END_ \
        return async_rc_; \
        ASYNC_DISPATCH_END_ \
        break; \
    } \
    ASYNC_CHECK_(async_flow_ == 0, "continue outside of a loop"); \
    ASYNC_CHECK_(async_flow_ != 0, "break outside of a loop"); \
    ASYNC_TRAP("async: a frame without such a point, or a stray break"); \
    return async_rc_; \
    ASYNC_CHECKS_END_

/* Evaluate the awaitable x; while it is pending, return so to the caller, and
 * evaluate it again at the next resume. An error leaves for the nearest
 * handler. x should have no side effect of its own. */
#define ASYNC_AWAIT(x) \
    do { \
        ASYNC_CHECK_ONCE_(x); \
        ASYNC_CALL_(0, x) \
        if (async_rc_ < 0) { ASYNC_LEAVE_(async_handler_); } \
    } while (0)

/* The same, and store the result. */
#define ASYNC_AWAIT_VALUE(lvalue, x) \
    do { ASYNC_AWAIT(x); (lvalue) = async_rc_; } while (0)

/* The same, and store the result or the error, without leaving. Only the
 * task's own cancellation leaves. */
#define ASYNC_AWAIT_RESULT(lvalue, x) \
    do { \
        ASYNC_CHECK_ONCE_(x); \
        ASYNC_CALL_(0, x) \
        if (async_rc_ <= ASYNC_CANCEL) { ASYNC_LEAVE_(async_handler_); } \
        (lvalue) = async_rc_; \
    } while (0)

/* Look at a condition once per turn of the loop: a register, a flag. It may
 * have side effects: AWAIT_UNTIL((self->c = uart_get()) >= 0). One that holds
 * already does not suspend; a loop around nothing else should also
 * AWAIT(async_yield()). While a task polls, its loop never sleeps: on a
 * hosted system that is a busy processor; await an event or an irq there. */
#ifdef ASYNC_NO_LOOP
#define ASYNC_POLL_ ASYNC_PENDING
#else
#define ASYNC_POLL_ async_poll()
#endif
#define ASYNC_AWAIT_UNTIL(cond) \
    do { \
        ASYNC_CALL_(0, (cond) ? 0 : ASYNC_POLL_) \
        if (async_rc_ < 0) { ASYNC_LEAVE_(async_handler_); } \
    } while (0)
#define ASYNC_AWAIT_WHILE(cond) ASYNC_AWAIT_UNTIL(!(cond))

/* Leave with a result. The finally blocks around the place run first. A value
 * below 0 is an error, and is raised. */
#define ASYNC_RETURN(value) \
    do { \
        async_rc_ = (value); \
        ASYNC_CHECK_(async_rc_ != ASYNC_PENDING, \
                     "ASYNC_RETURN of something pending: await it first"); \
        ASYNC_DEBUG_LINE_ \
        ASYNC_DEBUG_ERROR_(ASYNC_RAISED_) \
        ASYNC_LEAVE_(async_handler_); \
    } while (0)

/* Leave with an error, a value below 0, for the nearest handler. */
#define ASYNC_RAISE(error) \
    do { \
        async_rc_ = (error); \
        ASYNC_CHECK_(async_rc_ < 0 && async_rc_ != ASYNC_PENDING, \
                     "ASYNC_RAISE of something that is no error"); \
        ASYNC_DEBUG_LINE_ \
        ASYNC_DEBUG_ERROR_(ASYNC_RAISED_) \
        ASYNC_LEAVE_(async_handler_); \
    } while (0)

#ifndef ASYNC_NO_SHORT_NAMES
#define AWAIT(x) ASYNC_AWAIT(x)
#define AWAIT_VALUE(lvalue, x) ASYNC_AWAIT_VALUE(lvalue, x)
#define AWAIT_RESULT(lvalue, x) ASYNC_AWAIT_RESULT(lvalue, x)
#define AWAIT_UNTIL(cond) ASYNC_AWAIT_UNTIL(cond)
#define AWAIT_WHILE(cond) ASYNC_AWAIT_WHILE(cond)
#endif

/* async.h - async/await for C: coroutines, tasks, timeouts, cancellation and
 * descriptors in one header, from 8-bit microcontrollers to servers.
 *
 * Copyright (c) 2026 the async.h authors. MIT licence, at the end of the file.
 *
 * Do this in ONE C or C++ file before you include it, to make the functions:
 *
 *     #define ASYNC_IMPLEMENTATION
 *     #include "async.h"
 *
 * and include it plainly everywhere else. The shortest program:
 *
 *     struct hello { async_frame frame; };
 *
 *     static ASYNC hello(struct hello *self)
 *     {
 *         ASYNC_BEGIN(self);
 *         puts("hello");
 *         AWAIT(async_sleep(ASYNC_SEC(1)));
 *         puts("world");
 *         ASYNC_END;
 *     }
 *
 *     int main(void)
 *     {
 *         struct hello main_frame = {0};
 *         return async_run(hello, &main_frame);
 *     }
 *
 * A coroutine is a function that returns ASYNC and keeps in its struct all
 * that must live across an AWAIT: the C stack is gone while it waits. Zeroed
 * memory is a fresh frame, a fresh task, a fresh anything here.
 *
 * This file is generated from src/, one part after the other, each opening
 * with a comment that says what it is: config, status, check, coroutine, try,
 * generator; ticks, list, task, timer, loop, future, scope, sleep, call,
 * interval, timeout, irq; event, lock, semaphore, condition, barrier, queue;
 * wait, gather, pool, group; fd, net. First all declarations, then the
 * functions under ASYNC_IMPLEMENTATION. */
/* The parts, in reading order: no part includes one below it in this list.
 * src/join.sh pastes them together into ../async.h, which users copy. */
#ifndef ASYNC_H
#define ASYNC_H
/* ===========================================================================
 * config: what machine this is, and every knob with its default and its cost.
 *
 * Define a knob before including async.h, on the compiler's command line, or
 * in a file of your own named by ASYNC_CONFIG (#define ASYNC_CONFIG "my.h").
 * All files of one program must agree on the knobs marked [layout]; two that
 * do not agree fail to link, by name.
 *
 * knob                     default       what it does, and what it costs
 * ------------------------ ------------- ------------------------------------
 * ASYNC_IMPLEMENTATION     not defined   define in exactly one file: it holds
 *                                        the functions
 * ASYNC_STATIC             not defined   a private copy: functions are static
 * ASYNC_SHARED             not defined   the functions are in a shared library
 *                                        of yours: slower thread variables
 * ASYNC_NO_LOOP            not defined   coroutines only: no tasks, nothing to
 *                                        link, as with protothreads
 * ASYNC_NO_SHORT_NAMES     not defined   leaves ASYNC_AWAIT, not AWAIT
 * ASYNC_HOSTED             1 on Unix     descriptors, threads, signals [layout]
 * ASYNC_DEBUG              0             checks of misuse, names, await chains;
 *                                        some 40 bytes per frame and task
 *                                        [layout]
 * ASYNC_FRAME_BITS         8 or 16       width of a resume point: 8 on 8-bit
 *                                        parts (254 points in a coroutine)
 *                                        [layout]
 * ASYNC_TICK_BITS          64 or 32      width of a time: 16, 32 or 64 [layout]
 * ASYNC_TICK_HZ            10^9 or 1000  ticks in a second
 * ASYNC_TIMER_WHEEL        1 if hosted   a wheel for a million timers (5.6 KB
 *                                        a loop); 0: a sorted list [layout]
 * ASYNC_BACKLINKS          1 if hosted   doubly linked wait lists: a cancel
 *                                        costs O(1), a pointer more per task
 *                                        [layout]
 * ASYNC_POLL               0 on Linux    poll(2) instead of epoll
 * ASYNC_KEEP_SIGPIPE       not defined   a hosted loop then leaves SIGPIPE as
 *                                        it is (by default it is ignored, so
 *                                        that a closed pipe is an EPIPE)
 * ASYNC_COMPUTED_GOTO      0             GCC, clang: resume by label address;
 *                                        an await may then stand in a switch;
 *                                        4 bytes a frame [layout]
 * ASYNC_NO_COUNTER         not defined   resume points made of line numbers:
 *                                        one await a line; for compilers
 *                                        without __COUNTER__ it is so anyway
 * ASYNC_NO_LOCAL_LABELS    not defined   standard C only: a try then costs one
 *                                        or two resume points
 * ASYNC_LINT               0             more compile-time checks, see README
 * ASYNC_NO_CHECKS          not defined   no compile-time checks of lost locals
 *                                        and of side effects in an await
 * ASYNC_SLOW_MS            100           a debug build names a step of a task
 *                                        that takes longer; 0: it does not
 * ASYNC_WARN(message)      prints it     what a debug build does to say so
 * ASYNC_TRAP(message)      stops         what a fatal misuse does
 * ASYNC_CLOCK()            the port's    the time now, in ticks
 * ASYNC_IDLE(loop, ticks)  the port's    sleep so long, or until an interrupt
 * ASYNC_LOCK() UNLOCK()    the port's    keep interrupts out of a few loads
 * ASYNC_WAKE(loop)         the port's    an irq of that loop was raised
 * ======================================================================== */
#ifdef ASYNC_CONFIG
#include ASYNC_CONFIG
#endif

/* Without a loop there is nothing to link: the few functions are private. */
#ifdef ASYNC_NO_LOOP
#ifndef ASYNC_STATIC
#define ASYNC_STATIC
#endif
#ifndef ASYNC_IMPLEMENTATION
#define ASYNC_IMPLEMENTATION
#endif
#endif

#ifndef ASYNC_HOSTED
#if defined __unix__ || defined __APPLE__
#define ASYNC_HOSTED 1
#else
#define ASYNC_HOSTED 0
#endif
#endif

/* What the implementation calls is more than a strict -std=c99 declares. */
#if defined ASYNC_IMPLEMENTATION && !defined ASYNC_NO_LOOP && ASYNC_HOSTED \
    && !defined _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 100 * (100 * major + minor) + patch */
#define ASYNC_VERSION 100

/* ---- the machine ------------------------------------------------------ */

#if defined __AVR__ || defined __SDCC || defined __C51__
#define ASYNC_8BIT_ 1
#else
#define ASYNC_8BIT_ 0
#endif

#if defined __GNUC__ && !defined __clang__ && !defined __TINYC__
#define ASYNC_GCC_ __GNUC__
#else
#define ASYNC_GCC_ 0
#endif

/* sdcc's elimination of common subexpressions overlooks that a resume jumps
 * into the middle of a loop, and then uses a value that nothing has computed:
 * so it is off in a file that includes this. Nor need sdcc say of every
 * coroutine that the ends of its macros are not reached. */
#if defined __SDCC
#pragma nogcse
#pragma disable_warning 110
#pragma disable_warning 126
#endif

/* ---- knobs ------------------------------------------------------------ */

#ifndef ASYNC_DEBUG
#define ASYNC_DEBUG 0
#endif

#ifndef ASYNC_SLOW_MS
#define ASYNC_SLOW_MS 100
#endif

#ifndef ASYNC_LINT
#define ASYNC_LINT 0
#endif

#ifndef ASYNC_COMPUTED_GOTO
#define ASYNC_COMPUTED_GOTO 0
#endif

#ifndef ASYNC_FRAME_BITS
#if ASYNC_COMPUTED_GOTO
#define ASYNC_FRAME_BITS 32
#elif ASYNC_8BIT_
#define ASYNC_FRAME_BITS 8
#else
#define ASYNC_FRAME_BITS 16
#endif
#endif

#ifndef ASYNC_TICK_BITS
#if ASYNC_HOSTED
#define ASYNC_TICK_BITS 64
#else
#define ASYNC_TICK_BITS 32
#endif
#endif

#ifndef ASYNC_TICK_HZ
#if ASYNC_HOSTED && ASYNC_TICK_BITS == 64
#define ASYNC_TICK_HZ 1000000000
#else
#define ASYNC_TICK_HZ 1000
#endif
#endif

#ifndef ASYNC_TIMER_WHEEL
#if ASYNC_HOSTED && ASYNC_TICK_BITS == 64
#define ASYNC_TIMER_WHEEL 1
#else
#define ASYNC_TIMER_WHEEL 0
#endif
#endif

#ifndef ASYNC_BACKLINKS
#if ASYNC_HOSTED || ASYNC_TIMER_WHEEL
#define ASYNC_BACKLINKS 1
#else
#define ASYNC_BACKLINKS 0
#endif
#endif

/* To tcc the C library does not say how struct epoll_event is packed. */
#ifndef ASYNC_POLL
#if defined __linux__ && !defined __TINYC__
#define ASYNC_POLL 0
#else
#define ASYNC_POLL 1
#endif
#endif

#if ASYNC_TICK_BITS != 16 && ASYNC_TICK_BITS != 32 && ASYNC_TICK_BITS != 64
#error "ASYNC_TICK_BITS is 16, 32 or 64"
#endif
#if ASYNC_COMPUTED_GOTO && ASYNC_FRAME_BITS != 32
#error "ASYNC_COMPUTED_GOTO needs ASYNC_FRAME_BITS 32"
#endif
#if !ASYNC_COMPUTED_GOTO && ASYNC_FRAME_BITS != 8 && ASYNC_FRAME_BITS != 16
#error "ASYNC_FRAME_BITS is 8 or 16"
#endif
#if ASYNC_TIMER_WHEEL && ASYNC_TICK_BITS != 64
#error "ASYNC_TIMER_WHEEL needs ASYNC_TICK_BITS 64"
#endif
#if ASYNC_TIMER_WHEEL && !ASYNC_BACKLINKS
#error "ASYNC_TIMER_WHEEL needs ASYNC_BACKLINKS 1"
#endif
#if ASYNC_COMPUTED_GOTO && !defined __GNUC__
#error "ASYNC_COMPUTED_GOTO needs GCC or clang"
#endif

/* ---- how declarations look -------------------------------------------- */

#ifdef __cplusplus
#define ASYNC_EXTERN_C_ extern "C"
#else
#define ASYNC_EXTERN_C_ extern
#endif

/* What every public function is declared with. */
#ifdef ASYNC_STATIC
#if defined __GNUC__
#define ASYNC_API __attribute__((unused)) static
#else
#define ASYNC_API static
#endif
#else
#define ASYNC_API ASYNC_EXTERN_C_
#endif

/* A result that must not be ignored: a call without AWAIT is a warning. */
#if defined __GNUC__ && !defined __TINYC__
#define ASYNC_MUST_USE_ __attribute__((warn_unused_result))
#define ASYNC_LIKELY_(x) __builtin_expect(!!(x), 1)
#define ASYNC_UNLIKELY_(x) __builtin_expect(!!(x), 0)
#define ASYNC_NOINLINE_ __attribute__((noinline))
#else
#define ASYNC_MUST_USE_
#define ASYNC_LIKELY_(x) (x)
#define ASYNC_UNLIKELY_(x) (x)
#define ASYNC_NOINLINE_
#endif

#if defined __SDCC
#define ASYNC_INLINE_ static inline
#elif defined __GNUC__
#define ASYNC_INLINE_ static inline __attribute__((unused))
#else
#define ASYNC_INLINE_ static inline
#endif

/* Small functions of the hot path: part of their callers, unless the user has
 * asked for small code. And what is seldom: apart from the function that does
 * the usual, which then saves no registers. */
#if defined __OPTIMIZE__ && !defined __OPTIMIZE_SIZE__ && defined __GNUC__
#define ASYNC_HOT_ static inline __attribute__((always_inline, unused))
#define ASYNC_FAST_ 1
#define ASYNC_APART_ static ASYNC_NOINLINE_
#else
#define ASYNC_HOT_ ASYNC_INLINE_
#define ASYNC_FAST_ 0
#define ASYNC_APART_ static
#endif

/* One loop may run in each thread: the pointer to it belongs to the thread.
 * (tcc has no such variables: there, loops run in one thread at a time.) */
#ifndef ASYNC_THREAD
#if !ASYNC_HOSTED || defined __TINYC__
#define ASYNC_THREAD
#elif defined __cplusplus && defined __GNUC__
#define ASYNC_THREAD __thread
#elif defined __GNUC__
#define ASYNC_THREAD __thread
#elif defined __cplusplus
#define ASYNC_THREAD thread_local
#else
#define ASYNC_THREAD _Thread_local
#endif
#endif

/* Code that goes into a program, and not into a shared library, reaches such a
 * variable in one instruction, if it knows where that is. */
#if defined __ELF__ && defined __GNUC__ && ASYNC_HOSTED \
    && !defined __TINYC__ && !defined ASYNC_SHARED \
    && (!defined __PIC__ || defined __PIE__)
#define ASYNC_LOCAL_ __attribute__((tls_model("local-exec")))
#else
#define ASYNC_LOCAL_
#endif

/* The options that change a struct's layout become part of the name of the
 * functions that the users of the struct call: async_join is in truth
 * async_join_hosted_1_debug_0_frame_bits_16 and so on. Two files built
 * differently do not link, and the linker's message says by what. */
#define ASYNC_ABI_PASTE_(name, h, d, f, g, t, w, b) \
    name##_hosted_##h##_debug_##d##_frame_bits_##f##_computed_goto_##g \
        ##_tick_bits_##t##_timer_wheel_##w##_backlinks_##b
#define ASYNC_ABI_EXPAND_(name, h, d, f, g, t, w, b) \
    ASYNC_ABI_PASTE_(name, h, d, f, g, t, w, b)
#define ASYNC_ABI_(name) \
    ASYNC_ABI_EXPAND_(name, ASYNC_HOSTED, ASYNC_DEBUG, ASYNC_FRAME_BITS, \
                      ASYNC_COMPUTED_GOTO, ASYNC_TICK_BITS, \
                      ASYNC_TIMER_WHEEL, ASYNC_BACKLINKS)

/* ---- fatal misuse ----------------------------------------------------- */

/* ASYNC_TRAP(message) ends the program: for a state from which going on would
 * corrupt memory. A debug build says why; a release build on a
 * microcontroller keeps no text. */
#ifndef ASYNC_TRAP
#if ASYNC_HOSTED && (ASYNC_DEBUG || !defined ASYNC_NO_LOOP)
#ifdef __GNUC__
ASYNC_API void async_trap_(const char *message) __attribute__((noreturn));
#else
ASYNC_API void async_trap_(const char *message);
#endif
#define ASYNC_TRAP(message) async_trap_(message)
#elif defined __GNUC__ && !defined __AVR__ && !defined __TINYC__
#define ASYNC_TRAP(message) __builtin_trap()
#else
#define ASYNC_TRAP(message) do { for (;;) { } } while (0)
#endif
#endif
/* ===========================================================================
 * status: the one number that every awaitable answers with, and its names. It
 * is a value only; what an error does to a coroutine is coroutine.h's affair.
 *
 *      INT_MIN      pending: not yet, ask again
 *      INT_MIN + 3  the task's own cancellation, on its way out
 *      -4096 ...    the user's own errors, ASYNC_EUSER(0), ASYNC_EUSER(1), ...
 *      -4095 .. -1  an errno, negative
 *      0 ...        a result; up to 32767 is portable
 * ======================================================================== */

typedef int async_status;

/* What a coroutine is declared to return: static ASYNC fetch(...). A call
 * whose status is ignored, such as one without AWAIT, is a warning. */
#define ASYNC ASYNC_MUST_USE_ async_status

/* Not yet. An awaitable that says so is evaluated again later. */
#define ASYNC_PENDING INT_MIN

/* What a finally, a with or a timeout holds while it runs: a result, an error,
 * or one of these. They never leave the coroutine. */
#define ASYNC_NORMAL_ INT_MIN
#define ASYNC_BREAK_ (INT_MIN + 1)
#define ASYNC_CONTINUE_ (INT_MIN + 2)

/* The running task was cancelled. A value of its own, so that code which
 * handles the ASYNC_ECANCELED of another task never swallows its own. */
#define ASYNC_CANCEL (INT_MIN + 3)

/* In an ASYNC_FINALLY: was the block left by an error, or by the task's own
 * cancellation? `outcome` is below 0 also when it was left at its end, or by a
 * break or continue: those are numbers below ASYNC_CANCEL. */
#define ASYNC_FAILED(outcome) async_failed_(outcome)
ASYNC_INLINE_ bool async_failed_(int outcome)
{
    return outcome < 0 && outcome >= ASYNC_CANCEL;
}

/* Errors: -errno where the system has errno, else the numbers of Linux. */
#if ASYNC_HOSTED
#include <errno.h>
#define ASYNC_ERRNO_(name, number) (-(name))
#else
#define ASYNC_ERRNO_(name, number) (-(number))
#endif

#define ASYNC_EPERM ASYNC_ERRNO_(EPERM, 1)
#define ASYNC_ENOENT ASYNC_ERRNO_(ENOENT, 2)
#define ASYNC_EINTR ASYNC_ERRNO_(EINTR, 4)
#define ASYNC_EIO ASYNC_ERRNO_(EIO, 5)
#define ASYNC_EBADF ASYNC_ERRNO_(EBADF, 9)
#define ASYNC_EAGAIN ASYNC_ERRNO_(EAGAIN, 11)
#define ASYNC_ENOMEM ASYNC_ERRNO_(ENOMEM, 12)
#define ASYNC_EBUSY ASYNC_ERRNO_(EBUSY, 16)
#define ASYNC_EEXIST ASYNC_ERRNO_(EEXIST, 17)
#define ASYNC_ENODEV ASYNC_ERRNO_(ENODEV, 19)
#define ASYNC_EINVAL ASYNC_ERRNO_(EINVAL, 22)
#define ASYNC_ENFILE ASYNC_ERRNO_(ENFILE, 23)
#define ASYNC_EMFILE ASYNC_ERRNO_(EMFILE, 24)
#define ASYNC_ENOSPC ASYNC_ERRNO_(ENOSPC, 28)
#define ASYNC_EPIPE ASYNC_ERRNO_(EPIPE, 32)
#define ASYNC_ERANGE ASYNC_ERRNO_(ERANGE, 34)
#define ASYNC_EDEADLK ASYNC_ERRNO_(EDEADLK, 35)
#define ASYNC_ENOSYS ASYNC_ERRNO_(ENOSYS, 38)
#define ASYNC_EOVERFLOW ASYNC_ERRNO_(EOVERFLOW, 75)
#define ASYNC_EMSGSIZE ASYNC_ERRNO_(EMSGSIZE, 90)
#define ASYNC_EADDRINUSE ASYNC_ERRNO_(EADDRINUSE, 98)
#define ASYNC_ENETUNREACH ASYNC_ERRNO_(ENETUNREACH, 101)
#define ASYNC_ECONNABORTED ASYNC_ERRNO_(ECONNABORTED, 103)
#define ASYNC_ECONNRESET ASYNC_ERRNO_(ECONNRESET, 104)
#define ASYNC_ENOBUFS ASYNC_ERRNO_(ENOBUFS, 105)
#define ASYNC_ENOTCONN ASYNC_ERRNO_(ENOTCONN, 107)
#define ASYNC_ESHUTDOWN ASYNC_ERRNO_(ESHUTDOWN, 108)
#define ASYNC_ETIMEDOUT ASYNC_ERRNO_(ETIMEDOUT, 110)
#define ASYNC_ECONNREFUSED ASYNC_ERRNO_(ECONNREFUSED, 111)
#define ASYNC_EHOSTUNREACH ASYNC_ERRNO_(EHOSTUNREACH, 113)
#define ASYNC_EALREADY ASYNC_ERRNO_(EALREADY, 114)
#define ASYNC_EINPROGRESS ASYNC_ERRNO_(EINPROGRESS, 115)
#define ASYNC_ECANCELED ASYNC_ERRNO_(ECANCELED, 125)
#ifdef ENOTRECOVERABLE
#define ASYNC_EBROKEN ASYNC_ERRNO_(ENOTRECOVERABLE, 131)
#else                       /* a microcontroller, or a system without it */
#define ASYNC_EBROKEN (-131)
#endif

/* The user's own errors, n = 0, 1, ...: outside of every errno. And back: the
 * n of a status that is one of them, that is <= ASYNC_EUSER(0), and no
 * cancellation. */
#define ASYNC_EUSER(n) (-4096 - (n))
#define ASYNC_EUSER_N(status) (-4096 - (status))

/* What a status says, in a few words: never null, never freed, the same text
 * for every result >= 0 and for every ASYNC_EUSER. From any context on a
 * microcontroller; a hosted build asks strerror for an errno not listed above.
 * Costs its table of texts, where it is called. */
ASYNC_API const char *async_strerror(int status);
/* ===========================================================================
 * check: what the compiler is asked to catch inside a coroutine. Pragmas and
 * attributes only; what the run time catches stands in coroutine.h.
 *
 * ASYNC_BEGIN pushes these checks and ASYNC_END pops them, so that the rest of
 * the file keeps its own settings. ASYNC_NO_CHECKS leaves them out.
 * ======================================================================== */

#define ASYNC_PRAGMA_(text) _Pragma(#text)

/* A claim about the source; the message holds the claim's name. */
#if defined __cplusplus
#define ASYNC_STATIC_ASSERT_(cond, name) static_assert(cond, #name)
#else
#define ASYNC_STATIC_ASSERT_(cond, name) \
    struct name { int name : (cond) ? 1 : -1; }
#endif

#if defined ASYNC_NO_CHECKS || !defined __GNUC__ || defined __TINYC__
#define ASYNC_CHECKS_BEGIN_
#define ASYNC_CHECKS_END_
#define ASYNC_CHECK_ONCE_(x) do { } while (0)
#else

/* A resume jumps to the middle of the body. Two kinds of variable lose their
 * value thereby: one whose initialiser is jumped over, which GCC tells from
 * the jump alone (and C++ forbids), and one assigned before an await and used
 * after it, which the flow of an optimised build shows. Clang shows it when
 * asked for more than most code stands: so that is for ASYNC_LINT. (After a
 * first coroutine in a C file, GCC 12 gives the notes, without a warning, to a
 * later `goto` over an initialiser: its flag for them survives the pop.) */
#if defined __clang__
#if ASYNC_LINT
#define ASYNC_CHECKS_LOCALS_ \
    ASYNC_PRAGMA_(GCC diagnostic error "-Wconditional-uninitialized")
#else
#define ASYNC_CHECKS_LOCALS_
#endif
#define ASYNC_CHECKS_EFFECTS_ \
    ASYNC_PRAGMA_(GCC diagnostic error "-Wunsequenced") \
    int async_never_ = 0; \
    (void)async_never_;
#else
#ifdef __cplusplus
#define ASYNC_CHECKS_LOCALS_ \
    ASYNC_PRAGMA_(GCC diagnostic error "-Wmaybe-uninitialized")
#else
#define ASYNC_CHECKS_LOCALS_ \
    ASYNC_PRAGMA_(GCC diagnostic error "-Wmaybe-uninitialized") \
    ASYNC_PRAGMA_(GCC diagnostic error "-Wjump-misses-init")
#endif
#define ASYNC_CHECKS_EFFECTS_ \
    ASYNC_PRAGMA_(GCC diagnostic error "-Wsequence-point") \
    enum { async_never_ = 0 };
#endif

#define ASYNC_CHECKS_BEGIN_ \
    ASYNC_PRAGMA_(GCC diagnostic push) \
    ASYNC_PRAGMA_(GCC diagnostic error "-Wuninitialized") \
    ASYNC_CHECKS_LOCALS_ ASYNC_CHECKS_EFFECTS_
#define ASYNC_CHECKS_END_ ASYNC_PRAGMA_(GCC diagnostic pop)

/* An awaited expression is evaluated again at each resume, so it should have
 * no side effect. Standing twice between two sequence points, in code that is
 * never run, it makes the compiler notice one: self->n++, i = 3. (Clang sees
 * those of plain variables only, and none where `never` is a constant.) */
#define ASYNC_CHECK_ONCE_(x) \
    do { if (async_never_) { (void)((x) - (x)); } } while (0)
#endif

/* Around the macros' own use of extensions, and of names that are meant to
 * hide those of an outer block. */
#if defined __GNUC__ && !defined __TINYC__
#define ASYNC_QUIET_ \
    ASYNC_PRAGMA_(GCC diagnostic push) \
    ASYNC_PRAGMA_(GCC diagnostic ignored "-Wpedantic") \
    ASYNC_PRAGMA_(GCC diagnostic ignored "-Wshadow")
#define ASYNC_QUIET_END_ ASYNC_PRAGMA_(GCC diagnostic pop)
#define ASYNC_UNUSED_LABEL_ __attribute__((unused));
#else
#define ASYNC_QUIET_
#define ASYNC_QUIET_END_
#define ASYNC_UNUSED_LABEL_ ;
#endif

#if defined __clang__ || ASYNC_GCC_ >= 7
#define ASYNC_FALLTHROUGH_ __attribute__((fallthrough));
#else
#define ASYNC_FALLTHROUGH_
#endif
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
    struct async_frame *parent;     /* who awaits it; NULL: a task's entry */
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
ASYNC_API void async_exit_(async_frame *frame, bool pending,
                           const void *memory, size_t size);
ASYNC_API void async_check_left_(async_frame **inside);

/* A message is put together without libc, so that a board can say it too: the
 * text so far is `at` long; that of 0 begins a new one. */
ASYNC_API size_t async_say_(size_t at, const char *text);
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
    async_frame *async_inside_ ASYNC_ON_RETURN_ = async_frame_; \
    async_enter_(async_frame_, __FILE__, __LINE__, __func__);
#define ASYNC_DEBUG_LINE_ async_frame_->line = __LINE__;
#define ASYNC_DEBUG_YIELD_ async_frame_->awaited = false;
#define ASYNC_DEBUG_END_ \
    async_inside_ = NULL; \
    (void)async_inside_; \
    async_exit_(async_frame_, *async_resume_ != 0, async_memory_, async_size_);
#else
#define ASYNC_MISUSE_(message) do { } while (0)
#define ASYNC_CHECK_(cond, message) do { } while (0)
#define ASYNC_DEBUG_BEGIN_(self)
#define ASYNC_DEBUG_LINE_
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
        ASYNC_LEAVE_(async_handler_); \
    } while (0)

/* Leave with an error, a value below 0, for the nearest handler. */
#define ASYNC_RAISE(error) \
    do { \
        async_rc_ = (error); \
        ASYNC_CHECK_(async_rc_ < 0 && async_rc_ != ASYNC_PENDING, \
                     "ASYNC_RAISE of something that is no error"); \
        ASYNC_LEAVE_(async_handler_); \
    } while (0)

#ifndef ASYNC_NO_SHORT_NAMES
#define AWAIT(x) ASYNC_AWAIT(x)
#define AWAIT_VALUE(lvalue, x) ASYNC_AWAIT_VALUE(lvalue, x)
#define AWAIT_RESULT(lvalue, x) ASYNC_AWAIT_RESULT(lvalue, x)
#define AWAIT_UNTIL(cond) ASYNC_AWAIT_UNTIL(cond)
#define AWAIT_WHILE(cond) ASYNC_AWAIT_WHILE(cond)
#endif
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
 * inside of the finally's body. */
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
    (lvalue) = ASYNC_OUTCOME_; \
    for (async_flow_ = 0;; async_flow_++) { \
        if (async_flow_ > ASYNC_ENDED_) { \
            async_rc_ = (lvalue); \
            async_flow_ = 0; \
            if (async_rc_ > ASYNC_CONTINUE_) { ASYNC_LEAVE_(async_outer_); } \
            async_flow_ = async_rc_ == ASYNC_BREAK_ ? ASYNC_BROKEN_ \
                        : async_rc_ == ASYNC_CONTINUE_ ? ASYNC_CONTINUED_ \
                        : ASYNC_ENDED_; \
            break; \
        } \
        if (async_flow_ != 0) { break; } \
        { ASYNC_REHANDLE_(3)

#define ASYNC_TRY_END \
            if (0) { \
                ASYNC_HANDLER_ \
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
            (lvalue) = async_rc_; \
            ASYNC_CHECK_ONCE_(release); \
            ASYNC_CALL_(2, release) \
            if (async_rc_ < 0) { ASYNC_LEAVE_(async_outer_); } \
            async_rc_ = (lvalue); \
            ASYNC_SCOPE_LEAVE_ \
        } \
        ASYNC_SCOPE_BODY_
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
            ASYNC_CLOSE_(ASYNC_GENERATOR_(__VA_ARGS__).point); \
            ASYNC_CALL_(2, generator(__VA_ARGS__)) \
            if (async_rc_ < 0) { ASYNC_LEAVE_(async_outer_); } \
            if (ASYNC_GENERATOR_(__VA_ARGS__).point != 0) { \
                ASYNC_MISUSE_("the generator yields while it is closed"); \
                ASYNC_TRAP("async: a generator yields while it is closed"); \
            } \
            async_rc_ = ASYNC_GENERATOR_(__VA_ARGS__).outcome; \
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
#ifndef ASYNC_NO_LOOP
/* ===========================================================================
 * ticks: instants and durations, and how durations are written.
 *
 * An instant wraps, a duration is signed and of the same width, so the longest
 * duration is half the range: 32 767 ticks of 16 bits, 24 days of 32-bit
 * milliseconds, 292 years of nanoseconds. Compare instants by subtracting
 * them: (async_duration)(a - b) < 0 says that a is earlier.
 * ======================================================================== */

#if ASYNC_TICK_BITS == 16
typedef uint16_t async_ticks;
typedef int16_t async_duration;
#define ASYNC_NEVER INT16_MAX
#elif ASYNC_TICK_BITS == 32
typedef uint32_t async_ticks;
typedef int32_t async_duration;
#define ASYNC_NEVER INT32_MAX
#else
typedef uint64_t async_ticks;
typedef int64_t async_duration;
#define ASYNC_NEVER INT64_MAX
#endif

/* Durations: ASYNC_MS(20), ASYNC_SEC(1.5). Rounded up to whole ticks where a
 * tick is longer than the unit, so that a wait is never shorter than written.
 * (The argument may have a fraction; one of a tick is cut off.)
 * A constant that does not fit async_duration is a compile-time warning. */
#if ASYNC_TICK_HZ == 1000000000
#define ASYNC_US(n) ((async_duration)((n) * INT64_C(1000)))
#define ASYNC_MS(n) ((async_duration)((n) * INT64_C(1000000)))
#define ASYNC_SEC(n) ((async_duration)((n) * INT64_C(1000000000)))
#elif ASYNC_TICK_HZ == 1000000
#define ASYNC_US(n) (n)
#define ASYNC_MS(n) ((n) * INT32_C(1000))
#define ASYNC_SEC(n) ((n) * INT32_C(1000000))
#elif ASYNC_TICK_HZ == 1000
#define ASYNC_US(n) (((n) + INT32_C(999)) / 1000)
#define ASYNC_MS(n) (n)
#define ASYNC_SEC(n) ((n) * INT32_C(1000))
#else
#define ASYNC_SCALE_(n, unit) \
    (((n) * INT64_C(ASYNC_TICK_HZ) + ((unit) - 1)) / (unit))
#define ASYNC_US(n) ASYNC_SCALE_(n, 1000000)
#define ASYNC_MS(n) ASYNC_SCALE_(n, 1000)
#define ASYNC_SEC(n) ASYNC_SCALE_(n, 1)
#endif
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

ASYNC_INLINE_ void async_ring_append_(async_node **tail, async_node *node)
{
    async_node *last = *tail;

    if (last == NULL) {
        node->next = node;
#if ASYNC_BACKLINKS
        node->prev = node;
#endif
    } else {
        node->next = last->next;
        last->next = node;
#if ASYNC_BACKLINKS
        node->prev = last;
        node->next->prev = node;
#endif
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
/* ===========================================================================
 * task: the unit of scheduling, and what a coroutine may ask about one.
 *
 * A task is a coroutine that the loop drives. It lives in the caller's memory:
 * zeroed memory is a fresh task, a finished one may be spawned again or freed.
 *
 * States of a task, and who makes each arrow:
 *
 *               1 spawn           2 first run
 *   IDLE/DONE ----------> NEW -------------------> RUNNING <-----------.
 *       ^                  |                       | | | |             |
 *       |                  | 2 if it was           | | | |4 polls      |
 *       |                  |   cancelled           | | | '---(queue)---|
 *       |                  v                       | | |               |
 *       '--------------- finish <------------------' | |5 yields       |
 *                          3 returned a result       | '-> YIELDED ----|
 *                            or an error            6|                 |
 *                                           parks    v                 |
 *            WAITING, LINKED, JOINING, SLEEPING, DEAF                  |
 *                      |                |  7 wake: granted             |
 *                      |                '-----------------> READY -----|
 *                      |  8 strike (never DEAF)                        |
 *                      '----------------------------------> STRUCK ----'
 *                                                             9 settle
 *
 *   1 async_spawn_  2 async_begin_  3 async_finish_  4 async_run_ready_, for
 *   a task that returned PENDING without parking  5 async_yield  6 async_park_,
 *   async_link_  7 async_wake_  8 async_strike_, from async_cancel or from a
 *   deadline  9 the operation, evaluated again by the task's resume: it takes
 *   what was granted, or says how it ended.
 *
 *   NEW, YIELDED, READY and STRUCK tasks are in the ready queue, and so is a
 *   RUNNING one that polls. WAITING: in an async_list. LINKED: in a ring or a
 *   slot that its owner knows (an irq, a descriptor). JOINING: in the ring of
 *   the task that it joins. SLEEPING: in the timer queue. DEAF: in a list or
 *   a ring, where strikes do not disturb it.
 *
 * Every operation obeys one rule, each time it is evaluated:
 *   1. granted, or possible right now: take it, and go on;
 *   2. else if the task has been struck: leave with ASYNC_CANCEL;
 *   3. else park, and return ASYNC_PENDING.
 * A strike is a cancellation or a deadline of the task's own. So it hits the
 * next await that would suspend, once, and nothing granted is ever lost.
 * ======================================================================== */



typedef struct async_task async_task;
typedef struct async_loop async_loop;

/* What a task runs. An entry may take a pointer to its own struct instead of
 * the void pointer; async_spawn checks that the frame it is given fits. */
typedef async_status (*async_fn)(void *frame);

/* ---- from here to "tasks", for the library's own use --------------------- */

enum {
    ASYNC_IDLE_ = 0, ASYNC_DONE_, ASYNC_NEW_, ASYNC_RUNNING_, ASYNC_YIELDED_,
    ASYNC_READY_,
    ASYNC_STRUCK_,
    ASYNC_WAITING_, ASYNC_LINKED_, ASYNC_JOINING_, ASYNC_SLEEPING_, ASYNC_DEAF_,
    /* nodes that are no tasks */
    ASYNC_ALARM_, ASYNC_UNARMED_, ASYNC_WATCH_,
    ASYNC_STATE_ = 0x0f,
    /* what hangs over a task, beside its state */
    ASYNC_STRIKE_ = 0x10,       /* something of the following is undelivered */
    ASYNC_PENDING_ = 0x20,      /* a cancel, undelivered */
    ASYNC_CANCELED_ = 0x40,     /* a cancel came inside the innermost scope */
    ASYNC_FORWARDED_ = 0x80     /* the strike was passed on to a joined task */
};

/* A wait list that its loop can find for as long as somebody waits in it: so
 * a loop that ends finds every task without keeping a list of all. */
typedef struct async_list {
    async_node *tail;
    struct async_list *next;
#if ASYNC_BACKLINKS
    struct async_list **back;
#endif
} async_list;

/* A node with a time. A task needs the second word for one thing at once. */
typedef struct async_timer {
    async_node node;
    union {
        async_ticks deadline;   /* SLEEPING, or STRUCK while it slept */
        async_node **ring;      /* WAITING, LINKED, JOINING; or NULL */
        int result;             /* READY, DONE */
        async_fn entry;         /* NEW */
    } u;
} async_timer;

/* ---- tasks --------------------------------------------------------------- */

struct async_task {
    async_timer timer;
    async_fn fn;
    void *frame;
    async_node *joiners;        /* a ring of tasks and watches */
    struct async_scope_ *scopes; /* the innermost, see scope.h */
#if ASYNC_DEBUG
    const char *name;
    const char *file;
    int line;
    const char *waits;          /* the operation it waits in */
    const void *on;             /* the object it waits for */
    async_frame *leaf;          /* the innermost coroutine of its chain */
    async_task *all_next, *all_prev;
    async_loop *loop;
#endif
};

/* A done callback. Put one where it lives as long as the task, usually in the
 * same struct. */
typedef struct async_watch async_watch;
typedef void (*async_watch_fn)(async_watch *watch, async_task *task);
struct async_watch {
    async_node node;
    async_watch_fn fn;
};

/* async_spawn(task, fn, frame): start fn(frame) as a task of the running
 * loop. It first runs at the caller's next suspension, after all that is
 * ready already. `task` is zeroed or finished memory, as is the frame, and
 * both stay where they are until the task is done. `fn` takes a void pointer,
 * or the very type of `frame`: another type is a compile-time warning, in C++
 * an error.
 *
 * 0, or ASYNC_EALREADY when the task runs already (a trap in debug builds),
 * or ASYNC_EPERM when no loop is current.
 * Call it from a task or a callback of the loop, or, after async_loop_open,
 * from outside before the loop runs. Constant time, some 20 instructions. */
#define async_spawn(task, fn, frame) \
    async_loop_spawn(async_this_loop_, task, fn, frame)

/* The same for a loop that is not the current one: before it first runs, or
 * between its steps. Not from another thread: async_irq is the way in. */
#if ASYNC_DEBUG
#define async_loop_spawn(loop, task, fn, frame) \
    async_spawn_((loop), (task), ASYNC_ENTRY_(fn, frame), (frame), #fn, \
                 __FILE__, __LINE__)
#else
#define async_loop_spawn(loop, task, fn, frame) \
    async_spawn_((loop), (task), ASYNC_ENTRY_(fn, frame), (frame))
#endif

/* Type-checks the pair without evaluating it, then forgets the type. */
#define ASYNC_ENTRY_(fn, frame) \
    ((void)sizeof((fn)(frame)), (async_fn)(void (*)(void))(fn))

#define async_spawn_ ASYNC_ABI_(async_spawn)
ASYNC_API int async_spawn_(async_loop *loop, async_task *task, async_fn fn,
                           void *frame
#if ASYNC_DEBUG
                           , const char *name, const char *file, int line
#endif
);

#define async_join ASYNC_ABI_(async_join)
#define async_shield ASYNC_ABI_(async_shield)
#define async_cancel ASYNC_ABI_(async_cancel)
#define async_done ASYNC_ABI_(async_done)
#define async_result ASYNC_ABI_(async_result)
#define async_on_done ASYNC_ABI_(async_on_done)

/* AWAIT(async_join(task)): wait until the task is done; its result or its
 * error. Any number of tasks may join one, any number of times, also after
 * its end. A cancelled task ends with ASYNC_ECANCELED.
 *
 * When the joiner is cancelled (or a deadline of its own strikes), the strike
 * is passed on to the task, once, and the joiner goes on waiting: if the task
 * then ends cancelled, so does the join; if it ends otherwise, the join gives
 * its result and the strike hits the joiner's next await.
 * The task is one of the same loop (a debug build traps others: between loops
 * goes an async_irq). ASYNC_EDEADLK for the caller itself, or a task that
 * (through any number of joins) joins the caller; ASYNC_EINVAL for NULL or a
 * task that was never spawned. Task only. */
ASYNC_API ASYNC async_join(async_task *task);

/* AWAIT(async_shield(task)): the same, but a strike leaves the task alone and
 * fails at once. Task only. */
ASYNC_API ASYNC async_shield(async_task *task);

/* Strike a task: the await that it is suspended in, or the next one that would
 * suspend it, fails with ASYNC_CANCEL. Strikes coalesce until one is delivered;
 * a further one may then interrupt the cleanup. A task that has not run yet
 * never does: no finally of it runs either, so what a spawner acquired for it
 * is released by a done callback, or by whoever joins it. 1 if the strike
 * counts, 0 if the task is done already or was never spawned, ASYNC_EINVAL for
 * NULL. Task or callback of the same loop. */
ASYNC_API int async_cancel(async_task *task);

/* Is it finished? False for one never spawned. Any context of its loop. */
ASYNC_API bool async_done(const async_task *task);

/* The result or error of a finished task; ASYNC_PENDING while it is not. */
ASYNC_API int async_result(const async_task *task);

/* Call fn(watch, task) when the task ends: after its joiners were woken, in
 * the order of registration, as the last thing the loop does with it; the last
 * of the callbacks may free the task or spawn it again (unless a task that
 * joins it was struck in this very turn, and has yet to look). A task that is
 * done calls at once. 0, ASYNC_EINVAL for NULL or a task that was never
 * spawned, ASYNC_EALREADY for a watch (zeroed or called memory, like a task)
 * that is registered. A callback must not block, and cannot await. Task or
 * callback of the loop. */
ASYNC_API int async_on_done(async_task *task, async_watch *watch,
                            async_watch_fn fn);

/* The running task; NULL outside of one. Any context of the loop's thread. */
ASYNC_API async_task *async_current(void);

/* The awaitable of one's own awaitables: `return ready ? 0 : async_poll();`.
 * ASYNC_PENDING, and the task is resumed once a turn to look again; or
 * ASYNC_CANCEL when it has been struck. Outside a task always pending. */
ASYNC_API ASYNC async_poll(void);

/* ---- what operations are made of ---------------------------------------- */

/* The current loop, and its running task: of each thread its own. */
#define async_this_loop_ ASYNC_ABI_(async_this_loop)
#define async_this_task_ ASYNC_ABI_(async_this_task)
#ifdef ASYNC_STATIC
static ASYNC_THREAD async_loop *async_this_loop_;
static ASYNC_THREAD async_task *async_this_task_;
#else
ASYNC_EXTERN_C_ ASYNC_LOCAL_ ASYNC_THREAD async_loop *async_this_loop_;
ASYNC_EXTERN_C_ ASYNC_LOCAL_ ASYNC_THREAD async_task *async_this_task_;
#endif

#define ASYNC_TASK_(n) ((async_task *)(void *)(n))

/* The node's state, apart from what hangs over it. */
ASYNC_INLINE_ unsigned async_state_(const async_task *task)
{
    return task->timer.node.state & ASYNC_STATE_;
}

ASYNC_INLINE_ void async_set_state_(async_task *task, unsigned state)
{
    task->timer.node.state =
        (async_mark_)((task->timer.node.state & ~(unsigned)ASYNC_STATE_)
                      | state);
}
/* ===========================================================================
 * timer: the queue of what is to happen at a time; two of them behind one
 * interface. Not a public part: sleep.h and timeout.h are.
 *
 *   timer_list.c   a sorted list: 2 words a loop, insert O(n). For tens.
 *   timer_wheel.c  a hierarchical wheel: 5.6 KB a loop, insert and remove
 *                  O(1), exact to the nanosecond. For a million.
 *
 * Both keep this: equal deadlines leave in the order in which they came, and
 * earlier ones before later ones. `base` is the time of the last expiry. Every
 * deadline is at most half the range after it, so a late loop (up to the other
 * half) sees nothing as being in the far future.
 * ======================================================================== */

#if ASYNC_TIMER_WHEEL

#define ASYNC_WHEEL_BITS_ 6
#define ASYNC_WHEEL_SLOTS_ 64
#define ASYNC_WHEEL_LEVELS_ 11          /* 6 * 11 bits hold 64 */

typedef struct async_timers {
    async_ticks base;
    unsigned levels;                    /* bit n: level n is not empty */
    uint64_t used[ASYNC_WHEEL_LEVELS_]; /* bit n: slot n is not empty */
    async_node *slot[ASYNC_WHEEL_LEVELS_][ASYNC_WHEEL_SLOTS_];
} async_timers;

#define ASYNC_TIMERS_EMPTY_(timers) ((timers)->levels == 0)

#else

typedef struct async_timers {
    async_ticks base;
    async_node *first;
} async_timers;

#define ASYNC_TIMERS_EMPTY_(timers) ((timers)->first == NULL)

#endif

/* A timer that is no task: the loop takes it out of the queue when it is due,
 * and calls fire, which changes its state or puts it back. */
typedef struct async_alarm_ async_alarm_;
struct async_alarm_ {
    async_timer timer;          /* its state: ASYNC_ALARM_ while in the queue */
    void (*fire)(async_alarm_ *alarm, async_ticks now);
};

#define ASYNC_TIMER_OF_(n) ((async_timer *)(void *)(n))

/* Make it empty, at this time. */
ASYNC_API void async_timers_open_(async_timers *timers, async_ticks now);

/* Put a timer, whose deadline is set and lies after base, into the queue. */
ASYNC_API void async_timer_add_(async_timers *timers, async_timer *timer);

/* Take a timer out that is in it. Its deadline has not changed meanwhile. */
ASYNC_API void async_timer_remove_(async_timers *timers, async_timer *timer);

/* Take out the earliest timer that is due at `now`; NULL when none is: then
 * the base is `now`. */
ASYNC_API async_timer *async_timer_due_(async_timers *timers, async_ticks now);

/* How long after base something may be due: exact, or early where a crowd of
 * timers is near. ASYNC_NEVER when the queue is empty. */
ASYNC_API async_ticks async_timer_next_(const async_timers *timers);

/* For a loop that ends: call fn for each timer; fn may remove that one. */
ASYNC_API void async_timer_each_(async_timers *timers,
                                 void (*fn)(async_timer *timer));
/* ===========================================================================
 * loop: the executor. It runs ready tasks in turns, first in first out, and
 * sleeps when there are none.
 *
 * A turn: look at what came from outside (irqs, descriptors), wake whose time
 * has come, then run once each task that was ready at that moment. Whatever
 * becomes ready meanwhile waits for the next turn. Hence fairness, in four
 * lines: a task that yields for ever runs once a turn, so the others run as
 * often; timers and descriptors are looked at every turn, so neither a
 * yielding task nor a crowd of ready ones can keep them waiting for more than
 * one; and a busy descriptor gives way after a few operations (fd.h).
 *
 * The ready queue and the timers are touched by the loop's own thread alone,
 * never by an interrupt. That is why they need no critical section, and where
 * the speed of a switch comes from. The one way in from outside is irq.h.
 * ======================================================================== */

struct async_irq;
struct async_call;

enum { ASYNC_GO_ON_ = 0, ASYNC_STOPPED_, ASYNC_ENDED_RUN_ };

struct async_loop {
    async_node *head;           /* ready queue: the oldest, */
    async_node **tail;          /* and where to append; &head: it is empty */
    async_list *lists;          /* wait lists in which somebody waits */
    struct async_irq *irqs;     /* irqs for which somebody waits */
    union {
        const async_task *until;    /* the run ends when this one is done */
        int result;                 /* and that was it; its memory may go */
    } u;
    unsigned alive;             /* tasks spawned and not done */
    async_ticks now;            /* the time of this turn, if `fresh` */
    bool fresh;
    unsigned char stop;         /* ASYNC_GO_ON_ and so on */
    bool running;               /* inside a run or a step of it */
#if ASYNC_HOSTED
    volatile unsigned notified; /* an irq was raised: look at irqs */
#else
    volatile unsigned char notified;
#endif
#if !ASYNC_HOSTED               /* see ASYNC_HOOK_ */
    void (*unpark)(async_task *task);
    void (*tell)(async_task *task, int result);
    void (*dispatch)(async_loop *loop);
#endif
#if ASYNC_HOSTED
    unsigned char round;        /* closing: tasks spawned from here on */
    unsigned left;              /* closing: tasks of earlier rounds */
    struct async_fds *fds;      /* what it knows of descriptors, or NULL */
#endif
    async_timers timers;
#if ASYNC_DEBUG
    async_task *all;            /* every task that is not done */
    struct async_call *calls;   /* every call that is pending */
    async_ticks began;          /* the running step: when, and where */
    const char *from_file;
    int from_line;
#endif
};

/* async_run(fn, frame): run fn(frame) as the main task of a loop of its own,
 * to its end; then cancel the tasks that are left, let them clean up, and
 * return main's result or error. The loop is on the C stack.
 *
 * ASYNC_EBUSY inside a running loop (await the coroutine instead), and
 * ASYNC_EDEADLK when main waits for something that nothing can bring about:
 * nothing is ready, no timer runs, no descriptor or irq is waited for. Debug
 * builds then print who waits for what. Call it from ordinary code. */
#define async_run(fn, frame) \
    async_run_(ASYNC_ENTRY_(fn, frame), (frame) ASYNC_RUN_NAME_(#fn))
#if ASYNC_DEBUG
#define ASYNC_RUN_NAME_(name) , name, __FILE__, __LINE__
#else
#define ASYNC_RUN_NAME_(name)
#endif
#define async_run_ ASYNC_ABI_(async_run)
ASYNC_API int async_run_(async_fn fn, void *frame
#if ASYNC_DEBUG
                         , const char *name, const char *file, int line
#endif
);

/* Make `loop`, in the caller's memory, an empty loop. It becomes the current
 * one of this thread if there is none. 0 or an error; ASYNC_EINVAL for NULL. */
#define async_loop_open ASYNC_ABI_(async_loop_open)
ASYNC_API int async_loop_open(async_loop *loop);

/* Run until the task `until` is done, and return its result; with NULL until
 * no task is left, and return 0. Other tasks stay as they are and go on at
 * the next run. ASYNC_EINTR when async_loop_stop came first, ASYNC_EDEADLK as
 * above, ASYNC_EBUSY inside a running loop, ASYNC_EINVAL for NULL. */
#define async_loop_run ASYNC_ABI_(async_loop_run)
ASYNC_API int async_loop_run(async_loop *loop, const async_task *until);

/* One turn that never blocks, for a super-loop, an RTOS task or a GUI. The
 * time until it is to be called again, in ticks: 0 when tasks are ready,
 * ASYNC_NEVER when no deadline is set, so that only an irq, a descriptor or
 * the caller can bring work. Negative never. With NULL, or called by a task or
 * a callback of that loop, it does nothing and returns ASYNC_NEVER; a debug
 * build traps. */
#define async_loop_step ASYNC_ABI_(async_loop_step)
ASYNC_API async_duration async_loop_step(async_loop *loop);

/* Let async_loop_run return at the end of this turn. A stop while the loop
 * does not run is remembered for the next run. Same thread only. */
ASYNC_API void async_loop_stop(async_loop *loop);

/* Cancel every task of the loop and run it until they are gone. 0, or
 * ASYNC_EDEADLK if some wait in their cleanup for what nothing can bring. */
ASYNC_API int async_loop_cancel_all(async_loop *loop);

/* Give back what the loop holds (descriptors of its own; no memory). 0, or
 * ASYNC_EBUSY if it runs, or if tasks are left: they stay where they are and
 * must not be woken any more. It is no longer the current loop. */
ASYNC_API int async_loop_close(async_loop *loop);

/* Make `loop` the current one of this thread, the one that async_spawn and
 * operations mean; NULL for none. Returns the one before. */
ASYNC_API async_loop *async_loop_use(async_loop *loop);

/* ---- for the operations ------------------------------------------------- */

/* On a microcontroller the loop reaches what only some programs use through
 * pointers, which the first use sets: so what a program never calls is not
 * linked either. */
ASYNC_API void async_unpark_(async_task *task);
ASYNC_API void async_tell_(async_task *task, int result);
ASYNC_API void async_irq_dispatch_(async_loop *loop);
#if ASYNC_HOSTED
#define ASYNC_HOOK_(name, function) ((void)0)
#define ASYNC_HOOKED_(name, function) function
#else
#define ASYNC_HOOK_(name, function) \
    ((void)(async_this_loop_->name = (function)))
#define ASYNC_HOOKED_(name, function) async_this_loop_->name
#endif

#if ASYNC_DEBUG
ASYNC_API void async_debug_misuse_(const char *operation, const char *what);
#endif

/* Append a task that is in no queue to the ready queue: O(1). The queue ends
 * where `tail` points, and what stands there is of no meaning. */
ASYNC_INLINE_ void async_ready_(async_loop *loop, async_task *task)
{
    *loop->tail = &task->timer.node;
    loop->tail = &task->timer.node.next;
}

#define ASYNC_NONE_READY_(loop) ((loop)->tail == &(loop)->head)

/* Grant a parked task what it waits for, with the result of its operation.
 * The caller has taken it out of its list, or does so at once. */
ASYNC_INLINE_ void async_wake_(async_task *task, int result)
{
#if ASYNC_DEBUG
    if (task->loop != async_this_loop_) {
        async_debug_misuse_("a wake", "the task that waits is another loop's");
    }
#endif
    task->timer.u.result = result;
    async_set_state_(task, ASYNC_READY_);
    async_ready_(async_this_loop_, task);
}

/* Wake the oldest waiter of a list; false when nobody waits. */
ASYNC_API bool async_wake_one_(async_list *list, int result);

/* Park the running task in a list / in a ring that its owner knows (or none,
 * with NULL), in that state: ASYNC_PENDING. Say ASYNC_WAITS_ before. */
ASYNC_API async_status async_park_(async_list *list);

/* For the debugger: the operation that is about to park the running task, and
 * the object it waits for. Nothing in a release build. */
#if ASYNC_DEBUG
#define ASYNC_WAITS_(what, object) \
    ((void)(async_this_task_->waits = (what), \
            async_this_task_->on = (object)))
#define ASYNC_LEAF_(task) ((task)->leaf = async_innermost_)
#else
#define ASYNC_WAITS_(what, object) ((void)0)
#define ASYNC_LEAF_(task) ((void)0)
#endif

ASYNC_INLINE_ async_status async_link_(async_node **ring, unsigned state)
{
    async_task *task = async_this_task_;

    task->timer.u.ring = ring;
    if (ring != NULL) {
        ASYNC_HOOK_(unpark, async_unpark_);
        async_ring_append_(ring, &task->timer.node);
    }
    async_set_state_(task, state);
    ASYNC_LEAF_(task);
    return ASYNC_PENDING;
}

/* Is a strike to be delivered to this task? */
#define ASYNC_STRUCK_P_(task) ((task)->timer.node.state & ASYNC_STRIKE_)

/* Deliver the strike: ASYNC_CANCEL, to be returned by the operation. */
ASYNC_API async_status async_deliver_(async_task *task);

/* Strike a task that is parked out of its wait. Flags are the caller's. */
ASYNC_API void async_strike_(async_task *task);

/* The whole operation of waiting in a list: granted, struck or parked. */
ASYNC_API async_status async_wait_(async_list *list);

/* Was the running task granted what this operation parked it for? If so the
 * operation is over. */
ASYNC_INLINE_ bool async_granted_(async_task *task)
{
    if (async_state_(task) != ASYNC_READY_) {
        return false;
    }
    async_set_state_(task, ASYNC_RUNNING_);
    return true;
}

/* The running task, for an operation; a debug build names one that is called
 * where there is none, or while another one is under way. */
#if ASYNC_DEBUG
ASYNC_INLINE_ async_task *async_self_in_(const char *operation)
{
    if (async_this_task_ == NULL) {
        async_debug_misuse_(operation, "called outside a task");
    } else if (async_state_(async_this_task_) >= ASYNC_WAITING_) {
        async_debug_misuse_(operation, "called while another operation is "
                            "under way, which was started but not awaited");
    }
    return async_this_task_;
}
#define async_self_() async_self_in_(__func__)
#else
#define async_self_() async_this_task_
#endif

/* The rest of async_yield: for a task over which something hangs. */
ASYNC_API async_status async_yield_(async_task *task);

/* AWAIT(async_yield()): let every other ready task run first. Task only. */
ASYNC_INLINE_ ASYNC async_yield(void)
{
    async_task *task = async_self_();

    if (ASYNC_LIKELY_(task->timer.node.state == ASYNC_YIELDED_)) {
        task->timer.node.state = ASYNC_RUNNING_;
        return 0;
    }
    if (ASYNC_LIKELY_(task->timer.node.state == ASYNC_RUNNING_)) {
        task->timer.node.state = ASYNC_YIELDED_;    /* the loop queues it */
        return ASYNC_PENDING;
    }
    return async_yield_(task);
}

/* The operation completes: whatever the task was resumed for, it is over. */
ASYNC_INLINE_ async_status async_settle_(async_task *task, async_status rc)
{
    async_set_state_(task, ASYNC_RUNNING_);
    return rc;
}
/* ===========================================================================
 * future: a result that somebody sets and others await: the bridge from
 * callbacks. Not a task: nothing runs to make it.
 * ======================================================================== */

/* A result or an error, set once by anyone in the loop's thread, awaited by
 * any number of tasks. Zeroed memory is a future without a result. */
typedef struct async_future {
    async_list waiters;
    int result;
    bool set;
} async_future;

#define async_future_set ASYNC_ABI_(async_future_set)
#define async_future_wait ASYNC_ABI_(async_future_wait)

/* Set it and wake all who wait. `result` is a value >= 0 or an error.
 * 0, or ASYNC_EALREADY when it has been set, ASYNC_EINVAL for NULL or a result
 * that means something else (ASYNC_PENDING, ASYNC_CANCEL). */
ASYNC_API int async_future_set(async_future *future, int result);

/* AWAIT_VALUE(v, async_future_wait(future)): its result or its error. A
 * cancelled waiter leaves; the future and the other waiters are untouched. */
ASYNC_API ASYNC async_future_wait(async_future *future);
/* ===========================================================================
 * scope: what encloses a task's awaits and may strike them: a deadline, or a
 * group whose child failed. Not a public part: timeout.h and group.h are.
 *
 * Scopes form a chain on the task, the innermost first. One that strikes ends
 * the await inside with ASYNC_CANCEL, as a cancel does; where that leaves the
 * scope again it becomes the scope's own error, but only if
 *
 *     - this scope did strike,
 *     - no real cancel came inside it, or was delivered there, and
 *     - no scope around it has struck too, since this one was entered:
 *
 * then those win, and the strike travels on. A result that was ready in time
 * is kept: a scope takes its undelivered strike along when it is left. (Every
 * interleaving of two scopes and a cancel was tried against this rule.)
 * ======================================================================== */

enum {
    ASYNC_FIRED_ = 1,           /* it struck, which is yet to be delivered; */
    ASYNC_DELIVERED_ = 2,       /* or that was delivered */
    ASYNC_UNDER_ = 4,           /* one around it struck while it was entered */
    ASYNC_POLLS_ = 8            /* it struck when it was entered */
};

typedef struct async_scope_ {
    struct async_scope_ *up;     /* the scope around it */
    async_task *task;           /* NULL when the scope is not entered */
    unsigned char fired;        /* ASYNC_FIRED_ and so on */
    unsigned char outside;      /* did a cancel come before it? */
} async_scope_;

/* The rest of entering for a task over which a strike hangs. */
ASYNC_API void async_scope_enter_struck_(async_scope_ *scope);

ASYNC_INLINE_ void async_scope_enter_(async_scope_ *scope, async_task *task)
{
    async_mark_ state = task->timer.node.state;

    scope->task = task;
    scope->up = task->scopes;
    task->scopes = scope;
    scope->fired = 0;
    scope->outside = (unsigned char)(state & ASYNC_CANCELED_);
    task->timer.node.state = (async_mark_)(state & ~(unsigned)ASYNC_CANCELED_);
    if (ASYNC_UNLIKELY_((state & ASYNC_STRIKE_) != 0)) {
        async_scope_enter_struck_(scope);
    }
}

/* Has it struck, since it was last entered? */
ASYNC_INLINE_ bool async_scope_fired_(const async_scope_ *scope)
{
    return (scope->fired & (ASYNC_FIRED_ | ASYNC_DELIVERED_)) != 0;
}

/* Strike its task, now. */
ASYNC_API void async_scope_strike_(async_scope_ *scope);

/* Leave the innermost scope, with rc on the way out (in-flight codes of a
 * block included): what becomes of it, which is `becomes` if the scope's own
 * strike ended the await. */
ASYNC_API async_status async_scope_settle_(async_scope_ *scope, async_status rc,
                                           async_status becomes);

ASYNC_INLINE_ async_status async_scope_leave_(async_scope_ *scope,
                                              async_status rc,
                                              async_status becomes)
{
    async_task *task = scope->task;

    task->scopes = scope->up;
    if (ASYNC_UNLIKELY_(scope->fired != 0)) {
        rc = async_scope_settle_(scope, rc, becomes);
    }
    scope->task = NULL;
    task->timer.node.state =
        (async_mark_)(task->timer.node.state | scope->outside);
    return rc;
}
/* ===========================================================================
 * sleep: what time it is, and waiting for a time.
 * ======================================================================== */

#define async_now ASYNC_ABI_(async_now)
#define async_sleep ASYNC_ABI_(async_sleep)
#define async_sleep_until ASYNC_ABI_(async_sleep_until)

/* The time of the running loop, in ticks: read from the clock at most once a
 * turn, so that all tasks of a turn agree. It starts where the port's clock
 * starts, and wraps; subtract two to get an async_duration. Any context of the
 * loop's thread, while a loop is current. */
ASYNC_API async_ticks async_now(void);

/* AWAIT(async_sleep(duration)): suspend the task for so long, counted from the
 * time of this turn. A duration of zero or less is an async_yield; ASYNC_NEVER
 * is the longest one, not for ever: for that await a future. Never wakes
 * early; how late is a matter of the other tasks and of the clock's tick.
 *
 * A cancel that comes before the time is over ends it with ASYNC_CANCEL; one
 * that comes with it does not: the expired time wins, and the strike hits the
 * next await. Task only. Costs one insertion into the timer queue. */
ASYNC_API ASYNC async_sleep(async_duration duration);

/* AWAIT(async_sleep_until(time)): the same to an instant, for a period without
 * drift: self->next += ASYNC_MS(10); AWAIT(async_sleep_until(self->next)).
 * A time that has passed (by no more than half the range) is a yield. */
ASYNC_API ASYNC async_sleep_until(async_ticks time);

/* The same, where it has been read in this turn already: at once. */
#if ASYNC_FAST_
#define ASYNC_NOW_() \
    (ASYNC_LIKELY_(async_this_loop_->fresh) ? async_this_loop_->now \
                                            : async_now())
#else
#define ASYNC_NOW_() async_now()
#endif
/* ===========================================================================
 * call: an ordinary function that the loop calls later. Not a task: it cannot
 * await, and nobody can join it. It is the cheapest thing that happens at a
 * time, and where a program made of callbacks is brought to a loop.
 *
 *     struct lamp { async_call call; int pin; };
 *
 *     static void off(async_call *call)
 *     {
 *         struct lamp *lamp = (struct lamp *)(void *)call;
 *         gpio_clear(lamp->pin);
 *     }
 *
 *     async_call_later(&lamp->call, ASYNC_SEC(2), off);
 *
 * Calls are made in the order of their times, those of the same time in the
 * order in which they were asked for; at the beginning of a turn, before the
 * tasks of that turn. A call must not block, and may do what a task may but
 * await: spawn, cancel, set an event, ask for calls, the same one included.
 *
 * A call keeps no loop running. One that is pending when its loop ends is not
 * made, and its memory is to be zeroed before it is used again.
 * ======================================================================== */

/* In the caller's memory: zeroed or called memory, or a cancelled call. It is
 * to stay where it is while the call is pending, so one that lives in a frame
 * is cancelled in a finally. Usually the first member of what it is about. */
typedef struct async_call async_call;
typedef void (*async_call_fn)(async_call *call);
struct async_call {
    async_alarm_ alarm;
    async_call_fn fn;
#if ASYNC_DEBUG
    async_call *next, **back;   /* of the pending ones of its loop */
    const char *name;           /* of fn; and where it was asked for */
    const char *file;
    int line;
#endif
};

/* Let the loop call fn(call) at the next tick of its clock, and not before the
 * tasks that run in this turn have done so. 0, ASYNC_EALREADY when this call
 * is pending, ASYNC_EPERM when no loop is current, ASYNC_EINVAL for NULL. From
 * a task, a callback or another call; before the loop runs, too. Costs an
 * insertion into the timer queue. */
#define async_call_soon(call, fn) async_call_later((call), 0, fn)

/* The same `duration` from now, or soon for one of zero or less. */
#define async_call_later(call, duration, fn) \
    async_call_later_((call), (duration), (fn) ASYNC_CALL_PLACE_(fn))

/* The same at an instant, or soon for one that has passed (by no more than
 * half the range). */
#define async_call_at(call, time, fn) \
    async_call_at_((call), (time), (fn) ASYNC_CALL_PLACE_(fn))

/* Do not make the call; its memory is free at once. 1, or 0 if it was not
 * pending (made already, or never asked for), ASYNC_EINVAL for NULL. */
#define async_call_cancel ASYNC_ABI_(async_call_cancel)
ASYNC_API int async_call_cancel(async_call *call);

#if ASYNC_DEBUG
#define ASYNC_CALL_PLACE_(fn) , #fn, __FILE__, __LINE__
#else
#define ASYNC_CALL_PLACE_(fn)
#endif
#define async_call_later_ ASYNC_ABI_(async_call_later)
#define async_call_at_ ASYNC_ABI_(async_call_at)
ASYNC_API int async_call_later_(async_call *call, async_duration duration,
                                async_call_fn fn
#if ASYNC_DEBUG
                                , const char *name, const char *file, int line
#endif
);
ASYNC_API int async_call_at_(async_call *call, async_ticks time,
                             async_call_fn fn
#if ASYNC_DEBUG
                             , const char *name, const char *file, int line
#endif
);
/* ===========================================================================
 * interval: periodic ticks without drift: the times are counted from the
 * first one on, not from when a task got round to it. Not a timer that calls
 * back: a task waits for each tick.
 *
 * A tick is late when the one after it is due, too, because the task had
 * other things to do, or the loop had. A period of 10, ticks taken at:
 *
 *     on time         10  20  30  40  50  60  70  80
 *     ASYNC_BURST     10  20 .busy..47 47 50  60  70  80  none is left out
 *     ASYNC_SKIP      10  20 .busy..47     50  60  70  80  the grid is kept
 *     ASYNC_DELAY     10  20 .busy..47        57  67  77   the distance is
 * ======================================================================== */

/* What becomes of the ticks that a late task missed. */
enum async_interval_mode {
    ASYNC_SKIP,             /* leave them out, go on with the next on time */
    ASYNC_BURST,            /* make up for them, one after the other */
    ASYNC_DELAY             /* leave them out, a whole period from now on */
};

/* `next` is when the next tick is due, and may be set, for another phase. */
typedef struct async_interval {
    async_ticks next;
    async_duration period;
    unsigned char mode;
} async_interval;

#define async_interval_open ASYNC_ABI_(async_interval_open)
#define async_interval_wait ASYNC_ABI_(async_interval_wait)

/* Ticks every `period`, the first of them a period from now. 0, ASYNC_EPERM
 * when no loop is current, or ASYNC_EINVAL for NULL, a period of zero or less,
 * and a mode that is none of the three. There is nothing to close. Any context
 * of the loop's thread. */
ASYNC_API int async_interval_open(async_interval *interval,
                                  async_duration period, int mode);

/* AWAIT_VALUE(n, async_interval_wait(&interval)): wait for the next tick; one
 * that has passed is taken after a yield. n is for how many ticks it stands:
 * 1, and with ASYNC_SKIP as many more as were left out (32767 at most); with
 * ASYNC_DELAY always 1, as with ASYNC_BURST. ASYNC_EINVAL for NULL or an
 * interval that is not open.
 *
 * A strike that comes before the tick leaves it untaken; one that comes with
 * it finds it taken, and hits the next await. Task only, one task at a time.
 * Costs an async_sleep_until, and for ASYNC_SKIP a division when late. */
ASYNC_API ASYNC async_interval_wait(async_interval *interval);
/* ===========================================================================
 * timeout: a deadline around an await, or around a block of them.
 *
 * When a deadline passes, its task is struck like by a cancel: the await
 * inside fails with ASYNC_CANCEL, the cleanup there runs to its end, and where
 * the strike leaves the scope it becomes ASYNC_ETIMEDOUT, an error that may be
 * caught. A cancel that came inside, or a scope around it that struck as well,
 * wins over it; and what was ready in time is kept: see scope.h.
 * ======================================================================== */

/* Put one into the frame for each scope; zeroed memory is a fresh one. It is
 * to stay where it is while the scope is entered. */
typedef struct async_timeout {
    async_alarm_ alarm;         /* in the queue, at this time or before */
    async_ticks deadline;       /* this one, to which it may have moved */
    async_scope_ scope;
} async_timeout;

/* AWAIT(ASYNC_TIMEOUT(&self->scope, duration, x)): await x for at most so
 * long. Gives x's own result or error, or ASYNC_ETIMEDOUT, after x has ended
 * its cleanup. Zero or less is a poll: x may complete if it need not suspend.
 * Nests: x may be an ASYNC_TIMEOUT of another scope. Costs an insertion into
 * the timer queue and a removal. Task only.
 *
 * Around async_join, async_gather or async_race it cancels the tasks, and
 * waits until they have ended. To stop waiting only: around async_shield or
 * async_wait, which leave them alone. */
#define ASYNC_TIMEOUT(scope, duration, x) \
    (async_timeout_enter_((scope), (duration)), \
     async_timeout_await_((scope), (x)))

/* The same around a block:
 *
 *     ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_SEC(5));
 *         AWAIT(...);
 *         AWAIT(...);
 *     ASYNC_TIMEOUT_END;
 *
 * `break`, `continue` and ASYNC_RETURN leave it as they leave an ASYNC_TRY. */
#define ASYNC_TIMEOUT_BEGIN(scope, duration) \
    ASYNC_SCOPE_(async_timeout_begin_((scope), (duration)), \
                 async_timeout_leave_((scope), async_rc_))
#define ASYNC_TIMEOUT_END ASYNC_SCOPE_END_

#define async_timeout_reschedule ASYNC_ABI_(async_timeout_reschedule)
#define async_timeout_expired ASYNC_ABI_(async_timeout_expired)
#define async_timeout_open_ ASYNC_ABI_(async_timeout_open)
#define async_timeout_leave_ ASYNC_ABI_(async_timeout_leave)

/* Move the deadline of an entered scope to `duration` from now; ASYNC_NEVER
 * takes it off. To a later time this is almost free: a few instructions, no
 * touch of the timer queue. 0, or ASYNC_EALREADY when the deadline has struck,
 * ASYNC_EINVAL for NULL or a scope that is not entered. Any task of the
 * loop. */
ASYNC_API int async_timeout_reschedule(async_timeout *timeout,
                                       async_duration duration);

/* Has the deadline of this scope struck since it was last entered? Still
 * answers after the scope was left. */
ASYNC_API bool async_timeout_expired(const async_timeout *timeout);

/* Enter a scope, if this is not the await of a resume. */
ASYNC_API void async_timeout_open_(async_timeout *timeout,
                                   async_duration duration);
ASYNC_API void async_timeout_arm_(async_timeout *timeout);

ASYNC_INLINE_ void async_timeout_enter_(async_timeout *timeout,
                                        async_duration duration)
{
#if ASYNC_DEBUG
    if (timeout == NULL) {
        async_debug_misuse_("a timeout", "its scope is NULL");
    } else if (timeout->scope.task != NULL
               && timeout->scope.task != async_this_task_) {
        async_debug_misuse_("a timeout", "entered while another task is in it");
    }
#endif
    if (timeout->scope.task == NULL) {
        async_timeout_open_(timeout, duration);
    }
}

/* A block is entered once. It may suspend anywhere: the deadline is set now. */
ASYNC_INLINE_ void async_timeout_begin_(async_timeout *timeout,
                                        async_duration duration)
{
#if ASYNC_DEBUG
    if (timeout->scope.task != NULL) {
        async_debug_misuse_("a timeout", "entered again, but not left yet");
    }
#endif
    async_timeout_enter_(timeout, duration);
    if (timeout->alarm.timer.node.state == ASYNC_UNARMED_) {
        async_timeout_arm_(timeout);
    }
}

/* rc: how the block ended, in-flight codes included; returns what becomes of
 * it. */
ASYNC_API async_status async_timeout_leave_(async_timeout *timeout,
                                            async_status rc);

/* Only now that the await suspends does the deadline go into the queue. */
ASYNC_INLINE_ ASYNC async_timeout_await_(async_timeout *timeout,
                                         async_status rc)
{
    if (rc != ASYNC_PENDING) {
        return async_timeout_leave_(timeout, rc);
    }
    if (timeout->alarm.timer.node.state == ASYNC_UNARMED_) {
        async_timeout_arm_(timeout);
    }
    return rc;
}
/* ===========================================================================
 * irq: the one way into a loop from outside: from an interrupt handler, a
 * signal handler or another thread.
 *
 * An irq counts how often it was raised since its task last looked, and wakes
 * the loop. The order of steps is what loses nothing:
 *
 *     raise:  count the event, then set the loop's flag; if it was clear,
 *             wake the loop
 *     loop:   clear the flag, then look at the counts; and before it sleeps
 *             look at the flag once more, with interrupts kept out (or, on a
 *             hosted system, with the wake-up left in a descriptor)
 * ======================================================================== */

#if ASYNC_HOSTED
typedef unsigned async_irq_count;
#define ASYNC_IRQ_MAX INT_MAX
#elif ASYNC_8BIT_
typedef unsigned char async_irq_count;      /* one load: never torn */
#define ASYNC_IRQ_MAX 255
#else
typedef unsigned short async_irq_count;
#define ASYNC_IRQ_MAX 32767
#endif

typedef struct async_irq {
    async_loop *loop;
    async_task *waiter;
    struct async_irq *next;         /* in the loop's list, while waited for */
    volatile async_irq_count count;
} async_irq;

#define async_irq_open ASYNC_ABI_(async_irq_open)
#define async_irq_raise ASYNC_ABI_(async_irq_raise)
#define async_irq_wait ASYNC_ABI_(async_irq_wait)
#define async_irq_close ASYNC_ABI_(async_irq_close)

/* Bind an irq, zeroed or closed memory, to the current loop. To be done before
 * its source (the interrupt, the signal handler, the thread) is enabled. 0, or
 * ASYNC_EINVAL for NULL, ASYNC_EPERM without a current loop, ASYNC_EBUSY if it
 * is open already, or the error of making the loop's wake-up descriptor. */
ASYNC_API int async_irq_open(async_irq *irq);

/* One event. From anywhere: an interrupt handler, a signal handler, a thread,
 * a task; until async_irq_close. Never blocks, keeps errno. The count stops at
 * ASYNC_IRQ_MAX. Costs an atomic addition, or a short critical section; the
 * first event after the loop looked costs a system call on a hosted system. */
ASYNC_API void async_irq_raise(async_irq *irq);

/* AWAIT_VALUE(n, async_irq_wait(irq)): wait for events; how many there were
 * since the last look, at least 1. One task at a time: ASYNC_EBUSY for a
 * second one, ASYNC_EINVAL for an irq that is not open, ASYNC_ECANCELED when
 * it is closed meanwhile. A strike takes no events. Task only. */
ASYNC_API ASYNC async_irq_wait(async_irq *irq);

/* Unbind it, after its source was disabled: events not yet taken are dropped,
 * a waiting task gets ASYNC_ECANCELED. 0 or ASYNC_EINVAL. Loop's thread. */
ASYNC_API int async_irq_close(async_irq *irq);
/* ===========================================================================
 * event: a flag that tasks wait for. It has no value and no owner: a result
 * that is set once is a future, a count is a semaphore.
 * ======================================================================== */

/* Zeroed memory is an event that is not set. */
typedef struct async_event {
    async_list waiters;
    bool set;
} async_event;

#define async_event_set ASYNC_ABI_(async_event_set)
#define async_event_clear ASYNC_ABI_(async_event_clear)
#define async_event_is_set ASYNC_ABI_(async_event_is_set)
#define async_event_wait ASYNC_ABI_(async_event_wait)

/* Set it, and wake all who wait, the oldest first. It stays set: setting it
 * again changes nothing. Who is woken goes on even if the event is cleared
 * before its turn comes, or its memory is gone. 0, or ASYNC_EINVAL for NULL.
 * Task or callback of the loop in which they wait. Constant time for each. */
ASYNC_API int async_event_set(async_event *event);

/* Whoever waits from now on waits for the next set. 0, or ASYNC_EINVAL for
 * NULL. Any context of the loop's thread. */
ASYNC_API int async_event_clear(async_event *event);

/* Is it set? False for NULL. Any context of the loop's thread. */
ASYNC_API bool async_event_is_set(const async_event *event);

/* AWAIT(async_event_wait(event)): go on once it is set, at once if it is. 0;
 * ASYNC_EINVAL for NULL. Any number of tasks of one loop may wait. A cancelled
 * waiter leaves, the others are untouched. Task only. */
ASYNC_API ASYNC async_event_wait(async_event *event);
/* ===========================================================================
 * lock: mutual exclusion of tasks across their awaits. Between two awaits a
 * task is alone anyway; nor does it keep threads or interrupts out.
 *
 *     ASYNC_WITH(async_lock_acquire(&self->lock),
 *                async_lock_release(&self->lock)) {
 *         AWAIT(...);
 *     } ASYNC_WITH_END;
 *
 * Strictly first come, first served: a release hands the lock over to the
 * oldest waiter, so nobody slips in between, and a waiter that is cancelled
 * after that holds the lock all the same.
 * ======================================================================== */

/* Zeroed memory is a free lock. It belongs to the tasks of one loop. */
typedef struct async_lock {
    async_list waiters;
    async_task *owner;          /* NULL: free, and then nobody waits */
} async_lock;

#define async_lock_acquire ASYNC_ABI_(async_lock_acquire)
#define async_lock_try ASYNC_ABI_(async_lock_try)
#define async_lock_release ASYNC_ABI_(async_lock_release)
#define async_lock_locked ASYNC_ABI_(async_lock_locked)

/* AWAIT(async_lock_acquire(lock)): wait until it is free, and take it. 0;
 * ASYNC_EDEADLK if the caller holds it already, ASYNC_EINVAL for NULL. A
 * cancelled waiter leaves, and the others move up. The holder is to release it
 * before it ends: on every way out, which is what ASYNC_WITH is for; a debug
 * build traps who waits for a task that has not. Task only. Constant time. */
ASYNC_API ASYNC async_lock_acquire(async_lock *lock);

/* Take it if it is free: 0; ASYNC_EAGAIN when it is held, by whomever,
 * ASYNC_EPERM outside of a task, ASYNC_EINVAL for NULL. Constant time. */
ASYNC_API int async_lock_try(async_lock *lock);

/* Give it to the oldest waiter, who goes on in its turn; free it if there is
 * none. Does not suspend. 0; ASYNC_EPERM when the running task does not hold
 * it, ASYNC_EINVAL for NULL. Constant time. */
ASYNC_API int async_lock_release(async_lock *lock);

/* Does anybody hold it? False for NULL. Any context of the loop's thread. */
ASYNC_API bool async_lock_locked(const async_lock *lock);
/* ===========================================================================
 * semaphore: a number of permits that tasks take and give back. It has no
 * owner: any task may give back what another one took, or signal with it.
 *
 * Strictly first come, first served, as the lock is: a release hands its
 * permit over to the oldest waiter.
 * ======================================================================== */

/* Zeroed memory is a semaphore without a permit. Its tasks are of one loop. */
typedef struct async_semaphore {
    async_list waiters;
    int value;                  /* permits to be had; 0 while somebody waits */
    int short_of;               /* it holds at most INT_MAX - short_of */
} async_semaphore;

#define async_semaphore_open ASYNC_ABI_(async_semaphore_open)
#define async_semaphore_open_bounded ASYNC_ABI_(async_semaphore_open_bounded)
#define async_semaphore_acquire ASYNC_ABI_(async_semaphore_acquire)
#define async_semaphore_try ASYNC_ABI_(async_semaphore_try)
#define async_semaphore_release ASYNC_ABI_(async_semaphore_release)
#define async_semaphore_value ASYNC_ABI_(async_semaphore_value)

/* Make it one with so many permits. Nobody may be waiting for it. 0, or
 * ASYNC_EINVAL for NULL or a negative number. Any context. */
ASYNC_API int async_semaphore_open(async_semaphore *semaphore, int permits);

/* The same, but it never holds more than these: a release too many is an
 * error, which finds the bug of giving back twice. */
ASYNC_API int async_semaphore_open_bounded(async_semaphore *semaphore,
                                           int permits);

/* AWAIT(async_semaphore_acquire(semaphore)): wait for a permit, and take it.
 * 0; ASYNC_EINVAL for NULL. A cancelled waiter leaves, and the others move
 * up; one that is cancelled after it got its permit keeps it. Task only.
 * Constant time. */
ASYNC_API ASYNC async_semaphore_acquire(async_semaphore *semaphore);

/* Take one if there is one: 0, or ASYNC_EAGAIN; ASYNC_EINVAL for NULL. Any
 * context of the loop's thread. Constant time. */
ASYNC_API int async_semaphore_try(async_semaphore *semaphore);

/* Give one to the oldest waiter, who goes on in its turn, or keep it for the
 * next to come. Does not suspend. 0; ASYNC_EOVERFLOW, and nothing is changed,
 * for more than a bounded one may hold, or an int can; ASYNC_EINVAL for NULL.
 * Task or callback of the loop. Constant time. */
ASYNC_API int async_semaphore_release(async_semaphore *semaphore);

/* How many permits are to be had at once; ASYNC_EINVAL for NULL. Any context
 * of the loop's thread. */
ASYNC_API int async_semaphore_value(const async_semaphore *semaphore);
/* ===========================================================================
 * condition: waiting, under a lock, until somebody says that what the lock
 * protects has changed. It holds no state: what is waited for is yours.
 *
 *     ASYNC_WITH(async_lock_acquire(&shop->lock),
 *                async_lock_release(&shop->lock)) {
 *         while (shop->loaves == 0) {
 *             AWAIT(async_condition_wait(&shop->changed));
 *         }
 *         shop->loaves--;
 *     } ASYNC_WITH_END;
 *
 * The loop stands for wait_for(predicate): between the notification and the
 * moment at which its task has the lock again, others may have had it.
 * ======================================================================== */

/* Any number of conditions may share a lock. */
typedef struct async_condition {
    async_list waiters;
    async_lock *lock;
} async_condition;

#define async_condition_open ASYNC_ABI_(async_condition_open)
#define async_condition_wait ASYNC_ABI_(async_condition_wait)
#define async_condition_notify ASYNC_ABI_(async_condition_notify)
#define async_condition_notify_all ASYNC_ABI_(async_condition_notify_all)

/* Make it one of this lock. Nobody may be waiting for it. 0, or ASYNC_EINVAL
 * for NULL. Any context. */
ASYNC_API int async_condition_open(async_condition *condition,
                                   async_lock *lock);

/* AWAIT(async_condition_wait(condition)): release the lock, wait to be
 * notified, take the lock again. 0; ASYNC_EPERM when the caller does not hold
 * the lock, ASYNC_EINVAL for NULL or a condition that was not opened.
 *
 * However it ends, but for these two errors, the caller holds the lock: when a
 * strike ends the wait, it takes the lock again first, which no further strike
 * disturbs, and fails then. One that was notified before the strike returns 0,
 * so no notification is lost; the strike hits its next await. Task only. */
ASYNC_API ASYNC async_condition_wait(async_condition *condition);

/* Wake the n oldest of those who wait, or as many as there are: how many. They
 * go on one after the other, as each gets the lock. 0 is no error, and is
 * forgotten: who waits later is not woken by it. ASYNC_EPERM when the caller
 * does not hold the lock, ASYNC_EINVAL for NULL, a negative n, or a condition
 * that was not opened. Task only; does not suspend. */
ASYNC_API int async_condition_notify(async_condition *condition, int n);

/* The same for all who wait. */
ASYNC_API int async_condition_notify_all(async_condition *condition);
/* ===========================================================================
 * barrier: a place where tasks wait until a given number of them is there;
 * then all go on, and it is empty again. It does not wait for the end of
 * tasks: that is what joins, gathers and groups do.
 *
 * Who is let through has been given its result, and is out of the barrier from
 * then on, even if its turn has yet to come: a later reset or abort does not
 * touch it, and who comes next waits for the next round.
 * ======================================================================== */

/* Its tasks are of one loop. */
typedef struct async_barrier {
    async_list waiters;
    int parties;                /* 0: not opened */
    int arrived;                /* who waits, or was struck and has not run */
    bool broken;
} async_barrier;

#define async_barrier_open ASYNC_ABI_(async_barrier_open)
#define async_barrier_wait ASYNC_ABI_(async_barrier_wait)
#define async_barrier_reset ASYNC_ABI_(async_barrier_reset)
#define async_barrier_abort ASYNC_ABI_(async_barrier_abort)
#define async_barrier_broken ASYNC_ABI_(async_barrier_broken)
#define async_barrier_parties ASYNC_ABI_(async_barrier_parties)
#define async_barrier_waiting ASYNC_ABI_(async_barrier_waiting)

/* Make it one for so many tasks. Nobody may be waiting at it. 0, or
 * ASYNC_EINVAL for NULL or a number below 1. Any context. */
ASYNC_API int async_barrier_open(async_barrier *barrier, int parties);

/* AWAIT_VALUE(i, async_barrier_wait(barrier)): wait until all are there. i is
 * 0 for the one that came first, and so on: parties - 1 for the last, which
 * does not suspend. ASYNC_EBROKEN when the barrier is broken, or is reset
 * meanwhile; ASYNC_EINVAL for NULL or a barrier that was not opened. A
 * cancelled waiter leaves, and the others wait for another one in its place.
 * Task only. Constant time; the last one wakes all the others. */
ASYNC_API ASYNC async_barrier_wait(async_barrier *barrier);

/* Those who wait fail with ASYNC_EBROKEN; the barrier is empty, and no longer
 * broken if it was. 0, or ASYNC_EINVAL for NULL or a barrier that was not
 * opened. Task or callback of the loop. */
ASYNC_API int async_barrier_reset(async_barrier *barrier);

/* Break it: those who wait fail with ASYNC_EBROKEN, and so does everyone who
 * comes, until it is reset. Errors and callers as for async_barrier_reset. */
ASYNC_API int async_barrier_abort(async_barrier *barrier);

/* Is it broken? False for NULL. Any context of the loop's thread. */
ASYNC_API bool async_barrier_broken(const async_barrier *barrier);

/* For how many it is; ASYNC_EINVAL for NULL or one that was not opened. */
ASYNC_API int async_barrier_parties(const async_barrier *barrier);

/* How many wait at it now; ASYNC_EINVAL as above. It counts them: this takes
 * longer the more they are. Any context of the loop's thread. */
ASYNC_API int async_barrier_waiting(const async_barrier *barrier);
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
/* ===========================================================================
 * wait: waiting for several tasks at once, and leaving them alone. What cancels
 * tasks is gather.h; what owns them is group.h.
 *
 *     struct program {
 *         async_frame frame;
 *         struct job job[3];
 *         async_waiter waiters[3];    one for each task, of whatever layout
 *         async_wait_set set;
 *     };
 *
 *     for (self->i = 0; self->i < 3; self->i++) {
 *         async_spawn(&self->job[self->i].task, job, &self->job[self->i]);
 *         self->waiters[self->i].task = &self->job[self->i].task;
 *     }
 *     AWAIT_VALUE(self->done, async_wait(&self->set, self->waiters, 3,
 *                                        ASYNC_FIRST_COMPLETED));
 *
 * Each waiter stands in the ring of its task, as a done callback does. So the
 * end of a task costs the same however many others are waited for.
 * ======================================================================== */

/* What it takes to wait for one task: zeroed memory in which `task` is set.
 * The same task may stand in several waiters. While somebody waits, waiter
 * and task stay where they are. */
typedef struct async_waiter {
    async_watch watch;          /* in its task's ring, then in `ended` */
    async_task *task;
    struct async_wait_set *set;
} async_waiter;

/* What all waiters of one wait have in common. Zeroed memory is a fresh set,
 * and so is one whose operation is over. One task uses it at a time. */
typedef struct async_wait_set {
    async_list list;            /* the task that waits */
    async_node *ended;          /* a ring: those whose task has, in order */
    int pending;                /* how many have not */
    int until;                  /* wake it when no more than so many are left */
    int error;                  /* the first one, or how many failed */
    unsigned char flags;
} async_wait_set;

/* When async_wait is over. */
enum {
    ASYNC_ALL_COMPLETED = 0,
    ASYNC_FIRST_COMPLETED,
    ASYNC_FIRST_EXCEPTION       /* an error, but no ASYNC_ECANCELED; or all */
};

#define async_wait ASYNC_ABI_(async_wait)
#define async_next_done ASYNC_ABI_(async_next_done)
#define async_wait_close ASYNC_ABI_(async_wait_close)
#define async_waiters_open_ ASYNC_ABI_(async_waiters_open)
#define async_waiters_leave_ ASYNC_ABI_(async_waiters_leave)

/* AWAIT_VALUE(done, async_wait(set, waiters, n, mode)): wait until one, all, or
 * the first to fail of n tasks have ended; the number of those that have. Which
 * ones, async_done tells, and async_result how. No error of theirs is raised,
 * the others go on. With a limit of time: an ASYNC_TIMEOUT around it.
 *
 * A strike leaves at once, and leaves the tasks alone. ASYNC_EINVAL for NULL,
 * n <= 0, another mode or a task never spawned; ASYNC_EDEADLK if the caller is
 * one of them; ASYNC_EBUSY when set or waiters are in use. Task only. Costs
 * O(n), and once more when it is over before all have ended; in builds without
 * ASYNC_BACKLINKS each task's joiners are walked then. */
ASYNC_API ASYNC async_wait(async_wait_set *set, async_waiter *waiters, int n,
                           int mode);

/* AWAIT_VALUE(i, async_next_done(set, waiters, n)): the tasks as they end. The
 * index of the next one that has ended, each once and in that order; then
 * ASYNC_ENOENT, and the set is fresh again. Tasks that have ended before the
 * first call come first, by their index. Between the calls the set remains
 * bound to the waiters: who stops before ASYNC_ENOENT calls async_wait_close,
 * or goes on with another operation over the same set and waiters.
 *
 * A strike leaves at once; a later call goes on, and none is lost. Errors as
 * above, but no tasks (n = 0) are simply none. Task only. O(n) for the first
 * call, then O(1). */
ASYNC_API ASYNC async_next_done(async_wait_set *set, async_waiter *waiters,
                                int n);

/* Take the waiters out of their tasks, which go on: after async_next_done. 0,
 * also when there is nothing to do; ASYNC_EINVAL for NULL or a negative n,
 * ASYNC_EBUSY while a task waits, or for other waiters than the set's. Task,
 * or code outside of the running loop; not a done callback. O(n). */
ASYNC_API int async_wait_close(async_wait_set *set, async_waiter *waiters,
                               int n);

/* ---- for gather ---------------------------------------------------------- */

enum {
    ASYNC_WAITED_ = 1,          /* a task is in an operation on the set */
    ASYNC_NEXT_ = 2,            /* between two calls of async_next_done */
    ASYNC_ON_ERROR_ = 4,        /* the first error ends it as well */
    ASYNC_BUT_CANCELED_ = 8,    /* but an ASYNC_ECANCELED does not */
    ASYNC_ONE_ = 16,            /* only the first to end may fail */
    ASYNC_COUNT_ = 32,          /* `error` counts those that failed */
    ASYNC_ENDED_CANCELED_ = 64  /* one of them has */
};

/* Is this the operation's first evaluation? A later one finds that the task
 * was woken or struck. */
ASYNC_INLINE_ bool async_anew_(async_task *task)
{
    return !async_granted_(task) && async_state_(task) != ASYNC_STRUCK_;
}

/* Is what the set waits for there? */
ASYNC_INLINE_ bool async_waiters_met_(const async_wait_set *set)
{
    return set->pending <= set->until
        || ((set->flags & ASYNC_ON_ERROR_) != 0 && set->error != 0);
}

/* Watch all the tasks; 0 or an error, and then none is watched. */
ASYNC_API int async_waiters_open_(async_wait_set *set, async_waiter *waiters,
                                  int n, int until, unsigned flags);

/* Watch none of them any more. */
ASYNC_API void async_waiters_leave_(async_wait_set *set, async_waiter *waiters,
                                    int n);
/* ===========================================================================
 * gather: waiting for several tasks at once, and answering for them. When one
 * decides the outcome, the others are cancelled, and awaited as well: frames
 * are the caller's memory, so nothing is left running in them.
 *
 * Waiters and set are those of wait.h. All three operations obey the same rule
 * as async_join when the caller is struck: the strike is passed on to the tasks
 * that run, once, and the caller goes on waiting for their cleanups. If then
 * one of them ends cancelled, so does the operation; otherwise it gives its
 * result, and the strike hits the caller's next await.
 *
 * Errors of all three: ASYNC_EINVAL for NULL, a negative n or a task never
 * spawned, ASYNC_EDEADLK if the caller is one of the tasks, ASYNC_EBUSY when
 * set or waiters are in use; then no task is touched. Task only. O(n).
 * ======================================================================== */

#define async_gather ASYNC_ABI_(async_gather)
#define async_gather_all ASYNC_ABI_(async_gather_all)
#define async_race ASYNC_ABI_(async_race)

/* AWAIT(async_gather(set, waiters, n)): 0 when all n tasks have succeeded;
 * async_result gives what they returned. The first error (ASYNC_ECANCELED if
 * somebody cancelled one) cancels the others, and is raised when these have
 * ended. n = 0 is a success. */
ASYNC_API ASYNC async_gather(async_wait_set *set, async_waiter *waiters, int n);

/* AWAIT_VALUE(failed, async_gather_all(set, waiters, n)): wait for all of them,
 * whatever becomes of each; the number of those that failed. async_result
 * tells one from another. */
ASYNC_API ASYNC async_gather_all(async_wait_set *set, async_waiter *waiters,
                                 int n);

/* AWAIT_VALUE(i, async_race(set, waiters, n)): the first to end decides: its
 * index, or its error is raised. The others are cancelled and awaited before.
 * Of several that have ended already, the first by its index is the first. No
 * tasks (n = 0) are ASYNC_EINVAL. */
ASYNC_API ASYNC async_race(async_wait_set *set, async_waiter *waiters, int n);
/* ===========================================================================
 * pool: a bounded set of background tasks. It owns no frames: those stand in
 * an array of the caller's, beside that of the slots.
 *
 *     struct program {
 *         async_frame frame;
 *         async_pool pool;
 *         async_slot slots[4];
 *         struct job jobs[4];
 *         int i;
 *     };
 *
 *     async_pool_open(&self->pool, self->slots, 4);
 *     for (...) {
 *         AWAIT_VALUE(self->i, async_pool_take(&self->pool));
 *         self->jobs[self->i].fd = ...;
 *         async_pool_spawn(&self->pool, self->i, job, &self->jobs[self->i]);
 *     }
 *     AWAIT(async_pool_join(&self->pool));
 *
 * The slot comes back by itself when its task ends, and goes to whoever has
 * waited longest for one.
 * ======================================================================== */

/* A place for one task. Its `task` may be cancelled or asked for its result,
 * until the slot is taken again. */
typedef struct async_slot {
    async_watch watch;          /* of the task; or in the list of free ones */
    struct async_pool *pool;
    async_task task;
} async_slot;

typedef struct async_pool {
    async_list takers;          /* who wait for a slot */
    async_list joiners;         /* who wait until none is taken */
    async_slot *slots;
    async_node *free;
    int n, busy;
} async_pool;

#define async_pool_open ASYNC_ABI_(async_pool_open)
#define async_pool_take ASYNC_ABI_(async_pool_take)
#define async_pool_try ASYNC_ABI_(async_pool_try)
#define async_pool_give ASYNC_ABI_(async_pool_give)
#define async_pool_join ASYNC_ABI_(async_pool_join)
#define async_pool_cancel ASYNC_ABI_(async_pool_cancel)
#define async_pool_busy ASYNC_ABI_(async_pool_busy)

/* A pool of n free slots. 0, or ASYNC_EINVAL for NULL or n <= 0. Any context;
 * not while the pool is in use. O(n). */
ASYNC_API int async_pool_open(async_pool *pool, async_slot *slots, int n);

/* AWAIT_VALUE(i, async_pool_take(pool)): the index of a free slot, from now on
 * the caller's. Waits when there is none, first come first served. Before the
 * next await it is to be used for async_pool_spawn or given back.
 * A struck waiter leaves and takes nothing; one that was handed its slot keeps
 * it. ASYNC_EINVAL for NULL or a pool that is not open. Task only. O(1). */
ASYNC_API ASYNC async_pool_take(async_pool *pool);

/* The same without waiting: ASYNC_EAGAIN when there is none. Task or callback
 * of the loop. */
ASYNC_API int async_pool_try(async_pool *pool);

/* async_pool_spawn(pool, i, fn, frame): start fn(frame) as the task of a slot
 * that was taken; as async_spawn does. 0, or ASYNC_EINVAL for NULL or an index
 * that is none, ASYNC_EALREADY for a slot that is free, or whose task runs,
 * ASYNC_EPERM when no loop is current; then the slot stays what it was.
 * The slot is free before callbacks registered later, and before whoever joins
 * its task goes on: these look at the task no more when it may have been taken
 * again. Task or callback of the loop. O(1). */
#if ASYNC_DEBUG
#define async_pool_spawn(pool, i, fn, frame) \
    async_pool_spawn_((pool), (i), ASYNC_ENTRY_(fn, frame), (frame), #fn, \
                      __FILE__, __LINE__)
#else
#define async_pool_spawn(pool, i, fn, frame) \
    async_pool_spawn_((pool), (i), ASYNC_ENTRY_(fn, frame), (frame))
#endif
#define async_pool_spawn_ ASYNC_ABI_(async_pool_spawn)
ASYNC_API int async_pool_spawn_(async_pool *pool, int i, async_fn fn,
                                void *frame
#if ASYNC_DEBUG
                                , const char *name, const char *file, int line
#endif
);

/* Give back a slot that was taken and is not used. 0, or the errors of
 * async_pool_spawn. Task or callback of the loop. O(1). */
ASYNC_API int async_pool_give(async_pool *pool, int i);

/* AWAIT(async_pool_join(pool)): wait until no slot is taken. What the tasks
 * returned is no affair of it. A struck one leaves, the tasks go on.
 * ASYNC_EINVAL for NULL or a pool that is not open. Task only. */
ASYNC_API ASYNC async_pool_join(async_pool *pool);

/* Strike every task of the pool, as async_cancel does; async_pool_join then
 * waits for their cleanups. How many there were; ASYNC_EINVAL for NULL. Task or
 * callback of the loop. O(n). */
ASYNC_API int async_pool_cancel(async_pool *pool);

/* How many slots are taken; 0 for NULL. Any context of the loop. */
ASYNC_API int async_pool_busy(const async_pool *pool);
/* ===========================================================================
 * group: tasks that cannot outlive a block. No set of independent background
 * tasks: that is pool.h.
 *
 *     struct program {
 *         async_frame frame;
 *         async_group group;
 *         struct job { async_frame frame; async_member member; } job[3];
 *         int i;
 *     };
 *
 *     ASYNC_GROUP_BEGIN(&self->group) {
 *         for (self->i = 0; self->i < 3; self->i++) {
 *             async_group_spawn(&self->group, &self->job[self->i].member,
 *                               job, &self->job[self->i]);
 *         }
 *         ...
 *     } ASYNC_GROUP_END;                  waits until the last one has ended
 *
 * The first error, of a child or of the block, closes the group: the other
 * children are cancelled, and so is the block, if it is still under way. When
 * all have ended, that error is raised at the block's end; what became of the
 * others, async_result tells. A child that ends with ASYNC_ECANCELED is no
 * error.
 *
 * A cancel or a deadline from outside that strikes the block, or its waiting
 * for the children, closes the group likewise. It wins over any error, and
 * leaves the block when all have ended. The group is a scope, as a timeout is:
 * scope.h tells how they go together.
 * ======================================================================== */

/* A child: its task and its place in the group. Put one into the child's
 * struct; zeroed or finished memory. `task` may be joined, cancelled, and
 * asked for its result; async_spawn would start it without the group, whose
 * end would not wait for it. */
typedef struct async_member {
    async_watch watch;
    async_node node;            /* in the ring of the group's members */
    struct async_group *group;
    async_task task;
} async_member;

/* Zeroed memory is a group; so is one whose block was left. */
typedef struct async_group {
    async_scope_ scope;
    async_list joiners;
    async_node *members;        /* a ring of those that run */
    int error;                  /* the first */
    int outcome;                /* of the block, while its end is awaited */
    unsigned char flags;
} async_group;

enum {
    ASYNC_GROUP_OPEN_ = 1,      /* its block was entered, and has not ended */
    ASYNC_GROUP_CLOSING_ = 2
};

/* The block. It stands where a { } may stand. `break`, `continue` and
 * ASYNC_RETURN leave it as they leave an ASYNC_TRY, after the children have
 * ended; an error of these replaces them. Task only. ASYNC_EINVAL for NULL and
 * ASYNC_EBUSY for a group whose block is under way are raised before it.
 * Closing it costs O(n), the rest is O(1). */
#define ASYNC_GROUP_BEGIN(group) \
    { \
    ASYNC_AWAIT(async_group_enter_(group)); \
    ASYNC_SCOPE_OPEN_ \
    for (async_flow_ = 0;;) { \
        if (async_flow_ == ASYNC_LEFT_) { \
            async_flow_ = 0; \
            async_group_leave_((group), async_rc_); \
            ASYNC_CALL_(2, async_group_end_(group)) \
            if (async_rc_ < 0) { ASYNC_LEAVE_(async_outer_); } \
            async_rc_ = (group)->outcome; \
            ASYNC_SCOPE_LEAVE_ \
        } \
        ASYNC_SCOPE_BODY_
#define ASYNC_GROUP_END ASYNC_SCOPE_END_

/* async_group_spawn(group, member, fn, frame): start fn(frame) as a child; as
 * async_spawn does. 0, or ASYNC_ESHUTDOWN when the group closes or its block
 * was not entered or has ended, ASYNC_EINVAL for NULL, ASYNC_EALREADY when the
 * member runs already. From the block, from its children, from any task or
 * callback of the loop. O(1).
 *
 * After ASYNC_ESHUTDOWN nothing was started: what was taken for the child is
 * the caller's to give back. Then the caller may go on or raise it, by
 * AWAIT(async_group_spawn(...)): what closed the group came first, and that is
 * what the block's end raises. */
#if ASYNC_DEBUG
#define async_group_spawn(group, member, fn, frame) \
    async_group_spawn_((group), (member), ASYNC_ENTRY_(fn, frame), (frame), \
                       #fn, __FILE__, __LINE__)
#else
#define async_group_spawn(group, member, fn, frame) \
    async_group_spawn_((group), (member), ASYNC_ENTRY_(fn, frame), (frame))
#endif
#define async_group_spawn_ ASYNC_ABI_(async_group_spawn)
ASYNC_API int async_group_spawn_(async_group *group, async_member *member,
                                 async_fn fn, void *frame
#if ASYNC_DEBUG
                                 , const char *name, const char *file, int line
#endif
);

#define async_group_join ASYNC_ABI_(async_group_join)
#define async_group_cancel ASYNC_ABI_(async_group_cancel)
#define async_group_enter_ ASYNC_ABI_(async_group_enter)
#define async_group_leave_ ASYNC_ABI_(async_group_leave)
#define async_group_end_ ASYNC_ABI_(async_group_end)

/* AWAIT(async_group_join(group)): wait until no child runs, and go on in the
 * block; for work in several steps. The end of the block does it by itself.
 * Any task may call it. A struck one leaves, the children go on.
 * ASYNC_EINVAL for NULL, ASYNC_EDEADLK for a child of the group. */
ASYNC_API ASYNC async_group_join(async_group *group);

/* Strike every child that runs, as async_cancel does, without closing the
 * group: the work is done, and the helpers may go. How many there were, or
 * ASYNC_EINVAL for NULL. Task or callback of the loop. O(n). */
ASYNC_API int async_group_cancel(async_group *group);

/* Has the group closed since its block was entered: because of an error, or
 * of a cancel from outside? False for NULL. */
ASYNC_INLINE_ bool async_group_closing(const async_group *group)
{
    return group != NULL && (group->flags & ASYNC_GROUP_CLOSING_) != 0;
}

/* ---- for the block ------------------------------------------------------- */

ASYNC_API ASYNC async_group_enter_(async_group *group);

/* rc: how the block ended, in-flight codes included. */
ASYNC_API void async_group_leave_(async_group *group, async_status rc);

/* Wait for the children; 0 when the outcome may go on. */
ASYNC_API ASYNC async_group_end_(async_group *group);
#if ASYNC_HOSTED
/* ===========================================================================
 * fd: waiting for file descriptors, and reading and writing them without ever
 * blocking the loop. It buffers nothing: streams are another part.
 *
 * An operation tries the system call first, unless it knows that it would
 * fail, and waits only then. A descriptor is registered with the kernel once,
 * edge-triggered, and stays registered until async_close: a request that is
 * read and answered costs a read, a write, and its share of one epoll_wait.
 *
 * What goes wrong with descriptors, and what happens here instead. The letters
 * are those of the code, and of the tests in tests/unit/fd.c:
 *
 *  a. A number is closed, and used again. async_close wakes who waits for it
 *     with ASYNC_EBADF, and who was woken but has not run yet gets that too,
 *     not its successor's bytes. Events of the predecessor are told apart by
 *     a generation. Closed behind our back with close(2): a wait of more than
 *     a second is looked after once, and finds the number's new owner.
 *  b. A dup keeps the file registered after the close: it is deregistered
 *     first; and an event nobody wants cannot repeat itself on an edge.
 *  c. epoll refuses regular files with EPERM: they are always ready.
 *  d. The writer closes a pipe, and only a hang-up is reported: hang-ups and
 *     errors wake both directions.
 *  e. After a short read a socket is empty, so the next read would only say
 *     EAGAIN, and is left out. Not so when the end of the stream (or urgent
 *     data, or an error) was seen together with the bytes, nor where a read
 *     stops short for other reasons: datagrams, Unix sockets, terminals.
 *  f. accept fails for want of descriptors: the caller gets the error. If it
 *     just calls again, it rests for 10 ms first instead of spinning.
 *  g. Several tasks wait for one descriptor, some to read, some to write: an
 *     event wakes all of its direction; who finds nothing waits again.
 *  h. The descriptor is blocking, and may be shared (a terminal, a parent's
 *     pipe): its flags are never changed. Sockets are told per call; others
 *     are polled before each call, and written PIPE_BUF bytes at a time.
 *  i. EINTR: the call is made again.
 *  j. SIGPIPE ends the process: the first use of a descriptor sets it to be
 *     ignored, if it has its default action (ASYNC_KEEP_SIGPIPE prevents).
 *  k. A descriptor that is always ready starves the rest: after 64 operations
 *     without suspending, a task lets the others run. In every turn all
 *     descriptors are looked at, by one call.
 *  l. A wait is longer than the system call can say, or shorter than its
 *     unit: nanoseconds where the kernel has them, rounded up where not.
 *  m. A wake from outside between looking and sleeping, or more of them than
 *     a pipe can hold: an eventfd holds any number, and is an event like any.
 *  n. Another library left bytes unread, after the edge: async_readable looks
 *     before it waits, and arms anew for each wait.
 *  o. A cancelled operation has taken and given nothing. The ones that loop
 *     (async_read_exactly, async_write_all) keep their count.
 *
 * For all operations: ASYNC_EBADF for a descriptor that is negative, not open
 * or closed meanwhile; ASYNC_EINVAL for NULL with a length; ASYNC_ENOMEM or
 * ASYNC_EMFILE when the loop cannot make what it needs for waiting. Other
 * errors are the system call's own, negative. Lengths above INT_MAX are taken
 * as INT_MAX. Awaitables are for tasks only, and each suspends only if it has
 * to. A descriptor is used with one loop at a time. After fork, the child
 * must leave the loop alone.
 * ======================================================================== */

#include <sys/socket.h>
#include <sys/uio.h>

/* AWAIT(async_readable(fd)): wait until a read of it would not block: there
 * are bytes, a connection to accept, the end, or an error. 0 or an error. For
 * any descriptor, also one that belongs to another library, which may read it
 * and close it as it likes while nobody waits. As with poll, somebody else may
 * have read by the time the caller does. Costs a poll, and an epoll_ctl if it
 * has to wait. */
ASYNC_API ASYNC async_readable(int fd);

/* The same for writing: there is room, a connection was made, or an error. */
ASYNC_API ASYNC async_writable(int fd);

/* AWAIT_VALUE(n, async_read(fd, buffer, length)): what read(2) gives: at least
 * one byte, or 0 at the end of the stream. */
ASYNC_API ASYNC async_read(int fd, void *buffer, size_t length);

/* AWAIT_VALUE(n, async_write(fd, buffer, length)): what write(2) gives: it may
 * be fewer bytes than asked for, so see async_write_all. ASYNC_EPIPE when the
 * other side is gone, without a signal. */
ASYNC_API ASYNC async_write(int fd, const void *buffer, size_t length);

/* The same over several pieces. As the array of pieces is looked at each time
 * the task is resumed, it belongs in the frame or in static memory, like the
 * pieces themselves. ASYNC_EINVAL for a count below 0 or above 1024. */
ASYNC_API ASYNC async_readv(int fd, const struct iovec *pieces, int count);
ASYNC_API ASYNC async_writev(int fd, const struct iovec *pieces, int count);

/* AWAIT(async_read_exactly(fd, buffer, length, &self->done)): read until the
 * buffer is full, and return the length. `done` counts the bytes read so far:
 * zero before, zero again after success. When it fails or is cancelled it
 * keeps its count, and the same call goes on from there. ASYNC_EPIPE when the
 * stream ends early. */
ASYNC_API ASYNC async_read_exactly(int fd, void *buffer, size_t length,
                                   size_t *done);

/* The same for writing: all of it, or an error. */
ASYNC_API ASYNC async_write_all(int fd, const void *buffer, size_t length,
                                size_t *done);

/* Make a pipe, of which ends[0] is read and ends[1] is written; both are
 * nonblocking and closed on exec. 0 or an error. From anywhere. */
ASYNC_API int async_pipe(int ends[2]);

/* Close a descriptor. Tasks that wait for it get ASYNC_EBADF. 0 or the error
 * of close(2); ASYNC_EBADF for one that is not open. Not an awaitable; from the
 * loop's thread. */
ASYNC_API int async_close(int fd);

/* The same without closing it: the loop forgets the descriptor, so that it can
 * go to another loop, or to a library that closes it. 0 or ASYNC_EBADF for a
 * negative number. */
ASYNC_API int async_detach(int fd);
/* ===========================================================================
 * net: sockets: accepting, connecting, sending and receiving. It buffers
 * nothing and looks up no names; hosts are written as numbers.
 *
 * What is said of all operations in fd.h holds here too. async_read and
 * async_write work on sockets as well.
 * ======================================================================== */

/* Make a socket, nonblocking and closed on exec: the descriptor or an error.
 * From anywhere. One made by socket(2) will do as well. */
ASYNC_API int async_socket(int domain, int type, int protocol);

/* AWAIT_VALUE(peer, async_accept(fd, &address, &length)): the descriptor of
 * the next connection, nonblocking and closed on exec. Address and length are
 * as in accept(2), or NULL. ASYNC_EMFILE and the like are returned, and the
 * connection stays in the queue; a caller that simply tries again rests for
 * 10 ms first, so that other tasks run and descriptors may be closed.
 * Connections that died in the queue are passed over. A listening socket that
 * other processes accept from, too, should be nonblocking. */
ASYNC_API ASYNC async_accept(int fd, struct sockaddr *address,
                             socklen_t *length);

/* AWAIT(async_connect(fd, address, length)): connect a socket: 0 or why not.
 * When it fails or is cancelled, the socket is of no further use: close it.
 * A Unix listener whose queue is full is ASYNC_EAGAIN at once: nobody would
 * tell when there is room. A blocking socket is nonblocking for the moment of
 * the call. */
ASYNC_API ASYNC async_connect(int fd, const struct sockaddr *address,
                              socklen_t length);

/* recv(2), send(2), recvfrom(2), sendto(2), recvmsg(2), sendmsg(2), with the
 * flags given. MSG_DONTWAIT and MSG_NOSIGNAL are understood; MSG_WAITALL does
 * not wait (async_read_exactly does). recvfrom's
 * address and length may be NULL. Only for sockets: ASYNC_ENOTSOCK. */
ASYNC_API ASYNC async_recv(int fd, void *buffer, size_t length, int flags);
ASYNC_API ASYNC async_send(int fd, const void *buffer, size_t length,
                           int flags);
ASYNC_API ASYNC async_recvfrom(int fd, void *buffer, size_t length, int flags,
                               struct sockaddr *address,
                               socklen_t *address_length);
ASYNC_API ASYNC async_sendto(int fd, const void *buffer, size_t length,
                             int flags, const struct sockaddr *address,
                             socklen_t address_length);
ASYNC_API ASYNC async_recvmsg(int fd, struct msghdr *message, int flags);
ASYNC_API ASYNC async_sendmsg(int fd, const struct msghdr *message, int flags);

#define ASYNC_ENOTSOCK ASYNC_ERRNO_(ENOTSOCK, 88)

/* ---- short cuts ---------------------------------------------------------- */

/* An address that any kind of socket takes. */
typedef struct async_address {
    struct sockaddr_storage storage;
    socklen_t length;
} async_address;

/* Write `host`, an IPv4 or IPv6 address in numbers ("127.0.0.1", "::1"), or
 * NULL for all addresses of this machine, and `port` as an address. 0, or
 * ASYNC_EINVAL for anything else, such as a name. From anywhere. */
ASYNC_API int async_address_set(async_address *address, const char *host,
                                int port);

/* A socket that listens: its descriptor or an error. `host` as above; port 0
 * takes any free one, which async_local_port tells. From anywhere. */
ASYNC_API int async_tcp_listen(const char *host, int port, int backlog);

/* A UDP socket bound to an address: its descriptor or an error. */
ASYNC_API int async_udp_open(const char *host, int port);

/* The local port of a socket, or an error. From anywhere. */
ASYNC_API int async_local_port(int fd);

/* AWAIT(async_tcp_connect(&self->fd, host, port)): make a socket and connect
 * it. 0, and *fd is the descriptor; or an error, or the strike, and the socket
 * is closed again and *fd is -1. */
ASYNC_API ASYNC async_tcp_connect(int *fd, const char *host, int port);
#endif
#endif
#endif /* ASYNC_H */

/* ==== the implementation, in the one file that asks for it ================ */

#if defined ASYNC_IMPLEMENTATION && !defined ASYNC_IMPLEMENTED_
#define ASYNC_IMPLEMENTED_
/* status.c: the texts of the codes. */

#if ASYNC_HOSTED
#include <string.h>
#endif

/* The texts stand in the table itself, without pointers: one constant object,
 * which a linker drops whole when nobody calls async_strerror. */
static const struct async_text_ {
    int16_t code;
    char text[30];
} async_texts_[] = {
    {ASYNC_EPERM, "not permitted"},
    {ASYNC_ENOENT, "no such file or entry"},
    {ASYNC_EINTR, "interrupted"},
    {ASYNC_EIO, "input or output failed"},
    {ASYNC_EBADF, "bad file descriptor"},
    {ASYNC_EAGAIN, "not now, try again"},
    {ASYNC_ENOMEM, "out of memory"},
    {ASYNC_EBUSY, "busy"},
    {ASYNC_EEXIST, "exists already"},
    {ASYNC_ENODEV, "no such device"},
    {ASYNC_EINVAL, "invalid argument"},
    {ASYNC_ENFILE, "too many files in the system"},
    {ASYNC_EMFILE, "too many open files"},
    {ASYNC_ENOSPC, "no space left"},
    {ASYNC_EPIPE, "broken pipe"},
    {ASYNC_ERANGE, "out of range"},
    {ASYNC_EDEADLK, "deadlock"},
    {ASYNC_ENOSYS, "not supported here"},
    {ASYNC_EOVERFLOW, "value too large"},
    {ASYNC_EMSGSIZE, "message too long"},
    {ASYNC_EADDRINUSE, "address in use"},
    {ASYNC_ENETUNREACH, "network unreachable"},
    {ASYNC_ECONNABORTED, "connection aborted"},
    {ASYNC_ECONNRESET, "connection reset by peer"},
    {ASYNC_ENOBUFS, "no buffer space"},
    {ASYNC_ENOTCONN, "not connected"},
    {ASYNC_ESHUTDOWN, "shut down"},
    {ASYNC_ETIMEDOUT, "timed out"},
    {ASYNC_ECONNREFUSED, "connection refused"},
    {ASYNC_EHOSTUNREACH, "no route to host"},
    {ASYNC_EALREADY, "already under way"},
    {ASYNC_EINPROGRESS, "in progress"},
    {ASYNC_ECANCELED, "cancelled"},
    {ASYNC_EBROKEN, "broken barrier"},
};

ASYNC_API const char *async_strerror(int status)
{
    if (status >= 0) {
        return "success";
    }
    if (status == ASYNC_PENDING) {
        return "pending";
    }
    if (status == ASYNC_CANCEL) {
        return "the task is cancelled";
    }
    if (status <= ASYNC_EUSER(0)) {
        return "the user's own error";
    }
    for (size_t i = 0; i < sizeof async_texts_ / sizeof *async_texts_; i++) {
        if (async_texts_[i].code == status) {
            return async_texts_[i].text;
        }
    }
#if ASYNC_HOSTED
    return strerror(-status);
#else
    return "unknown error";
#endif
}
/* coroutine.c: the last words of a program that must not go on, and the checks
 * of a debug build. */

#if ASYNC_HOSTED && (ASYNC_DEBUG || !defined ASYNC_NO_LOOP)
#include <stdio.h>
#include <stdlib.h>

ASYNC_API void async_trap_(const char *message)
{
    fprintf(stderr, "%s\n", message);
    abort();
}
#endif

#if ASYNC_DEBUG

#ifndef ASYNC_STATIC
ASYNC_THREAD async_frame *async_innermost_;
#endif

static char async_message_[240];

ASYNC_API size_t async_say_(size_t at, const char *text)
{
    while (*text != '\0' && at < sizeof async_message_ - 1) {
        async_message_[at++] = *text++;
    }
    async_message_[at] = '\0';
    return at;
}

ASYNC_API size_t async_say_number_(size_t at, int number)
{
    char digits[12];
    size_t i = sizeof digits - 1;

    digits[i] = '\0';
    do {
        digits[--i] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0 && i > 0);
    return async_say_(at, digits + i);
}

ASYNC_API const char *async_said_(void)
{
    return async_message_;
}

ASYNC_API void async_misuse_(const char *message, const char *file, int line,
                             const char *function)
{
    size_t at = async_say_(0, "async: ");

    at = async_say_(at, file);
    at = async_say_(at, ":");
    at = async_say_number_(at, line);
    at = async_say_(at, ": ");
    at = async_say_(at, function);
#ifndef ASYNC_NO_LOOP
    if (async_debug_task_name_() != NULL) {
        at = async_say_(at, " (task ");
        at = async_say_(at, async_debug_task_name_());
        at = async_say_(at, ")");
    }
#endif
    at = async_say_(at, ": ");
    (void)async_say_(at, message);
    ASYNC_TRAP(async_message_);
}

ASYNC_API void async_enter_(async_frame *frame, const char *file, int line,
                            const char *function)
{
    if (frame->point == 0) {
        frame->line = line;
    } else if (frame->awaited && frame->parent != async_innermost_) {
        async_misuse_("its frame is awaited by two parents", file,
                      frame->line, function);
    }
    frame->file = file;
    frame->function = function;
    frame->parent = async_innermost_;
    frame->awaited = true;
    async_innermost_ = frame;
}

ASYNC_API void async_exit_(async_frame *frame, bool pending,
                           const void *memory, size_t size)
{
    async_innermost_ = frame->parent;
    if (!pending) {
        frame->awaited = false;
#ifndef ASYNC_NO_LOOP
        async_frame_leaves_(frame, memory, size);
        async_frame_ends_(memory, size);
    } else if (frame->awaited) {        /* and does not yield an item */
        async_frame_waits_(frame);
#else
        (void)memory;
        (void)size;
#endif
    }
}

ASYNC_API void async_check_left_(async_frame **inside)
{
    if (*inside != NULL) {
        async_misuse_("left by a plain return: use ASYNC_RETURN",
                      (*inside)->file, (*inside)->line, (*inside)->function);
    }
}

#endif
#ifndef ASYNC_NO_LOOP
/* ===========================================================================
 * port: what the loop asks of a platform. Three hooks, each a macro that a
 * project may define for itself:
 *
 *   ASYNC_CLOCK()            the time, in ticks of ASYNC_TICK_HZ; it may wrap
 *   ASYNC_LOCK() UNLOCK()    between them no interrupt handler runs; they may
 *                            declare a variable, and nest
 *   ASYNC_IDLE(loop, ticks)  sleep, for at most so many ticks (ASYNC_NEVER: as
 *                            long as you like), until an interrupt. Returning
 *                            early is always right. On bare metal it is called
 *                            between LOCK and UNLOCK, when no irq is raised:
 *                            it must let interrupts in and fall asleep in one
 *                            step, or an interrupt in between is slept over
 *
 * An ASYNC_IDLE of yours that sets an alarm, say, may leave the last step to
 * ASYNC_PORT_SLEEP(), the port's own. A fourth hook is needed by few:
 *
 *   ASYNC_WAKE(loop)         an irq of that loop was raised, and its flag is
 *                            set: for a loop that is stepped by an interrupt
 *                            of its own, or that sleeps in a call of an RTOS.
 *                            From wherever async_irq_raise is called
 *
 * On bare metal the clock is yours: a timer interrupt that counts, or a
 * hardware counter. Define the macro, or the function async_port_clock.
 *
 * A port is one file, which looks at the compiler's own macros and defines the
 * hooks that the project has not; and one line here. The first file to define
 * a hook has it.
 * ======================================================================== */
/* ===========================================================================
 * port_posix: Unix. The functions are in port_posix.c and fd_table.c.
 * ======================================================================== */
#if ASYNC_HOSTED

/* The monotonic clock; and waiting for descriptors and irqs for at most so
 * long, with 0 only a look at them: for an ASYNC_CLOCK or ASYNC_IDLE of yours,
 * which does something of its own and then leaves the rest to these. */
ASYNC_API async_ticks async_port_clock(void);
ASYNC_API void async_port_idle(async_loop *loop, async_duration ticks);
ASYNC_API int async_port_wakeable_(async_loop *loop);
ASYNC_API void async_port_wake_(async_loop *loop);
ASYNC_API void async_port_cancel_all_(async_loop *loop);
ASYNC_API bool async_port_waits_(const async_loop *loop);
ASYNC_API int async_port_close_(async_loop *loop);

#ifndef ASYNC_IDLE
#define ASYNC_IDLE(loop, ticks) async_port_idle((loop), (ticks))
#endif
#ifndef ASYNC_WAKE
#define ASYNC_WAKE(loop) async_port_wake_(loop)
#endif
#ifndef ASYNC_LOCK
#define ASYNC_LOCK() do { } while (0)
#define ASYNC_UNLOCK() do { } while (0)
#endif
#endif
/* ===========================================================================
 * port_arduino: the clock of an Arduino sketch, on whatever board: millis().
 * Keeping interrupts out and sleeping are the processor's, below.
 * ======================================================================== */
#if !ASYNC_HOSTED && defined ARDUINO

#ifndef ASYNC_CLOCK
ASYNC_EXTERN_C_ unsigned long millis(void);
#define ASYNC_CLOCK() ((async_ticks)millis())
#endif
#endif
/* ===========================================================================
 * port_avr: AVR, the ATmega328P and its relatives. The loop sleeps if the
 * program has allowed it (sleep_enable() of <avr/sleep.h>), in the mode that it
 * has chosen; otherwise it goes round and round.
 * ======================================================================== */
#if !ASYNC_HOSTED && defined __AVR__

#ifndef ASYNC_LOCK
#define ASYNC_LOCK() \
    { \
        unsigned char async_sreg_; \
        __asm__ volatile ("in %0, __SREG__\n\tcli" \
                          : "=r"(async_sreg_) : : "memory")
#define ASYNC_UNLOCK() \
        __asm__ volatile ("out __SREG__, %0" : : "r"(async_sreg_) : "memory"); \
    }
#endif

/* After sei the next instruction still runs undisturbed: it is the sleep. */
#define ASYNC_PORT_SLEEP() \
    __asm__ volatile ("sei\n\tsleep\n\tcli" : : : "memory")

#endif
/* ===========================================================================
 * port_cortex_m: Arm Cortex-M, M0 to M85.
 * ======================================================================== */
#if !ASYNC_HOSTED && defined __ARM_ARCH_PROFILE && __ARM_ARCH_PROFILE == 'M'

#ifndef ASYNC_LOCK
#define ASYNC_LOCK() \
    { \
        unsigned async_mask_; \
        __asm__ volatile ("mrs %0, primask\n\tcpsid i" \
                          : "=r"(async_mask_) : : "memory")
#define ASYNC_UNLOCK() \
        __asm__ volatile ("msr primask, %0" : : "r"(async_mask_) : "memory"); \
    }
#endif

/* A pending interrupt ends wfi also while PRIMASK holds it back: its handler
 * runs at the UNLOCK. */
#define ASYNC_PORT_SLEEP() __asm__ volatile ("dsb\n\twfi" : : : "memory")

#endif
/* ===========================================================================
 * port_riscv: RISC-V, 32 or 64 bits, in machine mode.
 * ======================================================================== */
#if !ASYNC_HOSTED && defined __riscv

#ifndef ASYNC_LOCK
#define ASYNC_LOCK() \
    { \
        unsigned long async_mie_; \
        __asm__ volatile ("csrrci %0, mstatus, 8" \
                          : "=r"(async_mie_) : : "memory")
#define ASYNC_UNLOCK() \
        __asm__ volatile ("csrs mstatus, %0" \
                          : : "r"(async_mie_ & 8) : "memory"); \
    }
#endif

/* A pending interrupt ends wfi also while mstatus.MIE holds it back: its
 * handler runs at the UNLOCK. */
#define ASYNC_PORT_SLEEP() __asm__ volatile ("wfi" : : : "memory")

#endif
/* ===========================================================================
 * port_sdcc: the 8-bit parts that sdcc compiles for: 8051, STM8, Z80.
 * ======================================================================== */
#if !ASYNC_HOSTED && defined __SDCC

/* On an STM8 the end of __critical lets interrupts in whatever was before it,
 * even in a handler: so the condition code is saved by hand. */
#ifndef ASYNC_LOCK
#if defined __SDCC_stm8
static unsigned char async_lock_sdcc_(void) __naked
{
    __asm__ ("push cc\n\tsim\n\tpop a\n\tret");
}
static volatile unsigned char async_cc_sdcc_;   /* used where locked only */
#define ASYNC_LOCK() \
    { \
        unsigned char async_cc_ = async_lock_sdcc_()
#define ASYNC_UNLOCK() \
        async_cc_sdcc_ = async_cc_; \
        __asm__ ("push _async_cc_sdcc_\n\tpop cc"); \
    }
#else
#define ASYNC_LOCK() __critical {
#define ASYNC_UNLOCK() }
#endif
#endif

/* On an 8051 the instruction after one that sets EA still runs undisturbed: it
 * is the one that idles. So it is on a Z80 with ei and halt; and an STM8's wfi
 * lets interrupts in by itself. */
#if defined __SDCC_mcs51
#define ASYNC_PORT_SLEEP() \
    __asm__ ("setb 0xaf\n\torl 0x87,#0x01\n\tclr 0xaf")
#elif defined __SDCC_stm8
#define ASYNC_PORT_SLEEP() __asm__ ("wfi")
#elif defined __SDCC_z80 || defined __SDCC_z180
#define ASYNC_PORT_SLEEP() __asm__ ("ei\n\thalt\n\tdi")
#endif
#endif

/* ---- whatever is left: no interrupts known, no way to sleep -------------- */

#ifndef ASYNC_LOCK
#define ASYNC_LOCK() do { } while (0)
#define ASYNC_UNLOCK() do { } while (0)
#endif
#ifndef ASYNC_PORT_SLEEP
#define ASYNC_PORT_SLEEP() do { } while (0)
#endif
#ifndef ASYNC_IDLE
#define ASYNC_IDLE(loop, ticks) ASYNC_PORT_SLEEP()
#endif
#ifndef ASYNC_WAKE
#define ASYNC_WAKE(loop) ((void)(loop))
#endif
#ifndef ASYNC_CLOCK
#if !ASYNC_HOSTED
ASYNC_EXTERN_C_ async_ticks async_port_clock(void);
#endif
#define ASYNC_CLOCK() async_port_clock()
#endif

/* ---- atomics, where there are other threads ------------------------------ */

#if ASYNC_HOSTED && defined __GNUC__ && !defined __TINYC__
#define ASYNC_ATOMICS_ 1
#define ASYNC_ATOMIC_LOAD_(at) __atomic_load_n((at), __ATOMIC_RELAXED)
#define ASYNC_ATOMIC_SWAP_(at, value) \
    __atomic_exchange_n((at), (value), __ATOMIC_SEQ_CST)
#define ASYNC_ATOMIC_CAS_(at, seen, value) \
    __atomic_compare_exchange_n((at), (seen), (value), 0, __ATOMIC_SEQ_CST, \
                                __ATOMIC_RELAXED)
#elif ASYNC_HOSTED && defined __TINYC__ \
    && (defined __x86_64__ || defined __i386__)
/* tcc has the instructions, but no names for them. */
ASYNC_INLINE_ unsigned async_swap_(volatile unsigned *at, unsigned value)
{
    __asm__ volatile ("xchgl %0, (%1)"
                      : "=r"(value) : "r"(at), "0"(value) : "memory");
    return value;
}
ASYNC_INLINE_ bool async_cas_(volatile unsigned *at, unsigned *seen,
                              unsigned value)
{
    unsigned was = *seen;

    __asm__ volatile ("lock; cmpxchgl %2, (%1)"
                      : "=a"(was) : "r"(at), "r"(value), "0"(was) : "memory");
    if (was == *seen) {
        return true;
    }
    *seen = was;
    return false;
}
#define ASYNC_ATOMICS_ 1
#define ASYNC_ATOMIC_LOAD_(at) (*(at))
#define ASYNC_ATOMIC_SWAP_(at, value) async_swap_((at), (value))
#define ASYNC_ATOMIC_CAS_(at, seen, value) async_cas_((at), (seen), (value))
#else
#define ASYNC_ATOMICS_ 0
#define ASYNC_ATOMIC_LOAD_(at) (*(at))
#define ASYNC_ATOMIC_SWAP_(at, value) (*(at) = (value))
#endif
/* ===========================================================================
 * debug: what a debug build keeps to say what is wrong, and with whom. Not a
 * public part; in a release build it is empty.
 * ======================================================================== */

#if ASYNC_DEBUG

/* What a debug build says and then goes on. */
#ifndef ASYNC_WARN
#if ASYNC_HOSTED
ASYNC_API void async_warn_(const char *message);
#define ASYNC_WARN(message) async_warn_(message)
#else
#define ASYNC_WARN(message) ((void)(message))
#endif
#endif

ASYNC_API void async_debug_spawn_(async_loop *loop, async_task *task,
                                  const char *name, const char *file, int line);
ASYNC_API void async_debug_spawned_twice_(const async_task *task,
                                          const char *name, const char *file,
                                          int line);
/* Around a timed call, and around each step of a task: see slow.c. */
typedef struct async_step_ {
    async_ticks began;
    const char *name, *file;
    int line;
} async_step_;
ASYNC_API async_step_ async_debug_call_(const char *name, const char *file,
                                        int line);
ASYNC_API void async_debug_called_(const async_step_ *step);
ASYNC_API void async_debug_resume_(async_loop *loop, async_task *task);
ASYNC_API void async_debug_suspended_(const async_loop *loop,
                                      const async_task *task);
ASYNC_API void async_debug_returned_(const async_task *task);
ASYNC_API void async_debug_finish_(async_loop *loop, async_task *task);
ASYNC_API void async_debug_deadlock_(const async_loop *loop);

#endif
/* ===========================================================================
 * timer_list: the timer queue of small systems, a list sorted by deadline.
 * ======================================================================== */

#if !ASYNC_TIMER_WHEEL

ASYNC_API void async_timers_open_(async_timers *timers, async_ticks now)
{
    timers->base = now;
    timers->first = NULL;
}

/* Deadlines are compared by their distance from base, which is right for as
 * long as base is not more than half the range behind the clock. */
ASYNC_API void async_timer_add_(async_timers *timers, async_timer *timer)
{
    async_node **at = &timers->first;
    async_ticks distance = (async_ticks)(timer->u.deadline - timers->base);

    while (*at != NULL
           && (async_ticks)(ASYNC_TIMER_OF_(*at)->u.deadline - timers->base)
              <= distance) {
        at = &(*at)->next;
    }
    timer->node.next = *at;
    *at = &timer->node;
}

ASYNC_API void async_timer_remove_(async_timers *timers, async_timer *timer)
{
    async_node **at = &timers->first;

    while (*at != &timer->node) {
        at = &(*at)->next;
    }
    *at = timer->node.next;
}

ASYNC_API async_timer *async_timer_due_(async_timers *timers, async_ticks now)
{
    async_timer *timer = ASYNC_TIMER_OF_(timers->first);

    if (timer == NULL || (async_ticks)(timer->u.deadline - timers->base)
                         > (async_ticks)(now - timers->base)) {
        timers->base = now;
        return NULL;
    }
    timers->first = timer->node.next;
    return timer;
}

ASYNC_API async_ticks async_timer_next_(const async_timers *timers)
{
    if (timers->first == NULL) {
        return ASYNC_NEVER;
    }
    return (async_ticks)(ASYNC_TIMER_OF_(timers->first)->u.deadline
                         - timers->base);
}

ASYNC_API void async_timer_each_(async_timers *timers,
                                 void (*fn)(async_timer *timer))
{
    async_node *node = timers->first;

    while (node != NULL) {
        async_node *next = node->next;
        fn(ASYNC_TIMER_OF_(node));
        node = next;
    }
}

#endif
/* ===========================================================================
 * timer_wheel: the timer queue of large systems, a hierarchical timing wheel
 * (Varghese and Lauck, 1987, scheme 7) over all 64 bits of a time.
 *
 * Write base and a deadline in base 64. The highest digit in which they differ
 * is the timer's level, the deadline's digit there its slot:
 *
 *     base       0 0 5 9 . .        level 3, slot 7: all that happens in the
 *     deadline   0 0 7 3 . .        same 64^3 ticks, in the order of arrival
 *
 * Every timer of a level is earlier than all of the level above, every slot of
 * a level earlier than the next; so the earliest is found by two bit scans.
 * When time reaches a slot above level 0, its timers move down to where they
 * now belong; each does so at most once a level, most only two or three times,
 * since a slot with one timer in it needs no sorting. In level 0 a slot is one
 * tick, so the queue is exact.
 *
 * Because base never passes a timer, a timer's place can always be computed
 * from its deadline, and need not be stored.
 * ======================================================================== */

#if ASYNC_TIMER_WHEEL

#if defined __GNUC__ && !defined __TINYC__
#define ASYNC_LOW_BIT_(x) ((unsigned)__builtin_ctzll(x))
#define ASYNC_HIGH_BIT_(x) (63u - (unsigned)__builtin_clzll(x))
#else
static unsigned async_high_bit_(uint64_t x)
{
    unsigned n = 0;
    unsigned step;

    for (step = 32; step != 0; step >>= 1) {
        if (x >> step != 0) {
            x >>= step;
            n += step;
        }
    }
    return n;
}
#define ASYNC_HIGH_BIT_(x) async_high_bit_(x)
#define ASYNC_LOW_BIT_(x) async_high_bit_((x) & (0 - (x)))
#endif

ASYNC_API void async_timers_open_(async_timers *timers, async_ticks now)
{
    unsigned level;

    timers->base = now;
    timers->levels = 0;
    for (level = 0; level < ASYNC_WHEEL_LEVELS_; level++) {
        timers->used[level] = 0;    /* a slot is written before it is read */
    }
}

/* The level of a deadline: the highest digit in which it differs from base.
 * The bit below makes a deadline that is base itself level 0. */
#define ASYNC_LEVEL_(base, deadline) \
    (ASYNC_HIGH_BIT_(((base) ^ (deadline)) | 1) / ASYNC_WHEEL_BITS_)
#define ASYNC_SLOT_(deadline, level) \
    ((unsigned)((deadline) >> ((level) * ASYNC_WHEEL_BITS_)) \
     & (ASYNC_WHEEL_SLOTS_ - 1))

ASYNC_API void async_timer_add_(async_timers *timers, async_timer *timer)
{
    unsigned level = ASYNC_LEVEL_(timers->base, timer->u.deadline);
    unsigned slot = ASYNC_SLOT_(timer->u.deadline, level);
    uint64_t bit = (uint64_t)1 << slot;

    if ((timers->used[level] & bit) == 0) {
        timers->used[level] |= bit;
        timers->levels |= 1u << level;
        timers->slot[level][slot] = NULL;
    }
    async_ring_append_(&timers->slot[level][slot], &timer->node);
}

static void async_slot_is_empty_(async_timers *timers, unsigned level,
                                 unsigned slot)
{
    timers->used[level] &= ~((uint64_t)1 << slot);
    if (timers->used[level] == 0) {
        timers->levels &= ~(1u << level);
    }
}

ASYNC_API void async_timer_remove_(async_timers *timers, async_timer *timer)
{
    unsigned level = ASYNC_LEVEL_(timers->base, timer->u.deadline);
    unsigned slot = ASYNC_SLOT_(timer->u.deadline, level);

    async_ring_remove_(&timers->slot[level][slot], &timer->node);
    if (timers->slot[level][slot] == NULL) {
        async_slot_is_empty_(timers, level, slot);
    }
}

/* When the first slot that is not empty begins. The queue is not empty. */
static async_ticks async_first_slot_(const async_timers *timers,
                                     unsigned *level, unsigned *slot)
{
    unsigned shift;
    async_ticks above;

    *level = ASYNC_LOW_BIT_(timers->levels);
    *slot = ASYNC_LOW_BIT_(timers->used[*level]);
    shift = *level * ASYNC_WHEEL_BITS_;
    above = shift + ASYNC_WHEEL_BITS_ < 64
        ? timers->base >> (shift + ASYNC_WHEEL_BITS_)
                       << (shift + ASYNC_WHEEL_BITS_)
        : 0;
    return above | ((async_ticks)*slot << shift);
}

ASYNC_API async_timer *async_timer_due_(async_timers *timers, async_ticks now)
{
    while (timers->levels != 0) {
        unsigned level, slot;
        async_ticks start = async_first_slot_(timers, &level, &slot);
        async_node **ring = &timers->slot[level][slot];
        async_node *node;

        if (start > now) {
            break;
        }
        if (level == 0) {
            node = async_ring_pop_(ring);
            if (*ring == NULL) {
                async_slot_is_empty_(timers, level, slot);
            }
            return ASYNC_TIMER_OF_(node);
        }
        node = *ring;
        if (node->next == node && ASYNC_TIMER_OF_(node)->u.deadline <= now) {
            async_slot_is_empty_(timers, level, slot);
            return ASYNC_TIMER_OF_(node);
        }
        /* Time reaches the slot: spread it over the levels below. */
        async_slot_is_empty_(timers, level, slot);
        timers->base = start;
        node = node->next;
        (*ring)->next = NULL;
        while (node != NULL) {
            async_node *next = node->next;
            async_timer_add_(timers, ASYNC_TIMER_OF_(node));
            node = next;
        }
    }
    timers->base = now;
    return NULL;
}

/* Look at no more than this many timers for the earliest: where more crowd in
 * the first slot, the loop wakes at its beginning and sorts them out. */
#define ASYNC_CROWD_ 32

ASYNC_API async_ticks async_timer_next_(const async_timers *timers)
{
    unsigned level, slot, n;
    async_ticks start, first;
    const async_node *tail, *node;

    if (timers->levels == 0) {
        return ASYNC_NEVER;
    }
    start = async_first_slot_(timers, &level, &slot);
    tail = timers->slot[level][slot];
    node = tail->next;
    first = ASYNC_TIMER_OF_(node)->u.deadline;
    for (n = 0; node != tail; n++) {
        if (n == ASYNC_CROWD_) {
            first = start;
            break;
        }
        node = node->next;
        if (ASYNC_TIMER_OF_(node)->u.deadline < first) {
            first = ASYNC_TIMER_OF_(node)->u.deadline;
        }
    }
    return first > timers->base ? first - timers->base : 0;
}

ASYNC_API void async_timer_each_(async_timers *timers,
                                 void (*fn)(async_timer *timer))
{
    unsigned level;
    unsigned slot;

    for (level = 0; level < ASYNC_WHEEL_LEVELS_; level++) {
        for (slot = 0; slot < ASYNC_WHEEL_SLOTS_; slot++) {
            async_node *tail, *node;
            bool last = false;

            if ((timers->used[level] >> slot & 1) == 0) {
                continue;
            }
            tail = timers->slot[level][slot];
            node = tail->next;
            while (!last) {
                async_node *next = node->next;

                last = node == tail;
                fn(ASYNC_TIMER_OF_(node));
                node = next;
            }
        }
    }
}

#endif
/* ===========================================================================
 * loop: spawning, striking, waking and finishing tasks, and the turns in
 * which they run.
 * ======================================================================== */

#ifndef ASYNC_STATIC
ASYNC_THREAD async_loop *async_this_loop_;
ASYNC_THREAD async_task *async_this_task_;
#endif

/* ---- parking and waking -------------------------------------------------- */

ASYNC_API async_status async_park_(async_list *list)
{
    async_task *task = async_this_task_;

    if (list->tail == NULL) {       /* now the loop must be able to find it */
        list->next = async_this_loop_->lists;
#if ASYNC_BACKLINKS
        list->back = &async_this_loop_->lists;
        if (list->next != NULL) {
            list->next->back = &list->next;
        }
#endif
        async_this_loop_->lists = list;
    }
    ASYNC_HOOK_(unpark, async_unpark_);
    task->timer.u.ring = &list->tail;
    async_ring_append_(&list->tail, &task->timer.node);
    async_set_state_(task, ASYNC_WAITING_);
    ASYNC_LEAF_(task);
    return ASYNC_PENDING;
}

/* The last waiter has left: the loop forgets the list, whose memory may go. */
static void async_list_is_empty_(async_list *list)
{
#if ASYNC_BACKLINKS
    *list->back = list->next;
    if (list->next != NULL) {
        list->next->back = list->back;
    }
#else
    async_list **at = &async_this_loop_->lists;

    while (*at != list) {
        at = &(*at)->next;
    }
    *at = list->next;
#endif
}

/* Take a parked task out of its ring. */
ASYNC_API void async_unpark_(async_task *task)
{
    async_node **ring = task->timer.u.ring;

    async_ring_remove_(ring, &task->timer.node);
    if (async_state_(task) == ASYNC_WAITING_ && *ring == NULL) {
        async_list_is_empty_((async_list *)(void *)ring);
    }
}

ASYNC_API bool async_wake_one_(async_list *list, int result)
{
    async_node *node = async_ring_pop_(&list->tail);

    if (node == NULL) {
        return false;
    }
    if (list->tail == NULL) {
        async_list_is_empty_(list);
    }
    async_wake_(ASYNC_TASK_(node), result);
    return true;
}

ASYNC_API async_status async_wait_(async_list *list)
{
    async_task *task = async_self_();

    if (async_granted_(task)) {
        return task->timer.u.result;
    }
    if (ASYNC_STRUCK_P_(task)) {
        return async_deliver_(task);
    }
    return async_park_(list);
}

/* ---- strikes ------------------------------------------------------------- */

ASYNC_API void async_strike_(async_task *task)
{
    unsigned state = async_state_(task);

    if (state >= ASYNC_WAITING_ && state < ASYNC_DEAF_) {
        if (state == ASYNC_SLEEPING_) {
            async_timer_remove_(&async_this_loop_->timers, &task->timer);
        } else if (task->timer.u.ring != NULL) {
            ASYNC_HOOKED_(unpark, async_unpark_)(task);
        }
        async_set_state_(task, ASYNC_STRUCK_);
        async_ready_(async_this_loop_, task);
    }
}

ASYNC_API int async_cancel(async_task *task)
{
    async_node *node;

    if (task == NULL) {
        return ASYNC_EINVAL;
    }
    if (async_state_(task) <= ASYNC_DONE_) {
        return 0;
    }
#if ASYNC_DEBUG
    if (task->loop != async_this_loop_) {
        async_debug_misuse_("async_cancel", "the task is another loop's");
    }
#endif
    node = &task->timer.node;
    if ((node->state & ASYNC_PENDING_) != 0) {
        return 1;                       /* it hangs over the task already */
    }
    node->state = (async_mark_)
        ((node->state | ASYNC_STRIKE_ | ASYNC_PENDING_ | ASYNC_CANCELED_)
         & ~(unsigned)ASYNC_FORWARDED_);
    async_strike_(task);
    return 1;
}

ASYNC_API async_status async_deliver_(async_task *task)
{
    async_scope_ *scope;

    task->timer.node.state = (async_mark_)
        ((task->timer.node.state & ASYNC_CANCELED_) | ASYNC_RUNNING_);
    for (scope = task->scopes; scope != NULL; scope = scope->up) {
        if ((scope->fired & ASYNC_FIRED_) != 0) {
            scope->fired++;         /* ASYNC_DELIVERED_ */
        }
    }
    return ASYNC_CANCEL;
}

ASYNC_API async_status async_yield_(async_task *task)
{
    if (async_state_(task) == ASYNC_YIELDED_) {
        return async_settle_(task, 0);
    }
    if (ASYNC_STRUCK_P_(task)) {
        return async_deliver_(task);
    }
    async_set_state_(task, ASYNC_YIELDED_);
    return ASYNC_PENDING;
}

ASYNC_API async_status async_poll(void)
{
    async_task *task = async_this_task_;

    if (task != NULL) {
        if (ASYNC_STRUCK_P_(task)) {
            return async_deliver_(task);
        }
        async_set_state_(task, ASYNC_RUNNING_);     /* not parked: it polls */
    }
    return ASYNC_PENDING;
}

/* ---- the life of a task -------------------------------------------------- */

/* What a new task runs first; so the loop need not ask whether it is new. */
static async_status async_begin_(void *frame)
{
    async_task *task = async_this_task_;

    if (ASYNC_STRUCK_P_(task)) {        /* cancelled before it began */
        return ASYNC_CANCEL;
    }
    task->fn = task->timer.u.entry;
    task->timer.node.state = ASYNC_RUNNING_;
    return task->fn(frame);
}

ASYNC_API int async_spawn_(async_loop *loop, async_task *task, async_fn fn,
                           void *frame
#if ASYNC_DEBUG
                           , const char *name, const char *file, int line
#endif
                           )
{
    if (task == NULL || fn == NULL) {
        return ASYNC_EINVAL;
    }
    if (loop == NULL) {
        return ASYNC_EPERM;
    }
    if (async_state_(task) > ASYNC_DONE_) {
#if ASYNC_DEBUG
        async_debug_spawned_twice_(task, name, file, line);
#endif
        return ASYNC_EALREADY;
    }
    task->fn = async_begin_;
    task->timer.u.entry = fn;
    task->frame = frame;
    task->joiners = NULL;
    task->scopes = NULL;
    task->timer.node.state = ASYNC_NEW_;
#if ASYNC_HOSTED
    task->timer.node.round = loop->round;
#endif
#if ASYNC_DEBUG
    async_debug_spawn_(loop, task, name, file, line);
#endif
    loop->alive++;
    async_ready_(loop, task);
    return 0;
}

/* The joiners get the result by value, and the callbacks come last: so one of
 * those may free the task. */
ASYNC_API void async_tell_(async_task *task, int result)
{
    async_node *ring = task->joiners;
    async_node *watches = NULL;
    async_node *node;

    while ((node = async_ring_pop_(&ring)) != NULL) {
        if (node->state == ASYNC_WATCH_) {
            async_ring_append_(&watches, node);
        } else {
            async_wake_(ASYNC_TASK_(node), result);
        }
    }
    async_this_task_ = NULL;            /* a callback is no task */
    while ((node = async_ring_pop_(&watches)) != NULL) {
        async_watch *watch = (async_watch *)(void *)node;

        node->state = ASYNC_IDLE_;
        watch->fn(watch, task);
    }
}

static void async_finish_(async_loop *loop, async_task *task, int result)
{
    if (result == ASYNC_CANCEL) {
        result = ASYNC_ECANCELED;
    }
    task->timer.node.state = ASYNC_DONE_;
    task->timer.u.result = result;
    loop->alive--;
#if ASYNC_HOSTED
    if (task->timer.node.round != loop->round && --loop->left == 0) {
        async_loop_stop(loop);
    }
#endif
    if (task == loop->u.until && loop->stop != ASYNC_ENDED_RUN_) {
        loop->stop = ASYNC_ENDED_RUN_;
        loop->u.result = result;        /* a callback may free the task */
    }
#if ASYNC_DEBUG
    async_debug_finish_(loop, task);
#endif
#if ASYNC_FAST_
    if (task->joiners != NULL && task->joiners->next == task->joiners
        && task->joiners->state != ASYNC_WATCH_) {
        async_wake_(ASYNC_TASK_(task->joiners), result);    /* just one */
        return;
    }
#endif
    if (task->joiners != NULL) {
        ASYNC_HOOKED_(tell, async_tell_)(task, result);
    }
}

ASYNC_API bool async_done(const async_task *task)
{
    return task != NULL && async_state_(task) == ASYNC_DONE_;
}

ASYNC_API int async_result(const async_task *task)
{
    if (task == NULL) {
        return ASYNC_EINVAL;
    }
    return async_state_(task) == ASYNC_DONE_ ? task->timer.u.result
                                             : ASYNC_PENDING;
}

ASYNC_API async_task *async_current(void)
{
    return async_this_task_;
}

ASYNC_API int async_on_done(async_task *task, async_watch *watch,
                            async_watch_fn fn)
{
    if (task == NULL || watch == NULL || fn == NULL
        || async_state_(task) == ASYNC_IDLE_) {
        return ASYNC_EINVAL;
    }
    if (watch->node.state == ASYNC_WATCH_) {
        return ASYNC_EALREADY;
    }
    watch->fn = fn;
    if (async_state_(task) == ASYNC_DONE_) {
        fn(watch, task);
        return 0;
    }
    ASYNC_HOOK_(tell, async_tell_);
    watch->node.state = ASYNC_WATCH_;
    async_ring_append_(&task->joiners, &watch->node);
    return 0;
}

/* ---- turns --------------------------------------------------------------- */

/* A task that returned PENDING runs on next turn, unless it is parked. */
static void async_requeue_(async_loop *loop, async_task *task)
{
    unsigned state = async_state_(task);

    if (state == ASYNC_YIELDED_ || state == ASYNC_RUNNING_) {
        async_ready_(loop, task);
    }
}

/* Run once each task that is ready now. The queue is cut where it ends at
 * this moment; what becomes ready meanwhile starts the next one. */
ASYNC_HOT_ void async_run_ready_(async_loop *loop)
{
    async_node *node = loop->head;
    async_node *next;
    async_node **end = loop->tail;

    if (end == &loop->head) {
        return;
    }
    loop->tail = &loop->head;
    for (;; node = next) {
        async_task *task = ASYNC_TASK_(node);
        async_status rc;

        next = node->next;
        async_this_task_ = task;
#if ASYNC_DEBUG
        async_debug_resume_(loop, task);
#endif
        rc = task->fn(task->frame);
#if ASYNC_DEBUG
        async_debug_suspended_(loop, task);
#endif
        if (ASYNC_LIKELY_(rc == ASYNC_PENDING)) {
            if (ASYNC_LIKELY_(task->timer.node.state == ASYNC_YIELDED_)) {
                async_ready_(loop, task);
            } else {
                async_requeue_(loop, task);
            }
        } else {
#if ASYNC_DEBUG
            async_debug_returned_(task);
#endif
            async_finish_(loop, task, rc);
        }
        if (&node->next == end) {
            break;
        }
    }
}

static void async_expire_(async_loop *loop)
{
    async_ticks now = async_now();
    async_timer *timer;

    while ((timer = async_timer_due_(&loop->timers, now)) != NULL) {
        if (timer->node.state == ASYNC_ALARM_) {
            async_alarm_ *alarm = (async_alarm_ *)(void *)timer;

            alarm->fire(alarm, now);
        } else {
            async_wake_(ASYNC_TASK_(timer), 0);
        }
    }
}

/* Could anything but a ready task or a timer bring work? */
static bool async_awaits_outside_(const async_loop *loop)
{
#if ASYNC_HOSTED
    if (async_port_waits_(loop)) {
        return true;
    }
#endif
    return loop->irqs != NULL;
}

/* How long until something is due, seen from now: the turn took its time. */
static async_duration async_until_due_(async_loop *loop)
{
    async_ticks next, passed;

    if (!ASYNC_NONE_READY_(loop) || ASYNC_ATOMIC_LOAD_(&loop->notified) != 0) {
        return 0;
    }
    if (ASYNC_TIMERS_EMPTY_(&loop->timers)) {
        return ASYNC_NEVER;
    }
    next = async_timer_next_(&loop->timers);
    passed = (async_ticks)(ASYNC_CLOCK() - loop->timers.base);
    next = next > passed ? (async_ticks)(next - passed) : 0;
    return next < ASYNC_NEVER ? (async_duration)next : ASYNC_NEVER - 1;
}

/* Gather what came from outside, after sleeping for at most `wait`. */
static void async_collect_(async_loop *loop, async_duration wait)
{
#if ASYNC_HOSTED
    if (wait != 0 || loop->fds != NULL) {
        ASYNC_IDLE(loop, wait);
    }
#else
    if (wait != 0) {
        ASYNC_LOCK();
        if (loop->notified == 0) {
            ASYNC_IDLE(loop, wait);
        }
        ASYNC_UNLOCK();
    }
#endif
    loop->fresh = false;
    if (ASYNC_ATOMIC_LOAD_(&loop->notified) != 0) {
        (void)ASYNC_ATOMIC_SWAP_(&loop->notified, 0);
        ASYNC_HOOKED_(dispatch, async_irq_dispatch_)(loop);
    }
    if (!ASYNC_TIMERS_EMPTY_(&loop->timers)) {
        async_expire_(loop);
    }
}

/* Nothing is ready: sleep until something may be. False, with *rc, if that can
 * never be. */
static bool async_sleep_on_(async_loop *loop, int *rc)
{
    async_duration wait = async_until_due_(loop);

    if (loop->alive == 0) {
        *rc = 0;
        return false;
    }
    if (wait == ASYNC_NEVER && !async_awaits_outside_(loop)) {
        *rc = ASYNC_EDEADLK;
        return false;
    }
    async_collect_(loop, wait);
    return true;
}

/* Is there anything to look at before the next turn? */
static bool async_outside_(const async_loop *loop)
{
#if ASYNC_HOSTED
    if (loop->fds != NULL) {
        return true;
    }
#endif
    return ASYNC_ATOMIC_LOAD_(&loop->notified) != 0
        || !ASYNC_TIMERS_EMPTY_(&loop->timers);
}

static int async_turns_(async_loop *loop)
{
    int rc = ASYNC_EINTR;

    loop->running = true;
    while (loop->stop == ASYNC_GO_ON_) {
        if (ASYNC_NONE_READY_(loop)) {
            if (!async_sleep_on_(loop, &rc)) {
                break;
            }
        } else if (async_outside_(loop)) {
            async_collect_(loop, 0);
        } else {
            loop->fresh = false;
        }
        async_run_ready_(loop);
    }
    async_this_task_ = NULL;
    loop->running = false;
    loop->fresh = false;
    return rc;
}

ASYNC_API int async_loop_run(async_loop *loop, const async_task *until)
{
    async_loop *before = async_this_loop_;
    int rc;

    if (loop == NULL) {
        return ASYNC_EINVAL;
    }
    if (loop->running || async_this_task_ != NULL
        || (before != NULL && before->running)) {
        return ASYNC_EBUSY;
    }
    if (until != NULL && async_state_(until) == ASYNC_IDLE_) {
        return ASYNC_EINVAL;
    }
    async_this_loop_ = loop;
    if (until != NULL && async_done(until)) {
        rc = until->timer.u.result;
    } else {
        loop->u.until = until;
        rc = async_turns_(loop);
#if ASYNC_DEBUG
        if (rc == ASYNC_EDEADLK) {
            async_debug_deadlock_(loop);
        }
#endif
        if (loop->stop == ASYNC_ENDED_RUN_) {
            rc = loop->u.result;
        }
        loop->u.until = NULL;
        loop->stop = ASYNC_GO_ON_;
    }
    async_this_loop_ = before;
    return rc;
}

ASYNC_API async_duration async_loop_step(async_loop *loop)
{
    async_loop *before = async_this_loop_;
    async_task *task = async_this_task_;    /* of a loop that this interrupts */
#if ASYNC_DEBUG
    async_frame *innermost = async_innermost_;
#endif
    async_duration wait;

    if (loop == NULL || loop->running) {
#if ASYNC_DEBUG
        async_debug_misuse_("async_loop_step", "no loop, or one that runs");
#endif
        return ASYNC_NEVER;
    }
    async_this_loop_ = loop;
    loop->running = true;
    async_collect_(loop, 0);
    async_run_ready_(loop);
    loop->running = false;
    loop->fresh = false;
    wait = async_until_due_(loop);
    async_this_task_ = task;
#if ASYNC_DEBUG
    async_innermost_ = innermost;
#endif
    async_this_loop_ = before;
    return wait;
}

ASYNC_API void async_loop_stop(async_loop *loop)
{
    if (loop != NULL && loop->stop == ASYNC_GO_ON_) {
        loop->stop = ASYNC_STOPPED_;
    }
}

/* ---- opening and closing ------------------------------------------------- */

ASYNC_API int async_loop_open(async_loop *loop)
{
    if (loop == NULL) {
        return ASYNC_EINVAL;
    }
    loop->head = NULL;
    loop->tail = &loop->head;
    loop->running = false;
    loop->lists = NULL;
    loop->irqs = NULL;
    loop->u.until = NULL;
    loop->alive = 0;
    loop->fresh = false;
    loop->stop = ASYNC_GO_ON_;
    loop->notified = 0;
#if ASYNC_HOSTED
    loop->round = 0;
    loop->left = 0;
    loop->fds = NULL;
#endif
#if ASYNC_DEBUG
    loop->all = NULL;
    loop->calls = NULL;
#endif
    async_timers_open_(&loop->timers, ASYNC_CLOCK());
    if (async_this_loop_ == NULL) {
        async_this_loop_ = loop;
    }
    return 0;
}

ASYNC_API async_loop *async_loop_use(async_loop *loop)
{
    async_loop *before = async_this_loop_;

    async_this_loop_ = loop;
    return before;
}

static void async_cancel_timer_(async_timer *timer)
{
    if (timer->node.state != ASYNC_ALARM_) {
        async_cancel(ASYNC_TASK_(timer));
    }
}

/* A task that joins this one, or NULL: callbacks stand in the same ring. */
static async_node *async_joiner_(const async_task *task)
{
    async_node *node = task->joiners;

    while (node != NULL && node->state == ASYNC_WATCH_) {
        node = node->next == task->joiners ? NULL : node->next;
    }
    return node;
}

/* Strike a task that may be waiting for others. Each of those is struck for its
 * own part, so this one does not pass the strike on: that would be their second
 * one, and interrupt their cleanup. One that waits with a strike pending is
 * woken by this one, too, or it would stay where it is. */
static void async_cancel_waiter_(async_node *node)
{
    node->state &= (async_mark_)~ASYNC_PENDING_;
    async_cancel(ASYNC_TASK_(node));
    node->state |= ASYNC_FORWARDED_;
}

/* Strike all who wait in a list. They leave it, but for those that are deaf:
 * these are passed by, turning the ring, until it has come round. */
static void async_cancel_listed_(async_list *list)
{
    const async_node *last = list->tail;
    async_node *node;

    do {
        node = list->tail->next;
        if (async_state_(ASYNC_TASK_(node)) == ASYNC_DEAF_) {
            list->tail = node;
        }
        async_cancel_waiter_(node);
    } while (node != last);
}

/* Strike every task once. Those that are parked where the loop can see move to
 * the ready queue by it, so that at last a walk along the queue finds those
 * who join them, and those who join these. */
static void async_cancel_found_(async_loop *loop)
{
    struct async_irq *irq;
    async_node *node;
    async_list *list, *next;

    for (list = loop->lists; list != NULL; list = next) {
        next = list->next;
        async_cancel_listed_(list);
    }
    async_timer_each_(&loop->timers, async_cancel_timer_);
    for (irq = loop->irqs; irq != NULL; irq = irq->next) {
        async_cancel(irq->waiter);
    }
#if ASYNC_HOSTED
    async_port_cancel_all_(loop);
#endif
    if (ASYNC_NONE_READY_(loop)) {
        return;
    }
    for (node = loop->head;; node = node->next) {
        async_task *task = ASYNC_TASK_(node);
        async_node *joiner;

        async_cancel(task);
        while ((joiner = async_joiner_(task)) != NULL) {
            async_cancel_waiter_(joiner);
        }
        if (&node->next == loop->tail) {
            break;
        }
    }
}

/* In rounds: a task that cleans up may spawn others, which the next round
 * strikes; and one that waits in its cleanup for what nothing can bring is
 * struck again. A program that answers every round with more of them is given
 * up on, rather than followed for ever. */
#define ASYNC_ROUNDS_ 100
#if ASYNC_HOSTED
#define ASYNC_ROUND_GOES_ON_(loop) ((loop)->left != 0)
#else
#define ASYNC_ROUND_GOES_ON_(loop) ((loop)->alive != 0)
#endif

ASYNC_API int async_loop_cancel_all(async_loop *loop)
{
    async_loop *before = async_this_loop_;
    int rounds = 0;
    int rc = 0;

    if (loop == NULL) {
        return ASYNC_EINVAL;
    }
    if (loop->running || (before != NULL && before->running)) {
        return ASYNC_EBUSY;
    }
    async_this_loop_ = loop;
    while (loop->alive != 0 && rounds++ != ASYNC_ROUNDS_) {
#if ASYNC_HOSTED
        loop->round++;
        loop->left = loop->alive;
#endif
        async_cancel_found_(loop);
        do {                            /* whatever the cleanups stop */
            loop->stop = ASYNC_GO_ON_;
            rc = async_turns_(loop);
        } while (rc == ASYNC_EINTR && ASYNC_ROUND_GOES_ON_(loop));
    }
    loop->stop = ASYNC_GO_ON_;
    async_this_loop_ = before;
    if (loop->alive == 0) {
        return 0;
    }
    return rc < 0 ? rc : ASYNC_EBUSY;
}

ASYNC_API int async_loop_close(async_loop *loop)
{
    int rc;

    if (loop == NULL) {
        return ASYNC_EINVAL;
    }
    if (loop->running) {
        return ASYNC_EBUSY;
    }
    rc = loop->alive == 0 ? 0 : ASYNC_EBUSY;
#if ASYNC_HOSTED
    {
        int err = async_port_close_(loop);

        rc = err < 0 ? err : rc;
    }
#endif
    if (async_this_loop_ == loop) {
        async_this_loop_ = NULL;
    }
    return rc;
}

ASYNC_API int async_run_(async_fn fn, void *frame
#if ASYNC_DEBUG
                         , const char *name, const char *file, int line
#endif
                         )
{
    async_loop *before = async_this_loop_;
    async_loop loop;
    async_task task;
    int rc, err;

    if (before != NULL && before->running) {
        return ASYNC_EBUSY;
    }
    rc = async_loop_open(&loop);
    if (rc < 0) {
        return rc;
    }
    task.timer.node.state = ASYNC_IDLE_;
    async_this_loop_ = &loop;
    rc = async_spawn_(&loop, &task, fn, frame
#if ASYNC_DEBUG
                      , name, file, line
#endif
                      );
    if (rc == 0) {
        rc = async_loop_run(&loop, &task);
    }
    err = async_loop_cancel_all(&loop);
    if (err < 0 && rc >= 0) {
        rc = err;
    }
    err = async_loop_close(&loop);
    if (err < 0 && rc >= 0) {
        rc = err;
    }
    async_this_loop_ = before;
    return rc;
}
/* ===========================================================================
 * join: waiting for the end of another task.
 * ======================================================================== */

#if ASYNC_DEBUG
static void async_join_check_(const char *operation, const async_task *target)
{
    if (async_state_(async_this_task_) == ASYNC_RUNNING_ && target != NULL
        && async_state_(target) > ASYNC_DONE_
        && target->loop != async_this_loop_) {
        async_debug_misuse_(operation, "the task is another loop's");
    }
}
#else
#define async_join_check_(operation, target) ((void)0)
#endif

/* Would `target`, by what it joins, and that joins, wait for `task`? */
static bool async_joins_(const async_task *target, const async_task *task)
{
    while (target != task && async_state_(target) == ASYNC_JOINING_) {
        target = (const async_task *)(const void *)
            ((const char *)target->timer.u.ring
             - offsetof(async_task, joiners));
    }
    return target == task;
}

/* What both kinds of join have in common. True when it is over, with *rc. */
static bool async_joined_(async_task *task, async_task *target,
                          async_status *rc)
{
    if (async_granted_(task)) {
        *rc = task->timer.u.result;
    } else if (target == NULL || async_state_(target) == ASYNC_IDLE_) {
        *rc = ASYNC_EINVAL;
    } else if (async_joins_(target, task)) {
        *rc = ASYNC_EDEADLK;
    } else if (async_state_(target) == ASYNC_DONE_) {
        *rc = target->timer.u.result;
    } else {
        return false;
    }
    async_set_state_(task, ASYNC_RUNNING_);
    return true;
}

/* It has not ended, and does not itself join another. */
static bool async_runs_(const async_task *target)
{
    unsigned state = async_state_(target);

    return state > ASYNC_DONE_ && state != ASYNC_JOINING_;
}

static async_status async_join_(async_task *target)
{
    ASYNC_WAITS_("async_join", target);
    ASYNC_HOOK_(tell, async_tell_);
    return async_link_(&target->joiners, ASYNC_JOINING_);
}

/* Whatever is not usual: apart, so that the usual needs no stack. */
ASYNC_APART_ async_status async_join_any_(async_task *task,
                                          async_task *target)
{
    async_mark_ *state = &task->timer.node.state;
    async_status rc;

    if (async_state_(task) == ASYNC_RUNNING_) {     /* passed on elsewhere */
        *state = (async_mark_)(*state & ~(unsigned)ASYNC_FORWARDED_);
    }
    if (async_joined_(task, target, &rc)) {
        *state = (async_mark_)(*state & ~(unsigned)ASYNC_FORWARDED_);
        /* Struck, and the task ended cancelled: they go together, whether the
         * strike was passed on or somebody struck both. */
        return rc == ASYNC_ECANCELED && ASYNC_STRUCK_P_(task)
            ? async_deliver_(task) : rc;
    }
    if ((*state & (ASYNC_STRIKE_ | ASYNC_FORWARDED_)) == ASYNC_STRIKE_) {
        *state = (async_mark_)(*state | ASYNC_FORWARDED_);
        async_cancel(target);
    }
    return async_join_(target);
}

ASYNC_API async_status async_join(async_task *target)
{
    async_task *task = async_self_();
    async_mark_ *state = &task->timer.node.state;

    async_join_check_("async_join", target);
    if (ASYNC_LIKELY_(*state == ASYNC_READY_)) {    /* the usual end */
        *state = ASYNC_RUNNING_;
        return task->timer.u.result;
    }
    if (ASYNC_LIKELY_(*state == ASYNC_RUNNING_ && target != NULL
                      && target != task && async_runs_(target))) {
        return async_join_(target);                 /* the usual beginning */
    }
    return async_join_any_(task, target);
}

ASYNC_API async_status async_shield(async_task *target)
{
    async_task *task = async_self_();
    async_status rc;

    async_join_check_("async_shield", target);
    if (async_joined_(task, target, &rc)) {
        return rc;
    }
    if (ASYNC_STRUCK_P_(task)) {
        return async_deliver_(task);
    }
    ASYNC_WAITS_("async_shield", target);
    ASYNC_HOOK_(tell, async_tell_);
    return async_link_(&target->joiners, ASYNC_JOINING_);
}
/* ===========================================================================
 * future: a result that somebody sets and others await.
 * ======================================================================== */

ASYNC_API int async_future_set(async_future *future, int result)
{
    if (future == NULL || result <= ASYNC_CANCEL) {
        return ASYNC_EINVAL;
    }
    if (future->set) {
        return ASYNC_EALREADY;
    }
    future->set = true;
    future->result = result;
    while (async_wake_one_(&future->waiters, result)) {
    }
    return 0;
}

ASYNC_API async_status async_future_wait(async_future *future)
{
    async_task *task = async_self_();

    if (async_granted_(task)) {         /* by value: the future may be gone */
        return task->timer.u.result;
    }
    if (future == NULL) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    if (future->set) {
        return async_settle_(task, future->result);
    }
    ASYNC_WAITS_("async_future_wait", future);
    return async_wait_(&future->waiters);
}
/* ===========================================================================
 * sleep: the clock of a turn, and sleeping.
 * ======================================================================== */

static async_ticks async_loop_now_(async_loop *loop)
{
    if (!loop->fresh) {
        loop->now = ASYNC_CLOCK();
        loop->fresh = loop->running;    /* between turns time goes on */
        if (ASYNC_TIMERS_EMPTY_(&loop->timers)) {
            loop->timers.base = loop->now;
        }
    }
    return loop->now;
}

ASYNC_API async_ticks async_now(void)
{
#if ASYNC_DEBUG
    if (async_this_loop_ == NULL) {
        async_debug_misuse_("async_now", "no loop is current");
    }
#endif
    return async_loop_now_(async_this_loop_);
}

/* Rules of the operation: see task.h. */
static async_status async_sleep_to_(async_task *task, async_ticks deadline)
{
    if (ASYNC_STRUCK_P_(task)) {
        return async_deliver_(task);
    }
    task->timer.u.deadline = deadline;
    async_set_state_(task, ASYNC_SLEEPING_);
    async_timer_add_(&async_this_loop_->timers, &task->timer);
    ASYNC_WAITS_("async_sleep", NULL);
    ASYNC_LEAF_(task);
    return ASYNC_PENDING;
}

/* Struck while it slept, but the time was over before it could say so? */
static bool async_slept_(async_task *task)
{
    if (async_state_(task) == ASYNC_STRUCK_
        && (async_duration)(ASYNC_NOW_() - task->timer.u.deadline) >= 0) {
        async_set_state_(task, ASYNC_RUNNING_);
        return true;
    }
    return async_granted_(task);
}

ASYNC_API async_status async_sleep(async_duration duration)
{
    async_task *task = async_self_();

    if (async_slept_(task)) {
        return 0;
    }
    if (duration <= 0) {
        return async_yield();
    }
    return async_sleep_to_(task, (async_ticks)(ASYNC_NOW_()
                                               + (async_ticks)duration));
}

ASYNC_API async_status async_sleep_until(async_ticks time)
{
    async_task *task = async_self_();

    if (async_slept_(task)) {
        return 0;
    }
    if ((async_duration)(time - ASYNC_NOW_()) <= 0) {
        return async_yield();
    }
    return async_sleep_to_(task, time);
}
/* ===========================================================================
 * call: an alarm that calls the user's function.
 * ======================================================================== */

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
    call->alarm.timer.node.state = ASYNC_ALARM_;
    call->alarm.timer.u.deadline =
        (async_ticks)(async_now() + (async_ticks)(duration > 0 ? duration : 1));
    async_timer_add_(&async_this_loop_->timers, &call->alarm.timer);
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
        async_timer_remove_(&async_this_loop_->timers, &call->alarm.timer);
        async_call_forget_(call);
    }
    return 1;
}
/* ===========================================================================
 * interval: when the next tick is due.
 * ======================================================================== */

ASYNC_API int async_interval_open(async_interval *interval,
                                  async_duration period, int mode)
{
    if (interval == NULL || period <= 0 || mode < ASYNC_SKIP
        || mode > ASYNC_DELAY) {
        return ASYNC_EINVAL;
    }
    if (async_this_loop_ == NULL) {
        return ASYNC_EPERM;
    }
    interval->period = period;
    interval->mode = (unsigned char)mode;
    interval->next = (async_ticks)(async_now() + (async_ticks)period);
    return 0;
}

/* A tick was taken: the next one. Returns for how many it stands. */
static int async_interval_advance_(async_interval *interval)
{
    async_ticks period = (async_ticks)interval->period;
    async_ticks now = async_now();
    async_ticks missed;

    interval->next = (async_ticks)(interval->next + period);
    if ((async_duration)(now - interval->next) < 0
        || interval->mode == ASYNC_BURST) {
        return 1;
    }
    if (interval->mode == ASYNC_DELAY) {
        interval->next = (async_ticks)(now + period);
        return 1;
    }
    missed = (async_ticks)((async_ticks)(now - interval->next) / period + 1);
    interval->next = (async_ticks)(interval->next + missed * period);
    return missed < 32767 ? (int)missed + 1 : 32767;
}

ASYNC_API async_status async_interval_wait(async_interval *interval)
{
    async_task *task = async_self_();
    async_status rc;

    if (interval == NULL || interval->period <= 0) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    rc = async_sleep_until(interval->next);
    return rc == 0 ? async_interval_advance_(interval) : rc;
}
/* ===========================================================================
 * scope: striking a task from around it, and what a strike turns into.
 * ======================================================================== */

/* What hangs over the task will be delivered inside, if at all. */
ASYNC_API void async_scope_enter_struck_(async_scope_ *scope)
{
    async_node *node = &scope->task->timer.node;
    const async_scope_ *up;

    if ((node->state & ASYNC_PENDING_) != 0) {
        node->state |= ASYNC_CANCELED_;
    }
    for (up = scope->up; up != NULL; up = up->up) {
        if ((up->fired & ASYNC_FIRED_) != 0) {
            scope->fired = ASYNC_UNDER_;
        }
    }
}

/* A strike that was passed on to a joined task does not stand for this one. */
ASYNC_API void async_scope_strike_(async_scope_ *scope)
{
    async_node *node = &scope->task->timer.node;
    async_scope_ *inner;

    for (inner = scope->task->scopes; inner != scope; inner = inner->up) {
        inner->fired |= ASYNC_UNDER_;
    }
    scope->fired |= ASYNC_FIRED_;
    node->state = (async_mark_)((node->state | ASYNC_STRIKE_)
                                  & ~(unsigned)ASYNC_FORWARDED_);
    async_strike_(scope->task);
}

ASYNC_API async_status async_scope_settle_(async_scope_ *scope, async_status rc,
                                           async_status becomes)
{
    async_node *node = &scope->task->timer.node;
    const async_scope_ *up;
    bool outer = false;             /* has a scope around it yet to strike? */
    bool undelivered;

    if (!async_scope_fired_(scope)) {
        return rc;
    }
    for (up = scope->up; up != NULL; up = up->up) {
        outer = outer || (up->fired & ASYNC_FIRED_) != 0;
    }
    undelivered = outer || (node->state & ASYNC_PENDING_) != 0;
    outer = outer || (scope->fired & ASYNC_UNDER_) != 0;
    if (rc == ASYNC_CANCEL && !outer && (node->state & ASYNC_CANCELED_) == 0) {
        rc = becomes;
    }
    if (!undelivered) {             /* this scope's own strike goes with it */
        node->state = (async_mark_)
            (node->state & ~(unsigned)(ASYNC_STRIKE_ | ASYNC_FORWARDED_));
    }
    return rc;
}
/* ===========================================================================
 * timeout: deadlines that strike the task that set them.
 * ======================================================================== */

static bool async_queued_(const async_timeout *timeout)
{
    return timeout->alarm.timer.node.state == ASYNC_ALARM_;
}

/* Times are told by their distance from the queue's base, as in the queue:
 * this loop may be late by nearly half the range. */
static void async_timeout_fire_(async_alarm_ *alarm, async_ticks now)
{
    async_timeout *timeout = (async_timeout *)(void *)alarm;
    async_ticks base = async_this_loop_->timers.base;

    if ((async_ticks)(timeout->deadline - base) > (async_ticks)(now - base)) {
        /* It moved meanwhile. */
        timeout->alarm.timer.u.deadline = timeout->deadline;
        async_timer_add_(&async_this_loop_->timers, &timeout->alarm.timer);
        return;
    }
    timeout->alarm.timer.node.state = 0;
    async_scope_strike_(&timeout->scope);
}

ASYNC_API void async_timeout_arm_(async_timeout *timeout)
{
    timeout->alarm.fire = async_timeout_fire_;
    timeout->alarm.timer.u.deadline = timeout->deadline;
    timeout->alarm.timer.node.state = ASYNC_ALARM_;
    async_timer_add_(&async_this_loop_->timers, &timeout->alarm.timer);
}

static void async_timeout_disarm_(async_timeout *timeout)
{
    if (async_queued_(timeout)) {
        async_timer_remove_(&async_this_loop_->timers, &timeout->alarm.timer);
    }
    timeout->alarm.timer.node.state = 0;
}

/* Apart, so that the rest needs no stack. */
ASYNC_APART_ void async_timeout_open_late_(async_timeout *timeout,
                                           async_duration duration)
{
    (void)async_now();
    async_timeout_open_(timeout, duration);
}

ASYNC_API void async_timeout_open_(async_timeout *timeout,
                                   async_duration duration)
{
    async_task *task = async_self_();

    if (!async_this_loop_->fresh) {
        async_timeout_open_late_(timeout, duration);
        return;
    }
    async_scope_enter_(&timeout->scope, task);
    timeout->alarm.timer.node.state = ASYNC_UNARMED_;
    timeout->deadline = (async_ticks)(async_this_loop_->now
                                    + (async_ticks)duration);
    if (duration <= 0 || duration == ASYNC_NEVER) {
        timeout->alarm.timer.node.state = 0;
        if (duration <= 0) {
            timeout->scope.fired |= ASYNC_POLLS_;
            async_scope_strike_(&timeout->scope);
        }
    }
}

ASYNC_API async_status async_timeout_leave_(async_timeout *timeout,
                                            async_status rc)
{
#if ASYNC_DEBUG
    if (timeout->scope.task == NULL) {
        async_debug_misuse_("a timeout", "left twice: it is in two places");
    }
    if (timeout->scope.task->scopes != &timeout->scope) {
        async_debug_misuse_("a timeout", "left before another one inside it");
    }
#endif
    async_timeout_disarm_(timeout);
    return async_scope_leave_(&timeout->scope, rc, ASYNC_ETIMEDOUT);
}

static ASYNC_NOINLINE_ int async_timeout_move_(async_timeout *timeout,
                                               async_duration duration)
{
    if (timeout == NULL || timeout->scope.task == NULL) {
        return ASYNC_EINVAL;
    }
    if (async_scope_fired_(&timeout->scope)) {
        return ASYNC_EALREADY;
    }
    async_timeout_disarm_(timeout);
    if (duration <= 0) {
        async_scope_strike_(&timeout->scope);
    } else if (duration != ASYNC_NEVER) {
        timeout->deadline = (async_ticks)(async_now() + (async_ticks)duration);
        async_timeout_arm_(timeout);
    }
    return 0;
}

ASYNC_API int async_timeout_reschedule(async_timeout *timeout,
                                       async_duration duration)
{
    if (timeout != NULL && async_queued_(timeout) && async_this_loop_->fresh
        && duration > 0 && duration != ASYNC_NEVER) {
        async_ticks deadline = (async_ticks)(async_this_loop_->now
                                             + (async_ticks)duration);

        if ((async_duration)(deadline - timeout->alarm.timer.u.deadline) >= 0) {
            timeout->deadline = deadline;     /* fire_ will look at it again */
            return 0;
        }
    }
    return async_timeout_move_(timeout, duration);
}

ASYNC_API bool async_timeout_expired(const async_timeout *timeout)
{
    return timeout != NULL && async_scope_fired_(&timeout->scope);
}
/* ===========================================================================
 * irq: counting events from outside, and waking the tasks that wait for them.
 * ======================================================================== */

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
    ASYNC_HOOK_(dispatch, async_irq_dispatch_);
    irq->loop = async_this_loop_;
    return 0;
}

#if ASYNC_ATOMICS_

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
}

static async_irq_count async_irq_take_(async_irq *irq)
{
    return ASYNC_ATOMIC_SWAP_(&irq->count, 0);
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
        if (ASYNC_ATOMIC_LOAD_(&irq->count) != 0
            && async_state_(irq->waiter) == ASYNC_LINKED_) {
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
/* ===========================================================================
 * event: a flag that tasks wait for.
 * ======================================================================== */

ASYNC_API int async_event_set(async_event *event)
{
    if (event == NULL) {
        return ASYNC_EINVAL;
    }
    event->set = true;
    while (async_wake_one_(&event->waiters, 0)) {
    }
    return 0;
}

ASYNC_API int async_event_clear(async_event *event)
{
    if (event == NULL) {
        return ASYNC_EINVAL;
    }
    event->set = false;
    return 0;
}

ASYNC_API bool async_event_is_set(const async_event *event)
{
    return event != NULL && event->set;
}

ASYNC_API async_status async_event_wait(async_event *event)
{
    async_task *task = async_self_();

    if (async_granted_(task)) {         /* it may have been cleared since */
        return 0;
    }
    if (event == NULL) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    if (event->set) {
        return async_settle_(task, 0);
    }
    ASYNC_WAITS_("async_event_wait", event);
    return async_wait_(&event->waiters);
}
/* ===========================================================================
 * lock: mutual exclusion of tasks across their awaits.
 * ======================================================================== */

ASYNC_API async_status async_lock_acquire(async_lock *lock)
{
    async_task *task = async_self_();

    if (async_granted_(task)) {         /* the release made it the owner */
        return 0;
    }
    if (lock == NULL) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    if (lock->owner == task) {
        return async_settle_(task, ASYNC_EDEADLK);
    }
    if (lock->owner == NULL) {
        lock->owner = task;
        return async_settle_(task, 0);
    }
#if ASYNC_DEBUG
    if (async_done(lock->owner)) {
        async_debug_misuse_("async_lock_acquire", "the task that holds the "
                            "lock has ended without releasing it");
    }
#endif
    ASYNC_WAITS_("async_lock_acquire", lock);
    return async_wait_(&lock->waiters);
}

ASYNC_API int async_lock_try(async_lock *lock)
{
    if (lock == NULL) {
        return ASYNC_EINVAL;
    }
    if (async_this_task_ == NULL) {
        return ASYNC_EPERM;
    }
    if (lock->owner != NULL) {
        return ASYNC_EAGAIN;
    }
    lock->owner = async_this_task_;
    return 0;
}

ASYNC_API int async_lock_release(async_lock *lock)
{
    async_task *next = NULL;
    int result = 0;

    if (lock == NULL) {
        return ASYNC_EINVAL;
    }
    if (lock->owner == NULL || lock->owner != async_this_task_) {
        return ASYNC_EPERM;
    }
    if (lock->waiters.tail != NULL) {
        next = ASYNC_TASK_(lock->waiters.tail->next);
        if (async_state_(next) == ASYNC_DEAF_) {
            result = next->timer.u.result;      /* see condition.c */
        }
    }
    lock->owner = next;
    (void)async_wake_one_(&lock->waiters, result);
    return 0;
}

ASYNC_API bool async_lock_locked(const async_lock *lock)
{
    return lock != NULL && lock->owner != NULL;
}
/* ===========================================================================
 * semaphore: a number of permits that tasks take and give back.
 * ======================================================================== */

ASYNC_API int async_semaphore_open(async_semaphore *semaphore, int permits)
{
    if (semaphore == NULL || permits < 0) {
        return ASYNC_EINVAL;
    }
    semaphore->waiters.tail = NULL;
    semaphore->value = permits;
    semaphore->short_of = 0;
    return 0;
}

ASYNC_API int async_semaphore_open_bounded(async_semaphore *semaphore,
                                           int permits)
{
    int rc = async_semaphore_open(semaphore, permits);

    if (rc == 0) {
        semaphore->short_of = INT_MAX - permits;
    }
    return rc;
}

ASYNC_API int async_semaphore_try(async_semaphore *semaphore)
{
    if (semaphore == NULL) {
        return ASYNC_EINVAL;
    }
    if (semaphore->value == 0) {
        return ASYNC_EAGAIN;
    }
    semaphore->value--;
    return 0;
}

ASYNC_API async_status async_semaphore_acquire(async_semaphore *semaphore)
{
    async_task *task = async_self_();
    int rc;

    if (async_granted_(task)) {         /* a release gave it its permit */
        return 0;
    }
    rc = async_semaphore_try(semaphore);
    if (rc != ASYNC_EAGAIN) {
        return async_settle_(task, rc);
    }
    ASYNC_WAITS_("async_semaphore_acquire", semaphore);
    return async_wait_(&semaphore->waiters);
}

ASYNC_API int async_semaphore_release(async_semaphore *semaphore)
{
    if (semaphore == NULL) {
        return ASYNC_EINVAL;
    }
    if (semaphore->value >= INT_MAX - semaphore->short_of) {
        return ASYNC_EOVERFLOW;
    }
    if (!async_wake_one_(&semaphore->waiters, 0)) {
        semaphore->value++;
    }
    return 0;
}

ASYNC_API int async_semaphore_value(const async_semaphore *semaphore)
{
    return semaphore == NULL ? ASYNC_EINVAL : semaphore->value;
}
/* ===========================================================================
 * condition: waiting, under a lock, for a change of what it protects.
 *
 * A wait has two phases. In the first its task stands in the condition's list,
 * and a notification or a strike ends it. In the second it waits for the lock,
 * deaf to strikes, with the result of the whole in its task: 0 or ASYNC_CANCEL.
 * The lock's release leaves that as it is, and makes the task the owner. So the
 * owner tells a task that is granted something which phase is over.
 * ======================================================================== */

ASYNC_API int async_condition_open(async_condition *condition,
                                   async_lock *lock)
{
    if (condition == NULL || lock == NULL) {
        return ASYNC_EINVAL;
    }
    condition->waiters.tail = NULL;
    condition->lock = lock;
    return 0;
}

/* 0, or what is wrong with a call that needs the lock. */
static int async_condition_check_(const async_condition *condition)
{
    if (condition == NULL || condition->lock == NULL) {
        return ASYNC_EINVAL;
    }
    return condition->lock->owner == NULL
        || condition->lock->owner != async_this_task_ ? ASYNC_EPERM : 0;
}

/* The end of a wait, with its lock. */
static async_status async_condition_end_(async_task *task, int result)
{
    return result == ASYNC_CANCEL ? async_deliver_(task)
                                  : async_settle_(task, 0);
}

/* Into the second phase. */
static async_status async_condition_relock_(async_task *task,
                                            async_lock *lock, int result)
{
    if (lock->owner == NULL) {
        lock->owner = task;
        return async_condition_end_(task, result);
    }
    ASYNC_WAITS_("async_condition_wait", lock);
    (void)async_park_(&lock->waiters);
    async_set_state_(task, ASYNC_DEAF_);
    task->timer.u.result = result;
    return ASYNC_PENDING;
}

ASYNC_API async_status async_condition_wait(async_condition *condition)
{
    async_task *task = async_self_();
    unsigned state = async_state_(task);
    int rc;

    if (state == ASYNC_READY_) {
        if (condition->lock->owner == task) {
            return async_condition_end_(task, task->timer.u.result);
        }
        return async_condition_relock_(task, condition->lock, 0);
    }
    if (state == ASYNC_STRUCK_) {
        return async_condition_relock_(task, condition->lock, ASYNC_CANCEL);
    }
    rc = async_condition_check_(condition);
    if (rc < 0) {
        return async_settle_(task, rc);
    }
    if (ASYNC_STRUCK_P_(task)) {
        return async_deliver_(task);
    }
    ASYNC_WAITS_("async_condition_wait", condition);
    (void)async_park_(&condition->waiters);
    (void)async_lock_release(condition->lock);
    return ASYNC_PENDING;
}

ASYNC_API int async_condition_notify(async_condition *condition, int n)
{
    int rc = async_condition_check_(condition);

    if (rc == 0 && n < 0) {
        rc = ASYNC_EINVAL;
    }
    while (rc >= 0 && rc < n && async_wake_one_(&condition->waiters, 0)) {
        rc++;
    }
    return rc;
}

ASYNC_API int async_condition_notify_all(async_condition *condition)
{
    return async_condition_notify(condition, INT_MAX);
}
/* ===========================================================================
 * barrier: a place where tasks wait until a given number of them is there.
 * ======================================================================== */

static bool async_barrier_opened_(const async_barrier *barrier)
{
    return barrier != NULL && barrier->parties != 0;
}

ASYNC_API int async_barrier_open(async_barrier *barrier, int parties)
{
    if (barrier == NULL || parties < 1) {
        return ASYNC_EINVAL;
    }
    barrier->waiters.tail = NULL;
    barrier->parties = parties;
    barrier->arrived = 0;
    barrier->broken = false;
    return 0;
}

ASYNC_API int async_barrier_waiting(const async_barrier *barrier)
{
    const async_node *node;
    int n = 0;

    if (!async_barrier_opened_(barrier)) {
        return ASYNC_EINVAL;
    }
    node = barrier->waiters.tail;
    if (node != NULL) {
        do {
            n++;
            node = node->next;
        } while (node != barrier->waiters.tail);
    }
    return n;
}

/* Let all go who wait, each with `result`, plus `step` for each before it. */
static int async_barrier_drain_(async_barrier *barrier, int result, int step)
{
    while (async_wake_one_(&barrier->waiters, result)) {
        result += step;
        barrier->arrived--;
    }
    return result;
}

/* Is the running task the last? A waiter that was struck is no longer in the
 * list, but is counted until it says so; hence the second look. */
static bool async_barrier_complete_(const async_barrier *barrier)
{
    return barrier->arrived >= barrier->parties - 1
        && async_barrier_waiting(barrier) == barrier->parties - 1;
}

ASYNC_API async_status async_barrier_wait(async_barrier *barrier)
{
    async_task *task = async_self_();
    async_status rc;

    if (async_granted_(task)) {
        return task->timer.u.result;
    }
    if (!async_barrier_opened_(barrier)) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    if (async_state_(task) == ASYNC_STRUCK_) {
        barrier->arrived--;
    }
    if (barrier->broken) {
        return async_settle_(task, ASYNC_EBROKEN);
    }
    if (async_barrier_complete_(barrier)) {
        return async_settle_(task, async_barrier_drain_(barrier, 0, 1));
    }
    ASYNC_WAITS_("async_barrier_wait", barrier);
    rc = async_wait_(&barrier->waiters);
    if (rc == ASYNC_PENDING) {
        barrier->arrived++;
    }
    return rc;
}

ASYNC_API int async_barrier_reset(async_barrier *barrier)
{
    if (!async_barrier_opened_(barrier)) {
        return ASYNC_EINVAL;
    }
    barrier->broken = false;
    (void)async_barrier_drain_(barrier, ASYNC_EBROKEN, 0);
    return 0;
}

ASYNC_API int async_barrier_abort(async_barrier *barrier)
{
    int rc = async_barrier_reset(barrier);

    if (rc == 0) {
        barrier->broken = true;
    }
    return rc;
}

ASYNC_API bool async_barrier_broken(const async_barrier *barrier)
{
    return barrier != NULL && barrier->broken;
}

ASYNC_API int async_barrier_parties(const async_barrier *barrier)
{
    return async_barrier_opened_(barrier) ? barrier->parties : ASYNC_EINVAL;
}
/* ===========================================================================
 * queue: who waits, who is promised what; and the two simple orders.
 * ======================================================================== */

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

    if (!async_queue_usable_(queue, item)) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    ASYNC_WAITS_("async_queue_put", queue);
    return async_queue_await_(task, queue, (void *)item, true);
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
/* ===========================================================================
 * queue_priority: a queue's items as a binary heap. In a part of its own, for
 * who opens no such queue does not link it.
 * ======================================================================== */

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
/* ===========================================================================
 * wait: waiting for several tasks at once, and leaving them alone.
 * ======================================================================== */

/* The done callback. What is to be known of the task is noted now: a later
 * callback may free it. */
static void async_waiter_ended_(async_watch *watch, async_task *task)
{
    async_waiter *waiter = (async_waiter *)(void *)watch;
    async_wait_set *set = waiter->set;
    int result = task->timer.u.result;
    unsigned flags = set->flags;

    if (result == ASYNC_ECANCELED) {
        set->flags |= ASYNC_ENDED_CANCELED_;
    }
    if ((flags & ASYNC_COUNT_) != 0) {
        set->error += result < 0;
    } else if (result < 0 && set->error == 0
               && ((flags & ASYNC_ONE_) == 0 || set->ended == NULL)
               && ((flags & ASYNC_BUT_CANCELED_) == 0
                   || result != ASYNC_ECANCELED)) {
        set->error = result;
    }
    async_ring_append_(&set->ended, &watch->node);
    set->pending--;
    if (async_waiters_met_(set) || (flags & ASYNC_NEXT_) != 0) {
        (void)async_wake_one_(&set->list, 0);
    }
}

ASYNC_API void async_waiters_leave_(async_wait_set *set, async_waiter *waiters,
                                    int n)
{
    int i;

    for (i = 0; i < n; i++) {
        async_node *node = &waiters[i].watch.node;

        if (node->state == ASYNC_WATCH_ && waiters[i].set == set) {
            async_ring_remove_(&waiters[i].task->joiners, node);
            node->state = ASYNC_IDLE_;
            set->pending--;
        }
    }
    set->ended = NULL;
    set->flags = 0;
}

/* May the set be used with these waiters? Not in the middle of an operation,
 * and not while it watches tasks by others. */
static int async_waiters_check_(const async_wait_set *set,
                                const async_waiter *waiters, int n)
{
    int mine = 0;
    int i;

    if (set == NULL || n < 0 || (waiters == NULL && n != 0)) {
        return ASYNC_EINVAL;
    }
    for (i = 0; i < n; i++) {
        mine += waiters[i].watch.node.state == ASYNC_WATCH_
             && waiters[i].set == set;
    }
    return (set->flags & ASYNC_WAITED_) != 0
           || ((set->flags & ASYNC_NEXT_) != 0 && mine != set->pending)
        ? ASYNC_EBUSY : 0;
}

ASYNC_API int async_waiters_open_(async_wait_set *set, async_waiter *waiters,
                                  int n, int until, unsigned flags)
{
    int rc = async_waiters_check_(set, waiters, n);
    int i;

    for (i = 0; i < n && rc == 0; i++) {
        const async_task *task = waiters[i].task;

        if (task == NULL || async_state_(task) == ASYNC_IDLE_) {
            rc = ASYNC_EINVAL;
        } else if (task == async_this_task_) {
            rc = ASYNC_EDEADLK;
        } else if (waiters[i].watch.node.state == ASYNC_WATCH_
                   && waiters[i].set != set) {
            rc = ASYNC_EBUSY;
        }
    }
    if (rc < 0) {
        return rc;
    }
    async_waiters_leave_(set, waiters, n);
    set->pending = n;
    set->until = until;
    set->error = 0;
    set->flags = (unsigned char)(flags | ASYNC_WAITED_);
    for (i = 0; i < n; i++) {
        waiters[i].set = set;
        (void)async_on_done(waiters[i].task, &waiters[i].watch,
                            async_waiter_ended_);
    }
    return 0;
}

ASYNC_API async_status async_wait(async_wait_set *set, async_waiter *waiters,
                                  int n, int mode)
{
    async_task *task = async_self_();

    if (async_anew_(task)) {
        int rc = n <= 0 || mode < ASYNC_ALL_COMPLETED
                     || mode > ASYNC_FIRST_EXCEPTION
            ? ASYNC_EINVAL
            : async_waiters_open_(set, waiters, n,
                                  mode == ASYNC_FIRST_COMPLETED ? n - 1 : 0,
                                  mode == ASYNC_FIRST_EXCEPTION
                                      ? ASYNC_ON_ERROR_ | ASYNC_BUT_CANCELED_
                                      : 0);

        if (rc < 0) {
            return rc;
        }
    }
    if (async_waiters_met_(set)) {
        int done = n - set->pending;

        async_waiters_leave_(set, waiters, n);
        return async_settle_(task, done);
    }
    if (ASYNC_STRUCK_P_(task)) {
        async_waiters_leave_(set, waiters, n);
        return async_deliver_(task);
    }
    ASYNC_WAITS_("async_wait", set);
    return async_park_(&set->list);
}

ASYNC_API async_status async_next_done(async_wait_set *set,
                                       async_waiter *waiters, int n)
{
    async_task *task = async_self_();
    async_node *node;

    if (async_anew_(task)) {
        if (set == NULL || (set->flags & ASYNC_NEXT_) == 0) {
            int rc = async_waiters_open_(set, waiters, n, 0, ASYNC_NEXT_);

            if (rc < 0) {
                return rc;
            }
        } else if ((set->flags & ASYNC_WAITED_) != 0) {
            return ASYNC_EBUSY;
        }
    }
    node = async_ring_pop_(&set->ended);
    if (node == NULL && set->pending != 0 && !ASYNC_STRUCK_P_(task)) {
        set->flags |= ASYNC_WAITED_;
        ASYNC_WAITS_("async_next_done", set);
        return async_park_(&set->list);
    }
    set->flags = ASYNC_NEXT_;
    if (node != NULL) {
        return async_settle_(task, (int)((async_waiter *)(void *)node
                                         - waiters));
    }
    if (set->pending != 0) {
        return async_deliver_(task);
    }
    set->flags = 0;
    return async_settle_(task, ASYNC_ENOENT);
}

ASYNC_API int async_wait_close(async_wait_set *set, async_waiter *waiters,
                               int n)
{
    int rc = async_waiters_check_(set, waiters, n);

    if (rc == 0) {
        async_waiters_leave_(set, waiters, n);
    }
    return rc;
}
/* ===========================================================================
 * gather: waiting for several tasks at once, and answering for them.
 * ======================================================================== */

static void async_cancel_rest_(async_waiter *waiters, int n)
{
    int i;

    for (i = 0; i < n; i++) {
        if (waiters[i].watch.node.state == ASYNC_WATCH_) {
            async_cancel(waiters[i].task);
        }
    }
}

/* True when all have ended; *rc is then the error, or how many failed. */
static bool async_gathered_(async_wait_set *set, async_waiter *waiters, int n,
                            int until, unsigned flags, async_status *rc)
{
    async_task *task = async_self_();
    async_mark_ *state = &task->timer.node.state;

    if (async_anew_(task)) {
        *state &= (async_mark_)~(unsigned)ASYNC_FORWARDED_;
        *rc = async_waiters_open_(set, waiters, n, until, flags);
        if (*rc < 0) {
            return true;
        }
    }
    if (set->pending != 0) {
        if (async_waiters_met_(set)) {          /* decided: now for the rest */
            set->until = 0;
            set->flags &= (unsigned char)~(unsigned)ASYNC_ON_ERROR_;
            if ((*state & ASYNC_FORWARDED_) == 0) {     /* or struck by that */
                async_cancel_rest_(waiters, n);
            }
        }
        if ((*state & (ASYNC_STRIKE_ | ASYNC_FORWARDED_)) == ASYNC_STRIKE_) {
            *state |= ASYNC_FORWARDED_;
            set->flags &= (unsigned char)~(unsigned)ASYNC_ENDED_CANCELED_;
            async_cancel_rest_(waiters, n);
        }
        *rc = async_park_(&set->list);
        return false;
    }
    /* Struck, and the outcome is a cancel, passed on or not: they go together,
     * as in async_join. */
    *rc = set->error;
    if (ASYNC_STRUCK_P_(task)
        && (*rc == ASYNC_ECANCELED
            || ((*state & ASYNC_FORWARDED_) != 0
                && (set->flags & ASYNC_ENDED_CANCELED_) != 0))) {
        *rc = async_deliver_(task);
    }
    *state &= (async_mark_)~(unsigned)ASYNC_FORWARDED_;
    async_set_state_(task, ASYNC_RUNNING_);
    set->flags = 0;
    return true;
}

ASYNC_API async_status async_gather(async_wait_set *set, async_waiter *waiters,
                                    int n)
{
    async_status rc;

    if (!async_gathered_(set, waiters, n, 0, ASYNC_ON_ERROR_, &rc)) {
        ASYNC_WAITS_("async_gather", set);
    }
    return rc;
}

ASYNC_API async_status async_gather_all(async_wait_set *set,
                                        async_waiter *waiters, int n)
{
    async_status rc;

    if (!async_gathered_(set, waiters, n, 0, ASYNC_COUNT_, &rc)) {
        ASYNC_WAITS_("async_gather_all", set);
    }
    return rc;
}

ASYNC_API async_status async_race(async_wait_set *set, async_waiter *waiters,
                                  int n)
{
    async_status rc;

    if (n == 0) {
        return ASYNC_EINVAL;
    }
    if (!async_gathered_(set, waiters, n, n - 1, ASYNC_ONE_, &rc)) {
        ASYNC_WAITS_("async_race", set);
    } else if (rc == 0) {
        rc = (int)((async_waiter *)(void *)set->ended->next - waiters);
    }
    return rc;
}
/* ===========================================================================
 * pool: a bounded set of background tasks.
 * ======================================================================== */

/* A slot is free (IDLE), taken (UNARMED), or its task runs (WATCH). */

static void async_pool_put_(async_pool *pool, async_slot *slot)
{
    int i = (int)(slot - pool->slots);

    if (pool->takers.tail != NULL) {            /* it stays taken */
        slot->watch.node.state = ASYNC_UNARMED_;
        (void)async_wake_one_(&pool->takers, i);
        return;
    }
    slot->watch.node.state = ASYNC_IDLE_;
    slot->watch.node.next = pool->free;
    pool->free = &slot->watch.node;
    pool->busy--;
    while (pool->busy == 0 && async_wake_one_(&pool->joiners, 0)) {
    }
}

static void async_slot_ended_(async_watch *watch, async_task *task)
{
    async_slot *slot = (async_slot *)(void *)watch;

    (void)task;
    async_pool_put_(slot->pool, slot);
}

ASYNC_API int async_pool_open(async_pool *pool, async_slot *slots, int n)
{
    int i;

    if (pool == NULL || slots == NULL || n <= 0) {
        return ASYNC_EINVAL;
    }
    pool->takers.tail = NULL;
    pool->joiners.tail = NULL;
    pool->slots = slots;
    pool->n = n;
    pool->busy = 0;
    pool->free = NULL;
    for (i = n - 1; i >= 0; i--) {
        slots[i].pool = pool;
        slots[i].task.timer.node.state = ASYNC_IDLE_;
        slots[i].watch.node.state = ASYNC_IDLE_;
        slots[i].watch.node.next = pool->free;
        pool->free = &slots[i].watch.node;
    }
    return 0;
}

ASYNC_API int async_pool_try(async_pool *pool)
{
    async_slot *slot;

    if (pool == NULL || pool->slots == NULL) {
        return ASYNC_EINVAL;
    }
    if (pool->free == NULL) {
        return ASYNC_EAGAIN;
    }
    slot = (async_slot *)(void *)pool->free;
    pool->free = slot->watch.node.next;
    slot->watch.node.state = ASYNC_UNARMED_;
    pool->busy++;
    return (int)(slot - pool->slots);
}

ASYNC_API async_status async_pool_take(async_pool *pool)
{
    async_task *task = async_self_();
    int i;

    if (async_granted_(task)) {
        return task->timer.u.result;
    }
    i = async_pool_try(pool);
    if (i != ASYNC_EAGAIN) {
        return async_settle_(task, i);
    }
    ASYNC_WAITS_("async_pool_take", pool);
    return async_wait_(&pool->takers);
}

/* The slot of that index, if it is taken and not used; else NULL, with *rc. */
static async_slot *async_pool_taken_(async_pool *pool, int i, int *rc)
{
    if (pool == NULL || pool->slots == NULL || i < 0 || i >= pool->n) {
        *rc = ASYNC_EINVAL;
        return NULL;
    }
    if (pool->slots[i].watch.node.state != ASYNC_UNARMED_) {
        *rc = ASYNC_EALREADY;
        return NULL;
    }
    return &pool->slots[i];
}

ASYNC_API int async_pool_give(async_pool *pool, int i)
{
    int rc = 0;
    async_slot *slot = async_pool_taken_(pool, i, &rc);

    if (slot != NULL) {
        async_pool_put_(pool, slot);
    }
    return rc;
}

ASYNC_API int async_pool_spawn_(async_pool *pool, int i, async_fn fn,
                                void *frame
#if ASYNC_DEBUG
                                , const char *name, const char *file, int line
#endif
                                )
{
    int rc = 0;
    async_slot *slot = async_pool_taken_(pool, i, &rc);

    if (slot == NULL) {
        return rc;
    }
    rc = async_spawn_(async_this_loop_, &slot->task, fn, frame
#if ASYNC_DEBUG
                      , name, file, line
#endif
                      );
    return rc < 0 ? rc : async_on_done(&slot->task, &slot->watch,
                                       async_slot_ended_);
}

ASYNC_API async_status async_pool_join(async_pool *pool)
{
    async_task *task = async_self_();

    if (async_granted_(task)) {
        return 0;
    }
    if (pool == NULL || pool->slots == NULL) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    if (pool->busy == 0) {
        return async_settle_(task, 0);
    }
    ASYNC_WAITS_("async_pool_join", pool);
    return async_wait_(&pool->joiners);
}

ASYNC_API int async_pool_cancel(async_pool *pool)
{
    int count = 0;
    int i;

    if (pool == NULL) {
        return ASYNC_EINVAL;
    }
    for (i = 0; i < pool->n; i++) {
        if (pool->slots[i].watch.node.state == ASYNC_WATCH_) {
            count += async_cancel(&pool->slots[i].task);
        }
    }
    return count;
}

ASYNC_API int async_pool_busy(const async_pool *pool)
{
    return pool == NULL ? 0 : pool->busy;
}
/* ===========================================================================
 * group: tasks that cannot outlive a block.
 * ======================================================================== */

static async_member *async_member_(async_node *node)
{
    return (async_member *)(void *)
        ((char *)(void *)node - offsetof(async_member, node));
}

/* Strike every child, but when the loop itself closes, those which it has
 * struck already: that would interrupt their cleanup. */
static int async_group_strike_(async_group *group, bool closing)
{
    async_node *node = group->members;
    int count = 0;

    if (node == NULL) {
        return 0;
    }
    do {
        async_task *task;

        node = node->next;
        task = &async_member_(node)->task;
#if ASYNC_HOSTED
        if (closing && task->timer.node.round != async_this_loop_->round) {
            continue;
        }
#else
        (void)closing;
#endif
        count += async_cancel(task);
    } while (node != group->members);
    return count;
}

/* The first thing to go wrong: nothing new may begin. */
static void async_group_close_(async_group *group, bool closing)
{
    if ((group->flags & ASYNC_GROUP_CLOSING_) == 0) {
        group->flags |= ASYNC_GROUP_CLOSING_;
        (void)async_group_strike_(group, closing);
    }
}

static void async_member_ended_(async_watch *watch, async_task *task)
{
    async_member *member = (async_member *)(void *)watch;
    async_group *group = member->group;
    int result = task->timer.u.result;

    async_ring_remove_(&group->members, &member->node);
    if (result < 0 && result != ASYNC_ECANCELED) {
        bool closes = (group->flags & ASYNC_GROUP_CLOSING_) == 0;

        if (group->error == 0) {
            group->error = result;
        }
        async_group_close_(group, false);
        if (closes && group->scope.task != NULL) {  /* the block, too */
            async_scope_strike_(&group->scope);
        }
    }
    while (group->members == NULL && async_wake_one_(&group->joiners, 0)) {
    }
}

ASYNC_API int async_group_spawn_(async_group *group, async_member *member,
                                 async_fn fn, void *frame
#if ASYNC_DEBUG
                                 , const char *name, const char *file, int line
#endif
                                 )
{
    int rc;

    if (group == NULL || member == NULL) {
        return ASYNC_EINVAL;
    }
    if (group->flags != ASYNC_GROUP_OPEN_) {
        return ASYNC_ESHUTDOWN;
    }
    rc = async_spawn_(async_this_loop_, &member->task, fn, frame
#if ASYNC_DEBUG
                      , name, file, line
#endif
                      );
    if (rc < 0) {
        return rc;
    }
    member->group = group;
    async_ring_append_(&group->members, &member->node);
    return async_on_done(&member->task, &member->watch, async_member_ended_);
}

ASYNC_API int async_group_cancel(async_group *group)
{
    return group == NULL ? ASYNC_EINVAL : async_group_strike_(group, false);
}

ASYNC_API async_status async_group_join(async_group *group)
{
    async_task *task = async_self_();
    async_node *node;

    if (async_granted_(task)) {
        return 0;
    }
    if (group == NULL) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    node = group->members;
    if (node == NULL) {
        return async_settle_(task, 0);
    }
    do {
        node = node->next;
        if (&async_member_(node)->task == task) {
            return async_settle_(task, ASYNC_EDEADLK);
        }
    } while (node != group->members);
    ASYNC_WAITS_("async_group_join", group);
    return async_wait_(&group->joiners);
}

/* ---- the block ----------------------------------------------------------- */

ASYNC_API async_status async_group_enter_(async_group *group)
{
#if ASYNC_DEBUG
    async_task *task = async_self_in_("ASYNC_GROUP_BEGIN");
#else
    async_task *task = async_self_();
#endif

    if (group == NULL) {
        return ASYNC_EINVAL;
    }
    if ((group->flags & ASYNC_GROUP_OPEN_) != 0) {
        return ASYNC_EBUSY;
    }
    group->joiners.tail = NULL;
    group->members = NULL;
    group->error = 0;
    group->flags = ASYNC_GROUP_OPEN_;
    async_scope_enter_(&group->scope, task);
    return 0;
}

ASYNC_API void async_group_leave_(async_group *group, async_status rc)
{
    async_task *task = group->scope.task;
    bool closing = false;

#if ASYNC_DEBUG
    if (task->scopes != &group->scope) {
        async_debug_misuse_("a group", "left before a scope inside it");
    }
#endif
#if ASYNC_HOSTED
    closing = async_this_loop_->left != 0
        && (task->timer.node.state & ASYNC_CANCELED_) != 0;
#endif
    rc = async_scope_leave_(&group->scope, rc, group->error);
    if (rc >= ASYNC_CANCEL && rc < 0) {
        if (rc != ASYNC_CANCEL && group->error == 0) {
            group->error = rc;
        }
        async_group_close_(group, closing);
    }
    group->outcome = rc;
    task->timer.node.state &= (async_mark_)~(unsigned)ASYNC_FORWARDED_;
}

ASYNC_API async_status async_group_end_(async_group *group)
{
    async_task *task = async_self_();
    async_mark_ *state = &task->timer.node.state;
    async_status rc = group->outcome == ASYNC_CANCEL ? ASYNC_CANCEL
                                                     : group->error;

    (void)async_granted_(task);
    if (group->members != NULL) {
        if (ASYNC_STRUCK_P_(task)) {
            group->flags |= ASYNC_GROUP_CLOSING_;
            if ((*state & ASYNC_FORWARDED_) == 0) {
                *state |= ASYNC_FORWARDED_;     /* a second time, perhaps */
                (void)async_group_strike_(group, false);
            }
        }
        ASYNC_WAITS_("the end of a group", group);
        return async_park_(&group->joiners);
    }
    group->flags &= (unsigned char)~(unsigned)ASYNC_GROUP_OPEN_;
    if ((*state & (ASYNC_STRIKE_ | ASYNC_FORWARDED_))
        == (ASYNC_STRIKE_ | ASYNC_FORWARDED_)) {
        return async_deliver_(task);        /* it wins over any error */
    }
    *state &= (async_mark_)~(unsigned)ASYNC_FORWARDED_;
    return async_settle_(task, rc);
}
#if ASYNC_DEBUG
/* ===========================================================================
 * debug: naming what is wrong. Everything here is for debug builds, and for
 * people: a message says which task, where it was spawned, and what it awaits.
 * ======================================================================== */
#if ASYNC_DEBUG

#if ASYNC_HOSTED
#include <stdio.h>
#define ASYNC_SAY_(...) ((void)fprintf(stderr, __VA_ARGS__))
#define ASYNC_FORMAT_(...) ((void)snprintf(__VA_ARGS__))
#else
#define ASYNC_SAY_(...) ((void)0)
#define ASYNC_FORMAT_(text, size, ...) ((void)((text)[0] = '\0'))
#endif

/* "task `worker` (main.c:12)" */
static void async_describe_(char *text, size_t size, const async_task *task)
{
    (void)size;
    (void)task;
    ASYNC_FORMAT_(text, size, "task `%s` (spawned at %s:%d)", task->name,
                  task->file, task->line);
}

static void async_fatal_(const char *what, const async_task *task,
                         const char *file, int line)
{
    char who[160];
    char text[400];

    (void)what;
    (void)file;
    (void)line;
    async_describe_(who, sizeof who, task);
    if (file != NULL) {
        ASYNC_FORMAT_(text, sizeof text, "%s:%d: %s: %s", file, line, who,
                      what);
    } else {
        ASYNC_FORMAT_(text, sizeof text, "%s: %s", who, what);
    }
    ASYNC_TRAP(text);
}

ASYNC_API void async_debug_spawned_twice_(const async_task *task,
                                          const char *name, const char *file,
                                          int line)
{
    (void)name;
    async_fatal_("it is spawned again, but has not ended (or its memory is "
                 "not zeroed)", task, file, line);
}

ASYNC_API void async_debug_spawn_(async_loop *loop, async_task *task,
                                  const char *name, const char *file, int line)
{
    task->name = name;
    task->file = file;
    task->line = line;
    task->waits = NULL;
    task->on = NULL;
    task->leaf = NULL;
    task->loop = loop;
    task->all_prev = NULL;
    task->all_next = loop->all;
    if (loop->all != NULL) {
        loop->all->all_prev = task;
    }
    loop->all = task;
}

/* What the entry returned ends the task. Then nothing may be under way. */
ASYNC_API void async_debug_returned_(const async_task *task)
{
    unsigned state = async_state_(task);

    if ((state >= ASYNC_WAITING_ && state <= ASYNC_DEAF_)
        || state == ASYNC_YIELDED_) {
        async_fatal_("it ends while an operation is under way that was started "
                     "but not awaited", task, NULL, 0);
    }
    if (task->scopes != NULL) {
        async_fatal_("it ends inside a timeout or group", task, NULL, 0);
    }
}

ASYNC_API void async_debug_finish_(async_loop *loop, async_task *task)
{
    if (task->all_prev != NULL) {
        task->all_prev->all_next = task->all_next;
    } else {
        loop->all = task->all_next;
    }
    if (task->all_next != NULL) {
        task->all_next->all_prev = task->all_prev;
    }
}

/* Does a waiter or done callback for it stand in this memory? */
static bool async_watched_from_(const async_task *task, const char *from,
                                size_t size)
{
    const async_node *node = task->joiners;

    if (node == NULL) {
        return false;
    }
    do {
        const char *at = (const char *)(const void *)node;

        if (node->state == ASYNC_WATCH_ && at >= from && at < from + size) {
            return true;
        }
        node = node->next;
    } while (node != task->joiners);
    return false;
}

/* A coroutine ends: is there a task in its memory, or one whose frame is, or
 * something that such a task will touch when it ends? */
ASYNC_API void async_frame_ends_(const void *memory, size_t size)
{
    const char *from = (const char *)memory;
    const async_task *task;

    /* The loop's main task is an exception: whoever runs the loop keeps its
     * memory, and async_run cancels what is left in it. */
    if (async_this_loop_ == NULL || async_this_task_ == NULL
        || (async_this_task_ == async_this_loop_->u.until
            && async_this_task_->frame == memory)) {
        return;
    }
    for (task = async_this_loop_->all; task != NULL; task = task->all_next) {
        const char *at = (const char *)(const void *)task;
        const char *frame = (const char *)task->frame;

        if (task == async_this_task_) {
            continue;
        }
        if ((at >= from && at < from + size)
            || (frame >= from && frame < from + size)) {
            async_fatal_("it is not done, but the coroutine in whose frame it "
                         "lives ends; join it, or keep it elsewhere", task,
                         NULL, 0);
        }
        if (async_watched_from_(task, from, size)) {
            async_fatal_("a waiter or callback for it stands in the frame of a "
                         "coroutine that ends; see async_wait_close, or keep "
                         "it elsewhere", task, NULL, 0);
        }
    }
}

ASYNC_API const char *async_debug_task_name_(void)
{
    return async_this_task_ == NULL ? NULL : async_this_task_->name;
}

/* The name as it was written, without the options that ASYNC_ABI_ appends. */
static int async_name_length_(const char *name)
{
    static const char rest[] = "_hosted_";
    int n, i;

    for (n = 0; name[n] != '\0'; n++) {
        for (i = 0; rest[i] != '\0' && name[n + i] == rest[i]; i++) {
        }
        if (rest[i] == '\0') {
            break;
        }
    }
    return n;
}

/* "main.c:34: work: task `work` (spawned at main.c:12): async_sleep: what" */
ASYNC_API void async_debug_misuse_(const char *operation, const char *what)
{
    const async_frame *frame = async_innermost_;
    int length = async_name_length_(operation);
    char who[160] = "no task";
    char text[500];

    if (async_this_task_ != NULL) {
        async_describe_(who, sizeof who, async_this_task_);
    }
    (void)what;
    (void)length;
    if (frame != NULL && async_this_task_ != NULL
        && async_this_task_->leaf != NULL && async_this_task_->leaf != frame) {
        const async_frame *child = async_this_task_->leaf;

        (void)child;
        ASYNC_FORMAT_(text, sizeof text, "%s:%d: %s: %s: %.*s: %s (by %s, "
                      "suspended at %s:%d)", frame->file, frame->line,
                      frame->function, who, length, operation, what,
                      child->function, child->file, child->line);
    } else if (frame != NULL) {
        ASYNC_FORMAT_(text, sizeof text, "%s:%d: %s: %s: %.*s: %s",
                      frame->file, frame->line, frame->function, who,
                      length, operation, what);
    } else {
        ASYNC_FORMAT_(text, sizeof text, "%s: %.*s: %s", who, length,
                      operation, what);
    }
    ASYNC_TRAP(text);
}

ASYNC_API void async_debug_deadlock_(const async_loop *loop)
{
    const async_task *task;

    ASYNC_SAY_("async: deadlock: tasks remain, but nothing can wake them\n");
    for (task = loop->all; task != NULL; task = task->all_next) {
        const async_frame *frame;

        ASYNC_SAY_("  task `%s` (spawned at %s:%d) waits in %s",
                   task->name, task->file, task->line,
                   task->waits == NULL ? "nothing" : task->waits);
        if (async_state_(task) == ASYNC_JOINING_) {
            ASYNC_SAY_(" for task `%s`",
                       ((const async_task *)task->on)->name);
        }
        ASYNC_SAY_("\n");
        for (frame = task->leaf; frame != NULL; frame = frame->parent) {
            ASYNC_SAY_("    in %s, at %s:%d\n", frame->function, frame->file,
                       frame->line);
        }
    }
}

#endif
/* ===========================================================================
 * slow: what a debug build sees of each step of a task, from one resume to the
 * next suspension: whether it took too long, since nobody else can run
 * meanwhile; whether a coroutine was begun in it that nobody awaits; and what a
 * coroutine that ends leaves behind. Timed calls are looked at likewise.
 * ======================================================================== */
#if ASYNC_DEBUG

#if ASYNC_HOSTED
#include <stdio.h>

ASYNC_API void async_warn_(const char *message)
{
    fprintf(stderr, "%s\n", message);
}
#endif

/* A step begins where the last one ended. The frame that was innermost then is
 * still there: its task waits in it. */
ASYNC_API void async_debug_resume_(async_loop *loop, async_task *task)
{
    const async_frame *leaf = task->leaf;

    loop->from_file = leaf == NULL ? NULL : leaf->file;
    loop->from_line = leaf == NULL ? 0 : leaf->line;
    task->leaf = NULL;
    async_innermost_ = NULL;
#if ASYNC_SLOW_MS > 0
    loop->began = ASYNC_CLOCK();
#endif
}

#if ASYNC_SLOW_MS > 0
static uint64_t async_ms_since_(async_ticks began)
{
    async_ticks took = (async_ticks)(ASYNC_CLOCK() - began);

    return (uint64_t)took * 1000 / ASYNC_TICK_HZ;
}

static size_t async_say_place_(size_t at, const char *file, int line)
{
    at = async_say_(at, file);
    at = async_say_(at, ":");
    return async_say_number_(at, line);
}
#endif

/* "async: slow step: 150 ms, from a.c:25 to a.c:30, in task `crunch` (spawned
 * at a.c:44)" */
ASYNC_API void async_debug_suspended_(const async_loop *loop,
                                      const async_task *task)
{
#if ASYNC_SLOW_MS > 0
    uint64_t ms = async_ms_since_(loop->began);
    size_t at;

    if (ms <= ASYNC_SLOW_MS) {
        return;
    }
    at = async_say_(0, "async: slow step: ");
    at = async_say_number_(at, ms < INT_MAX ? (int)ms : INT_MAX);
    at = async_say_(at, " ms, from ");
    at = loop->from_file == NULL
        ? async_say_(at, "its beginning")
        : async_say_place_(at, loop->from_file, loop->from_line);
    at = async_say_(at, " to ");
    at = task->leaf == NULL
        ? async_say_(at, "its end")
        : async_say_place_(at, task->leaf->file, task->leaf->line);
    at = async_say_(at, ", in task `");
    at = async_say_(at, task->name);
    at = async_say_(at, "` (spawned at ");
    at = async_say_place_(at, task->file, task->line);
    (void)async_say_(at, ")");
    ASYNC_WARN(async_said_());
#else
    (void)loop;
    (void)task;
#endif
}

/* The same around a timed call, whose memory may be gone when it is over:
 * "async: slow call: 150 ms, in `save` (asked for at a.c:44)" */
ASYNC_API async_step_ async_debug_call_(const char *name, const char *file,
                                        int line)
{
    async_step_ step;

    step.began = ASYNC_SLOW_MS > 0 ? ASYNC_CLOCK() : 0;
    step.name = name;
    step.file = file;
    step.line = line;
    return step;
}

ASYNC_API void async_debug_called_(const async_step_ *step)
{
#if ASYNC_SLOW_MS > 0
    uint64_t ms = async_ms_since_(step->began);
    size_t at;

    if (ms > ASYNC_SLOW_MS) {
        at = async_say_(0, "async: slow call: ");
        at = async_say_number_(at, ms < INT_MAX ? (int)ms : INT_MAX);
        at = async_say_(at, " ms, in `");
        at = async_say_(at, step->name);
        at = async_say_(at, "` (asked for at ");
        at = async_say_place_(at, step->file, step->line);
        (void)async_say_(at, ")");
        ASYNC_WARN(async_said_());
    }
#else
    (void)step;
#endif
}

/* The first to be suspended in a step is the innermost of its chain. */
ASYNC_API void async_frame_waits_(async_frame *frame)
{
    if (async_this_task_ != NULL && async_this_task_->leaf == NULL) {
        async_this_task_->leaf = frame;
    }
}

/* If a coroutine that it called was suspended in this step, it went on without
 * that one, which will never be resumed. */
static void async_check_dropped_(const async_frame *frame)
{
    const async_frame *leaf = async_this_task_->leaf;
    const async_frame *up = leaf == NULL ? NULL : leaf->parent;

    for (; up != NULL; up = up->parent) {
        if (up == frame) {
            async_misuse_("it was begun, but its caller ends without having "
                          "awaited it: an AWAIT is missing", leaf->file,
                          leaf->line, leaf->function);
            return;
        }
    }
}

/* A coroutine ends, and its memory with it. (That of the loop's main task is
 * kept by whoever runs the loop.) */
ASYNC_API void async_frame_leaves_(const async_frame *frame,
                                   const void *memory, size_t size)
{
    const char *from = (const char *)memory;
    const async_call *call;

    if (async_this_task_ == NULL) {
        return;
    }
    async_check_dropped_(frame);
    if (async_this_task_ == async_this_loop_->u.until
        && async_this_task_->frame == memory) {
        return;
    }
    for (call = async_this_loop_->calls; call != NULL; call = call->next) {
        const char *at = (const char *)(const void *)call;

        if (at >= from && at < from + size) {
            async_misuse_("it ends, but a call that stands in its frame is "
                          "pending: see async_call_cancel", frame->file,
                          frame->line, frame->function);
            return;
        }
    }
}

#endif
#endif
#if ASYNC_HOSTED
/* ===========================================================================
 * port_posix: the clock of a POSIX system.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if ASYNC_HOSTED

#include <time.h>

/* A header of the system came first, and showed what standard C has only. */
#if defined __GLIBC__ && !defined __USE_MISC
#error "async.h: where ASYNC_IMPLEMENTATION is defined, include async.h first \
(or compile that file with -std=gnu99, or with -D_GNU_SOURCE)"
#endif

ASYNC_API async_ticks async_port_clock(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (async_ticks)((uint64_t)now.tv_sec * ASYNC_TICK_HZ
                         + (uint64_t)now.tv_nsec * ASYNC_TICK_HZ
                           / 1000000000);
}

#endif
/* ===========================================================================
 * fd_table: what a loop knows of each descriptor, and the few functions that
 * operations and backends are made of. Not a public part.
 *
 * Tasks that wait hang in the rings of an entry, so an entry never moves: the
 * table is an array of pointers. Entries are allocated by the chunk.
 *
 * A backend (fd_epoll.c, fd_poll.c) is the functions async_backend_*: how to
 * register a descriptor, and how to sleep until something happens.
 * ======================================================================== */

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

/* Where a header of the system came first, it shows all but these two. */
#if defined __GLIBC__ && defined __USE_MISC && !defined __USE_GNU
extern int accept4(int fd, struct sockaddr *address, socklen_t *length,
                   int flags);
extern int ppoll(struct pollfd *all, nfds_t n, const struct timespec *wait,
                 const sigset_t *signals);
#endif

/* Every system call goes through this name, so that tests can make the n-th
 * one fail. */
#ifndef ASYNC_SYS_
#define ASYNC_SYS_(name) name
#endif

#define ASYNC_CHUNK_ 256        /* entries in a chunk */
#define ASYNC_BURST_ 64         /* operations without suspending: k */

enum {
    ASYNC_FD_IN_ = 1,           /* a read may succeed; as POLLIN */
    ASYNC_FD_SHORT_ = 2,        /* a short read means that it is empty: e */
    ASYNC_FD_OUT_ = 4,          /* a write may succeed; as POLLOUT */
    ASYNC_FD_ADDED_ = 8,        /* the backend knows it */
    ASYNC_FD_BLOCKS_ = 16,      /* it has no O_NONBLOCK: h */
    ASYNC_FD_FULL_ = 32,        /* accept failed for want of something, and is
                                 * not to be tried until the rest is over: f */
    ASYNC_FD_SOCKET_ = 64,
    ASYNC_FD_KNOWN_ = 128       /* somebody looked what it is */
};

enum { ASYNC_READS_ = 0, ASYNC_WRITES_ = 1 };

typedef struct async_fd_ {
    async_node *waiters[2];     /* rings of tasks, by direction */
    int generation;             /* > 0; another one after each close: a */
    int fd;                     /* its number */
    unsigned reset;             /* the turn in which it got a new generation */
    unsigned char flags;
    unsigned char age;          /* seconds begun since somebody waits */
} async_fd_;

struct async_fds {
    async_fd_ **entries;        /* by number; NULL for one never used */
    unsigned limit;             /* so many */
    unsigned waiting;           /* tasks in rings, or struck there just now */
    unsigned turn;              /* counts them: a */
    unsigned left;              /* operations until somebody looks who did so */
    const async_task *busy;     /* many; it was this task the last time: k */
    async_alarm_ rest;          /* until async_accept tries again: f */
    int wake[2];                /* read and write end; an eventfd is both */
    int backend;                /* an epoll, or -1 */
    int second;                 /* a timerfd, or -1 */
    bool ticking;               /* it is running */
    bool old;                   /* the kernel has no epoll_pwait2 */
    struct pollfd *polls;       /* of the poll backend */
    unsigned room;
};

ASYNC_INLINE_ async_fd_ *async_fd_find_(const struct async_fds *fds, int fd)
{
    return (unsigned)fd < fds->limit ? fds->entries[fd] : NULL;
}

/* Wake who waits. The result is an error; or the generation, when the backend
 * has seen an event; or 0: look again. */
ASYNC_INLINE_ void async_fd_wake_(struct async_fds *fds, async_fd_ *it,
                                  int direction, int result)
{
    async_node *last = it->waiters[direction];
    async_node *node, *next;

    if (last == NULL) {
        return;
    }
    it->waiters[direction] = NULL;
    next = last->next;
    do {
        node = next;
        next = node->next;
        fds->waiting--;
        async_wake_(ASYNC_TASK_(node), result);
    } while (node != last);
}

/* An event, for reading or writing or both, as flags. */
ASYNC_INLINE_ void async_fd_event_(struct async_fds *fds, async_fd_ *it,
                                   unsigned in_out)
{
    it->flags |= (unsigned char)in_out;
    if ((in_out & ASYNC_FD_IN_) != 0) {
        async_fd_wake_(fds, it, ASYNC_READS_, it->generation);
    }
    if ((in_out & ASYNC_FD_OUT_) != 0) {
        async_fd_wake_(fds, it, ASYNC_WRITES_, it->generation);
    }
}

/* The loop's table, made at first use; NULL and the error if it cannot be. */
ASYNC_API struct async_fds *async_fds_(async_loop *loop, int *err);

/* The entry of an open descriptor, made at first use. */
ASYNC_API async_fd_ *async_fd_make_(struct async_fds *fds, int fd, int *err);

/* The number is another file's from now on, or nobody's. */
ASYNC_API void async_fd_reset_(struct async_fds *fds, async_fd_ *it,
                               int result);

/* A descriptor that was just made, and what it is. */
ASYNC_API void async_fd_adopt_(int fd, unsigned flags);

/* What every operation begins with, each time it is evaluated: its entry, or
 * NULL when the operation is over (or lets others run first) with this status.
 * Here are the two ways that every request goes: the task runs on, or it is
 * back from the event that it waited for. */
ASYNC_API async_fd_ *async_fd_entry_other_(int fd, async_status *rc);

#define async_fd_enter_(fd, rc) \
    ((void)async_self_(), async_fd_entry_((fd), (rc)))

ASYNC_INLINE_ async_fd_ *async_fd_entry_(int fd, async_status *rc)
{
    async_task *task = async_this_task_;
    struct async_fds *fds = async_this_loop_->fds;
    async_fd_ *it = fds == NULL ? NULL : async_fd_find_(fds, fd);

    if (ASYNC_LIKELY_(it != NULL && (it->flags & ASYNC_FD_KNOWN_) != 0)) {
        if (task->timer.node.state == ASYNC_RUNNING_ && --fds->left != 0) {
            return it;
        }
        if (task->timer.node.state == ASYNC_READY_
            && task->timer.u.result == it->generation) {
            task->timer.node.state = ASYNC_RUNNING_;
            return it;
        }
    }
    return async_fd_entry_other_(fd, rc);
}

/* Has the running task had its share of this turn? A task runs once in a turn:
 * if it is there both times that the count ends, then all operations between
 * were its own: k. */
ASYNC_API bool async_fd_share_is_over_(struct async_fds *fds,
                                       const async_task *task);

/* Let the others run first; the operation is evaluated again with this result.
 * A task that has been struck leaves. */
ASYNC_API async_status async_fd_give_way_(async_task *task, int result);

/* A task was struck out of its wait: may the number be another file's by now?
 * The strike and this resume are at most one look outside apart. So what the
 * number is now was there before the strike, unless it is as young as that:
 * then the task leaves without a last look. */
ASYNC_INLINE_ bool async_fd_is_young_(const struct async_fds *fds,
                                      const async_fd_ *it)
{
    return it == NULL
        || (it->generation != 1 && fds->turn - it->reset <= 1);
}

/* May the call be tried? If not, the operation parks. A task that has been
 * struck looks for the last time, and so it tries in any case. */
ASYNC_INLINE_ bool async_fd_may_(const async_fd_ *it, unsigned in_out)
{
    return ASYNC_LIKELY_((it->flags & in_out) != 0)
        || ASYNC_STRUCK_P_(async_this_task_) != 0;
}

/* Rules 2 and 3: leave with the strike, or park. */
ASYNC_API async_status async_fd_park_(async_fd_ *it, int direction,
                                      const char *what);

/* A system call has failed: what the operation is to return. If it is to be
 * tried again, that is done when the others have run. */
ASYNC_API async_status async_fd_failed_(async_fd_ *it, int direction,
                                        const char *what);

/* A read has succeeded. */
ASYNC_INLINE_ async_status async_fd_got_(async_fd_ *it, ptrdiff_t n,
                                         size_t length)
{
    if ((size_t)n < length && (it->flags & ASYNC_FD_SHORT_) != 0 && n != 0) {
        it->flags &= (unsigned char)~ASYNC_FD_IN_;
    }
    return (async_status)n;
}

/* Before a call on a blocking descriptor: would it go through now? If not,
 * errno says why: EAGAIN, or what poll failed for. */
ASYNC_API bool async_fd_ready_(int fd, short events);

ASYNC_INLINE_ size_t async_fd_length_(size_t length)
{
    return length > INT_MAX ? INT_MAX : length;
}

/* A duration as the system wants it, rounded up; NULL for ASYNC_NEVER. */
ASYNC_API const struct timespec *async_timespec_(async_duration ticks,
                                                 struct timespec *time);

/* ---- a backend ----------------------------------------------------------- */

/* Make what it needs, if that has not been done; and undo it. */
ASYNC_API int async_backend_open_(struct async_fds *fds);
ASYNC_API void async_backend_close_(struct async_fds *fds);

/* Let events of the descriptor come, from the current state on; whether it is
 * known (ASYNC_FD_ADDED_) or not. ASYNC_EPERM: one that is always ready. */
ASYNC_API int async_backend_arm_(struct async_fds *fds, async_fd_ *it);
/* No more events of it. */
ASYNC_API void async_backend_forget_(struct async_fds *fds, async_fd_ *it);
/* A task is about to wait for it. */
ASYNC_API int async_backend_waits_(struct async_fds *fds, async_fd_ *it);

/* Is there nothing to do for that? */
#if ASYNC_POLL
#define ASYNC_BACKEND_WAITS_(fds, it) \
    (((it)->flags & ASYNC_FD_ADDED_) != 0 \
     && (fds)->waiting + 2 <= (fds)->room)
#else
#define ASYNC_BACKEND_WAITS_(fds, it) \
    (((it)->flags & ASYNC_FD_ADDED_) != 0 && (fds)->ticking)
#endif
/* Wait for events, and pass them on. */
ASYNC_API void async_backend_wait_(struct async_fds *fds,
                                   async_duration ticks);
/* ===========================================================================
 * fd_epoll: descriptors by epoll, edge-triggered.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if ASYNC_HOSTED

#if !ASYNC_POLL

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* An event names the descriptor in its lower half, which one of these is not,
 * and the generation in the upper. */
#define ASYNC_EVENT_WAKE_ UINT32_MAX
#define ASYNC_EVENT_SECOND_ (UINT32_MAX - 1)

static int async_epoll_ctl_(int epoll, int what, int fd, uint32_t interest,
                            uint64_t data)
{
    struct epoll_event event;
    int rc;

    event.events = interest | EPOLLET;
    event.data.u64 = data;
    do {
        rc = ASYNC_SYS_(epoll_ctl)(epoll, what, fd, &event);
    } while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : 0;
}

ASYNC_API int async_backend_open_(struct async_fds *fds)
{
    if (fds->backend < 0) {
        fds->backend = ASYNC_SYS_(epoll_create1)(EPOLL_CLOEXEC);
        if (fds->backend < 0) {
            return -errno;
        }
    }
    if (fds->wake[0] >= 0) {
        int err = async_epoll_ctl_(fds->backend, EPOLL_CTL_ADD, fds->wake[0],
                                   EPOLLIN, ASYNC_EVENT_WAKE_);

        return err == ASYNC_EEXIST ? 0 : err;
    }
    return 0;
}

ASYNC_API void async_backend_close_(struct async_fds *fds)
{
    if (fds->backend >= 0) {
        (void)close(fds->backend);
    }
    if (fds->second >= 0) {
        (void)close(fds->second);
    }
}

/* Both directions at once, so that one registration does for good. */
ASYNC_API int async_backend_arm_(struct async_fds *fds, async_fd_ *it)
{
    int what = (it->flags & ASYNC_FD_ADDED_) != 0 ? EPOLL_CTL_MOD
                                                  : EPOLL_CTL_ADD;
    uint64_t data = (uint64_t)it->generation << 32 | (uint32_t)it->fd;
    uint32_t interest = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI;
    int err = async_backend_open_(fds);

    if (err < 0) {
        return err;
    }
    err = async_epoll_ctl_(fds->backend, what, it->fd, interest, data);
    if (err == ASYNC_EEXIST) {
        err = async_epoll_ctl_(fds->backend, EPOLL_CTL_MOD, it->fd, interest,
                               data);
    } else if (err == ASYNC_ENOENT && what == EPOLL_CTL_MOD) {
        /* a: the number was closed behind our back, and is another file. */
        async_fd_reset_(fds, it, 0);
        return async_backend_arm_(fds, it);
    }
    if (err == 0) {
        it->flags |= ASYNC_FD_ADDED_;
    }
    return err;
}

ASYNC_API void async_backend_forget_(struct async_fds *fds, async_fd_ *it)
{
    if ((it->flags & ASYNC_FD_ADDED_) != 0) {
        (void)async_epoll_ctl_(fds->backend, EPOLL_CTL_DEL, it->fd, 0, 0);
        it->flags &= (unsigned char)~ASYNC_FD_ADDED_;
    }
}

/* Let the timer expire a second from now. Without it nothing is lost but the
 * answer to what other code does to our descriptors. */
static void async_epoll_tick_(struct async_fds *fds)
{
    struct itimerspec second;

    if (fds->second < 0) {
        fds->second = ASYNC_SYS_(timerfd_create)(CLOCK_MONOTONIC,
                                                 TFD_NONBLOCK | TFD_CLOEXEC);
        if (fds->second < 0) {
            return;
        }
        if (async_epoll_ctl_(fds->backend, EPOLL_CTL_ADD, fds->second,
                             EPOLLIN, ASYNC_EVENT_SECOND_) < 0) {
            (void)close(fds->second);
            fds->second = -1;
            return;
        }
    }
    second.it_interval.tv_sec = 0;
    second.it_interval.tv_nsec = 0;
    second.it_value.tv_sec = 1;
    second.it_value.tv_nsec = 0;
    fds->ticking = ASYNC_SYS_(timerfd_settime)(fds->second, 0, &second,
                                               NULL) == 0;
}

ASYNC_API int async_backend_waits_(struct async_fds *fds, async_fd_ *it)
{
    if ((it->flags & ASYNC_FD_ADDED_) == 0) {
        int err = async_backend_arm_(fds, it);

        if (err < 0) {
            return err;
        }
    }
    if (!fds->ticking) {
        async_epoll_tick_(fds);
    }
    return 0;
}

/* A second has passed. Waits that have lasted for longer are armed anew, once:
 * then the kernel says what is ready now, or that it does not know them. The
 * timer goes on only while there are younger ones. */
static void async_epoll_verify_(struct async_fds *fds)
{
    bool younger = false;
    unsigned fd;

    for (fd = 0; fd < fds->limit; fd++) {
        async_fd_ *it = async_fd_find_(fds, (int)fd);

        if (it == NULL) {
            fd += ASYNC_CHUNK_ - 1;
            continue;
        }
        if ((it->waiters[ASYNC_READS_] == NULL
             && it->waiters[ASYNC_WRITES_] == NULL) || it->age == 2) {
            continue;
        }
        it->age++;
        if (it->age < 2) {
            younger = true;
        } else if (async_backend_arm_(fds, it) < 0) {
            async_fd_reset_(fds, it, 0);
        }
    }
    fds->ticking = false;
    if (younger) {
        async_epoll_tick_(fds);
    }
}

#ifdef SYS_epoll_pwait2
/* The kernel's own structure, the same on 32-bit systems. */
static int async_epoll_pwait2_(int epoll, struct epoll_event *events,
                               int room, async_duration ticks)
{
    struct timespec time;
    struct { int64_t sec, nsec; } wide;

    (void)async_timespec_(ticks, &time);
    wide.sec = time.tv_sec;
    wide.nsec = time.tv_nsec;
    return (int)ASYNC_SYS_(syscall)(SYS_epoll_pwait2, epoll, events, room,
                                    &wide, NULL, (size_t)8);
}
#endif

/* l: an older kernel has only milliseconds here, but not in ppoll. */
static int async_epoll_wait_(struct async_fds *fds,
                             struct epoll_event *events, int room,
                             async_duration ticks)
{
    int epoll = fds->backend;
    struct timespec time;
    struct pollfd look;

    if (ticks == ASYNC_NEVER) {
        return ASYNC_SYS_(epoll_wait)(epoll, events, room, -1);
    }
    if (ticks != 0) {
#ifdef SYS_epoll_pwait2
        if (!fds->old) {
            int n = async_epoll_pwait2_(epoll, events, room, ticks);

            if (n >= 0 || errno == EINTR) {
                return n;
            }
            fds->old = true;
        }
#endif
        look.fd = epoll;
        look.events = POLLIN;
        (void)ASYNC_SYS_(ppoll)(&look, 1, async_timespec_(ticks, &time), NULL);
    }
    return ASYNC_SYS_(epoll_wait)(epoll, events, room, 0);
}

ASYNC_API void async_backend_wait_(struct async_fds *fds, async_duration ticks)
{
    struct epoll_event events[256];
    bool second = false;
    int n = async_epoll_wait_(fds, events, 256, ticks);
    int i;

    for (i = 0; i < n; i++) {
        uint64_t data = events[i].data.u64;
        uint32_t seen = events[i].events;
        async_fd_ *it = async_fd_find_(fds, (int)(uint32_t)data);

        if (ASYNC_UNLIKELY_(it == NULL)) {
            second |= (uint32_t)data == ASYNC_EVENT_SECOND_;
            continue;
        }
        if (ASYNC_UNLIKELY_(it->generation != (int)(data >> 32))) {
            continue;                           /* a: its predecessor's */
        }
        if (ASYNC_UNLIKELY_((seen & ~(uint32_t)(EPOLLIN | EPOLLOUT)) != 0)) {
            it->flags &= (unsigned char)~ASYNC_FD_SHORT_;           /* e */
            seen |= EPOLLIN;
            if ((seen & (EPOLLHUP | EPOLLERR)) != 0) {              /* d */
                seen |= EPOLLOUT;
            }
        }
        async_fd_event_(fds, it, seen & (EPOLLIN | EPOLLOUT));
    }
    if (ASYNC_UNLIKELY_(second)) {
        async_epoll_verify_(fds);
    }
}

#endif

#endif
/* ===========================================================================
 * fd_poll: descriptors by poll(2), for systems without epoll.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if ASYNC_HOSTED

#if ASYNC_POLL

#include <stdlib.h>
#include <unistd.h>

/* poll is told everything anew each time, so there is nothing to register;
 * what may fail is the room for telling it. One is for the wake-up. */
static int async_poll_room_(struct async_fds *fds, unsigned wanted)
{
    struct pollfd *polls;
    unsigned room = fds->room == 0 ? 16 : fds->room;

    if (wanted <= fds->room) {
        return 0;
    }
    while (room < wanted) {
        room *= 2;
    }
    polls = (struct pollfd *)ASYNC_SYS_(realloc)(fds->polls,
                                                 room * sizeof *polls);
    if (polls == NULL) {
        return ASYNC_ENOMEM;
    }
    fds->polls = polls;
    fds->room = room;
    return 0;
}

ASYNC_API int async_backend_open_(struct async_fds *fds)
{
    return async_poll_room_(fds, 1);
}

ASYNC_API void async_backend_close_(struct async_fds *fds)
{
    free(fds->polls);
}

ASYNC_API int async_backend_arm_(struct async_fds *fds, async_fd_ *it)
{
    it->flags |= ASYNC_FD_ADDED_;
    return async_poll_room_(fds, 1);
}

ASYNC_API void async_backend_forget_(struct async_fds *fds, async_fd_ *it)
{
    (void)fds;
    it->flags &= (unsigned char)~ASYNC_FD_ADDED_;
}

ASYNC_API int async_backend_waits_(struct async_fds *fds, async_fd_ *it)
{
    it->flags |= ASYNC_FD_ADDED_;
    return async_poll_room_(fds, fds->waiting + 2);
}

static int async_poll_wait_(struct pollfd *polls, unsigned n,
                            async_duration ticks)
{
#ifdef __APPLE__
    struct timespec time;
    const struct timespec *limit = async_timespec_(ticks, &time);
    int ms = -1;

    if (limit != NULL) {
        ms = time.tv_sec > 1000000 ? 1000000000
                                   : (int)time.tv_sec * 1000
                                     + (int)((time.tv_nsec + 999999) / 1000000);
    }
    return ASYNC_SYS_(poll)(polls, n, ms);
#else
    struct timespec time;

    return ASYNC_SYS_(ppoll)(polls, n, async_timespec_(ticks, &time), NULL);
#endif
}

/* Not POLLPRI: it would come again and again until the urgent byte is read,
 * which a reader of the ordinary ones does not do. */
static unsigned async_poll_collect_(struct async_fds *fds)
{
    unsigned n = 0;
    unsigned fd;

    if (fds->wake[0] >= 0) {
        fds->polls[n].fd = fds->wake[0];
        fds->polls[n++].events = POLLIN;
    }
    for (fd = 0; fd < fds->limit; fd++) {
        async_fd_ *it = async_fd_find_(fds, (int)fd);
        short events;

        if (it == NULL) {
            fd += ASYNC_CHUNK_ - 1;
            continue;
        }
        events = (short)((it->waiters[ASYNC_READS_] != NULL
                          && (it->flags & ASYNC_FD_FULL_) == 0 ? POLLIN : 0)
                         | (it->waiters[ASYNC_WRITES_] != NULL ? POLLOUT : 0));
        if (events != 0 && n < fds->room) {
            fds->polls[n].fd = (int)fd;
            fds->polls[n++].events = events;
        }
    }
    return n;
}

ASYNC_API void async_backend_wait_(struct async_fds *fds, async_duration ticks)
{
    unsigned n = async_poll_collect_(fds);
    unsigned i;

    if (async_poll_wait_(fds->polls, n, ticks) <= 0) {
        return;
    }
    for (i = 0; i < n; i++) {
        short seen = fds->polls[i].revents;
        unsigned in_out;
        async_fd_ *it;

        if (seen == 0) {
            continue;
        }
        if (fds->polls[i].fd == fds->wake[0]) {
            char drain[64];

            while (ASYNC_SYS_(read)(fds->wake[0], drain, sizeof drain)
                   == (ptrdiff_t)sizeof drain) {
            }
            continue;
        }
        it = async_fd_find_(fds, fds->polls[i].fd);
        if ((seen & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
            it->flags &= (unsigned char)~ASYNC_FD_SHORT_;           /* e */
            async_fd_event_(fds, it, ASYNC_FD_IN_ | ASYNC_FD_OUT_); /* d */
            continue;
        }
        in_out = (seen & POLLIN) != 0 ? ASYNC_FD_IN_ : 0;
        in_out |= (seen & POLLOUT) != 0 ? ASYNC_FD_OUT_ : 0;
        async_fd_event_(fds, it, in_out);
    }
}

#endif

#endif
/* ===========================================================================
 * fd_table: the table of descriptors, what all operations on them have in
 * common, and the hooks by which the loop sleeps. The letters are those of
 * fd.h.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if ASYNC_HOSTED

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

/* ---- the table ----------------------------------------------------------- */

static void async_fd_sigpipe_(void)
{
#ifndef ASYNC_KEEP_SIGPIPE
    struct sigaction action;

    if (sigaction(SIGPIPE, NULL, &action) == 0
        && (action.sa_flags & SA_SIGINFO) == 0
        && action.sa_handler == SIG_DFL) {
        action.sa_handler = SIG_IGN;
        (void)sigaction(SIGPIPE, &action, NULL);
    }
#endif
}

ASYNC_API struct async_fds *async_fds_(async_loop *loop, int *err)
{
    struct async_fds *fds = loop->fds;

    if (fds == NULL) {
        fds = (struct async_fds *)ASYNC_SYS_(calloc)(1, sizeof *fds);
        if (fds == NULL) {
            *err = ASYNC_ENOMEM;
            return NULL;
        }
        fds->wake[0] = fds->wake[1] = fds->backend = fds->second = -1;
        fds->left = ASYNC_BURST_;
        loop->fds = fds;
        async_fd_sigpipe_();
    }
    return fds;
}

ASYNC_API async_fd_ *async_fd_make_(struct async_fds *fds, int fd, int *err)
{
    unsigned number = (unsigned)fd;
    unsigned first = number - number % ASYNC_CHUNK_;
    unsigned i;
    async_fd_ *chunk;

    if (number >= fds->limit) {
        unsigned room = first < 2 * fds->limit ? 2 * fds->limit
                                               : first + ASYNC_CHUNK_;
        async_fd_ **entries = (async_fd_ **)ASYNC_SYS_(realloc)(
            fds->entries, room * sizeof *entries);

        if (entries == NULL) {
            *err = ASYNC_ENOMEM;
            return NULL;
        }
        memset(entries + fds->limit, 0,
               (room - fds->limit) * sizeof *entries);
        fds->entries = entries;
        fds->limit = room;
    }
    if (fds->entries[number] == NULL) {
        chunk = (async_fd_ *)ASYNC_SYS_(calloc)(ASYNC_CHUNK_, sizeof *chunk);
        if (chunk == NULL) {
            *err = ASYNC_ENOMEM;
            return NULL;
        }
        for (i = 0; i < ASYNC_CHUNK_; i++) {
            chunk[i].generation = 1;
            chunk[i].fd = (int)(first + i);
            chunk[i].flags = ASYNC_FD_IN_ | ASYNC_FD_OUT_;
            fds->entries[first + i] = chunk + i;
        }
    }
    return fds->entries[number];
}

ASYNC_API void async_fd_reset_(struct async_fds *fds, async_fd_ *it,
                               int result)
{
    it->generation = it->generation == INT_MAX ? 1 : it->generation + 1;
    it->reset = fds->turn;
    it->flags = ASYNC_FD_IN_ | ASYNC_FD_OUT_;
    async_fd_wake_(fds, it, ASYNC_READS_, result);
    async_fd_wake_(fds, it, ASYNC_WRITES_, result);
}

ASYNC_API void async_fd_adopt_(int fd, unsigned flags)
{
    int err;
    struct async_fds *fds = async_fds_(async_this_loop_, &err);
    async_fd_ *it = fds == NULL ? NULL : async_fd_make_(fds, fd, &err);

    if (it != NULL) {               /* else it is looked at when it is used */
        if ((it->flags & (ASYNC_FD_KNOWN_ | ASYNC_FD_ADDED_)) != 0) {
            async_fd_reset_(fds, it, ASYNC_EBADF);
        }
        it->flags |= (unsigned char)(flags | ASYNC_FD_KNOWN_);
    }
}

/* What is it? Its flags, or an error. For TCP that is two system calls. */
static int async_fd_look_(int fd)
{
    struct stat status;
    int value, mode;
    socklen_t size = sizeof value;
    int flags = ASYNC_FD_KNOWN_;

    mode = ASYNC_SYS_(fcntl)(fd, F_GETFL);
    if (mode < 0) {
        return -errno;
    }
    if ((mode & O_NONBLOCK) == 0) {
        flags |= ASYNC_FD_BLOCKS_;
    }
    if (ASYNC_SYS_(getsockopt)(fd, IPPROTO_TCP, TCP_NODELAY, &value,
                               &size) == 0) {
        return flags | ASYNC_FD_SOCKET_ | ASYNC_FD_SHORT_;
    }
    if (errno != ENOTSOCK) {
        return flags | ASYNC_FD_SOCKET_;
    }
    if (ASYNC_SYS_(fstat)(fd, &status) < 0) {
        return -errno;
    }
    if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)
        || S_ISBLK(status.st_mode)) {
        return ASYNC_FD_KNOWN_;             /* c: it never says EAGAIN */
    }
#ifdef O_DIRECT
    if ((mode & O_DIRECT) != 0) {
        return flags;                       /* a pipe of packets */
    }
#endif
    return S_ISFIFO(status.st_mode) ? flags | ASYNC_FD_SHORT_ : flags;
}

/* ---- what operations are made of ----------------------------------------- */

/* Struck, by more than a poll (a scope without any time)? That one is to see
 * what is there: it gives way like everybody, and then looks. */
static bool async_fd_struck_(const async_task *task)
{
    const async_scope_ *scope;

    if (!ASYNC_STRUCK_P_(task)) {
        return false;
    }
    for (scope = task->scopes; scope != NULL; scope = scope->up) {
        if ((scope->fired & ASYNC_FIRED_) != 0
            && (scope->fired & ASYNC_POLLS_) == 0) {
            return true;
        }
    }
    return (task->timer.node.state & ASYNC_PENDING_) != 0;
}

ASYNC_API async_status async_fd_give_way_(async_task *task, int result)
{
    if (async_fd_struck_(task)) {
        return async_deliver_(task);
    }
    task->timer.u.result = result;
    async_set_state_(task, ASYNC_READY_);
    async_ready_(async_this_loop_, task);
    return ASYNC_PENDING;
}

ASYNC_API bool async_fd_share_is_over_(struct async_fds *fds,
                                       const async_task *task)
{
    if (fds->left != 0 && --fds->left != 0) {
        return false;
    }
    fds->left = ASYNC_BURST_;
    if (fds->busy == task) {
        fds->busy = NULL;
        return true;
    }
    fds->busy = task;
    return false;
}

/* An entry for a descriptor that is used for the first time. */
static async_fd_ *async_fd_begin_(int fd, async_status *rc)
{
    struct async_fds *fds;
    async_fd_ *it = NULL;
    int flags = fd < 0 ? ASYNC_EBADF : async_fd_look_(fd);

    if (flags < 0) {
        *rc = flags;
        return NULL;
    }
    fds = async_fds_(async_this_loop_, rc);
    if (fds != NULL) {
        it = async_fd_make_(fds, fd, rc);
    }
    if (it != NULL) {
        it->flags |= (unsigned char)flags;
    }
    return it;
}

/* The task comes back to an operation that parked it. */
static async_fd_ *async_fd_resume_(int fd, async_status *rc)
{
    async_task *task = async_this_task_;
    struct async_fds *fds = async_this_loop_->fds;
    async_fd_ *it = async_fd_find_(fds, fd);

    if (async_state_(task) == ASYNC_STRUCK_) {
        fds->waiting--;
        async_set_state_(task, ASYNC_RUNNING_);
        if (async_fd_is_young_(fds, it)
            || (it->flags & ASYNC_FD_ADDED_) == 0) {
            *rc = async_deliver_(task);     /* it was closed meanwhile: a */
            return NULL;
        }
        return it;
    }
    async_set_state_(task, ASYNC_RUNNING_);
    *rc = task->timer.u.result;
    if (*rc > 0 && (it == NULL || it->generation != *rc)) {
        *rc = ASYNC_EBADF;                  /* woken, then closed: a */
    }
    if (*rc < 0) {
        return NULL;
    }
    if (it == NULL || (it->flags & ASYNC_FD_KNOWN_) == 0) {
        return async_fd_begin_(fd, rc);
    }
    return it;
}

ASYNC_API async_fd_ *async_fd_entry_other_(int fd, async_status *rc)
{
    async_task *task = async_this_task_;
    struct async_fds *fds = async_this_loop_->fds;
    async_fd_ *it;

    if (async_state_(task) != ASYNC_RUNNING_) {
        return async_fd_resume_(fd, rc);
    }
    /* One that fails counts too: a loop around a closed descriptor must not
     * keep the others from running. */
    if (fds == NULL) {
        fds = async_fds_(async_this_loop_, rc);
        if (fds == NULL) {
            return NULL;
        }
    }
    it = async_fd_find_(fds, fd);
    if (async_fd_share_is_over_(fds, task)) {
        *rc = async_fd_give_way_(task, it == NULL ? 0 : it->generation);
        return NULL;
    }
    if (it == NULL || (it->flags & ASYNC_FD_KNOWN_) == 0) {
        return async_fd_begin_(fd, rc);
    }
    return it;
}

ASYNC_API async_status async_fd_park_(async_fd_ *it, int direction,
                                      const char *what)
{
    async_task *task = async_this_task_;
    struct async_fds *fds = async_this_loop_->fds;

    (void)what;
    if (ASYNC_UNLIKELY_(ASYNC_STRUCK_P_(task))) {
        return async_deliver_(task);
    }
    if (ASYNC_UNLIKELY_(!ASYNC_BACKEND_WAITS_(fds, it))) {
        int err = async_backend_waits_(fds, it);

        if (err == ASYNC_EPERM) {           /* c: look again in each turn */
            it->flags |= ASYNC_FD_IN_ | ASYNC_FD_OUT_;
            return ASYNC_PENDING;
        }
        if (err < 0) {
            return err;
        }
    }
    fds->waiting++;
    it->age = 0;
    ASYNC_WAITS_(what, (const void *)(intptr_t)it->fd);
    return async_link_(&it->waiters[direction], ASYNC_LINKED_);
}

ASYNC_API async_status async_fd_failed_(async_fd_ *it, int direction,
                                        const char *what)
{
    struct async_fds *fds = async_this_loop_->fds;
    int err = errno;

    if (err == EINTR) {                                             /* i */
        return async_fd_give_way_(async_this_task_, it->generation);
    }
    if (err == EAGAIN || err == EWOULDBLOCK) {
        it->flags &= (unsigned char)~(direction == ASYNC_READS_
                                      ? ASYNC_FD_IN_ : ASYNC_FD_OUT_);
        return async_fd_park_(it, direction, what);
    }
    if (err == EBADF) {
        async_fd_reset_(fds, it, 0);
    } else if (err == ENOTSOCK && (it->flags & ASYNC_FD_SOCKET_) != 0) {
        /* a: it was a socket when it was last looked at. */
        int flags = async_fd_look_(it->fd);

        async_fd_reset_(fds, it, 0);
        if (flags >= 0 && (flags & ASYNC_FD_SOCKET_) == 0) {
            it->flags |= (unsigned char)flags;
            return async_fd_give_way_(async_this_task_,
                                      it->generation);
        }
    }
    return -err;
}

ASYNC_API bool async_fd_ready_(int fd, short events)
{
    struct pollfd look;
    int n;

    look.fd = fd;
    look.events = events;
    look.revents = 0;
    n = ASYNC_SYS_(poll)(&look, 1, 0);
    if (n == 0) {
        errno = EAGAIN;
    }
    return n > 0;               /* what is wrong with it, the call will say */
}

/* ---- what the loop asks for ---------------------------------------------- */

ASYNC_API const struct timespec *async_timespec_(async_duration ticks,
                                                 struct timespec *time)
{
    if (ticks == ASYNC_NEVER) {
        return NULL;
    }
    time->tv_sec = (time_t)(ticks / ASYNC_TICK_HZ);
    time->tv_nsec = (long)(((int64_t)(ticks % ASYNC_TICK_HZ) * 1000000000
                            + (ASYNC_TICK_HZ - 1)) / ASYNC_TICK_HZ);
    if (time->tv_nsec >= 1000000000) {
        time->tv_nsec = 0;
        time->tv_sec++;
    }
    return time;
}

ASYNC_API void async_port_idle(async_loop *loop, async_duration ticks)
{
    struct async_fds *fds = loop->fds;
    struct timespec time;

    if (fds != NULL) {
        fds->turn++;
    }
    if (fds == NULL || (fds->waiting == 0 && fds->wake[0] < 0)) {
        if (fds != NULL) {
            fds->busy = NULL;
        }
        if (ticks != 0) {
            const struct timespec *limit = async_timespec_(ticks, &time);

            while (limit == NULL) {         /* only a signal handler may act */
                (void)pause();
                return;
            }
            (void)nanosleep(limit, NULL);
        }
        return;
    }
    fds->busy = NULL;
    if (ticks != 0 || fds->waiting != 0) {
        async_backend_wait_(fds, ticks);
    }
}

ASYNC_API bool async_port_waits_(const async_loop *loop)
{
    return loop->fds != NULL && loop->fds->waiting != 0;
}

ASYNC_API int async_port_wakeable_(async_loop *loop)
{
    int err = 0;
    struct async_fds *fds = async_fds_(loop, &err);

    if (fds == NULL) {
        return err;
    }
    if (fds->wake[0] < 0) {
#ifdef __linux__
        fds->wake[0] = ASYNC_SYS_(eventfd)(0, EFD_NONBLOCK | EFD_CLOEXEC);
        fds->wake[1] = fds->wake[0];
        if (fds->wake[0] < 0) {
            return -errno;
        }
#else
        err = async_pipe(fds->wake);
        if (err < 0) {
            fds->wake[0] = fds->wake[1] = -1;
            return err;
        }
#endif
    }
    return async_backend_open_(fds);
}

/* From a signal handler or another thread. A pipe that is full wakes too. */
ASYNC_API void async_port_wake_(async_loop *loop)
{
    const uint64_t one = 1;
    int before = errno;
    ptrdiff_t n;

    do {
        n = ASYNC_SYS_(write)(loop->fds->wake[1], &one, sizeof one);
    } while (n < 0 && errno == EINTR);
    errno = before;
}

ASYNC_API void async_port_cancel_all_(async_loop *loop)
{
    struct async_fds *fds = loop->fds;
    unsigned fd;
    int i;

    for (fd = 0; fds != NULL && fd < fds->limit; fd++) {
        async_fd_ *it = async_fd_find_(fds, (int)fd);

        if (it == NULL) {
            fd += ASYNC_CHUNK_ - 1;
            continue;
        }
        for (i = 0; i < 2; i++) {
            while (it->waiters[i] != NULL) {
                async_cancel(ASYNC_TASK_(it->waiters[i]->next));
            }
        }
    }
}

ASYNC_API int async_port_close_(async_loop *loop)
{
    struct async_fds *fds = loop->fds;
    unsigned i;

    if (fds == NULL) {
        return 0;
    }
    loop->fds = NULL;
    async_backend_close_(fds);
    for (i = 0; i < 2; i++) {
        if (fds->wake[i] >= 0 && (i == 0 || fds->wake[1] != fds->wake[0])) {
            (void)close(fds->wake[i]);
        }
    }
    for (i = 0; i < fds->limit; i += ASYNC_CHUNK_) {
        free(fds->entries[i]);
    }
    free(fds->entries);
    free(fds);
    return 0;
}

#endif
/* ===========================================================================
 * fd: the operations on any descriptor. The letters are those of fd.h.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if ASYNC_HOSTED

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#ifndef PIPE_BUF
#define PIPE_BUF 512
#endif

/* ---- readiness ----------------------------------------------------------- */

/* The descriptor may be another library's: it is looked at, and armed anew,
 * each time, and what kind of file it is does not matter: n. */
static async_status async_fd_await_(int fd, int direction, const char *what)
{
    async_task *task = async_this_task_;
    async_loop *loop = async_this_loop_;
    struct pollfd look;
    struct async_fds *fds;
    async_fd_ *it;
    async_status rc = 0;
    int n;

    if (async_state_(task) == ASYNC_STRUCK_) {
        loop->fds->waiting--;
        if (async_fd_is_young_(loop->fds, async_fd_find_(loop->fds, fd))) {
            return async_deliver_(task);
        }
    } else if (async_state_(task) == ASYNC_READY_) {
        rc = task->timer.u.result;
        it = async_fd_find_(loop->fds, fd);
        async_set_state_(task, ASYNC_RUNNING_);
        if (rc != 0) {
            return rc < 0 ? rc
                : it != NULL && it->generation == rc ? 0 : ASYNC_EBADF;
        }
    }
    async_set_state_(task, ASYNC_RUNNING_);
    fds = async_fds_(loop, &rc);
    if (fds == NULL) {
        return rc;
    }
    if (async_fd_share_is_over_(fds, task)) {
        return async_fd_give_way_(task, 0);
    }
    if (fd < 0) {
        return ASYNC_EBADF;
    }
    look.fd = fd;
    look.events = direction == ASYNC_READS_ ? POLLIN : POLLOUT;
    look.revents = 0;
    do {
        n = ASYNC_SYS_(poll)(&look, 1, 0);
    } while (n < 0 && errno == EINTR);
    if (n != 0) {
        return n < 0 ? -errno
            : (look.revents & POLLNVAL) != 0 ? ASYNC_EBADF : 0;
    }
    if (ASYNC_STRUCK_P_(task)) {
        return async_deliver_(task);
    }
    it = async_fd_make_(fds, fd, &rc);
    if (it == NULL) {
        return rc;
    }
    rc = async_backend_arm_(fds, it);
    if (rc < 0) {
        return rc == ASYNC_EPERM ? 0 : rc;                          /* c */
    }
    return async_fd_park_(it, direction, what);
}

ASYNC_API async_status async_readable(int fd)
{
    (void)async_self_();
    return async_fd_await_(fd, ASYNC_READS_, "async_readable");
}

ASYNC_API async_status async_writable(int fd)
{
    (void)async_self_();
    return async_fd_await_(fd, ASYNC_WRITES_, "async_writable");
}

/* ---- reading and writing ------------------------------------------------- */

static ptrdiff_t async_fd_read_other_(const async_fd_ *it, int fd,
                                      void *buffer, size_t length)
{
    if ((it->flags & ASYNC_FD_BLOCKS_) != 0 && !async_fd_ready_(fd, POLLIN)) {
        return -1;
    }
    return ASYNC_SYS_(read)(fd, buffer, length);
}

ASYNC_INLINE_ ptrdiff_t async_fd_read_(const async_fd_ *it, int fd,
                                       void *buffer, size_t length)
{
    return ASYNC_LIKELY_((it->flags & ASYNC_FD_SOCKET_) != 0)
        ? ASYNC_SYS_(recv)(fd, buffer, length, MSG_DONTWAIT)
        : async_fd_read_other_(it, fd, buffer, length);
}

ASYNC_API async_status async_read(int fd, void *buffer, size_t length)
{
    async_status rc;
    async_fd_ *it = async_fd_enter_(fd, &rc);
    ptrdiff_t n;

    if (ASYNC_UNLIKELY_(it == NULL)) {
        return rc;
    }
    if (ASYNC_UNLIKELY_(length - 1 >= INT_MAX || buffer == NULL)) {
        if (length == 0) {
            return 0;           /* as read(2), which takes no datagram then */
        }
        if (buffer == NULL && length != 0) {
            return ASYNC_EINVAL;
        }
        length = async_fd_length_(length);
    }
    if (!async_fd_may_(it, ASYNC_FD_IN_)) {
        return async_fd_park_(it, ASYNC_READS_, "async_read");
    }
    n = async_fd_read_(it, fd, buffer, length);
    if (ASYNC_UNLIKELY_(n < 0)) {
        return async_fd_failed_(it, ASYNC_READS_, "async_read");
    }
    return async_fd_got_(it, n, length);
}

static ptrdiff_t async_fd_write_other_(const async_fd_ *it, int fd,
                                       const void *buffer, size_t length)
{
    if ((it->flags & ASYNC_FD_BLOCKS_) != 0) {                      /* h */
        if (!async_fd_ready_(fd, POLLOUT)) {
            return -1;
        }
        length = length > PIPE_BUF ? PIPE_BUF : length;
    }
    return ASYNC_SYS_(write)(fd, buffer, length);
}

ASYNC_INLINE_ ptrdiff_t async_fd_write_(const async_fd_ *it, int fd,
                                        const void *buffer, size_t length)
{
    return ASYNC_LIKELY_((it->flags & ASYNC_FD_SOCKET_) != 0)
        ? ASYNC_SYS_(send)(fd, buffer, length,
                                MSG_DONTWAIT | MSG_NOSIGNAL)
        : async_fd_write_other_(it, fd, buffer, length);
}

ASYNC_API async_status async_write(int fd, const void *buffer, size_t length)
{
    async_status rc;
    async_fd_ *it = async_fd_enter_(fd, &rc);
    ptrdiff_t n;

    if (ASYNC_UNLIKELY_(it == NULL)) {
        return rc;
    }
    if (ASYNC_UNLIKELY_(buffer == NULL && length != 0)) {
        return ASYNC_EINVAL;
    }
    if (!async_fd_may_(it, ASYNC_FD_OUT_)) {
        return async_fd_park_(it, ASYNC_WRITES_, "async_write");
    }
    n = async_fd_write_(it, fd, buffer, async_fd_length_(length));
    if (ASYNC_UNLIKELY_(n < 0)) {
        return async_fd_failed_(it, ASYNC_WRITES_, "async_write");
    }
    return (async_status)n;
}

enum { ASYNC_FD_PIECES_ = 1024 };       /* what Linux and the BSDs take */

/* The length of all pieces, or an error. Where one call could move more than
 * INT_MAX bytes, or could block, the first piece stands for all. */
static int async_fd_pieces_(const async_fd_ *it, const struct iovec **pieces,
                            int *count, struct iovec *first)
{
    const struct iovec *all = *pieces;
    size_t length = 0;
    bool one = (it->flags & (ASYNC_FD_BLOCKS_ | ASYNC_FD_SOCKET_))
        == ASYNC_FD_BLOCKS_;
    int i;

    if (*count < 0 || *count > ASYNC_FD_PIECES_
        || (all == NULL && *count != 0)) {
        return ASYNC_EINVAL;
    }
    for (i = 0; i < *count; i++) {
        if (all[i].iov_base == NULL && all[i].iov_len != 0) {
            return ASYNC_EINVAL;
        }
        if (all[i].iov_len > INT_MAX - length) {
            one = true;
            break;
        }
        length += all[i].iov_len;
    }
    if (one) {
        for (i = 0; i + 1 < *count && all[i].iov_len == 0; i++) {
        }
        first->iov_base = *count == 0 ? NULL : all[i].iov_base;
        first->iov_len = *count == 0 ? 0 : async_fd_length_(all[i].iov_len);
        length = first->iov_len;
        *pieces = first;
        *count = 1;
    }
    return (int)length;
}

static ptrdiff_t async_fd_readv_(const async_fd_ *it, int fd,
                                 const struct iovec *pieces, int count)
{
    if ((it->flags & ASYNC_FD_SOCKET_) != 0) {
        struct msghdr message;

        memset(&message, 0, sizeof message);
        message.msg_iov = (struct iovec *)(uintptr_t)pieces;
        message.msg_iovlen = (unsigned short)count;    /* size_t or int */
        return ASYNC_SYS_(recvmsg)(fd, &message, MSG_DONTWAIT);
    }
    if ((it->flags & ASYNC_FD_BLOCKS_) != 0) {
        return async_fd_read_(it, fd, pieces->iov_base, pieces->iov_len);
    }
    return ASYNC_SYS_(readv)(fd, pieces, count);
}

ASYNC_API async_status async_readv(int fd, const struct iovec *pieces,
                                   int count)
{
    struct iovec first;
    async_status rc;
    async_fd_ *it = async_fd_enter_(fd, &rc);
    int length;
    ptrdiff_t n;

    if (it == NULL) {
        return rc;
    }
    length = async_fd_pieces_(it, &pieces, &count, &first);
    if (length < 0 || (length == 0 && (it->flags & ASYNC_FD_SOCKET_) == 0)) {
        return length;
    }
    if (!async_fd_may_(it, ASYNC_FD_IN_)) {
        return async_fd_park_(it, ASYNC_READS_, "async_readv");
    }
    n = async_fd_readv_(it, fd, pieces, count);
    if (n < 0) {
        return async_fd_failed_(it, ASYNC_READS_, "async_readv");
    }
    return async_fd_got_(it, n, (size_t)length);
}

static ptrdiff_t async_fd_writev_(const async_fd_ *it, int fd,
                                  const struct iovec *pieces, int count)
{
    if ((it->flags & ASYNC_FD_SOCKET_) != 0) {
        struct msghdr message;

        memset(&message, 0, sizeof message);
        message.msg_iov = (struct iovec *)(uintptr_t)pieces;
        message.msg_iovlen = (unsigned short)count;    /* size_t or int */
        return ASYNC_SYS_(sendmsg)(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if ((it->flags & ASYNC_FD_BLOCKS_) != 0) {
        return async_fd_write_(it, fd, pieces->iov_base, pieces->iov_len);
    }
    return ASYNC_SYS_(writev)(fd, pieces, count);
}

ASYNC_API async_status async_writev(int fd, const struct iovec *pieces,
                                    int count)
{
    struct iovec first;
    async_status rc;
    async_fd_ *it = async_fd_enter_(fd, &rc);
    ptrdiff_t n;

    if (it == NULL) {
        return rc;
    }
    rc = async_fd_pieces_(it, &pieces, &count, &first);
    if (rc < 0) {
        return rc;
    }
    if (!async_fd_may_(it, ASYNC_FD_OUT_)) {
        return async_fd_park_(it, ASYNC_WRITES_, "async_writev");
    }
    n = async_fd_writev_(it, fd, pieces, count);
    if (n < 0) {
        return async_fd_failed_(it, ASYNC_WRITES_, "async_writev");
    }
    return (async_status)n;
}

/* The count is in the caller's memory, so that whoever ends the wait finds it:
 * o. Only the last of the inner operations may have been suspended. */
ASYNC_API async_status async_read_exactly(int fd, void *buffer, size_t length,
                                          size_t *done)
{
    if (done == NULL || *done > length || (buffer == NULL && length != 0)) {
        return async_settle_(async_self_(), ASYNC_EINVAL);
    }
    while (*done < length) {
        async_status n = async_read(fd, (char *)buffer + *done,
                                    length - *done);

        if (n <= 0) {
            return n == 0 ? ASYNC_EPIPE : n;
        }
        *done += (size_t)n;
    }
    *done = 0;
    return (async_status)async_fd_length_(length);
}

ASYNC_API async_status async_write_all(int fd, const void *buffer,
                                       size_t length, size_t *done)
{
    if (done == NULL || *done > length || (buffer == NULL && length != 0)) {
        return async_settle_(async_self_(), ASYNC_EINVAL);
    }
    while (*done < length) {
        async_status n = async_write(fd, (const char *)buffer + *done,
                                     length - *done);

        if (n < 0) {
            return n;
        }
        *done += (size_t)n;
    }
    *done = 0;
    return (async_status)async_fd_length_(length);
}

/* ---- making and closing -------------------------------------------------- */

static int async_fd_nonblocking_(int fd)
{
    int flags = ASYNC_SYS_(fcntl)(fd, F_GETFL);

    if (flags < 0 || ASYNC_SYS_(fcntl)(fd, F_SETFL, flags | O_NONBLOCK) < 0
        || ASYNC_SYS_(fcntl)(fd, F_SETFD, FD_CLOEXEC) < 0) {
        return -errno;
    }
    return 0;
}

ASYNC_API int async_pipe(int ends[2])
{
    int i, err = 0;

    if (ends == NULL) {
        return ASYNC_EINVAL;
    }
    if (ASYNC_SYS_(pipe)(ends) < 0) {
        return -errno;
    }
    for (i = 0; i < 2 && err == 0; i++) {
        err = async_fd_nonblocking_(ends[i]);
    }
    if (err < 0) {
        (void)close(ends[0]);
        (void)close(ends[1]);
        return err;
    }
    if (async_this_loop_ != NULL) {
        async_fd_adopt_(ends[0], ASYNC_FD_SHORT_);
        async_fd_adopt_(ends[1], 0);
    }
    return 0;
}

ASYNC_API int async_detach(int fd)
{
    struct async_fds *fds = async_this_loop_ == NULL ? NULL
                                                     : async_this_loop_->fds;
    async_fd_ *it = fds == NULL ? NULL : async_fd_find_(fds, fd);

    if (fd < 0) {
        return ASYNC_EBADF;
    }
    if (it != NULL) {
        async_backend_forget_(fds, it);                         /* b */
        async_fd_reset_(fds, it, ASYNC_EBADF);                      /* a */
    }
    return 0;
}

ASYNC_API int async_close(int fd)
{
    int err = async_detach(fd);

    if (err == 0 && ASYNC_SYS_(close)(fd) < 0
        && errno != EINTR && errno != EINPROGRESS) {
        err = -errno;           /* after those two it is closed all the same */
    }
    return err;
}


#endif
/* ===========================================================================
 * net: operations on sockets. The letters are those of fd.h.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if ASYNC_HOSTED

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- sending and receiving ----------------------------------------------- */

/* One of the six calls; receiving or sending. */
struct async_transfer_ {
    const char *what;
    void *buffer;
    size_t length;
    int flags;
    struct sockaddr *address;
    socklen_t *address_length;      /* receiving */
    socklen_t size;                 /* sending */
    struct msghdr *message;         /* instead of the others */
};

static ptrdiff_t async_receive_call_(int fd, const struct async_transfer_ *by)
{
    int flags = by->flags | MSG_DONTWAIT;

    if (by->message != NULL) {
        return ASYNC_SYS_(recvmsg)(fd, by->message, flags);
    }
    if (by->address == NULL) {
        return ASYNC_SYS_(recv)(fd, by->buffer, by->length, flags);
    }
    return ASYNC_SYS_(recvfrom)(fd, by->buffer, by->length, flags,
                                by->address, by->address_length);
}

/* A look at what stays (MSG_PEEK) or at something else (MSG_OOB) says nothing
 * about whether the socket is empty. */
static async_status async_receive_(int fd, const struct async_transfer_ *by)
{
    async_status rc;
    async_fd_ *it = async_fd_entry_(fd, &rc);
    ptrdiff_t n;

    if (it == NULL) {
        return rc;
    }
    if ((by->buffer == NULL && by->length != 0)
        || (by->address != NULL && by->address_length == NULL)) {
        return ASYNC_EINVAL;
    }
    if (by->flags == 0 && !async_fd_may_(it, ASYNC_FD_IN_)) {
        return async_fd_park_(it, ASYNC_READS_, by->what);
    }
    n = async_receive_call_(fd, by);
    if (n >= 0) {
        return by->flags == 0 && by->message == NULL
            ? async_fd_got_(it, n, by->length) : (async_status)n;
    }
    if (by->flags != 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return async_fd_park_(it, ASYNC_READS_, by->what);
    }
    return async_fd_failed_(it, ASYNC_READS_, by->what);
}

static ptrdiff_t async_send_call_(int fd, const struct async_transfer_ *by)
{
    int flags = by->flags | MSG_DONTWAIT | MSG_NOSIGNAL;

    if (by->message != NULL) {
        return ASYNC_SYS_(sendmsg)(fd, by->message, flags);
    }
    if (by->address == NULL) {
        return ASYNC_SYS_(send)(fd, by->buffer, by->length, flags);
    }
    return ASYNC_SYS_(sendto)(fd, by->buffer, by->length, flags, by->address,
                              by->size);
}

static async_status async_transmit_(int fd, const struct async_transfer_ *by)
{
    async_status rc;
    async_fd_ *it = async_fd_entry_(fd, &rc);
    ptrdiff_t n;

    if (it == NULL) {
        return rc;
    }
    if (by->buffer == NULL && by->length != 0) {
        return ASYNC_EINVAL;
    }
    if (!async_fd_may_(it, ASYNC_FD_OUT_)) {
        return async_fd_park_(it, ASYNC_WRITES_, by->what);
    }
    n = async_send_call_(fd, by);
    return n >= 0 ? (async_status)n
                  : async_fd_failed_(it, ASYNC_WRITES_, by->what);
}

static void async_transfer_of_(struct async_transfer_ *by, const char *what,
                               const void *buffer, size_t length, int flags)
{
    memset(by, 0, sizeof *by);
    by->what = what;
    by->buffer = (void *)(uintptr_t)buffer;
    by->length = async_fd_length_(length);
    by->flags = flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL);
}

ASYNC_API async_status async_recv(int fd, void *buffer, size_t length,
                                  int flags)
{
    struct async_transfer_ by;

    (void)async_self_();
    async_transfer_of_(&by, "async_recv", buffer, length, flags);
    return async_receive_(fd, &by);
}

ASYNC_API async_status async_recvfrom(int fd, void *buffer, size_t length,
                                      int flags, struct sockaddr *address,
                                      socklen_t *address_length)
{
    struct async_transfer_ by;

    (void)async_self_();
    async_transfer_of_(&by, "async_recvfrom", buffer, length, flags);
    by.address = address;
    by.address_length = address_length;
    return async_receive_(fd, &by);
}

ASYNC_API async_status async_recvmsg(int fd, struct msghdr *message,
                                     int flags)
{
    struct async_transfer_ by;

    if (message == NULL) {
        return async_settle_(async_self_(), ASYNC_EINVAL);
    }
    async_transfer_of_(&by, "async_recvmsg", NULL, 0, flags);
    by.message = message;
    return async_receive_(fd, &by);
}

ASYNC_API async_status async_send(int fd, const void *buffer, size_t length,
                                  int flags)
{
    struct async_transfer_ by;

    (void)async_self_();
    async_transfer_of_(&by, "async_send", buffer, length, flags);
    return async_transmit_(fd, &by);
}

ASYNC_API async_status async_sendto(int fd, const void *buffer, size_t length,
                                    int flags, const struct sockaddr *address,
                                    socklen_t address_length)
{
    struct async_transfer_ by;

    (void)async_self_();
    async_transfer_of_(&by, "async_sendto", buffer, length, flags);
    by.address = (struct sockaddr *)(uintptr_t)address;
    by.size = address_length;
    return async_transmit_(fd, &by);
}

ASYNC_API async_status async_sendmsg(int fd, const struct msghdr *message,
                                     int flags)
{
    struct async_transfer_ by;

    if (message == NULL) {
        return async_settle_(async_self_(), ASYNC_EINVAL);
    }
    async_transfer_of_(&by, "async_sendmsg", NULL, 0, flags);
    by.message = (struct msghdr *)(uintptr_t)message;
    return async_transmit_(fd, &by);
}

/* ---- connections --------------------------------------------------------- */

static int async_socket_mode_(int fd, bool nonblocking)
{
    int mode = ASYNC_SYS_(fcntl)(fd, F_GETFL);

    if (mode < 0) {
        return -errno;
    }
    if (((mode & O_NONBLOCK) != 0) == nonblocking) {
        return 0;
    }
    mode = nonblocking ? mode | O_NONBLOCK : mode & ~O_NONBLOCK;
    return ASYNC_SYS_(fcntl)(fd, F_SETFL, mode) < 0 ? -errno : 1;
}

static int async_socket_make_(int domain, int type, int protocol)
{
#ifdef SOCK_NONBLOCK
    int fd = ASYNC_SYS_(socket)(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC,
                                protocol);

    return fd < 0 ? -errno : fd;
#else
    int fd = ASYNC_SYS_(socket)(domain, type, protocol);
    int err;

    if (fd < 0) {
        return -errno;
    }
    err = async_socket_mode_(fd, true);
    if (err < 0 || ASYNC_SYS_(fcntl)(fd, F_SETFD, FD_CLOEXEC) < 0) {
        err = -errno;
        (void)close(fd);
        return err;
    }
    return fd;
#endif
}

ASYNC_API int async_socket(int domain, int type, int protocol)
{
    int fd = async_socket_make_(domain, type, protocol);
    bool tcp = (domain == AF_INET || domain == AF_INET6)
        && type == SOCK_STREAM && (protocol == 0 || protocol == IPPROTO_TCP);

    if (fd >= 0 && async_this_loop_ != NULL) {
        async_fd_adopt_(fd, ASYNC_FD_SOCKET_ | (tcp ? (unsigned)ASYNC_FD_SHORT_
                                                    : 0U));
    }
    return fd;
}

static int async_accept_call_(const async_fd_ *it, int fd,
                              struct sockaddr *address, socklen_t *length)
{
    int peer;

    if ((it->flags & ASYNC_FD_BLOCKS_) != 0                         /* h */
        && (it->flags & ASYNC_FD_SOCKET_) != 0
        && !async_fd_ready_(fd, POLLIN)) {
        return -1;
    }
#ifdef SOCK_NONBLOCK
    peer = ASYNC_SYS_(accept4)(fd, address, length,
                               SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
    peer = ASYNC_SYS_(accept)(fd, address, length);
    if (peer >= 0 && (async_socket_mode_(peer, true) < 0
                      || ASYNC_SYS_(fcntl)(peer, F_SETFD, FD_CLOEXEC) < 0)) {
        int err = errno;

        (void)close(peer);
        errno = err;
        return -1;
    }
#endif
    return peer;
}

/* The rest is over, of all listeners. */
static void async_accept_rested_(async_alarm_ *alarm, async_ticks now)
{
    struct async_fds *fds = async_this_loop_->fds;
    unsigned fd;

    (void)now;
    alarm->timer.node.state = ASYNC_IDLE_;
    for (fd = 0; fd < fds->limit; fd++) {
        async_fd_ *it = fds->entries[fd];

        if (it != NULL && (it->flags & ASYNC_FD_FULL_) != 0) {
            it->flags &= (unsigned char)~ASYNC_FD_FULL_;
            async_fd_event_(fds, it, ASYNC_FD_IN_);
        }
    }
}

/* The last try failed for want of something. Trying again at once would be a
 * busy loop. So the task waits for the listener as if nobody called there, and
 * an alarm says a little later that somebody does: f. */
static async_status async_accept_rest_(async_fd_ *it)
{
    async_alarm_ *alarm = &async_this_loop_->fds->rest;

    if (!ASYNC_STRUCK_P_(async_this_task_)
        && alarm->timer.node.state != ASYNC_ALARM_) {
        alarm->timer.u.deadline =
            (async_ticks)(async_now() + (async_ticks)ASYNC_MS(10));
        alarm->timer.node.state = ASYNC_ALARM_;
        alarm->fire = async_accept_rested_;
        async_timer_add_(&async_this_loop_->timers, &alarm->timer);
    }
    return async_fd_park_(it, ASYNC_READS_, "async_accept");
}

ASYNC_API async_status async_accept(int fd, struct sockaddr *address,
                                    socklen_t *length)
{
    async_status rc;
    async_fd_ *it = async_fd_enter_(fd, &rc);
    int peer;

    if (it == NULL) {
        return rc;
    }
    if (address != NULL && length == NULL) {
        return ASYNC_EINVAL;
    }
    if ((it->flags & ASYNC_FD_FULL_) != 0) {
        return async_accept_rest_(it);
    }
    if (!async_fd_may_(it, ASYNC_FD_IN_)) {
        return async_fd_park_(it, ASYNC_READS_, "async_accept");
    }
    peer = async_accept_call_(it, fd, address, length);
    if (peer >= 0) {
        async_fd_adopt_(peer, ASYNC_FD_SOCKET_
                              | (it->flags & ASYNC_FD_SHORT_));
        return peer;
    }
    if (errno == ECONNABORTED) {
        errno = EINTR;
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS
               || errno == ENOMEM) {
        it->flags |= ASYNC_FD_FULL_;
    }
    return async_fd_failed_(it, ASYNC_READS_, "async_accept");
}

/* One that was begun goes on by itself; asked again, the kernel says how it
 * went, after it was asked for an error. */
ASYNC_API async_status async_connect(int fd, const struct sockaddr *address,
                                     socklen_t length)
{
    bool begun = async_state_(async_self_()) != ASYNC_RUNNING_;
    async_status rc;
    async_fd_ *it = async_fd_enter_(fd, &rc);
    int err = 0;
    int changed;
    socklen_t size = sizeof err;

    if (it == NULL) {
        return rc;
    }
    if (address == NULL) {
        return ASYNC_EINVAL;
    }
    if (begun && ASYNC_SYS_(getsockopt)(fd, SOL_SOCKET, SO_ERROR, &err,
                                        &size) == 0 && err != 0) {
        return -err;
    }
    changed = async_socket_mode_(fd, true);
    if (changed < 0) {
        return changed;
    }
    err = ASYNC_SYS_(connect)(fd, address, length) == 0 ? 0 : errno;
    if (changed == 1) {
        (void)async_socket_mode_(fd, false);
    }
    if (err == 0 || (err == EISCONN && begun)) {
        it->flags |= ASYNC_FD_IN_ | ASYNC_FD_OUT_;
        return 0;
    }
    if (err == EINPROGRESS || err == EALREADY || err == EINTR) {
        if (!begun) {           /* a: armed anew, whatever it was before */
            err = async_backend_arm_(async_this_loop_->fds, it);
            if (err < 0) {
                return err;
            }
        }
        return async_fd_park_(it, ASYNC_WRITES_, "async_connect");
    }
    return -err;
}

/* ---- short cuts ---------------------------------------------------------- */

ASYNC_API int async_address_set(async_address *address, const char *host,
                                int port)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    if (address == NULL || port < 0 || port > 65535) {
        return ASYNC_EINVAL;
    }
    memset(address, 0, sizeof *address);
    memset(&in, 0, sizeof in);
    in.sin_family = AF_INET;
    in.sin_port = htons((uint16_t)port);
    if (inet_pton(AF_INET, host == NULL ? "0.0.0.0" : host,
                  &in.sin_addr) == 1) {
        memcpy(&address->storage, &in, sizeof in);
        address->length = sizeof in;
        return 0;
    }
    memset(&in6, 0, sizeof in6);
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons((uint16_t)port);
    if (inet_pton(AF_INET6, host, &in6.sin6_addr) == 1) {
        memcpy(&address->storage, &in6, sizeof in6);
        address->length = sizeof in6;
        return 0;
    }
    return ASYNC_EINVAL;
}

static int async_bound_(int type, const char *host, int port, int backlog)
{
    async_address address;
    int yes = 1;
    int err = async_address_set(&address, host, port);
    int fd;

    if (err < 0) {
        return err;
    }
    fd = async_socket(address.storage.ss_family, type, 0);
    if (fd < 0) {
        return fd;
    }
    if ((type == SOCK_STREAM
         && ASYNC_SYS_(setsockopt)(fd, SOL_SOCKET, SO_REUSEADDR, &yes,
                                   sizeof yes) < 0)
        || ASYNC_SYS_(bind)(fd, (struct sockaddr *)&address.storage,
                            address.length) < 0
        || (type == SOCK_STREAM && ASYNC_SYS_(listen)(fd, backlog) < 0)) {
        err = -errno;
        (void)close(fd);
        return err;
    }
    return fd;
}

ASYNC_API int async_tcp_listen(const char *host, int port, int backlog)
{
    return async_bound_(SOCK_STREAM, host, port, backlog);
}

ASYNC_API int async_udp_open(const char *host, int port)
{
    return async_bound_(SOCK_DGRAM, host, port, 0);
}

ASYNC_API int async_local_port(int fd)
{
    struct sockaddr_in6 address;
    socklen_t length = sizeof address;

    memset(&address, 0, sizeof address);
    if (ASYNC_SYS_(getsockname)(fd, (struct sockaddr *)&address, &length) < 0) {
        return -errno;
    }
    /* The port stands at the same place in both kinds. */
    return address.sin6_family == AF_INET || address.sin6_family == AF_INET6
        ? ntohs(address.sin6_port) : ASYNC_EINVAL;
}

ASYNC_API async_status async_tcp_connect(int *fd, const char *host, int port)
{
    async_address address;
    int rc;

    if (fd == NULL) {
        return async_settle_(async_self_(), ASYNC_EINVAL);
    }
    rc = async_address_set(&address, host, port);
    if (rc == 0 && async_state_(async_self_()) == ASYNC_RUNNING_) {
        rc = async_socket(address.storage.ss_family, SOCK_STREAM, 0);
        *fd = rc;
    }
    if (rc < 0) {
        *fd = -1;
        return rc;
    }
    rc = async_connect(*fd, (struct sockaddr *)&address.storage,
                       address.length);
    if (rc < 0 && rc != ASYNC_PENDING) {
        (void)async_close(*fd);
        *fd = -1;
    }
    return rc;
}

#endif
#endif
#endif
#endif

/*
 * MIT License
 *
 * Copyright (c) 2026 the async.h authors
 *
 * Permission is hereby granted, free of charge, to any person obtaining a copy
 * of this software and associated documentation files (the "Software"), to deal
 * in the Software without restriction, including without limitation the rights
 * to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
 * copies of the Software, and to permit persons to whom the Software is
 * furnished to do so, subject to the following conditions:
 *
 * The above copyright notice and this permission notice shall be included in all
 * copies or substantial portions of the Software.
 *
 * THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
 * IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
 * FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
 * AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
 * LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
 * OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
 * SOFTWARE.
 */

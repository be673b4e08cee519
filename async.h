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
 * generator; ticks, list, task, timer, trace, loop, future, scope, sleep, call,
 * interval, timeout, irq; event, lock, semaphore, condition, barrier, queue;
 * wait, gather, pool, group, record; fd, net, stream, server, signals,
 * subprocess, offload, file, resolve; sim, testing. Where a comment names one
 * ("see sim.h"), look for `* sim:` here. First all declarations, then the
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
 * ASYNC_DEBUG              0             checks of misuse, names, await chains,
 *                                        where errors come from; some 40 bytes
 *                                        per frame, 80 per task, 2 KB a thread
 *                                        [layout]
 * ASYNC_TRACE              0             tells a function of yours what each
 *                                        task does, see trace.h; some 50 bytes
 *                                        per task, 20 a loop, and a call for
 *                                        each step. 0: not an instruction
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
 * ASYNC_PREFETCH           0             1: memory of a task is asked for some
 *                                        tasks before it runs. Some six times
 *                                        as fast where a million tasks are
 *                                        ready, scattered over memory; a dozen
 *                                        instructions more each. Hosted, GCC
 * ASYNC_SIM                0             1: for tests: every loop's clock is
 *                                        virtual, ready tasks run in an order
 *                                        by seed: sim.h, testing.h. Some ten
 *                                        instructions a task that runs, and 48
 *                                        bytes a thread; replaces your
 *                                        ASYNC_CLOCK and ASYNC_IDLE. 0: not a
 *                                        byte
 * ASYNC_POLL               0 on Linux    poll(2) instead of epoll
 * ASYNC_KQUEUE             0             1: kqueue(2) instead of poll, on macOS
 *                                        and the BSDs
 * ASYNC_KEEP_SIGPIPE       not defined   a hosted loop then leaves SIGPIPE as
 *                                        it is (by default it is ignored, so
 *                                        that a closed pipe is an EPIPE)
 * ASYNC_OFFLOAD            1 if hosted   async_offload, files, name lookup; 0:
 *                                        nothing here calls pthread_create
 * ASYNC_OFFLOAD_THREADS    4             so many threads at most, started when
 *                                        there is work for them
 * ASYNC_OFFLOAD_STACK      1048576       bytes for the stack of each: address
 *                                        space, of which what is used is memory
 * ASYNC_COMPUTED_GOTO      0             GCC, clang: resume by label address;
 *                                        an await may then stand in a switch;
 *                                        4 bytes a frame [layout]
 * ASYNC_NO_COUNTER         not defined   resume points made of line numbers:
 *                                        one await a line; for compilers
 *                                        without __COUNTER__ it is so anyway
 * ASYNC_NO_LOCAL_LABELS    not defined   standard C only: a try then costs one
 *                                        or two resume points
 * ASYNC_NO_WHOLE           not defined   boards, with ASYNC_STATIC: keep also
 *                                        what the loop does for features that
 *                                        nobody calls
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

#ifndef ASYNC_TRACE
#define ASYNC_TRACE 0
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

#ifndef ASYNC_PREFETCH
#define ASYNC_PREFETCH 0
#endif

#ifndef ASYNC_SIM
#define ASYNC_SIM 0
#endif

#ifndef ASYNC_KQUEUE
#define ASYNC_KQUEUE 0
#endif
/* To tcc the C library does not say how struct epoll_event is packed. */
#ifndef ASYNC_POLL
#if (defined __linux__ && !defined __TINYC__) || ASYNC_KQUEUE
#define ASYNC_POLL 0
#else
#define ASYNC_POLL 1
#endif
#endif
#if ASYNC_POLL && ASYNC_KQUEUE
#error "ASYNC_POLL or ASYNC_KQUEUE, but not both"
#endif

#ifndef ASYNC_OFFLOAD
#define ASYNC_OFFLOAD ASYNC_HOSTED
#endif

#ifndef ASYNC_OFFLOAD_THREADS
#define ASYNC_OFFLOAD_THREADS 4
#endif

#ifndef ASYNC_OFFLOAD_STACK
#define ASYNC_OFFLOAD_STACK 1048576
#endif

/* Tasks know their names, and what they wait in. */
#if ASYNC_DEBUG || ASYNC_TRACE
#define ASYNC_NAMED_ 1
#else
#define ASYNC_NAMED_ 0
#endif

#if ASYNC_OFFLOAD_THREADS < 1 || ASYNC_OFFLOAD_THREADS > 1024
#error "ASYNC_OFFLOAD_THREADS is 1 to 1024"
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
#if ASYNC_PREFETCH && !(ASYNC_HOSTED && ASYNC_BACKLINKS && defined __GNUC__)
#error "ASYNC_PREFETCH needs ASYNC_HOSTED, ASYNC_BACKLINKS, GCC or clang"
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
#define ASYNC_ASSUME_(x) ((x) ? (void)0 : __builtin_unreachable())
#else
#define ASYNC_MUST_USE_
#define ASYNC_LIKELY_(x) (x)
#define ASYNC_UNLIKELY_(x) (x)
#define ASYNC_NOINLINE_
#define ASYNC_ASSUME_(x) ((void)0)
#endif

#if defined __GNUC__
#define ASYNC_UNUSED_ __attribute__((unused))
#else
#define ASYNC_UNUSED_
#endif

#if defined __SDCC_mcs51    /* which has 223 bytes of stack */
#define ASYNC_INLINE_ static
#elif defined __SDCC
#define ASYNC_INLINE_ static inline
#elif defined __GNUC__
#define ASYNC_INLINE_ static inline __attribute__((unused))
#else
#define ASYNC_INLINE_ static inline
#endif

/* Where the C stack is, which grows downwards; for a debug build's checks. */
#if defined __GNUC__ && !defined __TINYC__
#define ASYNC_STACK_ __builtin_frame_address(0)
#else
#define ASYNC_STACK_ NULL
#endif

/* Small functions of the hot path (HOT): part of their callers, unless the user
 * has asked for small code; then some (STEP, ONCE) are there just once, which
 * the compiler by itself sees otherwise. And what is seldom (APART): apart from
 * the function that does the usual, which then saves no registers. What has one
 * or two callers, of which a program uses one (ALONE), is always part of it;
 * and what a function (FLAT) calls, part of that. */
#if defined __OPTIMIZE__ && defined __GNUC__
#define ASYNC_ALONE_ static inline __attribute__((always_inline, unused))
#else
#define ASYNC_ALONE_ ASYNC_UNUSED_ static
#endif
#if defined __OPTIMIZE__ && !defined __OPTIMIZE_SIZE__ && defined __GNUC__
#define ASYNC_HOT_ ASYNC_ALONE_
#define ASYNC_FAST_ 1
#define ASYNC_APART_ static ASYNC_NOINLINE_
#define ASYNC_FLAT_ __attribute__((flatten))
#define ASYNC_ONCE_
#define ASYNC_STEP_ ASYNC_INLINE_
#else
#define ASYNC_HOT_ ASYNC_INLINE_
#define ASYNC_FAST_ 0
#define ASYNC_APART_ static
#define ASYNC_FLAT_
#define ASYNC_ONCE_ ASYNC_NOINLINE_
#define ASYNC_STEP_ ASYNC_UNUSED_ static ASYNC_NOINLINE_
#endif

/* What the compiler sees to be so need not be asked when the program runs: on
 * a microcontroller, where each byte of code counts. */
#if defined __OPTIMIZE__ && defined __GNUC__ && !ASYNC_HOSTED
#define ASYNC_KNOWN_(condition) \
    (__builtin_constant_p(condition) && (condition))
#else
#define ASYNC_KNOWN_(condition) false
#endif

/* In a program that is one file (ASYNC_STATIC) GCC sees also which features
 * nobody calls. Each says that it is used by setting a variable. Where nothing
 * does, that is the constant false to the compiler, and ASYNC_USED_(feature) is
 * false: so what is done for the feature's sake alone is left out elsewhere,
 * too. Otherwise it is true; and both are no code: by the time that GCC gives
 * up to know a value, which it may not before it has looked at the whole file,
 * neither the variable is read nor, as `unknown` is none of its constants,
 * set. A compiler that thinks otherwise one day would leave out what is used:
 * that is an error then, where it is used. */
#if defined ASYNC_STATIC && !ASYNC_HOSTED && defined __OPTIMIZE__ \
    && ASYNC_GCC_ && !defined __INTEL_COMPILER && !defined ASYNC_NO_WHOLE
#define ASYNC_WHOLE_ 1
ASYNC_EXTERN_C_ void async_misjudged_(void) __attribute__((error(
    "async.h: the compiler leaves out what is used: define ASYNC_NO_WHOLE")));
#define ASYNC_FEATURE_(feature) \
    ASYNC_UNUSED_ static bool async_uses_##feature##_;
#define ASYNC_USE_(feature) \
    do { \
        unsigned char unknown; \
        __asm__ ("" : "=r"(unknown)); \
        if (__builtin_constant_p(unknown)) { \
            async_uses_##feature##_ = true; \
        } \
        if (!ASYNC_USED_(feature)) { \
            async_misjudged_(); \
        } \
    } while (0)
#define ASYNC_USED_(feature) \
    (!(__builtin_constant_p(async_uses_##feature##_) \
       && !async_uses_##feature##_))
#else
#define ASYNC_WHOLE_ 0
#define ASYNC_FEATURE_(feature)
#define ASYNC_USE_(feature) ((void)0)
#define ASYNC_USED_(feature) true
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
 * async_join_hosted_1_debug_0_trace_0_frame_bits_16 and so on. Two files built
 * differently do not link, and the linker's message says by what. */
#define ASYNC_ABI_PASTE_(name, h, d, r, f, g, t, w, b) \
    name##_hosted_##h##_debug_##d##_trace_##r##_frame_bits_##f \
        ##_computed_goto_##g##_tick_bits_##t##_timer_wheel_##w##_backlinks_##b
#define ASYNC_ABI_EXPAND_(name, h, d, r, f, g, t, w, b) \
    ASYNC_ABI_PASTE_(name, h, d, r, f, g, t, w, b)
#define ASYNC_ABI_(name) \
    ASYNC_ABI_EXPAND_(name, ASYNC_HOSTED, ASYNC_DEBUG, ASYNC_TRACE, \
                      ASYNC_FRAME_BITS, ASYNC_COMPUTED_GOTO, \
                      ASYNC_TICK_BITS, ASYNC_TIMER_WHEEL, ASYNC_BACKLINKS)

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
 *      -4095 .. -1  an errno, negative (from -3001 on: of a name's lookup)
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

/* What the lookup of a name says, which no errno does: resolve.h. */
#if ASYNC_HOSTED
#define ASYNC_ENOHOST (-3001)
#define ASYNC_ENOSERVICE (-3002)
#define ASYNC_EHOSTAGAIN (-3003)
#define ASYNC_EHOSTFAIL (-3004)
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
    do { \
        ASYNC_CHECK_CONSTANT_(x) \
        if (async_never_) { (void)((x) - (x)); } \
    } while (0)

/* Nor is a number an awaitable, as in AWAIT(ASYNC_MS(5)), which lacks a sleep:
 * it would be a result. C tells a constant from what is computed: a zero cast
 * to a pointer is a null pointer, which takes the type of the other branch. (0
 * and ASYNC_PENDING may stand, the one for what a macro has left out. C++ has
 * no such test that leaves inline functions alone.) */
#ifdef __cplusplus
#define ASYNC_CHECK_CONSTANT_(x)
#else
struct async_constant_;
#define ASYNC_CHECK_CONSTANT_(x) \
    { \
        ASYNC_STATIC_ASSERT_(!__builtin_types_compatible_p( \
            __typeof__(1 ? (void *)(intptr_t)(((int)(x) & INT_MAX) == 0) \
                         : (struct async_constant_ *)0), \
            struct async_constant_ *), async_await_of_a_constant); \
    }
#endif
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
 * A constant that does not fit async_duration is a compile-time warning; a
 * variable one wraps, as in any conversion. */
#if ASYNC_TICK_HZ == 1000000000
#define ASYNC_US(n) ((async_duration)((n) * INT64_C(1000)))
#define ASYNC_MS(n) ((async_duration)((n) * INT64_C(1000000)))
#define ASYNC_SEC(n) ((async_duration)((n) * INT64_C(1000000000)))
#elif ASYNC_TICK_HZ == 1000000
#define ASYNC_US(n) ASYNC_FITS_(n)
#define ASYNC_MS(n) ASYNC_FITS_((n) * INT32_C(1000))
#define ASYNC_SEC(n) ASYNC_FITS_((n) * INT32_C(1000000))
#elif ASYNC_TICK_HZ == 1000
#define ASYNC_US(n) ASYNC_FITS_(((n) + INT32_C(999)) / 1000)
#define ASYNC_MS(n) ASYNC_FITS_(n)
#define ASYNC_SEC(n) ASYNC_FITS_((n) * INT32_C(1000))
#else
#define ASYNC_SCALE_(n, unit) \
    ASYNC_FITS_(((n) * INT64_C(ASYNC_TICK_HZ) + ((unit) - 1)) / (unit))
#define ASYNC_US(n) ASYNC_SCALE_(n, 1000000)
#define ASYNC_MS(n) ASYNC_SCALE_(n, 1000)
#define ASYNC_SEC(n) ASYNC_SCALE_(n, 1)
#endif

/* GCC says nothing of a constant that would fit if it were unsigned: 40 000 in
 * 16 bits, which is a negative duration, that is none. So it gets one to speak
 * of. (Clang does by itself, and would speak of the arm not taken.) */
#if ASYNC_TICK_BITS == 16 && defined __GNUC__ && !defined __clang__ \
    && !defined __TINYC__
#define ASYNC_FITS_(n) \
    ((__builtin_constant_p(n) ? (n) : 0) > ASYNC_NEVER ? INT32_MAX : (n))
#else
#define ASYNC_FITS_(n) (n)
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
 *   RUNNING one that polls. TOLD: READY, as the descriptor of u.ring has bytes
 *   (fd.h). WAITING: in an async_list. LINKED: in a ring or a slot that its
 *   owner knows (an irq, a descriptor). JOINING: in the ring of the task that
 *   it joins. SLEEPING: in the timer queue. DEAF: in a list or a ring, where
 *   strikes do not disturb it.
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

/* The state in the high bits: so to ask for one of the first few, or the last,
 * is one comparison, whatever hangs over the task. */
enum {
    ASYNC_IDLE_ = 0x00, ASYNC_DONE_ = 0x10, ASYNC_NEW_ = 0x20,
    ASYNC_RUNNING_ = 0x30, ASYNC_YIELDED_ = 0x40, ASYNC_READY_ = 0x50,
    ASYNC_TOLD_ = 0x60,
    ASYNC_STRUCK_ = 0x80,
    ASYNC_WAITING_ = 0x90, ASYNC_LINKED_ = 0xa0, ASYNC_JOINING_ = 0xb0,
    ASYNC_SLEEPING_ = 0xc0, ASYNC_DEAF_ = 0xd0,
    /* nodes that are no tasks */
    ASYNC_UNARMED_ = 0x10, ASYNC_ALARM_ = 0xe0, ASYNC_WATCH_ = 0xf0,
    ASYNC_STATE_ = 0xf0,
    ASYNC_GRANTED_ = 0x40,      /* of the states of a task that runs, those of
                                 * one that has what it waited for */
    /* what hangs over a task, beside its state */
    ASYNC_FLAGS_ = 0x0f,
    ASYNC_STRIKE_ = 0x01,       /* something of the following is undelivered */
    ASYNC_PENDING_ = 0x02,      /* a cancel, undelivered */
    ASYNC_CANCELED_ = 0x04,     /* a cancel came inside the innermost scope */
    ASYNC_FORWARDED_ = 0x08     /* the strike was passed on to a joined task */
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
        async_node **ring;      /* WAITING, LINKED, JOINING, TOLD; or NULL */
        int result;             /* READY, DONE */
        async_fn entry;         /* NEW */
        size_t *done;           /* RUNNING, in async_write_all */
    } u;
} async_timer;

/* ---- tasks --------------------------------------------------------------- */

struct async_task {
    async_timer timer;
    async_fn fn;
    void *frame;
    async_node *joiners;        /* a ring of tasks and watches */
    struct async_scope_ *scopes; /* the innermost, see scope.h */
#if ASYNC_NAMED_
    const char *name;
    const char *file;
    int line;
    const char *waits;          /* the operation it waits in */
    const void *on;             /* the object it waits for */
#endif
#if ASYNC_TRACE
    uint32_t id;
#endif
#if ASYNC_DEBUG
    async_ticks since;          /* when it was suspended */
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
 * or ASYNC_EPERM when no loop is current. A debug build tells of an error in
 * which the task ends and that nobody takes: by a join or another wait for it,
 * in a group, by async_result, or with a done callback.
 * Call it from a task or a callback of the loop, or, after async_loop_open,
 * from outside before the loop runs. Constant time, some 20 instructions. */
#if ASYNC_NAMED_
#define async_spawn(task, fn, frame) \
    async_spawn_to_((task), ASYNC_ENTRY_(fn, frame), (frame), #fn, \
                    __FILE__, __LINE__)
#else
#define async_spawn(task, fn, frame) \
    async_spawn_to_((task), ASYNC_ENTRY_(fn, frame), (frame))
#endif

/* The same for a loop that is not the current one: before it first runs, or
 * between its steps. Not from another thread: async_irq is the way in. */
#if ASYNC_NAMED_
#define async_loop_spawn(loop, task, fn, frame) \
    async_loop_spawn_((loop), (task), ASYNC_ENTRY_(fn, frame), (frame), #fn, \
                      __FILE__, __LINE__)
#else
#define async_loop_spawn(loop, task, fn, frame) \
    async_loop_spawn_((loop), (task), ASYNC_ENTRY_(fn, frame), (frame))
#endif

/* What the spawned one is called. */
#if ASYNC_NAMED_
#define ASYNC_NAMES_(task, name_, file_, line_) \
    ((void)((task)->name = (name_), (task)->file = (file_), \
            (task)->line = (line_), (task)->waits = NULL, (task)->on = NULL))
#else
#define ASYNC_NAMES_(task, name_, file_, line_) ((void)0)
#endif

/* Type-checks the pair without evaluating it, then forgets the type. */
#define ASYNC_ENTRY_(fn, frame) \
    ((void)sizeof((fn)(frame)), (async_fn)(void (*)(void))(fn))

#if ASYNC_NAMED_
#define ASYNC_NAME_PARAMETERS_ , const char *name, const char *file, int line
#define ASYNC_NAME_ARGUMENTS_ , name, file, line
#else
#define ASYNC_NAME_PARAMETERS_
#define ASYNC_NAME_ARGUMENTS_
#endif

/* Which of two is called (here and below) is told by what the compiler knows:
 * a program that gives no pointer which might be NULL has no check of it. */
#define async_spawn_ ASYNC_ABI_(async_spawn)
#define async_spawn_sure_ ASYNC_ABI_(async_spawn_sure)
#define async_loop_spawn_ ASYNC_ABI_(async_loop_spawn)
ASYNC_API int async_spawn_(async_task *task, async_fn fn, void *frame
                           ASYNC_NAME_PARAMETERS_);
ASYNC_API int async_spawn_sure_(async_task *task, async_fn fn, void *frame
                                ASYNC_NAME_PARAMETERS_);
ASYNC_API int async_loop_spawn_(async_loop *loop, async_task *task, async_fn fn,
                                void *frame ASYNC_NAME_PARAMETERS_);

ASYNC_ALONE_ int async_spawn_to_(async_task *task, async_fn fn, void *frame
                                 ASYNC_NAME_PARAMETERS_)
{
    return ASYNC_KNOWN_(task != NULL && fn != NULL)
        ? async_spawn_sure_(task, fn, frame ASYNC_NAME_ARGUMENTS_)
        : async_spawn_(task, fn, frame ASYNC_NAME_ARGUMENTS_);
}

#define async_join ASYNC_ABI_(async_join)
#define async_shield ASYNC_ABI_(async_shield)
#define async_cancel_ ASYNC_ABI_(async_cancel)
#define async_cancel_sure_ ASYNC_ABI_(async_cancel_sure)
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
ASYNC_API int async_cancel_(async_task *task);
ASYNC_API int async_cancel_sure_(async_task *task);

ASYNC_ALONE_ int async_cancel(async_task *task)
{
    return ASYNC_KNOWN_(task != NULL) ? async_cancel_sure_(task)
                                      : async_cancel_(task);
}

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
#ifdef ASYNC_STATIC
#define ASYNC_VARIABLE_ static ASYNC_THREAD
#else
#define ASYNC_VARIABLE_ ASYNC_EXTERN_C_ ASYNC_LOCAL_ ASYNC_THREAD
#endif
#if ASYNC_HOSTED
#define async_this_loop_ ASYNC_ABI_(async_this_loop)
#define async_this_task_ ASYNC_ABI_(async_this_task)
ASYNC_VARIABLE_ async_loop *async_this_loop_;
ASYNC_VARIABLE_ async_task *async_this_task_;
#else                           /* together: code has one address for both */
typedef struct async_this_type_ {
    async_loop *loop;
    async_task *task;
    bool busy;                  /* a loop is running, the current one or not */
} async_this_type_;
#define async_this_ ASYNC_ABI_(async_this)
#define async_this_loop_ (async_this_.loop)
#define async_this_task_ (async_this_.task)
ASYNC_VARIABLE_ async_this_type_ async_this_;
#endif

#define ASYNC_TASK_(n) ((async_task *)(void *)(n))

/* The node's state, apart from what hangs over it. */
ASYNC_INLINE_ async_mark_ async_state_(const async_task *task)
{
    return (async_mark_)(task->timer.node.state & ASYNC_STATE_);
}

/* Is its state this one, or one before it? */
#define ASYNC_UP_TO_(task, which) \
    ((task)->timer.node.state < (which) + 0x10)

ASYNC_INLINE_ void async_set_state_(async_task *task, unsigned state)
{
    task->timer.node.state =
        (async_mark_)((task->timer.node.state & ASYNC_FLAGS_) + state);
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
 * earlier ones before later ones. `base` is the time of the last expiry; in a
 * wheel, of the last that found something to do. In a list every deadline is at
 * most half the range after it, so a late loop (up to the other half) sees
 * nothing as being in the far future.
 * ======================================================================== */

#if ASYNC_TIMER_WHEEL

#define ASYNC_WHEEL_BITS_ 6
#define ASYNC_WHEEL_SLOTS_ 64
#define ASYNC_WHEEL_LEVELS_ 11          /* 6 * 11 bits hold 64 */

typedef struct async_timers {
    async_ticks base;
    async_ticks soonest;                /* before it nothing is due */
    unsigned levels;                    /* bit n: level n is not empty */
    uint64_t used[ASYNC_WHEEL_LEVELS_]; /* bit n: slot n is not empty */
    async_node *slot[ASYNC_WHEEL_LEVELS_][ASYNC_WHEEL_SLOTS_];
} async_timers;

#define ASYNC_TIMERS_P_(timers) ((timers)->levels)

#else

typedef struct async_timers {
    async_ticks base;
    async_node *first;
} async_timers;

#define ASYNC_TIMERS_P_(timers) ((uintptr_t)(timers)->first)

#endif

#define ASYNC_TIMERS_EMPTY_(timers) (ASYNC_TIMERS_P_(timers) == 0)

/* A timer that is no task: the loop takes it out of the queue when it is due,
 * and calls fire, which changes its state or puts it back. */
typedef struct async_alarm_ async_alarm_;
struct async_alarm_ {
    async_timer timer;          /* its state: ASYNC_ALARM_ while in the queue */
    void (*fire)(async_alarm_ *alarm, async_ticks now);
};

#define ASYNC_TIMER_OF_(n) ((async_timer *)(void *)(n))

/* Make it empty. Its base is set when somebody asks for the time. */
ASYNC_API void async_timers_open_(async_timers *timers);

/* Put a timer with that deadline into the queue of the current loop. `now` is
 * the time, which was not read before base: where nobody keeps base near, for
 * want of timers, it is now. ASYNC_PENDING, as a sleep says then. */
ASYNC_API async_status async_timer_add_(async_timer *timer,
                                        async_ticks deadline, async_ticks now);

/* Take a timer out of the current loop's queue. Its deadline has not changed
 * meanwhile. */
ASYNC_API void async_timer_remove_(async_timer *timer);

/* Put an alarm in: it fires so long from now on, which is above 0. */
ASYNC_API void async_alarm_set_(async_alarm_ *alarm, async_duration duration);

/* Take out each timer that is due at `now`, in order, and wake the task or
 * fire the alarm that it is; then base is `now`, unless a wheel knows at once
 * that none is. */
ASYNC_API void async_timers_expire_(async_loop *loop, async_ticks now);

/* How long after `now` something may be due: exact, or early where a crowd of
 * timers is near. ASYNC_NEVER when the queue is empty, and then only. */
#if ASYNC_TIMER_WHEEL
ASYNC_API async_ticks async_timer_next_(const async_timers *timers,
                                        async_ticks now);
#else
ASYNC_ALONE_ async_ticks async_timer_next_(const async_timers *timers,
                                           async_ticks now)
{
    async_ticks passed = (async_ticks)(now - timers->base);
    async_ticks next;

    if (timers->first == NULL) {
        return ASYNC_NEVER;
    }
    next = (async_ticks)(ASYNC_TIMER_OF_(timers->first)->u.deadline
                         - timers->base);
    next = next > passed ? (async_ticks)(next - passed) : 0;
    return next < ASYNC_NEVER ? next : ASYNC_NEVER - 1;
}
#endif

/* For a loop that ends: call fn for each timer; fn may remove that one. */
ASYNC_API void async_timer_each_(async_timers *timers,
                                 void (*fn)(async_timer *timer));
/* ===========================================================================
 * trace: what each task does, told to a function of yours as it happens. Not
 * a recorder (record.h has one), and not for finding mistakes: ASYNC_DEBUG is.
 *
 * With ASYNC_TRACE 0, nothing of it is in the program. With 1, the loop tells
 * of each step in the life of a task:
 *
 *     SPAWN  RESUME SUSPEND  WAKE RESUME SUSPEND  ...  RESUME DONE
 *
 * Only one task of a loop is between RESUME and its SUSPEND or DONE. A task
 * that suspended to wait gets a WAKE before it goes on, or a STRIKE; one that
 * yielded or polls is ready all the time, and goes on without.
 * ======================================================================== */

/* The points. What an event's `what`, `on`, `by` and `value` are at each:
 *
 *   SPAWN    `what` is the file and `value` the line of the async_spawn, `by`
 *            the task that called it
 *   RESUME   -
 *   SUSPEND  `what` is the operation, as async_dump names it ("async_sleep",
 *            "async_lock_acquire"), `on` the object that it waits for (a
 *            pointer, a descriptor as one, NULL), `value` 1; or, with `value`
 *            0, `what` is "yield" or "poll", and the task stays ready
 *   WAKE     it is granted what it waits for; `what` is who does it: "task",
 *            whose number is in `by`; or "timer", "descriptor", "irq", "thread"
 *            (an offload is done), "call" (a timed call's function), "close"
 *            (the loop cancels what is left), "outside" (the loop does not run)
 *   STRIKE   the same for a cancel, or a deadline of a scope ("timeout"), that
 *            strikes a task out of its wait
 *   DONE     `value` is the result or error; wakes of its joiners follow, and
 *            of who else is told by a callback
 */
enum {
    ASYNC_TRACE_SPAWN = 1, ASYNC_TRACE_RESUME, ASYNC_TRACE_SUSPEND,
    ASYNC_TRACE_WAKE, ASYNC_TRACE_STRIKE, ASYNC_TRACE_DONE
};

/* What has happened. Texts are constants of the program, and stay. */
typedef struct async_trace_event {
    unsigned char point;
    int value;
    uint32_t id;                /* the number of the task's spawn, from 1 on: */
    uint32_t by;                /* no two of a thread are alike; 0: no task */
    async_ticks time;           /* of ASYNC_CLOCK, not of the turn */
    const async_loop *loop;
    const async_task *task;     /* after DONE its memory may be another's */
    const char *name;           /* the entry, as async_spawn was given it; or
                                   what async_set_name says */
    const char *what;
    const void *on;
} async_trace_event;

/* A function that is told, and what it needs around it. */
typedef struct async_tracer async_tracer;
typedef void (*async_tracer_fn)(async_tracer *tracer,
                                const async_trace_event *event);
struct async_tracer {
    async_tracer_fn fn;
};

/* Tell `tracer` from here on; NULL: nobody. With a loop: of the tasks of that
 * one, from async_loop_open on (which forgets it) to its end. With NULL for the
 * loop: of all loops of this thread that have none of their own, so of
 * async_run's, too, if it is called before that. Returns the one before.
 *
 * The tracer stays where it is until another is set. Its fn is called in the
 * middle of the scheduler. It may read the task, set an output, write to a
 * buffer, a file or a UART; of the library it may call async_trace_to,
 * async_strerror, async_irq_raise, and what record.h has: no operation, no
 * spawn, cancel or wake, nor async_now. It takes the time of all tasks.
 * Loop's thread. In a build without ASYNC_TRACE it does nothing: NULL. */
#if ASYNC_TRACE
#define async_trace_to ASYNC_ABI_(async_trace_to)
ASYNC_API async_tracer *async_trace_to(async_loop *loop, async_tracer *tracer);
#else
ASYNC_INLINE_ async_tracer *async_trace_to(async_loop *loop,
                                           async_tracer *tracer)
{
    (void)loop;
    (void)tracer;
    return NULL;
}
#endif

/* Call a task something else than its entry: a text that stays, such as a
 * constant. After its spawn, which names it anew; for async_dump, what a debug
 * build says, and the trace. In other builds, or for NULL, nothing. Loop's
 * thread. */
ASYNC_INLINE_ void async_set_name(async_task *task, const char *name)
{
#if ASYNC_NAMED_
    if (task != NULL && name != NULL) {
        task->name = name;
    }
#else
    (void)task;
    (void)name;
#endif
}

/* ---- for the loop -------------------------------------------------------- */

/* One line at each point. And what brings the wakes that follow: until a task
 * is resumed, and then it is that. */
#if ASYNC_TRACE
typedef struct async_tracing_ {
    async_tracer *tracer;
    const char *from;
    uint32_t by;
} async_tracing_;
#define async_trace_ ASYNC_ABI_(async_trace)
ASYNC_API void async_trace_(async_loop *loop, async_task *task, int point);
ASYNC_API void async_trace_from_(async_loop *loop, const char *from);
#define ASYNC_TRACE_(loop, task, point) \
    async_trace_((loop), (task), ASYNC_TRACE_##point)
#define ASYNC_TRACE_OPEN_(loop) \
    ((void)((loop)->tracing.tracer = NULL), \
     async_trace_from_((loop), "outside"))
#define ASYNC_TRACE_READY_(loop, task, state) \
    async_trace_((loop), (task), (state) == ASYNC_STRUCK_ \
                 ? ASYNC_TRACE_STRIKE : ASYNC_TRACE_WAKE)
#define ASYNC_TRACE_FROM_(loop, from) async_trace_from_((loop), (from))
#else
#define ASYNC_TRACE_(loop, task, point) ((void)0)
#define ASYNC_TRACE_OPEN_(loop) ((void)0)
#define ASYNC_TRACE_READY_(loop, task, state) ((void)0)
#define ASYNC_TRACE_FROM_(loop, from) ((void)0)
#endif
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

/* With ASYNC_PREFETCH, a node in the ready queue knows in `prev`, which it does
 * not need there, the one that comes so many after it. When a task is run, the
 * memory of that one is asked for. Only those that were appended since the
 * turn began are told: they are in the queue, the others may be gone. */
enum { ASYNC_AHEAD_ = 32 };

struct async_loop {
    async_node *head;           /* ready queue: the oldest, */
    async_node **tail;          /* and where to append; &head: it is empty */
    async_list *lists;          /* wait lists in which somebody waits */
    struct async_irq *irqs;     /* irqs for which somebody waits */
    const async_task *until;    /* the run ends when this one is done, */
    int result;                 /* with this, if it is not pending */
    unsigned alive;             /* tasks spawned and not done */
    bool stop;                  /* after this turn */
    bool running;               /* inside a run or a step of it */
#if !ASYNC_HOSTED
    bool closing;               /* its tasks are being cancelled, all of them */
    volatile unsigned char notified;    /* an irq was raised: look at irqs */
#if !ASYNC_WHOLE_
    void (*unpark)(async_task *task);   /* see ASYNC_HOOK_ */
    void (*tell)(async_task *task, int result);
    void (*dispatch)(async_loop *loop);
#endif
#else
    bool fresh;
    async_ticks now;            /* the time of this turn, if `fresh` */
    volatile unsigned notified;
    unsigned char round;        /* closing: tasks spawned from here on */
    unsigned left;              /* closing: tasks of earlier rounds */
    unsigned appended;          /* since the turn began: see ASYNC_PREFETCH */
    async_node *ago[ASYNC_AHEAD_];  /* the last of those */
    async_node nobody;
    struct async_fds *fds;      /* what it knows of descriptors, or NULL */
    unsigned known;             /* and of which: those below */
    unsigned waiting;           /* tasks in rings of them, or struck there */
#endif
    async_timers timers;
#if ASYNC_TRACE
    async_tracing_ tracing;
#endif
#if ASYNC_DEBUG
    async_task *all;            /* every task that is not done */
    struct async_call *calls;   /* every call that is pending */
    async_ticks began;          /* the running step: when, and where */
    const char *from_file;
    int from_line;
    const void *stack;          /* of the run: what tasks call is below it */
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
#if ASYNC_NAMED_
#define ASYNC_RUN_NAME_(name) , name, __FILE__, __LINE__
#else
#define ASYNC_RUN_NAME_(name)
#endif
#define async_run_ ASYNC_ABI_(async_run)
ASYNC_API int async_run_(async_fn fn, void *frame
#if ASYNC_NAMED_
                         , const char *name, const char *file, int line
#endif
);

/* Make `loop`, in the caller's memory, an empty loop. It becomes the current
 * one of this thread if there is none. 0 or an error; ASYNC_EINVAL for NULL. */
#define async_loop_open_ ASYNC_ABI_(async_loop_open)
#define async_loop_open_sure_ ASYNC_ABI_(async_loop_open_sure)
ASYNC_API int async_loop_open_(async_loop *loop);
ASYNC_API int async_loop_open_sure_(async_loop *loop);

ASYNC_ALONE_ int async_loop_open(async_loop *loop)
{
    return ASYNC_KNOWN_(loop != NULL) ? async_loop_open_sure_(loop)
                                      : async_loop_open_(loop);
}

/* Run until the task `until` is done, and return its result; with NULL until
 * no task is left, and return 0. Other tasks stay as they are and go on at
 * the next run. ASYNC_EINTR when async_loop_stop came first, ASYNC_EDEADLK as
 * above, ASYNC_EBUSY inside a running loop, ASYNC_EINVAL for NULL. */
#define async_loop_run_ ASYNC_ABI_(async_loop_run)
#define async_loop_run_until_ ASYNC_ABI_(async_loop_run_until)
ASYNC_API int async_loop_run_(async_loop *loop);
ASYNC_API int async_loop_run_until_(async_loop *loop, const async_task *until);

ASYNC_ALONE_ int async_loop_run(async_loop *loop, const async_task *until)
{
    return ASYNC_KNOWN_(loop != NULL && until == NULL)
        ? async_loop_run_(loop) : async_loop_run_until_(loop, until);
}

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
 * ASYNC_EBUSY inside a running loop, a task of another one included, or
 * ASYNC_EDEADLK if some wait in their cleanup for what nothing can bring. */
ASYNC_API int async_loop_cancel_all(async_loop *loop);

/* Give back what the loop holds (descriptors of its own; no memory). 0, or
 * ASYNC_EBUSY if it runs, or if tasks are left: they stay where they are and
 * must not be woken any more. It is no longer the current loop. It waits for
 * functions that threads run for tasks of it: see offload.h. */
ASYNC_API int async_loop_close(async_loop *loop);

/* Make `loop` the current one of this thread, the one that async_spawn and
 * operations mean; NULL for none. Returns the one before. */
ASYNC_API async_loop *async_loop_use(async_loop *loop);

/* async_dump(): in a debug build, say of every task of the current loop which
 * one it is, what it waits for, since when, and the chain of awaits that led
 * there, with file and line: through ASYNC_WARN, one call for each. In a
 * release build nothing. From a task or callback of the loop, between its
 * runs, or by hand in a debugger that stopped there: `call async_dump()`.
 * async_dump_task(task) is about that one; NULL for the running one. */
#if ASYNC_DEBUG
ASYNC_API void async_dump(void);
ASYNC_API void async_dump_task(const async_task *task);
#else
#define async_dump() ((void)0)
#define async_dump_task(task) ((void)(task))
#endif

/* ---- for the operations ------------------------------------------------- */

/* On a microcontroller the loop reaches what only some programs use through
 * pointers, which the first use sets: so what a program never calls is not
 * linked either. (Where the compiler sees the whole program, it is called, or
 * known not to be: see ASYNC_USED_.) */
ASYNC_API void async_unpark_(async_task *task);
ASYNC_API void async_tell_(async_task *task, int result);
ASYNC_API void async_irq_dispatch_(async_loop *loop);
ASYNC_FEATURE_(parks)           /* waiting for something else than a time */
ASYNC_FEATURE_(unpark)          /* waiting in lists and rings */
ASYNC_FEATURE_(tell)            /* joins, done callbacks */
ASYNC_FEATURE_(dispatch)        /* irqs */
ASYNC_FEATURE_(alarms)          /* deadlines, calls */
ASYNC_FEATURE_(scopes)          /* deadlines, groups */
ASYNC_FEATURE_(strikes)         /* cancels, deadlines */
ASYNC_FEATURE_(running)         /* steps of the loop, its close */
ASYNC_FEATURE_(stops)           /* of the loop */
ASYNC_FEATURE_(until)           /* runs until a task is done */
ASYNC_FEATURE_(closing)         /* cancelling all tasks of a loop */
#if ASYNC_HOSTED
#define ASYNC_HOOK_(loop, name, function) ((void)0)
#define ASYNC_HOOKED_(loop, name, function) function
#elif ASYNC_WHOLE_
#define ASYNC_HOOK_(loop, name, function) ASYNC_USE_(name)
#define ASYNC_HOOKED_(loop, name, function) function
#else
#define ASYNC_HOOK_(loop, name, function) ((void)((loop)->name = (function)))
#define ASYNC_HOOKED_(loop, name, function) (loop)->name
#endif

#if ASYNC_DEBUG
ASYNC_API void async_debug_misuse_(const char *operation, const char *what);
#endif

/* Append a task that is in no queue to the ready queue: O(1). The queue ends
 * where `tail` points, and what stands there is of no meaning. */
ASYNC_INLINE_ void async_ready_(async_loop *loop, async_task *task)
{
#if ASYNC_PREFETCH
    async_node **ago = &loop->ago[loop->appended++ % ASYNC_AHEAD_];

    (*ago)->prev = &task->timer.node;
    *ago = &task->timer.node;
#endif
    *loop->tail = &task->timer.node;
    loop->tail = &task->timer.node.next;
}

/* The same for the current loop, in a function of its own where it takes some
 * steps to move a pointer. 0, for who ends so. */
#if ASYNC_8BIT_
ASYNC_STEP_ int async_append_(async_task *task)
{
    async_ready_(async_this_loop_, task);
    return 0;
}
#define ASYNC_APPEND_(loop, task) async_append_(task)
#else
#define ASYNC_APPEND_(loop, task) (async_ready_((loop), (task)), 0)
#endif

/* Is a loop running in this thread: this one, or the current one, or one that
 * was current when it called a task? On a microcontroller any one. */
#if ASYNC_HOSTED
#define ASYNC_RUNS_(loop) ((loop) != NULL && (loop)->running)
#define ASYNC_BUSY_(loop) \
    (ASYNC_RUNS_(loop) || async_this_task_ != NULL \
     || ASYNC_RUNS_(async_this_loop_))
#define ASYNC_SET_BUSY_(to) ((void)0)
#else
#define ASYNC_BUSY_(loop) ((void)(loop), async_this_.busy)
#define ASYNC_SET_BUSY_(to) ((void)(async_this_.busy = (to)))
#endif

#define ASYNC_NONE_READY_(loop) ((loop)->tail == &(loop)->head)

/* Put a parked task in the ready queue, in that state, with that result. */
ASYNC_STEP_ void async_ready_as_(async_task *task, int result,
                                 async_mark_ state)
{
    task->timer.u.result = result;
    async_set_state_(task, state);
    ASYNC_TRACE_READY_(async_this_loop_, task, state);
    (void)ASYNC_APPEND_(async_this_loop_, task);
}

/* Grant a parked task what it waits for, with the result of its operation.
 * The caller has taken it out of its list, or does so at once. */
ASYNC_INLINE_ void async_wake_(async_task *task, int result)
{
#if ASYNC_DEBUG
    if (task->loop != async_this_loop_) {
        async_debug_misuse_("a wake", "the task that waits is another loop's");
    }
#endif
    async_ready_as_(task, result, ASYNC_READY_);
}

/* What the queue does with a timer that is due. */
ASYNC_INLINE_ void async_timer_expires_(async_timer *timer, async_ticks now)
{
    if (ASYNC_USED_(alarms)
        && ASYNC_UNLIKELY_(timer->node.state == ASYNC_ALARM_)) {
        async_alarm_ *alarm = (async_alarm_ *)(void *)timer;

        alarm->fire(alarm, now);
    } else {
        ASYNC_TRACE_FROM_(async_this_loop_, "timer");
        async_wake_(ASYNC_TASK_(timer), 0);
    }
}

/* Wake the oldest waiter of a list; false when nobody waits. */
ASYNC_API bool async_wake_one_(async_list *list, int result);

/* Park the running task in a list / in a ring that its owner knows (or none,
 * with NULL), in that state: ASYNC_PENDING. Say ASYNC_WAITS_ before. */
ASYNC_API async_status async_park_(async_list *list);

/* The operation has suspended: the memory that it will look at again (a thread
 * of it: at any time) must not be a local variable of the coroutine. */
#if ASYNC_DEBUG
ASYNC_API void async_debug_lasts_(const char *operation, const void *memory,
                                  bool thread);
#define ASYNC_LASTS_(operation, memory, thread) \
    async_debug_lasts_((operation), (memory), (thread))
#else
#define ASYNC_LASTS_(operation, memory, thread) ((void)0)
#endif

/* For the debugger and the trace: the operation that is about to park the
 * running task, and the object it waits for. Nothing in other builds. */
#if ASYNC_NAMED_
#define ASYNC_WAITS_(what, object) \
    ((void)(async_this_task_->waits = (what), \
            async_this_task_->on = (object)))
#else
#define ASYNC_WAITS_(what, object) ((void)0)
#endif
#if ASYNC_DEBUG
#define ASYNC_LEAF_(task) ((task)->leaf = async_innermost_)
#else
#define ASYNC_LEAF_(task) ((void)0)
#endif

ASYNC_ALONE_ async_status async_link_(async_node **ring, unsigned state)
{
    async_task *task = async_this_task_;

    task->timer.u.ring = ring;
    ASYNC_USE_(parks);
    if (ring != NULL) {
        ASYNC_HOOK_(async_this_loop_, unpark, async_unpark_);
        async_ring_append_(ring, &task->timer.node);
    }
    async_set_state_(task, state);
    ASYNC_LEAF_(task);
    return ASYNC_PENDING;
}

/* Is a strike to be delivered to this task? */
#define ASYNC_STRUCK_P_(task) \
    (ASYNC_USED_(strikes) && ((task)->timer.node.state & ASYNC_STRIKE_) != 0)

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
#define async_self_in_(operation) async_this_task_
#define async_self_() async_this_task_
#endif

/* The same as async_set_state_, but in one store where nothing ever hangs over
 * a task: for the way of a yield. */
ASYNC_INLINE_ void async_set_clear_(async_task *task, async_mark_ state)
{
    if (ASYNC_USED_(strikes)) {
        async_set_state_(task, state);
    } else {
        task->timer.node.state = state;
    }
}

/* The running task yields: the loop will queue it. On a microcontroller it has
 * granted itself a 0, so that nobody need ask which of the two it was. */
ASYNC_INLINE_ void async_set_yielded_(async_task *task)
{
#if !ASYNC_HOSTED
    task->timer.u.result = 0;
#endif
    async_set_clear_(task, ASYNC_YIELDED_);
}

/* The operation completes: whatever the task was resumed for, it is over. */
ASYNC_INLINE_ async_status async_settle_(async_task *task, async_status rc)
{
    async_set_state_(task, ASYNC_RUNNING_);
    return rc;
}

/* Was this task granted what it waited for, or struck? If so, an operation that
 * has nothing of its own to look at is over, each time that it is evaluated:
 * with the result, or with ASYNC_CANCEL, which delivers the strike. */
#define ASYNC_OVER_P_(task) \
    (((task)->timer.node.state \
      & (ASYNC_GRANTED_ | (ASYNC_USED_(strikes) ? ASYNC_STRIKE_ : 0))) != 0)

ASYNC_INLINE_ async_status async_over_(async_task *task)
{
    async_mark_ state = task->timer.node.state;

    if (ASYNC_USED_(strikes) && (state & ASYNC_GRANTED_) == 0) {
        return async_deliver_(task);
    }
    async_set_clear_(task, ASYNC_RUNNING_);
    return ASYNC_HOSTED && state < ASYNC_READY_ ? 0 : task->timer.u.result;
}

/* All of async_yield; the function below is what is usual of it. In a library
 * that is to be small it stands for async_over_, too. */
ASYNC_API async_status async_yield_(void);
#if ASYNC_FAST_ || ASYNC_WHOLE_
#define ASYNC_OVER_(task) async_over_(task)
#else
#define ASYNC_OVER_(task) async_yield_()
#endif

/* AWAIT(async_yield()): let every other ready task run first. Task only. */
ASYNC_INLINE_ ASYNC async_yield(void)
{
#if ASYNC_FAST_
    async_task *task = async_self_();

    if (ASYNC_LIKELY_(task->timer.node.state == ASYNC_YIELDED_)) {
        task->timer.node.state = ASYNC_RUNNING_;
        return 0;
    }
    if (ASYNC_LIKELY_(task->timer.node.state == ASYNC_RUNNING_)) {
        async_set_yielded_(task);
        return ASYNC_PENDING;
    }
#endif
    return async_yield_();
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
    unsigned char fired;        /* ASYNC_FIRED_ and so on */
    unsigned char outside;      /* did a cancel come before it? */
    async_task *task;           /* NULL when the scope is not entered */
} async_scope_;

/* The rest of entering for a task over which something hangs. */
ASYNC_API void async_scope_enter_struck_(async_scope_ *scope);

ASYNC_INLINE_ void async_scope_enter_(async_scope_ *scope, async_task *task)
{
    scope->fired = 0;
    scope->outside = 0;
    scope->task = task;
    scope->up = task->scopes;
    task->scopes = scope;
    ASYNC_USE_(scopes);
    if (ASYNC_UNLIKELY_((task->timer.node.state & ASYNC_FLAGS_) != 0)) {
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
    if (ASYNC_UNLIKELY_((scope->fired | scope->outside) != 0)) {
        return async_scope_settle_(scope, rc, becomes);
    }
    scope->task = NULL;
    return rc;
}
/* ===========================================================================
 * sleep: what time it is, and waiting for a time.
 * ======================================================================== */

#define async_now ASYNC_ABI_(async_now)
#define async_sleep_ ASYNC_ABI_(async_sleep)
#define async_sleep_sure_ ASYNC_ABI_(async_sleep_sure)
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
ASYNC_API ASYNC async_sleep_(async_duration duration);
ASYNC_API ASYNC async_sleep_sure_(async_duration duration);     /* above 0 */

ASYNC_ALONE_ ASYNC async_sleep(async_duration duration)
{
    return ASYNC_KNOWN_(duration > 0) ? async_sleep_sure_(duration)
                                      : async_sleep_(duration);
}

/* AWAIT(async_sleep_until(time)): the same to an instant, for a period without
 * drift: self->next += ASYNC_MS(10); AWAIT(async_sleep_until(self->next)).
 * A time that has passed (by no more than half the range) is a yield. */
ASYNC_API ASYNC async_sleep_until(async_ticks time);

/* The same, where it has been read in this turn already: at once. */
#if ASYNC_FAST_ && ASYNC_HOSTED
#define ASYNC_NOW_() \
    (ASYNC_LIKELY_(async_this_loop_->fresh) ? async_this_loop_->now \
                                            : async_now())
#elif ASYNC_HOSTED
#define ASYNC_NOW_() async_now()
#else
#define ASYNC_NOW_() ASYNC_CLOCK_()
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
 *     ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_SEC(5)) {
 *         AWAIT(...);
 *         AWAIT(...);
 *     } ASYNC_TIMEOUT_END;
 *
 * `break`, `continue` and ASYNC_RETURN leave it as they leave an ASYNC_TRY. */
#define ASYNC_TIMEOUT_BEGIN(scope, duration) \
    ASYNC_SCOPE_(async_timeout_begin_((scope), (duration)), \
                 async_timeout_leave_((scope), async_rc_))
#define ASYNC_TIMEOUT_END ASYNC_SCOPE_END_

#define async_timeout_expired ASYNC_ABI_(async_timeout_expired)
#define async_timeout_open_ ASYNC_ABI_(async_timeout_open)
#define async_timeout_leave_ ASYNC_ABI_(async_timeout_leave)

/* Above 0, and not for ever, in one comparison. */
#define ASYNC_FINITE_(duration) \
    ((async_ticks)((async_ticks)(duration) - 1) < (async_ticks)ASYNC_NEVER - 1)

/* The whole of async_timeout_reschedule; that below is what is usual of it. */
#define async_timeout_move_ ASYNC_ABI_(async_timeout_move)
ASYNC_API int async_timeout_move_(async_timeout *timeout,
                                  async_duration duration);

/* Move the deadline of an entered scope to `duration` from now; ASYNC_NEVER
 * takes it off. To a later time this is almost free: a few instructions, no
 * touch of the timer queue. 0, or ASYNC_EALREADY when the deadline has struck,
 * ASYNC_EINVAL for NULL or a scope that is not entered. Any task of the
 * loop. */
ASYNC_INLINE_ int async_timeout_reschedule(async_timeout *timeout,
                                           async_duration duration)
{
#if ASYNC_HOSTED && ASYNC_FAST_
    if (timeout != NULL && timeout->alarm.timer.node.state == ASYNC_ALARM_
        && async_this_loop_->fresh && ASYNC_FINITE_(duration)) {
        async_ticks deadline =
            async_this_loop_->now + (async_ticks)duration;

        if ((async_duration)(deadline - timeout->alarm.timer.u.deadline) >= 0) {
            timeout->deadline = deadline;   /* looked at when it is due */
            return 0;
        }
    }
#endif
    return async_timeout_move_(timeout, duration);
}

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

/* What is ready at once never goes into the queue. (A microcontroller's goes
 * there when it is entered: its queue is short, and time passes in a turn.) */
ASYNC_INLINE_ void async_timeout_suspends_(async_timeout *timeout)
{
#if ASYNC_HOSTED
    if (timeout->alarm.timer.node.state == ASYNC_UNARMED_) {
        async_timeout_arm_(timeout);
    }
#else
    (void)timeout;
#endif
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
    async_timeout_suspends_(timeout);
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
    async_timeout_suspends_(timeout);
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
#if ASYNC_HOSTED
    volatile unsigned raising;      /* threads that are about to raise it */
    void (*serve)(struct async_irq *irq);   /* called instead of a waiter */
#endif
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
 * ASYNC_IRQ_MAX. Costs a short critical section, or three atomic additions; the
 * first event after the loop looked costs a system call on a hosted system. */
ASYNC_API void async_irq_raise(async_irq *irq);

/* AWAIT_VALUE(n, async_irq_wait(irq)): wait for events; how many there were
 * since the last look, at least 1. One task at a time: ASYNC_EBUSY for a
 * second one, ASYNC_EINVAL for an irq that is not open, ASYNC_ECANCELED when
 * it is closed meanwhile. A strike takes no events. Task only. */
ASYNC_API ASYNC async_irq_wait(async_irq *irq);

/* Unbind it, after its source was disabled: events not yet taken are dropped,
 * a waiting task gets ASYNC_ECANCELED. A thread whose event you have may still
 * be on its way out of async_irq_raise: this waits until it is, so close an irq
 * before its loop ends. 0 or ASYNC_EINVAL. Loop's thread. */
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
#if ASYNC_NAMED_
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
#if ASYNC_NAMED_
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
#if ASYNC_DEBUG
    async_task *owner;
#endif
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
#if ASYNC_NAMED_
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
#if ASYNC_NAMED_
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
/* ===========================================================================
 * record: keeping what trace.h tells in an array of yours, and making a file
 * or a picture of it afterwards. Not a profiler: where the time goes inside of
 * a step, it does not see.
 *
 *     static async_trace_event events[10000];
 *     static async_recorder recorder;
 *     int fd = open("trace.json", O_WRONLY | O_CREAT | O_TRUNC, 0666);
 *
 *     async_recorder_open(&recorder, events, 10000);
 *     async_trace_to(NULL, &recorder.tracer);
 *     async_run(program, &frame);
 *     async_trace_chrome(&recorder, async_trace_fd, &fd);
 *
 * In a build without ASYNC_TRACE these functions are there, and fail with
 * ASYNC_ENOSYS.
 * ======================================================================== */

/* A tracer that remembers. When the array is full, each event takes the place
 * of the oldest. */
typedef struct async_recorder {
    async_tracer tracer;        /* for async_trace_to */
    async_trace_event *events;
    size_t room;
    size_t next;
    size_t count;               /* events that are kept */
    unsigned long lost;         /* events whose place was taken, if not 0 */
} async_recorder;

/* Where a writer's text goes, in pieces of some hundred bytes: 0, or an error,
 * which ends the writing. */
typedef int (*async_trace_out)(void *to, const char *text, size_t length);

#if ASYNC_TRACE

#define async_recorder_open ASYNC_ABI_(async_recorder_open)
#define async_recorder_event ASYNC_ABI_(async_recorder_event)

/* An empty recorder over an array of so many events (64 bytes each on a 64-bit
 * system, 25 on an AVR). Set its tracer by async_trace_to, and that to NULL
 * before the array goes. 0, or ASYNC_EINVAL for NULL or no room. Any time; of
 * one that is set: it is empty again. Remembering costs a copy of the event. */
ASYNC_API int async_recorder_open(async_recorder *recorder,
                                  async_trace_event *events, size_t room);

/* The i-th of the events that are kept, 0 being the oldest; NULL when there are
 * not so many, or for NULL. It stays what it is until the next is recorded. */
ASYNC_API const async_trace_event *
async_recorder_event(const async_recorder *recorder, size_t i);

#if ASYNC_HOSTED

#define async_trace_chrome ASYNC_ABI_(async_trace_chrome)
#define async_trace_svg ASYNC_ABI_(async_trace_svg)

/* Write what was recorded in the trace-event format of Chrome (JSON), which
 * https://ui.perfetto.dev and chrome://tracing load: a track for each spawn,
 * in order; on it a slice for each time that the task ran, was ready to, or
 * waited, the last with the operation's name; arrows from who woke a task, or
 * spawned it, to where it went on. Times are in microseconds since the first
 * event, with three decimals. What is not UTF-8 in a name becomes a question
 * mark.
 *
 * 0, or the error of `out`; ASYNC_EINVAL for NULL; ASYNC_ENOMEM: while it
 * writes, it needs some 120 bytes a task and 4 an event, from calloc. From
 * anywhere but a tracer's fn. It blocks as long as `out` does. O(n log n). */
ASYNC_API int async_trace_chrome(const async_recorder *recorder,
                                 async_trace_out out, void *to);

/* Draw what was recorded as an SVG picture 1000 pixels wide: a row for each
 * spawn, in order, with a mark where the task ran, and a bar where it waited,
 * in which the operation is named (without its async_) if it fits; a wait for
 * a thread that works for the task (async_offload, files, names) has a colour
 * of its own. Below, an axis in the unit that suits. It needs no other file,
 * and suits light and dark pages. At most 500 rows; how many tasks are left out
 * is said.
 *
 * `title` stands above it, NULL: nothing does. The axis is `span` long, or as
 * long as the trace, if that is longer: so two pictures can be compared. The
 * rest is as with async_trace_chrome. */
ASYNC_API int async_trace_svg(const async_recorder *recorder,
                              const char *title, async_duration span,
                              async_trace_out out, void *to);

/* An async_trace_out that writes to the descriptor *(int *)fd, all of it: after
 * a signal or a short write it goes on, and it waits where the descriptor does
 * not. 0, or -errno. */
ASYNC_API int async_trace_fd(void *fd, const char *text, size_t length);

#endif

#else

ASYNC_INLINE_ int async_recorder_open(async_recorder *recorder,
                                      async_trace_event *events, size_t room)
{
    (void)recorder;
    (void)events;
    (void)room;
    return ASYNC_ENOSYS;
}

ASYNC_INLINE_ const async_trace_event *
async_recorder_event(const async_recorder *recorder, size_t i)
{
    (void)recorder;
    (void)i;
    return NULL;
}

#if ASYNC_HOSTED
ASYNC_INLINE_ int async_trace_chrome(const async_recorder *recorder,
                                     async_trace_out out, void *to)
{
    (void)recorder;
    (void)out;
    (void)to;
    return ASYNC_ENOSYS;
}

ASYNC_INLINE_ int async_trace_svg(const async_recorder *recorder,
                                  const char *title, async_duration span,
                                  async_trace_out out, void *to)
{
    (void)recorder;
    (void)title;
    (void)span;
    (void)out;
    (void)to;
    return ASYNC_ENOSYS;
}

ASYNC_INLINE_ int async_trace_fd(void *fd, const char *text, size_t length)
{
    (void)fd;
    (void)text;
    (void)length;
    return ASYNC_ENOSYS;
}
#endif

#endif
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
 *     EAGAIN, and is left out; so is the next write after one that fell short.
 *     Not so when the end of the stream (or urgent data, or an error) was seen
 *     together with the bytes, nor where a read stops short for other reasons:
 *     datagrams, Unix sockets, terminals.
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

/* What is to be closed again knows, in a debug build, where it was opened. */
#if ASYNC_DEBUG
#define ASYNC_OPENER_ , const char *file, int line
#define ASYNC_OPENED_ , file, line
#else
#define ASYNC_OPENER_
#define ASYNC_OPENED_
#endif

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
ASYNC_INLINE_ ASYNC async_read(int fd, void *buffer, size_t length);

/* AWAIT_VALUE(n, async_write(fd, buffer, length)): what write(2) gives: it may
 * be fewer bytes than asked for, so see async_write_all. ASYNC_EPIPE when the
 * other side is gone, without a signal. */
ASYNC_INLINE_ ASYNC async_write(int fd, const void *buffer, size_t length);

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
ASYNC_INLINE_ ASYNC async_write_all(int fd, const void *buffer, size_t length,
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

/* ---- from here on, for the library's own use ----------------------------- */

/* The way that nearly all reads and writes go: of a TCP socket that is read to
 * the end, written to, and waited for again, by one task, and over which
 * nothing hangs. The task's state and the descriptor's flags say all of that,
 * each by one comparison, before anything is changed; so the call to the system
 * is made where the operation is written. Whatever is else goes to the
 * functions of fd.c, by way of the table.
 *
 *   read: EAGAIN    write             event: bytes       read, resumed
 *   EMPTY ------> EMPTY|READER ------> TOLD -----------> EMPTY
 *                     ^  task LINKED    |  task TOLD       |
 *                     |                 | closed: NEW      | write
 *                     |                 '--> EBADF         v
 *                     '------------------------------ EMPTY|WROTE
 *
 * What such a task does next is about the descriptor that it was told of, so
 * that one need not be looked up: async_this_fd_. */

/* Every system call goes through this name, so that tests can make the n-th
 * one fail. */
#ifndef ASYNC_SYS_
#define ASYNC_SYS_(name) name
#endif

/* Where there is no such flag, SIGPIPE is ignored all the same. */
#ifdef MSG_NOSIGNAL
#define ASYNC_NOSIGNAL_ MSG_NOSIGNAL
#else
#define ASYNC_NOSIGNAL_ 0
#endif

enum {
    ASYNC_FD_EMPTY_ = 1,        /* a read would say EAGAIN; as POLLIN */
    ASYNC_FD_SHORT_ = 2,        /* a short read means that it is empty: e */
    ASYNC_FD_STUCK_ = 4,        /* a write would say EAGAIN; as POLLOUT */
    ASYNC_FD_ADDED_ = 8,        /* the backend knows it */
    ASYNC_FD_BLOCKS_ = 16,      /* it has no O_NONBLOCK: h */
    ASYNC_FD_FULL_ = 32,        /* accept failed for want of something, and is
                                 * not to be tried until the rest is over: f */
    ASYNC_FD_SOCKET_ = 64,
    ASYNC_FD_NEW_ = 128,        /* nobody has looked yet what it is */
    /* Without these two nobody waits for it. When tasks are struck out of
     * their waits, they stay until the next event. */
    ASYNC_FD_READER_ = 256,     /* one task waits, in async_read; or none */
    ASYNC_FD_CROWD_ = 512,      /* any number, in any operation */
    ASYNC_FD_SECOND_ = 1024,    /* so many, times 0 to 2, have begun since */
    ASYNC_FD_AGE_ = 3 * ASYNC_FD_SECOND_,   /* somebody waits */
    ASYNC_FD_CONNECTS_ = 4096,  /* its async_connect is under way */
    ASYNC_FD_TOLD_ = 8192,      /* its reader was, and has not run since */
    ASYNC_FD_WROTE_ = 16384,    /* once since it was last read, uncounted: k */
    /* All of them, when a TCP socket or a pipe may be read and written. */
    ASYNC_FD_TCP_ = ASYNC_FD_SOCKET_ | ASYNC_FD_SHORT_ | ASYNC_FD_ADDED_,
    ASYNC_FD_PIPE_ = ASYNC_FD_SHORT_ | ASYNC_FD_ADDED_
};

enum { ASYNC_READS_ = 0, ASYNC_WRITES_ = 1 };

#if ASYNC_DEBUG
/* What is to be closed before its loop is, and who opened it: see held.c. */
typedef struct async_held_ {
    const void *by;             /* the stream or so; NULL: nothing */
    const char *kind, *task, *file;
    int line;
    int pid;                    /* of a process */
} async_held_;
#define ASYNC_CHILDREN_ 8
#endif

/* What a loop knows of a descriptor, and of all; more is in fd_table.h. */
typedef struct async_fd_ {
    async_node *waiters[2];     /* rings of tasks, by direction; here, so that
                                 * the reader's u.ring tells of its entry */
    int generation;             /* > 0; another one after each close: a */
    int fd;                     /* its number */
    unsigned reset;             /* the turn in which it got a new generation */
    unsigned flags;
#if ASYNC_DEBUG
    async_held_ held;
#endif
} async_fd_;

struct async_fds {
    async_fd_ **entries;        /* by number; &none for one never used */
    unsigned limit;             /* so many */
    unsigned turn;              /* counts them: a */
    unsigned left;              /* operations until somebody looks who did so */
    const async_task *busy;     /* many; it was this task the last time: k */
    async_alarm_ rest;          /* until async_accept tries again: f */
    int wake[2];                /* read and write end; an eventfd is both */
    int backend;                /* an epoll, or -1 */
    int second;                 /* a timerfd, or -1 */
    bool ticking;               /* it is running; */
    bool verify;                /* it has expired */
    bool old;                   /* the kernel has no epoll_pwait2 */
    struct pollfd *polls;       /* of the poll backend */
    unsigned room;
#if ASYNC_DEBUG
    unsigned signals;           /* watchers that are open: signals.c */
    async_held_ children[ASYNC_CHILDREN_];      /* without a descriptor */
#endif
    struct async_offloads_ *offloads;   /* jobs out in threads, or NULL; */
    void (*offloads_close)(struct async_offloads_ *offloads);
    async_fd_ none;             /* new for ever */
};

/* The descriptor that a task was last told of, in this run of the loop, if a
 * wait for it takes no more than the quick way does; else one without flags. */
#ifdef ASYNC_STATIC
static async_fd_ async_fd_nobodys_;
static ASYNC_THREAD async_fd_ *async_this_fd_ = &async_fd_nobodys_;
#else
ASYNC_EXTERN_C_ async_fd_ async_fd_nobodys_;
ASYNC_EXTERN_C_ ASYNC_LOCAL_ ASYNC_THREAD async_fd_ *async_this_fd_;
#endif

/* All of the operations, and what is left of them after a call that did not go
 * as usual. */
ASYNC_API async_status async_read_(int fd, void *buffer, size_t length);
ASYNC_API async_status async_write_(int fd, const void *buffer, size_t length);
ASYNC_API async_status async_write_all_(int fd, const void *buffer,
                                        size_t length, size_t *done);
ASYNC_API async_status async_fd_read_on_(ptrdiff_t n);
ASYNC_API async_status async_fd_write_on_(ptrdiff_t n, bool all);

#if ASYNC_FAST_ && !ASYNC_NAMED_ && !ASYNC_POLL
#define ASYNC_QUICK_ 1

/* It is empty, and nobody waits for it: the running task does, with flags. */
ASYNC_HOT_ async_status async_fd_rests_(async_fd_ *it, async_task *task,
                                        unsigned flags)
{
    async_node *node = &task->timer.node;

    it->flags = flags | ASYNC_FD_EMPTY_ | ASYNC_FD_READER_;
    async_this_loop_->waiting++;
    node->next = node;                      /* a ring of one: as async_link_ */
    it->waiters[ASYNC_READS_] = node;
#if ASYNC_BACKLINKS
    node->prev = node;
#endif
    task->timer.u.ring = it->waiters;
    node->state = ASYNC_LINKED_;
    return ASYNC_PENDING;
}

/* The first write since it was read; nobody waits for it. */
ASYNC_HOT_ async_status async_fd_quick_write_(int fd, const void *buffer,
                                              size_t length, size_t *done)
{
    async_fd_ *it = async_this_fd_;

    if (ASYNC_LIKELY_(it->fd == fd && length - 1 < INT_MAX && buffer != NULL
                      && it->flags == (ASYNC_FD_TCP_ | ASYNC_FD_EMPTY_)
                      && async_this_task_->timer.node.state
                          == ASYNC_RUNNING_)) {
        ptrdiff_t n;

        it->flags = ASYNC_FD_TCP_ | ASYNC_FD_EMPTY_ | ASYNC_FD_WROTE_;
        if (done != NULL) {
            async_this_task_->timer.u.done = done;
        }
        n = ASYNC_SYS_(send)(fd, buffer, length,
                             MSG_DONTWAIT | ASYNC_NOSIGNAL_);
        if (ASYNC_LIKELY_((size_t)n == length)) {
            ASYNC_ASSUME_((async_status)n > 0);
            return (async_status)n;
        }
        return async_fd_write_on_(n, done != NULL);
    }
    return done == NULL ? async_write_(fd, buffer, length)
                        : async_write_all_(fd, buffer, length, done);
}
#else
#define ASYNC_QUICK_ 0
#endif

ASYNC_INLINE_ async_status async_read(int fd, void *buffer, size_t length)
{
#if ASYNC_QUICK_
    async_task *task = async_this_task_;

    if (task->timer.node.state == ASYNC_TOLD_) {
        async_fd_ *it = (async_fd_ *)(void *)task->timer.u.ring;

        if (ASYNC_LIKELY_(it->fd == fd && it->flags == (ASYNC_FD_TCP_
                                                        | ASYNC_FD_TOLD_))) {
            ptrdiff_t n;

            async_this_fd_ = it;
            task->timer.node.state = ASYNC_RUNNING_;
            it->flags = ASYNC_FD_TCP_ | ASYNC_FD_EMPTY_;            /* e */
            n = ASYNC_SYS_(recv)(fd, buffer, length, MSG_DONTWAIT);
            return ASYNC_LIKELY_((size_t)n - 1 < length - 1)
                ? (async_status)n : async_fd_read_on_(n);
        }
    } else {
        async_fd_ *it = async_this_fd_;

        if (ASYNC_LIKELY_(it->fd == fd && length - 1 < INT_MAX
                          && buffer != NULL
                          && it->flags == (ASYNC_FD_TCP_ | ASYNC_FD_EMPTY_
                                           | ASYNC_FD_WROTE_)
                          && task->timer.node.state == ASYNC_RUNNING_)) {
            return async_fd_rests_(it, task, ASYNC_FD_TCP_);
        }
    }
#endif
    return async_read_(fd, buffer, length);
}

ASYNC_INLINE_ async_status async_write(int fd, const void *buffer,
                                       size_t length)
{
#if ASYNC_QUICK_
    return async_fd_quick_write_(fd, buffer, length, NULL);
#else
    async_status rc = async_write_(fd, buffer, length);

    if (rc == ASYNC_PENDING) {
        ASYNC_LASTS_("async_write", buffer, false);
    }
    return rc;
#endif
}

ASYNC_INLINE_ async_status async_write_all(int fd, const void *buffer,
                                           size_t length, size_t *done)
{
#if ASYNC_QUICK_
    return ASYNC_LIKELY_(done != NULL && *done == 0)
        ? async_fd_quick_write_(fd, buffer, length, done)
        : async_write_all_(fd, buffer, length, done);
#else
    async_status rc = async_write_all_(fd, buffer, length, done);

    if (rc == ASYNC_PENDING) {
        ASYNC_LASTS_("async_write_all", buffer, false);
        ASYNC_LASTS_("async_write_all", done, false);
    }
    return rc;
#endif
}
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

/* ---- Unix sockets -------------------------------------------------------- */

/* A socket that listens at `path`, a name in the file system: its descriptor
 * or an error. A socket file that a process left behind, and that none has any
 * more, is replaced; by one of those who try to at the same time. Any other
 * file, and any link, is ASYNC_EADDRINUSE: also one that somebody is bound to
 * who does not listen yet; and a dead one in a folder that the program may not
 * read, or that another program has locked by flock(2) for more than 10 ms.
 * ASYNC_EINVAL for NULL, an empty path or one of some 100 bytes and more.
 * No close removes the file. Leave it there, for the next one to replace, or
 * unlink it before the socket is closed: after that it may be another's. From
 * anywhere. */
ASYNC_API int async_unix_listen(const char *path, int backlog);

/* AWAIT(async_unix_connect(&self->fd, path)): as async_tcp_connect. */
ASYNC_API ASYNC async_unix_connect(int *fd, const char *path);

/* Make two connected Unix sockets, nonblocking and closed on exec: what is
 * written to one is read from the other. 0 or an error. From anywhere. */
ASYNC_API int async_socketpair(int ends[2]);
/* ===========================================================================
 * stream: lines and messages over a descriptor, by two buffers of the
 * caller's. It knows no addresses and makes no descriptors: net.h does.
 *
 *     char in[4096], out[4096];           in the frame, like the stream
 *     async_stream stream;                zeroed
 *
 *     AWAIT(async_stream_open(&self->stream, fd, self->in, sizeof self->in,
 *                             self->out, sizeof self->out));
 *     for (;;) {
 *         AWAIT_VALUE(self->n, async_stream_read_line(&self->stream,
 *                                                     &self->line));
 *         if (self->n == 0) { break; }
 *         AWAIT(async_stream_printf(&self->stream, "you said %s",
 *                                   self->line));
 *     }
 *     AWAIT(async_stream_close(&self->stream));
 *
 * What is written stays in the write buffer until that is full, or until
 * async_stream_flush; or until a read of the same stream has to ask for more:
 * it sends what is there first, as who waits for an answer must have asked. So
 * a loop as above takes one system call to read, and one to answer, however
 * many lines came together.
 *
 * Cancel-safe: a read that is struck has taken nothing, what it had received
 * by then is there for the next one; a write that is struck has put nothing
 * (async_stream_write, _printf), or keeps its count (_write_all).
 *
 * One task may read and others write at the same time. A second reader gets
 * ASYNC_EBUSY. Writers take turns, first come, first served, so what one call
 * writes is never in the middle of what another one does.
 *
 * Errors: ASYNC_EBADF for a stream that is not open (zeroed, or closed);
 * ASYNC_EINVAL for NULL. A connection that breaks stays broken: what was
 * received before it broke can still be read, then its error comes, in place
 * of the end, and every write fails with it. For want of memory, descriptors
 * or room on a disk nothing breaks, and nothing is lost: try again.
 *
 * Awaitables are for tasks only; each suspends only if it has to. The other
 * functions may be called by tasks and callbacks of the loop.
 *
 * Costs: no allocation. A byte is copied once on its way in or out, none if it
 * goes straight from or to the caller's memory; a line that is read and
 * answered takes some 200 instructions more than a bare async_read and
 * async_write (x86-64); a separator is looked for once in each byte; what is
 * left in the read buffer moves to its front at most once for each half of
 * it.
 * ======================================================================== */

/* Zeroed memory is a closed stream, as is one that was closed. It stays where
 * it is, with its buffers, until it is closed and the tasks that waited in it
 * have run. */
typedef struct async_stream {
    int fd;
    int error;                  /* what it broke with, or 0 */
    char *in, *out;
    size_t in_size, out_size;   /* in_size: without the byte for a NUL */
    size_t in_begin, in_end;    /* received, and not read yet */
    size_t out_begin, out_end;  /* written, and not sent yet */
    size_t scanned;             /* of the input, in vain, by who waits */
    size_t goal;                /* of the output, to be sent by the sender */
    async_task *reader;         /* who waits for input */
    async_task *sender;         /* whose turn it is to wait for output */
    async_list writers;         /* who wait for their turn */
    char held;                  /* the byte in whose place a NUL was put */
    bool open;
    bool ended;                 /* nothing more will be received */
    bool shut;                  /* nothing more may be written */
    bool holds;
    bool message;               /* the sender is in the middle of one */
} async_stream;

#if ASYNC_DEBUG
#define async_stream_open(...) \
    async_stream_open_(__VA_ARGS__, __FILE__, __LINE__)
#define async_stream_open_ ASYNC_ABI_(async_stream_open)
#else
#define async_stream_open ASYNC_ABI_(async_stream_open)
#define async_stream_open_ async_stream_open
#endif
#define async_stream_read ASYNC_ABI_(async_stream_read)
#define async_stream_read_exactly ASYNC_ABI_(async_stream_read_exactly)
#define async_stream_read_line ASYNC_ABI_(async_stream_read_line)
#define async_stream_read_until ASYNC_ABI_(async_stream_read_until)
#define async_stream_peek ASYNC_ABI_(async_stream_peek)
#define async_stream_skip ASYNC_ABI_(async_stream_skip)
#define async_stream_at_eof ASYNC_ABI_(async_stream_at_eof)
#define async_stream_write ASYNC_ABI_(async_stream_write)
#define async_stream_write_all ASYNC_ABI_(async_stream_write_all)
#define async_stream_printf ASYNC_ABI_(async_stream_printf)
#define async_stream_try_write ASYNC_ABI_(async_stream_try_write)
#define async_stream_unsent ASYNC_ABI_(async_stream_unsent)
#define async_stream_flush ASYNC_ABI_(async_stream_flush)
#define async_stream_shutdown_write ASYNC_ABI_(async_stream_shutdown_write)
#define async_stream_close ASYNC_ABI_(async_stream_close)
#define async_stream_abort ASYNC_ABI_(async_stream_abort)

/* async_stream_open(stream, fd, in, in_size, out, out_size): a stream over an
 * open descriptor of any kind: a socket, a pipe, a terminal, a file. The stream
 * closes it. A size may be 0, with or without a buffer: then reads go straight
 * into the caller's memory, and there are no lines; or only
 * async_stream_write_all writes. A line can be as long as the read buffer less
 * one byte, so its size is the limit: 2 at least. 0; the error itself for an fd
 * below 0; ASYNC_EINVAL; ASYNC_EALREADY for one that is open. From anywhere. A
 * debug build tells of one that is still open when its loop ends, unless it is
 * over descriptor 0, 1 or 2; it is that of the loop which is current now. */
ASYNC_API int async_stream_open_(async_stream *stream, int fd, void *in,
                                 size_t in_size, void *out, size_t out_size
                                 ASYNC_OPENER_);

/* ---- reading ------------------------------------------------------------- */

/* AWAIT_VALUE(n, async_stream_read(stream, buffer, length)): what is there, up
 * to `length` bytes: at least one, or 0 at the end. */
ASYNC_API ASYNC async_stream_read(async_stream *stream, void *buffer,
                                  size_t length);

/* AWAIT(async_stream_read_exactly(stream, buffer, length, &self->done)): all of
 * it, and return the length. `done` counts the bytes in the caller's buffer:
 * zero before, zero again after success. When it fails or is struck it keeps
 * its count, and the same call goes on from there. ASYNC_EPIPE when the stream
 * ends early. */
ASYNC_API ASYNC async_stream_read_exactly(async_stream *stream, void *buffer,
                                          size_t length, size_t *done);

/* AWAIT_VALUE(n, async_stream_read_line(stream, &self->line)): a line with its
 * "\n", as getline(3) does it: its length, or 0 at the end. *line points into
 * the read buffer, with a NUL after it; the caller may change it, up to the
 * next read of the stream. The last line of a stream may lack its "\n".
 * ASYNC_EMSGSIZE for one that is longer than the buffer: nothing was taken, so
 * the same call fails again; see async_stream_skip. */
ASYNC_API ASYNC async_stream_read_line(async_stream *stream, char **line);

/* The same up to, and with, any `length` bytes. At the end 0; ASYNC_EPIPE if
 * something stands before the end, but no such bytes: it can still be read. */
ASYNC_API ASYNC async_stream_read_until(async_stream *stream,
                                        const void *separator, size_t length,
                                        char **at);

/* AWAIT_VALUE(n, async_stream_peek(stream, least, &self->at)): wait until at
 * least so many bytes are in the read buffer, take none, and return how many
 * there are: fewer only before the end. With 0 it never waits. ASYNC_EMSGSIZE
 * for more than the buffer holds. *at is good until the next read. */
ASYNC_API ASYNC async_stream_peek(async_stream *stream, size_t least,
                                  char **at);

/* Take bytes that are in the read buffer. 0, or ASYNC_EINVAL for more than
 * there are, ASYNC_EBUSY while a task waits for input. */
ASYNC_API int async_stream_skip(async_stream *stream, size_t length);

/* Was the end seen, and is all before it read? (Only a read sees the end.) */
ASYNC_API bool async_stream_at_eof(const async_stream *stream);

/* ---- writing ------------------------------------------------------------- */

/* AWAIT(async_stream_write(stream, data, length)): put it into the write
 * buffer, all of it or nothing; waits until there is room. The length, or
 * ASYNC_EMSGSIZE for more than the buffer holds, ASYNC_ESHUTDOWN after
 * async_stream_shutdown_write. */
ASYNC_API ASYNC async_stream_write(async_stream *stream, const void *data,
                                   size_t length);

/* AWAIT(async_stream_write_all(stream, data, length, &self->done)): any length.
 * What does not fit is sent straight from the caller's memory, together with
 * what is in the buffer. `done` is as in async_stream_read_exactly. */
ASYNC_API ASYNC async_stream_write_all(async_stream *stream, const void *data,
                                       size_t length, size_t *done);

/* AWAIT(async_stream_printf(stream, format, ...)): as printf(3), by the rules
 * of async_stream_write; its length must be less than the buffer's size. What
 * it prints is looked at each time the task is resumed, so it is to last. */
#if defined __GNUC__ && !defined __TINYC__
#define ASYNC_PRINTF_(text, first) \
    __attribute__((format(printf, text, first)))
#else
#define ASYNC_PRINTF_(text, first)
#endif
ASYNC_API ASYNC async_stream_printf(async_stream *stream, const char *format,
                                    ...) ASYNC_PRINTF_(2, 3);

/* The same as async_stream_write without waiting: the length, or ASYNC_EAGAIN
 * when there is no room, or others wait for theirs. Somebody has to flush. */
ASYNC_API int async_stream_try_write(async_stream *stream, const void *data,
                                     size_t length);

/* How many bytes are in the write buffer; 0 for NULL. */
ASYNC_API size_t async_stream_unsent(const async_stream *stream);

/* AWAIT(async_stream_flush(stream)): wait until what was written so far has
 * been given to the system. 0, or why not: struck, the rest stays. */
ASYNC_API ASYNC async_stream_flush(async_stream *stream);

/* ---- the end ------------------------------------------------------------- */

/* AWAIT(async_stream_shutdown_write(stream)): flush, then let the other side
 * see the end; reading goes on. A descriptor that is no socket is closed for
 * this, if the stream has no read buffer, or else it is ASYNC_ENOTSOCK. */
ASYNC_API ASYNC async_stream_shutdown_write(async_stream *stream);

/* AWAIT(async_stream_close(stream)): flush, then close the descriptor. It is
 * closed in any case: an error tells that what was written did not all go out,
 * and so does a strike, which drops the rest. So a time limit stands around it
 * where the other side may have stopped to read. Tasks that wait in the stream
 * get ASYNC_EBADF. */
ASYNC_API ASYNC async_stream_close(async_stream *stream);

/* Close it at once; what was not sent is dropped. 0 or the error of close(2).
 * Not an awaitable. */
ASYNC_API int async_stream_abort(async_stream *stream);

/* ---- between its two files ----------------------------------------------- */

#define async_stream_failed_ ASYNC_ABI_(async_stream_failed)
#define async_stream_used_ ASYNC_ABI_(async_stream_used)
#define async_stream_flush_ ASYNC_ABI_(async_stream_flush_some)
#define async_stream_drain_ ASYNC_ABI_(async_stream_drain)

ASYNC_INLINE_ size_t async_stream_written_(const async_stream *stream)
{
    return stream->out_end - stream->out_begin;
}

/* A read or a write has failed, or is pending: what to say of it. */
ASYNC_API async_status async_stream_failed_(async_stream *stream,
                                            async_status rc);

/* Send what is written, if the task may: stream.c's async_stream_turn_. And the
 * end of each such use. */
ASYNC_API async_status async_stream_flush_(async_stream *stream,
                                           const async_task *task);
ASYNC_API async_status async_stream_used_(async_stream *stream,
                                          async_task *task, async_status rc);

/* Both at once, where nobody else sends, nothing is wrong, and there is
 * something to be sent; by a task that runs. */
ASYNC_API async_status async_stream_drain_(async_stream *stream,
                                           async_task *task);
/* ===========================================================================
 * server: accepts connections, each for a task of its own, and ends them in
 * order. It reads and writes nothing: the tasks do, by stream.h or fd.h.
 *
 *     struct session { async_frame frame; int fd; ... };
 *
 *     static ASYNC session(struct session *self) { ... close self->fd ... }
 *
 *     async_server server;                as many connections at once as
 *     async_slot slots[64];               there are slots and frames
 *     struct session sessions[64];
 *
 *     AWAIT(async_server_open(&self->server, async_tcp_listen(NULL, 7000, 64),
 *                             self->slots, self->sessions, 64, session));
 *     async_spawn(&self->task, async_server_run, &self->server);
 *     ... until it is enough ...
 *     AWAIT(async_server_close(&self->server, ASYNC_SEC(5)));
 *
 * When all slots are taken, no connection is accepted until one ends: the next
 * ones wait in the listener's queue. So do they while the process has no more
 * descriptors: it looks for one every 10 ms, and runs on.
 * ======================================================================== */

/* Zeroed memory, as one that was closed, is a server that is not open. Its
 * `pool` may be asked how many connections there are (async_pool_busy; one
 * slot more is taken while it waits for the next), and `accepted` and
 * `refused` say how many there were, and how often accepting failed. */
typedef struct async_server {
    async_pool pool;
    async_timeout grace;
    unsigned long accepted, refused;
    int listener;               /* -1: it accepts no more */
    int slot;                   /* taken for the next connection, or -1 */
    char *frames;
    size_t size, fd_at;         /* of a frame; where its fd is */
    async_fn fn;
    async_watch_fn ended;
    int outcome;                /* of its close */
    unsigned char state;
    bool pauses;                /* before it accepts again */
#if ASYNC_NAMED_
    const char *name, *file;
    int line;
#endif
} async_server;

/* async_server_open(server, listener, slots, frames, n, fn): a server on a
 * listening socket, which it closes. For each connection it writes the
 * descriptor to the member `int fd` of a free frame, touches nothing else of
 * that, and starts fn(frame), which closes the descriptor. (A task that was
 * cancelled before it began never does: the server then does.) `frames` is an
 * array of n structs, `slots` one of n slots. 0; the error itself for a
 * listener below 0; ASYNC_EINVAL for NULL or n <= 0, and then the listener is
 * still the caller's; ASYNC_EALREADY for one that is open. A debug build
 * tells of one that was neither stopped nor closed when the loop ends. */
#if ASYNC_NAMED_
#define async_server_open(server, listener, slots, frames, n, fn) \
    async_server_open_((server), (listener), (slots), (n), \
                       ASYNC_ENTRY_(fn, frames), (frames), sizeof *(frames), \
                       ASYNC_SERVER_FD_(frames), #fn, __FILE__, __LINE__)
#else
#define async_server_open(server, listener, slots, frames, n, fn) \
    async_server_open_((server), (listener), (slots), (n), \
                       ASYNC_ENTRY_(fn, frames), (frames), sizeof *(frames), \
                       ASYNC_SERVER_FD_(frames))
#endif
#define ASYNC_SERVER_FD_(frames) \
    ((size_t)((const char *)async_server_fd_(&(frames)->fd) \
              - (const char *)(frames)))
ASYNC_INLINE_ const int *async_server_fd_(const int *fd)
{
    return fd;
}
#define async_server_open_ ASYNC_ABI_(async_server_open)
ASYNC_API int async_server_open_(async_server *server, int listener,
                                 async_slot *slots, int n, async_fn fn,
                                 void *frames, size_t size, size_t fd_at
#if ASYNC_NAMED_
                                 , const char *name, const char *file, int line
#endif
);

#define async_server_run ASYNC_ABI_(async_server_run)
#define async_server_stop ASYNC_ABI_(async_server_stop)
#define async_server_close ASYNC_ABI_(async_server_close)

/* AWAIT(async_server_run(server)), or spawn it: accept connections until
 * async_server_stop or async_server_close: 0, also if that came before. One
 * task at a time; ASYNC_EBUSY for another. Errors that pass (no descriptors,
 * no memory, a peer that has gone, a network that is down) are counted in
 * `refused`, and it goes on, most often after 10 ms; it ends with any other of
 * the listener. A struck one leaves; the listener stays open, the connections
 * go on, and it may be run again. ASYNC_EINVAL for NULL, ASYNC_EBADF for one
 * that was never open. Task only. */
ASYNC_API ASYNC async_server_run(async_server *server);

/* Accept no more: the listener is closed, async_server_run ends, the
 * connections go on. 0, also if it has stopped before; ASYNC_EINVAL for NULL,
 * ASYNC_EBADF for one that is not open. Task or callback of the loop. */
ASYNC_API int async_server_stop(async_server *server);

/* AWAIT_VALUE(n, async_server_close(server, grace)): stop; let the connections
 * end by themselves for so long; then cancel those that are left, and wait
 * until they have cleaned up. How many were cancelled. ASYNC_NEVER waits for
 * all; 0 cancels them at once. A strike ends the grace, and a further one
 * strikes the connections again: but it returns, with the strike, only when
 * all have ended, as their frames are in use until then. ASYNC_EINVAL for NULL,
 * ASYNC_EBADF for one that is not open, ASYNC_EBUSY while another task closes
 * it. Task only.
 *
 * A connection that just waits for its next request takes the whole grace. To
 * let such ones go at once, stop the server, and cancel those of which you know
 * it: the task of the i-th frame is slots[i].task. */
ASYNC_API ASYNC async_server_close(async_server *server, async_duration grace);
/* ===========================================================================
 * signals: awaiting the signals of a Unix process. It says that one came, and
 * how often; it carries no siginfo, and does not wait in sigwait's way.
 *
 * States of a watcher, and who makes each arrow:
 *
 *              1 open                    2 a signal: count it
 *   CLOSED -------------------> OPEN ---------------------------.
 *      ^                        |  ^                            |
 *      |  4 close: a waiter     |  |  3 wait: take the count    |
 *      '--- gets ECANCELED -----'  '----------------------------'
 *
 *   1 async_signal_open, which first makes the irq, then puts the watcher into
 *   the list, then sets the handler: so from its return on no signal is lost,
 *   also before somebody waits  2 the handler, in whatever thread the system
 *   runs it  3 async_signal_wait  4 async_signal_close, the other way round;
 *   it returns when no handler is left that might still hold the watcher.
 *
 * The one invariant: our handler is set for a signal if, and only if, an open
 * watcher names it. The one that was there before comes back with the last of
 * them; if somebody has set another one meanwhile, that one stays.
 *
 * The handler takes no lock. It says that it is busy, walks the list, raises
 * an irq for each watcher that names the signal, and says that it has ended;
 * only who opens and closes takes turns, and none of that in a handler. In the
 * child of a fork nobody holds the turn (with ASYNC_OFFLOAD as 0, that needs a
 * fork while no other thread opens or closes one).
 * ======================================================================== */

/* Signal n is bit (n - 1) % this of its word: the words are what every machine
 * reads and writes in one. */
#define ASYNC_SIGNAL_BITS_ 32

/* Zeroed memory is a closed one. To stay where it is while it is open. */
typedef struct async_signal {
    async_irq irq;
    struct async_signal *volatile next;     /* in the list of all */
    volatile unsigned set[64 / ASYNC_SIGNAL_BITS_];     /* signals it names */
    volatile int last;
    bool passes;                /* also for the handler that was there before */
} async_signal;

#define async_signal_open ASYNC_ABI_(async_signal_open)
#define async_signal_add ASYNC_ABI_(async_signal_add)
#define async_signal_wait ASYNC_ABI_(async_signal_wait)
#define async_signal_last ASYNC_ABI_(async_signal_last)
#define async_signal_close ASYNC_ABI_(async_signal_close)
#define async_signal_pass_ ASYNC_ABI_(async_signal_pass)

/* Watch a signal (SIGTERM, ...) in the current loop, instead of what it did
 * before. Any number of watchers, in any number of loops and threads, may name
 * the same one, and each is told. System calls that it interrupts elsewhere
 * go on (SA_RESTART). A signal that is blocked in all threads does not come.
 *
 * 0, or ASYNC_EINVAL for NULL or a number that cannot be watched (SIGKILL,
 * SIGSTOP, those of a fault such as SIGSEGV, or none at all); ASYNC_EPERM
 * without a current loop, ASYNC_EBUSY if it is open, or the error of making
 * the loop's wake-up descriptor. Task, or code outside of the running loop.
 * Two system calls for the first watcher of a signal; others cost none. */
ASYNC_API int async_signal_open(async_signal *signal, int number);

/* Let an open one watch another signal as well: SIGINT like SIGTERM. 0, or
 * ASYNC_EINVAL for NULL, one that is not open, or a number as above;
 * ASYNC_EALREADY if it does so already. From the loop's thread. */
ASYNC_API int async_signal_add(async_signal *signal, int number);

/* AWAIT_VALUE(n, async_signal_wait(signal)): wait until one comes; how many
 * have since the last look, at least 1. (The system itself keeps only one of
 * each kind while they cannot be delivered.) One task at a time: ASYNC_EBUSY
 * for a second one; ASYNC_EINVAL for one that is not open, or is another
 * loop's; ASYNC_ECANCELED when it is closed meanwhile. A strike takes no
 * signals. Task only. */
ASYNC_API ASYNC async_signal_wait(async_signal *signal);

/* The number of the one that came last; 0 if none has, or for NULL. From the
 * loop's thread. */
ASYNC_API int async_signal_last(const async_signal *signal);

/* Watch no more: before the loop ends. Signals not yet taken are dropped, a
 * task that waits gets ASYNC_ECANCELED, and the handler from before comes
 * back if this was the last watcher. 0, or ASYNC_EINVAL for NULL or one that
 * is not open. From the loop's thread, but not from a signal handler. */
ASYNC_API int async_signal_close(async_signal *signal);

/* Open one that does not take the signal away from the program's own handler:
 * that is called as well, as long as all watchers are of this kind. */
ASYNC_API int async_signal_pass_(async_signal *signal, int number);
/* ===========================================================================
 * subprocess: starting other programs, talking to them through pipes, and
 * awaiting their end. It buffers nothing and splits no lines: streams do.
 *
 * States of an async_process, and who makes each arrow:
 *
 *             1 start                 2 its end is seen
 *   CLOSED -------------> RUNNING ----------------------> ENDED
 *      ^                     |                              |
 *      |                     | 3 close: kill, then 2        | 3 close
 *      '---------------------+------------------------------'
 *
 *   1 async_process_start; when it fails, nothing has changed  2 the one place
 *   that calls waitpid, which whoever waits, asks or signals goes through
 *   3 async_process_close.
 *
 * The invariant: RUNNING means that `pid` is our child, and that nobody has
 * taken its status. So no signal ever goes to a stranger who got the number
 * later; and what is not CLOSED is no zombie for longer than its owner lets
 * it be one.
 *
 * Who waits: on Linux the process is a descriptor (a pidfd), which any number
 * of tasks await as readable. Where there is none (other systems, a kernel
 * before 5.3, no descriptor left), by SIGCHLD: the first task leads. It opens
 * a watcher of the signal, looks, and waits for it; the others stand in a list
 * and are handed the code. A leader that is struck closes the watcher and
 * wakes the oldest in the list to lead. So there is a watcher if, and only if,
 * there is a leader; and who stands in the list has one, or one was woken to
 * become it. As the watcher is opened before the leader looks, no end is
 * overlooked. A program that has a SIGCHLD handler of its own keeps it: both
 * are called. (It must not set one while somebody waits this way, nor block
 * the signal in all threads.)
 *
 * The child is made by vfork where that is to be had: it costs the same
 * however much memory the program has. It gets the signal mask of its parent,
 * the default action of every signal but those that are ignored, of SIGPIPE
 * in any case (this library ignores that one); and of the descriptors 0, 1
 * and 2 alone. (Where the system has no close_range, those above 65535 are not
 * looked at.)
 * ======================================================================== */

/* What the child's input, output and error output are: flags for
 * async_process_start. Without one it shares yours. */
#define ASYNC_PIPE_IN 0x1u      /* a pipe, of which `in` is the other end */
#define ASYNC_PIPE_OUT 0x2u     /* and so on */
#define ASYNC_PIPE_ERR 0x4u
#define ASYNC_NULL_IN 0x8u      /* /dev/null */
#define ASYNC_NULL_OUT 0x10u
#define ASYNC_NULL_ERR 0x20u
#define ASYNC_ERR_TO_OUT 0x40u  /* the error output goes where output goes */

/* Further flags. */
#define ASYNC_NEW_SESSION 0x80u /* setsid(2): its own session, process group,
                                 * and no terminal; -pid is the group */
#define ASYNC_KILL_GROUP 0x200u /* the same; and what is left of the group when
                                 * the process ends is killed: no grandchild
                                 * lives on, but for one that left the group */
#define ASYNC_KEEP_FDS 0x100u   /* the child also gets those of your descriptors
                                 * above 2 that are not closed on exec */
#define ASYNC_BY_SIGCHLD_ 0x8000u   /* for tests: as if there were no pidfd */

/* What else may be told; zeroed memory leaves all as it is. It is read by the
 * start alone. */
typedef struct async_process_setup {
    const char *directory;      /* where the child begins; NULL: here */
    const char *const *environment;     /* "NAME=value", ..., NULL; or NULL:
                                         * this program's own */
    int in, out, err;           /* above 0: a descriptor of yours that becomes
                                 * the child's. It stays open here, and is set
                                 * to blocking, as programs expect */
} async_process_setup;

/* A process. Zeroed memory is a closed one. To be read: `pid`, and the ends of
 * its pipes that are ours, which are nonblocking and closed on exec, or -1. To
 * hand one of these to somebody who closes it (a stream), copy it and set it
 * to -1 here; to close one, async_process_close_end. */
typedef struct async_process {
    int pid;                    /* 0: closed */
    int in, out, err;
    int code;                   /* ASYNC_PENDING while it runs */
    int fd;                     /* the pidfd, or -1 */
    unsigned char way;          /* of waiting, also after it was closed */
    unsigned char group;        /* has it one of its own, and does that die */
    bool struck;                /* its stopper was */
    async_task *stopper;        /* who is in async_process_stop */
    async_alarm_ alarm;         /* when its grace is over */
    async_task *talker;         /* who is in async_process_communicate */
    async_task *leader;         /* by SIGCHLD: who waits for the signal, */
    async_list followers;       /* and who for the leader */
    async_signal child;
} async_process;

/* The signal that ended a process, or 0 if it ended by itself: from the code
 * that async_process_wait gives. */
#define ASYNC_PROCESS_SIGNAL(code) ((code) > 256 ? (code) - 256 : 0)

#define ASYNC_ECHILD ASYNC_ERRNO_(ECHILD, 10)
#define ASYNC_ESRCH ASYNC_ERRNO_(ESRCH, 3)
#define ASYNC_ENOEXEC ASYNC_ERRNO_(ENOEXEC, 8)
#define ASYNC_EACCES ASYNC_ERRNO_(EACCES, 13)

#if ASYNC_DEBUG
#define async_process_start(...) \
    async_process_start_(__VA_ARGS__, __FILE__, __LINE__)
#define async_process_start_ ASYNC_ABI_(async_process_start)
#define async_process_shell(...) \
    async_process_shell_(__VA_ARGS__, __FILE__, __LINE__)
#define async_process_shell_ ASYNC_ABI_(async_process_shell)
#else
#define async_process_start ASYNC_ABI_(async_process_start)
#define async_process_start_ async_process_start
#define async_process_shell ASYNC_ABI_(async_process_shell)
#define async_process_shell_ async_process_shell
#endif
#define async_process_wait ASYNC_ABI_(async_process_wait)
#define async_process_code ASYNC_ABI_(async_process_code)
#define async_process_signal ASYNC_ABI_(async_process_signal)
#define async_process_terminate ASYNC_ABI_(async_process_terminate)
#define async_process_kill ASYNC_ABI_(async_process_kill)
#define async_process_signal_group ASYNC_ABI_(async_process_signal_group)
#define async_process_stop ASYNC_ABI_(async_process_stop)
#define async_process_close_end ASYNC_ABI_(async_process_close_end)
#define async_process_close ASYNC_ABI_(async_process_close)
#define async_process_communicate ASYNC_ABI_(async_process_communicate)

/* async_process_start(process, argv, flags, setup): start a program: argv is
 * its name, its arguments, and NULL. A name without a slash is looked for in
 * the PATH of its environment. `flags` are those above, `setup` is NULL or more
 * of them. 0: it runs, with its own code.
 *
 * Otherwise nothing was left behind, and the error is that of the exec, such
 * as ASYNC_ENOENT, ASYNC_EACCES, ASYNC_ENOEXEC (a script needs its #!), or of
 * changing to the directory; ASYNC_EMFILE, ASYNC_EAGAIN, ASYNC_ENOMEM where
 * descriptors, processes or memory have run out; ASYNC_EINVAL for NULL, an
 * argv without a name, or a stream told two things; ASYNC_EBUSY for a process
 * that is not closed.
 *
 * Task, or code of the loop's thread; no loop is needed yet. It does not wait,
 * but blocks for the moment that the system takes: some 500 microseconds. For
 * a program that is to outlive this one let a shell end at once: "daemon &" */
ASYNC_API int async_process_start_(async_process *process,
                                   const char *const argv[], unsigned flags,
                                   const async_process_setup *setup
                                   ASYNC_OPENER_);

/* async_process_shell(process, text, flags, setup): the same with a line for
 * /bin/sh. Never make that line from a stranger's text: there
 * async_process_start has the arguments one by one. */
ASYNC_API int async_process_shell_(async_process *process, const char *text,
                                   unsigned flags,
                                   const async_process_setup *setup
                                   ASYNC_OPENER_);

/* AWAIT_VALUE(code, async_process_wait(process)): wait until it has ended:
 * what it gave to exit, 0 to 255; or 256 + n if signal n killed it. Any number
 * of tasks may wait, any number of times, also after its end. Its pipes stay
 * open; one that waits for room in them never ends: see communicate below.
 *
 * A strike leaves at once, unless it has ended, and the process goes on. The
 * error ASYNC_ECHILD if its status is lost, as other code has waited for it,
 * or SIGCHLD is ignored; ASYNC_EINVAL for NULL or a closed one, ASYNC_ECANCELED
 * when it is closed meanwhile; ASYNC_EMFILE or ASYNC_ENOMEM when the loop
 * cannot make what it needs for waiting. Task only; all who wait are of one
 * loop. */
ASYNC_API ASYNC async_process_wait(async_process *process);

/* The code, as above, without waiting; ASYNC_PENDING while it runs. Still
 * answers after async_process_close. ASYNC_EINVAL for NULL or one that was
 * never started. From the loop's thread; a system call while it runs. */
ASYNC_API int async_process_code(async_process *process);

/* Send it a signal; SIGTERM; SIGKILL. 0, or ASYNC_ESRCH when it has ended,
 * ASYNC_EINVAL for NULL, a closed one or no signal, ASYNC_EPERM if it has
 * become another user's. From the loop's thread. */
ASYNC_API int async_process_signal(async_process *process, int number);
ASYNC_API int async_process_terminate(async_process *process);
ASYNC_API int async_process_kill(async_process *process);

/* Send a signal to every process of the group of one that was started with
 * ASYNC_NEW_SESSION or ASYNC_KILL_GROUP: to it, and to what it has started. 0,
 * or ASYNC_ESRCH when it has ended itself: its number may be a stranger's by
 * then, so the rest is out of reach (ASYNC_KILL_GROUP is for that).
 * ASYNC_EINVAL as above, or without one of those flags. From the loop's
 * thread. */
ASYNC_API int async_process_signal_group(async_process *process, int number);

/* AWAIT_VALUE(code, async_process_stop(process, grace)): ask it to end
 * (SIGTERM), wait for so long, kill it (SIGKILL) if it has not; its code, as
 * async_process_wait gives it. At once if it has ended. A grace of zero or less
 * kills it at once, ASYNC_NEVER never does. With ASYNC_KILL_GROUP the signals
 * go to the whole group. What it says meanwhile is not read; it is not closed.
 *
 * It ends when the process has: a strike kills it at once, and when it has
 * ended the await fails with the strike; the code is in async_process_code.
 * Errors as those of async_process_wait, and ASYNC_EBUSY while another task
 * stops it; ASYNC_EPERM if it is another user's. Task only. Costs a timer. */
ASYNC_API ASYNC async_process_stop(async_process *process,
                                   async_duration grace);

/* async_process_close_end(&process.in): close our end of a pipe, and set it to
 * -1. To the child the closed input is the end of what it reads. 0, also for
 * -1; ASYNC_EINVAL for NULL. Tasks that wait for it get ASYNC_EBADF. */
ASYNC_API int async_process_close_end(int *end);

/* Be done with it: close the pipes, and if it still runs, kill it (SIGKILL) and
 * take its status, so that no zombie is left. That is the one thing here that
 * blocks: for the moment that the system takes to end a process. Who has time
 * awaits async_process_stop before. Tasks that wait get ASYNC_ECANCELED. With
 * ASYNC_KILL_GROUP the whole group is killed.
 *
 * 0, and the memory is as good as zeroed; ASYNC_EINVAL for NULL or one that is
 * closed. ASYNC_EPERM if it runs on and may not be killed, being another
 * user's: then the pipes are closed, it can still be waited for, and has to be
 * closed again. From the loop's thread; before the loop ends: a debug build
 * tells of one that was started in it, and is not closed then. */
ASYNC_API int async_process_close(async_process *process);

/* ---- all at once --------------------------------------------------------- */

/* One of the streams, while it is fed or gathered. */
typedef struct async_pump_ {
    async_task task;
    struct async_communication *talk;
    async_status (*fn)(struct async_pump_ *pump);
    int *fd;
} async_pump_;

/* What goes in, and where to put what comes out: set the upper part of zeroed
 * memory, or of one whose communicate has succeeded. */
typedef struct async_communication {
    const void *input;
    size_t input_length;
    void *output, *errors;      /* NULL: it is read, and dropped */
    size_t output_room, errors_room;

    size_t output_length;       /* how much came, whatever the room */
    size_t errors_length;
    size_t input_done;          /* how much went, when not all was taken */

    unsigned char stage_;
    int failed_;                /* the first error of a stream */
    int pumps_;
    async_pump_ pump_[3];
    async_waiter waiters_[3];
    async_wait_set set_;
} async_communication;

/* AWAIT_VALUE(code, async_process_communicate(process, talk)): write the input
 * into the child's pipe and close it; read its output and error output to
 * their ends, all at the same time, so that nobody waits for a full pipe; then
 * wait for the process. Its code, as async_process_wait gives it. Streams
 * without a pipe are left out. A child that closes its input early is no
 * error.
 *
 * What does not fit is read and dropped, the length counts it, and at the end,
 * when the code is known, the error is ASYNC_EOVERFLOW.
 *
 * When it is struck, what was written and read is in `talk`, and the same call
 * goes on from there. ASYNC_EINVAL for NULL, a closed process, input without a
 * pipe for it, or a NULL with a length; ASYNC_EBUSY when another task is in it;
 * else errors of async_read, async_write, async_process_wait. Task only. It
 * costs up to three tasks, which stand in `talk`. */
ASYNC_API ASYNC async_process_communicate(async_process *process,
                                          async_communication *talk);

/* ---- among its parts ----------------------------------------------------- */

enum { ASYNC_BY_PIDFD_ = 1, ASYNC_BY_CHILD_ };
enum { ASYNC_GROUP_IS_OWN_ = 1, ASYNC_GROUP_DIES_ };

/* waitpid(2), through interruptions: the number, 0 or an error. */
ASYNC_API int async_process_waitpid_(int pid, int *status, int options);
#if ASYNC_HOSTED && ASYNC_OFFLOAD
/* ===========================================================================
 * offload: a function that blocks or computes for long, run in a thread of the
 * process, while the task that asked for it waits. It is no thread of yours to
 * keep: one that lives on talks to a loop through async_irq_raise.
 *
 * A job, from its task's await to the result, and who makes each arrow:
 *
 *                1 submit            2 a worker takes it
 *       free -----------> QUEUED ----------------------> RUNNING
 *        ^  ^               |                               |
 *        |  '---------------'                               | 3 fn returned
 *        |   4 struck: the await fails                      v
 *        '------------------------------------------------ DONE
 *            5 serve: the task has its result
 *
 *   1 async_offload_submit_, of the loop's thread  2, 3 async_worker_run_,
 *   of a worker  4 async_offload_struck_, 5 async_offload_serve_, of the loop's
 *   thread. A strike that finds the job RUNNING or DONE makes the task DEAF: it
 *   waits on for the result, and the strike hits its next await.
 *
 * Invariant: from 1 until 4 or 5 the job counts in `out` of its loop, whose
 * async_irq is in the list of irqs while that is not 0: so the loop does not
 * end, and does not take it for a deadlock. From 2 until 3 it counts in
 * `running` of its loop, too; async_loop_close waits until that is 0, and takes
 * off the queue what is still there.
 *
 * Locks: there is one, of the process, and nothing else is ever taken while it
 * is held; no function of yours runs under it. It guards the queue, the lists
 * of jobs that are done, `running`, the state of each job, and the number and
 * the places of the workers. A job's `home` and `task`, and `out`, belong to
 * the loop's thread; a worker reads `home`, which was written before 1. The irq
 * is raised under the lock, so that it cannot be closed meanwhile.
 * ======================================================================== */

struct async_offloads_;

/* What runs in the thread. Its value is the await's: a result >= 0, or an
 * error. It must return, and knows of no loop: no awaitable, and nothing but
 * async_irq_raise. */
typedef int (*async_offload_fn)(void *argument);

/* One call. Zeroed, or one that has ended. It stays where it is, as does what
 * the function works on, until the await has ended. */
typedef struct async_offload_job {
    struct async_offload_job *next, *prev;  /* in the queue, or done */
    struct async_offloads_ *home;           /* its loop's; NULL: free */
    async_task *task;                       /* NULL: nobody waits any more */
    async_offload_fn fn;
    void *argument;
    int result;
    int state;
} async_offload_job;

/* AWAIT_VALUE(n, async_offload(&self->job, fn, argument)): call fn(argument)
 * in a thread, and wait for what it returns.
 *
 * The threads are those of the process: started when there is work for them, up
 * to ASYNC_OFFLOAD_THREADS, and ended when the last loop closes that had work
 * for them. Jobs of all loops are taken first come, first served. Signals are
 * blocked in them, but for those that a thread's own fault raises.
 *
 * While the job is queued, a strike takes it off: fn is not called, and the
 * await fails. Once fn runs, it has your memory: the await lasts until it
 * returns, whatever strikes the task, and gives its result; the strike hits
 * the next await. A timeout around it thus ends late, and not at all if fn does
 * not return. So does the loop: async_run and async_loop_close wait for fn.
 * And a job that waits for another one (its own loop's, say) keeps a thread
 * meanwhile: if all do, they wait for ever.
 *
 * ASYNC_EAGAIN when there is no thread and none can be started, ASYNC_ENOMEM
 * or ASYNC_EMFILE when the loop cannot make what it takes to be woken,
 * ASYNC_EBUSY for a job that is out already, ASYNC_EINVAL for NULL (an argument
 * may be NULL), or when fn returns ASYNC_PENDING or ASYNC_CANCEL. A child of
 * fork has no threads, and starts its own for loops of its own. Task only.
 * Costs two switches of threads, fewer when jobs queue up, and no allocation
 * but for the loop's first job. */
#define async_offload ASYNC_ABI_(async_offload)
ASYNC_API ASYNC async_offload(async_offload_job *job, async_offload_fn fn,
                              void *argument);

/* ---- for the operations made of it --------------------------------------- */

/* The same for what must be done: it is deaf to strikes from the start, and is
 * done by the caller's thread if there is no other. */
ASYNC_API async_status async_offload_surely_(async_offload_job *job,
                                             async_offload_fn fn,
                                             void *argument);

/* Struck: leave a job that was allocated. free() it, now or when fn has
 * returned. */
ASYNC_API void async_offload_abandon_(async_offload_job *job);

/* Is a task of this loop waiting for a job? */
#if ASYNC_SIM
ASYNC_API bool async_offload_waits_(const async_loop *loop);
#endif

#endif
#if ASYNC_HOSTED && ASYNC_OFFLOAD
/* ===========================================================================
 * file: regular files, read and written in threads, so that a slow disk holds
 * up nobody but who waits for it. It buffers nothing, and is not for terminals
 * and sockets, which keep a thread from other work: those are fd.h's.
 *
 * To a file the system says "ready" at any time, and then may take seconds. So
 * each operation here is a job of async_offload, and what is said there of
 * threads and strikes holds for all of them: struck while it is queued, an
 * operation has done nothing; once a thread has begun, it ends, and gives its
 * result, and the strike hits the next await. No byte and no descriptor is lost
 * to a cancel or a timeout. Each costs two switches of threads; so read and
 * write by the ten thousand bytes.
 *
 * The file is in the caller's memory, and does one thing at a time: ASYNC_EBUSY
 * for a second one meanwhile. To read at several places at once, open it as
 * often. Paths and buffers stay where they are until the await has ended. For
 * all operations: ASYNC_EINVAL for NULL, ASYNC_EBADF for a file that is not
 * open, the errors of async_offload, and the system call's own. EINTR is never
 * one of them. Task only.
 * ======================================================================== */

#include <fcntl.h>
#include <sys/types.h>

struct stat;

/* Zeroed, or one that was closed. */
typedef struct async_file {
    async_offload_job job;
    int fd;                 /* its descriptor, while it is open: to look at */
    bool is_open, is_pipe;
    size_t done;            /* bytes of the last write, be it one that failed */
    /* the operation that is under way: */
    int (*call)(struct async_file *file);
    const char *path;
    void *buffer;
    size_t length;
    int64_t offset;
    int flags;
    mode_t mode;
    const async_task *user; /* who waits for a FIFO */
} async_file;

#define ASYNC_ENXIO ASYNC_ERRNO_(ENXIO, 6)

#define async_file_open ASYNC_ABI_(async_file_open)
#define async_file_read ASYNC_ABI_(async_file_read)
#define async_file_pread ASYNC_ABI_(async_file_pread)
#define async_file_write ASYNC_ABI_(async_file_write)
#define async_file_pwrite ASYNC_ABI_(async_file_pwrite)
#define async_file_sync ASYNC_ABI_(async_file_sync)
#define async_file_size ASYNC_ABI_(async_file_size)
#define async_file_stat ASYNC_ABI_(async_file_stat)
#define async_file_close ASYNC_ABI_(async_file_close)

/* AWAIT(async_file_open(&self->file, path, O_RDONLY, 0)): open it, as open(2)
 * does; closed on exec. 0 or an error; ASYNC_EBUSY if it is open already.
 * A FIFO does not wait for its other side: it is opened for reading in any
 * case, and the first read waits until somebody has written to it; for writing
 * it is ASYNC_ENXIO while nobody has it open for reading, and the caller may
 * try again later. The loop waits for it, so no thread is kept. */
ASYNC_API ASYNC async_file_open(async_file *file, const char *path, int flags,
                                mode_t mode);

/* AWAIT_VALUE(n, async_file_read(&self->file, buffer, length)): what read(2)
 * gives: so many bytes from where the last read or write ended, 0 at the end of
 * the file. And pread(2): from `offset` on, without moving that place. Lengths
 * above INT_MAX are taken as INT_MAX. Of a FIFO what is there, once something
 * is; a strike leaves at once, and has taken nothing. */
ASYNC_API ASYNC async_file_read(async_file *file, void *buffer, size_t length);
ASYNC_API ASYNC async_file_pread(async_file *file, void *buffer, size_t length,
                                 int64_t offset);

/* AWAIT(async_file_write(&self->file, buffer, length)): write all of it; the
 * length, or an error, and then file.done says how many bytes were written. And
 * the same from `offset` on. */
ASYNC_API ASYNC async_file_write(async_file *file, const void *buffer,
                                 size_t length);
ASYNC_API ASYNC async_file_pwrite(async_file *file, const void *buffer,
                                  size_t length, int64_t offset);

/* AWAIT(async_file_sync(&self->file)): fsync(2): wait until what was written is
 * on the disk. 0 or an error. */
ASYNC_API ASYNC async_file_sync(async_file *file);

/* AWAIT(async_file_size(&self->file, &self->size)): its size in bytes: 0 or an
 * error. And all that fstat(2) knows. */
ASYNC_API ASYNC async_file_size(async_file *file, int64_t *size);
ASYNC_API ASYNC async_file_stat(async_file *file, struct stat *to);

/* AWAIT(async_file_close(&self->file)): close it: 0 or the error of close(2),
 * by which some systems say that a write has failed; it is closed in any case.
 * Made for a finally, or the release of an ASYNC_WITH_AWAIT: no strike keeps it
 * from closing, nor does the want of a thread. */
ASYNC_API ASYNC async_file_close(async_file *file);
#endif
#if ASYNC_HOSTED && ASYNC_OFFLOAD
/* ===========================================================================
 * resolve: the addresses of a name, and a connection to the first of them that
 * answers. It keeps no cache; the system's library does the asking.
 * ======================================================================== */

/* What a lookup needs. Zeroed: any family, for stream sockets. Set what you
 * want else before: AF_INET or AF_INET6; SOCK_DGRAM; flags of getaddrinfo(3),
 * such as AI_PASSIVE. */
typedef struct async_resolver {
    int family;
    int socktype;
    int flags;
    struct async_lookup_ *lookup;   /* while it is under way */
} async_resolver;

#define async_resolve ASYNC_ABI_(async_resolve)
#define async_connect_any ASYNC_ABI_(async_connect_any)
#define async_dial ASYNC_ABI_(async_dial)

/* AWAIT_VALUE(n, async_resolve(&self->resolver, "example.org", "https",
 *                              self->addresses, 4)):
 * the addresses of a host, in the order in which the system wants them tried;
 * at most as many as there is room for, and at most 64. Returns how many there
 * are, at least 1. The service is a name or a number, NULL or "" for port 0.
 * The host is a name or a number, or NULL for this machine.
 *
 * Two numbers need no thread and no wait. For a name, getaddrinfo(3) is called
 * in a thread of async_offload, and what is said there of threads holds, but
 * for strikes: the lookup has memory of its own, so a strike ends the await at
 * once. The thread goes on until the name servers have answered or not, and
 * the loop does not close before.
 *
 * ASYNC_ENOHOST and ASYNC_ENOSERVICE when there is no such (nor is there a port
 * above 65535, or one with a sign or a space before it); ASYNC_EHOSTAGAIN
 * when a name server did not answer, ASYNC_EHOSTFAIL when it would not;
 * ASYNC_EINVAL for NULL (but the host or the service), for no room, or flags
 * that make no sense; ASYNC_EBUSY for a resolver that is at it already; and the
 * errors of async_offload and of the system. Task only. */
ASYNC_API ASYNC async_resolve(async_resolver *resolver, const char *host,
                              const char *service, async_address *addresses,
                              int capacity);

enum { ASYNC_DIAL_MAX = 8 };    /* addresses that are tried */

/* One attempt to connect. */
struct async_attempt_ {
    async_frame frame;
    async_task task;
    struct async_attempts *of;
    const async_address *address;
    int fd, outcome;
};

/* What async_connect_any needs: zeroed, or one that has ended. */
typedef struct async_attempts {
    async_frame frame;
    async_duration delay;       /* until the next attempt; 0: 250 ms */
    struct async_attempt_ attempt[ASYNC_DIAL_MAX];
    async_waiter waiters[ASYNC_DIAL_MAX];
    async_wait_set set;
    async_event ended_one;
    async_timeout scope;
    int n, started, ended, fd, rc, error, failed, outcome;
} async_attempts;

/* AWAIT_VALUE(fd, async_connect_any(&self->attempts, addresses, n)): connect a
 * stream socket to one of these addresses, of which the first ASYNC_DIAL_MAX
 * are tried: the first; the next when that has failed, or has not been answered
 * for 250 ms, while the first goes on; and so on, as RFC 8305 has it. The first
 * to be connected wins, the others are closed. The descriptor, nonblocking and
 * closed on exec; or the error of the attempt that was the last to fail. When
 * it is struck, all are closed. ASYNC_EINVAL for NULL or n < 1. The addresses
 * stay where they are. Task only. */
ASYNC_API ASYNC async_connect_any(async_attempts *self,
                                  const async_address *addresses, int n);

/* What async_dial needs: zeroed, or one that has ended. */
typedef struct async_dialer {
    async_frame frame;
    async_resolver resolver;
    async_attempts attempts;
    async_address addresses[ASYNC_DIAL_MAX];
    char service[8];
    int n, fd;
} async_dialer;

/* AWAIT_VALUE(fd, async_dial(&self->dialer, "example.org", 443)): connect to a
 * host by its name, or number: async_resolve, and async_connect_any of what it
 * found, IPv6 and IPv4 in turn. The descriptor or an error of these two;
 * ASYNC_EINVAL for NULL, or a port that is none. Struck at any time, it ends at
 * once and leaves no descriptor. Some 3 KB of memory. Task only. */
ASYNC_API ASYNC async_dial(async_dialer *self, const char *host, int port);

/* The order in which async_dial tries them: the families in turn, beginning
 * with that of the first address; within a family as they were. */
ASYNC_API void async_interleave_(async_address *addresses, int n);
#endif
#endif
/* ===========================================================================
 * sim: virtual time, and the order of ready tasks by a seed: for tests that
 * take no time and happen the same way each time. It needs ASYNC_SIM 1, and
 * takes the place of the clock and of the sleep of every loop of the program,
 * a project's own ASYNC_CLOCK and ASYNC_IDLE included. It is no model of a
 * network or of a disk: what is outside of the program stays real.
 *
 * The clock begins at 0; each thread has one of its own, for all loops that
 * run in it. It stands still while tasks run; one that computes until the clock
 * has moved, and awaits nothing, never ends. When a run has nothing ready, it
 * goes straight to the next deadline: a week of timeouts takes a millisecond.
 * (async_loop_step does not sleep, so there its caller moves the clock, with
 * async_sim_advance.)
 *
 * Polling takes time. When 10 000 turns in a row had nothing but tasks that
 * yield or poll (AWAIT_UNTIL), the clock goes on to the next deadline all the
 * same; after ten million turns of any kind, too. So who waits for a flag that
 * is set in a second gets it, and who turns for ever comes to an end.
 *
 * What is waited for outside, while a deadline is known:
 *
 *   Descriptors, signals and irqs are looked at first. If one has something, it
 *   is served, and the clock has not moved; if none has, the clock moves at
 *   once. A pipe or a socket whose other end is in a task of the same loop is
 *   never late. A peer elsewhere is, unless it gets some async_sim_patience.
 *
 *   A function that async_offload runs for a task (so, too, a file or a name),
 *   and a child process of this program, are at work: the clock waits for them,
 *   and what they take counts as nothing. Not for ever: when the time to the
 *   deadline has really passed, and a second at the least, the clock moves. So
 *   a timeout for a child that hangs takes its time.
 *
 * Without a deadline all of them are waited for, as ever.
 *
 * A program that has nobody outside is the same in each run with one seed.
 * ======================================================================== */

#if ASYNC_SIM

#define async_sim_seed ASYNC_ABI_(async_sim_seed)
#define async_sim_random ASYNC_ABI_(async_sim_random)
#define async_sim_now ASYNC_ABI_(async_sim_now)
#define async_sim_advance ASYNC_ABI_(async_sim_advance)
#define async_sim_patience ASYNC_ABI_(async_sim_patience)

/* From now on, in this thread, the tasks that are ready when a turn begins run
 * in an order that the seed determines, each order being as likely. Each of
 * them still runs once in the turn, and what a lock or a queue grants first
 * come, first served, is granted so; but tasks that were spawned, or woken, or
 * whose time came in the same turn run in any order: a program that is right
 * must not care, and that a task has run since it was spawned is known by a
 * join or an event, not by a yield. The same seed gives the same orders, and
 * the same numbers of async_sim_random. 0: first in, first out again.
 *
 * Any context. A turn then costs some 40 instructions for each task and each
 * doubling of their number, and no memory. */
ASYNC_API void async_sim_seed(unsigned seed);

/* A number from 0 to n - 1, by the seed: for a fake that is late, fails, or
 * loses what it is sent, by chance. 0 if n is 0. Any context. */
ASYNC_API unsigned async_sim_random(unsigned n);

/* The time of this thread's virtual clock: async_now without a loop, and also
 * in the middle of a turn. Any context. */
ASYNC_API async_ticks async_sim_now(void);

/* The clock goes on by so much at once, as if the caller had computed for so
 * long: async_now sees it in the next turn. 0, or ASYNC_EINVAL for a negative
 * duration or ASYNC_NEVER. Any context. */
ASYNC_API int async_sim_advance(async_duration duration);

/* For the loops of all threads: before a clock moves, whatever is waited for
 * outside gets so long in real time: descriptors, signals and irqs, too;
 * functions and children neither more nor less. So may a peer in another thread
 * or process be tested. A negative duration restores the rule above. 0, or
 * ASYNC_EINVAL for ASYNC_NEVER, or where there is no real time to be had, on a
 * board. From wherever no other thread runs a loop. */
ASYNC_API int async_sim_patience(async_duration real);

/* ---- for the loop, and for testing.h ------------------------------------ */

/* The hook; and what a turn begins with: the queue is put in order. Which is
 * the first to run? */
ASYNC_API void async_sim_idle_(async_loop *loop, async_duration ticks);
ASYNC_API async_node *async_sim_turn_(async_loop *loop);
#define ASYNC_TURN_(loop) async_sim_turn_(loop)

/* A clock that begins anew, with a seed; and what it was before. */
typedef struct async_sim_ {
    async_ticks now;
    async_ticks limit;          /* when the clock gets here, */
    void (*over)(async_loop *loop);     /* this is called, if it is set */
    uint64_t random;            /* the state of the generator */
    uint32_t turns;             /* at this instant: see async_sim_turn_ */
    bool shuffles;
    bool passed;                /* it has got there, by async_sim_advance */
    bool gave_up;               /* a loop that closes need not wait */
} async_sim_;
ASYNC_API async_sim_ async_sim_begin_(unsigned seed);
ASYNC_API void async_sim_end_(const async_sim_ *before);

/* So long from now, and for ever with ASYNC_NEVER, time may pass: then `over`
 * is called, by the loop that was about to let more pass. Just once. Has more
 * passed by async_sim_advance? Then it is called in the next turn. */
ASYNC_API void async_sim_limit_(async_duration limit,
                                void (*over)(async_loop *loop));
ASYNC_API bool async_sim_passed_(void);

/* Let a loop that closes leave tasks that do not end. */
ASYNC_API void async_sim_give_up_(void);
ASYNC_API bool async_sim_gave_up_(void);
#define ASYNC_GAVE_UP_() async_sim_gave_up_()

#else

/* The compiler's words are to say what is missing. */
#define async_sim_seed(seed) async_this_needs_ASYNC_SIM_1_
#define async_sim_random(n) async_this_needs_ASYNC_SIM_1_
#define async_sim_now() async_this_needs_ASYNC_SIM_1_
#define async_sim_advance(duration) async_this_needs_ASYNC_SIM_1_
#define async_sim_patience(real) async_this_needs_ASYNC_SIM_1_
#define ASYNC_GAVE_UP_() false
#define ASYNC_TURN_(loop) ((loop)->head)

#endif
/* ===========================================================================
 * testing: a coroutine as a test, in virtual time. It needs ASYNC_SIM 1. It is
 * no framework: a test is a coroutine, a fixture is an ASYNC_WITH, and main
 * calls them.
 *
 *     static async_tests tests;
 *
 *     int main(void)
 *     {
 *         static struct adds adds;
 *         static struct account account;
 *
 *         ASYNC_TEST(&tests, "a sum", adds, &adds, ASYNC_SEC(60));
 *         tests.seeds = 100;
 *         ASYNC_TEST(&tests, "two tellers", tellers, &account, ASYNC_SEC(1));
 *         return tests.failed != 0;
 *     }
 *
 *     ok   a sum (50000 ms)
 *     FAIL two tellers (10 ms, seed 3): expected self->sum == 2, at bank.c:30
 *
 * A hosted program's environment has the last word: ASYNC_SEED=3 runs each test
 * with that seed alone, and so replays what failed; ASYNC_SEEDS=10000 runs it
 * with so many. (With what is no number, each test fails.)
 * ======================================================================== */

#if ASYNC_SIM

/* What a row of tests has in common. Zeroed memory is a fresh one. */
typedef struct async_tests {
    unsigned seeds;             /* run each test with so many seeds; 0: one */
    unsigned seed;              /* and this is the first; 0: first in, first
                                 * out. See async_sim_seed */
    void (*say)(const char *line);  /* what is to be done with a line, which has
                                 * no end of line; NULL: it is printed, on a
                                 * board it is not */
    unsigned passed, failed;    /* to be read: so many tests; and with which */
    unsigned failed_with;       /* seed the last one that failed did so, if
                                 * one failed: 0 is a seed, too */
} async_tests;

/* ASYNC_TEST(&tests, name, fn, frame, limit): run fn(frame) as the main task of
 * a loop of its own, on a virtual clock that begins at 0, and say in one line
 * whether it passed. It fails with
 *
 *   an error, or with ASYNC_TEST_GIVES another result than that one
 *   an ASYNC_EXPECT that does not hold
 *   more than `limit` of virtual time. Then it is cancelled, and has as long
 *     again to clean up; if it does not end by then, it is left as it is, and
 *     its frame is not to be touched again (on a board it must not leave an irq
 *     that may be raised: the loop is gone). ASYNC_NEVER: no limit
 *   a deadlock: ASYNC_EDEADLK of the run
 *   tasks left behind: they are cancelled, and awaited likewise
 *
 * Of a test that is late, deadlocked, or leaves tasks behind, a debug build
 * says besides who is there and waits for what (through ASYNC_WARN, as
 * async_dump). `name` is anything that can be printed.
 * With several seeds it ends with the first that fails, which the line names.
 * Each run, and whatever comes after the test, finds the frame as it was given:
 * for this the macro keeps a copy on the stack of its caller. So what a test
 * is told stands in its frame, and what it is to tell stands elsewhere.
 *
 * True if it passed; false also for NULL, for a negative limit, and inside a
 * running loop: that fails as well (but for NULL tests, where nothing is
 * said or counted). From ordinary code. A loop that is current stays so, and
 * this thread's virtual clock and seed are afterwards what they were. */
#define ASYNC_TEST(tests, name, fn, frame, limit) \
    ASYNC_TEST_GIVES(tests, name, fn, frame, limit, ASYNC_PENDING)

/* The same for a test that is to end with this result or error. */
#define ASYNC_TEST_GIVES(tests, name, fn, frame, limit, result) \
    async_test_((tests), (name), ASYNC_ENTRY_(fn, frame), (frame), \
                ASYNC_SPARE_(sizeof *(frame)), sizeof *(frame), (limit), \
                (result) ASYNC_RUN_NAME_(#fn))

/* ASYNC_EXPECT(condition): what the test is about. If it does not hold, the
 * test has failed, and goes on, so that it can clean up; of several, the first
 * is said. From whatever the test runs, but not from another thread: where no
 * test runs, a condition that does not hold is a trap. */
#define ASYNC_EXPECT(condition) \
    ((condition) ? (void)0 \
                 : async_expected_(#condition, __FILE__, __LINE__))

/* Memory for a copy, that lasts as long as the call. */
#ifdef __cplusplus
template <size_t size> struct async_spare_ {
    unsigned char bytes[size];
    unsigned char *at() { return bytes; }
};
#define ASYNC_SPARE_(size) (async_spare_<(size)>().at())
#else
#define ASYNC_SPARE_(size) ((unsigned char[size]){0})
#endif

#define async_test_ ASYNC_ABI_(async_test)
#define async_expected_ ASYNC_ABI_(async_expected)
ASYNC_API bool async_test_(async_tests *tests, const char *name, async_fn fn,
                           void *frame, unsigned char *spare, size_t size,
                           async_duration limit, int result
#if ASYNC_NAMED_
                           , const char *entry, const char *file, int line
#endif
);
ASYNC_API void async_expected_(const char *what, const char *file, int line);

#else

#define ASYNC_TEST(...) async_this_needs_ASYNC_SIM_1_
#define ASYNC_TEST_GIVES(...) async_this_needs_ASYNC_SIM_1_
#define ASYNC_EXPECT(condition) async_this_needs_ASYNC_SIM_1_

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
#if ASYNC_HOSTED
    {ASYNC_ENOHOST, "no such host"},
    {ASYNC_ENOSERVICE, "no such service"},
    {ASYNC_EHOSTAGAIN, "no answer from a name server"},
    {ASYNC_EHOSTFAIL, "the lookup of a name failed"},
#endif
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

#if ASYNC_HOSTED
static ASYNC_THREAD char async_message_[1400];
#else
static char async_message_[240];
#endif

static bool async_begins_with_(const char *text, const char *with)
{
    while (*with != '\0' && *text == *with) {
        text++;
        with++;
    }
    return *with == '\0';
}

ASYNC_API const char *async_past_options_(const char *text)
{
    if (async_begins_with_(text, "_hosted_")) {
        while (*text == '_' || (*text >= 'a' && *text <= 'z')
               || (*text >= '0' && *text <= '9')) {
            text++;
        }
    }
    return text;
}

ASYNC_API size_t async_say_(size_t at, const char *text)
{
    while (*(text = async_past_options_(text)) != '\0'
           && at < sizeof async_message_ - 1) {
        async_message_[at++] = *text++;
    }
    async_message_[at] = '\0';
    return at;
}

ASYNC_API size_t async_say_number_(size_t at, int number)
{
    char digits[12];
    size_t i = sizeof digits - 1;

    if (number < 0) {
        at = async_say_(at, "-");
        number = -number;
    }
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
    frame->stack = ASYNC_STACK_;
    async_innermost_ = frame;
}

ASYNC_API void async_exit_(async_frame *frame, bool pending, int rc,
                           const void *memory, size_t size)
{
    async_innermost_ = frame->parent;
    if (!pending) {
        frame->awaited = false;
#ifndef ASYNC_NO_LOOP
        async_error_leaves_(frame, rc);
        async_frame_leaves_(frame, memory, size);
        async_frame_ends_(memory, size);
    } else if (frame->awaited) {        /* and does not yield an item */
        async_frame_waits_(frame);
#else
        (void)rc;
        (void)memory;
        (void)size;
#endif
    }
}

/* The lowest bits of an address tell the ints of a frame apart. A place inside
 * of the finally at depth n is inside of those before it, too: so nothing needs
 * to be undone when one is left. */
ASYNC_API bool async_outcome_fits_(async_frame *frame, int depth,
                                   const volatile void *outcome, bool keep)
{
    const int room = (int)(sizeof frame->outcomes / sizeof *frame->outcomes);
    unsigned short at = (unsigned short)(uintptr_t)outcome;
    int i;

    for (i = 0; i < depth && i < room; i++) {
        if (frame->outcomes[i] == at) {
            return false;
        }
    }
    if (keep && depth < room) {
        frame->outcomes[depth] = at;
    }
    return true;
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
 *   ASYNC_CLOCK()            the time, in ticks of ASYNC_TICK_HZ; it may wrap,
 *                            and must not go back. If it does all the same,
 *                            time stands still until it has caught up; with a
 *                            sorted list, though, every deadline is due
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
 * port_sim: the clock and the sleep of ASYNC_SIM, on whatever machine. They
 * take the place of those that the project has defined for itself.
 * ======================================================================== */
#if ASYNC_SIM

#undef ASYNC_CLOCK
#undef ASYNC_IDLE
#define ASYNC_CLOCK() async_sim_now()
#define ASYNC_IDLE(loop, ticks) async_sim_idle_((loop), (ticks))

#endif
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
ASYNC_API void async_port_pause_(void);
ASYNC_API void async_port_cancel_all_(async_loop *loop);
/* The loop stops for now, or another one runs in between. */
ASYNC_API void async_port_rests_(void);
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
#ifdef ASYNC_IDLE
#define ASYNC_IDLE_ASKS_ 1
#else
#define ASYNC_IDLE_ASKS_ 0              /* how long it may sleep */
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
#define ASYNC_CLOCK_() ((async_ticks)(ASYNC_CLOCK()))   /* yours may be wider */

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

ASYNC_API void async_debug_spawn_(async_loop *loop, async_task *task);
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
                                      async_task *task);
ASYNC_API void async_debug_returned_(const async_task *task);
ASYNC_API void async_debug_finish_(async_loop *loop, async_task *task);
ASYNC_API void async_debug_deadlock_(const async_loop *loop);

/* "a.c:12", "task `work` (spawned at a.c:12)", as async_say_. */
ASYNC_API size_t async_say_place_(size_t at, const char *file, int line);
ASYNC_API size_t async_say_task_(size_t at, const char *name, const char *file,
                                 int line);
ASYNC_API uint64_t async_ms_since_(async_ticks began);

/* The trail of an error, see trail.c: the task ends in one, or is spawned
 * again; a group or a gather raises the error of a task in its owner; a task of
 * a pool has ended; somebody asks an ended task for its result; the task that
 * the loop ran for has ended, and the loop is closed. */
enum { ASYNC_BY_JOIN_, ASYNC_BY_RESULT_, ASYNC_BY_CALL_ };
ASYNC_API void async_trail_ends_(const async_loop *loop,
                                 const async_task *task);
ASYNC_API void async_trail_spawned_(const async_task *task);
ASYNC_API void async_trail_passes_(const async_task *task, async_task *owner);
ASYNC_API void async_trail_of_pool_(const async_task *task);
ASYNC_API void async_trail_taken_(const async_task *task, int how);
/* A main task that ends in this error is not reported; 0: whichever is. */
ASYNC_API void async_trail_expects_(int error);
ASYNC_API void async_trail_of_main_(const async_loop *loop);
ASYNC_API void async_trail_closes_(const async_loop *loop);
ASYNC_API void async_trail_memory_(const void *memory, size_t size);

#endif
/* ===========================================================================
 * timer_list: the timer queue of small systems, a list sorted by deadline.
 * ======================================================================== */

#if !ASYNC_TIMER_WHEEL

ASYNC_API void async_timers_open_(async_timers *timers)
{
    timers->first = NULL;
}

/* Deadlines are compared by their distance from base, which is right for as
 * long as base is not more than half the range behind the clock. */
ASYNC_API async_status async_timer_add_(async_timer *timer,
                                        async_ticks deadline, async_ticks now)
{
    async_timers *timers = &async_this_loop_->timers;
    async_node **at = &timers->first;

    if (*at == NULL) {
        timers->base = now;
    }
    timer->u.deadline = deadline;
    deadline = (async_ticks)(deadline - timers->base);
    while (*at != NULL
           && (async_ticks)(ASYNC_TIMER_OF_(*at)->u.deadline - timers->base)
              <= deadline) {
        at = &(*at)->next;
    }
    timer->node.next = *at;
    *at = &timer->node;
    return ASYNC_PENDING;
}

ASYNC_API void async_timer_remove_(async_timer *timer)
{
    async_node **at = &async_this_loop_->timers.first;

    while (*at != &timer->node) {
        at = &(*at)->next;
    }
    *at = timer->node.next;
}

/* An alarm that finds the queue empty and adds to it moves base: what is due
 * is told by the one from before. */
ASYNC_API void async_timers_expire_(async_loop *loop, async_ticks now)
{
    async_timers *timers = &loop->timers;
    async_ticks base = timers->base;
    async_timer *timer;

    while ((timer = ASYNC_TIMER_OF_(timers->first)) != NULL
           && (async_ticks)(timer->u.deadline - base)
              <= (async_ticks)(now - base)) {
        timers->first = timer->node.next;
        async_timer_expires_(timer, now);
    }
    timers->base = now;
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
 * from its deadline, and need not be stored. Nor need base follow the time
 * closely: a turn before `soonest`, when nothing is due, leaves all as it is.
 * ======================================================================== */

#if ASYNC_TIMER_WHEEL

#define ASYNC_LAST_TICK_ (~(async_ticks)0)

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

ASYNC_API void async_timers_open_(async_timers *timers)
{
    unsigned level;

    timers->base = 0;
    timers->soonest = ASYNC_LAST_TICK_;
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

static void async_wheel_add_(async_timers *timers, async_timer *timer)
{
    unsigned level = ASYNC_LEVEL_(timers->base, timer->u.deadline);
    unsigned slot = ASYNC_SLOT_(timer->u.deadline, level);
    uint64_t bit = (uint64_t)1 << slot;
    async_node **tail = &timers->slot[level][slot];
    async_node *node = &timer->node;

    if ((timers->used[level] & bit) != 0) {
        async_ring_follow_(*tail, node);
    } else {
        timers->used[level] |= bit;
        timers->levels |= 1u << level;
        async_ring_alone_(node);
    }
    *tail = node;
}

ASYNC_API async_status async_timer_add_(async_timer *timer,
                                        async_ticks deadline, async_ticks now)
{
    async_timers *timers = &async_this_loop_->timers;

    (void)now;                  /* whoever asked for it set an idle base, too */
    timer->u.deadline = deadline;
    if (deadline < timers->soonest) {
        timers->soonest = deadline;
    }
    async_wheel_add_(timers, timer);
    return ASYNC_PENDING;
}

static void async_slot_is_empty_(async_timers *timers, unsigned level,
                                 unsigned slot)
{
    timers->used[level] &= ~((uint64_t)1 << slot);
    if (timers->used[level] == 0) {
        timers->levels &= ~(1u << level);
    }
}

ASYNC_API void async_timer_remove_(async_timer *timer)
{
    async_timers *timers = &async_this_loop_->timers;
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

/* Take out the earliest timer that is due; NULL when none is: then the base is
 * `now`. */
ASYNC_HOT_ async_timer *async_timer_due_(async_timers *timers,
                                         async_ticks now)
{
    while (timers->levels != 0) {
        unsigned level, slot;
        async_ticks start = async_first_slot_(timers, &level, &slot);
        async_node **ring = &timers->slot[level][slot];
        async_node *node;

        if (start > now) {
            timers->soonest = start;
            timers->base = now;
            return NULL;
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
            async_wheel_add_(timers, ASYNC_TIMER_OF_(node));
            node = next;
        }
    }
    timers->soonest = ASYNC_LAST_TICK_;
    timers->base = now;
    return NULL;
}

ASYNC_API void async_timers_expire_(async_loop *loop, async_ticks now)
{
    async_timer *timer;

    if (now < loop->timers.soonest) {
        return;
    }
    while ((timer = async_timer_due_(&loop->timers, now)) != NULL) {
        async_timer_expires_(timer, now);
    }
}

/* Look at no more than this many timers for the earliest: where more crowd in
 * the first slot, the loop wakes at its beginning and sorts them out. */
#define ASYNC_CROWD_ 32

ASYNC_API async_ticks async_timer_next_(const async_timers *timers,
                                        async_ticks now)
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
            first = start > timers->soonest ? start : timers->soonest;
            break;
        }
        node = node->next;
        if (ASYNC_TIMER_OF_(node)->u.deadline < first) {
            first = ASYNC_TIMER_OF_(node)->u.deadline;
        }
    }
    first = first > now ? first - now : 0;
    return first < ASYNC_NEVER ? first : ASYNC_NEVER - 1;
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
 * task: parking and waking tasks, striking them, spawning and finishing them.
 * ======================================================================== */

#if !defined ASYNC_STATIC && ASYNC_HOSTED
ASYNC_THREAD async_loop *async_this_loop_;
ASYNC_THREAD async_task *async_this_task_;
#elif !defined ASYNC_STATIC
ASYNC_THREAD async_this_type_ async_this_;
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
    ASYNC_USE_(parks);
    ASYNC_HOOK_(async_this_loop_, unpark, async_unpark_);
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

    return ASYNC_OVER_P_(task) ? ASYNC_OVER_(task) : async_park_(list);
}

/* ---- strikes ------------------------------------------------------------- */

ASYNC_API void async_strike_(async_task *task)
{
    async_mark_ becomes = ASYNC_STRUCK_;

    if (ASYNC_UP_TO_(task, ASYNC_STRUCK_)
        || (ASYNC_USED_(parks) && !ASYNC_UP_TO_(task, ASYNC_SLEEPING_))) {
        return;                         /* it is not parked, or deaf */
    }
    if (!ASYNC_USED_(parks) || !ASYNC_UP_TO_(task, ASYNC_JOINING_)) {
        async_ticks now;

        async_timer_remove_(&task->timer);
        now = ASYNC_CLOCK_();
        if ((async_duration)(now - task->timer.u.deadline) >= 0) {
            becomes = ASYNC_READY_;     /* its time has come as well */
        }
    } else if (ASYNC_USED_(unpark) && task->timer.u.ring != NULL) {
        ASYNC_HOOKED_(async_this_loop_, unpark, async_unpark_)(task);
    }
    async_ready_as_(task, 0, becomes);
}

ASYNC_API int async_cancel_sure_(async_task *task)
{
    async_node *node;

    if (ASYNC_UP_TO_(task, ASYNC_DONE_)) {
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
    ASYNC_USE_(strikes);
    node->state = (async_mark_)
        ((node->state | ASYNC_STRIKE_ | ASYNC_PENDING_ | ASYNC_CANCELED_)
         & ~(unsigned)ASYNC_FORWARDED_);
    async_strike_(task);
    return 1;
}

ASYNC_API int async_cancel_(async_task *task)
{
    return task != NULL ? async_cancel_sure_(task) : ASYNC_EINVAL;
}

ASYNC_API async_status async_deliver_(async_task *task)
{
    async_scope_ *scope;

    task->timer.node.state = (async_mark_)
        ((task->timer.node.state & ASYNC_CANCELED_) | ASYNC_RUNNING_);
    for (scope = task->scopes; ASYNC_USED_(scopes) && scope != NULL;
         scope = scope->up) {
        if ((scope->fired & ASYNC_FIRED_) != 0) {
            scope->fired++;         /* ASYNC_DELIVERED_ */
        }
    }
    return ASYNC_CANCEL;
}

ASYNC_API async_status async_yield_(void)
{
    async_task *task = async_self_();

    if (ASYNC_OVER_P_(task)) {
        return async_over_(task);
    }
    async_set_yielded_(task);
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

ASYNC_API ASYNC_ONCE_ int async_spawn_sure_(async_task *task, async_fn fn,
                                            void *frame
                                            ASYNC_NAME_PARAMETERS_)
{
    async_loop *loop = async_this_loop_;

    if (loop == NULL) {
        return ASYNC_EPERM;
    }
    if (!ASYNC_UP_TO_(task, ASYNC_DONE_)) {
#if ASYNC_DEBUG
        async_debug_spawned_twice_(task, name, file, line);
#endif
        return ASYNC_EALREADY;
    }
    task->fn = async_begin_;
    task->timer.u.entry = fn;
    task->frame = frame;
    task->timer.node.state = ASYNC_NEW_;
#if ASYNC_HOSTED
    task->timer.node.round = loop->round;
#endif
#if ASYNC_DEBUG
    async_debug_spawn_(loop, task);
#endif
    ASYNC_NAMES_(task, name, file, line);
    ASYNC_TRACE_(loop, task, SPAWN);
    loop->alive++;
    return ASYNC_APPEND_(loop, task);
}

ASYNC_API ASYNC_FLAT_ int async_spawn_(async_task *task, async_fn fn,
                                       void *frame ASYNC_NAME_PARAMETERS_)
{
    return task != NULL && fn != NULL
        ? async_spawn_sure_(task, fn, frame ASYNC_NAME_ARGUMENTS_)
        : ASYNC_EINVAL;
}

ASYNC_API int async_loop_spawn_(async_loop *loop, async_task *task, async_fn fn,
                                void *frame ASYNC_NAME_PARAMETERS_)
{
    async_loop *before = async_loop_use(loop);
    int rc = async_spawn_(task, fn, frame ASYNC_NAME_ARGUMENTS_);

    (void)async_loop_use(before);
    return rc;
}

/* The joiners get the result by value, and the callbacks come last: so one of
 * those may free the task. */
ASYNC_API void async_tell_(async_task *task, int result)
{
    async_node *ring = task->joiners;
    async_node *watches = NULL;
    async_node *node;

    task->joiners = NULL;
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

ASYNC_API bool async_done(const async_task *task)
{
    return task != NULL && async_state_(task) == ASYNC_DONE_;
}

ASYNC_API int async_result(const async_task *task)
{
    if (task == NULL) {
        return ASYNC_EINVAL;
    }
#if ASYNC_DEBUG
    async_trail_taken_(task, ASYNC_BY_RESULT_);
#endif
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
#if ASYNC_DEBUG
        async_trail_taken_(task, ASYNC_BY_CALL_);
#endif
        fn(watch, task);
        return 0;
    }
    ASYNC_HOOK_(async_this_loop_, tell, async_tell_);
    watch->node.state = ASYNC_WATCH_;
    async_ring_append_(&task->joiners, &watch->node);
    return 0;
}
/* ===========================================================================
 * loop: the turns in which tasks run, and what starts and stops them.
 * ======================================================================== */

/* ---- turns --------------------------------------------------------------- */

/* Between runs and steps, time goes on. */
static void async_rest_(async_loop *loop)
{
    if (ASYNC_USED_(running)) {
        loop->running = false;
    }
    ASYNC_TRACE_FROM_(loop, "outside");
#if ASYNC_HOSTED
    loop->fresh = false;
    async_port_rests_();
#endif
}

#if ASYNC_PREFETCH
/* A task, and its frame beside it, may stand in two lines of the cache. */
#define ASYNC_LINE_ 48

static void async_turn_begins_(async_loop *loop)
{
    unsigned i = loop->appended < ASYNC_AHEAD_ ? loop->appended : ASYNC_AHEAD_;

    while (i-- != 0) {
        loop->ago[i] = &loop->nobody;
    }
    loop->appended = 0;
}
#else
#define async_turn_begins_(loop) ((void)0)
#endif

/* The end of a task: its joiners are woken, its callbacks called. */
ASYNC_ALONE_ void async_finish_(async_loop *loop, async_task *task,
                                 int result)
{
    if (result == ASYNC_CANCEL) {
        result = ASYNC_ECANCELED;
    }
    task->timer.u.result = result;
    task->timer.node.state = ASYNC_DONE_;
    ASYNC_TRACE_(loop, task, DONE);
    loop->alive--;
#if ASYNC_HOSTED
    if (task->timer.node.round != loop->round && --loop->left == 0) {
        async_loop_stop(loop);
    }
#endif
#if ASYNC_DEBUG
    async_debug_finish_(loop, task);
#endif
    if (ASYNC_USED_(until) && task == loop->until) {
        loop->result = result;          /* a callback may free the task */
        loop->stop = true;
    }
#if ASYNC_FAST_
    if (task->joiners != NULL && task->joiners->next == task->joiners
        && task->joiners->state != ASYNC_WATCH_) {
        async_node *joiner = task->joiners;

        task->joiners = NULL;
        async_wake_(ASYNC_TASK_(joiner), result);           /* just one */
        return;
    }
#endif
    if (ASYNC_USED_(tell) && task->joiners != NULL) {
        ASYNC_HOOKED_(loop, tell, async_tell_)(task, result);
    }
}

/* Run once each task that is ready now; there is one. The queue is cut where it
 * ends at this moment; what becomes ready meanwhile starts the next one. */
ASYNC_ALONE_ void async_run_ready_(async_loop *loop)
{
    async_node *node = ASYNC_TURN_(loop);
    async_node *next;
    async_node **end = loop->tail;

    loop->tail = &loop->head;
    async_turn_begins_(loop);
    for (;; node = next) {
        async_task *task = ASYNC_TASK_(node);
        async_status result;

        next = node->next;
#if ASYNC_PREFETCH
        __builtin_prefetch(node->prev);
        __builtin_prefetch((void *)((uintptr_t)node->prev + ASYNC_LINE_));
#endif
        async_this_task_ = task;
#if ASYNC_DEBUG
        async_debug_resume_(loop, task);
#endif
        ASYNC_TRACE_(loop, task, RESUME);
        result = task->fn(task->frame);
#if ASYNC_DEBUG
        async_debug_suspended_(loop, task);
#endif
        if (ASYNC_LIKELY_(result == ASYNC_PENDING)) {
            ASYNC_TRACE_(loop, task, SUSPEND);
            /* It runs on next turn, unless it is parked. */
            if (ASYNC_LIKELY_(ASYNC_UP_TO_(task, ASYNC_YIELDED_))) {
                async_ready_(loop, task);
            }
        } else {
#if ASYNC_DEBUG
            async_debug_returned_(task);
#endif
            async_finish_(loop, task, result);
        }
        if (&node->next == end) {
            break;
        }
    }
}

/* Look at what an irq has announced, and wake whose time has come. */
ASYNC_ALONE_ void async_collect_(async_loop *loop)
{
    if (ASYNC_USED_(dispatch) && ASYNC_ATOMIC_LOAD_(&loop->notified) != 0) {
        (void)ASYNC_ATOMIC_SWAP_(&loop->notified, 0);
        ASYNC_HOOKED_(loop, dispatch, async_irq_dispatch_)(loop);
    }
    if (!ASYNC_TIMERS_EMPTY_(&loop->timers)) {
        async_timers_expire_(loop, ASYNC_NOW_());
    }
}

/* How long until something is due, seen from now: the turn took its time. */
ASYNC_ALONE_ async_duration async_until_due_(async_loop *loop)
{
    if (ASYNC_USED_(dispatch) && ASYNC_ATOMIC_LOAD_(&loop->notified) != 0) {
        return 0;
    }
    return ASYNC_TIMERS_EMPTY_(&loop->timers)
        ? ASYNC_NEVER
        : (async_duration)async_timer_next_(&loop->timers, ASYNC_CLOCK_());
}

#if ASYNC_HOSTED

/* The same, with what the port knows, after sleeping for at most `wait`. */
static void async_await_(async_loop *loop, async_duration wait)
{
    if (wait != 0 || loop->fds != NULL) {
        ASYNC_TRACE_FROM_(loop, "descriptor");
        ASYNC_IDLE(loop, wait);
    }
    loop->fresh = false;
    async_collect_(loop);
}

/* What there is to do before the next turn, some being ready. */
ASYNC_HOT_ void async_look_(async_loop *loop)
{
    if (((uintptr_t)loop->fds | ASYNC_ATOMIC_LOAD_(&loop->notified)
         | ASYNC_TIMERS_P_(&loop->timers)) != 0) {
        async_await_(loop, 0);
    } else {
        loop->fresh = false;
    }
}

/* Nothing is ready: sleep until something may be, and look. 0 when no task is
 * left, ASYNC_EDEADLK when nothing can bring those that are to run, else 1. */
static int async_sleep_on_(async_loop *loop)
{
    async_duration wait;

    if (loop->alive == 0) {
        return 0;
    }
    wait = async_until_due_(loop);
    if (wait == ASYNC_NEVER && loop->irqs == NULL
        && !async_port_waits_(loop)) {
        return ASYNC_EDEADLK;
    }
    async_await_(loop, wait);
    return 1;
}

#else

#define async_look_(loop) async_collect_(loop)

/* The same; but what has come was looked at a moment ago. (The clock is asked
 * anew: calls that were due then took their time. What has come due meanwhile
 * is a tick late.) */
static int async_sleep_on_(async_loop *loop)
{
#if ASYNC_IDLE_ASKS_
    async_duration wait;
#endif

    if (loop->alive == 0) {
        return 0;
    }
    if (ASYNC_TIMERS_EMPTY_(&loop->timers)
        && !(ASYNC_USED_(dispatch) && loop->irqs != NULL)) {
        return ASYNC_EDEADLK;
    }
#if ASYNC_IDLE_ASKS_
    wait = (async_duration)async_timer_next_(&loop->timers, ASYNC_CLOCK_());
    if (wait == 0) {
        wait = 1;
    }
#endif
    ASYNC_LOCK();
    if (!(ASYNC_USED_(dispatch) && loop->notified != 0)) {
        ASYNC_IDLE(loop, wait);
    }
    ASYNC_UNLOCK();
    return 1;
}

#endif

ASYNC_API int async_loop_run_(async_loop *loop)
{
    async_loop *before = async_this_loop_;
    int rc = ASYNC_EINTR;

    if (ASYNC_BUSY_(loop)) {
        return ASYNC_EBUSY;
    }
    ASYNC_SET_BUSY_(true);
    async_this_loop_ = loop;
    if (ASYNC_USED_(running)) {
        loop->running = true;
    }
#if ASYNC_DEBUG
    loop->stack = ASYNC_STACK_;
#endif
    while (!(ASYNC_USED_(stops) && loop->stop)) {
#if !ASYNC_HOSTED
        async_look_(loop);
#endif
        if (ASYNC_NONE_READY_(loop)) {
            int more = async_sleep_on_(loop);

            if (more <= 0) {
#if ASYNC_DEBUG
                if (more < 0) {
                    async_debug_deadlock_(loop);
                }
#endif
                rc = more;
                break;
            }
            if (!ASYNC_HOSTED || ASYNC_NONE_READY_(loop)) {
                continue;
            }
        }
#if ASYNC_HOSTED
        else {
            async_look_(loop);
        }
#endif
        async_run_ready_(loop);
    }
    async_this_task_ = NULL;
    if (ASYNC_USED_(stops)) {
        loop->stop = false;
    }
    async_rest_(loop);
#if ASYNC_DEBUG
    async_trail_of_main_(loop);
#endif
    async_this_loop_ = before;
    ASYNC_SET_BUSY_(false);
    return rc;
}

ASYNC_API int async_loop_run_until_(async_loop *loop, const async_task *until)
{
    int rc;

    if (loop == NULL) {
        return ASYNC_EINVAL;
    }
    if (ASYNC_BUSY_(loop)) {
        return ASYNC_EBUSY;
    }
    if (until != NULL && ASYNC_UP_TO_(until, ASYNC_DONE_)) {
#if ASYNC_DEBUG
        async_trail_taken_(until, ASYNC_BY_RESULT_);
#endif
        return async_state_(until) == ASYNC_DONE_ ? until->timer.u.result
                                                  : ASYNC_EINVAL;
    }
    ASYNC_USE_(until);
    ASYNC_USE_(stops);
    loop->until = until;
    loop->result = ASYNC_PENDING;
    rc = async_loop_run_(loop);
    loop->until = NULL;
    return loop->result != ASYNC_PENDING ? loop->result : rc;
}

ASYNC_API async_duration async_loop_step(async_loop *loop)
{
    async_loop *before = async_this_loop_;
    async_task *task = async_this_task_;    /* of a loop that this interrupts */
#if !ASYNC_HOSTED
    bool busy = async_this_.busy;
#endif
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
    ASYNC_USE_(running);
    ASYNC_SET_BUSY_(true);
    async_this_loop_ = loop;
#if ASYNC_HOSTED
    async_port_rests_();                    /* what it interrupts does, too */
#endif
    loop->running = true;
#if ASYNC_DEBUG
    loop->stack = ASYNC_STACK_;
#endif
    async_look_(loop);
    if (!ASYNC_NONE_READY_(loop)) {
        async_run_ready_(loop);
    }
    async_rest_(loop);
    wait = ASYNC_NONE_READY_(loop) ? async_until_due_(loop) : 0;
    async_this_task_ = task;
    ASYNC_SET_BUSY_(busy);
#if ASYNC_DEBUG
    async_innermost_ = innermost;
#endif
    async_this_loop_ = before;
    return wait;
}

ASYNC_API void async_loop_stop(async_loop *loop)
{
    if (loop != NULL) {
        ASYNC_USE_(stops);
        loop->stop = true;
    }
}

/* ---- opening ------------------------------------------------------------- */

ASYNC_API int async_loop_open_sure_(async_loop *loop)
{
    loop->tail = &loop->head;
    if (ASYNC_USED_(running)) {
        loop->running = false;
    }
    loop->alive = 0;
    if (ASYNC_USED_(unpark)) {
        loop->lists = NULL;
    }
    if (ASYNC_USED_(dispatch)) {
        loop->irqs = NULL;
        loop->notified = 0;
    }
    if (ASYNC_USED_(until)) {
        loop->until = NULL;
    }
    if (ASYNC_USED_(stops)) {
        loop->stop = false;
    }
#if ASYNC_HOSTED
    loop->fresh = false;
    loop->now = 0;
    loop->round = 0;
    loop->left = 0;
    loop->fds = NULL;
    loop->known = 0;
    loop->waiting = 0;
#endif
#if !ASYNC_HOSTED
    if (ASYNC_USED_(closing)) {
        loop->closing = false;
    }
#endif
#if ASYNC_DEBUG
    async_trail_closes_(loop);
    loop->all = NULL;
    loop->calls = NULL;
#endif
#if ASYNC_PREFETCH
    loop->appended = ASYNC_AHEAD_;
    async_turn_begins_(loop);
#endif
    ASYNC_TRACE_OPEN_(loop);
    async_timers_open_(&loop->timers);
    if (async_this_loop_ == NULL) {
        async_this_loop_ = loop;
    }
    return 0;
}

ASYNC_API int async_loop_open_(async_loop *loop)
{
    return loop != NULL ? async_loop_open_sure_(loop) : ASYNC_EINVAL;
}

ASYNC_API async_loop *async_loop_use(async_loop *loop)
{
    async_loop *before = async_this_loop_;

    async_this_loop_ = loop;
    return before;
}

ASYNC_API int async_run_(async_fn fn, void *frame
#if ASYNC_NAMED_
                         , const char *name, const char *file, int line
#endif
                         )
{
    async_loop *before = async_this_loop_;
    async_loop loop;
    async_task task;
    int rc, err;

    if (ASYNC_BUSY_(before)) {
        return ASYNC_EBUSY;
    }
    rc = async_loop_open(&loop);
    if (rc < 0) {
        return rc;
    }
    task.timer.node.state = ASYNC_IDLE_;
    task.joiners = NULL;
    task.scopes = NULL;
    async_this_loop_ = &loop;
    rc = async_spawn_(&task, fn, frame
#if ASYNC_NAMED_
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
 * loop_close: the end of a loop: every task is found, struck and awaited.
 * ======================================================================== */

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

    for (list = loop->lists; ASYNC_USED_(unpark) && list != NULL; list = next) {
        next = list->next;
        async_cancel_listed_(list);
    }
    async_timer_each_(&loop->timers, async_cancel_timer_);
    for (irq = loop->irqs; ASYNC_USED_(dispatch) && irq != NULL;
         irq = irq->next) {
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
    if (ASYNC_BUSY_(loop)) {
        return ASYNC_EBUSY;
    }
    async_this_loop_ = loop;
#if !ASYNC_HOSTED
    ASYNC_USE_(closing);
    loop->closing = true;
#endif
    while (loop->alive != 0 && rounds++ != ASYNC_ROUNDS_
           && !ASYNC_GAVE_UP_()) {
#if ASYNC_HOSTED
        loop->round++;
        loop->left = loop->alive;
#endif
        ASYNC_TRACE_FROM_(loop, "close");
        async_cancel_found_(loop);
        do {                            /* whatever the cleanups stop */
            loop->stop = false;
            rc = async_loop_run_(loop);
        } while (rc == ASYNC_EINTR && ASYNC_ROUND_GOES_ON_(loop)
                 && !ASYNC_GAVE_UP_());
    }
    async_this_loop_ = before;
#if !ASYNC_HOSTED
    loop->closing = false;
#endif
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
    ASYNC_USE_(running);
    if (loop->running) {
        return ASYNC_EBUSY;
    }
    rc = loop->alive == 0 ? 0 : ASYNC_EBUSY;
#if ASYNC_DEBUG
    async_trail_closes_(loop);
#endif
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
#if ASYNC_DEBUG
        async_trail_taken_(target, ASYNC_BY_JOIN_);
#endif
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
    async_mark_ state = async_state_(target);

    return state > ASYNC_DONE_ && state != ASYNC_JOINING_;
}

static async_status async_join_(async_task *target)
{
    ASYNC_WAITS_("async_join", target);
    ASYNC_HOOK_(async_this_loop_, tell, async_tell_);
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
    ASYNC_HOOK_(async_this_loop_, tell, async_tell_);
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

ASYNC_API async_ticks async_now(void)
{
#if ASYNC_HOSTED
    async_loop *loop = async_this_loop_;

#if ASYNC_DEBUG
    if (loop == NULL) {
        async_debug_misuse_("async_now", "no loop is current");
    }
#endif
    if (!loop->fresh) {
        async_ticks now = ASYNC_CLOCK_();

#if ASYNC_TIMER_WHEEL
        /* A wheel cannot turn back: until a clock that did has caught up, time
         * stands still. Without timers nobody keeps base near, but here. */
        if (now < loop->now) {
            now = loop->now;
        }
        if (ASYNC_TIMERS_EMPTY_(&loop->timers)) {
            loop->timers.base = now;
        }
#endif
        loop->now = now;
        loop->fresh = loop->running;    /* between turns time goes on */
    }
    return loop->now;
#else
    return ASYNC_CLOCK_();               /* which costs less than keeping it */
#endif
}

/* How the running task is parked. (It is looked up anew: to keep it in a
 * register for as long as the clock is read costs more.) */
static void async_falls_asleep_(async_task *task)
{
    async_set_state_(task, ASYNC_SLEEPING_);
    ASYNC_WAITS_("async_sleep", NULL);
    ASYNC_LEAF_(task);
}

ASYNC_API ASYNC_ONCE_ async_status async_sleep_sure_(async_duration duration)
{
    async_task *task = async_self_in_("async_sleep");
    async_ticks now;

    if (ASYNC_OVER_P_(task)) {
        return ASYNC_OVER_(task);
    }
    async_falls_asleep_(task);
    now = ASYNC_NOW_();
    return async_timer_add_(&async_this_task_->timer,
                            (async_ticks)(now + (async_ticks)duration), now);
}

ASYNC_API ASYNC_FLAT_ async_status async_sleep_(async_duration duration)
{
#if ASYNC_DEBUG
    (void)async_self_in_("async_sleep");
#endif
    return duration > 0 ? async_sleep_sure_(duration) : async_yield_();
}

ASYNC_API async_status async_sleep_until(async_ticks time)
{
    async_task *task = async_self_();
    async_ticks now = ASYNC_NOW_();

    if (ASYNC_OVER_P_(task) || (async_duration)(time - now) <= 0) {
        return async_yield_();
    }
    async_falls_asleep_(task);
    return async_timer_add_(&task->timer, time, now);
}

ASYNC_API void async_alarm_set_(async_alarm_ *alarm, async_duration duration)
{
    async_ticks now = async_now();

    ASYNC_USE_(alarms);
    alarm->timer.node.state = ASYNC_ALARM_;
    (void)async_timer_add_(&alarm->timer,
                     (async_ticks)(now + (async_ticks)duration), now);
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

    scope->outside = (unsigned char)(node->state & ASYNC_CANCELED_);
    node->state &= (async_mark_)~(unsigned)ASYNC_CANCELED_;
    if ((node->state & ASYNC_STRIKE_) == 0) {
        return;
    }
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
    ASYNC_USE_(strikes);
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

    scope->task = NULL;
    if (!async_scope_fired_(scope)) {
        node->state |= scope->outside;
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
    node->state |= scope->outside;
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
        (void)async_timer_add_(&timeout->alarm.timer, timeout->deadline, now);
        return;
    }
    timeout->alarm.timer.node.state = 0;
    ASYNC_TRACE_FROM_(async_this_loop_, "timeout");
    async_scope_strike_(&timeout->scope);
}

ASYNC_API void async_timeout_arm_(async_timeout *timeout)
{
    timeout->alarm.fire = async_timeout_fire_;
    ASYNC_USE_(alarms);
    timeout->alarm.timer.node.state = ASYNC_ALARM_;
    (void)async_timer_add_(&timeout->alarm.timer, timeout->deadline,
                           ASYNC_NOW_());
}

static void async_timeout_disarm_(async_timeout *timeout)
{
    if (async_queued_(timeout)) {
        async_timer_remove_(&timeout->alarm.timer);
    }
    timeout->alarm.timer.node.state = 0;
}

#if ASYNC_HOSTED
/* Apart, so that the rest needs no stack. */
ASYNC_APART_ void async_timeout_open_late_(async_timeout *timeout,
                                           async_duration duration)
{
    (void)async_now();
    async_timeout_open_(timeout, duration);
}
#endif

ASYNC_API void async_timeout_open_(async_timeout *timeout,
                                   async_duration duration)
{
    async_task *task = async_self_();

#if ASYNC_HOSTED
    if (!async_this_loop_->fresh) {
        async_timeout_open_late_(timeout, duration);
        return;
    }
#endif
    async_scope_enter_(&timeout->scope, task);
    timeout->alarm.timer.node.state = ASYNC_UNARMED_;
    timeout->deadline = (async_ticks)(ASYNC_NOW_()
                                    + (async_ticks)duration);
    if (!ASYNC_FINITE_(duration)) {
        timeout->alarm.timer.node.state = 0;
        if (duration <= 0) {
            timeout->scope.fired |= ASYNC_POLLS_;
            async_scope_strike_(&timeout->scope);
        }
    }
#if !ASYNC_HOSTED
    else {
        async_timeout_arm_(timeout);
    }
#endif
}

#if ASYNC_FAST_
ASYNC_APART_ async_status async_timeout_leave_late_(async_timeout *timeout,
                                                    async_status rc)
{
    async_timeout_disarm_(timeout);
    return async_scope_leave_(&timeout->scope, rc, ASYNC_ETIMEDOUT);
}
#endif

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
#if ASYNC_FAST_
    if (ASYNC_UNLIKELY_(async_queued_(timeout))) {
        return async_timeout_leave_late_(timeout, rc);
    }
#else
    async_timeout_disarm_(timeout);
#endif
    return async_scope_leave_(&timeout->scope, rc, ASYNC_ETIMEDOUT);
}

ASYNC_API int async_timeout_move_(async_timeout *timeout,
                                  async_duration duration)
{
    if (timeout == NULL || timeout->scope.task == NULL) {
        return ASYNC_EINVAL;
    }
    if (async_scope_fired_(&timeout->scope)) {
        return ASYNC_EALREADY;
    }
    timeout->deadline = (async_ticks)(async_now() + (async_ticks)duration);
    if (ASYNC_FINITE_(duration) && async_queued_(timeout)
        && (async_duration)(timeout->deadline
                            - timeout->alarm.timer.u.deadline) >= 0) {
        return 0;                       /* fire_ will look at it again */
    }
    async_timeout_disarm_(timeout);
    if (duration <= 0) {
        async_scope_strike_(&timeout->scope);
    } else if (duration != ASYNC_NEVER) {
        async_timeout_arm_(timeout);
    }
    return 0;
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
    async_mark_ state = async_state_(task);
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
#if ASYNC_DEBUG
        async_trail_passes_(task, set->list.tail == NULL
                                      ? async_this_task_
                                      : ASYNC_TASK_(set->list.tail->next));
#endif
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

#if ASYNC_DEBUG
    async_trail_of_pool_(task);
#else
    (void)task;
#endif
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
#if ASYNC_NAMED_
                                , const char *name, const char *file, int line
#endif
                                )
{
    int rc = 0;
    async_slot *slot = async_pool_taken_(pool, i, &rc);

    if (slot == NULL) {
        return rc;
    }
    rc = async_spawn_(&slot->task, fn, frame
#if ASYNC_NAMED_
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
        if (ASYNC_USED_(closing) && async_this_loop_->closing
            && (task->timer.node.state & ASYNC_CANCELED_) != 0) {
            continue;
        }
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
#if ASYNC_DEBUG
            async_trail_passes_(task, group->owner);
#endif
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
#if ASYNC_NAMED_
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
    rc = async_spawn_(&member->task, fn, frame
#if ASYNC_NAMED_
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
#if ASYNC_DEBUG
    group->owner = task;
#endif
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
/* ===========================================================================
 * trace: telling what each task does.
 * ======================================================================== */
#if ASYNC_TRACE

static ASYNC_THREAD async_tracer *async_tracer_;    /* of loops without one */
static ASYNC_THREAD uint32_t async_spawns_;

ASYNC_API async_tracer *async_trace_to(async_loop *loop, async_tracer *tracer)
{
    async_tracer **at = loop == NULL ? &async_tracer_ : &loop->tracing.tracer;
    async_tracer *before = *at;

    *at = tracer;
    return before;
}

ASYNC_API void async_trace_from_(async_loop *loop, const char *from)
{
    loop->tracing.from = from;
    loop->tracing.by = 0;
}

/* Why it does not run on. One that is in the ready queue waits for nothing. */
static void async_trace_suspend_(async_trace_event *event,
                                 const async_task *task)
{
    switch (async_state_(task)) {
    case ASYNC_RUNNING_:
        event->what = "poll";
        break;
    case ASYNC_YIELDED_:
    case ASYNC_READY_:              /* it has it, but lets others run first */
        event->what = "yield";
        break;
    default:
        event->what = task->waits == NULL ? "wait" : task->waits;
        event->on = task->on;
        event->value = 1;
        break;
    }
}

static void async_trace_fill_(async_trace_event *event, const async_loop *loop,
                              const async_task *task)
{
    switch (event->point) {
    case ASYNC_TRACE_SPAWN:
        event->what = task->file;
        event->value = task->line;
        event->by = loop->tracing.by;
        break;
    case ASYNC_TRACE_SUSPEND:
        async_trace_suspend_(event, task);
        break;
    case ASYNC_TRACE_WAKE:
    case ASYNC_TRACE_STRIKE:
        event->what = loop->tracing.from;
        event->by = loop->tracing.by;
        break;
    case ASYNC_TRACE_DONE:
        event->value = task->timer.u.result;
        break;
    default:
        break;
    }
}

ASYNC_API void async_trace_(async_loop *loop, async_task *task, int point)
{
    async_tracer *tracer = loop->tracing.tracer;
    async_trace_event event;

    if (tracer == NULL) {
        tracer = async_tracer_;
    }
    if (point == ASYNC_TRACE_SPAWN) {
        async_spawns_ = async_spawns_ == UINT32_MAX ? 1 : async_spawns_ + 1;
        task->id = async_spawns_;
    } else if (point == ASYNC_TRACE_RESUME) {
        loop->tracing.from = "task";
        loop->tracing.by = task->id;
        task->waits = NULL;
    }
    /* One that is granted at once what it lines up for has yielded. */
    if (tracer == NULL
        || (point == ASYNC_TRACE_WAKE && loop->tracing.by == task->id)) {
        return;
    }
    event.point = (unsigned char)point;
    event.value = 0;
    event.id = task->id;
    event.by = 0;
    event.time = ASYNC_CLOCK_();
    event.loop = loop;
    event.task = task;
    event.name = task->name;
    event.what = NULL;
    event.on = NULL;
    async_trace_fill_(&event, loop, task);
    tracer->fn(tracer, &event);
}

#endif
/* ===========================================================================
 * record: a ring of events.
 * ======================================================================== */
#if ASYNC_TRACE

static void async_recorder_fn_(async_tracer *tracer,
                               const async_trace_event *event)
{
    async_recorder *recorder = (async_recorder *)(void *)tracer;

    recorder->events[recorder->next++] = *event;
    if (recorder->next == recorder->room) {
        recorder->next = 0;
    }
    if (recorder->count < recorder->room) {
        recorder->count++;
    } else if (recorder->lost != ULONG_MAX) {
        recorder->lost++;
    }
}

ASYNC_API int async_recorder_open(async_recorder *recorder,
                                  async_trace_event *events, size_t room)
{
    if (recorder == NULL || events == NULL || room == 0) {
        return ASYNC_EINVAL;
    }
    recorder->tracer.fn = async_recorder_fn_;
    recorder->events = events;
    recorder->room = room;
    recorder->next = 0;
    recorder->count = 0;
    recorder->lost = 0;
    return 0;
}

ASYNC_API const async_trace_event *
async_recorder_event(const async_recorder *recorder, size_t i)
{
    size_t left;

    if (recorder == NULL || i >= recorder->count) {
        return NULL;
    }
    if (recorder->count < recorder->room) {
        return &recorder->events[i];
    }
    left = recorder->room - recorder->next;     /* up to the array's end */
    return &recorder->events[i < left ? recorder->next + i : i - left];
}

#endif
#if ASYNC_DEBUG
/* ===========================================================================
 * debug: naming what is wrong. Everything here is for debug builds, and for
 * people: a message says which task, where it was spawned, and what it awaits.
 * ======================================================================== */
#if ASYNC_DEBUG

ASYNC_API size_t async_say_place_(size_t at, const char *file, int line)
{
    at = async_say_(at, file);
    at = async_say_(at, ":");
    return async_say_number_(at, line);
}

ASYNC_API size_t async_say_task_(size_t at, const char *name, const char *file,
                                 int line)
{
    at = async_say_(at, "task `");
    at = async_say_(at, name);
    at = async_say_(at, "` (spawned at ");
    at = async_say_place_(at, file, line);
    return async_say_(at, ")");
}

/* "main.c:34: task `worker` (spawned at main.c:12): what" */
static void async_fatal_(const char *what, const async_task *task,
                         const char *file, int line)
{
    size_t at = 0;

    if (file != NULL) {
        at = async_say_place_(at, file, line);
        at = async_say_(at, ": ");
    }
    at = async_say_task_(at, task->name, task->file, task->line);
    at = async_say_(at, ": ");
    (void)async_say_(at, what);
    ASYNC_TRAP(async_said_());
}

ASYNC_API void async_debug_spawned_twice_(const async_task *task,
                                          const char *name, const char *file,
                                          int line)
{
    (void)name;
    async_fatal_("it is spawned again, but has not ended (or its memory is "
                 "not zeroed)", task, file, line);
}

ASYNC_API void async_debug_spawn_(async_loop *loop, async_task *task)
{
    async_trail_spawned_(task);
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
    async_mark_ state = async_state_(task);

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
    async_trail_ends_(loop, task);
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
        || (async_this_task_ == async_this_loop_->until
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
    async_trail_memory_(memory, size);
}

ASYNC_API const char *async_debug_task_name_(void)
{
    return async_this_task_ == NULL ? NULL : async_this_task_->name;
}

/* The name as it was written, without the options that ASYNC_ABI_ appends, or
 * the _ of a part of an operation. */
static size_t async_say_operation_(size_t at, const char *name)
{
    char letter[2] = {0, 0};

    while (*name != '\0' && async_past_options_(name) == name
           && !(*name == '_' && async_past_options_(name + 1)[0] == '\0')) {
        letter[0] = *name++;
        at = async_say_(at, letter);
    }
    return at;
}

/* "main.c:34: work: task `work` (spawned at main.c:12): async_sleep: what" */
ASYNC_API void async_debug_misuse_(const char *operation, const char *what)
{
    const async_frame *frame = async_innermost_;
    const async_task *task = async_this_task_;
    size_t at = 0;

    if (frame != NULL) {
        at = async_say_place_(at, frame->file, frame->line);
        at = async_say_(at, ": ");
        at = async_say_(at, frame->function);
        at = async_say_(at, ": ");
    }
    at = task == NULL ? async_say_(at, "no task")
                      : async_say_task_(at, task->name, task->file, task->line);
    at = async_say_(at, ": ");
    at = async_say_operation_(at, operation);
    at = async_say_(at, ": ");
    at = async_say_(at, what);
    if (frame != NULL && task != NULL && task->leaf != NULL
        && task->leaf != frame) {
        at = async_say_(at, " (by ");
        at = async_say_(at, task->leaf->function);
        at = async_say_(at, ", suspended at ");
        at = async_say_place_(at, task->leaf->file, task->leaf->line);
        (void)async_say_(at, ")");
    }
    ASYNC_TRAP(async_said_());
}

/* Between the stack of the innermost coroutine and that of the run there are
 * the locals of coroutines. Those of a function that one of them calls are
 * below, and it will be called again; but a thread does not wait for that. */
ASYNC_API void async_debug_lasts_(const char *operation, const void *memory,
                                  bool thread)
{
    uintptr_t at = (uintptr_t)memory;
    const void *here = ASYNC_STACK_;
    uintptr_t from = (uintptr_t)here;

    if (!thread && async_innermost_ != NULL) {
        from = (uintptr_t)async_innermost_->stack;
    }
    if (from != 0 && at > from
        && at < (uintptr_t)async_this_loop_->stack) {
        async_debug_misuse_(operation, "what it is given is a local variable, "
                            "which is gone when it goes on: it belongs into "
                            "the coroutine's struct");
    }
}

/* ---- who is there, and what does each wait for? -------------------------- */

/* What becomes of a task in that state; it waited, or waits, in `waits`. */
static size_t async_say_state_(size_t at, const async_task *task)
{
    const char *waits = task->waits == NULL ? "nothing" : task->waits;

    switch (async_state_(task)) {
    case ASYNC_IDLE_:
        return async_say_(at, " was never spawned");
    case ASYNC_DONE_:
        return async_say_(at, " is done");
    case ASYNC_NEW_:
        return async_say_(at, " has not run yet");
    case ASYNC_RUNNING_:
        return async_say_(at, task == async_this_task_ ? " runs" : " polls");
    case ASYNC_YIELDED_:
        return async_say_(at, " yields");
    case ASYNC_READY_:
        at = async_say_(at, " is woken from ");
        return async_say_(at, waits);
    case ASYNC_STRUCK_:
        at = async_say_(at, " is struck in ");
        return async_say_(at, waits);
    default:
        at = async_say_(at, " waits in ");
        return async_say_(at, waits);
    }
}

static size_t async_say_chain_(size_t at, const async_frame *frame)
{
    for (; frame != NULL; frame = frame->parent) {
        at = async_say_(at, "\n    in ");
        at = async_say_(at, frame->function);
        at = async_say_(at, ", at ");
        at = async_say_place_(at, frame->file, frame->line);
    }
    return at;
}

/* "task `work` (spawned at a.c:44) waits in async_sleep, for 150 ms
 *     in nap, at a.c:12
 *     in work, at a.c:30" */
static void async_dump_one_(const char *before, const async_task *task)
{
    size_t at = async_say_(0, before);
    unsigned state = async_state_(task);

    at = state == ASYNC_IDLE_
        ? async_say_(at, "task")
        : async_say_task_(at, task->name, task->file, task->line);
    at = async_say_state_(at, task);
    if (state == ASYNC_JOINING_) {
        const async_task *joined = (const async_task *)task->on;

        at = async_say_(at, " for task `");
        at = async_say_(at, joined->name);
        at = async_say_(at, "`");
    }
    if (state >= ASYNC_YIELDED_) {
        uint64_t ms = async_ms_since_(task->since);

        at = async_say_(at, ", for ");
        at = async_say_number_(at, ms < INT_MAX ? (int)ms : INT_MAX);
        at = async_say_(at, " ms");
    }
    if (state > ASYNC_DONE_ && (task->timer.node.state & ASYNC_PENDING_) != 0) {
        at = async_say_(at, ", and a cancel is pending");
    }
    if (state > ASYNC_NEW_) {
        bool runs = state == ASYNC_RUNNING_ && task == async_this_task_;

        at = async_say_chain_(at, runs ? async_innermost_ : task->leaf);
    }
    (void)at;
    ASYNC_WARN(async_said_());
}

/* In the order in which they were spawned. */
static void async_dump_all_(const async_loop *loop)
{
    const async_task *task = loop->all;

    while (task != NULL && task->all_next != NULL) {
        task = task->all_next;
    }
    for (; task != NULL; task = task->all_prev) {
        async_dump_one_("  ", task);
    }
}

ASYNC_API void async_dump_task(const async_task *task)
{
    if (task == NULL) {
        task = async_this_task_;
    }
    if (task == NULL) {
        ASYNC_WARN("async: no task runs");
    } else {
        async_dump_one_("async: ", task);
    }
}

ASYNC_API void async_dump(void)
{
    size_t at;

    if (async_this_loop_ == NULL) {
        ASYNC_WARN("async: no loop is current");
        return;
    }
    at = async_say_(0, "async: tasks: ");
    (void)async_say_number_(at, (int)async_this_loop_->alive);
    ASYNC_WARN(async_said_());
    async_dump_all_(async_this_loop_);
}

ASYNC_API void async_debug_deadlock_(const async_loop *loop)
{
    ASYNC_WARN("async: deadlock: tasks remain, but nothing can wake them");
    async_dump_all_(loop);
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
    loop->began = ASYNC_CLOCK_();
#endif
}

ASYNC_API uint64_t async_ms_since_(async_ticks began)
{
    async_ticks took = (async_ticks)(ASYNC_CLOCK_() - began);

    return (uint64_t)took * 1000 / ASYNC_TICK_HZ;
}

/* "async: slow step: 150 ms, from a.c:25 to a.c:30, in task `crunch` (spawned
 * at a.c:44)" */
ASYNC_API void async_debug_suspended_(const async_loop *loop, async_task *task)
{
#if ASYNC_SLOW_MS > 0
    uint64_t ms;
    size_t at;
#endif

    task->since = ASYNC_CLOCK_();
#if ASYNC_SLOW_MS > 0
    ms = (uint64_t)(async_ticks)(task->since - loop->began) * 1000
        / ASYNC_TICK_HZ;

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
    at = async_say_(at, ", in ");
    (void)async_say_task_(at, task->name, task->file, task->line);
    ASYNC_WARN(async_said_());
#else
    (void)loop;
#endif
}

/* The same around a timed call, whose memory may be gone when it is over:
 * "async: slow call: 150 ms, in `save` (asked for at a.c:44)" */
ASYNC_API async_step_ async_debug_call_(const char *name, const char *file,
                                        int line)
{
    async_step_ step;

    step.began = ASYNC_SLOW_MS > 0 ? ASYNC_CLOCK_() : 0;
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
    if (async_this_task_ == async_this_loop_->until
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
/* ===========================================================================
 * trail: where an error was raised, the awaits that it passed, and whether
 * anybody took it. For debug builds: an error is an int, and carries none of
 * this itself.
 *
 * A thread keeps a few trails, of the errors that are under way. One begins
 * where a coroutine raises an error or awaits what fails, and grows as the
 * error leaves coroutine after coroutine. It is known by the running task, the
 * error, and the frame where the error is; so a finally that awaits, and other
 * errors in it, do not disturb it, and one that was caught is continued when
 * it is raised again. While a finally runs, the trail of the error that waits
 * for its end is held: an equal one in there is another one. When a task ends
 * in the error, the trail is handed to whoever joins the task, or kept until
 * somebody asks for the result:
 *
 *                  raised, or awaited
 *        FREE  ------------------------>  UNDER_WAY  <--.
 *         ^ ^                              | |    |     | handed to the task
 *         | '--- its coroutine or task     | |    |     | that joins
 *         |      ends without the error ---' |    '-----'
 *         |                                  | the task ends in it,
 *         |       reported                   v and nobody joins
 *         '-----------------------------  UNTAKEN, or OF_MAIN
 *
 * An UNTAKEN one is reported when the task is spawned again, when the coroutine
 * ends in whose frame the task is, when the loop is closed, or when a later one
 * needs the place. The task may be gone by then, and so may the frames: of
 * them the addresses are compared, and nothing is looked at.
 * ======================================================================== */
#if ASYNC_DEBUG

#if ASYNC_HOSTED
#define ASYNC_TRAILS_ 64
#define ASYNC_SITES_ 8
#else
#define ASYNC_TRAILS_ 2
#define ASYNC_SITES_ 4
#endif

enum {
    ASYNC_FREE_ = 0, ASYNC_UNDER_WAY_, ASYNC_UNTAKEN_, ASYNC_OF_MAIN_
};

/* A line in the report. */
enum { ASYNC_RAISED_AT_, ASYNC_AWAITED_AT_, ASYNC_AGAIN_AT_, ASYNC_TASK_AT_ };

typedef struct async_site_ {
    const char *file, *function;
    int line;
    unsigned char what;
} async_site_;

typedef struct async_trail_ {
    unsigned char state;
    bool rising;                /* it left a coroutine of which `at` hears */
    unsigned char held;         /* 1 + the depth of the finally that runs */
    unsigned char n;            /* sites */
    unsigned char takers;       /* callbacks that its task had at its end */
    int skipped;                /* sites for which there was no room */
    int error;
    unsigned age;
    const async_loop *loop;
    const async_task *task;
    const async_frame *at;      /* NULL: whichever frame of the task */
    const char *name, *file;    /* of the task that ended in it */
    int line;
    async_site_ site[ASYNC_SITES_];
} async_trail_;

static ASYNC_THREAD async_trail_ async_trails_[ASYNC_TRAILS_];
static ASYNC_THREAD unsigned async_trail_age_;
static ASYNC_THREAD int async_trail_expected_;  /* of a main task; or none */

#define ASYNC_EACH_TRAIL_(trail) \
    for ((trail) = async_trails_; (trail) < async_trails_ + ASYNC_TRAILS_; \
         (trail)++)

/* ---- what is said -------------------------------------------------------- */

static size_t async_say_error_(size_t at, int error)
{
    if (error <= ASYNC_EUSER(0)) {
        at = async_say_(at, "ASYNC_EUSER(");
        at = async_say_number_(at, ASYNC_EUSER_N(error));
        return async_say_(at, ")");
    }
#if ASYNC_HOSTED
    at = async_say_(at, async_strerror(error));
    at = async_say_(at, " (");
    at = async_say_number_(at, error);
    return async_say_(at, ")");
#else
    return async_say_number_(at, error);
#endif
}

/* Where it was raised, and what it passed: a line for each. */
static size_t async_say_sites_(size_t at, const async_trail_ *trail)
{
    static const char *const what[] = {
        "\n    raised in ", "\n    awaited in ", "\n    raised again in "
    };
    int i;

    for (i = 0; i < trail->n; i++) {
        const async_site_ *site = &trail->site[i];

        if (trail->skipped > 0 && i == ASYNC_SITES_ - 1) {
            at = async_say_(at, "\n    ... ");
            at = async_say_number_(at, trail->skipped);
            at = async_say_(at, " more ...");
        }
        if (site->what == ASYNC_TASK_AT_) {
            at = async_say_(at, "\n    the end of ");
            at = async_say_task_(at, site->function, site->file, site->line);
        } else {
            at = async_say_(at, what[site->what]);
            at = async_say_(at, site->function);
            at = async_say_(at, ", at ");
            at = async_say_place_(at, site->file, site->line);
        }
    }
    return at;
}

/* "async: task `fetch` (spawned at a.c:44) ended in an error that nobody took:
 * input or output failed (-5)
 *     raised in sensor_read, at a.c:12
 *     awaited in fetch, at a.c:30" */
static void async_report_(async_trail_ *trail, const char *what)
{
    size_t at = async_say_(0, "async: ");

    at = async_say_task_(at, trail->name, trail->file, trail->line);
    at = async_say_(at, what);
    at = async_say_error_(at, trail->error);
    (void)async_say_sites_(at, trail);
    trail->state = ASYNC_FREE_;
    ASYNC_WARN(async_said_());
}

static void async_report_untaken_(async_trail_ *trail)
{
    async_report_(trail, " ended in an error that nobody took: ");
}

/* ---- the trails ---------------------------------------------------------- */

/* The oldest of that state, or NULL. */
static async_trail_ *async_trail_oldest_(unsigned state)
{
    async_trail_ *trail, *oldest = NULL;

    ASYNC_EACH_TRAIL_(trail) {
        if (trail->state == state
            && (oldest == NULL || trail->age < oldest->age)) {
            oldest = trail;
        }
    }
    return oldest;
}

/* A place for one more: a free one, or else that of one which somebody may
 * have caught long ago, or else that of one which nobody has asked for. */
static async_trail_ *async_trail_new_(void)
{
    async_trail_ *trail = async_trail_oldest_(ASYNC_FREE_);

    if (trail == NULL) {
        trail = async_trail_oldest_(ASYNC_UNDER_WAY_);
    }
    if (trail == NULL) {
        trail = async_trail_oldest_(ASYNC_UNTAKEN_);
        if (trail != NULL) {
            async_report_untaken_(trail);
        }
    }
    return trail;
}

/* Begin a trail, in a place that may hold one or be NULL. */
static async_trail_ *async_trail_begin_(async_trail_ *trail,
                                        const async_loop *loop,
                                        const async_task *task,
                                        const async_frame *at, int error)
{
    if (trail == NULL) {
        trail = async_trail_new_();
    }
    if (trail != NULL) {
        trail->state = ASYNC_UNDER_WAY_;
        trail->rising = false;
        trail->held = 0;
        trail->n = 0;
        trail->takers = 0;
        trail->skipped = 0;
        trail->error = error;
        trail->age = async_trail_age_++;
        trail->loop = loop;
        trail->task = task;
        trail->at = at;
    }
    return trail;
}

/* The first ones are kept, and the last. (An interrupt may step a loop of its
 * own meanwhile: the place is decided on once.) */
static void async_trail_add_(async_trail_ *trail, unsigned what,
                             const char *function, const char *file, int line)
{
    unsigned i = trail->n;

    if (i >= ASYNC_SITES_) {
        trail->skipped++;
        i = ASYNC_SITES_ - 1;
    }
    trail->site[i].what = (unsigned char)what;
    trail->site[i].function = function;
    trail->site[i].file = file;
    trail->site[i].line = line;
    trail->n = (unsigned char)(i + 1);
}

/* The trail of an error that is under way in that frame of the task: if there
 * are two, the one that rises, or the one that does not. (One that waits for
 * the end of a finally is found by async_error_goes_on_ alone.) */
static async_trail_ *async_trail_find_(const async_task *task,
                                       const async_frame *at, int error,
                                       bool rising)
{
    async_trail_ *trail, *found = NULL;

    ASYNC_EACH_TRAIL_(trail) {
        if (trail->state == ASYNC_UNDER_WAY_ && trail->task == task
            && trail->error == error && trail->held == 0
            && (trail->at == at || trail->at == NULL)
            && (found == NULL || trail->rising == rising)) {
            found = trail;
        }
    }
    return found;
}

/* Others in this frame of the task are of errors that have been caught. */
static void async_trail_only_(const async_trail_ *mine, const async_task *task,
                              const async_frame *at, int error)
{
    async_trail_ *trail;

    ASYNC_EACH_TRAIL_(trail) {
        if (trail->state == ASYNC_UNDER_WAY_ && trail->task == task
            && trail->at == at && trail != mine
            && (error == 0
                || (trail->error == error && trail->held == 0))) {
            trail->state = ASYNC_FREE_;
        }
    }
}

/* Give it to another task, for one of its frames. */
static void async_trail_hand_(async_trail_ *trail, const async_task *task,
                              const async_frame *at, bool rising)
{
    async_trail_only_(trail, task, at, trail->error);
    async_trail_add_(trail, ASYNC_TASK_AT_, trail->name, trail->file,
                     trail->line);
    trail->state = ASYNC_UNDER_WAY_;
    trail->task = task;
    trail->at = at;
    trail->rising = rising;
}

static bool async_is_cancel_(int rc)
{
    return rc == ASYNC_CANCEL || rc == ASYNC_ECANCELED;
}

/* ---- on its way out of coroutines ---------------------------------------- */

ASYNC_API void async_error_(const async_frame *frame, int error, int how)
{
    const async_task *task = async_this_task_;
    async_trail_ *trail;
    unsigned what = how == ASYNC_RAISED_ ? ASYNC_AGAIN_AT_ : ASYNC_AWAITED_AT_;

    if (task == NULL || async_is_cancel_(error)) {
        return;
    }
    trail = async_trail_find_(task, frame, error, how == ASYNC_AWAITED_);
    if (trail == NULL || (how == ASYNC_AWAITED_ && !trail->rising)) {
        trail = async_trail_begin_(trail, async_this_loop_, task, frame, error);
        what = ASYNC_RAISED_AT_;
    } else if (how == ASYNC_PASSED_) {
        return;
    }
    if (trail != NULL) {
        async_trail_add_(trail, what, frame->function, frame->file,
                         frame->line);
        trail->rising = false;
        trail->at = frame;
        async_trail_only_(trail, task, frame, error);
    }
}

/* The one that is held in the frame at that depth of finally blocks. Those of
 * deeper ones are of errors that were dropped, as are all at the beginning of
 * a finally. */
static async_trail_ *async_trail_held_(const async_task *task,
                                       const async_frame *at, int depth)
{
    async_trail_ *trail, *held = NULL;

    ASYNC_EACH_TRAIL_(trail) {
        if (trail->state == ASYNC_UNDER_WAY_ && trail->task == task
            && trail->at == at && trail->held > depth) {
            if (trail->held == depth + 1) {
                held = trail;
            } else {
                trail->state = ASYNC_FREE_;
            }
        }
    }
    return held;
}

ASYNC_API void async_error_held_(const async_frame *frame, int error,
                                 int depth)
{
    const async_task *task = async_this_task_;
    async_trail_ *trail = async_trail_held_(task, frame, depth);

    if (trail != NULL) {
        trail->state = ASYNC_FREE_;
    }
    if (task != NULL && error < 0 && error > ASYNC_CANCEL) {
        trail = async_trail_find_(task, frame, error, false);
        if (trail != NULL && depth < UCHAR_MAX) {
            trail->held = (unsigned char)(depth + 1);
            trail->at = frame;
        }
    }
}

/* An equal error out of the finally is, most often, the same once more: a
 * connection is broken for its close, too. */
ASYNC_API void async_error_goes_on_(const async_frame *frame, int error,
                                    int depth, bool again)
{
    const async_task *task = async_this_task_;
    async_trail_ *trail;

    if (error == ASYNC_PENDING) {
        return;
    }
    trail = async_trail_held_(task, frame, depth);
    if (trail == NULL) {
        return;
    }
    if (trail->error != error) {
        trail->state = ASYNC_FREE_;
        return;
    }
    trail->held = 0;
    async_trail_only_(trail, task, frame, error);
    if (again) {
        async_trail_add_(trail, ASYNC_AGAIN_AT_, frame->function, frame->file,
                         frame->line);
    }
}

ASYNC_API void async_error_leaves_(const async_frame *frame, int rc)
{
    const async_task *task = async_this_task_;
    async_trail_ *mine = NULL;

    if (task == NULL) {
        return;
    }
    if (rc < 0 && !async_is_cancel_(rc)) {
        async_error_(frame, rc, ASYNC_PASSED_);
        mine = async_trail_find_(task, frame, rc, false);
    }
    async_trail_only_(mine, task, frame, 0);
    if (mine != NULL) {
        mine->rising = true;
        mine->at = frame->parent;
    }
}

/* ---- at the end of a task ------------------------------------------------ */

/* Who joins it, if any; and how many callbacks it has. */
static const async_task *async_takers_(const async_task *task, unsigned *calls)
{
    const async_node *node = task->joiners;
    const async_task *joiner = NULL;

    *calls = 0;
    if (node == NULL) {
        return NULL;
    }
    do {
        node = node->next;
        if (node->state == ASYNC_WATCH_) {
            *calls += *calls < UCHAR_MAX;
        } else if (joiner == NULL) {
            joiner = (const async_task *)(const void *)node;
        }
    } while (node != task->joiners);
    return joiner;
}

ASYNC_API void async_trail_ends_(const async_loop *loop, const async_task *task)
{
    int result = task->timer.u.result;
    const async_task *joiner;
    async_trail_ *trail, *mine = NULL;
    unsigned calls;

    if (result < 0 && !async_is_cancel_(result)) {
        mine = async_trail_find_(task, NULL, result, true);
    }
    ASYNC_EACH_TRAIL_(trail) {
        if (trail->state == ASYNC_UNDER_WAY_ && trail->task == task
            && trail != mine) {
            trail->state = ASYNC_FREE_;
        }
    }
    if (result >= 0 || async_is_cancel_(result)) {
        return;
    }
    if (mine == NULL) {
        mine = async_trail_begin_(NULL, loop, task, NULL, result);
        if (mine == NULL) {
            return;
        }
    }
    mine->name = task->name;
    mine->file = task->file;
    mine->line = task->line;
    joiner = async_takers_(task, &calls);
    if (task == loop->until) {
        mine->state = ASYNC_OF_MAIN_;
    } else if (joiner != NULL) {
        async_trail_hand_(mine, joiner, joiner->leaf, true);
    } else if (calls == 0) {
        mine->state = ASYNC_UNTAKEN_;
    } else {                            /* for the callbacks to hand on */
        mine->takers = (unsigned char)calls;
        mine->at = NULL;
    }
}

/* The trail that an ended task has left, in that state; or NULL. */
static async_trail_ *async_trail_left_(const async_task *task, unsigned state)
{
    async_trail_ *trail;

    ASYNC_EACH_TRAIL_(trail) {
        if (trail->state == state && trail->task == task) {
            return trail;
        }
    }
    return NULL;
}

ASYNC_API void async_trail_passes_(const async_task *task, async_task *owner)
{
    async_trail_ *trail = async_trail_left_(task, ASYNC_UNDER_WAY_);

    if (trail != NULL && owner != NULL) {
        async_trail_hand_(trail, owner, NULL, true);
    }
}

ASYNC_API void async_trail_of_pool_(const async_task *task)
{
    async_trail_ *trail = async_trail_left_(task, ASYNC_UNDER_WAY_);

    if (trail != NULL && trail->takers == 1) {
        trail->state = ASYNC_UNTAKEN_;
    }
}

ASYNC_API void async_trail_taken_(const async_task *task, int how)
{
    async_trail_ *trail = async_trail_left_(task, ASYNC_UNTAKEN_);

    if (trail == NULL) {
        return;
    }
    if (how == ASYNC_BY_CALL_) {
        trail->state = ASYNC_UNDER_WAY_;
        trail->at = NULL;
    } else if (async_this_task_ == NULL || async_innermost_ == NULL) {
        trail->state = ASYNC_FREE_;
    } else {
        async_trail_hand_(trail, async_this_task_, async_innermost_,
                          how == ASYNC_BY_JOIN_);
    }
}

/* ---- what nobody can take any more --------------------------------------- */

ASYNC_API void async_trail_spawned_(const async_task *task)
{
    async_trail_ *trail;

    ASYNC_EACH_TRAIL_(trail) {
        if (trail->state == ASYNC_UNTAKEN_ && trail->task == task) {
            async_report_untaken_(trail);
        } else if (trail->task == task) {
            trail->state = ASYNC_FREE_;
        }
    }
}

ASYNC_API void async_trail_memory_(const void *memory, size_t size)
{
    const char *from = (const char *)memory;
    async_trail_ *trail;

    ASYNC_EACH_TRAIL_(trail) {
        const char *at = (const char *)(const void *)trail->task;

        if (trail->state == ASYNC_UNTAKEN_ && trail->loop == async_this_loop_
            && at >= from && at < from + size) {
            async_report_untaken_(trail);
        }
    }
}

ASYNC_API void async_trail_expects_(int error)
{
    async_trail_expected_ = error;
}

ASYNC_API void async_trail_of_main_(const async_loop *loop)
{
    async_trail_ *trail;

    ASYNC_EACH_TRAIL_(trail) {
        if (trail->state == ASYNC_OF_MAIN_ && trail->loop == loop) {
            if (trail->error == async_trail_expected_) {
                trail->state = ASYNC_FREE_;
                continue;
            }
            async_report_(trail, " is what the loop ran for, and it ended in "
                          "an error: ");
        }
    }
}

ASYNC_API void async_trail_closes_(const async_loop *loop)
{
    async_trail_ *trail;

    ASYNC_EACH_TRAIL_(trail) {
        if (trail->loop != loop) {
            continue;
        }
        if (trail->state == ASYNC_UNTAKEN_) {
            async_report_untaken_(trail);
        }
        trail->state = ASYNC_FREE_;
    }
}

#endif
#endif
#if ASYNC_SIM
/* ===========================================================================
 * sim: the virtual clock of a thread, and the order that a seed gives.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if ASYNC_SIM

#if ASYNC_HOSTED
#include <errno.h>
#include <sys/types.h>
#include <sys/wait.h>
#endif

static ASYNC_THREAD async_sim_ async_sim_of_thread_;
#if ASYNC_HOSTED
static async_duration async_sim_patience_ = -1;
#endif

/* ---- the generator ------------------------------------------------------- */

/* splitmix64, after Steele, Lea and Flood (2014) and Vigna: a counter, mixed;
 * so seeds that follow each other give numbers that have nothing in common. */
static uint32_t async_sim_next_(void)
{
    uint64_t z = async_sim_of_thread_.random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(z >> 32);
}

ASYNC_API void async_sim_seed(unsigned seed)
{
    async_sim_of_thread_.random = seed;
    async_sim_of_thread_.shuffles = seed != 0;
}

/* The upper word of the product is as good as a remainder, and quicker. */
ASYNC_API unsigned async_sim_random(unsigned n)
{
    return (unsigned)((uint64_t)async_sim_next_() * n >> 32);
}

/* ---- the clock ----------------------------------------------------------- */

ASYNC_API async_ticks async_sim_now(void)
{
    return async_sim_of_thread_.now;
}

ASYNC_API int async_sim_advance(async_duration duration)
{
    async_sim_ *sim = &async_sim_of_thread_;

    if (duration < 0 || duration == ASYNC_NEVER) {
        return ASYNC_EINVAL;
    }
    sim->passed = sim->passed
        || (sim->over != NULL
            && duration > (async_duration)(sim->limit - sim->now));
    sim->now = (async_ticks)(sim->now + (async_ticks)duration);
    sim->turns = 0;
    return 0;
}

ASYNC_API int async_sim_patience(async_duration real)
{
#if ASYNC_HOSTED
    if (real != ASYNC_NEVER) {
        async_sim_patience_ = real;
        return 0;
    }
#else
    (void)real;
#endif
    return ASYNC_EINVAL;
}

ASYNC_API async_sim_ async_sim_begin_(unsigned seed)
{
    async_sim_ *sim = &async_sim_of_thread_;
    async_sim_ before = *sim;

    sim->now = 0;
    sim->turns = 0;
    sim->gave_up = false;
    async_sim_seed(seed);
    return before;
}

ASYNC_API void async_sim_end_(const async_sim_ *before)
{
    async_sim_of_thread_ = *before;
}

ASYNC_API void async_sim_limit_(async_duration limit,
                                void (*over)(async_loop *loop))
{
    async_sim_ *sim = &async_sim_of_thread_;

    sim->limit = (async_ticks)(sim->now + (async_ticks)limit);
    sim->over = limit == ASYNC_NEVER ? NULL : over;
    sim->passed = false;
}

ASYNC_API bool async_sim_passed_(void)
{
    return async_sim_of_thread_.passed;
}

ASYNC_API void async_sim_give_up_(void)
{
    async_sim_of_thread_.gave_up = true;
}

ASYNC_API bool async_sim_gave_up_(void)
{
    return async_sim_of_thread_.gave_up;
}

/* So much time passes; ASYNC_NEVER: all that there is. */
static void async_sim_pass_(async_loop *loop, async_duration ticks)
{
    async_sim_ *sim = &async_sim_of_thread_;
    void (*over)(async_loop *loop) = sim->over;

    sim->turns = 0;
    if (over != NULL) {
        async_duration left = sim->passed
            ? 0 : (async_duration)(sim->limit - sim->now);

        if (ticks > left) {
            if (left > 0) {
                sim->now = sim->limit;
            }
            sim->over = NULL;
            over(loop);
            return;
        }
    } else if (ticks == ASYNC_NEVER) {
        return;
    }
    sim->now = (async_ticks)(sim->now + (async_ticks)ticks);
}

#if ASYNC_HOSTED

/* Is there anything to do now? */
static bool async_sim_stirs_(const async_loop *loop)
{
    return !ASYNC_NONE_READY_(loop) || loop->stop
        || ASYNC_ATOMIC_LOAD_(&loop->notified) != 0;
}

/* Look at what is outside; if there is nothing, for so long in real time. (A
 * signal may end a sleep.) Has something come? */
static bool async_sim_look_(async_loop *loop, async_duration real)
{
    async_ticks began = async_port_clock();
    async_duration left = 0;

    do {
        async_port_idle(loop, left);
        if (async_sim_stirs_(loop)) {
            return true;
        }
        left = (async_duration)(real - (async_duration)(async_port_clock()
                                                        - began));
    } while (left > 0);
    return false;
}

/* Is somebody at work for this program? */
static bool async_sim_works_(const async_loop *loop)
{
    siginfo_t child;
    int rc;

#if ASYNC_OFFLOAD
    if (async_offload_waits_(loop)) {
        return true;
    }
#else
    (void)loop;
#endif
    do {
        rc = waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT);
    } while (rc < 0 && errno == EINTR);
    return rc == 0;
}

/* For how long, in real time, are those outside to be waited for, when the next
 * deadline is so far away? */
static async_duration async_sim_grace_(const async_loop *loop,
                                       async_duration ticks)
{
    const async_duration second = ASYNC_TICK_HZ < ASYNC_NEVER
        ? (async_duration)ASYNC_TICK_HZ : ASYNC_NEVER - 1;

    if (loop->irqs == NULL && !async_port_waits_(loop)) {
        return 0;
    }
    if (async_sim_patience_ >= 0) {
        return async_sim_patience_;
    }
    if (!async_sim_works_(loop)) {
        return 0;
    }
    return ticks > second ? ticks : second;
}

ASYNC_API void async_sim_idle_(async_loop *loop, async_duration ticks)
{
    const async_sim_ *sim = &async_sim_of_thread_;

    if (ticks == ASYNC_NEVER) {
        if (sim->over == NULL) {
            async_port_idle(loop, ticks);
            return;
        }
        ticks = (async_duration)(sim->limit - sim->now);
        ticks = ticks < 0 ? 1 : ticks + 1;      /* more than there is */
    }
    if (loop->fds != NULL
        && async_sim_look_(loop, ticks == 0 ? 0
                                            : async_sim_grace_(loop, ticks))) {
        return;
    }
    if (ticks != 0) {
        async_sim_pass_(loop, ticks);
    }
}

#else

ASYNC_API void async_sim_idle_(async_loop *loop, async_duration ticks)
{
    if (ticks == ASYNC_NEVER && async_sim_of_thread_.over == NULL) {
        ASYNC_PORT_SLEEP();             /* until an interrupt */
    } else {
        async_sim_pass_(loop, ticks);
    }
}

#endif

/* ---- turns --------------------------------------------------------------- */

enum { ASYNC_SIM_POLLS_ = 10000 };
#define ASYNC_SIM_TURNS_ UINT32_C(10000000)

/* Is there nobody in the ready queue but tasks that yield or poll? */
static bool async_sim_polls_(const async_loop *loop)
{
    const async_node *node = loop->head;

    for (;;) {
        async_mark_ state = (async_mark_)(node->state & ASYNC_STATE_);

        if (state != ASYNC_RUNNING_ && state != ASYNC_YIELDED_) {
            return false;
        }
        if (&node->next == loop->tail) {
            return true;
        }
        node = node->next;
    }
}

/* Of two lists that are shuffled, one: each next node is of either, as likely
 * as its share of those that are left. Returns where the list ends. */
static async_node **async_sim_merge_(async_node **at, async_node *a,
                                     uint32_t as, async_node *b, uint32_t bs)
{
    while (as + bs != 0) {
        uint64_t all = (uint64_t)as + bs;

        if (async_sim_next_() * all >> 32 < as) {
            *at = a;
            at = &a->next;
            a = a->next;
            as--;
        } else {
            *at = b;
            at = &b->next;
            b = b->next;
            bs--;
        }
    }
    return at;
}

/* Take the first n nodes of `from` (1 at least): a shuffled list of them, which
 * ends where `end` says. As deep as n has bits. */
static async_node *async_sim_shuffle_(async_node **from, uint32_t n,
                                      async_node ***end)
{
    async_node *first = *from;
    async_node *second;

    if (n == 1) {
        *from = first->next;
        *end = &first->next;
        return first;
    }
    first = async_sim_shuffle_(from, n / 2, end);
    second = async_sim_shuffle_(from, n - n / 2, end);
    *end = async_sim_merge_(&first, first, n / 2, second, n - n / 2);
    return first;
}

ASYNC_API async_node *async_sim_turn_(async_loop *loop)
{
    async_sim_ *sim = &async_sim_of_thread_;
    const async_node *node = loop->head;
    async_node *from = loop->head;
    uint32_t n = 1;

    sim->turns += async_sim_polls_(loop) ? ASYNC_SIM_TURNS_ / ASYNC_SIM_POLLS_
                                         : 1;
    if (sim->passed && sim->over != NULL) {
        async_sim_pass_(loop, ASYNC_NEVER);
    } else if (sim->turns >= ASYNC_SIM_TURNS_) {
        async_sim_pass_(loop, (async_duration)
                              async_timer_next_(&loop->timers, sim->now));
    }
    if (sim->shuffles) {
        for (; &node->next != loop->tail; node = node->next) {
            n++;
        }
        loop->head = async_sim_shuffle_(&from, n, &loop->tail);
    }
    return loop->head;
}

#endif
/* ===========================================================================
 * testing: the run of a test, and the line about it.
 * ======================================================================== */
#if ASYNC_SIM

#if ASYNC_HOSTED
#include <stdio.h>
#include <stdlib.h>
#define ASYNC_LINE_ROOM_ 500
#else
#define ASYNC_LINE_ROOM_ 120
#endif

/* A test, and how its run with one seed goes. A test that does not end may be
 * reached by a signal or a thread for ever: its run stays where it is, then, in
 * a list, so that no tool takes it for a leak. (On a board it is on the stack.)
 */
typedef struct async_test_run_ {
    struct async_test_run_ *left;       /* the one before it that was */
    const char *name;
    async_fn fn;
    void *frame;
    unsigned char *spare;       /* what the frame is before a run */
    size_t size;
    async_duration limit;
    int wanted;                 /* this result; ASYNC_PENDING: no error */
#if ASYNC_NAMED_
    const char *entry, *from_file;
    int from_line;
#endif
    async_loop loop;
    async_task task;
    bool late;                  /* it was cancelled at its limit */
    int result;                 /* of the run of the loop */
    const char *what, *file;    /* the first that was not as expected */
    int line;
} async_test_run_;

static ASYNC_THREAD async_test_run_ *async_test_runs_;
#if ASYNC_HOSTED
static ASYNC_THREAD async_test_run_ *async_tests_left_;
#endif

ASYNC_API void async_expected_(const char *what, const char *file, int line)
{
    async_test_run_ *run = async_test_runs_;

    if (run == NULL) {
        ASYNC_TRAP("async: ASYNC_EXPECT does not hold, and no test runs in "
                   "this thread");
    } else if (run->what == NULL) {
        run->what = what;
        run->file = file;
        run->line = line;
    }
}

/* ---- a line -------------------------------------------------------------- */

typedef struct async_line_ {
    size_t length;
    char text[ASYNC_LINE_ROOM_];
} async_line_;

static void async_line_add_(async_line_ *line, const char *text)
{
    while (*text != '\0' && line->length < sizeof line->text - 1) {
        line->text[line->length++] = *text++;
    }
    line->text[line->length] = '\0';
}

static void async_line_number_(async_line_ *line, uint64_t number)
{
    char digits[21];
    size_t i = sizeof digits - 1;

    digits[i] = '\0';
    do {
        digits[--i] = (char)('0' + (char)(number % 10));
        number /= 10;
    } while (number != 0);
    async_line_add_(line, digits + i);
}

static void async_line_ms_(async_line_ *line, uint64_t ticks)
{
    async_line_number_(line, ASYNC_TICK_HZ % 1000 == 0
                             ? ticks / (ASYNC_TICK_HZ / 1000)
                             : ticks * 1000 / ASYNC_TICK_HZ);
    async_line_add_(line, " ms");
}

static void async_line_result_(async_line_ *line, int result)
{
    if (result <= ASYNC_EUSER(0)) {
        async_line_add_(line, "ASYNC_EUSER(");
        async_line_number_(line, (uint64_t)ASYNC_EUSER_N(result));
        async_line_add_(line, ")");
    } else if (result < 0) {
        async_line_add_(line, async_strerror(result));
        async_line_add_(line, " (-");
        async_line_number_(line, (uint64_t)-(int64_t)result);
        async_line_add_(line, ")");
    } else {
        async_line_number_(line, (uint64_t)result);
    }
}

static void async_line_say_(const async_tests *tests, const async_line_ *line)
{
    if (tests->say != NULL) {
        tests->say(line->text);
        return;
    }
#if ASYNC_HOSTED
    puts(line->text);
    (void)fflush(stdout);
#endif
}

/* ---- a run --------------------------------------------------------------- */

/* Who is there, and what does each wait for? */
static void async_test_dump_(const async_test_run_ *run, const char *what)
{
#if ASYNC_DEBUG
    size_t at = async_say_(0, "async: test `");

    at = async_say_(at, run->name);
    at = async_say_(at, "` ");
    (void)async_say_(at, what);
    ASYNC_WARN(async_said_());
    async_dump();
#else
    (void)run;
    (void)what;
#endif
}

/* The time is over: strike the test; or, if that was done, leave it. (The loop
 * in which the time passed may be one that a task of the test's steps.) */
static void async_test_over_(async_loop *loop)
{
    async_test_run_ *run = async_test_runs_;
    async_loop *before = async_loop_use(&run->loop);

    (void)loop;
    async_this_task_ = NULL;
    if (run->late || async_done(&run->task)) {
        async_sim_give_up_();
        async_loop_stop(&run->loop);
    } else {
        run->late = true;
        async_test_dump_(run, "is not done in time");
        (void)async_cancel(&run->task);
        async_sim_limit_(run->limit, async_test_over_);
    }
    (void)async_loop_use(before);
}

/* Why did it fail? The first of the reasons that there are, after a colon; or
 * nothing: it did not. */
static void async_line_why_(async_line_ *line, const async_test_run_ *run)
{
    bool done = async_done(&run->task);

    async_line_add_(line, ": ");
    if (run->what != NULL) {
        async_line_add_(line, "expected ");
        async_line_add_(line, run->what);
        async_line_add_(line, ", at ");
        async_line_add_(line, run->file);
        async_line_add_(line, ":");
        async_line_number_(line, (uint64_t)run->line);
    } else if (run->late) {
        async_line_add_(line, "it was not done after ");
        async_line_ms_(line, (uint64_t)run->limit);
    } else if (!done || (run->wanted == ASYNC_PENDING && run->result < 0)) {
        async_line_result_(line, run->result);
    } else if (run->wanted != ASYNC_PENDING && run->result != run->wanted) {
        async_line_result_(line, run->result);
        async_line_add_(line, ", and not ");
        async_line_result_(line, run->wanted);
    } else if (run->loop.alive != 0) {
        async_line_add_(line, "tasks left behind: ");
        async_line_number_(line, run->loop.alive);
        async_test_dump_(run, "leaves tasks behind");
    } else {
        line->length -= 2;
        line->text[line->length] = '\0';
    }
}

/* What the test has begun comes to its end, and the loop with it; in as much
 * time as the test had. */
static void async_test_ends_(async_line_ *line, async_test_run_ *run)
{
    async_sim_limit_(run->limit, async_test_over_);
    if (run->loop.alive != 0 && !async_sim_gave_up_()) {
        (void)async_loop_cancel_all(&run->loop);
    }
    if (run->loop.alive != 0) {
        async_line_add_(line, "; tasks that do not end when cancelled: ");
        async_line_number_(line, run->loop.alive);
    } else {
        (void)async_loop_close(&run->loop);
    }
}

static void async_copy_(unsigned char *to, const unsigned char *from,
                        size_t size)
{
    while (size-- != 0) {
        *to++ = *from++;
    }
}

/* A run with that seed, on a frame that is fresh. True if it passed: then the
 * line ends with its time. */
static bool async_test_once_(async_line_ *line, async_test_run_ *run,
                             unsigned seed)
{
    size_t length;

    async_test_runs_ = run;
    run->task.timer.node.state = ASYNC_IDLE_;
    run->task.joiners = NULL;
    run->task.scopes = NULL;
    run->late = false;
    run->what = NULL;
    (void)async_loop_open(&run->loop);
    (void)async_loop_use(&run->loop);
    (void)async_spawn_(&run->task, run->fn, run->frame
#if ASYNC_NAMED_
                       , run->entry, run->from_file, run->from_line
#endif
                       );
    async_sim_limit_(run->limit, async_test_over_);
#if ASYNC_DEBUG
    async_trail_expects_(run->wanted);      /* so there is nothing to be said */
#endif
    run->result = async_loop_run(&run->loop, &run->task);
#if ASYNC_DEBUG
    async_trail_expects_(0);
#endif
    run->late = run->late || async_sim_passed_();
    async_line_add_(line, " (");
    async_line_ms_(line, async_sim_now());
    if (seed != 0) {
        async_line_add_(line, ", seed ");
        async_line_number_(line, seed);
    }
    async_line_add_(line, ")");
    length = line->length;
    async_line_why_(line, run);
    async_test_ends_(line, run);
    return line->length == length;
}

#if ASYNC_HOSTED
/* What stands in the environment under that name, if it does. False if it is
 * there, and no number. */
static bool async_test_environment_(const char *name, unsigned *number)
{
    const char *text = getenv(name);
    char *end;

    if (text == NULL || *text == '\0') {
        return true;
    }
    *number = (unsigned)strtoul(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0';
}
#endif

/* How many seeds, and the first: what the environment has to say of it. 0 if
 * that cannot be understood. */
static unsigned async_test_seeds_(const async_tests *tests, unsigned *first)
{
    unsigned seeds = tests->seeds == 0 ? 1 : tests->seeds;
#if ASYNC_HOSTED
    unsigned one = UINT_MAX;
#endif

    *first = tests->seed;
#if ASYNC_HOSTED
    if (!async_test_environment_("ASYNC_SEEDS", &seeds)
        || !async_test_environment_("ASYNC_SEED", &one)) {
        return 0;
    }
    if (one != UINT_MAX) {
        *first = one;
        seeds = 1;
    }
#endif
    return seeds;
}

/* Runs with one seed after the other, until one fails: the line about it. */
static bool async_test_all_(async_tests *tests, async_line_ *line,
                            async_test_run_ *run)
{
    size_t length = line->length;
    unsigned seed, n = 0;
    unsigned seeds = async_test_seeds_(tests, &seed);
    async_sim_ before;
    bool good;

    if (seeds == 0) {
        async_line_add_(line, ": the environment's ASYNC_SEED or ASYNC_SEEDS "
                        "is no number");
        return false;
    }
    before = async_sim_begin_(seed);
    async_copy_(run->spare, (const unsigned char *)run->frame, run->size);
    for (;;) {
        line->length = length;
        good = async_test_once_(line, run, seed);
        if (run->loop.alive == 0) {     /* else it is a task's */
            async_copy_((unsigned char *)run->frame, run->spare, run->size);
        }
        if (++n == seeds || !good) {
            break;
        }
        (void)async_sim_begin_(++seed);
    }
    if (!good) {
        tests->failed_with = seed;
    }
    if (good && n > 1) {
        line->length = length;
        async_line_add_(line, " (");
        async_line_number_(line, n);
        async_line_add_(line, " seeds)");
    }
    async_test_runs_ = NULL;
    async_sim_end_(&before);
    return good;
}

ASYNC_API bool async_test_(async_tests *tests, const char *name, async_fn fn,
                           void *frame, unsigned char *spare, size_t size,
                           async_duration limit, int result
#if ASYNC_NAMED_
                           , const char *entry, const char *file, int line_at
#endif
                           )
{
    async_loop *current = async_this_loop_;
#if ASYNC_HOSTED
    async_test_run_ *run = (async_test_run_ *)calloc(1, sizeof *run);
#else
    async_test_run_ on_stack;
    async_test_run_ *run = &on_stack;
#endif
    async_line_ line;
    bool good = false;

    line.length = 0;
    async_line_add_(&line, "FAIL ");
    async_line_add_(&line, name == NULL ? "a test without a name" : name);
    if (tests == NULL) {
        /* nobody is told */
    } else if (run == NULL || ASYNC_BUSY_(current)) {
        async_line_add_(&line, ": ");
        async_line_result_(&line, run == NULL ? ASYNC_ENOMEM : ASYNC_EBUSY);
    } else if (name == NULL || fn == NULL || frame == NULL || limit < 0) {
        async_line_add_(&line, ": ");
        async_line_result_(&line, ASYNC_EINVAL);
    } else {
        run->name = name;
        run->fn = fn;
        run->frame = frame;
        run->spare = spare;
        run->size = size;
        run->limit = limit;
        run->wanted = result;
#if ASYNC_NAMED_
        run->entry = entry;
        run->from_file = file;
        run->from_line = line_at;
#endif
        good = async_test_all_(tests, &line, run);
        (void)async_loop_use(current);
#if ASYNC_HOSTED
        if (run->loop.alive != 0) {
            run->left = async_tests_left_;
            async_tests_left_ = run;
            run = NULL;
        }
#endif
    }
#if ASYNC_HOSTED
    free(run);
#endif
    if (tests == NULL) {
        return false;
    }
    if (good) {
        async_copy_((unsigned char *)line.text, (const unsigned char *)"ok  ",
                    4);
        tests->passed++;
    } else {
        tests->failed++;
    }
    async_line_say_(tests, &line);
    return good;
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

/* Let another thread go on. */
ASYNC_API void async_port_pause_(void)
{
    static const struct timespec moment = {0, 1000};

    (void)nanosleep(&moment, NULL);
}

#endif
/* ===========================================================================
 * fd_table: what a loop knows of each descriptor, and the few functions that
 * operations and backends are made of. Not a public part.
 *
 * Tasks that wait hang in the rings of an entry, so an entry never moves: the
 * table is an array of pointers. Entries are allocated by the chunk.
 *
 * A backend (fd_epoll.c, fd_kqueue.c, fd_poll.c) is the functions
 * async_backend_*: how to register a descriptor, and how to sleep until
 * something happens.
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

#define ASYNC_CHUNK_ 256        /* entries in a chunk */
#define ASYNC_BURST_ 64         /* operations without suspending: k */

ASYNC_INLINE_ async_fd_ *async_fd_find_(const struct async_fds *fds, int fd)
{
    async_fd_ *it = (unsigned)fd < fds->limit ? fds->entries[fd] : NULL;

    return it == &fds->none ? NULL : it;
}

/* Some have left: does nobody wait any more? */
ASYNC_INLINE_ void async_fd_alone_(async_fd_ *it)
{
    if (it->waiters[ASYNC_READS_] == NULL
        && it->waiters[ASYNC_WRITES_] == NULL) {
        it->flags &= ~(unsigned)(ASYNC_FD_READER_ | ASYNC_FD_CROWD_
                                 | ASYNC_FD_AGE_);
    }
}

/* Wake who waits. The result is an error; or the generation, when the backend
 * has seen an event; or 0: look again. Nearly always that is one task. */
ASYNC_API void async_fd_wake_all_(async_fd_ *it, int direction, int result);

ASYNC_HOT_ void async_fd_wake_(async_fd_ *it, int direction, int result)
{
    async_node *node = it->waiters[direction];

    if (node == NULL) {
        return;
    }
    if (ASYNC_UNLIKELY_(node->next != node)) {
        async_fd_wake_all_(it, direction, result);
        return;
    }
    it->waiters[direction] = NULL;
    async_this_loop_->waiting--;
    async_fd_alone_(it);
#if ASYNC_FAST_ && !ASYNC_NAMED_
    node->state -= ASYNC_LINKED_ - ASYNC_READY_;    /* as async_wake_ does */
    ASYNC_TASK_(node)->timer.u.result = result;
    async_ready_(async_this_loop_, ASYNC_TASK_(node));
#else
    async_wake_(ASYNC_TASK_(node), result);
#endif
}

/* An event, for reading or writing or both, as flags of what it ends. */
ASYNC_HOT_ void async_fd_event_(async_fd_ *it, unsigned ends)
{
    it->flags &= ~ends;
    if (it->waiters[ASYNC_READS_] != NULL && (ends & ASYNC_FD_EMPTY_) != 0) {
        async_fd_wake_(it, ASYNC_READS_, it->generation);
    }
    if (it->waiters[ASYNC_WRITES_] != NULL && (ends & ASYNC_FD_STUCK_) != 0) {
        async_fd_wake_(it, ASYNC_WRITES_, it->generation);
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

/* Somebody opened `by` (a stream, say) over this descriptor, and is to close
 * it; a process may have none. It is over when the descriptor is closed; for
 * such a process this has to be said. The loop ends: what was never closed? */
#if ASYNC_DEBUG
ASYNC_API void async_held_open_(const void *by, int fd, int pid,
                                const char *kind, const char *file, int line);
ASYNC_API void async_held_close_(const void *by);
ASYNC_API void async_held_ends_(struct async_fds *fds);
#endif

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
    async_loop *loop = async_this_loop_;

    if (ASYNC_LIKELY_((unsigned)fd < loop->known)) {
        async_fd_ *it = loop->fds->entries[fd];

        if (ASYNC_UNLIKELY_((it->flags & ASYNC_FD_NEW_) != 0)) {
            return async_fd_entry_other_(fd, rc);
        }
        if (task->timer.node.state == ASYNC_RUNNING_
            && --loop->fds->left != 0) {
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

/* May the call be tried, or is this flag in the way? Then the operation parks.
 * A task that has been struck looks for the last time, so it tries anyway. */
ASYNC_INLINE_ bool async_fd_may_(const async_fd_ *it, unsigned obstacle)
{
    return ASYNC_LIKELY_((it->flags & obstacle) == 0)
        || ASYNC_STRUCK_P_(async_this_task_) != 0;
}

/* Park a task over which nothing hangs, for what the backend knows. */
ASYNC_INLINE_ async_status async_fd_rest_(async_fd_ *it, int direction,
                                          const char *what)
{
    (void)what;
    async_this_loop_->waiting++;
    it->flags = (it->flags & ~(unsigned)(ASYNC_FD_READER_ | ASYNC_FD_AGE_))
        | ASYNC_FD_CROWD_;
    ASYNC_WAITS_(what, (const void *)(intptr_t)it->fd);
    return async_link_(&it->waiters[direction], ASYNC_LINKED_);
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
        it->flags |= ASYNC_FD_EMPTY_;
    }
    return (async_status)n;
}

/* A write has succeeded. One that falls short has filled it (unless it was
 * made short, lest it block): so says epoll(7) of streams, as of reading. */
ASYNC_INLINE_ async_status async_fd_put_(async_fd_ *it, ptrdiff_t n,
                                         size_t length)
{
    if ((size_t)n < length
        && (it->flags & (ASYNC_FD_SHORT_ | ASYNC_FD_BLOCKS_))
            == ASYNC_FD_SHORT_) {
        it->flags |= ASYNC_FD_STUCK_;
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

/* Empty the pipe (or the eventfd) by which others wake the loop. */
ASYNC_API void async_fds_woken_(const struct async_fds *fds);

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

#if !ASYNC_POLL
/* An edge-triggered one: a second from now, have async_fds_verify_ called;
 * `ticking` says so. If that cannot be, nothing is lost but the answer to what
 * other code does to our descriptors. */
ASYNC_API void async_backend_tick_(struct async_fds *fds);
ASYNC_API void async_fds_verify_(struct async_fds *fds);
#endif

/* Is there nothing to do for that, if it knows the descriptor? */
#if ASYNC_POLL
#define ASYNC_BACKEND_WAITS_(fds) ((void)(fds), true)
#else
#define ASYNC_BACKEND_WAITS_(fds) ((fds)->ticking)
#endif
/* Wait for events, and pass them on. */
ASYNC_API void async_backend_wait_(struct async_fds *fds,
                                   async_duration ticks);
/* ===========================================================================
 * fd_edge: what the edge-triggered backends have in common. An edge that was
 * told before other code closed the descriptor, or read from it, does not come
 * again: so a wait that lasts is looked after, once.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if ASYNC_HOSTED

#if !ASYNC_POLL

ASYNC_API int async_backend_waits_(struct async_fds *fds, async_fd_ *it)
{
    if ((it->flags & ASYNC_FD_ADDED_) == 0) {
        int err = async_backend_arm_(fds, it);

        if (err < 0) {
            return err;
        }
    }
    if (!fds->ticking) {
        async_backend_tick_(fds);
    }
    return 0;
}

/* Waits that have lasted for more than a second are armed anew, once: then the
 * kernel says what is ready now, or that it does not know them. The timer goes
 * on only while there are younger ones. */
ASYNC_API void async_fds_verify_(struct async_fds *fds)
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
             && it->waiters[ASYNC_WRITES_] == NULL
             && (it->flags & ASYNC_FD_TOLD_) == 0)
            || (it->flags & ASYNC_FD_AGE_) == 2 * ASYNC_FD_SECOND_) {
            continue;
        }
        it->flags += ASYNC_FD_SECOND_;
        if ((it->flags & ASYNC_FD_AGE_) == ASYNC_FD_SECOND_) {
            younger = true;
        } else if (async_backend_arm_(fds, it) < 0) {
            async_fd_reset_(fds, it, 0);
        }
    }
    fds->verify = false;
    fds->ticking = false;
    if (younger) {
        async_backend_tick_(fds);
    }
    if (!fds->ticking) {
        async_port_rests_();            /* who waits again is to start it */
    }
}

#endif

#endif
/* ===========================================================================
 * fd_epoll: descriptors by epoll, edge-triggered.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if ASYNC_HOSTED

#if !ASYNC_POLL && !ASYNC_KQUEUE

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* An event names the descriptor in its lower half, and the generation in the
 * upper. The loop's own have the epoll's number, whose entry nobody uses, and
 * one of these for a generation. */
#define ASYNC_EVENT_WAKE_ 0
#define ASYNC_EVENT_SECOND_ UINT32_MAX

#define ASYNC_EVENT_(generation, fd) \
    ((uint64_t)(uint32_t)(generation) << 32 | (uint32_t)(fd))

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
    int err = 0;

    if (fds->backend < 0) {
        fds->backend = ASYNC_SYS_(epoll_create1)(EPOLL_CLOEXEC);
        if (fds->backend < 0) {
            return -errno;
        }
        if (async_fd_make_(fds, fds->backend, &err) == NULL) {
            (void)close(fds->backend);
            fds->backend = -1;
            return err;
        }
    }
    if (fds->wake[0] >= 0) {
        err = async_epoll_ctl_(fds->backend, EPOLL_CTL_ADD, fds->wake[0],
                               EPOLLIN, ASYNC_EVENT_(ASYNC_EVENT_WAKE_,
                                                     fds->backend));
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
    uint64_t data = ASYNC_EVENT_(it->generation, it->fd);
    uint32_t interest = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI;
    int err = fds->backend < 0 ? async_backend_open_(fds) : 0;

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
        it->flags &= ~(unsigned)ASYNC_FD_ADDED_;
    }
}

/* A timer expires. */
ASYNC_API void async_backend_tick_(struct async_fds *fds)
{
    struct itimerspec second;

    if (fds->second < 0) {
        fds->second = ASYNC_SYS_(timerfd_create)(CLOCK_MONOTONIC,
                                                 TFD_NONBLOCK | TFD_CLOEXEC);
        if (fds->second < 0) {
            return;
        }
        if (async_epoll_ctl_(fds->backend, EPOLL_CTL_ADD, fds->second,
                             EPOLLIN, ASYNC_EVENT_(ASYNC_EVENT_SECOND_,
                                                   fds->backend)) < 0) {
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

#ifdef SYS_epoll_pwait2
/* The kernel's own structure, the same on 32-bit systems. */
static int async_epoll_pwait2_(int epoll, struct epoll_event *events,
                               int room, async_duration ticks)
{
    struct timespec time = {0, 0};
    struct { int64_t sec, nsec; } wide;

    (void)async_timespec_(ticks, &time);
    wide.sec = time.tv_sec;
    wide.nsec = time.tv_nsec;
    return (int)ASYNC_SYS_(syscall)(SYS_epoll_pwait2, epoll, events, room,
                                    &wide, NULL, (size_t)8);
}
#endif

/* l: an older kernel has only milliseconds here, but not in ppoll. */
ASYNC_APART_ int async_epoll_sleep_(struct async_fds *fds,
                                    struct epoll_event *events, int room,
                                    async_duration ticks)
{
    int epoll = fds->backend;
    struct timespec time;
    struct pollfd look;

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
    return ASYNC_SYS_(epoll_wait)(epoll, events, room, 0);
}

/* An event of any kind. */
static void async_epoll_event_(struct async_fds *fds,
                               const struct epoll_event *event)
{
    uint64_t data = event->data.u64;
    uint32_t seen = event->events;
    async_fd_ *it = fds->entries[(uint32_t)data];

    if (it->generation != (int)(data >> 32)) {      /* a: its predecessor's */
        fds->verify |= data >> 32 == ASYNC_EVENT_SECOND_;
        return;
    }
    if ((seen & ~(uint32_t)(EPOLLIN | EPOLLOUT)) != 0) {
        it->flags &= ~(unsigned)ASYNC_FD_SHORT_;                    /* e */
        seen |= EPOLLIN;
        if ((seen & (EPOLLHUP | EPOLLERR)) != 0) {                  /* d */
            seen |= EPOLLOUT;
        }
        seen &= EPOLLIN | EPOLLOUT;
    }
    async_fd_event_(it, seen);
}

/* Is it the usual event, bytes for a task that waits in async_read? A TCP
 * socket can be written, too. If it is its predecessor's, the task reads in
 * vain, and waits again: a. */
ASYNC_HOT_ bool async_epoll_bytes_(const async_fd_ *it, uint32_t seen)
{
    return (seen == (EPOLLIN | EPOLLOUT)
            && it->flags == (ASYNC_FD_TCP_ | ASYNC_FD_EMPTY_
                             | ASYNC_FD_READER_))
        || (seen == EPOLLIN
            && it->flags == (ASYNC_FD_PIPE_ | ASYNC_FD_EMPTY_
                             | ASYNC_FD_READER_));
}

/* Its task is woken, and knows by what; false if none waits any more. */
ASYNC_HOT_ bool async_epoll_tell_(async_loop *loop, async_fd_ *it)
{
    async_node *node = it->waiters[ASYNC_READS_];

    if (ASYNC_UNLIKELY_(node == NULL)) {
        return false;
    }
    it->waiters[ASYNC_READS_] = NULL;
    it->flags += ASYNC_FD_TOLD_ - ASYNC_FD_EMPTY_ - ASYNC_FD_READER_;
    node->state -= ASYNC_LINKED_ - ASYNC_TOLD_;
    async_ready_(loop, ASYNC_TASK_(node));
    return true;
}

/* The rest of the events, from the first one that is not as usual; and what is
 * seldom to be done besides. */
ASYNC_APART_ void async_epoll_pass_(async_loop *loop,
                                    const struct epoll_event *event,
                                    const struct epoll_event *end)
{
    struct async_fds *fds = loop->fds;

    for (; event != end; event++) {
        async_fd_ *it = fds->entries[(uint32_t)event->data.u64];

        if (!async_epoll_bytes_(it, event->events)
            || !async_epoll_tell_(loop, it)) {
            loop->waiting++;
            async_epoll_event_(fds, event);
        }
    }
    if (fds->verify) {
        async_fds_verify_(fds);
    }
}

ASYNC_API void async_backend_wait_(struct async_fds *fds, async_duration ticks)
{
    struct epoll_event events[256];
    const struct epoll_event *event = events;
    const struct epoll_event *end;
    async_loop *loop;
    async_fd_ **entries;
    int n = ASYNC_LIKELY_(ticks == ASYNC_NEVER || ticks == 0)
        ? ASYNC_SYS_(epoll_wait)(fds->backend, events, 256,
                                 ticks == 0 ? 0 : -1)
        : async_epoll_sleep_(fds, events, 256, ticks);

    if (n <= 0) {
        return;
    }
    loop = async_this_loop_;
    entries = loop->fds->entries;
    loop->waiting -= (unsigned)n;       /* less who is woken elsewhere */
    end = events + n;
    do {
        async_fd_ *it = entries[(uint32_t)event->data.u64];

        if (ASYNC_UNLIKELY_(!async_epoll_bytes_(it, event->events)
                            || !async_epoll_tell_(loop, it))) {
            async_epoll_pass_(loop, event, end);
            break;
        }
    } while (++event != end);
}

#endif

#endif
/* ===========================================================================
 * fd_kqueue: descriptors by kqueue, edge-triggered, for macOS and the BSDs.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if ASYNC_HOSTED

#if ASYNC_KQUEUE

#include <sys/types.h>
#include <sys/event.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* An event brings back the generation for which its filter was added. Of two
 * systems, the one's `udata` is a pointer, and the other one's a number. */
static void async_kqueue_set_(struct kevent *change, int ident, int filter,
                              unsigned flags, int generation)
{
    memset(change, 0, sizeof *change);
    change->ident = (uintptr_t)ident;
    change->filter = (short)filter;
    change->flags = (unsigned short)flags;
    change->udata = (__typeof__(change->udata))(intptr_t)generation;
}

/* With no room for events, the first change that fails ends the call. */
static int async_kqueue_ctl_(int kqueue, const struct kevent *changes, int n)
{
    int rc;

    do {
        rc = ASYNC_SYS_(kevent)(kqueue, changes, n, NULL, 0, NULL);
    } while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : 0;
}

ASYNC_API int async_backend_open_(struct async_fds *fds)
{
    struct kevent wake;

    if (fds->backend < 0) {
        fds->backend = ASYNC_SYS_(kqueue)();
        if (fds->backend < 0) {
            return -errno;
        }
        (void)fcntl(fds->backend, F_SETFD, FD_CLOEXEC);
    }
    if (fds->wake[0] < 0) {
        return 0;
    }
    async_kqueue_set_(&wake, fds->wake[0], EVFILT_READ, EV_ADD | EV_CLEAR, 0);
    return async_kqueue_ctl_(fds->backend, &wake, 1);
}

ASYNC_API void async_backend_close_(struct async_fds *fds)
{
    if (fds->backend >= 0) {
        (void)close(fds->backend);
    }
}

/* Both directions at once, so that it is done for good; to add a filter that
 * is there is to look anew. What has no such filter (some devices) is said to
 * be always ready; and so is a pipe whose other end is gone, for whose writing
 * there is none any more. */
ASYNC_API int async_backend_arm_(struct async_fds *fds, async_fd_ *it)
{
    struct kevent both[2];
    int err = fds->backend < 0 ? async_backend_open_(fds) : 0;

    if (err < 0) {
        return err;
    }
    async_kqueue_set_(&both[0], it->fd, EVFILT_READ, EV_ADD | EV_CLEAR,
                      it->generation);
    async_kqueue_set_(&both[1], it->fd, EVFILT_WRITE, EV_ADD | EV_CLEAR,
                      it->generation);
    err = async_kqueue_ctl_(fds->backend, both, 2);
    it->flags |= ASYNC_FD_ADDED_;
    if (err == 0) {
        return 0;
    }
    async_backend_forget_(fds, it);             /* of one filter, perhaps */
    return err == -EINVAL || err == -ENODEV || err == -EOPNOTSUPP
                   || err == -ENOTSUP || err == -EPIPE
               ? ASYNC_EPERM : err;
}

ASYNC_API void async_backend_forget_(struct async_fds *fds, async_fd_ *it)
{
    struct kevent change;

    if ((it->flags & ASYNC_FD_ADDED_) != 0) {
        async_kqueue_set_(&change, it->fd, EVFILT_READ, EV_DELETE, 0);
        (void)async_kqueue_ctl_(fds->backend, &change, 1);
        async_kqueue_set_(&change, it->fd, EVFILT_WRITE, EV_DELETE, 0);
        (void)async_kqueue_ctl_(fds->backend, &change, 1);
        it->flags &= ~(unsigned)ASYNC_FD_ADDED_;
    }
}

ASYNC_API void async_backend_tick_(struct async_fds *fds)
{
    struct kevent second;

    async_kqueue_set_(&second, 0, EVFILT_TIMER, EV_ADD | EV_ONESHOT, 0);
    second.data = 1000;                     /* ms, where nothing else is said */
    fds->ticking = async_kqueue_ctl_(fds->backend, &second, 1) == 0;
}

/* Urgent data is not told of everywhere: what stands behind it may be read a
 * second or two late, when the wait is looked after. */
static void async_kqueue_event_(struct async_fds *fds,
                                const struct kevent *event)
{
    async_fd_ *it;
    unsigned ends;

    if (event->filter == EVFILT_TIMER) {
        fds->verify = true;
        return;
    }
    if ((int)event->ident == fds->wake[0]) {
        async_fds_woken_(fds);
        return;
    }
    it = async_fd_find_(fds, (int)event->ident);
    if (it == NULL || it->generation != (int)(intptr_t)event->udata) {  /* a */
        return;
    }
    ends = event->filter == EVFILT_READ ? ASYNC_FD_EMPTY_ : ASYNC_FD_STUCK_;
    if ((event->flags & (EV_EOF | EV_ERROR)) != 0) {
        it->flags &= ~(unsigned)ASYNC_FD_SHORT_;                    /* e */
        ends = ASYNC_FD_EMPTY_ | ASYNC_FD_STUCK_;                   /* d */
    }
    async_fd_event_(it, ends);
}

/* Longer waits than 11 days are refused by some: the loop waits again. */
#define ASYNC_KQUEUE_LONGEST_ 1000000

ASYNC_API void async_backend_wait_(struct async_fds *fds, async_duration ticks)
{
    struct kevent events[256];
    struct timespec time;
    const struct timespec *limit = async_timespec_(ticks, &time);
    int n, i;

    if (limit != NULL && time.tv_sec > ASYNC_KQUEUE_LONGEST_) {
        time.tv_sec = ASYNC_KQUEUE_LONGEST_;
    }
    n = ASYNC_SYS_(kevent)(fds->backend, NULL, 0, events, 256, limit);
    for (i = 0; i < n; i++) {
        async_kqueue_event_(fds, &events[i]);
    }
    if (fds->verify) {
        async_fds_verify_(fds);
    }
}

#endif

#endif
/* ===========================================================================
 * fd_poll: descriptors by poll(2), for systems with neither epoll nor kqueue.
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

/* Without room it is not looked at: then the operation fails, again if it is
 * tried again. */
static int async_poll_add_(struct async_fds *fds, async_fd_ *it)
{
    int err = async_poll_room_(fds, fds->limit + 1);

    if (err == 0) {
        it->flags |= ASYNC_FD_ADDED_;
    }
    return err;
}

ASYNC_API int async_backend_arm_(struct async_fds *fds, async_fd_ *it)
{
    return async_poll_add_(fds, it);
}

ASYNC_API void async_backend_forget_(struct async_fds *fds, async_fd_ *it)
{
    (void)fds;
    it->flags &= ~(unsigned)ASYNC_FD_ADDED_;
}

ASYNC_API int async_backend_waits_(struct async_fds *fds, async_fd_ *it)
{
    return async_poll_add_(fds, it);
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
        unsigned ends;
        async_fd_ *it;

        if (seen == 0) {
            continue;
        }
        if (fds->polls[i].fd == fds->wake[0]) {
            async_fds_woken_(fds);
            continue;
        }
        it = async_fd_find_(fds, fds->polls[i].fd);
        if ((seen & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
            it->flags &= ~(unsigned)ASYNC_FD_SHORT_;                /* e */
            async_fd_event_(it, ASYNC_FD_EMPTY_ | ASYNC_FD_STUCK_); /* d */
            continue;
        }
        ends = (seen & POLLIN) != 0 ? ASYNC_FD_EMPTY_ : 0;
        ends |= (seen & POLLOUT) != 0 ? ASYNC_FD_STUCK_ : 0;
        async_fd_event_(it, ends);
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

#ifndef ASYNC_STATIC
async_fd_ async_fd_nobodys_;
ASYNC_THREAD async_fd_ *async_this_fd_ = &async_fd_nobodys_;
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
        fds->none.flags = ASYNC_FD_NEW_;
        loop->fds = fds;
        async_fd_sigpipe_();
    }
    return fds;
}

ASYNC_API void async_port_rests_(void)
{
    async_this_fd_ = &async_fd_nobodys_;
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
        for (i = fds->limit; i < room; i++) {
            entries[i] = &fds->none;
        }
        fds->entries = entries;
        fds->limit = room;
        async_this_loop_->known = room;
    }
    if (fds->entries[number] == &fds->none) {
        chunk = (async_fd_ *)ASYNC_SYS_(calloc)(ASYNC_CHUNK_, sizeof *chunk);
        if (chunk == NULL) {
            *err = ASYNC_ENOMEM;
            return NULL;
        }
        for (i = 0; i < ASYNC_CHUNK_; i++) {
            chunk[i].generation = 1;
            chunk[i].fd = (int)(first + i);
            chunk[i].flags = ASYNC_FD_NEW_;
            fds->entries[first + i] = chunk + i;
        }
    }
    return fds->entries[number];
}

ASYNC_API void async_fd_wake_all_(async_fd_ *it, int direction, int result)
{
    async_node *ring = it->waiters[direction];
    async_node *node;

    it->waiters[direction] = NULL;
    async_fd_alone_(it);
    while ((node = async_ring_pop_(&ring)) != NULL) {
        async_this_loop_->waiting--;
        async_wake_(ASYNC_TASK_(node), result);
    }
}

ASYNC_API void async_fd_reset_(struct async_fds *fds, async_fd_ *it,
                               int result)
{
    it->generation = it->generation == INT_MAX ? 1 : it->generation + 1;
    it->reset = fds->turn;
    it->flags = ASYNC_FD_NEW_;
#if ASYNC_DEBUG
    it->held.by = NULL;
#endif
    async_fd_wake_(it, ASYNC_READS_, result);
    async_fd_wake_(it, ASYNC_WRITES_, result);
}

ASYNC_API void async_fd_adopt_(int fd, unsigned flags)
{
    int err;
    struct async_fds *fds = async_fds_(async_this_loop_, &err);
    async_fd_ *it = fds == NULL ? NULL : async_fd_make_(fds, fd, &err);

    if (it != NULL) {               /* else it is looked at when it is used */
        if (it->flags != ASYNC_FD_NEW_) {
            async_fd_reset_(fds, it, ASYNC_EBADF);
        }
        it->flags = flags;
#if ASYNC_DEBUG
        it->held.by = NULL;
#endif
    }
}

/* What is it? Its flags, or an error. For TCP that is two system calls. */
static int async_fd_look_(int fd)
{
    struct stat status;
    int value, mode;
    socklen_t size = sizeof value;
    int flags = 0;

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
        return 0;                           /* c: it never says EAGAIN */
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
        it->flags = (it->flags & ~(unsigned)ASYNC_FD_NEW_) | (unsigned)flags;
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
        async_this_loop_->waiting--;
        async_set_state_(task, ASYNC_RUNNING_);
        if (async_fd_is_young_(fds, it)
            || (it->flags & ASYNC_FD_ADDED_) == 0) {
            *rc = async_deliver_(task);     /* it was closed meanwhile: a */
            return NULL;
        }
        return it;
    }
    if (async_state_(task) == ASYNC_TOLD_) {
        async_fd_ *by = (async_fd_ *)(void *)task->timer.u.ring;

        *rc = (by->flags & ASYNC_FD_TOLD_) != 0 ? 0 : ASYNC_EBADF;  /* a */
        by->flags &= ~(unsigned)ASYNC_FD_TOLD_;
        async_fd_alone_(by);
    } else {
        *rc = task->timer.u.result;
    }
    async_set_state_(task, ASYNC_RUNNING_);
    if (*rc > 0 && (it == NULL || it->generation != *rc)) {
        *rc = ASYNC_EBADF;                  /* woken, then closed: a */
    }
    if (*rc < 0) {
        return NULL;
    }
    if (it == NULL || (it->flags & ASYNC_FD_NEW_) != 0) {
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
    if (it == NULL || (it->flags & ASYNC_FD_NEW_) != 0) {
        return async_fd_begin_(fd, rc);
    }
    return it;
}

ASYNC_API async_status async_fd_park_(async_fd_ *it, int direction,
                                      const char *what)
{
    async_task *task = async_this_task_;
    struct async_fds *fds = async_this_loop_->fds;

    if (ASYNC_STRUCK_P_(task)) {
        return async_deliver_(task);
    }
    if ((it->flags & ASYNC_FD_ADDED_) == 0 || !ASYNC_BACKEND_WAITS_(fds)) {
        int err = async_backend_waits_(fds, it);

        if (err == ASYNC_EPERM) {           /* c: look again in each turn */
            it->flags &= ~(unsigned)(ASYNC_FD_EMPTY_ | ASYNC_FD_STUCK_);
            return ASYNC_PENDING;
        }
        if (err < 0) {
            return err;
        }
    }
    return async_fd_rest_(it, direction, what);
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
        it->flags |= direction == ASYNC_READS_ ? ASYNC_FD_EMPTY_
                                               : ASYNC_FD_STUCK_;
        return async_fd_park_(it, direction, what);
    }
    if (err == EBADF) {
        async_fd_reset_(fds, it, 0);
    } else if (err == ENOTSOCK && (it->flags & ASYNC_FD_SOCKET_) != 0) {
        /* a: it was a socket when it was last looked at. */
        int flags = async_fd_look_(it->fd);

        async_fd_reset_(fds, it, 0);
        if (flags >= 0 && (flags & ASYNC_FD_SOCKET_) == 0) {
            it->flags |= (unsigned)flags;
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

ASYNC_API void async_fds_woken_(const struct async_fds *fds)
{
    char drain[64];

    while (ASYNC_SYS_(read)(fds->wake[0], drain, sizeof drain)
           == (ptrdiff_t)sizeof drain) {
    }
}

ASYNC_API void async_port_idle(async_loop *loop, async_duration ticks)
{
    struct async_fds *fds = loop->fds;
    struct timespec time;

    if (fds != NULL) {
        fds->turn++;
    }
    if (fds == NULL || (loop->waiting == 0 && fds->wake[0] < 0)) {
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
    if (ticks != 0 || loop->waiting != 0) {
        async_backend_wait_(fds, ticks);
    }
}

ASYNC_API bool async_port_waits_(const async_loop *loop)
{
    return loop->waiting != 0;
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
    if (fds->offloads != NULL) {
        fds->offloads_close(fds->offloads);
    }
#if ASYNC_DEBUG
    if (fds->signals != 0) {
        async_debug_misuse_("async_loop_close", "a signal is still watched: "
                            "async_signal_close comes before the loop's end");
    }
    async_held_ends_(fds);
#endif
    loop->fds = NULL;
    loop->known = 0;
    loop->waiting = 0;
    async_backend_close_(fds);
    for (i = 0; i < 2; i++) {
        if (fds->wake[i] >= 0 && (i == 0 || fds->wake[1] != fds->wake[0])) {
            (void)close(fds->wake[i]);
        }
    }
    for (i = 0; i < fds->limit; i += ASYNC_CHUNK_) {
        if (fds->entries[i] != &fds->none) {
            free(fds->entries[i]);
        }
    }
    free(fds->entries);
    free(fds);
    return 0;
}

#endif
#if ASYNC_DEBUG
/* ===========================================================================
 * held: what was opened in a loop, and never closed: streams, servers and
 * processes. For debug builds. It closes nothing.
 *
 * What is noted stands with the descriptor that is to be closed, in the loop's
 * table; of the stream only the address is kept, and nothing is looked at. So
 * it does not matter where that was, and whether its memory is still there; and
 * whoever closes the descriptor has closed it. It is told when the loop ends,
 * or before that, if another one is opened in the same memory: then nobody can
 * close it any more. (The end of a coroutine tells nothing: its struct may live
 * on, and what it has opened is what others of the same struct go on with.)
 *
 * A process need not have a descriptor: then it stands in a short list of the
 * table's, or nowhere if that is full. Descriptors 0, 1 and 2 are shared with
 * others: a stream over one of them may well be flushed, and stay open.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if ASYNC_HOSTED && ASYNC_DEBUG

#include <fcntl.h>
#include <signal.h>

/* "async: a stream was never closed: opened at a.c:12, by task `work`" */
static void async_held_report_(async_held_ *held)
{
    size_t at = async_say_(0, "async: ");

    at = async_say_(at, held->kind);
    at = async_say_(at, " was never closed: opened at ");
    at = async_say_place_(at, held->file, held->line);
    if (held->task != NULL) {
        at = async_say_(at, ", by task `");
        at = async_say_(at, held->task);
        (void)async_say_(at, "`");
    }
    held->by = NULL;
    ASYNC_WARN(async_said_());
}

/* Of all descriptors, whose are held. One may have been closed by close(2). */
static void async_held_of_fds_(const struct async_fds *fds, const void *by)
{
    unsigned fd;

    for (fd = 0; fd < fds->limit; fd++) {
        async_fd_ *it = async_fd_find_(fds, (int)fd);

        if (it == NULL) {
            fd += ASYNC_CHUNK_ - 1;
        } else if (it->held.by != NULL && (by == NULL || it->held.by == by)
                   && fcntl(it->fd, F_GETFD) >= 0) {
            async_held_report_(&it->held);
        }
    }
}

static void async_held_of_children_(struct async_fds *fds, const void *by)
{
    int i;

    for (i = 0; i < ASYNC_CHILDREN_; i++) {
        async_held_ *held = &fds->children[i];

        if (held->by != NULL && (by == NULL || held->by == by)
            && kill(held->pid, 0) == 0) {
            async_held_report_(held);
        }
    }
}

ASYNC_API void async_held_open_(const void *by, int fd, int pid,
                                const char *kind, const char *file, int line)
{
    int err, i;
    struct async_fds *fds = async_this_loop_ == NULL
        ? NULL : async_fds_(async_this_loop_, &err);
    async_held_ *held = NULL;

    if (fds == NULL || (fd >= 0 && fd <= 2)) {
        return;
    }
    async_held_of_fds_(fds, by);
    async_held_of_children_(fds, by);
    if (fd >= 0) {
        async_fd_ *it = async_fd_make_(fds, fd, &err);

        held = it == NULL ? NULL : &it->held;
    }
    for (i = 0; fd < 0 && i < ASYNC_CHILDREN_; i++) {
        if (fds->children[i].by == NULL || fds->children[i].by == by) {
            held = &fds->children[i];
        }
    }
    if (held != NULL) {
        held->by = by;
        held->kind = kind;
        held->task = async_debug_task_name_();
        held->file = file;
        held->line = line;
        held->pid = pid;
    }
}

ASYNC_API void async_held_close_(const void *by)
{
    struct async_fds *fds = async_this_loop_ == NULL ? NULL
                                                     : async_this_loop_->fds;
    int i;

    for (i = 0; fds != NULL && i < ASYNC_CHILDREN_; i++) {
        if (fds->children[i].by == by) {
            fds->children[i].by = NULL;
        }
    }
}

ASYNC_API void async_held_ends_(struct async_fds *fds)
{
    async_held_of_fds_(fds, NULL);
    async_held_of_children_(fds, NULL);
}

#endif
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
        loop->waiting--;
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

static ptrdiff_t async_fd_read_(const async_fd_ *it, int fd, void *buffer,
                                size_t length)
{
    if ((it->flags & ASYNC_FD_SOCKET_) != 0) {
        return ASYNC_SYS_(recv)(fd, buffer, length, MSG_DONTWAIT);
    }
    if ((it->flags & ASYNC_FD_BLOCKS_) != 0 && !async_fd_ready_(fd, POLLIN)) {
        return -1;
    }
    return ASYNC_SYS_(read)(fd, buffer, length);
}

/* Whatever way it goes. */
ASYNC_APART_ async_status async_read_any_(int fd, void *buffer, size_t length)
{
    async_status rc;
    async_fd_ *it;
    ptrdiff_t n;

    if (buffer == NULL && length != 0) {
        return async_settle_(async_self_(), ASYNC_EINVAL);
    }
    it = async_fd_enter_(fd, &rc);
    if (it == NULL) {
        return rc;
    }
    if (length == 0) {
        return 0;               /* as read(2), which takes no datagram then */
    }
    if (!async_fd_may_(it, ASYNC_FD_EMPTY_)) {
        return async_fd_park_(it, ASYNC_READS_, "async_read");
    }
    length = async_fd_length_(length);
    n = async_fd_read_(it, fd, buffer, length);
    if (ASYNC_UNLIKELY_(n < 0)) {
        return async_fd_failed_(it, ASYNC_READS_, "async_read");
    }
    return async_fd_got_(it, n, length);
}

/* All that was asked for, the end, or an error: so it need not be empty. */
ASYNC_API async_status async_fd_read_on_(ptrdiff_t n)
{
    async_fd_ *it = async_this_fd_;

    it->flags &= ~(unsigned)ASYNC_FD_EMPTY_;
    return n >= 0 ? (async_status)n
                  : async_fd_failed_(it, ASYNC_READS_, "async_read");
}

#if ASYNC_QUICK_

/* What is left of the quick way: of a pipe that has bytes, and of whatever is
 * empty and was not the last that somebody was told of, or was not written. */
ASYNC_API async_status async_read_(int fd, void *buffer, size_t length)
{
    async_task *task = async_this_task_;

    if (task->timer.node.state == ASYNC_TOLD_) {
        async_fd_ *it = (async_fd_ *)(void *)task->timer.u.ring;

        if (it->fd == fd && it->flags == (ASYNC_FD_PIPE_ | ASYNC_FD_TOLD_)) {
            ptrdiff_t n;

            async_this_fd_ = it;
            task->timer.node.state = ASYNC_RUNNING_;
            it->flags = ASYNC_FD_PIPE_ | ASYNC_FD_EMPTY_;           /* e */
            n = ASYNC_SYS_(read)(fd, buffer, length);
            return ASYNC_LIKELY_((size_t)n - 1 < length - 1)
                ? (async_status)n : async_fd_read_on_(n);
        }
    } else if (task->timer.node.state == ASYNC_RUNNING_
               && length - 1 < INT_MAX && buffer != NULL) {
        async_fd_ *it = async_this_fd_;
        unsigned flags;

        if (it->fd != fd) {
            async_loop *loop = async_this_loop_;

            it = (unsigned)fd < loop->known && ASYNC_BACKEND_WAITS_(loop->fds)
                ? loop->fds->entries[(unsigned)fd] : &async_fd_nobodys_;
        }
        flags = it->flags & ~(unsigned)ASYNC_FD_WROTE_;
        if (flags == (ASYNC_FD_TCP_ | ASYNC_FD_EMPTY_)
            || flags == (ASYNC_FD_PIPE_ | ASYNC_FD_EMPTY_)) {
            return async_fd_rests_(it, task, flags);
        }
    }
    return async_read_any_(fd, buffer, length);
}
#else
ASYNC_API async_status async_read_(int fd, void *buffer, size_t length)
{
    return async_read_any_(fd, buffer, length);
}
#endif

ASYNC_HOT_ ptrdiff_t async_fd_write_(const async_fd_ *it, int fd,
                                     const void *buffer, size_t length)
{
    if ((it->flags & ASYNC_FD_SOCKET_) != 0) {
        return ASYNC_SYS_(send)(fd, buffer, length,
                                MSG_DONTWAIT | ASYNC_NOSIGNAL_);
    }
    if ((it->flags & ASYNC_FD_BLOCKS_) != 0) {                      /* h */
        if (!async_fd_ready_(fd, POLLOUT)) {
            return -1;
        }
        length = length > PIPE_BUF ? PIPE_BUF : length;
    }
    return ASYNC_SYS_(write)(fd, buffer, length);
}

ASYNC_APART_ async_status async_write_any_(int fd, const void *buffer,
                                           size_t length)
{
    async_status rc;
    async_fd_ *it = async_fd_enter_(fd, &rc);
    ptrdiff_t n;

    if (it == NULL) {
        return rc;
    }
    if (buffer == NULL && length != 0) {
        return ASYNC_EINVAL;
    }
    if (!async_fd_may_(it, ASYNC_FD_STUCK_)) {
        return async_fd_park_(it, ASYNC_WRITES_, "async_write");
    }
    length = async_fd_length_(length);
    n = async_fd_write_(it, fd, buffer, length);
    if (ASYNC_UNLIKELY_(n < 0)) {
        return async_fd_failed_(it, ASYNC_WRITES_, "async_write");
    }
    return async_fd_put_(it, n, length);
}

ASYNC_APART_ async_status async_write_rest_(int fd, const void *buffer,
                                            size_t length, size_t *done)
{
    if (done == NULL || *done > length || (buffer == NULL && length != 0)) {
        return async_settle_(async_self_(), ASYNC_EINVAL);
    }
    while (*done < length) {
        async_status n = async_write_any_(fd, (const char *)buffer + *done,
                                          length - *done);

        if (n < 0) {
            return n;
        }
        *done += (size_t)n;
    }
    *done = 0;
    return (async_status)async_fd_length_(length);
}

/* It has taken a part, or nothing. */
static async_status async_fd_write_ended_(async_fd_ *it, ptrdiff_t n,
                                          size_t *done)
{
    if (n < 0) {
        return async_fd_failed_(it, ASYNC_WRITES_, done == NULL
                                    ? "async_write" : "async_write_all");
    }
    it->flags |= ASYNC_FD_STUCK_;
    if (done != NULL) {
        *done = (size_t)n;
        return async_fd_park_(it, ASYNC_WRITES_, "async_write_all");
    }
    return (async_status)n;
}

ASYNC_API async_status async_fd_write_on_(ptrdiff_t n, bool all)
{
    return async_fd_write_ended_(async_this_fd_, n,
                                 all ? async_this_task_->timer.u.done : NULL);
}

#if ASYNC_QUICK_

/* One more operation; false if somebody is to look who made so many: the
 * function that goes on from here does, and counts it again. */
ASYNC_HOT_ bool async_fd_counts_(struct async_fds *fds)
{
    if (ASYNC_LIKELY_(--fds->left != 0)) {
        return true;
    }
    fds->left = 1;
    return false;
}

/* What is left of the quick way: nobody waits to write, as all was taken until
 * now, by a TCP socket (who reads, or will, is the same to a write) or by a
 * pipe, whose writing end has mostly never been waited for. */
ASYNC_HOT_ async_fd_ *async_fd_takes_(int fd, const void *buffer,
                                      size_t length)
{
    async_loop *loop = async_this_loop_;

    if ((unsigned)fd < loop->known && length - 1 < INT_MAX && buffer != NULL
        && async_this_task_->timer.node.state == ASYNC_RUNNING_) {
        async_fd_ *it = loop->fds->entries[(unsigned)fd];

        if (((it->flags & ~(unsigned)(ASYNC_FD_EMPTY_ | ASYNC_FD_READER_
                                      | ASYNC_FD_AGE_ | ASYNC_FD_TOLD_
                                      | ASYNC_FD_WROTE_)) == ASYNC_FD_TCP_
             || (it->flags | ASYNC_FD_ADDED_) == ASYNC_FD_PIPE_)
            && async_fd_counts_(loop->fds)) {
            return it;
        }
    }
    return NULL;
}

ASYNC_HOT_ async_status async_fd_give_(async_fd_ *it, int fd,
                                       const void *buffer, size_t length,
                                       size_t *done)
{
    ptrdiff_t n = (it->flags & ASYNC_FD_SOCKET_) != 0
        ? ASYNC_SYS_(send)(fd, buffer, length, MSG_DONTWAIT | ASYNC_NOSIGNAL_)
        : ASYNC_SYS_(write)(fd, buffer, length);

    return ASYNC_LIKELY_((size_t)n == length)
        ? (async_status)n : async_fd_write_ended_(it, n, done);
}

ASYNC_API async_status async_write_(int fd, const void *buffer, size_t length)
{
    async_fd_ *it = async_fd_takes_(fd, buffer, length);

    return ASYNC_LIKELY_(it != NULL)
        ? async_fd_give_(it, fd, buffer, length, NULL)
        : async_write_any_(fd, buffer, length);
}

ASYNC_API async_status async_write_all_(int fd, const void *buffer,
                                        size_t length, size_t *done)
{
    async_fd_ *it = done == NULL || *done != 0 ? NULL
        : async_fd_takes_(fd, buffer, length);

    return ASYNC_LIKELY_(it != NULL)
        ? async_fd_give_(it, fd, buffer, length, done)
        : async_write_rest_(fd, buffer, length, done);
}
#else
ASYNC_API async_status async_write_(int fd, const void *buffer, size_t length)
{
    return async_write_any_(fd, buffer, length);
}

ASYNC_API async_status async_write_all_(int fd, const void *buffer,
                                        size_t length, size_t *done)
{
    return async_write_rest_(fd, buffer, length, done);
}
#endif

/* ---- several pieces, and all of something -------------------------------- */

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
    if (!async_fd_may_(it, ASYNC_FD_EMPTY_)) {
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
        return ASYNC_SYS_(sendmsg)(fd, &message,
                                   MSG_DONTWAIT | ASYNC_NOSIGNAL_);
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
    if (!async_fd_may_(it, ASYNC_FD_STUCK_)) {
        return async_fd_park_(it, ASYNC_WRITES_, "async_writev");
    }
    n = async_fd_writev_(it, fd, pieces, count);
    if (n < 0) {
        return async_fd_failed_(it, ASYNC_WRITES_, "async_writev");
    }
    return async_fd_put_(it, n, (size_t)rc);
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
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
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
    if (by->flags == 0 && !async_fd_may_(it, ASYNC_FD_EMPTY_)) {
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
    int flags = by->flags | MSG_DONTWAIT | ASYNC_NOSIGNAL_;

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
    if (!async_fd_may_(it, ASYNC_FD_STUCK_)) {
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
    by->flags = flags & ~(MSG_DONTWAIT | ASYNC_NOSIGNAL_);
}

/* Of a TCP socket, a call without flags is a read or a write, which have a
 * quick way. */
#if ASYNC_QUICK_
ASYNC_HOT_ bool async_is_plain_(int fd, size_t length, int flags)
{
    const async_loop *loop = async_this_loop_;

    return flags == 0 && length != 0 && (unsigned)fd < loop->known
        && (loop->fds->entries[fd]->flags & (ASYNC_FD_TCP_ | ASYNC_FD_NEW_))
            == ASYNC_FD_TCP_;
}
#else
#define async_is_plain_(fd, length, flags) false
#endif

ASYNC_API async_status async_recv(int fd, void *buffer, size_t length,
                                  int flags)
{
    struct async_transfer_ by;

    if (async_is_plain_(fd, length, flags)) {
        return async_read(fd, buffer, length);
    }
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

    if (async_is_plain_(fd, length, flags)) {
        return async_write(fd, buffer, length);
    }
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

        if ((it->flags & ASYNC_FD_FULL_) != 0) {
            it->flags &= ~(unsigned)ASYNC_FD_FULL_;
            async_fd_event_(it, ASYNC_FD_EMPTY_);
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
        alarm->fire = async_accept_rested_;
        async_alarm_set_(alarm, ASYNC_MS(10));
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
    if (!async_fd_may_(it, ASYNC_FD_EMPTY_)) {
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
    begun = begun && (it->flags & ASYNC_FD_CONNECTS_) != 0; /* or gave way */
    it->flags &= ~(unsigned)ASYNC_FD_CONNECTS_;
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
        it->flags &= ~(unsigned)(ASYNC_FD_EMPTY_ | ASYNC_FD_STUCK_);
        return 0;
    }
    if (err == EINPROGRESS || err == EALREADY || err == EINTR) {
        if (!begun) {           /* a: armed anew, whatever it was before */
            err = async_backend_arm_(async_this_loop_->fds, it);
            if (err < 0) {
                return err;
            }
        }
        it->flags |= ASYNC_FD_CONNECTS_;
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

/* ---- Unix sockets -------------------------------------------------------- */

static int async_unix_address_(struct sockaddr_un *address, const char *path)
{
    size_t length = path == NULL ? 0 : strlen(path);

    if (length == 0 || length >= sizeof address->sun_path) {
        return ASYNC_EINVAL;
    }
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, length);
    return 0;
}

/* The path is taken: by the file of a socket that no process has any more? A
 * connection that is refused does not tell, as that is what one gets that is
 * bound and does not listen yet, too. So a socket of another type asks: it is
 * refused where there is nobody, and told of its type where there is somebody,
 * who hears nothing of it. (A file of another kind refuses connections as well;
 * a link is one, wherever it leads.) */
static bool async_unix_is_dead_(const struct sockaddr_un *address)
{
    struct stat status;
    bool dead;
    int fd;

    if (lstat(address->sun_path, &status) < 0 || !S_ISSOCK(status.st_mode)) {
        return false;
    }
    fd = async_socket_make_(AF_UNIX, SOCK_DGRAM, 0);
    if (fd < 0) {
        return false;
    }
    do {
        dead = ASYNC_SYS_(connect)(fd, (const struct sockaddr *)address,
                                   sizeof *address) < 0;
    } while (dead && errno == EINTR);
    dead = dead && errno == ECONNREFUSED;
    (void)close(fd);
    return dead;
}

/* Two may find the same dead file: then one of them would remove what the other
 * has just put there. So they take turns, by a lock on the folder, which leaves
 * nothing behind; it is held for the few calls below. Its descriptor, or -1 if
 * it is not to be had for some 10 ms: then nothing is removed. */
static int async_unix_lock_(const char *path)
{
    const char *slash = strrchr(path, '/');
    char folder[sizeof ((struct sockaddr_un *)0)->sun_path + 1] = ".";
    int tries, fd;

    if (slash != NULL) {
        memcpy(folder, path, (size_t)(slash - path) + 1);
        folder[slash - path + 1] = '\0';
    }
    fd = ASYNC_SYS_(open)(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    for (tries = 0; fd >= 0; tries++) {
        if (ASYNC_SYS_(flock)(fd, LOCK_EX | LOCK_NB) == 0) {
            return fd;
        }
        if ((errno != EWOULDBLOCK && errno != EINTR) || tries == 200) {
            (void)close(fd);
            return -1;
        }
        async_port_pause_();
    }
    return -1;
}

static int async_unix_bind_(int fd, const struct sockaddr_un *address)
{
    return ASYNC_SYS_(bind)(fd, (const struct sockaddr *)address,
                            sizeof *address) < 0 ? -errno : 0;
}

static int async_unix_replace_(int fd, const struct sockaddr_un *address)
{
    int lock = async_unix_lock_(address->sun_path);
    int err = ASYNC_EADDRINUSE;

    if (lock >= 0) {
        if (async_unix_is_dead_(address) && unlink(address->sun_path) == 0) {
            err = async_unix_bind_(fd, address);
        }
        (void)flock(lock, LOCK_UN);     /* a child may have it, too */
        (void)close(lock);
    }
    return err;
}

ASYNC_API int async_unix_listen(const char *path, int backlog)
{
    struct sockaddr_un address;
    int err = async_unix_address_(&address, path);
    int fd = err < 0 ? err : async_socket(AF_UNIX, SOCK_STREAM, 0);

    if (fd < 0) {
        return fd;
    }
    err = async_unix_bind_(fd, &address);
    if (err == ASYNC_EADDRINUSE && async_unix_is_dead_(&address)) {
        err = async_unix_replace_(fd, &address);
    }
    if (err == 0 && ASYNC_SYS_(listen)(fd, backlog) < 0) {
        err = -errno;
        (void)unlink(path);
    }
    if (err < 0) {
        (void)async_close(fd);
        return err;
    }
    return fd;
}

ASYNC_API async_status async_unix_connect(int *fd, const char *path)
{
    struct sockaddr_un address;
    int rc;

    if (fd == NULL) {
        return async_settle_(async_self_(), ASYNC_EINVAL);
    }
    rc = async_unix_address_(&address, path);
    if (rc == 0 && async_state_(async_self_()) == ASYNC_RUNNING_) {
        rc = async_socket(AF_UNIX, SOCK_STREAM, 0);
        *fd = rc;
    }
    if (rc < 0) {
        *fd = -1;
        return rc;
    }
    rc = async_connect(*fd, (struct sockaddr *)&address, sizeof address);
    if (rc < 0 && rc != ASYNC_PENDING) {
        (void)async_close(*fd);
        *fd = -1;
    }
    return rc;
}

ASYNC_API int async_socketpair(int ends[2])
{
    int type = SOCK_STREAM;
    int i, err = 0;

    if (ends == NULL) {
        return ASYNC_EINVAL;
    }
#ifdef SOCK_NONBLOCK
    type |= SOCK_NONBLOCK | SOCK_CLOEXEC;
#endif
    if (ASYNC_SYS_(socketpair)(AF_UNIX, type, 0, ends) < 0) {
        return -errno;
    }
#ifndef SOCK_NONBLOCK
    for (i = 0; i < 2 && err >= 0; i++) {
        err = async_socket_mode_(ends[i], true);
        if (err >= 0 && ASYNC_SYS_(fcntl)(ends[i], F_SETFD, FD_CLOEXEC) < 0) {
            err = -errno;
        }
    }
#endif
    for (i = 0; i < 2; i++) {
        if (err < 0) {
            (void)close(ends[i]);
        } else if (async_this_loop_ != NULL) {
            async_fd_adopt_(ends[i], ASYNC_FD_SOCKET_);
        }
    }
    return err < 0 ? err : 0;
}

#endif
/* ===========================================================================
 * stream: two buffers between a descriptor and its readers and writers. Here
 * are the output and the ends; the input is in stream_read.c.
 *
 * The invariant, true whenever no function of the two files runs:
 *
 *        in: | read before |#### received ####|      free      |+|  in_size,
 *            0          in_begin           in_end           in_size   +1: NUL
 *
 *       out: | sent before |##### written ####|      free      |
 *            0         out_begin           out_end          out_size
 *
 *   1. 0 <= begin <= end <= size, in both. Every byte that the kernel has given
 *      is in [in_begin, in_end) or in the hands of a caller, once; every byte
 *      that a caller has put is in [out_begin, out_end) or in the kernel's,
 *      once. A byte changes sides and an index moves in one step, with no await
 *      between: so a strike, which comes out of an await, finds it on the one
 *      side or on the other.
 *   2. Only the task `reader` receives, while there is one; only `sender`
 *      sends, while there is one. Each of these is parked in async_read or
 *      async_write on the descriptor, or polls there, or was handed its turn
 *      and is about to run; it comes back to the operation that parked it.
 *   3. Tasks are in `writers` only while there is a sender. The sender that
 *      leaves makes the oldest of them the next.
 *   4. goal <= out_end - out_begin: of what is written, so much is to be sent
 *      before the sender goes on. What is put meanwhile, behind it, is not
 *      waited for.
 *   5. While `message` is set, nobody else puts anything: the sender waits for
 *      room for the whole, or has put a part.
 *   6. If `holds`, the byte at in_begin is a NUL of ours, and `held` belongs
 *      there. No separator of the reader's begins in the `scanned` first bytes
 *      of the input.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if ASYNC_HOSTED

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

ASYNC_API int async_stream_open_(async_stream *stream, int fd, void *in,
                                 size_t in_size, void *out, size_t out_size
                                 ASYNC_OPENER_)
{
    if (stream == NULL || in_size == 1 || (in == NULL && in_size != 0)
        || (out == NULL && out_size != 0)) {
        return ASYNC_EINVAL;
    }
    if (stream->open) {
        return ASYNC_EALREADY;
    }
    if (fd < 0) {
        return fd;
    }
    memset(stream, 0, sizeof *stream);
    stream->fd = fd;
    stream->in = (char *)in;
    stream->in_size = in_size == 0 ? 0 : async_fd_length_(in_size - 1);
    stream->out = (char *)out;
    stream->out_size = async_fd_length_(out_size);
    stream->open = true;
#if ASYNC_DEBUG
    async_held_open_(stream, fd, 0, "a stream", file, line);
#endif
    return 0;
}

/* What became of a read or a write. Most errors are told but once by the
 * kernel, and a broken connection then looks like one that came to its end: so
 * the stream remembers. What can never be sent is dropped. */
ASYNC_API async_status async_stream_failed_(async_stream *stream,
                                            async_status rc)
{
    if (rc == ASYNC_PENDING || rc == ASYNC_CANCEL || rc == ASYNC_ENOMEM
        || rc == ASYNC_ENOBUFS || rc == ASYNC_ENOSPC || rc == ASYNC_EMFILE
        || rc == ASYNC_ENFILE) {
        return rc;
    }
    if (stream->error == 0) {
        stream->error = rc;
    }
    stream->out_begin = stream->out_end = stream->goal = 0;
    return stream->error;
}

/* ---- the output ---------------------------------------------------------- */

/* The end of every use of it: the sender waits on, or the next one is. */
ASYNC_API async_status async_stream_used_(async_stream *stream,
                                          async_task *task, async_status rc)
{
    if (rc == ASYNC_PENDING) {
        stream->sender = task;
        return rc;
    }
    if (stream->sender == task) {
        stream->sender = stream->writers.tail == NULL ? NULL
            : ASYNC_TASK_(stream->writers.tail->next);
        stream->goal = async_stream_written_(stream);
        stream->message = true;             /* until it says what it wants */
        (void)async_wake_one_(&stream->writers, 0);
    }
    return async_settle_(task, rc);
}

/* May the running task use the output? 0 if so. It becomes the sender only if
 * it then has to wait. */
static async_status async_stream_turn_(async_stream *stream, async_task *task)
{
    if (stream == NULL) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    if (ASYNC_UNLIKELY_(!stream->open)) {
        if (stream->sender == task) {       /* it was closed meanwhile */
            stream->sender = NULL;
            return async_write(-1, "", 1);  /* what that left of the wait */
        }
        return async_state_(task) == ASYNC_STRUCK_
            ? async_deliver_(task) : async_settle_(task, ASYNC_EBADF);
    }
    if (stream->sender == task) {
        if (stream->error != 0 && async_state_(task) != ASYNC_RUNNING_) {
            async_status rc = async_write(stream->fd, "", 0);   /* as above */

            return async_stream_used_(stream, task, rc == ASYNC_PENDING
                                      || rc == ASYNC_CANCEL ? rc
                                      : stream->error);
        }
        return 0;
    }
    if (async_state_(task) == ASYNC_STRUCK_) {
        return async_deliver_(task);        /* out of `writers` */
    }
    if (stream->sender == NULL) {
        return 0;
    }
    if (ASYNC_STRUCK_P_(task)) {
        return async_deliver_(task);
    }
    ASYNC_WAITS_("a turn to write to a stream", stream);
    return async_park_(&stream->writers);
}

static void async_stream_sent_(async_stream *stream, size_t n)
{
    stream->out_begin += n;
    stream->goal -= n < stream->goal ? n : stream->goal;
    if (stream->out_begin == stream->out_end) {
        stream->out_begin = stream->out_end = 0;
    }
}

static async_status async_stream_send_(async_stream *stream)
{
    while (stream->goal > 0) {
        async_status n = async_write(stream->fd,
                                     stream->out + stream->out_begin,
                                     async_stream_written_(stream));

        if (n < 0) {
            return async_stream_failed_(stream, n);
        }
        async_stream_sent_(stream, (size_t)n);
    }
    return 0;
}

ASYNC_API async_status async_stream_flush_(async_stream *stream,
                                           const async_task *task)
{
    if (stream->sender != task) {
        stream->goal = async_stream_written_(stream);
    }
    stream->message = false;
    return stream->error != 0 ? stream->error : async_stream_send_(stream);
}

/* The usual end of it is all in one call. */
ASYNC_APART_ async_status async_stream_drain_on_(async_stream *stream,
                                                 async_task *task,
                                                 async_status n)
{
    stream->goal = async_stream_written_(stream);
    stream->message = false;
    if (n < 0) {
        n = async_stream_failed_(stream, n);
    } else {
        async_stream_sent_(stream, (size_t)n);
        n = async_stream_send_(stream);
    }
    return async_stream_used_(stream, task, n);
}

ASYNC_API async_status async_stream_drain_(async_stream *stream,
                                           async_task *task)
{
    size_t written = async_stream_written_(stream);
    async_status n = async_write(stream->fd, stream->out + stream->out_begin,
                                 written);

    if (ASYNC_UNLIKELY_(n != (async_status)written)) {
        return async_stream_drain_on_(stream, task, n);
    }
    stream->out_begin = stream->out_end = stream->goal = 0;
    return 0;
}

/* Room for so many bytes at out_end: 0. */
static async_status async_stream_room_(async_stream *stream, size_t length)
{
    size_t written = async_stream_written_(stream);

    if (stream->error != 0 || stream->shut) {
        return stream->error != 0 ? stream->error : ASYNC_ESHUTDOWN;
    }
    if (length > stream->out_size) {
        return ASYNC_EMSGSIZE;
    }
    if (length > stream->out_size - written) {
        async_status rc;

        stream->goal = length - (stream->out_size - written);
        stream->message = true;
        rc = async_stream_send_(stream);
        if (rc < 0) {
            return rc;
        }
        written = async_stream_written_(stream);
    }
    if (length > stream->out_size - stream->out_end) {
        memmove(stream->out, stream->out + stream->out_begin, written);
        stream->out_begin = 0;
        stream->out_end = written;
    }
    return 0;
}

/* The sender only flushes, nobody is in line, and there is room. */
static bool async_stream_fits_(const async_stream *stream, size_t length)
{
    return stream->open && stream->error == 0 && !stream->shut
        && (stream->sender == NULL
            || (!stream->message && stream->writers.tail == NULL))
        && length <= stream->out_size - async_stream_written_(stream);
}

static async_status async_stream_put_(async_stream *stream, const void *data,
                                      size_t length)
{
    async_status rc = async_stream_room_(stream, length);

    if (rc < 0) {
        return rc;
    }
    if (length > 0) {
        memcpy(stream->out + stream->out_end, data, length);
        stream->out_end += length;
    }
    return (async_status)length;
}

ASYNC_API async_status async_stream_write(async_stream *stream,
                                          const void *data, size_t length)
{
    async_task *task = async_self_();
    async_status rc;

#if ASYNC_FAST_
    if (ASYNC_LIKELY_(stream != NULL && data != NULL && stream->sender == NULL
                      && stream->open && stream->error == 0 && !stream->shut
                      && length - 1 < stream->out_size - stream->out_end
                      && ASYNC_UP_TO_(task, ASYNC_RUNNING_))) {
        memcpy(stream->out + stream->out_end, data, length);
        stream->out_end += length;
        return (async_status)length;
    }
#endif
    if (data == NULL && length != 0) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    if (stream != NULL && async_state_(task) == ASYNC_RUNNING_
        && stream->sender != task && async_stream_fits_(stream, length)) {
        return async_stream_put_(stream, data, length);
    }
    rc = async_stream_turn_(stream, task);
    if (rc == 0) {
        rc = async_stream_used_(stream, task,
                                async_stream_put_(stream, data, length));
    }
    if (rc == ASYNC_PENDING) {
        ASYNC_LASTS_("async_stream_write", data, false);
    }
    return rc;
}

ASYNC_API int async_stream_try_write(async_stream *stream, const void *data,
                                     size_t length)
{
    if (stream == NULL || (data == NULL && length != 0)) {
        return ASYNC_EINVAL;
    }
    if (async_stream_fits_(stream, length)) {
        return async_stream_put_(stream, data, length);
    }
    return !stream->open ? ASYNC_EBADF
        : stream->error != 0 ? stream->error
        : stream->shut ? ASYNC_ESHUTDOWN
        : length > stream->out_size ? ASYNC_EMSGSIZE : ASYNC_EAGAIN;
}

/* One call for what is in the buffer, and the caller's bytes behind it. */
static async_status async_stream_send_with_(async_stream *stream,
                                            const void *data, size_t length)
{
    size_t written = async_stream_written_(stream);
    struct iovec pieces[2];
    async_status n;

    if (written == 0) {
        return async_write(stream->fd, data, length);
    }
    pieces[0].iov_base = stream->out + stream->out_begin;
    pieces[0].iov_len = written;
    pieces[1].iov_base = (void *)(uintptr_t)data;
    pieces[1].iov_len = length;
    n = async_writev(stream->fd, pieces, 2);
    if (n < 0) {
        return n;
    }
    async_stream_sent_(stream, (size_t)n < written ? (size_t)n : written);
    return (size_t)n < written ? 0 : n - (async_status)written;
}

static async_status async_stream_put_all_(async_stream *stream,
                                          const void *data, size_t length,
                                          size_t *done)
{
    async_status n = async_stream_room_(stream, 0);

    stream->goal = 0;
    stream->message = true;
    while (n >= 0 && length - *done
                     > stream->out_size - async_stream_written_(stream)) {
        n = async_stream_send_with_(stream, (const char *)data + *done,
                                    length - *done);
        if (n < 0) {
            return async_stream_failed_(stream, n);
        }
        *done += (size_t)n;
    }
    if (n >= 0) {
        n = async_stream_put_(stream, (const char *)data + *done,
                              length - *done);
    }
    if (n >= 0) {
        *done = 0;
        n = (async_status)async_fd_length_(length);
    }
    return n;
}

ASYNC_API async_status async_stream_write_all(async_stream *stream,
                                              const void *data, size_t length,
                                              size_t *done)
{
    async_task *task = async_self_();
    async_status rc;

    if (done == NULL || *done > length || (data == NULL && length != 0)) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    rc = async_stream_turn_(stream, task);
    if (rc == 0) {
        rc = async_stream_used_(stream, task, async_stream_put_all_(
            stream, data, length, done));
    }
    if (rc == ASYNC_PENDING) {
        ASYNC_LASTS_("async_stream_write_all", data, false);
        ASYNC_LASTS_("async_stream_write_all", done, false);
    }
    return rc;
}

/* The text is made in the free part of the buffer, be that large enough or not:
 * so its length is known. If it is not, it is made again when there is room. */
ASYNC_PRINTF_(4, 0)
static async_status async_stream_print_(async_stream *stream, int length,
                                        size_t room, const char *format,
                                        va_list arguments)
{
    async_status rc = async_stream_room_(stream, (size_t)length + 1);

    if (rc < 0) {
        return rc;
    }
    if ((size_t)length >= room) {
        (void)vsnprintf(stream->out + stream->out_end, (size_t)length + 1,
                        format, arguments);
    }
    stream->out_end += (size_t)length;
    return length;
}

ASYNC_API async_status async_stream_printf(async_stream *stream,
                                           const char *format, ...)
{
    async_task *task = async_self_();
    size_t room = stream == NULL || !stream->open
        ? 0 : stream->out_size - stream->out_end;
    async_status rc = 0;
    va_list arguments;
    int length;

    if (format == NULL) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    va_start(arguments, format);
    length = vsnprintf(room == 0 ? NULL : stream->out + stream->out_end, room,
                       format, arguments);
    va_end(arguments);
    va_start(arguments, format);
    if (length < 0) {
        rc = async_settle_(task, ASYNC_EINVAL);
    } else if (stream != NULL && async_state_(task) == ASYNC_RUNNING_
               && stream->sender != task
               && async_stream_fits_(stream, (size_t)length + 1)) {
        rc = async_stream_print_(stream, length, room, format, arguments);
    } else {
        rc = async_stream_turn_(stream, task);
        if (rc == 0) {
            rc = async_stream_used_(stream, task, async_stream_print_(
                stream, length, room, format, arguments));
        }
    }
    va_end(arguments);
    return rc;
}

ASYNC_API size_t async_stream_unsent(const async_stream *stream)
{
    return stream == NULL ? 0 : async_stream_written_(stream);
}

ASYNC_API async_status async_stream_flush(async_stream *stream)
{
    async_task *task = async_self_();
    async_status rc;

#if ASYNC_FAST_
    if (ASYNC_LIKELY_(stream != NULL && stream->sender == NULL
                      && stream->out_end != stream->out_begin
                      && stream->open && stream->error == 0
                      && ASYNC_UP_TO_(task, ASYNC_RUNNING_))) {
        return async_stream_drain_(stream, task);
    }
#endif
    rc = async_stream_turn_(stream, task);
    return rc != 0 ? rc
        : async_stream_used_(stream, task, async_stream_flush_(stream, task));
}

/* ---- the end ------------------------------------------------------------- */

/* Who is parked on the descriptor is woken by its close, and comes back to a
 * stream that is not open; so do those in line. */
ASYNC_API int async_stream_abort(async_stream *stream)
{
    if (stream == NULL) {
        return ASYNC_EINVAL;
    }
    if (!stream->open) {
        return ASYNC_EBADF;
    }
    stream->open = false;           /* its fd: -1 for a pipe that was shut */
    stream->in_begin = stream->in_end = 0;
    stream->out_begin = stream->out_end = stream->goal = 0;
    stream->holds = false;
    while (async_wake_one_(&stream->writers, ASYNC_EBADF)) {
    }
    return stream->fd < 0 ? 0 : async_close(stream->fd);
}

static async_status async_stream_shut_(async_stream *stream,
                                       const async_task *task)
{
    async_status rc = async_stream_flush_(stream, task);

    if (rc < 0 || stream->shut) {
        return rc;
    }
    if (ASYNC_SYS_(shutdown)(stream->fd, SHUT_WR) < 0) {
        rc = -errno;
        if (rc == ASYNC_ENOTSOCK && stream->in_size == 0) {
            rc = async_close(stream->fd);
            stream->fd = -1;
        }
        if (rc < 0) {
            return rc;
        }
    }
    stream->shut = true;
    return 0;
}

ASYNC_API async_status async_stream_shutdown_write(async_stream *stream)
{
    async_task *task = async_self_();
    async_status rc = async_stream_turn_(stream, task);

    return rc != 0 ? rc
        : async_stream_used_(stream, task, async_stream_shut_(stream, task));
}

ASYNC_API async_status async_stream_close(async_stream *stream)
{
    async_status rc = async_stream_flush(stream);
    int err;

    if (rc == ASYNC_PENDING || stream == NULL || !stream->open) {
        return rc;
    }
    err = async_stream_abort(stream);
    return rc < 0 ? rc : err;
}

#endif
/* ===========================================================================
 * stream_read: the input of a stream. What holds of its buffer is in stream.c.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if ASYNC_HOSTED

#include <string.h>

ASYNC_INLINE_ size_t async_stream_received_(const async_stream *stream)
{
    return stream->in_end - stream->in_begin;
}

/* What every read begins with: 0, or why it is over. */
static async_status async_stream_begins_(async_stream *stream, async_task *task)
{
    if (stream == NULL) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    if (ASYNC_UNLIKELY_(stream->reader != NULL && stream->reader != task)) {
        return async_settle_(task, ASYNC_EBUSY);
    }
    if (ASYNC_UNLIKELY_(!stream->open)) {
        char none;

        if (stream->sender == task) {       /* it was flushing, see below */
            stream->sender = NULL;
        }
        if (stream->reader != task) {
            return async_settle_(task, ASYNC_EBADF);
        }
        stream->reader = NULL;
        return async_read(-1, &none, 1);    /* what is left of the wait */
    }
    if (stream->holds) {
        stream->in[stream->in_begin] = stream->held;
        stream->holds = false;
    }
    if (stream->reader == NULL) {
        stream->scanned = 0;
    }
    return 0;
}

/* Before it may wait, a reader sends what was written: who reads a request and
 * writes an answer in turn need not flush. Not if that is another task's
 * affair, nor if it is back from waiting for input. A connection that breaks
 * here may still have something to read. */
static async_status async_stream_tie_(async_stream *stream, async_task *task)
{
    async_status rc;

    if (ASYNC_LIKELY_(async_stream_written_(stream) == 0
                      && stream->sender != task)) {
        return 0;
    }
    if (stream->sender != task
        && (stream->sender != NULL || async_state_(task) != ASYNC_RUNNING_)) {
        return 0;
    }
    rc = async_stream_used_(stream, task, async_stream_flush_(stream, task));
    return rc == ASYNC_PENDING || rc == ASYNC_CANCEL || stream->error == 0
        ? rc : 0;
}

/* A read has come to an end, or waits: what to say of it. */
static async_status async_stream_took_(async_stream *stream, async_task *task,
                                       async_status n)
{
    if (n < 0 && n != ASYNC_PENDING) {
        n = async_stream_failed_(stream, n);
    }
    if (n == 0 || n == stream->error) {
        stream->ended = true;
        n = stream->error;
    }
    stream->reader = n == ASYNC_PENDING ? task : NULL;
    return n;
}

/* Receive up to `room` bytes: how many, or 0 at the end. */
static async_status async_stream_fetch_(async_stream *stream, async_task *task,
                                        char *to, size_t room)
{
    async_status n;

    if (stream->ended) {
        return stream->error;
    }
    n = async_stream_tie_(stream, task);
    if (n == 0) {
        return async_stream_took_(stream, task,
                                  async_read(stream->fd, to, room));
    }
    stream->reader = n == ASYNC_PENDING ? task : NULL;
    return n;
}

/* Into the buffer, which is not full. Bytes move to its front when they stand
 * in its last half, so that they move seldom, and a read is seldom a short one
 * for want of room. */
static async_status async_stream_fill_(async_stream *stream, async_task *task)
{
    size_t received = async_stream_received_(stream);
    async_status n;

    if (received == 0) {
        stream->in_begin = stream->in_end = 0;
    } else if (stream->in_begin > 0
               && stream->in_end > stream->in_size / 2) {
        memmove(stream->in, stream->in + stream->in_begin, received);
        stream->in_begin = 0;
        stream->in_end = received;
    }
    n = async_stream_fetch_(stream, task, stream->in + stream->in_end,
                            stream->in_size - stream->in_end);
    if (n > 0) {
        stream->in_end += (size_t)n;
    }
    return n;
}

/* Out of the buffer into the caller's memory: how many, at most `length`. */
static size_t async_stream_copy_(async_stream *stream, void *to, size_t length)
{
    size_t n = async_stream_received_(stream);

    n = n < length ? n : length;
    memcpy(to, stream->in + stream->in_begin, n);
    stream->in_begin += n;
    return n;
}

#if ASYNC_FAST_

/* Fill a buffer that is empty, after sending what was written: how many bytes;
 * 0 or less: it is as in async_stream_fetch_. */
ASYNC_HOT_ async_status async_stream_refill_(async_stream *stream,
                                             async_task *task)
{
    async_status n;

    stream->in_begin = stream->in_end = stream->scanned = 0;
    stream->holds = false;
    if (stream->out_begin != stream->out_end) {
        n = async_stream_drain_(stream, task);
        if (ASYNC_UNLIKELY_(n == ASYNC_PENDING || n == ASYNC_CANCEL
                            || (n < 0 && stream->error == 0))) {
            stream->reader = n == ASYNC_PENDING ? task : NULL;
            return n;
        }
    }
    n = async_read(stream->fd, stream->in, stream->in_size);
    if (n == ASYNC_PENDING) {
        stream->reader = task;
    }
    return n;
}
#endif

ASYNC_APART_ async_status async_stream_read_(async_stream *stream,
                                             void *buffer, size_t length)
{
    async_task *task = async_self_();
    async_status rc = async_stream_begins_(stream, task);

    if (rc != 0) {
        return rc;
    }
    if (buffer == NULL && length != 0) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    length = async_fd_length_(length);
    if (length != 0 && async_stream_received_(stream) == 0) {
        if (length >= stream->in_size) {
            return async_stream_fetch_(stream, task, (char *)buffer, length);
        }
        rc = async_stream_fill_(stream, task);
        if (rc <= 0) {
            return rc;
        }
    }
    return length == 0
        ? 0 : (async_status)async_stream_copy_(stream, buffer, length);
}

/* On the way that nearly all go, as async_stream_look_ below: the buffer has
 * something; or it is empty, and filled now, or when the task comes back. */
ASYNC_API async_status async_stream_read(async_stream *stream, void *buffer,
                                         size_t length)
{
#if ASYNC_FAST_
    async_task *task = async_self_();
    async_status n;

    if (ASYNC_LIKELY_(stream != NULL && buffer != NULL && stream->open
                      && length != 0 && length < stream->in_size)) {
        if (stream->reader == NULL && ASYNC_UP_TO_(task, ASYNC_RUNNING_)) {
            if (stream->in_begin != stream->in_end) {
                if (stream->holds) {
                    stream->in[stream->in_begin] = stream->held;
                    stream->holds = false;
                }
                return (async_status)async_stream_copy_(stream, buffer,
                                                        length);
            }
            if (ASYNC_LIKELY_(!stream->ended && stream->sender == NULL)) {
                n = async_stream_refill_(stream, task);
                goto reads;
            }
        } else if (ASYNC_LIKELY_(stream->reader == task
                                 && stream->sender != task
                                 && stream->in_end == 0)) {
            n = async_read(stream->fd, stream->in, stream->in_size);
            goto reads;
        }
    }
    return async_stream_read_(stream, buffer, length);
reads:
    if (n == ASYNC_PENDING) {
        return n;
    }
    if (ASYNC_UNLIKELY_(n <= 0)) {
        return async_stream_took_(stream, task, n);
    }
    stream->reader = NULL;
    stream->in_end = (size_t)n;
    return (async_status)async_stream_copy_(stream, buffer, length);
#else
    return async_stream_read_(stream, buffer, length);
#endif
}

ASYNC_API async_status async_stream_read_exactly(async_stream *stream,
                                                 void *buffer, size_t length,
                                                 size_t *done)
{
    async_task *task = async_self_();
    async_status rc = async_stream_begins_(stream, task);

    if (rc != 0) {
        return rc;
    }
    if (done == NULL || *done > length || (buffer == NULL && length != 0)) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    while (*done < length) {
        char *to = (char *)buffer + *done;
        size_t left = length - *done;

        if (async_stream_received_(stream) > 0) {
            *done += async_stream_copy_(stream, to, left);
            continue;
        }
        rc = left >= stream->in_size
            ? async_stream_fetch_(stream, task, to, left)
            : async_stream_fill_(stream, task);
        if (rc <= 0) {
            return rc == 0 ? ASYNC_EPIPE : rc;
        }
        if (left >= stream->in_size) {
            *done += (size_t)rc;
        }
    }
    *done = 0;
    return (async_status)async_fd_length_(length);
}

/* The length up to the end of the separator, or 0. What was looked at once is
 * not looked at again. */
ASYNC_HOT_ size_t async_stream_find_(async_stream *stream,
                                     const char *separator, size_t length)
{
    const char *begin = stream->in + stream->in_begin;
    size_t received = async_stream_received_(stream);
    const char *at;

    while (received - stream->scanned >= length) {
        at = (const char *)memchr(begin + stream->scanned, separator[0],
                                  received - stream->scanned - (length - 1));
        if (at == NULL) {
            stream->scanned = received - (length - 1);
            break;
        }
        stream->scanned = (size_t)(at - begin);
        if (length == 1 || memcmp(at, separator, length) == 0) {
            return stream->scanned + length;
        }
        stream->scanned++;
    }
    return 0;
}

/* Hand out the first n bytes where they are, with a NUL behind them. */
ASYNC_HOT_ async_status async_stream_hand_out_(async_stream *stream, size_t n,
                                           char **at)
{
    *at = stream->in + stream->in_begin;
    stream->in_begin += n;
    stream->held = stream->in[stream->in_begin];
    stream->in[stream->in_begin] = '\0';
    stream->holds = true;
    return (async_status)n;
}

/* Nothing more comes, or nothing at all, by this status. */
static async_status async_stream_last_(async_stream *stream, async_status rc,
                                       char **at, bool rest)
{
    size_t n = async_stream_received_(stream);

    if (rc < 0 || (n != 0 && !rest)) {
        return rc < 0 ? rc : ASYNC_EPIPE;
    }
    return async_stream_hand_out_(stream, n, at);
}

/* `rest`: what is left at the end counts as well. So many bytes have been
 * looked at already, if this is a new read. */
ASYNC_APART_ async_status async_stream_until_(async_stream *stream,
                                              const char *separator,
                                              size_t length, char **at,
                                              bool rest, size_t scanned)
{
    async_task *task = async_self_();
    async_status rc = async_stream_begins_(stream, task);
    size_t n;

    if (rc != 0) {
        return rc;
    }
    if (stream->reader == NULL) {
        stream->scanned = scanned;
    }
    if (separator == NULL || length == 0 || at == NULL
        || stream->in_size == 0) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    for (;;) {
        n = async_stream_received_(stream);
        if (n > stream->scanned && stream->reader == NULL) {
            size_t found = async_stream_find_(stream, separator, length);

            if (found > 0) {
                return async_stream_hand_out_(stream, found, at);
            }
        }
        if (n == stream->in_size) {
            return ASYNC_EMSGSIZE;
        }
        rc = async_stream_fill_(stream, task);
        if (rc <= 0) {
            break;
        }
    }
    return async_stream_last_(stream, rc, at, rest);
}

#if ASYNC_FAST_
/* The same on the way that nearly all go: it is in the buffer; or the buffer is
 * empty, and it comes at once, or the task waits, and then it comes. All else
 * is left to the function above, before anything was changed, or with some
 * bytes more in the buffer. */
ASYNC_HOT_ async_status async_stream_look_(async_stream *stream,
                                           const char *separator,
                                           size_t length, char **at, bool rest)
{
    async_task *task = async_self_();
    size_t scanned = 0, found;
    async_status n;

    if (ASYNC_UNLIKELY_(stream == NULL || at == NULL || !stream->open
                        || length == 0 || separator == NULL)) {
        return async_stream_until_(stream, separator, length, at, rest, 0);
    }
    if (stream->reader == NULL && ASYNC_UP_TO_(task, ASYNC_RUNNING_)) {
        if (stream->in_begin != stream->in_end) {
            if (stream->holds) {
                stream->in[stream->in_begin] = stream->held;
                stream->holds = false;
            }
            stream->scanned = 0;
            goto looks;
        }
        if (ASYNC_LIKELY_(!stream->ended && stream->sender == NULL
                          && stream->in_size != 0)) {
            n = async_stream_refill_(stream, task);
            if (n == ASYNC_PENDING) {
                return n;
            }
            goto reads;
        }
    } else if (ASYNC_LIKELY_(stream->reader == task && stream->sender != task
                             && stream->in_end != stream->in_size)) {
        n = async_read(stream->fd, stream->in + stream->in_end,
                       stream->in_size - stream->in_end);
        if (n == ASYNC_PENDING) {
            return n;
        }
        goto reads;
    }
    return async_stream_until_(stream, separator, length, at, rest, 0);
reads:
    if (ASYNC_UNLIKELY_(n <= 0)) {
        return async_stream_last_(stream, async_stream_took_(stream, task, n),
                                  at, rest);
    }
    stream->reader = NULL;
    stream->in_end += (size_t)n;
looks:
    found = async_stream_find_(stream, separator, length);
    if (ASYNC_LIKELY_(found != 0)) {
        return async_stream_hand_out_(stream, found, at);
    }
    scanned = stream->scanned;
    return async_stream_until_(stream, separator, length, at, rest, scanned);
}

#else
#define async_stream_look_(stream, separator, length, at, rest) \
    async_stream_until_((stream), (separator), (length), (at), (rest), 0)
#endif

ASYNC_API async_status async_stream_read_line(async_stream *stream,
                                              char **line)
{
    return async_stream_look_(stream, "\n", 1, line, true);
}

ASYNC_API async_status async_stream_read_until(async_stream *stream,
                                               const void *separator,
                                               size_t length, char **at)
{
    return async_stream_look_(stream, (const char *)separator, length, at,
                              false);
}

ASYNC_API async_status async_stream_peek(async_stream *stream, size_t least,
                                         char **at)
{
    async_task *task = async_self_();
    async_status rc = async_stream_begins_(stream, task);

    if (rc != 0) {
        return rc;
    }
    if (at == NULL) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    if (least > stream->in_size) {
        return async_settle_(task, ASYNC_EMSGSIZE);
    }
    while (async_stream_received_(stream) < least) {
        rc = async_stream_fill_(stream, task);
        if (rc < 0) {
            return rc;
        }
        if (rc == 0) {
            break;
        }
    }
    *at = stream->in + stream->in_begin;
    return (async_status)async_stream_received_(stream);
}

ASYNC_API int async_stream_skip(async_stream *stream, size_t length)
{
    if (stream == NULL) {
        return ASYNC_EINVAL;
    }
    if (!stream->open) {
        return ASYNC_EBADF;
    }
    if (stream->reader != NULL) {
        return ASYNC_EBUSY;
    }
    if (length > async_stream_received_(stream)) {
        return ASYNC_EINVAL;
    }
    if (stream->holds && length > 0) {
        stream->in[stream->in_begin] = stream->held;
        stream->holds = false;
    }
    stream->in_begin += length;
    return 0;
}

ASYNC_API bool async_stream_at_eof(const async_stream *stream)
{
    return stream != NULL && stream->ended
        && async_stream_received_(stream) == 0;
}

#endif
/* ===========================================================================
 * server: accepting connections into a pool, and ending them.
 *
 *           open            close: stop         grace over, or struck
 *   CLOSED ------> OPEN ----------------> GRACE ---------------> CANCELED
 *      ^                                    |  all have ended       |
 *      '------------------------------------'-----------------------'
 *
 * A slot is taken before a connection is accepted, so whatever was accepted has
 * its place.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if ASYNC_HOSTED

#include <errno.h>
#include <string.h>

enum {
    ASYNC_SERVER_CLOSED_ = 0, ASYNC_SERVER_OPEN_, ASYNC_SERVER_GRACE_,
    ASYNC_SERVER_CANCELED_,
    ASYNC_SERVER_STATE_ = 3,
    ASYNC_SERVER_RUNS_ = 4      /* beside it: a task is in async_server_run */
};

ASYNC_API int async_server_open_(async_server *server, int listener,
                                 async_slot *slots, int n, async_fn fn,
                                 void *array, size_t size, size_t fd_at
#if ASYNC_NAMED_
                                 , const char *name, const char *file, int line
#endif
                                 )
{
    int rc;

    if (server == NULL || array == NULL || fn == NULL) {
        return ASYNC_EINVAL;
    }
    if (server->state != ASYNC_SERVER_CLOSED_) {
        return ASYNC_EALREADY;
    }
    if (listener < 0) {
        return listener;
    }
    rc = async_pool_open(&server->pool, slots, n);
    if (rc < 0) {
        return rc;
    }
    server->accepted = server->refused = 0;
    server->listener = listener;
    server->slot = -1;
    server->frames = (char *)array;
    server->size = size;
    server->fd_at = fd_at;
    server->fn = fn;
    server->outcome = 0;
    server->pauses = false;
    server->state = ASYNC_SERVER_OPEN_;
#if ASYNC_NAMED_
    server->name = name;
    server->file = file;
    server->line = line;
#endif
#if ASYNC_DEBUG
    async_held_open_(server, listener, 0, "a server", file, line);
#endif
    return 0;
}

/* Does the listener go on after this error, at once or after a pause? The
 * kernel tells of a connection's own troubles here, too. */
enum { ASYNC_SERVER_ENDS_, ASYNC_SERVER_GOES_ON_, ASYNC_SERVER_PAUSES_ };

static int async_server_after_(async_status rc)
{
    switch (-rc) {
    case EMFILE: case ENFILE: case ENOBUFS:             /* async_accept rests */
    case ECONNABORTED: case ECONNRESET: case EPROTO: case ETIMEDOUT:
        return ASYNC_SERVER_GOES_ON_;
    case ENOMEM: case ENOSPC: case EPERM: case ENETDOWN: case ENETUNREACH:
    case EHOSTUNREACH: case ENOPROTOOPT:
#ifdef EHOSTDOWN
    case EHOSTDOWN:
#endif
        return ASYNC_SERVER_PAUSES_;
    default:
        return ASYNC_SERVER_ENDS_;
    }
}

/* A connection's task has ended before it began, being cancelled: nobody else
 * closes the descriptor. */
static void async_server_unbegun_(async_watch *watch, async_task *task)
{
    async_slot *slot = (async_slot *)(void *)watch;
    async_server *server = (async_server *)(void *)slot->pool;
    int fd;

    memcpy(&fd, (char *)task->frame + server->fd_at, sizeof fd);
    (void)async_close(fd);
    server->ended(watch, task);
}

/* The task begins: the descriptor is its own from now on. */
static async_status async_server_begins_(void *frame)
{
    async_task *task = async_this_task_;
    async_slot *slot = (async_slot *)(void *)
        ((char *)task - offsetof(async_slot, task));
    async_server *server = (async_server *)(void *)slot->pool;

    slot->watch.fn = server->ended;
    task->fn = server->fn;
    return task->fn(frame);
}

static async_status async_server_start_(async_server *server, int fd)
{
    char *frame = server->frames + server->size * (size_t)server->slot;
    async_watch *watch = &server->pool.slots[server->slot].watch;
    int rc;

    memcpy(frame + server->fd_at, &fd, sizeof fd);
    rc = async_pool_spawn_(&server->pool, server->slot,
                           async_server_begins_, frame
#if ASYNC_NAMED_
                           , server->name, server->file, server->line
#endif
                           );
    if (rc < 0) {
        (void)async_close(fd);
        return rc;
    }
    server->ended = watch->fn;
    watch->fn = async_server_unbegun_;
    server->slot = -1;
    server->accepted++;
    return 0;
}

static async_status async_server_accept_(async_server *server)
{
    async_status rc;

    for (;;) {
        if (server->pauses) {
            rc = async_sleep((async_duration)ASYNC_MS(10));
            if (rc == ASYNC_PENDING) {
                return rc;
            }
            server->pauses = false;
            if (rc < 0) {
                return rc;
            }
        }
        if (server->listener < 0
            && async_state_(async_this_task_) == ASYNC_RUNNING_) {
            return 0;
        }
        if (server->slot < 0) {
            rc = async_pool_take(&server->pool);
            if (rc < 0) {
                return rc;
            }
            server->slot = rc;
            continue;                       /* it may have been stopped */
        }
        rc = async_accept(server->listener, NULL, NULL);
        if (rc == ASYNC_PENDING || rc == ASYNC_CANCEL) {
            return rc;
        }
        if (rc >= 0) {
            rc = async_server_start_(server, rc);
        } else if (server->listener < 0) {
            return 0;
        } else if (async_server_after_(rc) != ASYNC_SERVER_ENDS_) {
            server->pauses = async_server_after_(rc) == ASYNC_SERVER_PAUSES_;
            server->refused++;
            rc = 0;
        }
        if (rc < 0) {
            return rc;
        }
    }
}

ASYNC_API async_status async_server_run(async_server *server)
{
    async_task *task = async_self_();
    async_status rc;

    if (server == NULL || server->fn == NULL) {
        return async_settle_(task, server == NULL ? ASYNC_EINVAL
                                                  : ASYNC_EBADF);
    }
    if (server->state == ASYNC_SERVER_CLOSED_) {    /* before this task began */
        return async_settle_(task, 0);
    }
    if (async_state_(task) == ASYNC_RUNNING_
        && (server->state & ASYNC_SERVER_RUNS_) != 0) {
        return ASYNC_EBUSY;
    }
    rc = async_server_accept_(server);
    if (rc == ASYNC_PENDING) {
        server->state |= ASYNC_SERVER_RUNS_;
        return rc;
    }
    server->state &= (unsigned char)~ASYNC_SERVER_RUNS_;
    if (server->slot >= 0) {
        (void)async_pool_give(&server->pool, server->slot);
        server->slot = -1;
    }
    return rc;
}

ASYNC_API int async_server_stop(async_server *server)
{
    int fd;

    if (server == NULL || server->state == ASYNC_SERVER_CLOSED_) {
        return server == NULL ? ASYNC_EINVAL : ASYNC_EBADF;
    }
    fd = server->listener;
    server->listener = -1;
    return fd < 0 ? 0 : async_close(fd);
}

/* Over is it when no slot is taken, so also when the task in async_server_run
 * has left. */
static async_status async_server_drain_(async_server *server,
                                        async_duration grace)
{
    unsigned char *state = &server->state;
    async_status rc;

    if ((*state & ASYNC_SERVER_STATE_) == ASYNC_SERVER_GRACE_) {
        rc = ASYNC_TIMEOUT(&server->grace, grace,
                           async_pool_join(&server->pool));
        if (rc == 0 || rc == ASYNC_PENDING) {
            return rc;
        }
        (*state)++;                         /* ASYNC_SERVER_CANCELED_ */
        server->outcome = rc == ASYNC_ETIMEDOUT ? 0 : rc;
        rc = async_pool_cancel(&server->pool);
        server->outcome = server->outcome < 0 ? server->outcome : rc;
    }
    for (;;) {
        rc = async_pool_join(&server->pool);
        if (rc == 0 || rc == ASYNC_PENDING) {
            return rc == 0 ? server->outcome : rc;
        }
        server->outcome = rc;
        (void)async_pool_cancel(&server->pool);
    }
}

ASYNC_API async_status async_server_close(async_server *server,
                                          async_duration grace)
{
    async_task *task = async_self_();
    async_status rc;

    if (server == NULL || server->state == ASYNC_SERVER_CLOSED_) {
        return async_settle_(task, server == NULL ? ASYNC_EINVAL
                                                  : ASYNC_EBADF);
    }
    if (async_state_(task) == ASYNC_RUNNING_) {
        if ((server->state & ASYNC_SERVER_STATE_) != ASYNC_SERVER_OPEN_) {
            return ASYNC_EBUSY;
        }
        (void)async_server_stop(server);
        server->state++;                    /* ASYNC_SERVER_GRACE_ */
    }
    rc = async_server_drain_(server, grace);
    if (rc != ASYNC_PENDING) {
        server->state = ASYNC_SERVER_CLOSED_;
    }
    return rc;
}

#endif
/* ===========================================================================
 * signals: one handler for all, and the list of who is to be told.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if ASYNC_HOSTED

#if ASYNC_OFFLOAD
#include <pthread.h>
#endif
#include <sched.h>
#include <signal.h>
#include <string.h>

#define ASYNC_SIGNALS_ 64       /* numbers 1 to 64: a bit each */

typedef void (*async_signal_info_)(int, siginfo_t *, void *);
typedef void (*async_signal_plain_)(int);

static struct {
    async_signal *volatile first;
    volatile unsigned busy;     /* handlers that may hold a watcher */
    volatile unsigned lock;     /* of what follows, and of changing the list */
    volatile unsigned forks;    /* since the first process */
    unsigned count[ASYNC_SIGNALS_ + 1];     /* watchers that name it */
    struct sigaction before[ASYNC_SIGNALS_ + 1];    /* handlers do not look */
    async_signal_info_ volatile info[ASYNC_SIGNALS_ + 1];   /* what they call */
    async_signal_plain_ volatile plain[ASYNC_SIGNALS_ + 1];
} async_signals_;

/* ---- between threads ----------------------------------------------------- */

#if ASYNC_ATOMICS_

static void async_signals_lock_(void)
{
    while (ASYNC_ATOMIC_SWAP_(&async_signals_.lock, 1) != 0) {
        (void)sched_yield();
    }
}

static void async_signals_unlock_(void)
{
    (void)ASYNC_ATOMIC_SWAP_(&async_signals_.lock, 0);
}

static void async_signals_busy_(unsigned more)
{
    unsigned seen = ASYNC_ATOMIC_LOAD_(&async_signals_.busy);

    while (!ASYNC_ATOMIC_CAS_(&async_signals_.busy, &seen, seen + more)) {
    }
}

/* What was taken from the list before this is held by no handler after it. A
 * handler that begins says so first, and reads the list then: whoever is not
 * seen here has not read it yet. */
static void async_signals_settle_(void)
{
    for (;;) {
        unsigned seen = 0;

        if (ASYNC_ATOMIC_CAS_(&async_signals_.busy, &seen, 0)) {
            return;
        }
        (void)sched_yield();
    }
}

#else       /* a compiler without atomics: all loops are in one thread */

static void async_signals_lock_(void)
{
}

static void async_signals_unlock_(void)
{
}

static void async_signals_busy_(unsigned more)
{
    async_signals_.busy += more;
}

static void async_signals_settle_(void)
{
}

#endif

#if defined __GNUC__ && !defined __TINYC__
#define ASYNC_SEEN_(at) __atomic_load_n((at), __ATOMIC_SEQ_CST)
#define ASYNC_SHOW_(at, value) \
    __atomic_store_n((at), (value), __ATOMIC_SEQ_CST)
#else
#define ASYNC_SEEN_(at) (*(at))
#define ASYNC_SHOW_(at, value) ((void)(*(at) = (value)))
#endif

/* ---- fork ---------------------------------------------------------------- */

#if ASYNC_OFFLOAD

/* In the child of a fork, no other thread is there to unlock, or to end its
 * handler. The list and the counts are whole after each step of their change.
 * (The thread that forked may be in a handler: that sees `forks`.) */
static void async_signals_forked_(void)
{
    async_signals_.forks = async_signals_.forks + 1;
    ASYNC_SHOW_(&async_signals_.busy, 0);
    ASYNC_SHOW_(&async_signals_.lock, 0);
}

static pthread_once_t async_signals_once_ = PTHREAD_ONCE_INIT;

static void async_signals_begin_(void)
{
    (void)pthread_atfork(NULL, NULL, async_signals_forked_);
}

/* Before the lock is taken for the first time. */
static void async_signals_once_only_(void)
{
    (void)pthread_once(&async_signals_once_, async_signals_begin_);
}

#else

static void async_signals_once_only_(void)
{
}

#endif

/* ---- the handler --------------------------------------------------------- */

static unsigned async_signal_bit_(int number)
{
    return 1U << ((number - 1) % ASYNC_SIGNAL_BITS_);
}

static bool async_signal_names_(const async_signal *signal, int number)
{
    return (ASYNC_SEEN_(&signal->set[(number - 1) / ASYNC_SIGNAL_BITS_])
            & async_signal_bit_(number)) != 0;
}

/* Only the loop's thread writes it. */
static void async_signal_name_(async_signal *signal, int number, bool names)
{
    volatile unsigned *at = &signal->set[(number - 1) / ASYNC_SIGNAL_BITS_];
    unsigned bit = async_signal_bit_(number);

    ASYNC_SHOW_(at, names ? *at | bit : *at & ~bit);
}

/* Call the handler that was there before, if it was one. */
static void async_signal_before_(int number, siginfo_t *info, void *context)
{
    async_signal_info_ with = ASYNC_SEEN_(&async_signals_.info[number]);
    async_signal_plain_ plain = ASYNC_SEEN_(&async_signals_.plain[number]);

    if (with != NULL) {
        with(number, info, context);
    } else if (plain != NULL) {
        plain(number);
    }
}

/* Note what was there before. A late handler, of a signal that came before,
 * may look meanwhile: it finds the old one or the new one, of its kind. */
static void async_signal_note_(int number, const struct sigaction *action)
{
    bool with = (action->sa_flags & SA_SIGINFO) != 0;

    async_signals_.before[number] = *action;
    if (!with) {
        ASYNC_SHOW_(&async_signals_.plain[number],
                    action->sa_handler == SIG_DFL
                    || action->sa_handler == SIG_IGN ? NULL
                                                     : action->sa_handler);
    }
    ASYNC_SHOW_(&async_signals_.info[number],
                with ? action->sa_sigaction : NULL);
}

static void async_signal_handler_(int number, siginfo_t *info, void *context)
{
    int error = errno;
    unsigned forks = async_signals_.forks;
    bool taken = false;
    async_signal *it;

    async_signals_busy_(1);
    for (it = ASYNC_SEEN_(&async_signals_.first); it != NULL;
         it = ASYNC_SEEN_(&it->next)) {
        if (async_signal_names_(it, number)) {
            ASYNC_SHOW_(&it->last, number);
            taken = taken || !it->passes;
            async_irq_raise(&it->irq);
        }
    }
    if (forks == async_signals_.forks) {
        async_signals_busy_(0U - 1U);
    }
    if (!taken) {
        async_signal_before_(number, info, context);
    }
    errno = error;
}

/* ---- who is to be told --------------------------------------------------- */

/* Return from the handler of a fault, and the fault comes again. */
static bool async_signal_is_good_(int number)
{
    return number > 0 && number <= ASYNC_SIGNALS_ && number != SIGKILL
        && number != SIGSTOP && number != SIGSEGV && number != SIGBUS
        && number != SIGFPE && number != SIGILL;
}

static bool async_signal_is_ours_(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) != 0
        && action->sa_sigaction == async_signal_handler_;
}

/* One watcher more names the signal. The old handler is noted first, for ours
 * may be called at once; unless it is ours, which somebody has put back. */
static int async_signal_take_(int number)
{
    const struct sigaction *before = &async_signals_.before[number];
    struct sigaction action;

    if (async_signals_.count[number] == 0) {
        if (ASYNC_SYS_(sigaction)(number, NULL, &action) < 0) {
            return -errno;
        }
        if (!async_signal_is_ours_(&action)) {
            async_signal_note_(number, &action);
        }
        memset(&action, 0, sizeof action);
        action.sa_sigaction = async_signal_handler_;
        action.sa_mask = before->sa_mask;
        action.sa_flags = SA_SIGINFO | SA_RESTART
            | (before->sa_flags & SA_ONSTACK);
        if (ASYNC_SYS_(sigaction)(number, &action, NULL) < 0) {
            return -errno;
        }
    }
    async_signals_.count[number]++;
    return 0;
}

static void async_signal_give_(int number)
{
    struct sigaction now;

    if (--async_signals_.count[number] == 0
        && ASYNC_SYS_(sigaction)(number, NULL, &now) == 0
        && async_signal_is_ours_(&now)) {
        (void)ASYNC_SYS_(sigaction)(number, &async_signals_.before[number],
                                    NULL);
    }
}

static void async_signal_unlink_(async_signal *signal)
{
    async_signal *volatile *at = &async_signals_.first;

    while (*at != signal) {
        at = &(*at)->next;
    }
    ASYNC_SHOW_(at, signal->next);
}

static int async_signal_start_(async_signal *signal, int number, bool passes)
{
    int err;

    if (signal == NULL || !async_signal_is_good_(number)) {
        return ASYNC_EINVAL;
    }
    err = async_irq_open(&signal->irq);
    if (err < 0) {
        return err;
    }
    signal->set[0] = 0;
    signal->set[1] = 0;
    async_signal_name_(signal, number, true);
    signal->last = 0;
    signal->passes = passes;
    async_signals_once_only_();
    async_signals_lock_();
    signal->next = async_signals_.first;
    ASYNC_SHOW_(&async_signals_.first, signal);
    err = async_signal_take_(number);
    if (err < 0) {
        async_signal_unlink_(signal);
    }
    async_signals_unlock_();
    if (err < 0) {
        async_signals_settle_();
        (void)async_irq_close(&signal->irq);
        return err;
    }
#if ASYNC_DEBUG
    signal->irq.loop->fds->signals++;
#endif
    return 0;
}

ASYNC_API int async_signal_open(async_signal *signal, int number)
{
    return async_signal_start_(signal, number, false);
}

ASYNC_API int async_signal_pass_(async_signal *signal, int number)
{
    return async_signal_start_(signal, number, true);
}

ASYNC_API int async_signal_add(async_signal *signal, int number)
{
    int err;

    if (signal == NULL || signal->irq.loop == NULL
        || !async_signal_is_good_(number)) {
        return ASYNC_EINVAL;
    }
    if (async_signal_names_(signal, number)) {
        return ASYNC_EALREADY;
    }
    async_signals_lock_();
    async_signal_name_(signal, number, true);
    err = async_signal_take_(number);
    if (err < 0) {
        async_signal_name_(signal, number, false);
    }
    async_signals_unlock_();
    return err;
}

ASYNC_API async_status async_signal_wait(async_signal *signal)
{
    async_status rc;

    (void)async_self_();
    rc = async_irq_wait(signal == NULL ? NULL : &signal->irq);
    if (rc == ASYNC_PENDING) {
        ASYNC_WAITS_("async_signal_wait", signal);
    }
    return rc;
}

ASYNC_API int async_signal_last(const async_signal *signal)
{
    return signal == NULL ? 0 : ASYNC_SEEN_(&signal->last);
}

ASYNC_API int async_signal_close(async_signal *signal)
{
    int number;

    if (signal == NULL || signal->irq.loop == NULL) {
        return ASYNC_EINVAL;
    }
    async_signals_lock_();
    async_signal_unlink_(signal);
    for (number = 1; number <= ASYNC_SIGNALS_; number++) {
        if (async_signal_names_(signal, number)) {
            async_signal_give_(number);
        }
    }
    async_signals_unlock_();
    async_signals_settle_();
    signal->set[0] = 0;
    signal->set[1] = 0;
#if ASYNC_DEBUG
    signal->irq.loop->fds->signals--;
#endif
    return async_irq_close(&signal->irq);
}

#endif
/* ===========================================================================
 * subprocess_start: making a child, and turning it into the program.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if ASYNC_HOSTED

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

/* Where a header of the system came first, it shows all but these two. */
#if defined __GLIBC__ && defined __USE_MISC && !defined __USE_GNU
extern int pipe2(int ends[2], int flags);
extern char **environ;
#elif defined __APPLE__
#include <crt_externs.h>
#define environ (*_NSGetEnviron())
#elif !defined __linux__
extern char **environ;
#endif

/* A macro, as the function that calls vfork must not return in the child. */
#ifndef ASYNC_FORK_
#if defined __linux__ || defined __FreeBSD__ || defined __NetBSD__ \
    || defined __OpenBSD__ || defined __DragonFly__
#define ASYNC_FORK_() vfork()
#else
#define ASYNC_FORK_() fork()
#endif
#endif

#define ASYNC_PROCESS_FLAGS_ (0x3ffu | ASYNC_BY_SIGCHLD_)

/* ---- in the child -------------------------------------------------------- */

/* What it is to do. After a vfork it lives in its parent's memory, until the
 * exec: so it calls the system alone, and writes nowhere but here and on the
 * stack. */
struct async_child_ {
    const char *const *argv;
    const char *const *environment;
    const char *path;           /* where to look for argv[0] */
    const char *directory;
    int fd[3];                  /* become 0, 1, 2; all above 2; -1: none */
    int report;                 /* a pipe that says why not */
    unsigned flags;
    sigset_t mask;
    volatile bool shared;       /* yes, in its parent's memory */
    volatile int error;
};

/* Every handler of the program's would run in its memory. Exec does the same
 * to handlers, but the signals have to be let in before. */
static void async_child_signals_(const struct async_child_ *child)
{
    struct sigaction action;
    int number;

    for (number = 1; number <= 64; number++) {
        if (number != SIGPIPE
            && (sigaction(number, NULL, &action) < 0
                || ((action.sa_flags & SA_SIGINFO) == 0
                    && (action.sa_handler == SIG_DFL
                        || action.sa_handler == SIG_IGN)))) {
            continue;
        }
        memset(&action, 0, sizeof action);
        action.sa_handler = SIG_DFL;
        (void)sigaction(number, &action, NULL);
    }
    (void)sigprocmask(SIG_SETMASK, &child->mask, NULL);
}

/* All above 2 are to be closed by the exec: the report not before. */
static void async_child_fds_(void)
{
    struct rlimit limit;
    int fd, end = 65536;

#if defined __linux__ && defined SYS_close_range
    if (syscall(SYS_close_range, 3U, ~0U, 4U) == 0) {   /* ..._CLOEXEC */
        return;
    }
#endif
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 65536) {
        end = (int)limit.rlim_cur;
    }
    for (fd = 3; fd < end; fd++) {
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
}

static void async_child_exec_as_(const struct async_child_ *child,
                                 const char *name)
{
    (void)execve(name, (char *const *)(uintptr_t)child->argv,
                 (char *const *)(uintptr_t)child->environment);
}

/* One place of the path after the other. That a file there may not be executed
 * is of interest only when there is no other. */
static int async_child_exec_(const struct async_child_ *child)
{
    const char *name = child->argv[0];
    const char *path = child->path;
    size_t length = strlen(name);
    char full[4096];
    int error = ENOENT;

    if (strchr(name, '/') != NULL) {
        async_child_exec_as_(child, name);
        return errno;
    }
    while (length != 0) {
        const char *end = strchr(path, ':');
        size_t n = end == NULL ? strlen(path) : (size_t)(end - path);

        if (n + length + 2 <= sizeof full) {
            memcpy(full, path, n);
            full[n] = '/';
            memcpy(full + n + (n != 0), name, length + 1);
            async_child_exec_as_(child, full);
            if (errno == EACCES) {
                error = EACCES;
            } else if (errno != ENOENT && errno != ENOTDIR) {
                return errno;
            }
        }
        if (end == NULL) {
            break;
        }
        path = end + 1;
    }
    return error;
}

static int async_child_prepare_(const struct async_child_ *child)
{
    int i;

    for (i = 0; i < 3; i++) {
        if (child->fd[i] >= 0 && dup2(child->fd[i], i) < 0) {
            return errno;
        }
    }
    if ((child->flags & ASYNC_ERR_TO_OUT) != 0 && dup2(1, 2) < 0) {
        return errno;
    }
    if (child->directory != NULL && chdir(child->directory) < 0) {
        return errno;
    }
    if ((child->flags & (ASYNC_NEW_SESSION | ASYNC_KILL_GROUP)) != 0
        && setsid() < 0) {
        return errno;
    }
    if ((child->flags & ASYNC_KEEP_FDS) == 0) {
        async_child_fds_();
    }
    async_child_signals_(child);
    return 0;
}

static void async_child_run_(struct async_child_ *child)
{
    int error;
    ptrdiff_t n;

    child->shared = true;
    error = async_child_prepare_(child);
    if (error == 0) {
        error = async_child_exec_(child);
    }
    child->error = error;
    do {
        n = write(child->report, &error, sizeof error);
    } while (n < 0 && errno == EINTR);
    _exit(127);
}

/* ---- starting ------------------------------------------------------------ */

/* Apart, so that the child spoils no variable of its parent's. */
static ASYNC_NOINLINE_ int async_process_fork_(struct async_child_ *child)
{
    int pid = (int)ASYNC_FORK_();

    if (pid == 0) {
        async_child_run_(child);
    }
    return pid < 0 ? -errno : pid;
}

/* Both ends closed on exec, from the beginning where there is pipe2: another
 * thread may start a process at any time. */
static int async_process_pipe_(int ends[2])
{
#if defined __APPLE__
    if (ASYNC_SYS_(pipe)(ends) < 0) {
        return -errno;
    }
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
#else
    if (ASYNC_SYS_(pipe2)(ends, O_CLOEXEC) < 0) {
        return -errno;
    }
#endif
    return 0;
}

static void async_process_shut_(int *fd)
{
    if (*fd >= 0) {
        (void)ASYNC_SYS_(close)(*fd);
    }
    *fd = -1;
}

/* What becomes the child's 0, 1 or 2 must not itself be one of these, which
 * are set one after the other. True if it had to be, and is, a copy. */
static int async_process_lift_(int *fd)
{
    int copy;

    if (*fd > 2) {
        return 0;
    }
    copy = ASYNC_SYS_(fcntl)(*fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0) {
        return -errno;
    }
    *fd = copy;
    return 1;
}

/* A descriptor of the user's goes to the child, which expects it to block. The
 * loop has to know that, if the user goes on with it here. */
static int async_process_give_(int fd)
{
    struct async_fds *fds = async_this_loop_ == NULL ? NULL
                                                     : async_this_loop_->fds;
    async_fd_ *it = fds == NULL ? NULL : async_fd_find_(fds, fd);
    int copy = ASYNC_SYS_(fcntl)(fd, F_DUPFD_CLOEXEC, 3);
    int flags = copy < 0 ? -1 : ASYNC_SYS_(fcntl)(copy, F_GETFL);

    if (flags >= 0 && (flags & O_NONBLOCK) != 0) {
        flags = ASYNC_SYS_(fcntl)(copy, F_SETFL, flags & ~O_NONBLOCK);
        if (it != NULL) {
            it->flags |= ASYNC_FD_BLOCKS_;
        }
    }
    if (flags < 0) {
        flags = -errno;
        if (copy >= 0) {
            (void)ASYNC_SYS_(close)(copy);
        }
        return flags;
    }
    return copy;
}

/* The child's descriptor `i`: theirs, to be closed here, and ours, or -1. */
static int async_process_stream_(int i, unsigned flags, int given,
                                 int *theirs, int *ours)
{
    bool pipes = (flags & ASYNC_PIPE_IN << i) != 0;
    bool null = (flags & ASYNC_NULL_IN << i) != 0;
    bool merged = i == 2 && (flags & ASYNC_ERR_TO_OUT) != 0;
    int ends[2], fd, err, before;

    if (pipes + null + merged + (given > 0) > 1) {
        return ASYNC_EINVAL;
    }
    if (pipes) {
        err = async_process_pipe_(ends);
        if (err < 0) {
            return err;
        }
        *ours = ends[i == 0];
        *theirs = ends[i != 0];
        before = ASYNC_SYS_(fcntl)(*ours, F_GETFL);
        if (before < 0 || ASYNC_SYS_(fcntl)(*ours, F_SETFL,
                                            before | O_NONBLOCK) < 0) {
            return -errno;
        }
    } else if (null) {
        *theirs = ASYNC_SYS_(open)("/dev/null", O_RDWR | O_CLOEXEC);
        if (*theirs < 0) {
            return -errno;
        }
    } else if (given > 0) {
        *theirs = async_process_give_(given);
        return *theirs < 0 ? *theirs : 0;
    } else {
        return 0;
    }
    fd = *theirs;
    err = async_process_lift_(theirs);
    if (err > 0) {
        async_process_shut_(&fd);
    }
    return err < 0 ? err : 0;
}

#if defined __linux__ && defined SYS_pidfd_open
ASYNC_INLINE_ int async_process_pidfd_(int pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}
#else
ASYNC_INLINE_ int async_process_pidfd_(int pid)
{
    (void)pid;
    return -1;
}
#endif

/* What the child says through the pipe, if it says anything before the exec:
 * its error, or 0. */
static int async_process_reported_(int report, int pid)
{
    int error = 0;
    size_t done = 0;
    ptrdiff_t n;

    do {
        n = ASYNC_SYS_(read)(report, (char *)&error + done,
                             sizeof error - done);
        done += n > 0 ? (size_t)n : 0;
    } while ((n > 0 && done < sizeof error)
             || (n < 0 && (errno == EINTR || errno == EAGAIN)));
    if (n < 0) {
        error = errno;
        (void)kill(pid, SIGKILL);
    }
    return error;
}

/* Make the child, with all signals kept out for so long, and learn whether it
 * has become the program: its number, or why not. The pipe is for a fork, also
 * one that is called a vfork (under an emulator, say). */
static int async_process_make_(struct async_child_ *child, int report)
{
    sigset_t all;
    int pid, status, error;

    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &child->mask);
    pid = async_process_fork_(child);
    (void)sigprocmask(SIG_SETMASK, &child->mask, NULL);
    async_process_shut_(&child->report);
    if (pid < 0) {
        return pid;
    }
    error = child->shared ? child->error
                          : async_process_reported_(report, pid);
    if (error == 0) {
        return pid;
    }
    (void)async_process_waitpid_(pid, &status, 0);
    return -error;
}

static const char *async_process_path_(const char *const *environment)
{
    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, "PATH=", 5) == 0) {
            return *environment + 5;
        }
    }
    return "/bin:/usr/bin";
}

/* Open what it takes and make the child: its number or an error; `ours` are
 * then the ends of its pipes. */
static int async_process_open_(struct async_child_ *child, int *report,
                               const async_process_setup *setup, int ours[3])
{
    int given[3], ends[2], i, err;

    given[0] = setup == NULL ? 0 : setup->in;
    given[1] = setup == NULL ? 0 : setup->out;
    given[2] = setup == NULL ? 0 : setup->err;
    for (i = 0; i < 3; i++) {
        err = async_process_stream_(i, child->flags, given[i], &child->fd[i],
                                    &ours[i]);
        if (err < 0) {
            return err;
        }
    }
    err = async_process_pipe_(ends);
    if (err < 0) {
        return err;
    }
    *report = ends[0];
    child->report = ends[1];
    err = async_process_lift_(&child->report);
    if (err != 0) {
        async_process_shut_(&ends[1]);
    }
    if (err < 0) {
        child->report = -1;
        return err;
    }
    return async_process_make_(child, *report);
}

static void async_process_begin_(async_process *process, unsigned flags,
                                 int pid, const int ours[3])
{
    int i;

    memset(process, 0, sizeof *process);
    process->pid = pid;
    process->code = ASYNC_PENDING;
    process->in = ours[0];
    process->out = ours[1];
    process->err = ours[2];
    process->fd = (flags & ASYNC_BY_SIGCHLD_) != 0
        ? -1 : ASYNC_SYS_(async_process_pidfd_)(pid);
    process->way = process->fd >= 0 ? ASYNC_BY_PIDFD_ : ASYNC_BY_CHILD_;
    process->group = (flags & ASYNC_KILL_GROUP) != 0 ? ASYNC_GROUP_DIES_
        : (flags & ASYNC_NEW_SESSION) != 0 ? ASYNC_GROUP_IS_OWN_ : 0;
    if (async_this_loop_ != NULL) {
        for (i = 0; i < 3; i++) {
            if (ours[i] >= 0) {
                async_fd_adopt_(ours[i], i == 0 ? 0 : ASYNC_FD_SHORT_);
            }
        }
        if (process->fd >= 0) {
            async_fd_adopt_(process->fd, 0);
        }
    }
}

ASYNC_API int async_process_start_(async_process *process,
                                   const char *const argv[], unsigned flags,
                                   const async_process_setup *setup
                                   ASYNC_OPENER_)
{
    struct async_child_ child;
    int ours[3] = {-1, -1, -1};
    int i, pid, report = -1;

    if (process == NULL || argv == NULL || argv[0] == NULL
        || (flags & ~ASYNC_PROCESS_FLAGS_) != 0) {
        return ASYNC_EINVAL;
    }
    if (process->pid != 0) {
        return ASYNC_EBUSY;
    }
    memset(&child, 0, sizeof child);
    child.argv = argv;
    child.environment = setup != NULL && setup->environment != NULL
        ? setup->environment : (const char *const *)environ;
    child.path = async_process_path_(child.environment);
    child.directory = setup == NULL ? NULL : setup->directory;
    child.fd[0] = child.fd[1] = child.fd[2] = child.report = -1;
    child.flags = flags;
    pid = async_process_open_(&child, &report, setup, ours);
    async_process_shut_(&report);
    async_process_shut_(&child.report);
    for (i = 0; i < 3; i++) {
        async_process_shut_(&child.fd[i]);
        if (pid < 0) {
            async_process_shut_(&ours[i]);
        }
    }
    if (pid < 0) {
        return pid;
    }
    async_process_begin_(process, flags, pid, ours);
#if ASYNC_DEBUG
    async_held_open_(process, process->fd, pid, "a process", file, line);
#endif
    return 0;
}

ASYNC_API int async_process_shell_(async_process *process, const char *text,
                                   unsigned flags,
                                   const async_process_setup *setup
                                   ASYNC_OPENER_)
{
    const char *argv[4];

    if (text == NULL) {
        return ASYNC_EINVAL;
    }
    argv[0] = "/bin/sh";
    argv[1] = "-c";
    argv[2] = text;
    argv[3] = NULL;
    return async_process_start_(process, argv, flags, setup ASYNC_OPENED_);
}

#endif
/* ===========================================================================
 * subprocess: waiting for a child, signalling it, and closing it.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if ASYNC_HOSTED

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

/* ---- its end ------------------------------------------------------------- */

ASYNC_API int async_process_waitpid_(int pid, int *status, int options)
{
    int got;

    do {
        got = (int)ASYNC_SYS_(waitpid)(pid, status, options);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

static void async_process_ended_(async_process *process, int got, int status)
{
    process->code = got < 0 ? got
        : WIFSIGNALED(status) ? 256 + WTERMSIG(status)
        : WEXITSTATUS(status);
}

/* While it is a zombie its number is its group's and nobody else's. So what is
 * left of the group is killed now, before anybody takes its status. */
static void async_process_bury_(const async_process *process)
{
    siginfo_t end;
    int rc;

    end.si_pid = 0;
    do {
        rc = waitid(P_PID, (id_t)process->pid, &end,
                    WEXITED | WNOHANG | WNOWAIT);
    } while (rc < 0 && errno == EINTR);
    if (rc == 0 && end.si_pid == process->pid) {
        (void)ASYNC_SYS_(kill)(-process->pid, SIGKILL);
    }
}

/* Has it ended? This asks, if nobody knows yet. */
static bool async_process_look_(async_process *process)
{
    int got, status = 0;

    if (process->code == ASYNC_PENDING) {
        if (process->group == ASYNC_GROUP_DIES_) {
            async_process_bury_(process);
        }
        got = async_process_waitpid_(process->pid, &status, WNOHANG);
        if (got == 0 || (got > 0 && !WIFEXITED(status)
                         && !WIFSIGNALED(status))) {
            return false;
        }
        async_process_ended_(process, got, status);
    }
    return true;
}

static async_status async_process_by_pidfd_(async_process *process,
                                            async_task *task)
{
    async_status rc;

    if (async_state_(task) == ASYNC_RUNNING_
        && async_process_look_(process)) {
        return process->code;
    }
    rc = async_readable(process->fd);
    if (rc == ASYNC_PENDING) {
        ASYNC_WAITS_("async_process_wait", process);
    }
    if (rc != 0) {
        return rc;
    }
    return async_process_look_(process) ? process->code : async_poll();
}

/* The leader leaves, and another one is to lead, or all get the code. */
static void async_process_retire_(async_process *process)
{
    process->leader = NULL;
    (void)async_signal_close(&process->child);
    if (process->code == ASYNC_PENDING) {
        (void)async_wake_one_(&process->followers, ASYNC_EAGAIN);
    } else {
        while (async_wake_one_(&process->followers, process->code)) {
        }
    }
}

/* The leader's wait, each time that it is evaluated. */
static async_status async_process_lead_(async_process *process,
                                        async_task *task)
{
    async_status rc;

    for (;;) {
        if (async_process_look_(process)) {
            async_process_retire_(process);
            return async_settle_(task, process->code);
        }
        rc = async_signal_wait(&process->child);
        if (rc == ASYNC_PENDING) {
            ASYNC_WAITS_("async_process_wait", process);
            return rc;
        }
        if (rc < 0) {
            async_process_retire_(process);
            return rc;
        }
    }
}

/* A task that does not lead: it comes, or it was woken with the code, or in
 * order to lead, or it was struck. */
static async_status async_process_by_child_(async_process *process,
                                            async_task *task)
{
    async_status rc;

    if (process->leader == task) {
        return async_process_lead_(process, task);
    }
    if (async_process_look_(process)) {
        return async_settle_(task, process->code);
    }
    if (ASYNC_STRUCK_P_(task)) {
        if (process->leader == NULL) {
            (void)async_wake_one_(&process->followers, ASYNC_EAGAIN);
        }
        return async_deliver_(task);
    }
    (void)async_settle_(task, 0);
    if (process->leader != NULL) {
        ASYNC_WAITS_("async_process_wait", process);
        return async_park_(&process->followers);
    }
    rc = async_signal_pass_(&process->child, SIGCHLD);
    if (rc < 0) {
        (void)async_wake_one_(&process->followers, ASYNC_EAGAIN);
        return rc;
    }
    process->leader = task;
    return async_process_lead_(process, task);
}

/* Closed meanwhile: by what it was woken with, as the memory may be gone. (A
 * pidfd that is closed says ASYNC_EBADF.) */
static bool async_process_was_closed_(const async_task *task)
{
    return async_state_(task) == ASYNC_READY_
        && (task->timer.u.result == ASYNC_ECANCELED
            || task->timer.u.result == ASYNC_EBADF);
}

ASYNC_API async_status async_process_wait(async_process *process)
{
    async_task *task = async_self_();
    unsigned state = async_state_(task);

    if (async_process_was_closed_(task)) {
        return async_settle_(task, ASYNC_ECANCELED);
    }
    if (process == NULL) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    if (process->pid == 0) {
        if (state == ASYNC_STRUCK_) {
            return process->way == ASYNC_BY_PIDFD_ ? async_readable(-1)
                                                   : async_deliver_(task);
        }
        return async_settle_(task, state == ASYNC_READY_ ? ASYNC_ECANCELED
                                                         : ASYNC_EINVAL);
    }
    return process->way == ASYNC_BY_PIDFD_
        ? async_process_by_pidfd_(process, task)
        : async_process_by_child_(process, task);
}

ASYNC_API int async_process_code(async_process *process)
{
    if (process == NULL || process->way == 0) {
        return ASYNC_EINVAL;
    }
    if (process->pid != 0) {
        (void)async_process_look_(process);
    }
    return process->code;
}

/* ---- signals ------------------------------------------------------------- */

/* Nobody but us takes its status, or so we hope; the pidfd is sure of it. */
static int async_process_send_(const async_process *process, int number)
{
#if defined __linux__ && defined SYS_pidfd_send_signal
    if (process->fd >= 0
        && syscall(SYS_pidfd_send_signal, process->fd, number, NULL, 0) == 0) {
        return 0;
    }
    if (process->fd >= 0 && errno != ENOSYS && errno != EPERM) {
        return -errno;
    }
#endif
    return ASYNC_SYS_(kill)(process->pid, number) < 0 ? -errno : 0;
}

ASYNC_API int async_process_signal(async_process *process, int number)
{
    if (process == NULL || process->pid == 0 || number <= 0) {
        return ASYNC_EINVAL;
    }
    return async_process_look_(process)
        ? ASYNC_ESRCH : async_process_send_(process, number);
}

ASYNC_API int async_process_terminate(async_process *process)
{
    return async_process_signal(process, SIGTERM);
}

ASYNC_API int async_process_kill(async_process *process)
{
    return async_process_signal(process, SIGKILL);
}

/* Its whole group, while it lives: that is the group's number's life for us. */
ASYNC_API int async_process_signal_group(async_process *process, int number)
{
    if (process == NULL || process->pid == 0 || number <= 0
        || process->group == 0) {
        return ASYNC_EINVAL;
    }
    if (async_process_look_(process)) {
        return ASYNC_ESRCH;
    }
    return ASYNC_SYS_(kill)(-process->pid, number) < 0 ? -errno : 0;
}

/* What stopping and closing send: to all, if it is to take them along. */
static int async_process_signal_all_(async_process *process, int number)
{
    return process->group == ASYNC_GROUP_DIES_
        ? async_process_signal_group(process, number)
        : async_process_signal(process, number);
}

/* ---- stopping: SIGTERM, and when the grace is over SIGKILL --------------- */

static void async_process_fire_(async_alarm_ *alarm, async_ticks now)
{
    async_process *process = (async_process *)(void *)
        ((char *)alarm - offsetof(async_process, alarm));

    (void)now;
    alarm->timer.node.state = 0;
    (void)async_process_signal_all_(process, SIGKILL);
}

static void async_process_disarm_(async_process *process)
{
    if (process->alarm.timer.node.state == ASYNC_ALARM_) {
        async_timer_remove_(&process->alarm.timer);
    }
    process->alarm.timer.node.state = 0;
}

/* The first evaluation. */
static int async_process_ask_(async_process *process, async_duration grace)
{
    int rc = async_process_signal_all_(process, grace > 0 ? SIGTERM : SIGKILL);

    if (rc < 0 && rc != ASYNC_ESRCH) {
        return rc;
    }
    process->stopper = async_this_task_;
    process->struck = false;
    process->alarm.timer.node.state = 0;
    if (rc == 0 && grace > 0 && grace != ASYNC_NEVER) {
        process->alarm.fire = async_process_fire_;
        async_alarm_set_(&process->alarm, grace);
    }
    return 0;
}

/* A strike is the end of the grace; it is given back at the end. */
static async_status async_process_stops_(async_process *process)
{
    async_status rc;
    int err;

    for (;;) {
        rc = async_process_wait(process);
        if (rc != ASYNC_CANCEL) {
            return rc;
        }
        process->struck = true;
        async_process_disarm_(process);
        err = async_process_signal_all_(process, SIGKILL);
        if (err < 0 && err != ASYNC_ESRCH) {
            return err;
        }
    }
}

ASYNC_API async_status async_process_stop(async_process *process,
                                          async_duration grace)
{
    async_task *task = async_self_();
    async_status rc;

    if (async_process_was_closed_(task) || process == NULL
        || process->pid == 0) {
        return async_process_wait(process);
    }
    if (process->stopper != task) {
        if (process->stopper != NULL) {
            return async_settle_(task, ASYNC_EBUSY);
        }
        rc = async_process_ask_(process, grace);
        if (rc < 0) {
            return async_settle_(task, rc);
        }
    }
    rc = async_process_stops_(process);
    if (rc == ASYNC_PENDING) {
        ASYNC_WAITS_("async_process_stop", process);
        return rc;
    }
    process->stopper = NULL;
    async_process_disarm_(process);
    return process->struck ? ASYNC_CANCEL : rc;
}

/* ---- closing ------------------------------------------------------------- */

ASYNC_API int async_process_close_end(int *end)
{
    int fd;

    if (end == NULL) {
        return ASYNC_EINVAL;
    }
    fd = *end;
    *end = -1;
    return fd < 0 ? 0 : async_close(fd);
}

/* The signal comes before the end of its input, so that how it ends is not left
 * to chance. */
ASYNC_API int async_process_close(async_process *process)
{
    int got, status = 0, err = 0;

    if (process == NULL || process->pid == 0) {
        return ASYNC_EINVAL;
    }
    if (!async_process_look_(process)) {
        err = async_process_signal_all_(process, SIGKILL);
    }
    async_process_disarm_(process);
    process->stopper = NULL;
    (void)async_process_close_end(&process->in);
    (void)async_process_close_end(&process->out);
    (void)async_process_close_end(&process->err);
    if (process->code == ASYNC_PENDING) {
        if (err < 0 && err != ASYNC_ESRCH) {
            return err;
        }
        got = async_process_waitpid_(process->pid, &status, 0);
        async_process_ended_(process, got, status);
    }
    process->pid = 0;
#if ASYNC_DEBUG
    async_held_close_(process);
#endif
    if (process->leader != NULL) {
        process->leader = NULL;
        (void)async_signal_close(&process->child);
    }
    while (async_wake_one_(&process->followers, ASYNC_ECANCELED)) {
    }
    (void)async_process_close_end(&process->fd);
    return 0;
}

#endif
/* ===========================================================================
 * subprocess_talk: all streams of a child at once.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if ASYNC_HOSTED

#include <string.h>

enum { ASYNC_TALK_FRESH_ = 0, ASYNC_TALK_BROKEN_OFF_, ASYNC_TALK_PUMPS_,
       ASYNC_TALK_WAITS_ };

/* Tasks without a frame: all that they remember is how much was moved. */
static async_status async_pump_in_(async_pump_ *pump)
{
    async_communication *talk = pump->talk;
    async_status rc = async_write_all(*pump->fd, talk->input,
                                      talk->input_length, &talk->input_done);

    if (rc == ASYNC_PENDING || rc == ASYNC_CANCEL) {
        return rc;
    }
    (void)async_process_close_end(pump->fd);
    return rc == ASYNC_EPIPE || rc == ASYNC_ECONNRESET || rc > 0 ? 0 : rc;
}

static async_status async_pump_from_(async_pump_ *pump, void *to, size_t room,
                                     size_t *length)
{
    char scrap[4096];

    for (;;) {
        bool fits = to != NULL && *length < room;
        async_status rc = async_read(*pump->fd,
                                     fits ? (char *)to + *length : scrap,
                                     fits ? room - *length : sizeof scrap);

        if (rc == ASYNC_PENDING || rc == ASYNC_CANCEL) {
            return rc;
        }
        if (rc <= 0) {
            (void)async_process_close_end(pump->fd);
            return rc;
        }
        *length += (size_t)rc;
    }
}

static async_status async_pump_out_(async_pump_ *pump)
{
    async_communication *talk = pump->talk;

    return async_pump_from_(pump, talk->output, talk->output_room,
                            &talk->output_length);
}

static async_status async_pump_err_(async_pump_ *pump)
{
    async_communication *talk = pump->talk;

    return async_pump_from_(pump, talk->errors, talk->errors_room,
                            &talk->errors_length);
}

/* Its error is kept: whoever is struck in this very turn does not hear of it,
 * and must not be told afterwards that all went well. */
static async_status async_pump_one_(async_pump_ *pump)
{
    async_status rc = pump->fn(pump);

    if (rc < 0 && rc != ASYNC_PENDING && rc != ASYNC_CANCEL
        && pump->talk->failed_ == 0) {
        pump->talk->failed_ = rc;
    }
    return rc;
}

static void async_talk_pump_(async_communication *talk, int *fd,
                             async_status (*fn)(async_pump_ *pump))
{
    async_pump_ *pump = &talk->pump_[talk->pumps_];

    if (*fd < 0) {
        return;
    }
    memset(pump, 0, sizeof *pump);
    pump->talk = talk;
    pump->fn = fn;
    pump->fd = fd;
    (void)async_spawn(&pump->task, async_pump_one_, pump);
    talk->waiters_[talk->pumps_].task = &pump->task;
    talk->pumps_++;
}

/* The first evaluation of a call. */
static int async_talk_begin_(async_process *process, async_communication *talk)
{
    if ((talk->input == NULL && talk->input_length != 0)
        || (talk->output == NULL && talk->output_room != 0)
        || (talk->errors == NULL && talk->errors_room != 0)
        || (talk->stage_ == ASYNC_TALK_FRESH_ && process->in < 0
            && talk->input_length != 0)) {
        return ASYNC_EINVAL;
    }
    if (talk->stage_ == ASYNC_TALK_FRESH_) {
        talk->output_length = talk->errors_length = talk->input_done = 0;
        talk->failed_ = 0;
    }
    process->talker = async_this_task_;
    talk->pumps_ = 0;
    async_talk_pump_(talk, &process->in, async_pump_in_);
    async_talk_pump_(talk, &process->out, async_pump_out_);
    async_talk_pump_(talk, &process->err, async_pump_err_);
    talk->stage_ = ASYNC_TALK_PUMPS_;
    return 0;
}

/* Its two waits, one after the other. */
static async_status async_talk_(async_process *process,
                                async_communication *talk)
{
    async_status rc;

    if (talk->stage_ == ASYNC_TALK_PUMPS_) {
        rc = talk->pumps_ == 0 ? 0 : async_gather(&talk->set_, talk->waiters_,
                                                  talk->pumps_);
        if (rc != 0) {
            return rc;
        }
        talk->stage_ = ASYNC_TALK_WAITS_;
    }
    return async_process_wait(process);
}

ASYNC_API async_status async_process_communicate(async_process *process,
                                                 async_communication *talk)
{
    async_task *task = async_self_();
    async_status rc;

    if (process == NULL || talk == NULL) {
        return async_settle_(task, ASYNC_EINVAL);
    }
    if (process->talker != task) {
        rc = process->pid == 0 ? ASYNC_EINVAL
            : process->talker != NULL ? ASYNC_EBUSY
            : async_talk_begin_(process, talk);
        if (rc < 0) {
            return async_settle_(task, rc);
        }
    }
    rc = async_talk_(process, talk);
    if (rc == ASYNC_PENDING) {
        ASYNC_WAITS_("async_process_communicate", process);
        return rc;
    }
    process->talker = NULL;
    rc = rc >= 0 && talk->failed_ < 0 ? talk->failed_ : rc;
    if (rc < 0) {
        talk->stage_ = ASYNC_TALK_BROKEN_OFF_;
        return rc;
    }
    talk->stage_ = ASYNC_TALK_FRESH_;
    return (talk->output != NULL && talk->output_length > talk->output_room)
        || (talk->errors != NULL && talk->errors_length > talk->errors_room)
        ? ASYNC_EOVERFLOW : rc;
}

#endif
/* ===========================================================================
 * offload: the threads, their queue, and the way of a result to its task.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if ASYNC_HOSTED && ASYNC_OFFLOAD

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

enum { ASYNC_JOB_FREE_ = 0, ASYNC_JOB_QUEUED_, ASYNC_JOB_RUNNING_,
       ASYNC_JOB_DONE_ };
enum { ASYNC_WORKER_NONE_ = 0, ASYNC_WORKER_ALIVE_, ASYNC_WORKER_ENDED_ };

/* What a loop knows of its jobs. */
struct async_offloads_ {
    async_irq irq;              /* raised when `done` is no longer empty */
    async_loop *loop;
    async_list waiters;         /* the tasks, so that the loop finds them */
    unsigned out;               /* jobs that are not back */
    unsigned forks;             /* of which process it is */
    /* under the lock: */
    async_offload_job *done;    /* the oldest; a list */
    async_offload_job *last;
    unsigned running;
};

struct async_worker_ {
    pthread_t thread;
    int state;
};

/* Of the process, under the lock. */
static pthread_mutex_t async_offload_lock_ = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t async_offload_work_ = PTHREAD_COND_INITIALIZER;
static pthread_cond_t async_offload_rest_ = PTHREAD_COND_INITIALIZER;
static struct async_worker_ async_workers_[ASYNC_OFFLOAD_THREADS];
static async_offload_job *async_offload_first_, *async_offload_last_;
static unsigned async_offload_queued_;  /* jobs in the queue */
static unsigned async_offload_idle_;    /* workers that wait for one */
static unsigned async_offload_alive_;   /* workers */
static unsigned async_offload_loops_;   /* loops that have an async_offloads_ */
static unsigned async_offload_forks_;   /* since the first process */
static pthread_once_t async_offload_once_ = PTHREAD_ONCE_INIT;

static void async_offload_enter_(void)
{
    (void)pthread_mutex_lock(&async_offload_lock_);
}

static void async_offload_leave_(void)
{
    (void)pthread_mutex_unlock(&async_offload_lock_);
}

/* In the child of a fork there are no workers, and the jobs are the parent's.
 * Whoever held the lock is not here. */
static void async_offload_forked_(void)
{
    unsigned i;

    (void)pthread_mutex_init(&async_offload_lock_, NULL);
    (void)pthread_cond_init(&async_offload_work_, NULL);
    (void)pthread_cond_init(&async_offload_rest_, NULL);
    for (i = 0; i < ASYNC_OFFLOAD_THREADS; i++) {
        async_workers_[i].state = ASYNC_WORKER_NONE_;
    }
    async_offload_first_ = async_offload_last_ = NULL;
    async_offload_queued_ = async_offload_idle_ = 0;
    async_offload_alive_ = async_offload_loops_ = 0;
    async_offload_forks_++;
}

static void async_offload_begin_(void)
{
    (void)pthread_atfork(NULL, NULL, async_offload_forked_);
}

/* ---- the queue, under the lock ------------------------------------------- */

static void async_offload_append_(async_offload_job *job)
{
    job->state = ASYNC_JOB_QUEUED_;
    job->next = NULL;
    job->prev = async_offload_last_;
    if (job->prev == NULL) {
        async_offload_first_ = job;
    } else {
        job->prev->next = job;
    }
    async_offload_last_ = job;
    async_offload_queued_++;
}

static void async_offload_remove_(async_offload_job *job)
{
    if (job->prev == NULL) {
        async_offload_first_ = job->next;
    } else {
        job->prev->next = job->next;
    }
    if (job->next == NULL) {
        async_offload_last_ = job->prev;
    } else {
        job->next->prev = job->prev;
    }
    async_offload_queued_--;
    job->state = ASYNC_JOB_FREE_;
}

/* ---- workers ------------------------------------------------------------- */

/* Run the oldest job. Under the lock, which is released meanwhile. The last
 * that is done with the job, and with its loop, is done under the lock. */
static void async_worker_run_(void)
{
    async_offload_job *job = async_offload_first_;
    struct async_offloads_ *home = job->home;
    int result;

    async_offload_remove_(job);
    job->state = ASYNC_JOB_RUNNING_;
    home->running++;
    async_offload_leave_();
    result = job->fn(job->argument);
    async_offload_enter_();
    job->result = result <= ASYNC_CANCEL ? ASYNC_EINVAL : result;
    job->state = ASYNC_JOB_DONE_;
    job->next = NULL;
    if (home->done == NULL) {
        home->done = job;
        async_irq_raise(&home->irq);
    } else {
        home->last->next = job;
    }
    home->last = job;
    if (--home->running == 0) {
        (void)pthread_cond_broadcast(&async_offload_rest_);
    }
}

static void *async_work_(void *argument)
{
    struct async_worker_ *self = (struct async_worker_ *)argument;

    async_offload_enter_();
    for (;;) {
        while (async_offload_first_ == NULL && async_offload_loops_ != 0) {
            async_offload_idle_++;
            (void)pthread_cond_wait(&async_offload_work_,
                                    &async_offload_lock_);
            async_offload_idle_--;
        }
        if (async_offload_first_ == NULL) {
            break;
        }
        async_worker_run_();
    }
    self->state = ASYNC_WORKER_ENDED_;
    async_offload_alive_--;
    (void)pthread_cond_broadcast(&async_offload_rest_);
    async_offload_leave_();
    return NULL;
}

/* It has ended, but for its very last steps, which need no lock. */
static void async_worker_bury_(struct async_worker_ *it)
{
    if (it->state == ASYNC_WORKER_ENDED_) {
        (void)pthread_join(it->thread, NULL);
        it->state = ASYNC_WORKER_NONE_;
    }
}

/* Signals are for other threads, but for those that come of a fault of the
 * thread's own, which a handler may want to report. */
static int async_worker_create_(struct async_worker_ *it)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    int err = pthread_attr_init(&attributes);

    if (err != 0) {
        return -err;
    }
    /* If the system wants more, it is as large as the system has it. */
    (void)pthread_attr_setstacksize(&attributes, ASYNC_OFFLOAD_STACK);
    (void)sigfillset(&all);
    (void)sigdelset(&all, SIGSEGV);
    (void)sigdelset(&all, SIGBUS);
    (void)sigdelset(&all, SIGFPE);
    (void)sigdelset(&all, SIGILL);
    (void)sigdelset(&all, SIGTRAP);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    err = ASYNC_SYS_(pthread_create)(&it->thread, &attributes, async_work_,
                                     it);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);
    return -err;
}

/* One more, if there is work for it and a place: 0 or an error. */
static int async_worker_start_(void)
{
    unsigned i = 0;
    int err;

    if (async_offload_queued_ <= async_offload_idle_
        || async_offload_alive_ == ASYNC_OFFLOAD_THREADS) {
        return 0;
    }
    while (async_workers_[i].state == ASYNC_WORKER_ALIVE_) {
        i++;
    }
    async_worker_bury_(&async_workers_[i]);
    err = async_worker_create_(&async_workers_[i]);
    if (err == 0) {
        async_workers_[i].state = ASYNC_WORKER_ALIVE_;
        async_offload_alive_++;
    }
    return err;
}

/* ---- a loop's jobs ------------------------------------------------------- */

/* A job is back. The last one takes the irq out of the loop's list. */
static void async_offload_back_(async_offload_job *job)
{
    struct async_offloads_ *home = job->home;
    async_irq **at = &home->loop->irqs;

    job->home = NULL;
    if (--home->out == 0) {
        while (*at != &home->irq) {
            at = &(*at)->next;
        }
        *at = home->irq.next;
    }
    if (job->task == NULL) {
        free(job);
    }
}

/* Give its task the result. One that was struck just now stands in the ready
 * queue already; others are to go there. */
static void async_offload_grant_(async_task *task, int result)
{
    unsigned state = async_state_(task);

    if (state == ASYNC_WAITING_ || state == ASYNC_DEAF_) {
        async_set_state_(task, ASYNC_WAITING_);
        async_unpark_(task);
        async_wake_(task, result);
    } else {
        task->timer.u.result = result;
        async_set_state_(task, ASYNC_READY_);
    }
}

static async_offload_job *async_offload_take_(struct async_offloads_ *home)
{
    async_offload_job *job;

    async_offload_enter_();
    job = home->done;
    home->done = NULL;
    async_offload_leave_();
    return job;
}

static void async_offload_serve_(async_irq *irq)
{
    struct async_offloads_ *home =
        (struct async_offloads_ *)(void *)irq;
    async_offload_job *job = async_offload_take_(home);
    async_offload_job *next;

    ASYNC_TRACE_FROM_(home->loop, "thread");
    for (; job != NULL; job = next) {
        async_task *task = job->task;
        int result = job->result;

        next = job->next;
        async_offload_back_(job);
        if (task != NULL) {
            async_offload_grant_(task, result);
        }
    }
}

/* No loop needs the workers any more. (When another one comes meanwhile, those
 * that have not gone yet stay.) Under the lock. */
static void async_offload_end_(void)
{
    unsigned i;

    (void)pthread_cond_broadcast(&async_offload_work_);
    for (i = 0; i < ASYNC_OFFLOAD_THREADS; i++) {
        while (async_workers_[i].state == ASYNC_WORKER_ALIVE_
               && async_offload_loops_ == 0) {
            (void)pthread_cond_wait(&async_offload_rest_,
                                    &async_offload_lock_);
        }
        async_worker_bury_(&async_workers_[i]);
    }
}

/* The loop closes. Usually it has no jobs; if some are left with their tasks,
 * those in the queue are dropped, and the others waited for. */
static void async_offload_close_(struct async_offloads_ *home)
{
    async_offload_job *job, *next;

    async_offload_enter_();
    if (home->forks == async_offload_forks_) {
        for (job = async_offload_first_; job != NULL; job = next) {
            next = job->next;
            if (job->home == home) {
                async_offload_remove_(job);
                async_offload_back_(job);
            }
        }
        while (home->running != 0) {
            (void)pthread_cond_wait(&async_offload_rest_,
                                    &async_offload_lock_);
        }
        for (job = home->done; job != NULL; job = next) {
            next = job->next;
            async_offload_back_(job);
        }
        if (--async_offload_loops_ == 0) {
            async_offload_end_();
        }
    }
    async_offload_leave_();
    (void)async_irq_close(&home->irq);
    free(home);
}

/* The loop's own, made for its first job: NULL and an error if it cannot. */
static struct async_offloads_ *async_offloads_of_(async_loop *loop,
                                                  int *err)
{
    struct async_fds *fds = async_fds_(loop, err);
    struct async_offloads_ *home;

    if (fds == NULL || fds->offloads != NULL) {
        return fds == NULL ? NULL : fds->offloads;
    }
    home = (struct async_offloads_ *)ASYNC_SYS_(calloc)(1, sizeof *home);
    if (home == NULL) {
        *err = ASYNC_ENOMEM;
        return NULL;
    }
    *err = async_irq_open(&home->irq);
    if (*err < 0) {
        free(home);
        return NULL;
    }
    home->irq.serve = async_offload_serve_;
    home->loop = loop;
    fds->offloads = home;
    fds->offloads_close = async_offload_close_;
    (void)pthread_once(&async_offload_once_, async_offload_begin_);
    async_offload_enter_();
    home->forks = async_offload_forks_;
    if (async_offload_loops_++ == 0) {      /* who waits for none does not */
        (void)pthread_cond_broadcast(&async_offload_rest_);
    }
    async_offload_leave_();
    return home;
}

/* ---- the operation ------------------------------------------------------- */

static int async_offload_submit_(async_offload_job *job, async_offload_fn fn,
                                 void *argument)
{
    int err = 0;
    struct async_offloads_ *home = async_offloads_of_(async_this_loop_, &err);

    if (home == NULL) {
        return err;
    }
    job->fn = fn;
    job->argument = argument;
    job->task = async_this_task_;
    job->home = home;
    async_offload_enter_();
    async_offload_append_(job);
    err = async_worker_start_();
    if (err < 0 && async_offload_alive_ == 0) {
        async_offload_remove_(job);
        async_offload_leave_();
        job->home = NULL;
        return err;
    }
    if (async_offload_idle_ != 0) {
        (void)pthread_cond_signal(&async_offload_work_);
    }
    async_offload_leave_();
    if (home->out++ == 0) {
        home->irq.next = home->loop->irqs;
        home->loop->irqs = &home->irq;
    }
    return 0;
}

static async_status async_offload_park_(async_offload_job *job, bool deaf)
{
    ASYNC_WAITS_("async_offload", job);
    (void)async_park_(&job->home->waiters);
    if (deaf) {
        async_set_state_(async_this_task_, ASYNC_DEAF_);
    }
    return ASYNC_PENDING;
}

/* Take it off the queue, if it is still there. */
static bool async_offload_withdraw_(async_offload_job *job)
{
    bool queued;

    async_offload_enter_();
    queued = job->state == ASYNC_JOB_QUEUED_;
    if (queued) {
        async_offload_remove_(job);
    }
    async_offload_leave_();
    return queued;
}

static async_status async_offload_struck_(async_task *task,
                                          async_offload_job *job)
{
    if (!async_offload_withdraw_(job)) {
        return async_offload_park_(job, true);
    }
    async_offload_back_(job);
    return async_deliver_(task);
}

ASYNC_API async_status async_offload(async_offload_job *job,
                                     async_offload_fn fn, void *argument)
{
    async_task *task = async_self_();
    int err;

    if (async_granted_(task)) {
        return task->timer.u.result;
    }
    if (async_state_(task) == ASYNC_STRUCK_) {
        return async_offload_struck_(task, job);
    }
    if (job == NULL || fn == NULL) {
        return ASYNC_EINVAL;
    }
    if (job->home != NULL) {
        return ASYNC_EBUSY;
    }
    if (ASYNC_STRUCK_P_(task)) {
        return async_deliver_(task);
    }
    ASYNC_LASTS_("async_offload", job, true);
    ASYNC_LASTS_("async_offload", argument, true);
    err = async_offload_submit_(job, fn, argument);
    return err < 0 ? err : async_offload_park_(job, false);
}

ASYNC_API async_status async_offload_surely_(async_offload_job *job,
                                             async_offload_fn fn,
                                             void *argument)
{
    async_task *task = async_self_();

    if (async_granted_(task)) {
        return task->timer.u.result;
    }
    return async_offload_submit_(job, fn, argument) < 0
        ? fn(argument) : async_offload_park_(job, true);
}

ASYNC_API void async_offload_abandon_(async_offload_job *job)
{
    job->task = NULL;
    if (async_offload_withdraw_(job)) {
        async_offload_back_(job);
    }
}

#if ASYNC_SIM
ASYNC_API bool async_offload_waits_(const async_loop *loop)
{
    return loop->fds != NULL && loop->fds->offloads != NULL
        && loop->fds->offloads->waiters.tail != NULL;
}
#endif

#endif
/* ===========================================================================
 * file: the system calls on files, made in threads.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if ASYNC_HOSTED && ASYNC_OFFLOAD

#include <sys/stat.h>
#include <unistd.h>

/* ---- in the thread ------------------------------------------------------- */

static int async_file_call_(void *argument)
{
    async_file *file = (async_file *)argument;

    return file->call(file);
}

/* By open(2), which waits at a FIFO until somebody opens its other side: not so
 * with O_NONBLOCK, which means nothing to a file or a folder, but something
 * else to a device. Only a file that others hold by a lease (fcntl(2)) is then
 * refused, and asked for again. */
static int async_file_get_(const async_file *file, int *flags)
{
    struct stat status;
    int fd;

    *flags = file->flags;
#ifdef O_PATH
    if ((*flags & O_PATH) == 0)
#endif
    if (stat(file->path, &status) < 0
        || (!S_ISCHR(status.st_mode) && !S_ISBLK(status.st_mode))) {
        *flags |= O_NONBLOCK;
    }
    for (;;) {
        fd = ASYNC_SYS_(open)(file->path, *flags, file->mode);
        if (fd >= 0) {
            return fd;
        }
        if (errno == EWOULDBLOCK && *flags != file->flags) {
            *flags = file->flags;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
}

static int async_file_opens_(async_file *file)
{
    struct stat status;
    int flags;
    int fd = async_file_get_(file, &flags);

    if (fd < 0) {
        return fd;
    }
    if (ASYNC_SYS_(fstat)(fd, &status) < 0
        || (flags != file->flags && !S_ISFIFO(status.st_mode)
            && ASYNC_SYS_(fcntl)(fd, F_SETFL, file->flags) < 0)) {
        int err = -errno;

        (void)close(fd);
        return err;
    }
    file->fd = fd;
    file->is_open = true;
    file->is_pipe = S_ISFIFO(status.st_mode);
    return 0;
}

/* Reading, or writing, once: at the file's own place, or at an offset. */
static ptrdiff_t async_file_read_once_(const async_file *file)
{
    return file->offset < 0
        ? ASYNC_SYS_(read)(file->fd, file->buffer, file->length)
        : ASYNC_SYS_(pread)(file->fd, file->buffer, file->length,
                            (off_t)file->offset);
}

static ptrdiff_t async_file_write_once_(const async_file *file)
{
    const char *from = (const char *)file->buffer + file->done;
    size_t length = file->length - file->done;

    return file->offset < 0
        ? ASYNC_SYS_(write)(file->fd, from, length)
        : ASYNC_SYS_(pwrite)(file->fd, from, length,
                             (off_t)(file->offset + (int64_t)file->done));
}

static int async_file_reads_(async_file *file)
{
    ptrdiff_t n;

    do {
        n = async_file_read_once_(file);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : (int)n;
}

static int async_file_writes_(async_file *file)
{
    ptrdiff_t n;

    do {
        n = async_file_write_once_(file);
        if (n >= 0) {
            file->done += (size_t)n;
        } else if (errno != EINTR) {
            return -errno;
        }
    } while (file->done < file->length && n != 0);
    return n == 0 && file->length != 0 ? ASYNC_EIO : (int)file->length;
}

static int async_file_syncs_(async_file *file)
{
    int rc;

    do {
        rc = ASYNC_SYS_(fsync)(file->fd);
    } while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : 0;
}

static int async_file_stats_(async_file *file)
{
    return ASYNC_SYS_(fstat)(file->fd, (struct stat *)file->buffer) < 0
        ? -errno : 0;
}

static int async_file_sizes_(async_file *file)
{
    struct stat status;
    int64_t size;

    if (ASYNC_SYS_(fstat)(file->fd, &status) < 0) {
        return -errno;
    }
    size = (int64_t)status.st_size;
    *(int64_t *)file->buffer = size;
    return 0;
}

/* After EINTR the number is free, or another thread's: never again. */
static int async_file_closes_(async_file *file)
{
    int rc = ASYNC_SYS_(close)(file->fd) < 0 && errno != EINTR ? -errno : 0;

    file->is_open = false;
    file->fd = -1;
    return rc;
}

/* ---- in the task --------------------------------------------------------- */

/* Does an operation begin? Then with what, in its file; or what is wrong. Only
 * now may this be written: once it is out, the file is the thread's. */
static int async_file_begin_(async_file *file, bool is_open,
                             int (*call)(async_file *file), const void *buffer,
                             size_t length, int64_t offset)
{
    if (file == NULL || (buffer == NULL && length != 0)) {
        return ASYNC_EINVAL;
    }
    if (file->job.home != NULL || file->user != NULL) {
        return ASYNC_EBUSY;
    }
    if (file->is_open != is_open) {
        return is_open ? ASYNC_EBADF : ASYNC_EBUSY;
    }
    ASYNC_LASTS_("an operation on a file", buffer, true);
    file->call = call;
    file->buffer = (void *)(uintptr_t)buffer;
    file->length = async_fd_length_(length);
    file->offset = offset;
    return 0;
}

static async_status async_file_wait_(async_file *file, const char *what)
{
    async_status rc = async_offload(&file->job, async_file_call_, file);

    (void)what;
    if (rc == ASYNC_PENDING) {
        ASYNC_WAITS_(what, file);
    }
    return rc;
}

/* Is it a read or a write of a FIFO, and could that have to wait? */
static bool async_file_may_wait_(const async_file *file)
{
    int mode = file->flags & O_ACCMODE;

    return file->is_pipe && file->offset < 0 && file->length != 0
        && ((file->call == async_file_reads_ && mode != O_WRONLY)
            || (file->call == async_file_writes_ && mode != O_RDONLY));
}

/* A FIFO keeps no thread waiting: the loop waits for it. It is always the wait
 * that suspends, so an operation that is resumed is in that. */
static async_status async_file_pipe_(async_file *file, const char *what)
{
    async_status rc;

    do {
        rc = file->call == async_file_reads_ ? async_readable(file->fd)
                                             : async_writable(file->fd);
        if (rc == 0) {
            rc = file->call(file);
        }
    } while (rc == ASYNC_EAGAIN);
    (void)what;
    if (rc == ASYNC_PENDING) {
        ASYNC_WAITS_(what, file);
    }
    file->user = rc == ASYNC_PENDING ? async_this_task_ : NULL;
    return rc;
}

static async_status async_file_do_(async_file *file, const char *what,
                                   int (*call)(async_file *file),
                                   const void *buffer, size_t length,
                                   int64_t offset)
{
    if (async_state_(async_this_task_) == ASYNC_RUNNING_) {
        int err = async_file_begin_(file, true, call, buffer, length, offset);

        if (err < 0) {
            return err;
        }
    }
    return async_file_may_wait_(file) ? async_file_pipe_(file, what)
                                      : async_file_wait_(file, what);
}

/* An offset that the system call cannot take. */
static int async_file_offset_(int64_t offset)
{
    return offset < 0 ? ASYNC_EINVAL
        : (int64_t)(off_t)offset != offset ? ASYNC_EOVERFLOW : 0;
}

ASYNC_API async_status async_file_open(async_file *file, const char *path,
                                       int flags, mode_t mode)
{
    if (async_state_(async_self_()) == ASYNC_RUNNING_) {
        int err = async_file_begin_(file, false, async_file_opens_, path, 1,
                                    -1);

        if (err < 0) {
            return err;
        }
        file->path = path;
        file->flags = flags | O_CLOEXEC;
        file->mode = mode;
    }
    return async_file_wait_(file, "async_file_open");
}

ASYNC_API async_status async_file_read(async_file *file, void *buffer,
                                       size_t length)
{
    (void)async_self_();
    return async_file_do_(file, "async_file_read", async_file_reads_, buffer,
                          length, -1);
}

ASYNC_API async_status async_file_pread(async_file *file, void *buffer,
                                        size_t length, int64_t offset)
{
    int err = async_file_offset_(offset);

    (void)async_self_();
    return err < 0 ? err
        : async_file_do_(file, "async_file_pread", async_file_reads_, buffer,
                         length, offset);
}

/* A new write counts anew; a resumed one leaves the count to the thread. */
static async_status async_file_write_(async_file *file, const char *what,
                                      const void *buffer, size_t length,
                                      int64_t offset)
{
    if (async_state_(async_this_task_) == ASYNC_RUNNING_ && file != NULL
        && file->job.home == NULL && file->user == NULL) {
        file->done = 0;
    }
    return async_file_do_(file, what, async_file_writes_, buffer, length,
                          offset);
}

ASYNC_API async_status async_file_write(async_file *file, const void *buffer,
                                        size_t length)
{
    (void)async_self_();
    return async_file_write_(file, "async_file_write", buffer, length, -1);
}

ASYNC_API async_status async_file_pwrite(async_file *file, const void *buffer,
                                         size_t length, int64_t offset)
{
    int err = async_file_offset_(offset);

    (void)async_self_();
    return err < 0 ? err : async_file_write_(file, "async_file_pwrite", buffer,
                                             length, offset);
}

ASYNC_API async_status async_file_sync(async_file *file)
{
    (void)async_self_();
    return async_file_do_(file, "async_file_sync", async_file_syncs_, NULL, 0,
                          -1);
}

ASYNC_API async_status async_file_size(async_file *file, int64_t *size)
{
    (void)async_self_();
    return async_file_do_(file, "async_file_size", async_file_sizes_, size,
                          sizeof *size, -1);
}

ASYNC_API async_status async_file_stat(async_file *file, struct stat *to)
{
    (void)async_self_();
    return async_file_do_(file, "async_file_stat", async_file_stats_, to, 1,
                          -1);
}

/* The loop may know the number, by async_read for instance. */
ASYNC_API async_status async_file_close(async_file *file)
{
    if (async_state_(async_self_()) == ASYNC_RUNNING_) {
        int err = async_file_begin_(file, true, async_file_closes_, NULL, 0,
                                    -1);

        if (err < 0) {
            return err;
        }
        (void)async_detach(file->fd);
    }
    return async_offload_surely_(&file->job, async_file_call_, file);
}

#endif
/* ===========================================================================
 * resolve: names into addresses, and addresses into a connection.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if ASYNC_HOSTED && ASYNC_OFFLOAD

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

/* ---- names --------------------------------------------------------------- */

/* A lookup, in memory of its own: behind it come the addresses that it finds,
 * and the two names. The job is its first member, for async_offload_abandon_.
 */
struct async_lookup_ {
    async_offload_job job;
    struct addrinfo hints;
    const char *host, *service;
    async_address *addresses;
    int capacity;
};

static int async_lookup_error_(int error, int number)
{
    switch (error) {
    case EAI_AGAIN: return ASYNC_EHOSTAGAIN;
    case EAI_FAIL: return ASYNC_EHOSTFAIL;
    case EAI_MEMORY: return ASYNC_ENOMEM;
    case EAI_BADFLAGS: return ASYNC_EINVAL;
    case EAI_FAMILY: return -EAFNOSUPPORT;
    case EAI_SERVICE:
    case EAI_SOCKTYPE: return ASYNC_ENOSERVICE;
    case EAI_SYSTEM: return number > 0 ? -number : ASYNC_EHOSTFAIL;
#ifdef EAI_OVERFLOW
    case EAI_OVERFLOW: return ASYNC_EOVERFLOW;
#endif
    default: return ASYNC_ENOHOST;      /* EAI_NONAME, EAI_NODATA, ... */
    }
}

/* In the thread. */
static int async_lookup_run_(void *argument)
{
    struct async_lookup_ *it = (struct async_lookup_ *)argument;
    struct addrinfo *all = NULL;
    const struct addrinfo *one;
    int n = 0;
    int error = ASYNC_SYS_(getaddrinfo)(it->host, it->service, &it->hints,
                                        &all);

    if (error != 0) {
        return async_lookup_error_(error, errno);
    }
    for (one = all; one != NULL && n < it->capacity; one = one->ai_next) {
        if (one->ai_addrlen <= sizeof it->addresses[n].storage) {
            memset(&it->addresses[n], 0, sizeof it->addresses[n]);
            memcpy(&it->addresses[n].storage, one->ai_addr, one->ai_addrlen);
            it->addresses[n].length = one->ai_addrlen;
            n++;
        }
    }
    freeaddrinfo(all);
    return n > 0 ? n : ASYNC_ENOHOST;
}

/* The flags under which two numbers need no asking. */
#define ASYNC_RESOLVE_KNOWN_ \
    (AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV | AI_ADDRCONFIG)

/* A port in digits, 0 for none; -1 for a name; ASYNC_ENOSERVICE for what is
 * neither, of which the system's library makes a port (of +80) modulo 65536 */
static int32_t async_port_of_(const char *service)
{
    int32_t port = 0;

    if (service != NULL && *service > '\0' && *service < '0') {
        return ASYNC_ENOSERVICE;            /* a sign, a space */
    }
    for (; service != NULL && *service != '\0'; service++) {
        if (*service < '0' || *service > '9') {
            return -1;
        }
        port = port > 65535 ? port : 10 * port + (*service - '0');
    }
    return port > 65535 ? (int32_t)ASYNC_ENOSERVICE : port;
}

/* Two numbers: 1, and the address; or 0. */
static int async_resolve_numbers_(const async_resolver *resolver,
                                  const char *host, int32_t port,
                                  async_address *address)
{
    async_address found;

    if (port < 0 || host == NULL
        || (resolver->flags & ~ASYNC_RESOLVE_KNOWN_) != 0
        || async_address_set(&found, host, (int)port) < 0
        || (resolver->family != AF_UNSPEC
            && resolver->family != (int)found.storage.ss_family)) {
        return 0;
    }
    *address = found;
    return 1;
}

static char *async_lookup_name_(char *at, const char **to, const char *name)
{
    size_t size;

    if (name == NULL) {
        *to = NULL;
        return at;
    }
    size = strlen(name) + 1;
    memcpy(at, name, size);
    *to = at;
    return at + size;
}

static struct async_lookup_ *async_lookup_make_(const async_resolver *resolver,
                                                const char *host,
                                                const char *service,
                                                int capacity)
{
    size_t names = (host == NULL ? 0 : strlen(host) + 1)
        + (service == NULL ? 0 : strlen(service) + 1);
    struct async_lookup_ *it;
    char *at;

    capacity = capacity > 64 ? 64 : capacity;
    it = (struct async_lookup_ *)ASYNC_SYS_(calloc)(
        1, sizeof *it + (size_t)capacity * sizeof *it->addresses + names);
    if (it == NULL) {
        return NULL;
    }
    it->hints.ai_family = resolver->family;
    it->hints.ai_socktype = resolver->socktype == 0 ? SOCK_STREAM
                                                    : resolver->socktype;
    it->hints.ai_flags = resolver->flags;
    it->capacity = capacity;
    it->addresses = (async_address *)(void *)(it + 1);
    at = (char *)(void *)(it->addresses + capacity);
    at = async_lookup_name_(at, &it->host, host);
    (void)async_lookup_name_(at, &it->service, service);
    return it;
}

static async_status async_resolve_begin_(async_task *task,
                                         async_resolver *resolver,
                                         const char *host, const char *service,
                                         async_address *addresses,
                                         int capacity)
{
    int32_t port = async_port_of_(service);
    async_status rc;

    if (resolver == NULL || addresses == NULL || capacity < 1) {
        return ASYNC_EINVAL;
    }
    if (resolver->lookup != NULL) {
        return ASYNC_EBUSY;
    }
    if (port == ASYNC_ENOSERVICE) {
        return ASYNC_ENOSERVICE;
    }
    if (host == NULL && service == NULL) {
        service = "0";                      /* the system wants one of them */
    }
    if (async_resolve_numbers_(resolver, host, port, addresses) == 1) {
        return 1;
    }
    if (ASYNC_STRUCK_P_(task)) {
        return async_deliver_(task);
    }
    resolver->lookup = async_lookup_make_(resolver, host, service, capacity);
    if (resolver->lookup == NULL) {
        return ASYNC_ENOMEM;
    }
    rc = async_offload(&resolver->lookup->job, async_lookup_run_,
                       resolver->lookup);
    if (rc != ASYNC_PENDING) {
        free(resolver->lookup);
        resolver->lookup = NULL;
    } else {
        ASYNC_WAITS_("async_resolve", resolver);
    }
    return rc;
}

ASYNC_API async_status async_resolve(async_resolver *resolver,
                                     const char *host, const char *service,
                                     async_address *addresses, int capacity)
{
    async_task *task = async_self_();
    struct async_lookup_ *it;
    async_status rc;

    if (async_state_(task) == ASYNC_RUNNING_) {
        return async_resolve_begin_(task, resolver, host, service, addresses,
                                    capacity);
    }
    it = resolver->lookup;
    resolver->lookup = NULL;
    if (!async_granted_(task)) {            /* struck: the thread may have it */
        async_offload_abandon_(&it->job);
        return async_deliver_(task);
    }
    rc = task->timer.u.result;
    if (rc > 0) {
        memcpy(addresses, it->addresses, (size_t)rc * sizeof *addresses);
    }
    free(it);
    return rc;
}

/* ---- connections --------------------------------------------------------- */

/* The first to be connected leaves its descriptor to all; any other closes its
 * own, however it ends. */
static ASYNC async_attempt_run_(struct async_attempt_ *self)
{
    async_attempts *of = self->of;

    ASYNC_BEGIN(self);
    ASYNC_TRY {
        self->fd = async_socket(self->address->storage.ss_family, SOCK_STREAM,
                                0);
        if (self->fd < 0) {
            ASYNC_RAISE(self->fd);
        }
        ASYNC_AWAIT(async_connect(self->fd, (const struct sockaddr *)
                                  (const void *)&self->address->storage,
                                  self->address->length));
        if (of->fd < 0) {
            of->fd = self->fd;
            self->fd = -1;
        }
    } ASYNC_FINALLY(self->outcome) {
        if (self->fd >= 0) {
            (void)async_close(self->fd);
        }
        if (ASYNC_FAILED(self->outcome) && self->outcome != ASYNC_CANCEL) {
            of->error = self->outcome;
        }
        of->ended++;
        (void)async_event_set(&of->ended_one);
    } ASYNC_TRY_END;
    ASYNC_END;
}

static void async_attempt_start_(async_attempts *self,
                                 const async_address *address)
{
    struct async_attempt_ *it = &self->attempt[self->started];

    memset(it, 0, sizeof *it);
    it->of = self;
    it->address = address;
    it->fd = -1;
    self->waiters[self->started].task = &it->task;
    (void)async_spawn(&it->task, async_attempt_run_, it);
    self->started++;
    (void)async_event_clear(&self->ended_one);
}

static void async_attempts_cancel_(async_attempts *self)
{
    int i;

    for (i = 0; i < self->started; i++) {
        (void)async_cancel(&self->attempt[i].task);
    }
}

/* Is there another one to start, or any to wait for? */
static bool async_attempts_go_on_(const async_attempts *self)
{
    return self->fd < 0 && self->ended < self->n;
}

ASYNC_API async_status async_connect_any(async_attempts *self,
                                         const async_address *addresses, int n)
{
    if (self == NULL || addresses == NULL || n < 1) {
        return async_settle_(async_self_(), ASYNC_EINVAL);
    }
    ASYNC_BEGIN(self);
    self->n = n < ASYNC_DIAL_MAX ? n : (int)ASYNC_DIAL_MAX;
    self->started = self->ended = 0;
    self->fd = -1;
    self->error = 0;
    ASYNC_TRY {
        ASYNC_TRY {
            while (async_attempts_go_on_(self)) {
                if (self->started < self->n) {
                    async_attempt_start_(self, addresses + self->started);
                }
                ASYNC_AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope,
                    self->started == self->n ? ASYNC_NEVER
                    : self->delay > 0 ? self->delay
                    : (async_duration)ASYNC_MS(250),
                    async_event_wait(&self->ended_one)));
                (void)async_event_clear(&self->ended_one);
            }
        } ASYNC_FINALLY(self->failed) {
            async_attempts_cancel_(self);
            ASYNC_AWAIT(async_gather_all(&self->set, self->waiters,
                                         self->started));
        } ASYNC_TRY_END;
    } ASYNC_FINALLY(self->outcome) {
        if (ASYNC_FAILED(self->outcome) && self->fd >= 0) {
            (void)async_close(self->fd);
        }
    } ASYNC_TRY_END;
    ASYNC_RETURN(self->fd >= 0 ? self->fd : self->error);
    ASYNC_END;
}

/* So that not one address after another, of a family that does not work here,
 * takes its 250 ms. */
ASYNC_API void async_interleave_(async_address *all, int n)
{
    int i, j;

    for (i = 1; i < n; i++) {
        for (j = i; j < n && all[j].storage.ss_family
                             == all[i - 1].storage.ss_family; j++) {
        }
        if (j < n) {
            async_address next = all[j];

            memmove(all + i + 1, all + i, (size_t)(j - i) * sizeof *all);
            all[i] = next;
        }
    }
}

static void async_port_text_(char *to, int port)
{
    int digits = 1, n;

    for (n = port; n > 9; n /= 10) {
        digits++;
    }
    to[digits] = '\0';
    do {
        to[--digits] = (char)('0' + port % 10);
        port /= 10;
    } while (digits > 0);
}

ASYNC_API async_status async_dial(async_dialer *self, const char *host,
                                  int port)
{
    if (self == NULL || host == NULL || port < 1 || port > 65535) {
        return async_settle_(async_self_(), ASYNC_EINVAL);
    }
    ASYNC_BEGIN(self);
    async_port_text_(self->service, port);
    ASYNC_AWAIT_VALUE(self->n, async_resolve(&self->resolver, host,
                                             self->service, self->addresses,
                                             ASYNC_DIAL_MAX));
    async_interleave_(self->addresses, self->n);
    ASYNC_AWAIT_VALUE(self->fd, async_connect_any(&self->attempts,
                                                  self->addresses, self->n));
    ASYNC_RETURN(self->fd);
    ASYNC_END;
}

#endif
/* ===========================================================================
 * trace_write: what the writers of a trace have in common. Not a public part.
 *
 * A recording is told again as slices: from here to there this task ran, was
 * ready to, or waited. A writer is two functions, which are given each event
 * and each slice, in the order of their ends.
 * ======================================================================== */
#if ASYNC_TRACE && ASYNC_HOSTED

/* What a task does. Of one whose spawn was lost, it is unknown at first. */
enum { ASYNC_ROW_UNKNOWN_, ASYNC_ROW_READY_, ASYNC_ROW_RUNS_,
       ASYNC_ROW_WAITS_, ASYNC_ROW_DONE_ };

/* One spawn. Times are nanoseconds since the first event. */
typedef struct async_row_ {
    uint32_t id;
    int state, next;            /* what it becomes where a slice ends */
    const char *name;           /* the last one that it has */
    uint64_t first, last;       /* of its events; a task that is not done goes
                                   on to the end of the recording */
    uint64_t since;             /* its state */
    uint64_t ran;               /* since when, the last time */
    const char *what;           /* it waits in; or woke it */
    const void *on;
    bool done;                  /* in the recording, with that result */
    int result;
    uint32_t arrow;             /* of who woke or spawned it; 0: none */
    double drawn[2];            /* how far, see trace_svg.c */
} async_row_;

typedef struct async_writer_ async_writer_;
struct async_writer_ {
    const async_recorder *recorder;
    async_row_ *rows;           /* in the order of their spawns */
    size_t count;
    uint64_t end;               /* of the recording */
    uint32_t arrows;
    void (*event)(async_writer_ *writer, const async_trace_event *event,
                  async_row_ *row, uint64_t at);
    void (*slice)(async_writer_ *writer, async_row_ *row, uint64_t until);
    async_trace_out out;
    void *to;
    int error;                  /* the first; then nothing more is written */
    size_t used;
    char text[512];
};

/* Look at all rows: their first, last, name. 0, or an error. */
ASYNC_API int async_writer_open_(async_writer_ *writer,
                                 const async_recorder *recorder,
                                 async_trace_out out, void *to);
/* Tell it all, after the functions were set: once, or more than once. */
ASYNC_API void async_writer_tell_(async_writer_ *writer);
/* Write what is left, free the rows; the error, or 0. */
ASYNC_API int async_writer_close_(async_writer_ *writer);

/* The row with that number, or NULL. */
ASYNC_API async_row_ *async_writer_row_(const async_writer_ *writer,
                                        uint32_t id);

/* So long is that in nanoseconds. */
ASYNC_API uint64_t async_nanoseconds_(async_ticks ticks);

ASYNC_API void async_put_(async_writer_ *writer, const char *text,
                          size_t length);
ASYNC_API void async_puts_(async_writer_ *writer, const char *text);
ASYNC_API void async_put_number_(async_writer_ *writer, uint64_t number);
ASYNC_API void async_put_signed_(async_writer_ *writer, int number);
/* number / 10^digits, with so many decimals. */
ASYNC_API void async_put_decimal_(async_writer_ *writer, uint64_t number,
                                  int digits);
/* A text of the program, or of the user, as JSON or XML wants it. Of a name of
 * the library, without its options; at most so many characters. */
ASYNC_API void async_put_json_(async_writer_ *writer, const char *text);
ASYNC_API void async_put_xml_(async_writer_ *writer, const char *text,
                              size_t most);

/* How many characters that will be. */
ASYNC_API size_t async_text_length_(const char *text);

#endif
/* ===========================================================================
 * trace_write: a recording as slices, and text.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if ASYNC_TRACE && ASYNC_HOSTED

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- where the text goes ------------------------------------------------- */

ASYNC_API int async_trace_fd(void *fd, const char *text, size_t length)
{
    struct pollfd room;

    if (fd == NULL || text == NULL) {
        return ASYNC_EINVAL;
    }
    while (length > 0) {
        ptrdiff_t n = ASYNC_SYS_(write)(*(int *)fd, text, length);

        if (n >= 0) {
            text += n;
            length -= (size_t)n;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            room.fd = *(int *)fd;
            room.events = POLLOUT;
            room.revents = 0;
            (void)ASYNC_SYS_(poll)(&room, 1, -1);
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

static void async_put_out_(async_writer_ *writer)
{
    if (writer->error == 0 && writer->used > 0) {
        int rc = writer->out(writer->to, writer->text, writer->used);

        writer->error = rc < 0 ? rc : 0;
    }
    writer->used = 0;
}

ASYNC_API void async_put_(async_writer_ *writer, const char *text,
                          size_t length)
{
    while (length > 0) {
        size_t room = sizeof writer->text - writer->used;
        size_t n = length < room ? length : room;

        memcpy(writer->text + writer->used, text, n);
        writer->used += n;
        text += n;
        length -= n;
        if (writer->used == sizeof writer->text) {
            async_put_out_(writer);
        }
    }
}

ASYNC_API void async_puts_(async_writer_ *writer, const char *text)
{
    async_put_(writer, text, strlen(text));
}

/* (printf has the user's idea of a decimal point.) */
ASYNC_API void async_put_number_(async_writer_ *writer, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    async_put_(writer, digits + at, sizeof digits - at);
}

ASYNC_API void async_put_signed_(async_writer_ *writer, int number)
{
    if (number < 0) {
        async_puts_(writer, "-");
    }
    async_put_number_(writer, number < 0 ? (uint64_t)0 - (uint64_t)number
                                         : (uint64_t)number);
}

ASYNC_API void async_put_decimal_(async_writer_ *writer, uint64_t number,
                                  int digits)
{
    uint64_t one = 1;
    int i;

    for (i = 0; i < digits; i++) {
        one *= 10;
    }
    async_put_number_(writer, number / one);
    if (digits > 0) {
        async_puts_(writer, ".");
        for (one /= 10; one > 0; one /= 10) {
            async_put_number_(writer, number / one % 10);
        }
    }
}

/* ---- texts --------------------------------------------------------------- */

/* The character at `text`: how many bytes it takes; 0 if they are not UTF-8
 * (too long, cut short, half of a pair, above U+10FFFF), or none for XML. */
static size_t async_character_(const unsigned char *text)
{
    static const unsigned long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned long code;
    size_t length, i;

    if (text[0] < 0x80) {
        return 1;
    }
    length = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
    if (text[0] < 0xc2 || text[0] > 0xf4) {
        return 0;
    }
    code = text[0] & (0xffu >> (length + 1));
    for (i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (text[i] & 0x3fu);
    }
    if (code < least[length] || (code >= 0xd800 && code < 0xe000)
        || code > 0x10ffff || (code & 0xfffe) == 0xfffe) {
        return 0;
    }
    return length;
}

/* Where it ends: a name of the library's has its options behind it, see
 * ASYNC_ABI_, and the _ of one that is private before them. */
static const char *async_text_end_(const char *text)
{
    const char *options = strstr(text, "_hosted_");

    if (options == NULL) {
        return text + strlen(text);
    }
    return options > text && options[-1] == '_' ? options - 1 : options;
}

ASYNC_API size_t async_text_length_(const char *text)
{
    const char *end = async_text_end_(text);
    size_t count = 0;

    while (text < end) {
        size_t n = async_character_((const unsigned char *)text);

        text += n > 0 ? n : 1;
        count++;
    }
    return count;
}

static void async_put_escaped_(async_writer_ *writer, const char *text,
                               size_t length)
{
    static const char hex[] = "0123456789abcdef";
    unsigned char c = (unsigned char)*text;
    char code[] = "\\u0000";

    if (length == 0) {
        async_puts_(writer, "?");
    } else if (c == '"' || c == '\\') {
        async_puts_(writer, "\\");
        async_put_(writer, text, 1);
    } else if (c < 0x20) {
        code[4] = hex[c >> 4];
        code[5] = hex[c & 15];
        async_puts_(writer, code);
    } else {
        async_put_(writer, text, length);
    }
}

ASYNC_API void async_put_json_(async_writer_ *writer, const char *text)
{
    const char *end = async_text_end_(text);

    async_puts_(writer, "\"");
    while (text < end) {
        size_t n = async_character_((const unsigned char *)text);

        async_put_escaped_(writer, text, n);
        text += n > 0 ? n : 1;
    }
    async_puts_(writer, "\"");
}

/* XML has no way to say most control characters. */
static const char *async_xml_name_(unsigned char c)
{
    switch (c) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return c < 0x20 ? "?" : NULL;
    }
}

ASYNC_API void async_put_xml_(async_writer_ *writer, const char *text,
                              size_t most)
{
    const char *end = async_text_end_(text);
    bool fits = async_text_length_(text) <= most;

    while (text < end && (fits || most > 1)) {
        size_t n = async_character_((const unsigned char *)text);
        const char *name = n == 0 ? "?"
                                  : async_xml_name_((unsigned char)*text);

        if (name != NULL) {
            async_puts_(writer, name);
        } else {
            async_put_(writer, text, n);
        }
        text += n > 0 ? n : 1;
        most--;
    }
    if (!fits) {
        async_puts_(writer, "&#8230;");     /* an ellipsis */
    }
}

/* ---- rows ---------------------------------------------------------------- */

ASYNC_API uint64_t async_nanoseconds_(async_ticks ticks)
{
    return (uint64_t)(ticks / ASYNC_TICK_HZ) * 1000000000
        + (uint64_t)(ticks % ASYNC_TICK_HZ) * 1000000000 / ASYNC_TICK_HZ;
}

/* From one event to the next: less than half the range. A clock that goes back
 * stands still. */
static uint64_t async_between_(const async_trace_event *before,
                               const async_trace_event *event)
{
    async_ticks passed = (async_ticks)(event->time - before->time);

    return passed > ASYNC_NEVER ? 0 : async_nanoseconds_(passed);
}

ASYNC_API async_row_ *async_writer_row_(const async_writer_ *writer,
                                        uint32_t id)
{
    size_t from = 0, to = writer->count;

    while (from < to) {
        size_t at = from + (to - from) / 2;

        if (writer->rows[at].id == id) {
            return &writer->rows[at];
        }
        if (writer->rows[at].id < id) {
            from = at + 1;
        } else {
            to = at;
        }
    }
    return NULL;
}

static int async_by_id_(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;

    return one < other ? -1 : one > other;
}

/* The numbers of all tasks of the recording, each once: how many. */
static size_t async_writer_ids_(const async_recorder *recorder, uint32_t *ids)
{
    size_t i, count = 0;

    for (i = 0; i < recorder->count; i++) {
        ids[i] = async_recorder_event(recorder, i)->id;
    }
    qsort(ids, recorder->count, sizeof *ids, async_by_id_);
    for (i = 0; i < recorder->count; i++) {
        if (count == 0 || ids[count - 1] != ids[i]) {
            ids[count++] = ids[i];
        }
    }
    return count;
}

static void async_writer_look_(async_writer_ *writer)
{
    const async_trace_event *event, *before = NULL;
    uint64_t at = 0;
    size_t i;

    for (i = 0; (event = async_recorder_event(writer->recorder, i)) != NULL;
         i++, before = event) {
        async_row_ *row = async_writer_row_(writer, event->id);

        at += before == NULL ? 0 : async_between_(before, event);
        if (row->name == NULL) {
            row->first = at;
        }
        row->name = event->name;
        row->last = at;
        if (event->point == ASYNC_TRACE_DONE) {
            row->done = true;
            row->result = event->value;
        }
    }
    writer->end = at;
    for (i = 0; i < writer->count; i++) {
        if (!writer->rows[i].done) {
            writer->rows[i].last = at;
        }
    }
}

ASYNC_API int async_writer_open_(async_writer_ *writer,
                                 const async_recorder *recorder,
                                 async_trace_out out, void *to)
{
    size_t i, n;
    uint32_t *ids;

    if (recorder == NULL || out == NULL) {
        return ASYNC_EINVAL;
    }
    writer->recorder = recorder;
    writer->rows = NULL;
    writer->count = 0;
    writer->end = 0;
    writer->out = out;
    writer->to = to;
    writer->error = 0;
    writer->used = 0;
    if (recorder->count == 0) {
        return 0;
    }
    ids = (uint32_t *)ASYNC_SYS_(calloc)(recorder->count, sizeof *ids);
    if (ids == NULL) {
        return ASYNC_ENOMEM;
    }
    n = async_writer_ids_(recorder, ids);
    writer->rows = (async_row_ *)ASYNC_SYS_(calloc)(n, sizeof *writer->rows);
    if (writer->rows == NULL) {
        free(ids);
        return ASYNC_ENOMEM;
    }
    writer->count = n;
    for (i = 0; i < n; i++) {
        writer->rows[i].id = ids[i];
    }
    free(ids);
    async_writer_look_(writer);
    return 0;
}

ASYNC_API int async_writer_close_(async_writer_ *writer)
{
    async_put_out_(writer);
    free(writer->rows);
    return writer->error;
}

/* ---- slices -------------------------------------------------------------- */

static void async_row_becomes_(async_writer_ *writer, async_row_ *row,
                               int state, uint64_t at)
{
    row->next = state;
    if (row->state != ASYNC_ROW_UNKNOWN_) {
        writer->slice(writer, row, at);
    }
    row->state = state;
    row->since = at;
    if (state == ASYNC_ROW_RUNS_) {
        row->ran = at;
    }
}

static void async_writer_event_(async_writer_ *writer,
                                const async_trace_event *event, uint64_t at)
{
    async_row_ *row = async_writer_row_(writer, event->id);

    switch (event->point) {
    case ASYNC_TRACE_RESUME:
        async_row_becomes_(writer, row, ASYNC_ROW_RUNS_, at);
        break;
    case ASYNC_TRACE_SUSPEND:
        async_row_becomes_(writer, row, event->value != 0 ? ASYNC_ROW_WAITS_
                                                          : ASYNC_ROW_READY_,
                           at);
        row->what = event->what;
        row->on = event->on;
        break;
    case ASYNC_TRACE_DONE:
        async_row_becomes_(writer, row, ASYNC_ROW_DONE_, at);
        break;
    default:                                    /* spawned, woken, struck */
        async_row_becomes_(writer, row, ASYNC_ROW_READY_, at);
        row->what = event->point == ASYNC_TRACE_SPAWN ? "spawn" : event->what;
        row->on = NULL;
        break;
    }
    writer->event(writer, event, row, at);
}

ASYNC_API void async_writer_tell_(async_writer_ *writer)
{
    const async_trace_event *event, *before = NULL;
    uint64_t at = 0;
    size_t i;

    for (i = 0; i < writer->count; i++) {
        writer->rows[i].state = ASYNC_ROW_UNKNOWN_;
    }
    for (i = 0; (event = async_recorder_event(writer->recorder, i)) != NULL
         && writer->error == 0; i++, before = event) {
        at += before == NULL ? 0 : async_between_(before, event);
        async_writer_event_(writer, event, at);
    }
    for (i = 0; i < writer->count; i++) {
        async_row_ *row = &writer->rows[i];

        if (row->state != ASYNC_ROW_DONE_) {
            async_row_becomes_(writer, row, ASYNC_ROW_DONE_, writer->end);
        }
    }
}

#endif
/* ===========================================================================
 * trace_chrome: a recording in the trace-event format, which Perfetto loads.
 * One object a line: metadata that names the tracks, then complete slices
 * (ph X), instants (i), and arrows (s to f).
 * ======================================================================== */
#if ASYNC_TRACE && ASYNC_HOSTED

/* What each object begins with; its end is up to the caller. */
static void async_chrome_object_(async_writer_ *writer, const char *phase,
                                 uint32_t id)
{
    async_puts_(writer, ",\n{\"ph\":\"");
    async_puts_(writer, phase);
    async_puts_(writer, "\",\"pid\":1,\"tid\":");
    async_put_number_(writer, id);
}

static void async_chrome_at_(async_writer_ *writer, const char *key,
                             uint64_t at)
{
    async_puts_(writer, ",\"");
    async_puts_(writer, key);
    async_puts_(writer, "\":");
    async_put_decimal_(writer, at, 3);
}

static void async_chrome_text_(async_writer_ *writer, const char *key,
                               const char *text)
{
    async_puts_(writer, ",\"");
    async_puts_(writer, key);
    async_puts_(writer, "\":");
    async_put_json_(writer, text == NULL ? "" : text);
}

static void async_chrome_pointer_(async_writer_ *writer, const void *pointer)
{
    static const char hex[] = "0123456789abcdef";
    uintptr_t value = (uintptr_t)pointer;
    int shift = (int)(8 * sizeof value);

    async_puts_(writer, "\"0x");
    while (shift > 4 && value >> (shift - 4) == 0) {
        shift -= 4;
    }
    for (; shift > 0; shift -= 4) {
        async_put_(writer, &hex[value >> (shift - 4) & 15], 1);
    }
    async_puts_(writer, "\"");
}

static void async_chrome_tracks_(async_writer_ *writer)
{
    size_t i;

    for (i = 0; i < writer->count; i++) {
        const async_row_ *row = &writer->rows[i];

        async_chrome_object_(writer, "M", row->id);
        async_puts_(writer, ",\"name\":\"thread_name\",\"args\":{\"name\":");
        async_put_json_(writer, row->name);
        async_puts_(writer, "}}");
        async_chrome_object_(writer, "M", row->id);
        async_puts_(writer, ",\"name\":\"thread_sort_index\",\"args\":"
                            "{\"sort_index\":");
        async_put_number_(writer, row->id);
        async_puts_(writer, "}}");
    }
}

/* What is to be known of a slice beside its name. */
static void async_chrome_details_(async_writer_ *writer, const async_row_ *row)
{
    async_puts_(writer, ",\"args\":{");
    if (row->state == ASYNC_ROW_WAITS_ && row->on != NULL) {
        async_puts_(writer, "\"on\":");
        async_chrome_pointer_(writer, row->on);
    } else if (row->state == ASYNC_ROW_READY_) {
        async_puts_(writer, "\"by\":");
        async_put_json_(writer, row->what == NULL ? "" : row->what);
    } else if (row->state == ASYNC_ROW_RUNS_ && row->done
               && row->next == ASYNC_ROW_DONE_) {
        async_puts_(writer, "\"result\":");
        async_put_signed_(writer, row->result);
        if (row->result < 0) {
            async_chrome_text_(writer, "error", async_strerror(row->result));
        }
    }
    async_puts_(writer, "}}");
}

static void async_chrome_slice_(async_writer_ *writer, async_row_ *row,
                                uint64_t until)
{
    static const char *const kinds[] = {"", "ready", "run", "wait"};

    async_chrome_object_(writer, "X", row->id);
    async_chrome_at_(writer, "ts", row->since);
    async_chrome_at_(writer, "dur", until - row->since);
    async_chrome_text_(writer, "cat", kinds[row->state]);
    async_chrome_text_(writer, "name",
                       row->state == ASYNC_ROW_WAITS_ && row->what != NULL
                       ? row->what : kinds[row->state]);
    async_chrome_details_(writer, row);
}

static void async_chrome_arrow_(async_writer_ *writer, const char *phase,
                                uint32_t id, uint64_t at, uint32_t arrow)
{
    async_chrome_object_(writer, phase, id);
    async_chrome_at_(writer, "ts", at);
    async_puts_(writer, ",\"cat\":\"wake\",\"name\":\"wake\",\"id\":");
    async_put_number_(writer, arrow);
    async_puts_(writer, *phase == 'f' ? ",\"bp\":\"e\"}" : "}");
}

/* An arrow starts inside of a slice. What a task wakes after it is done, it
 * wakes in its last moment. */
static void async_chrome_from_(async_writer_ *writer, async_row_ *row,
                               uint32_t by, uint64_t at)
{
    const async_row_ *from = by == 0 ? NULL : async_writer_row_(writer, by);

    row->arrow = 0;
    if (from == NULL) {
        return;
    }
    if (from->state == ASYNC_ROW_DONE_) {
        at = from->last > from->ran ? from->last - 1 : from->last;
    }
    row->arrow = ++writer->arrows;
    async_chrome_arrow_(writer, "s", by, at, row->arrow);
}

static void async_chrome_event_(async_writer_ *writer,
                                const async_trace_event *event,
                                async_row_ *row, uint64_t at)
{
    switch (event->point) {
    case ASYNC_TRACE_RESUME:
        if (row->arrow != 0) {
            async_chrome_arrow_(writer, "f", row->id, at, row->arrow);
            row->arrow = 0;
        }
        break;
    case ASYNC_TRACE_SPAWN:
    case ASYNC_TRACE_STRIKE:
        async_chrome_object_(writer, "i", row->id);
        async_chrome_at_(writer, "ts", at);
        async_puts_(writer, ",\"s\":\"t\",\"name\":\"");
        async_puts_(writer, event->point == ASYNC_TRACE_SPAWN
                            ? "spawn\",\"args\":{\"at\":"
                            : "strike\",\"args\":{\"by\":");
        async_put_json_(writer, event->what == NULL ? "" : event->what);
        if (event->point == ASYNC_TRACE_SPAWN) {
            async_puts_(writer, ",\"line\":");
            async_put_signed_(writer, event->value);
        }
        async_puts_(writer, "}}");
        async_chrome_from_(writer, row, event->by, at);
        break;
    case ASYNC_TRACE_WAKE:
        async_chrome_from_(writer, row, event->by, at);
        break;
    default:
        break;
    }
}

ASYNC_API int async_trace_chrome(const async_recorder *recorder,
                                 async_trace_out out, void *to)
{
    async_writer_ writer;
    int rc = async_writer_open_(&writer, recorder, out, to);

    if (rc < 0) {
        return rc;
    }
    writer.event = async_chrome_event_;
    writer.slice = async_chrome_slice_;
    writer.arrows = 0;
    async_puts_(&writer, "{\"displayTimeUnit\":\"ms\",\"otherData\":"
                         "{\"lost\":");
    async_put_number_(&writer, recorder->lost);
    async_puts_(&writer, "},\"traceEvents\":[\n{\"ph\":\"M\",\"pid\":1,"
                         "\"name\":\"process_name\",\"args\":"
                         "{\"name\":\"async.h\"}}");
    async_chrome_tracks_(&writer);
    async_writer_tell_(&writer);
    async_puts_(&writer, "\n]}\n");
    return async_writer_close_(&writer);
}

#endif
/* ===========================================================================
 * trace_svg: a recording as a picture: a row for each task, time from left to
 * right, in tenths of a pixel.
 * ======================================================================== */
#if ASYNC_TRACE && ASYNC_HOSTED

#include <string.h>

/* Pixels. A step of a task is as wide as a mark at least, to be seen. */
static const double async_svg_width_ = 1000, async_svg_right_ = 24;
static const double async_svg_row_ = 26, async_svg_bar_ = 16;
static const double async_svg_mark_ = 2;
static const size_t async_svg_rows_ = 500;
static const size_t async_svg_longest_ = 24;    /* characters of a name */

/* The writer comes first. What was drawn is explained below the picture. */
typedef struct async_svg_ {
    async_writer_ writer;
    double left, scale;     /* where time begins, and pixels in a nanosecond */
    double top;             /* of the first row */
    uint64_t span;
    bool steps;             /* are drawn now, above all else */
    bool ready, thread, error;
} async_svg_;

/* ---- shapes -------------------------------------------------------------- */

static void async_svg_number_(async_writer_ *to, const char *key, double value)
{
    async_puts_(to, key);
    async_put_decimal_(to, (uint64_t)(value * 10 + 0.5), 1);
    async_puts_(to, "\"");
}

static void async_svg_rect_(async_writer_ *to, const char *kind, double x,
                            double y, double width, double height)
{
    async_puts_(to, "<rect class=\"");
    async_puts_(to, kind);
    async_svg_number_(to, "\" x=\"", x);
    async_svg_number_(to, " y=\"", y);
    async_svg_number_(to, " width=\"", width);
    async_svg_number_(to, " height=\"", height);
}

static void async_svg_text_(async_writer_ *to, const char *kind, double x,
                            double y, const char *anchor)
{
    async_puts_(to, "<text class=\"");
    async_puts_(to, kind);
    async_svg_number_(to, "\" x=\"", x);
    async_svg_number_(to, " y=\"", y);
    if (anchor != NULL) {
        async_puts_(to, " text-anchor=\"");
        async_puts_(to, anchor);
        async_puts_(to, "\"");
    }
    async_puts_(to, ">");
}

/* How wide a text is, about, in small letters. */
static double async_svg_wide_(const char *text)
{
    size_t length = async_text_length_(text);

    return 6.5 * (double)length;
}

/* ---- time ---------------------------------------------------------------- */

static double async_svg_x_(const async_svg_ *svg, uint64_t at)
{
    return svg->left + (double)at * svg->scale;
}

/* 1, 2, 5, 10 ... nanoseconds, so that there are ten steps at most. */
static uint64_t async_svg_step_(uint64_t span)
{
    static const uint64_t factors[] = {1, 2, 5};
    uint64_t one;

    for (one = 1;; one *= 10) {
        int i;

        for (i = 0; i < 3; i++) {
            if (span / 10 < one * factors[i]
                || (span / 10 == one * factors[i] && span % 10 == 0)) {
                return one * factors[i];
            }
        }
    }
}

/* A time in the unit of such steps: "2 s", "0.5 s", "20 ms". */
static void async_svg_time_(async_writer_ *to, uint64_t at, uint64_t step)
{
    static const char *const names[] = {" s", " ms", " &#181;s", " ns"};
    uint64_t unit = 1000000000;
    int i = 0;

    while (step * 10 < unit) {
        unit /= 1000;
        i++;
    }
    if (step < unit) {
        async_put_decimal_(to, at / (unit / 10), 1);
    } else {
        async_put_number_(to, at / unit);
    }
    async_puts_(to, names[i]);
}

static void async_svg_axis_(async_svg_ *svg, double bottom)
{
    async_writer_ *to = &svg->writer;
    uint64_t step = async_svg_step_(svg->span);
    uint64_t at;

    for (at = 0; at <= svg->span; at += step) {
        double x = async_svg_x_(svg, at);

        async_svg_rect_(to, "grid", x, svg->top, 1, bottom + 4 - svg->top);
        async_puts_(to, "/>\n");
        async_svg_text_(to, "ink", x, bottom + 20, "middle");
        async_svg_time_(to, at, step);
        async_puts_(to, "</text>\n");
    }
}

/* ---- rows ---------------------------------------------------------------- */

static double async_svg_y_(const async_svg_ *svg, const async_row_ *row)
{
    return svg->top + (double)(row - svg->writer.rows) * async_svg_row_;
}

static bool async_svg_shown_(const async_svg_ *svg, const async_row_ *row)
{
    return (size_t)(row - svg->writer.rows) < async_svg_rows_;
}

/* The name, and a bar from the first event to the last, on which the slices
 * are drawn; behind it an error. */
static void async_svg_task_(async_svg_ *svg, const async_row_ *row)
{
    async_writer_ *to = &svg->writer;
    double y = async_svg_y_(svg, row);
    double from = async_svg_x_(svg, row->first);
    double until = async_svg_x_(svg, row->last);

    async_svg_text_(to, "ink", svg->left - 10, y + 17, "end");
    async_put_xml_(to, row->name, async_svg_longest_);
    async_puts_(to, "</text>\n");
    async_svg_rect_(to, "wait", from, y + 5, until - from, async_svg_bar_);
    async_puts_(to, "/>\n");
}

static void async_svg_end_(async_svg_ *svg, const async_row_ *row)
{
    async_writer_ *to = &svg->writer;
    double y = async_svg_y_(svg, row);
    double x = async_svg_x_(svg, row->last) + async_svg_mark_;
    const char *text = async_strerror(row->result);

    svg->error = true;
    async_svg_rect_(to, "error", x, y + 2, 4, async_svg_bar_ + 6);
    async_puts_(to, "><title>");
    async_put_xml_(to, text, 200);
    async_puts_(to, "</title></rect>\n");
    if (x + 16 + async_svg_wide_(text) < async_svg_width_) {
        async_svg_text_(to, "small ink", x + 8, y + 17, NULL);
        async_put_xml_(to, text, 200);
        async_puts_(to, "</text>\n");
    }
}

/* "async_offload" is about a thread, and so are files and names. */
static bool async_svg_in_thread_(const char *what)
{
    return strcmp(what, "async_offload") == 0
        || strcmp(what, "async_resolve") == 0
        || strncmp(what, "async_file_", 11) == 0;
}

static void async_svg_wait_(async_svg_ *svg, async_row_ *row, double x,
                            double width)
{
    async_writer_ *to = &svg->writer;
    const char *what = row->what == NULL ? "" : row->what;
    const char *kind = "wait";
    double y = async_svg_y_(svg, row);

    if (async_svg_in_thread_(what)) {
        svg->thread = true;
        kind = "thread";
    } else if (width < 1) {
        return;                         /* the row's own bar shows it */
    }
    if (strncmp(what, "async_", 6) == 0) {
        what += 6;
    }
    async_svg_rect_(to, kind, x, y + 5, width, async_svg_bar_);
    async_puts_(to, "><title>");
    async_put_xml_(to, what, 200);
    async_puts_(to, "</title></rect>\n");
    if (width > 10 + async_svg_wide_(what)) {
        async_svg_text_(to, "small in", x + width / 2, y + 17, "middle");
        async_put_xml_(to, what, 200);
        async_puts_(to, "</text>\n");
    }
}

/* A step is often shorter than a pixel, and then wider than it should be: a
 * further one that would be hidden by it is left out. */
static void async_svg_step_or_ready_(async_svg_ *svg, async_row_ *row,
                                     double x, double until)
{
    bool runs = row->state == ASYNC_ROW_RUNS_;
    double *drawn = &row->drawn[runs];
    double y = async_svg_y_(svg, row);

    if (until - x < (runs ? async_svg_mark_ : 0.5)) {
        if (!runs) {
            return;
        }
        until = x + async_svg_mark_;
    }
    if (until < *drawn + 0.5) {
        return;
    }
    if (runs) {
        async_svg_rect_(&svg->writer, "run", x, y + 3, until - x,
                        async_svg_bar_ + 4);
    } else {
        svg->ready = true;
        async_svg_rect_(&svg->writer, "ready", x, y + 5, until - x,
                        async_svg_bar_);
    }
    async_puts_(&svg->writer, "/>\n");
    *drawn = until;
}

static void async_svg_slice_(async_writer_ *writer, async_row_ *row,
                             uint64_t until)
{
    async_svg_ *svg = (async_svg_ *)(void *)writer;
    double from = async_svg_x_(svg, row->since);
    double to = async_svg_x_(svg, until);

    if (!async_svg_shown_(svg, row)
        || svg->steps != (row->state == ASYNC_ROW_RUNS_)) {
        return;
    }
    if (row->state == ASYNC_ROW_WAITS_) {
        async_svg_wait_(svg, row, from, to - from);
    } else {
        async_svg_step_or_ready_(svg, row, from, to);
    }
}

static void async_svg_event_(async_writer_ *writer,
                             const async_trace_event *event, async_row_ *row,
                             uint64_t at)
{
    async_svg_ *svg = (async_svg_ *)(void *)writer;

    (void)at;
    if (event->point == ASYNC_TRACE_DONE && event->value < 0 && svg->steps
        && async_svg_shown_(svg, row)) {
        async_svg_end_(svg, row);
    }
}

/* ---- the picture --------------------------------------------------------- */

static const char async_svg_style_[] =
    "<style>\n"
    ".page{fill:#fff}.ink{fill:#1f2328}.grid{fill:#d8dee4}\n"
    ".wait{fill:#cfe3fb;stroke:#fff}.in{fill:#0a3069}\n"
    ".thread{fill:#a6e5b5;stroke:#fff}.ready{fill:#d4a72c}.run{fill:#0550ae}\n"
    ".error{fill:#cf222e}.small{font-size:11px}.head{font-size:16px;"
    "font-weight:bold}\n"
    "@media(prefers-color-scheme:dark){\n"
    ".page{fill:#0d1117}.ink{fill:#e6edf3}.grid{fill:#30363d}\n"
    ".wait{fill:#1c3a5e;stroke:#0d1117}.in{fill:#cae8ff}\n"
    ".thread{fill:#1f6f37;stroke:#0d1117}.ready{fill:#e3b341}"
    ".run{fill:#79c0ff}\n"
    ".error{fill:#ff7b72}\n"
    "}\n</style>\n";

static double async_svg_key_(async_writer_ *to, const char *kind,
                             const char *text, double x, double y)
{
    async_svg_rect_(to, kind, x, y - 10, 12, 12);
    async_puts_(to, "/>\n");
    async_svg_text_(to, "small ink", x + 17, y, NULL);
    async_puts_(to, text);
    async_puts_(to, "</text>\n");
    return x + 35 + async_svg_wide_(text);
}

static void async_svg_legend_(async_svg_ *svg, double y)
{
    async_writer_ *to = &svg->writer;
    double x = svg->left;

    x = async_svg_key_(to, "run", "runs", x, y);
    if (svg->ready) {
        x = async_svg_key_(to, "ready", "is ready", x, y);
    }
    x = async_svg_key_(to, "wait", "waits", x, y);
    if (svg->thread) {
        x = async_svg_key_(to, "thread", "a thread works for it", x, y);
    }
    if (svg->error) {
        (void)async_svg_key_(to, "error", "ends in an error", x, y);
    }
}

static void async_svg_begin_(async_svg_ *svg, const char *title,
                             double height)
{
    async_writer_ *to = &svg->writer;
    double y = 24;

    async_puts_(to, "<svg xmlns=\"http://www.w3.org/2000/svg\" "
                    "width=\"1000\" viewBox=\"0 0 1000 ");
    async_put_number_(to, (uint64_t)height);
    async_puts_(to, "\" font-family=\"sans-serif\" font-size=\"13\">\n");
    if (title != NULL) {
        async_puts_(to, "<title>");
        async_put_xml_(to, title, 400);
        async_puts_(to, "</title>\n");
    }
    async_puts_(to, async_svg_style_);
    async_svg_rect_(to, "page", 0, 0, async_svg_width_, height);
    async_puts_(to, "/>\n");
    if (title != NULL) {
        async_svg_text_(to, "head ink", 16, y, NULL);
        async_put_xml_(to, title, 110);
        async_puts_(to, "</text>\n");
        y += 20;
    }
    if (to->recorder->lost != 0) {
        async_svg_text_(to, "small ink", 16, y, NULL);
        async_puts_(to, "Events before these that are lost: ");
        async_put_number_(to, to->recorder->lost);
        async_puts_(to, "</text>\n");
    }
}

static double async_svg_names_(const async_writer_ *writer)
{
    size_t i, longest = 4;

    for (i = 0; i < writer->count && i < async_svg_rows_; i++) {
        size_t length = async_text_length_(writer->rows[i].name);

        longest = length > longest ? length : longest;
    }
    longest = longest < async_svg_longest_ ? longest : async_svg_longest_;
    return 7.5 * (double)longest + 26;
}

static void async_svg_draw_(async_svg_ *svg, const char *title)
{
    async_writer_ *to = &svg->writer;
    size_t rows = to->count < async_svg_rows_ ? to->count : async_svg_rows_;
    double bottom, height;
    size_t i;

    svg->left = async_svg_names_(to);
    svg->scale = (async_svg_width_ - async_svg_right_ - svg->left)
        / (double)svg->span;
    svg->top = 8 + (title != NULL ? 28 : 0) + (to->recorder->lost ? 20 : 0);
    bottom = svg->top + (double)rows * async_svg_row_;
    height = bottom + 60 + (to->count > rows ? 20 : 0);
    async_svg_begin_(svg, title, height);
    async_svg_axis_(svg, bottom);
    for (i = 0; i < rows; i++) {
        async_svg_task_(svg, &to->rows[i]);
    }
    svg->steps = false;
    async_writer_tell_(to);
    svg->steps = true;
    async_writer_tell_(to);
    async_svg_legend_(svg, bottom + 46);
    if (to->count > rows) {
        async_svg_text_(to, "small ink", svg->left, bottom + 66, NULL);
        async_puts_(to, "and tasks that are not shown: ");
        async_put_number_(to, to->count - rows);
        async_puts_(to, "</text>\n");
    }
    async_puts_(to, "</svg>\n");
}

ASYNC_API int async_trace_svg(const async_recorder *recorder,
                              const char *title, async_duration span,
                              async_trace_out out, void *to)
{
    async_svg_ svg;
    uint64_t least = span <= 0 ? 1 : async_nanoseconds_((async_ticks)span);
    int rc = async_writer_open_(&svg.writer, recorder, out, to);

    if (rc < 0) {
        return rc;
    }
    svg.writer.event = async_svg_event_;
    svg.writer.slice = async_svg_slice_;
    svg.span = svg.writer.end > least ? svg.writer.end : least;
    svg.ready = svg.thread = svg.error = false;
    async_svg_draw_(&svg, title);
    return async_writer_close_(&svg.writer);
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

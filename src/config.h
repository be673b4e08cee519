#pragma once
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

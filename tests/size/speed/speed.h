/* What the three measured programs share: a counter of cycles (AVR) or of
 * instructions (the others, where an emulator knows no cycles), and the
 * depth of the stack. Each measures the same four things:
 *
 *   resume  a routine that stopped in its middle is called, goes on, and stops
 *           there again
 *   switch  from one of two tasks that take turns to the other one; that they
 *           count their turns is taken off
 *   wake    from the moment that an interrupt is due, the processor being
 *           asleep, to the line of the task that waits for it
 *   stack   bytes below main for taking turns
 */
#ifndef SPEED_H
#define SPEED_H

#include "board.h"

#if defined __AVR__

#include <avr/io.h>

typedef uint16_t count_t;

static inline void count_open(void)
{
    TCCR1B = 1 << CS10;
}

static inline count_t count(void)
{
    count_t now;

    __asm__ volatile ("" : : : "memory");
    now = TCNT1;
    __asm__ volatile ("" : : : "memory");
    return now;
}

#define KEEP_OUT() __asm__ volatile ("cli" : : : "memory")
#define LET_IN() __asm__ volatile ("sei" : : : "memory")
#define SLEEP() __asm__ volatile ("sei\n\tsleep\n\tcli" : : : "memory")
#define COUNTED(n) (n)

static inline uint8_t *stack_pointer(void)
{
    return (uint8_t *)SP;
}

#elif defined __arm__

/* SysTick counts time; in qemu with -icount shift=10 an instruction takes
 * 1024 ns, so many of its ticks. */
typedef uint32_t count_t;

#define SYSTICK(n) (*(volatile uint32_t *)(0xe000e010 + (n)))

static inline void count_open(void)
{
    SYSTICK(4) = 0xffffff;
    SYSTICK(8) = 0;
    SYSTICK(0) = 5;
}

static inline count_t count(void)
{
    count_t now;

    __asm__ volatile ("" : : : "memory");
    now = 0xffffff - SYSTICK(8);
    __asm__ volatile ("" : : : "memory");
    return now;
}

#define KEEP_OUT() __asm__ volatile ("cpsid i" : : : "memory")
#define LET_IN() __asm__ volatile ("cpsie i" : : : "memory")
#define SLEEP() __asm__ volatile ("wfi" : : : "memory")
#ifdef __ARM_ARCH_6M__
#define COUNTED(n) (((n) * 1000 + 8192) / 16384)        /* 16 MHz */
#else
#define COUNTED(n) (((n) * 10 + 128) / 256)             /* 25 MHz */
#endif

static inline uint8_t *stack_pointer(void)
{
    uint8_t *sp;

    __asm__ volatile ("mov %0, sp" : "=r"(sp));
    return sp;
}

#else

typedef uint32_t count_t;

static inline void count_open(void)
{
}

static inline count_t count(void)
{
    count_t now;

    __asm__ volatile ("csrr %0, minstret" : "=r"(now) : : "memory");
    return now;
}

#define KEEP_OUT() __asm__ volatile ("csrci mstatus, 8" : : : "memory")
#define LET_IN() __asm__ volatile ("csrsi mstatus, 8" : : : "memory")
#define SLEEP() __asm__ volatile ("wfi" : : : "memory")
#define COUNTED(n) (n)

static inline uint8_t *stack_pointer(void)
{
    uint8_t *sp;

    __asm__ volatile ("mv %0, sp" : "=r"(sp));
    return sp;
}

#endif

enum { ROUNDS = 100, PAINTED = 512 };

static volatile uint16_t turns;
static count_t began, took, nothing, counting;
static uint8_t ended;

/* What measuring itself costs, and the tasks' own work. */
static void measure_nothing(void)
{
    count_open();
    began = count();
    took = count();
    began = count();
    took = count();
    nothing = (count_t)(took - began);
    turns = 0;
    began = count();
    do {
        turns++;
    } while (turns < ROUNDS);
    counting = (count_t)(count() - began - nothing);
    turns = 0;
}

static void report(const char *what, count_t from, count_t to, unsigned times)
{
    count_t n = (count_t)(to - from - nothing);

    board_print("%s %lu\n", what,
                (unsigned long)((COUNTED((uint32_t)n) + times / 2) / times));
}

/* Call it on a painted stack, and see how far the paint is gone. */
__attribute__((noinline)) static void measure_stack(void (*fn)(void))
{
    volatile uint8_t *top = stack_pointer();
    volatile uint8_t *at;

    for (at = top - 1; at != top - PAINTED; at--) {
        *at = 0xa5;
    }
    fn();
    do {
        at++;
    } while (*at == 0xa5 && at != top);
    board_print("stack %d\n", (int)(top - at));
    ended = 1;
}

#endif

/* Startup of the boards without a libc: vectors, an empty .bss, main. */
#include <stdint.h>

#ifndef __AVR__

extern uint32_t bss_start[], bss_end[], stack_top[];
int main(void);
void start(void);

static inline void go(void)
{
    volatile uint32_t *word = bss_start;

    while (word < bss_end) {
        *word++ = 0;
    }
    (void)main();
    for (;;) {
    }
}

#ifdef __arm__

void board_stuck(void);
void board_on_tick(void) __attribute__((weak, alias("board_stuck")));
void board_on_event(void) __attribute__((weak, alias("board_stuck")));

void start(void)
{
    go();
}

void board_stuck(void)
{
    for (;;) {
    }
}

/* The stack, start, faults, SysTick, and the first interrupt. */
__attribute__((section(".vectors"), used))
static const uintptr_t vectors[17] = {
    (uintptr_t)stack_top, (uintptr_t)start, (uintptr_t)board_stuck,
    (uintptr_t)board_stuck, [15] = (uintptr_t)board_on_tick,
    (uintptr_t)board_on_event
};

#else

void board_on_trap(void) __attribute__((weak));

static void __attribute__((used)) start_c(void)
{
    if (board_on_trap != 0) {
        __asm__ volatile ("csrw mtvec, %0" : : "r"(board_on_trap));
    }
    go();
}

__attribute__((naked, section(".vectors"), used)) void start(void)
{
    __asm__ volatile ("la sp, stack_top\n\tj start_c");
}

#endif
#endif

/* ---- the end of a test run ----------------------------------------------- */

#ifdef BOARD_RUN
volatile uint8_t board_toggles[2];
void board_end(uint8_t ok);

void board_end(uint8_t ok)
{
#if defined __AVR__
    /* The low digit of the serial port's text is the answer; then `cli; sleep`
     * ends the simulator. */
    volatile uint8_t *const udr0 = (volatile uint8_t *)0xc6;
    volatile uint8_t *const ucsr0b = (volatile uint8_t *)0xc1;
    const char text[] = { ok ? 'Y' : 'N', '\n' };

    *ucsr0b = 8;
    *udr0 = (uint8_t)text[0];
    *udr0 = (uint8_t)text[1];
    __asm__ volatile ("cli\n\tsleep");
#elif defined __arm__
    /* Semihosting: SYS_EXIT_EXTENDED. */
    const uint32_t why[2] = { 0x20026, ok ? 0 : 1 };
    register uint32_t operation __asm__("r0") = 0x20;
    register const uint32_t *argument __asm__("r1") = why;

    __asm__ volatile ("bkpt 0xab" : : "r"(operation), "r"(argument) : "memory");
#else
    *(volatile uint32_t *)0x100000 = ok ? 0x5555 : 0x13333;
#endif
    for (;;) {
    }
}
#endif

/* Startup of the boards without a libc: vectors, .data, .bss, main; and the end
 * of a run in an emulator. */
#include <stdint.h>

void board_exit(int status);

#ifdef __AVR__

/* What the runner (tests/firmware/simulate.c) takes as the exit status is a
 * write to GPIOR1; and `cli; sleep` ends any simulator. */
void board_exit(int status)
{
    *(volatile uint8_t *)0x4a = (uint8_t)status;
    __asm__ volatile ("cli\n\tsleep");
    for (;;) {
    }
}

#else

extern uint32_t data_from[], data_start[], data_end[];
extern uint32_t bss_start[], bss_end[], stack_top[];
int main(void);
void start(void);

static inline void go(void)
{
    const uint32_t *from = data_from;
    volatile uint32_t *word;

    for (word = data_start; word < data_end; word++) {
        *word = *from++;
    }
    for (word = bss_start; word < bss_end; word++) {
        *word = 0;
    }
    (void)main();
    for (;;) {
    }
}

#ifdef __arm__

void board_stuck(void);
void board_on_fault(void) __attribute__((weak, alias("board_stuck")));
void board_on_systick(void) __attribute__((weak, alias("board_stuck")));
void board_on_irq(void) __attribute__((weak, alias("board_stuck")));

void start(void)
{
    go();
}

void board_stuck(void)
{
    for (;;) {
    }
}

#define FOUR(address) (uintptr_t)(address), (uintptr_t)(address), \
    (uintptr_t)(address), (uintptr_t)(address)
#define NONE 0, 0, 0, 0

/* The stack, start, faults, SysTick, and 24 interrupts. */
__attribute__((section(".vectors"), used))
static const uintptr_t vectors[40] = {
    (uintptr_t)stack_top, (uintptr_t)start, (uintptr_t)board_on_fault,
    (uintptr_t)board_on_fault, FOUR(board_on_fault), NONE, 0, 0, 0,
    (uintptr_t)board_on_systick,
    FOUR(board_on_irq), FOUR(board_on_irq), FOUR(board_on_irq),
    FOUR(board_on_irq), FOUR(board_on_irq), FOUR(board_on_irq)
};

/* Semihosting: SYS_EXIT_EXTENDED, "application exit". */
void board_exit(int status)
{
    const uint32_t why[2] = { 0x20026, (uint32_t)status };
    register uint32_t operation __asm__("r0") = 0x20;
    register const uint32_t *argument __asm__("r1") = why;

    __asm__ volatile ("bkpt 0xab" : : "r"(operation), "r"(argument) : "memory");
    for (;;) {
    }
}

#else /* RISC-V */

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

/* The test device of qemu's virt. */
void board_exit(int status)
{
    *(volatile uint32_t *)0x100000 =
        status == 0 ? 0x5555u : (uint32_t)status << 16 | 0x3333u;
    for (;;) {
    }
}

#endif
#endif

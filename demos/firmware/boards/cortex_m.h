/* What the Cortex-M boards have in common: SysTick, the interrupt controller,
 * and a button and a low interrupt made of lines that no device uses. */
#ifndef CORTEX_M_H
#define CORTEX_M_H

#include "board.h"

#define AT(address) (*(volatile uint32_t *)(address))

#define IRQ_SOFT 20
#define IRQ_BUTTON 21

uint32_t async_port_clock(void);
void board_on_systick(void);
void board_on_irq(void);
void board_on_fault(void);

static volatile uint32_t ticks;
static volatile bool pressed;

__attribute__((weak)) void board_on_tick(void) {}
__attribute__((weak)) void board_on_byte(uint8_t byte) { (void)byte; }
__attribute__((weak)) void board_on_button(void) {}
__attribute__((weak)) void board_on_soft(void) {}

static void enable(unsigned irq)
{
    AT(0xe000e100) = 1u << irq;
}

static void open_tick(uint32_t hz)
{
    AT(0xe000e014) = hz / 1000 - 1;             /* reload */
    AT(0xe000e018) = 0;
    AT(0xe000e010) = 7;
}

void board_on_systick(void)
{
    ticks++;
    board_on_tick();
}

#ifndef BOARD_TICKLESS
uint32_t async_port_clock(void)
{
    return ticks;
}
#endif

void board_on_fault(void)
{
    board_exit(98);
}

void board_button_open(void)
{
    enable(IRQ_BUTTON);
}

bool board_button(void)
{
    return pressed;
}

void board_button_push(bool down)
{
    if (down != pressed) {
        pressed = down;
        AT(0xe000e200) = 1u << IRQ_BUTTON;      /* pending */
    }
}

/* The lowest of four priorities; all others have the highest. */
void board_soft_open(void)
{
    AT(0xe000e400 + (IRQ_SOFT & ~3u)) = 0xc0u << 8 * (IRQ_SOFT & 3);
    enable(IRQ_SOFT);
}

void board_soft_raise(void)
{
    AT(0xe000e200) = 1u << IRQ_SOFT;
}

/* The number of the interrupt that is being handled. */
static unsigned which_irq(void)
{
    unsigned number;

    __asm__ volatile ("mrs %0, ipsr" : "=r"(number));
    return number - 16;
}

#endif

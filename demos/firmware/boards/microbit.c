/* micro:bit: nRF51822, Cortex-M0 at 16 MHz. The lights are pins of the port,
 * not its matrix of LEDs. */
#include "cortex_m.h"

#define UART 0x40002000
#define TIMER 0x40008000
#define GPIO_OUT 0x50000504
#define IRQ_UART 2
#define IRQ_TIMER 8

void board_open_quiet(void)
{
    AT(UART + 0x524) = 0x10000000;              /* 1 Mbit/s */
    AT(UART + 0x500) = 4;                       /* enable */
    AT(UART + 0x008) = 1;                       /* start sending */
    AT(UART + 0x000) = 1;                       /* start receiving */
    enable(IRQ_UART);
}

void board_open(void)
{
    board_open_quiet();
    open_tick(16000000);
}

void board_put(char c)
{
    AT(UART + 0x11c) = 0;                       /* sent */
    AT(UART + 0x51c) = (uint8_t)c;
    while (AT(UART + 0x11c) == 0) {
    }
}

void board_listen(bool on)
{
    AT(UART + (on ? 0x304 : 0x308)) = 1u << 2;  /* received */
}

void board_led(uint8_t which, bool on)
{
    if (on) {
        AT(GPIO_OUT) |= 1u << which;
    } else {
        AT(GPIO_OUT) &= ~(1u << which);
    }
}

#ifdef BOARD_TICKLESS

void board_open_tickless(void)
{
    board_open_quiet();
    AT(TIMER + 0x508) = 3;                      /* 32 bits */
    AT(TIMER + 0x510) = 4;                      /* 16 MHz / 2^4 */
    AT(TIMER + 0x000) = 1;                      /* start */
    enable(IRQ_TIMER);
}

uint32_t board_counter(void)
{
    AT(TIMER + 0x044) = 1;                      /* capture into CC[1] */
    return AT(TIMER + 0x544);
}

void board_alarm(uint32_t after)
{
    AT(TIMER + 0x308) = 1u << 16;               /* no interrupt */
    AT(TIMER + 0x140) = 0;
    if (after != 0) {
        AT(TIMER + 0x540) = board_counter() + (after < 2 ? 2 : after);
        AT(TIMER + 0x304) = 1u << 16;
    }
}

#endif

void board_on_irq(void)
{
    switch (which_irq()) {
    case IRQ_UART:
        if (AT(UART + 0x108) != 0 && (AT(UART + 0x304) & 1u << 2) != 0) {
            AT(UART + 0x108) = 0;
            board_on_byte((uint8_t)AT(UART + 0x518));
        }
        break;
    case IRQ_TIMER:
        AT(TIMER + 0x308) = 1u << 16;
        AT(TIMER + 0x140) = 0;
        break;
    case IRQ_BUTTON:
        board_on_button();
        break;
    case IRQ_SOFT:
        board_on_soft();
        break;
    }
}

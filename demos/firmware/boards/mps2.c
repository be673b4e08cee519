/* Arm MPS2 with the FPGA image AN385: Cortex-M3 at 25 MHz. */
#include "cortex_m.h"

#define UART 0x40004000
#define COUNTER 0x40000000                      /* counts down for ever */
#define ALARM 0x40001000                        /* counts down once */
#define LEDS 0x40028000
#define IRQ_UART 0
#define IRQ_ALARM 9

void board_open_quiet(void)
{
    AT(UART + 0x10) = 25;                       /* 1 Mbit/s */
    AT(UART + 0x08) = 3;                        /* send and receive */
    enable(IRQ_UART);
}

void board_open(void)
{
    board_open_quiet();
    open_tick(25000000);
}

void board_put(char c)
{
    while ((AT(UART + 0x04) & 1) != 0) {
    }
    AT(UART) = (uint8_t)c;
}

/* A byte that came before has not asked for its interrupt. */
void board_listen(bool on)
{
    AT(UART + 0x08) = on ? 0xb : 3;
    if (on && (AT(UART + 0x04) & 2) != 0) {
        AT(0xe000e200) = 1u << IRQ_UART;        /* pending */
    }
}

void board_led(uint8_t which, bool on)
{
    if (on) {
        AT(LEDS) |= 1u << which;
    } else {
        AT(LEDS) &= ~(1u << which);
    }
}

#ifdef BOARD_TICKLESS

void board_open_tickless(void)
{
    board_open_quiet();
    AT(COUNTER + 0x8) = 0xffffffff;
    AT(COUNTER + 0x4) = 0xffffffff;
    AT(COUNTER) = 1;
    enable(IRQ_ALARM);
}

uint32_t board_counter(void)
{
    return 0xffffffff - AT(COUNTER + 0x4);
}

void board_alarm(uint32_t after)
{
    AT(ALARM) = 0;
    AT(ALARM + 0xc) = 1;
    if (after != 0) {
        AT(ALARM + 0x8) = 0;
        AT(ALARM + 0x4) = after;
        AT(ALARM) = 9;
    }
}

#endif

void board_on_irq(void)
{
    switch (which_irq()) {
    case IRQ_UART:
        AT(UART + 0x0c) = 2;
        if ((AT(UART + 0x04) & 2) != 0 && (AT(UART + 0x08) & 8) != 0) {
            board_on_byte((uint8_t)AT(UART));
        }
        break;
    case IRQ_ALARM:
        AT(ALARM) = 0;
        AT(ALARM + 0xc) = 1;
        break;
    case IRQ_BUTTON:
        board_on_button();
        break;
    case IRQ_SOFT:
        board_on_soft();
        break;
    }
}

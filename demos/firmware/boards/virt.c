/* qemu's RISC-V board virt: a CLINT with a timer and a software interrupt, a
 * PLIC, and a 16550 serial port. */
#include "board.h"

#define AT(address) (*(volatile uint32_t *)(address))
#define UART(n) (*(volatile uint8_t *)(0x10000000 + (n)))
#define SOFT AT(0x02000000)
#define ALARM_LOW AT(0x02004000)
#define ALARM_HIGH AT(0x02004004)
#define TIME_LOW AT(0x0200bff8)
#define TIME_HIGH AT(0x0200bffc)
#define PLIC 0x0c000000
#define IRQ_UART 10
#define MS 10000u                               /* 10 MHz */

uint32_t async_port_clock(void);
void board_on_trap(void);

static volatile uint32_t ticks;
static volatile bool pressed, button_changed, soft_raised;

__attribute__((weak)) void board_on_tick(void) {}
__attribute__((weak)) void board_on_byte(uint8_t byte) { (void)byte; }
__attribute__((weak)) void board_on_button(void) {}
__attribute__((weak)) void board_on_soft(void) {}

/* ---- time ---------------------------------------------------------------- */

static uint64_t counter(void)
{
    uint32_t low, high;

    do {
        high = TIME_HIGH;
        low = TIME_LOW;
    } while (high != TIME_HIGH);
    return (uint64_t)high << 32 | low;
}

/* High first to its most, so that no time between the two stores is meant. */
static void alarm_at(uint64_t time)
{
    ALARM_HIGH = 0xffffffff;
    ALARM_LOW = (uint32_t)time;
    ALARM_HIGH = (uint32_t)(time >> 32);
}

void board_open_quiet(void)
{
    alarm_at(UINT64_MAX);
    AT(PLIC + 4 * IRQ_UART) = 1;                /* its priority */
    AT(PLIC + 0x2000) = 1u << IRQ_UART;         /* enabled */
    AT(PLIC + 0x200000) = 0;                    /* all priorities pass */
    __asm__ volatile ("csrs mie, %0" : : "r"(1u << 11 | 1u << 7 | 1u << 3));
    __asm__ volatile ("csrsi mstatus, 8" : : : "memory");
}

static uint64_t next_tick;

void board_open(void)
{
    board_open_quiet();
    next_tick = counter() + MS;
    alarm_at(next_tick);
}

#ifndef BOARD_TICKLESS

uint32_t async_port_clock(void)
{
    return ticks;
}

static void on_timer(void)
{
    next_tick += MS;
    alarm_at(next_tick);
    ticks++;
    board_on_tick();
}

#else

void board_open_tickless(void)
{
    board_open_quiet();
}

uint32_t board_counter(void)
{
    return TIME_LOW;
}

void board_alarm(uint32_t after)
{
    alarm_at(after == 0 ? UINT64_MAX : counter() + after);
}

static void on_timer(void)
{
    alarm_at(UINT64_MAX);
}

#endif

/* ---- serial port, light, button ------------------------------------------ */

void board_put(char c)
{
    while ((UART(5) & 0x20) == 0) {
    }
    UART(0) = (uint8_t)c;
}

void board_listen(bool on)
{
    UART(1) = on ? 1 : 0;
}

/* The board has no light: the word stands for one. */
void board_led(uint8_t which, bool on)
{
    static volatile uint32_t leds;

    leds = on ? leds | 1u << which : leds & ~(1u << which);
}

void board_button_open(void)
{
}

bool board_button(void)
{
    return pressed;
}

void board_button_push(bool down)
{
    if (down != pressed) {
        pressed = down;
        button_changed = true;
        SOFT = 1;
    }
}

void board_soft_open(void)
{
}

void board_soft_raise(void)
{
    soft_raised = true;
    SOFT = 1;
}

/* ---- interrupts ---------------------------------------------------------- */

/* Machine mode has one priority: this one gives way by letting the others in,
 * but not itself. */
static void on_soft(void)
{
    uint32_t status, pc;

    SOFT = 0;
    if (button_changed) {
        button_changed = false;
        board_on_button();
    }
    if (!soft_raised) {
        return;
    }
    soft_raised = false;
    __asm__ volatile ("csrr %0, mepc" : "=r"(pc));
    __asm__ volatile ("csrr %0, mstatus" : "=r"(status));
    __asm__ volatile ("csrc mie, %0" : : "r"(1u << 3));
    __asm__ volatile ("csrsi mstatus, 8" : : : "memory");
    board_on_soft();
    __asm__ volatile ("csrci mstatus, 8" : : : "memory");
    __asm__ volatile ("csrs mie, %0" : : "r"(1u << 3));
    __asm__ volatile ("csrw mstatus, %0" : : "r"(status));
    __asm__ volatile ("csrw mepc, %0" : : "r"(pc));
}

__attribute__((interrupt("machine"), aligned(4))) void board_on_trap(void)
{
    uint32_t cause, line;

    __asm__ volatile ("csrr %0, mcause" : "=r"(cause));
    switch (cause) {
    case 0x80000003:
        on_soft();
        break;
    case 0x80000007:
        on_timer();
        break;
    case 0x8000000b:
        line = AT(PLIC + 0x200004);             /* claim, */
        if (line == IRQ_UART) {
            while ((UART(1) & 1) != 0 && (UART(5) & 1) != 0) {
                board_on_byte(UART(0));
            }
        }
        AT(PLIC + 0x200004) = line;             /* and done */
        break;
    default:
        board_exit(98);
    }
}

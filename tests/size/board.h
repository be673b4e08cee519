/* The board beneath the size programs, for four instruction sets: two LEDs, a
 * tick of a millisecond, sleep, and the end of a test run. Only what a program
 * calls is linked. */
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>
#include <stdint.h>

/* A coroutine's time is as wide as the build says. */
#if ASYNC_TICK_BITS == 16
typedef uint16_t board_time;
#else
typedef uint32_t board_time;
#endif

enum { FAST = 0, SLOW = 1 };

extern volatile board_time board_ticks;

#ifdef __AVR__

#include <avr/interrupt.h>
#include <avr/io.h>

#define BOARD_KEEP_OUT() cli()
#define BOARD_LET_IN() sei()
#define BOARD_SLEEP() __asm__ volatile ("sleep" : : : "memory")
#define BOARD_TICK_HANDLER ISR(TIMER0_COMPA_vect)
#define BOARD_TICK_DONE() do { } while (0)
#define BOARD_EVENT_HANDLER ISR(INT0_vect)

/* 16 MHz / 64 / 250: a millisecond. */
static inline void board_open(void)
{
    DDRB = 1 << FAST | 1 << SLOW;
    OCR0A = 249;
    TCCR0A = 1 << WGM01;
    TCCR0B = 1 << CS01 | 1 << CS00;
    TIMSK0 = 1 << OCIE0A;
    SMCR = 1 << SE;
    sei();
}

static inline void board_led(uint8_t led)
{
    PINB = (uint8_t)(1 << led);         /* a one written there toggles */
}

static inline void board_event_open(void)
{
    EIMSK = 1 << INT0;
    sei();
}

#elif defined __arm__

#define BOARD_KEEP_OUT() __asm__ volatile ("cpsid i" : : : "memory")
#define BOARD_LET_IN() __asm__ volatile ("cpsie i" : : : "memory")
#define BOARD_SLEEP() __asm__ volatile ("wfi" : : : "memory")
#define BOARD_TICK_HANDLER \
    void board_on_systick(void); void board_on_systick(void)
#define BOARD_TICK_DONE() do { } while (0)
#define BOARD_EVENT_HANDLER void board_on_irq(void); void board_on_irq(void)
#define BOARD_AT(address) (*(volatile uint32_t *)(address))

#ifdef __ARM_ARCH_6M__
#define BOARD_LEDS BOARD_AT(0x50000504u)        /* nRF51, GPIO OUT */
#define BOARD_HZ 16000000u
#else
#define BOARD_LEDS BOARD_AT(0x40028000u)        /* MPS2, FPGAIO LED0 */
#define BOARD_HZ 25000000u
#endif

static inline void board_open(void)
{
    BOARD_AT(0xe000e014u) = BOARD_HZ / 1000u - 1u;      /* SysTick reload */
    BOARD_AT(0xe000e018u) = 0;
    BOARD_AT(0xe000e010u) = 7;
}

static inline void board_led(uint8_t led)
{
    BOARD_LEDS ^= 1u << led;
}

static inline void board_event_open(void)
{
    BOARD_AT(0xe000e100u) = 1;                          /* NVIC, IRQ 0 */
}

#else /* RISC-V: the timer of a CLINT */

#define BOARD_KEEP_OUT() \
    __asm__ volatile ("csrci mstatus, 8" : : : "memory")
#define BOARD_LET_IN() \
    __asm__ volatile ("csrsi mstatus, 8" : : : "memory")
#define BOARD_SLEEP() __asm__ volatile ("wfi" : : : "memory")
#define BOARD_HANDLER_(name) \
    __attribute__((interrupt("machine"), aligned(4))) void name(void); \
    void name(void)
#define BOARD_TICK_HANDLER BOARD_HANDLER_(board_on_trap)
#define BOARD_EVENT_HANDLER BOARD_HANDLER_(board_on_trap)
#define BOARD_AT(address) (*(volatile uint32_t *)(address))
#define BOARD_LEDS BOARD_AT(0x1001200cu)
#define BOARD_MTIMECMP BOARD_AT(0x02004000u)
#define BOARD_MTIME BOARD_AT(0x0200bff8u)
#define BOARD_MS 10000u                                 /* 10 MHz */
#define BOARD_TICK_DONE() (BOARD_MTIMECMP += BOARD_MS)

/* (For as long as the low half lasts, seven minutes: enough to measure.) */
static inline void board_open(void)
{
    BOARD_MTIMECMP = BOARD_MTIME + BOARD_MS;
    BOARD_AT(0x02004004u) = 0;
    __asm__ volatile ("csrs mie, %0" : : "r"(1u << 7));
    BOARD_LET_IN();
}

static inline void board_led(uint8_t led)
{
    BOARD_LEDS ^= 1u << led;
}

static inline void board_event_open(void)
{
    __asm__ volatile ("csrs mie, %0" : : "r"(1u << 11));
    BOARD_LET_IN();
}

#endif

/* ---- LEDs, and what a test run sees of them ------------------------------ */

#ifdef BOARD_RUN
/* A run in an emulator counts the toggles, and at the thousandth tick says
 * whether they are as many as they should be. */
static volatile uint8_t board_toggles[2];
void board_exit(int status);

static inline void board_toggle(uint8_t led)
{
    board_toggles[led]++;
}

/* simavr ends well in any case: there the answer is text. */
static inline void board_end(bool ok)
{
#ifdef __AVR__
    UCSR0B = 1 << TXEN0;
    UDR0 = ok ? 'Y' : 'N';
    UDR0 = '\n';
#endif
    board_exit(ok ? 0 : 1);
}

#define BOARD_RUN_TICK() \
    do { \
        if (board_ticks == 1000) { \
            board_end(board_toggles[FAST] == 7 && board_toggles[SLOW] == 4); \
        } \
    } while (0)
#else
#define board_toggle(led) board_led(led)
#define BOARD_RUN_TICK() do { } while (0)
#endif

/* ---- the tick ------------------------------------------------------------ */

#ifdef BOARD_TICKS
volatile board_time board_ticks;

BOARD_TICK_HANDLER
{
    board_ticks++;
    BOARD_TICK_DONE();
    BOARD_RUN_TICK();
}
#endif

/* The ticks, read in one piece where that takes several loads. */
static inline board_time board_now(void)
{
#ifdef __AVR__
    board_time now;
    uint8_t status = SREG;

    cli();
    now = board_ticks;
    SREG = status;
    return now;
#else
    return board_ticks;
#endif
}

#endif

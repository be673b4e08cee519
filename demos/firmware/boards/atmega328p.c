/* ATmega328P at 16 MHz, as in an Arduino Uno. The button is at PD2 (INT0), the
 * lights at PB0 to PB5, the serial port runs at 1 Mbit/s. */
#include "board.h"

#include <avr/interrupt.h>
#include <avr/io.h>

uint32_t async_port_clock(void);

#ifndef USART_RX_vect                   /* a bigger brother has two of them */
#define USART_RX_vect USART0_RX_vect
#endif

__attribute__((weak)) void board_on_tick(void) {}
__attribute__((weak)) void board_on_byte(uint8_t byte) { (void)byte; }
__attribute__((weak)) void board_on_button(void) {}
__attribute__((weak)) void board_on_soft(void) {}

/* Milliseconds; or overflows of the counter, where there is no tick. */
static volatile uint32_t ticks;

/* ---- time ---------------------------------------------------------------- */

void board_open_quiet(void)
{
    DDRB = 0x3f;
    UBRR0 = 0;
    UCSR0B = 1 << TXEN0 | 1 << RXEN0;
    SMCR = 1 << SE;                     /* the loop may sleep */
    sei();
}

/* 16 MHz / 64 / 250 */
void board_open(void)
{
    board_open_quiet();
    OCR0A = 249;
    TCCR0A = 1 << WGM01;
    TCCR0B = 1 << CS01 | 1 << CS00;
    TIMSK0 = 1 << OCIE0A;
}

ISR(TIMER0_COMPA_vect)
{
    ticks++;
    board_on_tick();
}

#ifndef BOARD_TICKLESS

uint32_t async_port_clock(void)
{
    uint32_t now;
    uint8_t status = SREG;

    cli();
    now = ticks;
    SREG = status;
    return now;
}

#else

/* 16 bits of counter, and above them its overflows. */
void board_open_tickless(void)
{
    board_open_quiet();
    TCCR1B = 1 << CS12 | 1 << CS10;     /* 16 MHz / 1024 */
    TIMSK1 = 1 << TOIE1;
}

ISR(TIMER1_OVF_vect)
{
    ticks++;
}

ISR(TIMER1_COMPA_vect)
{
    TIMSK1 = 1 << TOIE1;
}

uint32_t board_counter(void)
{
    uint32_t high;
    uint16_t low;
    uint8_t status = SREG;

    cli();
    low = TCNT1;
    high = ticks;
    if ((TIFR1 & 1 << TOV1) != 0 && low < 0x8000) {
        high++;                         /* its handler is still to come */
    }
    SREG = status;
    return high << 16 | low;
}

/* An alarm beyond the counter's range comes early: that is always right. */
void board_alarm(uint32_t after)
{
    if (after == 0) {
        TIMSK1 = 1 << TOIE1;
        return;
    }
    if (after > 0xf000) {
        return;                         /* the overflow is alarm enough */
    }
    OCR1A = (uint16_t)(TCNT1 + (after < 2 ? 2 : after));
    TIFR1 = 1 << OCF1A;
    TIMSK1 = 1 << TOIE1 | 1 << OCIE1A;
}

#endif

/* ---- serial port --------------------------------------------------------- */

void board_put(char c)
{
    while ((UCSR0A & 1 << UDRE0) == 0) {
    }
    UDR0 = (uint8_t)c;
}

void board_listen(bool on)
{
    uint8_t status = SREG;

    cli();
    if (on) {
        UCSR0B = (uint8_t)(UCSR0B | 1 << RXCIE0);
    } else {
        UCSR0B &= (uint8_t)~(1 << RXCIE0);
    }
    SREG = status;
}

ISR(USART_RX_vect)
{
    board_on_byte(UDR0);
}

/* ---- pins ---------------------------------------------------------------- */

void board_led(uint8_t which, bool on)
{
    if (on) {
        PORTB = (uint8_t)(PORTB | 1 << which);
    } else {
        PORTB = (uint8_t)(PORTB & ~(1 << which));
    }
}

void board_button_open(void)
{
    EICRA |= 1 << ISC00;                /* either edge */
    EIMSK |= 1 << INT0;
}

bool board_button(void)
{
    return (PIND & 1 << PIND2) != 0;
}

/* A pin that is an output still raises its interrupt. */
void board_button_push(bool down)
{
    DDRD |= 1 << DDD2;
    if (down) {
        PORTD |= 1 << PORTD2;
    } else {
        PORTD &= (uint8_t)~(1 << PORTD2);
    }
}

ISR(INT0_vect)
{
    board_on_button();
}

/* Likewise INT1, which is nobody's pin here. */
void board_soft_open(void)
{
    DDRD |= 1 << DDD3;
    EICRA |= 1 << ISC10;
    EIMSK |= 1 << INT1;
}

void board_soft_raise(void)
{
    PIND = 1 << PIND3;                  /* toggles it */
}

/* All interrupts have one priority: this one gives way by letting the others
 * in, but not itself. */
ISR(INT1_vect)
{
    EIMSK &= (uint8_t)~(1 << INT1);
    sei();
    board_on_soft();
    cli();
    EIMSK |= 1 << INT1;
}

/* board: what the firmware demos ask of a board, and what they call when
 * something happens. One .c file for each board beside this one; to run a demo
 * on yours, write another (README, Porting).
 *
 *   atmega328p.c  an Arduino Uno's processor, in simavr
 *   microbit.c    a micro:bit, Cortex-M0, in qemu
 *   mps2.c        an Arm MPS2 with a Cortex-M3, in qemu
 *   virt.c        RISC-V, 32 bits, in qemu
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>
#include <stdint.h>

/* The serial port, a tick of a millisecond, and interrupts. The clock that
 * async.h asks for, async_port_clock, counts these ticks. */
void board_open(void);

/* The serial port and interrupts, but no tick: for tests that are alone. */
void board_open_quiet(void);

/* In place of board_open for the demo of idling: no tick, but a counter of
 * BOARD_HZ, and an interrupt when so many of its ticks are over. */
void board_open_tickless(void);
uint32_t board_counter(void);
void board_alarm(uint32_t ticks);       /* 0: none */
#if defined __AVR__
#define BOARD_HZ 15625                  /* 16 MHz / 1024 */
#elif defined __ARM_ARCH_6M__
#define BOARD_HZ 1000000
#elif defined __arm__
#define BOARD_HZ 25000000
#else
#define BOARD_HZ 10000000
#endif

/* The serial port: a character out; and text with %s %c %d %u %ld %lu in it,
 * a field's width as in %4d. Bytes that come in go to board_on_byte, and wait
 * outside while it is not listening. */
void board_put(char c);
void board_print(const char *format, ...);
void board_listen(bool on);

/* A light; a push button (true: pressed). An emulator has no finger: there the
 * demo pushes it itself, and the interrupt is as real as on a board. */
void board_led(uint8_t which, bool on);
void board_button_open(void);
bool board_button(void);
void board_button_push(bool down);

/* An interrupt of the lowest priority, asked for by software. */
void board_soft_open(void);
void board_soft_raise(void);

/* The end of the program, for an emulator. 0: all is well. */
void board_exit(int status);

/* Called by the interrupt handlers. A demo defines those that it uses. */
void board_on_tick(void);               /* every millisecond */
void board_on_byte(uint8_t byte);       /* received */
void board_on_button(void);             /* the level has changed */
void board_on_soft(void);               /* other interrupts may interrupt it */

#endif

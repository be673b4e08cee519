/* Where the programs of this folder print, and how they end: on a hosted
 * system as everywhere, in uCsim through a byte at which it listens. */
#ifndef BOARD_H
#define BOARD_H

#if defined __SDCC

#if defined __SDCC_mcs51
__xdata __at(0xffff) volatile unsigned char board_port;
#define BOARD_TELL(byte) (board_port = (unsigned char)(byte))
#elif defined __SDCC_z80
__sfr __at(0xff) board_port;
#define BOARD_TELL(byte) (board_port = (unsigned char)(byte))
#else /* stm8 */
#define BOARD_TELL(byte) \
    (*(volatile unsigned char *)0x5800 = (unsigned char)(byte))
#endif

static void board_put(char c)
{
    BOARD_TELL('p');
    BOARD_TELL(c);
}

static void board_end(int status)
{
    board_put(status == 0 ? '.' : '!');
    board_put('\n');
    BOARD_TELL('s');
    for (;;) {
    }
}

#else

#include <stdio.h>
#include <stdlib.h>

static void board_put(char c)
{
    putchar(c);
}

static void board_end(int status)
{
    puts(status == 0 ? "." : "!");
    exit(status);
}

#endif

static void say(const char *text)
{
    while (*text != '\0') {
        board_put(*text++);
    }
}

static void say_number(int number)
{
    char digits[8];
    unsigned char i = 0;

    if (number < 0) {
        board_put('-');
        number = -number;
    }
    do {
        digits[i++] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    while (i != 0) {
        board_put(digits[--i]);
    }
}

static void say_that(const char *text, int number)
{
    say(text);
    board_put(' ');
    say_number(number);
    board_put('\n');
}

#endif

/* Text for the serial port, in the few ways the demos need. */
#include "board.h"

#include <stdarg.h>

static void put_number(unsigned long n, bool minus, int width)
{
    char digits[12];
    int count = 0;

    do {
        digits[count++] = (char)('0' + n % 10);
        n /= 10;
    } while (n != 0);
    if (minus) {
        digits[count++] = '-';
    }
    for (; width > count; width--) {
        board_put(' ');
    }
    while (count != 0) {
        board_put(digits[--count]);
    }
}

static void put_signed(long n, int width)
{
    put_number(n < 0 ? 0ul - (unsigned long)n : (unsigned long)n, n < 0, width);
}

void board_print(const char *format, ...)
{
    va_list args;
    const char *text;

    va_start(args, format);
    for (; *format != '\0'; format++) {
        bool wide = false;
        int width = 0;

        if (*format != '%') {
            board_put(*format);
            continue;
        }
        for (format++; *format >= '0' && *format <= '9'; format++) {
            width = 10 * width + (*format - '0');
        }
        if (*format == 'l') {
            wide = true;
            format++;
        }
        switch (*format) {
        case 's':
            for (text = va_arg(args, const char *); *text != '\0'; text++) {
                board_put(*text);
            }
            break;
        case 'c':
            board_put((char)va_arg(args, int));
            break;
        case 'd':
            put_signed(wide ? va_arg(args, long) : va_arg(args, int), width);
            break;
        case 'u':
            put_number(wide ? va_arg(args, unsigned long)
                            : va_arg(args, unsigned), false, width);
            break;
        default:
            board_put(*format);                 /* %% */
            break;
        }
    }
    va_end(args);
}

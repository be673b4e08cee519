/* The little of a C library that the unit tests use, and their main: so that
 * they run on a board, where text goes to the serial port. Only as much of
 * printf as they need: %s %c %d %u with l and ll, and a width. */
#include "board.h"
#include "libc/stdio.h"
#include "libc/stdlib.h"
#include "libc/string.h"

#include <stdint.h>

int test_main(int argc, char **argv);

void *memcpy(void *to, const void *from, size_t n)
{
    volatile char *t = to;              /* or it would become a memcpy */
    const char *f = from;

    while (n-- != 0) {
        *t++ = *f++;
    }
    return to;
}

void *memset(void *at, int byte, size_t n)
{
    volatile char *t = at;

    while (n-- != 0) {
        *t++ = (char)byte;
    }
    return at;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;

    for (; n-- != 0; x++, y++) {
        if (*x != *y) {
            return *x < *y ? -1 : 1;
        }
    }
    return 0;
}

size_t strlen(const char *s)
{
    const volatile char *at = s;

    while (*at != '\0') {
        at++;
    }
    return (size_t)(at - s);
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n-- != 0; a++, b++) {
        if (*a != *b || *a == '\0') {
            return (unsigned char)*a - (unsigned char)*b;
        }
    }
    return 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

char *strstr(const char *s, const char *part)
{
    size_t n = strlen(part);

    for (; strncmp(s, part, n) != 0; s++) {
        if (*s == '\0') {
            return NULL;
        }
    }
    return (char *)(uintptr_t)s;
}

char *strcat(char *to, const char *from)
{
    memcpy(to + strlen(to), from, strlen(from) + 1);
    return to;
}

/* ---- memory: a few blocks, each for one object --------------------------- */

enum { BLOCKS = 12, BLOCK = 160 };

static union { char byte[BLOCK]; long long align; } block[BLOCKS];
static bool taken[BLOCKS];

void *calloc(size_t n, size_t size)
{
    int i;

    for (i = 0; i < BLOCKS && n * size <= BLOCK; i++) {
        if (!taken[i]) {
            taken[i] = true;
            return memset(&block[i], 0, BLOCK);
        }
    }
    return NULL;
}

void free(void *at)
{
    int i;

    for (i = 0; i < BLOCKS; i++) {
        if (at == &block[i]) {
            taken[i] = false;
        }
    }
}

/* ---- text ---------------------------------------------------------------- */

struct sink { char *at, *end; int n; };     /* at NULL: the serial port */

static void put(struct sink *sink, char c)
{
    sink->n++;
    if (sink->at == NULL) {
        board_put(c);
    } else if (sink->at < sink->end) {
        *sink->at++ = c;
    }
}

static void put_integer(struct sink *sink, unsigned long long n, bool minus,
                        int width)
{
    char digit[20];
    int count = 0;

    do {
        digit[count++] = (char)('0' + (int)(n % 10));
        n /= 10;
    } while (n != 0);
    for (width -= count + minus; width > 0; width--) {
        put(sink, ' ');
    }
    if (minus) {
        put(sink, '-');
    }
    while (count != 0) {
        put(sink, digit[--count]);
    }
}

static void format_to(struct sink *sink, const char *format, va_list *args)
{
    for (; *format != '\0'; format++) {
        int longs = 0, width = 0;
        long long n;
        const char *text;

        if (*format != '%') {
            put(sink, *format);
            continue;
        }
        for (format++; *format >= '0' && *format <= '9'; format++) {
            width = 10 * width + (*format - '0');
        }
        for (; *format == 'l'; format++) {
            longs++;
        }
        switch (*format) {
        case 's':
            for (text = va_arg(*args, const char *); *text != '\0'; text++) {
                put(sink, *text);
            }
            break;
        case 'c':
            put(sink, (char)va_arg(*args, int));
            break;
        case 'd':
            n = longs == 0 ? va_arg(*args, int)
                : longs == 1 ? va_arg(*args, long) : va_arg(*args, long long);
            put_integer(sink, n < 0 ? 0ull - (unsigned long long)n
                                    : (unsigned long long)n, n < 0, width);
            break;
        case 'u':
            put_integer(sink, longs == 0 ? va_arg(*args, unsigned)
                              : longs == 1 ? va_arg(*args, unsigned long)
                              : va_arg(*args, unsigned long long), false,
                        width);
            break;
        default:
            put(sink, *format);
            break;
        }
    }
}

int printf(const char *format, ...)
{
    struct sink sink = {NULL, NULL, 0};
    va_list args;

    va_start(args, format);
    format_to(&sink, format, &args);
    va_end(args);
    return sink.n;
}

int vsnprintf(char *to, size_t size, const char *format, va_list given)
{
    struct sink sink;
    va_list args;

    sink.at = to;
    sink.end = to + size - 1;
    sink.n = 0;
    va_copy(args, given);
    format_to(&sink, format, &args);
    va_end(args);
    *sink.at = '\0';
    return sink.n;
}

int snprintf(char *to, size_t size, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(to, size, format, args);
    va_end(args);
    return n;
}

/* ---- the program --------------------------------------------------------- */

int main(void)
{
    static char name[] = "unit";
    static char *arguments[] = {name, NULL};

    board_open();
    board_exit(test_main(1, arguments));
    return 0;
}

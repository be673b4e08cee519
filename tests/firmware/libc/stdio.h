#ifndef LIBC_STDIO_H
#define LIBC_STDIO_H
#include <stdarg.h>
#include <stddef.h>
#define stdout 0
#define _IOLBF 0
#define setvbuf(file, buffer, mode, size) ((void)0)
int printf(const char *format, ...);
int snprintf(char *to, size_t size, const char *format, ...);
int vsnprintf(char *to, size_t size, const char *format, va_list args);
#endif

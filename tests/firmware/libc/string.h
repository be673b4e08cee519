/* The little of a C library that the unit tests use, for boards: libc.c. */
#ifndef LIBC_STRING_H
#define LIBC_STRING_H
#include <stddef.h>
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *at, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strstr(const char *s, const char *part);
char *strcat(char *to, const char *from);
#endif

#ifndef LIBC_STDLIB_H
#define LIBC_STDLIB_H
#include <stddef.h>
void *calloc(size_t n, size_t size);
void free(void *at);
#endif

/* The same for a step that uses signals, which strict C99 hides. */
#define _GNU_SOURCE 1
#include <signal.h>

#include "program.c"

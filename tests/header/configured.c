#include "one.c"

typedef char ticks_are_32_bits[sizeof(async_ticks) == 4 ? 1 : -1];
typedef char frame_is_a_byte[sizeof(async_frame) == 1 ? 1 : -1];
typedef char ticks_are_micro[ASYNC_MS(2) == 2000 ? 1 : -1];

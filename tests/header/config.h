/* A user's ASYNC_CONFIG: read before all defaults. */
#define ASYNC_TICK_BITS 32
#define ASYNC_TICK_HZ 1000000
#define ASYNC_FRAME_BITS 8

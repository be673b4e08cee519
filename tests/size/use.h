/* How the size programs take in async.h: in one file with the program, or for
 * the core alone in a file apart. */
#include "board.h"

#define ASYNC_CLOCK() board_now()
#if !defined APART || defined SIZE_LIBRARY
#define ASYNC_IMPLEMENTATION
#endif
#include "async.h"

/* The size of each struct, to be read from the symbol table. */
#ifdef SIZE_STRUCTS
#define SIZE_OF(type) char sizeof_##type[sizeof(type)];
SIZE_OF(async_frame)
SIZE_OF(async_task)
SIZE_OF(async_loop)
SIZE_OF(async_timeout)
SIZE_OF(async_irq)
SIZE_OF(async_future)
SIZE_OF(async_watch)
SIZE_OF(async_event)
SIZE_OF(async_lock)
SIZE_OF(async_semaphore)
SIZE_OF(async_condition)
SIZE_OF(async_barrier)
SIZE_OF(async_queue)
SIZE_OF(async_call)
SIZE_OF(async_interval)
SIZE_OF(async_waiter)
SIZE_OF(async_wait_set)
SIZE_OF(async_group)
SIZE_OF(async_member)
SIZE_OF(async_pool)
SIZE_OF(async_slot)
#endif

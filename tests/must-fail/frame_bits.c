/* A knob out of its range.
 *
 * gcc c: ASYNC_FRAME_BITS is 8 or 16
 * clang c: ASYNC_FRAME_BITS is 8 or 16
 */
#define ASYNC_NO_LOOP
#define ASYNC_FRAME_BITS 12
#include "async.h"

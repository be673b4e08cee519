/* All functions in one file, for who builds from here. The Arduino IDE compiles
 * every file of this folder by itself, so it has them already. */
#ifndef ARDUINO
#define ASYNC_IMPLEMENTATION
#include "async.h"
#endif

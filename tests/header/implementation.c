/* The one file that holds the functions. */
#define ASYNC_IMPLEMENTATION
#include "async.h"
#include "async.h"

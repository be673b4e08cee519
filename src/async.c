#define ASYNC_IMPLEMENTATION
#include "async.h"

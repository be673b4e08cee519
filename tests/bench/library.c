/* async.h itself, compiled once for all benchmarks, as a project does it. */
#define ASYNC_IMPLEMENTATION
#include "async.h"

/* async.h's functions in a file of their own. */
#define SIZE_LIBRARY
#include "use.h"

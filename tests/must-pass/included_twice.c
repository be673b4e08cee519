/* Included twice, and after the user's own headers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#define ASYNC_NO_LOOP
#include "async.h"
#include "async.h"

int both(void);
int both(void)
{
    return printf("%s %d\n", async_strerror(ASYNC_EINVAL), ASYNC_VERSION);
}

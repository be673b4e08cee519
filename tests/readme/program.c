/* What stands around a step of the tutorial: step 1 of it. */
#define ASYNC_IMPLEMENTATION
#include "async.h"

#include <stdio.h>

#include "fragment.h"

int main(void)
{
    static struct program frame;
    int result = async_run(program, &frame);

    if (result < 0) {
        printf("program: %s\n", async_strerror(result));
    }
    return 0;
}

/* hello: a coroutine that waits in the middle of its body.
 *
 *     make run DEMO=hello          or  cc -I. -o hello demos/hello.c; ./hello
 *
 * AWAIT hands the thread back until the second is over. Here nobody else needs
 * it, and the program sleeps; see `workers` for two that do. */
#define ASYNC_IMPLEMENTATION
#include "async.h"

#include <stdio.h>

struct hello {
    async_frame frame;      /* where the coroutine is; zeroed: at its start */
};

static ASYNC hello(struct hello *self)
{
    ASYNC_BEGIN(self);
    puts("Hello ...");
    AWAIT(async_sleep(ASYNC_SEC(1)));
    puts("... world!");
    ASYNC_END;
}

int main(void)
{
    struct hello frame = {0};

    return async_run(hello, &frame);
}

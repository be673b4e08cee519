/* The implementation is asked for late, as many a newcomer will. */
#include <stdio.h>
#define ASYNC_IMPLEMENTATION
#include "async.h"
struct hello { async_frame frame; };
static ASYNC hello(struct hello *self)
{
    ASYNC_BEGIN(self);
    (void)printf("%s", "");
    AWAIT(async_sleep(ASYNC_MS(1)));
    ASYNC_END;
}
int main(void) { static struct hello m; return async_run(hello, &m); }

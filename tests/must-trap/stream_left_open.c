/* A stream is opened, and never closed: it is named when the loop ends. (Here
 * what would be said is a trap.)
 *
 * trap: a stream was never closed: opened at .*stream_left_open.c:2[45], by task
 */
#define ASYNC_WARN(message) ASYNC_TRAP(message)
#define ASYNC_IMPLEMENTATION
#include "async.h"

struct self {
    async_frame frame;
    async_stream stream;
    int ends[2];
    char in[99];
};

static ASYNC forgets(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_pipe(self->ends));
    /* (both ends are the system's again when the program ends; but a server
     * that does so in each connection has no descriptors before long) */
    AWAIT(async_sleep(ASYNC_MS(1)));
    AWAIT(async_stream_open(&self->stream, self->ends[0],
                            self->in, sizeof self->in, NULL, 0));
    ASYNC_END;
}

static struct self self;

int main(void)
{
    return async_run(forgets, &self);
}

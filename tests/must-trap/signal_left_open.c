/* A loop ends while it watches a signal: its handler would raise an irq of
 * a loop that is no more.
 *
 * trap: async_loop_close: a signal is still watched: async_signal_close comes
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

#include <signal.h>

struct program_frame {
    async_frame frame;
    async_signal signal;
};

static ASYNC program(struct program_frame *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_signal_open(&self->signal, SIGTERM));
    ASYNC_END;
}

int main(void)
{
    static struct program_frame frame;

    return async_run(program, &frame);
}

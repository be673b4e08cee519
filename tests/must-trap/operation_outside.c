/* An operation is called where no task is.
 *
 * trap: no task: async_sleep: called outside a task
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

int main(void)
{
    async_loop loop;

    return async_loop_open(&loop) < 0 || async_sleep(ASYNC_MS(1)) == 0;
}

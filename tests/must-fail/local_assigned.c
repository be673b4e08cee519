/* A local assigned before an await and used after it: the flow of an optimised
 * build shows the loss; clang is asked for it in a lint build,
 * and looks for it at all if -Wall is on.
 *
 * gcc c -O1: uninitialized
 * gcc c -O2: uninitialized
 * gcc c++ -O2: uninitialized
 * clang c -Wall -DASYNC_LINT=1: uninitialized
 * clang c++ -Wall -DASYNC_LINT=1: uninitialized
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct self { async_frame frame; };
async_status ready(void);
int value_of(void);
void use(int value);

async_status lost(struct self *self);
async_status lost(struct self *self)
{
    int i;

    ASYNC_BEGIN(self);
    i = value_of();
    AWAIT(ready());
    use(i);
    ASYNC_END;
}

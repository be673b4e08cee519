/* The same where resumes are computed gotos.
 *
 * gcc c -O2 -DASYNC_COMPUTED_GOTO=1: uninitialized
 * gcc c++ -O2 -DASYNC_COMPUTED_GOTO=1: uninitialized
 * clang c++ -DASYNC_COMPUTED_GOTO=1: cannot jump
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
    ASYNC_BEGIN(self);
    int i = value_of();
    AWAIT(ready());
    use(i);
    ASYNC_END;
}

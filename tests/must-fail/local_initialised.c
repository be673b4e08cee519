/* A local with an initialiser lives across an await: its value is lost.
 *
 * gcc c: jump-misses-init
 * gcc c -O2: jump-misses-init
 * gcc c++: crosses initialization
 * clang c++: cannot jump
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct self { async_frame frame; };
async_status ready(void);
void use(int value);

async_status lost(struct self *self);
async_status lost(struct self *self)
{
    ASYNC_BEGIN(self);
    int i = 3;
    AWAIT(ready());
    use(i);
    ASYNC_END;
}

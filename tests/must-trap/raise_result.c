/* Something is raised that is no error.
 *
 * trap: raise_result.c:[0-9]+: raises: ASYNC_RAISE of something that is no error
 */
#define ASYNC_NO_LOOP
#include "async.h"

#include <string.h>

struct self { async_frame frame; int error; };

static ASYNC raises(struct self *self)
{
    ASYNC_BEGIN(self);
    ASYNC_RAISE(self->error);
    ASYNC_END;
}

int main(void)
{
    struct self self;

    memset(&self, 0, sizeof self);
    return raises(&self);
}

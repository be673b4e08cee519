/* The same after a coroutine: no warning and no error, but GCC, whose flag of
 * the check survives the pop, gives notes that belong to no warning.
 *
 * flags: -Wno-maybe-uninitialized -Wno-unknown-warning-option
 * only c
 * notes
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct self { async_frame frame; };
int acquire(void);
void release(int what);
int ordinary(int n);
async_status after(struct self *self);

async_status after(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(acquire());
    ASYNC_END;
}

int ordinary(int n)
{
    int result, late;

    if (n < 0) {
        goto cleanup;
    }
    int more = acquire();
    result = more + n;
    if (n > 3) {
        late = n;
    }
    switch (n) {
        int inner;
    case 1:
        inner = more;
        return inner;
    default:
        break;
    }
    if (n > 3) {
        release(late);
    }
    return result;
cleanup:
    release(n);
    return -1;
}

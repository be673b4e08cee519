/* Ordinary C in a file with coroutines: a goto that jumps over initialisers,
 * a variable that the flow does not prove initialised, all as ever.
 *
 * flags: -Wno-maybe-uninitialized -Wno-unknown-warning-option
 * only c
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct self { async_frame frame; };
int acquire(void);
void release(int what);
int ordinary(int n);
async_status after(struct self *self);

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

async_status after(struct self *self)
{
    ASYNC_BEGIN(self);
    AWAIT(acquire());
    ASYNC_END;
}

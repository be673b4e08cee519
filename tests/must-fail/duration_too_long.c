/* A minute in ticks of 16 bits: it would be a negative duration, that is none.
 *
 * gcc c -Werror: overflow
 * gcc c -Werror -O2: overflow
 * gcc c++ -Werror: overflow
 * clang c -Werror: changes value
 * clang c++ -Werror: changes value
 */
#define ASYNC_HOSTED 0
#define ASYNC_TICK_BITS 16
#include "async.h"

struct self { async_frame frame; };

ASYNC naps(struct self *s);
ASYNC naps(struct self *s)
{
    ASYNC_BEGIN(s);
    AWAIT(async_sleep(ASYNC_SEC(60)));
    ASYNC_END;
}

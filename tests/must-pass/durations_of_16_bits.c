/* Durations that fit 16 bits, and variable ones, in every place where they may
 * stand. */
#define ASYNC_HOSTED 0
#define ASYNC_TICK_BITS 16
#include "async.h"

enum { PERIOD = ASYNC_MS(30) };

struct self { async_frame frame; int16_t ms; };

ASYNC naps(struct self *s);
ASYNC naps(struct self *s)
{
    static const async_duration longest = ASYNC_MS(32767);

    ASYNC_BEGIN(s);
    AWAIT(async_sleep(ASYNC_SEC(32)));
    AWAIT(async_sleep(ASYNC_US(1500)));
    AWAIT(async_sleep(ASYNC_MS(s->ms)));
    AWAIT(async_sleep(PERIOD));
    AWAIT(async_sleep(longest));
    ASYNC_END;
}

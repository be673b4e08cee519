/* More points than the frame can count.
 *
 * gcc c -DASYNC_FRAME_BITS=8: too_many_awaits_for_the_frame
 * gcc c++ -DASYNC_FRAME_BITS=8: too_many_awaits_for_the_frame
 * clang c -DASYNC_FRAME_BITS=8: too_many_awaits_for_the_frame
 * clang c++ -DASYNC_FRAME_BITS=8: too_many_awaits_for_the_frame
 */
#define ASYNC_NO_LOOP
#include "async.h"

#define FIVE AWAIT(0); AWAIT(0); AWAIT(0); AWAIT(0); AWAIT(0);
#define FIFTY FIVE FIVE FIVE FIVE FIVE FIVE FIVE FIVE FIVE FIVE

struct self { async_frame frame; };

async_status counts_to_255(struct self *self);
async_status counts_to_255(struct self *self)
{
    ASYNC_BEGIN(self);
    FIFTY FIFTY FIFTY FIFTY FIFTY FIVE
    ASYNC_END;
}

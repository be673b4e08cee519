/* A coroutine as a member function, with objects that have destructors in
 * braces between the awaits, and lambdas as awaitables.
 *
 * only c++
 */
#define ASYNC_NO_LOOP
#include "async.h"

struct guard { guard(); ~guard(); };
async_status ready(int n);

class blinker {
public:
    ASYNC run()
    {
        ASYNC_BEGIN(this);
        for (i_ = 0; i_ < 3; i_++) {
            {
                guard held;
                if (i_ == 2) {
                    ASYNC_RETURN(2);
                }
            }
            AWAIT(ready(i_));
            ASYNC_TRY
                guard inside_of_braces_without_awaits;
                if (i_ == 1) { break; }
            ASYNC_FINALLY(outcome_)
                AWAIT(ready(-i_));
            ASYNC_TRY_END
        }
        ASYNC_END;
    }

    async_frame frame;

private:
    int i_, outcome_;
};

ASYNC start(blinker &it);
ASYNC start(blinker &it)
{
    return it.run();
}

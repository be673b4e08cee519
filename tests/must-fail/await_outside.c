/* An await in a function that is no coroutine.
 *
 * gcc c: async_resume_. undeclared
 * gcc c++: async_resume_. was not declared
 * clang c: undeclared identifier
 * clang c++: undeclared identifier
 */
#define ASYNC_NO_LOOP
#include "async.h"

async_status ready(void);
void waits(void);

void waits(void)
{
    AWAIT(ready());
}

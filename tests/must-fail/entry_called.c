/* The main coroutine is called like a function, not given to async_run: it
 * would run up to its first wait, and no further.
 *
 * gcc c -Werror: unused.result
 * gcc c++ -Werror: unused.result
 * clang c -Werror: unused.result
 * clang c++ -Werror: unused.result
 */
#include "async.h"

struct program { async_frame frame; };

ASYNC program(struct program *self);

int main(void)
{
    static struct program frame;

    program(&frame);
    return 0;
}

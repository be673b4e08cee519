/* A condition of a test that does not hold where no test runs.
 *
 * trap: ASYNC_EXPECT does not hold, and no test runs
 * flags: -DASYNC_SIM=1
 */
#define ASYNC_IMPLEMENTATION
#include "async.h"

int main(int argc, char **argv)
{
    (void)argv;
    ASYNC_EXPECT(argc == 1);
    ASYNC_EXPECT(argc == 2);
    return 0;
}

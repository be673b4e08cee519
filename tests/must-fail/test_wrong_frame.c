/* A test that is given the frame of another coroutine.
 *
 * gcc c -Werror: incompatible pointer type
 * gcc c++: cannot convert
 * clang c -Werror: incompatible pointer type
 * clang c++: cannot initialize a parameter
 */
#define ASYNC_SIM 1
#include "async.h"

struct worker { async_frame frame; };
struct other { async_frame frame; };

ASYNC worker(struct worker *self);
bool mistakes(async_tests *tests, struct other *other);

bool mistakes(async_tests *tests, struct other *other)
{
    return ASYNC_TEST(tests, "a test", worker, other, ASYNC_SEC(60));
}

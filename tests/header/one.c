/* One file, and nothing to link. */
#define NAME first
#define VALUE 11
#define ASYNC_IMPLEMENTATION
#include "user.c"

int main(void)
{
    return first() == 11 ? 0 : 1;
}

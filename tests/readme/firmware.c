/* A firmware's coroutine, tested on the PC: see README.md, Demos on boards. */
#define ASYNC_HOSTED 0
#define ASYNC_SIM 1
#define ASYNC_IMPLEMENTATION
#include "async.h"

#include "fragment.h"

#include <stdio.h>

static void say(const char *line)
{
    puts(line);
}

int main(void)
{
    static async_tests tests;
    static struct day day;

    tests.say = say;
    ASYNC_TEST(&tests, "a cold morning", a_cold_morning, &day,
               ASYNC_SEC(24 * 3600));
    return tests.failed != 0;
}

/* demo: what the demos share: lines that say when, and a clock in a hurry.
 *
 * The demos wait for seconds, as programs in a text book do. So that nobody
 * has to sit them out, their clock runs ten times as fast as yours: a line
 * marked "2.0 s" appears 0.2 s after the start. The waits are real ones.
 *
 *     make run DEMO=cancel               ten times as fast
 *     make run DEMO=cancel SPEED=1       true seconds
 *
 * Or they take no time at all, in virtual time (src/sim.h):
 *
 *     make run DEMO=cancel CPPFLAGS=-DASYNC_SIM=1
 *
 * All it takes are two of the library's hooks, ASYNC_CLOCK and ASYNC_IDLE,
 * defined before async.h is included. A program of your own needs neither. */
#ifndef DEMO_H
#define DEMO_H

struct async_loop;
static unsigned long long demo_clock(void);
static inline void demo_idle(struct async_loop *loop, long long ticks);

#define ASYNC_CLOCK() demo_clock()
#define ASYNC_IDLE(loop, ticks) demo_idle((loop), (ticks))

#define ASYNC_IMPLEMENTATION
#include "async.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long long demo_started = ASYNC_SIM;

static inline unsigned demo_speed(void)
{
    static unsigned speed;

    if (speed == 0) {
        const char *text = getenv("SPEED");
        int wanted = text == NULL ? 0 : atoi(text);

        speed = wanted > 0 && wanted <= 1000 ? (unsigned)wanted : 10;
    }
    return speed;
}

/* Time is 0 at the first look at the clock, or at a title. */
static unsigned long long demo_clock(void)
{
#if ASYNC_SIM
    unsigned long long now = async_sim_now() + ASYNC_SIM;       /* never 0 */
#else
    unsigned long long now = async_port_clock() * demo_speed();
#endif

    if (demo_started == 0) {
        demo_started = now;
    }
    return now;
}

static inline void demo_idle(struct async_loop *loop, long long ticks)
{
    if (ticks > 0 && ticks != ASYNC_NEVER) {
        ticks = ticks / demo_speed() + 1;
    }
    async_port_idle(loop, ticks);
}

/* Begin a section: a headline, and the time is 0 again. */
static inline void title(const char *text)
{
    static const char *gap = "";

    printf("%s%s\n", gap, text);
    fflush(stdout);
    gap = "\n";
    demo_started = demo_clock();
}

/* Print a line, after the time in seconds: full tenths, so that a wake-up a
 * little late is not seen. */
static inline void say(const char *format, ...)
{
    unsigned long long now = demo_clock();
    unsigned long long tenths =
        (now - demo_started) / (unsigned long long)ASYNC_MS(100);
    va_list arguments;

    printf("%4llu.%llu s  ", tenths / 10, tenths % 10);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    fflush(stdout);
}

#endif

/* A virtual clock, made of the library's own two hooks, and the file that
 * holds the library's functions. Idling moves the clock on at once: so a week
 * of timeouts takes no time, and a test sees the same instants everywhere.
 *
 * With ASYNC_SIM it is the library's own virtual clock instead, which is to do
 * the same; and the environment's TEST_SEED is the seed of each test. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1       /* the implementation is in this file */
#endif
#include "test.h"

#ifdef __cplusplus
extern "C" {
#endif
async_ticks test_clock(void);
void test_idle(async_loop *loop, async_duration ticks);
void test_warn(const char *message);
#ifdef __cplusplus
}
#endif

#define ASYNC_CLOCK() test_clock()
#define ASYNC_IDLE(loop, ticks) test_idle((loop), (ticks))
#define ASYNC_WARN(message) test_warn(message)
#define ASYNC_IMPLEMENTATION
#include "async.h"

#if ASYNC_SIM
#include <stdlib.h>
#endif

#if ASYNC_SIM
#define now async_sim_of_thread_.now
#else
static async_ticks now;
#endif
static bool real;
static async_ticks start;
static long idles;
#if ASYNC_DEBUG
static char warnings[4096];
static size_t warned;               /* so much of it was said */
static bool warnings_read;
#endif

#if ASYNC_DEBUG
/* Of "in f, at tests/unit/trail.c:12" the folder and the number go. */
void test_warn(const char *message)
{
    if (warnings_read) {
        warned = 0;
        warnings_read = false;
    }
    for (; *message != '\0' && warned + 2 < sizeof warnings; message++) {
        if (*message == '/') {
            while (warned > 0 && warnings[warned - 1] != ' ') {
                warned--;
            }
        } else if (*message == ':' && message[1] >= '0' && message[1] <= '9') {
            while (message[1] >= '0' && message[1] <= '9') {
                message++;
            }
        } else {
            warnings[warned++] = *message;
        }
    }
    if (warned + 1 < sizeof warnings) {
        warnings[warned++] = '\n';
    }
    warnings[warned < sizeof warnings ? warned : sizeof warnings - 1] = '\0';
}
#endif

const char *test_warnings(void)
{
#if ASYNC_DEBUG
    if (warnings_read) {
        warned = 0;
        warnings[0] = '\0';
    }
    warnings_read = true;
    return warnings;
#else
    return "";
#endif
}

/* It begins shortly before a wrap, where the clock can be moved to. */
void test_virtual_time(void)
{
    (void)test_warnings();          /* those of the test before */
    real = false;
    now = start = ASYNC_TIMER_WHEEL ? 1000
                                    : (async_ticks)(0 - (async_ticks)1000);
    idles = 0;
#if ASYNC_SIM
    async_sim_seed(getenv("TEST_SEED") == NULL
                   ? 0 : (unsigned)atoi(getenv("TEST_SEED")));
    (void)async_sim_patience(-1);
#endif
}

void test_time_is(async_ticks time)
{
    now = start = time;
}

void test_real_time(void)
{
    real = true;
#if ASYNC_SIM
    (void)async_sim_patience(ASYNC_MS(50));
#endif
}

/* The running task computes for so long. */
void test_busy(async_duration ticks)
{
    now = (async_ticks)(now + (async_ticks)ticks);
}

/* How often the loop went to sleep for some time. */
long test_idles(void)
{
    return idles;
}

long long test_ms(void)
{
    return (long long)(async_ticks)(now - start) / ASYNC_MS(1);
}

async_ticks test_clock(void)
{
#if ASYNC_HOSTED
    if (real) {
        return async_port_clock();
    }
#endif
    return now;
}

void test_idle(async_loop *loop, async_duration ticks)
{
    if (ticks != 0) {
#if ASYNC_HOSTED && defined __GNUC__ && !defined __TINYC__
        __atomic_fetch_add(&idles, 1, __ATOMIC_RELAXED);    /* of any thread */
#else
        idles++;
#endif
    }
#if ASYNC_HOSTED
    if (real || loop->fds != NULL) {
        bool outside = async_port_waits_(loop) || loop->irqs != NULL;

        /* With descriptors to wait for, time stands still until they have
         * nothing to say. */
        if (real || ticks == ASYNC_NEVER) {
            async_port_idle(loop, ticks);
            return;
        }
        async_port_idle(loop, 0);
        if (outside && (!ASYNC_NONE_READY_(loop) || loop->notified)) {
            return;
        }
    }
#else
    (void)loop;
#endif
    if (ticks != ASYNC_NEVER) {
        now = (async_ticks)(now + (async_ticks)ticks);
    }
}

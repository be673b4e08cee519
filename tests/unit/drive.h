/* drive: what the coroutine tests are made of, without any executor: they call
 * a coroutine until it is no longer pending. */
#ifndef DRIVE_H
#define DRIVE_H

#include "test.h"

#include <string.h>

/* Suspends so many times, then gives `result`. */
struct delay_self { async_frame frame; int left; };

static async_status delay_poll(struct delay_self *self)
{
    return self->left-- > 0 ? ASYNC_PENDING : 0;
}

static ASYNC delay(struct delay_self *self, int times, int result)
{
    ASYNC_BEGIN(self);
    self->left = times;
    AWAIT(delay_poll(self));
    ASYNC_RETURN(result);
    ASYNC_END;
}

/* Zeroed memory, in C as in C++. */
#define FRESH(object) memset(&(object), 0, sizeof (object))

/* Calls it to its end; counts in `turns` how often it was pending. */
#define DRIVE(rc, turns, call) \
    do { \
        for ((turns) = 0; ((rc) = (call)) == ASYNC_PENDING; (turns)++) { \
            if ((turns) > 1000) { \
                test_fail(__FILE__, __LINE__, "pending for ever"); \
                break; \
            } \
        } \
    } while (0)

#endif

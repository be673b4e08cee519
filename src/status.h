#pragma once
/* ===========================================================================
 * status: the one number that every awaitable answers with, and its names. It
 * is a value only; what an error does to a coroutine is coroutine.h's affair.
 *
 *      INT_MIN      pending: not yet, ask again
 *      INT_MIN + 3  the task's own cancellation, on its way out
 *      -4096 ...    the user's own errors, ASYNC_EUSER(0), ASYNC_EUSER(1), ...
 *      -4095 .. -1  an errno, negative (from -3001 on: of a name's lookup)
 *      0 ...        a result; up to 32767 is portable
 * ======================================================================== */
#include "config.h"

typedef int async_status;

/* What a coroutine is declared to return: static ASYNC fetch(...). A call
 * whose status is ignored, such as one without AWAIT, is a warning. */
#define ASYNC ASYNC_MUST_USE_ async_status

/* Not yet. An awaitable that says so is evaluated again later. */
#define ASYNC_PENDING INT_MIN

/* What a finally, a with or a timeout holds while it runs: a result, an error,
 * or one of these. They never leave the coroutine. */
#define ASYNC_NORMAL_ INT_MIN
#define ASYNC_BREAK_ (INT_MIN + 1)
#define ASYNC_CONTINUE_ (INT_MIN + 2)

/* The running task was cancelled. A value of its own, so that code which
 * handles the ASYNC_ECANCELED of another task never swallows its own. */
#define ASYNC_CANCEL (INT_MIN + 3)

/* In an ASYNC_FINALLY: was the block left by an error, or by the task's own
 * cancellation? `outcome` is below 0 also when it was left at its end, or by a
 * break or continue: those are numbers below ASYNC_CANCEL. */
#define ASYNC_FAILED(outcome) async_failed_(outcome)
ASYNC_INLINE_ bool async_failed_(int outcome)
{
    return outcome < 0 && outcome >= ASYNC_CANCEL;
}

/* Errors: -errno where the system has errno, else the numbers of Linux. */
#if ASYNC_HOSTED
#include <errno.h>
#define ASYNC_ERRNO_(name, number) (-(name))
#else
#define ASYNC_ERRNO_(name, number) (-(number))
#endif

#define ASYNC_EPERM ASYNC_ERRNO_(EPERM, 1)
#define ASYNC_ENOENT ASYNC_ERRNO_(ENOENT, 2)
#define ASYNC_EINTR ASYNC_ERRNO_(EINTR, 4)
#define ASYNC_EIO ASYNC_ERRNO_(EIO, 5)
#define ASYNC_EBADF ASYNC_ERRNO_(EBADF, 9)
#define ASYNC_EAGAIN ASYNC_ERRNO_(EAGAIN, 11)
#define ASYNC_ENOMEM ASYNC_ERRNO_(ENOMEM, 12)
#define ASYNC_EBUSY ASYNC_ERRNO_(EBUSY, 16)
#define ASYNC_EEXIST ASYNC_ERRNO_(EEXIST, 17)
#define ASYNC_ENODEV ASYNC_ERRNO_(ENODEV, 19)
#define ASYNC_EINVAL ASYNC_ERRNO_(EINVAL, 22)
#define ASYNC_ENFILE ASYNC_ERRNO_(ENFILE, 23)
#define ASYNC_EMFILE ASYNC_ERRNO_(EMFILE, 24)
#define ASYNC_ENOSPC ASYNC_ERRNO_(ENOSPC, 28)
#define ASYNC_EPIPE ASYNC_ERRNO_(EPIPE, 32)
#define ASYNC_ERANGE ASYNC_ERRNO_(ERANGE, 34)
#define ASYNC_EDEADLK ASYNC_ERRNO_(EDEADLK, 35)
#define ASYNC_ENOSYS ASYNC_ERRNO_(ENOSYS, 38)
#define ASYNC_EOVERFLOW ASYNC_ERRNO_(EOVERFLOW, 75)
#define ASYNC_EMSGSIZE ASYNC_ERRNO_(EMSGSIZE, 90)
#define ASYNC_EADDRINUSE ASYNC_ERRNO_(EADDRINUSE, 98)
#define ASYNC_ENETUNREACH ASYNC_ERRNO_(ENETUNREACH, 101)
#define ASYNC_ECONNABORTED ASYNC_ERRNO_(ECONNABORTED, 103)
#define ASYNC_ECONNRESET ASYNC_ERRNO_(ECONNRESET, 104)
#define ASYNC_ENOBUFS ASYNC_ERRNO_(ENOBUFS, 105)
#define ASYNC_ENOTCONN ASYNC_ERRNO_(ENOTCONN, 107)
#define ASYNC_ESHUTDOWN ASYNC_ERRNO_(ESHUTDOWN, 108)
#define ASYNC_ETIMEDOUT ASYNC_ERRNO_(ETIMEDOUT, 110)
#define ASYNC_ECONNREFUSED ASYNC_ERRNO_(ECONNREFUSED, 111)
#define ASYNC_EHOSTUNREACH ASYNC_ERRNO_(EHOSTUNREACH, 113)
#define ASYNC_EALREADY ASYNC_ERRNO_(EALREADY, 114)
#define ASYNC_EINPROGRESS ASYNC_ERRNO_(EINPROGRESS, 115)
#define ASYNC_ECANCELED ASYNC_ERRNO_(ECANCELED, 125)
#ifdef ENOTRECOVERABLE
#define ASYNC_EBROKEN ASYNC_ERRNO_(ENOTRECOVERABLE, 131)
#else                       /* a microcontroller, or a system without it */
#define ASYNC_EBROKEN (-131)
#endif

/* What the lookup of a name says, which no errno does: resolve.h. */
#if ASYNC_HOSTED
#define ASYNC_ENOHOST (-3001)
#define ASYNC_ENOSERVICE (-3002)
#define ASYNC_EHOSTAGAIN (-3003)
#define ASYNC_EHOSTFAIL (-3004)
#endif

/* The user's own errors, n = 0, 1, ...: outside of every errno. And back: the
 * n of a status that is one of them, that is <= ASYNC_EUSER(0), and no
 * cancellation. */
#define ASYNC_EUSER(n) (-4096 - (n))
#define ASYNC_EUSER_N(status) (-4096 - (status))

/* What a status says, in a few words: never null, never freed, the same text
 * for every result >= 0 and for every ASYNC_EUSER. From any context on a
 * microcontroller; a hosted build asks strerror for an errno not listed above.
 * Costs its table of texts, where it is called. */
ASYNC_API const char *async_strerror(int status);

#pragma once
#include "config.h"
/* ===========================================================================
 * ticks: instants and durations, and how durations are written.
 *
 * An instant wraps, a duration is signed and of the same width, so the longest
 * duration is half the range: 32 767 ticks of 16 bits, 24 days of 32-bit
 * milliseconds, 292 years of nanoseconds. Compare instants by subtracting
 * them: (async_duration)(a - b) < 0 says that a is earlier.
 * ======================================================================== */

#if ASYNC_TICK_BITS == 16
typedef uint16_t async_ticks;
typedef int16_t async_duration;
#define ASYNC_NEVER INT16_MAX
#elif ASYNC_TICK_BITS == 32
typedef uint32_t async_ticks;
typedef int32_t async_duration;
#define ASYNC_NEVER INT32_MAX
#else
typedef uint64_t async_ticks;
typedef int64_t async_duration;
#define ASYNC_NEVER INT64_MAX
#endif

/* Durations: ASYNC_MS(20), ASYNC_SEC(1.5). Rounded up to whole ticks where a
 * tick is longer than the unit, so that a wait is never shorter than written.
 * (The argument may have a fraction; one of a tick is cut off.)
 * A constant that does not fit async_duration is a compile-time warning; a
 * variable one wraps, as in any conversion. */
#if ASYNC_TICK_HZ == 1000000000
#define ASYNC_US(n) ((async_duration)((n) * INT64_C(1000)))
#define ASYNC_MS(n) ((async_duration)((n) * INT64_C(1000000)))
#define ASYNC_SEC(n) ((async_duration)((n) * INT64_C(1000000000)))
#elif ASYNC_TICK_HZ == 1000000
#define ASYNC_US(n) ASYNC_FITS_(n)
#define ASYNC_MS(n) ASYNC_FITS_((n) * INT32_C(1000))
#define ASYNC_SEC(n) ASYNC_FITS_((n) * INT32_C(1000000))
#elif ASYNC_TICK_HZ == 1000
#define ASYNC_US(n) ASYNC_FITS_(((n) + INT32_C(999)) / 1000)
#define ASYNC_MS(n) ASYNC_FITS_(n)
#define ASYNC_SEC(n) ASYNC_FITS_((n) * INT32_C(1000))
#else
#define ASYNC_SCALE_(n, unit) \
    ASYNC_FITS_(((n) * INT64_C(ASYNC_TICK_HZ) + ((unit) - 1)) / (unit))
#define ASYNC_US(n) ASYNC_SCALE_(n, 1000000)
#define ASYNC_MS(n) ASYNC_SCALE_(n, 1000)
#define ASYNC_SEC(n) ASYNC_SCALE_(n, 1)
#endif

/* GCC says nothing of a constant that would fit if it were unsigned: 40 000 in
 * 16 bits, which is a negative duration, that is none. So it gets one to speak
 * of. (Clang does by itself, and would speak of the arm not taken.) */
#if ASYNC_TICK_BITS == 16 && defined __GNUC__ && !defined __clang__ \
    && !defined __TINYC__
#define ASYNC_FITS_(n) \
    ((__builtin_constant_p(n) ? (n) : 0) > ASYNC_NEVER ? INT32_MAX : (n))
#else
#define ASYNC_FITS_(n) (n)
#endif

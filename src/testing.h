#pragma once
#include "sim.h"
/* ===========================================================================
 * testing: a coroutine as a test, in virtual time. It needs ASYNC_SIM 1. It is
 * no framework: a test is a coroutine, a fixture is an ASYNC_WITH, and main
 * calls them.
 *
 *     static async_tests tests;
 *
 *     int main(void)
 *     {
 *         static struct adds adds;
 *         static struct account account;
 *
 *         ASYNC_TEST(&tests, "a sum", adds, &adds, ASYNC_SEC(60));
 *         tests.seeds = 100;
 *         ASYNC_TEST(&tests, "two tellers", tellers, &account, ASYNC_SEC(1));
 *         return tests.failed != 0;
 *     }
 *
 *     ok   a sum (50000 ms)
 *     FAIL two tellers (10 ms, seed 3): expected self->sum == 2, at bank.c:30
 *
 * A hosted program's environment has the last word: ASYNC_SEED=3 runs each test
 * with that seed alone, and so replays what failed; ASYNC_SEEDS=10000 runs it
 * with so many. (With what is no number, each test fails.)
 * ======================================================================== */

#if ASYNC_SIM

/* What a row of tests has in common. Zeroed memory is a fresh one. */
typedef struct async_tests {
    unsigned seeds;             /* run each test with so many seeds; 0: one */
    unsigned seed;              /* and this is the first; 0: first in, first
                                 * out. See async_sim_seed */
    void (*say)(const char *line);  /* what is to be done with a line, which has
                                 * no end of line; NULL: it is printed, on a
                                 * board it is not */
    unsigned passed, failed;    /* to be read: so many tests; and with which */
    unsigned failed_with;       /* seed the last one that failed did so, if
                                 * one failed: 0 is a seed, too */
} async_tests;

/* ASYNC_TEST(&tests, name, fn, frame, limit): run fn(frame) as the main task of
 * a loop of its own, on a virtual clock that begins at 0, and say in one line
 * whether it passed. It fails with
 *
 *   an error, or with ASYNC_TEST_GIVES another result than that one
 *   an ASYNC_EXPECT that does not hold
 *   more than `limit` of virtual time. Then it is cancelled, and has as long
 *     again to clean up; if it does not end by then, it is left as it is, and
 *     its frame is not to be touched again (on a board it must not leave an irq
 *     that may be raised: the loop is gone). ASYNC_NEVER: no limit
 *   a deadlock: ASYNC_EDEADLK of the run
 *   tasks left behind: they are cancelled, and awaited likewise
 *
 * Of a test that is late, deadlocked, or leaves tasks behind, a debug build
 * says besides who is there and waits for what (through ASYNC_WARN, as
 * async_dump). `name` is anything that can be printed.
 * With several seeds it ends with the first that fails, which the line names.
 * Each run, and whatever comes after the test, finds the frame as it was given:
 * for this the macro keeps a copy on the stack of its caller. So what a test
 * is told stands in its frame, and what it is to tell stands elsewhere.
 *
 * True if it passed; false also for NULL, for a negative limit, and inside a
 * running loop: that fails as well (but for NULL tests, where nothing is
 * said or counted). From ordinary code. A loop that is current stays so, and
 * this thread's virtual clock and seed are afterwards what they were. */
#define ASYNC_TEST(tests, name, fn, frame, limit) \
    ASYNC_TEST_GIVES(tests, name, fn, frame, limit, ASYNC_PENDING)

/* The same for a test that is to end with this result or error. */
#define ASYNC_TEST_GIVES(tests, name, fn, frame, limit, result) \
    async_test_((tests), (name), ASYNC_ENTRY_(fn, frame), (frame), \
                ASYNC_SPARE_(sizeof *(frame)), sizeof *(frame), (limit), \
                (result) ASYNC_RUN_NAME_(#fn))

/* ASYNC_EXPECT(condition): what the test is about. If it does not hold, the
 * test has failed, and goes on, so that it can clean up; of several, the first
 * is said. From whatever the test runs, but not from another thread: where no
 * test runs, a condition that does not hold is a trap. */
#define ASYNC_EXPECT(condition) \
    ((condition) ? (void)0 \
                 : async_expected_(#condition, __FILE__, __LINE__))

/* Memory for a copy, that lasts as long as the call. */
#ifdef __cplusplus
template <size_t size> struct async_spare_ {
    unsigned char bytes[size];
    unsigned char *at() { return bytes; }
};
#define ASYNC_SPARE_(size) (async_spare_<(size)>().at())
#else
#define ASYNC_SPARE_(size) ((unsigned char[size]){0})
#endif

#define async_test_ ASYNC_ABI_(async_test)
#define async_expected_ ASYNC_ABI_(async_expected)
ASYNC_API bool async_test_(async_tests *tests, const char *name, async_fn fn,
                           void *frame, unsigned char *spare, size_t size,
                           async_duration limit, int result
#if ASYNC_NAMED_
                           , const char *entry, const char *file, int line
#endif
);
ASYNC_API void async_expected_(const char *what, const char *file, int line);

#else

#define ASYNC_TEST(...) async_this_needs_ASYNC_SIM_1_
#define ASYNC_TEST_GIVES(...) async_this_needs_ASYNC_SIM_1_
#define ASYNC_EXPECT(condition) async_this_needs_ASYNC_SIM_1_

#endif

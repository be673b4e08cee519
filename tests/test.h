/* test: the harness of the unit tests, small enough to run on a board.
 *
 * A file under tests/unit/ holds TEST(name) { ... } functions; tests/list.sh
 * finds them by that word and writes the table that main() walks. A check
 * that fails is reported and the test goes on, so that a coroutine's own
 * control flow is never bent by the harness. */
#ifndef TEST_H
#define TEST_H

#include "async.h"

#ifdef __cplusplus
#define TEST(name) extern "C" void test_##name(void); void test_##name(void)
extern "C" {
#else
#define TEST(name) void test_##name(void); void test_##name(void)
#endif

/* A board with little room keeps no text but the lines' numbers. */
#ifdef TEST_TERSE
#define TEST_TEXT_(text) ""
#else
#define TEST_TEXT_(text) text
#endif

#define CHECK(cond) \
    do { \
        if (!(cond)) { \
            test_fail(TEST_TEXT_(__FILE__), __LINE__, TEST_TEXT_(#cond)); \
        } \
    } while (0)
#define CHECK_EQ(got, want) \
    test_equal(TEST_TEXT_(__FILE__), __LINE__, TEST_TEXT_(#got), \
               (long long)(got), (long long)(want))
#define CHECK_STR(got, want) \
    test_string(TEST_TEXT_(__FILE__), __LINE__, TEST_TEXT_(#got), (got), (want))

/* The transcript: what happened, in order, compared as one string. */
#define CHECK_LOG(want) \
    do { CHECK_STR(test_log_text(), want); test_log_clear(); } while (0)

void test_fail(const char *file, int line, const char *what);
void test_equal(const char *file, int line, const char *what, long long got,
                long long want);
void test_string(const char *file, int line, const char *what,
                 const char *got, const char *want);
void test_skip(const char *why);
void test_log(const char *format, ...);
const char *test_log_text(void);
void test_log_clear(void);

/* The virtual clock (tests/virtual.c): idling moves it on at once, and nothing
 * else does. */
void test_virtual_time(void);           /* each test begins with it */
void test_real_time(void);              /* the rest of this test: the machine's */
void test_time_is(async_ticks now);     /* between two loops */
void test_busy(async_duration ticks);   /* the running task computes so long */
long long test_ms(void);                /* since the start of the test */
long test_idles(void);                  /* how often a loop went to sleep */

/* What a debug build said in this test, without the numbers of lines and the
 * folders of files; what it says from here on is a new text. */
const char *test_warnings(void);

#ifdef __cplusplus
}
#endif
#endif

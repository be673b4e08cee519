/* The harness: runs every test of the table, or those whose names contain one
 * of the arguments, and prints a line for each. */
#include "test.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct test_entry { const char *name; void (*run)(void); };
#ifdef __cplusplus
extern "C" {
#endif
extern const struct test_entry test_table[];
#ifdef __cplusplus
}
#endif

static int failures;            /* of the running test */
static const char *skipped;
#ifndef TEST_LOG
#define TEST_LOG 4096
#endif
static char log_text[TEST_LOG];

void test_fail(const char *file, int line, const char *what)
{
    if (failures++ < 5) {
        printf("  %s:%d: %s\n", file, line, what);
    }
}

void test_equal(const char *file, int line, const char *what, long long got,
                long long want)
{
    char text[200];

    if (got != want) {
        snprintf(text, sizeof text, "%s is %lld, not %lld", what, got, want);
        test_fail(file, line, text);
    }
}

void test_string(const char *file, int line, const char *what,
                 const char *got, const char *want)
{
    if (strcmp(got, want) != 0) {
        printf("  %s is  \"%s\"\n  and not \"%s\"\n", what, got, want);
        test_fail(file, line, what);
    }
}

void test_skip(const char *why)
{
    skipped = why;
}

void test_log(const char *format, ...)
{
    size_t used = strlen(log_text);
    va_list args;

    va_start(args, format);
    vsnprintf(log_text + used, sizeof log_text - used, format, args);
    va_end(args);
}

const char *test_log_text(void)
{
    return log_text;
}

void test_log_clear(void)
{
    log_text[0] = '\0';
}

#include "traced.h"

/* Arguments: only the tests whose name contains one of them, and none whose
 * name contains one that is written with a minus. */
static int chosen(const char *name, int argc, char **argv)
{
    int yes = argc == 1 || argv[1][0] == '-';
    int i;

    for (i = 1; i < argc; i++) {
        if (argv[i][0] == '-' && strstr(name, argv[i] + 1) != NULL) {
            return 0;
        }
        yes = yes || strstr(name, argv[i]) != NULL;
    }
    return yes;
}

int main(int argc, char **argv)
{
    const struct test_entry *entry;
    int bad = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (entry = test_table; entry->name != NULL; entry++) {
        if (entry->run == NULL || !chosen(entry->name, argc, argv)) {
            continue;                   /* NULL: not on this board */
        }
        failures = 0;
        skipped = NULL;
        test_log_clear();
        test_virtual_time();
        TRACED_BEGIN();
        entry->run();
        if (async_this_loop_ != NULL) {
            test_fail(entry->name, 0, "a loop was left current");
            async_loop_use(NULL);
        }
        if (failures != 0) {
            printf("FAIL %s\n", entry->name);
            bad = 1;
        } else if (skipped != NULL) {
            printf("skip %s: %s\n", entry->name, skipped);
        } else {
            printf("ok %s\n", entry->name);
        }
    }
    TRACED_END();
    return bad;
}

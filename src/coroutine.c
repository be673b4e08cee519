#include "coroutine.h"
/* coroutine.c: the last words of a program that must not go on, and the checks
 * of a debug build. */

#if ASYNC_HOSTED && (ASYNC_DEBUG || !defined ASYNC_NO_LOOP)
#include <stdio.h>
#include <stdlib.h>

ASYNC_API void async_trap_(const char *message)
{
    fprintf(stderr, "%s\n", message);
    abort();
}
#endif

#if ASYNC_DEBUG

#ifndef ASYNC_STATIC
ASYNC_THREAD async_frame *async_innermost_;
#endif

#if ASYNC_HOSTED
static ASYNC_THREAD char async_message_[1400];
#else
static char async_message_[240];
#endif

static bool async_begins_with_(const char *text, const char *with)
{
    while (*with != '\0' && *text == *with) {
        text++;
        with++;
    }
    return *with == '\0';
}

ASYNC_API const char *async_past_options_(const char *text)
{
    if (async_begins_with_(text, "_hosted_")) {
        while (*text == '_' || (*text >= 'a' && *text <= 'z')
               || (*text >= '0' && *text <= '9')) {
            text++;
        }
    }
    return text;
}

ASYNC_API size_t async_say_(size_t at, const char *text)
{
    while (*(text = async_past_options_(text)) != '\0'
           && at < sizeof async_message_ - 1) {
        async_message_[at++] = *text++;
    }
    async_message_[at] = '\0';
    return at;
}

ASYNC_API size_t async_say_number_(size_t at, int number)
{
    char digits[12];
    size_t i = sizeof digits - 1;

    if (number < 0) {
        at = async_say_(at, "-");
        number = -number;
    }
    digits[i] = '\0';
    do {
        digits[--i] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0 && i > 0);
    return async_say_(at, digits + i);
}

ASYNC_API const char *async_said_(void)
{
    return async_message_;
}

ASYNC_API void async_misuse_(const char *message, const char *file, int line,
                             const char *function)
{
    size_t at = async_say_(0, "async: ");

    at = async_say_(at, file);
    at = async_say_(at, ":");
    at = async_say_number_(at, line);
    at = async_say_(at, ": ");
    at = async_say_(at, function);
#ifndef ASYNC_NO_LOOP
    if (async_debug_task_name_() != NULL) {
        at = async_say_(at, " (task ");
        at = async_say_(at, async_debug_task_name_());
        at = async_say_(at, ")");
    }
#endif
    at = async_say_(at, ": ");
    (void)async_say_(at, message);
    ASYNC_TRAP(async_message_);
}

ASYNC_API void async_enter_(async_frame *frame, const char *file, int line,
                            const char *function)
{
    if (frame->point == 0) {
        frame->line = line;
    } else if (frame->awaited && frame->parent != async_innermost_) {
        async_misuse_("its frame is awaited by two parents", file,
                      frame->line, function);
    }
    frame->file = file;
    frame->function = function;
    frame->parent = async_innermost_;
    frame->awaited = true;
    frame->stack = ASYNC_STACK_;
    async_innermost_ = frame;
}

ASYNC_API void async_exit_(async_frame *frame, bool pending, int rc,
                           const void *memory, size_t size)
{
    async_innermost_ = frame->parent;
    if (!pending) {
        frame->awaited = false;
#ifndef ASYNC_NO_LOOP
        async_error_leaves_(frame, rc);
        async_frame_leaves_(frame, memory, size);
        async_frame_ends_(memory, size);
    } else if (frame->awaited) {        /* and does not yield an item */
        async_frame_waits_(frame);
#else
        (void)rc;
        (void)memory;
        (void)size;
#endif
    }
}

/* The lowest bits of an address tell the ints of a frame apart. A place inside
 * of the finally at depth n is inside of those before it, too: so nothing needs
 * to be undone when one is left. */
ASYNC_API bool async_outcome_fits_(async_frame *frame, int depth,
                                   const volatile void *outcome, bool keep)
{
    const int room = (int)(sizeof frame->outcomes / sizeof *frame->outcomes);
    unsigned short at = (unsigned short)(uintptr_t)outcome;
    int i;

    for (i = 0; i < depth && i < room; i++) {
        if (frame->outcomes[i] == at) {
            return false;
        }
    }
    if (keep && depth < room) {
        frame->outcomes[depth] = at;
    }
    return true;
}

ASYNC_API void async_check_left_(async_frame **inside)
{
    if (*inside != NULL) {
        async_misuse_("left by a plain return: use ASYNC_RETURN",
                      (*inside)->file, (*inside)->line, (*inside)->function);
    }
}

#endif

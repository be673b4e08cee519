#pragma once
#include "config.h"
/* ===========================================================================
 * check: what the compiler is asked to catch inside a coroutine. Pragmas and
 * attributes only; what the run time catches stands in coroutine.h.
 *
 * ASYNC_BEGIN pushes these checks and ASYNC_END pops them, so that the rest of
 * the file keeps its own settings. ASYNC_NO_CHECKS leaves them out.
 * ======================================================================== */

#define ASYNC_PRAGMA_(text) _Pragma(#text)

/* A claim about the source; the message holds the claim's name. */
#if defined __cplusplus
#define ASYNC_STATIC_ASSERT_(cond, name) static_assert(cond, #name)
#else
#define ASYNC_STATIC_ASSERT_(cond, name) \
    struct name { int name : (cond) ? 1 : -1; }
#endif

#if defined ASYNC_NO_CHECKS || !defined __GNUC__ || defined __TINYC__
#define ASYNC_CHECKS_BEGIN_
#define ASYNC_CHECKS_END_
#define ASYNC_CHECK_ONCE_(x) do { } while (0)
#else

/* A resume jumps to the middle of the body. Two kinds of variable lose their
 * value thereby: one whose initialiser is jumped over, which GCC tells from
 * the jump alone (and C++ forbids), and one assigned before an await and used
 * after it, which the flow of an optimised build shows. Clang shows it when
 * asked for more than most code stands: so that is for ASYNC_LINT. (After a
 * first coroutine in a C file, GCC 12 gives the notes, without a warning, to a
 * later `goto` over an initialiser: its flag for them survives the pop.) */
#if defined __clang__
#if ASYNC_LINT
#define ASYNC_CHECKS_LOCALS_ \
    ASYNC_PRAGMA_(GCC diagnostic error "-Wconditional-uninitialized")
#else
#define ASYNC_CHECKS_LOCALS_
#endif
#define ASYNC_CHECKS_EFFECTS_ \
    ASYNC_PRAGMA_(GCC diagnostic error "-Wunsequenced") \
    int async_never_ = 0; \
    (void)async_never_;
#else
#ifdef __cplusplus
#define ASYNC_CHECKS_LOCALS_ \
    ASYNC_PRAGMA_(GCC diagnostic error "-Wmaybe-uninitialized")
#else
#define ASYNC_CHECKS_LOCALS_ \
    ASYNC_PRAGMA_(GCC diagnostic error "-Wmaybe-uninitialized") \
    ASYNC_PRAGMA_(GCC diagnostic error "-Wjump-misses-init")
#endif
#define ASYNC_CHECKS_EFFECTS_ \
    ASYNC_PRAGMA_(GCC diagnostic error "-Wsequence-point") \
    enum { async_never_ = 0 };
#endif

#define ASYNC_CHECKS_BEGIN_ \
    ASYNC_PRAGMA_(GCC diagnostic push) \
    ASYNC_PRAGMA_(GCC diagnostic error "-Wuninitialized") \
    ASYNC_CHECKS_LOCALS_ ASYNC_CHECKS_EFFECTS_
#define ASYNC_CHECKS_END_ ASYNC_PRAGMA_(GCC diagnostic pop)

/* An awaited expression is evaluated again at each resume, so it should have
 * no side effect. Standing twice between two sequence points, in code that is
 * never run, it makes the compiler notice one: self->n++, i = 3. (Clang sees
 * those of plain variables only, and none where `never` is a constant.) */
#define ASYNC_CHECK_ONCE_(x) \
    do { \
        ASYNC_CHECK_CONSTANT_(x) \
        if (async_never_) { (void)((x) - (x)); } \
    } while (0)

/* Nor is a number an awaitable, as in AWAIT(ASYNC_MS(5)), which lacks a sleep:
 * it would be a result. C tells a constant from what is computed: a zero cast
 * to a pointer is a null pointer, which takes the type of the other branch. (0
 * and ASYNC_PENDING may stand, the one for what a macro has left out. C++ has
 * no such test that leaves inline functions alone.) */
#ifdef __cplusplus
#define ASYNC_CHECK_CONSTANT_(x)
#else
struct async_constant_;
#define ASYNC_CHECK_CONSTANT_(x) \
    { \
        ASYNC_STATIC_ASSERT_(!__builtin_types_compatible_p( \
            __typeof__(1 ? (void *)(intptr_t)(((int)(x) & INT_MAX) == 0) \
                         : (struct async_constant_ *)0), \
            struct async_constant_ *), async_await_of_a_constant); \
    }
#endif
#endif

/* Around the macros' own use of extensions, and of names that are meant to
 * hide those of an outer block. */
#if defined __GNUC__ && !defined __TINYC__
#define ASYNC_QUIET_ \
    ASYNC_PRAGMA_(GCC diagnostic push) \
    ASYNC_PRAGMA_(GCC diagnostic ignored "-Wpedantic") \
    ASYNC_PRAGMA_(GCC diagnostic ignored "-Wshadow")
#define ASYNC_QUIET_END_ ASYNC_PRAGMA_(GCC diagnostic pop)
#define ASYNC_UNUSED_LABEL_ __attribute__((unused));
#else
#define ASYNC_QUIET_
#define ASYNC_QUIET_END_
#define ASYNC_UNUSED_LABEL_ ;
#endif

#if defined __clang__ || ASYNC_GCC_ >= 7
#define ASYNC_FALLTHROUGH_ __attribute__((fallthrough));
#else
#define ASYNC_FALLTHROUGH_
#endif

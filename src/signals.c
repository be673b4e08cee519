/* ===========================================================================
 * signals: one handler for all, and the list of who is to be told.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "config.h"
#if ASYNC_HOSTED
#include "signals.h"
#include "fd_table.h"

#if ASYNC_OFFLOAD
#include <pthread.h>
#endif
#include <sched.h>
#include <signal.h>
#include <string.h>

#define ASYNC_SIGNALS_ 64       /* numbers 1 to 64: a bit each */

typedef void (*async_signal_info_)(int, siginfo_t *, void *);
typedef void (*async_signal_plain_)(int);

static struct {
    async_signal *volatile first;
    volatile unsigned busy;     /* handlers that may hold a watcher */
    volatile unsigned lock;     /* of what follows, and of changing the list */
    volatile unsigned forks;    /* since the first process */
    unsigned count[ASYNC_SIGNALS_ + 1];     /* watchers that name it */
    struct sigaction before[ASYNC_SIGNALS_ + 1];    /* handlers do not look */
    async_signal_info_ volatile info[ASYNC_SIGNALS_ + 1];   /* what they call */
    async_signal_plain_ volatile plain[ASYNC_SIGNALS_ + 1];
} async_signals_;

/* ---- between threads ----------------------------------------------------- */

#if ASYNC_ATOMICS_

static void async_signals_lock_(void)
{
    while (ASYNC_ATOMIC_SWAP_(&async_signals_.lock, 1) != 0) {
        (void)sched_yield();
    }
}

static void async_signals_unlock_(void)
{
    (void)ASYNC_ATOMIC_SWAP_(&async_signals_.lock, 0);
}

static void async_signals_busy_(unsigned more)
{
    unsigned seen = ASYNC_ATOMIC_LOAD_(&async_signals_.busy);

    while (!ASYNC_ATOMIC_CAS_(&async_signals_.busy, &seen, seen + more)) {
    }
}

/* What was taken from the list before this is held by no handler after it. A
 * handler that begins says so first, and reads the list then: whoever is not
 * seen here has not read it yet. */
static void async_signals_settle_(void)
{
    for (;;) {
        unsigned seen = 0;

        if (ASYNC_ATOMIC_CAS_(&async_signals_.busy, &seen, 0)) {
            return;
        }
        (void)sched_yield();
    }
}

#else       /* a compiler without atomics: all loops are in one thread */

static void async_signals_lock_(void)
{
}

static void async_signals_unlock_(void)
{
}

static void async_signals_busy_(unsigned more)
{
    async_signals_.busy += more;
}

static void async_signals_settle_(void)
{
}

#endif

#if defined __GNUC__ && !defined __TINYC__
#define ASYNC_SEEN_(at) __atomic_load_n((at), __ATOMIC_SEQ_CST)
#define ASYNC_SHOW_(at, value) \
    __atomic_store_n((at), (value), __ATOMIC_SEQ_CST)
#else
#define ASYNC_SEEN_(at) (*(at))
#define ASYNC_SHOW_(at, value) ((void)(*(at) = (value)))
#endif

/* ---- fork ---------------------------------------------------------------- */

#if ASYNC_OFFLOAD

/* In the child of a fork, no other thread is there to unlock, or to end its
 * handler. The list and the counts are whole after each step of their change.
 * (The thread that forked may be in a handler: that sees `forks`.) */
static void async_signals_forked_(void)
{
    async_signals_.forks = async_signals_.forks + 1;
    ASYNC_SHOW_(&async_signals_.busy, 0);
    ASYNC_SHOW_(&async_signals_.lock, 0);
}

static pthread_once_t async_signals_once_ = PTHREAD_ONCE_INIT;

static void async_signals_begin_(void)
{
    (void)pthread_atfork(NULL, NULL, async_signals_forked_);
}

/* Before the lock is taken for the first time. */
static void async_signals_once_only_(void)
{
    (void)pthread_once(&async_signals_once_, async_signals_begin_);
}

#else

static void async_signals_once_only_(void)
{
}

#endif

/* ---- the handler --------------------------------------------------------- */

static unsigned async_signal_bit_(int number)
{
    return 1U << ((number - 1) % ASYNC_SIGNAL_BITS_);
}

static bool async_signal_names_(const async_signal *signal, int number)
{
    return (ASYNC_SEEN_(&signal->set[(number - 1) / ASYNC_SIGNAL_BITS_])
            & async_signal_bit_(number)) != 0;
}

/* Only the loop's thread writes it. */
static void async_signal_name_(async_signal *signal, int number, bool names)
{
    volatile unsigned *at = &signal->set[(number - 1) / ASYNC_SIGNAL_BITS_];
    unsigned bit = async_signal_bit_(number);

    ASYNC_SHOW_(at, names ? *at | bit : *at & ~bit);
}

/* Call the handler that was there before, if it was one. */
static void async_signal_before_(int number, siginfo_t *info, void *context)
{
    async_signal_info_ with = ASYNC_SEEN_(&async_signals_.info[number]);
    async_signal_plain_ plain = ASYNC_SEEN_(&async_signals_.plain[number]);

    if (with != NULL) {
        with(number, info, context);
    } else if (plain != NULL) {
        plain(number);
    }
}

/* Note what was there before. A late handler, of a signal that came before,
 * may look meanwhile: it finds the old one or the new one, of its kind. */
static void async_signal_note_(int number, const struct sigaction *action)
{
    bool with = (action->sa_flags & SA_SIGINFO) != 0;

    async_signals_.before[number] = *action;
    if (!with) {
        ASYNC_SHOW_(&async_signals_.plain[number],
                    action->sa_handler == SIG_DFL
                    || action->sa_handler == SIG_IGN ? NULL
                                                     : action->sa_handler);
    }
    ASYNC_SHOW_(&async_signals_.info[number],
                with ? action->sa_sigaction : NULL);
}

static void async_signal_handler_(int number, siginfo_t *info, void *context)
{
    int error = errno;
    unsigned forks = async_signals_.forks;
    bool taken = false;
    async_signal *it;

    async_signals_busy_(1);
    for (it = ASYNC_SEEN_(&async_signals_.first); it != NULL;
         it = ASYNC_SEEN_(&it->next)) {
        if (async_signal_names_(it, number)) {
            ASYNC_SHOW_(&it->last, number);
            taken = taken || !it->passes;
            async_irq_raise(&it->irq);
        }
    }
    if (forks == async_signals_.forks) {
        async_signals_busy_(0U - 1U);
    }
    if (!taken) {
        async_signal_before_(number, info, context);
    }
    errno = error;
}

/* ---- who is to be told --------------------------------------------------- */

/* Return from the handler of a fault, and the fault comes again. */
static bool async_signal_is_good_(int number)
{
    return number > 0 && number <= ASYNC_SIGNALS_ && number != SIGKILL
        && number != SIGSTOP && number != SIGSEGV && number != SIGBUS
        && number != SIGFPE && number != SIGILL;
}

static bool async_signal_is_ours_(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) != 0
        && action->sa_sigaction == async_signal_handler_;
}

/* One watcher more names the signal. The old handler is noted first, for ours
 * may be called at once; unless it is ours, which somebody has put back. */
static int async_signal_take_(int number)
{
    const struct sigaction *before = &async_signals_.before[number];
    struct sigaction action;

    if (async_signals_.count[number] == 0) {
        if (ASYNC_SYS_(sigaction)(number, NULL, &action) < 0) {
            return -errno;
        }
        if (!async_signal_is_ours_(&action)) {
            async_signal_note_(number, &action);
        }
        memset(&action, 0, sizeof action);
        action.sa_sigaction = async_signal_handler_;
        action.sa_mask = before->sa_mask;
        action.sa_flags = SA_SIGINFO | SA_RESTART
            | (before->sa_flags & SA_ONSTACK);
        if (ASYNC_SYS_(sigaction)(number, &action, NULL) < 0) {
            return -errno;
        }
    }
    async_signals_.count[number]++;
    return 0;
}

static void async_signal_give_(int number)
{
    struct sigaction now;

    if (--async_signals_.count[number] == 0
        && ASYNC_SYS_(sigaction)(number, NULL, &now) == 0
        && async_signal_is_ours_(&now)) {
        (void)ASYNC_SYS_(sigaction)(number, &async_signals_.before[number],
                                    NULL);
    }
}

static void async_signal_unlink_(async_signal *signal)
{
    async_signal *volatile *at = &async_signals_.first;

    while (*at != signal) {
        at = &(*at)->next;
    }
    ASYNC_SHOW_(at, signal->next);
}

static int async_signal_start_(async_signal *signal, int number, bool passes)
{
    int err;

    if (signal == NULL || !async_signal_is_good_(number)) {
        return ASYNC_EINVAL;
    }
    err = async_irq_open(&signal->irq);
    if (err < 0) {
        return err;
    }
    signal->set[0] = 0;
    signal->set[1] = 0;
    async_signal_name_(signal, number, true);
    signal->last = 0;
    signal->passes = passes;
    async_signals_once_only_();
    async_signals_lock_();
    signal->next = async_signals_.first;
    ASYNC_SHOW_(&async_signals_.first, signal);
    err = async_signal_take_(number);
    if (err < 0) {
        async_signal_unlink_(signal);
    }
    async_signals_unlock_();
    if (err < 0) {
        async_signals_settle_();
        (void)async_irq_close(&signal->irq);
        return err;
    }
#if ASYNC_DEBUG
    signal->irq.loop->fds->signals++;
#endif
    return 0;
}

ASYNC_API int async_signal_open(async_signal *signal, int number)
{
    return async_signal_start_(signal, number, false);
}

ASYNC_API int async_signal_pass_(async_signal *signal, int number)
{
    return async_signal_start_(signal, number, true);
}

ASYNC_API int async_signal_add(async_signal *signal, int number)
{
    int err;

    if (signal == NULL || signal->irq.loop == NULL
        || !async_signal_is_good_(number)) {
        return ASYNC_EINVAL;
    }
    if (async_signal_names_(signal, number)) {
        return ASYNC_EALREADY;
    }
    async_signals_lock_();
    async_signal_name_(signal, number, true);
    err = async_signal_take_(number);
    if (err < 0) {
        async_signal_name_(signal, number, false);
    }
    async_signals_unlock_();
    return err;
}

ASYNC_API async_status async_signal_wait(async_signal *signal)
{
    async_status rc;

    (void)async_self_();
    rc = async_irq_wait(signal == NULL ? NULL : &signal->irq);
    if (rc == ASYNC_PENDING) {
        ASYNC_WAITS_("async_signal_wait", signal);
    }
    return rc;
}

ASYNC_API int async_signal_last(const async_signal *signal)
{
    return signal == NULL ? 0 : ASYNC_SEEN_(&signal->last);
}

ASYNC_API int async_signal_close(async_signal *signal)
{
    int number;

    if (signal == NULL || signal->irq.loop == NULL) {
        return ASYNC_EINVAL;
    }
    async_signals_lock_();
    async_signal_unlink_(signal);
    for (number = 1; number <= ASYNC_SIGNALS_; number++) {
        if (async_signal_names_(signal, number)) {
            async_signal_give_(number);
        }
    }
    async_signals_unlock_();
    async_signals_settle_();
    signal->set[0] = 0;
    signal->set[1] = 0;
#if ASYNC_DEBUG
    signal->irq.loop->fds->signals--;
#endif
    return async_irq_close(&signal->irq);
}

#endif

/* seeds: a race that nobody sees, until the order of things is another one.
 *
 *     make run DEMO=seeds
 *     ASYNC_SEED=3 build/demos/seeds          that order alone
 *     ASYNC_SEEDS=10000 build/demos/seeds     so many orders
 *
 * A teller reads the balance, asks whether the money is good, and writes the
 * sum. Between reading and writing it awaits, so another one may do the same:
 * then what that one wrote is lost. When tasks run first in, first out, the
 * tellers of this bank never meet, however often the test runs. With a seed
 * they run in any order; the first seed that fails is named, and fails again
 * each time. With a lock, none fails.
 *
 * And a week of timeouts in a millisecond. The times are virtual. */
#define ASYNC_SIM 1
#define ASYNC_IMPLEMENTATION
#include "async.h"

#include <stdio.h>

/* ---- the bank ------------------------------------------------------------ */

struct bank {
    int balance;
    async_lock lock;            /* of the bank that is right */
};

struct teller {
    async_frame frame;
    async_task task;
    struct bank *bank;
    int amount, sum;
};

/* Asks somebody, who answers in the next turn. */
static ASYNC is_good(void)
{
    return async_yield();
}

static ASYNC deposit(struct teller *self)
{
    ASYNC_BEGIN(self);
    self->sum = self->bank->balance + self->amount;     /* read, */
    AWAIT(is_good());                                   /* await, */
    self->bank->balance = self->sum;                    /* write */
    ASYNC_END;
}

static ASYNC deposit_locked(struct teller *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH(async_lock_acquire(&self->bank->lock),
               async_lock_release(&self->bank->lock)) {
        self->sum = self->bank->balance + self->amount;
        AWAIT(is_good());
        self->bank->balance = self->sum;
    } ASYNC_WITH_END;
    ASYNC_END;
}

/* ---- its tests ----------------------------------------------------------- */

struct day {
    async_frame frame;
    struct bank bank;
    struct teller anna, ben;
};

/* Ben comes a turn after Anna. First in, first out, she writes in that turn
 * before he reads; she need not. */
static ASYNC two_tellers(struct day *self, ASYNC (*deposits)(struct teller *))
{
    ASYNC_BEGIN(self);
    self->anna.bank = self->ben.bank = &self->bank;
    self->anna.amount = 100;
    self->ben.amount = 10;
    async_spawn(&self->anna.task, deposits, &self->anna);
    AWAIT(async_yield());
    async_spawn(&self->ben.task, deposits, &self->ben);
    AWAIT(async_join(&self->anna.task));
    AWAIT(async_join(&self->ben.task));
    ASYNC_EXPECT(self->bank.balance == 110);
    ASYNC_END;
}

static ASYNC a_day(struct day *self)
{
    return two_tellers(self, deposit);
}

static ASYNC a_day_with_a_lock(struct day *self)
{
    return two_tellers(self, deposit_locked);
}

/* ---- a week -------------------------------------------------------------- */

enum { CLIENTS = 10 };

struct client {
    async_frame frame;
    async_task task;
    async_timeout idle;
    async_event request;        /* which never comes */
    int hour, e;
};

/* An hour without a request is an hour less: after a week it gives up. */
static ASYNC client(struct client *self)
{
    ASYNC_BEGIN(self);
    for (self->hour = 0; self->hour < 7 * 24; self->hour++) {
        AWAIT_RESULT(self->e, ASYNC_TIMEOUT(&self->idle, ASYNC_SEC(3600),
                                            async_event_wait(&self->request)));
        ASYNC_EXPECT(self->e == ASYNC_ETIMEDOUT);
    }
    ASYNC_END;
}

struct week { async_frame frame; struct client client[CLIENTS]; int i; };

static ASYNC a_week(struct week *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < CLIENTS; self->i++) {
        async_spawn(&self->client[self->i].task, client,
                    &self->client[self->i]);
    }
    for (self->i = 0; self->i < CLIENTS; self->i++) {
        AWAIT(async_join(&self->client[self->i].task));
    }
    ASYNC_END;
}

int main(void)
{
    static async_tests tests;
    static struct day day;
    static struct week week;

    puts("first in, first out:");
    ASYNC_TEST(&tests, "two tellers", a_day, &day, ASYNC_SEC(1));
    puts("in a hundred orders:");
    tests.seeds = 100;
    ASYNC_TEST(&tests, "two tellers", a_day, &day, ASYNC_SEC(1));
    ASYNC_TEST(&tests, "two tellers, one lock", a_day_with_a_lock, &day,
               ASYNC_SEC(1));
    puts("the one that failed, again:");
    tests.seeds = 1;
    tests.seed = tests.failed_with;
    ASYNC_TEST(&tests, "two tellers", a_day, &day, ASYNC_SEC(1));
    puts("a week:");
    tests.seed = 0;
    ASYNC_TEST(&tests, "ten clients with nothing to ask", a_week, &week,
               ASYNC_SEC(7 * 24 * 3600));
    return tests.failed != 2;
}

/* fake: a client under test, and a network that is a function of the test's.
 *
 *     make run DEMO=fake
 *
 * The client does not know who carries its requests: it is told, by a pointer
 * to a function. In the program that is a socket; here it is a fake that
 * answers late, with an error, or never. On a virtual clock that takes no
 * time, and happens the same way in each run. */
#define ASYNC_SIM 1
#define ASYNC_IMPLEMENTATION
#include "async.h"

/* ---- the client ---------------------------------------------------------- */

struct transport;
typedef async_status (*ask_fn)(struct transport *transport,
                               const char *request);

/* Whoever carries requests begins with this; `ask` awaits the answer, an
 * int. */
struct transport { ask_fn ask; };

struct client {
    async_frame frame;
    async_timeout limit;
    struct transport *transport;
    int attempt, result;
};

/* What is to be tested: three attempts of 2 s each, and then an error. */
static ASYNC weather(struct client *self, const char *town)
{
    ASYNC_BEGIN(self);
    for (self->attempt = 1; self->attempt <= 3; self->attempt++) {
        AWAIT_RESULT(self->result,
                     ASYNC_TIMEOUT(&self->limit, ASYNC_SEC(2),
                                   self->transport->ask(self->transport,
                                                        town)));
        if (self->result >= 0) {
            ASYNC_RETURN(self->result);
        }
    }
    ASYNC_RAISE(self->result);
    ASYNC_END;
}

/* ---- the fake ------------------------------------------------------------ */

enum { NEVER = -1 };

/* What it does with each request in turn. */
struct answer { int ms, result; };

struct fake {
    struct transport transport;
    async_frame frame;
    async_event never;
    const struct answer *answers;
    int asked, outcome;
};

static ASYNC fake_ask(struct transport *transport, const char *request)
{
    struct fake *self = (struct fake *)transport;

    (void)request;
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        if (self->answers[self->asked].ms == NEVER) {
            AWAIT(async_event_wait(&self->never));
        }
        AWAIT(async_sleep(ASYNC_MS(self->answers[self->asked].ms)));
    } ASYNC_FINALLY(self->outcome) {
        self->asked++;
    } ASYNC_TRY_END;
    ASYNC_RETURN(self->answers[self->asked - 1].result);
    ASYNC_END;
}

/* ---- the tests ----------------------------------------------------------- */

struct asks {
    async_frame frame;
    struct client client;
    struct fake fake;
    int degrees;
};

static void fake_open(struct asks *self, const struct answer *answers)
{
    self->fake.transport.ask = fake_ask;
    self->fake.answers = answers;
    self->client.transport = &self->fake.transport;
}

static ASYNC answers_late(void *argument)
{
    static const struct answer answers[] = { { 1900, 21 } };
    struct asks *self = argument;

    ASYNC_BEGIN(self);
    fake_open(self, answers);
    AWAIT_VALUE(self->degrees, weather(&self->client, "Oslo"));
    ASYNC_EXPECT(self->degrees == 21);
    ASYNC_EXPECT(self->fake.asked == 1);
    ASYNC_END;
}

static ASYNC answers_too_late(void *argument)
{
    static const struct answer answers[] = { { 2100, 21 }, { 10, 22 } };
    struct asks *self = argument;

    ASYNC_BEGIN(self);
    fake_open(self, answers);
    AWAIT_VALUE(self->degrees, weather(&self->client, "Oslo"));
    ASYNC_EXPECT(self->degrees == 22);
    ASYNC_EXPECT(self->fake.asked == 2);
    ASYNC_END;
}

static ASYNC fails_once(void *argument)
{
    static const struct answer answers[] = {
        { 500, ASYNC_ECONNRESET }, { 500, 23 }
    };
    struct asks *self = argument;

    ASYNC_BEGIN(self);
    fake_open(self, answers);
    AWAIT_VALUE(self->degrees, weather(&self->client, "Oslo"));
    ASYNC_EXPECT(self->degrees == 23);
    ASYNC_EXPECT(self->fake.asked == 2);
    ASYNC_END;
}

static ASYNC never_answers(void *argument)
{
    static const struct answer answers[] = {
        { NEVER, 0 }, { NEVER, 0 }, { NEVER, 0 }
    };
    struct asks *self = argument;

    ASYNC_BEGIN(self);
    fake_open(self, answers);
    AWAIT_RESULT(self->degrees, weather(&self->client, "Oslo"));
    ASYNC_EXPECT(self->degrees == ASYNC_ETIMEDOUT);
    ASYNC_EXPECT(self->fake.asked == 3);
    ASYNC_END;
}

int main(void)
{
    static async_tests tests;
    static struct asks late, too_late, once, never;

    ASYNC_TEST(&tests, "late, but in time", answers_late, &late,
               ASYNC_SEC(60));
    ASYNC_TEST(&tests, "too late: asks again", answers_too_late, &too_late,
               ASYNC_SEC(60));
    ASYNC_TEST(&tests, "an error: asks again", fails_once, &once,
               ASYNC_SEC(60));
    ASYNC_TEST(&tests, "never: gives up after three times 2 s", never_answers,
               &never, ASYNC_SEC(60));
    return tests.failed != 0;
}

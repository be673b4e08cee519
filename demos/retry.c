/* retry: an operation that fails now and then is tried again.
 *
 *     make run DEMO=retry
 *
 * AWAIT_RESULT takes every error of an attempt but one: the task's own
 * cancellation leaves, so it is never retried. After the last attempt its error
 * is raised. The pause may stay the same, or double up to a limit; and if many
 * clients lost the same server at once, a bit of chance keeps them from coming
 * back at once. */
#include "demo.h"

struct policy {
    int attempts;
    async_duration pause, longest;      /* the first pause, and the last */
    int factor;                         /* from one pause to the next */
    async_duration jitter;              /* up to so much is added */
};

/* Chance, but the same in each run of this demo. */
static unsigned chance(unsigned below)
{
    static unsigned long state = 2;

    state = (state * 1103515245UL + 12345UL) & 0x7fffffffUL;
    return (unsigned)(state >> 16) % below;
}

struct retry {
    async_frame frame;
    async_duration pause;
    int attempt, result;
};

/* Await operation(frame) until it succeeds, as the policy has it. A finished
 * frame is a fresh one, so each attempt may use the same. */
static ASYNC retry(struct retry *self, const struct policy *policy,
                   async_fn operation, void *frame)
{
    ASYNC_BEGIN(self);
    self->pause = policy->pause;
    for (self->attempt = 1;; self->attempt++) {
        AWAIT_RESULT(self->result, operation(frame));
        if (self->result >= 0 || self->attempt == policy->attempts) {
            break;
        }
        if (policy->jitter > 0) {       /* in tenths, for a neat transcript */
            self->pause += ASYNC_MS(100) * (async_duration)
                chance((unsigned)(policy->jitter / ASYNC_MS(100)) + 1);
        }
        AWAIT(async_sleep(self->pause));
        self->pause *= policy->factor;
        if (self->pause > policy->longest) {
            self->pause = policy->longest;
        }
    }
    ASYNC_RETURN(self->result);         /* an error is raised */
    ASYNC_END;
}

/* What is tried: it fails so many times. */
struct fetch {
    async_frame frame;
    int failures;
};

static ASYNC fetch(void *frame)
{
    struct fetch *self = frame;

    ASYNC_BEGIN(self);
    AWAIT(async_yield());
    if (self->failures > 0) {
        self->failures--;
        say("  attempt fails");
        ASYNC_RAISE(ASYNC_ECONNREFUSED);
    }
    say("  attempt succeeds");
    ASYNC_RETURN(200);
    ASYNC_END;
}

struct client {
    async_frame frame;
    async_task task;
    struct retry retry;
    struct fetch fetch;
    const struct policy *policy;
    int result;
};

static ASYNC client(struct client *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->result, retry(&self->retry, self->policy, fetch,
                                    &self->fetch));
    ASYNC_RETURN(self->result);
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct client client;
    int result;
};

static void prepare(struct program *self, const struct policy *policy,
                    int failures)
{
    memset(&self->client, 0, sizeof self->client);
    self->client.policy = policy;
    self->client.fetch.failures = failures;
}

static void report(const struct program *self)
{
    if (self->result < 0) {
        say("error: %s", async_strerror(self->result));
    } else {
        say("result: %d", self->result);
    }
}

static ASYNC program(struct program *self)
{
    static const struct policy
        fixed = { 3, ASYNC_SEC(1), ASYNC_SEC(1), 1, 0 },
        doubled = { 5, ASYNC_SEC(1), ASYNC_SEC(4), 2, 0 },
        jittered = { 5, ASYNC_SEC(1), ASYNC_SEC(4), 2, ASYNC_MS(500) };

    ASYNC_BEGIN(self);
    prepare(self, &fixed, 2);
    AWAIT_RESULT(self->result, client(&self->client));
    report(self);

    title("The same, but it keeps failing: the last error leaves");
    prepare(self, &fixed, 99);
    AWAIT_RESULT(self->result, client(&self->client));
    report(self);

    title("Five attempts; pauses of 1, 2, 4, 4 s: they double up to a limit");
    prepare(self, &doubled, 4);
    AWAIT_RESULT(self->result, client(&self->client));
    report(self);

    title("And by chance up to half a second more");
    prepare(self, &jittered, 4);
    AWAIT_RESULT(self->result, client(&self->client));
    report(self);

    title("Cancelled in the second pause: that is not retried");
    prepare(self, &doubled, 99);
    async_spawn(&self->client.task, client, &self->client);
    AWAIT(async_sleep(ASYNC_MS(2500)));
    async_cancel(&self->client.task);
    AWAIT_RESULT(self->result, async_join(&self->client.task));
    report(self);
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    title("Three attempts, a pause of 1 s");
    return async_run(program, &frame);
}

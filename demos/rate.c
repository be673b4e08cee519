/* rate: at most so many requests a second: a token bucket.
 *
 *     make run DEMO=rate
 *
 * The bucket holds two tokens at most, and gets a new one every 500 ms; each
 * request takes one. Nothing fills it while nobody looks: what it holds
 * follows from the time that has passed, in whole numbers, and a request that
 * comes too early sleeps exactly until its token is there. The lock makes the
 * others queue up behind it, first come, first served; who is cancelled while
 * it waits has taken nothing. */
#include "demo.h"

struct bucket {
    async_lock lock;
    async_duration period;      /* of a token */
    async_ticks full;           /* when the bucket is full, if left alone */
    int capacity;
};

static void bucket_open(struct bucket *self, async_duration period,
                        int capacity)
{
    memset(self, 0, sizeof *self);
    self->period = period;
    self->capacity = capacity;
    self->full = async_now();
}

/* Each token taken moves the time when the bucket is full by one period. There
 * is one to take if that is no more than the whole bucket away. */
static async_ticks bucket_next(struct bucket *self)
{
    if ((async_duration)(self->full - async_now()) < 0) {
        self->full = async_now();
    }
    return self->full + (async_ticks)(self->period * (1 - self->capacity));
}

struct take { async_frame frame; };

static ASYNC take(struct take *self, struct bucket *bucket)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH(async_lock_acquire(&bucket->lock),
               async_lock_release(&bucket->lock)) {
        while ((async_duration)(bucket_next(bucket) - async_now()) > 0) {
            AWAIT(async_sleep_until(bucket_next(bucket)));
        }
        bucket->full += (async_ticks)bucket->period;
    } ASYNC_WITH_END;
    ASYNC_END;
}

struct request {
    async_frame frame;
    async_task task;
    struct take take;
    struct bucket *bucket;
    int number;
};

static ASYNC request(struct request *self)
{
    ASYNC_BEGIN(self);
    AWAIT(take(&self->take, self->bucket));
    say("  request %d", self->number);
    ASYNC_END;
}

enum { REQUESTS = 10 };

struct program {
    async_frame frame;
    struct bucket bucket;
    struct request requests[REQUESTS];
    async_waiter waiters[REQUESTS];
    async_wait_set set;
    int failed;
};

static void start(struct program *self, int n)
{
    int i;

    for (i = 0; i < n; i++) {
        self->requests[i].bucket = &self->bucket;
        self->requests[i].number = i + 1;
        async_spawn(&self->requests[i].task, request, &self->requests[i]);
        self->waiters[i].task = &self->requests[i].task;
    }
}

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    bucket_open(&self->bucket, ASYNC_MS(500), 2);
    start(self, REQUESTS);
    AWAIT(async_gather(&self->set, self->waiters, REQUESTS));

    AWAIT(async_sleep(ASYNC_SEC(3)));
    title("After a long rest two tokens, not more; 700 ms later there is one");
    start(self, 2);
    AWAIT(async_gather(&self->set, self->waiters, 2));
    AWAIT(async_sleep(ASYNC_MS(700)));
    start(self, 2);
    AWAIT(async_gather(&self->set, self->waiters, 2));

    AWAIT(async_sleep(ASYNC_SEC(3)));
    title("The third is cancelled while it waits: the fourth gets its token");
    start(self, 5);
    AWAIT(async_sleep(ASYNC_MS(200)));
    async_cancel(&self->requests[2].task);
    say("  request 3 is cancelled");
    AWAIT_VALUE(self->failed,
                async_gather_all(&self->set, self->waiters, 5));
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    title("Ten requests at once, two a second");
    return async_run(program, &frame);
}

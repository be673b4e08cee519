/* as_completed: results in the order in which they come.
 *
 *     make run DEMO=as_completed
 *
 * async_next_done gives the index of the next task that has ended. Around it, a
 * generator hands out each job with what there is to know about it. A loop over
 * that may be left early: the generator's finally cancels what still runs, and
 * waits for it. */
#include "demo.h"

enum { JOBS = 3 };

struct job {
    async_frame frame;
    async_task task;
    int seconds;
};

static ASYNC job(struct job *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(self->seconds)));
    ASYNC_RETURN(1000 * self->seconds);
    ASYNC_END;
}

/* What the generator hands out. */
struct item {
    int index, bytes;
    int tenths;             /* from its start to its end */
};

struct stream {
    async_generator frame;
    struct job jobs[JOBS];
    async_waiter waiters[JOBS];
    async_wait_set set;
    async_ticks start;
    int i, outcome, failed;
};

static void start(struct stream *self)
{
    int i;

    self->start = async_now();
    for (i = 0; i < JOBS; i++) {
        self->jobs[i].seconds = 1 + (i + 2) % JOBS;     /* 3, 1, 2 */
        async_spawn(&self->jobs[i].task, job, &self->jobs[i]);
        self->waiters[i].task = &self->jobs[i].task;
    }
}

static ASYNC stream(struct stream *self, struct item *out)
{
    ASYNC_BEGIN(self);
    start(self);
    ASYNC_TRY {
        for (;;) {
            AWAIT_RESULT(self->i, async_next_done(&self->set, self->waiters,
                                                  JOBS));
            if (self->i < 0) {
                break;
            }
            out->index = self->i;
            out->bytes = async_result(&self->jobs[self->i].task);
            out->tenths = (int)((async_duration)(async_now() - self->start)
                                / ASYNC_MS(100));
            ASYNC_YIELD();
        }
    } ASYNC_FINALLY(self->outcome) {
        for (self->i = 0; self->i < JOBS; self->i++) {
            async_cancel(&self->jobs[self->i].task);
        }
        AWAIT_VALUE(self->failed, async_gather_all(&self->set, self->waiters,
                                                   JOBS));
        if (self->failed > 0) {
            say("  cancelled: %d", self->failed);
        }
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct stream stream;
    struct item item;
    int i;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    start(&self->stream);
    for (;;) {
        AWAIT_RESULT(self->i, async_next_done(&self->stream.set,
                                              self->stream.waiters, JOBS));
        if (self->i == ASYNC_ENOENT) {
            break;
        }
        say("job %d has ended", self->i + 1);
    }

    title("As a stream of results");
    ASYNC_FOR(stream, &self->stream, &self->item) {
        say("job %d: %d bytes in %d.%d s", self->item.index + 1,
            self->item.bytes, self->item.tenths / 10, self->item.tenths % 10);
    } ASYNC_FOR_END;

    title("One is enough");
    ASYNC_FOR(stream, &self->stream, &self->item) {
        say("job %d: %d bytes", self->item.index + 1, self->item.bytes);
        break;
    } ASYNC_FOR_END;
    say("the loop is left");
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    title("By hand: the second, the third, the first");
    return async_run(program, &frame);
}

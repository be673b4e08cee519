/* parallel: arithmetic in coroutines, and in threads.
 *
 *     make run DEMO=parallel
 *
 * Coroutines take turns: four sums, each in a coroutine, take the time of four.
 * In threads they run at once, on as many processors as there are. The times
 * are on standard error, as they depend on the machine. */
#include "demo.h"

enum { SUMS = 4 };

struct sum {
    async_frame frame;
    async_task task;
    async_offload_job job;
    unsigned long long upto, sum;
    int rc;
};

/* The sum of the squares 1, 4, 9, ..., modulo 2^64: a long computation. */
static int add_squares(void *argument)
{
    struct sum *self = (struct sum *)argument;
    unsigned long long i, sum = 0;

    for (i = 1; i <= self->upto; i++) {
        sum += i * i;
#ifdef __GNUC__
        __asm__ volatile ("" : "+r"(i));    /* no formula, compiler */
#endif
    }
    self->sum = sum;
    return 0;
}

static ASYNC in_turn(struct sum *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_yield());
    add_squares(self);
    ASYNC_END;
}

static ASYNC in_a_thread(struct sum *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_offload(&self->job, add_squares, self));
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct sum sum[SUMS];
    async_waiter waiters[SUMS];
    async_wait_set set;
    unsigned long long began, turns, threads;
    int i;
};

static void report(const struct program *self, const char *how)
{
    int i;

    for (i = 0; i < SUMS; i++) {
        printf("%s: the squares up to %llu make %llu\n", how,
               self->sum[i].upto, self->sum[i].sum);
    }
}

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < SUMS; self->i++) {
        self->sum[self->i].upto = 40000000ULL + (unsigned)self->i * 1000000U;
        self->waiters[self->i].task = &self->sum[self->i].task;
    }
    self->began = async_port_clock();
    for (self->i = 0; self->i < SUMS; self->i++) {
        async_spawn(&self->sum[self->i].task, in_turn, &self->sum[self->i]);
    }
    AWAIT(async_gather(&self->set, self->waiters, SUMS));
    self->turns = async_port_clock() - self->began;
    report(self, "coroutines");

    self->began = async_port_clock();
    for (self->i = 0; self->i < SUMS; self->i++) {
        self->sum[self->i].sum = 0;
        async_spawn(&self->sum[self->i].task, in_a_thread,
                    &self->sum[self->i]);
    }
    AWAIT(async_gather(&self->set, self->waiters, SUMS));
    self->threads = async_port_clock() - self->began;
    report(self, "threads");
    fprintf(stderr, "%llu ms in coroutines, %llu ms in threads\n",
            self->turns / 1000000, self->threads / 1000000);
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    return async_run(program, &frame);
}

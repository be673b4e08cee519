/* Switching between tasks that lie scattered in memory, by hand: the queue is
 * a ring of pointers, so the loop knows early which task comes next and
 * fetches it while others run, where the linked list of switch_limit.c waits
 * for memory at each step. */
#include "bench.h"

struct yielder {
    int (*resume)(struct yielder *self);
    uint16_t point;
};

enum { PENDING = -1, AHEAD = 16 };

static struct yielder **ring;
static size_t mask, first, past;
static long left;
static int stopped;

static int yield_for_ever(struct yielder *self)
{
    switch (self->point) {
    case 0:
        for (;;) {
            if (--left == 0) {
                stopped = 1;
            }
            self->point = 1;
            return PENDING;
    case 1:;
        }
    }
    return 0;
}

static void run(long size, long count)
{
    (void)size;
    left = count;
    stopped = 0;
    while (!stopped) {
        struct yielder *task = ring[first++ & mask];
#ifdef __GNUC__
        __builtin_prefetch(ring[(first + AHEAD) & mask], 1);
#endif
        if (task->resume(task) == PENDING) {
            ring[past++ & mask] = task;
        }
    }
}

static void prepare_in(const uint32_t *order, long size)
{
    /* As async.h does, a task keeps its frame and what the loop needs. */
    struct place { struct yielder task; char rest[40]; } *places;
    size_t room = 64;
    while (room < (size_t)size + 1) {
        room *= 2;
    }
    mask = room - 1;
    ring = bench_memory((long)room, sizeof *ring);
    places = bench_memory(size, sizeof *places);
    for (long i = 0; i < size; i++) {
        struct yielder *task = &places[order ? order[i] : (uint32_t)i].task;
        task->resume = yield_for_ever;
        ring[past++ & mask] = task;
    }
    run(size, size);
}

static void prepare_shuffled(long size, long count)
{
    (void)count;
    prepare_in(bench_shuffled(size), size);
}

const struct bench bench_list[] = {
    {"prefetch-1000000-shuffled", BENCH_WALL, 1000000, 3000000, 0,
     prepare_shuffled, run},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};

// Switching between C++20 coroutines that yield for ever.
#include "../bench.h"
#include "task.hpp"

#include <vector>

namespace {

std::vector<cxx::task> tasks;
long left;

cxx::task yield_for_ever()
{
    for (;;) {
        if (--left == 0) {
            cxx::ready.stopped = true;
        }
        co_await cxx::yield{};
    }
    co_return 0;
}

void run(long, long count)
{
    left = count;
    cxx::ready.run();
}

// Frames are where the heap puts them: one after the other.
void prepare_in(const uint32_t *order, long size)
{
    for (long i = 0; i < size; i++) {
        tasks.push_back(yield_for_ever());
    }
    for (long i = 0; i < size; i++) {
        tasks[order ? order[i] : static_cast<size_t>(i)].spawn();
    }
    run(size, size);
}

void prepare(long size, long)
{
    prepare_in(nullptr, size);
}

void prepare_shuffled(long size, long)
{
    prepare_in(bench_shuffled(size), size);
}

} // namespace

const struct bench bench_list[] = {
    {"switch-2", BENCH_WALL, 2, 20000000, 200000, prepare, run},
    {"switch-100", BENCH_WALL, 100, 20000000, 200000, prepare, run},
    {"switch-10000", BENCH_WALL, 10000, 20000000, 0, prepare, run},
    {"switch-1000000", BENCH_WALL, 1000000, 10000000, 0, prepare, run},
    {"switch-10000-shuffled", BENCH_WALL, 10000, 20000000, 0,
     prepare_shuffled, run},
    {"switch-1000000-shuffled", BENCH_WALL, 1000000, 3000000, 0,
     prepare_shuffled, run},
    {nullptr, BENCH_WALL, 0, 0, 0, nullptr, nullptr}
};

// Spawn and join of C++20 coroutines; the frame of a child is the heap's.
#include "../bench.h"
#include "task.hpp"

namespace {

cxx::task child(int value)
{
    co_return value;
}

cxx::task parent(long left, long *sum)
{
    for (; left > 0; left--) {
        cxx::task it = child(1);
        it.spawn();
        *sum += co_await it;
    }
    co_return 0;
}

void run(long, long count)
{
    long sum = 0;
    cxx::task it = parent(count, &sum);
    it.spawn();
    cxx::ready.run();
    bench_check(sum == count, "every child was joined");
}

} // namespace

const struct bench bench_list[] = {
    {"spawn-join", BENCH_WALL, 1, 10000000, 100000, nullptr, run},
    {nullptr, BENCH_WALL, 0, 0, 0, nullptr, nullptr}
};

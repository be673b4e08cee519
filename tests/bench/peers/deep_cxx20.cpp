// C++20 coroutines that await each other, so many levels deep. A resume goes
// to the innermost one; a call takes a frame from the heap for each level.
#include "../bench.h"
#include "task.hpp"

namespace {

long left;

cxx::task yield_below(long levels)
{
    if (levels > 1) {
        co_return co_await yield_below(levels - 1);
    }
    for (;;) {
        if (--left == 0) {
            cxx::ready.stopped = true;
        }
        co_await cxx::yield{};
    }
}

cxx::task answer_below(long levels)
{
    if (levels == 1) {
        co_return 1;
    }
    co_return co_await answer_below(levels - 1);
}

cxx::task call_for_ever(long levels, long count, long *sum)
{
    for (; count > 0; count--) {
        *sum += co_await answer_below(levels);
    }
    co_return 0;
}

void run(long, long count)
{
    left = count;
    cxx::ready.run();
}

void prepare(long size, long)
{
    static cxx::task task = yield_below(size);
    task.spawn();
    run(size, 1);
}

void run_call(long size, long count)
{
    long sum = 0;
    cxx::task task = call_for_ever(size, count, &sum);
    task.spawn();
    cxx::ready.run();
    bench_check(sum == count, "every call was answered");
}

} // namespace

const struct bench bench_list[] = {
    {"deep-1", BENCH_WALL, 1, 10000000, 100000, prepare, run},
    {"deep-4", BENCH_WALL, 4, 10000000, 100000, prepare, run},
    {"deep-16", BENCH_WALL, 16, 10000000, 100000, prepare, run},
    {"deep-64", BENCH_WALL, 64, 10000000, 100000, prepare, run},
    {"deep-call-1", BENCH_WALL, 1, 10000000, 100000, nullptr, run_call},
    {"deep-call-64", BENCH_WALL, 64, 300000, 100000, nullptr, run_call},
    {nullptr, BENCH_WALL, 0, 0, 0, nullptr, nullptr}
};

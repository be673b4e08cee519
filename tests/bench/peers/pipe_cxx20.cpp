// One byte round a ring of a hundred pipes, a C++20 coroutine for each.
#include "../bench.h"

#ifdef __linux__
#include "loop.hpp"

#include <fcntl.h>
#include <vector>

namespace {

enum { PIPES = 100 };

cxx::descriptor from[PIPES];
int to[PIPES];
std::vector<cxx::task> tasks;
long left;
bool stopped;

cxx::task hop(cxx::descriptor &source, const int &target)
{
    for (;;) {
        char buffer[8];
        ssize_t n;
        while ((n = source.try_read(buffer, sizeof buffer)) < 0) {
            co_await source;
        }
        bench_check(write(target, buffer, static_cast<size_t>(n)) == n,
                    "write");
        if (--left <= 0) {
            stopped = true;
        }
    }
}

void prepare(long, long)
{
    cxx::epoll = epoll_create1(0);
    bench_check(cxx::epoll >= 0, "epoll_create1");
    for (int i = 0; i < PIPES; i++) {
        int ends[2];
        bench_check(pipe2(ends, O_NONBLOCK) == 0, "pipe2");
        from[i].open(ends[0], EPOLLIN);
        to[(i + PIPES - 1) % PIPES] = ends[1];
        tasks.push_back(hop(from[i], to[i]));
        tasks.back().handle.resume();
    }
}

void run(long, long count)
{
    left = count;
    stopped = false;
    bench_check(write(to[PIPES - 1], "x", 1) == 1, "write");
    cxx::run_until(stopped);
}

} // namespace

const struct bench bench_list[] = {
    {"pipe-ring", BENCH_WALL, PIPES, 200000, 0, prepare, run},
    {nullptr, BENCH_WALL, 0, 0, 0, nullptr, nullptr}
};
#else
const struct bench bench_list[] = {
    {nullptr, BENCH_WALL, 0, 0, 0, nullptr, nullptr}
};
#endif

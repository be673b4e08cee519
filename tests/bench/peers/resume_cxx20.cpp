// Resuming a C++20 coroutine. Nothing is scheduled, a loop calls it.
#include "../bench.h"

#include <coroutine>
#include <exception>

namespace {

struct generator {
    struct promise_type {
        generator get_return_object()
        {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        std::suspend_always yield_value(unsigned next) noexcept
        {
            value = next;
            return {};
        }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
        unsigned value = 0;
    };
    std::coroutine_handle<promise_type> handle;
};

unsigned tick, value;

// Ready every other time, so that a resume sees one wait and one that is not.
struct every_other_time {
    bool await_ready() noexcept { return !(tick++ & 1); }
    void await_suspend(std::coroutine_handle<>) noexcept {}
    void await_resume() noexcept {}
};

generator yield_1()
{
    for (;;) {
        co_yield ++value;
    }
}

generator yield_4()
{
    for (;;) {
        co_yield ++value;
        co_yield ++value;
        co_yield ++value;
        co_yield ++value;
    }
}

generator await_1()
{
    for (;;) {
        value++;
        co_await every_other_time{};
    }
}

generator await_4()
{
    for (;;) {
        value++;
        co_await every_other_time{};
        value++;
        co_await every_other_time{};
        value++;
        co_await every_other_time{};
        value++;
        co_await every_other_time{};
    }
}

template <generator (*coroutine)()> void run(long, long count)
{
    generator it = coroutine();
    for (long i = 0; i < count; i++) {
        it.handle.resume();
    }
    it.handle.destroy();
}

} // namespace

const struct bench bench_list[] = {
    {"resume-1", BENCH_WALL, 1, 50000000, 200000, nullptr, run<yield_1>},
    {"resume-4", BENCH_WALL, 1, 50000000, 200000, nullptr, run<yield_4>},
    {"resume-await-1", BENCH_WALL, 1, 50000000, 200000, nullptr, run<await_1>},
    {"resume-await-4", BENCH_WALL, 1, 50000000, 200000, nullptr, run<await_4>},
    {nullptr, BENCH_WALL, 0, 0, 0, nullptr, nullptr}
};

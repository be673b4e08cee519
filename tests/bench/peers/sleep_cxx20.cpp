// Sleeping C++20 coroutines. The language has no timers: the wheel is that of
// the limit, so this is what the coroutines add. The timer lies in the frame,
// and the frame goes when the coroutine ends: nobody joins it.
#include "../bench.h"
#include "../wheel.h"

#include <coroutine>
#include <exception>
#include <time.h>
#include <vector>

namespace {

struct wheel wheel;
long awake;

struct detached {
    struct promise_type {
        detached get_return_object()
        {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };
    std::coroutine_handle<> handle;
};

std::vector<detached> tasks;

struct sleep : timer {
    explicit sleep(uint64_t delay) { deadline = delay; }
    std::coroutine_handle<> handle;

    bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> current) noexcept
    {
        handle = current;
        deadline = wheel.now + wheel_tick(deadline) + 1;
        wheel_add(&wheel, this);
    }
    void await_resume() noexcept {}
};

void fire(struct timer *timer)
{
    static_cast<sleep *>(timer)->handle.resume();
}

detached sleeper(uint32_t microseconds)
{
    co_await sleep{static_cast<uint64_t>(microseconds) * 1000};
    awake++;
}

uint32_t some_time()
{
    return 300000 + static_cast<uint32_t>(bench_random() % 500000);
}

void run_memory(long size, long)
{
    double before = bench_memory_held();
    wheel.now = wheel_tick(bench_now());
    for (long i = 0; i < size; i++) {
        sleeper(some_time()).handle.resume();
    }
    bench_report("memory",
                 (bench_memory_held() - before) / static_cast<double>(size),
                 "B");
}

void prepare(long, long count)
{
    for (long i = 0; i < count; i++) {
        tasks.push_back(sleeper(some_time()));
    }
}

void run(long, long count)
{
    wheel.now = wheel_tick(bench_now());
    for (detached &it : tasks) {
        it.handle.resume();
    }
    while (awake < count) {
        uint64_t next = wheel_next(&wheel);
        uint64_t now = bench_now();
        if (wheel_tick(now) < next) {
            uint64_t pause = (next << WHEEL_TICK_BITS) - now;
            struct timespec time;
            time.tv_sec = static_cast<time_t>(pause / 1000000000u);
            time.tv_nsec = static_cast<long>(pause % 1000000000u);
            nanosleep(&time, nullptr);
            now = bench_now();
        }
        wheel_advance(&wheel, wheel_tick(now), fire);
    }
}

} // namespace

const struct bench bench_list[] = {
    {"sleep-memory", BENCH_OWN, 1000000, 1, 0, nullptr, run_memory},
    {"sleep-1000000", BENCH_CPU, 1000000, 1000000, 200000, prepare, run},
    {nullptr, BENCH_WALL, 0, 0, 0, nullptr, nullptr}
};

// Tasks of C++20 coroutines, as small as the benchmarks allow: a queue of
// those that are ready, awaiting by symmetric transfer, frames from the heap.
#ifndef TASK_HPP
#define TASK_HPP

#include <coroutine>
#include <exception>

namespace cxx {

// What waits in the queue; it lies in the frame of the coroutine that waits.
struct waiter {
    waiter *next;
    std::coroutine_handle<> handle;
};

struct queue {
    waiter *head = nullptr;
    waiter **tail = &head;
    bool stopped = false;

    void push(waiter *it)
    {
        it->next = nullptr;
        *tail = it;
        tail = &it->next;
    }

    void run()
    {
        stopped = false;
        while (head && !stopped) {
            waiter *it = head;
            head = it->next;
            if (!head) {
                tail = &head;
            }
            it->handle.resume();
        }
    }
};

inline queue ready;

// co_await yield{}: once through the queue.
struct yield : waiter {
    bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> current) noexcept
    {
        handle = current;
        ready.push(this);
    }
    void await_resume() noexcept {}
};

// A coroutine that starts when it is awaited, or spawned, and whose result is
// an int. Who owns it owns the frame.
class task {
public:
    struct promise_type;
    using handle_type = std::coroutine_handle<promise_type>;

    struct final_awaiter {
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(handle_type ended) noexcept
        {
            promise_type &promise = ended.promise();
            promise.ended = true;
            if (promise.queued && promise.caller) {
                promise.place.handle = promise.caller;
                ready.push(&promise.place);
                return std::noop_coroutine();
            }
            return promise.caller ? promise.caller : std::noop_coroutine();
        }
        void await_resume() noexcept {}
    };

    struct promise_type {
        waiter place;
        std::coroutine_handle<> caller = nullptr;
        int result = 0;
        bool queued = false; // spawned: the caller waits in the queue
        bool ended = false;

        task get_return_object()
        {
            return task{handle_type::from_promise(*this)};
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        final_awaiter final_suspend() noexcept { return {}; }
        void return_value(int value) noexcept { result = value; }
        void unhandled_exception() { std::terminate(); }
    };

    explicit task(handle_type its) : handle(its) {}
    task(task &&other) noexcept : handle(other.handle)
    {
        other.handle = nullptr;
    }
    task &operator=(task &&other) noexcept
    {
        handle_type mine = handle;
        handle = other.handle;
        other.handle = mine;
        return *this;
    }
    ~task()
    {
        if (handle) {
            handle.destroy();
        }
    }

    // Puts it in the queue; who awaits it later joins it.
    void spawn()
    {
        promise_type &promise = handle.promise();
        promise.queued = true;
        promise.place.handle = handle;
        ready.push(&promise.place);
    }

    bool await_ready() noexcept { return handle.promise().ended; }
    std::coroutine_handle<> await_suspend(
        std::coroutine_handle<> current) noexcept
    {
        handle.promise().caller = current;
        if (handle.promise().queued) {
            return std::noop_coroutine();
        }
        return handle;
    }
    int await_resume() noexcept { return handle.promise().result; }

    handle_type handle;
};

} // namespace cxx

#endif

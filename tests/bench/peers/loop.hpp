// Descriptors for C++20 coroutines, as small as the benchmarks allow: edge-
// triggered epoll, as the limit has it, under the queue of task.hpp.
#ifndef LOOP_HPP
#define LOOP_HPP

#include "../bench.h"
#include "task.hpp"

#include <cerrno>
#include <sys/epoll.h>
#include <unistd.h>

namespace cxx {

inline int epoll = -1;

// A descriptor that is registered once. One coroutine reads, one writes, or
// the same does both in turn.
struct descriptor {
    int fd = -1;
    bool empty = false; // nothing to read until an event says so
    bool gone = false;  // its end may be near: read until it says so
    std::coroutine_handle<> waiting = nullptr;

    void open(int its, uint32_t interest)
    {
        epoll_event event = {};
        fd = its;
        event.events = interest | EPOLLET;
        event.data.ptr = this;
        bench_check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0,
                    "epoll_ctl");
    }

    // co_await: until the next event.
    bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> current) noexcept
    {
        waiting = current;
    }
    void await_resume() noexcept {}

    // The bytes read, or -1: there are none now, so wait for an event.
    ssize_t try_read(void *buffer, size_t length)
    {
        if (empty) {
            return -1;
        }
        ssize_t n = ::read(fd, buffer, length);
        bench_check(n >= 0 || errno == EAGAIN, "read");
        empty = n != 0 && n < static_cast<ssize_t>(length) && !gone;
        return n;
    }
};

inline void run_until(const bool &done)
{
    while (!done) {
        epoll_event events[256];
        int count = epoll_wait(epoll, events, 256, -1);
        bench_check(count >= 0 || errno == EINTR, "epoll_wait");
        for (int i = 0; i < count && !done; i++) {
            descriptor *it = static_cast<descriptor *>(events[i].data.ptr);
            if (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
                it->gone = true;
            }
            it->empty = false;
            if (it->waiting) {
                std::coroutine_handle<> handle = it->waiting;
                it->waiting = nullptr;
                handle.resume();
            }
        }
    }
}

} // namespace cxx

#endif

// A TCP echo server, a C++20 coroutine for each connection.
#include "../bench.h"

#ifdef __linux__
#include "../clients.h"
#include "loop.hpp"

#include <sys/socket.h>
#include <vector>

namespace {

cxx::descriptor listener;
std::vector<cxx::descriptor> all;
std::vector<cxx::task> tasks;
long closed;
bool stopped;

cxx::task echo(cxx::descriptor &connection)
{
    for (;;) {
        char buffer[256];
        ssize_t n;
        while ((n = connection.try_read(buffer, sizeof buffer)) < 0) {
            co_await connection;
        }
        if (n == 0) {
            break;
        }
        for (ssize_t done = 0; done < n;) {
            ssize_t m = write(connection.fd, buffer + done,
                              static_cast<size_t>(n - done));
            if (m < 0) {
                bench_check(errno == EAGAIN, "write");
                co_await connection;
            } else {
                done += m;
            }
        }
    }
    close(connection.fd);
    if (++closed == static_cast<long>(all.size())) {
        stopped = true;
    }
    co_return 0;
}

cxx::task serve()
{
    for (cxx::descriptor &connection : all) {
        int fd;
        while ((fd = accept4(listener.fd, nullptr, nullptr, SOCK_NONBLOCK))
               < 0) {
            bench_check(errno == EAGAIN, "accept4");
            co_await listener;
        }
        connection.open(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP);
        tasks.push_back(echo(connection));
        tasks.back().handle.resume();
    }
    co_return 0;
}

void prepare(long size, long count)
{
    int fd = clients_start(size, count);
    all.resize(static_cast<size_t>(size));
    cxx::epoll = epoll_create1(0);
    bench_check(cxx::epoll >= 0, "epoll_create1");
    listener.open(fd, EPOLLIN);
}

void run(long, long)
{
    cxx::task server = serve();
    server.handle.resume();
    cxx::run_until(stopped);
    clients_end();
}

} // namespace

const struct bench bench_list[] = {
    {"echo-1", BENCH_OWN, 1, 6000, 0, prepare, run},
    {"echo-64", BENCH_OWN, 64, 50000, 10000, prepare, run},
    {"echo-1000", BENCH_OWN, 1000, 50000, 0, prepare, run},
    {"echo-10000", BENCH_OWN, 10000, 50000, 0, prepare, run},
    {nullptr, BENCH_WALL, 0, 0, 0, nullptr, nullptr}
};
#else
const struct bench bench_list[] = {
    {nullptr, BENCH_WALL, 0, 0, 0, nullptr, nullptr}
};
#endif

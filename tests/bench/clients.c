/* The clients of the echo benchmark. The processor time of the server is read
 * by its clients, at the moments when the measurement begins and ends, so that
 * the server under test needs to know nothing about it. */
#include "clients.h"
#include "bench.h"

#ifdef __linux__
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct result {
    double cpu;
    double time;
};

static int report_pipe[2];
static pid_t clients;

struct connection {
    int fd;
    int received;
};

static struct connection *all;
static int epoll;

static void send_one(struct connection *it)
{
    static const char message[MESSAGE];
    it->received = 0;
    bench_check(write(it->fd, message, MESSAGE) == MESSAGE, "client write");
}

/* Sends `requests` in all, at most one at a time on each connection. */
static void exchange(long connections, long requests)
{
    long sent = 0, answered = 0;
    for (; sent < requests && sent < connections; sent++) {
        send_one(&all[sent]);
    }
    while (answered < requests) {
        struct epoll_event events[256];
        int ready = epoll_wait(epoll, events, 256, 10000);
        bench_check(ready > 0 || errno == EINTR, "client epoll_wait");
        for (int i = 0; i < ready; i++) {
            struct connection *it = events[i].data.ptr;
            char buffer[2 * MESSAGE];
            ssize_t n = read(it->fd, buffer, sizeof buffer);
            if (n < 0 && errno == EAGAIN) {
                continue;
            }
            bench_check(n > 0, "client read");
            it->received += (int)n;
            bench_check(it->received <= MESSAGE, "no more than was sent");
            if (it->received == MESSAGE) {
                answered++;
                if (sent < requests) {
                    send_one(it);
                    sent++;
                }
            }
        }
    }
}

static double seconds(clockid_t clock)
{
    struct timespec time;
    bench_check(clock_gettime(clock, &time) == 0, "clock_gettime");
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void run_clients(pid_t server, const struct sockaddr_in *address,
                        long connections, long requests)
{
    struct result result;
    clockid_t server_clock;
    bench_check(clock_getcpuclockid(server, &server_clock) == 0,
                "clock_getcpuclockid");
    epoll = epoll_create1(0);
    all = bench_memory(connections, sizeof *all);
    for (long i = 0; i < connections; i++) {
        struct epoll_event event = {0};
        int one = 1;
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        bench_check(fd >= 0, "client socket");
        bench_check(connect(fd, (const struct sockaddr *)address,
                            sizeof *address) == 0, "connect");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        fcntl(fd, F_SETFL, O_NONBLOCK);
        all[i].fd = fd;
        event.events = EPOLLIN | EPOLLET;
        event.data.ptr = &all[i];
        bench_check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0,
                    "client epoll_ctl");
    }
    exchange(connections, connections);
    double cpu = seconds(server_clock), start = seconds(CLOCK_MONOTONIC);
    exchange(connections, requests);
    result.time = (seconds(CLOCK_MONOTONIC) - start) * 1e9 / (double)requests;
    result.cpu = (seconds(server_clock) - cpu) * 1e9 / (double)requests;
    for (long i = 0; i < connections; i++) {
        close(all[i].fd);
    }
    bench_check(write(report_pipe[1], &result, sizeof result)
                == (ssize_t)sizeof result, "report");
}

static int listen_to(struct sockaddr_in *address)
{
    socklen_t length = sizeof *address;
    int one = 1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    bench_check(listener >= 0, "socket");
    bench_check(setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &one,
                           sizeof one) == 0, "SO_REUSEPORT");
    bench_check(bind(listener, (struct sockaddr *)address, length) == 0,
                "bind");
    bench_check(listen(listener, 4096) == 0, "listen");
    bench_check(getsockname(listener, (struct sockaddr *)address, &length)
                == 0, "getsockname");
    return listener;
}

static void start(long connections, long requests, int *listeners, int count,
                  int processor)
{
    struct sockaddr_in address = {0};
    struct rlimit files;
    pid_t server = getpid();

    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);

    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < count; i++) {
        listeners[i] = listen_to(&address);
    }
    bench_check(pipe(report_pipe) == 0, "pipe");
    clients = fork();
    bench_check(clients >= 0, "fork");
    if (clients == 0) {
        alarm(60);
        for (int i = 0; i < count; i++) {
            close(listeners[i]);
        }
        bench_pin(processor);
        run_clients(server, &address, connections, requests);
        _exit(0);
    }
    close(report_pipe[1]);
}

int clients_start(long connections, long requests)
{
    int listener;
    start(connections, requests, &listener, 1, 1);
    return listener;
}

void clients_start_many(long connections, long requests, int *listeners,
                        int count)
{
    start(connections, requests, listeners, count, -1);
}

void clients_end(void)
{
    struct result result;
    int status = 0;
    bench_check(read(report_pipe[0], &result, sizeof result)
                == (ssize_t)sizeof result, "the clients' report");
    waitpid(clients, &status, 0);
    bench_check(status == 0, "the clients");
    bench_report("cpu", result.cpu, "ns");
    bench_report("time", result.time, "ns");
}
#endif

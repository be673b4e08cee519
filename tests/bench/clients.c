/* The clients of the echo and of the HTTP benchmark. The processor time of the
 * server is read by its clients, at the moments when the measurement begins and
 * ends, so that the server under test needs to know nothing about it. */
#include "clients.h"
#include "bench.h"
#include "http.h"

#ifdef __linux__
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
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
static long message = MESSAGE; /* bytes of a request and of its answer */

struct connection {
    int fd;
    long sent;
    long received;
};

static struct connection *all;
static int epoll;

static char buffer[64 * 1024];

/* Sends what the socket takes of what is left of a request. */
static void send_more(struct connection *it)
{
    while (it->sent < message) {
        long left = message - it->sent;
        ssize_t n = write(it->fd, buffer, left < (long)sizeof buffer
                                          ? (size_t)left : sizeof buffer);
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        bench_check(n > 0, "client write");
        it->sent += n;
    }
}

static void send_one(struct connection *it)
{
    it->received = 0;
    it->sent = 0;
    send_more(it);
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
            if (it->sent < message) {
                send_more(it);
            }
            long before = it->received;
            ssize_t n;
            do {
                n = read(it->fd, buffer, sizeof buffer);
                if (n < 0 && errno == EAGAIN) {
                    break;
                }
                bench_check(n > 0, "client read");
                it->received += n;
                bench_check(it->received <= message,
                            "no more than was sent");
            } while (n == (ssize_t)sizeof buffer);
            if (it->received > before && it->received == message) {
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

static void connect_all(const struct sockaddr_in *address, long connections)
{
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
        if (message > (long)sizeof buffer / 4) {
            event.events |= EPOLLOUT;
        }
        event.data.ptr = &all[i];
        bench_check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0,
                    "client epoll_ctl");
    }
}

static void close_all(long connections)
{
    for (long i = 0; i < connections; i++) {
        close(all[i].fd);
    }
}

static void run_clients(pid_t server, const struct sockaddr_in *address,
                        long connections, long requests)
{
    struct result result;
    clockid_t server_clock;
    bench_check(clock_getcpuclockid(server, &server_clock) == 0,
                "clock_getcpuclockid");
    connect_all(address, connections);
    exchange(connections, connections);
    double cpu = seconds(server_clock), start = seconds(CLOCK_MONOTONIC);
    exchange(connections, requests);
    result.time = (seconds(CLOCK_MONOTONIC) - start) * 1e9 / (double)requests;
    result.cpu = (seconds(server_clock) - cpu) * 1e9 / (double)requests;
    close_all(connections);
    bench_check(write(report_pipe[1], &result, sizeof result)
                == (ssize_t)sizeof result, "report");
}

/* All at once: the server does not look before it is told to. */
static void run_storm(pid_t server, const struct sockaddr_in *address,
                      long connections, long requests)
{
    (void)server;
    (void)requests;
    connect_all(address, connections);
    for (long i = 0; i < connections; i++) {
        send_one(&all[i]);
    }
    bench_check(write(report_pipe[1], "x", 1) == 1, "ready");
    for (long i = 0; i < connections; i++) {
        fcntl(all[i].fd, F_SETFL, 0);
        while (all[i].received < message) {
            ssize_t n = read(all[i].fd, buffer, sizeof buffer);
            bench_check(n > 0, "client read");
            all[i].received += n;
        }
    }
    close_all(connections);
}

static void run_idle(pid_t server, const struct sockaddr_in *address,
                     long connections, long requests)
{
    (void)server;
    (void)requests;
    connect_all(address, connections);
    pause();
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

typedef void play(pid_t server, const struct sockaddr_in *address,
                  long connections, long requests);

static void start(play *run, long connections, long requests, int *listeners,
                  int count, int processor)
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
        run(server, &address, connections, requests);
        _exit(0);
    }
    close(report_pipe[1]);
}

int clients_start(long connections, long requests)
{
    int listener;
    start(run_clients, connections, requests, &listener, 1, 1);
    return listener;
}

int clients_start_bulk(long connections, long requests, long bytes)
{
    message = bytes;
    return clients_start(connections, requests);
}

int clients_start_storm(long connections)
{
    int listener;
    char ready;
    start(run_storm, connections, connections, &listener, 1, 1);
    bench_check(read(report_pipe[0], &ready, 1) == 1, "the clients");
    return listener;
}

int clients_start_idle(long connections)
{
    int listener;
    start(run_idle, connections, 0, &listener, 1, 1);
    return listener;
}

void clients_start_many(long connections, long requests, int *listeners,
                        int count)
{
    start(run_clients, connections, requests, listeners, count, -1);
}

void clients_end_storm(void)
{
    int status = 0;
    waitpid(clients, &status, 0);
    bench_check(status == 0, "the clients");
}

void clients_end_idle(void)
{
    kill(clients, SIGTERM);
    waitpid(clients, NULL, 0);
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

/* ---- HTTP: wrk ----------------------------------------------------------- */

/* Its report: "12345 requests in 2.00s, ...", and nothing that went wrong. */
static double run_wrk(int port, long milliseconds, double *took)
{
    char text[256];
    double requests = 0;
    long seconds = (milliseconds + 999) / 1000;
    snprintf(text, sizeof text, "wrk -t1 -c%d -d%lds http://127.0.0.1:%d/",
             HTTP_CONNECTIONS, seconds, port);
    FILE *report = popen(text, "r");
    bench_check(report != NULL, "wrk");
    while (fgets(text, sizeof text, report)) {
        bench_check(strstr(text, "errors") == NULL, "wrk: no errors");
        bench_check(strstr(text, "Non-2xx") == NULL, "wrk: answers");
        double n, time;
        if (sscanf(text, "%lf requests in %lf", &n, &time) == 2) {
            requests = n;
            *took = time * 1e9;
            bench_check(strstr(text, "ms,") == NULL, "wrk: seconds");
        }
    }
    bench_check(pclose(report) == 0 && requests > 0, "wrk");
    return requests;
}

static void ask_for_end(const struct sockaddr_in *address)
{
    static const char request[] = "GET /end HTTP/1.1\r\nHost: x\r\n\r\n";
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bench_check(connect(fd, (const struct sockaddr *)address, sizeof *address)
                == 0, "connect");
    bench_check(write(fd, request, sizeof request - 1)
                == sizeof request - 1, "the last request");
    char answer[256];
    (void)!read(fd, answer, sizeof answer);
    close(fd);
}

int http_start(long milliseconds)
{
    struct sockaddr_in address = {0};
    clockid_t server_clock;
    pid_t server = getpid();

    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = listen_to(&address);
    bench_check(pipe(report_pipe) == 0, "pipe");
    clients = fork();
    bench_check(clients >= 0, "fork");
    if (clients == 0) {
        struct result result;
        alarm(60);
        close(listener);
        bench_pin(1);
        bench_check(clock_getcpuclockid(server, &server_clock) == 0,
                    "clock_getcpuclockid");
        double cpu = seconds(server_clock);
        double n = run_wrk(ntohs(address.sin_port), milliseconds,
                           &result.time);
        result.time /= n;
        result.cpu = (seconds(server_clock) - cpu) * 1e9 / n;
        ask_for_end(&address);
        bench_check(write(report_pipe[1], &result, sizeof result)
                    == (ssize_t)sizeof result, "report");
        _exit(0);
    }
    close(report_pipe[1]);
    return listener;
}

void http_end(void)
{
    clients_end();
}
#endif

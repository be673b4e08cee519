/* An HTTP server that says hello, by hand: edge-triggered epoll. */
#include "bench.h"
#include "http.h"

#ifdef __linux__
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection {
    int fd;
    int length;
    char request[HTTP_ROOM];
};

static int epoll, listener, ended;
static long accepted;
static struct connection all[HTTP_AT_MOST];

static void add(int fd, uint32_t interest, void *data)
{
    struct epoll_event event = {0};
    event.events = interest | EPOLLET;
    event.data.ptr = data;
    bench_check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

static void accept_all(void)
{
    for (;;) {
        struct connection *it = &all[accepted];
        bench_check(accepted < HTTP_AT_MOST, "connections");
        it->fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (it->fd < 0) {
            bench_check(errno == EAGAIN, "accept4");
            return;
        }
        accepted++;
        add(it->fd, EPOLLIN | EPOLLRDHUP, it);
    }
}

/* A short read means that the socket is empty; and it has room for an answer,
 * as its client asks again only after that. */
static void hello(struct connection *it)
{
    ssize_t n = read(it->fd, it->request + it->length,
                     sizeof it->request - (size_t)it->length);
    if (n < 0 && errno == EAGAIN) {
        return;
    }
    if (n <= 0) {
        bench_check(n == 0 || errno == ECONNRESET, "read");
        close(it->fd);
        return;
    }
    it->length += (int)n;
    if (http_is_whole(it->request, it->length)) {
        it->length = 0;
        bench_check(write(it->fd, HTTP_ANSWER, sizeof HTTP_ANSWER - 1)
                    == sizeof HTTP_ANSWER - 1, "write");
        ended = ended || http_is_last(it->request);
    }
}

static void prepare(long size, long count)
{
    (void)size;
    listener = http_start(count);
    epoll = epoll_create1(0);
    bench_check(epoll >= 0, "epoll_create1");
    add(listener, EPOLLIN, NULL);
}

static void run(long size, long count)
{
    (void)size;
    (void)count;
    while (!ended) {
        struct epoll_event events[256];
        int ready = epoll_wait(epoll, events, 256, -1);
        bench_check(ready >= 0 || errno == EINTR, "epoll_wait");
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr) {
                hello(events[i].data.ptr);
            } else {
                accept_all();
            }
        }
    }
    http_end();
}

const struct bench bench_list[] = {
    {"http-hello", BENCH_OWN, 1, 2000, 0, prepare, run},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};
#else
const struct bench bench_list[] = {
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};
#endif

/* Sockets: TCP, UDP and Unix. The tests of hazards carry the letters of the
 * list in fd.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "fdtools.h"

#if ASYNC_HOSTED

#include <netinet/in.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/un.h>

enum { CLIENTS = 20, MESSAGE = 5000, LARGE = 3000000 };

/* One connection: the server's side, or a client's. */
struct peer {
    async_frame frame;
    async_task task;
    int fd, port, n, i, rc;
    size_t done;
    char name;
    char out[MESSAGE], in[MESSAGE];
};

struct main {
    async_frame frame;
    async_task server_task;
    async_timeout scope;
    struct one a, b, c;
    struct sockaddr_storage address;
    socklen_t length;
    int listener, port, fd, peer, i, rc, n;
    int ends[2];
    long t, cpu;
    size_t done;
    char buffer[256];
    char *large;
};

#define RUN(fn, want) \
    do { \
        static struct main m; \
        int before = lowest_fd(); \
        ZERO(m); \
        test_real_time(); \
        CHECK_EQ(async_run(fn, &m), want); \
        CHECK_EQ(lowest_fd(), before); \
    } while (0)

/* ---- echo ---------------------------------------------------------------- */

static ASYNC serve_peer(struct peer *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT_VALUE(self->n, async_read(self->fd, self->in, sizeof self->in));
        if (self->n == 0) {
            break;
        }
        AWAIT(async_write_all(self->fd, self->in, (size_t)self->n,
                              &self->done));
    }
    async_close(self->fd);
    ASYNC_END;
}

struct server { async_frame frame; int listener, i; struct peer peer[CLIENTS];
                struct sockaddr_in from; socklen_t length; };

static ASYNC serve(struct server *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < CLIENTS; self->i++) {
        self->length = sizeof self->from;
        AWAIT_VALUE(self->peer[self->i].fd,
                    async_accept(self->listener,
                                 (struct sockaddr *)&self->from,
                                 &self->length));
        CHECK_EQ(self->from.sin_family, AF_INET);
        CHECK((fcntl(self->peer[self->i].fd, F_GETFL) & O_NONBLOCK) != 0);
        CHECK((fcntl(self->peer[self->i].fd, F_GETFD) & FD_CLOEXEC) != 0);
        async_spawn(&self->peer[self->i].task, serve_peer,
                    &self->peer[self->i]);
    }
    for (self->i = 0; self->i < CLIENTS; self->i++) {
        AWAIT(async_join(&self->peer[self->i].task));
    }
    ASYNC_END;
}

static ASYNC call(struct peer *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_tcp_connect(&self->fd, "127.0.0.1", self->port));
    for (self->i = 0; self->i < 10; self->i++) {
        memset(self->out, 'a' + (self->i + self->name) % 26, MESSAGE);
        AWAIT(async_write_all(self->fd, self->out, MESSAGE, &self->done));
        AWAIT(async_read_exactly(self->fd, self->in, MESSAGE, &self->done));
        CHECK(memcmp(self->out, self->in, MESSAGE) == 0);
    }
    async_close(self->fd);
    ASYNC_END;
}

static ASYNC echo(struct main *self)
{
    static struct server server;
    static struct peer client[CLIENTS];

    ASYNC_BEGIN(self);
    ZERO(server);
    memset(client, 0, sizeof client);
    self->listener = async_tcp_listen("127.0.0.1", 0, CLIENTS);
    CHECK(self->listener >= 0);
    self->port = async_local_port(self->listener);
    CHECK(self->port > 0);
    server.listener = self->listener;
    async_spawn(&self->server_task, serve, &server);
    for (self->i = 0; self->i < CLIENTS; self->i++) {
        client[self->i].port = self->port;
        client[self->i].name = (char)self->i;
        async_spawn(&client[self->i].task, call, &client[self->i]);
    }
    for (self->i = 0; self->i < CLIENTS; self->i++) {
        AWAIT(async_join(&client[self->i].task));
    }
    AWAIT(async_join(&self->server_task));
    async_close(self->listener);
    ASYNC_END;
}

TEST(net_tcp_echo_with_many_clients)
{
    RUN(echo, 0);
}

/* A connected pair of TCP sockets: self->fd and self->peer. */
static ASYNC tcp_pair(struct main *self)
{
    static struct { async_frame frame; } own;

    ASYNC_BEGIN(&own);
    self->listener = async_tcp_listen("127.0.0.1", 0, 5);
    self->port = async_local_port(self->listener);
    AWAIT(async_tcp_connect(&self->fd, "127.0.0.1", self->port));
    AWAIT_VALUE(self->peer, async_accept(self->listener, NULL, NULL));
    async_close(self->listener);
    ASYNC_END;
}

/* ---- wrong use ----------------------------------------------------------- */

static ASYNC bad_use(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->rc, async_accept(-1, NULL, NULL));
    CHECK_EQ(self->rc, ASYNC_EBADF);
    AWAIT_RESULT(self->rc, async_connect(-1, (struct sockaddr *)
                                         &self->address, 16));
    CHECK_EQ(self->rc, ASYNC_EBADF);
    AWAIT_RESULT(self->rc, async_recv(-1, self->buffer, 1, 0));
    CHECK_EQ(self->rc, ASYNC_EBADF);
    AWAIT_RESULT(self->rc, async_send(-1, self->buffer, 1, 0));
    CHECK_EQ(self->rc, ASYNC_EBADF);
    AWAIT_RESULT(self->rc, async_recvmsg(-1, NULL, 0));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_sendmsg(-1, NULL, 0));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_tcp_connect(NULL, "127.0.0.1", 1));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_tcp_connect(&self->fd, "localhost", 1));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    CHECK_EQ(self->fd, -1);

    CHECK_EQ(async_pipe(self->ends), 0);
    AWAIT_RESULT(self->rc, async_recv(self->ends[0], self->buffer, 1, 0));
    CHECK_EQ(self->rc, ASYNC_ENOTSOCK);
    AWAIT_RESULT(self->rc, async_send(self->ends[1], self->buffer, 1, 0));
    CHECK_EQ(self->rc, ASYNC_ENOTSOCK);
    AWAIT_RESULT(self->rc, async_accept(self->ends[0], NULL, NULL));
    CHECK_EQ(self->rc, ASYNC_ENOTSOCK);
    CHECK_EQ(async_local_port(self->ends[0]), ASYNC_ENOTSOCK);
    async_close(self->ends[0]);
    async_close(self->ends[1]);
    CHECK_EQ(pipe(self->ends), 0);
    AWAIT_RESULT(self->rc, async_accept(self->ends[0], NULL, NULL));
    CHECK_EQ(self->rc, ASYNC_ENOTSOCK);
    async_close(self->ends[0]);
    async_close(self->ends[1]);

    self->fd = async_socket(AF_INET, SOCK_STREAM, 0);
    AWAIT_RESULT(self->rc, async_accept(self->fd, NULL, NULL));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_connect(self->fd, NULL, 0));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_read(self->fd, self->buffer, 1));
    CHECK_EQ(self->rc, ASYNC_ENOTCONN);
    AWAIT_RESULT(self->rc, async_send(self->fd, NULL, 1, 0));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    async_close(self->fd);

    CHECK_EQ(async_tcp_listen("nowhere", 1, 1), ASYNC_EINVAL);
    CHECK_EQ(async_tcp_listen("127.0.0.1", 65536, 1), ASYNC_EINVAL);
    CHECK_EQ(async_udp_open("127.0.0.1", -1), ASYNC_EINVAL);
    CHECK_EQ(async_local_port(-1), ASYNC_EBADF);
    CHECK(async_socket(-1, 0, 0) < 0);
    ASYNC_END;
}

TEST(net_wrong_use)
{
    RUN(bad_use, 0);
}

static ASYNC refused(struct main *self)
{
    ASYNC_BEGIN(self);
    self->listener = async_tcp_listen("127.0.0.1", 0, 1);
    self->port = async_local_port(self->listener);
    self->peer = async_tcp_listen("127.0.0.1", self->port, 1);
    CHECK_EQ(self->peer, ASYNC_EADDRINUSE);
    async_close(self->listener);
    AWAIT_RESULT(self->rc, async_tcp_connect(&self->fd, "127.0.0.1",
                                             self->port));
    CHECK_EQ(self->rc, ASYNC_ECONNREFUSED);
    CHECK_EQ(self->fd, -1);
    ASYNC_END;
}

TEST(net_connect_refused)
{
    RUN(refused, 0);
}

/* The queue of the listener is full, so a connection is not answered. */
static ASYNC unanswered(struct main *self)
{
    ASYNC_BEGIN(self);
    self->listener = async_tcp_listen("127.0.0.1", 0, 0);
    self->port = async_local_port(self->listener);
    AWAIT(async_tcp_connect(&self->ends[0], "127.0.0.1", self->port));
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(
        &self->scope, MS(50), async_tcp_connect(&self->ends[1], "127.0.0.1",
                                                self->port)));
    if (self->rc != ASYNC_ETIMEDOUT) {
        test_skip("this system answers though its queue is full");
        async_close(self->ends[1]);
    } else {
        CHECK_EQ(self->ends[1], -1);
    }
    async_close(self->ends[0]);
    async_close(self->listener);
    ASYNC_END;
}

TEST(net_connect_times_out)
{
    RUN(unanswered, 0);
}

struct accepts { async_frame frame; async_task task; int fd, rc; };
static ASYNC accepts_one(struct accepts *self)
{
    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->rc, async_accept(self->fd, NULL, NULL));
    ASYNC_RETURN(0);
    ASYNC_END;
}

static ASYNC listener_closed(struct main *self)
{
    static struct accepts one, two;

    ASYNC_BEGIN(self);
    ZERO(one);
    ZERO(two);
    self->listener = async_tcp_listen(NULL, 0, 5);
    self->port = async_local_port(self->listener);
    one.fd = two.fd = self->listener;
    async_spawn(&one.task, accepts_one, &one);
    async_spawn(&two.task, accepts_one, &two);
    AWAIT(async_yield());
    AWAIT(async_tcp_connect(&self->fd, "127.0.0.1", self->port));
    AWAIT(async_join(&one.task));
    CHECK(one.rc >= 0);
    AWAIT(async_yield());
    CHECK(!async_done(&two.task));
    async_close(self->listener);
    AWAIT(async_join(&two.task));
    CHECK_EQ(two.rc, ASYNC_EBADF);
    async_close(one.rc);
    async_close(self->fd);
    ASYNC_END;
}

TEST(net_hazard_a_listener_closed)
{
    RUN(listener_closed, 0);
}

/* Sockets made and closed by other code, under one number again and again: the
 * connection is not waited for on the predecessor. */
static ASYNC raw_sockets(struct main *self)
{
    ASYNC_BEGIN(self);
    self->listener = async_tcp_listen("127.0.0.1", 0, 5);
    self->t = real_ms();
    for (self->i = 0; self->i < 20; self->i++) {
        {
            async_address to;

            async_address_set(&to, "127.0.0.1",
                              async_local_port(self->listener));
            self->address = to.storage;
            self->length = to.length;
        }
        self->fd = self->i % 2 == 0 ? socket(AF_INET, SOCK_STREAM, 0)
                                    : async_socket(AF_INET, SOCK_STREAM, 0);
        AWAIT(async_connect(self->fd, (struct sockaddr *)&self->address,
                            self->length));
        AWAIT_VALUE(self->peer, async_accept(self->listener, NULL, NULL));
        one_start(&self->a, "", 'r', self->peer, 9);
        AWAIT(async_yield());
        put(self->fd, "x");
        AWAIT(async_join(&self->a.task));
        close(self->peer);
        close(self->fd);
    }
    CHECK(real_ms() - self->t < 900);
    async_close(self->listener);
    test_log_clear();
    ASYNC_END;
}

TEST(net_hazard_a_sockets_closed_by_others)
{
    RUN(raw_sockets, 0);
}

/* ---- e ------------------------------------------------------------------- */

static ASYNC ends_with_data(struct main *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 50; self->i++) {
        AWAIT(tcp_pair(self));
        one_start(&self->a, "read", 'r', self->peer, 64);
        self->a.times = 2;
        for (self->n = 0; self->n < self->i % 3; self->n++) {
            AWAIT(async_yield());
        }
        put(self->fd, "bye");
        close(self->fd);
        AWAIT(async_join(&self->a.task));
        CHECK_LOG("read:3 read:0 ");
        async_close(self->peer);
    }
    ASYNC_END;
}

TEST(net_hazard_e_end_comes_with_the_data)
{
    RUN(ends_with_data, 0);
}

/* A read stops short before the urgent byte, and nothing is missing. */
static ASYNC urgent(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT(tcp_pair(self));
    one_start(&self->a, "all", 'x', self->peer, 6);
    AWAIT(async_sleep(MS(1)));
    put(self->fd, "abc");
    CHECK_EQ(send(self->fd, "!", 1, MSG_OOB), 1);
    put(self->fd, "def");
    AWAIT(ASYNC_TIMEOUT(&self->scope, MS(900), async_join(&self->a.task)));
    CHECK_LOG("all:6 ");
    CHECK(memcmp(self->a.buffer, "abcdef", 6) == 0);
    CHECK_EQ(send(self->fd, "!", 1, MSG_OOB), 1);
    AWAIT_VALUE(self->n, async_recv(self->peer, self->buffer, 1, MSG_OOB));
    CHECK_EQ(self->n, 1);
    CHECK_EQ(self->buffer[0], '!');
    async_close(self->fd);
    async_close(self->peer);
    ASYNC_END;
}

TEST(net_hazard_e_urgent_data)
{
    RUN(urgent, 0);
}

static ASYNC peeks(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT(tcp_pair(self));
    AWAIT(async_send(self->fd, "abc", 3, 0));
    AWAIT_VALUE(self->n, async_recv(self->peer, self->buffer, 64, MSG_PEEK));
    CHECK_EQ(self->n, 3);
    AWAIT_VALUE(self->n, async_recv(self->peer, self->buffer, 64, MSG_PEEK));
    CHECK_EQ(self->n, 3);
    AWAIT_VALUE(self->n, async_recv(self->peer, self->buffer, 64, 0));
    CHECK_EQ(self->n, 3);
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(5), async_recv(
        self->peer, self->buffer, 64, MSG_PEEK)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    AWAIT(async_send(self->fd, "de", 2, 0));
    AWAIT_VALUE(self->n, async_recv(self->peer, self->buffer, 64, MSG_PEEK));
    CHECK_EQ(self->n, 2);
    /* Half closed: one direction goes on. */
    shutdown(self->fd, SHUT_WR);
    AWAIT_VALUE(self->n, async_read(self->peer, self->buffer, 64));
    CHECK_EQ(self->n, 2);
    AWAIT_VALUE(self->n, async_read(self->peer, self->buffer, 64));
    CHECK_EQ(self->n, 0);
    AWAIT_VALUE(self->n, async_write(self->peer, "still", 5));
    CHECK_EQ(self->n, 5);
    AWAIT_VALUE(self->n, async_read(self->fd, self->buffer, 64));
    CHECK_EQ(self->n, 5);
    async_close(self->fd);
    async_close(self->peer);
    ASYNC_END;
}

TEST(net_peek_and_half_close)
{
    RUN(peeks, 0);
}

/* ---- resets -------------------------------------------------------------- */

static ASYNC reset(struct main *self)
{
    static struct linger at_once = {1, 0};

    ASYNC_BEGIN(self);
    AWAIT(tcp_pair(self));
    one_start(&self->a, "read", 'r', self->peer, 64);
    one_start(&self->b, "room", '!', self->peer, 64);
    AWAIT(async_sleep(MS(1)));
    setsockopt(self->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(self->fd);
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, ASYNC_ECONNRESET);
    AWAIT(async_join(&self->b.task));
    AWAIT_RESULT(self->rc, async_write(self->peer, "x", 1));
    CHECK_EQ(self->rc, ASYNC_EPIPE);
    async_close(self->peer);
    test_log_clear();
    ASYNC_END;
}

TEST(net_reset_by_peer)
{
    RUN(reset, 0);
}

/* ---- f: no descriptors left ---------------------------------------------- */

struct stubborn { async_frame frame; async_task task; int fd, rc; long tries;
                  int peer[2], n; };

/* Ignores every error, as a careless server does. */
static ASYNC accept_loop(struct stubborn *self)
{
    ASYNC_BEGIN(self);
    while (self->n < 2) {
        AWAIT_RESULT(self->rc, async_accept(self->fd, NULL, NULL));
        self->tries++;
        if (self->rc >= 0) {
            self->peer[self->n++] = self->rc;
        } else {
            if (self->rc == ASYNC_EBADF) {
                ASYNC_RAISE(self->rc);
            }
            CHECK_EQ(self->rc, ASYNC_EMFILE);
        }
    }
    ASYNC_END;
}

static ASYNC exhausted(struct main *self)
{
    static struct stubborn server;
    static struct rlimit few, before;

    ASYNC_BEGIN(self);
    ZERO(server);
    self->listener = async_tcp_listen("127.0.0.1", 0, 5);
    self->port = async_local_port(self->listener);
    server.fd = self->listener;
    async_spawn(&server.task, accept_loop, &server);
    AWAIT(async_sleep(MS(1)));
    AWAIT(async_tcp_connect(&self->ends[0], "127.0.0.1", self->port));
    AWAIT(async_sleep(MS(1)));
    CHECK_EQ(server.n, 1);
    self->ends[1] = async_socket(AF_INET, SOCK_STREAM, 0);
    getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    few.rlim_cur = (rlim_t)lowest_fd();
    setrlimit(RLIMIT_NOFILE, &few);
    {
        async_address to;

        async_address_set(&to, "127.0.0.1", self->port);
        self->address = to.storage;
        self->length = to.length;
    }
    AWAIT(async_connect(self->ends[1], (struct sockaddr *)&self->address,
                        self->length));
    self->cpu = cpu_ms();
    AWAIT(async_sleep(MS(100)));
    CHECK(cpu_ms() - self->cpu < 60);
    CHECK_EQ(server.n, 1);
    CHECK(server.tries <= 20);         
    CHECK(server.tries >= 3);
    setrlimit(RLIMIT_NOFILE, &before);
    AWAIT(ASYNC_TIMEOUT(&self->scope, MS(500), async_join(&server.task)));
    for (self->i = 0; self->i < 2; self->i++) {
        async_close(self->ends[self->i]);
        async_close(server.peer[self->i]);
    }
    async_close(self->listener);
    ASYNC_END;
}

TEST(net_hazard_f_accept_without_descriptors)
{
    RUN(exhausted, 0);
}

/* Two of them rest, and one whose listener is closed meanwhile is told. */
static ASYNC both_rest(struct main *self)
{
    static struct stubborn server[2];
    static struct rlimit few, before;

    ASYNC_BEGIN(self);
    ZERO(server);
    self->listener = async_tcp_listen("127.0.0.1", 0, 5);
    self->port = async_local_port(self->listener);
    for (self->i = 0; self->i < 2; self->i++) {
        server[self->i].fd = self->listener;
        async_spawn(&server[self->i].task, accept_loop, &server[self->i]);
    }
    AWAIT(async_sleep(MS(1)));
    self->ends[1] = async_socket(AF_INET, SOCK_STREAM, 0);
    getrlimit(RLIMIT_NOFILE, &before);
    few = before;
    few.rlim_cur = (rlim_t)lowest_fd();
    setrlimit(RLIMIT_NOFILE, &few);
    {
        async_address to;

        async_address_set(&to, "127.0.0.1", self->port);
        self->address = to.storage;
        self->length = to.length;
    }
    AWAIT(async_connect(self->ends[1], (struct sockaddr *)&self->address,
                        self->length));
    AWAIT(async_sleep(MS(100)));
    CHECK(server[0].tries + server[1].tries <= 40);
    CHECK(server[0].tries + server[1].tries >= 6);
    async_close(self->listener);
    for (self->i = 0; self->i < 2; self->i++) {
        AWAIT_RESULT(self->rc, async_join(&server[self->i].task));
        CHECK_EQ(self->rc, ASYNC_EBADF);
    }
    setrlimit(RLIMIT_NOFILE, &before);
    async_close(self->ends[1]);
    ASYNC_END;
}

TEST(net_hazard_f_all_rest_without_descriptors)
{
    RUN(both_rest, 0);
}

/* ---- g: both directions at full load ------------------------------------- */

static ASYNC both_ways(struct main *self)
{
    ASYNC_BEGIN(self);
    self->large = (char *)malloc(4 * LARGE);
    for (self->i = 0; self->i < 2 * LARGE; self->i++) {
        self->large[self->i] = (char)(self->i * 7 + self->i / 251);
    }
    AWAIT(tcp_pair(self));
    {
        static struct one it[4];
        int i;

        for (i = 0; i < 4; i++) {
            one_start(&it[i], "", i < 2 ? 'a' : 'x',
                      i % 2 == 0 ? self->fd : self->peer, LARGE);
            it[i].at = self->large + i * LARGE;
        }
        self->a.task.frame = it;
    }
    for (self->i = 0; self->i < 4; self->i++) {
        AWAIT_VALUE(self->rc, async_join(
            &((struct one *)self->a.task.frame)[self->i].task));
        CHECK_EQ(self->rc, LARGE);
    }
    /* What the one wrote (0), the peer read (3); and the reverse. */
    CHECK(memcmp(self->large, self->large + 3 * LARGE, LARGE) == 0);
    CHECK(memcmp(self->large + LARGE, self->large + 2 * LARGE, LARGE) == 0);
    async_close(self->fd);
    async_close(self->peer);
    free(self->large);
    test_log_clear();
    ASYNC_END;
}

TEST(net_hazard_g_both_directions_at_once)
{
    RUN(both_ways, 0);
}

/* ---- k: many connections at once ----------------------------------------- */

enum { STORM = 200 };

struct storm {
    async_frame frame;
    async_task task;
    int listener, accepted;
    int fds[STORM];
};

static ASYNC accept_storm(struct storm *self)
{
    ASYNC_BEGIN(self);
    while (self->accepted < STORM) {
        AWAIT_VALUE(self->fds[self->accepted],
                    async_accept(self->listener, NULL, NULL));
        self->accepted++;
    }
    ASYNC_END;
}

/* They wait in the listener's queue before anybody accepts. Then one task
 * takes them, and another one runs after so many of them at most. */
static ASYNC storm(struct main *self)
{
    static struct storm it;
    static int fds[STORM];

    ASYNC_BEGIN(self);
    ZERO(it);
    it.listener = async_tcp_listen("127.0.0.1", 0, STORM);
    CHECK(it.listener >= 0);
    self->port = async_local_port(it.listener);
    for (self->i = 0; self->i < STORM; self->i++) {
        AWAIT(async_tcp_connect(&fds[self->i], "127.0.0.1", self->port));
    }
    async_spawn(&it.task, accept_storm, &it);
    for (self->n = 0; it.accepted < STORM; self->n++) {
        self->i = it.accepted;
        AWAIT(async_yield());
        CHECK(it.accepted - self->i <= 130);
    }
    CHECK(self->n <= 100);              /* nor does it crawl */
    AWAIT(async_join(&it.task));
    for (self->i = 0; self->i < STORM; self->i++) {
        async_close(it.fds[self->i]);
        async_close(fds[self->i]);
    }
    async_close(it.listener);
    ASYNC_END;
}

TEST(net_hazard_k_a_storm_of_connections)
{
    RUN(storm, 0);
}

/* ---- h: blocking sockets ------------------------------------------------- */

static ASYNC blocking_sockets(struct main *self)
{
    static struct accepts one;

    ASYNC_BEGIN(self);
    ZERO(one);
    self->listener = socket(AF_INET, SOCK_STREAM, 0);
    {
        async_address any;

        CHECK_EQ(async_address_set(&any, "127.0.0.1", 0), 0);
        CHECK_EQ(bind(self->listener, (struct sockaddr *)&any.storage,
                      any.length), 0);
        CHECK_EQ(listen(self->listener, 5), 0);
        self->port = async_local_port(self->listener);
        CHECK_EQ(async_address_set(&any, "127.0.0.1", self->port), 0);
        self->address = any.storage;
        self->length = any.length;
    }
    one.fd = self->listener;
    async_spawn(&one.task, accepts_one, &one);
    AWAIT(async_sleep(MS(1)));
    self->fd = socket(AF_INET, SOCK_STREAM, 0);
    AWAIT(async_connect(self->fd, (struct sockaddr *)&self->address,
                        self->length));
    AWAIT_RESULT(self->rc, async_connect(
        self->fd, (struct sockaddr *)&self->address, self->length));
    CHECK_EQ(self->rc, -EISCONN);
    for (self->i = 0; self->i < 200; self->i++) {   /* also where it gave way */
        AWAIT_RESULT(self->rc, async_connect(
            self->fd, (struct sockaddr *)&self->address, self->length));
        CHECK_EQ(self->rc, -EISCONN);
    }
    CHECK_EQ(fcntl(self->fd, F_GETFL) & O_NONBLOCK, 0);
    CHECK_EQ(fcntl(self->listener, F_GETFL) & O_NONBLOCK, 0);
    AWAIT(async_join(&one.task));
    AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, MS(2), async_read(
        self->fd, self->buffer, 9)));
    CHECK_EQ(self->rc, ASYNC_ETIMEDOUT);
    async_close(self->fd);
    async_close(self->listener);
    async_close(one.rc);
    ASYNC_END;
}

TEST(net_hazard_h_blocking_sockets)
{
    RUN(blocking_sockets, 0);
}

/* ---- UDP and Unix -------------------------------------------------------- */

static ASYNC datagrams(struct main *self)
{
    ASYNC_BEGIN(self);
    self->fd = async_udp_open("127.0.0.1", 0);
    self->peer = async_udp_open("127.0.0.1", 0);
    {
        async_address to;

        CHECK_EQ(async_address_set(&to, "127.0.0.1",
                                   async_local_port(self->peer)), 0);
        self->address = to.storage;
    }
    one_start(&self->a, "gram", 'r', self->peer, 64);
    self->a.times = 4;
    AWAIT(async_sleep(MS(1)));
    for (self->i = 0; self->i < 4; self->i++) {     /* 3 2 1 0 bytes */
        AWAIT_VALUE(self->n, async_sendto(
            self->fd, "abc", (size_t)(3 - self->i), 0,
            (struct sockaddr *)&self->address, sizeof (struct sockaddr_in)));
        CHECK_EQ(self->n, 3 - self->i);
    }
    AWAIT(async_join(&self->a.task));
    CHECK_LOG("gram:3 gram:2 gram:1 gram:0 ");

    AWAIT(async_sendto(self->fd, "xy", 2, 0,
                       (struct sockaddr *)&self->address,
                       sizeof (struct sockaddr_in)));
    self->length = sizeof self->address;
    AWAIT_VALUE(self->n, async_recvfrom(
        self->peer, self->buffer, 64, 0, (struct sockaddr *)&self->address,
        &self->length));
    CHECK_EQ(self->n, 2);
    CHECK_EQ(ntohs(((struct sockaddr_in *)(void *)&self->address)->sin_port),
             async_local_port(self->fd));
    AWAIT_RESULT(self->rc, async_recvfrom(
        self->peer, self->buffer, 64, 0, (struct sockaddr *)&self->address,
        NULL));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    /* Nobody is there: the error comes to the reader. */
    AWAIT(async_connect(self->peer, (struct sockaddr *)&self->address,
                        self->length));
    async_close(self->fd);
    one_start(&self->a, "gram", 'r', self->peer, 64);
    AWAIT(async_sleep(MS(1)));
    AWAIT(async_send(self->peer, "x", 1, 0));
    AWAIT_RESULT(self->rc, async_join(&self->a.task));
    CHECK_EQ(self->rc, ASYNC_ECONNREFUSED);
    async_close(self->peer);
    test_log_clear();
    ASYNC_END;
}

TEST(net_udp)
{
    RUN(datagrams, 0);
}

/* A descriptor goes through a Unix socket; a full queue is an error. */
static ASYNC unix_sockets(struct main *self)
{
    static struct sockaddr_un name;
    static struct msghdr message;
    static struct iovec piece;
    static union { char space[CMSG_SPACE(sizeof (int))]; struct cmsghdr align;
                 } control;
    static struct accepts one;

    ASYNC_BEGIN(self);
    ZERO(one);
    ZERO(name);
    name.sun_family = AF_UNIX;
    snprintf(name.sun_path, sizeof name.sun_path, "/tmp/async-test-%ld",
             (long)getpid());
    unlink(name.sun_path);
    self->listener = async_socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_EQ(bind(self->listener, (struct sockaddr *)&name, sizeof name), 0);
    CHECK_EQ(listen(self->listener, 0), 0);
    one.fd = self->listener;
    async_spawn(&one.task, accepts_one, &one);
    AWAIT(async_yield());
    self->fd = async_socket(AF_UNIX, SOCK_STREAM, 0);
    AWAIT(async_connect(self->fd, (struct sockaddr *)&name, sizeof name));
    AWAIT(async_join(&one.task));
    self->peer = one.rc;

    memset(&message, 0, sizeof message);
    memset(&control, 0, sizeof control);
    piece.iov_base = self->buffer;
    piece.iov_len = 4;
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.space;
    message.msg_controllen = sizeof control.space;
    {
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);

        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof (int));
        memcpy(CMSG_DATA(head), &self->listener, sizeof (int));
    }
    AWAIT_VALUE(self->n, async_sendmsg(self->fd, &message, 0));
    CHECK_EQ(self->n, 4);
    AWAIT_VALUE(self->n, async_recvmsg(self->peer, &message, 0));
    CHECK_EQ(self->n, 4);
    memcpy(&self->ends[0], CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof (int));
    CHECK(self->ends[0] > 2);
    async_close(self->ends[0]);

    self->rc = 0;
    for (self->i = 0; self->i < 5 && self->rc >= 0; self->i++) {
        async_close(self->fd);
        self->fd = async_socket(AF_UNIX, SOCK_STREAM, 0);
        AWAIT_RESULT(self->rc, async_connect(self->fd,
                                             (struct sockaddr *)&name,
                                             sizeof name));
    }
#ifdef __linux__
    (void)self->i;
#endif
    CHECK(self->rc == 0 || self->rc == ASYNC_EAGAIN
          || self->rc == ASYNC_ECONNREFUSED);
    async_close(self->fd);
    async_close(self->peer);
    async_close(self->listener);
    unlink(name.sun_path);
    ASYNC_END;
}

TEST(net_unix_sockets)
{
    RUN(unix_sockets, 0);
}

/* A path that a process left behind is taken over, a living one is not. */
static ASYNC unix_paths(struct main *self)
{
    static char path[64], link_path[80];
    static char long_path[200];
    static struct accepts one;

    ASYNC_BEGIN(self);
    ZERO(one);
    snprintf(path, sizeof path, "/tmp/async-test-%ld", (long)getpid());
    memset(long_path, 'x', sizeof long_path - 1);
    unlink(path);
    CHECK_EQ(async_unix_listen(NULL, 1), ASYNC_EINVAL);
    CHECK_EQ(async_unix_listen("", 1), ASYNC_EINVAL);
    CHECK_EQ(async_unix_listen(long_path, 1), ASYNC_EINVAL);
    CHECK_EQ(async_unix_listen("/no/such/place", 1), ASYNC_ENOENT);
    AWAIT_RESULT(self->rc, async_unix_connect(NULL, path));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_unix_connect(&self->fd, long_path));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    CHECK_EQ(self->fd, -1);
    AWAIT_RESULT(self->rc, async_unix_connect(&self->fd, path));
    CHECK_EQ(self->rc, ASYNC_ENOENT);
    CHECK_EQ(self->fd, -1);

    self->listener = async_unix_listen(path, 5);
    CHECK(self->listener >= 0);
    CHECK_EQ(async_unix_listen(path, 5), ASYNC_EADDRINUSE);
    close(self->listener);                      /* as if it had crashed */
    async_detach(self->listener);
    AWAIT_RESULT(self->rc, async_unix_connect(&self->fd, path));
    CHECK_EQ(self->rc, ASYNC_ECONNREFUSED);
    self->listener = async_unix_listen(path, 5);
    CHECK(self->listener >= 0);

    one.fd = self->listener;
    async_spawn(&one.task, accepts_one, &one);
    AWAIT(async_unix_connect(&self->fd, path));
    AWAIT(async_join(&one.task));
    self->peer = one.rc;
    AWAIT(async_write(self->fd, "to", 2));
    AWAIT_VALUE(self->n, async_read(self->peer, self->buffer, 9));
    CHECK_EQ(self->n, 2);
    async_close(self->fd);
    async_close(self->peer);
    async_close(self->listener);
    unlink(path);
    self->fd = open(path, O_CREAT | O_WRONLY, 0600);    /* no socket */
    CHECK_EQ(async_unix_listen(path, 5), ASYNC_EADDRINUSE);
    CHECK_EQ(access(path, F_OK), 0);
    close(self->fd);
    unlink(path);

    self->listener = async_unix_listen(path, 5);        /* a link to a dead one */
    CHECK(self->listener >= 0);
    async_close(self->listener);
    snprintf(link_path, sizeof link_path, "%s.link", path);
    CHECK_EQ(symlink(path, link_path), 0);
    CHECK_EQ(async_unix_listen(link_path, 5), ASYNC_EADDRINUSE);
    {
        struct stat status;

        CHECK_EQ(lstat(link_path, &status), 0);
        CHECK(S_ISLNK(status.st_mode));
    }
    unlink(link_path);
    unlink(path);
    ASYNC_END;
}

TEST(net_unix_paths)
{
    RUN(unix_paths, 0);
}

/* Somebody is bound to the path, and does not listen (yet), or never will: that
 * is not a dead one. */
TEST(net_unix_path_of_one_who_is_bound)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
    struct sockaddr_un address;
    char path[64];
    unsigned i;
    int fd, other;

    for (i = 0; i < 3; i++) {
        ZERO(address);
        address.sun_family = AF_UNIX;
        snprintf(path, sizeof path, "/tmp/async-test-%ld", (long)getpid());
        memcpy(address.sun_path, path, strlen(path));
        unlink(path);
        fd = socket(AF_UNIX, types[i], 0);
        CHECK_EQ(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
        CHECK_EQ(async_unix_listen(path, 5), ASYNC_EADDRINUSE);
        CHECK_EQ(access(path, F_OK), 0);
        CHECK_EQ(close(fd), 0);
        other = async_unix_listen(path, 5);     /* and now it is */
        CHECK(other >= 0);
        CHECK_EQ(async_close(other), 0);
        unlink(path);
    }
}

/* Many find a dead file at once: one of them gets the path, and it leads to that
 * one. */
enum { RIVALS = 4, ROUNDS = 200 };

struct rivals {
    pthread_barrier_t begin;
    char path[64];
    int fd[RIVALS];
};

struct rival {
    struct rivals *all;
    pthread_t thread;
    int i;
};

static void *rivals_listen(void *argument)
{
    struct rival *self = (struct rival *)argument;

    (void)pthread_barrier_wait(&self->all->begin);
    self->all->fd[self->i] = async_unix_listen(self->all->path, 5);
    return NULL;
}

TEST(net_unix_path_of_many_rivals)
{
    static struct rivals all;
    struct rival rivals[RIVALS];
    struct sockaddr_un address;
    int round, i, fd, winners;

    ZERO(address);
    address.sun_family = AF_UNIX;
    snprintf(all.path, sizeof all.path, "/tmp/async-test-%ld", (long)getpid());
    memcpy(address.sun_path, all.path, strlen(all.path));
    unlink(all.path);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_EQ(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    CHECK_EQ(close(fd), 0);
    for (round = 0; round < ROUNDS; round++) {
        CHECK_EQ(pthread_barrier_init(&all.begin, NULL, RIVALS), 0);
        for (i = 0; i < RIVALS; i++) {
            rivals[i].all = &all;
            rivals[i].i = i;
            CHECK_EQ(pthread_create(&rivals[i].thread, NULL, rivals_listen,
                                    &rivals[i]), 0);
        }
        winners = 0;
        for (i = 0; i < RIVALS; i++) {
            CHECK_EQ(pthread_join(rivals[i].thread, NULL), 0);
            winners += all.fd[i] >= 0;
            CHECK(all.fd[i] >= 0 || all.fd[i] == ASYNC_EADDRINUSE);
        }
        CHECK_EQ(winners, 1);
        fd = socket(AF_UNIX, SOCK_STREAM, 0);
        CHECK_EQ(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
        CHECK_EQ(close(fd), 0);
        for (i = 0; i < RIVALS; i++) {
            if (all.fd[i] >= 0) {
                CHECK_EQ(close(all.fd[i]), 0);      /* dead again */
            }
        }
        CHECK_EQ(pthread_barrier_destroy(&all.begin), 0);
    }
    unlink(all.path);
}

static ASYNC pair_of_sockets(struct main *self)
{
    ASYNC_BEGIN(self);
    CHECK_EQ(async_socketpair(NULL), ASYNC_EINVAL);
    CHECK_EQ(async_socketpair(self->ends), 0);
    CHECK((fcntl(self->ends[1], F_GETFL) & O_NONBLOCK) != 0);
    CHECK((fcntl(self->ends[0], F_GETFD) & FD_CLOEXEC) != 0);
    one_start(&self->a, "read", 'r', self->ends[0], 9);
    AWAIT(async_sleep(MS(1)));
    AWAIT(async_write(self->ends[1], "abc", 3));
    AWAIT(async_join(&self->a.task));
    CHECK_LOG("read:3 ");
    AWAIT(async_write(self->ends[0], "de", 2));
    async_close(self->ends[0]);
    AWAIT_VALUE(self->n, async_read(self->ends[1], self->buffer, 9));
    CHECK_EQ(self->n, 2);
    AWAIT_VALUE(self->n, async_read(self->ends[1], self->buffer, 9));
    CHECK_EQ(self->n, 0);
    async_close(self->ends[1]);
    ASYNC_END;
}

TEST(net_socketpair)
{
    RUN(pair_of_sockets, 0);
}

TEST(net_addresses)
{
    static async_address address;
    int fd;

    CHECK_EQ(async_address_set(&address, "127.0.0.1", 80), 0);
    CHECK_EQ(address.storage.ss_family, AF_INET);
    CHECK_EQ(async_address_set(&address, "::1", 80), 0);
    CHECK_EQ(address.storage.ss_family, AF_INET6);
    CHECK_EQ(async_address_set(&address, NULL, 0), 0);
    CHECK_EQ(async_address_set(&address, "example.org", 80), ASYNC_EINVAL);
    CHECK_EQ(async_address_set(&address, "", 80), ASYNC_EINVAL);
    CHECK_EQ(async_address_set(NULL, "::1", 80), ASYNC_EINVAL);
    CHECK_EQ(async_address_set(&address, "::1", 65536), ASYNC_EINVAL);
    fd = async_tcp_listen("::1", 0, 1);     /* there may be no IPv6 here */
    if (fd >= 0) {
        CHECK(async_local_port(fd) > 0);
        CHECK_EQ(async_close(fd), 0);
    }
}

#endif

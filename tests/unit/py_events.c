/* py_events: the cases of CPython's test_base_events.py and test_events.py on
 * executors, addresses and connections by name: see tests/py.md. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "fdtools.h"

#if ASYNC_HOSTED && ASYNC_OFFLOAD

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>

struct child {
    async_frame frame;
    async_task task;
    async_offload_job job;
    async_offload_fn fn;
    void *argument;
    int rc;
};

struct main {
    async_frame frame;
    async_offload_job job;
    async_resolver resolver;
    async_address addresses[4];
    async_attempts attempts;
    async_dialer dialer;
    struct child child;
    pthread_t thread;
    int i, n, rc, fd, port, closed, listener;
};

#define RUN(fn) \
    do { \
        static struct main m; \
        int before = lowest_fd(); \
        ZERO(m); \
        test_real_time(); \
        CHECK_EQ(async_run(fn, &m), 0); \
        CHECK_EQ(lowest_fd(), before); \
    } while (0)

/* ---- executors ----------------------------------------------------------- */

static int who(void *argument)
{
    struct main *m = (struct main *)argument;

    return pthread_equal(m->thread, pthread_self()) ? 1 : 7;
}

static ASYNC run_in_executor(struct main *self)
{
    ASYNC_BEGIN(self);
    self->thread = pthread_self();
    AWAIT_VALUE(self->rc, async_offload(&self->job, who, self));
    CHECK_EQ(self->rc, 7);
    ASYNC_END;
}

TEST(py_events_run_in_executor)
{
    RUN(run_in_executor);
}

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int began, go, ended;

static int until_told(void *argument)
{
    (void)argument;
    pthread_mutex_lock(&held);
    began = 1;
    pthread_cond_broadcast(&changed);
    while (!go) {
        pthread_cond_wait(&changed, &held);
    }
    ended = 1;
    pthread_mutex_unlock(&held);
    return 0;
}

static ASYNC child(struct child *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_offload(&self->job, self->fn, self->argument));
    ASYNC_END;
}

/* The main task ends: what runs in a thread is awaited, and then nothing of
 * the loop is called any more. */
static ASYNC run_in_executor_cancel(struct main *self)
{
    ASYNC_BEGIN(self);
    self->child.fn = until_told;
    async_spawn(&self->child.task, child, &self->child);
    AWAIT(async_yield());
    pthread_mutex_lock(&held);
    while (!began) {
        pthread_cond_wait(&changed, &held);
    }
    pthread_mutex_unlock(&held);
    async_cancel(&self->child.task);
    AWAIT(async_yield());
    CHECK(!async_done(&self->child.task));
    pthread_mutex_lock(&held);
    go = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&held);
    ASYNC_END;
}

TEST(py_events_run_in_executor_cancel)
{
    began = go = ended = 0;
    RUN(run_in_executor_cancel);
    CHECK_EQ(ended, 1);
}

/* ---- addresses ----------------------------------------------------------- */

/* Is the first address this one? The type of socket and the family are those of
 * the resolver. */
static bool is(const struct main *m, int family, const char *host, int port)
{
    char text[INET6_ADDRSTRLEN];
    struct sockaddr_in6 in6;
    struct sockaddr_in in;

    memcpy(&in, &m->addresses[0].storage, sizeof in);
    memcpy(&in6, &m->addresses[0].storage, sizeof in6);
    if (family == AF_INET) {
        inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
    } else {
        inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof text);
    }
    return in.sin_family == family && strcmp(text, host) == 0
        && ntohs(in.sin_port) == port;
}

#define GIVES(want, host, service) \
    AWAIT_RESULT(self->rc, async_resolve(&self->resolver, host, service, \
                                         self->addresses, 4)); \
    CHECK_EQ(self->rc, want)

static ASYNC ipaddr_info(struct main *self)
{
    static const int types[] = { 0, SOCK_STREAM, SOCK_DGRAM };

    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 3; self->i++) {
        self->resolver.socktype = types[self->i];
        self->resolver.family = AF_INET;
        GIVES(1, "1.2.3.4", "1");
        CHECK(is(self, AF_INET, "1.2.3.4", 1));
        self->resolver.family = AF_UNSPEC;
        GIVES(1, "1.2.3.4", "1");
        CHECK(is(self, AF_INET, "1.2.3.4", 1));
        GIVES(1, "::3", "1");
        CHECK(is(self, AF_INET6, "::3", 1));
        self->resolver.family = AF_INET6;
        GIVES(1, "::3", "1");
        CHECK(is(self, AF_INET6, "::3", 1));
        self->resolver.flags = AI_NUMERICHOST;
        AWAIT_RESULT(self->rc, async_resolve(&self->resolver, "1.2.3.4", "1",
                                             self->addresses, 4));
        CHECK(self->rc < 0);                /* of the other family */
        self->resolver.family = AF_INET;
        AWAIT_RESULT(self->rc, async_resolve(&self->resolver, "::3", "1",
                                             self->addresses, 4));
        CHECK(self->rc < 0);
        AWAIT_RESULT(self->rc, async_resolve(&self->resolver, "1.2.3.4.5",
                                             "1", self->addresses, 4));
        CHECK_EQ(self->rc, ASYNC_ENOHOST);
        self->resolver.flags = 0;
    }
    ASYNC_END;
}

TEST(py_events_ipaddr_info)
{
    RUN(ipaddr_info);
}

static ASYNC port_parameter_types(struct main *self)
{
    ASYNC_BEGIN(self);
    GIVES(1, "1.2.3.4", NULL);
    CHECK(is(self, AF_INET, "1.2.3.4", 0));
    GIVES(1, "1.2.3.4", "");
    CHECK(is(self, AF_INET, "1.2.3.4", 0));
    GIVES(1, "1.2.3.4", "1");
    CHECK(is(self, AF_INET, "1.2.3.4", 1));
    GIVES(1, "1.2.3.4", "0001");
    CHECK(is(self, AF_INET, "1.2.3.4", 1));
    ASYNC_END;
}

TEST(py_events_port_parameter_types)
{
    RUN(port_parameter_types);
}

static ASYNC getaddrinfo_servname(struct main *self)
{
    ASYNC_BEGIN(self);
    if (getservbyname("http", "tcp") != NULL) {
        GIVES(1, "1.2.3.4", "http");
        CHECK(is(self, AF_INET, "1.2.3.4", 80));
    }
    GIVES(ASYNC_ENOSERVICE, "1.2.3.4", "nonsense");
    ASYNC_END;
}

TEST(py_events_getaddrinfo_servname)
{
    RUN(getaddrinfo_servname);
}

/* ---- connections --------------------------------------------------------- */

static void listen_and_refuse(struct main *self)
{
    int fd = async_tcp_listen("127.0.0.1", 0, 1);

    self->closed = async_local_port(fd);
    async_close(fd);
    self->listener = async_tcp_listen("127.0.0.1", 0, 10);
    self->port = async_local_port(self->listener);
}

static void to(struct main *self, int i, int port)
{
    CHECK_EQ(async_address_set(&self->addresses[i], "127.0.0.1", port), 0);
}

#define CONNECTS(x) \
    AWAIT_VALUE(self->fd, x); \
    CHECK(async_local_port(self->fd) > 0); \
    async_close(self->fd)

static ASYNC connects(struct main *self)
{
    ASYNC_BEGIN(self);
    listen_and_refuse(self);
    CONNECTS(async_dial(&self->dialer, "127.0.0.1", self->port));
    CONNECTS(async_dial(&self->dialer, "localhost", self->port));
    async_close(self->listener);
    ASYNC_END;
}

TEST(py_events_create_connection)
{
    RUN(connects);
}

static ASYNC no_host_port(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT_RESULT(self->rc, async_dial(&self->dialer, NULL, 80));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    AWAIT_RESULT(self->rc, async_dial(&self->dialer, "localhost", 0));
    CHECK_EQ(self->rc, ASYNC_EINVAL);
    ASYNC_END;
}

TEST(py_events_create_connection_no_host_port)
{
    RUN(no_host_port);
}

static ASYNC no_getaddrinfo(struct main *self)
{
    ASYNC_BEGIN(self);
    self->dialer.resolver.flags = AI_NUMERICHOST;
    AWAIT_RESULT(self->rc, async_dial(&self->dialer, "no number", 80));
    CHECK_EQ(self->rc, ASYNC_ENOHOST);
    ASYNC_END;
}

TEST(py_events_create_connection_no_getaddrinfo)
{
    RUN(no_getaddrinfo);
}

static ASYNC connect_err(struct main *self)
{
    ASYNC_BEGIN(self);
    listen_and_refuse(self);
    AWAIT_RESULT(self->rc, async_dial(&self->dialer, "127.0.0.1",
                                      self->closed));
    CHECK_EQ(self->rc, ASYNC_ECONNREFUSED);
    async_close(self->listener);
    ASYNC_END;
}

TEST(py_events_create_connection_connect_err)
{
    RUN(connect_err);
}

static ASYNC multiple(struct main *self)
{
    ASYNC_BEGIN(self);
    listen_and_refuse(self);
    to(self, 0, self->closed);
    to(self, 1, self->port);
    CONNECTS(async_connect_any(&self->attempts, self->addresses, 2));
    async_close(self->listener);
    ASYNC_END;
}

TEST(py_events_create_connection_multiple)
{
    RUN(multiple);
}

/* A kind of address that there is not, and a port that refuses. */
static ASYNC multiple_errors(struct main *self)
{
    ASYNC_BEGIN(self);
    listen_and_refuse(self);
    self->addresses[0].storage.ss_family = 200;
    self->addresses[0].length = 16;
    to(self, 1, self->closed);
    AWAIT_RESULT(self->rc, async_connect_any(&self->attempts, self->addresses,
                                             2));
    CHECK_EQ(self->rc, ASYNC_ECONNREFUSED);
    self->addresses[1] = self->addresses[0];
    to(self, 0, self->closed);
    AWAIT_RESULT(self->rc, async_connect_any(&self->attempts, self->addresses,
                                             2));
    CHECK_EQ(self->rc, -EAFNOSUPPORT);
    async_close(self->listener);
    ASYNC_END;
}

TEST(py_events_create_connection_multiple_errors)
{
    RUN(multiple_errors);
}

/* One address only: there is nothing to wait for between attempts. */
static ASYNC ipv4_only(struct main *self)
{
    ASYNC_BEGIN(self);
    listen_and_refuse(self);
    self->dialer.resolver.family = AF_INET;
    self->dialer.attempts.delay = ASYNC_NEVER;
    CONNECTS(async_dial(&self->dialer, "localhost", self->port));
    CHECK_EQ(self->dialer.n, 1);
    async_close(self->listener);
    ASYNC_END;
}

TEST(py_events_create_connection_happy_eyeballs_ipv4_only)
{
    RUN(ipv4_only);
}

#endif

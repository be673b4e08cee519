/* resolve: names, numbers, and connections to the first that answers. Nothing
 * here asks a name server: what is asked for by name is this machine. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "fdtools.h"

#if ASYNC_HOSTED && ASYNC_OFFLOAD

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>

enum { SOME = 4 };

struct asker {
    async_frame frame;
    async_task task;
    async_resolver resolver;
    async_address addresses[SOME];
    const char *host, *service;
    int rc;
};

struct caller {
    async_frame frame;
    async_task task;
    async_attempts attempts;
    async_dialer dialer;
    const async_address *addresses;
    const char *host;
    int n, port, rc;
};

struct main {
    async_frame frame;
    async_resolver resolver;
    async_address addresses[12];
    async_dialer dialer;
    async_attempts attempts;
    async_timeout scope;
    struct asker asker;
    struct caller caller;
    async_offload_job jobs[ASYNC_OFFLOAD_THREADS];
    async_ticks began;
    int listener, listeners[3], taken[8], port, fd, peer, i, j, n, rc;
    char text[64];
};

/* How many descriptors are open: the lowest free one does not tell, where
 * several are opened at once. */
static int open_fds(void)
{
    int fd, n = 0;

    for (fd = 0; fd < 256; fd++) {
        n += fcntl(fd, F_GETFD) != -1;
    }
    return n;
}

#define RUN(fn, want) \
    do { \
        static struct main m; \
        int before = open_fds(); \
        ZERO(m); \
        test_real_time(); \
        CHECK_EQ(async_run(fn, &m), want); \
        CHECK_EQ(open_fds(), before); \
    } while (0)

#define GIVES(error, x) \
    AWAIT_RESULT(self->rc, x); \
    CHECK_EQ(self->rc, error)

/* "127.0.0.1 80" */
static const char *written(const async_address *address)
{
    static char text[100];
    char host[INET6_ADDRSTRLEN];
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    memcpy(&in, &address->storage, sizeof in);
    memcpy(&in6, &address->storage, sizeof in6);
    if (in.sin_family == AF_INET) {
        inet_ntop(AF_INET, &in.sin_addr, host, sizeof host);
    } else {
        inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof host);
    }
    snprintf(text, sizeof text, "%s %d", host, ntohs(in.sin_port));
    return text;
}

/* ---- numbers and names --------------------------------------------------- */

/* A number is looked up where it stands: there is no thread, and no wait. */
static ASYNC numbers(struct main *self)
{
    ASYNC_BEGIN(self);
    GIVES(1, async_resolve(&self->resolver, "127.0.0.1", "80",
                           self->addresses, 12));
    CHECK_STR(written(self->addresses), "127.0.0.1 80");
    GIVES(1, async_resolve(&self->resolver, "::1", "65535",
                           self->addresses, 1));
    CHECK_STR(written(self->addresses), "::1 65535");
    GIVES(1, async_resolve(&self->resolver, "10.1.2.3", NULL,
                           self->addresses, 1));
    CHECK_STR(written(self->addresses), "10.1.2.3 0");
    GIVES(1, ASYNC_TIMEOUT(&self->scope, 0,
                           async_resolve(&self->resolver, "10.1.2.3", "1",
                                         self->addresses, 1)));
    CHECK(async_this_loop_->irqs == NULL);
    ASYNC_END;
}

TEST(resolve_numbers_at_once)
{
    RUN(numbers, 0);
}

static ASYNC names(struct main *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->n, async_resolve(&self->resolver, "localhost", "80",
                                       self->addresses, 12));
    CHECK(self->n >= 1);
    for (self->i = 0; self->i < self->n; self->i++) {
        const char *one = written(&self->addresses[self->i]);

        CHECK(strcmp(one, "127.0.0.1 80") == 0 || strcmp(one, "::1 80") == 0);
    }
    AWAIT_VALUE(self->n, async_resolve(&self->resolver, "localhost", NULL,
                                       self->addresses, 1));
    CHECK_EQ(self->n, 1);
    self->resolver.family = AF_INET;
    self->resolver.socktype = SOCK_DGRAM;
    AWAIT_VALUE(self->n, async_resolve(&self->resolver, "localhost", "53",
                                       self->addresses, 12));
    CHECK_STR(written(self->addresses), "127.0.0.1 53");
    AWAIT_VALUE(self->n, async_resolve(&self->resolver, NULL, "80",
                                       self->addresses, 12));
    CHECK_STR(written(self->addresses), "127.0.0.1 80");
    AWAIT_VALUE(self->n, async_resolve(&self->resolver, NULL, NULL,
                                       self->addresses, 12));
    CHECK_STR(written(self->addresses), "127.0.0.1 0");
    self->resolver.flags = AI_PASSIVE;
    AWAIT_VALUE(self->n, async_resolve(&self->resolver, NULL, "80",
                                       self->addresses, 12));
    CHECK_STR(written(self->addresses), "0.0.0.0 80");
    ASYNC_END;
}

TEST(resolve_names)
{
    RUN(names, 0);
}

static ASYNC errors(struct main *self)
{
    ASYNC_BEGIN(self);
    GIVES(ASYNC_EINVAL, async_resolve(NULL, "127.0.0.1", "80",
                                      self->addresses, 12));
    GIVES(ASYNC_EINVAL, async_resolve(&self->resolver, "127.0.0.1", "80",
                                      NULL, 12));
    GIVES(ASYNC_EINVAL, async_resolve(&self->resolver, "127.0.0.1", "80",
                                      self->addresses, 0));
    GIVES(ASYNC_EINVAL, async_resolve(&self->resolver, "127.0.0.1", "80",
                                      self->addresses, -1));
    for (self->i = 0; self->i < 6; self->i++) {
        static const char *const none[6] = {"65536", "70000", "4294967376",
                                            "-1", "+80", " 80"};

        GIVES(ASYNC_ENOSERVICE, async_resolve(&self->resolver, "127.0.0.1",
                                              none[self->i],
                                              self->addresses, 12));
        GIVES(ASYNC_ENOSERVICE, async_resolve(&self->resolver, "localhost",
                                              none[self->i],
                                              self->addresses, 12));
        GIVES(ASYNC_ENOSERVICE, async_resolve(&self->resolver, NULL,
                                              none[self->i],
                                              self->addresses, 12));
    }
    self->resolver.flags = 0x7fffffff;
    GIVES(ASYNC_EINVAL, async_resolve(&self->resolver, "127.0.0.1", "80",
                                      self->addresses, 12));
    self->resolver.flags = 0;
    GIVES(ASYNC_ENOSERVICE, async_resolve(&self->resolver, "127.0.0.1",
                                          "no-such-service",
                                          self->addresses, 12));
    self->resolver.flags = AI_NUMERICHOST;      /* so that nobody is asked */
    GIVES(ASYNC_ENOHOST, async_resolve(&self->resolver, "no such host", "80",
                                       self->addresses, 12));
    self->resolver.flags = 0;
    self->resolver.family = AF_INET6;
    AWAIT_RESULT(self->rc, async_resolve(&self->resolver, "127.0.0.1", "80",
                                         self->addresses, 12));
    CHECK(self->rc < 0);
    self->resolver.family = 12345;
    AWAIT_RESULT(self->rc, async_resolve(&self->resolver, "127.0.0.1", "80",
                                         self->addresses, 12));
    CHECK_EQ(self->rc, -EAFNOSUPPORT);
    CHECK_STR(async_strerror(ASYNC_ENOHOST), "no such host");
    CHECK_STR(async_strerror(ASYNC_ENOSERVICE), "no such service");
    CHECK_STR(async_strerror(ASYNC_EHOSTAGAIN),
              "no answer from a name server");
    CHECK_STR(async_strerror(ASYNC_EHOSTFAIL), "the lookup of a name failed");
    ASYNC_END;
}

TEST(resolve_errors)
{
    RUN(errors, 0);
}

/* ---- strikes ------------------------------------------------------------- */

static ASYNC ask(struct asker *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->rc, async_resolve(&self->resolver, self->host,
                                        self->service, self->addresses, SOME));
    ASYNC_RETURN(self->rc);
    ASYNC_END;
}

static void start_asker(struct asker *self, const char *host)
{
    memset(self, 0, sizeof *self);
    self->host = host;
    self->service = "80";
    CHECK_EQ(async_spawn(&self->task, ask, self), 0);
}

static ASYNC busy_then_struck(struct main *self)
{
    ASYNC_BEGIN(self);
    start_asker(&self->asker, "localhost");
    AWAIT(async_yield());
    if (!async_done(&self->asker.task)) {
        GIVES(ASYNC_EBUSY, async_resolve(&self->asker.resolver, "localhost",
                                         NULL, self->addresses, 1));
    }
    AWAIT_VALUE(self->n, async_join(&self->asker.task));
    CHECK(self->n >= 1);
    /* Struck after so many turns: the memory that the asker has is overwritten
     * at once, the lookup's is its own. */
    for (self->i = 0; self->i < 200; self->i++) {
        start_asker(&self->asker, "localhost");
        for (self->j = 0; self->j < self->i % 20; self->j++) {
            AWAIT(async_yield());
        }
        async_cancel(&self->asker.task);
        AWAIT_RESULT(self->rc, async_join(&self->asker.task));
        CHECK(self->rc >= 1 || self->rc == ASYNC_ECANCELED);
        CHECK(self->asker.resolver.lookup == NULL);
        memset(&self->asker, 0xff, sizeof self->asker);
    }
    ASYNC_RETURN(5);
    ASYNC_END;
}

TEST(resolve_struck_at_any_time)
{
    RUN(busy_then_struck, 5);
}

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static int wait_for_the_lock(void *argument)
{
    (void)argument;
    pthread_mutex_lock(&held);
    pthread_mutex_unlock(&held);
    return 0;
}

struct holder { async_frame frame; async_task task; async_offload_job job; };

static ASYNC hold(struct holder *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_offload(&self->job, wait_for_the_lock, NULL));
    ASYNC_END;
}

/* Every thread is busy: a timeout ends the lookup in the queue at once. */
static ASYNC timed_out(struct main *self)
{
    static struct holder holders[ASYNC_OFFLOAD_THREADS];

    ASYNC_BEGIN(self);
    memset(holders, 0, sizeof holders);
    pthread_mutex_lock(&held);
    for (self->i = 0; self->i < ASYNC_OFFLOAD_THREADS; self->i++) {
        async_spawn(&holders[self->i].task, hold, &holders[self->i]);
    }
    AWAIT(async_yield());
    GIVES(ASYNC_ETIMEDOUT,
          ASYNC_TIMEOUT(&self->scope, MS(5),
                        async_resolve(&self->resolver, "localhost", "80",
                                      self->addresses, 12)));
    CHECK(self->resolver.lookup == NULL);
    pthread_mutex_unlock(&held);
    for (self->i = 0; self->i < ASYNC_OFFLOAD_THREADS; self->i++) {
        AWAIT(async_join(&holders[self->i].task));
    }
    AWAIT(async_resolve(&self->resolver, "localhost", "80", self->addresses,
                        12));
    ASYNC_END;
}

TEST(resolve_times_out)
{
    RUN(timed_out, 0);
}

/* ---- connections --------------------------------------------------------- */

/* Each address is a letter: small ones IPv4, large ones IPv6. */
static const char *interleaved(const char *letters)
{
    static char order[16];
    async_address all[16];
    int i, n = (int)strlen(letters);

    memset(all, 0, sizeof all);
    for (i = 0; i < n; i++) {
        all[i].storage.ss_family = letters[i] >= 'a' ? AF_INET : AF_INET6;
        all[i].length = (socklen_t)letters[i];
    }
    async_interleave_(all, n);
    for (i = 0; i < n; i++) {
        order[i] = (char)all[i].length;
    }
    order[n] = '\0';
    return order;
}

TEST(dial_takes_the_families_in_turn)
{
    CHECK_STR(interleaved("a"), "a");
    CHECK_STR(interleaved("ab"), "ab");
    CHECK_STR(interleaved("Aa"), "Aa");
    CHECK_STR(interleaved("ABab"), "AaBb");
    CHECK_STR(interleaved("ABCDa"), "AaBCD");
    CHECK_STR(interleaved("abcAdB"), "aAbBcd");
    CHECK_STR(interleaved("aAbB"), "aAbB");
    CHECK_STR(interleaved("ABCab"), "AaBbC");
    CHECK_STR(interleaved("abcdefgH"), "aHbcdefg");
}

static void set(async_address *address, const char *host, int port)
{
    CHECK_EQ(async_address_set(address, host, port), 0);
}

/* A port that nobody listens on. */
static int free_port(void)
{
    int fd = async_tcp_listen("127.0.0.1", 0, 1);
    int port = async_local_port(fd);

    async_close(fd);
    return port;
}

static ASYNC dials(struct main *self)
{
    ASYNC_BEGIN(self);
    self->listener = async_tcp_listen("127.0.0.1", 0, 5);
    self->port = async_local_port(self->listener);
    AWAIT_VALUE(self->fd, async_dial(&self->dialer, "127.0.0.1", self->port));
    CHECK((fcntl(self->fd, F_GETFD) & FD_CLOEXEC) != 0);
    AWAIT_VALUE(self->peer, async_accept(self->listener, NULL, NULL));
    AWAIT(async_write(self->fd, "hi", 2));
    AWAIT_VALUE(self->n, async_read(self->peer, self->text, 64));
    CHECK_EQ(self->n, 2);
    async_close(self->fd);
    async_close(self->peer);
    AWAIT_VALUE(self->fd, async_dial(&self->dialer, "localhost", self->port));
    async_close(self->fd);
    async_close(self->listener);
    self->port = free_port();
    GIVES(ASYNC_ECONNREFUSED, async_dial(&self->dialer, "127.0.0.1",
                                         self->port));
    GIVES(ASYNC_ECONNREFUSED, async_dial(&self->dialer, "localhost",
                                         self->port));
    GIVES(ASYNC_EINVAL, async_dial(NULL, "localhost", self->port));
    GIVES(ASYNC_EINVAL, async_dial(&self->dialer, NULL, self->port));
    GIVES(ASYNC_EINVAL, async_dial(&self->dialer, "localhost", 0));
    GIVES(ASYNC_EINVAL, async_dial(&self->dialer, "localhost", 65536));
    ASYNC_END;
}

TEST(dial_a_host)
{
    RUN(dials, 0);
}

static ASYNC any_of(struct main *self)
{
    ASYNC_BEGIN(self);
    self->listener = async_tcp_listen("127.0.0.1", 0, 5);
    self->port = async_local_port(self->listener);
    self->n = free_port();
    for (self->i = 0; self->i < 12; self->i++) {
        set(&self->addresses[self->i], "127.0.0.1", self->n);
    }
    GIVES(ASYNC_ECONNREFUSED,
          async_connect_any(&self->attempts, self->addresses, 12));
    CHECK_EQ(self->attempts.started, ASYNC_DIAL_MAX);
    /* The next one as soon as one has failed: no 250 ms. */
    set(&self->addresses[5], "127.0.0.1", self->port);
    self->attempts.delay = ASYNC_NEVER;
    AWAIT_VALUE(self->fd, async_connect_any(&self->attempts, self->addresses,
                                            8));
    CHECK_EQ(self->attempts.started, 6);
    async_close(self->fd);
    GIVES(ASYNC_EINVAL, async_connect_any(NULL, self->addresses, 1));
    GIVES(ASYNC_EINVAL, async_connect_any(&self->attempts, NULL, 1));
    GIVES(ASYNC_EINVAL, async_connect_any(&self->attempts, self->addresses,
                                          0));
    async_close(self->listener);
    ASYNC_END;
}

TEST(connect_any_takes_the_next_when_one_fails)
{
    RUN(any_of, 0);
}

#ifdef __linux__
/* Listeners that do not answer: nobody accepts, and the queue is full. */
static void deaf_ears(struct main *self, int count)
{
    int i, j;
    struct sockaddr_in to;

    for (i = 0; i < count; i++) {
        self->listeners[i] = async_tcp_listen("127.0.0.1", 0, 0);
        set(&self->addresses[i], "127.0.0.1",
            async_local_port(self->listeners[i]));
        memcpy(&to, &self->addresses[i].storage, sizeof to);
        for (j = 0; j < 2; j++) {
            int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

            self->taken[2 * i + j] = fd;
            (void)!connect(fd, (struct sockaddr *)&to, sizeof to);
        }
    }
}

static void close_ears(struct main *self, int count)
{
    int i;

    for (i = 0; i < count; i++) {
        async_close(self->listeners[i]);
        close(self->taken[2 * i]);
        close(self->taken[2 * i + 1]);
    }
}

/* Two that do not answer, each given its time; then one that does. */
static ASYNC eyeballs(struct main *self)
{
    ASYNC_BEGIN(self);
    deaf_ears(self, 2);
    self->listener = async_tcp_listen("127.0.0.1", 0, 5);
    set(&self->addresses[2], "127.0.0.1", async_local_port(self->listener));
    self->attempts.delay = MS(20);
    self->began = async_now();
    AWAIT_VALUE(self->fd, async_connect_any(&self->attempts, self->addresses,
                                            3));
    CHECK((async_duration)(async_now() - self->began) >= MS(40));
    CHECK((async_duration)(async_now() - self->began) < MS(400));
    CHECK_EQ(self->attempts.started, 3);
    AWAIT_VALUE(self->peer, async_accept(self->listener, NULL, NULL));
    async_close(self->fd);
    async_close(self->peer);
    async_close(self->listener);
    close_ears(self, 2);
    ASYNC_END;
}

TEST(connect_any_does_not_wait_for_who_does_not_answer)
{
    RUN(eyeballs, 0);
}

static ASYNC call_any(struct caller *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->rc, async_connect_any(&self->attempts, self->addresses,
                                            self->n));
    async_close(self->rc);
    ASYNC_END;
}

static void start_caller(struct main *self, int n)
{
    ZERO(self->caller);
    self->caller.addresses = self->addresses;
    self->caller.n = n;
    self->caller.attempts.delay = MS(1);
    CHECK_EQ(async_spawn(&self->caller.task, call_any, &self->caller), 0);
}

/* Struck before it has begun, between two attempts, with all under way, and a
 * second time while it cleans up: nothing is left open. */
static ASYNC struck_calls(struct main *self)
{
    ASYNC_BEGIN(self);
    deaf_ears(self, 3);
    GIVES(ASYNC_ETIMEDOUT, ASYNC_TIMEOUT(&self->scope, MS(1),
                               async_readable(self->taken[0])));
    self->j = open_fds();       /* with what the loop has made for waiting */
    for (self->i = 0; self->i < 30; self->i++) {
        start_caller(self, 3);
        if (self->i % 3 == 2) {
            AWAIT(async_sleep(MS(4)));
        }
        for (self->n = 0; self->n < self->i / 3; self->n++) {
            AWAIT(async_yield());
        }
        async_cancel(&self->caller.task);
        AWAIT(async_yield());
        async_cancel(&self->caller.task);
        AWAIT_RESULT(self->rc, async_join(&self->caller.task));
        CHECK_EQ(self->rc, ASYNC_ECANCELED);
        CHECK_EQ(open_fds(), self->j);
    }
    start_caller(self, 3);
    GIVES(ASYNC_ETIMEDOUT, ASYNC_TIMEOUT(&self->scope, MS(10),
                               async_join(&self->caller.task)));
    CHECK_EQ(open_fds(), self->j);
    close_ears(self, 3);
    ASYNC_END;
}

TEST(connect_any_struck_closes_all)
{
    RUN(struck_calls, 0);
}

/* The second one answers, and the first one is given up: struck at any step of
 * that. */
static ASYNC struck_successes(struct main *self)
{
    ASYNC_BEGIN(self);
    self->listener = async_tcp_listen("127.0.0.1", 0, 100);
    deaf_ears(self, 1);
    set(&self->addresses[1], "127.0.0.1", async_local_port(self->listener));
    GIVES(ASYNC_ETIMEDOUT, ASYNC_TIMEOUT(&self->scope, MS(1),
                               async_readable(self->listener)));
    self->j = open_fds();
    for (self->i = 0; self->i < 30; self->i++) {
        start_caller(self, 2);
        while (self->caller.attempts.started < 2) {
            AWAIT(async_yield());
        }
        for (self->n = 0; self->n < self->i / 3; self->n++) {
            AWAIT(async_yield());
        }
        async_cancel(&self->caller.task);
        AWAIT_RESULT(self->rc, async_join(&self->caller.task));
        CHECK(self->rc == 0 || self->rc == ASYNC_ECANCELED);
        CHECK_EQ(open_fds(), self->j);
    }
    async_close(self->listener);
    close_ears(self, 1);
    ASYNC_END;
}

TEST(connect_any_struck_at_any_step)
{
    RUN(struck_successes, 0);
}
#endif

/* ---- many loops ---------------------------------------------------------- */

enum { LOOPS = 5, CALLERS = 4, TIMES = 10 };

struct client {
    async_frame frame;
    async_task task;
    async_resolver resolver;
    async_address addresses[SOME];
    async_dialer dialer;
    async_file file;
    char path[80], text[16];
    int i, rc, fd, port, outcome;
};

/* A name, a connection, and a file of its own, again and again. */
static ASYNC client(struct client *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < TIMES; self->i++) {
        AWAIT(async_resolve(&self->resolver, "localhost", "80",
                            self->addresses, SOME));
        AWAIT_VALUE(self->fd, async_dial(&self->dialer, "localhost",
                                         self->port));
        async_close(self->fd);
        ASYNC_WITH_AWAIT(self->outcome,
                         async_file_open(&self->file, self->path,
                                         O_RDWR | O_CREAT | O_TRUNC, 0600),
                         async_file_close(&self->file)) {
            AWAIT(async_file_write(&self->file, "some text", 9));
            AWAIT_VALUE(self->rc, async_file_pread(&self->file, self->text,
                                                   16, 5));
            CHECK_EQ(self->rc, 4);
            CHECK(memcmp(self->text, "text", 4) == 0);
        } ASYNC_WITH_END;
    }
    ASYNC_END;
}

struct clients {
    async_frame frame;
    struct client client[CALLERS];
    int i, rc, number, port, failed;
};

/* Every second one is cancelled, somewhere. */
static ASYNC clients(struct clients *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < CALLERS; self->i++) {
        struct client *it = &self->client[self->i];

        it->port = self->port;
        snprintf(it->path, sizeof it->path, "/tmp/async-client-%ld-%d-%d",
                 (long)getpid(), self->number, self->i);
        async_spawn(&it->task, client, it);
    }
    for (self->i = 0; self->i < CALLERS; self->i++) {
        if (self->i % 2 == 1) {
            AWAIT(async_sleep((async_duration)(MS(1) / 10 * self->number)));
            async_cancel(&self->client[self->i].task);
        }
        AWAIT_RESULT(self->rc, async_join(&self->client[self->i].task));
        self->failed += self->rc != 0 && self->rc != ASYNC_ECANCELED;
        self->failed += self->client[self->i].file.is_open;
        (void)unlink(self->client[self->i].path);
    }
    ASYNC_RETURN(self->failed);
    ASYNC_END;
}

static void *run_clients(void *argument)
{
    struct clients *self = (struct clients *)argument;

    self->rc = async_run(clients, self);
    return NULL;
}

TEST(resolve_and_files_in_loops_of_many_threads)
{
    static struct clients all[LOOPS];
    pthread_t threads[LOOPS];
    int before = open_fds();
    int listener = async_tcp_listen("127.0.0.1", 0, 1000);
    int i;

    test_real_time();
    memset(all, 0, sizeof all);
    for (i = 0; i < LOOPS; i++) {
        all[i].number = i;
        all[i].port = async_local_port(listener);
        CHECK_EQ(pthread_create(&threads[i], NULL, run_clients, &all[i]), 0);
#ifdef __TINYC__        /* without variables of a thread: one after the other */
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
#endif
    }
    for (i = 0; i < LOOPS; i++) {
#ifndef __TINYC__
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
#endif
        CHECK_EQ(all[i].rc, 0);
    }
    close(listener);
    CHECK_EQ(open_fds(), before);
}

#endif

/* ===========================================================================
 * resolve: names into addresses, and addresses into a connection.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "config.h"
#if ASYNC_HOSTED && ASYNC_OFFLOAD
#include "resolve.h"
#include "fd_table.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

/* ---- names --------------------------------------------------------------- */

/* A lookup, in memory of its own: behind it come the addresses that it finds,
 * and the two names. The job is its first member, for async_offload_abandon_.
 */
struct async_lookup_ {
    async_offload_job job;
    struct addrinfo hints;
    const char *host, *service;
    async_address *addresses;
    int capacity;
};

static int async_lookup_error_(int error, int number)
{
    switch (error) {
    case EAI_AGAIN: return ASYNC_EHOSTAGAIN;
    case EAI_FAIL: return ASYNC_EHOSTFAIL;
    case EAI_MEMORY: return ASYNC_ENOMEM;
    case EAI_BADFLAGS: return ASYNC_EINVAL;
    case EAI_FAMILY: return -EAFNOSUPPORT;
    case EAI_SERVICE:
    case EAI_SOCKTYPE: return ASYNC_ENOSERVICE;
    case EAI_SYSTEM: return number > 0 ? -number : ASYNC_EHOSTFAIL;
#ifdef EAI_OVERFLOW
    case EAI_OVERFLOW: return ASYNC_EOVERFLOW;
#endif
    default: return ASYNC_ENOHOST;      /* EAI_NONAME, EAI_NODATA, ... */
    }
}

/* In the thread. */
static int async_lookup_run_(void *argument)
{
    struct async_lookup_ *it = (struct async_lookup_ *)argument;
    struct addrinfo *all = NULL;
    const struct addrinfo *one;
    int n = 0;
    int error = ASYNC_SYS_(getaddrinfo)(it->host, it->service, &it->hints,
                                        &all);

    if (error != 0) {
        return async_lookup_error_(error, errno);
    }
    for (one = all; one != NULL && n < it->capacity; one = one->ai_next) {
        if (one->ai_addrlen <= sizeof it->addresses[n].storage) {
            memset(&it->addresses[n], 0, sizeof it->addresses[n]);
            memcpy(&it->addresses[n].storage, one->ai_addr, one->ai_addrlen);
            it->addresses[n].length = one->ai_addrlen;
            n++;
        }
    }
    freeaddrinfo(all);
    return n > 0 ? n : ASYNC_ENOHOST;
}

/* The flags under which two numbers need no asking. */
#define ASYNC_RESOLVE_KNOWN_ \
    (AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV | AI_ADDRCONFIG)

/* A port in digits, 0 for none; -1 for a name; ASYNC_ENOSERVICE for what is
 * neither, of which the system's library makes a port (of +80) modulo 65536 */
static int32_t async_port_of_(const char *service)
{
    int32_t port = 0;

    if (service != NULL && *service > '\0' && *service < '0') {
        return ASYNC_ENOSERVICE;            /* a sign, a space */
    }
    for (; service != NULL && *service != '\0'; service++) {
        if (*service < '0' || *service > '9') {
            return -1;
        }
        port = port > 65535 ? port : 10 * port + (*service - '0');
    }
    return port > 65535 ? (int32_t)ASYNC_ENOSERVICE : port;
}

/* Two numbers: 1, and the address; or 0. */
static int async_resolve_numbers_(const async_resolver *resolver,
                                  const char *host, int32_t port,
                                  async_address *address)
{
    async_address found;

    if (port < 0 || host == NULL
        || (resolver->flags & ~ASYNC_RESOLVE_KNOWN_) != 0
        || async_address_set(&found, host, (int)port) < 0
        || (resolver->family != AF_UNSPEC
            && resolver->family != (int)found.storage.ss_family)) {
        return 0;
    }
    *address = found;
    return 1;
}

static char *async_lookup_name_(char *at, const char **to, const char *name)
{
    size_t size;

    if (name == NULL) {
        *to = NULL;
        return at;
    }
    size = strlen(name) + 1;
    memcpy(at, name, size);
    *to = at;
    return at + size;
}

static struct async_lookup_ *async_lookup_make_(const async_resolver *resolver,
                                                const char *host,
                                                const char *service,
                                                int capacity)
{
    size_t names = (host == NULL ? 0 : strlen(host) + 1)
        + (service == NULL ? 0 : strlen(service) + 1);
    struct async_lookup_ *it;
    char *at;

    capacity = capacity > 64 ? 64 : capacity;
    it = (struct async_lookup_ *)ASYNC_SYS_(calloc)(
        1, sizeof *it + (size_t)capacity * sizeof *it->addresses + names);
    if (it == NULL) {
        return NULL;
    }
    it->hints.ai_family = resolver->family;
    it->hints.ai_socktype = resolver->socktype == 0 ? SOCK_STREAM
                                                    : resolver->socktype;
    it->hints.ai_flags = resolver->flags;
    it->capacity = capacity;
    it->addresses = (async_address *)(void *)(it + 1);
    at = (char *)(void *)(it->addresses + capacity);
    at = async_lookup_name_(at, &it->host, host);
    (void)async_lookup_name_(at, &it->service, service);
    return it;
}

static async_status async_resolve_begin_(async_task *task,
                                         async_resolver *resolver,
                                         const char *host, const char *service,
                                         async_address *addresses,
                                         int capacity)
{
    int32_t port = async_port_of_(service);
    async_status rc;

    if (resolver == NULL || addresses == NULL || capacity < 1) {
        return ASYNC_EINVAL;
    }
    if (resolver->lookup != NULL) {
        return ASYNC_EBUSY;
    }
    if (port == ASYNC_ENOSERVICE) {
        return ASYNC_ENOSERVICE;
    }
    if (host == NULL && service == NULL) {
        service = "0";                      /* the system wants one of them */
    }
    if (async_resolve_numbers_(resolver, host, port, addresses) == 1) {
        return 1;
    }
    if (ASYNC_STRUCK_P_(task)) {
        return async_deliver_(task);
    }
    resolver->lookup = async_lookup_make_(resolver, host, service, capacity);
    if (resolver->lookup == NULL) {
        return ASYNC_ENOMEM;
    }
    rc = async_offload(&resolver->lookup->job, async_lookup_run_,
                       resolver->lookup);
    if (rc != ASYNC_PENDING) {
        free(resolver->lookup);
        resolver->lookup = NULL;
    } else {
        ASYNC_WAITS_("async_resolve", resolver);
    }
    return rc;
}

ASYNC_API async_status async_resolve(async_resolver *resolver,
                                     const char *host, const char *service,
                                     async_address *addresses, int capacity)
{
    async_task *task = async_self_();
    struct async_lookup_ *it;
    async_status rc;

    if (async_state_(task) == ASYNC_RUNNING_) {
        return async_resolve_begin_(task, resolver, host, service, addresses,
                                    capacity);
    }
    it = resolver->lookup;
    resolver->lookup = NULL;
    if (!async_granted_(task)) {            /* struck: the thread may have it */
        async_offload_abandon_(&it->job);
        return async_deliver_(task);
    }
    rc = task->timer.u.result;
    if (rc > 0) {
        memcpy(addresses, it->addresses, (size_t)rc * sizeof *addresses);
    }
    free(it);
    return rc;
}

/* ---- connections --------------------------------------------------------- */

/* The first to be connected leaves its descriptor to all; any other closes its
 * own, however it ends. */
static ASYNC async_attempt_run_(struct async_attempt_ *self)
{
    async_attempts *of = self->of;

    ASYNC_BEGIN(self);
    ASYNC_TRY {
        self->fd = async_socket(self->address->storage.ss_family, SOCK_STREAM,
                                0);
        if (self->fd < 0) {
            ASYNC_RAISE(self->fd);
        }
        ASYNC_AWAIT(async_connect(self->fd, (const struct sockaddr *)
                                  (const void *)&self->address->storage,
                                  self->address->length));
        if (of->fd < 0) {
            of->fd = self->fd;
            self->fd = -1;
        }
    } ASYNC_FINALLY(self->outcome) {
        if (self->fd >= 0) {
            (void)async_close(self->fd);
        }
        if (ASYNC_FAILED(self->outcome) && self->outcome != ASYNC_CANCEL) {
            of->error = self->outcome;
        }
        of->ended++;
        (void)async_event_set(&of->ended_one);
    } ASYNC_TRY_END;
    ASYNC_END;
}

static void async_attempt_start_(async_attempts *self,
                                 const async_address *address)
{
    struct async_attempt_ *it = &self->attempt[self->started];

    memset(it, 0, sizeof *it);
    it->of = self;
    it->address = address;
    it->fd = -1;
    self->waiters[self->started].task = &it->task;
    (void)async_spawn(&it->task, async_attempt_run_, it);
    self->started++;
    (void)async_event_clear(&self->ended_one);
}

static void async_attempts_cancel_(async_attempts *self)
{
    int i;

    for (i = 0; i < self->started; i++) {
        (void)async_cancel(&self->attempt[i].task);
    }
}

/* Is there another one to start, or any to wait for? */
static bool async_attempts_go_on_(const async_attempts *self)
{
    return self->fd < 0 && self->ended < self->n;
}

ASYNC_API async_status async_connect_any(async_attempts *self,
                                         const async_address *addresses, int n)
{
    if (self == NULL || addresses == NULL || n < 1) {
        return async_settle_(async_self_(), ASYNC_EINVAL);
    }
    ASYNC_BEGIN(self);
    self->n = n < ASYNC_DIAL_MAX ? n : (int)ASYNC_DIAL_MAX;
    self->started = self->ended = 0;
    self->fd = -1;
    self->error = 0;
    ASYNC_TRY {
        ASYNC_TRY {
            while (async_attempts_go_on_(self)) {
                if (self->started < self->n) {
                    async_attempt_start_(self, addresses + self->started);
                }
                ASYNC_AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope,
                    self->started == self->n ? ASYNC_NEVER
                    : self->delay > 0 ? self->delay
                    : (async_duration)ASYNC_MS(250),
                    async_event_wait(&self->ended_one)));
                (void)async_event_clear(&self->ended_one);
            }
        } ASYNC_FINALLY(self->failed) {
            async_attempts_cancel_(self);
            ASYNC_AWAIT(async_gather_all(&self->set, self->waiters,
                                         self->started));
        } ASYNC_TRY_END;
    } ASYNC_FINALLY(self->outcome) {
        if (ASYNC_FAILED(self->outcome) && self->fd >= 0) {
            (void)async_close(self->fd);
        }
    } ASYNC_TRY_END;
    ASYNC_RETURN(self->fd >= 0 ? self->fd : self->error);
    ASYNC_END;
}

/* So that not one address after another, of a family that does not work here,
 * takes its 250 ms. */
ASYNC_API void async_interleave_(async_address *all, int n)
{
    int i, j;

    for (i = 1; i < n; i++) {
        for (j = i; j < n && all[j].storage.ss_family
                             == all[i - 1].storage.ss_family; j++) {
        }
        if (j < n) {
            async_address next = all[j];

            memmove(all + i + 1, all + i, (size_t)(j - i) * sizeof *all);
            all[i] = next;
        }
    }
}

static void async_port_text_(char *to, int port)
{
    int digits = 1, n;

    for (n = port; n > 9; n /= 10) {
        digits++;
    }
    to[digits] = '\0';
    do {
        to[--digits] = (char)('0' + port % 10);
        port /= 10;
    } while (digits > 0);
}

ASYNC_API async_status async_dial(async_dialer *self, const char *host,
                                  int port)
{
    if (self == NULL || host == NULL || port < 1 || port > 65535) {
        return async_settle_(async_self_(), ASYNC_EINVAL);
    }
    ASYNC_BEGIN(self);
    async_port_text_(self->service, port);
    ASYNC_AWAIT_VALUE(self->n, async_resolve(&self->resolver, host,
                                             self->service, self->addresses,
                                             ASYNC_DIAL_MAX));
    async_interleave_(self->addresses, self->n);
    ASYNC_AWAIT_VALUE(self->fd, async_connect_any(&self->attempts,
                                                  self->addresses, self->n));
    ASYNC_RETURN(self->fd);
    ASYNC_END;
}

#endif

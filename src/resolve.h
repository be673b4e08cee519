#pragma once
#include "event.h"
#include "gather.h"
#include "net.h"
#include "offload.h"
#include "timeout.h"
#if ASYNC_HOSTED && ASYNC_OFFLOAD
/* ===========================================================================
 * resolve: the addresses of a name, and a connection to the first of them that
 * answers. It keeps no cache; the system's library does the asking.
 * ======================================================================== */

/* What a lookup needs. Zeroed: any family, for stream sockets. Set what you
 * want else before: AF_INET or AF_INET6; SOCK_DGRAM; flags of getaddrinfo(3),
 * such as AI_PASSIVE. */
typedef struct async_resolver {
    int family;
    int socktype;
    int flags;
    struct async_lookup_ *lookup;   /* while it is under way */
} async_resolver;

#define async_resolve ASYNC_ABI_(async_resolve)
#define async_connect_any ASYNC_ABI_(async_connect_any)
#define async_dial ASYNC_ABI_(async_dial)

/* AWAIT_VALUE(n, async_resolve(&self->resolver, "example.org", "https",
 *                              self->addresses, 4)):
 * the addresses of a host, in the order in which the system wants them tried;
 * at most as many as there is room for, and at most 64. Returns how many there
 * are, at least 1. The service is a name or a number, NULL or "" for port 0.
 * The host is a name or a number, or NULL for this machine.
 *
 * Two numbers need no thread and no wait. For a name, getaddrinfo(3) is called
 * in a thread of async_offload, and what is said there of threads holds, but
 * for strikes: the lookup has memory of its own, so a strike ends the await at
 * once. The thread goes on until the name servers have answered or not, and
 * the loop does not close before.
 *
 * ASYNC_ENOHOST and ASYNC_ENOSERVICE when there is no such (nor is there a port
 * above 65535, or one with a sign or a space before it); ASYNC_EHOSTAGAIN
 * when a name server did not answer, ASYNC_EHOSTFAIL when it would not;
 * ASYNC_EINVAL for NULL (but the host or the service), for no room, or flags
 * that make no sense; ASYNC_EBUSY for a resolver that is at it already; and the
 * errors of async_offload and of the system. Task only. */
ASYNC_API ASYNC async_resolve(async_resolver *resolver, const char *host,
                              const char *service, async_address *addresses,
                              int capacity);

enum { ASYNC_DIAL_MAX = 8 };    /* addresses that are tried */

/* One attempt to connect. */
struct async_attempt_ {
    async_frame frame;
    async_task task;
    struct async_attempts *of;
    const async_address *address;
    int fd, outcome;
};

/* What async_connect_any needs: zeroed, or one that has ended. */
typedef struct async_attempts {
    async_frame frame;
    async_duration delay;       /* until the next attempt; 0: 250 ms */
    struct async_attempt_ attempt[ASYNC_DIAL_MAX];
    async_waiter waiters[ASYNC_DIAL_MAX];
    async_wait_set set;
    async_event ended_one;
    async_timeout scope;
    int n, started, ended, fd, rc, error, failed, outcome;
} async_attempts;

/* AWAIT_VALUE(fd, async_connect_any(&self->attempts, addresses, n)): connect a
 * stream socket to one of these addresses, of which the first ASYNC_DIAL_MAX
 * are tried: the first; the next when that has failed, or has not been answered
 * for 250 ms, while the first goes on; and so on, as RFC 8305 has it. The first
 * to be connected wins, the others are closed. The descriptor, nonblocking and
 * closed on exec; or the error of the attempt that was the last to fail. When
 * it is struck, all are closed. ASYNC_EINVAL for NULL or n < 1. The addresses
 * stay where they are. Task only. */
ASYNC_API ASYNC async_connect_any(async_attempts *self,
                                  const async_address *addresses, int n);

/* What async_dial needs: zeroed, or one that has ended. */
typedef struct async_dialer {
    async_frame frame;
    async_resolver resolver;
    async_attempts attempts;
    async_address addresses[ASYNC_DIAL_MAX];
    char service[8];
    int n, fd;
} async_dialer;

/* AWAIT_VALUE(fd, async_dial(&self->dialer, "example.org", 443)): connect to a
 * host by its name, or number: async_resolve, and async_connect_any of what it
 * found, IPv6 and IPv4 in turn. The descriptor or an error of these two;
 * ASYNC_EINVAL for NULL, or a port that is none. Struck at any time, it ends at
 * once and leaves no descriptor. Some 3 KB of memory. Task only. */
ASYNC_API ASYNC async_dial(async_dialer *self, const char *host, int port);

/* The order in which async_dial tries them: the families in turn, beginning
 * with that of the first address; within a family as they were. */
ASYNC_API void async_interleave_(async_address *addresses, int n);
#endif

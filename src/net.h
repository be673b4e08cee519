#pragma once
#include "fd.h"
/* ===========================================================================
 * net: sockets: accepting, connecting, sending and receiving. It buffers
 * nothing and looks up no names; hosts are written as numbers.
 *
 * What is said of all operations in fd.h holds here too. async_read and
 * async_write work on sockets as well.
 * ======================================================================== */

/* Make a socket, nonblocking and closed on exec: the descriptor or an error.
 * From anywhere. One made by socket(2) will do as well. */
ASYNC_API int async_socket(int domain, int type, int protocol);

/* AWAIT_VALUE(peer, async_accept(fd, &address, &length)): the descriptor of
 * the next connection, nonblocking and closed on exec. Address and length are
 * as in accept(2), or NULL. ASYNC_EMFILE and the like are returned, and the
 * connection stays in the queue; a caller that simply tries again rests for
 * 10 ms first, so that other tasks run and descriptors may be closed.
 * Connections that died in the queue are passed over. A listening socket that
 * other processes accept from, too, should be nonblocking. */
ASYNC_API ASYNC async_accept(int fd, struct sockaddr *address,
                             socklen_t *length);

/* AWAIT(async_connect(fd, address, length)): connect a socket: 0 or why not.
 * When it fails or is cancelled, the socket is of no further use: close it.
 * A Unix listener whose queue is full is ASYNC_EAGAIN at once: nobody would
 * tell when there is room. A blocking socket is nonblocking for the moment of
 * the call. */
ASYNC_API ASYNC async_connect(int fd, const struct sockaddr *address,
                              socklen_t length);

/* recv(2), send(2), recvfrom(2), sendto(2), recvmsg(2), sendmsg(2), with the
 * flags given. MSG_DONTWAIT and MSG_NOSIGNAL are understood; MSG_WAITALL does
 * not wait (async_read_exactly does). recvfrom's
 * address and length may be NULL. Only for sockets: ASYNC_ENOTSOCK. */
ASYNC_API ASYNC async_recv(int fd, void *buffer, size_t length, int flags);
ASYNC_API ASYNC async_send(int fd, const void *buffer, size_t length,
                           int flags);
ASYNC_API ASYNC async_recvfrom(int fd, void *buffer, size_t length, int flags,
                               struct sockaddr *address,
                               socklen_t *address_length);
ASYNC_API ASYNC async_sendto(int fd, const void *buffer, size_t length,
                             int flags, const struct sockaddr *address,
                             socklen_t address_length);
ASYNC_API ASYNC async_recvmsg(int fd, struct msghdr *message, int flags);
ASYNC_API ASYNC async_sendmsg(int fd, const struct msghdr *message, int flags);

#define ASYNC_ENOTSOCK ASYNC_ERRNO_(ENOTSOCK, 88)

/* ---- short cuts ---------------------------------------------------------- */

/* An address that any kind of socket takes. */
typedef struct async_address {
    struct sockaddr_storage storage;
    socklen_t length;
} async_address;

/* Write `host`, an IPv4 or IPv6 address in numbers ("127.0.0.1", "::1"), or
 * NULL for all addresses of this machine, and `port` as an address. 0, or
 * ASYNC_EINVAL for anything else, such as a name. From anywhere. */
ASYNC_API int async_address_set(async_address *address, const char *host,
                                int port);

/* A socket that listens: its descriptor or an error. `host` as above; port 0
 * takes any free one, which async_local_port tells. From anywhere. */
ASYNC_API int async_tcp_listen(const char *host, int port, int backlog);

/* A UDP socket bound to an address: its descriptor or an error. */
ASYNC_API int async_udp_open(const char *host, int port);

/* The local port of a socket, or an error. From anywhere. */
ASYNC_API int async_local_port(int fd);

/* AWAIT(async_tcp_connect(&self->fd, host, port)): make a socket and connect
 * it. 0, and *fd is the descriptor; or an error, or the strike, and the socket
 * is closed again and *fd is -1. */
ASYNC_API ASYNC async_tcp_connect(int *fd, const char *host, int port);

/* ---- Unix sockets -------------------------------------------------------- */

/* A socket that listens at `path`, a name in the file system: its descriptor
 * or an error. A socket file that a process left behind, and that none has any
 * more, is replaced; by one of those who try to at the same time. Any other
 * file, and any link, is ASYNC_EADDRINUSE: also one that somebody is bound to
 * who does not listen yet; and a dead one in a folder that the program may not
 * read, or that another program has locked by flock(2) for more than 10 ms.
 * ASYNC_EINVAL for NULL, an empty path or one of some 100 bytes and more.
 * No close removes the file. Leave it there, for the next one to replace, or
 * unlink it before the socket is closed: after that it may be another's. From
 * anywhere. */
ASYNC_API int async_unix_listen(const char *path, int backlog);

/* AWAIT(async_unix_connect(&self->fd, path)): as async_tcp_connect. */
ASYNC_API ASYNC async_unix_connect(int *fd, const char *path);

/* Make two connected Unix sockets, nonblocking and closed on exec: what is
 * written to one is read from the other. 0 or an error. From anywhere. */
ASYNC_API int async_socketpair(int ends[2]);

/* ===========================================================================
 * net: operations on sockets. The letters are those of fd.h.
 * ======================================================================== */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include "config.h"
#if ASYNC_HOSTED
#include "net.h"
#include "fd_table.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- sending and receiving ----------------------------------------------- */

/* One of the six calls; receiving or sending. */
struct async_transfer_ {
    const char *what;
    void *buffer;
    size_t length;
    int flags;
    struct sockaddr *address;
    socklen_t *address_length;      /* receiving */
    socklen_t size;                 /* sending */
    struct msghdr *message;         /* instead of the others */
};

static ptrdiff_t async_receive_call_(int fd, const struct async_transfer_ *by)
{
    int flags = by->flags | MSG_DONTWAIT;

    if (by->message != NULL) {
        return ASYNC_SYS_(recvmsg)(fd, by->message, flags);
    }
    if (by->address == NULL) {
        return ASYNC_SYS_(recv)(fd, by->buffer, by->length, flags);
    }
    return ASYNC_SYS_(recvfrom)(fd, by->buffer, by->length, flags,
                                by->address, by->address_length);
}

/* A look at what stays (MSG_PEEK) or at something else (MSG_OOB) says nothing
 * about whether the socket is empty. */
static async_status async_receive_(int fd, const struct async_transfer_ *by)
{
    async_status rc;
    async_fd_ *it = async_fd_entry_(fd, &rc);
    ptrdiff_t n;

    if (it == NULL) {
        return rc;
    }
    if ((by->buffer == NULL && by->length != 0)
        || (by->address != NULL && by->address_length == NULL)) {
        return ASYNC_EINVAL;
    }
    if (by->flags == 0 && !async_fd_may_(it, ASYNC_FD_EMPTY_)) {
        return async_fd_park_(it, ASYNC_READS_, by->what);
    }
    n = async_receive_call_(fd, by);
    if (n >= 0) {
        return by->flags == 0 && by->message == NULL
            ? async_fd_got_(it, n, by->length) : (async_status)n;
    }
    if (by->flags != 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return async_fd_park_(it, ASYNC_READS_, by->what);
    }
    return async_fd_failed_(it, ASYNC_READS_, by->what);
}

static ptrdiff_t async_send_call_(int fd, const struct async_transfer_ *by)
{
    int flags = by->flags | MSG_DONTWAIT | ASYNC_NOSIGNAL_;

    if (by->message != NULL) {
        return ASYNC_SYS_(sendmsg)(fd, by->message, flags);
    }
    if (by->address == NULL) {
        return ASYNC_SYS_(send)(fd, by->buffer, by->length, flags);
    }
    return ASYNC_SYS_(sendto)(fd, by->buffer, by->length, flags, by->address,
                              by->size);
}

static async_status async_transmit_(int fd, const struct async_transfer_ *by)
{
    async_status rc;
    async_fd_ *it = async_fd_entry_(fd, &rc);
    ptrdiff_t n;

    if (it == NULL) {
        return rc;
    }
    if (by->buffer == NULL && by->length != 0) {
        return ASYNC_EINVAL;
    }
    if (!async_fd_may_(it, ASYNC_FD_STUCK_)) {
        return async_fd_park_(it, ASYNC_WRITES_, by->what);
    }
    n = async_send_call_(fd, by);
    return n >= 0 ? (async_status)n
                  : async_fd_failed_(it, ASYNC_WRITES_, by->what);
}

static void async_transfer_of_(struct async_transfer_ *by, const char *what,
                               const void *buffer, size_t length, int flags)
{
    memset(by, 0, sizeof *by);
    by->what = what;
    by->buffer = (void *)(uintptr_t)buffer;
    by->length = async_fd_length_(length);
    by->flags = flags & ~(MSG_DONTWAIT | ASYNC_NOSIGNAL_);
}

/* Of a TCP socket, a call without flags is a read or a write, which have a
 * quick way. */
#if ASYNC_QUICK_
ASYNC_HOT_ bool async_is_plain_(int fd, size_t length, int flags)
{
    const async_loop *loop = async_this_loop_;

    return flags == 0 && length != 0 && (unsigned)fd < loop->known
        && (loop->fds->entries[fd]->flags & (ASYNC_FD_TCP_ | ASYNC_FD_NEW_))
            == ASYNC_FD_TCP_;
}
#else
#define async_is_plain_(fd, length, flags) false
#endif

ASYNC_API async_status async_recv(int fd, void *buffer, size_t length,
                                  int flags)
{
    struct async_transfer_ by;

    if (async_is_plain_(fd, length, flags)) {
        return async_read(fd, buffer, length);
    }
    (void)async_self_();
    async_transfer_of_(&by, "async_recv", buffer, length, flags);
    return async_receive_(fd, &by);
}

ASYNC_API async_status async_recvfrom(int fd, void *buffer, size_t length,
                                      int flags, struct sockaddr *address,
                                      socklen_t *address_length)
{
    struct async_transfer_ by;

    (void)async_self_();
    async_transfer_of_(&by, "async_recvfrom", buffer, length, flags);
    by.address = address;
    by.address_length = address_length;
    return async_receive_(fd, &by);
}

ASYNC_API async_status async_recvmsg(int fd, struct msghdr *message,
                                     int flags)
{
    struct async_transfer_ by;

    if (message == NULL) {
        return async_settle_(async_self_(), ASYNC_EINVAL);
    }
    async_transfer_of_(&by, "async_recvmsg", NULL, 0, flags);
    by.message = message;
    return async_receive_(fd, &by);
}

ASYNC_API async_status async_send(int fd, const void *buffer, size_t length,
                                  int flags)
{
    struct async_transfer_ by;

    if (async_is_plain_(fd, length, flags)) {
        return async_write(fd, buffer, length);
    }
    (void)async_self_();
    async_transfer_of_(&by, "async_send", buffer, length, flags);
    return async_transmit_(fd, &by);
}

ASYNC_API async_status async_sendto(int fd, const void *buffer, size_t length,
                                    int flags, const struct sockaddr *address,
                                    socklen_t address_length)
{
    struct async_transfer_ by;

    (void)async_self_();
    async_transfer_of_(&by, "async_sendto", buffer, length, flags);
    by.address = (struct sockaddr *)(uintptr_t)address;
    by.size = address_length;
    return async_transmit_(fd, &by);
}

ASYNC_API async_status async_sendmsg(int fd, const struct msghdr *message,
                                     int flags)
{
    struct async_transfer_ by;

    if (message == NULL) {
        return async_settle_(async_self_(), ASYNC_EINVAL);
    }
    async_transfer_of_(&by, "async_sendmsg", NULL, 0, flags);
    by.message = (struct msghdr *)(uintptr_t)message;
    return async_transmit_(fd, &by);
}

/* ---- connections --------------------------------------------------------- */

static int async_socket_mode_(int fd, bool nonblocking)
{
    int mode = ASYNC_SYS_(fcntl)(fd, F_GETFL);

    if (mode < 0) {
        return -errno;
    }
    if (((mode & O_NONBLOCK) != 0) == nonblocking) {
        return 0;
    }
    mode = nonblocking ? mode | O_NONBLOCK : mode & ~O_NONBLOCK;
    return ASYNC_SYS_(fcntl)(fd, F_SETFL, mode) < 0 ? -errno : 1;
}

static int async_socket_make_(int domain, int type, int protocol)
{
#ifdef SOCK_NONBLOCK
    int fd = ASYNC_SYS_(socket)(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC,
                                protocol);

    return fd < 0 ? -errno : fd;
#else
    int fd = ASYNC_SYS_(socket)(domain, type, protocol);
    int err;

    if (fd < 0) {
        return -errno;
    }
    err = async_socket_mode_(fd, true);
    if (err < 0 || ASYNC_SYS_(fcntl)(fd, F_SETFD, FD_CLOEXEC) < 0) {
        err = -errno;
        (void)close(fd);
        return err;
    }
    return fd;
#endif
}

ASYNC_API int async_socket(int domain, int type, int protocol)
{
    int fd = async_socket_make_(domain, type, protocol);
    bool tcp = (domain == AF_INET || domain == AF_INET6)
        && type == SOCK_STREAM && (protocol == 0 || protocol == IPPROTO_TCP);

    if (fd >= 0 && async_this_loop_ != NULL) {
        async_fd_adopt_(fd, ASYNC_FD_SOCKET_ | (tcp ? (unsigned)ASYNC_FD_SHORT_
                                                    : 0U));
    }
    return fd;
}

static int async_accept_call_(const async_fd_ *it, int fd,
                              struct sockaddr *address, socklen_t *length)
{
    int peer;

    if ((it->flags & ASYNC_FD_BLOCKS_) != 0                         /* h */
        && (it->flags & ASYNC_FD_SOCKET_) != 0
        && !async_fd_ready_(fd, POLLIN)) {
        return -1;
    }
#ifdef SOCK_NONBLOCK
    peer = ASYNC_SYS_(accept4)(fd, address, length,
                               SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
    peer = ASYNC_SYS_(accept)(fd, address, length);
    if (peer >= 0 && (async_socket_mode_(peer, true) < 0
                      || ASYNC_SYS_(fcntl)(peer, F_SETFD, FD_CLOEXEC) < 0)) {
        int err = errno;

        (void)close(peer);
        errno = err;
        return -1;
    }
#endif
    return peer;
}

/* The rest is over, of all listeners. */
static void async_accept_rested_(async_alarm_ *alarm, async_ticks now)
{
    struct async_fds *fds = async_this_loop_->fds;
    unsigned fd;

    (void)now;
    alarm->timer.node.state = ASYNC_IDLE_;
    for (fd = 0; fd < fds->limit; fd++) {
        async_fd_ *it = fds->entries[fd];

        if ((it->flags & ASYNC_FD_FULL_) != 0) {
            it->flags &= ~(unsigned)ASYNC_FD_FULL_;
            async_fd_event_(it, ASYNC_FD_EMPTY_);
        }
    }
}

/* The last try failed for want of something. Trying again at once would be a
 * busy loop. So the task waits for the listener as if nobody called there, and
 * an alarm says a little later that somebody does: f. */
static async_status async_accept_rest_(async_fd_ *it)
{
    async_alarm_ *alarm = &async_this_loop_->fds->rest;

    if (!ASYNC_STRUCK_P_(async_this_task_)
        && alarm->timer.node.state != ASYNC_ALARM_) {
        alarm->fire = async_accept_rested_;
        async_alarm_set_(alarm, ASYNC_MS(10));
    }
    return async_fd_park_(it, ASYNC_READS_, "async_accept");
}

ASYNC_API async_status async_accept(int fd, struct sockaddr *address,
                                    socklen_t *length)
{
    async_status rc;
    async_fd_ *it = async_fd_enter_(fd, &rc);
    int peer;

    if (it == NULL) {
        return rc;
    }
    if (address != NULL && length == NULL) {
        return ASYNC_EINVAL;
    }
    if ((it->flags & ASYNC_FD_FULL_) != 0) {
        return async_accept_rest_(it);
    }
    if (!async_fd_may_(it, ASYNC_FD_EMPTY_)) {
        return async_fd_park_(it, ASYNC_READS_, "async_accept");
    }
    peer = async_accept_call_(it, fd, address, length);
    if (peer >= 0) {
        async_fd_adopt_(peer, ASYNC_FD_SOCKET_
                              | (it->flags & ASYNC_FD_SHORT_));
        return peer;
    }
    if (errno == ECONNABORTED) {
        errno = EINTR;
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS
               || errno == ENOMEM) {
        it->flags |= ASYNC_FD_FULL_;
    }
    return async_fd_failed_(it, ASYNC_READS_, "async_accept");
}

/* One that was begun goes on by itself; asked again, the kernel says how it
 * went, after it was asked for an error. */
ASYNC_API async_status async_connect(int fd, const struct sockaddr *address,
                                     socklen_t length)
{
    bool begun = async_state_(async_self_()) != ASYNC_RUNNING_;
    async_status rc;
    async_fd_ *it = async_fd_enter_(fd, &rc);
    int err = 0;
    int changed;
    socklen_t size = sizeof err;

    if (it == NULL) {
        return rc;
    }
    if (address == NULL) {
        return ASYNC_EINVAL;
    }
    begun = begun && (it->flags & ASYNC_FD_CONNECTS_) != 0; /* or gave way */
    it->flags &= ~(unsigned)ASYNC_FD_CONNECTS_;
    if (begun && ASYNC_SYS_(getsockopt)(fd, SOL_SOCKET, SO_ERROR, &err,
                                        &size) == 0 && err != 0) {
        return -err;
    }
    changed = async_socket_mode_(fd, true);
    if (changed < 0) {
        return changed;
    }
    err = ASYNC_SYS_(connect)(fd, address, length) == 0 ? 0 : errno;
    if (changed == 1) {
        (void)async_socket_mode_(fd, false);
    }
    if (err == 0 || (err == EISCONN && begun)) {
        it->flags &= ~(unsigned)(ASYNC_FD_EMPTY_ | ASYNC_FD_STUCK_);
        return 0;
    }
    if (err == EINPROGRESS || err == EALREADY || err == EINTR) {
        if (!begun) {           /* a: armed anew, whatever it was before */
            err = async_backend_arm_(async_this_loop_->fds, it);
            if (err < 0) {
                return err;
            }
        }
        it->flags |= ASYNC_FD_CONNECTS_;
        return async_fd_park_(it, ASYNC_WRITES_, "async_connect");
    }
    return -err;
}

/* ---- short cuts ---------------------------------------------------------- */

ASYNC_API int async_address_set(async_address *address, const char *host,
                                int port)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    if (address == NULL || port < 0 || port > 65535) {
        return ASYNC_EINVAL;
    }
    memset(address, 0, sizeof *address);
    memset(&in, 0, sizeof in);
    in.sin_family = AF_INET;
    in.sin_port = htons((uint16_t)port);
    if (inet_pton(AF_INET, host == NULL ? "0.0.0.0" : host,
                  &in.sin_addr) == 1) {
        memcpy(&address->storage, &in, sizeof in);
        address->length = sizeof in;
        return 0;
    }
    memset(&in6, 0, sizeof in6);
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons((uint16_t)port);
    if (inet_pton(AF_INET6, host, &in6.sin6_addr) == 1) {
        memcpy(&address->storage, &in6, sizeof in6);
        address->length = sizeof in6;
        return 0;
    }
    return ASYNC_EINVAL;
}

static int async_bound_(int type, const char *host, int port, int backlog)
{
    async_address address;
    int yes = 1;
    int err = async_address_set(&address, host, port);
    int fd;

    if (err < 0) {
        return err;
    }
    fd = async_socket(address.storage.ss_family, type, 0);
    if (fd < 0) {
        return fd;
    }
    if ((type == SOCK_STREAM
         && ASYNC_SYS_(setsockopt)(fd, SOL_SOCKET, SO_REUSEADDR, &yes,
                                   sizeof yes) < 0)
        || ASYNC_SYS_(bind)(fd, (struct sockaddr *)&address.storage,
                            address.length) < 0
        || (type == SOCK_STREAM && ASYNC_SYS_(listen)(fd, backlog) < 0)) {
        err = -errno;
        (void)close(fd);
        return err;
    }
    return fd;
}

ASYNC_API int async_tcp_listen(const char *host, int port, int backlog)
{
    return async_bound_(SOCK_STREAM, host, port, backlog);
}

ASYNC_API int async_udp_open(const char *host, int port)
{
    return async_bound_(SOCK_DGRAM, host, port, 0);
}

ASYNC_API int async_local_port(int fd)
{
    struct sockaddr_in6 address;
    socklen_t length = sizeof address;

    memset(&address, 0, sizeof address);
    if (ASYNC_SYS_(getsockname)(fd, (struct sockaddr *)&address, &length) < 0) {
        return -errno;
    }
    /* The port stands at the same place in both kinds. */
    return address.sin6_family == AF_INET || address.sin6_family == AF_INET6
        ? ntohs(address.sin6_port) : ASYNC_EINVAL;
}

ASYNC_API async_status async_tcp_connect(int *fd, const char *host, int port)
{
    async_address address;
    int rc;

    if (fd == NULL) {
        return async_settle_(async_self_(), ASYNC_EINVAL);
    }
    rc = async_address_set(&address, host, port);
    if (rc == 0 && async_state_(async_self_()) == ASYNC_RUNNING_) {
        rc = async_socket(address.storage.ss_family, SOCK_STREAM, 0);
        *fd = rc;
    }
    if (rc < 0) {
        *fd = -1;
        return rc;
    }
    rc = async_connect(*fd, (struct sockaddr *)&address.storage,
                       address.length);
    if (rc < 0 && rc != ASYNC_PENDING) {
        (void)async_close(*fd);
        *fd = -1;
    }
    return rc;
}

/* ---- Unix sockets -------------------------------------------------------- */

static int async_unix_address_(struct sockaddr_un *address, const char *path)
{
    size_t length = path == NULL ? 0 : strlen(path);

    if (length == 0 || length >= sizeof address->sun_path) {
        return ASYNC_EINVAL;
    }
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, length);
    return 0;
}

/* The path is taken: by the file of a socket that no process has any more? A
 * connection that is refused does not tell, as that is what one gets that is
 * bound and does not listen yet, too. So a socket of another type asks: it is
 * refused where there is nobody, and told of its type where there is somebody,
 * who hears nothing of it. (A file of another kind refuses connections as well;
 * a link is one, wherever it leads.) */
static bool async_unix_is_dead_(const struct sockaddr_un *address)
{
    struct stat status;
    bool dead;
    int fd;

    if (lstat(address->sun_path, &status) < 0 || !S_ISSOCK(status.st_mode)) {
        return false;
    }
    fd = async_socket_make_(AF_UNIX, SOCK_DGRAM, 0);
    if (fd < 0) {
        return false;
    }
    do {
        dead = ASYNC_SYS_(connect)(fd, (const struct sockaddr *)address,
                                   sizeof *address) < 0;
    } while (dead && errno == EINTR);
    dead = dead && errno == ECONNREFUSED;
    (void)close(fd);
    return dead;
}

/* Two may find the same dead file: then one of them would remove what the other
 * has just put there. So they take turns, by a lock on the folder, which leaves
 * nothing behind; it is held for the few calls below. Its descriptor, or -1 if
 * it is not to be had for some 10 ms: then nothing is removed. */
static int async_unix_lock_(const char *path)
{
    const char *slash = strrchr(path, '/');
    char folder[sizeof ((struct sockaddr_un *)0)->sun_path + 1] = ".";
    int tries, fd;

    if (slash != NULL) {
        memcpy(folder, path, (size_t)(slash - path) + 1);
        folder[slash - path + 1] = '\0';
    }
    fd = ASYNC_SYS_(open)(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    for (tries = 0; fd >= 0; tries++) {
        if (ASYNC_SYS_(flock)(fd, LOCK_EX | LOCK_NB) == 0) {
            return fd;
        }
        if ((errno != EWOULDBLOCK && errno != EINTR) || tries == 200) {
            (void)close(fd);
            return -1;
        }
        async_port_pause_();
    }
    return -1;
}

static int async_unix_bind_(int fd, const struct sockaddr_un *address)
{
    return ASYNC_SYS_(bind)(fd, (const struct sockaddr *)address,
                            sizeof *address) < 0 ? -errno : 0;
}

static int async_unix_replace_(int fd, const struct sockaddr_un *address)
{
    int lock = async_unix_lock_(address->sun_path);
    int err = ASYNC_EADDRINUSE;

    if (lock >= 0) {
        if (async_unix_is_dead_(address) && unlink(address->sun_path) == 0) {
            err = async_unix_bind_(fd, address);
        }
        (void)flock(lock, LOCK_UN);     /* a child may have it, too */
        (void)close(lock);
    }
    return err;
}

ASYNC_API int async_unix_listen(const char *path, int backlog)
{
    struct sockaddr_un address;
    int err = async_unix_address_(&address, path);
    int fd = err < 0 ? err : async_socket(AF_UNIX, SOCK_STREAM, 0);

    if (fd < 0) {
        return fd;
    }
    err = async_unix_bind_(fd, &address);
    if (err == ASYNC_EADDRINUSE && async_unix_is_dead_(&address)) {
        err = async_unix_replace_(fd, &address);
    }
    if (err == 0 && ASYNC_SYS_(listen)(fd, backlog) < 0) {
        err = -errno;
        (void)unlink(path);
    }
    if (err < 0) {
        (void)async_close(fd);
        return err;
    }
    return fd;
}

ASYNC_API async_status async_unix_connect(int *fd, const char *path)
{
    struct sockaddr_un address;
    int rc;

    if (fd == NULL) {
        return async_settle_(async_self_(), ASYNC_EINVAL);
    }
    rc = async_unix_address_(&address, path);
    if (rc == 0 && async_state_(async_self_()) == ASYNC_RUNNING_) {
        rc = async_socket(AF_UNIX, SOCK_STREAM, 0);
        *fd = rc;
    }
    if (rc < 0) {
        *fd = -1;
        return rc;
    }
    rc = async_connect(*fd, (struct sockaddr *)&address, sizeof address);
    if (rc < 0 && rc != ASYNC_PENDING) {
        (void)async_close(*fd);
        *fd = -1;
    }
    return rc;
}

ASYNC_API int async_socketpair(int ends[2])
{
    int type = SOCK_STREAM;
    int i, err = 0;

    if (ends == NULL) {
        return ASYNC_EINVAL;
    }
#ifdef SOCK_NONBLOCK
    type |= SOCK_NONBLOCK | SOCK_CLOEXEC;
#endif
    if (ASYNC_SYS_(socketpair)(AF_UNIX, type, 0, ends) < 0) {
        return -errno;
    }
#ifndef SOCK_NONBLOCK
    for (i = 0; i < 2 && err >= 0; i++) {
        err = async_socket_mode_(ends[i], true);
        if (err >= 0 && ASYNC_SYS_(fcntl)(ends[i], F_SETFD, FD_CLOEXEC) < 0) {
            err = -errno;
        }
    }
#endif
    for (i = 0; i < 2; i++) {
        if (err < 0) {
            (void)close(ends[i]);
        } else if (async_this_loop_ != NULL) {
            async_fd_adopt_(ends[i], ASYNC_FD_SOCKET_);
        }
    }
    return err < 0 ? err : 0;
}

#endif

/* event: as much of kqueue as src/fd_kqueue.c uses, made of epoll, so that the
 * backend of macOS and the BSDs is tested on Linux. What the two kernels have
 * in common is tested by it, and what they have not is looked up in the manual:
 *
 *   - both filters of a descriptor are one registration, so an event of the one
 *     is an event of the other, if that is true as well: edges come too often;
 *   - what epoll refuses, a kqueue need not;
 *   - an epoll goes on with a file that was closed, if there is a dup of it; a
 *     kqueue does not, so each registration is numbered;
 *   - the timer is a deadline, which the wait looks at.
 */
#ifndef EVENT_H
#define EVENT_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <time.h>

enum { EVFILT_READ = -1, EVFILT_WRITE = -2, EVFILT_TIMER = -7 };
enum {
    EV_ADD = 1, EV_DELETE = 2, EV_ONESHOT = 0x10, EV_CLEAR = 0x20,
    EV_ERROR = 0x4000, EV_EOF = 0x8000
};

struct kevent {
    uintptr_t ident;
    short filter;
    unsigned short flags;
    unsigned fflags;
    int64_t data;
    void *udata;
};

enum { KQUEUE_FDS = 1 << 20 };
static int64_t kqueue_timer[4096];          /* when, in ns; 0: it is off */
static uint16_t kqueue_added[KQUEUE_FDS];   /* number of its registration */

/* 32 bits of udata, 20 of the descriptor, 12 of the number. */
static inline uint64_t kqueue_data(const struct kevent *change, unsigned added)
{
    return (uint64_t)(uintptr_t)change->udata << 32 | change->ident << 12
        | (added & 0xfff);
}

static inline unsigned kqueue_fd(const struct epoll_event *seen)
{
    return (unsigned)(seen->data.u64 >> 12) & (KQUEUE_FDS - 1);
}

static inline int64_t kqueue_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline int kqueue(void)
{
    int kq = epoll_create1(EPOLL_CLOEXEC);

    if (kq >= 0) {
        kqueue_timer[kq % 4096] = 0;
    }
    return kq;
}

static inline int kqueue_change(int kq, const struct kevent *change)
{
    struct epoll_event event;
    int fd = (int)change->ident;

    if (change->filter == EVFILT_TIMER) {
        kqueue_timer[kq % 4096] = kqueue_now() + change->data * 1000000;
        return 0;
    }
    if ((change->flags & EV_DELETE) != 0) {
        return epoll_ctl(kq, EPOLL_CTL_DEL, fd, NULL);
    }
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.u64 = kqueue_data(change, kqueue_added[fd] + 1u);
    if (epoll_ctl(kq, EPOLL_CTL_ADD, fd, &event) == 0) {
        kqueue_added[fd]++;
        return 0;
    }
    event.data.u64 = kqueue_data(change, kqueue_added[fd]);
    return errno == EEXIST ? epoll_ctl(kq, EPOLL_CTL_MOD, fd, &event) : -1;
}

/* One event of epoll, as one of a filter. */
static inline int kqueue_event(struct kevent *event, short filter,
                               const struct epoll_event *seen, bool end)
{
    event->ident = kqueue_fd(seen);
    event->filter = filter;
    event->flags = (unsigned short)(EV_CLEAR | (end ? EV_EOF : 0));
    event->fflags = 0;
    event->data = 0;
    event->udata = (void *)(uintptr_t)(seen->data.u64 >> 32);
    return 1;
}

/* Until something happens, the timer expires, or the time is over. */
static inline int kqueue_wait(int kq, struct epoll_event *seen, int room,
                              const struct timespec *limit)
{
    int64_t end = limit == NULL ? INT64_MAX
        : kqueue_now() + (int64_t)limit->tv_sec * 1000000000 + limit->tv_nsec;
    int n;

    if (kqueue_timer[kq % 4096] != 0 && kqueue_timer[kq % 4096] < end) {
        end = kqueue_timer[kq % 4096];
    }
    do {
        int64_t left = end == INT64_MAX ? -1 : end - kqueue_now();
        int ms = end == INT64_MAX ? -1
            : left <= 0 ? 0
            : left > 1000000000 ? 1000
            : (int)((left + 999999) / 1000000);

        n = epoll_wait(kq, seen, room, ms);
    } while (n == 0 && kqueue_now() < end);
    return n;
}

static inline int kevent(int kq, const struct kevent *changes, int changed,
                         struct kevent *events, int room,
                         const struct timespec *limit)
{
    struct epoll_event seen[128];
    int64_t *timer = &kqueue_timer[kq % 4096];
    int n, i, told = 0;

    for (i = 0; i < changed; i++) {
        if (kqueue_change(kq, &changes[i]) < 0) {
            return -1;
        }
    }
    if (room == 0) {
        return 0;
    }
    n = kqueue_wait(kq, seen, room / 2 < 127 ? room / 2 : 127, limit);
    if (n < 0) {
        return -1;
    }
    for (i = 0; i < n; i++) {
        bool hup = (seen[i].events & (EPOLLHUP | EPOLLERR)) != 0;

        if ((seen[i].data.u64 & 0xfff)
            != (kqueue_added[kqueue_fd(&seen[i])] & 0xfffu)) {
            continue;               /* a descriptor's that was closed */
        }
        if ((seen[i].events & (EPOLLIN | EPOLLRDHUP)) != 0 || hup) {
            told += kqueue_event(&events[told], EVFILT_READ, &seen[i],
                                 (seen[i].events & EPOLLRDHUP) != 0 || hup);
        }
        if ((seen[i].events & EPOLLOUT) != 0 || hup) {
            told += kqueue_event(&events[told], EVFILT_WRITE, &seen[i], hup);
        }
    }
    if (*timer != 0 && kqueue_now() >= *timer) {
        *timer = 0;
        events[told].ident = 0;
        events[told].filter = EVFILT_TIMER;
        events[told].flags = EV_ONESHOT;
        events[told].udata = NULL;
        told++;
    }
    return told;
}

#endif

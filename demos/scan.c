/* scan: which TCP ports of a machine answer?
 *
 *     make run DEMO=scan                               this machine
 *     make run DEMO=scan ARGS='192.168.1.1 1 1024'     a machine of yours
 *
 * A hundred workers take the next port from one counter, which needs no lock:
 * between two AWAITs nobody else runs. A port that says nothing costs one
 * worker a second, and the other 99 go on. */
#define ASYNC_IMPLEMENTATION
#include "async.h"

#include <stdio.h>
#include <stdlib.h>

enum { WORKERS = 100 };

struct scan;

struct worker {
    async_frame frame;
    async_task task;
    async_timeout scope;
    struct scan *scan;
    int port, fd, result;
};

struct scan {
    async_frame frame;
    const char *host;
    int first, next, last;
    int open, closed, silent;
    async_ticks start;
    int i;
    struct worker workers[WORKERS];
};

static ASYNC worker(struct worker *self)
{
    struct scan *scan = self->scan;     /* set anew at each resume */

    ASYNC_BEGIN(self);
    while (scan->next <= scan->last) {
        self->port = scan->next++;
        AWAIT_RESULT(self->result,
                     ASYNC_TIMEOUT(&self->scope, ASYNC_SEC(1),
                                   async_tcp_connect(&self->fd, scan->host,
                                                     self->port)));
        if (self->result == ASYNC_ECONNREFUSED) {
            scan->closed++;
        } else if (self->result == ASYNC_ETIMEDOUT) {
            scan->silent++;
        } else if (self->result < 0) {
            ASYNC_RAISE(self->result);      /* no such host, no descriptors */
        } else {
            /* Of two ports that nobody listens at, the machine may choose the
             * one to call the other from; so it can happen to call itself. */
            if (async_local_port(self->fd) == self->port) {
                scan->closed++;
            } else {
                scan->open++;
                printf("%5d open\n", self->port);
            }
            async_close(self->fd);
        }
    }
    ASYNC_END;
}

static ASYNC scan(struct scan *self)
{
    ASYNC_BEGIN(self);
    self->start = async_now();
    self->next = self->first;
    for (self->i = 0; self->i < WORKERS; self->i++) {
        self->workers[self->i].scan = self;
        async_spawn(&self->workers[self->i].task, worker,
                    &self->workers[self->i]);
    }
    for (self->i = 0; self->i < WORKERS; self->i++) {
        AWAIT(async_join(&self->workers[self->i].task));
    }
    printf("%s, ports %d to %d: %d open, %d closed, %d silent; %.2f s\n",
           self->host, self->first, self->last, self->open, self->closed,
           self->silent, (double)(async_now() - self->start) / 1e9);
    ASYNC_END;
}

int main(int argc, char **argv)
{
    static struct scan frame;
    int result;

    frame.host = argc > 1 ? argv[1] : "127.0.0.1";
    frame.first = argc > 2 ? atoi(argv[2]) : 1;
    frame.last = argc > 3 ? atoi(argv[3]) : argc > 2 ? frame.first : 9999;
    if (frame.first < 1 || frame.last > 65535) {
        fprintf(stderr, "usage: scan [address [first port [last port]]]\n");
        return 2;
    }
    result = async_run(scan, &frame);
    if (result < 0) {
        fprintf(stderr, "scan: %s: %s\n", frame.host, async_strerror(result));
    }
    return result < 0;
}

/* The other side of the echo benchmark: a process of its own that keeps one
 * message of 64 bytes in flight on each connection, and measures. */
#ifndef CLIENTS_H
#define CLIENTS_H

#ifdef __cplusplus
extern "C" {
#endif

enum { MESSAGE = 64 };

/* A listening socket of 127.0.0.1, not blocking; and the process that will
 * make `connections` connections to it, one request on each, then `requests`
 * more that are measured, and then close them all. Call once. */
int clients_start(long connections, long requests);

/* The same for a server of `count` loops: as many listening sockets of one
 * address, among which the system deals the connections out. Its clients may
 * run on any processor. */
void clients_start_many(long connections, long requests, int *listeners,
                        int count);

/* Waits for that process, when the server has seen all connections close, and
 * reports: processor time of the server, and time, per request. */
void clients_end(void);

#ifdef __cplusplus
}
#endif

#endif

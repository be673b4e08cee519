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

/* The same with messages of `bytes` bytes, however large. */
int clients_start_bulk(long connections, long requests, long bytes);

/* A process that makes all its connections, and sends a message on each, before
 * this returns; then reads the answers and closes. Nobody measures but us. */
int clients_start_storm(long connections);

/* A process that makes its connections and does nothing more. */
int clients_start_idle(long connections);

/* Waits for one of these two to end; or ends it, before it has done all. */
void clients_end_storm(void);
void clients_end_idle(void);

/* Waits for a process that measures, when the server has seen all connections
 * close, and reports: processor time of the server, and time, per request. */
void clients_end(void);

#ifdef __cplusplus
}
#endif

#endif

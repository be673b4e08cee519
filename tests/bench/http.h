/* The other side of the HTTP benchmark, and what its servers share: wrk, where
 * it is installed, asks 64 connections for a hello for two seconds; then a
 * last request tells the server to end. */
#ifndef HTTP_H
#define HTTP_H

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { HTTP_ROOM = 1024, HTTP_CONNECTIONS = 64, HTTP_AT_MOST = 256 };

#define HTTP_HELLO "Hello, world!\n"
#define HTTP_ANSWER                                                     \
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14" \
    "\r\n\r\n" HTTP_HELLO

/* Whether these bytes are a whole request; they are never more than one. */
static inline int http_is_whole(const char *request, int length)
{
    return length >= 4 && memcmp(request + length - 4, "\r\n\r\n", 4) == 0;
}

static inline int http_is_last(const char *request)
{
    return memcmp(request, "GET /end", 8) == 0;
}

/* A listening socket of 127.0.0.1, not blocking, and the process that will ask
 * there; the measurement takes so many milliseconds. Call once. */
int http_start(long milliseconds);

/* After the last request: reports processor time of the server, and time, per
 * request. */
void http_end(void);

#ifdef __cplusplus
}
#endif

#endif

/* An HTTP server that says hello, with libevent's own: evhttp reads the whole
 * of each request, and makes the answer's head. */
#include "../bench.h"

#ifdef __linux__
#include "../http.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

static struct event_base *base;
static struct evhttp *http;

static void hello(struct evhttp_request *request, void *unused)
{
    struct evbuffer *body = evbuffer_new();
    (void)unused;
    evhttp_add_header(evhttp_request_get_output_headers(request),
                      "Content-Type", "text/plain");
    evbuffer_add_reference(body, HTTP_HELLO, sizeof HTTP_HELLO - 1, NULL,
                           NULL);
    evhttp_send_reply(request, HTTP_OK, "OK", body);
    evbuffer_free(body);
}

static void end(struct evhttp_request *request, void *unused)
{
    (void)unused;
    evhttp_send_reply(request, HTTP_OK, "OK", NULL);
    event_base_loopexit(base, NULL);
}

static void prepare(long size, long count)
{
    (void)size;
    base = event_base_new();
    bench_check(base != NULL, "event_base_new");
    http = evhttp_new(base);
    bench_check(http != NULL, "evhttp_new");
    evhttp_set_gencb(http, hello, NULL);
    evhttp_set_cb(http, "/end", end, NULL);
    bench_check(evhttp_accept_socket(http, http_start(count)) == 0,
                "evhttp_accept_socket");
}

static void run(long size, long count)
{
    (void)size;
    (void)count;
    event_base_dispatch(base);
    evhttp_free(http);
    http_end();
}

const struct bench bench_list[] = {
    {"http-hello", BENCH_OWN, 1, 2000, 0, prepare, run},
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};
#else
const struct bench bench_list[] = {
    {NULL, BENCH_WALL, 0, 0, 0, NULL, NULL}
};
#endif

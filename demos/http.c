/* http: a web server for a folder of files, and a client for it.
 *
 *     make run DEMO=http PORT=8080                     says hello
 *     make run DEMO=http PORT=8080 ROOT=demos          serves the files there
 *     make run DEMO=http PORT=8080 ARGS='/ /http.c'    the client
 *
 * HTTP/1.1 as far as a static site needs it: GET and HEAD, connections that
 * stay open, requests in a row (pipelining), limits of length and of time.
 * Browsers, curl, wrk and ab talk to it.
 *
 * A connection is a task in a slot of the server's, with a stream of its own:
 * lines come in, and an answer is put together in the write buffer, which is
 * sent when the next request has to be waited for. Files are opened and read
 * in other threads (async_file), so a slow disk holds up nobody else.
 *
 * Control-C: no new connections; those that wait for a request are closed, the
 * others have five seconds to finish. */
#define ASYNC_IMPLEMENTATION
#include "async.h"

#include <ctype.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS = 512, LINE = 4096, HEADERS = 100, PATH = 1024 };

static const char *root;        /* NULL: there are no files, it says hello */

/* ---- a request ----------------------------------------------------------- */

struct request {
    async_frame frame;
    int n, headers;
    char *line;
    bool head, keep, old;       /* HEAD; keep the connection; HTTP/1.0 */
    size_t body;                /* bytes that follow it */
    char path[PATH];
};

#define BAD ASYNC_EUSER(400)
#define NO_METHOD ASYNC_EUSER(405)
#define TOO_LONG ASYNC_EUSER(431)
#define NO_CODING ASYNC_EUSER(501)

/* "a%20b?c" becomes "a b"; false for what is no path, or leads out of the
 * folder. */
static bool decode(char *to, const char *from)
{
    size_t n = 0;

    if (*from != '/') {
        return false;
    }
    for (; *from != '\0' && *from != '?' && *from != '#'; from++) {
        char c = *from;

        if (c == '%') {
            char digits[3];

            if (!isxdigit((unsigned char)from[1])
                || !isxdigit((unsigned char)from[2])) {
                return false;
            }
            digits[0] = from[1];
            digits[1] = from[2];
            digits[2] = '\0';
            c = (char)strtol(digits, NULL, 16);
            from += 2;
        }
        if (c == '\0' || n == PATH - 1) {
            return false;
        }
        to[n++] = c;
    }
    to[n] = '\0';
    return strstr(to, "/.") == NULL;        /* hidden files neither */
}

/* "GET /path HTTP/1.1" */
static int request_line(struct request *self)
{
    char *path = strchr(self->line, ' ');
    char *version = path == NULL ? NULL : strchr(path + 1, ' ');

    if (version == NULL || strncmp(version + 1, "HTTP/1.", 7) != 0) {
        return BAD;
    }
    *path++ = *version++ = '\0';
    self->old = strncmp(version, "HTTP/1.0", 8) == 0;
    self->keep = !self->old;
    self->head = strcmp(self->line, "HEAD") == 0;
    if (!self->head && strcmp(self->line, "GET") != 0) {
        return NO_METHOD;
    }
    return decode(self->path, path) ? 0 : BAD;
}

/* Is the line a header of this name? Its value, without the end of the line. */
static char *header(char *line, const char *name)
{
    size_t n = strlen(name), i;

    for (i = 0; i < n; i++) {
        if (tolower((unsigned char)line[i]) != name[i]) {
            return NULL;
        }
    }
    if (line[n] != ':') {
        return NULL;
    }
    line += n + 1;
    line += strspn(line, " \t");
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

static int request_header(struct request *self)
{
    char *value = header(self->line, "connection");

    if (value != NULL) {
        self->keep = self->old ? strstr(value, "eep-") != NULL
                               : strstr(value, "lose") == NULL;
        return 0;
    }
    value = header(self->line, "content-length");
    if (value != NULL) {
        if (!isdigit((unsigned char)*value) || strlen(value) > 9) {
            return BAD;
        }
        self->body = (size_t)strtoul(value, NULL, 10);
        return 0;
    }
    return header(self->line, "transfer-encoding") != NULL ? NO_CODING : 0;
}

/* 1, or 0 when there is none any more. */
static ASYNC receive(struct request *self, async_stream *stream)
{
    ASYNC_BEGIN(self);
    self->headers = 0;
    self->body = 0;
    self->keep = false;
    do {                                    /* an empty line may come before */
        AWAIT_VALUE(self->n, async_stream_read_line(stream, &self->line));
        if (self->n == 0) {
            ASYNC_RETURN(0);
        }
    } while (strcmp(self->line, "\r\n") == 0 && ++self->headers < HEADERS);
    self->n = request_line(self);
    if (self->n < 0) {
        ASYNC_RAISE(self->n);
    }
    for (;;) {
        AWAIT_VALUE(self->n, async_stream_read_line(stream, &self->line));
        if (self->n == 0 || self->headers++ == HEADERS) {
            ASYNC_RAISE(self->n == 0 ? BAD : TOO_LONG);
        }
        if (self->line[0] == '\r' || self->line[0] == '\n') {
            break;
        }
        self->n = request_header(self);
        if (self->n < 0) {
            ASYNC_RAISE(self->n);
        }
    }
    while (self->body > 0) {                /* nobody wants it */
        AWAIT_VALUE(self->n, async_stream_peek(stream, 1, &self->line));
        if (self->n == 0) {
            ASYNC_RAISE(BAD);
        }
        if ((size_t)self->n > self->body) {
            self->n = (int)self->body;
        }
        async_stream_skip(stream, (size_t)self->n);
        self->body -= (size_t)self->n;
    }
    ASYNC_RETURN(1);
    ASYNC_END;
}

/* ---- an answer ----------------------------------------------------------- */

struct answer {
    async_frame frame;
    async_file file;
    struct stat about;
    int n, outcome;
    int64_t left;
    size_t done;
    char name[PATH + 256];
    char chunk[16 * 1024];
};

static const char *reason(int status)
{
    switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    default: return "Internal Server Error";
    }
}

static const char *type_of(const char *name)
{
    static const char *const types[][2] = {
        {".html", "text/html; charset=utf-8"}, {".css", "text/css"},
        {".js", "text/javascript"}, {".png", "image/png"},
        {".svg", "image/svg+xml"}, {".jpg", "image/jpeg"}
    };
    const char *dot = strrchr(name, '.');
    size_t i;

    for (i = 0; dot != NULL && i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(dot, types[i][0]) == 0) {
            return types[i][1];
        }
    }
    return "text/plain; charset=utf-8";
}

#define HEAD(stream, request, status, type, length) \
    async_stream_printf((stream), "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n" \
        "Content-Length: %lld\r\n%s%s\r\n", (status), reason(status), (type), \
        (long long)(length), \
        (status) == 405 ? "Allow: GET, HEAD\r\n" : "", \
        !(request)->keep ? "Connection: close\r\n" \
        : (request)->old ? "Connection: keep-alive\r\n" : "")

/* A few words: hello, or what is wrong. */
static ASYNC say(struct answer *self, async_stream *stream,
                 const struct request *request, int status, const char *text)
{
    ASYNC_BEGIN(self);
    AWAIT(HEAD(stream, request, status, "text/plain; charset=utf-8",
               strlen(text) + 1));
    if (!request->head) {
        AWAIT(async_stream_printf(stream, "%s\n", text));
    }
    ASYNC_END;
}

/* The status, if nothing has been said yet: 200 when all is said. */
static ASYNC send_file(struct answer *self, async_stream *stream,
                       const struct request *request)
{
    ASYNC_BEGIN(self);
    snprintf(self->name, sizeof self->name, "%s%s%s", root, request->path,
             request->path[strlen(request->path) - 1] == '/' ? "index.html"
                                                             : "");
    AWAIT_RESULT(self->n, async_file_open(&self->file, self->name, O_RDONLY,
                                          0));
    if (self->n < 0) {
        ASYNC_RETURN(404);
    }
    ASYNC_TRY {
        AWAIT(async_file_stat(&self->file, &self->about));
        if (!S_ISREG(self->about.st_mode)) {
            ASYNC_RETURN(404);
        }
        self->left = self->about.st_size;
        AWAIT(HEAD(stream, request, 200, type_of(self->name), self->left));
        while (self->left > 0 && !request->head) {
            AWAIT_VALUE(self->n, async_file_read(&self->file, self->chunk,
                                                 sizeof self->chunk));
            if (self->n == 0 || self->n > self->left) {
                ASYNC_RAISE(ASYNC_EIO);     /* it changes under our hands */
            }
            AWAIT(async_stream_write_all(stream, self->chunk,
                                         (size_t)self->n, &self->done));
            self->left -= self->n;
        }
    } ASYNC_FINALLY(self->outcome) {
        AWAIT(async_file_close(&self->file));
    } ASYNC_TRY_END;
    ASYNC_RETURN(200);
    ASYNC_END;
}

/* ---- a connection -------------------------------------------------------- */

struct session {
    async_frame frame;
    int fd, status, outcome;
    bool idle;                  /* it waits for a request */
    async_stream stream;
    async_timeout limit;
    struct request request;
    struct answer answer;
    char in[LINE], out[LINE];
};

/* The errors of a request have the numbers of HTTP. */
static int status_of(int error)
{
    return error == ASYNC_EMSGSIZE ? 431
        : error <= ASYNC_EUSER(400) && error > ASYNC_EUSER(600)
        ? ASYNC_EUSER_N(error) : 0;
}

static ASYNC session(struct session *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_stream_open(&self->stream, self->fd, self->in, sizeof self->in,
                            self->out, sizeof self->out));
    ASYNC_TRY {
        do {
            self->idle = true;
            AWAIT_RESULT(self->status, ASYNC_TIMEOUT(
                &self->limit, ASYNC_SEC(20),
                receive(&self->request, &self->stream)));
            self->idle = false;
            if (self->status == 0) {
                break;
            }
            if (self->status < 0) {
                self->request.keep = false;
                self->request.head = false;
                self->status = status_of(self->status);
                if (self->status == 0) {
                    break;                  /* too late, or it broke */
                }
            } else if (root == NULL) {
                self->status = strcmp(self->request.path, "/") == 0 ? 200
                                                                    : 404;
            } else {
                AWAIT_VALUE(self->status, send_file(&self->answer,
                                                    &self->stream,
                                                    &self->request));
                if (self->status == 200) {
                    continue;
                }
            }
            AWAIT(say(&self->answer, &self->stream, &self->request,
                      self->status, self->status == 200
                      ? "hello, world" : reason(self->status)));
        } while (self->request.keep);
        /* Closed at once, with something unread, the connection would be
         * reset, and the answer with it. */
        ASYNC_TIMEOUT_BEGIN(&self->limit, ASYNC_SEC(2)) {
            AWAIT(async_stream_shutdown_write(&self->stream));
            do {
                AWAIT_VALUE(self->status, async_stream_peek(
                    &self->stream, 1, &self->request.line));
                async_stream_skip(&self->stream, (size_t)self->status);
            } while (self->status > 0);
        } ASYNC_TIMEOUT_END;
    } ASYNC_FINALLY(self->outcome) {
        self->idle = false;
        async_stream_abort(&self->stream);
    } ASYNC_TRY_END;
    ASYNC_END;
}

/* ---- the server ---------------------------------------------------------- */

struct program {
    async_frame frame;
    async_task task;
    async_server server;
    async_slot slots[CONNECTIONS];
    struct session sessions[CONNECTIONS];
    async_signal enough;
    int port, listener, i, n;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    self->listener = async_tcp_listen("127.0.0.1", self->port, 512);
    AWAIT(async_server_open(&self->server, self->listener, self->slots,
                            self->sessions, CONNECTIONS, session));
    AWAIT(async_signal_open(&self->enough, SIGINT));
    AWAIT(async_signal_add(&self->enough, SIGTERM));
    async_spawn(&self->task, async_server_run, &self->server);
    printf("http: listening on 127.0.0.1 port %d\n",
           async_local_port(self->listener));
    fflush(stdout);
    AWAIT(async_signal_wait(&self->enough));
    async_server_stop(&self->server);
    for (self->i = 0; self->i < CONNECTIONS; self->i++) {
        if (self->sessions[self->i].idle) {
            async_cancel(&self->slots[self->i].task);
        }
    }
    AWAIT_VALUE(self->n, async_server_close(&self->server, ASYNC_SEC(5)));
    async_signal_close(&self->enough);
    printf("http: bye, after %lu connections\n", self->server.accepted);
    ASYNC_END;
}

/* ---- the client ---------------------------------------------------------- */

/* Asks for one path after the other over one connection, and prints what it
 * gets: the status, the length, and the first line. */
struct client {
    async_frame frame;
    async_stream stream;
    async_timeout limit;
    int port, fd, i, n, status, outcome;
    char **paths, *line, *value;
    size_t length, done;
    char in[LINE], out[LINE], body[1024 * 1024];
};

static ASYNC get(struct client *self)
{
    ASYNC_BEGIN(self);
    self->fd = -1;
    AWAIT(async_tcp_connect(&self->fd, "127.0.0.1", self->port));
    AWAIT(async_stream_open(&self->stream, self->fd, self->in, sizeof self->in,
                            self->out, sizeof self->out));
    ASYNC_TRY {
        for (self->i = 0; self->paths[self->i] != NULL; self->i++) {
            AWAIT(async_stream_printf(&self->stream, "GET %s HTTP/1.1\r\n"
                                      "Host: localhost\r\n\r\n",
                                      self->paths[self->i]));
        }
        for (self->i = 0; self->paths[self->i] != NULL; self->i++) {
            AWAIT_VALUE(self->n, async_stream_read_line(&self->stream,
                                                        &self->line));
            if (self->n == 0 || sscanf(self->line, "HTTP/1.1 %d",
                                       &self->status) != 1) {
                ASYNC_RAISE(BAD);
            }
            self->length = 0;
            do {
                AWAIT_VALUE(self->n, async_stream_read_line(&self->stream,
                                                            &self->line));
                self->value = header(self->line, "content-length");
                if (self->value != NULL) {
                    self->length = (size_t)strtoul(self->value, NULL, 10);
                }
            } while (self->n > 2);
            if (self->length >= sizeof self->body) {
                ASYNC_RAISE(ASYNC_EMSGSIZE);
            }
            AWAIT(async_stream_read_exactly(&self->stream, self->body,
                                            self->length, &self->done));
            self->body[self->length] = '\0';
            printf("%d %s: %lu bytes: %.*s\n", self->status,
                   self->paths[self->i], (unsigned long)self->length,
                   (int)strcspn(self->body, "\r\n"), self->body);
        }
    } ASYNC_FINALLY(self->outcome) {
        async_stream_abort(&self->stream);
    } ASYNC_TRY_END;
    ASYNC_END;
}

int main(int argc, char **argv)
{
    static struct client client_frame;
    static struct program server_frame;
    const char *text = getenv("PORT");
    int result, port = text == NULL || *text == '\0' ? 8080 : atoi(text);

    root = getenv("ROOT");
    root = root == NULL || *root == '\0' ? NULL : root;
    if (argc > 1) {
        client_frame.port = port;
        client_frame.paths = argv + 1;
        result = async_run(get, &client_frame);
    } else {
        server_frame.port = port;
        result = async_run(program, &server_frame);
    }
    if (result < 0) {
        fprintf(stderr, "http: port %d: %s\n", port, async_strerror(result));
    }
    return result < 0;
}

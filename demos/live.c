/* live: connections that both sides talk over whenever they like (WebSockets).
 *
 *     make run DEMO=live                  a server and a thousand clients
 *     make run DEMO=live ARGS=7000        the server, for a browser:
 *
 *         w = new WebSocket("ws://localhost:7000")
 *         w.onmessage = m => console.log(m.data)
 *         w.send("hello")
 *
 * The server says back what it hears, and tells each client the time, once a
 * second. So a session is two tasks over one stream: one reads, and answers;
 * the other one waits for the next second, and writes. Neither has to know of
 * the other: a stream sends the message of the one, then that of the other,
 * never a mixture. */
#include "demo.h"

#include <sys/resource.h>
#include <sys/socket.h>

enum { MOST = 1000, TEXT = 120, BUFFER = 512 };

/* ---- the handshake ------------------------------------------------------- */

static uint32_t turned(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

/* SHA-1 of less than 120 bytes: two blocks at most. */
static void sha1(unsigned char digest[20], const char *text)
{
    uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
                     0xc3d2e1f0};
    unsigned char block[128] = {0};
    size_t length = strlen(text), end = length < 56 ? 64 : 128, at;
    int i;

    memcpy(block, text, length);
    block[length] = 0x80;
    block[end - 2] = (unsigned char)(length * 8 >> 8);
    block[end - 1] = (unsigned char)(length * 8);
    for (at = 0; at < end; at += 64) {
        uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];

        for (i = 0; i < 80; i++) {
            const unsigned char *p = block + at + 4 * i;
            uint32_t f = i < 20 ? ((b & c) | (~b & d)) + 0x5a827999
                       : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                       : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                       : (b ^ c ^ d) + 0xca62c1d6;
            uint32_t t;

            w[i] = i < 16 ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16
                            | (uint32_t)p[2] << 8 | p[3]
                 : turned(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
            t = turned(a, 5) + f + e + w[i];
            e = d;
            d = c;
            c = turned(b, 30);
            b = a;
            a = t;
        }
        h[0] += a;
        h[1] += b;
        h[2] += c;
        h[3] += d;
        h[4] += e;
    }
    for (i = 0; i < 20; i++) {
        digest[i] = (unsigned char)(h[i / 4] >> (24 - 8 * (i % 4)));
    }
}

/* What the server answers to a key of 24 letters. */
static void accepted(char answer[29], const char *key)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        "abcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char digest[21];
    char text[80];
    int i;

    snprintf(text, sizeof text, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
             key);
    sha1(digest, text);
    digest[20] = 0;
    for (i = 0; i < 27; i++) {
        int bit = 6 * i, two = digest[bit / 8] << 8 | digest[bit / 8 + 1];

        answer[i] = letters[two >> (10 - bit % 8) & 63];
    }
    strcpy(answer + 27, "=");
}

/* ---- messages ------------------------------------------------------------ */

enum { WORDS = 1, CLOSE = 8, PING = 9, PONG = 10 };

struct message {
    async_frame frame;
    int n, kind;
    size_t length, done;
    char *at;
    unsigned char bytes[4 + TEXT];      /* a mask, and the text */
};

/* The next one: its kind, or CLOSE at the end; its text in `bytes`. */
static ASYNC hear(struct message *self, async_stream *stream)
{
    size_t i;

    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->n, async_stream_peek(stream, 2, &self->at));
    if (self->n < 2) {
        ASYNC_RETURN(CLOSE);
    }
    self->kind = self->at[0] & 15;
    self->length = (size_t)self->at[1] & 127;
    self->n = (self->at[1] & 128) != 0 ? 4 : 0;
    if (self->length > TEXT) {
        ASYNC_RAISE(ASYNC_EMSGSIZE);
    }
    async_stream_skip(stream, 2);
    AWAIT(async_stream_read_exactly(stream, self->bytes,
                                    self->length + (size_t)self->n,
                                    &self->done));
    for (i = 0; i < self->length && self->n != 0; i++) {
        self->bytes[4 + i] ^= self->bytes[i % 4];
    }
    memmove(self->bytes, self->bytes + self->n, self->length);
    self->bytes[self->length] = '\0';
    ASYNC_RETURN(self->kind);
    ASYNC_END;
}

/* One message is one write, so it goes out whole. A client puts a mask over
 * what it says. */
static ASYNC tell(async_stream *stream, int kind, const void *text,
                  size_t length, bool masked)
{
    unsigned char all[6 + TEXT] = {0};
    size_t begin = masked ? 6 : 2;

    all[0] = (unsigned char)(0x80 | kind);
    all[1] = (unsigned char)(length | (masked ? 0x80 : 0));
    memcpy(all + begin, text, length);
    if (masked) {
        size_t i;

        memcpy(all + 2, "mask", 4);
        for (i = 0; i < length; i++) {
            all[6 + i] ^= all[2 + i % 4];
        }
    }
    return async_stream_write(stream, all, begin + length);
}

/* ---- the server ---------------------------------------------------------- */

static async_event tick;       /* set, and cleared at once: who waits goes on */
static int seconds;

struct session {
    async_frame frame;
    int fd, outcome, rc;
    async_stream stream;
    struct message message;
    struct pusher {
        async_frame frame;
        async_task task;
        async_timeout limit;
        char text[20];
    } pusher;
    char key[25], answer[29];
    char in[BUFFER], out[BUFFER];
};

/* A client that does not listen is given up by its pusher, as its text does
 * not get out within a second. */
static ASYNC pusher(struct session *session)
{
    struct pusher *self = &session->pusher;

    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT(async_event_wait(&tick));
        snprintf(self->text, sizeof self->text, "tick %d", seconds);
        ASYNC_TIMEOUT_BEGIN(&self->limit, ASYNC_SEC(1)) {
            AWAIT(tell(&session->stream, WORDS, self->text,
                       strlen(self->text), false));
            AWAIT(async_stream_flush(&session->stream));
        } ASYNC_TIMEOUT_END;
    }
    ASYNC_END;
}

static ASYNC session(struct session *self)
{
    struct message *message = &self->message;

    ASYNC_BEGIN(self);
    AWAIT(async_stream_open(&self->stream, self->fd, self->in, sizeof self->in,
                            self->out, sizeof self->out));
    ASYNC_TRY {
        self->key[0] = '\0';
        do {
            AWAIT_VALUE(self->rc, async_stream_read_line(&self->stream,
                                                         &message->at));
            sscanf(message->at, "Sec-WebSocket-Key: %24s", self->key);
        } while (self->rc > 2);
        accepted(self->answer, self->key);
        AWAIT(async_stream_printf(&self->stream,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
            self->answer));
        AWAIT(async_stream_flush(&self->stream));
        async_spawn(&self->pusher.task, pusher, self);
        do {
            AWAIT_VALUE(self->rc, hear(message, &self->stream));
            AWAIT(tell(&self->stream, self->rc == PING ? PONG : self->rc,
                       message->bytes, message->length, false));
        } while (self->rc != CLOSE);
        AWAIT(async_stream_flush(&self->stream));
    } ASYNC_FINALLY(self->outcome) {
        async_cancel(&self->pusher.task);
        AWAIT_RESULT(self->rc, async_join(&self->pusher.task));
        async_stream_abort(&self->stream);
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct service {
    async_server server;
    async_slot slots[MOST];
    struct session sessions[MOST];
    async_task task;
    struct ticker { async_frame frame; async_task task; async_interval each; }
        ticker;
};

static ASYNC ticker(struct ticker *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_interval_open(&self->each, ASYNC_SEC(1), ASYNC_SKIP));
    for (;;) {
        AWAIT(async_interval_wait(&self->each));
        seconds++;
        async_event_set(&tick);
        async_event_clear(&tick);
    }
    ASYNC_END;
}

/* The port, or an error. */
static int service_start(struct service *self, int port)
{
    int listener = async_tcp_listen("127.0.0.1", port, MOST);
    int rc = async_server_open(&self->server, listener, self->slots,
                               self->sessions, MOST, session);

    if (rc < 0) {
        return rc;
    }
    async_spawn(&self->task, async_server_run, &self->server);
    return async_local_port(listener);
}

/* ---- the clients --------------------------------------------------------- */

struct client {
    async_frame frame;
    async_task task;
    async_stream stream;
    struct message message;
    int fd, port, ticks, echoes, n;
    char in[BUFFER], out[BUFFER];
};

static int connected;

static ASYNC client(struct client *self)
{
    struct message *message = &self->message;

    ASYNC_BEGIN(self);
    AWAIT(async_tcp_connect(&self->fd, "127.0.0.1", self->port));
    AWAIT(async_stream_open(&self->stream, self->fd, self->in, sizeof self->in,
                            self->out, sizeof self->out));
    AWAIT(async_stream_printf(&self->stream, "GET / HTTP/1.1\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
    do {                        /* the answer to this key is a known one */
        AWAIT_VALUE(self->n, async_stream_read_line(&self->stream,
                                                    &message->at));
        connected += strcmp(message->at, "Sec-WebSocket-Accept: "
                            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") == 0;
    } while (self->n > 2);
    AWAIT(tell(&self->stream, WORDS, "hello", 5, true));
    while (self->ticks < 3) {
        AWAIT_VALUE(self->n, hear(message, &self->stream));
        if (self->n == CLOSE) {
            break;
        }
        self->echoes += strcmp((char *)message->bytes, "hello") == 0;
        self->ticks += strncmp((char *)message->bytes, "tick ", 5) == 0;
    }
    AWAIT(tell(&self->stream, CLOSE, "", 0, true));
    do {
        AWAIT_VALUE(self->n, hear(message, &self->stream));
    } while (self->n != CLOSE);
    AWAIT(async_stream_close(&self->stream));
    ASYNC_END;
}

/* -------------------------------------------------------------------------- */

struct program {
    async_frame frame;
    struct service service;
    struct client clients[MOST];
    int port, i, rc, ticks, echoes, failed;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    self->rc = service_start(&self->service, self->port);
    AWAIT(self->rc);
    if (self->port != 0) {
        async_spawn(&self->service.ticker.task, ticker,
                    &self->service.ticker);
        AWAIT(async_join(&self->service.task));
    }
    for (self->i = 0; self->i < MOST; self->i++) {
        self->clients[self->i].port = self->rc;
        async_spawn(&self->clients[self->i].task, client,
                    &self->clients[self->i]);
    }
    AWAIT_UNTIL(connected == MOST);
    printf("%d are connected\n", connected);
    async_spawn(&self->service.ticker.task, ticker, &self->service.ticker);
    for (self->i = 0; self->i < MOST; self->i++) {
        AWAIT_RESULT(self->rc, async_join(&self->clients[self->i].task));
        self->failed += self->rc < 0;
        self->ticks += self->clients[self->i].ticks;
        self->echoes += self->clients[self->i].echoes;
    }
    printf("%d heard their echo, and %d ticks; %d failed\n", self->echoes,
           self->ticks, self->failed);
    AWAIT_VALUE(self->rc, async_server_close(&self->service.server,
                                             ASYNC_SEC(5)));
    printf("all have left; %d had to be cancelled\n", self->rc);
    ASYNC_END;
}

/* Two descriptors for each client, and a few. */
static void room_for_descriptors(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < 2 * MOST + 50) {
        limit.rlim_cur = 2 * MOST + 50;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    static struct program frame;
    int result;

    title("A thousand clients, an echo, and a tick each second");
    room_for_descriptors();
    frame.port = argc > 1 ? atoi(argv[1]) : 0;
    result = async_run(program, &frame);
    if (result < 0) {
        fprintf(stderr, "live: %s\n", async_strerror(result));
    }
    return result < 0;
}

/* chat: a chat server with rooms and nicknames, and a client for it.
 *
 *     make run DEMO=chat PORT=7000                   the server
 *     make run DEMO=chat PORT=7000 ARGS=client       a client; several, in
 *                                                    terminals of their own
 *
 * Nobody waits for anybody: what is said is put into a buffer of each listener,
 * and a task of that listener's own sends it. Who does not take it (a slow
 * client, or a dead one) fills only its own buffer, and is then shown out.
 * Control-C says good-bye to all, waits a second at most until they have it,
 * and ends. */
#define ASYNC_IMPLEMENTATION
#include "async.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { NAME = 20, LINE = 512, OUTBOX = 32 * 1024 };

/* ---- a client, as the server sees it ------------------------------------- */

struct sender {
    async_frame frame;
    async_task task;
    size_t done;
};

struct client {
    async_watch watch;      /* first: the callback finds the client by it */
    async_frame frame;
    async_task task;        /* reads what the client says */
    async_timeout scope;
    struct sender sender;   /* sends what the others say, while there is any */
    struct client *next;
    int fd, got, outcome;
    bool present;           /* it is in its room */
    const char *why;        /* it left */
    char nick[NAME], room[NAME];
    size_t in, out, sending;
    char inbox[LINE];       /* a line that is not complete yet */
    char outbox[OUTBOX];
};

static struct client *clients;
static int guests;

/* Sends until the outbox is empty, and ends. What is said meanwhile is put
 * behind it, and moves up. */
static ASYNC sender(struct client *client)
{
    struct sender *self = &client->sender;

    ASYNC_BEGIN(self);
    while (client->out > 0) {
        client->sending = client->out;
        AWAIT(async_write_all(client->fd, client->outbox, client->sending,
                              &self->done));
        client->out -= client->sending;
        memmove(client->outbox, client->outbox + client->sending,
                client->out);
    }
    ASYNC_END;
}

/* An ordinary function, which never waits: this is what keeps a slow client
 * from delaying the others. */
static void tell(struct client *client, const char *format, ...)
{
    char line[LINE + 2 * NAME + 64];
    va_list arguments;
    size_t length;

    va_start(arguments, format);
    vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    length = strlen(line);
    line[length++] = '\n';
    if (length > OUTBOX - client->out) {
        client->why = ", being too slow";
        async_cancel(&client->task);
        return;
    }
    memcpy(client->outbox + client->out, line, length);
    client->out += length;
    if (client->out == length) {            /* it was empty: nobody sends */
        async_spawn(&client->sender.task, sender, client);
    }
}

#define FOR_EACH(client) \
    for ((client) = clients; (client) != NULL; (client) = (client)->next)

static void tell_room(const struct client *from, const char *format,
                      const char *text)
{
    struct client *client;

    FOR_EACH(client) {
        if (client != from && client->present
            && strcmp(client->room, from->room) == 0) {
            tell(client, format, from->nick, text);
        }
    }
}

/* ---- what a client can say ----------------------------------------------- */

static void enter(struct client *self, const char *room)
{
    snprintf(self->room, sizeof self->room, "%.*s", NAME - 1, room);
    self->present = true;
    tell_room(self, "* %s has joined%s", "");
    tell(self, "* you are %s, in %s", self->nick, self->room);
}

static void leave(struct client *self)
{
    if (self->present) {
        self->present = false;
        tell_room(self, "* %s has left%s", self->why == NULL ? "" : self->why);
    }
}

static bool is_taken(const char *nick)
{
    const struct client *client;

    FOR_EACH(client) {
        if (strcmp(client->nick, nick) == 0) {
            return true;
        }
    }
    return false;
}

static void rename_to(struct client *self, const char *nick)
{
    char old[NAME];

    if (*nick == '\0' || strlen(nick) >= NAME || strpbrk(nick, " *<>")) {
        tell(self, "* a name has 1 to %d letters", NAME - 1);
        return;
    }
    if (is_taken(nick)) {
        tell(self, "* %s is taken", nick);
        return;
    }
    memcpy(old, self->nick, sizeof old);
    snprintf(self->nick, sizeof self->nick, "%s", nick);
    tell_room(self, "* %s was called %s before", old);
    tell(self, "* you are %s", self->nick);
}

static void list(struct client *self)
{
    struct client *client;

    FOR_EACH(client) {
        if (client->present) {
            tell(self, "* %s is in %s", client->nick, client->room);
        }
    }
}

/* The text after a command, or NULL if it is another one. */
static const char *argument(const char *line, const char *command)
{
    size_t length = strlen(command);

    if (strncmp(line, command, length) != 0
        || (line[length] != ' ' && line[length] != '\0')) {
        return NULL;
    }
    return line + length + strspn(line + length, " ");
}

/* False when the client wants to go. */
static bool say(struct client *self, const char *line)
{
    const char *text;

    if (*line != '/') {
        if (*line != '\0') {
            tell_room(self, "<%s> %s", line);
        }
    } else if ((text = argument(line, "/nick")) != NULL) {
        rename_to(self, text);
    } else if ((text = argument(line, "/join")) != NULL && *text != '\0') {
        leave(self);
        enter(self, text);
    } else if (argument(line, "/who") != NULL) {
        list(self);
    } else if (argument(line, "/quit") != NULL) {
        return false;
    } else {
        tell(self, "* /nick NAME  /join ROOM  /who  /quit");
    }
    return true;
}

/* Take in what was read, and say each complete line. */
static bool take(struct client *self, int got)
{
    char *start = self->inbox, *end = self->inbox + self->in + got, *newline;

    while ((newline = memchr(start, '\n', (size_t)(end - start))) != NULL) {
        *newline = '\0';
        if (newline > start && newline[-1] == '\r') {
            newline[-1] = '\0';
        }
        if (!say(self, start)) {
            return false;
        }
        start = newline + 1;
    }
    self->in = (size_t)(end - start);
    memmove(self->inbox, start, self->in);
    if (self->in == sizeof self->inbox) {       /* longer than a line may be */
        self->why = ", after too long a line";
        return false;
    }
    return true;
}

/* ---- the task of a client ------------------------------------------------ */

static ASYNC client(struct client *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        enter(self, "lobby");
        do {
            AWAIT_VALUE(self->got,
                        async_read(self->fd, self->inbox + self->in,
                                   sizeof self->inbox - self->in));
        } while (self->got > 0 && take(self, self->got));
    } ASYNC_FINALLY(self->outcome) {
        leave(self);
        if (self->out > 0) {    /* not all is sent: a second more for that */
            AWAIT_RESULT(self->got,
                         ASYNC_TIMEOUT(&self->scope,
                                       ASYNC_SEC(self->why == NULL ? 1 : 0),
                                       async_join(&self->sender.task)));
        }
    } ASYNC_TRY_END;
    ASYNC_END;
}

static void client_ended(async_watch *watch, async_task *task)
{
    struct client *ended = (struct client *)(void *)watch, **link = &clients;

    (void)task;
    while (*link != ended) {
        link = &(*link)->next;
    }
    *link = ended->next;
    async_close(ended->fd);
    free(ended);
}

static void welcome(int fd)
{
    struct client *guest = calloc(1, sizeof *guest);
    int size = OUTBOX;      /* the kernel is to keep no megabytes for it */

    if (guest == NULL) {
        async_close(fd);
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    guest->fd = fd;
    do {
        snprintf(guest->nick, sizeof guest->nick, "guest%d", ++guests);
    } while (is_taken(guest->nick));
    guest->next = clients;
    clients = guest;
    async_spawn(&guest->task, client, guest);
    async_on_done(&guest->task, &guest->watch, client_ended);
}

/* ---- the server ---------------------------------------------------------- */

struct server {
    async_frame frame;
    async_task task;
    int fd, peer, outcome;
};

static ASYNC server(struct server *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        for (;;) {
            AWAIT_RESULT(self->peer, async_accept(self->fd, NULL, NULL));
            if (self->peer >= 0) {
                welcome(self->peer);
            } else if (self->peer != ASYNC_EMFILE
                       && self->peer != ASYNC_ENFILE) {
                ASYNC_RAISE(self->peer);
            }
        }
    } ASYNC_FINALLY(self->outcome) {
        async_close(self->fd);
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct watchman {
    async_frame frame;
    async_task task;
    async_signal *signal;
    async_task *target;
};

static ASYNC watchman(struct watchman *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_signal_wait(self->signal));
    async_cancel(self->target);
    ASYNC_END;
}

static bool all_told(void)
{
    const struct client *client;

    FOR_EACH(client) {
        if (client->out > 0 && !async_done(&client->sender.task)) {
            return false;
        }
    }
    return true;
}

struct program {
    async_frame frame;
    struct server server;
    struct watchman watchman;
    async_signal signal;
    int port, result, i;
};

static ASYNC program(struct program *self)
{
    struct client *client;

    ASYNC_BEGIN(self);
    self->server.fd = async_tcp_listen("127.0.0.1", self->port, 128);
    if (self->server.fd < 0) {
        ASYNC_RAISE(self->server.fd);
    }
    printf("chat: listening on 127.0.0.1 port %d\n",
           async_local_port(self->server.fd));
    fflush(stdout);
    async_spawn(&self->server.task, server, &self->server);

    AWAIT(async_signal_open(&self->signal, SIGINT));
    AWAIT(async_signal_add(&self->signal, SIGTERM));
    self->watchman.signal = &self->signal;
    self->watchman.target = &self->server.task;
    async_spawn(&self->watchman.task, watchman, &self->watchman);

    AWAIT_RESULT(self->result, async_join(&self->server.task));
    async_signal_close(&self->signal);
    if (self->result != ASYNC_ECANCELED) {
        ASYNC_RAISE(self->result);
    }
    FOR_EACH(client) {
        if (client->present) {
            tell(client, "* the server says good-bye");
        }
    }
    for (self->i = 0; self->i < 100 && !all_told(); self->i++) {
        AWAIT(async_sleep(ASYNC_MS(10)));
    }
    puts("chat: bye");
    ASYNC_END;              /* the clients that are left are cancelled */
}

/* ---- a client of one's own ----------------------------------------------- */

/* Carries bytes from one descriptor to another. */
struct carry {
    async_frame frame;
    async_task task;
    int from, to, got;
    size_t done;
    char buffer[1024];
};

static ASYNC carry(struct carry *self)
{
    ASYNC_BEGIN(self);
    for (;;) {
        AWAIT_VALUE(self->got, async_read(self->from, self->buffer,
                                          sizeof self->buffer));
        if (self->got == 0) {
            break;
        }
        AWAIT(async_write_all(self->to, self->buffer, (size_t)self->got,
                              &self->done));
    }
    shutdown(self->to, SHUT_WR);        /* the other side sees the end, too */
    ASYNC_END;
}

struct guest {
    async_frame frame;
    struct carry typed, heard;
    int port, fd;
};

static ASYNC guest(struct guest *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_tcp_connect(&self->fd, "127.0.0.1", self->port));
    self->typed.to = self->heard.from = self->fd;
    self->typed.from = 0;
    self->heard.to = 1;
    async_spawn(&self->typed.task, carry, &self->typed);
    async_spawn(&self->heard.task, carry, &self->heard);
    AWAIT(async_join(&self->heard.task));
    async_close(self->fd);
    ASYNC_END;
}

int main(int argc, char **argv)
{
    static struct guest guest_frame;
    static struct program server_frame;
    const char *text = getenv("PORT");
    int result, port = text == NULL || *text == '\0' ? 7000 : atoi(text);

    if (argc > 1 && strcmp(argv[1], "client") == 0) {
        guest_frame.port = port;
        result = async_run(guest, &guest_frame);
    } else {
        server_frame.port = port;
        result = async_run(program, &server_frame);
    }
    if (result < 0) {
        fprintf(stderr, "chat: port %d: %s\n", port, async_strerror(result));
    }
    return result < 0;
}

/* script: plays clients of a line server, by a script from its input.
 *
 *     NAME > TEXT     NAME says a line; it connects when it is first named
 *     NAME < TEXT     the next line that NAME hears is this one
 *     NAME ? TEXT     NAME hears this line, now or later
 *     NAME .          NAME hangs up
 *     NAME !          the server hangs up on NAME, whatever it says before
 *     repeat N        the lines up to `end`, N times
 *     # ...           nothing
 *
 * NAME reads only what the script says, so that one who is never asked what it
 * heard is a slow client. No line may take more than ten seconds. */
#define ASYNC_IMPLEMENTATION
#include "async.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENTS = 16, LINES = 200, LINE = 1024 };

#define NOT_AS_EXPECTED ASYNC_EUSER(0)

struct client {
    async_frame frame;      /* of whatever it does, one thing at a time */
    char name[32];
    int fd, got;
    size_t length, done;
    char said[LINE], heard[LINE];
};

static ASYNC say(struct client *self, const char *text)
{
    ASYNC_BEGIN(self);
    snprintf(self->said, sizeof self->said, "%s\n", text);
    AWAIT(async_write_all(self->fd, self->said, strlen(self->said),
                          &self->done));
    ASYNC_END;
}

/* The next line, or the next one that is as expected. */
static ASYNC hear(struct client *self, const char *text, bool now)
{
    const char *end;
    bool expected;

    ASYNC_BEGIN(self);
  again:
    while (memchr(self->heard, '\n', self->length) == NULL) {
        AWAIT_VALUE(self->got, async_read(self->fd, self->heard + self->length,
                                          sizeof self->heard - self->length));
        if (self->got == 0) {
            ASYNC_RAISE(ASYNC_EPIPE);
        }
        self->length += (unsigned)self->got;
    }
    end = memchr(self->heard, '\n', self->length);
    expected = (size_t)(end - self->heard) == strlen(text)
            && memcmp(self->heard, text, strlen(text)) == 0;
    if (!expected && now) {
        fprintf(stderr, "%s hears: %.*s\n", self->name,
                (int)(end - self->heard), self->heard);
        ASYNC_RAISE(NOT_AS_EXPECTED);
    }
    self->length -= (size_t)(end + 1 - self->heard);
    memmove(self->heard, end + 1, self->length);
    if (!expected) {
        goto again;
    }
    ASYNC_END;
}

static ASYNC hear_the_end(struct client *self)
{
    ASYNC_BEGIN(self);
    do {
        AWAIT_RESULT(self->got, async_read(self->fd, self->heard,
                                           sizeof self->heard));
    } while (self->got > 0);
    ASYNC_END;
}

struct script {
    async_frame frame;
    async_timeout scope;
    int port, i, lines, start, count, result;
    struct client clients[CLIENTS], *client;
    char line[LINES][LINE], name[32], verb[32], *text;
};

static struct client *client_named(struct script *self, const char *name)
{
    struct client *client = self->clients;

    while (client->name[0] != '\0' && strcmp(client->name, name) != 0) {
        client++;
        if (client == self->clients + CLIENTS) {
            abort();
        }
    }
    if (client->name[0] == '\0') {
        snprintf(client->name, sizeof client->name, "%s", name);
        client->fd = -1;
    }
    return client;
}

/* NAME VERB TEXT */
static void split(struct script *self, char *line)
{
    int offset = 0;

    self->name[0] = self->verb[0] = '\0';
    if (sscanf(line, "%31s %31s%n", self->name, self->verb, &offset) == 2
        && line[offset] == ' ') {
        offset++;
    }
    self->text = line + offset;
}

static ASYNC client_does(struct client *self, char verb, const char *text)
{
    return verb == '>' ? say(self, text)
         : verb == '<' ? hear(self, text, true)
         : verb == '?' ? hear(self, text, false)
         : verb == '!' ? hear_the_end(self) : ASYNC_EINVAL;
}

static ASYNC play(struct script *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < self->lines; self->i++) {
        split(self, self->line[self->i]);
        if (self->name[0] == '\0' || self->name[0] == '#') {
            continue;
        }
        if (strcmp(self->name, "repeat") == 0) {
            self->start = self->i;
            self->count = atoi(self->verb);
            continue;
        }
        if (strcmp(self->name, "end") == 0) {
            if (--self->count > 0) {
                self->i = self->start;
            }
            continue;
        }
        self->client = client_named(self, self->name);
        if (self->verb[0] == '.') {
            async_close(self->client->fd);
            self->client->fd = -1;
            self->client->length = 0;
            continue;
        }
        ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_SEC(10)) {
            if (self->client->fd < 0) {
                AWAIT(async_tcp_connect(&self->client->fd, "127.0.0.1",
                                        self->port));
            }
            AWAIT(client_does(self->client, self->verb[0], self->text));
        } ASYNC_TIMEOUT_END;
    }
    ASYNC_END;
}

int main(void)
{
    static struct script script;
    const char *port = getenv("PORT");
    int result;

    script.port = port == NULL ? 7000 : atoi(port);
    while (script.lines < LINES
           && fgets(script.line[script.lines], LINE, stdin) != NULL) {
        char *line = script.line[script.lines++];

        line[strcspn(line, "\n")] = '\0';
    }
    result = async_run(play, &script);
    if (result < 0) {
        fprintf(stderr, "line %d, %s: %s\n", script.i + 1,
                script.line[script.i], async_strerror(result));
    }
    return result < 0;
}

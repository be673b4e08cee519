/* store: a server of a line protocol, and its client, over a Unix socket.
 *
 *     make run DEMO=store                      both, with a dialogue
 *     build/demos/store /tmp/store             the server; control-C ends it
 *     build/demos/store /tmp/store set x 5     one request to it
 *
 * A request is a line, and so is its answer:
 *
 *     set KEY VALUE    OK
 *     get KEY          its value     or NONE
 *     del KEY          OK            or NONE
 *     keys             the number of keys, and so many lines
 *
 * The server has room for two connections at a time; a third one waits until
 * one of them ends. Nobody flushes here: a stream sends what was written
 * before it waits for the next line. */
#include "demo.h"

#include <signal.h>
#include <unistd.h>

enum { KEYS = 16, CONNECTIONS = 2, LINE = 128 };

/* ---- what is stored ------------------------------------------------------ */

static struct pair { char key[LINE], value[LINE]; } pairs[KEYS];

static struct pair *find(const char *key)
{
    int i;

    for (i = 0; i < KEYS; i++) {
        if (strcmp(pairs[i].key, key) == 0) {
            return &pairs[i];
        }
    }
    return NULL;
}

/* ---- the server ---------------------------------------------------------- */

struct session {
    async_frame frame;
    int fd, n, i, words, outcome;
    async_stream stream;
    async_timeout limit;
    char *line, verb[LINE], key[LINE], value[LINE];
    char in[2 * LINE], out[2 * LINE];
};

static const char *answer(struct session *self)
{
    struct pair *pair = find(self->key);

    if (self->words == 3 && strcmp(self->verb, "set") == 0) {
        pair = pair == NULL ? find("") : pair;
        if (pair == NULL) {
            return "FULL";
        }
        strcpy(pair->key, self->key);
        strcpy(pair->value, self->value);
        return "OK";
    }
    if (self->words == 2 && strcmp(self->verb, "get") == 0) {
        return pair == NULL ? "NONE" : pair->value;
    }
    if (self->words == 2 && strcmp(self->verb, "del") == 0) {
        if (pair != NULL) {
            pair->key[0] = '\0';
        }
        return pair == NULL ? "NONE" : "OK";
    }
    return "WHAT?";
}

static ASYNC session(struct session *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_stream_open(&self->stream, self->fd, self->in, sizeof self->in,
                            self->out, sizeof self->out));
    ASYNC_TRY {
        for (;;) {
            AWAIT_VALUE(self->n, ASYNC_TIMEOUT(
                &self->limit, ASYNC_SEC(60),
                async_stream_read_line(&self->stream, &self->line)));
            if (self->n == 0) {
                break;
            }
            self->key[0] = self->value[0] = '\0';
            self->words = sscanf(self->line, "%127s %127s %127[^\r\n]",
                                 self->verb, self->key, self->value);
            if (self->words == 1 && strcmp(self->verb, "keys") == 0) {
                for (self->i = self->n = 0; self->i < KEYS; self->i++) {
                    self->n += pairs[self->i].key[0] != '\0';
                }
                AWAIT(async_stream_printf(&self->stream, "%d\n", self->n));
                for (self->i = 0; self->i < KEYS; self->i++) {
                    if (pairs[self->i].key[0] != '\0') {
                        AWAIT(async_stream_printf(&self->stream, "%s\n",
                                                  pairs[self->i].key));
                    }
                }
            } else {
                AWAIT(async_stream_printf(&self->stream, "%s\n",
                                          answer(self)));
            }
        }
        AWAIT(async_stream_flush(&self->stream));
    } ASYNC_FINALLY(self->outcome) {
        async_stream_abort(&self->stream);
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct service {
    async_server server;
    async_slot slots[CONNECTIONS];
    struct session sessions[CONNECTIONS];
    async_task task;
};

static int service_start(struct service *self, const char *path)
{
    int rc = async_server_open(&self->server, async_unix_listen(path, 16),
                               self->slots, self->sessions, CONNECTIONS,
                               session);

    return rc < 0 ? rc : async_spawn(&self->task, async_server_run,
                                     &self->server);
}

/* ---- the client ---------------------------------------------------------- */

struct client {
    async_stream stream;
    struct ask { async_frame frame; int n; char *line; } ask;
    char in[LINE], out[LINE];
};

struct dial { async_frame frame; int fd; };

static ASYNC client_open(struct dial *self, struct client *client,
                         const char *path)
{
    ASYNC_BEGIN(self);
    AWAIT(async_unix_connect(&self->fd, path));
    AWAIT(async_stream_open(&client->stream, self->fd, client->in,
                            sizeof client->in, client->out,
                            sizeof client->out));
    ASYNC_END;
}

/* A question and its answer, which may be several lines. */
static ASYNC ask(struct client *client, const char *name, const char *question)
{
    struct ask *self = &client->ask;

    ASYNC_BEGIN(self);
    AWAIT(async_stream_printf(&client->stream, "%s\n", question));
    AWAIT_VALUE(self->n, async_stream_read_line(&client->stream,
                                                &self->line));
    if (self->n == 0) {
        ASYNC_RAISE(ASYNC_EPIPE);
    }
    say("%s%s: %.*s", name, question, self->n - 1, self->line);
    if (strcmp(question, "keys") != 0) {
        ASYNC_RETURN(0);
    }
    for (self->n = atoi(self->line); self->n > 0; self->n--) {
        AWAIT(async_stream_read_line(&client->stream, &self->line));
        self->line[strcspn(self->line, "\n")] = '\0';
        say("%s  %s", name, self->line);
    }
    ASYNC_END;
}

/* ---- a dialogue ---------------------------------------------------------- */

struct visitor {
    async_frame frame;
    async_task task;
    struct client client;
    struct dial dial;
    const char *name, *path, *const *questions;
    async_duration stays;
    int i;
};

static ASYNC visitor(struct visitor *self)
{
    ASYNC_BEGIN(self);
    AWAIT(client_open(&self->dial, &self->client, self->path));
    for (self->i = 0; self->questions[self->i] != NULL; self->i++) {
        AWAIT(ask(&self->client, self->name, self->questions[self->i]));
        AWAIT(async_sleep(self->stays));
    }
    AWAIT(async_stream_close(&self->client.stream));
    ASYNC_END;
}

struct dialogue {
    async_frame frame;
    struct service service;
    struct visitor visitor[3];
    int i, n;
    char path[64];
};

static void visit(struct visitor *self, const char *name, const char *path,
                  const char *const *questions)
{
    self->name = name;
    self->path = path;
    self->questions = questions;
    self->stays = ASYNC_SEC(1);
    async_spawn(&self->task, visitor, self);
}

static ASYNC dialogue(struct dialogue *self)
{
    static const char *const names[] = {"ann: ", "  bob: ", "    cat: "};
    static const char *const questions[][5] = {
        {"set colour blue", "get colour", "set size 12 inches", NULL},
        {"get colour", "dance", "del size", "del size", NULL},
        {"keys", "get colour", NULL}
    };

    ASYNC_BEGIN(self);
    snprintf(self->path, sizeof self->path, "/tmp/store-%ld", (long)getpid());
    AWAIT(service_start(&self->service, self->path));
    for (self->i = 0; self->i < 3; self->i++) {
        visit(&self->visitor[self->i], names[self->i], self->path,
              questions[self->i]);
        AWAIT(async_sleep(ASYNC_MS(300)));
    }
    say("three are connected, %lu of them served",
        self->service.server.accepted);
    for (self->i = 0; self->i < 3; self->i++) {
        AWAIT(async_join(&self->visitor[self->i].task));
    }
    AWAIT_VALUE(self->n, async_server_close(&self->service.server,
                                            ASYNC_SEC(5)));
    unlink(self->path);
    say("closed; %lu connections in all, %d had to be cancelled",
        self->service.server.accepted, self->n);
    ASYNC_END;
}

/* ---- or one of the two --------------------------------------------------- */

struct program {
    async_frame frame;
    struct service service;
    struct client client;
    struct dial dial;
    async_signal enough;
    const char *path;
    char question[LINE];
};

static ASYNC serve(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT(service_start(&self->service, self->path));
    AWAIT(async_signal_open(&self->enough, SIGINT));
    AWAIT(async_signal_wait(&self->enough));
    async_signal_close(&self->enough);
    AWAIT(async_server_close(&self->service.server, ASYNC_SEC(5)));
    unlink(self->path);
    ASYNC_END;
}

static ASYNC request(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT(client_open(&self->dial, &self->client, self->path));
    AWAIT(ask(&self->client, "", self->question));
    AWAIT(async_stream_close(&self->client.stream));
    ASYNC_END;
}

int main(int argc, char **argv)
{
    static struct dialogue all;
    static struct program one;
    int i, result;

    if (argc == 1) {
        title("Three visitors of a store with two seats");
        return async_run(dialogue, &all);
    }
    one.path = argv[1];
    for (i = 2; i < argc; i++) {
        size_t used = strlen(one.question);

        snprintf(one.question + used, sizeof one.question - used, "%s%s",
                 i == 2 ? "" : " ", argv[i]);
    }
    result = argc == 2 ? async_run(serve, &one) : async_run(request, &one);
    if (result < 0) {
        fprintf(stderr, "store: %s: %s\n", one.path, async_strerror(result));
    }
    return result < 0;
}

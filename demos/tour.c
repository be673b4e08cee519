/* tour: what async.h does, shown by doing it: six short experiments, each
 * measured and drawn, in about two seconds.
 *
 *     make run
 *
 * Nothing here is acted: the times are those of this machine's clock, the
 * clients and the server talk over real sockets, and all of it happens in one
 * thread. Each section is a coroutine below; read them in order. */
#define ASYNC_IMPLEMENTATION
#include "async.h"

#include <stdio.h>
#include <string.h>

/* ---- drawing ------------------------------------------------------------- */

enum { WIDTH = 50, MARKS = 16 };

/* What one task did, when: a line of the picture. */
struct lane {
    async_ticks begin, end;
    async_ticks marks[MARKS];
    int count;
};

static void mark(struct lane *lane)
{
    if (lane->count < MARKS) {
        lane->marks[lane->count++] = async_now();
    }
}

static double seconds(async_ticks from, async_ticks to)
{
    return (double)(async_duration)(to - from) / 1e9;
}

static int column(async_ticks zero, async_ticks time, double whole)
{
    int at = (int)(seconds(zero, time) / whole * (WIDTH - 1) + 0.5);

    return at < 0 ? 0 : at < WIDTH ? at : WIDTH - 1;
}

/* A bar of `fill` from begin to end, and a `dot` at each mark, on a line that
 * is `whole` seconds long. */
static void draw(const char *name, const struct lane *lane, async_ticks zero,
                 double whole, char fill, char dot)
{
    char bar[WIDTH + 1];
    int i;

    memset(bar, ' ', WIDTH);
    bar[WIDTH] = '\0';
    for (i = column(zero, lane->begin, whole);
         i <= column(zero, lane->end, whole); i++) {
        bar[i] = fill;
    }
    for (i = 0; i < lane->count; i++) {
        bar[column(zero, lane->marks[i], whole)] = dot;
    }
    printf("    %-12s %s %5.2f s\n", name, bar,
           seconds(lane->begin, lane->end));
}

static void heading(int number, const char *text)
{
    printf("\n %d  %s\n", number, text);
    fflush(stdout);
}

/* Time that was spent waiting in any task, and time that passed. */
static double in_turn, together;

static void compare(double sum, double passed)
{
    in_turn += sum;
    together += passed;
    printf("    Together %.2f s. The same waits one after the other: %.2f "
           "s.\n", passed, sum);
}

/* ---- 1. timers ----------------------------------------------------------- */

struct ticker {
    async_frame frame;
    async_task task;
    struct lane lane;
    int period, times, i;
};

static ASYNC ticker(struct ticker *self)
{
    ASYNC_BEGIN(self);
    self->lane.begin = async_now();
    mark(&self->lane);
    for (self->i = 0; self->i < self->times; self->i++) {
        AWAIT(async_sleep(ASYNC_MS(self->period)));
        mark(&self->lane);
    }
    self->lane.end = async_now();
    ASYNC_END;
}

struct timers {
    async_frame frame;
    struct ticker tickers[3];
    async_ticks start;
    int i;
};

static ASYNC timers(struct timers *self)
{
    static const int periods[] = { 50, 80, 130 }, times[] = { 9, 6, 3 };
    char name[32];
    double sum = 0;
    int i;

    ASYNC_BEGIN(self);
    heading(1, "Timers interleave");
    puts("    Three tasks; each sleeps, wakes (o), and sleeps again.");
    self->start = async_now();
    for (i = 0; i < 3; i++) {
        self->tickers[i].period = periods[i];
        self->tickers[i].times = times[i];
        async_spawn(&self->tickers[i].task, ticker, &self->tickers[i]);
    }
    for (self->i = 0; self->i < 3; self->i++) {
        AWAIT(async_join(&self->tickers[self->i].task));
    }
    for (i = 0; i < 3; i++) {
        const struct lane *lane = &self->tickers[i].lane;

        sum += seconds(lane->begin, lane->end);
        snprintf(name, sizeof name, "each %d ms", periods[i]);
        draw(name, lane, self->start, 0.49, '.', 'o');
    }
    compare(sum, seconds(self->start, async_now()));
    ASYNC_END;
}

/* ---- 2. sockets ---------------------------------------------------------- */

enum { CLIENTS = 50, QUESTIONS = 3 };

/* A question is two bytes: a number, and how many ms to think about it. The
 * answer is one byte: the number plus one. */
struct serving {
    async_frame frame;
    async_task task;
    int fd, outcome;
    unsigned char question[2];
    size_t done;
};

static ASYNC serving(struct serving *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        for (;;) {
            AWAIT(async_read_exactly(self->fd, self->question, 2,
                                     &self->done));
            AWAIT(async_sleep(ASYNC_MS(self->question[1])));
            self->question[0]++;
            AWAIT(async_write_all(self->fd, self->question, 1, &self->done));
        }
    } ASYNC_FINALLY(self->outcome) {
        async_close(self->fd);
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct server {
    async_frame frame;
    async_task task;
    int fd, peer, count;
    struct serving *serving;    /* not in here: they go on when this ends */
};

static ASYNC server(struct server *self)
{
    ASYNC_BEGIN(self);
    while (self->count < CLIENTS) {
        AWAIT_VALUE(self->peer, async_accept(self->fd, NULL, NULL));
        self->serving[self->count].fd = self->peer;
        async_spawn(&self->serving[self->count].task, serving,
                    &self->serving[self->count]);
        self->count++;
    }
    ASYNC_END;
}

struct client {
    async_frame frame;
    async_task task;
    struct lane lane;
    int number, port, fd, i, right, outcome;
    unsigned char question[2], answer;
    size_t done;
};

static ASYNC client(struct client *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_MS(4 * self->number)));
    self->lane.begin = self->lane.end = async_now();
    AWAIT(async_tcp_connect(&self->fd, "127.0.0.1", self->port));
    ASYNC_TRY {
        for (self->i = 0; self->i < QUESTIONS; self->i++) {
            self->question[0] = (unsigned char)(self->number + self->i);
            self->question[1] =
                (unsigned char)(20 + 37 * (self->number + self->i) % 80);
            AWAIT(async_write_all(self->fd, self->question, 2, &self->done));
            AWAIT(async_read_exactly(self->fd, &self->answer, 1, &self->done));
            self->right += self->answer == self->question[0] + 1;
            mark(&self->lane);
        }
    } ASYNC_FINALLY(self->outcome) {
        self->lane.end = async_now();
        async_close(self->fd);
    } ASYNC_TRY_END;
    ASYNC_RETURN(self->right);
    ASYNC_END;
}

struct sockets {
    async_frame frame;
    struct server server;
    struct serving serving[CLIENTS];
    struct client clients[CLIENTS];
    async_ticks start;
    int i, right, answers;
};

static ASYNC sockets(struct sockets *self)
{
    char name[32];
    double sum = 0, passed;
    int i;

    ASYNC_BEGIN(self);
    heading(2, "Fifty clients and a server");
    self->server.fd = async_tcp_listen("127.0.0.1", 0, 128);
    if (self->server.fd < 0) {
        ASYNC_RAISE(self->server.fd);
    }
    self->start = async_now();
    self->server.serving = self->serving;
    async_spawn(&self->server.task, server, &self->server);
    for (i = 0; i < CLIENTS; i++) {
        self->clients[i].number = i;
        self->clients[i].port = async_local_port(self->server.fd);
        async_spawn(&self->clients[i].task, client, &self->clients[i]);
    }
    for (self->i = 0; self->i < CLIENTS; self->i++) {
        AWAIT_RESULT(self->right, async_join(&self->clients[self->i].task));
        if (self->right > 0) {
            self->answers += self->right;
        }
    }
    /* The tasks of the server see the end of each connection. They live in
     * this section's memory, so it may not go before they have. */
    for (self->i = 0; self->i < self->server.count; self->i++) {
        AWAIT_RESULT(self->right, async_join(&self->serving[self->i].task));
    }
    async_close(self->server.fd);

    passed = seconds(self->start, async_now());
    puts("    Each connects over TCP and asks three questions; the server "
         "thinks for\n"
         "    20 to 99 ms about each (#: an answer). Every seventh of the "
         "fifty:");
    for (i = 0; i < CLIENTS; i++) {
        const struct lane *lane = &self->clients[i].lane;

        sum += seconds(lane->begin, lane->end);
        if (i % 7 == 0) {
            snprintf(name, sizeof name, "client %d", i + 1);
            draw(name, lane, self->start, passed, '=', '#');
        }
    }
    printf("    %d of %d answers are right: 101 sockets, 102 tasks, one "
           "thread.\n", self->answers, CLIENTS * QUESTIONS);
    compare(sum, passed);
    ASYNC_END;
}

/* ---- 3. a timeout -------------------------------------------------------- */

struct limit {
    async_frame frame;
    async_timeout scope;
    struct lane lane;
    int error;
};

static ASYNC limit(struct limit *self)
{
    ASYNC_BEGIN(self);
    heading(3, "A timeout");
    puts("    A wait of ten seconds, with a limit of 200 ms:");
    self->lane.begin = async_now();
    ASYNC_TRY {
        AWAIT(ASYNC_TIMEOUT(&self->scope, ASYNC_MS(200),
                            async_sleep(ASYNC_SEC(10))));
    } ASYNC_CATCH(self->error) {
        self->lane.end = async_now();
        mark(&self->lane);
        draw("the wait", &self->lane, self->lane.begin, 0.49, '=', '|');
        printf("    It ends with the error \"%s\", which is caught.\n",
               async_strerror(self->error));
    } ASYNC_TRY_END;
    ASYNC_END;
}

/* ---- 4. a cancellation --------------------------------------------------- */

struct worker {
    async_frame frame;
    async_task task;
    struct lane work, cleanup;
    int outcome;
};

static ASYNC worker(struct worker *self)
{
    ASYNC_BEGIN(self);
    self->work.begin = async_now();
    ASYNC_TRY {
        for (;;) {
            AWAIT(async_sleep(ASYNC_MS(60)));
            mark(&self->work);
        }
    } ASYNC_FINALLY(self->outcome) {
        self->work.end = self->cleanup.begin = async_now();
        AWAIT(async_sleep(ASYNC_MS(100)));
        self->cleanup.end = async_now();
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct cancel {
    async_frame frame;
    struct worker worker;
    async_ticks start;
    int result;
};

static ASYNC cancel(struct cancel *self)
{
    ASYNC_BEGIN(self);
    heading(4, "A cancellation");
    puts("    A task works for ever. After 350 ms it is cancelled, and cleans "
         "up first:");
    self->start = async_now();
    async_spawn(&self->worker.task, worker, &self->worker);
    AWAIT(async_sleep(ASYNC_MS(350)));
    async_cancel(&self->worker.task);
    AWAIT_RESULT(self->result, async_join(&self->worker.task));
    draw("work", &self->worker.work, self->start, 0.49, '=', '#');
    draw("cleanup", &self->worker.cleanup, self->start, 0.49, '~', ' ');
    printf("    Whoever joins it learns that it was \"%s\".\n",
           async_strerror(self->result));
    ASYNC_END;
}

/* ---- 5. an error --------------------------------------------------------- */

/* A chain of calls: the one in the middle says nothing about errors. */
struct dial {
    async_frame frame;
    int fd;
};

static ASYNC dial(struct dial *self, int port)
{
    ASYNC_BEGIN(self);
    AWAIT(async_tcp_connect(&self->fd, "127.0.0.1", port));
    ASYNC_END;
}

struct error {
    async_frame frame;
    struct dial dial;
    int fd, port, error;
};

static ASYNC error(struct error *self)
{
    ASYNC_BEGIN(self);
    heading(5, "An error");
    puts("    A call to a port where nobody listens, through two functions:");
    self->fd = async_tcp_listen("127.0.0.1", 0, 1);
    self->port = async_local_port(self->fd);
    async_close(self->fd);
    ASYNC_TRY {
        AWAIT(dial(&self->dial, self->port));
        puts("    somebody answered");
        async_close(self->dial.fd);
    } ASYNC_CATCH(self->error) {
        printf("    error %d, \"%s\", is caught by the one who cares.\n",
               self->error, async_strerror(self->error));
    } ASYNC_TRY_END;
    ASYNC_END;
}

/* ---- 6. a generator ------------------------------------------------------ */

struct fibonacci {
    async_generator frame;
    int a, b, next, outcome;
};

static ASYNC fibonacci(struct fibonacci *self, int *item)
{
    ASYNC_BEGIN(self);
    self->a = 0;
    self->b = 1;
    ASYNC_TRY {
        for (;;) {
            *item = self->a;
            ASYNC_YIELD();
            AWAIT(async_sleep(ASYNC_MS(20)));
            self->next = self->a + self->b;
            self->a = self->b;
            self->b = self->next;
        }
    } ASYNC_FINALLY(self->outcome) {
        puts("... closed.");
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct numbers {
    async_frame frame;
    struct fibonacci fibonacci;
    int item;
};

static ASYNC numbers(struct numbers *self)
{
    ASYNC_BEGIN(self);
    heading(6, "A generator");
    puts("    An endless one, which waits before each item; the loop leaves "
         "it at 100:");
    printf("    ");
    ASYNC_FOR(fibonacci, &self->fibonacci, &self->item) {
        if (self->item > 100) {
            break;
        }
        printf("%d ", self->item);
        fflush(stdout);
    } ASYNC_FOR_END;
    ASYNC_END;
}

/* ---- the tour ------------------------------------------------------------ */

/* One section after the other: they share their memory. */
union section {
    struct timers timers;
    struct sockets sockets;
    struct limit limit;
    struct cancel cancel;
    struct error error;
    struct numbers numbers;
};

struct tour {
    async_frame frame;
    union section section;
};

static void clear(union section *section)
{
    memset(section, 0, sizeof *section);
}

static ASYNC tour(struct tour *self)
{
    ASYNC_BEGIN(self);
    puts(" async.h: many things at once, in one thread, in plain C");
    AWAIT(timers(&self->section.timers));
    clear(&self->section);
    AWAIT(sockets(&self->section.sockets));
    clear(&self->section);
    AWAIT(limit(&self->section.limit));
    clear(&self->section);
    AWAIT(cancel(&self->section.cancel));
    clear(&self->section);
    AWAIT(error(&self->section.error));
    clear(&self->section);
    AWAIT(numbers(&self->section.numbers));
    ASYNC_END;
}

int main(void)
{
    static struct tour frame;
    int result = async_run(tour, &frame);

    if (result < 0) {
        fprintf(stderr, "tour: %s\n", async_strerror(result));
        return 1;
    }
    printf("\n Sections 1 and 2 took %.2f s. A program that waits for one "
           "thing at a\n time needs %.2f s. Now read demos/tour.c, or try\n\n"
           "    make run DEMO=hello                demos/hello.c is the first "
           "step\n"
           "    make run DEMO=chat PORT=7000       a chat server; ARGS=client "
           "to join\n"
           "    make run DEMO=copy < in > out      a file copier\n",
           together, in_turn);
    return 0;
}

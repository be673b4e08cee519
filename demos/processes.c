/* processes: other programs, awaited like anything else.
 *
 *     make run DEMO=processes
 *
 * First the same work four times, each in a process of its own, so that it
 * runs on as many cores as there are. The program starts itself for that, and
 * reads the answers over pipes. Then a filter that is fed and heard at once; a
 * process that takes too long; and one that cannot be started. */
#include "demo.h"

enum { WORKERS = 4 };

static const char *this_program;

/* ---- the work ------------------------------------------------------------ */

static int work(unsigned long limit)
{
    unsigned long long sum = 0;
    unsigned long i;

    for (i = 1; i <= limit; i++) {
        sum += (unsigned long long)i * i;
    }
    printf("%llu\n", sum);
    return 0;
}

/* ---- one worker each ----------------------------------------------------- */

struct worker {
    async_frame frame;
    async_task task;
    async_process process;
    async_communication talk;
    const char *limit;
    const char *argv[4];
    char answer[40];
    int outcome, code;
};

/* Whatever happens, no process is left behind: a cancel kills it. */
static ASYNC worker(struct worker *self)
{
    ASYNC_BEGIN(self);
    self->argv[0] = this_program;
    self->argv[1] = "work";
    self->argv[2] = self->limit;
    ASYNC_WITH(async_process_start(&self->process, self->argv,
                                   ASYNC_PIPE_OUT, NULL),
               async_process_close(&self->process)) {
        self->talk.output = self->answer;
        self->talk.output_room = sizeof self->answer - 1;
        AWAIT_VALUE(self->code, async_process_communicate(&self->process,
                                                          &self->talk));
    } ASYNC_WITH_END;
    ASYNC_RETURN(self->code);
    ASYNC_END;
}

/* ---- the program --------------------------------------------------------- */

struct program {
    async_frame frame;
    struct worker workers[WORKERS];
    async_waiter waiters[WORKERS];
    async_wait_set set;
    async_process process;
    async_communication talk;
    async_timeout limit;
    int i, code;
    char text[100];
};

static void start_workers(struct program *self)
{
    static const char *const limits[WORKERS] = { "1000000", "2000000",
                                                 "30", "3000000" };
    int i;

    for (i = 0; i < WORKERS; i++) {
        self->workers[i].limit = limits[i];
        async_spawn(&self->workers[i].task, worker, &self->workers[i]);
        self->waiters[i].task = &self->workers[i].task;
    }
}

static ASYNC program(struct program *self)
{
    static const char *const sort[] = { "sort", "-n", NULL };
    static const char *const missing[] = { "no-such-program", NULL };
    static const char numbers[] = "30\n4\n100\n-7\n";

    ASYNC_BEGIN(self);
    start_workers(self);
    AWAIT(async_gather(&self->set, self->waiters, WORKERS));
    for (self->i = 0; self->i < WORKERS; self->i++) {
        printf("  squares up to %s: %s", self->workers[self->i].limit,
               self->workers[self->i].answer);
    }

    title("a filter");
    AWAIT(async_process_start(&self->process, sort,
                              ASYNC_PIPE_IN | ASYNC_PIPE_OUT, NULL));
    self->talk.input = numbers;
    self->talk.input_length = sizeof numbers - 1;
    self->talk.output = self->text;
    self->talk.output_room = sizeof self->text;
    AWAIT_VALUE(self->code, async_process_communicate(&self->process,
                                                      &self->talk));
    async_process_close(&self->process);
    printf("%.*s  sort: exit status %d\n", (int)self->talk.output_length,
           self->text, self->code);

    title("one that takes too long");
    AWAIT(async_process_shell(&self->process, "exec sleep 600", 0, NULL));
    AWAIT_RESULT(self->code,
                 ASYNC_TIMEOUT(&self->limit, ASYNC_SEC(2),
                               async_process_wait(&self->process)));
    say("%s, and it runs on", async_strerror(self->code));
    async_process_terminate(&self->process);
    AWAIT_VALUE(self->code, async_process_wait(&self->process));
    say("ended by signal %d", ASYNC_PROCESS_SIGNAL(self->code));
    async_process_close(&self->process);

    title("one that is not there");
    self->code = async_process_start(&self->process, missing, 0, NULL);
    say("%s: %s", missing[0], async_strerror(self->code));
    ASYNC_END;
}

int main(int argc, char **argv)
{
    static struct program frame;

    if (argc == 3 && strcmp(argv[1], "work") == 0) {
        return work(strtoul(argv[2], NULL, 10));
    }
    this_program = argv[0];
    title("the same work in four processes");
    return async_run(program, &frame);
}

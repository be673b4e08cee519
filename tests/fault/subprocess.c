/* Fault injection: processes and signals, as in fault.c. Beside what is said
 * there, no child is left, and no handler. */
#include "calls.h"

enum { LENGTH = 30000 };

struct child {
    async_frame frame;
    async_task task;
    async_process process;
    async_process_setup setup;
    async_communication talk;
    unsigned flags;
    int outcome, rc;
    char out[LENGTH], err[LENGTH];
};

struct scenario {
    async_frame frame;
    async_signal usr1;
    async_timeout scope;
    struct child child[4];
    int i, rc, failed, outcome;
};

/* A child that reads no more is no error: nor is one of which we are told so. */
static bool breaks_pipes(void)
{
    return fault != NULL && (fault->error == EPIPE
                             || fault->error == ECONNRESET);
}

/* What goes in comes out; with an error output twice. */
static ASYNC child(struct child *self)
{
    bool twice = (self->flags & ASYNC_PIPE_ERR) != 0;

    ASYNC_BEGIN(self);
    AWAIT(async_process_shell(&self->process, twice ? "tee /dev/fd/2; exit 3"
                                                    : "cat; exit 3",
                              self->flags, NULL));
    ASYNC_TRY {
        self->talk.input = pattern;
        self->talk.input_length = LENGTH;
        self->talk.output = self->out;
        self->talk.errors = self->err;
        self->talk.output_room = self->talk.errors_room = LENGTH;
        AWAIT_VALUE(self->rc, async_process_communicate(&self->process,
                                                        &self->talk));
        if (self->rc != 3 || (!breaks_pipes()
            && (self->talk.output_length != LENGTH
                || self->talk.errors_length != (twice ? LENGTH : 0)))) {
            wrong++;
        }
    } ASYNC_FINALLY(self->outcome) {
        compare(self->out, self->talk.output_length);
        compare(self->err, self->talk.errors_length);
        if (async_process_close(&self->process) != 0) {
            wrong++;
        }
    } ASYNC_TRY_END;
    ASYNC_END;
}

/* Its streams go elsewhere, and only its end is awaited. */
static ASYNC quiet(struct child *self)
{
    ASYNC_BEGIN(self);
    self->setup.err = 2;
    AWAIT(async_process_shell(&self->process, "cat; exit 3", self->flags,
                              &self->setup));
    ASYNC_TRY {
        AWAIT_VALUE(self->rc, async_process_wait(&self->process));
        if (self->rc != 3) {
            wrong++;
        }
    } ASYNC_FINALLY(self->outcome) {
        if (async_process_close(&self->process) != 0) {
            wrong++;
        }
    } ASYNC_TRY_END;
    ASYNC_END;
}

static void fails_with(struct scenario *self, int rc)
{
    self->failed = self->failed == 0 && rc < 0 ? rc : self->failed;
}

static ASYNC scenario(struct scenario *self)
{
    static const unsigned flags[] = {
        ASYNC_PIPE_IN | ASYNC_PIPE_OUT | ASYNC_PIPE_ERR,
        ASYNC_PIPE_IN | ASYNC_PIPE_OUT | ASYNC_BY_SIGCHLD_,
        ASYNC_NULL_IN | ASYNC_NULL_OUT,
        ASYNC_NULL_IN | ASYNC_NULL_OUT | ASYNC_BY_SIGCHLD_
    };

    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 4; self->i++) {
        self->child[self->i].flags = flags[self->i];
        async_spawn(&self->child[self->i].task, self->i < 2 ? child : quiet,
                    &self->child[self->i]);
    }
    self->rc = async_signal_open(&self->usr1, SIGUSR1);
    if (self->rc == 0) {
        raise(SIGUSR1);
        AWAIT_RESULT(self->rc, ASYNC_TIMEOUT(&self->scope, ASYNC_SEC(10),
                                             async_signal_wait(&self->usr1)));
        async_signal_close(&self->usr1);
    }
    fails_with(self, self->rc);
    for (self->i = 0; self->i < 4; self->i++) {
        AWAIT_RESULT(self->rc, async_join(&self->child[self->i].task));
        fails_with(self, self->rc);
    }
    ASYNC_RETURN(self->failed);
    ASYNC_END;
}

static int run_scenario(void)
{
    static struct scenario it;
    struct sigaction usr1, sigchld;
    int rc;

    memset(&it, 0, sizeof it);
    rc = async_run(scenario, &it);
    if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD) {
        printf("FAIL fault-process: a child is left when call %ld fails\n",
               nth);
        wrong++;
    }
    sigaction(SIGUSR1, NULL, &usr1);
    sigaction(SIGCHLD, NULL, &sigchld);
    if ((fault == NULL || (fault->calls & SIGNAL) == 0)
        && (usr1.sa_handler != SIG_DFL || sigchld.sa_handler != SIG_DFL)) {
        printf("FAIL fault-process: a handler is left when call %ld fails\n",
               nth);
        wrong++;
    }
    signal(SIGUSR1, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    return rc;
}

#define SCENARIO "process-"
#include "repeat.h"

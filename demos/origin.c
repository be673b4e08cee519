/* origin: where does an error come from, and who takes it?
 *
 *     make run DEMO=origin
 *
 * An error is an int: it does not say where it was raised. A debug build
 * (-DASYNC_DEBUG=1) keeps its trail, through coroutines and tasks, and tells it
 * when the error leaves async_run; or when a task has ended in an error that
 * nobody takes: who joins the task, asks for its result, or has a callback for
 * its end, takes it. It says so on stderr, or where ASYNC_WARN says, as here */
#ifndef ASYNC_DEBUG
#define ASYNC_DEBUG 1
#endif
static void warn(const char *message);
#define ASYNC_WARN(message) warn(message)
#define ASYNC_SIM 1
#define ASYNC_IMPLEMENTATION
#include "async.h"

#include <stdio.h>

static void warn(const char *message)
{
    printf("! %s\n", message);
}

struct sensor {
    async_frame frame;
    int number;
};

static ASYNC sensor_read(struct sensor *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_MS(10)));
    if (self->number % 2 == 1) {
        ASYNC_RAISE(ASYNC_EIO);
    }
    ASYNC_RETURN(20);
    ASYNC_END;
}

struct logger {
    async_frame frame;
    async_task task;
    struct sensor sensor;
    int outcome;
};

static ASYNC logger(struct logger *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(sensor_read(&self->sensor));
    } ASYNC_FINALLY(self->outcome) {
        AWAIT(async_sleep(ASYNC_MS(10)));       /* write what there is */
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct logger logger[4];
    int result, i;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 4; self->i++) {
        self->logger[self->i].sensor.number = self->i;
        async_spawn(&self->logger[self->i].task, logger,
                    &self->logger[self->i]);
    }
    AWAIT(async_sleep(ASYNC_MS(100)));
    puts("all loggers have ended, and nobody has asked how");

    puts("logger 1 starts again:");
    async_spawn(&self->logger[1].task, logger, &self->logger[1]);
    AWAIT_RESULT(self->result, async_join(&self->logger[1].task));
    printf("logger 1: %s\n", async_strerror(self->result));

    puts("the error of logger 3 is raised here:");
    AWAIT(async_join(&self->logger[3].task));
    ASYNC_END;
}

int main(void)
{
    static struct program frame;
    int result = async_run(program, &frame);

    printf("program: %s\n", async_strerror(result));
    return 0;
}

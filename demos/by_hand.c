/* by_hand: a loop of one's own, run by hand; a second one beside it.
 *
 *     make run DEMO=by_hand
 *
 * async_run is four calls: open a loop, run it until a task is done, cancel
 * the tasks that are left, close it. Made one by one they leave room between
 * them: a loop runs until something is done, rests while the program does
 * other things, and runs on. Each loop has its own tasks and timers; the other
 * ones stand still meanwhile. */
#include "demo.h"

#include <fcntl.h>
#include <unistd.h>

struct steps {
    async_frame frame;
    async_task task;
    const char *name;
    int n, done, fails_at, outcome;
};

static ASYNC steps(struct steps *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        for (self->n = 1; self->n <= 3; self->n++) {
            AWAIT(async_sleep(ASYNC_SEC(1)));
            if (self->n == self->fails_at) {
                ASYNC_RAISE(ASYNC_EIO);
            }
            self->done = self->n;
            say("%s: step %d", self->name, self->n);
        }
    } ASYNC_FINALLY(self->outcome) {
        say("%s: leaves after step %d", self->name, self->done);
    } ASYNC_TRY_END;
    ASYNC_END;
}

/* What async_run does; the loop is closed whatever becomes of the task. */
static int run_by_hand(struct steps *main_task, struct steps *other)
{
    async_loop loop;
    int result;

    async_loop_open(&loop);
    async_loop_spawn(&loop, &main_task->task, steps, main_task);
    async_loop_spawn(&loop, &other->task, steps, other);
    result = async_loop_run(&loop, &main_task->task);
    async_loop_cancel_all(&loop);
    async_loop_close(&loop);
    return result;
}

/* The lowest number that a descriptor would get: more are open if it grows. */
static int next_descriptor(void)
{
    int fd = open("/dev/null", O_RDONLY);

    close(fd);
    return fd;
}

static async_loop one, two;

static void stop(async_call *call)
{
    (void)call;
    say("stop");
    async_loop_stop(&one);
}

int main(void)
{
    static struct steps good, bad, rest, first, second, third;
    static async_call call;
    async_ticks start;
    int before = next_descriptor();

    title("By hand: a task that fails, and one that is left");
    bad.name = "a";
    bad.fails_at = 2;
    rest.name = "  b";
    say("result: %s", async_strerror(run_by_hand(&bad, &rest)));
    memset(&rest, 0, sizeof rest);
    rest.name = "  b";
    good.name = "a";
    say("result: %s", async_strerror(run_by_hand(&good, &rest)));
    say("descriptors left open: %d", next_descriptor() - before);

    title("Two loops: the first rests while the second runs");
    async_loop_open(&one);
    async_loop_open(&two);
    first.name = "first";
    second.name = "  second";
    async_loop_spawn(&one, &first.task, steps, &first);
    async_loop_use(&two);               /* now spawn means this one */
    async_spawn(&second.task, steps, &second);
    async_loop_run(&two, &second.task);
    async_loop_use(&one);
    start = async_now();                /* ask a loop's clock */
    async_loop_run(&one, &first.task);
    say("the first one's turn took %d s",
        (int)((async_duration)(async_now() - start) / ASYNC_SEC(1)));
    async_loop_close(&two);

    title("Stopped, and run on");
    third.name = "third";
    async_spawn(&third.task, steps, &third);
    async_call_later(&call, ASYNC_MS(1500), stop);
    say("run: %s", async_strerror(async_loop_run(&one, NULL)));
    say("run: %s", async_strerror(async_loop_run(&one, NULL)));
    async_loop_close(&one);
    return 0;
}

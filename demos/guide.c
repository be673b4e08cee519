/* guide: ten sections, from the first wait to three downloads at once.
 *
 *     make run DEMO=guide
 *
 * Each section is a coroutine below, named as its headline; read them in
 * order. There is a program for each of the ideas, too: hello, sequential,
 * gather, workers, wait, await, errors, generators, with. */
#include "demo.h"

/* What the sections wait for: it takes its time, and returns its number. */
struct job {
    async_frame frame;
    async_task task;
    const char *name;
    int seconds, fails;
};

static ASYNC job(struct job *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(self->seconds)));
    if (self->fails) {
        ASYNC_RAISE(ASYNC_EIO);
    }
    say("  %s is done", self->name);
    ASYNC_RETURN(self->seconds * 100);
    ASYNC_END;
}

static void prepare(struct job *self, const char *name, int seconds)
{
    memset(self, 0, sizeof *self);
    self->name = name;
    self->seconds = seconds;
}

/* All sections use the same struct: they come one after the other. */
struct section {
    async_frame frame;
    struct job a, b, c;
    async_waiter waiters[3];
    async_wait_set set;
    async_ticks start;
    int x, y, error;
};

static void prepare_three(struct section *self, int a, int b, int c)
{
    prepare(&self->a, "A", a);
    prepare(&self->b, "B", b);
    prepare(&self->c, "C", c);
    async_spawn(&self->a.task, job, &self->a);
    async_spawn(&self->b.task, job, &self->b);
    async_spawn(&self->c.task, job, &self->c);
    self->waiters[0].task = &self->a.task;
    self->waiters[1].task = &self->b.task;
    self->waiters[2].task = &self->c.task;
}

static ASYNC hello(struct section *self)
{
    ASYNC_BEGIN(self);
    say("hello ...");
    AWAIT(async_sleep(ASYNC_SEC(1)));
    say("... world");
    ASYNC_END;
}

static ASYNC one_after_the_other(struct section *self)
{
    ASYNC_BEGIN(self);
    prepare(&self->a, "A", 1);
    prepare(&self->b, "B", 2);
    AWAIT(job(&self->a));
    AWAIT(job(&self->b));
    ASYNC_END;
}

static ASYNC all_at_once(struct section *self)
{
    ASYNC_BEGIN(self);
    prepare_three(self, 2, 1, 3);
    AWAIT(async_gather(&self->set, self->waiters, 3));
    say("results: %d %d %d", async_result(&self->a.task),
        async_result(&self->b.task), async_result(&self->c.task));
    ASYNC_END;
}

static ASYNC a_task_beside_us(struct section *self)
{
    ASYNC_BEGIN(self);
    prepare(&self->a, "A", 2);
    async_spawn(&self->a.task, job, &self->a);
    say("A goes on by itself");
    AWAIT(async_sleep(ASYNC_SEC(1)));
    say("we have done something else");
    AWAIT_VALUE(self->x, async_join(&self->a.task));
    say("its result: %d", self->x);
    ASYNC_END;
}

static ASYNC the_first_then_the_rest(struct section *self)
{
    ASYNC_BEGIN(self);
    prepare_three(self, 3, 1, 2);
    AWAIT_VALUE(self->x, async_wait(&self->set, self->waiters, 3,
                                    ASYNC_FIRST_COMPLETED));
    say("done: %d, pending: %d", self->x, 3 - self->x);
    AWAIT_VALUE(self->x, async_wait(&self->set, self->waiters, 3,
                                    ASYNC_ALL_COMPLETED));
    say("done: %d, pending: %d", self->x, 3 - self->x);
    ASYNC_END;
}

static ASYNC a_result_feeds_the_next(struct section *self)
{
    ASYNC_BEGIN(self);
    prepare(&self->a, "the query", 1);
    AWAIT_VALUE(self->x, job(&self->a));
    prepare(&self->b, "its evaluation", self->x / 100);
    AWAIT_VALUE(self->y, job(&self->b));
    say("%d and %d", self->x, self->y);
    ASYNC_END;
}

static ASYNC an_error_is_caught(struct section *self)
{
    ASYNC_BEGIN(self);
    prepare(&self->a, "A", 1);
    self->a.fails = 1;
    ASYNC_TRY {
        AWAIT(job(&self->a));
        say("this is not reached");
    } ASYNC_CATCH(self->error) {
        say("caught: %s", async_strerror(self->error));
    } ASYNC_TRY_END;
    ASYNC_END;
}

struct numbers { async_generator frame; int n; };

static ASYNC numbers(struct numbers *self, int *out)
{
    ASYNC_BEGIN(self);
    for (self->n = 1; self->n <= 3; self->n++) {
        AWAIT(async_sleep(ASYNC_SEC(1)));
        *out = self->n;
        ASYNC_YIELD();
    }
    ASYNC_END;
}

struct items { async_frame frame; struct numbers numbers; int item; };

static ASYNC items_one_by_one(struct items *self)
{
    ASYNC_BEGIN(self);
    ASYNC_FOR(numbers, &self->numbers, &self->item) {
        say("item %d", self->item);
    } ASYNC_FOR_END;
    ASYNC_END;
}

static ASYNC door_open(void)
{
    say("the door opens");
    return 0;
}

static ASYNC a_scope_cleans_up(struct section *self)
{
    ASYNC_BEGIN(self);
    prepare(&self->a, "A", 1);
    self->a.fails = 1;
    ASYNC_TRY {
        ASYNC_WITH(door_open(), say("the door is closed")) {
            AWAIT(job(&self->a));
        } ASYNC_WITH_END;
    } ASYNC_CATCH(self->error) {
        say("and then: %s", async_strerror(self->error));
    } ASYNC_TRY_END;
    ASYNC_END;
}

static ASYNC three_downloads(struct section *self)
{
    ASYNC_BEGIN(self);
    self->start = async_now();
    prepare_three(self, 1, 2, 3);
    self->a.name = "index.html (100 kB)";
    self->b.name = "style.css (200 kB)";
    self->c.name = "logo.svg (300 kB)";
    AWAIT(async_gather(&self->set, self->waiters, 3));
    say("%d kB in %d s; one by one it takes 6 s",
        async_result(&self->a.task) + async_result(&self->b.task)
            + async_result(&self->c.task),
        (int)((async_duration)(async_now() - self->start) / ASYNC_SEC(1)));
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct section section;
    struct items items;
};

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    AWAIT(hello(&self->section));
    title("2. One after the other: 3 s");
    AWAIT(one_after_the_other(&self->section));
    title("3. All at once: as long as the longest");
    AWAIT(all_at_once(&self->section));
    title("4. A task beside us");
    AWAIT(a_task_beside_us(&self->section));
    title("5. The first, then the rest");
    AWAIT(the_first_then_the_rest(&self->section));
    title("6. A result feeds the next");
    AWAIT(a_result_feeds_the_next(&self->section));
    title("7. An error is caught");
    AWAIT(an_error_is_caught(&self->section));
    title("8. Items, one by one");
    AWAIT(items_one_by_one(&self->items));
    title("9. A scope cleans up");
    AWAIT(a_scope_cleans_up(&self->section));
    title("10. Three downloads at once");
    AWAIT(three_downloads(&self->section));
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    title("1. Hello");
    return async_run(program, &frame);
}

/* await: a coroutine calls another one, and waits for what it returns.
 *
 *     make run DEMO=await
 *
 * The child's frame stands in the parent's struct. AWAIT_VALUE stores the
 * child's result. An error needs no line at all: it passes through everyone
 * who does not handle it. */
#include "demo.h"

/* ---- a child, and a parent that awaits its value ------------------------- */

struct child {
    async_frame frame;
};

static ASYNC child(struct child *self)
{
    ASYNC_BEGIN(self);
    say("child: start");
    AWAIT(async_sleep(ASYNC_SEC(2)));
    say("child: end");
    ASYNC_RETURN(42);
    ASYNC_END;
}

struct parent {
    async_frame frame;
    struct child child;
    int answer;             /* lives across an AWAIT: it belongs in here */
};

static ASYNC parent(struct parent *self)
{
    ASYNC_BEGIN(self);
    say("parent: I ask the child");
    AWAIT_VALUE(self->answer, child(&self->child));
    say("parent: it says %d", self->answer);
    ASYNC_END;
}

/* ---- several waits in one coroutine -------------------------------------- */

struct steps {
    async_frame frame;
};

static ASYNC steps(struct steps *self)
{
    ASYNC_BEGIN(self);
    say("first");
    AWAIT(async_sleep(ASYNC_MS(500)));
    say("second");
    AWAIT(async_sleep(ASYNC_MS(500)));
    say("third");
    ASYNC_RETURN(3);
    ASYNC_END;
}

/* ---- a chain: main awaits b, b awaits a ---------------------------------- */

struct a {
    async_frame frame;
};

static ASYNC a(struct a *self, bool works)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_SEC(1)));
    if (!works) {
        ASYNC_RAISE(ASYNC_ENOENT);
    }
    ASYNC_RETURN(20);
    ASYNC_END;
}

struct b {
    async_frame frame;
    struct a a;
    bool works;
    int n;
};

static ASYNC b(struct b *self)
{
    ASYNC_BEGIN(self);
    AWAIT_VALUE(self->n, a(&self->a, self->works));
    say("b: a gave me %d, I make twice as much of it", self->n);
    ASYNC_RETURN(2 * self->n);
    ASYNC_END;
}

int main(void)
{
    struct parent parent_frame = {0};
    struct steps steps_frame = {0};
    struct b b_frame = {0};
    int result;

    title("A parent awaits its child");
    async_run(parent, &parent_frame);

    title("Three steps in one coroutine");
    result = async_run(steps, &steps_frame);
    say("steps: %d", result);

    title("A chain of calls");
    b_frame.works = true;
    result = async_run(b, &b_frame);
    say("main: %d", result);

    title("The same chain with an error, which b does not even mention");
    b_frame.works = false;      /* a finished frame is a fresh one */
    result = async_run(b, &b_frame);
    say("main: %s", async_strerror(result));
    return 0;
}

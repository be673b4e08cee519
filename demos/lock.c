/* lock: when one is needed, and when not.
 *
 *     make run DEMO=lock
 *
 * A hundred tasks add one to the same counter. Between two awaits a task is
 * alone, so a plain counter++ is right without any lock. Reading, waiting, and
 * writing back what was read is not: what others wrote meanwhile is lost. A
 * lock around the three keeps the others out. */
#include "demo.h"

enum { TASKS = 100 };

struct account {
    async_lock lock;
    int balance;
};

struct adder {
    async_frame frame;
    async_task task;
    struct account *account;
    int balance;            /* what it read */
};

/* No await in between: nobody can come in between. */
static ASYNC adds(struct adder *self)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_MS(10)));
    self->account->balance++;
    ASYNC_END;
}

/* Wrong: between the read and the write it waits, and the others read the same
 * number. */
static ASYNC adds_slowly(struct adder *self)
{
    ASYNC_BEGIN(self);
    self->balance = self->account->balance;
    AWAIT(async_sleep(ASYNC_MS(10)));
    self->account->balance = self->balance + 1;
    ASYNC_END;
}

static ASYNC adds_alone(struct adder *self)
{
    ASYNC_BEGIN(self);
    ASYNC_WITH(async_lock_acquire(&self->account->lock),
               async_lock_release(&self->account->lock)) {
        self->balance = self->account->balance;
        AWAIT(async_sleep(ASYNC_MS(10)));
        self->account->balance = self->balance + 1;
    } ASYNC_WITH_END;
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct account account;
    struct adder adder[TASKS];
    async_waiter waiters[TASKS];
    async_wait_set set;
};

static void start(struct program *self, async_status (*fn)(struct adder *))
{
    int i;

    self->account.balance = 0;
    for (i = 0; i < TASKS; i++) {
        self->adder[i].account = &self->account;
        async_spawn(&self->adder[i].task, fn, &self->adder[i]);
        self->waiters[i].task = &self->adder[i].task;
    }
}

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    title("counter++");
    start(self, adds);
    AWAIT(async_gather(&self->set, self->waiters, TASKS));
    printf("  %d tasks: %d\n", TASKS, self->account.balance);

    title("read, wait, write");
    start(self, adds_slowly);
    AWAIT(async_gather(&self->set, self->waiters, TASKS));
    printf("  %d tasks: %d, the rest is lost\n", TASKS, self->account.balance);

    title("read, wait, write, with the lock");
    start(self, adds_alone);
    AWAIT(async_gather(&self->set, self->waiters, TASKS));
    printf("  %d tasks: %d, but one after the other\n", TASKS,
           self->account.balance);
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    return async_run(program, &frame);
}

/* collect: what is done with the items of a generator.
 *
 *     make run DEMO=collect
 *
 * All of them into an array; pairs into a table; only those for which a
 * predicate, which is itself awaited, says yes. An item may be of any type. */
#include "demo.h"

struct sale {
    const char *fruit;
    int kilos;
};

struct sales {
    async_generator frame;
    int i;
};

static ASYNC sales(struct sales *self, struct sale *item)
{
    static const struct sale all[] = {
        { "apples", 3 }, { "pears", 1 }, { "apples", 4 }, { "plums", 9 },
        { "pears", 5 },
    };

    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 5; self->i++) {
        AWAIT(async_sleep(ASYNC_MS(200)));
        *item = all[self->i];
        ASYNC_YIELD();
    }
    ASYNC_END;
}

/* Is it worth a delivery? Somebody has to be asked. */
struct question {
    async_frame frame;
};

static ASYNC worth_it(struct question *self, int kilos)
{
    ASYNC_BEGIN(self);
    AWAIT(async_sleep(ASYNC_MS(100)));
    ASYNC_RETURN(kilos >= 4);
    ASYNC_END;
}

struct program {
    async_frame frame;
    struct sales sales;
    struct question question;
    struct sale item, table[5];
    int count, kilos[5], yes;
};

static ASYNC into_an_array(struct program *self)
{
    ASYNC_BEGIN(self);
    self->count = 0;
    ASYNC_FOR(sales, &self->sales, &self->item) {
        self->kilos[self->count++] = self->item.kilos;
    } ASYNC_FOR_END;
    say("%d items: %d %d %d %d %d", self->count, self->kilos[0],
        self->kilos[1], self->kilos[2], self->kilos[3], self->kilos[4]);
    ASYNC_END;
}

/* An ordinary function: nothing in here waits. */
static void add(struct program *self, struct sale sale)
{
    int i;

    for (i = 0; i < self->count; i++) {
        if (strcmp(self->table[i].fruit, sale.fruit) == 0) {
            self->table[i].kilos += sale.kilos;
            return;
        }
    }
    self->table[self->count++] = sale;
}

static ASYNC into_a_table(struct program *self)
{
    int i;

    ASYNC_BEGIN(self);
    self->count = 0;
    ASYNC_FOR(sales, &self->sales, &self->item) {
        add(self, self->item);
    } ASYNC_FOR_END;
    for (i = 0; i < self->count; i++) {
        say("%-7s %2d", self->table[i].fruit, self->table[i].kilos);
    }
    ASYNC_END;
}

static ASYNC filtered(struct program *self)
{
    ASYNC_BEGIN(self);
    ASYNC_FOR(sales, &self->sales, &self->item) {
        AWAIT_VALUE(self->yes, worth_it(&self->question, self->item.kilos));
        if (!self->yes) {
            continue;
        }
        say("%-7s %2d", self->item.fruit, self->item.kilos);
    } ASYNC_FOR_END;
    ASYNC_END;
}

int main(void)
{
    struct program program = {0};

    title("Into an array");
    async_run(into_an_array, &program);
    title("Into a table");
    async_run(into_a_table, &program);
    title("Only what is worth it");
    async_run(filtered, &program);
    return 0;
}

/* Protothreads, as small as they get: a switch over line numbers, and a loop
 * that calls each thread in turn, whether or not it has anything to do. No
 * errors, results, timeouts, cancellation. */
#include "speed.h"

struct thread {
    uint16_t line;
    bool (*run)(struct thread *self);
};

#define BEGIN(self) switch ((self)->line) { case 0:
#define WAIT_UNTIL(self, condition) \
    do { \
        (self)->line = __LINE__; \
        __attribute__((fallthrough)); \
    case __LINE__: \
        if (!(condition)) { \
            return false; \
        } \
    } while (0)
#define YIELD(self) \
    do { \
        (self)->line = __LINE__; \
        return false; \
    case __LINE__:; \
    } while (0)
#define END(self) } (self)->line = 0; return true
#if __GNUC__ < 7
#undef WAIT_UNTIL
#define WAIT_UNTIL(self, condition) \
    do { \
        (self)->line = __LINE__; \
    case __LINE__: \
        if (!(condition)) { \
            return false; \
        } \
    } while (0)
#endif

static volatile bool happened, never;
static bool level;

void board_on_button(void)
{
    happened = true;
}

static bool stopped(struct thread *self)
{
    BEGIN(self);
    WAIT_UNTIL(self, never);
    END(self);
}

static bool taking_turns(struct thread *self)
{
    BEGIN(self);
    for (;;) {
        turns++;
        YIELD(self);
    }
    END(self);
}

static bool waiting(struct thread *self)
{
    BEGIN(self);
    WAIT_UNTIL(self, happened);
    took = count();
    happened = false;
    END(self);
}

static struct thread one = { 0, stopped };
static struct thread two[2] = { { 0, taking_turns }, { 0, taking_turns } };
static struct thread waiter[1] = { { 0, waiting } };

static void take_turns(void)
{
    turns = 0;
    do {
        two[0].run(&two[0]);
        two[1].run(&two[1]);
    } while (turns < ROUNDS);
}

static void wait(void)
{
    while (!waiter[0].run(&waiter[0])) {
        KEEP_OUT();
        if (!happened) {
            began = count();
            board_button_push(level = !level);
            SLEEP();
        }
        LET_IN();
    }
}

int main(void)
{
    uint8_t i;
    count_t from;

    board_open_quiet();
    board_button_open();
    measure_nothing();
    one.run(&one);

    from = count();
    for (i = 0; i < ROUNDS; i++) {
        one.run(&one);
    }
    took = count();
    report("resume", from, took, ROUNDS);

    from = count();
    take_turns();
    took = count();
    report("switch", (count_t)(from + counting), took, ROUNDS);

    wait();
    report("wake", began, took, 1);
    measure_stack(take_turns);
    board_exit(!ended);
    return 0;
}

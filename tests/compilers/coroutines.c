/* Coroutines alone: awaits in every kind of place, a child, a generator, and
 * each way out of try, catch and finally. Nothing of it knows of a loop. */
#define ASYNC_NO_LOOP
#include "async.h"

#include "board.h"

struct child { async_frame frame; int i, limit; };
struct numbers { async_generator frame; int i; };
struct parent {
    async_frame frame;
    struct child child;
    struct numbers numbers;
    int sum, item, error, outcome, turn;
};

static int level;               /* what the polls below wait for */

static ASYNC child(struct child *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < self->limit; self->i++) {
        AWAIT_UNTIL(level > self->i);
        if (self->i == 3) {
            ASYNC_RAISE(ASYNC_EUSER(7));
        }
    }
    ASYNC_RETURN(self->limit);
    ASYNC_END;
}

static ASYNC numbers(struct numbers *self, int *out)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        for (self->i = 1; self->i <= 9; self->i++) {
            *out = self->i;
            ASYNC_YIELD();
        }
    } ASYNC_FINALLY(self->i) {
        say("closed\n");
    } ASYNC_TRY_END
    ASYNC_END;
}

static ASYNC parent(struct parent *self)
{
    ASYNC_BEGIN(self);
    say("begin\n");
    self->child.limit = 2;
    AWAIT_VALUE(self->sum, child(&self->child));
    say_that("child", self->sum);

    ASYNC_FOR(numbers, &self->numbers, &self->item) {
        if (self->item == 2) {
            continue;
        }
        if (self->item == 5) {
            break;
        }
        say_that("item", self->item);
    } ASYNC_FOR_END;

    for (self->turn = 0; self->turn < 4; self->turn++) {
        ASYNC_TRY {
            if (self->turn == 1) {
                continue;
            }
            self->child.limit = 4 + self->turn;
            AWAIT(child(&self->child));
        } ASYNC_CATCH(self->error) {
            say_that("caught", ASYNC_EUSER(0) - self->error);
            if (self->turn == 2) {
                break;
            }
        } ASYNC_FINALLY(self->outcome) {
            AWAIT_UNTIL(++level > 8);
            say_that("finally", self->turn);
        } ASYNC_TRY_END
        say_that("after", self->turn);
    }
    ASYNC_TRY {
        ASYNC_RETURN(12);
    } ASYNC_FINALLY(self->outcome) {
        say("last\n");
    } ASYNC_TRY_END
    ASYNC_END;
}

int main(void)
{
    static struct parent self;
    int rc, resumes = 0;

    do {
        rc = parent(&self);
        level++;
        resumes++;
    } while (rc == ASYNC_PENDING);
    say_that("resumes", resumes);
    say_that("result", rc);
    board_end(rc != 12);
    return 0;
}

/* Coroutines alone, as protothreads: no loop, nothing to link. */
#define ASYNC_NO_LOOP
#include "async.h"

struct steps { async_frame frame; int i, polls; };
struct numbers { async_generator frame; int i; };
struct sums { async_frame frame; struct numbers numbers; int item, sum, e; };

static ASYNC steps(struct steps *self)
{
    ASYNC_BEGIN(self);
    for (self->i = 0; self->i < 3; self->i++) {
        AWAIT_UNTIL(++self->polls % 2 == 0);
    }
    ASYNC_RETURN(self->i);
    ASYNC_END;
}

static ASYNC numbers(struct numbers *self, int *out)
{
    ASYNC_BEGIN(self);
    for (self->i = 1; self->i <= 4; self->i++) {
        *out = self->i;
        ASYNC_YIELD();
    }
    ASYNC_END;
}

static ASYNC sums(struct sums *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        ASYNC_FOR(numbers, &self->numbers, &self->item) {
            self->sum += self->item;
        } ASYNC_FOR_END;
        ASYNC_RAISE(ASYNC_EUSER(3));
    } ASYNC_CATCH(self->e) {
        ASYNC_RETURN(self->sum);
    } ASYNC_TRY_END;
    ASYNC_END;
}

int main(void)
{
    static struct steps s;
    static struct sums t;
    int rc, calls = 0;

    do {
        rc = steps(&s);
        calls++;
    } while (rc == ASYNC_PENDING);
    return rc == 3 && calls == 4 && sums(&t) == 10
        && t.e == ASYNC_EUSER(3) ? 0 : 1;
}

/* group: tasks that cannot outlive a block.
 *
 *     make run DEMO=group
 *
 * The block ends when the last child has ended. If one fails, the others and
 * the block are cancelled, and the error is raised at the block's end. So when
 * the line after ASYNC_GROUP_END is reached, by whatever way, nothing of it
 * runs any more. */
#include "demo.h"

struct job {
    async_frame frame;
    async_member member;        /* the task, and its place in the group */
    const char *name;
    int seconds, result, outcome;
};

static ASYNC job(struct job *self)
{
    ASYNC_BEGIN(self);
    ASYNC_TRY {
        AWAIT(async_sleep(ASYNC_SEC(self->seconds)));
        say("  %s %s", self->name, self->result < 0 ? "fails" : "is done");
    } ASYNC_FINALLY(self->outcome) {
        if (self->outcome == ASYNC_CANCEL) {
            say("  %s was cancelled, and cleans up", self->name);
            AWAIT(async_sleep(ASYNC_MS(200)));
        }
    } ASYNC_TRY_END;
    ASYNC_RETURN(self->result);
    ASYNC_END;
}

struct program {
    async_frame frame;
    async_group group;
    async_timeout scope;
    struct job first, second, third;
    int error;
};

static void start(struct program *self, struct job *it, const char *name,
                  int seconds, int result)
{
    int err;

    it->name = name;
    it->seconds = seconds;
    it->result = result;
    err = async_group_spawn(&self->group, &it->member, job, it);
    if (err < 0) {
        say("%s is refused: %s", name, async_strerror(err));
    }
}

static ASYNC program(struct program *self)
{
    ASYNC_BEGIN(self);
    ASYNC_GROUP_BEGIN(&self->group) {
        start(self, &self->first, "first", 2, 10);
        start(self, &self->second, "second", 1, 20);
        say("the block has nothing more to do");
    } ASYNC_GROUP_END;
    say("results: %d, %d", async_result(&self->first.member.task),
        async_result(&self->second.member.task));

    title("One fails: the others and the block are cancelled");
    ASYNC_TRY {
        ASYNC_GROUP_BEGIN(&self->group) {
            start(self, &self->first, "first", 1, ASYNC_EIO);
            start(self, &self->second, "second", 5, 20);
            ASYNC_TRY {
                AWAIT(async_sleep(ASYNC_SEC(5)));
            } ASYNC_CATCH_ALL(self->error) {
                say("the block is struck");
                start(self, &self->third, "third", 1, 30);
                ASYNC_RAISE(self->error);
            } ASYNC_TRY_END;
        } ASYNC_GROUP_END;
    } ASYNC_CATCH(self->error) {
        say("raised: %s", async_strerror(self->error));
    } ASYNC_TRY_END;

    title("A limit around it");
    ASYNC_TRY {
        ASYNC_TIMEOUT_BEGIN(&self->scope, ASYNC_SEC(2)) {
            ASYNC_GROUP_BEGIN(&self->group) {
                start(self, &self->first, "first", 1, 10);
                start(self, &self->second, "second", 5, 20);
            } ASYNC_GROUP_END;
        } ASYNC_TIMEOUT_END;
    } ASYNC_CATCH(self->error) {
        say("raised: %s", async_strerror(self->error));
    } ASYNC_TRY_END;
    ASYNC_END;
}

int main(void)
{
    static struct program frame;

    title("The block waits for its children");
    return async_run(program, &frame);
}
